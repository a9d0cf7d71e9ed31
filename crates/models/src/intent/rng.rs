//! Numbers that look random and are the same for the same seed, on every machine and in every version.

/// SplitMix64. Source: Steele, Lea and Flood (2014), "Fast Splittable Pseudorandom Number Generators".
///
/// Kept here so that a stored seed means the same folds after any upgrade of a library.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// A stream for `seed`; another `stream` of the same seed is unrelated.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = Self(seed ^ stream.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        rng.next();
        rng
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `bound`, which is not 0. Source: Lemire (2019), with rejection, so without bias.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let wide = u128::from(self.next()) * u128::from(bound);
            if wide as u64 >= threshold {
                return (wide >> 64) as usize;
            }
        }
    }

    /// Fisher and Yates.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// In 0..1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_keeps_everything_and_every_place_is_reached() {
        let mut seen = [[0u32; 5]; 5];
        for seed in 0..2_000 {
            let mut items = [0, 1, 2, 3, 4];
            Rng::new(seed, 1).shuffle(&mut items);
            for (place, item) in items.into_iter().enumerate() {
                seen[item][place] += 1;
            }
        }
        // 2,000 throws at 1/5 each: 400 expected, standard deviation 18; six of them.
        assert!(seen.iter().flatten().all(|&count| (290..=510).contains(&count)), "{seen:?}");
        assert!(seen.iter().all(|row| row.iter().sum::<u32>() == 2_000));
    }

    #[test]
    fn streams_of_one_seed_differ() {
        assert_ne!(Rng::new(7, 1).next(), Rng::new(7, 2).next());
        assert_eq!(Rng::new(7, 1).next(), Rng::new(7, 1).next());
    }
}
