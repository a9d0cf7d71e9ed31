//! The counted orders, as the analytics engine reads them. The index `commerce_orders_customer` holds all
//! columns that it wants.

use kernel::{CustomerId, Timestamp, TypedId};
use platform::{DbError, Scope, Tx, args};
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

type CountedRow = (Uuid, i64, i64, i64);

fn counted(row: CountedRow) -> CountedOrder {
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
