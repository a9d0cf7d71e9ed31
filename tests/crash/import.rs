//! `guanxi import`, killed. What was committed before a kill is there after it; a file that is
//! imported again after a kill gives every order once.

use std::collections::BTreeMap;
use std::path::Path;

use super::orders::{generate, in_file, stored};
use super::place::{Kind, Place};
use super::storm::{Storm, seed};

/// Few, so that a kill costs little; the tests of the program kill imports of many transactions.
const ORDERS: u32 = 400;

fn args(file: &Path) -> [&str; 5] {
    ["import", "--shop", "茶叶店", file.to_str().unwrap(), "--json"]
}

fn file(place: &Place, number: u64) -> std::path::PathBuf {
    generate(place, &format!("orders-{number}.csv"), ORDERS, seed() * 10_000 + number)
}

async fn imports_survive(kind: Kind) {
    let place = Place::new(kind).await;
    let mut number = 0;
    let first = file(&place, number);
    let (done, worked) = place.start(&args(&first)).finish_finely();
    assert_eq!(done.code, Some(0), "{}", done.err);
    let mut acknowledged = in_file(&first);

    let mut storm = Storm::over("import", kind, worked);
    while !storm.is_over() {
        number += 1;
        let path = file(&place, number);
        let offered = in_file(&path);
        // Some files are killed several times before they get through.
        let mut tries = 1 + storm.dice().below(4);
        loop {
            let running = place.start(&args(&path));
            let ended = if tries == 0 || storm.is_over() {
                Err(running.finish())
            } else {
                tries -= 1;
                storm.strike(running, std::time::Duration::ZERO)
            };
            if let Err(done) = &ended {
                assert_eq!(done.code, Some(0), "{}", done.err);
                acknowledged.extend(offered.clone());
            }
            place.verify();
            check(&stored(&place).await.totals(), &acknowledged, &offered);
            if ended.is_err() {
                break;
            }
        }
    }
    let held = stored(&place).await;
    assert_eq!(held.totals(), acknowledged);
    assert_eq!(held.orders.len(), acknowledged.len(), "nothing is doubled");
    storm.report();
}

/// `held` is all that was `acknowledged`, and beyond that only what was `offered` and not answered.
fn check(
    held: &BTreeMap<String, i64>,
    acknowledged: &BTreeMap<String, i64>,
    offered: &BTreeMap<String, i64>,
) {
    let lost = acknowledged.iter().find(|(number, total)| held.get(*number) != Some(total));
    assert_eq!(lost, None, "acknowledged, and lost or changed");
    let invented = held.iter().find(|(number, total)| {
        acknowledged.get(*number) != Some(total) && offered.get(*number) != Some(total)
    });
    assert_eq!(invented, None, "stored, but in no file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_imports_on_sqlite() {
    imports_survive(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_imports_on_postgres() {
    imports_survive(Kind::Postgres).await;
}
