//! Birthdays: by the solar or the lunar calendar, the year where it is known. They are personal data: sealed, and found
//! by the day on which they are kept through a blind index.

use std::collections::{HashMap, HashSet};

use almanac::{Calendar, YearlyDay, YearlyDayError, kept_on};
use chrono::{Datelike as _, NaiveDate};
use kernel::{CustomerId, FieldErrors, TypedId as _};
use platform::crypto::{INDEX_LEN, OrgKeys};
use platform::{Ctx, DbError, Scope, Tx};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::store::birthdays as sql;
use crate::{fields, roots};

/// Name under which birthdays are sealed, and of their blind index.
pub(crate) const FIELD: &str = "customers.birthday";
/// The earliest year of a birth.
const FIRST_YEAR: i32 = 1901;

/// A birthday as it is written and told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BirthdayBody {
    /// By which calendar.
    #[schema(value_type = Calendar)]
    pub calendar: Calendar,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31; day 30 of a lunar month is its last, whether it has 29 or 30 days.
    pub day: u32,
    /// Whether it is in the leap month that follows the lunar month of that number.
    #[serde(default)]
    pub is_leap_month: bool,
    /// The year of that calendar, from 1901 on; null if it is not known.
    #[serde(default)]
    pub year: Option<i32>,
}

/// A customer's birthday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Birthday {
    on: YearlyDay,
    year: Option<i32>,
}

impl Birthday {
    /// The birthday that `body` says, on `today` or before.
    ///
    /// # Errors
    /// Every wrong field, as `birthday.day`.
    pub fn parse(body: &BirthdayBody, today: NaiveDate) -> Result<Self, FieldErrors> {
        let BirthdayBody { calendar, month, day, is_leap_month, year } = *body;
        let mut errors = FieldErrors::default();
        let on = match YearlyDay::new(calendar, month, day, is_leap_month) {
            Ok(on) => Some(on),
            Err(error) => {
                let field = match error {
                    YearlyDayError::Month => "birthday.month",
                    YearlyDayError::Day(_) => "birthday.day",
                    YearlyDayError::LeapMonth => "birthday.is_leap_month",
                };
                errors.push(field, error.to_string());
                None
            }
        };
        if let Some(year) = year {
            if !(FIRST_YEAR..=today.year()).contains(&year) {
                errors.push("birthday.year", format!("must be {FIRST_YEAR} to {}", today.year()));
            } else if let Some(on) = on {
                // In a year without day 30 the last is meant; a leap month that was not, nobody was born in.
                let first = YearlyDay::new(calendar, month, 1, is_leap_month).ok();
                if calendar == Calendar::Solar && on.is_of_year(year) == Some(false) {
                    errors.push("birthday.day", format!("{year} had no such day"));
                } else if first.and_then(|first| first.is_of_year(year)) == Some(false) {
                    errors.push("birthday.is_leap_month", format!("{year} had no such leap month"));
                } else if on.in_year(year).is_none_or(|born| born > today) {
                    errors.push("birthday.year", "must not be after today");
                }
            }
        }
        errors.finish(|| on.map(|on| Self { on, year }))
    }

    /// The day of each year.
    #[must_use]
    pub const fn on(self) -> YearlyDay {
        self.on
    }

    /// Whether it is kept on `day`.
    #[must_use]
    pub fn is_on(self, day: NaiveDate) -> bool {
        kept_on(day).contains(&self.on)
    }

    /// As it is written.
    #[must_use]
    pub const fn body(self) -> BirthdayBody {
        BirthdayBody {
            calendar: self.on.calendar(),
            month: self.on.month(),
            day: self.on.day(),
            is_leap_month: self.on.is_leap_month(),
            year: self.year,
        }
    }

    /// How old whoever has it becomes on `day`, on which it is kept: years of its calendar. `None` without a year.
    #[must_use]
    pub fn age_on(self, day: NaiveDate) -> Option<i32> {
        let year = match self.on.calendar() {
            Calendar::Solar => day.year(),
            Calendar::Lunar => almanac::LunarDate::of(day)?.year,
        };
        self.year.map(|born| year - born).filter(|age| *age > 0)
    }

