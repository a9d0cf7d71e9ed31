//! What one user owns comes to another: when somebody leaves, or changes their work.

use kernel::UserId;
use platform::{Ctx, DbError, Problem, Tx};
use serde::Serialize;
use utoipa::ToSchema;

use crate::assign_customers::is_active;

/// What changed hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct HandedOver {
    /// Customers.
    pub customers: u64,
    /// Shared views of lists.
    pub views: u64,
}

/// Why nothing changed hands.
#[derive(Debug, thiserror::Error)]
pub enum HandOverError {
    /// There is no such user.
    #[error("there is no such user")]
    Unknown,
    /// Whoever is to have them is not there, or deactivated.
    #[error("there is no active user {0}")]
    NoOwner(UserId),
    /// Both are the same.
    #[error("must be somebody else")]
    Same,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<HandOverError> for Problem {
    fn from(error: HandOverError) -> Self {
        match error {
            HandOverError::Unknown => Self::not_found("user"),
            HandOverError::NoOwner(_) | HandOverError::Same => Self::field("to", error.to_string()),
            HandOverError::Db(error) => error.into(),
        }
    }
}

/// Gives everything that `from` owns, whether they are still active or not, to `to`. Without `to` their
/// customers are nobody's, and their shared views stay theirs.
///
/// # Errors
/// Why not; then nothing changed hands.
pub async fn hand_over(
    tx: &mut Tx,
    cx: &Ctx,
    from: UserId,
    to: Option<UserId>,
) -> Result<HandedOver, HandOverError> {
    if to == Some(from) {
        return Err(HandOverError::Same);
    }
    if identity::users::find(tx, cx.scope, &cx.keys(), from).await?.is_none() {
        return Err(HandOverError::Unknown);
    }
    if let Some(to) = to
        && !is_active(tx, cx, to).await?
    {
        return Err(HandOverError::NoOwner(to));
    }
    let customers = customers::owners::hand_over(tx, cx, from, to).await?;
    let views = match to {
        Some(to) => customers::views::hand_over(tx, cx, from, to).await?,
        None => 0,
    };
    Ok(HandedOver { customers, views })
}
