//! Repeatable chance: one stream of numbers for each thing that is invented.
//!
//! Only integers and only our own arithmetic on ChaCha8's output, so that neither a new release of
//! `rand` nor another processor changes a byte.

use rand::rngs::ChaCha8Rng;
use rand::{Rng as _, SeedableRng as _};

/// What a stream of numbers is for, so that streams never meet.
#[derive(Clone, Copy)]
pub(crate) enum Topic {
    /// Behaviour of an account: its type, first day and appetite.
    Behaviour = 1,
    /// Which accounts get the orders that are left to give out.
    Share,
    /// The moments at which an account orders.
    Moments,
    /// The account's own texts.
    Account,
    /// The person behind an account, or a receiver of gifts.
    Person,
    /// The contents and the fate of an order.
    Order,
}

/// A stream of numbers.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream for thing `index` of `topic` in the world of `seed`.
    pub(crate) fn new(seed: u64, topic: Topic, index: u64) -> Self {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&(topic as u64).to_le_bytes());
        key[16..24].copy_from_slice(&index.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A number in `0..n`; 0 if `n` is 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        // Fixed-point multiplication: the bias is below n / 2^64.
        ((u128::from(self.0.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// A number in `low..=high`.
    pub(crate) fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// Whether something happens that happens `per_mille` times in a thousand.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of `choices`, each as likely.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// One of `choices`, as likely as its weight.
    pub(crate) fn weighted<'a, T>(&mut self, choices: &'a [(T, u64)]) -> &'a T {
        let total = choices.iter().map(|(_, weight)| weight).sum();
        let mut left = self.below(total);
        for (choice, weight) in choices {
            if left < *weight {
                return choice;
            }
            left -= weight;
        }
        &choices[choices.len() - 1].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let draw = |topic, index| Dice::new(7, topic, index).below(u64::MAX);
        assert_eq!(draw(Topic::Order, 3), draw(Topic::Order, 3));
        assert_ne!(draw(Topic::Order, 3), draw(Topic::Order, 4));
        assert_ne!(draw(Topic::Order, 3), draw(Topic::Person, 3));
    }

    #[test]
    fn weights_are_kept() {
        let mut dice = Dice::new(1, Topic::Share, 0);
        let hits = (0..10_000).filter(|_| *dice.weighted(&[(true, 3), (false, 7)])).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
    }
}
