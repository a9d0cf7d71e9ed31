//! From what is fed to the engine to the files of the tables.

use std::iter::Peekable;
use std::path::Path;

use analytics::audience::sql::searchable;
use analytics::{CustomerFeed, LineFact, OrderFact, Standing};
use kernel::{CustomerId, Timestamp};

use crate::table::{CUSTOMERS, LINES, ORDERS, TAGS, TableFile, Value};

/// Moments lie so many milliseconds before and after 1970 at most: that many come until the year 10,000.
pub const MOMENT_MAX_MS: i64 = 253_402_300_799_999;

/// Why files could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The folder cannot be written to.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Rows must come by customer, and a customer once.
    #[error("{what} of {customer} come after those of a later customer, or a second time")]
    Order {
        /// What came so.
        what: &'static str,
        /// Of whom.
        customer: CustomerId,
    },
    /// A moment beyond [`MOMENT_MAX_MS`].
    #[error("{customer} has a moment that is out of range: {millis} ms since 1970")]
    Moment {
        /// Who.
        customer: CustomerId,
        /// Milliseconds since 1970 in UTC.
        millis: i64,
    },
    /// The rows could not be encoded.
    #[error("Parquet: {0}")]
    Encode(String),
}

impl From<parquet::errors::ParquetError> for WriteError {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self::Encode(error.to_string())
    }
}

impl From<arrow::error::ArrowError> for WriteError {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Encode(error.to_string())
    }
}

/// Rows that were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Customers.
    pub customers: u64,
    /// Tags of customers.
    pub tags: u64,
    /// Orders.
    pub orders: u64,
    /// Lines of orders.
    pub lines: u64,
}

/// Writes the tables of [`analytics::audience::sql`] into `dir`, in place of those that are there: one
/// Parquet file each, sorted by customer. What is held in memory is the orders of one customer and a row
/// group a table.
///
/// `customers` come by id with their standing by the scores of today, if they have one; `orders` and
/// `lines` come by customer. A line without its order is left out, as in the engine; the lines of orders of
/// one shop and moment are given to these orders in turn.
///
/// # Errors
/// If rows come in another order, a moment is out of range, or the folder cannot be written to.
pub fn write(
    dir: &Path,
    customers: impl IntoIterator<Item = (CustomerFeed, Option<Standing>)>,
    orders: impl IntoIterator<Item = (CustomerId, OrderFact)>,
    lines: impl IntoIterator<Item = (CustomerId, LineFact)>,
) -> Result<Written, WriteError> {
    let [customers, tags] = write_customers(dir, customers)?;
    let [orders, lines] = write_orders(dir, orders, lines)?;
    for file in [&customers, &tags, &orders, &lines] {
        file.publish()?;
    }
    Ok(Written {
        customers: customers.rows,
        tags: tags.rows,
        orders: orders.rows,
        lines: lines.rows,
    })
}

type Whole = crate::table::Whole;

fn write_customers(
    dir: &Path,
    customers: impl IntoIterator<Item = (CustomerFeed, Option<Standing>)>,
) -> Result<[Whole; 2], WriteError> {
    let mut files = (TableFile::create(CUSTOMERS, dir)?, TableFile::create(TAGS, dir)?);
    let mut last = None;
    for (feed, standing) in customers {
        if last.replace(feed.id) >= Some(feed.id) {
            return Err(WriteError::Order { what: "customers", customer: feed.id });
        }
        let customer = feed.id.to_string();
        let owner = feed.owner.map(|user| user.to_string());
        let refused = feed.refused_from.map(|at| moment(feed.id, at)).transpose()?;
        let score = |of: fn(&Standing) -> u8| standing.as_ref().map(|s| i64::from(of(s)));
        files.0.push(&[
            Value::Text(&customer),
            Value::Text(&searchable(&feed.name)),
            Value::Text(&searchable(&feed.accounts)),
            Value::Text(&feed.province),
            feed.rating.map(i64::from).into(),
            owner.as_deref().into(),
            Value::Number(moment(feed.id, feed.created_at)?),
            refused.into(),
            score(|s| s.score.r).into(),
            score(|s| s.score.f).into(),
            score(|s| s.score.m).into(),
            standing.map(|s| s.tier.code()).into(),
            standing.map(|s| s.classic.code()).into(),
        ])?;
        let mut own = feed.tags;
        own.sort_unstable();
        own.dedup();
        for tag in own {
            files.1.push(&[Value::Text(&customer), Value::Text(&tag.to_string())])?;
        }
    }
    Ok([files.0.finish()?, files.1.finish()?])
}

