//! Consents through everything that stands around the routes.

use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::db_test;

use crate::house::migrations;
use crate::reading::{Shop, text};

fn state<'a>(told: &'a Value, channel: &str, purpose: &str) -> &'a Value {
    let states = told["states"].as_array().unwrap();
    states.iter().find(|one| one["channel"] == channel && one["purpose"] == purpose).unwrap()
}

db_test! { migrations();
    async fn what_was_said_is_recorded_shown_and_taken_back(db) {
        let shop = Shop::open(&db).await;
        let who = shop.id_of("tealover").await;
        let path = format!("/customers/{who}/consents");
        let none = shop.get(&path).await;
        assert_eq!(none["entries"], json!([]));
        assert_eq!(state(&none, "sms", "marketing"), &json!({
            "channel": "sms", "purpose": "marketing", "standing": "unasked", "may": false
        }));
        assert_eq!(state(&none, "sms", "service")["may"], true);

        let text_body = json!({"name": "短信", "language": "zh-CN", "body": "我同意接收优惠短信。"});
        let version = shop.post("/customers/consent-texts", &text_body).await;
        assert_eq!((&version["version"], text(&version["hash"]).len()), (&json!(1), 64));
        let grant = json!({
            "channels": ["sms", "email"], "purposes": ["marketing"], "granted": true,
            "source": "form", "text": version["id"], "evidence": "signed by 张三",
        });
        assert_eq!(shop.post(&path, &grant).await["added"], 2);
        let told = shop.get(&path).await;
        assert_eq!(state(&told, "sms", "marketing")["standing"], "granted");
        assert_eq!(state(&told, "phone", "marketing")["may"], false);
        assert_eq!(told["entries"][0]["evidence"], "signed by 张三");
        assert_eq!(told["entries"][0]["actor_person"]["email"], crate::house::EMAIL);

        let refusal = json!({
            "channels": ["any"], "purposes": ["marketing"], "granted": false, "source": "phone"
        });
        assert_eq!(shop.post(&path, &refusal).await["added"], 1);
        let told = shop.get(&path).await;
        assert_eq!(state(&told, "sms", "marketing")["standing"], "refused");
        assert_eq!(told["entries"].as_array().unwrap().len(), 3);

        let log = shop.get("/platform/audit?action=customers.consent").await;
        assert_eq!(log["items"].as_array().unwrap().len(), 3);
        let nobody = format!("/customers/{}/consents", who.replace("cus_0", "cus_1"));
        assert_eq!(shop.ask(&nobody).await.status, StatusCode::NOT_FOUND);
    }

    async fn a_list_is_recorded_line_by_line(db) {
        let shop = Shop::open(&db).await;
        let csv = "contact,channel,purpose,decision,at,evidence\n\
            13800000001,sms,marketing,granted,2025-02-01,list of February\n\
            138 0000 0002,any,marketing,refused,2025-02-01,\n\
            13800000002,sms,marketing,granted,2025-03-01,\n\
            13800000009,sms,marketing,granted,,\n\
            13800000003,fax,marketing,granted,,\n\
            13800000003,sms,marketing,yes,,\n\
            13800000003,sms,marketing,granted,yesterday,\n";
        let done = shop.post("/customers/consents/import", &json!({"csv": csv})).await;
        // 李四 and his second account share the number: a refusal is of both, a grant of neither.
        assert_eq!((&done["added"], &done["rejected"]), (&json!(3), &json!(5)), "{done}");
        let errors = done["errors"].as_array().unwrap();
        let told: Vec<(i64, &str)> = errors
            .iter()
            .map(|one| (one["line"].as_i64().unwrap(), one["column"].as_str().unwrap()))
            .collect();
        let expected =
            [(4, "contact"), (5, "contact"), (6, "channel"), (7, "decision"), (8, "at")];
        assert_eq!(told, expected);
        let again = shop.post("/customers/consents/import", &json!({"csv": csv})).await;
        assert_eq!((&again["added"], &again["known"]), (&json!(0), &json!(3)));
        for account in ["lisi", "lisi_two"] {
            let who = shop.id_of(account).await;
            let told = shop.get(&format!("/customers/{who}/consents")).await;
            assert_eq!(state(&told, "sms", "marketing")["standing"], "refused");
        }
        let path = "/customers/consents/import";
        for (csv, said) in [("contact,channel\n", "purpose"), ("nick\n", "nick")] {
            let headers = [("cookie", shop.cookie.as_str()), ("sec-fetch-site", "same-origin")];
            let body = json!({"csv": csv});
            let answer = shop.house.post(&format!("/api/v1{path}"), &headers, &body).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{:?}", answer.body);
            assert!(answer.json().to_string().contains(said));
        }
    }

    async fn an_import_with_whose_customers_consents_were_recorded_is_not_undone(db) {
        let shop = Shop::open(&db).await;
        let who = shop.id_of("tealover").await;
        let refusal = json!({
            "channels": ["any"], "purposes": ["marketing"], "granted": false, "source": "phone"
        });
        shop.post(&format!("/customers/{who}/consents"), &refusal).await;
        let import = text(&shop.get("/commerce/imports").await["items"][0]["id"]);
        let headers = [("cookie", shop.cookie.as_str()), ("sec-fetch-site", "same-origin")];
        let path = format!("/api/v1/commerce/imports/{import}/undo");
        let answer = shop.house.post(&path, &headers, &json!({})).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{:?}", answer.body);
    }
}
