//! `guanxi bench generate-export`.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use demoshop::{Encoding, Era, ShopPlan, Written, write_order_report};
use serde::Serialize;

use crate::cli::{Global, say};

/// Last day of the files made here, so that the same options give the same bytes on any day.
pub(super) const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2025, 12, 31).unwrap();

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct GenerateArgs {
    /// Rows below the header
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(ShopPlan::MAX_ORDERS)))]
    orders: u32,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Another seed is another shop
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Buyer accounts; a third of the orders unless given
    #[arg(long, value_name = "N")]
    customers: Option<u32>,
    /// Last day of trade
    #[arg(long, value_name = "YYYY-MM-DD", default_value_t = LAST_DAY)]
    until: NaiveDate,
    /// Order numbers begin behind those of a report of so many orders
    #[arg(long, value_name = "N", default_value_t = 0)]
    orders_before: u32,
}

#[derive(Serialize)]
struct Generated<'a> {
    file: &'a Path,
    orders: u64,
    bytes: u64,
    seconds: f64,
}

pub(super) fn run(global: &Global, args: &GenerateArgs) -> Result<ExitCode> {
    let begun = Instant::now();
    let mut plan = ShopPlan::of_orders(args.orders, args.until);
    plan.orders_before = args.orders_before;
    if let Some(seed) = args.seed {
        plan.seed = seed;
    }
    if let Some(customers) = args.customers {
        plan.customers = customers;
    }
    let written = write(&plan, &args.out)?;
    let seconds = begun.elapsed().as_secs_f64();
    say(&format!("{}: {} orders, {} bytes", args.out.display(), written.rows, written.bytes));
    let generated =
        Generated { file: &args.out, orders: written.rows, bytes: written.bytes, seconds };
    global.print(&generated, "")?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the order report of `plan`.
pub(super) fn write(plan: &ShopPlan, path: &Path) -> Result<Written> {
    // The file has its name only when it is whole.
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    let written = File::create(&unfinished).map_err(anyhow::Error::from).and_then(|file| {
        let mut out = BufWriter::new(file);
        let written = write_order_report(plan, &mut out, Era::Columns67, Encoding::Gb18030)?;
        // Whatever is measured next does not share the disk with this.
        out.get_ref().sync_all()?;
        Ok(written)
    });
    let done = written.and_then(|written| {
        std::fs::rename(&unfinished, path)?;
        Ok(written)
    });
    if done.is_err() {
        let _ = std::fs::remove_file(&unfinished);
    }
    done.with_context(|| format!("cannot write {}", path.display()))
}
