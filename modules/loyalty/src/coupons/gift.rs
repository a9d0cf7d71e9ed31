//! Coupons for all customers of an audience: a run in parts, which goes on where it was cut off.

use std::collections::BTreeSet;

use kernel::{AudienceId, CouponDefinitionId, CouponGiftId, CustomerId, Timestamp, TypedId as _};
use platform::audit::{self, Entry};
use platform::db::args::in_list;
use platform::{Arg, Ctx, DbError, Scope, Tx, args};
use serde::Serialize;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::assign::give;
use super::{CouponError, definition};
use crate::rules::{OfferState, unreadable};

/// Gifts of one definition.
pub const GIFTS_MAX: i64 = 1_000;
/// Gifts in a list, the newest.
const LISTED: i64 = 100;

/// How far a gift is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CouponGiftState)]
pub enum GiftState {
    /// Its job has not begun.
    Waiting,
    /// Its job is at it.
    Running,
    /// Everybody was looked at.
    Done,
    /// The definition was stopped meanwhile; who was not reached got none.
    Stopped,
    /// It could not go on; `why` says what happened.
    Failed,
}

impl GiftState {
    const ALL: [Self; 5] = [Self::Waiting, Self::Running, Self::Done, Self::Stopped, Self::Failed];

    /// The name, as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }

    /// Whether its job still has to do.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }

    fn parse(name: &str) -> Result<Self, DbError> {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == name)
            .ok_or_else(|| unreadable(format!("the state {name:?}")))
    }
}

/// A gift to an audience. Of its customers `given`, `had_one` and `gone` were looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = CouponGift)]
pub struct Gift {
    /// Its id.
    pub id: CouponGiftId,
    /// Coupons of which definition.
    pub definition: CouponDefinitionId,
    /// To which audience.
    pub audience: AudienceId,
    /// What that was called.
    pub audience_name: String,
    /// Whether who has an unused one gets none.
    pub skips_holders: bool,
    /// How far it is.
    pub state: GiftState,
    /// What went wrong.
    pub why: Option<String>,
    /// Customers of the audience.
    pub customers: i64,
    /// Who got one.
    pub given: i64,
    /// Who got none for having an unused one, in the family.
    pub had_one: i64,
    /// Who got none for having been merged or erased meanwhile.
    pub gone: i64,
    /// The last customer who was looked at.
    #[serde(skip)]
    pub after: Option<CustomerId>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// A gift to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGift {
    /// Coupons of which definition.
    pub definition: CouponDefinitionId,
    /// To which audience.
    pub audience: AudienceId,
    /// What that is called.
    pub audience_name: String,
    /// Whether who has an unused one gets none.
    pub skips_holders: bool,
    /// How many belong to it now.
    pub customers: i64,
}

/// Makes a gift, which a job then carries out.
///
/// # Errors
/// `NoDefinition`, `WrongState` unless it is live, `TooMany`.
pub async fn create(tx: &mut Tx, cx: &Ctx, new: &NewGift) -> Result<Gift, CouponError> {
    let found = definition::get(tx, cx.scope, new.definition).await?;
    let found = found.ok_or(CouponError::NoDefinition)?;
    if found.state != OfferState::Live {
        return Err(CouponError::WrongState(found.state.name()));
    }
    let id: CouponGiftId = cx.fresh();
    let made = tx
        .execute(
            "INSERT INTO loyalty_coupon_gifts (org_id, id, definition_id, audience_id, audience_name,
                 skips_holders, state, customers, given, had_one, gone, created_by, created_at)
             SELECT CAST($1 AS BIGINT), $2, $3, $4, $5, $6, 'waiting', $7, 0, 0, 0, $8, $9
              WHERE (SELECT COUNT(*) FROM loyalty_coupon_gifts
                      WHERE org_id = $1 AND definition_id = $3) < $10",
            args![
                cx.scope.org_arg(),
                id.uuid(),
                new.definition.uuid(),
                new.audience.uuid(),
                new.audience_name.as_str(),
                new.skips_holders,
                new.customers,
                cx.scope.user_id(),
                cx.now(),
                GIFTS_MAX
            ],
        )
        .await?;
    if made != 1 {
        return Err(CouponError::TooMany(GIFTS_MAX));
    }
    let entry = Entry::new("loyalty.coupon.assign")
        .on("coupon", new.definition)
        .with("run", id)
        .with("audience", new.audience)
        .with("customers", new.customers);
    audit::record(tx, cx, entry).await?;
    get(tx, cx.scope, id).await?.ok_or(CouponError::NoGift)
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    definition_id: Uuid,
    audience_id: Uuid,
    audience_name: String,
    skips_holders: bool,
    state: String,
    why: Option<String>,
    customers: i64,
    given: i64,
    had_one: i64,
    gone: i64,
    after_id: Option<Uuid>,
    created_at: i64,
    finished_at: Option<i64>,
}

impl Row {
    fn read(self) -> Result<Gift, DbError> {
        Ok(Gift {
            id: CouponGiftId::from_uuid(self.id),
            definition: CouponDefinitionId::from_uuid(self.definition_id),
            audience: AudienceId::from_uuid(self.audience_id),
            audience_name: self.audience_name,
            skips_holders: self.skips_holders,
            state: GiftState::parse(&self.state)?,
            why: self.why,
            customers: self.customers,
            given: self.given,
            had_one: self.had_one,
            gone: self.gone,
            after: self.after_id.map(CustomerId::from_uuid),
            created_at: Timestamp::from_millis(self.created_at),
            finished_at: self.finished_at.map(Timestamp::from_millis),
        })
    }
}

