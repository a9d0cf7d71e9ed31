//! `guanxi import` and its commands: what was killed and goes on elsewhere, lists, rejects, exit codes.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rust_xlsxwriter::Workbook;
use serde_json::Value;

use super::bad::{HEADER, good};
use super::kills::{newest_import, rows_committed};
use super::orders::generate;
use super::place::{Kind, Place};

/// Several transactions of an import, as a debug build is slow.
const ORDERS: u32 = 40_000;

fn import_args(file: &Path) -> [&str; 4] {
    ["import", "--shop", "Big", file.to_str().unwrap()]
}

/// Kills a new import of `file` after its first commit, and gives what is listed of it.
fn kill_after_commit(place: &Place, file: &Path) -> Value {
    loop {
        let (before, _) = newest_import(place);
        let mut running = place.start(&import_args(file));
        running.wait_until("a commit", |_| {
            let (number, rows) = newest_import(place);
            number > before && rows > 0
        });
        running.kill();
        let killed = listed(place).remove(0);
        if killed["state"] == "running" {
            return killed;
        }
        // A busy machine let it end before the look at it: another one is begun.
        place.answer(&["import", "undo", killed["import_id"].as_str().unwrap()]);
    }
}

fn listed(place: &Place) -> Vec<Value> {
    place.answer(&["import", "list"])["imports"].as_array().unwrap().clone()
}

async fn killed_imports_can_be_handled(kind: Kind) {
    let place = Place::new(kind).await;
    let file = generate(&place, "a.csv", ORDERS, 7);
    let killed = kill_after_commit(&place, &file);
    assert_eq!(killed["shop"], "Big");
    assert!(
        killed["rows_read"].as_u64().unwrap() > 0 && killed["created_at"].is_string(),
        "{killed}"
    );
    let id = killed["import_id"].as_str().unwrap();

    // Undone without a word of pausing.
    let undone = place.answer(&["import", "undo", id]);
    assert_eq!(undone["state"], "undone");
    assert_eq!(undone["orders_removed"], killed["orders_created"]);
    place.verify();

    // Moved, it goes on where it was.
    let killed = kill_after_commit(&place, &file);
    std::fs::create_dir(place.path("other")).unwrap();
    let moved = place.path("other/b.csv");
    std::fs::rename(&file, &moved).unwrap();
    let done = place.answer(&import_args(&moved));
    let going_on = listed(&place).remove(0);
    for import in [&done, &going_on] {
        assert_eq!(import["import_id"], killed["import_id"]);
    }
    assert_eq!((&done["state"], &done["orders_created"]), (&"finished".into(), &ORDERS.into()));

    // Cancelled, it can be undone; a later import that builds on it is named by its id.
    let second = done["import_id"].as_str().unwrap();
    let refused = place.run(&["import", "cancel", second]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("is finished; there is nothing to cancel"), "{}", refused.err);
    place.verify();
}

async fn a_correction_anywhere_is_read(kind: Kind) {
    let place = Place::new(kind).await;
    let file = generate(&place, "a.csv", ORDERS, 8);
    let killed = kill_after_commit(&place, &file);
    let imports = listed(&place).len();
    // A digit in the middle, so that size and both ends stay as they are.
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    let at = middle + bytes[middle..].windows(3).position(|w| w == b".00").unwrap() + 2;
    bytes[at] = b'5';
    std::fs::write(&file, &bytes).unwrap();
    let done = place.answer(&import_args(&file));
    assert_ne!(done["import_id"], killed["import_id"], "another file is another import");
    assert_eq!(done["rows_read"], ORDERS);
    assert_eq!(listed(&place).len(), imports + 1);
    let id = killed["import_id"].as_str().unwrap();
    assert_eq!(place.answer(&["import", "cancel", id])["state"], "cancelled");
    let refused = place.run(&["import", "undo", id]);
    assert_eq!(refused.code, Some(1));
    let later = done["import_id"].as_str().unwrap();
    let number = imports + 1;
    assert!(refused.err.contains(&format!("{later} (number {number})")), "{}", refused.err);
    place.verify();
}

async fn rejects_are_private_and_kept(kind: Kind) {
    let place = Place::new(kind).await;
    let row = "A1,买家,10.00,10.00,交易成功,when it rains,0";
    let file = place.write("bad.csv", format!("{HEADER}\n{}\n{row}\n", good(1)).as_bytes());
    let first = place.answer(&import_args(&file));
    let path = Path::new(first["rejects_file"].as_str().unwrap()).to_owned();
    assert!(path.ends_with("bad.rejects.csv"), "{path:?}");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::write(&path, "half corrected").unwrap();
    for name in ["bad.rejects-2.csv", "bad.rejects-3.csv"] {
        let again = place.answer(&import_args(&file));
        assert!(Path::new(again["rejects_file"].as_str().unwrap()).ends_with(name), "{again}");
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "half corrected");
}

/// A workbook whose sheets hold these lines.
fn workbook(sheets: [(&str, &str); 2]) -> Vec<u8> {
    let mut book = Workbook::new();
    for (name, text) in sheets {
        let sheet = book.add_worksheet().set_name(name).unwrap();
        for (line, row) in text.lines().enumerate() {
            for (column, cell) in row.split(',').enumerate() {
                sheet.write(line as u32, column as u16, cell).unwrap();
            }
        }
    }
    book.save_to_buffer().unwrap()
}

