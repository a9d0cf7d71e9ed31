//! The edge with a real server and a raw client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use axum::{Json, Router};
use kernel::{CustomerId, OrgId};
use platform::access::Access;
use platform::http::{
    Cx, ETag, Idempotent, IfMatch, JsonBody, PathId, QueryParams, run_to_end, with_request_id,
};
use platform::idempotency::{Answer, Begun, begin};
use platform::{Platform, Problem, Scope};
use serde::{Deserialize, Serialize};
use testkit::{db_test, eventually};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::support::{MIGRATIONS, mark, marks};

#[derive(Clone)]
struct Test {
    platform: Platform,
    begun: Arc<Notify>,
    go_on: Arc<Notify>,
}

impl axum::extract::FromRef<Test> for Platform {
    fn from_ref(test: &Test) -> Self {
        test.platform.clone()
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    n: i64,
}

/// Writes, waits, writes again: a client may go away in the middle.
async fn two_writes(
    State(test): State<Test>,
    JsonBody(body): JsonBody<Body>,
) -> Result<StatusCode, Problem> {
    let mut tx = test.platform.db.begin().await?;
    mark(&mut tx, "edge", body.n).await?;
    test.begun.notify_one();
    test.go_on.notified().await;
    mark(&mut tx, "edge", body.n + 1).await?;
    tx.commit().await?;
    Ok(StatusCode::CREATED)
}

async fn once(
    State(test): State<Test>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<Body>,
) -> Result<Answer, Problem> {
    let mut tx = test.platform.db.begin().await?;
    let ticket = match begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    mark(&mut tx, "once", body.n).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &body).await?;
    tx.commit().await?;
    Ok(answer)
}

async fn update(
    PathId(id): PathId<CustomerId>,
    IfMatch(version): IfMatch,
) -> Result<(ETag, Json<String>), Problem> {
    if version != 3 {
        return Err(Problem::precondition_failed(&Body { n: 3 }));
    }
    Ok((ETag(4), Json(id.to_string())))
}

#[derive(Debug, Deserialize)]
struct Params {
    #[allow(dead_code)]
    limit: Option<u32>,
}

