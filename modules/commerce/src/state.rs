//! The one order state machine that every platform's words map to.

use serde::{Deserialize, Serialize};

/// Where an order stands.
///
/// States only go forward: `Unpaid < Paid < PartlyShipped < Shipped < Completed < Closed`. A late or
/// repeated report of an earlier state changes nothing, so any order of arrival ends in one state.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// 等待买家付款
    Unpaid,
    /// 买家已付款，等待卖家发货
    Paid,
    /// 卖家部分发货
    PartlyShipped,
    /// 卖家已发货，等待买家确认
    Shipped,
    /// 交易成功
    Completed,
    /// 交易关闭: never paid, cancelled, or refunded in full
    Closed,
}

impl OrderState {
    /// All states, in order.
    pub const ALL: [Self; 6] = [
        Self::Unpaid,
        Self::Paid,
        Self::PartlyShipped,
        Self::Shipped,
        Self::Completed,
        Self::Closed,
    ];

    /// The stored code, 0 to 5 in order.
    #[must_use]
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// The state of a stored code.
    #[must_use]
    pub fn from_code(code: i16) -> Option<Self> {
        usize::try_from(code).ok().and_then(|index| Self::ALL.get(index).copied())
    }

    /// The state after `reported` arrives: whichever is further along.
    #[must_use]
    pub fn advance(self, reported: Self) -> Self {
        self.max(reported)
    }
}
