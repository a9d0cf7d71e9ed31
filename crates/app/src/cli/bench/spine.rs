//! `guanxi bench spine`: imports, lists, scores and pages of the real program against their goals.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use demoshop::ShopPlan;
use serde::Serialize;

use super::figures::{Figure, Figures};
use super::generate::{self, LAST_DAY};
use super::imports::{self, ImportTimes, Reports, SHOP};
use super::one_row;
use super::serving::{self, Serving};
use super::stores::{Database, POSTGRES_VARIABLE, Scratch, Store, Stores};
use super::{BUILD, engine, lists, on_fresh_stores, pages};
use crate::cli::{Global, say};

/// Rounds of what is short.
const SHORT_ROUNDS: u32 = 5;
/// Orders of each customer in the store whose lists are measured.
const ORDERS_EACH: u32 = 2;
/// One of so many customers of that store buys in a second shop.
const SECOND_SHOP_SHARE: u32 = 100;
const ORDERS_MAX: i64 = 10_000_000;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SpineArgs {
    /// Rows of each report that is imported
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
        value_parser = clap::value_parser!(u32).range(3..=ORDERS_MAX))]
    orders: u32,
    /// Customers in the store whose lists are asked for; it has twice as many orders
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
        value_parser = clap::value_parser!(u32).range(1..=ORDERS_MAX / 2))]
    customers: u32,
    /// How often what takes long is measured; what is short, five times at least
    #[arg(long, value_name = "N", default_value_t = 5,
        value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Measure only this; may come several times
    #[arg(long, value_name = "WHAT", value_enum)]
    only: Vec<Area>,
    /// How long each kind of list is asked for, 100 times a second
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    list_seconds: f64,
    /// Where files and data of the measurement lie until its end; on the disk that is meant
    #[arg(long, value_name = "DIR", default_value = "bench-out")]
    scratch: PathBuf,
}

/// What can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Area {
    /// Large reports, into an empty store and on top
    Imports,
    /// A file of one row into a large store
    OneRow,
    /// The list of customers over HTTP
    Lists,
    /// Load, memory and RFM of the customer engine
    Engine,
    /// Script and first use of the web pages
    Pages,
}

#[derive(Serialize)]
struct Answer<'a> {
    figures: &'a [Figure],
    orders: u32,
    customers: u32,
    /// [`BUILD`].
    build: &'static str,
    left_out: &'a [String],
}

pub(super) async fn run(global: &Global, args: SpineArgs) -> Result<ExitCode> {
    let figures = on_fresh_stores(&args.scratch, async |scratch, stores, figures| {
        measure(&args, scratch, stores, figures).await
    })
    .await?;
    let answer = Answer {
        figures: figures.list(),
        orders: args.orders,
        customers: args.customers,
        build: BUILD,
        left_out: figures.left_out(),
    };
    global.print(&answer, &figures.text())?;
    Ok(if figures.are_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl SpineArgs {
    fn wants(&self, area: Area) -> bool {
        self.only.is_empty() || self.only.contains(&area)
    }

    const fn short_rounds(&self) -> u32 {
        if self.rounds > SHORT_ROUNDS { self.rounds } else { SHORT_ROUNDS }
    }
}

async fn measure(
    args: &SpineArgs,
    scratch: &Scratch,
    stores: &mut Stores<'_>,
    figures: &mut Figures,
) -> Result<()> {
    let databases = stores.databases();
    if !databases.contains(&Database::Postgres) {
        figures.leave_out(format!("PostgreSQL: {POSTGRES_VARIABLE} is not set"));
    }
    if args.wants(Area::Imports) || args.wants(Area::OneRow) {
        say(&format!("── two reports of {} orders", args.orders));
        let reports = Reports::write(scratch, args.orders)?;
        for database in &databases {
            let done = import(args, scratch, stores, figures, &reports, *database).await;
            figures.keep(&format!("imports on {}", database.name()), done);
        }
        reports.remove()?;
    }
    let wants_pages = |database| args.wants(Area::Pages) && database == Database::Sqlite;
    for database in databases {
        let wants_many = args.wants(Area::Lists) || args.wants(Area::Engine);
        if wants_many || wants_pages(database) {
            say(&format!("── {} customers on {}", args.customers, database.name()));
            let store = stores.fresh(database).await?;
            let done = async {
                fill(args, scratch, &store).await?;
                ask(args, figures, &store).await
            };
            let done = done.await;
            figures.keep(&format!("what is asked of {}", database.name()), done);
            stores.remove(store).await?;
        }
    }
    if args.wants(Area::Engine) {
        let done = engine::measure_alone(figures, args.customers).await;
        figures.keep("the engine alone", done);
    }
    Ok(())
}

/// Imports on one database; the last store is large enough for files of one row.
async fn import(
    args: &SpineArgs,
    scratch: &Scratch,
    stores: &mut Stores<'_>,
    figures: &mut Figures,
    reports: &Reports,
    database: Database,
) -> Result<()> {
    let wants_times = args.wants(Area::Imports);
    let rounds = if wants_times { args.rounds } else { 1 };
    let mut times = ImportTimes::default();
    for round in 1..=rounds {
        say(&format!("── imports on {}, round {round} of {rounds}", database.name()));
        let store = stores.fresh(database).await?;
        if wants_times {
            times.round(&store, reports).await?;
        } else {
            reports.fill(&store).await?;
        }
        if round == rounds {
            if wants_times {
                times.note(figures, database, args.orders);
            }
            if args.wants(Area::OneRow) {
                let pause = Duration::from_secs_f64((args.list_seconds / 10.0).clamp(0.0, 1.0));
                one_row::measure(figures, scratch, &store, args.short_rounds(), pause).await?;
            }
        }
        stores.remove(store).await?;
    }
    Ok(())
}

/// Makes a store of many customers, by the ordinary way.
async fn fill(args: &SpineArgs, scratch: &Scratch, store: &Store) -> Result<()> {
    let orders = args.customers.saturating_mul(ORDERS_EACH);
    let of = |customers, plan| ShopPlan { customers, ..plan };
    let first = of(args.customers, ShopPlan::of_orders(orders, LAST_DAY));
    let few = (args.customers / SECOND_SHOP_SHARE).max(1);
    let second = ShopPlan {
        orders_before: orders,
        ..of(few, ShopPlan::of_orders(few * ORDERS_EACH, LAST_DAY))
    };
    let file = scratch.path("customers.csv");
    for (plan, shop) in [(first, SHOP), (second, "bench, second shop")] {
        generate::write(&plan, &file)?;
        imports::import(store, &file, shop).await?;
    }
    std::fs::remove_file(&file)?;
    serving::add_user(store).await
}

/// What is asked of a store of many customers.
async fn ask(args: &SpineArgs, figures: &mut Figures, store: &Store) -> Result<()> {
    if args.wants(Area::Engine) {
        let done = engine::measure(figures, store, args.customers, args.rounds).await;
        figures.keep("the engine", done);
    }
    let wants_pages = args.wants(Area::Pages) && store.database == Database::Sqlite;
    if args.wants(Area::Lists) || wants_pages {
        let serving = Serving::start(store).await?;
        serving.note_start(figures, store, args.customers);
        if wants_pages {
            let done = pages::measure(figures, &serving).await;
            figures.keep("the pages", done);
        }
        if args.wants(Area::Lists) {
            let (seconds, rounds) = (args.list_seconds, args.rounds);
            let done =
                lists::measure(figures, store, &serving, args.customers, seconds, rounds).await;
            figures.keep(&format!("the lists on {}", store.database.name()), done);
        }
        serving.stop().await?;
    }
    Ok(())
}
