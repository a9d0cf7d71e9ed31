//! Retention rules through the interface: what a dry run says goes, and nothing else.

use axum::http::StatusCode;
use kernel::OrgId;
use serde_json::{Value, json};
use testkit::{TestDb, db_test};
use tokio_util::sync::CancellationToken;

use crate::erasing::{self, dump, import, kept, of_business};
use crate::house::migrations;
use crate::reading::Shop;

const DAY: i64 = 24 * 3_600_000;
const NAME: &str = "欧阳独一";
const PHONE: &str = "13877770001";
const STREET: &str = "独一路 77 号";
const NOTE: &str = "喜欢熟普，电话 13877770001";

fn file(state: &str) -> String {
    format!(
        "no,account,name,mobile,province,at,paid,refund,state,title,district,address\n\
         310000000001,onlyone,{NAME},{PHONE},浙江省,2024-01-10,100.00,,{state},龙井,西湖区,{STREET}\n\
         310000000002,onlyone,{NAME},{PHONE},浙江省,2024-03-10,200.00,50.00,{state},红茶,西湖区,{STREET}\n\
         310000000003,another,赵六,13800000066,浙江省,2024-05-10,70.00,,paid,白茶,西湖区,文三路 9 号\n"
    )
}

/// Signs in anew after the clock went on.
async fn later(db: &TestDb, shop: &mut Shop, days: i64) {
    db.clock().advance_millis(days * DAY);
    shop.cookie = shop.house.cookie().await;
}

async fn put(shop: &Shop, class: &str, body: &Value) -> crate::house::Answer {
    shop.send("PUT", &format!("/platform/retention/{class}"), &[], body).await
}

async fn forecast(shop: &Shop, class: &str, days: u32) -> Value {
    let body = json!({ "rules": { class: days } });
    shop.post("/platform/retention/dry-run", &body).await["items"][0].clone()
}

/// The sums that a merchant sees, without the list of imports, some of which cannot be taken back any more.
async fn sums(shop: &Shop) -> Vec<Value> {
    let mut sums = erasing::sums(shop).await;
    sums[1].as_object_mut().unwrap().remove("recent_imports").unwrap();
    sums
}

async fn run(shop: &Shop) {
    let platform = &shop.house.state.platform;
    let cx = platform.ctx(platform::Scope::system(OrgId::FIRST));
    flows::retention::run(platform, &cx, &CancellationToken::new()).await.unwrap();
}

