//! Lines of orders in columns, in the order of the orders that they are of.

use std::ops::Range;

use kernel::ShopId;

use crate::dictionary::Dictionary;
use crate::feed::{CapacityError, LineFact};
use crate::moments::Moments;
use crate::narrow::Narrow;
use crate::numbers::Numbers;
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
    pub(crate) ends: Vec<u32>,
    pub(crate) product: Numbers,
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
        self.start(order)..self.ends[order] as usize
    }

    fn reserve(&mut self, lines: usize) {
        self.quantity = Narrow::with_capacity(lines);
        self.amount = Narrow::with_capacity(lines);
    }

    pub(crate) fn orders(&self) -> usize {
        self.ends.len()
    }

    /// The lines of orders that follow one another.
    pub(crate) fn of_orders(&self, orders: Range<usize>) -> Range<usize> {
        self.start(orders.start)..self.start(orders.end)
    }

    /// Adds the lines of the next orders from a store whose products have the same numbers.
    pub(crate) fn push_range(
        &mut self,
        from: &Self,
        orders: Range<usize>,
    ) -> Result<(), CapacityError> {
        let (begin, at) = (from.start(orders.start), self.product.len());
        let lines = begin..from.start(orders.end);
        u32::try_from(at + lines.len()).map_err(|_| TOO_MANY_LINES)?;
        self.ends.extend(from.ends[orders].iter().map(|end| (*end as usize - begin + at) as u32));
        self.product.push_range(&from.product, lines.clone());
        self.quantity.push_range(&from.quantity, lines.clone());
        self.amount.push_range(&from.amount, lines);
        Ok(())
    }

    fn start(&self, order: usize) -> usize {
        if order == 0 { 0 } else { self.ends[order - 1] as usize }
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
        self.ends.capacity() * 4
            + self.product.memory_bytes()
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
    time: Moments,
    shop: Numbers,
    order: Vec<u64>,
    product: Numbers,
    quantity: Narrow<i8>,
    amount: Narrow<i32>,
    shops: Dictionary<ShopId>,
    products: Dictionary<String>,
}

impl LooseLines {
    pub(crate) fn push(&mut self, customer: u32, line: &LineFact) {
        self.customer.push(customer);
        self.time.push(line.ordered_at.millis());
        self.shop.push(self.shops.number(&line.shop));
        self.order.push(line.order);
        self.product.push(self.products.number(product_key(&line.code, &line.title).as_str()));
        self.quantity.push(line.quantity);
        self.amount.push(line.amount_minor);
    }

    fn place(&self, line: u32) -> (i64, ShopId, u64) {
        let line = line as usize;
        (self.time.get(line), *self.shops.value(self.shop.get(line)), self.order[line])
    }

    /// Joins the lines with the orders of all customers: `orders` gives those of a customer, sorted.
    pub(crate) fn settle<'a, O: Iterator<Item = (i64, ShopId)> + 'a>(
        self,
        customers: usize,
        orders: impl Fn(usize) -> O,
    ) -> Result<Lines, CapacityError> {
        let count = u32::try_from(self.customer.len()).map_err(|_| TOO_MANY_LINES)?;
        // Lines read by customer need no order of their own.
        let order: Option<Vec<u32>> = (!self.customer.is_sorted()).then(|| {
            let mut order: Vec<u32> = (0..count).collect();
            order.sort_by_key(|line| self.customer[*line as usize]);
            order
        });
        let line_at = |at: u32| order.as_ref().map_or(at, |order| order[at as usize]);
        let mut lines = Lines::with_products(self.products.clone());
        lines.reserve(count as usize);
        let mut at = 0;
        let mut own: Vec<((i64, ShopId, u64), u32)> = Vec::new();
        let mut places = Vec::new();
        for customer in 0..customers {
            own.clear();
            while at < count && self.customer[line_at(at) as usize] as usize == customer {
                own.push((self.place(line_at(at)), line_at(at)));
                at += 1;
            }
            if !own.is_sorted() {
                own.sort_unstable();
            }
            places.clear();
            places.extend(own.iter().map(|(place, _)| *place));
            for range in link(orders(customer), &places) {
                for (_, line) in &own[range] {
                    let line = *line as usize;
                    let (quantity, amount) = (self.quantity.get(line), self.amount.get(line));
                    lines.push(self.product.get(line), quantity, amount);
                }
                lines.close_order()?;
            }
        }
        Ok(lines)
    }
}
