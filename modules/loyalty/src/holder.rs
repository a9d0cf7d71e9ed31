//! A customer and those that were merged into it.

use kernel::{CustomerId, TypedId as _};
use uuid::Uuid;

/// Who spends and uses: a customer with all that were merged into it. A merge moves nothing: points stay with whom
/// they were earned, coupons with whom they were given to, and the family may use them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    root: Uuid,
    members: Vec<Uuid>,
}

impl Holder {
    /// The family of `root`; `members` may or may not name the root itself.
    #[must_use]
    pub fn new(root: CustomerId, members: &[CustomerId]) -> Self {
        let mut all: Vec<Uuid> = members.iter().map(|id| id.uuid()).collect();
        all.push(root.uuid());
        all.sort_unstable();
        all.dedup();
        Self { root: root.uuid(), members: all }
    }

    /// A customer into whom nobody was merged.
    #[must_use]
    pub fn single(customer: CustomerId) -> Self {
        Self::new(customer, &[])
    }

    pub(crate) fn root(&self) -> Uuid {
        self.root
    }

    pub(crate) fn members(&self) -> &[Uuid] {
        &self.members
    }
}
