//! Days till a customer buys the same product again.

use serde::Serialize;

use super::error::ClvError;
use super::repurchase::{Intervals, intervals};

/// Lines of orders as columns of one length, in any order.
#[derive(Debug, Clone, Copy)]
pub struct ProductLines<'a> {
    /// Ordinal of the customer.
    pub customer: &'a [u32],
    /// Days since 1970-01-01.
    pub day: &'a [i32],
    /// Ordinal of the product.
    pub product: &'a [u32],
}

/// How often, and after how long, a product is bought again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reorder {
    /// Ordinal of the product.
    pub product: u32,
    /// Customers who bought it.
    pub buyers: u64,
    /// Those who bought it on a second day.
    pub again: u64,
    /// Days from one day on which a customer bought it to the next.
    pub intervals: Intervals,
}

/// Products by the number of customers who bought them again, the most first, at most `limit`; those that
/// fewer than `min_again` bought again are left out. Lines of one customer, product and day count once.
///
/// As with [`super::repurchase::repurchase`], only intervals that ended are seen.
///
/// # Errors
/// `Lengths`.
pub fn reorders(
    lines: ProductLines<'_>,
    min_again: u64,
    limit: usize,
) -> Result<Vec<Reorder>, ClvError> {
    let expected = lines.customer.len();
    for (column, found) in [("day", lines.day.len()), ("product", lines.product.len())] {
        if found != expected {
            return Err(ClvError::Lengths { column, found, expected });
        }
    }
    let columns = lines.product.iter().zip(lines.customer).zip(lines.day);
    let mut bought: Vec<(u32, u32, i32)> =
        columns.map(|((product, customer), day)| (*product, *customer, *day)).collect();
    bought.sort_unstable();
    bought.dedup();
    let mut days = Vec::new();
    let mut found: Vec<Reorder> = bought
        .chunk_by(|a, b| a.0 == b.0)
        .filter_map(|of_product| {
            days.clear();
            let (mut buyers, mut again) = (0, 0);
            for of_buyer in of_product.chunk_by(|a, b| a.1 == b.1) {
                buyers += 1;
                again += u64::from(of_buyer.len() > 1);
                days.extend(of_buyer.windows(2).map(|pair| pair[1].2.abs_diff(pair[0].2)));
            }
            let product = of_product.first()?.0;
            let enough = again >= min_again.max(1);
            enough.then(|| {
                Some(Reorder { product, buyers, again, intervals: intervals(&mut days)? })
            })?
        })
        .collect();
    found.sort_by(|x, y| {
        (y.again, y.buyers).cmp(&(x.again, x.buyers)).then(x.product.cmp(&y.product))
    });
    found.truncate(limit);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_followed_by_itself() {
        // Customer 0 buys product 7 on days 0, 10, 10 and 40, and 8 on day 5; customer 1 buys 7 on days 3 and
        // 23; customer 2 buys 7 once and 8 on days 1 and 2.
        let customer = [0, 0, 0, 0, 0, 1, 1, 2, 2, 2];
        let day = [40, 10, 0, 10, 5, 23, 3, 9, 1, 2];
        let product = [7, 7, 7, 7, 8, 7, 7, 7, 8, 8];
        let lines = ProductLines { customer: &customer, day: &day, product: &product };
        let found = reorders(lines, 1, 10).unwrap();
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.product, one.buyers, one.again, one.intervals.count))
            .collect();
        assert_eq!(told, [(7, 3, 2, 3), (8, 2, 1, 1)]);
        assert_eq!(found[0].intervals.quantiles_days, [12.0, 15.0, 20.0, 25.0, 28.0]);
        assert_eq!(reorders(lines, 2, 10).unwrap().len(), 1);
        assert_eq!(reorders(lines, 0, 1).unwrap().len(), 1);
        let uneven = ProductLines { customer: &[0], day: &[], product: &[1] };
        assert!(matches!(reorders(uneven, 1, 1), Err(ClvError::Lengths { .. })));
    }

    #[test]
    fn nothing_bought_again_is_not_told() {
        let lines = ProductLines { customer: &[0, 1], day: &[1, 1], product: &[3, 3] };
        assert_eq!(reorders(lines, 0, 5), Ok(Vec::new()));
    }
}
