//! After an erasure nothing of the person is left in the database, and every sum is as it was.

use axum::http::StatusCode;
use commerce::imports::ImportState;
use commerce::{batch, imports};
use flows::import_orders::{self, ImportOrder};
use kernel::Limit;
use platform::args;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use testkit::{TestDb, db_test};

use crate::house::migrations;
use crate::reading::{Shop, text};

const NAME: &str = "欧阳独一";
const PHONE: &str = "13877770001";
const STREET: &str = "独一路 77 号";
const NOTE: &str = "喜欢熟普，电话 13877770001";

const HEADER: &str =
    "no,account,name,mobile,province,at,paid,refund,state,title,district,address\n";

/// Two orders of one person under two accounts, and one of somebody else. The third column from the end says
/// how far they are.
fn file(state: &str) -> String {
    format!(
        "{HEADER}\
         310000000001,onlyone,{NAME},{PHONE},浙江省,2025-01-10,100.00,,{state},龙井,西湖区,{STREET}\n\
         310000000002,onlytwo,{NAME},{PHONE},浙江省,2025-03-10,200.00,50.00,{state},红茶,西湖区,{STREET}\n\
         310000000003,another,赵六,13800000066,浙江省,2025-05-10,70.00,,{state},白茶,西湖区,文三路 9 号\n"
    )
}

/// Every cell of every table, as text.
pub async fn dump(db: &TestDb) -> String {
    let mut tx = db.db().read().await.unwrap();
    let tables: Vec<(String,)> = if tx.is_postgres() {
        let sql = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = current_schema()";
        tx.fetch_all(sql, vec![]).await.unwrap()
    } else {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table'";
        tx.fetch_all(sql, vec![]).await.unwrap()
    };
    let mut all = String::new();
    for (table,) in tables.into_iter().filter(|(table,)| !table.starts_with("sqlite_")) {
        let rows: Vec<(String,)> = if tx.is_postgres() {
            let sql = format!("SELECT CAST(t.* AS TEXT) FROM {table} AS t");
            tx.fetch_all(AssertSqlSafe(sql), vec![]).await.unwrap()
        } else {
            let sql = format!("SELECT name FROM pragma_table_info('{table}')");
            let columns: Vec<(String,)> = tx.fetch_all(AssertSqlSafe(sql), vec![]).await.unwrap();
            let cells: Vec<String> =
                columns.iter().map(|(column,)| format!("quote({column})")).collect();
            let sql = format!("SELECT {} FROM {table}", cells.join(" || ' ' || "));
            tx.fetch_all(AssertSqlSafe(sql), vec![]).await.unwrap()
        };
        for (row,) in rows {
            all.push_str(&format!("{table}: {}", row.to_lowercase()));
            all.push('\n');
        }
    }
    all
}

/// Rows of customers and orders, without those of the platform, where each request leaves a trace.
pub fn of_business(dump: &str) -> Vec<&str> {
    let is_business = |line: &&str| line.starts_with("customers_") || line.starts_with("commerce_");
    let mut lines: Vec<&str> = dump.lines().filter(is_business).collect();
    lines.sort_unstable();
    lines
}

/// What must be there before and nowhere after: the name, the accounts, and blind indexes in each form in
/// which tables keep them.
async fn traces(db: &TestDb) -> Vec<String> {
    let mut traces = traces_of(db, NAME).await;
    assert!(traces.len() >= 5, "a name, two accounts, twice a phone");
    traces.extend(["onlyone", "onlytwo"].map(str::to_owned));
    traces
}

/// The name of customers, and the blind indexes of who has it.
pub async fn traces_of(db: &TestDb, name: &str) -> Vec<String> {
    let mut tx = db.db().read().await.unwrap();
    let sql = "SELECT hash FROM customers_identities i JOIN customers_customers c
         ON c.org_id = i.org_id AND c.id = i.customer_id WHERE i.org_id = $1 AND c.name = $2";
    let hashes: Vec<(Vec<u8>,)> = tx.fetch_all(sql, args![1_i64, name]).await.unwrap();
    let mut traces = vec![name.to_owned()];
    for (hash,) in hashes {
        traces.push(hash.iter().map(|byte| format!("{byte:02x}")).collect());
    }
    traces
}

