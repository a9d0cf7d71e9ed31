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
