//! The reports as a reader of the files meets them.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::collections::{HashMap, HashSet};
use std::io::Write;

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, TimeDelta};
use demoshop::{
    Encoding, Era, PlanError, ReportError, ShopPlan, Written, write_item_report, write_order_report,
};
use sha2::{Digest as _, Sha256};

type Record = HashMap<String, String>;

fn plan() -> ShopPlan {
    let to = NaiveDate::from_ymd_opt(2026, 10, 31).unwrap();
    ShopPlan { customers: 1_000, orders: 6_000, ..ShopPlan::ending(to) }
}

fn order_bytes(plan: &ShopPlan) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = write_order_report(plan, &mut bytes, Era::Columns67, Encoding::Gb18030).unwrap();
    assert_eq!(written.bytes, bytes.len() as u64);
    bytes
}

fn item_bytes(plan: &ShopPlan) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_item_report(plan, &mut bytes, Encoding::Gb18030).unwrap();
    bytes
}

fn records(bytes: &[u8]) -> (Vec<String>, Vec<Record>) {
    let (text, _, wrong) = encoding_rs::GB18030.decode(bytes);
    assert!(!wrong, "not GB18030");
    // A CSV reader takes `="1"` as the bare text it is; what a person means is `1`.
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let clean = |cell: &str| cell.trim_start_matches('=').trim_matches(['"', '\'']).to_owned();
    let records = reader
        .records()
        .map(|record| header.iter().cloned().zip(record.unwrap().iter().map(clean)).collect())
        .collect();
    (header, records)
}

fn fen(text: &str) -> i64 {
    let (yuan, fen) = text.split_once('.').unwrap();
    yuan.parse::<i64>().unwrap() * 100 + fen.parse::<i64>().unwrap()
}

fn moment(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap()
}

