//! What people ask of us about their data, from receipt to the deed.

use axum::http::StatusCode;
use customers::erase::{self, ErasureReason};
use customers::person_requests::RequestState;
use kernel::CustomerId;
use serde_json::{Value, json};
use testkit::db_test;

use crate::house::{EMAIL, migrations};
use crate::reading::{Shop, text};

db_test! { migrations();
    async fn a_request_is_received_handled_and_linked_to_the_deed(db) {
        let shop = Shop::open(&db).await;
        let now = shop.house.state.platform.now();
        let (one, two) = (shop.id_of("lisi").await, shop.id_of("lisi_two").await);
        let path = "/customers/person-requests";
        let ask = |customer: &str, kind: &str, days: i64| json!({"customer": customer, "kind": kind,
            "received_at": now.plus_millis(-days * 86_400_000).to_string(), "text": "call 13800000002"});
        let made = shop.post(path, &ask(&one, "access", 1)).await;
        assert_eq!((&made["state"], &made["text"]), (&json!("open"), &json!("call 138****0002")));
        assert_eq!(made["due_at"], now.plus_millis(14 * 86_400_000).to_string());
        assert_eq!((&made["customer_name"], &made["handler_person"]["email"]), (&json!("李四"), &json!(EMAIL)));
        let late = shop.post(path, &ask(&two, "erasure", 20)).await;
        assert_eq!(late["overdue"], true);

        // By when they are due; filters; the whole family.
        let ids = |page: &serde_json::Value| page["items"].as_array().unwrap().iter().map(|one| text(&one["id"])).collect::<Vec<_>>();
        let both = [text(&late["id"]), text(&made["id"])];
        assert_eq!(ids(&shop.get(path).await), both);
        let first = shop.get(&format!("{path}?limit=1")).await;
        let next = text(&first["next"]);
        assert_eq!(ids(&shop.get(&format!("{path}?limit=1&after={next}")).await), both[1..]);
        assert_eq!(ids(&shop.get(&format!("{path}?overdue=true")).await), both[..1]);
        assert_eq!(ids(&shop.get(&format!("{path}?state=open&kind=access")).await), both[1..]);
        assert_eq!(ids(&shop.get(&format!("{path}?customer={one}")).await), both[1..]);
        shop.post("/customers/merges", &json!({"keep": one, "absorb": two})).await;
        assert_eq!(ids(&shop.get(&format!("{path}?customer={one}")).await), both);
        let given = shop.post(&format!("/customers/{one}/person-data"), &json!({"reason": "they asked"})).await;
        assert_eq!(given["requests"].as_array().unwrap().len(), 2);
        assert_eq!(given["requests"][0]["text"], "call 13800000002");

        // The deed is found in the log; a request that was finished stays so.
        let finish = |id: &str| format!("{path}/{id}/finish");
        let done = shop.post(&finish(&both[1]), &json!({"done": true, "answer": "sent by post"})).await;
        assert_eq!((&done["state"], &done["deed"]["action"]), (&json!("done"), &json!("customers.person_export")));
        let again = shop.send("POST", &finish(&both[1]), &[], &json!({"done": false, "answer": "no"})).await;
        assert_eq!((again.status, again.code().as_str()), (StatusCode::CONFLICT, "request_is_finished"));
        let empty = shop.send("POST", &finish(&both[0]), &[], &json!({"done": false, "answer": " "})).await;
        assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);

        // Erased: what they wrote goes, that they asked stays.
        shop.post(&format!("/customers/{one}/erasure"), &json!({"reason": "request", "dry_run": false})).await;
        let done = shop.post(&finish(&both[0]), &json!({"done": true, "answer": "erased"})).await;
        assert_eq!((&done["deed"]["action"], &done["text"], &done["customer_name"]), (&json!("customers.erase"), &json!(null), &json!("")));
        let mut tx = db.db().read().await.unwrap();
        let sql = "SELECT COUNT(*) FROM customers_person_requests WHERE sealed IS NOT NULL";
        let (texts,): (i64,) = tx.fetch_one(sql, vec![]).await.unwrap();
        assert_eq!(texts, 1, "only the answer that came after");
        tx.rollback().await.unwrap();
        let log = shop.get("/platform/audit?action=customers.person_request").await;
        assert_eq!(log["items"].as_array().unwrap().len(), 4);
        assert!(!log.to_string().contains("138****0002"), "erased with the person");
    }

    async fn somebody_else_takes_it_and_wrong_ones_are_refused(db) {
        let shop = Shop::open(&db).await;
        let one = shop.id_of("tealover").await;
        let path = "/customers/person-requests";
        let made = shop.post(path, &json!({"customer": one, "kind": "correction"})).await;
        shop.house.add_user(&db, "lead@example.com", "service_lead").await;
        let cookie = shop.house.cookie_of("lead@example.com").await;
        let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
        let take = format!("/api/v1{path}/{}/take", text(&made["id"]));
        let taken = shop.house.post(&take, &headers, &json!({})).await;
        assert_eq!(taken.json()["handler_person"]["email"], "lead@example.com", "{:?}", taken.body);
        let future = json!({"customer": one, "kind": "access", "received_at": "2099-01-01T00:00:00Z"});
        let nobody = json!({"customer": "cus_01h455vb4pex5vsknk084sn02q", "kind": "access"});
        for (body, field) in [(future, "received_at"), (nobody, "customer")] {
            let answer = shop.send("POST", path, &[], &body).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{:?}", answer.body);
            assert_eq!(answer.json()["errors"][0]["field"], field);
        }
        // An import of whose customer something is asked is not taken back.
        let import = text(&shop.get("/commerce/imports").await["items"][0]["id"]);
        let undo = shop.send("POST", &format!("/commerce/imports/{import}/undo"), &[], &json!({})).await;
        assert_eq!(undo.status, StatusCode::CONFLICT, "{:?}", undo.body);
    }

    async fn finishing_one_while_its_customer_is_erased_brings_nothing_back(db) {
        let shop = Shop::open(&db).await;
        let one = shop.id_of("tealover").await;
        let wrote = json!({"customer": one, "kind": "erasure", "text": "I am 13800000001"});
        let made = shop.post("/customers/person-requests", &wrote).await;
        let id = text(&made["id"]).parse().unwrap();
        let (cx, platform) = (db.ctx(), shop.house.state.platform.clone());
        let mut erasing = platform.db.begin_for(cx.scope).await.unwrap();
        let customer: CustomerId = one.parse().unwrap();
        let held = erase::held(&mut erasing, &cx, &cx.keys(), customer).await.unwrap().unwrap();
        erase::erase(&mut erasing, &cx, &held, ErasureReason::Request, None).await.unwrap();
        let finishing = tokio::spawn({
            let cx = cx.clone();
            async move {
                let mut tx = platform.db.begin_for(cx.scope).await.unwrap();
                let answer = "erased".to_owned();
                let done = flows::person_requests::finish(&mut tx, &cx, id, RequestState::Done, answer).await.unwrap();
                tx.commit().await.unwrap();
                done
            }
        });
        if erasing.is_postgres() {
            let sql = "SELECT CAST(pg_backend_pid() AS BIGINT)";
            let (own,): (i64,) = erasing.fetch_one(sql, vec![]).await.unwrap();
            // It stands where the erasure has been.
            testkit::eventually("finishing to wait", async || {
                let mut tx = db.db().read().await.unwrap();
                let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE CAST($1 AS INTEGER) = ANY(pg_blocking_pids(pid))";
                let (blocked,): (i64,) = tx.fetch_one(sql, platform::args![own]).await.unwrap();
                tx.rollback().await.unwrap();
                (blocked > 0).then_some(())
            })
            .await;
        }
        // On SQLite it waits for the only writer.
        erasing.commit().await.unwrap();
        let done = finishing.await.unwrap();
        assert_eq!((done.text, done.answer.as_deref()), (None, Some("erased")));
    }

    async fn only_a_refusal_is_the_deed_of_a_withdrawal(db) {
        let shop = Shop::open(&db).await;
        let one = shop.id_of("tealover").await;
        let consent = async |granted: bool, purposes: Value| {
            let body = json!({"channels": ["any"], "purposes": purposes, "granted": granted, "source": "phone"});
            shop.post(&format!("/customers/{one}/consents"), &body).await;
        };
        let deed_of = async |kind: &str, before: &str| {
            let body = json!({"customer": one, "kind": kind, "received_at": before});
            let made = shop.post("/customers/person-requests", &body).await;
            let finish = format!("/customers/person-requests/{}/finish", text(&made["id"]));
            shop.post(&finish, &json!({"done": true, "answer": "noted"})).await["deed"].clone()
        };
        let now = shop.house.state.platform.now().to_string();
        consent(true, json!(["marketing"])).await;
        assert_eq!(deed_of("withdrawal", &now).await, Value::Null, "a grant takes nothing back");
        consent(false, json!(["marketing"])).await;
        consent(true, json!(["survey"])).await;
        let deed = deed_of("withdrawal", &now).await;
        assert_eq!(deed["action"], "customers.consent.add", "the grant after it hides it not");
        assert_eq!(deed_of("restriction", &now).await, Value::Null, "that was of something else");
        consent(false, json!(["automated_decision"])).await;
        assert_eq!(deed_of("restriction", &now).await["action"], "customers.consent.add");
    }
}
