//! One customer's orders, in the base or in the overlay, and the figures of those chosen.

use std::ops::Range;
use std::sync::Arc;

use kernel::ShopId;
use memchr::memmem::Finder;

use super::tree::{Measure, Product};
use crate::base::Base;
use crate::bits::Bits;
use crate::daily::DAY_MS;
use crate::delta::RowOrders;
use crate::facts::Facts;
use crate::feed::average_minor;
use crate::lines::code_and_title;
use crate::list::Span;

/// The products that a condition means.
#[derive(Debug, Clone)]
pub(super) struct ProductPlan {
    matcher: Matcher,
    /// For each product of the base, or of its refunds, whether it is one of them.
    marks: Arc<Vec<bool>>,
    /// Customers of the base who bought one of them; `None` where so many did that it is not worth it.
    pub(super) buyers: Option<Arc<Bits>>,
}

#[derive(Debug, Clone)]
enum Matcher {
    /// Folded.
    Is(Arc<Vec<String>>),
    Contains(Arc<Finder<'static>>),
}

impl ProductPlan {
    pub(super) fn new(product: &Product, base: &Base) -> Self {
        let mut plan = Self::of(product, &base.facts);
        let meant = || plan.marks.iter().zip(&base.by_product).filter(|(is_meant, _)| **is_meant);
        let bought: u64 = meant().map(|(_, members)| members.count()).sum();
        let buyers = (bought < base.len() as u64 / 2).then(|| {
            let mut buyers = Bits::none(base.len());
            meant().for_each(|(_, members)| members.for_each(|ordinal| buyers.set(ordinal)));
            Arc::new(buyers)
        });
        plan.buyers = buyers;
        plan
    }

    /// The products among those of `facts`; who bought them is not looked up.
    pub(super) fn of(product: &Product, facts: &Facts) -> Self {
        let matcher = match product {
            Product::Is(names) => {
                Matcher::Is(Arc::new(names.iter().map(|name| kernel::text::fold(name)).collect()))
            }
            Product::Contains(part) => {
                let folded = kernel::text::fold(part);
                Matcher::Contains(Arc::new(Finder::new(folded.as_bytes()).into_owned()))
            }
        };
        let marks = facts.lines.products.mark(|key| matcher.has(key));
        Self { matcher, marks: Arc::new(marks), buyers: None }
    }
}

impl Matcher {
    fn has(&self, key: &str) -> bool {
        let (code, title) = code_and_title(key);
        match self {
            Self::Is(names) => names.iter().any(|name| *name == code || *name == title),
            Self::Contains(part) => {
                part.find(code.as_bytes()).is_some() || part.find(title.as_bytes()).is_some()
            }
        }
    }
}

/// Which orders a condition looks at.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    /// From the first millisecond to before the second.
    pub(super) span: Range<i64>,
    pub(super) shop: Option<ShopPlan>,
    pub(super) product: Option<ProductPlan>,
    pub(super) amount: Span,
}

/// A shop, and its number in the base if it sold something there.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShopPlan {
    pub(super) id: ShopId,
    pub(super) number: Option<u32>,
}

impl Chosen {
    /// Whether every order of the span is meant.
    pub(super) fn is_whole(&self) -> bool {
        self.shop.is_none() && self.product.is_none() && self.amount.is_open()
    }
}

/// The orders of one customer, by time.
pub(super) trait OrdersOf {
    fn count(&self) -> usize;
    fn moment(&self, order: usize) -> i64;
    fn revenue(&self, order: usize) -> i64;
    fn is_in(&self, order: usize, shop: ShopPlan) -> bool;
    fn lines(&self, order: usize) -> Range<usize>;
    fn is_of(&self, line: usize, product: &ProductPlan) -> bool;
    fn quantity(&self, line: usize) -> i64;
    fn amount(&self, line: usize) -> i64;

    /// The orders chosen, by time.
    fn chosen<'a>(&'a self, chosen: &'a Chosen) -> impl Iterator<Item = usize> + 'a {
        let start = chosen.span.start;
        // Those of a window of late lie at the end, and most customers have few orders.
        let mut first = self.count();
        while first > 0 && self.moment(first - 1) >= start {
            first -= 1;
        }
        (first..self.count()).take_while(|order| self.moment(*order) < chosen.span.end).filter(
            |order| {
                chosen.shop.is_none_or(|shop| self.is_in(*order, shop))
                    && chosen.amount.contains(self.revenue(*order))
                    && chosen.product.as_ref().is_none_or(|product| self.has(*order, product))
            },
        )
    }

    fn has(&self, order: usize, product: &ProductPlan) -> bool {
        self.lines(order).any(|line| self.is_of(line, product))
    }

