//! `guanxi bench`.

mod client;
mod engine;
mod figures;
mod generate;
mod imports;
mod list_cases;
mod lists;
mod load;
mod one_row;
mod open_loop;
mod pages;
mod serving;
mod spine;
mod stores;

use std::process::ExitCode;

use anyhow::Result;

use super::Global;

#[derive(Debug, clap::Subcommand)]
pub(super) enum BenchCommand {
    /// Write a Taobao order report (GB18030, 67 columns) of an invented shop
    GenerateExport(generate::GenerateArgs),
    /// Answers to mixed requests at a fixed rate, over ten million orders
    Load(load::LoadArgs),
    /// Import, list and score at a million
    Spine(spine::SpineArgs),
}

pub(super) async fn run(global: &Global, command: BenchCommand) -> Result<ExitCode> {
    match command {
        BenchCommand::GenerateExport(args) => generate::run(global, &args),
        BenchCommand::Load(args) => load::run(global, args).await,
        BenchCommand::Spine(args) => spine::run(global, args).await,
    }
}
