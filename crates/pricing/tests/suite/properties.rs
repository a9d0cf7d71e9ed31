//! What holds for every cart.

use pricing::{Cart, Catalogue, Context, Outcome, Platform, Priced, Promotion, Stage, price};
use proptest::prelude::*;

use crate::{given, oracle};

fn before_points(priced: &Priced) -> i64 {
    priced.total_minor + priced.points.map_or(0, |points| points.minor)
}

fn gift_value(priced: &Priced, promotions: &[Promotion]) -> i64 {
    let value = |id: &str, product: &str| {
        let promotion = promotions.iter().find(|promotion| promotion.id == id).unwrap();
        let pricing::Kind::Gift { gifts, .. } = &promotion.kind else { unreachable!() };
        gifts.iter().find(|gift| gift.product == product).unwrap().value_minor
    };
    let gifts = priced.gifts.iter();
    gifts.map(|gift| value(&gift.promotion, &gift.product) * gift.quantity as i64).sum()
}

/// Everything that has to add up does, and nothing is negative or above the list price.
fn assert_adds_up(cart: &Cart, priced: &Priced) {
    let list: i64 =
        cart.lines.iter().map(|line| line.unit_price_minor * i64::from(line.quantity)).sum();
    assert_eq!(priced.list_minor, list + cart.shipping_minor);
    for line in &priced.lines {
        let shares: i64 = line.shares.iter().map(|share| share.minor).sum();
        assert!(line.shares.iter().all(|share| share.minor > 0));
        assert!(line.points_minor >= 0);
        assert_eq!(line.list_minor - shares - line.points_minor, line.paid_minor);
        assert!((0..=line.list_minor).contains(&line.paid_minor), "{line:?}");
        for share in &line.shares {
            let tried = priced.explanation.iter().find(|tried| tried.promotion == share.promotion);
            let told = tried.unwrap().lines.iter().find(|told| told.line == line.id).unwrap();
            assert_eq!(told.outcome, Outcome::Applied { minor: share.minor });
        }
    }
    let off: i64 = priced.shipping.shares.iter().map(|share| share.minor).sum();
    assert_eq!(priced.shipping.list_minor - off, priced.shipping.paid_minor);
    assert!(priced.shipping.paid_minor >= 0);
    let paid: i64 = priced.lines.iter().map(|line| line.paid_minor).sum();
    assert_eq!(paid + priced.shipping.paid_minor, priced.total_minor);
    let explained: i64 = priced.explanation.iter().map(|tried| tried.minor).sum();
    assert_eq!(explained, priced.discount_minor);
    let points = priced.points.map_or(0, |points| points.minor);
    assert_eq!(priced.list_minor - explained - points, priced.total_minor);
    for tried in &priced.explanation {
        let of_lines: i64 = tried
            .lines
            .iter()
            .map(|line| match &line.outcome {
                Outcome::Applied { minor } => *minor,
                Outcome::Refused { .. } => 0,
            })
            .sum();
        assert_eq!(of_lines + tried.shipping_minor, tried.minor);
        assert!(tried.reason.is_some() || !tried.lines.is_empty(), "{tried:?}");
        assert!(tried.reason.is_none() || tried.minor == 0, "{tried:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_500,
        max_global_rejects: 15,
        ..ProptestConfig::default()
    })]

    #[test]
    fn it_is_the_best_of_all_allowed_combinations(
        cart in given::cart(), context in given::context(), promotions in given::promotions(5),
    ) {
        let priced = price(&cart, &context, &promotions).unwrap();
        assert_adds_up(&cart, &priced);
        // Small carts are proven, all but one in a hundred.
        prop_assume!(priced.is_exact);
        let best = oracle::best(&cart, &context, &promotions);
        prop_assert_eq!(before_points(&priced), best.payable);
        prop_assert!(gift_value(&priced, &promotions) <= best.gifts);
        // Gifts do not decide about lines.
        let is_of_lines = |p: &Promotion| matches!(p.stage(), Stage::Price | Stage::Item);
        if !promotions.iter().any(is_of_lines) {
            prop_assert_eq!(gift_value(&priced, &promotions), best.gifts);
        }
    }

    #[test]
    fn no_single_promotion_is_cheaper_and_one_more_never_costs_more(
        cart in given::cart(), context in given::context(), promotions in given::promotions(10),
        shipping in 0..2_000_i64,
    ) {
        let cart = Cart { shipping_minor: shipping, ..cart };
        let all = price(&cart, &context, &promotions).unwrap();
        assert_adds_up(&cart, &all);
        for promotion in &promotions {
            let one = price(&cart, &context, std::slice::from_ref(promotion)).unwrap();
            prop_assert!(before_points(&all) <= before_points(&one));
        }
        if let Some((_, fewer)) = promotions.split_last() {
            let fewer = price(&cart, &context, fewer).unwrap();
            prop_assert!(!all.is_exact || before_points(&all) <= before_points(&fewer));
        }
    }

    #[test]
    fn order_of_lines_and_promotions_does_not_matter(
        cart in given::cart(), context in given::context(), promotions in given::promotions(8),
        turn in 0..8_usize,
    ) {
        let priced = price(&cart, &context, &promotions).unwrap();
        let mut turned = cart.clone();
        let lines = turned.lines.len();
        turned.lines.rotate_left(turn % lines);
        turned.lines.swap(0, lines - 1);
        let mut others = promotions.clone();
        others.reverse();
        prop_assert_eq!(&price(&turned, &context, &others).unwrap(), &priced);
        let again = Catalogue::new(&others, &Platform::default()).unwrap();
        prop_assert_eq!(again.price(&cart, &context).unwrap(), priced);
    }
}

#[test]
fn a_quote_is_json_and_back() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let given = (given::cart(), given::context(), given::promotions(6));
    for _ in 0..50 {
        let (cart, context, promotions) = given.new_tree(&mut runner).unwrap().current();
        let text = serde_json::to_string(&(&cart, &context, &promotions)).unwrap();
        let read: (Cart, Context, Vec<Promotion>) = serde_json::from_str(&text).unwrap();
        assert_eq!(read, (cart.clone(), context.clone(), promotions.clone()));
        let priced = price(&cart, &context, &promotions).unwrap();
        let text = serde_json::to_string(&priced).unwrap();
        assert_eq!(serde_json::from_str::<Priced>(&text).unwrap(), priced);
    }
}
