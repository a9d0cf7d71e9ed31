//! What a read sees: an engine as it is, or as it was when a snapshot was taken.

use std::sync::Arc;

use kernel::{CustomerId, ShopId, Timestamp};

use crate::base::{Base, NEVER};
use crate::bits::Bits;
use crate::delta::Delta;
use crate::facts::NO_ORDER;
use crate::feed::{CustomerFacts, average_minor};
use crate::list::{self, ListPage, ListQuery};
use crate::rfm::{self, Rfm, Rules, Score, Standing};

/// Everything known of the customers of one organisation at one moment. What it answers belongs together.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub(crate) base: &'a Base,
    pub(crate) dead: &'a Bits,
    pub(crate) dead_count: usize,
    pub(crate) delta: &'a Delta,
    pub(crate) scores: Option<(&'a Rfm, &'a [u16])>,
    pub(crate) scores_stamp: u64,
    /// Rules by which the overlay is to be scored, where that is not by those set.
    pub(crate) scored_apart: Option<&'a Rules>,
}

impl View<'_> {
    /// What is known of a customer; `None` if there is none of this id.
    #[must_use]
    pub fn customer(&self, id: CustomerId) -> Option<CustomerFacts> {
        let (orders, revenue, first, last, (created, refused), cell) = match self.delta.get(id) {
            Some(entry) => {
                let row = entry.row.as_ref()?;
                let moments = (row.created, row.refused);
                (row.orders(), row.revenue, row.first, row.last, moments, entry.cell)
            }
            None => {
                let (base, at) = (self.base, self.base.ordinal(id)?);
                let cell = self.scores.map_or(0, |(_, cells)| cells[at]);
                let moments = (base.created.get(at), base.refused.get(at));
                let (first, last) = (base.first.get(at), base.last.get(at));
                (base.facts.orders(at), base.revenue.get(at), first, last, moments, cell)
            }
        };
        let moment = |at: i64| (at != NO_ORDER).then(|| Timestamp::from_millis(at));
        Some(CustomerFacts {
            orders,
            revenue_minor: revenue,
            average_minor: average_minor(revenue, orders),
            first_order_at: moment(first),
            last_order_at: moment(last),
            created_at: Timestamp::from_millis(created),
            refused_from: (refused != NEVER).then(|| Timestamp::from_millis(refused)),
            standing: Score::from_code(cell)
                .and_then(|score| self.scores.map(|(rfm, _)| rfm.standing(score))),
        })
    }

    /// Revenue and counted orders of a customer in one shop.
    #[must_use]
    pub fn amounts_of(&self, id: CustomerId, shop: ShopId) -> (i64, u32) {
        match self.delta.get(id) {
            Some(entry) => entry.row.as_ref().map_or((0, 0), |row| row.amounts_of(shop)),
            None => self.base.ordinal(id).map_or((0, 0), |at| self.base.amounts_of(at, shop)),
        }
    }

    /// One page of customers.
    #[must_use]
    pub fn list(self, query: &ListQuery) -> ListPage {
        list::list(self, query)
    }

    /// One page of customers, filtered by tiers and cells of `scores` instead of those set. Customers
    /// who changed since are scored by the bounds of `scores`.
    #[must_use]
    pub fn list_by(self, query: &ListQuery, scores: &Rfm) -> ListPage {
        if !list::by_cell(&query.filter) {
            return self.list(query);
        }
        let cells = scores
            .base_cells(&self.base.ids)
            .unwrap_or_else(|| Arc::new(rfm::base_cells(self.base, None, scores.rules())));
        let view = View {
            scores: Some((scores, &cells)),
            scores_stamp: scores.stamp(),
            scored_apart: Some(scores.rules()),
            ..self
        };
        list::list(view, query)
    }

    /// How a customer stands by `scores` instead of those set; `None` without a counted order that
    /// they look at.
    #[must_use]
    pub fn standing_by(&self, id: CustomerId, scores: &Rfm) -> Option<Standing> {
        let cell = match self.delta.get(id) {
            Some(entry) => entry.row.as_ref()?.cell(scores.rules()),
            None => rfm::base_cell(self.base, self.base.ordinal(id)?, scores.rules()),
        };
        Score::from_code(cell).map(|score| scores.standing(score))
    }
}
