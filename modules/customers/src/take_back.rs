//! Takes back what a batch of an import did to customers.

use std::fmt;

use kernel::TypedId;
use platform::{Ctx, DbError, Tx};
use uuid::Uuid;

use crate::resolve::Resolved;
use crate::store;

/// What people did with the customers since, in numbers of customers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct TakeBackRefused {
    pub noted: i64,
    pub tagged: i64,
    pub edited: i64,
    pub merged: i64,
}

impl fmt::Display for TakeBackRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("people have worked with customers that this import made:")?;
        let parts = [
            (self.noted, "have notes"),
            (self.tagged, "have tags"),
            (self.edited, "were edited"),
            (self.merged, "were merged"),
        ];
        let mut separator = "";
        for (count, what) in parts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{separator} {count} {what}")?;
            separator = ",";
        }
        f.write_str("; take that back first")
    }
}

impl std::error::Error for TakeBackRefused {}

/// Why a batch could not be taken back. The transaction must be rolled back.
#[derive(Debug, thiserror::Error)]
pub enum TakeBackError {
    /// People have worked with the customers since.
    #[error(transparent)]
    Refused(#[from] TakeBackRefused),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Removes the customers, identities and suggestions that a batch made. The batch's orders must be
/// gone already.
///
/// # Errors
/// `Refused` with what people did since; then the caller rolls back.
pub async fn take_back(tx: &mut Tx, cx: &Ctx, done: &Resolved) -> Result<(), TakeBackError> {
    let created: Vec<Uuid> = done.created.iter().map(|customer| customer.uuid()).collect();
    let refused = store::worked_with(tx, cx.scope, &created).await?;
    if refused != TakeBackRefused::default() {
        return Err(refused.into());
    }
    store::bump_identity_epoch(tx, cx.scope).await?;
    store::remove_suggestions(tx, cx.scope, &done.suggested).await?;
    store::remove_identities(tx, cx.scope, &done.added).await?;
    store::remove_customers(tx, cx.scope, &created).await?;
    Ok(())
}
