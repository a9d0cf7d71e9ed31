//! Sets of customers by a number that orders or lines carry.

use roaring::RoaringBitmap;

use crate::blocks::{self, CONTAINER};

/// For each of `count` numbers, the customers of `0..len` for whom `numbers` puts it, once or more often.
///
/// Many sets take what comes one by one slowly, for each lies elsewhere in memory. So the customers of a container
/// are sorted by number first, by counting.
pub(crate) fn sets_by_number(
    len: usize,
    count: usize,
    numbers: impl Fn(usize, &mut dyn FnMut(u32)) + Sync,
) -> Vec<RoaringBitmap> {
    let parts = blocks::parts(len, |part| {
        let mut sets = vec![RoaringBitmap::new(); count];
        let mut put: Vec<(u32, u32)> = Vec::new();
        let mut ends = vec![0_usize; count];
        let mut sorted = Vec::new();
        for start in part.clone().step_by(CONTAINER) {
            put.clear();
            for customer in start..(start + CONTAINER).min(part.end) {
                let mut before = None;
                numbers(customer, &mut |number| {
                    if before.replace(number) != Some(number) {
                        put.push((number, customer as u32));
                    }
                });
            }
            ends.fill(0);
            put.iter().for_each(|(number, _)| ends[*number as usize] += 1);
            let mut end = 0;
            for slot in &mut ends {
                end += std::mem::replace(slot, end);
            }
            sorted.clear();
            sorted.resize(put.len(), 0);
            for (number, customer) in &put {
                let slot = &mut ends[*number as usize];
                sorted[*slot] = *customer;
                *slot += 1;
            }
            let mut begin = 0;
            for (set, end) in sets.iter_mut().zip(&ends) {
                append(set, &sorted[begin..*end]);
                begin = *end;
            }
        }
        sets
    });
    let mut parts = parts.into_iter();
    let mut all = parts.next().unwrap_or_default();
    for part in parts {
        all.iter_mut().zip(part).for_each(|(all, part)| *all |= part);
    }
    all
}

/// Adds customers, rising and all after those of the set; some come more than once.
fn append(set: &mut RoaringBitmap, customers: &[u32]) {
    let mut before = None;
    let distinct = customers.iter().copied().filter(|own| before.replace(*own) != Some(*own));
    // Never fails, as they rise.
    drop(set.append(distinct));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn everybody_is_in_the_sets_of_their_numbers(
            all in prop::collection::vec(prop::collection::vec(0_u32..7, 0..5), 0..400),
        ) {
            let sets = sets_by_number(all.len(), 7, |at, put| {
                all[at].iter().for_each(|number| put(*number));
            });
            prop_assert_eq!(sets.len(), 7);
            for (number, set) in (0..).zip(&sets) {
                let expected: Vec<u32> =
                    (0..).zip(&all).filter(|(_, own)| own.contains(&number)).map(|(at, _)| at).collect();
                prop_assert_eq!(set.iter().collect::<Vec<_>>(), expected);
            }
        }
    }
}
