//! Orders of which something was refunded, as the analytics engine reads them. Files say how much, not when: the moment
//! is that of the order.

use platform::{DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::by_ids;
use super::counted::{CountedLine, CountedOrder, CountedRow, LineRow, counted, line};

/// Some files say it of the order, some of its lines, some of both: the greater is what is known. Lines are summed for
/// all orders at once, since few of many lines were refunded.
const ALL: &str = "SELECT o.customer_id, o.shop_number, o.ordered_at,
        CASE WHEN COALESCE(r.minor, 0) > COALESCE(o.refund_minor, 0) THEN r.minor
             ELSE o.refund_minor END
   FROM commerce_orders o
   LEFT JOIN (SELECT order_id, CAST(SUM(refund_minor) AS BIGINT) AS minor
                FROM commerce_order_lines WHERE org_id = $1 AND refund_minor > 0
               GROUP BY order_id) AS r ON r.order_id = o.id
  WHERE o.org_id = $1 AND (o.refund_minor > 0 OR r.minor > 0) AND o.customer_id IS NOT NULL";

/// The same, order by order.
const SOME: &str = "SELECT customer_id, shop_number, ordered_at,
        CASE WHEN by_lines > by_order THEN by_lines ELSE by_order END
   FROM (SELECT o.customer_id, o.shop_number, o.ordered_at,
                COALESCE(o.refund_minor, 0) AS by_order,
                COALESCE((SELECT CAST(SUM(l.refund_minor) AS BIGINT) FROM commerce_order_lines l
                           WHERE l.org_id = $1 AND l.order_id = o.id AND l.refund_minor > 0), 0)
                    AS by_lines
           FROM commerce_orders o WHERE o.org_id = $1) AS known
  WHERE (by_order > 0 OR by_lines > 0) AND customer_id";

/// Lines of which the file says that something was refunded; of an order whose lines say nothing, its only line, or
/// its title where it has none. Otherwise nobody knows of which.
const LINES: &str = "SELECT o.customer_id, o.id, o.shop_number, o.ordered_at, l.sku_code,
        CASE WHEN l.order_id IS NULL THEN o.item_title ELSE l.title END,
        coalesce(l.quantity, o.item_count, 1),
        CASE WHEN l.refund_minor > 0 THEN l.refund_minor ELSE o.refund_minor END
   FROM commerce_orders o
   LEFT JOIN commerce_order_lines l ON l.org_id = o.org_id AND l.order_id = o.id
  WHERE o.org_id = $1
    AND (l.refund_minor > 0
         OR o.refund_minor > 0 AND (l.order_id IS NULL
             OR (SELECT COUNT(*) FROM commerce_order_lines s
                  WHERE s.org_id = o.org_id AND s.order_id = o.id) = 1))
    AND o.customer_id";

/// Gives every order of a known customer of which something was refunded, counted or not, to `take`; what was is
/// its revenue.
///
/// # Errors
/// As the database says.
pub async fn each_refunded(
    tx: &mut Tx,
    scope: Scope,
    mut take: impl FnMut(CountedOrder) + Send,
) -> Result<(), DbError> {
    tx.for_each::<CountedRow>(ALL, args![scope.org_arg()], |row| take(counted(row))).await
}

/// Those of some customers.
///
/// # Errors
/// As the database says.
pub async fn refunded_of(
    tx: &mut Tx,
    scope: Scope,
    customers: &[Uuid],
) -> Result<Vec<CountedOrder>, DbError> {
    let rows: Vec<CountedRow> = by_ids(tx, scope, SOME, customers, "").await?;
    Ok(rows.into_iter().map(counted).collect())
}

/// Gives every line of such an order of which something was refunded, as far as that is known, to `take`; what was is
/// its amount.
///
/// # Errors
/// As the database says.
pub async fn each_refunded_line(
    tx: &mut Tx,
    scope: Scope,
    mut take: impl FnMut(CountedLine) + Send,
) -> Result<(), DbError> {
    let sql = format!("{LINES} IS NOT NULL");
    tx.for_each::<LineRow>(AssertSqlSafe(sql), args![scope.org_arg()], |row| take(line(row))).await
}

/// Those of some customers.
///
/// # Errors
/// As the database says.
pub async fn refunded_lines_of(
    tx: &mut Tx,
    scope: Scope,
    customers: &[Uuid],
) -> Result<Vec<CountedLine>, DbError> {
    let rows: Vec<LineRow> = by_ids(tx, scope, LINES, customers, "").await?;
    Ok(rows.into_iter().map(line).collect())
}
