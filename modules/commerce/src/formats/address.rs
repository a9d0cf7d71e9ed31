//! Addresses in one cell: `省 市 区 详址(邮编)`, or run together.

use super::clean::open_text;
use crate::record::ReceiverRecord;

const PROVINCES: &[(&str, &str)] = &[
    ("北京", "北京市"),
    ("天津", "天津市"),
    ("上海", "上海市"),
    ("重庆", "重庆市"),
    ("河北", "河北省"),
    ("山西", "山西省"),
    ("辽宁", "辽宁省"),
    ("吉林", "吉林省"),
    ("黑龙江", "黑龙江省"),
    ("江苏", "江苏省"),
    ("浙江", "浙江省"),
    ("安徽", "安徽省"),
    ("福建", "福建省"),
    ("江西", "江西省"),
    ("山东", "山东省"),
    ("河南", "河南省"),
    ("湖北", "湖北省"),
    ("湖南", "湖南省"),
    ("广东", "广东省"),
    ("海南", "海南省"),
    ("四川", "四川省"),
    ("贵州", "贵州省"),
    ("云南", "云南省"),
    ("陕西", "陕西省"),
    ("甘肃", "甘肃省"),
    ("青海", "青海省"),
    ("台湾", "台湾省"),
    ("内蒙古", "内蒙古自治区"),
    ("广西", "广西壮族自治区"),
    ("西藏", "西藏自治区"),
    ("宁夏", "宁夏回族自治区"),
    ("新疆", "新疆维吾尔自治区"),
    ("香港", "香港特别行政区"),
    ("澳门", "澳门特别行政区"),
];

const CITY_ENDS: &[&str] = &["自治州", "地区", "盟", "市"];
const DISTRICT_ENDS: &[&str] = &["自治县", "自治旗", "新区", "区", "县", "旗", "市"];

/// The full name of a province written short or long, and what follows it in `text`.
fn province(text: &str) -> Option<(&'static str, &str)> {
    let (short, long) = PROVINCES.iter().find(|(short, _)| text.starts_with(short))?;
    let rest = &text[short.len()..];
    // 上海 and 浙江 may stand without their kind; 浙江路 is a street.
    for tail in [&long[short.len()..], "省", "市", "自治区", "特别行政区"] {
        if !tail.is_empty()
            && let Some(rest) = rest.strip_prefix(tail)
        {
            return Some((long, rest));
        }
    }
    let street = rest.starts_with(['路', '街', '道', '大', '东', '西', '南', '北', '中']);
    if street && !rest.is_empty() { None } else { Some((long, rest)) }
}

/// The full name of a province cell, or the cell itself where it names none.
pub(super) fn province_name(text: &str) -> String {
    match province(text) {
        Some((name, "")) => name.to_owned(),
        _ => text.to_owned(),
    }
}

/// Takes the postcode in brackets off the end; `000000` means none.
fn postcode(text: &str) -> (&str, Option<&str>) {
    let Some(inner) = text.strip_suffix([')', '）']) else { return (text, None) };
    let Some((before, code)) = inner.rsplit_once(['(', '（']) else { return (text, None) };
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return (text, None);
    }
    (before.trim_end(), (code != "000000").then_some(code))
}

/// Takes from the front of `text` the shortest name that ends as one of `ends`.
fn take_name<'a>(text: &'a str, ends: &[&str]) -> Option<(&'a str, &'a str)> {
    let end = ends
        .iter()
        .filter_map(|end| {
            // At least one character before the ending, and no more than ten.
            let from = text.char_indices().nth(1)?.0;
            text[from..].find(end).map(|at| from + at + end.len())
        })
        .filter(|end| text[..*end].chars().count() <= 12)
        .min()?;
    Some((&text[..end], &text[end..]))
}

/// Splits a whole address into `receiver`. A masked detail is left out, its district is kept.
pub(super) fn split(text: &str, receiver: &mut ReceiverRecord) {
    if text.starts_with("##") || text.starts_with("$$") {
        return;
    }
    let (text, code) = postcode(text.trim());
    receiver.postcode = code.map(str::to_owned);
    let Some((name, mut rest)) = province(text) else {
        receiver.address = open_text(text).map(str::to_owned);
        return;
    };
    receiver.province = Some(name.to_owned());
    let spaced = rest.starts_with(char::is_whitespace);
    rest = rest.trim_start();
    let municipality = name.ends_with('市');
    for (depth, level) in [&mut receiver.city, &mut receiver.district].into_iter().enumerate() {
        let ends = if depth == 0 && !municipality { CITY_ENDS } else { DISTRICT_ENDS };
        if spaced {
            let Some((word, after)) = rest.split_once(char::is_whitespace) else { break };
            *level = open_text(word).map(str::to_owned);
            rest = after.trim_start();
        } else if let Some((word, after)) = take_name(rest, ends) {
            *level = open_text(word).map(str::to_owned);
            rest = after.trim_start();
        }
    }
    if !spaced && municipality {
        // 上海市浦东新区…: the city is the municipality itself.
        if receiver.city.as_deref() != Some(name) && receiver.district.is_none() {
            receiver.district = receiver.city.replace(name.to_owned());
        }
    }
    let rest = open_text(rest.trim()).filter(|rest| !rest.is_empty());
    receiver.address = rest.map(str::to_owned);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(text: &str) -> [String; 5] {
        let mut r = ReceiverRecord::default();
        split(text, &mut r);
        [r.province, r.city, r.district, r.address, r.postcode].map(Option::unwrap_or_default)
    }

    #[test]
    fn taobao_writes_blanks_between() {
        assert_eq!(
            parts("浙江省 杭州市 西湖区 测试街道1号(310000)"),
            ["浙江省", "杭州市", "西湖区", "测试街道1号", "310000"]
        );
        assert_eq!(
            parts("上海 上海市 浦东新区 张江 路1号（000000）"),
            ["上海市", "上海市", "浦东新区", "张江 路1号", ""]
        );
        assert_eq!(
            parts("广西壮族自治区 南宁市 青秀区 ***"),
            ["广西壮族自治区", "南宁市", "青秀区", "", ""]
        );
    }

    #[test]
    fn others_run_it_together() {
        assert_eq!(
            parts("浙江省杭州市西湖区文三路1号"),
            ["浙江省", "杭州市", "西湖区", "文三路1号", ""]
        );
        assert_eq!(parts("北京海淀区中关村1号"), ["北京市", "北京市", "海淀区", "中关村1号", ""]);
        assert_eq!(parts("1 High Street, London"), ["", "", "", "1 High Street, London", ""]);
        assert_eq!(parts("##AbC123"), ["", "", "", "", ""]);
        assert_eq!(province_name("内蒙古"), "内蒙古自治区");
        assert_eq!(province_name("Bavaria"), "Bavaria");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[浙江省杭州市西湖区上海北京路 ()（）0-9*#]{0,30}") {
            let _ = parts(&text);
        }
    }
}
