//! `guanxi serve`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use identity::{Edge, Proxies, SetupCode};
use platform::Platform;
use platform::cidr::Cidr;
use platform::outbound::Outbound;
use serde::Serialize;

use super::{Global, say};
use crate::http::limits::Limits;
use crate::server::{self, Role, Server};
use crate::{AppState, Boot};

/// Options of `serve`, and of commands that end in serving.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeArgs {
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8420", env = "GUANXI_LISTEN")]
    pub listen: String,
    /// What this process does
    #[arg(long, value_enum, default_value_t)]
    pub role: Role,
    /// A proxy with https stands in front: cookies become Secure, and the last address of
    /// X-Forwarded-For is the caller's
    #[arg(long, env = "GUANXI_BEHIND_PROXY")]
    pub behind_proxy: bool,
    /// Where proxies stand whose X-Forwarded-For is believed, such as 10.0.0.2 or 10.0.0.0/24; this
    /// machine and private networks unless given
    #[arg(
        long,
        value_name = "RANGE",
        value_delimiter = ',',
        env = "GUANXI_TRUSTED_PROXIES",
        requires = "behind_proxy"
    )]
    pub trusted_proxies: Vec<Cidr>,
    /// How many proxies a request passes; for more than one, say which with --trusted-proxies
    #[arg(long, value_name = "N", env = "GUANXI_PROXY_HOPS", requires = "trusted_proxies",
        value_parser = clap::value_parser!(u8).range(1..=10))]
    pub proxy_hops: Option<u8>,
    /// Addresses that are not public and may be asked all the same, such as those of a sign-in server in
    /// your own network: 10.0.0.2 or 10.0.0.0/24
    #[arg(long, value_name = "RANGE", value_delimiter = ',', env = "GUANXI_OUTBOUND_ALLOW")]
    pub outbound_allow: Vec<Cidr>,
    /// How many requests a second one session or token may make over a longer time, and one address
    /// five times as many; ten seconds' worth at once. 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 100, env = "GUANXI_REQUESTS_PER_SECOND")]
    pub requests_per_second: u32,
    /// Where the daily backups go; the folder `backups` in the data folder unless given
    #[arg(long, value_name = "DIR", env = "GUANXI_BACKUPS", conflicts_with = "no_backups")]
    pub backups: Option<PathBuf>,
    /// Make no daily backups
    #[arg(long)]
    pub no_backups: bool,
}

#[derive(Serialize)]
struct Listening {
    url: String,
    setup_code: Option<String>,
}

pub(super) async fn run(global: &Global, args: ServeArgs) -> Result<ExitCode> {
    let boot = global.open().await?;
    serve(global, &boot, &args, "").await
}

/// Serves `boot` until Ctrl-C or SIGTERM and closes it. `banner` is said once the address is known.
///
/// # Errors
/// When the address is taken, or the listener breaks.
pub async fn serve(
    global: &Global,
    boot: &Boot,
    args: &ServeArgs,
    banner: &str,
) -> Result<ExitCode> {
    let stop = server::stop_on_signals()?;
    let setup_code = setup_code(boot, args.role).await?;
    let edge = Edge::new(setup_code, args.behind_proxy).with_proxies(proxies(args));
    let limits = Limits::per_second(args.requests_per_second);
    let outbound = Outbound::default().allowing(&args.outbound_allow);
    let platform = with_backups(boot.platform.clone(), args)?.with_outbound(outbound);
    let state = AppState::new(platform, edge).limited(limits);
    let router = server::routes_of(args.role, &state)?;
    let server = Server::bind(&args.listen).await?;

    let url = server.url();
    say(&format!("Guanxi listens on {url}"));
    if !banner.is_empty() {
        say(banner);
    }
    let setup_code = state.edge.setup_code.text();
    if let Some(code) = &setup_code {
        say(&format!("First start: make the owner account at {url}/setup with the code {code}"));
    }
    global.print(&Listening { url, setup_code }, "")?;
    server.run(boot, &state, router, args.role, stop).await?;
    Ok(ExitCode::SUCCESS)
}

fn proxies(args: &ServeArgs) -> Proxies {
    let near = Proxies::default();
    let from =
        if args.trusted_proxies.is_empty() { near.from } else { args.trusted_proxies.clone() };
    Proxies { from, hops: args.proxy_hops.unwrap_or(near.hops) }
}

fn with_backups(platform: Platform, args: &ServeArgs) -> Result<Platform> {
    if args.no_backups {
        return Ok(platform.with_backups(None));
    }
    let Some(folder) = &args.backups else { return Ok(platform) };
    Ok(platform.with_backups(Some(&std::path::absolute(folder)?)))
}

/// A code while there is no user, and only where it can be used.
async fn setup_code(boot: &Boot, role: Role) -> Result<SetupCode> {
    let cx = boot.ctx();
    let mut tx = boot.platform.db.read_for(cx.scope).await?;
    let is_needed = role.serves() && identity::setup_needed(&mut tx, &cx).await?;
    tx.rollback().await?;
    let fresh = || SetupCode::fresh(&*boot.platform.ids);
    Ok(if is_needed { fresh() } else { SetupCode::default() })
}
