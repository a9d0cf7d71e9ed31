//! What a batch keeps so that it can be taken back, and the taking back.

use std::collections::HashSet;

use kernel::Ids;
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Scope, Tx, args};
use uuid::Uuid;

use super::{Applied, Before};
use crate::store;

/// Name under which images for undo are sealed.
pub(crate) const BEFORE_FIELD: &str = "commerce.before";

/// What a batch did to customers is kept beside it, in the customers module's own form.
pub type CustomersJournal = serde_json::Value;

/// Keeps what is needed to take a batch back.
///
/// # Errors
/// As the database says.
pub async fn keep(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    import_number: i64,
    batch_no: i64,
    applied: &Applied,
    customers: &CustomersJournal,
) -> Result<(), DbError> {
    let created: Vec<u8> = applied.created.iter().flat_map(|id| *id.as_bytes()).collect();
    let unchanged: Vec<u8> = applied.unchanged.iter().flat_map(|id| id.to_be_bytes()).collect();
    let before = if applied.before.is_empty() {
        Vec::new()
    } else {
        let plain = serde_json::to_vec(&applied.before).map_err(|error| {
            DbError::Refused(format!("the undo image cannot be written: {error}"))
        })?;
        keys.seal(&*cx.ids, BEFORE_FIELD, &plain)
    };
    tx.execute(
        "INSERT INTO commerce_import_batches (org_id, import_number, batch_no, created_orders, before_orders, customers, unchanged_orders)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![
            cx.scope.org_arg(),
            import_number,
            batch_no,
            created,
            before,
            customers.to_string(),
            (!unchanged.is_empty()).then_some(unchanged)
        ],
    )
    .await?;
    Ok(())
}

/// The orders that the batches of an import counted as unchanged, as `Counted` keeps them.
pub(super) async fn unchanged_orders(
    tx: &mut Tx,
    scope: Scope,
    import_number: i64,
) -> Result<foldhash::HashSet<u64>, DbError> {
    let mut orders = foldhash::HashSet::default();
    tx.for_each::<(Vec<u8>,)>(
        "SELECT unchanged_orders FROM commerce_import_batches
         WHERE org_id = $1 AND import_number = $2 AND unchanged_orders IS NOT NULL",
        args![scope.org_arg(), import_number],
        |(packed,)| {
            let (ids, _) = packed.as_chunks::<8>();
            orders.extend(ids.iter().map(|id| u64::from_be_bytes(*id)));
        },
    )
    .await?;
    Ok(orders)
}

/// A batch as kept for undo.
#[derive(Debug)]
pub struct Kept {
    /// Its number; the last is taken back first.
    pub batch_no: i64,
    /// Orders it created.
    pub created: Vec<Uuid>,
    /// Orders it changed, as they were.
    pub before: Vec<Before>,
    /// What it did to customers.
    pub customers: CustomersJournal,
}

/// The last batch of an import that is not taken back yet.
///
/// # Errors
/// `Refused` if the image cannot be read; otherwise as the database says.
pub async fn last_kept(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    import_number: i64,
    below_batch: i64,
) -> Result<Option<Kept>, DbError> {
    let row: Option<(i64, Vec<u8>, Vec<u8>, String)> = tx
        .fetch_optional(
            "SELECT batch_no, created_orders, before_orders, customers FROM commerce_import_batches
             WHERE org_id = $1 AND import_number = $2 AND batch_no < $3 ORDER BY batch_no DESC LIMIT 1",
            args![scope.org_arg(), import_number, below_batch],
        )
        .await?;
    let Some((batch_no, created, before, customers)) = row else { return Ok(None) };
    let before = opened(keys, &before)?;
    let created = created.chunks_exact(16).filter_map(|id| Uuid::from_slice(id).ok()).collect();
    let customers = serde_json::from_str(&customers).map_err(|error| unreadable_image(&error))?;
    Ok(Some(Kept { batch_no, created, before, customers }))
}

/// Batches whose image cannot be opened, so that their import could not be taken back.
///
/// # Errors
/// As the database says.
pub async fn unreadable(tx: &mut Tx, scope: Scope, keys: &OrgKeys) -> Result<i64, DbError> {
    let mut broken = 0;
    tx.for_each::<(Vec<u8>, Vec<u8>, String)>(
        "SELECT created_orders, before_orders, customers FROM commerce_import_batches WHERE org_id = $1",
        args![scope.org_arg()],
        |(created, before, customers)| {
            let opens = created.len().is_multiple_of(16)
                && opened(keys, &before).is_ok_and(|before| {
                    before.iter().all(|image| image.order.head(keys).is_ok())
                })
                && serde_json::from_str::<CustomersJournal>(&customers).is_ok();
            broken += i64::from(!opens);
        },
    )
    .await?;
    Ok(broken)
}

