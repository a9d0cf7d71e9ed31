//! Exports: a size that needs a second person, marks, links that end, reach and rules at making and fetching.

use app::server::Workers;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::{TestDb, db_test};

use crate::house::{Answer, EMAIL, migrations};
use crate::reading::{Shop, text};

/// Somebody else of the house.
pub struct Other<'a> {
    shop: &'a Shop,
    pub cookie: String,
}

impl<'a> Other<'a> {
    pub async fn of(shop: &'a Shop, db: &TestDb, email: &str, role: &str) -> Self {
        shop.house.add_user(db, email, role).await;
        Self { shop, cookie: shop.house.cookie_of(email).await }
    }

    pub async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("cookie", &self.cookie)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/json");
        let body = axum::body::Body::from(body.to_string());
        self.shop.house.send(request.body(body).unwrap()).await
    }

    pub async fn ask(&self, query: &str) -> Value {
        let body = json!({"query": query, "reason": "for the accountant"});
        let answer = self.send("POST", "/customers/exports", &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.body);
        answer.json()
    }
}

pub async fn limit(shop: &Shop, customers: u32) {
    let body = json!({"export_limit": customers});
    let answer = shop.send("PUT", "/customers/settings", &[], &body).await;
    assert_eq!(answer.json()["export_limit"], customers, "{:?}", answer.body);
}

/// What became of an export, once it is `state`.
pub async fn until(shop: &Shop, id: &str, state: &str) -> Value {
    testkit::eventually("the export to get there", async || {
        let all = shop.get("/customers/exports/all").await;
        let one = all["items"].as_array().unwrap().iter().find(|one| one["id"] == id).cloned();
        one.filter(|one| one["state"] == state)
    })
    .await
}

pub async fn run(db: &TestDb, sql: &'static str) {
    let mut tx = db.db().begin().await.unwrap();
    assert!(tx.execute(sql, vec![]).await.unwrap() > 0);
    tx.commit().await.unwrap();
}

pub fn code(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.code())
}

