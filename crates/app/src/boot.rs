//! From a folder and an environment to a [`Platform`] whose data fits this program.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use kernel::OrgId;
use platform::backup::Unfinished;
use platform::crypto::MasterKey;
use platform::system::{SystemClock, SystemIds};
use platform::{Ctx, Db, DbError, Platform, Scope, audit, backup, disk, keys, meta};

use crate::modules;

/// Holds the master key, instead of the key file.
pub const KEY_VARIABLE: &str = "GUANXI_KEY";
/// How long the database may take to close.
const CLOSE: Duration = Duration::from_secs(2);

/// SQLite's file in a data folder.
pub const DATABASE_FILE: &str = "guanxi.db";

/// Where the data is.
#[derive(Debug, Clone)]
pub struct DataOptions {
    /// The data folder.
    pub folder: PathBuf,
    /// PostgreSQL, instead of SQLite inside the folder.
    pub database_url: Option<String>,
    /// The master key as text, from [`KEY_VARIABLE`]; `None` for the key file beside the folder.
    pub key: Option<String>,
}

impl DataOptions {
    /// The data in `folder`, with the key from the environment.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, database_url: Option<String>) -> Self {
        let key = std::env::var(KEY_VARIABLE).ok().filter(|key| !key.is_empty());
        Self { folder: folder.into(), database_url, key }
    }

    /// The master key, which must be there: nothing is made.
    ///
    /// # Errors
    /// When there is none, or what is there is no key.
    pub fn master_key(&self) -> Result<MasterKey> {
        if let Some(text) = &self.key {
            return Ok(MasterKey::parse(text, KEY_VARIABLE)?);
        }
        let file = self.key_file()?;
        let text = std::fs::read_to_string(&file).map_err(|error| {
            anyhow!(
                "the key file {}: {}; put the key of the data that was backed up there, or into \
                 {KEY_VARIABLE}",
                file.display(),
                disk::told(&error)
            )
        })?;
        Ok(MasterKey::parse(&text, &file.display().to_string())?)
    }

    /// The key file beside the data folder.
    ///
    /// # Errors
    /// When the folder has no name.
    pub fn key_file(&self) -> Result<PathBuf> {
        let folder = self.folder.canonicalize().or_else(|_| std::path::absolute(&self.folder))?;
        key_file_of(&folder)
    }

    /// Opens the database and leaves it as it is; makes the folder and the file of SQLite if they are
    /// missing.
    ///
    /// # Errors
    /// With a text that says what is wrong and where.
    pub async fn open_database(&self) -> Result<Db> {
        let folder = prepare_folder(&self.folder)?;
        open_database(&folder, self.database_url.as_deref()).await
    }
}

/// An opened installation, for commands and for the server.
#[derive(Debug, Clone)]
pub struct Boot {
    /// What the program stands on.
    pub platform: Platform,
}

impl Boot {
    /// Opens the data: makes the folder, the key and the database where they are missing, brings the
    /// tables up to date, and makes sure that the key fits the data and the first organisation is
    /// there. Several processes may do so at once.
    ///
    /// # Errors
    /// With a text that says what is wrong and where.
    pub async fn open(options: &DataOptions) -> Result<Self> {
        let boot = Self::open_restored(options).await?;
        match backup::unfinished_restore(&boot.platform.db).await {
            Ok(None) => Ok(boot),
            Ok(Some(Unfinished { backup, .. })) => {
                boot.platform.db.close().await;
                bail!(
                    "this data was restored from the backup {backup}, and who was erased since was not erased \
                     again yet; run the same `guanxi backup restore` once more, with the same --erasures if \
                     there was one, which goes on with that"
                )
            }
            Err(error) => {
                boot.platform.db.close().await;
                Err(error.into())
            }
        }
    }

