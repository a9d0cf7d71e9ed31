//! Rows that an import did not take.

use platform::crypto::OrgKeys;
use platform::{Arg, Args, BulkRows, Ctx, DbError, Scope, Tx, args};
use sqlx::AssertSqlSafe;

use super::{Import, ImportFile};
use crate::formats::{Fault, Reason};

/// Name under which rejected rows are sealed.
pub(crate) const RAW_FIELD: &str = "commerce.reject";
/// Rejected rows kept of one import; beyond, they are only counted.
pub const REJECTS_MAX: u64 = 1_000_000;

/// A row that was not imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Place of the file in the request of the import.
    pub file_no: usize,
    /// Name of the file.
    pub file: String,
    /// Line in the file, the header being 1.
    pub line: u64,
    /// Column at fault, where one is.
    pub column: Option<String>,
    /// What is wrong and what would be right.
    pub reason: Reason,
    /// The row (or rows of the order) as CSV records in the file's own columns.
    pub raw: String,
    /// The order number made for the row, where the file has none.
    pub order_no: Option<String>,
}

/// Keeps rejected rows; `first_seq` is the number rejected before.
///
/// # Errors
/// As the database says.
pub async fn keep_rejects(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    import_number: i64,
    first_seq: u64,
    rows: Vec<RejectedRow>,
) -> Result<(), DbError> {
    let mut bulk = BulkRows::new(
        "commerce_import_rejects",
        &[
            "org_id",
            "import_number",
            "seq",
            "file_no",
            "file",
            "line",
            "column_name",
            "reason",
            "reason_code",
            "raw",
            "order_no",
        ],
    );
    let room = REJECTS_MAX.saturating_sub(first_seq) as usize;
    for (index, row) in rows.into_iter().take(room).enumerate() {
        let code = serde_json::to_string(&row.reason)
            .map_err(|error| DbError::Refused(error.to_string()))?;
        bulk.push([
            Arg::from(cx.scope.org_arg()),
            Arg::from(import_number),
            Arg::from(first_seq as i64 + index as i64),
            Arg::from(row.file_no as i64),
            Arg::from(row.file),
            Arg::from(row.line as i64),
            Arg::from(row.column),
            Arg::from(row.reason.to_string()),
            Arg::from(code),
            Arg::from(keys.seal(&*cx.ids, RAW_FIELD, row.raw.as_bytes())),
            Arg::from(row.order_no),
        ]);
    }
    tx.bulk_insert(bulk).await
}

/// Number, file, line, column, reason as text and as code, sealed row, made order number.
type StoredReject =
    (i64, String, i64, Option<String>, String, Option<String>, Vec<u8>, Option<String>);

/// The reason by its code; the text as it stands where a release before codes stored it, or one after
/// this has codes that this one does not know.
fn stored_reason(text: String, code: Option<&str>) -> Reason {
    let known = code.and_then(|code| serde_json::from_str(code).ok());
    known.unwrap_or_else(|| Reason::row(Fault::Words { text }))
}

/// SQL for the place of a row's file. Rows of before places were kept belong to the first file of their
/// name, and to the first of all where it was renamed since. Puts the names behind `args`.
fn place(files: &[ImportFile], args: &mut Args) -> String {
    let mut sql = String::from("CASE WHEN file_no IS NOT NULL THEN file_no");
    for (place, file) in files.iter().enumerate() {
        args.push(Arg::from(file.name.clone()));
        sql.push_str(&format!(" WHEN file = ${} THEN {place}", args.len()));
    }
    sql.push_str(" ELSE 0 END");
    sql
}

