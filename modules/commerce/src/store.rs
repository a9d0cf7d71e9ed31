//! SQL of orders and their lines.

mod counted;
mod of_import;
mod past;
#[cfg(test)]
mod plans;
mod refunded;
mod sizes;

use std::collections::HashMap;

use kernel::{CustomerId, ShopId, Timestamp, TypedId};
use platform::crypto::{CryptoError, OrgKeys};
use platform::db::args::in_list;
use platform::{Arg, Ctx, DbError, Scope, Tx, args};
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::order::{OrderHead, Private};
use crate::record::LineRecord;
use crate::state::OrderState;

pub use counted::{
    CountedLine, CountedOrder, counted_lines_of, counted_of, each_counted, each_counted_line,
};
pub use of_import::{customers_of, each_customer_of_import, imports_with_orders_of, last_imports};
pub use past::{PastLine, PastOrder, PastPeriod, past_orders, past_orders_counted};
pub use refunded::{each_refunded, each_refunded_line, refunded_lines_of, refunded_of};
pub use sizes::{orders_counted, orders_counted_after};

/// Keys looked up by one statement.
const LOOKUP_MAX: usize = 512;
/// Name under which the private part of an order is sealed.
pub(crate) const PRIVATE_FIELD: &str = "commerce.order";

/// A row of `commerce_orders`, as stored; also the image kept for undo.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct OrderRow {
    pub id: Uuid,
    pub shop_number: i64,
    pub external_no: String,
    pub customer_id: Option<Uuid>,
    pub state: i64,
    pub close_reason: Option<String>,
    pub ordered_at: i64,
    pub paid_at: Option<i64>,
    pub shipped_at: Option<i64>,
    pub completed_at: Option<i64>,
    pub goods_minor: Option<i64>,
    pub freight_minor: Option<i64>,
    pub total_minor: Option<i64>,
    pub paid_minor: Option<i64>,
    pub refund_minor: Option<i64>,
    pub revenue_minor: Option<i64>,
    pub item_count: Option<i64>,
    pub item_title: Option<String>,
    pub carrier: Option<String>,
    pub tracking_no: Option<String>,
    pub province: Option<String>,
    pub city: Option<String>,
    #[serde(with = "base64_bytes")]
    pub private: Option<Vec<u8>>,
    pub amounts_from_lines: bool,
    pub line_count: i64,
    pub head_hash: i64,
    pub lines_hash: i64,
    pub last_import: i64,
}

mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, s: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => s.serialize_some(&STANDARD.encode(bytes)),
            None => s.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<u8>>, D::Error> {
        Option::<String>::deserialize(d)?
            .map(|text| STANDARD.decode(text).map_err(serde::de::Error::custom))
            .transpose()
    }
}

const COLUMNS: &[&str; 29] = &[
    "org_id",
    "id",
    "shop_number",
    "external_no",
    "customer_id",
    "state",
    "close_reason",
    "ordered_at",
    "paid_at",
    "shipped_at",
    "completed_at",
    "goods_minor",
    "freight_minor",
    "total_minor",
    "paid_minor",
    "refund_minor",
    "revenue_minor",
    "item_count",
    "item_title",
    "carrier",
    "tracking_no",
    "province",
    "city",
    "private",
    "amounts_from_lines",
    "line_count",
    "head_hash",
    "lines_hash",
    "last_import",
];

const LINE_COLUMNS: &[&str; 12] = &[
    "org_id",
    "order_id",
    "line_no",
    "external_no",
    "title",
    "sku_code",
    "sku_text",
    "quantity",
    "unit_price_minor",
    "amount_minor",
    "refund_minor",
    "state",
];

