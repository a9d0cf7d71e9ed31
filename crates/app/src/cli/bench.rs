//! `guanxi bench`.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use demoshop::{Encoding, Era, ShopPlan, Written, write_order_report};
use serde::Serialize;

use super::{Global, not_built, say};

/// Last day of the files made here, so that the same options give the same bytes on any day.
const LAST_DAY: &str = "2025-12-31";

#[derive(Debug, clap::Subcommand)]
pub(super) enum BenchCommand {
    /// Write a Taobao order report (GB18030, 67 columns) of an invented shop
    GenerateExport(GenerateArgs),
    /// Import, list and score at a million
    Spine(SpineArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct GenerateArgs {
    /// Rows below the header
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(ShopPlan::MAX_ORDERS)))]
    orders: u32,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Another seed is another shop
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Last day of trade
    #[arg(long, value_name = "YYYY-MM-DD", default_value = LAST_DAY)]
    until: NaiveDate,
}

#[derive(Debug, clap::Args)]
pub(super) struct SpineArgs {
    /// Orders of the file that is imported
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub orders: u32,
    /// How often each figure is measured
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub runs: u32,
}

#[derive(Serialize)]
struct Generated<'a> {
    file: &'a Path,
    orders: u64,
    bytes: u64,
    seconds: f64,
}

pub(super) async fn run(global: &Global, command: BenchCommand) -> Result<ExitCode> {
    match command {
        BenchCommand::GenerateExport(args) => generate(global, &args),
        BenchCommand::Spine(_) => not_built("bench spine"),
    }
}

fn generate(global: &Global, args: &GenerateArgs) -> Result<ExitCode> {
    let begun = Instant::now();
    let mut plan = ShopPlan::of_orders(args.orders, args.until);
    if let Some(seed) = args.seed {
        plan.seed = seed;
    }
    let written =
        write(&plan, &args.out).with_context(|| format!("cannot write {}", args.out.display()))?;
    let seconds = begun.elapsed().as_secs_f64();
    say(&format!("{}: {} orders, {} bytes", args.out.display(), written.rows, written.bytes));
    let generated =
        Generated { file: &args.out, orders: written.rows, bytes: written.bytes, seconds };
    global.print(&generated, "")?;
    Ok(ExitCode::SUCCESS)
}

fn write(plan: &ShopPlan, path: &Path) -> Result<Written> {
    // The file has its name only when it is whole.
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    let written = File::create(&unfinished).map_err(anyhow::Error::from).and_then(|file| {
        let mut out = BufWriter::new(file);
        Ok(write_order_report(plan, &mut out, Era::Columns67, Encoding::Gb18030)?)
    });
    let done = written.and_then(|written| {
        std::fs::rename(&unfinished, path)?;
        Ok(written)
    });
    if done.is_err() {
        let _ = std::fs::remove_file(&unfinished);
    }
    done
}
