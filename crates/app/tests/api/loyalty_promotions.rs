//! Promotions through the interface: kept, changed, live, in each other's way, tried in the playground.

use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::db_test;

use crate::house::{Answer, migrations};
use crate::reading::{Shop, text};

/// A promotion as the interface takes it.
pub fn promotion(name: &str, kind: Value) -> Value {
    json!({"name": name, "rules": {"terms": {"currency": "CNY", "kind": kind}}})
}

pub fn amount_off(threshold_minor: i64, off_minor: i64) -> Value {
    json!({"type": "amount_off", "threshold_minor": threshold_minor, "off_minor": off_minor})
}

/// Makes a promotion and puts it live; gives its id.
pub async fn live(shop: &Shop, body: &Value) -> String {
    let made = shop.post("/loyalty/promotions", body).await;
    let id = text(&made["promotion"]["id"]);
    let put = state(shop, &id, "live").await;
    assert_eq!(put.status, StatusCode::OK, "{:?}", put.body);
    id
}

async fn state(shop: &Shop, id: &str, state: &str) -> Answer {
    let path = format!("/loyalty/promotions/{id}/state");
    shop.send("PUT", &path, &[], &json!({"state": state})).await
}

/// The id of the first shop.
pub async fn shop_id(shop: &Shop) -> String {
    text(&shop.get("/commerce/shops").await["items"][0]["id"])
}

/// A cart of tea for 100 yuan a piece.
pub fn tea(quantity: u32) -> Value {
    json!({"currency": "CNY", "lines": [
        {"id": "tea", "product": "tea", "quantity": quantity, "unit_price_minor": 10_000}]})
}

