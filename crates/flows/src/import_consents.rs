//! A list of consents from elsewhere: each row names a person by phone number or e-mail address, who is
//! found through the blind index.

use customers::consent::ledger::{self, ConsentError, NewConsent, Wanted};
use customers::consent::{ConsentChannel, ConsentPurpose, ConsentSource};
use customers::events::CustomersChangedV1;
use customers::{reach, search};
use kernel::{ConsentTextId, CustomerId, FieldErrors, Timestamp, TypedId as _};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Tx, outbox};
use serde::Serialize;

/// Rows of one list.
pub const ROWS_MAX: usize = 10_000;
/// Errors that are told one by one.
const ERRORS_MAX: usize = 200;
/// What the first line says.
pub const COLUMNS: [&str; 9] =
    ["contact", "channel", "purpose", "decision", "at", "expires_at", "source", "text", "evidence"];

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ConsentLineError {
    /// Its line, from 1.
    pub line: u64,
    /// The column, where one is at fault.
    pub column: Option<String>,
    /// What is wrong with it.
    pub message: String,
}

/// What became of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, utoipa::ToSchema)]
pub struct ConsentImport {
    /// Entries that were not there before.
    pub added: usize,
    /// Entries that were.
    pub known: usize,
    /// Rows that were not taken.
    pub rejected: usize,
    /// What is wrong with the first of them, at most 200.
    pub errors: Vec<ConsentLineError>,
}

/// Why no row of a list was taken.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The first line is not what it should be.
    #[error("the first line must name the columns {columns}; {wrong}", columns = COLUMNS.join(","))]
    Columns {
        /// What is wrong with it.
        wrong: String,
    },
    /// There are too many rows.
    #[error("a list has at most {ROWS_MAX} rows; split it")]
    TooLong,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

struct Wrong {
    column: Option<&'static str>,
    message: String,
}

fn wrong(column: &'static str, message: impl Into<String>) -> Wrong {
    Wrong { column: Some(column), message: message.into() }
}

/// Records every row of `text` (CSV with the columns [`COLUMNS`], all but the first four of which may be
/// missing) that can be; the others are told with their lines. The same list again changes nothing.
///
/// A refusal is recorded for everybody who has the contact, a grant only where that is one customer.
///
/// # Errors
/// `Columns`, `TooLong`: nothing was recorded.
pub async fn import(tx: &mut Tx, cx: &Ctx, text: &str) -> Result<ConsentImport, ListError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header =
        reader.headers().map_err(|error| ListError::Columns { wrong: error.to_string() })?.clone();
    let places = places(&header)?;
    let mut done = ConsentImport::default();
    let mut changed: Vec<CustomerId> = Vec::new();
    for (row, record) in reader.records().enumerate() {
        if row >= ROWS_MAX {
            return Err(ListError::TooLong);
        }
        let line = match &record {
            Ok(record) => record.position().map_or(0, csv::Position::line),
            Err(error) => error.position().map_or(0, csv::Position::line),
        };
        let taken = match record {
            Ok(record) => {
                let cell = |column: usize| {
                    let text = places[column].and_then(|place| record.get(place));
                    text.map(str::trim).filter(|text| !text.is_empty())
                };
                take(tx, cx, cell, &mut changed).await?
            }
            Err(error) => Err(Wrong { column: None, message: error.to_string() }),
        };
        match taken {
            Ok((added, known)) => {
                done.added += added;
                done.known += known;
            }
            Err(Wrong { column, message }) => {
                done.rejected += 1;
                if done.errors.len() < ERRORS_MAX {
                    let column = column.map(str::to_owned);
                    done.errors.push(ConsentLineError { line, column, message });
                }
            }
        }
    }
    if !changed.is_empty() {
        outbox::push(tx, cx, &CustomersChangedV1::of(changed)).await?;
    }
    let entry = Entry::new("customers.consent.import")
        .with("added", done.added)
        .with("rejected", done.rejected);
    audit::record(tx, cx, entry).await?;
    Ok(done)
}

