//! Files of rejected rows, one for each file of an import that has any.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use commerce::formats::Language;
use commerce::imports::{self, Import};
use flows::write_rejects::RejectsCsv;

use crate::Boot;

/// Writes the rejected rows of each file beside it, or into the data folder if that is not writable.
pub(super) async fn write(boot: &Boot, import: &Import) -> Result<Vec<PathBuf>> {
    let cx = boot.ctx();
    let mut tx = boot.platform.db.read_for(cx.scope).await?;
    let counts = imports::count_rejects(&mut tx, cx.scope, import).await?;
    tx.rollback().await?;
    let mut paths = Vec::new();
    for (file_no, file) in import.request.files.iter().enumerate() {
        if counts[file_no] == 0 {
            continue;
        }
        let (path, out) = create(&boot.platform.folder, Path::new(&file.path))?;
        let rows = RejectsCsv::new(&boot.platform, &cx, import.clone(), file_no, Language::English);
        write_rows(rows, out).await.with_context(|| format!("cannot write {}", path.display()))?;
        paths.push(path);
    }
    Ok(paths)
}

async fn write_rows(mut rows: RejectsCsv, file: File) -> Result<()> {
    let mut out = BufWriter::new(file);
    while let Some(page) = rows.next_page().await? {
        out.write_all(page.as_bytes())?;
    }
    Ok(out.flush()?)
}

/// The new file for the rows of the file at `beside`.
fn create(data: &Path, beside: &Path) -> Result<(PathBuf, File)> {
    let stem = beside.file_stem().unwrap_or_default();
    let near = std::path::absolute(beside)?;
    create_in(near.parent().unwrap_or(Path::new("/")), stem).or_else(|_| {
        create_in(data, stem)
            .map_err(|error| anyhow::anyhow!(platform::disk::told(&error)))
            .with_context(|| format!("cannot write into {}", data.display()))
    })
}

/// Makes `STEM.rejects.csv`, or `STEM.rejects-2.csv` and so on where that is taken: a file that is there
/// may be half corrected. The rows name people, so nobody else may read them.
fn create_in(folder: &Path, stem: &OsStr) -> std::io::Result<(PathBuf, File)> {
    const MOST: u32 = 1_000;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut number = 1;
    loop {
        let mut name = stem.to_os_string();
        name.push(match number {
            1 => ".rejects.csv".to_owned(),
            _ => format!(".rejects-{number}.csv"),
        });
        let path = folder.join(name);
        match options.open(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < MOST => number += 1,
            opened => return Ok((path, opened?)),
        }
    }
}
