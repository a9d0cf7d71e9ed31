//! Customers as a file: CSV as it is read, or a workbook. Memory does not grow with their number.

mod columns;
mod trail;
mod workbook;

use std::path::{Path, PathBuf};

use analytics::ListQuery;
use kernel::Zone;
use platform::{Ctx, DbError, audit};
use tokio::sync::mpsc;

pub use columns::Wording;

use crate::engine::{EngineError, EngineHandle, ShopBook};
use crate::list_customers::{self, CustomerParams, CustomerRow, Found, ListError, Told};

/// Customers read at once.
const PAGE: usize = 500;
/// Pages read ahead of the writer.
const AHEAD: usize = 2;
/// Excel takes a file without this for one in the local encoding.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What kind of file.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// Comma-separated, UTF-8 with a byte order mark.
    #[default]
    Csv,
    /// Excel.
    Xlsx,
}

impl ExportFormat {
    /// The format that the ending of a file name asks for.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" => Some(Self::Csv),
            "xlsx" => Some(Self::Xlsx),
            _ => None,
        }
    }
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The list.
    #[error(transparent)]
    List(#[from] ListError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The disk.
    #[error("the file cannot be written: {0}")]
    File(String),
    /// Nobody takes the bytes any more.
    #[error("the reader went away")]
    Gone,
}

impl From<ExportError> for platform::Problem {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::List(error) => error.into(),
            ExportError::Engine(error) => error.into(),
            ExportError::Db(error) => error.into(),
            ExportError::File(_) | ExportError::Gone => Self::internal(&error),
        }
    }
}

/// Page after page of those who pass the filters.
struct Pages<'a> {
    engine: &'a EngineHandle,
    cx: &'a Ctx,
    query: ListQuery,
    /// Kept for the whole file, so that cells mean the same on its first and its last page.
    told: Told,
    ended: bool,
}

impl<'a> Pages<'a> {
    async fn new(
        engine: &'a EngineHandle,
        cx: &'a Ctx,
        params: &CustomerParams,
        format: ExportFormat,
    ) -> Result<Self, ExportError> {
        engine.fresh().await?;
        let told = list_customers::told(engine, cx, params).await?;
        let mut tx = engine.platform().db.read_for(cx.scope).await?;
        let shops = engine.shops();
        let mut query = list_customers::query(&mut tx, cx, &shops, params, &told).await?;
        tx.rollback().await?;
        query.limit = PAGE;
        query.after = None;
        // Before anything is given out, so that whoever breaks the file off is on record, too.
        let count = Found::ask(engine, &query, &told).page.total;
        let mut tx = engine.platform().db.begin_for(cx.scope).await?;
        audit::record(&mut tx, cx, trail::entry(params, format, count)).await?;
        tx.commit().await?;
        Ok(Self { engine, cx, query, told, ended: false })
    }

    /// The next page; each in a transaction of its own, so that no long one holds the log back.
    async fn next(&mut self) -> Result<Option<Vec<CustomerRow>>, ExportError> {
        if self.ended {
            return Ok(None);
        }
        let found = Found::ask(self.engine, &self.query, &self.told);
        let mut tx = self.engine.platform().db.read_for(self.cx.scope).await?;
        let rows = list_customers::rows(self.engine, &mut tx, self.cx, &self.told, &found).await?;
        tx.rollback().await?;
        self.query.after = found.page.next;
        self.ended = found.page.next.is_none();
        Ok(Some(rows))
    }
}

fn zone(shops: &ShopBook) -> Zone {
    shops.frame().zone
}

/// Sends CSV in pieces to `out`; gives the number of customers.
///
/// # Errors
/// `NotReady` while the customers are being read; `Gone` if nobody takes the pieces; otherwise as the
/// database says.
pub async fn export_csv(
    engine: &EngineHandle,
    cx: &Ctx,
    params: &CustomerParams,
    wording: Wording,
    out: &mpsc::Sender<Vec<u8>>,
) -> Result<u64, ExportError> {
    let mut pages = Pages::new(engine, cx, params, ExportFormat::Csv).await?;
    let zone = zone(&engine.shops());
    let mut piece = BYTE_ORDER_MARK.to_vec();
    piece.extend(csv_text([wording.header().map(str::to_owned)])?);
    let mut count = 0;
    out.send(piece).await.map_err(|_| ExportError::Gone)?;
    while let Some(rows) = pages.next().await? {
        count += rows.len() as u64;
        let records = rows.iter().map(|row| columns::texts(row, zone, wording));
        out.send(csv_text(records)?).await.map_err(|_| ExportError::Gone)?;
    }
    Ok(count)
}

