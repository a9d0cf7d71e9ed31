//! Going on from a noted position gives exactly what was still to come.

use proptest::prelude::*;

use super::super::{Entry, Format, Language, Mapping, OrderReader, ReaderContext, RejectsWriter};
use super::{orders, read, rejects};

/// How a file is opened again for another run.
trait Again: Fn() -> OrderReader {}
impl<T: Fn() -> OrderReader> Again for T {}

/// Reads the file once, noting every position, then goes on from each.
fn check(open: &impl Again) {
    let mut reader = open();
    let mut all = Vec::new();
    let mut noted = vec![(0, 0)];
    while let Some(entry) = reader.next() {
        all.push(entry);
        if reader.at_boundary() {
            noted.push((reader.rows_read(), all.len()));
        }
    }
    assert!(reader.at_boundary());
    for (rows, done) in noted {
        let mut again = open();
        again.skip_rows(rows);
        let rest: Vec<Entry> = again.by_ref().collect();
        // Ends are counted from the beginning of the file either way.
        assert_eq!(rest, all[done..], "from {rows}");
        assert_eq!(again.rows_read(), reader.rows_read().max(rows));
    }
}

fn text_of(header: &str, rows: &[String]) -> Vec<u8> {
    format!("{header}\n{}", rows.concat()).into_bytes()
}

fn platform(text: &[u8]) -> impl Again {
    let text = text.to_vec();
    move || read(text.clone())
}

const MAPPING: &str = r#"
[columns]
order_no = "no"
ordered_at = "day"
quantity = "n"
unit_price = "price"
[[skip]]
column = "n"
equals = "0"
"#;

const EACH_ROW: &str = r#"
each_row_is_an_order = true
order_key = ["no", "day"]
[columns]
ordered_at = "day"
total = "price"
[[skip]]
column = "n"
equals = "0"
"#;

fn mapped(text: &[u8], mapping: &str) -> impl Again {
    let (text, mapping) = (text.to_vec(), Mapping::parse(mapping).unwrap());
    move || {
        let input = std::io::Cursor::new(text.clone());
        let context = ReaderContext::default();
        OrderReader::from_reader("t", input, None, Some(mapping.clone()), &context).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn items(rows in prop::collection::vec((1..4_u8, 0..8_u8), 0..14)) {
        let rows: Vec<String> = rows.iter().map(|(order, kind)| match kind {
            0 => format!("=\"{order}\",坏,abc,1,交易成功\n"),
            1 => "\"open\n".to_owned(),
            2 => format!("=\"{order}\",短\n"),
            3 => "\n".to_owned(),
            _ => format!("=\"{order}\",茶,1.00,{kind},交易成功,\n"),
        }).collect();
        check(&platform(&text_of("订单编号,标题,价格,购买数量,订单状态", &rows)));
    }

    #[test]
    fn merged_cells(rows in prop::collection::vec((0..3_u8, 0..5_u8), 0..14)) {
        let rows: Vec<String> = rows.iter().map(|(order, kind)| {
            let price = if *kind == 0 { "?" } else { "2.5" };
            match order {
                0 => format!(",,,,茶,{price},2\n"),
                order => format!("{order},厂,交易成功,2022-01-01,茶,{price},2\n"),
            }
        }).collect();
        let header = "订单编号,买家会员名,订单状态,订单创建时间,货品标题,单价(元),数量";
        check(&platform(&text_of(header, &rows)));
    }

    #[test]
    fn mappings(rows in prop::collection::vec((1..3_u8, 0..4_u8), 0..14)) {
        let rows: Vec<String> = rows.iter().map(|(order, n)| match n {
            3 => format!("{order},2020-02-30,{n},1.00\n"),
            n => format!("{order},2020-02-02,{n},1.00\n"),
        }).collect();
        let text = text_of("no,day,n,price", &rows);
        check(&mapped(&text, MAPPING));
        check(&mapped(&text, EACH_ROW));
    }
}

#[test]
fn an_order_of_very_many_lines_goes_on_in_a_further_record() {
    let rows: Vec<String> = (0..12_001)
        .map(|_| "7,茶,1.00,1,交易成功\n".to_owned())
        .chain(["8,茶,1.00,1,交易成功\n".to_owned()])
        .collect();
    let text = text_of("订单编号,标题,价格,购买数量,订单状态", &rows);
    let sizes: Vec<_> =
        orders(read(text.clone())).iter().map(|record| record.lines.len()).collect();
    assert_eq!(sizes, [5_000, 5_000, 2_001, 1]);
    check(&platform(&text));
    let merged: Vec<String> = std::iter::once("7,厂,交易成功,2022-01-01,茶,1,1\n".to_owned())
        .chain((0..5_500).map(|_| ",,,,茶,1,1\n".to_owned()))
        .collect();
    let text = text_of("订单编号,买家会员名,订单状态,订单创建时间,货品标题,单价(元),数量", &merged);
    assert_eq!(orders(read(text.clone()))[1].external_no, "7");
    check(&platform(&text));
}

#[test]
fn a_corrected_file_of_rejects_imports() {
    let text = "订单编号,标题,价格,购买数量,订单状态\n\
                1,茶,1.00,1,交易成功\n1,=杯,x,1,交易成功\n2,壶,1.00,1,交易成功\n";
    let mut reader = read(text);
    let entries: Vec<Entry> = reader.by_ref().collect();
    let rejected = rejects(entries.clone());
    assert_eq!(rejected.len(), 1);
    assert_eq!((rejected[0].line, rejected[0].column.as_deref()), (3, Some("价格")));
    assert!(
        rejected[0].reason.to_string().contains("all 2 rows of order 1"),
        "{}",
        rejected[0].reason
    );
    let mut writer = RejectsWriter::new(&reader.header(), Language::Chinese);
    writer.write(&rejected[0]);
    let file = writer.take();
    assert!(file.contains("'=杯"), "{file}");
    let mut again = read(file.replace(",x,", ",2.00,"));
    assert_eq!(again.format(), Format::TaobaoItems);
    assert!(again.unknown_columns().is_empty());
    let records = orders(again.by_ref());
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].lines.len(), 2);
    assert_eq!(records[0].lines[1].title.as_deref(), Some("=杯"));
    assert!(records[0].extra.is_empty());
}

