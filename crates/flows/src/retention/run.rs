//! Removes what is older than the rules allow, batch by batch. Each batch is one transaction with its entry in
//! the audit log and the place where to go on, so that a killed run goes on behind the last one.

use commerce::retention as orders;
use customers::erase::{self as erasing, ErasureReason};
use customers::retention as people;
use kernel::{CustomerId, NoteId, OrderId, PersonRequestId, Timestamp, TypedId as _};
use platform::audit::{self, Entry};
use platform::retention::{self as store, Run};
use platform::{Ctx, DbError, Platform, Tx};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::DataClass;
use super::due::{self, Place, Record};
use crate::engine::distrust;
use crate::erase_customer;

/// How many records of a class are looked at for one batch.
const fn batch(class: DataClass) -> i64 {
    match class {
        DataClass::EndedOrders => 2_000,
        // Each batch reads all undo images and rejected rows, and holds the importers up meanwhile.
        DataClass::InactiveCustomers => 200,
        DataClass::Notes | DataClass::ConsentEvidence | DataClass::ClosedRequests => 500,
        // An import may have a million rejected rows.
        DataClass::Imports => 1,
    }
}

/// Rejected rows and undo images of an import that go in one transaction.
const OF_IMPORT: i64 = 5_000;

/// How much of a class went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    /// The class.
    pub class: DataClass,
    /// Records, since the run began, also before it was stopped.
    pub removed: u64,
}

/// What one batch did.
#[derive(Debug, Default)]
struct Done {
    records: u64,
    /// Undo images and entries of the audit log that went with them.
    undo_images: u64,
    audit_entries: u64,
    /// Whether the same place has more.
    again: bool,
}

/// Removes what is older than the rules allow, of all classes that have one. Goes on with what an earlier call
/// did not end; `cancel` stops it between two batches. A rule that is lifted or made longer meanwhile ends the
/// run of its class.
///
/// # Errors
/// As the database says of the first class that could not be done; the others were. What was removed until then stays so.
pub async fn run(
    platform: &Platform,
    cx: &Ctx,
    cancel: &CancellationToken,
) -> Result<Vec<Removed>, DbError> {
    run_in_batches(platform, cx, cancel, None).await
}

/// As [`run`], with at most so many records to a batch; tests cut few records into many.
///
/// # Errors
/// As [`run`].
pub async fn run_in_batches(
    platform: &Platform,
    cx: &Ctx,
    cancel: &CancellationToken,
    most: Option<i64>,
) -> Result<Vec<Removed>, DbError> {
    let (mut all, mut failed) = (Vec::new(), None);
    for class in DataClass::ALL {
        if cancel.is_cancelled() {
            break;
        }
        let limit = most.map_or(batch(class), |most| most.min(batch(class)));
        match run_class(platform, cx, cancel, class, limit).await {
            Ok(removed) => all.extend(removed.map(|removed| Removed { class, removed })),
            Err(error) => {
                tracing::error!(class = class.name(), %error, "data stays whose time is over");
                failed.get_or_insert(error);
            }
        }
    }
    failed.map_or(Ok(all), Err)
}

async fn run_class(
    platform: &Platform,
    cx: &Ctx,
    cancel: &CancellationToken,
    class: DataClass,
    limit: i64,
) -> Result<Option<u64>, DbError> {
    let Some(run) = begin(platform, cx, class).await? else { return Ok(None) };
    Worker { platform, cx, class, limit, run }.work(cancel).await.map(Some)
}

/// The run of `class` to be done now: the one that did not end, if the rule is still the same, or a new one.
async fn begin(platform: &Platform, cx: &Ctx, class: DataClass) -> Result<Option<Run>, DbError> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let rule = store::keep_days(&mut tx, cx.scope, class.name()).await?;
    let runs = store::runs(&mut tx, cx.scope).await?;
    tx.rollback().await?;
    let Some(keep_days) = rule else { return Ok(None) };
    let open = runs.into_iter().find(|run| run.class == class.name() && run.finished_at.is_none());
    let owed = open.is_some();
    let open = open.filter(|run| run.keep_days == keep_days);
    Ok(Some(open.unwrap_or_else(|| Run {
        class: class.name().to_owned(),
        keep_days,
        cutoff: store::cutoff(cx.now(), keep_days),
        place: Place { owed, ..Place::begin() }.text(),
        removed: 0,
        began_at: cx.now(),
        finished_at: None,
    })))
}

