//! `guanxi keys rotate`, killed together with the server beside it, while people write notes. What was
//! answered is there and opens, everything goes on sealing, and the rotation is taken up where it was.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::http::{Client, Server, owner_token};
use super::orders::generate;
use super::place::{Kind, Place};
use super::storm::{Dice, Storm, seed};

/// Enough for several batches of each column.
const ORDERS: u32 = 400;
/// Customers that get notes.
const CUSTOMERS: usize = 20;
const ROTATE: [&str; 3] = ["keys", "rotate", "--json"];

/// Writes notes until the server is gone; gives the texts that were acknowledged.
fn write(client: &Client, customers: &[String], dice: &Dice, ended: &AtomicBool) -> Vec<String> {
    let mut texts = Vec::new();
    while !ended.load(Ordering::SeqCst) {
        let mut words =
            [dice.below(u64::MAX), dice.below(u64::MAX)].map(|word| format!("{word:x}"));
        words.sort();
        let text = words.concat();
        let at = dice.below(customers.len() as u64) as usize;
        let path = format!("/customers/{}/notes", customers[at]);
        match client.try_with_key("POST", &path, &json!({ "text": text }), &text) {
            Some((status, answer)) => {
                assert_eq!(status, 201, "{answer}");
                texts.push(text);
            }
            None => break,
        }
    }
    texts
}

/// Every sealed value of the columns that rotations go through opens; gives the versions that sealed them.
async fn versions_in_use(place: &Place) -> Vec<u16> {
    let db = place.open().await;
    let keys = place.keys(&db).await;
    let mut tx = db.read().await.unwrap();
    let mut versions = Vec::new();
    for sealed in app::modules::sealed() {
        let (table, column) = (sealed.table, sealed.column);
        let sql = format!("SELECT {column} FROM {table} WHERE LENGTH({column}) > 0");
        let rows: Vec<(Vec<u8>,)> = tx.fetch_all(sqlx::AssertSqlSafe(sql), vec![]).await.unwrap();
        for (value,) in rows {
            let opens = sealed.fields.iter().any(|field| keys.open(field, &value).is_ok());
            assert!(opens, "{table}.{column}: {:?}", &value[..3]);
            versions.push(u16::from_be_bytes([value[1], value[2]]));
        }
    }
    tx.rollback().await.unwrap();
    db.close().await;
    versions.sort_unstable();
    versions.dedup();
    versions
}

/// The texts of all notes, sorted.
async fn notes(place: &Place) -> Vec<String> {
    let db = place.open().await;
    let keys = place.keys(&db).await;
    let mut tx = db.read().await.unwrap();
    let rows: Vec<(Vec<u8>,)> =
        tx.fetch_all("SELECT sealed FROM customers_notes", vec![]).await.unwrap();
    tx.rollback().await.unwrap();
    db.close().await;
    let open = |(sealed,): (Vec<u8>,)| keys.open_text("customers.note", &sealed).unwrap();
    let mut texts: Vec<String> = rows.into_iter().map(open).collect();
    texts.sort();
    texts
}

async fn rotations_survive(kind: Kind) {
    let place = Place::new(kind).await;
    let file = generate(&place, "orders.csv", ORDERS, seed() * 10_000 + 12_000);
    place.answer(&["import", "--shop", "茶叶店", file.to_str().unwrap()]);
    let token = owner_token(&place);
    let (done, worked) = place.start(&ROTATE).finish_finely();
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert_eq!(versions_in_use(&place).await, [2]);

    let dice = Dice::of("notes", kind);
    let mut storm = Storm::over("keys", kind, worked);
    let mut server = Server::start(&place, &token);
    let listed = server.client.get(&format!("/customers?limit={CUSTOMERS}"));
    let customers: Vec<String> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|customer| customer["id"].as_str().unwrap().to_owned())
        .collect();
    let mut acknowledged = Vec::new();
    while !storm.is_over() {
        let ended = AtomicBool::new(false);
        let client = server.client.clone();
        let running = place.start(&ROTATE);
        acknowledged.extend(std::thread::scope(|scope| {
            let writing = scope.spawn(|| write(&client, &customers, &dice, &ended));
            let struck = storm.strike(running, Duration::ZERO);
            ended.store(true, Ordering::SeqCst);
            if let Err(done) = struck {
                assert_eq!(done.code, Some(0), "{}", done.err);
            }
            writing.join().unwrap()
        }));
        // Its own resealing is cut off, too.
        server.running.kill();
        place.verify();
        if storm.landed().is_multiple_of(5) {
            versions_in_use(&place).await;
        }
        server = Server::start(&place, &token);
    }
    storm.report();
    assert!(!acknowledged.is_empty());

    // The last one is taken up, and done.
    place.answer(&["keys", "rotate"]);
    let listed = place.answer(&["keys", "list"]);
    assert!(listed["progress"]["finished_at"].is_string(), "{listed}");
    server.running.kill();
    let newest = listed["versions"][0]["version"].as_u64().unwrap();
    let states: Vec<&Value> =
        listed["versions"].as_array().unwrap().iter().map(|key| &key["state"]).collect();
    assert!(states[1..].iter().all(|state| *state == "retired"), "{listed}");
    // The server may have sealed a last value with the version it knew.
    place.answer(&["keys", "rotate"]);
    assert_eq!(versions_in_use(&place).await, [u16::try_from(newest + 1).unwrap()]);
    place.verify();

    let texts = notes(&place).await;
    let lost: Vec<&String> =
        acknowledged.iter().filter(|text| texts.binary_search(text).is_err()).collect();
    assert!(lost.is_empty(), "{lost:?} of {}", acknowledged.len());
    assert!(texts.windows(2).all(|pair| pair[0] != pair[1]), "a note twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_rotations_on_sqlite() {
    rotations_survive(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_rotations_on_postgres() {
    rotations_survive(Kind::Postgres).await;
}
