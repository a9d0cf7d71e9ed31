//! The command line. Answers go to standard output, everything else to standard error; the exit code
//! is 0 for done, 1 for failed, 2 for wrong usage. Scripts depend on it: keep it stable.

mod audience;
mod audience_sql;
mod audit;
mod backup;
mod bench;
mod demo;
mod export;
mod import;
mod insight;
mod keys;
mod memory;
mod openapi;
mod retention;
mod rfm;
mod serve;
mod token;
mod user;
mod verify;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use platform::telemetry::{self, LogFormat};
use serde::Serialize;
use tracing_subscriber::EnvFilter;

use crate::{Boot, DataOptions, boot};

pub use serve::{ServeArgs, serve};

/// A CRM for online shops.
#[derive(Debug, Parser)]
#[command(name = "guanxi", version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Global {
    /// The data folder; the key file lies beside it
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "GUANXI_DATA",
        default_value = "./guanxi-data"
    )]
    pub data: PathBuf,
    /// Keep the data in PostgreSQL instead of SQLite inside the folder
    #[arg(
        long,
        global = true,
        value_name = "postgres://…",
        value_parser = postgres_url,
        env = "GUANXI_DATABASE_URL",
        hide_env_values = true
    )]
    pub database_url: Option<String>,
    /// Print the answer as one JSON object
    #[arg(long, global = true)]
    pub json: bool,
    /// How the server's log lines look
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        env = "GUANXI_LOG",
        value_enum,
        default_value_t
    )]
    pub log: Log,
}

