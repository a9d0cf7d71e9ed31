//! The worked examples of docs/loyalty.md.

use std::collections::BTreeMap;

use pricing::{Cart, Catalogue, Context, Platform, Promotion, RefundPolicy, Returned, refund};
use serde::Deserialize;
use serde_json::Value;

const PAGE: &str = include_str!("../../../../docs/loyalty.md");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    cart: Cart,
    context: Option<Context>,
    promotions: Vec<Promotion>,
    expected: Value,
    #[serde(default)]
    policy: RefundPolicy,
    #[serde(default)]
    returns: Vec<Return>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Return {
    line: String,
    quantity: u32,
    expected: Value,
}

/// The fenced blocks of `json pricing`.
fn examples() -> Vec<&'static str> {
    let parts = PAGE.split("```json pricing\n").skip(1);
    parts.map(|part| part.split("```").next().unwrap()).collect()
}

/// Everything in `expected` is in `found`; lists are as long.
fn assert_within(expected: &Value, found: &Value, path: &str) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, value) in expected {
                let path = format!("{path}.{key}");
                let found = found.get(key).unwrap_or_else(|| panic!("no field {path}"));
                assert_within(value, found, &path);
            }
        }
        (Value::Array(expected), Value::Array(found)) => {
            assert_eq!(expected.len(), found.len(), "{path}: {found:?}");
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                assert_within(expected, found, &format!("{path}[{index}]"));
            }
        }
        _ => assert_eq!(expected, found, "{path}"),
    }
}

#[test]
fn every_worked_example_is_true() {
    let examples = examples();
    assert!(examples.len() >= 12, "{} examples", examples.len());
    for text in examples {
        let example: Example =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"));
        let noon = "2026-11-11T12:00:00+08:00".parse().unwrap();
        let context = example.context.unwrap_or_else(|| Context::at(noon));
        let catalogue = Catalogue::new(&example.promotions, &Platform::default()).unwrap();
        let priced = catalogue.price(&example.cart, &context).unwrap();
        assert_within(&example.expected, &serde_json::to_value(&priced).unwrap(), text);
        let mut returned = Returned::default();
        for Return { line, quantity, expected } in example.returns {
            let asked = BTreeMap::from([(line.clone(), quantity)]);
            let mut back = returned.pieces.clone();
            *back.entry(line).or_default() += quantity;
            let rest = example.cart.without(&back);
            let rest = (!rest.lines.is_empty()).then(|| {
                let plain = Context { points: None, ..context.clone() };
                catalogue.price(&rest, &plain).unwrap()
            });
            let found = refund(&priced, &returned, &asked, example.policy, rest.as_ref()).unwrap();
            assert_within(&expected, &serde_json::to_value(&found).unwrap(), text);
            returned.pieces = back;
            returned.money_minor += found.money_minor;
            returned.points_minor += found.points_minor;
            returned.points += found.points;
        }
    }
}
