//! What happens to the level of one customer.

use std::collections::BTreeMap;

use kernel::OrgId;
use loyalty::levels::rules::{Measure, Rules};
use loyalty::levels::settle::OrderFacts;
use serde_json::{Value, json};
use testkit::TestDb;

use super::page::Table;
use super::{fen, moment, number, said, time_goes_on};
use crate::levels::tools::{Club, customer, levels, rules};

/// The rules of a table; `bounds` stands for levels that have these.
fn rules_of(table: &Table) -> Rules {
    let mut table = table.clone();
    for (name, value) in &mut table.settings {
        if name == "bounds" {
            let bounds: Vec<i64> = serde_json::from_value(value.clone()).unwrap();
            *name = "levels".to_owned();
            *value = json!(levels(&bounds));
        }
    }
    let rules: Value = table.over(serde_json::to_value(rules()).unwrap());
    serde_json::from_value(rules).unwrap()
}

pub async fn run(db: &TestDb, org: i32, table: &Table) {
    let rules = rules_of(table);
    let of_amounts = rules.measure == Measure::Amount;
    let club = Club::in_org(db, OrgId::new(org), rules).await;
    let mut orders: BTreeMap<u128, OrderFacts> = BTreeMap::new();
    let who = customer(1);
    for row in &table.rows {
        let name = format!("example {}: {}", table.example, row[0]);
        if time_goes_on(db, club.cx.now(), &row[0]) {
            // The same is told whether or not the job was there.
            let before = club.of(who).await;
            club.due().await;
            assert_eq!(club.of(who).await, before, "{name}");
        } else {
            let id = step(&club, &mut orders, &row[0]);
            let id = id.unwrap_or_else(|| panic!("{name}: not understood"));
            club.settle(std::slice::from_ref(&orders[&id])).await;
        }
        let found = club.of(who).await;
        for (column, cell) in table.columns.iter().zip(row).skip(1) {
            let name = format!("{name}: {column}");
            match column.as_str() {
                "level" => assert_eq!(found.rank, number::<usize>(cell), "{name}"),
                "missing" => {
                    let missing = if of_amounts { fen(cell) } else { number(cell) };
                    assert_eq!(found.to_next, Some(missing), "{name}");
                }
                "valid to the end of" => {
                    let next = moment(&format!("{cell} at 00:00")).plus_millis(24 * 3_600_000);
                    assert_eq!(found.valid_until, Some(next), "{name}");
                }
                _ => panic!("{name}: no such column"),
            }
        }
    }
    club.verify().await;
}

fn step(club: &Club<'_>, orders: &mut BTreeMap<u128, OrderFacts>, what: &str) -> Option<u128> {
    let id = if let Some(said) = said(what, "order # is paid: #") {
        let id = number(said[0]);
        orders.insert(id, club.paid(customer(1), id, fen(said[1])));
        id
    } else if let Some(said) = said(what, "order # has given back #") {
        let id = number(said[0]);
        orders.get_mut(&id)?.refunded_minor = fen(said[1]);
        id
    } else {
        let id = number(said(what, "order # is closed")?[0]);
        orders.get_mut(&id)?.void = true;
        id
    };
    Some(id)
}
