//! A transaction on either database, with one SQL text for both.

use futures::TryStreamExt as _;
use kernel::OrgId;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    Arguments as _, AssertSqlSafe, FromRow, Postgres, SqlSafeStr, SqlStr, Sqlite, Transaction,
};

use super::args::{Arg, Args};
use super::error::DbError;
use super::wall::{self, Wall};
use crate::Scope;

/// A row type that both databases can fill. Derive it with `#[derive(sqlx::FromRow)]`, or use a tuple.
pub trait AnyRow:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}
impl<T> AnyRow for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

pub(super) enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// An open transaction. Dropped without [`Tx::commit`], it is rolled back.
///
/// SQL is written once, with `$1` placeholders, in the words both databases share: types are BIGINT,
/// TEXT, BYTEA, UUID, BOOLEAN and DOUBLE PRECISION; upserts are `ON CONFLICT`.
pub struct Tx {
    pub(super) inner: Inner,
    pub(super) committed: Option<tokio::sync::watch::Sender<u64>>,
    /// For whom it works; nobody in particular outside the second wall.
    pub(super) org: Option<OrgId>,
    pub(super) wall: Wall,
    pub(super) rewrite: Option<Rewrite>,
}

/// What a [`Rewrite`] is asked when work was made durable.
pub(super) const COMMIT: &str = "COMMIT";
/// Changes the text of a statement; see `Db::with_rewriting`.
pub type Rewrite = fn(&str) -> String;

pub(super) fn sqlite_args(args: Args) -> Result<SqliteArguments, DbError> {
    let mut out = SqliteArguments::default();
    out.reserve(args.len(), 0);
    for arg in args {
        match arg {
            Arg::Int(v) => out.add(v),
            Arg::Float(v) => out.add(v),
            Arg::Bool(v) => out.add(v),
            Arg::Text(v) => out.add(v),
            Arg::Bytes(v) => out.add(v),
            Arg::Uuid(v) => out.add(v),
        }
        .map_err(|error| DbError::Other(sqlx::Error::Encode(error)))?;
    }
    Ok(out)
}

pub(super) fn postgres_args(args: Args) -> Result<PgArguments, DbError> {
    let mut out = PgArguments::default();
    out.reserve(args.len(), args.len() * 16);
    for arg in args {
        match arg {
            Arg::Int(v) => out.add(v),
            Arg::Float(v) => out.add(v),
            Arg::Bool(v) => out.add(v),
            Arg::Text(v) => out.add(v),
            Arg::Bytes(v) => out.add(v),
            Arg::Uuid(v) => out.add(v),
        }
        .map_err(|error| DbError::Other(sqlx::Error::Encode(error)))?;
    }
    Ok(out)
}

impl Tx {
    /// Whether this runs on PostgreSQL; for the few texts that must differ.
    #[must_use]
    pub const fn is_postgres(&self) -> bool {
        matches!(self.inner, Inner::Postgres(_))
    }

    fn text(&self, sql: impl SqlSafeStr) -> SqlStr {
        let sql = sql.into_sql_str();
        match self.rewrite {
            None => sql,
            Some(rewrite) => AssertSqlSafe(rewrite(sql.as_str())).into_sql_str(),
        }
    }

    /// Puts an open transaction behind the second wall, as one of `scope`; for what has to do with no
    /// organisation before and after its work.
    pub(crate) async fn enter(&mut self, scope: Scope) -> Result<(), DbError> {
        self.org = Some(scope.org());
        let sql = wall::entering(&self.wall, scope.org());
        if sql.is_empty() { Ok(()) } else { self.run_script(sql).await }
    }

    /// Takes an open transaction back out.
    pub(crate) async fn leave(&mut self) -> Result<(), DbError> {
        self.org = None;
        match self.wall {
            Wall::Up(_) => self.run_script(wall::LEAVING.to_owned()).await,
            Wall::Down(_) | Wall::None => Ok(()),
        }
    }

    /// Runs a statement and gives the number of rows it touched.
    ///
    /// # Errors
    /// As the database says.
    pub async fn execute(&mut self, sql: impl SqlSafeStr, args: Args) -> Result<u64, DbError> {
        let sql = self.text(sql);
        Ok(match &mut self.inner {
            Inner::Sqlite(tx) => sqlx::query_with::<Sqlite, _>(sql, sqlite_args(args)?)
                .execute(&mut **tx)
                .await?
                .rows_affected(),
            Inner::Postgres(tx) => sqlx::query_with::<Postgres, _>(sql, postgres_args(args)?)
                .execute(&mut **tx)
                .await?
                .rows_affected(),
        })
    }

