//! Points for birthdays: once a day, of every programme that has them among its activities.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{Datelike as _, Days, NaiveDate};
use customers::{birthdays, roots};
use kernel::{CustomerId, ProgrammeId, TypedId as _};
use loyalty::Holder;
use loyalty::points::PointsError;
use loyalty::points::award::{self, BIRTHDAY};
use loyalty::points::programme::{self, Programme};
use platform::jobs::{self, JobOptions};
use platform::{Ctx, DbError, Job, JobError, JobHandler, JobOutcome, Platform, Scope};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

/// The kind of the job.
pub const AWARD: &str = "loyalty.birthdays";
/// Until it looks again whether a day began somewhere.
const EVERY_MILLIS: i64 = 3_600_000;
/// People looked up at once.
const PORTION: usize = 100;
/// Days that are made up for after the server was away; who waited longer is not surprised by points any more.
const DAYS_LATE: u64 = 7;

/// How far a programme came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The day.
    day: NaiveDate,
    /// Of it, those behind this customer are left; of all, where nobody is named.
    after: Option<CustomerId>,
    /// Whether the day is done.
    is_done: bool,
}

impl Place {
    const fn before(day: NaiveDate) -> Self {
        Self { day, after: None, is_done: false }
    }
}

/// How far each programme came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Places(BTreeMap<ProgrammeId, Place>);

/// Has the job run now, unless it is there; it goes on by itself.
///
/// # Errors
/// As the database says.
pub async fn begin(platform: &Platform, cx: &Ctx) -> Result<(), DbError> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    // One that noted how far it came has no key any more by which it would be found.
    if jobs::is_open(&mut tx, cx.scope, AWARD).await? {
        return tx.rollback().await;
    }
    let options = JobOptions::standing("birthdays");
    jobs::enqueue(&mut tx, cx, AWARD, &Places::default(), options).await?;
    tx.commit().await
}

/// Gives points for the birthdays of the days that began since `places`, and a week back at most, in every programme
/// that has them. Each person is a transaction of their own; `job` is told how far it came behind every hundred. Done
/// again it gives nothing twice: a family has them once in a calendar year. Gives how many people have theirs by it.
///
/// # Errors
/// `Cancelled` when `cancel` says so; otherwise as the database says.
pub async fn award_birthdays(
    platform: &Platform,
    cx: &Ctx,
    job: Option<&Job>,
    places: &mut Places,
    cancel: &CancellationToken,
) -> Result<u64, JobError> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let programmes = programme::all(&mut tx, cx.scope).await?;
    tx.rollback().await?;
    let mut given = 0;
    for programme in programmes {
        if !programme.rules.activities.iter().any(|activity| activity.name == BIRTHDAY) {
            places.0.remove(&programme.id);
            continue;
        }
        let today = cx.now().day(programme.zone);
        let mut place = places
            .0
            .get(&programme.id)
            .copied()
            .map_or_else(|| Place::before(today), |place| late(place, today));
        loop {
            if place.is_done {
                let Some(next) = place.day.succ_opt().filter(|next| *next <= today) else { break };
                place = Place::before(next);
            }
            // Clocks may go back.
            if place.day > today {
                break;
            }
            if cancel.is_cancelled() {
                return Err(JobError::Cancelled);
            }
            let (count, next) = portion(platform, cx, &programme, place.day, place.after).await?;
            given += count;
            place = Place { day: place.day, after: next, is_done: next.is_none() };
            places.0.insert(programme.id, place);
            if let Some(job) = job {
                let mut tx = platform.db.begin_for(cx.scope).await?;
                jobs::checkpoint(&mut tx, job, places).await?;
                tx.commit().await?;
            }
        }
    }
    Ok(given)
}

/// `place`, unless it is too long ago, or of another year: points of that would be those of this one.
fn late(place: Place, today: NaiveDate) -> Place {
    let week = today.checked_sub_days(Days::new(DAYS_LATE));
    let first = week.max(NaiveDate::from_ymd_opt(today.year(), 1, 1)).unwrap_or(today);
    if place.day >= first {
        return place;
    }
    Place::before(first)
}

/// Gives points to some of those who have their birthday on `day`; how many, and behind whom there may be more.
async fn portion(
    platform: &Platform,
    cx: &Ctx,
    programme: &Programme,
    day: NaiveDate,
    after: Option<CustomerId>,
) -> Result<(u64, Option<CustomerId>), JobError> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let found = birthdays::on_days(&mut tx, cx, &[day], after, PORTION).await?.remove(&day);
    tx.rollback().await?;
    let found = found.unwrap_or_default();
    let mut given = 0;
    for (customer, birthday) in found.people {
        let mut tx = platform.db.begin_for(cx.scope).await?;
        // They may have been merged, or the birthday corrected, since it was looked up.
        let root = roots::root(&mut tx, cx.scope, customer.uuid()).await?;
        let family = roots::family(&mut tx, cx.scope, root).await?;
        let known = birthdays::of_family(&mut tx, cx.scope, &cx.keys(), &family).await?;
        if known != Some(birthday) {
            tx.rollback().await?;
            continue;
        }
        let members: Vec<CustomerId> = family.into_iter().map(CustomerId::from_uuid).collect();
        let root = CustomerId::from_uuid(root);
        let key = format!("{root}:{}", day.year());
        let holder = Holder::new(root, &members);
        match award::award(&mut tx, cx, programme, &holder, BIRTHDAY, &key).await {
            Ok(()) => {
                tx.commit().await?;
                given += 1;
            }
            // They had them this year, or the programme changed since.
            Err(PointsError::DailyLimit(_) | PointsError::KeyReused | PointsError::NoRule(_)) => {
                tx.rollback().await?
            }
            Err(error) => return Err(JobError::retry(error)),
        }
    }
    Ok((given, found.next))
}

/// Runs [`award_birthdays`].
#[derive(Debug, Clone, Copy)]
pub struct AwardBirthdays;

#[async_trait]
impl JobHandler for AwardBirthdays {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let cx = platform.ctx(Scope::system(job.scope.org()));
        let mut places: Places = job.payload()?;
        let given = award_birthdays(platform, &cx, Some(job), &mut places, &cancel).await?;
        if given > 0 {
            tracing::info!(given, "points were given for birthdays");
        }
        Ok(JobOutcome::Again(platform.now().plus_millis(EVERY_MILLIS)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_made_up_for() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let place = |text, is_done| Place { day: day(text), after: None, is_done };
        let today = day("2026-11-23");
        assert_eq!(late(place("2026-11-16", true), today), place("2026-11-16", true));
        assert_eq!(late(place("2026-11-15", true), today), place("2026-11-16", false));
        assert_eq!(late(place("2026-11-23", false), today), place("2026-11-23", false));
        let new_year = late(place("2026-12-30", true), day("2027-01-03"));
        assert_eq!(new_year, place("2027-01-01", false));
    }
}
