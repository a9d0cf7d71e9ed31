//! `guanxi bench`.

mod client;
mod engine;
mod figures;
mod generate;
mod imports;
mod insight;
mod list_cases;
mod lists;
mod load;
mod loyalty;
mod one_row;
mod open_loop;
mod pages;
mod serving;
mod spine;
mod stores;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, anyhow};

use super::Global;
use crate::server;
use figures::Figures;
use stores::{Scratch, Stores};

#[derive(Debug, clap::Subcommand)]
pub(super) enum BenchCommand {
    /// Write a Taobao order report (GB18030, 67 columns) of an invented shop
    GenerateExport(generate::GenerateArgs),
    /// Answers to mixed requests at a fixed rate, over ten million orders
    Load(load::LoadArgs),
    /// Audiences and RFM over millions of invented customers
    Insight(insight::InsightArgs),
    /// Quotes, redemptions, expiry of points, the simulator
    Loyalty(loyalty::LoyaltyArgs),
    /// Import, list and score at a million
    Spine(spine::SpineArgs),
}

/// Measures on fresh stores inside `folder`, which are taken away whatever comes of it.
async fn on_fresh_stores(
    folder: &Path,
    measure: impl AsyncFnOnce(&Scratch, &mut Stores<'_>, &mut Figures) -> Result<()>,
) -> Result<Figures> {
    let scratch = Scratch::inside(folder)?;
    let mut stores = Stores::new(&scratch)?;
    let mut figures = Figures::default();
    let stop = server::stop_on_signals()?;
    let done = tokio::select! {
        done = measure(&scratch, &mut stores, &mut figures) => done,
        () = stop.cancelled() => Err(anyhow!("stopped before the end")),
    };
    stores.clean().await;
    done.map(|()| figures)
}

/// Cargo's profile: figures of a debug build say nothing.
const BUILD: &str = if cfg!(debug_assertions) { "debug" } else { "release" };

pub(super) async fn run(global: &Global, command: BenchCommand) -> Result<ExitCode> {
    match command {
        BenchCommand::GenerateExport(args) => generate::run(global, &args),
        BenchCommand::Load(args) => load::run(global, args).await,
        BenchCommand::Insight(args) => insight::run(global, args).await,
        BenchCommand::Loyalty(args) => loyalty::run(global, args).await,
        BenchCommand::Spine(args) => spine::run(global, args).await,
    }
}