const COLUMNS: &str =
    "SELECT id, definition_id, audience_id, audience_name, skips_holders, state, why,
        customers, given, had_one, gone, after_id, created_at, finished_at
   FROM loyalty_coupon_gifts WHERE org_id = $1";

/// The gift of an id.
///
/// # Errors
/// As the database says.
pub async fn get(tx: &mut Tx, scope: Scope, id: CouponGiftId) -> Result<Option<Gift>, DbError> {
    let sql = AssertSqlSafe(format!("{COLUMNS} AND id = $2"));
    let row: Option<Row> = tx.fetch_optional(sql, args![scope.org_arg(), id.uuid()]).await?;
    row.map(Row::read).transpose()
}

/// The newest 100 gifts of a definition, the newest first.
///
/// # Errors
/// As the database says.
pub async fn of_definition(
    tx: &mut Tx,
    scope: Scope,
    definition: CouponDefinitionId,
) -> Result<Vec<Gift>, DbError> {
    let sql = AssertSqlSafe(format!("{COLUMNS} AND definition_id = $2 ORDER BY id DESC LIMIT $3"));
    let rows: Vec<Row> =
        tx.fetch_all(sql, args![scope.org_arg(), definition.uuid(), LISTED]).await?;
    rows.into_iter().map(Row::read).collect()
}

/// Notes that its job begins or goes on, with `left` customers who were not looked at yet.
///
/// # Errors
/// As the database says.
pub async fn start(tx: &mut Tx, cx: &Ctx, id: CouponGiftId, left: i64) -> Result<(), DbError> {
    tx.execute(
        "UPDATE loyalty_coupon_gifts SET state = 'running', customers = given + had_one + gone + $3
          WHERE org_id = $1 AND id = $2 AND state IN ('waiting', 'running')",
        args![cx.scope.org_arg(), id.uuid(), left],
    )
    .await
    .map(drop)
}

/// The next customers of a gift, in the order of their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// Who shall get one; at most [`super::ASSIGN_MAX`].
    pub customers: Vec<CustomerId>,
    /// How many get none for having an unused one.
    pub had_one: i64,
    /// How many get none for not being there any more.
    pub gone: i64,
    /// The last of them all.
    pub last: Option<CustomerId>,
}

/// Gives coupons to the next customers and notes it. Says `false`, and does nothing, if somebody else has looked at
/// customers behind `gift.after` meanwhile.
///
/// # Errors
/// `NoDefinition`; `WrongState` if the definition is not live any more.
pub async fn step(tx: &mut Tx, cx: &Ctx, gift: &Gift, part: &Part) -> Result<bool, CouponError> {
    let org = cx.scope.org_arg();
    let moved = tx
        .execute(
            "UPDATE loyalty_coupon_gifts
                SET after_id = $3, had_one = had_one + $4, gone = gone + $5
              WHERE org_id = $1 AND id = $2 AND state = 'running' AND after_id IS NOT DISTINCT FROM $6",
            args![
                org,
                gift.id.uuid(),
                part.last.map(|id| id.uuid()),
                part.had_one,
                part.gone,
                gift.after.map(|id| id.uuid())
            ],
        )
        .await?;
    if moved == 0 {
        return Ok(false);
    }
    let given = give(tx, cx, gift.definition, &gift.id.to_string(), &part.customers).await?;
    tx.execute(
        "UPDATE loyalty_coupon_gifts SET given = given + $3 WHERE org_id = $1 AND id = $2",
        args![org, gift.id.uuid(), i64::try_from(given).unwrap_or(i64::MAX)],
    )
    .await?;
    Ok(true)
}

/// Ends a gift that is open, and records what came of it.
///
/// # Errors
/// As the database says.
pub async fn end(
    tx: &mut Tx,
    cx: &Ctx,
    id: CouponGiftId,
    state: GiftState,
    why: Option<&str>,
) -> Result<(), DbError> {
    let ended = tx
        .execute(
            "UPDATE loyalty_coupon_gifts SET state = $3, why = $4, finished_at = $5
              WHERE org_id = $1 AND id = $2 AND state IN ('waiting', 'running')",
            args![cx.scope.org_arg(), id.uuid(), state.name(), why, cx.now()],
        )
        .await?;
    if ended == 0 {
        return Ok(());
    }
    if let Some(gift) = get(tx, cx.scope, id).await? {
        let entry = Entry::new("loyalty.coupon.assign")
            .on("coupon", gift.definition)
            .with("run", id)
            .with("outcome", state.name())
            .with("given", gift.given);
        audit::record(tx, cx, entry).await?;
    }
    Ok(())
}

/// Which of `customers` (at most 512 in one statement) have a coupon of `definition` that is not used up.
///
/// # Errors
/// As the database says.
pub async fn holders(
    tx: &mut Tx,
    scope: Scope,
    definition: CouponDefinitionId,
    customers: &[Uuid],
) -> Result<BTreeSet<Uuid>, DbError> {
    let mut found = BTreeSet::new();
    for part in customers.chunks(512) {
        let (list, values) = in_list(3, part.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg(), definition.uuid()];
        arguments.extend(values);
        let sql = AssertSqlSafe(format!(
            "SELECT customer_id FROM loyalty_coupons WHERE org_id = $1 AND definition_id = $2
                AND customer_id IN ({list}) AND state IN ('claimed', 'locked')"
        ));
        let rows: Vec<(Uuid,)> = tx.fetch_all(sql, arguments).await?;
        found.extend(rows.into_iter().map(|(id,)| id));
    }
    Ok(found)
}
