//! Merging by itself: the switch, what it merges, and what an undo of an import makes of that.

use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::{TestDb, db_test, eventually};

use crate::house::migrations;
use crate::reading::{Shop, text};

const SETTINGS: &str = "/customers/settings";

/// Two buyers: one with the phone of 张三丰 and one whom nobody knows.
const LATER: &str = "\
no,account,name,mobile,province,at,paid,refund,state,title,district,address
310000000001,wholesale_two,张三丰,13800000004,广东省,2026-01-01,70.00,,completed,普洱,天河区,体育路 4 号
310000000002,stranger,赵六,13800000009,广东省,2026-01-01,80.00,,completed,普洱,天河区,体育路 5 号
";

async fn switch(shop: &Shop, on: bool) -> Value {
    let answer = shop.send("PUT", SETTINGS, &[], &json!({"merge_by_itself": on})).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    answer.json()
}

async fn jobs(shop: &Shop) -> usize {
    shop.get("/platform/jobs").await["items"].as_array().unwrap().len()
}

async fn total_is(shop: &Shop, total: u64) {
    eventually(&format!("{total} customers"), async || {
        (shop.get("/customers").await["total"] == total).then_some(())
    })
    .await;
}

async fn suggested(shop: &Shop) -> usize {
    shop.get("/customers/suggestions").await["items"].as_array().unwrap().len()
}

async fn with_role(db: &TestDb, role: &str) {
    let mut tx = db.db().begin().await.unwrap();
    let sql = "UPDATE identity_users SET role = $1";
    tx.execute(sql, vec![platform::Arg::from(role.to_owned())]).await.unwrap();
    tx.commit().await.unwrap();
}

db_test! { migrations();
    async fn customers_merge_by_themselves_once_that_is_turned_on(db) {
        let shop = Shop::open(&db).await;
        let workers = app::server::Workers::start(&shop.house.state);
        assert_eq!(shop.get(SETTINGS).await["merge_by_itself"], false, "off by default");
        assert_eq!((suggested(&shop).await, jobs(&shop).await), (1, 0));
        assert_eq!(switch(&shop, false).await["merge_by_itself"], false);
        assert_eq!(jobs(&shop).await, 0);

        assert_eq!(switch(&shop, true).await["merge_by_itself"], true);
        assert_eq!(switch(&shop, true).await["merge_by_itself"], true);
        assert_eq!(jobs(&shop).await, 1, "turning on twice is turning on once");
        assert_eq!(shop.get(SETTINGS).await["merge_by_itself"], true);
        total_is(&shop, 4).await;
        assert_eq!(suggested(&shop).await, 0);
        let card = shop.get(&format!("/customers/{}", shop.id_of("lisi_two").await)).await;
        assert_eq!((&card["orders"], &card["merges"][0]["actor"]), (&json!(2), &Value::Null));

        // What people part stays apart.
        let merge = text(&card["merges"][0]["id"]);
        let parted = shop.send("DELETE", &format!("/customers/merges/{merge}"), &[], &json!({})).await;
        assert_eq!(parted.status, StatusCode::NO_CONTENT);
        let import = shop.import(&db, "第二店", LATER).await;
        total_is(&shop, 6).await;
        assert_eq!(suggested(&shop).await, 1, "those who were parted");
        let card = shop.get(&format!("/customers/{}", shop.id_of("wholesale_two").await)).await;
        assert_eq!((&card["orders"], &card["revenue_minor"]), (&json!(2), &json!(907_000)));

        // The merge goes with the import that made it.
        let undone = shop.send("POST", &format!("/commerce/imports/{import}/undo"), &[], &json!({})).await;
        assert_eq!(undone.status, StatusCode::ACCEPTED, "{:?}", undone.body);
        total_is(&shop, 5).await;
        let card = shop.get(&format!("/customers/{}", shop.id_of("wholesale").await)).await;
        assert_eq!((&card["orders"], &card["revenue_minor"]), (&json!(1), &json!(900_000)));
        assert_eq!((&card["merges"], &card["suggestions"]), (&json!([]), &json!([])));

        // Turned off again, nothing merges.
        switch(&shop, false).await;
        shop.import(&db, "第三店", LATER).await;
        total_is(&shop, 7).await;
        assert_eq!(suggested(&shop).await, 2);
        workers.stop().await;
    }

    async fn work_on_customers_that_merged_by_themselves_stands_against_an_undo(db) {
        let shop = Shop::open(&db).await;
        switch(&shop, true).await;
        let import = shop.import(&db, "第二店", LATER).await;
        total_is(&shop, 5).await;
        let id = shop.id_of("stranger").await;
        shop.post(&format!("/customers/{id}/notes"), &json!({"text": "asked for samples"})).await;
        let undo = format!("/commerce/imports/{import}/undo");
        let refused = shop.send("POST", &undo, &[], &json!({})).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "undo_refused"));
        assert!(text(&refused.json()["detail"]).contains("1 with notes"), "{:?}", refused.body);
        assert_eq!(shop.get("/customers").await["total"], 5, "a refusal parts nobody");
    }

    async fn settings_are_the_owners(db) {
        let shop = Shop::open(&db).await;
        let wrong = shop.send("PUT", SETTINGS, &[], &json!({"merge_by_itself": true, "more": 1})).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        with_role(&db, "analyst").await;
        for (method, body) in [("GET", Value::Null), ("PUT", json!({"merge_by_itself": true}))] {
            let refused = shop.send(method, SETTINGS, &[], &body).await;
            assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "right_missing"), "{method}");
        }
        with_role(&db, "owner").await;
        assert_eq!(shop.get(SETTINGS).await["merge_by_itself"], false);
    }
}
