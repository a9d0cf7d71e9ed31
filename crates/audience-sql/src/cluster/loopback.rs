//! A whole cluster on the loopback address, with an object store of its own, for tests and for measuring.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder as Connection;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use url::Url;

use super::{ClusterError, ExecutorOptions, Keys, SchedulerNode, Store, run_executor};
use crate::executor::runtime;

const BUCKET: &str = "audiences";
/// What opens the store.
const KEYS: [&str; 2] = ["loopback", "only-on-loopback"];
/// Until all executors have asked for work.
const START: Duration = Duration::from_secs(60);
/// Between two looks whether they have.
const LOOK: Duration = Duration::from_millis(20);
/// Until what still runs is left to itself.
const STOP: Duration = Duration::from_secs(10);

/// Ends with its last value: nodes, store and folders.
#[derive(Debug)]
pub struct Loopback {
    runtime: Option<Runtime>,
    store: Store,
    endpoint: Url,
    scheduler: SocketAddr,
    works: Vec<PathBuf>,
    // Below what runs in it.
    _folder: tempfile::TempDir,
}

impl Drop for Loopback {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(STOP);
        }
    }
}

impl Loopback {
    /// Starts an object store, a scheduler and so many `executors` of `threads` and `memory_bytes` each; all is
    /// there when this returns. What is stored lies in a folder for the time being.
    ///
    /// # Errors
    /// If something cannot be started within a minute.
    pub fn start(
        executors: usize,
        threads: usize,
        memory_bytes: u64,
    ) -> Result<Self, ClusterError> {
        let folder = tempfile::tempdir()?;
        let works = (0..executors).map(|n| folder.path().join(format!("executor-{n}")));
        let works: Vec<PathBuf> = works.collect();
        let runtime = runtime("cluster", 2 + executors)?;
        let ((store, endpoint), scheduler) = runtime.block_on(async {
            let (store, endpoint) = open_store(&folder.path().join("store")).await?;
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let scheduler = listener.local_addr()?;
            let node = std::sync::Arc::new(SchedulerNode::new(&store, scheduler).await?);
            let served = std::sync::Arc::clone(&node);
            let mut nodes = tokio::task::JoinSet::new();
            nodes.spawn(async move { served.serve(listener).await });
            for work in &works {
                std::fs::create_dir_all(work)?;
                let (store, work) = (store.clone(), work.clone());
                let options = ExecutorOptions {
                    scheduler: (scheduler.ip().to_string(), scheduler.port()),
                    listen: free_address().await?,
                    external_host: None,
                    threads,
                    memory_bytes,
                    work,
                };
                nodes.spawn(async move { run_executor(&store, options).await });
            }
            let ready = async {
                while node.executors().await? < executors {
                    if let Some(ended) = nodes.try_join_next() {
                        let ended = ended.map_err(|error| ClusterError::Node(error.to_string()))?;
                        ended?;
                        return Err(ClusterError::Node("a node ended".to_owned()));
                    }
                    tokio::time::sleep(LOOK).await;
                }
                Ok(())
            };
            let late = |_| ClusterError::Node("the executors did not come".to_owned());
            tokio::time::timeout(START, ready).await.map_err(late)??;
            nodes.detach_all();
            Ok::<_, ClusterError>(((store, endpoint), scheduler))
        })?;
        Ok(Self { runtime: Some(runtime), store, endpoint, scheduler, works, _folder: folder })
    }

    /// The object store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Where the object store listens.
    #[must_use]
    pub fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// What opens the object store.
    #[must_use]
    pub fn keys(&self) -> Keys {
        keys()
    }

    /// The address of the scheduler, as [`super::connect`] takes it.
    #[must_use]
    pub fn scheduler(&self) -> String {
        format!("http://{}", self.scheduler)
    }

    /// The folders of the executors: one that worked has results in its own.
    #[must_use]
    pub fn works(&self) -> &[PathBuf] {
        &self.works
    }

    /// Takes the files of `dir` to the store.
    ///
    /// # Errors
    /// As [`Store::upload`].
    pub fn upload(&self, dir: &Path) -> Result<(), ClusterError> {
        match &self.runtime {
            Some(runtime) => runtime.block_on(self.store.upload(dir)),
            None => Err(ClusterError::Node("it has ended".to_owned())),
        }
    }
}

fn keys() -> Keys {
    let [access_key, secret_key] = KEYS.map(str::to_owned);
    Keys { access_key, secret_key }
}

/// An address that nobody listened at just now; Ballista takes an executor's port as a number only.
async fn free_address() -> Result<SocketAddr, ClusterError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    Ok(listener.local_addr()?)
}

/// Serves an object store that keeps its objects in `root`, and gives the way to it.
async fn open_store(root: &Path) -> Result<(Store, Url), ClusterError> {
    let wrong = |error: &dyn std::fmt::Display| ClusterError::Store(error.to_string());
    std::fs::create_dir_all(root.join(BUCKET))?;
    let keys = keys();
    let mut service =
        S3ServiceBuilder::new(FileSystem::new(root).map_err(|error| wrong(&format!("{error:?}")))?);
    service.set_auth(SimpleAuth::from_single(&*keys.access_key, &*keys.secret_key));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let endpoint = Url::parse(&endpoint).map_err(|error| wrong(&error))?;
    tokio::spawn(serve(listener, service.build()));
    let store = Store::with_keys(&format!("s3://{BUCKET}/tables"), &endpoint, &keys)?;
    Ok((store, endpoint))
}

async fn serve(listener: TcpListener, service: S3Service) -> Result<Infallible, std::io::Error> {
    loop {
        let (socket, _) = listener.accept().await?;
        let service = service.clone();
        tokio::spawn(async move {
            let connection = Connection::new(TokioExecutor::new());
            let served = connection.serve_connection(TokioIo::new(socket), service);
            // Whoever was cut off asks again.
            drop(served.await);
        });
    }
}
