//! The tables of examples of docs/loyalty.md, run row by row; and no numbered example without its test.

mod levels;
mod page;
mod points;

use std::collections::BTreeSet;

use kernel::{Timestamp, Zone};
use testkit::{TestDb, db_test};

use crate::tools::MIGRATIONS;
use page::{Table, tables};

/// What people write on the page: `2026-01-08 at 07:59:59.999`, in China.
fn moment(text: &str) -> Timestamp {
    let (day, time) = text.split_once(" at ").unwrap_or_else(|| panic!("{text}"));
    let time = if time.len() == 5 { format!("{time}:00") } else { time.to_owned() };
    format!("{day}T{time}+08:00").parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// `100.99` in fen.
fn fen(text: &str) -> i64 {
    let (whole, part) = text.trim().split_once('.').unwrap_or_else(|| panic!("{text}"));
    assert_eq!(part.len(), 2, "{text}");
    whole.parse::<i64>().unwrap() * 100 + part.parse::<i64>().unwrap()
}

fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.trim().parse().unwrap_or_else(|error| panic!("{text:?}: {error:?}"))
}

/// What stands between the other words of a sentence: `"order 1 is paid: 3.00"` by `"order # is paid: #"`.
fn said<'t>(text: &'t str, by: &str) -> Option<Vec<&'t str>> {
    let mut parts = by.split('#');
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut found = Vec::new();
    for part in parts {
        let at = if part.is_empty() { rest.len() } else { rest.find(part)? };
        found.push(&rest[..at]);
        rest = &rest[at + part.len()..];
    }
    rest.is_empty().then_some(found)
}

/// Lets time go on, if a row says so.
fn time_goes_on(db: &TestDb, now: Timestamp, what: &str) -> bool {
    const DAY: i64 = 24 * 3_600_000;
    let millis = if let Some(to) = said(what, "it is #") {
        moment(to[0]).millis() - now.millis()
    } else if let Some(days) = said(what, "# days pass").or_else(|| said(what, "# day passes")) {
        number::<i64>(days[0]) * DAY
    } else {
        return false;
    };
    assert!(millis > 0, "{what}: back in time");
    db.clock().advance_millis(millis);
    true
}

/// Each table in an organisation of its own, from 1 January on.
async fn run(db: &TestDb, of: fn(&Table) -> bool, run: impl AsyncFn(&TestDb, i32, &Table)) {
    let start = db.ctx().now().millis();
    for (org, table) in (10..).zip(tables().iter().filter(|table| of(table))) {
        run(db, org, table).await;
        db.clock().advance_millis(start - db.ctx().now().millis());
    }
}

db_test! { MIGRATIONS;
    async fn the_tables_of_points_are_true(db) {
        run(&db, |table| table.columns[1] == "pending", points::run).await;
    }

    async fn the_tables_of_levels_are_true(db) {
        run(&db, |table| table.columns[1] == "level", levels::run).await;
    }
}

#[test]
fn every_example_has_a_table_or_a_test_of_its_number() {
    let tabled: BTreeSet<String> = tables().into_iter().map(|table| table.example).collect();
    assert!(tables().len() >= 19, "{} tables", tables().len());
    let tests = [
        include_str!("examples.rs"),
        include_str!("adjusting.rs"),
        include_str!("levels/examples.rs"),
        include_str!("offers/examples.rs"),
    ];
    let tested: BTreeSet<String> = tests
        .iter()
        .flat_map(|file| file.lines())
        .filter_map(|line| line.trim().strip_prefix("/// Example "))
        .map(|id| id.trim_end_matches('.').to_owned())
        .collect();
    let all: BTreeSet<String> = page::examples().into_iter().collect();
    let proven: BTreeSet<String> = tabled.union(&tested).cloned().collect();
    assert_eq!(all, proven, "left: examples of the page; right: tables and tests");
    assert!(all.len() >= 18, "{all:?}");
    assert_eq!(moment("1970-01-01 at 08:00"), Timestamp::from_millis(0));
    assert_eq!(Zone::CHINA.offset_seconds(), 8 * 3_600);
}
