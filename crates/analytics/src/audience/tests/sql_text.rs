//! The SQL of each condition, and what is refused.

use chrono::NaiveDate;
use kernel::{LevelSchemeId, ProgrammeId, TagId, TypedId as _, UserId, Zone};
use proptest::prelude::*;
use uuid::Uuid;

use super::strategy;
use crate::audience::sql::{SqlError, SqlLimits, searchable, select};
use crate::audience::{
    AsOf, AudienceError, Bounds, Definitions, Limits, Measure, NoNames, Node, Orders, Product,
    When, parse,
};
use crate::tests::model::shop;

fn as_of() -> AsOf {
    AsOf { day: NaiveDate::from_ymd_opt(2026, 11, 23).unwrap(), zone: Zone::CHINA }
}

fn sql_with(node: &Node, named: &Definitions) -> Result<String, SqlError> {
    select(node, named, as_of())
}

fn sql(node: &Node) -> String {
    sql_with(node, &Definitions::new()).unwrap()
}

fn read(text: &str) -> Node {
    parse(text, &NoNames).unwrap()
}

/// The statement of a text, from its `WHERE`, on one line.
fn condition(text: &str) -> String {
    let sql = sql(&read(text));
    let (_, condition) = sql.split_once("\nWHERE\n  ").unwrap();
    let condition = condition.strip_suffix("\nORDER BY c.customer\n").unwrap();
    condition.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_statement_reads_well() {
    let text = "orders(in last 90 days) >= 2 and revenue(in last 90 days) > 1000 and not (tier in (lost, \
                hibernating) or items(product contains \"龙井\") = 0) \
                and sequence(product = \"Pot\", product contains \"tea\", within 30 days)";
    let expected = "\
WITH
  of_orders AS (
    SELECT
      customer,
      count(*) FILTER (WHERE ordered_at >= 1787673600000 /* 2026-08-26 */) AS orders_1,
      sum(revenue_minor) FILTER (WHERE ordered_at >= 1787673600000 /* 2026-08-26 */) AS revenue_2
    FROM orders
    WHERE ordered_at < 1795449600000 /* 2026-11-24 */
    GROUP BY customer
  ),
  of_lines AS (
    SELECT
      customer,
      sum(quantity) FILTER (WHERE (contains(code_folded, '龙井') OR contains(title_folded, '龙井'))) AS items_1
    FROM lines
    WHERE ordered_at < 1795449600000 /* 2026-11-24 */
    GROUP BY customer
  ),
  of_sequences AS (
    SELECT
      customer,
      bool_or(sequence_1) AS sequence_1
    FROM (
      SELECT
        customer,
        (contains(code_folded, 'tea') OR contains(title_folded, 'tea'))
          AND count(CASE WHEN (code_folded = 'pot' OR title_folded = 'pot') THEN 1 END) OVER (
            PARTITION BY customer ORDER BY ordered_at
            RANGE BETWEEN 2592000000 /* 30 days */ PRECEDING AND 1 PRECEDING
          ) > 0 AS sequence_1
      FROM lines
      WHERE ordered_at < 1795449600000 /* 2026-11-24 */
    ) AS bought
    GROUP BY customer
  )
SELECT c.customer
FROM customers c
LEFT JOIN of_orders o ON o.customer = c.customer
LEFT JOIN of_lines l ON l.customer = c.customer
LEFT JOIN of_sequences s ON s.customer = c.customer
WHERE
  coalesce(o.orders_1, 0) >= 2
  AND coalesce(o.revenue_2, 0) >= 100001
  AND NOT (
    coalesce(c.tier, '') IN ('hibernating', 'lost')
    OR coalesce(l.items_1, 0) = 0
  )
  AND s.sequence_1 IS TRUE
ORDER BY c.customer
";
    assert_eq!(sql(&read(text)), expected);
    assert_eq!(
        sql(&Node::everyone()),
        "SELECT c.customer\nFROM customers c\nWHERE\n  TRUE\nORDER BY c.customer\n"
    );
}

#[test]
fn each_condition_has_its_sql() {
    let tag = TagId::from_uuid(Uuid::nil());
    let user = UserId::from_uuid(Uuid::nil());
    let scheme = LevelSchemeId::from_uuid(Uuid::nil());
    let programme = ProgrammeId::from_uuid(Uuid::nil());
    for (text, expected) in [
        ("nobody", "FALSE"),
        (
            "name contains \"Ａ b\"",
            "(contains(c.name_folded, 'a b') OR contains(c.accounts_folded, 'a b'))",
        ),
        ("province = \"浙江省\"", "c.province = '浙江省'"),
        ("province in (\"O'\", unknown)", "c.province IN ('O''', '')"),
        ("rating >= 3", "(c.rating >= 3) IS TRUE"),
        ("rating between 1 and 2", "(c.rating BETWEEN 1 AND 2) IS TRUE"),
        (
            &format!("owner in (\"{user}\", nobody)"),
            &format!("coalesce(c.owner, '') IN ('{user}', '')"),
        ),
        (&format!("tag \"{tag}\""), "t.tag_1 IS TRUE"),
        ("tier = lost", "coalesce(c.tier, '') = 'lost'"),
        (
            "tier in (important_value, lost)",
            "(coalesce(c.tier, '') = 'lost' OR coalesce(c.classic, '') = 'important_value')",
        ),
        ("cell \"R5F*M1\"", "(c.r = 5 AND c.m = 1) IS TRUE"),
        ("cell \"R*F*M*\"", "c.r IS NOT NULL"),
        (
            "created in last 1 days",
            "(c.created_at >= 1795363200000 /* 2026-11-23 */ AND c.created_at < 1795449600000 /* 2026-11-24 */)",
        ),
        ("created before last 1 days", "(c.created_at < 1795363200000 /* 2026-11-23 */)"),
        ("refuses_automation", "(c.refused_from < 1795449600000 /* 2026-11-24 */) IS TRUE"),
        (&format!("level(scheme \"{scheme}\") = none"), "coalesce(g.level_1, 0) = 0"),
        (&format!("level(scheme \"{scheme}\") in (3, none)"), "coalesce(g.level_1, 0) IN (3, 0)"),
        (&format!("points(programme \"{programme}\") >= 100"), "coalesce(p.points_1, 0) >= 100"),
        ("may_contact(sms)", "w.allowed_1 IS TRUE"),
        ("not may_contact(in_site, service)", "NOT (w.refused_1 IS NOT TRUE)"),
        ("orders = 0", "coalesce(o.orders_1, 0) = 0"),
        ("orders(product = \"C9\") < 3", "coalesce(l.orders_1, 0) <= 2"),
        (
            "average_order >= 1.50",
            "((o.revenue_1 + CASE WHEN o.revenue_1 < 0 THEN -(o.orders_2 / 2) ELSE o.orders_2 / 2 END) \
             / nullif(o.orders_2, 0) >= 150) IS TRUE",
        ),
        ("first_order ever", "o.first_order_1 IS NOT NULL"),
        (
            "last_order before last 90 days",
            "(o.last_order_1 < 1787673600000 /* 2026-08-26 */) IS TRUE",
        ),
        ("bucket 3..7 of 10 seed \"it's\"", "bucket(c.customer, 'it''s', 10) BETWEEN 3 AND 7"),
        (
            "not (orders = 1 and not rating = 2)",
            "NOT ( coalesce(o.orders_1, 0) = 1 AND NOT ((c.rating = 2) IS TRUE) )",
        ),
        ("rating = 1 and (nobody or everyone)", "(c.rating = 1) IS TRUE"),
    ] {
        assert_eq!(condition(text), expected, "{text}");
    }
}

#[test]
fn orders_are_chosen_where_they_are_counted() {
    let figure = |text: &str| {
        let sql = sql(&read(text));
        let figure = sql.lines().find(|line| line.contains(" AS ") && line.contains("_1")).unwrap();
        figure.trim().to_owned()
    };
    let id = shop(3);
    assert_eq!(
        figure(&format!(
            "orders(shop \"{id}\", amount between 1 and 2, from 2026-01-01 to 2026-01-31) = 1"
        )),
        format!(
            "count(*) FILTER (WHERE ordered_at >= 1767196800000 /* 2026-01-01 */ \
             AND ordered_at < 1769875200000 /* 2026-02-01 */ AND shop = '{id}' \
             AND revenue_minor BETWEEN 100 AND 200) AS orders_1"
        )
    );
    assert_eq!(
        figure("orders(product in (\"b\", \"A\", \"a\")) = 1"),
        "count(DISTINCT order_no) FILTER (WHERE (code_folded IN ('a', 'b') OR title_folded IN ('a', 'b'))) AS orders_1"
    );
    assert_eq!(
        figure("revenue(product contains \"x\") = 1"),
        "sum(amount_minor) FILTER (WHERE (contains(code_folded, 'x') OR contains(title_folded, 'x'))) AS revenue_1"
    );
}

#[test]
fn the_same_figure_is_asked_for_once() {
    let text = "orders >= 1 and orders <= 5 and average_order >= 1 and not revenue <= 3";
    let sql = sql(&read(text));
    assert_eq!(sql.matches("count(*)").count(), 1, "{sql}");
    assert_eq!(sql.matches("sum(").count(), 1, "{sql}");
}

#[test]
fn audiences_are_unfolded_and_circles_refused() {
    let id = strategy::audience;
    let named = |n: u8| Node::Audience { audience: id(n) };
    let mut audiences = Definitions::from([
        (id(0), read("rating = 1 or rating = 2")),
        (id(1), Node::Not { of: Box::new(named(0)) }),
    ]);
    let found = sql_with(&named(1), &audiences).unwrap();
    assert_eq!(found, sql(&read("not (rating = 1 or rating = 2)")));
    assert_eq!(sql_with(&named(2), &audiences), Err(AudienceError::Unknown(id(2)).into()));
    audiences.insert(id(0), named(1));
    let circle = Err(AudienceError::Circle(id(1)).into());
    assert_eq!(sql_with(&Node::All { of: vec![named(1)] }, &audiences), circle);
    audiences.insert(id(0), named(0));
    assert_eq!(sql_with(&named(0), &audiences), Err(AudienceError::Circle(id(0)).into()));
    audiences.insert(id(0), Node::Province { is: Vec::new() });
    let error = sql_with(&named(0), &audiences).unwrap_err().to_string();
    assert_eq!(error, format!("audience {}: province needs a value", id(0)));
}

#[test]
fn what_grows_by_unfolding_is_refused() {
    // Each names the one before twice: 2^39 conditions at the end.
    let id = strategy::audience;
    let named = |n: u8| Node::Audience { audience: id(n) };
    let mut audiences = Definitions::from([(id(0), Node::RefusesAutomation)]);
    for n in 1..40 {
        audiences.insert(id(n), Node::Any { of: vec![named(n - 1), named(n - 1)] });
    }
    let refused = |what, limit| Err(SqlError::TooLarge { what, limit });
    assert_eq!(sql_with(&named(39), &audiences), refused("levels", SqlLimits::DEPTH));
    assert_eq!(sql_with(&named(20), &audiences), refused("conditions", SqlLimits::NODES));
    assert!(sql_with(&named(5), &audiences).is_ok());
    let long = vec!["x".repeat(Limits::VALUE_CHARS); Limits::VALUES];
    let long = Node::Any { of: vec![Node::Province { is: long }; 10] };
    let error = sql_with(&long, &audiences);
    assert_eq!(error, refused("bytes of SQL", SqlLimits::BYTES));
}

#[test]
fn ends_of_time_have_sql() {
    for day in [NaiveDate::MIN, NaiveDate::MAX] {
        let as_of = AsOf { day, zone: Zone::CHINA };
        for when in [
            When::LastDays(Limits::DAYS),
            When::BeforeLastDays(Limits::DAYS),
            When::Days(
                NaiveDate::from_ymd_opt(1_000, 1, 1),
                NaiveDate::from_ymd_opt(9_999, 12, 31),
            ),
        ] {
            assert!(select(&Node::Created { when }, &Definitions::new(), as_of).is_ok());
        }
    }
}

/// What stands outside of the texts and remarks of a statement.
fn skeleton(sql: &str) -> String {
    let parts = sql.split('\'').step_by(2);
    parts.map(|part| part.split("/*").next().unwrap_or(part)).collect()
}

proptest! {
    #[test]
    fn what_is_searched_for_stays_within_quotes(text in "\\PC{0,8}['\\\\;\"*/%_\\x00-\\x1f-]{1,6}\\PC{0,8}") {
        prop_assume!(!searchable(&text).trim().is_empty());
        let trees = |text: &str| {
            Node::All { of: vec![
                Node::Name { contains: text.to_owned() },
                Node::Province { is: vec![text.to_owned()] },
                Node::Bucket { from: 1, to: 1, buckets: 2, seed: text.to_owned() },
                Node::Orders {
                    measure: Measure::Count,
                    of: Orders { product: Some(Product::Contains(text.to_owned())), ..Orders::default() },
                    bounds: Bounds::at_least(1),
                },
            ] }
        };
        prop_assert_eq!(skeleton(&sql(&trees(&text))), skeleton(&sql(&trees("x"))));
    }

    #[test]
    fn every_tree_has_sql(tree in strategy::tree()) {
        let audiences = (0..3).map(|n| (strategy::audience(n), Node::RefusesAutomation)).collect();
        let sql = sql_with(&tree, &audiences).unwrap();
        prop_assert_eq!(&sql, &sql_with(&tree, &audiences).unwrap());
        prop_assert_eq!(sql.matches('(').count(), sql.matches(')').count());
    }
}

#[test]
fn refunds_have_tables_of_their_own() {
    let sql = sql(&read("refunds(in last 90 days) >= 2 and refunded(product = \"C9\") = 0"));
    for part in [
        "count(*) FILTER (WHERE ordered_at >= 1787673600000 /* 2026-08-26 */) AS refunds_1\n    FROM refunds",
        "sum(amount_minor) FILTER (WHERE (code_folded = 'c9' OR title_folded = 'c9')) AS refunded_1\n    FROM refund_lines",
        "coalesce(r.refunds_1, 0) >= 2\n  AND coalesce(d.refunded_1, 0) = 0",
        "LEFT JOIN of_refunds r ON r.customer = c.customer",
        "LEFT JOIN of_refund_lines d ON d.customer = c.customer",
    ] {
        assert!(sql.contains(part), "{part}\n{sql}");
    }
}
