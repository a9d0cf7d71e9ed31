//! A client that goes away in the middle leaves nothing open and nothing half-done.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use app::http;
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use platform::Platform;
use testkit::db_test;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::house::{House, migrations};

const SOON: Duration = Duration::from_secs(30);

/// Holds a handler between two statements of its transaction.
#[derive(Clone)]
struct Gate {
    platform: Platform,
    entered: Arc<Notify>,
    may_go_on: Arc<Notify>,
}

async fn two_statements(State(gate): State<Gate>) -> &'static str {
    let mut tx = gate.platform.db.begin().await.unwrap();
    platform::meta::set(&mut tx, "test_first", "1").await.unwrap();
    gate.entered.notify_one();
    gate.may_go_on.notified().await;
    platform::meta::set(&mut tx, "test_second", "2").await.unwrap();
    tx.commit().await.unwrap();
    "done"
}

async fn serve(house: &House, gate: Gate) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let route = Router::new().route("/test", post(two_statements)).with_state(gate);
    let router = http::guarded(&house.state, http::api_router(&house.state).merge(route));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

async fn meta(platform: &Platform, key: &str) -> Option<String> {
    let mut tx = platform.db.read().await.unwrap();
    let value = platform::meta::get(&mut tx, key).await.unwrap();
    tx.rollback().await.unwrap();
    value
}

/// Waits until PostgreSQL keeps no transaction of this database open, ours aside. A server that has a
/// cut request in hand may still be at work on it: what counts is that it comes to an end.
async fn all_end_on_postgres(platform: &Platform) {
    let none_open = async {
        loop {
            let mut tx = platform.db.read().await.unwrap();
            let (open,): (i64,) = tx
                .fetch_one(
                    "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()
                     AND state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()",
                    vec![],
                )
                .await
                .unwrap();
            tx.rollback().await.unwrap();
            if open == 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, none_open).await.expect("no transaction stays open");
}

db_test! { migrations();
    async fn the_work_goes_on_without_the_client(db) {
        let house = House::owned(&db).await;
        let platform = house.state.platform.clone();
        let gate = Gate {
            platform: platform.clone(),
            entered: Arc::default(),
            may_go_on: Arc::default(),
        };
        let address = serve(&house, gate.clone()).await;
        for _ in 0..20 {
            let mut client = TcpStream::connect(address).await.unwrap();
            let request = "POST /test HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";
            client.write_all(request.as_bytes()).await.unwrap();
            tokio::time::timeout(SOON, gate.entered.notified()).await.expect("it begins");
            // The server closes its side when it has noticed, and only then does the work go on.
            client.shutdown().await.unwrap();
            let mut rest = Vec::new();
            let closed = tokio::time::timeout(SOON, client.read_to_end(&mut rest)).await;
            assert_eq!(closed.expect("the server notices").unwrap_or(0), 0, "nobody was answered");
            gate.may_go_on.notify_one();
        }
        // On SQLite this waits for the one writer; it would wait in vain for an open transaction.
        let turn = tokio::time::timeout(SOON, platform.db.begin()).await.expect("a turn").unwrap();
        turn.rollback().await.unwrap();
        let done = async {
            while meta(&platform, "test_second").await.is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(SOON, done).await.expect("the handlers came to their end");
        assert_eq!(meta(&platform, "test_first").await.as_deref(), Some("1"));
        assert!(platform.drain(SOON).await);
        if platform.db.is_postgres() {
            all_end_on_postgres(&platform).await;
        }
    }

    async fn sign_ins_broken_off_anywhere_leave_nothing_open(db) {
        let house = House::owned(&db).await;
        let platform = house.state.platform.clone();
        let gate = Gate {
            platform: platform.clone(),
            entered: Arc::default(),
            may_go_on: Arc::default(),
        };
        let address = serve(&house, gate).await;
        let body = r#"{"email":"nobody@example.com","password":"a guess"}"#;
        let request = format!(
            "POST /api/v1/identity/sessions HTTP/1.1\r\nhost: x\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        // Cut inside the headers, inside the body, and after more and more of the work.
        for sent in [20, request.len() - 10, request.len()] {
            for turns in [0, 10, 100, 1_000] {
                let mut client = TcpStream::connect(address).await.unwrap();
                client.write_all(&request.as_bytes()[..sent]).await.unwrap();
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
                drop(client);
            }
        }
        assert!(platform.drain(SOON).await);
        let turn = tokio::time::timeout(SOON, platform.db.begin()).await.expect("a turn").unwrap();
        turn.rollback().await.unwrap();
        if platform.db.is_postgres() {
            all_end_on_postgres(&platform).await;
        }
    }
}
