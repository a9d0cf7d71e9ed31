//! Coupons: what they give, their codes, and how each goes from hand to order and back.
//!
//! A state moves by one conditional statement whose row count is looked at; nothing is read and then written.

mod assign;
pub mod batch;
mod claim;
pub mod code;
pub mod definition;
mod error;
pub mod events;
mod expire;
mod funnel;
pub mod gift;
mod rules;
pub mod tries;
pub(crate) mod using;
mod wallet;

pub use assign::{ASSIGN_MAX, assign};
pub(crate) use claim::day_number;
pub use claim::{Claimant, claim, claim_code};
pub use definition::{Definition, DefinitionVersion, NewDefinition};
pub use error::CouponError;
pub use expire::expire_due;
pub use funnel::{Funnel, funnel_of_batch, funnel_of_definition};
pub use rules::{BENEFITS, ClaimLimits, CouponRules, DAYS_MAX, Validity, Window};
pub use using::{Looked, definitions_of, look};
pub use wallet::{Coupon, coupon, soonest, wallet};

use platform::DbError;
use serde::Serialize;

/// Where a coupon is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CouponState)]
pub enum State {
    /// Its code was made; nobody has it.
    Issued,
    /// Somebody has it and may use it while it is valid.
    Claimed,
    /// Held by a reservation.
    Locked,
    /// Used by an order.
    Redeemed,
    /// Used by an order that was refunded; it does not come back.
    Kept,
    /// Its time was over before it was used.
    Expired,
    /// A use of a code that everybody may know, which came to nothing.
    Void,
}

impl State {
    pub(crate) const ALL: [Self; 7] = [
        Self::Issued,
        Self::Claimed,
        Self::Locked,
        Self::Redeemed,
        Self::Kept,
        Self::Expired,
        Self::Void,
    ];

    /// The name, as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Claimed => "claimed",
            Self::Locked => "locked",
            Self::Redeemed => "redeemed",
            Self::Kept => "kept",
            Self::Expired => "expired",
            Self::Void => "void",
        }
    }

    pub(crate) fn parse(name: &str) -> Result<Self, DbError> {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == name)
            .ok_or_else(|| crate::rules::unreadable(format!("the state {name:?}")))
    }
}
