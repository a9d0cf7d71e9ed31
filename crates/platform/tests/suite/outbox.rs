use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kernel::Limit;
use platform::outbox::{self, Delivery, DeliveryOptions, Position, Turn};
use platform::{Ctx, HandleError, Platform, StoredEvent, Subscriber, Tx, args};
use testkit::{TestDb, db_test, eventually};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::support::{MIGRATIONS, Marker, Noise, ThingDone, Trouble, mark, marks, push};

fn delivery(platform: &Platform, subscriber: Arc<dyn Subscriber>) -> Delivery {
    let options = DeliveryOptions { max_attempts: 3, ..DeliveryOptions::default() };
    Delivery::new(platform.clone(), subscriber, options)
}

/// Turns until nothing moves.
async fn run_dry(delivery: &Delivery) -> Turn {
    loop {
        match delivery.turn(&CancellationToken::new()).await.unwrap() {
            Turn::Moved => {}
            end => return end,
        }
    }
}

/// (position, attempts, next_at) of the marker.
async fn standing(db: &TestDb) -> (i64, i64, i64) {
    let mut tx = db.db().read().await.unwrap();
    tx.fetch_one(
        "SELECT position, attempts, next_at FROM platform_subscribers WHERE name = $1",
        args!["test.marker"],
    )
    .await
    .unwrap()
}

async fn letters(db: &TestDb) -> Vec<outbox::DeadLetter> {
    let mut tx = db.db().read().await.unwrap();
    outbox::dead_letters(&mut tx, &db.ctx(), None, Limit::new(None).unwrap()).await.unwrap().items
}

/// Stops inside its transaction until let go.
#[derive(Default)]
struct Slow {
    begun: Notify,
    go_on: Notify,
}

#[async_trait]
impl Subscriber for Slow {
    fn name(&self) -> &'static str {
        "test.marker"
    }
    fn topics(&self) -> &'static [&'static str] {
        &["test.thing_done.v1"]
    }
    async fn handle(
        &self,
        _: &Platform,
        tx: &mut Tx,
        _: &Ctx,
        event: &StoredEvent,
    ) -> Result<(), HandleError> {
        mark(tx, "marker", event.parse::<ThingDone>()?.n).await?;
        self.begun.notify_one();
        self.go_on.notified().await;
        Ok(())
    }
}

