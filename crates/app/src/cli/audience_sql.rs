//! `guanxi audience sql` and `guanxi audience export`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use chrono::NaiveDate;
use flows::audiences;
use flows::engine::EngineHandle;
use serde::Serialize;

use super::audience::{CountArgs, told};
use super::{Global, say};

#[derive(Debug, clap::Args)]
pub(super) struct SqlArgs {
    #[command(flatten)]
    asked: CountArgs,
    /// Run it: over the files of --dir, or on the cluster of --cluster
    #[arg(long, requires = "over")]
    run: bool,
    /// The folder of the Parquet files, which `guanxi audience export` wrote
    #[arg(long, value_name = "DIR", group = "over", requires = "run")]
    dir: Option<PathBuf>,
    /// The scheduler of a Ballista cluster of `guanxi-cluster`
    #[arg(long, value_name = "http://HOST:PORT", group = "over", requires_all = ["run", "store"])]
    cluster: Option<String>,
    /// Where the files lie that the cluster reads
    #[arg(long, value_name = "s3://BUCKET/FOLDER", requires = "cluster", conflicts_with = "dir")]
    store: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct TablesArgs {
    /// The folder to write; it must not be there yet, or be empty
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Take the files to an S3-compatible object store, too, in place of those that are there; keys come from
    /// the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL)
    #[arg(long, value_name = "s3://BUCKET/FOLDER")]
    store: Option<String>,
}

/// `customers` and `seconds` where it was run.
#[derive(Serialize)]
struct Statement {
    text: String,
    as_of: NaiveDate,
    sql: String,
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    ran: Option<Ran>,
}

/// What a statement gave.
#[derive(Debug, Serialize)]
struct Ran {
    customers: u64,
    seconds: f64,
}

pub(super) async fn statement(global: &Global, args: SqlArgs) -> Result<ExitCode> {
    if args.run {
        with_sql::is_there()?;
    }
    if args.cluster.is_some() {
        with_cluster::is_there()?;
    }
    let definition = args.asked.read()?;
    let boot = global.open_there().await?;
    let engine = EngineHandle::load(&boot.platform, boot.ctx().scope).await?;
    let found = audiences::statement(&engine, &boot.ctx(), definition, args.asked.as_of).await;
    boot.close().await;
    let found = found.map_err(told)?;
    let (sql, over) = (found.sql.clone(), (args.dir, args.cluster.zip(args.store)));
    let ran = tokio::task::spawn_blocking(move || match over {
        (Some(dir), _) => with_sql::run(&dir, &sql).map(Some),
        (None, Some((cluster, store))) => with_cluster::run(&cluster, &store, &sql).map(Some),
        (None, None) => Ok(None),
    });
    let ran = ran.await??;
    say(&found.text);
    let text = match &ran {
        Some(Ran { customers, seconds }) => {
            format!("{customers} customers as of {}, in {seconds:.2} s", found.as_of.day)
        }
        None => found.sql.clone(),
    };
    let answer = Statement { text: found.text, as_of: found.as_of.day, sql: found.sql, ran };
    global.print(&answer, &text)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn export(global: &Global, args: TablesArgs) -> Result<ExitCode> {
    with_sql::is_there()?;
    if args.store.is_some() {
        with_cluster::is_there()?;
    }
    let boot = global.open_there().await?;
    let engine = EngineHandle::load(&boot.platform, boot.ctx().scope).await?;
    let dir = new_folder(args.dir)?;
    let taken = audiences::take_tables(&engine, &boot.ctx()).await;
    boot.close().await;
    let (export, snapshot) = taken?;
    let folder = dir.clone();
    let written =
        tokio::task::spawn_blocking(move || with_sql::write(&folder, &snapshot)).await??;
    say(&format!("{}: {} customers, {} orders", dir.display(), written.customers, written.orders));
    if let Some(store) = args.store {
        with_cluster::upload(&store, &dir).await?;
        say(&format!("{store}: the same files"));
    }
    let answer = Exported { dir, export: export.id.to_string(), written };
    global.print(&answer, "")?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Exported {
    dir: PathBuf,
    export: String,
    #[serde(flatten)]
    written: Rows,
}

/// Rows of the tables.
#[derive(Debug, Clone, Copy, Serialize)]
struct Rows {
    customers: u64,
    tags: u64,
    contacts: u64,
    levels: u64,
    points: u64,
    orders: u64,
    lines: u64,
    refunds: u64,
    refund_lines: u64,
}

/// Makes the folder for one's own eyes, or takes one that is there and empty.
fn new_folder(dir: PathBuf) -> Result<PathBuf> {
    use anyhow::{Context as _, ensure};
    let named = || dir.display().to_string();
    if dir.exists() {
        let mut inside = std::fs::read_dir(&dir).with_context(named)?;
        ensure!(inside.next().is_none(), "{} is not empty: name a new folder", dir.display());
        return Ok(dir);
    }
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&dir).with_context(named)?;
    Ok(dir)
}

/// What needs DataFusion.
#[cfg(feature = "sql")]
mod with_sql {
    use std::time::Instant;

    use analytics::Snapshot;
    use audience_sql::{Executor, Limits};

    use super::{Path, Ran, Result, Rows};

    /// Nothing to say: the program has it.
    pub(super) fn is_there() -> Result<()> {
        Ok(())
    }

    pub(super) fn run(dir: &Path, sql: &str) -> Result<Ran> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        timed(&Executor::open(dir, Limits { threads, ..Limits::default() })?, sql)
    }

    pub(super) fn timed(executor: &Executor, sql: &str) -> Result<Ran> {
        let began = Instant::now();
        let customers = executor.count(sql)?;
        Ok(Ran { customers, seconds: began.elapsed().as_secs_f64() })
    }

    pub(super) fn write(dir: &Path, snapshot: &Snapshot) -> Result<Rows> {
        let written = audience_sql::write_snapshot(dir, snapshot)?;
        let audience_sql::Written { customers, tags, contacts, levels, points, .. } = written;
        let audience_sql::Written { orders, lines, refunds, refund_lines, .. } = written;
        Ok(Rows { customers, tags, contacts, levels, points, orders, lines, refunds, refund_lines })
    }
}

/// The refusals of a program that was built without DataFusion.
#[cfg(not(feature = "sql"))]
mod with_sql {
    use analytics::Snapshot;
    use anyhow::bail;

