//! Customers as a file: CSV as it is read, or a workbook. Memory does not grow with their number.

mod columns;
pub(crate) mod trail;
mod workbook;

use std::path::{Path, PathBuf};

use customers::exports::{self, AskError, Export, NewExport};
use kernel::{CustomerId, ExportId, Zone};
use platform::{Ctx, DbError, Problem, Tx, audit};
use tokio::sync::mpsc;

pub use columns::Wording;

use crate::engine::{EngineError, EngineHandle, ShopBook};
use crate::list_customers::{self, Asking, CustomerParams, CustomerRow, Found, ListError, Told};
use crate::people::People;

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
    /// The name, as stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }

    /// The format of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Csv, Self::Xlsx].into_iter().find(|format| format.name() == name)
    }

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
    /// It may not be taken like this.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The disk.
    #[error("the file cannot be written: {0}")]
    File(String),
    /// Nobody takes the bytes any more.
    #[error("the reader went away")]
    Gone,
}

impl From<ExportError> for Problem {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::List(error) => error.into(),
            ExportError::Engine(error) => error.into(),
            ExportError::Db(error) => error.into(),
            ExportError::Ask(error) => error.into(),
            ExportError::File(_) | ExportError::Gone => Self::internal(&error),
        }
    }
}

/// Page after page of those who pass the filters.
struct Pages {
    engine: EngineHandle,
    cx: Ctx,
    asking: Asking,
    /// Kept for the whole file, so that cells mean the same on its first and its last page.
    told: Told,
    /// Rows that may still come: as many as were counted, however the list grows meanwhile.
    left: u64,
    ended: bool,
    /// Who came so far.
    who: Vec<CustomerId>,
}

impl Pages {
    /// The pages, and how many customers there are.
    async fn new(
        engine: &EngineHandle,
        cx: &Ctx,
        params: &CustomerParams,
    ) -> Result<(Self, u64), ExportError> {
        engine.fresh().await?;
        let told = list_customers::told(engine, cx, params).await?;
        let mut tx = engine.platform().db.read_for(cx.scope).await?;
        let params = CustomerParams { after: None, ..params.clone() };
        let mut asking = Asking::new(engine, &mut tx, cx, &params, &told).await?;
        tx.rollback().await?;
        asking.query.limit = PAGE;
        let count = Found::ask(engine, &asking, &told).await?.page.total;
        let (engine, cx) = (engine.clone(), cx.clone());
        let pages = Self { engine, cx, asking, told, left: count, ended: false, who: Vec::new() };
        Ok((pages, count))
    }

    /// The next page; each in a transaction of its own, so that no long one holds the log back.
    async fn next(&mut self) -> Result<Option<Vec<CustomerRow>>, ExportError> {
        if self.ended {
            return Ok(None);
        }
        let found = Found::ask(&self.engine, &self.asking, &self.told).await?;
        let mut tx = self.engine.platform().db.read_for(self.cx.scope).await?;
        let mut rows =
            list_customers::rows(&self.engine, &mut tx, &self.cx, &self.told, &found).await?;
        tx.rollback().await?;
        rows.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= rows.len() as u64;
        self.asking.query.after = found.page.next;
        self.ended = found.page.next.is_none() || self.left == 0;
        self.who.extend(rows.iter().map(|row| row.id));
        Ok(Some(rows))
    }
}

/// Customers who pass `params`, for whoever asks.
///
/// # Errors
/// As the list says.
pub async fn count(
    engine: &EngineHandle,
    cx: &Ctx,
    params: &CustomerParams,
) -> Result<u64, ExportError> {
    Ok(Pages::new(engine, cx, params).await?.1)
}

/// An export that is on record, and whose rows are not read yet. It has as many as were counted when it was
/// begun, however the list grows meanwhile.
pub struct CustomersFile {
    pages: Pages,
    format: ExportFormat,
    wording: Wording,
    mark: Mark,
    /// Customers when it was begun.
    pub count: u64,
}

