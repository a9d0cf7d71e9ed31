//! Reports of the same orders: pairs of files, newer and older ones, rows apart; on both databases.

use std::path::PathBuf;

use commerce::imports::{Import, ImportState};
use commerce::store::{self, CountedOrder};
use flows::import_orders;
use flows::undo_import;
use kernel::TypedId as _;
use testkit::db_test;
use uuid::Uuid;

use crate::shop::{MIGRATIONS, Shop, dump};

pub const COMPLETED: &str = "交易成功";
const SHIPPED: &str = "卖家已发货，等待买家确认";

/// An order: number, state, title as the order report tells it, refund, remark.
pub type Order<'a> = (u32, &'a str, &'a str, &'a str, &'a str);

pub fn order_report(shop: &Shop, name: &str, orders: &[Order<'_>]) -> PathBuf {
    let mut text = String::from(
        "订单编号,买家会员名,买家应付货款,买家应付邮费,总金额,买家实际支付金额,订单状态,收货人姓名,\
         收货地址,联系手机,订单创建时间,订单付款时间,宝贝标题,宝贝种类,宝贝总数量,订单备注,退款金额\r\n",
    );
    for (no, state, title, refund, remark) in orders {
        text.push_str(&format!(
            "=\"{}\",买家{no},239.00,0.00,239.00,239.00,\"{state}\",张三,浙江省 杭州市 西湖区 某路1号(310000),\
             '13800000{no:03},2026-01-02 10:00:00,2026-01-02 10:05:00,{title},1,1,{remark},{refund}\r\n",
            number(*no)
        ));
    }
    shop.write(name, text.as_bytes())
}

/// Lines: number of the order, title, price, pieces, state.
pub fn item_report(shop: &Shop, name: &str, lines: &[(u32, &str, &str, u32, &str)]) -> PathBuf {
    let mut text = String::from(
        "\"订单编号\",\"标题\",\"价格\",\"购买数量\",\"外部系统编号\",\"商品属性\",\"套餐信息\",\"备注\",\"订单状态\",\"商家编码\"\r\n",
    );
    for (no, title, price, pieces, state) in lines {
        text.push_str(&format!(
            "=\"{}\",\"{title}\",\"{price}\",\"{pieces}\",\"A\",\"\",\"\",\"\",\"{state}\",\"A\",\r\n",
            number(*no)
        ));
    }
    shop.write(name, text.as_bytes())
}

fn number(no: u32) -> u64 {
    351_531_314_732_900_000 + u64::from(no)
}

async fn in_batches(shop: &Shop, files: &[&PathBuf], orders: usize) -> Import {
    let files: Vec<_> = files.iter().map(|file| file.as_path()).collect();
    let import = shop.begin(&files, false).await;
    import_orders::run_in_batches(&shop.platform, &shop.cx, import.id, orders, |_| {})
        .await
        .unwrap()
}

/// Orders created, updated, unchanged and lines created.
fn counts(import: &Import) -> (u64, u64, u64, u64) {
    let done = &import.progress;
    assert_eq!((import.state, done.rejected), (ImportState::Finished, 0));
    (done.orders_created, done.orders_updated, done.orders_unchanged, done.lines_created)
}

db_test! { MIGRATIONS;
    async fn a_pair_again_changes_nothing_and_a_newer_pair_doubles_no_line(db) {
        let shop = Shop::open(&db).await;
        let of = |state, refund| [(1, state, "杯子等", refund, ""), (2, state, "碗等", refund, "")];
        let orders = order_report(&shop, "orders.csv", &of(SHIPPED, "0.00"));
        let items = |name, state| item_report(&shop, name, &[
            (1, "杯子", "100.00", 1, state), (1, "碟子", "139.00", 1, state), (2, "碗", "239.00", 1, state),
        ]);
        let lines = items("items.csv", SHIPPED);
        let first = shop.import(&[&orders, &lines]).await;
        assert_eq!(counts(&first), (2, 0, 0, 3));
        let before = dump(&shop).await;
        assert_eq!(before.orders[0].item_title.as_deref(), Some("杯子，碟子"));
        assert_eq!((before.orders[0].item_count, before.orders[0].line_count), (Some(2), 2));
        for _ in 0..3 {
            assert_eq!(counts(&shop.import(&[&orders, &lines]).await), (0, 0, 2, 0));
            assert_eq!(counts(&in_batches(&shop, &[&lines, &orders], 1).await), (0, 0, 2, 0));
            assert_eq!(dump(&shop).await, before, "nothing was written");
        }
        let newer = [order_report(&shop, "o2.csv", &of(COMPLETED, "0.00")), items("i2.csv", COMPLETED)];
        let newer: Vec<&PathBuf> = newer.iter().collect();
        let second = in_batches(&shop, &newer, 1).await;
        assert_eq!(counts(&second), (0, 2, 0, 0));
        let after = dump(&shop).await;
        assert_eq!(after.orders[0].line_count, 2);
        assert_eq!(after.lines.len(), 3);
        assert_eq!(after.lines.iter().filter_map(|line| line.5).sum::<i64>(), 2 * 23_900);
        assert_eq!(counts(&shop.import(&newer).await), (0, 0, 2, 0));
        assert_eq!(dump(&shop).await, after);
        // An older pair takes nothing back.
        assert_eq!(counts(&shop.import(&[&orders, &lines]).await), (0, 0, 2, 0));
        assert_eq!(dump(&shop).await, after);
        shop.holds().await;
        undo_import::undo(&shop.platform, &shop.cx, second.id).await.unwrap();
        assert_eq!(dump(&shop).await, before);
    }

    async fn rows_of_an_order_may_lie_apart(db) {
        let shop = Shop::open(&db).await;
        let orders = order_report(&shop, "orders.csv", &[(1, COMPLETED, "t", "0.00", ""), (2, COMPLETED, "t", "0.00", "")]);
        let (a, b) = ((1, "杯子", "100.00", 1, COMPLETED), (1, "碟子", "139.00", 3, COMPLETED));
        let other = (2, "碗", "239.00", 1, COMPLETED);
        let adjacent = item_report(&shop, "adjacent.csv", &[a, b, other]);
        let apart = item_report(&shop, "apart.csv", &[a, other, b]);
        shop.import(&[&orders, &adjacent]).await;
        let before = dump(&shop).await;
        assert_eq!(counts(&in_batches(&shop, &[&apart], 1).await), (0, 0, 2, 0));
        assert_eq!(counts(&in_batches(&shop, &[&orders, &apart], 1).await), (0, 0, 2, 0));
        assert_eq!(dump(&shop).await, before);
        assert_eq!((before.orders[0].line_count, before.orders[0].item_count), (2, Some(4)));
        assert_eq!(before.orders[0].item_title.as_deref(), Some("杯子，碟子"));
        shop.holds().await;
    }

    async fn a_late_report_takes_no_refund_back(db) {
        let shop = Shop::open(&db).await;
        let newer = order_report(&shop, "new.csv", &[(1, COMPLETED, "t", "50.00", "已退款")]);
        let older = order_report(&shop, "old.csv", &[(1, SHIPPED, "t", "0.00", "问过")]);
        let same_state = order_report(&shop, "same.csv", &[(1, COMPLETED, "t", "0.00", "问过")]);
        shop.import(&[&newer]).await;
        let before = dump(&shop).await;
        assert_eq!(before.orders[0].revenue_minor, Some(18_900));
        for file in [&older, &same_state] {
            assert_eq!(counts(&shop.import(&[file]).await), (0, 0, 1, 0));
            assert_eq!(dump(&shop).await, before);
        }
    }

    async fn an_order_counts_once(db) {
        let shop = Shop::open(&db).await;
        let orders = |name, refund| order_report(&shop, name, &[(1, COMPLETED, "t", refund, ""), (2, COMPLETED, "t", "0.00", "")]);
        let (first, same, refunded) = (orders("a.csv", "0.00"), orders("b.csv", "0.00"), orders("c.csv", "50.00"));
        assert_eq!(counts(&shop.import(&[&first, &same]).await), (2, 0, 0, 0));
        for batch in [1, 100] {
            assert_eq!(counts(&in_batches(&shop, &[&first, &same], batch).await), (0, 0, 2, 0));
        }
        // Unchanged by the first file, changed by the second, crashed in between.
        let import = shop.begin(&[&first, &refunded, &same], false).await;
        assert_eq!(counts(&shop.run_with_crashes(&import, 1).await), (0, 1, 1, 0));
        shop.holds().await;
    }

    async fn douyin_totals_are_those_of_all_lines(db) {
        let shop = Shop::open(&db).await;
        let file = |name: &str, lines: &[(&str, &str, &str, &str)]| {
            let mut text = String::from("主订单编号,子订单编号,选购商品,商品规格,商品数量,商品单价,订单应付金额,运费,收件人,收件人手机号,省,市,区,详细地址,订单提交时间,支付完成时间,订单状态,售后状态\r\n");
            for (order, line, due, after_sale) in lines {
                text.push_str(&format!("\"\t{order}\",\"\t{line}\",杯子,白,1,{due},{due},0,##a,$$b,浙江省,杭州市,西湖区,##c,2026-01-02 10:00:00,2026-01-02 10:01:00,已完成,{after_sale}\r\n"));
            }
            shop.write(name, text.as_bytes())
        };
        let (a, b) = (("6900000001", "6900000011", "100.00", "-"), ("6900000001", "6900000012", "50.00", "退款成功"));
        let other = ("6900000002", "6900000021", "70.00", "-");
        let expected = vec![("6900000001".to_owned(), Some(10_000)), ("6900000002".to_owned(), Some(7_000))];
        let revenue = async || dump(&shop).await.revenue().into_iter().collect::<Vec<_>>();
        let apart = shop.import(&[&file("apart.csv", &[a, other, b])]).await;
        assert_eq!(counts(&apart), (2, 0, 0, 3));
        assert_eq!(revenue().await, expected);
        undo_import::undo(&shop.platform, &shop.cx, apart.id).await.unwrap();
        let (one, two) = (file("one.csv", &[a, other]), file("two.csv", &[b]));
        assert_eq!(counts(&shop.import(&[&one, &two]).await), (2, 0, 0, 3));
        assert_eq!(revenue().await, expected);
        let total: Option<i64> = dump(&shop).await.orders[0].total_minor;
        assert_eq!(total, Some(15_000));
        let before = dump(&shop).await;
        assert_eq!(counts(&shop.import(&[&one, &two]).await), (0, 0, 2, 0));
        assert_eq!(dump(&shop).await, before);
        shop.holds().await;
    }

    async fn a_broken_line_makes_no_order(db) {
        let shop = Shop::open(&db).await;
        let good = order_report(&shop, "good.csv", &[(1, COMPLETED, "t", "0.00", ""), (2, COMPLETED, "t", "0.00", "")]);
        let text = String::from_utf8(std::fs::read(&good).unwrap()).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        lines.insert(1, "\"abc,def");
        let broken = shop.write("broken.csv", lines.join("\r\n").as_bytes());
        let import = shop.import(&[&broken]).await;
        assert!(import.progress.rejected >= 1);
        for order in dump(&shop).await.orders {
            assert!(order.external_no.bytes().all(|byte| byte.is_ascii_digit()), "{}", order.external_no);
        }
    }

    async fn what_was_refunded_is_the_greater_of_what_order_and_lines_say(db) {
        let shop = Shop::open(&db).await;
        let orders = order_report(&shop, "orders.csv", &[
            (1, COMPLETED, "杯子", "0.00", ""), (2, COMPLETED, "碗", "10.00", ""), (3, COMPLETED, "盘", "0.00", ""),
        ]);
        let mut items = String::from("订单编号,标题,价格,购买数量,订单状态,商家编码,退款金额\r\n");
        for (no, title, refund) in [(1, "杯子", "15.00"), (1, "碟子", "5.00"), (2, "碗", "4.00"), (3, "盘", "0.00")] {
            items.push_str(&format!("=\"{}\",{title},100.00,1,{COMPLETED},A,{refund}\r\n", number(no)));
        }
        let items = shop.write("items.csv", items.as_bytes());
        shop.import(&[&orders, &items]).await;
        let mut tx = shop.platform.db.read_for(shop.cx.scope).await.unwrap();
        let (mut all, mut lines) = (Vec::new(), Vec::new());
        store::each_refunded(&mut tx, shop.cx.scope, |order| all.push(order)).await.unwrap();
        store::each_refunded_line(&mut tx, shop.cx.scope, |line| lines.push(line.amount_minor)).await.unwrap();
        lines.sort_unstable();
        assert_eq!(lines, [400, 500, 1500]);
        let minors = |orders: &[CountedOrder]| {
            let mut minors: Vec<i64> = orders.iter().map(|order| order.revenue_minor).collect();
            minors.sort_unstable();
            minors
        };
        assert_eq!(minors(&all), [1000, 2000]);
        let who: Vec<Uuid> = all.iter().map(|order| order.customer.uuid()).collect();
        let some = store::refunded_of(&mut tx, shop.cx.scope, &who).await.unwrap();
        assert_eq!(minors(&some), [1000, 2000]);
    }
}
