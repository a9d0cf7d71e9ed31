//! Redemptions of a hot coupon and expiry of points, killed with SIGKILL at seeded moments: nothing that was acknowledged is
//! lost, nothing is done twice, and the books are in order each time. For what a moment is, see `kills`.

use std::collections::BTreeSet;
use std::time::Duration;

use super::kills::{Dice, kills, seed};
use super::place::{Kind, Place, Running};

/// Kills of each work on each database; ten times as many in `make soak`.
const KILLS: u32 = 3;
/// More than a debug build redeems before it is killed.
const REDEMPTIONS: &str = "100000";
const LOTS: i64 = 1_500;
/// Lots of one transaction.
const BATCH: &str = "50";

fn bench<'a>(area: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["bench", "loyalty", "--existing", "--only", area];
    args.extend(more);
    args
}

/// What it acknowledged so far: the rest of each line that begins so.
fn told(running: &Running, begins: &str) -> BTreeSet<String> {
    running.said().iter().filter_map(|line| line.strip_prefix(begins)).map(str::to_owned).collect()
}

/// Lets it go on for a seeded part of `span` of processor time, and kills it; gives what it told before, or nothing if it
/// ended by itself.
fn kill_within(
    mut running: Running,
    dice: &Dice,
    span: Duration,
    begins: &str,
) -> Option<BTreeSet<String>> {
    let begun = running.wait_until("the first step", |running| !told(running, begins).is_empty());
    let moment = running.worked_finely() + dice.part_of(span);
    if !begun || !running.wait_until("a moment", |running| running.worked_finely() >= moment) {
        return None;
    }
    let known = told(&running, begins);
    running.kill();
    Some(known)
}

async fn redemptions_survive(kind: Kind) {
    let dice = Dice::new(seed());
    let place = Place::new(kind).await;
    let mut acknowledged = BTreeSet::new();
    for _ in 0..kills(KILLS) {
        let running = place.start(&bench("redemptions", &["--redemptions", REDEMPTIONS]));
        let known = kill_within(running, &dice, Duration::from_secs(1), "redeemed ");
        acknowledged.extend(known.expect("it redeems until it is killed"));
        place.verify();
    }
    // What is begun anew goes on beside what was left held.
    let done = place.run(&bench("redemptions", &["--redemptions", "50"]));
    assert_eq!(done.code, Some(0), "{}", done.err);
    place.verify();
    let db = place.open().await;
    let mut tx = db.read().await.unwrap();
    let rows: Vec<(String, String)> =
        tx.fetch_all("SELECT order_key, state FROM loyalty_reservations", vec![]).await.unwrap();
    tx.rollback().await.unwrap();
    db.close().await;
    let of = |wanted: &str| -> BTreeSet<String> {
        rows.iter().filter(|(_, state)| state == wanted).map(|(key, _)| key.clone()).collect()
    };
    let (committed, held) = (of("committed"), of("held"));
    assert_eq!(committed.len() + held.len(), rows.len(), "each order once, as it was left");
    let lost: Vec<_> = acknowledged.difference(&committed).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    assert!(acknowledged.len() >= KILLS as usize);
}

async fn expiries_survive(kind: Kind) {
    let dice = Dice::new(seed());
    let place = Place::new(kind).await;
    let lots = LOTS.to_string();
    let more = ["--lots", lots.as_str(), "--batch", BATCH];
    let args = [&["--fill"], more.as_slice()].concat();
    for _ in 0..kills(KILLS) {
        let mut running = place.start(&bench("expiry", &args));
        // Of the thirty batches and those left from before; so it is killed long before its end.
        let batches = 1 + dice.below(10) as usize;
        let expired = |running: &Running| {
            running.said().iter().filter(|line| line.starts_with("expired ")).count() >= batches
        };
        assert!(running.wait_until("some batches", expired), "it ended before it was killed");
        running.kill();
        place.verify();
    }
    let done = place.run(&bench("expiry", &more));
    assert_eq!(done.code, Some(0), "{}", done.err);
    place.verify();
    let db = place.open().await;
    let mut tx = db.read().await.unwrap();
    let sums: (i64, i64, i64, i64) = tx
        .fetch_one(
            "SELECT COUNT(*), CAST(SUM(points) AS BIGINT), CAST(SUM(available + pending + reserved) AS BIGINT),
                    CAST(SUM(lapsed) AS BIGINT) FROM loyalty_lots",
            vec![],
        )
        .await
        .unwrap();
    let (expired,): (i64,) = tx
        .fetch_one(
            "SELECT CAST(SUM(points) AS BIGINT) FROM loyalty_postings WHERE account = 'expired'",
            vec![],
        )
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    db.close().await;
    let (count, points, left, lapsed) = sums;
    assert!(count >= LOTS && count % LOTS == 0, "{count}");
    assert_eq!((left, lapsed, expired), (0, points, points), "each lot lapsed once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_redemptions_leave_the_books_in_order_on_sqlite() {
    redemptions_survive(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_redemptions_leave_the_books_in_order_on_postgres() {
    redemptions_survive(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_expiries_leave_the_books_in_order_on_sqlite() {
    expiries_survive(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_expiries_leave_the_books_in_order_on_postgres() {
    expiries_survive(Kind::Postgres).await;
}
