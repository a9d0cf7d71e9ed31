//! How far views reach: every route that gives or takes records × every reach × own, the team's, the
//! team's below, of the territory, foreign, nobody's and those that are not there.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::{TestDb, db_test};

use crate::house::{Answer, migrations};
use crate::reading::{Shop, text};

/// Everything that a role which does not reach all can be allowed.
const ALLOWED: [&str; 9] = [
    "customers.read",
    "customers.edit",
    "customers.assign",
    "customers.reveal",
    "customers.export",
    "customers.consent_read",
    "customers.consent_write",
    "commerce.read",
    "insight.read",
];
const ACCOUNTS: [&str; 5] = ["tealover", "lisi", "lisi_two", "=cmd", "wholesale"];
const GONE: &str = "01h455vb4pex5vsknk084sn02q";

/// A shop whose customers are looked after by several people:
///
/// | customer | province | owner |
/// |---|---|---|
/// | tealover | 浙江省 | rep, of the team north |
/// | lisi | 江苏省 | mate, of the team north |
/// | lisi_two | 江苏省 | below, of a team below north |
/// | wholesale | 广东省 | stranger, of another team |
/// | =cmd | 广东省 | nobody |
struct World {
    shop: Shop,
    /// Of each account: the customer, and one of its orders.
    records: Vec<(&'static str, String, String)>,
    users: Vec<(&'static str, String)>,
}

/// Somebody and whom they see.
struct Viewer<'a> {
    world: &'a World,
    name: &'static str,
    cookie: String,
    sees: BTreeSet<&'static str>,
}

impl World {
    async fn make(db: &TestDb) -> Self {
        let shop = Shop::open(db).await;
        let team = |name: &'static str, parent: Value| {
            let shop = &shop;
            async move {
                let body = json!({"name": name, "parent_id": parent});
                shop.post("/identity/teams", &body).await["id"].clone()
            }
        };
        let north = team("north", Value::Null).await;
        let below = team("below", north.clone()).await;
        let other = team("other", Value::Null).await;
        let body = json!({"name": "south", "regions": ["广东省"]});
        let south = shop.post("/identity/territories", &body).await["id"].clone();
        for reach in ["own", "team", "team_and_below", "territory"] {
            let role = json!({"name": format!("sees_{reach}"), "title": reach, "rights": ALLOWED, "reach": reach});
            shop.post("/identity/roles", &role).await;
        }
        let mut world = Self { shop, records: Vec::new(), users: Vec::new() };
        for (name, reach, team, territory) in [
            ("rep", "own", &north, &Value::Null),
            ("mate", "own", &north, &Value::Null),
            ("below", "own", &below, &Value::Null),
            ("stranger", "own", &other, &Value::Null),
            ("supervisor", "team", &north, &Value::Null),
            ("manager", "team_and_below", &north, &Value::Null),
            ("partner", "territory", &Value::Null, &south),
            ("loner", "team", &Value::Null, &Value::Null),
        ] {
            let email = format!("{name}@example.com");
            world.shop.house.add_user(db, &email, &format!("sees_{reach}")).await;
            let users = world.shop.get("/identity/users?limit=100").await;
            let users = users["items"].as_array().unwrap().clone();
            let user = users.iter().find(|user| user["email"] == *email).unwrap();
            let version = format!("\"{}\"", user["version"]);
            let path = format!("/identity/users/{}", text(&user["id"]));
            let body = json!({"team_id": team, "territory_id": territory});
            let done = world.shop.send("PATCH", &path, &[("if-match", &version)], &body).await;
            assert_eq!(done.status, StatusCode::OK, "{:?}", done.body);
            world.users.push((name, text(&user["id"])));
        }
        for (account, owner) in [
            ("tealover", "rep"),
            ("lisi", "mate"),
            ("lisi_two", "below"),
            ("wholesale", "stranger"),
        ] {
            let body =
                json!({"customers": [world.shop.id_of(account).await], "owner": world.user(owner)});
            assert_eq!(world.shop.post("/customers/bulk/owner", &body).await["changed"], 1);
        }
        for account in ACCOUNTS {
            let id = world.shop.id_of(account).await;
            let orders = world.shop.get(&format!("/commerce/orders?customer={id}")).await;
            world.records.push((account, id, text(&orders["items"][0]["id"])));
        }
        world
    }

