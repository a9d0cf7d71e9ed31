//! A file of one row into a store that holds millions.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use commerce::imports::ImportState;
use demoshop::ShopPlan;
use flows::import_orders::{self, ImportOrder};
use flows::import_shop::{self, WantedShop};

use super::figures::Figures;
use super::generate::{self, LAST_DAY};
use super::imports::SHOP;
use super::serving::{self, Serving};
use super::stores::{Scratch, Store};
use crate::Boot;

const GOAL_MS: f64 = 100.0;
/// An import of one row that takes longer is broken, not slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures `rounds` files through the running server, and as many in this process.
pub(super) async fn measure(
    figures: &mut Figures,
    scratch: &Scratch,
    store: &Store,
    rounds: u32,
    pause: Duration,
) -> Result<()> {
    let files: Vec<PathBuf> =
        (0..rounds * 2).map(|n| one_row(scratch, n)).collect::<Result<_>>()?;
    let (uploaded, read_here) = files.split_at(rounds as usize);

    let boot = store.open().await?;
    let mut times = Vec::new();
    for file in read_here {
        times.push(import_here(&boot, file).await?);
    }
    boot.close().await;
    let on = store.database.name();
    figures.median(format!("import_one_row_in_process_{on}_ms"), "ms", Some(GOAL_MS), &times);

    serving::add_user(store).await?;
    let serving = Serving::start(store).await?;
    let mut times = Vec::new();
    for file in uploaded {
        // One upload into a server that is at rest, not a queue of them.
        tokio::time::sleep(pause).await;
        times.push(upload(&serving, file).await?);
    }
    figures.median(format!("import_one_row_upload_{on}_ms"), "ms", Some(GOAL_MS), &times);
    serving.stop().await
}

/// The order of a customer who never bought before, under a number that no other file here has.
fn one_row(scratch: &Scratch, n: u32) -> Result<PathBuf> {
    let plan = ShopPlan {
        seed: 1 + u64::from(n),
        customers: 1,
        orders_before: ShopPlan::MAX_ORDERS - 1 - n,
        ..ShopPlan::of_orders(1, LAST_DAY)
    };
    let path = scratch.path(&format!("one-row-{n}.csv"));
    generate::write(&plan, &path)?;
    Ok(path)
}

/// Milliseconds from the file to the committed order.
async fn import_here(boot: &Boot, file: &Path) -> Result<f64> {
    let cx = boot.ctx();
    let begun = Instant::now();
    let order = ImportOrder {
        files: vec![("one-row.csv".to_owned(), file.to_path_buf())],
        ..ImportOrder::default()
    };
    let wanted = WantedShop { name: SHOP, channel: None, currency: None };
    let shop = import_shop::find_or_make(&boot.platform, &cx, wanted, &order).await?;
    let queued = ImportState::Queued;
    let import = import_orders::begin(&boot.platform, &cx, &shop, &order, queued).await?;
    let import = import_orders::run(&boot.platform, &cx, import.id, |_| ()).await?;
    let ms = begun.elapsed().as_secs_f64() * 1000.0;
    ensure!(
        import.state == ImportState::Finished && import.progress.orders_created == 1,
        "one row was not imported: {:?}",
        import.progress
    );
    Ok(ms)
}

/// Milliseconds from the first byte sent until the server says that the import is finished.
async fn upload(serving: &Serving, file: &Path) -> Result<f64> {
    let bytes = std::fs::read(file)?;
    let client = &serving.client;
    let begun = Instant::now();
    let import =
        client.upload("/api/v1/commerce/imports", &[("shop", SHOP)], "one-row.csv", &bytes).await?;
    let path = format!("/api/v1/commerce/imports/{}", import["id"].as_str().context("no id")?);
    loop {
        let import = client.get(&path).await?;
        match import["state"].as_str() {
            Some("queued" | "running") if begun.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Some("finished") if import["orders_created"] == 1 => {
                return Ok(begun.elapsed().as_secs_f64() * 1000.0);
            }
            _ => bail!("one row was not imported: {import}"),
        }
    }
}
