//! The simulator of promotions through the whole program: asked for, replayed in the background, cancelled, kept.

use app::server::Workers;
use serde_json::{Value, json};
use testkit::db_test;

use crate::exports::code;
use crate::house::migrations;
use crate::reading::{Shop, text};

async fn ended(shop: &Shop, id: &str) -> Value {
    let path = format!("/loyalty/simulations/{id}");
    testkit::eventually("the simulation to end", async || {
        let view = shop.get(&path).await;
        let is_open = ["waiting", "running"].iter().any(|open| view["state"] == *open);
        Some(view).filter(|_| !is_open)
    })
    .await
}

/// 20.00 off from 90.00 on.
fn off() -> Value {
    json!({"type": "written", "name": "满减", "rules": {"terms": {
        "currency": "CNY", "kind": {"type": "amount_off", "threshold_minor": 9_000, "off_minor": 2_000}}}})
}

/// First orders at half their price.
fn welcome() -> Value {
    json!({"type": "written", "name": "新客", "rules": {"terms": {
        "currency": "CNY", "conditions": {"first_order": true}, "priority": 1, "stacking_group": "s",
        "kind": {"type": "percent_off", "pay_bps": 5_000}}}})
}

db_test! { migrations();
    async fn a_year_of_orders_is_replayed_through_a_draft(db) {
        let shop = Shop::open(&db).await;
        let workers = Workers::start(&shop.house.state);
        let year = json!({"from": "2025-01-01", "to": "2025-12-31", "cost_bps": 6_000});
        let with = |draft: Value| {
            let mut body = year.clone();
            body["draft"] = draft;
            body
        };
        let asked = shop.post("/loyalty/simulations", &with(json!([off()]))).await;
        assert_eq!((&asked["state"], &asked["done"]), (&json!("waiting"), &json!(0)));
        let view = ended(&shop, &text(&asked["id"])).await;
        assert_eq!((&view["state"], &view["done"], &view["total"]), (&json!("done"), &json!(5), &json!(5)), "{view}");
        // Five of the seven orders count: one was closed, one is of another year. Three reach 90.00.
        let result = &view["result"];
        let list = 10_000 + 20_000 + 30_000 + 5_000 + 6_000;
        assert_eq!(result["currency"], "CNY");
        let now = json!({"orders": 5, "touched": 0, "list_minor": list, "discount_minor": 0, "margin_minor": list * 4 / 10,
            "deep": 0, "below_floor": 0, "inexact": 0});
        assert_eq!(result["now"], now);
        let draft = json!({"orders": 5, "touched": 3, "list_minor": list, "discount_minor": 6_000,
            "margin_minor": list * 4 / 10 - 6_000, "deep": 0, "below_floor": 0, "inexact": 0});
        assert_eq!(result["draft"], draft);
        let days: Vec<&str> = result["by_day"].as_array().unwrap().iter().map(|day| day["day"].as_str().unwrap()).collect();
        assert_eq!(days, ["2025-01-10", "2025-03-10", "2025-06-01", "2025-06-02", "2025-12-31"]);
        assert_eq!(result["by_day"][0]["draft"]["discount_minor"], 2_000);
        let of_tiers = |what: &str| -> i64 {
            let tiers = result["by_tier"].as_array().unwrap();
            tiers.iter().map(|tier| tier["draft"][what].as_i64().unwrap()).sum()
        };
        assert_eq!((of_tiers("orders"), of_tiers("discount_minor")), (5, 6_000));
        let customers: i64 =
            result["by_tier"].as_array().unwrap().iter().map(|tier| tier["customers"].as_i64().unwrap()).sum();
        // 李四 and his second account were not merged.
        assert_eq!(customers, 3);
        assert!(result["by_tier"].as_array().unwrap().iter().all(|tier| tier["tier"].is_string()), "{result}");
        assert_eq!(
            result["by_promotion"],
            json!([{"promotion": null, "name": "满减", "is_draft": true, "orders": 3, "discount_minor": 6_000}])
        );
        assert_eq!((&result["leaks"], &result["refused"], &result["left_aside"]), (&json!(0), &json!(0), &json!([])));
        // Without any cost nothing is known of the margin, which was told as 0.
        let mut blind = with(json!([off()]));
        blind["cost_bps"] = Value::Null;
        let asked = shop.post("/loyalty/simulations", &blind).await;
        let told = ended(&shop, &text(&asked["id"])).await;
        let totals = &told["result"]["draft"];
        assert_eq!((&totals["margin_minor"], &totals["discount_minor"]), (&Value::Null, &json!(6_000)));
        assert_eq!(view["request"]["cost_bps"], 6_000);

        // First orders at half their price: deeper than 40 %, below the floor, and two of one order below cost.
        let mut body = with(json!([off(), welcome()]));
        body["deepest_off_bps"] = json!(4_000);
        body["name"] = json!("新客半价");
        let mut stacked = off();
        stacked["rules"]["terms"]["stacking_group"] = json!("s");
        body["draft"][0] = stacked;
        let asked = shop.post("/loyalty/simulations", &body).await;
        let view = ended(&shop, &text(&asked["id"])).await;
        let result = &view["result"];
        // 100.00 → 50.00 → 30.00; 50.00 → 25.00; 60.00 → 30.00; 200.00 and 300.00 less 20.00 each.
        assert_eq!(result["draft"]["discount_minor"], 7_000 + 2_500 + 3_000 + 2_000 + 2_000, "{result}");
        assert_eq!((&result["draft"]["deep"], &result["draft"]["below_floor"]), (&json!(3), &json!(3)));
        assert_eq!(result["leaks"], 1);
        let leak = &result["first_leaks"][0];
        assert_eq!((&leak["list_minor"], &leak["paid_minor"], &leak["cost_minor"]), (&json!(10_000), &json!(3_000), &json!(6_000)));
        assert_eq!(leak["promotions"].as_array().unwrap().len(), 2);
        let deep = &result["first_deep"][0];
        assert_eq!((&deep["paid_minor"], &deep["paid_now_minor"], &deep["is_below_floor"]), (&json!(3_000), &json!(10_000), &json!(true)));
        assert_eq!(deep["order"], leak["order"]);

        // What is kept can be asked for by its id; once it is live it is what is compared with.
        let new = json!({"name": "满减", "rules": off()["rules"]});
        let new = serde_json::from_value(new).unwrap();
        let mut tx = db.db().begin().await.unwrap();
        let cx = db.ctx();
        let kept = loyalty::promotions::create(&mut tx, &cx, &new).await.unwrap();
        loyalty::promotions::set_state(&mut tx, &cx, kept, loyalty::OfferState::Live).await.unwrap();
        tx.commit().await.unwrap();
        let mut body = with(json!([welcome()]));
        body["without"] = json!([kept.to_string()]);
        let asked = shop.post("/loyalty/simulations", &body).await;
        let result = ended(&shop, &text(&asked["id"])).await["result"].clone();
        assert_eq!((&result["now"]["discount_minor"], &result["draft"]["discount_minor"]), (&json!(6_000), &json!(10_500)));
        let kept = json!({"type": "kept", "promotion": kept.to_string()});
        let asked = shop.post("/loyalty/simulations", &with(json!([kept]))).await;
        let result = ended(&shop, &text(&asked["id"])).await["result"].clone();
        assert_eq!(result["now"], result["draft"]);

        let all = shop.get("/loyalty/simulations?limit=3").await;
        assert_eq!(all["items"].as_array().unwrap().len(), 3);
        assert_eq!(all["items"][2]["name"], "新客半价");
        let rest = shop.get(&format!("/loyalty/simulations?limit=3&after={}", text(&all["next"]))).await;
        assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (2, &Value::Null));
        workers.stop().await;
    }

    async fn what_is_wrong_with_a_draft_is_told_and_a_simulation_can_be_cancelled(db) {
        let shop = Shop::open(&db).await;
        let asked = async |body: Value| shop.send("POST", "/loyalty/simulations", &[], &body).await;
        let year = json!({"from": "2025-01-01", "to": "2025-12-31", "draft": [off()]});
        let fields = |answer: &Value| -> Vec<String> {
            let errors = answer["errors"].as_array().unwrap();
            errors.iter().map(|error| text(&error["field"])).collect()
        };
        let mut wrong = year.clone();
        wrong["to"] = json!("2024-12-31");
        wrong["cost_bps"] = json!(10_001);
        wrong["draft"] = json!([]);
        assert_eq!(fields(&asked(wrong).await.json()), ["draft", "to", "cost_bps"]);
        let mut wrong = year.clone();
        wrong["draft"][0]["rules"]["terms"]["kind"]["threshold_minor"] = json!(-1);
        let answer = asked(wrong).await;
        assert_eq!(answer.status, 422, "{:?}", answer.body);
        assert!(fields(&answer.json())[0].starts_with("draft.0.rules.terms"), "{:?}", answer.body);
        let unknown = json!({"type": "kept", "promotion": "pro_01h455vb4pex5vsknk084sn02q"});
        let mut wrong = year.clone();
        wrong["draft"] = json!([unknown]);
        assert_eq!(fields(&asked(wrong).await.json()), ["draft.0"]);
        let none = shop.ask("/loyalty/simulations/sim_01h455vb4pex5vsknk084sn02q").await;
        assert_eq!(none.status, 404, "{:?}", none.body);

        // Nobody works, so five wait and a sixth is one too many.
        for _ in 0..5 {
            shop.post("/loyalty/simulations", &year).await;
        }
        assert_eq!(code(&asked(year.clone()).await), (409, "simulations_at_work".into()));
        let first = shop.get("/loyalty/simulations").await["items"][0].clone();
        let id = text(&first["id"]);
        let cancelled = shop.post(&format!("/loyalty/simulations/{id}/cancel"), &json!({})).await;
        assert_eq!(cancelled["state"], "cancelled");
        // What was cancelled is not begun.
        let workers = Workers::start(&shop.house.state);
        testkit::eventually("the others to be done", async || {
            // One is at work at a time; the others look again two seconds later.
            db.clock().advance_millis(2_000);
            let all = shop.get("/loyalty/simulations").await;
            let states = all["items"].as_array().unwrap().iter();
            Some(()).filter(|()| states.filter(|one| one["state"] == "done").count() == 4)
        })
        .await;
        let view = shop.get(&format!("/loyalty/simulations/{id}")).await;
        assert_eq!((&view["state"], &view["result"]), (&json!("cancelled"), &Value::Null));
        workers.stop().await;
    }
}
