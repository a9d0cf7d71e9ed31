//! `guanxi audit`.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use platform::audit::{self, Entry, Noted};

use super::{Global, say};
use crate::Boot;

#[derive(Debug, clap::Subcommand)]
pub(super) enum AuditCommand {
    /// Check that nothing of the log was changed, removed or reordered; prints COUNT:HEAD to note outside
    Verify(VerifyArgs),
    /// Write the log to a file, one line of JSON for each entry; what is personal stays sealed
    Export(ExportArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// What an earlier check printed: the log must go on from there
    #[arg(long, value_name = "COUNT:HEAD")]
    noted: Option<Noted>,
}

#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) async fn run(global: &Global, command: AuditCommand) -> Result<ExitCode> {
    match command {
        AuditCommand::Verify(args) => verify(global, &args).await,
        AuditCommand::Export(args) => export(global, &args.out).await,
    }
}

async fn verify(global: &Global, args: &VerifyArgs) -> Result<ExitCode> {
    let boot = global.open_there().await?;
    let cx = boot.ctx();
    // So that count and head tell of all there is. What cannot be chained is told below.
    if let Err(error) = audit::chain(&boot.platform).await {
        tracing::debug!(%error, "entries wait outside the chain");
    }
    let mut tx = boot.platform.db.read_for(cx.scope).await?;
    let found = audit::verify(&mut tx, cx.scope, &cx.keys(), args.noted.as_ref()).await?;
    tx.rollback().await?;
    boot.close().await;
    let head = format!("{}:{}", found.count, found.head);
    if let Some(broken) = &found.broken {
        let place = broken.position.map_or_else(|| "-".to_owned(), |place| place.to_string());
        let entry = broken.entry.map_or_else(|| "-".to_owned(), |entry| entry.to_string());
        say(&format!("BROKEN at place {place} (entry {entry}): {}", broken.what));
        say(&format!("{} entries before it are as they were recorded", found.count));
    } else {
        say(&format!(
            "ok: {} entries; {} more wait for their place; of {} the personal part was erased",
            found.count, found.pending, found.erased
        ));
    }
    let is_ok = found.broken.is_none();
    let mut answer = serde_json::json!({ "ok": is_ok });
    if let (Some(answer), serde_json::Value::Object(fields)) =
        (answer.as_object_mut(), serde_json::to_value(&found)?)
    {
        answer.extend(fields);
    }
    // Nobody should note the head of a broken log.
    global.print(&answer, if is_ok { &head } else { "" })?;
    Ok(if is_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn export(global: &Global, out: &Path) -> Result<ExitCode> {
    let boot = global.open_there().await?;
    let mut unfinished = out.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    let written = write(&boot, &unfinished, out).await;
    boot.close().await;
    if written.is_err() {
        // It may not have been made; the reason of the failure matters more.
        let _ = std::fs::remove_file(&unfinished);
    }
    let entries = written?;
    say(&format!("{}: {entries} entries", out.display()));
    global.print(&serde_json::json!({ "file": out, "entries": entries }), "")?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the log to `unfinished`, records that, and gives the file its name.
async fn write(boot: &Boot, unfinished: &Path, out: &Path) -> Result<u64> {
    let cx = boot.ctx();
    let cannot = || format!("cannot write {}", out.display());
    let mut file = BufWriter::new(private(unfinished).with_context(cannot)?);
    let mut failed = Ok(());
    let mut tx = boot.platform.db.read_for(cx.scope).await?;
    let entries = audit::export(&mut tx, cx.scope, |line| {
        if failed.is_ok() {
            failed = writeln!(file, "{line}");
        }
    })
    .await?;
    tx.rollback().await?;
    failed.and_then(|()| file.flush()).with_context(cannot)?;
    let mut tx = boot.platform.db.begin_for(cx.scope).await?;
    audit::record(&mut tx, &cx, Entry::new(audit::EXPORT).with("count", entries)).await?;
    tx.commit().await?;
    std::fs::rename(unfinished, out).with_context(cannot)?;
    Ok(entries)
}

/// A file that only its owner may read: it says what everybody did.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
