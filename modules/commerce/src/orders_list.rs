//! Lists of orders: which, in which order, one page at a time; and the counts of the workbench.

use kernel::{CustomerId, OrderId, Timestamp, TypedId};
use platform::db::Fragment;
use platform::db::args::in_list;
use platform::{Arg, DbError, Scope, Tx, args};
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::state::OrderState;
use crate::store::{self, OrderRow};

/// Orders looked at when a list is narrowed by the beginning of an order number.
const NUMBER_HITS_MAX: i64 = 1_000;
/// Longest order number looked for.
pub const NUMBER_MAX_CHARS: usize = 64;

/// Which orders: all conditions at once. The default lets every order pass.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OrderFilter {
    /// The order number begins with this.
    pub number: Option<String>,
    /// In the shop of this number.
    pub shop: Option<i64>,
    /// In this state.
    pub state: Option<OrderState>,
    /// Of one of these customers.
    pub customers: Option<Vec<CustomerId>>,
    /// The condition on `customer_id` that whoever asks may see the order; `None` for everything.
    pub seen: Option<Fragment>,
    /// Ordered at or after.
    pub from: Option<Timestamp>,
    /// Ordered before.
    pub until: Option<Timestamp>,
}

/// What orders are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderSortKey {
    /// When they were placed.
    OrderedAt,
    /// What was paid; unknown amounts count as 0.
    PaidAmount,
}

impl OrderSortKey {
    const fn column(self) -> &'static str {
        match self {
            Self::OrderedAt => "ordered_at",
            Self::PaidAmount => "COALESCE(paid_minor, 0)",
        }
    }
}

/// A sort key and its direction; ties follow the id in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSort {
    /// What is compared.
    pub key: OrderSortKey,
    /// Greatest first.
    pub descending: bool,
}

impl Default for OrderSort {
    fn default() -> Self {
        Self { key: OrderSortKey::OrderedAt, descending: true }
    }
}

/// Not a documented sort.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be `ordered_at` or `paid_amount`, with `-` in front for descending")]
pub struct OrderSortError;

impl std::str::FromStr for OrderSort {
    type Err = OrderSortError;
    fn from_str(text: &str) -> Result<Self, OrderSortError> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let key = match name {
            "ordered_at" => OrderSortKey::OrderedAt,
            "paid_amount" => OrderSortKey::PaidAmount,
            _ => return Err(OrderSortError),
        };
        Ok(Self { key, descending })
    }
}

/// Position after one order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCursor {
    /// The sort the position belongs to.
    pub sort: OrderSort,
    /// Sort value of the last order shown.
    pub value: i64,
    /// The last order shown.
    pub id: OrderId,
}

/// Text and arguments of a statement as conditions are added.
struct Conditions {
    sql: String,
    args: Vec<Arg>,
}

impl Conditions {
    fn new(scope: Scope) -> Self {
        Self { sql: "org_id = $1".to_owned(), args: args![scope.org_arg()] }
    }

    fn bind(&mut self, value: impl Into<Arg>) -> String {
        self.args.push(value.into());
        format!("${}", self.args.len())
    }

    fn seen(&mut self, seen: Option<&Fragment>) {
        if let Some(seen) = seen {
            let sql = seen.append_to(&mut self.args);
            self.sql.push_str(&format!(" AND {sql}"));
        }
    }

    fn compare(&mut self, what: &str, value: impl Into<Arg>) {
        let place = self.bind(value);
        self.sql.push_str(&format!(" AND {what} {place}"));
    }

    async fn count(self, tx: &mut Tx) -> Result<i64, DbError> {
        let sql = format!("SELECT COUNT(*) FROM commerce_orders WHERE {}", self.sql);
        let (count,): (i64,) = tx.fetch_one(AssertSqlSafe(sql), self.args).await?;
        Ok(count)
    }

    fn any_of(&mut self, column: &str, values: Vec<Arg>) {
        if values.is_empty() {
            self.sql.push_str(" AND 1 = 0");
            return;
        }
        let (list, values) = in_list(self.args.len() + 1, values);
        self.args.extend(values);
        self.sql.push_str(&format!(" AND {column} IN ({list})"));
    }

