//! `guanxi bench load`: what people and programs ask of a large shop in a working hour, mixed, at a fixed rate.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use chrono::Days;
use demoshop::ShopPlan;
use serde::Serialize;
use serde_json::{Value, json};

use super::client::{Client, escape};
use super::figures::{Figure, Figures, size_name};
use super::generate::{self, LAST_DAY};
use super::imports::{self, SHOP};
use super::open_loop::{self, Ask, Load};
use super::serving::{self, Serving};
use super::stores::{Database, POSTGRES_VARIABLE, Scratch, Store, Stores};
use super::{BUILD, on_fresh_stores};
use crate::cli::{Global, say};

/// Milliseconds at the 99th percentile of all requests together.
const GOAL_P99_MS: f64 = 100.0;
/// People who are signed in at the same time.
const PEOPLE: usize = 20;
/// Orders of one file, and days between the ends of two files.
const FILE_ORDERS: u32 = 1_000_000;
const FILE_DAYS: u64 = 100;
/// Customers whose cards are opened, and orders that are looked at.
const CARDS: usize = 2_000;
/// Asked, and not counted, before a measurement: caches fill, and connections open.
const WARM_SECONDS: f64 = 5.0;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct LoadArgs {
    /// Customers of the shop
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
        value_parser = clap::value_parser!(u32).range(100..=3_000_000))]
    customers: u32,
    /// Orders of the shop
    #[arg(long, value_name = "N", default_value_t = 10_000_000,
        value_parser = clap::value_parser!(u32).range(100..=30_000_000))]
    orders: u32,
    /// Requests a second
    #[arg(long, value_name = "N", default_value_t = 300,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    per_second: u32,
    /// How long a round lasts
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    seconds: f64,
    /// How often it is measured
    #[arg(long, value_name = "N", default_value_t = 3,
        value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Where files and data of the measurement lie until its end; on the disk that is meant
    #[arg(long, value_name = "DIR", default_value = "bench-out")]
    scratch: PathBuf,
    /// Measure the data of this folder instead, which is changed by it; made, for example, by an
    /// earlier import
    #[arg(long, value_name = "DIR")]
    existing: Option<PathBuf>,
    /// The PostgreSQL database of `--existing`
    #[arg(long, value_name = "URL", requires = "existing")]
    existing_url: Option<String>,
}

#[derive(Serialize)]
struct Answer<'a> {
    figures: &'a [Figure],
    customers: u32,
    orders: u32,
    per_second: u32,
    build: &'static str,
    left_out: &'a [String],
}

