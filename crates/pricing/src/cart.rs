//! What is to be priced, for whom and when.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Currency, FieldErrors, Timestamp, Zone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    FULL_BPS, MAX_AMOUNT_MINOR, MAX_CATEGORIES, MAX_COUPONS, MAX_LINES, MAX_LIST, MAX_QUANTITY,
    MAX_TEXT_BYTES,
};

/// A cart at list prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cart {
    /// Currency of all amounts.
    pub currency: Currency,
    /// 1 to 500 lines, in any order.
    pub lines: Vec<Line>,
    /// Shipping before any promotion.
    #[serde(default)]
    pub shipping_minor: i64,
}

/// One line of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its id, once in the cart. Ties between lines go to the smaller one.
    pub id: String,
    /// The product.
    pub product: String,
    /// Its variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Categories of the product, parents too.
    #[serde(default)]
    pub categories: Vec<String>,
    /// Pieces, 1 to 1,000,000.
    pub quantity: u32,
    /// List price of a piece.
    pub unit_price_minor: i64,
    /// What a piece costs the shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_minor: Option<i64>,
}

/// Everything beside the cart on which its price depends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// The moment of the quote.
    pub now: Timestamp,
    /// Seconds east of UTC of the shop's clock, by which calendars are read.
    #[serde(default = "china")]
    pub zone_offset_seconds: i32,
    /// The shop.
    #[serde(default)]
    pub shop: String,
    /// The customer.
    #[serde(default)]
    pub customer: Customer,
    /// Ids of the coupons that the customer brings.
    #[serde(default)]
    pub coupons: Vec<String>,
    /// How often promotions were used before, by their id.
    #[serde(default)]
    pub used: BTreeMap<String, Used>,
    /// Pieces left of flash sales, by their id. One that is not here has none.
    #[serde(default)]
    pub stock_left: BTreeMap<String, u64>,
    /// Points the customer wishes to spend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<PointsToSpend>,
}

const fn china() -> i32 {
    Zone::CHINA.offset_seconds()
}

/// What promotions may ask about a customer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Customer {
    /// Member level.
    pub level: Option<String>,
    /// RFM tier.
    pub tier: Option<String>,
    /// Audiences the customer is in.
    pub audiences: Vec<String>,
    /// Whether this would be the first order.
    pub first_order: bool,
    /// Whether today is the birthday.
    pub is_birthday: bool,
}

/// Orders that used a promotion before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Used {
    /// Of everybody.
    pub total: u64,
    /// Of this person.
    pub person: u64,
    /// Of this person today.
    pub person_today: u64,
}

/// Points offered for a part of the goods, at `worth_minor` for `points_per_worth` points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PointsToSpend {
    /// The most that may be spent.
    pub points: u64,
    /// So many points …
    pub points_per_worth: u64,
    /// … are worth so many minor units.
    pub worth_minor: i64,
    /// The part of the goods that points may pay, in basis points.
    #[serde(default = "whole")]
    pub share_bps: u32,
}

const fn whole() -> u32 {
    FULL_BPS
}

impl Context {
    /// A context of `now` in China and nothing else: no shop, nobody in particular, no coupons.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            now,
            zone_offset_seconds: china(),
            shop: String::new(),
            customer: Customer::default(),
            coupons: Vec::new(),
            used: BTreeMap::new(),
            stock_left: BTreeMap::new(),
            points: None,
        }
    }

    /// The zone by which days and hours are read; UTC if the offset is none, which no quote takes.
    #[must_use]
    pub fn zone(&self) -> Zone {
        Zone::from_offset_seconds(self.zone_offset_seconds).unwrap_or(Zone::UTC)
    }

    pub(crate) fn check(&self, errors: &mut FieldErrors) {
        if self.zone_offset_seconds.unsigned_abs() > 18 * 3600 {
            errors.push("context.zone_offset_seconds", "must be within 18 hours of UTC");
        }
        for (field, found, limit) in [
            ("context.coupons", self.coupons.len(), MAX_COUPONS),
            ("context.customer.audiences", self.customer.audiences.len(), MAX_LIST),
            ("context.used", self.used.len(), MAX_LIST),
            ("context.stock_left", self.stock_left.len(), MAX_LIST),
        ] {
            if found > limit {
                errors.push(field, format!("{found} entries; at most {limit}"));
            }
        }
        if let Some(points) = &self.points {
            let limit = MAX_AMOUNT_MINOR.unsigned_abs();
            if points.points > limit || !(1..=limit).contains(&points.points_per_worth) {
                errors.push("context.points", format!("points must be 1 to {limit}"));
            }
            check_amount(errors, "context.points.worth_minor", points.worth_minor);
            if points.share_bps > FULL_BPS {
                errors.push("context.points.share_bps", "must be 0 to 10000");
            }
        }
    }
}

