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
        assert_ne!(shop.get("/customers?tier=champions").await["total"], Value::Null);
    }
}
