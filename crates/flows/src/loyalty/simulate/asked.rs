//! What is asked of a simulation, and the promotions that follow from it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use commerce::store::PastPeriod;
use insight::Frame;
use kernel::{FieldErrors, PromotionId, ShopId, Timestamp};
use loyalty::counters::Used;
use loyalty::promotions::{self, PromotionRules};
use platform::{DbError, Scope, Tx};
use pricing::{Catalogue, Kind, Period, Platform, Promotion};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::engine::ShopBook;

/// Promotions of one draft.
pub const DRAFT_MAX: usize = 20;
/// Days of one period.
const DAYS_MAX: i64 = 3_660;
/// SKUs whose cost is told.
const COSTS_MAX: usize = 10_000;
/// Longest name, in characters.
const NAME_MAX: usize = 60;
/// A reduction beyond it is a leak, unless told otherwise.
const DEEPEST_OFF_BPS: u32 = 5_000;

/// A promotion of the draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum DraftPromotion {
    /// One that is kept, in whatever state.
    Kept {
        /// Which.
        promotion: PromotionId,
    },
    /// One that is written down here.
    Written {
        /// Its name.
        name: String,
        /// What it says.
        rules: PromotionRules,
    },
}

/// Past orders to be replayed through what is live now, with and without a draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulationBody {
    /// What to call it; up to 60 characters.
    #[serde(default)]
    pub name: String,
    /// 1 to 20 promotions that are added to what is live.
    pub draft: Vec<DraftPromotion>,
    /// Live promotions in whose place they come.
    #[serde(default)]
    pub without: Vec<PromotionId>,
    /// The first day of the period, by the shop's clock.
    #[schema(value_type = String, format = Date)]
    pub from: NaiveDate,
    /// The last day.
    #[schema(value_type = String, format = Date)]
    pub to: NaiveDate,
    /// Orders of this shop alone; all shops unless given.
    #[serde(default)]
    pub shop: Option<ShopId>,
    /// The deepest reduction that is meant, in basis points of the list price: 5,000 unless given.
    #[serde(default)]
    pub deepest_off_bps: Option<u32>,
    /// What goods cost the shop, in basis points of their list price, where `costs_minor` does not tell.
    #[serde(default)]
    pub cost_bps: Option<u32>,
    /// What a piece costs the shop, by code of the SKU; up to 10,000.
    #[serde(default)]
    pub costs_minor: BTreeMap<String, i64>,
    /// Whether promotions run only in their own periods; else they run throughout.
    #[serde(default)]
    pub keep_periods: bool,
}

impl SimulationBody {
    pub(super) fn check(&self, shops: &ShopBook) -> Result<Asked, FieldErrors> {
        let mut errors = FieldErrors::default();
        if self.name.chars().count() > NAME_MAX || self.name.contains(char::is_control) {
            errors.push("name", format!("must be at most {NAME_MAX} characters on one line"));
        }
        if !(1..=DRAFT_MAX).contains(&self.draft.len()) {
            errors.push("draft", format!("must be 1 to {DRAFT_MAX} promotions"));
        }
        if self.without.len() > pricing::MAX_PROMOTIONS {
            errors.push("without", format!("at most {}", pricing::MAX_PROMOTIONS));
        }
        let days = (self.to - self.from).num_days() + 1;
        if days < 1 {
            errors.push("to", "must not be before `from`");
        } else if days > DAYS_MAX {
            errors.push("to", format!("{days} days; at most {DAYS_MAX}"));
        }
        for (field, bps) in [("deepest_off_bps", self.deepest_off_bps), ("cost_bps", self.cost_bps)]
        {
            if bps.is_some_and(|bps| bps > pricing::FULL_BPS) {
                errors.push(field, "must be 0 to 10000");
            }
        }
        if self.costs_minor.len() > COSTS_MAX {
            errors.push("costs_minor", format!("at most {COSTS_MAX}"));
        }
        let is_cost = |cost: &i64| (0..=pricing::MAX_AMOUNT_MINOR).contains(cost);
        if !self.costs_minor.values().all(is_cost) {
            errors.push("costs_minor", format!("must be 0 to {}", pricing::MAX_AMOUNT_MINOR));
        }
        let frame = errors.keep("shop", shops.choose(self.shop));
        let frame = errors.finish(|| frame)?;
        // Days are those of the shop that is asked for.
        let zone = frame.zone;
        let until = self.to.succ_opt().unwrap_or(self.to);
        let shop = self.shop.and_then(|id| shops.by_id(id)).map(|shop| shop.number);
        Ok(Asked {
            period: PastPeriod {
                from: Timestamp::start_of(self.from, zone),
                until: Timestamp::start_of(until, zone),
                shop,
            },
            frame,
        })
    }

    pub(super) fn deepest_off_bps(&self) -> u32 {
        self.deepest_off_bps.unwrap_or(DEEPEST_OFF_BPS)
    }

    /// What a piece of `code` at `unit_minor` costs the shop, if that is told.
    pub(super) fn cost_minor(&self, code: &str, unit_minor: i64) -> Option<i64> {
        let part = |bps: u32| {
            unit_minor / 10_000 * i64::from(bps) + unit_minor % 10_000 * i64::from(bps) / 10_000
        };
        self.costs_minor.get(code).copied().or_else(|| self.cost_bps.map(part))
    }
}

/// What a checked body says of orders.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub period: PastPeriod,
    pub frame: Frame,
}

/// A promotion that orders are priced with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub id: Option<PromotionId>,
    pub name: String,
    pub is_draft: bool,
}

