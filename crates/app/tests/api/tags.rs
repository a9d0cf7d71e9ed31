//! Automatic tags through the whole program: rules, who is tagged by them, limits, rights, and what is refused.

use app::server::Workers;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use testkit::{db_test, eventually};

use crate::house::migrations;
use crate::reading::{Shop, text};

async fn tag(shop: &Shop, name: &str) -> (String, String) {
    let made = shop.post("/customers/tags", &json!({"name": name, "colour": "gold"})).await;
    let id = text(&made["id"]);
    let rule = format!("/customers/tags/{id}/rule");
    (id, rule)
}

async fn keep(shop: &Shop, name: &str, definition: &str) -> String {
    text(&shop.post("/insight/audiences", &json!({"name": name, "text": definition})).await["id"])
}

async fn put(shop: &Shop, path: &str, body: &Value) -> (StatusCode, Value) {
    let answer = shop.send("PUT", path, &[], body).await;
    (answer.status, answer.json())
}

async fn delete(shop: &Shop, path: &str) -> (StatusCode, String) {
    let answer = shop.send("DELETE", path, &[], &Value::Null).await;
    (answer.status, answer.code())
}

/// The names of those who have a tag, once they are these.
async fn has(shop: &Shop, tag: &str, names: &[&str]) {
    let what = format!("{names:?} are tagged");
    eventually(&what, async || (shop.names(&format!("tag={tag}")).await == names).then_some(()))
        .await;
}

async fn until_current(shop: &Shop) -> Value {
    eventually("the rules are followed", async || {
        let rules = shop.get("/customers/tags/rules").await;
        let all = rules["items"].as_array().unwrap();
        all.iter().all(|rule| rule["state"] == "current").then(|| rules["items"].clone())
    })
    .await
}

