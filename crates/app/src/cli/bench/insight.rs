//! `guanxi bench insight`: audiences and RFM over many customers with products, in this process.

use std::process::ExitCode;

use analytics::bench::{InsightFigures, measure_insight};
use anyhow::Result;
use serde::Serialize;

use super::BUILD;
use super::figures::{Figure, Figures, size_name};
use crate::cli::{Global, say};

/// The size that the goals are about.
const GOAL_CUSTOMERS: u32 = 10_000_000;
const GOAL_LINES: u64 = 100_000_000;
const RFM_GOAL_MS: f64 = 60.0;
const AUDIENCE10_GOAL_MS: f64 = 15.0;
const WINDOW_GOAL_MS: f64 = 60.0;
const REBUILD_GOAL_SECONDS: f64 = 3.0;
const MEMORY_GOAL_MIB: f64 = 4_096.0;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct InsightArgs {
    /// Customers, invented
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
        value_parser = clap::value_parser!(u32).range(1_000..=20_000_000))]
    customers: u32,
    /// Lines of orders, about two an order
    #[arg(long, value_name = "M", default_value_t = 10_000_000,
        value_parser = clap::value_parser!(u64).range(1_000..=200_000_000))]
    orders: u64,
    /// Others are invented with another
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

/// Null is what this program cannot measure yet.
#[derive(Serialize)]
struct Answer<'a> {
    customers: u32,
    orders: u64,
    lines: u64,
    build_seconds: f64,
    rebuild_seconds: f64,
    snapshot_seconds: Option<f64>,
    cold_start_seconds: Option<f64>,
    rss_mib: Option<f64>,
    engine_mib: f64,
    rfm_ms: f64,
    audience10_ms: f64,
    audience_window_ms: f64,
    changes_per_s: f64,
    events_per_s: Option<f64>,
    transition_p99_ms: Option<f64>,
    agrees_with_sql: Option<bool>,
    figures: &'a [Figure],
    build: &'static str,
    left_out: &'a [String],
}

pub(super) async fn run(global: &Global, args: InsightArgs) -> Result<ExitCode> {
    let InsightArgs { customers, orders: lines, seed } = args;
    say(&format!("── {customers} customers, {lines} lines of orders"));
    let measured =
        tokio::task::spawn_blocking(move || measure_insight(customers, lines, seed)).await??;
    let rss_mib = resident_mib();
    let figures = told(&measured, rss_mib);
    let answer = Answer {
        customers: measured.customers,
        orders: measured.orders,
        lines: measured.lines,
        build_seconds: measured.build_seconds,
        rebuild_seconds: measured.rebuild_seconds,
        snapshot_seconds: None,
        cold_start_seconds: None,
        rss_mib,
        engine_mib: measured.engine_mib,
        rfm_ms: measured.rfm_ms,
        audience10_ms: measured.audience10_ms,
        audience_window_ms: measured.audience_window_ms,
        changes_per_s: measured.events_per_second,
        events_per_s: None,
        transition_p99_ms: None,
        agrees_with_sql: None,
        figures: figures.list(),
        build: BUILD,
        left_out: figures.left_out(),
    };
    global.print(&answer, &figures.text())?;
    Ok(if figures.are_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn told(measured: &InsightFigures, rss_mib: Option<f64>) -> Figures {
    let is_full = measured.customers >= GOAL_CUSTOMERS && measured.lines * 10 >= GOAL_LINES * 9;
    let goal = |goal: f64| is_full.then_some(goal);
    let size = size_name(measured.customers);
    let mut figures = Figures::default();
    let mut note = |name: &str, unit: &'static str, goal: Option<f64>, value: f64| {
        figures.median(
            format!("insight_{name}_{size}_{}", unit.to_lowercase()),
            unit,
            goal,
            &[value],
        );
    };
    note("build", "s", None, measured.build_seconds);
    note("rebuild", "s", goal(REBUILD_GOAL_SECONDS), measured.rebuild_seconds);
    note("engine", "MiB", None, measured.engine_mib);
    if let Some(rss) = rss_mib {
        note("resident", "MiB", goal(MEMORY_GOAL_MIB), rss);
    }
    note("rfm", "ms", goal(RFM_GOAL_MS), measured.rfm_ms);
    note("audience10", "ms", goal(AUDIENCE10_GOAL_MS), measured.audience10_ms);
    note("audience_window", "ms", goal(WINDOW_GOAL_MS), measured.audience_window_ms);
    for missing in ["snapshot and cold start", "live audiences", "comparison with SQL and peers"] {
        figures.leave_out(format!("{missing}: not built yet"));
    }
    figures
}

fn resident_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
