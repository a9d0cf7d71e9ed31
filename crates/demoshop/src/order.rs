//! One order in full, as it stood when the report was taken.

use chrono::{NaiveDateTime, TimeDelta};

use crate::calendar;
use crate::catalogue::{self, Product, Sku};
use crate::dice::{Dice, Topic};
use crate::people::{self, Account, Person};
use crate::plan::ShopPlan;
use crate::schedule::{self, Behaviour, Slot};
use crate::words::{BUYER_MESSAGES, CARRIERS, Carrier, SELLER_REMARKS};

/// State in the platform's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Unpaid,
    Paid,
    PartlyShipped,
    Shipped,
    Completed,
    ClosedUnpaid,
    ClosedRefunded,
}

impl State {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Unpaid => "等待买家付款",
            Self::Paid => "买家已付款，等待卖家发货",
            Self::PartlyShipped => "卖家部分发货",
            Self::Shipped => "卖家已发货，等待买家确认",
            Self::Completed => "交易成功",
            Self::ClosedUnpaid | Self::ClosedRefunded => "交易关闭",
        }
    }

    pub(crate) fn close_reason(self) -> &'static str {
        match self {
            Self::ClosedUnpaid => "买家未付款",
            Self::ClosedRefunded => "退款",
            _ => "订单未关闭",
        }
    }
}

/// One line of an order; amounts in fen.
pub(crate) struct Line {
    pub(crate) number: u64,
    pub(crate) product: &'static Product,
    pub(crate) sku: Sku,
    pub(crate) quantity: i64,
    /// Due for the goods of this line, after discounts.
    pub(crate) due: i64,
    pub(crate) paid: i64,
    pub(crate) refund: i64,
    pub(crate) state: State,
}

/// One order; amounts in fen.
pub(crate) struct Order {
    pub(crate) number: u64,
    pub(crate) payment: Option<String>,
    pub(crate) account: Account,
    pub(crate) gift_to: Option<Person>,
    pub(crate) ordered_at: NaiveDateTime,
    pub(crate) paid_at: Option<NaiveDateTime>,
    pub(crate) completed_at: Option<NaiveDateTime>,
    pub(crate) state: State,
    pub(crate) lines: Vec<Line>,
    pub(crate) goods: i64,
    pub(crate) freight: i64,
    pub(crate) paid: i64,
    pub(crate) refund: i64,
    pub(crate) carrier: Option<&'static Carrier>,
    pub(crate) tracking: u64,
    pub(crate) buyer_message: &'static str,
    pub(crate) seller_remark: &'static str,
    pub(crate) mobile_client: bool,
}

impl Order {
    pub(crate) fn receiver(&self) -> &Person {
        self.gift_to.as_ref().unwrap_or(&self.account.person)
    }
}

