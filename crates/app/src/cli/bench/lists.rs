//! The list of customers over HTTP, at a fixed rate.

use anyhow::Result;

use super::figures::{Figures, median, size_name};
use super::list_cases::{self, Case, Group};
use super::open_loop::{self, Ask, Load};
use super::serving::Serving;
use super::stores::Store;
use crate::cli::say;

/// Requests a second, all of one signed-in person.
const PER_SECOND: u32 = 100;
/// So many of the slowest cases of a group are measured again, so that the worst of one look is not
/// taken for the worst.
const AGAIN: usize = 3;

/// A case with its 95th percentiles, one for each round.
struct Measured<'a> {
    case: &'a Case,
    p95_ms: Vec<f64>,
}

impl Measured<'_> {
    fn median_ms(&self) -> f64 {
        median(&self.p95_ms).unwrap_or(f64::NAN)
    }
}

/// Measures every case once for `seconds`, and the slowest of each group in `rounds` rounds; gives
/// the 95th percentile of each group's slowest.
pub(super) async fn measure(
    figures: &mut Figures,
    store: &Store,
    serving: &Serving,
    customers: u32,
    seconds: f64,
    rounds: u32,
) -> Result<()> {
    let load = Load { per_second: PER_SECOND, seconds };
    let cases = list_cases::prepare(&serving.client).await?;
    for group in Group::ALL {
        let mut measured = Vec::new();
        for case in cases.iter().filter(|case| case.group == group) {
            let p95_ms = vec![run(serving, load, case).await?];
            measured.push(Measured { case, p95_ms });
        }
        measured.sort_by(|a, b| b.median_ms().total_cmp(&a.median_ms()));
        for again in measured.iter_mut().take(AGAIN) {
            for _ in 1..rounds {
                again.p95_ms.push(run(serving, load, again.case).await?);
            }
        }
        let looked_at = measured.len();
        let worst =
            measured.into_iter().take(AGAIN).max_by(|a, b| a.median_ms().total_cmp(&b.median_ms()));
        if let Some(worst) = worst {
            let (size, on) = (size_name(customers), store.database.name());
            let name = format!("list_{}_{size}_{on}_p95_ms", group.name());
            let note =
                (looked_at > 1).then(|| format!("{}, the slowest of {looked_at}", worst.case.name));
            figures.noted(name, "ms", Some(group.goal_ms()), &worst.p95_ms, note);
        }
    }
    Ok(())
}

/// Milliseconds at the 95th percentile.
async fn run(serving: &Serving, load: Load, case: &Case) -> Result<f64> {
    let asks: Vec<Ask> =
        case.paths.iter().map(|path| Ask::get(case.group.name(), path.clone())).collect();
    let people = std::slice::from_ref(&serving.client);
    let times = open_loop::run(people, load, &asks).await?;
    say(&format!(
        "    {:<12} {:<28} p50 {:>7.2} p95 {:>7.2} p99 {:>7.2} max {:>7.2} ms",
        case.group.name(),
        case.name,
        times.at(50),
        times.at(95),
        times.at(99),
        times.at(100)
    ));
    Ok(times.at(95))
}
