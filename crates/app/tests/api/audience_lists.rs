//! The list of customers by audience, and its file: page after page, cut by what whoever asks may see.

use app::server::Workers;
use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::db_test;

use crate::exports::{Other, code, limit, until};
use crate::house::migrations;
use crate::reading::{Shop, text};

const HOUR: i64 = 3_600_000;

async fn keep(shop: &Shop, name: &str, definition: &str) -> String {
    let made = shop.post("/insight/audiences", &json!({"name": name, "text": definition})).await;
    text(&made["id"])
}

/// The names on all pages of `query`, in order, a customer at a time.
async fn paged(shop: &Shop, query: &str) -> Vec<String> {
    let (mut names, mut after) = (Vec::new(), String::new());
    loop {
        let page = shop.get(&format!("/customers?{query}&limit=1{after}")).await;
        names.extend(page["items"].as_array().unwrap().iter().map(|row| text(&row["name"])));
        let Some(next) = page["next"].as_str() else {
            assert_eq!(page["total"], names.len(), "{query}");
            return names;
        };
        after = format!("&after={next}");
    }
}

/// The first wrong field of a refusal, with what is said of it.
fn refused(answer: &crate::house::Answer) -> (u16, String, String) {
    let error = answer.json()["errors"][0].clone();
    (answer.status.as_u16(), text(&error["field"]), text(&error["message"]))
}

