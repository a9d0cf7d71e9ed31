use axum::http::{Method, StatusCode, Uri};
use kernel::{TypedId as _, UserId};
use platform::idempotency::{Answer, Begun, RequestKey, begin, prune};
use platform::{Ctx, Platform, Problem};
use testkit::{TestDb, db_test};

use crate::support::{MIGRATIONS, mark, marks};

fn key(db: &TestDb, key: &str, body: &str) -> RequestKey {
    let uri = Uri::from_static("/api/v1/customers/tags");
    let keys = db.platform().keys(kernel::OrgId::FIRST);
    RequestKey::new(key, &Method::POST, &uri, keys).unwrap().with_body(body.as_bytes())
}

/// A handler: marks `n`, answers with a secret.
async fn handle(
    platform: &Platform,
    cx: &Ctx,
    key: Option<RequestKey>,
    n: i64,
) -> Result<Answer, Problem> {
    let mut tx = platform.db.begin().await?;
    let ticket = match begin(&mut tx, cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    mark(&mut tx, "work", n).await?;
    let body = serde_json::json!({ "n": n, "secret": "s3cret" });
    let answer = ticket.finish(&mut tx, cx, StatusCode::CREATED, &body).await?;
    tx.commit().await?;
    Ok(answer)
}

db_test! { MIGRATIONS;
    async fn the_first_answer_comes_again(db) {
        let cx = db.ctx();
        let first = handle(db.platform(), &cx, Some(key(&db, "k", "{}")), 1).await.unwrap();
        let second = handle(db.platform(), &cx, Some(key(&db, "k", "{}")), 2).await.unwrap();
        assert_eq!((first.status, &first.json), (StatusCode::CREATED, &second.json));
        assert_eq!((first.replayed, second.replayed, second.status), (false, true, StatusCode::CREATED));
        assert_eq!(marks(db.db(), "work").await, [1]);
        let other = handle(db.platform(), &cx, Some(key(&db, "k", "{ }")), 3).await.unwrap_err();
        assert_eq!((other.status().as_u16(), other.code()), (422, "idempotency_key_reused"));
        handle(db.platform(), &cx, None, 4).await.unwrap();
        handle(db.platform(), &cx, None, 5).await.unwrap();
        assert_eq!(marks(db.db(), "work").await, [1, 4, 5]);
        let mut tx = db.db().read().await.unwrap();
        let (stored,): (Vec<u8>,) =
            tx.fetch_one("SELECT answer FROM platform_idempotency", vec![]).await.unwrap();
        assert!(!stored.windows(6).any(|part| part == b"s3cret"), "answers are sealed");
    }

    async fn keys_belong_to_a_person(db) {
        let someone = db.ctx_of(UserId::from_uuid(uuid::Uuid::from_u128(7)));
        let first = handle(db.platform(), &db.ctx(), Some(key(&db, "k", "{}")), 1).await.unwrap();
        let second = handle(db.platform(), &someone, Some(key(&db, "k", "{}")), 2).await.unwrap();
        assert_ne!(first.json, second.json);
    }

    async fn a_refusal_is_not_remembered(db) {
        handle(db.platform(), &db.ctx(), None, 1).await.unwrap();
        let refused = handle(db.platform(), &db.ctx(), Some(key(&db, "k", "{}")), 1).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::CONFLICT);
        let mended = handle(db.platform(), &db.ctx(), Some(key(&db, "k", "{}")), 2).await.unwrap();
        assert!(!mended.replayed);
    }

    async fn of_many_at_once_one_does_the_work(db) {
        let tasks: Vec<_> = (0..12).map(|n| {
            let (platform, cx, key) = (db.platform().clone(), db.ctx(), key(&db, "k", "{}"));
            tokio::spawn(async move { handle(&platform, &cx, Some(key), n).await.unwrap() })
        }).collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        assert_eq!(marks(db.db(), "work").await.len(), 1);
        assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
        assert!(answers.iter().all(|answer| answer.json == answers[0].json));
    }

    async fn a_day_later_it_is_forgotten(db) {
        handle(db.platform(), &db.ctx(), Some(key(&db, "k", "{}")), 1).await.unwrap();
        db.clock().advance_millis(24 * 3_600_000 - 1);
        assert!(handle(db.platform(), &db.ctx(), Some(key(&db, "k", "{}")), 2).await.unwrap().replayed);
        db.clock().advance_millis(1);
        let fresh = handle(db.platform(), &db.ctx(), Some(key(&db, "k", "{ }")), 3).await.unwrap();
        assert!(!fresh.replayed);
        assert_eq!(marks(db.db(), "work").await, [1, 3]);
        db.clock().advance_millis(24 * 3_600_000);
        let mut tx = db.db().begin().await.unwrap();
        assert_eq!(prune(&mut tx, db.ctx().now()).await.unwrap(), 1);
        assert_eq!(prune(&mut tx, db.ctx().now()).await.unwrap(), 0);
    }
}

#[test]
fn keys_are_visible_and_short() {
    let keys = platform::crypto::MasterKey::new([1; 32]).org_keys(kernel::OrgId::FIRST);
    for (text, good) in [("a", true), ("", false), ("a b", false), ("é", false)] {
        let key = RequestKey::new(text, &Method::POST, &Uri::from_static("/"), keys.clone());
        assert_eq!(key.is_ok(), good, "{text:?}");
    }
    let long = "k".repeat(101);
    assert!(RequestKey::new(&long, &Method::POST, &Uri::from_static("/"), keys).is_err());
}