impl OrderRow {
    /// The head of the order, with its private part opened.
    ///
    /// # Errors
    /// `Unreadable` if that was sealed with another key.
    pub fn head(&self, keys: &OrgKeys) -> Result<OrderHead, CryptoError> {
        let private = match &self.private {
            Some(sealed) => Private::from_bytes(&keys.open(PRIVATE_FIELD, sealed)?)
                .ok_or(CryptoError::Unreadable)?,
            None => Private::default(),
        };
        let Private { receiver, buyer_message, seller_remark, extra } = private;
        Ok(OrderHead {
            state: self.order_state(),
            close_reason: self.close_reason.clone(),
            ordered_at: Timestamp::from_millis(self.ordered_at),
            paid_at: self.paid_at.map(Timestamp::from_millis),
            shipped_at: self.shipped_at.map(Timestamp::from_millis),
            completed_at: self.completed_at.map(Timestamp::from_millis),
            goods_minor: self.goods_minor,
            freight_minor: self.freight_minor,
            total_minor: self.total_minor,
            paid_minor: self.paid_minor,
            refund_minor: self.refund_minor,
            item_count: self.item_count,
            item_title: self.item_title.clone(),
            buyer_message,
            seller_remark,
            carrier: self.carrier.clone(),
            tracking_no: self.tracking_no.clone(),
            province: self.province.clone(),
            city: self.city.clone(),
            receiver,
            extra,
            amounts_from_lines: self.amounts_from_lines,
        })
    }

    /// The canonical state.
    #[must_use]
    pub fn order_state(&self) -> OrderState {
        i16::try_from(self.state).ok().and_then(OrderState::from_code).unwrap_or(OrderState::Unpaid)
    }

    /// Puts `head` into the row, sealing its private part.
    pub fn set_head(&mut self, cx: &Ctx, keys: &OrgKeys, head: OrderHead) {
        self.revenue_minor = head.revenue_minor();
        self.state = i64::from(head.state.code());
        self.close_reason = head.close_reason;
        self.ordered_at = head.ordered_at.millis();
        self.paid_at = head.paid_at.map(Timestamp::millis);
        self.shipped_at = head.shipped_at.map(Timestamp::millis);
        self.completed_at = head.completed_at.map(Timestamp::millis);
        self.goods_minor = head.goods_minor;
        self.freight_minor = head.freight_minor;
        self.total_minor = head.total_minor;
        self.paid_minor = head.paid_minor;
        self.refund_minor = head.refund_minor;
        self.item_count = head.item_count;
        self.item_title = head.item_title;
        self.carrier = head.carrier;
        self.tracking_no = head.tracking_no;
        self.province = head.province;
        self.city = head.city;
        let private = Private {
            receiver: head.receiver,
            buyer_message: head.buyer_message,
            seller_remark: head.seller_remark,
            extra: head.extra,
        };
        self.private =
            (!private.is_empty()).then(|| keys.seal(&*cx.ids, PRIVATE_FIELD, &private.to_bytes()));
        self.amounts_from_lines = head.amounts_from_lines;
    }

    fn into_args(self, org: i64) -> [Arg; 29] {
        [
            Arg::from(org),
            Arg::from(self.id),
            Arg::from(self.shop_number),
            Arg::from(self.external_no),
            Arg::from(self.customer_id),
            Arg::from(self.state),
            Arg::from(self.close_reason),
            Arg::from(self.ordered_at),
            Arg::from(self.paid_at),
            Arg::from(self.shipped_at),
            Arg::from(self.completed_at),
            Arg::from(self.goods_minor),
            Arg::from(self.freight_minor),
            Arg::from(self.total_minor),
            Arg::from(self.paid_minor),
            Arg::from(self.refund_minor),
            Arg::from(self.revenue_minor),
            Arg::from(self.item_count),
            Arg::from(self.item_title),
            Arg::from(self.carrier),
            Arg::from(self.tracking_no),
            Arg::from(self.province),
            Arg::from(self.city),
            Arg::from(self.private),
            Arg::from(self.amounts_from_lines),
            Arg::from(self.line_count),
            Arg::from(self.head_hash),
            Arg::from(self.lines_hash),
            Arg::from(self.last_import),
        ]
    }
}

