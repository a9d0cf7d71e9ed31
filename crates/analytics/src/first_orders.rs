//! Who ordered for the first time in some spans of time; for anniversaries.

use kernel::{CustomerId, Reach, Timestamp};

use crate::list::{SortKey, Within};
use crate::view::View;

/// Customers whose first counted order lies in a span.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirstOrders {
    /// How many there are.
    pub total: u64,
    /// The first of them with the moment, by moment and then by id.
    pub first: Vec<(CustomerId, Timestamp)>,
}

impl View<'_> {
    /// Who in `reach` ordered for the first time in each of `spans` (milliseconds, the end excluded), at most `most` of
    /// each by name. Looked up in the order of first orders: it takes as long as the spans hold customers, and the
    /// overlay once.
    #[must_use]
    pub fn first_orders(
        self,
        spans: &[std::ops::Range<i64>],
        reach: &Reach,
        most: usize,
    ) -> Vec<FirstOrders> {
        let within = Within::new(self, reach);
        let (base, order) = (self.base, self.base.sorted(SortKey::FirstOrderAt));
        let moment = |ordinal: u32| base.first.get(ordinal as usize);
        let mut found: Vec<FirstOrders> = spans
            .iter()
            .map(|span| {
                let begin = order.partition_point(|ordinal| moment(*ordinal) < span.start);
                let mut of_span = FirstOrders::default();
                let inside = order[begin..].iter().take_while(|one| moment(**one) < span.end);
                for ordinal in inside.copied() {
                    let at = ordinal as usize;
                    if self.dead.has(at) || !within.holds(at) {
                        continue;
                    }
                    of_span.total += 1;
                    if of_span.first.len() < most {
                        let moment = Timestamp::from_millis(moment(ordinal));
                        of_span.first.push((base.ids[at], moment));
                    }
                }
                of_span
            })
            .collect();
        for (id, row, _) in self.delta.rows().filter(|(_, row, _)| within.holds_row(row)) {
            for (span, of_span) in spans.iter().zip(&mut found) {
                if row.orders() > 0 && span.contains(&row.first) {
                    of_span.total += 1;
                    of_span.first.push((id, Timestamp::from_millis(row.first)));
                }
            }
        }
        for of_span in &mut found {
            of_span.first.sort_unstable_by_key(|(id, at)| (*at, *id));
            of_span.first.truncate(most);
        }
        found
    }
}