/// What orders are replayed through.
#[derive(Debug)]
pub(super) struct Offers {
    pub now: Catalogue,
    pub draft: Catalogue,
    /// By their ids in the catalogues.
    pub names: BTreeMap<String, Named>,
    /// Whether any of them asks for levels.
    pub needs_levels: bool,
    /// What cannot be known of the past and counts as not so.
    pub left_aside: BTreeSet<&'static str>,
    /// Flash sales, of which there is always enough.
    pub flash: Vec<String>,
    /// Coupons that everybody brings.
    pub coupons: Vec<String>,
}

/// What is wrong with a draft.
#[derive(Debug, thiserror::Error)]
pub(super) enum OffersError {
    #[error("{0}")]
    Fields(FieldErrors),
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Offers {
    /// Reads what is live and puts the draft beside it.
    pub(super) async fn read(
        tx: &mut Tx,
        scope: Scope,
        body: &SimulationBody,
    ) -> Result<Self, OffersError> {
        let mut names = BTreeMap::new();
        let mut now: Vec<Promotion> = Vec::new();
        for live in promotions::live(tx, scope).await? {
            let named = Named { id: Some(live.id), name: live.name.clone(), is_draft: false };
            names.insert(live.id.to_string(), named);
            now.push(live.promotion(&Used::default())?);
        }
        let mut errors = FieldErrors::default();
        let mut drafted: Vec<Promotion> = Vec::new();
        for (index, one) in body.draft.iter().enumerate() {
            let place = format!("draft.{index}");
            let (promotion, named) = match one {
                DraftPromotion::Kept { promotion: id } => {
                    let Some(kept) = promotions::get(tx, scope, *id).await? else {
                        errors.push(place, "there is no such promotion");
                        continue;
                    };
                    let named = Named { id: Some(*id), name: kept.name.clone(), is_draft: true };
                    (kept.promotion(&Used::default())?, named)
                }
                DraftPromotion::Written { name, rules } => {
                    match rules.drafted(format!("draft-{index}"), name) {
                        Ok(promotion) => {
                            (promotion, Named { id: None, name: name.clone(), is_draft: true })
                        }
                        Err(wrong) => {
                            for error in wrong.into_vec() {
                                let field = format!("{place}.rules.{}", error.field);
                                errors.push(field, error.message);
                            }
                            continue;
                        }
                    }
                }
            };
            if drafted.iter().any(|other| other.id == promotion.id) {
                errors.push(place, "is in the draft already");
                continue;
            }
            names.insert(promotion.id.clone(), named);
            drafted.push(promotion);
        }
        errors.finish(|| Some(())).map_err(OffersError::Fields)?;
        let without: BTreeSet<String> = body.without.iter().map(ToString::to_string).collect();
        let stays = |one: &&Promotion| {
            !without.contains(&one.id) && !drafted.iter().any(|other| other.id == one.id)
        };
        let mut draft: Vec<Promotion> = now.iter().filter(stays).cloned().collect();
        draft.extend(drafted);
        Self::of(now, draft, names, body.keep_periods)
    }

    fn of(
        mut now: Vec<Promotion>,
        mut draft: Vec<Promotion>,
        names: BTreeMap<String, Named>,
        keep_periods: bool,
    ) -> Result<Self, OffersError> {
        let mut left_aside = BTreeSet::new();
        for (what, is_asked) in LEFT_ASIDE {
            if now.iter().chain(&draft).any(is_asked) {
                left_aside.insert(what);
            }
        }
        for promotion in now.iter_mut().chain(&mut draft) {
            promotion.budget_left_minor = None;
            if !keep_periods {
                promotion.period = throughout();
            }
        }
        let all = || now.iter().chain(&draft);
        let ids = |which: Asks| -> Vec<String> {
            let ids: BTreeSet<&String> =
                all().filter(|one| which(one)).map(|one| &one.id).collect();
            ids.into_iter().cloned().collect()
        };
        let needs_levels = all().any(|one| {
            matches!(one.kind, Kind::LevelDiscount { .. }) || !one.conditions.levels.is_empty()
        });
        let flash = ids(|one| matches!(one.kind, Kind::FlashSale { .. }));
        let coupons = ids(|one| one.coupon);
        let made = |promotions: &[Promotion]| {
            Catalogue::new(promotions, &Platform::default()).map_err(|error| {
                let mut errors = FieldErrors::default();
                errors.push("draft", error.to_string());
                OffersError::Fields(errors)
            })
        };
        let (now, draft) = (made(&now)?, made(&draft)?);
        Ok(Self { now, draft, names, needs_levels, left_aside, flash, coupons })
    }
}

impl Offers {
    /// The name of the promotion of an id.
    pub(super) fn name(&self, id: String) -> String {
        self.names.get(&id).map_or(id, |named| named.name.clone())
    }
}

/// Whether a promotion asks something.
type Asks = fn(&Promotion) -> bool;

/// What promotions may ask that past orders do not tell.
const LEFT_ASIDE: [(&str, Asks); 6] = [
    ("audiences", |one| !one.conditions.audiences.is_empty()),
    ("birthday", |one| one.conditions.birthday),
    ("categories", |one| {
        !one.conditions.categories.is_empty() || !one.conditions.excluded_categories.is_empty()
    }),
    ("uses", |one| one.limits != pricing::Limits::default()),
    ("budget", |one| one.budget_left_minor.is_some()),
    ("stock", |one| matches!(one.kind, Kind::FlashSale { .. })),
];

/// Of promotions that run all the time.
const fn throughout() -> Period {
    Period { starts_at: Some(Timestamp::from_millis(0)), ends_at: None }
}
