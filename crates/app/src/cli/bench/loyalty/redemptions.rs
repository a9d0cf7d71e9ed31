//! Many orders that redeem one coupon at once.

use std::time::Instant;

use anyhow::{Result, anyhow};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use kernel::{CustomerId, ShopId, TypedId as _, Zone};
use loyalty::coupons::{CouponRules, NewDefinition, definition};
use loyalty::desk::Desk;
use loyalty::reservations::{self, Brought, CouponUse, ReservationError, Reserve};
use loyalty::{Holder, OfferState};
use platform::{Ctx, Platform};
use serde_json::json;

use crate::Boot;
use crate::cli::say;

/// Orders that ask at the same time.
const AT_ONCE: usize = 256;

/// `count` orders reserve and commit with one coupon through one desk; gives how many a second. With `tells` each that is
/// done is told.
pub(super) async fn measure(boot: &Boot, count: u32, tells: bool) -> Result<f64> {
    let (platform, cx) = (boot.platform.clone(), boot.ctx());
    let run = cx.fresh::<kernel::CouponBatchId>().uuid().simple().to_string();
    let code = run[run.len() - 12..].to_uppercase();
    hot_coupon(&platform, &cx, &code).await?;
    let (desk, shop) = (Desk::default(), cx.fresh::<ShopId>());
    let begun = Instant::now();
    futures::stream::iter(0..count)
        .map(|n| {
            redeem(desk.clone(), platform.clone(), cx.clone(), order(&cx, shop, &run, &code, n))
        })
        .buffer_unordered(AT_ONCE)
        .try_for_each(async |key| {
            if tells {
                say(&format!("redeemed {key}"));
            }
            Ok(())
        })
        .await
        .map_err(|error| anyhow!("a redemption failed: {error}"))?;
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

/// Puts a coupon with a public code into force.
async fn hot_coupon(platform: &Platform, cx: &Ctx, code: &str) -> Result<()> {
    let rules: CouponRules = serde_json::from_value(json!({
        "terms": {"currency": "CNY", "kind": {"type": "amount_off", "threshold_minor": 0, "off_minor": 1_000}},
        "validity": {"type": "fixed"},
        "is_claimable": true,
        "refund": {"type": "return"},
        "uses": {"total": 1_000_000_000, "per_person": 1_000},
        "code": code,
    }))?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let new = NewDefinition { name: format!("hot {code}"), rules };
    let id = definition::create(&mut tx, cx, &new).await?;
    definition::set_state(&mut tx, cx, id, OfferState::Live).await?;
    Ok(tx.commit().await?)
}

fn order(cx: &Ctx, shop: ShopId, run: &str, code: &str, n: u32) -> Reserve {
    let order_key = format!("{run}-{n}");
    Reserve {
        shop,
        request: json!({ "order": order_key }),
        order_key,
        holder: Holder::single(cx.fresh::<CustomerId>()),
        level: None,
        zone: Zone::CHINA,
        hold_seconds: 1_800,
        coupons: vec![CouponUse { brought: Brought::Code(code.to_owned()), minor: 1_000 }],
        promotions: Vec::new(),
        priced: json!({"total_minor": 9_000}),
        besides: Vec::new(),
    }
}

/// Reserves and commits, each durable before the next; gives the key of the order.
async fn redeem(
    desk: Desk,
    platform: Platform,
    cx: Ctx,
    wanted: Reserve,
) -> Result<String, ReservationError> {
    let (scope, key) = (cx.scope, wanted.order_key.clone());
    let of = cx.clone();
    let held = desk
        .run(&platform.db, scope, move |tx| {
            async move { reservations::reserve(tx, &of, &wanted).await }.boxed()
        })
        .await?;
    desk.run(&platform.db, scope, move |tx| {
        async move { reservations::commit(tx, &cx, held.id).await }.boxed()
    })
    .await?;
    Ok(key)
}
