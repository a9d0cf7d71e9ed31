//! `guanxi export`.

use std::path::PathBuf;
use std::process::ExitCode;

use analytics::{Scheme, Score, Tier};
use anyhow::{Context as _, Result};
use flows::engine::EngineHandle;
use flows::export_customers::{self, ExportFormat, Wording};
use flows::list_customers::{CustomerParams, Parsed};

use super::{Global, say};

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

pub(super) async fn run(global: &Global, command: ExportCommand) -> Result<ExitCode> {
    let ExportCommand::Customers(args) = command;
    let format = ExportFormat::of_path(&args.out)
        .with_context(|| format!("{}: the file must end in .csv or .xlsx", args.out.display()))?;
    let mut params = CustomerParams::default();
    if let Some(cell) = &args.cell {
        params.cell = Some(Parsed(cell.parse::<Score>()?));
    }
    if let Some(name) = &args.tier {
        let tier: Tier = name.parse()?;
        match tier.scheme() {
            Scheme::Eleven => params.tier.push(Parsed(tier)),
            Scheme::Classic => params.classic.push(Parsed(tier)),
        }
    }
    let boot = global.open().await?;
    let cx = boot.ctx();
    let engine = EngineHandle::load(&boot.platform, cx.scope).await?;
    let wording = Wording::default();
    let customers =
        export_customers::export_file(&engine, &cx, &params, format, wording, &args.out).await?;
    boot.close().await;
    say(&format!("{}: {customers} customers", args.out.display()));
    global.print(&serde_json::json!({ "file": args.out, "customers": customers }), "")?;
    Ok(ExitCode::SUCCESS)
}