db_test! { migrations();
    async fn an_audience_is_listed_like_any_filter(db) {
        let shop = Shop::open(&db).await;
        let buyers = keep(&shop, "买过", "orders >= 1").await;
        let none = keep(&shop, "没有", "not audience \"买过\"").await;
        let tea = keep(&shop, "普洱", "orders(product = \"普洱\") >= 1").await;
        for (query, expected) in [
            (format!("audience={buyers}"), vec!["张三", "张三丰", "李四", "李四"]),
            (format!("audience={none}"), vec!["@王五"]),
            (format!("audience={tea}"), vec!["张三丰", "李四", "李四"]),
            (format!("audience={tea}&q=%E5%BC%A0"), vec!["张三丰"]),
            (format!("audience={tea}&q=13800000002&province=%E6%B1%9F%E8%8B%8F%E7%9C%81"), vec!["李四", "李四"]),
            (format!("audience={none}&orders_min=1"), vec![]),
        ] {
            assert_eq!(shop.names(&query).await, expected, "{query}");
        }
        assert_eq!(paged(&shop, &format!("audience={tea}&sort=-revenue")).await, ["张三丰", "李四", "李四"]);
        assert_eq!(paged(&shop, &format!("audience={buyers}&sort=revenue")).await, ["李四", "李四", "张三", "张三丰"]);

        // Members follow what changes, like the rest of the list.
        let (keep_id, absorb) = (shop.id_of("lisi").await, shop.id_of("lisi_two").await);
        let again = keep(&shop, "常客", "orders >= 2").await;
        assert_eq!(shop.names(&format!("audience={again}")).await, ["张三"]);
        shop.post("/customers/merges", &json!({"keep": keep_id, "absorb": absorb})).await;
        assert_eq!(shop.names(&format!("audience={again}")).await, ["张三", "李四"]);
        // And its definition.
        let body = json!({"name": "常客", "text": "orders >= 3"});
        let path = format!("/insight/audiences/{again}");
        assert_eq!(shop.send("PUT", &path, &[("if-match", "\"1\"")], &body).await.status, StatusCode::OK);
        assert_eq!(shop.names(&format!("audience={again}")).await, ["张三"]);
    }

    async fn an_audience_that_cannot_be_asked_is_told(db) {
        let shop = Shop::open(&db).await;
        let unknown = shop.ask("/customers?audience=adn_01h455vb4pex5vsknk084sn02q").await;
        assert_eq!(refused(&unknown), (422, "audience".into(), "there is no such audience; it may have been deleted".into()));
        assert_eq!(refused(&shop.ask("/customers?audience=tag_01h455vb4pex5vsknk084sn02q").await).1, "audience");
        let id = keep(&shop, "买过", "orders >= 1").await;
        let first = shop.get(&format!("/customers?audience={id}&limit=1")).await;
        let next = text(&first["next"]);
        let more = format!("/customers?audience={id}&limit=1&after={next}");
        assert_eq!(shop.get(&more).await["items"].as_array().unwrap().len(), 1);
        let deleted = shop.send("DELETE", &format!("/insight/audiences/{id}"), &[], &Value::Null).await;
        assert_eq!(deleted.status, StatusCode::NO_CONTENT);
        for path in [more, format!("/customers/export?audience={id}")] {
            let answer = shop.ask(&path).await;
            assert_eq!((refused(&answer).0, refused(&answer).1), (422, "audience".into()), "{path}");
        }
        // A tag that went takes the audience with it.
        let tag = shop.post("/customers/tags", &json!({"name": "不打扰", "colour": "red"})).await;
        let id = keep(&shop, "a", "not tag \"不打扰\"").await;
        let path = format!("/customers/tags/{}", text(&tag["id"]));
        assert!(shop.send("DELETE", &path, &[], &Value::Null).await.status.is_success());
        let (status, field, told) = refused(&shop.ask(&format!("/customers?audience={id}")).await);
        assert_eq!((status, field.as_str()), (422, "audience"));
        assert!(told.contains("not there any more"), "{told}");
    }

    async fn nobody_learns_more_by_an_audience_than_by_a_list(db) {
        let shop = Shop::open(&db).await;
        let rich = keep(&shop, "大客户", "revenue >= 100").await;
        let again = keep(&shop, "常客", "orders >= 1").await;
        let reads = json!(["customers.read", "insight.read"]);
        let masked = json!({"commerce.amounts": "hidden", "customers.name": "masked"});
        for (name, rights, reach, fields) in [
            ("own", reads.clone(), "own", json!({})),
            ("blind", reads, "all", masked),
            ("lists", json!(["customers.read"]), "all", json!({})),
        ] {
            let role = json!({"name": name, "title": name, "rights": rights, "reach": reach, "fields": fields});
            shop.post("/identity/roles", &role).await;
        }
        let own = Other::of(&shop, &db, "own@example.com", "own").await;
        let blind = Other::of(&shop, &db, "blind@example.com", "blind").await;
        let lists = Other::of(&shop, &db, "lists@example.com", "lists").await;
        let none = json!(null);
        let of = |id: &str| format!("/customers?audience={id}");

        assert_eq!(own.send("GET", &of(&rich), &none).await.json()["total"], 0);
        let users = shop.get("/identity/users?limit=100").await;
        let user = users["items"].as_array().unwrap().iter().find(|user| user["email"] == "own@example.com").unwrap();
        let mine = json!({"customers": [shop.id_of("tealover").await], "owner": user["id"]});
        shop.post("/customers/bulk/owner", &mine).await;
        let seen = own.send("GET", &of(&rich), &none).await.json();
        assert_eq!((&seen["total"], &seen["items"][0]["name"]), (&json!(1), &json!("张三")));

        let (status, field, told) = refused(&blind.send("GET", &of(&rich), &none).await);
        assert_eq!((status, field.as_str(), told.as_str()), (422, "audience", "your role does not see `commerce.amounts`"));
        let seen = blind.send("GET", &format!("{}&sort=orders", of(&again)), &none).await.json();
        assert_eq!((&seen["total"], &seen["items"][3]["name"], &seen["items"][3]["revenue_minor"]), (&json!(4), &json!("张***"), &Value::Null));

        assert_eq!(code(&lists.send("GET", &of(&again), &none).await).0, 403);
        assert_eq!(lists.send("GET", "/customers", &none).await.json()["total"], 5);
    }

    async fn pages_are_as_of_the_day_of_the_first(db) {
        let shop = Shop::open(&db).await;
        let today = shop.post("/insight/audiences/count", &json!({"text": "everyone"})).await;
        let today: chrono::NaiveDate = text(&today["as_of"]).parse().unwrap();
        // Four buyers: the last order of one of them is `days` back, and tomorrow a day more.
        let days = (today - chrono::NaiveDate::from_ymd_opt(2025, 6, 1).unwrap()).num_days() + 1;
        let id = keep(&shop, "近来", &format!("last_order in last {days} days")).await;
        let first = shop.get(&format!("/customers?audience={id}&limit=1")).await;
        assert_eq!(first["total"], 4);
        db.clock().advance_millis(24 * HOUR);
        assert_eq!(shop.get(&format!("/customers?audience={id}")).await["total"], 3);
        let next = text(&first["next"]);
        let rest = shop.get(&format!("/customers?audience={id}&after={next}")).await;
        assert_eq!((&rest["total"], rest["items"].as_array().unwrap().len()), (&json!(4), 3));
    }

    async fn its_file_has_its_members_and_waits_where_others_do(db) {
        let shop = Shop::open(&db).await;
        let tea = keep(&shop, "普洱", "orders(product = \"普洱\") >= 1").await;
        let answer = shop.ask(&format!("/customers/export?audience={tea}&sort=-revenue")).await;
        let file = String::from_utf8(answer.body.to_vec()).unwrap();
        assert_eq!(file.lines().count(), 4, "{file}");
        assert!(file.contains("张三丰") && !file.contains("王五"), "{file}");
        let entry = shop.get("/platform/audit?action=customers.export").await["items"][0].clone();
        // Ids of tests are full of digits, which look like a number of somebody.
        assert!(text(&entry["after"]["filter"]["audience"]).starts_with("adn_"), "{entry}");

        limit(&shop, 2).await;
        let asker = Other::of(&shop, &db, "ad@example.com", "administrator").await;
        let path = format!("/customers/export?audience={tea}");
        assert_eq!(code(&asker.send("GET", &path, &json!(null)).await), (409, "export_needs_approval".into()));
        let workers = Workers::start(&shop.house.state);
        for (goes, state) in [(false, "ready"), (true, "failed")] {
            let asked = asker.ask(&format!("audience={tea}")).await;
            assert_eq!((&asked["count"], &asked["filter"]["audience"]), (&json!(3), &json!(tea)));
            if goes {
                let path = format!("/insight/audiences/{tea}");
                assert_eq!(shop.send("DELETE", &path, &[], &Value::Null).await.status, StatusCode::NO_CONTENT);
            }
            let id = text(&asked["id"]);
            shop.post(&format!("/customers/exports/{id}/decision"), &json!({"approve": true})).await;
            let made = until(&shop, &id, state).await;
            assert_eq!(made["failure"], if goes { json!("broke") } else { Value::Null });
        }
        workers.stop().await;
    }
}
