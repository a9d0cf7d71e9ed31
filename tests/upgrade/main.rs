//! Data of every released version opens with the present program, which migrates it; nothing is lost
//! or changed by that. See README.md.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod frozen;
#[allow(dead_code, reason = "shared with the tests of the program")]
#[path = "../../crates/app/tests/program/http.rs"]
mod http;
#[allow(dead_code, reason = "shared with the tests of the program")]
#[path = "../../crates/app/tests/program/place.rs"]
mod place;

use frozen::Frozen;
use http::Server;
use place::{Kind, Place};
use serde_json::{Value, json};

/// All migrations of this program, as it says itself of an empty place.
async fn migrations(place: &Place) -> Vec<(String, i64)> {
    let db = place.open().await;
    let mut tx = db.read().await.unwrap();
    let sql = "SELECT module, version FROM platform_migrations ORDER BY module, version";
    let found = tx.fetch_all(sql, vec![]).await.unwrap();
    tx.rollback().await.unwrap();
    db.close().await;
    found
}

/// Of `now`, what there was `then`: a later program may tell more of the same.
fn as_then(now: &Value, then: &Value) -> Value {
    match (now, then) {
        (Value::Object(now), Value::Object(then)) => now
            .iter()
            .filter_map(|(name, now)| Some((name.clone(), as_then(now, then.get(name)?))))
            .collect(),
        (Value::Array(now), Value::Array(then)) if now.len() == then.len() => {
            now.iter().zip(then).map(|(now, then)| as_then(now, then)).collect()
        }
        _ => now.clone(),
    }
}

async fn opens(kind: Kind) {
    let fresh = Place::new(kind).await;
    fresh.verify();
    let wanted = migrations(&fresh).await;
    for frozen in Frozen::all() {
        let place = frozen.thawed(kind).await;
        let before = migrations(&place).await;
        assert!(before.len() <= wanted.len(), "{} is not newer", frozen.version);
        place.verify();
        assert_eq!(migrations(&place).await, wanted, "{}", frozen.version);

        // Known figures are as they were then.
        let rfm = place.answer(&["rfm", "--as-of", "2030-01-01"]);
        let then = frozen.rfm(kind);
        for (name, value) in then.as_object().unwrap() {
            assert_eq!(&as_then(&rfm[name], value), value, "{name} of {}", frozen.version);
        }

        // Who signed in then still can, and finds what was written.
        let email = ["--email", "demo@example.com"];
        let made = place.run(&[&["token", "create", "--name", "new"][..], &email].concat());
        assert_eq!(made.code, Some(0), "{}", made.err);
        let mut server = Server::start(&place, made.out.trim());
        let (status, session) = server.client.ask(
            "POST",
            "/identity/sessions",
            "application/json",
            json!({ "email": email[1], "password": "guanxi-demo" }).to_string().as_bytes(),
        );
        assert_eq!(status, 201, "{session}");
        let client = server.client.clone();
        let mut tagged = Value::Null;
        server.running.wait_until("the customers", |_| {
            tagged = client.get("/customers?limit=200");
            tagged["total"].as_u64().is_some_and(|total| total > 0)
        });
        let rows = tagged["items"].as_array().unwrap();
        let with_tag = rows.iter().filter(|row| row["tags"][0]["name"] == "frozen").count();
        assert_eq!(with_tag, 1, "the tag that was put on");
        let cards: Vec<Value> = rows
            .iter()
            .map(|row| client.get(&format!("/customers/{}", row["id"].as_str().unwrap())))
            .collect();
        let texts: Vec<&Value> =
            cards.iter().filter_map(|card| card["notes"][0].get("text")).collect();
        assert_eq!(texts, ["asked for green tea"]);
        let merges = cards.iter().filter(|card| card["merges"][0].is_object()).count();
        assert_eq!(merges, 1, "the merge, which can still be undone");
        let phones = rows.iter().filter(|row| row["phone"].is_string()).count();
        assert!(phones > 0, "what was sealed then opens now");
        server.running.kill();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_of_released_versions_opens_on_sqlite() {
    opens(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_of_released_versions_opens_on_postgres() {
    opens(Kind::Postgres).await;
}