    /// Orders whose number begins with `number`. Numbers of a shop lie together in the index, so the
    /// shops are named.
    fn number_begins(&mut self, number: &str, shops: &[i64], seen: Option<&Fragment>) {
        let mut inner =
            Self { sql: "org_id = $1".to_owned(), args: std::mem::take(&mut self.args) };
        inner.any_of("shop_number", shops.iter().map(|shop| Arg::from(*shop)).collect());
        inner.compare("external_no >=", number);
        if let Some(bound) = after_prefix(number) {
            inner.compare("external_no <", bound);
        }
        // Inside, so that what is not seen does not count among the first hits.
        inner.seen(seen);
        let length = inner.bind(number.chars().count() as i64);
        inner.compare(&format!("substr(external_no, 1, CAST({length} AS INTEGER)) ="), number);
        let limit = inner.bind(NUMBER_HITS_MAX);
        self.sql.push_str(&format!(
            " AND id IN (SELECT id FROM commerce_orders WHERE {} ORDER BY external_no LIMIT {limit})",
            inner.sql
        ));
        self.args = inner.args;
    }
}

/// The least text above all that begin with `prefix`, by bytes, as the column is compared on both
/// databases.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut bytes = prefix.as_bytes().to_vec();
    let last = bytes.last_mut()?;
    *last = last.checked_add(1).filter(u8::is_ascii)?;
    String::from_utf8(bytes).ok()
}

/// One page of orders, and where the next begins. `shops` are the numbers of all shops.
///
/// # Errors
/// As the database says.
pub async fn list(
    tx: &mut Tx,
    scope: Scope,
    shops: &[i64],
    filter: &OrderFilter,
    sort: OrderSort,
    after: Option<OrderCursor>,
    limit: usize,
) -> Result<(Vec<OrderRow>, Option<OrderCursor>), DbError> {
    let mut conditions = Conditions::new(scope);
    if let Some(number) = &filter.number {
        let shops = filter.shop.as_ref().map_or(shops, std::slice::from_ref);
        conditions.number_begins(number, shops, filter.seen.as_ref());
    }
    if let Some(shop) = filter.shop {
        conditions.compare("shop_number =", shop);
    }
    if let Some(state) = filter.state {
        conditions.compare("state =", state.code());
        if state < OrderState::Completed {
            // The condition of the index of running orders, which the planner wants to see.
            conditions.sql.push_str(" AND state < 4");
        }
    }
    if let Some(customers) = &filter.customers {
        conditions.any_of("customer_id", customers.iter().map(|id| Arg::from(*id)).collect());
    }
    conditions.seen(filter.seen.as_ref());
    if let Some(from) = filter.from {
        conditions.compare("ordered_at >=", from);
    }
    if let Some(until) = filter.until {
        conditions.compare("ordered_at <", until);
    }
    // A plus keeps the planner from walking all orders by time when few are wanted.
    let narrow = filter.customers.is_some() || filter.number.is_some();
    let plus = if narrow && sort.key == OrderSortKey::OrderedAt { "+" } else { "" };
    let value = format!("{plus}{}", sort.key.column());
    let (sign, direction) = if sort.descending { ("<", "DESC") } else { (">", "ASC") };
    if let Some(cursor) = after.filter(|cursor| cursor.sort == sort) {
        let (at, id) = (conditions.bind(cursor.value), conditions.bind(cursor.id));
        conditions.sql.push_str(&format!(" AND ({value}, id) {sign} ({at}, {id})"));
    }
    let most = conditions.bind(limit as i64 + 1);
    let sql = format!(
        "SELECT id, {} FROM commerce_orders WHERE {} ORDER BY {value} {direction}, id {direction} LIMIT {most}",
        sort.key.column(),
        conditions.sql
    );
    let mut found: Vec<(Uuid, i64)> = tx.fetch_all(AssertSqlSafe(sql), conditions.args).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(id, value)| OrderCursor {
        sort,
        value: *value,
        id: OrderId::from_uuid(*id),
    });
    let ids: Vec<Uuid> = found.iter().map(|(id, _)| *id).collect();
    Ok((in_order(store::orders(tx, scope, &ids).await?, &ids), next))
}

