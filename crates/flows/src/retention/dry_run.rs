//! What would go now.

use kernel::Timestamp;
use platform::{Ctx, DbError, Platform, retention as store};
use serde::Serialize;

use super::DataClass;
use super::due::{self, Place};

/// Records that are looked at with one question.
const PAGE: i64 = 2_000;
/// Examples of a class.
const EXAMPLES: usize = 5;

/// What would go of a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = RetentionForecast)]
pub struct Forecast {
    /// The class.
    pub class: DataClass,
    /// For how many days it would be kept; null is for ever.
    pub keep_days: Option<u32>,
    /// What was until then would go; null if it is kept for ever.
    pub cutoff: Option<Timestamp>,
    /// How many records would go.
    pub count: u64,
    /// How many are as old and stay, because something of them is not at its end: running orders, open
    /// requests, imports that can go on.
    pub held_back: u64,
    /// From when on the days of the oldest of them are counted.
    pub oldest: Option<Timestamp>,
    /// Some of them: orders, imports, and customers for everything that is of a customer. None for a caller
    /// who may not see them.
    pub examples: Vec<String>,
}

/// Says what of each class would go now if it were kept for so many days. Changes nothing.
///
/// Goes through all that is due: a second for some hundred thousand records.
///
/// # Errors
/// As the database says.
pub async fn dry_run(
    platform: &Platform,
    cx: &Ctx,
    rules: &[(DataClass, Option<u32>)],
) -> Result<Vec<Forecast>, DbError> {
    let mut forecasts = Vec::with_capacity(rules.len());
    for (class, keep_days) in rules {
        let cutoff = keep_days.map(|days| store::cutoff(cx.now(), days));
        let mut forecast = Forecast {
            class: *class,
            keep_days: *keep_days,
            cutoff,
            count: 0,
            held_back: 0,
            oldest: None,
            examples: Vec::new(),
        };
        if let Some(cutoff) = cutoff {
            look(platform, cx, cutoff, &mut forecast).await?;
        }
        forecasts.push(forecast);
    }
    Ok(forecasts)
}

async fn look(
    platform: &Platform,
    cx: &Ctx,
    cutoff: Timestamp,
    forecast: &mut Forecast,
) -> Result<(), DbError> {
    let may_see = cx.access.permissions().allow(forecast.class.shown_by());
    let mut tx = platform.db.read_for(cx.scope).await?;
    let mut place = Some(Place::begin());
    while let Some(at) = place {
        let page = due::page(&mut tx, cx, forecast.class, cutoff, at, PAGE).await?;
        forecast.count += page.records.len() as u64;
        forecast.held_back += page.held_back;
        let oldest = page.records.iter().map(|(_, since)| *since).min();
        forecast.oldest = [forecast.oldest, oldest].into_iter().flatten().min();
        for (record, _) in page.records.iter().filter(|_| may_see) {
            let shown = record.shown();
            if forecast.examples.len() < EXAMPLES && !forecast.examples.contains(&shown) {
                forecast.examples.push(shown);
            }
        }
        place = page.next;
    }
    tx.rollback().await
}
