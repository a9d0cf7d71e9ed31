//! 64 writers at once on SQLite, which has one: nobody hears "busy", and everything acknowledged is there.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::{Server, owner_token};
use super::orders::generate;
use super::place::{Kind, Place, Running};
use super::storm::seed;

const WRITERS: usize = 64;
const USUAL: Duration = Duration::from_secs(6);
const LONG: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_writers_never_hear_busy() {
    let place = Place::new(Kind::Sqlite).await;
    let file = generate(&place, "orders.csv", 600, seed() * 10_000 + 30_000);
    place.answer(&["import", "--shop", "T", file.to_str().unwrap()]);
    let token = owner_token(&place);
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    // One token writes as fast as it can here.
    command.env("RUST_LOG", "warn").args(["--requests-per-second", "0"]);
    let mut server = Server::of(Running::start(command, ""), &token);
    let client = server.client.clone();
    let mut customers: Vec<String> = Vec::new();
    server.running.wait_until("the customers", |_| {
        let (_, listed) = client.ask("GET", "/customers?limit=100", "application/json", b"");
        let items = listed["items"].as_array().cloned().unwrap_or_default();
        customers = items.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        !customers.is_empty()
    });
    let tag = client.ask(
        "POST",
        "/customers/tags",
        "application/json",
        br##"{"name":"t","colour":"blue"}"##,
    );
    assert_eq!(tag.0, 201, "{}", tag.1);
    let tag = tag.1["id"].clone();

    let whole = if std::env::var_os("GUANXI_SOAK").is_some() { LONG } else { USUAL };
    let end = Instant::now() + whole;
    let answers: Vec<Vec<(u16, Value)>> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (client, customers, tag) = (client.clone(), &customers, &tag);
                scope.spawn(move || {
                    let mut answers = Vec::new();
                    for number in 0.. {
                        if Instant::now() >= end {
                            break;
                        }
                        let customer = &customers[(writer * 7 + number) % customers.len()];
                        let (method, path, body) = match number % 3 {
                            0 | 1 => {
                                let body = json!({ "text": format!("{writer} {number}") });
                                ("POST", format!("/customers/{customer}/notes"), body)
                            }
                            _ => {
                                let tags = if number % 2 == 0 { vec![tag] } else { vec![] };
                                (
                                    "PUT",
                                    format!("/customers/{customer}/tags"),
                                    json!({ "tags": tags }),
                                )
                            }
                        };
                        let body = body.to_string();
                        answers.push(client.ask(
                            method,
                            &path,
                            "application/json",
                            body.as_bytes(),
                        ));
                    }
                    answers
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let all: Vec<&(u16, Value)> = answers.iter().flatten().collect();
    let wrong: Vec<_> = all.iter().filter(|(status, _)| *status != 200 && *status != 201).collect();
    assert!(wrong.is_empty(), "{} of {}: {:?}", wrong.len(), all.len(), wrong.first());
    assert!(answers.iter().all(|one| !one.is_empty()), "every writer had its turn");
    let written = all.iter().filter(|(status, _)| *status == 201).count();
    server.running.kill();

    let db = place.open().await;
    let mut tx = db.read().await.unwrap();
    let (held,): (i64,) =
        tx.fetch_one("SELECT COUNT(*) FROM customers_notes", vec![]).await.unwrap();
    tx.rollback().await.unwrap();
    db.close().await;
    assert_eq!(held as usize, written, "every acknowledged note once");
    place.verify();
    eprintln!("{} writes by {WRITERS} writers in {whole:?}", all.len());
}
