//! The nodes of a cluster.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ballista_core::ConfigProducer;
use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::extension::SessionConfigExt as _;
use ballista_core::registry::BallistaFunctionRegistry;
use ballista_core::utils::default_session_builder;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::SessionBuilder;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::{create_scheduler, start_grpc_service_with_listener};
use ballista_scheduler::scheduler_server::SchedulerServer;
use datafusion::execution::{FunctionRegistry as _, SessionState, SessionStateBuilder};
use datafusion::prelude::SessionConfig;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use tokio::net::TcpListener;

use super::{ClusterError, MESSAGE_BYTES, Store};
use crate::bucket;

fn config() -> SessionConfig {
    SessionConfig::new_with_ballista().with_ballista_grpc_client_max_message_size(MESSAGE_BYTES)
}

/// Threads for a node: as many as there are processors, with room for plans of any depth.
///
/// # Errors
/// As the system says.
pub fn node_runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    crate::executor::runtime("guanxi-cluster", threads)
}

/// Plans statements and gives the parts of them to executors, which ask it for work.
pub struct SchedulerNode {
    server: SchedulerServer<LogicalPlanNode, PhysicalPlanNode>,
}

impl std::fmt::Debug for SchedulerNode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SchedulerNode").finish_non_exhaustive()
    }
}

impl SchedulerNode {
    /// A scheduler that reads what the files of `store` say of themselves. `address` is where it will be served,
    /// as executors reach it.
    ///
    /// # Errors
    /// `Node` as Ballista says.
    pub async fn new(store: &Store, address: SocketAddr) -> Result<Self, ClusterError> {
        let store = store.clone();
        let session: SessionBuilder = Arc::new(move |config| {
            let state = default_session_builder(config)?;
            let mut state = SessionStateBuilder::new_from_existing(state)
                .with_runtime_env(store.environment(None)?)
                .build();
            known_functions(&mut state)?;
            Ok(state)
        });
        let produce: ConfigProducer = Arc::new(config);
        let scheduler = SchedulerConfig {
            external_host: address.ip().to_string(),
            bind_host: address.ip().to_string(),
            bind_port: address.port(),
            scheduling_policy: TaskSchedulingPolicy::PullStaged,
            grpc_server_max_decoding_message_size: MESSAGE_BYTES as u32,
            grpc_server_max_encoding_message_size: MESSAGE_BYTES as u32,
            grpc_client_max_message_size: MESSAGE_BYTES as u32,
            override_config_producer: Some(Arc::clone(&produce)),
            override_session_builder: Some(Arc::clone(&session)),
            ..SchedulerConfig::default()
        };
        let cluster = BallistaCluster::new_memory(scheduler.scheduler_endpoint(), session, produce);
        let server = create_scheduler(cluster, Arc::new(scheduler)).await?;
        Ok(Self { server })
    }

    /// Serves whoever asks at `listener`, until it is dropped.
    ///
    /// # Errors
    /// `Node` if it fails.
    pub async fn serve(&self, listener: TcpListener) -> Result<(), ClusterError> {
        Ok(start_grpc_service_with_listener(listener, self.server.clone()).await?)
    }

    /// How many executors asked for work so far and have not gone.
    ///
    /// # Errors
    /// `Node` as Ballista says.
    pub async fn executors(&self) -> Result<usize, ClusterError> {
        Ok(self.server.state.executor_manager.get_executors_state().await?.len())
    }
}

fn known_functions(state: &mut SessionState) -> datafusion::error::Result<()> {
    state.register_udf(Arc::new(bucket::function()))?;
    Ok(())
}

/// One executor.
#[derive(Debug, Clone)]
pub struct ExecutorOptions {
    /// The scheduler's host and port.
    pub scheduler: (String, u16),
    /// Where it listens for other executors and for whoever asks, who fetch results there.
    pub listen: SocketAddr,
    /// The host by which those reach it, where that is not the address it listens at.
    pub external_host: Option<String>,
    /// Parts of statements worked on at once.
    pub threads: usize,
    /// Bytes of tables of groups, joins and sorts, of all parts that run at once; more is spilled to disk.
    pub memory_bytes: u64,
    /// Where results of stages lie until they are fetched, and what is spilled. The caller removes it.
    pub work: PathBuf,
}

/// Runs an executor until the process is told to end, or the future is dropped.
///
/// # Errors
/// `Node` if it cannot reach its scheduler, or its port is taken.
pub async fn run_executor(store: &Store, options: ExecutorOptions) -> Result<(), ClusterError> {
    let (store, work) = (store.clone(), options.work.clone());
    let mut functions = BallistaFunctionRegistry::default();
    let known = Arc::new(bucket::function());
    functions.scalar_functions.insert(known.name().to_owned(), known);
    let work_dir = options.work.to_str();
    let work_dir = work_dir.ok_or_else(|| ClusterError::Node("work: no text".to_owned()))?;
    let (scheduler_host, scheduler_port) = options.scheduler;
    let process = ExecutorProcessConfig {
        bind_host: options.listen.ip().to_string(),
        external_host: options.external_host.or_else(|| Some(options.listen.ip().to_string())),
        port: options.listen.port(),
        scheduler_host,
        scheduler_port,
        scheduler_connect_timeout_seconds: 30,
        vcores: options.threads.max(1),
        task_scheduling_policy: TaskSchedulingPolicy::PullStaged,
        work_dir: Some(work_dir.to_owned()),
        job_data_ttl_seconds: 3_600,
        job_data_clean_up_interval_seconds: 600,
        grpc_max_decoding_message_size: MESSAGE_BYTES as u32,
        grpc_max_encoding_message_size: MESSAGE_BYTES as u32,
        memory_pool_size: Some(options.memory_bytes),
        override_function_registry: Some(Arc::new(functions)),
        override_runtime_producer: Some(Arc::new(move |_| store.environment(Some(&work)))),
        override_config_producer: Some(Arc::new(config)),
        ..ExecutorProcessConfig::default()
    };
    Ok(start_executor_process(Arc::new(process)).await?)
}
