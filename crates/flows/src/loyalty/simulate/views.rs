//! What a simulation came to, as it is kept and told.

use std::collections::HashMap;

use chrono::NaiveDate;
use kernel::{Currency, OrderId, Person, PromotionId, SimulationId, Timestamp};
use loyalty::simulations::{Head, SimulationState};
use pricing::{Compared, Simulation, Totals};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::asked::{Offers, SimulationBody};
use super::carts::People as Customers;

/// Leaks and orders that are told one by one.
const TOLD_MAX: usize = 100;

/// What promotions make of some orders. Amounts are minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SimulationTotals {
    /// Orders priced.
    pub orders: u64,
    /// Those from which something was taken off.
    pub touched: u64,
    /// Goods and shipping at list price.
    pub list_minor: i64,
    /// What promotions take off: what they cost the shop.
    pub discount_minor: i64,
    /// What is paid for goods whose cost is known, less that cost; null if none is.
    pub margin_minor: Option<i64>,
    /// Orders whose goods are reduced by more than is meant.
    pub deep: u64,
    /// Orders whose goods cost less than the platform's floor of 7,000 basis points of their list price.
    pub below_floor: u64,
    /// Orders whose price is the best found and not proven to be the best.
    pub inexact: u64,
}

impl From<&Totals> for SimulationTotals {
    fn from(totals: &Totals) -> Self {
        let narrow =
            |wide: i128| i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX });
        Self {
            orders: totals.orders,
            touched: totals.touched,
            list_minor: narrow(totals.list_minor),
            discount_minor: narrow(totals.discount_minor),
            margin_minor: (totals.costed > 0).then(|| narrow(totals.margin_minor)),
            deep: totals.deep,
            below_floor: totals.below_floor,
            inexact: totals.inexact,
        }
    }
}

/// The orders of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SimulationDay {
    /// By the shop's clock.
    #[schema(value_type = String, format = Date)]
    pub day: NaiveDate,
    /// With what is live.
    pub now: SimulationTotals,
    /// With the draft.
    pub draft: SimulationTotals,
}

/// The orders of the customers of one tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SimulationTier {
    /// The code of the tier of today; null for customers without one and orders of nobody known.
    pub tier: Option<String>,
    /// Customers with orders in the period.
    pub customers: u64,
    /// With what is live.
    pub now: SimulationTotals,
    /// With the draft.
    pub draft: SimulationTotals,
}

/// What one promotion does, with the draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SimulationPromotion {
    /// The promotion, if it is kept.
    pub promotion: Option<PromotionId>,
    /// Its name.
    pub name: String,
    /// Whether it is of the draft.
    pub is_draft: bool,
    /// Orders in which it applies.
    pub orders: u64,
    /// What it takes off.
    pub discount_minor: i64,
}

/// A line on which two or more promotions together go below cost or deeper than is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SimulationLeak {
    /// Of which order.
    pub order: OrderId,
    /// Code of the SKU, or title.
    pub product: String,
    /// Names of the promotions.
    pub promotions: Vec<String>,
    /// The line at list price.
    pub list_minor: i64,
    /// What is left to pay.
    pub paid_minor: i64,
    /// What the pieces cost the shop, if known.
    pub cost_minor: Option<i64>,
}

/// An order whose goods are reduced by more than is meant, or below the platform's floor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SimulationDeepOrder {
    /// Which.
    pub order: OrderId,
    /// Names of the promotions.
    pub promotions: Vec<String>,
    /// Goods at list price.
    pub list_minor: i64,
    /// What is left to pay for them with the draft.
    pub paid_minor: i64,
    /// What is left to pay with what is live.
    pub paid_now_minor: i64,
    /// Whether that is below the platform's floor.
    pub is_below_floor: bool,
}

/// What came out, or came out so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SimulationResult {
    /// Of all amounts.
    pub currency: Currency,
    /// All orders with what is live.
    pub now: SimulationTotals,
    /// All orders with the draft.
    pub draft: SimulationTotals,
    /// By day.
    pub by_day: Vec<SimulationDay>,
    /// By tier.
    pub by_tier: Vec<SimulationTier>,
    /// By promotion, the dearest first.
    pub by_promotion: Vec<SimulationPromotion>,
    /// Lines on which two or more promotions go too deep together.
    pub leaks: u64,
    /// The first 100 of them.
    pub first_leaks: Vec<SimulationLeak>,
    /// The first 100 orders that go too deep or below the floor.
    pub first_deep: Vec<SimulationDeepOrder>,
    /// Orders that could not be priced, such as those of more than 500 lines; they are in no total.
    pub refused: u64,
    /// What promotions ask and past orders do not tell: `audiences`, `birthday`, `categories` (nobody is in any),
    /// `uses`, `budget`, `stock` (there is always enough).
    pub left_aside: Vec<String>,
}

