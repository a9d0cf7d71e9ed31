//! What a promotion is.

use kernel::Currency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::calendar::{Calendar, Period};
use crate::conditions::Conditions;
use crate::priced::Stage;

/// One promotion or coupon. What it may hold is checked when a [`crate::Catalogue`] is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Promotion {
    /// Its id, once in a catalogue; the last tie-break.
    pub id: String,
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// Currency of its amounts; carts in another one are refused.
    pub currency: Currency,
    /// What it gives.
    pub kind: Kind,
    /// Each line alone, or the matching lines together. Price rules are always of a line.
    #[serde(default)]
    pub scope: Scope,
    /// Whether it is a coupon: applies only if brought, and after all other promotions of goods.
    #[serde(default)]
    pub coupon: bool,
    /// For whom and for what.
    #[serde(default)]
    pub conditions: Conditions,
    /// From when until when.
    #[serde(default)]
    pub period: Period,
    /// On which days and hours.
    #[serde(default)]
    pub calendar: Calendar,
    /// At most one promotion of such a group applies to a cart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusive_group: Option<String>,
    /// In one stage a line takes one promotion, unless all it takes name the same stacking group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stacking_group: Option<String>,
    /// Higher is applied earlier within its stage.
    #[serde(default)]
    pub priority: i32,
    /// What may still be given, in minor units; a larger reduction is refused as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_left_minor: Option<i64>,
    /// How often it may be used.
    #[serde(default)]
    pub limits: Limits,
}

/// How a promotion sees the lines it matches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Each line by itself: thresholds, caps and rounding are per line.
    Item,
    /// All matching lines together: one threshold, one rounding, split by largest remainder.
    #[default]
    Order,
}

/// How many orders may use a promotion; `used` of the context says how many did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Of everybody.
    pub total: Option<u64>,
    /// Of one person.
    pub per_person: Option<u64>,
    /// Of one person on one day of the shop.
    pub per_person_per_day: Option<u64>,
}

/// What a promotion gives. Rates are what is *paid*, in basis points: 8,500 is 85 折.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Kind {
    /// 会员折扣: a rate on the unit price by the level of the customer, not below the platform's floor.
    LevelDiscount {
        /// One rate for each level.
        levels: Vec<LevelRate>,
    },
    /// 限时折扣: another unit price within a period.
    TimedDiscount {
        /// Which.
        price: PriceChange,
    },
    /// 秒杀: a fixed unit price from a set second on, for as many pieces as are left in stock.
    FlashSale {
        /// The price of a piece.
        unit_price_minor: i64,
        /// Pieces at that price in one order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pieces_per_order: Option<u32>,
    },
    /// 满减 and 每满减 (`repeat`): an amount off from a threshold on.
    AmountOff {
        /// From which amount on; 0 for always, which cannot repeat.
        threshold_minor: i64,
        /// What is taken off.
        off_minor: i64,
        /// Once for every full threshold.
        #[serde(default)]
        repeat: bool,
        /// The most that is taken off; without it 上不封顶.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cap_minor: Option<i64>,
    },
    /// 打折.
    PercentOff {
        /// What is paid, 1 to 9,999.
        pay_bps: u32,
        /// The most that is taken off.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cap_minor: Option<i64>,
    },
    /// 阶梯满减, 阶梯满折, 满件折: the highest step reached applies.
    Tiered {
        /// What is counted.
        by: Measure,
        /// Rising, each giving more than the one before.
        steps: Vec<Step>,
        /// The most that is taken off.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cap_minor: Option<i64>,
    },
    /// N 件 M 元: each full set of pieces, the dearest first, for one price where that is cheaper.
    NForPrice {
        /// Pieces of a set, at least 2.
        pieces: u32,
        /// What a set costs.
        price_minor: i64,
        /// At most so many sets.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sets: Option<u32>,
    },
    /// 买 N 付 M: for every N pieces the cheapest N − M are free.
    BuyNPayM {
        /// N.
        buy: u32,
        /// M, less than N.
        pay: u32,
    },
    /// 第 N 件 M 折: for every N pieces the cheapest one at a rate.
    NthPiece {
        /// N, at least 2.
        every: u32,
        /// What is paid for it, 0 to 9,999.
        pay_bps: u32,
    },
    /// 满赠: gifts from a threshold on.
    Gift {
        /// From which amount on; 0 for always, which cannot repeat.
        threshold_minor: i64,
        /// Once for every full threshold.
        #[serde(default)]
        repeat: bool,
        /// At most so many times.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        times: Option<u32>,
        /// What is given.
        gifts: Vec<GiftItem>,
    },
    /// 包邮: shipping is free.
    FreeShipping {
        /// The most that is taken off the shipping.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cap_minor: Option<i64>,
    },
}

/// The rate of one level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelRate {
    /// Which level.
    pub level: String,
    /// What is paid, 1 to 9,999.
    pub pay_bps: u32,
}

/// How a unit price changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum PriceChange {
    /// A part of it, rounded half up.
    Rate {
        /// What is paid, 1 to 9,999.
        pay_bps: u32,
    },
    /// So much less, not below 0.
    Less {
        /// By how much.
        off_minor: i64,
    },
    /// A fixed price.
    Fixed {
        /// Which.
        unit_price_minor: i64,
    },
}

/// What steps count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Minor units.
    Amount,
    /// Pieces.
    Pieces,
}

/// One step of a tiered promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// From which amount (minor units) or number of pieces on.
    pub from: i64,
    /// What it gives; all steps of a promotion give of one sort.
    pub off: StepOff,
}

/// What a step gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum StepOff {
    /// An amount off.
    Amount {
        /// How much.
        off_minor: i64,
    },
    /// A rate.
    Rate {
        /// What is paid, 1 to 9,999.
        pay_bps: u32,
    },
}

/// A gift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiftItem {
    /// Which product.
    pub product: String,
    /// Which variant of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Pieces.
    pub quantity: u32,
    /// What a piece is worth to the customer; decides between carts that cost the same.
    #[serde(default)]
    pub value_minor: i64,
}

impl Promotion {
    /// The stage in which it applies.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match &self.kind {
            Kind::LevelDiscount { .. } | Kind::TimedDiscount { .. } | Kind::FlashSale { .. } => {
                Stage::Price
            }
            Kind::FreeShipping { .. } => Stage::Shipping,
            Kind::Gift { .. } => Stage::Gift,
            _ if self.coupon => Stage::Coupon,
            _ if self.scope == Scope::Item => Stage::Item,
            _ => Stage::Order,
        }
    }

    /// Whether it applies to each line alone.
    pub(crate) fn is_by_line(&self) -> bool {
        match self.stage() {
            Stage::Price | Stage::Item => true,
            Stage::Gift => self.scope == Scope::Item,
            _ => false,
        }
    }
}
