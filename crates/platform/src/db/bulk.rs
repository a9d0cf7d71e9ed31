//! Many rows at once: COPY on PostgreSQL, multi-row statements on SQLite.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use sqlx::Sqlite;

use super::args::Arg;
use super::error::DbError;
use super::tx::{Inner, Tx, sqlite_args};

/// Arguments in one SQLite statement. SQLite allows 32,766; beyond a few thousand the gain is nil
/// and preparing gets slow.
const SQLITE_MAX_ARGS: usize = 4_000;
/// Bytes handed to COPY at once.
const COPY_CHUNK_BYTES: usize = 1 << 20;

/// Rows for one table, row after row in the order of its columns.
#[derive(Debug)]
pub struct BulkRows {
    table: &'static str,
    columns: &'static [&'static str],
    args: Vec<Arg>,
}

impl BulkRows {
    /// No rows yet for `columns` of `table`.
    #[must_use]
    pub const fn new(table: &'static str, columns: &'static [&'static str]) -> Self {
        Self { table, columns, args: Vec::new() }
    }

    /// Adds a row. Its arguments must have the types of the columns; COPY does not convert.
    pub fn push<const N: usize>(&mut self, row: [Arg; N]) {
        debug_assert_eq!(N, self.columns.len(), "a row of {} has another width", self.table);
        self.args.extend(row);
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.args.len() / self.columns.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.args.is_empty()
    }
}

impl Tx {
    /// Inserts all rows, in their order.
    ///
    /// # Errors
    /// `Duplicate` if a key is taken; then the transaction is lost.
    pub async fn bulk_insert(&mut self, rows: BulkRows) -> Result<(), DbError> {
        if rows.is_empty() {
            return Ok(());
        }
        match &mut self.inner {
            Inner::Sqlite(tx) => {
                let width = rows.columns.len();
                let rows_per_statement = (SQLITE_MAX_ARGS / width).max(1);
                let mut args = rows.args.into_iter();
                loop {
                    let chunk: Vec<Arg> = args.by_ref().take(rows_per_statement * width).collect();
                    if chunk.is_empty() {
                        return Ok(());
                    }
                    let count = chunk.len() / width;
                    let sql = insert_sql(rows.table, rows.columns, count);
                    // Only the full-size statement comes again and again.
                    sqlx::query_with::<Sqlite, _>(sql, sqlite_args(chunk)?)
                        .persistent(count == rows_per_statement)
                        .execute(&mut **tx)
                        .await?;
                }
            }
            Inner::Postgres(tx) => {
                let sql = format!(
                    "COPY {} ({}) FROM STDIN (FORMAT binary)",
                    rows.table,
                    rows.columns.join(", ")
                );
                let mut copy = tx.copy_in_raw(&sql).await?;
                let width = rows.columns.len();
                let mut buffer = Vec::with_capacity(COPY_CHUNK_BYTES + 64 * 1024);
                // Signature, flags and header length of the binary format.
                buffer.extend_from_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
                for row in rows.args.chunks(width) {
                    buffer.extend_from_slice(&(width as i16).to_be_bytes());
                    row.iter().for_each(|arg| copy_field(&mut buffer, arg));
                    if buffer.len() >= COPY_CHUNK_BYTES {
                        copy.send(buffer.as_slice()).await?;
                        buffer.clear();
                    }
                }
                buffer.extend_from_slice(&(-1_i16).to_be_bytes());
                copy.send(buffer.as_slice()).await?;
                copy.finish().await?;
                Ok(())
            }
        }
    }
}

/// The text of a multi-row insert. Kept for the life of the program: the prepared-statement cache
/// compares texts, and there are only as many as there are tables and remainders.
fn insert_sql(table: &'static str, columns: &[&str], rows: usize) -> &'static str {
    type Key = (&'static str, usize, usize);
    static TEXTS: OnceLock<Mutex<HashMap<Key, &'static str>>> = OnceLock::new();
    let mut texts =
        TEXTS.get_or_init(Mutex::default).lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    texts.entry((table, columns.len(), rows)).or_insert_with(|| {
        let row = format!("({})", vec!["?"; columns.len()].join(","));
        let sql = format!(
            "INSERT INTO {table} ({}) VALUES {}",
            columns.join(","),
            vec![row; rows].join(",")
        );
        Box::leak(sql.into_boxed_str())
    })
}

/// One field of the binary COPY format: length, or -1 for null, then network byte order.
fn copy_field(out: &mut Vec<u8>, arg: &Arg) {
    fn put(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => {
                out.extend_from_slice(&(bytes.len() as i32).to_be_bytes());
                out.extend_from_slice(bytes);
            }
            None => out.extend_from_slice(&(-1_i32).to_be_bytes()),
        }
    }
    match arg {
        Arg::Int(v) => put(out, v.map(i64::to_be_bytes).as_ref().map(|b| b.as_slice())),
        Arg::Float(v) => put(out, v.map(f64::to_be_bytes).as_ref().map(|b| b.as_slice())),
        Arg::Bool(v) => put(out, v.map(|v| [u8::from(v)]).as_ref().map(|b| b.as_slice())),
        Arg::Text(v) => put(out, v.as_ref().map(|t| t.as_bytes())),
        Arg::Bytes(v) => put(out, v.as_deref()),
        Arg::Uuid(v) => put(out, v.as_ref().map(|u| u.as_bytes().as_slice())),
    }
}