struct Worker<'a> {
    platform: &'a Platform,
    cx: &'a Ctx,
    class: DataClass,
    limit: i64,
    run: Run,
}

impl Worker<'_> {
    async fn work(mut self, cancel: &CancellationToken) -> Result<u64, DbError> {
        let mut place = Some(Place::parse(&self.run.place));
        let mut erased = false;
        while let Some(at) = place {
            if cancel.is_cancelled() {
                return Ok(self.run.removed);
            }
            let (records, following) = self.find(at).await?;
            if at.step == 0 && records.is_empty() && following.is_some() {
                place = following;
                continue;
            }
            let is_of_customers = self.class == DataClass::InactiveCustomers && at.step == 0;
            let erases = is_of_customers && !records.is_empty();
            if erases {
                distrust(self.platform, self.cx.scope.org()).await?;
            }
            let mut tx = self.platform.db.begin_for(self.cx.scope).await?;
            if store::keep_days(&mut tx, self.cx.scope, self.class.name()).await?
                != Some(self.run.keep_days)
            {
                // Somebody changed the rule; the next run is as it says now.
                tx.rollback().await?;
                return Ok(self.run.removed);
            }
            let (done, following) = match at.step {
                0 => (self.remove(&mut tx, &records).await?, following),
                _ => self.remove_beside(&mut tx, at).await?,
            };
            let owed = at.owed || done.records > 0;
            place = match following {
                _ if done.again => Some(at),
                Some(next) => Some(Place { owed, ..next }),
                None if at.step == 0 => self.beside(owed),
                None => None,
            };
            let mut run = self.run.clone();
            run.removed += done.records;
            run.place = place.unwrap_or_else(Place::begin).text();
            run.finished_at = place.is_none().then(|| self.cx.now());
            self.record(&mut tx, &done).await?;
            store::note(&mut tx, self.cx.scope, &run).await?;
            tx.commit().await?;
            self.run = run;
            if erases && done.records > 0 {
                erased = true;
                distrust(self.platform, self.cx.scope.org()).await?;
            }
        }
        if erased {
            erase_customer::note(self.platform, self.cx).await;
        }
        Ok(self.run.removed)
    }

    /// The records of the next batch, and where the one behind it begins.
    async fn find(&self, at: Place) -> Result<(Vec<Record>, Option<Place>), DbError> {
        if at.step > 0 {
            return Ok((Vec::new(), None));
        }
        let mut tx = self.platform.db.read_for(self.cx.scope).await?;
        let (class, cutoff) = (self.class, self.run.cutoff);
        let (mut records, mut place) = (Vec::new(), Some(at));
        // Few of those looked at may be due, and some batches cost as much for one as for all.
        while let Some(at) = place.filter(|_| (records.len() as i64) < self.limit) {
            let page = due::page(&mut tx, self.cx, class, cutoff, at, self.limit).await?;
            records.extend(page.records.into_iter().map(|(record, _)| record));
            place = page.next;
        }
        tx.rollback().await?;
        Ok((records, place))
    }

    /// What is to be gone through behind the records.
    fn beside(&self, owed: bool) -> Option<Place> {
        match self.class {
            // Undo images of orders whose books this run closed, or an earlier one that did not come so far.
            DataClass::EndedOrders => owed.then(Place::beside),
            DataClass::Notes => Some(Place::beside()),
            _ => None,
        }
    }

    async fn remove(&self, tx: &mut Tx, records: &[Record]) -> Result<Done, DbError> {
        let (cx, cutoff) = (self.cx, self.run.cutoff);
        let mut done = Done::default();
        match self.class {
            DataClass::EndedOrders => {
                let ids: Vec<OrderId> = records.iter().filter_map(order).collect();
                done.records = orders::forget_orders(tx, cx.scope, cutoff, &ids).await?;
            }
            DataClass::InactiveCustomers => {
                let ids: Vec<CustomerId> = records.iter().filter_map(customer).collect();
                done = self.erase(tx, cutoff, &ids).await?;
            }
            DataClass::Notes => {
                let ids: Vec<(CustomerId, NoteId)> = records.iter().filter_map(note).collect();
                done.records = people::forget_notes(tx, cx, cutoff, &ids).await?;
            }
            DataClass::Imports => {
                for record in records {
                    let Record::Import(_, number) = record else { continue };
                    let (could, is_empty) =
                        orders::forget_import(tx, cx, cutoff, *number, OF_IMPORT).await?;
                    done.records += u64::from(could);
                    done.again |= !is_empty;
                }
            }
            DataClass::ConsentEvidence => {
                let mut ids: Vec<CustomerId> = records.iter().filter_map(customer).collect();
                ids.dedup();
                let (gone, in_audit) = people::forget_evidence(tx, cx, cutoff, &ids).await?;
                (done.records, done.audit_entries) = (gone, in_audit);
            }
            DataClass::ClosedRequests => {
                let ids: Vec<(PersonRequestId, CustomerId)> =
                    records.iter().filter_map(request).collect();
                let (gone, in_audit) = people::forget_requests(tx, cx, cutoff, &ids).await?;
                (done.records, done.audit_entries) = (gone, in_audit);
            }
        }
        Ok(done)
    }

    /// Erases those of `ids` with whom still nothing has happened, now that their rows are held.
    async fn erase(
        &self,
        tx: &mut Tx,
        cutoff: Timestamp,
        ids: &[CustomerId],
    ) -> Result<Done, DbError> {
        let cx = self.cx;
        let keys = self.platform.keys(cx.scope.org());
        erasing::hold_importers(tx, cx).await?;
        let mut held = Vec::with_capacity(ids.len());
        for id in ids {
            held.extend(erasing::held(tx, cx, &keys, *id).await?);
        }
        // Two may have been merged since.
        held.sort_by_key(|one| one.root);
        held.dedup_by_key(|one| one.root);
        let tops: Vec<Uuid> = held.iter().map(|one| one.root.uuid()).collect();
        let quiet = people::quiet_among(tx, cx.scope, cutoff, &tops).await?;
        let (still, _) = due::inactive(tx, cx, cutoff, quiet).await?;
        let still: Vec<CustomerId> = still.iter().filter_map(|(one, _)| customer(one)).collect();
        held.retain(|one| one.erased_at.is_none() && still.contains(&one.root));
        if held.is_empty() {
            return Ok(Done::default());
        }
        let reason = ErasureReason::Retention;
        let erased = erase_customer::erase_in(tx, cx, &keys, &held, reason, None).await?;
        Ok(Done {
            records: held.len() as u64,
            undo_images: erased.undo_images,
            audit_entries: erased.audit_entries,
            again: false,
        })
    }

    /// Removes some of what is kept beside the records; gives where to go on.
    async fn remove_beside(
        &self,
        tx: &mut Tx,
        at: Place,
    ) -> Result<(Done, Option<Place>), DbError> {
        let mut done = Done::default();
        if self.class == DataClass::Notes {
            let gone = people::forget_notes_in_audit(tx, self.cx, self.run.cutoff).await?;
            done.audit_entries = gone as u64;
            return Ok((done, (gone > 0).then_some(at)));
        }
        let keys = self.platform.keys(self.cx.scope.org());
        let image = orders::forget_in_next_image(tx, self.cx, &keys, at.numbers).await?;
        let Some((numbers, changed)) = image else { return Ok((done, None)) };
        done.undo_images = u64::from(changed);
        Ok((done, Some(Place { numbers, ..at })))
    }

    /// Records what a batch removed, if anything.
    async fn record(&self, tx: &mut Tx, done: &Done) -> Result<(), DbError> {
        if done.records + done.undo_images + done.audit_entries == 0 {
            return Ok(());
        }
        let mut entry = Entry::new("platform.retention.remove")
            .on("retention", self.class.name())
            .with("class", self.class)
            .with("keep_days", self.run.keep_days)
            .with("cutoff", self.run.cutoff)
            .with("count", done.records);
        for (name, count) in
            [("undo_images", done.undo_images), ("audit_entries", done.audit_entries)]
        {
            if count > 0 {
                entry = entry.with(name, count);
            }
        }
        audit::record(tx, self.cx, entry).await.map(drop)
    }
}

const fn order(record: &Record) -> Option<OrderId> {
    if let Record::Order(id) = record { Some(*id) } else { None }
}

const fn customer(record: &Record) -> Option<CustomerId> {
    match record {
        Record::Customer(id) | Record::Evidence(id, _) => Some(*id),
        _ => None,
    }
}

const fn note(record: &Record) -> Option<(CustomerId, NoteId)> {
    if let Record::Note(customer, note) = record { Some((*customer, *note)) } else { None }
}

const fn request(record: &Record) -> Option<(PersonRequestId, CustomerId)> {
    if let Record::Request(customer, id) = record { Some((*id, *customer)) } else { None }
}