fn postgres_url(text: &str) -> Result<String, &'static str> {
    if boot::is_postgres(text) { Ok(text.to_owned()) } else { Err("must begin with postgres://") }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Log {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Global {
    /// Opens the data that the options name.
    ///
    /// # Errors
    /// As [`Boot::open`].
    pub async fn open(&self) -> Result<Boot> {
        Boot::open(&DataOptions::new(self.data.clone(), self.database_url.clone())).await
    }

    /// As [`Global::open`], of data that must be there already: a check of nothing would say that all is well.
    ///
    /// # Errors
    /// If there is none; as [`Boot::open`].
    pub async fn open_there(&self) -> Result<Boot> {
        if self.database_url.is_none() && !self.data.join(boot::DATABASE_FILE).exists() {
            bail!("there is no data in {}; name its folder with --data", self.data.display());
        }
        self.open().await
    }

    /// Prints the answer: `value` as JSON with `--json`, `text` otherwise (nothing if it is empty).
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn print(&self, value: &impl Serialize, text: &str) -> Result<()> {
        let mut out = std::io::stdout().lock();
        if self.json {
            serde_json::to_writer(&mut out, value)?;
            writeln!(out)?;
        } else if !text.is_empty() {
            writeln!(out, "{text}")?;
        }
        Ok(out.flush()?)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the pages and the interface, and work on jobs, until Ctrl-C
    Serve(serve::ServeArgs),
    /// Make a demonstration shop and serve it
    Demo(demo::DemoArgs),
    /// Users
    #[command(subcommand)]
    User(user::UserCommand),
    /// API tokens
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Import order files, or undo an import
    Import(import::ImportArgs),
    /// Score customers by recency, frequency and money
    Rfm(rfm::RfmArgs),
    /// Groups of customers by definition
    #[command(subcommand)]
    Audience(audience::AudienceCommand),
    /// Models of customers: lifetime value, purchase intent
    #[command(subcommand)]
    Insight(insight::InsightCommand),
    /// Write lists to files
    #[command(subcommand)]
    Export(export::ExportCommand),
    /// Check every invariant of the data
    Verify(verify::VerifyArgs),
    /// The record of who did what
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Backups of all data
    #[command(subcommand)]
    Backup(backup::BackupCommand),
    /// The keys that seal personal data
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// For how long data is kept, and the removal of what is older
    #[command(subcommand)]
    Retention(retention::RetentionCommand),
    /// Measure, and make files to measure with
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Print the OpenAPI document of the interface
    Openapi,
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    init_log(&global, &command);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(run(&global, command)) {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

async fn run(global: &Global, command: Command) -> Result<ExitCode> {
    match command {
        Command::Serve(args) => serve::run(global, args).await,
        Command::Demo(args) => demo::run(global, args).await,
        Command::User(command) => user::run(global, command).await,
        Command::Token(command) => token::run(global, command).await,
        Command::Import(args) => import::run(global, args).await,
        Command::Rfm(args) => rfm::run(global, args).await,
        Command::Audience(command) => audience::run(global, command).await,
        Command::Insight(command) => insight::run(global, command).await,
        Command::Export(command) => export::run(global, command).await,
        Command::Verify(args) => verify::run(global, args).await,
        Command::Audit(command) => audit::run(global, command).await,
        Command::Backup(command) => backup::run(global, command).await,
        Command::Keys(command) => keys::run(global, command).await,
        Command::Retention(command) => retention::run(global, command).await,
        Command::Bench(command) => bench::run(global, command).await,
        Command::Openapi => openapi::run(global),
    }
}

/// Servers log what they do; other commands only what goes wrong.
fn init_log(global: &Global, command: &Command) {
    let is_server = matches!(command, Command::Serve(_) | Command::Demo(_));
    match (global.log, is_server) {
        (Log::Text, true) => telemetry::init(LogFormat::Text),
        (Log::Json, true) => telemetry::init(LogFormat::Json),
        (_, false) => {
            // The database's own remarks help nobody at a terminal; its errors come as answers.
            let filter = EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| EnvFilter::new("warn,sqlx=error"));
            let builder = tracing_subscriber::fmt()
                .with_env_filter(filter)
                .with_ansi(std::io::stderr().is_terminal());
            // Fails only when there is a subscriber already.
            let _ = builder.with_target(false).with_writer(std::io::stderr).try_init();
        }
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    say(&format!("guanxi: {error:#}"));
    ExitCode::FAILURE
}

/// Tells the person at the terminal. That nobody listens is no failure.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn accepts(line: &str) -> bool {
        Cli::try_parse_from(line.split_whitespace()).is_ok()
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_documented_lines_are_accepted() {
        for line in [
            "guanxi serve",
            "guanxi serve --listen 127.0.0.1:0 --role worker --data x --json",
            "guanxi demo --customers 5 --listen 127.0.0.1:0",
            "guanxi --data x user add --email a@b.c --role owner",
            "guanxi token create --email a@b.c --name ci --json",
            "guanxi import --shop 茶 a.csv b.csv",
            "guanxi import --shop T --format taobao-orders --map m.toml --dry-run a.csv --json",
            "guanxi import undo imp_01h455vb4pex5vsknk084sn02q --data x",
            "guanxi import cancel imp_01h455vb4pex5vsknk084sn02q --json",
            "guanxi import list --json",
            "guanxi rfm --as-of 2026-01-31 --bins 5 --shop T --database-url postgres://h/d",
            "guanxi export customers --cell R5F5M5 --out a.csv",
            "guanxi export customers --tier champions --out a.xlsx --json",
            "guanxi export of a.xlsx --json",
            "guanxi audience count --def a.txt --json",
            "guanxi audience explain --def - --customer cus_01h455vb4pex5vsknk084sn02q",
            "guanxi audience sql --def a.txt --as-of 2026-01-31",
            "guanxi audience sql --def - --dir tables --run --json",
            "guanxi audience sql --def - --run --cluster http://h:50050 --store s3://b/f",
            "guanxi audience export --dir tables --json",
            "guanxi audience export --dir tables --store s3://b/f",
            "guanxi insight clv --horizon-days 180 --json",
            "guanxi insight clv --csv a.csv --columns customer,date,amount --unit week --calibration-end 1997-09-30",
            "guanxi insight intent --csv a.csv --target Churn --positive Yes --drop A,B --folds 5 --seed 7 --json",
            "guanxi verify --json",
            "guanxi audit verify --json",
            "guanxi audit verify --noted 0:0000000000000000000000000000000000000000000000000000000000000000",
            "guanxi audit export --out a.jsonl --data x",
            "guanxi backup create --out b --json",
            "guanxi backup verify b --backup 2026-11-22T135700Z-1a2b3c",
            "guanxi backup restore --from b --data new --database-url postgres://h/d",
            "guanxi backup list a b --json",
            "guanxi serve --backups /mnt/backups",
            "guanxi serve --no-backups",
            "guanxi keys list --json",
            "guanxi keys rotate --data x",
            "guanxi keys change-master --new-key new.key",
            "guanxi bench generate-export --orders 10 --out a.csv --seed 7",
            "guanxi bench generate-export --orders 10 --out a.csv --customers 4 --orders-before 20",
            "guanxi bench spine --json",
            "guanxi bench spine --orders 2000 --customers 1000 --rounds 1 --only lists --only one-row",
            "guanxi bench insight --customers 1000000 --orders 10000000 --seed 3 --json",
            "guanxi openapi",
        ] {
            assert!(accepts(line), "{line}");
        }
    }

    #[test]
    fn wrong_usage_is_refused() {
        for line in [
            "guanxi",
            "guanxi import",
            "guanxi import a.csv",
            "guanxi import --shop T",
            "guanxi import --shop T --format word a.csv",
            "guanxi import undo",
            "guanxi import undo cus_01h455vb4pex5vsknk084sn02q",
            "guanxi user add --email a@b.c --role King!",
            "guanxi user add --email nobody",
            "guanxi rfm --bins 1",
            "guanxi rfm --bins 11",
            "guanxi rfm --as-of 2026-02-30",
            "guanxi export customers",
            "guanxi export customers --out t.txt",
            "guanxi import --shop= a.csv",
            "guanxi import cancel",
            "guanxi import list --limit 0",
            "guanxi verify --database-url mysql://h/d",
            "guanxi audience count",
            "guanxi audience explain --def -",
            "guanxi audience sql --def - --run",
            "guanxi audience sql --def - --dir tables",
            "guanxi audience sql --def - --run --cluster http://h:50050",
            "guanxi audience sql --def - --run --dir tables --store s3://b/f",
            "guanxi audience export",
            "guanxi insight clv --unit year",
            "guanxi insight intent --csv a.csv",
            "guanxi audit",
            "guanxi audit verify --noted 7",
            "guanxi audit export",
            "guanxi bench generate-export --orders 0 --out a.csv",
            "guanxi bench spine --only speed",
            "guanxi backup",
            "guanxi backup create",
            "guanxi backup verify a b",
            "guanxi backup restore b",
            "guanxi backup list",
            "guanxi keys",
            "guanxi keys change-master",
            "guanxi serve --backups b --no-backups",
        ] {
            assert!(!accepts(line), "{line}");
        }
    }
}
