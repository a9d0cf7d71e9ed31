//! How many purchases, and whose, are made below a product's usual price.

use serde::Serialize;

use super::error::ClvError;

/// Lines that a product needs, so that it has a usual price. A rule of this house.
pub const MIN_LINES: usize = 10;
/// Lines that a customer needs to be told apart. A rule of this house.
pub const MIN_OF_CUSTOMER: u64 = 3;
/// Lower bounds of the bands above the first: unit price by the usual price.
pub const BOUNDS: [f64; 3] = [0.7, 0.9, 1.1];
/// What rounding may take from a ratio: who paid exactly 0.7 of the usual price is not below it, whatever the unit.
const ROUNDING: f64 = 1e-12;
/// A share of the usual price below which a purchase is called cheap: the two lower bands.
const CHEAP: f64 = BOUNDS[1];

/// Lines of orders as columns of one length, in any order.
#[derive(Debug, Clone, Copy)]
pub struct PricedLines<'a> {
    /// Ordinal of the customer.
    pub customer: &'a [u32],
    /// Ordinal of the product.
    pub product: &'a [u32],
    /// Pieces.
    pub quantity: &'a [i64],
    /// Amount, in any one currency and unit.
    pub amount: &'a [i64],
}

/// Lines in one band of prices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PriceBand {
    /// Lines.
    pub lines: u64,
    /// Their pieces.
    pub pieces: i64,
    /// Their amount.
    pub amount: i64,
    /// Customers with such a line.
    pub customers: u64,
}

/// Customers by how many of their lines are cheap: less than 0.9 of the usual price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PriceHabit {
    /// Customers.
    pub customers: u64,
    /// Their lines.
    pub lines: u64,
    /// The amount of their lines.
    pub amount: i64,
}

/// Purchases by price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PriceSensitivity {
    /// Products with a usual price.
    pub products: u64,
    /// Lines of these with an amount and pieces above 0.
    pub lines: u64,
    /// Lines left out: without such an amount or pieces, or of a product with fewer than ten others.
    pub lines_left_out: u64,
    /// Below 0.7 of the usual price, from 0.7, from 0.9, and from 1.1 on.
    pub bands: [PriceBand; 4],
    /// Customers with at least three lines of whom none is cheap, at most half, and more than half.
    pub habits: [PriceHabit; 3],
}

struct Line {
    customer: u32,
    band: usize,
    quantity: i64,
    amount: i64,
}

