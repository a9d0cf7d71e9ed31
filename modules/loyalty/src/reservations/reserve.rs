//! An order takes what its price needs, at once or not at all.

use std::collections::BTreeSet;

use kernel::{
    CouponId, CustomerId, FieldErrors, PromotionId, ReservationId, ShopId, TypedId as _, Zone,
};
use platform::db::args::in_list;
use platform::{Arg, Ctx, DbError, Tx, args};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::hold::{self, Hold};
use super::{Kept, Reservation, ReservationError, ReservationState, digest, end, of_order};
use crate::Holder;
use crate::counters::{self, Occasion, Take};
use crate::coupons::{Claimant, using};
use crate::promotions::{self, stock};
use crate::rules::{AMOUNT_MAX_MINOR, KEY_MAX_BYTES, OfferState, json};

/// Longest time for which a reservation may hold, in seconds: a day.
pub const HOLD_MAX_SECONDS: u32 = 86_400;
/// Coupons of one order.
pub const COUPONS_MAX: usize = 20;
/// Promotions of one order, and SKUs of one promotion.
pub const PROMOTIONS_MAX: usize = 500;
/// Bytes of JSON of the request and of the priced cart.
pub const JSON_MAX_BYTES: usize = 1 << 20;
/// Overdue reservations that are ended for the sake of one that wants what they held.
const IN_THE_WAY_MAX: u32 = 64;

/// A coupon, as a customer brings it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Brought {
    /// One that the customer has.
    Coupon(CouponId),
    /// A code: that of a definition, which everybody may know, or that of one coupon, which is claimed by this if
    /// nobody has it. The edge looks at it first ([`crate::coupons::tries::look`]), so that wrong ones are counted.
    Code(String),
}

/// A coupon to be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CouponUse {
    /// Which.
    pub brought: Brought,
    /// What it takes off, in minor units; from the budget of its definition.
    pub minor: i64,
}

/// A promotion to be used once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromotionUse {
    /// Which.
    pub promotion: PromotionId,
    /// What it takes off, in minor units; from its budget.
    pub minor: i64,
    /// Pieces of its flash stock.
    pub pieces: Vec<Pieces>,
}

/// Pieces of one SKU.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FlashPieces)]
pub struct Pieces {
    /// Of what.
    pub sku: String,
    /// How many.
    pub pieces: u32,
}

/// What an order wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Reserve {
    /// In which shop.
    pub shop: ShopId,
    /// By which the shop knows its order; once in a shop.
    pub order_key: String,
    /// What the shop asked, as it came: by this the same request is known again.
    pub request: Value,
    /// Whose order, with the family.
    pub holder: Holder,
    /// The level of the customer.
    pub level: Option<String>,
    /// In which days are told.
    pub zone: Zone,
    /// For how long it holds.
    pub hold_seconds: u32,
    /// Coupons, with what each takes off.
    pub coupons: Vec<CouponUse>,
    /// Promotions, with what each takes off.
    pub promotions: Vec<PromotionUse>,
    /// The priced cart, to be told again.
    pub priced: Value,
    /// What the flow holds for the order besides (spends of points), to be told again.
    pub besides: Vec<Uuid>,
}

fn check(wanted: &Reserve) -> Result<(), FieldErrors> {
    let mut errors = FieldErrors::default();
    if wanted.order_key.is_empty() || wanted.order_key.len() > KEY_MAX_BYTES {
        errors.push("order_key", format!("must be 1 to {KEY_MAX_BYTES} bytes"));
    }
    if !(1..=HOLD_MAX_SECONDS).contains(&wanted.hold_seconds) {
        errors.push("hold_seconds", format!("must be 1 to {HOLD_MAX_SECONDS}"));
    }
    if wanted.coupons.len() > COUPONS_MAX {
        errors.push("coupons", format!("at most {COUPONS_MAX}"));
    }
    let amounts = wanted.coupons.iter().map(|used| used.minor);
    let mut amounts = amounts.chain(wanted.promotions.iter().map(|used| used.minor));
    if amounts.any(|minor| !(0..=AMOUNT_MAX_MINOR).contains(&minor)) {
        errors.push("minor", format!("must be 0 to {AMOUNT_MAX_MINOR}"));
    }
    let mut seen = BTreeSet::new();
    let mut is_twice = wanted.promotions.iter().any(|used| !seen.insert(used.promotion));
    for used in &wanted.promotions {
        let mut skus = BTreeSet::new();
        is_twice |= used.pieces.iter().any(|pieces| !skus.insert(&pieces.sku));
        if used.pieces.len() > PROMOTIONS_MAX || used.pieces.iter().any(|some| some.pieces == 0) {
            errors.push("pieces", format!("at most {PROMOTIONS_MAX} SKUs, each of 1 or more"));
        }
    }
    if is_twice || wanted.promotions.len() > PROMOTIONS_MAX {
        errors.push("promotions", format!("at most {PROMOTIONS_MAX}, none and no SKU twice"));
    }
    let is_long = |value: &Value| value.to_string().len() > JSON_MAX_BYTES;
    if is_long(&wanted.priced) || is_long(&wanted.request) {
        errors.push("priced", format!("must be at most {JSON_MAX_BYTES} bytes of JSON"));
    }
    errors.finish(|| Some(()))
}

