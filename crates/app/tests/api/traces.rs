//! Random deeds of two organisations in one database: what one is answered is the same, byte for byte, as
//! if it were alone. Also with the first wall taken away, where PostgreSQL has the second.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use commerce::imports::ImportState;
use commerce::shops::{self, Channel, NewShop};
use flows::import_orders::{self, ImportOrder};
use kernel::{Currency, OrgId, Zone};
use platform::{Ctx, Scope, audit};
use serde_json::{Value, json};
use testkit::{SeededIds, TestDb};

use crate::house::{Answer, House, migrations, owner_moves_in};
use crate::reading::{MAPPING, ORDERS, text};
use crate::walls::without_first_wall;

/// Traces in a test; more with `GUANXI_TRACES`, others with `GUANXI_TRACE_SEED`.
const TRACES: u64 = 2;
/// Deeds of each organisation in a trace.
const DEEDS: usize = 20;

/// Random numbers that are the same for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.roll() % end.max(1) as u64) as usize
    }

    fn of<T: Clone + Default>(&mut self, choices: &[T]) -> T {
        let at = self.below(choices.len());
        choices.get(at).cloned().unwrap_or_default()
    }
}

/// An organisation with a process of its own, whose owner calls with a token.
struct Party {
    house: House,
    cx: Ctx,
    bearer: String,
    folder: std::path::PathBuf,
    dice: Dice,
    imports: usize,
    /// What it asked and what it was answered.
    log: Vec<String>,
}

