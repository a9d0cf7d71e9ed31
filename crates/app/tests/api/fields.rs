//! Rules for fields: what a role does not see is in no answer, cannot be searched, filtered or sorted by,
//! and not changed; and what is masked is shown for a reason only.

use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::{TestDb, db_test};

use crate::house::{Answer, migrations};
use crate::reading::{Shop, text};

/// Everything of a shop that a rule can hide, as an answer would hold it.
const SECRETS: [&str; 22] = [
    "tealover",
    "张三",
    "138****0001",
    "浙江省",
    "西湖区",
    "VIP tag",
    "likes tea",
    ":10000",
    ":20000",
    ":15000",
    ":55000",
    ":27500",
    ":900000",
    "R5F5M5",
    "\"A\"",
    "100.00",
    "550.00",
    "at_risk",
    "champions",
    "文三路",
    "CNY 1",
    "wholesale",
];

const RIGHTS: [&str; 7] = [
    "customers.read",
    "customers.edit",
    "customers.reveal",
    "customers.export",
    "commerce.read",
    "insight.read",
    "loyalty.read",
];

struct Seen<'a> {
    shop: &'a Shop,
    cookie: String,
}

impl Seen<'_> {
    async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let request = axum::http::Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("cookie", &self.cookie)
            .header("if-match", "\"1\"")
            .header("content-type", "application/json");
        self.shop.house.send(request.body(body.to_string().into()).unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &Value::Null).await
    }
}

/// The cookie of somebody whose role has these rules.
pub async fn under(shop: &Shop, db: &TestDb, fields: Value) -> String {
    let role = json!({"name": "ruled", "title": "ruled", "rights": RIGHTS, "fields": fields});
    shop.post("/identity/roles", &role).await;
    shop.house.add_user(db, "ruled@example.com", "ruled").await;
    shop.house.cookie_of("ruled@example.com").await
}

/// A shop with a tag, a note and a rating; with a customer and an order of it.
async fn furnished(db: &TestDb) -> (Shop, String, String) {
    let shop = Shop::open(db).await;
    let id = shop.id_of("tealover").await;
    shop.post(&format!("/customers/{id}/notes"), &json!({"text": "likes tea"})).await;
    let tag = shop.post("/customers/tags", &json!({"name": "VIP tag", "colour": "gold"})).await;
    shop.post("/customers/bulk/tags", &json!({"customers": [id], "add": [tag["id"]]})).await;
    let card = shop.get(&format!("/customers/{id}")).await;
    let version = format!("\"{}\"", card["version"]);
    let rated = shop
        .send(
            "PATCH",
            &format!("/customers/{id}"),
            &[("if-match", &version)],
            &json!({"rating": "A"}),
        )
        .await;
    assert_eq!(rated.status, StatusCode::OK);
    let orders = shop.get(&format!("/commerce/orders?customer={id}")).await;
    let order = text(&orders["items"][0]["id"]);
    (shop, id, order)
}

fn everything_hidden() -> Value {
    json!({
        "customers.name": "masked", "customers.accounts": "hidden", "customers.phone": "hidden",
        "customers.email": "hidden", "customers.birthday": "hidden", "customers.region": "hidden", "customers.rating": "hidden",
        "customers.tags": "hidden", "customers.notes": "hidden", "commerce.amounts": "hidden",
        "commerce.receiver": "hidden", "commerce.remarks": "hidden",
    })
}

