//! Products that are bought together.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::Serialize;

use super::error::ClvError;

/// Largest ordinal of a product.
const MAX_PRODUCTS: u32 = 20_000_000;
/// Pairs that may be counted over all passes, so that a pass over pairs ends in bounded time.
const MAX_PAIR_VISITS: u64 = 4_000_000_000;

/// Which pairs come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PairRank {
    /// Those in most orders, then by lift.
    Count,
    /// Those furthest from chance, then by count.
    Lift,
    /// Those where one product most often brings the other, then by count.
    Confidence,
}

impl PairRank {
    /// Whether `x` comes before `y`; the same whatever order they came in.
    fn cmp(self, x: &Pair, y: &Pair) -> Ordering {
        let by_count = || y.count.cmp(&x.count);
        let by_lift = || y.lift.total_cmp(&x.lift);
        let best = |pair: &Pair| f64::max(pair.confidence_a_b, pair.confidence_b_a);
        let ranked = match self {
            Self::Count => by_count().then_with(by_lift),
            Self::Lift => by_lift().then_with(by_count),
            Self::Confidence => best(y).total_cmp(&best(x)).then_with(by_count),
        };
        ranked.then((x.a, x.b).cmp(&(y.a, y.b)))
    }
}

/// What to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasketOptions {
    /// Orders that a pair must be in, from 1.
    pub min_count: u32,
    /// Orders with more different products are left out: they say nothing about pairs, and an order
    /// of n products has n (n - 1) / 2 pairs.
    pub max_products: u32,
    /// Different pairs counted at a time: some 30 bytes each.
    pub pairs_at_a_time: usize,
    /// Most pairs in the answer.
    pub limit: usize,
    /// Which come first.
    pub rank: PairRank,
}

impl Default for BasketOptions {
    fn default() -> Self {
        Self {
            min_count: 10,
            max_products: 200,
            pairs_at_a_time: 4_000_000,
            limit: 1_000,
            rank: PairRank::Count,
        }
    }
}

/// Two products that were bought in the same orders.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pair {
    /// The product with the smaller ordinal.
    pub a: u32,
    /// The other product.
    pub b: u32,
    /// Orders with both.
    pub count: u64,
    /// Share of all orders that have both.
    pub support: f64,
    /// Share of the orders with `a` that also have `b`.
    pub confidence_a_b: f64,
    /// Share of the orders with `b` that also have `a`.
    pub confidence_b_a: f64,
    /// Support divided by what it would be if the two were bought independently.
    pub lift: f64,
}

/// Pairs in the order asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Baskets {
    /// Orders, without those left out.
    pub orders: u64,
    /// Orders left out for too many products.
    pub orders_left_out: u64,
    /// Pairs with at least the count asked for.
    pub pairs_found: u64,
    /// The first of them.
    pub pairs: Vec<Pair>,
}

