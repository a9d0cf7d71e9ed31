//! What the first rows of a file will be understood as, before anything is stored.

use std::path::PathBuf;

use commerce::formats::{
    Entry, Evidence, Format, FormatError, Mapping, OrderReader, ReaderContext, Reason,
};
use commerce::imports::ImportFile;
use commerce::record::OrderRecord;
use customers::mask::{mask_account, mask_email, mask_phone};
use customers::model::{normal_email, normal_phone};
use kernel::Timestamp;
use serde::Serialize;

use crate::import_orders::{ImportError, blocking};

/// Rows shown of each file.
const ROWS: usize = 20;
/// Cells shown of a row that is not understood yet.
const CELLS: usize = 60;

/// What a file looks like.
#[derive(Debug, Clone, Default, Serialize, utoipa::ToSchema)]
pub struct FilePreview {
    /// Its name.
    pub name: String,
    /// Its format; absent while nothing fits it and it needs a mapping.
    pub format: Option<String>,
    /// Its encoding.
    pub encoding: Option<String>,
    /// What stands between its cells.
    pub delimiter: Option<String>,
    /// Why all this is believed, in English.
    pub evidence: Vec<String>,
    /// The same by code, for texts in other languages.
    pub evidence_codes: Vec<Evidence>,
    /// Its columns.
    pub columns: Vec<ColumnPreview>,
    /// Its first rows, as they will be understood.
    pub rows: Vec<RowPreview>,
}

/// A column.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ColumnPreview {
    /// Its name in the file.
    pub name: String,
    /// The field it becomes; `extra` for text that is kept, absent if it is passed over.
    pub understood_as: Option<String>,
}

/// A row.
#[derive(Debug, Clone, Default, Serialize, utoipa::ToSchema)]
pub struct RowPreview {
    /// Its line in the file.
    pub line: u64,
    /// The order it becomes; personal data masked.
    pub order: OrderPreview,
    /// What is wrong with it.
    pub problems: Vec<ProblemPreview>,
    /// The cells, while the file needs a mapping.
    pub cells: Vec<String>,
}

/// What is wrong with a row.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ProblemPreview {
    /// The column at fault.
    pub column: Option<String>,
    /// What is wrong and what would be right, in English.
    pub reason: String,
    /// The same by code, for texts in other languages.
    pub reason_code: Reason,
}

impl ProblemPreview {
    fn new(column: Option<String>, reason: Reason) -> Self {
        Self { column, reason: reason.to_string(), reason_code: reason }
    }
}

/// An order as it will be understood.
#[derive(Debug, Clone, Default, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)]
pub struct OrderPreview {
    pub external_no: Option<String>,
    pub account: Option<String>,
    pub state: Option<commerce::OrderState>,
    pub close_reason: Option<String>,
    pub ordered_at: Option<Timestamp>,
    pub paid_at: Option<Timestamp>,
    pub total_minor: Option<i64>,
    pub paid_minor: Option<i64>,
    pub refund_minor: Option<i64>,
    pub currency: Option<kernel::Currency>,
    pub item_count: Option<i64>,
    pub item_title: Option<String>,
    pub receiver: Option<ReceiverPreview>,
    pub line_count: usize,
}

/// A receiver, masked.
#[derive(Debug, Clone, Default, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)]
pub struct ReceiverPreview {
    pub name: Option<String>,
    pub phone: Option<String>,
    pub province: Option<String>,
    pub city: Option<String>,
}

/// Looks at the first rows of each file, off the runtime's threads.
///
/// # Errors
/// When a file cannot be read at all. A file that only needs a mapping is shown as it is.
pub async fn preview(
    files: Vec<ImportFile>,
    format: Option<Format>,
    mapping: Option<String>,
    context: ReaderContext,
) -> Result<Vec<FilePreview>, ImportError> {
    blocking(move || {
        let mapping = mapping.as_deref().map(Mapping::parse).transpose()?;
        files.iter().map(|file| one(file, format, mapping.as_ref(), &context)).collect()
    })
    .await
}