db_test! { migrations();
    async fn a_large_one_waits_for_somebody_else(db) {
        let shop = Shop::open(&db).await;
        limit(&shop, 3).await;
        let asker = Other::of(&shop, &db, "ad@example.com", "administrator").await;
        // Two and two make four, also in parts.
        assert_eq!(asker.send("GET", "/customers/export?orders_min=2", &json!(null)).await.status, 200);
        let more = asker.send("GET", "/customers/export?q=lisi", &json!(null)).await;
        assert_eq!(more.status, StatusCode::OK, "{:?}", more.body);
        for format in ["csv", "xlsx"] {
            let path = format!("/customers/export?q=wholesale&format={format}");
            assert_eq!(code(&asker.send("GET", &path, &json!(null)).await), (409, "export_needs_approval".into()));
        }
        let no_reason = asker.send("POST", "/customers/exports", &json!({"query": ""})).await;
        assert_eq!(code(&no_reason), (422, "validation".into()));
        let wrong = asker.send("POST", "/customers/exports", &json!({"query": "nick=1", "reason": "why not"})).await;
        assert_eq!(code(&wrong), (422, "validation".into()));
        let asked = asker.ask("province=%E6%B1%9F%E8%8B%8F%E7%9C%81&q=13800000002").await;
        assert_eq!((&asked["state"], &asked["count"]), (&json!("waiting"), &json!(2)));
        assert_eq!(asked["filter"], json!({"q": "138****0002", "province": "江苏省"}));
        let id = text(&asked["id"]);
        let (decision, file) = (format!("/customers/exports/{id}/decision"), format!("/customers/exports/{id}/file"));
        let yes = json!({"approve": true, "word": "go on"});
        assert_eq!(code(&asker.send("POST", &decision, &yes).await), (409, "export_is_own".into()));
        assert_eq!(code(&asker.send("GET", &file, &json!(null)).await), (409, "export_not_ready".into()));
        let marketing = Other::of(&shop, &db, "m@example.com", "marketing").await;
        assert_eq!(code(&marketing.send("POST", &decision, &yes).await), (403, "right_missing".into()));
        assert_eq!(marketing.send("GET", "/customers/exports", &json!(null)).await.json()["items"], json!([]));

        let workers = Workers::start(&shop.house.state);
        let seen = shop.get("/customers/exports/all").await["items"][0].clone();
        assert_eq!((&seen["reason"], &seen["asker_person"]["email"]), (&json!("for the accountant"), &json!("ad@example.com")));
        let approved = shop.post(&decision, &yes).await;
        assert_eq!((&approved["state"], &approved["decider_person"]["email"]), (&json!("queued"), &json!(EMAIL)));
        let again = shop.send("POST", &decision, &[], &yes).await;
        assert_eq!(code(&again), (409, "export_is_settled".into()));
        let ready = until(&shop, &id, "ready").await;
        assert_eq!((&ready["count"], &ready["word"]), (&json!(2), &json!("go on")));
        let folder = db.folder().join("exports/1");
        let sealed = std::fs::read(folder.join(&id)).unwrap();
        assert!(!sealed.windows(4).any(|part| part == b"lisi"), "it is sealed");
        assert_eq!(std::fs::read_dir(db.folder().join("tmp")).unwrap().count(), 0);

        // Nobody but the asker fetches it, and whoever approved it neither.
        assert_eq!(shop.ask(&file).await.status, StatusCode::NOT_FOUND);
        let got = asker.send("GET", &file, &json!(null)).await;
        let csv = String::from_utf8(got.body.to_vec()).unwrap();
        assert_eq!(csv.lines().count(), 1 + 2, "{csv}");
        assert!(csv.contains("138****0002") && !csv.contains("13800000002"), "{csv}");
        assert_eq!(got.header("content-disposition"), "attachment; filename=\"customers.csv\"");
        // As browsers fetch it.
        let headers = [("cookie", asker.cookie.as_str()), ("accept-encoding", "zstd")];
        let packed = shop.house.get(&format!("/api/v1{file}"), &headers).await;
        assert_eq!((packed.status, packed.header("content-encoding")), (StatusCode::OK, "zstd"));
        // Each row says whose it is, and only a true mark is believed.
        let row = csv.lines().nth(2).unwrap();
        assert!(row.contains(&id) && row.contains("店主"), "{row}");
        let whose = shop.post("/customers/exports/of", &json!({"text": row})).await;
        assert_eq!((&whose["id"], &whose["asker_person"]["email"]), (&asked["id"], &json!("ad@example.com")));
        assert_eq!(whose["downloads"], 2);
        let forged = json!({"text": format!("{id}-00000000")});
        assert_eq!(shop.send("POST", "/customers/exports/of", &[], &forged).await.status, StatusCode::NOT_FOUND);
        let path = db.folder().join("leak.csv");
        std::fs::write(&path, csv.split_once('\n').unwrap().1).unwrap();
        let platform = &shop.house.state.platform;
        let whose = flows::take_exports::export_of_file(platform, &db.ctx(), &path).await.unwrap();
        assert_eq!(whose.unwrap().id.to_string(), id);

        // Its time ends, and with it the file.
        run(&db, "UPDATE customers_exports SET expires_at = 1 WHERE state = 'ready'").await;
        assert_eq!(asker.send("GET", &file, &json!(null)).await.status, StatusCode::GONE);
        // Until the worker has put the job back, its time is the worker's to say.
        testkit::eventually("the job to end it", async || {
            run(&db, "UPDATE platform_jobs SET run_at = 1 WHERE kind = 'customers.export'").await;
            let all = shop.get("/customers/exports/all").await;
            all["items"].as_array().unwrap().iter().any(|one| one["id"] == id && one["state"] == "ended").then_some(())
        })
        .await;
        testkit::eventually("the file to go", async || (!folder.join(&id).exists()).then_some(())).await;
        workers.stop().await;
        let log = shop.get("/platform/audit?action=customers.export").await;
        let actions: Vec<String> = log["items"].as_array().unwrap().iter().map(|one| text(&one["action"])).collect();
        assert_eq!(actions, ["customers.export.fetch", "customers.export.fetch", "customers.export", "customers.export.approve",
            "customers.export.ask", "customers.export", "customers.export"]);
    }

    async fn an_approved_one_ends_if_its_audience_was_changed(db) {
        let shop = Shop::open(&db).await;
        limit(&shop, 0).await;
        let asker = Other::of(&shop, &db, "ad@example.com", "administrator").await;
        let inner = shop.post("/insight/audiences", &json!({"name": "inner", "text": "orders >= 2"})).await;
        let outer = shop.post("/insight/audiences", &json!({"name": "outer", "text": "audience \"inner\""})).await;
        let query = format!("audience={}", text(&outer["id"]));
        let yes = json!({"approve": true, "word": "go on"});
        let approve = async |id: &str| shop.post(&format!("/customers/exports/{id}/decision"), &yes).await;
        let before = text(&asker.ask(&query).await["id"]);
        approve(&before).await;
        db.clock().advance_millis(1);
        let path = format!("/insight/audiences/{}", text(&inner["id"]));
        let wider = json!({"name": "inner", "text": "everyone"});
        let changed = shop.send("PUT", &path, &[("if-match", "\"1\"")], &wider).await;
        assert_eq!(changed.status, StatusCode::OK, "{:?}", changed.body);
        let after = text(&asker.ask(&query).await["id"]);
        approve(&after).await;
        let workers = Workers::start(&shop.house.state);
        assert_eq!(until(&shop, &before, "failed").await["failure"], "redefined");
        until(&shop, &after, "ready").await;
        workers.stop().await;
    }

    async fn a_refused_one_says_why_and_is_never_made(db) {
        let shop = Shop::open(&db).await;
        limit(&shop, 0).await;
        let asker = Other::of(&shop, &db, "m@example.com", "marketing").await;
        let id = text(&asker.ask("").await["id"]);
        let no = json!({"approve": false, "word": "too many"});
        let refused = shop.post(&format!("/customers/exports/{id}/decision"), &no).await;
        assert_eq!(refused["state"], "refused");
        let own = asker.send("GET", "/customers/exports", &json!(null)).await.json();
        assert_eq!((&own["items"][0]["state"], &own["items"][0]["word"]), (&json!("refused"), &json!("too many")));
        let file = format!("/customers/exports/{id}/file");
        assert_eq!(code(&asker.send("GET", &file, &json!(null)).await), (409, "export_not_ready".into()));
        let bad = shop.send("PUT", "/customers/settings", &[], &json!({"export_hours": 0, "request_days": 91})).await;
        assert_eq!(bad.json()["errors"].as_array().unwrap().len(), 2);
    }

    async fn what_the_asker_may_not_see_any_more_is_not_fetched(db) {
        let shop = Shop::open(&db).await;
        let asker = Other::of(&shop, &db, "m@example.com", "marketing").await;
        let workers = Workers::start(&shop.house.state);
        let asked = asker.ask("").await;
        assert_eq!(asked["state"], "queued", "it is small");
        let id = text(&asked["id"]);
        until(&shop, &id, "ready").await;
        let file = format!("/customers/exports/{id}/file");
        assert_eq!(asker.send("GET", &file, &json!(null)).await.status, StatusCode::OK);

        // Somebody in it is erased.
        let one = shop.id_of("wholesale").await;
        let erase = json!({"reason": "request", "dry_run": false});
        shop.post(&format!("/customers/{one}/erasure"), &erase).await;
        assert_eq!(code(&asker.send("GET", &file, &json!(null)).await), (409, "export_is_stale".into()));

        // A role with less: it reaches nobody, or does not see the phone number.
        let id = text(&asker.ask("").await["id"]);
        until(&shop, &id, "ready").await;
        let file = format!("/customers/exports/{id}/file");
        let rights = json!(["customers.read", "customers.export"]);
        for (name, reach, fields) in [("few", "own", json!({})), ("veiled", "all", json!({"customers.phone": "hidden"}))] {
            let role = json!({"name": name, "title": name, "rights": rights, "reach": reach, "fields": fields});
            shop.post("/identity/roles", &role).await;
            let mut tx = db.db().begin().await.unwrap();
            let sql = "UPDATE identity_users SET role = $1 WHERE id = (SELECT asker FROM customers_exports LIMIT 1)";
            tx.execute(sql, platform::args![name]).await.unwrap();
            tx.commit().await.unwrap();
            let stale = asker.send("GET", &file, &json!(null)).await;
            assert_eq!(code(&stale), (409, "export_is_stale".into()), "{name}");
        }
        // Made by the eyes of now.
        let id = text(&asker.ask("").await["id"]);
        until(&shop, &id, "ready").await;
        let file = asker.send("GET", &format!("/customers/exports/{id}/file"), &json!(null)).await;
        assert!(!String::from_utf8(file.body.to_vec()).unwrap().contains("138****"));
        // Whoever may not export any more gets nothing made.
        workers.stop().await;
        let id = text(&asker.ask("").await["id"]);
        run(&db, "UPDATE identity_users SET role = 'analyst' WHERE role = 'veiled'").await;
        let workers = Workers::start(&shop.house.state);
        assert_eq!(until(&shop, &id, "failed").await["failure"], "right_gone");
        workers.stop().await;
    }
}
