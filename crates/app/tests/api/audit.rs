//! What is recorded of what people do, through the real router.

use axum::http::StatusCode;
use platform::audit;
use serde_json::{Value, json};
use testkit::{TestDb, db_test};

use crate::house::{EMAIL, PASSWORD, migrations};
use crate::reading::{Shop, text};

/// All entries, the first first.
async fn log(shop: &Shop) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut after = String::new();
    loop {
        let page = shop.get(&format!("/platform/audit?limit=200{after}")).await;
        entries.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    entries.reverse();
    entries
}

/// What was recorded since there were `known` entries.
async fn since(shop: &Shop, known: usize) -> Vec<Value> {
    log(shop).await.split_off(known)
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

async fn is_sound(db: &TestDb) {
    audit::chain(db.platform()).await.unwrap();
    let mut tx = db.db().read().await.unwrap();
    let found = audit::verify(&mut tx, db.ctx().scope, &db.keys(), None).await.unwrap();
    assert_eq!((found.broken, found.pending), (None, 0));
}

async fn delete(shop: &Shop, path: &str) {
    let answer = shop.send("DELETE", path, &[], &Value::Null).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{path}: {:?}", answer.body);
}

db_test! { migrations();
    async fn what_is_done_with_customers_is_recorded(db) {
        let shop = Shop::open(&db).await;
        let me = shop.get("/identity/sessions/current").await["user"]["id"].clone();
        let known = log(&shop).await.len();
        let (keep, absorb) = (shop.id_of("lisi").await, shop.id_of("lisi_two").await);
        let version = format!("\"{}\"", shop.get(&format!("/customers/{keep}")).await["version"]);
        let edit = json!({"name": "李小四", "rating": "A"});
        let path = format!("/customers/{keep}");
        shop.send("PATCH", &path, &[("if-match", &version)], &edit).await;
        let note = shop.post(&format!("{path}/notes"), &json!({"text": "电话 13912345678"})).await;
        delete(&shop, &format!("{path}/notes/{}", text(&note["id"]))).await;
        let tag = shop.post("/customers/tags", &json!({"name": "VIP", "colour": "gold"})).await;
        shop.send("PUT", &format!("{path}/tags"), &[], &json!({"tags": [tag["id"]]})).await;
        let bulk = json!({"customers": [keep, absorb], "remove": [tag["id"]]});
        shop.post("/customers/bulk/tags", &bulk).await;
        delete(&shop, &format!("/customers/tags/{}", text(&tag["id"]))).await;
        let merge = shop.post("/customers/merges", &json!({"keep": keep, "absorb": absorb})).await;
        delete(&shop, &format!("/customers/merges/{}", text(&merge["id"]))).await;
        let suggestions = shop.get("/customers/suggestions").await;
        let suggestion = text(&suggestions["items"][0]["id"]);
        shop.post(&format!("/customers/suggestions/{suggestion}/dismiss"), &json!({})).await;
        let view = json!({"page": "customers", "name": "近期", "query": "q=13912345678", "shared": true});
        let view = shop.post("/customers/views", &view).await;
        delete(&shop, &format!("/customers/views/{}", text(&view["id"]))).await;
        shop.send("PUT", "/customers/settings", &[], &json!({"merge_by_itself": true})).await;

        let entries = since(&shop, known).await;
        assert_eq!(actions(&entries), [
            "customers.customer.edit",
            "customers.note.add",
            "customers.note.delete",
            "customers.tag.create",
            "customers.customer.tag",
            "customers.bulk.tag",
            "customers.tag.delete",
            "customers.merge.create",
            "customers.merge.undo",
            "customers.suggestion.dismiss",
            "customers.view.create",
            "customers.view.delete",
            "customers.settings.change",
        ]);
        for entry in &entries {
            assert_eq!((&entry["actor"], &entry["actor_person"]["email"]), (&me, &json!(EMAIL)), "{entry}");
            assert_eq!(entry["request_id"].as_str().unwrap().len(), 32, "{entry}");
        }
        let [edit, add, gone, ..] = entries.as_slice() else { panic!() };
        assert_eq!(edit["record"], json!({"kind": "customer", "id": keep}));
        assert_eq!((&edit["before"], &edit["after"]), (
            &json!({"rating": null, "name": "李四"}), &json!({"rating": "A", "name": "李小四"})));
        assert_eq!((&add["after"]["text"], &gone["before"]["text"]), (
            &json!("电话 139****5678"), &json!("电话 139****5678")), "masked");
        let settings = entries.last().unwrap();
        assert_eq!((&settings["before"], &settings["after"]), (
            &json!({"merge_by_itself": false}), &json!({"merge_by_itself": true})));

        let of = shop.get(&format!("/platform/audit?record={keep}&action=customers.note")).await;
        assert_eq!(actions(of["items"].as_array().unwrap()), ["customers.note.delete", "customers.note.add"]);
        let nobody = shop.get("/platform/audit?to=2025-01-01T00:00:00Z").await;
        assert_eq!(nobody["items"], json!([]));
        is_sound(&db).await;
    }

    async fn what_was_refused_or_was_so_already_leaves_no_entry(db) {
        let shop = Shop::open(&db).await;
        let customer = shop.id_of("lisi").await;
        let known = log(&shop).await.len();
        let path = format!("/customers/{customer}");
        let version = format!("\"{}\"", shop.get(&path).await["version"]);
        let other = "cus_01h455vb4pex5vsknk084sn02q";
        let unknown = "tag_01h455vb4pex5vsknk084sn02q";
        for (method, path, version, body, status) in [
            ("PATCH", path.clone(), "\"99\"", json!({"name": "x"}), 412),
            ("PATCH", path.clone(), version.as_str(), json!({"name": "李四"}), 200),
            ("POST", format!("/customers/{other}/notes"), "", json!({"text": "x"}), 404),
            ("POST", format!("{path}/notes"), "", json!({"text": ""}), 422),
            ("PUT", format!("{path}/tags"), "", json!({"tags": [unknown]}), 422),
            ("PUT", format!("{path}/tags"), "", json!({"tags": []}), 200),
            ("POST", "/customers/merges".into(), "", json!({"keep": customer, "absorb": customer}), 422),
            ("PUT", "/customers/settings".into(), "", json!({"merge_by_itself": false}), 200),
            ("POST", "/commerce/imports/imp_01h455vb4pex5vsknk084sn02q/undo".into(), "", json!({}), 404),
            ("POST", "/platform/jobs/job_01h455vb4pex5vsknk084sn02q/retry".into(), "", json!({}), 404),
            ("GET", "/customers/export?tier=x".into(), "", json!({}), 422),
        ] {
            let answer = shop.send(method, &path, &[("if-match", version)], &body).await;
            assert_eq!(answer.status.as_u16(), status, "{method} {path}: {:?}", answer.body);
        }
        let entries = since(&shop, known).await;
        assert_eq!(actions(&entries), Vec::<&str>::new());
    }

    async fn a_repeated_request_is_recorded_once(db) {
        let shop = Shop::open(&db).await;
        let known = log(&shop).await.len();
        for _ in 0..3 {
            let key = [("idempotency-key", "once")];
            let body = json!({"name": "VIP", "colour": "gold"});
            let answer = shop.send("POST", "/customers/tags", &key, &body).await;
            assert_eq!(answer.status, StatusCode::CREATED);
        }
        assert_eq!(actions(&since(&shop, known).await), ["customers.tag.create"]);
    }

    async fn sign_ins_and_tokens_are_recorded(db) {
        let shop = Shop::open(&db).await;
        let known = log(&shop).await.len();
        let sign_in = |email: &str, password: &str| json!({"email": email, "password": password});
        let path = "/api/v1/identity/sessions";
        for (email, password) in [(EMAIL, "a wrong password"), ("who@example.com", PASSWORD), (EMAIL, PASSWORD)] {
            shop.house.post(path, &[], &sign_in(email, password)).await;
        }
        let token = shop.post("/identity/tokens", &json!({"name": "ci"})).await;
        let bearer = format!("Bearer {}", text(&token["token"]));
        let body = json!({"name": "VIP", "colour": "gold"});
        shop.house.post("/api/v1/customers/tags", &[("authorization", &bearer)], &body).await;
        delete(&shop, &format!("/identity/tokens/{}", text(&token["id"]))).await;
        let entries = since(&shop, known).await;
        assert_eq!(actions(&entries), [
            "identity.sign_in_failed",
            "identity.sign_in_failed",
            "identity.sign_in",
            "identity.token.create",
            "customers.tag.create",
            "identity.token.revoke",
        ]);
        let [wrong, unknown, good, made, by_token, _] = entries.as_slice() else { panic!() };
        assert_eq!(wrong["record"]["kind"], "user", "whose address it was");
        assert_eq!((&unknown["record"], &unknown["actor"]), (&Value::Null, &Value::Null));
        assert_ne!(wrong["after"]["email_index"], unknown["after"]["email_index"]);
        assert_eq!(good["actor_person"]["email"], EMAIL);
        assert_eq!(made["record"]["id"], token["id"]);
        assert_eq!(by_token["token"], token["id"]);
        let all = Value::from(entries.clone()).to_string();
        for secret in [PASSWORD, "a wrong password", "who@example.com", text(&token["token"]).as_str()] {
            assert!(!all.contains(secret), "{secret}");
        }
        delete(&shop, "/identity/sessions/current").await;
        is_sound(&db).await;
        let mut tx = db.db().read().await.unwrap();
        let (count,): (i64,) = tx.fetch_one(
            "SELECT COUNT(*) FROM platform_audit WHERE action = 'identity.sign_out'", vec![]).await.unwrap();
        assert_eq!(count, 1);
    }

    async fn an_import_has_a_few_entries_and_not_one_for_each_row(db) {
        let shop = Shop::open(&db).await;
        let entries: Vec<Value> = log(&shop).await;
        let of_import: Vec<Value> = entries
            .into_iter()
            .filter(|entry| entry["action"].as_str().unwrap().starts_with("commerce."))
            .collect();
        assert_eq!(actions(&of_import), [
            "commerce.shop.create", "commerce.import.begin", "commerce.import.finish"]);
        assert_eq!(of_import[2]["after"]["orders_created"], 7);
        assert_eq!(of_import[1]["record"], of_import[2]["record"]);
        let id = text(&of_import[1]["record"]["id"]);
        let known = log(&shop).await.len();
        shop.post(&format!("/commerce/imports/{id}/undo"), &json!({})).await;
        let entries = since(&shop, known).await;
        assert_eq!(actions(&entries), ["commerce.import.undo"]);
        assert_eq!(entries[0]["actor_person"]["email"], EMAIL);
    }

    async fn an_export_says_who_took_whom(db) {
        let shop = Shop::open(&db).await;
        let known = log(&shop).await.len();
        let answer = shop.ask("/customers/export?q=13800000002&province=%E6%B1%9F%E8%8B%8F%E7%9C%81").await;
        assert_eq!(answer.status, StatusCode::OK);
        let entries = since(&shop, known).await;
        assert_eq!(actions(&entries), ["customers.export"]);
        let after = &entries[0]["after"];
        assert_eq!((&after["count"], &after["format"]), (&json!(2), &json!("csv")));
        assert_eq!(after["filter"]["q"], "138****0002");
        assert_eq!(after["filter"]["province"], "江苏省");
        let file = shop.ask("/platform/audit/export?action=customers.").await;
        let lines: Vec<Value> = std::str::from_utf8(&file.body).unwrap().lines()
            .map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines, [entries[0].clone()]);
        assert_eq!(actions(&since(&shop, known + 1).await), ["platform.audit.export"]);
        is_sound(&db).await;
    }

    async fn the_audit_tables_name_nobody(db) {
        let shop = Shop::open(&db).await;
        let customer = shop.id_of("tealover").await;
        let path = format!("/customers/{customer}/notes");
        shop.post(&path, &json!({"text": "zhang@example.com 13912345678"})).await;
        shop.ask("/customers/export?q=%E5%BC%A0%E4%B8%89").await;
        let mut tx = db.db().read().await.unwrap();
        let mut lines = String::new();
        let mut take = |line: &str| lines.push_str(line);
        audit::export(&mut tx, db.ctx().scope, &mut take).await.unwrap();
        assert!(lines.contains("customers.export") && lines.contains("identity.sign_in"));
        for canary in ["张三", "13912345678", "zhang@", EMAIL, "店主", "orders.csv"] {
            assert!(!lines.contains(canary), "the log holds {canary}");
        }
    }
}
