//! Intent learned from a file that somebody brings: which columns it has, and the report of a target.

use std::path::PathBuf;

use kernel::FieldErrors;
use models::intent::{
    FrameLimits, IntentError, Irregularities, Kind, ReadOptions, Report, TrainOptions, read_table,
    train,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::IntentRefused;
use crate::engine::apart;

/// How much of a file is held; smaller than what the command line takes, since somebody waits for it.
const LIMITS: FrameLimits = FrameLimits {
    columns: 500,
    rows: 500_000,
    cells: 10_000_000,
    bytes: 64 << 20,
    name_bytes: 256,
    distinct: 100_000,
    distinct_bytes: 8 << 20,
};
/// Rows beyond which a sample is learned from.
const ROWS_MAX: usize = 40_000;

/// What is wanted of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileOptions {
    /// The column to be foretold; without one only the columns are told.
    pub target: Option<String>,
    /// The value that counts as the outcome.
    pub positive: Option<String>,
    /// Columns to leave out.
    pub drop: Vec<String>,
    /// Parts of the cross-validation; 5 unless given.
    pub folds: Option<usize>,
    /// From which all that is random follows; 0 unless given.
    pub seed: Option<u64>,
}

/// A column of the file.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = IntentFileColumn)]
pub struct FileColumn {
    /// Its name.
    pub name: String,
    /// `numeric`, `categorical`, `boolean`, `date` or `text`.
    #[schema(value_type = String)]
    pub kind: Kind,
    /// Rows without a value.
    pub missing: usize,
}

/// What a file holds, and what foretells its target.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = IntentFileReport)]
pub struct FileAnswer {
    /// Rows that could be read.
    pub rows: usize,
    /// Its columns.
    pub columns: Vec<FileColumn>,
    /// Rows that could not be read.
    pub broken_rows: u64,
    /// Line of the first such row, and what is wrong with it.
    pub first_broken: Option<String>,
    /// The report of `docs/models-intent.md`; null where no target was named.
    #[schema(value_type = Option<Object>)]
    pub report: Option<Report>,
}

/// One file at a time, as each takes all of a processor and up to some hundred megabytes.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Reads a file and, where a target is named, compares models on it.
///
/// # Errors
/// `Fields` says which part of the wish is wrong, and what to do about it.
pub async fn file_report(path: PathBuf, options: FileOptions) -> Result<FileAnswer, IntentRefused> {
    let _turn = TURN.lock().await;
    apart(move || answer(&path, options)).await?.map_err(IntentRefused::Fields)
}

fn answer(path: &std::path::Path, options: FileOptions) -> Result<FileAnswer, FieldErrors> {
    let wrong = |field: &'static str, text: String| {
        let mut errors = FieldErrors::default();
        errors.push(field, text);
        errors
    };
    let mut table = tabular::Table::open(path, &tabular::Options::default())
        // Where it lies for the moment is nobody's business.
        .map_err(|error| {
            wrong("file", error.to_string().replace(&path.display().to_string(), "the file"))
        })?;
    let reading = ReadOptions { limits: LIMITS, ..ReadOptions::default() };
    let read =
        read_table(&mut table, &reading).map_err(|error| wrong("file", error.to_string()))?;
    let frame = read.frame;
    let report = match options.target {
        None => None,
        Some(target) => {
            let wanted = TrainOptions {
                positive: options.positive,
                drop: options.drop,
                folds: options.folds.unwrap_or(5),
                seed: options.seed.unwrap_or(0),
                max_rows: ROWS_MAX,
                ..TrainOptions::new(target)
            };
            let told = |error: IntentError| wrong(field_of(&error), error.to_string());
            Some(train(&frame, &wanted).map_err(told)?.report)
        }
    };
    let columns = frame.columns().iter().map(|column| FileColumn {
        name: column.name.clone(),
        kind: column.kind(),
        missing: column.missing(),
    });
    let Irregularities { rows: broken_rows, first } = read.irregularities;
    Ok(FileAnswer {
        rows: frame.rows(),
        columns: columns.collect(),
        broken_rows,
        first_broken: first.map(|(line, what)| format!("{line}: {what}")),
        report,
    })
}

/// Which part of the wish an error is about.
fn field_of(error: &IntentError) -> &'static str {
    match error {
        IntentError::NoColumn { role, .. } if role.contains("drop") => "drop",
        IntentError::NoColumn { .. }
        | IntentError::OneClass { .. }
        | IntentError::TooFewOfClass { .. } => "target",
        IntentError::ManyClasses { .. } | IntentError::NoPositive { .. } => "positive",
        IntentError::Folds { .. } => "folds",
        _ => "file",
    }
}
