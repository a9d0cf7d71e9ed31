//! Customers who look the same to a counting model, taken together.
//!
//! BG/NBD and Pareto/NBD see of a customer the repeat purchases `x`, the time of the last one `t_x`
//! and the time observed `T`. Times come from whole days, so triples repeat, and the pairs
//! `(x, t_x)` and `(x, T)` much more so: what is dear is computed once per pair.

use super::error::{ClvError, MIN_CUSTOMERS, MIN_REPEAT_CUSTOMERS};
use super::parallel;

/// Customers of the systematic sample on which a search begins.
const ROUGH_CUSTOMERS: usize = 10_000;
/// Most repeat purchases of one customer.
pub const MAX_FREQUENCY: u32 = 1_000_000;

/// A pair of repeat purchases and a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pair {
    /// Position in [`Counts::frequencies`].
    pub x: u32,
    /// Time.
    pub time: f64,
}

/// One group of equal customers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Group {
    /// Position of `(x, t_x)` in [`Counts::recencies`].
    pub recency: u32,
    /// Position of `(x, T)` in [`Counts::ages`].
    pub age: u32,
    /// Customers in it.
    pub weight: u32,
}

/// Repeat purchases, recency and age of all customers, in groups of equals.
#[derive(Debug, Clone)]
pub struct Counts {
    pub(crate) frequencies: Vec<u32>,
    pub(crate) recencies: Vec<Pair>,
    pub(crate) ages: Vec<Pair>,
    pub(crate) groups: Vec<Group>,
    /// Group of each customer, in the order of the input.
    pub(crate) group_of: Vec<u32>,
    customers: u64,
    repeat_customers: u64,
    mean_frequency: f64,
    mean_age: f64,
}

impl Counts {
    /// Groups customers given as columns.
    ///
    /// `frequency`: repeat purchases; `recency`: time of the last purchase and `age`: time observed,
    /// both since the first purchase and in one unit. All of one length.
    ///
    /// # Errors
    /// `Lengths`; `BadSummary` for a time that is not finite, `recency` above `age`, or a `recency`
    /// that is not 0 without repeat purchases; `TooLarge` above [`MAX_FREQUENCY`] or 2^32 customers.
    pub fn new(frequency: &[u32], recency: &[f64], age: &[f64]) -> Result<Self, ClvError> {
        let expected = frequency.len();
        for (column, found) in [("recency", recency.len()), ("age", age.len())] {
            if found != expected {
                return Err(ClvError::Lengths { column, found, expected });
            }
        }
        let count = u32::try_from(expected).map_err(|_| ClvError::TooLarge {
            what: "number of customers",
            found: expected as u64,
            limit: u64::from(u32::MAX),
        })?;
        for (index, ((x, last), end)) in frequency.iter().zip(recency).zip(age).enumerate() {
            let sound = last.is_finite() && end.is_finite() && 0.0 <= *last && last <= end;
            if !sound || (*x == 0 && *last > 0.0) {
                return Err(ClvError::BadSummary {
                    index,
                    frequency: *x,
                    recency: *last,
                    age: *end,
                });
            }
            if *x > MAX_FREQUENCY {
                return Err(ClvError::TooLarge {
                    what: "number of repeat purchases",
                    found: u64::from(*x),
                    limit: u64::from(MAX_FREQUENCY),
                });
            }
        }
        // `+ 0.0` turns a negative zero, which sorts apart, into zero.
        let key = |index: u32| {
            let at = index as usize;
            (frequency[at], (recency[at] + 0.0).to_bits(), (age[at] + 0.0).to_bits())
        };
        let mut order: Vec<u32> = (0..count).collect();
        order.sort_unstable_by_key(|index| key(*index));
        let mut group_of = vec![0; expected];
        let mut triples: Vec<(u32, f64, f64, u32)> = Vec::new();
        let mut last = None;
        for index in order {
            let present = key(index);
            if last == Some(present) {
                if let Some(triple) = triples.last_mut() {
                    triple.3 += 1;
                }
            } else {
                let (x, last, end) = present;
                triples.push((x, f64::from_bits(last), f64::from_bits(end), 1));
            }
            last = Some(present);
            group_of[index as usize] = triples.len() as u32 - 1;
        }
        triples.shrink_to_fit();
        Ok(Self::from_triples(&triples, group_of))
    }

    /// From sorted, distinct `(x, t_x, T, weight)`.
    fn from_triples(triples: &[(u32, f64, f64, u32)], group_of: Vec<u32>) -> Self {
        let mut frequencies: Vec<u32> = triples.iter().map(|triple| triple.0).collect();
        frequencies.dedup();
        let mut ages: Vec<(u32, u64)> =
            triples.iter().map(|triple| (triple.0, triple.2.to_bits())).collect();
        ages.sort_unstable();
        ages.dedup();
        let mut recencies: Vec<Pair> = Vec::new();
        let mut groups = Vec::with_capacity(triples.len());
        let mut x_at = 0_u32;
        for (x, last, end, weight) in triples {
            while frequencies[x_at as usize] != *x {
                x_at += 1;
            }
            let pair = Pair { x: x_at, time: *last };
            if recencies.last() != Some(&pair) {
                recencies.push(pair);
            }
            let age = ages.binary_search(&(*x, end.to_bits())).unwrap_or_default();
            groups.push(Group {
                recency: recencies.len() as u32 - 1,
                age: age as u32,
                weight: *weight,
            });
        }
        let mut x_at = 0_u32;
        let ages = ages
            .into_iter()
            .map(|(x, bits)| {
                while frequencies[x_at as usize] != x {
                    x_at += 1;
                }
                Pair { x: x_at, time: f64::from_bits(bits) }
            })
            .collect();
        let sum = |value: fn(&(u32, f64, f64, u32)) -> f64| -> f64 {
            triples.iter().map(|triple| value(triple) * f64::from(triple.3)).sum()
        };
        let customers: u64 = triples.iter().map(|triple| u64::from(triple.3)).sum();
        let total = customers.max(1) as f64;
        Self {
            customers,
            repeat_customers: triples
                .iter()
                .filter(|triple| triple.0 > 0)
                .map(|triple| u64::from(triple.3))
                .sum(),
            mean_frequency: sum(|triple| f64::from(triple.0)) / total,
            mean_age: sum(|triple| triple.2) / total,
            frequencies,
            recencies,
            ages,
            groups,
            group_of,
        }
    }