    /// As [`Boot::open`], also of data that is not to be used yet, because not everybody was erased again since
    /// it was restored.
    ///
    /// # Errors
    /// As [`Boot::open`].
    pub async fn open_restored(options: &DataOptions) -> Result<Self> {
        let folder = prepare_folder(&options.folder)?;
        let key_file = key_file_of(&folder)?;
        let db = open_database(&folder, options.database_url.as_deref()).await?;
        let opened = Self::finish(&folder, &key_file, db.clone(), options).await;
        if opened.is_err() {
            db.close().await;
        }
        opened
    }

    async fn finish(folder: &Path, key_file: &Path, db: Db, options: &DataOptions) -> Result<Self> {
        db.migrate(&modules::migrations()).await.context("cannot bring the tables up to date")?;
        let ids = SystemIds::default();
        let (master, origin, is_new) = match &options.key {
            Some(text) => (MasterKey::parse(text, KEY_VARIABLE)?, KEY_VARIABLE.to_owned(), false),
            None => {
                let is_new = !key_file.exists();
                let master = MasterKey::load_or_create(key_file, &ids)?;
                (master, key_file.display().to_string(), is_new)
            }
        };
        let platform = Platform::new(db, master, Arc::new(SystemClock), Arc::new(ids), folder);
        if let Err(error) = meta::check_master_key(&platform, &origin).await {
            if is_new && matches!(error, DbError::Refused(_)) {
                // The key just made fits nothing; left there it would look like the right one.
                let _ = std::fs::remove_file(key_file);
                bail!(
                    "the key file {origin} is missing, and this data was sealed with it; put it \
                     back, or set {KEY_VARIABLE} (without that key the data is unreadable)"
                );
            }
            return Err(anyhow!(error).context("the key does not fit the data"));
        }
        keys::load(&platform).await.context("the keys of this data cannot be read")?;
        keys::follow(&platform);
        let boot = Self { platform };
        let cx = boot.ctx();
        let mut tx = boot.platform.db.begin_for(cx.scope).await?;
        identity::ensure_org(&mut tx, &cx).await?;
        tx.commit().await?;
        Ok(boot)
    }

    /// The context of the program itself in the first organisation; what commands act in.
    #[must_use]
    pub fn ctx(&self) -> Ctx {
        self.platform.ctx(Scope::system(OrgId::FIRST))
    }

    /// Gives entries of the audit log their places, as workers do while a server runs, and closes the
    /// database.
    pub async fn close(&self) {
        let closing = async {
            if let Err(error) = audit::chain(&self.platform).await {
                tracing::warn!(%error, "the audit log will be chained by whoever comes next");
            }
            self.platform.db.close().await;
        };
        if tokio::time::timeout(CLOSE, closing).await.is_err() {
            tracing::warn!("the database did not close in time");
        }
    }
}

/// Makes the folder (mode 0700) if it is missing, and gives its full path.
fn prepare_folder(folder: &Path) -> Result<PathBuf> {
    let shown = folder.display();
    if folder.exists() && !folder.is_dir() {
        bail!("{shown} is not a directory; --data must name a folder");
    }
    if !folder.is_dir() {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(folder)
            .map_err(|error| anyhow!(disk::told(&error)))
            .with_context(|| format!("cannot make the data folder {shown}"))?;
    }
    folder
        .canonicalize()
        .map_err(|error| anyhow!(disk::told(&error)))
        .with_context(|| format!("cannot open the data folder {shown}"))
}

/// `guanxi-data.key` beside `guanxi-data`: a copy of the folder alone reveals nobody.
fn key_file_of(folder: &Path) -> Result<PathBuf> {
    let name = folder
        .file_name()
        .ok_or_else(|| anyhow!("{} cannot be a data folder: it has no name", folder.display()))?;
    let mut name = OsString::from(name);
    name.push(".key");
    Ok(folder.with_file_name(name))
}

/// Whether `url` is of a database that the program knows.
pub(crate) fn is_postgres(url: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme))
}

