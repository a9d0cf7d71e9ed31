//! An import as people and programs see it.

use kernel::{ImportId, Person, ShopId, Timestamp, UserId};
use serde::Serialize;

use crate::imports::{Import, ImportState, ObstacleCode};
use crate::shops::Shop;

/// A shop by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ShopName {
    /// Its id.
    pub id: ShopId,
    /// Its name.
    pub name: String,
}

impl From<&Shop> for ShopName {
    fn from(shop: &Shop) -> Self {
        Self { id: shop.id, name: shop.name.clone() }
    }
}

/// A file of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)]
pub struct ImportFileView {
    pub name: String,
    /// The sheet of a workbook of which several are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    pub size_bytes: u64,
    pub format: Option<String>,
    pub encoding: Option<String>,
    /// Rows of it that wait to be corrected, where they were counted: in the answer that tells of this
    /// import alone, unless it is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected: Option<u64>,
}

/// An import.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)]
#[schema(as = Import)]
pub struct ImportView {
    pub id: ImportId,
    pub number: i64,
    pub state: ImportState,
    pub dry_run: bool,
    pub shop: Option<ShopName>,
    pub files: Vec<ImportFileView>,
    /// The formats of the files.
    pub format: Option<String>,
    /// The encodings of the files.
    pub encoding: Option<String>,
    pub rows_read: u64,
    pub bytes_read: u64,
    pub bytes_total: u64,
    pub rows_per_second: Option<f64>,
    /// About how long it still takes; while it runs.
    pub seconds_left: Option<f64>,
    pub orders_created: u64,
    pub orders_updated: u64,
    pub orders_unchanged: u64,
    pub lines_created: u64,
    pub customers_created: u64,
    pub customers_matched: u64,
    pub rejected: u64,
    pub skipped: u64,
    /// Working time, without pauses.
    pub seconds: f64,
    /// Why it stopped, or why it could not be taken back.
    pub error: Option<String>,
    /// The same by code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<ObstacleCode>,
    /// Whether it can be taken back. Lists look at its state only; the answer that tells of this import
    /// alone also looks for work that depends on it, and says what it found in `undo_refusal`.
    pub can_undo: bool,
    /// What stands against taking it back, where that was looked for: in the answer that tells of this
    /// import alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo_refusal: Option<String>,
    /// The same by code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo_refusal_code: Option<ObstacleCode>,
    /// Who began it; null for the command line.
    pub created_by: Option<UserId>,
    /// Name and e-mail address of that user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by_person: Option<Person>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// When what it needs to be taken back, and its rejected rows, were removed because their time was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forgotten_at: Option<Timestamp>,
}

impl ImportView {
    /// The import with its shop, one of `shops`.
    #[must_use]
    pub fn of(import: &Import, shops: &[Shop]) -> Self {
        let progress = &import.progress;
        let shop = import.shop_number.and_then(|number| shops.iter().find(|s| s.number == number));
        let rate = (progress.seconds > 0.0 && progress.rows_read > 0)
            .then(|| progress.rows_read as f64 / progress.seconds);
        let left = (import.state == ImportState::Running && progress.bytes_read > 0).then(|| {
            let remaining = progress.bytes_total.saturating_sub(progress.bytes_read);
            progress.seconds * remaining as f64 / progress.bytes_read as f64
        });
        let can_undo = !import.dry_run
            && import.forgotten_at.is_none()
            && ImportState::UNDOABLE.contains(&import.state);
        let each = |of: fn(&crate::imports::ImportFile) -> Option<&String>| {
            let mut all: Vec<&str> =
                import.request.files.iter().filter_map(of).map(String::as_str).collect();
            all.dedup();
            (!all.is_empty()).then(|| all.join(", "))
        };
        // People know their files by name; where the program keeps its copies is its own affair.
        let error = import.error.as_ref().map(|error| {
            let files = import.request.files.iter();
            files.fold(error.text.clone(), |text, file| text.replace(&file.path, &file.name))
        });
        Self {
            id: import.id,
            number: import.number,
            state: import.state,
            dry_run: import.dry_run,
            shop: shop.map(ShopName::from),
            files: import
                .request
                .files
                .iter()
                .map(|file| ImportFileView {
                    name: file.name.clone(),
                    sheet: file.sheet.clone(),
                    size_bytes: file.size_bytes,
                    format: file.format.clone(),
                    encoding: file.encoding.clone(),
                    rejected: None,
                })
                .collect(),
            format: each(|file| file.format.as_ref()),
            encoding: each(|file| file.encoding.as_ref()),
            rows_read: progress.rows_read,
            bytes_read: progress.bytes_read,
            bytes_total: progress.bytes_total,
            rows_per_second: rate,
            seconds_left: left,
            orders_created: progress.orders_created,
            orders_updated: progress.orders_updated,
            orders_unchanged: progress.orders_unchanged,
            lines_created: progress.lines_created,
            customers_created: progress.customers_created,
            customers_matched: progress.customers_matched,
            rejected: progress.rejected,
            skipped: progress.skipped,
            seconds: progress.seconds,
            error,
            error_code: import.error.as_ref().and_then(|error| error.code.clone()),
            can_undo,
            undo_refusal: None,
            undo_refusal_code: None,
            created_by: import.created_by,
            created_by_person: None,
            created_at: import.created_at,
            started_at: import.started_at,
            finished_at: import.finished_at,
            forgotten_at: import.forgotten_at,
        }
    }
}
