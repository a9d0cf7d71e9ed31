//! `guanxi export`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use super::{Global, not_built};

#[derive(Debug, clap::Subcommand)]
pub(super) enum ExportCommand {
    /// Write customers to a file
    Customers(CustomersArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct CustomersArgs {
    /// Only this cell of the RFM cube, for example R5F5M5
    #[arg(long, value_name = "CELL")]
    cell: Option<String>,
    /// Only this tier, for example champions
    #[arg(long, value_name = "NAME")]
    tier: Option<String>,
    /// The file to write: .csv or .xlsx
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) async fn run(_: &Global, command: ExportCommand) -> Result<ExitCode> {
    let ExportCommand::Customers(_) = command;
    not_built("export customers")
}