impl CustomersFile {
    /// Begins a file that is given out at once. It is recorded before anything is given out, so that whoever
    /// breaks the file off is on record, too.
    ///
    /// # Errors
    /// `Ask` if somebody must approve it first; `NotReady` while the customers are being read; otherwise as
    /// the list or the database says.
    pub async fn begin(
        engine: &EngineHandle,
        cx: &Ctx,
        params: &CustomerParams,
        format: ExportFormat,
        wording: Wording,
    ) -> Result<Self, ExportError> {
        let (pages, count) = Pages::new(engine, cx, params).await?;
        let new = NewExport {
            format: format.name(),
            chinese: wording == Wording::Chinese,
            count,
            query: "",
            reason: None,
        };
        let mut tx = engine.platform().db.begin_for(cx.scope).await?;
        let export = exports::take(&mut tx, cx, &new).await?;
        let mark = Mark::of(&mut tx, cx, export.id, zone(&engine.shops())).await?;
        audit::record(&mut tx, cx, trail::entry(params, format, count, export.id)).await?;
        tx.commit().await?;
        Ok(Self { pages, format, wording, mark, count })
    }

    /// Begins the file of an export that was asked for, by `cx` as its asker may and sees now, with at most `most`
    /// customers.
    ///
    /// # Errors
    /// As [`CustomersFile::begin`].
    pub(crate) async fn begin_asked(
        engine: &EngineHandle,
        cx: &Ctx,
        params: &CustomerParams,
        format: ExportFormat,
        export: &Export,
        most: u64,
    ) -> Result<Self, ExportError> {
        let (mut pages, count) = Pages::new(engine, cx, params).await?;
        let count = count.min(most);
        pages.left = count;
        let wording = if export.chinese { Wording::Chinese } else { Wording::Codes };
        let mut tx = engine.platform().db.begin_for(cx.scope).await?;
        let mark = Mark::of(&mut tx, cx, export.id, zone(&engine.shops())).await?;
        audit::record(&mut tx, cx, trail::entry(params, format, count, export.id)).await?;
        tx.commit().await?;
        Ok(Self { pages, format, wording, mark, count })
    }

    /// Sends CSV in pieces to `out`; gives who is in it.
    ///
    /// # Errors
    /// `Gone` if nobody takes the pieces; otherwise as the database says.
    pub async fn csv(
        mut self,
        out: &mpsc::Sender<Vec<u8>>,
    ) -> Result<Vec<CustomerId>, ExportError> {
        let zone = zone(&self.pages.engine.shops());
        let mut piece = BYTE_ORDER_MARK.to_vec();
        piece.extend(csv_text([self.wording.header().map(str::to_owned)])?);
        out.send(piece).await.map_err(|_| ExportError::Gone)?;
        while let Some(rows) = self.pages.next().await? {
            let records =
                rows.iter().map(|row| columns::texts(row, zone, self.wording, &self.mark.text));
            out.send(csv_text(records)?).await.map_err(|_| ExportError::Gone)?;
        }
        Ok(self.pages.who)
    }