async fn open_database(folder: &Path, url: Option<&str>) -> Result<Db> {
    if let Some(url) = url {
        if !is_postgres(url) {
            bail!("--database-url must begin with postgres://");
        }
        return Db::connect_postgres(url)
            .await
            .with_context(|| format!("cannot connect to PostgreSQL at {}", without_password(url)));
    }
    let file = folder.join(DATABASE_FILE);
    if file.is_dir() {
        bail!("{} is a directory, not a database", file.display());
    }
    Db::open_sqlite(&file)
        .await
        .with_context(|| format!("cannot open the database {}", file.display()))
}

/// `url` as it may be shown and logged.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "…".to_owned() };
    let rest = rest.split('?').next().unwrap_or_default();
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    format!("{scheme}://{place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(folder: PathBuf) -> DataOptions {
        DataOptions { folder, database_url: None, key: None }
    }

    async fn refusal(options: DataOptions) -> String {
        format!("{:#}", Boot::open(&options).await.expect_err("it must be refused"))
    }

    #[tokio::test]
    async fn a_fresh_folder_opens_and_opens_again() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a/data");
        let boot = Boot::open(&options(folder.clone())).await.unwrap();
        let again = Boot::open(&options(folder.clone())).await.unwrap();
        let mut tx = again.platform.db.read().await.unwrap();
        assert!(identity::setup_needed(&mut tx, &again.ctx()).await.unwrap());
        tx.rollback().await.unwrap();
        boot.close().await;
        again.close().await;
        assert!(folder.join("guanxi.db").is_file());
        assert!(place.path().join("a/data.key").is_file(), "the key lies beside the folder");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
    }

    #[tokio::test]
    async fn a_missing_or_wrong_key_is_refused_and_nothing_is_left_behind() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("data");
        let key_file = place.path().join("data.key");
        Boot::open(&options(folder.clone())).await.unwrap().close().await;
        let right = std::fs::read_to_string(&key_file).unwrap();

        std::fs::remove_file(&key_file).unwrap();
        let text = refusal(options(folder.clone())).await;
        assert!(text.contains("data.key is missing"), "{text}");
        assert!(!key_file.exists());

        let wrong = format!("{}=", "A".repeat(43));
        let text = refusal(DataOptions { key: Some(wrong), ..options(folder.clone()) }).await;
        assert!(text.contains("fingerprint") && text.contains(KEY_VARIABLE), "{text}");
        let text =
            refusal(DataOptions { key: Some("short".into()), ..options(folder.clone()) }).await;
        assert!(text.contains("32 bytes"), "{text}");

        let boot = Boot::open(&DataOptions { key: Some(right), ..options(folder) }).await.unwrap();
        boot.close().await;
    }

    #[tokio::test]
    async fn what_is_no_folder_is_named() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let text = refusal(options(file.clone())).await;
        assert!(text.contains("file is not a directory"), "{text}");
        let text = refusal(options(file.join("inside"))).await;
        assert!(text.contains("cannot make the data folder"), "{text}");
        let text = refusal(options(PathBuf::from("/"))).await;
        assert!(text.contains("it has no name"), "{text}");
    }

    #[tokio::test]
    async fn newer_data_and_a_dead_server_are_refused() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("data");
        let boot = Boot::open(&options(folder.clone())).await.unwrap();
        let mut tx = boot.platform.db.begin().await.unwrap();
        tx.execute("INSERT INTO platform_migrations VALUES ('identity', 99)", vec![])
            .await
            .unwrap();
        tx.commit().await.unwrap();
        boot.close().await;
        let text = refusal(options(folder.clone())).await;
        assert!(text.contains("written by a newer Guanxi"), "{text}");

        let url = Some("postgres://someone:secret@127.0.0.1:1/shop?sslmode=disable".to_owned());
        let text = refusal(DataOptions { database_url: url, ..options(folder.clone()) }).await;
        assert!(text.contains("PostgreSQL at postgres://127.0.0.1:1/shop"), "{text}");
        assert!(!text.contains("secret"), "{text}");
        let url = Some("mysql://x".to_owned());
        let text = refusal(DataOptions { database_url: url, ..options(folder) }).await;
        assert!(text.contains("postgres://"), "{text}");
    }
}
