//! Counted orders of a period with their lines, to be priced again.

use std::collections::HashMap;

use kernel::{CustomerId, OrderId, Timestamp, TypedId as _};
use platform::{Arg, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::by_ids;

/// Which orders: those placed at `from` or later and before `until`, in one shop or in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastPeriod {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
    /// The number of the shop; all shops without one.
    pub shop: Option<i64>,
}

/// An order that counts (paid, not closed), as far as its price goes. Amounts are minor units of its shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastOrder {
    /// Its id.
    pub id: OrderId,
    /// Whose it is; not the one into whom that customer was merged.
    pub customer: Option<CustomerId>,
    /// The number of its shop.
    pub shop_number: i64,
    /// When it was placed.
    pub ordered_at: Timestamp,
    /// Freight, 0 where nothing is known of it.
    pub freight_minor: i64,
    /// Its lines. An order of which none are known has one: its title, its count of items, its goods.
    pub lines: Vec<PastLine>,
}

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastLine {
    /// The code of the SKU; empty where there is none.
    pub code: String,
    /// Its title.
    pub title: String,
    /// Pieces.
    pub quantity: i64,
    /// What a piece costs before reductions, where the file says so.
    pub unit_price_minor: Option<i64>,
    /// What the line came to.
    pub amount_minor: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    customer_id: Option<Uuid>,
    shop_number: i64,
    ordered_at: i64,
    freight_minor: Option<i64>,
    goods_minor: Option<i64>,
    paid_minor: Option<i64>,
    item_count: Option<i64>,
    item_title: Option<String>,
}

impl Row {
    fn with(self, lines: Option<Vec<PastLine>>) -> PastOrder {
        let freight_minor = self.freight_minor.unwrap_or(0);
        let paid = self.paid_minor.map(|paid| paid.saturating_sub(freight_minor));
        let lines = lines.unwrap_or_else(|| {
            vec![PastLine {
                code: String::new(),
                title: self.item_title.unwrap_or_default(),
                quantity: self.item_count.unwrap_or(1),
                unit_price_minor: None,
                amount_minor: self.goods_minor.or(paid),
            }]
        });
        PastOrder {
            id: OrderId::from_uuid(self.id),
            customer: self.customer_id.map(CustomerId::from_uuid),
            shop_number: self.shop_number,
            ordered_at: Timestamp::from_millis(self.ordered_at),
            freight_minor,
            lines,
        }
    }
}

type LineRow = (Uuid, Option<String>, Option<String>, i64, Option<i64>, Option<i64>);

/// The condition of the period and its arguments; `from` stands in `$2`.
fn of(scope: Scope, period: PastPeriod) -> (String, Vec<Arg>) {
    let mut arguments = args![scope.org_arg(), period.from, period.until];
    let shop = period.shop.map_or("", |shop| {
        arguments.push(shop.into());
        "AND shop_number = $4"
    });
    let sql = format!("org_id = $1 AND ordered_at < $3 AND revenue_minor IS NOT NULL {shop}");
    (sql, arguments)
}

/// Up to `limit` counted orders of `period` by time and id, behind `after`.
///
/// # Errors
/// As the database says.
pub async fn past_orders(
    tx: &mut Tx,
    scope: Scope,
    period: PastPeriod,
    after: Option<(Timestamp, OrderId)>,
    limit: usize,
) -> Result<Vec<PastOrder>, DbError> {
    let (condition, mut arguments) = of(scope, period);
    // Behind the last id of the moment before is at the beginning.
    let begin = (period.from.plus_millis(-1), OrderId::from_uuid(Uuid::max()));
    let (moment, id) = after.unwrap_or(begin);
    arguments[1] = moment.into();
    arguments.push(id.uuid().into());
    let place = arguments.len();
    arguments.push((limit as i64).into());
    let sql = format!(
        "SELECT id, customer_id, shop_number, ordered_at, freight_minor, goods_minor, paid_minor,
                item_count, item_title
           FROM commerce_orders WHERE {condition} AND (ordered_at, id) > ($2, ${place})
          ORDER BY ordered_at, id LIMIT ${}",
        place + 1
    );
    let rows: Vec<Row> = tx.fetch_all(AssertSqlSafe(sql), arguments).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let select = "SELECT order_id, sku_code, title, quantity, unit_price_minor, amount_minor
                    FROM commerce_order_lines WHERE org_id = $1 AND order_id";
    let found: Vec<LineRow> = by_ids(tx, scope, select, &ids, "ORDER BY order_id, line_no").await?;
    let mut lines: HashMap<Uuid, Vec<PastLine>> = HashMap::with_capacity(rows.len());
    for (order, code, title, quantity, unit_price_minor, amount_minor) in found {
        lines.entry(order).or_default().push(PastLine {
            code: code.unwrap_or_default(),
            title: title.unwrap_or_default(),
            quantity,
            unit_price_minor,
            amount_minor,
        });
    }
    let with_lines = |row: Row| {
        let own = lines.remove(&row.id);
        row.with(own)
    };
    Ok(rows.into_iter().map(with_lines).collect())
}

/// How many [`past_orders`] there are in `period`.
///
/// # Errors
/// As the database says.
pub async fn past_orders_counted(
    tx: &mut Tx,
    scope: Scope,
    period: PastPeriod,
) -> Result<i64, DbError> {
    let (condition, arguments) = of(scope, period);
    let sql =
        format!("SELECT COUNT(*) FROM commerce_orders WHERE {condition} AND ordered_at >= $2");
    let (count,): (i64,) = tx.fetch_one(AssertSqlSafe(sql), arguments).await?;
    Ok(count)
}