    /// Customers.
    #[must_use]
    pub fn customers(&self) -> u64 {
        self.customers
    }

    /// Customers with a repeat purchase.
    #[must_use]
    pub fn repeat_customers(&self) -> u64 {
        self.repeat_customers
    }

    /// Groups of equal customers.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    pub(crate) fn mean_frequency(&self) -> f64 {
        self.mean_frequency
    }

    pub(crate) fn mean_age(&self) -> f64 {
        self.mean_age
    }

    /// Repeat purchases of the customers of `group`.
    pub(crate) fn frequency(&self, group: &Group) -> u32 {
        self.frequencies[self.ages[group.age as usize].x as usize]
    }

    /// Recency and age of the customers of `group`.
    pub(crate) fn times(&self, group: &Group) -> (f64, f64) {
        (self.recencies[group.recency as usize].time, self.ages[group.age as usize].time)
    }

    /// Says what is missing for a fit.
    ///
    /// # Errors
    /// Every kind of too little history.
    pub fn enough(&self) -> Result<(), ClvError> {
        match (self.customers, self.repeat_customers) {
            (1, _) => Err(ClvError::OneCustomer),
            (customers, _) if customers < MIN_CUSTOMERS => {
                Err(ClvError::TooFewCustomers { found: customers, needed: MIN_CUSTOMERS })
            }
            (customers, 0) => Err(ClvError::NoRepeatPurchase { customers }),
            (_, repeat) if repeat < MIN_REPEAT_CUSTOMERS => {
                Err(ClvError::TooFewRepeatCustomers { found: repeat, needed: MIN_REPEAT_CUSTOMERS })
            }
            _ if self.mean_age <= 0.0 => Err(ClvError::NoTime),
            _ => Ok(()),
        }
    }

    /// A systematic sample of customers: every k-th in the order of `(x, t_x, T)`, so that all
    /// kinds are in it by their share. `None` if all customers are few enough.
    pub(crate) fn sample(&self) -> Option<Self> {
        if self.groups.len() <= ROUGH_CUSTOMERS {
            return None;
        }
        let step = self.customers as f64 / ROUGH_CUSTOMERS as f64;
        let mut triples = Vec::with_capacity(ROUGH_CUSTOMERS);
        let (mut passed, mut taken) = (0_u64, 0_u32);
        for group in &self.groups {
            passed += u64::from(group.weight);
            let upto = (passed as f64 / step) as u32;
            if upto > taken {
                let (recency, age) = self.times(group);
                triples.push((self.frequency(group), recency, age, upto - taken));
                taken = upto;
            }
        }
        Some(Self::from_triples(&triples, Vec::new()))
    }

    /// Sum over all groups of `value * weight`, in an order that does not depend on the machine.
    pub(crate) fn weighted_sum(&self, value: impl Fn(&Group) -> f64 + Sync) -> f64 {
        parallel::chunked_sum(&self.groups, |group| value(group) * f64::from(group.weight))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_are_taken_together() {
        let counts =
            Counts::new(&[2, 0, 2, 0, 1], &[3.0, 0.0, 3.0, -0.0, 1.0], &[9.0, 9.0, 9.0, 9.0, 8.0])
                .unwrap();
        assert_eq!((counts.customers(), counts.repeat_customers(), counts.groups()), (5, 3, 3));
        assert_eq!(counts.group_of, [2, 0, 2, 0, 1]);
        let weights: Vec<u32> = counts.groups.iter().map(|group| group.weight).collect();
        assert_eq!(weights, [2, 1, 2]);
    }

    #[test]
    fn contradictions_are_named() {
        for (x, last, end) in [
            (1, 5.0, 4.0),
            (0, 1.0, 4.0),
            (1, f64::NAN, 4.0),
            (1, -1.0, 4.0),
            (1, 1.0, f64::INFINITY),
        ] {
            let error = Counts::new(&[0, x], &[0.0, last], &[1.0, end]).unwrap_err();
            assert!(matches!(error, ClvError::BadSummary { index: 1, .. }), "{error}");
        }
        let error = Counts::new(&[1], &[], &[1.0]).unwrap_err();
        assert_eq!(error, ClvError::Lengths { column: "recency", found: 0, expected: 1 });
    }

    #[test]
    fn too_little_history_is_named() {
        let of = |customers: usize, repeat: usize| {
            let x: Vec<u32> = (0..customers).map(|i| u32::from(i < repeat)).collect();
            let last: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
            Counts::new(&x, &last, &vec![5.0; customers]).unwrap().enough()
        };
        assert_eq!(of(1, 1), Err(ClvError::OneCustomer));
        assert_eq!(of(49, 20), Err(ClvError::TooFewCustomers { found: 49, needed: 50 }));
        assert_eq!(of(60, 0), Err(ClvError::NoRepeatPurchase { customers: 60 }));
        assert_eq!(of(60, 9), Err(ClvError::TooFewRepeatCustomers { found: 9, needed: 10 }));
        assert_eq!(of(60, 10), Ok(()));
    }
}
