//! Runs statements.

use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use arrow::array::Array as _;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::cast::as_string_array;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext, col};
use futures::TryStreamExt as _;
use kernel::CustomerId;
use tokio::runtime::Runtime;

use crate::bucket;
use crate::table::{TABLES, Table};

/// What a statement may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of tables of groups, of joins and of sorts, of all statements that run at once.
    pub memory_bytes: usize,
    /// From the text of a statement to its answer.
    pub time: Duration,
    /// Threads, 1 or more.
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_bytes: 1 << 30, time: Duration::from_secs(60), threads: 2 }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// The files cannot be read.
    #[error("the files of the audiences cannot be read: {0}")]
    Open(String),
    /// Not one `SELECT` of the tables there are, or not of the ids of customers.
    #[error("this statement is not executed: {0}")]
    Refused(String),
    /// It takes more memory than it may.
    #[error("the audience takes more memory than allowed: {0}")]
    Memory(String),
    /// It takes longer than it may.
    #[error("the audience took longer than {} seconds", .0.as_secs_f32())]
    TimedOut(Duration),
    /// It failed for another reason.
    #[error("the audience could not be executed: {0}")]
    Failed(String),
}

/// Parquet is read, and expressions nested some hundred levels deep are walked, on threads of this stack.
const STACK_BYTES: usize = 32 << 20;

/// Levels of brackets and operators that the parser follows.
pub(crate) const RECURSION: usize = 2_000;

/// Whether texts of files are views. A view keeps alive the whole buffer that it looks into. Behind a join each
/// batch looks into all of one side, and is counted as large as that: to sort three million ids would take gigabytes.
pub(crate) const VIEW_TYPES: &str = "datafusion.execution.parquet.schema_force_view_types";

/// For reading what the files say of themselves.
const OPEN_TIME: Duration = Duration::from_secs(60);

/// Answers statements about the files of one folder, on threads of its own. Its methods wait for the
/// answer; asynchronous code calls them where it may block.
pub struct Executor {
    /// Taken when dropped.
    runtime: Option<Runtime>,
    context: SessionContext,
    time: Duration,
}

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor").field("time", &self.time).finish_non_exhaustive()
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting for its threads would panic where asynchronous code drops this.
            runtime.shutdown_background();
        }
    }
}

impl Executor {
    /// Opens what [`crate::write`] wrote into `dir`.
    ///
    /// # Errors
    /// `Open` if a file is missing or is not of its table.
    pub fn open(dir: &Path, limits: Limits) -> Result<Self, ExecuteError> {
        let open = |error: &dyn std::fmt::Display| ExecuteError::Open(error.to_string());
        let dir =
            dir.canonicalize().map_err(|error| open(&format!("{}: {error}", dir.display())))?;
        let runtime = runtime("audience-sql", limits.threads).map_err(|error| open(&error))?;
        let config = SessionConfig::new()
            .with_target_partitions(limits.threads.max(1))
            .with_information_schema(false)
            .set_bool(VIEW_TYPES, false)
            .set_usize("datafusion.sql_parser.recursion_limit", RECURSION);
        let environment = RuntimeEnvBuilder::new()
            .with_memory_limit(limits.memory_bytes, 1.0)
            .with_disk_manager_builder(
                DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled),
            )
            .build_arc()
            .map_err(|error| open(&error))?;
        let context = SessionContext::new_with_config_rt(config, environment);
        context.register_udf(bucket::function());
        let folder = url::Url::from_directory_path(&dir);
        let folder = folder.map_err(|()| open(&"the path is not absolute"))?;
        for table in TABLES {
            let path = table.path(&dir);
            std::fs::metadata(&path).map_err(|error| {
                open(&format!("{}: {error}; export the tables again", path.display()))
            })?;
        }
        Self::asking(runtime, context, folder, Order::OfFiles, limits.time)
    }

    /// With the tables that lie in `folder`, whose address ends with a slash.
    pub(crate) fn asking(
        runtime: Runtime,
        context: SessionContext,
        folder: url::Url,
        order: Order,
        time: Duration,
    ) -> Result<Self, ExecuteError> {
        let executor = Self { runtime: Some(runtime), context, time };
        let context = executor.context.clone();
        executor.wait(OPEN_TIME, async move {
            for table in TABLES {
                register(&context, &folder, table, order).await?;
            }
            Ok(())
        })?;
        Ok(executor)
    }

    /// The customers that `sql` selects, by id.
    ///
    /// # Errors
    /// If the statement is refused, takes too much, or fails.
    pub fn members(&self, sql: &str) -> Result<Vec<CustomerId>, ExecuteError> {
        let (context, sql) = (self.context.clone(), sql.to_owned());
        self.wait(self.time, async move {
            let mut stream = plan(&context, &sql).await?.execute_stream().await.map_err(failed)?;
            let mut members = Vec::new();
            while let Some(batch) = stream.try_next().await.map_err(failed)? {
                let ids =
                    cast(batch.column(0), &DataType::Utf8).map_err(|error| failed(error.into()))?;
                let ids = as_string_array(&ids).map_err(failed)?;
                members.reserve(ids.len());
                for id in ids {
                    let id = id.and_then(|id| id.parse().ok());
                    members.push(id.ok_or_else(|| not_ids("its column has other values"))?);
                }
            }
            // Parts of the answer of a cluster come as they are ready, each of them sorted.
            if !members.is_sorted() {
                members.sort_unstable();
            }
            Ok(members)
        })
    }

    /// How many customers `sql` selects.
    ///
    /// # Errors
    /// If the statement is refused, takes too much, or fails.
    pub fn count(&self, sql: &str) -> Result<u64, ExecuteError> {
        let (context, sql) = (self.context.clone(), sql.to_owned());
        self.wait(self.time, async move {
            let count = plan(&context, &sql).await?.count().await.map_err(failed)?;
            Ok(count as u64)
        })
    }

    /// Runs `work` on the threads of the executor for as long as it may take.
    fn wait<T: Send + 'static>(
        &self,
        time: Duration,
        work: impl Future<Output = Result<T, ExecuteError>> + Send + 'static,
    ) -> Result<T, ExecuteError> {
        let Some(runtime) = &self.runtime else {
            return Err(ExecuteError::Failed("the executor is closed".to_owned()));
        };
        let (sender, receiver) = mpsc::sync_channel(1);
        let task = runtime.spawn(async move {
            // Nobody receives it once the time is over.
            drop(sender.send(work.await));
        });
        receiver.recv_timeout(time).unwrap_or_else(|error| match error {
            RecvTimeoutError::Timeout => {
                task.abort();
                Err(ExecuteError::TimedOut(time))
            }
            RecvTimeoutError::Disconnected => {
                Err(ExecuteError::Failed("its thread ended early".to_owned()))
            }
        })
    }
}

