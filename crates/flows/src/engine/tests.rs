//! The engine fed by events is the engine loaded anew.

mod live;
mod loyal;
mod tagged;
mod world;

use analytics::audience::{AsOf, Definitions, NoNames, parse};
use analytics::{CustomerFacts, ListQuery, Sort, SortKey, Span};
use chrono::NaiveDate;
use customers::consent::{ConsentChannel, ConsentPurpose, ledger, may_contact};
use kernel::{CustomerId, Reach, Timestamp, Zone};
use platform::Position;
use proptest::prelude::*;
use testkit::TestDb;

use super::saved::{Note, write};
use super::{CaughtUp, EngineHandle};
use crate::settle_levels;
use world::{MIGRATIONS, Step, World};

/// Everything the engine tells of every customer, and of every list.
fn told(handle: &EngineHandle, tags: &[kernel::TagId], texts: &[String]) -> Vec<String> {
    let today = handle.live_day();
    handle.ask(|engine| {
        let mut told = Vec::new();
        for key in SortKey::ALL {
            let mut query =
                ListQuery { sort: Sort { key, descending: true }, ..ListQuery::default() };
            query.limit = ListQuery::MAX_LIMIT;
            let page = engine.list(&query);
            told.push(format!("{key:?} {} {:?}", page.total, page.ids));
        }
        for tag in tags {
            let mut query = ListQuery { limit: ListQuery::MAX_LIMIT, ..ListQuery::default() };
            query.filter.tag = Some(*tag);
            told.push(format!("{tag} {:?}", engine.list(&query).ids));
        }
        for account in 0..world::ACCOUNTS {
            let mut query = ListQuery { limit: ListQuery::MAX_LIMIT, ..ListQuery::default() };
            query.filter.q = Some(world::account(account));
            told.push(format!("q{account} {:?}", engine.list(&query).ids));
        }
        for (min, max) in [(None, Some(i64::MAX - 1)), (Some(i64::MAX), None)] {
            let mut query = ListQuery { limit: ListQuery::MAX_LIMIT, ..ListQuery::default() };
            query.filter.refused_from = Span::new(min, max);
            told.push(format!("refused {min:?} {max:?} {:?}", engine.list(&query).ids));
        }
        let later = AsOf { day: NaiveDate::from_ymd_opt(2200, 1, 1).unwrap(), zone: Zone::CHINA };
        let mut asked = |text: String| {
            let tree = parse(&text, &NoNames).unwrap();
            for as_of in [today, later] {
                let snapshot = engine.snapshot();
                let found = snapshot.audience(&tree, &Definitions::new(), as_of, &Reach::ALL);
                told.push(format!("{text} {:?}", found.unwrap().ids().collect::<Vec<_>>()));
            }
        };
        for channel in ["sms", "post"] {
            for purpose in ["marketing", "survey", "service", "profiling"] {
                asked(format!("may_contact({channel}, {purpose})"));
            }
        }
        texts.iter().cloned().for_each(&mut asked);
        let mut ids: Vec<CustomerId> =
            engine.list(&ListQuery { limit: ListQuery::MAX_LIMIT, ..ListQuery::default() }).ids;
        ids.sort_unstable();
        let facts = |id: &CustomerId| -> Option<CustomerFacts> { engine.customer(*id) };
        told.extend(ids.iter().map(|id| format!("{id} {:?}", facts(id))));
        told
    })
}

async fn fed_equals_loaded(db: TestDb, steps: Vec<Step>) {
    let world = World::new(&db).await;
    let fed = EngineHandle::load(&world.platform, world.cx.scope).await.unwrap();
    for (index, step) in steps.iter().enumerate() {
        world.take(step).await;
        // Sometimes several steps are caught up with at once.
        if index % 3 != 1 {
            fed.catch_up().await.unwrap();
        }
    }
    settle_levels::settle_all(&world.platform, &world.cx, &Default::default()).await.unwrap();
    fed.catch_up().await.unwrap();
    assert_eq!(fed.catch_up().await.unwrap(), CaughtUp::Idle);
    says_what_the_ledger_says(&world, &fed).await;
    world.says_what_loyalty_says(&fed).await;
    fed.rescore().await.unwrap();
    let loaded = EngineHandle::load(&world.platform, world.cx.scope).await.unwrap();
    let tags = world.tags().await;
    let texts = world.loyalty_texts();
    assert_eq!(told(&fed, &tags, &texts), told(&loaded, &tags, &texts), "{steps:#?}");
    assert_eq!(fed.ask(|engine| engine.len()), loaded.ask(|engine| engine.len()));
}

