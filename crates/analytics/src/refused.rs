//! Who refused that machines decide, and from when: few do.

use crate::base::NEVER;
use crate::bits::Bits;

/// Milliseconds since 1970 by ordinal, rising; whoever is not there refused nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) Vec<(u32, i64)>);

impl Refused {
    /// Adds what the customer `ordinal` refused, who comes after all others.
    pub(crate) fn push(&mut self, ordinal: u32, from: i64) {
        if from != NEVER {
            self.0.push((ordinal, from));
        }
    }

    /// From when; [`NEVER`] for no refusal.
    pub(crate) fn get(&self, ordinal: usize) -> i64 {
        let at = self.0.binary_search_by_key(&(ordinal as u32), |(ordinal, _)| *ordinal);
        at.map_or(NEVER, |at| self.0[at].1)
    }

    /// Those who refused something, by ordinal.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, i64)> + '_ {
        self.0.iter().map(|(ordinal, from)| (*ordinal as usize, *from))
    }

    /// Keeps those of `bits`, which begin with `start`, whose moment passes.
    pub(crate) fn retain_part(&self, bits: &mut Bits, start: usize, passes: impl Fn(i64) -> bool) {
        let begin = self.0.partition_point(|(ordinal, _)| (*ordinal as usize) < start);
        let end = self.0.partition_point(|(ordinal, _)| (*ordinal as usize) < start + bits.len());
        let own =
            self.0[begin..end].iter().map(|(ordinal, from)| (*ordinal as usize - start, *from));
        if passes(NEVER) {
            own.filter(|(_, from)| !passes(*from)).for_each(|(at, _)| bits.clear(at));
            return;
        }
        let mut kept = Bits::none(bits.len());
        own.filter(|(at, from)| bits.has(*at) && passes(*from)).for_each(|(at, _)| kept.set(at));
        *bits = kept;
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.0.capacity() * size_of::<(u32, i64)>()
    }
}
