//! Points given and taken by hand, for a reason, and by two persons where they are many.

use kernel::{AdjustmentId, CustomerId, FieldErrors, ProgrammeId, Timestamp, TypedId as _, UserId};
use platform::audit::{self, Entry};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Scope, Tx, args};
use serde::Serialize;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::account::{Account, Kind};
use super::desk::{Head, other};
use super::programme::{self, Programme};
use super::rules::POINTS_MAX;
use super::{Holder, PointsError, by_hand, store};

/// Name under which reasons are sealed.
pub(crate) const FIELD: &str = "loyalty.adjustment";
/// Longest reason, in characters.
pub const REASON_MAX: usize = 500;
/// Adjustments that wait for an approval, at most.
pub const WAITING_MAX: i64 = 1_000;

/// Where an adjustment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PointsAdjustmentState)]
pub enum State {
    /// For a second person.
    Waiting,
    /// In the ledger.
    Posted,
    /// Refused by the second person.
    Refused,
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Posted => "posted",
            Self::Refused => "refused",
        }
    }
}

/// A change of points by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PointsAdjustment)]
pub struct Adjustment {
    /// Its id.
    pub id: AdjustmentId,
    /// Of which programme.
    pub programme: ProgrammeId,
    /// Whose points.
    pub customer: CustomerId,
    /// How many; negative ones are taken.
    pub points: i64,
    /// Where it stands.
    pub state: State,
    /// Why; null once it was erased with the person.
    pub reason: Option<String>,
    /// Who asked for it; null for the program itself.
    pub asked_by: Option<UserId>,
    /// When.
    pub asked_at: Timestamp,
    /// Who decided, if it needed a second person.
    pub decided_by: Option<UserId>,
    /// When.
    pub decided_at: Option<Timestamp>,
}

/// Gives (or takes, if negative) points of `holder`: they are given to the root, and taken of the whole family as they are
/// spent. What is beyond that which the programme lets one person change on a day, in all, waits for [`decide`].
///
/// # Errors
/// `Fields`; `Insufficient` if more is taken than can be spent.
pub async fn ask(
    tx: &mut Tx,
    cx: &Ctx,
    programme: &Programme,
    holder: &Holder,
    points: i64,
    reason: &str,
) -> Result<(AdjustmentId, State), PointsError> {
    let reason = reason.trim();
    let mut errors = FieldErrors::default();
    if points == 0 || points.unsigned_abs() > POINTS_MAX.unsigned_abs() {
        errors.push("points", format!("must be up to {POINTS_MAX} either way, and not 0"));
    }
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        errors.push("reason", format!("must have 1 to {REASON_MAX} characters"));
    }
    errors.finish(|| Some(()))?;
    let id: AdjustmentId = cx.fresh();
    let customer = CustomerId::from_uuid(holder.root());
    let is_within = by_hand::count(tx, cx, programme, points).await?;
    let state = if is_within { State::Posted } else { State::Waiting };
    let made = tx
        .execute(
            "INSERT INTO loyalty_adjustments
                 (org_id, id, programme_id, customer_id, points, state, sealed, asked_by, asked_at)
             SELECT CAST($1 AS BIGINT), $2, $3, $4, $5, $6, $7, $8, $9
              WHERE $6 <> 'waiting' OR (SELECT COUNT(*) FROM loyalty_adjustments
                      WHERE org_id = $1 AND state = 'waiting') < $10",
            args![
                cx.scope.org_arg(),
                id.uuid(),
                programme.id.uuid(),
                customer,
                points,
                state.name(),
                cx.keys().seal(&*cx.ids, FIELD, reason.as_bytes()),
                cx.scope.user_id(),
                cx.now(),
                WAITING_MAX
            ],
        )
        .await?;
    if made != 1 {
        errors_full()?;
    }
    if state == State::Posted {
        post(tx, cx, programme, holder, points, id).await?;
    }
    let entry = Entry::new("loyalty.points.adjust")
        .on("customer", customer)
        .with("programme", programme.id)
        .with("adjustment", id)
        .with("points", points)
        .with("state", state)
        .personal("reason", reason);
    audit::record(tx, cx, entry).await?;
    Ok((id, state))
}

fn errors_full() -> Result<(), PointsError> {
    let mut errors = FieldErrors::default();
    errors.push("points", format!("{WAITING_MAX} adjustments wait already; decide on them first"));
    Ok(errors.finish(|| Some(()))?)
}

async fn post(
    tx: &mut Tx,
    cx: &Ctx,
    programme: &Programme,
    holder: &Holder,
    points: i64,
    id: AdjustmentId,
) -> Result<(), PointsError> {
    let mut desk = store::open(tx, cx, programme, holder.members()).await?;
    let mut postings = vec![other(Account::Adjusted, -points)];
    if points > 0 {
        let now = desk.now;
        let expires = programme.rules.expires_at(now, programme.zone);
        postings.push(desk.new_lot(holder.root(), None, points, now, expires));
    } else {
        let available = desk.spendable(holder.members());
        if available < -points {
            return Err(PointsError::Insufficient { available, wanted: -points });
        }
        for (lot, part) in desk.pick(holder.members(), -points) {
            postings.push(desk.on_lot(lot, Account::Available, -part)?);
        }
    }
    let head = Head::new(Kind::Adjust, holder.root(), format!("adjust:{}", id.uuid()));
    desk.post(head.of("adjustment", id.uuid()), programme.version, postings)?;
    let changed = store::close(tx, desk).await?;
    Ok(store::tell(tx, cx, programme, &changed).await?)
}

