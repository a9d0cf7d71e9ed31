//! Imports through the whole flow, on both databases.

#![allow(clippy::unwrap_used)]

#[path = "import/levels.rs"]
mod levels;
#[path = "import/points.rs"]
mod points;
#[path = "import/rejects.rs"]
mod rejects;
#[path = "import/reports.rs"]
mod reports;
#[path = "import/retention.rs"]
mod retention;
mod shop;

use commerce::formats::{Fault, Reason};
use commerce::imports::ImportState;
use demoshop::{Encoding, Era, ShopPlan};
use flows::import_orders::{self, ImportError};
use flows::undo_import::{self, UndoError};
use shop::{MIGRATIONS, Shop, dump, stored_bytes};
use testkit::db_test;

fn plan() -> ShopPlan {
    ShopPlan::of_orders(600, "2026-06-30".parse().unwrap())
}

/// The same orders as they were exported half a year earlier: fewer, and less far along.
fn earlier() -> ShopPlan {
    let mut plan = plan();
    plan.taken_at = "2026-01-15T12:00:00".parse().unwrap();
    plan
}

/// An order report whose rows name people in every column that may: what they are called, where they
/// live, how they are reached. Gives also those cells, and the number of an order.
fn personal_report() -> (Vec<u8>, Vec<String>, String) {
    const FREE: [(&str, &str); 4] = [
        ("买家留言", "请打 13912345678 或写 wang.fang@example.com"),
        ("订单备注", "改寄她母亲 13887654321"),
        ("修改后的收货地址", "浙江省 杭州市 西湖区 文三路九十九号"),
        ("发票抬头", "王芳 13711112222"),
    ];
    const PERSONAL: [&str; 3] = ["联系手机", "联系电话", "收货地址"];
    let mut report = Vec::new();
    let plan = ShopPlan::of_orders(40, "2026-06-30".parse().unwrap());
    demoshop::write_order_report(&plan, &mut report, Era::Columns67, Encoding::Utf8Bom).unwrap();
    let mut reader = csv::Reader::from_reader(report.as_slice());
    let header = reader.headers().unwrap().clone();
    for column in FREE.iter().map(|(column, _)| column).chain(&PERSONAL) {
        assert!(header.iter().any(|known| known == *column), "{column} in {header:?}");
    }
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(&header).unwrap();
    let mut cells: Vec<String> = FREE.iter().map(|(_, text)| (*text).to_owned()).collect();
    let mut order_no = String::new();
    for row in reader.records() {
        let row = row.unwrap();
        order_no = row[0].trim_matches(['=', '"']).to_owned();
        out.write_record(header.iter().zip(&row).map(|(column, cell)| {
            if PERSONAL.contains(&column) && cell.chars().count() > 6 {
                cells.push(cell.trim_start_matches('\'').to_owned());
            }
            FREE.iter().find(|(free, _)| *free == column).map_or(cell, |(_, text)| text)
        }))
        .unwrap();
    }
    (out.into_inner().unwrap(), cells, order_no)
}

