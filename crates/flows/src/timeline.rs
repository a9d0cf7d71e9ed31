//! Everything that happened with a customer, the latest first.

use std::collections::HashMap;

use commerce::orders_list::{self, OrderEvent};
use commerce::store as orders;
use customers::IdentityKind;
use customers::history::{self, Change, ChangeKind, IdentityDeed};
use customers::notes::{self, Note};
use kernel::{Cursor, CustomerId, Page, Person, Timestamp, TypedId, UserId};
use platform::{Ctx, DbError, Platform, Tx};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::engine::ShopBook;
use crate::fields;
use crate::list_customers::{After, PageLimit, Parsed};
use crate::list_orders::{self, OrderView};
use crate::people::People;

/// The kind of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimelineKind {
    /// An order was placed.
    Order,
    /// An order was paid.
    Payment,
    /// Something was refunded.
    Refund,
    /// A note was written.
    Note,
    /// Tags were put on, or taken off (`−` before their names).
    Tag,
    /// Another customer was merged into this one.
    Merge,
    /// A merge was undone.
    Unmerge,
    /// It came to another owner.
    Owner,
    /// An account, phone number or e-mail address was added, corrected or taken away by hand.
    Identity,
}

impl TimelineKind {
    const fn order_event(self) -> Option<OrderEvent> {
        match self {
            Self::Order => Some(OrderEvent::Placed),
            Self::Payment => Some(OrderEvent::Paid),
            Self::Refund => Some(OrderEvent::Refunded),
            Self::Note | Self::Tag | Self::Merge | Self::Unmerge | Self::Owner | Self::Identity => {
                None
            }
        }
    }

    const fn of_order(event: OrderEvent) -> Self {
        match event {
            OrderEvent::Placed => Self::Order,
            OrderEvent::Paid => Self::Payment,
            OrderEvent::Refunded => Self::Refund,
        }
    }

    /// Edits of name and rating are not shown.
    const fn of_change(change: ChangeKind) -> Option<Self> {
        match change {
            ChangeKind::Tag | ChangeKind::Untag => Some(Self::Tag),
            ChangeKind::Merge => Some(Self::Merge),
            ChangeKind::Unmerge => Some(Self::Unmerge),
            ChangeKind::Owner => Some(Self::Owner),
            ChangeKind::Identity => Some(Self::Identity),
            ChangeKind::Edit => None,
        }
    }
}

/// Kind and page of a timeline.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TimelineParams {
    /// Only items of this kind.
    pub kind: Option<TimelineKind>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    pub after: Option<Parsed<After<TimelineCursor>>>,
    /// Rows of a page: 1 to 200, 50 unless said.
    #[param(value_type = Option<u32>)]
    pub limit: Option<Parsed<PageLimit>>,
}

/// Position after one item: its moment, its id, and its rank among items of one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TimelineCursor(Timestamp, Uuid, u8);

/// One item.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TimelineItem {
    /// When.
    pub at: Timestamp,
    /// What kind.
    pub kind: TimelineKind,
    /// What was bought, the names of tags, the name of the other customer.
    pub title: String,
    /// The order, for `order`, `payment` and `refund`.
    pub order: Option<OrderView>,
    /// The note, for `note`.
    pub note: Option<Note>,
    /// Who did it, where a person did.
    pub actor: Option<UserId>,
    /// Name and e-mail address of that person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_person: Option<Person>,
    /// Whose it is since, for `owner`; their name is the title, which is empty for nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<UserId>,
    /// What was done with what, for `identity`; the value is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityChange>,
}

/// What somebody did with an account, phone number or e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct IdentityChange {
    /// What was done.
    pub deed: IdentityDeed,
    /// With what.
    pub of: IdentityKind,
}

type Placed = (TimelineCursor, TimelineItem);

/// One page of what happened with `customer` and those merged into it. `None` if there is no such
/// customer.
///
/// # Errors
/// As the database says.
pub async fn timeline(
    platform: &Platform,
    cx: &Ctx,
    customer: CustomerId,
    params: &TimelineParams,
) -> Result<Option<Page<TimelineItem>>, DbError> {
    let limit = params.limit.map_or(50, |limit| limit.0.0.get());
    let after = params.after.map(|after| after.0.0);
    let mut tx = platform.db.read_for(cx.scope).await?;
    let root = customers::roots::name_of(&mut tx, cx.scope, &[customer.uuid()]).await?;
    let family = list_orders::family_of(&mut tx, cx, customer).await?;
    if root.is_empty() || family.is_empty() {
        return Ok(None);
    }
    let reader = Reader { platform, cx, family: &family, kind: params.kind, after };
    let mut items = reader.orders(&mut tx, limit + 1).await?;
    items.extend(reader.notes(&mut tx, limit + 1).await?);
    items.extend(reader.changes(&mut tx, limit + 1).await?);
    items.sort_by_key(|item| std::cmp::Reverse(item.0));
    let more = items.len() > limit;
    items.truncate(limit);
    let keys = platform.keys(cx.scope.org());
    let named = |item: &TimelineItem| [item.actor, item.owner];
    let named: Vec<Option<UserId>> = items.iter().flat_map(|(_, item)| named(item)).collect();
    let people = People::look_up(&mut tx, cx, &keys, named).await?;
    tx.rollback().await?;
    for (_, item) in &mut items {
        item.actor_person = people.get(item.actor);
        if let Some(person) = people.get(item.owner) {
            item.title = person.name;
        }
        if let Some(note) = &mut item.note {
            note.author_person = people.get(note.author);
        }
    }
    let next = items.last().filter(|_| more).map(|(place, _)| Cursor::encode(place));
    Ok(Some(Page { items: items.into_iter().map(|(_, item)| item).collect(), next }))
}