fn one(
    file: &ImportFile,
    format: Option<Format>,
    mapping: Option<&Mapping>,
    context: &ReaderContext,
) -> Result<FilePreview, ImportError> {
    let path = PathBuf::from(&file.path);
    let context = ReaderContext { sheet: file.sheet.clone(), ..context.clone() };
    let mut reader = match OrderReader::open(&path, format, mapping.cloned(), &context) {
        Ok(reader) => reader,
        Err(FormatError::Unrecognised { .. } | FormatError::NeedsMapping { .. }) => {
            return raw(file, &path);
        }
        Err(error) => return Err(error.into()),
    };
    let currency = reader.currency();
    let mut rows = Vec::new();
    while rows.len() < ROWS {
        let Some(entry) = reader.next() else { break };
        rows.push(match entry {
            Entry::Order(record, _) => RowPreview {
                line: record.line,
                order: understood(&record, currency),
                ..RowPreview::default()
            },
            Entry::Rejected(reject) => RowPreview {
                line: reject.line,
                problems: vec![ProblemPreview::new(reject.column, reject.reason)],
                ..RowPreview::default()
            },
            Entry::Skipped { line, reason } => RowPreview {
                line,
                problems: vec![ProblemPreview::new(None, reason)],
                ..RowPreview::default()
            },
        });
    }
    let evidence = reader.evidence();
    Ok(FilePreview {
        name: file.name.clone(),
        format: Some(reader.format().to_string()),
        encoding: Some(reader.encoding().to_owned()),
        delimiter: reader.delimiter().map(|delimiter| delimiter.to_string()),
        evidence: evidence.iter().map(ToString::to_string).collect(),
        evidence_codes: evidence,
        columns: reader
            .columns()
            .into_iter()
            .map(|column| ColumnPreview {
                name: column.name,
                understood_as: (column.understood_as != "ignored")
                    .then(|| column.understood_as.to_owned()),
            })
            .collect(),
        rows,
    })
}

/// A file that needs a mapping: its columns and cells as they stand.
fn raw(file: &ImportFile, path: &std::path::Path) -> Result<FilePreview, ImportError> {
    let mut table =
        tabular::Table::open(path, &tabular::Options::default()).map_err(FormatError::from)?;
    let mut rows = Vec::new();
    while rows.len() < ROWS {
        match table.next_row() {
            Some(Ok(row)) => rows.push(RowPreview {
                line: row.line(),
                cells: row.iter().take(CELLS).map(masked_cell).collect(),
                ..RowPreview::default()
            }),
            Some(Err(_)) => {}
            None => break,
        }
    }
    let evidence: Vec<Evidence> = table.evidence().iter().map(Evidence::from).collect();
    Ok(FilePreview {
        name: file.name.clone(),
        format: None,
        encoding: Some(table.encoding().to_owned()),
        delimiter: table.delimiter().map(|delimiter| delimiter.to_string()),
        evidence: evidence.iter().map(ToString::to_string).collect(),
        evidence_codes: evidence,
        columns: table
            .header()
            .iter()
            .map(|name| ColumnPreview { name: name.clone(), understood_as: None })
            .collect(),
        rows,
    })
}

/// Personal data is masked even in a file that nobody understands yet.
fn masked_cell(cell: &str) -> String {
    mask_account(cell.trim_start_matches('\''))
}

fn understood(record: &OrderRecord, currency: kernel::Currency) -> OrderPreview {
    let masked = |text: &str| {
        normal_phone(text)
            .map(|phone| mask_phone(&phone))
            .or_else(|| normal_email(text).map(|email| mask_email(&email)))
    };
    let receiver = &record.receiver;
    let contacts =
        [&receiver.mobile, &record.buyer.phone, &record.buyer.email, &record.buyer.pay_account];
    OrderPreview {
        external_no: Some(record.external_no.clone()),
        account: record.buyer.account.as_deref().map(mask_account),
        state: record.state,
        close_reason: record.close_reason.clone(),
        ordered_at: record.ordered_at,
        paid_at: record.paid_at,
        total_minor: record.total_minor,
        paid_minor: record.paid_minor.or_else(|| {
            let lines = record.lines.iter().filter_map(|line| line.amount_minor);
            record.total_minor.is_none().then(|| lines.sum())
        }),
        refund_minor: record.refund_minor,
        currency: Some(currency),
        item_count: record.item_count,
        item_title: record
            .item_title
            .clone()
            .or_else(|| record.lines.first().and_then(|line| line.title.clone())),
        receiver: Some(ReceiverPreview {
            name: receiver.name.clone().or_else(|| record.buyer.name.clone()),
            phone: contacts.iter().find_map(|text| text.as_deref().and_then(masked)),
            province: receiver.province.clone(),
            city: receiver.city.clone(),
        }),
        line_count: record.lines.len(),
    }
}
