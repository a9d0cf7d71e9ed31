//! From what is fed to the engine to the files of the tables.

use std::iter::Peekable;
use std::path::Path;

use analytics::audience::sql::{CustomerRow, LineRow, searchable};
use analytics::{CustomerFeed, LineFact, OrderFact, Snapshot, Standing};
use kernel::{CustomerId, Timestamp};

use crate::table::{LINES, ORDERS, PEOPLE, REFUND_LINES, REFUNDS, Table, TableFile, Value, Whole};

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
    /// Times in which they may be contacted, or may not, other than without a word.
    pub contacts: u64,
    /// Member levels of customers.
    pub levels: u64,
    /// Points of customers that can be spent.
    pub points: u64,
    /// Orders.
    pub orders: u64,
    /// Lines of orders.
    pub lines: u64,
    /// Orders of which something was refunded.
    pub refunds: u64,
    /// Their lines of which something was.
    pub refund_lines: u64,
}

/// Writes the tables of [`analytics::audience::sql`] into `dir`, in place of those that are there: one
/// Parquet file each, sorted by customer. What is held in memory is the orders of one customer and a row
/// group a table.
///
/// `customers` come by id with their standing by the scores of today, if they have one; `orders` and
/// `lines` come by customer. A line without its order is left out, as in the engine; the lines of orders of
/// one shop and moment are given to these orders in turn. `refunds` and `refund_lines` are the same of orders,
/// counted or not, of which something was refunded: what was is their revenue and amount.
///
/// # Errors
/// If rows come in another order, a moment is out of range, or the folder cannot be written to.
pub fn write(
    dir: &Path,
    customers: impl IntoIterator<Item = (CustomerFeed, Option<Standing>)>,
    orders: impl IntoIterator<Item = (CustomerId, OrderFact)>,
    lines: impl IntoIterator<Item = (CustomerId, LineFact)>,
    refunds: impl IntoIterator<Item = (CustomerId, OrderFact)>,
    refund_lines: impl IntoIterator<Item = (CustomerId, LineFact)>,
) -> Result<Written, WriteError> {
    let people = write_customers(dir, customers)?;
    let bought = write_orders([ORDERS, LINES], dir, orders, lines)?;
    let refunded = write_orders([REFUNDS, REFUND_LINES], dir, refunds, refund_lines)?;
    publish(people, bought, refunded)
}

/// As [`write`], of all that `snapshot` holds, with the standings by the scores set. The figures of conditions
/// are those of the engine then, also where orders of one shop and moment have lines.
///
/// # Errors
/// If a moment is out of range, or the folder cannot be written to.
pub fn write_snapshot(dir: &Path, snapshot: &Snapshot) -> Result<Written, WriteError> {
    let mut people = Files::create(PEOPLE, dir)?;
    let mut bought = Files::create([ORDERS, LINES], dir)?;
    let mut refunded = Files::create([REFUNDS, REFUND_LINES], dir)?;
    snapshot.each_customer(|rows| -> Result<(), WriteError> {
        push_customer(&mut people, &rows.customer)?;
        let id = rows.customer.id;
        let customer = id.to_string();
        for (files, orders, mut lines) in [
            (&mut bought, rows.orders, rows.lines),
            (&mut refunded, rows.refunds, rows.refund_lines),
        ] {
            for (index, order) in orders.iter().enumerate() {
                let (own, rest) = lines.split_at(lines.partition_point(|line| line.order <= index));
                push_order(files, (id, &customer), index, order, own.iter().copied())?;
                lines = rest;
            }
        }
        Ok(())
    })?;
    publish(people.finish()?, bought.finish()?, refunded.finish()?)
}

/// Gives the files their names; of people, of orders and lines, and of those refunded.
fn publish(
    people: [Whole; 5],
    bought: [Whole; 2],
    refunded: [Whole; 2],
) -> Result<Written, WriteError> {
    for file in people.iter().chain(&bought).chain(&refunded) {
        file.publish()?;
    }
    let [customers, tags, contacts, levels, points] = people.map(|file| file.rows);
    let [orders, lines] = bought.map(|file| file.rows);
    let [refunds, refund_lines] = refunded.map(|file| file.rows);
    Ok(Written { customers, tags, contacts, levels, points, orders, lines, refunds, refund_lines })
}

/// Files that are written side by side.
struct Files<const N: usize>([TableFile; N]);

/// Those of [`PEOPLE`].
type People = Files<5>;
/// Orders and lines, or those of which something was refunded.
type Bought = Files<2>;

impl<const N: usize> Files<N> {
    fn create(tables: [Table; N], dir: &Path) -> Result<Self, WriteError> {
        each(tables, |table| TableFile::create(table, dir)).map(Self)
    }

    fn finish(self) -> Result<[Whole; N], WriteError> {
        each(self.0, TableFile::finish)
    }
}

/// As `map` of an array, of what may fail.
fn each<T, U, const N: usize>(
    all: [T; N],
    make: impl Fn(T) -> Result<U, WriteError>,
) -> Result<[U; N], WriteError> {
    let made: Vec<U> = all.into_iter().map(make).collect::<Result<_, _>>()?;
    made.try_into().map_err(|_| WriteError::Encode("a table is missing".to_owned()))
}