struct Reader<'a> {
    platform: &'a Platform,
    cx: &'a Ctx,
    family: &'a [CustomerId],
    kind: Option<TimelineKind>,
    after: Option<TimelineCursor>,
}

impl Reader<'_> {
    fn wants(&self, kind: TimelineKind) -> bool {
        self.kind.is_none_or(|wanted| wanted == kind)
    }

    /// Names of tags, and of customers, are what fields hold.
    fn shows(&self, change: ChangeKind) -> bool {
        let rules = self.cx.access.fields();
        match change {
            ChangeKind::Tag | ChangeKind::Untag => !rules.hide(fields::TAGS),
            ChangeKind::Merge | ChangeKind::Unmerge => {
                // Who came without a name is called by one of these.
                let fields = [fields::NAME].into_iter().chain(fields::OF_IDENTITIES);
                fields.into_iter().all(|field| rules.show(field))
            }
            ChangeKind::Identity => !fields::OF_IDENTITIES.iter().any(|one| rules.hide(one)),
            ChangeKind::Edit | ChangeKind::Owner => true,
        }
    }

    fn family(&self) -> Vec<Uuid> {
        self.family.iter().map(|id| id.uuid()).collect()
    }

    /// Ids of notes and changes are met once, so their rank does not matter.
    fn before(&self) -> history::Before {
        self.after.map(|TimelineCursor(at, id, _)| (at, id))
    }

    async fn orders(&self, tx: &mut Tx, limit: usize) -> Result<Vec<Placed>, DbError> {
        let events: Vec<OrderEvent> = OrderEvent::ALL
            .into_iter()
            .filter(|event| self.wants(TimelineKind::of_order(*event)))
            .filter(|event| self.kind.is_none_or(|kind| kind.order_event() == Some(*event)))
            .collect();
        if events.is_empty() || !self.cx.access.permissions().allow("commerce.read") {
            return Ok(Vec::new());
        }
        let before = self.after.map(|TimelineCursor(at, id, rank)| (at, id, rank));
        let scope = self.cx.scope;
        let found = orders_list::events_of(tx, scope, self.family, &events, before, limit).await?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let mut ids: Vec<Uuid> = found.iter().map(|(_, id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        let rows = orders::orders(tx, scope, &ids).await?;
        let shops = ShopBook::read(tx, self.cx).await?;
        let views: HashMap<Uuid, OrderView> = list_orders::views(tx, self.cx, &shops, rows)
            .await?
            .into_iter()
            .map(|view| (view.id.uuid(), view))
            .collect();
        let item = |(at, id, event): (Timestamp, Uuid, OrderEvent)| {
            let order = views.get(&id)?.clone();
            let title = order.item_title.clone().unwrap_or_else(|| order.external_no.clone());
            let item = TimelineItem {
                at,
                kind: TimelineKind::of_order(event),
                title,
                order: Some(order),
                note: None,
                actor: None,
                actor_person: None,
                owner: None,
                identity: None,
            };
            Some((TimelineCursor(at, id, event as u8), item))
        };
        Ok(found.into_iter().filter_map(item).collect())
    }

    async fn notes(&self, tx: &mut Tx, limit: usize) -> Result<Vec<Placed>, DbError> {
        if !self.wants(TimelineKind::Note) || self.cx.access.fields().hide(fields::NOTES) {
            return Ok(Vec::new());
        }
        let keys = self.platform.keys(self.cx.scope.org());
        let (family, before) = (self.family(), self.before());
        let found = notes::notes(tx, self.cx.scope, &keys, &family, before, limit as u16).await?;
        let item = |note: Note| {
            let item = TimelineItem {
                at: note.created_at,
                kind: TimelineKind::Note,
                title: String::new(),
                actor: note.author,
                actor_person: None,
                order: None,
                note: Some(note.clone()),
                owner: None,
                identity: None,
            };
            (TimelineCursor(note.created_at, note.id.uuid(), 0), item)
        };
        Ok(found.into_iter().map(item).collect())
    }

    async fn changes(&self, tx: &mut Tx, limit: usize) -> Result<Vec<Placed>, DbError> {
        let kinds: Vec<ChangeKind> = ChangeKind::ALL
            .into_iter()
            .filter(|change| TimelineKind::of_change(*change).is_some_and(|kind| self.wants(kind)))
            .filter(|change| self.shows(*change))
            .collect();
        if kinds.is_empty() {
            return Ok(Vec::new());
        }
        let (family, before) = (self.family(), self.before());
        let found =
            history::history(tx, self.cx.scope, &family, &kinds, before, limit as u16).await?;
        // Two that were parted may be looked after by different people.
        let others: Vec<Uuid> =
            found.iter().filter_map(|entry| entry.change.other()).map(|id| id.uuid()).collect();
        let seen = customers::reach::within(tx, self.cx, &others).await?;
        let item = |entry: history::Entry| {
            let kind = TimelineKind::of_change(entry.change.kind())?;
            let title = match &entry.change {
                Change::Untag { .. } => format!("−{}", entry.change.title()),
                other if other.other().is_some_and(|id| !seen.contains(&id.uuid())) => {
                    String::new()
                }
                other => other.title(),
            };
            let item = TimelineItem {
                at: entry.at,
                kind,
                title,
                order: None,
                note: None,
                actor: entry.actor,
                actor_person: None,
                owner: match entry.change {
                    Change::Owner { to, .. } => to,
                    _ => None,
                },
                identity: match entry.change {
                    Change::Identity { deed, of } => Some(IdentityChange { deed, of }),
                    _ => None,
                },
            };
            Some((TimelineCursor(entry.at, entry.id, 0), item))
        };
        Ok(found.into_iter().filter_map(item).collect())
    }
}
