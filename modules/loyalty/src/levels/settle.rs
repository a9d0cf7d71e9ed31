//! Orders and families as they are now; levels follow. By state, as points are: the same report twice changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Currency, CustomerId, OrderId, ShopId, Timestamp, TypedId as _};
use platform::{BulkRows, Ctx, DbError, Scope, Tx, args};
use uuid::Uuid;

use super::store::{self, ORDER, OrderRow};
use super::{Scheme, scheme};
use crate::points::Holder;
use crate::points::settle::Extent;
use crate::points::store::by_ids;

/// What an order comes to now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFacts {
    /// Which one.
    pub order: OrderId,
    /// Whose it is: the customer itself, not the one into which it was merged.
    pub customer: CustomerId,
    /// Where it was placed.
    pub shop: ShopId,
    /// Of its amounts.
    pub currency: Currency,
    /// When it was paid; unpaid orders do not count.
    pub paid_at: Option<Timestamp>,
    /// Paid, in minor units, before refunds.
    pub paid_minor: i64,
    /// Given back so far.
    pub refunded_minor: i64,
    /// Whether it does not count at all: closed, or taken back with its import.
    pub void: bool,
}

impl OrderFacts {
    fn row(&self) -> Option<OrderRow> {
        Some(OrderRow {
            order_id: self.order.uuid(),
            customer_id: self.customer.uuid(),
            shop_id: self.shop.uuid(),
            currency: self.currency.code().to_owned(),
            paid_at: self.paid_at.filter(|_| !self.void)?.millis(),
            paid_minor: self.paid_minor.max(0),
            refunded_minor: self.refunded_minor.max(0),
        })
    }
}

/// Brings levels, in every scheme, to what `families` and their orders come to now. A family is a customer into whom
/// nobody was merged, with all that were merged into it; who was in one of them and is named in none any more is alone.
/// [`Extent::All`] says that all orders of the families are named.
///
/// Without a scheme nothing is kept: whoever makes the first one reports all orders then.
///
/// # Errors
/// As the database says.
pub async fn settle(
    tx: &mut Tx,
    cx: &Ctx,
    families: &[Holder],
    facts: &[OrderFacts],
    extent: Extent,
) -> Result<(), DbError> {
    let schemes = scheme::all(tx, cx.scope).await?;
    if schemes.is_empty() {
        return Ok(());
    }
    settle_in(tx, cx, &schemes, families, facts, extent).await
}

async fn settle_in(
    tx: &mut Tx,
    cx: &Ctx,
    schemes: &[Scheme],
    families: &[Holder],
    facts: &[OrderFacts],
    extent: Extent,
) -> Result<(), DbError> {
    let told: BTreeMap<Uuid, Uuid> = families
        .iter()
        .flat_map(|family| family.members().iter().map(|member| (*member, family.root())))
        .collect();
    let mut named: BTreeSet<Uuid> = told.keys().copied().collect();
    named.extend(facts.iter().map(|fact| fact.customer.uuid()));
    // Who was of these families, so that they are locked with them.
    let ids: Vec<Uuid> = named.iter().copied().collect();
    let former = store::people(tx, cx.scope, "root_id", &ids, false).await?;
    named.extend(former.iter().map(|(customer, _)| *customer));
    let roots = store::lock(tx, cx.scope, &named).await?;
    let elsewhere: BTreeSet<Uuid> = roots.values().copied().collect();
    store::lock(tx, cx.scope, &elsewhere.difference(&named).copied().collect()).await?;
    let (mut affected, mut moved) = (BTreeSet::new(), BTreeSet::new());
    for (customer, root) in &roots {
        let is_left = told.contains_key(root) && !told.contains_key(customer);
        let now = if is_left { customer } else { told.get(customer).unwrap_or(root) };
        affected.insert(*now);
        if now != root {
            let all = [*customer, *root, *now];
            affected.extend(all);
            moved.extend(all);
            tx.execute(
                "UPDATE loyalty_level_people SET root_id = $3 WHERE org_id = $1 AND customer_id = $2",
                args![cx.scope.org_arg(), *customer, *now],
            )
            .await?;
        }
    }
    let all: Vec<Uuid> = told.keys().copied().collect();
    let whole: &[Uuid] = if extent == Extent::All { &all } else { &[] };
    let owners = write_orders(tx, cx, facts, whole).await?;
    let owners: Vec<Uuid> = owners.difference(&named).copied().collect();
    // Orders that were somebody else's, who is not named.
    let others = store::lock(tx, cx.scope, &owners.into_iter().collect()).await?;
    affected.extend(others.into_values());
    store::bring_up(tx, cx, schemes, &affected, &moved).await
}

/// Writes what differs from `facts`; gives whose orders were there before.
async fn write_orders(
    tx: &mut Tx,
    cx: &Ctx,
    facts: &[OrderFacts],
    whole: &[Uuid],
) -> Result<BTreeSet<Uuid>, DbError> {
    let first = args![cx.scope.org_arg()];
    let named: BTreeMap<Uuid, Option<OrderRow>> =
        facts.iter().map(|fact| (fact.order.uuid(), fact.row())).collect();
    let ids: Vec<Uuid> = named.keys().copied().collect();
    let mut found: Vec<OrderRow> =
        by_ids(tx, &format!("{ORDER} AND order_id"), &first, &ids, "").await?;
    found.extend(
        by_ids::<OrderRow>(tx, &format!("{ORDER} AND customer_id"), &first, whole, "").await?,
    );
    let found: BTreeMap<Uuid, OrderRow> =
        found.into_iter().map(|row| (row.order_id, row)).collect();
    let gone: Vec<Uuid> = found
        .iter()
        .filter(|(id, row)| named.get(*id).and_then(Option::as_ref) != Some(*row))
        .map(|(id, _)| *id)
        .collect();
    let delete = "DELETE FROM loyalty_level_orders WHERE org_id = $1 AND order_id";
    by_ids::<(i64,)>(tx, delete, &first, &gone, "RETURNING paid_at").await?;
    let mut rows = order_rows();
    for row in named.into_values().flatten().filter(|row| found.get(&row.order_id) != Some(row)) {
        rows.push([
            cx.scope.org_arg().into(),
            row.order_id.into(),
            row.customer_id.into(),
            row.shop_id.into(),
            row.currency.into(),
            row.paid_at.into(),
            row.paid_minor.into(),
            row.refunded_minor.into(),
        ]);
    }
    tx.bulk_insert(rows).await?;
    Ok(found.into_values().map(|row| row.customer_id).collect())
}

/// The next `limit` customers whose ids come after `after` and whom levels know, with those who were merged, by id.
///
/// # Errors
/// As the database says.
pub async fn customers_after(
    tx: &mut Tx,
    scope: Scope,
    after: Uuid,
    limit: u32,
) -> Result<Vec<Uuid>, DbError> {
    let rows: Vec<(Uuid,)> = tx
        .fetch_all(
            "SELECT customer_id FROM loyalty_level_people WHERE org_id = $1 AND customer_id > $2
              ORDER BY customer_id LIMIT $3",
            args![scope.org_arg(), after, limit],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

const fn order_rows() -> BulkRows {
    BulkRows::new(
        "loyalty_level_orders",
        &[
            "org_id",
            "order_id",
            "customer_id",
            "shop_id",
            "currency",
            "paid_at",
            "paid_minor",
            "refunded_minor",
        ],
    )
}
