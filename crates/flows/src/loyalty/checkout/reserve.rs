//! An order takes what its price needs: coupons, points, uses, budgets, pieces of flash sales, at once or not at all.

use kernel::{
    CouponId, CustomerId, OrderId, ProgrammeId, ReservationId, ShopId, SpendId, Timestamp,
    TypedId as _,
};
use loyalty::points::spend;
use loyalty::reservations::{self, Reservation, ReservationState, Reserve};
use platform::{Ctx, DbError, Tx};
use pricing::Cart;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::asked::{Asked, BroughtCoupon, Explain, QuoteBody};
use super::quote::{self, Quote};
use super::{Checkout, CheckoutError, codes};
use crate::engine::EngineHandle;

/// What a shop wants for an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReserveBody {
    /// In which shop.
    pub shop: ShopId,
    /// By which the shop knows its order; once in a shop. The same request with it again gives the same reservation.
    pub order_key: String,
    /// Whose order.
    pub customer: CustomerId,
    /// The cart at list prices.
    pub cart: Cart,
    /// Coupons to be used, at most 20. One that does not apply is not taken.
    #[serde(default)]
    pub coupons: Vec<BroughtCoupon>,
    /// Whether the best of the wallet is taken besides.
    #[serde(default)]
    pub wallet: bool,
    /// The most points that shall pay a part.
    #[serde(default)]
    pub points: Option<u64>,
    /// Of which programme; without one of the first that is for the shop and currency.
    #[serde(default)]
    pub programme: Option<ProgrammeId>,
    /// What the customer was told to pay. If it is another amount by now, nothing is taken and the answer is 409 with
    /// the new price.
    pub expected_total_minor: i64,
    /// For how long it holds what it takes, 1 second to a day; 15 minutes without.
    #[serde(default = "quarter")]
    pub hold_seconds: u32,
}

const fn quarter() -> u32 {
    900
}

impl ReserveBody {
    fn asked(&self) -> Asked {
        QuoteBody {
            shop: self.shop,
            customer: Some(self.customer),
            session: None,
            cart: self.cart.clone(),
            coupons: self.coupons.clone(),
            wallet: self.wallet,
            points: self.points,
            programme: self.programme,
            explain: Explain::Applied,
        }
        .into()
    }
}

/// What an order holds, held or used.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = CheckoutReservation)]
pub struct ReservationView {
    /// Its id.
    pub id: ReservationId,
    /// In which shop.
    pub shop: ShopId,
    /// By which the shop knows its order.
    pub order_key: String,
    /// Where it is.
    pub state: ReservationState,
    /// Whose order: of a merged customer the root.
    pub customer: CustomerId,
    /// Until when it holds.
    pub until: Timestamp,
    /// The coupons it took.
    pub coupons: Vec<CouponId>,
    /// The points it took.
    pub points: u64,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What was priced for it.
    pub quote: Quote,
}

impl ReservationView {
    pub(super) fn of(found: Reservation) -> Result<Self, DbError> {
        let quote: Quote = serde_json::from_value(found.priced).map_err(|error| {
            DbError::Refused(format!("a stored reservation is unreadable: {error}"))
        })?;
        Ok(Self {
            id: found.id,
            shop: found.shop,
            order_key: found.order_key,
            state: found.state,
            customer: found.customer,
            until: found.until,
            coupons: found.coupons,
            points: quote.priced.points.map_or(0, |used| used.points),
            made_at: found.made_at,
            ended_at: found.ended_at,
            quote,
        })
    }
}

/// Looks at the codes of an order, in a transaction of its own, before [`reserve`] takes them: wrong ones are counted.
///
/// # Errors
/// `TooManyTries`; wrong fields.
pub async fn enter_codes(
    engine: &EngineHandle,
    cx: &Ctx,
    body: &ReserveBody,
) -> Result<(), CheckoutError> {
    let asked = body.asked();
    asked.check()?;
    codes::look(&engine.platform().db, cx, &asked).await
}

/// Prices the order anew and takes what that needs, in `tx`; a refusal leaves what was written to be rolled back. The
/// same request again gives the reservation as it is now.
///
/// # Errors
/// `PriceChanged` with the new price; what could not be had; `KeyReused`; wrong fields.
pub async fn reserve(
    tx: &mut Tx,
    checkout: &Checkout,
    engine: &EngineHandle,
    cx: &Ctx,
    body: &ReserveBody,
) -> Result<ReservationView, CheckoutError> {
    let request = serde_json::to_value(body)
        .map_err(|error| DbError::Refused(format!("the request cannot be kept: {error}")))?;
    let known = reservations::replay(tx, cx, body.shop, &body.order_key, &request).await?;
    if let Some(known) = known {
        return Ok(ReservationView::of(known)?);
    }
    let mut ready = quote::price(tx, checkout, engine, cx, &body.asked()).await?;
    if let Some(refused) = ready.first_refusal() {
        return Err(refused);
    }
    if ready.quote.priced.total_minor != body.expected_total_minor {
        return Err(CheckoutError::PriceChanged(Box::new(ready.quote)));
    }
    let holder = ready.holder.clone().ok_or(CheckoutError::NoCustomer)?;
    let besides = match (ready.quote.priced.points, &ready.programme) {
        (Some(used), Some(programme)) if used.points > 0 => {
            // An order of its own: what becomes of the shop's order is told by refunds.
            let order: OrderId = cx.fresh();
            let points = i64::try_from(used.points).unwrap_or(i64::MAX);
            // Points outlive the reservation, so that they are there for a commit in its last second.
            let minutes = body.hold_seconds / 60 + 2;
            let key = order.to_string();
            let spend: SpendId =
                spend::reserve(tx, cx, programme, &holder, order, points, &key, minutes).await?;
            vec![spend.uuid()]
        }
        _ => Vec::new(),
    };
    // The database holds no code that could be used.
    ready.quote.coupons.iter_mut().for_each(|one| one.code = None);
    let priced = serde_json::to_value(&ready.quote)
        .map_err(|error| DbError::Refused(format!("a quote cannot be kept: {error}")))?;
    let wanted = Reserve {
        shop: body.shop,
        order_key: body.order_key.clone(),
        request,
        holder,
        level: ready.quote.level.clone(),
        zone: ready.zone,
        hold_seconds: body.hold_seconds,
        coupons: ready.coupons(),
        promotions: ready.promotions(),
        priced,
        besides: besides.clone(),
    };
    let made = reservations::reserve(tx, cx, &wanted).await?;
    // Another process was first with the same order: its points are held, and ours are not needed.
    if made.besides != besides
        && let Some(programme) = &ready.programme
    {
        for spend in besides {
            spend::cancel(tx, cx, programme, SpendId::from_uuid(spend)).await?;
        }
    }
    Ok(ReservationView::of(made)?)
}