impl Cart {
    pub(crate) fn check(&self, errors: &mut FieldErrors) {
        if self.lines.is_empty() || self.lines.len() > MAX_LINES {
            errors.push("cart.lines", format!("{} lines; 1 to {MAX_LINES}", self.lines.len()));
            return;
        }
        check_amount(errors, "cart.shipping_minor", self.shipping_minor);
        let mut ids = BTreeSet::new();
        // A few lines are compared faster than gathered.
        let is_short = self.lines.len() <= 8;
        let mut total = self.shipping_minor;
        for (index, line) in self.lines.iter().enumerate() {
            let field = |name: &str| format!("cart.lines[{index}].{name}");
            let is_known = if is_short {
                self.lines[..index].iter().any(|other| other.id == line.id)
            } else {
                !ids.insert(line.id.as_str())
            };
            if is_known {
                errors.push(field("id"), "another line has the same id");
            }
            for (name, text) in [("id", &line.id), ("product", &line.product)] {
                check_text(errors, || field(name), text);
            }
            if let Some(sku) = &line.sku {
                check_text(errors, || field("sku"), sku);
            }
            if line.categories.len() > MAX_CATEGORIES {
                errors.push(field("categories"), format!("at most {MAX_CATEGORIES}"));
            }
            if !(1..=MAX_QUANTITY).contains(&line.quantity) {
                errors.push(field("quantity"), format!("must be 1 to {MAX_QUANTITY}"));
            }
            for (name, amount) in [
                ("unit_price_minor", line.unit_price_minor),
                ("cost_minor", line.cost_minor.unwrap_or(0)),
            ] {
                if !(0..=MAX_AMOUNT_MINOR).contains(&amount) {
                    check_amount(errors, &field(name), amount);
                }
            }
            let list = line.unit_price_minor.saturating_mul(i64::from(line.quantity));
            total = total.saturating_add(list);
        }
        if total > MAX_AMOUNT_MINOR {
            errors.push("cart", format!("costs more than {MAX_AMOUNT_MINOR} minor units"));
        }
    }

    /// The cart without the pieces of `returned` (line id to pieces); lines without pieces go.
    ///
    /// Shipping stays, as it was paid once. An empty cart has no lines and cannot be priced.
    #[must_use]
    pub fn without(&self, returned: &BTreeMap<String, u32>) -> Self {
        let mut cart = self.clone();
        for line in &mut cart.lines {
            line.quantity =
                line.quantity.saturating_sub(returned.get(&line.id).copied().unwrap_or(0));
        }
        cart.lines.retain(|line| line.quantity > 0);
        cart
    }
}

pub(crate) fn check_amount(errors: &mut FieldErrors, field: &str, amount: i64) {
    if !(0..=MAX_AMOUNT_MINOR).contains(&amount) {
        errors.push(field, format!("must be 0 to {MAX_AMOUNT_MINOR} minor units"));
    }
}

pub(crate) fn check_text(errors: &mut FieldErrors, field: impl FnOnce() -> String, text: &str) {
    if text.is_empty() || text.len() > MAX_TEXT_BYTES {
        errors.push(field(), format!("must have 1 to {MAX_TEXT_BYTES} bytes"));
    }
}
