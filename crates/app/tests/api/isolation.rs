//! Two organisations in one database: what one is answered is the same, byte for byte, whatever the other
//! has and does, and neither can name what is the other's.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use commerce::imports::ImportState;
use commerce::shops::{self, Channel, NewShop};
use flows::import_orders::{self, ImportOrder};
use kernel::{Currency, OrgId, Zone};
use platform::{Ctx, Scope};
use serde_json::{Value, json};
use testkit::{TestDb, db_test};

use crate::house::{Answer, House, migrations, owner_moves_in};
use crate::reading::{MAPPING, ORDERS, Shop, text};

const OTHER: OrgId = OrgId::new(2);
/// Deeds of the other organisation in one trace.
const DEEDS: usize = 16;

/// The second organisation: its owner calls with a token, since browsers sign in to the first.
pub struct Neighbour<'a> {
    house: &'a House,
    db: &'a TestDb,
    cx: Ctx,
    bearer: String,
}

impl<'a> Neighbour<'a> {
    pub async fn move_in(house: &'a House, db: &'a TestDb) -> Self {
        let platform = &house.state.platform;
        let cx = platform.ctx(Scope::system(OTHER));
        let mut tx = db.db().begin().await.unwrap();
        let token = owner_moves_in(&mut tx, &cx, "邻居").await;
        tx.commit().await.unwrap();
        Self { house, db, cx, bearer: format!("Bearer {token}") }
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("authorization", &self.bearer)
            .header("if-match", "\"1\"")
            .header("content-type", "application/json");
        self.house.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// The same orders as those of the first, under the same numbers, and others.
    async fn import(&self, n: usize) {
        let platform = &self.house.state.platform;
        let mut tx = platform.db.begin().await.unwrap();
        let new = NewShop {
            name: format!("shop {n}"),
            channel: Channel::Taobao,
            currency: Currency::CNY,
            zone: Zone::CHINA,
        };
        let shop = shops::create(&mut tx, &self.cx, &new).await.unwrap();
        tx.commit().await.unwrap();
        let path = self.db.folder().join(format!("neighbour-{n}.csv"));
        std::fs::write(&path, ORDERS.replace("9000.00", &format!("{n}77.00"))).unwrap();
        let order = ImportOrder {
            files: vec![("orders.csv".to_owned(), path)],
            format: Some("generic".parse().unwrap()),
            mapping: Some(MAPPING.to_owned()),
            ..ImportOrder::default()
        };
        let begun = import_orders::begin(platform, &self.cx, &shop, &order, ImportState::Queued);
        let import = begun.await.unwrap().id;
        import_orders::run(platform, &self.cx, import, |_| ()).await.unwrap();
        self.house.state.engines.of(OTHER).reload().await.unwrap();
    }

    /// One deed, by number.
    pub async fn does(&self, number: usize) {
        let list = self.send("GET", "/customers", &Value::Null).await.json();
        let ids: Vec<String> = list["items"]
            .as_array()
            .map_or(Vec::new(), |items| items.iter().map(|row| text(&row["id"])).collect());
        let of = |place: usize| ids.get(place % ids.len().max(1)).cloned().unwrap_or_default();
        let (one, another) = (of(number), of(number + 1));
        let (method, path, body) = match number % 8 {
            0 => return self.import(number).await,
            1 => (
                "POST",
                "/customers/tags".to_owned(),
                json!({"name": format!("t{number}"), "colour": "gold"}),
            ),
            2 => (
                "POST",
                format!("/customers/{one}/notes"),
                json!({"text": "a secret of the neighbour"}),
            ),
            3 => ("POST", "/customers/merges".to_owned(), json!({"keep": one, "absorb": another})),
            4 => ("POST", "/identity/teams".to_owned(), json!({"name": format!("team {number}")})),
            5 => ("POST", format!("/customers/{one}/reveal"), json!({"reason": "to see it"})),
            6 => (
                "POST",
                format!("/customers/{one}/consents"),
                json!({"channels": ["any"],
                "purposes": ["marketing"], "granted": false, "source": "phone"}),
            ),
            _ => ("PATCH", format!("/customers/{one}"), json!({"rating": "A"})),
        };
        let answer = self.send(method, &path, &body).await;
        assert!(!answer.status.is_server_error(), "{method} {path} {:?}", answer.body);
    }
}

/// Everything that the first organisation can ask for without changing it.
async fn everything(
    shop: &Shop,
    ids: &[String],
    orders: &[String],
) -> Vec<(String, StatusCode, Vec<u8>)> {
    let document = serde_json::to_value(app::http::openapi()).unwrap();
    let mut paths: Vec<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(path, item)| item.get("get").is_some() && !path.contains('{'))
        .map(|(path, _)| path.trim_start_matches("/api/v1").to_owned())
        // A stream; and what is recorded, and so is another deed each time.
        .filter(|path| {
            let changing =
                ["/events", "/customers/export", "/customers/exports/all", "/platform/audit"];
            !changing.contains(&path.as_str())
        })
        .filter(|path| !path.starts_with("/platform/audit/"))
        .collect();
    for id in ids {
        for tail in ["", "/timeline", "/consents"] {
            paths.push(format!("/customers/{id}{tail}"));
        }
    }
    paths.extend(orders.iter().map(|id| format!("/commerce/orders/{id}")));
    paths.extend(
        ["/search?q=13800000001", "/search?q=2100000", "/customers?q=tealover"].map(str::to_owned),
    );
    let mut answers = Vec::new();
    for path in paths {
        let answer = shop.ask(&path).await;
        let is_problem = !answer.status.is_success();
        let body = if is_problem { Vec::new() } else { answer.body.to_vec() };
        answers.push((path, answer.status, body));
    }
    answers
}

