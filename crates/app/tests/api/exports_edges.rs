//! Exports at their edges: what a kill leaves behind, a busy writer, a list that grows meanwhile, requests that
//! are sent twice.

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use app::server::Workers;
use axum::http::StatusCode;
use flows::export_customers::{CustomersFile, ExportFormat, Wording};
use flows::list_customers::CustomerParams;
use flows::take_exports;
use kernel::{ExportId, Timestamp};
use serde_json::json;
use testkit::db_test;

use crate::exports::{Other, code, limit, run, until};
use crate::house::migrations;
use crate::reading::{ORDERS, Shop, text};

const DAY_MILLIS: i64 = 24 * 3_600_000;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A file that was last written at `at`.
fn written(path: &Path, at: Timestamp) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "李四").unwrap();
    let at = UNIX_EPOCH + Duration::from_millis(at.millis() as u64);
    fs::File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
}

db_test! { migrations();
    async fn what_killed_writers_left_goes_and_what_is_written_stays(db) {
        let shop = Shop::open(&db).await;
        let platform = &shop.house.state.platform;
        let now = platform.now();
        let asker = Other::of(&shop, &db, "m@example.com", "marketing").await;
        let queued = text(&asker.ask("").await["id"]);
        let nobody: ExportId = db.ctx().fresh();
        let (made, tmp) = (db.folder().join("exports/1"), db.folder().join("tmp"));
        for name in [format!("{queued}.1a.part"), format!("{nobody}.1a.part"), format!("{nobody}.part"), nobody.to_string()] {
            written(&made.join(name), now);
        }
        written(&tmp.join(format!("{nobody}.csv")), now.plus_millis(-DAY_MILLIS - 1));
        written(&tmp.join("export-job_1.xlsx.part"), now.plus_millis(-DAY_MILLIS - 1));
        written(&tmp.join("export-job_2.xlsx"), now.plus_millis(-DAY_MILLIS + 60_000));
        take_exports::tidy(platform, &db.ctx()).await.unwrap();
        assert_eq!(names(&made), [format!("{queued}.1a.part")], "another process may be writing it");
        assert_eq!(names(&tmp), ["export-job_2.xlsx"]);

        // Once it is made, nobody writes it any more.
        let workers = Workers::start(&shop.house.state);
        until(&shop, &queued, "ready").await;
        workers.stop().await;
        take_exports::tidy(platform, &db.ctx()).await.unwrap();
        assert_eq!(names(&made), [queued]);
    }

    async fn what_is_not_sealed_yet_has_no_name(db) {
        use std::io::Read as _;
        let shop = Shop::open(&db).await;
        let engine = shop.house.state.engines.of(db.ctx().scope.org());
        for (format, begin) in [(ExportFormat::Csv, "\u{feff}id,name".as_bytes()), (ExportFormat::Xlsx, b"PK")] {
            let params = CustomerParams::default();
            let file = CustomersFile::begin(&engine, &db.ctx(), &params, format, Wording::Codes).await.unwrap();
            let counted = file.count as usize;
            let (mut open, who) = file.write_unnamed().await.unwrap();
            assert_eq!(names(&db.folder().join("tmp")), [""; 0]);
            let mut bytes = Vec::new();
            open.read_to_end(&mut bytes).unwrap();
            assert!(bytes.starts_with(begin) && who.len() == counted, "{format:?}");
        }
    }

    async fn a_refused_fetch_does_not_wait_for_who_writes(db) {
        let shop = Shop::open(&db).await;
        limit(&shop, 0).await;
        let asker = Other::of(&shop, &db, "m@example.com", "marketing").await;
        let id = text(&asker.ask("").await["id"]);
        let writer = db.db().begin_for(db.ctx().scope).await.unwrap();
        let file = format!("/customers/exports/{id}/file");
        assert_eq!(code(&asker.send("GET", &file, &json!(null)).await), (409, "export_not_ready".into()));
        writer.rollback().await.unwrap();
    }

    async fn a_list_that_grows_meanwhile_gives_no_more_than_was_counted(db) {
        let shop = Shop::open(&db).await;
        let engine = shop.house.state.engines.of(db.ctx().scope.org());
        let asked = shop.post("/customers/exports", &json!({"query": ""})).await;
        for format in [ExportFormat::Csv, ExportFormat::Xlsx] {
            let params = CustomerParams::default();
            let file = CustomersFile::begin(&engine, &db.ctx(), &params, format, Wording::Codes).await.unwrap();
            let counted = file.count;
            let more = ORDERS.replace("2100", &format!("3{counted}")).replace("tealover", &format!("new{counted}"));
            shop.import(&db, &format!("{counted}"), &more.replace("13800000001", &format!("1390000000{counted}"))).await;
            let path = db.folder().join("out");
            let who = file.write(&path).await.unwrap();
            assert_eq!(who.len() as u64, counted, "{format:?}");
            if format == ExportFormat::Csv {
                assert_eq!(fs::read_to_string(&path).unwrap().lines().count() as u64, 1 + counted);
            }
            let now = CustomersFile::begin(&engine, &db.ctx(), &params, format, Wording::Codes).await.unwrap();
            assert!(now.count > counted, "it grew");
        }
        // Nor does one that is made later without anybody's approval.
        let workers = Workers::start(&shop.house.state);
        let ready = until(&shop, &text(&asked["id"]), "ready").await;
        workers.stop().await;
        assert_eq!(ready["count"], asked["count"]);
    }

    async fn what_is_sent_twice_is_done_once(db) {
        let shop = Shop::open(&db).await;
        limit(&shop, 0).await;
        let asker = Other::of(&shop, &db, "m@example.com", "marketing").await;
        let headers = |key: &'static str| [("cookie", asker.cookie.as_str()), ("sec-fetch-site", "same-origin"), ("idempotency-key", key)];
        let (path, body) = ("/api/v1/customers/exports", json!({"query": "", "reason": "for the accountant"}));
        let first = shop.house.post(path, &headers("one"), &body).await;
        assert_eq!(first.status, StatusCode::CREATED, "{:?}", first.body);
        let again = shop.house.post(path, &headers("one"), &body).await;
        assert_eq!((again.status, again.header("idempotency-replayed")), (StatusCode::CREATED, "true"));
        assert_eq!(again.json(), first.json());
        let other = shop.house.post(path, &headers("one"), &json!({"query": "q=a", "reason": "for the accountant"})).await;
        assert_eq!(code(&other), (422, "idempotency_key_reused".into()));
        let all = shop.get("/customers/exports/all").await;
        assert_eq!(all["items"].as_array().unwrap().len(), 1);

        let key = [("idempotency-key", "two")];
        let decision = format!("/customers/exports/{}/decision", text(&first.json()["id"]));
        let no = json!({"approve": false, "word": "too many"});
        let refused = shop.send("POST", &decision, &key, &no).await;
        assert_eq!((refused.status, refused.json()["state"].as_str()), (StatusCode::OK, Some("refused")));
        assert_eq!(shop.send("POST", &decision, &key, &no).await.json(), refused.json());

        let one = shop.id_of("tealover").await;
        let made = shop.post("/customers/person-requests", &json!({"customer": one, "kind": "access"})).await;
        let (take, finish) = ["take", "finish"].map(|deed| format!("/customers/person-requests/{}/{deed}", text(&made["id"]))).into();
        for (path, key, body) in [(take, "three", json!({})), (finish, "four", json!({"done": true, "answer": "sent"}))] {
            let first = shop.send("POST", &path, &[("idempotency-key", key)], &body).await;
            let again = shop.send("POST", &path, &[("idempotency-key", key)], &body).await;
            assert_eq!((first.status, again.status), (StatusCode::OK, StatusCode::OK), "{:?}", again.body);
            assert_eq!((again.json(), again.header("idempotency-replayed")), (first.json(), "true"));
        }
        run(&db, "UPDATE customers_exports SET state = 'ended'").await;
    }

    async fn what_a_token_lists_beyond_the_limit_is_recorded(db) {
        let shop = Shop::open(&db).await;
        limit(&shop, 5).await;
        let entries = async || {
            let log = shop.get("/platform/audit?action=customers.list_by_token").await;
            let counts = log["items"].as_array().unwrap().iter().map(|one| one["after"]["count"].as_u64().unwrap());
            counts.collect::<Vec<u64>>()
        };
        let made = shop.post("/identity/tokens", &json!({"name": "reader"})).await;
        let bearer = format!("Bearer {}", text(&made["token"]));
        let list = async |customers: usize| {
            let path = format!("/api/v1/customers?limit={customers}");
            let page = shop.house.get(&path, &[("authorization", &bearer)]).await;
            assert_eq!(page.json()["items"].as_array().unwrap().len(), customers, "{:?}", page.body);
        };
        list(5).await;
        assert_eq!(entries().await, [0; 0], "so many may be exported, too");
        shop.get("/customers?limit=5").await;
        list(1).await;
        assert_eq!(entries().await, [6]);
        list(5).await;
        assert_eq!(entries().await, [6], "eleven are not twice as many");
        list(1).await;
        assert_eq!(entries().await, [12, 6]);
        db.clock().advance_millis(DAY_MILLIS);
        list(5).await;
        assert_eq!(entries().await, [12, 6], "another day");
    }
}