fn places(header: &csv::StringRecord) -> Result<[Option<usize>; 9], ListError> {
    let names: Vec<String> = header.iter().map(|name| name.trim().to_lowercase()).collect();
    if let Some(unknown) = names.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
        return Err(ListError::Columns { wrong: format!("`{unknown}` is none of them") });
    }
    let places = COLUMNS.map(|column| names.iter().position(|name| name == column));
    if let Some(missing) = places[..4].iter().position(Option::is_none) {
        return Err(ListError::Columns { wrong: format!("`{}` is missing", COLUMNS[missing]) });
    }
    Ok(places)
}

/// An instant, or the beginning of a day in UTC.
fn moment(column: &'static str, text: Option<&str>) -> Result<Option<Timestamp>, Wrong> {
    let Some(text) = text else { return Ok(None) };
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    whole.parse().map(Some).map_err(|_| {
        wrong(column, "must be a day (2026-01-31) or an instant (2026-01-31T09:00:00+08:00)")
    })
}

fn read<'a>(
    cx: &Ctx,
    cell: impl Fn(usize) -> Option<&'a str>,
) -> Result<(&'a str, NewConsent), Wrong> {
    let contact = cell(0).ok_or_else(|| wrong("contact", "must not be empty"))?;
    let channel: ConsentChannel =
        cell(1).unwrap_or_default().parse().map_err(|error: String| wrong("channel", error))?;
    let purpose: ConsentPurpose =
        cell(2).unwrap_or_default().parse().map_err(|error: String| wrong("purpose", error))?;
    let granted = match cell(3) {
        Some("granted") => true,
        Some("refused") => false,
        _ => return Err(wrong("decision", "must be granted or refused")),
    };
    let source = match cell(6) {
        Some(text) => text.parse().map_err(|error: String| wrong("source", error))?,
        None => ConsentSource::Import,
    };
    let text: Option<ConsentTextId> = cell(7)
        .map(|text| text.parse().map_err(|_| wrong("text", "must be the id of a text")))
        .transpose()?;
    let wanted = Wanted {
        channels: vec![channel],
        purposes: vec![purpose],
        granted,
        at: moment("at", cell(4))?,
        expires_at: moment("expires_at", cell(5))?,
        source,
        text,
        evidence: cell(8).map(str::to_owned),
    };
    let new = NewConsent::parse(wanted, cx.now())
        .map_err(|errors: FieldErrors| Wrong { column: None, message: errors.to_string() })?;
    Ok((contact, new))
}

async fn take<'a>(
    tx: &mut Tx,
    cx: &Ctx,
    cell: impl Fn(usize) -> Option<&'a str>,
    changed: &mut Vec<CustomerId>,
) -> Result<Result<(usize, usize), Wrong>, DbError> {
    let granted = cell(3) == Some("granted");
    let (contact, new) = match read(cx, cell) {
        Ok(read) => read,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let mut found: Vec<CustomerId> = search::find_by_contact(tx, cx, contact, &[]).await?;
    let within =
        reach::within(tx, cx, &found.iter().map(|id| id.uuid()).collect::<Vec<_>>()).await?;
    found.retain(|id| within.contains(&id.uuid()));
    if found.is_empty() {
        return Ok(Err(wrong("contact", "no customer has this phone number or e-mail address")));
    }
    if granted && found.len() > 1 {
        let many =
            format!("{} customers have it; merge them, or grant it on their cards", found.len());
        return Ok(Err(wrong("contact", many)));
    }
    let mut added = 0;
    for customer in &found {
        match ledger::write(tx, cx, *customer, &new).await {
            Ok((_, 0)) => {}
            Ok((root, new)) => {
                added += new;
                changed.push(CustomerId::from_uuid(root));
            }
            Err(ConsentError::Db(error)) => return Err(error),
            Err(error) => return Ok(Err(Wrong { column: None, message: error.to_string() })),
        }
    }
    Ok(Ok((added, found.len() - added)))
}
