//! All rows of a statement, one after the other, in the form of PostgreSQL's binary COPY on both
//! databases; see [`crate::backup`].

use futures::TryStreamExt as _;
use sqlx::sqlite::{SqliteRow, SqliteValueRef};
use sqlx::{AssertSqlSafe, Decode, Row as _, Sqlite, TypeInfo as _, ValueRef as _};

use super::args::Arg;
use super::error::DbError;
use super::tx::{Inner, Tx, sqlite_args};
use crate::backup::rows::{ValueKind, begin_row, put_field};

/// What binary COPY begins with: signature, flags and the length of an extension, here none.
const COPY_HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Arguments of one statement that inserts into SQLite; see `bulk.rs`.
const SQLITE_MAX_ARGS: usize = 4_000;
/// Bytes handed to COPY at once.
const COPY_CHUNK_BYTES: usize = 1 << 20;

/// Takes rows as they come.
pub(crate) trait RowSink: Send {
    /// Why it takes no more.
    type Error: From<DbError>;

    /// Takes a row; `true` asks for [`RowSink::flush`] before the next one.
    fn push(&mut self, row: &[u8]) -> bool;

    /// Hands on what was gathered, as fast as it is taken.
    fn flush(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// A value that its column cannot hold.
fn unfit(column: usize, found: &str) -> DbError {
    DbError::Other(sqlx::Error::Decode(
        format!("column {} holds {found}, which is not of its type", column + 1).into(),
    ))
}

impl Tx {
    /// Gives every row of `sql` to `sink`. `kinds` are those of its columns; on PostgreSQL the types
    /// themselves must be so. What is gathered at the end is left to the caller to flush.
    pub(crate) async fn read_rows<S: RowSink>(
        &mut self,
        sql: String,
        kinds: &[ValueKind],
        sink: &mut S,
    ) -> Result<(), S::Error> {
        match &mut self.inner {
            Inner::Sqlite(tx) => {
                let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(&mut **tx);
                let mut encoded = Vec::new();
                while let Some(row) = rows.try_next().await.map_err(DbError::from)? {
                    encoded.clear();
                    encode(&row, kinds, &mut encoded)?;
                    drop(row);
                    if sink.push(&encoded) {
                        sink.flush().await?;
                    }
                }
            }
            Inner::Postgres(tx) => {
                let copy = format!("COPY ({sql}) TO STDOUT (FORMAT binary)");
                let mut chunks = tx.copy_out_raw(&copy).await.map_err(DbError::from)?;
                let mut tuples = Tuples::default();
                while let Some(chunk) = chunks.try_next().await.map_err(DbError::from)? {
                    tuples.add(&chunk);
                    while let Some(tuple) = tuples.next_row()? {
                        if sink.push(tuple) {
                            sink.flush().await?;
                        }
                    }
                }
                tuples.finish()?;
            }
        }
        Ok(())
    }

    /// Inserts `rows`, which stand one behind the other, into `columns` of `table`.
    ///
    /// # Errors
    /// As the database says; `Other` if these are no rows of such columns.
    pub(crate) async fn write_rows(
        &mut self,
        table: &str,
        columns: &[(String, ValueKind)],
        rows: &[u8],
    ) -> Result<(), DbError> {
        let names: Vec<String> = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let names = names.join(", ");
        match &mut self.inner {
            Inner::Sqlite(tx) => {
                let at_once = (SQLITE_MAX_ARGS / columns.len().max(1)).max(1);
                let mut decoded = crate::backup::rows::rows(rows).peekable();
                let one = format!("({})", vec!["?"; columns.len()].join(","));
                while decoded.peek().is_some() {
                    let mut args = Vec::with_capacity(at_once * columns.len());
                    let mut count = 0;
                    for row in decoded.by_ref().take(at_once) {
                        decode(row.map_err(no_row)?, columns, &mut args)?;
                        count += 1;
                    }
                    let sql = format!(
                        "INSERT OR FAIL INTO \"{table}\" ({names}) VALUES {}",
                        vec![one.as_str(); count].join(",")
                    );
                    sqlx::query_with::<Sqlite, _>(AssertSqlSafe(sql), sqlite_args(args)?)
                        .persistent(count == at_once)
                        .execute(&mut **tx)
                        .await?;
                }
            }
            Inner::Postgres(tx) => {
                let sql = format!("COPY \"{table}\" ({names}) FROM STDIN (FORMAT binary)");
                let mut copy = tx.copy_in_raw(&sql).await?;
                copy.send(COPY_HEAD).await?;
                for chunk in rows.chunks(COPY_CHUNK_BYTES) {
                    copy.send(chunk).await?;
                }
                copy.send((-1_i16).to_be_bytes().as_slice()).await?;
                copy.finish().await?;
            }
        }
        Ok(())
    }
}

fn no_row(error: impl std::error::Error + Send + Sync + 'static) -> DbError {
    DbError::Other(sqlx::Error::Decode(Box::new(error)))
}

/// Makes a row of SQLite look as PostgreSQL would send it.
fn encode(row: &SqliteRow, kinds: &[ValueKind], out: &mut Vec<u8>) -> Result<(), DbError> {
    begin_row(out, kinds.len());
    for (column, kind) in kinds.iter().enumerate() {
        let value = row.try_get_raw(column)?;
        if value.is_null() {
            put_field(out, None);
            continue;
        }
        // What is stored, whatever the column was declared to hold: SQLite lets them differ.
        let stored = value.type_info().into_owned();
        let is = |name: &str| stored.name() == name;
        let wrong = || unfit(column, stored.name());
        match kind {
            ValueKind::Int if is("INTEGER") => {
                let value: i64 = taken(value)?;
                put_field(out, Some(&value.to_be_bytes()));
            }
            ValueKind::Bool if is("INTEGER") => {
                let value: i64 = taken(value)?;
                let value =
                    u8::try_from(value).ok().filter(|value| *value < 2).ok_or_else(wrong)?;
                put_field(out, Some(&[value]));
            }
            ValueKind::Float if is("REAL") => {
                let value: f64 = taken(value)?;
                put_field(out, Some(&value.to_be_bytes()));
            }
            ValueKind::Text if is("TEXT") => {
                let value: &str = taken(value)?;
                put_field(out, Some(value.as_bytes()));
            }
            ValueKind::Bytes if is("BLOB") => {
                let value: &[u8] = taken(value)?;
                put_field(out, Some(value));
            }
            _ => return Err(wrong()),
        }
    }
    Ok(())
}

fn taken<'r, T: Decode<'r, Sqlite>>(value: SqliteValueRef<'r>) -> Result<T, DbError> {
    T::decode(value).map_err(|error| DbError::Other(sqlx::Error::Decode(error)))
}

/// The arguments by which SQLite takes `row`.
fn decode(row: &[u8], columns: &[(String, ValueKind)], args: &mut Vec<Arg>) -> Result<(), DbError> {
    let width = args.len() + columns.len();
    let fields = crate::backup::rows::fields(row).zip(columns).enumerate();
    for (column, (value, (_, kind))) in fields {
        let wrong = || unfit(column, "a value of another length");
        let eight = |value: &[u8]| <[u8; 8]>::try_from(value).map_err(|_| wrong());
        args.push(match (kind, value) {
            (ValueKind::Int, value) => {
                Arg::Int(value.map(|value| eight(value).map(i64::from_be_bytes)).transpose()?)
            }
            (ValueKind::Float, value) => {
                Arg::Float(value.map(|value| eight(value).map(f64::from_be_bytes)).transpose()?)
            }
            (ValueKind::Bool, None) => Arg::Bool(None),
            (ValueKind::Bool, Some(&[value])) if value < 2 => Arg::Bool(Some(value == 1)),
            (ValueKind::Bool, Some(_)) => return Err(wrong()),
            (ValueKind::Text, value) => {
                let text = |value: &[u8]| String::from_utf8(value.to_vec()).map_err(no_row);
                Arg::Text(value.map(text).transpose()?)
            }
            (ValueKind::Bytes, value) => Arg::Bytes(value.map(<[u8]>::to_vec)),
        });
    }
    if args.len() == width { Ok(()) } else { Err(unfit(0, "a row of another width")) }
}

/// Finds the rows in what COPY sends, wherever it cuts it.
#[derive(Default)]
struct Tuples {
    bytes: Vec<u8>,
    /// What of `bytes` was given away.
    used: usize,
    is_past_head: bool,
    is_at_end: bool,
}

impl Tuples {
    fn add(&mut self, chunk: &[u8]) {
        self.bytes.drain(..self.used);
        self.used = 0;
        self.bytes.extend_from_slice(chunk);
    }

    /// The next whole row, if it is there.
    fn next_row(&mut self) -> Result<Option<&[u8]>, DbError> {
        if !self.is_past_head {
            if self.bytes.len() < COPY_HEAD.len() {
                return Ok(None);
            }
            if !self.bytes.starts_with(COPY_HEAD) {
                return Err(protocol("the rows begin with something unknown"));
            }
            (self.is_past_head, self.used) = (true, COPY_HEAD.len());
        }
        let rest = &self.bytes[self.used..];
        if rest.starts_with(&(-1_i16).to_be_bytes()) {
            self.is_at_end = true;
            return Ok(None);
        }
        let Some((row, _)) = crate::backup::rows::split_row(rest) else { return Ok(None) };
        self.used += row.len();
        Ok(Some(row))
    }

    fn finish(&self) -> Result<(), DbError> {
        if self.is_at_end { Ok(()) } else { Err(protocol("the rows ended within one")) }
    }
}

fn protocol(text: &str) -> DbError {
    DbError::Other(sqlx::Error::Protocol(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_wherever_the_stream_is_cut() {
        let mut stream = COPY_HEAD.to_vec();
        let mut rows = Vec::new();
        for value in [Some(b"tea".as_slice()), None, Some(b"")] {
            let mut row = Vec::new();
            begin_row(&mut row, 1);
            put_field(&mut row, value);
            stream.extend_from_slice(&row);
            rows.push(row);
        }
        stream.extend_from_slice(&(-1_i16).to_be_bytes());
        for size in 1..stream.len() {
            let mut tuples = Tuples::default();
            let mut found = Vec::new();
            for chunk in stream.chunks(size) {
                tuples.add(chunk);
                while let Some(row) = tuples.next_row().unwrap() {
                    found.push(row.to_vec());
                }
            }
            tuples.finish().unwrap();
            assert_eq!(found, rows);
        }
        let mut cut = Tuples::default();
        cut.add(&stream[..stream.len() - 3]);
        while cut.next_row().unwrap().is_some() {}
        assert!(cut.finish().is_err());
        let mut odd = Tuples::default();
        odd.add(b"something else entirely");
        assert!(odd.next_row().is_err());
    }
}