/// Counts pairs of products in orders. `order` and `product` are columns of one length: one row for
/// each line of an order, in any sequence; a product counts once in an order.
///
/// Exact, in bounded memory: products in fewer than `min_count` orders are in no pair that counts
/// (Agrawal and Srikant 1994), and where the rest could make more than `pairs_at_a_time` pairs they
/// are counted in several passes, each for a share of the products.
///
/// # Errors
/// `Lengths`, `TooLarge`; `BadOption` for a `min_count` or `pairs_at_a_time` of 0.
pub fn baskets(
    order: &[u32],
    product: &[u32],
    options: &BasketOptions,
) -> Result<Baskets, ClvError> {
    let lines = check(order, product, options)?;
    let mut kept: Vec<&[(u32, u32)]> = Vec::new();
    let mut left_out = 0;
    for lines in lines.chunk_by(|a, b| a.0 == b.0) {
        if lines.len() > options.max_products as usize {
            left_out += 1;
        } else {
            kept.push(lines);
        }
    }
    let products = product.iter().max().map_or(0, |last| *last as usize + 1);
    let mut orders_with = vec![0_u32; products];
    for (_, product) in kept.iter().copied().flatten() {
        orders_with[*product as usize] += 1;
    }
    let frequent = |product: u32| orders_with[product as usize] >= options.min_count;
    let visits: u64 = kept
        .iter()
        .map(|lines| lines.iter().filter(|(_, product)| frequent(*product)).count() as u64)
        .map(|count| count * count.saturating_sub(1) / 2)
        .sum();
    let often = orders_with.iter().filter(|count| **count >= options.min_count).count() as u64;
    // No more different pairs than visits, and no more than there are pairs of frequent products.
    let different = visits.min(often * often.saturating_sub(1) / 2);
    let passes = different.div_ceil(options.pairs_at_a_time as u64).max(1);
    if visits.saturating_mul(passes) > MAX_PAIR_VISITS {
        let (found, limit) = (visits.saturating_mul(passes), MAX_PAIR_VISITS);
        return Err(ClvError::TooLarge { what: "number of pairs to count", found, limit });
    }
    let orders = kept.len() as u64;
    let mut answer =
        Baskets { orders, orders_left_out: left_out, pairs_found: 0, pairs: Vec::new() };
    let mut counts: HashMap<(u32, u32), u32> = HashMap::new();
    let mut own: Vec<u32> = Vec::new();
    for pass in 0..passes {
        for lines in &kept {
            own.clear();
            own.extend(lines.iter().map(|(_, product)| *product).filter(|p| frequent(*p)));
            for (at, a) in own.iter().enumerate() {
                for b in &own[at + 1..] {
                    if pass_of(*a, *b, passes) == pass {
                        match counts.entry((*a, *b)) {
                            Entry::Occupied(mut count) => *count.get_mut() += 1,
                            Entry::Vacant(slot) => drop(slot.insert(1)),
                        }
                    }
                }
            }
        }
        for ((a, b), count) in counts.drain() {
            if count >= options.min_count {
                answer.pairs_found += 1;
                let with = (orders_with[a as usize], orders_with[b as usize]);
                answer.pairs.push(pair(a, b, count, with, orders));
                if answer.pairs.len() >= options.limit.saturating_mul(2).max(100_000) {
                    rank(&mut answer.pairs, options);
                }
            }
        }
        rank(&mut answer.pairs, options);
    }
    Ok(answer)
}