db_test! { migrations();
    async fn orders_lose_people_and_every_sum_is_as_it_was(db) {
        let mut shop = Shop::open(&db).await;
        import(&db, &shop, &file("paid")).await;
        let second = import(&db, &shop, &file("completed")).await;
        let one = shop.id_of("onlyone").await;
        shop.post(&format!("/customers/{one}/notes"), &json!({"text": NOTE})).await;
        later(&db, &mut shop, 100).await;
        assert!(kept(&db).await.contains(STREET), "{STREET} is looked for where it is");
        let before = dump(&db).await;
        let told = forecast(&shop, "ended_orders", 365).await;
        assert_eq!(of_business(&dump(&db).await), of_business(&before), "a dry run changes nothing");
        // Two of 张三 are as old.
        assert_eq!((&told["count"], &told["held_back"]), (&json!(4), &json!(1)), "{told}");
        assert_eq!(told["oldest"], "2024-01-09T16:00:00.000Z");
        assert_eq!(told["examples"].as_array().unwrap().len(), 4);

        // Not without its number, and not for too few days.
        let body = json!({"keep_days": 365, "confirmed_count": 3});
        let refused = put(&shop, "ended_orders", &body).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "retention_unconfirmed"));
        for days in [json!(1), json!(36_501), json!(-1), json!("a")] {
            let refused = put(&shop, "ended_orders", &json!({"keep_days": days, "confirmed_count": 9})).await;
            assert!(refused.status.is_client_error(), "{days}");
        }
        let unsaid = put(&shop, "ended_orders", &json!({"confirmed_count": 9})).await;
        assert!(unsaid.status.is_client_error(), "for ever has to be said");
        assert_eq!(put(&shop, "everything", &json!({"keep_days": null})).await.status, StatusCode::NOT_FOUND);
        let body = json!({"keep_days": 365, "confirmed_count": 4, "reason": "agreed with the lawyer"});
        let set = put(&shop, "ended_orders", &body).await;
        assert_eq!(set.status, StatusCode::OK, "{:?}", set.body);
        assert_eq!(set.json()["items"][0]["keep_days"], 365);
        for (class, days) in [("notes", 90), ("imports", 90)] {
            let count = forecast(&shop, class, days).await["count"].clone();
            let set = put(&shop, class, &json!({"keep_days": days, "confirmed_count": count})).await;
            assert_eq!(set.status, StatusCode::OK, "{:?}", set.body);
        }
        let sums_before = sums(&shop).await;
        run(&shop).await;

        assert_eq!(sums(&shop).await, sums_before);
        let held = kept(&db).await;
        for trace in [STREET, "独一路", "熟普"] {
            assert!(!held.contains(trace), "{trace} is left: {held}");
        }
        // What is sealed cannot be seen in a dump: the cells themselves are empty.
        let orders = shop.get(&format!("/commerce/orders?customer={one}")).await;
        for order in orders["items"].as_array().unwrap() {
            let id = order["id"].as_str().unwrap();
            let shown = shop.post(&format!("/commerce/orders/{id}/reveal"), &json!({"reason": "a look"})).await;
            assert!(!shown.to_string().contains("独一"), "{shown}");
        }
        let person = shop.post(&format!("/customers/{one}/person-data"), &json!({"reason": "a look"})).await;
        for gone in [STREET, NOTE, "熟普"] {
            assert!(!person.to_string().contains(gone), "{gone}");
        }
        assert!(person.to_string().contains(PHONE), "the customer is still known");
        let card = shop.get(&format!("/customers/{one}")).await;
        assert_eq!((&card["notes"], &card["name"]), (&json!([]), &json!(NAME)));

        // The same file brings nothing back, and the import says that it stays.
        import(&db, &shop, &file("completed")).await;
        assert_eq!(sums(&shop).await, sums_before);
        assert!(!kept(&db).await.contains("独一路"));
        let path = format!("/commerce/imports/{}", second.id);
        let view = shop.get(&path).await;
        assert_eq!((&view["can_undo"], &view["undo_refusal_code"]["code"]), (&json!(false), &json!("forgotten")));
        let undo = shop.send("POST", &format!("{path}/undo"), &[], &Value::Null).await;
        assert_eq!((undo.status, undo.code().as_str()), (StatusCode::CONFLICT, "undo_refused"));
        let rejects = shop.ask(&format!("{path}/rejects")).await;
        assert_eq!((rejects.status, rejects.code().as_str()), (StatusCode::CONFLICT, "import_forgotten"));

        let rules = shop.get("/platform/retention").await;
        assert_eq!(rules["items"][0]["last_run"]["removed"], 4, "{rules}");
        assert!(rules["items"][0]["last_run"]["finished_at"].is_string());
        assert_eq!(rules["items"][1]["last_run"], Value::Null);
        assert_eq!(forecast(&shop, "ended_orders", 365).await["count"], 0);
        let log = shop.get("/platform/audit?action=platform.retention&limit=50").await;
        let items = log["items"].as_array().unwrap();
        let of = |action: &str| items.iter().filter(|entry| entry["action"] == action).count();
        assert_eq!(of("platform.retention.change"), 3, "{log}");
        assert!(of("platform.retention.remove") >= 3, "{log}");
        let text = log.to_string();
        assert!(text.contains("agreed with the lawyer") && !text.contains("独一") && !text.contains("熟普"));
        platform::audit::chain(&shop.house.state.platform).await.unwrap();
        let mut tx = db.db().read().await.unwrap();
        let verified = platform::audit::verify(&mut tx, db.ctx().scope, &db.keys(), None).await.unwrap();
        assert!(verified.broken.is_none() && verified.erased >= 1, "{verified:?}");
        tx.rollback().await.unwrap();
        let cx = db.ctx();
        let checks = flows::verify::verify(&shop.house.state.platform, &cx).await.unwrap();
        assert!(checks.iter().all(|check| check.ok), "{checks:?}");
    }

    async fn who_is_not_seen_for_long_is_erased_and_no_cell_has_them(db) {
        let mut shop = Shop::open(&db).await;
        import(&db, &shop, &file("completed")).await;
        let one = shop.id_of("onlyone").await;
        later(&db, &mut shop, 400).await;
        let traces = crate::erasing::traces_of(&db, NAME).await;
        let before = dump(&db).await;
        assert!(traces.len() >= 2 && traces.iter().all(|trace| before.contains(trace.as_str())), "{traces:?}");
        let told = forecast(&shop, "inactive_customers", 400).await;
        // The one with a paid order that never ended stays, and so does 张三.
        assert_eq!(told["held_back"], 2, "{told}");
        let body = json!({"keep_days": 400, "confirmed_count": told["count"]});
        assert_eq!(put(&shop, "inactive_customers", &body).await.status, StatusCode::OK);
        let sums_before = sums(&shop).await;
        run(&shop).await;
        let after = dump(&db).await;
        for trace in &traces {
            assert!(!after.contains(trace.as_str()), "{trace} is left");
        }
        assert_eq!(sums(&shop).await, sums_before);
        assert_eq!(shop.get(&format!("/customers/{one}")).await["name"], "");
        assert!(after.contains("赵六") && after.contains("张三"));
        let log = shop.get(&format!("/platform/audit?record={one}&action=customers.erase")).await;
        assert_eq!(log["items"][0]["after"]["reason"], "retention", "{log}");
        let rules = shop.get("/platform/retention").await;
        assert_eq!(rules["items"][1]["last_run"]["removed"], told["count"]);
    }

    async fn it_takes_a_right_and_examples_take_another(db) {
        let mut shop = Shop::open(&db).await;
        later(&db, &mut shop, 500).await;
        let role = json!({"name": "keeper", "title": "Keeper", "rights": ["platform.retention"], "reach": "all", "fields": {}});
        let made = shop.send("POST", "/identity/roles", &[], &role).await;
        assert!(made.status.is_success(), "{:?}", made.body);
        let told = forecast(&shop, "inactive_customers", 365).await;
        assert!(told["count"].as_u64() > Some(0) && !told["examples"].as_array().unwrap().is_empty(), "{told}");
        for (email, role, status) in [
            ("keeper@example.com", "keeper", StatusCode::OK),
            ("lead@example.com", "service_lead", StatusCode::FORBIDDEN),
        ] {
            shop.house.add_user(&db, email, role).await;
            let cookie = shop.house.cookie_of(email).await;
            let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
            let body = json!({"rules": {"inactive_customers": 365}});
            let path = "/api/v1/platform/retention/dry-run";
            let answer = shop.house.post(path, &headers, &body).await;
            assert_eq!(answer.status, status, "{:?}", answer.body);
            if status == StatusCode::OK {
                let seen = &answer.json()["items"][0];
                assert_eq!((&seen["count"], &seen["examples"]), (&told["count"], &json!([])));
            }
        }
        // A rule is set by who has shown lately who they are.
        db.clock().advance_millis(3_600_000);
        let body = json!({"keep_days": null});
        assert_eq!(put(&shop, "notes", &body).await.code(), "proof_needed");
        for (body, field) in [
            (json!({"rules": {"notes": 3}}), "rules.notes"),
            (json!({"rules": {"notes": 100}, "more": 1}), ""),
            (json!({"rules": {"dust": 100}}), ""),
        ] {
            let answer = shop.send("POST", "/platform/retention/dry-run", &[], &body).await;
            assert!(answer.status.is_client_error(), "{body}");
            assert!(String::from_utf8_lossy(&answer.body).contains(field), "{:?}", answer.body);
        }
    }

    async fn the_job_runs_by_itself_and_again_a_day_later(db) {
        let mut shop = Shop::open(&db).await;
        later(&db, &mut shop, 100).await;
        let count = forecast(&shop, "imports", 30).await["count"].clone();
        assert_eq!(count, 1);
        assert_eq!(put(&shop, "imports", &json!({"keep_days": 30, "confirmed_count": count})).await.status, StatusCode::OK);
        let platform = shop.house.state.platform.clone();
        app::retention_job::begin(&platform, &db.ctx()).await.unwrap();
        app::retention_job::begin(&platform, &db.ctx()).await.unwrap();
        let workers = app::server::Workers::start(&shop.house.state);
        testkit::eventually("the run", async || {
            let rules = shop.get("/platform/retention").await;
            Some(()).filter(|()| rules["items"][3]["last_run"]["finished_at"].is_string())
        })
        .await;
        let job = testkit::eventually("the next run", async || {
            let jobs = shop.get("/platform/jobs?state=waiting&limit=50").await;
            let jobs = jobs["items"].as_array().unwrap().clone();
            let mut ours = jobs.into_iter().filter(|job| job["kind"] == "platform.retention");
            let one = ours.next();
            assert!(ours.next().is_none(), "there is one at most");
            one.filter(|job| job["run_at"].as_str() > Some("2026-04-12"))
        })
        .await;
        assert_eq!(job["kind"], "platform.retention");
        workers.stop().await;
    }
}