pub(super) async fn run(global: &Global, args: LoadArgs) -> Result<ExitCode> {
    let figures = on_fresh_stores(&args.scratch, async |scratch, stores, figures| {
        measure(&args, scratch, stores, figures).await
    })
    .await?;
    let answer = Answer {
        figures: figures.list(),
        customers: args.customers,
        orders: args.orders,
        per_second: args.per_second,
        build: BUILD,
        left_out: figures.left_out(),
    };
    global.print(&answer, &figures.text())?;
    Ok(if figures.are_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(
    args: &LoadArgs,
    scratch: &Scratch,
    stores: &mut Stores<'_>,
    figures: &mut Figures,
) -> Result<()> {
    if let Some(folder) = &args.existing {
        let store = Store::existing(folder, args.existing_url.as_deref())?;
        return ask(args, figures, &store).await;
    }
    let databases = stores.databases();
    if !databases.contains(&Database::Postgres) {
        figures.leave_out(format!("PostgreSQL: {POSTGRES_VARIABLE} is not set"));
    }
    for database in databases {
        let name = database.name();
        say(&format!("── {} customers, {} orders on {name}", args.customers, args.orders));
        let store = stores.fresh(database).await?;
        let done = async {
            fill(args, scratch, &store).await?;
            ask(args, figures, &store).await
        };
        let done = done.await;
        figures.keep(&format!("the load on {name}"), done);
        stores.remove(store).await?;
    }
    Ok(())
}

/// Makes the shop, by the ordinary way: reports of a million orders, each of all customers.
async fn fill(args: &LoadArgs, scratch: &Scratch, store: &Store) -> Result<()> {
    let file = scratch.path("orders.csv");
    let mut before = 0;
    while before < args.orders {
        let back = Days::new(u64::from(before / FILE_ORDERS) * FILE_DAYS);
        let until = LAST_DAY.checked_sub_days(back).context("the calendar has a beginning")?;
        let orders = FILE_ORDERS.min(args.orders - before);
        let customers = args.customers.min(orders);
        let plan =
            ShopPlan { customers, orders_before: before, ..ShopPlan::of_orders(orders, until) };
        generate::write(&plan, &file)?;
        imports::import(store, &file, SHOP).await?;
        before += orders;
    }
    std::fs::remove_file(&file)?;
    serving::add_user(store).await
}

async fn ask(args: &LoadArgs, figures: &mut Figures, store: &Store) -> Result<()> {
    let serving = Serving::start(store).await?;
    let done = ask_server(args, figures, store, &serving).await;
    serving.stop().await?;
    done
}

async fn ask_server(
    args: &LoadArgs,
    figures: &mut Figures,
    store: &Store,
    serving: &Serving,
) -> Result<()> {
    let mut people = vec![serving.client.clone()];
    while people.len() < PEOPLE {
        people.push(serving.another().await?);
    }
    let asks = Mix::look(&serving.client).await?.asks();
    let warm = Load { per_second: args.per_second, seconds: WARM_SECONDS.min(args.seconds) };
    open_loop::run(&people, warm, &asks).await?;
    let load = Load { per_second: args.per_second, seconds: args.seconds };
    let mut at = [50, 95, 99].map(|percent| (percent, Vec::new()));
    for round in 1..=args.rounds {
        let times = open_loop::run(&people, load, &asks).await?;
        say(&format!(
            "  round {round}: p50 {:.2} p95 {:.2} p99 {:.2} max {:.2} ms",
            times.at(50),
            times.at(95),
            times.at(99),
            times.at(100)
        ));
        for kind in times.by_kind() {
            say(&format!("    {kind}"));
        }
        for (percent, values) in &mut at {
            values.push(times.at(*percent));
        }
    }
    let (rate, on) = (args.per_second, store.database.name());
    let size = size_name(args.customers);
    for (percent, values) in &at {
        let goal = (*percent == 99).then_some(GOAL_P99_MS);
        let name = format!("load_{rate}_mixed_{size}_{on}_p{percent}_ms");
        figures.median(name, "ms", goal, values);
    }
    Ok(())
}

/// What there is to ask about.
struct Mix {
    customers: Vec<String>,
    orders: Vec<String>,
    names: Vec<String>,
    accounts: Vec<String>,
    cursors: Vec<String>,
    tag: String,
}

fn texts(page: &Value, key: &str) -> Vec<String> {
    let items = page["items"].as_array().into_iter().flatten();
    items.filter_map(|item| item[key].as_str().map(str::to_owned)).collect()
}

impl Mix {
    /// Walks over the lists for records all over them.
    async fn look(client: &Client) -> Result<Self> {
        let mut mix = Self {
            customers: Vec::new(),
            orders: Vec::new(),
            names: Vec::new(),
            accounts: Vec::new(),
            cursors: Vec::new(),
            tag: String::new(),
        };
        let mut day = 0;
        while mix.customers.len() < CARDS && day < 1_000 {
            let until = LAST_DAY.checked_sub_days(Days::new(day)).unwrap_or(LAST_DAY);
            let path = format!("/api/v1/customers?limit=50&last_order_to={until}");
            let page = client.get(&path).await?;
            mix.customers.extend(texts(&page, "id"));
            mix.cursors.extend(page["next"].as_str().map(str::to_owned));
            for name in texts(&page, "name") {
                let begin: String = name.chars().take(2).collect();
                let is_latin = begin.is_ascii();
                if is_latin { mix.accounts.push(name) } else { mix.names.push(begin) }
            }
            day += 7;
        }
        let mut after = String::new();
        while mix.orders.len() < CARDS {
            let page = client.get(&format!("/api/v1/commerce/orders?limit=200{after}")).await?;
            mix.orders.extend(texts(&page, "id"));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        ensure!(!mix.customers.is_empty() && !mix.orders.is_empty(), "the shop is empty");
        let name = format!("load {}", std::process::id());
        let tag = json!({ "name": name, "colour": "blue" });
        let tag = client.post("/api/v1/customers/tags", &tag).await?;
        mix.tag = tag["id"].as_str().context("a tag without id")?.to_owned();
        Ok(mix)
    }

    /// A hundred requests by their share of a working hour, over and over with other records: two thirds
    /// are lists, searches and cards, 12 in 100 write, 4 are overviews. A prime number, so that no
    /// kind always meets the same person.
    fn asks(&self) -> Vec<Ask> {
        let tiers: Vec<&str> =
            analytics::Scheme::Eleven.tiers().iter().map(|tier| tier.code()).collect();
        let mut asks = Vec::new();
        for n in 0..4_999_usize {
            let customer = nth(&self.customers, n);
            let order = nth(&self.orders, n);
            let (name, latin) = (escape(nth(&self.names, n)), escape(nth(&self.accounts, n)));
            let card = format!("/api/v1/customers/{customer}");
            let list =
                |query: String| Ask::get("list", format!("/api/v1/customers?limit=50&{query}"));
            // Kinds take turns instead of coming in a row: 37 and 100 have no divisor in common.
            asks.push(match n * 37 % 100 {
                0..8 => list(String::new()),
                8..14 => list(format!("tier={}", nth(&tiers, n))),
                14..20 => list(format!("orders_min={}&sort=-revenue", n % 12 + 1)),
                20..26 => list(format!("after={}", nth(&self.cursors, n))),
                26..30 => list(format!("revenue_min={}&sort=last_order_at", 1_000 + 97 * n)),
                30..36 => Ask::get("search", format!("/api/v1/customers?limit=50&q={name}")),
                36..40 => Ask::get("search", format!("/api/v1/search?q={latin}")),
                40..58 => Ask::get("card", card),
                58..70 => Ask::get("timeline", format!("{card}/timeline")),
                70..76 => {
                    let path = format!("/api/v1/commerce/orders?customer={customer}&limit=50");
                    Ask::get("orders", path)
                }
                76..80 => Ask::get("orders", "/api/v1/commerce/orders?limit=50".to_owned()),
                80..84 => Ask::get("order", format!("/api/v1/commerce/orders/{order}")),
                84..86 => Ask::get("overview", "/api/v1/insight/workbench".to_owned()),
                86..88 => Ask::get("overview", "/api/v1/insight/rfm".to_owned()),
                88..93 => {
                    let body = json!({ "text": format!("rang about parcel {n}") });
                    Ask::post("note", format!("{card}/notes"), &body)
                }
                93..98 => {
                    let body = json!({ "customers": [customer], "add": [self.tag], "remove": [] });
                    Ask::post("tag", "/api/v1/customers/bulk/tags".to_owned(), &body)
                }
                98 => {
                    let customers: Vec<&str> =
                        (0..50).map(|more| nth(&self.customers, n * 50 + more)).collect();
                    let body = json!({ "customers": customers, "add": [], "remove": [self.tag] });
                    Ask::post("tag 50", "/api/v1/customers/bulk/tags".to_owned(), &body)
                }
                _ => {
                    let body = json!({ "reason": "the courier asks" });
                    Ask::post("reveal", format!("{card}/reveal"), &body)
                }
            });
        }
        asks
    }
}

/// The `n`th of `all`, over and over; nothing of nothing.
fn nth<T: AsRef<str>>(all: &[T], n: usize) -> &str {
    n.checked_rem(all.len()).and_then(|n| all.get(n)).map_or("", AsRef::as_ref)
}
