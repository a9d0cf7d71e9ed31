//! The database: SQLite inside the data folder, or PostgreSQL.

pub mod args;
mod bulk;
mod error;
mod migrate;
mod rows;
mod savepoint;
mod tx;
mod values;
mod wall;

use std::path::Path;
use std::time::Duration;

use kernel::OrgId;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgPool, SqlitePool};
use tokio::sync::watch;

use crate::Scope;

pub use args::{Arg, Args, Fragment};
pub use bulk::BulkRows;
pub use error::DbError;
pub use migrate::Migration;
pub(crate) use migrate::{lock_migrations, migrate_in};
pub(crate) use rows::RowSink;
pub use tx::{AnyRow, Rewrite, Tx};
pub use wall::Wall;

/// How long a request waits for its turn to write before it is told to come back.
const WRITE_WAIT: Duration = Duration::from_secs(60);
/// Connections that read SQLite side by side.
const SQLITE_READERS: u32 = 6;
/// Rows that SQLite's thread may read ahead of who takes them: waking one another costs as much as
/// some dozen rows.
const SQLITE_ROWS_AHEAD: usize = 2_000;
/// Connections to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 16;
/// Page cache of the SQLite writer, in KiB: holds the hot part of the indexes during an import.
const WRITER_CACHE_KIB: i32 = 80 * 1024;
/// Pages of 8 KiB in the write-ahead log before they are copied into the database: 256 MiB, so that an
/// index page which many transactions touch is copied once.
const WAL_CHECKPOINT_PAGES: &str = "32768";
/// Page cache of each SQLite reader, in KiB.
const READER_CACHE_KIB: i32 = 8 * 1024;

/// Opens a transaction that reads one state on PostgreSQL.
const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

#[derive(Clone)]
enum Pools {
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    Postgres(PgPool),
}

/// A handle to the database; cheap to clone.
#[derive(Clone)]
pub struct Db {
    pools: Pools,
    committed: watch::Sender<u64>,
    wall: wall::Known,
    rewrite: Option<Rewrite>,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_postgres() { "Db(PostgreSQL)" } else { "Db(SQLite)" })
    }
}

