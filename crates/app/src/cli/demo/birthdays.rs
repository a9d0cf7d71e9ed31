//! Birthdays of some customers of the demonstration shop, one of them today.

use almanac::{Calendar, LunarDate, YearlyDay};
use anyhow::Result;
use chrono::{Datelike as _, Days, NaiveDate};
use customers::birthdays::{Birthday, BirthdayBody, on_days};
use customers::edit::{self, Edit};
use customers::profiles;
use kernel::{CustomerId, TypedId as _, Zone};

use crate::Boot;

/// Customers who have one.
const SOME: usize = 60;
/// Days between two of them.
const APART: u64 = 3;

/// Notes them, unless somebody has a birthday today.
pub(super) async fn make(boot: &Boot) -> Result<()> {
    let cx = boot.ctx();
    let today = cx.now().day(Zone::CHINA);
    let mut tx = boot.platform.db.begin_for(cx.scope).await?;
    let found = on_days(&mut tx, &cx, &[today], None, 1).await?;
    if found.values().any(|day| !day.people.is_empty()) {
        return Ok(tx.rollback().await?);
    }
    let known = commerce::invariants::customers_named(&mut tx, cx.scope).await?;
    let ids: Vec<CustomerId> = known.into_iter().take(SOME).map(CustomerId::from_uuid).collect();
    let profiles = profiles::profiles(&mut tx, &cx, &ids).await?;
    let roots = profiles.iter().filter(|profile| profile.merged_into.is_none());
    for (place, profile) in (0_u64..).zip(roots) {
        let day = today.checked_add_days(Days::new(place * APART)).unwrap_or(today);
        // Every third is kept by the moon; of some nobody knows the year.
        let Some(body) = body_of(day, place % 3 == 1, place) else { continue };
        let Ok(birthday) = Birthday::parse(&body, today) else { continue };
        let edit = Edit { birthday: Some(Some(birthday)), ..Edit::default() };
        edit::edit(&mut tx, &cx, profile.id, profile.version, &edit).await?;
    }
    Ok(tx.commit().await?)
}

/// A birthday that is kept on `day`.
fn body_of(day: NaiveDate, is_lunar: bool, place: u64) -> Option<BirthdayBody> {
    let born = (place % 4 != 3).then_some(i32::try_from(1965 + place * 7 % 38).ok()?);
    let (calendar, month, day) = if is_lunar {
        let moon = LunarDate::of(day)?;
        (Calendar::Lunar, moon.month, moon.day)
    } else {
        (Calendar::Solar, day.month(), day.day())
    };
    // 29 February was not in each of these years.
    let day_of_year = YearlyDay::new(calendar, month, day, false).ok()?;
    let year = born.filter(|year| day_of_year.is_of_year(*year) == Some(true));
    Some(BirthdayBody { calendar, month, day, is_leap_month: false, year })
}
