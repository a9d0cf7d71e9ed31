//! Intent learned from a file that somebody brings: which columns it has, and the report of a target.

use std::path::PathBuf;
use std::time::Duration;

use kernel::FieldErrors;
use models::intent::{
    FrameLimits, IntentError, Irregularities, Kind, ReadOptions, Report, Stop, TrainOptions,
    read_table, train_until,
};
use serde::Serialize;
use tokio::sync::Semaphore;
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
static TURN: Semaphore = Semaphore::const_new(1);
/// Files that are worked on or wait.
static QUEUE: Semaphore = Semaphore::const_new(4);
/// The longest that a file is worked on.
const TIME_MAX: Duration = Duration::from_mins(2);

/// Ends the work when nobody waits for it any more.
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Reads a file and, where a target is named, compares models on it. Whoever asks waits for two minutes at most; the
/// work ends when it next looks whether somebody waits, and keeps its place in the queue until then.
///
/// # Errors
/// `Fields` says which part of the wish is wrong, and what to do about it; `Crowded` if too many files wait.
pub async fn file_report(path: PathBuf, options: FileOptions) -> Result<FileAnswer, IntentRefused> {
    report_within(path, options, TIME_MAX).await
}

async fn report_within(
    path: PathBuf,
    options: FileOptions,
    limit: Duration,
) -> Result<FileAnswer, IntentRefused> {
    let place = QUEUE.try_acquire().map_err(|_| IntentRefused::Crowded)?;
    let stop = Stop::default();
    let _nobody_waits = StopOnDrop(stop.clone());
    let asked = async {
        let turn = TURN.acquire().await.map_err(|_| IntentRefused::Crowded)?;
        let work = apart(move || {
            let answer = answer(&path, options, &stop);
            // Not before the work has ended, whoever waited for it.
            drop((turn, place));
            answer
        });
        work.await?.map_err(IntentRefused::Fields)
    };
    match tokio::time::timeout(limit, asked).await {
        Ok(answered) => answered,
        Err(_) => {
            let text = format!(
                "it took longer than {} seconds; leave out columns or rows, or use fewer folds",
                limit.as_secs()
            );
            Err(IntentRefused::Fields(wrong("file", text)))
        }
    }
}

fn wrong(field: &'static str, text: String) -> FieldErrors {
    let mut errors = FieldErrors::default();
    errors.push(field, text);
    errors
}

fn answer(
    path: &std::path::Path,
    options: FileOptions,
    stop: &Stop,
) -> Result<FileAnswer, FieldErrors> {
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
            Some(train_until(&frame, &wanted, stop).map_err(told)?.report)
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

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn wish() -> FileOptions {
        FileOptions { target: Some("bought".to_owned()), ..FileOptions::default() }
    }

    #[tokio::test]
    async fn a_file_has_a_limit_of_time_and_the_queue_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let mut table = "x,bought\n".to_owned();
        for row in 0..400 {
            writeln!(table, "{},{}", row * 7 % 101, row * 31 % 97 % 2).unwrap();
        }
        std::fs::write(&path, table).unwrap();

        let late = report_within(path.clone(), wish(), Duration::ZERO).await;
        assert!(late.unwrap_err().to_string().contains("longer than 0 seconds"));
        // The turn comes back, as what nobody waits for ends.
        let told = file_report(path.clone(), wish()).await.unwrap();
        assert_eq!(told.report.unwrap().rows, 400);

        let turn = TURN.acquire().await.unwrap();
        let waiting: Vec<_> =
            (0..4).map(|_| tokio::spawn(file_report(path.clone(), wish()))).collect();
        while QUEUE.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let crowded = file_report(path, wish()).await;
        assert!(matches!(crowded, Err(IntentRefused::Crowded)));
        drop(turn);
        for one in waiting {
            assert_eq!(one.await.unwrap().unwrap().rows, 400);
        }
    }
}