/// Just enough of a stored order to tell whether a report changes it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs)]
pub struct KnownOrder {
    pub external_no: String,
    pub id: Uuid,
    pub head_hash: i64,
    pub lines_hash: i64,
    pub last_import: i64,
}

/// Which of `numbers` the shop has already.
///
/// # Errors
/// As the database says.
pub async fn known_orders(
    tx: &mut Tx,
    scope: Scope,
    shop_number: i64,
    numbers: &[&str],
) -> Result<Vec<KnownOrder>, DbError> {
    let mut found = Vec::new();
    for chunk in numbers.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(3, chunk.iter().map(|number| Arg::from(*number)).collect());
        let mut arguments = args![scope.org_arg(), shop_number];
        arguments.extend(values);
        let sql = AssertSqlSafe(known_orders_sql(&list));
        found.extend(tx.fetch_all::<KnownOrder>(sql, arguments).await?);
    }
    Ok(found)
}

/// The plan of this statement decides how fast an import is; see `plans.rs`.
fn known_orders_sql(list: &str) -> String {
    format!(
        "SELECT external_no, id, head_hash, lines_hash, last_import FROM commerce_orders
         WHERE org_id = $1 AND shop_number = $2 AND external_no IN ({list})"
    )
}

/// Lets the database measure the orders after many came.
///
/// # Errors
/// As the database says.
pub async fn analyze(tx: &mut Tx) -> Result<(), DbError> {
    tx.analyze(&["commerce_orders", "commerce_order_lines"]).await
}

/// Whether the shop has any order.
///
/// # Errors
/// As the database says.
pub async fn shop_has_orders(tx: &mut Tx, scope: Scope, shop: i64) -> Result<bool, DbError> {
    let row: Option<(i64,)> = tx
        .fetch_optional(
            "SELECT shop_number FROM commerce_orders WHERE org_id = $1 AND shop_number = $2 LIMIT 1",
            args![scope.org_arg(), shop],
        )
        .await?;
    Ok(row.is_some())
}

async fn by_ids<T: platform::db::AnyRow>(
    tx: &mut Tx,
    scope: Scope,
    select: &str,
    ids: &[Uuid],
    order: &str,
) -> Result<Vec<T>, DbError> {
    let mut found = Vec::new();
    for chunk in ids.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(2, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg()];
        arguments.extend(values);
        let sql = format!("{select} IN ({list}) {order}");
        found.extend(tx.fetch_all::<T>(AssertSqlSafe(sql), arguments).await?);
    }
    Ok(found)
}

