//! `guanxi keys list`, `rotate`, `change-master`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use platform::crypto::MasterKey;
use platform::keys::{self, KeyState};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Global, say};
use crate::boot::KEY_VARIABLE;
use crate::modules::sealed;
use crate::{Boot, DataOptions};

#[derive(Debug, clap::Subcommand)]
pub(super) enum KeysCommand {
    /// The versions of the key that seals personal data, newest first
    List,
    /// Make a new version and seal everything with it, while the server runs; goes on with one that
    /// was stopped
    Rotate,
    /// Seal all keys with another master key
    ChangeMaster(ChangeMasterArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct ChangeMasterArgs {
    /// A file with the new master key, 32 bytes as base 64; made if it is missing
    #[arg(long, value_name = "FILE")]
    new_key: PathBuf,
}

pub(super) async fn run(global: &Global, command: KeysCommand) -> Result<ExitCode> {
    let boot = global.open().await?;
    let done = match command {
        KeysCommand::List => list(global, &boot).await,
        KeysCommand::Rotate => rotate(global, &boot).await,
        KeysCommand::ChangeMaster(args) => change_master(global, &boot, &args.new_key).await,
    };
    boot.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

async fn list(global: &Global, boot: &Boot) -> Result<()> {
    let cx = boot.ctx();
    let mut tx = boot.platform.db.read_for(cx.scope).await?;
    let versions = keys::list(&mut tx, cx.scope).await?;
    let progress = keys::progress(&mut tx, cx.scope, &sealed()).await?;
    tx.rollback().await?;
    let lines: Vec<String> = versions
        .iter()
        .map(|key| match (key.state, key.retired_at) {
            (KeyState::Retired, Some(at)) => {
                format!("{}: retired at {at}, made at {}", key.version, key.made_at)
            }
            (KeyState::Active, _) => format!("{}: seals, made at {}", key.version, key.made_at),
            _ => format!("{}: being replaced, made at {}", key.version, key.made_at),
        })
        .collect();
    global.print(&json!({ "versions": versions, "progress": progress }), &lines.join("\n"))
}

async fn rotate(global: &Global, boot: &Boot) -> Result<()> {
    let (platform, cx) = (&boot.platform, boot.ctx());
    let mut tx = platform.db.begin_wide().await?;
    let begun = keys::begin(&mut tx, platform, &cx).await?;
    tx.commit().await?;
    let version = begun.version;
    say(&if begun.is_new {
        format!("version {version} of the key is made and seals from now on")
    } else {
        format!("going on to seal everything with version {version}")
    });
    let never = CancellationToken::new();
    // A server may be at the same work, which then takes half as long.
    let resealed = keys::reseal(platform, &cx, &sealed(), &never).await?;
    say(&format!("everything is sealed with version {version}; {resealed} values by this command"));
    global.print(&json!({ "version": version, "resealed": resealed }), &version.to_string())
}

async fn change_master(global: &Global, boot: &Boot, new_key: &Path) -> Result<()> {
    let file = DataOptions::new(global.data.clone(), global.database_url.clone()).key_file()?;
    let is_variable = std::env::var_os(KEY_VARIABLE).is_some_and(|key| !key.is_empty());
    if !is_variable && file.exists() && new_key.canonicalize().ok() == file.canonicalize().ok() {
        bail!("--new-key names the present key file {}", file.display());
    }
    let new = MasterKey::load_or_create(new_key, &*boot.platform.ids)?;
    let changed = keys::change_master(&boot.platform, &boot.ctx(), &new).await?;
    let fingerprint = new.fingerprint();
    say(&format!("{changed} keys are sealed with the master key of fingerprint {fingerprint}"));
    if is_variable {
        say(&format!(
            "put the new key into {KEY_VARIABLE} now: the old one opens nothing any more"
        ));
    } else {
        let kept = put_in_place(&file, new_key).with_context(|| {
            format!(
                "the keys are changed, but the new master key could not be put in place: put {} \
                 where {} is",
                new_key.display(),
                file.display()
            )
        })?;
        say(&format!(
            "{} holds the new master key; the old one, which earlier backups need, is in {}",
            file.display(),
            kept.display()
        ));
    }
    say("a server that runs must be started again");
    global.print(&json!({ "keys": changed, "fingerprint": fingerprint }), &fingerprint)
}

/// Puts the new key where the program looks for it, and the old one beside it; gives where that is.
fn put_in_place(file: &Path, new_key: &Path) -> std::io::Result<PathBuf> {
    let beside = |suffix: &str| {
        let mut name = OsString::from(file);
        name.push(suffix);
        PathBuf::from(name)
    };
    let kept = (1..).map(|number| beside(&format!(".old-{number}"))).find(|path| !path.exists());
    let kept = kept.unwrap_or_else(|| beside(".old"));
    std::fs::hard_link(file, &kept)?;
    let fresh = beside(".new");
    // A copy keeps who may read it.
    std::fs::copy(new_key, &fresh)?;
    std::fs::File::open(&fresh)?.sync_all()?;
    std::fs::rename(&fresh, file)?;
    Ok(kept)
}