    /// As it is sealed: the name of the day, and the year behind `@`.
    pub(crate) fn text(self) -> String {
        match self.year {
            Some(year) => format!("{}@{year}", self.on.name()),
            None => self.on.name(),
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        let (name, year) = match text.split_once('@') {
            Some((name, year)) => (name, Some(year.parse().ok()?)),
            None => (text, None),
        };
        Some(Self { on: YearlyDay::from_name(name)?, year })
    }

    /// The birthday that was sealed.
    pub(crate) fn open(keys: &OrgKeys, sealed: &[u8]) -> Result<Self, DbError> {
        let text = keys
            .open_text(FIELD, sealed)
            .map_err(|error| DbError::Refused(format!("a birthday: {error}")))?;
        Self::from_text(&text)
            .ok_or_else(|| DbError::Refused("a birthday of a newer program".to_owned()))
    }
}

/// By which a day of the year is found.
pub(crate) fn index_of(keys: &OrgKeys, on: YearlyDay) -> [u8; INDEX_LEN] {
    keys.blind_index(FIELD, on.name())
}

/// Sets or takes away the birthday of a family that the caller holds: it is given to its root, and taken from all of it.
pub(crate) async fn set(
    tx: &mut Tx,
    cx: &Ctx,
    root: Uuid,
    birthday: Option<Birthday>,
) -> Result<(), DbError> {
    let Some(birthday) = birthday else {
        let family = roots::family(tx, cx.scope, root).await?;
        return sql::remove(tx, cx.scope, &family).await.map(drop);
    };
    let keys = cx.keys();
    let sealed = keys.seal(&*cx.ids, FIELD, birthday.text().as_bytes());
    sql::put(tx, cx.scope, root, index_of(&keys, birthday.on), sealed).await
}

/// The birthday of each of `families` (a root first, then the others by id): the root's own, or else that of the first
/// who has one. Whoever asks must be allowed to see them.
///
/// # Errors
/// `Refused` if one cannot be opened; otherwise as the database says.
pub async fn of_families(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    families: &HashMap<Uuid, Vec<Uuid>>,
) -> Result<HashMap<Uuid, Birthday>, DbError> {
    let members: Vec<Uuid> = families.values().flatten().copied().collect();
    let own: HashMap<Uuid, Vec<u8>> =
        sql::of(tx, scope, &roots::distinct(&members)).await?.into_iter().collect();
    let mut found = HashMap::new();
    for (root, family) in families {
        if let Some(sealed) = family.iter().find_map(|member| own.get(member)) {
            found.insert(*root, Birthday::open(keys, sealed)?);
        }
    }
    Ok(found)
}

/// The birthday of one family, its root first.
///
/// # Errors
/// As [`of_families`].
pub async fn of_family(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    family: &[Uuid],
) -> Result<Option<Birthday>, DbError> {
    let Some(root) = family.first() else { return Ok(None) };
    let families = HashMap::from([(*root, family.to_vec())]);
    Ok(of_families(tx, scope, keys, &families).await?.remove(root))
}

/// Whoever has their birthday on a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnDay {
    /// Roots of families with the birthday, by the ids of those to whom it was given.
    pub people: Vec<(CustomerId, Birthday)>,
    /// Behind whom there may be more.
    pub next: Option<CustomerId>,
}

