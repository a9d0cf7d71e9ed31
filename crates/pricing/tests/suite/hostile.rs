//! Input from somebody who means harm: clear errors, no panics, bounded work.

use kernel::Currency;
use pricing::{
    Cart, Context, Kind, Line, MAX_AMOUNT_MINOR, MAX_LINES, MAX_PROMOTIONS, Platform, PriceChange,
    PricingError, Promotion, price,
};
use proptest::prelude::*;

use crate::given;

fn any_number() -> impl Strategy<Value = i64> {
    prop_oneof![
        any::<i64>(),
        Just(i64::MAX),
        Just(i64::MIN),
        Just(MAX_AMOUNT_MINOR),
        Just(0),
        0..100_i64,
    ]
}

proptest! {
    #[test]
    fn any_numbers_give_an_answer_or_an_error(
        mut cart in given::cart(),
        mut context in given::context(),
        mut promotions in given::promotions(6),
        numbers in proptest::collection::vec(any_number(), 24),
        which in 0..8_u8,
    ) {
        let mut numbers = numbers.into_iter().cycle();
        let mut next = || numbers.next().unwrap();
        match which {
            0 => cart.lines[0].unit_price_minor = next(),
            1 => cart.lines[0].quantity = next() as u32,
            2 => cart.shipping_minor = next(),
            3 => context.zone_offset_seconds = next() as i32,
            4 => context.now = kernel::Timestamp::from_millis(next()),
            5 => context.stock_left.values_mut().for_each(|stock| *stock = next() as u64),
            6 => context.points = Some(pricing::PointsToSpend {
                points: next() as u64,
                points_per_worth: next() as u64,
                worth_minor: next(),
                share_bps: next() as u32,
            }),
            _ => {}
        }
        for promotion in &mut promotions {
            promotion.conditions.minimum_amount_minor = next();
            promotion.budget_left_minor = Some(next());
            match &mut promotion.kind {
                Kind::AmountOff { threshold_minor, off_minor, cap_minor, .. } => {
                    (*threshold_minor, *off_minor, *cap_minor) = (next(), next(), Some(next()));
                }
                Kind::Gift { threshold_minor, gifts, .. } => {
                    *threshold_minor = next();
                    gifts[0].value_minor = next();
                }
                Kind::NForPrice { pieces, price_minor, .. } => {
                    (*pieces, *price_minor) = (next() as u32, next());
                }
                Kind::BuyNPayM { buy, pay } => (*buy, *pay) = (next() as u32, next() as u32),
                Kind::NthPiece { every, pay_bps } => (*every, *pay_bps) = (next() as u32, next() as u32),
                _ => {}
            }
        }
        if let Ok(priced) = price(&cart, &context, &promotions) {
            prop_assert!((0..=priced.list_minor).contains(&priced.total_minor));
        }
    }
}

fn line(id: usize, quantity: u32, unit_price_minor: i64) -> Line {
    Line {
        id: format!("{id:04}"),
        product: format!("p{id}"),
        sku: None,
        categories: Vec::new(),
        quantity,
        unit_price_minor,
        cost_minor: None,
    }
}

fn cart(lines: Vec<Line>) -> Cart {
    Cart { currency: Currency::CNY, lines, shipping_minor: 0 }
}

