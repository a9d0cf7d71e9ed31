//! The files of a working tree, as Git sees them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// The top of this repository.
#[must_use]
pub fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Files below `top`, relative to it: those committed and those that would be with `git add`.
///
/// # Errors
/// If Git cannot be run there.
pub fn files(top: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(top)
        .output()
        .context("git ls-files")?;
    ensure!(output.status.success(), "git: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).context("file names must be UTF-8")?;
    let is_there = |name: &&str| !name.is_empty() && top.join(name).is_file();
    Ok(names.split('\0').filter(is_there).map(str::to_owned).collect())
}

/// The text of a file, or `None` if it is not text.
///
/// # Errors
/// If it cannot be read.
pub fn text(top: &Path, file: &str) -> Result<Option<String>> {
    let bytes = std::fs::read(top.join(file)).with_context(|| file.to_owned())?;
    Ok(if bytes.contains(&0) { None } else { String::from_utf8(bytes).ok() })
}
