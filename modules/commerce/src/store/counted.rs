//! The counted orders, as the analytics engine reads them. The index `commerce_orders_customer` holds all
//! columns that it wants.

use kernel::{CustomerId, OrderId, Timestamp, TypedId};
use platform::{DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::by_ids;

/// One counted order as the analytics engine wants it.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct CountedOrder {
    pub customer: CustomerId,
    pub shop_number: i64,
    pub ordered_at: Timestamp,
    pub revenue_minor: i64,
}

pub(super) type CountedRow = (Uuid, i64, i64, i64);

pub(super) fn counted(row: CountedRow) -> CountedOrder {
    CountedOrder {
        customer: CustomerId::from_uuid(row.0),
        shop_number: row.1,
        ordered_at: Timestamp::from_millis(row.2),
        revenue_minor: row.3,
    }
}

/// Gives every counted order of a known customer to `take`, customer by customer.
///
/// The database hands over a row for each customer and not for each order: at a million customers
/// the rows cost more than what is in them.
///
/// # Errors
/// `Refused` if the database's answer cannot be read; otherwise as the database says.
pub async fn each_counted(
    tx: &mut Tx,
    scope: Scope,
    mut take: impl FnMut(CountedOrder) + Send,
) -> Result<(), DbError> {
    let mut unreadable = None;
    tx.for_each::<(Uuid, String)>(
        "SELECT customer_id,
                string_agg(shop_number || ' ' || ordered_at || ' ' || revenue_minor, ',')
           FROM commerce_orders
          WHERE org_id = $1 AND revenue_minor IS NOT NULL AND customer_id IS NOT NULL
          GROUP BY customer_id",
        args![scope.org_arg()],
        |(customer, orders)| {
            for order in orders.split(',') {
                match unpacked(order) {
                    Some((shop_number, ordered_at, revenue_minor)) => {
                        take(counted((customer, shop_number, ordered_at, revenue_minor)));
                    }
                    None => unreadable = Some(order.to_owned()),
                }
            }
        },
    )
    .await?;
    match unreadable {
        Some(order) => Err(DbError::Refused(format!("the counted order `{order}` is unreadable"))),
        None => Ok(()),
    }
}

/// Number of the shop, time and revenue, as `each_counted` packs them.
fn unpacked(order: &str) -> Option<(i64, i64, i64)> {
    let mut fields = order.splitn(3, ' ').map(str::parse::<i64>);
    Some((fields.next()?.ok()?, fields.next()?.ok()?, fields.next()?.ok()?))
}

/// The counted orders of some customers.
///
/// # Errors
/// As the database says.
pub async fn counted_of(
    tx: &mut Tx,
    scope: Scope,
    customers: &[Uuid],
) -> Result<Vec<CountedOrder>, DbError> {
    let select = "SELECT customer_id, shop_number, ordered_at, revenue_minor FROM commerce_orders
         WHERE org_id = $1 AND revenue_minor IS NOT NULL AND customer_id";
    let rows: Vec<CountedRow> = by_ids(tx, scope, select, customers, "").await?;
    Ok(rows.into_iter().map(counted).collect())
}

/// One line of a counted order as the analytics engine wants it. An order without lines has one: its title,
/// its count of items, its revenue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct CountedLine {
    pub customer: CustomerId,
    pub order: OrderId,
    pub shop_number: i64,
    pub ordered_at: Timestamp,
    pub code: String,
    pub title: String,
    pub quantity: i64,
    /// After refunds.
    pub amount_minor: i64,
}

pub(super) type LineRow = (Uuid, Uuid, i64, i64, Option<String>, Option<String>, i64, i64);

const LINES: &str = "SELECT o.customer_id, o.id, o.shop_number, o.ordered_at, l.sku_code,
        CASE WHEN l.order_id IS NULL THEN o.item_title ELSE l.title END,
        coalesce(l.quantity, o.item_count, 1),
        CASE WHEN l.order_id IS NULL THEN o.revenue_minor
             ELSE coalesce(l.amount_minor, l.unit_price_minor * l.quantity, 0)
                  - coalesce(l.refund_minor, 0) END
   FROM commerce_orders o
   LEFT JOIN commerce_order_lines l ON l.org_id = o.org_id AND l.order_id = o.id";

pub(super) fn line(row: LineRow) -> CountedLine {
    CountedLine {
        customer: CustomerId::from_uuid(row.0),
        order: OrderId::from_uuid(row.1),
        shop_number: row.2,
        ordered_at: Timestamp::from_millis(row.3),
        code: row.4.unwrap_or_default(),
        title: row.5.unwrap_or_default(),
        quantity: row.6,
        amount_minor: row.7,
    }
}

/// Gives every line of a counted order of a known customer to `take`.
///
/// # Errors
/// As the database says.
pub async fn each_counted_line(
    tx: &mut Tx,
    scope: Scope,
    mut take: impl FnMut(CountedLine) + Send,
) -> Result<(), DbError> {
    let sql = format!(
        "{LINES} WHERE o.org_id = $1 AND o.revenue_minor IS NOT NULL AND o.customer_id IS NOT NULL"
    );
    tx.for_each::<LineRow>(AssertSqlSafe(sql), args![scope.org_arg()], |row| take(line(row))).await
}

/// The lines of the counted orders of some customers.
///
/// # Errors
/// As the database says.
pub async fn counted_lines_of(
    tx: &mut Tx,
    scope: Scope,
    customers: &[Uuid],
) -> Result<Vec<CountedLine>, DbError> {
    let select =
        format!("{LINES} WHERE o.org_id = $1 AND o.revenue_minor IS NOT NULL AND o.customer_id");
    let rows: Vec<LineRow> = by_ids(tx, scope, &select, customers, "").await?;
    Ok(rows.into_iter().map(line).collect())
}
