//! What of a class is older than its rule allows, page by page. Changes nothing.

use commerce::retention as orders;
use customers::retention as people;
use kernel::{
    ConsentId, CustomerId, ImportId, NoteId, OrderId, PersonRequestId, Timestamp, TypedId as _,
};
use platform::{Ctx, DbError, Tx};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::DataClass;

/// Where to go on. Each class uses what it is in order by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// 0 while records are gone through, 1 for what is kept beside them.
    pub step: u8,
    /// Whether what is kept beside the records has to be gone through behind them.
    pub owed: bool,
    pub numbers: (i64, i64),
    pub ids: (Uuid, Uuid),
}

impl Place {
    /// Before everything.
    pub fn begin() -> Self {
        Self { numbers: (i64::MIN, i64::MIN), ..Self::default() }
    }

    /// What is kept beside the records, from its beginning.
    pub fn beside() -> Self {
        Self { step: 1, owed: true, ..Self::begin() }
    }

    fn is_begin(&self) -> bool {
        *self == Self { owed: self.owed, ..Self::begin() }
    }

    pub fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|_| Self::begin())
    }

    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A record whose time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Record {
    Order(OrderId),
    Customer(CustomerId),
    Note(CustomerId, NoteId),
    Import(ImportId, i64),
    Evidence(CustomerId, ConsentId),
    Request(CustomerId, PersonRequestId),
}

impl Record {
    /// What it is shown as: itself where it has a page, otherwise the customer it is of.
    pub fn shown(&self) -> String {
        match self {
            Self::Order(id) => id.to_string(),
            Self::Import(id, _) => id.to_string(),
            Self::Customer(id)
            | Self::Note(id, _)
            | Self::Evidence(id, _)
            | Self::Request(id, _) => id.to_string(),
        }
    }
}

/// Some of what is due.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// The records, and from when on their days are counted.
    pub records: Vec<(Record, Timestamp)>,
    /// Records that are as old and stay, because something of them is not at its end.
    pub held_back: u64,
    /// Where to go on; `None` at the end.
    pub next: Option<Place>,
}

/// The records of `class` that were until `cutoff`, behind `place`; about `limit` are looked at.
pub(super) async fn page(
    tx: &mut Tx,
    cx: &Ctx,
    class: DataClass,
    cutoff: Timestamp,
    place: Place,
    limit: i64,
) -> Result<Page, DbError> {
    let scope = cx.scope;
    let mut page = Page::default();
    let is_full = |found: usize| found as i64 >= limit;
    match class {
        DataClass::EndedOrders => {
            let after = (place.numbers.0, place.ids.0);
            let found = orders::ended_orders(tx, scope, cutoff, after, limit).await?;
            if let Some(last) = found.last().filter(|_| is_full(found.len())) {
                let numbers = (last.ordered_at.millis(), 0);
                page.next = Some(Place { numbers, ids: (last.id.uuid(), Uuid::nil()), ..place });
            }
            page.records =
                found.into_iter().map(|one| (Record::Order(one.id), one.ended_at)).collect();
        }
        DataClass::InactiveCustomers => {
            let (found, next) = people::quiet(tx, scope, cutoff, place.ids.0, limit).await?;
            page.next = next.map(|id| Place { ids: (id, Uuid::nil()), ..place });
            (page.records, page.held_back) = inactive(tx, cx, cutoff, found).await?;
        }
        DataClass::Notes => {
            let found = people::old_notes(tx, scope, cutoff, place.ids, limit).await?;
            if let Some(last) = found.last().filter(|_| is_full(found.len())) {
                let ids = (last.customer.uuid(), last.note.uuid());
                page.next = Some(Place { ids, ..place });
            }
            let record = |one: people::OldNote| (Record::Note(one.customer, one.note), one.at);
            page.records = found.into_iter().map(record).collect();
        }
        DataClass::Imports => {
            let found = orders::ended_imports(tx, scope, cutoff, place.numbers.0, limit).await?;
            if let Some(last) = found.last().filter(|_| is_full(found.len())) {
                page.next = Some(Place { numbers: (last.number, 0), ..place });
            }
            let record =
                |one: orders::EndedImport| (Record::Import(one.id, one.number), one.finished_at);
            page.records = found.into_iter().map(record).collect();
        }
        DataClass::ConsentEvidence => {
            let (found, next) = people::old_evidence(tx, scope, cutoff, place.ids.0, limit).await?;
            page.next = next.map(|id| Place { ids: (id, Uuid::nil()), ..place });
            let record = |one: people::OldEvidence| {
                (Record::Evidence(one.customer, one.consent), one.ended_at)
            };
            page.records = found.into_iter().map(record).collect();
        }
        DataClass::ClosedRequests => {
            let found = people::closed_requests(tx, scope, cutoff, place.ids.0, limit).await?;
            if let Some(last) = found.last().filter(|_| is_full(found.len())) {
                page.next = Some(Place { ids: (last.id.uuid(), Uuid::nil()), ..place });
            }
            let record = |one: people::ClosedRequest| {
                (Record::Request(one.customer, one.id), one.finished_at)
            };
            page.records = found.into_iter().map(record).collect();
        }
    }
    if place.is_begin() {
        page.held_back += held_back(tx, cx, class, cutoff).await?;
    }
    Ok(page)
}

/// Those of `quiet` with whose orders nothing happened either, and how many stay because they have running
/// orders or ask something of us.
pub(super) async fn inactive(
    tx: &mut Tx,
    cx: &Ctx,
    cutoff: Timestamp,
    quiet: Vec<people::Quiet>,
) -> Result<(Vec<(Record, Timestamp)>, u64), DbError> {
    let members: Vec<Uuid> = quiet.iter().flat_map(|one| &one.family).map(|id| id.uuid()).collect();
    let activity = orders::activity(tx, cx.scope, &members).await?;
    let (mut records, mut held_back) = (Vec::new(), 0);
    for one in quiet {
        let of_family = || one.family.iter().filter_map(|member| activity.get(&member.uuid()));
        let last = of_family().filter_map(|orders| orders.last).fold(one.last, Timestamp::max);
        if last > cutoff {
            continue;
        }
        if one.is_asking || of_family().any(|orders| orders.running > 0) {
            held_back += 1;
        } else {
            records.push((Record::Customer(one.root), last));
        }
    }
    Ok((records, held_back))
}

async fn held_back(
    tx: &mut Tx,
    cx: &Ctx,
    class: DataClass,
    cutoff: Timestamp,
) -> Result<u64, DbError> {
    match class {
        DataClass::EndedOrders => orders::running_orders(tx, cx.scope, cutoff).await,
        DataClass::Imports => orders::stopped_imports(tx, cx.scope, cutoff).await,
        _ => Ok(0),
    }
}
