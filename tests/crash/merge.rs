//! `guanxi serve`, killed while people merge customers, part them again and write notes. Every answer
//! that was given holds; a request without an answer, sent again under its idempotency key, is done
//! once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use uuid::Uuid;

use super::http::{Client, Server, owner_token};
use super::orders::generate;
use super::place::{Kind, Place};
use super::storm::{Dice, Storm, seed};

const ORDERS: u32 = 300;
/// Customers that are merged and parted.
const CUSTOMERS: usize = 60;
/// Requests of the measured stretch between two kills.
const STRETCH: u32 = 24;

/// One thing that somebody does.
#[derive(Debug, Clone)]
struct Deed {
    method: &'static str,
    path: String,
    body: Value,
    key: String,
}

/// What must be true of the data, as far as it was answered.
#[derive(Default)]
struct Model {
    /// Customers, and what each was merged by, if it was.
    merged: BTreeMap<String, Option<String>>,
    /// Notes by their text.
    notes: Vec<String>,
    /// Merges that were answered and are not undone, by id.
    merges: BTreeMap<String, (String, String)>,
    sent: u64,
}

impl Model {
    fn roots(&self) -> Vec<&String> {
        let keepers = |id: &String| self.merges.values().any(|(keep, _)| keep == id);
        self.merged
            .iter()
            .filter(|(id, by)| by.is_none() && !keepers(id))
            .map(|(id, _)| id)
            .collect()
    }

    fn next(&mut self, dice: &Dice) -> Deed {
        self.sent += 1;
        let key = format!("crash-{}-{}", seed(), self.sent);
        let roots = self.roots();
        match dice.below(5) {
            0 | 1 if roots.len() > 2 => {
                let keep = dice.below(roots.len() as u64) as usize;
                let absorb = (keep + 1) % roots.len();
                let body = json!({ "keep": roots[keep], "absorb": roots[absorb] });
                Deed { method: "POST", path: "/customers/merges".into(), body, key }
            }
            2 | 3 if !self.merges.is_empty() => {
                let at = dice.below(self.merges.len() as u64) as usize;
                let id = self.merges.keys().nth(at).unwrap();
                let path = format!("/customers/merges/{id}");
                Deed { method: "DELETE", path, body: Value::Null, key }
            }
            _ => {
                let at = dice.below(self.merged.len() as u64) as usize;
                let id = self.merged.keys().nth(at).unwrap();
                let body = json!({ "text": format!("note {key}") });
                Deed { method: "POST", path: format!("/customers/{id}/notes"), body, key }
            }
        }
    }

    /// Takes in that `deed` was answered with `status`.
    fn answered(&mut self, deed: &Deed, status: u16, answer: &Value) {
        match (deed.method, status) {
            ("DELETE", 204) => self.undone(deed),
            ("POST", 201) if deed.path == "/customers/merges" => {
                let text = |name: &str| answer[name].as_str().unwrap().to_owned();
                self.merged.insert(text("absorb"), Some(text("id")));
                self.merges.insert(text("id"), (text("keep"), text("absorb")));
            }
            ("POST", 201) => self.notes.push(deed.body["text"].as_str().unwrap().to_owned()),
            _ => panic!("{deed:?}: {status} {answer}"),
        }
    }

    fn undone(&mut self, deed: &Deed) {
        let id = deed.path.rsplit('/').next().unwrap();
        let (_, absorbed) = self.merges.remove(id).unwrap();
        self.merged.insert(absorbed, None);
    }
}

/// Sends deeds until the server is gone, or `limit` were answered; gives the one that was not.
fn send(
    client: &Client,
    model: &mut Model,
    dice: &Dice,
    limit: u32,
    ended: &AtomicBool,
) -> Option<Deed> {
    for _ in 0..limit {
        if ended.load(Ordering::SeqCst) {
            return None;
        }
        let deed = model.next(dice);
        match client.try_with_key(deed.method, &deed.path, &deed.body, &deed.key) {
            Some((status, answer)) => model.answered(&deed, status, &answer),
            None => return Some(deed),
        }
    }
    None
}

