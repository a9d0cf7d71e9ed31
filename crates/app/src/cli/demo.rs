//! `guanxi demo`: an invented tea shop, imported as a real one would be, and served.

mod birthdays;
mod coupons;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use commerce::imports::{self, Import, ImportState};
use commerce::shops::{self, Channel, NewShop};
use demoshop::{Encoding, Era, ShopPlan, Written};
use flows::import_orders::{self, ImportOrder};
use flows::{settle_levels, settle_points};
use identity::{Email, NewUser, Password, PersonName, RoleName};
use kernel::{Currency, ImportId, Limit, OrgId, Zone};
use loyalty::levels::rules::Rules as LevelRules;
use loyalty::levels::scheme::{self, NewScheme};
use loyalty::points::programme::{self, NewProgramme};
use loyalty::points::rules::{Activity, Expiry, Negative, Rules as PointsRules};
use platform::retention::DAY_MILLIS;
use platform::{Ctx, Tx};

use super::{Global, ServeArgs, say, serve};
use crate::Boot;

const EMAIL: &str = "demo@example.com";
const PASSWORD: &str = "guanxi-demo";
/// Orders of so many days earn points: a year, so that some lots end soon.
const EARNS_DAYS: i64 = 360;
/// Progress is said this often.
const EVERY: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
pub(super) struct DemoArgs {
    /// Customers of the shop; it has six orders for each
    #[arg(long, value_name = "N", default_value_t = ShopPlan::CUSTOMERS,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    customers: u32,
    #[command(flatten)]
    serve: ServeArgs,
}

pub(super) async fn run(global: &Global, args: DemoArgs) -> Result<ExitCode> {
    let boot = global.open().await?;
    owner(&boot).await?;
    shop(&boot, args.customers).await?;
    membership(&boot).await?;
    coupons::make(&boot).await?;
    birthdays::make(&boot).await?;
    let banner = format!(
        "\n  A demonstration shop with invented people. Sign in with\n\n      {EMAIL}\n      {PASSWORD}\n"
    );
    serve(global, &boot, &args.serve, &banner).await
}

/// Makes the account to sign in with, unless it is there.
async fn owner(boot: &Boot) -> Result<()> {
    let cx = boot.ctx();
    let keys = boot.platform.keys(OrgId::FIRST);
    let email: Email = EMAIL.parse()?;
    let mut tx = boot.platform.db.begin_for(cx.scope).await?;
    if identity::find_user(&mut tx, &cx, &keys, &email).await?.is_some() {
        return Ok(());
    }
    tx.rollback().await?;
    let password = Password::new(PASSWORD).map_err(|error| anyhow::anyhow!("{error}"))?;
    let password = identity::hash(password, &*cx.ids).await;
    let name: PersonName = "演示店主".parse()?;
    let new = NewUser { email, name, role: RoleName::owner(), password };
    let mut tx = boot.platform.db.begin_for(cx.scope).await?;
    identity::create_user(&mut tx, &cx, &keys, new).await?;
    tx.commit().await?;
    Ok(())
}

/// Invents the shop and imports its two reports, unless that was done; one that was broken off is
/// gone on with.
async fn shop(boot: &Boot, customers: u32) -> Result<()> {
    let cx = boot.ctx();
    // Up to this moment, so that the workbench has something to tell of today.
    let taken_at = cx.now().local(Zone::CHINA);
    let mut plan = ShopPlan { taken_at, ..ShopPlan::ending(taken_at.date()) };
    plan.customers = customers;
    plan.orders = customers.saturating_mul(ShopPlan::ORDERS / ShopPlan::CUSTOMERS);
    let new = NewShop {
        name: plan.shop_name.clone(),
        channel: Channel::Taobao,
        currency: Currency::CNY,
        zone: Zone::CHINA,
    };
    let mut tx = boot.platform.db.begin_for(cx.scope).await?;
    let known = shops::by_name(&mut tx, &cx, &new.name).await?;
    let shop = match known {
        Some(shop) => {
            if let Some(import) = broken_off(&mut tx, &cx, shop.number).await? {
                tx.rollback().await?;
                say("Going on with the import of the demonstration shop …");
                return run_import(boot, import.id).await;
            }
            if commerce::store::shop_has_orders(&mut tx, cx.scope, shop.number).await? {
                say("The demonstration shop is there already.");
                return Ok(());
            }
            shop
        }
        None => shops::create(&mut tx, &cx, &new).await?,
    };
    tx.commit().await?;

    let folder = boot.platform.folder.join("uploads");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let began = Instant::now();
    say(&format!("Inventing {} customers with {} orders …", plan.customers, plan.orders));
    let orders = write(&folder.join("demo-orders.csv"), |out| {
        demoshop::write_order_report(&plan, out, Era::Columns67, Encoding::Gb18030)
    })?;
    let items = write(&folder.join("demo-items.csv"), |out| {
        demoshop::write_item_report(&plan, out, Encoding::Utf8Bom)
    })?;
    say(&format!("  {:.1} s", began.elapsed().as_secs_f64()));
    say("Importing their order report and item report …");
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let order = ImportOrder {
        files: vec![(name(&orders), orders), (name(&items), items)],
        uploaded: true,
        ..ImportOrder::default()
    };
    let import =
        import_orders::begin(&boot.platform, &cx, &shop, &order, ImportState::Queued).await?;
    run_import(boot, import.id).await
}

