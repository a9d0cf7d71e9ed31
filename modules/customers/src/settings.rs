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