/// Which pass counts a pair: spread evenly, and the same on every machine.
fn pass_of(a: u32, b: u32, passes: u64) -> u64 {
    if passes == 1 {
        return 0;
    }
    let key = (u64::from(a) << 32 | u64::from(b)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (key >> 32) % passes
}

/// The best pairs, in an order that does not depend on how they came.
fn rank(pairs: &mut Vec<Pair>, options: &BasketOptions) {
    pairs.sort_unstable_by(|x, y| options.rank.cmp(x, y));
    pairs.truncate(options.limit);
}

fn pair(a: u32, b: u32, count: u32, (with_a, with_b): (u32, u32), orders: u64) -> Pair {
    let (both, all) = (f64::from(count), orders as f64);
    let (with_a, with_b) = (f64::from(with_a), f64::from(with_b));
    Pair {
        a,
        b,
        count: u64::from(count),
        support: both / all,
        confidence_a_b: both / with_a,
        confidence_b_a: both / with_b,
        lift: both * all / (with_a * with_b),
    }
}

/// Sorted, distinct lines of orders.
fn check(
    order: &[u32],
    product: &[u32],
    options: &BasketOptions,
) -> Result<Vec<(u32, u32)>, ClvError> {
    let (expected, found) = (order.len(), product.len());
    if found != expected {
        return Err(ClvError::Lengths { column: "product", found, expected });
    }
    if let Some(last) = product.iter().max().filter(|last| **last >= MAX_PRODUCTS) {
        return Err(ClvError::TooLarge {
            what: "ordinal of a product",
            found: u64::from(*last),
            limit: u64::from(MAX_PRODUCTS) - 1,
        });
    }
    for (name, value) in [
        ("the smallest count of a pair", f64::from(options.min_count)),
        ("the number of pairs at a time", options.pairs_at_a_time as f64),
    ] {
        if value < 1.0 {
            return Err(ClvError::BadOption { name, value });
        }
    }
    let mut lines: Vec<(u32, u32)> = order.iter().copied().zip(product.iter().copied()).collect();
    lines.sort_unstable();
    lines.dedup();
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: BasketOptions = BasketOptions {
        min_count: 1,
        max_products: 10,
        pairs_at_a_time: 100,
        limit: 100,
        rank: PairRank::Count,
    };

    #[test]
    fn figures_of_a_small_shop() {
        // Orders: {1, 2}, {1, 2, 3}, {1}, {3}; product 2 stands twice in the second.
        let order = [0, 1, 1, 0, 1, 2, 3, 1];
        let product = [1, 2, 1, 2, 3, 1, 3, 2];
        let found = baskets(&order, &product, &BasketOptions { min_count: 2, ..ANY }).unwrap();
        assert_eq!((found.orders, found.orders_left_out, found.pairs_found), (4, 0, 1));
        let pair = found.pairs[0];
        assert_eq!((pair.a, pair.b, pair.count), (1, 2, 2));
        assert_eq!(pair.support, 0.5);
        assert_eq!((pair.confidence_a_b, pair.confidence_b_a), (2.0 / 3.0, 1.0));
        assert!((pair.lift - 0.5 / (0.75 * 0.5)).abs() < 1e-15);
    }

    #[test]
    fn several_passes_find_what_one_finds() {
        let order: Vec<u32> = (0..3_000).map(|line| line / 6).collect();
        let product: Vec<u32> = (0..3_000_u32).map(|line| line * line % 97 % 40).collect();
        let one = baskets(&order, &product, &BasketOptions { pairs_at_a_time: 100_000, ..ANY });
        let many = baskets(&order, &product, &BasketOptions { pairs_at_a_time: 7, ..ANY });
        assert!(one.as_ref().unwrap().pairs_found > 50);
        assert_eq!(one, many);
    }

    #[test]
    fn pairs_come_as_they_are_ranked() {
        // {1, 2} six times with 1 alone four times; {3, 4} three times and never apart.
        let mut lines: Vec<(u32, u32)> = (0..10).map(|order| (order, 1)).collect();
        lines.extend((0..6).map(|order| (order, 2)));
        lines.extend((10..13).flat_map(|order| [(order, 3), (order, 4)]));
        let (order, product): (Vec<u32>, Vec<u32>) = lines.into_iter().unzip();
        let first = |rank| {
            let found =
                baskets(&order, &product, &BasketOptions { rank, limit: 1, ..ANY }).unwrap();
            assert_eq!((found.pairs_found, found.pairs.len()), (2, 1));
            (found.pairs[0].a, found.pairs[0].b)
        };
        assert_eq!(first(PairRank::Count), (1, 2));
        assert_eq!(first(PairRank::Lift), (3, 4));
        // Both bring the other always, one way at least: the more frequent comes first.
        assert_eq!(first(PairRank::Confidence), (1, 2));
    }

    #[test]
    fn large_orders_and_bad_options() {
        let order = [0; 11];
        let product: Vec<u32> = (0..11).collect();
        let found = baskets(&order, &product, &ANY).unwrap();
        assert_eq!((found.orders, found.orders_left_out, found.pairs.len()), (0, 1, 0));
        let none = BasketOptions { min_count: 0, ..ANY };
        assert!(matches!(baskets(&[0], &[0], &none), Err(ClvError::BadOption { .. })));
        assert!(matches!(baskets(&[0], &[], &ANY), Err(ClvError::Lengths { .. })));
        assert!(matches!(baskets(&[0], &[u32::MAX], &ANY), Err(ClvError::TooLarge { .. })));
    }
}
