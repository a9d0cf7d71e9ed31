//! Every era of export_headers.json, with rows made up for it.

use encoding_rs::GB18030;
use kernel::Timestamp;

use super::super::{Entry, Format, detect, detect_sheets};
use super::{orders, read, shared};
use crate::state::OrderState;

fn headers() -> Option<serde_json::Map<String, serde_json::Value>> {
    let path = shared("taobao/export_headers.json")?;
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn columns(value: &serde_json::Value) -> Vec<String> {
    let columns = value["columns"].as_array().unwrap();
    columns.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

fn expected(era: &str) -> Format {
    match era {
        _ if era.starts_with("order_list") => Format::TaobaoOrders,
        _ if era.starts_with("detail") || era.starts_with("item") => Format::TaobaoItems,
        _ if era.starts_with("1688") => Format::Alibaba1688,
        _ if era.starts_with("pdd") => Format::Pdd,
        _ if era.starts_with("douyin") => Format::Douyin,
        _ if era.starts_with("jd") => Format::Jd,
        other => panic!("{other}"),
    }
}

/// What a seller's file would hold in this column.
fn cell(format: Format, name: &str, number: usize) -> String {
    let text = match (format, name.trim()) {
        (Format::Pdd, "订单号") => return format!("260517-60719897434226{number}"),
        (Format::Douyin, "主订单编号" | "子订单编号") => {
            return format!("\"\t69{number}1234567890123\"");
        }
        (_, "订单编号" | "主订单编号" | "子订单编号") => {
            return format!("=\"35153131473290{number:03}\"");
        }
        (Format::Jd, "订单号") => "88123456789",
        (_, "买家会员名" | "下单帐号") => "买家一",
        (Format::Pdd, "订单状态") => "已收货",
        (Format::Douyin, "订单状态") => "已完成",
        (Format::Jd, "订单状态") => "完成",
        (_, "订单状态") => "卖家已发货，等待买家确认",
        (Format::Pdd, "售后状态") => "无售后或售后取消",
        (_, "订单关闭原因") => "订单未关闭",
        (_, "退款金额") => "无退款申请",
        (_, "卖家服务费") => "0元",
        (Format::Douyin, "收件人") => "##AbCd/密文",
        (Format::Douyin, "收件人手机号") => "$$17Qq/密文",
        (Format::Douyin, "取消原因") => "-",
        (_, "联系手机") => "'13000000000",
        (_, "收货地址" | "客户地址") => "浙江省 杭州市 西湖区 测试街道1号(310000)",
        (_, name) if name.contains("时间") && !name.contains("过期") && !name.contains("体验") => {
            "2020-02-29 10:00:00"
        }
        (_, name) if name.contains("数量") => "2",
        (_, "价格" | "商品价格" | "单价(元)" | "京东价") => "10.00",
        (_, name) if name.contains("金额") || name.contains("应付") || name.contains("(元)") => {
            "20.00"
        }
        (_, "标题" | "商品标题" | "宝贝标题" | "货品标题" | "商品" | "选购商品" | "商品名称") => {
            "茶壶, 大号"
        }
        (_, "余额支付") => "1.00",
        _ => "",
    };
    format!("\"{text}\"")
}

#[test]
fn every_era_is_recognised_and_read_in_both_encodings() {
    let Some(headers) = headers() else { return };
    assert!(headers.len() >= 18);
    for (era, value) in &headers {
        let names = columns(value);
        if era == "qianniu_workbook_sheets" {
            let formats: Vec<_> =
                detect_sheets(&names).into_iter().map(|choice| choice.format).collect();
            assert_eq!(formats, [Some(Format::TaobaoOrders), Some(Format::TaobaoItems), None]);
            continue;
        }
        let format = expected(era);
        let detection = detect(&names);
        assert_eq!(detection.format, format, "{era}: {:?}", detection.evidence);
        assert!(detection.unknown_columns.is_empty(), "{era}: {:?}", detection.unknown_columns);
        let mut text = format!("\"{}\"\n", names.join("\",\""));
        for number in 1..=3 {
            let cells: Vec<_> = names.iter().map(|name| cell(format, name, number)).collect();
            text.push_str(&cells.join(","));
            text.push_str(if format == Format::TaobaoItems { ",\r\n" } else { "\r\n" });
        }
        let with_bom = format!("\u{feff}{text}").into_bytes();
        for (bytes, encoding) in
            [(GB18030.encode(&text).0.into_owned(), "GB18030"), (with_bom, "UTF-8 with BOM")]
        {
            let mut reader = read(bytes);
            assert_eq!((reader.format(), reader.encoding()), (format, encoding), "{era}");
            let records = orders(reader.by_ref());
            assert_eq!(reader.rows_read(), 3, "{era}");
            let of_jd = format == Format::Jd;
            assert_eq!(records.len(), if of_jd { 1 } else { 3 }, "{era}");
            for record in &records {
                let partial =
                    format == Format::TaobaoItems && !names.contains(&"订单状态".to_owned());
                assert_eq!(record.state.is_none(), partial, "{era}");
                assert!(!record.external_no.contains(['\t', '=', '"']), "{era}: {record:?}");
                if format != Format::TaobaoItems {
                    assert!(record.paid_minor.is_some_and(|paid| paid > 0), "{era}: {record:?}");
                    assert!(record.ordered_at.is_some(), "{era}: {record:?}");
                    assert_eq!(record.refund_minor.unwrap_or(0), 0, "{era}");
                }
                if format != Format::TaobaoOrders {
                    let line = &record.lines[0];
                    assert_eq!(line.title.as_deref(), Some("茶壶, 大号"), "{era}");
                }
                if format == Format::Douyin {
                    assert_eq!((&record.receiver.name, &record.receiver.mobile), (&None, &None));
                    assert_eq!(record.close_reason, None);
                }
            }
        }
    }
}

fn era(name: &str) -> Vec<String> {
    columns(&headers().unwrap()[name])
}

/// A file of `era` whose rows give the named cells; others are empty.
fn file(era_name: &str, rows: &[&[(&str, &str)]]) -> Vec<u8> {
    let names = era(era_name);
    let mut text = String::new();
    tabular::push_record(&mut text, names.iter().map(String::as_str), false);
    for row in rows {
        for (name, _) in *row {
            assert!(names.iter().any(|column| column.trim() == *name), "{name}");
        }
        let cell = |name: &String| {
            row.iter().find(|(column, _)| *column == name.trim()).map_or("", |(_, cell)| *cell)
        };
        tabular::push_record(&mut text, names.iter().map(cell), false);
    }
    text.into_bytes()
}

#[test]
fn a_refund_already_taken_off_is_put_back() {
    if headers().is_none() {
        return;
    }
    let row = |paid: &'static str, refund: &'static str| {
        [
            ("订单编号", "1"),
            ("买家会员名", "t**"),
            ("总金额", "100.00"),
            ("订单状态", "交易成功"),
            ("买家实际支付金额", paid),
            ("退款金额", refund),
            ("订单创建时间", "2020-01-01 00:00:00"),
        ]
    };
    let rows = [row("70.00", "30.00"), row("100.00", "30.00"), row("90.00", "30.00")];
    let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
    let records = orders(read(file("order_list_2020_67col", &rows)));
    let paid: Vec<_> = records.iter().map(|record| record.paid_minor.unwrap()).collect();
    assert_eq!(paid, [10_000, 10_000, 9_000]);
    assert!(records.iter().all(|record| record.refund_minor == Some(3_000)));
    assert_eq!(records[0].buyer.account, None);
}

#[test]
fn merged_1688_rows_belong_to_the_order_above() {
    if headers().is_none() {
        return;
    }
    let rows: [&[(&str, &str)]; 3] = [
        &[
            ("订单编号", "77"),
            ("买家会员名", "厂长"),
            ("订单状态", "等待买家付款"),
            ("实付款(元)", "35.00"),
            ("订单创建时间", "2022/3/17 9:05"),
            ("货品标题", "甲"),
            ("单价(元)", "10"),
            ("数量", "1"),
        ],
        &[("货品标题", "乙"), ("单价(元)", "12.5"), ("数量", "2")],
        &[
            ("订单编号", "78"),
            ("买家会员名", "厂长"),
            ("订单状态", "交易成功"),
            ("实付款(元)", "10"),
            ("订单创建时间", "2022/3/18"),
            ("订单付款时间", "2022/3/18"),
            ("货品标题", "甲"),
            ("单价(元)", "10"),
            ("数量", "1"),
        ],
    ];
    let entries: Vec<_> = read(file("1688_32col", &rows)).collect();
    assert!(matches!(&entries[0], Entry::Order(record, 2) if record.external_no == "77"));
    let records = orders(entries);
    assert_eq!(records[0].lines.len(), 2);
    assert_eq!(records[0].lines[1].amount_minor, Some(2_500));
    assert_eq!((records[0].paid_minor, records[0].total_minor), (Some(0), Some(3_500)));
    assert_eq!(records[1].paid_minor, Some(1_000));
}

#[test]
fn pinduoduo_numbers_give_the_day_and_whole_refunds_count() {
    if headers().is_none() {
        return;
    }
    let rows: [&[(&str, &str)]; 1] = [&[
        ("订单号", "260517-607198974342268"),
        ("商品", "茶"),
        ("订单状态", "已发货，退款成功"),
        ("用户实付金额(元)", "9.90"),
        ("售后状态", "退款成功"),
        ("商品数量(件)", "1"),
    ]];
    let records = orders(read(file("pdd_2026_23col", &rows)));
    let day: Timestamp = "2026-05-17T00:00:00+08:00".parse().unwrap();
    assert_eq!(records[0].ordered_at, Some(day));
    assert_eq!((records[0].state, records[0].refund_minor), (Some(OrderState::Closed), Some(990)));
}

#[test]
fn only_the_main_order_number_is_left_out_where_it_repeats_the_order_number() {
    let text = "订单编号,买家会员名,总金额,订单状态,订单创建时间,退款金额,主订单编号,备注,自定义\n\
                7,甲,1.00,交易成功,2020-01-01,0,7,7,7\n8,甲,1.00,交易成功,2020-01-01,0,7,,\n";
    let records = orders(read(text));
    let extra = |index: usize| -> Vec<(&str, &str)> {
        let extra: &Vec<(String, String)> = &records[index].extra;
        extra.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
    };
    assert_eq!(extra(0), [("备注", "7"), ("自定义", "7")]);
    assert_eq!(extra(1), [("主订单编号", "7")]);
}

#[test]
fn douyin_rows_add_up_and_come_apart() {
    if headers().is_none() {
        return;
    }
    let common = [("订单状态", "已完成"), ("订单提交时间", "2026-01-01 10:00:00"), ("运费", "-")];
    let row =
        |own: [(&'static str, &'static str); 6]| own.into_iter().chain(common).collect::<Vec<_>>();
    let rows = [
        row([
            ("主订单编号", "\t6901"),
            ("子订单编号", "\t6901"),
            ("选购商品", "茶;杯"),
            ("商品规格", "大;-"),
            ("商品数量", "1;2"),
            ("订单应付金额", "30.00"),
        ]),
        row([
            ("主订单编号", "\t6901"),
            ("子订单编号", "\t6902"),
            ("选购商品", "壶"),
            ("商品规格", "-"),
            ("商品数量", "1"),
            ("订单应付金额", "20.00"),
        ]),
    ];
    let rows: Vec<&[_]> = rows.iter().map(Vec::as_slice).collect();
    let records = orders(read(file("douyin_2026_21col", &rows)));
    assert_eq!(records.len(), 1);
    assert_eq!((records[0].paid_minor, records[0].lines.len()), (Some(5_000), 3));
    assert_eq!(records[0].lines[1].quantity, 2);
    assert_eq!(records[0].lines[1].sku_text, None);
    assert_eq!(records[0].lines[2].amount_minor, Some(2_000));
}