fn csv_text<const N: usize>(
    records: impl IntoIterator<Item = [String; N]>,
) -> Result<Vec<u8>, ExportError> {
    let file = |error: csv::Error| ExportError::File(error.to_string());
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for record in records {
        writer.write_record(record).map_err(file)?;
    }
    writer.into_inner().map_err(|error| ExportError::File(error.to_string()))
}

/// Writes a file of `format` at `path`; gives the number of customers. The file has its name only when
/// it is whole; what was there under that name stays until then.
///
/// # Errors
/// As [`export_csv`]; `File` if it cannot be written.
pub async fn export_file(
    engine: &EngineHandle,
    cx: &Ctx,
    params: &CustomerParams,
    format: ExportFormat,
    wording: Wording,
    path: &Path,
) -> Result<u64, ExportError> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    let written = match format {
        ExportFormat::Csv => export_csv_file(engine, cx, params, wording, &unfinished).await,
        ExportFormat::Xlsx => export_workbook(engine, cx, params, wording, &unfinished).await,
    };
    let done = match written {
        Ok(count) => tokio::fs::rename(&unfinished, path).await.map(|()| count).map_err(|error| {
            ExportError::File(format!("{}: {}", path.display(), platform::disk::told(&error)))
        }),
        Err(error) => Err(error),
    };
    if done.is_err() {
        // It may not have been made; the reason of the failure matters more.
        let _ = tokio::fs::remove_file(&unfinished).await;
    }
    done
}

async fn export_csv_file(
    engine: &EngineHandle,
    cx: &Ctx,
    params: &CustomerParams,
    wording: Wording,
    path: &Path,
) -> Result<u64, ExportError> {
    use tokio::io::AsyncWriteExt as _;
    let failed = |error: std::io::Error| ExportError::File(format!("{}: {error}", path.display()));
    let file = tokio::fs::File::create(path).await.map_err(failed)?;
    let mut file = tokio::io::BufWriter::new(file);
    let (out, mut pieces) = mpsc::channel::<Vec<u8>>(AHEAD);
    let write = async {
        while let Some(piece) = pieces.recv().await {
            file.write_all(&piece).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)
    };
    let read = async {
        let count = export_csv(engine, cx, params, wording, &out).await;
        drop(out);
        count
    };
    let (count, written) = tokio::join!(read, write);
    written?;
    count
}

async fn export_workbook(
    engine: &EngineHandle,
    cx: &Ctx,
    params: &CustomerParams,
    wording: Wording,
    path: &Path,
) -> Result<u64, ExportError> {
    let mut pages = Pages::new(engine, cx, params, ExportFormat::Xlsx).await?;
    let (send, rows) = mpsc::channel(AHEAD);
    let (target, zone) = (path.to_owned(), zone(&engine.shops()));
    let folder = engine.platform().folder.join("tmp");
    let writer =
        tokio::task::spawn_blocking(move || workbook::write(rows, &target, &folder, zone, wording));
    let mut failed = None;
    loop {
        match pages.next().await {
            Ok(Some(rows)) => {
                // A writer that ended early says why when it is awaited.
                if send.send(rows).await.is_err() {
                    break;
                }
            }
            Ok(None) => break,
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    drop(send);
    // The library knows no other answer to a disk that refuses its temporary file than a panic.
    let written = writer.await.map_err(|_| {
        ExportError::File(format!("{}: there is no room for it; is the disk full?", path.display()))
    })?;
    match failed {
        Some(error) => Err(error),
        None => written.map_err(ExportError::File),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_the_format() {
        assert_eq!(ExportFormat::of_path(Path::new("a/B.CSV")), Some(ExportFormat::Csv));
        assert_eq!(ExportFormat::of_path(Path::new("b.xlsx")), Some(ExportFormat::Xlsx));
        assert_eq!(ExportFormat::of_path(Path::new("csv")), None);
    }

    #[test]
    fn csv_quotes_what_must_be() {
        let text = csv_text([["a,b".to_owned(), "c\"d".to_owned(), "e".to_owned()]]).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "\"a,b\",\"c\"\"d\",e\r\n");
    }
}
