//! A customer with all that were merged into it, for whoever may see it.

use customers::{reach, roots};
use kernel::{CustomerId, TypedId as _};
use loyalty::Holder;
use platform::{Ctx, DbError, Tx};

use super::MemberError;

/// A customer with all that were merged into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// Into whom the others were merged.
    pub root: CustomerId,
    /// All of them, the root included.
    pub members: Vec<CustomerId>,
}

impl Family {
    /// As the module of loyalty knows it.
    #[must_use]
    pub fn holder(&self) -> Holder {
        Holder::new(self.root, &self.members)
    }
}

/// The family of `customer`, wherever in it that one stands.
///
/// # Errors
/// `NoCustomer` if there is none within the reach of whoever asks.
pub async fn family(tx: &mut Tx, cx: &Ctx, customer: CustomerId) -> Result<Family, MemberError> {
    find(tx, cx, customer).await?.ok_or(MemberError::NoCustomer)
}

/// The family of `customer`, if there is one within the reach of whoever asks.
///
/// # Errors
/// As the database says.
pub(super) async fn find(
    tx: &mut Tx,
    cx: &Ctx,
    customer: CustomerId,
) -> Result<Option<Family>, DbError> {
    let id = customer.uuid();
    let is_seen = reach::within(tx, cx, &[id]).await?.contains(&id);
    let Some((root, _)) = roots::name_of(tx, cx.scope, &[id]).await?.remove(&id) else {
        return Ok(None);
    };
    if !is_seen {
        return Ok(None);
    }
    let members = roots::family(tx, cx.scope, root).await?;
    Ok(Some(Family {
        root: CustomerId::from_uuid(root),
        members: members.into_iter().map(CustomerId::from_uuid).collect(),
    }))
}
