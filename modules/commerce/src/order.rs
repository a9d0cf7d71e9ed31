//! How a report of an order changes what is known of it. Pure.

use kernel::Timestamp;

use crate::lines::{pieces, titles};
use crate::record::{LineRecord, OrderRecord};
use crate::state::OrderState;

/// Where an order goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Receiver {
    pub name: Option<String>,
    pub mobile: Option<String>,
    pub landline: Option<String>,
    pub district: Option<String>,
    pub address: Option<String>,
    pub postcode: Option<String>,
}

impl Receiver {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The part of an order that is sealed at rest: who gets it and where, what people wrote, and the
/// cells of columns that nobody named, in which there may be anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Private {
    pub receiver: Receiver,
    pub buyer_message: Option<String>,
    pub seller_remark: Option<String>,
    /// Column and cell.
    pub extra: Vec<(String, String)>,
}

impl Private {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// As it is sealed: a JSON list of the fields in their order, because the names of the fields
    /// would take more room than what they hold.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { receiver, buyer_message, seller_remark, extra } = self;
        let Receiver { name, mobile, landline, district, address, postcode } = receiver;
        let receiver = (name, mobile, landline, district, address, postcode);
        serde_json::to_vec(&(receiver, buyer_message, seller_remark, extra)).unwrap_or_default()
    }

    /// The counterpart of [`Private::to_bytes`]; `None` if these are not its bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (receiver, buyer_message, seller_remark, extra) = serde_json::from_slice(bytes).ok()?;
        let (name, mobile, landline, district, address, postcode) = receiver;
        let receiver = Receiver { name, mobile, landline, district, address, postcode };
        Some(Self { receiver, buyer_message, seller_remark, extra })
    }
}

/// What is known of an order apart from its lines. Amounts in minor units of the shop's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct OrderHead {
    pub state: OrderState,
    pub close_reason: Option<String>,
    pub ordered_at: Timestamp,
    pub paid_at: Option<Timestamp>,
    pub shipped_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    pub goods_minor: Option<i64>,
    pub freight_minor: Option<i64>,
    pub total_minor: Option<i64>,
    /// Before refunds.
    pub paid_minor: Option<i64>,
    pub refund_minor: Option<i64>,
    pub item_count: Option<i64>,
    pub item_title: Option<String>,
    pub buyer_message: Option<String>,
    pub seller_remark: Option<String>,
    pub carrier: Option<String>,
    pub tracking_no: Option<String>,
    pub province: Option<String>,
    pub city: Option<String>,
    pub receiver: Receiver,
    pub extra: Vec<(String, String)>,
    /// Whether the amounts are sums of lines, because no report of the order as a whole came yet.
    pub amounts_from_lines: bool,
}

/// The report names an order that is not known, and does not say when it was placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this order is not known yet and the row has no date; import the order report of the same \
     period first, or both files together"
)]
pub struct Undated;

impl OrderHead {
    /// The order as its first report tells it; the lines stay behind in `record`.
    ///
    /// # Errors
    /// `Undated` without a time of ordering or payment; then `record` is as it was.
    pub fn begin(record: &mut OrderRecord) -> Result<Self, Undated> {
        let ordered_at = record.ordered_at.or(record.paid_at).ok_or(Undated)?;
        let state = record.state.unwrap_or(if record.paid_at.is_some() {
            OrderState::Paid
        } else {
            OrderState::Unpaid
        });
        let close_reason = record.close_reason.take();
        let receiver = &mut record.receiver;
        let mut head = Self {
            state,
            close_reason: if state == OrderState::Closed { close_reason } else { None },
            ordered_at,
            paid_at: record.paid_at,
            shipped_at: record.shipped_at,
            completed_at: record.completed_at,
            goods_minor: record.goods_minor,
            freight_minor: record.freight_minor,
            total_minor: record.total_minor,
            paid_minor: record.paid_minor,
            refund_minor: record.refund_minor,
            item_count: record.item_count,
            item_title: record.item_title.take(),
            buyer_message: record.buyer_message.take(),
            seller_remark: record.seller_remark.take(),
            carrier: record.carrier.take(),
            tracking_no: record.tracking_no.take(),
            province: receiver.province.take(),
            city: receiver.city.take(),
            receiver: Receiver {
                name: receiver.name.take(),
                mobile: receiver.mobile.take(),
                landline: receiver.landline.take(),
                district: receiver.district.take(),
                address: receiver.address.take(),
                postcode: receiver.postcode.take(),
            },
            extra: Vec::with_capacity(record.extra.len()),
            amounts_from_lines: false,
        };
        for (name, value) in std::mem::take(&mut record.extra) {
            head.say_extra(name, value);
        }
        Ok(head)
    }

