//! What a customer may use now: live promotions with what is left of them, the level, coupons.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use kernel::{AudienceId, CouponDefinitionId, CouponId, PromotionId, ShopId, TypedId as _};
use loyalty::Holder;
use loyalty::OfferState;
use loyalty::counters::{self, Limits, Used};
use loyalty::coupons::{self, Claimant, Definition};
use loyalty::points::statement;
use loyalty::promotions::{self, stock};
use loyalty::reservations::{Brought, ReservationError};
use platform::{Ctx, DbError, Problem, Tx};
use pricing::{Cart, Catalogue, Promotion};
use uuid::Uuid;

use super::CheckoutError;
use super::book::{self, Book};
use super::flash::{self, Part};
use super::known::Known;

/// A coupon that was brought, or found in the wallet.
#[derive(Debug, Clone)]
pub(super) struct Carried {
    /// As it is taken.
    pub brought: Brought,
    /// What it gives; none if it is refused.
    pub definition: Option<Definition>,
    /// Which it is, if it is one of its own.
    pub coupon: Option<CouponId>,
    /// Why it cannot be used.
    pub refused: Option<Problem>,
}

/// What may be used, as pricing takes it.
pub(super) struct Offers<'a> {
    pub catalogue: Cow<'a, Catalogue>,
    pub used: BTreeMap<String, pricing::Used>,
    pub stock_left: BTreeMap<String, u64>,
    pub flash: Vec<Part>,
    pub names: BTreeMap<String, String>,
    pub audiences: BTreeSet<AudienceId>,
}

/// Coupons of a wallet that one quote looks at.
const WALLET_MAX: u32 = 200;
/// Coupons that one cart takes, brought or found.
const CARRIED_MAX: usize = 20;

/// Looks at what was brought, and into the wallet if it is asked for. Of one definition the first counts; of a wallet
/// that is the one that expires first.
pub(super) async fn carried(
    tx: &mut Tx,
    cx: &Ctx,
    brought: &[Brought],
    wallet: Option<&Holder>,
    claimant: Claimant<'_>,
) -> Result<Vec<Carried>, CheckoutError> {
    let mut all: Vec<Carried> = Vec::new();
    let mut seen: BTreeSet<CouponDefinitionId> = BTreeSet::new();
    for one in brought {
        all.push(match coupons::look(tx, cx, one, claimant).await {
            Ok(found) if seen.insert(found.definition.id) => Carried {
                brought: one.clone(),
                coupon: found.coupon,
                definition: Some(found.definition),
                refused: None,
            },
            Ok(found) => Carried {
                brought: one.clone(),
                coupon: found.coupon,
                definition: None,
                refused: Some(Problem::conflict(
                    "one_of_a_kind",
                    "an order takes one coupon of a kind, and another one of it was brought",
                )),
            },
            Err(ReservationError::Db(error)) => return Err(error.into()),
            Err(error) => Carried {
                brought: one.clone(),
                coupon: None,
                definition: None,
                refused: Some(error.into()),
            },
        });
    }
    if let Some(holder) = wallet {
        let (found, definitions) =
            coupons::soonest(tx, cx.scope, holder, cx.now(), WALLET_MAX).await?;
        for coupon in found {
            if all.len() >= CARRIED_MAX {
                break;
            }
            let definition = definitions.get(&coupon.definition);
            let is_on =
                |found: &&Definition| matches!(found.state, OfferState::Live | OfferState::Stopped);
            let Some(definition) = definition.filter(is_on) else { continue };
            if seen.insert(definition.id) {
                all.push(Carried {
                    brought: Brought::Coupon(coupon.id),
                    coupon: Some(coupon.id),
                    definition: Some(definition.clone()),
                    refused: None,
                });
            }
        }
    }
    Ok(all)
}

/// Where and when something is used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Till<'a> {
    pub shop: ShopId,
    /// Days since 1970 of the shop.
    pub day: i64,
    pub cart: &'a Cart,
}

