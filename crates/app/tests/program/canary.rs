//! Canaries: personal data that is known goes in by every door, everything that writes is done, and then
//! every byte that was written is searched for it.
//!
//! What is searched for is what is promised (docs/security.md): phone numbers, e-mail addresses, names
//! of receivers, addresses, numbers of documents, and what people wrote about customers. Names of
//! customers are not: they are searched by.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use platform::Db;
use serde_json::{Value, json};

use super::http::{Server, owner_token};
use super::place::{Kind, Place, Running};

const PHONE: &str = "13912745873";
const REJECTED_PHONE: &str = "13982745879";
const EMAIL: &str = "lark.7731@birds.example";
const USER: &str = "wren.7735@birds.example";
const INVITED: &str = "robin.7736@birds.example";
const RECEIVER: &str = "雀鸣霄汉";
const STREET: &str = "夜莺歌唱街道七千七百三十一号";
const MOVED_TO: &str = "百灵鸟啼鸣路八千八百四十二号";
const DOCUMENT: &str = "11010519491231773X";
const NOTE: &str = "she keeps a goldfinch 7737";
const EVIDENCE: &str = "said so to a nightingale 7738";
const REASON: &str = "asked by a blackbird 7739";

const CANARIES: &[&str] = &[
    PHONE,
    REJECTED_PHONE,
    EMAIL,
    USER,
    INVITED,
    RECEIVER,
    STREET,
    MOVED_TO,
    DOCUMENT,
    NOTE,
    EVIDENCE,
    REASON,
];

const MAPPING: &str = r#"
name = "canaries"
delimiter = "comma"
currency = "CNY"
date_formats = ["%Y-%m-%d"]

[columns]
order_no = "no"
account = "account"
buyer_name = "buyer"
buyer_phone = "phone"
email = "email"
receiver_name = "receiver"
mobile = "mobile"
address = "street"
ordered_at = "day"
paid_at = "day"
paid = "paid"
buyer_message = "message"
seller_remark = "remark"
"#;

const HEADER: &str =
    "no,account,buyer,phone,email,receiver,mobile,street,day,paid,message,remark\n";

/// An order of the customer with the canaries.
fn row(number: u32, day: &str, phone: &str, street: &str) -> String {
    format!(
        "{number},warbler,张三,{phone},{EMAIL},{RECEIVER},{phone},{street},{day},10.00,\
         {DOCUMENT},{DOCUMENT}\n"
    )
}

/// What a text looks like in bytes that hold it.
fn forms(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = text.as_bytes();
    let wide = |turn: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(turn).collect();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut all = vec![
        ("as it is", bytes.to_vec()),
        ("in UTF-16", wide(u16::to_le_bytes)),
        ("in UTF-16, big end first", wide(u16::to_be_bytes)),
        ("in GB18030", encoding_rs::GB18030.encode(text).0.into_owned()),
        ("in hexadecimal", hex.clone().into_bytes()),
        ("in hexadecimal", hex.to_uppercase().into_bytes()),
        ("as JSON escapes", json_escapes(text).into_bytes()),
    ];
    for shift in 0..3_usize {
        // Wherever it begins in a longer text: without the characters that depend on its neighbours.
        let before = vec![b' '; shift];
        let coded = STANDARD_NO_PAD.encode([before.as_slice(), bytes].concat());
        let from = (shift * 8).div_ceil(6);
        let until = (shift + bytes.len()) * 8 / 6;
        all.push(("in base 64", coded.as_bytes()[from..until].to_vec()));
    }
    all
}

fn json_escapes(text: &str) -> String {
    let escape = |unit: u16| match u8::try_from(unit) {
        Ok(byte) => char::from(byte).to_string(),
        Err(_) => format!("\\u{unit:04x}"),
    };
    text.encode_utf16().map(escape).collect()
}

/// All forms of all canaries, to be searched for at once.
struct Search {
    needles: Vec<(String, Vec<u8>)>,
    /// By the first two bytes: whether any needle begins so.
    begins: Vec<bool>,
}

impl Search {
    fn new(canaries: &[&str]) -> Self {
        let mut needles = Vec::new();
        let mut begins = vec![false; 1 << 16];
        for canary in canaries {
            for (form, bytes) in forms(canary) {
                assert!(bytes.len() >= 8, "{canary} {form} may be there by chance");
                if needles.iter().any(|(_, known)| *known == bytes) {
                    continue;
                }
                begins[usize::from(bytes[0]) << 8 | usize::from(bytes[1])] = true;
                needles.push((format!("{canary} {form}"), bytes));
            }
        }
        Self { needles, begins }
    }

