//! `cargo run --release -p models --example bench_clv [CUSTOMERS [--json]]`: summary, fits and scores of
//! synthetic customers, with seconds and the most memory ever held; with `--json` the figures of `make bench`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "../tests/clv_common/simulate.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod simulate;

use std::time::Instant;

use models::clv::bgnbd::BgNbd;
use models::clv::gamma_gamma::GammaGamma;
use models::clv::pnbd::ParetoNbd;
use models::clv::score::{OrderModel, ScoreOptions, score_all};
use models::clv::summary::{Transactions, Unit, Window, summarise};

/// Days over which customers come, and days observed.
const JOIN_DAYS: f64 = 600.0;
const END_DAY: i64 = 730;
/// What BG/NBD with Gamma-Gamma may take for so many customers, summary, fits and scores.
const GOAL_CUSTOMERS: u32 = 1_000_000;
const GOAL_SECONDS: f64 = 10.0;
const GOAL_MIB: f64 = 1_024.0;

fn timed<T>(name: &str, work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let value = work();
    let seconds = start.elapsed().as_secs_f64();
    eprintln!("{name:<40} {seconds:>8.3} s");
    (value, seconds)
}

fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? >> 10)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let customers = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse::<u32>())?;
    let mut dice = simulate::Dice::new(20_240_101);
    let (mut customer, mut day, mut amount) = (Vec::new(), Vec::new(), Vec::new());
    for ordinal in 0..customers {
        let first = (dice.unit() * JOIN_DAYS).floor();
        let times = dice.bgnbd([0.6, 45.0, 0.8, 2.5], END_DAY as f64 - first);
        let scale = 15.44 / dice.gamma(3.74);
        for time in std::iter::once(0.0).chain(times) {
            customer.push(ordinal);
            day.push((first + time).floor() as i64);
            amount.push((dice.gamma(6.25) * scale * 100.0).round() / 100.0);
        }
    }
    eprintln!("{customers} customers, {} transactions, {:?} MiB", customer.len(), peak_mib());
    let transactions = Transactions { customer: &customer, day: &day, amount: &amount };
    let window = Window { calibration_end: END_DAY, observation_end: END_DAY };
    let (summary, first) = timed("summary", || summarise(transactions, window));
    let summary = summary?;
    let (counts, second) = timed("groups", || summary.counts(Unit::Day));
    let counts = counts?;
    eprintln!("{} groups of {} customers", counts.groups(), counts.customers());
    let (bgnbd, third) = timed("fit BG/NBD", || BgNbd::fit(&counts));
    let bgnbd = bgnbd?;
    eprintln!("{bgnbd:?}");
    let (spend, fourth) =
        timed("fit Gamma-Gamma", || GammaGamma::fit(&summary.frequency, &summary.monetary));
    let spend = spend?;
    eprintln!("{spend:?}");
    let options = ScoreOptions { unit: Unit::Day, ..ScoreOptions::default() };
    let model = OrderModel::BgNbd(bgnbd.model);
    let (scores, fifth) =
        timed("score", || score_all(&summary, &counts, &model, Some(&spend.model), &options));
    let value: i64 = scores?.expected_value_minor.iter().sum();
    eprintln!("expected value {value}");
    let seconds = first + second + third + fourth + fifth;
    eprintln!("{:<40} {seconds:>8.3} s", "all, without Pareto/NBD");
    // Before the other model, which the goal is not about.
    let peak = peak_mib();
    let (pnbd, _) = timed("fit Pareto/NBD", || ParetoNbd::fit(&counts));
    eprintln!("{:?}", pnbd?);
    eprintln!("peak {:?} MiB", peak_mib());
    if std::env::args().any(|argument| argument == "--json") {
        let is_full = customers >= GOAL_CUSTOMERS;
        let figure = |name: &str, unit: &str, goal: f64, value: f64| {
            serde_json::json!({"name": format!("lifetime_{name}_{customers}"), "unit": unit, "value": value,
                "goal": is_full.then_some(goal), "ok": is_full.then_some(value <= goal), "rounds": 1})
        };
        let mut figures = vec![figure("fit_and_score", "s", GOAL_SECONDS, seconds)];
        figures.extend(peak.map(|peak| figure("peak", "MiB", GOAL_MIB, peak as f64)));
        println!("{}", serde_json::json!({ "figures": figures }));
    }
    Ok(())
}