/// Sends again what was not answered. It was done or it was not, and now it is done, once.
fn send_again(client: &Client, model: &mut Model, deed: &Deed) {
    let (status, answer) =
        client.try_with_key(deed.method, &deed.path, &deed.body, &deed.key).unwrap();
    if deed.method == "DELETE" && answer["code"] == "merge_undone" {
        // It was done before the kill.
        model.undone(deed);
    } else {
        model.answered(deed, status, &answer);
    }
}

/// The database holds what the model says, and nothing else.
async fn check(place: &Place, model: &Model) {
    let db = place.open().await;
    let mut tx = db.read().await.unwrap();
    let merged: Vec<(Uuid,)> = tx
        .fetch_all("SELECT id FROM customers_customers WHERE merged_into IS NOT NULL", vec![])
        .await
        .unwrap();
    let (notes,): (i64,) =
        tx.fetch_one("SELECT COUNT(*) FROM customers_notes", vec![]).await.unwrap();
    tx.rollback().await.unwrap();
    db.close().await;
    assert_eq!(merged.len(), model.merges.len(), "customers that are merged into others");
    assert_eq!(notes as usize, model.notes.len(), "every note once");
}

/// The same through the interface, as whoever got the answers would look.
fn look(client: &Client, model: &Model, dice: &Dice) {
    let mut texts = Vec::new();
    for (id, by) in &model.merged {
        // A few each time: a look at each costs more than the kill.
        if dice.below(10) != 0 {
            continue;
        }
        let card = client.get(&format!("/customers/{id}"));
        let keep = by.as_ref().map(|merge| model.merges[merge].0.clone());
        assert_eq!(card["merged_into"].as_str().map(str::to_owned), keep, "{card}");
        let notes = card["notes"].as_array().unwrap();
        texts.extend(notes.iter().map(|note| note["text"].as_str().unwrap().to_owned()));
    }
    for text in texts {
        assert!(model.notes.contains(&text), "a note that nobody was told of: {text}");
    }
}

async fn merges_survive(kind: Kind) {
    let place = Place::new(kind).await;
    let file = generate(&place, "orders.csv", ORDERS, seed() * 10_000 + 9_000);
    place.answer(&["import", "--shop", "茶叶店", file.to_str().unwrap()]);
    let token = owner_token(&place);
    let dice = Dice::of("deeds", kind);
    let never = AtomicBool::new(false);
    let mut model = Model::default();

    let mut server = Server::start(&place, &token);
    let listed = server.client.get(&format!("/customers?limit={CUSTOMERS}"));
    for customer in listed["items"].as_array().unwrap() {
        model.merged.insert(customer["id"].as_str().unwrap().to_owned(), None);
    }
    assert_eq!(model.merged.len(), CUSTOMERS);
    let from = server.running.worked_finely();
    assert!(send(&server.client, &mut model, &dice, STRETCH, &never).is_none());
    let length = server.running.worked_finely() - from;

    let mut storm = Storm::over("merge", kind, length);
    while !storm.is_over() {
        let from = server.running.worked_finely();
        let ended = AtomicBool::new(false);
        let client = server.client.clone();
        let unanswered = std::thread::scope(|scope| {
            let sending = scope.spawn(|| send(&client, &mut model, &dice, u32::MAX, &ended));
            let struck = storm.strike(server.running, from);
            ended.store(true, Ordering::SeqCst);
            assert!(struck.is_ok(), "the server ended by itself: {struck:?}");
            sending.join().unwrap()
        });
        place.verify();
        server = Server::start(&place, &token);
        if let Some(deed) = unanswered {
            send_again(&server.client, &mut model, &deed);
            if deed.method == "POST" {
                let (status, _) = server
                    .client
                    .try_with_key(deed.method, &deed.path, &deed.body, &deed.key)
                    .unwrap();
                assert_eq!(status, 201, "the same answer, and nothing twice");
            }
        }
        check(&place, &model).await;
        look(&server.client, &model, &dice);
    }
    storm.report();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_merges_on_sqlite() {
    merges_survive(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_merges_on_postgres() {
    merges_survive(Kind::Postgres).await;
}
