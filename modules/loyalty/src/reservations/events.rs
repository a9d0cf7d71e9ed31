//! What is told of reservations.

use kernel::{CustomerId, ReservationId, ShopId};
use platform::Event;
use platform::webhooks::Published;
use serde::{Deserialize, Serialize};

use super::Reservation;

/// An order was placed with what was reserved for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationCommittedV1 {
    /// Which reservation.
    pub reservation: ReservationId,
    /// In which shop.
    pub shop: ShopId,
    /// By which the shop knows its order.
    pub order_key: String,
    /// Whose order.
    pub customer: CustomerId,
}

impl Event for ReservationCommittedV1 {
    const TOPIC: &'static str = "loyalty.reservation_committed.v1";

    fn key(&self) -> String {
        self.reservation.to_string()
    }
}

impl From<&Reservation> for ReservationCommittedV1 {
    fn from(of: &Reservation) -> Self {
        let Reservation { id, shop, order_key, customer, .. } = of;
        let order_key = order_key.clone();
        Self { reservation: *id, shop: *shop, order_key, customer: *customer }
    }
}

/// What was reserved is free again, because it was cancelled or its time was over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationReleasedV1 {
    /// Which reservation.
    pub reservation: ReservationId,
    /// In which shop.
    pub shop: ShopId,
    /// By which the shop knows its order.
    pub order_key: String,
    /// Whether its time was over.
    pub timed_out: bool,
}

impl Event for ReservationReleasedV1 {
    const TOPIC: &'static str = "loyalty.reservation_released.v1";

    fn key(&self) -> String {
        self.reservation.to_string()
    }
}

/// An order was refunded as a whole, and what comes back came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationRefundedV1 {
    /// Which reservation.
    pub reservation: ReservationId,
    /// Whose order.
    pub customer: CustomerId,
}

impl Event for ReservationRefundedV1 {
    const TOPIC: &'static str = "loyalty.reservation_refunded.v1";

    fn key(&self) -> String {
        self.reservation.to_string()
    }
}

impl Published for ReservationCommittedV1 {
    const TYPE: &'static str = "loyalty.reservation_committed.v1";

    /// Ids, and the key by which the shop knows its order.
    fn messages(&self) -> Vec<serde_json::Value> {
        let Self { reservation, shop, order_key, customer } = self;
        vec![serde_json::json!({
            "reservation": reservation, "shop": shop, "order_key": order_key, "customer": customer,
        })]
    }
}

impl Published for ReservationReleasedV1 {
    const TYPE: &'static str = "loyalty.reservation_released.v1";

    /// Ids, the key of the order, and whether its time was over.
    fn messages(&self) -> Vec<serde_json::Value> {
        let Self { reservation, shop, order_key, timed_out } = self;
        vec![serde_json::json!({
            "reservation": reservation, "shop": shop, "order_key": order_key, "timed_out": timed_out,
        })]
    }
}

impl Published for ReservationRefundedV1 {
    const TYPE: &'static str = "loyalty.reservation_refunded.v1";

    /// Ids alone: nothing of the order is left.
    fn messages(&self) -> Vec<serde_json::Value> {
        let Self { reservation, customer } = self;
        vec![serde_json::json!({ "reservation": reservation, "customer": customer })]
    }
}
