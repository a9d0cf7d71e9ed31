//! `guanxi export`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use analytics::{CellPattern, Scheme, Tier};
use anyhow::{Context as _, Result, bail};
use chrono::NaiveDate;
use flows::engine::EngineHandle;
use flows::export_customers::{CustomersFile, ExportFormat, Wording};
use flows::list_customers::{CustomerParams, Parsed};
use flows::take_exports;

use super::{Global, say};

#[derive(Debug, clap::Subcommand)]
pub(super) enum ExportCommand {
    /// Write customers to a file
    Customers(CustomersArgs),
    /// Say whose export a file is, by the mark in each of its rows
    Of(OfArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct OfArgs {
    /// A .csv or .xlsx file, or a part of one
    #[arg(value_name = "FILE")]
    file: PathBuf,
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
    /// Only who belongs to this audience, by its name or id
    #[arg(long, value_name = "NAME")]
    audience: Option<String>,
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
    match command {
        ExportCommand::Customers(args) => customers(global, args).await,
        ExportCommand::Of(args) => of(global, &args.file).await,
    }
}

async fn of(global: &Global, file: &Path) -> Result<ExitCode> {
    let boot = global.open().await?;
    let found = take_exports::export_of_file(&boot.platform, &boot.ctx(), file).await;
    boot.close().await;
    let Some(export) = found? else {
        bail!("{}: no row has the mark of an export of this data", file.display());
    };
    let who = export.asker_person.as_ref();
    let who = who.map_or_else(
        || "the command line".to_owned(),
        |person| format!("{} <{}>", person.name, person.email),
    );
    let text = format!("{}: {} customers, by {who}, {}", export.id, export.count, export.asked_at);
    global.print(&export, &text)?;
    Ok(ExitCode::SUCCESS)
}

async fn customers(global: &Global, args: CustomersArgs) -> Result<ExitCode> {
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
    if let Some(name) = &args.audience {
        let found = flows::audiences::find(&boot.platform, &cx, name).await?;
        params.audience = Some(found.with_context(|| format!("there is no audience {name}"))?);
    }
    let file = CustomersFile::begin(&engine, &cx, &params, format, Wording::default()).await?;
    let customers = file.write(&path).await?.len();
    boot.close().await;
    say(&format!("{}: {customers} customers", path.display()));
    global.print(&serde_json::json!({ "file": path, "customers": customers }), "")?;
    Ok(ExitCode::SUCCESS)
}
