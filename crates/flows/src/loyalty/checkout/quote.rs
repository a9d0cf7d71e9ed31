//! What a cart costs a customer now, and why. A quote takes nothing and holds nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use commerce::shops;
use kernel::{
    Clock, CouponDefinitionId, CouponId, CustomerId, ProgrammeId, PromotionId, Timestamp, Zone,
};
use loyalty::Holder;
use loyalty::coupons::Claimant;
use loyalty::points::Programme;
use loyalty::reservations::{Brought, CouponUse, Pieces, PromotionUse};
use platform::retention::DAY_MILLIS;
use platform::{Ctx, Problem, Tx};
use pricing::{Context, Customer, LineOutcome, Outcome, PointsToSpend, Priced, Tried};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::asked::{Asked, Explain, QuoteBody};
use super::offers::{self, Carried, Till};
use super::{Checkout, CheckoutError, codes, flash, known};
use crate::engine::EngineHandle;

/// Why a coupon cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CouponRefusal {
    /// A stable name: `unknown_code`, `coupon_expired` …
    pub code: String,
    /// For a person.
    pub detail: String,
}

impl CouponRefusal {
    pub(super) fn of(problem: &Problem) -> Self {
        let code = if codes::is_unknown(problem) { "unknown_code" } else { problem.code() };
        Self { code: code.to_owned(), detail: problem.to_string() }
    }
}

/// What became of a coupon that was brought or found in the wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuotedCoupon {
    /// Which, if it is one of its own.
    pub coupon: Option<CouponId>,
    /// As it was entered, if it was a code.
    pub code: Option<String>,
    /// What it gives, by whose id the priced cart calls it; null if it is refused.
    pub definition: Option<CouponDefinitionId>,
    /// Whether it applies; one that does not is not taken by a reservation.
    pub applied: bool,
    /// What it takes off.
    pub minor: i64,
    /// Why it cannot be used; null also where it could, and the explanation says why it does not apply.
    pub refused: Option<CouponRefusal>,
}

/// What a cart costs, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Quote {
    /// The moment.
    pub at: Timestamp,
    /// For whom: of a merged customer the root.
    pub customer: Option<CustomerId>,
    /// The member level by which it was priced.
    pub level: Option<String>,
    /// The RFM tier.
    pub tier: Option<String>,
    /// Points that could be spent, where points were asked for.
    pub spendable_points: Option<i64>,
    /// Of which programme.
    pub programme: Option<ProgrammeId>,
    /// The coupons that were looked at.
    pub coupons: Vec<QuotedCoupon>,
    /// What promotions, coupons and schemes of levels are called, by the ids that the priced cart names.
    pub names: BTreeMap<String, String>,
    /// The priced cart.
    pub priced: Priced,
}

/// A quote with what a reservation needs to take it.
pub(super) struct Ready {
    pub quote: Quote,
    pub holder: Option<Holder>,
    pub zone: Zone,
    pub programme: Option<Programme>,
    /// What applies: ids and what each takes off.
    pub applied: BTreeMap<String, i64>,
    pub carried: Vec<Carried>,
    pub pieces: BTreeMap<PromotionId, Vec<Pieces>>,
}

/// Always the same moment.
struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Prices a cart with what is true now, and writes nothing but tries of codes.
///
/// # Errors
/// `NoShop`, `NoCustomer`, `NoProgramme`, wrong fields, `TooManyTries` of codes.
pub async fn quote(
    checkout: &Checkout,
    engine: &EngineHandle,
    cx: &Ctx,
    asked: &Asked,
) -> Result<Quote, CheckoutError> {
    asked.check()?;
    let db = &engine.platform().db;
    codes::look(db, cx, asked).await?;
    let mut tx = db.read_for(cx.scope).await?;
    let ready = price(&mut tx, checkout, engine, cx, asked).await;
    tx.rollback().await?;
    Ok(ready?.quote)
}

