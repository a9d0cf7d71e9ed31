//! The routes, through a real router.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use axum::{Extension, Router};
use customers::resolve::Resolver;
use http_body_util::BodyExt as _;
use kernel::{OrgId, TypedId, UserId};
use platform::Scope;
use platform::access::Access;
use serde_json::{Value, json};
use testkit::{TestDb, db_test};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::tools::{MIGRATIONS, buyer, known, resolve};

struct Client(Router);

struct Reply {
    status: StatusCode,
    replayed: bool,
    body: Value,
}

impl Client {
    fn new(db: &TestDb) -> Self {
        let user = UserId::from_uuid(Uuid::from_u128(5));
        let (router, _) = (customers::module().routes)().split_for_parts();
        let scope = Scope::user(OrgId::FIRST, user);
        Self(
            router
                .with_state(db.platform().clone())
                .layer(Extension(scope))
                .layer(Extension(Access::everything())),
        )
    }

    async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.0.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let replayed = response.headers().contains_key("idempotency-replayed");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body =
            if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Reply { status, replayed, body }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        header: Option<(&str, &str)>,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let body = match body {
            Some(json) => {
                request = request.header("content-type", "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    async fn get(&self, path: &str) -> Value {
        let reply = self.call(Method::GET, path, None, None).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        reply.body
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(Method::POST, path, Some(body), None).await
    }

    async fn delete(&self, path: &str) -> StatusCode {
        self.call(Method::DELETE, path, None, None).await.status
    }
}

db_test! { MIGRATIONS;
    async fn tags_by_hand_and_in_bulk(db) {
        let ids = known(&db, &db.ctx(), &["a", "b"]).await;
        let client = Client::new(&db);
        let made = client.post("/customers/tags", json!({"name": "VIP", "colour": "gold"})).await;
        assert_eq!(made.status, StatusCode::CREATED);
        let tag = made.body["id"].clone();
        let wrong = client.post("/customers/tags", json!({"name": "", "colour": "mauve"})).await;
        assert_eq!(wrong.body["errors"].as_array().unwrap().len(), 2);
        let taken = client.post("/customers/tags", json!({"name": "vip", "colour": "gold"})).await;
        assert_eq!((taken.status, &taken.body["errors"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("name")));
        let path = format!("/customers/{}/tags", ids[0]);
        let set = client.call(Method::PUT, &path, Some(json!({"tags": [tag]})), None).await;
        assert_eq!(set.body, json!({"tags": [{"id": tag, "name": "VIP", "colour": "gold", "automatic": false}]}));
        let bulk = json!({"customers": ids, "add": [tag]});
        assert_eq!(client.post("/customers/bulk/tags", bulk.clone()).await.body, json!({"changed": 1}));
        let list = client.get("/customers/tags").await;
        let row = json!({"id": tag, "name": "VIP", "colour": "gold", "automatic": false, "customers": 2});
        assert_eq!(list["items"], json!([row]));
        let id = tag.as_str().unwrap().parse().unwrap();
        let mut tx = db.db().begin().await.unwrap();
        customers::tags::delete(&mut tx, &db.ctx(), id).await.unwrap();
        tx.commit().await.unwrap();
        let gone = client.post("/customers/bulk/tags", bulk).await;
        assert_eq!(gone.body["errors"][0]["field"], "tags");
        let nobody = format!("/customers/{}/tags", kernel::CustomerId::from_uuid(Uuid::nil()));
        let set = client.call(Method::PUT, &nobody, Some(json!({"tags": []})), None).await;
        assert_eq!(set.status, StatusCode::NOT_FOUND);
    }

    async fn notes_are_written_once_under_one_key(db) {
        let id = known(&db, &db.ctx(), &["a"]).await[0];
        let client = Client::new(&db);
        let path = format!("/customers/{id}/notes");
        let key = Some(("idempotency-key", "k1"));
        let first = client.call(Method::POST, &path, Some(json!({"text": "喜欢绿茶"})), key).await;
        assert_eq!((first.status, first.replayed), (StatusCode::CREATED, false));
        assert_eq!(first.body["text"], "喜欢绿茶");
        assert_eq!(first.body["author"], json!(UserId::from_uuid(Uuid::from_u128(5))));
        let again = client.call(Method::POST, &path, Some(json!({"text": "喜欢绿茶"})), key).await;
        assert!(again.replayed);
        assert_eq!(again.body, first.body);
        let mut tx = db.db().read().await.unwrap();
        let kept = customers::notes::notes(&mut tx, db.ctx().scope, &db.keys(), &[id.uuid()], None, 10).await.unwrap();
        drop(tx);
        assert_eq!(kept.len(), 1);
        let note = format!("{path}/{}", kept[0].id);
        assert_eq!(client.delete(&note).await, StatusCode::NO_CONTENT);
        assert_eq!(client.delete(&note).await, StatusCode::NOT_FOUND);
        let empty = client.post(&path, json!({"text": " "})).await;
        assert_eq!(empty.body["errors"][0]["field"], "text");
    }

    async fn merging_dismissing_and_parting(db) {
        let (cx, keys) = (db.ctx(), db.keys());
        let sightings = ["a", "b", "c"].map(|account| buyer(&keys, Some(account), &["13800001234"]));
        let ids = resolve(db.db(), &cx, &keys, &mut Resolver::new(), &sightings).await.created;
        let client = Client::new(&db);
        let merged = client.post("/customers/merges", json!({"keep": ids[0], "absorb": ids[1]})).await;
        assert_eq!(merged.status, StatusCode::CREATED);
        assert_eq!(merged.body["absorb_name"], "name of b");
        let twice = client.post("/customers/merges", json!({"keep": ids[2], "absorb": ids[1]})).await;
        assert_eq!((twice.status, &twice.body["code"]), (StatusCode::CONFLICT, &json!("customer_merged")));
        let same = client.post("/customers/merges", json!({"keep": ids[2], "absorb": ids[2]})).await;
        assert_eq!(same.status, StatusCode::UNPROCESSABLE_ENTITY);
        let path = format!("/customers/merges/{}", merged.body["id"].as_str().unwrap());
        assert_eq!(client.delete(&path).await, StatusCode::NO_CONTENT);
        assert_eq!(client.delete(&path).await, StatusCode::CONFLICT);
        let mut tx = db.db().read().await.unwrap();
        let open = customers::suggestions::list(&mut tx, cx.scope, &keys, None, 10).await.unwrap().items;
        drop(tx);
        let path = format!("/customers/suggestions/{}/dismiss", open[0].id);
        for _ in 0..2 {
            let dismissed = client.call(Method::POST, &path, None, Some(("idempotency-key", "d"))).await;
            assert_eq!(dismissed.status, StatusCode::NO_CONTENT);
        }
    }

    async fn views_over_http(db) {
        let client = Client::new(&db);
        let body = json!({"page": "customers", "name": "Lost", "query": "tier=lost", "shared": true});
        let made = client.post("/customers/views", body).await;
        assert_eq!(made.status, StatusCode::CREATED);
        let list = client.get("/customers/views?page=customers").await;
        assert_eq!(list["items"], json!([made.body]));
        assert_eq!(list["items"][0]["own"], true);
        let path = format!("/customers/views/{}", made.body["id"].as_str().unwrap());
        assert_eq!(client.delete(&path).await, StatusCode::NO_CONTENT);
        let missing = client.call(Method::GET, "/customers/views", None, None).await;
        assert_eq!(missing.body["errors"][0]["field"], "page");
    }

    async fn nobody_is_refused(db) {
        let (router, _) = (customers::module().routes)().split_for_parts();
        let client = Client(router.with_state(db.platform().clone()));
        let reply = client.call(Method::GET, "/customers/tags", None, None).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    }
}
