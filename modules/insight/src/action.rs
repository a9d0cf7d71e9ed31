//! What each tier calls for.

use analytics::Tier;
use serde::Serialize;
use utoipa::ToSchema;

/// What to do about a group of customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Thank them, show them new things first, ask them to speak of the shop.
    Reward,
    /// Offer more of what they like; ask for reviews.
    UpSell,
    /// Bring them to the next order: membership, recommendations.
    Develop,
    /// Help with the first steps, build trust.
    Welcome,
    /// A limited offer by what they bought, before they fade.
    Nudge,
    /// Write personally, ask why, offer a way back.
    WinBack,
    /// A cheap try at a good time; leave those who do not answer.
    LetRest,
}

impl Action {
    /// What a tier calls for.
    #[must_use]
    pub const fn of(tier: Tier) -> Self {
        match tier {
            Tier::Champions | Tier::ImportantValue => Self::Reward,
            Tier::Loyal => Self::UpSell,
            Tier::PotentialLoyalist
            | Tier::Promising
            | Tier::ImportantDevelop
            | Tier::GeneralValue => Self::Develop,
            Tier::NewCustomers | Tier::GeneralDevelop => Self::Welcome,
            Tier::NeedAttention | Tier::AboutToSleep | Tier::GeneralKeep => Self::Nudge,
            Tier::AtRisk | Tier::CantLose | Tier::ImportantKeep | Tier::ImportantRetain => {
                Self::WinBack
            }
            Tier::Hibernating | Tier::Lost | Tier::GeneralRetain => Self::LetRest,
        }
    }

    /// The code, as in the interface.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Reward => "reward",
            Self::UpSell => "up_sell",
            Self::Develop => "develop",
            Self::Welcome => "welcome",
            Self::Nudge => "nudge",
            Self::WinBack => "win_back",
            Self::LetRest => "let_rest",
        }
    }

    /// The action in Chinese.
    #[must_use]
    pub const fn name_zh(self) -> &'static str {
        match self {
            Self::Reward => "答谢与新品优先",
            Self::UpSell => "升级推荐",
            Self::Develop => "引导复购",
            Self::Welcome => "新客关怀",
            Self::Nudge => "限时激活",
            Self::WinBack => "重点挽回",
            Self::LetRest => "低成本唤醒",
        }
    }

    /// The action in English.
    #[must_use]
    pub const fn name_en(self) -> &'static str {
        match self {
            Self::Reward => "Reward and show new things first",
            Self::UpSell => "Offer more of what they like",
            Self::Develop => "Lead to the next order",
            Self::Welcome => "Welcome and build trust",
            Self::Nudge => "Limited offer before they fade",
            Self::WinBack => "Win back in person",
            Self::LetRest => "One cheap try, then rest",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_worth_most_who_slip_away_are_won_back() {
        for tier in [Tier::AtRisk, Tier::CantLose, Tier::ImportantKeep] {
            assert_eq!(Action::of(tier), Action::WinBack);
        }
    }
}
