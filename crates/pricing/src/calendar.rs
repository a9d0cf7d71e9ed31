//! When a promotion runs: its period, and the days and hours within it.

use chrono::{Datelike, NaiveDateTime, Timelike};
use kernel::{FieldErrors, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// From `starts_at` on, and before `ends_at`. Without one, open at that end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Period {
    /// The first moment.
    pub starts_at: Option<Timestamp>,
    /// The first moment after it.
    pub ends_at: Option<Timestamp>,
}

impl Period {
    /// Whether two periods have a moment in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let before = |start: Option<Timestamp>, end: Option<Timestamp>| match (start, end) {
            (Some(start), Some(end)) => start < end,
            _ => true,
        };
        before(self.starts_at, other.ends_at) && before(other.starts_at, self.ends_at)
    }

    /// Whether every moment of `other` is in this one.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let starts = match (self.starts_at, other.starts_at) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(other)) => own <= other,
        };
        let ends = match (self.ends_at, other.ends_at) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(other)) => own >= other,
        };
        starts && ends
    }
}

/// Days and hours of the local time of the shop; an empty list allows all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Calendar {
    /// ISO weekdays, 1 for Monday to 7 for Sunday.
    pub weekdays: Vec<u8>,
    /// Days of the month, 1 to 31.
    pub days_of_month: Vec<u8>,
    /// Parts of the day; past midnight is two of them.
    pub hours: Vec<Hours>,
}

/// Minutes of the day, from `from_minute` on and before `until_minute`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// 0 to 1,439.
    pub from_minute: u16,
    /// 1 to 1,440.
    pub until_minute: u16,
}

impl Calendar {
    /// Whether it names no day and no hour, and so allows all.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.weekdays.is_empty() && self.days_of_month.is_empty() && self.hours.is_empty()
    }

    /// Whether `local` is allowed.
    #[must_use]
    pub fn allows(&self, local: NaiveDateTime) -> bool {
        let minute = local.hour() * 60 + local.minute();
        self.allows_day(local.date())
            && (self.hours.is_empty()
                || self.hours.iter().any(|hours| {
                    (u32::from(hours.from_minute)..u32::from(hours.until_minute)).contains(&minute)
                }))
    }

    /// Whether some hour of `day` may be allowed.
    #[must_use]
    pub fn allows_day(&self, day: chrono::NaiveDate) -> bool {
        let names = |list: &[u8], value: u32| {
            list.is_empty() || list.iter().any(|named| u32::from(*named) == value)
        };
        names(&self.weekdays, day.weekday().number_from_monday())
            && names(&self.days_of_month, day.day())
    }

    pub(crate) fn check(&self, errors: &mut FieldErrors) {
        for (field, list, range) in [
            ("calendar.weekdays", &self.weekdays, 1..=7),
            ("calendar.days_of_month", &self.days_of_month, 1..=31),
        ] {
            if list.len() > 31 || list.iter().any(|value| !range.contains(value)) {
                errors.push(field, format!("must be {} to {}", range.start(), range.end()));
            }
        }
        let is_sound =
            |hours: &Hours| hours.from_minute < hours.until_minute && hours.until_minute <= 24 * 60;
        if self.hours.len() > 24 || !self.hours.iter().all(is_sound) {
            errors.push(
                "calendar.hours",
                "at most 24 parts, each from an earlier minute until a later one, at most 1440",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_hours_are_those_of_the_shop() {
        let calendar = Calendar {
            weekdays: vec![5],
            days_of_month: vec![],
            hours: vec![Hours { from_minute: 20 * 60, until_minute: 21 * 60 }],
        };
        let at = |text: &str| {
            let moment: Timestamp = text.parse().unwrap();
            calendar.allows(moment.local(kernel::Zone::CHINA))
        };
        // A Friday in China.
        assert!(at("2026-11-27T20:00:00+08:00"));
        assert!(at("2026-11-27T12:59:59Z"));
        assert!(!at("2026-11-27T21:00:00+08:00"));
        assert!(!at("2026-11-28T20:30:00+08:00"));
    }

    #[test]
    fn periods_that_only_touch_do_not_overlap() {
        let moment = |millis| Some(Timestamp::from_millis(millis));
        let first = Period { starts_at: None, ends_at: moment(5) };
        let second = Period { starts_at: moment(5), ends_at: None };
        assert!(!first.overlaps(&second) && !second.overlaps(&first));
        assert!(Period::default().covers(&first) && !first.covers(&Period::default()));
    }
}