fn promotion(id: usize, kind: &str) -> Promotion {
    let text = format!(r#"{{"id":"{id:04}","currency":"CNY","kind":{kind}}}"#);
    serde_json::from_str(&text).unwrap()
}

#[test]
fn all_wrong_fields_are_told_at_once() {
    let mut wrong = cart(vec![line(1, 0, -1), line(1, 1, 5)]);
    wrong.shipping_minor = -5;
    let error = price(&wrong, &Context::at(given::NOW), &[]).unwrap_err();
    let PricingError::Input(errors) = error else { panic!("{error}") };
    let fields: Vec<String> = errors.into_vec().into_iter().map(|error| error.field).collect();
    assert_eq!(
        fields,
        [
            "cart.shipping_minor",
            "cart.lines[0].quantity",
            "cart.lines[0].unit_price_minor",
            "cart.lines[1].id"
        ]
    );
    let huge = cart(vec![line(1, 1_000_000, MAX_AMOUNT_MINOR)]);
    assert!(matches!(price(&huge, &Context::at(given::NOW), &[]), Err(PricingError::Input(_))));
    let many = cart((0..=MAX_LINES).map(|id| line(id, 1, 1)).collect());
    assert!(matches!(price(&many, &Context::at(given::NOW), &[]), Err(PricingError::Input(_))));
}

#[test]
fn unknown_fields_are_refused() {
    let text = r#"{"currency":"CNY","lines":[],"shipping_minor":0,"price":1}"#;
    assert!(serde_json::from_str::<Cart>(text).is_err());
    let text = r#"{"type":"percent_off","pay_bps":9000,"percent":10}"#;
    assert!(serde_json::from_str::<Kind>(text).is_err());
    let text = r#"{"type":"rate","pay_bps":9000,"percent":10}"#;
    assert!(serde_json::from_str::<PriceChange>(text).is_err());
}

#[test]
fn definitions_that_make_no_sense_are_refused() {
    let field = |promotion: &Promotion| {
        let errors = promotion.check(&Platform::default()).unwrap_err();
        errors.into_vec().into_iter().map(|error| error.field).collect::<Vec<_>>().join(" ")
    };
    let level = |pay_bps: u32| {
        let kind = format!(
            r#"{{"type":"level_discount","levels":[{{"level":"gold","pay_bps":{pay_bps}}}]}}"#
        );
        promotion(1, &kind)
    };
    assert_eq!(field(&level(6_999)), "kind.levels[0].pay_bps");
    assert_eq!(level(7_000).check(&Platform::default()), Ok(()));
    assert_eq!(level(6_999).check(&Platform { level_floor_bps: 0 }), Ok(()));
    let steps = r#"{"type":"tiered","by":"amount","steps":[
        {"from":200,"off":{"type":"amount","off_minor":30}},
        {"from":200,"off":{"type":"amount","off_minor":20}}]}"#;
    assert_eq!(field(&promotion(1, steps)), "kind.steps[1].from kind.steps[1].off");
    let flash = r#"{"type":"flash_sale","unit_price_minor":1}"#;
    assert_eq!(field(&promotion(1, flash)), "period.starts_at");
    let repeat = r#"{"type":"amount_off","threshold_minor":0,"off_minor":5,"repeat":true}"#;
    assert_eq!(field(&promotion(1, repeat)), "kind.repeat");
    let free = r#"{"type":"buy_n_pay_m","buy":2,"pay":2}"#;
    assert_eq!(field(&promotion(1, free)), "kind.pay");
    let two = [promotion(1, free), promotion(1, free)];
    assert!(price(&cart(vec![line(1, 1, 1)]), &Context::at(given::NOW), &two).is_err());
}

/// The largest cart against the largest catalogue, where every promotion stacks with every other and what helps
/// one threshold loses another.
#[test]
fn the_largest_quote_ends_and_is_no_dearer_than_any_single_promotion() {
    let lines = (0..MAX_LINES).map(|id| line(id, 3, 10_007 + 13 * id as i64)).collect();
    let cart = cart(lines);
    let promotions: Vec<Promotion> = (0..MAX_PROMOTIONS)
        .map(|id| {
            let threshold = 14_000_000 + 7_919 * id as i64;
            let kind = format!(
                r#"{{"type":"amount_off","threshold_minor":{threshold},"off_minor":{}}}"#,
                1_000 + 577 * id
            );
            let mut promotion = promotion(id, &kind);
            if id % 5 == 0 {
                promotion.stacking_group = Some(format!("s{}", id % 3));
            } else {
                promotion.stacking_group = Some("all".to_owned());
            }
            if id % 7 == 0 {
                promotion.kind =
                    Kind::TimedDiscount { price: PriceChange::Rate { pay_bps: 9_990 } };
                promotion.period.starts_at = Some(kernel::Timestamp::from_millis(0));
                promotion.conditions.products = vec![format!("p{id}")];
            }
            promotion
        })
        .collect();
    let context = Context::at(given::NOW);
    let all = price(&cart, &context, &promotions).unwrap();
    for promotion in promotions.iter().step_by(41) {
        let one = price(&cart, &context, std::slice::from_ref(promotion)).unwrap();
        assert!(all.total_minor <= one.total_minor);
    }
    let wide: Vec<Promotion> = (0..MAX_PROMOTIONS)
        .map(|id| {
            let mut promotion = promotion(id, r#"{"type":"percent_off","pay_bps":9000}"#);
            promotion.scope = pricing::Scope::Item;
            promotion
        })
        .collect();
    assert!(matches!(price(&cart, &context, &wide), Err(PricingError::TooManyOffers { .. })));
}
