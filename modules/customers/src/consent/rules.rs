//! What holds, given what was said. Pure: whoever sends anything asks [`may_contact`].

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$of])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name, as stored and shown.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                let found = Self::ALL.iter().copied().find(|one| one.name() == text);
                found.ok_or_else(|| format!("must be one of: {}", [$($word),*].join(", ")))
            }
        }
    };
}

words! {
    /// The way by which a person is reached.
    ConsentChannel {
        /// Every way, those included that come later.
        Any = "any",
        /// Short messages.
        Sms = "sms",
        /// E-mail.
        Email = "email",
        /// Calls.
        Phone = "phone",
        /// WeCom.
        Wecom = "wecom",
        /// Messages of the platform on which they buy.
        InSite = "in_site",
        /// Letters.
        Post = "post",
    }
}

words! {
    /// What for.
    ConsentPurpose {
        /// Offers and advertising.
        Marketing = "marketing",
        /// Questions of opinion.
        Survey = "survey",
        /// What an order or a complaint calls for.
        Service = "service",
        /// Learning from what somebody buys.
        Profiling = "profiling",
        /// Decisions by the program alone (PIPL art. 24).
        AutomatedDecision = "automated_decision",
    }
}

words! {
    /// Through what it was said.
    ConsentSource {
        /// A form on a page.
        Form = "form",
        /// With an order.
        Order = "order",
        /// A call.
        Phone = "phone",
        /// A chat or message.
        Chat = "chat",
        /// On paper.
        Paper = "paper",
        /// A list that was brought from elsewhere.
        Import = "import",
        /// Some other way, which the evidence tells.
        Other = "other",
    }
}

impl ConsentPurpose {
    /// Whether it needs a grant. Advertising and surveys do; the others are allowed until they are refused.
    #[must_use]
    pub const fn needs_grant(self) -> bool {
        matches!(self, Self::Marketing | Self::Survey)
    }
}

/// What was said once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// By which way.
    pub channel: ConsentChannel,
    /// What for.
    pub purpose: ConsentPurpose,
    /// Granted, or refused.
    pub granted: bool,
    /// When it was said.
    pub at: Timestamp,
    /// The first moment at which it no longer holds.
    pub expires_at: Option<Timestamp>,
}

/// What holds of one way and purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ConsentStanding)]
pub enum Standing {
    /// Granted.
    Granted,
    /// Refused.
    Refused,
    /// All that was said has expired.
    Expired,
    /// Nothing was ever said.
    Unasked,
}

/// The newest of what was said of this way, or of every way, until `at` and has not expired by then. Of
/// two at one moment the refusal.
#[must_use]
pub fn newest(
    said: &[Said],
    channel: ConsentChannel,
    purpose: ConsentPurpose,
    at: Timestamp,
) -> Option<&Said> {
    about(said, channel, purpose, at)
        .filter(|one| one.expires_at.is_none_or(|end| end > at))
        .max_by_key(|one| (one.at, !one.granted))
}

fn about(
    said: &[Said],
    channel: ConsentChannel,
    purpose: ConsentPurpose,
    at: Timestamp,
) -> impl Iterator<Item = &Said> {
    said.iter().filter(move |one| {
        let is_of_it = one.channel == channel || one.channel == ConsentChannel::Any;
        is_of_it && one.purpose == purpose && one.at <= at
    })
}

/// What holds at `at`; `said` is all that the whole family said, in any order.
#[must_use]
pub fn standing(
    said: &[Said],
    channel: ConsentChannel,
    purpose: ConsentPurpose,
    at: Timestamp,
) -> Standing {
    match newest(said, channel, purpose, at) {
        Some(one) if one.granted => Standing::Granted,
        Some(_) => Standing::Refused,
        None if about(said, channel, purpose, at).next().is_some() => Standing::Expired,
        None => Standing::Unasked,
    }
}