#[test]
fn a_corrected_row_keeps_the_number_made_for_it() {
    let text = b"no,day,n,price\na,2020-01-01,1,5\na,2020-01-01,1,x\na,2020-01-01,1,7\n";
    let open = mapped(text, EACH_ROW);
    let mut reader = open();
    let entries: Vec<Entry> = reader.by_ref().collect();
    let rejected = rejects(entries);
    let mut writer = RejectsWriter::new(&reader.header(), Language::Chinese);
    writer.write(&rejected[0]);
    let file = writer.take().replace(",x\r", ",6\r");
    let records = orders(mapped(file.as_bytes(), EACH_ROW)());
    assert_eq!(Some(&records[0].external_no), rejected[0].order_no.as_ref());
    assert!(records[0].external_no.ends_with("-2"));
}

#[test]
fn rejects_of_a_file_without_header_import_by_the_same_mapping() {
    let mapping = "has_header = false\ndelimiter = \"whitespace\"\ndate_formats = [\"%Y%m%d\"]\n\
                   each_row_is_an_order = true\norder_key = [1, 2]\n\
                   [columns]\naccount = 1\nordered_at = 2\ntotal = 3\n";
    let mut reader = mapped(b" 01 19970101 5.00\n 01 19970199 6.00\n", mapping)();
    let entries: Vec<Entry> = reader.by_ref().collect();
    let rejected = rejects(entries);
    assert!(rejected[0].reason.to_string().contains("does not exist"), "{}", rejected[0].reason);
    let mut writer = RejectsWriter::new(&reader.header(), Language::Chinese);
    writer.write(&rejected[0]);
    let file = writer.take().replace("19970199", "19970131");
    // The reason holds the date as well.
    let records = orders(mapped(file.as_bytes(), mapping)());
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].buyer.account.as_deref(), Some("01"));
    assert_eq!(records[0].paid_minor, Some(600));
}