db_test! { migrations();
    async fn a_promotion_is_kept_changed_and_put_through_its_life(db) {
        let shop = Shop::open(&db).await;
        let body = promotion("满 200 减 30", amount_off(20_000, 3_000));
        let key = [("idempotency-key", "once")];
        let made = shop.send("POST", "/loyalty/promotions", &key, &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
        let again = shop.send("POST", "/loyalty/promotions", &key, &body).await;
        assert_eq!(again.json(), made.json());
        let id = text(&made.json()["promotion"]["id"]);
        let path = format!("/loyalty/promotions/{id}");
        assert_eq!(shop.get(&path).await["promotion"]["state"], "draft");

        let taken = shop.send("POST", "/loyalty/promotions", &[], &body).await;
        assert_eq!(taken.json()["errors"][0]["field"], "name", "{:?}", taken.body);
        let wrong = promotion("错", json!({"type": "percent_off", "pay_bps": 20_000}));
        let wrong = shop.send("POST", "/loyalty/promotions", &[], &wrong).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(text(&wrong.json()["errors"][0]["field"]).starts_with("rules.terms")
            || text(&wrong.json()["errors"][0]["field"]).starts_with("terms"), "{:?}", wrong.body);

        let changed = promotion("满 200 减 40", amount_off(20_000, 4_000));
        let put = shop.send("PUT", &path, &[("if-match", "\"1\"")], &changed).await;
        assert_eq!((put.status, put.header("etag")), (StatusCode::OK, "\"2\""), "{:?}", put.body);
        let stale = shop.send("PUT", &path, &[("if-match", "\"1\"")], &changed).await;
        assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
        assert_eq!(stale.json()["current"]["promotion"]["version"], 2);

        for (next, status) in [("stopped", 409), ("live", 200), ("stopped", 200), ("live", 200), ("draft", 409)] {
            assert_eq!(state(&shop, &id, next).await.status.as_u16(), status, "{next}");
        }
        live(&shop, &promotion("另一个", amount_off(100, 1))).await;
        let drafts = shop.get("/loyalty/promotions?state=draft").await;
        assert_eq!(drafts["items"], json!([]));
        let first = shop.get("/loyalty/promotions?state=live&limit=1").await;
        assert_eq!(text(&first["items"][0]["name"]), "另一个");
        let next = text(&first["next"]);
        let second = shop.get(&format!("/loyalty/promotions?state=live&limit=1&after={next}")).await;
        assert_eq!((text(&second["items"][0]["id"]), &second["next"]), (id.clone(), &Value::Null));
        assert_eq!(state(&shop, &id, "ended").await.json()["promotion"]["state"], "ended");
        let over = shop.send("PUT", &path, &[("if-match", "\"2\"")], &changed).await;
        assert_eq!(over.code(), "wrong_state");
    }

    async fn stock_is_counted_by_sku(db) {
        let shop = Shop::open(&db).await;
        let kind = json!({"type": "flash_sale", "unit_price_minor": 100});
        let mut body = promotion("秒杀", kind);
        body["rules"]["starts_at"] = json!("2020-01-01T00:00:00Z");
        let id = live(&shop, &body).await;
        let path = format!("/loyalty/promotions/{id}/stock");
        let set = async |stocked: i64| {
            shop.send("PUT", &path, &[], &json!({"sku": "tea", "stocked": stocked})).await
        };
        let stock = set(5).await.json()["stock"].clone();
        assert_eq!(stock, json!([{"sku": "tea", "stocked": 5, "remaining": 5, "held": 0, "sold": 0}]));
        let asked = json!({"shop": shop_id(&shop).await, "cart": tea(7)});
        let quote = shop.post("/loyalty/quotes", &asked).await;
        assert_eq!(quote["priced"]["total_minor"], 5 * 100 + 2 * 10_000, "{quote}");
        // Two SKUs of one sale, each with a stock of its own, are told as one promotion.
        let set = shop.send("PUT", &path, &[], &json!({"sku": "cup", "stocked": 1})).await;
        assert_eq!(set.status, StatusCode::OK);
        let mut cart = tea(1);
        cart["lines"].as_array_mut().unwrap().push(
            json!({"id": "cups", "product": "x", "sku": "cup", "quantity": 2, "unit_price_minor": 5_000}));
        let quote = shop.post("/loyalty/quotes", &json!({"shop": asked["shop"], "cart": cart})).await;
        assert_eq!(quote["priced"]["total_minor"], 100 + 100 + 5_000, "{quote}");
        assert_eq!(quote["names"], json!({&id: "秒杀"}));
        for line in quote["priced"]["lines"].as_array().unwrap() {
            assert_eq!(line["shares"][0]["promotion"], json!(id));
        }
        assert_eq!(set_wrong(&shop, &path).await, StatusCode::UNPROCESSABLE_ENTITY);
    }

    async fn the_calendar_says_what_is_in_whose_way(db) {
        let shop = Shop::open(&db).await;
        let dated = |name: &str, from: &str, until: &str, group: &str| {
            let mut body = promotion(name, amount_off(10_000, 1_000));
            body["rules"]["starts_at"] = json!(from);
            body["rules"]["ends_at"] = json!(until);
            body["rules"]["terms"]["exclusive_group"] = json!(group);
            body
        };
        let one = dated("一", "2026-11-01T00:00:00Z", "2026-11-12T00:00:00Z", "11.11");
        let two = dated("二", "2026-11-10T00:00:00Z", "2026-11-20T00:00:00Z", "11.11");
        let far = dated("远", "2027-03-01T00:00:00Z", "2027-03-02T00:00:00Z", "11.11");
        let one = live(&shop, &one).await;
        let two = text(&shop.post("/loyalty/promotions", &two).await["promotion"]["id"]);
        live(&shop, &far).await;
        let path = "/loyalty/promotions/calendar?from=2026-11-01T00:00:00Z&until=2026-12-01T00:00:00Z";
        let calendar = shop.get(path).await;
        let items = calendar["items"].as_array().unwrap();
        let names: Vec<String> = items.iter().map(|item| text(&item["name"])).collect();
        assert_eq!(names, ["一", "二"]);
        let mut pair = [one, two];
        pair.sort();
        let overlap = calendar["conflicts"].as_array().unwrap().iter()
            .find(|conflict| conflict["code"] == "overlap").unwrap_or_else(|| panic!("{calendar}"));
        assert_eq!((text(&overlap["first"]), text(&overlap["second"])), (pair[0].clone(), pair[1].clone()));
        let back = shop.ask("/loyalty/promotions/calendar?from=2026-12-01T00:00:00Z&until=2026-11-01T00:00:00Z").await;
        assert_eq!(back.json()["errors"][0]["field"], "until");
    }

    async fn the_playground_tries_what_is_not_live(db) {
        let shop = Shop::open(&db).await;
        let draft = shop.post("/loyalty/promotions", &promotion("草稿", amount_off(10_000, 2_500))).await;
        let draft = text(&draft["promotion"]["id"]);
        let mut gold = promotion("金卡", json!({"type": "percent_off", "pay_bps": 9_000}));
        gold["rules"]["terms"]["conditions"] = json!({"levels": ["gold"]});
        gold["rules"]["starts_at"] = json!("2027-01-01T00:00:00Z");
        let gold = live(&shop, &gold).await;
        let asked = json!({"shop": shop_id(&shop).await, "cart": tea(1)});
        let now = shop.post("/loyalty/quotes", &asked).await;
        assert_eq!((&now["priced"]["total_minor"], &now["priced"]["explanation"]), (&json!(10_000), &json!([])));
        let mut tried = asked.clone();
        tried["drafts"] = json!([draft]);
        let tried = shop.post("/loyalty/playground", &tried).await;
        assert_eq!(tried["priced"]["total_minor"], 7_500, "{tried}");
        let reason = |quote: &Value| {
            let all = quote["priced"]["explanation"].as_array().unwrap().clone();
            let one = all.into_iter().find(|one| one["promotion"] == json!(gold)).unwrap();
            text(&one["reason"]["code"])
        };
        assert_eq!(reason(&tried), "not_yet");
        let mut later = asked.clone();
        later["at"] = json!("2027-02-01T00:00:00Z");
        assert_eq!(reason(&shop.post("/loyalty/playground", &later).await), "level");
        later["assumed"] = json!({"level": "gold"});
        let gold = shop.post("/loyalty/playground", &later).await;
        assert_eq!((&gold["priced"]["total_minor"], text(&gold["level"])), (&json!(9_000), "gold".to_owned()));
    }
}

async fn set_wrong(shop: &Shop, path: &str) -> StatusCode {
    shop.send("PUT", path, &[], &json!({"sku": "tea", "stocked": -1})).await.status
}
