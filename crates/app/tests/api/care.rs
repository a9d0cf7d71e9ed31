//! Birthdays on the card, at the till and in points; the care calendar.

use axum::http::StatusCode;
use flows::award_birthdays::{Places, award_birthdays};
use kernel::{Currency, Zone};
use loyalty::points::programme::{self, NewProgramme};
use platform::retention::DAY_MILLIS;
use serde_json::{Value, json};
use testkit::{TestDb, db_test};
use tokio_util::sync::CancellationToken;

use crate::fields::under;
use crate::house::{Answer, migrations};
use crate::loyalty_promotions::{amount_off, live, promotion, shop_id, tea};
use crate::reading::{Shop, text};

async fn set(shop: &Shop, id: &str, birthday: &Value) -> Answer {
    let path = format!("/customers/{id}");
    let version = format!("\"{}\"", shop.get(&path).await["version"]);
    let body = json!({ "birthday": birthday });
    shop.send("PATCH", &path, &[("if-match", &version)], &body).await
}

/// Days of the calendar on which there is something, by day.
async fn days(shop: &Shop, query: &str) -> Vec<(String, Value)> {
    let calendar = shop.get(&format!("/customers/care?{query}")).await;
    let days = calendar["days"].as_array().unwrap().iter();
    days.map(|day| (text(&day["day"]), day.clone())).collect()
}

fn on<'a>(days: &'a [(String, Value)], day: &str) -> &'a Value {
    &days.iter().find(|(one, _)| one == day).unwrap().1
}