    /// Of a column that comes twice the last cell holds.
    fn say_extra(&mut self, name: String, value: String) {
        match self.extra.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = value,
            None => self.extra.push((name, value)),
        }
    }

    /// Whether `record` was written before what is known: its state lies behind, or in the same state it
    /// knows of less refunded, which is never taken back.
    #[must_use]
    pub fn is_ahead_of(&self, record: &OrderRecord) -> bool {
        match record.state {
            Some(state) if state != self.state => state < self.state,
            _ => record.refund_minor.is_some_and(|said| Some(said) < self.refund_minor),
        }
    }

    /// Takes in a further report: what it says replaces what was known, what it does not say stays, and
    /// the state only goes forward. A report that was written before what is known only adds what is
    /// not known yet.
    pub fn report(&mut self, record: &OrderRecord) {
        let late = self.is_ahead_of(record);
        let keeps = |known: bool| late && known;
        fn take<T: Clone>(known: &mut Option<T>, said: &Option<T>, late: bool) {
            if said.is_some() && !(late && known.is_some()) {
                known.clone_from(said);
            }
        }
        if let Some(state) = record.state {
            self.state = self.state.advance(state);
        }
        if let Some(at) = record.ordered_at
            && !late
        {
            self.ordered_at = at;
        }
        if self.state == OrderState::Closed && !late {
            take(&mut self.close_reason, &record.close_reason, false);
        }
        take(&mut self.paid_at, &record.paid_at, late);
        take(&mut self.shipped_at, &record.shipped_at, late);
        take(&mut self.completed_at, &record.completed_at, late);
        // Sums of lines only stand in for amounts that nobody reported; sums that are reported were
        // made of all lines, of which each knows what is late.
        let keeps_amounts = keeps(!self.amounts_from_lines && !record.sums.any());
        take(&mut self.goods_minor, &record.goods_minor, keeps_amounts);
        take(&mut self.freight_minor, &record.freight_minor, keeps_amounts);
        take(&mut self.total_minor, &record.total_minor, keeps_amounts);
        take(&mut self.paid_minor, &record.paid_minor, keeps_amounts);
        take(&mut self.refund_minor, &record.refund_minor, keeps_amounts);
        take(&mut self.item_count, &record.item_count, late);
        take(&mut self.item_title, &record.item_title, late);
        take(&mut self.buyer_message, &record.buyer_message, late);
        take(&mut self.seller_remark, &record.seller_remark, late);
        take(&mut self.carrier, &record.carrier, late);
        take(&mut self.tracking_no, &record.tracking_no, late);
        take(&mut self.province, &record.receiver.province, late);
        take(&mut self.city, &record.receiver.city, late);
        take(&mut self.receiver.name, &record.receiver.name, late);
        take(&mut self.receiver.mobile, &record.receiver.mobile, late);
        take(&mut self.receiver.landline, &record.receiver.landline, late);
        take(&mut self.receiver.district, &record.receiver.district, late);
        take(&mut self.receiver.address, &record.receiver.address, late);
        take(&mut self.receiver.postcode, &record.receiver.postcode, late);
        for (name, value) in &record.extra {
            if !keeps(self.extra.iter().any(|(known, _)| known == name)) {
                self.say_extra(name.clone(), value.clone());
            }
        }
        if says_amounts(record) {
            self.amounts_from_lines = false;
        }
    }

    /// Of an order with lines, these say what was bought and how many pieces.
    pub fn tell_lines(&mut self, lines: &[LineRecord]) {
        if lines.is_empty() {
            return;
        }
        self.item_title = titles(lines).or_else(|| self.item_title.take());
        self.item_count = Some(pieces(lines));
    }

    /// Sums the lines where no report gave the amounts of the order as a whole.
    pub fn sum_lines(&mut self, lines: &[LineRecord]) {
        let unknown =
            self.paid_minor.is_none() && self.total_minor.is_none() && self.goods_minor.is_none();
        if lines.is_empty() || !(unknown || self.amounts_from_lines) {
            return;
        }
        let sum: i64 = lines.iter().filter_map(|line| line.amount_minor).sum();
        self.goods_minor = Some(sum);
        self.total_minor = Some(sum.saturating_add(self.freight_minor.unwrap_or(0)));
        self.amounts_from_lines = true;
    }

    /// What the shop kept, or `None` where the order does not count as a purchase: not paid, closed,
    /// or refunded in full.
    #[must_use]
    pub fn revenue_minor(&self) -> Option<i64> {
        match self.state {
            OrderState::Unpaid | OrderState::Closed => return None,
            OrderState::Paid
            | OrderState::PartlyShipped
            | OrderState::Shipped
            | OrderState::Completed => {}
        }
        let paid = self
            .paid_minor
            .or(self.total_minor)
            .or_else(|| Some(self.goods_minor?.saturating_add(self.freight_minor.unwrap_or(0))))
            .unwrap_or(0);
        let refunded = self.refund_minor.unwrap_or(0);
        (refunded <= 0 || refunded < paid).then(|| paid.saturating_sub(refunded))
    }
}

