//! `guanxi import` and the upload route on files that nobody should have written: what is said, what is
//! done, and how much memory it takes.

use serde_json::{Value, json};

use super::bad::{self, AROUND, HEADER, good, huge_cell, rejected_rows, rejects_in, truncated};
use super::http::{Server, owner_token};
use super::orders::{Stored, stored};
use super::place::{Done, Kind, Place};

/// What no import may need, in MiB.
const MEMORY_MIB: u64 = 400;

/// Bytes of a single cell: 1 GiB in `make soak`.
fn huge_bytes() -> u64 {
    if std::env::var_os("GUANXI_SOAK").is_some() { 1 << 30 } else { 64 << 20 }
}

pub fn import_of(place: &Place, path: &str, more: &[&str]) -> Done {
    let mut args = vec!["import", "--shop", "茶叶店", path, "--json"];
    args.extend(more);
    let done = place.run(&args);
    assert_modest(&done);
    done
}

pub fn assert_modest(done: &Done) {
    assert!(!done.err.contains("panicked"), "{}", done.err);
    assert!(done.peak_mib < MEMORY_MIB, "{} MiB: {}", done.peak_mib, done.err);
}

/// The program failed, and its last words say all of `words`.
pub fn assert_refused(done: &Done, words: &[&str]) {
    assert_eq!(done.code, Some(1), "{}{}", done.out, done.err);
    assert_eq!(done.out, "", "nothing that a script could take for an answer");
    let last = done.err.lines().last().unwrap_or_default();
    assert!(last.starts_with("guanxi: "), "{}", done.err);
    for word in words {
        assert!(last.contains(word), "`{word}` in: {last}");
    }
}

/// Nothing was imported, and all invariants hold.
pub async fn assert_nothing_done(place: &Place) {
    place.verify();
    assert_eq!(stored(place).await, Stored::default());
    let db = place.open().await;
    let mut tx = db.read().await.unwrap();
    for sql in [
        "SELECT COUNT(*) FROM commerce_imports",
        "SELECT COUNT(*) FROM commerce_shops",
        "SELECT COUNT(*) FROM platform_jobs",
        "SELECT COUNT(*) FROM platform_outbox",
    ] {
        let (count,): (i64,) = tx.fetch_one(sql, vec![]).await.unwrap();
        assert_eq!(count, 0, "{sql}");
    }
    tx.rollback().await.unwrap();
    db.close().await;
}

async fn refused_by_the_command(kind: Kind) {
    let place = Place::new(kind).await;
    for file in bad::refused(&place) {
        let done = import_of(&place, file.path.to_str().unwrap(), &[]);
        assert_refused(&done, &[&[file.name][..], &file.words].concat());
    }
    let folder = place.path("folder");
    std::fs::create_dir(&folder).unwrap();
    let done = import_of(&place, folder.to_str().unwrap(), &[]);
    assert_refused(&done, &["folder", "name one of the files inside it"]);
    let done = import_of(&place, "nowhere.csv", &[]);
    assert_refused(&done, &["nowhere.csv", "no such file"]);
    let report = place.write("report.csv", format!("{HEADER}\n{}\n", good(1)).as_bytes());
    let report = report.to_str().unwrap();
    let done = import_of(&place, report, &["--format", "pdd"]);
    assert_refused(&done, &["report.csv", "not a pdd file", "订单号"]);
    let done = import_of(&place, report, &["--map", "nowhere.toml"]);
    assert_refused(&done, &["nowhere.toml"]);
    place.write("map.toml", b"[columns]\norder_no = \"Nr\"\nordered_at = \"Day\"\n");
    let done = import_of(&place, report, &["--map", "map.toml"]);
    assert_refused(&done, &["report.csv", "Nr"]);
    let done = import_of(&place, report, &["--format", "generic"]);
    assert_refused(&done, &["report.csv", "needs a mapping"]);
    for args in [
        vec!["import", report],
        vec!["import", "--shop", "T"],
        vec!["import", "--shop", " ", report],
        vec!["import", "--shop", "T", "--format", "word", report],
        vec!["import", "undo", "7"],
    ] {
        assert_eq!(place.run(&args).code, Some(2), "{args:?}");
    }
    let shop = "shop_01h455vb4pex5vsknk084sn02q";
    let done = place.run(&["import", "--shop", shop, report]);
    assert_refused(&done, &["there is no shop", shop]);
    let done = place.run(&["import", "undo", "imp_01h455vb4pex5vsknk084sn02q"]);
    assert_refused(&done, &["there is no import imp_01h455vb4pex5vsknk084sn02q"]);
    assert_nothing_done(&place).await;
}

/// A report with bad rows between good ones; and how many of each.
fn mixed() -> (String, usize, usize) {
    let mut text = format!("{HEADER}\r\n");
    let bad = rejected_rows();
    for (number, (row, _, _)) in bad.iter().enumerate() {
        text.push_str(&format!("{}\r\n{row}\r\n", good(number as u32 + 1)));
    }
    (text, bad.len(), bad.len())
}

