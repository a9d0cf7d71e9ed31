//! How the lines of a report meet those that are known, and what lines say of their order. Pure.

use std::collections::HashMap;

use crate::record::{LineRecord, OrderRecord};
use crate::state::OrderState;

const TITLE_BYTES: usize = 500;

/// The lines' titles as one text, the first few of many.
#[must_use]
pub fn titles(lines: &[LineRecord]) -> Option<String> {
    let mut out = String::new();
    for title in lines.iter().filter_map(|line| line.title.as_deref()) {
        if out.len() + title.len() > TITLE_BYTES && !out.is_empty() {
            out.push('…');
            break;
        }
        if !out.is_empty() {
            out.push('，');
        }
        out.push_str(title);
    }
    if out.is_empty() { None } else { Some(out) }
}

/// The pieces of all lines.
#[must_use]
pub fn pieces(lines: &[LineRecord]) -> i64 {
    lines.iter().fold(0, |sum, line| sum.saturating_add(line.quantity))
}

/// Whether every line has a number of its own.
fn numbered(lines: &[LineRecord]) -> bool {
    lines.iter().all(|line| line.external_no.is_some())
}

fn refunded(lines: &[LineRecord]) -> Option<i64> {
    lines.iter().filter_map(|line| line.refund_minor).reduce(i64::saturating_add)
}

/// Whether `said` was written before `known`: its state lies behind, or in the same state it knows of
/// less refunded, which is never taken back. `None` where the states do not tell.
fn is_line_late(known: &LineRecord, said: &LineRecord) -> Option<bool> {
    let (before, now) = (known.state?, said.state?);
    let less = said.refund_minor.is_some_and(|said| Some(said) < known.refund_minor);
    Some(now < before || now == before && less)
}

/// Takes in the lines of a report; `late` says that the report as a whole was written before what is
/// known.
///
/// Lines with a number of their own replace the line of that number and leave the others. Lines without
/// one replace the whole set, or follow on where the report goes on from the one before it. What is late
/// adds lines that are not known, and changes none.
#[must_use]
pub fn merge_lines(known: &[LineRecord], record: &OrderRecord, late: bool) -> Vec<LineRecord> {
    let said = &record.lines;
    if said.is_empty() {
        return known.to_vec();
    }
    if known.is_empty() {
        return said.clone();
    }
    if !(numbered(said) && numbered(known)) {
        let less = refunded(said).is_some_and(|said| Some(said) < refunded(known));
        return match record.goes_on {
            true if late => known.to_vec(),
            true => [known, said].concat(),
            false if late || less => known.to_vec(),
            false => said.clone(),
        };
    }
    let mut lines = known.to_vec();
    let mut at: HashMap<Option<String>, usize> =
        known.iter().enumerate().map(|(index, line)| (line.external_no.clone(), index)).collect();
    for line in said {
        match at.get(&line.external_no) {
            Some(index) => {
                let known = &mut lines[*index];
                if !is_line_late(known, line).unwrap_or(late) {
                    *known = LineRecord { state: line.state.or(known.state), ..line.clone() };
                }
            }
            None => {
                at.insert(line.external_no.clone(), lines.len());
                lines.push(line.clone());
            }
        }
    }
    lines
}

/// `record` with the totals that are sums of its lines made those of all `merged` lines of the order.
///
/// `None` where the lines do not tell: some have no amount, or they have no numbers, so that those of
/// the record are the whole order.
#[must_use]
pub fn with_all_lines(
    record: &OrderRecord,
    merged: &[LineRecord],
    freight_known: Option<i64>,
) -> Option<OrderRecord> {
    let sums = record.sums;
    let said = &record.lines;
    let parts = record.goes_on || numbered(said) && numbered(merged);
    if said.is_empty() || !sums.any() || !parts {
        return None;
    }
    let sum = |of: fn(&LineRecord, &OrderRecord) -> Option<i64>| {
        let total = |lines: &[LineRecord]| {
            lines.iter().try_fold(0_i64, |sum, line| Some(sum.saturating_add(of(line, record)?)))
        };
        Some(total(merged)?.saturating_sub(total(said)?))
    };
    let (amount, paid, refund) =
        (sum(|line, _| line.amount_minor)?, sum(paid_of)?, sum(refund_of)?);
    let mut whole = OrderRecord { lines: Vec::new(), ..record.clone() };
    for (is_sum, total, more) in [
        (sums.goods, &mut whole.goods_minor, amount),
        (sums.total, &mut whole.total_minor, amount),
        (sums.paid, &mut whole.paid_minor, paid),
        (sums.refund, &mut whole.refund_minor, refund),
    ] {
        if is_sum {
            *total = total.map(|told| told.saturating_add(more));
        }
    }
    if merged.len() > said.len() {
        // Lines do not say what of the freight is theirs.
        whole.freight_minor = whole.freight_minor.max(freight_known);
    }
    Some(whole)
}