/// A simulation in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SimulationRow {
    /// Its id.
    pub id: SimulationId,
    /// What it was called.
    pub name: String,
    /// Where it stands.
    pub state: SimulationState,
    /// Orders replayed so far.
    pub done: i64,
    /// Orders of the period; null before it began.
    pub total: Option<i64>,
    /// Who asked.
    pub asked_by: Option<Person>,
    /// When.
    pub asked_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why nothing came out.
    pub failure: Option<String>,
}

impl SimulationRow {
    pub(super) fn of(head: Head, asked_by: Option<Person>) -> Self {
        let Head { id, name, state, done, total, asked_at, finished_at, failure, .. } = head;
        Self { id, name, state, done, total, asked_by, asked_at, finished_at, failure }
    }
}

/// A simulation with what was asked and what came out.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SimulationView {
    /// Where it stands.
    #[serde(flatten)]
    pub row: SimulationRow,
    /// What was asked.
    pub request: SimulationBody,
    /// What came out so far; null before the first orders.
    pub result: Option<SimulationResult>,
}

/// Adds up batches of orders.
#[derive(Debug, Default)]
pub(super) struct Sum {
    all: Simulation,
    leaks: Vec<SimulationLeak>,
    deep: Vec<SimulationDeepOrder>,
}

impl Sum {
    /// Adds a batch: `ids` and `carts` are its orders, in the order in which they were simulated.
    pub(super) fn add(
        &mut self,
        mut batch: Simulation,
        ids: &[OrderId],
        carts: &[pricing::PastOrder],
        offers: &Offers,
    ) {
        let names =
            |promotions: Vec<String>| promotions.into_iter().map(|id| offers.name(id)).collect();
        let place = |order: u64| usize::try_from(order).unwrap_or(usize::MAX);
        for leak in std::mem::take(&mut batch.first_leaks) {
            let (at, room) = (place(leak.order), self.leaks.len() < TOLD_MAX);
            let Some((order, cart)) = ids.get(at).zip(carts.get(at)).filter(|_| room) else {
                break;
            };
            let line = cart.cart.lines.iter().find(|line| line.id == leak.line);
            self.leaks.push(SimulationLeak {
                order: *order,
                product: line.map_or_else(String::new, |line| line.product.clone()),
                promotions: names(leak.promotions),
                list_minor: leak.list_minor,
                paid_minor: leak.paid_minor,
                cost_minor: leak.cost_minor,
            });
        }
        for deep in std::mem::take(&mut batch.first_deep) {
            let room = self.deep.len() < TOLD_MAX;
            let Some(order) = ids.get(place(deep.order)).filter(|_| room) else { break };
            self.deep.push(SimulationDeepOrder {
                order: *order,
                promotions: names(deep.promotions),
                list_minor: deep.list_minor,
                paid_minor: deep.paid_minor,
                paid_now_minor: deep.paid_now_minor,
                is_below_floor: deep.is_below_floor,
            });
        }
        self.all.add(batch);
    }

    pub(super) fn result(
        &self,
        currency: Currency,
        offers: &Offers,
        customers: &Customers,
    ) -> SimulationResult {
        let both = |both: &Compared| (SimulationTotals::from(&both.now), (&both.draft).into());
        let (now, draft) = both(&self.all.all);
        let by_day = self.all.by_day.iter().map(|(day, totals)| {
            let (now, draft) = both(totals);
            SimulationDay { day: *day, now, draft }
        });
        let mut met: HashMap<&str, u64> = HashMap::new();
        for customer in &customers.met {
            *met.entry(customers.tier(*customer).unwrap_or("")).or_default() += 1;
        }
        let by_tier = self.all.by_tier.iter().map(|(tier, totals)| {
            let (now, draft) = both(totals);
            let customers = met.get(tier.as_str()).copied().unwrap_or(0);
            let tier = Some(tier.clone()).filter(|tier| !tier.is_empty());
            SimulationTier { tier, customers, now, draft }
        });
        let known = self.all.by_promotion.iter();
        let mut by_promotion: Vec<SimulationPromotion> = known
            .filter_map(|(id, totals)| Some((offers.names.get(id)?, totals)))
            .map(|(named, totals)| SimulationPromotion {
                promotion: named.id,
                name: named.name.clone(),
                is_draft: named.is_draft,
                orders: totals.orders,
                discount_minor: i64::try_from(totals.discount_minor).unwrap_or(i64::MAX),
            })
            .collect();
        by_promotion.sort_by_key(|one| (-one.discount_minor, !one.is_draft));
        SimulationResult {
            currency,
            now,
            draft,
            by_day: by_day.collect(),
            by_tier: by_tier.collect(),
            by_promotion,
            leaks: self.all.leaks,
            first_leaks: self.leaks.clone(),
            first_deep: self.deep.clone(),
            refused: self.all.refused,
            left_aside: offers.left_aside.iter().map(|what| (*what).to_owned()).collect(),
        }
    }
}
