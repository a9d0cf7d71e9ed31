//! Erases a person from all modules (PIPL art. 47): names, identities, receivers, addresses, notes and remarks
//! go, also where they are kept to undo imports, in rejected rows and in the audit log. Orders and amounts
//! stay under a nameless customer, so that no sum changes.

use customers::erase::{self as people, ErasureReason, Held, REFERENCE_MAX};
use kernel::{CustomerId, OrderId, Timestamp, TypedId as _};
use platform::audit::{self, Entry};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Platform, Tx};
use serde::Serialize;
use uuid::Uuid;

use crate::engine::distrust;
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
    /// Birthdays.
    pub birthdays: u64,
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
    if !dry_run {
        distrust(platform, cx.scope.org()).await?;
    }
    let mut tx = platform.db.begin_for(cx.scope).await?;
    people::hold_importers(&mut tx, cx).await?;
    let Some(held) = people::held(&mut tx, cx, &keys, customer).await? else {
        return Ok(None);
    };
    let erasures = erase_in(&mut tx, cx, &keys, std::slice::from_ref(&held), reason, reference);
    let mut erasure = erasures.await?;
    if dry_run {
        erasure.dry_run = true;
        tx.rollback().await?;
        return Ok(Some(erasure));
    }
    tx.commit().await?;
    distrust(platform, cx.scope.org()).await?;
    note(platform, cx).await;
    Ok(Some(erasure))
}

/// Notes the erasures beside the backups, if there are any. What fails is tried again the next day.
pub(crate) async fn note(platform: &Platform, cx: &Ctx) {
    if let Some(folder) = &platform.backups
        && let Err(error) = erase_again::note(platform, cx, folder).await
    {
        tracing::error!(%error, "an erasure is not noted beside the backups yet; a job tries again");
        if let Err(error) = erase_again::note_soon(platform, cx).await {
            tracing::warn!(%error, "that job begins when the server starts again");
        }
    }
}

/// Erases the families `held` as part of `tx`, whose rows it holds; gives what that was of all together, under
/// the first of them. Undo images and rejected rows are read once, however many families there are.
///
/// # Errors
/// As the database says.
pub(crate) async fn erase_in(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    held: &[Held],
    reason: ErasureReason,
    reference: Option<&str>,
) -> Result<Erasure, DbError> {
    let everybody: Vec<CustomerId> = held.iter().flat_map(|one| one.family.clone()).collect();
    let identities = held.iter().flat_map(|one| &one.identities);
    let values: Vec<String> = identities.map(|seen| seen.value.clone()).collect();
    let journal = |text: &str| people::forget_in_journal(text, &everybody);
    let orders = commerce::erase::erase(tx, cx, keys, &everybody, &values, &journal).await?;
    insight::live::erase(tx, cx.scope, &everybody).await?;
    loyalty::points::adjust::erase(tx, cx.scope, &everybody).await?;
    loyalty::levels::hand::erase(tx, cx.scope, &everybody).await?;
    let mut erasure = Erasure {
        customer: held.first().map_or_else(|| CustomerId::from_uuid(Uuid::nil()), |one| one.root),
        dry_run: false,
        erased_before: held.first().and_then(|one| one.erased_at),
        names: 0,
        identities: 0,
        notes: 0,
        suggestions: 0,
        histories: 0,
        evidence: 0,
        birthdays: 0,
        orders: orders.orders,
        running_orders: orders.running,
        undo_images: orders.undo_images,
        rejects: orders.rejects,
        audit_entries: 0,
    };
    for one in held {
        let done = people::erase(tx, cx, one, reason, reference).await?;
        erasure.names += done.customers;
        erasure.identities += done.identities;
        erasure.notes += done.notes;
        erasure.suggestions += done.suggestions;
        erasure.histories += done.histories;
        erasure.evidence += done.evidence;
        erasure.birthdays += done.birthdays;
        let orders = commerce::store::orders_of(tx, cx.scope, &one.family).await?;
        for order in &orders {
            let order = OrderId::from_uuid(order.id).to_string();
            erasure.audit_entries += audit::erase(tx, cx, "order", &order).await? as u64;
        }
        for member in &one.family {
            erasure.audit_entries +=
                audit::erase(tx, cx, "customer", &member.to_string()).await? as u64;
        }
        let entry = Entry::new("customers.erase")
            .on("customer", one.root)
            .with("reason", reason)
            .with("reference", reference)
            .with("customers", one.family.len())
            .with("orders", orders.len());
        audit::record(tx, cx, entry).await?;
    }
    Ok(erasure)
}
