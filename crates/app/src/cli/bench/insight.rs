//! `guanxi bench insight`: audiences and RFM over many customers with products, in this process.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Instant;

use analytics::Engine;
use analytics::bench::{BuiltShop, InsightFigures, measure_insight};
use analytics::live::LiveFigures;
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::BUILD;
use super::figures::{Figure, Figures, size_name};
use crate::cli::memory::memory_mib;
use crate::cli::{Global, say};

/// The size that the goals are about.
const GOAL_CUSTOMERS: u32 = 10_000_000;
const GOAL_LINES: u64 = 100_000_000;
const RFM_GOAL_MS: f64 = 60.0;
const AUDIENCE10_GOAL_MS: f64 = 15.0;
const WINDOW_GOAL_MS: f64 = 60.0;
const REBUILD_GOAL_SECONDS: f64 = 3.0;
const COLD_START_GOAL_SECONDS: f64 = 5.0;
const THOUSAND_GOAL_SECONDS: f64 = 60.0;
const EVENT_GOAL_MS: f64 = 50.0;
/// 5,000 events a second.
const EVENT_MEAN_GOAL_MS: f64 = 0.2;
const LIVE_AUDIENCES: u32 = 200;
const LIVE_EVENTS: u64 = 100_000;
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
    /// Leave the tables as Parquet here, for bench/peers.py
    #[arg(long, value_name = "DIR")]
    tables: Option<PathBuf>,
    /// Only read this saved engine, as a process of its own
    #[arg(long, value_name = "FILE", hide = true)]
    cold_start: Option<PathBuf>,
}

/// Null is what this program cannot measure yet.
#[derive(Serialize)]
struct Answer<'a> {
    customers: u32,
    orders: u64,
    lines: u64,
    build_seconds: f64,
    rebuild_seconds: f64,
    compaction_seconds: f64,
    snapshot_seconds: f64,
    snapshot_mib: f64,
    cold_start_seconds: f64,
    rss_mib: Option<f64>,
    engine_mib: f64,
    rfm_ms: f64,
    audience10_ms: f64,
    audience_window_ms: f64,
    /// Customers found by the last of each, to compare with what others find.
    audience10_customers: u64,
    audience_window_customers: u64,
    audiences1000_seconds: f64,
    changes_per_s: f64,
    events_per_s: f64,
    transition_p99_ms: f64,
    live_begin_seconds: f64,
    midnight_seconds: f64,
    agrees_with_sql: Option<bool>,
    figures: &'a [Figure],
    build: &'static str,
    left_out: &'a [String],
}

/// What a process of its own saw that began with a saved engine.
#[derive(Debug, Serialize, Deserialize)]
struct ColdStart {
    seconds: f64,
    rss_mib: Option<f64>,
}