/// The sums that a merchant sees.
pub async fn sums(shop: &Shop) -> Vec<Value> {
    // Scores follow the data a moment later.
    shop.house.state.engines.of(kernel::OrgId::FIRST).reload().await.unwrap();
    let mut seen = Vec::new();
    for path in ["/insight/rfm?as_of=2026-01-01", "/insight/workbench"] {
        let mut figures = shop.get(path).await;
        // What waits to be done is no sum: suggestions go with whom they name.
        figures.as_object_mut().unwrap().remove("attention");
        seen.push(figures);
    }
    let list = shop.get("/customers?limit=100").await;
    seen.push(list["total"].clone());
    let mut rows: Vec<Value> = list["items"].as_array().unwrap().clone();
    for row in &mut rows {
        let row = row.as_object_mut().unwrap();
        for field in ["name", "phone", "email", "accounts", "contact"] {
            row.remove(field);
        }
    }
    rows.sort_by_key(|row| text(&row["id"]));
    seen.extend(rows);
    let orders = shop.get("/commerce/orders?limit=100").await;
    for order in orders["items"].as_array().unwrap() {
        seen.push(json!([
            order["id"],
            order["external_no"],
            order["state"],
            order["paid_minor"],
            order["refund_minor"]
        ]));
    }
    seen
}

pub async fn import(db: &TestDb, shop: &Shop, text: &str) -> commerce::imports::Import {
    let platform = &shop.house.state.platform;
    let cx = db.ctx();
    let mut tx = db.db().read().await.unwrap();
    let shops = commerce::shops::all(&mut tx, &cx).await.unwrap();
    tx.rollback().await.unwrap();
    let path = db.folder().join("again.csv");
    std::fs::write(&path, text).unwrap();
    let order = ImportOrder {
        files: vec![("again.csv".to_owned(), path)],
        format: Some("generic".parse().unwrap()),
        mapping: Some(crate::reading::MAPPING.to_owned()),
        ..ImportOrder::default()
    };
    let begun = import_orders::begin(platform, &cx, &shops[0], &order, ImportState::Queued).await;
    import_orders::run(platform, &cx, begun.unwrap().id, |_| ()).await.unwrap()
}

async fn names(shop: &Shop, query: &str) -> usize {
    shop.get(&format!("/customers?{query}")).await["items"].as_array().unwrap().len()
}

/// Everything that imports keep, opened.
pub async fn kept(db: &TestDb) -> String {
    let cx = db.ctx();
    let mut tx = db.db().read().await.unwrap();
    let mut all = String::new();
    let page = imports::list(&mut tx, cx.scope, None, Limit::new(Some(50)).unwrap()).await.unwrap();
    for import in page.items {
        let rejects = imports::rejects(&mut tx, cx.scope, &db.keys(), &import, 0, None, 100).await;
        for (_, row) in rejects.unwrap() {
            all.push_str(&format!("{} {}\n", row.raw, row.reason));
        }
        let mut below = i64::MAX;
        while let Some(batch) =
            batch::undo::last_kept(&mut tx, cx.scope, &db.keys(), import.number, below)
                .await
                .unwrap()
        {
            below = batch.batch_no;
            for image in &batch.before {
                all.push_str(&format!("{:?}\n", image.order.head(&db.keys()).unwrap()));
            }
            all.push_str(&batch.customers.to_string());
        }
    }
    all
}

