//! Erases a person from all modules (PIPL art. 47): names, identities, receivers, addresses, notes and remarks
//! go, also where they are kept to undo imports, in rejected rows and in the audit log. Orders and amounts
//! stay under a nameless customer, so that no sum changes.

use customers::erase::{self as people, ErasureReason, REFERENCE_MAX};
use kernel::{CustomerId, OrderId, Timestamp, TypedId as _};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Platform};
use serde::Serialize;

use crate::erase_again;

/// What was erased, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Erasure {
    /// The customer who stays, nameless.
    pub customer: CustomerId,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// When the person was erased before; null for the first time.
    pub erased_before: Option<Timestamp>,
    /// Names of customers: of this one and of those merged into it.
    pub names: u64,
    /// Accounts, phone numbers and e-mail addresses.
    pub identities: u64,
    /// Notes.
    pub notes: u64,
    /// Suggestions of merges, which show a shared contact.
    pub suggestions: u64,
    /// Entries of histories that had a name.
    pub histories: u64,
    /// Consents whose evidence goes; that they were given stays.
    pub evidence: u64,
    /// Orders whose receiver, address and remarks go.
    pub orders: u64,
    /// Of these, how many are not at their end: nothing that comes of them later is taken in.
    pub running_orders: u64,
    /// Parts of imports as they are kept to be undone.
    pub undo_images: u64,
    /// Rejected rows.
    pub rejects: u64,
    /// Entries of the audit log whose personal part goes.
    pub audit_entries: u64,
}

/// Erases the person that `customer` is, with all who were merged into it; with `dry_run` only says what
/// that would be. Done again it erases what came since. `None` if there is no such customer.
///
/// # Errors
/// As the database says; then nothing was erased.
pub async fn erase(
    platform: &Platform,
    cx: &Ctx,
    customer: CustomerId,
    reason: ErasureReason,
    reference: Option<&str>,
    dry_run: bool,
) -> Result<Option<Erasure>, DbError> {
    debug_assert!(reference.is_none_or(|text| text.chars().count() <= REFERENCE_MAX));
    let keys = platform.keys(cx.scope.org());
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let Some(held) = people::held(&mut tx, cx, &keys, customer).await? else {
        return Ok(None);
    };
    let values: Vec<String> = held.identities.iter().map(|seen| seen.value.clone()).collect();
    let journal = |text: &str| people::forget_in_journal(text, &held.family);
    let orders =
        commerce::erase::erase(&mut tx, cx, &keys, &held.family, &values, &journal).await?;
    let done = people::erase(&mut tx, cx, &held, reason, reference).await?;
    let mut audit_entries = 0;
    for order in commerce::store::orders_of(&mut tx, cx.scope, &held.family).await? {
        let order = OrderId::from_uuid(order.id).to_string();
        audit_entries += audit::erase(&mut tx, cx, "order", &order).await? as u64;
    }
    for member in &held.family {
        audit_entries += audit::erase(&mut tx, cx, "customer", &member.to_string()).await? as u64;
    }
    let erasure = Erasure {
        customer: held.root,
        dry_run,
        erased_before: held.erased_at,
        names: done.customers,
        identities: done.identities,
        notes: done.notes,
        suggestions: done.suggestions,
        histories: done.histories,
        evidence: done.evidence,
        orders: orders.orders,
        running_orders: orders.running,
        undo_images: orders.undo_images,
        rejects: orders.rejects,
        audit_entries,
    };
    if dry_run {
        tx.rollback().await?;
        return Ok(Some(erasure));
    }
    let entry = Entry::new("customers.erase")
        .on("customer", held.root)
        .with("reason", reason)
        .with("reference", reference)
        .with("customers", held.family.len())
        .with("orders", erasure.orders);
    audit::record(&mut tx, cx, entry).await?;
    tx.commit().await?;
    if let Some(folder) = &platform.backups
        && let Err(error) = erase_again::note(platform, cx, folder).await
    {
        tracing::error!(%error, "an erasure is not noted beside the backups yet; a job tries again");
        if let Err(error) = erase_again::note_soon(platform, cx).await {
            tracing::warn!(%error, "that job begins when the server starts again");
        }
    }
    Ok(Some(erasure))
}
