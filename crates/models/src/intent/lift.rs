//! How often one behaviour went with the outcome: of those who added to cart, 83 % bought.

use serde::Serialize;

use super::frame::{ColumnData, Frame, MISSING};

/// Two-sided 95 % of the normal distribution.
pub(crate) const Z95: f64 = 1.959_963_984_540_054;
/// Fewer rows than this tell too little to be listed.
const MIN_COUNT: usize = 20;
/// Values listed of one column, the most frequent ones.
const MAX_VALUES: usize = 50;
/// Parts of a column of numbers.
const DECILES: usize = 10;

/// Rows that share one value, and what they did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LiftRow {
    /// The column.
    pub column: String,
    /// The value as it is written; `None` for rows without one and for a range of numbers.
    pub value: Option<String>,
    /// Smallest and largest number (days for dates) of a range, both included.
    pub range: Option<(f64, f64)>,
    /// Rows.
    pub count: usize,
    /// Of these, with the outcome.
    pub positives: usize,
    /// Their share.
    pub rate: f64,
    /// The rate as a multiple of that of all rows.
    pub lift: f64,
    /// Lower end of the rate's 95 % interval.
    pub rate_low: f64,
    /// Upper end of the rate's 95 % interval.
    pub rate_high: f64,
}

/// The interval of a share, for `z` standard deviations. (0, 1) without rows.
///
/// Source: Wilson (1927); Brown, Cai and DasGupta (2001), eq. 4.
#[must_use]
pub fn wilson(positives: usize, count: usize, z: f64) -> (f64, f64) {
    if count == 0 {
        return (0.0, 1.0);
    }
    let (n, p) = (count as f64, positives as f64 / count as f64);
    let middle = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
}

/// The rates of every value, or decile of numbers, of the columns `places`, the highest lower bound first.
///
/// `rows` are rows of the frame, `outcomes` theirs. Values with fewer than 20 rows are not listed.
pub(crate) fn lift(
    frame: &Frame,
    places: &[usize],
    rows: &[u32],
    outcomes: &[bool],
) -> Vec<LiftRow> {
    let all = outcomes.iter().filter(|&&outcome| outcome).count() as f64 / rows.len().max(1) as f64;
    let mut list = Vec::new();
    for &place in places {
        let column = &frame.columns()[place];
        let groups = match &column.data {
            ColumnData::Categorical { codes, labels } => {
                by_code(rows, outcomes, labels.len(), |row| codes[row], |code| labels[code].clone())
            }
            ColumnData::Boolean { values, labels } => {
                let code = |row: usize| values[row].map_or(MISSING, u32::from);
                by_code(rows, outcomes, 2, code, |code| labels[code].clone())
            }
            ColumnData::Numeric(_) | ColumnData::Date(_) => {
                by_decile(rows, outcomes, |row| column.number(row))
            }
            ColumnData::Text { .. } => Vec::new(),
        };
        list.extend(groups.into_iter().filter(|group| group.count >= MIN_COUNT).map(|group| {
            let rate = group.positives as f64 / group.count as f64;
            let (rate_low, rate_high) = wilson(group.positives, group.count, Z95);
            LiftRow {
                column: column.name.clone(),
                value: group.value,
                range: group.range,
                count: group.count,
                positives: group.positives,
                rate,
                lift: if all > 0.0 { rate / all } else { 0.0 },
                rate_low,
                rate_high,
            }
        }));
    }
    // Stable: equal bounds stay in the order of columns and values.
    list.sort_by(|a, b| b.rate_low.total_cmp(&a.rate_low));
    list
}

#[derive(Default)]
struct Group {
    value: Option<String>,
    range: Option<(f64, f64)>,
    count: usize,
    positives: usize,
}

fn by_code(
    rows: &[u32],
    outcomes: &[bool],
    codes: usize,
    code: impl Fn(usize) -> u32,
    label: impl Fn(usize) -> String,
) -> Vec<Group> {
    let mut counts = vec![(0, 0); codes + 1];
    for (&row, &outcome) in rows.iter().zip(outcomes) {
        let count = &mut counts[(code(row as usize) as usize).min(codes)];
        count.0 += 1;
        count.1 += usize::from(outcome);
    }
    let mut order: Vec<usize> = (0..=codes).filter(|&code| counts[code].0 > 0).collect();
    order.sort_by(|&a, &b| counts[b].0.cmp(&counts[a].0).then(a.cmp(&b)));
    order.truncate(MAX_VALUES);
    order
        .into_iter()
        .map(|code| Group {
            value: (code < codes).then(|| label(code)),
            range: None,
            count: counts[code].0,
            positives: counts[code].1,
        })
        .collect()
}