/// Whose points an adjustment is about, that waits or was decided on.
///
/// # Errors
/// As the database says.
pub async fn customer_of(
    tx: &mut Tx,
    scope: Scope,
    id: AdjustmentId,
) -> Result<Option<CustomerId>, DbError> {
    let found: Option<(Uuid,)> = tx
        .fetch_optional(
            "SELECT customer_id FROM loyalty_adjustments WHERE org_id = $1 AND id = $2",
            args![scope.org_arg(), id.uuid()],
        )
        .await?;
    Ok(found.map(|(customer,)| CustomerId::from_uuid(customer)))
}

/// Posts or refuses an adjustment that waits; `holder` is its customer with the family of now.
///
/// # Errors
/// `NoAdjustment` if none waits; `OwnAdjustment`; `Insufficient`.
pub async fn decide(
    tx: &mut Tx,
    cx: &Ctx,
    id: AdjustmentId,
    approve: bool,
    holder: &Holder,
) -> Result<(), PointsError> {
    let found = read(tx, cx.scope, &cx.keys(), "AND id = $2", vec![id.uuid().into()]).await?;
    let adjustment = found.into_iter().next().ok_or(PointsError::NoAdjustment)?;
    if adjustment.asked_by == cx.scope.user_id() {
        return Err(PointsError::OwnAdjustment);
    }
    let state = if approve { State::Posted } else { State::Refused };
    // Of two who decide at the same moment one finds it waiting.
    let changed = tx
        .execute(
            "UPDATE loyalty_adjustments SET state = $3, decided_by = $4, decided_at = $5
              WHERE org_id = $1 AND id = $2 AND state = 'waiting'",
            args![cx.scope.org_arg(), id.uuid(), state.name(), cx.scope.user_id(), cx.now()],
        )
        .await?;
    if changed != 1 {
        return Err(PointsError::NoAdjustment);
    }
    if approve {
        let programme = programme::get(tx, cx.scope, adjustment.programme).await?;
        let programme = programme.ok_or(PointsError::NoProgramme)?;
        post(tx, cx, &programme, holder, adjustment.points, id).await?;
    }
    let entry = Entry::new("loyalty.points.decide")
        .on("customer", adjustment.customer)
        .with("adjustment", id)
        .with("points", adjustment.points)
        .with("state", state);
    audit::record(tx, cx, entry).await?;
    Ok(())
}

/// Adjustments that wait for a second person, the oldest first.
///
/// # Errors
/// As the database says.
pub async fn waiting(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
) -> Result<Vec<Adjustment>, DbError> {
    read(tx, scope, keys, "AND state = 'waiting' ORDER BY id", Vec::new()).await
}

/// All adjustments of `customers`, the oldest of each first.
///
/// # Errors
/// As the database says; `Refused` if a reason cannot be opened.
pub async fn of_customers(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    customers: &[CustomerId],
) -> Result<Vec<Adjustment>, DbError> {
    let mut found = Vec::new();
    for customer in customers {
        let tail = "AND customer_id = $2 ORDER BY id";
        found.extend(read(tx, scope, keys, tail, args![*customer]).await?);
    }
    Ok(found)
}

/// Forgets why points of `customers` were changed by hand. What was changed stays. Gives how many reasons went.
///
/// # Errors
/// As the database says.
pub async fn erase(tx: &mut Tx, scope: Scope, customers: &[CustomerId]) -> Result<u64, DbError> {
    let mut erased = 0;
    for customer in customers {
        erased += tx
            .execute(
                "UPDATE loyalty_adjustments SET sealed = NULL
                  WHERE org_id = $1 AND customer_id = $2 AND sealed IS NOT NULL",
                args![scope.org_arg(), *customer],
            )
            .await?;
    }
    Ok(erased)
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    programme_id: Uuid,
    customer_id: Uuid,
    points: i64,
    state: String,
    sealed: Option<Vec<u8>>,
    asked_by: Option<Uuid>,
    asked_at: i64,
    decided_by: Option<Uuid>,
    decided_at: Option<i64>,
}

async fn read(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    tail: &str,
    more: platform::Args,
) -> Result<Vec<Adjustment>, DbError> {
    let sql = AssertSqlSafe(format!(
        "SELECT id, programme_id, customer_id, points, state, sealed, asked_by, asked_at, decided_by, decided_at
           FROM loyalty_adjustments WHERE org_id = $1 {tail}"
    ));
    let mut arguments = args![scope.org_arg()];
    arguments.extend(more);
    let rows: Vec<Row> = tx.fetch_all(sql, arguments).await?;
    let wrong = |what: String| DbError::Refused(format!("an adjustment of points: {what}"));
    rows.into_iter()
        .map(|row| {
            let state = [State::Waiting, State::Posted, State::Refused]
                .into_iter()
                .find(|state| state.name() == row.state)
                .ok_or_else(|| wrong(format!("unknown state {}", row.state)))?;
            let open = |sealed: Vec<u8>| {
                keys.open_text(FIELD, &sealed).map_err(|error| wrong(error.to_string()))
            };
            Ok(Adjustment {
                id: AdjustmentId::from_uuid(row.id),
                programme: ProgrammeId::from_uuid(row.programme_id),
                customer: CustomerId::from_uuid(row.customer_id),
                points: row.points,
                state,
                reason: row.sealed.map(open).transpose()?,
                asked_by: row.asked_by.map(UserId::from_uuid),
                asked_at: Timestamp::from_millis(row.asked_at),
                decided_by: row.decided_by.map(UserId::from_uuid),
                decided_at: row.decided_at.map(Timestamp::from_millis),
            })
        })
        .collect()
}
