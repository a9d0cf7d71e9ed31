//! The customer engine: how long it takes to load, what it holds, how quickly it scores.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use chrono::Days;
use flows::engine::EngineHandle;
use flows::rfm::{self, RfmParams};

use super::figures::{Figures, size_name};
use super::generate::LAST_DAY;
use super::stores::Store;

const LOAD_GOAL_SECONDS: f64 = 3.0;
const RFM_GOAL_MS: f64 = 300.0;
/// Figures of `analytics::bench` that are told here, and their names here.
const OF_ANALYTICS: [(&str, &str); 2] =
    [("memory", "engine_memory"), ("pages, every filter, sort and depth, p95", "engine_page_p95")];

/// Loads the engine of `store` in this process, and asks it for RFM on different days.
pub(super) async fn measure(
    figures: &mut Figures,
    store: &Store,
    customers: u32,
    rounds: u32,
) -> Result<()> {
    let boot = store.open().await?;
    let scope = boot.ctx().scope;
    let (mut load_seconds, mut rfm_ms, mut memory_mib) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..u64::from(rounds) {
        let begun = Instant::now();
        let engine = EngineHandle::load(&boot.platform, scope).await?;
        load_seconds.push(begun.elapsed().as_secs_f64());
        let as_of = LAST_DAY.checked_sub_days(Days::new(round)).context("the calendar ends")?;
        let begun = Instant::now();
        let asked = RfmParams { as_of: Some(as_of), bins: Some(5), ..RfmParams::default() };
        let answer = rfm::rfm(&engine, &boot.ctx(), &asked).await?;
        rfm_ms.push(begun.elapsed().as_secs_f64() * 1000.0);
        ensure!(answer.customers > 0, "nobody is scored");
        memory_mib.push(engine.ask(|engine| engine.memory_bytes()) as f64 / f64::from(1 << 20));
    }
    boot.close().await;
    let (size, on) = (size_name(customers), store.database.name());
    let goal = Some(LOAD_GOAL_SECONDS);
    figures.median(format!("engine_load_{size}_{on}_seconds"), "s", goal, &load_seconds);
    figures.median(format!("rfm_cube_{size}_{on}_ms"), "ms", Some(RFM_GOAL_MS), &rfm_ms);
    figures.median(format!("engine_loaded_{size}_{on}_mib"), "MiB", None, &memory_mib);
    Ok(())
}

/// Memory with one order for each customer, and pages without HTTP, of customers made up in memory.
pub(super) async fn measure_alone(figures: &mut Figures, customers: u32) -> Result<()> {
    let measured =
        tokio::task::spawn_blocking(move || analytics::bench::measure(customers, customers))
            .await??;
    for (theirs, name) in OF_ANALYTICS {
        let figure = measured.iter().find(|figure| figure.name == theirs);
        let figure = figure.with_context(|| format!("analytics does not measure `{theirs}`"))?;
        let name = format!("{name}_{}_{}", size_name(customers), figure.unit.to_lowercase());
        figures.median(name, figure.unit, figure.goal, &[figure.value]);
    }
    Ok(())
}
