//! `guanxi export`.

use std::path::PathBuf;
use std::process::ExitCode;

use analytics::{CellPattern, Scheme, Tier};
use anyhow::{Context as _, Result};
use chrono::NaiveDate;
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
    /// Only this cell of the RFM cube, for example R5F5M5; `*` for any score, as in R5F*M*
    #[arg(long, value_name = "CELL")]
    cell: Option<CellPattern>,
    /// Only this tier, for example champions
    #[arg(long, value_name = "NAME")]
    tier: Option<Tier>,
    /// The day from which cells and tiers look back; today unless given
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<NaiveDate>,
    /// Scores of each dimension for cells and tiers; 5 unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=10))]
    bins: Option<u8>,
    /// Only orders of this shop count for cells and tiers
    #[arg(long, value_name = "NAME")]
    shop: Option<String>,
    /// The file to write: .csv or .xlsx
    #[arg(long, value_name = "FILE", value_parser = out_file)]
    out: Out,
}

/// A file whose name says its format.
#[derive(Debug, Clone)]
struct Out {
    path: PathBuf,
    format: ExportFormat,
}

fn out_file(text: &str) -> Result<Out, &'static str> {
    let path = PathBuf::from(text);
    let format = ExportFormat::of_path(&path).ok_or("the file must end in .csv or .xlsx")?;
    Ok(Out { path, format })
}

pub(super) async fn run(global: &Global, command: ExportCommand) -> Result<ExitCode> {
    let ExportCommand::Customers(args) = command;
    let Out { path, format } = args.out;
    let mut params = CustomerParams {
        cell: args.cell.map(Parsed),
        as_of: args.as_of,
        bins: args.bins,
        ..CustomerParams::default()
    };
    if let Some(tier) = args.tier {
        match tier.scheme() {
            Scheme::Eleven => params.tier.push(Parsed(tier)),
            Scheme::Classic => params.classic.push(Parsed(tier)),
        }
    }
    let boot = global.open().await?;
    let cx = boot.ctx();
    let engine = EngineHandle::load(&boot.platform, cx.scope).await?;
    if let Some(name) = &args.shop {
        let shops = engine.shops();
        let shop = shops.all().iter().find(|shop| shop.name == *name);
        params.rfm_shop = Some(shop.with_context(|| format!("there is no shop {name}"))?.id);
    }
    let wording = Wording::default();
    let customers =
        export_customers::export_file(&engine, &cx, &params, format, wording, &path).await?;
    boot.close().await;
    say(&format!("{}: {customers} customers", path.display()));
    global.print(&serde_json::json!({ "file": path, "customers": customers }), "")?;
    Ok(ExitCode::SUCCESS)
}
