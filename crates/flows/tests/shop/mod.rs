//! A shop to import into, and dumps of what is stored.

#![allow(clippy::unwrap_used, clippy::type_complexity)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use commerce::formats::Language;
use commerce::imports::{self, Import, ImportState, RejectedRow};
use commerce::shops::{self, Channel, NewShop};
use commerce::store::OrderRow;
use demoshop::{Encoding, Era, ShopPlan};
use flows::import_orders::{self, ImportOrder};
use flows::verify::verify;
use flows::write_rejects::RejectsCsv;
use kernel::{Currency, ImportId, Zone};
use platform::crypto::MasterKey;
use platform::{Ctx, Migration, Platform};
use testkit::TestDb;
use uuid::Uuid;

pub const MIGRATIONS: &[Migration] = &[
    platform::MIGRATIONS[0],
    platform::MIGRATIONS[1],
    platform::MIGRATIONS[2],
    platform::MIGRATIONS[3],
    platform::MIGRATIONS[4],
    customers::MIGRATIONS[0],
    customers::MIGRATIONS[2],
    customers::MIGRATIONS[3],
    customers::MIGRATIONS[4],
    customers::MIGRATIONS[5],
    customers::MIGRATIONS[6],
    customers::MIGRATIONS[7],
    customers::MIGRATIONS[8],
    customers::MIGRATIONS[9],
    commerce::MIGRATIONS[0],
    commerce::MIGRATIONS[3],
    commerce::MIGRATIONS[4],
    commerce::MIGRATIONS[6],
    commerce::MIGRATIONS[7],
    commerce::MIGRATIONS[8],
    commerce::MIGRATIONS[9],
    insight::MIGRATIONS[0],
    insight::MIGRATIONS[1],
    insight::MIGRATIONS[2],
    insight::MIGRATIONS[3],
    loyalty::MIGRATIONS[0],
    loyalty::MIGRATIONS[1],
    loyalty::MIGRATIONS[2],
    loyalty::MIGRATIONS[3],
    loyalty::MIGRATIONS[4],
    loyalty::MIGRATIONS[5],
    loyalty::MIGRATIONS[6],
    loyalty::MIGRATIONS[7],
    loyalty::MIGRATIONS[8],
    loyalty::MIGRATIONS[9],
];

pub struct Shop {
    pub platform: Platform,
    pub cx: Ctx,
    pub shop: commerce::Shop,
    folder: PathBuf,
}

