//! Customers worth much who may be lost.

use analytics::Engine;
use chrono::NaiveDate;
use kernel::{CustomerId, Timestamp};
use models::clv::score::Scores;
use serde::Serialize;
use utoipa::ToSchema;

use crate::list_customers::CustomerRow;

/// Probabilities of being active between which something can still be lost and still be kept: the bands `slowing`
/// and `at_risk`. Of the others hardly any is lost, or hardly any is there.
const AT_RISK: std::ops::Range<f64> = 0.2..0.8;

/// A customer worth much who may be lost.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AtRiskCustomer {
    /// The customer.
    pub customer: CustomerRow,
    /// 1 - the probability of being active, 0 to 1.
    pub churn_risk: f64,
    /// Value within the horizon if the customer is still active, in minor units.
    pub value_if_active_minor: i64,
    /// That value × the risk: what is lost of it on the mean.
    pub expected_loss_minor: i64,
    /// Day by which the next order will have come with probability one half.
    #[schema(value_type = Option<String>, format = Date)]
    pub next_order_on: Option<NaiveDate>,
}

/// What may be lost of one customer, by the place in the scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Loss {
    pub(super) index: usize,
    pub(super) churn_risk: f64,
    pub(super) value_if_active_minor: i64,
    pub(super) expected_loss_minor: i64,
}

/// The largest losses first, at most `most`, without those about whom nothing may be decided by machine.
///
/// What the models expect of a customer is `P(active) × value if active`, so the loss is
/// `(1 - P(active)) × value if active`.
pub(super) fn losses(
    scores: &Scores,
    most: usize,
    is_withheld: impl Fn(usize) -> bool,
) -> Vec<Loss> {
    let worth = scores.probability_alive.iter().zip(&scores.expected_value_minor);
    let mut found: Vec<Loss> = worth
        .enumerate()
        .filter(|(_, (alive, worth))| AT_RISK.contains(*alive) && **worth > 0)
        .map(|(index, (alive, worth))| {
            let value_if_active = *worth as f64 / alive;
            Loss {
                index,
                churn_risk: 1.0 - alive,
                value_if_active_minor: value_if_active.round() as i64,
                expected_loss_minor: (value_if_active * (1.0 - alive)).round() as i64,
            }
        })
        .collect();
    found.sort_unstable_by_key(|loss| (std::cmp::Reverse(loss.expected_loss_minor), loss.index));
    found.into_iter().filter(|loss| !is_withheld(loss.index)).take(most).collect()
}

/// Whether nothing may be decided about `id` by machine at `now`.
pub(super) fn is_withheld(engine: &Engine, id: CustomerId, now: Timestamp) -> bool {
    let refused = engine.customer(id).and_then(|facts| facts.refused_from);
    refused.is_some_and(|from| from <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_lost_or_safe_are_not_at_risk() {
        let scores = Scores {
            customer: vec![0, 1, 2, 3, 4, 5],
            probability_alive: vec![0.9, 0.5, 0.25, 0.1, 0.5, 0.5],
            expected_orders: vec![1.0; 6],
            probability_of_order: Vec::new(),
            expected_value_minor: vec![9_000, 100, 100, 50, 200, 0],
            next_order_day: vec![None; 6],
        };
        let told = |loss: &Loss| (loss.index, loss.value_if_active_minor, loss.expected_loss_minor);
        let found = losses(&scores, 10, |_| false);
        assert_eq!(
            found.iter().map(told).collect::<Vec<_>>(),
            [(2, 400, 300), (4, 400, 200), (1, 200, 100)]
        );
        assert_eq!(
            losses(&scores, 1, |index| index == 2).iter().map(told).collect::<Vec<_>>(),
            [(4, 400, 200)]
        );
    }
}
