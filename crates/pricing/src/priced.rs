//! What a cart costs, and why.

use kernel::{Currency, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Stages of a quote, in the order in which they are applied.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Unit prices: level, timed discount, flash sale.
    Price,
    /// Promotions of a line.
    Item,
    /// Promotions of lines together.
    Order,
    /// Coupons for goods.
    Coupon,
    /// Gifts.
    Gift,
    /// Shipping.
    Shipping,
}

impl Stage {
    /// How many there are.
    pub(crate) const COUNT: usize = 6;
}

/// A priced cart. All amounts are minor units of `currency`; `list_minor` less every reduction and
/// points is `total_minor`, exactly, for each line, the shipping and the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Priced {
    /// Currency of all amounts.
    pub currency: Currency,
    /// Lines by id.
    pub lines: Vec<PricedLine>,
    /// Shipping.
    pub shipping: ShippingPriced,
    /// What is given beside the goods.
    pub gifts: Vec<Gift>,
    /// Points that pay a part; `None` without any.
    pub points: Option<PointsUsed>,
    /// Goods and shipping at list price.
    pub list_minor: i64,
    /// What promotions take off goods and shipping.
    pub discount_minor: i64,
    /// What remains to be paid in money.
    pub total_minor: i64,
    /// Every promotion tried, in order of application.
    pub explanation: Vec<Tried>,
    /// Whether no allowed combination is cheaper. If not, the search met its bound; the answer was compared with
    /// single promotions, each of which took its lines in order.
    pub is_exact: bool,
}

/// One line, priced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PricedLine {
    /// Its id.
    pub id: String,
    /// Pieces.
    pub quantity: u32,
    /// All pieces at list price.
    pub list_minor: i64,
    /// What each promotion takes off, in order of application.
    pub shares: Vec<Share>,
    /// What points pay.
    pub points_minor: i64,
    /// What is paid in money for all pieces.
    pub paid_minor: i64,
}

/// What one promotion takes off a line or the shipping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Share {
    /// Id of the promotion.
    pub promotion: String,
    /// How much, more than 0.
    pub minor: i64,
}

/// Shipping, priced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShippingPriced {
    /// Before any promotion.
    pub list_minor: i64,
    /// What each promotion takes off.
    pub shares: Vec<Share>,
    /// What is paid.
    pub paid_minor: i64,
}

/// Something given beside the goods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gift {
    /// Id of the promotion.
    pub promotion: String,
    /// Which product.
    pub product: String,
    /// Which variant of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Pieces.
    pub quantity: u64,
    /// Ids of the lines that earned it.
    pub lines: Vec<String>,
}

/// Points that are spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PointsUsed {
    /// How many: the fewest that are worth `minor`.
    pub points: u64,
    /// What they pay.
    pub minor: i64,
}

/// A promotion that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tried {
    /// Its id.
    pub promotion: String,
    /// Its stage.
    pub stage: Stage,
    /// What it takes off lines and shipping together; 0 if refused.
    pub minor: i64,
    /// What it takes off the shipping.
    pub shipping_minor: i64,
    /// Why it does not apply at all; `None` if it does, or if `lines` have the reasons.
    pub reason: Option<Reason>,
    /// The lines it matches and what became of it there; empty if it was refused before lines were looked at.
    pub lines: Vec<LineOutcome>,
}

/// What became of a promotion on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineOutcome {
    /// Id of the line.
    pub line: String,
    /// Applied or refused.
    pub outcome: Outcome,
}

/// Applied with how much, or refused with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Applied; 0 for gifts, shipping, and shares that round to nothing.
    Applied {
        /// What it takes off the line.
        minor: i64,
    },
    /// Not applied.
    Refused {
        /// Why.
        reason: Reason,
    },
}

/// Why a promotion is not applied: a code for machines, with what a text about it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    /// The cart is in another currency.
    Currency,
    /// It begins later.
    NotYet {
        /// When.
        starts_at: Timestamp,
    },
    /// It is over.
    Over {
        /// Since when.
        ended_at: Timestamp,
    },
    /// Not on this day or at this hour.
    Calendar,
    /// Not in this shop.
    Shop,
    /// Not for the customer's level.
    Level,
    /// Not for the customer's tier.
    Tier,
    /// The customer is in none of its audiences.
    Audience,
    /// Only for a first order.
    FirstOrder,
    /// Only on the birthday.
    Birthday,
    /// The coupon was not brought.
    CouponNotBrought,
    /// Everybody together used it as often as it may be.
    LimitTotal {
        /// How often.
        limit: u64,
    },
    /// This person used it as often as a person may.
    LimitPerson {
        /// How often.
        limit: u64,
    },
    /// This person used it today as often as a person may in a day.
    LimitPersonPerDay {
        /// How often.
        limit: u64,
    },
    /// No pieces are left.
    SoldOut,
    /// It would give more than its budget has left.
    Budget {
        /// What is left.
        left_minor: i64,
        /// What it would give.
        needed_minor: i64,
    },
    /// No line matches.
    NoMatchingLine,
    /// The line or all matching lines have a lowered price, and those do not count.
    Discounted,
    /// The matching lines cost too little.
    BelowAmount {
        /// From which amount on.
        needed_minor: i64,
        /// What they cost at the beginning of the stage.
        have_minor: i64,
    },
    /// Too few pieces.
    BelowPieces {
        /// From how many on.
        needed: u64,
        /// How many there are.
        have: u64,
    },
    /// It would not lower the price.
    NotLower,
    /// There is no shipping to pay.
    NoShipping,
    /// Another promotion of its exclusive group applies.
    ExclusiveGroup {
        /// The group.
        group: String,
        /// The promotion that applies.
        with: String,
    },
    /// A promotion of the same stage with which it does not stack has the line.
    DoesNotStack {
        /// The promotion that applies.
        with: String,
    },
    /// It could apply, but the customer would pay more (or get less) in all.
    NotBest,
}
