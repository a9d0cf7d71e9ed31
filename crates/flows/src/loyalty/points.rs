//! Points as pages see them: what a customer has, the ledger with names, adjustments by two persons, reports.

use std::collections::HashMap;

use chrono::{Datelike as _, NaiveDate};
use customers::roots;
use kernel::{
    AdjustmentId, Currency, CustomerId, FieldErrors, Limit, Page, Person, PointsEntryId,
    ProgrammeId, Timestamp, TypedId as _, Zone,
};
use loyalty::Holder;
use loyalty::points::adjust::{self, Adjustment, State};
use loyalty::points::ledger::{self, Entry, EntryFilter, Posting};
use loyalty::points::liability::{self, Liability};
use loyalty::points::lots::{self, Lot};
use loyalty::points::programme::{self, Programme};
use loyalty::points::rules::{Amounts, Rules};
use loyalty::points::statement::{self, Standing, Statement};
use loyalty::points::{Balance, PointsError, award};
use platform::retention::DAY_MILLIS;
use platform::{Ctx, ListError, Tx};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{MemberError, family};
use crate::fields;
use crate::people::People;

/// Lots shown of one customer and programme.
const LOTS: usize = 100;

/// What a customer has in one programme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CustomerPoints {
    /// The programme.
    pub programme: ProgrammeId,
    /// Its name.
    pub name: String,
    /// The currency in which points are worth something.
    pub currency: Currency,
    /// Adjustments of more points than this wait for a second person.
    pub approve_above: i64,
    /// As posted, of the whole family.
    pub balance: Balance,
    /// What can be spent now.
    pub spendable: i64,
    /// What these are worth, in minor units, rounded up.
    pub spendable_minor: i64,
    /// Lots in which something is left, in the order in which they are spent; the first 100.
    pub lots: Vec<Lot>,
}

/// What `customer` has in every programme, by the names of the programmes.
///
/// # Errors
/// `NoCustomer`.
pub async fn of_customer(
    tx: &mut Tx,
    cx: &Ctx,
    customer: CustomerId,
) -> Result<Vec<CustomerPoints>, MemberError> {
    let holder = family(tx, cx, customer).await?.holder();
    let mut all = Vec::new();
    for programme in programme::all(tx, cx.scope).await? {
        let Standing { balance, spendable } =
            statement::standing(tx, cx.scope, &programme, &holder, cx.now()).await?;
        let lots = lots::open_lots(tx, cx.scope, &programme, &holder, LOTS).await?;
        all.push(CustomerPoints {
            programme: programme.id,
            name: programme.name,
            currency: programme.currency,
            approve_above: programme.rules.approve_above,
            balance,
            spendable,
            spendable_minor: programme.rules.value_minor_of(spendable),
            lots,
        });
    }
    Ok(all)
}

async fn programme_of(tx: &mut Tx, cx: &Ctx, id: ProgrammeId) -> Result<Programme, MemberError> {
    Ok(programme::get(tx, cx.scope, id).await?.ok_or(PointsError::NoProgramme)?)
}

/// What `customer` has in a programme, and a page of how it came to it.
///
/// # Errors
/// `NoCustomer`, `NoProgramme`, `Cursor`.
pub async fn statement(
    tx: &mut Tx,
    cx: &Ctx,
    customer: CustomerId,
    programme: ProgrammeId,
    after: Option<&str>,
    limit: Limit,
) -> Result<Statement, MemberError> {
    let holder = family(tx, cx, customer).await?.holder();
    let programme = programme_of(tx, cx, programme).await?;
    let found =
        statement::statement(tx, cx.scope, &programme, &holder, cx.now(), after, limit).await?;
    Ok(found.map_err(ListError::from)?)
}

/// An entry of the ledger, with names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerEntry {
    /// The entry.
    #[serde(flatten)]
    pub entry: Entry,
    /// Whose points moved, as lists show names.
    pub customer_name: Option<String>,
    /// Who did it.
    pub actor_person: Option<Person>,
}

/// A line of an entry, with names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerPosting {
    /// The line.
    #[serde(flatten)]
    pub posting: Posting,
    /// Whose account it is.
    pub customer_name: Option<String>,
}

/// An entry with its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerEntryCard {
    /// The entry.
    #[serde(flatten)]
    pub entry: LedgerEntry,
    /// Its lines; all of them sum to zero.
    pub postings: Page<LedgerPosting>,
}

