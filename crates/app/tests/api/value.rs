//! Lifetime value through the whole program: figures with a basis, and cut by what whoever asks may see.

use std::fmt::Write as _;

use axum::http::StatusCode;
use serde_json::json;
use testkit::db_test;

use crate::house::migrations;
use crate::reading::Shop;

/// Orders of 200 invented buyers in 2024 and 2025, who buy at rates of their own and are lost at some order.
pub fn history() -> String {
    let mut state = 7_u64;
    let mut unit = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    let first = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();
    let mut text =
        "no,account,name,mobile,province,at,paid,refund,state,title,district,address\n".to_owned();
    let mut number = 400_000_000_000_u64;
    for buyer in 0..200 {
        let pace = 20.0 + 200.0 * unit();
        let lost = 0.05 + 0.4 * unit();
        let spend = 20.0 / (0.05 + unit());
        let mut day = 400.0 * unit();
        while day < 730.0 {
            number += 1;
            let at = first + chrono::Days::new(day as u64);
            let paid = 1.0 - spend * (1.0 - unit()).ln();
            writeln!(
                text,
                "{number},buyer{buyer},王五,,浙江省,{at},{paid:.2},,completed,茶,西湖区,"
            )
            .unwrap();
            if unit() < lost {
                break;
            }
            day += 1.0 - pace * (1.0 - unit()).ln();
        }
    }
    text
}

db_test! { migrations();
    async fn value_is_told_with_its_basis(db) {
        let shop = Shop::open(&db).await;
        let young = shop.ask("/insight/value").await;
        assert_eq!((young.status, young.code().as_str()), (StatusCode::CONFLICT, "too_little_history"));

        shop.import(&db, "老店", &history()).await;
        let year = shop.get("/insight/value?shop=老店").await;
        let bands = year["bands"].as_array().unwrap();
        let customers: u64 = bands.iter().map(|band| band["customers"].as_u64().unwrap()).sum();
        assert_eq!((customers, year["customers"].as_u64()), (200, Some(200)));
        let sum: i64 = bands.iter().map(|band| band["expected_value_minor"].as_i64().unwrap()).sum();
        assert_eq!(Some(sum), year["expected_value_minor"].as_i64());
        let likelihood = |model: &str| year[model]["log_likelihood"].as_f64().unwrap();
        assert!(sum > 0 && likelihood("bgnbd") < 0.0);
        // Values are by the likelier model, which with these customers is the second one.
        assert!(likelihood("pnbd") > likelihood("bgnbd"), "{} {}", likelihood("pnbd"), likelihood("bgnbd"));
        assert_eq!(year["model"], "pnbd");
        assert_eq!(year["top"].as_array().unwrap().len(), 20);
        let lost: Vec<i64> = year["at_risk"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                let (risk, loss) = (one["churn_risk"].as_f64().unwrap(), one["expected_loss_minor"].as_i64().unwrap());
                assert!((0.2..=0.8).contains(&risk), "{one}");
                assert!((one["value_if_active_minor"].as_f64().unwrap() * risk - loss as f64).abs() <= 1.0, "{one}");
                loss
            })
            .collect();
        assert!(lost.len() > 5 && lost.is_sorted_by(|a, b| a >= b), "{lost:?}");

        // By id it is the same shop, and a shorter horizon expects less by the same parameters.
        let shops = shop.get("/commerce/shops").await;
        let id = shops["items"].as_array().unwrap().iter().find(|one| one["name"] == "老店").unwrap();
        let path = format!("/insight/value?shop={}", id["id"].as_str().unwrap());
        assert_eq!(shop.get(&path).await, year);
        let month = shop.get(&format!("{path}&horizon_days=30")).await;
        assert_eq!(month["bgnbd"], year["bgnbd"]);
        assert!(month["expected_orders"].as_f64() < year["expected_orders"].as_f64());
        // What was held back is compared.
        let held = shop.get(&format!("{path}&calibration_end=2025-06-30")).await;
        assert!(held["holdout_days"].as_u64().unwrap() > 180);
        for (query, field) in [
            ("shop=none", "shop"),
            ("horizon_days=0", "horizon_days"),
            ("calibration_end=2026-01-02", "calibration_end"),
            ("calibration_end=1800-01-01", "calibration_end"),
        ] {
            let answer = shop.ask(&format!("/insight/value?{query}")).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
            assert_eq!(answer.json()["errors"][0]["field"], field, "{query}");
        }

        for (name, rights, fields, told) in [
            ("figures", json!(["insight.read"]), json!({}), StatusCode::OK),
            ("blind", json!(["insight.read"]), json!({"commerce.amounts": "hidden"}), StatusCode::FORBIDDEN),
        ] {
            let role = json!({"name": name, "title": name, "rights": rights, "fields": fields});
            shop.post("/identity/roles", &role).await;
            let email = format!("{name}@example.com");
            shop.house.add_user(&db, &email, name).await;
            let cookie = shop.house.cookie_of(&email).await;
            let answer = shop.house.get(&format!("/api/v1{path}"), &[("cookie", &cookie)]).await;
            assert_eq!(answer.status, told, "{name}");
            if told == StatusCode::OK {
                // Figures, and nobody by name.
                assert_eq!((&answer.json()["top"], &answer.json()["bands"]), (&json!([]), &year["bands"]));
                assert_eq!(answer.json()["at_risk"], json!([]));
            }
        }
    }
}
