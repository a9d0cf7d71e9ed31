//! An empty database of its own for each test.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use kernel::{OrgId, UserId};
use platform::crypto::{MasterKey, OrgKeys};
use platform::{Ctx, Db, Migration, Platform, Scope};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;

use crate::time::{FixedClock, SeededIds};

/// Where the ephemeral PostgreSQL cluster of the test run listens; set by `scripts/with-postgres.sh`.
const POSTGRES_URL: &str = "GUANXI_TEST_POSTGRES";

/// A migrated database with a folder, a key, a clock at 2026-01-01T00:00:00Z and seeded ids.
pub struct TestDb {
    platform: Platform,
    folder: TempDir,
    clock: Arc<FixedClock>,
    url: Option<String>,
}

/// The file of the SQLite database in the data folder.
const SQLITE_FILE: &str = "guanxi.db";
/// The master key of every test.
const MASTER_KEY: [u8; 32] = [42; 32];

impl TestDb {
    /// On SQLite, in a temporary folder.
    ///
    /// # Panics
    /// When the database cannot be made.
    pub async fn sqlite(migrations: &[Migration]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let db = Db::open_sqlite(&folder.path().join(SQLITE_FILE)).await.expect("SQLite opens");
        Self::finish(db, folder, None, migrations).await
    }

    /// On PostgreSQL, in a fresh database of the test run's cluster.
    ///
    /// # Panics
    /// When there is no cluster: run the tests with `scripts/with-postgres.sh cargo nextest run`.
    pub async fn postgres(migrations: &[Migration]) -> Self {
        Self::postgres_made(migrations, "").await
    }

    /// On PostgreSQL, in a fresh and empty database of the cluster at `base`, which is not the test run's.
    ///
    /// # Panics
    /// When the cluster does not answer.
    pub async fn postgres_at(base: &str) -> Self {
        Self::postgres_in(base, &[], "").await
    }

    /// A PostgreSQL database that sorts texts as people of `locale` (`en-US`) do.
    pub async fn postgres_of_locale(migrations: &[Migration], locale: &str) -> Self {
        let made = format!(
            " TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE '{locale}' LOCALE 'C'"
        );
        Self::postgres_made(migrations, &made).await
    }

    async fn postgres_made(migrations: &[Migration], made: &str) -> Self {
        let base = std::env::var(POSTGRES_URL).unwrap_or_else(|_| {
            panic!("{POSTGRES_URL} is not set; run `make test` or `scripts/with-postgres.sh cargo nextest run`")
        });
        Self::postgres_in(&base, migrations, made).await
    }

    async fn postgres_in(base: &str, migrations: &[Migration], made: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Process ids come again while a long run goes on; the name of the folder tells them apart.
        let random = folder.path().file_name().unwrap_or_default().to_string_lossy();
        let random: String = random.chars().filter(char::is_ascii_alphanumeric).collect();
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("t{}_{number}_{}", std::process::id(), random.to_lowercase());
        let mut admin = PgConnection::connect(&format!("{base}/postgres"))
            .await
            .expect("the test cluster answers");
        admin
            .execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}{made}")))
            .await
            .expect("a fresh database");
        admin.close().await.expect("the connection closes");
        let url = format!("{base}/{name}");
        let db = Db::connect_postgres(&url).await.expect("PostgreSQL connects");
        Self::finish(db, folder, Some(url), migrations).await
    }

    async fn finish(
        db: Db,
        folder: TempDir,
        url: Option<String>,
        migrations: &[Migration],
    ) -> Self {
        db.migrate(migrations).await.expect("migrations run");
        let clock = Arc::new(FixedClock::at("2026-01-01T00:00:00Z"));
        let ids = Arc::new(SeededIds::new(1));
        let key = MasterKey::new(MASTER_KEY);
        let platform = Platform::new(db, key, clock.clone(), ids, folder.path());
        Self { platform, folder, clock, url }
    }

    /// The database.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.platform.db
    }

    /// The platform over this database.
    #[must_use]
    pub const fn platform(&self) -> &Platform {
        &self.platform
    }

    /// A platform with connections and live bus of its own over the same data and clock, as another
    /// process would have it.
    ///
    /// # Panics
    /// When the database cannot be opened again.
    pub async fn another_process(&self) -> Platform {
        let db = match &self.url {
            Some(url) => Db::connect_postgres(url).await,
            None => Db::open_sqlite(&self.folder.path().join(SQLITE_FILE)).await,
        };
        let (clock, ids) = (self.clock.clone(), self.platform.ids.clone());
        let key = self.platform.master.clone();
        Platform::new(db.expect("the database opens again"), key, clock, ids, self.folder.path())
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
        self.platform.ctx(scope)
    }

    /// Keys of the first organisation, the same in every test.
    #[must_use]
    pub fn keys(&self) -> OrgKeys {
        self.platform.keys(OrgId::FIRST)
    }
}