/// Who has their birthday on each of `days`, of those whom the caller sees: at most `most` a day, behind `after`. Looked
/// up by the days, so it takes as long whatever the number of customers; for a caller of limited reach, as long as their
/// customers and the birthdays of those days are many. Nobody where the role hides birthdays.
///
/// # Errors
/// As [`of_families`].
pub async fn on_days(
    tx: &mut Tx,
    cx: &Ctx,
    days: &[NaiveDate],
    after: Option<CustomerId>,
    most: usize,
) -> Result<HashMap<NaiveDate, OnDay>, DbError> {
    if cx.access.fields().hide(fields::BIRTHDAY) {
        return Ok(HashMap::new());
    }
    let keys = cx.keys();
    let after = after.map_or(Uuid::nil(), |id| id.uuid());
    let kept: Vec<(NaiveDate, Vec<[u8; INDEX_LEN]>)> = days
        .iter()
        .map(|day| (*day, kept_on(*day).into_iter().map(|on| index_of(&keys, on)).collect()))
        .collect();
    let indexes: HashSet<[u8; INDEX_LEN]> =
        kept.iter().flat_map(|(_, indexes)| indexes).copied().collect();
    let with = sql::kept(tx, cx, &indexes.into_iter().collect::<Vec<_>>(), after, most + 1).await?;
    let mut found = HashMap::new();
    for (day, indexes) in kept {
        let mut members: Vec<Uuid> =
            indexes.iter().filter_map(|index| with.get(index)).flatten().copied().collect();
        members.sort_unstable();
        let has_more = members.len() > most;
        members.truncate(most);
        let next = members.last().copied().filter(|_| has_more);
        found.insert(day, (members, next));
    }
    let members: Vec<Uuid> = found.values().flat_map(|(members, _)| members).copied().collect();
    let root_of = roots::roots(tx, cx.scope, &members).await?;
    let families = roots::distinct(&root_of.values().copied().collect::<Vec<_>>());
    let families = roots::families(tx, cx.scope, &families).await?;
    let own: HashMap<Uuid, Vec<u8>> = {
        let all: Vec<Uuid> = families.values().flatten().copied().collect();
        sql::of(tx, cx.scope, &roots::distinct(&all)).await?.into_iter().collect()
    };
    let mut told = HashMap::new();
    for (day, (members, next)) in found {
        let mut people = Vec::with_capacity(members.len());
        for member in members {
            let root = root_of.get(&member).copied().unwrap_or(member);
            // Of two in a family one counts.
            let family = families.get(&root).map(Vec::as_slice).unwrap_or_default();
            let counts = family.iter().find(|one| own.contains_key(one));
            if let Some(sealed) = own.get(&member).filter(|_| counts == Some(&member)) {
                people.push((CustomerId::from_uuid(root), Birthday::open(&keys, sealed)?));
            }
        }
        told.insert(day, OnDay { people, next: next.map(CustomerId::from_uuid) });
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(calendar: Calendar, month: u32, day: u32, leap: bool, year: Option<i32>) -> String {
        let body = BirthdayBody { calendar, month, day, is_leap_month: leap, year };
        let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        match Birthday::parse(&body, today) {
            Ok(birthday) => {
                assert_eq!(Birthday::from_text(&birthday.text()), Some(birthday));
                assert_eq!(birthday.body(), body);
                birthday.text()
            }
            Err(errors) => {
                errors.into_vec().into_iter().map(|error| error.field).collect::<Vec<_>>().join(",")
            }
        }
    }

    #[test]
    fn days_that_cannot_be_are_refused_by_their_field() {
        use Calendar::{Lunar, Solar};
        assert_eq!(parse(Solar, 2, 30, false, None), "birthday.day");
        assert_eq!(parse(Solar, 2, 29, false, None), "solar-02-29");
        assert_eq!(parse(Solar, 2, 29, false, Some(1999)), "birthday.day");
        assert_eq!(parse(Solar, 2, 29, false, Some(2000)), "solar-02-29@2000");
        assert_eq!(parse(Solar, 13, 1, false, Some(1800)), "birthday.month,birthday.year");
        assert_eq!(parse(Solar, 11, 24, false, Some(2026)), "birthday.year");
        assert_eq!(parse(Solar, 11, 23, false, Some(2026)), "solar-11-23@2026");
        assert_eq!(parse(Solar, 6, 1, true, None), "birthday.is_leap_month");
        assert_eq!(parse(Lunar, 6, 1, true, Some(1999)), "birthday.is_leap_month");
        assert_eq!(parse(Lunar, 6, 30, true, Some(1987)), "leap-06-30@1987");
        assert_eq!(parse(Lunar, 12, 30, false, Some(1985)), "lunar-12-30@1985");
        assert_eq!(parse(Lunar, 12, 31, false, None), "birthday.day");
    }

    #[test]
    fn ages_are_of_their_calendar() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let of = |text| Birthday::from_text(text).unwrap();
        assert_eq!(of("solar-03-08@1990").age_on(day("2026-03-08")), Some(36));
        assert_eq!(of("solar-03-08").age_on(day("2026-03-08")), None);
        // The eighth of the twelfth month of 1990 was in January 1991.
        assert_eq!(of("lunar-12-08@1990").age_on(day("2026-01-26")), Some(35));
        assert!(of("lunar-12-08@1990").is_on(day("2026-01-26")));
        assert!(!of("lunar-12-08@1990").is_on(day("2026-01-27")));
    }
}
