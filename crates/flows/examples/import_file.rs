//! Imports a file into a fresh store and prints where the time goes; for work on the import.
//! `cargo run --release -p flows --example import_file -- FILE FOLDER [postgres://…]`

use std::sync::Arc;

use commerce::imports::ImportState;
use commerce::shops::{self, Channel, NewShop};
use flows::import_orders::{self, ImportOrder};
use kernel::{Currency, OrgId, Zone};
use platform::crypto::MasterKey;
use platform::system::{SystemClock, SystemIds};
use platform::{Db, Platform, Scope};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let folder = std::path::PathBuf::from(&args[2]);
    std::fs::create_dir_all(&folder).expect("a folder");
    let db = match args.get(3) {
        Some(url) => Db::connect_postgres(url).await,
        None => Db::open_sqlite(&folder.join("guanxi.db")).await,
    }
    .expect("the database opens");
    let migrations =
        [platform::MIGRATIONS, customers::MIGRATIONS, commerce::MIGRATIONS, loyalty::MIGRATIONS]
            .concat();
    db.migrate(&migrations).await.expect("migrations run");
    let platform = Platform::new(
        db,
        MasterKey::new([1; 32]),
        Arc::new(SystemClock),
        Arc::new(SystemIds::default()),
        &folder,
    );
    let cx = platform.ctx(Scope::system(OrgId::FIRST));
    let mut tx = platform.db.begin().await.expect("a transaction");
    let shop = match shops::by_name(&mut tx, &cx, "shop").await.expect("a query") {
        Some(shop) => shop,
        None => {
            let new = NewShop {
                name: "shop".to_owned(),
                channel: Channel::Taobao,
                currency: Currency::CNY,
                zone: Zone::CHINA,
            };
            shops::create(&mut tx, &cx, &new).await.expect("a shop")
        }
    };
    tx.commit().await.expect("a commit");
    let order = ImportOrder {
        files: vec![(args[1].clone(), args[1].clone().into())],
        ..ImportOrder::default()
    };
    let began = std::time::Instant::now();
    let import = import_orders::begin(&platform, &cx, &shop, &order, ImportState::Queued)
        .await
        .expect("an import");
    let done = import_orders::run(&platform, &cx, import.id, |import| {
        eprintln!("{:>8.2}s {:>9} rows", began.elapsed().as_secs_f64(), import.progress.rows_read);
    })
    .await
    .expect("an import");
    eprintln!("{:?} in {:.2}s", done.progress, began.elapsed().as_secs_f64());
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    eprintln!("{}", status.lines().find(|l| l.starts_with("VmHWM")).unwrap_or_default());
}