    /// All rows. Use only where the statement bounds their number; see [`Tx::for_each`].
    ///
    /// # Errors
    /// As the database says.
    pub async fn fetch_all<T: AnyRow>(
        &mut self,
        sql: impl SqlSafeStr,
        args: Args,
    ) -> Result<Vec<T>, DbError> {
        let sql = self.text(sql);
        Ok(match &mut self.inner {
            Inner::Sqlite(tx) => {
                sqlx::query_as_with::<Sqlite, T, _>(sql, sqlite_args(args)?)
                    .fetch_all(&mut **tx)
                    .await?
            }
            Inner::Postgres(tx) => {
                sqlx::query_as_with::<Postgres, T, _>(sql, postgres_args(args)?)
                    .fetch_all(&mut **tx)
                    .await?
            }
        })
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// As the database says.
    pub async fn fetch_optional<T: AnyRow>(
        &mut self,
        sql: impl SqlSafeStr,
        args: Args,
    ) -> Result<Option<T>, DbError> {
        let sql = self.text(sql);
        Ok(match &mut self.inner {
            Inner::Sqlite(tx) => {
                sqlx::query_as_with::<Sqlite, T, _>(sql, sqlite_args(args)?)
                    .fetch_optional(&mut **tx)
                    .await?
            }
            Inner::Postgres(tx) => {
                sqlx::query_as_with::<Postgres, T, _>(sql, postgres_args(args)?)
                    .fetch_optional(&mut **tx)
                    .await?
            }
        })
    }

    /// The one row.
    ///
    /// # Errors
    /// `NotFound` if there is none; otherwise as the database says.
    pub async fn fetch_one<T: AnyRow>(
        &mut self,
        sql: impl SqlSafeStr,
        args: Args,
    ) -> Result<T, DbError> {
        self.fetch_optional(sql, args).await?.ok_or(DbError::NotFound)
    }

    /// Gives each row to `take` as it arrives, so that memory does not grow with their number.
    ///
    /// # Errors
    /// As the database says.
    pub async fn for_each<T: AnyRow>(
        &mut self,
        sql: impl SqlSafeStr,
        args: Args,
        mut take: impl FnMut(T) + Send,
    ) -> Result<(), DbError> {
        let sql = self.text(sql);
        match &mut self.inner {
            Inner::Sqlite(tx) => {
                let mut rows =
                    sqlx::query_as_with::<Sqlite, T, _>(sql, sqlite_args(args)?).fetch(&mut **tx);
                while let Some(row) = rows.try_next().await? {
                    take(row);
                }
            }
            Inner::Postgres(tx) => {
                let mut rows = sqlx::query_as_with::<Postgres, T, _>(sql, postgres_args(args)?)
                    .fetch(&mut **tx);
                while let Some(row) = rows.try_next().await? {
                    take(row);
                }
            }
        }
        Ok(())
    }

    /// Lets PostgreSQL measure `tables` after much was written; its own turn may come a minute too
    /// late. SQLite has fixed statistics, from the migrations.
    ///
    /// # Errors
    /// As the database says.
    pub async fn analyze(&mut self, tables: &[&'static str]) -> Result<(), DbError> {
        if let Inner::Postgres(tx) = &mut self.inner {
            // Owners alone may; one text is one message.
            let mut sql = format!("{}; ANALYZE {}", wall::LEAVING, tables.join(", "));
            if let Some(org) = self.org {
                sql = format!("{sql}; {}", wall::entering(&self.wall, org));
            }
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut **tx).await?;
        }
        Ok(())
    }

    /// Runs several statements that take no arguments; for migrations.
    ///
    /// # Errors
    /// As the database says.
    pub(super) async fn run_script(&mut self, sql: String) -> Result<(), DbError> {
        let script = sqlx::raw_sql(sqlx::AssertSqlSafe(sql));
        match &mut self.inner {
            Inner::Sqlite(tx) => script.execute(&mut **tx).await.map(drop)?,
            Inner::Postgres(tx) => script.execute(&mut **tx).await.map(drop)?,
        }
        Ok(())
    }

    /// Makes the work durable and visible.
    ///
    /// # Errors
    /// As the database says; then nothing was kept, but where the answer was lost on its way.
    pub async fn commit(self) -> Result<(), DbError> {
        match self.inner {
            Inner::Sqlite(tx) => tx.commit().await?,
            Inner::Postgres(tx) => tx.commit().await?,
        }
        if self.rewrite.is_some_and(|rewrite| rewrite(COMMIT) != COMMIT) {
            return Err(DbError::Unavailable("no answer to a commit".to_owned()));
        }
        if let Some(committed) = self.committed {
            committed.send_modify(|count| *count += 1);
        }
        Ok(())
    }

    /// Gives the work up.
    ///
    /// # Errors
    /// As the database says; the work is given up all the same.
    pub async fn rollback(self) -> Result<(), DbError> {
        match self.inner {
            Inner::Sqlite(tx) => tx.rollback().await?,
            Inner::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}