    fn user(&self, name: &str) -> &str {
        &self.users.iter().find(|(known, _)| *known == name).unwrap().1
    }

    fn id(&self, account: &str) -> &str {
        &self.records.iter().find(|(known, ..)| *known == account).unwrap().1
    }

    async fn viewer(&self, name: &'static str, sees: &[&'static str]) -> Viewer<'_> {
        let cookie = self.shop.house.cookie_of(&format!("{name}@example.com")).await;
        Viewer { world: self, name, cookie, sees: sees.iter().copied().collect() }
    }

    async fn viewers(&self) -> Vec<Viewer<'_>> {
        vec![
            self.viewer("owner", &ACCOUNTS).await,
            self.viewer("rep", &["tealover"]).await,
            self.viewer("supervisor", &["tealover", "lisi"]).await,
            self.viewer("manager", &["tealover", "lisi", "lisi_two"]).await,
            self.viewer("partner", &["wholesale", "=cmd"]).await,
            self.viewer("loner", &[]).await,
        ]
    }

    /// What writing would change.
    async fn written(&self) -> Vec<i64> {
        let mut tx = self.shop.house.state.platform.db.read().await.unwrap();
        let mut counts = Vec::new();
        for sql in [
            "SELECT CAST(SUM(version) AS BIGINT) FROM customers_customers",
            "SELECT COUNT(*) FROM customers_notes",
            "SELECT COUNT(*) FROM customers_taggings",
            "SELECT COUNT(*) FROM customers_history",
            "SELECT COUNT(*) FROM platform_audit",
        ] {
            let (count,): (i64,) = tx.fetch_one(sql, vec![]).await.unwrap();
            counts.push(count);
        }
        counts
    }
}

impl Viewer<'_> {
    async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = axum::http::Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("cookie", &self.cookie)
            .header("if-match", "\"999\"")
            .header("content-type", "application/json");
        let body = body.map_or_else(axum::body::Body::empty, |body| body.to_string().into());
        self.world.shop.house.send(request.body(body).unwrap()).await
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.send("GET", path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{} {path}: {:?}", self.name, answer.body);
        answer.json()
    }

    fn sees(&self, account: &str) -> bool {
        self.sees.contains(account)
    }
}

/// Calls that name one customer or order, each with a body.
fn calls(customer: &str, order: &str) -> Vec<(&'static str, String, Option<Value>)> {
    let note = format!("note_{GONE}");
    let reason = json!({"reason": "the customer asked"});
    vec![
        ("GET", format!("/customers/{customer}"), None),
        ("GET", format!("/customers/{customer}/timeline"), None),
        ("PATCH", format!("/customers/{customer}"), Some(json!({"rating": "A"}))),
        ("POST", format!("/customers/{customer}/notes"), Some(json!({"text": "hello"}))),
        ("DELETE", format!("/customers/{customer}/notes/{note}"), None),
        ("PUT", format!("/customers/{customer}/tags"), Some(json!({"tags": []}))),
        ("POST", format!("/customers/{customer}/reveal"), Some(reason.clone())),
        (
            "POST",
            format!("/customers/{customer}/identities"),
            Some(json!({"kind": "phone", "value": "13900000009", "reason": "they called"})),
        ),
        (
            "PUT",
            format!("/customers/{customer}/identities/idn_{GONE}"),
            Some(json!({"value": "13900000009", "reason": "they called"})),
        ),
        (
            "POST",
            format!("/customers/{customer}/identities/idn_{GONE}/removal"),
            Some(reason.clone()),
        ),
        ("GET", format!("/customers/{customer}/consents"), None),
        (
            "POST",
            format!("/customers/{customer}/consents"),
            Some(json!({
                "channels": ["sms"], "purposes": ["marketing"], "granted": true, "source": "phone"
            })),
        ),
        ("GET", format!("/commerce/orders/{order}"), None),
        ("POST", format!("/commerce/orders/{order}/reveal"), Some(reason)),
        ("POST", "/customers/bulk/tags".to_owned(), Some(json!({"customers": [customer]}))),
        (
            "POST",
            "/customers/bulk/owner".to_owned(),
            Some(json!({"customers": [customer], "owner": null})),
        ),
    ]
}

