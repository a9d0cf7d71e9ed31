//! Lists and exports by the cells and tiers of any day, bins and shop: what the RFM page shows is what
//! the list behind it holds.

use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::db_test;

use crate::house::migrations;
use crate::reading::{ORDERS, Shop, text};

fn fields(answer: &crate::house::Answer) -> Vec<String> {
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{:?}", answer.body);
    answer.json()["errors"].as_array().unwrap().iter().map(|e| text(&e["field"])).collect()
}

impl Shop {
    /// Every tier and cell of the answer to `rfm`, and every score left open, has as many customers in
    /// the list and in the export under `list`.
    async fn lists_hold_what_rfm_counts(&self, rfm: &str, list: &str) {
        let cube = self.get(&format!("/insight/rfm?{rfm}")).await;
        assert!(cube["customers"].as_u64().unwrap() > 2, "{cube}");
        let tier = if cube["scheme"] == "classic" { "classic" } else { "tier" };
        for sum in cube["tiers"].as_array().unwrap() {
            let name = text(&sum["tier"]);
            let page = self.get(&format!("/customers?{tier}={name}&{list}")).await;
            assert_eq!(page["total"], sum["customers"], "{name}, {list}");
            for row in page["items"].as_array().unwrap().iter().filter(|_| tier == "tier") {
                assert_eq!(row["tier"], name.as_str(), "rows show the tier that was asked for");
            }
        }
        for cell in cube["cells"].as_array().unwrap() {
            let name = format!("R{}F{}M{}", cell["r"], cell["f"], cell["m"]);
            let page = self.get(&format!("/customers?cell={name}&{list}")).await;
            assert_eq!(page["total"], cell["customers"], "{name}, {list}");
            for row in page["items"].as_array().unwrap() {
                assert_eq!(row["cell"], name.as_str());
            }
            let file = self.ask(&format!("/customers/export?cell={name}&{list}")).await;
            let lines = String::from_utf8(file.body.to_vec()).unwrap().lines().count() as u64;
            assert_eq!(lines, 1 + cell["customers"].as_u64().unwrap(), "{name}, {list}");
        }
        for (dimension, pattern) in [("r", "R{}F*M*"), ("f", "r*f{}m*"), ("m", "R*F*M{}")] {
            for (at, count) in (1..).zip(cube["score_counts"][dimension].as_array().unwrap()) {
                let name = pattern.replace("{}", &format!("{at}"));
                let page = self.get(&format!("/customers?cell={name}&{list}")).await;
                assert_eq!(page["total"], *count, "{name}, {list}");
            }
        }
        let all = self.get(&format!("/customers?cell=R*F*M*&{list}")).await;
        assert_eq!(all["total"], cube["customers"]);
    }
}

