//! A little shop with coupons.

use std::sync::atomic::{AtomicU32, Ordering};

use kernel::{
    CouponDefinitionId, CouponId, CustomerId, OrgId, PromotionId, ReservationId, ShopId,
    TypedId as _, Zone,
};
use loyalty::coupons::{
    self, Claimant, CouponError, CouponRules, NewDefinition, Validity, definition,
};
use loyalty::promotions::{self, NewPromotion, PromotionRules};
use loyalty::reservations::{
    self, Brought, CouponUse, PromotionUse, Reservation, ReservationError, Reserve,
};
use loyalty::{Holder, invariants};
use platform::{Ctx, Platform, Scope, Tx};
use serde_json::json;
use testkit::TestDb;
use uuid::Uuid;

pub use crate::tools::MIGRATIONS;

pub const HOUR: i64 = 3_600_000;
pub const DAY: i64 = 24 * HOUR;

/// Names and keys that are not there yet.
pub fn fresh(what: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{what} {}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

pub fn ctx_of_org(db: &TestDb, org: i32) -> Ctx {
    db.platform().ctx(Scope::system(OrgId::new(org)))
}

pub fn customer(n: u128) -> CustomerId {
    CustomerId::from_uuid(Uuid::from_u128(n))
}

pub fn single(n: u128) -> Holder {
    Holder::single(customer(n))
}

pub fn shop(n: u128) -> ShopId {
    ShopId::from_uuid(Uuid::from_u128(n))
}

pub fn claimant(holder: &Holder) -> Claimant<'_> {
    Claimant { holder, levels: &[], zone: Zone::CHINA }
}

/// Ten yuan off, to be claimed by anybody, valid for thirty days, back when the order is refunded.
pub fn rules() -> CouponRules {
    let rules = json!({
        "terms": {
            "currency": "CNY",
            "kind": {"type": "amount_off", "threshold_minor": 0, "off_minor": 1_000},
        },
        "validity": {"type": "days", "days": 30},
        "is_claimable": true,
        "refund": {"type": "return"},
    });
    serde_json::from_value(rules).unwrap()
}

pub fn fixed() -> Validity {
    Validity::Fixed { from: None, until: None }
}

/// Makes a definition and puts it into force.
pub async fn live(tx: &mut Tx, cx: &Ctx, rules: CouponRules) -> CouponDefinitionId {
    let new = NewDefinition { name: fresh("coupon"), rules };
    let id = definition::create(tx, cx, &new).await.unwrap();
    definition::set_state(tx, cx, id, offer("live")).await.unwrap();
    id
}

pub fn offer<T: serde::de::DeserializeOwned>(state: &str) -> T {
    serde_json::from_value(json!(state)).unwrap()
}

pub fn promotion_rules() -> PromotionRules {
    let terms = json!({"currency": "CNY", "kind": {"type": "percent_off", "pay_bps": 9_000}});
    serde_json::from_value(json!({ "terms": terms })).unwrap()
}

/// Makes a promotion and puts it into force.
pub async fn live_promotion(tx: &mut Tx, cx: &Ctx, rules: PromotionRules) -> PromotionId {
    let new = NewPromotion { name: fresh("promotion"), rules };
    let id = promotions::create(tx, cx, &new).await.unwrap();
    promotions::set_state(tx, cx, id, offer("live")).await.unwrap();
    id
}

/// An order that wants nothing yet.
pub fn order(holder: Holder) -> Reserve {
    let order_key = fresh("order");
    Reserve {
        shop: shop(1),
        request: json!({ "order": order_key }),
        order_key,
        holder,
        level: None,
        zone: Zone::CHINA,
        hold_seconds: 1_800,
        coupons: Vec::new(),
        promotions: Vec::new(),
        priced: json!({"total_minor": 100}),
        besides: Vec::new(),
    }
}

pub fn with_code(holder: Holder, code: &str) -> Reserve {
    let coupons = vec![CouponUse { brought: Brought::Code(code.to_owned()), minor: 1_000 }];
    Reserve { coupons, ..order(holder) }
}

pub fn with_coupon(holder: Holder, coupon: CouponId) -> Reserve {
    let coupons = vec![CouponUse { brought: Brought::Coupon(coupon), minor: 1_000 }];
    Reserve { coupons, ..order(holder) }
}

pub fn with_promotion(holder: Holder, promotion: PromotionId, pieces: &[(&str, u32)]) -> Reserve {
    let pieces = pieces
        .iter()
        .map(|(sku, pieces)| reservations::Pieces { sku: (*sku).to_owned(), pieces: *pieces })
        .collect();
    let promotions = vec![PromotionUse { promotion, minor: 500, pieces }];
    Reserve { promotions, ..order(holder) }
}

/// Does `work` in a transaction that is kept if it succeeds.
pub async fn in_tx<T, E: From<platform::DbError>>(
    platform: &Platform,
    cx: &Ctx,
    work: impl AsyncFnOnce(&mut Tx) -> Result<T, E>,
) -> Result<T, E> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let done = work(&mut tx).await;
    match done {
        Ok(value) => {
            tx.commit().await?;
            Ok(value)
        }
        Err(error) => {
            tx.rollback().await?;
            Err(error)
        }
    }
}

/// Reserves in a transaction of its own.
pub async fn reserve(
    platform: &Platform,
    cx: &Ctx,
    wanted: &Reserve,
) -> Result<Reservation, ReservationError> {
    in_tx(platform, cx, async |tx| reservations::reserve(tx, cx, wanted).await).await
}

pub async fn commit(
    platform: &Platform,
    cx: &Ctx,
    id: ReservationId,
) -> Result<Reservation, ReservationError> {
    in_tx(platform, cx, async |tx| reservations::commit(tx, cx, id).await).await
}

pub async fn cancel(
    platform: &Platform,
    cx: &Ctx,
    id: ReservationId,
) -> Result<Reservation, ReservationError> {
    in_tx(platform, cx, async |tx| reservations::cancel(tx, cx, id).await).await
}

/// Claims in a transaction of its own.
pub async fn claim(
    platform: &Platform,
    cx: &Ctx,
    definition: CouponDefinitionId,
    holder: &Holder,
    key: &str,
) -> Result<CouponId, CouponError> {
    let work = async |tx: &mut Tx| coupons::claim(tx, cx, definition, claimant(holder), key).await;
    in_tx(platform, cx, work).await
}

/// States of the coupons of a definition, as the funnel counts them.
pub async fn funnel(db: &TestDb, cx: &Ctx, id: CouponDefinitionId) -> coupons::Funnel {
    let mut tx = db.db().read_for(cx.scope).await.unwrap();
    coupons::funnel_of_definition(&mut tx, cx.scope, id).await.unwrap()
}

/// Fails unless the books are in order.
pub async fn verify(db: &TestDb, cx: &Ctx) {
    let mut tx = db.db().read_for(cx.scope).await.unwrap();
    for (name, exceptions) in invariants::check(&mut tx, cx.scope).await.unwrap() {
        assert_eq!(exceptions, 0, "{name}");
    }
}