/// The reservation of an order, if there is one: what a repeated request is answered, before anything is priced.
///
/// # Errors
/// `KeyReused` if `request` is another one than that by which it was made.
pub async fn replay(
    tx: &mut Tx,
    cx: &Ctx,
    shop: ShopId,
    order_key: &str,
    request: &Value,
) -> Result<Option<Reservation>, ReservationError> {
    let Some(row) = of_order(tx, cx.scope, shop, order_key).await? else { return Ok(None) };
    if row.digest != digest(cx, &request.to_string()) {
        return Err(ReservationError::KeyReused);
    }
    Ok(Some(row.read(tx, cx.scope).await?))
}

/// Takes all that `wanted` names, or nothing: a refusal leaves what was written to be rolled back. The same request
/// again gives the reservation as it is now, in whatever state.
///
/// # Errors
/// The first refusal, in the order coupons, limits, stock; `KeyReused`; `Fields`.
pub async fn reserve(
    tx: &mut Tx,
    cx: &Ctx,
    wanted: &Reserve,
) -> Result<Reservation, ReservationError> {
    check(wanted)?;
    let id: ReservationId = cx.fresh();
    let now = cx.now();
    let until = now.plus_millis(i64::from(wanted.hold_seconds) * 1_000);
    let root = wanted.holder.root();
    let kept = Kept { priced: wanted.priced.clone(), besides: wanted.besides.clone() };
    let made = tx
        .execute(
            "INSERT INTO loyalty_reservations
                 (org_id, id, shop_id, order_key, digest, state, customer_id, until, answer, made_at)
             VALUES ($1, $2, $3, $4, $5, 'held', $6, $7, $8, $9)
             ON CONFLICT (org_id, shop_id, order_key) DO NOTHING",
            args![
                cx.scope.org_arg(),
                id.uuid(),
                wanted.shop,
                wanted.order_key.as_str(),
                digest(cx, &wanted.request.to_string()),
                root,
                until,
                json(&kept)?,
                now
            ],
        )
        .await?;
    if made == 0 {
        let found = replay(tx, cx, wanted.shop, &wanted.order_key, &wanted.request).await?;
        return found.ok_or(ReservationError::NoReservation);
    }
    let claimant =
        Claimant { holder: &wanted.holder, levels: wanted.level.as_slice(), zone: wanted.zone };
    let mut coupons = Vec::with_capacity(wanted.coupons.len());
    let mut brought = BTreeSet::new();
    for used in &wanted.coupons {
        let found = using::find(tx, cx, &used.brought, claimant).await?;
        // A public code twice is one definition twice.
        let what = if found.is_new { found.definition.id.uuid() } else { found.id };
        if !brought.insert(what) {
            let mut errors = FieldErrors::default();
            errors.push("coupons", "one of them is there twice");
            return Err(errors.into());
        }
        coupons.push((found, used.minor));
    }
    coupons.sort_unstable_by_key(|(found, _)| found.id);
    let owners = coupons
        .iter()
        .flat_map(|(found, _)| [found.id, found.definition.id.uuid()])
        .chain(wanted.promotions.iter().map(|used| used.promotion.uuid()));
    end_those_in_the_way(tx, cx, owners.collect()).await?;

    let day = crate::coupons::day_number(now, wanted.zone);
    let occasion = Occasion { shop: wanted.shop, day, holder: &wanted.holder };
    let mut holds = Vec::new();
    let mut takes: Vec<Take> = Vec::new();
    let mut add = |holds: &mut Vec<Hold>, taken: Vec<Take>, source: Uuid| {
        holds.extend(taken.iter().map(|take| Hold::counter(take, source)));
        takes.extend(taken);
    };
    for (found, minor) in &coupons {
        if !found.is_new {
            using::lock(tx, cx, found, (id.uuid(), until)).await?;
        }
        holds.push(Hold::coupon(found.id));
        let owner = found.definition.id.uuid();
        let rules = &found.definition.rules;
        let mut taken = Take::of_use(owner, &rules.uses, occasion, found.customer, true);
        taken.extend(budget(owner, *minor, rules.budget_minor));
        add(&mut holds, taken, found.id);
    }
    for used in &wanted.promotions {
        let found = promotions::get(tx, cx.scope, used.promotion).await?;
        let is_on = |found: &promotions::Promotion| {
            found.state == OfferState::Live && found.rules.is_on(now)
        };
        let found = found.filter(is_on).ok_or(ReservationError::NotRunning(used.promotion))?;
        let owner = used.promotion.uuid();
        holds.push(Hold::promotion(owner));
        let mut taken = Take::of_use(owner, &found.rules.uses, occasion, root, false);
        taken.extend(budget(owner, used.minor, found.rules.budget_minor));
        add(&mut holds, taken, owner);
    }
    counters::take(tx, cx.scope, &mut takes).await?;
    // Nobody waits for a use that is new, so it can be written when there is one.
    for (found, _) in coupons.iter().filter(|(found, _)| found.is_new) {
        using::lock(tx, cx, found, (id.uuid(), until)).await?;
    }
    hold_stock(tx, cx, wanted, &mut holds).await?;
    hold::write(tx, cx.scope, id, &holds).await?;
    Ok(Reservation {
        id,
        shop: wanted.shop,
        order_key: wanted.order_key.clone(),
        state: ReservationState::Held,
        customer: CustomerId::from_uuid(root),
        until,
        coupons: holds.iter().filter_map(Hold::coupon_id).collect(),
        priced: kept.priced,
        besides: kept.besides,
        made_at: now,
        ended_at: None,
    })
}

