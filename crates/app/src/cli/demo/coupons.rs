//! A few kinds of coupons for the demonstration shop, some of them claimed and given.

use anyhow::Result;
use customers::roots;
use kernel::{CouponDefinitionId, CustomerId, TypedId as _, Zone};
use loyalty::coupons::{self, Claimant, NewDefinition, batch, definition};
use loyalty::{Holder, OfferState};
use platform::{Ctx, Tx};
use serde_json::{Value, json};

use crate::Boot;

/// Customers who are given one.
const GIVEN: usize = 80;
/// Of these, those who claim another one.
const CLAIM: usize = 30;
/// Codes of the one batch, which the server's job makes.
const CODES: u32 = 2_000;

/// Makes them, unless there are coupons.
pub(super) async fn make(boot: &Boot) -> Result<()> {
    let cx = boot.ctx();
    let mut tx = boot.platform.db.begin_for(cx.scope).await?;
    if !definition::page(&mut tx, cx.scope, None, (None, 1)).await?.is_empty() {
        return Ok(tx.rollback().await?);
    }
    let known = commerce::invariants::customers_named(&mut tx, cx.scope).await?;
    let some: Vec<_> = known.into_iter().take(GIVEN).collect();
    let mut given: Vec<_> = roots::roots(&mut tx, cx.scope, &some).await?.into_values().collect();
    given.sort_unstable();
    given.dedup();
    let given: Vec<CustomerId> = given.into_iter().map(CustomerId::from_uuid).collect();

    let welcome = json!({"type": "amount_off", "threshold_minor": 10_000, "off_minor": 1_000});
    let welcome = live(&mut tx, &cx, "回头客满 100 减 10", rules(welcome, json!({}))).await?;
    coupons::assign(&mut tx, &cx, welcome, "demo", &given).await?;

    let day = json!({"type": "percent_off", "pay_bps": 8_500, "cap_minor": 5_000});
    let more = json!({"claims": {"total": 500, "per_person": 1}, "budget_minor": 1_000_000});
    let day = live(&mut tx, &cx, "会员日 85 折", rules(day, more)).await?;
    for customer in given.iter().take(CLAIM) {
        let holder = Holder::single(*customer);
        let claimant = Claimant { holder: &holder, levels: &[], zone: Zone::CHINA };
        coupons::claim(&mut tx, &cx, day, claimant, "demo").await?;
    }
    batch::create(&mut tx, &cx, day, CODES).await?;

    let shipping = json!({"type": "free_shipping", "cap_minor": 2_000});
    let more = json!({"is_claimable": false, "code": "TEA2026", "uses": {"per_person": 1}});
    let draft = NewDefinition {
        name: "冬日包邮".to_owned(),
        rules: serde_json::from_value(rules(shipping, more))?,
    };
    definition::create(&mut tx, &cx, &draft).await?;
    Ok(tx.commit().await?)
}

/// What a coupon of `kind` says; `more` instead of the usual.
fn rules(kind: Value, more: Value) -> Value {
    let mut rules = json!({
        "terms": {"currency": "CNY", "kind": kind},
        "validity": {"type": "days", "days": 30},
        "is_claimable": true,
        "refund": {"type": "return", "grace_days": 3},
    });
    if let (Some(rules), Value::Object(more)) = (rules.as_object_mut(), more) {
        rules.extend(more);
    }
    rules
}

async fn live(tx: &mut Tx, cx: &Ctx, name: &str, rules: Value) -> Result<CouponDefinitionId> {
    let new = NewDefinition { name: name.to_owned(), rules: serde_json::from_value(rules)? };
    let id = definition::create(tx, cx, &new).await?;
    definition::set_state(tx, cx, id, OfferState::Live).await?;
    Ok(id)
}
