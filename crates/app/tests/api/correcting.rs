//! Accounts, phone numbers and e-mail addresses corrected by hand, through everything around the routes.

use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::{TestDb, db_test};

use crate::erasing::{dump, import};
use crate::house::{Answer, migrations};
use crate::reading::{ORDERS, Shop, text};

const WRONG: &str = "138****0001";

/// Sends to the identities of a customer with its present version.
async fn send(shop: &Shop, method: &str, customer: &str, rest: &str, body: Value) -> Answer {
    let card = shop.get(&format!("/customers/{customer}")).await;
    let version = format!("\"{}\"", card["version"]);
    let path = format!("/customers/{customer}/identities{rest}");
    shop.send(method, &path, &[("if-match", &version)], &body).await
}

async fn identity(shop: &Shop, customer: &str, value: &str) -> String {
    let card = shop.get(&format!("/customers/{customer}")).await;
    let all = card["identities"].as_array().unwrap();
    let found = all.iter().find(|one| one["value"] == value);
    text(&found.unwrap_or_else(|| panic!("{value} in {all:?}"))["id"])
}

fn values(card: &Value) -> Vec<String> {
    card["identities"].as_array().unwrap().iter().map(|one| text(&one["value"])).collect()
}

/// Corrects the phone number of 张三.
async fn corrected(shop: &Shop, one: &str) -> Value {
    let id = identity(shop, one, WRONG).await;
    let body = json!({"value": "139 0000 0009", "reason": "a digit was wrong"});
    let answer = send(shop, "PUT", one, &format!("/{id}"), body).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    answer.json()
}

/// The orders of the shop as a later file has them, and one more.
fn later() -> String {
    let news = ORDERS.replace("2025-12-31,300.00,,paid", "2025-12-31,300.00,20.00,completed");
    format!(
        "{news}210000000008,tealover,张三,13800000001,浙江省,2026-01-02,5.00,,paid,茶,西湖区,文三路 1 号\n"
    )
}

async fn total(shop: &Shop, query: &str) -> u64 {
    shop.get(&format!("/customers?{query}")).await["total"].as_u64().unwrap()
}

async fn a_role(shop: &Shop, db: &TestDb, name: &str, body: Value) -> String {
    let mut role =
        json!({"name": name, "title": name, "rights": ["customers.read", "customers.edit"]});
    role.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    shop.post("/identity/roles", &role).await;
    let email = format!("{name}@example.com");
    shop.house.add_user(db, &email, name).await;
    shop.house.cookie_of(&email).await
}

async fn as_other(
    shop: &Shop,
    cookie: &str,
    method: &str,
    path: &str,
    version: &Value,
    body: Value,
) -> Answer {
    let request = axum::http::Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header("cookie", cookie)
        .header("if-match", format!("\"{version}\""))
        .header("content-type", "application/json");
    shop.house.send(request.body(body.to_string().into()).unwrap()).await
}