async fn names(
    tx: &mut Tx,
    cx: &Ctx,
    ids: impl Iterator<Item = Option<CustomerId>>,
) -> Result<HashMap<Uuid, (Uuid, String)>, MemberError> {
    let ids: Vec<Uuid> = ids.flatten().map(|id| id.uuid()).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(customers::names::shown(tx, cx, &ids).await?)
}

fn name(names: &HashMap<Uuid, (Uuid, String)>, id: Option<CustomerId>) -> Option<String> {
    names.get(&id?.uuid()).map(|(_, name)| name.clone())
}

async fn with_names(
    tx: &mut Tx,
    cx: &Ctx,
    entries: Vec<Entry>,
) -> Result<Vec<LedgerEntry>, MemberError> {
    let people = People::look_up(tx, cx, &cx.keys(), entries.iter().map(|one| one.actor)).await?;
    let names = names(tx, cx, entries.iter().map(|one| one.customer)).await?;
    let named = entries.into_iter().map(|entry| LedgerEntry {
        customer_name: name(&names, entry.customer),
        actor_person: people.get(entry.actor),
        entry,
    });
    Ok(named.collect())
}

/// What a ledger is browsed by; the customer stands for its family.
#[derive(Debug, Clone, Default)]
pub struct LedgerFilter {
    /// All but the customer.
    pub entries: EntryFilter,
    /// Of this one's points.
    pub customer: Option<CustomerId>,
}

/// A page of the ledger, the newest entry first.
///
/// # Errors
/// `NoCustomer`, `Cursor`.
pub async fn entries(
    tx: &mut Tx,
    cx: &Ctx,
    filter: LedgerFilter,
    after: Option<&str>,
    limit: Limit,
) -> Result<Page<LedgerEntry>, MemberError> {
    let mut wanted = filter.entries;
    if let Some(customer) = filter.customer {
        wanted.customers = Some(family(tx, cx, customer).await?.members);
    }
    let Page { items, next } = ledger::entries(tx, cx.scope, &wanted, after, limit).await?;
    Ok(Page { items: with_names(tx, cx, items).await?, next })
}

/// An entry with a page of its lines.
///
/// # Errors
/// `NoEntry`, `Cursor`.
pub async fn entry(
    tx: &mut Tx,
    cx: &Ctx,
    id: PointsEntryId,
    after: Option<&str>,
    limit: Limit,
) -> Result<LedgerEntryCard, MemberError> {
    let found = ledger::entry(tx, cx.scope, id).await?.ok_or(MemberError::NoEntry)?;
    let postings = ledger::postings(tx, cx.scope, id, None, after, limit).await?;
    card(tx, cx, found, postings).await
}

/// An entry as far as it is about `customer`: of a batch over many customers their own lines alone.
///
/// # Errors
/// `NoCustomer`, `NoEntry`.
pub async fn entry_of_customer(
    tx: &mut Tx,
    cx: &Ctx,
    customer: CustomerId,
    id: PointsEntryId,
) -> Result<LedgerEntryCard, MemberError> {
    let members = family(tx, cx, customer).await?.members;
    let mut found = ledger::entry(tx, cx.scope, id).await?.ok_or(MemberError::NoEntry)?;
    let limit = Limit::new(Some(Limit::MAX.into())).map_err(|_| MemberError::NoEntry)?;
    let all = ledger::postings(tx, cx.scope, id, None, None, limit).await?;
    // Also an entry of its own may have lines of others: of who was of the family when it was written.
    let is_theirs =
        |posting: &Posting| posting.customer.is_none_or(|whose| members.contains(&whose));
    let is_all = found.customer.is_some_and(|whose| members.contains(&whose))
        && all.next.is_none()
        && all.items.iter().all(is_theirs);
    let postings = if is_all {
        all
    } else {
        ledger::postings(tx, cx.scope, id, Some(&members), None, limit).await?
    };
    if !is_all {
        let points = || postings.items.iter().map(|posting| posting.points);
        if postings.items.is_empty() {
            return Err(MemberError::NoEntry);
        }
        found.customer = found.customer.filter(|whose| members.contains(whose));
        found.moved = points().filter(|points| *points > 0).sum();
        found.change = points().sum();
    }
    card(tx, cx, found, postings).await
}

