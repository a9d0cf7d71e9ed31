//! Quotes, reservations and refunds as a shop asks for them, on both databases.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use futures::future::join_all;
use kernel::{Currency, CustomerId, Zone};
use loyalty::Holder;
use loyalty::coupons::{self, Claimant, NewDefinition, definition};
use loyalty::points::programme::{self, NewProgramme};
use loyalty::points::{Programme, award};
use loyalty::{OfferState, coupons::CouponRules};
use platform::Ctx;
use serde_json::{Value, json};
use testkit::{TestDb, db_test};

use crate::house::{Answer, migrations};
use crate::loyalty_promotions::{amount_off, live, promotion, shop_id, tea};
use crate::reading::{Shop, text};

/// A shop with a customer, an order of whom is wanted.
struct Till {
    shop: Shop,
    id: String,
    customer: CustomerId,
}

impl Till {
    async fn open(db: &TestDb) -> Self {
        let shop = Shop::open(db).await;
        let id = shop_id(&shop).await;
        let customer = shop.id_of("tealover").await.parse().unwrap();
        Self { shop, id, customer }
    }

    fn order(&self, key: &str, cart: Value, total: i64) -> Value {
        json!({"shop": self.id, "order_key": key, "customer": self.customer, "cart": cart,
            "expected_total_minor": total})
    }

    async fn reserve(&self, body: &Value) -> Answer {
        self.shop.send("POST", "/loyalty/reservations", &[], body).await
    }

    async fn end(&self, id: &str, how: &str) -> Answer {
        self.shop.send("POST", &format!("/loyalty/reservations/{id}/{how}"), &[], &json!({})).await
    }

    async fn quote(&self, asked: &[(&str, Value)], cart: Value) -> Value {
        let mut body = json!({"shop": self.id, "customer": self.customer, "cart": cart});
        for (field, value) in asked {
            body[*field] = value.clone();
        }
        self.shop.post("/loyalty/quotes", &body).await
    }

    /// A coupon of ten yuan off in the wallet; gives its id.
    async fn coupon(&self, db: &TestDb) -> String {
        let cx = db.ctx();
        let mut tx = db.db().begin().await.unwrap();
        let new = NewDefinition { name: "ten".to_owned(), rules: coupon_rules() };
        let of = definition::create(&mut tx, &cx, &new).await.unwrap();
        definition::set_state(&mut tx, &cx, of, OfferState::Live).await.unwrap();
        let holder = Holder::single(self.customer);
        let by = Claimant { holder: &holder, levels: &[], zone: Zone::CHINA };
        let id = coupons::claim(&mut tx, &cx, of, by, "once").await.unwrap();
        tx.commit().await.unwrap();
        id.to_string()
    }

    /// 500 points of which 100 are worth a yuan.
    async fn points(&self, db: &TestDb) -> Programme {
        let cx = db.ctx();
        let mut tx = db.db().begin().await.unwrap();
        let rules = json!({
            "earn_points": 0, "earn_per_minor": 100, "activities": [
                {"name": "sign_in", "points": 500, "times_a_day": 1}],
            "pending_days": 0, "expiry": {"kind": "never"}, "negative": "allow", "approve_above": 1_000_000,
            "value_points": 100, "value_minor": 100,
        });
        let new = NewProgramme {
            name: "points".to_owned(),
            currency: Currency::CNY,
            shops: vec![],
            zone: Zone::CHINA,
            since: cx.now(),
            rules: serde_json::from_value(rules).unwrap(),
        };
        let id = programme::create(&mut tx, &cx, &new).await.unwrap();
        let programme = programme::get(&mut tx, cx.scope, id).await.unwrap().unwrap();
        award::award(&mut tx, &cx, &programme, &Holder::single(self.customer), "sign_in", "first")
            .await
            .unwrap();
        tx.commit().await.unwrap();
        programme
    }

    async fn spendable(&self, db: &TestDb, programme: &Programme) -> i64 {
        let cx: Ctx = db.ctx();
        let mut tx = db.db().read().await.unwrap();
        let holder = Holder::single(self.customer);
        let limit = kernel::Limit::new(None).unwrap();
        let found = loyalty::points::statement::statement(
            &mut tx,
            cx.scope,
            programme,
            &holder,
            cx.now(),
            None,
            limit,
        )
        .await
        .unwrap()
        .unwrap();
        found.spendable
    }
}