fn refund_of(line: &LineRecord, _: &OrderRecord) -> Option<i64> {
    Some(line.refund_minor.unwrap_or(0))
}

/// What was paid for a line: all that it costs, unless it was never paid for.
fn paid_of(line: &LineRecord, record: &OrderRecord) -> Option<i64> {
    let never = match line.state.or(record.state) {
        Some(OrderState::Unpaid) => true,
        Some(OrderState::Closed) => line.refund_minor.unwrap_or(0) == 0,
        _ => false,
    };
    if never { Some(0) } else { line.amount_minor }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(no: Option<&str>, quantity: i64) -> LineRecord {
        LineRecord { external_no: no.map(str::to_owned), quantity, ..LineRecord::default() }
    }

    fn told(lines: &[LineRecord]) -> OrderRecord {
        OrderRecord { lines: lines.to_vec(), ..OrderRecord::default() }
    }

    #[test]
    fn numbered_lines_replace_their_like_and_others_the_whole_set() {
        let known = [line(Some("1"), 1), line(Some("2"), 1)];
        let said = told(&[line(Some("2"), 5), line(Some("3"), 1)]);
        let quantities =
            |lines: &[LineRecord]| lines.iter().map(|l| l.quantity).collect::<Vec<_>>();
        assert_eq!(quantities(&merge_lines(&known, &said, false)), [1, 5, 1]);
        assert_eq!(quantities(&merge_lines(&known, &said, true)), [1, 1, 1]);
        let said = told(&[line(None, 2)]);
        assert_eq!(quantities(&merge_lines(&[line(None, 1)], &said, false)), [2]);
        assert_eq!(quantities(&merge_lines(&[line(None, 1)], &said, true)), [1]);
        let goes_on = OrderRecord { goes_on: true, ..said };
        assert_eq!(quantities(&merge_lines(&[line(None, 1)], &goes_on, false)), [1, 2]);
        assert_eq!(quantities(&merge_lines(&[line(None, 1)], &goes_on, true)), [1]);
    }

    #[test]
    fn a_line_that_was_refunded_stays_so() {
        let at = |refund| LineRecord {
            state: Some(OrderState::Completed),
            refund_minor: Some(refund),
            amount_minor: Some(100),
            ..line(None, 1)
        };
        for number in [None, Some("1".to_owned())] {
            let of = |refund| [LineRecord { external_no: number.clone(), ..at(refund) }];
            assert_eq!(merge_lines(&of(50), &told(&of(0)), false), of(50));
            assert_eq!(merge_lines(&of(0), &told(&of(50)), false), of(50));
        }
    }

    prop_compose! {
        fn some_line()(no in 0_u8..5, quantity in 1_i64..4, amount in 0_i64..1_000, state in 0_i16..6, refunded in any::<bool>()) -> LineRecord {
            let refund = if refunded { amount } else { 0 };
            LineRecord {
                external_no: Some(no.to_string()),
                amount_minor: Some(amount),
                refund_minor: Some(refund),
                state: OrderState::from_code(state),
                ..line(None, quantity)
            }
        }
    }

    proptest! {
        #[test]
        fn the_same_lines_again_change_nothing(lines in proptest::collection::vec(some_line(), 0..6), numbers in any::<bool>(), late in any::<bool>()) {
            let mut lines = lines;
            lines.sort_by(|a, b| a.external_no.cmp(&b.external_no));
            lines.dedup_by(|a, b| a.external_no == b.external_no);
            if !numbers {
                lines.iter_mut().for_each(|line| line.external_no = None);
            }
            prop_assert_eq!(merge_lines(&lines, &told(&lines), late), lines);
        }

        /// However an order's lines are spread over reports, its totals are those of all lines.
        #[test]
        fn totals_are_those_of_all_lines(lines in proptest::collection::vec(some_line(), 1..8)) {
            let whole = |lines: &[LineRecord]| {
                let sum = |of: &dyn Fn(&LineRecord) -> Option<i64>| Some(lines.iter().filter_map(of).sum());
                OrderRecord {
                    total_minor: sum(&|line| line.amount_minor),
                    paid_minor: sum(&|line| paid_of(line, &OrderRecord::default())),
                    refund_minor: sum(&|line| line.refund_minor),
                    sums: crate::record::Sums { goods: false, total: true, paid: true, refund: true },
                    ..told(lines)
                }
            };
            let mut known: Vec<LineRecord> = Vec::new();
            for line in &lines {
                let report = whole(std::slice::from_ref(line));
                known = merge_lines(&known, &report, false);
                let said = with_all_lines(&report, &known, None).unwrap();
                let expected = whole(&known);
                prop_assert_eq!(
                    (said.total_minor, said.paid_minor, said.refund_minor),
                    (expected.total_minor, expected.paid_minor, expected.refund_minor)
                );
            }
        }
    }
}