async fn card(
    tx: &mut Tx,
    cx: &Ctx,
    entry: Entry,
    postings: Page<Posting>,
) -> Result<LedgerEntryCard, MemberError> {
    let names = names(tx, cx, postings.items.iter().map(|one| one.customer)).await?;
    let items = postings
        .items
        .into_iter()
        .map(|posting| LedgerPosting { customer_name: name(&names, posting.customer), posting });
    let postings = Page { items: items.collect(), next: postings.next };
    let entry = with_names(tx, cx, vec![entry]).await?.pop().ok_or(MemberError::NoEntry)?;
    Ok(LedgerEntryCard { entry, postings })
}

/// An adjustment that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct PointsAdjusted {
    /// Its id.
    pub id: AdjustmentId,
    /// Whether it is in the ledger, or waits for a second person.
    pub state: State,
}

/// A change of points by hand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustBody {
    /// Of which programme.
    pub programme: ProgrammeId,
    /// How many; negative ones are taken.
    pub points: i64,
    /// Why: 1 to 500 characters.
    pub reason: String,
}

/// Gives or takes points of `customer` by hand.
///
/// # Errors
/// `NoCustomer`, `NoProgramme`; as [`adjust::ask`].
pub async fn adjust(
    tx: &mut Tx,
    cx: &Ctx,
    customer: CustomerId,
    body: &AdjustBody,
) -> Result<PointsAdjusted, MemberError> {
    let holder = family(tx, cx, customer).await?.holder();
    let programme = programme_of(tx, cx, body.programme).await?;
    let (id, state) = adjust::ask(tx, cx, &programme, &holder, body.points, &body.reason).await?;
    Ok(PointsAdjusted { id, state })
}

/// Posts or refuses an adjustment that waits, for the family that its customer belongs to by now.
///
/// # Errors
/// As [`adjust::decide`].
pub async fn decide(
    tx: &mut Tx,
    cx: &Ctx,
    id: AdjustmentId,
    approve: bool,
) -> Result<(), PointsError> {
    let customer = adjust::customer_of(tx, cx.scope, id).await?;
    let customer = customer.ok_or(PointsError::NoAdjustment)?.uuid();
    let root = roots::roots(tx, cx.scope, &[customer]).await?.remove(&customer);
    let root = root.unwrap_or(customer);
    let members = roots::family(tx, cx.scope, root).await?;
    let members: Vec<CustomerId> = members.into_iter().map(CustomerId::from_uuid).collect();
    let holder = Holder::new(CustomerId::from_uuid(root), &members);
    adjust::decide(tx, cx, id, approve, &holder).await
}

/// An adjustment that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WaitingAdjustment {
    /// The adjustment.
    #[serde(flatten)]
    pub adjustment: Adjustment,
    /// The name of its programme.
    pub programme_name: String,
    /// Whose points, as lists show names.
    pub customer_name: Option<String>,
    /// Who asked for it.
    pub asked_by_person: Option<Person>,
    /// Whether whoever looks asked for it, and so cannot decide.
    pub own: bool,
}

/// Adjustments that wait for a second person, the oldest first.
///
/// # Errors
/// As the database says.
pub async fn waiting(tx: &mut Tx, cx: &Ctx) -> Result<Vec<WaitingAdjustment>, MemberError> {
    let keys = cx.keys();
    let found = adjust::waiting(tx, cx.scope, &keys).await?;
    let people = People::look_up(tx, cx, &keys, found.iter().map(|one| one.asked_by)).await?;
    // Whoever wrote a reason may have written what notes tell.
    let hides_reasons = cx.access.fields().hide(fields::NOTES);
    let names = names(tx, cx, found.iter().map(|one| Some(one.customer))).await?;
    let programmes: HashMap<ProgrammeId, String> =
        programme::newest(tx, cx.scope).await?.into_iter().map(|one| (one.id, one.name)).collect();
    let hidden = |mut adjustment: Adjustment| {
        adjustment.reason = adjustment.reason.filter(|_| !hides_reasons);
        adjustment
    };
    let waiting = found.into_iter().map(hidden).map(|adjustment| WaitingAdjustment {
        programme_name: programmes.get(&adjustment.programme).cloned().unwrap_or_default(),
        customer_name: name(&names, Some(adjustment.customer)),
        asked_by_person: people.get(adjustment.asked_by),
        own: adjustment.asked_by == cx.scope.user_id(),
        adjustment,
    });
    Ok(waiting.collect())
}

/// What is given for something other than an order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AwardBody {
    /// By which programme.
    pub programme: ProgrammeId,
    /// What for: `sign_in`, `review`, `birthday`, or a name of the programme's own.
    pub activity: String,
    /// What makes it happen once, such as the id of the review: the same again gives nothing.
    pub key: String,
}