fn write_customers(
    dir: &Path,
    customers: impl IntoIterator<Item = (CustomerFeed, Option<Standing>)>,
) -> Result<[Whole; 5], WriteError> {
    let mut files = Files::create(PEOPLE, dir)?;
    let mut last = None;
    for (feed, standing) in customers {
        if last.replace(feed.id) >= Some(feed.id) {
            return Err(WriteError::Order { what: "customers", customer: feed.id });
        }
        let mut tags = feed.tags;
        tags.sort_unstable();
        tags.dedup();
        let mut contact = feed.contact;
        contact.sort_unstable();
        let loyalty = feed.loyalty;
        push_customer(
            &mut files,
            &CustomerRow {
                id: feed.id,
                name: &searchable(&feed.name),
                accounts: &searchable(&feed.accounts),
                province: &feed.province,
                rating: feed.rating,
                owner: feed.owner,
                created_at: feed.created_at,
                refused_from: feed.refused_from,
                standing,
                tags: &tags,
                contact: &contact,
                loyalty: &loyalty,
            },
        )?;
    }
    files.finish()
}

/// Writes a customer, the tags, when they may be contacted, levels and points.
fn push_customer(files: &mut People, row: &CustomerRow<'_>) -> Result<(), WriteError> {
    let customer = row.id.to_string();
    let owner = row.owner.map(|user| user.to_string());
    let refused = row.refused_from.map(|at| moment(row.id, at)).transpose()?;
    let score = |of: fn(&Standing) -> u8| row.standing.as_ref().map(|s| i64::from(of(s)));
    let [customers, tags, contacts, levels, points] = &mut files.0;
    customers.push(&[
        Value::Text(&customer),
        Value::Text(row.name),
        Value::Text(row.accounts),
        Value::Text(row.province),
        row.rating.map(i64::from).into(),
        owner.as_deref().into(),
        Value::Number(moment(row.id, row.created_at)?),
        refused.into(),
        score(|s| s.score.r).into(),
        score(|s| s.score.f).into(),
        score(|s| s.score.m).into(),
        row.standing.map(|s| s.tier.code()).into(),
        row.standing.map(|s| s.classic.code()).into(),
    ])?;
    for tag in row.tags {
        tags.push(&[Value::Text(&customer), Value::Text(&tag.to_string())])?;
    }
    for span in row.contact {
        contacts.push(&[
            Value::Text(&customer),
            Value::Text(span.channel.word()),
            Value::Text(span.purpose.word()),
            Value::Number(moment(row.id, span.from)?),
            span.until.map(|at| moment(row.id, at)).transpose()?.into(),
        ])?;
    }
    for (scheme, rank) in row.loyalty.levels.iter().filter(|(_, rank)| *rank != 0) {
        let rank = Value::Number(i64::from(*rank));
        levels.push(&[Value::Text(&customer), Value::Text(&scheme.to_string()), rank])?;
    }
    for (programme, own) in row.loyalty.points.iter().filter(|(_, own)| *own != 0) {
        let own = Value::Number(*own);
        points.push(&[Value::Text(&customer), Value::Text(&programme.to_string()), own])?;
    }
    Ok(())
}

fn write_orders(
    tables: [Table; 2],
    dir: &Path,
    orders: impl IntoIterator<Item = (CustomerId, OrderFact)>,
    lines: impl IntoIterator<Item = (CustomerId, LineFact)>,
) -> Result<[Whole; 2], WriteError> {
    let mut files = Files::create(tables, dir)?;
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
    files.finish()
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
    files: &mut Bought,
    id: CustomerId,
    orders: &[OrderFact],
    mut lines: &[LineFact],
) -> Result<(), WriteError> {
    let customer = id.to_string();
    for (index, order) in orders.iter().enumerate() {
        let place = (order.ordered_at, order.shop);
        let is_at = |line: &LineFact| (line.ordered_at, line.shop) == place;
        let without = lines.iter().take_while(|line| (line.ordered_at, line.shop) < place).count();
        lines = &lines[without..];
        let own =
            lines.iter().take_while(|line| is_at(line) && line.order == lines[0].order).count();
        let folded: Vec<[String; 2]> = lines[..own]
            .iter()
            .map(|line| [&line.code, &line.title].map(|text| searchable(text)))
            .collect();
        let rows = folded.iter().zip(&lines[..own]).map(|([code, title], line)| LineRow {
            order: index,
            code,
            title,
            quantity: line.quantity,
            amount_minor: line.amount_minor,
        });
        push_order(files, (id, &customer), index, order, rows)?;
        lines = &lines[own..];
    }
    Ok(())
}

/// Writes an order, the one of `index` of its customer, and its lines.
fn push_order<'a>(
    files: &mut Bought,
    (id, customer): (CustomerId, &str),
    index: usize,
    order: &OrderFact,
    lines: impl Iterator<Item = LineRow<'a>>,
) -> Result<(), WriteError> {
    let shop = order.shop.to_string();
    let head = [
        Value::Text(customer),
        Value::Number(moment(id, order.ordered_at)?),
        Value::Number(index as i64 + 1),
        Value::Text(&shop),
        Value::Number(order.revenue_minor),
    ];
    let [of_orders, of_lines] = &mut files.0;
    of_orders.push(&head)?;
    for line in lines {
        let [customer, ordered_at, number, shop, revenue] = head;
        of_lines.push(&[
            customer,
            ordered_at,
            number,
            shop,
            revenue,
            Value::Text(line.code),
            Value::Text(line.title),
            Value::Number(line.quantity),
            Value::Number(line.amount_minor),
        ])?;
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
