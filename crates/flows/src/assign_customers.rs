//! Giving customers to somebody who is there to look after them.

use customers::owners::{self, AssignError as OwnersError};
use kernel::{CustomerId, UserId};
use platform::{Ctx, DbError, Problem, Tx};

/// Why customers cannot be given to somebody.
#[derive(Debug, thiserror::Error)]
pub enum AssignError {
    /// The new owner is not there, or deactivated.
    #[error("there is no active user {0}")]
    NoOwner(UserId),
    /// What the customers say.
    #[error(transparent)]
    Customers(#[from] OwnersError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<AssignError> for Problem {
    fn from(error: AssignError) -> Self {
        let detail = error.to_string();
        match error {
            AssignError::NoOwner(_) => Self::field("owner", detail),
            AssignError::Customers(OwnersError::Unknown(_) | OwnersError::TooMany) => {
                Self::field("customers", detail)
            }
            AssignError::Customers(OwnersError::OutOfReach) => Self::forbidden(detail),
            AssignError::Customers(OwnersError::Db(error)) | AssignError::Db(error) => error.into(),
        }
    }
}

/// Whether `user` is there and active.
pub(crate) async fn is_active(tx: &mut Tx, cx: &Ctx, user: UserId) -> Result<bool, DbError> {
    Ok(identity::access_of(tx, cx.scope, user).await?.is_some())
}

/// Gives customers to `owner`, or to nobody; gives how many changed hands.
///
/// # Errors
/// Why not; then nothing is changed.
pub async fn assign_customers(
    tx: &mut Tx,
    cx: &Ctx,
    customers: &[CustomerId],
    owner: Option<UserId>,
) -> Result<u64, AssignError> {
    if let Some(owner) = owner
        && !is_active(tx, cx, owner).await?
    {
        return Err(AssignError::NoOwner(owner));
    }
    Ok(owners::assign(tx, cx, customers, owner).await?)
}
