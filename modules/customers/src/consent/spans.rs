//! When somebody may be contacted, for the engine: the times in which the answer differs from that without a word.

use std::collections::BinaryHeap;

use kernel::Timestamp;

use super::rules::{ConsentChannel, ConsentPurpose, Said};

/// A time in which [`super::may_contact`] is other than if nothing had ever been said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContactSpan {
    /// By which way; never every way.
    pub channel: ConsentChannel,
    /// What for; never an automated decision, for which [`super::refused_from`] is asked.
    pub purpose: ConsentPurpose,
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after it; `None` if it does not end by itself.
    pub until: Option<Timestamp>,
}

/// All times in which somebody of whom this was said may be contacted without it being so by default, or may
/// not although it would be so: by way and purpose, those of one pair by moment and apart from each other.
/// Takes `n log n` for each pair.
#[must_use]
pub fn contact_spans(said: &[Said]) -> Vec<ContactSpan> {
    let mut spans = Vec::new();
    let purposes = ConsentPurpose::ALL.iter().filter(|purpose| {
        **purpose != ConsentPurpose::AutomatedDecision
            && said.iter().any(|one| one.purpose == **purpose)
    });
    for purpose in purposes {
        for channel in ConsentChannel::ALL.iter().filter(|way| **way != ConsentChannel::Any) {
            of_pair(said, *channel, *purpose, &mut spans);
        }
    }
    spans
}

fn of_pair(
    said: &[Said],
    channel: ConsentChannel,
    purpose: ConsentPurpose,
    spans: &mut Vec<ContactSpan>,
) {
    let is_about = |one: &&Said| {
        one.purpose == purpose && (one.channel == channel || one.channel == ConsentChannel::Any)
    };
    let mut about: Vec<&Said> = said.iter().filter(is_about).collect();
    about.sort_unstable_by_key(|one| one.at);
    // Between these the answer stays.
    let mut moments: Vec<Timestamp> =
        about.iter().flat_map(|one| std::iter::once(one.at).chain(one.expires_at)).collect();
    moments.sort_unstable();
    moments.dedup();
    let mut next = about.into_iter().peekable();
    // The newest on top, of one moment the refusal; what has expired goes once it is on top.
    let mut heard: BinaryHeap<(Timestamp, bool, Option<Timestamp>)> = BinaryHeap::new();
    let mut open = None;
    for at in moments {
        while let Some(one) = next.next_if(|one| one.at <= at) {
            heard.push((one.at, !one.granted, one.expires_at));
        }
        while heard.peek().is_some_and(|(_, _, end)| end.is_some_and(|end| end <= at)) {
            heard.pop();
        }
        let may = heard.peek().map_or(!purpose.needs_grant(), |(_, refused, _)| !refused);
        let differs = may == purpose.needs_grant();
        match open {
            None if differs => open = Some(at),
            Some(from) if !differs => {
                spans.push(ContactSpan { channel, purpose, from, until: Some(at) });
                open = None;
            }
            _ => {}
        }
    }
    spans.extend(open.map(|from| ContactSpan { channel, purpose, from, until: None }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::may_contact;
    use proptest::prelude::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn some() -> impl Strategy<Value = Said> {
        let way = prop::sample::select(&ConsentChannel::ALL[..4]);
        let what = prop::sample::select(ConsentPurpose::ALL);
        (way, what, any::<bool>(), 0..20_i64, prop::option::of(1..10_i64)).prop_map(
            |(channel, purpose, granted, from, length)| Said {
                channel,
                purpose,
                granted,
                at: at(from),
                // An end of a refusal, and one before its beginning, are not recorded, and mean no harm.
                expires_at: length.map(|length| at(from + length - 1)),
            },
        )
    }

    fn differs(
        spans: &[ContactSpan],
        way: ConsentChannel,
        what: ConsentPurpose,
        when: i64,
    ) -> bool {
        let own = spans.iter().filter(|span| (span.channel, span.purpose) == (way, what));
        let is_in = |span: &&ContactSpan| {
            span.from <= at(when) && span.until.is_none_or(|until| at(when) < until)
        };
        own.filter(is_in).count() > 0
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

        #[test]
        fn spans_say_at_every_moment_who_may_be_contacted(
            said in prop::collection::vec(some(), 0..24)
        ) {
            let spans = contact_spans(&said);
            for channel in ConsentChannel::ALL.iter().filter(|way| **way != ConsentChannel::Any) {
                for purpose in ConsentPurpose::ALL {
                    if *purpose == ConsentPurpose::AutomatedDecision {
                        continue;
                    }
                    for when in -1..32 {
                        let default = may_contact(&[], *channel, *purpose, at(when));
                        prop_assert_eq!(
                            may_contact(&said, *channel, *purpose, at(when)),
                            default != differs(&spans, *channel, *purpose, when),
                            "{:?} {:?} at {}: {:?}", channel, purpose, when, spans
                        );
                    }
                }
            }
            // As few as can be: those of one pair neither meet nor are empty.
            for span in &spans {
                prop_assert!(span.until.is_none_or(|until| span.from < until));
            }
            for two in spans.windows(2).filter(|two| {
                (two[0].channel, two[0].purpose) == (two[1].channel, two[1].purpose)
            }) {
                prop_assert!(two[0].until.is_some_and(|until| until < two[1].from), "{:?}", two);
            }
        }
    }

    #[test]
    fn of_what_is_as_without_a_word_nothing_is_kept() {
        let one = |purpose, granted| Said {
            channel: ConsentChannel::Any,
            purpose,
            granted,
            at: at(5),
            expires_at: None,
        };
        assert_eq!(contact_spans(&[]), []);
        assert_eq!(contact_spans(&[one(ConsentPurpose::Marketing, false)]), []);
        assert_eq!(contact_spans(&[one(ConsentPurpose::Service, true)]), []);
        assert_eq!(contact_spans(&[one(ConsentPurpose::AutomatedDecision, false)]), []);
        let every = contact_spans(&[one(ConsentPurpose::Marketing, true)]);
        assert_eq!(every.len(), ConsentChannel::ALL.len() - 1, "one of every way is one of each");
    }
}