/// The engine's answer for contact is that of the ledger at the last moment of the day.
async fn says_what_the_ledger_says(world: &World, engine: &EngineHandle) {
    let day = engine.live_day();
    let last = Timestamp::from_millis(day.end_ms() - 1);
    let mut tx = world.platform.db.read().await.unwrap();
    for account in 0..world::ACCOUNTS {
        let Some(id) = world.holder(account).await else { continue };
        let said = ledger::said_by(&mut tx, world.cx.scope, &[id]).await.unwrap().remove(&id);
        for channel in [ConsentChannel::Sms, ConsentChannel::Post] {
            for purpose in [ConsentPurpose::Marketing, ConsentPurpose::Service] {
                let text = format!("may_contact({}, {})", channel.name(), purpose.name());
                let tree = parse(&text, &NoNames).unwrap();
                let found = engine
                    .ask(|engine| engine.snapshot())
                    .audience(&tree, &Definitions::new(), day, &Reach::ALL)
                    .unwrap();
                let said = said.as_deref().unwrap_or_default();
                assert_eq!(found.has(id), may_contact(said, channel, purpose, last), "{text}");
            }
        }
    }
}

fn run(make: impl AsyncFn() -> TestDb, cases: u32) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(steps in proptest::collection::vec(world::steps(), 1..24))| {
        runtime.block_on(async { fed_equals_loaded(make().await, steps).await });
    });
}

#[test]
fn fed_equals_loaded_on_sqlite() {
    run(async || TestDb::sqlite(MIGRATIONS).await, 40);
}

#[test]
fn fed_equals_loaded_on_postgres() {
    run(async || TestDb::postgres(MIGRATIONS).await, 12);
}

