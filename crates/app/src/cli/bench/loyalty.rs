//! `guanxi bench loyalty`: quotes, redemptions of one hot coupon, expiry of points and the simulator against their
//! goals, in this process; quotes over HTTP besides.

mod expiry;
mod prices;
mod redemptions;
mod served;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;

use super::figures::{Figure, Figures};
use super::stores::{POSTGRES_VARIABLE, Store};
use super::{BUILD, on_fresh_stores};
use crate::cli::{Global, say};

/// The seed of the shop.
const SEED: u64 = 2026;
/// Lines of a cart that is priced.
const LINES: usize = 20;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct LoyaltyArgs {
    /// Lots of points that expire at once
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
        value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    lots: u32,
    /// Orders that redeem one coupon
    #[arg(long, value_name = "N", default_value_t = 5_000,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    redemptions: u32,
    /// Orders that are simulated
    #[arg(long, value_name = "N", default_value_t = 200_000,
        value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    orders: u32,
    /// Carts that are priced
    #[arg(long, value_name = "N", default_value_t = 2_000,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    carts: u32,
    /// Quotes over HTTP
    #[arg(long, value_name = "N", default_value_t = 10_000,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    quotes: u32,
    /// How often what is short is measured
    #[arg(long, value_name = "N", default_value_t = 3,
        value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Measure only this; may come several times
    #[arg(long, value_name = "WHAT", value_enum)]
    only: Vec<Area>,
    /// Lots that expire in one transaction
    #[arg(long, value_name = "N", default_value_t = loyalty::points::due::BATCH_MAX, hide = true)]
    batch: u32,
    /// Work on the data of --data, which stay, and tell each step: for tests that end this process at any moment
    #[arg(long, hide = true)]
    existing: bool,
    /// Put more lots beside those of --existing first
    #[arg(long, hide = true)]
    fill: bool,
    /// Where the data of the measurement lie until its end; on the disk that is meant
    #[arg(long, value_name = "DIR", default_value = "bench-out")]
    scratch: PathBuf,
}

/// What can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Area {
    /// Carts against 200 live promotions
    Quotes,
    /// The same over HTTP
    Served,
    /// One hot coupon through the desk
    Redemptions,
    /// Lots whose time is over
    Expiry,
    /// Past orders through a draft
    Simulator,
}

#[derive(Serialize)]
struct Answer<'a> {
    figures: &'a [Figure],
    lots: u32,
    redemptions: u32,
    orders: u32,
    /// [`BUILD`].
    build: &'static str,
    left_out: &'a [String],
}

pub(super) async fn run(global: &Global, args: LoyaltyArgs) -> Result<ExitCode> {
    let figures = if args.existing {
        on_existing(global, &args).await?
    } else {
        on_fresh_stores(&args.scratch, async |_, stores, figures| {
            if args.wants(Area::Quotes) {
                prices::quotes(figures, args.carts);
            }
            if args.wants(Area::Simulator) {
                prices::simulator(figures, args.orders, args.rounds);
            }
            let databases = stores.databases();
            if databases.len() == 1 {
                figures.leave_out(format!("PostgreSQL: {POSTGRES_VARIABLE} is not set"));
            }
            for database in databases {
                let store = stores.fresh(database).await?;
                say(&format!("── loyalty on {}", database.name()));
                if args.wants(Area::Served) {
                    let done = served::measure(figures, &store, args.quotes, args.rounds).await;
                    figures.keep(&format!("quotes over HTTP on {}", database.name()), done);
                }
                let done = on_store(&args, &store, figures).await;
                figures.keep(&format!("loyalty on {}", database.name()), done);
                stores.remove(store).await?;
            }
            Ok(())
        })
        .await?
    };
    let answer = Answer {
        figures: figures.list(),
        lots: args.lots,
        redemptions: args.redemptions,
        orders: args.orders,
        build: BUILD,
        left_out: figures.left_out(),
    };
    global.print(&answer, &figures.text())?;
    Ok(if figures.are_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl LoyaltyArgs {
    fn wants(&self, area: Area) -> bool {
        self.only.is_empty() || self.only.contains(&area)
    }
}

async fn on_store(args: &LoyaltyArgs, store: &Store, figures: &mut Figures) -> Result<()> {
    if !args.wants(Area::Redemptions) && !args.wants(Area::Expiry) {
        return Ok(());
    }
    let boot = store.open().await?;
    let on = store.database.name();
    let done = async {
        if args.wants(Area::Redemptions) {
            let mut rates = Vec::new();
            for _ in 0..args.rounds {
                rates.push(redemptions::measure(&boot, args.redemptions, false).await?);
            }
            figures.at_least(format!("redemptions_{on}_per_s"), "/s", 500.0, &rates);
        }
        if args.wants(Area::Expiry) {
            expiry::fill(&boot, args.lots).await?;
            let seconds = expiry::measure(&boot, args.batch, false).await?;
            let name = format!("expiry_{}_lots_{on}_seconds", super::figures::size_name(args.lots));
            figures.median(name, "s", Some(30.0), &[seconds]);
        }
        Ok(())
    };
    let done = done.await;
    boot.close().await;
    done
}

/// Does the work of an area on data that stay, told step by step.
async fn on_existing(global: &Global, args: &LoyaltyArgs) -> Result<Figures> {
    let boot = global.open().await?;
    let mut figures = Figures::default();
    let done = async {
        if args.only.contains(&Area::Redemptions) {
            redemptions::measure(&boot, args.redemptions, true).await?;
        }
        if args.only.contains(&Area::Expiry) {
            if args.fill {
                expiry::award(&boot, args.lots).await?;
            }
            expiry::measure(&boot, args.batch, true).await?;
        }
        Ok(())
    };
    figures.keep("loyalty", done.await);
    boot.close().await;
    Ok(figures)
}
