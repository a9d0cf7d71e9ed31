//! Texts: what is printed reads back, and what is wrong is told with its place.

use kernel::{AudienceId, LevelSchemeId, ProgrammeId, ShopId, TagId, UserId};
use proptest::prelude::*;

use super::strategy::{audience, tree};
use crate::audience::{
    Bounds, Limits, Measure, NoNames, Node, Orders, Product, Vocabulary, When, check, parse, print,
};
use crate::tests::model::{programme, scheme, shop, tag, user};

/// A shop with names.
struct Names;

impl Vocabulary for Names {
    fn tag(&self, name: &str) -> Option<TagId> {
        (name == "VIP \"1\"").then(|| tag(1))
    }
    fn tag_name(&self, id: TagId) -> Option<String> {
        (id == tag(1)).then(|| "VIP \"1\"".to_owned())
    }
    fn shop(&self, name: &str) -> Option<ShopId> {
        (name == "茶铺").then(|| shop(2))
    }
    fn shop_name(&self, id: ShopId) -> Option<String> {
        (id == shop(2)).then(|| "茶铺".to_owned())
    }
    fn user(&self, email: &str) -> Option<UserId> {
        (email == "a@b.c").then(|| user(0))
    }
    fn user_name(&self, id: UserId) -> Option<String> {
        (id == user(0)).then(|| "a@b.c".to_owned())
    }
    fn audience(&self, name: &str) -> Option<AudienceId> {
        (name == "常客").then(|| audience(0))
    }
    fn audience_name(&self, id: AudienceId) -> Option<String> {
        (id == audience(0)).then(|| "常客".to_owned())
    }
    fn scheme(&self, name: &str) -> Option<LevelSchemeId> {
        (name == "会员").then(|| scheme(0))
    }
    fn scheme_name(&self, id: LevelSchemeId) -> Option<String> {
        (id == scheme(0)).then(|| "会员".to_owned())
    }
    fn only_scheme(&self) -> Option<LevelSchemeId> {
        Some(scheme(0))
    }
    fn level(&self, id: LevelSchemeId, name: &str) -> Option<u8> {
        (id == scheme(0)).then_some(())?;
        LEVELS.iter().zip(1..).find(|(level, _)| **level == name).map(|(_, rank)| rank)
    }
    fn level_name(&self, id: LevelSchemeId, rank: u8) -> Option<String> {
        let at = usize::from(rank).checked_sub(1)?;
        (id == scheme(0)).then(|| LEVELS.get(at).map(|name| (*name).to_owned()))?
    }
    fn programme(&self, name: &str) -> Option<ProgrammeId> {
        (name == "茶豆").then(|| programme(1))
    }
    fn programme_name(&self, id: ProgrammeId) -> Option<String> {
        (id == programme(1)).then(|| "茶豆".to_owned())
    }
}

/// Of the scheme that has names.
const LEVELS: [&str; 2] = ["gold", "VIP \"2\""];

