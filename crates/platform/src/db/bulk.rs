//! Many rows at once: COPY on PostgreSQL, multi-row statements on SQLite and for few rows.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use sqlx::{AssertSqlSafe, Postgres, Sqlite, Transaction};

use super::args::Arg;
use super::error::DbError;
use super::tx::{Inner, Tx, postgres_args, sqlite_args};
use super::wall;

/// Arguments in one SQLite statement. SQLite allows 32,766. Beyond a few thousand the gain is nil and
/// preparing gets slow; with fewer, handing statements to the connection's thread takes longer.
const SQLITE_MAX_ARGS: usize = 4_000;
/// Up to so many rows go to PostgreSQL as one statement. COPY ends with a short message of its own,
/// and as sqlx leaves Nagle's algorithm on, that waits 40 ms for the server's delayed acknowledgement
/// of a short one before it.
const POSTGRES_FEW_ROWS: usize = 100;
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
        let BulkRows { table, columns, args } = rows;
        self.insert_stream(table, columns, args.into_iter()).await
    }

    /// Inserts rows that are made while the database writes those before: what it costs to make a row
    /// (sealing, encoding) is then hidden behind the writing. Each has the width of `columns`.
    ///
    /// # Errors
    /// As [`Tx::bulk_insert`].
    pub async fn bulk_insert_each<const N: usize>(
        &mut self,
        table: &'static str,
        columns: &'static [&'static str; N],
        rows: impl Iterator<Item = [Arg; N]> + Send,
    ) -> Result<(), DbError> {
        self.insert_stream(table, columns, rows.flatten()).await
    }

    async fn insert_stream(
        &mut self,
        table: &'static str,
        columns: &'static [&'static str],
        mut args: impl Iterator<Item = Arg> + Send,
    ) -> Result<(), DbError> {
        // COPY passes by the policies, and SQLite has none: what they ask is asked here.
        let ours = match self.org {
            Some(org) if columns.first() == Some(&"org_id") => Some(Arg::from(org.get())),
            Some(_) => return Err(stray(table)),
            None => None,
        };
        let width = columns.len();
        let mut is_ours = true;
        let rows = args.by_ref().enumerate().map_while(|(place, arg)| {
            is_ours = place % width != 0 || ours.as_ref().is_none_or(|ours| arg == *ours);
            is_ours.then_some(arg)
        });
        let rows = rows.fuse();
        self.insert_all(table, columns, rows).await?;
        if is_ours { Ok(()) } else { Err(stray(table)) }
    }

    async fn insert_all(
        &mut self,
        table: &'static str,
        columns: &'static [&'static str],
        mut args: impl Iterator<Item = Arg> + Send,
    ) -> Result<(), DbError> {
        let width = columns.len();
        let entering = self.org.map(|org| wall::entering(&self.wall, org)).unwrap_or_default();
        match &mut self.inner {
            Inner::Sqlite(tx) => {
                let full = (SQLITE_MAX_ARGS / width).max(1) * width;
                let mut take = || -> Result<_, DbError> {
                    let mut chunk = Vec::with_capacity(full);
                    chunk.extend(args.by_ref().take(full));
                    Ok((chunk.len(), sqlite_args(chunk)?))
                };
                let mut next = take()?;
                while next.0 > 0 {
                    let (count, values) = next;
                    let sql = insert_sql(table, columns, count / width);
                    // Only the full-size statement comes again and again.
                    let insert = sqlx::query_with::<Sqlite, _>(sql, values)
                        .persistent(count == full)
                        .execute(&mut **tx);
                    // The statement runs on the connection's own thread once it has been polled.
                    let (done, following) = futures::join!(insert, async { take() });
                    done?;
                    next = following?;
                }
                Ok(())
            }
            Inner::Postgres(tx) => {
                let few: Vec<Arg> = args.by_ref().take(POSTGRES_FEW_ROWS * width).collect();
                if few.len() < POSTGRES_FEW_ROWS * width {
                    return insert_few(tx, table, columns, few).await;
                }
                // PostgreSQL refuses COPY to whom policies bind.
                if !entering.is_empty() {
                    sqlx::raw_sql(wall::LEAVING).execute(&mut **tx).await?;
                }
                copy_in(tx, table, columns, few.into_iter().chain(args)).await?;
                if !entering.is_empty() {
                    sqlx::raw_sql(AssertSqlSafe(entering)).execute(&mut **tx).await?;
                }
                Ok(())
            }
        }
    }
}

/// A bug: rows of one organisation were to be written in a transaction of another.
fn stray(table: &str) -> DbError {
    DbError::Other(sqlx::Error::Protocol(format!("a row of {table} is of another organisation")))
}

/// Inserts rows by one statement.
async fn insert_few(
    tx: &mut Transaction<'static, Postgres>,
    table: &str,
    columns: &[&str],
    args: Vec<Arg>,
) -> Result<(), DbError> {
    if args.is_empty() {
        return Ok(());
    }
    let row = |first: usize| {
        let places: Vec<String> =
            (first..first + columns.len()).map(|place| format!("${}", place + 1)).collect();
        format!("({})", places.join(","))
    };
    let rows: Vec<String> = (0..args.len()).step_by(columns.len()).map(row).collect();
    let sql = format!("INSERT INTO {table} ({}) VALUES {}", columns.join(","), rows.join(","));
    // Only single rows come again and again with the same text.
    let is_single = args.len() == columns.len();
    sqlx::query_with(AssertSqlSafe(sql), postgres_args(args)?)
        .persistent(is_single)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Inserts rows by COPY in its binary format.
async fn copy_in(
    tx: &mut Transaction<'static, Postgres>,
    table: &str,
    columns: &[&str],
    args: impl Iterator<Item = Arg> + Send,
) -> Result<(), DbError> {
    let mut args = args.peekable();
    let sql = format!("COPY {table} ({}) FROM STDIN (FORMAT binary)", columns.join(", "));
    let mut copy = tx.copy_in_raw(&sql).await?;
    let mut buffer = Vec::with_capacity(COPY_CHUNK_BYTES + 64 * 1024);
    // Signature, flags and header length of the binary format.
    buffer.extend_from_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
    while args.peek().is_some() {
        buffer.extend_from_slice(&(columns.len() as i16).to_be_bytes());
        args.by_ref().take(columns.len()).for_each(|arg| copy_field(&mut buffer, &arg));
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

/// The text of a multi-row insert. Kept for the life of the program: the prepared-statement cache
/// compares texts, and there are only as many as there are tables and remainders.
fn insert_sql(table: &'static str, columns: &[&str], rows: usize) -> &'static str {
    type Key = (&'static str, usize, usize);
    static TEXTS: OnceLock<Mutex<HashMap<Key, &'static str>>> = OnceLock::new();
    let mut texts =
        TEXTS.get_or_init(Mutex::default).lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    texts.entry((table, columns.len(), rows)).or_insert_with(|| {
        let row = format!("({})", vec!["?"; columns.len()].join(","));
        // `OR FAIL` because a failed batch is rolled back as a whole: without it SQLite copies every
        // page that a multi-row statement touches, to take back that statement alone.
        let sql = format!(
            "INSERT OR FAIL INTO {table} ({}) VALUES {}",
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
