//! Lines of orders in columns, in the order of the orders that they are of.

use std::ops::Range;

use kernel::ShopId;

use crate::dictionary::Dictionary;
use crate::feed::{CapacityError, LineFact};
use crate::narrow::Narrow;
use crate::text::END;

const TOO_MANY_LINES: CapacityError =
    CapacityError { what: "lines of orders", limit: u32::MAX as u64 };

/// A product as it is found: code and title, folded.
pub(crate) fn product_key(code: &str, title: &str) -> String {
    let mut key = kernel::text::fold(code);
    key.retain(|c| c != END);
    key.push(END);
    key.extend(kernel::text::fold(title).chars().filter(|c| *c != END));
    key
}

/// Code and title of a key.
pub(crate) fn code_and_title(key: &str) -> (&str, &str) {
    key.split_once(END).unwrap_or(("", key))
}

/// The lines of all orders of the base: those of order `o` are at `ends[o - 1]..ends[o]`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lines {
    ends: Vec<u32>,
    pub(crate) product: Vec<u32>,
    pub(crate) quantity: Narrow<i8>,
    pub(crate) amount: Narrow<i32>,
    pub(crate) products: Dictionary<String>,
}

impl Lines {
    /// No lines yet, with products numbered as there.
    pub(crate) fn with_products(products: Dictionary<String>) -> Self {
        Self { products, ..Self::default() }
    }

    pub(crate) fn range(&self, order: usize) -> Range<usize> {
        let start = if order == 0 { 0 } else { self.ends[order - 1] as usize };
        start..self.ends[order] as usize
    }

    /// Adds the next order's lines from a store whose products have the same numbers.
    pub(crate) fn push_range(&mut self, from: &Self, order: usize) -> Result<(), CapacityError> {
        for line in from.range(order) {
            self.product.push(from.product[line]);
            self.quantity.push(from.quantity.get(line));
            self.amount.push(from.amount.get(line));
        }
        self.close_order()
    }

    /// Adds a line of the next order.
    pub(crate) fn push(&mut self, product: u32, quantity: i64, amount: i64) {
        self.product.push(product);
        self.quantity.push(quantity);
        self.amount.push(amount);
    }

    pub(crate) fn close_order(&mut self) -> Result<(), CapacityError> {
        self.ends.push(u32::try_from(self.product.len()).map_err(|_| TOO_MANY_LINES)?);
        Ok(())
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        (self.ends.capacity() + self.product.capacity()) * 4
            + self.quantity.memory_bytes()
            + self.amount.memory_bytes()
            + self.products.memory_bytes()
    }
}

/// For each order of one customer, sorted by moment and shop, which of the lines are its own; the lines
/// are sorted by moment, shop and order number. Orders of one shop and moment are alike to every
/// condition that looks at lines, so any of them may have the lines of any.
pub(crate) fn link<'a>(
    orders: impl Iterator<Item = (i64, ShopId)> + 'a,
    lines: &'a [(i64, ShopId, u64)],
) -> impl Iterator<Item = Range<usize>> + 'a {
    let mut at = 0;
    orders.map(move |(moment, shop)| {
        while lines.get(at).is_some_and(|(m, s, _)| (*m, *s) < (moment, shop)) {
            at += 1;
        }
        let first = at;
        while let Some(line) = lines.get(at)
            && (line.0, line.1) == (moment, shop)
            && line.2 == lines[first].2
        {
            at += 1;
        }
        first..at
    })
}

/// Lines as they arrive, not sorted yet.
#[derive(Debug, Default)]
pub(crate) struct LooseLines {
    customer: Vec<u32>,
    place: Vec<(i64, ShopId, u64)>,
    product: Vec<u32>,
    quantity: Vec<i64>,
    amount: Vec<i64>,
    products: Dictionary<String>,
}

impl LooseLines {
    pub(crate) fn push(&mut self, customer: u32, line: &LineFact) {
        self.customer.push(customer);
        self.place.push((line.ordered_at.millis(), line.shop, line.order));
        self.product.push(self.products.number(product_key(&line.code, &line.title).as_str()));
        self.quantity.push(line.quantity);
        self.amount.push(line.amount_minor);
    }

    /// Joins the lines with the orders of all customers: `orders` gives those of a customer, sorted.
    pub(crate) fn settle<'a, O: Iterator<Item = (i64, ShopId)> + 'a>(
        self,
        customers: usize,
        orders: impl Fn(usize) -> O,
    ) -> Result<Lines, CapacityError> {
        if u32::try_from(self.customer.len()).is_err() {
            return Err(TOO_MANY_LINES);
        }
        let mut order: Vec<u32> = (0..self.customer.len() as u32).collect();
        let key = |at: &u32| (self.customer[*at as usize], self.place[*at as usize], *at);
        if !order.is_sorted_by_key(key) {
            order.sort_unstable_by_key(key);
        }
        let mut lines = Lines::with_products(self.products);
        let mut at = 0;
        let mut own = Vec::new();
        for customer in 0..customers {
            let begin = at;
            own.clear();
            while let Some(line) = order.get(at)
                && self.customer[*line as usize] as usize == customer
            {
                own.push(self.place[*line as usize]);
                at += 1;
            }
            for range in link(orders(customer), &own) {
                for line in range {
                    let line = order[begin + line] as usize;
                    lines.push(self.product[line], self.quantity[line], self.amount[line]);
                }
                lines.close_order()?;
            }
        }
        Ok(lines)
    }
}