/// Whether plans may rest upon the order of rows in the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// They may.
    OfFiles,
    /// What is exchanged between executors comes in any order.
    #[cfg_attr(not(feature = "cluster"), allow(dead_code, reason = "only a cluster exchanges"))]
    Lost,
}

/// Threads on which plans of any depth are walked.
pub(crate) fn runtime(name: &str, threads: usize) -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.max(1))
        .thread_name(name)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
}

async fn register(
    context: &SessionContext,
    folder: &url::Url,
    table: Table,
    order: Order,
) -> Result<(), ExecuteError> {
    let open =
        |detail: &dyn std::fmt::Display| ExecuteError::Open(format!("{}: {detail}", table.name));
    // As an address, so that no sign of the path is taken for a pattern.
    let address = folder.join(&table.file_name()).map_err(|error| open(&error))?;
    let mut options = ParquetReadOptions::default();
    if order == Order::OfFiles {
        let sorted = table.sorted_by.iter().map(|column| col(*column).sort(true, false)).collect();
        options = options.file_sort_order(vec![sorted]);
    }
    let registered = context.register_parquet(table.name, address.as_str(), options).await;
    registered.map_err(|error| open(&error))?;
    let provider = context.table_provider(table.name).await.map_err(|error| open(&error))?;
    let (found, schema) = (provider.schema(), table.schema());
    let mut columns = found.fields().iter().map(|field| field.name());
    if columns.by_ref().eq(schema.fields().iter().map(|field| field.name())) {
        Ok(())
    } else {
        Err(open(&"its columns are not those of this version"))
    }
}

/// Plans the statement: a query of ids, and nothing that changes anything.
async fn plan(context: &SessionContext, sql: &str) -> Result<DataFrame, ExecuteError> {
    let options =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let frame = context
        .sql_with_options(sql, options)
        .await
        .map_err(|error| ExecuteError::Refused(error.strip_backtrace()))?;
    match &frame.schema().fields()[..] {
        [field] if matches!(field.data_type(), DataType::Utf8 | DataType::Utf8View) => Ok(frame),
        _ => Err(not_ids("it has not one column of ids")),
    }
}

fn not_ids(detail: &str) -> ExecuteError {
    ExecuteError::Refused(format!("it must select the ids of customers: {detail}"))
}

fn failed(error: DataFusionError) -> ExecuteError {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(detail) => ExecuteError::Memory(detail.clone()),
        root => ExecuteError::Failed(root.strip_backtrace()),
    }
}