/// Puts together what may be used. `drafts` are promotions that are not live and shall count all the same.
pub(super) async fn offers<'a>(
    tx: &mut Tx,
    cx: &Ctx,
    book: &'a Book,
    known: &Known,
    carried: &[Carried],
    drafts: &[promotions::Promotion],
    till: Till<'_>,
) -> Result<Offers<'a>, CheckoutError> {
    let definitions: Vec<&Definition> =
        carried.iter().filter_map(|one| one.definition.as_ref()).collect();
    let nobody = Holder::single(kernel::CustomerId::from_uuid(Uuid::nil()));
    let holder = known.holder.as_ref().map_or(&nobody, |(_, holder)| holder);
    let mut owners: Vec<Uuid> = book.counted.iter().map(|id| id.uuid()).collect();
    owners.extend(definitions.iter().map(|found| found.id.uuid()));
    let counts = if owners.is_empty() {
        BTreeMap::new()
    } else {
        counters::used(tx, cx.scope, &owners, (till.shop, till.day, holder)).await?
    };
    let of = |id: Uuid| counts.get(&id).copied().unwrap_or_default();
    let stock = match book.flash.is_empty() && drafts.is_empty() {
        true => BTreeMap::new(),
        false => {
            let mut ids: Vec<PromotionId> = book.flash.clone();
            ids.extend(drafts.iter().map(|draft| draft.id));
            stock::of(tx, cx.scope, &ids).await?
        }
    };
    let mut offers = Offers {
        catalogue: Cow::Borrowed(&book.catalogue),
        used: BTreeMap::new(),
        stock_left: BTreeMap::new(),
        flash: Vec::new(),
        names: book
            .promotions
            .iter()
            .map(|one| (one.priced.id.clone(), one.priced.name.clone()))
            .collect(),
        audiences: book.audiences.clone(),
    };
    let mut schemes = book.schemes_of(till.shop, till.cart.currency);
    let mut is_usual = definitions.is_empty() && drafts.is_empty() && schemes.nth(1).is_none();
    // What differs from the book, by place.
    let mut other: BTreeMap<usize, Vec<Promotion>> = BTreeMap::new();
    for (place, one) in book.promotions.iter().enumerate() {
        let used = of(one.kept.id.uuid());
        let rules = &one.kept.rules;
        let spent = rules.budget_minor.is_some() && used.spent_minor > 0;
        let is_full = full(&rules.uses, &used);
        let is_flash = book.flash.contains(&one.kept.id);
        let mut made = vec![one.priced.clone()];
        if is_flash {
            let parts = flash::parts(
                &one.priced,
                one.kept.id,
                stock.get(&one.kept.id).map_or(&[][..], Vec::as_slice),
                till.cart,
            );
            if !parts.is_empty() {
                made = parts.iter().map(|part| part.promotion.clone()).collect();
                offers.flash.extend(parts);
            }
        }
        if spent || is_full.is_some() || is_flash {
            for promotion in &mut made {
                let left = rules.budget_minor.map(|budget| (budget - used.spent_minor).max(0));
                promotion.budget_left_minor = left;
                // Limits of shops and days are told as what they are for this order: nobody may use it any more.
                promotion.limits.total = is_full.or(promotion.limits.total);
            }
            is_usual = false;
        }
        for promotion in &made {
            offers.used.insert(promotion.id.clone(), priced_use(&used, is_full));
        }
        if spent || is_full.is_some() || is_flash {
            other.insert(place, made);
        }
    }
    if is_usual {
        for scheme in &book.schemes {
            offers.names.insert(scheme.id.to_string(), scheme.name.clone());
        }
        return Ok(offers);
    }
    let mut all: Vec<Promotion> = Vec::with_capacity(book.promotions.len() + definitions.len());
    for (place, one) in book.promotions.iter().enumerate() {
        match other.remove(&place) {
            Some(made) => all.extend(made),
            None => all.push(one.priced.clone()),
        }
    }
    for draft in drafts {
        let promotion = draft.promotion(&Used::default())?;
        offers.names.insert(promotion.id.clone(), promotion.name.clone());
        let own = stock.get(&draft.id).map_or(&[][..], Vec::as_slice);
        let parts = if matches!(promotion.kind, pricing::Kind::FlashSale { .. }) {
            flash::parts(&promotion, draft.id, own, till.cart)
        } else {
            Vec::new()
        };
        offers.audiences.extend(book::audiences_of(&promotion));
        offers.flash.retain(|part| part.of != draft.id);
        all.retain(|other| flash::of_part(&other.id) != promotion.id);
        if parts.is_empty() {
            all.push(promotion);
        }
        all.extend(parts.iter().map(|part| part.promotion.clone()));
        offers.flash.extend(parts);
    }
    let level_of = known.level.as_ref().map(|(_, scheme)| *scheme);
    let own = book.schemes.iter().filter(|scheme| level_of.is_none_or(|id| id == scheme.id));
    for promotion in own.filter_map(book::level_discount) {
        offers.names.insert(promotion.id.clone(), promotion.name.clone());
        all.push(promotion);
    }
    for found in definitions {
        let used = of(found.id.uuid());
        let is_full = full(&found.rules.uses, &used);
        let mut promotion = found.promotion(&used)?;
        promotion.limits.total = is_full.or(promotion.limits.total);
        offers.used.insert(promotion.id.clone(), priced_use(&used, is_full));
        offers.names.insert(promotion.id.clone(), promotion.name.clone());
        offers.audiences.extend(book::audiences_of(&promotion));
        all.push(promotion);
    }
    for part in &offers.flash {
        offers.stock_left.insert(part.promotion.id.clone(), part.left);
    }
    if all.len() > pricing::MAX_PROMOTIONS {
        return Err(pricing::PricingError::TooManyPromotions { found: all.len() }.into());
    }
    // A fault here is one of what is defined: to ask again helps nobody.
    offers.catalogue = Cow::Owned(Catalogue::new(&all, &book::PLATFORM)?);
    Ok(offers)
}