pub(super) async fn run(global: &Global, args: InsightArgs) -> Result<ExitCode> {
    if let Some(file) = args.cold_start {
        let cold = tokio::task::spawn_blocking(move || cold_start(&file)).await??;
        global.print(&cold, &format!("{:.2} s", cold.seconds))?;
        return Ok(ExitCode::SUCCESS);
    }
    let InsightArgs { customers, orders: lines, seed, .. } = args;
    say(&format!("── {customers} customers, {lines} lines of orders"));
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("engine");
    let target = file.clone();
    let tables = args.tables;
    let measuring = tokio::task::spawn_blocking(move || -> Result<_> {
        let (measured, mut built) = measure_insight(customers, lines, seed)?;
        let began = Instant::now();
        let mut out = BufWriter::with_capacity(1 << 20, File::create(target)?);
        built.engine.snapshot().save("", &mut out)?;
        out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        let snapshot_seconds = began.elapsed().as_secs_f64();
        say("── compared with SQL");
        let agrees = agrees_with_sql(&built, tables.as_deref())?;
        say("── live audiences");
        let live = built.live(LIVE_AUDIENCES, LIVE_EVENTS.min(u64::from(customers)))?;
        Ok((measured, snapshot_seconds, agrees, live))
    });
    let (measured, snapshot_seconds, agrees_with_sql, live) = measuring.await??;
    let snapshot_mib = std::fs::metadata(&file)?.len() as f64 / f64::from(1 << 20);
    say("── cold start");
    let cold = in_a_process_of_its_own(&file).await?;
    let figures = told(&measured, snapshot_seconds, &live, &cold, agrees_with_sql);
    let answer = Answer {
        customers: measured.customers,
        orders: measured.orders,
        lines: measured.lines,
        build_seconds: measured.build_seconds,
        rebuild_seconds: measured.rebuild_seconds,
        compaction_seconds: measured.compaction_seconds,
        snapshot_seconds,
        snapshot_mib,
        cold_start_seconds: cold.seconds,
        rss_mib: cold.rss_mib,
        engine_mib: measured.engine_mib,
        rfm_ms: measured.rfm_ms,
        audience10_ms: measured.audience10_ms,
        audience_window_ms: measured.audience_window_ms,
        audience10_customers: measured.found.0,
        audience_window_customers: measured.found.1,
        audiences1000_seconds: measured.audiences1000_seconds,
        changes_per_s: measured.events_per_second,
        events_per_s: live.events_per_second,
        transition_p99_ms: live.event_ms.1,
        live_begin_seconds: live.begin_seconds,
        midnight_seconds: live.midnight.0,
        agrees_with_sql,
        figures: figures.list(),
        build: BUILD,
        left_out: figures.left_out(),
    };
    global.print(&answer, &figures.text())?;
    Ok(if figures.are_ok() && agrees_with_sql != Some(false) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Reads a saved engine and makes it ready to answer.
fn cold_start(file: &Path) -> Result<ColdStart> {
    let began = Instant::now();
    let (engine, _) = Engine::restore(&File::open(file)?)?;
    engine.warm();
    let seconds = began.elapsed().as_secs_f64();
    let rss_mib = memory_mib("/proc/self/status", "VmRSS:");
    say(&format!("{} customers", engine.len()));
    Ok(ColdStart { seconds, rss_mib })
}

async fn in_a_process_of_its_own(file: &Path) -> Result<ColdStart> {
    let mut command = tokio::process::Command::new(std::env::current_exe()?);
    command.args(["--json", "bench", "insight", "--cold-start"]).arg(file);
    let output = command.stderr(Stdio::inherit()).kill_on_drop(true).output().await?;
    ensure!(output.status.success(), "the process that begins with the saved engine failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Whether SQL over Parquet finds as many as the engine; `None` where this program was built without SQL. The tables
/// stay in `tables`, if it is given.
#[cfg(feature = "sql")]
fn agrees_with_sql(built: &BuiltShop, tables: Option<&Path>) -> Result<Option<bool>> {
    use analytics::audience::{Definitions, sql::select};
    use audience_sql::{Executor, Limits, write_snapshot};
    use std::time::Duration;

    let own = tempfile::tempdir()?;
    let folder = tables.unwrap_or_else(|| own.path());
    std::fs::create_dir_all(folder)?;
    let snapshot = built.engine.snapshot();
    write_snapshot(folder, &snapshot)?;
    let (trees, as_of) = built.audiences();
    let named = Definitions::new();
    let limits = Limits { memory_bytes: 6 << 30, time: Duration::from_mins(10), threads: 2 };
    let executor = Executor::open(folder, limits)?;
    for tree in &trees {
        let members = snapshot.audience(tree, &named, as_of, &kernel::Reach::ALL)?;
        let by_sql = executor.members(&select(tree, &named, as_of)?)?;
        if !members.ids().eq(by_sql) {
            return Ok(Some(false));
        }
    }
    Ok(Some(true))
}

#[cfg(not(feature = "sql"))]
fn agrees_with_sql(_: &BuiltShop, tables: Option<&Path>) -> Result<Option<bool>> {
    ensure!(tables.is_none(), "this program was built without SQL; build it with --features sql");
    Ok(None)
}

fn told(
    measured: &InsightFigures,
    snapshot_seconds: f64,
    live: &LiveFigures,
    cold: &ColdStart,
    agrees_with_sql: Option<bool>,
) -> Figures {
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
    note("compaction", "s", None, measured.compaction_seconds);
    note("snapshot", "s", None, snapshot_seconds);
    note("cold_start", "s", goal(COLD_START_GOAL_SECONDS), cold.seconds);
    note("engine", "MiB", None, measured.engine_mib);
    if let Some(rss) = cold.rss_mib {
        note("resident", "MiB", goal(MEMORY_GOAL_MIB), rss);
    }
    note("rfm", "ms", goal(RFM_GOAL_MS), measured.rfm_ms);
    note("audience10", "ms", goal(AUDIENCE10_GOAL_MS), measured.audience10_ms);
    note("audience_window", "ms", goal(WINDOW_GOAL_MS), measured.audience_window_ms);
    note("audiences1000", "s", goal(THOUSAND_GOAL_SECONDS), measured.audiences1000_seconds);
    note("live200_begin", "s", None, live.begin_seconds);
    note("live200_event_p99", "ms", goal(EVENT_GOAL_MS), live.event_ms.1);
    note("live200_midnight", "s", None, live.midnight.0);
    // Goals are what a figure should not exceed.
    note("live200_event_mean", "ms", goal(EVENT_MEAN_GOAL_MS), 1_000.0 / live.events_per_second);
    if agrees_with_sql.is_none() {
        figures.leave_out("agreement with SQL: this program was built without it".to_owned());
    }
    figures
}
