//! `guanxi backup create`, killed. Every backup that was acknowledged stays whole, nothing of a killed
//! one is taken for a backup, and what comes after is complete.

use std::path::Path;

use serde_json::Value;

use super::orders::generate;
use super::place::{Kind, Place};
use super::storm::{Storm, seed};

const ORDERS: u32 = 300;
/// How often a whole backup is made and restored: every so many kills.
const RESTORE_EVERY: u32 = 8;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn import(place: &Place, number: u64, orders: u32) {
    let name = format!("orders-{number}.csv");
    let file = generate(place, &name, orders, seed() * 10_000 + 5_000 + number);
    place.answer(&["import", "--shop", "茶叶店", text(&file)]);
}

async fn backups_survive(kind: Kind) {
    let place = Place::new(kind).await;
    import(&place, 0, ORDERS);
    let measured = place.path("measured");
    let args = |folder: &Path| {
        ["backup", "create", "--json", "--out", text(folder)].map(str::to_owned).to_vec()
    };
    let (done, worked) = place.start(&args(&measured)).finish_finely();
    assert_eq!(done.code, Some(0), "{}", done.err);

    let folder = place.path("backups");
    let mut acknowledged: Vec<Value> = Vec::new();
    let mut take = |place: &Place| {
        let made = place.answer(&["backup", "create", "--out", text(&folder)]);
        acknowledged.push(made["backup"].clone());
        (made, acknowledged.clone())
    };
    let (_, mut known) = take(&place);
    let mut storm = Storm::over("backup", kind, worked);
    let mut number = 0;
    while !storm.is_over() {
        // Something new to store, so that the killed one has pieces to write.
        if storm.landed().is_multiple_of(3) {
            number += 1;
            import(&place, number, 40);
        }
        if let Err(done) = storm.strike(place.start(&args(&folder)), std::time::Duration::ZERO) {
            assert_eq!(done.code, Some(0), "{}", done.err);
            let made: Value = serde_json::from_str(&done.out).unwrap();
            known.push(made["backup"].clone());
        }
        let verified = place.answer(&["backup", "verify", text(&folder)]);
        assert_eq!(verified["ok"], true, "{verified}");
        let there: Vec<&Value> = verified["backups"].as_array().unwrap().iter().collect();
        for backup in &known {
            let one = there.iter().filter(|one| one["backup"] == *backup).count();
            assert_eq!(one, 1, "the acknowledged backup {backup} in {verified}");
        }
        place.verify();
        if storm.landed().is_multiple_of(RESTORE_EVERY) || storm.is_over() {
            let (made, all) = take(&place);
            known.extend(all.last().cloned());
            restores_to_the_same(&folder, &made).await;
        }
    }
    storm.report();
}

async fn restores_to_the_same(folder: &Path, made: &Value) {
    let there = Place::new(Kind::Sqlite).await;
    let restored = there.answer(&["backup", "restore", "--from", text(folder)]);
    assert_eq!(restored["data_hash"], made["data_hash"]);
    there.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_backups_on_sqlite() {
    backups_survive(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_backups_on_postgres() {
    backups_survive(Kind::Postgres).await;
}
