//! An empty database of its own for each test.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use kernel::{OrgId, UserId};
use platform::crypto::{MasterKey, OrgKeys};
use platform::{Ctx, Db, Migration, Scope};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;

use crate::time::{FixedClock, SeededIds};

/// Where the ephemeral PostgreSQL cluster of the test run listens; set by `scripts/with-postgres.sh`.
const POSTGRES_URL: &str = "GUANXI_TEST_POSTGRES";

/// A migrated database with a folder, a key, a clock at 2026-01-01T00:00:00Z and seeded ids.
pub struct TestDb {
    db: Db,
    folder: TempDir,
    clock: Arc<FixedClock>,
    ids: Arc<SeededIds>,
    url: Option<String>,
}

impl TestDb {
    /// On SQLite, in a temporary folder.
    ///
    /// # Panics
    /// When the database cannot be made.
    pub async fn sqlite(migrations: &[Migration]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let db = Db::open_sqlite(&folder.path().join("guanxi.db")).await.expect("SQLite opens");
        Self::finish(db, folder, None, migrations).await
    }

    /// On PostgreSQL, in a fresh database of the test run's cluster.
    ///
    /// # Panics
    /// When there is no cluster: run the tests with `scripts/with-postgres.sh cargo nextest run`.
    pub async fn postgres(migrations: &[Migration]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let base = std::env::var(POSTGRES_URL).unwrap_or_else(|_| {
            panic!("{POSTGRES_URL} is not set; run `make test` or `scripts/with-postgres.sh cargo nextest run`")
        });
        let name = format!("t{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst));
        let mut admin = PgConnection::connect(&format!("{base}/postgres"))
            .await
            .expect("the test cluster answers");
        admin
            .execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .await
            .expect("a fresh database");
        admin.close().await.expect("the connection closes");
        let url = format!("{base}/{name}");
        let db = Db::connect_postgres(&url).await.expect("PostgreSQL connects");
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::finish(db, folder, Some(url), migrations).await
    }

    async fn finish(
        db: Db,
        folder: TempDir,
        url: Option<String>,
        migrations: &[Migration],
    ) -> Self {
        db.migrate(migrations).await.expect("migrations run");
        Self {
            db,
            folder,
            clock: Arc::new(FixedClock::at("2026-01-01T00:00:00Z")),
            ids: Arc::new(SeededIds::new(1)),
            url,
        }
    }

    /// The database.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// The URL of the database, if it is PostgreSQL.
    #[must_use]
    pub fn postgres_url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// The data folder.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The clock, to set it.
    #[must_use]
    pub fn clock(&self) -> &FixedClock {
        &self.clock
    }

    /// A context of the program itself in the first organisation.
    #[must_use]
    pub fn ctx(&self) -> Ctx {
        self.ctx_with(Scope::system(OrgId::FIRST))
    }

    /// A context of `user` in the first organisation.
    #[must_use]
    pub fn ctx_of(&self, user: UserId) -> Ctx {
        self.ctx_with(Scope::user(OrgId::FIRST, user))
    }

    fn ctx_with(&self, scope: Scope) -> Ctx {
        Ctx { scope, clock: self.clock.clone(), ids: self.ids.clone() }
    }

    /// Keys of the first organisation, the same in every test.
    #[must_use]
    pub fn keys(&self) -> OrgKeys {
        MasterKey::new([42; 32]).org_keys(OrgId::FIRST)
    }
}
