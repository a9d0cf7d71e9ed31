//! Sets of customers that conditions join with.

use roaring::RoaringBitmap;

use crate::bits::Bits;

/// A set of ordinals that many customers may be in.
#[derive(Debug)]
pub(crate) enum Members {
    /// Compressed.
    Few(RoaringBitmap),
    /// One bit a customer, which is no larger for this many, and quick to join with conditions.
    Many(Bits),
}

impl Members {
    pub(crate) fn new(set: RoaringBitmap, customers: usize) -> Self {
        // A container of roaring turns to plain bits at the same share.
        if set.len() * 16 < customers as u64 {
            return Self::Few(set);
        }
        let mut bits = Bits::none(customers);
        set.iter().for_each(|ordinal| bits.set(ordinal as usize));
        Self::Many(bits)
    }

    pub(crate) fn from_bits(bits: Bits) -> Self {
        if bits.count() * 16 < bits.len() as u64 {
            return Self::Few(bits.iter_from(0).map(|ordinal| ordinal as u32).collect());
        }
        Self::Many(bits)
    }

    /// Calls `each` for all in turn.
    pub(crate) fn for_each(&self, each: impl FnMut(usize)) {
        match self {
            Self::Few(set) => set.iter().map(|ordinal| ordinal as usize).for_each(each),
            Self::Many(bits) => bits.iter_from(0).for_each(each),
        }
    }

    pub(crate) fn count(&self) -> u64 {
        match self {
            Self::Few(set) => set.len(),
            Self::Many(bits) => bits.count(),
        }
    }

    pub(crate) fn has(&self, ordinal: usize) -> bool {
        match self {
            Self::Few(set) => set.contains(ordinal as u32),
            Self::Many(bits) => bits.has(ordinal),
        }
    }

    /// Keeps those of `bits` who are members.
    pub(crate) fn retain(&self, bits: &mut Bits) {
        self.retain_part(bits, 0);
    }

    /// Keeps those of `bits`, the ordinals from `start` on, a multiple of 64, who are members.
    pub(crate) fn retain_part(&self, bits: &mut Bits, start: usize) {
        match self {
            Self::Many(members) => bits.and_part(members, start),
            Self::Few(set) => {
                let mut kept = Bits::none(bits.len());
                set.range(start as u32..(start + bits.len()) as u32)
                    .map(|ordinal| ordinal as usize - start)
                    .filter(|at| bits.has(*at))
                    .for_each(|at| kept.set(at));
                *bits = kept;
            }
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        match self {
            Self::Few(set) => set.serialized_size() + 64,
            Self::Many(bits) => bits.memory_bytes(),
        }
    }
}