/// Whether somebody of whom this was said may be contacted (or decided about) so at `at`.
#[must_use]
pub fn may_contact(
    said: &[Said],
    channel: ConsentChannel,
    purpose: ConsentPurpose,
    at: Timestamp,
) -> bool {
    match standing(said, channel, purpose, at) {
        Standing::Granted => true,
        Standing::Refused => false,
        Standing::Expired | Standing::Unasked => !purpose.needs_grant(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn said(granted: bool, from: i64, until: Option<i64>) -> Said {
        Said {
            channel: ConsentChannel::Sms,
            purpose: ConsentPurpose::Marketing,
            granted,
            at: at(from),
            expires_at: until.map(at),
        }
    }

    fn may(all: &[Said], when: i64) -> bool {
        may_contact(all, ConsentChannel::Sms, ConsentPurpose::Marketing, at(when))
    }

    #[test]
    fn nothing_commercial_without_a_grant() {
        for purpose in ConsentPurpose::ALL {
            for channel in ConsentChannel::ALL {
                let allowed = may_contact(&[], *channel, *purpose, at(0));
                let commercial =
                    matches!(purpose, ConsentPurpose::Marketing | ConsentPurpose::Survey);
                assert_eq!(allowed, !commercial, "{channel:?} {purpose:?}");
            }
        }
    }

    #[test]
    fn a_grant_ends_at_its_instant_and_begins_at_its_own() {
        let all = [said(true, 10, Some(20))];
        assert_eq!([9, 10, 19, 20].map(|when| may(&all, when)), [false, true, true, false]);
        let standing =
            |when| standing(&all, ConsentChannel::Sms, ConsentPurpose::Marketing, at(when));
        assert_eq!((standing(9), standing(20)), (Standing::Unasked, Standing::Expired));
    }

    #[test]
    fn a_withdrawal_holds_at_once_and_behind_a_grant_that_ends() {
        let all = [said(true, 10, None), said(false, 20, None), said(true, 30, Some(40))];
        assert_eq!(
            [19, 20, 30, 39, 40].map(|when| may(&all, when)),
            [true, false, true, true, false]
        );
    }

    #[test]
    fn a_refusal_of_every_way_is_one_of_each() {
        let every = Said { channel: ConsentChannel::Any, ..said(false, 20, None) };
        let all = [said(true, 10, None), every];
        assert!(may(&all, 19) && !may(&all, 20));
        assert!(may(&[said(true, 30, None), every], 30));
        assert!(!may_contact(&all, ConsentChannel::Any, ConsentPurpose::Marketing, at(25)));
    }

    fn some() -> impl Strategy<Value = Said> {
        let way = prop::sample::select(ConsentChannel::ALL);
        let what = prop::sample::select(ConsentPurpose::ALL);
        (way, what, any::<bool>(), 0..20_i64, prop::option::of(1..10_i64)).prop_map(
            |(channel, purpose, granted, from, length)| Said {
                channel,
                purpose,
                granted,
                at: at(from),
                expires_at: length.filter(|_| granted).map(|length| at(from + length)),
            },
        )
    }

    proptest! {
        #[test]
        fn the_order_in_which_it_arrives_does_not_matter(
            (all, other) in prop::collection::vec(some(), 0..12)
                .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
            when in 0..32_i64,
        ) {
            for channel in ConsentChannel::ALL {
                for purpose in ConsentPurpose::ALL {
                    prop_assert_eq!(
                        standing(&all, *channel, *purpose, at(when)),
                        standing(&other, *channel, *purpose, at(when))
                    );
                }
            }
        }

        #[test]
        fn a_later_refusal_is_the_end_of_it_and_a_later_grant_its_beginning(
            all in prop::collection::vec(some(), 0..12), granted in any::<bool>()
        ) {
            let last = said(granted, 20, None);
            let all: Vec<Said> = all.into_iter().chain([last]).collect();
            prop_assert_eq!(may(&all, 20), granted);
            prop_assert_eq!(may(&all, 1_000), granted);
        }

        #[test]
        fn what_is_said_later_changes_nothing_before(
            all in prop::collection::vec(some(), 0..12), one in some(), when in 0..20_i64
        ) {
            if one.at > at(when) {
                let more: Vec<Said> = all.iter().copied().chain([one]).collect();
                prop_assert_eq!(may(&all, when), may(&more, when));
            }
        }
    }
}
