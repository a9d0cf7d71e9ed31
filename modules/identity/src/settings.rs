//! What an organisation asks of its people.

use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Scope, Tx};
use serde::{Deserialize, Serialize};

use crate::store::second_factor as store;

/// The settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentitySettings {
    /// Whether everyone must have a second factor. Who has none reaches nothing but its set-up.
    pub second_factor_required: bool,
}

/// As they are.
///
/// # Errors
/// As the database says.
pub async fn read(tx: &mut Tx, scope: Scope) -> Result<IdentitySettings, DbError> {
    Ok(IdentitySettings { second_factor_required: store::is_required(tx, scope).await? })
}

/// As they shall be, from the next request of everyone on.
///
/// # Errors
/// As the database says.
pub async fn write(tx: &mut Tx, cx: &Ctx, wanted: IdentitySettings) -> Result<(), DbError> {
    let before = read(tx, cx.scope).await?;
    if before == wanted {
        return Ok(());
    }
    store::set_required(tx, cx.scope, wanted.second_factor_required).await?;
    let (was, now) = (before.second_factor_required, wanted.second_factor_required);
    let entry = Entry::new("identity.settings.change").change("second_factor_required", was, now);
    audit::record(tx, cx, entry).await.map(drop)
}
