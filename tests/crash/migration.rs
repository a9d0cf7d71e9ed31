//! The first start of this program on data of an older one, killed. Tables are as before or as after,
//! never between; the next start finds all data and finishes.

use serde_json::Value;

use super::frozen::Frozen;
use super::place::{Kind, Place};
use super::storm::Storm;

/// Opens the data, and so migrates it, and does little else.
const OPEN: [&str; 3] = ["audit", "verify", "--json"];

/// What is in the place: how far its tables are, and how many rows they have.
async fn census(place: &Place) -> (Vec<(String, i64)>, Vec<i64>) {
    let db = place.open().await;
    let mut tx = db.read().await.unwrap();
    let sql = "SELECT module, version FROM platform_migrations ORDER BY module, version";
    let steps = tx.fetch_all(sql, vec![]).await.unwrap();
    let mut rows = Vec::new();
    for sql in [
        "SELECT COUNT(*) FROM customers_customers",
        "SELECT COUNT(*) FROM customers_identities",
        "SELECT COUNT(*) FROM customers_notes",
        "SELECT COUNT(*) FROM commerce_orders",
    ] {
        let (count,): (i64,) = tx.fetch_one(sql, vec![]).await.unwrap();
        rows.push(count);
    }
    tx.rollback().await.unwrap();
    db.close().await;
    (steps, rows)
}

async fn migrations_survive(kind: Kind) {
    let all = Frozen::all();
    let frozen = all.first().unwrap();
    let clean = frozen.thawed(kind).await;
    let (before, rows) = census(&clean).await;
    let (done, worked) = clean.start(&OPEN).finish_finely();
    assert_eq!(done.code, Some(0), "{}", done.err);
    let (after, same) = census(&clean).await;
    assert_eq!(rows, same);
    assert!(before.len() < after.len(), "there is something to migrate");
    let rfm: Value = clean.answer(&["rfm", "--as-of", "2030-01-01"]);

    let mut storm = Storm::over("migration", kind, worked);
    while !storm.is_over() {
        let place = frozen.thawed(kind).await;
        let struck = storm.strike(place.start(&OPEN), std::time::Duration::ZERO);
        let (steps, there) = census(&place).await;
        assert!(steps == before || steps == after, "all steps or none: {steps:?}");
        assert_eq!(there, rows);
        if let Err(done) = struck {
            assert_eq!(done.code, Some(0), "{}", done.err);
            assert_eq!(steps, after, "acknowledged");
        }
        place.verify();
        assert_eq!(census(&place).await, (after.clone(), rows.clone()));
        if storm.landed().is_multiple_of(5) {
            assert_eq!(place.answer(&["rfm", "--as-of", "2030-01-01"]), rfm);
        }
    }
    storm.report();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_migrations_on_sqlite() {
    migrations_survive(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_migrations_on_postgres() {
    migrations_survive(Kind::Postgres).await;
}
