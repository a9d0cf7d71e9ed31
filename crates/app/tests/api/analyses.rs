//! Cohorts, intervals, reorders, pairs and groups through the whole program, cut by what whoever asks may see.

use std::fmt::Write as _;

use axum::http::StatusCode;
use kernel::Currency;
use serde_json::{Value, json};
use testkit::{TestDb, db_test};

use crate::house::migrations;
use crate::reading::{MAPPING, Shop};

const NAME: &str = "回购店";

/// Six buyers. Each orders tea and a cup in January 2025 and tea again 30 days later; the first two a third time, 10
/// days after that, a cup alone; the seventh orders tea once, in March.
fn orders() -> String {
    let mut text =
        "no,account,name,mobile,province,at,paid,refund,state,title,code,district,address\n"
            .to_owned();
    let mut number = 500_000_000_000_u64;
    let mut order = |buyer: u32, at: chrono::NaiveDate, paid: u32, lines: &[(&str, &str)]| {
        number += 1;
        for (title, code) in lines {
            let line = format!("{at},{paid}.00,,completed,{title},{code},西湖区,");
            writeln!(text, "{number},buyer{buyer},王五,,浙江省,{line}").unwrap();
        }
    };
    let day = |text: &str, more: u64| {
        text.parse::<chrono::NaiveDate>().unwrap() + chrono::Days::new(more)
    };
    for buyer in 0..6 {
        let first = day("2025-01-02", u64::from(buyer));
        order(buyer, first, 50, &[("Green Tea 龙井", ""), ("Old Cup", "C 1")]);
        order(buyer, first + chrono::Days::new(30), 30, &[("Green Tea 龙井", "")]);
        if buyer < 2 {
            order(buyer, first + chrono::Days::new(40), 20, &[("New Cup", "C 1")]);
        }
    }
    order(6, day("2025-03-09", 0), 100, &[("Green Tea 龙井", "")]);
    text
}

async fn opened(db: &TestDb) -> Shop {
    let shop = Shop::open(db).await;
    let mapping =
        MAPPING.replace("item_title = \"title\"", "title = \"title\"\nsku_code = \"code\"");
    shop.import_as(db, NAME, &orders(), (Currency::CNY, &mapping)).await;
    shop
}

async fn get(shop: &Shop, path: &str) -> Value {
    let sign = if path.contains('?') { '&' } else { '?' };
    shop.get(&format!("/insight/{path}{sign}shop={NAME}")).await
}

/// Somebody with the rights, and with rules for fields.
async fn member(shop: &Shop, db: &TestDb, name: &str, rights: Value, fields: Value) -> String {
    let role = json!({"name": name, "title": name, "rights": rights, "fields": fields});
    shop.post("/identity/roles", &role).await;
    let email = format!("{name}@example.com");
    shop.house.add_user(db, &email, name).await;
    shop.house.cookie_of(&email).await
}

const ALL: [&str; 6] = [
    "cohorts",
    "repurchase",
    "repurchase/products",
    "baskets",
    "prices",
    "rfm/clusters?clusters=2",
];

