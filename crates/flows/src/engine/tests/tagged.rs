//! Automatic tags: whatever happens, they are on whoever belongs to their audience, and each turn is told once.

use std::collections::BTreeSet;
use std::sync::Arc;

use customers::tags::{self, BulkChange, TagError};
use customers::{automatic, merge, settings};
use kernel::{AudienceId, CustomerId, JobId, TagId, TypedId as _};
use platform::Job;
use platform::outbox::{self, Delivery, DeliveryOptions, Turn};
use proptest::prelude::*;
use testkit::TestDb;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::EngineHandle;
use super::live::{follow, tree};
use super::world::{self, MIGRATIONS, Step, World};
use crate::settle_tags::{self, FollowAudiences, Left, Members, SETTLE};
use crate::tag_rules::{self, TagRuleBody, TagRuleRefused, TagRuleState, TagRuleView};

impl World {
    async fn new_tag(&self, name: &str) -> TagId {
        let mut tx = self.platform.db.begin_for(self.cx.scope).await.unwrap();
        let colour = tags::COLOURS[0].parse().unwrap();
        let tag = tags::create(&mut tx, &self.cx, name.parse().unwrap(), colour).await.unwrap();
        tx.commit().await.unwrap();
        tag.id
    }

    async fn rule(
        &self,
        handle: &EngineHandle,
        tag: TagId,
        body: TagRuleBody,
    ) -> Result<TagRuleView, TagRuleRefused> {
        let mut tx = self.platform.db.begin_for(self.cx.scope).await.unwrap();
        let set = tag_rules::set(&mut tx, handle, &self.cx, tag, body).await;
        if set.is_ok() {
            tx.commit().await.unwrap();
        } else {
            tx.rollback().await.unwrap();
        }
        set
    }

    async fn follows(&self, handle: &EngineHandle, tag: TagId, audience: AudienceId) {
        let body = TagRuleBody { audience: Some(audience), bought: None };
        self.rule(handle, tag, body).await.unwrap();
    }

    async fn deliver(&self) {
        outbox::sequence(&self.platform.db).await.unwrap();
        let options = DeliveryOptions::default();
        let delivery = Delivery::new(self.platform.clone(), Arc::new(FollowAudiences), options);
        let stop = CancellationToken::new();
        while delivery.turn(&stop).await.unwrap() == Turn::Moved {}
        delivery.release().await.unwrap();
    }

    /// The jobs that wait, the first first.
    async fn waiting(&self) -> Vec<Job> {
        let mut tx = self.platform.db.read().await.unwrap();
        let sql = "SELECT id, payload FROM platform_jobs WHERE kind = $1 ORDER BY id";
        let rows: Vec<(Uuid, String)> = tx.fetch_all(sql, platform::args![SETTLE]).await.unwrap();
        let job = |(id, payload): (Uuid, String)| Job {
            id: JobId::from_uuid(id),
            scope: self.cx.scope,
            kind: SETTLE.to_owned(),
            payload: serde_json::from_str(&payload).unwrap(),
            attempt: 1,
            max_attempts: 1,
        };
        rows.into_iter().map(job).collect()
    }

