//! Carts with so many lines and promotions that not every combination can be looked at.

use kernel::Currency;
use pricing::{
    Cart, Conditions, Context, Kind, Line, PriceChange, Priced, Promotion, Scope, price,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::given;

fn payable(priced: &Priced) -> i64 {
    priced.total_minor + priced.points.map_or(0, |points| points.minor)
}

fn line(id: String, product: &str, quantity: u32, unit_price_minor: i64) -> Line {
    Line {
        id,
        product: product.to_owned(),
        sku: None,
        categories: Vec::new(),
        quantity,
        unit_price_minor,
        cost_minor: None,
    }
}

/// Some promotion, to be changed; never of several lines.
fn plain(id: &str, kind: Kind) -> Promotion {
    let mut runner = TestRunner::deterministic();
    let some = given::promotion(0).new_tree(&mut runner).unwrap().current();
    Promotion {
        id: id.to_owned(),
        scope: Scope::Order,
        coupon: false,
        conditions: Conditions::default(),
        exclusive_group: None,
        stacking_group: None,
        priority: 0,
        budget_left_minor: None,
        kind,
        ..some
    }
}

/// A flash sale of one piece an order, on a cheap line and a dear one, among sales of many other lines that share
/// exclusive groups, so that their combinations are too many.
#[test]
fn a_flash_sale_of_one_piece_goes_to_the_line_that_is_dearest() {
    let flash =
        plain("flash", Kind::FlashSale { unit_price_minor: 990, pieces_per_order: Some(1) });
    let of = |products: &[&str], promotion: Promotion| Promotion {
        conditions: Conditions {
            products: products.iter().map(|name| (*name).to_owned()).collect(),
            ..Conditions::default()
        },
        ..promotion
    };
    let mut promotions = vec![of(&["a", "b"], flash.clone())];
    let mut lines = vec![line("a".into(), "a", 1, 1_200), line("b".into(), "b", 1, 19_900)];
    for number in 0..24_i64 {
        let product = format!("p{number}");
        lines.push(line(format!("l{number:02}"), &product, 3, 1_000 + 37 * number));
        for turn in 0..3_i64 {
            let off_minor = 50 + (number * 7 + turn * 11) % 31;
            let sale = Kind::TimedDiscount { price: PriceChange::Less { off_minor } };
            let name = format!("s{number:02}-{turn}");
            let group = format!("x{}", (number * 5 + turn * 3) % 9);
            let sale = Promotion { exclusive_group: Some(group), ..plain(&name, sale) };
            promotions.push(of(&[&product], sale));
        }
    }
    let cart = Cart { currency: Currency::CNY, lines, shipping_minor: 0 };
    let mut context = Context::at(given::NOW);
    context.stock_left.insert("flash".to_owned(), 100);
    let all = price(&cart, &context, &promotions).unwrap();
    assert!(!all.is_exact, "the example must be too large for the search");
    let alone = price(&cart, &context, &promotions[..1]).unwrap();
    assert!(alone.is_exact);
    assert_eq!(alone.discount_minor, 19_900 - 990);
    assert!(payable(&all) <= payable(&alone), "{} > {}", payable(&all), payable(&alone));
    let paid = |id: &str| all.lines.iter().find(|line| line.id == id).unwrap().paid_minor;
    assert_eq!((paid("a"), paid("b")), (1_200, 990));
}

/// Many lines, with few products and categories, so that promotions meet on them.
fn cart() -> impl Strategy<Value = Cart> {
    (
        (8..11_usize).prop_flat_map(|count| (0..count).map(given::line).collect::<Vec<_>>()),
        0..1_500_i64,
    )
        .prop_map(|(lines, shipping_minor)| Cart {
            currency: Currency::CNY,
            lines,
            shipping_minor,
        })
}

/// Many promotions, half of them of single lines and with little stock or budget, hardly any two of which go together.
fn promotions() -> impl Strategy<Value = Vec<Promotion>> {
    let one = |index: usize| {
        (given::promotion(index), 1..4_000_i64, 0..6_usize, any::<bool>()).prop_map(
            move |(promotion, budget, group, is_scarce)| {
                let is_flash = matches!(promotion.kind, Kind::FlashSale { .. });
                let budget = Some(budget).filter(|_| is_scarce && !is_flash);
                Promotion {
                    budget_left_minor: budget.or(promotion.budget_left_minor),
                    exclusive_group: Some(format!("x{group}")),
                    ..promotion
                }
            },
        )
    };
    (12..24_usize).prop_flat_map(move |count| (0..count).map(one).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_global_rejects: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_not_proven_is_never_dearer_than_one_promotion(
        cart in cart(), context in given::context(), promotions in promotions(),
    ) {
        let all = price(&cart, &context, &promotions).unwrap();
        prop_assume!(!all.is_exact);
        for promotion in &promotions {
            let one = price(&cart, &context, std::slice::from_ref(promotion)).unwrap();
            prop_assert!(
                payable(&all) <= payable(&one),
                "{} > {} of {promotion:?} in {cart:?}", payable(&all), payable(&one),
            );
        }
    }
}