    /// What of it is in `bytes`.
    fn found(&self, bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        let mut last = 0_usize;
        for (at, byte) in bytes.iter().enumerate() {
            last = (last << 8 | usize::from(*byte)) & 0xffff;
            if at > 0 && self.begins[last] {
                let rest = &bytes[at - 1..];
                let here = self.needles.iter().filter(|(_, needle)| rest.starts_with(needle));
                found.extend(here.map(|(name, _)| name.clone()));
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// Searches every file below `folder`; gives what was found where, and how many bytes were read.
    fn below(&self, folder: &Path, found: &mut Vec<String>) -> u64 {
        let mut read = 0;
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                read += self.below(&path, found);
                continue;
            }
            // A server may remove its own files meanwhile.
            let Ok(bytes) = std::fs::read(&path) else { continue };
            read += bytes.len() as u64;
            let what = [self.found(&bytes), self.found(path.to_str().unwrap().as_bytes())];
            found.extend(what.concat().into_iter().map(|what| format!("{what}: {path:?}")));
        }
        read
    }
}

fn multipart(parts: &[(&str, Option<&str>, &[u8])]) -> (String, Vec<u8>) {
    const BOUNDARY: &str = "no canary sings this";
    let mut body = Vec::new();
    for (name, file, bytes) in parts {
        let file = file.map_or(String::new(), |file| format!("; filename=\"{file}\""));
        let head = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary=\"{BOUNDARY}\""), body)
}

/// The server at work, which logs everything it ever says.
fn serve(place: &Place, token: &str) -> Server {
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("RUST_LOG", "debug");
    Server::of(Running::start(command, ""), token)
}

impl Server {
    fn imported(&mut self, name: &str, rows: &str) -> Value {
        let file = format!("{HEADER}{rows}");
        let parts: [(&str, Option<&str>, &[u8]); 4] = [
            ("shop", None, "茶叶店".as_bytes()),
            ("format", None, b"generic"),
            ("mapping", None, MAPPING.as_bytes()),
            ("file", Some(name), file.as_bytes()),
        ];
        let (kind, body) = multipart(&parts);
        let (status, import) = self.client.ask("POST", "/commerce/imports", &kind, &body);
        assert_eq!(status, 202, "{import}");
        let import = self.rested(import["id"].as_str().unwrap());
        assert_eq!(import["state"], "finished", "{import}");
        import
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let bytes = body.to_string();
        let (status, answer) = self.client.ask("POST", path, "application/json", bytes.as_bytes());
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    /// Asks somebody to join, for which one must be signed in.
    fn invite(&self) {
        let as_page = |credential: &str| {
            format!("sec-fetch-site: same-origin\r\ncontent-type: application/json\r\n{credential}")
        };
        let me = json!({ "email": "owner@example.com", "password": "a long password" });
        let answer = self.send("POST", "/api/v1/identity/sessions", &as_page(""), &me.to_string());
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        let cookie = format!("cookie: {}\r\n", cookie.split(';').next().unwrap());
        let whom = json!({ "email": INVITED, "role": "analyst" }).to_string();
        self.send("POST", "/api/v1/identity/invitations", &as_page(&cookie), &whom);
    }

    fn raw(&self, path: &str) -> Vec<u8> {
        let credential = format!("authorization: Bearer {}\r\n", self.client.token());
        self.send("GET", path, &credential, "")
    }

    /// The bytes of an answer, head and all.
    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.client.address()).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\
             {headers}\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let text = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(b"HTTP/1.1 20"), "{path}: {text}");
        answer
    }
}

