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

/// Whether the program may decide about somebody by itself (PIPL art. 24): recommend what is to be done with
/// them, put them into a group for which something is done, do it. Whoever refused that in any way is left to
/// people, until a later grant ends it. Every module that acts on people by rule or model asks this, or the
/// engine's column, which is kept by [`refused_from`].
#[must_use]
pub fn may_decide(said: &[Said], at: Timestamp) -> bool {
    let purpose = ConsentPurpose::AutomatedDecision;
    ConsentChannel::ALL.iter().all(|way| standing(said, *way, purpose, at) != Standing::Refused)
}

/// From when on [`may_decide`] is false for good, if nothing more is said; `None` if that does not come. A
/// refusal stands; a grant that has an end uncovers the refusal before it. So whoever may be decided about now
/// may be until then, and whoever may not has an answer that is not later than now.
#[must_use]
pub fn refused_from(said: &[Said]) -> Option<Timestamp> {
    let of_way = |way: &ConsentChannel| {
        let about = said.iter().filter(|one| {
            one.purpose == ConsentPurpose::AutomatedDecision
                && (one.channel == *way || one.channel == ConsentChannel::Any)
        });
        let lasting = about.clone().filter(|one| one.expires_at.is_none());
        let last = lasting.max_by_key(|one| (one.at, !one.granted)).filter(|one| !one.granted)?;
        // A grant of the same moment does not stand against a refusal.
        let ends =
            about.filter(|one| one.granted && one.at > last.at).filter_map(|one| one.expires_at);
        Some(ends.chain([last.at]).max().unwrap_or(last.at))
    };
    ConsentChannel::ALL.iter().filter_map(of_way).min()
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

    fn decision() -> impl Strategy<Value = Said> {
        let way = prop::sample::select(vec![
            ConsentChannel::Any,
            ConsentChannel::Sms,
            ConsentChannel::Email,
        ]);
        let purpose = prop::sample::select(vec![
            ConsentPurpose::AutomatedDecision,
            ConsentPurpose::AutomatedDecision,
            ConsentPurpose::Marketing,
        ]);
        (way, purpose, any::<bool>(), 0_i64..10, prop::option::weighted(0.4, 1_i64..10)).prop_map(
            |(channel, purpose, granted, from, lasts)| Said {
                channel,
                purpose,
                granted,
                at: at(from),
                expires_at: lasts.filter(|_| granted).map(|lasts| at(from + lasts)),
            },
        )
    }

    proptest! {
        #[test]
        fn refused_from_tells_every_moment_to_come(
            said in prop::collection::vec(decision(), 0..6), later in 0_i64..15,
        ) {
            // From the moment of the last word on: what is said later changes the answer.
            let now = at(10 + later);
            let refused = refused_from(&said).is_some_and(|from| from <= now);
            prop_assert_eq!(may_decide(&said, now), !refused);
        }
    }

    #[test]
    fn a_refusal_in_any_way_holds_until_a_later_grant_of_that_way() {
        let one = |channel, granted, from, until: Option<i64>| Said {
            channel,
            purpose: ConsentPurpose::AutomatedDecision,
            granted,
            at: at(from),
            expires_at: until.map(at),
        };
        let by_phone = one(ConsentChannel::Phone, false, 5, None);
        assert!(may_decide(&[], at(9)) && !may_decide(&[by_phone], at(9)));
        assert!(may_decide(&[by_phone], at(4)), "not before it was said");
        let of_sms = one(ConsentChannel::Sms, true, 6, None);
        assert!(!may_decide(&[by_phone, of_sms], at(9)), "a grant of another way ends nothing");
        let of_all = one(ConsentChannel::Any, true, 7, Some(20));
        assert!(may_decide(&[by_phone, of_all], at(9)));
        assert!(!may_decide(&[by_phone, of_all], at(20)), "its end uncovers the refusal");
        assert_eq!(refused_from(&[by_phone, of_all]), Some(at(20)));
        assert_eq!(refused_from(&[of_all]), None);
    }
}