/// The import of the shop that was begun and not ended, if its files are still there.
async fn broken_off(tx: &mut Tx, cx: &Ctx, shop: i64) -> Result<Option<Import>> {
    let limit = Limit::new(None).map_err(anyhow::Error::msg)?;
    let found = imports::list(tx, cx.scope, None, limit).await?.items;
    let begun = [ImportState::Queued, ImportState::Running, ImportState::Failed];
    Ok(found.into_iter().find(|import| {
        import.shop_number == Some(shop)
            && !import.dry_run
            && begun.contains(&import.state)
            && import.request.files.iter().all(|file| Path::new(&file.path).exists())
    }))
}

/// Makes a programme of points and a scheme of levels, unless there are such. The server's jobs then settle the orders.
async fn membership(boot: &Boot) -> Result<()> {
    let cx = boot.ctx();
    let mut tx = boot.platform.db.begin_for(cx.scope).await?;
    if programme::all(&mut tx, cx.scope).await?.is_empty() {
        let new = NewProgramme {
            name: "会员积分".to_owned(),
            currency: Currency::CNY,
            shops: Vec::new(),
            zone: Zone::CHINA,
            since: cx.now().plus_millis(-EARNS_DAYS * DAY_MILLIS),
            rules: points_rules(),
        };
        settle_points::make_programme(&mut tx, &cx, &new).await?;
    }
    if scheme::all(&mut tx, cx.scope).await?.is_empty() {
        let new = NewScheme {
            name: "会员等级".to_owned(),
            currency: Currency::CNY,
            shops: Vec::new(),
            zone: Zone::CHINA,
            rules: LevelRules::by_amount(),
        };
        settle_levels::make_scheme(&mut tx, &cx, &new).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// One point for each yuan, usable after 15 days, living a year; a hundred are worth one yuan.
fn points_rules() -> PointsRules {
    let activity =
        |name: &str, points, times_a_day| Activity { name: name.to_owned(), points, times_a_day };
    PointsRules {
        earn_points: 1,
        earn_per_minor: 100,
        products: Vec::new(),
        day_cap: None,
        activities: vec![
            activity("birthday", 200, 1),
            activity("sign_in", 5, 1),
            activity("review", 20, 3),
        ],
        pending_days: 15,
        expiry: Expiry::Months { months: 12 },
        negative: Negative::Allow,
        grace_days: 30,
        approve_above: 1_000,
        value_points: 100,
        value_minor: 100,
    }
}

async fn run_import(boot: &Boot, id: ImportId) -> Result<()> {
    let began = Instant::now();
    let mut said = Instant::now();
    let done = import_orders::run(&boot.platform, &boot.ctx(), id, |import| {
        if said.elapsed() >= EVERY {
            said = Instant::now();
            let progress = &import.progress;
            let share = progress.bytes_read * 100 / progress.bytes_total.max(1);
            say(&format!("  {share:>3} %, {} rows", progress.rows_read));
        }
    })
    .await?;
    say(&format!(
        "  {} orders of {} customers in {:.1} s",
        done.progress.orders_created,
        done.progress.customers_created,
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}

fn write(
    path: &Path,
    report: impl FnOnce(
        &mut std::io::BufWriter<std::fs::File>,
    ) -> Result<Written, demoshop::ReportError>,
) -> Result<PathBuf> {
    let file = std::fs::File::create(path).with_context(|| path.display().to_string())?;
    let mut out = std::io::BufWriter::new(file);
    report(&mut out)?;
    out.flush()?;
    Ok(path.to_owned())
}
