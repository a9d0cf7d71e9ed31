//! Live audiences where something goes wrong: an obstacle, a write that fails, an answer that is lost.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// Whether what the two functions below name fails; each test has a process of its own.
static FAILS: AtomicBool = AtomicBool::new(false);

fn without_moving_sets(sql: &str) -> String {
    let fails = FAILS.load(Ordering::SeqCst) && sql.contains("_live_sets SET seq");
    if fails { "SELECT broken".to_owned() } else { sql.to_owned() }
}

fn without_an_answer(sql: &str) -> String {
    let fails = FAILS.load(Ordering::SeqCst) && sql == "COMMIT";
    if fails { "no answer".to_owned() } else { sql.to_owned() }
}

/// Whether a session of PostgreSQL waits for a lock that another one holds.
async fn is_somebody_waiting(world: &World) -> bool {
    let mut tx = world.platform.db.read_wide().await.unwrap();
    let sql = "SELECT COUNT(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let (waiting,): (i64,) = tx.fetch_one(sql, Vec::new()).await.unwrap();
    waiting > 0
}

testkit::db_test! { MIGRATIONS;
    async fn an_audience_that_stands_still_holds_up_no_other(db) {
        let world = World::new(&db).await;
        let tag = world.tags().await[0];
        let still = Node::Any { of: vec![Node::Not { of: Box::new(Node::Tag { tag }) }, tree("orders >= 100")] };
        let still = world.keep("still", still, true).await;
        let id = world.keep("buyers", tree("orders >= 1"), true).await;
        let handle = world.handle().await;
        world.take(&Step::Import((0..4).map(|who| (who, who, 100)).collect())).await;
        follow(&handle).await;
        world.take(&Step::Tag(2, 0, true)).await;
        follow(&handle).await;
        let one = world.holder(1).await.unwrap();
        assert!(world.whole_log(still).await.contains(&one));
        // Hidden until the set knows of it.
        world.take(&Step::Erase(1)).await;
        follow(&handle).await;
        world.take(&Step::DropTag(0)).await;
        follow(&handle).await;
        let mut tx = world.platform.db.read_for(world.cx.scope).await.unwrap();
        assert!(store::one(&mut tx, world.cx.scope, still).await.unwrap().unwrap().obstacle.is_some());
        drop(tx);
        // Its set was kept before nobody could ask any more who was told to belong.
        assert!(!world.whole_log(still).await.contains(&one));
        for _ in 0..2 {
            db.clock().advance_millis((store::KEPT_DAYS + 1) * DAY_MS);
            world.take(&Step::Import(vec![(5, 5, 100)])).await;
            follow(&handle).await;
        }
        world.take(&Step::Import(vec![(6, 6, 100)])).await;
        follow(&handle).await;
        let log = world.log().await;
        assert!(log.iter().all(|line| line.0 == id) && log.len() <= 2, "{log:?}");
    }

    async fn what_is_written_while_one_switches_off_goes_too(db) {
        let world = World::new(&db).await;
        let id = world.keep("buyers", tree("orders >= 1"), true).await;
        let handle = world.handle().await;
        world.take(&Step::Import((0..4).map(|who| (who, who, 100)).collect())).await;
        // Somebody switches it off, but has not committed yet.
        let mut tx = world.platform.db.begin_for(world.cx.scope).await.unwrap();
        store::switch(&mut tx, &world.cx, id, false).await.unwrap();
        let following = tokio::spawn(async move { follow(&handle).await });
        if db.db().is_postgres() {
            testkit::eventually("the teller to wait", async || is_somebody_waiting(&world).await.then_some(())).await;
        }
        tx.commit().await.unwrap();
        following.await.unwrap();
        assert_eq!(world.whole_log(id).await, []);
    }

    async fn a_day_that_failed_is_made_up_for_at_the_next_turn(db) {
        let world = World::new(&db).await;
        let id = world.keep("buyers", tree("orders >= 1"), true).await;
        let mut platform = world.platform.clone();
        platform.db = platform.db.with_rewriting(without_moving_sets);
        let handle = EngineHandle::load(&platform, world.cx.scope).await.unwrap();
        handle.keep_live().await.unwrap();
        world.take(&Step::Import((0..4).map(|who| (who, who, 100)).collect())).await;
        follow(&handle).await;
        assert_eq!(world.log().await.len(), 4);
        db.clock().advance_millis((store::KEPT_DAYS + 1) * DAY_MS);
        FAILS.store(true, Ordering::SeqCst);
        handle.catch_up().await.unwrap();
        assert!(handle.keep_live().await.is_err());
        FAILS.store(false, Ordering::SeqCst);
        assert_eq!(world.log().await.len(), 4);
        handle.keep_live().await.unwrap();
        assert_eq!(world.log().await, []);
        let mut tx = world.platform.db.read_for(world.cx.scope).await.unwrap();
        assert_eq!(store::one(&mut tx, world.cx.scope, id).await.unwrap().unwrap().size, 4);
    }

    async fn a_commit_without_an_answer_is_told_once(db) {
        let world = World::new(&db).await;
        let id = world.keep("buyers", tree("orders >= 1"), true).await;
        let mut platform = world.platform.clone();
        platform.db = platform.db.with_rewriting(without_an_answer);
        let handle = EngineHandle::load(&platform, world.cx.scope).await.unwrap();
        handle.keep_live().await.unwrap();
        world.take(&Step::Import((0..4).map(|who| (who, who, 100)).collect())).await;
        handle.catch_up().await.unwrap();
        FAILS.store(true, Ordering::SeqCst);
        assert!(handle.keep_live().await.is_err());
        FAILS.store(false, Ordering::SeqCst);
        follow(&handle).await;
        world.take(&Step::Import(vec![(5, 5, 100)])).await;
        follow(&handle).await;
        let told = world.events().await;
        let who: BTreeSet<CustomerId> = told.iter().map(|one| one.1).collect();
        assert_eq!((told.len(), who.len()), (5, 5));
        assert_eq!(world.log().await.len(), 5);
        assert!(told.iter().all(|one| one.0 == id && one.2));
    }

    async fn a_turn_writes_so_much_and_the_next_one_the_rest(db) {
        let world = World::new(&db).await;
        let id = world.keep("buyers", tree("orders >= 100"), true).await;
        world.take(&Step::Import((0..world::ACCOUNTS).map(|who| (who, who, 100)).collect())).await;
        let handle = world.handle().await;
        let all = world.asked(&handle, &tree("orders >= 1")).len();
        assert!(all > 10, "{all}");
        handle.0.turn.lock().await.live.batch = 1;
        world.redefine(id, "buyers", "orders >= 1", true).await;
        handle.catch_up().await.unwrap();
        handle.keep_live().await.unwrap();
        assert_eq!(world.log().await.len(), 10);
        // The cause is that of the first, and nobody is told twice.
        while world.log().await.len() < all {
            handle.keep_live().await.unwrap();
        }
        handle.keep_live().await.unwrap();
        let log = world.log().await;
        let who: BTreeSet<CustomerId> = log.iter().map(|line| line.1).collect();
        assert_eq!((log.len(), who.len()), (all, all));
        assert!(log.iter().all(|line| line.3 == "definition"), "{log:?}");
    }

    async fn what_is_left_of_a_turn_keeps_its_cause(db) {
        let world = World::new(&db).await;
        let id = world.keep("buyers", tree("orders >= 1"), true).await;
        let handle = world.handle().await;
        handle.keep_live().await.unwrap();
        handle.0.turn.lock().await.live.batch = 1;
        world.take(&Step::Import((0..world::ACCOUNTS).map(|who| (who, who, 100)).collect())).await;
        handle.catch_up().await.unwrap();
        let all = world.asked(&handle, &tree("orders >= 1")).len();
        assert!(all > 10, "{all}");
        handle.keep_live().await.unwrap();
        assert_eq!(world.log().await.len(), 10);
        // Told of before anything else, though nobody asked for what is silent to be announced.
        world.redefine(id, "buyers", "orders >= 2", false).await;
        while world.log().await.len() < all {
            handle.catch_up().await.unwrap();
            handle.keep_live().await.unwrap();
        }
        handle.keep_live().await.unwrap();
        let log = world.log().await;
        assert_eq!(log.len(), all);
        assert!(log.iter().all(|line| line.2 && line.3 == "changed"), "{log:?}");
    }
}