testkit::db_test! { MIGRATIONS;
    async fn tags_and_names_leave_the_scores_as_they_are(db) {
        let world = World::new(&db).await;
        world.take(&Step::Import((0..world::ACCOUNTS).map(|who| (who, who, 100)).collect())).await;
        world.take(&Step::Import(vec![(1, 20, 300), (1, 20, 100), (2, 30, 50)])).await;
        let fed = EngineHandle::load(&world.platform, world.cx.scope).await.unwrap();
        let scores = || fed.ask(|engine| engine.rfm(engine.scores().unwrap().query()));
        let before = scores();
        for step in [Step::Tag(1, 0, true), Step::Edit(2, 1), Step::Tag(1, 0, false)] {
            world.take(&step).await;
            assert!(matches!(fed.catch_up().await.unwrap(), CaughtUp::Changed(_)), "{step:?}");
            assert!(std::sync::Arc::ptr_eq(&before, &scores()), "{step:?}");
        }
        world.take(&Step::Import(vec![(1, 21, 300)])).await;
        fed.catch_up().await.unwrap();
        assert!(!std::sync::Arc::ptr_eq(&before, &scores()));
    }

    async fn a_list_right_after_a_write_shows_it(db) {
        let world = World::new(&db).await;
        let handle = EngineHandle::new(world.platform.clone(), world.cx.scope.org());
        let stop = tokio_util::sync::CancellationToken::new();
        let follower = tokio::spawn(handle.clone().run(stop.clone()));
        handle.fresh().await.unwrap();
        for round in 0..20 {
            world.take(&Step::Import(vec![(round % world::ACCOUNTS, round, 100)])).await;
            handle.fresh().await.unwrap();
            let found = handle.ask(|engine| {
                let mut query = ListQuery { limit: 10, ..ListQuery::default() };
                query.filter.q = Some(world::account(round % world::ACCOUNTS));
                engine.list(&query).ids.len()
            });
            assert_eq!(found, 1, "round {round}");
        }
        let mut tx = world.platform.db.read().await.unwrap();
        let head = platform::outbox::head(&mut tx).await.unwrap();
        drop(tx);
        assert!(head > Position::START);
        assert!(handle.wait_until(head, std::time::Duration::from_secs(2)).await);
        stop.cancel();
        follower.await.unwrap();
    }

    async fn a_new_day_moves_the_scores(db) {
        let world = World::new(&db).await;
        world.take(&Step::Import((0..10).map(|n| (n, n, 100 * n as i64)).collect())).await;
        let handle = EngineHandle::new(world.platform.clone(), world.cx.scope.org());
        let stop = tokio_util::sync::CancellationToken::new();
        let follower = tokio::spawn(handle.clone().run(stop.clone()));
        handle.fresh().await.unwrap();
        let as_of = |handle: &EngineHandle| {
            handle.ask(|engine| engine.scores().map(|scores| scores.query().as_of))
        };
        let before = as_of(&handle).unwrap();
        db.clock().advance_millis(86_400_000);
        let mut progress = handle.progress();
        while as_of(&handle) == Some(before) {
            progress.changed().await.unwrap();
        }
        assert_eq!(as_of(&handle), before.succ_opt());
        stop.cancel();
        follower.await.unwrap();
    }

    async fn what_cannot_be_read_one_by_one_is_read_again(db) {
        let world = World::new(&db).await;
        let fed = EngineHandle::load(&world.platform, world.cx.scope).await.unwrap();
        world.take(&Step::Import(vec![(1, 1, 100), (2, 2, 200)])).await;
        let mut tx = world.platform.db.begin().await.unwrap();
        let many = commerce::events::OrdersChangedV1 { customers: Vec::new(), many: true };
        platform::outbox::push(&mut tx, &world.cx, &many).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(fed.catch_up().await.unwrap(), CaughtUp::Reloaded);
        assert_eq!(fed.ask(analytics::Engine::len), 2);
        assert_eq!(fed.catch_up().await.unwrap(), CaughtUp::Idle);

        // Events that are gone before they were read.
        world.take(&Step::Import(vec![(3, 3, 300)])).await;
        platform::outbox::sequence(&world.platform.db).await.unwrap();
        let later = world.cx.now().plus_millis(1);
        assert!(platform::outbox::prune(&world.platform.db, later).await.unwrap() > 0);
        assert_eq!(fed.catch_up().await.unwrap(), CaughtUp::Reloaded);
        assert_eq!(fed.ask(analytics::Engine::len), 3);
    }
}

/// A stamp of an hour and more ago.
fn old_stamp(world: &World) -> uuid::Uuid {
    world.platform.ids.uuid(world.platform.now().plus_millis(-3_700_000))
}

async fn set_mark(world: &World, stamp: uuid::Uuid, value: &str) {
    let mut tx = world.platform.db.begin_wide().await.unwrap();
    platform::meta::set(&mut tx, &format!("engine_saved:1:{stamp}"), value).await.unwrap();
    tx.commit().await.unwrap();
}

async fn marks(world: &World) -> Vec<(String, String)> {
    let mut tx = world.platform.db.read_wide().await.unwrap();
    platform::meta::all(&mut tx, "engine_saved:1:").await.unwrap()
}

fn saved_file(world: &World) -> std::path::PathBuf {
    world.platform.folder.join("engine").join("org-1.columns")
}

