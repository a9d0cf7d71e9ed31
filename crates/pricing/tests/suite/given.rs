//! Random carts, contexts and promotions, small enough for every combination to be tried.

use kernel::{Currency, Timestamp};
use pricing::{
    Cart, Conditions, Context, GiftItem, Kind, LevelRate, Limits, Line, Measure, Period,
    PointsToSpend, PriceChange, Promotion, Scope, Step, StepOff,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

pub const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

pub fn line(index: usize) -> impl Strategy<Value = Line> {
    (0..3_usize, 0..3_usize, 1..5_u32, prop_oneof![0..3_000_i64, Just(1_000), Just(999)]).prop_map(
        move |(product, category, quantity, unit_price_minor)| Line {
            id: format!("l{index}"),
            product: format!("p{product}"),
            sku: Some(format!("p{product}-s")),
            categories: vec![format!("c{category}")],
            quantity,
            unit_price_minor,
            cost_minor: None,
        },
    )
}

pub fn cart() -> impl Strategy<Value = Cart> {
    ((1..5_usize).prop_flat_map(|count| (0..count).map(line).collect::<Vec<_>>()), 0..1_500_i64)
        .prop_map(|(lines, shipping_minor)| Cart { currency: Currency::CNY, lines, shipping_minor })
}

fn pay() -> impl Strategy<Value = u32> {
    prop_oneof![Just(9_000), Just(8_500), Just(5_000), 1..10_000_u32]
}

fn kind() -> impl Strategy<Value = Kind> {
    let amount = || prop_oneof![1..3_000_i64, Just(1_000), Just(100)];
    let cap = || option::weighted(0.3, 1..2_000_i64);
    let gift = (0..500_i64, 1..3_u32).prop_map(|(value_minor, quantity)| GiftItem {
        product: "gift".to_owned(),
        sku: None,
        quantity,
        value_minor,
    });
    prop_oneof![
        (7_000..10_000_u32).prop_map(|pay_bps| Kind::LevelDiscount {
            levels: vec![LevelRate { level: "gold".to_owned(), pay_bps }]
        }),
        prop_oneof![
            pay().prop_map(|pay_bps| PriceChange::Rate { pay_bps }),
            amount().prop_map(|off_minor| PriceChange::Less { off_minor }),
            amount().prop_map(|unit_price_minor| PriceChange::Fixed { unit_price_minor }),
        ]
        .prop_map(|price| Kind::TimedDiscount { price }),
        (amount(), option::of(1..4_u32)).prop_map(|(unit_price_minor, pieces_per_order)| {
            Kind::FlashSale { unit_price_minor, pieces_per_order }
        }),
        (amount(), amount(), any::<bool>(), cap()).prop_map(
            |(threshold_minor, off_minor, repeat, cap_minor)| Kind::AmountOff {
                threshold_minor,
                off_minor,
                repeat,
                cap_minor
            }
        ),
        (pay(), cap()).prop_map(|(pay_bps, cap_minor)| Kind::PercentOff { pay_bps, cap_minor }),
        (1..2_000_i64, 1..500_i64, 1..500_i64, cap()).prop_map(|(from, off, more, cap_minor)| {
            let step = |from, off_minor| Step { from, off: StepOff::Amount { off_minor } };
            let steps = vec![step(from, off), step(from * 2, off + more)];
            Kind::Tiered { by: Measure::Amount, steps, cap_minor }
        }),
        (1..4_i64, 2..9_000_u32, cap()).prop_map(|(from, pay_bps, cap_minor)| {
            let step = |from, pay_bps| Step { from, off: StepOff::Rate { pay_bps } };
            let steps = vec![step(from, pay_bps), step(from + 2, pay_bps / 2)];
            Kind::Tiered { by: Measure::Pieces, steps, cap_minor }
        }),
        (2..5_u32, amount(), option::of(1..3_u32))
            .prop_map(|(pieces, price_minor, sets)| Kind::NForPrice { pieces, price_minor, sets }),
        (2..4_u32, 1..2_u32).prop_map(|(buy, pay)| Kind::BuyNPayM { buy, pay }),
        (2..4_u32, 0..9_000_u32).prop_map(|(every, pay_bps)| Kind::NthPiece { every, pay_bps }),
        (amount(), any::<bool>(), option::of(1..3_u32), gift).prop_map(
            |(threshold_minor, repeat, times, gift)| Kind::Gift {
                threshold_minor,
                repeat,
                times,
                gifts: vec![gift]
            }
        ),
        option::of(1..1_000_i64).prop_map(|cap_minor| Kind::FreeShipping { cap_minor }),
    ]
}

fn conditions() -> impl Strategy<Value = Conditions> {
    let names = |prefix: &'static str| {
        prop_oneof![
            3 => Just(Vec::new()),
            1 => vec((0..3_usize).prop_map(move |n| format!("{prefix}{n}")), 1..3),
        ]
    };
    (
        names("p"),
        names("c"),
        names("c"),
        prop_oneof![Just(0), 1..3_000_i64],
        prop_oneof![2 => Just(0), 1 => 1..6_u64],
        any::<bool>(),
    )
        .prop_map(|(products, categories, excluded, amount, pieces, discounted)| Conditions {
            products,
            categories,
            excluded_categories: if excluded.len() > 1 { Vec::new() } else { excluded },
            minimum_amount_minor: amount,
            minimum_pieces: pieces,
            exclude_discounted: discounted,
            ..Conditions::default()
        })
}

