//! Rejected rows of each file of an import, corrected and imported again; on both databases.

use std::path::PathBuf;

use commerce::imports::Import;
use flows::import_orders;
use rust_xlsxwriter::Workbook;
use testkit::db_test;

use crate::reports::{COMPLETED, item_report, order_report};
use crate::shop::{MIGRATIONS, Shop, dump};

const COLUMNS: &str = "guanxi_line,guanxi_column,guanxi_reason,guanxi_order,";

/// An order report and an item report of two orders; in each something of one of them is wrong.
fn damaged_pair(shop: &Shop) -> [PathBuf; 2] {
    let of = |no| (no, COMPLETED, "杯子", "0.00", "");
    let orders = order_report(shop, "orders.csv", &[of(1), of(2)]);
    let items = item_report(
        shop,
        "items.csv",
        &[(1, "杯子", "x", 1, COMPLETED), (2, "碗", "239.00", 1, COMPLETED)],
    );
    let text = std::fs::read_to_string(&orders).unwrap();
    let good = "13800000002,2026-01-02";
    assert!(text.contains(good), "{text}");
    std::fs::write(&orders, text.replace(good, "13800000002,2026-13-02")).unwrap();
    [orders, items]
}

/// Corrects the rejects of both files, and imports them again.
async fn correct_pair(shop: &Shop, import: &Import) {
    let orders = shop.rejects_pages(import, 0).await.concat();
    assert!(orders.starts_with(&format!("\u{feff}{COLUMNS}订单编号,买家会员名,")), "{orders}");
    let orders = orders.replace("2026-13-02", "2026-01-02");
    let again = shop.import(&[&shop.write("orders.rejects.csv", orders.as_bytes())]).await;
    assert_eq!((again.progress.orders_created, again.progress.rejected), (1, 0), "{orders}");

    let items = shop.rejects_pages(import, 1).await.concat();
    assert!(items.starts_with(&format!("\u{feff}{COLUMNS}订单编号,标题,")), "{items}");
    let items = items.replace(",x,", ",239.00,");
    let again = shop.import(&[&shop.write("items.rejects.csv", items.as_bytes())]).await;
    assert_eq!((again.progress.lines_created, again.progress.rejected), (2, 0), "{items}");
    assert_eq!(dump(shop).await.orders.len(), 2);
    shop.holds().await;
}

/// A workbook of an order report and an item report, made of CSV files.
fn workbook(shop: &Shop, [orders, items]: &[PathBuf; 2]) -> PathBuf {
    let mut book = Workbook::new();
    for (name, file) in [("订单报表", orders), ("宝贝报表", items)] {
        let sheet = book.add_worksheet().set_name(name).unwrap();
        let mut rows = csv::ReaderBuilder::new();
        let rows = rows.has_headers(false).flexible(true).from_path(file).unwrap();
        for (line, row) in rows.into_records().enumerate() {
            for (column, cell) in row.unwrap().iter().enumerate() {
                let cell = cell.trim_start_matches('=').trim_matches('"');
                sheet.write_string(line as u32, column as u16, cell).unwrap();
            }
        }
    }
    shop.write("book.xlsx", &book.save_to_buffer().unwrap())
}

/// Rows that are no orders, `count` of them, each told from the others by its buyer.
fn all_bad(shop: &Shop, count: usize) -> PathBuf {
    let mut text = String::from("订单编号,买家会员名,总金额,订单状态,订单创建时间\r\n");
    for no in 0..count {
        text.push_str(&format!("{no},buyer{no},1.00,交易成功,2026-13-02 10:00:00\r\n"));
    }
    shop.write("bad.csv", text.as_bytes())
}

