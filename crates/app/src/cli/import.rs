//! `guanxi import`.

mod rejects;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use commerce::formats::Format;
use commerce::imports::{self, Import, ImportState};
use commerce::shops;
use flows::import_orders::{self, ImportOrder};
use flows::import_shop::{self, WantedShop};
use flows::{cancel_import, undo_import};
use indicatif::{ProgressBar, ProgressStyle};
use kernel::{ImportId, Limit, Timestamp};
use serde::Serialize;

use super::memory::peak_rss_mib;
use super::{Global, say};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct ImportArgs {
    #[command(subcommand)]
    command: Option<ImportCommand>,
    /// The shop whose orders these are; made if it is new
    #[arg(long, value_name = "NAME", required = true, value_parser = shops::parse_name)]
    shop: Option<String>,
    /// What kind of file it is
    #[arg(long, value_enum, default_value_t)]
    format: FormatChoice,
    /// A mapping, for --format generic
    #[arg(long, value_name = "FILE.toml")]
    map: Option<PathBuf>,
    /// Only say what an import would do
    #[arg(long)]
    dry_run: bool,
    /// Order files: CSV or XLSX
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum ImportCommand {
    /// Restore what was before an import
    Undo {
        /// The import, `imp_…`
        #[arg(value_name = "IMPORT_ID")]
        id: ImportId,
    },
    /// Give an import up; what it brought in stays until it is undone
    Cancel {
        /// The import, `imp_…`
        #[arg(value_name = "IMPORT_ID")]
        id: ImportId,
    },
    /// List imports, the newest first
    List {
        /// How many, 1 to 200
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
    },
}

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum FormatChoice {
    /// Find out.
    #[default]
    Auto,
    TaobaoOrders,
    TaobaoItems,
    #[value(name = "1688")]
    Alibaba1688,
    Pdd,
    Douyin,
    Jd,
    Generic,
}

impl FormatChoice {
    const fn format(self) -> Option<Format> {
        match self {
            Self::Auto => None,
            Self::TaobaoOrders => Some(Format::TaobaoOrders),
            Self::TaobaoItems => Some(Format::TaobaoItems),
            Self::Alibaba1688 => Some(Format::Alibaba1688),
            Self::Pdd => Some(Format::Pdd),
            Self::Douyin => Some(Format::Douyin),
            Self::Jd => Some(Format::Jd),
            Self::Generic => Some(Format::Generic),
        }
    }
}

pub(super) async fn run(global: &Global, args: ImportArgs) -> Result<ExitCode> {
    match args.command {
        Some(ImportCommand::Undo { id }) => undo(global, id).await,
        Some(ImportCommand::Cancel { id }) => cancel(global, id).await,
        Some(ImportCommand::List { limit }) => list(global, limit).await,
        None => import(global, args).await,
    }
}

/// The answer of `guanxi import --json`; stable for scripts.
#[derive(Serialize)]
struct Imported {
    import_id: ImportId,
    state: ImportState,
    dry_run: bool,
    format: String,
    encoding: String,
    rows_read: u64,
    orders_created: u64,
    orders_updated: u64,
    orders_unchanged: u64,
    lines_created: u64,
    customers_created: u64,
    customers_matched: u64,
    rejected: u64,
    skipped: u64,
    /// The first of `rejects_files`.
    rejects_file: Option<PathBuf>,
    /// One for each file that has rejected rows.
    rejects_files: Vec<PathBuf>,
    seconds: f64,
    peak_rss_mib: Option<u64>,
}

async fn import(global: &Global, args: ImportArgs) -> Result<ExitCode> {
    let began = Instant::now();
    let mapping = match &args.map {
        Some(path) => Some(
            std::fs::read_to_string(path).with_context(|| format!("mapping {}", path.display()))?,
        ),
        None => None,
    };
    let files = args.files.iter().map(|path| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), path)
    });
    let order = ImportOrder {
        files: files.collect(),
        format: args.format.format(),
        mapping,
        dry_run: args.dry_run,
        uploaded: false,
    };
    let boot = global.open().await?;
    let cx = boot.ctx();
    let name = args.shop.unwrap_or_default();
    let wanted = WantedShop { name: &name, channel: None, currency: None };
    let shop = import_shop::find_or_make(&boot.platform, &cx, wanted, &order).await?;
    let queued = ImportState::Queued;
    let import = import_orders::begin(&boot.platform, &cx, &shop, &order, queued).await?;
    if import.progress.rows_read > 0 {
        say(&format!(
            "going on with import {} behind row {}",
            import.id, import.progress.rows_read
        ));
    }
    let mut progress = ProgressOf::new(global.json, &import);
    let import = import_orders::run(&boot.platform, &cx, import.id, |import| progress.tell(import))
        .await
        .with_context(|| format!("import {}", import.id))?;
    progress.end();
    let rejects_files = rejects::write(&boot, &import).await?;
    boot.close().await;
    let files = &import.request.files;
    let each = |of: fn(&commerce::imports::ImportFile) -> Option<&String>| {
        let mut all: Vec<&str> = files.iter().filter_map(of).map(String::as_str).collect();
        all.dedup();
        all.join(", ")
    };
    let done = &import.progress;
    let answer = Imported {
        import_id: import.id,
        state: import.state,
        dry_run: import.dry_run,
        format: each(|file| file.format.as_ref()),
        encoding: each(|file| file.encoding.as_ref()),
        rows_read: done.rows_read,
        orders_created: done.orders_created,
        orders_updated: done.orders_updated,
        orders_unchanged: done.orders_unchanged,
        lines_created: done.lines_created,
        customers_created: done.customers_created,
        customers_matched: done.customers_matched,
        rejected: done.rejected,
        skipped: done.skipped,
        rejects_file: rejects_files.first().cloned(),
        rejects_files,
        seconds: began.elapsed().as_secs_f64(),
        peak_rss_mib: peak_rss_mib(),
    };
    say(&format!(
        "{}{}: {} rows; orders: {} new, {} changed, {} as they were; {} lines; customers: {} new, \
         {} known; {} rows rejected; {:.1} s",
        if import.dry_run { "dry run " } else { "" },
        import.id,
        answer.rows_read,
        answer.orders_created,
        answer.orders_updated,
        answer.orders_unchanged,
        answer.lines_created,
        answer.customers_created,
        answer.customers_matched,
        answer.rejected,
        answer.seconds
    ));
    let paths: Vec<String> =
        answer.rejects_files.iter().map(|path| path.display().to_string()).collect();
    if !paths.is_empty() {
        let what = if paths.len() == 1 { "that file" } else { "those files" };
        say(&format!("rejected rows: {}; correct them and import {what}", paths.join(", ")));
    }
    global.print(&answer, &import.id.to_string())?;
    Ok(match import.state {
        ImportState::Finished => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

async fn undo(global: &Global, id: ImportId) -> Result<ExitCode> {
    let boot = global.open().await?;
    let undone = undo_import::undo(&boot.platform, &boot.ctx(), id).await?;
    boot.close().await;
    say(&format!(
        "{id} is taken back: {} orders removed, {} as they were before",
        undone.orders_removed, undone.orders_restored
    ));
    global.print(
        &serde_json::json!({
            "import_id": id,
            "state": undone.import.state,
            "orders_removed": undone.orders_removed,
            "orders_restored": undone.orders_restored,
            "customers_removed": undone.customers_removed,
        }),
        "",
    )?;
    Ok(ExitCode::SUCCESS)
}

async fn cancel(global: &Global, id: ImportId) -> Result<ExitCode> {
    let boot = global.open().await?;
    let import = cancel_import::cancel(&boot.platform, &boot.ctx(), id).await?;
    boot.close().await;
    say(&format!("{id} is cancelled; `guanxi import undo {id}` takes back what it brought in"));
    global.print(&serde_json::json!({ "import_id": id, "state": import.state }), "")?;
    Ok(ExitCode::SUCCESS)
}

/// An import in the answer of `guanxi import list --json`; stable for scripts.
#[derive(Serialize)]
struct Listed {
    import_id: ImportId,
    number: i64,
    shop: Option<String>,
    state: ImportState,
    dry_run: bool,
    rows_read: u64,
    orders_created: u64,
    orders_updated: u64,
    created_at: Timestamp,
}

async fn list(global: &Global, limit: u32) -> Result<ExitCode> {
    let boot = global.open().await?;
    let cx = boot.ctx();
    let limit = Limit::new(Some(limit)).map_err(anyhow::Error::msg)?;
    let mut tx = boot.platform.db.read_for(cx.scope).await?;
    let found = imports::list(&mut tx, cx.scope, None, limit).await?.items;
    let shops = shops::all(&mut tx, &cx).await?;
    tx.rollback().await?;
    boot.close().await;
    let imports: Vec<Listed> = found
        .into_iter()
        .map(|import| Listed {
            import_id: import.id,
            number: import.number,
            shop: shops
                .iter()
                .find(|shop| Some(shop.number) == import.shop_number)
                .map(|shop| shop.name.clone())
                .or(import.request.new_shop.map(|shop| shop.name)),
            state: import.state,
            dry_run: import.dry_run,
            rows_read: import.progress.rows_read,
            orders_created: import.progress.orders_created,
            orders_updated: import.progress.orders_updated,
            created_at: import.created_at,
        })
        .collect();
    let lines: Vec<String> = imports
        .iter()
        .map(|import| {
            format!(
                "{}  {:>5}  {:<9}  {:>9} rows  {:>9} new  {:>9} changed  {}{}",
                import.import_id,
                import.number,
                import.state.name(),
                import.rows_read,
                import.orders_created,
                import.orders_updated,
                import.shop.as_deref().unwrap_or("-"),
                if import.dry_run { "  (dry run)" } else { "" }
            )
        })
        .collect();
    global.print(&serde_json::json!({ "imports": imports }), &lines.join("\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// A bar on a terminal, a line every few seconds elsewhere.
struct ProgressOf {
    bar: Option<ProgressBar>,
    said: Instant,
    began: Instant,
    rows_before: u64,
}

impl ProgressOf {
    const EVERY: Duration = Duration::from_secs(5);

    fn new(json: bool, import: &Import) -> Self {
        let bar = (!json && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(import.progress.bytes_total);
            let style = ProgressStyle::with_template(
                "{bar:30} {percent:>3}%  {msg}  {elapsed} gone, {eta} left",
            );
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar
        });
        let now = Instant::now();
        Self { bar, said: now, began: now, rows_before: import.progress.rows_read }
    }

    fn tell(&mut self, import: &Import) {
        let progress = &import.progress;
        let seconds = self.began.elapsed().as_secs_f64().max(0.001);
        let rate = (progress.rows_read - self.rows_before) as f64 / seconds;
        if let Some(bar) = &self.bar {
            bar.set_position(progress.bytes_read);
            bar.set_message(format!("{} rows, {rate:.0} a second", progress.rows_read));
        } else if self.said.elapsed() >= Self::EVERY {
            self.said = Instant::now();
            let share = progress.bytes_read as f64 / progress.bytes_total.max(1) as f64;
            let left = if share > 0.0 { seconds / share - seconds } else { 0.0 };
            say(&format!(
                "{} rows, {rate:.0} a second, {:.0} %, about {left:.0} s left",
                progress.rows_read,
                share * 100.0
            ));
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
