//! Pieces of lines, for promotions that count them.

use crate::amount::pay;

/// Pieces of one line at one price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Class {
    pub(crate) price: i64,
    pub(crate) count: i64,
    pub(crate) line: usize,
}

/// Adds the pieces of a line that costs `run`: what does not divide evenly makes some of them one minor unit
/// dearer.
pub(crate) fn add(classes: &mut Vec<Class>, run: i64, quantity: i64, line: usize) {
    let (price, dearer) = (run / quantity, run % quantity);
    if dearer > 0 {
        classes.push(Class { price: price + 1, count: dearer, line });
    }
    classes.push(Class { price, count: quantity - dearer, line });
}

/// The dearest first; of equal prices the first line.
pub(crate) fn sort(classes: &mut [Class]) {
    classes.sort_unstable_by_key(|class| (-class.price, class.line));
}

/// What is taken off when every `size` pieces, the dearest first, cost `price` where that is less, at most `sets` times.
/// `taken` gets what the pieces of the sets cost, class by class.
pub(crate) fn sets(
    classes: &[Class],
    size: i64,
    price: i64,
    mut sets: i64,
    mut taken: impl FnMut(usize, i64),
) -> i64 {
    let mut off = 0;
    let mut at = 0;
    let mut left = classes.first().map_or(0, |class| class.count);
    while sets > 0 && at < classes.len() {
        let class = classes[at];
        let full = (left / size).min(sets);
        if full > 0 {
            let gain = class.price * size - price;
            if gain <= 0 {
                break;
            }
            off += gain * full;
            sets -= full;
            left -= size * full;
            taken(class.line, class.price * size * full);
        }
        if sets == 0 {
            break;
        }
        // A set of pieces of several classes.
        let (mut missing, mut cost, mut end, mut rest) = (size, 0, at, left);
        loop {
            let some = missing.min(rest);
            cost += classes[end].price * some;
            missing -= some;
            rest -= some;
            if missing == 0 || end + 1 == classes.len() {
                break;
            }
            end += 1;
            rest = classes[end].count;
        }
        if missing > 0 || cost <= price {
            break;
        }
        off += cost - price;
        sets -= 1;
        for (index, class) in classes.iter().enumerate().take(end + 1).skip(at) {
            let from = if index == at { left } else { class.count };
            let after = if index == end { rest } else { 0 };
            taken(class.line, class.price * (from - after));
        }
        (at, left) = (end, rest);
    }
    off
}

/// What is taken off when the `count` cheapest pieces cost `pay_bps` of their price, each rounded half up.
/// `taken` gets what is taken off, class by class.
pub(crate) fn cheapest(
    classes: &[Class],
    count: i64,
    pay_bps: u32,
    taken: impl FnMut(usize, i64),
) -> i64 {
    reduced(classes.iter().rev(), count, pay_bps, taken)
}

/// As [`cheapest`], of the dearest pieces: at least as much, whichever lines drop out.
pub(crate) fn dearest(classes: &[Class], count: i64, pay_bps: u32) -> i64 {
    reduced(classes.iter(), count, pay_bps, |_, _| {})
}

fn reduced<'a>(
    classes: impl Iterator<Item = &'a Class>,
    mut count: i64,
    pay_bps: u32,
    mut taken: impl FnMut(usize, i64),
) -> i64 {
    let mut off = 0;
    for class in classes {
        let some = class.count.min(count);
        let share = (class.price - pay(class.price, pay_bps)) * some;
        taken(class.line, share);
        off += share;
        count -= some;
        if count == 0 {
            break;
        }
    }
    off
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(lines: &[(i64, i64)]) -> Vec<Class> {
        let mut classes = Vec::new();
        for (line, (run, quantity)) in lines.iter().enumerate() {
            add(&mut classes, *run, *quantity, line);
        }
        sort(&mut classes);
        classes
    }

    #[test]
    fn sets_take_the_dearest_and_stop_where_they_would_cost_more() {
        // Three of 50, two of 30, three of 10: sets of two for 60.
        let classes = classes(&[(150, 3), (60, 2), (30, 3)]);
        let mut taken = [0; 3];
        let off = sets(&classes, 2, 60, i64::MAX, |line, cost| taken[line] += cost);
        // 100 for 60, 80 for 60; 40 would be dearer.
        assert_eq!(off, 60);
        assert_eq!(taken, [150, 30, 0]);
        assert_eq!(sets(&classes, 2, 60, 1, |_, _| {}), 40);
        assert_eq!(sets(&classes, 9, 0, 9, |_, _| {}), 0);
    }

    #[test]
    fn the_cheapest_are_free() {
        let classes = classes(&[(150, 3), (61, 2), (30, 3)]);
        let mut taken = [0; 3];
        assert_eq!(cheapest(&classes, 4, 0, |line, off| taken[line] += off), 60);
        assert_eq!(taken, [0, 30, 30]);
        assert_eq!(cheapest(&classes, 1, 5_000, |_, _| {}), 5);
        assert_eq!(dearest(&classes, 2, 0), 100);
    }
}
