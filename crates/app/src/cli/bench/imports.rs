//! A large order report into an empty store, and another one on top of it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use demoshop::ShopPlan;

use super::figures::{Figures, size_name};
use super::generate::{self, LAST_DAY};
use super::stores::{Database, Ran, Scratch, Store};
use crate::cli::say;

/// The shop of every import here.
pub(super) const SHOP: &str = "bench";
/// Wall seconds for a million rows on SQLite and on PostgreSQL.
const IMPORT_GOAL_SECONDS: (f64, f64) = (20.0, 30.0);
/// The most memory that the importing process may ever hold.
const PEAK_GOAL_MIB: f64 = 400.0;
/// A row of the second report against a row of the first.
const SECOND_GOAL_RATIO: f64 = 2.0;

/// Two reports of one shop: the newer three years as `generate-export` writes them, and the three
/// years before, with other orders, by the same buyers and half as many more.
pub(super) struct Reports {
    orders: u32,
    first: PathBuf,
    second: PathBuf,
}

impl Reports {
    pub(super) fn write(scratch: &Scratch, orders: u32) -> Result<Self> {
        let first = ShopPlan::of_orders(orders, LAST_DAY);
        let before = first.from.pred_opt().context("the calendar has a beginning")?;
        // Names of accounts depend on how many digits the number of accounts has.
        let digits_end = 10_u32.pow(first.customers.ilog10() + 1) - 1;
        let second = ShopPlan {
            customers: (first.customers + first.customers / 2).min(digits_end).min(orders),
            orders_before: orders,
            ..ShopPlan::of_orders(orders, before)
        };
        let reports =
            Self { orders, first: scratch.path("first.csv"), second: scratch.path("second.csv") };
        for (plan, path) in [(&first, &reports.first), (&second, &reports.second)] {
            let written = generate::write(plan, path)?;
            say(&format!("{} rows, {} MB", written.rows, written.bytes / 1_000_000));
        }
        Ok(reports)
    }

    pub(super) fn remove(&self) -> Result<()> {
        std::fs::remove_file(&self.first)?;
        Ok(std::fs::remove_file(&self.second)?)
    }

    /// Brings the first report into `store`, unmeasured.
    pub(super) async fn fill(&self, store: &Store) -> Result<()> {
        import(store, &self.first, SHOP).await.map(drop)
    }
}

/// What the rounds gave on one database.
#[derive(Default)]
pub(super) struct ImportTimes {
    first: Vec<f64>,
    rfm_ready: Vec<f64>,
    peak_mib: Vec<f64>,
    second: Vec<f64>,
    ratio: Vec<f64>,
}

impl ImportTimes {
    /// Both reports into `store`, which is empty.
    pub(super) async fn round(&mut self, store: &Store, reports: &Reports) -> Result<()> {
        let first = import(store, &reports.first, SHOP).await?;
        ensure!(
            first.answer["orders_created"] == reports.orders,
            "not every row became an order: {}",
            first.answer
        );
        let day = LAST_DAY.to_string();
        let rfm = store.run(&["rfm", "--as-of", &day], "").await?;
        ensure!(rfm.answer["customers"].as_u64() > Some(0), "nobody is scored: {}", rfm.answer);
        let second = import(store, &reports.second, SHOP).await?;
        ensure!(
            second.answer["orders_created"] == reports.orders,
            "the second report is not all new: {}",
            second.answer
        );
        self.first.push(first.seconds);
        self.rfm_ready.push(first.seconds + rfm.seconds);
        self.second.push(second.seconds);
        // Both have as many rows.
        self.ratio.push(second.seconds / first.seconds);
        let peak_mib = |ran: &Ran| ran.answer["peak_rss_mib"].as_f64();
        self.peak_mib
            .extend(peak_mib(&first).into_iter().chain(peak_mib(&second)).reduce(f64::max));
        Ok(())
    }

    pub(super) fn note(&self, figures: &mut Figures, database: Database, orders: u32) {
        let (size, on) = (size_name(orders), database.name());
        let goal = Some(match database {
            Database::Sqlite => IMPORT_GOAL_SECONDS.0,
            Database::Postgres => IMPORT_GOAL_SECONDS.1,
        });
        figures.median(format!("import_{size}_{on}_seconds"), "s", goal, &self.first);
        figures.median(format!("rfm_ready_{size}_{on}_seconds"), "s", goal, &self.rfm_ready);
        let name = format!("import_{size}_{on}_peak_rss_mib");
        figures.highest(name, "MiB", Some(PEAK_GOAL_MIB), &self.peak_mib);
        figures.median(format!("second_import_{size}_{on}_seconds"), "s", None, &self.second);
        let name = format!("second_import_{size}_{on}_per_row_ratio");
        figures.median(name, "×", Some(SECOND_GOAL_RATIO), &self.ratio);
    }
}

/// Runs `guanxi import` to its end; every row must have been good.
pub(super) async fn import(store: &Store, file: &Path, shop: &str) -> Result<Ran> {
    let file = file.to_str().context("the folder's name is not Unicode")?;
    let ran = store.run(&["import", "--shop", shop, file], "").await?;
    let answer = &ran.answer;
    ensure!(
        answer["state"] == "finished" && answer["rejected"] == 0,
        "the import is not what it should be: {answer}"
    );
    say(&format!(
        "  {} rows into {}: {:.2} s, {} MiB",
        answer["rows_read"],
        store.database.name(),
        ran.seconds,
        answer["peak_rss_mib"]
    ));
    Ok(ran)
}