async fn serve(platform: &Platform) -> (Test, SocketAddr) {
    let test = Test { platform: platform.clone(), begun: Arc::default(), go_on: Arc::default() };
    let router = Router::new()
        .route("/two_writes", post(two_writes))
        .route("/once", post(once))
        .route("/customers/{id}", post(update))
        .route("/list", get(async |QueryParams(_): QueryParams<Params>| "ok"))
        .route("/panic", get(async || -> StatusCode { panic!("as told") }))
        .layer(from_fn_with_state(platform.clone(), run_to_end))
        .layer(from_fn_with_state(platform.clone(), with_request_id))
        .layer(from_fn(
            async |mut request: axum::extract::Request, next: axum::middleware::Next| {
                if request.headers().contains_key("authorization") {
                    request.extensions_mut().insert(Scope::system(OrgId::FIRST));
                    request.extensions_mut().insert(Access::everything());
                }
                next.run(request).await
            },
        ))
        .with_state(test.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (test, address)
}

async fn send(address: SocketAddr, head: &str, body: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).await.unwrap();
    let text = format!(
        "{head}\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    client.write_all(text.as_bytes()).await.unwrap();
    client
}

async fn ask(address: SocketAddr, head: &str, body: &str) -> String {
    let mut answer = String::new();
    send(address, head, body).await.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Waits until no session of this database sits in a transaction. The end of one is noticed only when
/// its connection is back in the pool.
async fn until_no_transaction_is_open(platform: &Platform) {
    if !platform.db.is_postgres() {
        return; // There the next writer would wait in vain.
    }
    eventually("the end of all transactions", async || {
        let mut tx = platform.db.begin().await.unwrap();
        let (open,): (i64,) = tx
            .fetch_one(
                "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()
                 AND state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()",
                vec![],
            )
            .await
            .unwrap();
        tx.rollback().await.unwrap();
        (open == 0).then_some(())
    })
    .await;
}

db_test! { MIGRATIONS;
    async fn a_client_that_goes_away_stops_nothing_halfway(db) {
        let (test, address) = serve(db.platform()).await;
        for n in (0..20).step_by(2) {
            let client = send(address, "POST /two_writes HTTP/1.1", &format!("{{\"n\":{n}}}")).await;
            test.begun.notified().await;
            // A reset, so that the server learns of it at once.
            client.set_zero_linger().unwrap();
            drop(client);
            test.go_on.notify_one();
        }
        eventually("all writes", async || (marks(db.db(), "edge").await.len() == 20).then_some(())).await;
        assert!(db.platform().drain(Duration::from_secs(30)).await);
        until_no_transaction_is_open(db.platform()).await;
        let mut tx = db.db().begin().await.unwrap();
        mark(&mut tx, "edge", 99).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn a_body_that_breaks_off_leaves_nothing(db) {
        let (_, address) = serve(db.platform()).await;
        for sent in ["", "{", "{\"n\":"] {
            let mut client = TcpStream::connect(address).await.unwrap();
            let text = format!(
                "POST /two_writes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{sent}"
            );
            client.write_all(text.as_bytes()).await.unwrap();
            drop(client);
        }
        assert!(db.platform().drain(Duration::from_secs(25)).await, "no handler waits for the rest");
        until_no_transaction_is_open(db.platform()).await;
        assert!(marks(db.db(), "edge").await.is_empty());
    }

    async fn clients_that_go_away_at_any_moment(db) {
        let (test, address) = serve(db.platform()).await;
        for n in 0..60_i64 {
            test.go_on.notify_one();
            let client = send(address, "POST /two_writes HTTP/1.1", &format!("{{\"n\":{}}}", n * 2)).await;
            for _ in 0..n {
                tokio::task::yield_now().await;
            }
            client.set_zero_linger().unwrap();
            drop(client);
        }
        // A request may have been dropped unread; then its permit is left over and nobody waits.
        let done = db.platform().clone();
        let draining = tokio::spawn(async move { done.drain(Duration::from_secs(30)).await });
        eventually("all handlers", async || {
            test.go_on.notify_one();
            draining.is_finished().then_some(())
        }).await;
        assert!(draining.await.unwrap());
        let kept = marks(db.db(), "edge").await;
        assert!(kept.chunks(2).all(|pair| pair[0] % 2 == 0 && pair[1] == pair[0] + 1), "{kept:?}");
        until_no_transaction_is_open(db.platform()).await;
    }

    async fn refusals_are_problems(db) {
        let (_, address) = serve(db.platform()).await;
        let cases = [
            ("POST /two_writes HTTP/1.1", "{\"n\":1,\"m\":2}", "422", "\"field\":\"m\""),
            ("POST /two_writes HTTP/1.1", "{", "400", "\"code\":\"malformed\""),
            ("POST /once HTTP/1.1", "{\"n\":1}", "401", "/problems/unauthorized"),
            ("POST /once HTTP/1.1\r\nAuthorization: x\r\nIdempotency-Key: a b", "{\"n\":1}", "422", "Idempotency-Key"),
            ("POST /customers/cus_1 HTTP/1.1", "", "404", "/problems/not_found"),
            ("POST /customers/cus_01h455vb4pex5vsknk084sn02q HTTP/1.1", "", "428", "If-Match"),
            ("POST /customers/cus_01h455vb4pex5vsknk084sn02q HTTP/1.1\r\nIf-Match: \"2\"", "", "412", "\"current\":{\"n\":3}"),
            ("POST /customers/cus_01h455vb4pex5vsknk084sn02q HTTP/1.1\r\nIf-Match: 2", "", "422", "If-Match"),
            ("GET /list?limit=x&size=1 HTTP/1.1", "", "422", "\"field\":\"size\""),
            ("GET /panic HTTP/1.1", "", "500", "/problems/internal"),
        ];
        for (head, body, status, part) in cases {
            let answer = ask(address, &format!("{head}\r\nX-Request-Id: r-1"), body).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {answer}");
            assert!(answer.contains("content-type: application/problem+json"), "{head}: {answer}");
            assert!(answer.contains(part), "{head}: {answer}");
            assert!(answer.contains("\"request_id\":\"r-1\""), "{head}: {answer}");
            assert!(answer.contains("x-request-id: r-1"), "{head}: {answer}");
        }
        let huge = format!("{{\"n\":{}1}}", " ".repeat(1024 * 1024));
        assert!(ask(address, "POST /two_writes HTTP/1.1", &huge).await.contains("/problems/too_large"));
        let good = "POST /customers/cus_01h455vb4pex5vsknk084sn02q HTTP/1.1\r\nIf-Match: \"3\"";
        assert!(ask(address, good, "").await.contains("etag: \"4\""));
    }

    async fn the_same_post_twice_is_done_once(db) {
        let (_, address) = serve(db.platform()).await;
        let head = "POST /once HTTP/1.1\r\nAuthorization: x\r\nIdempotency-Key: k1";
        let first = ask(address, head, "{\"n\":1}").await;
        let second = ask(address, head, "{\"n\":1}").await;
        assert!(first.starts_with("HTTP/1.1 201") && first.ends_with("{\"n\":1}"), "{first}");
        assert!(second.starts_with("HTTP/1.1 201") && second.ends_with("{\"n\":1}"), "{second}");
        assert!(second.contains("idempotency-replayed: true"));
        assert!(ask(address, head, "{\"n\":2}").await.starts_with("HTTP/1.1 422"));
        assert_eq!(marks(db.db(), "once").await, [1]);
    }
}