impl Db {
    /// Opens (or makes) the SQLite file at `path`.
    ///
    /// WAL, one writer with `BEGIN IMMEDIATE`, `synchronous=FULL`: what was acknowledged is on disk.
    ///
    /// # Errors
    /// As the database says.
    pub async fn open_sqlite(path: &Path) -> Result<Self, DbError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .page_size(8192)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(false)
            .busy_timeout(WRITE_WAIT)
            .pragma("temp_store", "MEMORY")
            .pragma("journal_size_limit", "67108864")
            .pragma("wal_autocheckpoint", WAL_CHECKPOINT_PAGES)
            .row_buffer_size(SQLITE_ROWS_AHEAD)
            .statement_cache_capacity(200);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(WRITE_WAIT)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .after_release(|conn, _| Box::pin(async move { roll_back_sqlite(conn).await }))
            .connect_with(options.clone().pragma("cache_size", format!("-{WRITER_CACHE_KIB}")))
            .await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(SQLITE_READERS)
            .acquire_timeout(WRITE_WAIT)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .after_release(|conn, _| Box::pin(async move { roll_back_sqlite(conn).await }))
            .connect_with(
                options
                    .pragma("cache_size", format!("-{READER_CACHE_KIB}"))
                    .pragma("query_only", "ON"),
            )
            .await?;
        Ok(Self::over(Pools::Sqlite { writer, readers }))
    }

    /// Connects to PostgreSQL at `url`.
    ///
    /// # Errors
    /// `Unavailable` if it does not answer; `Other` if the URL or the sign-in is wrong.
    pub async fn connect_postgres(url: &str) -> Result<Self, DbError> {
        let options: PgConnectOptions = url.parse().map_err(DbError::from)?;
        let options = options
            .application_name("guanxi")
            .options([
                ("idle_in_transaction_session_timeout", "300000"),
                ("timezone", "UTC"),
                // The `ROLLBACK` below would warn each time that there is nothing to roll back.
                ("client_min_messages", "error"),
            ])
            .statement_cache_capacity(200);
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(Duration::from_secs(10))
            .after_release(|conn, _| {
                Box::pin(async move {
                    // A cancelled `begin()` may leave one open (sqlx #4385, #4394). Outside a
                    // transaction this is a warning and nothing else. A cancelled COPY may leave its
                    // answer unread, which sqlx would take for that of the next statement, and so on
                    // for ever: only a connection that answers what it was asked goes back.
                    let asked = sqlx::raw_sql("ROLLBACK; SELECT 1");
                    let answers = conn.fetch_optional(asked).await?.is_some();
                    if !answers {
                        tracing::warn!("closed a connection that answers late");
                    }
                    Ok(answers)
                })
            })
            .connect_with(options)
            .await?;
        let db = Self::over(Pools::Postgres(pool));
        let mut tx = db.read_wide().await?;
        db.wall.set(wall::look(&mut tx).await?);
        tx.rollback().await?;
        Ok(db)
    }

    fn over(pools: Pools) -> Self {
        let wall = wall::Known::new(Wall::None);
        Self { pools, committed: watch::Sender::new(0), wall, rewrite: None }
    }

    /// Whether organisations are held apart by the database as well.
    #[must_use]
    pub fn wall(&self) -> Wall {
        self.wall.get()
    }

    /// A handle that changes the text of each statement; for the tests that take the first wall away. Where it changes
    /// [`tx::COMMIT`], the work is kept and its answer lost.
    #[doc(hidden)]
    #[must_use]
    pub fn with_rewriting(&self, rewrite: Rewrite) -> Self {
        Self { rewrite: Some(rewrite), ..self.clone() }
    }

    /// Whether this is PostgreSQL.
    #[must_use]
    pub const fn is_postgres(&self) -> bool {
        matches!(self.pools, Pools::Postgres(_))
    }

    /// Opens a transaction of the organisation of `scope` that may write. On SQLite there is one at a time;
    /// others wait their turn. On PostgreSQL it sees and changes only rows of that organisation, whatever
    /// its statements say.
    ///
    /// # Errors
    /// `Unavailable` if the turn does not come within a minute.
    pub async fn begin_for(&self, scope: Scope) -> Result<Tx, DbError> {
        self.open(true, Some(scope.org())).await
    }

    /// Opens a transaction of the organisation of `scope` that only reads, and sees one state of the data
    /// throughout; on PostgreSQL only of that organisation.
    ///
    /// # Errors
    /// `Unavailable` if no connection is free in time.
    pub async fn read_for(&self, scope: Scope) -> Result<Tx, DbError> {
        self.open(false, Some(scope.org())).await
    }

    /// As [`Db::begin_for`], but outside the second wall: for what the program does for all organisations
    /// at once. `tests/house` lists who may.
    ///
    /// # Errors
    /// As [`Db::begin_for`].
    pub async fn begin_wide(&self) -> Result<Tx, DbError> {
        self.open(true, None).await
    }

    /// As [`Db::read_for`], but outside the second wall; see [`Db::begin_wide`].
    ///
    /// # Errors
    /// As [`Db::read_for`].
    pub async fn read_wide(&self) -> Result<Tx, DbError> {
        self.open(false, None).await
    }

    /// [`Db::begin_wide`], for tests; `tests/house` refuses it in the program.
    ///
    /// # Errors
    /// As [`Db::begin_wide`].
    pub async fn begin(&self) -> Result<Tx, DbError> {
        self.begin_wide().await
    }

    /// [`Db::read_wide`], for tests; `tests/house` refuses it in the program.
    ///
    /// # Errors
    /// As [`Db::read_wide`].
    pub async fn read(&self) -> Result<Tx, DbError> {
        self.read_wide().await
    }

    async fn open(&self, writes: bool, org: Option<OrgId>) -> Result<Tx, DbError> {
        let wall = self.wall.get();
        let inner = match &self.pools {
            Pools::Sqlite { writer, .. } if writes => {
                let pool = writer.clone();
                tx::Inner::Sqlite(
                    whole(async move { pool.begin_with("BEGIN IMMEDIATE").await }).await?,
                )
            }
            Pools::Sqlite { readers, .. } => {
                let pool = readers.clone();
                tx::Inner::Sqlite(whole(async move { pool.begin().await }).await?)
            }
            Pools::Postgres(pool) => {
                let pool = pool.clone();
                let begin = if writes { "BEGIN" } else { READ };
                let entering = org.map(|org| wall::entering(&wall, org)).unwrap_or_default();
                // One message, so that the wall costs no way to the server and back.
                let sql = AssertSqlSafe(format!("{begin}; {entering}"));
                tx::Inner::Postgres(whole(async move { pool.begin_with(sql).await }).await?)
            }
        };
        let committed = writes.then(|| self.committed.clone());
        Ok(Tx { inner, committed, org, wall, rewrite: self.rewrite })
    }

    /// Changes whenever this process commits a write; for workers that wait for news.
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.committed.subscribe()
    }

    /// Whether [`Db::close`] was called.
    pub(crate) fn is_closed(&self) -> bool {
        match &self.pools {
            Pools::Sqlite { readers, .. } => readers.is_closed(),
            Pools::Postgres(pool) => pool.is_closed(),
        }
    }

    /// The same database over a connection of its own, which does not wait for those of the pools.
    pub(crate) async fn apart(&self) -> Result<Self, DbError> {
        let pools = match &self.pools {
            Pools::Sqlite { readers, .. } => {
                let options = SqlitePoolOptions::new().max_connections(1);
                let options = options.acquire_timeout(Duration::from_secs(10));
                let only = options.connect_with((*readers.connect_options()).clone()).await?;
                Pools::Sqlite { writer: only.clone(), readers: only }
            }
            Pools::Postgres(pool) => {
                let options = PgPoolOptions::new().max_connections(1);
                let options = options.acquire_timeout(Duration::from_secs(10));
                Pools::Postgres(options.connect_with((*pool.connect_options()).clone()).await?)
            }
        };
        Ok(Self { pools, committed: watch::Sender::new(0), ..self.clone() })
    }

    /// Closes all connections after their present work.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