#[test]
fn levels_and_points_name_what_they_are_of_where_there_are_several() {
    let printed = |text: &str| print(&parse(text, &Names).unwrap(), &Names);
    assert_eq!(printed("LEVEL is \"gold\""), "level = \"gold\"");
    assert_eq!(
        printed("level(scheme “会员”) in (none, 2, 3, \"gold\")"),
        "level in (none, \"VIP \\\"2\\\"\", 3, \"gold\")"
    );
    assert_eq!(printed("points(programme \"茶豆\") > 99"), "points(programme \"茶豆\") >= 100");
    let other = scheme(7).to_string();
    assert_eq!(
        printed(&format!("level(scheme \"{other}\") = 1")),
        format!("level(scheme \"{other}\") = 1")
    );
    for (text, fault) in [
        (
            "points >= 1",
            "line 1, column 8: there is not exactly one to mean: say `points(programme \"…\")`",
        ),
        ("level = \"silver\"", "line 1, column 9: there is no level \"silver\" in this scheme"),
        ("level(scheme \"x\") = \"gold\"", "line 1, column 14: there is no scheme of levels \"x\""),
        (
            "level = gold",
            "line 1, column 9: expected the name of a level in quotation marks, its rank, or `none`, found `gold`",
        ),
        (
            "level = 256",
            "line 1, column 9: expected the rank of a level, from 1 to 255, found the number 256",
        ),
        (
            "points(programme \"茶豆\") = 1.5",
            "line 1, column 26: expected a whole number, found the number 1.5",
        ),
    ] {
        let found: Vec<String> =
            parse(text, &Names).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(found, [fault], "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(tree in tree()) {
        for names in [&NoNames as &dyn Vocabulary, &Names] {
            let text = print(&tree, names);
            let read = parse(&text, names);
            prop_assert_eq!(read.as_ref(), Ok(&tree.normalised()), "{}", text);
            prop_assert_eq!(print(&read.unwrap(), names), text);
        }
    }

    #[test]
    fn json_reads_back(tree in tree()) {
        let json = serde_json::to_string(&tree).unwrap();
        prop_assert_eq!(serde_json::from_str::<Node>(&json).unwrap(), tree, "{}", json);
    }

    #[test]
    fn hostile_texts_are_refused_with_a_place(text in "[ a-z0-9(),.=<>\"“”、《#\\n-]{0,60}") {
        if let Err(errors) = parse(&text, &NoNames) {
            prop_assert!(!errors.is_empty());
            for error in errors {
                prop_assert!(error.place.offset <= text.len());
                prop_assert!(text.is_char_boundary(error.place.offset));
                let before = &text[..error.place.offset];
                prop_assert_eq!(error.place.line, before.matches('\n').count() + 1);
            }
        }
    }
}

#[test]
fn texts_of_the_manual() {
    let of_days = |days| Orders { when: When::LastDays(days), ..Orders::default() };
    let count = |of, bounds| Node::Orders { measure: Measure::Count, of, bounds };
    for (text, tree, printed) in [
        (
            "orders(in last 90 days) >= 2 and province = \"浙江省\"",
            Node::All {
                of: vec![
                    count(of_days(90), Bounds::at_least(2)),
                    Node::Province { is: vec!["浙江省".to_owned()] },
                ],
            },
            None,
        ),
        (
            "REVENUE（shop “茶铺”） > 99.9 # much\n or not owner is nobody",
            Node::Any {
                of: vec![
                    Node::Orders {
                        measure: Measure::Revenue,
                        of: Orders { shop: Some(shop(2)), ..Orders::default() },
                        bounds: Bounds::at_least(9_991),
                    },
                    Node::Not { of: Box::new(Node::Owner { is: vec![None] }) },
                ],
            },
            Some("revenue(shop \"茶铺\") >= 99.91 or not owner = nobody"),
        ),
        ("bought := 1", Node::everyone(), Some("!line 1, column 1: expected a condition")),
        (
            "tier in (champions、\"流失风险\") and tag \"VIP \\\"1\\\"\"",
            Node::All {
                of: vec![
                    Node::Tier { is: vec![crate::Tier::Champions, crate::Tier::AtRisk] },
                    Node::Tag { tag: tag(1) },
                ],
            },
            Some("tier in (champions, at_risk) and tag \"VIP \\\"1\\\"\""),
        ),
        (
            "sequence(product contains \"杯\", product = \"C9\", within 30 days)",
            Node::Sequence {
                first: Product::Contains("杯".to_owned()),
                then: Product::Is(vec!["C9".to_owned()]),
                within_days: 30,
                when: When::Ever,
            },
            None,
        ),
    ] {
        let read = parse(text, &Names);
        if let Some(error) = printed.and_then(|p| p.strip_prefix('!')) {
            let errors = read.unwrap_err();
            assert!(errors[0].to_string().starts_with(error), "{}", errors[0]);
            continue;
        }
        assert_eq!(read, Ok(tree.clone()), "{text}");
        assert_eq!(print(&tree, &Names), printed.unwrap_or(text));
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, wanted) in [
        ("", "line 1, column 1: expected a condition"),
        ("orders >= 2 and", "line 1, column 16: expected a condition"),
        ("orders\n  > two", "line 2, column 5: expected a number, found `two`"),
        ("orders >= 1.5", "line 1, column 11: expected a whole number"),
        (
            "province = 浙江省",
            "line 1, column 12: the character '浙' has no meaning here: texts stand in quotation marks",
        ),
        ("orders >= 1 €", "line 1, column 13: the character '€' has no meaning here"),
        ("revenue >= 1.005", "line 1, column 12: expected at most 2 digits"),
        ("tag \"无\" and shop", "line 1, column 5: there is no tag \"无\""),
        ("tag \"无", "line 1, column 5: this text does not end"),
        ("created from 0999-01-01", "line 1, column 1: days are of the years 1000 to 9999"),
        ("created on 2026-02-30", "line 1, column 12: 2026-02-30 is no day"),
        ("orders(in last 3 days, in last 4 days) = 1", "line 1, column 24: this was said before"),
        ("orders between 5 and 2", "line 1, column 1: no orders is 5 or more and 2 or less"),
        ("orders = 99999999999999999999", "line 1, column 10: this number is too large"),
        ("everyone and\n bucket 3..2 of 10", "line 2, column 2: buckets run from 1 to 10"),
        ("name contains \" \"", "line 1, column 1: a part of a name must not be empty"),
        ("everyone; drop table", "line 1, column 9: the character ';' has no meaning"),
        ("items(amount >= 5) = 1", "line 1, column 1: amount is of whole orders"),
        ("revenue(amount >= 5, shop \"東京\") = 1", "line 1, column 27: there is no shop"),
        ("orders >= 2x", "line 1, column 12: a number and a word need a blank"),
    ] {
        let errors = parse(text, &NoNames).unwrap_err();
        assert!(errors[0].to_string().starts_with(wanted), "{text}: {}", errors[0]);
    }
}

#[test]
fn depth_and_size_have_limits() {
    let deep = format!("{}everyone", "not ".repeat(100_000 / 4));
    assert!(parse(&deep, &NoNames).is_err());
    let brackets = format!("{}everyone{}", "(".repeat(30_000), ")".repeat(30_000));
    assert!(parse(&brackets, &NoNames).is_err());
    let wide = vec!["everyone"; Limits::NODES + 1].join(" or ");
    assert!(parse(&wide, &NoNames).is_err());
    let mut nested = Node::everyone();
    for _ in 0..=Limits::DEPTH {
        nested = Node::Not { of: Box::new(nested) };
    }
    let errors = check(&nested).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].message.contains("deeper than 32"));
    let long = format!("name contains \"{}\"", "a".repeat(501));
    assert!(parse(&long, &NoNames).is_err());
}
