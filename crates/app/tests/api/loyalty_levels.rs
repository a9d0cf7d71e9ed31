//! Levels through the whole program: schemes, where a customer stands, what if, by hand, and what points make of them.

use axum::http::StatusCode;
use flows::settle_levels;
use kernel::OrgId;
use platform::Scope;
use serde_json::{Value, json};
use testkit::db_test;
use tokio_util::sync::CancellationToken;

use crate::fields::under;
use crate::house::migrations;
use crate::loyalty_points;
use crate::reading::Shop;

/// Does what the jobs of levels have to do.
async fn settle(shop: &Shop) {
    let platform = &shop.house.state.platform;
    let cx = platform.ctx(Scope::system(OrgId::FIRST));
    let cancel = CancellationToken::new();
    settle_levels::settle_all(platform, &cx, &cancel).await.unwrap();
    loyalty::levels::jobs::do_due(platform, &cx, &cancel).await.unwrap();
}

fn new_scheme(rules: &Value) -> Value {
    json!({"name": "茶友", "currency": "CNY", "zone": 28_800, "rules": rules})
}

/// The scheme that is offered, by amount.
async fn scheme(shop: &Shop) -> String {
    let offered = shop.get("/loyalty/schemes/defaults").await;
    let made = shop.post("/loyalty/schemes", &new_scheme(&offered["by_amount"])).await;
    settle(shop).await;
    made["id"].as_str().unwrap().to_owned()
}

async fn level_of(shop: &Shop, account: &str) -> Value {
    let customer = shop.id_of(account).await;
    shop.get(&format!("/loyalty/customers/{customer}/levels")).await["items"][0].clone()
}

async fn counts(shop: &Shop, id: &str) -> Vec<i64> {
    let told = shop.get(&format!("/loyalty/schemes/{id}/counts")).await;
    told["items"]
        .as_array()
        .unwrap()
        .iter()
        .skip(1)
        .map(|one| one["customers"].as_i64().unwrap())
        .collect()
}

async fn refused(shop: &Shop, path: &str) -> (StatusCode, Value) {
    let answer = shop.ask(path).await;
    (answer.status, answer.json()["errors"][0]["field"].clone())
}