/// Runs the opening of a transaction to its end even if the caller goes away: a cancelled `begin()`
/// can return a connection with an open transaction to the pool (sqlx #4385, #4394). If nobody waits
/// any more, the finished transaction is dropped, which rolls it back.
async fn whole<T: Send + 'static>(
    opening: impl Future<Output = Result<T, sqlx::Error>> + Send + 'static,
) -> Result<T, DbError> {
    tokio::spawn(opening)
        .await
        .map_err(|error| DbError::Unavailable(error.to_string()))?
        .map_err(DbError::from)
}

/// Second wall against the same: a connection comes back to the pool without a transaction. One whose
/// `COMMIT` failed, as on a full disk, does not come back: SQLite has ended its transaction, and sqlx
/// counts it as open for ever and would begin no other.
async fn roll_back_sqlite(conn: &mut sqlx::SqliteConnection) -> Result<bool, sqlx::Error> {
    match conn.execute("ROLLBACK").await {
        Ok(_) => tracing::warn!("rolled back a transaction that was left open"),
        // "cannot rollback - no transaction is active" is the normal case.
        Err(sqlx::Error::Database(_)) => {}
        Err(error) => return Err(error),
    }
    let is_open = conn.is_in_transaction();
    if is_open {
        tracing::warn!("closed a connection whose transaction did not end");
    }
    Ok(!is_open)
}

/// `value` as JSON text for a TEXT column.
pub(crate) fn json_text(value: &impl serde::Serialize) -> Result<String, DbError> {
    serde_json::to_string(value)
        .map_err(|error| DbError::Other(sqlx::Error::Encode(Box::new(error))))
}
