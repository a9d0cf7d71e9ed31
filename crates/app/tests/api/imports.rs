//! The routes of imports through everything that stands around them: files come in, are looked at,
//! started, refused.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use demoshop::{Encoding, Era, ShopPlan};
use serde_json::{Value, json};
use testkit::{TestDb, db_test, eventually};

use crate::house::{Answer, House, migrations};

const BOUNDARY: &str = "no file holds this";

/// A header and two rows that need a mapping.
pub const GENERIC: &str = "no,who,day,paid\n1,a,2025-01-01,10.00\n2,b,2025-01-02,20.00\n";
pub const MAPPING: &str = "[columns]\norder_no = \"no\"\naccount = \"who\"\nordered_at = \"day\"\n\
                           paid_at = \"day\"\npaid = \"paid\"\n";

/// A program whose owner is signed in.
pub struct Owner {
    pub house: House,
    pub cookie: String,
    /// Where the browser says that a request comes from.
    pub site: &'static str,
    workers: Option<app::server::Workers>,
}

impl Owner {
    /// Nothing runs by itself.
    pub async fn alone(db: &TestDb) -> Self {
        let house = House::owned(db).await;
        let cookie = house.cookie().await;
        Self { house, cookie, site: "same-origin", workers: None }
    }

    /// With workers.
    pub async fn at_work(db: &TestDb) -> Self {
        let mut owner = Self::alone(db).await;
        owner.begin_work();
        owner
    }

    pub fn begin_work(&mut self) {
        self.workers = Some(app::server::Workers::start(&self.house.state));
    }

    /// Stops the workers, at the end of a test.
    pub async fn rest(mut self) {
        self.stop_work().await;
    }

    pub async fn stop_work(&mut self) {
        if let Some(workers) = self.workers.take() {
            workers.stop().await;
        }
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        key: &str,
        kind: &str,
        body: Vec<u8>,
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("cookie", &self.cookie)
            .header("sec-fetch-site", self.site)
            .header("content-type", kind);
        let request = if key.is_empty() { request } else { request.header("idempotency-key", key) };
        self.house.send(request.body(Body::from(body)).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.send("GET", path, "", "application/json", Vec::new()).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {:?}", answer.body);
        answer.json()
    }

    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.send("POST", path, key, "application/json", body.to_string().into_bytes()).await
    }

    /// A multipart upload; fields whose name is `file` are files, with their names after a colon.
    pub async fn upload(&self, key: &str, fields: &[(&str, &[u8])]) -> Answer {
        let kind = format!("multipart/form-data; boundary=\"{BOUNDARY}\"");
        self.send("POST", "/commerce/imports", key, &kind, multipart(fields)).await
    }

    /// Uploads a file that is taken, and gives its import.
    pub async fn import(&self, fields: &[(&str, &[u8])]) -> Value {
        let answer = self.upload("", fields).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{:?}", answer.body);
        answer.json()
    }

    /// The import once it is in `state`.
    pub async fn import_in(&self, import: &Value, state: &str) -> Value {
        let path = format!("/commerce/imports/{}", text(&import["id"]));
        let what = format!("the import to be {state}");
        eventually(&what, async || Some(self.get(&path).await).filter(|i| i["state"] == state))
            .await
    }

    /// The names of everything left of uploads.
    pub fn uploaded(&self) -> BTreeSet<String> {
        let folder = self.house.state.platform.folder.join("uploads");
        let Ok(entries) = std::fs::read_dir(folder) else { return BTreeSet::new() };
        entries
            .flat_map(|entry| std::fs::read_dir(entry.unwrap().path()).unwrap())
            .map(|file| file.unwrap().file_name().to_string_lossy().into_owned())
            .collect()
    }