/// Whole rows of orders, in no particular order.
///
/// # Errors
/// As the database says.
pub async fn orders(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<Vec<OrderRow>, DbError> {
    let select =
        format!("SELECT {} FROM commerce_orders WHERE org_id = $1 AND id", COLUMNS[1..].join(", "));
    by_ids(tx, scope, &select, ids, "").await
}

/// Whole rows of the orders of `customers`.
///
/// # Errors
/// As the database says.
pub async fn orders_of(
    tx: &mut Tx,
    scope: Scope,
    customers: &[CustomerId],
) -> Result<Vec<OrderRow>, DbError> {
    let ids: Vec<Uuid> = customers.iter().map(|id| id.uuid()).collect();
    let select = format!(
        "SELECT {} FROM commerce_orders WHERE org_id = $1 AND customer_id",
        COLUMNS[1..].join(", ")
    );
    by_ids(tx, scope, &select, &ids, "").await
}

#[derive(sqlx::FromRow)]
struct LineRow {
    order_id: Uuid,
    external_no: Option<String>,
    title: Option<String>,
    sku_code: Option<String>,
    sku_text: Option<String>,
    quantity: i64,
    unit_price_minor: Option<i64>,
    amount_minor: Option<i64>,
    refund_minor: Option<i64>,
    state: Option<i64>,
}

/// Lines of orders, in their order.
///
/// # Errors
/// As the database says.
pub async fn lines(
    tx: &mut Tx,
    scope: Scope,
    orders: &[Uuid],
) -> Result<HashMap<Uuid, Vec<LineRecord>>, DbError> {
    let select = format!(
        "SELECT {} FROM commerce_order_lines WHERE org_id = $1 AND order_id",
        "order_id, external_no, title, sku_code, sku_text, quantity, unit_price_minor, amount_minor, refund_minor, state"
    );
    let rows: Vec<LineRow> =
        by_ids(tx, scope, &select, orders, "ORDER BY order_id, line_no").await?;
    let mut lines: HashMap<Uuid, Vec<LineRecord>> = HashMap::new();
    for row in rows {
        lines.entry(row.order_id).or_default().push(LineRecord {
            external_no: row.external_no,
            title: row.title,
            sku_code: row.sku_code,
            sku_text: row.sku_text,
            quantity: row.quantity,
            unit_price_minor: row.unit_price_minor,
            amount_minor: row.amount_minor,
            refund_minor: row.refund_minor,
            state: row.state.and_then(|code| OrderState::from_code(code as i16)),
        });
    }
    Ok(lines)
}

/// Removes orders; with their lines where `with_lines`.
///
/// # Errors
/// As the database says.
pub async fn remove_orders(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<(), DbError> {
    remove_by(tx, scope, "DELETE FROM commerce_orders WHERE org_id = $1 AND id", ids).await
}

/// Removes the lines of orders.
///
/// # Errors
/// As the database says.
pub async fn remove_lines(tx: &mut Tx, scope: Scope, orders: &[Uuid]) -> Result<(), DbError> {
    remove_by(tx, scope, "DELETE FROM commerce_order_lines WHERE org_id = $1 AND order_id", orders)
        .await
}

async fn remove_by(tx: &mut Tx, scope: Scope, sql: &str, ids: &[Uuid]) -> Result<(), DbError> {
    for chunk in ids.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(2, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg()];
        arguments.extend(values);
        tx.execute(AssertSqlSafe(format!("{sql} IN ({list})")), arguments).await?;
    }
    Ok(())
}

/// Inserts orders and lines. The rows are made while the database writes those before them.
///
/// # Errors
/// `Duplicate` if an order of that number was made by another writer just now.
pub async fn insert_orders(
    tx: &mut Tx,
    scope: Scope,
    orders: impl Iterator<Item = OrderRow> + Send,
    lines: Vec<(Uuid, Vec<LineRecord>)>,
) -> Result<(), DbError> {
    let org = scope.org_arg();
    tx.bulk_insert_each("commerce_orders", COLUMNS, orders.map(|order| order.into_args(org)))
        .await?;
    let lines = lines.into_iter().flat_map(|(order, lines)| {
        lines.into_iter().enumerate().map(move |(index, line)| {
            [
                Arg::from(org),
                Arg::from(order),
                Arg::from(index as i64 + 1),
                Arg::from(line.external_no),
                Arg::from(line.title),
                Arg::from(line.sku_code),
                Arg::from(line.sku_text),
                Arg::from(line.quantity),
                Arg::from(line.unit_price_minor),
                Arg::from(line.amount_minor),
                Arg::from(line.refund_minor),
                Arg::from(line.state.map(OrderState::code)),
            ]
        })
    });
    tx.bulk_insert_each("commerce_order_lines", LINE_COLUMNS, lines).await
}

/// The id of each shop by its number.
///
/// # Errors
/// As the database says.
pub async fn shop_ids(tx: &mut Tx, scope: Scope) -> Result<HashMap<i64, ShopId>, DbError> {
    let rows: Vec<(i64, Uuid)> = tx
        .fetch_all(
            "SELECT number, id FROM commerce_shops WHERE org_id = $1",
            args![scope.org_arg()],
        )
        .await?;
    Ok(rows.into_iter().map(|(number, id)| (number, ShopId::from_uuid(id))).collect())
}
