//! What goes when its time is over is what a dry run said, whatever the data is and wherever a run is killed.

use std::collections::BTreeMap;

use commerce::imports::ImportState;
use customers::consent::{ConsentChannel, ConsentPurpose, ConsentSource, ledger};
use customers::erase::{self, ErasureReason};
use customers::notes;
use customers::person_requests::{self, RequestKind, RequestState};
use flows::import_orders::{self, ImportOrder};
use flows::retention::{self, DataClass, Forecast, RetentionError};
use flows::undo_import::{self, UndoError};
use kernel::{CustomerId, ImportId, TypedId as _};
use platform::retention::DAY_MILLIS;
use platform::{args, audit};
use testkit::{TestDb, db_test};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::shop::{Dump, MIGRATIONS, Shop, dump};

const MAPPING: &str = r#"
name = "test"
delimiter = "comma"
currency = "CNY"
date_formats = ["%Y-%m-%d"]

[columns]
order_no = "no"
account = "account"
receiver_name = "name"
mobile = "mobile"
ordered_at = "at"
paid_at = "at"
paid = "paid"
refund = "refund"
state = "state"
address = "address"
"#;
const HEADER: &str = "no,account,name,mobile,at,paid,refund,state,address\n";

/// Numbers that come again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

async fn import(shop: &Shop, rows: &str) -> ImportId {
    let path = shop.write("orders.csv", format!("{HEADER}{rows}").as_bytes());
    let order = ImportOrder {
        files: vec![("orders.csv".to_owned(), path)],
        format: Some("generic".parse().unwrap()),
        mapping: Some(MAPPING.to_owned()),
        ..ImportOrder::default()
    };
    let queued = ImportState::Queued;
    let begun = import_orders::begin(&shop.platform, &shop.cx, &shop.shop, &order, queued).await;
    import_orders::run(&shop.platform, &shop.cx, begun.unwrap().id, |_| ()).await.unwrap().id
}

async fn customers(shop: &Shop) -> Vec<CustomerId> {
    let rows = dump(shop).await.customers;
    rows.into_iter().map(|row| CustomerId::from_uuid(row.0)).collect()
}

