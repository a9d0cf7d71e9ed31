//! Requests that a database would refuse, and what must leave nothing behind, on both databases.

use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::{TestDb, db_test};

use crate::house::migrations;
use crate::reading::{ORDERS, Shop, text};

db_test! { migrations();
    async fn a_nul_is_refused_with_the_name_of_its_field(db) {
        let shop = Shop::open(&db).await;
        let id = shop.id_of("tealover").await;
        for (path, field) in [
            ("/commerce/orders?q=%00a1111", "q"),
            ("/customers?q=a%00", "q"),
            ("/customers?province=%00", "province"),
            ("/search?q=a%00b", "q"),
            ("/insight/rfm?shop=%00", "shop"),
        ] {
            let answer = shop.ask(path).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}: {:?}", answer.body);
            assert_eq!(answer.json()["errors"][0]["field"], field, "{path}");
        }
        let note = shop.send("POST", &format!("/customers/{id}/notes"), &[], &json!({"text": "a\0b"})).await;
        assert_eq!(note.status, StatusCode::UNPROCESSABLE_ENTITY, "{:?}", note.body);
        assert_eq!(note.json()["errors"][0]["field"], "text");
    }

    async fn an_upload_without_a_form_is_a_problem(db) {
        let shop = Shop::open(&db).await;
        let answer = shop.send("POST", "/commerce/imports", &[], &json!({})).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.code(), "unsupported_media_type");
    }

    async fn an_edit_taken_back_does_not_keep_an_import(db) {
        let shop = Shop::open(&db).await;
        let import = text(&shop.get("/commerce/imports").await["items"][0]["id"]);
        let path = format!("/customers/{}", shop.id_of("tealover").await);
        let undo = format!("/commerce/imports/{import}/undo");
        let edit = async |body: Value| {
            let version = format!("\"{}\"", shop.get(&path).await["version"]);
            let edited = shop.send("PATCH", &path, &[("if-match", &version)], &body).await;
            assert_eq!(edited.status, StatusCode::OK, "{:?}", edited.body);
        };
        edit(json!({"rating": "A"})).await;
        edit(json!({"name": "别名"})).await;
        edit(json!({"rating": null})).await;
        let refused = shop.send("POST", &undo, &[], &json!({})).await;
        assert_eq!(refused.code(), "undo_refused", "{:?}", refused.body);
        let detail = text(&refused.json()["detail"]);
        assert!(detail.contains("1 edited") && detail.contains("as they were"), "{detail}");
        assert_eq!(shop.get(&format!("/commerce/imports/{import}")).await["can_undo"], false);
        edit(json!({"name": "张三"})).await;
        assert_eq!(shop.get(&format!("/commerce/imports/{import}")).await["can_undo"], true);
        let done = shop.send("POST", &undo, &[], &json!({})).await;
        assert_eq!(done.json()["state"], "undone", "{:?}", done.body);
        assert_eq!(shop.get("/customers").await["total"], 0);
    }

    async fn rejected_rows_of_imports_that_do_not_hold_need_nobody(db) {
        let shop = Shop::open(&db).await;
        let rejected = async || {
            let bench = shop.get("/insight/workbench").await;
            let wanted = bench["attention"].as_array().unwrap().clone();
            wanted.iter().find(|one| one["kind"] == "rejected_rows").map(|one| one["count"].clone())
        };
        let platform = &shop.house.state.platform;
        let cx = db.ctx();
        let import = text(&shop.get("/commerce/imports").await["items"][0]["id"]).parse().unwrap();
        let set = async |dry_run: bool, rejected: u64| {
            let mut tx = platform.db.begin().await.unwrap();
            let mut import = commerce::imports::get(&mut tx, cx.scope, import).await.unwrap().unwrap();
            (import.dry_run, import.progress.rejected) = (dry_run, rejected);
            commerce::imports::save(&mut tx, cx.scope, &import).await.unwrap();
            tx.commit().await.unwrap();
        };
        set(false, 3).await;
        assert_eq!(rejected().await, Some(json!(3)));
        set(true, 3).await;
        assert_eq!(rejected().await, None, "a dry run");
        set(false, 3).await;
        shop.send("POST", &format!("/commerce/imports/{import}/undo"), &[], &json!({})).await;
        assert_eq!(rejected().await, None, "taken back");
    }
}

/// Where texts are sorted as people of a language do, `9` comes before `:` only by bytes.
#[tokio::test(flavor = "multi_thread")]
async fn orders_are_found_by_the_beginning_of_their_number_in_any_language() {
    let db = TestDb::postgres_of_locale(migrations(), "en-US").await;
    let shop = Shop::open(&db).await;
    shop.import(&db, "九", &ORDERS.replace("21000000000", "99999999999")).await;
    for (beginning, found) in [("9999", 7), ("99999999999", 7), ("999999999993", 1), ("2100", 7)] {
        let page = shop.get(&format!("/commerce/orders?q={beginning}")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), found, "{beginning}: {page}");
    }
    let mut tx = db.db().begin().await.unwrap();
    let plan: Vec<(String,)> = tx
        .fetch_all(
            "EXPLAIN SELECT id FROM commerce_orders WHERE org_id = 1 AND shop_number = 1
             AND external_no >= '9999' AND external_no < '999:'",
            vec![],
        )
        .await
        .unwrap();
    let plan: String = plan.into_iter().map(|(line,)| line + "\n").collect();
    assert!(plan.contains("external_no"), "{plan}");
}
