//! Past orders in a draft.

use std::num::NonZeroUsize;

use pricing::{Catalogue, Context, PastOrder, Platform, price, simulate};
use proptest::prelude::*;

use crate::given;

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_simulation_is_the_sum_of_quotes_on_any_number_of_threads(
        orders in proptest::collection::vec((given::cart(), given::context()), 0..20),
        promotions in given::promotions(5),
        deepest in 0..10_000_u32,
    ) {
        let now = Catalogue::new(&[], &Platform::default()).unwrap();
        let draft = Catalogue::new(&promotions, &Platform::default()).unwrap();
        let orders: Vec<PastOrder> = orders
            .into_iter()
            .map(|(mut cart, context)| {
                for line in &mut cart.lines {
                    line.cost_minor = Some(line.unit_price_minor * 6 / 10);
                }
                PastOrder { cart, context: Context { points: None, ..context } }
            })
            .collect();
        let run = |threads| {
            simulate(&orders, &now, &draft, deepest, NonZeroUsize::new(threads).unwrap())
        };
        let one = run(1);
        prop_assert_eq!(&run(3), &one);
        prop_assert_eq!(one.now.discount_minor, 0);
        let (mut discount, mut margin, mut leaks, mut touched) = (0, 0, 0, 0);
        for order in &orders {
            let priced = price(&order.cart, &order.context, &promotions).unwrap();
            discount += i128::from(priced.discount_minor);
            touched += u64::from(priced.discount_minor > 0 || !priced.gifts.is_empty());
            for line in &priced.lines {
                let given = order.cart.lines.iter().find(|given| given.id == line.id).unwrap();
                let cost = given.cost_minor.unwrap() * i64::from(line.quantity);
                margin += i128::from(line.paid_minor - cost);
                let off = (line.list_minor - line.paid_minor) * 10_000;
                let is_deep = off > line.list_minor * i64::from(deepest);
                leaks += u64::from(
                    line.shares.len() > 1 && (is_deep || line.paid_minor < cost),
                );
            }
        }
        prop_assert_eq!(one.draft.discount_minor, discount);
        prop_assert_eq!(one.draft.margin_minor, margin);
        prop_assert_eq!(one.draft.touched, touched);
        prop_assert_eq!(one.leaks, leaks);
        prop_assert_eq!(one.draft.orders, orders.len() as u64);
        let by_tier: u64 = one.by_tier.values().map(|totals| totals.orders).sum();
        prop_assert_eq!(by_tier, orders.len() as u64);
        let by_promotion: i128 = one.by_promotion.values().map(|of| of.discount_minor).sum();
        prop_assert_eq!(by_promotion, discount);
        prop_assert!(one.by_promotion.values().all(|of| of.orders <= one.draft.touched));
    }
}