impl Party {
    async fn move_in(db: &TestDb, org: OrgId, seed: u64, walled: bool) -> Self {
        let platform = db.another_process().await;
        // A folder that each database has under the same name.
        let mut platform = platform.with_backups(Some(std::path::Path::new("no-backups-yet")));
        // What another draws must not change what this one draws.
        platform.ids = Arc::new(SeededIds::new(org.get() as u64));
        if !walled {
            platform.db = platform.db.with_rewriting(without_first_wall);
        }
        let cx = platform.ctx(Scope::system(org));
        let mut tx = platform.db.begin_for(cx.scope).await.unwrap();
        let token = owner_moves_in(&mut tx, &cx, "店主").await;
        tx.commit().await.unwrap();
        let folder = db.folder().join(format!("of-{}", org.get()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut party = Self {
            house: House::over(platform),
            cx,
            bearer: format!("Bearer {token}"),
            folder,
            dice: Dice(seed),
            imports: 0,
            log: Vec::new(),
        };
        party.settle().await;
        party.import().await;
        party
    }

    /// Brings the engine and the log up to date, which workers do otherwise at a time of their own.
    async fn settle(&self) {
        audit::chain(&self.house.state.platform).await.unwrap();
        let engine = self.house.state.engines.of(self.cx.scope.org());
        engine.reload().await.unwrap();
    }

    async fn import(&mut self) {
        self.imports += 1;
        let (n, platform) = (self.imports, &self.house.state.platform);
        let mut tx = platform.db.begin_for(self.cx.scope).await.unwrap();
        let new = NewShop {
            name: format!("shop {n}"),
            channel: Channel::Taobao,
            currency: Currency::CNY,
            zone: Zone::CHINA,
        };
        let shop = shops::create(&mut tx, &self.cx, &new).await.unwrap();
        tx.commit().await.unwrap();
        let path = self.folder.join(format!("{n}.csv"));
        // The same buyers under the same order numbers, for other amounts.
        let amount = format!("{}.00", self.dice.below(9_000) + 1);
        std::fs::write(&path, ORDERS.replace("9000.00", &amount)).unwrap();
        let order = ImportOrder {
            files: vec![("orders.csv".to_owned(), path)],
            format: Some("generic".parse().unwrap()),
            mapping: Some(MAPPING.to_owned()),
            ..ImportOrder::default()
        };
        let begun = import_orders::begin(platform, &self.cx, &shop, &order, ImportState::Queued);
        let import = begun.await.unwrap().id;
        let done = import_orders::run(platform, &self.cx, import, |_| ()).await.unwrap();
        let progress = format!("{:?}", done.progress);
        let counted = progress.split(", seconds").next().unwrap_or_default();
        self.log.push(format!("import {n}: {counted}"));
    }

    async fn send(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("authorization", &self.bearer)
            .header("if-match", "\"1\"")
            .header("content-type", "application/json");
        let answer = self.house.send(request.body(Body::from(body.to_string())).unwrap()).await;
        assert!(!answer.status.is_server_error(), "{method} {path} {:?}", answer.body);
        // Otherwise the next list waits for the worker that would.
        self.house.state.engines.of(self.cx.scope.org()).catch_up().await.unwrap();
        let mut told = answer.json();
        if !answer.status.is_success()
            && let Some(problem) = told.as_object_mut()
        {
            // Fresh with each request.
            problem.remove("request_id");
        }
        let told = match told {
            _ if answer.status.is_success() => String::from_utf8_lossy(&answer.body).into_owned(),
            problem => problem.to_string(),
        };
        let told = without_times(&told);
        self.log.push(format!("{method} {path} {body}\n  {} {told}", answer.status));
        answer
    }

    async fn ids(&mut self, path: &str) -> Vec<String> {
        let list = self.send("GET", path, &Value::Null).await.json();
        list["items"]
            .as_array()
            .map_or(Vec::new(), |items| items.iter().map(|row| text(&row["id"])).collect())
    }

    /// One of theirs; nobody's if they have none.
    async fn one(&mut self, path: &str) -> String {
        let ids = self.ids(path).await;
        if ids.is_empty() { uuid_of_nobody() } else { self.dice.of(&ids) }
    }

    /// Any deed, and what follows of it.
    async fn does_something(&mut self) {
        let changes = self.dice.below(3) > 0;
        if changes {
            self.changes().await;
            self.settle().await;
        } else {
            self.asks().await;
        }
    }

    async fn asks(&mut self) {
        let customer = self.one("/customers").await;
        let order = self.one("/commerce/orders").await;
        let user = self.one("/identity/users").await;
        let (path, q) = (self.dice.below(5), self.dice.below(4));
        let word = ["tealover", "13800000001", "2100000", "张三"][q];
        let word: String = word.bytes().fold(String::new(), |mut out, byte| {
            let _ = write!(out, "%{byte:02X}");
            out
        });
        let path = match path {
            0 => format!("/search?q={word}"),
            1 => format!("/customers?q={word}&sort=-revenue&limit=3"),
            2 => {
                let tail = self.dice.of(&["", "/timeline", "/consents"]);
                format!("/customers/{customer}{tail}")
            }
            3 => format!("/commerce/orders/{order}"),
            _ => format!("/identity/explain?user={user}&record={customer}"),
        };
        self.send("GET", &path, &Value::Null).await;
        let plain = self.dice.of(&plain_paths());
        self.send("GET", &plain, &Value::Null).await;
    }

    async fn changes(&mut self) {
        let (one, another) = (self.one("/customers").await, self.one("/customers").await);
        let n = self.dice.below(1_000);
        let (method, path, body) = match self.dice.below(24) {
            0 => return self.import().await,
            1 => {
                let body = json!({"name": format!("t{n}"), "colour": "gold"});
                ("POST", "/customers/tags".to_owned(), body)
            }
            2 => {
                let tag = self.one("/customers/tags").await;
                ("PUT", format!("/customers/{one}/tags"), json!({"tags": [tag]}))
            }
            3 => {
                let tag = self.one("/customers/tags").await;
                let body = json!({"customers": [one, another], "add": [tag]});
                ("POST", "/customers/bulk/tags".to_owned(), body)
            }
            4 => ("POST", "/customers/merges".to_owned(), json!({"keep": one, "absorb": another})),
            5 => {
                let body = json!({"channels": ["any"], "purposes": ["marketing"],
                    "granted": n.is_multiple_of(2), "source": "phone"});
                ("POST", format!("/customers/{one}/consents"), body)
            }
            6 => {
                let body = json!({"reason": "asked for it", "dry_run": n.is_multiple_of(2)});
                ("POST", format!("/customers/{one}/erasure"), body)
            }
            7 => ("POST", format!("/customers/{one}/person-data"), json!({"reason": "asked"})),
            8 => ("POST", format!("/customers/{one}/reveal"), json!({"reason": "to see it"})),
            9 => ("PATCH", format!("/customers/{one}"), json!({"rating": "A"})),
            10 => ("POST", format!("/customers/{one}/notes"), json!({"text": format!("note {n}")})),
            11 => {
                let body =
                    json!({"name": format!("r{n}"), "title": "r", "rights": ["customers.read"]});
                ("POST", "/identity/roles".to_owned(), body)
            }
            12 => ("POST", "/identity/teams".to_owned(), json!({"name": format!("team {n}")})),
            13 => {
                let body = json!({"name": format!("land {n}"), "provinces": ["浙江"]});
                ("POST", "/identity/territories".to_owned(), body)
            }
            14 => {
                let body = json!({"email": format!("p{n}@example.com"), "role": "owner"});
                ("POST", "/identity/invitations".to_owned(), body)
            }
            15 => {
                let owner = self.one("/identity/users").await;
                let body = json!({"customers": [one, another], "owner": owner});
                ("POST", "/customers/bulk/owner".to_owned(), body)
            }
            16 => {
                let body =
                    json!({"page": "customers", "name": format!("v{n}"), "query": "tier=new"});
                ("POST", "/customers/views".to_owned(), body)
            }
            17 => {
                let order = self.one("/commerce/orders").await;
                ("POST", format!("/commerce/orders/{order}/reveal"), json!({"reason": "to see it"}))
            }
            18 => {
                let import = self.one("/commerce/imports").await;
                ("POST", format!("/commerce/imports/{import}/undo"), Value::Null)
            }
            19 => {
                let tag = self.one("/customers/tags").await;
                ("DELETE", format!("/customers/tags/{tag}"), Value::Null)
            }
            20 => ("GET", "/customers/export?format=csv".to_owned(), Value::Null),
            21 => {
                // Now and then a number that somebody has.
                let value = self.dice.of(&["13800000001", "13900000001", "13900000002"]);
                let body = json!({"kind": "phone", "value": value, "reason": "they called"});
                ("POST", format!("/customers/{one}/identities"), body)
            }
            22 => {
                let card =
                    self.send("GET", &format!("/customers/{one}"), &Value::Null).await.json();
                let identity = text(&card["identities"][0]["id"]);
                let path = format!("/customers/{one}/identities/{identity}/removal");
                ("POST", path, json!({"reason": "they called"}))
            }
            _ => {
                let suggestion = self.one("/customers/suggestions").await;
                ("POST", format!("/customers/suggestions/{suggestion}/dismiss"), Value::Null)
            }
        };
        self.send(method, &path, &body).await;
    }
}

/// How long an import took is no matter of the neighbour's.
fn without_times(told: &str) -> String {
    ["\"seconds\":", "\"rows_per_second\":"].iter().fold(told.to_owned(), |told, name| {
        let mut pieces = told.split(name);
        let mut out = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let is_number = |c: char| c.is_ascii_digit() || ".e-".contains(c);
            out.push_str(piece.trim_start_matches(is_number));
        }
        out
    })
}

fn uuid_of_nobody() -> String {
    "01900000-0000-7000-8000-000000000000".to_owned()
}

/// Everything that can be asked for without naming a record.
fn plain_paths() -> Vec<String> {
    let document = serde_json::to_value(app::http::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .filter(|(path, item)| item.get("get").is_some() && !path.contains('{'))
        .map(|(path, _)| path.trim_start_matches("/api/v1").to_owned())
        // A stream; and when tokens were last used, which is noted beside the requests, a little later.
        .filter(|path| path != "/events" && path != "/identity/tokens")
        .collect()
}

async fn fresh_db(postgres: bool) -> TestDb {
    if postgres { TestDb::postgres(migrations()).await } else { TestDb::sqlite(migrations()).await }
}

/// What the first organisation asks and is answered in the trace of `seed`.
async fn trace(postgres: bool, seed: u64, neighbour: bool, walled: bool) -> Vec<String> {
    let db = fresh_db(postgres).await;
    let mut theirs = None;
    if neighbour {
        let other = Party::move_in(&db, OrgId::new(2), seed ^ 0x5eed, walled).await;
        theirs = Some((other, Dice(seed.rotate_left(17))));
    }
    let mut ours = Party::move_in(&db, OrgId::FIRST, seed, walled).await;
    for _ in 0..DEEDS {
        if let Some((other, turns)) = &mut theirs {
            for _ in 0..turns.below(3) {
                other.does_something().await;
            }
        }
        ours.does_something().await;
    }
    for path in plain_paths() {
        ours.send("GET", &path, &Value::Null).await;
    }
    let done = ours.log.iter().filter(|line| line.contains("\n  20")).count();
    assert!(done > DEEDS, "most deeds are done: {done} of {}", ours.log.len());
    ours.log
}

/// Where two transcripts part, if they do.
fn difference(alone: &[String], together: &[String]) -> Option<String> {
    let at = alone.iter().zip(together).position(|(a, b)| a != b);
    let at = at.or((alone.len() != together.len()).then_some(alone.len().min(together.len())))?;
    let of = |log: &[String]| log.get(at).cloned().unwrap_or_default();
    Some(format!("answer {at}\nalone: {}\ntogether: {}", of(alone), of(together)))
}

fn seeds() -> impl Iterator<Item = u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("GUANXI_TRACE_SEED").unwrap_or(1);
    first..first + number("GUANXI_TRACES").unwrap_or(TRACES)
}

async fn neighbours_do_not_show(postgres: bool) {
    for seed in seeds() {
        let alone = trace(postgres, seed, false, true).await;
        let together = trace(postgres, seed, true, true).await;
        if let Some(parted) = difference(&alone, &together) {
            panic!("GUANXI_TRACE_SEED={seed} GUANXI_TRACES=1: {parted}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_neighbour_does_the_answers_are_the_same_sqlite() {
    neighbours_do_not_show(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_neighbour_does_the_answers_are_the_same_postgres() {
    neighbours_do_not_show(true).await;
}

/// No statement asks for an organisation any more: PostgreSQL alone holds the two apart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_first_wall_the_second_one_holds() {
    for seed in seeds() {
        let alone = trace(true, seed, false, true).await;
        let together = trace(true, seed, true, false).await;
        if let Some(parted) = difference(&alone, &together) {
            panic!("GUANXI_TRACE_SEED={seed} GUANXI_TRACES=1: {parted}");
        }
    }
}

/// The test above can fail: where there is no second wall, the neighbour shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_both_walls_nothing_holds() {
    let db = fresh_db(false).await;
    drop(Party::move_in(&db, OrgId::new(2), 2, true).await);
    let mut ours = Party::move_in(&db, OrgId::FIRST, 1, true).await;
    assert_eq!(ours.ids("/commerce/shops").await.len(), 1);
    let mut platform = ours.house.state.platform.clone();
    platform.db = platform.db.with_rewriting(without_first_wall);
    ours.house = House::over(platform);
    assert_eq!(ours.ids("/commerce/shops").await.len(), 2, "that of the neighbour too");
}
