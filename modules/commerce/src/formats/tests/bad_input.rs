//! Files that are broken, hostile or not what they say.

use super::super::{Entry, Format, FormatError, Mapping, OrderReader, ReaderContext};
use super::{orders, read, rejects};

const HEADER: &str = "订单编号,买家会员名,总金额,买家实际支付金额,订单状态,订单创建时间,退款金额";

fn rows(rows: &[&str]) -> Vec<u8> {
    format!("{HEADER}\n{}\n", rows.join("\n")).into_bytes()
}

fn only_reject(row: &str) -> super::Reject {
    let good = "1,甲,1.00,1.00,交易成功,2020-01-01,0";
    let entries: Vec<Entry> = read(rows(&[good, row, good])).collect();
    assert_eq!(entries.len(), 3, "{entries:?}");
    let rejects = rejects(entries);
    assert_eq!(rejects.len(), 1);
    assert_eq!(rejects[0].line, 3);
    rejects.into_iter().next().unwrap()
}

#[test]
fn cells_that_cannot_be_true_are_named() {
    for (row, column, said) in [
        ("3.51532E+16,甲,1,1,交易成功,2020-01-01,0", "订单编号", "cannot be recovered"),
        ("1,甲,1,1,交易成功,2020-02-30,0", "订单创建时间", "does not exist"),
        ("1,甲,1,1,交易成功,soon,0", "订单创建时间", "not a date"),
        ("1,甲,-5.00,1,交易成功,2020-01-01,0", "总金额", "below zero"),
        ("1,甲,1,99999999999999,交易成功,2020-01-01,0", "买家实际支付金额", "too large"),
        ("1,甲,1,1.005,交易成功,2020-01-01,0", "买家实际支付金额", "more decimals"),
        ("1,甲,12a,1,交易成功,2020-01-01,0", "总金额", "not a number"),
        ("1,甲,1,1,在路上,2020-01-01,0", "订单状态", "`在路上`"),
    ] {
        let reject = only_reject(row);
        assert_eq!(reject.column.as_deref(), Some(column), "{row}");
        assert!(
            reject.reason.to_string().contains(said) && reject.reason.to_string().contains(column),
            "{}",
            reject.reason
        );
        assert_eq!(reject.raw, format!("{row}\r\n"));
    }
}

#[test]
fn rows_of_the_wrong_shape_are_named() {
    assert!(
        only_reject(",甲,1,1,交易成功,2020-01-01,0")
            .reason
            .to_string()
            .contains("order number is missing")
    );
    assert!(only_reject("1,甲,1,1").reason.to_string().contains("4 cells where the header has 7"));
    assert!(only_reject("1,甲,1,1,交易成功,2020-01-01,0,x").reason.to_string().contains("8 cells"));
    assert!(only_reject(&"x,".repeat(10_000)).reason.to_string().contains("more than 2000 cells"));
    assert!(
        only_reject(&format!("1,{}", "长".repeat(40_000)))
            .reason
            .to_string()
            .contains("longer than")
    );
    // Spreadsheets drop empty cells at the end, and old item reports end in a comma.
    let records =
        orders(read(rows(&["1,甲,1,1,交易成功,2020-01-01", "2,甲,1,1,交易成功,2020-01-01,,"])));
    assert_eq!(records.len(), 2);
}

#[test]
fn a_file_cut_off_loses_only_its_last_row() {
    let whole = rows(&["1,甲,1.00,1.00,交易成功,2020-01-01,0"; 3]);
    let cut = &whole[..whole.len() - 6];
    let entries: Vec<Entry> = read(cut).collect();
    assert_eq!(orders(entries[..2].to_vec()).len(), 2);
    let reject = &rejects(entries)[0];
    assert!(reject.reason.to_string().contains("cut off"), "{}", reject.reason);
    let quoted = format!("{HEADER}\n1,甲,1.00,1.00,交易成功,2020-01-01,0\n2,\"甲");
    let rejects = rejects(read(quoted));
    assert!(rejects[0].reason.to_string().contains("never closed"), "{}", rejects[0].reason);
}

#[test]
fn the_wrong_encoding_is_said() {
    let mut bytes = rows(&["1,甲,1.00,1.00,交易成功,2020-01-01,0"; 8]);
    let good = bytes.len();
    bytes.extend_from_slice(b"2,\xC4\xE3\xFF,1,1,\xBD\xBB,2020-01-01,0\n");
    let entries: Vec<Entry> = read(bytes).collect();
    assert!(good > 60 && entries.len() == 9);
    assert!(rejects(entries)[0].reason.to_string().contains("not UTF-8"));
}

fn open(
    text: &str,
    format: Option<Format>,
    mapping: Option<&str>,
) -> Result<OrderReader, FormatError> {
    let input = std::io::Cursor::new(text.to_owned().into_bytes());
    let mapping = mapping.map(|text| Mapping::parse(text).unwrap());
    OrderReader::from_reader("f.csv", input, format, mapping, &ReaderContext::default())
}

#[test]
fn files_that_are_something_else_are_refused_with_a_reason() {
    let message = |result: Result<OrderReader, FormatError>| result.err().unwrap().to_string();
    assert!(message(open("name,phone\na,1\n", None, None)).contains("name, phone"));
    assert!(message(open("name,phone\n", Some(Format::Pdd), None)).contains("订单号"));
    assert!(message(open("name,phone\n", Some(Format::Generic), None)).contains("needs a mapping"));
    assert!(message(open("", None, None)).contains("empty"));
    let mapping = "[columns]\norder_no = \"No\"\nordered_at = 9\n";
    assert!(message(open("No,x\n1,2\n", None, Some(mapping))).contains("no column 9"));
    let context = ReaderContext::default();
    let folder = OrderReader::open(&std::env::temp_dir(), None, None, &context);
    assert!(message(folder).contains("folder"));
}

#[test]
fn cancelled_rows_can_be_refunds() {
    let mapping = "[columns]\norder_no = \"No\"\nordered_at = \"Day\"\nquantity = \"N\"\nunit_price = \"P\"\n\
                   [products]\nline_amount = [\"N\", \"P\"]\n\
                   [cancellation]\ncolumn = \"No\"\nstarts_with = \"C\"\nas = \"refund\"\n";
    let text = "No,Day,N,P\n1,2020-01-01,2,3.335\nC1,2020-01-02,-2,3.335\n3,2020-01-02,-1,1\n";
    let entries: Vec<Entry> = open(text, None, Some(mapping)).unwrap().collect();
    assert!(rejects(entries.clone())[0].reason.to_string().contains("below zero"));
    let records = orders(entries[..2].to_vec());
    assert_eq!((records[0].paid_minor, records[0].refund_minor), (Some(667), None));
    assert_eq!((records[1].paid_minor, records[1].refund_minor), (Some(0), Some(667)));
    assert_eq!(records[1].lines[0].quantity, 2);
}
