//! Names for groups of cells: an 11-name scheme and the 8 classic classes.

use std::fmt;
use std::str::FromStr;

use super::score::Score;

/// A way of naming cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Eleven names by R and the mean of F and M.
    Eleven,
    /// Eight classes by whether R, F and M are above their mean.
    Classic,
}

impl Scheme {
    /// The code in the interface.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Eleven => "eleven",
            Self::Classic => "classic",
        }
    }

    /// The scheme's tiers, best first.
    #[must_use]
    pub const fn tiers(self) -> &'static [Tier] {
        match self {
            Self::Eleven => Tier::ALL.split_at(11).0,
            Self::Classic => Tier::ALL.split_at(11).1,
        }
    }
}

impl FromStr for Scheme {
    type Err = TierParseError;
    fn from_str(text: &str) -> Result<Self, TierParseError> {
        [Self::Eleven, Self::Classic]
            .into_iter()
            .find(|scheme| scheme.code() == text)
            .ok_or(TierParseError::Scheme)
    }
}

/// Not the name of a tier or scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TierParseError {
    /// No tier has this code or name.
    #[error("not the code or name of a tier, such as `at_risk`")]
    Tier,
    /// No scheme has this code.
    #[error("must be `eleven` or `classic`")]
    Scheme,
}

macro_rules! tiers {
    ($($variant:ident = $code:literal, $zh:literal, $en:literal;)*) => {
        /// A named group of cells; the first eleven are of [`Scheme::Eleven`], the last eight of
        /// [`Scheme::Classic`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Tier { $(#[doc = concat!($en, ", ", $zh)] $variant,)* }

        impl Tier {
            /// All tiers, in the order of the interface.
            pub const ALL: [Self; 19] = [$(Self::$variant,)*];

            /// The code in the interface.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The Chinese name.
            #[must_use]
            pub const fn name_zh(self) -> &'static str {
                match self { $(Self::$variant => $zh,)* }
            }

            /// The English name.
            #[must_use]
            pub const fn name_en(self) -> &'static str {
                match self { $(Self::$variant => $en,)* }
            }
        }
    };
}

tiers! {
    Champions = "champions", "冠军客户", "Champions";
    Loyal = "loyal", "忠诚客户", "Loyal customers";
    PotentialLoyalist = "potential_loyalist", "潜在忠诚客户", "Potential loyalists";
    NewCustomers = "new_customers", "新客户", "New customers";
    Promising = "promising", "有潜力客户", "Promising";
    NeedAttention = "need_attention", "需关注客户", "Need attention";
    AboutToSleep = "about_to_sleep", "即将沉睡客户", "About to sleep";
    AtRisk = "at_risk", "流失风险客户", "At risk";
    CantLose = "cant_lose", "不可失去客户", "Can't lose them";
    Hibernating = "hibernating", "沉睡客户", "Hibernating";
    Lost = "lost", "已流失客户", "Lost";
    ImportantValue = "important_value", "重要价值客户", "Important: value";
    ImportantDevelop = "important_develop", "重要发展客户", "Important: develop";
    ImportantKeep = "important_keep", "重要保持客户", "Important: keep";
    ImportantRetain = "important_retain", "重要挽留客户", "Important: retain";
    GeneralValue = "general_value", "一般价值客户", "General: value";
    GeneralDevelop = "general_develop", "一般发展客户", "General: develop";
    GeneralKeep = "general_keep", "一般保持客户", "General: keep";
    GeneralRetain = "general_retain", "一般挽留客户", "General: retain";
}

impl Tier {
    /// The scheme this tier is of.
    #[must_use]
    pub const fn scheme(self) -> Scheme {
        if (self as u8) < 11 { Scheme::Eleven } else { Scheme::Classic }
    }