fn in_order(mut rows: Vec<OrderRow>, ids: &[Uuid]) -> Vec<OrderRow> {
    rows.sort_by_cached_key(|row| ids.iter().position(|id| *id == row.id));
    rows
}

/// The customers whose orders have exactly this number, in any of `shops`.
///
/// # Errors
/// As the database says.
pub async fn customers_of_number(
    tx: &mut Tx,
    scope: Scope,
    shops: &[i64],
    number: &str,
) -> Result<Vec<CustomerId>, DbError> {
    let mut conditions = Conditions::new(scope);
    conditions.any_of("shop_number", shops.iter().map(|shop| Arg::from(*shop)).collect());
    conditions.compare("external_no =", number);
    let sql = format!(
        "SELECT DISTINCT customer_id FROM commerce_orders WHERE {} AND customer_id IS NOT NULL",
        conditions.sql
    );
    let rows: Vec<(Uuid,)> = tx.fetch_all(AssertSqlSafe(sql), conditions.args).await?;
    Ok(rows.into_iter().map(|(id,)| CustomerId::from_uuid(id)).collect())
}

/// Refunds of the orders of some customers in one shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopTotals {
    /// The shop.
    pub shop_number: i64,
    /// Counted orders.
    pub orders: i64,
    /// Their revenue.
    pub revenue_minor: i64,
    /// Refunds of all orders, counted or not.
    pub refund_minor: i64,
}

/// What some customers bought in each shop.
///
/// # Errors
/// As the database says.
pub async fn totals_by_shop(
    tx: &mut Tx,
    scope: Scope,
    customers: &[CustomerId],
) -> Result<Vec<ShopTotals>, DbError> {
    let mut conditions = Conditions::new(scope);
    conditions.any_of("customer_id", customers.iter().map(|id| Arg::from(*id)).collect());
    let sql = format!(
        "SELECT shop_number, COUNT(revenue_minor), CAST(COALESCE(SUM(revenue_minor), 0) AS BIGINT),
             CAST(COALESCE(SUM(refund_minor), 0) AS BIGINT)
         FROM commerce_orders WHERE {} GROUP BY shop_number ORDER BY shop_number",
        conditions.sql
    );
    let rows: Vec<(i64, i64, i64, i64)> = tx.fetch_all(AssertSqlSafe(sql), conditions.args).await?;
    Ok(rows
        .into_iter()
        .map(|(shop_number, orders, revenue_minor, refund_minor)| ShopTotals {
            shop_number,
            orders,
            revenue_minor,
            refund_minor,
        })
        .collect())
}

/// The days between counted orders of some customers, as moments of the newest `most` orders in
/// rising order.
///
/// # Errors
/// As the database says.
pub async fn counted_moments(
    tx: &mut Tx,
    scope: Scope,
    customers: &[CustomerId],
    most: usize,
) -> Result<Vec<Timestamp>, DbError> {
    let mut conditions = Conditions::new(scope);
    conditions.any_of("customer_id", customers.iter().map(|id| Arg::from(*id)).collect());
    let limit = conditions.bind(most as i64);
    let sql = format!(
        "SELECT ordered_at FROM commerce_orders WHERE {} AND revenue_minor IS NOT NULL
         ORDER BY +ordered_at DESC LIMIT {limit}",
        conditions.sql
    );
    let rows: Vec<(i64,)> = tx.fetch_all(AssertSqlSafe(sql), conditions.args).await?;
    Ok(rows.into_iter().rev().map(|(at,)| Timestamp::from_millis(at)).collect())
}

/// Something that happened with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderEvent {
    /// It was placed.
    Placed,
    /// It was paid.
    Paid,
    /// Something of it was refunded. Files do not say when; the last known moment stands for it.
    Refunded,
}