db_test! { migrations();
    async fn a_birthday_is_set_on_the_card(db) {
        let shop = Shop::open(&db).await;
        let id = shop.id_of("tealover").await;
        assert_eq!(shop.get(&format!("/customers/{id}")).await["birthday"], Value::Null);
        let birthday = json!({"calendar": "lunar", "month": 8, "day": 15, "is_leap_month": false, "year": 1990});
        let saved = set(&shop, &id, &birthday).await;
        assert_eq!(saved.status, StatusCode::OK, "{:?}", saved.body);
        let shown = json!({"birthday": birthday, "next": "2026-09-25", "turns": 36});
        assert_eq!(saved.json()["birthday"], shown);
        assert_eq!(shop.get(&format!("/customers/{id}")).await["birthday"], shown);
        let timeline = shop.get(&format!("/customers/{id}/timeline")).await.to_string();
        assert!(!timeline.contains("1990"), "{timeline}");
        for (wrong, field) in [
            (json!({"calendar": "solar", "month": 2, "day": 30}), "birthday.day"),
            (json!({"calendar": "solar", "month": 13, "day": 1}), "birthday.month"),
            (json!({"calendar": "solar", "month": 6, "day": 1, "is_leap_month": true}), "birthday.is_leap_month"),
            (json!({"calendar": "lunar", "month": 8, "day": 31}), "birthday.day"),
            (json!({"calendar": "solar", "month": 2, "day": 29, "year": 1999}), "birthday.day"),
            (json!({"calendar": "solar", "month": 2, "day": 1, "year": 2027}), "birthday.year"),
        ] {
            let refused = set(&shop, &id, &wrong).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
            assert_eq!(refused.json()["errors"][0]["field"], field, "{:?}", refused.body);
        }
        let data = shop.post(&format!("/customers/{id}/person-data"), &json!({"reason": "they asked"})).await;
        assert_eq!(data["birthdays"][0]["birthday"], birthday);
        let cleared = set(&shop, &id, &Value::Null).await;
        assert_eq!((cleared.status, &cleared.json()["birthday"]), (StatusCode::OK, &Value::Null));
    }

    async fn who_hides_birthdays_learns_of_none(db) {
        let mut shop = Shop::open(&db).await;
        let id = shop.id_of("tealover").await;
        set(&shop, &id, &json!({"calendar": "solar", "month": 1, "day": 1})).await;
        live(&shop, &birthday_offer()).await;
        shop.cookie = under(&shop, &db, json!({"customers.birthday": "hidden"})).await;
        assert_eq!(shop.get(&format!("/customers/{id}")).await["birthday"], Value::Null);
        let calendar = shop.get("/customers/care?from=2026-01-01&to=2026-01-01").await;
        assert_eq!(calendar["shows_birthdays"], false);
        assert_eq!(calendar["days"][0]["birthdays"], json!([]));
        let refused = set(&shop, &id, &Value::Null).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{:?}", refused.body);
    }

    async fn the_calendar_has_festivals_birthdays_and_anniversaries(db) {
        let shop = Shop::open(&db).await;
        let (tea, lisi) = (shop.id_of("tealover").await, shop.id_of("lisi").await);
        set(&shop, &tea, &json!({"calendar": "lunar", "month": 12, "day": 8, "year": 1990})).await;
        set(&shop, &lisi, &json!({"calendar": "solar", "month": 1, "day": 10})).await;
        let all = days(&shop, "from=2026-01-01&to=2026-01-31").await;
        assert_eq!(all.len(), 31);
        assert_eq!(on(&all, "2026-01-01")["festivals"], json!(["new_year"]));
        let laba = on(&all, "2026-01-26");
        assert_eq!(laba["festivals"], json!(["laba"]));
        assert_eq!(laba["lunar"], json!({"year": 2025, "month": 12, "is_leap_month": false, "day": 8}));
        assert_eq!(laba["birthdays"][0]["customer"], json!({"id": tea, "name": "张三"}));
        assert_eq!(laba["birthdays"][0]["turns"], 35);
        let tenth = on(&all, "2026-01-10");
        assert_eq!(tenth["birthdays"][0]["customer"]["name"], "李四");
        assert_eq!(tenth["birthdays"][0]["turns"], Value::Null);
        assert_eq!(tenth["anniversaries_total"], 1);
        assert_eq!(tenth["anniversaries"][0]["customer"]["id"], tea.as_str());
        assert_eq!(tenth["anniversaries"][0]["years"], 1);
        let festivals = days(&shop, "from=2026-01-01&to=2026-01-31&kind=festival").await;
        assert_eq!(on(&festivals, "2026-01-10")["anniversaries_total"], 0);
        assert_eq!(on(&festivals, "2026-01-26")["birthdays"], json!([]));
        let birthdays = days(&shop, "from=2026-01-01&to=2026-01-31&kind=birthday").await;
        assert_eq!(on(&birthdays, "2026-01-26")["festivals"], json!([]));
        // Merged they are one, with the birthday of whom they were merged into.
        shop.post("/customers/merges", &json!({"keep": tea, "absorb": lisi})).await;
        let merged = days(&shop, "from=2026-01-10&to=2026-01-26").await;
        assert_eq!(on(&merged, "2026-01-10")["birthdays"], json!([]));
        assert_eq!(on(&merged, "2026-01-10")["anniversaries_total"], 1);
        for (query, field) in [
            ("from=2026-01-02&to=2026-01-01", "from"),
            ("from=2026-01-01&to=2026-03-04", "to"),
            ("from=1800-01-01&to=1800-01-01", "from"),
        ] {
            let refused = shop.ask(&format!("/customers/care?{query}")).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
            assert_eq!(refused.json()["errors"][0]["field"], field);
        }
    }

    async fn the_calendar_ends_where_the_callers_reach_does(db) {
        let mut shop = Shop::open(&db).await;
        let (tea, lisi) = (shop.id_of("tealover").await, shop.id_of("lisi").await);
        for id in [&tea, &lisi] {
            set(&shop, id, &json!({"calendar": "solar", "month": 1, "day": 10})).await;
        }
        let role = json!({"name": "own", "title": "own", "rights": ["customers.read"], "reach": "own"});
        shop.post("/identity/roles", &role).await;
        shop.house.add_user(&db, "own@example.com", "own").await;
        let people = shop.get("/identity/users").await;
        let of = |one: &&Value| one["email"] == "own@example.com";
        let user = text(&people["items"].as_array().unwrap().iter().find(of).unwrap()["id"]);
        shop.post("/customers/bulk/owner", &json!({"customers": [lisi], "owner": user})).await;
        shop.cookie = shop.house.cookie_of("own@example.com").await;
        let seen = days(&shop, "from=2026-01-10&to=2026-01-11").await;
        let tenth = on(&seen, "2026-01-10");
        assert_eq!(tenth["birthdays"].as_array().unwrap().len(), 1, "{tenth}");
        assert_eq!(tenth["birthdays"][0]["customer"]["id"], lisi.as_str());
        assert_eq!(tenth["anniversaries_total"], 0);
    }

    async fn a_promotion_of_the_birthday_applies_on_it(db) {
        let shop = Shop::open(&db).await;
        let id = shop.id_of("tealover").await;
        live(&shop, &birthday_offer()).await;
        let quote = json!({"shop": shop_id(&shop).await, "customer": id, "cart": tea(2)});
        let total = async || shop.post("/loyalty/quotes", &quote).await["priced"]["total_minor"].as_i64().unwrap();
        assert_eq!(total().await, 20_000, "nobody knows the birthday");
        // At midnight of UTC it is the first of January in China too.
        set(&shop, &id, &json!({"calendar": "solar", "month": 1, "day": 1})).await;
        assert_eq!(total().await, 17_000);
        set(&shop, &id, &json!({"calendar": "solar", "month": 1, "day": 2})).await;
        assert_eq!(total().await, 20_000);
        db.clock().advance_millis(16 * 3_600_000);
        assert_eq!(total().await, 17_000, "midnight of the shop");
    }

    async fn points_are_given_once_for_a_birthday(db) {
        let shop = Shop::open(&db).await;
        let (tea, lisi) = (shop.id_of("tealover").await, shop.id_of("lisi").await);
        set(&shop, &tea, &json!({"calendar": "solar", "month": 1, "day": 1})).await;
        set(&shop, &lisi, &json!({"calendar": "solar", "month": 1, "day": 3})).await;
        let programme = programme_of(&db).await;
        let mut places = Places::default();
        assert_eq!(give(&shop, &mut places).await, 1);
        assert_eq!(give(&shop, &mut places).await, 0, "the day is done");
        give(&shop, &mut Places::default()).await;
        assert_eq!(points(&shop, &tea, &programme).await, 200, "another run gives nothing twice");
        // The second was missed, and is made up for with the third.
        db.clock().advance_millis(3 * DAY_MILLIS);
        assert_eq!(give(&shop, &mut places).await, 1);
        assert_eq!((points(&shop, &tea, &programme).await, points(&shop, &lisi, &programme).await), (200, 200));
        // Merged, they had theirs.
        shop.post("/customers/merges", &json!({"keep": tea, "absorb": lisi})).await;
        set(&shop, &tea, &json!({"calendar": "solar", "month": 1, "day": 5})).await;
        db.clock().advance_millis(DAY_MILLIS);
        give(&shop, &mut places).await;
        assert_eq!(points(&shop, &tea, &programme).await, 400);
    }
}