/// Does everything that writes, with the canaries in it; gives the masked files and the log.
fn do_everything(place: &Place) -> Vec<(&'static str, Vec<u8>)> {
    let add = ["user", "add", "--role", "analyst", "--email", USER];
    assert_eq!(place.run_with(&add, "a long password\n").code, Some(0));
    let token = owner_token(place);
    let mut server = serve(place, &token);
    server.imported("first.csv", &row(1, "2025-01-01", PHONE, STREET));
    // The second report of the order changes it, and leaves an undo image; its last row is none.
    let second = row(1, "2025-01-01", PHONE, MOVED_TO) + &row(2, "no day", REJECTED_PHONE, STREET);
    let import = server.imported("second.csv", &second);
    assert_eq!(
        (&import["orders_updated"], &import["rejected"]),
        (&json!(1), &json!(1)),
        "{import}"
    );

    let found = server.client.get(&format!("/customers?q={PHONE}"));
    assert_eq!(found["total"], 1, "{found}");
    let id = found["items"][0]["id"].as_str().unwrap().to_owned();
    server.client.get(&format!("/search?q={EMAIL}"));
    let customer = format!("/customers/{id}");
    let note = json!({ "text": format!("{NOTE} {PHONE}") });
    server.post(&format!("{customer}/notes"), &note);
    let (_, answer) =
        server.client.try_with_key("POST", &format!("{customer}/notes"), &note, "7731").unwrap();
    assert!(answer["id"].is_string(), "{answer}");
    let consent = json!({
        "channels": ["sms"], "purposes": ["marketing"], "granted": true, "source": "phone",
        "evidence": EVIDENCE,
    });
    server.post(&format!("{customer}/consents"), &consent);
    let reason = json!({ "reason": REASON });
    let shown = server.post(&format!("{customer}/reveal"), &reason);
    assert!(shown.to_string().contains(PHONE), "{shown}");
    let held = server.post(&format!("{customer}/person-data"), &reason);
    assert!(
        CANARIES[..1].iter().chain(&[RECEIVER, MOVED_TO]).all(|c| held.to_string().contains(c))
    );
    server.invite();
    let mut files = vec![
        ("the export of customers", server.raw("/api/v1/customers/export?format=csv")),
        ("the list of customers", server.raw("/api/v1/customers")),
        ("the list of orders", server.raw("/api/v1/commerce/orders")),
        ("the metrics", server.raw("/metrics")),
    ];

    // As they are kept, sealed; in a browser, who may read the log reads it opened.
    place.answer(&["audit", "export", "--out", place.path("audit.jsonl").to_str().unwrap()]);
    place.answer(&["backup", "create", "--out", place.path("backups").to_str().unwrap()]);
    let rotated = place.answer(&["keys", "rotate"]);
    assert!(rotated["version"].as_u64() == Some(2), "{rotated}");
    place.answer(&["backup", "create", "--out", place.path("backups").to_str().unwrap()]);
    place.verify();
    let held = server.post(&format!("{customer}/person-data"), &reason);
    assert!(held.to_string().contains(PHONE), "after the rotation, the server opens it");
    assert!(!server.running.has_ended());
    let log = server.running.said().join("\n").into_bytes();
    assert!(log.len() > 10_000, "it logs");
    files.push(("the log", log));
    // Killed, so that SQLite's log stays as it is.
    server.running.kill();
    files
}

/// Where the server of the test run keeps its data.
fn cluster() -> PathBuf {
    PathBuf::from(std::env::var_os("GUANXI_PG_FOLDER").unwrap()).join("data")
}

/// Its log since `begun`.
async fn log_files(db: &Db, begun: &str) -> Vec<PathBuf> {
    let now = wal_segment(db).await;
    let wal = cluster().join("pg_wal");
    let names = std::fs::read_dir(&wal).unwrap().flatten().map(|entry| entry.file_name());
    let recent = names
        .map(|name| name.into_string().unwrap())
        .filter(|name| (begun..=now.as_str()).contains(&name.as_str()));
    let files: Vec<PathBuf> = recent.map(|name| wal.join(name)).collect();
    assert!(!files.is_empty());
    files
}

/// The files of the place's tables, with what was only in memory, and what the server says.
async fn table_files(db: &Db) -> Vec<PathBuf> {
    let mut tx = db.begin().await.unwrap();
    tx.execute("CHECKPOINT", vec![]).await.unwrap();
    let (oid,): (i64,) = tx
        .fetch_one(
            "SELECT CAST(oid AS BIGINT) FROM pg_database WHERE datname = current_database()",
            vec![],
        )
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    let base = cluster().join("base").join(oid.to_string());
    let tables = std::fs::read_dir(base).unwrap().flatten().map(|entry| entry.path());
    let said = cluster().join("server.log");
    tables.filter(|path| path.is_file()).chain([said]).collect()
}

async fn wal_segment(db: &Db) -> String {
    let mut tx = db.begin().await.unwrap();
    let sql = "SELECT pg_walfile_name(pg_current_wal_insert_lsn())";
    let (name,): (String,) = tx.fetch_one(sql, vec![]).await.unwrap();
    tx.commit().await.unwrap();
    name
}

