//! Fresh places for data, on both databases, and the program run on them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::str::FromStr as _;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::{Boot, DataOptions};

/// A PostgreSQL that may be filled with databases; `scripts/with-postgres.sh` sets it.
pub(super) const POSTGRES_VARIABLE: &str = "GUANXI_TEST_POSTGRES";

/// What would lead the program away from the options given here.
const VARIABLES: [&str; 6] = [
    "GUANXI_DATA",
    "GUANXI_DATABASE_URL",
    "GUANXI_KEY",
    "GUANXI_LISTEN",
    "GUANXI_LOG",
    "GUANXI_BEHIND_PROXY",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// A folder that is removed with all that is in it.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn inside(folder: &Path) -> Result<Self> {
        let path = std::path::absolute(folder)?.join(format!("bench-{}", std::process::id()));
        std::fs::create_dir_all(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Makes stores and takes them away.
#[derive(Debug)]
pub(super) struct Stores<'a> {
    scratch: &'a Scratch,
    admin: Option<PgConnectOptions>,
    made: u32,
    databases: Vec<String>,
}

/// Where the program keeps its data.
#[derive(Debug, Clone)]
pub(super) struct Store {
    pub(super) database: Database,
    pub(super) folder: PathBuf,
    url: Option<String>,
    name: String,
}

impl<'a> Stores<'a> {
    pub(super) fn new(scratch: &'a Scratch) -> Result<Self> {
        let admin = match std::env::var(POSTGRES_VARIABLE) {
            Ok(url) if !url.is_empty() => {
                let options = PgConnectOptions::from_str(&url).context(POSTGRES_VARIABLE)?;
                Some(options.database("postgres"))
            }
            _ => None,
        };
        Ok(Self { scratch, admin, made: 0, databases: Vec::new() })
    }

    pub(super) fn databases(&self) -> Vec<Database> {
        let mut all = vec![Database::Sqlite];
        all.extend(self.admin.is_some().then_some(Database::Postgres));
        all
    }

    /// A store that nobody used.
    pub(super) async fn fresh(&mut self, database: Database) -> Result<Store> {
        self.made += 1;
        let name = format!("guanxi_bench_{}_{}", std::process::id(), self.made);
        let folder = self.scratch.path(&format!("data-{}", self.made));
        let url = match (database, &self.admin) {
            (Database::Sqlite, _) => None,
            (Database::Postgres, None) => bail!("{POSTGRES_VARIABLE} is not set"),
            (Database::Postgres, Some(admin)) => {
                order(admin, format!("CREATE DATABASE {name}")).await?;
                self.databases.push(name.clone());
                Some(admin.clone().database(&name).to_url_lossy().to_string())
            }
        };
        Ok(Store { database, folder, url, name })
    }

    /// Takes `store` away; nothing may use it any more.
    pub(super) async fn remove(&mut self, store: Store) -> Result<()> {
        if store.folder.exists() {
            std::fs::remove_dir_all(&store.folder)
                .with_context(|| format!("cannot remove {}", store.folder.display()))?;
        }
        if let Some(admin) = self.admin.as_ref().filter(|_| self.databases.contains(&store.name)) {
            drop_database(admin, &store.name).await?;
            self.databases.retain(|name| *name != store.name);
        }
        Ok(())
    }

    /// Takes away the databases that are left when a measurement broke off.
    pub(super) async fn clean(&mut self) {
        for name in std::mem::take(&mut self.databases) {
            if let Some(admin) = &self.admin
                && let Err(error) = drop_database(admin, &name).await
            {
                crate::cli::say(&format!("the database {name} is left: {error:#}"));
            }
        }
    }
}

async fn drop_database(admin: &PgConnectOptions, name: &str) -> Result<()> {
    order(admin, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await
}

async fn order(admin: &PgConnectOptions, command: String) -> Result<()> {
    let mut connection = admin.connect().await.context("cannot connect to PostgreSQL")?;
    connection.execute(AssertSqlSafe(command)).await?;
    Ok(connection.close().await?)
}

/// What a finished command printed, and how long it took from its start to its end.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) answer: Value,
    pub(super) seconds: f64,
}

impl Store {
    /// Data that are there already, on SQLite in `folder`, or on PostgreSQL with its keys there.
    pub(super) fn existing(folder: &Path, url: Option<&str>) -> Result<Self> {
        let database = if url.is_some() { Database::Postgres } else { Database::Sqlite };
        let folder = std::path::absolute(folder)?;
        ensure!(folder.is_dir(), "there is no folder {}", folder.display());
        Ok(Self { database, folder, url: url.map(str::to_owned), name: String::new() })
    }

    /// This program with `args` on this store.
    pub(super) fn guanxi(&self, args: &[&str]) -> Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(args).arg("--json").arg("--data").arg(&self.folder);
        for name in VARIABLES {
            command.env_remove(name);
        }
        if let Some(url) = &self.url {
            // Not as an option: those are seen by everyone on the machine.
            command.env("GUANXI_DATABASE_URL", url);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        Ok(command)
    }

    /// Runs a command that prints JSON to its end, with `input` on its standard input.
    pub(super) async fn run(&self, args: &[&str], input: &str) -> Result<Ran> {
        let mut command = self.guanxi(args)?;
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        let begun = Instant::now();
        let mut child = command.spawn().context("cannot start this program anew")?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that does not read leaves a broken pipe, which is no failure.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        let output = child.wait_with_output().await?;
        let seconds = begun.elapsed().as_secs_f64();
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "guanxi {} failed: {said}", args.join(" "));
        let answer = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("what guanxi {} printed", args.join(" ")))?;
        Ok(Ran { answer, seconds })
    }

    /// Opens it in this process.
    pub(super) async fn open(&self) -> Result<Boot> {
        let (folder, database_url) = (self.folder.clone(), self.url.clone());
        Boot::open(&DataOptions { folder, database_url, key: None }).await
    }
}