/// What will come of an order in the end, whenever one looks.
struct Fate {
    paid_at: Option<NaiveDateTime>,
    shipped_at: NaiveDateTime,
    all_shipped_at: NaiveDateTime,
    completed_at: NaiveDateTime,
    refund: Option<(Refund, NaiveDateTime)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Refund {
    All,
    OneLine,
    Allowance,
}

/// The order of `slot`, the `position`-th of the plan counted from the oldest.
pub(crate) fn order(plan: &ShopPlan, slot: Slot, position: u64) -> Order {
    let index = (u64::from(slot.account) << 32) | u64::from(slot.nth);
    let mut dice = Dice::new(plan.seed, Topic::Order, index);
    let account = people::account(plan, slot.account);
    let behaviour = schedule::behaviour(plan.seed, slot.account);
    let ordered_at = schedule::moment(plan, slot.second);

    // Steps of two million leave room for a random part and for the lines' own numbers.
    let place = u64::from(plan.orders_before) + position;
    let prefix = 215_000_000_000_000 + place * 2_000_003 + dice.below(1_900_000);
    let number = prefix * 10_000 + account.tail;
    let mut lines = lines(&mut dice, &account, ordered_at);
    let count = lines.len() as u64;
    for (line, step) in lines.iter_mut().zip(u64::from(count > 1)..) {
        line.number = (prefix + step) * 10_000 + account.tail;
    }
    let goods: i64 = lines.iter().map(|line| line.due).sum();
    let gift = dice
        .chance(if behaviour == Behaviour::Loyal { 70 } else { 40 })
        .then(|| people::gift_receiver(plan, slot.account, dice.below(2)));
    let receiver = gift.as_ref().unwrap_or(&account.person);
    let freight = match (goods >= 8_800, receiver.city.postcode) {
        (_, 830_000) => 1_500,
        (true, _) => 0,
        (false, _) => 800,
    };

    let fate = fate(&mut dice, behaviour, ordered_at, count);
    let now = plan.taken_at;
    let paid_at = fate.paid_at.filter(|at| *at <= now);
    let state = state_at(&fate, ordered_at, now);
    let paid = if paid_at.is_some() { goods + freight } else { 0 };
    let refund = fate.refund.filter(|(_, at)| *at <= now).map(|(refund, _)| refund);
    settle_lines(&mut lines, state, freight, paid > 0, refund);
    let sent = fate.shipped_at <= now
        && !matches!(state, State::Unpaid | State::Paid | State::ClosedUnpaid);
    let carrier = dice.weighted(&CARRIERS);
    Order {
        number,
        payment: paid_at.map(|at| format!("{}22001{prefix}", at.format("%Y%m%d"))),
        account,
        gift_to: gift,
        ordered_at,
        paid_at,
        completed_at: (state == State::Completed).then_some(fate.completed_at),
        state,
        goods,
        freight,
        paid,
        refund: lines.iter().map(|line| line.refund).sum(),
        lines,
        carrier: sent.then_some(carrier),
        tracking: dice.within(carrier.low, carrier.high),
        buyer_message: if dice.chance(70) { dice.pick(&BUYER_MESSAGES) } else { "" },
        seller_remark: if dice.chance(90) { dice.pick(&SELLER_REMARKS) } else { "" },
        mobile_client: dice.chance(930),
    }
}

fn lines(dice: &mut Dice, account: &Account, ordered_at: NaiveDateTime) -> Vec<Line> {
    let day = ordered_at.date();
    let favourite = catalogue::favourite(account.taste);
    let count = match dice.below(100) {
        0..64 => 1,
        64..88 => 2,
        88..97 => 3,
        _ => 4,
    };
    let percent = if calendar::is_sale(day) { dice.within(80, 90) as i64 } else { 100 };
    let coupon = if dice.chance(120) { 1_000 } else { 0 };
    let mut lines = Vec::<Line>::with_capacity(count);
    while lines.len() < count {
        let (product, sku) = catalogue::choose(dice, favourite, calendar::is_gift_season(day));
        if lines.iter().any(|line| line.product.code == product.code) {
            continue;
        }
        let quantity = match dice.below(100) {
            0..80 => 1,
            80..94 => 2,
            94..98 => 3,
            _ => dice.within(4, 8) as i64,
        };
        let off = if lines.is_empty() && sku.2 > 5_000 { coupon } else { 0 };
        let due = sku.2 * quantity * percent / 100 - off;
        lines.push(Line {
            number: 0,
            product,
            sku,
            quantity,
            due,
            paid: 0,
            refund: 0,
            state: State::Unpaid,
        });
    }
    lines
}

fn fate(dice: &mut Dice, behaviour: Behaviour, ordered_at: NaiveDateTime, lines: u64) -> Fate {
    let (never_paid, refunded) = match behaviour {
        Behaviour::Loyal => (44, 28),
        Behaviour::BargainHunter => (92, 62),
        _ => (62, 46),
    };
    let hours = |dice: &mut Dice, low: u64, high: u64| {
        TimeDelta::seconds(dice.within(low * 3_600, high * 3_600) as i64)
    };
    let thinks = if dice.chance(900) { dice.within(6, 600) } else { dice.within(600, 72_000) };
    let paid_at = ordered_at + TimeDelta::seconds(thinks as i64);
    let mut shipped_at = paid_at + hours(dice, 2, 38);
    if calendar::is_sale(ordered_at.date()) {
        shipped_at += hours(dice, 4, 40);
    }
    if calendar::is_new_year_rest(shipped_at.date()) {
        shipped_at += TimeDelta::days(6);
    }
    let in_parts = lines > 1 && dice.chance(60);
    let all_shipped_at = if in_parts { shipped_at + hours(dice, 40, 120) } else { shipped_at };
    // Who does not confirm has it done by the platform after ten days.
    let confirms = if dice.chance(450) { TimeDelta::days(10) } else { hours(dice, 44, 230) };
    let paid_at = (!dice.chance(never_paid)).then_some(paid_at);
    let refund = dice.chance(refunded).then(|| {
        let kind = match dice.below(100) {
            0..48 => Refund::All,
            48..80 => Refund::OneLine,
            _ => Refund::Allowance,
        };
        let wait = if dice.chance(350) { hours(dice, 1, 2) } else { hours(dice, 72, 230) };
        (kind, ordered_at + TimeDelta::days(1) + wait)
    });
    Fate {
        paid_at,
        shipped_at,
        all_shipped_at,
        completed_at: all_shipped_at + confirms,
        refund: refund.filter(|_| paid_at.is_some()),
    }
}

fn state_at(fate: &Fate, ordered_at: NaiveDateTime, now: NaiveDateTime) -> State {
    let Some(paid_at) = fate.paid_at else {
        // The platform closes what is not paid within a day.
        let closes = ordered_at + TimeDelta::days(1);
        return if closes <= now { State::ClosedUnpaid } else { State::Unpaid };
    };
    match fate.refund {
        Some((Refund::All, at)) if at <= now => State::ClosedRefunded,
        _ if fate.completed_at <= now => State::Completed,
        _ if fate.all_shipped_at <= now => State::Shipped,
        _ if fate.shipped_at <= now => State::PartlyShipped,
        _ if paid_at <= now => State::Paid,
        _ => State::Unpaid,
    }
}

/// Gives each line its share of payment and refund, and its state.
fn settle_lines(
    lines: &mut [Line],
    state: State,
    freight: i64,
    is_paid: bool,
    refund: Option<Refund>,
) {
    let last = lines.len() - 1;
    for (index, line) in lines.iter_mut().enumerate() {
        line.state = match state {
            State::PartlyShipped if index == last => State::Paid,
            State::PartlyShipped => State::Shipped,
            other => other,
        };
        if is_paid {
            line.paid = line.due + if index == 0 { freight } else { 0 };
        }
        line.refund = match refund {
            Some(Refund::All) => line.paid,
            Some(Refund::OneLine) if index == last && last > 0 => line.due,
            Some(Refund::OneLine | Refund::Allowance) if index == last => line.due * 3 / 10,
            _ => 0,
        };
    }
}
