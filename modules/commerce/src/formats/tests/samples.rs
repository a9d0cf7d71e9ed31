//! The shipped samples and the real data sets.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::Path;

use kernel::Timestamp;

use super::super::{Entry, Format, Mapping, OrderReader, ReaderContext};
use super::{example, orders, shared};
use crate::record::OrderRecord;
use crate::state::OrderState;

fn open(path: &Path, mapping: Option<Mapping>) -> OrderReader {
    OrderReader::open(path, None, mapping, &ReaderContext::default()).unwrap()
}

fn moment(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

#[test]
fn taobao_order_report_of_2017() {
    let Some(path) = shared("taobao/sample_ExportOrderList_2017.gbk.csv") else { return };
    let mut reader = open(&path, None);
    assert_eq!((reader.format(), reader.encoding()), (Format::TaobaoOrders, "GB18030"));
    assert!(reader.unknown_columns().is_empty());
    let records = orders(reader.by_ref());
    assert_eq!(reader.rows_read(), 4);
    assert_eq!(records.len(), 4);
    let first = &records[0];
    assert_eq!(first.external_no, "35153131473290001");
    assert_eq!(first.line, 2);
    assert_eq!(first.buyer.account.as_deref(), Some("测试买家一"));
    assert_eq!(first.buyer.pay_account.as_deref(), Some("user@example.com"));
    assert_eq!(first.receiver.mobile.as_deref(), Some("13000000000"));
    assert_eq!(first.receiver.province.as_deref(), Some("浙江省"));
    assert_eq!(first.receiver.postcode.as_deref(), Some("310000"));
    assert_eq!(first.state, Some(OrderState::Paid));
    assert_eq!(first.close_reason, None);
    assert_eq!(first.ordered_at, moment("2017-07-08T00:42:32+08:00"));
    assert_eq!(first.paid_minor, Some(20_112));
    let second = &records[1];
    assert_eq!((second.paid_minor, second.refund_minor), (Some(31_000), Some(5_000)));
    assert_eq!((&second.buyer_message, &second.receiver.landline), (&None, &None));
    assert_eq!(records[2].close_reason.as_deref(), Some("买家未付款"));
    assert_eq!(records[2].paid_minor, Some(0));
    assert_eq!(records[3].state, Some(OrderState::Closed));
    assert_eq!((records[3].paid_minor, records[3].refund_minor), (Some(5_900), Some(5_900)));
    assert_eq!(records[3].item_title.as_deref(), Some("含,逗号和\"引号\"的商品"));
}

#[test]
fn taobao_item_report_of_2017() {
    let Some(path) = shared("taobao/sample_ExportOrderDetailList_2017.gbk.csv") else { return };
    let mut reader = open(&path, None);
    assert_eq!(reader.format(), Format::TaobaoItems);
    let records = orders(reader.by_ref());
    assert_eq!(records.len(), 4);
    let second = &records[1];
    assert_eq!(second.lines.len(), 2);
    assert_eq!(second.lines[0].quantity, 2);
    assert_eq!(second.lines[0].unit_price_minor, Some(10_000));
    assert_eq!(second.lines[0].amount_minor, Some(20_000));
    assert_eq!(second.lines[1].sku_text.as_deref(), Some("长度：2m;颜色分类：黑"));
    assert_eq!(second.state, Some(OrderState::Completed));
    assert_eq!((second.paid_minor, second.item_count), (None, Some(3)));
    assert_eq!(records[3].lines[0].title.as_deref(), Some("含,逗号和\"引号\"的商品"));
}

struct Sums {
    orders: usize,
    accounts: usize,
    lines: usize,
    line_minor: i64,
    paid_minor: i64,
    numbers: usize,
    skipped: usize,
}

fn sums(reader: &mut OrderReader, mut check: impl FnMut(&OrderRecord)) -> Sums {
    let (mut accounts, mut numbers) = (HashSet::new(), HashSet::new());
    let mut sums = Sums {
        orders: 0,
        accounts: 0,
        lines: 0,
        line_minor: 0,
        paid_minor: 0,
        numbers: 0,
        skipped: 0,
    };
    for entry in reader {
        match entry {
            Entry::Order(record, _) => {
                check(&record);
                sums.orders += 1;
                sums.lines += record.lines.len();
                sums.line_minor +=
                    record.lines.iter().filter_map(|line| line.amount_minor).sum::<i64>();
                sums.paid_minor += record.paid_minor.unwrap();
                numbers.insert(record.external_no);
                accounts.extend(record.buyer.account);
            }
            Entry::Skipped { .. } => sums.skipped += 1,
            Entry::Rejected(reject) => panic!("{reject:?}"),
        }
    }
    sums.accounts = accounts.len();
    sums.numbers = numbers.len();
    sums
}

#[test]
fn online_retail_gives_the_published_figures() {
    let Some(path) = shared("data/online_retail/onlineretail.csv.gz") else { return };
    let mut gz = std::process::Command::new("gzip")
        .args(["-dc".as_ref(), path.as_os_str()])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let input = gz.stdout.take().unwrap();
    let context = ReaderContext::default();
    let mapping = Some(example("online_retail.toml"));
    let mut reader =
        OrderReader::from_reader("onlineretail.csv", input, None, mapping, &context).unwrap();
    let sums = sums(&mut reader, |record| {
        assert_eq!(record.state, Some(OrderState::Completed));
        assert_eq!(record.paid_minor, record.total_minor);
    });
    gz.wait().unwrap();
    assert_eq!(reader.currency().code(), "GBP");
    assert_eq!((sums.lines, sums.accounts), (397_884, 4_338));
    assert_eq!((sums.line_minor, sums.paid_minor), (891_140_790, 891_140_790));
    assert_eq!((sums.orders, sums.numbers), (18_532, 18_532));
    assert_eq!(reader.rows_read(), 541_909);
    assert_eq!(sums.skipped, 541_909 - 397_884);
}

#[test]
fn cdnow_has_an_order_in_every_row() {
    let Some(path) = shared("data/cdnow/CDNOW_master.txt") else { return };
    let mut reader = open(&path, Some(example("cdnow.toml")));
    let master = sums(&mut reader, |_| {});
    assert_eq!((master.orders, master.numbers, master.accounts), (69_659, 69_659, 23_570));
    let mut text = String::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/mappings/cdnow.toml");
    std::fs::File::open(examples).unwrap().read_to_string(&mut text).unwrap();
    // As the file's comment says for the sample.
    let sample = text
        .replace("name = ", "has_header = false\nname = ")
        .replace("order_key = [\"customer_id\", \"date\"]", "order_key = [1, 3]")
        .replace("account = \"customer_id\"", "account = 1")
        .replace("ordered_at = \"date\"", "ordered_at = 3")
        .replace("quantity = \"number_of_cds\"", "quantity = 4")
        .replace("line_amount = \"dollar_value\"", "line_amount = 5");
    let path = shared("data/cdnow/CDNOW_sample.txt").unwrap();
    let mut reader = open(&path, Some(Mapping::parse(&sample).unwrap()));
    let sample = sums(&mut reader, |_| {});
    assert_eq!((sample.orders, sample.numbers, sample.accounts), (6_919, 6_919, 2_357));
}

#[test]
fn rfm_orders_has_people() {
    let Some(path) = shared("data/rfm_orders/rfm_data_orders.csv") else { return };
    let mut reader = open(&path, Some(example("rfm_orders.toml")));
    let mut first = None;
    let sums = sums(&mut reader, |record| {
        first.get_or_insert_with(|| record.clone());
        assert!(record.buyer.email.is_some() && record.ordered_at.is_some());
    });
    assert_eq!((sums.orders, sums.numbers, sums.accounts), (4_906, 4_906, 995));
    let first = first.unwrap();
    assert_eq!(first.buyer.account.as_deref(), Some("Brion Stark"));
    assert_eq!(first.buyer.name.as_deref(), Some("Brion Stark"));
    assert_eq!(first.paid_minor, Some(3_200));
}