db_test! { migrations();
    async fn automatic_tags_follow_their_rules(db) {
        let shop = Shop::open(&db).await;
        let workers = Workers::start(&shop.house.state);
        let often = keep(&shop, "回头客", "orders >= 2").await;
        let (id, rule) = tag(&shop, "常客").await;
        let (status, set) = put(&shop, &rule, &json!({"audience": often})).await;
        assert_eq!(status, StatusCode::OK, "{set}");
        assert_eq!((&set["audience_name"], &set["text"]), (&json!("回头客"), &json!("orders >= 2")));
        has(&shop, &id, &["张三"]).await;
        let rules = until_current(&shop).await;
        assert!(rules[0]["settled_at"].is_string(), "{rules}");
        let live = shop.get(&format!("/insight/audiences/{often}/live")).await;
        assert_eq!(live["live"], true);
        // A merge and its end.
        let (keeper, other) = (shop.id_of("lisi").await, shop.id_of("lisi_two").await);
        let merged = shop.post("/customers/merges", &json!({"keep": keeper, "absorb": other})).await;
        has(&shop, &id, &["张三", "李四"]).await;
        let list = shop.get("/customers/tags").await;
        assert_eq!((&list["items"][0]["automatic"], &list["items"][0]["customers"]), (&json!(true), &json!(2)));
        let card = shop.get(&format!("/customers/{keeper}")).await;
        assert_eq!(card["tags"], json!([{"id": id, "name": "常客", "colour": "gold", "automatic": true}]));
        let line = shop.get(&format!("/customers/{keeper}/timeline?kind=tag")).await;
        assert_eq!((&line["items"][0]["title"], &line["items"][0]["actor"]), (&json!("常客"), &Value::Null), "{line}");
        assert_eq!(delete(&shop, &format!("/customers/merges/{}", text(&merged["id"]))).await.0, StatusCode::NO_CONTENT);
        has(&shop, &id, &["张三"]).await;

        // By hand it is refused, and says what to do.
        let (status, told) = put(&shop, &format!("/customers/{keeper}/tags"), &json!({"tags": [id]})).await;
        assert_eq!((status, &told["code"]), (StatusCode::CONFLICT, &json!("tag_automatic")));
        assert!(text(&told["detail"]).contains("change the rule, or turn it off"), "{told}");
        let bulk = json!({"customers": [keeper], "add": [id]});
        let answer = shop.send("POST", "/customers/bulk/tags", &[], &bulk).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "tag_automatic".to_owned()));
        // The audience stays as long as the tag follows it; its definition may change.
        let path = format!("/insight/audiences/{often}");
        assert_eq!(delete(&shop, &path).await, (StatusCode::CONFLICT, "audience_followed".to_owned()));
        let (status, told) = put(&shop, &format!("{path}/live"), &json!({"live": false})).await;
        assert_eq!((status, &told["code"]), (StatusCode::CONFLICT, &json!("audience_followed")));
        let wider = json!({"name": "回头客", "text": "orders >= 1 and not refunds >= 1"});
        let answer = shop.send("PUT", &path, &[("if-match", "\"1\"")], &wider).await;
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
        has(&shop, &id, &["张三丰", "李四", "李四"]).await;
        // Nor may it ask for the tag.
        let own = json!({"name": "回头客", "text": "not tag \"常客\""});
        let answer = shop.send("PUT", &path, &[("if-match", "\"2\"")], &own).await;
        let told = answer.json();
        assert_eq!((answer.status, &told["errors"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("text")));
        assert!(told.to_string().contains("→"), "{told}");

        // By products: an audience that is nobody's.
        let bought = json!({"bought": {"products": [" 普洱 ", "白茶"], "orders": 1}});
        let (status, set) = put(&shop, &rule, &bought).await;
        assert_eq!((status, &set["bought"]["products"]), (StatusCode::OK, &json!(["普洱", "白茶"])), "{set}");
        has(&shop, &id, &["张三", "张三丰", "李四", "李四"]).await;
        assert_eq!(shop.get("/insight/audiences").await["items"].as_array().unwrap().len(), 1);
        let behind = format!("/insight/audiences/{}", text(&set["audience"]));
        assert_eq!(delete(&shop, &behind).await.1, "audience_followed");
        let (status, _) = put(&shop, &rule, &json!({"bought": {"products": ["白茶"], "orders": 1}})).await;
        assert_eq!(status, StatusCode::OK);
        has(&shop, &id, &["张三"]).await;
        until_current(&shop).await;
        // Turned off it is as any other.
        assert_eq!(delete(&shop, &rule).await.0, StatusCode::NO_CONTENT);
        assert_eq!(shop.get("/customers/tags/rules").await["items"], json!([]));
        shop.post("/customers/bulk/tags", &bulk).await;
        has(&shop, &id, &["张三", "李四"]).await;
        // With a rule it is deleted with what stands behind it.
        put(&shop, &rule, &bought).await;
        let path = format!("/customers/tags/{id}");
        assert_eq!(delete(&shop, &path).await.0, StatusCode::NO_CONTENT);
        assert_eq!(delete(&shop, &path).await.0, StatusCode::NOT_FOUND);
        let mut tx = db.db().begin().await.unwrap();
        let sql = "SELECT (SELECT COUNT(*) FROM customers_taggings), (SELECT COUNT(*) FROM insight_audiences)";
        assert_eq!(tx.fetch_one::<(i64, i64)>(sql, vec![]).await.unwrap(), (0, 1));
        tx.rollback().await.unwrap();
        workers.stop().await;
        let entries = shop.get("/platform/audit?action=customers.tag.rule").await;
        assert_eq!(entries["items"].as_array().unwrap().len(), 4, "{entries}");
    }

    async fn what_a_rule_tagged_stands_against_no_import(db) {
        let shop = Shop::open(&db).await;
        let workers = Workers::start(&shop.house.state);
        let (id, rule) = tag(&shop, "买家").await;
        let import = shop.import(&db, "二店", "\
no,account,name,mobile,province,at,paid,refund,state,title,district,address
310000000001,newcomer,赵六,13800000009,浙江省,2025-05-10,100.00,,completed,龙井,西湖区,文三路 1 号
").await;
        let buyers = keep(&shop, "买过", "orders >= 1").await;
        put(&shop, &rule, &json!({"audience": buyers})).await;
        has(&shop, &id, &["张三", "张三丰", "李四", "李四", "赵六"]).await;
        let (platform, cx) = (&shop.house.state.platform, db.ctx());
        flows::undo_import::undo(platform, &cx, import).await.unwrap();
        has(&shop, &id, &["张三", "张三丰", "李四", "李四"]).await;
        let checks = flows::verify::verify(platform, &cx).await.unwrap();
        assert!(checks.iter().all(|check| check.ok), "{checks:?}");
        workers.stop().await;
    }

    async fn rules_keep_to_limits_and_rights(db) {
        let shop = Shop::open(&db).await;
        let (_, rule) = tag(&shop, "茶友").await;
        let (status, told) = put(&shop, &rule, &json!({})).await;
        assert_eq!((status, &told["errors"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("audience")));
        let wrong = json!({"bought": {"products": ["", "x"], "orders": 0, "days": 0}});
        let (_, told) = put(&shop, &rule, &wrong).await;
        let fields: Vec<String> =
            told["errors"].as_array().unwrap().iter().map(|error| text(&error["field"])).collect();
        assert_eq!(fields, ["bought.products", "bought.orders", "bought.days"]);
        let (status, _) = put(&shop, &rule, &json!({"audience": "adn_01h455vb4pex5vsknk084sn02q"})).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        let nobodys = "/customers/tags/tag_01h455vb4pex5vsknk084sn02q/rule";
        let bought = json!({"bought": {"products": ["普洱", "白茶"], "orders": 1}});
        assert_eq!(put(&shop, nobodys, &bought).await.0, StatusCode::NOT_FOUND);
        assert_eq!(delete(&shop, nobodys).await.0, StatusCode::NOT_FOUND);

        let proof = json!({"tags_max": 1, "tag_products_max": 1});
        let (status, told) = put(&shop, "/customers/settings", &proof).await;
        assert_eq!(status, StatusCode::OK, "{told}");
        assert_eq!((&told["tags_max"], &told["tag_products_max"]), (&json!(1), &json!(1)));
        let (_, told) = put(&shop, &rule, &bought).await;
        assert!(told.to_string().contains("at most 1 products"), "{told}");
        let more = shop.send("POST", "/customers/tags", &[], &json!({"name": "又一个", "colour": "red"})).await;
        assert_eq!((more.status, more.code()), (StatusCode::CONFLICT, "too_many_tags".to_owned()));
        for wrong in [json!({"tags_max": 0}), json!({"tags_max": 1001}), json!({"tag_products_max": 101})] {
            assert_eq!(put(&shop, "/customers/settings", &wrong).await.0, StatusCode::UNPROCESSABLE_ENTITY);
        }

        // Whoever manages tags and may not read audiences gives no rule; who does not see tags knows none.
        let one = json!({"bought": {"products": ["普洱"], "orders": 1}});
        for (name, rights, hides, expected) in [
            ("tagger", json!(["customers.read", "customers.tags"]), false, StatusCode::FORBIDDEN),
            ("blind", json!(["customers.read", "customers.tags", "insight.read"]), true, StatusCode::NOT_FOUND),
            ("both", json!(["customers.read", "customers.tags", "insight.read"]), false, StatusCode::OK),
        ] {
            let fields = if hides { json!({"customers.tags": "hidden"}) } else { json!({}) };
            let role = json!({"name": name, "title": name, "rights": rights, "fields": fields});
            shop.post("/identity/roles", &role).await;
            let email = format!("{name}@example.com");
            shop.house.add_user(&db, &email, name).await;
            let cookie = shop.house.cookie_of(&email).await;
            let request = Request::put(format!("/api/v1{rule}"))
                .header("cookie", &cookie)
                .header("sec-fetch-site", "same-origin")
                .header("content-type", "application/json")
                .body(axum::body::Body::from(one.to_string()))
                .unwrap();
            let answer = shop.house.send(request).await;
            assert_eq!(answer.status, expected, "{name} {:?}", answer.body);
            let rules = shop.house.get("/api/v1/customers/tags/rules", &[("cookie", &cookie)]).await;
            let seen = rules.json()["items"].as_array().map(Vec::len);
            assert_eq!(seen, [None, Some(0), Some(1)][["tagger", "blind", "both"].iter().position(|one| *one == name).unwrap()]);
        }
    }
}
