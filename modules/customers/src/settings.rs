//! Settings of this module.

use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Scope, Tx, args};

/// Whether customers that share a phone or e-mail address are merged without asking. Off unless
/// somebody turned it on.
///
/// # Errors
/// As the database says.
pub async fn merge_by_itself(tx: &mut Tx, scope: Scope) -> Result<bool, DbError> {
    let row: Option<(String,)> = tx
        .fetch_optional(
            "SELECT value FROM customers_settings WHERE org_id = $1 AND name = 'merge_by_itself'",
            args![scope.org_arg()],
        )
        .await?;
    Ok(row.is_some_and(|(value,)| value == "1"))
}

/// Turns merging without asking on or off.
///
/// # Errors
/// As the database says.
pub async fn set_merge_by_itself(tx: &mut Tx, cx: &Ctx, on: bool) -> Result<(), DbError> {
    let was_on = merge_by_itself(tx, cx.scope).await?;
    if was_on == on {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO customers_settings (org_id, name, value) VALUES ($1, 'merge_by_itself', $2)
         ON CONFLICT (org_id, name) DO UPDATE SET value = excluded.value",
        args![cx.scope.org_arg(), if on { "1" } else { "0" }],
    )
    .await?;
    let entry = Entry::new("customers.settings.change").change("merge_by_itself", was_on, on);
    audit::record(tx, cx, entry).await.map(drop)
}

/// Customers that somebody may take within a day without the approval of somebody else, unless it was set.
pub const EXPORT_LIMIT: u32 = 1_000;
/// The largest limit.
pub const EXPORT_LIMIT_MAX: u32 = 100_000_000;
/// Hours for which the file of an export can be fetched, unless it was set.
pub const EXPORT_HOURS: u32 = 24;
/// The most hours.
pub const EXPORT_HOURS_MAX: u32 = 168;
/// Days after which a request of a person is due, unless it was set.
pub const REQUEST_DAYS: u32 = 15;
/// The most days.
pub const REQUEST_DAYS_MAX: u32 = 90;
/// Tags there can be, unless it was set.
pub const TAGS: u32 = 100;
/// The largest such limit.
pub const TAGS_MAX: u32 = 1_000;
/// Products that a tag by products may ask for, unless it was set.
pub const TAG_PRODUCTS: u32 = 10;
/// The largest such limit.
pub const TAG_PRODUCTS_MAX: u32 = 100;

async fn number(tx: &mut Tx, scope: Scope, name: &'static str, unset: u32) -> Result<u32, DbError> {
    let row: Option<(String,)> = tx
        .fetch_optional(
            "SELECT value FROM customers_settings WHERE org_id = $1 AND name = $2",
            args![scope.org_arg(), name],
        )
        .await?;
    Ok(row.and_then(|(value,)| value.parse().ok()).unwrap_or(unset))
}

async fn set_number(
    tx: &mut Tx,
    cx: &Ctx,
    name: &'static str,
    was: u32,
    now: u32,
) -> Result<(), DbError> {
    if was == now {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO customers_settings (org_id, name, value) VALUES ($1, $2, $3)
         ON CONFLICT (org_id, name) DO UPDATE SET value = excluded.value",
        args![cx.scope.org_arg(), name, now.to_string()],
    )
    .await?;
    let entry = Entry::new("customers.settings.change").change(name, was, now);
    audit::record(tx, cx, entry).await.map(drop)
}

/// Customers that somebody may take within a day without the approval of somebody else.
///
/// # Errors
/// As the database says.
pub async fn export_limit(tx: &mut Tx, scope: Scope) -> Result<u32, DbError> {
    number(tx, scope, "export_limit", EXPORT_LIMIT).await
}

/// Sets that limit.
///
/// # Errors
/// As the database says.
pub async fn set_export_limit(tx: &mut Tx, cx: &Ctx, now: u32) -> Result<(), DbError> {
    let was = export_limit(tx, cx.scope).await?;
    set_number(tx, cx, "export_limit", was, now).await
}

/// Hours for which the file of an export can be fetched.
///
/// # Errors
/// As the database says.
pub async fn export_hours(tx: &mut Tx, scope: Scope) -> Result<u32, DbError> {
    number(tx, scope, "export_hours", EXPORT_HOURS).await
}

/// Sets those hours; files that are there keep theirs.
///
/// # Errors
/// As the database says.
pub async fn set_export_hours(tx: &mut Tx, cx: &Ctx, now: u32) -> Result<(), DbError> {
    let was = export_hours(tx, cx.scope).await?;
    set_number(tx, cx, "export_hours", was, now).await
}

/// Days after which a request of a person is due.
///
/// # Errors
/// As the database says.
pub async fn request_days(tx: &mut Tx, scope: Scope) -> Result<u32, DbError> {
    number(tx, scope, "request_days", REQUEST_DAYS).await
}

/// Sets those days; requests that are there keep theirs.
///
/// # Errors
/// As the database says.
pub async fn set_request_days(tx: &mut Tx, cx: &Ctx, now: u32) -> Result<(), DbError> {
    let was = request_days(tx, cx.scope).await?;
    set_number(tx, cx, "request_days", was, now).await
}

/// Tags there can be.
///
/// # Errors
/// As the database says.
pub async fn tags_max(tx: &mut Tx, scope: Scope) -> Result<u32, DbError> {
    number(tx, scope, "tags_max", TAGS).await
}

/// Sets how many tags there can be; those that are there stay.
///
/// # Errors
/// As the database says.
pub async fn set_tags_max(tx: &mut Tx, cx: &Ctx, now: u32) -> Result<(), DbError> {
    let was = tags_max(tx, cx.scope).await?;
    set_number(tx, cx, "tags_max", was, now).await
}

/// Products that a tag by products may ask for.
///
/// # Errors
/// As the database says.
pub async fn tag_products_max(tx: &mut Tx, scope: Scope) -> Result<u32, DbError> {
    number(tx, scope, "tag_products_max", TAG_PRODUCTS).await
}

/// Sets how many products those may be; rules that are there stay.
///
/// # Errors
/// As the database says.
pub async fn set_tag_products_max(tx: &mut Tx, cx: &Ctx, now: u32) -> Result<(), DbError> {
    let was = tag_products_max(tx, cx.scope).await?;
    set_number(tx, cx, "tag_products_max", was, now).await
}
