//! Audiences through the whole program: counted, explained, kept, and cut by what whoever asks may see.

use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use testkit::{db_test, eventually};

use crate::house::migrations;
use crate::reading::{Shop, text};

const DAY: &str = "2026-01-01";

async fn count(shop: &Shop, text: &str) -> u64 {
    let body = json!({"text": text, "as_of": DAY});
    let found = shop.post("/insight/audiences/count", &body).await;
    // The other form of the same definition says the same.
    let tree = json!({"tree": found["tree"], "as_of": DAY});
    let again = shop.post("/insight/audiences/count", &tree).await;
    assert_eq!((&again["customers"], &again["text"]), (&found["customers"], &found["text"]));
    found["customers"].as_u64().unwrap()
}

async fn refusal(shop: &Shop, path: &str, body: &Value) -> (StatusCode, String) {
    let answer = shop.send("POST", path, &[], body).await;
    (answer.status, answer.json().to_string())
}

db_test! { migrations();
    async fn who_belongs_is_counted_from_what_was_imported(db) {
        let shop = Shop::open(&db).await;
        for (text, customers) in [
            ("everyone", 5),
            ("nobody", 0),
            ("orders >= 2", 1),
            ("orders = 0", 1),
            ("orders(in last 30 days) >= 1", 2),
            ("last_order before last 90 days", 2),
            ("not orders(in last 90 days) >= 1", 3),
            ("revenue between 50 and 60", 2),
            ("revenue(from 2025-03-01 to 2025-12-31) = 450", 1),
            ("orders(product = \"普洱\") >= 1", 3),
            ("orders(product contains \"茶\") >= 2", 1),
            ("items(product contains \"茶\", in last 30 days) = 1", 1),
            ("sequence(product = \"龙井\", product = \"白茶\", within 365 days)", 1),
            ("sequence(product = \"白茶\", product = \"龙井\", within 365 days)", 0),
            ("province in (\"浙江省\", \"江苏省\") and not name contains \"李\"", 1),
            ("orders(shop \"茶叶店\", amount >= 9000) = 1", 1),
            ("bucket 1..10 of 10", 5),
        ] {
            assert_eq!(count(&shop, text).await, customers, "{text}");
        }
        let body = json!({"text": "orders >= 2", "as_of": DAY});
        let found = shop.post("/insight/audiences/count", &body).await;
        assert_eq!((&found["of"], &found["sample"][0]["orders"]), (&json!(5), &json!(3)));
        // One who became known in the family of another counts once.
        let lisi = shop.id_of("lisi").await;
        let two = shop.id_of("lisi_two").await;
        shop.post("/customers/merges", &json!({"keep": lisi, "absorb": two})).await;
        assert_eq!(count(&shop, "orders(product = \"普洱\") >= 2").await, 1);
        assert_eq!(count(&shop, "everyone").await, 4);
    }

    async fn levels_and_points_are_asked_by_their_names_and_by_right(db) {
        let shop = Shop::open(&db).await;
        let ask = "/insight/audiences/count";
        let (status, told) = refusal(&shop, ask, &json!({"text": "level = none or points >= 1"})).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        assert!(told.contains("say `level(scheme") && told.contains("say `points(programme"), "{told}");
        let rules = loyalty::levels::rules::Rules { window_days: None, ..loyalty::levels::rules::Rules::by_orders() };
        let scheme = json!({"name": "会员", "currency": "CNY", "zone": 28_800, "rules": rules});
        let scheme = shop.post("/loyalty/schemes", &scheme).await;
        let rules = json!({"earn_points": 1, "earn_per_minor": 100, "pending_days": 0, "expiry": {"kind": "never"},
            "negative": "allow", "approve_above": 1000, "value_points": 100, "value_minor": 100});
        let programme = json!({"name": "茶豆", "currency": "CNY", "zone": 28_800, "since": "2025-01-01T00:00:00Z", "rules": rules});
        let programme = shop.post("/loyalty/programmes", &programme).await;
        let (platform, cx) = (&shop.house.state.platform, db.ctx());
        flows::settle_levels::settle_all(platform, &cx, &Default::default()).await.unwrap();
        let tealover = shop.id_of("tealover").await;
        let mut tx = platform.db.begin_for(cx.scope).await.unwrap();
        flows::settle_points::settle(&mut tx, &cx, &[tealover.parse().unwrap()]).await.unwrap();
        tx.commit().await.unwrap();
        for (text, customers) in [
            ("level = none", 1),
            ("level in (\"普通会员\", 1)", 3),
            ("level(scheme \"会员\") = \"高级会员\"", 1),
            // 600.00 paid, 50.00 of them given back.
            ("points = 550", 1),
            ("points(programme \"茶豆\") < 1 and not level = none", 3),
        ] {
            assert_eq!(count(&shop, text).await, customers, "{text}");
        }
        let why = shop.post("/insight/audiences/explain", &json!({"text": "level = 2", "customer": tealover})).await;
        assert_eq!((&why["is_in"], &why["why"]["text"]), (&json!(true), &json!("level = \"高级会员\"")));
        assert_eq!(why["why"]["seen"], json!({"is": "level", "name": "高级会员"}));
        // A second scheme: the definition stays the same, its text names the scheme.
        let tree = json!({"kind": "level", "scheme": scheme["id"], "is": [2]});
        let second = json!({"name": "批发", "currency": "CNY", "zone": 28_800,
            "rules": loyalty::levels::rules::Rules::by_orders()});
        shop.post("/loyalty/schemes", &second).await;
        let found = shop.post(ask, &json!({"tree": tree, "as_of": DAY})).await;
        assert_eq!((&found["text"], &found["customers"]), (&json!("level(scheme \"会员\") = \"高级会员\""), &json!(1)));
        // Whoever may not read levels and points cannot ask for them, by an audience that is kept neither.
        let points = json!({"kind": "points", "programme": programme["id"], "bounds": {"min": 1}});
        let kept = shop.post("/insight/audiences", &json!({"name": "有积分", "tree": points})).await;
        let role = json!({"name": "figures", "title": "figures", "rights": ["insight.read"]});
        shop.post("/identity/roles", &role).await;
        shop.house.add_user(&db, "figures@example.com", "figures").await;
        let cookie = shop.house.cookie_of("figures@example.com").await;
        for body in [json!({"tree": tree}), json!({"text": "audience \"有积分\""})] {
            let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
            let answer = shop.house.post(&format!("/api/v1{ask}"), &headers, &body).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{body} {kept}");
        }
    }

    async fn refunds_are_those_of_all_orders_by_the_moment_of_the_order(db) {
        let shop = Shop::open(&db).await;
        for (text, customers) in [
            ("refunds >= 1", 1),
            ("refunds = 0", 4),
            ("refunded = 50", 1),
            ("refunds(on 2025-03-10, shop \"茶叶店\", amount between 50 and 50) = 1", 1),
            ("refunds(in last 90 days) >= 1", 0),
            ("refunded(product = \"红茶\") = 50 and refunds(product = \"龙井\") = 0", 1),
        ] {
            assert_eq!(count(&shop, text).await, customers, "{text}");
        }
        // An order that was refunded in full does not count as one, and is a refund.
        let returned = "no,account,name,mobile,province,at,paid,refund,state,title,district,address\n\
            410000000001,regret,钱七,13800000011,浙江省,2025-12-20,80.00,80.00,closed,茶杯,西湖区,文三路 9 号\n\
            410000000002,regret,钱七,13800000011,浙江省,2025-12-21,30.00,10.00,completed,茶壶,西湖区,文三路 9 号\n";
        shop.import(&db, "退货店", returned).await;
        for (text, customers) in [
            ("refunds >= 2", 1),
            ("refunds(product contains \"茶杯\") = 1 and orders = 1 and refunded = 90", 1),
            ("refunds(in last 13 days) = 2", 1),
            ("refunds(in last 12 days) = 1", 1),
        ] {
            assert_eq!(count(&shop, text).await, customers, "{text}");
        }
        let ask = json!({"text": "refunds(in last 12 days) >= 1", "customer": shop.id_of("regret").await, "as_of": DAY});
        let why = shop.post("/insight/audiences/explain", &ask).await;
        assert_eq!((&why["is_in"], &why["why"]["seen"]["value"], &why["flips_on"]), (&json!(true), &json!(1), &json!("2026-01-02")));
        let product_and_amount = json!({"text": "refunds(product = \"茶壶\", amount >= 1) >= 1"});
        let (_, told) = refusal(&shop, "/insight/audiences/count", &product_and_amount).await;
        assert!(told.contains("does not go with a product"), "{told}");
    }

    async fn why_somebody_is_in_and_until_when(db) {
        let shop = Shop::open(&db).await;
        let customer = shop.id_of("tealover").await;
        let ask = json!({
            "text": "orders(in last 30 days) >= 1 and revenue >= 1000",
            "customer": customer,
            "as_of": DAY,
        });
        let why = shop.post("/insight/audiences/explain", &ask).await;
        assert_eq!(why["is_in"], false);
        let parts = &why["why"]["parts"];
        assert_eq!(parts[0]["passes"], true);
        assert_eq!(parts[0]["seen"], json!({"is": "number", "value": 1}));
        // 2025-12-31 is one of the last 30 days until 2026-01-29.
        assert_eq!(parts[0]["flips_on"], "2026-01-30");
        assert_eq!(parts[1]["seen"], json!({"is": "amount", "minor": 55000, "currency": "CNY"}));
        assert_eq!(why["flips_on"], Value::Null);
        let nobody = json!({"text": "everyone", "customer": "cus_01h455vb4pex5vsknk084sn02q"});
        let (status, _) = refusal(&shop, "/insight/audiences/explain", &nobody).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }

    async fn audiences_are_kept_changed_and_let_go(db) {
        let shop = Shop::open(&db).await;
        let body = json!({"name": "常客", "note": "twice or more", "text": "orders >= 2"});
        let made = shop.post("/insight/audiences", &body).await;
        let id = made["id"].as_str().unwrap().to_owned();
        assert_eq!((&made["customers"], &made["revision"]), (&json!(1), &json!(1)));
        let (status, told) = refusal(&shop, "/insight/audiences", &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        let other = json!({"name": "其他人", "text": "not audience \"常客\""});
        let other = shop.post("/insight/audiences", &other).await;
        assert_eq!(other["customers"], 4);
        let both = json!({"audiences": [id, other["id"]]});
        let shared = shop.post("/insight/audiences/overlap", &both).await;
        assert_eq!(shared["customers"], json!([[1, 0], [0, 4]]));

        let path = format!("/insight/audiences/{id}");
        // In a circle through the other one.
        let circle = json!({"name": "常客", "text": "not audience \"其他人\""});
        let answer = shop.send("PUT", &path, &[("if-match", "\"1\"")], &circle).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{:?}", answer.json());
        let wider = json!({"name": "来过的人", "text": "orders >= 1"});
        let answer = shop.send("PUT", &path, &[("if-match", "\"7\"")], &wider).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::CONFLICT, "audience_changed"));
        let answer = shop.send("PUT", &path, &[("if-match", "\"1\"")], &wider).await;
        assert_eq!((answer.status, answer.header("etag")), (StatusCode::OK, "\"2\""));
        let list = shop.get("/insight/audiences").await;
        let told: Vec<_> = list["items"].as_array().unwrap().iter()
            .map(|one| (one["text"].as_str().unwrap(), one["customers"].as_u64().unwrap()))
            .collect();
        // The text calls the other by its new name.
        assert_eq!(told, [("not audience \"来过的人\"", 1), ("orders >= 1", 4)]);
        let one = shop.get(&path).await;
        assert_eq!(one["sizes"].as_array().unwrap().len(), 1);
        assert_eq!(one["sizes"][0]["customers"], 4);

        let answer = shop.send("DELETE", &path, &[], &Value::Null).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::CONFLICT, "audience_in_use"));
        let others = format!("/insight/audiences/{}", other["id"].as_str().unwrap());
        for path in [&others, &path] {
            let answer = shop.send("DELETE", path, &[], &Value::Null).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT);
            assert_eq!(shop.ask(path).await.status, StatusCode::NOT_FOUND);
        }
        let mut tx = db.db().begin().await.unwrap();
        let (left,): (i64,) =
            tx.fetch_one("SELECT COUNT(*) FROM insight_audience_sizes", vec![]).await.unwrap();
        assert_eq!(left, 0);
    }

    async fn an_audience_of_a_newer_program_is_told_and_can_be_defined_anew(db) {
        let shop = Shop::open(&db).await;
        let body = json!({"name": "新版", "text": "orders >= 2"});
        let made = shop.post("/insight/audiences", &body).await;
        let id = text(&made["id"]);
        shop.post("/insight/audiences", &json!({"name": "其他", "text": "not audience \"新版\""})).await;
        let mut tx = db.db().begin().await.unwrap();
        let newer = "UPDATE insight_audiences SET definition = '{\"kind\": \"horoscope\"}' WHERE name = '新版'";
        assert_eq!(tx.execute(newer, vec![]).await.unwrap(), 1);
        tx.commit().await.unwrap();
        let list = shop.get("/insight/audiences").await;
        let told: Vec<_> = list["items"].as_array().unwrap().iter()
            .map(|one| (text(&one["name"]), one["customers"].clone(), one["refused"].is_string()))
            .collect();
        assert_eq!(told, [("其他".to_owned(), Value::Null, true), ("新版".to_owned(), Value::Null, true)]);
        assert_eq!(shop.ask(&format!("/customers?audience={id}")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let path = format!("/insight/audiences/{id}");
        assert!(text(&shop.get(&path).await["refused"]).contains("define it anew"));
        let answer = shop.send("PUT", &path, &[("if-match", "\"1\"")], &body).await;
        assert_eq!((answer.status, &answer.json()["customers"]), (StatusCode::OK, &json!(1)));
        assert_eq!(shop.get("/insight/audiences").await["items"][0]["customers"], 4);
        // The audit log has what was replaced, not what stood in for it.
        let log = shop.get("/platform/audit?action=insight.audience.change").await;
        assert!(log["items"][0].to_string().contains("horoscope"), "{}", log["items"][0]);
    }

    async fn what_is_wrong_is_told_with_its_place(db) {
        let shop = Shop::open(&db).await;
        for (body, wanted) in [
            (json!({"text": "orders >= 2 and tag \"none\""}), "line 1, column 21: there is no tag"),
            (json!({"text": "orders\n>> 2"}), "line 2, column 2: expected a number"),
            (json!({"text": "everyone", "tree": {"kind": "all", "of": []}}), "either as `text` or as `tree`"),
            (json!({}), "either as `text` or as `tree`"),
            (json!({"tree": {"kind": "all", "of": [{"kind": "not", "of": {"kind": "rating", "bounds": {}}}]}}),
                "tree.all[0].not"),
            (json!({"tree": {"kind": "drop table"}}), "unknown variant"),
            (json!({"text": "cell \"R9F*M*\""}), "scores run from 1 to 5"),
            (json!({"tree": {"kind": "all", "of": [{"kind": "not", "of": {"kind": "rating"}}]}}), "tree.all[0].not"),
            (json!({"text": "everyone", "nonsense": 1}), "nonsense"),
            (json!({"text": "audience \"adn_01h455vb4pex5vsknk084sn02q\""}), "there is no audience"),
        ] {
            let (status, told) = refusal(&shop, "/insight/audiences/count", &body).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {told}");
            assert!(told.contains(wanted), "{body}: {told}");
        }
        // Name and definition are told together.
        let both = json!({"name": "", "text": "orders >> 2"});
        let (status, told) = refusal(&shop, "/insight/audiences", &both).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        assert!(told.contains("1 to 60 characters") && told.contains("expected a number"), "{told}");
    }

    async fn nobody_learns_more_by_counting_than_by_looking(db) {
        let shop = Shop::open(&db).await;
        let rights = ["customers.read", "insight.read"];
        let own = json!({"name": "own", "title": "own", "rights": rights, "reach": "own"});
        let blind = json!({"name": "blind", "title": "blind", "rights": rights,
            "fields": {"commerce.amounts": "hidden", "customers.name": "masked", "customers.region": "hidden"}});
        for role in [&own, &blind] {
            shop.post("/identity/roles", role).await;
        }
        let kept = json!({"name": "big", "text": "revenue >= 1000"});
        let kept = shop.post("/insight/audiences", &kept).await;
        shop.house.add_user(&db, "own@example.com", "own").await;
        shop.house.add_user(&db, "blind@example.com", "blind").await;
        let ask = async |email: &str, body: Value| {
            let cookie = shop.house.cookie_of(email).await;
            let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
            shop.house.post("/api/v1/insight/audiences/count", &headers, &body).await
        };
        let found = ask("own@example.com", json!({"text": "everyone"})).await;
        assert_eq!((found.json()["customers"].as_u64(), found.json()["of"].as_u64()), (Some(0), Some(0)));
        let found = ask("blind@example.com", json!({"text": "orders >= 2"})).await;
        assert_eq!(found.json()["customers"], 1);
        for text in [
            "revenue >= 1",
            "orders(amount >= 1) = 1",
            "refunded >= 1",
            "refunds(amount >= 1) >= 1",
            "tier = champions",
            "not (orders = 1 or audience \"big\")",
            "name contains \"张\"",
            "province = \"浙江省\"",
            "not may_contact(sms)",
        ] {
            let answer = ask("blind@example.com", json!({"text": text})).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{text}");
        }
        let cookie = shop.house.cookie_of("blind@example.com").await;
        let list = shop.house.get("/api/v1/insight/audiences", &[("cookie", &cookie)]).await.json();
        assert_eq!((&list["items"][0]["customers"], &list["items"][0]["text"]), (&Value::Null, &json!("")));
        let path = format!("/api/v1/insight/audiences/{}", kept["id"].as_str().unwrap());
        let one = shop.house.get(&path, &[("cookie", &cookie)]).await;
        assert_eq!(one.status, StatusCode::FORBIDDEN);
        // Nor is it replaced by who cannot read it.
        let keeps = json!({"name": "keeps", "title": "keeps", "rights": ["insight.read", "insight.audiences"],
            "fields": {"commerce.amounts": "hidden"}});
        shop.post("/identity/roles", &keeps).await;
        shop.house.add_user(&db, "keeps@example.com", "keeps").await;
        let keeper = shop.house.cookie_of("keeps@example.com").await;
        let request = Request::put(&path)
            .header("cookie", &keeper)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/json")
            .header("if-match", "\"1\"");
        let other = json!({"name": "big", "text": "everyone"}).to_string();
        let answer = shop.house.send(request.body(other.into()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        let request = Request::delete(&path).header("cookie", &keeper).header("sec-fetch-site", "same-origin");
        let answer = shop.house.send(request.body(String::new().into()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(shop.ask(path.trim_start_matches("/api/v1")).await.status, StatusCode::OK);
        let body = json!({"name": "mine", "text": "everyone"});
        let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
        let answer = shop.house.post("/api/v1/insight/audiences", &headers, &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "right_missing"));
    }

    async fn amounts_are_those_of_the_shop_that_is_named(db) {
        let shop = Shop::open(&db).await;
        let yen = "no,account,name,mobile,province,at,paid,refund,state,title,district,address\n\
            310000000001,tokyo,王六,13800000009,浙江省,2025-12-01,90000,,completed,茶,西湖区,文三路 1 号\n";
        shop.import_in(&db, "東京", yen, "JPY".parse().unwrap()).await;
        assert_eq!(count(&shop, "revenue(shop \"東京\") = 90000").await, 1);
        assert_eq!(count(&shop, "orders(shop \"東京\", amount >= 90001) = 1").await, 0);
        let body = json!({"text": "orders(amount >= 1, shop \"東京\") = 1"});
        let (_, told) = refusal(&shop, "/insight/audiences/count", &body).await;
        assert!(told.contains("name the shop before the amount"), "{told}");
        let (_, told) = refusal(&shop, "/insight/audiences/count", &json!({"text": "revenue >= 1"})).await;
        assert!(told.contains("JPY"), "{told}");
        let customer = shop.id_of("tokyo").await;
        let ask = json!({"text": "revenue(shop \"東京\") >= 1", "customer": customer});
        let why = shop.post("/insight/audiences/explain", &ask).await;
        assert_eq!(why["why"]["seen"], json!({"is": "amount", "minor": 90000, "currency": "JPY"}));
    }

    async fn what_is_kept_for_everybody_names_nobody_and_nothing_that_went(db) {
        let shop = Shop::open(&db).await;
        for body in [
            json!({"name": "a", "note": "call 13812345678", "text": "everyone"}),
            json!({"name": "zhang@example.com", "text": "everyone"}),
            json!({"name": "a", "text": "name contains \"13812345678\""}),
            json!({"name": "a\u{202e}b", "text": "everyone"}),
        ] {
            let (status, told) = refusal(&shop, "/insight/audiences", &body).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        }
        let tag = shop.post("/customers/tags", &json!({"name": "不打扰", "colour": "red"})).await;
        let kept = json!({"name": "a", "text": "not tag \"不打扰\""});
        shop.post("/insight/audiences", &kept).await;
        let path = format!("/customers/tags/{}", tag["id"].as_str().unwrap());
        assert!(shop.send("DELETE", &path, &[], &Value::Null).await.status.is_success());
        // Without the tag the condition would let everybody in.
        let list = shop.get("/insight/audiences").await;
        assert_eq!(list["items"][0]["customers"], Value::Null);
        assert!(list["items"][0]["refused"].as_str().unwrap().contains("not there any more"));
    }

    async fn analytics_alone_show_no_single_customer(db) {
        let shop = Shop::open(&db).await;
        let role = json!({"name": "figures", "title": "figures", "rights": ["insight.read"]});
        shop.post("/identity/roles", &role).await;
        shop.house.add_user(&db, "figures@example.com", "figures").await;
        let cookie = shop.house.cookie_of("figures@example.com").await;
        let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
        let customer = shop.id_of("tealover").await;
        let body = json!({"text": "everyone"});
        let found = shop.house.post("/api/v1/insight/audiences/count", &headers, &body).await.json();
        assert_eq!((&found["customers"], &found["sample"]), (&json!(5), &json!([])));
        let body = json!({"text": "everyone", "customer": customer});
        let answer = shop.house.post("/api/v1/insight/audiences/explain", &headers, &body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }

    async fn two_changes_at_once_make_no_circle(db) {
        let shop = Shop::open(&db).await;
        for round in 0..4 {
            let mut paths = Vec::new();
            for name in ["a", "b"] {
                let body = json!({"name": format!("{name}{round}"), "text": "everyone"});
                let made = shop.post("/insight/audiences", &body).await;
                paths.push(format!("/insight/audiences/{}", made["id"].as_str().unwrap()));
            }
            let change = async |path: &str, name: &str, other: &str| {
                let text = format!("not audience \"{other}{round}\"");
                let body = json!({"name": format!("{name}{round}"), "text": text});
                shop.send("PUT", path, &[("if-match", "\"1\"")], &body).await.status
            };
            let (one, two) = futures::join!(change(&paths[0], "a", "b"), change(&paths[1], "b", "a"));
            let done = [one, two].iter().filter(|status| **status == StatusCode::OK).count();
            assert_eq!(done, 1, "{one} {two}");
        }
        let list = shop.get("/insight/audiences").await;
        for row in list["items"].as_array().unwrap() {
            assert!(row["customers"].is_number(), "{row}");
        }
    }

    async fn live_audiences_tell_who_enters_and_leaves(db) {
        let shop = Shop::open(&db).await;
        let body = json!({"name": "回头客", "text": "orders >= 2"});
        let made = shop.post("/insight/audiences", &body).await;
        assert_eq!(made["live"], false);
        let path = format!("/insight/audiences/{}", made["id"].as_str().unwrap());
        let live = format!("{path}/live");
        let still = shop.get(&live).await;
        assert_eq!((&still["live"], &still["begun"], &still["days"]), (&json!(false), &json!(false), &json!([])));
        let answer = shop.send("PUT", &live, &[], &json!({"live": true})).await;
        assert_eq!(answer.json()["live"], true);
        let told = async |what: &str, is: &dyn Fn(&Value) -> bool| {
            eventually(what, async || {
                let told = shop.get(&live).await;
                is(&told).then_some(told)
            })
            .await
        };
        let begun = told("it begins", &|told| told["begun"] == true).await;
        assert_eq!((&begun["customers"], &begun["recent"]), (&json!(1), &json!([])));

        // A merge gives one customer two orders.
        let (keep, absorb) = (shop.id_of("lisi").await, shop.id_of("lisi_two").await);
        shop.post("/customers/merges", &json!({"keep": keep, "absorb": absorb})).await;
        let entered = told("lisi enters", &|told| told["customers"] == 2).await;
        let one = &entered["recent"][0];
        assert_eq!((&one["entered"], &one["cause"], &one["customer"]["id"]), (&json!(true), &json!("changed"), &json!(keep)));
        assert_eq!((&entered["days"][0]["entered"], &entered["days"][0]["left"]), (&json!(1), &json!(0)));

        // A new definition is silent, and told if that is asked.
        let wider = json!({"name": "回头客", "text": "orders >= 1"});
        let change = async |revision: &str, body: &Value| {
            let answer = shop.send("PUT", &path, &[("if-match", revision)], body).await;
            assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.json());
        };
        change("\"1\"", &wider).await;
        let now = told("all buyers", &|told| told["customers"] == 3).await;
        assert_eq!(now["recent"].as_array().unwrap().len(), 1);
        let narrower = json!({"name": "回头客", "text": "orders >= 2", "announce": true});
        change("\"2\"", &narrower).await;
        let now = told("one leaves", &|told| told["customers"] == 2).await;
        assert_eq!((&now["recent"][0]["entered"], &now["recent"][0]["cause"]), (&json!(false), &json!("definition")));

        // Who sees some customers only is told of those only; who sees none of nobody.
        for (name, rights, reach) in [("own", json!(["insight.read", "customers.read"]), "own"), ("figures", json!(["insight.read"]), "all")] {
            let role = json!({"name": name, "title": name, "rights": rights, "reach": reach});
            shop.post("/identity/roles", &role).await;
            let email = format!("{name}@example.com");
            shop.house.add_user(&db, &email, name).await;
            let cookie = shop.house.cookie_of(&email).await;
            let seen = shop.house.get(&format!("/api/v1{live}"), &[("cookie", &cookie)]).await.json();
            assert_eq!((&seen["live"], &seen["recent"]), (&json!(true), &json!([])));
            assert_eq!(seen["customers"].is_null(), name == "own");
        }
        let blind = json!({"name": "blind", "title": "blind", "rights": ["insight.read", "customers.read"],
            "fields": {"commerce.amounts": "hidden"}});
        shop.post("/identity/roles", &blind).await;
        shop.house.add_user(&db, "blind@example.com", "blind").await;
        change("\"3\"", &json!({"name": "回头客", "text": "revenue >= 1"})).await;
        let cookie = shop.house.cookie_of("blind@example.com").await;
        let seen = shop.house.get(&format!("/api/v1{live}"), &[("cookie", &cookie)]).await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN);

        let answer = shop.send("PUT", &live, &[], &json!({"live": false})).await;
        assert_eq!(answer.json()["live"], false);
        let list = shop.get("/insight/audiences").await;
        assert_eq!(list["items"][0]["live"], false);
        assert!(shop.send("DELETE", &path, &[], &Value::Null).await.status.is_success());
        let mut tx = db.db().begin().await.unwrap();
        let sql = "SELECT (SELECT COUNT(*) FROM insight_transitions) + (SELECT COUNT(*) FROM insight_live_days)";
        let (left,): (i64,) = tx.fetch_one(sql, vec![]).await.unwrap();
        assert_eq!(left, 0);
    }
}
