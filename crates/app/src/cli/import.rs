//! stub
use std::path::PathBuf;
use std::process::ExitCode;
use anyhow::Result;
use kernel::ImportId;
use super::{Global, not_built};
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct ImportArgs {
    #[command(subcommand)]
    command: Option<ImportCommand>,
    /// The shop whose orders these are; made if it is new
    #[arg(long, value_name = "NAME", required = true)]
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
pub(super) async fn run(_: &Global, args: ImportArgs) -> Result<ExitCode> {
    match args.command {
        Some(ImportCommand::Undo { id: _ }) => not_built("import undo"),
        None => not_built("import"),
    }
}
