//! Live audiences: whatever happens, the log tells each turn once and ends where asking anew does.

mod loyal;
mod troubles;

use std::collections::{BTreeMap, BTreeSet};

use analytics::audience::{AsOf, NoNames, Node, parse};
use customers::erase::ErasureReason;
use insight::audiences::{self, NewAudience};
use insight::events::AudienceChangedV1;
use insight::live as store;
use kernel::{AudienceId, CustomerId, Reach};
use platform::Event as _;
use proptest::prelude::*;
use testkit::TestDb;

use super::EngineHandle;
use super::world::{self, MIGRATIONS, Step, World};

const DAY_MS: i64 = 86_400_000;

type Line = (AudienceId, CustomerId, bool, String);

impl World {
    pub(super) async fn keep(&self, name: &str, tree: Node, live: bool) -> AudienceId {
        let new = NewAudience::parse(name, "", tree).unwrap();
        let mut tx = self.platform.db.begin_for(self.cx.scope).await.unwrap();
        let id = audiences::create(&mut tx, &self.cx, &new).await.unwrap();
        store::switch(&mut tx, &self.cx, id, live).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    pub(super) async fn redefine(&self, id: AudienceId, name: &str, text: &str, announce: bool) {
        let new = NewAudience::parse(name, "", tree(text)).unwrap();
        let mut tx = self.platform.db.begin_for(self.cx.scope).await.unwrap();
        let old = audiences::get(&mut tx, self.cx.scope, id).await.unwrap().unwrap();
        audiences::change(&mut tx, &self.cx, id, old.revision, &new).await.unwrap();
        if announce {
            store::announce(&mut tx, self.cx.scope, &[id]).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// The log, in order: audience, customer, entered, cause.
    async fn log(&self) -> Vec<Line> {
        self.numbered_log().await.into_values().collect()
    }

    async fn numbered_log(&self) -> BTreeMap<i64, Line> {
        let mut tx = self.platform.db.read_for(self.cx.scope).await.unwrap();
        let log = store::read_after(&mut tx, self.cx.scope, 0, 100_000).await.unwrap();
        let read = |one: &store::Logged| {
            (one.seq, (one.audience, one.customer, one.entered, one.cause.name().to_owned()))
        };
        log.iter().map(read).collect()
    }

    /// The log of an audience as a process that begins reads it, erased customers too.
    async fn whole_log(&self, id: AudienceId) -> Vec<CustomerId> {
        let mut tx = self.platform.db.read_for(self.cx.scope).await.unwrap();
        let log = store::told_since(&mut tx, self.cx.scope, id, 0).await.unwrap();
        log.iter().map(|one| one.customer).collect()
    }

    /// Who was told to enter and leave by events, in order.
    async fn events(&self) -> Vec<(AudienceId, CustomerId, bool)> {
        platform::outbox::sequence(&self.platform.db).await.unwrap();
        let mut tx = self.platform.db.read().await.unwrap();
        let all = platform::outbox::read_after(&mut tx, platform::Position::START, 100_000).await;
        let mut told = Vec::new();
        for stored in all.unwrap().iter().filter(|one| one.topic == AudienceChangedV1::TOPIC) {
            let event: AudienceChangedV1 = stored.parse().unwrap();
            let named = event.entered.len() + event.left.len();
            assert_eq!(event.to_seq - event.from_seq + 1, named as i64);
            assert!(!event.many);
            told.extend(event.entered.iter().map(|id| (event.audience, *id, true)));
            told.extend(event.left.iter().map(|id| (event.audience, *id, false)));
        }
        told
    }

    pub(super) async fn handle(&self) -> EngineHandle {
        let handle = EngineHandle::load(&self.platform, self.cx.scope).await.unwrap();
        handle.keep_live().await.unwrap();
        handle
    }

    pub(super) fn asked(&self, handle: &EngineHandle, tree: &Node) -> BTreeSet<CustomerId> {
        let as_of = AsOf { day: handle.live_day().day, zone: handle.live_day().zone };
        let members = handle.ask(|engine| {
            engine.snapshot().audience(tree, &Default::default(), as_of, &Reach::ALL)
        });
        members.unwrap().ids().collect()
    }
}

pub(super) fn tree(text: &str) -> Node {
    parse(text, &NoNames).unwrap()
}

pub(super) async fn follow(handle: &EngineHandle) {
    handle.catch_up().await.unwrap();
    handle.keep_live().await.unwrap();
    handle.rescore().await.unwrap();
    handle.keep_live().await.unwrap();
}

/// What befalls the process besides what happens in the shop.
#[derive(Debug, Clone)]
enum Fate {
    Shop(Step),
    Days(i64),
    /// It is killed, and another one begins.
    Killed,
    /// Nobody follows for a while.
    Away(Vec<Step>),
}

fn fates() -> impl Strategy<Value = Fate> {
    prop_oneof![
        8 => world::steps().prop_map(Fate::Shop),
        2 => prop::sample::select(vec![1_i64, 29, 40, 300]).prop_map(Fate::Days),
        1 => Just(Fate::Killed),
        1 => prop::collection::vec(world::steps(), 1..4).prop_map(Fate::Away),
    ]
}

const TEXTS: [&str; 4] = [
    "orders >= 2 or may_contact(sms)",
    "not orders(in last 60 days) >= 1 or not may_contact(post, service)",
    "tier in (champions, loyal, new_customers, lost)",
    "name contains \"name\" or refuses_automation or created in last 30 days",
];

async fn told_once(db: TestDb, fates: Vec<Fate>) {
    let world = World::new(&db).await;
    world.take(&Step::Import((0..4).map(|who| (who, who, 100)).collect())).await;
    let mut handle = world.handle().await;
    let mut live = Vec::new();
    let mut told: BTreeMap<AudienceId, BTreeSet<CustomerId>> = BTreeMap::new();
    let loyal = format!(
        "level(scheme \"{}\") in (2, 4) or points(programme \"{}\") >= 20",
        world.scheme.id, world.programme.id
    );
    for (name, text) in
        ["a", "b", "c", "d", "e"].into_iter().zip(TEXTS.into_iter().chain([&*loyal]))
    {
        let id = world.keep(name, tree(text), true).await;
        live.push((id, tree(text)));
    }
    follow(&handle).await;
    for (id, tree) in &live {
        told.insert(*id, world.asked(&handle, tree));
    }
    assert_eq!(world.log().await, [], "beginning tells nothing");
    // What is old goes from the log, so it is read after each step.
    let mut log = BTreeMap::new();
    for fate in &fates {
        match fate {
            Fate::Shop(step) => world.take(step).await,
            Fate::Days(days) => db.clock().advance_millis(days * DAY_MS),
            Fate::Killed => handle = world.handle().await,
            Fate::Away(steps) => {
                for step in steps {
                    world.take(step).await;
                }
                handle = world.handle().await;
            }
        }
        follow(&handle).await;
        log.extend(world.numbered_log().await);
    }
    let log: Vec<Line> = log.into_values().collect();
    for (audience, customer, entered, _) in &log {
        let told = told.entry(*audience).or_default();
        let turned = if *entered { told.insert(*customer) } else { told.remove(customer) };
        assert!(turned, "{customer} of {audience} told twice: {fates:#?}\n{log:#?}");
    }
    for (id, tree) in &live {
        assert_eq!(told[id], world.asked(&handle, tree), "{tree:?} {fates:#?}");
        let mut tx = world.platform.db.read_for(world.cx.scope).await.unwrap();
        let row = store::one(&mut tx, world.cx.scope, *id).await.unwrap().unwrap();
        assert_eq!((row.size, row.obstacle), (told[id].len() as u64, None));
    }
    let mut events = world.events().await;
    let mut log: Vec<_> = log.into_iter().map(|(a, c, entered, _)| (a, c, entered)).collect();
    events.sort_unstable();
    log.sort_unstable();
    assert_eq!(events, log);
}

fn run(make: impl AsyncFn() -> TestDb, cases: u32) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(fates in prop::collection::vec(fates(), 1..16))| {
        runtime.block_on(async { told_once(make().await, fates).await });
    });
}

/// Events name who bought; their data are those of the root.
#[tokio::test]
async fn an_order_of_who_was_merged_turns_the_family() {
    let order = |who, no| Fate::Shop(Step::Import(vec![(who, no, 30)]));
    let fates = vec![order(10, 31), order(3, 14), Fate::Shop(Step::Merge(3, 10)), order(10, 11)];
    told_once(TestDb::sqlite(MIGRATIONS).await, fates).await;
}

#[test]
fn each_turn_is_told_once_on_sqlite() {
    run(async || TestDb::sqlite(MIGRATIONS).await, 30);
}

#[test]
fn each_turn_is_told_once_on_postgres() {
    run(async || TestDb::postgres(MIGRATIONS).await, 8);
}

/// Lets every event fail that is written by a statement of its own.
fn without_events(sql: &str) -> String {
    if sql.contains("_outbox (org_id, topic") { "SELECT broken".to_owned() } else { sql.to_owned() }
}

testkit::db_test! { MIGRATIONS;
    async fn what_fails_after_it_was_written_is_told_once_later(db) {
        let world = World::new(&db).await;
        world.take(&Step::Import(vec![(1, 1, 100)])).await;
        let id = world.keep("again", tree("orders >= 1"), true).await;
        // Beginning says so by an event, too.
        drop(world.handle().await);
        let mut platform = world.platform.clone();
        platform.db = platform.db.with_rewriting(without_events);
        let broken = EngineHandle::load(&platform, world.cx.scope).await.unwrap();
        broken.keep_live().await.unwrap();
        world.take(&Step::Import(vec![(2, 2, 100)])).await;
        broken.catch_up().await.unwrap();
        for _ in 0..2 {
            assert!(broken.keep_live().await.is_err());
            assert_eq!(world.log().await, []);
        }
        // It is killed, and another one begins; the first one comes back.
        let other = world.handle().await;
        follow(&other).await;
        broken.keep_live().await.unwrap();
        let who = world.holder(2).await.unwrap();
        assert_eq!(world.events().await, [(id, who, true)]);
        assert_eq!(world.log().await, [(id, who, true, "found".to_owned())]);
        // What one process could not tell it tells itself, once it can.
        let handle = world.handle().await;
        world.take(&Step::Import(vec![(3, 3, 100)])).await;
        follow(&handle).await;
        follow(&handle).await;
        assert_eq!(world.log().await.len(), 2);
    }

    async fn too_many_to_name_are_told_by_their_numbers(db) {
        let world = World::new(&db).await;
        let (cx, scope) = (&world.cx, world.cx.scope);
        let id = world.keep("all", tree("everyone"), true).await;
        let count = AudienceChangedV1::NAMED_MAX + 1;
        let told: Vec<store::Told> = (0..count)
            .map(|_| store::Told { audience: id, customer: cx.fresh(), entered: true })
            .collect();
        let owner = cx.ids.uuid(cx.now());
        let mut tx = world.platform.db.begin_for(scope).await.unwrap();
        assert_eq!(store::advance(&mut tx, cx, owner, 1).await.unwrap(), None, "nobody tells yet");
        store::take_over(&mut tx, cx, owner).await.unwrap();
        for (round, seq) in [(&told[..], 0), (&told[..3], count as i64)] {
            assert_eq!(store::advance(&mut tx, cx, owner, round.len()).await.unwrap(), Some(seq));
            let day = kernel::Timestamp::from_millis(0).day(kernel::Zone::UTC);
            let sizes = BTreeMap::from([(id, 7)]);
            store::append(&mut tx, cx, seq, round, store::Cause::Found, day, &sizes).await.unwrap();
        }
        tx.commit().await.unwrap();
        platform::outbox::sequence(&world.platform.db).await.unwrap();
        let mut tx = world.platform.db.read().await.unwrap();
        let all = platform::outbox::read_after(&mut tx, platform::Position::START, 1_000).await;
        let events: Vec<AudienceChangedV1> = all
            .unwrap()
            .iter()
            .filter(|one| one.topic == AudienceChangedV1::TOPIC)
            .map(|one| one.parse().unwrap())
            .collect();
        let [many, few] = &events[..] else { panic!("two events: {events:?}") };
        assert!(many.many && many.entered.is_empty() && many.left.is_empty());
        assert_eq!((many.from_seq, many.to_seq), (1, count as i64));
        assert_eq!((few.from_seq, few.to_seq, few.entered.len()), (count as i64 + 1, count as i64 + 3, 3));
        let log = store::read_after(&mut tx, scope, many.from_seq - 1, count as u32).await.unwrap();
        assert!(log.iter().map(|one| one.customer).eq(told.iter().map(|one| one.customer)));
        let row = store::one(&mut tx, scope, id).await.unwrap().unwrap();
        assert_eq!((row.size, row.told_at), (7, Some(cx.now())));
    }

    async fn only_one_process_tells(db) {
        let world = World::new(&db).await;
        let id = world.keep("buyers", tree("orders >= 1"), true).await;
        let first = world.handle().await;
        let second = world.handle().await;
        world.take(&Step::Import(vec![(2, 2, 100)])).await;
        for handle in [&first, &second, &first] {
            follow(handle).await;
        }
        world.take(&Step::Import(vec![(3, 3, 100)])).await;
        for handle in [&first, &second] {
            follow(handle).await;
        }
        let (two, three) = (world.holder(2).await.unwrap(), world.holder(3).await.unwrap());
        assert_eq!(world.events().await, [(id, two, true), (id, three, true)]);
    }

    async fn days_turn_members_at_midnight_of_the_shop(db) {
        let world = World::new(&db).await;
        // Orders of 2025-02-02 and 2025-03-03.
        world.take(&Step::Import(vec![(1, 1, 100), (2, 2, 100)])).await;
        let (one, two) = (world.holder(1).await.unwrap(), world.holder(2).await.unwrap());
        let handle = world.handle().await;
        let at = |day: &str| kernel::Timestamp::start_of(day.parse().unwrap(), handle.live_day().zone);
        let now = world.platform.now();
        // The last moment of the day before, if the clock is not beyond that yet.
        let days = (now.millis() - at("2025-02-02").millis()) / DAY_MS + 2;
        let text = format!("not orders(in last {days} days) >= 1");
        let id = world.keep("asleep", tree(&text), true).await;
        follow(&handle).await;
        let asleep = world.asked(&handle, &tree(&text));
        assert!(!asleep.contains(&one) && !asleep.contains(&two));
        db.clock().advance_millis(2 * DAY_MS);
        follow(&handle).await;
        assert_eq!(world.log().await, [(id, one, true, "day".to_owned())]);
        db.clock().advance_millis(29 * DAY_MS);
        follow(&handle).await;
        let log = world.log().await;
        assert_eq!(log[1..], [(id, two, true, "day".to_owned())]);
        // An order ends it at once, and nothing else is told.
        let mut tx = world.platform.db.read_for(world.cx.scope).await.unwrap();
        let days = store::days(&mut tx, world.cx.scope, id, at("2020-01-01").day(handle.live_day().zone));
        let days: Vec<_> = days.await.unwrap().iter().map(|day| (day.entered, day.left)).collect();
        assert_eq!(days, [(1, 0), (1, 0)]);
    }

    async fn an_edit_is_silent_unless_asked(db) {
        let world = World::new(&db).await;
        world.take(&Step::Import(vec![(1, 1, 100), (1, 2, 100), (2, 3, 100)])).await;
        let id = world.keep("some", tree("orders >= 2"), true).await;
        let named = world.keep("of them", Node::Audience { audience: id }, true).await;
        let handle = world.handle().await;
        let (one, two) = (world.holder(1).await.unwrap(), world.holder(2).await.unwrap());
        world.redefine(id, "some", "orders >= 1", false).await;
        follow(&handle).await;
        assert_eq!(world.log().await, []);
        world.redefine(id, "some", "orders >= 2", true).await;
        follow(&handle).await;
        assert_eq!(world.log().await, [(id, two, false, "definition".to_owned())]);
        // Edited while nobody looked: silent, too.
        world.redefine(id, "some", "nobody", false).await;
        let handle = world.handle().await;
        assert_eq!(world.log().await.len(), 1);
        // And from there on everything is told again, also by the one that names it.
        world.redefine(id, "some", "orders >= 3", false).await;
        follow(&handle).await;
        world.take(&Step::Import(vec![(1, 4, 100)])).await;
        follow(&handle).await;
        let told: BTreeSet<_> = world.log().await[1..].iter().map(|one| (one.0, one.1, one.2)).collect();
        assert_eq!(told, BTreeSet::from([(id, one, true), (named, one, true)]));
        // Off and on again begins anew.
        for live in [false, true] {
            let mut tx = world.platform.db.begin_for(world.cx.scope).await.unwrap();
            store::switch(&mut tx, &world.cx, id, live).await.unwrap();
            tx.commit().await.unwrap();
            follow(&handle).await;
        }
        // Its log went, the other one's stays.
        assert_eq!(world.log().await, [(named, one, true, "changed".to_owned())]);
    }

    async fn merged_undone_and_erased_customers(db) {
        let world = World::new(&db).await;
        let id = world.keep("two", tree("orders >= 2"), true).await;
        let handle = world.handle().await;
        world.take(&Step::Import(vec![(1, 1, 100), (2, 2, 100)])).await;
        follow(&handle).await;
        let one = world.holder(1).await.unwrap();
        let two = world.holder(2).await.unwrap();
        world.take(&Step::Merge(1, 2)).await;
        follow(&handle).await;
        world.take(&Step::Unmerge(0)).await;
        follow(&handle).await;
        let kept = world.log().await[0].1;
        assert!([one, two].contains(&kept));
        let cause = || "changed".to_owned();
        assert_eq!(world.log().await, [(id, kept, true, cause()), (id, kept, false, cause())]);
        world.take(&Step::Import(vec![(1, 3, 100)])).await;
        follow(&handle).await;
        world.take(&Step::Undo).await;
        follow(&handle).await;
        let log = world.log().await;
        assert_eq!(log[2..], [(id, one, true, cause()), (id, one, false, cause())]);

        world.take(&Step::Import(vec![(1, 5, 100)])).await;
        follow(&handle).await;
        let reason = "they ask".parse().unwrap();
        let told = crate::person_data::export(&world.platform, &world.cx, one, &reason).await;
        let told = told.unwrap().unwrap()["audiences"].clone();
        assert_eq!(told[0]["audience"], "two");
        assert_eq!(told.as_array().unwrap().iter().filter(|one| one["entered"] == true).count(),
            world.log().await.iter().filter(|row| row.1 == one && row.2).count());
        let erased = crate::erase_customer::erase(
            &world.platform, &world.cx, one, ErasureReason::Request, None, false,
        );
        erased.await.unwrap().unwrap();
        let shown = async || {
            let mut tx = world.platform.db.read_for(world.cx.scope).await.unwrap();
            store::latest(&mut tx, world.cx.scope, id, 100).await.unwrap()
        };
        assert!(shown().await.iter().all(|row| row.customer != one));
        // They are a nameless customer with two orders still, and that is not told again.
        let told = world.events().await.len();
        let handle = world.handle().await;
        follow(&handle).await;
        assert_eq!(world.events().await.len(), told);
        // Who begins keeps the sets, and once a set has it, nothing of them is left.
        assert!(!world.whole_log(id).await.contains(&one));
        let handle = world.handle().await;
        follow(&handle).await;
        assert!(!world.whole_log(id).await.contains(&one));
    }

    async fn an_audience_of_a_tag_that_went_stands_still(db) {
        let world = World::new(&db).await;
        world.take(&Step::Import(vec![(1, 1, 100), (2, 2, 100)])).await;
        let tag = world.tags().await[0];
        world.take(&Step::Tag(1, 0, true)).await;
        let id = world.keep("not", Node::Not { of: Box::new(Node::Tag { tag }) }, true).await;
        let handle = world.handle().await;
        world.take(&Step::DropTag(0)).await;
        follow(&handle).await;
        assert_eq!(world.log().await, []);
        let mut tx = world.platform.db.read_for(world.cx.scope).await.unwrap();
        let row = store::one(&mut tx, world.cx.scope, id).await.unwrap().unwrap();
        assert!(row.obstacle.unwrap().contains("not there any more"));
        drop(tx);
        world.redefine(id, "not", "orders >= 1", false).await;
        follow(&handle).await;
        let mut tx = world.platform.db.read_for(world.cx.scope).await.unwrap();
        let row = store::one(&mut tx, world.cx.scope, id).await.unwrap().unwrap();
        assert_eq!((row.obstacle, row.size), (None, 2));
    }

    async fn amounts_of_two_currencies_stand_still(db) {
        let world = World::new(&db).await;
        world.take(&Step::Import(vec![(1, 1, 100)])).await;
        let id = world.keep("spent", tree("revenue >= 1"), true).await;
        let handle = world.handle().await;
        let mut tx = world.platform.db.begin_for(world.cx.scope).await.unwrap();
        let new = commerce::shops::NewShop {
            name: "東京".to_owned(),
            channel: commerce::shops::Channel::Taobao,
            currency: "JPY".parse().unwrap(),
            zone: kernel::Zone::CHINA,
        };
        commerce::shops::create(&mut tx, &world.cx, &new).await.unwrap();
        tx.commit().await.unwrap();
        world.take(&Step::Import(vec![(2, 2, 100)])).await;
        follow(&handle).await;
        assert_eq!(world.log().await, []);
        let mut tx = world.platform.db.read_for(world.cx.scope).await.unwrap();
        let row = store::one(&mut tx, world.cx.scope, id).await.unwrap().unwrap();
        assert!(row.obstacle.unwrap().contains("JPY"));
    }

    async fn what_is_old_goes_and_what_was_told_stays_known(db) {
        let world = World::new(&db).await;
        let id = world.keep("buyers", tree("orders >= 1"), true).await;
        let handle = world.handle().await;
        world.take(&Step::Import((0..8).map(|who| (who, who, 100)).collect())).await;
        follow(&handle).await;
        assert_eq!(world.log().await.len(), 8);
        db.clock().advance_millis((store::KEPT_DAYS + 1) * DAY_MS);
        follow(&handle).await;
        assert_eq!(world.log().await, []);
        let handle = world.handle().await;
        follow(&handle).await;
        assert_eq!(world.log().await, []);
        let mut tx = world.platform.db.read_for(world.cx.scope).await.unwrap();
        let row = store::one(&mut tx, world.cx.scope, id).await.unwrap().unwrap();
        assert_eq!(row.size, 8);
    }
}