db_test! { migrations();
    async fn nothing_is_left_of_the_person_and_every_sum_is_as_it_was(db) {
        let shop = Shop::open(&db).await;
        import(&db, &shop, &file("paid")).await;
        // Changes both orders, so that their images are kept; and has a row that is not taken.
        let rejected = format!("310000000009,onlyone,{NAME},{PHONE},浙江省,someday,1,,paid,茶,西湖区,{STREET}\n");
        let second = import(&db, &shop, &(file("completed") + &rejected)).await;
        assert_eq!((second.progress.rejected, second.progress.orders_updated), (1, 3));
        let (one, two) = (shop.id_of("onlyone").await, shop.id_of("onlytwo").await);
        shop.post("/customers/merges", &json!({"keep": one, "absorb": two})).await;
        let path = format!("/customers/{one}");
        shop.post(&format!("{path}/notes"), &json!({"text": NOTE})).await;
        let consent = json!({"channels": ["sms"], "purposes": ["marketing"], "granted": false,
            "source": "phone", "evidence": NOTE});
        shop.post(&format!("{path}/consents"), &consent).await;

        // All of it can be given to the person first.
        let given = shop.post(&format!("{path}/person-data"), &json!({"reason": "they asked"})).await;
        let text_of = given.to_string();
        for held in [NAME, PHONE, STREET, NOTE, "onlyone", "onlytwo", "310000000001", "310000000002", "龙井", "浙江省"] {
            assert!(text_of.contains(held), "{held} is not given");
        }
        assert!(!text_of.contains("赵六") && !text_of.contains("13800000066"), "somebody else's");
        assert_eq!(given["orders"].as_array().unwrap().len(), 2);
        assert_eq!(given["identities"].as_array().unwrap().len(), 4);

        let traces = traces(&db).await;
        let (before, sums_before) = (dump(&db).await, sums(&shop).await);
        let held = kept(&db).await;
        for trace in &traces {
            assert!(before.contains(trace.as_str()), "{trace} is not looked for where it is");
        }
        for trace in [PHONE, STREET] {
            assert!(held.contains(trace), "{trace}");
        }

        let erasure = format!("/customers/{two}/erasure");
        let ask = |dry_run: bool| json!({"reason": "request", "reference": "R-1", "dry_run": dry_run});
        let told = shop.post(&erasure, &ask(true)).await;
        assert_eq!(of_business(&dump(&db).await), of_business(&before), "a dry run changes nothing");
        let done = shop.post(&erasure, &ask(false)).await;
        for (field, count) in [("orders", 2), ("names", 2), ("notes", 1), ("evidence", 1), ("rejects", 1)] {
            assert_eq!((&done[field], &told[field]), (&json!(count), &json!(count)), "{field}: {done}");
        }
        assert_eq!(done["customer"], one.as_str());
        assert!(done["undo_images"].as_u64() >= Some(1) && done["audit_entries"].as_u64() >= Some(2), "{done}");

        let (after, held) = (dump(&db).await, kept(&db).await);
        for trace in &traces {
            assert!(!after.contains(trace.as_str()), "{trace} is left: {}", after.lines().find(|line| line.contains(trace.as_str())).unwrap());
        }
        for trace in [NAME, PHONE, "onlyone", "独一路", "熟普"] {
            assert!(!held.contains(trace) && !after.contains(trace), "{trace} is left");
        }
        let sums_after = sums(&shop).await;
        assert_eq!(sums_after.len(), sums_before.len());
        for (after, before) in sums_after.iter().zip(&sums_before) {
            assert_eq!(after, before);
        }
        let card = shop.get(&path).await;
        assert_eq!((&card["name"], &card["notes"], &card["identities"]), (&json!(""), &json!([]), &json!([])));
        let consents = shop.get(&format!("{path}/consents")).await;
        assert_eq!(consents["entries"][0]["evidence"], Value::Null, "that it was refused stays");
        let log = shop.get(&format!("/platform/audit?record={one}")).await.to_string();
        assert!(log.contains("customers.erase") && !log.contains("熟普"));
        platform::audit::chain(&shop.house.state.platform).await.unwrap();
        let mut tx = db.db().read().await.unwrap();
        let verified = platform::audit::verify(&mut tx, db.ctx().scope, &db.keys(), None).await.unwrap();
        assert!(verified.broken.is_none() && verified.erased >= 2, "{verified:?}");
        tx.rollback().await.unwrap();

        // Again: there is nothing more.
        let again = shop.post(&erasure, &ask(false)).await;
        for field in ["names", "identities", "notes", "suggestions", "histories", "evidence", "rejects"] {
            assert_eq!(again[field], 0, "{field}");
        }
        assert!(again["erased_before"].is_string());
    }

    async fn a_later_file_does_not_bring_the_person_back(db) {
        let shop = Shop::open(&db).await;
        import(&db, &shop, &file("paid")).await;
        let one = shop.id_of("onlyone").await;
        let ask = json!({"reason": "request", "dry_run": false});
        shop.post(&format!("/customers/{one}/erasure"), &ask).await;
        let count = names(&shop, "limit=100").await;

        // The same orders with news: the other person's is taken in, and that of the erased one is not.
        let done = import(&db, &shop, &file("completed")).await;
        assert_eq!(done.progress.orders_updated, 2);
        assert_eq!(names(&shop, "limit=100").await, count);
        assert_eq!(shop.get(&format!("/customers/{one}")).await["name"], "");
        let orders = shop.get(&format!("/commerce/orders?customer={one}")).await;
        assert_eq!(orders["items"][0]["state"], "paid");
        assert!(!orders.to_string().contains("欧阳"));

        // A new order is a new beginning: a new customer, and the old orders stay where they are.
        let new = format!("{HEADER}310000000010,onlyone,{NAME},{PHONE},浙江省,2026-01-01,5.00,,paid,茶,西湖区,{STREET}\n");
        import(&db, &shop, &new).await;
        let fresh = shop.id_of("onlyone").await;
        assert_ne!(fresh, one);
        assert_eq!(shop.get(&format!("/customers/{fresh}")).await["orders"], 1);
        assert_eq!(shop.get(&format!("/customers/{one}")).await["orders"], 1);
    }

    async fn it_needs_a_right_of_its_own(db) {
        let shop = Shop::open(&db).await;
        let one = shop.id_of("tealover").await;
        shop.house.add_user(&db, "lead@example.com", "service_lead").await;
        let cookie = shop.house.cookie_of("lead@example.com").await;
        let path = format!("/api/v1/customers/{one}/erasure");
        let body = json!({"reason": "request", "dry_run": true});
        let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
        let answer = shop.house.post(&path, &headers, &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "right_missing"));
        assert!(answer.json()["detail"].as_str().unwrap().contains("customers.erase"));
    }
}