    use super::{Path, Ran, Result, Rows};

    fn refused<T>() -> Result<T> {
        bail!(
            "this program was built without Parquet and DataFusion; build it with `make build`, or \
             `cargo build --release --locked -p app --features sql`"
        )
    }

    pub(super) fn is_there() -> Result<()> {
        refused()
    }

    pub(super) fn run(_: &Path, _: &str) -> Result<Ran> {
        refused()
    }

    pub(super) fn write(_: &Path, _: &Snapshot) -> Result<Rows> {
        refused()
    }
}

/// What needs Ballista.
#[cfg(feature = "cluster")]
mod with_cluster {
    use audience_sql::cluster::{ClusterLimits, Store, connect};

    use super::{Path, Ran, Result, with_sql};

    /// Nothing to say: the program has it.
    pub(super) fn is_there() -> Result<()> {
        Ok(())
    }

    pub(super) fn run(cluster: &str, store: &str, sql: &str) -> Result<Ran> {
        let store = Store::from_env(store)?;
        with_sql::timed(&connect(cluster, &store, ClusterLimits::default())?, sql)
    }

    pub(super) async fn upload(store: &str, dir: &Path) -> Result<()> {
        Ok(Store::from_env(store)?.upload(dir).await?)
    }
}

/// The refusals of a program that was built without Ballista.
#[cfg(not(feature = "cluster"))]
mod with_cluster {
    use anyhow::bail;

    use super::{Path, Ran, Result};

    fn refused<T>() -> Result<T> {
        bail!(
            "this program was built without Ballista; build it with \
             `cargo build --release --locked -p app --features cluster`"
        )
    }

    pub(super) fn is_there() -> Result<()> {
        refused()
    }

    pub(super) fn run(_: &str, _: &str, _: &str) -> Result<Ran> {
        refused()
    }

    #[allow(clippy::unused_async, reason = "as the other one")]
    pub(super) async fn upload(_: &str, _: &Path) -> Result<()> {
        refused()
    }
}