fn birthday_offer() -> Value {
    let mut body = promotion("生日立减", amount_off(10_000, 3_000));
    body["rules"]["terms"]["conditions"] = json!({"birthday": true});
    body
}

async fn programme_of(db: &TestDb) -> String {
    let cx = db.ctx();
    let rules = json!({
        "earn_points": 0, "earn_per_minor": 100,
        "activities": [{"name": "birthday", "points": 200, "times_a_day": 1}],
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
    let mut tx = db.db().begin().await.unwrap();
    let id = programme::create(&mut tx, &cx, &new).await.unwrap();
    tx.commit().await.unwrap();
    id.to_string()
}

async fn give(shop: &Shop, places: &mut Places) -> u64 {
    let platform = &shop.house.state.platform;
    let cx = platform.ctx(platform::Scope::system(kernel::OrgId::FIRST));
    award_birthdays(platform, &cx, None, places, &CancellationToken::new()).await.unwrap()
}

async fn points(shop: &Shop, customer: &str, programme: &str) -> i64 {
    let of = shop.get(&format!("/loyalty/customers/{customer}/points")).await;
    let all = of["items"].as_array().unwrap();
    let found = all.iter().find(|one| one["programme"] == programme);
    found.map_or(-1, |one| one["spendable"].as_i64().unwrap())
}
