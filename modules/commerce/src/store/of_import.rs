//! Which import wrote an order last, and whose orders an import wrote.

use kernel::{CustomerId, TypedId};
use platform::{DbError, Scope, Tx, args};
use uuid::Uuid;

use super::by_ids;

/// The number of the import that wrote each of some orders last.
///
/// # Errors
/// As the database says.
pub async fn last_imports(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<Vec<i64>, DbError> {
    let select = "SELECT DISTINCT last_import FROM commerce_orders WHERE org_id = $1 AND id";
    let rows: Vec<(i64,)> = by_ids(tx, scope, select, ids, "").await?;
    let distinct: std::collections::BTreeSet<i64> = rows.into_iter().map(|(n,)| n).collect();
    Ok(distinct.into_iter().collect())
}

/// The customers of some orders.
///
/// # Errors
/// As the database says.
pub async fn customers_of(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<std::collections::HashSet<Uuid>, DbError> {
    let select = "SELECT DISTINCT customer_id FROM commerce_orders WHERE org_id = $1 AND customer_id IS NOT NULL AND id";
    let rows: Vec<(Uuid,)> = by_ids(tx, scope, select, ids, "").await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The numbers of the imports that wrote orders of some customers last.
///
/// # Errors
/// As the database says.
pub async fn imports_with_orders_of(
    tx: &mut Tx,
    scope: Scope,
    customers: &[Uuid],
) -> Result<std::collections::BTreeSet<i64>, DbError> {
    let select =
        "SELECT DISTINCT last_import FROM commerce_orders WHERE org_id = $1 AND customer_id";
    let rows: Vec<(i64,)> = by_ids(tx, scope, select, customers, "").await?;
    Ok(rows.into_iter().map(|(number,)| number).collect())
}

/// Gives the customer of every order that an import wrote last to `take`; reads all orders.
///
/// # Errors
/// As the database says.
pub async fn each_customer_of_import(
    tx: &mut Tx,
    scope: Scope,
    import_number: i64,
    mut take: impl FnMut(CustomerId) + Send,
) -> Result<(), DbError> {
    tx.for_each::<(Uuid,)>(
        "SELECT DISTINCT customer_id FROM commerce_orders
         WHERE org_id = $1 AND last_import = $2 AND customer_id IS NOT NULL",
        args![scope.org_arg(), import_number],
        |(customer,)| take(CustomerId::from_uuid(customer)),
    )
    .await
}