fn coupon_rules() -> CouponRules {
    serde_json::from_value(json!({
        "terms": {"currency": "CNY", "kind": amount_off(0, 1_000)},
        "validity": {"type": "days", "days": 30},
        "is_claimable": true,
        "refund": {"type": "return"},
    }))
    .unwrap()
}

/// What `guanxi verify` says of the books: nothing.
async fn assert_books_balance(db: &TestDb) {
    let cx = db.ctx();
    let mut tx = db.db().read().await.unwrap();
    let faults = loyalty::invariants::check(&mut tx, cx.scope).await.unwrap();
    assert!(faults.iter().all(|(_, found)| *found == 0), "{faults:?}");
}

db_test! { migrations();
    async fn of_twenty_orders_three_have_what_there_is_three_times(db) {
        let till = Till::open(&db).await;
        let mut body = promotion("三份", amount_off(10_000, 1_000));
        body["rules"]["uses"] = json!({"total": 3});
        live(&till.shop, &body).await;
        let orders: Vec<Value> =
            (0..20).map(|n| till.order(&format!("order {n}"), tea(1), 9_000)).collect();
        let answers = join_all(orders.iter().map(|order| till.reserve(order))).await;
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for answer in &answers {
            let what = if answer.status == StatusCode::CREATED { "held".to_owned() } else { answer.code() };
            *counts.entry(what).or_default() += 1;
        }
        // Who comes fourth sees that it costs more by now.
        assert_eq!(counts, BTreeMap::from([("held".to_owned(), 3), ("price_changed".to_owned(), 17)]));
        let held: Vec<String> = answers.iter().filter(|answer| answer.status == StatusCode::CREATED)
            .map(|answer| text(&answer.json()["id"])).collect();
        assert_eq!(till.end(&held[0], "cancel").await.json()["state"], "cancelled");
        // What was given up can be had.
        let next = till.reserve(&till.order("order 21", tea(1), 9_000)).await;
        assert_eq!(next.status, StatusCode::CREATED, "{:?}", next.body);
        assert_books_balance(&db).await;
    }

    async fn another_price_takes_nothing_and_tells_the_new_one(db) {
        let till = Till::open(&db).await;
        let id = live(&till.shop, &promotion("减", amount_off(10_000, 1_000))).await;
        let quote = till.quote(&[], tea(1)).await;
        assert_eq!(quote["priced"]["total_minor"], 9_000);
        let path = format!("/loyalty/promotions/{id}");
        let changed = promotion("减", amount_off(10_000, 500));
        till.shop.send("PUT", &path, &[("if-match", "\"1\"")], &changed).await;
        let order = till.order("a", tea(1), 9_000);
        let refused = till.reserve(&order).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "price_changed"));
        let now = &refused.json()["current"]["priced"];
        assert_eq!((&now["total_minor"], &now["discount_minor"]), (&json!(9_500), &json!(500)));
        // The key is free still, and the new total is taken.
        let taken = till.reserve(&till.order("a", tea(1), 9_500)).await;
        assert_eq!(taken.status, StatusCode::CREATED, "{:?}", taken.body);
    }

    async fn a_repeated_request_is_answered_the_same(db) {
        let till = Till::open(&db).await;
        live(&till.shop, &promotion("减", amount_off(10_000, 1_000))).await;
        let order = till.order("a", tea(1), 9_000);
        let first = till.reserve(&order).await;
        let again = till.reserve(&order).await;
        assert_eq!((again.status, again.json()), (StatusCode::CREATED, first.json()));
        let other = till.reserve(&till.order("a", tea(2), 19_000)).await;
        assert_eq!(other.code(), "key_reused");
        let keyed = [("idempotency-key", "k")];
        let by_key = till.shop.send("POST", "/loyalty/reservations", &keyed, &order).await;
        let replayed = till.shop.send("POST", "/loyalty/reservations", &keyed, &order).await;
        assert_eq!((replayed.header("idempotency-replayed"), by_key.json()), ("true", replayed.json()));

        let id = text(&first.json()["id"]);
        let committed = till.end(&id, "commit").await;
        assert_eq!(committed.json()["state"], "committed", "{:?}", committed.body);
        assert_eq!(till.end(&id, "commit").await.json(), committed.json());
        let late = till.end(&id, "cancel").await;
        assert_eq!((late.status, late.code().as_str()), (StatusCode::CONFLICT, "wrong_state"));
        assert_eq!(till.shop.get(&format!("/loyalty/reservations/{id}")).await, committed.json());

        // A cancelled one is not committed, and cancelled twice it is cancelled.
        let second = text(&till.reserve(&till.order("b", tea(1), 9_000)).await.json()["id"]);
        let cancelled = till.end(&second, "cancel").await.json();
        assert_eq!(till.end(&second, "cancel").await.json(), cancelled);
        assert_eq!(till.end(&second, "commit").await.code(), "wrong_state");
        // One whose time is over is neither used nor lost twice.
        let third = text(&till.reserve(&till.order("c", tea(1), 9_000)).await.json()["id"]);
        db.clock().advance_millis(901_000);
        let over = till.end(&third, "commit").await;
        assert_eq!((over.status, over.code().as_str()), (StatusCode::CONFLICT, "reservation_timed_out"));
        let none = till.end("rsv_01h455vb4pex5vsknk084sn02q", "commit").await;
        assert_eq!(none.status, StatusCode::NOT_FOUND);
    }

    async fn points_and_coupons_are_taken_together_or_not_at_all(db) {
        let till = Till::open(&db).await;
        let coupon = till.coupon(&db).await;
        let programme = till.points(&db).await;
        let brought = [("coupons", json!([{"coupon": coupon}])), ("points", json!(300))];
        let quote = till.quote(&brought, tea(1)).await;
        assert_eq!(quote["priced"]["total_minor"], 10_000 - 1_000 - 300, "{quote}");
        assert_eq!((&quote["spendable_points"], &quote["coupons"][0]["applied"]), (&json!(500), &json!(true)));
        let by_wallet = till.quote(&[("wallet", json!(true))], tea(1)).await;
        assert_eq!(by_wallet["priced"]["total_minor"], 9_000);

        // A flash sale without a piece left refuses the last part: nothing of the others is taken.
        let mut order = till.order("a", tea(1), 8_700);
        order["coupons"] = json!([{"coupon": coupon}]);
        order["points"] = json!(300);
        let budget = {
            let mut body = promotion("预算", amount_off(5_000, 100));
            body["rules"]["uses"] = json!({"per_day": 1});
            live(&till.shop, &body).await
        };
        order["expected_total_minor"] = json!(8_600);
        let first = till.reserve(&order).await;
        assert_eq!(first.status, StatusCode::CREATED, "{:?}", first.body);
        let id = text(&first.json()["id"]);
        assert_eq!((&first.json()["points"], till.spendable(&db, &programme).await), (&json!(300), 200));
        // The coupon is held: another order that wants it takes no points either.
        let mut second = order.clone();
        second["order_key"] = json!("b");
        let refused = till.reserve(&second).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "coupon_locked"));
        assert_eq!(till.spendable(&db, &programme).await, 200);
        assert_eq!(till.end(&id, "cancel").await.json()["state"], "cancelled");
        assert_eq!(till.spendable(&db, &programme).await, 500);
        let again = till.reserve(&second).await;
        assert_eq!(again.status, StatusCode::CREATED, "{budget}: {:?}", again.body);
        let done = till.end(&text(&again.json()["id"]), "commit").await;
        assert_eq!(done.json()["state"], "committed", "{:?}", done.body);
        assert_eq!(till.spendable(&db, &programme).await, 200);
        assert_books_balance(&db).await;
    }

    async fn what_fails_second_leaves_nothing_of_the_first(db) {
        let till = Till::open(&db).await;
        let programme = till.points(&db).await;
        let coupon = till.coupon(&db).await;
        let asked = [("coupons", json!([{"coupon": coupon}])), ("points", json!(300))];
        let total = till.quote(&asked, tea(1)).await["priced"]["total_minor"].as_i64().unwrap();
        // Both orders are priced before either takes anything: they wait in one batch of the desk.
        let orders: Vec<Value> = ["a", "b", "c", "d"].iter().map(|key| {
            let mut order = till.order(key, tea(1), total);
            order["coupons"] = json!([{"coupon": coupon}]);
            order["points"] = json!(300);
            order
        }).collect();
        let answers = join_all(orders.iter().map(|order| till.reserve(order))).await;
        let held = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
        assert_eq!(held, 1);
        assert_eq!(till.spendable(&db, &programme).await, 200);
        assert_books_balance(&db).await;
    }

    async fn pieces_that_come_back_give_back_their_share(db) {
        let till = Till::open(&db).await;
        let programme = till.points(&db).await;
        let coupon = till.coupon(&db).await;
        let mut order = till.order("a", tea(3), 30_000 - 1_000 - 300);
        order["coupons"] = json!([{"coupon": coupon}]);
        order["points"] = json!(300);
        let id = text(&till.reserve(&order).await.json()["id"]);
        let refund = async |key: &str, quantity: u32| {
            let body = json!({"shop": till.id, "order_key": "a", "refund_key": key,
                "lines": [{"line": "tea", "quantity": quantity}]});
            till.shop.send("POST", "/loyalty/refunds", &[], &body).await
        };
        assert_eq!(refund("r0", 1).await.code(), "wrong_state");
        assert_eq!(till.end(&id, "commit").await.status, StatusCode::OK);
        let first = refund("r1", 1).await.json();
        assert_eq!((&first["money_minor"], &first["points"], &first["is_whole"]),
            (&json!(9_566), &json!(100), &json!(false)), "{first}");
        assert_eq!(refund("r1", 1).await.json(), first);
        assert_eq!(refund("r1", 2).await.code(), "key_reused");
        assert_eq!(till.spendable(&db, &programme).await, 300);
        let more = refund("r2", 3).await;
        assert_eq!(more.json()["errors"][0]["field"], "lines", "{:?}", more.body);
        let second = refund("r2", 2).await.json();
        assert_eq!((&second["money_minor"], &second["points"], &second["coupons_returned"]),
            (&json!(28_700 - 9_566), &json!(200), &json!([coupon])), "{second}");
        assert_eq!(till.spendable(&db, &programme).await, 500);
        assert_eq!(till.shop.get(&format!("/loyalty/reservations/{id}")).await["state"], "refunded");
        assert_books_balance(&db).await;
    }

    async fn who_enters_codes_in_vain_waits(db) {
        let till = Till::open(&db).await;
        let brought = [("coupons", json!([{"code": "WRONG-CODE-0001"}]))];
        let quote = till.quote(&brought, tea(1)).await;
        let refused = &quote["coupons"][0]["refused"];
        assert_eq!((text(&refused["code"]), &quote["priced"]["total_minor"]), ("unknown_code".to_owned(), &json!(10_000)));
        let mut order = till.order("a", tea(1), 10_000);
        order["coupons"] = json!([{"code": "WRONG-CODE-0001"}]);
        let answer = till.reserve(&order).await;
        assert_eq!(answer.json()["errors"][0]["field"], "code", "{:?}", answer.body);
        let mut last = StatusCode::OK;
        for _ in 0..10 {
            last = till.reserve(&order).await.status;
        }
        assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    }

    /// The answer tells level, tier, points and coupons of who is named.
    async fn who_edits_promotions_learns_nothing_of_customers(db) {
        let till = Till::open(&db).await;
        let role = json!({"name": "editor", "title": "editor", "rights": ["loyalty.promotions"], "fields": {}});
        till.shop.post("/identity/roles", &role).await;
        till.shop.house.add_user(&db, "editor@example.com", "editor").await;
        let cookie = till.shop.house.cookie_of("editor@example.com").await;
        let ask = async |body: Value| {
            let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
            till.shop.house.post("/api/v1/loyalty/playground", &headers, &body).await
        };
        let anybody = ask(json!({"shop": till.id, "cart": tea(1)})).await;
        assert_eq!(anybody.status, StatusCode::OK, "{:?}", anybody.body);
        let customer = till.shop.id_of("lisi").await;
        let named = ask(json!({"shop": till.id, "cart": tea(1), "customer": customer})).await;
        assert_eq!(named.code(), "right_missing");
    }

    async fn rights_keep_a_till_and_an_editor_apart(db) {
        let till = Till::open(&db).await;
        let role = json!({"name": "till", "title": "till", "rights": ["loyalty.checkout"], "fields": {}});
        till.shop.post("/identity/roles", &role).await;
        till.shop.house.add_user(&db, "till@example.com", "till").await;
        let cookie = till.shop.house.cookie_of("till@example.com").await;
        let ask = async |path: &str, body: Value| {
            let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
            till.shop.house.post(&format!("/api/v1{path}"), &headers, &body).await
        };
        let asked = json!({"shop": till.id, "cart": tea(1)});
        assert_eq!(ask("/loyalty/quotes", asked.clone()).await.status, StatusCode::OK);
        for path in ["/loyalty/playground", "/loyalty/promotions"] {
            assert_eq!(ask(path, asked.clone()).await.code(), "right_missing", "{path}");
        }
        let wrong = ask("/loyalty/quotes", json!({"shop": till.id, "cart": {"currency": "CNY", "lines": []}})).await;
        assert_eq!(wrong.json()["errors"][0]["field"], "cart.lines", "{:?}", wrong.body);
    }
}