async fn rejected_by_the_command(kind: Kind) {
    let place = Place::new(kind).await;
    let (text, taken, left) = mixed();
    let path = place.write("mixed.csv", text.as_bytes());
    let done = import_of(&place, path.to_str().unwrap(), &[]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let answer: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&answer["orders_created"], &answer["rejected"]), (&json!(taken), &json!(left)));
    let rejects = rejects_in(answer["rejects_file"].as_str().unwrap().as_ref());
    assert!(done.err.contains("correct them and import that file"), "{}", done.err);
    assert_eq!(rejects.len(), left);
    for (line, (_, column, said)) in rejects.iter().zip(rejected_rows()) {
        assert!(line.contains(said) && line.contains(column), "{line}");
    }

    let path = place.write("truncated.csv", &truncated());
    let answer = place.answer(&["import", "--shop", "T", path.to_str().unwrap()]);
    assert_eq!(answer["encoding"], "GB18030");
    assert_eq!((&answer["orders_created"], &answer["rejected"]), (&json!(3), &json!(1)));
    let rejects = rejects_in(answer["rejects_file"].as_str().unwrap().as_ref());
    assert!(rejects[0].starts_with("5,"), "{rejects:?}");

    // UTF-8 as far as detection looks, then something else.
    let many: Vec<String> = (1..=5_000).map(|number| good(number + 10_000)).collect();
    let mut bytes = format!("{HEADER}\n{}\n", many.join("\n")).into_bytes();
    bytes.extend_from_slice(
        b"20001,\xC2\xF2\xBC\xD2,1,1,\xBD\xBB\xD2\xD7\xB3\xC9\xB9\xA6,2025-01-01,0\n",
    );
    let path = place.write("two.csv", &bytes);
    let answer = place.answer(&["import", "--shop", "U", path.to_str().unwrap()]);
    assert_eq!((&answer["orders_created"], &answer["rejected"]), (&json!(5_000), &json!(1)));
    let rejects = rejects_in(answer["rejects_file"].as_str().unwrap().as_ref());
    assert!(rejects[0].starts_with("5002,") && rejects[0].contains("not UTF-8"), "{rejects:?}");

    let path = huge_cell(&place, huge_bytes());
    let done = place.run(&["import", "--shop", "V", path.to_str().unwrap(), "--json"]);
    assert_modest(&done);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let answer: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&answer["orders_created"], &answer["rejected"]), (&json!(AROUND), &json!(1)));
    assert!(answer["peak_rss_mib"].as_u64().unwrap() < MEMORY_MIB, "{answer}");
    let rejects = rejects_in(answer["rejects_file"].as_str().unwrap().as_ref());
    assert!(rejects[0].contains("cell 2 is longer than 65536 bytes"), "{:.200}", rejects[0]);
    place.verify();
}

async fn refused_and_rejected_by_the_route(kind: Kind) {
    let place = Place::new(kind).await;
    let token = owner_token(&place);
    let mut server = Server::start(&place, &token);
    let client = server.client.clone();
    for file in bad::refused(&place) {
        let (status, problem) = client.upload(file.name, &std::fs::read(&file.path).unwrap());
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert_eq!(status, 422, "{}: {problem}", file.name);
        assert_eq!(problem["errors"][0]["field"], "file", "{problem}");
        for word in [&[file.name][..], &file.words].concat() {
            assert!(detail.contains(word), "`{word}` in: {detail}");
        }
        assert!(!detail.contains("uploads"), "{detail}");
    }
    assert_eq!(client.get("/commerce/imports")["items"], json!([]));
    assert_eq!(client.get("/commerce/shops")["items"], json!([]));
    let uploads = place.data().join("uploads");
    assert_eq!(std::fs::read_dir(&uploads).unwrap().count(), 0, "nothing is left of them");

    let (text, taken, left) = mixed();
    let path = place.write("mixed.csv", text.as_bytes());
    let id = client.begin_import(&path);
    let import = server.rested(&id);
    assert_eq!((&import["orders_created"], &import["rejected"]), (&json!(taken), &json!(left)));
    let path = place.write("truncated.csv", &truncated());
    let id = client.begin_import(&path);
    assert_eq!(server.rested(&id)["rejected"], 1);
    let path = huge_cell(&place, huge_bytes());
    let id = client.begin_import(&path);
    let import = server.rested(&id);
    assert_eq!((&import["rows_read"], &import["rejected"]), (&json!(AROUND + 1), &json!(1)));
    assert!(server.running.peak_mib() < MEMORY_MIB, "{} MiB", server.running.peak_mib());
    place.verify();
    assert!(!server.running.said().iter().any(|line| line.contains("panicked")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_no_reports_are_refused_on_sqlite() {
    refused_by_the_command(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_no_reports_are_refused_on_postgres() {
    refused_by_the_command(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_cannot_be_are_rejected_on_sqlite() {
    rejected_by_the_command(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_cannot_be_are_rejected_on_postgres() {
    rejected_by_the_command(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_are_refused_and_rejected_alike_on_sqlite() {
    refused_and_rejected_by_the_route(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_are_refused_and_rejected_alike_on_postgres() {
    refused_and_rejected_by_the_route(Kind::Postgres).await;
}