async fn note(shop: &Shop, customer: CustomerId, text: &str) {
    let mut tx = shop.platform.db.begin().await.unwrap();
    let keys = shop.cx.keys();
    notes::add(&mut tx, &shop.cx, &keys, customer, text.parse().unwrap()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn consent(shop: &Shop, customer: CustomerId, granted: bool, days: Option<i64>) {
    let now = shop.cx.now();
    let wanted = ledger::Wanted {
        channels: vec![ConsentChannel::Sms],
        purposes: vec![ConsentPurpose::Marketing, ConsentPurpose::Survey],
        granted,
        at: None,
        expires_at: days.filter(|_| granted).map(|days| now.plus_millis(days * DAY_MILLIS)),
        source: ConsentSource::Phone,
        text: None,
        evidence: Some("said so".to_owned()),
    };
    let new = ledger::NewConsent::parse(wanted, now).unwrap();
    let mut tx = shop.platform.db.begin().await.unwrap();
    ledger::add(&mut tx, &shop.cx, customer, &new).await.unwrap();
    tx.commit().await.unwrap();
}

async fn request(shop: &Shop, customer: CustomerId, finish: bool) {
    let mut tx = shop.platform.db.begin().await.unwrap();
    let text = Some("a wish".to_owned());
    let kind = RequestKind::Access;
    let asked = person_requests::receive(&mut tx, &shop.cx, customer, kind, None, text).await;
    if finish {
        let (id, answer) = (asked.unwrap().id, "done".to_owned());
        let done = RequestState::Done;
        person_requests::finish(&mut tx, &shop.cx, id, done, answer, None).await.unwrap();
    }
    tx.commit().await.unwrap();
}

type Book = (String, i64, Option<i64>, Option<i64>, Option<i64>, Option<Uuid>);

/// What no rule may touch.
fn books(dump: &Dump) -> Vec<Book> {
    let row = |order: &commerce::store::OrderRow| {
        let number = order.external_no.clone();
        let (paid, refund) = (order.paid_minor, order.refund_minor);
        (number, order.state, order.revenue_minor, paid, refund, order.customer_id)
    };
    dump.orders.iter().map(row).collect()
}

async fn due(shop: &Shop, class: DataClass, days: u32) -> Forecast {
    let rules = [(class, Some(days))];
    retention::dry_run(&shop.platform, &shop.cx, &rules).await.unwrap().remove(0)
}

async fn rule(shop: &Shop, class: DataClass, days: u32) -> u64 {
    let count = due(shop, class, days).await.count;
    retention::set(&shop.platform, &shop.cx, class, Some(days), Some(count), None).await.unwrap();
    count
}

/// How many records of each class the audit log says were removed.
async fn recorded(shop: &Shop) -> BTreeMap<DataClass, u64> {
    let mut tx = shop.platform.db.read().await.unwrap();
    let sql = "SELECT record_id, after_json FROM platform_audit WHERE action = 'platform.retention.remove'";
    let rows: Vec<(String, String)> = tx.fetch_all(sql, args![]).await.unwrap();
    let mut removed = BTreeMap::new();
    for (class, fields) in rows {
        let fields: serde_json::Value = serde_json::from_str(&fields).unwrap();
        *removed.entry(class.parse().unwrap()).or_default() += fields["count"].as_u64().unwrap();
    }
    removed
}

/// Runs until nothing is left, and is killed behind each of the first `kills` commits. Gives how many records
/// of each class went, those of killed runs among them.
async fn run_with_kills(shop: &Shop, batch: i64, kills: usize) -> BTreeMap<DataClass, u64> {
    let before = recorded(shop).await;
    for _ in 0..kills {
        let running = async {
            let cancel = CancellationToken::new();
            retention::run_in_batches(&shop.platform, &shop.cx, &cancel, Some(batch))
                .await
                .unwrap();
        };
        let mut commits = shop.platform.db.commits();
        commits.mark_unchanged();
        tokio::select! {
            biased;
            _ = commits.changed() => {}
            () = running => {}
        }
    }
    let cancel = CancellationToken::new();
    retention::run_in_batches(&shop.platform, &shop.cx, &cancel, Some(batch)).await.unwrap();
    let mut removed = recorded(shop).await;
    for (class, count) in before {
        *removed.entry(class).or_default() -= count;
    }
    removed.retain(|_, count| *count > 0);
    removed
}

async fn holds(shop: &Shop) {
    shop.holds().await;
    audit::chain(&shop.platform).await.unwrap();
    let mut tx = shop.platform.db.read().await.unwrap();
    let verified = audit::verify(&mut tx, shop.cx.scope, &shop.cx.keys(), None).await.unwrap();
    assert!(verified.broken.is_none(), "{verified:?}");
}

/// A random shop: half of the customers order again and again, people write and ask things.
async fn live(shop: &Shop, db: &TestDb, dice: &mut Dice) {
    const STATES: [&str; 3] = ["completed", "paid", "closed"];
    for turn in 0..6_u64 {
        let mut rows = String::new();
        for _ in 0..12 {
            let no = 310_000_000_000 + dice.below(40);
            let (who, state) = (no % 13, STATES[dice.below(3) as usize]);
            let (year, month) = (2023 + dice.below(3), 1 + dice.below(12));
            rows += &format!(
                "{no},buyer{who},欧阳{who},138000000{who:02},{year}-{month:02}-10,{}.00,,{state},独一路 {who} 号\n",
                10 + no % 90
            );
        }
        rows += &format!("9{turn},nobody,nobody,13900000000,no day,1.00,,paid,a street\n");
        import(shop, &rows).await;
        let all = customers(shop).await;
        for _ in 0..4 {
            let one = all[dice.below(all.len() as u64) as usize];
            match dice.below(5) {
                0 | 1 => note(shop, one, "a word").await,
                2 | 3 => {
                    let days = Some(dice.below(400) as i64 + 1).filter(|days| days % 2 == 0);
                    consent(shop, one, dice.below(3) > 0, days).await;
                }
                _ => request(shop, one, dice.below(2) == 0).await,
            }
        }
        db.clock().advance_millis(dice.below(150) as i64 * DAY_MILLIS);
    }
}

db_test! { MIGRATIONS;
    async fn a_run_removes_what_the_dry_run_said_wherever_it_is_killed(db) {
        let shop = Shop::open(&db).await;
        let mut dice = Dice(20_260_101);
        let mut went: BTreeMap<DataClass, u64> = BTreeMap::new();
        for _ in 0..3 {
            live(&shop, &db, &mut dice).await;
            db.clock().advance_millis((dice.below(300) as i64) * DAY_MILLIS);
            for class in DataClass::ALL {
                let days = class.least_days() + dice.below(200) as u32;
                let before = dump(&shop).await;
                let count = rule(&shop, class, days).await;
                assert_eq!(dump(&shop).await, before, "a dry run changes nothing");
                let kills = dice.below(4) as usize;
                let done = run_with_kills(&shop, 1 + dice.below(5) as i64, kills).await;
                assert_eq!(done.get(&class).copied().unwrap_or(0), count, "{class:?} of {days} days, killed {kills} times");
                *went.entry(class).or_default() += count;
                let after = dump(&shop).await;
                assert_eq!(books(&after), books(&before), "{class:?}");
                assert_eq!((after.lines, after.customers.len()), (before.lines, before.customers.len()));
                assert_eq!(due(&shop, class, days).await.count, 0, "{class:?} left something");
                holds(&shop).await;
                retention::set(&shop.platform, &shop.cx, class, None, None, None).await.unwrap();
            }
        }
        for class in DataClass::ALL {
            assert!(went[&class] > 0, "nothing of {class:?} ever went: {went:?}");
        }
    }

    async fn a_batch_takes_who_is_left_alone_and_leaves_who_waits_for_something(db) {
        let shop = Shop::open(&db).await;
        import(&shop, "1,quiet,张三,13800000001,2024-01-10,10.00,,completed,文三路\n\
                       2,runs,李四,13800000002,2024-01-10,10.00,,paid,文三路\n\
                       3,asks,王五,13800000003,2024-01-10,10.00,,completed,文三路\n\
                       4,late,赵六,13800000004,2024-01-10,10.00,,completed,文三路\n\
                       5,noted,孙七,13800000005,2024-01-10,10.00,,completed,文三路\n").await;
        let all: BTreeMap<String, CustomerId> = dump(&shop).await.customers.into_iter()
            .map(|row| (row.1, CustomerId::from_uuid(row.0))).collect();
        request(&shop, all["王五"], false).await;
        db.clock().advance_millis(399 * DAY_MILLIS);
        note(&shop, all["孙七"], "called").await;
        import(&shop, "6,late,赵六,13800000004,2026-12-20,10.00,,completed,文三路\n").await;
        let class = DataClass::InactiveCustomers;
        let told = async |days| due(&shop, class, days).await;
        assert_eq!((told(400).await.count, told(399).await.count), (0, 1), "the last day is whole");
        let forecast = told(399).await;
        assert_eq!((forecast.held_back, &forecast.examples), (2, &vec![all["张三"].to_string()]));
        assert_eq!(forecast.oldest.unwrap(), "2026-01-01T00:00:00Z".parse().unwrap());
        rule(&shop, class, 399).await;
        run_with_kills(&shop, 10, 0).await;
        let names: Vec<String> = dump(&shop).await.customers.into_iter().map(|row| row.1).collect();
        for stays in ["李四", "王五", "赵六", "孙七"] {
            assert!(names.iter().any(|name| name == stays), "{stays} of {names:?}");
        }
        assert!(!names.iter().any(|name| name == "张三") && names.len() == 5);
        let mut tx = shop.platform.db.read().await.unwrap();
        let erased = erase::erasures(&mut tx, shop.cx.scope).await.unwrap();
        assert_eq!((erased.len(), erased[0].customer, erased[0].reason.as_str()),
            (1, all["张三"], ErasureReason::Retention.name()));
        drop(tx);

        // A note that goes before its customer does not shorten the customer's days.
        db.clock().advance_millis(100 * DAY_MILLIS);
        rule(&shop, DataClass::Notes, 90).await;
        for _ in 0..2 {
            let gone = run_with_kills(&shop, 10, 0).await;
            assert_eq!(gone.get(&class), None, "{gone:?}");
        }
        assert!(dump(&shop).await.customers.iter().any(|row| row.1 == "孙七"));
    }

    async fn orders_lose_who_got_them_and_no_file_brings_it_back(db) {
        let shop = Shop::open(&db).await;
        let rows = |state: &str| format!(
            "1,one,张三,13800000001,2025-01-10,10.00,2.00,{state},独一路\n2,two,李四,13800000002,2025-12-30,10.00,,{state},独二路\n");
        import(&shop, &rows("paid")).await;
        let second = import(&shop, &rows("completed")).await;
        let before = dump(&shop).await;
        let held = async || {
            let keys = shop.cx.keys();
            let orders = dump(&shop).await.orders;
            orders.iter().map(|row| row.head(&keys).unwrap().receiver.address).collect::<Vec<_>>()
        };
        assert_eq!(held().await, [Some("独一路".to_owned()), Some("独二路".to_owned())]);
        assert_eq!(rule(&shop, DataClass::EndedOrders, 90).await, 1);
        run_with_kills(&shop, 1, 2).await;
        assert_eq!(held().await, [None, Some("独二路".to_owned())]);
        assert_eq!(books(&dump(&shop).await), books(&before));
        // Neither the same file nor a newer one, nor what was kept to undo it.
        import(&shop, &rows("completed")).await;
        import(&shop, &rows("completed").replace("2.00", "3.00")).await;
        assert_eq!(held().await[0], None);
        assert_eq!(books(&dump(&shop).await), books(&before));
        undo_import::undo(&shop.platform, &shop.cx, second).await.unwrap();
        assert_eq!(held().await, [None, Some("独二路".to_owned())], "the other one is as it was");
        assert_eq!(dump(&shop).await.orders[0].state, 1);
        holds(&shop).await;
    }

    async fn an_image_that_was_not_gone_through_yet_brings_nothing_back_either(db) {
        let shop = Shop::open(&db).await;
        let rows = |state: &str| format!("1,one,张三,13800000001,2025-01-10,10.00,,{state},独一路\n");
        import(&shop, &rows("paid")).await;
        let second = import(&shop, &rows("completed")).await;
        rule(&shop, DataClass::EndedOrders, 90).await;
        // Killed behind the orders: their images wait.
        let orders = async || {
            let mut tx = shop.platform.db.begin().await.unwrap();
            let ids = [kernel::OrderId::from_uuid(dump(&shop).await.orders[0].id)];
            let gone = commerce::retention::forget_orders(&mut tx, shop.cx.scope, shop.cx.now(), &ids).await;
            tx.commit().await.unwrap();
            gone.unwrap()
        };
        assert_eq!((orders().await, orders().await), (1, 0));
        undo_import::undo(&shop.platform, &shop.cx, second).await.unwrap();
        let order = dump(&shop).await.orders.remove(0);
        assert_eq!((order.state, order.private, order.tracking_no), (1, None, None));
    }

    async fn an_import_whose_images_went_says_that_it_cannot_be_taken_back(db) {
        let shop = Shop::open(&db).await;
        let rows = "1,one,张三,13800000001,2025-01-10,10.00,,paid,独一路\n2,two,李四,13800000002,no day,1.00,,paid,a\n";
        let old = import(&shop, rows).await;
        db.clock().advance_millis(40 * DAY_MILLIS);
        let young = import(&shop, &rows.replace("paid", "completed")).await;
        assert_eq!(rule(&shop, DataClass::Imports, 30).await, 1);
        run_with_kills(&shop, 1, 1).await;
        let import = shop.get(old).await;
        assert_eq!(import.forgotten_at, Some(shop.cx.now()));
        assert_eq!((shop.rejects(&import).await.len(), shop.count_rejects(&import).await), (0, vec![0]));
        assert_eq!(shop.rejects(&shop.get(young).await).await.len(), 1);
        undo_import::undo(&shop.platform, &shop.cx, young).await.unwrap();
        let before = dump(&shop).await;
        let refused = undo_import::undo(&shop.platform, &shop.cx, old).await.unwrap_err();
        assert!(matches!(refused, UndoError::Forgotten { id, .. } if id == old), "{refused}");
        assert_eq!(dump(&shop).await, before);
        let mut tx = shop.platform.db.read().await.unwrap();
        let keys = shop.cx.keys();
        let told = undo_import::refusal(&mut tx, &shop.cx, &keys, &import).await.unwrap();
        assert!(matches!(told, Some(UndoError::Forgotten { .. })), "{told:?}");
        tx.rollback().await.unwrap();
        holds(&shop).await;
    }

    async fn a_slip_of_the_keyboard_removes_nothing_and_a_lifted_rule_stops_a_run(db) {
        let shop = Shop::open(&db).await;
        import(&shop, "1,one,张三,13800000001,2025-01-10,10.00,,paid,独一路\n").await;
        let one = customers(&shop).await[0];
        for _ in 0..4 {
            note(&shop, one, "a word").await;
        }
        db.clock().advance_millis(200 * DAY_MILLIS);
        let class = DataClass::Notes;
        let set = async |days, confirmed| {
            retention::set(&shop.platform, &shop.cx, class, days, confirmed, Some("we agreed")).await
        };
        for (days, confirmed) in [(Some(90), None), (Some(90), Some(3))] {
            let refused = set(days, confirmed).await.unwrap_err();
            assert!(matches!(refused, RetentionError::Unconfirmed { count: 4, .. }), "{refused}");
        }
        assert!(matches!(set(Some(1), Some(100)).await, Err(RetentionError::Days { least: 90 })));
        set(Some(201), None).await.unwrap();
        assert!(matches!(set(Some(200), None).await, Err(RetentionError::Unconfirmed { .. })));
        set(Some(200), Some(4)).await.unwrap();
        set(Some(300), None).await.unwrap();
        set(Some(200), Some(9)).await.unwrap();
        let left = async || {
            let mut tx = shop.platform.db.read().await.unwrap();
            let (count,): (i64,) = tx.fetch_one("SELECT COUNT(*) FROM customers_notes", args![]).await.unwrap();
            count
        };
        // Stopped by its token before the first batch, and by the rule.
        let stopped = CancellationToken::new();
        stopped.cancel();
        retention::run(&shop.platform, &shop.cx, &stopped).await.unwrap();
        assert_eq!(left().await, 4);
        set(None, None).await.unwrap();
        assert_eq!(run_with_kills(&shop, 1, 0).await, BTreeMap::new());
        assert_eq!(left().await, 4);
        set(Some(200), Some(4)).await.unwrap();
        assert_eq!(run_with_kills(&shop, 1, 1).await, BTreeMap::from([(class, 4)]));
        assert_eq!(left().await, 0);
        // Nor does the log have the texts.
        let mut tx = shop.platform.db.read().await.unwrap();
        let sql = "SELECT COUNT(*) FROM platform_audit AS a JOIN platform_audit_sealed AS s ON s.id = a.id
            WHERE a.action = 'customers.note.add'";
        let (texts,): (i64,) = tx.fetch_one(sql, args![]).await.unwrap();
        assert_eq!(texts, 0);
        tx.rollback().await.unwrap();
        holds(&shop).await;
    }

    async fn words_of_what_ended_go_from_the_log_too_and_what_holds_keeps_its_own(db) {
        let shop = Shop::open(&db).await;
        import(&shop, "1,one,张三,13800000001,2025-01-10,10.00,,paid,独一路\n").await;
        let one = customers(&shop).await[0];
        consent(&shop, one, true, Some(10)).await;
        request(&shop, one, true).await;
        request(&shop, one, false).await;
        db.clock().advance_millis(100 * DAY_MILLIS);
        consent(&shop, one, true, None).await;
        request(&shop, one, true).await;
        db.clock().advance_millis(300 * DAY_MILLIS);
        let words = async |action: &'static str| {
            let mut tx = shop.platform.db.read().await.unwrap();
            let sql = "SELECT COUNT(*) FROM platform_audit AS a JOIN platform_audit_sealed AS s ON s.id = a.id
                WHERE a.action = $1";
            let (count,): (i64,) = tx.fetch_one(sql, args![action]).await.unwrap();
            count
        };
        let held = async |table: &'static str| {
            let mut tx = shop.platform.db.read().await.unwrap();
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE sealed IS NOT NULL");
            let (count,): (i64,) = tx.fetch_one(sqlx::AssertSqlSafe(sql), args![]).await.unwrap();
            count
        };
        let all = async || [
            words("customers.consent.add").await,
            words("customers.person_request.receive").await,
            words("customers.person_request.finish").await,
            held("customers_consents").await,
            held("customers_person_requests").await,
        ];
        assert_eq!(all().await, [2, 3, 2, 4, 3]);
        // 390 days ago it expired, 400 days ago the first request was answered.
        assert_eq!(rule(&shop, DataClass::ConsentEvidence, 391).await, 0);
        assert_eq!(rule(&shop, DataClass::ConsentEvidence, 390).await, 2);
        assert_eq!(rule(&shop, DataClass::ClosedRequests, 400).await, 1);
        run_with_kills(&shop, 1, 1).await;
        assert_eq!(all().await, [1, 2, 1, 2, 2]);
        // What holds still keeps its evidence, however old it is.
        db.clock().advance_millis(5_000 * DAY_MILLIS);
        assert_eq!(due(&shop, DataClass::ConsentEvidence, 365).await.count, 0);
        holds(&shop).await;
    }
}
