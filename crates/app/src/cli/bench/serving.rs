//! `guanxi serve` as a process of its own.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::client::Client;
use super::figures::{Figures, size_name};
use super::stores::Store;
use crate::cli::memory::memory_mib;

/// Who signs in.
pub(super) const EMAIL: &str = "bench@example.com";
pub(super) const PASSWORD: &str = "guanxi bench spine";
/// A million customers are read in a few seconds; this is for machines under load.
const READY_PATIENCE: Duration = Duration::from_secs(300);
const END_PATIENCE: Duration = Duration::from_secs(20);

/// Makes the user of a fresh store.
pub(super) async fn add_user(store: &Store) -> Result<()> {
    store.run(&["user", "add", "--email", EMAIL], PASSWORD).await.map(drop)
}

/// A server that is killed when it is dropped.
pub(super) struct Serving {
    child: Child,
    pub(super) url: String,
    pub(super) client: Client,
    /// From its start until it said that it is ready.
    ready_seconds: f64,
}

impl Serving {
    /// Starts the server on `store`, waits until it is ready, and signs in.
    pub(super) async fn start(store: &Store) -> Result<Self> {
        Self::start_with(store, &[]).await
    }

    /// The same with more `options` of `guanxi serve`.
    pub(super) async fn start_with(store: &Store, options: &[&str]) -> Result<Self> {
        let serving = Self::begin(store, options).await?;
        serving.client.sign_in(EMAIL, PASSWORD).await?;
        Ok(serving)
    }

    async fn begin(store: &Store, options: &[&str]) -> Result<Self> {
        let log = store.folder.with_extension("log");
        let log_file = std::fs::File::create(&log).context("the server's log")?;
        let begun = Instant::now();
        let mut command = store.guanxi(&["serve", "--listen", "127.0.0.1:0", "--no-backups"])?;
        command.args(options);
        let mut child = command.stderr(log_file).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("no standard output")?;
        BufReader::new(stdout).read_line(&mut line).await?;
        let said: Value = serde_json::from_str(&line).with_context(|| {
            format!(
                "the server did not start: {}",
                std::fs::read_to_string(&log).unwrap_or_default()
            )
        })?;
        let url = said["url"].as_str().context("the server does not say where")?.to_owned();
        let client = Client::new(&url)?;
        let ready = async {
            while !client.is_ok("/readyz").await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(READY_PATIENCE, ready).await.context("the server is never ready")?;
        let ready_seconds = begun.elapsed().as_secs_f64();
        Ok(Self { child, url, client, ready_seconds })
    }

    /// The same user in another browser.
    pub(super) async fn another(&self) -> Result<Client> {
        let client = Client::new(&self.url)?;
        client.sign_in(EMAIL, PASSWORD).await?;
        Ok(client)
    }

    /// Tells how long the start took, and how much memory.
    pub(super) fn note_start(&self, figures: &mut Figures, store: &Store, customers: u32) {
        let (size, on) = (size_name(customers), store.database.name());
        let name = format!("server_ready_{size}_{on}_seconds");
        figures.median(name, "s", None, &[self.ready_seconds]);
        let peak_mib: Vec<f64> = self.peak_rss_mib().into_iter().collect();
        figures.highest(format!("server_ready_{size}_{on}_peak_rss_mib"), "MiB", None, &peak_mib);
    }

    /// The most memory the server ever held, MiB; Linux only.
    fn peak_rss_mib(&self) -> Option<f64> {
        memory_mib(&format!("/proc/{}/status", self.child.id()?), "VmHWM:")
    }

    /// Ends it as a service manager does, and waits for the end.
    pub(super) async fn stop(mut self) -> Result<()> {
        let pid = self.child.id().context("the server has ended already")?.to_string();
        Command::new("kill").args(["-TERM", &pid]).status().await?;
        match tokio::time::timeout(END_PATIENCE, self.child.wait()).await {
            Ok(ended) => ensure!(ended?.success(), "the server ended badly"),
            Err(_) => self.child.kill().await?,
        }
        Ok(())
    }
}