db_test! { migrations();
    async fn cohorts_and_intervals_are_those_of_the_orders(db) {
        let shop = opened(&db).await;
        let months = get(&shop, "cohorts").await;
        assert_eq!((&months["as_of"], &months["currency"]), (&json!("2026-01-01"), &json!("CNY")));
        assert_eq!((&months["period"], &months["is_last_open"]), (&json!("month"), &json!(true)));
        let cohorts = months["cohorts"].as_array().unwrap();
        let told: Vec<_> = cohorts.iter().map(|one| (&one["label"], &one["customers"])).collect();
        assert_eq!(told, [(&json!("2025-01"), &json!(6)), (&json!("2025-03"), &json!(1))]);
        let cells = cohorts[0]["cells"].as_array().unwrap();
        assert_eq!(cells.len(), 13);
        // Six orders of 50 in January; six of 30 and two of 20 in February.
        assert_eq!(cells[0], json!({"active": 6, "share": 1.0, "revenue_minor": 30_000, "revenue_per_customer_minor": 5_000}));
        assert_eq!(cells[1], json!({"active": 6, "share": 1.0, "revenue_minor": 22_000, "revenue_per_customer_minor": 3_667}));
        assert_eq!(cells[2]["active"], 0);
        // January 2026 has begun, and is in no share.
        let curve = months["curve"].as_array().unwrap();
        assert_eq!(curve.len(), 12);
        assert_eq!(curve[1], json!({"since": 1, "customers": 7, "active": 6, "share": 6.0 / 7.0}));
        let quarters = get(&shop, "cohorts?period=quarter&cohorts=5").await;
        assert_eq!(quarters["cohorts"].as_array().unwrap().len(), 1);
        assert_eq!(quarters["cohorts"][0]["label"], "2025-Q1");
        let weeks = get(&shop, "cohorts?period=week&cohorts=60").await;
        assert_eq!(weeks["cohorts"][0]["label"], "2025-W01");

        let found = get(&shop, "repurchase?bin_days=10").await;
        assert_eq!(found["all"]["count"], 8);
        assert_eq!((&found["all"]["p50"], &found["all"]["mean"]), (&json!(30.0), &json!(25.0)));
        assert_eq!((&found["histogram"][0], &found["histogram"][2]), (&json!(2), &json!(6)));
        assert_eq!((&found["steps"][0]["step"], &found["steps"][0]["reached"]), (&json!("1-2"), &json!(7)));
        assert_eq!(found["steps"][1]["days"]["p25"], 10.0);
        // Cups have one code and two titles: 40 days apart. Titles are found as searches find them.
        for (product, count, median) in [("c 1", 2, 40.0), ("green  tea 龙井", 6, 30.0)] {
            let of = get(&shop, &format!("repurchase?product={}", product.replace(' ', "%20"))).await;
            assert_eq!((&of["all"]["count"], &of["all"]["p50"]), (&json!(count), &json!(median)));
        }
        // The whole house has two shops, one of which nobody came back to twice in this order.
        let all = shop.get("/insight/repurchase").await;
        assert_eq!(all["all"]["count"], 8 + 2);
    }

    async fn products_are_named_as_they_were_written(db) {
        let shop = opened(&db).await;
        let again = get(&shop, "repurchase/products").await;
        let tea = json!({"code": "", "title": "Green Tea 龙井"});
        // Cups were bought again by two, too few to tell.
        assert_eq!(again["products"].as_array().unwrap().len(), 1);
        let row = &again["products"][0];
        assert_eq!((&row["product"], &row["buyers"], &row["again"]), (&tea, &json!(7), &json!(6)));
        assert_eq!(row["days"]["p50"], 30.0);

        let found = get(&shop, "baskets").await;
        assert_eq!((&found["orders"], &found["pairs_found"]), (&json!(15), &json!(1)));
        let pair = &found["pairs"][0];
        let (tea_is_a, cup) = (pair["a"] == tea, json!("C 1"));
        let sides = if tea_is_a { ["a", "b"] } else { ["b", "a"] };
        assert_eq!((&pair[sides[0]], &pair[sides[1]]["code"]), (&tea, &cup));
        // Six of fifteen orders; tea is in 13, cups are in 8.
        assert_eq!((&pair["orders"], &pair["support"]), (&json!(6), &json!(0.4)));
        let tea_to_cup = if tea_is_a { "confidence_a_b" } else { "confidence_b_a" };
        assert!((pair[tea_to_cup].as_f64().unwrap() - 6.0 / 13.0).abs() < 1e-12);
        assert!((pair["lift"].as_f64().unwrap() - 6.0 * 15.0 / (13.0 * 8.0)).abs() < 1e-12);
        assert_eq!(get(&shop, "baskets?min_orders=7").await["pairs"], json!([]));
        let late = get(&shop, "baskets?days=300").await;
        assert_eq!((&late["orders"], &late["pairs_found"]), (&json!(1), &json!(0)));
        // A title of the cups, and the same whatever was asked before.
        let title = pair[sides[1]]["title"].as_str().unwrap();
        assert!(["Old Cup", "New Cup"].contains(&title), "{title}");
        assert_eq!(get(&shop, "baskets").await, found);
    }

    async fn groups_are_those_of_like_customers(db) {
        let shop = opened(&db).await;
        let found = get(&shop, "rfm/clusters?clusters=3").await;
        assert_eq!((&found["customers"], &found["currency"]), (&json!(7), &json!("CNY")));
        let groups = found["groups"].as_array().unwrap();
        let told: Vec<_> = groups
            .iter()
            .map(|group| ["cluster", "customers", "orders", "revenue_minor"].map(|key| group[key].as_i64().unwrap()))
            .collect();
        // Two with three orders, one with a single order of 100, four with two orders; all of a group are alike.
        assert_eq!(told, [[1, 2, 6, 20_000], [2, 1, 1, 10_000], [3, 4, 8, 32_000]]);
        assert_eq!(groups[0]["centre"]["revenue_minor"], 10_000);
        assert_eq!(groups[1]["levels"], json!({"recency": "low", "frequency": "low", "monetary": "high"}));
        assert_eq!(groups[1]["mean_recency_days"], 298.0);
        for group in groups {
            let tiers = group["tiers"].as_array().unwrap();
            let sum: i64 = tiers.iter().map(|one| one["customers"].as_i64().unwrap()).sum();
            assert_eq!(Some(sum), group["customers"].as_i64());
        }
        assert_eq!(found["sample"].as_array().unwrap().len(), 7);
        assert_eq!(found["choices"][0]["clusters"], 2);
        // On the day before anybody ordered there is nothing to group, and ten groups need ten who differ.
        for query in ["as_of=2024-12-31", "clusters=10"] {
            let answer = shop.ask(&format!("/insight/rfm/clusters?shop={NAME}&{query}")).await;
            assert_eq!((answer.status, answer.code().as_str()), (StatusCode::CONFLICT, "too_few_customers"), "{query}");
        }
    }

    async fn purchases_are_held_against_the_usual_price(db) {
        let shop = Shop::open(&db).await;
        // Tea costs 50 but for a sale at 40, and in twos at 50 each; a cup was bought only once.
        let mut text =
            "no,account,name,mobile,province,at,paid,refund,state,title,quantity,district,address\n".to_owned();
        for (number, (buyer, paid, pieces)) in [
            ("a", 50, 1), ("a", 50, 1), ("a", 100, 2), ("a", 50, 1),
            ("b", 40, 1), ("b", 80, 2), ("b", 50, 1), ("b", 50, 1),
            ("c", 40, 1), ("c", 20, 1), ("c", 50, 1), ("d", 60, 1),
        ].into_iter().enumerate() {
            let day = 10 + number;
            writeln!(text, "70000000{number:04},{buyer},王五,,浙江省,2025-12-{day},{paid}.00,,completed,Tea,{pieces},西湖区,").unwrap();
        }
        text.push_str("700000009999,d,王五,,浙江省,2025-12-30,50.00,,completed,Cup,1,西湖区,\n");
        let mapping = MAPPING.replace("item_title = \"title\"", "title = \"title\"\nquantity = \"quantity\"\nline_amount = \"paid\"");
        shop.import_as(&db, NAME, &text, (Currency::CNY, &mapping)).await;
        let found = get(&shop, "prices").await;
        assert_eq!((&found["products"], &found["lines"], &found["lines_left_out"]), (&json!(1), &json!(12), &json!(1)));
        let bands: Vec<_> = found["bands"]
            .as_array()
            .unwrap()
            .iter()
            .map(|band| ["lines", "pieces", "customers", "amount_minor"].map(|key| band[key].as_i64().unwrap()))
            .collect();
        assert_eq!(bands, [[1, 1, 1, 2_000], [3, 4, 2, 16_000], [7, 8, 3, 40_000], [1, 1, 1, 6_000]]);
        let habits: Vec<_> = found["habits"].as_array().unwrap().iter().map(|one| &one["customers"]).collect();
        // One never, one in half, one mostly; the fourth has too few lines.
        assert_eq!(habits, [1, 1, 1]);
        assert_eq!(get(&shop, "prices?days=2").await["lines"], 0);
    }

    async fn analyses_are_cut_by_what_one_may_see(db) {
        let shop = opened(&db).await;
        for (path, field) in [
            ("cohorts?period=year", "period"),
            ("cohorts?cohorts=61", "cohorts"),
            ("cohorts?shop=none", "shop"),
            ("repurchase?bin_days=31", "bin_days"),
            ("repurchase?product=coffee", "product"),
            ("repurchase/products?days=0", "days"),
            ("baskets?days=3654", "days"),
            ("baskets?min_orders=0", "min_orders"),
            ("baskets?top=201", "top"),
            ("baskets?sort=support", "sort"),
            ("rfm/clusters?clusters=11", "clusters"),
        ] {
            let answer = shop.ask(&format!("/insight/{path}")).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
            assert_eq!(answer.json()["errors"][0]["field"], field, "{path}");
        }
        let blind = json!({"commerce.amounts": "hidden"});
        let blind = member(&shop, &db, "blind", json!(["insight.read"]), blind).await;
        for path in ALL {
            let answer = shop.house.get(&format!("/api/v1/insight/{path}"), &[("cookie", &blind)]).await;
            let told = if path.starts_with("rfm") { StatusCode::FORBIDDEN } else { StatusCode::OK };
            assert_eq!(answer.status, told, "{path}");
            let text = answer.json().to_string();
            let told = ["_minor", "currency"].into_iter().find(|word| text.contains(word));
            assert_eq!(told, None, "{path}: {text}");
        }
        // Two currencies have no sum; what adds up nothing is told all the same.
        shop.import_in(&db, "London", &orders().replace("50000000", "60000000"), "GBP".parse().unwrap()).await;
        for path in ALL {
            let answer = shop.ask(&format!("/insight/{path}")).await;
            let needs_one = ["cohorts", "prices"].contains(&path) || path.starts_with("rfm");
            assert_eq!(answer.status == StatusCode::UNPROCESSABLE_ENTITY, needs_one, "{path}");
        }
        let answer = shop.house.get("/api/v1/insight/cohorts", &[("cookie", &blind)]).await;
        assert_eq!(answer.status, StatusCode::OK);
    }

    async fn nobody_sees_the_orders_of_others(db) {
        let shop = opened(&db).await;
        let own = json!({
            "name": "own", "title": "own", "reach": "own",
            "rights": ["insight.read", "customers.read"],
        });
        shop.post("/identity/roles", &own).await;
        shop.house.add_user(&db, "own@example.com", "own").await;
        let cookie = shop.house.cookie_of("own@example.com").await;
        for (path, list) in [("cohorts", "cohorts"), ("repurchase", "steps"), ("baskets", "pairs")] {
            let answer = shop.house.get(&format!("/api/v1/insight/{path}"), &[("cookie", &cookie)]).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            assert_eq!(answer.json()[list], json!([]), "{path}");
        }
    }
}