db_test! { MIGRATIONS;
    async fn rejects_of_an_order_and_an_item_report_are_corrected(db) {
        let shop = Shop::open(&db).await;
        let [orders, items] = damaged_pair(&shop);
        let import = shop.import(&[&items, &orders]).await;
        assert_eq!((import.progress.orders_created, import.progress.rejected), (1, 3));
        assert_eq!(shop.count_rejects(&import).await, [1, 2]);
        correct_pair(&shop, &import).await;
    }

    async fn rejects_of_two_sheets_are_corrected(db) {
        let shop = Shop::open(&db).await;
        let book = workbook(&shop, &damaged_pair(&shop));
        let import = shop.import(&[&book]).await;
        let [orders, items] = &import.request.files[..] else { panic!("{:?}", import.request) };
        assert_eq!((&orders.name, orders.sheet.as_deref()), (&items.name, Some("订单报表")));
        assert_eq!(shop.count_rejects(&import).await, [1, 2]);
        correct_pair(&shop, &import).await;
    }

    async fn rows_of_before_their_file_was_kept_are_told_by_its_name(db) {
        let shop = Shop::open(&db).await;
        let import = shop.import(&damaged_pair(&shop).each_ref()).await;
        let execute = async |sql: &'static str| {
            let mut tx = shop.platform.db.begin().await.unwrap();
            tx.execute(sql, vec![]).await.unwrap();
            tx.commit().await.unwrap();
        };
        execute("UPDATE commerce_import_rejects SET file_no = NULL").await;
        assert_eq!(shop.count_rejects(&import).await, [1, 2]);
        let mut same = import.clone();
        same.request.files[1].name.clone_from(&import.request.files[0].name);
        execute("UPDATE commerce_import_rejects SET file = 'of another name' WHERE seq > 1").await;
        assert_eq!(shop.count_rejects(&import).await, [2, 1]);
        assert_eq!(shop.count_rejects(&same).await, [3, 0], "the first that fits");
        assert_eq!(shop.rejects_pages(&same, 0).await.concat().lines().count(), 1 + 3);
        execute("UPDATE commerce_import_rejects SET file = 'of another name'").await;
        assert_eq!(shop.count_rejects(&import).await, [3, 0]);
    }

    async fn a_dry_run_keeps_what_it_rejects(db) {
        let shop = Shop::open(&db).await;
        let [orders, items] = damaged_pair(&shop);
        let import = shop.begin(&[&orders, &items], true).await;
        let import = import_orders::run_in_batches(&shop.platform, &shop.cx, import.id, 1, |_| {}).await.unwrap();
        // In a dry run no order is there for its items.
        assert_eq!(shop.count_rejects(&import).await.iter().sum::<u64>(), import.progress.rejected);
        let file = shop.rejects_pages(&import, 0).await.concat();
        assert!(file.contains("2026-13-02") && file.lines().count() == 2, "{file}");
        assert!(dump(&shop).await.orders.is_empty());
    }

    async fn rejects_come_in_pages(db) {
        const ROWS: usize = 2_345;
        let shop = Shop::open(&db).await;
        let [orders, items] = damaged_pair(&shop);
        let import = shop.import(&[&items, &all_bad(&shop, ROWS), &orders]).await;
        assert_eq!(shop.count_rejects(&import).await, [ROWS as u64, 1, 2]);
        let pages = shop.rejects_pages(&import, 0).await;
        let lines: Vec<usize> = pages.iter().map(|page| page.lines().count()).collect();
        assert_eq!(lines, [1 + 1_000, 1_000, 345]);
        for (no, line) in pages.concat().lines().skip(1).enumerate() {
            assert!(line.starts_with(&format!("{},", no + 2)), "{line}");
            assert!(line.contains(&format!(",{no},buyer{no},1.00,")), "{line}");
        }
        for (file_no, rows) in [(1, 1), (2, 2)] {
            assert_eq!(shop.rejects_pages(&import, file_no).await.concat().lines().count(), 1 + rows);
        }
    }

    async fn a_last_page_that_is_full_ends_the_file(db) {
        let shop = Shop::open(&db).await;
        let import = shop.import(&[&all_bad(&shop, 1_000)]).await;
        let pages = shop.rejects_pages(&import, 0).await;
        assert_eq!(pages.iter().map(|page| page.lines().count()).collect::<Vec<_>>(), [1_001]);
    }
}