impl Shop {
    pub async fn open(db: &TestDb) -> Self {
        let cx = db.ctx();
        let platform = Platform::new(
            db.db().clone(),
            MasterKey::new([42; 32]),
            Arc::clone(&cx.clock),
            Arc::clone(&cx.ids),
            db.folder(),
        );
        let new = NewShop {
            name: "测试店".to_owned(),
            channel: Channel::Taobao,
            currency: Currency::CNY,
            zone: Zone::CHINA,
        };
        let mut tx = platform.db.begin().await.unwrap();
        let shop = shops::create(&mut tx, &cx, &new).await.unwrap();
        tx.commit().await.unwrap();
        Self { platform, cx, shop, folder: db.folder().to_owned() }
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn order_report(&self, plan: &ShopPlan, name: &str) -> PathBuf {
        let mut bytes = Vec::new();
        demoshop::write_order_report(plan, &mut bytes, Era::Columns67, Encoding::Utf8Bom).unwrap();
        self.write(name, &bytes)
    }

    pub fn item_report(&self, plan: &ShopPlan, name: &str) -> PathBuf {
        let mut bytes = Vec::new();
        demoshop::write_item_report(plan, &mut bytes, Encoding::Gb18030).unwrap();
        self.write(name, &bytes)
    }

    pub async fn begin(&self, files: &[&Path], dry_run: bool) -> Import {
        let order = ImportOrder {
            files: files.iter().map(|f| (f.display().to_string(), f.to_path_buf())).collect(),
            dry_run,
            ..ImportOrder::default()
        };
        let queued = ImportState::Queued;
        import_orders::begin(&self.platform, &self.cx, &self.shop, &order, queued).await.unwrap()
    }

    pub async fn import(&self, files: &[&PathBuf]) -> Import {
        let files: Vec<&Path> = files.iter().map(|file| file.as_path()).collect();
        let import = self.begin(&files, false).await;
        import_orders::run(&self.platform, &self.cx, import.id, |_| {}).await.unwrap()
    }

    /// Runs an import to its end in batches of `orders`. Each turn lives for a few batches and is then
    /// dropped in the middle of the next, as by a crash: nothing runs after the drop.
    pub async fn run_with_crashes(&self, import: &Import, orders: usize) -> Import {
        for turn in 0..40 {
            let mut left = turn % 3 + 1;
            let (stop, stopped) = tokio::sync::oneshot::channel();
            let mut stop = Some(stop);
            let (platform, cx) = (&self.platform, &self.cx);
            let run = import_orders::run_in_batches(platform, cx, import.id, orders, |import| {
                left -= i32::from(import.state == ImportState::Running);
                if left == 0
                    && let Some(stop) = stop.take()
                {
                    let _ = stop.send(());
                }
            });
            tokio::select! {
                biased;
                _ = stopped => {}
                done = run => {
                    assert_eq!(done.unwrap().state, ImportState::Finished);
                    return self.get(import.id).await;
                }
            }
        }
        panic!("the import comes to no end");
    }

    /// Every invariant of the data holds.
    pub async fn holds(&self) {
        for check in verify(&self.platform, &self.cx).await.unwrap() {
            assert!(check.ok, "{}: {}", check.name, check.detail);
        }
    }

    pub async fn get(&self, id: ImportId) -> Import {
        let mut tx = self.platform.db.read().await.unwrap();
        imports::get(&mut tx, self.cx.scope, id).await.unwrap().unwrap()
    }

    pub async fn rejects(&self, import: &Import) -> Vec<RejectedRow> {
        let keys = self.platform.keys(self.cx.scope.org());
        let mut tx = self.platform.db.read().await.unwrap();
        let mut all = Vec::new();
        for file_no in 0..import.request.files.len() {
            let rows =
                imports::rejects(&mut tx, self.cx.scope, &keys, import, file_no, None, 100).await;
            all.extend(rows.unwrap().into_iter().map(|(_, row)| row));
        }
        all
    }

    /// The file of rejected rows of the file at `file_no`, page by page.
    pub async fn rejects_pages(&self, import: &Import, file_no: usize) -> Vec<String> {
        let (platform, cx, import) = (&self.platform, &self.cx, import.clone());
        let mut rows = RejectsCsv::new(platform, cx, import, file_no, Language::English);
        let mut pages = Vec::new();
        while let Some(page) = rows.next_page().await.unwrap() {
            pages.push(page);
        }
        pages
    }

    /// Rejected rows that are kept of each file.
    pub async fn count_rejects(&self, import: &Import) -> Vec<u64> {
        let mut tx = self.platform.db.read().await.unwrap();
        imports::count_rejects(&mut tx, self.cx.scope, import).await.unwrap()
    }
}

type CustomerRow = (Uuid, String, Option<String>, Option<String>, i64, i64);
type IdentityRow = (Uuid, i64, i64, Vec<u8>, Option<String>, Option<Vec<u8>>, i64);
type LineRow = (Uuid, i64, Option<String>, Option<String>, i64, Option<i64>);

/// Everything stored of customers and orders.
#[derive(Debug, Clone, PartialEq)]
pub struct Dump {
    pub orders: Vec<OrderRow>,
    pub lines: Vec<LineRow>,
    pub customers: Vec<CustomerRow>,
    pub identities: Vec<IdentityRow>,
    pub suggestions: Vec<(Uuid, Uuid, i64)>,
}

pub async fn dump(shop: &Shop) -> Dump {
    let mut tx = shop.platform.db.read().await.unwrap();
    Dump {
        orders: tx.fetch_all("SELECT * FROM commerce_orders ORDER BY id", vec![]).await.unwrap(),
        lines: tx
            .fetch_all(
                "SELECT order_id, line_no, external_no, title, quantity, amount_minor
                 FROM commerce_order_lines ORDER BY order_id, line_no",
                vec![],
            )
            .await
            .unwrap(),
        customers: tx
            .fetch_all(
                "SELECT id, name, province, city, version, created_at FROM customers_customers ORDER BY id",
                vec![],
            )
            .await
            .unwrap(),
        identities: tx
            .fetch_all(
                "SELECT customer_id, kind, space, hash, plain, sealed, first_seen_at
                 FROM customers_identities ORDER BY customer_id, kind, hash",
                vec![],
            )
            .await
            .unwrap(),
        suggestions: tx
            .fetch_all("SELECT a, b, score FROM customers_suggestions ORDER BY a, b", vec![])
            .await
            .unwrap(),
    }
}

impl Dump {
    pub fn states(&self) -> BTreeMap<String, i64> {
        self.orders.iter().map(|order| (order.external_no.clone(), order.state)).collect()
    }

    pub fn revenue(&self) -> BTreeMap<String, Option<i64>> {
        self.orders.iter().map(|order| (order.external_no.clone(), order.revenue_minor)).collect()
    }

    /// What does not depend on ids and nonces: each order with the identities of its buyer.
    pub fn without_ids(&self) -> Vec<(String, i64, Option<i64>, String, Vec<Vec<u8>>)> {
        let names: BTreeMap<Uuid, &str> =
            self.customers.iter().map(|row| (row.0, row.1.as_str())).collect();
        let mut hashes: BTreeMap<Uuid, Vec<Vec<u8>>> = BTreeMap::new();
        for row in &self.identities {
            hashes.entry(row.0).or_default().push(row.3.clone());
        }
        let mut orders: Vec<_> = self
            .orders
            .iter()
            .map(|order| {
                let buyer = order.customer_id.unwrap_or_default();
                (
                    order.external_no.clone(),
                    order.state,
                    order.revenue_minor,
                    names.get(&buyer).copied().unwrap_or_default().to_owned(),
                    hashes.get(&buyer).cloned().unwrap_or_default(),
                )
            })
            .collect();
        orders.sort();
        orders
    }
}

/// All that a thief of the database would have: the files of SQLite, the rows of PostgreSQL.
pub async fn stored_bytes(shop: &Shop, db: &TestDb) -> Vec<u8> {
    if db.postgres_url().is_none() {
        let files = std::fs::read_dir(db.folder()).unwrap().map(|entry| entry.unwrap().path());
        let is_of_database = |path: &PathBuf| path.extension().is_some_and(|e| e != "csv");
        return files
            .filter(is_of_database)
            .flat_map(|path| std::fs::read(path).unwrap())
            .collect();
    }
    let mut tx = shop.platform.db.read().await.unwrap();
    let tables: Vec<(String,)> = tx
        .fetch_all(
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'",
            vec![],
        )
        .await
        .unwrap();
    let mut stored = Vec::new();
    for (table,) in tables {
        stored.extend_from_slice(table.as_bytes());
        let sql = sqlx::AssertSqlSafe(format!("SELECT t::text FROM {table} t"));
        tx.for_each::<(String,)>(sql, vec![], |(row,)| stored.extend_from_slice(row.as_bytes()))
            .await
            .unwrap();
    }
    stored
}
