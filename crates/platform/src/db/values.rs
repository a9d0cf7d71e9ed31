//! Rows whose columns are known only when the statement runs.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Postgres, Row as _, SqlSafeStr, Sqlite, TypeInfo as _, ValueRef as _};

use super::args::{Arg, Args};
use super::error::DbError;
use super::tx::{Inner, Tx, postgres_args, sqlite_args};

impl Tx {
    /// All rows, each as the arguments by which its values can be given back.
    ///
    /// # Errors
    /// As the database says.
    pub(crate) async fn fetch_values(
        &mut self,
        sql: impl SqlSafeStr,
        args: Args,
    ) -> Result<Vec<Args>, DbError> {
        match &mut self.inner {
            Inner::Sqlite(tx) => {
                let rows = sqlx::query_with::<Sqlite, _>(sql, sqlite_args(args)?)
                    .fetch_all(&mut **tx)
                    .await?;
                rows.iter().map(of_sqlite).collect()
            }
            Inner::Postgres(tx) => {
                let rows = sqlx::query_with::<Postgres, _>(sql, postgres_args(args)?)
                    .fetch_all(&mut **tx)
                    .await?;
                rows.iter().map(of_postgres).collect()
            }
        }
    }
}

fn of_sqlite(row: &SqliteRow) -> Result<Args, DbError> {
    let value = |at: usize| {
        let kind = row.try_get_raw(at)?.type_info().name().to_owned();
        Ok(match kind.as_str() {
            "INTEGER" => Arg::Int(row.try_get(at)?),
            "TEXT" => Arg::Text(row.try_get(at)?),
            // Also a UUID, which SQLite does not tell from it.
            _ => Arg::Bytes(row.try_get(at)?),
        })
    };
    (0..row.len()).map(value).collect()
}

fn of_postgres(row: &PgRow) -> Result<Args, DbError> {
    let value = |at: usize| {
        Ok(match row.column(at).type_info().name() {
            "INT8" => Arg::Int(row.try_get(at)?),
            "UUID" => Arg::Uuid(row.try_get(at)?),
            "TEXT" => Arg::Text(row.try_get(at)?),
            _ => Arg::Bytes(row.try_get(at)?),
        })
    };
    (0..row.len()).map(value).collect()
}