    /// The folders of uploads, empty ones too.
    pub fn upload_folders(&self) -> BTreeSet<String> {
        let folder = self.house.state.platform.folder.join("uploads");
        let Ok(entries) = std::fs::read_dir(folder) else { return BTreeSet::new() };
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    pub async fn assert_nothing_done(&self) {
        assert_eq!(self.get("/commerce/imports").await["items"], json!([]));
        assert_eq!(self.get("/commerce/shops").await["items"], json!([]));
        assert_eq!(self.uploaded(), BTreeSet::new(), "a refused upload leaves nothing");
    }
}

fn multipart(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let (name, file) = name.split_once(':').map_or((*name, None), |(n, f)| (n, Some(f)));
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        let head = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(value);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub fn path_of(import: &Value, step: &str) -> String {
    format!("/commerce/imports/{}{step}", text(&import["id"]))
}

/// An order report of an invented shop.
pub fn report(orders: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let plan = ShopPlan::of_orders(orders, "2026-06-30".parse().unwrap());
    demoshop::write_order_report(&plan, &mut bytes, Era::Columns67, Encoding::Gb18030).unwrap();
    bytes
}

/// The item report of the same shop.
fn items(orders: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let plan = ShopPlan::of_orders(orders, "2026-06-30".parse().unwrap());
    demoshop::write_item_report(&plan, &mut bytes, Encoding::Gb18030).unwrap();
    bytes
}

/// The answer is a problem that names `field` and says `words`.
pub fn assert_problem(answer: &Answer, status: StatusCode, code: &str, words: &[&str]) {
    let said = answer.json();
    assert_eq!(answer.status, status, "{said}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.code(), code, "{said}");
    let detail = text(&said["detail"]);
    for word in words {
        assert!(detail.contains(word), "`{word}` in: {detail}");
    }
    assert!(!detail.contains("uploads/"), "where the program keeps files is its own: {detail}");
}

db_test! { migrations();
    async fn an_uploaded_report_is_imported_once(db) {
        let owner = Owner::at_work(&db).await;
        let file = report(200);
        let fields: [(&str, &[u8]); 2] = [("shop", "  山间茶舍 ".as_bytes()), ("file:orders.csv", &file)];
        let begun = owner.import(&fields).await;
        assert_eq!(begun["state"], "queued");
        assert_eq!(begun["shop"]["name"], "山间茶舍");
        assert_eq!(begun["files"][0]["name"], "orders.csv");
        assert_eq!(begun["files"][0]["size_bytes"], file.len());
        assert_eq!((&begun["format"], &begun["encoding"]), (&json!("taobao-orders"), &json!("GB18030")));
        assert_eq!(begun["bytes_total"], file.len());

        let done = owner.import_in(&begun, "finished").await;
        assert_eq!((&done["rows_read"], &done["orders_created"]), (&json!(200), &json!(200)));
        assert_eq!((&done["rejected"], &done["error"]), (&json!(0), &Value::Null));
        assert_eq!(done["bytes_read"], file.len());
        assert!(done["can_undo"].as_bool().unwrap());
        assert!(done["finished_at"].is_string() && done["started_at"].is_string());
        assert_eq!(owner.upload_folders(), BTreeSet::new(), "the copy goes when the import ends");
        let customers = done["customers_created"].as_i64().unwrap();
        assert!(customers > 50, "{done}");

        let again = owner.import(&fields).await;
        assert_ne!(again["id"], done["id"]);
        let again = owner.import_in(&again, "finished").await;
        assert_eq!((&again["orders_unchanged"], &again["orders_created"]), (&json!(200), &json!(0)));
        assert_eq!((&again["orders_updated"], &again["customers_created"]), (&json!(0), &json!(0)));
        let list = owner.get("/commerce/imports?limit=1").await;
        assert_eq!(list["items"][0]["id"], again["id"]);
        let next = owner.get(&format!("/commerce/imports?limit=1&after={}", text(&list["next"]))).await;
        assert_eq!((&next["items"][0]["id"], &next["next"]), (&done["id"], &Value::Null));
        assert_eq!(owner.get("/commerce/shops").await["items"].as_array().unwrap().len(), 1);
        owner.rest().await;
    }

    async fn two_files_of_one_upload_are_one_import(db) {
        let owner = Owner::at_work(&db).await;
        let (orders, lines) = (report(100), items(100));
        let begun = owner.import(&[("file:items.csv", &lines), ("shop", b"T"), ("file:orders.csv", &orders)]).await;
        assert_eq!(begun["files"][0]["name"], "orders.csv", "orders are read before their items");
        assert_eq!(begun["files"][1]["format"], "taobao-items");
        let done = owner.import_in(&begun, "finished").await;
        assert_eq!((&done["orders_created"], &done["rejected"]), (&json!(100), &json!(0)));
        assert!(done["lines_created"].as_i64().unwrap() >= 100, "{done}");
        assert_eq!(owner.uploaded(), BTreeSet::new());
        owner.rest().await;
    }

    async fn a_draft_is_looked_at_and_started(db) {
        let owner = Owner::at_work(&db).await;
        let draft = owner.import(&[("start", b"false"), ("file:list.csv", GENERIC.as_bytes())]).await;
        assert_eq!((&draft["state"], &draft["shop"]), (&json!("draft"), &Value::Null));
        let raw = owner.get(&path_of(&draft, "/preview")).await;
        let file = &raw["files"][0];
        assert_eq!((&file["name"], &file["format"]), (&json!("list.csv"), &Value::Null));
        assert_eq!(file["columns"][1], json!({"name": "who", "understood_as": null}));
        assert_eq!(file["rows"].as_array().unwrap().len(), 2);
        assert_eq!(file["evidence"][0], "only ASCII characters so far");
        assert_eq!(file["evidence_codes"][0], json!({"code": "only_ascii"}));
        let agree = json!({"code": "columns_agree", "delimiter": "comma", "columns": 4, "rows": 3});
        assert_eq!(file["evidence_codes"][1], agree);

        let body = json!({"format": "generic", "mapping": MAPPING});
        let seen = owner.post(&path_of(&draft, "/preview"), "", &body).await;
        assert_eq!(seen.status, StatusCode::OK, "{:?}", seen.body);
        let seen = seen.json();
        assert_eq!(seen["files"][0]["columns"][0]["understood_as"], "order_no");
        let first = &seen["files"][0]["rows"][0];
        assert_eq!((&first["line"], &first["order"]["external_no"]), (&json!(2), &json!("1")));
        assert_eq!(first["order"]["paid_minor"], 1_000);
        let undated = MAPPING.replace("\"day\"", "\"who\"");
        let seen = owner.post(&path_of(&draft, "/preview"), "", &json!({"format": "generic", "mapping": undated})).await;
        let problem = &seen.json()["files"][0]["rows"][0]["problems"][0];
        assert_eq!((&problem["column"], &problem["reason"]), (&json!("who"), &json!("who: `a` is not a date or time")));
        assert_eq!(problem["reason_code"], json!({"code": "not_a_date", "cell": "a", "column": "who"}));

        let wrong = json!({"mapping": "[columns]\norder_no = \"nowhere\"\nordered_at = \"day\"\n"});
        let refused = owner.post(&path_of(&draft, "/preview"), "", &wrong).await;
        assert_problem(&refused, StatusCode::UNPROCESSABLE_ENTITY, "validation", &["list.csv", "nowhere"]);
        let refused = owner.post(&path_of(&draft, "/preview"), "", &json!({"mapping": "]["})).await;
        assert_problem(&refused, StatusCode::UNPROCESSABLE_ENTITY, "validation", &["mapping"]);
        let said = refused.json()["errors"][0]["message"].as_str().unwrap().to_owned();
        assert_eq!((said.starts_with("the mapping: "), said.matches("mapping:").count()), (true, 1), "{said}");
        let refused = owner.post(&path_of(&draft, "/preview"), "", &json!({"format": "word"})).await;
        assert_problem(&refused, StatusCode::UNPROCESSABLE_ENTITY, "validation", &["format", "word"]);
        let refused = owner.post(&path_of(&draft, "/start"), "", &json!({"mapping": MAPPING})).await;
        assert_problem(&refused, StatusCode::UNPROCESSABLE_ENTITY, "validation", &["shop", "missing"]);
        let refused = owner.post(&path_of(&draft, "/start"), "", &json!({"shop": "T"})).await;
        assert_problem(&refused, StatusCode::UNPROCESSABLE_ENTITY, "validation", &["list.csv", "mapping"]);
        assert_eq!(owner.get("/commerce/shops").await["items"], json!([]), "and no shop was made");

        let body = json!({"shop": "T", "channel": "offline", "currency": "EUR", "mapping": MAPPING, "dry_run": true});
        let tried = owner.post(&path_of(&draft, "/start"), "k1", &body).await;
        assert_eq!(tried.status, StatusCode::ACCEPTED, "{:?}", tried.body);
        let dry = owner.import_in(&draft, "finished").await;
        assert_eq!((&dry["dry_run"], &dry["orders_created"], &dry["can_undo"]), (&json!(true), &json!(2), &json!(false)));
        assert_eq!(owner.get("/commerce/orders").await["items"], json!([]));
        assert_eq!(owner.uploaded().len(), 1, "the file waits to be imported for real");

        let started = owner.post(&path_of(&draft, "/start"), "k2", &json!({})).await;
        assert_eq!(started.status, StatusCode::ACCEPTED, "{:?}", started.body);
        let done = owner.import_in(&draft, "finished").await;
        assert_eq!((&done["dry_run"], &done["orders_created"]), (&json!(false), &json!(2)));
        assert_eq!(done["shop"]["name"], "T");
        let shops = owner.get("/commerce/shops").await;
        assert_eq!((&shops["items"][0]["channel"], &shops["items"][0]["currency"]), (&json!("offline"), &json!("EUR")));
        assert_eq!(owner.get("/commerce/orders").await["items"].as_array().unwrap().len(), 2);

        let replayed = owner.post(&path_of(&draft, "/start"), "k2", &json!({})).await;
        assert_eq!((replayed.status, &replayed.body), (StatusCode::ACCEPTED, &started.body), "also when the files are gone");
        let refused = owner.post(&path_of(&draft, "/start"), "", &json!({})).await;
        assert_problem(&refused, StatusCode::CONFLICT, "import_state", &["finished", "not a draft"]);
        let gone = owner.send("GET", &path_of(&draft, "/preview"), "", "application/json", vec![]).await;
        assert_problem(&gone, StatusCode::GONE, "gone", &["removed"]);
        owner.rest().await;
    }

    async fn what_is_no_order_file_is_refused_by_name(db) {
        let owner = Owner::alone(&db).await;
        let deep = "x,".repeat(3_000);
        for (name, bytes, words) in [
            ("empty.csv", b"".as_slice(), vec!["empty"]),
            ("page.xls", b"<html><table><tr><td>1</td></tr></table></html>", vec!["not a table"]),
            ("old.xls", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1aaaaaaaaaaaa", vec!["not a table"]),
            ("photo.jpg", b"\xFF\xD8\xFF\xE0\x00\x10JFIF\x00\x01", vec!["not a table"]),
            ("cut.xlsx", b"PK\x03\x04 and no more", vec!["damaged", "Export it again"]),
            ("names.csv", b"name,phone\na,1\n", vec!["name, phone", "mapping"]),
            ("wide.csv", deep.as_bytes(), vec!["more than 2000 cells"]),
        ] {
            let field = format!("file:{name}");
            let answer = owner.upload("", &[("shop", b"T"), (&field, bytes)]).await;
            let mut expected = vec![name];
            expected.extend(words);
            assert_problem(&answer, StatusCode::UNPROCESSABLE_ENTITY, "validation", &expected);
            assert_eq!(answer.json()["errors"][0]["field"], "file");
        }
        owner.assert_nothing_done().await;
    }

    async fn wrong_fields_are_all_named(db) {
        let owner = Owner::alone(&db).await;
        let refuse = StatusCode::UNPROCESSABLE_ENTITY;
        let answer = owner.upload("", &[("format", b"word"), ("colour", b"red"), ("dry_run", b"1"), ("start", b"no")]).await;
        assert_problem(&answer, refuse, "validation", &["file", "shop", "format", "colour", "dry_run", "start"]);
        let file = ("file:a.csv", GENERIC.as_bytes());
        for (shop, words) in [
            ("shop_01h455vb4pex5vsknk084sn02q".to_owned(), "there is no shop shop_01h455vb4pex5vsknk084sn02q"),
            ("x".repeat(101), "1 to 100 characters"),
            ("a\u{7}b".to_owned(), "control characters"),
        ] {
            let answer = owner.upload("", &[("shop", shop.as_bytes()), ("mapping", MAPPING.as_bytes()), file]).await;
            assert_problem(&answer, refuse, "validation", &["shop", words]);
        }
        let answer = owner.upload("", &[("shop", b"T"), ("mapping", b"]["), file]).await;
        assert_problem(&answer, refuse, "validation", &["mapping"]);
        let answer = owner.upload("", &[("shop", b"T"), ("mapping", &vec![b'x'; 1 << 20]), file]).await;
        assert_problem(&answer, refuse, "validation", &["mapping", "262144 bytes"]);
        let many: Vec<(&str, &[u8])> = vec![file; 21];
        assert_problem(&owner.upload("", &many).await, refuse, "validation", &["at most 20 files"]);
        let many: Vec<(&str, &[u8])> = vec![("a", b"b"); 100];
        assert_problem(&owner.upload("", &many).await, StatusCode::BAD_REQUEST, "malformed", &["40 parts"]);
        let half = &multipart(&[("shop", b"T"), file])[..120];
        let kind = format!("multipart/form-data; boundary=\"{BOUNDARY}\"");
        let answer = owner.send("POST", "/commerce/imports", "", &kind, half.to_vec()).await;
        assert_problem(&answer, StatusCode::BAD_REQUEST, "malformed", &[]);
        let answer = owner.post("/commerce/imports", "", &json!({})).await;
        assert!(answer.status.is_client_error(), "{:?}", answer.status);
        owner.assert_nothing_done().await;
    }

    async fn the_same_key_gives_the_first_answer(db) {
        let owner = Owner::alone(&db).await;
        let fields: [(&str, &[u8]); 3] = [("shop", b"T"), ("mapping", MAPPING.as_bytes()), ("file:a.csv", GENERIC.as_bytes())];
        let first = owner.upload("key", &fields).await;
        assert_eq!(first.status, StatusCode::ACCEPTED, "{:?}", first.body);
        let again = owner.upload("key", &fields).await;
        assert_eq!((again.status, &again.body), (first.status, &first.body));
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(owner.uploaded().len(), 1, "the second copy is not kept");
        let other: [(&str, &[u8]); 3] = [fields[0], fields[1], ("file:a.csv", b"no,who,day,paid\n")];
        let refused = owner.upload("key", &other).await;
        assert_problem(&refused, StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", &["new key"]);
        assert_eq!(owner.get("/commerce/imports").await["items"].as_array().unwrap().len(), 1);
    }
}