    /// The figure of the orders chosen; `None` for an average of nothing.
    fn figure(&self, measure: Measure, chosen: &Chosen) -> Option<i64> {
        let mut orders = 0_u32;
        let mut sum = 0_i64;
        for order in self.chosen(chosen) {
            orders += 1;
            let of_order = match measure {
                Measure::Count | Measure::Refunds => continue,
                Measure::Items => self.of_lines(order, chosen, |line| self.quantity(line)),
                Measure::Revenue | Measure::AverageOrder | Measure::Refunded => {
                    if chosen.product.is_none() {
                        self.revenue(order)
                    } else {
                        self.of_lines(order, chosen, |line| self.amount(line))
                    }
                }
            };
            sum = sum.saturating_add(of_order);
        }
        match measure {
            Measure::Count | Measure::Refunds => Some(i64::from(orders)),
            Measure::Revenue | Measure::Items | Measure::Refunded => Some(sum),
            Measure::AverageOrder => average_minor(sum, orders),
        }
    }

    fn of_lines(&self, order: usize, chosen: &Chosen, value: impl Fn(usize) -> i64) -> i64 {
        let is_meant =
            |line: &usize| chosen.product.as_ref().is_none_or(|product| self.is_of(*line, product));
        self.lines(order).filter(is_meant).fold(0, |sum, line| sum.saturating_add(value(line)))
    }

    /// The moment of the first of the orders chosen.
    fn first(&self, chosen: &Chosen) -> Option<i64> {
        self.chosen(chosen).next().map(|order| self.moment(order))
    }

    /// The moment of the last of the orders chosen.
    fn last(&self, chosen: &Chosen) -> Option<i64> {
        self.chosen(chosen).last().map(|order| self.moment(order))
    }

    /// Whether a line of `first` is followed by one of `then` at a later moment.
    fn follows(
        &self,
        first: &ProductPlan,
        then: &ProductPlan,
        within_days: u32,
        span: &Range<i64>,
    ) -> bool {
        let within_ms = i64::from(within_days) * DAY_MS;
        let mut latest: Option<i64> = None;
        let mut at_moment: Option<i64> = None;
        for order in 0..self.count() {
            let moment = self.moment(order);
            if !span.contains(&moment) {
                continue;
            }
            if at_moment.is_some_and(|at| at < moment) {
                latest = at_moment.take();
            }
            if latest.is_some_and(|at| moment - at <= within_ms) && self.has(order, then) {
                return true;
            }
            if self.has(order, first) {
                at_moment = Some(moment);
            }
        }
        false
    }
}

/// Orders of a customer of the base.
pub(super) struct BaseOrders<'a> {
    pub(super) facts: &'a Facts,
    pub(super) range: Range<usize>,
}

impl OrdersOf for BaseOrders<'_> {
    fn count(&self) -> usize {
        self.range.len()
    }
    fn moment(&self, order: usize) -> i64 {
        self.facts.time.get(self.range.start + order)
    }
    fn revenue(&self, order: usize) -> i64 {
        self.facts.revenue.get(self.range.start + order)
    }
    fn is_in(&self, order: usize, shop: ShopPlan) -> bool {
        shop.number == Some(self.facts.shop.get(self.range.start + order))
    }
    fn lines(&self, order: usize) -> Range<usize> {
        self.facts.lines.range(self.range.start + order)
    }
    fn is_of(&self, line: usize, product: &ProductPlan) -> bool {
        product.marks[self.facts.lines.product.get(line) as usize]
    }
    fn quantity(&self, line: usize) -> i64 {
        self.facts.lines.quantity.get(line)
    }
    fn amount(&self, line: usize) -> i64 {
        self.facts.lines.amount.get(line)
    }
}

impl OrdersOf for RowOrders {
    fn count(&self) -> usize {
        self.facts.len()
    }
    fn moment(&self, order: usize) -> i64 {
        self.facts[order].ordered_at.millis()
    }
    fn revenue(&self, order: usize) -> i64 {
        self.facts[order].revenue_minor
    }
    fn is_in(&self, order: usize, shop: ShopPlan) -> bool {
        self.facts[order].shop == shop.id
    }
    fn lines(&self, order: usize) -> Range<usize> {
        self.line_range(order)
    }
    fn is_of(&self, line: usize, product: &ProductPlan) -> bool {
        product.matcher.has(&self.line(line).product)
    }
    fn quantity(&self, line: usize) -> i64 {
        self.line(line).quantity
    }
    fn amount(&self, line: usize) -> i64 {
        self.line(line).amount_minor
    }
}