fn sha(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn same_plan_same_bytes() {
    let plan = plan();
    let (orders, items) = (order_bytes(&plan), item_bytes(&plan));
    assert_eq!(sha(&orders), sha(&order_bytes(&plan)));
    assert_ne!(sha(&orders), sha(&order_bytes(&ShopPlan { seed: 2, ..plan })));
    // Benchmarks of different days are compared: changing the shop is a decision.
    assert_eq!(sha(&orders), "43d8b70b17c0bb79bd6cd60efa2aee4b6d03cc8371959ac4c0e366b6217db0d4");
    assert_eq!(sha(&items), "3078b532db4cce3998655d5962e76a69d8ab708b1c1624c82876a0d84ab4a2d9");
}

#[test]
fn headers_are_the_platforms() {
    let known: HashMap<String, Vec<String>> =
        serde_json::from_str(include_str!("fixtures/headers.json")).unwrap();
    let plan = plan();
    assert_eq!(records(&order_bytes(&plan)).0, known["order_list_2020_67col"]);
    assert_eq!(records(&item_bytes(&plan)).0, known["detail_2022_18col"]);
}

#[test]
fn quoting_is_as_in_real_files() {
    let bytes = order_bytes(&plan());
    let (text, _, _) = encoding_rs::GB18030.decode(&bytes);
    let mut lines = text.split("\r\n");
    assert!(lines.next().unwrap().starts_with("\"订单编号\",\"买家会员名\","));
    let row = lines.next().unwrap();
    assert!(row.starts_with("=\"2") && row.as_bytes()[21] == b'"', "{row}");
    assert!(row.contains(",\"'1"), "{row}");
    assert!(text.ends_with("\r\n") && !text.contains("\r\n\r\n"));
    assert!(text.contains("\"备注\"\"轻放\"\"，瓷器\""));
}

#[test]
fn counts_are_those_of_the_plan() {
    let plan = plan();
    let (_, orders) = records(&order_bytes(&plan));
    assert_eq!(orders.len(), 6_000);
    let distinct = |column: &str| orders.iter().map(|o| &o[column]).collect::<HashSet<_>>().len();
    assert_eq!(distinct("订单编号"), 6_000);
    assert_eq!(distinct("买家会员名"), 1_000);
    let share = |wanted: &dyn Fn(&Record) -> bool| {
        orders.iter().filter(|order| wanted(order)).count() * 1000 / orders.len()
    };
    let unpaid = share(&|o| o["订单关闭原因"] == "买家未付款");
    let refunded = share(&|o| fen(&o["退款金额"]) > 0);
    assert!((50..75).contains(&unpaid), "{unpaid} ‰ closed unpaid");
    assert!((32..50).contains(&refunded), "{refunded} ‰ refunded");
}

#[test]
fn in_busy_days_orders_are_in_every_state() {
    let mut states = HashSet::new();
    for day in [11, 14] {
        let noon = NaiveDate::from_ymd_opt(2025, 11, day).and_then(|day| day.and_hms_opt(12, 0, 0));
        let plan = ShopPlan { taken_at: noon.unwrap(), ..plan() };
        let (_, orders) = records(&order_bytes(&plan));
        states.extend(orders.into_iter().map(|order| order["订单状态"].clone()));
    }
    for state in [
        "等待买家付款",
        "买家已付款，等待卖家发货",
        "卖家部分发货",
        "卖家已发货，等待买家确认",
        "交易成功",
        "交易关闭",
    ] {
        assert!(states.contains(state), "nothing is {state}");
    }
}

#[test]
fn newest_comes_first_and_amounts_add_up() {
    let plan = plan();
    let (_, orders) = records(&order_bytes(&plan));
    for pair in orders.windows(2) {
        assert!(pair[0]["订单创建时间"] >= pair[1]["订单创建时间"]);
        assert!(pair[0]["订单编号"] > pair[1]["订单编号"]);
    }
    for order in &orders {
        let created = moment(&order["订单创建时间"]);
        assert!(created < plan.taken_at && created.date() >= plan.from);
        let total = fen(&order["总金额"]);
        assert_eq!(fen(&order["买家应付货款"]) + fen(&order["买家应付邮费"]), total);
        let paid = fen(&order["买家实际支付金额"]);
        assert_eq!(paid, if order["订单付款时间"].is_empty() { 0 } else { total });
        assert!((0..=paid).contains(&fen(&order["退款金额"])));
        assert!(total > 0);
    }
}

#[test]
fn lines_tell_of_the_same_orders() {
    let plan = plan();
    let (_, orders) = records(&order_bytes(&plan));
    let (_, lines) = records(&item_bytes(&plan));
    let mut by_order: HashMap<&str, Vec<&Record>> = HashMap::new();
    for line in &lines {
        by_order.entry(line["主订单编号"].as_str()).or_default().push(line);
    }
    let distinct: HashSet<&str> = lines.iter().map(|line| line["子订单编号"].as_str()).collect();
    assert_eq!(distinct.len(), lines.len());
    assert_eq!(by_order.len(), orders.len());
    for order in &orders {
        let lines = &by_order[order["订单编号"].as_str()];
        assert_eq!(lines.len().to_string(), order["宝贝种类"]);
        let sum = |column: &str| lines.iter().map(|line| fen(&line[column])).sum::<i64>();
        assert_eq!(sum("买家应付货款"), fen(&order["买家应付货款"]));
        assert_eq!(sum("买家实际支付金额"), fen(&order["买家实际支付金额"]));
        let refunds =
            lines.iter().filter(|l| l["退款金额"] != "无退款申请").map(|l| fen(&l["退款金额"]));
        assert_eq!(refunds.sum::<i64>(), fen(&order["退款金额"]));
        let pieces: i64 = lines.iter().map(|l| l["购买数量"].parse::<i64>().unwrap()).sum();
        assert_eq!(pieces.to_string(), order["宝贝总数量"]);
        assert!(lines.iter().all(|line| order["宝贝标题"].contains(&line["标题"])));
    }
}

#[test]
fn the_year_has_seasons() {
    let plan = ShopPlan { customers: 5_000, orders: 30_000, ..plan() };
    let (_, orders) = records(&order_bytes(&plan));
    let mut by_day: HashMap<NaiveDate, u32> = HashMap::new();
    let mut by_hour = [0u32; 24];
    for order in &orders {
        let created = moment(&order["订单创建时间"]);
        *by_day.entry(created.date()).or_default() += 1;
        by_hour[chrono::Timelike::hour(&created) as usize] += 1;
    }
    let on = |y, m, d| by_day[&NaiveDate::from_ymd_opt(y, m, d).unwrap()];
    let mean = 30_000 / 1_096;
    assert!(on(2025, 11, 11) > 6 * mean, "{} on 11.11", on(2025, 11, 11));
    assert!(on(2026, 6, 18) > 3 * mean, "{} on 6.18", on(2026, 6, 18));
    assert!(on(2026, 2, 17) < mean / 2, "{} at New Year", on(2026, 2, 17));
    assert!(by_hour[21] > 8 * by_hour[4]);
    let of_year = |year| by_day.iter().filter(|(d, _)| d.year() == year).map(|(_, n)| n).sum();
    let (first, last): (u32, u32) = (of_year(2024), of_year(2026));
    // Ten months of the last year against twelve of the first.
    assert!(last > first, "{first} orders in 2024, {last} in 2026");
}

#[test]
fn a_later_report_tells_of_the_same_orders() {
    let later = plan();
    let earlier = ShopPlan { taken_at: later.taken_at - TimeDelta::days(20), ..later.clone() };
    let by_number = |plan| -> HashMap<String, Record> {
        let (_, orders) = records(&order_bytes(plan));
        orders.into_iter().map(|order| (order["订单编号"].clone(), order)).collect()
    };
    let (before, after) = (by_number(&earlier), by_number(&later));
    assert!(before.len() < after.len());
    let mut changed = 0;
    for (number, old) in &before {
        let new = &after[number];
        for column in ["买家会员名", "总金额", "订单创建时间", "宝贝标题", "收货地址"]
        {
            assert_eq!(old[column], new[column]);
        }
        changed += usize::from(old["订单状态"] != new["订单状态"]);
    }
    assert!(changed > 25, "{changed} orders moved on in twenty days");
}

#[test]
fn people_have_habits() {
    let (_, orders) = records(&order_bytes(&plan()));
    let mut per_account: HashMap<&str, u32> = HashMap::new();
    let mut phones: HashMap<&str, HashSet<&str>> = HashMap::new();
    for order in &orders {
        *per_account.entry(order["买家会员名"].as_str()).or_default() += 1;
        phones.entry(order["联系手机"].as_str()).or_default().insert(order["买家会员名"].as_str());
    }
    let once = per_account.values().filter(|count| **count == 1).count();
    assert!((400..600).contains(&once), "{once} of 1,000 bought once");
    assert!(per_account.values().any(|count| *count > 25));
    let shared = phones.values().filter(|accounts| accounts.len() == 2).count();
    assert!((3..30).contains(&shared), "{shared} phones with two accounts");
}

#[test]
fn utf8_says_the_same() {
    let plan = plan();
    let mut utf8 = Vec::new();
    write_order_report(&plan, &mut utf8, Era::Columns67, Encoding::Utf8Bom).unwrap();
    let gb = order_bytes(&plan);
    let (text, _, _) = encoding_rs::GB18030.decode(&gb);
    assert_eq!(utf8.strip_prefix(b"\xEF\xBB\xBF").unwrap(), text.as_bytes());
}

#[test]
fn small_shops_and_impossible_ones() {
    let day = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
    let one = ShopPlan { customers: 1, orders: 3, from: day, to: day, ..ShopPlan::ending(day) };
    assert_eq!(records(&order_bytes(&one)).1.len(), 3);
    let refusal =
        |plan: ShopPlan| match write_item_report(&plan, &mut Vec::new(), Encoding::Utf8Bom) {
            Err(ReportError::Plan(refusal)) => refusal,
            other => panic!("{other:?}"),
        };
    assert_eq!(refusal(ShopPlan { customers: 0, ..one.clone() }), PlanError::NoCustomers);
    assert_eq!(
        refusal(ShopPlan { customers: 4, ..one.clone() }),
        PlanError::TooFewOrders { customers: 4, orders: 3 }
    );
    let backwards = ShopPlan { from: day + TimeDelta::days(1), ..one };
    assert!(matches!(refusal(backwards), PlanError::Days { .. }));
}

#[test]
fn a_full_disk_is_an_error() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let result: Result<Written, _> =
        write_order_report(&plan(), &mut Full, Era::Columns67, Encoding::Gb18030);
    assert!(matches!(result, Err(ReportError::Io(_))));
}

#[test]
fn earlier_years_tell_of_the_same_people_under_other_numbers() {
    let now = plan();
    let then = ShopPlan {
        orders_before: now.orders,
        customers: now.customers + now.customers / 2,
        orders: now.orders,
        ..ShopPlan::ending(now.from - TimeDelta::days(1))
    };
    let of = |plan: &ShopPlan, column: &str| -> HashSet<String> {
        let (_, orders) = records(&order_bytes(plan));
        orders.into_iter().map(|order| order[column].clone()).collect()
    };
    assert!(of(&now, "订单编号").is_disjoint(&of(&then, "订单编号")));
    let accounts = of(&now, "买家会员名");
    let known = of(&then, "买家会员名").intersection(&accounts).count();
    assert_eq!(known, accounts.len(), "every account bought before");
}
