//! What the editor is told about promotions.

use kernel::Zone;
use pricing::{Conflict, NeverReason, Promotion, conflicts, price};
use proptest::prelude::*;

use crate::given;

fn promotion(text: &str) -> Promotion {
    serde_json::from_str(text).unwrap()
}

#[test]
fn each_sort_of_conflict_is_found() {
    let list = [
        r#"{"id":"a","currency":"CNY","exclusive_group":"x","period":{"ends_at":"2026-11-12T00:00:00+08:00"},
            "kind":{"type":"amount_off","threshold_minor":10000,"off_minor":1000}}"#,
        r#"{"id":"b","currency":"CNY","exclusive_group":"x","period":{"starts_at":"2026-11-11T00:00:00+08:00"},
            "kind":{"type":"amount_off","threshold_minor":20000,"off_minor":3000}}"#,
        r#"{"id":"c","currency":"CNY","period":{"starts_at":"2026-11-02T00:00:00+08:00","ends_at":"2026-11-04T00:00:00+08:00"},
            "calendar":{"weekdays":[6,7]},"kind":{"type":"percent_off","pay_bps":9000}}"#,
        r#"{"id":"d","currency":"CNY","scope":"item","kind":{"type":"percent_off","pay_bps":7000}}"#,
        r#"{"id":"e","currency":"CNY","scope":"item","conditions":{"levels":["gold"]},"kind":{"type":"percent_off","pay_bps":8000}}"#,
        r#"{"id":"f","currency":"CNY","period":{"starts_at":"2026-11-01T00:00:00+08:00"},
            "kind":{"type":"timed_discount","price":{"type":"rate","pay_bps":6000}}}"#,
    ];
    let found = conflicts(&list.map(promotion), Zone::CHINA, 5_000);
    let moment = |text: &str| Some(text.parse().unwrap());
    assert_eq!(
        found,
        [
            Conflict::Never { promotion: "c".to_owned(), reason: NeverReason::Calendar },
            Conflict::Overlap {
                group: "x".to_owned(),
                first: "a".to_owned(),
                second: "b".to_owned(),
                from: moment("2026-11-11T00:00:00+08:00"),
                until: moment("2026-11-12T00:00:00+08:00"),
            },
            Conflict::Hidden { promotion: "e".to_owned(), by: "d".to_owned() },
            Conflict::Deep { first: "d".to_owned(), second: "f".to_owned(), pay_bps: 4_200 },
            Conflict::Deep { first: "e".to_owned(), second: "f".to_owned(), pay_bps: 4_800 },
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn what_is_hidden_is_no_cheaper_by_itself_and_what_never_applies_does_not(
        cart in given::cart(), context in given::context(), promotions in given::promotions(5),
        twin in (0..5_usize, given::promotion(9)),
    ) {
        // A twin of one of them, so that some hide others.
        let mut promotions = promotions;
        if let Some(model) = promotions.get(twin.0).cloned() {
            let mut other = twin.1;
            if std::mem::discriminant(&other.kind) != std::mem::discriminant(&model.kind) {
                other.kind = model.kind.clone();
            }
            promotions.push(Promotion { id: other.id, kind: other.kind, ..model });
        }
        let all = price(&cart, &context, &promotions).unwrap();
        for conflict in conflicts(&promotions, Zone::CHINA, 5_000) {
            match conflict {
                Conflict::Hidden { promotion, by } => {
                    let alone = |id: &str| {
                        let one: Vec<Promotion> =
                            promotions.iter().filter(|other| other.id == id).cloned().collect();
                        price(&cart, &context, &one).unwrap().discount_minor
                    };
                    prop_assert!(alone(&by) >= alone(&promotion), "{} by {}", promotion, by);
                }
                Conflict::Never { promotion, .. } => {
                    let mut tried = all.explanation.iter();
                    let told = tried.find(|tried| tried.promotion == promotion).unwrap();
                    prop_assert_eq!(told.minor, 0);
                }
                Conflict::Overlap { .. } | Conflict::Deep { .. } => {}
            }
        }
    }
}

/// 500 promotions with lists of 10,000 products, which every pair would compare, and drafts that nobody checked.
#[test]
fn long_lists_and_wild_rates_are_no_trouble() {
    let mut promotions: Vec<Promotion> = (0..500_usize)
        .map(|index| {
            let kind = format!(r#"{{"type":"percent_off","pay_bps":{}}}"#, u32::MAX - 1);
            let scope = if index % 2 == 0 { "item" } else { "order" };
            let mut one = promotion(&format!(
                r#"{{"id":"m{index:03}","currency":"CNY","scope":"{scope}","kind":{kind}}}"#
            ));
            // Each pair of even and odd neighbours has its last product in common, and nothing else.
            let shared = format!("shared{}", index / 2);
            one.conditions.products =
                (0..9_999).map(|n| format!("p{index}-{n}")).chain([shared]).collect();
            one.conditions.excluded_products = one.conditions.products.clone();
            one
        })
        .collect();
    // Two that are the same, and one of them pays less.
    let same = promotions[497].conditions.products.clone();
    promotions[499].conditions.products = same;
    promotions[499].conditions.excluded_products = Vec::new();
    promotions[497].conditions.excluded_products = Vec::new();
    promotions[499].kind =
        promotion(r#"{"id":"x","currency":"CNY","kind":{"type":"percent_off","pay_bps":5000}}"#)
            .kind;
    let found = conflicts(&promotions, Zone::CHINA, u32::MAX);
    let is_never =
        |c: &&Conflict| matches!(c, Conflict::Never { reason: NeverReason::Products, .. });
    assert_eq!(found.iter().filter(is_never).count(), 498);
    let hidden = Conflict::Hidden { promotion: "m497".to_owned(), by: "m499".to_owned() };
    assert!(found.contains(&hidden));
    let deep: Vec<(&str, &str, u32)> = found
        .iter()
        .filter_map(|conflict| match conflict {
            Conflict::Deep { first, second, pay_bps } => {
                Some((first.as_str(), second.as_str(), *pay_bps))
            }
            _ => None,
        })
        .collect();
    // Nearly 430,000 times the price is more than can be told; half of it is not.
    assert_eq!(deep, [("m496", "m499", (u32::MAX - 1) / 2)]);
}