impl OrderEvent {
    /// All, in the order in which they happen at one moment.
    pub const ALL: [Self; 3] = [Self::Placed, Self::Paid, Self::Refunded];

    const fn moment(self) -> (&'static str, &'static str) {
        match self {
            Self::Placed => ("ordered_at", ""),
            Self::Paid => ("paid_at", " AND paid_at IS NOT NULL"),
            Self::Refunded => {
                ("COALESCE(completed_at, shipped_at, paid_at, ordered_at)", " AND refund_minor > 0")
            }
        }
    }
}

/// Moment, order and event; lists of events begin with the greatest.
pub type EventPlace = (Timestamp, Uuid, OrderEvent);

/// What happened with the orders of some customers, the latest first. `before` is a place whose
/// order need not be theirs.
///
/// # Errors
/// As the database says.
pub async fn events_of(
    tx: &mut Tx,
    scope: Scope,
    customers: &[CustomerId],
    events: &[OrderEvent],
    before: Option<(Timestamp, Uuid, u8)>,
    limit: usize,
) -> Result<Vec<EventPlace>, DbError> {
    let mut found = Vec::new();
    for event in events {
        let (moment, condition) = event.moment();
        let mut conditions = Conditions::new(scope);
        conditions.any_of("customer_id", customers.iter().map(|id| Arg::from(*id)).collect());
        if let Some((at, id, rank)) = before {
            let sign = if (*event as u8) < rank { "<=" } else { "<" };
            let (at, id) = (conditions.bind(at), conditions.bind(id));
            conditions.sql.push_str(&format!(" AND (+{moment}, id) {sign} ({at}, {id})"));
        }
        let most = conditions.bind(limit as i64);
        let sql = format!(
            "SELECT {moment}, id FROM commerce_orders WHERE {}{condition}
             ORDER BY +{moment} DESC, id DESC LIMIT {most}",
            conditions.sql
        );
        let rows: Vec<(i64, Uuid)> = tx.fetch_all(AssertSqlSafe(sql), conditions.args).await?;
        found.extend(rows.into_iter().map(|(at, id)| (Timestamp::from_millis(at), id, *event)));
    }
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.truncate(limit);
    Ok(found)
}

/// Orders placed in `from..until` of which something was refunded, of customers who are `seen`.
///
/// # Errors
/// As the database says.
pub async fn refunded_between(
    tx: &mut Tx,
    scope: Scope,
    from: Timestamp,
    until: Timestamp,
    seen: Option<&Fragment>,
) -> Result<i64, DbError> {
    let mut conditions = Conditions::new(scope);
    conditions.compare("ordered_at >=", from);
    conditions.compare("ordered_at <", until);
    conditions.sql.push_str(" AND refund_minor > 0");
    conditions.seen(seen);
    conditions.count(tx).await
}

/// Orders placed in `since..before` that are paid and not, or not wholly, shipped, of customers who are
/// `seen`.
///
/// # Errors
/// As the database says.
pub async fn unshipped_between(
    tx: &mut Tx,
    scope: Scope,
    since: Timestamp,
    before: Timestamp,
    seen: Option<&Fragment>,
) -> Result<i64, DbError> {
    let mut conditions = Conditions::new(scope);
    conditions.compare("ordered_at >=", since);
    conditions.compare("ordered_at <", before);
    conditions.any_of("state", args![OrderState::Paid.code(), OrderState::PartlyShipped.code()]);
    conditions.seen(seen);
    conditions.count(tx).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_have_an_end() {
        assert_eq!(after_prefix("17").as_deref(), Some("18"));
        assert_eq!(after_prefix("19").as_deref(), Some("1:"));
        assert_eq!(after_prefix("é"), None);
        assert_eq!(after_prefix(""), None);
    }

    #[test]
    fn sorts_read_as_documented() {
        let sort: OrderSort = "-paid_amount".parse().unwrap();
        assert_eq!(sort, OrderSort { key: OrderSortKey::PaidAmount, descending: true });
        assert_eq!("total".parse::<OrderSort>(), Err(OrderSortError));
    }
}