db_test! { migrations();
    async fn lists_hold_what_rfm_counts_under_any_settings(db) {
        let shop = Shop::open(&db).await;
        let later = ORDERS.replace("2100", "3100").replace(",tealover", ",other").replace("2025-0", "2024-0");
        shop.import(&db, "第二店", &later).await;
        let shops = shop.get("/commerce/shops").await;
        let second = text(&shops["items"][1]["id"]);
        // Today's scores are set anew a moment after something changed; here they are at once.
        shop.house.state.engines.of(kernel::OrgId::FIRST).rescore().await.unwrap();
        for (rfm, list) in [
            (String::new(), String::new()),
            ("as_of=2026-01-01&bins=5".to_owned(), "as_of=2026-01-01&bins=5".to_owned()),
            ("as_of=2025-06-30".to_owned(), "as_of=2025-06-30".to_owned()),
            ("as_of=2025-06-30&bins=3&scheme=classic".to_owned(), "as_of=2025-06-30&bins=3".to_owned()),
            ("bins=10".to_owned(), "bins=10".to_owned()),
            (format!("shop={second}&bins=2"), format!("rfm_shop={second}&bins=2")),
            (format!("shop={second}&as_of=2025-01-31"), format!("rfm_shop={second}&as_of=2025-01-31")),
        ] {
            shop.lists_hold_what_rfm_counts(&rfm, &list).await;
        }
        // What changes shows at once, under other settings too.
        shop.import(&db, "第三店", &ORDERS.replace("2100", "4100").replace(",tealover", ",newest")).await;
        shop.lists_hold_what_rfm_counts("as_of=2025-06-30&bins=3", "as_of=2025-06-30&bins=3").await;
    }

    async fn amounts_of_several_currencies_are_never_added(db) {
        let shop = Shop::open(&db).await;
        let first = text(&shop.get("/commerce/shops").await["items"][0]["id"]);
        let before = shop.get(&format!("/customers?sort=-revenue&rfm_shop={first}")).await;
        let pounds = ORDERS.replace("2100", "3100").replace("9000.00", "7.00").replace("=cmd", "cmd");
        shop.import_in(&db, "London", &pounds, "GBP".parse().unwrap()).await;
        shop.house.state.engines.of(kernel::OrgId::FIRST).rescore().await.unwrap();
        let second = text(&shop.get("/commerce/shops").await["items"][1]["id"]);

        let list = shop.get("/customers").await;
        assert!(list["total"].as_u64().unwrap() > 3, "{list}");
        for row in list["items"].as_array().unwrap() {
            for told in ["revenue_minor", "average_order_minor", "currency", "tier", "cell"] {
                assert_eq!(row[told], Value::Null, "{told} of {row}");
            }
            let card = shop.get(&format!("/customers/{}", text(&row["id"]))).await;
            for told in ["revenue_minor", "currency", "tier", "refund_minor", "m", "classic"] {
                assert_eq!(card[told], Value::Null, "{told} of {card}");
            }
            for sum in card["shops"].as_array().unwrap() {
                let wanted = if sum["name"] == "London" { "GBP" } else { "CNY" };
                assert_eq!(sum["currency"], wanted);
            }
        }
        let file = String::from_utf8(shop.ask("/customers/export").await.body.to_vec()).unwrap();
        let (_, lines) = file.split_once('\n').unwrap();
        assert_eq!(lines.lines().count() as u64, list["total"].as_u64().unwrap());
        for line in lines.lines() {
            let cells: Vec<&str> = line.split(',').collect();
            assert_eq!([cells[9], cells[10], cells[11], cells[14], cells[15]], [""; 5], "{line}");
        }
        for refused in ["tier=champions", "classic=important_value", "cell=R5F*M*", "revenue_min=1",
            "revenue_max=9", "sort=revenue", "sort=-average_order"] {
            for path in ["/customers", "/customers/export"] {
                let answer = shop.ask(&format!("{path}?{refused}")).await;
                assert_eq!(fields(&answer), ["rfm_shop"], "{path}?{refused}");
                let message = text(&answer.json()["errors"][0]["message"]);
                assert!(message.contains("CNY, GBP") && message.contains("one shop"), "{message}");
            }
        }

        // Those of one shop are right, whoever asks for it and how.
        let after = shop.get(&format!("/customers?sort=-revenue&rfm_shop={first}")).await;
        let bought = |page: &Value| -> Vec<(Value, Value, Value, Value)> {
            let rows = page["items"].as_array().unwrap().iter().filter(|row| row["revenue_minor"] != 0);
            rows.map(|row| (row["name"].clone(), row["revenue_minor"].clone(), row["average_order_minor"].clone(), row["cell"].clone())).collect()
        };
        assert_eq!(bought(&after), bought(&before));
        assert_eq!(bought(&after)[0].1, 900_000);
        for asked in [format!("rfm_shop={second}"), format!("shop={second}")] {
            let page = shop.get(&format!("/customers?sort=-revenue&{asked}&limit=2")).await;
            let amounts: Vec<_> = page["items"].as_array().unwrap().iter().map(|row| row["revenue_minor"].clone()).collect();
            assert_eq!(amounts, [55_000, 6_000], "{page}");
            assert_eq!(page["items"][0]["currency"], "GBP");
            let after = text(&page["next"]);
            let next = shop.get(&format!("/customers?sort=-revenue&{asked}&limit=2&after={after}")).await;
            assert_eq!(next["items"][0]["revenue_minor"], 5_000, "{next}");
            let page = shop.get(&format!("/customers?{asked}&revenue_min=5500&revenue_max=60000")).await;
            assert_eq!(page["total"], 2);
            let file = shop.ask(&format!("/customers/export?{asked}&revenue_min=6001")).await;
            let file = String::from_utf8(file.body.to_vec()).unwrap();
            assert_eq!(file.lines().count(), 2, "{file}");
            assert!(file.contains(",550.00,183.33,GBP,"), "{file}");
        }
        shop.lists_hold_what_rfm_counts(&format!("shop={second}"), &format!("rfm_shop={second}")).await;
        let attention = shop.get("/insight/workbench").await["attention"].clone();
        assert!(!attention.to_string().contains("slipping"), "{attention}");
    }

    async fn settings_that_cannot_be_are_refused(db) {
        let shop = Shop::open(&db).await;
        assert_eq!(fields(&shop.ask("/customers?bins=11&cell=R5F*").await), ["cell"]);
        assert_eq!(fields(&shop.ask("/customers?bins=11").await), ["bins"]);
        let nowhere = "rfm_shop=shop_7zzzzzzzzzzzzzzzzzzzzzzzzz";
        for path in ["/customers", "/customers/export"] {
            assert_eq!(fields(&shop.ask(&format!("{path}?{nowhere}")).await), ["rfm_shop"], "{path}");
        }
        let body = json!({"name": "London", "channel": "own", "currency": "GBP"});
        shop.post("/commerce/shops", &body).await;
        shop.import(&db, "第二店", &ORDERS.replace("2100", "3100")).await;
        let answer = shop.ask("/customers?as_of=2025-12-31").await;
        assert_eq!(fields(&answer), ["rfm_shop"]);
        assert!(text(&answer.json()["errors"][0]["message"]).contains("CNY, GBP"));
        assert_eq!(fields(&shop.ask("/customers?tier=champions").await), ["rfm_shop"]);
    }
}