/// The limit of the shop or the day that is reached, which pricing does not know.
fn full(limits: &Limits, used: &Used) -> Option<u64> {
    let reached = |limit: Option<u32>, used: i64| limit.filter(|limit| i64::from(*limit) <= used);
    let limit = reached(limits.per_shop, used.shop).or(reached(limits.per_day, used.day));
    limit.map(u64::from)
}

fn priced_use(used: &Used, is_full: Option<u64>) -> pricing::Used {
    let count = |value: i64| u64::try_from(value).unwrap_or(0);
    pricing::Used {
        total: count(used.total).max(is_full.unwrap_or(0)),
        person: count(used.person),
        person_today: count(used.person_day),
    }
}

/// The drafts that a playground tries, as they are kept.
pub(super) async fn drafts(
    tx: &mut Tx,
    cx: &Ctx,
    ids: &[PromotionId],
) -> Result<Vec<promotions::Promotion>, CheckoutError> {
    let mut found = Vec::with_capacity(ids.len());
    // One that is named twice counts once.
    for id in ids.iter().collect::<BTreeSet<_>>() {
        let missing = || {
            let mut errors = kernel::FieldErrors::default();
            errors.push("drafts", format!("there is no promotion {id}"));
            CheckoutError::Fields(errors)
        };
        found.push(promotions::get(tx, cx.scope, *id).await?.ok_or_else(missing)?);
    }
    Ok(found)
}

/// How much of a programme's points can be spent now.
pub(super) async fn spendable(
    tx: &mut Tx,
    cx: &Ctx,
    programme: &loyalty::points::Programme,
    holder: &Holder,
) -> Result<i64, DbError> {
    let standing = statement::standing(tx, cx.scope, programme, holder, cx.now());
    Ok(standing.await?.spendable)
}