fn says_amounts(record: &OrderRecord) -> bool {
    record.paid_minor.is_some() || record.total_minor.is_some() || record.goods_minor.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(state: OrderState) -> OrderRecord {
        OrderRecord {
            external_no: "1".to_owned(),
            state: Some(state),
            ordered_at: Some(Timestamp::from_millis(1)),
            paid_minor: Some(100),
            ..OrderRecord::default()
        }
    }

    proptest! {
        #[test]
        fn any_order_of_arrival_ends_in_one_state(codes in proptest::collection::vec(0_i16..6, 1..8), seed in any::<u64>()) {
            let states: Vec<OrderState> = codes.iter().filter_map(|c| OrderState::from_code(*c)).collect();
            let mut shuffled = states.clone();
            shuffled.rotate_left((seed as usize) % states.len());
            let end = |states: &[OrderState]| {
                let mut head = OrderHead::begin(&mut record(states[0])).unwrap();
                states[1..].iter().for_each(|state| head.report(&record(*state)));
                head.state
            };
            prop_assert_eq!(end(&states), end(&shuffled));
        }

        #[test]
        fn the_same_report_twice_changes_nothing(state in 0_i16..6, paid in proptest::option::of(0_i64..10_000), refund in proptest::option::of(0_i64..10_000)) {
            let report = OrderRecord {
                paid_minor: paid, refund_minor: refund, state: OrderState::from_code(state),
                extra: vec![("a".to_owned(), "b".to_owned())], ..record(OrderState::Paid)
            };
            let once = OrderHead::begin(&mut report.clone()).unwrap();
            let mut twice = once.clone();
            twice.report(&report);
            prop_assert_eq!(once, twice);
        }
    }

    prop_compose! {
        fn some_report()(
            state in 0_i16..6,
            at in proptest::option::of(0_i64..9),
            amounts in proptest::array::uniform5(proptest::option::of(0_i64..100)),
            texts in proptest::array::uniform5(proptest::option::of("[a-c]")),
            extra in proptest::option::of("[a-c]"),
        ) -> OrderRecord {
            let [goods_minor, freight_minor, total_minor, paid_minor, refund_minor] = amounts;
            let [close_reason, seller_remark, buyer_message, tracking_no, mobile] = texts;
            OrderRecord {
                ordered_at: Some(Timestamp::from_millis(i64::from(state))),
                shipped_at: at.map(Timestamp::from_millis),
                goods_minor, freight_minor, total_minor, paid_minor, refund_minor,
                close_reason: close_reason.filter(|_| state == 5),
                seller_remark, buyer_message, tracking_no,
                receiver: crate::record::ReceiverRecord { mobile, ..Default::default() },
                extra: extra.map(|said| ("column".to_owned(), said)).into_iter().collect(),
                state: OrderState::from_code(state),
                ..record(OrderState::Unpaid)
            }
        }
    }

    fn told(reports: &[&OrderRecord]) -> OrderHead {
        let mut head = OrderHead::begin(&mut reports[0].clone()).unwrap();
        reports[1..].iter().for_each(|report| head.report(report));
        head
    }

    proptest! {
        /// Of two reports the one further along holds, whichever comes first; the other only adds.
        #[test]
        fn a_late_report_takes_nothing_back(a in some_report(), b in some_report()) {
            prop_assume!(a.state != b.state);
            prop_assert_eq!(told(&[&a, &b]), told(&[&b, &a]));
        }

        #[test]
        fn repeating_a_report_changes_nothing(a in some_report(), b in some_report()) {
            let known = told(&[&a, &b]);
            prop_assert_eq!(told(&[&a, &b, &b]), known.clone());
            if a.state != b.state {
                prop_assert_eq!(told(&[&a, &b, &a]), known);
            }
        }

        #[test]
        fn a_refund_is_never_taken_back(a in some_report(), b in some_report()) {
            let known = told(&[&a, &b]);
            let most = if a.state == b.state { a.refund_minor.max(b.refund_minor) } else { known.refund_minor };
            prop_assert_eq!(known.refund_minor, most);
        }
    }

    proptest! {
        #[test]
        fn what_is_private_comes_back_from_its_bytes(
            fields in proptest::array::uniform8(proptest::option::of(".{0,12}")),
            extra in proptest::collection::vec((".{0,5}", ".{0,5}"), 0..3),
        ) {
            let [name, mobile, landline, district, address, postcode, buyer_message, seller_remark] =
                fields;
            let receiver = Receiver { name, mobile, landline, district, address, postcode };
            let private = Private { receiver, buyer_message, seller_remark, extra };
            prop_assert_eq!(Private::from_bytes(&private.to_bytes()), Some(private));
        }
    }

    #[test]
    fn only_kept_money_counts() {
        let revenue = |state, paid, refund| {
            let mut head = OrderHead::begin(&mut record(state)).unwrap();
            head.paid_minor = paid;
            head.refund_minor = refund;
            head.revenue_minor()
        };
        assert_eq!(revenue(OrderState::Completed, Some(100), Some(30)), Some(70));
        assert_eq!(revenue(OrderState::Completed, Some(100), Some(100)), None);
        assert_eq!(revenue(OrderState::Completed, Some(0), None), Some(0));
        assert_eq!(revenue(OrderState::Closed, Some(100), Some(100)), None);
        assert_eq!(revenue(OrderState::Unpaid, Some(0), None), None);
    }
}