/// Longest key of an award, in characters.
const KEY_MAX: usize = 200;

/// What a customer has in a programme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct PointsStanding {
    /// As posted.
    pub balance: Balance,
    /// What can be spent now.
    pub spendable: i64,
}

/// Gives `customer` what a programme says for an activity; tells what they have then.
///
/// # Errors
/// `NoCustomer`, `NoProgramme`; as [`award::award`].
pub async fn give_award(
    tx: &mut Tx,
    cx: &Ctx,
    customer: CustomerId,
    body: &AwardBody,
) -> Result<PointsStanding, MemberError> {
    if body.key.is_empty() || body.key.chars().count() > KEY_MAX {
        let mut errors = FieldErrors::default();
        errors.push("key", format!("must have 1 to {KEY_MAX} characters"));
        errors.finish(|| Some(())).map_err(PointsError::from)?;
    }
    let holder = family(tx, cx, customer).await?.holder();
    let programme = programme_of(tx, cx, body.programme).await?;
    award::award(tx, cx, &programme, &holder, &body.activity, &body.key).await?;
    let standing = statement::standing(tx, cx.scope, &programme, &holder, cx.now()).await?;
    Ok(PointsStanding { balance: standing.balance, spendable: standing.spendable })
}

/// What is owed at the end of day `at` (now, without one) in a programme, with the movements since the beginning of
/// day `from` (without one: of that month).
///
/// # Errors
/// `NoProgramme`, `Fields` if `from` is behind `at`.
pub async fn liability(
    tx: &mut Tx,
    cx: &Ctx,
    programme: ProgrammeId,
    from: Option<NaiveDate>,
    at: Option<NaiveDate>,
) -> Result<Liability, MemberError> {
    let programme = programme_of(tx, cx, programme).await?;
    let zone = programme.zone;
    let last = at.unwrap_or_else(|| cx.now().day(zone));
    let until = match at {
        Some(day) => Timestamp::start_of(day.succ_opt().unwrap_or(day), zone),
        None => cx.now(),
    };
    let first = from.or_else(|| last.with_day(1)).unwrap_or(last);
    if first > last {
        let mut errors = FieldErrors::default();
        errors.push("from", "must not be after the other end");
        errors.finish(|| Some(())).map_err(PointsError::from)?;
    }
    let from = Timestamp::start_of(first, zone);
    Ok(liability::liability(tx, cx.scope, &programme, from, until).await?)
}

/// An order whose points are to be shown while a programme is edited.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PointsExampleBody {
    /// What the programme would say.
    #[schema(value_type = loyalty::points::rules::Rules)]
    pub rules: Rules,
    /// Its zone: seconds east of UTC.
    pub zone: i32,
    /// What was paid for the order now, in minor units.
    pub paid_minor: i64,
    /// The multiplier of the customer's level, in thousandths; 1000 if it is not said.
    #[serde(default)]
    pub level_permille: Option<i64>,
}

/// What an order that is paid now would earn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PointsExample {
    /// Points.
    pub points: i64,
    /// From when on they can be used.
    pub usable_from: Timestamp,
    /// The first moment in which they cannot be used any more; null: never.
    pub expires_at: Option<Timestamp>,
    /// What they are worth in minor units, rounded up.
    pub value_minor: i64,
}

/// What an order that is paid now would earn by rules that need not be kept.
///
/// # Errors
/// `Fields`.
pub fn example(cx: &Ctx, body: &PointsExampleBody) -> Result<PointsExample, PointsError> {
    let mut errors = FieldErrors::default();
    let zone = Zone::from_offset_seconds(body.zone);
    if zone.is_none() {
        errors.push("zone", "must be within 18 hours of UTC, in seconds");
    }
    if let Err(wrong) = body.rules.check() {
        for error in wrong.into_vec() {
            errors.push(format!("rules.{}", error.field), error.message);
        }
    }
    let zone = errors.finish(|| zone)?;
    let rules = &body.rules;
    let earned = rules.points_of(Amounts {
        paid_minor: body.paid_minor,
        refunded_minor: 0,
        lines: &[],
        level_permille: body.level_permille.unwrap_or(1_000),
    });
    let points = earned.min(rules.day_cap.unwrap_or(i64::MAX));
    let usable_from = cx.now().plus_millis(i64::from(rules.pending_days) * DAY_MILLIS);
    Ok(PointsExample {
        points,
        usable_from,
        expires_at: rules.expires_at(usable_from, zone),
        value_minor: rules.value_minor_of(points),
    })
}