/// Holds the unit price of every line against the usual price of its product: the median of the unit prices of its
/// lines, each counted once.
///
/// A line's unit price is its amount by its pieces. Lines with an amount or pieces of 0 and less say nothing of a
/// price and are left out.
///
/// # Errors
/// `Lengths`.
pub fn price_sensitivity(lines: PricedLines<'_>) -> Result<PriceSensitivity, ClvError> {
    let expected = lines.customer.len();
    for (column, found) in [
        ("product", lines.product.len()),
        ("quantity", lines.quantity.len()),
        ("amount", lines.amount.len()),
    ] {
        if found != expected {
            return Err(ClvError::Lengths { column, found, expected });
        }
    }
    let unit = |row: usize| lines.amount[row] as f64 / lines.quantity[row] as f64;
    let mut rows: Vec<u32> = (0..expected as u32)
        .filter(|row| lines.quantity[*row as usize] > 0 && lines.amount[*row as usize] > 0)
        .collect();
    rows.sort_unstable_by(|a, b| {
        let (a, b) = (*a as usize, *b as usize);
        lines.product[a].cmp(&lines.product[b]).then(unit(a).total_cmp(&unit(b))).then(a.cmp(&b))
    });
    let mut found = PriceSensitivity::default();
    let mut priced: Vec<Line> = Vec::with_capacity(rows.len());
    for own in rows.chunk_by(|a, b| lines.product[*a as usize] == lines.product[*b as usize]) {
        if own.len() < MIN_LINES {
            continue;
        }
        found.products += 1;
        let at = |index: usize| unit(own[index] as usize);
        let usual = f64::midpoint(at((own.len() - 1) / 2), at(own.len() / 2));
        priced.extend(own.iter().map(|row| {
            let row = *row as usize;
            let ratio = unit(row) / usual * (1.0 + ROUNDING);
            Line {
                customer: lines.customer[row],
                band: BOUNDS.iter().filter(|bound| ratio >= **bound).count(),
                quantity: lines.quantity[row],
                amount: lines.amount[row],
            }
        }));
    }
    found.lines = priced.len() as u64;
    found.lines_left_out = expected as u64 - found.lines;
    let cheap_bands = BOUNDS.iter().filter(|bound| **bound <= CHEAP).count();
    priced.sort_unstable_by_key(|line| (line.customer, line.band));
    for own in priced.chunk_by(|a, b| a.customer == b.customer) {
        let mut cheap = 0;
        let mut amount = 0_i64;
        for of_band in own.chunk_by(|a, b| a.band == b.band) {
            let band = &mut found.bands[of_band[0].band];
            band.customers += 1;
            band.lines += of_band.len() as u64;
            for line in of_band {
                band.pieces = band.pieces.saturating_add(line.quantity);
                band.amount = band.amount.saturating_add(line.amount);
                amount = amount.saturating_add(line.amount);
            }
            if of_band[0].band < cheap_bands {
                cheap += of_band.len() as u64;
            }
        }
        let all = own.len() as u64;
        if all >= MIN_OF_CUSTOMER {
            let habit = match cheap {
                0 => 0,
                cheap if cheap * 2 <= all => 1,
                _ => 2,
            };
            let habit = &mut found.habits[habit];
            habit.customers += 1;
            habit.lines += all;
            habit.amount = habit.amount.saturating_add(amount);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn purchases_are_held_against_the_usual_price() {
        // Product 1 costs 100 in eight of twelve lines, 80 in two, 50 in one and 200 in one; product 2 has too few
        // lines. Customer 0 has the cheap three and one at 100, customer 1 the dear one, customer 2 the rest.
        let mut rows =
            vec![(0, 1, 1, 80), (0, 1, 2, 160), (0, 1, 1, 50), (0, 1, 1, 100), (1, 1, 1, 200)];
        rows.extend([(2, 1, 3, 300); 7]);
        rows.extend([(3, 2, 1, 10), (3, 1, 0, 100), (3, 1, 1, 0), (3, 1, 1, -5)]);
        let customer: Vec<u32> = rows.iter().map(|row| row.0).collect();
        let product: Vec<u32> = rows.iter().map(|row| row.1).collect();
        let quantity: Vec<i64> = rows.iter().map(|row| row.2).collect();
        let amount: Vec<i64> = rows.iter().map(|row| row.3).collect();
        let lines = PricedLines {
            customer: &customer,
            product: &product,
            quantity: &quantity,
            amount: &amount,
        };
        let found = price_sensitivity(lines).unwrap();
        assert_eq!((found.products, found.lines, found.lines_left_out), (1, 12, 4));
        let band =
            |lines, pieces, amount, customers| PriceBand { lines, pieces, amount, customers };
        assert_eq!(
            found.bands,
            [band(1, 1, 50, 1), band(2, 3, 240, 1), band(8, 22, 2_200, 2), band(1, 1, 200, 1)]
        );
        let habit = |customers, lines, amount| PriceHabit { customers, lines, amount };
        // Customer 1 has too few lines to be told apart.
        assert_eq!(found.habits, [habit(1, 7, 2_100), habit(0, 0, 0), habit(1, 4, 390)]);
        let uneven = PricedLines { quantity: &[], ..lines };
        assert!(matches!(price_sensitivity(uneven), Err(ClvError::Lengths { .. })));
    }

    proptest! {
        #[test]
        fn every_line_is_somewhere_and_scale_says_nothing(
            rows in prop::collection::vec((0_u32..6, 0_u32..3, -1_i64..4, -5_i64..200), 0..120),
            scale in 1_i64..50,
        ) {
            let column = |of: fn(&(u32, u32, i64, i64)) -> i64| rows.iter().map(of).collect::<Vec<i64>>();
            let customer: Vec<u32> = rows.iter().map(|row| row.0).collect();
            let product: Vec<u32> = rows.iter().map(|row| row.1).collect();
            let (quantity, amount) = (column(|row| row.2), column(|row| row.3));
            let lines = PricedLines {
                customer: &customer,
                product: &product,
                quantity: &quantity,
                amount: &amount,
            };
            let found = price_sensitivity(lines).unwrap();
            prop_assert_eq!(found.lines + found.lines_left_out, rows.len() as u64);
            prop_assert_eq!(found.bands.iter().map(|band| band.lines).sum::<u64>(), found.lines);
            let told: u64 = found.habits.iter().map(|habit| habit.lines).sum();
            prop_assert!(told <= found.lines);
            // In another currency's unit the bands are the same.
            let scaled: Vec<i64> = amount.iter().map(|amount| amount * scale).collect();
            let other = price_sensitivity(PricedLines { amount: &scaled, ..lines }).unwrap();
            prop_assert_eq!(other.bands.map(|band| band.lines), found.bands.map(|band| band.lines));
            // Half of a product's lines at most are below its median.
            prop_assert!((found.bands[0].lines + found.bands[1].lines) * 2 <= found.lines);
        }
    }
}