db_test! { MIGRATIONS;
    async fn the_same_file_twice_changes_nothing(db) {
        let shop = Shop::open(&db).await;
        let file = shop.order_report(&plan(), "orders.csv");
        let first = shop.import(&[&file]).await;
        assert_eq!(first.state, ImportState::Finished);
        assert_eq!(first.progress.orders_created, 600);
        assert_eq!(first.progress.rows_read, 600);
        assert_eq!(first.progress.rejected, 0);
        assert!(first.progress.customers_created > 100, "{:?}", first.progress);
        let before = dump(&shop).await;

        let second = shop.import(&[&file]).await;
        assert_ne!(second.id, first.id);
        assert_eq!(second.progress.orders_unchanged, 600);
        assert_eq!((second.progress.orders_created, second.progress.orders_updated), (0, 0));
        assert_eq!(second.progress.customers_created, 0);
        assert_eq!(dump(&shop).await, before);
        shop.holds().await;
    }

    async fn nothing_personal_can_be_read_in_the_database(db) {
        let shop = Shop::open(&db).await;
        let (report, cells, order_no) = personal_report();
        assert!(cells.len() > 80, "{cells:?}");
        let import = shop.import(&[&shop.write("personal.csv", &report)]).await;
        assert_eq!((import.progress.orders_created, import.progress.rejected), (40, 0));
        let stored = stored_bytes(&shop, &db).await;
        let holds = |text: &str| memchr::memmem::find(&stored, text.as_bytes()).is_some();
        assert!(holds(&order_no), "this looks at what is stored");
        for cell in &cells {
            assert!(!holds(cell), "`{cell}` can be read");
            for part in cell.split(' ').filter(|part| part.len() > 9) {
                // Province and city are stored to be counted.
                assert!(part.ends_with('省') || part.ends_with('市') || !holds(part), "`{part}` can be read");
            }
        }
    }

    async fn a_newer_export_updates_and_undo_restores(db) {
        let shop = Shop::open(&db).await;
        let old = shop.order_report(&earlier(), "old.csv");
        let new = shop.order_report(&plan(), "new.csv");
        let first = shop.import(&[&old]).await;
        let before = dump(&shop).await;

        let second = shop.import(&[&new]).await;
        let progress = &second.progress;
        assert!(progress.orders_updated > 0 && progress.orders_created > 0, "{progress:?}");
        assert_eq!(progress.orders_created + first.progress.orders_created, 600);
        let after = dump(&shop).await;
        assert_ne!(after, before);
        shop.holds().await;

        let refused = undo_import::undo(&shop.platform, &shop.cx, first.id).await.unwrap_err();
        assert!(matches!(refused, UndoError::BuiltUpon { .. }), "{refused}");
        assert_eq!(dump(&shop).await, after, "a refused undo changes nothing");

        let undone = undo_import::undo(&shop.platform, &shop.cx, second.id).await.unwrap();
        assert_eq!(undone.import.state, ImportState::Undone);
        assert_eq!((undone.orders_removed, undone.orders_restored), (progress.orders_created, progress.orders_updated));
        assert_eq!(undone.customers_removed, progress.customers_created);
        assert_eq!(dump(&shop).await, before);
        undo_import::undo(&shop.platform, &shop.cx, first.id).await.unwrap();
        let empty = dump(&shop).await;
        assert!(empty.orders.is_empty() && empty.customers.is_empty() && empty.identities.is_empty());
        assert!(matches!(
            undo_import::undo(&shop.platform, &shop.cx, first.id).await,
            Err(UndoError::State { .. })
        ));
        shop.holds().await;
    }

    async fn an_older_export_after_a_newer_one_takes_nothing_back(db) {
        let shop = Shop::open(&db).await;
        shop.import(&[&shop.order_report(&plan(), "new.csv")]).await;
        let states = dump(&shop).await.states();
        shop.import(&[&shop.order_report(&earlier(), "old.csv")]).await;
        assert_eq!(dump(&shop).await.states(), states);
    }

    async fn batches_and_crashes_do_not_change_the_outcome(db) {
        let whole = Shop::open(&db).await;
        let file = whole.order_report(&plan(), "orders.csv");
        let clean = whole.import(&[&file]).await;
        let expected = dump(&whole).await.without_ids();
        undo_import::undo(&whole.platform, &whole.cx, clean.id).await.unwrap();

        let import = whole.begin(&[&file], false).await;
        let done = whole.run_with_crashes(&import, 37).await;
        assert_eq!(done.state, ImportState::Finished);
        assert_eq!(done.progress.orders_created, 600);
        assert_eq!(done.progress.customers_created, clean.progress.customers_created);
        assert_eq!(dump(&whole).await.without_ids(), expected);
        whole.holds().await;
    }

    async fn a_pause_holds_and_a_resume_goes_on(db) {
        let shop = Shop::open(&db).await;
        let file = shop.order_report(&plan(), "orders.csv");
        let import = shop.begin(&[&file], false).await;
        let (platform, cx, id) = (shop.platform.clone(), shop.cx.clone(), import.id);
        let (asked, ask) = tokio::sync::oneshot::channel::<()>();
        let mut asked = Some(asked);
        let pause = tokio::spawn({
            let (platform, cx) = (platform.clone(), cx.clone());
            async move {
                ask.await.unwrap();
                let mut tx = platform.db.begin().await.unwrap();
                let from = [ImportState::Running];
                assert!(commerce::imports::transition(&mut tx, &cx, id, &from, ImportState::Paused).await.unwrap());
                tx.commit().await.unwrap();
            }
        });
        let stopped = import_orders::run_in_batches(&platform, &cx, id, 5, |_| {
            if let Some(asked) = asked.take() {
                asked.send(()).unwrap();
            }
        })
        .await
        .unwrap();
        pause.await.unwrap();
        assert_eq!(stopped.state, ImportState::Paused);
        assert!(stopped.progress.rows_read < 600);
        let done = import_orders::run(&platform, &cx, id, |_| {}).await.unwrap();
        assert_eq!((done.state, done.progress.orders_created), (ImportState::Finished, 600));
        assert!(matches!(
            import_orders::run(&platform, &cx, id, |_| {}).await,
            Err(ImportError::NotRunnable { .. })
        ));
    }

    async fn a_dry_run_counts_and_keeps_nothing(db) {
        let shop = Shop::open(&db).await;
        let file = shop.order_report(&plan(), "orders.csv");
        let before = dump(&shop).await;
        let import = shop.begin(&[&file], true).await;
        let dry = import_orders::run_in_batches(&shop.platform, &shop.cx, import.id, 100, |_| {}).await.unwrap();
        assert_eq!(dump(&shop).await, before);
        let real = shop.import(&[&file]).await;
        assert_eq!(dry.progress.orders_created, real.progress.orders_created);
        assert_eq!(dry.progress.customers_created, real.progress.customers_created);
    }

    async fn orders_and_items_together_make_lines(db) {
        let shop = Shop::open(&db).await;
        let orders = shop.order_report(&plan(), "orders.csv");
        let items = shop.item_report(&plan(), "items.csv");
        // The item report is named first and read last.
        let import = shop.import(&[&items, &orders]).await;
        assert_eq!(import.progress.orders_created, 600);
        assert!(import.progress.lines_created >= 600, "{:?}", import.progress);
        let again = shop.import(&[&items, &orders]).await;
        assert_eq!((again.progress.orders_updated, again.progress.lines_created), (0, 0), "{:?}", again.progress);
        shop.holds().await;
        let before = dump(&shop).await.revenue();
        undo_import::undo(&shop.platform, &shop.cx, import.id).await.unwrap();
        let alone = shop.import(&[&orders]).await;
        assert_eq!(alone.progress.orders_created, 600);
        assert_eq!(dump(&shop).await.revenue(), before, "lines do not change what an order is worth");
    }

    async fn items_of_unknown_orders_are_rejected_with_a_reason(db) {
        let shop = Shop::open(&db).await;
        let text = "\"订单编号\",\"标题\",\"价格\",\"购买数量\",\"外部系统编号\",\"商品属性\",\"套餐信息\",\"备注\",\"订单状态\",\"商家编码\"\r\n=\"35153131473290001\",\"测试\",\"239.00\",\"1\",\"A\",\"\",\"\",\"\",\"交易成功\",\"A\",\r\n";
        let file = shop.write("items.csv", text.as_bytes());
        let import = shop.import(&[&file]).await;
        assert_eq!((import.progress.orders_created, import.progress.rejected), (0, 1));
        let rejects = shop.rejects(&import).await;
        assert!(rejects[0].reason.to_string().contains("order report"), "{}", rejects[0].reason);
        assert_eq!(rejects[0].reason, Reason::row(Fault::Undated));
        assert_eq!(rejects[0].line, 2);
        assert!(rejects[0].raw.contains("239.00"), "{}", rejects[0].raw);
    }

    async fn corrected_rejects_import(db) {
        let shop = Shop::open(&db).await;
        let good = shop.order_report(&plan(), "orders.csv");
        let (text, _, _) = encoding_of(&std::fs::read(&good).unwrap());
        // Spreadsheet damage on one id, and a date that is none on another row.
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let id = lines[3].split(',').next().unwrap().to_owned();
        lines[3] = lines[3].replacen(&id, "\"1.23E+18\"", 1);
        let damaged = shop.write("damaged.csv", lines.join("\r\n").as_bytes());
        let import = shop.import(&[&damaged]).await;
        assert_eq!((import.progress.orders_created, import.progress.rejected), (599, 1));
        let rejects = shop.rejects(&import).await;
        assert_eq!(rejects[0].line, 4);
        // The reason comes out of the database by its code.
        let fault = Fault::NumberShortened { cell: "1.23E+18".to_owned() };
        assert_eq!((&rejects[0].reason.fault, rejects[0].reason.column.as_deref()), (&fault, Some("订单编号")));
        let corrected = shop.rejects_pages(&import, 0).await.concat().replace("1.23E+18", id.trim_matches(['=', '"']));
        let file = shop.write("corrected.csv", corrected.as_bytes());
        let again = shop.import(&[&file]).await;
        assert_eq!((again.progress.orders_created, again.progress.rejected), (1, 0), "{:?}", shop.rejects(&again).await);
        assert_eq!(dump(&shop).await.orders.len(), 600);
    }

    async fn what_an_import_made_and_changed_itself_is_not_restored(db) {
        let shop = Shop::open(&db).await;
        let (old, new) = (shop.order_report(&earlier(), "old.csv"), shop.order_report(&plan(), "new.csv"));
        let import = shop.import(&[&old, &new]).await;
        assert_eq!(import.progress.orders_created, 600);
        assert_eq!(import.progress.orders_updated, 0, "an order counts once");
        let undone = undo_import::undo(&shop.platform, &shop.cx, import.id).await.unwrap();
        assert_eq!((undone.orders_removed, undone.orders_restored), (600, 0));
        assert_eq!(undone.customers_removed, import.progress.customers_created);
    }

    async fn what_stands_against_an_undo_is_found_in_large_imports_too(db) {
        let shop = Shop::open(&db).await;
        let plan = ShopPlan::of_orders(2_600, "2026-06-30".parse().unwrap());
        let mut before = plan.clone();
        before.taken_at = "2026-05-30T12:00:00".parse().unwrap();
        let import = shop.begin(&[&shop.order_report(&before, "old.csv")], false).await;
        let import = import_orders::run_in_batches(&shop.platform, &shop.cx, import.id, 300, |_| {}).await.unwrap();
        assert!(import.progress.orders_created > 2_000 && import.progress.batches > 6, "{import:?}");
        let keys = shop.platform.keys(shop.cx.scope.org());
        let refusal = async || {
            let mut tx = shop.platform.db.read().await.unwrap();
            let import = shop.get(import.id).await;
            undo_import::refusal(&mut tx, &shop.cx, &keys, &import).await.unwrap().map(|refusal| refusal.to_string())
        };
        assert_eq!(refusal().await, None);

        let person = db.ctx_of(shop.cx.fresh());
        let customer = kernel::TypedId::from_uuid(dump(&shop).await.customers[400].0);
        let mut tx = shop.platform.db.begin().await.unwrap();
        let note = customers::notes::add(&mut tx, &person, &keys, customer, "hello".parse().unwrap()).await.unwrap();
        tx.commit().await.unwrap();
        assert!(refusal().await.unwrap().contains("1 with notes"));
        assert!(matches!(undo_import::undo(&shop.platform, &shop.cx, import.id).await, Err(UndoError::WorkedWith(_))));
        let mut tx = shop.platform.db.begin().await.unwrap();
        customers::notes::delete(&mut tx, &person, customer, note.id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(refusal().await, None);

        let later = shop.import(&[&shop.order_report(&plan, "new.csv")]).await;
        assert!(refusal().await.unwrap().contains(&format!("number {}", later.number)));
        undo_import::undo(&shop.platform, &shop.cx, later.id).await.unwrap();
        assert_eq!(refusal().await, None);
        undo_import::undo(&shop.platform, &shop.cx, import.id).await.unwrap();
    }
}

fn encoding_of(bytes: &[u8]) -> (String, bool, ()) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let clean = !text.contains('\u{fffd}');
    assert!(clean, "the test writes UTF-8");
    (text.trim_start_matches('\u{feff}').to_owned(), clean, ())
}