db_test! { migrations();
    async fn what_is_hidden_is_in_no_answer(db) {
        let (shop, id, order) = furnished(&db).await;
        let seen = Seen { shop: &shop, cookie: under(&shop, &db, everything_hidden()).await };
        for path in [
            "/customers".to_owned(),
            "/customers?sort=-orders".to_owned(),
            format!("/customers/{id}"),
            format!("/customers/{id}/timeline"),
            "/commerce/orders".to_owned(),
            format!("/commerce/orders?customer={id}"),
            format!("/commerce/orders/{order}"),
            "/search?q=210000000001".to_owned(),
            "/insight/workbench".to_owned(),
            "/customers/export?format=csv".to_owned(),
        ] {
            let answer = seen.get(&path).await;
            assert_eq!(answer.status, StatusCode::OK, "{path} {:?}", answer.body);
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            for secret in SECRETS {
                assert!(!body.contains(secret), "{path} tells `{secret}`: {body}");
            }
        }
        // The owner is told every one of those that are in the answers at all.
        let of_owner = shop.get(&format!("/customers/{id}")).await.to_string();
        for told in ["tealover", "张三", "138****0001", "浙江省", "VIP tag", "likes tea", ":55000"] {
            assert!(of_owner.contains(told), "{told}");
        }
        let rfm = seen.get("/insight/rfm").await;
        assert_eq!(rfm.status, StatusCode::FORBIDDEN);
    }

    async fn what_is_hidden_cannot_be_asked_by(db) {
        let (shop, id, order) = furnished(&db).await;
        let seen = Seen { shop: &shop, cookie: under(&shop, &db, everything_hidden()).await };
        for (field, query) in [
            ("sort", "sort=-revenue"),
            ("sort", "sort=average_order"),
            ("revenue_min", "revenue_min=1"),
            ("revenue_max", "revenue_max=1"),
            ("tier", "tier=at_risk"),
            ("classic", "classic=important_value"),
            ("cell", "cell=R5F*M*"),
            ("province", "province=x"),
            ("rating", "rating=A"),
            ("tag", "tag=tag_01h455vb4pex5vsknk084sn02q"),
        ] {
            for list in ["/customers", "/customers/export"] {
                let answer = seen.get(&format!("{list}?{query}")).await;
                assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{list}?{query}");
                assert_eq!(answer.json()["errors"][0]["field"], field, "{query}");
            }
        }
        let sorted = seen.get("/commerce/orders?sort=-paid_amount").await;
        assert_eq!(sorted.status, StatusCode::UNPROCESSABLE_ENTITY);
        // Neither part of a name nor a phone number finds anybody; an order number does.
        for (q, found) in [("%E5%BC%A0", 0), ("tealover", 0), ("13800000001", 0), ("210000000001", 1)] {
            let answer = seen.get(&format!("/customers?q={q}")).await;
            assert_eq!(answer.json()["total"], found, "{q}");
        }
        let path = format!("/customers/{id}");
        for (method, path, body) in [
            ("PATCH", path.clone(), json!({"name": "x"})),
            ("PATCH", path.clone(), json!({"rating": null})),
            ("POST", format!("{path}/notes"), json!({"text": "x"})),
            ("PUT", format!("{path}/tags"), json!({"tags": []})),
            ("POST", "/customers/bulk/tags".to_owned(), json!({"customers": [id]})),
            ("POST", format!("/commerce/orders/{order}/reveal"), json!({"reason": "because"})),
        ] {
            let answer = seen.send(method, &path, &body).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path} {:?}", answer.body);
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(SECRETS.iter().all(|secret| !body.contains(secret)), "{body}");
        }
        let revealed = seen.send("POST", &format!("{path}/reveal"), &json!({"reason": "because"})).await;
        assert_eq!(revealed.json(), json!({"accounts": [], "phones": [], "emails": []}));
    }

    async fn what_is_read_only_is_seen_and_not_changed(db) {
        let (shop, id, _) = furnished(&db).await;
        let fields = json!({"customers.name": "read_only", "customers.notes": "read_only",
            "customers.accounts": "masked"});
        let seen = Seen { shop: &shop, cookie: under(&shop, &db, fields).await };
        let card = seen.get(&format!("/customers/{id}")).await.json();
        assert_eq!((text(&card["name"]), text(&card["notes"][0]["text"])), ("张三".into(), "likes tea".into()));
        assert_eq!(card["accounts"][0]["value"], "t***");
        assert_eq!(card["revenue_minor"], 55_000);
        let version = format!("\"{}\"", card["version"]);
        let request = |body: Value| {
            axum::http::Request::patch(format!("/api/v1/customers/{id}"))
                .header("cookie", &seen.cookie)
                .header("if-match", &version)
                .header("content-type", "application/json")
                .body(body.to_string().into())
                .unwrap()
        };
        let named = shop.house.send(request(json!({"name": "x"}))).await;
        assert_eq!(named.status, StatusCode::FORBIDDEN);
        let rated = shop.house.send(request(json!({"rating": "B"}))).await;
        assert_eq!(rated.status, StatusCode::OK);
        let noted = seen.send("POST", &format!("/customers/{id}/notes"), &json!({"text": "x"})).await;
        assert_eq!(noted.status, StatusCode::FORBIDDEN);
    }

    async fn personal_data_is_shown_for_a_reason_that_is_recorded(db) {
        let (shop, id, order) = furnished(&db).await;
        let seen = Seen { shop: &shop, cookie: under(&shop, &db, json!({})).await };
        let path = format!("/customers/{id}/reveal");
        for wrong in [json!({}), json!({"reason": " x "}), json!({"reason": "y".repeat(501)})] {
            let refused = seen.send("POST", &path, &wrong).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        }
        let reason = json!({"reason": "the parcel came back"});
        let revealed = seen.send("POST", &path, &reason).await;
        assert_eq!(revealed.status, StatusCode::OK, "{:?}", revealed.body);
        assert_eq!(revealed.json(), json!({"accounts": ["tealover"], "phones": ["+8613800000001"], "emails": []}));
        let receiver = seen.send("POST", &format!("/commerce/orders/{order}/reveal"), &reason).await;
        assert_eq!(receiver.status, StatusCode::OK, "{:?}", receiver.body);
        assert_eq!((&receiver.json()["name"], &receiver.json()["address"]), (&json!("张三"), &json!("文三路 1 号")));
        let log = shop.get("/platform/audit?limit=50").await;
        let entries = log["items"].as_array().unwrap();
        for (action, record) in [("customers.customer.reveal", &id), ("commerce.order.reveal", &order)] {
            let entry = entries.iter().find(|entry| entry["action"] == action).unwrap();
            assert!(entry.to_string().contains(record.as_str()), "{entry}");
            assert!(entry.to_string().contains("the parcel came back"), "{entry}");
        }
        // Without the right nothing is shown.
        shop.house.add_user(&db, "analyst@example.com", "analyst").await;
        let cookie = shop.house.cookie_of("analyst@example.com").await;
        let refused = Seen { shop: &shop, cookie }.send("POST", &path, &reason).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "right_missing"));
    }

    async fn who_came_without_a_name_is_not_told_by_it(db) {
        let shop = Shop::open(&db).await;
        // The first is called by the account, the second by its masked phone number, which is the account.
        shop.import(&db, "无名店", "\
no,account,name,mobile,province,at,paid,refund,state,title,district,address
310000000001,quietbuyer,,13800000009,浙江省,2025-01-10,100.00,,completed,龙井,,
310000000002,13900000008,,,浙江省,2025-01-11,100.00,,completed,龙井,,
").await;
        let (quiet, numbered) = (shop.id_of("quietbuyer").await, shop.id_of("139****0008").await);
        let tea = shop.id_of("tealover").await;
        shop.post("/customers/merges", &json!({"keep": tea, "absorb": quiet})).await;
        shop.post("/customers/person-requests", &json!({"customer": numbered, "kind": "access"})).await;
        let rights = [RIGHTS.as_slice(), &["customers.merge", "customers.requests"]].concat();
        for (n, rule) in ["hidden", "masked"].into_iter().enumerate() {
            let (name, email) = (format!("ruled_{n}"), format!("ruled_{n}@example.com"));
            let fields = json!({"customers.accounts": rule, "customers.phone": "hidden"});
            let role = json!({"name": name, "title": name, "rights": rights, "fields": fields});
            shop.post("/identity/roles", &role).await;
            shop.house.add_user(&db, &email, &name).await;
            let seen = Seen { shop: &shop, cookie: shop.house.cookie_of(&email).await };
            let mut told = String::new();
            for path in [
                "/customers".to_owned(),
                format!("/customers/{tea}"),
                format!("/customers/{tea}/timeline"),
                format!("/customers/{numbered}"),
                "/commerce/orders".to_owned(),
                "/customers/person-requests".to_owned(),
                "/customers/export?format=csv".to_owned(),
            ] {
                let answer = seen.get(&path).await;
                assert_eq!(answer.status, StatusCode::OK, "{path} {:?}", answer.body);
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                for secret in ["quietbuyer", "139****0008", "13900000008"] {
                    assert!(!body.contains(secret), "{path} tells `{secret}`: {body}");
                }
                told.push_str(&body);
            }
            assert!(told.contains("q***") && told.contains("1***"), "{told}");
            assert!(told.contains("张三"), "names that are names are told");
            // As the page sends it: with the name that it was told.
            let body = json!({"rating": "A", "name": "1***"});
            let rated = seen.send("PATCH", &format!("/customers/{numbered}"), &body).await;
            let kept = shop.get(&format!("/customers/{numbered}")).await;
            assert_eq!((&kept["name"], &kept["rating"]), (&json!("139****0008"), &json!("A")));
            let seen_q = seen.get("/customers?q=0008").await;
            assert_eq!(seen_q.json()["total"], 0, "part of the number finds nobody");
            // The second is told what the first made of it.
            let place = if n == 0 { "/name" } else { "/current/name" };
            assert_eq!(rated.json().pointer(place), Some(&json!("1***")), "{:?}", rated.body);
        }
    }

    async fn roles_are_refused_rules_that_mean_nothing(db) {
        let shop = Shop::open(&db).await;
        for (fields, told) in [
            (json!({"customers.shoe_size": "hidden"}), "there is no field `customers.shoe_size`"),
            (json!({"customers.name": "hidden"}), "`customers.name` can be read_only or masked, not hidden"),
        ] {
            let role = json!({"name": "odd", "title": "odd", "rights": [], "fields": fields});
            let answer = shop.send("POST", "/identity/roles", &[], &role).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(answer.json()["errors"][0], json!({"field": "fields", "message": told}));
        }
        // Nobody makes, or gives, a role that sees what they do not.
        let rules = json!({"customers.phone": "hidden"});
        let rights = ["identity.people", "customers.read"];
        let role = json!({"name": "chief", "title": "chief", "rights": rights, "fields": rules});
        shop.post("/identity/roles", &role).await;
        shop.house.add_user(&db, "chief@example.com", "chief").await;
        let cookie = shop.house.cookie_of("chief@example.com").await;
        let chief = Seen { shop: &shop, cookie };
        let role = json!({"name": "open", "title": "open", "rights": ["customers.read"]});
        assert_eq!(chief.send("POST", "/identity/roles", &role).await.status, StatusCode::FORBIDDEN);
        let role = json!({"name": "shut", "title": "shut", "rights": ["customers.read"], "fields": rules});
        assert_eq!(chief.send("POST", "/identity/roles", &role).await.status, StatusCode::CREATED);
        let invited = |role: &str| json!({"email": format!("{role}@example.com"), "role": role});
        let refused = chief.send("POST", "/identity/invitations", &invited("knowledge_editor")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let taken = chief.send("POST", "/identity/invitations", &invited("shut")).await;
        assert_eq!(taken.status, StatusCode::CREATED);
    }
}
