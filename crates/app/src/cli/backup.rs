//! `guanxi backup create`, `verify`, `restore`, `list`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use flows::erase_again::{ErasedAgain, erase_again, note};
use kernel::Clock as _;
use platform::Db;
use platform::backup::{self, BackupError, BackupKeys, BackupView, NotedErasure, Unfinished};
use platform::system::{SystemClock, SystemIds};
use serde_json::json;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::{Global, say};
use crate::{Boot, DataOptions, modules};

#[derive(Debug, clap::Subcommand)]
pub(super) enum BackupCommand {
    /// Make a backup of all data, while the server runs
    Create(CreateArgs),
    /// Read every byte of the backups in a folder, and compare it with what was written
    Verify(VerifyArgs),
    /// Restore a backup into a data folder or database that is empty
    Restore(RestoreArgs),
    /// List the backups in folders
    List(ListArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    /// The folder; made if it is missing. Backups in one folder share what did not change
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Only this one of its backups
    #[arg(long, value_name = "NAME")]
    backup: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct RestoreArgs {
    /// The folder
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// This one of its backups; the newest unless given
    #[arg(long, value_name = "NAME")]
    backup: Option<String>,
    /// Also erase again whom this other folder of backups names as erased
    #[arg(long, value_name = "DIR")]
    erasures: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// The folders
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
}

pub(super) async fn run(global: &Global, command: BackupCommand) -> Result<ExitCode> {
    match command {
        BackupCommand::Create(args) => create(global, &args.out).await,
        BackupCommand::Verify(args) => verify(global, args).await,
        BackupCommand::Restore(args) => restore(global, args).await,
        BackupCommand::List(args) => list(global, args.folders).await,
    }
}

fn options(global: &Global) -> DataOptions {
    DataOptions::new(global.data.clone(), global.database_url.clone())
}

async fn create(global: &Global, folder: &Path) -> Result<ExitCode> {
    let boot = global.open().await?;
    let created = backup::create(&boot.platform, folder).await;
    if created.is_ok() {
        note(&boot.platform, &boot.ctx(), folder).await?;
    }
    boot.close().await;
    let created = created.context("no backup was made")?;
    say(&format!(
        "backup {} of {} rows: {} pieces with {} bytes, {} of them new with {} bytes",
        created.backup,
        created.rows,
        created.pieces,
        created.stored_bytes,
        created.new_pieces,
        created.new_bytes,
    ));
    global.print(&created, &created.backup)?;
    Ok(ExitCode::SUCCESS)
}

async fn verify(global: &Global, args: VerifyArgs) -> Result<ExitCode> {
    let keys = BackupKeys::new(&options(global).master_key()?);
    let VerifyArgs { folder, backup } = args;
    let verdicts = spawn_blocking(move || {
        let (ids, never) = (SystemIds::default(), CancellationToken::new());
        let now = SystemClock.now();
        backup::verify(&keys, &folder, backup.as_deref(), now, &ids, &never)
    })
    .await??;
    for verdict in &verdicts {
        let word = if verdict.ok { "ok     " } else { "DAMAGED" };
        say(&format!("{word} {}: {} rows", verdict.backup, verdict.rows));
        verdict.damage.iter().for_each(|damage| say(&format!("        {damage}")));
    }
    let ok = verdicts.iter().all(|verdict| verdict.ok);
    global.print(&json!({ "ok": ok, "backups": verdicts }), "")?;
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn restore(global: &Global, args: RestoreArgs) -> Result<ExitCode> {
    let options = options(global);
    let master = options.master_key()?;
    let migrations = modules::migrations();
    let RestoreArgs { from, backup, erasures } = args;
    // Before anything is restored: an erasure that cannot be read must not be passed over.
    let noted = {
        let (keys, folders) = (BackupKeys::new(&master), [Some(from.clone()), erasures]);
        spawn_blocking(move || {
            let folders = folders.into_iter().flatten();
            let read = folders.map(|folder| backup::noted_erasures(&keys, &folder));
            read.collect::<Result<Vec<_>, _>>().map(|all| all.concat())
        })
        .await??
    };
    let choice = {
        let migrations = migrations.clone();
        let choose = move || backup::choose(&master, &migrations, &from, backup.as_deref());
        spawn_blocking(choose).await??
    };
    let name = choice.name().to_owned();
    // Only now: a backup that cannot be restored leaves no folder behind.
    let db = options.open_database().await?;
    let restored = match backup::restore(&db, &migrations, choice, noted.len()).await {
        // An earlier one was killed between the two.
        Err(BackupError::NotEmpty(_)) if goes_on(&db, &name).await.is_some() => None,
        done => Some(done),
    };
    let before = if restored.is_none() { goes_on(&db, &name).await } else { None };
    db.close().await;
    if let Some(before) = before.filter(|before| noted.len() < before.more) {
        bail!(
            "the earlier run knew of {} people to erase again, these folders of {}; name the same folders, \
             --erasures too",
            before.more,
            noted.len()
        );
    }
    let restored = restored.transpose().context("nothing was restored")?;
    let mut again = ErasedAgain::default();
    if restored.is_none() || !noted.is_empty() {
        again = erase(&options, &noted).await.context(
            "the data is restored, but not everybody was erased again; run this once more",
        )?;
    }
    match &restored {
        Some(restored) => say(&format!(
            "backup {name} of {} is restored: {} rows, data hash {}",
            restored.created_at, restored.rows, restored.data_hash
        )),
        None => say(&format!("backup {name} was restored by an earlier run")),
    }
    if again.erased > 0 {
        say(&format!("{} customers who were erased since are erased again", again.erased));
    }
    let mut answer = match &restored {
        Some(restored) => serde_json::to_value(restored)?,
        None => json!({ "backup": name }),
    };
    answer["erased_again"] = json!(again.erased);
    global.print(&answer, &name)?;
    Ok(ExitCode::SUCCESS)
}

/// The restore of the backup `name` into `db` by a run that was kept from erasing again.
async fn goes_on(db: &Db, name: &str) -> Option<Unfinished> {
    // Whatever is there instead of our tables is told by the refusal to restore.
    let found = backup::unfinished_restore(db).await.ok().flatten();
    found.filter(|found| found.backup == name)
}

/// Erases again whom `noted` names; from then on the data can be used.
async fn erase(options: &DataOptions, noted: &[NotedErasure]) -> Result<ErasedAgain> {
    let boot = Boot::open_restored(options).await?;
    // Nothing is noted from here: the folder is that of the backups, which may be a copy.
    let platform = boot.platform.clone().with_backups(None);
    let work = async {
        let again = erase_again(&platform, noted).await?;
        backup::finish_restore(&platform.db).await?;
        anyhow::Ok(again)
    };
    let done = work.await;
    boot.close().await;
    done
}

async fn list(global: &Global, folders: Vec<PathBuf>) -> Result<ExitCode> {
    let keys = BackupKeys::new(&options(global).master_key()?);
    let mut answer = Vec::new();
    let mut lines = Vec::new();
    for folder in folders {
        if !folder.is_dir() {
            bail!("{} is not a folder", folder.display());
        }
        let shown = folder.display().to_string();
        let keys = keys.clone();
        let backups = spawn_blocking(move || backup::list(&keys, &folder)).await??;
        lines.extend(backups.iter().map(|backup| line(&shown, backup)));
        answer.push(json!({ "folder": shown, "backups": backups }));
    }
    global.print(&json!({ "folders": answer }), &lines.join("\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn line(folder: &str, backup: &BackupView) -> String {
    let state = match (backup.ok, backup.verified_at, &backup.problem) {
        (Some(true), Some(at), _) => format!("whole at {at}"),
        (_, _, Some(problem)) => format!("DAMAGED: {problem}"),
        _ => "never checked".to_owned(),
    };
    format!(
        "{folder}/{}: {} rows, {} bytes, {state}",
        backup.name, backup.rows, backup.stored_bytes
    )
}