fn budget(owner: Uuid, minor: i64, budget_minor: Option<i64>) -> Option<Take> {
    budget_minor.filter(|_| minor > 0).map(|budget| Take::of_budget(owner, minor, budget))
}

async fn hold_stock(
    tx: &mut Tx,
    cx: &Ctx,
    wanted: &Reserve,
    holds: &mut Vec<Hold>,
) -> Result<(), ReservationError> {
    let mut pieces: Vec<(PromotionId, &Pieces)> = wanted
        .promotions
        .iter()
        .flat_map(|used| used.pieces.iter().map(|pieces| (used.promotion, pieces)))
        .collect();
    pieces.sort_unstable_by(|(a, of_a), (b, of_b)| (a, &of_a.sku).cmp(&(b, &of_b.sku)));
    for (promotion, Pieces { sku, pieces }) in pieces {
        let wanted = i64::from(*pieces);
        if !stock::hold(tx, cx.scope, (promotion.uuid(), sku), wanted).await? {
            return Err(ReservationError::SoldOut { promotion, sku: sku.clone(), wanted });
        }
        holds.push(Hold::stock(promotion.uuid(), sku, wanted));
    }
    Ok(())
}

/// Ends reservations whose time is over and that hold something of `owners`, so that nobody waits for a job. Those
/// that somebody else is ending just now are left to them: waiting for each other they might never end.
async fn end_those_in_the_way(tx: &mut Tx, cx: &Ctx, owners: Vec<Uuid>) -> Result<(), DbError> {
    if owners.is_empty() {
        return Ok(());
    }
    let (list, values) = in_list(4, owners.into_iter().map(Arg::from).collect());
    let mut arguments = args![cx.scope.org_arg(), cx.now(), IN_THE_WAY_MAX];
    arguments.extend(values);
    let lock = if tx.is_postgres() { " FOR UPDATE OF r SKIP LOCKED" } else { "" };
    let sql = AssertSqlSafe(format!(
        "SELECT r.id FROM loyalty_reservations r
          WHERE r.org_id = $1 AND r.state = 'held' AND r.until <= $2 AND EXISTS
                (SELECT 1 FROM loyalty_holds h WHERE h.org_id = r.org_id AND h.reservation_id = r.id
                    AND h.owner_id IN ({list}))
          ORDER BY r.until, r.id LIMIT $3{lock}"
    ));
    for (id,) in tx.fetch_all::<(Uuid,)>(sql, arguments).await? {
        end::time_out(tx, cx, ReservationId::from_uuid(id)).await?;
    }
    Ok(())
}
