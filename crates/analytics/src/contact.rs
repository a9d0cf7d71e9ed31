//! Who may be contacted, in which way and what for: sparse, for of most customers nothing was ever said.

use std::collections::BTreeMap;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::NEVER;
use crate::bits::Bits;

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$of])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word in texts, JSON and tables.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// The one of a word.
            #[must_use]
            pub fn of(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }
    };
}

words! {
    /// The way by which a person is reached.
    ContactChannel {
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
    /// What a person is contacted for.
    ContactPurpose {
        /// Offers and advertising.
        Marketing = "marketing",
        /// Questions of opinion.
        Survey = "survey",
        /// What an order or a complaint calls for.
        Service = "service",
        /// Learning from what somebody buys.
        Profiling = "profiling",
    }
}

impl ContactPurpose {
    /// Whether it needs a grant; what does not is allowed until it is refused.
    #[must_use]
    pub const fn needs_grant(self) -> bool {
        matches!(self, Self::Marketing | Self::Survey)
    }
}

/// A time in which the answer for one way and purpose is other than without a word: allowed where a grant is
/// needed, refused where none is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContactSpan {
    /// By which way.
    pub channel: ContactChannel,
    /// What for.
    pub purpose: ContactPurpose,
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after it; `None` if it does not end by itself.
    pub until: Option<Timestamp>,
}

/// A way and a purpose.
pub(crate) type Pair = (ContactChannel, ContactPurpose);

/// Milliseconds since 1970 from the first moment to the one after the last, [`NEVER`] for none.
pub(crate) type Stretch = (i64, i64);

/// Whether the last millisecond before `end` lies in it.
pub(crate) const fn holds((from, until): Stretch, end: i64) -> bool {
    from < end && end <= until
}

/// Whether somebody may be contacted so at the end of a day, if `differs` at that moment.
pub(crate) const fn may(purpose: ContactPurpose, differs: bool) -> bool {
    purpose.needs_grant() == differs
}

impl ContactSpan {
    pub(crate) fn pair(&self) -> Pair {
        (self.channel, self.purpose)
    }

    pub(crate) fn stretch(&self) -> Stretch {
        (self.from.millis(), self.until.map_or(NEVER, Timestamp::millis))
    }

    pub(crate) fn new((channel, purpose): Pair, (from, until): Stretch) -> Self {
        Self {
            channel,
            purpose,
            from: Timestamp::from_millis(from),
            until: (until != NEVER).then(|| Timestamp::from_millis(until)),
        }
    }

    /// The moments at which the answer turns, in milliseconds.
    pub(crate) fn moments(&self) -> impl Iterator<Item = i64> + use<> {
        std::iter::once(self.from).chain(self.until).map(Timestamp::millis)
    }
}

/// Stretches by pair, each list by ordinal and then by moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Contacts(pub(crate) BTreeMap<Pair, Vec<(u32, Stretch)>>);

impl Contacts {
    /// Adds what differs for the customer `ordinal`, who comes after all others.
    pub(crate) fn push(&mut self, ordinal: u32, spans: &[ContactSpan]) {
        for span in spans {
            self.0.entry(span.pair()).or_default().push((ordinal, span.stretch()));
        }
    }

    /// What differs for a customer.
    pub(crate) fn of(&self, ordinal: usize) -> impl Iterator<Item = ContactSpan> + '_ {
        self.0.iter().flat_map(move |(pair, all)| {
            let own = part(all, ordinal, ordinal + 1).iter();
            own.map(|(_, stretch)| ContactSpan::new(*pair, *stretch))
        })
    }

    /// Keeps those of `bits`, which begin with the ordinal `start`, who may be contacted so just before `end`.
    pub(crate) fn retain_part(&self, pair: Pair, bits: &mut Bits, start: usize, end: i64) {
        let mut differ = Bits::none(bits.len());
        for (ordinal, stretch) in
            self.0.get(&pair).map_or(&[][..], |all| part(all, start, start + bits.len()))
        {
            if holds(*stretch, end) {
                differ.set(*ordinal as usize - start);
            }
        }
        if may(pair.1, true) { bits.and(&differ) } else { bits.and_not(&differ) }
    }

    /// The same customers under other ordinals; who has none goes.
    pub(crate) fn moved(
        &self,
        place: impl Fn(u32) -> Option<u32>,
    ) -> impl Iterator<Item = (Pair, (u32, Stretch))> {
        self.0.iter().flat_map(move |(pair, all)| {
            let place = &place;
            let own = all.iter().filter_map(|(old, stretch)| Some((place(*old)?, *stretch)));
            own.map(|one| (*pair, one)).collect::<Vec<_>>()
        })
    }

    /// Adds entries of any ordinals.
    pub(crate) fn join(&mut self, entries: impl IntoIterator<Item = (Pair, (u32, Stretch))>) {
        for (pair, entry) in entries {
            self.0.entry(pair).or_default().push(entry);
        }
        self.0.values_mut().for_each(|all| all.sort_unstable());
    }

    pub(crate) fn shrink(&mut self) {
        self.0.values_mut().for_each(Vec::shrink_to_fit);
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.0.values().map(|all| all.capacity() * size_of::<(u32, Stretch)>()).sum()
    }
}

fn part(all: &[(u32, Stretch)], start: usize, end: usize) -> &[(u32, Stretch)] {
    let at = |bound: usize| all.partition_point(|(ordinal, _)| (*ordinal as usize) < bound);
    &all[at(start)..at(end)]
}
