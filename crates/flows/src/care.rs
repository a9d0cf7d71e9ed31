//! The care calendar: on which day whom to think of. Festivals, birthdays, and anniversaries of first orders.

use std::collections::{BTreeMap, HashMap};

use almanac::{Festival, LunarDate, festivals_on};
use chrono::{Datelike as _, Days, NaiveDate};
use customers::birthdays::{self, BirthdayBody};
use customers::names;
use kernel::{CustomerId, FieldErrors, Timestamp, TypedId as _, Zone};
use platform::Ctx;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::engine::EngineHandle;
use crate::list_customers::ListError;
use crate::list_orders::CustomerName;

/// Days of one answer.
const DAYS_MAX: i64 = 62;
/// People of one kind told of each day.
const PEOPLE: usize = 20;
/// People of one kind told where a single day is asked for.
const PEOPLE_OF_ONE: usize = 200;
/// Anniversaries are looked for so many years back.
const YEARS: i32 = 30;

/// What a calendar is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CareKind {
    /// Festivals alone.
    Festival,
    /// Birthdays alone.
    Birthday,
    /// Anniversaries alone.
    Anniversary,
}

/// What is asked.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CareParams {
    /// The first day.
    pub from: NaiveDate,
    /// The last day, at most 61 days later.
    pub to: NaiveDate,
    /// Only these; all unless given.
    #[serde(default)]
    #[param(inline)]
    pub kind: Option<CareKind>,
    /// Only birthdays behind this customer, as `birthdays_next` said; of a single day.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub after: Option<CustomerId>,
}

impl CareParams {
    fn check(&self) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        let known = almanac::FIRST_DAY..=almanac::LAST_DAY;
        for (field, day) in [("from", self.from), ("to", self.to)] {
            if !known.contains(&day) {
                errors.push(field, "must be a day of 1901 to 2100");
            }
        }
        if self.from > self.to {
            errors.push("from", "must not be after `to`");
        } else if (self.to - self.from).num_days() >= DAYS_MAX {
            errors.push("to", format!("must be within {DAYS_MAX} days"));
        }
        if self.after.is_some() && self.from != self.to {
            errors.push("after", "is for a single day: `from` and `to` must be the same");
        }
        errors.finish(|| Some(()))
    }

    fn wants(&self, kind: CareKind) -> bool {
        self.kind.is_none_or(|only| only == kind)
    }
}

/// Somebody's birthday.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CareBirthday {
    /// Who.
    pub customer: CustomerName,
    /// The birthday.
    pub birthday: BirthdayBody,
    /// How old they become, in years of that calendar; null where the year is not known.
    pub turns: Option<i32>,
}

/// That somebody ordered for the first time on this day of another year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CareAnniversary {
    /// Who.
    pub customer: CustomerName,
    /// How many years ago.
    pub years: i32,
    /// The moment of the first counted order.
    pub first_order_at: Timestamp,
}

/// A day of the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CareDay {
    /// The day.
    pub day: NaiveDate,
    /// The same of the lunar calendar.
    #[schema(value_type = Option<LunarDate>)]
    pub lunar: Option<LunarDate>,
    /// Festivals.
    #[schema(value_type = Vec<Festival>)]
    pub festivals: Vec<Festival>,
    /// Birthdays, in no order that says anything; 20 at most, of a single day 200.
    pub birthdays: Vec<CareBirthday>,
    /// Where the others begin, if there are more: `after` of the next question, for this day alone.
    #[schema(value_type = Option<String>)]
    pub birthdays_next: Option<CustomerId>,
    /// Anniversaries of first orders, the oldest first; 20 at most, of a single day 200.
    pub anniversaries: Vec<CareAnniversary>,
    /// How many anniversaries there are.
    pub anniversaries_total: u64,
}

/// The care calendar of some days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CareCalendar {
    /// Today in the zone of the first shop, which is that of all days in it.
    pub today: NaiveDate,
    /// Whether birthdays are told; not where the role hides them.
    pub shows_birthdays: bool,
    /// One for each day.
    pub days: Vec<CareDay>,
}