db_test! { migrations();
    async fn a_scheme_begins_with_four_levels_and_measures_who_is_there(db) {
        let shop = Shop::open(&db).await;
        let id = scheme(&shop).await;
        assert_eq!(counts(&shop, &id).await, [3, 0, 1, 0]);
        let level = level_of(&shop, "wholesale").await;
        assert_eq!((&level["rank"], &level["measured"], &level["to_next"]), (&json!(3), &json!(900_000), &json!(100_000)));
        assert_eq!((&level["level"]["name"], &level["next"]["name"]), (&json!("VIP 会员"), &json!("至尊 VIP")));
        let customer = shop.id_of("wholesale").await;
        let history = shop.get(&format!("/loyalty/customers/{customer}/levels/{id}/history")).await;
        let items = history["items"].as_array().unwrap();
        assert_eq!((items.len(), &items[0]["from"], &items[0]["to"], &items[0]["to_name"]), (1, &json!(0), &json!(3), &json!("VIP 会员")));
        // 100.00, 150.00 and 300.00 within 365 days.
        assert_eq!(level_of(&shop, "tealover").await["measured"], 55_000);
    }

    async fn nobody_pays_less_than_the_platform_allows(db) {
        let shop = Shop::open(&db).await;
        let offered = shop.get("/loyalty/schemes/defaults").await;
        assert_eq!(offered["floor_bps"], 7_000);
        let mut rules = offered["by_orders"].clone();
        rules["levels"][3]["pay_bps"] = json!(6_999);
        let answer = shop.send("POST", "/loyalty/schemes", &[], &new_scheme(&rules)).await;
        assert_eq!((answer.status, &answer.json()["errors"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("rules.levels[3].pay_bps")));
        let id = scheme(&shop).await;
        let path = format!("/loyalty/schemes/{id}");
        let change = json!({"name": "茶友", "rules": rules});
        let answer = shop.send("PUT", &path, &[("if-match", "\"1\"")], &change).await;
        assert_eq!(answer.json()["errors"][0]["field"], "rules.levels[3].pay_bps");
        assert_eq!(shop.get(&path).await["version"], 1);
    }

    async fn what_if_says_who_would_move_and_the_edit_moves_them(db) {
        let shop = Shop::open(&db).await;
        let id = scheme(&shop).await;
        let path = format!("/loyalty/schemes/{id}");
        let ask = |rank: usize, bound: i64| format!("{path}/what-if?rank={rank}&bound={bound}");
        let moves = |told: Value| [told["rise"].as_i64().unwrap(), told["lose"].as_i64().unwrap(), told["not_yet_measured"].as_i64().unwrap()];
        assert_eq!(moves(shop.get(&ask(2, 55_000)).await), [1, 0, 0]);
        assert_eq!(moves(shop.get(&ask(2, 55_001)).await), [0, 0, 0]);
        assert_eq!(moves(shop.get(&ask(3, 900_001)).await), [0, 1, 0]);
        assert_eq!(refused(&shop, &ask(2, 300_000)).await, (StatusCode::UNPROCESSABLE_ENTITY, json!("bound")));
        assert_eq!(refused(&shop, &ask(9, 1)).await, (StatusCode::UNPROCESSABLE_ENTITY, json!("rank")));
        // Each version holds for a while.
        db.clock().advance_millis(1_000);
        let mut change = json!({"name": "茶友会", "rules": shop.get(&path).await["rules"]});
        change["rules"]["levels"][1]["bound"] = json!(55_000);
        let answer = shop.send("PUT", &path, &[("if-match", "\"1\"")], &change).await;
        assert_eq!((answer.status, answer.header("etag")), (StatusCode::OK, "\"2\""));
        let answer = shop.send("PUT", &path, &[("if-match", "\"1\"")], &change).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::PRECONDITION_FAILED, "stale_version"));
        assert_eq!(answer.json()["current"]["version"], 2);
        settle(&shop).await;
        assert_eq!(counts(&shop, &id).await, [2, 1, 1, 0]);
    }

    async fn a_level_is_pinned_and_released_for_a_reason(db) {
        let shop = Shop::open(&db).await;
        let id = scheme(&shop).await;
        let customer = shop.id_of("tealover").await;
        let path = |what: &str| format!("/loyalty/customers/{customer}/levels/{id}/{what}");
        let pinned = shop.post(&path("pin"), &json!({"rank": 4, "reason": "老朋友"})).await;
        assert_eq!((&pinned["rank"], &pinned["pinned"], &pinned["earned"], &pinned["releasable"]), (&json!(4), &json!(true), &json!(1), &json!(true)));
        assert_eq!((&pinned["deeds"][0]["reason"], &pinned["deeds"][0]["actor_person"]["name"]), (&json!("老朋友"), &json!("店主")));
        for wrong in [json!({"rank": 5, "reason": "a"}), json!({"rank": 1, "reason": " "})] {
            assert_eq!(shop.send("POST", &path("pin"), &[], &wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        }
        let released = shop.post(&path("release"), &json!({"reason": "改回"})).await;
        assert_eq!((&released["rank"], &released["pinned"]), (&json!(1), &json!(false)));
        let again = shop.send("POST", &path("release"), &[], &json!({"reason": "改回"})).await;
        assert_eq!((again.status, again.code().as_str()), (StatusCode::CONFLICT, "not_by_hand"));
        let (mut after, mut ranks) = (String::new(), Vec::new());
        loop {
            let page = shop.get(&format!("{}?limit=1&after={after}", path("history"))).await;
            ranks.extend(page["items"].as_array().unwrap().iter().map(|one| one["to"].clone()));
            match page["next"].as_str() {
                Some(next) => after = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(ranks, [1, 4, 1]);
        let nobody = format!("/loyalty/customers/cus_01h455vb4pex5vsknk084sn02q/levels/{id}/history");
        assert_eq!(shop.ask(&nobody).await.status, StatusCode::NOT_FOUND);
    }

    async fn whose_amounts_are_hidden_sees_no_progress_in_money(db) {
        let mut shop = Shop::open(&db).await;
        scheme(&shop).await;
        shop.cookie = under(&shop, &db, json!({"commerce.amounts": "hidden", "customers.notes": "hidden"})).await;
        let level = level_of(&shop, "wholesale").await;
        assert_eq!((&level["rank"], &level["measured"], &level["to_next"]), (&json!(3), &Value::Null, &Value::Null));
    }

    async fn an_order_earns_by_the_level_that_was_known_when_it_was_paid(db) {
        let shop = Shop::open(&db).await;
        loyalty_points::programme(&shop).await;
        let id = scheme(&shop).await;
        let customer = shop.id_of("wholesale").await;
        let pending = || async {
            loyalty_points::settle(&shop).await;
            let told = shop.get(&format!("/loyalty/customers/{customer}/points")).await;
            told["items"][0]["balance"]["pending"].as_i64().unwrap()
        };
        // Orders that were paid before there were levels earn once.
        assert_eq!(pending().await, 9_000);
        db.clock().advance_millis(2 * 86_400_000);
        let later = "no,account,name,mobile,province,at,paid,refund,state,title,district,address\n\
            510000000001,wholesale,张三丰,13800000004,广东省,2026-01-03,100.00,,completed,普洱,天河区,体育路 4 号\n";
        shop.import(&db, "分店", later).await;
        settle(&shop).await;
        // VIP 会员: 1.25.
        assert_eq!(pending().await, 9_125);
        // What is learned later changes nothing of it.
        shop.post(&format!("/loyalty/customers/{customer}/levels/{id}/pin"), &json!({"rank": 4, "reason": "老朋友"})).await;
        assert_eq!(pending().await, 9_125);
    }
}
