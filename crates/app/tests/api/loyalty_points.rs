//! Points through the whole program: programmes, what a customer has and how it came to it, the ledger, adjustments by
//! two persons, awards, the report of what is owed, and who may what.

use axum::http::StatusCode;
use flows::settle_points;
use kernel::{OrgId, Timestamp};
use platform::Scope;
use serde_json::{Value, json};
use testkit::{TestDb, db_test};
use tokio_util::sync::CancellationToken;

use crate::house::migrations;
use crate::reading::Shop;

pub fn rules() -> Value {
    json!({
        "earn_points": 1, "earn_per_minor": 100, "pending_days": 7, "expiry": {"kind": "days", "days": 30},
        "activities": [{"name": "sign_in", "points": 5, "times_a_day": 1}],
        "negative": "allow", "approve_above": 100, "value_points": 100, "value_minor": 99,
    })
}

/// Makes a programme over all orders, and does what its job does.
pub async fn programme(shop: &Shop) -> String {
    let body = json!({"name": "茶友积分", "currency": "CNY", "zone": 28_800, "since": "2025-01-01T00:00:00Z", "rules": rules()});
    let made = shop.post("/loyalty/programmes", &body).await;
    settle(shop).await;
    made["id"].as_str().unwrap().to_owned()
}

/// Does what the jobs of points have to do.
pub async fn settle(shop: &Shop) {
    let platform = &shop.house.state.platform;
    let cx = platform.ctx(Scope::system(OrgId::FIRST));
    let cancel = CancellationToken::new();
    settle_points::settle_all(platform, &cx, &cancel).await.unwrap();
    loyalty::points::jobs::do_due(platform, &cx, &cancel).await.unwrap();
}

async fn points_of(shop: &Shop, customer: &str) -> Value {
    shop.get(&format!("/loyalty/customers/{customer}/points")).await["items"][0].clone()
}

async fn code(shop: &Shop, method: &str, path: &str, body: &Value) -> (StatusCode, String) {
    let answer = shop.send(method, path, &[], body).await;
    (answer.status, answer.code())
}

async fn as_user(shop: &mut Shop, db: &TestDb, email: &str, role: &str) -> String {
    shop.house.add_user(db, email, role).await;
    std::mem::replace(&mut shop.cookie, shop.house.cookie_of(email).await)
}