/// The calendar from `params.from` to `params.to`, of the customers whom the caller sees.
///
/// Birthdays are found by the blind index of their days, anniversaries in the engine by the order of first orders:
/// neither looks at all customers.
///
/// # Errors
/// `Fields`; `NotReady` while the customers are being read; otherwise as the database says.
pub async fn care(
    engine: &EngineHandle,
    cx: &Ctx,
    params: &CareParams,
) -> Result<CareCalendar, ListError> {
    params.check().map_err(ListError::Fields)?;
    engine.fresh().await?;
    let frame = engine.shops().frame();
    let days: Vec<NaiveDate> =
        params.from.iter_days().take_while(|day| *day <= params.to).collect();
    let most = if days.len() == 1 { PEOPLE_OF_ONE } else { PEOPLE };
    let mut told: BTreeMap<NaiveDate, CareDay> =
        days.iter().map(|day| (*day, empty(*day, params))).collect();
    if params.wants(CareKind::Anniversary) && params.after.is_none() {
        anniversaries(engine, cx, &mut told, frame.zone, most);
    }
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    if params.wants(CareKind::Birthday) {
        let found = birthdays::on_days(&mut tx, cx, &days, params.after, most).await?;
        for (day, on_day) in found {
            let Some(told) = told.get_mut(&day) else { continue };
            told.birthdays_next = on_day.next;
            told.birthdays = on_day
                .people
                .into_iter()
                .map(|(id, birthday)| CareBirthday {
                    customer: CustomerName { id, name: String::new() },
                    birthday: birthday.body(),
                    turns: birthday.age_on(day),
                })
                .collect();
        }
    }
    let people = told.values_mut().flat_map(|day| {
        let with_birthday = day.birthdays.iter_mut().map(|one| &mut one.customer);
        with_birthday.chain(day.anniversaries.iter_mut().map(|one| &mut one.customer))
    });
    let mut people: Vec<&mut CustomerName> = people.collect();
    let ids: Vec<Uuid> = people.iter().map(|one| one.id.uuid()).collect();
    let mut names: HashMap<Uuid, (Uuid, String)> = names::shown(&mut tx, cx, &ids).await?;
    tx.rollback().await?;
    for one in &mut people {
        one.name = names.get_mut(&one.id.uuid()).map(|(_, name)| name.clone()).unwrap_or_default();
    }
    Ok(CareCalendar {
        today: frame.today(cx.now()),
        shows_birthdays: !cx.access.fields().hide(crate::fields::BIRTHDAY),
        days: told.into_values().collect(),
    })
}

fn empty(day: NaiveDate, params: &CareParams) -> CareDay {
    let festivals = if params.wants(CareKind::Festival) { festivals_on(day) } else { Vec::new() };
    CareDay {
        day,
        lunar: LunarDate::of(day),
        festivals,
        birthdays: Vec::new(),
        birthdays_next: None,
        anniversaries: Vec::new(),
        anniversaries_total: 0,
    }
}

/// The days of earlier years whose anniversary is on `day`, with how many years ago: 29 February has its own on 28
/// February of other years.
fn days_before(day: NaiveDate) -> Vec<(i32, NaiveDate)> {
    let mut days = Vec::new();
    for years in 1..=YEARS {
        let Some(before) = day.with_year(day.year() - years) else { continue };
        days.push((years, before));
        let stands_in = (day.month(), day.day()) == (2, 28) && !day.leap_year();
        if stands_in && before.leap_year() {
            days.extend(before.checked_add_days(Days::new(1)).map(|leap| (years, leap)));
        }
    }
    days
}

fn anniversaries(
    engine: &EngineHandle,
    cx: &Ctx,
    told: &mut BTreeMap<NaiveDate, CareDay>,
    zone: Zone,
    most: usize,
) {
    let asked: Vec<(NaiveDate, i32, NaiveDate)> = told
        .keys()
        .flat_map(|day| days_before(*day).into_iter().map(|(years, before)| (*day, years, before)))
        .collect();
    let start = |day: NaiveDate| Timestamp::start_of(day, zone).millis();
    let spans: Vec<std::ops::Range<i64>> = asked
        .iter()
        .map(|(_, _, before)| start(*before)..start(before.succ_opt().unwrap_or(*before)))
        .collect();
    let reach = cx.access.reach();
    let found = engine.ask(|engine| engine.view().first_orders(&spans, reach, most));
    // The longest ago comes first.
    for ((day, years, _), found) in asked.into_iter().zip(found).rev() {
        let Some(day) = told.get_mut(&day) else { continue };
        day.anniversaries_total += found.total;
        let room = most - day.anniversaries.len().min(most);
        day.anniversaries.extend(found.first.into_iter().take(room).map(|(id, at)| {
            let customer = CustomerName { id, name: String::new() };
            CareAnniversary { customer, years, first_order_at: at }
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anniversaries_of_a_leap_day_have_a_day_each_year() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let of = |text| days_before(day(text));
        assert!(of("2026-02-28").contains(&(2, day("2024-02-29"))));
        assert!(of("2026-02-28").contains(&(2, day("2024-02-28"))));
        assert!(!of("2028-02-28").contains(&(4, day("2024-02-29"))));
        assert!(of("2028-02-29").contains(&(4, day("2024-02-29"))));
        assert_eq!(of("2028-02-29").len(), 7);
        assert_eq!(of("2026-11-23").len(), 30);
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let asked = |from: &str, to: &str, after| CareParams {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            kind: None,
            after,
        };
        let fields = |params: CareParams| match params.check() {
            Ok(()) => Vec::new(),
            Err(wrong) => wrong.into_vec().into_iter().map(|one| one.field).collect(),
        };
        let someone = Some(CustomerId::from_uuid(Uuid::nil()));
        assert!(fields(asked("2026-11-01", "2027-01-01", None)).is_empty());
        assert_eq!(fields(asked("2026-11-01", "2027-01-02", None)), ["to"]);
        assert_eq!(fields(asked("2026-11-02", "2026-11-01", None)), ["from"]);
        assert_eq!(fields(asked("2026-11-01", "2026-11-02", someone)), ["after"]);
        assert!(fields(asked("2026-11-01", "2026-11-01", someone)).is_empty());
        assert_eq!(fields(asked("1800-11-01", "1800-11-01", None)), ["from", "to"]);
    }
}
