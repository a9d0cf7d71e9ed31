//! Accounts of the ledger, and what entries are about.

use serde::{Deserialize, Serialize};

/// What an account of the ledger holds. The first four are a customer's; what the shop owes it. The others are
/// where points come from and go to, with the opposite sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PointsAccount)]
pub enum Account {
    /// Earned, and not to be used yet.
    Pending,
    /// Can be spent.
    Available,
    /// Held for an order.
    Reserved,
    /// What the customer owes; zero or negative.
    Debt,
    /// Given for orders and activities.
    Issued,
    /// Spent.
    Redeemed,
    /// Lapsed.
    Expired,
    /// Forgiven: spent, and then not earned.
    WrittenOff,
    /// Given and taken by hand.
    Adjusted,
}

impl Account {
    /// The name, as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Available => "available",
            Self::Reserved => "reserved",
            Self::Debt => "debt",
            Self::Issued => "issued",
            Self::Redeemed => "redeemed",
            Self::Expired => "expired",
            Self::WrittenOff => "written_off",
            Self::Adjusted => "adjusted",
        }
    }

    /// The account that is stored by `name`.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        const ALL: [Account; 9] = [
            Account::Pending,
            Account::Available,
            Account::Reserved,
            Account::Debt,
            Account::Issued,
            Account::Redeemed,
            Account::Expired,
            Account::WrittenOff,
            Account::Adjusted,
        ];
        ALL.into_iter().find(|account| account.name() == name)
    }
}

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PointsEntryKind)]
pub enum Kind {
    /// Points for an order or an activity.
    Earn,
    /// They can be used from now on.
    Release,
    /// Paid with points.
    Spend,
    /// Held for an order.
    Reserve,
    /// What was held is spent.
    Commit,
    /// What was spent or held comes back.
    CancelSpend,
    /// What came back is spent after all, because a refund was corrected.
    Respend,
    /// An order earned less than was posted.
    ReverseEarn,
    /// Lots lapsed.
    Expire,
    /// By hand.
    Adjust,
}

impl Kind {
    /// The name, as stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Earn => "earn",
            Self::Release => "release",
            Self::Spend => "spend",
            Self::Reserve => "reserve",
            Self::Commit => "commit",
            Self::CancelSpend => "cancel_spend",
            Self::Respend => "respend",
            Self::ReverseEarn => "reverse_earn",
            Self::Expire => "expire",
            Self::Adjust => "adjust",
        }
    }

    /// The kind that is stored by `name`.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        const ALL: [Kind; 10] = [
            Kind::Earn,
            Kind::Release,
            Kind::Spend,
            Kind::Reserve,
            Kind::Commit,
            Kind::CancelSpend,
            Kind::Respend,
            Kind::ReverseEarn,
            Kind::Expire,
            Kind::Adjust,
        ];
        ALL.into_iter().find(|kind| kind.name() == name)
    }
}