fn write_orders(
    dir: &Path,
    orders: impl IntoIterator<Item = (CustomerId, OrderFact)>,
    lines: impl IntoIterator<Item = (CustomerId, LineFact)>,
) -> Result<[Whole; 2], WriteError> {
    let mut files = (TableFile::create(ORDERS, dir)?, TableFile::create(LINES, dir)?);
    let mut orders = orders.into_iter().peekable();
    let mut lines = lines.into_iter().peekable();
    let mut last = None;
    let next_of = |orders: &mut Peekable<_>, lines: &mut Peekable<_>| {
        let order = orders.peek().map(|(customer, _): &(CustomerId, OrderFact)| *customer);
        let line = lines.peek().map(|(customer, _): &(CustomerId, LineFact)| *customer);
        order.into_iter().chain(line).min()
    };
    while let Some(customer) = next_of(&mut orders, &mut lines) {
        if last.replace(customer) >= Some(customer) {
            return Err(WriteError::Order { what: "orders", customer });
        }
        let mut own_orders = take(&mut orders, customer);
        own_orders.sort_unstable();
        let mut own_lines = take(&mut lines, customer);
        own_lines.sort_by_key(place);
        write_customer(&mut files, customer, &own_orders, &own_lines)?;
    }
    Ok([files.0.finish()?, files.1.finish()?])
}

/// All that is of `customer`, who is next.
fn take<T>(
    rows: &mut Peekable<impl Iterator<Item = (CustomerId, T)>>,
    customer: CustomerId,
) -> Vec<T> {
    let mut own = Vec::new();
    while let Some((_, row)) = rows.next_if(|(of, _)| *of == customer) {
        own.push(row);
    }
    own
}

fn place(line: &LineFact) -> (Timestamp, kernel::ShopId, u64) {
    (line.ordered_at, line.shop, line.order)
}

/// Writes the orders of one customer and their lines, both sorted.
fn write_customer(
    files: &mut (TableFile, TableFile),
    id: CustomerId,
    orders: &[OrderFact],
    mut lines: &[LineFact],
) -> Result<(), WriteError> {
    let customer = id.to_string();
    for (number, order) in (1..).zip(orders) {
        let ordered_at = moment(id, order.ordered_at)?;
        let shop = order.shop.to_string();
        let head = [
            Value::Text(&customer),
            Value::Number(ordered_at),
            Value::Number(number),
            Value::Text(&shop),
            Value::Number(order.revenue_minor),
        ];
        files.0.push(&head)?;
        let is_at =
            |line: &LineFact| (line.ordered_at, line.shop) == (order.ordered_at, order.shop);
        let without = lines
            .iter()
            .take_while(|line| (line.ordered_at, line.shop) < (order.ordered_at, order.shop))
            .count();
        lines = &lines[without..];
        let own =
            lines.iter().take_while(|line| is_at(line) && line.order == lines[0].order).count();
        for line in &lines[..own] {
            let [code, title] = [&line.code, &line.title].map(|text| searchable(text));
            files.1.push(&[
                head[0],
                head[1],
                head[2],
                head[3],
                head[4],
                Value::Text(&code),
                Value::Text(&title),
                Value::Number(line.quantity),
                Value::Number(line.amount_minor),
            ])?;
        }
        lines = &lines[own..];
    }
    Ok(())
}

fn moment(customer: CustomerId, at: Timestamp) -> Result<i64, WriteError> {
    let millis = at.millis();
    if (-MOMENT_MAX_MS..=MOMENT_MAX_MS).contains(&millis) {
        Ok(millis)
    } else {
        Err(WriteError::Moment { customer, millis })
    }
}
