//! Webhooks whose receivers are down, slow, elsewhere or gone, and a program that is killed.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Timestamp, WebhookId};
use platform::outbound::Outbound;
use platform::webhooks::{self, ANSWER_MAX, DeliveryState, FAILING_DAYS, OffReason};
use platform::{JobError, JobOutcome, args};
use testkit::{TestDb, db_test, eventually};
use tokio_util::sync::CancellationToken;

use crate::support::MIGRATIONS;
use crate::webhook_receiver::{Say, World, wanted};

const SECOND: i64 = 1_000;
const DAY: i64 = 24 * 3_600 * SECOND;

/// Where nobody listens.
async fn nowhere() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://127.0.0.1:{}/", listener.local_addr().unwrap().port())
}

fn go_to(db: &TestDb, at: Timestamp) {
    db.clock().advance_millis(at.millis() - db.ctx().now().millis());
}

async fn switch_on(db: &TestDb, world: &World, id: WebhookId, url: &str) {
    let version = world.webhook(id).await.version;
    let mut tx = db.db().begin().await.unwrap();
    webhooks::change(&mut tx, &world.cx, id, version, wanted(url, true)).await.unwrap();
    tx.commit().await.unwrap();
}

async fn reasons(db: &TestDb) -> Vec<Option<String>> {
    let mut tx = db.db().read().await.unwrap();
    let sql =
        "SELECT after_json FROM platform_audit WHERE action = $1 AND actor IS NULL ORDER BY id";
    let rows: Vec<(Option<String>,)> =
        tx.fetch_all(sql, args!["platform.webhook.switch_off"]).await.unwrap();
    rows.into_iter().map(|(after,)| after).collect()
}

