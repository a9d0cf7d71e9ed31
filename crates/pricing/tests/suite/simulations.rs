//! Past orders in a draft.

use std::num::NonZeroUsize;

use kernel::Zone;
use pricing::{Bounds, Catalogue, Context, PastOrder, Platform, Promotion, price, simulate};
use proptest::prelude::*;

use crate::given;

/// What `promotions` make of `order`, counted by hand: discount, margin, touched, leaking lines, deep, below the floor.
fn by_hand(order: &PastOrder, promotions: &[Promotion], bounds: Bounds) -> [i64; 6] {
    let priced = price(&order.cart, &order.context, promotions).unwrap();
    let (mut margin, mut leaks, mut list, mut paid) = (0, 0, 0, 0);
    let is_deep =
        |list: i64, paid: i64| (list - paid) * 10_000 > list * i64::from(bounds.deepest_off_bps);
    for line in &priced.lines {
        let given = order.cart.lines.iter().find(|given| given.id == line.id).unwrap();
        let cost = given.cost_minor.unwrap() * i64::from(line.quantity);
        margin += line.paid_minor - cost;
        let leaks_here = is_deep(line.list_minor, line.paid_minor) || line.paid_minor < cost;
        leaks += i64::from(line.shares.len() > 1 && leaks_here);
        list += line.list_minor;
        paid += line.paid_minor;
    }
    let touched = priced.discount_minor > 0 || !priced.gifts.is_empty();
    let below = paid * 10_000 < list * i64::from(bounds.floor_bps);
    [priced.discount_minor, margin, touched.into(), leaks, is_deep(list, paid).into(), below.into()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_simulation_is_the_sum_of_quotes_on_any_number_of_threads(
        orders in proptest::collection::vec((given::cart(), given::context()), 0..20),
        promotions in given::promotions(5),
        running in 0..6_usize,
        deepest_off_bps in 0..10_000_u32,
        floor_bps in 0..10_000_u32,
    ) {
        // Some of the draft run already.
        let running = &promotions[..running.min(promotions.len())];
        let bounds = Bounds { deepest_off_bps, floor_bps };
        let now = Catalogue::new(running, &Platform::default()).unwrap();
        let draft = Catalogue::new(&promotions, &Platform::default()).unwrap();
        let orders: Vec<PastOrder> = orders
            .into_iter()
            .enumerate()
            .map(|(index, (mut cart, context))| {
                for line in &mut cart.lines {
                    line.cost_minor = Some(line.unit_price_minor * 6 / 10);
                }
                let now = context.now.plus_millis(index as i64 * 7 * 3_600_000);
                PastOrder { cart, context: Context { points: None, now, ..context } }
            })
            .collect();
        let run = |threads| {
            simulate(&orders, &now, &draft, bounds, NonZeroUsize::new(threads).unwrap())
        };
        let one = run(1);
        prop_assert_eq!(&run(3), &one);
        let sum = |promotions: &[Promotion]| {
            orders.iter().fold([0; 6], |mut sum, order| {
                let figures = by_hand(order, promotions, bounds);
                sum.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure);
                sum
            })
        };
        let told = |totals: &pricing::Totals, leaks| {
            [
                totals.discount_minor as i64,
                totals.margin_minor as i64,
                totals.touched as i64,
                leaks,
                totals.deep as i64,
                totals.below_floor as i64,
            ]
        };
        let (of_now, of_draft) = (sum(running), sum(&promotions));
        prop_assert_eq!(told(&one.all.now, of_now[3]), of_now);
        prop_assert_eq!(told(&one.all.draft, one.leaks as i64), of_draft);
        prop_assert_eq!(one.all.draft.orders, orders.len() as u64);
        let deep = one.first_deep.iter().filter(|deep| deep.is_below_floor).count();
        prop_assert_eq!(deep as u64, one.all.draft.below_floor);
        let mut by_tier = pricing::Compared::default();
        for both in one.by_tier.values() {
            by_tier.now.orders += both.now.orders;
            by_tier.draft.discount_minor += both.draft.discount_minor;
        }
        prop_assert_eq!(by_tier.now.orders, orders.len() as u64);
        prop_assert_eq!(by_tier.draft.discount_minor, one.all.draft.discount_minor);
        for (day, both) in &one.by_day {
            let of_day = |order: &&PastOrder| order.context.now.local(Zone::CHINA).date() == *day;
            prop_assert_eq!(orders.iter().filter(of_day).count() as u64, both.now.orders);
        }
        let by_day: i128 = one.by_day.values().map(|both| both.draft.discount_minor).sum();
        prop_assert_eq!(by_day, one.all.draft.discount_minor);
        let by_promotion: i128 = one.by_promotion.values().map(|of| of.discount_minor).sum();
        prop_assert_eq!(by_promotion, one.all.draft.discount_minor);
        prop_assert!(one.by_promotion.values().all(|of| of.orders <= one.all.draft.touched));
    }
}
