//! A little shop of buyers, and views of the raw tables.

use customers::AccountSpace;
use customers::resolve::{Resolved, Resolver, SeenIdentity, Sighting};
use kernel::{CustomerId, OrgId, Timestamp};
use platform::crypto::OrgKeys;
use platform::{Ctx, Db, Migration, Scope, Tx, args};
use sqlx::AssertSqlSafe;
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
];
pub const TAOBAO: AccountSpace = AccountSpace::new(1);

/// A context of another organisation in the same database, so that many cases share one.
pub fn ctx_of_org(db: &TestDb, org: i32) -> Ctx {
    db.platform().ctx(Scope::system(OrgId::new(org)))
}

/// A buyer with an account of Taobao, phones and e-mail addresses.
pub fn buyer(keys: &OrgKeys, account: Option<&str>, contacts: &[&str]) -> Sighting {
    Sighting {
        account: account.and_then(|account| SeenIdentity::account(keys, TAOBAO, account)),
        contacts: contacts
            .iter()
            .filter_map(|text| {
                SeenIdentity::email(keys, text).or_else(|| SeenIdentity::phone(keys, text))
            })
            .collect(),
        name: account.map(|account| format!("name of {account}")),
        seen_at: Some(Timestamp::from_millis(1_700_000_000_000)),
        ..Sighting::default()
    }
}

/// Resolves in a transaction of its own.
pub async fn resolve(
    db: &Db,
    cx: &Ctx,
    keys: &OrgKeys,
    resolver: &mut Resolver,
    sightings: &[Sighting],
) -> Resolved {
    let mut tx = db.begin().await.unwrap();
    let resolved = resolver.resolve(&mut tx, cx, keys, sightings).await.unwrap();
    tx.commit().await.unwrap();
    resolved
}

/// Makes one customer for each account name.
pub async fn known(db: &TestDb, cx: &Ctx, accounts: &[&str]) -> Vec<CustomerId> {
    let keys = db.keys();
    let sightings: Vec<Sighting> =
        accounts.iter().map(|account| buyer(&keys, Some(account), &[])).collect();
    let resolved = resolve(db.db(), cx, &keys, &mut Resolver::new(), &sightings).await;
    resolved.customers.into_iter().map(Option::unwrap).collect()
}

/// All rows of one organisation's table, as text.
pub async fn dump(tx: &mut Tx, table: &str, org: i32) -> Vec<String> {
    let columns = columns(table);
    let texts: Vec<String> = columns
        .iter()
        .map(|column| {
            if tx.is_postgres() {
                format!("COALESCE(CAST({column} AS TEXT), 'NULL')")
            } else {
                format!("quote({column})")
            }
        })
        .collect();
    let filter = if columns.contains(&"org_id") { "org_id = $1" } else { "$1 > 0" };
    let sql = format!("SELECT {} FROM {table} WHERE {filter}", texts.join(" || '|' || "));
    let rows: Vec<(String,)> =
        tx.fetch_all(AssertSqlSafe(sql), args![i64::from(org)]).await.unwrap();
    let mut rows: Vec<String> = rows.into_iter().map(|(row,)| format!("{table}: {row}")).collect();
    rows.sort_unstable();
    rows
}

/// All tables whose name begins with `prefix`, except the counter that only ever grows.
pub async fn dump_all(db: &Db, prefix: &str, org: i32) -> Vec<String> {
    let mut tx = db.read().await.unwrap();
    let mut rows = Vec::new();
    for table in tables().into_iter().filter(|table| table.starts_with(prefix)) {
        rows.extend(dump(&mut tx, table, org).await);
    }
    rows.retain(|row| !row.contains("identity_epoch"));
    rows
}

fn tables() -> Vec<&'static str> {
    MIGRATIONS
        .iter()
        .flat_map(|migration| migration.sql.lines())
        .filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split_whitespace().next())
        .collect()
}

fn columns(table: &str) -> Vec<&'static str> {
    let opening = format!("CREATE TABLE {table} (");
    let lines = MIGRATIONS.iter().flat_map(|migration| migration.sql.lines());
    lines
        .skip_while(|line| !line.starts_with(&opening))
        .skip(1)
        .take_while(|line| !line.starts_with(')'))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        // Of one database only.
        .filter(|column| !["seq", "position"].contains(column))
        .collect()
}

/// `merged_into` of each customer of an organisation.
pub async fn keepers(tx: &mut Tx, org: i32) -> Vec<(Uuid, Option<Uuid>)> {
    tx.fetch_all(
        "SELECT id, merged_into FROM customers_customers WHERE org_id = $1 ORDER BY id",
        args![i64::from(org)],
    )
    .await
    .unwrap()
}
