//! The order of events under concurrent writers: nothing is lost, and of one record none overtakes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use platform::outbox::{self, Position, sequence};
use platform::{Ctx, Db, StoredEvent, Tx, args};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use testkit::db_test;

use crate::support::{MIGRATIONS, ThingDone};

async fn read_on(db: &Db, position: &mut Position) -> Vec<StoredEvent> {
    sequence(db).await.unwrap();
    let mut tx = db.read().await.unwrap();
    let events = outbox::read_after(&mut tx, *position, 50).await.unwrap();
    if let Some(last) = events.last() {
        *position = last.position;
    }
    events
}

fn things(events: &[StoredEvent]) -> Vec<String> {
    events.iter().map(|event| event.key.clone()).collect()
}

async fn push(tx: &mut Tx, cx: &Ctx, thing: &str) {
    outbox::push(tx, cx, &ThingDone { thing: thing.into(), n: 0 }).await.unwrap();
}

/// Counts `thing` up (which locks its row), and says so.
async fn count_up(tx: &mut Tx, cx: &Ctx, thing: &str) {
    let (n,): (i64,) = tx
        .fetch_one(
            "INSERT INTO platform_counters (org_id, name, n) VALUES (1, $1, 1)
             ON CONFLICT (org_id, name) DO UPDATE SET n = platform_counters.n + 1 RETURNING n",
            args![thing],
        )
        .await
        .unwrap();
    outbox::push(tx, cx, &ThingDone { thing: thing.into(), n }).await.unwrap();
}

/// One writer's transaction: what it touches before, the things it counts up, and whether it commits.
type Work = (Option<u8>, Vec<u8>, bool);

async fn write(db: Db, cx: Ctx, case: usize, writer: usize, works: Vec<Work>) {
    for (index, (early, things, commits)) in works.into_iter().enumerate() {
        let mut tx = db.begin().await.unwrap();
        // An early write fixes the transaction's id before the locks are taken.
        if let Some(n) = early {
            let name = format!("early {case} {writer} {index}");
            tx.execute(
                "INSERT INTO platform_probe (org_id, name, n) VALUES (1, $1, $2)",
                args![name, n],
            )
            .await
            .unwrap();
            tokio::task::yield_now().await;
        }
        // In one order, or writers would lock each other out.
        let mut things = things;
        things.sort_unstable();
        for thing in things {
            count_up(&mut tx, &cx, &format!("{case} {thing}")).await;
            tokio::task::yield_now().await;
        }
        if commits { tx.commit().await.unwrap() } else { tx.rollback().await.unwrap() }
    }
}

db_test! { MIGRATIONS;
    async fn what_commits_late_is_not_passed_over(db) {
        if !db.db().is_postgres() {
            return; // SQLite has one writer.
        }
        let (cx, mut position) = (db.ctx(), Position::START);
        let mut early = db.db().begin().await.unwrap();
        push(&mut early, &cx, "early").await;
        let mut late = db.db().begin().await.unwrap();
        push(&mut late, &cx, "late").await;
        late.commit().await.unwrap();
        assert_eq!(things(&read_on(db.db(), &mut position).await), ["late"]);
        early.commit().await.unwrap();
        assert_eq!(things(&read_on(db.db(), &mut position).await), ["early"]);
        assert!(read_on(db.db(), &mut position).await.is_empty());
    }

    async fn an_old_transaction_does_not_put_its_new_event_before_what_it_waited_for(db) {
        if !db.db().is_postgres() {
            return;
        }
        let (cx, mut position) = (db.ctx(), Position::START);
        let mut old = db.db().begin().await.unwrap();
        old.execute("INSERT INTO platform_probe (org_id, name, n) VALUES (1, 'x', 1)", vec![])
            .await.unwrap();
        let mut between = db.db().begin().await.unwrap();
        between.execute("INSERT INTO platform_probe (org_id, name, n) VALUES (1, 'x', 2)", vec![])
            .await.unwrap();
        let mut young = db.db().begin().await.unwrap();
        count_up(&mut young, &cx, "a").await;
        young.commit().await.unwrap();
        // By transaction ids: old, between, young. By cause: young, old.
        count_up(&mut old, &cx, "a").await;
        old.commit().await.unwrap();
        let events = read_on(db.db(), &mut position).await;
        let counts: Vec<i64> =
            events.iter().map(|event| event.parse::<ThingDone>().unwrap().n).collect();
        assert_eq!(counts, [1, 2], "and the one between holds nobody up");
        between.rollback().await.unwrap();
    }

    async fn concurrent_writers_and_readers(db) {
        let work = (proptest::option::of(any::<u8>()), vec(0..4_u8, 1..4), prop::bool::weighted(0.8));
        let works = vec(vec(work, 1..8), 2..7);
        let mut runner = TestRunner::deterministic();
        let cases = if db.db().is_postgres() { 12 } else { 4 };
        for case in 0..cases {
            let schedule = works.new_tree(&mut runner).unwrap().current();
            let done = Arc::new(AtomicBool::new(false));
            let readers: Vec<_> = (0..2).map(|_| {
                let (db, done) = (db.db().clone(), done.clone());
                tokio::spawn(async move {
                    let (mut position, mut seen) = (Position::START, Vec::new());
                    loop {
                        // In this order: what was written before `done` is read after it.
                        let last = done.load(Ordering::SeqCst);
                        let events = read_on(&db, &mut position).await;
                        if last && events.is_empty() {
                            return seen;
                        }
                        seen.extend(events);
                    }
                })
            }).collect();
            let writers: Vec<_> = schedule.into_iter().enumerate().map(|(writer, works)| {
                tokio::spawn(write(db.db().clone(), db.ctx(), case, writer, works))
            }).collect();
            for writer in writers {
                writer.await.unwrap();
            }
            done.store(true, Ordering::SeqCst);
            for reader in readers {
                let seen = reader.await.unwrap();
                assert!(seen.windows(2).all(|pair| pair[0].position < pair[1].position));
                let mut counts: HashMap<String, i64> = HashMap::new();
                for event in seen {
                    let done: ThingDone = event.parse().unwrap();
                    let count = counts.entry(done.thing.clone()).or_default();
                    *count += 1;
                    assert_eq!(done.n, *count, "{} came out of order, or twice, or one is lost", done.thing);
                }
                let mut tx = db.db().read().await.unwrap();
                let rows: Vec<(String, i64)> =
                    tx.fetch_all("SELECT name, n FROM platform_counters", vec![]).await.unwrap();
                assert_eq!(counts, rows.into_iter().collect(), "every committed event was read");
            }
        }
    }
}
