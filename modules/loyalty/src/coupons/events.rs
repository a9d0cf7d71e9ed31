//! What is told of coupons.

use kernel::{CouponDefinitionId, CustomerId};
use platform::Event;
use platform::webhooks::Published;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Coupons of these customers were claimed, given or ended; one event for each batch. It says whose, and readers look
/// up what is true now. Of their use the events of reservations tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouponsChangedV1 {
    /// Of which definition.
    pub definition: CouponDefinitionId,
    /// Whose coupons changed.
    pub customers: Vec<CustomerId>,
}

impl CouponsChangedV1 {
    pub(crate) fn of(definition: Uuid, customers: impl IntoIterator<Item = Uuid>) -> Self {
        let mut customers: Vec<Uuid> = customers.into_iter().collect();
        customers.sort_unstable();
        customers.dedup();
        Self {
            definition: kernel::TypedId::from_uuid(definition),
            customers: customers.into_iter().map(kernel::TypedId::from_uuid).collect(),
        }
    }
}

impl Event for CouponsChangedV1 {
    const TOPIC: &'static str = "loyalty.coupons_changed.v1";

    fn key(&self) -> String {
        self.definition.to_string()
    }
}

/// Customers named in one message to the outside; 500 ids are some 17 KB.
const TOLD_AT_ONCE: usize = 500;

impl Published for CouponsChangedV1 {
    const TYPE: &'static str = "loyalty.coupons_changed.v1";

    /// Ids alone: whose coupons of which definition changed.
    fn messages(&self) -> Vec<serde_json::Value> {
        self.customers
            .chunks(TOLD_AT_ONCE)
            .map(|some| serde_json::json!({ "definition": self.definition, "customers": some }))
            .collect()
    }
}