db_test! { MIGRATIONS;
    async fn a_receiver_that_is_down_is_tried_ten_times_over_three_days(db) {
        let world = World::new(&db).await;
        let id = world.add(&nowhere().await).await.webhook.id;
        world.happen(&["tea"]).await;
        let begin = db.ctx().now();
        for tries in 1..10 {
            let at = world.send_again_at(id).await;
            let delivery = world.deliveries(id).await.remove(0);
            assert_eq!((delivery.state, delivery.tries), (DeliveryState::Waiting, tries));
            assert!(delivery.error.unwrap().contains("connection failed"));
            assert_eq!((delivery.status, delivery.answer), (None, None));
            // Quiet after failures may end before, but no call comes before its time.
            go_to(&db, at);
            if at < delivery.next_at.unwrap() {
                assert_eq!(world.send_again_at(id).await, delivery.next_at.unwrap());
                go_to(&db, delivery.next_at.unwrap());
            }
        }
        let hours = (db.ctx().now().millis() - begin.millis()) / 3_600_000;
        assert!((75..84).contains(&hours), "{hours}");
        world.send(id).await;
        let delivery = world.deliveries(id).await.remove(0);
        assert_eq!((delivery.state, delivery.tries, delivery.next_at), (DeliveryState::Failed, 10, None));
        let webhook = world.webhook(id).await;
        assert_eq!((webhook.active, webhook.failures, webhook.failing_since), (true, 10, Some(begin)));

        // After five days of nothing but failures it is switched off; what waits stays.
        db.clock().advance_millis(FAILING_DAYS * DAY);
        world.happen(&["coffee"]).await;
        world.send(id).await;
        assert_eq!(world.send(id).await, JobOutcome::Done);
        let webhook = world.webhook(id).await;
        assert_eq!((webhook.active, webhook.off_reason), (false, Some(OffReason::Failing)));
        assert_eq!(webhook.off_at, Some(db.ctx().now()));
        assert_eq!(reasons(&db).await, [Some(r#"{"reason":"failing"}"#.to_owned())]);
        world.happen(&["nobody is told of this"]).await;
        assert_eq!(world.deliveries(id).await.len(), 2);

        // Switched on again it goes where it now leads.
        switch_on(&db, &world, id, &world.url()).await;
        db.clock().advance_millis(60 * SECOND);
        assert_eq!(world.send(id).await, JobOutcome::Done);
        assert_eq!(world.receiver.seen().len(), 1);
        let webhook = world.webhook(id).await;
        assert_eq!((webhook.failures, webhook.off_reason, webhook.failing_since), (0, None, None));
    }

    async fn one_failure_keeps_the_others_waiting_but_not_for_long(db) {
        let world = World::new(&db).await;
        let id = world.add(&world.url()).await.webhook.id;
        world.happen(&["a", "b"]).await;
        world.receiver.say(&[Say::All(503, ("retry-after", "3600"), "busy\0".into())]);
        let at = world.send_again_at(id).await;
        assert_eq!(at.millis() - db.ctx().now().millis(), 3_600 * SECOND, "as it asked for");
        assert_eq!(world.receiver.seen().len(), 1);
        let delivery = world.deliveries(id).await.pop().unwrap();
        assert_eq!((delivery.status, delivery.answer.as_deref()), (Some(503), Some("busy")));
        assert_eq!(delivery.next_at, Some(at));
        go_to(&db, at);
        assert_eq!(world.send(id).await, JobOutcome::Done);
        let ids: Vec<String> = world.receiver.seen().into_iter().map(|seen| seen.id).collect();
        let [b, a] = <[_; 2]>::try_from(world.deliveries(id).await).unwrap();
        assert_eq!(ids, [&a, &b, &a].map(|one| one.id.to_string()), "what was due first, first");
        assert!([a, b].iter().all(|one| one.state == DeliveryState::Delivered && one.error.is_none()));
    }

    async fn a_redirect_is_a_failure_and_a_long_answer_is_none(db) {
        let world = World::new(&db).await;
        let id = world.add(&world.url()).await.webhook.id;
        world.happen(&["tea"]).await;
        world.receiver.say(&[
            Say::All(307, ("location", "/elsewhere"), String::new()),
            Say::All(200, ("x-long", "1"), "x".repeat(100_000)),
        ]);
        let quiet = world.send_again_at(id).await;
        let delivery = world.deliveries(id).await.remove(0);
        assert_eq!((delivery.status, delivery.state), (Some(307), DeliveryState::Waiting));
        assert!(delivery.error.unwrap().contains("redirects are not followed"));
        go_to(&db, quiet.max(delivery.next_at.unwrap()));
        world.send(id).await;
        let delivery = world.deliveries(id).await.remove(0);
        assert_eq!((delivery.status, delivery.state), (Some(200), DeliveryState::Delivered));
        assert_eq!(delivery.answer.unwrap().len(), ANSWER_MAX);
        assert!(world.receiver.seen().iter().all(|seen| seen.path == "/hook"));
    }

    async fn who_answers_410_is_asked_no_more(db) {
        let world = World::new(&db).await;
        let id = world.add(&world.url()).await.webhook.id;
        world.happen(&["tea", "coffee"]).await;
        world.receiver.say(&[Say::Status(410)]);
        assert_eq!(world.send(id).await, JobOutcome::Done);
        assert_eq!(world.receiver.seen().len(), 1);
        let webhook = world.webhook(id).await;
        assert_eq!((webhook.active, webhook.off_reason), (false, Some(OffReason::Gone)));
        let states: Vec<_> = world.deliveries(id).await.into_iter().map(|one| one.state).collect();
        assert_eq!(states, [DeliveryState::Waiting, DeliveryState::Failed]);
        assert_eq!(reasons(&db).await, [Some(r#"{"reason":"gone"}"#.to_owned())]);
    }

    async fn a_slow_receiver_is_left_alone(db) {
        let outbound = Outbound::default()
            .allowing(&["127.0.0.1".parse().unwrap()])
            .with_total(Duration::from_millis(200));
        let world = World::with(db.platform().clone().with_outbound(outbound)).await;
        let id = world.add(&world.url()).await.webhook.id;
        world.happen(&["tea"]).await;
        world.receiver.say(&[Say::Nothing]);
        go_to(&db, world.send_again_at(id).await);
        let delivery = world.deliveries(id).await.remove(0);
        assert_eq!(delivery.error.as_deref(), Some("there was no answer within 0.2 s"));
        assert_eq!((delivery.status, delivery.tries), (None, 1));
    }

    async fn what_was_sent_and_not_noted_is_sent_again_with_the_same_id(db) {
        let world = Arc::new(World::new(&db).await);
        let id = world.add(&world.url()).await.webhook.id;
        world.happen(&["tea"]).await;
        world.receiver.say(&[Say::Nothing, Say::Nothing]);
        let seen = async |count| {
            let seen = async || (world.receiver.seen().len() == count).then_some(());
            eventually("a call", seen).await;
        };
        // The program is told to stop: it gives the right to call back.
        let stop = CancellationToken::new();
        let stopped = tokio::spawn({
            let (world, stop) = (world.clone(), stop.clone());
            async move { world.send_until(id, stop).await }
        });
        seen(1).await;
        stop.cancel();
        assert!(matches!(stopped.await.unwrap(), Err(JobError::Cancelled)));
        // It is killed: the right ends by itself, and until then nobody else calls.
        let killed = tokio::spawn({
            let world = world.clone();
            async move { world.send(id).await }
        });
        seen(2).await;
        killed.abort();
        assert!(killed.await.unwrap_err().is_cancelled());
        go_to(&db, world.send_again_at(id).await);
        assert_eq!(world.receiver.seen().len(), 2);
        db.clock().advance_millis(30 * SECOND);
        assert_eq!(world.send(id).await, JobOutcome::Done);
        let calls = world.receiver.seen();
        let delivery = world.deliveries(id).await.remove(0);
        assert_eq!((delivery.state, delivery.tries), (DeliveryState::Delivered, 1));
        assert!(calls.len() == 3 && calls.iter().all(|call| call.id == delivery.id.to_string()));
        assert_eq!(calls[2].at - calls[0].at, 31);
    }
}