/// Prices a cart in `tx`.
pub(super) async fn price(
    tx: &mut Tx,
    checkout: &Checkout,
    engine: &EngineHandle,
    cx: &Ctx,
    asked: &Asked,
) -> Result<Ready, CheckoutError> {
    let cx = match asked.at {
        Some(at) => &Ctx { clock: Arc::new(At(at)), ..cx.clone() },
        None => cx,
    };
    let body = &asked.body;
    if !engine.is_ready() {
        return Err(crate::engine::EngineError::NotReady.into());
    }
    let shop = shops::by_id(tx, cx, body.shop).await?.ok_or(CheckoutError::NoShop)?;
    let book = checkout.books.of(tx, cx.scope).await?;
    let till = (shop.id, body.cart.currency);
    let mut known = match body.customer {
        Some(customer) => known::of(tx, cx, engine, &book, customer, till, shop.zone).await?,
        None => known::Known::default(),
    };
    let assumed_level = asked.assumed.as_ref().map(|assumed| assumed.level.clone());
    if let Some(level) = &assumed_level {
        let scheme = book.schemes_of(shop.id, body.cart.currency).find(|scheme| {
            scheme.rules.levels.iter().any(|found| Some(&found.name) == level.as_ref())
        });
        known.level = level.clone().zip(scheme.map(|scheme| scheme.id));
    }
    let level = match assumed_level {
        Some(level) => level,
        None => known.level.as_ref().map(|(name, _)| name.clone()),
    };
    let nobody = Holder::single(kernel::TypedId::from_uuid(uuid::Uuid::nil()));
    let own = known.holder.as_ref().map(|(_, holder)| holder);
    let claimant =
        Claimant { holder: own.unwrap_or(&nobody), levels: level.as_slice(), zone: shop.zone };
    let brought: Vec<Brought> = body.coupons.iter().map(Brought::from).collect();
    let wallet = own.filter(|_| body.wallet);
    let carried = offers::carried(tx, cx, &brought, wallet, claimant).await?;
    let drafts = offers::drafts(tx, cx, &asked.drafts).await?;
    let now = cx.now();
    let local = now.millis() + i64::from(shop.zone.offset_seconds()) * 1_000;
    let day = local.div_euclid(DAY_MILLIS);
    let till = Till { shop: shop.id, day, cart: &body.cart };
    let offers = offers::offers(tx, cx, &book, &known, &carried, &drafts, till).await?;

    let customer = match (&asked.assumed, &known.holder) {
        (Some(assumed), _) => assumed.clone(),
        (None, Some((root, _))) => Customer {
            level: level.clone(),
            tier: known.tier.map(str::to_owned),
            audiences: known::audiences_of(tx, cx, engine, *root, &offers.audiences).await?,
            first_order: known.first_order,
            is_birthday: known.is_birthday,
        },
        (None, None) => Customer::default(),
    };
    let (programme, spendable) = points(tx, cx, body, &book, own).await?;
    let tier = customer.tier.clone();
    let context = Context {
        now,
        zone_offset_seconds: shop.zone.offset_seconds(),
        shop: shop.id.to_string(),
        customer,
        coupons: carried
            .iter()
            .filter_map(|one| one.definition.as_ref())
            .map(|found| found.id.to_string())
            .collect(),
        used: offers.used,
        stock_left: offers.stock_left,
        points: programme
            .as_ref()
            .and_then(|programme| to_spend(programme, body.points, spendable)),
    };
    let mut priced = offers.catalogue.price(&body.cart, &context)?;
    let pieces = flash::pieces(&priced, &body.cart, &offers.flash);
    flash::told_as_one(&mut priced);
    let applied = applied(&priced);
    let coupons = carried.iter().map(|one| told(one, &applied)).collect();
    if body.explain == Explain::Applied {
        priced.explanation.retain(applies);
    }
    let named: BTreeSet<&str> = named(&priced);
    let mut names = offers.names;
    names.retain(|id, _| named.contains(id.as_str()));
    let quote = Quote {
        at: now,
        customer: known.holder.as_ref().map(|(root, _)| *root),
        level,
        tier,
        spendable_points: spendable,
        programme: programme.as_ref().map(|programme| programme.id),
        coupons,
        names,
        priced,
    };
    let holder = known.holder.map(|(_, holder)| holder);
    Ok(Ready { quote, holder, zone: shop.zone, programme, applied, carried, pieces })
}

