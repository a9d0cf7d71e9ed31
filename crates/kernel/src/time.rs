//! Time as the house keeps it: milliseconds since 1970 in UTC, from an injected clock.

use std::fmt;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 outside.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Wraps milliseconds since 1970 in UTC.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970 in UTC.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// This moment plus `millis` milliseconds, held at the ends of the range.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The calendar day of this moment in `zone`.
    #[must_use]
    pub fn day(self, zone: Zone) -> NaiveDate {
        self.local(zone).date()
    }

    /// Date and time of this moment as clocks in `zone` show it.
    #[must_use]
    pub fn local(self, zone: Zone) -> NaiveDateTime {
        let shifted = self.0.saturating_add(i64::from(zone.offset_seconds()) * 1000);
        DateTime::<Utc>::from_timestamp_millis(shifted).unwrap_or_default().naive_utc()
    }

    /// The moment at which clocks in `zone` show `local`.
    #[must_use]
    pub fn from_local(local: NaiveDateTime, zone: Zone) -> Self {
        Self(local.and_utc().timestamp_millis() - i64::from(zone.offset_seconds()) * 1000)
    }

    /// Midnight at the start of `day` in `zone`.
    #[must_use]
    pub fn start_of(day: NaiveDate, zone: Zone) -> Self {
        Self::from_local(day.and_time(chrono::NaiveTime::MIN), zone)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = DateTime::<Utc>::from_timestamp_millis(self.0)
            .unwrap_or_default()
            .to_rfc3339_opts(SecondsFormat::Millis, true);
        f.write_str(&text)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Timestamp {
    type Err = chrono::ParseError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        DateTime::<FixedOffset>::parse_from_rfc3339(text).map(|t| Self(t.timestamp_millis()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl utoipa::PartialSchema for Timestamp {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(
                utoipa::openapi::KnownFormat::DateTime,
            )))
            .into()
    }
}
impl utoipa::ToSchema for Timestamp {}

/// The fixed offset in which a shop's files and days are read.
///
/// China has had one offset since 1991, and platform exports carry no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Zone {
    offset_seconds: i32,
}

impl Zone {
    /// UTC+8, the zone of the Chinese platforms.
    pub const CHINA: Self = Self { offset_seconds: 8 * 3600 };
    /// UTC.
    pub const UTC: Self = Self { offset_seconds: 0 };

    /// A zone `seconds` east of UTC; `None` beyond 18 hours either way.
    #[must_use]
    pub const fn from_offset_seconds(seconds: i32) -> Option<Self> {
        if seconds.unsigned_abs() > 18 * 3600 {
            None
        } else {
            Some(Self { offset_seconds: seconds })
        }
    }

    /// Seconds east of UTC.
    #[must_use]
    pub const fn offset_seconds(self) -> i32 {
        self.offset_seconds
    }
}

/// Where time comes from; the only source in the house.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chinese_day_begins_at_16_utc() {
        let day = NaiveDate::from_ymd_opt(2017, 7, 8).unwrap();
        let start = Timestamp::start_of(day, Zone::CHINA);
        assert_eq!(start.to_string(), "2017-07-07T16:00:00.000Z");
        assert_eq!(start.day(Zone::CHINA), day);
        assert_eq!(start.plus_millis(-1).day(Zone::CHINA), day.pred_opt().unwrap());
    }

    #[test]
    fn a_zone_is_within_18_hours() {
        for seconds in [18 * 3600, -18 * 3600] {
            assert_eq!(Zone::from_offset_seconds(seconds).map(Zone::offset_seconds), Some(seconds));
        }
        for seconds in [18 * 3600 + 1, -18 * 3600 - 1, i32::MAX, i32::MIN] {
            assert_eq!(Zone::from_offset_seconds(seconds), None);
        }
    }

    #[test]
    fn text_round_trips() {
        let moment: Timestamp = "2026-11-22T10:00:00+08:00".parse().unwrap();
        assert_eq!(moment.to_string(), "2026-11-22T02:00:00.000Z");
    }
}
