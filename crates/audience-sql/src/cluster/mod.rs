//! Audiences on an Apache DataFusion Ballista cluster: one scheduler, any number of executors, and the Parquet
//! files on an object store that all of them reach.
//!
//! The nodes are those of Ballista with two things more, which those that Ballista ships do not know: the
//! function `bucket`, and the one object store. So a cluster is made of [`SchedulerNode`] and
//! [`run_executor`], or of the program `guanxi-cluster`, and not of Ballista's own programs.
//!
//! A cluster trusts its network: whoever reaches the scheduler may run statements over the tables, and there is
//! no TLS between nodes. Keep its ports inside.

#[cfg(feature = "loopback")]
mod loopback;
mod nodes;
mod session;
mod store;

#[cfg(feature = "loopback")]
pub use loopback::Loopback;
pub use nodes::{ExecutorOptions, SchedulerNode, node_runtime, run_executor};
pub use session::{ClusterLimits, connect};
pub use store::{Keys, Store};

/// Why a cluster, or its store, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The object store, or its address.
    #[error("the object store: {0}")]
    Store(String),
    /// A file that is to be taken there.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// A scheduler or an executor.
    #[error("the cluster: {0}")]
    Node(String),
}

impl From<object_store::Error> for ClusterError {
    fn from(error: object_store::Error) -> Self {
        Self::Store(error.to_string())
    }
}

impl From<ballista_core::error::BallistaError> for ClusterError {
    fn from(error: ballista_core::error::BallistaError) -> Self {
        Self::Node(error.to_string())
    }
}

/// Bytes of one message between nodes: a statement of [`analytics::audience::sql::SqlLimits::BYTES`] as a plan.
const MESSAGE_BYTES: usize = 64 << 20;
