//! `guanxi audience`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use analytics::audience::Limits;
use anyhow::{Context as _, Result, ensure};
use chrono::NaiveDate;
use flows::audiences::{
    self, AudienceRefused, CountBody, Definition, ExplainBody, SeenValue, WhyNode,
};
use flows::engine::EngineHandle;
use kernel::{CustomerId, Money};
use serde::Serialize;

use super::audience_sql::{self, SqlArgs, TablesArgs};
use super::{Global, say};

#[derive(Debug, clap::Subcommand)]
pub(super) enum AudienceCommand {
    /// Count who belongs to an audience
    Count(CountArgs),
    /// Say why a customer belongs to an audience or not, and when that changes by itself
    Explain(ExplainArgs),
    /// Print an audience as SQL, or run it over Parquet files
    Sql(SqlArgs),
    /// Write customers, orders and lines as Parquet files that the SQL of audiences asks
    Export(TablesArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct CountArgs {
    /// A file with the definition, as text or as JSON; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    def: PathBuf,
    /// As of which day; today unless given
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(super) as_of: Option<NaiveDate>,
}

impl CountArgs {
    /// The definition of the file.
    pub(super) fn read(&self) -> Result<Definition> {
        read(&self.def)
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    asked: CountArgs,
    /// The customer
    #[arg(long, value_name = "ID")]
    customer: CustomerId,
}

#[derive(Serialize)]
struct Counted {
    customers: u64,
    of: u64,
    seconds: f64,
    as_of: NaiveDate,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sql: Option<String>,
}

pub(super) async fn run(global: &Global, command: AudienceCommand) -> Result<ExitCode> {
    match command {
        AudienceCommand::Count(args) => {
            let definition = args.read()?;
            let boot = global.open_there().await?;
            let engine = EngineHandle::load(&boot.platform, boot.ctx().scope).await?;
            let body =
                CountBody { text: definition.text, tree: definition.tree, as_of: args.as_of };
            let found = audiences::count(&engine, &boot.ctx(), body).await.map_err(told)?;
            boot.close().await;
            let text = format!(
                "{} of {} customers as of {}, in {:.1} ms",
                found.customers,
                found.of,
                found.as_of,
                found.seconds * 1000.0
            );
            say(&found.text);
            let answer = Counted {
                customers: found.customers,
                of: found.of,
                seconds: found.seconds,
                as_of: found.as_of,
                text: found.text,
                sql: found.sql,
            };
            global.print(&answer, &text)?;
        }
        AudienceCommand::Explain(ExplainArgs { asked, customer }) => {
            let definition = asked.read()?;
            let boot = global.open_there().await?;
            let engine = EngineHandle::load(&boot.platform, boot.ctx().scope).await?;
            let body = ExplainBody {
                text: definition.text,
                tree: definition.tree,
                customer,
                as_of: asked.as_of,
            };
            let found = audiences::explain(&engine, &boot.ctx(), body).await.map_err(told)?;
            boot.close().await;
            let mut text = format!(
                "{} {} as of {}",
                found.customer,
                if found.is_in { "is in" } else { "is not in" },
                found.as_of
            );
            if let Some(day) = found.flips_on {
                text.push_str(&format!("; by itself that changes on {day}"));
            }
            lines(&found.why, 0, &mut text);
            global.print(&found, &text)?;
        }
        AudienceCommand::Sql(args) => return audience_sql::statement(global, args).await,
        AudienceCommand::Export(args) => return audience_sql::export(global, args).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Text, or JSON where the first character is a brace.
fn read(path: &Path) -> Result<Definition> {
    let limit = Limits::TEXT_BYTES as u64 + 1;
    let mut text = String::new();
    let what = path.display();
    if path.as_os_str() == "-" {
        std::io::stdin().lock().take(limit).read_to_string(&mut text)?;
    } else {
        let file = std::fs::File::open(path).with_context(|| format!("{what}"))?;
        let read = file.take(limit).read_to_string(&mut text);
        read.with_context(|| format!("{what} must be text in UTF-8"))?;
    }
    ensure!(text.len() < limit as usize, "{what} is longer than {} bytes", Limits::TEXT_BYTES);
    if text.trim_start().starts_with('{') {
        let tree = serde_json::from_str(&text).with_context(|| format!("{what}"))?;
        return Ok(Definition { text: None, tree: Some(tree) });
    }
    Ok(Definition { text: Some(text), tree: None })
}

/// Every fault on a line of its own.
pub(super) fn told(error: AudienceRefused) -> anyhow::Error {
    let all = |what: &AudienceRefused, faults: Vec<String>| {
        anyhow::anyhow!("{what}:\n  {}", faults.join("\n  "))
    };
    match &error {
        AudienceRefused::Text(found) => {
            all(&error, found.iter().map(ToString::to_string).collect())
        }
        AudienceRefused::Tree(found) => {
            all(&error, found.iter().map(ToString::to_string).collect())
        }
        _ => error.into(),
    }
}

fn lines(node: &WhyNode, depth: usize, out: &mut String) {
    use std::fmt::Write as _;
    let mark = if node.passes { "yes" } else { "no " };
    let _ = write!(out, "\n{:1$}{mark} {2}", "", depth * 2, node.text);
    match &node.seen {
        Some(SeenValue::Number { value }) => drop(write!(out, "   (is {value})")),
        Some(SeenValue::Bucket { value }) => drop(write!(out, "   (is {value})")),
        Some(SeenValue::Amount { minor, currency }) => {
            let _ = write!(out, "   (is {})", Money::new(*minor, *currency));
        }
        Some(SeenValue::Moment { at }) => drop(write!(out, "   (is {at})")),
        Some(SeenValue::Level { name }) => drop(write!(out, "   (is {name})")),
        Some(SeenValue::Nothing) => out.push_str("   (there is none)"),
        None => {}
    }
    if let Some(day) = node.flips_on {
        let _ = write!(out, "   changes on {day}");
    }
    node.parts.iter().for_each(|part| lines(part, depth + 1, out));
}
