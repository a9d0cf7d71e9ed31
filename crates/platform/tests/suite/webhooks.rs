//! Webhooks whose receivers do well.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kernel::{Limit, OrgId};
use platform::outbound::{Lookup, Outbound, OutboundError};
use platform::outbox;
use platform::webhooks::{
    self, DeliveryState, KEPT_DAYS, TEST, WEBHOOKS_MAX, WantedWebhook, WebhookError, signature,
};
use platform::{JobOutcome, Scope, args};
use serde_json::{Value, json};
use testkit::db_test;

use crate::support::MIGRATIONS;
use crate::webhook_receiver::{Say, Seen, TYPE, World, published, wanted};

const DAY: i64 = 24 * 3_600_000;

fn bytes(secret: &str) -> Vec<u8> {
    STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap()
}

/// As a receiver checks it: one of the signatures fits.
fn fits(seen: &Seen, secret: &str) -> bool {
    let own = signature(&[bytes(secret)], &seen.id, seen.at, &seen.body);
    seen.signature.split(' ').any(|one| one == own)
}

/// What was recorded, oldest first.
async fn actions(world: &World) -> Vec<String> {
    let mut tx = world.platform.db.read().await.unwrap();
    let sql = "SELECT action FROM platform_audit ORDER BY id";
    let rows: Vec<(String,)> = tx.fetch_all(sql, vec![]).await.unwrap();
    rows.into_iter().map(|(action,)| action).collect()
}