    /// The tier of the 11-name scheme for `score` out of `bins` bins in R, F and M.
    ///
    /// Scores are first brought to 1..=5 by `1 + round(4 (s - 1) / (bins - 1))`, which changes
    /// nothing for five bins; F and M join as `round((F + M) / 2)`, halves up.
    ///
    /// Source: the ranges of the eleven segments that Putler published ("RFM analysis for
    /// successful customer segmentation") and that many tools repeat. They overlap; where two
    /// claim a cell, the narrower one has it here, so every cell keeps a name its range allows:
    ///
    /// | FM \ R | 1 | 2 | 3 | 4 | 5 |
    /// |---|---|---|---|---|---|
    /// | 5 | can't lose | at risk | loyal | champions | champions |
    /// | 4 | can't lose | at risk | loyal | champions | champions |
    /// | 3 | at risk | at risk | need attention | potential | potential |
    /// | 2 | hibernating | hibernating | about to sleep | potential | potential |
    /// | 1 | lost | hibernating | about to sleep | promising | new |
    #[must_use]
    pub fn eleven(score: Score, bins: [u8; 3]) -> Self {
        use Tier::{
            AboutToSleep, AtRisk, CantLose, Champions, Hibernating, Lost, Loyal, NeedAttention,
            NewCustomers, PotentialLoyalist, Promising,
        };
        const GRID: [[Tier; 5]; 5] = [
            [Lost, Hibernating, AboutToSleep, Promising, NewCustomers],
            [Hibernating, Hibernating, AboutToSleep, PotentialLoyalist, PotentialLoyalist],
            [AtRisk, AtRisk, NeedAttention, PotentialLoyalist, PotentialLoyalist],
            [CantLose, AtRisk, Loyal, Champions, Champions],
            [CantLose, AtRisk, Loyal, Champions, Champions],
        ];
        let [r, f, m] = [(score.r, bins[0]), (score.f, bins[1]), (score.m, bins[2])]
            .map(|(s, n)| of_five(s, n));
        let fm = (f + m).div_ceil(2);
        GRID[usize::from(fm) - 1][usize::from(r) - 1]
    }

    /// The classic class by which of R, F and M are high.
    ///
    /// Source: the eight classes of Chinese practice: M decides important (重要) or general
    /// (一般); R and F high is value (价值), R alone develop (发展), F alone keep (保持), neither
    /// retain (挽留).
    #[must_use]
    pub const fn classic(r_high: bool, f_high: bool, m_high: bool) -> Self {
        match (m_high, r_high, f_high) {
            (true, true, true) => Self::ImportantValue,
            (true, true, false) => Self::ImportantDevelop,
            (true, false, true) => Self::ImportantKeep,
            (true, false, false) => Self::ImportantRetain,
            (false, true, true) => Self::GeneralValue,
            (false, true, false) => Self::GeneralDevelop,
            (false, false, true) => Self::GeneralKeep,
            (false, false, false) => Self::GeneralRetain,
        }
    }
}

/// Brings a score out of `bins` to 1..=5.
fn of_five(score: u8, bins: u8) -> u8 {
    let (steps, score) = (u16::from(bins.max(2) - 1), u16::from(score.clamp(1, bins.max(1))));
    // Rounds half up: (2 · 4 (s - 1) + steps) / (2 steps).
    let scaled = (8 * (score - 1) + steps) / (2 * steps);
    1 + scaled.min(4) as u8
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Tier {
    type Err = TierParseError;
    /// Reads a code or a name in either language; the final 客户 may be left out.
    fn from_str(text: &str) -> Result<Self, TierParseError> {
        let text = text.trim();
        Self::ALL
            .into_iter()
            .find(|tier| {
                tier.code().eq_ignore_ascii_case(text)
                    || tier.name_en().eq_ignore_ascii_case(text)
                    || tier.name_zh() == text
                    || tier.name_zh().strip_suffix("客户") == Some(text)
            })
            .ok_or(TierParseError::Tier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_read_back() {
        for tier in Tier::ALL {
            for text in [tier.code(), tier.name_zh(), tier.name_en()] {
                assert_eq!(text.parse(), Ok(tier), "{text}");
            }
            assert!(tier.scheme().tiers().contains(&tier));
        }
        assert_eq!("重要价值".parse(), Ok(Tier::ImportantValue));
        assert_eq!("best".parse::<Tier>(), Err(TierParseError::Tier));
        assert_eq!((Scheme::Eleven.tiers().len(), Scheme::Classic.tiers().len()), (11, 8));
    }

    #[test]
    fn the_grid_has_its_corners() {
        let five = [5, 5, 5];
        let tier = |r, f, m| Tier::eleven(Score { r, f, m }, five);
        assert_eq!(tier(5, 5, 5), Tier::Champions);
        assert_eq!(tier(5, 1, 1), Tier::NewCustomers);
        assert_eq!(tier(1, 5, 5), Tier::CantLose);
        assert_eq!(tier(1, 1, 1), Tier::Lost);
        assert_eq!(tier(3, 3, 3), Tier::NeedAttention);
        assert_eq!(tier(4, 1, 2), Tier::PotentialLoyalist, "halves round up");
    }

    #[test]
    fn other_bin_counts_keep_their_ends() {
        for bins in 2..=10 {
            assert_eq!((of_five(1, bins), of_five(bins, bins)), (1, 5));
            assert!((1..bins).all(|s| of_five(s, bins) <= of_five(s + 1, bins)));
        }
        assert!((1..=5).all(|s| of_five(s, 5) == s));
    }
}