/// Rejected rows of the file `file_no` behind the number `after`, in their order and each with its own
/// number, at most `limit`.
///
/// # Errors
/// As the database says.
pub async fn rejects(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    import: &Import,
    file_no: usize,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<(i64, RejectedRow)>, DbError> {
    let mut args =
        args![scope.org_arg(), import.number, after.unwrap_or(-1), file_no as i64, limit as i64];
    let place = place(&import.request.files, &mut args);
    let sql = format!(
        "SELECT seq, file, line, column_name, reason, reason_code, raw, order_no
         FROM commerce_import_rejects
         WHERE org_id = $1 AND import_number = $2 AND seq > $3 AND {place} = $4
         ORDER BY seq LIMIT $5"
    );
    let rows: Vec<StoredReject> = tx.fetch_all(AssertSqlSafe(sql), args).await?;
    rows.into_iter()
        .map(|(seq, file, line, column, reason, code, raw, order_no)| {
            let reason = stored_reason(reason, code.as_deref());
            let raw = keys
                .open_text(RAW_FIELD, &raw)
                .map_err(|error| DbError::Refused(error.to_string()))?;
            let line = line as u64;
            Ok((seq, RejectedRow { file_no, file, line, column, reason, raw, order_no }))
        })
        .collect()
}

/// How many rejected rows are kept of each file of `import`, which was not taken back.
///
/// # Errors
/// As the database says.
pub async fn count_rejects(
    tx: &mut Tx,
    scope: Scope,
    import: &Import,
) -> Result<Vec<u64>, DbError> {
    let rejected = import.progress.rejected;
    let mut counts = vec![0; import.request.files.len()];
    if rejected == 0 || import.forgotten_at.is_some() {
        return Ok(counts);
    }
    if let [only] = &mut counts[..] {
        // A million rows take a second to be counted.
        *only = rejected.min(REJECTS_MAX);
        return Ok(counts);
    }
    let mut args = args![scope.org_arg(), import.number];
    let place = place(&import.request.files, &mut args);
    let sql = format!(
        "SELECT {place} AS place, COUNT(*) FROM commerce_import_rejects
         WHERE org_id = $1 AND import_number = $2 GROUP BY 1"
    );
    let rows: Vec<(i64, i64)> = tx.fetch_all(AssertSqlSafe(sql), args).await?;
    for (place, count) in rows {
        if let Some(of_file) = counts.get_mut(place as usize) {
            *of_file = count as u64;
        }
    }
    Ok(counts)
}

/// Empties the rejected rows of all imports that `holds` says yes to; gives how many. They stay counted.
///
/// # Errors
/// `Refused` if a row cannot be opened; otherwise as the database says.
pub(crate) async fn forget_rejects(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    holds: impl Fn(&str) -> bool + Send + Sync,
) -> Result<u64, DbError> {
    let mut found: Vec<(i64, i64)> = Vec::new();
    let mut broken = None;
    tx.for_each::<(i64, i64, Vec<u8>)>(
        "SELECT import_number, seq, raw FROM commerce_import_rejects WHERE org_id = $1",
        args![cx.scope.org_arg()],
        |(import, seq, raw)| match keys.open_text(RAW_FIELD, &raw) {
            Ok(raw) if holds(&raw) => found.push((import, seq)),
            Ok(_) => {}
            Err(error) => broken = Some(error.to_string()),
        },
    )
    .await?;
    if let Some(broken) = broken {
        return Err(DbError::Refused(format!("a rejected row: {broken}")));
    }
    for (import, seq) in &found {
        // The reason may quote a cell.
        tx.execute(
            "UPDATE commerce_import_rejects
             SET raw = $4, reason = 'erased', reason_code = NULL, order_no = NULL
             WHERE org_id = $1 AND import_number = $2 AND seq = $3",
            args![cx.scope.org_arg(), *import, *seq, keys.seal(&*cx.ids, RAW_FIELD, b"")],
        )
        .await?;
    }
    Ok(found.len() as u64)
}

/// Removes the rejected rows of an import that is taken back.
///
/// # Errors
/// As the database says.
pub async fn drop_rejects(tx: &mut Tx, scope: Scope, import_number: i64) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM commerce_import_rejects WHERE org_id = $1 AND import_number = $2",
        args![scope.org_arg(), import_number],
    )
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_without_a_known_code_is_told_as_it_was_stored() {
        let stored = |code| stored_reason("`x` is wrong".to_owned(), code).to_string();
        assert_eq!(stored(None), "`x` is wrong");
        assert_eq!(stored(Some(r#"{"code":"of_another_release"}"#)), "`x` is wrong");
        assert_eq!(stored(Some(r#"{"code":"no_order_number"}"#)), "the order number is missing");
    }
}
