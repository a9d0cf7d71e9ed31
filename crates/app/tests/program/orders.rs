//! What an order file holds, and what a database holds of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use platform::Db;
use platform::crypto::OrgKeys;
use serde_json::Value;
use tabular::{Options, Table};
use uuid::Uuid;

use super::place::Place;

/// What an import counts; the same however often it was killed.
pub const COUNTERS: [&str; 9] = [
    "rows_read",
    "orders_created",
    "orders_updated",
    "orders_unchanged",
    "lines_created",
    "customers_created",
    "customers_matched",
    "rejected",
    "skipped",
];

/// A Taobao order report of an invented shop.
pub fn generate(place: &Place, name: &str, orders: u32, seed: u64) -> PathBuf {
    let path = place.path(name);
    let (orders, seed, out) = (orders.to_string(), seed.to_string(), path.to_str().unwrap());
    let args = ["bench", "generate-export", "--orders", &orders, "--seed", &seed, "--out", out];
    place.answer(&args);
    path
}

/// Order numbers and totals in fen, read from the file itself by other means than an import's.
pub fn in_file(path: &Path) -> BTreeMap<String, i64> {
    let mut table = Table::open(path, &Options::default()).unwrap();
    let column = |name: &str| table.header().iter().position(|known| known == name).unwrap();
    let (number, total) = (column("订单编号"), column("总金额"));
    let mut orders = BTreeMap::new();
    while let Some(row) = table.next_row() {
        let row = row.unwrap();
        let number = row.get(number).unwrap().trim_matches(['=', '"']).to_owned();
        let fen = row.get(total).unwrap().replace('.', "").parse().unwrap();
        assert!(orders.insert(number, fen).is_none(), "the generator repeats no order");
    }
    orders
}

/// An order with its buyer, without what is random.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order {
    pub external_no: String,
    state: i64,
    pub total_minor: Option<i64>,
    paid_minor: Option<i64>,
    refund_minor: Option<i64>,
    revenue_minor: Option<i64>,
    last_import: i64,
    buyer: Customer,
}

/// A customer without what is random: name, place, accounts and contacts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Customer {
    name: String,
    province: Option<String>,
    city: Option<String>,
    identities: Vec<(i64, String)>,
}

/// Everything stored of orders and customers, sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    pub orders: Vec<Order>,
    pub customers: Vec<Customer>,
    pub rejects: Vec<(i64, i64)>,
    suggestions: i64,
}

impl Stored {
    pub fn totals(&self) -> BTreeMap<String, i64> {
        let orders = self.orders.iter();
        orders.map(|o| (o.external_no.clone(), o.total_minor.unwrap_or_default())).collect()
    }

    /// The same orders and customers, and `self` is easier to read when they are not.
    pub fn assert_same(&self, other: &Self) {
        let numbers = |stored: &Self| (stored.orders.len(), stored.customers.len());
        assert_eq!(numbers(self), numbers(other), "orders and customers");
        let differ = self.orders.iter().zip(&other.orders).find(|(a, b)| a != b);
        assert_eq!(differ, None);
        let differ = self.customers.iter().zip(&other.customers).find(|(a, b)| a != b);
        assert_eq!(differ, None);
        assert!(self == other, "rejects or suggestions differ");
    }
}

type OrderRow =
    (String, i64, Option<i64>, Option<i64>, Option<i64>, Option<i64>, i64, Option<Uuid>);

/// Customer, kind, and the value in plain or sealed.
type IdentityRow = (Uuid, i64, Option<String>, Option<Vec<u8>>);

/// Reads everything, and closes the database again.
pub async fn stored(place: &Place) -> Stored {
    let db = place.open().await;
    let stored = read(&db, &place.keys(&db).await).await;
    db.close().await;
    stored
}

async fn read(db: &Db, keys: &OrgKeys) -> Stored {
    let mut tx = db.read().await.unwrap();
    let rows: Vec<(Uuid, String, Option<String>, Option<String>)> = tx
        .fetch_all("SELECT id, name, province, city FROM customers_customers", vec![])
        .await
        .unwrap();
    let mut customers: BTreeMap<Uuid, Customer> = BTreeMap::new();
    for (id, name, province, city) in rows {
        customers.insert(id, Customer { name, province, city, identities: Vec::new() });
    }
    let rows: Vec<IdentityRow> = tx
        .fetch_all("SELECT customer_id, kind, plain, sealed FROM customers_identities", vec![])
        .await
        .unwrap();
    for (id, kind, plain, sealed) in rows {
        let field = customers::IdentityKind::from_code(kind).unwrap().field();
        let value = plain.unwrap_or_else(|| keys.open_text(field, &sealed.unwrap()).unwrap());
        customers.get_mut(&id).unwrap().identities.push((kind, value));
    }
    customers.values_mut().for_each(|customer| customer.identities.sort());
    let rows: Vec<OrderRow> = tx
        .fetch_all(
            "SELECT external_no, state, total_minor, paid_minor, refund_minor, revenue_minor,
                 last_import, customer_id FROM commerce_orders",
            vec![],
        )
        .await
        .unwrap();
    let mut orders: Vec<Order> = rows
        .into_iter()
        .map(|row| Order {
            external_no: row.0,
            state: row.1,
            total_minor: row.2,
            paid_minor: row.3,
            refund_minor: row.4,
            revenue_minor: row.5,
            last_import: row.6,
            buyer: row.7.map(|id| customers[&id].clone()).unwrap_or_default(),
        })
        .collect();
    orders.sort();
    let rejects: Vec<(i64, i64)> = tx
        .fetch_all(
            "SELECT import_number, line FROM commerce_import_rejects ORDER BY import_number, line",
            vec![],
        )
        .await
        .unwrap();
    let (suggestions,): (i64,) =
        tx.fetch_one("SELECT COUNT(*) FROM customers_suggestions", vec![]).await.unwrap();
    tx.rollback().await.unwrap();
    let mut customers: Vec<Customer> = customers.into_values().collect();
    customers.sort();
    Stored { orders, customers, rejects, suggestions }
}

/// Counts of an import as the program gives them.
pub fn counters(answer: &Value) -> BTreeMap<&'static str, i64> {
    COUNTERS.iter().map(|name| (*name, answer[*name].as_i64().unwrap())).collect()
}