db_test! { migrations();
    async fn a_programme_is_made_shown_and_changed(db) {
        let shop = Shop::open(&db).await;
        let id = programme(&shop).await;
        let path = format!("/loyalty/programmes/{id}");
        let list = shop.get("/loyalty/programmes").await;
        assert_eq!((list["items"].as_array().unwrap().len(), &list["items"][0]["zone"]), (1, &json!(28_800)));
        // All that is wrong is told at once, by the names of the body.
        let mut wrong = rules();
        wrong["value_points"] = json!(0);
        wrong["expiry"] = json!({"kind": "days", "days": 0});
        let body = json!({"name": "", "currency": "CNY", "zone": 28_800, "rules": wrong});
        let answer = shop.send("POST", "/loyalty/programmes", &[], &body).await;
        let fields: Vec<_> = answer.json()["errors"].as_array().unwrap().iter()
            .map(|error| error["field"].as_str().unwrap().to_owned()).collect();
        assert_eq!(fields, ["name", "rules.value_points", "rules.expiry.days"]);
        let change = json!({"name": "茶友积分", "rules": wrong});
        let answer = shop.send("PUT", &path, &[("if-match", "\"1\"")], &change).await;
        assert_eq!(answer.json()["errors"][0]["field"], "rules.value_points");
        let taken = json!({"name": "茶友积分", "currency": "CNY", "zone": 28_800, "rules": rules()});
        assert_eq!(code(&shop, "POST", "/loyalty/programmes", &taken).await.0, StatusCode::UNPROCESSABLE_ENTITY);
        let far = json!({"name": "远", "currency": "CNY", "zone": 90_000, "rules": rules()});
        assert_eq!(shop.send("POST", "/loyalty/programmes", &[], &far).await.json()["errors"][0]["field"], "zone");

        let mut double = rules();
        double["earn_points"] = json!(2);
        let change = json!({"name": "双倍积分", "rules": double});
        let answer = shop.send("PUT", &path, &[("if-match", "\"1\"")], &change).await;
        assert_eq!((answer.status, answer.header("etag")), (StatusCode::OK, "\"2\""));
        let answer = shop.send("PUT", &path, &[("if-match", "\"1\"")], &change).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::PRECONDITION_FAILED, "stale_version"));
        assert_eq!(answer.json()["current"]["version"], 2);
        let one = shop.get(&path).await;
        assert_eq!((&one["version"], one["versions"].as_array().unwrap().len()), (&json!(2), 2));
    }

    async fn an_order_is_an_example_before_anything_is_kept(db) {
        let shop = Shop::open(&db).await;
        let ask = json!({"rules": rules(), "zone": 28_800, "paid_minor": 32_850});
        let told = shop.post("/loyalty/programmes/example", &ask).await;
        assert_eq!((&told["points"], &told["value_minor"]), (&json!(328), &json!(325)));
        let (usable, now): (Timestamp, _) = (told["usable_from"].as_str().unwrap().parse().unwrap(), db.ctx().now());
        assert_eq!(usable.millis() - now.millis(), 7 * 86_400_000);
        let ends: Timestamp = told["expires_at"].as_str().unwrap().parse().unwrap();
        assert_eq!((ends.millis() + 28_800_000) % 86_400_000, 0, "the end of a day in China");
        let gold = json!({"rules": rules(), "zone": 28_800, "paid_minor": 32_850, "level_permille": 1_500});
        assert_eq!(shop.post("/loyalty/programmes/example", &gold).await["points"], 492);
        let wrong = json!({"rules": rules(), "zone": 90_000, "paid_minor": 1});
        assert_eq!(shop.send("POST", "/loyalty/programmes/example", &[], &wrong).await.json()["errors"][0]["field"], "zone");
        assert_eq!(shop.get("/loyalty/programmes").await["items"], json!([]));
    }

    async fn a_customer_sees_each_point_down_to_its_lines(db) {
        let shop = Shop::open(&db).await;
        let id = programme(&shop).await;
        let wholesale = shop.id_of("wholesale").await;
        let points = points_of(&shop, &wholesale).await;
        // 9,000.00 was paid today.
        assert_eq!((&points["balance"]["pending"], &points["spendable"]), (&json!(9_000), &json!(0)));
        assert_eq!(points["lots"].as_array().unwrap().len(), 1);
        let tealover = shop.id_of("tealover").await;
        let path = format!("/loyalty/customers/{tealover}/statement?programme={id}&limit=2");
        let (mut after, mut lines) = (String::new(), Vec::new());
        loop {
            let page = shop.get(&format!("{path}&after={after}")).await;
            lines.extend(page["lines"]["items"].as_array().unwrap().clone());
            match page["lines"]["next"].as_str() {
                Some(next) => after = next.to_owned(),
                None => break,
            }
        }
        let sum = |name: &str| lines.iter().map(|line| line[name].as_i64().unwrap()).sum::<i64>();
        let balance = points_of(&shop, &tealover).await["balance"].clone();
        assert_eq!(json!(sum("available")), balance["available"]);
        assert_eq!(json!(sum("pending")), balance["pending"]);
        // 100.00, 200.00 less 50.00, and 300.00 were earned; what is old has expired.
        let earned: i64 = lines.iter().filter(|line| line["kind"] == "earn").map(|line| line["pending"].as_i64().unwrap()).sum();
        assert_eq!((earned, &balance["pending"], &balance["available"]), (550, &json!(300), &json!(0)));
        for line in &lines {
            let entry = line["entry"].as_str().unwrap();
            let own = shop.get(&format!("/loyalty/customers/{tealover}/entries/{entry}")).await;
            let change = ["pending", "available", "reserved", "debt"].map(|name| line[name].as_i64().unwrap());
            assert_eq!(own["change"], json!(change.iter().sum::<i64>()), "{own}");
            let whole = shop.get(&format!("/loyalty/entries/{entry}?limit=200")).await;
            let postings = whole["postings"]["items"].as_array().unwrap();
            assert_eq!(postings.iter().map(|one| one["points"].as_i64().unwrap()).sum::<i64>(), 0);
        }
        let earn = lines.iter().find(|line| line["kind"] == "earn").unwrap();
        let theirs = format!("/loyalty/customers/{wholesale}/entries/{}", earn["entry"].as_str().unwrap());
        assert_eq!(code(&shop, "GET", &theirs, &Value::Null).await.0, StatusCode::NOT_FOUND);
        let nobody = "/loyalty/customers/cus_01h455vb4pex5vsknk084sn02q/points";
        assert_eq!(code(&shop, "GET", nobody, &Value::Null).await.0, StatusCode::NOT_FOUND);
    }

    async fn a_family_has_its_points_together_wherever_one_asks(db) {
        let shop = Shop::open(&db).await;
        programme(&shop).await;
        let (one, two) = (shop.id_of("lisi").await, shop.id_of("lisi_two").await);
        let alone = [points_of(&shop, &one).await, points_of(&shop, &two).await];
        let body = |customer: &str| (format!("/loyalty/customers/{customer}/adjustments"), json!({"programme": alone[0]["programme"], "points": 40, "reason": "补偿"}));
        for customer in [&one, &two] {
            let (path, body) = body(customer);
            assert_eq!(shop.post(&path, &body).await["state"], "posted");
        }
        shop.post("/customers/merges", &json!({"keep": one, "absorb": two})).await;
        for customer in [&one, &two] {
            let points = points_of(&shop, customer).await;
            assert_eq!((&points["spendable"], points["lots"].as_array().unwrap().len()), (&json!(80), 2));
        }
    }

    async fn the_ledger_is_browsed_by_what_entries_are_about(db) {
        let shop = Shop::open(&db).await;
        let id = programme(&shop).await;
        let all = shop.get(&format!("/loyalty/entries?programme={id}&limit=200")).await["items"].clone();
        let all = all.as_array().unwrap();
        let (mut after, mut paged) = (String::new(), Vec::new());
        loop {
            let page = shop.get(&format!("/loyalty/entries?programme={id}&limit=3&after={after}")).await;
            paged.extend(page["items"].as_array().unwrap().clone());
            match page["next"].as_str() {
                Some(next) => after = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(&paged, all);
        let earned = shop.get(&format!("/loyalty/entries?programme={id}&kind=earn&limit=200")).await;
        // Six orders were paid and not closed.
        assert_eq!(earned["items"].as_array().unwrap().len(), 6);
        let order = earned["items"][0]["order"].as_str().unwrap();
        let of_order = shop.get(&format!("/loyalty/entries?order={order}")).await;
        assert!(of_order["items"].as_array().unwrap().iter().all(|one| one["order"] == order));
        let tealover = shop.id_of("tealover").await;
        let of_one = shop.get(&format!("/loyalty/entries?customer={tealover}&kind=earn")).await;
        assert_eq!(of_one["items"].as_array().unwrap().len(), 3);
        assert_eq!(of_one["items"][0]["customer_name"], "张三");
        let later = shop.get("/loyalty/entries?from=2099-01-01T00:00:00Z").await;
        assert_eq!(later["items"], json!([]));
        let turned = "/loyalty/entries?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z&limit=500";
        assert_eq!(code(&shop, "GET", turned, &Value::Null).await.0, StatusCode::UNPROCESSABLE_ENTITY);
        for wrong in ["kind=none", "after=xyz", "programme=cus_1"] {
            let path = format!("/loyalty/entries?{wrong}");
            assert_eq!(code(&shop, "GET", &path, &Value::Null).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        }
    }

    async fn many_points_by_hand_need_a_second_person(db) {
        let mut shop = Shop::open(&db).await;
        let id = programme(&shop).await;
        let customer = shop.id_of("lisi").await;
        let path = format!("/loyalty/customers/{customer}/adjustments");
        let ask = |points: i64| json!({"programme": id, "points": points, "reason": "补偿"});
        let few = shop.send("POST", &path, &[("idempotency-key", "one")], &ask(100)).await;
        assert_eq!((few.status, &few.json()["state"]), (StatusCode::CREATED, &json!("posted")));
        let again = shop.send("POST", &path, &[("idempotency-key", "one")], &ask(100)).await;
        assert_eq!(again.body, few.body);
        let many = shop.post(&path, &ask(101)).await;
        assert_eq!(many["state"], "waiting");
        assert_eq!(points_of(&shop, &customer).await["spendable"], 100);
        assert_eq!(code(&shop, "POST", &path, &ask(0)).await.0, StatusCode::UNPROCESSABLE_ENTITY);
        // The limit holds either way, and before that nobody can take what is not there.
        assert_eq!(code(&shop, "POST", &path, &json!({"programme": id, "points": 1, "reason": " "})).await.0, StatusCode::UNPROCESSABLE_ENTITY);
        let waiting = shop.get("/loyalty/adjustments").await;
        let one = &waiting["items"][0];
        assert_eq!((&one["points"], &one["own"], &one["reason"], &one["programme_name"]), (&json!(101), &json!(true), &json!("补偿"), &json!("茶友积分")));
        let decide = format!("/loyalty/adjustments/{}/decision", one["id"].as_str().unwrap());
        let yes = json!({"approve": true});
        assert_eq!(code(&shop, "POST", &decide, &yes).await, (StatusCode::CONFLICT, "own_adjustment".to_owned()));

        let owner = as_user(&mut shop, &db, "second@example.com", "administrator").await;
        assert_eq!(shop.get("/loyalty/adjustments").await["items"][0]["own"], false);
        let done = shop.send("POST", &decide, &[("idempotency-key", "two")], &yes).await;
        assert_eq!((done.status, done.body.len()), (StatusCode::NO_CONTENT, 0));
        let again = shop.send("POST", &decide, &[("idempotency-key", "two")], &yes).await;
        assert_eq!(again.status, StatusCode::NO_CONTENT);
        assert_eq!(code(&shop, "POST", &decide, &yes).await.0, StatusCode::NOT_FOUND);
        assert_eq!(points_of(&shop, &customer).await["spendable"], 201);
        assert_eq!(shop.get("/loyalty/adjustments").await["items"], json!([]));
        let second = std::mem::replace(&mut shop.cookie, owner);
        // What one person changed today is counted together.
        assert_eq!(shop.post(&path, &ask(1)).await["state"], "waiting");
        let more = shop.post(&path, &ask(-202)).await;
        assert_eq!(more["state"], "waiting");
        shop.cookie = second;
        let decide = format!("/loyalty/adjustments/{}/decision", more["id"].as_str().unwrap());
        assert_eq!(code(&shop, "POST", &decide, &yes).await, (StatusCode::CONFLICT, "insufficient_points".to_owned()));
        assert_eq!(shop.post(&path, &ask(-100)).await["state"], "posted");
        assert_eq!(points_of(&shop, &customer).await["spendable"], 101);
    }

    /// Or one person lifted the bound, adjusted, and put it back.
    async fn who_adjusts_lifts_no_bound_of_approval(db) {
        let mut shop = Shop::open(&db).await;
        let path = format!("/loyalty/programmes/{}", programme(&shop).await);
        let owner = as_user(&mut shop, &db, "marketing@example.com", "marketing").await;
        let put = async |shop: &Shop, version: &str, bound: i64| {
            let mut rules = rules();
            rules["approve_above"] = json!(bound);
            let body = json!({"name": "茶友积分", "rules": rules});
            let answer = shop.send("PUT", &path, &[("if-match", version)], &body).await;
            (answer.status, answer.code())
        };
        assert_eq!(put(&shop, "\"1\"", 101).await, (StatusCode::FORBIDDEN, "right_missing".to_owned()));
        assert_eq!(put(&shop, "\"1\"", 50).await.0, StatusCode::OK);
        shop.cookie = owner;
        assert_eq!(put(&shop, "\"2\"", 101).await.0, StatusCode::OK);
    }

    async fn an_activity_gives_points_once(db) {
        let shop = Shop::open(&db).await;
        let id = programme(&shop).await;
        let customer = shop.id_of("lisi").await;
        let path = format!("/loyalty/customers/{customer}/awards");
        let give = |activity: &str, key: &str| json!({"programme": id, "activity": activity, "key": key});
        let first = shop.post(&path, &give("sign_in", "2026-01-01")).await;
        assert_eq!(first["spendable"], 5);
        assert_eq!(shop.post(&path, &give("sign_in", "2026-01-01")).await["spendable"], 5);
        assert_eq!(code(&shop, "POST", &path, &give("sign_in", "other")).await, (StatusCode::CONFLICT, "daily_limit".to_owned()));
        for wrong in [give("dance", "a"), give("sign_in", "")] {
            assert_eq!(code(&shop, "POST", &path, &wrong).await.0, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        }
        let recorded = shop.get("/platform/audit?action=loyalty.points.award").await;
        assert_eq!(recorded["items"].as_array().unwrap().len(), 1, "what was given once is recorded once");
        let theirs = format!("/loyalty/customers/{}/awards", shop.id_of("tealover").await);
        assert_eq!(code(&shop, "POST", &theirs, &give("sign_in", "2026-01-01")).await, (StatusCode::CONFLICT, "key_reused".to_owned()));
    }

    async fn what_is_owed_is_the_sum_of_what_customers_have(db) {
        let shop = Shop::open(&db).await;
        let id = programme(&shop).await;
        let path = format!("/loyalty/programmes/{id}/liability");
        // It has what was posted before.
        db.clock().advance_millis(1);
        let report = shop.get(&path).await;
        let mut owed = 0;
        for account in ["tealover", "lisi", "lisi_two", "wholesale"] {
            let customer = shop.id_of(account).await;
            let balance = points_of(&shop, &customer).await["balance"].clone();
            owed += balance["pending"].as_i64().unwrap() + balance["available"].as_i64().unwrap();
        }
        assert_eq!(report["outstanding"], owed);
        assert_eq!(report["value_minor"], (owed * 99 + 99) / 100);
        let months: i64 = report["by_month"].as_array().unwrap().iter().map(|one| one["points"].as_i64().unwrap()).sum();
        assert_eq!(months, owed);
        assert_eq!(shop.get(&format!("{path}?at=2020-01-01")).await["outstanding"], 0);
        let turned = format!("{path}?from=2026-01-02&at=2026-01-01");
        assert_eq!(code(&shop, "GET", &turned, &Value::Null).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }

    async fn who_sees_some_customers_sees_their_points_alone(db) {
        let mut shop = Shop::open(&db).await;
        let id = programme(&shop).await;
        let customer = shop.id_of("lisi").await;
        as_user(&mut shop, &db, "rep@example.com", "sales_representative").await;
        for path in [
            format!("/loyalty/customers/{customer}/points"),
            format!("/loyalty/customers/{customer}/statement?programme={id}"),
            format!("/loyalty/customers/{customer}/levels"),
        ] {
            assert_eq!(code(&shop, "GET", &path, &Value::Null).await.0, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(shop.get("/loyalty/programmes").await["items"].as_array().unwrap().len(), 1);
        for path in ["/loyalty/entries".to_owned(), format!("/loyalty/programmes/{id}/liability")] {
            assert_eq!(code(&shop, "GET", &path, &Value::Null).await, (StatusCode::FORBIDDEN, "right_missing".to_owned()));
        }
    }
}
