//! Reservations: an order takes coupons, uses of promotions, budgets and pieces of flash sales at once or not at
//! all, and keeps, uses or gives back what it took.
//!
//! The order in which rows are locked is always: the reservation, coupons by id, counters as [`crate::counters`]
//! says, stock by promotion and SKU. New rows, for which nobody can wait, come when they are needed.

mod end;
mod error;
pub mod events;
mod hold;
mod refund;
mod reserve;
mod returns;

pub use end::{GIVEN_UP_MILLIS, cancel, commit, prune, time_out_next};
pub use error::ReservationError;
pub use refund::{Refund, Refunded, refund};
pub use reserve::{
    Brought, COUPONS_MAX, CouponUse, HOLD_MAX_SECONDS, Pieces, PromotionUse, Reserve, replay,
    reserve,
};
pub use returns::{Before, before, keep};

use kernel::{CouponId, CustomerId, ReservationId, ShopId, Timestamp, TypedId as _};
use platform::{Ctx, DbError, Scope, Tx, args};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::rules::unreadable;

/// Where a reservation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReservationState {
    /// It holds what it took.
    Held,
    /// The order was placed.
    Committed,
    /// It was given up.
    Cancelled,
    /// Its time was over.
    TimedOut,
    /// The order was placed and refunded as a whole.
    Refunded,
}

impl ReservationState {
    /// The name, as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Committed => "committed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::Refunded => "refunded",
        }
    }

    fn parse(name: &str) -> Result<Self, DbError> {
        [Self::Held, Self::Committed, Self::Cancelled, Self::TimedOut, Self::Refunded]
            .into_iter()
            .find(|state| state.name() == name)
            .ok_or_else(|| unreadable(format!("the state {name:?}")))
    }
}

/// What an order holds, held or used.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Reservation {
    /// Its id.
    pub id: ReservationId,
    /// In which shop.
    pub shop: ShopId,
    /// By which the shop knows its order.
    pub order_key: String,
    /// Where it is.
    pub state: ReservationState,
    /// For whom.
    pub customer: CustomerId,
    /// Until when it holds.
    pub until: Timestamp,
    /// The coupons it took.
    pub coupons: Vec<CouponId>,
    /// The priced cart, as it was given.
    pub priced: Value,
    /// What the flow holds for it besides (points), as it was given.
    pub besides: Vec<Uuid>,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// What is kept of a reservation for whoever asks again.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    priced: Value,
    besides: Vec<Uuid>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    shop_id: Uuid,
    order_key: String,
    digest: Vec<u8>,
    state: String,
    customer_id: Uuid,
    until: i64,
    answer: String,
    made_at: i64,
    ended_at: Option<i64>,
}

impl Row {
    async fn read(self, tx: &mut Tx, scope: Scope) -> Result<Reservation, DbError> {
        let coupons: Vec<(Uuid,)> = tx
            .fetch_all(
                "SELECT owner_id FROM loyalty_holds
                  WHERE org_id = $1 AND reservation_id = $2 AND kind = 'coupon' ORDER BY line",
                args![scope.org_arg(), self.id],
            )
            .await?;
        let Kept { priced, besides } = serde_json::from_str(&self.answer).map_err(unreadable)?;
        Ok(Reservation {
            id: ReservationId::from_uuid(self.id),
            shop: ShopId::from_uuid(self.shop_id),
            order_key: self.order_key,
            state: ReservationState::parse(&self.state)?,
            customer: CustomerId::from_uuid(self.customer_id),
            until: Timestamp::from_millis(self.until),
            coupons: coupons.into_iter().map(|(id,)| CouponId::from_uuid(id)).collect(),
            priced,
            besides,
            made_at: Timestamp::from_millis(self.made_at),
            ended_at: self.ended_at.map(Timestamp::from_millis),
        })
    }
}

const COLUMNS: &str =
    "SELECT id, shop_id, order_key, digest, state, customer_id, until, answer, made_at,
    ended_at FROM loyalty_reservations WHERE org_id = $1";

async fn of_order(
    tx: &mut Tx,
    scope: Scope,
    shop: ShopId,
    order_key: &str,
) -> Result<Option<Row>, DbError> {
    let sql = sqlx::AssertSqlSafe(format!("{COLUMNS} AND shop_id = $2 AND order_key = $3"));
    tx.fetch_optional(sql, args![scope.org_arg(), shop.uuid(), order_key]).await
}

/// The reservation of an id.
///
/// # Errors
/// As the database says.
pub async fn get(
    tx: &mut Tx,
    scope: Scope,
    id: ReservationId,
) -> Result<Option<Reservation>, DbError> {
    let sql = sqlx::AssertSqlSafe(format!("{COLUMNS} AND id = $2"));
    let row: Option<Row> = tx.fetch_optional(sql, args![scope.org_arg(), id.uuid()]).await?;
    match row {
        Some(row) => row.read(tx, scope).await.map(Some),
        None => Ok(None),
    }
}

/// The id of the reservation of an order.
///
/// # Errors
/// As the database says.
pub async fn id_of_order(
    tx: &mut Tx,
    scope: Scope,
    shop: ShopId,
    order_key: &str,
) -> Result<Option<ReservationId>, DbError> {
    let found = of_order(tx, scope, shop, order_key).await?;
    Ok(found.map(|row| ReservationId::from_uuid(row.id)))
}

/// Reads a reservation and keeps others from it until the end of the transaction: the first row to be locked.
///
/// # Errors
/// `NoReservation`.
pub async fn lock(
    tx: &mut Tx,
    scope: Scope,
    id: ReservationId,
) -> Result<Reservation, ReservationError> {
    let wait = if tx.is_postgres() { " FOR UPDATE" } else { "" };
    let sql = sqlx::AssertSqlSafe(format!("{COLUMNS} AND id = $2{wait}"));
    let row: Option<Row> = tx.fetch_optional(sql, args![scope.org_arg(), id.uuid()]).await?;
    Ok(row.ok_or(ReservationError::NoReservation)?.read(tx, scope).await?)
}

/// By which the same request is known again.
fn digest(cx: &Ctx, asked: &str) -> Vec<u8> {
    cx.keys().blind_index("loyalty.request", asked).to_vec()
}