    /// Writes it at `path`; gives who is in it. The file has its name only when it is whole; what was there
    /// under that name stays until then.
    ///
    /// # Errors
    /// `File` if it cannot be written; otherwise as the database says.
    pub async fn write(self, path: &Path) -> Result<Vec<CustomerId>, ExportError> {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".part");
        let unfinished = PathBuf::from(unfinished);
        let name = unfinished.display().to_string();
        let written = match tokio::fs::File::create(&unfinished).await {
            Ok(file) => self.write_into(file.into_std().await, &name).await,
            Err(error) => Err(ExportError::File(format!("{name}: {error}"))),
        };
        let done = match written {
            Ok(who) => tokio::fs::rename(&unfinished, path).await.map(|()| who).map_err(|error| {
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

    /// Writes it into a file in the `tmp` folder of the data that has no name, so that nothing of it stays
    /// there when the program is killed; gives the file from its beginning, and who is in it.
    ///
    /// # Errors
    /// As [`CustomersFile::write`].
    pub async fn write_unnamed(self) -> Result<(std::fs::File, Vec<CustomerId>), ExportError> {
        use std::io::Seek as _;
        let folder = self.folder();
        let failed = |error: std::io::Error| ExportError::File(platform::disk::told(&error));
        let making = tokio::task::spawn_blocking(move || {
            std::fs::create_dir_all(&folder)?;
            tempfile::tempfile_in(&folder)
        });
        let made = making.await.map_err(|error| ExportError::File(error.to_string()))?;
        let mut file = made.map_err(failed)?;
        let who = self.write_into(file.try_clone().map_err(failed)?, "tmp").await?;
        file.rewind().map_err(failed)?;
        Ok((file, who))
    }

    /// Where what is not whole yet lies.
    fn folder(&self) -> PathBuf {
        self.pages.engine.platform().folder.join("tmp")
    }

    /// Writes it into `file`, which errors call `name`.
    async fn write_into(
        self,
        file: std::fs::File,
        name: &str,
    ) -> Result<Vec<CustomerId>, ExportError> {
        match self.format {
            ExportFormat::Csv => self.write_csv(file, name).await,
            ExportFormat::Xlsx => self.write_workbook(file, name).await,
        }
    }

    async fn write_csv(
        self,
        file: std::fs::File,
        name: &str,
    ) -> Result<Vec<CustomerId>, ExportError> {
        use tokio::io::AsyncWriteExt as _;
        let failed = |error: std::io::Error| ExportError::File(format!("{name}: {error}"));
        let mut file = tokio::io::BufWriter::new(tokio::fs::File::from_std(file));
        let (out, mut pieces) = mpsc::channel::<Vec<u8>>(AHEAD);
        // On a full disk it must let go of the pieces, or who reads would wait for ever.
        let write = async move {
            while let Some(piece) = pieces.recv().await {
                file.write_all(&piece).await.map_err(failed)?;
            }
            file.flush().await.map_err(failed)
        };
        let read = async {
            let who = self.csv(&out).await;
            drop(out);
            who
        };
        let (who, written) = tokio::join!(read, write);
        written?;
        who
    }

    async fn write_workbook(
        mut self,
        file: std::fs::File,
        name: &str,
    ) -> Result<Vec<CustomerId>, ExportError> {
        let (send, rows) = mpsc::channel(AHEAD);
        let (zone, folder) = (zone(&self.pages.engine.shops()), self.folder());
        let (wording, mark, shown) = (self.wording, self.mark, name.to_owned());
        let writer = tokio::task::spawn_blocking(move || {
            workbook::write(rows, file, &shown, &folder, zone, wording, &mark)
        });
        let mut failed = None;
        loop {
            match self.pages.next().await {
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
            ExportError::File(format!("{name}: there is no room for it; is the disk full?"))
        })?;
        match failed {
            Some(error) => Err(error),
            None => written.map(|_| self.pages.who).map_err(ExportError::File),
        }
    }
}

/// Whose file it is, in each row of it.
struct Mark {
    /// Id with its code, who, when.
    text: String,
    /// Who.
    author: String,
}

impl Mark {
    async fn of(tx: &mut Tx, cx: &Ctx, id: ExportId, zone: Zone) -> Result<Self, DbError> {
        let user = cx.scope.user_id();
        let people = People::look_up(tx, cx, &cx.keys(), [user]).await?;
        let author = people.get(user).map_or_else(|| "guanxi".to_owned(), |person| person.name);
        let when = cx.now().local(zone).format("%F %R");
        Ok(Self { text: format!("{} {author} {when}", exports::mark(&cx.keys(), id)), author })
    }
}

fn zone(shops: &ShopBook) -> Zone {
    shops.frame().zone
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
