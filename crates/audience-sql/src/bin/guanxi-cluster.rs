//! `guanxi-cluster`: the scheduler and the executors of a Ballista cluster that runs audiences. Keys of the object
//! store come from the environment; see docs/audiences.md.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use audience_sql::cluster::{
    ClusterError, ExecutorOptions, SchedulerNode, Store, node_runtime, run_executor,
};
use clap::Parser as _;

#[derive(Debug, clap::Parser)]
#[command(name = "guanxi-cluster", version, about = "Nodes of a cluster that runs audiences")]
struct Cli {
    /// Where the Parquet files lie
    #[arg(long, global = true, value_name = "s3://BUCKET/FOLDER", env = "GUANXI_STORE")]
    store: Option<String>,
    #[command(subcommand)]
    node: Node,
}

#[derive(Debug, clap::Subcommand)]
enum Node {
    /// Plan statements and hand out their parts
    Scheduler {
        /// The address to listen at; whoever reaches it may ask
        #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:50050")]
        listen: SocketAddr,
    },
    /// Work on parts of statements
    Executor(ExecutorArgs),
}

#[derive(Debug, clap::Args)]
struct ExecutorArgs {
    /// The scheduler
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:50050", value_parser = host_and_port)]
    scheduler: (String, u16),
    /// The address at which others fetch results
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:50051")]
    listen: SocketAddr,
    /// The host by which others reach it, where that is not the address
    #[arg(long, value_name = "HOST")]
    external_host: Option<String>,
    /// Parts of statements worked on at once
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    threads: u16,
    /// Memory of groups, joins and sorts; more goes to the disk
    #[arg(long, value_name = "MIB", default_value_t = 2_048, value_parser = clap::value_parser!(u64).range(64..=1_048_576))]
    memory_mib: u64,
    /// A folder for what is worked on, removed at the end; in the folder for temporary files unless given
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
}

fn host_and_port(text: &str) -> Result<(String, u16), &'static str> {
    let parts = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    let (host, port) = parts.ok_or("must be HOST:PORT")?;
    Ok((host.to_owned(), port.parse().map_err(|_| "the port must be a number up to 65535")?))
}

#[allow(clippy::print_stderr, reason = "a program tells the person at the terminal")]
fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("guanxi-cluster: {error}");
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stderr, reason = "a program tells the person at the terminal")]
fn run(cli: Cli) -> Result<(), ClusterError> {
    let missing = || ClusterError::Store("name it with --store or GUANXI_STORE".to_owned());
    let store = Store::from_env(&cli.store.ok_or_else(missing)?)?;
    node_runtime()?.block_on(async {
        match cli.node {
            Node::Scheduler { listen } => {
                let listener = tokio::net::TcpListener::bind(listen).await?;
                let address = listener.local_addr()?;
                eprintln!("the scheduler listens on {address}");
                SchedulerNode::new(&store, address).await?.serve(listener).await
            }
            Node::Executor(args) => {
                let work = match &args.work {
                    Some(parent) => tempfile::tempdir_in(parent)?,
                    None => tempfile::tempdir()?,
                };
                eprintln!("the executor listens on {}", args.listen);
                let options = ExecutorOptions {
                    scheduler: args.scheduler,
                    listen: args.listen,
                    external_host: args.external_host,
                    threads: args.threads.into(),
                    memory_bytes: args.memory_mib << 20,
                    work: work.path().to_owned(),
                };
                run_executor(&store, options).await
            }
        }
    })
}