/// Every row of every table as text: where PostgreSQL compresses, its files tell less than it does.
async fn rows_as_text(db: &Db) -> String {
    let mut tx = db.read().await.unwrap();
    let sql = "SELECT CAST(relname AS TEXT) FROM pg_class WHERE relkind = 'r'
        AND relnamespace = CAST(current_schema() AS REGNAMESPACE)";
    let tables: Vec<(String,)> = tx.fetch_all(sql, vec![]).await.unwrap();
    assert!(tables.len() > 30, "{tables:?}");
    let mut text = String::new();
    for (table,) in tables {
        let sql = format!("SELECT CAST(t AS TEXT) FROM {table} AS t");
        let rows: Vec<(String,)> = tx.fetch_all(sqlx::AssertSqlSafe(sql), vec![]).await.unwrap();
        rows.into_iter().for_each(|(row,)| text = std::mem::take(&mut text) + &row + "\n");
    }
    tx.rollback().await.unwrap();
    text
}

/// Everything that was written, searched.
async fn searched(place: &Place, search: &Search, begun: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut read = search.below(place.data().parent().unwrap(), &mut found);
    if place.postgres_url().is_some() {
        let db = place.open().await;
        let mut look = |files: Vec<PathBuf>| {
            for path in files {
                let bytes = std::fs::read(&path).unwrap_or_default();
                read += bytes.len() as u64;
                let what = search.found(&bytes).into_iter();
                found.extend(what.map(|what| format!("{what}: {path:?}")));
            }
        };
        // First the log: a checkpoint may use its files again.
        look(log_files(&db, begun).await);
        look(table_files(&db).await);
        let text = rows_as_text(&db).await;
        found
            .extend(search.found(text.as_bytes()).into_iter().map(|what| format!("{what}: a row")));
        db.close().await;
    }
    assert!(read > 100_000, "there is something to search: {read}");
    found
}

async fn nothing_personal_is_written(kind: Kind) {
    let place = Place::new(kind).await;
    let begun = match place.postgres_url() {
        Some(_) => {
            let db = place.open().await;
            let begun = wal_segment(&db).await;
            db.close().await;
            begun
        }
        None => String::new(),
    };
    let search = Search::new(CANARIES);
    for (what, bytes) in do_everything(&place) {
        let mut found = search.found(&bytes);
        if what == "the list of orders" {
            // Who may see orders sees for whom they are; a rule hides it.
            found.retain(|found| !found.starts_with(RECEIVER));
        }
        assert!(found.is_empty(), "in {what}: {found:?}");
    }
    let found = searched(&place, &search, &begun).await;
    assert!(found.is_empty(), "{found:?}");
    if kind == Kind::Sqlite {
        assert!(place.data().join("guanxi.db-wal").metadata().unwrap().len() > 0);
    }

    // It finds what is there: a canary that is written in plain by the database, and by a file.
    let db = place.open().await;
    let mut tx = db.begin().await.unwrap();
    let planted = "INSERT INTO customers_settings (org_id, name, value) VALUES (1, 'bird', $1)";
    tx.execute(planted, platform::args![format!("call {PHONE}, or {PHONE}, or {PHONE}")])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let coded = STANDARD_NO_PAD.encode(format!("to {EMAIL}"));
    std::fs::write(place.data().join("uploads-left-behind"), coded).unwrap();
    let found = searched(&place, &search, &begun).await;
    db.close().await;
    let has = |what: &str, at: &str| found.iter().any(|f| f.starts_with(what) && f.contains(at));
    assert!(has(&format!("{EMAIL} in base 64"), "uploads-left-behind"), "{found:?}");
    let at = if kind == Kind::Sqlite { "guanxi.db-wal" } else { "pg_wal" };
    assert!(has(&format!("{PHONE} as it is"), at), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_personal_is_written_in_plain_on_sqlite() {
    nothing_personal_is_written(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_personal_is_written_in_plain_on_postgres() {
    nothing_personal_is_written(Kind::Postgres).await;
}

#[test]
fn every_form_of_a_canary_is_found() {
    let search = Search::new(&[RECEIVER, PHONE]);
    for canary in [RECEIVER, PHONE] {
        for (form, bytes) in forms(canary) {
            for before in ["", "x", "xy", "xyz"] {
                let text = [before.as_bytes(), &bytes, b"zz"].concat();
                assert!(!search.found(&text).is_empty(), "{canary} {form} behind {before}");
            }
        }
        for before in ["", "x", "xy", "xyz", "一"] {
            let coded =
                base64::engine::general_purpose::STANDARD.encode(format!("{before}{canary}!"));
            assert_eq!(search.found(coded.as_bytes()), [format!("{canary} in base 64")]);
        }
        let json = serde_json::to_string(canary).unwrap();
        assert_eq!(search.found(json.as_bytes()), [format!("{canary} as it is")]);
    }
    assert!(search.found("139****5873 雀**".as_bytes()).is_empty(), "masks are none");
}
