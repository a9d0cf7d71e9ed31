//! Who did what, by name; and what people did, where it stands against taking an import back.

use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::db_test;

use crate::house::{EMAIL, migrations};
use crate::reading::{Shop, text};

/// A later order of a customer whom the first import made.
const LATER: &str = "\
no,account,name,mobile,province,at,paid,refund,state,title,district,address
310000000001,tealover,张三,13800000001,浙江省,2026-01-01,70.00,,completed,龙井,西湖区,文三路 1 号
";

fn owner() -> Value {
    json!({"name": "店主", "email": EMAIL})
}

db_test! { migrations();
    async fn people_are_named_beside_their_ids(db) {
        let shop = Shop::open(&db).await;
        let me = shop.get("/identity/sessions/current").await["user"]["id"].clone();
        let (keep, absorb) = (shop.id_of("lisi").await, shop.id_of("lisi_two").await);
        shop.post(&format!("/customers/{keep}/notes"), &json!({"text": "likes tea"})).await;
        let tag = shop.post("/customers/tags", &json!({"name": "VIP", "colour": "gold"})).await;
        shop.post("/customers/bulk/tags", &json!({"customers": [keep], "add": [tag["id"]]})).await;
        shop.post("/customers/merges", &json!({"keep": keep, "absorb": absorb})).await;

        let card = shop.get(&format!("/customers/{keep}")).await;
        assert_eq!((&card["notes"][0]["author"], &card["notes"][0]["author_person"]), (&me, &owner()));
        assert_eq!((&card["merges"][0]["actor"], &card["merges"][0]["actor_person"]), (&me, &owner()));
        let timeline = shop.get(&format!("/customers/{keep}/timeline")).await;
        for item in timeline["items"].as_array().unwrap() {
            let by_people = ["note", "tag", "merge"].contains(&item["kind"].as_str().unwrap());
            assert_eq!(item["actor"] == me, by_people, "{item}");
            assert_eq!(item.get("actor_person"), by_people.then(owner).as_ref(), "{item}");
            if item["kind"] == "note" {
                assert_eq!(item["note"]["author_person"], owner());
            }
        }
        assert_eq!(timeline["items"].as_array().unwrap().len(), 2 + 2 + 3);

        // An import by the program itself has nobody; one over HTTP has whoever uploaded it.
        let imports = shop.get("/commerce/imports").await;
        assert_eq!((&imports["items"][0]["created_by"], imports["items"][0].get("created_by_person")), (&Value::Null, None));
        let mut tx = db.db().begin().await.unwrap();
        let sql = "UPDATE commerce_imports SET created_by = (SELECT id FROM identity_users)";
        tx.execute(sql, vec![]).await.unwrap();
        tx.commit().await.unwrap();
        let imports = shop.get("/commerce/imports").await;
        let import = &imports["items"][0];
        assert_eq!((&import["created_by"], &import["created_by_person"]), (&me, &owner()));
        let one = shop.get(&format!("/commerce/imports/{}", text(&import["id"]))).await;
        assert_eq!(one["created_by_person"], owner());
        let bench = shop.get("/insight/workbench").await;
        assert_eq!(bench["recent_imports"][0]["created_by_person"], owner());
    }

    async fn an_edit_answers_the_card(db) {
        let shop = Shop::open(&db).await;
        // Scores are set anew a moment after something changed, which would show between two readings.
        shop.house.state.engines.of(kernel::OrgId::FIRST).rescore().await.unwrap();
        let id = shop.id_of("tealover").await;
        let path = format!("/customers/{id}");
        let before = shop.get(&path).await;
        let version = format!("\"{}\"", before["version"]);
        let body = json!({"name": "张三丰收", "rating": "A"});
        let edited = shop.send("PATCH", &path, &[("if-match", &version)], &body).await;
        assert_eq!(edited.status, StatusCode::OK, "{:?}", edited.body);
        let card = edited.json();
        assert_eq!((&card["name"], &card["rating"], &card["orders"]), (&json!("张三丰收"), &json!("A"), &json!(3)));
        assert_eq!(card, shop.get(&path).await);
        assert_eq!(edited.header("etag"), format!("\"{}\"", card["version"]));
        let unsaid = shop.send("PATCH", &path, &[], &body).await;
        assert_eq!(unsaid.status, StatusCode::PRECONDITION_REQUIRED);
        let stale = shop.send("PATCH", &path, &[("if-match", &version)], &body).await;
        assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
        assert_eq!((&stale.json()["current"]["version"], &stale.json()["current"]["name"]), (&card["version"], &card["name"]));
        let version = format!("\"{}\"", card["version"]);
        for (body, field) in [(json!({"name": ""}), "name"), (json!({"rating": "E"}), "rating"), (json!({"nick": "x"}), "nick")] {
            let wrong = shop.send("PATCH", &path, &[("if-match", &version)], &body).await;
            assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(wrong.json()["errors"][0]["field"], field);
        }
        let cleared = shop.send("PATCH", &path, &[("if-match", &version)], &json!({"rating": null})).await.json();
        assert_eq!((&cleared["rating"], &cleared["name"]), (&Value::Null, &card["name"]));
        let nobody = "/customers/cus_7zzzzzzzzzzzzzzzzzzzzzzzzz";
        let nobody = shop.send("PATCH", nobody, &[("if-match", &version)], &body).await;
        assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    }

    async fn one_import_says_what_stands_against_taking_it_back(db) {
        let shop = Shop::open(&db).await;
        let list = shop.get("/commerce/imports").await;
        let path = format!("/commerce/imports/{}", text(&list["items"][0]["id"]));
        let stands = async || {
            let one = shop.get(&path).await;
            assert_eq!(one["can_undo"] == json!(true), one.get("undo_refusal").is_none(), "{one}");
            one["undo_refusal"].as_str().map(str::to_owned)
        };
        let code = async || shop.get(&path).await["undo_refusal_code"].clone();
        assert_eq!(stands().await, None);

        let id = shop.id_of("tealover").await;
        let note = shop.post(&format!("/customers/{id}/notes"), &json!({"text": "likes tea"})).await;
        assert!(stands().await.unwrap().contains("1 with notes"));
        let noted = json!({"code": "worked_with", "noted": 1, "tagged": 0, "edited": 0, "merged": 0});
        assert_eq!(code().await, noted);
        assert_eq!(shop.get("/commerce/imports").await["items"][0]["can_undo"], true, "lists look at the state");
        let refused = shop.send("POST", &format!("{path}/undo"), &[], &json!({})).await;
        assert_eq!(refused.code(), "undo_refused");
        assert_eq!(Some(text(&refused.json()["detail"])), stands().await);
        let note = format!("/customers/{id}/notes/{}", text(&note["id"]));
        assert_eq!(shop.send("DELETE", &note, &[], &json!({})).await.status, StatusCode::NO_CONTENT);
        assert_eq!(stands().await, None);

        let later = shop.import(&db, "第二店", LATER).await;
        let named = format!("{later} (number 2); undo them first");
        assert!(stands().await.unwrap().contains(&named), "{:?}", stands().await);
        let later_import = json!({"code": "built_upon", "later": [{"id": later, "number": 2}]});
        assert_eq!(code().await, later_import);
        let undo = shop.send("POST", &format!("/commerce/imports/{later}/undo"), &[], &json!({})).await;
        assert_eq!(undo.status, StatusCode::ACCEPTED, "{:?}", undo.body);
        assert_eq!(stands().await, None);
        let undo = shop.send("POST", &format!("{path}/undo"), &[], &json!({})).await;
        assert_eq!(undo.status, StatusCode::ACCEPTED, "{:?}", undo.body);
        let gone = shop.get(&path).await;
        assert_eq!((&gone["can_undo"], gone.get("undo_refusal")), (&json!(false), None));
    }
}