/// A refusal without what differs from call to call.
fn told(answer: &Answer, customer: &str) -> String {
    let mut body = answer.json();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("request_id");
        fields.remove("instance");
    }
    format!("{} {body}", answer.status).replace(customer, "*")
}

fn accounts_of(items: &Value) -> BTreeSet<String> {
    let accounts = |row: &Value| text(&row["accounts"][0]["value"]);
    items.as_array().unwrap().iter().map(accounts).collect()
}

db_test! { migrations();
    async fn a_record_out_of_reach_is_none_and_stays_as_it_is(db) {
        let world = World::make(&db).await;
        for viewer in world.viewers().await {
            for (account, customer, order) in world.records.clone() {
                if viewer.sees(account) {
                    continue;
                }
                let gone = (format!("cus_{GONE}"), format!("ord_{GONE}"));
                let calls_of_gone = calls(&gone.0, &gone.1);
                for ((method, path, body), (_, gone_path, gone_body)) in
                    calls(&customer, &order).into_iter().zip(calls_of_gone)
                {
                    let what = format!("{}: {method} {path}", viewer.name);
                    let before = world.written().await;
                    let answer = viewer.send(method, &path, body.as_ref()).await;
                    assert_eq!(world.written().await, before, "{what}");
                    let of_path = path.contains('_');
                    let expected =
                        if of_path { StatusCode::NOT_FOUND } else { StatusCode::UNPROCESSABLE_ENTITY };
                    assert_eq!(answer.status, expected, "{what} {:?}", answer.body);
                    // Nobody can tell what they do not see from what is not there.
                    let of_gone = viewer.send(method, &gone_path, gone_body.as_ref()).await;
                    assert_eq!(told(&answer, &customer), told(&of_gone, &gone.0), "{what}");
                }
            }
        }
    }

    async fn a_record_in_reach_is_read_and_written(db) {
        let world = World::make(&db).await;
        // The owner, who can take customers from everybody, last.
        for viewer in world.viewers().await.into_iter().rev() {
            for (account, customer, order) in world.records.clone() {
                if !viewer.sees(account) {
                    continue;
                }
                for (method, path, body) in calls(&customer, &order) {
                    let what = format!("{}: {method} {path}", viewer.name);
                    let answer = viewer.send(method, &path, body.as_ref()).await;
                    let expected = match (method, path.as_str()) {
                        // The version is wrong, and the note is not there: both are told.
                        ("PATCH", _) => StatusCode::PRECONDITION_FAILED,
                        (_, path) if path.contains("/identities") => StatusCode::PRECONDITION_FAILED,
                        ("DELETE", _) => StatusCode::NOT_FOUND,
                        ("POST", path) if path.ends_with("/notes") || path.ends_with("/consents") => {
                            StatusCode::CREATED
                        }
                        // Nobody gives away what they would then not see.
                        ("POST", "/customers/bulk/owner")
                            if !["owner", "partner"].contains(&viewer.name) => StatusCode::FORBIDDEN,
                        _ => StatusCode::OK,
                    };
                    assert_eq!(answer.status, expected, "{what} {:?}", answer.body);
                }
            }
        }
    }

    async fn lists_counts_and_sums_tell_of_what_is_in_reach(db) {
        let world = World::make(&db).await;
        let tag = world.shop.post("/customers/tags", &json!({"name": "VIP", "colour": "gold"})).await;
        let ids: Vec<&String> = world.records.iter().map(|(_, id, _)| id).collect();
        world.shop.post("/customers/bulk/tags", &json!({"customers": ids, "add": [tag["id"]]})).await;
        let all = world.viewer("owner", &ACCOUNTS).await;
        let orders = all.get("/commerce/orders?limit=100").await["items"].as_array().unwrap().clone();
        for viewer in world.viewers().await {
            let name = viewer.name;
            let seen: BTreeSet<String> = viewer.sees.iter().map(|a| (*a).to_owned()).collect();
            for query in ["", "?sort=-revenue", "?sort=created_at", "?orders_min=0"] {
                let list = viewer.get(&format!("/customers{query}")).await;
                assert_eq!(accounts_of(&list["items"]), seen, "{name} {query}");
                assert_eq!(list["total"], seen.len(), "{name} {query}");
            }
            // Filters find no more: a tag, a name, a whole phone number, a whole order number.
            let by_tag = viewer.get(&format!("/customers?tag={}", text(&tag["id"]))).await;
            assert_eq!(by_tag["total"], seen.len(), "{name}");
            for (q, account) in [
                ("tealover", "tealover"),
                ("13800000001", "tealover"),
                ("210000000007", "wholesale"),
                ("张三丰", "wholesale"),
            ] {
                for path in [format!("/customers?q={q}"), format!("/search?q={q}")] {
                    let found = viewer.get(&path.replace("张三丰", "%E5%BC%A0%E4%B8%89%E4%B8%B0")).await;
                    let items = if path.starts_with("/search") { &found["customers"] } else { &found["items"] };
                    assert_eq!(accounts_of(items).contains(account), seen.contains(account), "{name} {path}");
                }
            }
            let found = viewer.get("/search?q=2100000").await;
            let of_seen: Vec<&Value> = orders
                .iter()
                .filter(|order| world.records.iter().any(|(account, id, _)| {
                    seen.contains(*account) && order["customer"]["id"] == *id
                }))
                .collect();
            assert_eq!(found["orders"].as_array().unwrap().len(), of_seen.len(), "{name}");
            let list = viewer.get("/commerce/orders?limit=100").await;
            assert_eq!(list["items"].as_array().unwrap().iter().collect::<Vec<_>>(), of_seen, "{name}");
            for (account, id, _) in &world.records {
                let own = viewer.get(&format!("/commerce/orders?customer={id}")).await;
                let any = !own["items"].as_array().unwrap().is_empty();
                assert_eq!(any, seen.contains(*account), "{name} {account}");
            }
            let file = viewer.send("GET", "/customers/export?format=csv", None).await;
            let file = String::from_utf8(file.body.to_vec()).unwrap();
            assert_eq!(file.lines().count(), 1 + seen.len(), "{name}");
            for (account, id, _) in &world.records {
                assert_eq!(file.contains(id), seen.contains(*account), "{name} {account}");
            }
            let tags = viewer.get("/customers/tags").await;
            assert_eq!(tags["items"][0]["customers"], seen.len(), "{name}");
            // Four customers have a counted order.
            let counted = seen.iter().filter(|account| *account != "=cmd").count();
            let rfm = viewer.get("/insight/rfm").await;
            assert_eq!(rfm["customers"], counted, "{name}");
            let bench = viewer.get("/insight/workbench").await;
            let is_all = seen.len() == ACCOUNTS.len();
            assert_eq!(bench["recent_imports"].as_array().unwrap().is_empty(), !is_all, "{name}");
        }
    }

    async fn a_view_follows_owners_teams_and_territories_at_once(db) {
        let world = World::make(&db).await;
        let total = |viewer: &Viewer<'_>| {
            let (cookie, house) = (viewer.cookie.clone(), &world.shop.house);
            async move { house.get("/api/v1/customers", &[("cookie", &cookie)]).await.json()["total"].clone() }
        };
        let (rep, partner) = (world.viewer("rep", &[]).await, world.viewer("partner", &[]).await);
        assert_eq!((total(&rep).await, total(&partner).await), (json!(1), json!(2)));
        // A customer comes and goes.
        for (owner, expected) in [("rep", 2), ("mate", 1)] {
            let body = json!({"customers": [world.id("=cmd")], "owner": world.user(owner)});
            world.shop.post("/customers/bulk/owner", &body).await;
            assert_eq!(total(&rep).await, expected);
            assert_eq!(total(&partner).await, 2, "the province counts, whoever owns it");
        }
        let card = world.shop.get(&format!("/customers/{}", world.id("=cmd"))).await;
        assert_eq!(card["owner"], world.user("mate"));
        let timeline = world.shop.get(&format!("/customers/{}/timeline?kind=owner", world.id("=cmd"))).await;
        assert_eq!(timeline["items"].as_array().unwrap().len(), 2);
        assert_eq!(timeline["items"][0]["owner"], world.user("mate"));
        // A territory grows.
        let territories = world.shop.get("/identity/territories").await;
        let south = format!("/identity/territories/{}", text(&territories["items"][0]["id"]));
        let body = json!({"name": "south", "regions": ["广东省", "浙江省"]});
        assert_eq!(world.shop.send("PUT", &south, &[], &body).await.status, StatusCode::OK);
        assert_eq!(total(&partner).await, 3);
        let used = world.shop.send("DELETE", &south, &[], &Value::Null).await;
        assert_eq!((used.status, used.code().as_str()), (StatusCode::CONFLICT, "territory_in_use"));
    }

    async fn customers_can_be_given_to_the_people_of_ones_reach(db) {
        let world = World::make(&db).await;
        for (name, near) in [
            ("owner", &["owner", "rep", "mate", "below", "stranger", "supervisor", "manager", "partner", "loner"][..]),
            ("manager", &["rep", "mate", "below", "supervisor", "manager"]),
            ("supervisor", &["rep", "mate", "supervisor", "manager"]),
            ("rep", &["rep"]),
            ("partner", &["partner"]),
        ] {
            let viewer = world.viewer(name, &[]).await;
            let answer = viewer.get("/identity/colleagues").await;
            let seen: Vec<String> = answer["items"].as_array().unwrap().iter().map(|one| text(&one["email"])).collect();
            let mut expected: Vec<String> = near.iter().map(|name| format!("{name}@example.com")).collect();
            let mut sorted = seen.clone();
            sorted.sort();
            expected.sort();
            assert_eq!(sorted, expected, "{name}");
        }
        // Whoever has left is no choice.
        let users = world.shop.get("/identity/users?limit=100").await;
        let mate = users["items"].as_array().unwrap().iter().find(|user| user["email"] == "mate@example.com").unwrap();
        let version = format!("\"{}\"", mate["version"]);
        let path = format!("/identity/users/{}", text(&mate["id"]));
        let done = world.shop.send("PATCH", &path, &[("if-match", &version)], &json!({"active": false})).await;
        assert_eq!(done.status, StatusCode::OK);
        let supervisor = world.viewer("supervisor", &[]).await;
        assert_eq!(supervisor.get("/identity/colleagues").await["items"].as_array().unwrap().len(), 3);
    }

    async fn what_somebody_owns_is_handed_over(db) {
        let world = World::make(&db).await;
        let path = format!("/identity/users/{}/hand-over", world.user("stranger"));
        let done = world.shop.post(&path, &json!({"to": world.user("rep")})).await;
        assert_eq!(done, json!({"customers": 1, "views": 0}));
        let rep = world.viewer("rep", &[]).await;
        assert_eq!(rep.get("/customers").await["total"], 2);
        let again = world.shop.post(&path, &json!({"to": world.user("rep")})).await;
        assert_eq!(again["customers"], 0);
        let wrong = |to: Value| {
            let (shop, path) = (&world.shop, path.clone());
            async move { shop.send("POST", &path, &[], &json!({"to": to})).await.status }
        };
        assert_eq!(wrong(json!(world.user("stranger"))).await, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(wrong(json!(format!("usr_{GONE}"))).await, StatusCode::UNPROCESSABLE_ENTITY);
        let nobody = format!("/identity/users/usr_{GONE}/hand-over");
        let unknown = world.shop.send("POST", &nobody, &[], &json!({"to": null})).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
        // Left to nobody.
        let path = format!("/identity/users/{}/hand-over", world.user("rep"));
        assert_eq!(world.shop.post(&path, &json!({"to": null})).await["customers"], 2);
        assert_eq!(world.shop.get("/customers?owner=none").await["total"], 3);
    }

    async fn it_is_explained_why_somebody_sees_a_record_or_not(db) {
        let world = World::make(&db).await;
        let why = |name: &'static str, account: &'static str| {
            let world = &world;
            async move {
                let path = format!("/identity/explain?user={}&record={}", world.user(name), world.id(account));
                let answer = world.shop.get(&path).await;
                (answer["sees"].as_bool().unwrap(), text(&answer["why"]))
            }
        };
        let is = |sees: bool, why: &str| (sees, why.to_owned());
        assert_eq!(why("rep", "tealover").await, is(true, "own"));
        assert_eq!(why("rep", "lisi").await, is(false, "owned_by_others"));
        assert_eq!(why("rep", "=cmd").await, is(false, "owned_by_nobody"));
        assert_eq!(why("supervisor", "lisi").await, is(true, "team_owns"));
        assert_eq!(why("supervisor", "lisi_two").await, is(false, "owned_by_others"));
        assert_eq!(why("manager", "lisi_two").await, is(true, "team_owns"));
        assert_eq!(why("partner", "=cmd").await, is(true, "territory"));
        // It says what every view says.
        for (name, _) in world.users.iter().filter(|(name, _)| *name != "loner") {
            let viewer = world.viewer(name, &[]).await;
            for (account, id, order) in &world.records {
                let seen = viewer.send("GET", &format!("/customers/{id}"), None).await.status == StatusCode::OK;
                assert_eq!(why(name, account).await.0, seen, "{name} {account}");
                let path = format!("/identity/explain?user={}&record={order}", world.user(name));
                assert_eq!(world.shop.get(&path).await["sees"], seen, "{name} {order}");
            }
        }
        let path = format!("/identity/explain?user={}&record=cus_{GONE}", world.user("rep"));
        let gone = world.shop.get(&path).await;
        assert_eq!((&gone["sees"], &gone["steps"][0]), (&json!(false), &json!({"looked": "record_exists", "holds": false})));
        for wrong in [
            format!("/identity/explain?user=usr_{GONE}&record=cus_{GONE}"),
            format!("/identity/explain?user={}&record=tag_{GONE}", world.user("rep")),
        ] {
            assert_eq!(world.shop.ask(&wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
    }

    async fn a_token_reaches_no_farther_than_its_user_and_its_role(db) {
        let world = World::make(&db).await;
        let cookie = world.shop.house.cookie_of("manager@example.com").await;
        let token = |role: Value, cookie: String| {
            let house = &world.shop.house;
            async move {
                let body = json!({"name": "t", "role": role});
                let made = house.post("/api/v1/identity/tokens", &[("cookie", &cookie)], &body).await;
                assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
                format!("Bearer {}", text(&made.json()["token"]))
            }
        };
        let total = |bearer: String| {
            let house = &world.shop.house;
            async move {
                house.get("/api/v1/customers", &[("authorization", &bearer)]).await.json()["total"].clone()
            }
        };
        assert_eq!(total(token(Value::Null, cookie.clone()).await).await, 3);
        assert_eq!(total(token(json!("sees_team"), cookie.clone()).await).await, 2);
        assert_eq!(total(token(json!("sees_own"), cookie).await).await, 0);
        let owner = world.shop.cookie.clone();
        assert_eq!(total(token(json!("analyst"), owner.clone()).await).await, 5);
        assert_eq!(total(token(json!("sees_own"), owner).await).await, 0);
    }

    async fn what_is_about_all_records_takes_a_view_of_all(db) {
        let world = World::make(&db).await;
        // A role that has everything and reaches its own only cannot be made, nor does it help.
        let role = json!({"name": "own_everything", "title": "x", "rights": ["*"], "reach": "own"});
        let refused = world.shop.send("POST", "/identity/roles", &[], &role).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{:?}", refused.body);
        let mut tx = db.db().begin().await.unwrap();
        let sql = "UPDATE identity_roles SET rights = '[\"*\"]' WHERE name = 'sees_own'";
        tx.execute(sql, vec![]).await.unwrap();
        tx.commit().await.unwrap();
        let rep = world.viewer("rep", &[]).await;
        for path in ["/commerce/imports", "/customers/suggestions", "/platform/jobs", "/identity/users", "/platform/audit"] {
            let answer = rep.send("GET", path, None).await;
            assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "reach_missing"), "{path}");
        }
        assert_eq!(rep.get("/customers").await["total"], 1);
    }
}
