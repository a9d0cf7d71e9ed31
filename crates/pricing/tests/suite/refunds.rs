//! Refunds in any sequence.

use std::collections::BTreeMap;

use pricing::{
    Catalogue, Platform, Recalculation, RefundError, RefundPolicy, Returned, ShippingRefund,
    refund, refund_share,
};
use proptest::prelude::*;

use crate::given;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_gives_back_exactly_what_was_paid(
        cart in given::cart(), context in given::context(), promotions in given::promotions(6),
        picks in proptest::collection::vec((0..4_usize, 1..4_u32), 0..24),
        claws_back in any::<bool>(),
    ) {
        let catalogue = Catalogue::new(&promotions, &Platform::default()).unwrap();
        let priced = catalogue.price(&cart, &context).unwrap();
        let recalculation =
            if claws_back { Recalculation::ClawBack } else { Recalculation::KeepShares };
        let policy = RefundPolicy { recalculation, shipping: ShippingRefund::WithLastPiece };
        let mut plain = context.clone();
        plain.points = None;
        let mut returned = Returned::default();
        let mut shipping = 0;
        // Random pieces first, then whatever is left.
        let rest = (0..cart.lines.len()).map(|line| (line, u32::MAX));
        for (line, quantity) in picks.into_iter().chain(rest) {
            let line = &cart.lines[line % cart.lines.len()];
            let before = returned.pieces.get(&line.id).copied().unwrap_or(0);
            let quantity = quantity.min(line.quantity - before);
            if quantity == 0 {
                continue;
            }
            let asked = BTreeMap::from([(line.id.clone(), quantity)]);
            let mut back = returned.pieces.clone();
            *back.entry(line.id.clone()).or_default() += quantity;
            let left = cart.without(&back);
            let left =
                (!left.lines.is_empty()).then(|| catalogue.price(&left, &plain).unwrap());
            let given = refund(&priced, &returned, &asked, policy, left.as_ref()).unwrap();
            prop_assert!(given.money_minor >= 0 && given.points_minor >= 0);
            prop_assert!(given.shipping_minor >= 0);
            if !claws_back {
                let share = refund_share(&priced, &returned.pieces, &line.id, quantity).unwrap();
                prop_assert_eq!(share.minor(), given.money_minor);
            }
            returned.pieces = back;
            returned.money_minor += given.money_minor;
            returned.points_minor += given.points_minor;
            returned.points += given.points;
            shipping += given.shipping_minor;
            if left.is_none() {
                prop_assert_eq!(&given.gifts_due, &priced.gifts);
            }
        }
        prop_assert_eq!(returned.money_minor + shipping, priced.total_minor);
        prop_assert_eq!(returned.points_minor, priced.points.map_or(0, |points| points.minor));
        prop_assert_eq!(returned.points, priced.points.map_or(0, |points| points.points));
        let line = &cart.lines[0].id;
        let is_refused = matches!(
            refund_share(&priced, &returned.pieces, line, 1),
            Err(RefundError::TooMany { left: 0, .. })
        );
        prop_assert!(is_refused);
    }
}

#[test]
fn what_does_not_fit_the_order_is_refused() {
    let cart = serde_json::from_str(
        r#"{"currency":"CNY","lines":[{"id":"a","product":"p","quantity":2,"unit_price_minor":500}]}"#,
    )
    .unwrap();
    let priced = pricing::price(&cart, &pricing::Context::at(given::NOW), &[]).unwrap();
    let none = BTreeMap::new();
    assert_eq!(
        refund_share(&priced, &none, "b", 1),
        Err(RefundError::UnknownLine { line: "b".to_owned() })
    );
    assert_eq!(
        refund_share(&priced, &none, "a", u32::MAX),
        Err(RefundError::TooMany { line: "a".to_owned(), asked: u32::MAX, left: 2 })
    );
    let asked = BTreeMap::from([("a".to_owned(), 1)]);
    let policy = RefundPolicy::default();
    let too_much = Returned { money_minor: 1_001, ..Returned::default() };
    assert_eq!(refund(&priced, &too_much, &asked, policy, None), Err(RefundError::Inconsistent));
    let policy = RefundPolicy { recalculation: Recalculation::ClawBack, ..policy };
    assert_eq!(
        refund(&priced, &Returned::default(), &asked, policy, None),
        Err(RefundError::WrongRest)
    );
}

#[test]
fn no_piece_is_no_return_and_pays_no_shipping_again() {
    use kernel::Currency;
    use pricing::{Cart, Context, Line};
    let line = Line {
        id: "a".to_owned(),
        product: "p".to_owned(),
        sku: None,
        categories: Vec::new(),
        quantity: 2,
        unit_price_minor: 1_000,
        cost_minor: None,
    };
    let cart = Cart { currency: Currency::CNY, lines: vec![line], shipping_minor: 800 };
    let priced = pricing::price(&cart, &Context::at(given::NOW), &[]).unwrap();
    let pieces = |count: u32| BTreeMap::from([("a".to_owned(), count)]);
    let policy = RefundPolicy::default();
    let all = refund(&priced, &Returned::default(), &pieces(2), policy, None).unwrap();
    assert_eq!((all.money_minor, all.shipping_minor), (2_000, 800));
    let returned = Returned { pieces: pieces(2), money_minor: 2_000, ..Returned::default() };
    assert_eq!(
        refund(&priced, &returned, &pieces(0), policy, None),
        Err(RefundError::NoPieces { line: "a".to_owned() })
    );
    let nothing = refund(&priced, &returned, &BTreeMap::new(), policy, None).unwrap();
    assert_eq!((nothing.money_minor, nothing.shipping_minor), (0, 0));
}