testkit::db_test! { MIGRATIONS;
    async fn what_was_saved_and_what_came_since_is_what_is_true(db) {
        let world = World::new(&db).await;
        world.take(&Step::Import((0..world::ACCOUNTS).map(|who| (who, who, 100)).collect())).await;
        let first = EngineHandle::load(&world.platform, world.cx.scope).await.unwrap();
        world.take(&Step::Import(vec![(1, 20, 300), (2, 21, 100)])).await;
        assert!(first.save().await.unwrap());
        world.take(&Step::Merge(1, 2)).await;
        world.take(&Step::Import(vec![(3, 22, 500)])).await;
        // Read from disk: what is there alone would not know the last steps.
        let second = EngineHandle::new(world.platform.clone(), world.cx.scope.org());
        assert!(second.begin().await.unwrap());
        second.rescore().await.unwrap();
        let anew = EngineHandle::new(world.platform.clone(), world.cx.scope.org());
        anew.reload().await.unwrap();
        let tags = world.tags().await;
        let texts = world.loyalty_texts();
        assert_eq!(told(&second, &tags, &texts), told(&anew, &tags, &texts));
        // Saving again replaces the file, and its mark.
        world.take(&Step::Edit(4, 1)).await;
        assert!(second.save().await.unwrap());
        let third = EngineHandle::new(world.platform.clone(), world.cx.scope.org());
        assert!(third.begin().await.unwrap());
        anew.catch_up().await.unwrap();
        third.rescore().await.unwrap();
        anew.rescore().await.unwrap();
        assert_eq!(told(&third, &tags, &texts), told(&anew, &tags, &texts));
        let folder = std::fs::read_dir(saved_file(&world).parent().unwrap()).unwrap();
        assert_eq!(folder.count(), 1);
    }

    async fn an_engine_on_disk_that_is_not_of_this_data_is_not_read(db) {
        let world = World::new(&db).await;
        world.take(&Step::Import((0..world::ACCOUNTS).map(|who| (who, who, 100)).collect())).await;
        let saver = EngineHandle::load(&world.platform, world.cx.scope).await.unwrap();
        let is_on_disk = async || {
            let handle = EngineHandle::new(world.platform.clone(), world.cx.scope.org());
            let found = handle.begin().await.unwrap();
            assert_eq!(handle.ask(analytics::Engine::len), saver.ask(analytics::Engine::len));
            found
        };
        assert!(!is_on_disk().await);
        assert!(saver.save().await.unwrap());
        assert!(is_on_disk().await);
        // Another version, or damage.
        let bytes = std::fs::read(saved_file(&world)).unwrap();
        let mut damaged = bytes.clone();
        damaged[bytes.len() / 2] ^= 1;
        std::fs::write(saved_file(&world), &damaged).unwrap();
        assert!(!is_on_disk().await);
        std::fs::write(saved_file(&world), &bytes).unwrap();
        assert!(is_on_disk().await);
        std::fs::write(saved_file(&world), &bytes[..20]).unwrap();
        assert!(!is_on_disk().await);
        assert!(saver.save().await.unwrap());
        assert!(is_on_disk().await);
        // Events since are gone.
        platform::outbox::sequence(&world.platform.db).await.unwrap();
        world.take(&Step::Import(vec![(3, 3, 300)])).await;
        platform::outbox::sequence(&world.platform.db).await.unwrap();
        let later = world.cx.now().plus_millis(1);
        assert!(platform::outbox::prune(&world.platform.db, later).await.unwrap() > 0);
        saver.catch_up().await.unwrap();
        assert!(!is_on_disk().await);
        assert!(saver.save().await.unwrap());
        assert!(is_on_disk().await);
        // Somebody is erased.
        world.take(&Step::Erase(3)).await;
        saver.catch_up().await.unwrap();
        assert!(!is_on_disk().await);
    }

    async fn the_file_goes_with_an_erasure(db) {
        let world = World::new(&db).await;
        world.take(&Step::Import((0..world::ACCOUNTS).map(|who| (who, who, 100)).collect())).await;
        let handle = EngineHandle::new(world.platform.clone(), world.cx.scope.org());
        let stop = tokio_util::sync::CancellationToken::new();
        let follower = tokio::spawn(handle.clone().run(stop.clone()));
        handle.fresh().await.unwrap();
        assert!(handle.save().await.unwrap());
        let path = saved_file(&world);
        assert!(path.exists());
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777, 0o600);
        world.take(&Step::Erase(3)).await;
        testkit::eventually("the file to go", async || (!path.exists()).then_some(())).await;
        stop.cancel();
        follower.await.unwrap();
        assert!(!EngineHandle::new(world.platform.clone(), world.cx.scope.org()).begin().await.unwrap());
    }

    async fn a_file_of_another_program_is_not_read(db) {
        let world = World::new(&db).await;
        world.take(&Step::Import((0..world::ACCOUNTS).map(|who| (who, who, 100)).collect())).await;
        let saver = EngineHandle::load(&world.platform, world.cx.scope).await.unwrap();
        assert!(saver.save().await.unwrap());
        let path = saved_file(&world);
        let (name, told) = marks(&world).await.remove(0);
        let note = |program: &str| Note {
            program: program.to_owned(),
            stamp: name.rsplit(':').next().unwrap().parse().unwrap(),
            position: Position::new(told.parse().unwrap()),
        };
        for (program, is_read) in [("0.0.1", false), (env!("CARGO_PKG_VERSION"), true)] {
            std::fs::remove_file(&path).unwrap();
            write(&saver.ask(analytics::Engine::snapshot), &note(program), &path).unwrap();
            let handle = EngineHandle::new(world.platform.clone(), world.cx.scope.org());
            assert_eq!(handle.begin().await.unwrap(), is_read, "{program}");
            assert_eq!(handle.ask(analytics::Engine::len), saver.ask(analytics::Engine::len));
        }
    }

    async fn what_a_program_that_ended_left_goes_and_what_another_writes_stays(db) {
        let world = World::new(&db).await;
        world.take(&Step::Import((0..world::ACCOUNTS).map(|who| (who, who, 100)).collect())).await;
        let saver = EngineHandle::load(&world.platform, world.cx.scope).await.unwrap();
        assert!(saver.save().await.unwrap());
        let folder = saved_file(&world).parent().unwrap().to_owned();
        let part = |stamp: uuid::Uuid| folder.join(format!("org-1.{stamp}.part"));
        let now = || world.platform.ids.uuid(world.platform.now());
        let (left, forgotten, written) = (old_stamp(&world), now(), now());
        set_mark(&world, left, "writing").await;
        set_mark(&world, written, "writing").await;
        for stamp in [left, forgotten, written] {
            std::fs::write(part(stamp), "half").unwrap();
        }
        let handle = EngineHandle::new(world.platform.clone(), world.cx.scope.org());
        assert!(handle.begin().await.unwrap());
        handle.drop_distrusted().await.unwrap();
        let there = [left, forgotten, written].map(|stamp| part(stamp).exists());
        assert_eq!(there, [false, false, true]);
        assert!(saved_file(&world).exists());
        let values: Vec<String> = marks(&world).await.into_iter().map(|(_, value)| value).collect();
        assert_eq!(values.iter().filter(|value| *value == "writing").count(), 1);
        assert_eq!(values.len(), 2);
        // Two servers on one folder: the file of either is good for both.
        assert!(handle.save().await.unwrap());
        world.take(&Step::Edit(4, 1)).await;
        saver.catch_up().await.unwrap();
        saver.drop_distrusted().await.unwrap();
        assert!(saved_file(&world).exists());
        assert!(EngineHandle::new(world.platform.clone(), world.cx.scope.org()).begin().await.unwrap());
        // What another one saves takes the place of it, with one mark.
        assert!(saver.save().await.unwrap());
        assert_eq!(marks(&world).await.len(), 2);
    }

    async fn an_erasure_takes_the_file_away_at_once_and_after_a_crash(db) {
        let world = World::new(&db).await;
        world.take(&Step::Import((0..world::ACCOUNTS).map(|who| (who, who, 100)).collect())).await;
        let handle = EngineHandle::load(&world.platform, world.cx.scope).await.unwrap();
        assert!(handle.save().await.unwrap());
        // Taken in by a save: the file that has the name is gone before another one is written.
        let old = std::fs::read(saved_file(&world)).unwrap();
        let mark = marks(&world).await.remove(0);
        world.take(&Step::Erase(3)).await;
        assert!(handle.save().await.unwrap());
        assert_ne!(std::fs::read(saved_file(&world)).unwrap(), old);

        // The program ended between the erasure and taking the mark back: file and mark are there.
        std::fs::write(saved_file(&world), &old).unwrap();
        set_mark(&world, mark.0.rsplit(':').next().unwrap().parse().unwrap(), &mark.1).await;
        let next = EngineHandle::new(world.platform.clone(), world.cx.scope.org());
        assert!(!next.begin().await.unwrap());
        assert_eq!(next.ask(analytics::Engine::len), handle.ask(analytics::Engine::len));
    }
}