db_test! { migrations();
    async fn a_corrected_number_is_found_told_and_does_not_come_back(db) {
        let shop = Shop::open(&db).await;
        let one = shop.id_of("tealover").await;
        let before = dump(&db).await;
        let card = corrected(&shop, &one).await;
        assert_eq!(values(&card), ["tealover", "139****0009"]);
        assert_eq!(card["identities"][1]["by_hand"], true);
        assert_eq!((total(&shop, "q=13900000009").await, total(&shop, "q=13800000001").await), (1, 0));
        let reveal = shop.post(&format!("/customers/{one}/reveal"), &json!({"reason": "a look"})).await;
        assert_eq!(reveal["phones"], json!(["+8613900000009"]));

        // The audit log has both, sealed; the history tells neither.
        let log = shop.get(&format!("/platform/audit?record={one}&action=customers.identity")).await;
        let entry = &log["items"][0];
        assert_eq!(entry["action"], "customers.identity.correct");
        assert_eq!((&entry["before"]["value"], &entry["after"]["value"]), (&json!("+861******0001"), &json!("+861******0009")));
        assert_eq!(entry["after"]["reason"], "a digit was wrong");
        let timeline = shop.get(&format!("/customers/{one}/timeline?kind=identity")).await;
        let told = &timeline["items"][0];
        assert_eq!((&told["identity"], &told["title"]), (&json!({"deed": "correct", "of": "phone"}), &json!("")));
        let after = dump(&db).await;
        for line in after.lines().filter(|line| !before.contains(*line)) {
            assert!(!line.contains("13900000009") && !line.contains("13800000001") && !line.contains("a digit"), "{line}");
        }

        // The same file, and a later one with a new order of the same account.
        let count = total(&shop, "limit=1").await;
        for file in [ORDERS.to_owned(), later()] {
            import(&db, &shop, &file).await;
            let card = shop.get(&format!("/customers/{one}")).await;
            assert_eq!(values(&card), ["tealover", "139****0009"], "{card}");
        }
        assert_eq!(total(&shop, "limit=1").await, count);
        let card = shop.get(&format!("/customers/{one}")).await;
        assert_eq!(card["orders"], 4);
        assert_eq!(shop.get("/customers/suggestions").await["items"].as_array().unwrap().len(), 1, "that of the two 李四");

        // A new order that bears the number alone is somebody else's, and then they have it.
        let header = ORDERS.lines().next().unwrap();
        let other = format!("{header}\n210000000099,,钱七,13800000001,浙江省,2026-01-03,5.00,,paid,茶,西湖区,别路 9 号\n");
        import(&db, &shop, &other).await;
        let list = shop.get("/customers?q=13800000001").await;
        assert_eq!((&list["total"], &list["items"][0]["name"]), (&json!(1), &json!("钱七")));
        assert_eq!(shop.get(&format!("/customers/{one}")).await["orders"], 4);

        // Everything still fits together, and what is held of the person says what was done.
        let checks = flows::verify::verify(&shop.house.state.platform, &db.ctx()).await.unwrap();
        assert!(checks.iter().all(|check| check.ok), "{checks:?}");
        let given = shop.post(&format!("/customers/{one}/person-data"), &json!({"reason": "they asked"})).await;
        assert_eq!(given["identities"].as_array().unwrap().len(), 2);
        assert_eq!((given["not_theirs"].as_array().unwrap().len(), &given["not_theirs"][0]["kind"]), (1, &json!("phone")));
        assert!(given["audit"].to_string().contains("13800000001"), "the log has what it was before");
        // Erased: neither number is anywhere, and a file of the same orders brings nothing back.
        shop.post(&format!("/customers/{one}/erasure"), &json!({"reason": "request", "dry_run": false})).await;
        let mut tx = db.db().read().await.unwrap();
        let (left,): (i64,) = tx.fetch_one("SELECT COUNT(*) FROM customers_struck", vec![]).await.unwrap();
        tx.rollback().await.unwrap();
        assert_eq!(left, 0);
        assert!(!shop.get(&format!("/platform/audit?record={one}")).await.to_string().contains("****0009"));
    }

    async fn an_order_without_an_account_stays_with_whom_it_was(db) {
        let shop = Shop::open(&db).await;
        let header = ORDERS.lines().next().unwrap();
        let file = |state: &str| format!("{header}\n310000000001,,孙八,13800000055,浙江省,2025-02-03,5.00,,{state},茶,西湖区,别路 9 号\n");
        import(&db, &shop, &file("paid")).await;
        let one = text(&shop.get("/customers?q=13800000055").await["items"][0]["id"]);
        let id = identity(&shop, &one, "138****0055").await;
        let gone = send(&shop, "POST", &one, &format!("/{id}/removal"), json!({"reason": "not theirs"})).await;
        assert_eq!((gone.status, values(&gone.json()).len()), (StatusCode::OK, 0));
        let count = total(&shop, "limit=1").await;
        let done = import(&db, &shop, &file("completed")).await;
        assert_eq!((done.progress.orders_updated, done.progress.customers_created), (1, 0));
        assert_eq!(total(&shop, "limit=1").await, count, "nobody is made of the wrong number");
        assert_eq!(total(&shop, "q=13800000055").await, 0);
        assert_eq!(shop.get(&format!("/customers/{one}")).await["orders"], 1);
    }

    async fn what_somebody_else_has_is_told_to_who_may_see_them(db) {
        let shop = Shop::open(&db).await;
        let (one, two) = (shop.id_of("tealover").await, shop.id_of("lisi").await);
        let body = json!({"kind": "phone", "value": "13800000002", "reason": "they called"});
        let taken = send(&shop, "POST", &one, "", body.clone()).await;
        assert_eq!((taken.status, taken.code().as_str()), (StatusCode::CONFLICT, "identity_taken"));
        assert_eq!(taken.json()["current"], json!({"id": two, "name": "李四", "can_merge": true}));
        // Who sees only their own customers is not told who.
        let cookie = a_role(&shop, &db, "own_only", json!({"reach": "own"})).await;
        let users = shop.get("/identity/users?limit=100").await;
        let user = users["items"].as_array().unwrap().iter().find(|user| user["email"] == "own_only@example.com").unwrap();
        shop.post("/customers/bulk/owner", &json!({"customers": [one], "owner": user["id"]})).await;
        let version = shop.get(&format!("/customers/{one}")).await["version"].clone();
        let path = format!("/customers/{one}/identities");
        let taken = as_other(&shop, &cookie, "POST", &path, &version, body.clone()).await;
        assert_eq!((taken.status, taken.code().as_str()), (StatusCode::CONFLICT, "identity_taken"));
        let told = String::from_utf8_lossy(&taken.body).into_owned();
        assert!(!told.contains(&two) && !told.contains("李四") && !told.contains("current"), "{told}");
        // Two people may use one number; an account is one person's.
        let shared = json!({"kind": "phone", "value": "13800000002", "reason": "his wife", "shared": true});
        let done = send(&shop, "POST", &one, "", shared).await;
        assert_eq!(done.status, StatusCode::OK, "{:?}", done.body);
        assert_eq!(values(&done.json()), ["tealover", "138****0001", "138****0002"]);
        let shops = shop.get("/commerce/shops").await;
        let account = json!({"kind": "account", "value": "LISI", "shop": shops["items"][0]["id"], "reason": "they called"});
        let taken = send(&shop, "POST", &one, "", account).await;
        assert_eq!((taken.status, taken.json()["current"]["id"].clone()), (StatusCode::CONFLICT, json!(two)));
    }

    async fn wrong_ones_are_named_and_rules_of_fields_hold(db) {
        let shop = Shop::open(&db).await;
        let one = shop.id_of("tealover").await;
        let shops = shop.get("/commerce/shops").await;
        let shop_id = &shops["items"][0]["id"];
        let because = "they called";
        for (body, field, told) in [
            (json!({"kind": "phone", "value": "138****0001", "reason": because}), "value", "masked"),
            (json!({"kind": "phone", "value": "18877771111-123", "reason": because}), "value", "virtual"),
            (json!({"kind": "phone", "value": "12345", "reason": because}), "value", "mobile number"),
            (json!({"kind": "email", "value": "a@b", "reason": because}), "value", "e-mail"),
            (json!({"kind": "account", "value": "t**3", "shop": shop_id, "reason": because}), "value", "masked"),
            (json!({"kind": "account", "value": "someone", "reason": because}), "shop", "shop"),
            (json!({"kind": "phone", "value": "13900000009", "shop": shop_id, "reason": because}), "shop", "leave it out"),
            (json!({"kind": "email", "value": "a@example.com", "reason": "x"}), "reason", "3 to 500"),
            (json!({"kind": "account", "value": "someone", "shop": shop_id, "shared": true, "reason": because}), "shared", "one customer's"),
        ] {
            let answer = send(&shop, "POST", &one, "", body.clone()).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body} {:?}", answer.body);
            let error = &answer.json()["errors"][0];
            assert_eq!(error["field"], field, "{body}");
            assert!(text(&error["message"]).contains(told), "{error}");
        }
        let there = send(&shop, "POST", &one, "", json!({"kind": "phone", "value": "+86 13800000001", "reason": because})).await;
        assert_eq!(there.code(), "identity_there");
        let path = format!("/customers/{one}/identities");
        let body = json!({"kind": "email", "value": "a@example.com", "reason": because});
        let stale = shop.send("POST", &path, &[("if-match", "\"99\"")], &body).await;
        assert_eq!((stale.status, &stale.json()["current"]["name"]), (StatusCode::PRECONDITION_FAILED, &json!("张三")));
        let account = json!({"kind": "account", "value": "tea_two", "shop": shop_id, "reason": because});
        assert_eq!(send(&shop, "POST", &one, "", account).await.json()["accounts"].as_array().unwrap().len(), 2);
        let found = shop.id_of("tea_two").await;
        assert_eq!(found, one, "the search finds the new account");

        // Read-only and hidden fields are not changed, whatever the identity is named by.
        let rules = json!({"fields": {"customers.phone": "read_only", "customers.email": "hidden", "customers.accounts": "masked"}});
        let cookie = a_role(&shop, &db, "ruled", rules).await;
        let phone = identity(&shop, &one, WRONG).await;
        let version = shop.get(&format!("/customers/{one}")).await["version"].clone();
        for (method, path, body) in [
            ("POST", path.clone(), json!({"kind": "phone", "value": "13900000009", "reason": because})),
            ("POST", path.clone(), body.clone()),
            ("POST", path.clone(), json!({"kind": "account", "value": "x", "shop": shop_id, "reason": because})),
            ("PUT", format!("{path}/{phone}"), json!({"value": "13900000009", "reason": because})),
            ("POST", format!("{path}/{phone}/removal"), json!({"reason": because})),
        ] {
            let answer = as_other(&shop, &cookie, method, &path, &version, body).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path} {:?}", answer.body);
        }
        let unchanged = shop.get(&format!("/customers/{one}")).await;
        assert_eq!(unchanged["version"], version);
    }

    async fn a_request_for_correction_finds_what_was_done_and_an_undo_waits_for_it(db) {
        let shop = Shop::open(&db).await;
        let one = shop.id_of("tealover").await;
        let asked = json!({"customer": one, "kind": "correction", "text": "the number is wrong"});
        let request = shop.post("/customers/person-requests", &asked).await;
        corrected(&shop, &one).await;
        let done = json!({"done": true, "answer": "corrected"});
        let finished = shop.post(&format!("/customers/person-requests/{}/finish", text(&request["id"])), &done).await;
        assert_eq!(finished["deed"]["action"], "customers.identity.correct");
        let import = text(&shop.get("/commerce/imports").await["items"][0]["id"]);
        let undo = shop.send("POST", &format!("/commerce/imports/{import}/undo"), &[], &json!({})).await;
        assert_eq!(undo.status, StatusCode::CONFLICT, "{:?}", undo.body);
    }
}
