//! Webhooks through the interface, with the workers of the program and a receiver on this machine.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use kernel::{OrgId, ProgrammeId, TypedId as _};
use loyalty::events::PointsChangedV1;
use platform::{Scope, outbox};
use serde_json::{Value, json};
use testkit::{TestDb, db_test, eventually};

use crate::house::migrations;
use crate::imports::Owner;

const TYPE: &str = "loyalty.points_changed.v1";

/// Headers and bodies that came.
type Came = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// A receiver that says yes; gives where it listens.
async fn receiver() -> (String, Came) {
    let came = Came::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://127.0.0.1:{}/hook?key=hidden", listener.local_addr().unwrap().port());
    let kept = came.clone();
    let router = Router::new().fallback(move |headers: HeaderMap, body: String| {
        kept.lock().unwrap().push((headers, body));
        std::future::ready("thank you")
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, came)
}

async fn points_change(db: &TestDb) {
    let cx = db.platform().ctx(Scope::system(OrgId::FIRST));
    let programme = ProgrammeId::from_uuid(uuid::Uuid::from_u128(7));
    let event = PointsChangedV1 { programme, customers: vec![], many: true };
    let mut tx = db.db().begin().await.unwrap();
    outbox::push(&mut tx, &cx, &event).await.unwrap();
    tx.commit().await.unwrap();
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers[name].to_str().unwrap().to_owned()
}

async fn delivered(owner: &Owner, id: &str, count: usize) -> Vec<Value> {
    let path = format!("/platform/webhooks/{id}/deliveries?state=delivered");
    eventually("deliveries", async || {
        let items = owner.get(&path).await["items"].as_array().unwrap().clone();
        (items.len() == count).then_some(items)
    })
    .await
}

db_test! { migrations();
    async fn a_shop_learns_of_points_and_can_tell_who_said_it(db) {
        let owner = Owner::at_work(&db).await;
        let (url, came) = receiver().await;
        let body = json!({ "url": url, "note": "the shop", "topics": [TYPE] });
        let made = owner.post("/platform/webhooks", "once", &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
        let again = owner.post("/platform/webhooks", "once", &body).await;
        assert_eq!(again.json(), made.json());
        let made = made.json();
        let (id, secret) = (made["webhook"]["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
        let all = owner.get("/platform/webhooks").await;
        assert_eq!(all["items"].as_array().unwrap().len(), 1);
        assert!(all["topics"].as_array().unwrap().contains(&json!(TYPE)), "{all}");
        assert!(!all.to_string().contains("whsec_"));

        points_change(&db).await;
        let first = delivered(&owner, id, 1).await.remove(0);
        assert_eq!((&first["status"], &first["answer"]), (&json!(200), &json!("thank you")));
        let (headers, body) = came.lock().unwrap()[0].clone();
        assert_eq!(text(&headers, "webhook-id"), first["id"].as_str().unwrap());
        let raw = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD, secret.strip_prefix("whsec_").unwrap());
        let (seen, at) = (text(&headers, "webhook-id"), text(&headers, "webhook-timestamp"));
        let own = platform::webhooks::signature(&[raw.unwrap()], &seen, at.parse().unwrap(), &body);
        assert_eq!(text(&headers, "webhook-signature"), own);
        let said: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&said["type"], &said["data"]["many"]), (&json!(TYPE), &json!(true)));

        // Again by hand, a test, and a new secret.
        let path = format!("/platform/webhooks/{id}");
        let redeliver = format!("{path}/deliveries/{seen}/redeliver");
        for path in [redeliver.as_str(), &format!("{path}/test")] {
            let answer = owner.post(path, "", &Value::Null).await;
            assert_eq!(answer.status, StatusCode::ACCEPTED, "{path}: {:?}", answer.body);
        }
        delivered(&owner, id, 2).await;
        eventually("three calls", async || (came.lock().unwrap().len() == 3).then_some(())).await;
        let rotated = owner.post(&format!("{path}/secret"), "", &json!({"keep_hours": 1})).await.json();
        assert!(rotated["secret"].as_str().unwrap().starts_with("whsec_"));
        assert_ne!(rotated["secret"], made["secret"]);
        assert!(rotated["webhook"]["earlier_secret_until"].is_string(), "{rotated}");
        let gone = owner.send("DELETE", &path, "", "application/json", vec![]).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        assert_eq!(owner.get("/platform/webhooks").await["items"], json!([]));
        let log = owner.get("/platform/audit?action=platform.webhook").await;
        let actions: Vec<&str> =
            log["items"].as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect();
        let deeds = ["delete", "rotate", "test", "redeliver", "create"];
        assert_eq!(actions, deeds.map(|deed| format!("platform.webhook.{deed}")));
        assert!(!log.to_string().contains("hidden"), "what may be secret in an address: {log}");
        owner.rest().await;
    }

    async fn what_is_wrong_is_said(db) {
        let owner = Owner::alone(&db).await;
        let refused = async |body: &Value| {
            let answer = owner.post("/platform/webhooks", "", body).await;
            let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
            let fields = errors.iter().map(|one| one["field"].as_str().unwrap_or_default().to_owned());
            (answer.status.as_u16(), fields.collect::<Vec<_>>())
        };
        let wrong = |fields: &[&str]| -> (u16, Vec<String>) {
            (422, fields.iter().map(|field| (*field).to_owned()).collect())
        };
        assert_eq!(refused(&json!({"url": "x", "topics": ["a.b"]})).await, wrong(&["url", "topics"]));
        for url in ["https://10.0.0.1/", "https://169.254.169.254/latest", "ftp://127.0.0.1/"] {
            assert_eq!(refused(&json!({"url": url, "topics": [TYPE]})).await, wrong(&["url"]), "{url}");
        }
        let (url, _) = receiver().await;
        let body = json!({ "url": url, "topics": [TYPE], "active": false });
        let made = owner.post("/platform/webhooks", "", &body).await.json();
        let id = made["webhook"]["id"].as_str().unwrap();
        let off = owner.post(&format!("/platform/webhooks/{id}/test"), "", &Value::Null).await;
        assert_eq!((off.status, off.code().as_str()), (StatusCode::CONFLICT, "webhook_off"));
        let path = format!("/platform/webhooks/{id}/secret");
        let long = owner.post(&path, "", &json!({"keep_hours": 169})).await;
        assert_eq!(long.status, StatusCode::UNPROCESSABLE_ENTITY);
        let missing = "/platform/webhooks/whk_01h455vb4pex5vsknk084sn02q/test";
        assert_eq!(owner.post(missing, "", &Value::Null).await.status, StatusCode::NOT_FOUND);
    }
}
