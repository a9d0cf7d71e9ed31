//! Whoever asks a cluster.

use std::time::Duration;

use ballista_core::config::BALLISTA_ADAPTIVE_PLANNER_ENABLED;
use ballista_core::extension::{SessionConfigExt as _, SessionStateExt as _};
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::{MESSAGE_BYTES, Store};
use crate::bucket;
use crate::executor::{ExecuteError, Executor, Order, RECURSION, VIEW_TYPES, runtime};

/// What a statement may take of a cluster, beside what its executors allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterLimits {
    /// From the text of a statement to its answer.
    pub time: Duration,
    /// Parts into which a stage is cut; as many as the executors have processors together.
    pub partitions: usize,
}

impl Default for ClusterLimits {
    fn default() -> Self {
        Self { time: Duration::from_secs(600), partitions: 8 }
    }
}

/// Asks the cluster of `scheduler` (`http://HOST:PORT`) about the files of `store`; the answers are those of
/// [`Executor::open`] over the same files.
///
/// # Errors
/// `Open` if the files cannot be reached or are not of this version. Whether there is a scheduler shows with the
/// first statement.
pub fn connect(
    scheduler: &str,
    store: &Store,
    limits: ClusterLimits,
) -> Result<Executor, ExecuteError> {
    let open = |error: &dyn std::fmt::Display| ExecuteError::Open(error.to_string());
    let runtime = runtime("audience-cluster", 2).map_err(|error| open(&error))?;
    // The adaptive planner of Ballista 55.0.0 never ends a statement over a table without rows.
    let config = SessionConfig::new_with_ballista()
        .with_information_schema(false)
        .with_target_partitions(limits.partitions.max(1))
        .with_ballista_grpc_client_max_message_size(MESSAGE_BYTES)
        .set_bool(BALLISTA_ADAPTIVE_PLANNER_ENABLED, false)
        .set_bool(VIEW_TYPES, false)
        .set_usize("datafusion.sql_parser.recursion_limit", RECURSION);
    let environment = store.environment(None).map_err(|error| open(&error))?;
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(config)
        .with_runtime_env(environment)
        .build()
        .upgrade_for_ballista(scheduler.trim_end_matches('/').to_owned())
        .map_err(|error| open(&error))?;
    let context = SessionContext::new_with_state(state);
    context.register_udf(bucket::function());
    Executor::asking(runtime, context, store.folder().clone(), Order::Lost, limits.time)
}