async fn rejects_of_each_file_come_in_its_columns(kind: Kind) {
    const ITEMS: &str = "订单编号,标题,价格,购买数量,订单状态";
    let place = Place::new(kind).await;
    let import = |files: &[&str]| {
        let done = place.run(&[&["import", "--shop", "T", "--json"], files].concat());
        assert_eq!(done.code, Some(0), "{}", done.err);
        let answer: Value = serde_json::from_str(&done.out).unwrap();
        let paths = answer["rejects_files"].as_array().unwrap();
        assert_eq!(answer["rejects_file"], paths.first().cloned().unwrap_or_default());
        let paths: Vec<String> = paths.iter().map(|p| p.as_str().unwrap().to_owned()).collect();
        assert!(paths.iter().all(|path| done.err.contains(path)), "{paths:?} in {}", done.err);
        (answer, paths)
    };
    let orders = format!("{HEADER}\n{}\n2,买家2,y,10.00,交易成功,2025-01-01 10:00:00,0\n", good(1));
    let items = format!("{ITEMS}\n1,茶,x,1,交易成功\n");
    for folder in ["a", "b", "c"] {
        std::fs::create_dir(place.path(folder)).unwrap();
    }
    place.write("a/report.csv", orders.as_bytes());
    place.write("b/report.csv", items.as_bytes());
    place.write("c/fine.csv", format!("{HEADER}\n{}\n", good(3)).as_bytes());
    let book = workbook([("订单报表", &orders), ("宝贝报表", &items)]);
    place.write("c/book.xlsx", &book);

    for (files, expected) in [
        (
            &["c/fine.csv", "b/report.csv", "a/report.csv"][..],
            ["a/report.rejects.csv", "b/report.rejects.csv"],
        ),
        (&["c/book.xlsx"], ["c/book.rejects.csv", "c/book.rejects-2.csv"]),
    ] {
        let (answer, paths) = import(files);
        assert_eq!(answer["rejected"], 2, "{answer}");
        assert_eq!(paths, expected.map(|path| place.path(path).display().to_string()));
        for (path, header, bad, mended) in
            [(&paths[0], HEADER, ",y,", ",10.00,"), (&paths[1], ITEMS, ",x,", ",10.00,")]
        {
            let text = std::fs::read_to_string(path).unwrap();
            let first = text.lines().next().unwrap();
            assert!(first.ends_with(&format!(",guanxi_order,{header}")), "{first}");
            std::fs::write(path, text.replace(bad, mended)).unwrap();
            let (answer, none) = import(&[path]);
            assert_eq!((&answer["rejected"], none.len()), (&0.into(), 0), "{text}");
        }
    }
    place.verify();
}

async fn a_dry_run_leaves_no_shop(kind: Kind) {
    let place = Place::new(kind).await;
    let file = place.write("a.csv", format!("{HEADER}\n{}\n{}\n", good(1), good(2)).as_bytes());
    let args = [&import_args(&file)[..], &["--dry-run"]].concat();
    for _ in 0..2 {
        let tried = place.answer(&args);
        assert_eq!((&tried["orders_created"], &tried["dry_run"]), (&2.into(), &true.into()));
    }
    let db = place.open().await;
    let mut tx = db.read().await.unwrap();
    for table in ["commerce_shops", "commerce_orders", "customers_customers"] {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        let (count,): (i64,) = tx.fetch_one(sqlx::AssertSqlSafe(sql), vec![]).await.unwrap();
        assert_eq!(count, 0, "{table}");
    }
    tx.rollback().await.unwrap();
    db.close().await;
    assert_eq!(listed(&place)[0]["shop"], "Big");
    assert_eq!(place.answer(&import_args(&file))["orders_created"], 2);
}

async fn a_demonstration_that_was_broken_off_goes_on(kind: Kind) {
    let place = Place::new(kind).await;
    let args = ["demo", "--customers", "4000", "--listen", "127.0.0.1:0"];
    let mut running = place.start(&args);
    assert!(running.wait_until("a commit", |_| rows_committed(&place) > 0));
    running.kill();
    assert_eq!(listed(&place)[0]["state"], "running");
    let mut running = place.start(&args);
    assert!(running.wait_until("the address", |running| {
        running.said().iter().any(|line| line.contains("Sign in"))
    }));
    running.kill();
    let imports = listed(&place);
    assert_eq!(imports.len(), 1);
    assert_eq!(imports[0]["state"], "finished");
    // The plan says about how many.
    assert!(imports[0]["orders_created"].as_u64().unwrap() > 23_900, "{}", imports[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_ends_with_two() {
    let place = Place::new(Kind::Sqlite).await;
    let file = place.write("a.csv", HEADER.as_bytes());
    let file = file.to_str().unwrap();
    for args in [
        vec!["export", "customers", "--out", "t.txt"],
        vec!["import", "--shop", "", file],
        vec!["import", "--shop", "a\u{7}b", file],
        vec!["verify", "--database-url", "mysql://h/d"],
    ] {
        let done = place.run(&args);
        assert_eq!(done.code, Some(2), "{args:?}: {}", done.err);
    }
    assert!(!place.data().exists(), "nothing was begun");
    let done = place.run(&["rfm", "--shop", "Nope"]);
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("there is no shop Nope"), "{}", done.err);
    let mut served = place.start(&["serve", "--listen", "127.0.0.1:0"]);
    served.wait_until("some lines", |served| served.said().len() > 1);
    assert!(served.said().iter().all(|line| !line.contains('\u{1b}')), "{:?}", served.said());
    served.kill();
}

macro_rules! on_both {
    ($($name:ident: $what:ident;)*) => {$(
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                $what(Kind::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                $what(Kind::Postgres).await;
            }
        }
    )*};
}

on_both! {
    killed: killed_imports_can_be_handled;
    corrected: a_correction_anywhere_is_read;
    rejected: rejects_are_private_and_kept;
    rejected_of_each: rejects_of_each_file_come_in_its_columns;
    tried: a_dry_run_leaves_no_shop;
    demo: a_demonstration_that_was_broken_off_goes_on;
}