fn column(page: &Value, name: &str) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|row| text(&row[name])).collect()
}

db_test! { migrations();
    async fn what_one_is_answered_does_not_depend_on_the_other(db) {
        let shop = Shop::open(&db).await;
        let ids = column(&shop.get("/customers").await, "id");
        let orders = column(&shop.get("/commerce/orders").await, "id");
        let before = everything(&shop, &ids, &orders).await;
        assert!(before.iter().filter(|(_, status, _)| *status == StatusCode::OK).count() > 40);
        let neighbour = Neighbour::move_in(&shop.house, &db).await;
        for number in 0..DEEDS {
            neighbour.does(number).await;
            if number % 8 == 7 {
                for (was, is) in before.iter().zip(everything(&shop, &ids, &orders).await) {
                    assert_eq!(was.1, is.1, "{} after {number}", is.0);
                    let text = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
                    assert_eq!(text(&was.2), text(&is.2), "{} after {number}", is.0);
                }
            }
        }
        let theirs = neighbour.send("GET", "/customers", &Value::Null).await.json();
        assert!(theirs["total"].as_u64().unwrap() >= 1, "the neighbour has customers: {theirs}");
    }

    async fn nobody_names_what_is_the_others(db) {
        let shop = Shop::open(&db).await;
        let neighbour = Neighbour::move_in(&shop.house, &db).await;
        neighbour.import(1).await;
        let list = neighbour.send("GET", "/customers", &Value::Null).await.json();
        let orders = neighbour.send("GET", "/commerce/orders", &Value::Null).await.json();
        let (theirs, their_order) = (&column(&list, "id")[0], &column(&orders, "id")[0]);
        let ours = &column(&shop.get("/customers").await, "id")[0];
        let calls = |customer: &str| [
            ("GET", format!("/customers/{customer}"), Value::Null),
            ("GET", format!("/customers/{customer}/timeline"), Value::Null),
            ("GET", format!("/customers/{customer}/consents"), Value::Null),
            ("PATCH", format!("/customers/{customer}"), json!({"rating": "A"})),
            ("POST", format!("/customers/{customer}/notes"), json!({"text": "x"})),
            ("PUT", format!("/customers/{customer}/tags"), json!({"tags": []})),
            ("POST", format!("/customers/{customer}/identities"),
                json!({"kind": "phone", "value": "13900000009", "reason": "because"})),
            ("POST", format!("/customers/{customer}/reveal"), json!({"reason": "because"})),
            ("POST", "/customers/bulk/tags".to_owned(), json!({"customers": [customer]})),
            ("POST", "/customers/bulk/owner".to_owned(), json!({"customers": [customer], "owner": null})),
            ("POST", "/customers/merges".to_owned(), json!({"keep": customer, "absorb": customer})),
        ];
        let refused = |answer: &Answer, what: &str| {
            let status = answer.status;
            assert!([StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY].contains(&status), "{what} {status}");
        };
        let dump = || async {
            let mut tx = db.db().read().await.unwrap();
            let sql = "SELECT CAST(SUM(version) AS BIGINT) FROM customers_customers";
            let (versions,): (i64,) = tx.fetch_one(sql, vec![]).await.unwrap();
            let (notes,): (i64,) = tx.fetch_one("SELECT COUNT(*) FROM customers_notes", vec![]).await.unwrap();
            (versions, notes)
        };
        let before = dump().await;
        for (method, path, body) in calls(theirs) {
            let answer = shop.send(method, &path, &[("if-match", "\"1\"")], &body).await;
            refused(&answer, &format!("first: {method} {path}"));
        }
        for (method, path, body) in calls(ours) {
            refused(&neighbour.send(method, &path, &body).await, &format!("second: {method} {path}"));
        }
        refused(&shop.ask(&format!("/commerce/orders/{their_order}")).await, "their order");
        assert_eq!(dump().await, before);
        // Nor does the cookie of one work with the organisation of the other in it.
        let (name, value) = shop.cookie.split_once('=').unwrap();
        let moved = format!("{name}={}", value.replacen("1_", "2_", 1));
        let answer = shop.house.get("/api/v1/customers", &[("cookie", &moved)]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
}
