//! Lines of counted orders as plain columns with the products they name, for analyses that read them once.

use std::collections::HashMap;
use std::ops::Range;

use chrono::NaiveDate;
use kernel::{CustomerId, Reach, ShopId, Timestamp, Zone};

use crate::daily::{day_number, end_of};
use crate::engine::Snapshot;
use crate::feed::CapacityError;
use crate::lines::{code_and_title, product_key};
use crate::list::Within;

/// Most lines of one answer: 16 bytes each, and as much again for whoever sorts them.
const LINES_MAX: usize = 20_000_000;

/// Which lines are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinesQuery {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// The zone of days.
    pub zone: Zone,
    /// Only orders of this shop.
    pub shop: Option<ShopId>,
    /// Whether pieces and amounts are asked for too, which doubles what an answer takes.
    pub amounts: bool,
}

/// A product: what lines with the same code of the merchant name, or the same title where there is no code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineProduct {
    /// The merchant's code, folded as searches fold it; empty when unknown.
    pub code: String,
    /// A title of it, folded.
    pub title: String,
    /// A customer who bought it: of all buyers one with fewest lines, from whose orders the title can be read as
    /// it was written.
    pub buyer: CustomerId,
}

impl LineProduct {
    /// Whether a line with this code and title, as they were written, is of this product.
    #[must_use]
    pub fn is_of(&self, code: &str, title: &str) -> bool {
        let key = product_key(code, title);
        let (code, title) = code_and_title(&key);
        code == self.code && (!code.is_empty() || title == self.title)
    }
}

/// Lines in columns of one length, customer by customer and order by order. Lines without code and title are
/// left out.
#[derive(Debug, Clone, Default)]
pub struct OrderLines {
    /// The order, counted from 0.
    pub order: Vec<u32>,
    /// The customer, counted from 0.
    pub customer: Vec<u32>,
    /// Days since 1970-01-01, as calendars in the zone count them.
    pub day: Vec<i32>,
    /// Which of `products`.
    pub product: Vec<u32>,
    /// Pieces; empty unless asked for.
    pub quantity: Vec<i64>,
    /// Amount in minor units; empty unless asked for.
    pub amount_minor: Vec<i64>,
    /// The products.
    pub products: Vec<LineProduct>,
}

impl Snapshot {
    /// Lines of the counted orders of those in `reach`.
    ///
    /// # Errors
    /// `CapacityError` for more than 20 million lines.
    pub fn order_lines(
        &self,
        query: &LinesQuery,
        reach: &Reach,
    ) -> Result<OrderLines, CapacityError> {
        let view = self.view();
        let within = Within::new(view, reach);
        let start = Timestamp::start_of(query.from, query.zone).millis();
        let span = start..end_of(query.to, query.zone);
        let (base, facts) = (view.base, &view.base.facts);
        let (lines, products) = (&facts.lines, &facts.lines.products);
        let number = query.shop.map(|id| facts.shops.find(&id));
        let mut found = Gathered::new(query.zone);
        // What a product of the base is here, looked up once.
        let mut known: Vec<Option<u32>> = vec![None; products.len()];
        for ordinal in 0..base.len() {
            if view.dead.has(ordinal) || !within.holds(ordinal) {
                continue;
            }
            let buyer = found.begin(base.ids[ordinal]);
            for order in facts.range(ordinal) {
                let is_of_shop = number.is_none_or(|number| number == Some(facts.shop.get(order)));
                let at = facts.time.get(order);
                if !is_of_shop || !span.contains(&at) {
                    continue;
                }
                for line in lines.range(order) {
                    let of_base = lines.product.get(line);
                    let slot = &mut known[of_base as usize];
                    let product = *slot
                        .get_or_insert_with(|| found.number(products.value(of_base), buyer.id));
                    found.push(product, at);
                    if query.amounts && product != NAMELESS {
                        found.lines.quantity.push(lines.quantity.get(line));
                        found.lines.amount_minor.push(lines.amount.get(line));
                    }
                }
                found.end_order()?;
            }
            found.end(buyer);
        }
        for (id, row, _) in view.delta.rows().filter(|(_, row, _)| within.holds_row(row)) {
            let buyer = found.begin(id);
            for (index, fact) in row.bought.facts.iter().enumerate() {
                let is_of_shop = query.shop.is_none_or(|shop| shop == fact.shop);
                let at = fact.ordered_at.millis();
                if !is_of_shop || !span.contains(&at) {
                    continue;
                }
                for line in row.bought.lines_of(index) {
                    let product = found.number(&line.product, id);
                    found.push(product, at);
                    if query.amounts && product != NAMELESS {
                        found.lines.quantity.push(line.quantity);
                        found.lines.amount_minor.push(line.amount_minor);
                    }
                }
                found.end_order()?;
            }
            found.end(buyer);
        }
        Ok(found.lines)
    }
}

/// No product: the line names none.
const NAMELESS: u32 = u32::MAX;

/// Lines on the way into columns.
struct Gathered {
    lines: OrderLines,
    zone: Zone,
    orders: u32,
    customers: u32,
    numbers: HashMap<String, u32>,
    /// Lines of the buyer of each product.
    fewest: Vec<usize>,
}

struct Buyer {
    id: CustomerId,
    first: usize,
}

impl Gathered {
    fn new(zone: Zone) -> Self {
        Self {
            lines: OrderLines::default(),
            zone,
            orders: 0,
            customers: 0,
            numbers: HashMap::new(),
            fewest: Vec::new(),
        }
    }

    fn begin(&self, id: CustomerId) -> Buyer {
        Buyer { id, first: self.lines.product.len() }
    }

    /// The number of the product of a key; [`NAMELESS`] of an empty one.
    fn number(&mut self, key: &str, buyer: CustomerId) -> u32 {
        let (code, title) = code_and_title(key);
        if code.is_empty() && title.is_empty() {
            return NAMELESS;
        }
        // A code names its product whatever its title was then; with the end mark no title is taken for a code.
        let name = if code.is_empty() { key } else { code };
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.lines.products.len() as u32;
        self.numbers.insert(name.to_owned(), number);
        self.lines.products.push(LineProduct {
            code: code.to_owned(),
            title: title.to_owned(),
            buyer,
        });
        self.fewest.push(usize::MAX);
        number
    }

    fn push(&mut self, product: u32, at: i64) {
        if product != NAMELESS {
            self.lines.order.push(self.orders);
            self.lines.customer.push(self.customers);
            // Moments that are believed lie within some thousand years.
            self.lines.day.push(day_number(at, self.zone) as i32);
            self.lines.product.push(product);
        }
    }

    fn end_order(&mut self) -> Result<(), CapacityError> {
        self.orders += 1;
        if self.lines.product.len() > LINES_MAX {
            return Err(CapacityError { what: "lines of orders", limit: LINES_MAX as u64 });
        }
        Ok(())
    }

    fn end(&mut self, buyer: Buyer) {
        let own: Range<usize> = buyer.first..self.lines.product.len();
        let count = own.len();
        for line in own {
            let product = self.lines.product[line] as usize;
            if count < self.fewest[product] {
                self.fewest[product] = count;
                self.lines.products[product].buyer = buyer.id;
            }
        }
        self.customers += u32::from(count > 0);
    }
}