/// The images of a batch, unsealed.
fn opened(keys: &OrgKeys, sealed: &[u8]) -> Result<Vec<Before>, DbError> {
    if sealed.is_empty() {
        return Ok(Vec::new());
    }
    let plain = keys.open(BEFORE_FIELD, sealed).map_err(|error| unreadable_image(&error))?;
    serde_json::from_slice(&plain).map_err(|error| unreadable_image(&error))
}

fn unreadable_image(error: &dyn std::error::Error) -> DbError {
    DbError::Refused(format!("the undo image is unreadable: {error}"))
}

/// Takes what is personal of `orders` out of all undo images, and out of what batches keep of customers as
/// `journal` says; gives how many batches it changed. Taking an import back brings none of it back.
///
/// # Errors
/// `Refused` if an image cannot be opened; otherwise as the database says.
pub(crate) async fn forget(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    orders: &HashSet<Uuid>,
    journal: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<u64, DbError> {
    let scope = cx.scope;
    let batches: Vec<(i64, i64)> = tx
        .fetch_all(
            "SELECT import_number, batch_no FROM commerce_import_batches WHERE org_id = $1
             ORDER BY import_number, batch_no",
            args![scope.org_arg()],
        )
        .await?;
    let mut changed = 0;
    // One batch at a time: an image may have megabytes.
    for place in batches {
        changed += u64::from(forget_in(tx, cx, keys, place, orders, journal).await?);
    }
    Ok(changed)
}

/// As [`forget`], of one batch alone, by number of its import and its own; says whether it had any.
///
/// # Errors
/// As [`forget`].
pub(crate) async fn forget_in(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    (import, batch): (i64, i64),
    orders: &HashSet<Uuid>,
    journal: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<bool, DbError> {
    let at = || args![cx.scope.org_arg(), import, batch];
    let (sealed, customers): (Vec<u8>, String) = tx
        .fetch_one(
            "SELECT before_orders, customers FROM commerce_import_batches
             WHERE org_id = $1 AND import_number = $2 AND batch_no = $3",
            at(),
        )
        .await?;
    let mut images = opened(keys, &sealed)?;
    let mut touched = false;
    for image in images.iter_mut().filter(|image| orders.contains(&image.order.id)) {
        touched |= image.forget();
    }
    let sealed = match touched {
        true => {
            let plain =
                serde_json::to_vec(&images).map_err(|error| DbError::Refused(error.to_string()))?;
            keys.seal(&*cx.ids, BEFORE_FIELD, &plain)
        }
        false => sealed,
    };
    let without = journal(&customers);
    if !touched && without.is_none() {
        return Ok(false);
    }
    let mut arguments = at();
    arguments.extend(args![sealed, without.unwrap_or(customers)]);
    tx.execute(
        "UPDATE commerce_import_batches SET before_orders = $4, customers = $5
         WHERE org_id = $1 AND import_number = $2 AND batch_no = $3",
        arguments,
    )
    .await?;
    Ok(true)
}

impl Before {
    /// Takes what is personal out of it; says whether there was anything.
    fn forget(&mut self) -> bool {
        let order = &mut self.order;
        let held = order.private.take().is_some() | order.tracking_no.take().is_some();
        // A digest would know the old report again.
        let known = (order.head_hash, order.lines_hash) != (0, 0);
        (order.head_hash, order.lines_hash) = (0, 0);
        held || known
    }
}

/// Import and number of the first batch behind `after` that changed orders.
///
/// # Errors
/// As the database says.
pub(crate) async fn next_image(
    tx: &mut Tx,
    scope: Scope,
    after: (i64, i64),
) -> Result<Option<(i64, i64)>, DbError> {
    tx.fetch_optional(
        "SELECT import_number, batch_no FROM commerce_import_batches
         WHERE org_id = $1 AND LENGTH(before_orders) > 0
           AND (import_number > $2 OR (import_number = $2 AND batch_no > $3))
         ORDER BY import_number, batch_no LIMIT 1",
        args![scope.org_arg(), after.0, after.1],
    )
    .await
}

/// The orders whose image a batch keeps.
///
/// # Errors
/// `Refused` if it cannot be opened; otherwise as the database says.
pub(crate) async fn orders_in(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    (import, batch): (i64, i64),
) -> Result<Vec<Uuid>, DbError> {
    let row: Option<(Vec<u8>,)> = tx
        .fetch_optional(
            "SELECT before_orders FROM commerce_import_batches
             WHERE org_id = $1 AND import_number = $2 AND batch_no = $3",
            args![scope.org_arg(), import, batch],
        )
        .await?;
    let Some((sealed,)) = row else { return Ok(Vec::new()) };
    Ok(opened(keys, &sealed)?.into_iter().map(|image| image.order.id).collect())
}

/// An image with what is sealed in it sealed by the key that seals now.
pub(crate) fn reseal_image(keys: &OrgKeys, ids: &dyn Ids, plain: &[u8]) -> Option<Vec<u8>> {
    let mut images: Vec<Before> = serde_json::from_slice(plain).ok()?;
    for private in images.iter_mut().filter_map(|image| image.order.private.as_mut()) {
        let opened = keys.open(store::PRIVATE_FIELD, private).ok()?;
        *private = keys.seal(ids, store::PRIVATE_FIELD, &opened);
    }
    serde_json::to_vec(&images).ok()
}

/// Numbers of at most `most` batches of an import, evenly picked, the last among them.
///
/// # Errors
/// As the database says.
pub async fn some_batches(
    tx: &mut Tx,
    scope: Scope,
    import_number: i64,
    most: usize,
) -> Result<Vec<i64>, DbError> {
    let rows: Vec<(i64,)> = tx
        .fetch_all(
            "SELECT batch_no FROM commerce_import_batches
             WHERE org_id = $1 AND import_number = $2 ORDER BY batch_no DESC",
            args![scope.org_arg(), import_number],
        )
        .await?;
    let step = rows.len().div_ceil(most.max(1)).max(1);
    Ok(rows.into_iter().step_by(step).map(|(number,)| number).collect())
}

/// The orders that a batch created, and what it did to customers; none if it was taken back.
///
/// # Errors
/// `Refused` if that cannot be read; otherwise as the database says.
pub async fn created_by(
    tx: &mut Tx,
    scope: Scope,
    import_number: i64,
    batch_no: i64,
) -> Result<Option<(Vec<Uuid>, String)>, DbError> {
    let row: Option<(Vec<u8>, String)> = tx
        .fetch_optional(
            "SELECT created_orders, customers FROM commerce_import_batches
             WHERE org_id = $1 AND import_number = $2 AND batch_no = $3",
            args![scope.org_arg(), import_number, batch_no],
        )
        .await?;
    let ids = |packed: &[u8]| {
        packed.chunks_exact(16).filter_map(|id| Uuid::from_slice(id).ok()).collect()
    };
    Ok(row.map(|(created, customers)| (ids(&created), customers)))
}

/// How many orders of a kept batch were changed by another import since.
///
/// # Errors
/// As the database says.
pub async fn changed_since(
    tx: &mut Tx,
    scope: Scope,
    import_number: i64,
    kept: &Kept,
) -> Result<Vec<i64>, DbError> {
    let ids: Vec<Uuid> =
        kept.created.iter().copied().chain(kept.before.iter().map(|b| b.order.id)).collect();
    let mut others: Vec<i64> = store::last_imports(tx, scope, &ids)
        .await?
        .into_iter()
        .filter(|number| *number != import_number)
        .collect();
    others.sort_unstable();
    Ok(others)
}

/// Takes a batch back: what it created goes, what it changed is as it was. Gives the customers whose
/// orders this touches.
///
/// # Errors
/// As the database says.
pub async fn take_back(
    tx: &mut Tx,
    scope: Scope,
    import_number: i64,
    kept: Kept,
) -> Result<HashSet<Uuid>, DbError> {
    let mut kept = kept;
    let changed: Vec<Uuid> = kept.before.iter().map(|image| image.order.id).collect();
    // What was erased since the image was made does not come back with it.
    let closed = crate::erase::erased_among(tx, scope, &changed).await?;
    for image in kept.before.iter_mut().filter(|image| closed.contains(&image.order.id)) {
        image.forget();
    }
    let mut touched = store::customers_of(tx, scope, &kept.created).await?;
    touched.extend(store::customers_of(tx, scope, &changed).await?);
    touched.extend(kept.before.iter().filter_map(|image| image.order.customer_id));
    let lines_changed: Vec<Uuid> =
        kept.before.iter().filter(|i| i.lines.is_some()).map(|i| i.order.id).collect();
    store::remove_lines(tx, scope, &kept.created).await?;
    store::remove_lines(tx, scope, &lines_changed).await?;
    store::remove_orders(tx, scope, &kept.created).await?;
    store::remove_orders(tx, scope, &changed).await?;
    let (mut orders, mut lines) = (Vec::new(), Vec::new());
    for image in kept.before {
        if let Some(before) = image.lines {
            lines.push((image.order.id, before));
        }
        orders.push(image.order);
    }
    store::insert_orders(tx, scope, orders.into_iter(), lines).await?;
    tx.execute(
        "DELETE FROM commerce_import_batches WHERE org_id = $1 AND import_number = $2 AND batch_no = $3",
        args![scope.org_arg(), import_number, kept.batch_no],
    )
    .await?;
    Ok(touched)
}