    async fn done(&self, job: &Job) {
        let mut tx = self.platform.db.begin().await.unwrap();
        let sql = "DELETE FROM platform_jobs WHERE id = $1";
        tx.execute(sql, platform::args![job.id]).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// What the program does of itself, until it comes to rest.
    async fn rest(&self, handle: &EngineHandle) {
        for _ in 0..3 {
            follow(handle).await;
            self.deliver().await;
            for job in self.waiting().await {
                let (left, stop) = (job.payload().unwrap(), CancellationToken::new());
                settle_tags::settle_left(&self.platform, &self.cx, Some(&job), left, &stop)
                    .await
                    .unwrap();
                self.done(&job).await;
            }
        }
    }

    /// Closes an order of the first shop. Files go to the shops by turns.
    async fn close(&self, account: usize, order: usize) {
        for _ in 0..2 {
            self.take(&Step::Import(vec![(account, order, -1)])).await;
        }
    }

    /// Whose rows have the tag.
    async fn tagged(&self, tag: TagId) -> BTreeSet<CustomerId> {
        let mut tx = self.platform.db.read_for(self.cx.scope).await.unwrap();
        let all = automatic::holders_after(&mut tx, self.cx.scope, tag, None, 10_000).await;
        all.unwrap().into_iter().collect()
    }

    async fn holders<const N: usize>(&self, accounts: [usize; N]) -> BTreeSet<CustomerId> {
        let mut all = BTreeSet::new();
        for account in accounts {
            all.extend(self.holder(account).await);
        }
        all
    }

    /// How often histories tell of tags put on, and taken off.
    async fn told(&self) -> (i64, i64) {
        let mut tx = self.platform.db.read().await.unwrap();
        let sql = "SELECT (SELECT COUNT(*) FROM customers_history WHERE kind = 'tag'),
                          (SELECT COUNT(*) FROM customers_history WHERE kind = 'untag')";
        tx.fetch_one(sql, vec![]).await.unwrap()
    }

    async fn state(&self, handle: &EngineHandle) -> (TagRuleState, bool) {
        let rules = tag_rules::list(handle, &self.cx).await.unwrap();
        (rules[0].state, rules[0].settled_at.is_some())
    }
}

/// One order each of five.
async fn five(world: &World) {
    world.take(&Step::Import((0..5).map(|who| (who, who, 100)).collect())).await;
}

testkit::db_test! { MIGRATIONS;
    async fn a_rule_tags_exactly_the_members_and_goes_with_them(db) {
        let world = World::new(&db).await;
        five(&world).await;
        world.take(&Step::Import(vec![(0, 11, 100)])).await;
        let handle = world.handle().await;
        let tag = world.new_tag("自动").await;
        // By hand before it had a rule: the rule takes it off.
        let by_hand = BulkChange {
            customers: world.holders([0, 3]).await.into_iter().collect(),
            add: vec![tag],
            ..BulkChange::default()
        };
        let mut tx = world.platform.db.begin_for(world.cx.scope).await.unwrap();
        tags::change(&mut tx, &world.cx, &by_hand).await.unwrap();
        tx.commit().await.unwrap();
        let often = world.keep("often", tree("orders >= 2"), false).await;
        world.follows(&handle, tag, often).await;
        assert_eq!(world.state(&handle).await, (TagRuleState::Waiting, false));
        world.rest(&handle).await;
        assert_eq!(world.state(&handle).await, (TagRuleState::Current, true));
        assert_eq!(world.tagged(tag).await, world.holders([0]).await);
        assert_eq!(world.told().await, (2, 1));
        // An order brings somebody in, and its end takes them out.
        world.take(&Step::Import(vec![(1, 12, 100)])).await;
        world.rest(&handle).await;
        assert_eq!(world.tagged(tag).await, world.holders([0, 1]).await);
        world.close(1, 12).await;
        world.rest(&handle).await;
        assert_eq!(world.tagged(tag).await, world.holders([0]).await);
        assert_eq!(world.told().await, (3, 2));
        // Nobody does it by hand meanwhile, one by one or many.
        let mut tx = world.platform.db.begin_for(world.cx.scope).await.unwrap();
        let one = world.holder(0).await.unwrap();
        let refused = tags::set(&mut tx, &world.cx, one, &[]).await;
        assert!(matches!(&refused, Err(TagError::Automatic(names)) if names == &["自动"]), "{refused:?}");
        assert!(tags::set(&mut tx, &world.cx, one, &[tag]).await.is_ok(), "it has it already");
        let refused = tags::change(&mut tx, &world.cx, &by_hand).await;
        assert!(refused.unwrap_err().to_string().contains("change the rule, or turn it off"));
        tx.rollback().await.unwrap();
        // Another definition, which nobody is told of, reaches everybody all the same.
        world.redefine(often, "often", "orders = 1", false).await;
        world.rest(&handle).await;
        assert_eq!(world.tagged(tag).await, world.holders([1, 2, 3, 4]).await);
        assert_eq!(world.state(&handle).await, (TagRuleState::Current, true));
        // Turned off it stays, and is anybody's to change.
        let mut tx = world.platform.db.begin_for(world.cx.scope).await.unwrap();
        tag_rules::clear(&mut tx, &world.cx, tag).await.unwrap();
        tx.commit().await.unwrap();
        world.take(&Step::Import(vec![(2, 12, 100)])).await;
        world.rest(&handle).await;
        assert_eq!(world.tagged(tag).await, world.holders([1, 2, 3, 4]).await);
        let mut tx = world.platform.db.begin_for(world.cx.scope).await.unwrap();
        tags::set(&mut tx, &world.cx, world.holder(2).await.unwrap(), &[]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(world.tagged(tag).await, world.holders([1, 3, 4]).await);
    }

    async fn days_take_it_off(db) {
        let world = World::new(&db).await;
        // Orders of 2025-02-02 and 2025-03-03.
        world.take(&Step::Import(vec![(1, 1, 100), (2, 2, 100)])).await;
        let handle = world.handle().await;
        let zone = handle.live_day().zone;
        let at = kernel::Timestamp::start_of("2025-02-02".parse().unwrap(), zone).millis();
        let days = (world.platform.now().millis() - at) / 86_400_000 + 2;
        let lately = world.keep("lately", tree(&format!("orders(in last {days} days) >= 1")), true).await;
        let tag = world.new_tag("新近").await;
        world.follows(&handle, tag, lately).await;
        world.rest(&handle).await;
        assert_eq!(world.tagged(tag).await, world.holders([1, 2]).await);
        db.clock().advance_millis(2 * 86_400_000);
        world.rest(&handle).await;
        assert_eq!(world.tagged(tag).await, world.holders([2]).await);
    }

    async fn what_is_cut_off_goes_on_and_tells_nothing_twice(db) {
        let world = World::new(&db).await;
        five(&world).await;
        let handle = world.handle().await;
        let everybody = world.keep("buyers", tree("orders >= 1"), true).await;
        world.rest(&handle).await;
        let tag = world.new_tag("买家").await;
        world.follows(&handle, tag, everybody).await;
        let job = world.waiting().await.remove(0);
        let left: Left = job.payload().unwrap();
        let (platform, cx) = (&world.platform, &world.cx);
        let members = Members::read(platform, cx, &left).await.unwrap().unwrap();
        let rest = members.settle_next(platform, cx, Some(&job), &left, 2).await.unwrap();
        assert_eq!(world.tagged(tag).await.len(), 2);
        assert_eq!(world.state(&handle).await, (TagRuleState::Settling, false));
        // It is killed; who comes and goes meanwhile is told.
        drop(members);
        world.take(&Step::Import(vec![(7, 7, 100)])).await;
        world.close(0, 0).await;
        follow(&handle).await;
        world.deliver().await;
        let job = world.waiting().await.remove(0);
        let noted: Left = job.payload().unwrap();
        assert_eq!(Some(noted), rest);
        let members = Members::read(platform, cx, &noted).await.unwrap().unwrap();
        // One enters and one leaves between two portions.
        let mut left = members.settle_next(platform, cx, Some(&job), &noted, 1).await.unwrap();
        world.take(&Step::Import(vec![(8, 8, 100)])).await;
        world.close(4, 4).await;
        follow(&handle).await;
        while let Some(next) = left {
            left = members.settle_next(platform, cx, Some(&job), &next, 1).await.unwrap();
        }
        world.deliver().await;
        assert_eq!(world.tagged(tag).await, world.holders([1, 2, 3, 7, 8]).await);
        let (on, off) = world.told().await;
        assert_eq!(on - off, 5, "each put on once, and off once at most: {on} {off}");
        assert!(on <= 7 && off <= 2, "{on} {off}");
        assert_eq!(world.state(&handle).await, (TagRuleState::Current, true));
        // Once more from the first customer changes nothing.
        let first = Left { after: None, ..noted };
        let members = Members::read(platform, cx, &first).await.unwrap().unwrap();
        assert_eq!(members.settle_next(platform, cx, None, &first, 100).await.unwrap(), None);
        assert_eq!(world.told().await, (on, off));
        // A job of an older rule has no purpose.
        let older = Left { wanted: first.wanted - 1, ..first };
        assert!(Members::read(platform, cx, &older).await.unwrap().is_none());
    }

    async fn merges_and_partings_follow_the_audience(db) {
        let world = World::new(&db).await;
        five(&world).await;
        let handle = world.handle().await;
        let once = world.keep("once", tree("orders = 1"), true).await;
        let tag = world.new_tag("一次").await;
        world.follows(&handle, tag, once).await;
        world.rest(&handle).await;
        let all = world.holders([0, 1, 2, 3, 4]).await;
        assert_eq!(world.tagged(tag).await, all);
        let (keep, absorb) = (world.holder(0).await.unwrap(), world.holder(1).await.unwrap());
        let mut tx = world.platform.db.begin_for(world.cx.scope).await.unwrap();
        let made = merge::merge(&mut tx, &world.cx, keep, absorb).await.unwrap();
        tx.commit().await.unwrap();
        world.rest(&handle).await;
        // Together they have two orders.
        assert_eq!(world.tagged(tag).await, world.holders([2, 3, 4]).await);
        let mut tx = world.platform.db.begin_for(world.cx.scope).await.unwrap();
        merge::unmerge(&mut tx, &world.cx, made.id).await.unwrap();
        tx.commit().await.unwrap();
        world.rest(&handle).await;
        assert_eq!(world.tagged(tag).await, all);
        let (on, off) = world.told().await;
        assert_eq!((on, off), (7, 1), "the family lost it, and each of both got it again");
    }

    async fn tags_that_would_follow_themselves_are_refused(db) {
        let world = World::new(&db).await;
        five(&world).await;
        let handle = world.handle().await;
        let (a, b) = (world.new_tag("甲").await, world.new_tag("乙").await);
        let with = |text: &str| tree(text);
        let asks_b = world.keep("有乙", with(&format!("tag \"{b}\" or orders >= 3")), false).await;
        let asks_a = world.keep("有甲", with(&format!("not tag \"{a}\"")), false).await;
        let by_name = world.keep("间接", with(&format!("audience \"{asks_b}\"")), false).await;
        let own = TagRuleBody { audience: Some(asks_a), bought: None };
        let refused = world.rule(&handle, a, own).await.unwrap_err().to_string();
        assert!(refused.contains("tag \"甲\" → audience \"有甲\" → tag \"甲\""), "{refused}");
        world.follows(&handle, a, by_name).await;
        let back = TagRuleBody { audience: Some(asks_a), bought: None };
        let refused = world.rule(&handle, b, back).await.unwrap_err().to_string();
        let path = "tag \"乙\" → audience \"有甲\" → tag \"甲\" → audience \"间接\" → audience \"有乙\" → tag \"乙\"";
        assert!(refused.contains(path), "{refused}");
        // One tag may ask for the other.
        let buyers = world.keep("买过", tree("orders >= 1"), false).await;
        world.follows(&handle, b, buyers).await;
        world.rest(&handle).await;
        assert_eq!(world.tagged(a).await, world.holders([0, 1, 2, 3, 4]).await);
        assert_eq!(world.tagged(b).await, world.tagged(a).await);
    }

    async fn tags_by_products_have_an_audience_of_their_own(db) {
        let world = World::new(&db).await;
        five(&world).await;
        let handle = world.handle().await;
        let tag = world.new_tag("茶友").await;
        let bought = |products: Vec<String>, days| {
            let bought = automatic::Bought { products, orders: 1, days };
            TagRuleBody { audience: None, bought: Some(bought) }
        };
        let many: Vec<String> = (0..11).map(|n| format!("茶 {n}")).collect();
        let refused = world.rule(&handle, tag, bought(many.clone(), None)).await.unwrap_err();
        assert!(matches!(refused, TagRuleRefused::Fields(_)), "{refused:?}");
        let mut tx = world.platform.db.begin_for(world.cx.scope).await.unwrap();
        settings::set_tag_products_max(&mut tx, &world.cx, 11).await.unwrap();
        tx.commit().await.unwrap();
        let set = world.rule(&handle, tag, bought(many, Some(30))).await.unwrap();
        assert!(set.text.unwrap().starts_with("orders(in last 30 days, product in (\"茶 0\""));
        assert_eq!(set.audience_name, None);
        world.rest(&handle).await;
        assert_eq!(world.tagged(tag).await, BTreeSet::new());
        // Another choice keeps the audience; a rule by audience lets it go, and so does none.
        let other = world.rule(&handle, tag, bought(vec!["茶".to_owned()], None)).await.unwrap();
        assert_eq!(other.audience, set.audience);
        let buyers = world.keep("买过", tree("orders >= 1"), false).await;
        world.follows(&handle, tag, buyers).await;
        world.rest(&handle).await;
        assert_eq!(world.tagged(tag).await.len(), 5);
        let mut tx = world.platform.db.begin_for(world.cx.scope).await.unwrap();
        let there = insight::audiences::all(&mut tx, world.cx.scope).await.unwrap();
        assert_eq!(there.iter().map(|one| one.id).collect::<Vec<_>>(), [buyers]);
        tag_rules::delete_tag(&mut tx, &world.cx, tag).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(world.tagged(tag).await.len(), 0);
    }
}

async fn rests_where_the_audience_does(db: TestDb, steps: Vec<(Step, bool)>) {
    let world = World::new(&db).await;
    world.take(&Step::Import((0..4).map(|who| (who, who, 100)).collect())).await;
    let mut handle = world.handle().await;
    // Behind the others by name, so that nobody takes it by hand.
    let tag = world.new_tag("zzz").await;
    let text = "orders between 1 and 2 or orders(in last 400 days) >= 4";
    let audience = world.keep("some", tree(text), false).await;
    world.follows(&handle, tag, audience).await;
    for (step, killed) in &steps {
        if matches!(step, Step::DropTag(_)) {
            continue;
        }
        world.take(step).await;
        if *killed {
            handle = world.handle().await;
        }
        follow(&handle).await;
    }
    world.rest(&handle).await;
    let asked = world.asked(&handle, &tree(text));
    assert_eq!(world.tagged(tag).await, asked, "{steps:#?}");
}

fn run(make: impl AsyncFn() -> TestDb, cases: u32) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let steps = prop::collection::vec((world::steps(), any::<bool>()), 1..16);
    proptest!(config, |(steps in steps)| {
        runtime.block_on(async { rests_where_the_audience_does(make().await, steps).await });
    });
}

#[test]
fn tags_rest_where_their_audience_does_on_sqlite() {
    run(async || TestDb::sqlite(MIGRATIONS).await, 24);
}

#[test]
fn tags_rest_where_their_audience_does_on_postgres() {
    run(async || TestDb::postgres(MIGRATIONS).await, 6);
}