db_test! { MIGRATIONS;
    async fn events_come_in_order_and_once(db) {
        for n in 0..250 {
            push(db.platform(), &db.ctx(), "a", n).await;
        }
        let mut tx = db.db().begin().await.unwrap();
        outbox::push(&mut tx, &db.ctx(), &Noise).await.unwrap();
        tx.commit().await.unwrap();
        outbox::sequence(db.db()).await.unwrap();
        let marker = Marker::with(&[]);
        assert_eq!(run_dry(&delivery(db.platform(), marker.clone())).await, Turn::Idle);
        assert_eq!(marker.seen(), (0..250).collect::<Vec<_>>());
        let mut tx = db.db().read().await.unwrap();
        let head = outbox::head(&mut tx).await.unwrap();
        assert_eq!(standing(&db).await.0, head.get(), "noise was passed over, too");
        let another = Marker::with(&[]);
        assert_eq!(run_dry(&delivery(db.platform(), another.clone())).await, Turn::Idle);
        assert!(another.seen().is_empty(), "delivered already");
    }

    async fn an_event_of_work_given_up_is_never_delivered(db) {
        let mut tx = db.db().begin().await.unwrap();
        outbox::push(&mut tx, &db.ctx(), &ThingDone { thing: "a".into(), n: 1 }).await.unwrap();
        tx.rollback().await.unwrap();
        push(db.platform(), &db.ctx(), "a", 2).await;
        let marker = Marker::with(&[]);
        run_dry(&delivery(db.platform(), marker.clone())).await;
        assert_eq!(marker.seen(), [2]);
    }

    async fn a_failed_event_is_tried_again_with_back_off_and_keeps_its_place(db) {
        for n in 1..=3 {
            push(db.platform(), &db.ctx(), "a", n).await;
        }
        let marker = Marker::with(&[(2, Trouble::Fail(2))]);
        let delivery = delivery(db.platform(), marker.clone());
        let start = db.ctx().now().millis();
        assert_eq!(run_dry(&delivery).await, Turn::Waiting);
        assert_eq!(marker.seen(), [1, 2], "nothing overtakes");
        assert_eq!(marks(db.db(), "marker").await, [1], "its effect was rolled back");
        let (_, attempts, next_at) = standing(&db).await;
        assert_eq!(attempts, 1);
        assert!((800..=1_200).contains(&(next_at - start)), "{}", next_at - start);
        db.clock().advance_millis(next_at - start - 1);
        assert_eq!(run_dry(&delivery).await, Turn::Waiting);
        assert_eq!(marker.seen(), [1, 2], "not before its time");
        db.clock().advance_millis(1);
        assert_eq!(run_dry(&delivery).await, Turn::Waiting);
        let (_, attempts, second) = standing(&db).await;
        assert_eq!(attempts, 2);
        assert!((1_600..=2_400).contains(&(second - next_at)), "{}", second - next_at);
        db.clock().advance_millis(5_000);
        assert_eq!(run_dry(&delivery).await, Turn::Idle);
        assert_eq!(marker.seen(), [1, 2, 2, 2, 3]);
        assert_eq!(marks(db.db(), "marker").await, [1, 2, 3]);
        assert_eq!(standing(&db).await.1, 0);
        assert!(letters(&db).await.is_empty());
    }

    async fn poison_becomes_a_dead_letter_and_blocks_nobody_for_ever(db) {
        let poison = [(1, Trouble::Fail(99)), (2, Trouble::Fatal), (3, Trouble::Panic),
            (4, Trouble::SwallowDbError)];
        for n in 1..=5 {
            push(db.platform(), &db.ctx(), "a", n).await;
        }
        let marker = Marker::with(&poison);
        let delivery = delivery(db.platform(), marker.clone());
        while run_dry(&delivery).await == Turn::Waiting {
            db.clock().advance_millis(10_000);
        }
        assert_eq!(marker.seen(), [1, 1, 1, 2, 3, 3, 3, 4, 4, 4, 5]);
        assert_eq!(marks(db.db(), "marker").await, [5]);
        let dead = letters(&db).await;
        assert_eq!(dead.iter().map(|letter| letter.attempts).collect::<Vec<_>>(), [3, 1, 3, 3]);
        assert_eq!(dead[0].last_error, "not yet");
        assert_eq!(dead[2].last_error, "panicked: as told");

        marker.troubles.lock().unwrap().remove(&2);
        for letter in &dead[..2] {
            let mut tx = db.db().begin().await.unwrap();
            assert!(outbox::redeliver(&mut tx, &db.ctx(), "test.marker", letter.position).await.unwrap());
            assert!(!outbox::redeliver(&mut tx, &db.ctx(), "test.other", letter.position).await.unwrap());
            tx.commit().await.unwrap();
        }
        assert_eq!(run_dry(&delivery).await, Turn::Idle);
        assert_eq!(marks(db.db(), "marker").await, [2, 5], "one is well now");
        let dead = letters(&db).await;
        assert_eq!(dead.iter().map(|letter| letter.attempts).collect::<Vec<_>>(), [4, 3, 3]);
        assert!(dead.iter().all(|letter| !letter.redeliver), "no endless loop");
    }

    async fn dead_letters_come_in_pages(db) {
        for n in 1..=5 {
            push(db.platform(), &db.ctx(), "a", n).await;
        }
        let fatal: Vec<_> = (1..=5).map(|n| (n, Trouble::Fatal)).collect();
        run_dry(&delivery(db.platform(), Marker::with(&fatal))).await;
        let mut tx = db.db().read().await.unwrap();
        let limit = Limit::new(Some(3)).unwrap();
        let first = outbox::dead_letters(&mut tx, &db.ctx(), None, limit).await.unwrap();
        assert_eq!(first.items.len(), 3);
        let next = first.next.as_deref();
        let second = outbox::dead_letters(&mut tx, &db.ctx(), next, limit).await.unwrap();
        assert_eq!((second.items.len(), second.next), (2, None));
        assert!(second.items[0].position > first.items[2].position);
    }

    async fn a_lease_passes_on_only_when_it_ends(db) {
        push(db.platform(), &db.ctx(), "a", 1).await;
        let (first, second) = (Marker::with(&[]), Marker::with(&[]));
        let (here, there) =
            (delivery(db.platform(), first.clone()), delivery(&db.another_process().await, second.clone()));
        run_dry(&here).await;
        push(db.platform(), &db.ctx(), "a", 2).await;
        assert_eq!(run_dry(&there).await, Turn::Waiting, "the other process holds the lease");
        db.clock().advance_millis(14_999);
        assert_eq!(run_dry(&there).await, Turn::Waiting);
        db.clock().advance_millis(1);
        assert_eq!(run_dry(&there).await, Turn::Idle, "the other process is gone");
        push(db.platform(), &db.ctx(), "a", 3).await;
        assert_eq!(run_dry(&here).await, Turn::Waiting, "it came back, too late");
        there.release().await.unwrap();
        assert_eq!(run_dry(&here).await, Turn::Idle);
        assert_eq!((first.seen(), second.seen()), (vec![1, 3], vec![2]));
    }

    async fn a_lease_that_ends_at_work_doubles_nothing(db) {
        push(db.platform(), &db.ctx(), "a", 1).await;
        let slow = Arc::new(Slow::default());
        let here = delivery(db.platform(), slow.clone());
        let at_work = tokio::spawn(async move { run_dry(&here).await });
        slow.begun.notified().await;
        db.clock().advance_millis(60_000);
        let marker = Marker::with(&[]);
        let there = delivery(&db.another_process().await, marker.clone());
        let other = tokio::spawn(async move { run_dry(&there).await });
        slow.go_on.notify_one();
        at_work.await.unwrap();
        other.await.unwrap();
        assert_eq!(marks(db.db(), "marker").await, [1]);
        assert_eq!(marker.seen(), [0_i64; 0]);
        assert!(letters(&db).await.is_empty());
    }

    async fn events_are_forgotten_when_all_have_passed_and_not_before(db) {
        for n in 1..=3 {
            push(db.platform(), &db.ctx(), "a", n).await;
        }
        let delivery = delivery(db.platform(), Marker::with(&[(3, Trouble::Fail(1))]));
        run_dry(&delivery).await;
        db.clock().advance_millis(1_000);
        let now = db.ctx().now();
        assert_eq!(outbox::prune(db.db(), now.plus_millis(-1_000)).await.unwrap(), 0, "too young");
        assert_eq!(outbox::prune(db.db(), now).await.unwrap(), 2, "the third waits for its subscriber");
        let mut tx = db.db().read().await.unwrap();
        assert!(!outbox::can_replay_from(&mut tx, Position::START).await.unwrap());
        let passed = Position::new(standing(&db).await.0);
        assert!(outbox::can_replay_from(&mut tx, passed).await.unwrap());
        assert_eq!(outbox::read_after(&mut tx, passed, 9).await.unwrap().len(), 1);
        drop(tx);
        db.clock().advance_millis(1_000);
        assert_eq!(run_dry(&delivery).await, Turn::Idle);
        assert_eq!(outbox::prune(db.db(), db.ctx().now()).await.unwrap(), 1);
        let mut tx = db.db().read().await.unwrap();
        let head = outbox::head(&mut tx).await.unwrap();
        drop(tx);
        assert!(head >= passed, "the head stays where it was");
        let mut tx = db.db().begin().await.unwrap();
        tx.execute("DELETE FROM platform_subscribers", vec![]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(run_dry(&delivery).await, Turn::Idle, "a newcomer finds nothing and rests");
        push(db.platform(), &db.ctx(), "a", 4).await;
        run_dry(&delivery).await;
        assert_eq!(marks(db.db(), "marker").await, [1, 2, 3, 4]);
    }

    async fn workers_deliver_what_this_and_other_processes_write(db) {
        let marker = Marker::with(&[]);
        let poll = Duration::from_millis(5);
        let options = DeliveryOptions { poll, ..DeliveryOptions::default() };
        let worker = outbox::start(db.platform(), vec![marker.clone()], &options);
        push(db.platform(), &db.ctx(), "a", 1).await;
        eventually("the event of this process", async || (marker.seen() == [1]).then_some(())).await;
        push(&db.another_process().await, &db.ctx(), "a", 2).await;
        eventually("the event of the other", async || (marker.seen() == [1, 2]).then_some(())).await;
        worker.stop(Duration::from_secs(30)).await;
        push(db.platform(), &db.ctx(), "a", 3).await;
        assert_eq!(run_dry(&delivery(db.platform(), marker.clone())).await, Turn::Idle, "the lease was given back");
        assert_eq!(marks(db.db(), "marker").await, [1, 2, 3]);
    }
}