db_test! { MIGRATIONS;
    async fn an_event_is_sent_once_and_signed(db) {
        let world = World::new(&db).await;
        let made = world.add(&world.url()).await;
        let id = made.webhook.id;
        world.happen(&["tea"]).await;
        world.relay().await;
        assert_eq!(world.send(id).await, JobOutcome::Done);
        assert_eq!(world.send(id).await, JobOutcome::Done);
        let [seen] = <[Seen; 1]>::try_from(world.receiver.seen()).unwrap();
        assert_eq!(seen.path, "/hook");
        assert_eq!(seen.at, world.cx.now().millis() / 1_000);
        assert!(fits(&seen, &made.secret), "{seen:?}");
        assert!(!fits(&seen, &format!("whsec_{}", STANDARD.encode([7; 32]))));
        let body: Value = serde_json::from_str(&seen.body).unwrap();
        let at = "2026-01-01T00:00:00.000Z";
        let data = json!({ "thing": "tea", "part": 0 });
        assert_eq!(body, json!({ "type": TYPE, "timestamp": at, "data": data }));
        let [delivery] = <[_; 1]>::try_from(world.deliveries(id).await).unwrap();
        assert_eq!(delivery.id.to_string(), seen.id);
        assert_eq!((delivery.state, delivery.tries), (DeliveryState::Delivered, 1));
        assert_eq!((delivery.status, delivery.error, delivery.next_at), (Some(204), None, None));
        assert_eq!(world.webhook(id).await.delivered_at, Some(world.cx.now()));
        // The secret stands nowhere as it is.
        let mut tx = db.db().read().await.unwrap();
        let sql = "SELECT secret_sealed FROM platform_webhooks";
        let (sealed,): (Vec<u8>,) = tx.fetch_one(sql, vec![]).await.unwrap();
        let secret = bytes(&made.secret);
        assert!(!sealed.windows(secret.len()).any(|part| part == secret));
    }

    async fn who_was_not_there_or_is_off_or_of_others_gets_nothing(db) {
        let world = World::new(&db).await;
        let mut tx = db.db().begin().await.unwrap();
        let off = webhooks::create(&mut tx, &world.cx, wanted(&world.url(), false)).await.unwrap();
        let other = db.platform().ctx(Scope::system(OrgId::new(2)));
        webhooks::create(&mut tx, &other, wanted(&world.url(), true)).await.unwrap();
        let early = crate::support::ThingDone { thing: "early".into(), n: 1 };
        outbox::push(&mut tx, &world.cx, &early).await.unwrap();
        tx.commit().await.unwrap();
        db.clock().advance_millis(1);
        let late = world.add(&world.url()).await.webhook.id;
        world.relay().await;
        assert_eq!(world.deliveries(off.webhook.id).await, []);
        assert_eq!(world.deliveries(late).await, []);
        let mut tx = db.db().read().await.unwrap();
        let sql = "SELECT COUNT(*) FROM platform_webhook_deliveries";
        let (count,): (i64,) = tx.fetch_one(sql, vec![]).await.unwrap();
        assert_eq!(count, 0);
        tx.rollback().await.unwrap();
        // Nothing of it can be had or changed from another organisation.
        let mut tx = db.db().begin().await.unwrap();
        let limit = Limit::new(None).unwrap();
        let theirs = webhooks::deliveries(&mut tx, other.scope, late, None, None, limit).await;
        assert!(matches!(theirs, Err(WebhookError::NotFound(_))), "{theirs:?}");
        let theirs = webhooks::delete(&mut tx, &other, late).await;
        assert!(matches!(theirs, Err(WebhookError::NotFound(_))), "{theirs:?}");
    }

    async fn a_batch_gives_several_messages_and_a_long_one_a_dead_letter(db) {
        let world = World::new(&db).await;
        let id = world.add(&world.url()).await.webhook.id;
        let mut tx = db.db().begin().await.unwrap();
        for (thing, n) in [("many", 3), ("too long", 1), ("all", 101), ("after", 1)] {
            let event = crate::support::ThingDone { thing: thing.into(), n };
            outbox::push(&mut tx, &world.cx, &event).await.unwrap();
        }
        tx.commit().await.unwrap();
        world.relay().await;
        world.send(id).await;
        let things: Vec<(Value, Value)> = world.receiver.seen().iter().map(|seen| {
            let body: Value = serde_json::from_str(&seen.body).unwrap();
            (body["data"]["thing"].clone(), body["data"]["part"].clone())
        }).collect();
        let expected = [("many", 0), ("many", 1), ("many", 2), ("after", 0)];
        assert_eq!(things, expected.map(|(thing, part)| (json!(thing), json!(part))), "in their order");
        let mut tx = db.db().read().await.unwrap();
        let limit = Limit::new(None).unwrap();
        let letters = outbox::dead_letters(&mut tx, &world.cx, None, limit).await.unwrap().items;
        assert_eq!(letters.len(), 2);
        assert!(letters.iter().all(|letter| letter.subscriber == "platform.webhooks"), "{letters:?}");
    }

    async fn two_secrets_sign_for_a_while(db) {
        let world = World::new(&db).await;
        let first = world.add(&world.url()).await;
        let id = first.webhook.id;
        let rotate = async |hours| {
            let mut tx = db.db().begin().await.unwrap();
            let made = webhooks::rotate(&mut tx, &world.cx, id, hours).await.unwrap();
            tx.commit().await.unwrap();
            made
        };
        let second = rotate(24).await;
        assert_eq!(second.webhook.earlier_secret_until, Some(world.cx.now().plus_millis(DAY)));
        let call = async |thing| {
            world.happen(&[thing]).await;
            world.send(id).await;
            world.receiver.seen().pop().unwrap()
        };
        let seen = call("both").await;
        assert_eq!(seen.signature.split(' ').count(), 2);
        assert!(fits(&seen, &first.secret) && fits(&seen, &second.secret));
        db.clock().advance_millis(DAY);
        let seen = call("one").await;
        assert!(!fits(&seen, &first.secret) && fits(&seen, &second.secret), "{seen:?}");
        // After a leak nothing is kept.
        let third = rotate(0).await;
        let seen = call("new").await;
        assert!(!fits(&seen, &second.secret) && fits(&seen, &third.secret), "{seen:?}");
        assert_eq!(actions(&world).await[1..], ["platform.webhook.rotate"; 2]);
    }

    async fn a_delivery_is_sent_again_by_hand_with_the_same_id(db) {
        let world = World::new(&db).await;
        let made = world.add(&world.url()).await;
        let id = made.webhook.id;
        world.happen(&["tea"]).await;
        world.send(id).await;
        let delivery = world.deliveries(id).await.remove(0);
        let mut tx = db.db().begin().await.unwrap();
        webhooks::redeliver(&mut tx, &world.cx, id, delivery.id).await.unwrap();
        let test = webhooks::test(&mut tx, &world.cx, id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((test.topic.as_str(), test.state), (TEST, DeliveryState::Waiting));
        world.receiver.say(&[Say::Status(204), Say::Status(500)]);
        world.send(id).await;
        let ids: Vec<String> = world.receiver.seen().into_iter().map(|seen| seen.id).collect();
        let (tea, test) = (delivery.id.to_string(), test.id.to_string());
        assert_eq!(ids, [tea.clone(), tea, test]);
        // A test is over when it went wrong.
        let states: Vec<_> = world.deliveries(id).await.into_iter().map(|one| one.state).collect();
        assert_eq!(states, [DeliveryState::Failed, DeliveryState::Delivered]);
        let mut tx = db.db().begin().await.unwrap();
        let changed = webhooks::change(&mut tx, &world.cx, id, 1, wanted(&world.url(), false)).await;
        assert!(!changed.unwrap().active);
        let refused = webhooks::redeliver(&mut tx, &world.cx, id, delivery.id).await;
        assert!(matches!(refused, Err(WebhookError::Off)), "{refused:?}");
        assert!(matches!(webhooks::test(&mut tx, &world.cx, id).await, Err(WebhookError::Off)));
        let stale = webhooks::change(&mut tx, &world.cx, id, 1, wanted(&world.url(), true)).await;
        assert!(matches!(stale, Err(WebhookError::Stale(now)) if now.version == 2));
        tx.commit().await.unwrap();
        let done = ["create", "redeliver", "test", "change"];
        assert_eq!(actions(&world).await, done.map(|deed| format!("platform.webhook.{deed}")));
    }

    async fn there_are_limits_and_an_end(db) {
        let world = World::new(&db).await;
        for _ in 0..WEBHOOKS_MAX {
            world.add(&world.url()).await;
        }
        let mut tx = db.db().begin().await.unwrap();
        let more = webhooks::create(&mut tx, &world.cx, wanted(&world.url(), true)).await;
        assert!(matches!(more, Err(WebhookError::TooMany)), "{more:?}");
        let id = webhooks::list(&mut tx, world.cx.scope).await.unwrap()[0].id;
        webhooks::delete(&mut tx, &world.cx, id).await.unwrap();
        tx.commit().await.unwrap();
        world.happen(&["a", "b"]).await;
        let mut tx = db.db().begin().await.unwrap();
        let gone = webhooks::prune(&mut tx, world.cx.now().plus_millis(-KEPT_DAYS * DAY)).await;
        assert_eq!(gone.unwrap(), 0);
        db.clock().advance_millis(KEPT_DAYS * DAY + 1);
        let gone = webhooks::prune(&mut tx, world.cx.now().plus_millis(-KEPT_DAYS * DAY)).await;
        assert_eq!(gone.unwrap(), 2 * (WEBHOOKS_MAX as u64 - 1));
        let sql = "SELECT COUNT(*) FROM platform_jobs WHERE kind = 'platform.webhooks'";
        let (jobs,): (i64,) = tx.fetch_one(sql, args![]).await.unwrap();
        assert_eq!(jobs, WEBHOOKS_MAX as i64 - 1, "one for each, whatever waits for it");
    }
}

#[test]
fn every_wrong_field_is_named() {
    let read = |url: &str, note: &str, topics: &[&str]| {
        let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
        let errors = WantedWebhook::new(url, note, topics, true, &published().0).err();
        let errors = errors.map(kernel::FieldErrors::into_vec).unwrap_or_default();
        errors.into_iter().map(|error| error.field).collect::<Vec<_>>()
    };
    assert!(read("https://shop.example/hook?key=1", "", &[TYPE]).is_empty());
    assert_eq!(read("shop.example", "a\nb", &[]), ["url", "note", "topics"]);
    assert_eq!(
        read("https://shop.example/#part", &"x".repeat(201), &["x.y"]),
        ["url", "note", "topics"]
    );
    let long = format!("https://shop.example/{}", "x".repeat(2_000));
    assert_eq!(read(&long, "", &[TYPE]), ["url"]);
}

/// Every name is this one address.
struct At(&'static str);

#[async_trait]
impl Lookup for At {
    async fn lookup(&self, _: &str, _: u16) -> std::io::Result<Vec<std::net::IpAddr>> {
        Ok(vec![self.0.parse().unwrap()])
    }
}

#[tokio::test]
async fn an_address_is_judged_and_plain_text_stays_within() {
    let judge = async |url: &str, at| {
        let outbound = Outbound::default().allowing(&["127.0.0.1".parse().unwrap()]);
        webhooks::judge(&outbound.with_lookup(Arc::new(At(at))), &url.parse().unwrap()).await
    };
    assert!(judge("https://shop.example/", "8.8.8.8").await.is_ok());
    assert!(judge("http://shop.example/", "127.0.0.1").await.is_ok());
    let plain = judge("http://shop.example/", "8.8.8.8").await;
    assert!(matches!(plain, Err(WebhookError::Plain)), "{plain:?}");
    for (url, at) in
        [("https://shop.example/", "10.0.0.1"), ("https://169.254.169.254/", "8.8.8.8")]
    {
        let forbidden = judge(url, at).await;
        assert!(
            matches!(forbidden, Err(WebhookError::Url(OutboundError::Forbidden(_)))),
            "{forbidden:?}"
        );
    }
    let odd = judge("ftp://shop.example/", "8.8.8.8").await;
    assert!(matches!(odd, Err(WebhookError::Url(OutboundError::BadUrl(_)))), "{odd:?}");
}