/// The programme whose points shall pay, and how many of them could.
async fn points(
    tx: &mut Tx,
    cx: &Ctx,
    body: &QuoteBody,
    book: &super::Book,
    holder: Option<&Holder>,
) -> Result<(Option<Programme>, Option<i64>), CheckoutError> {
    let Some((holder, wanted)) = holder.zip(body.points).filter(|(_, wanted)| *wanted > 0) else {
        return Ok((None, None));
    };
    let is_it = |programme: &&Programme| {
        programme.covers(body.shop, body.cart.currency)
            && body.programme.is_none_or(|id| id == programme.id)
    };
    let Some(programme) = book.programmes.iter().find(is_it) else {
        return if wanted > 0 && body.programme.is_some() {
            Err(CheckoutError::NoProgramme)
        } else {
            Ok((None, None))
        };
    };
    let spendable = offers::spendable(tx, cx, programme, holder).await?;
    Ok((Some(programme.clone()), Some(spendable)))
}

fn to_spend(
    programme: &Programme,
    wanted: Option<u64>,
    spendable: Option<i64>,
) -> Option<PointsToSpend> {
    let spendable = u64::try_from(spendable?).ok()?;
    let points_per_worth = u64::try_from(programme.rules.value_points).ok()?;
    let points = wanted?.min(spendable);
    let is_worth = points > 0 && points_per_worth > 0 && programme.rules.value_minor > 0;
    is_worth.then_some(PointsToSpend {
        points,
        points_per_worth,
        worth_minor: programme.rules.value_minor,
        share_bps: pricing::FULL_BPS,
    })
}

fn applies(tried: &Tried) -> bool {
    let is_applied = |line: &LineOutcome| matches!(line.outcome, Outcome::Applied { .. });
    tried.minor > 0 || tried.reason.is_none() && tried.lines.iter().any(is_applied)
}

/// Everything that applies, with what it takes off.
fn applied(priced: &Priced) -> BTreeMap<String, i64> {
    let mut applied: BTreeMap<String, i64> = BTreeMap::new();
    for tried in priced.explanation.iter().filter(|tried| applies(tried)) {
        *applied.entry(tried.promotion.clone()).or_default() += tried.minor;
    }
    applied
}

fn named(priced: &Priced) -> BTreeSet<&str> {
    let tried = priced.explanation.iter().map(|tried| tried.promotion.as_str());
    let gifts = priced.gifts.iter().map(|gift| gift.promotion.as_str());
    tried.chain(gifts).collect()
}

fn told(one: &Carried, applied: &BTreeMap<String, i64>) -> QuotedCoupon {
    let definition = one.definition.as_ref().map(|found| found.id);
    let minor = definition.and_then(|id| applied.get(&id.to_string()).copied());
    QuotedCoupon {
        coupon: one.coupon,
        code: match &one.brought {
            Brought::Code(code) => Some(code.clone()),
            Brought::Coupon(_) => None,
        },
        definition,
        applied: minor.is_some(),
        minor: minor.unwrap_or(0),
        refused: one.refused.as_ref().map(CouponRefusal::of),
    }
}

impl Ready {
    /// The first coupon that cannot be used.
    pub(super) fn first_refusal(&self) -> Option<CheckoutError> {
        let refused = self.carried.iter().find_map(|one| one.refused.clone());
        refused.map(|problem| CheckoutError::Coupon(Box::new(problem)))
    }

    /// The promotions that apply, with what each takes off and the pieces of its stock.
    pub(super) fn promotions(&self) -> Vec<PromotionUse> {
        let of = |(id, minor): (&String, &i64)| {
            let promotion: PromotionId = id.parse().ok()?;
            let pieces = self.pieces.get(&promotion).cloned().unwrap_or_default();
            Some(PromotionUse { promotion, minor: *minor, pieces })
        };
        self.applied.iter().filter_map(of).collect()
    }

    /// The coupons that apply, with what each takes off.
    pub(super) fn coupons(&self) -> Vec<CouponUse> {
        let of = |one: &Carried| {
            let definition = one.definition.as_ref()?.id.to_string();
            let minor = *self.applied.get(&definition)?;
            Some(CouponUse { brought: one.brought.clone(), minor })
        };
        self.carried.iter().filter_map(of).collect()
    }
}
