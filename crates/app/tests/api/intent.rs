//! Purchase intent through the whole program: trained in the background, told with reasons, cut by what whoever
//! asks may see; and of files.

use std::fmt::Write as _;

use app::server::Workers;
use axum::http::{Request, StatusCode};
use flows::intent::Watched;
use platform::retention::DAY_MILLIS;
use serde_json::{Value, json};
use testkit::db_test;

use crate::exports::{Other, code};
use crate::house::{Answer, migrations};
use crate::reading::{Shop, text};
use crate::value::history;

/// The newest version, once it is trained or failed.
async fn trained(shop: &Shop) -> Value {
    testkit::eventually("the model to be trained", async || {
        let models = shop.get("/insight/intent/models").await;
        Some(models["items"][0].clone()).filter(|one| one["state"] != "waiting")
    })
    .await
}

async fn file(shop: &Shop, table: &str, fields: &[(&str, &str)]) -> Answer {
    const EDGE: &str = "a-line-that-is-in-no-part";
    let mut body = format!(
        "--{EDGE}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n{table}\r\n"
    );
    for (name, value) in fields {
        write!(
            body,
            "--{EDGE}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        )
        .unwrap();
    }
    write!(body, "--{EDGE}--\r\n").unwrap();
    let request = Request::post("/api/v1/insight/intent/csv")
        .header("cookie", &shop.cookie)
        .header("sec-fetch-site", "same-origin")
        .header("content-type", format!("multipart/form-data; boundary={EDGE}"));
    shop.house.send(request.body(axum::body::Body::from(body)).unwrap()).await
}

/// 400 leads, of whom those who put something into the cart mostly buy.
fn leads() -> String {
    let mut table = "id,cart,visits,empty,same,paid_at,bought\n".to_owned();
    for row in 0..400_u32 {
        let cart = row % 3 == 0;
        let bought = if cart { row % 7 != 0 } else { row % 11 == 0 };
        let visits = match row % 29 {
            0 => "NaN".to_owned(),
            1 => "inf".to_owned(),
            2 => String::new(),
            _ => (row * 7_919 % 101).to_string(),
        };
        let paid = if bought { format!("2025-01-{:02}", 1 + row % 28) } else { String::new() };
        let (cart, bought) = (if cart { "yes" } else { "no" }, if bought { "yes" } else { "no" });
        writeln!(table, "L{row},{cart},{visits},,x,{paid},{bought}").unwrap();
    }
    table
}

db_test! { migrations();
    async fn a_model_is_trained_told_and_replaced(db) {
        let shop = Shop::open(&db).await;
        assert_eq!(shop.get("/insight/intent/models").await, json!({"items": []}));
        assert_eq!(code(&shop.ask("/insight/intent/customers").await), (409, "no_model".into()));
        // The few orders there are go back a year, which is too little for half a year ahead.
        let young = shop.send("POST", "/insight/intent/models", &[], &json!({"horizon_days": 180})).await;
        assert_eq!(code(&young), (409, "too_little_history".into()));
        assert!(young.json()["detail"].as_str().unwrap().contains("needs 570"), "{:?}", young.body);
        for horizon in [6, 181] {
            let wrong = shop.send("POST", "/insight/intent/models", &[], &json!({"horizon_days": horizon})).await;
            assert_eq!(wrong.json()["errors"][0]["field"], "horizon_days");
        }
        // Enough days, but too few customers: it is asked for, and says what was missing.
        let workers = Workers::start(&shop.house.state);
        let few = shop.post("/insight/intent/models", &json!({})).await;
        assert_eq!((&few["state"], &few["version"]), (&json!("waiting"), &json!(1)));
        let failed = trained(&shop).await;
        assert_eq!(failed["state"], "failed");
        assert!(failed["failure"].as_str().unwrap().contains("too few"), "{failed}");

        shop.import(&db, "老店", &history()).await;
        let asked = shop.post("/insight/intent/models", &json!({"horizon_days": 30})).await;
        assert_eq!((&asked["version"], &asked["horizon_days"]), (&json!(2), &json!(30)));
        let model = trained(&shop).await;
        assert_eq!((&model["state"], &model["version"], &model["failure"]), (&json!("active"), &json!(2), &Value::Null), "{model}");
        assert_eq!(model["trained_by_person"]["email"], crate::house::EMAIL);
        let id = text(&model["id"]);
        let detail = shop.get(&format!("/insight/intent/models/{id}")).await;
        let report = &detail["report"]["report"];
        assert_eq!((&report["split"], &detail["report"]["comparison"]), (&json!("time"), &Value::Null));
        assert_eq!(detail["report"]["moments"].as_array().unwrap().len(), 6);
        assert_eq!(detail["report"]["moments"][5], "2025-12-01");
        assert_eq!(report["models"].as_array().unwrap().len(), 3);
        assert_eq!(report["rows"], model["figures"]["rows"]);
        assert!(report["positives"].as_u64().unwrap() > 50, "{}", report["positives"]);
        // Better than guessing, on customers at moments it had not seen.
        assert!(model["figures"]["auc"].as_f64().unwrap() > 0.6, "{}", model["figures"]);
        // Two hundred customers are too few to tell a change from luck.
        assert_eq!(model["drift"]["level"], "too_few_rows");
        assert!(report["lift"].as_array().unwrap().iter().any(|row| row["column"] == "revenue_365"));

        let all = shop.get("/insight/intent/customers?limit=200").await;
        let count: u64 = all["tiers"].as_array().unwrap().iter().map(|tier| tier["customers"].as_u64().unwrap()).sum();
        assert_eq!((Some(count), &all["version"], &all["as_of"]), (all["total"].as_u64(), &json!(2), &json!("2025-12-31")));
        assert!(count >= 200);
        let items = all["items"].as_array().unwrap();
        assert!(items.windows(2).all(|two| two[0]["probability"].as_f64() >= two[1]["probability"].as_f64()));
        assert!(items.iter().all(|one| one["reasons"].as_array().unwrap().len() <= 4));
        assert!(items.iter().any(|one| !one["reasons"].as_array().unwrap().is_empty()));
        // Pages of seven are the same list, once each.
        let (mut paged, mut after) = (Vec::new(), String::new());
        loop {
            let page = shop.get(&format!("/insight/intent/customers?limit=7{after}")).await;
            paged.extend(page["items"].as_array().unwrap().iter().map(|one| text(&one["customer"]["id"])));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert_eq!(paged.len() as u64, count);
        let first: Vec<String> = items.iter().map(|one| text(&one["customer"]["id"])).collect();
        assert_eq!(paged[..200], first[..]);
        let high = shop.get("/insight/intent/customers?tier=high&limit=200").await;
        assert!(high["items"].as_array().unwrap().iter().all(|one| one["tier"] == "high"));
        assert_eq!(high["total"], all["tiers"][0]["customers"]);
        for query in ["tier=best", "after=nonsense", "limit=0"] {
            let wrong = shop.ask(&format!("/insight/intent/customers?{query}")).await;
            assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        }

        // Again on the same data: compared with the one before on the last moment, and not worse.
        shop.post("/insight/intent/models", &json!({"horizon_days": 30})).await;
        let next = trained(&shop).await;
        let told = shop.get(&format!("/insight/intent/models/{}", text(&next["id"]))).await;
        let comparison = &told["report"]["comparison"];
        assert_eq!(comparison["version"], 2);
        // The one before has seen the last moment; the new one keeps its place only if it is about as good.
        let keeps_old = comparison["keeps_old"].as_bool().unwrap();
        let (old, new) = (comparison["old_auc"].as_f64().unwrap(), comparison["new_auc"].as_f64().unwrap());
        assert_eq!(keeps_old, new + 0.01 < old);
        assert_eq!(next["state"], if keeps_old { "old" } else { "active" });
        let back = shop.post(&format!("/insight/intent/models/{id}/activate"), &json!({})).await;
        assert_eq!((&back["state"], &back["version"]), (&json!("active"), &json!(2)));
        let unready = shop.send("POST", &format!("/insight/intent/models/{}/activate", text(&failed["id"])), &[], &json!({})).await;
        assert_eq!(code(&unready), (409, "model_not_trained".into()));
        workers.stop().await;

        // The daily look at drift on the same customers finds nothing new.
        let engine = shop.house.state.engines.of(kernel::OrgId::FIRST);
        let cx = shop.house.state.platform.ctx(platform::Scope::system(kernel::OrgId::FIRST));
        let watched = flows::intent::watch(&engine, &cx).await.unwrap();
        assert_eq!(watched, Some(Watched::NothingNew));
        let models = shop.get("/insight/intent/models").await;
        let versions = models["items"].as_array().unwrap();
        assert_eq!(versions.len(), 3);
        let looked = versions.iter().find(|one| one["state"] == "active").unwrap();
        // The same customers as a moment ago differ from those of the training by as much.
        assert_eq!(looked["drift"]["score_psi"], model["drift"]["score_psi"], "{looked}");
        assert_eq!((&model["drift"]["watched"], &looked["drift"]["watched"]), (&Value::Null, &json!("nothing_new")));

        let deeds = shop.get("/platform/audit").await;
        let of = |action: &str| deeds["items"].as_array().unwrap().iter().filter(|one| one["action"] == action).count();
        assert_eq!(of("insight.model.train"), 3);
        // The one that was active anyway was not made so again.
        assert_eq!(of("insight.model.activate"), if keeps_old { 1 } else { 3 });
    }

    async fn intent_is_cut_by_rights_fields_and_reach(db) {
        let shop = Shop::open(&db).await;
        shop.import(&db, "老店", &history()).await;
        let workers = Workers::start(&shop.house.state);
        shop.post("/insight/intent/models", &json!({"horizon_days": 60})).await;
        let model = trained(&shop).await;
        assert_eq!(model["state"], "active", "{model}");
        let detail = format!("/insight/intent/models/{}", text(&model["id"]));
        // The place in a list by one version is none in the list by another.
        let page = shop.get("/insight/intent/customers?limit=7").await;
        shop.post("/insight/intent/models", &json!({"horizon_days": 30})).await;
        assert_eq!(trained(&shop).await["state"], "active");
        let next = format!("/insight/intent/customers?limit=7&after={}", page["next"].as_str().unwrap());
        assert_eq!(code(&shop.ask(&next).await), (409, "list_changed".into()));
        shop.post(&format!("/insight/intent/models/{}/activate", text(&model["id"])), &json!({})).await;
        assert_eq!(shop.get(&next).await["items"].as_array().unwrap().len(), 7);
        workers.stop().await;
        for (name, rights, fields) in [
            ("figures", json!(["insight.read"]), json!({})),
            ("blind", json!(["insight.read", "customers.read"]), json!({"commerce.amounts": "hidden", "customers.region": "hidden"})),
        ] {
            let role = json!({"name": name, "title": name, "rights": rights, "fields": fields});
            shop.post("/identity/roles", &role).await;
        }
        let figures = Other::of(&shop, &db, "figures@example.com", "figures").await;
        let none = figures.send("GET", "/insight/intent/customers", &json!(null)).await.json();
        assert_eq!((&none["items"], none["next"].is_null()), (&json!([]), true));
        assert!(none["total"].as_u64().unwrap() > 100);
        assert_eq!(code(&figures.send("POST", "/insight/intent/models", &json!({})).await), (403, "right_missing".into()));
        let blind = Other::of(&shop, &db, "blind@example.com", "blind").await;
        let told = blind.send("GET", &detail, &json!(null)).await.json().to_string();
        assert!(told.contains("orders_365") && !told.contains("revenue_") && !told.contains("average_3") && !told.contains("province"));
        let list = blind.send("GET", "/insight/intent/customers?limit=200", &json!(null)).await.json();
        assert_eq!(list["items"][0]["customer"]["revenue_minor"], Value::Null);
        let text = list.to_string();
        assert!(!text.contains("\"revenue_3") && !text.contains("\"average_3"), "no reason tells of amounts");
        assert!(!text.contains("浙江省"));
        let owner = shop.get(&detail).await.to_string();
        assert!(owner.contains("revenue_365"));

        // Who reaches nobody is told of nobody, and not of everybody's rates.
        let own = json!({"name": "near", "title": "near", "rights": ["insight.read", "customers.read"], "reach": "own", "fields": {}});
        shop.post("/identity/roles", &own).await;
        let near = Other::of(&shop, &db, "near@example.com", "near").await;
        let list = near.send("GET", "/insight/intent/customers", &json!(null)).await.json();
        assert_eq!((&list["total"], &list["items"]), (&json!(0), &json!([])));
        let told = near.send("GET", &detail, &json!(null)).await.json();
        assert_eq!((&told["report"], &told["figures"]), (&Value::Null, &Value::Null));
    }

    async fn new_orders_are_learned_from_by_a_job_of_the_watch(db) {
        let mut shop = Shop::open(&db).await;
        shop.import(&db, "老店", &history()).await;
        let workers = Workers::start(&shop.house.state);
        shop.post("/insight/intent/models", &json!({"horizon_days": 30})).await;
        let first = trained(&shop).await;
        assert_eq!(first["state"], "active", "{first}");
        let engine = shop.house.state.engines.of(kernel::OrgId::FIRST);
        let watch = async || {
            let cx = shop.house.state.platform.ctx(platform::Scope::system(kernel::OrgId::FIRST));
            flows::intent::watch(&engine, &cx).await.unwrap()
        };
        // One more order, by a shop that was not there; its customers do not change what a model sees of the others.
        let mut lines = crate::reading::ORDERS.lines();
        let more = [lines.next().unwrap(), "910000000001,new,赵六,13800000009,浙江省,2025-12-30,10.00,,completed,茶,西湖区,路 1 号"];
        shop.import(&db, "新店", &more.join("\n")).await;
        assert_eq!(watch().await, Some(Watched::NotDue));
        db.clock().advance_millis(28 * DAY_MILLIS);
        assert_eq!(watch().await, Some(Watched::Training));
        // The sign-in of four weeks ago has ended.
        shop.cookie = shop.house.cookie().await;
        let next = trained(&shop).await;
        assert_eq!((&next["version"], &next["trained_by"], &next["failure"]), (&json!(2), &Value::Null, &Value::Null), "{next}");
        db.clock().advance_millis(100 * DAY_MILLIS);
        assert_eq!(watch().await, Some(Watched::NothingNew));
        workers.stop().await;
    }

    async fn failed_versions_push_no_good_one_out(db) {
        use insight::models::{self as store, FAILED_MAX, TrainedModel};
        let house = crate::house::House::owned(&db).await;
        let cx = db.ctx();
        let mut tx = house.state.platform.db.begin_for(cx.scope).await.unwrap();
        let good = store::ask(&mut tx, &cx, 30).await.unwrap();
        let text = || "{}".to_owned();
        let trained = TrainedModel {
            kind: "tree".to_owned(), moments: text(), fingerprint: text(), figures: text(), report: text(), model: text(), drift: text(),
        };
        assert!(store::put(&mut tx, &cx, good, &trained).await.unwrap());
        for _ in 0..30 {
            let id = store::ask(&mut tx, &cx, 30).await.unwrap();
            store::fail(&mut tx, cx.scope, id, "nothing to learn from").await.unwrap();
        }
        let versions: Vec<i64> = store::all(&mut tx, cx.scope).await.unwrap().iter().map(|one| one.version).collect();
        assert_eq!(versions, [31, 30, 29, 1]);
        assert_eq!(versions.len() as i64, FAILED_MAX + 1);
        for _ in 0..25 {
            let id = store::ask(&mut tx, &cx, 30).await.unwrap();
            store::put(&mut tx, &cx, id, &trained).await.unwrap();
        }
        let all = store::all(&mut tx, cx.scope).await.unwrap();
        assert_eq!(all.iter().filter(|one| one.kind.is_some()).count() as i64, store::VERSIONS_MAX);
        tx.rollback().await.unwrap();
    }

    async fn any_file_is_reported_on_or_says_what_is_wrong(db) {
        let shop = Shop::open(&db).await;
        let columns = file(&shop, &leads(), &[]).await;
        assert_eq!(columns.status, StatusCode::OK, "{:?}", columns.body);
        assert_eq!((&columns.json()["rows"], &columns.json()["report"]), (&json!(400), &Value::Null));
        let told = file(&shop, &leads(), &[("target", "bought"), ("folds", "4"), ("seed", "3")]).await.json();
        let report = &told["report"];
        assert_eq!((&report["folds"], &report["rows"], &report["positive"]), (&json!(4), &json!(400), &json!("yes")));
        let out: Vec<(&str, &str)> = report["excluded"].as_array().unwrap().iter()
            .map(|one| (one["column"].as_str().unwrap(), one["code"].as_str().unwrap())).collect();
        assert_eq!(out, [("id", "identifier"), ("empty", "no_values"), ("same", "constant"), ("paid_at", "predicts_target")]);
        assert!(report["models"][0]["auc"].as_f64().unwrap() > 0.8, "{}", report["models"][0]);
        assert_eq!(told, file(&shop, &leads(), &[("target", "bought"), ("folds", "4"), ("seed", "3")]).await.json());

        let one_class = "a,bought\n".to_owned() + &"1,yes\n".repeat(200);
        for (table, fields, field, word) in [
            (leads(), vec![("target", "bougth")], "target", "did you mean `bought`"),
            (leads(), vec![("target", "visits")], "positive", "different values"),
            (leads(), vec![("target", "bought"), ("positive", "ja")], "positive", "no row has"),
            (leads(), vec![("target", "bought"), ("drop", "cost")], "drop", "no column `cost`"),
            (leads(), vec![("target", "bought"), ("folds", "1")], "folds", "2 to 20"),
            (leads(), vec![("target", "bought"), ("folds", "x")], "folds", "whole number"),
            (leads(), vec![("goal", "bought")], "goal", "not a field"),
            (one_class, vec![("target", "bought")], "target", "both outcomes"),
            ("a,bought\n1,yes\n2,no\n".to_owned(), vec![("target", "bought")], "file", "too few"),
            ("a,b\n".to_owned(), vec![("target", "b")], "file", "no rows"),
        ] {
            let answer = file(&shop, &table, &fields).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?} {:?}", answer.body);
            let error = &answer.json()["errors"][0];
            assert_eq!(error["field"], field, "{error}");
            assert!(error["message"].as_str().unwrap().contains(word), "{error}");
        }
        // Nothing of any file stays.
        let left = std::fs::read_dir(db.folder().join("uploads")).map_or(0, Iterator::count);
        assert_eq!(left, 0);
    }
}
