//! The rows that an import rejected, as a file to correct and import again.

use std::io::Write;

use commerce::formats::{Language, Reject, RejectsWriter};
use commerce::imports::{self, Import};
use platform::{Ctx, DbError, Platform};

/// Rows read from the database at once.
const PAGE: usize = 1_000;

/// Why the file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum RejectsError {
    /// The file.
    #[error("the file of rejected rows: {0}")]
    Io(#[from] std::io::Error),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Writes the rejected rows of `import` to `out`, in the columns of its first file that has any, with
/// their reasons in `language`.
///
/// # Errors
/// When reading or writing fails.
pub async fn write_rejects(
    platform: &Platform,
    cx: &Ctx,
    import: &Import,
    language: Language,
    out: impl Write,
) -> Result<(), RejectsError> {
    let keys = platform.keys(cx.scope.org());
    let header = |file: &str| {
        let files = &import.request.files;
        files.iter().find(|known| known.name == file).or(files.first()).map(|f| f.header.clone())
    };
    let mut seq = 0;
    let mut writer: Option<RejectsWriter<_>> = None;
    let mut out = Some(out);
    loop {
        let mut tx = platform.db.read().await?;
        let rows = imports::rejects(&mut tx, cx.scope, &keys, import.number, seq, PAGE).await?;
        tx.rollback().await?;
        if let Some(out) = out.take() {
            let first = rows.first().map(|row| row.file.as_str()).unwrap_or_default();
            writer = Some(RejectsWriter::new(out, &header(first).unwrap_or_default(), language)?);
        }
        let Some(writer) = &mut writer else { return Ok(()) };
        for row in &rows {
            writer.write(&Reject {
                line: row.line,
                column: row.column.clone(),
                reason: row.reason.clone(),
                raw: row.raw.clone(),
                order_no: row.order_no.clone(),
            })?;
        }
        seq += rows.len() as u64;
        if rows.len() < PAGE {
            break;
        }
    }
    if let Some(writer) = writer {
        writer.finish()?;
    }
    Ok(())
}
