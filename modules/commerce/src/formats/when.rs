//! Dates and times as platforms and spreadsheets write them.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use kernel::{Timestamp, Zone};

use super::reason::Fault;

/// Why a text is not a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenError {
    NotADate,
    /// Such a date or time does not exist.
    Impossible,
    /// Outside [`YEARS`].
    OutOfRange,
}

impl WhenError {
    /// As the fault of a cell that holds `cell`.
    pub fn of_cell(self, cell: String) -> Fault {
        match self {
            Self::NotADate => Fault::NotADate { cell },
            Self::Impossible => Fault::ImpossibleDate { cell },
            Self::OutOfRange => Fault::DateOutOfRange { cell },
        }
    }
}

const YEARS: std::ops::RangeInclusive<i32> = 1970..=2100;

/// Takes digits (at most `max`) from the front of `bytes`.
fn number(bytes: &mut &[u8], max: usize) -> Option<u32> {
    let length = bytes.iter().take(max).take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = bytes.split_at(length);
    *bytes = rest;
    if digits.is_empty() {
        return None;
    }
    Some(digits.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0')))
}

fn skip(bytes: &mut &[u8], any_of: &[&str]) -> bool {
    for mark in any_of {
        if let Some(rest) = bytes.strip_prefix(mark.as_bytes()) {
            *bytes = rest;
            return true;
        }
    }
    false
}

/// `2017-07-08 00:42:32`, `2016/5/23 9:05`, `2016.5.23`, `2026年5月17日 12:00:00`, with `T`, and with
/// fractions of a second, which are kept to the millisecond.
fn parse_common(text: &str) -> Result<Option<NaiveDateTime>, WhenError> {
    let mut rest = text.trim().as_bytes();
    let all_zero = rest.iter().all(|byte| !byte.is_ascii_digit() || *byte == b'0');
    if all_zero && rest.starts_with(b"0000") {
        return Ok(None);
    }
    let year = number(&mut rest, 4).ok_or(WhenError::NotADate)?;
    if !skip(&mut rest, &["-", "/", ".", "年"]) {
        return Err(WhenError::NotADate);
    }
    let month = number(&mut rest, 2).ok_or(WhenError::NotADate)?;
    if !skip(&mut rest, &["-", "/", ".", "月"]) {
        return Err(WhenError::NotADate);
    }
    let day = number(&mut rest, 2).ok_or(WhenError::NotADate)?;
    skip(&mut rest, &["日"]);
    let year = i32::try_from(year).map_err(|_| WhenError::NotADate)?;
    let date = NaiveDate::from_ymd_opt(year, month, day).ok_or(WhenError::Impossible)?;
    while skip(&mut rest, &[" ", "T", "\u{a0}"]) {}
    if rest.is_empty() {
        return in_range(date.and_time(NaiveTime::MIN)).map(Some);
    }
    let hour = number(&mut rest, 2).ok_or(WhenError::NotADate)?;
    if !skip(&mut rest, &[":", "：", "时"]) {
        return Err(WhenError::NotADate);
    }
    let minute = number(&mut rest, 2).ok_or(WhenError::NotADate)?;
    let (mut second, mut milli) = (0, 0);
    if skip(&mut rest, &[":", "：", "分"]) && !rest.is_empty() {
        second = number(&mut rest, 2).ok_or(WhenError::NotADate)?;
        skip(&mut rest, &["秒"]);
        if skip(&mut rest, &["."]) {
            let digits = rest.len().min(3);
            let fraction = number(&mut rest, 3).ok_or(WhenError::NotADate)?;
            milli = fraction * 10_u32.pow(3 - u32::try_from(digits).unwrap_or(3));
            while number(&mut rest, 9).is_some() {}
        }
    }
    if !rest.is_empty() && rest != b"Z" {
        return Err(WhenError::NotADate);
    }
    let time =
        NaiveTime::from_hms_milli_opt(hour, minute, second, milli).ok_or(WhenError::Impossible)?;
    in_range(date.and_time(time)).map(Some)
}

fn in_range(moment: NaiveDateTime) -> Result<NaiveDateTime, WhenError> {
    use chrono::Datelike as _;
    if YEARS.contains(&moment.year()) { Ok(moment) } else { Err(WhenError::OutOfRange) }
}

/// Reads a moment as clocks in `zone` show it, by the first of `formats` (strftime) that fits, or in the
/// common ways if there are none. `None` for `0000-00-00`.
pub(super) fn parse(
    text: &str,
    zone: Zone,
    formats: &[String],
) -> Result<Option<Timestamp>, WhenError> {
    if formats.is_empty() {
        return Ok(parse_common(text)?.map(|moment| Timestamp::from_local(moment, zone)));
    }
    let mut wrong = WhenError::NotADate;
    for format in formats {
        let parsed = NaiveDateTime::parse_from_str(text, format).or_else(|error| {
            if error.kind() == chrono::format::ParseErrorKind::NotEnough {
                NaiveDate::parse_from_str(text, format).map(|date| date.and_time(NaiveTime::MIN))
            } else {
                Err(error)
            }
        });
        match parsed {
            Ok(moment) => {
                return in_range(moment).map(|moment| Some(Timestamp::from_local(moment, zone)));
            }
            Err(error) => {
                use chrono::format::ParseErrorKind::{Impossible, OutOfRange};
                if matches!(error.kind(), OutOfRange | Impossible) {
                    wrong = WhenError::Impossible;
                }
            }
        }
    }
    Err(wrong)
}

/// The day in a Pinduoduo order number, `YYMMDD-…`.
pub(super) fn pdd_day(order_no: &str, zone: Zone) -> Option<Timestamp> {
    let (day, _) = order_no.split_once('-')?;
    if day.len() != 6 || !day.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize| day.get(from..from + 2)?.parse::<u32>().ok();
    let year = 2000 + i32::try_from(part(0)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, part(2)?, part(4)?)?;
    Some(Timestamp::start_of(date, zone))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Option<String>, WhenError> {
        Ok(parse(text, Zone::CHINA, &[])?.map(|moment| moment.to_string()))
    }

    #[test]
    fn the_ways_dates_are_written() {
        let expected = Ok(Some("2017-07-07T16:42:32.000Z".to_owned()));
        for text in [
            "2017-07-08 00:42:32",
            "2017/7/8 0:42:32",
            "2017-07-08T00:42:32",
            "2017年7月8日 00:42:32",
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(read("2016/5/23 9:05"), Ok(Some("2016-05-23T01:05:00.000Z".to_owned())));
        assert_eq!(read("2016.5.23"), Ok(Some("2016-05-22T16:00:00.000Z".to_owned())));
        assert_eq!(read("2016-05-23 10:00:00.5"), Ok(Some("2016-05-23T02:00:00.500Z".to_owned())));
        assert_eq!(read("0000-00-00 00:00:00"), Ok(None));
    }

    #[test]
    fn impossible_dates_are_told_from_no_dates() {
        for text in ["2017-02-29", "2017-13-01 00:00:00", "2017-07-08 25:00:00", "2017-00-10"] {
            assert_eq!(read(text), Err(WhenError::Impossible), "{text}");
        }
        for text in ["yesterday", "", "2017", "2017-07-08 noon", "20170708"] {
            assert_eq!(read(text), Err(WhenError::NotADate), "{text}");
        }
        assert_eq!(read("1017-07-08"), Err(WhenError::OutOfRange));
        assert_eq!(read("9999-12-31"), Err(WhenError::OutOfRange));
    }

    #[test]
    fn formats_of_a_mapping() {
        let formats = ["%Y%m%d".to_owned(), "%d.%m.%Y %H:%M".to_owned()];
        let day = parse("19970101", Zone::UTC, &formats).unwrap().unwrap();
        assert_eq!(day.to_string(), "1997-01-01T00:00:00.000Z");
        let moment = parse("31.12.2010 08:26", Zone::UTC, &formats).unwrap().unwrap();
        assert_eq!(moment.to_string(), "2010-12-31T08:26:00.000Z");
        assert_eq!(parse("19970231", Zone::UTC, &formats), Err(WhenError::Impossible));
        assert_eq!(parse("x", Zone::UTC, &formats), Err(WhenError::NotADate));
    }

    #[test]
    fn pinduoduo_numbers_hold_a_day() {
        let day = pdd_day("260517-607198974342268", Zone::CHINA).unwrap();
        assert_eq!(day.to_string(), "2026-05-16T16:00:00.000Z");
        assert_eq!(pdd_day("269917-6071", Zone::CHINA), None);
        assert_eq!(pdd_day("6071", Zone::CHINA), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9:/ .年月日T-]{0,30}") {
            let _ = parse(&text, Zone::CHINA, &[]);
            let _ = parse(&text, Zone::CHINA, &["%Y%m%d".to_owned()]);
            let _ = pdd_day(&text, Zone::CHINA);
        }
    }
}