fn by_decile(rows: &[u32], outcomes: &[bool], number: impl Fn(usize) -> f64) -> Vec<Group> {
    let mut missing = Group::default();
    let mut known: Vec<(f64, bool)> = Vec::new();
    for (&row, &outcome) in rows.iter().zip(outcomes) {
        let value = number(row as usize);
        if value.is_nan() {
            missing.count += 1;
            missing.positives += usize::from(outcome);
        } else {
            known.push((value, outcome));
        }
    }
    known.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut groups = Vec::new();
    let mut begin = 0;
    for decile in 1..=DECILES {
        let mut end = known.len() * decile / DECILES;
        // Equal numbers stay together.
        while end > 0 && end < known.len() && known[end].0 == known[end - 1].0 {
            end += 1;
        }
        let Some(part) = known.get(begin..end).filter(|part| !part.is_empty()) else { continue };
        groups.push(Group {
            value: None,
            range: Some((part[0].0, part[part.len() - 1].0)),
            count: part.len(),
            positives: part.iter().filter(|row| row.1).count(),
        });
        begin = end;
    }
    groups.push(missing);
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ends are the roots of (p − q)² = z² q (1 − q) / n, by which Wilson defines them.
    #[test]
    fn wilson_intervals_solve_their_equation() {
        for (positives, count) in [(83, 100), (1, 50), (0, 20), (499, 500)] {
            let p = f64::from(positives) / f64::from(count);
            let (low, high) = wilson(positives as usize, count as usize, Z95);
            for q in [low, high] {
                let miss = (p - q).powi(2) - Z95 * Z95 * q * (1.0 - q) / f64::from(count);
                assert!(miss.abs() < 1e-12, "{positives}/{count}: {q}");
            }
            assert!(low <= p && p <= high);
        }
        let (low, high) = wilson(30, 30, Z95);
        assert!((low - 30.0 / (30.0 + Z95 * Z95)).abs() < 1e-12 && high == 1.0);
        assert_eq!(wilson(0, 0, Z95), (0.0, 1.0));
    }

    #[test]
    fn of_those_who_added_to_cart_so_many_bought() {
        let mut frame = Frame::new(400);
        let cart: Vec<_> = (0..400).map(|row| (row % 10 != 9).then_some(row < 100)).collect();
        let data = ColumnData::Boolean { values: cart, labels: ["no", "yes"].map(str::to_owned) };
        frame.push("cart", data).unwrap();
        frame.push("visits", ColumnData::Numeric((0..400).map(f64::from).collect())).unwrap();
        let outcomes: Vec<bool> = (0..400).map(|row| row < 100 && row % 5 != 0).collect();
        let rows: Vec<u32> = (0..400).collect();
        let list = lift(&frame, &[0, 1], &rows, &outcomes);
        let yes = list.iter().find(|row| row.value.as_deref() == Some("yes")).unwrap();
        assert_eq!((yes.count, yes.positives), (90, 70));
        assert!((yes.lift - 70.0 / 90.0 / 0.2).abs() < 1e-12);
        let missing = list.iter().find(|row| row.value.is_none() && row.range.is_none()).unwrap();
        assert_eq!((missing.column.as_str(), missing.count), ("cart", 40));
        let deciles: Vec<_> = list.iter().filter(|row| row.range.is_some()).collect();
        assert_eq!(deciles.len(), 10);
        assert_eq!(deciles.iter().map(|row| row.count).sum::<usize>(), 400);
        assert!(list.windows(2).all(|pair| pair[0].rate_low >= pair[1].rate_low));
    }

    #[test]
    fn a_million_equal_numbers_are_one_group() {
        let rows: Vec<u32> = (0..1_000).collect();
        let groups =
            by_decile(&rows, &vec![true; 1_000], |row| if row < 900 { 0.0 } else { row as f64 });
        let sizes: Vec<usize> = groups.iter().map(|group| group.count).collect();
        assert_eq!(sizes, [900, 100, 0]);
    }
}