/// A sound promotion with the id `m{index}`.
pub fn promotion(index: usize) -> impl Strategy<Value = Promotion> {
    (
        kind(),
        (any::<bool>(), option::weighted(0.25, 0..2_usize), option::weighted(0.4, 0..2_usize)),
        conditions(),
        option::weighted(0.15, 0..2_000_i64),
        0..3_i32,
        any::<bool>(),
    )
        .prop_map(
            move |(kind, (is_item, exclusive, stacking), conditions, budget, priority, coupon)| {
                let is_price = matches!(
                    kind,
                    Kind::LevelDiscount { .. }
                        | Kind::TimedDiscount { .. }
                        | Kind::FlashSale { .. }
                );
                let is_shipping = matches!(kind, Kind::FreeShipping { .. });
                let coupon = coupon && !is_price && !is_item;
                let budget_left_minor = budget.filter(|_| !matches!(kind, Kind::FlashSale { .. }));
                Promotion {
                    id: format!("m{index}"),
                    name: String::new(),
                    currency: Currency::CNY,
                    scope: if is_item && !is_shipping { Scope::Item } else { Scope::Order },
                    coupon,
                    conditions: Conditions {
                        exclude_discounted: conditions.exclude_discounted && !is_price,
                        ..conditions
                    },
                    period: Period { starts_at: Some(Timestamp::from_millis(0)), ends_at: None },
                    calendar: pricing::Calendar::default(),
                    exclusive_group: exclusive.map(|group| format!("x{group}")),
                    stacking_group: stacking.map(|group| format!("s{group}")),
                    priority,
                    budget_left_minor,
                    limits: Limits::default(),
                    kind,
                }
            },
        )
}

pub fn promotions(most: usize) -> impl Strategy<Value = Vec<Promotion>> {
    (0..=most).prop_flat_map(|count| (0..count).map(promotion).collect::<Vec<_>>())
}

/// Somebody of level gold who brings every coupon; some stock for flash sales.
pub fn context() -> impl Strategy<Value = Context> {
    let points = (0..3_000_u64, 1..4_u64, 1..4_i64, 0..10_001_u32).prop_map(
        |(points, points_per_worth, worth_minor, share_bps)| PointsToSpend {
            points,
            points_per_worth,
            worth_minor,
            share_bps,
        },
    );
    (vec(0..5_u64, 12), option::weighted(0.3, points)).prop_map(|(stock, points)| {
        let ids = (0..12).map(|index| format!("m{index}"));
        let mut context = Context::at(NOW);
        context.customer.level = Some("gold".to_owned());
        context.coupons = ids.clone().collect();
        context.stock_left = ids.zip(stock).collect();
        context.points = points;
        context
    })
}
