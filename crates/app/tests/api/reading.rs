//! What is read of customers and orders, through everything that stands around the routes.

use std::collections::BTreeSet;

use axum::http::{Request, StatusCode};
use commerce::imports::ImportState;
use commerce::shops::{self, Channel, NewShop};
use flows::import_orders::{self, ImportOrder};
use kernel::{Currency, ImportId, Zone};
use serde_json::{Value, json};
use testkit::{TestDb, db_test};
use tokio_util::sync::CancellationToken;

use crate::house::{Answer, House, migrations};

pub const MAPPING: &str = r#"
name = "test"
delimiter = "comma"
currency = "CNY"
date_formats = ["%Y-%m-%d"]

[columns]
order_no = "no"
account = "account"
receiver_name = "name"
mobile = "mobile"
province = "province"
ordered_at = "at"
paid_at = "at"
paid = "paid"
refund = "refund"
state = "state"
item_title = "title"
address = "address"
district = "district"
"#;

/// Seven orders of four buyers: 李四 and his second account share a phone; one order is closed.
pub const ORDERS: &str = "\
no,account,name,mobile,province,at,paid,refund,state,title,district,address
210000000001,tealover,张三,13800000001,浙江省,2025-01-10,100.00,,completed,龙井,西湖区,文三路 1 号
210000000002,tealover,张三,13800000001,浙江省,2025-03-10,200.00,50.00,completed,红茶,西湖区,文三路 1 号
210000000003,tealover,张三,13800000001,浙江省,2025-12-31,300.00,,paid,白茶,西湖区,文三路 1 号
210000000004,lisi,李四,13800000002,江苏省,2025-06-01,50.00,,completed,普洱,玄武区,中山路 2 号
210000000005,lisi_two,李四,13800000002,江苏省,2025-06-02,60.00,,completed,普洱,玄武区,中山路 2 号
210000000006,=cmd,@王五,13800000003,广东省,2025-07-01,10.00,,closed,乌龙,天河区,体育路 3 号
210000000007,wholesale,张三丰,13800000004,广东省,2026-01-01,9000.00,,completed,普洱,天河区,体育路 4 号
";

/// A program with a shop of a few orders, whose owner is signed in.
pub struct Shop {
    pub house: House,
    pub cookie: String,
    stop: CancellationToken,
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Shop {
    pub async fn open(db: &TestDb) -> Self {
        let house = House::owned(db).await;
        let cookie = house.cookie().await;
        let stop = CancellationToken::new();
        drop(house.state.follow(stop.clone()));
        let shop = Self { house, cookie, stop };
        shop.import(db, "茶叶店", ORDERS).await;
        shop
    }

    /// Imports `text` into a new shop; gives the import's id.
    pub async fn import(&self, db: &TestDb, name: &str, text: &str) -> ImportId {
        self.import_in(db, name, text, Currency::CNY).await
    }

    /// As [`Shop::import`], with amounts in `currency`.
    pub async fn import_in(
        &self,
        db: &TestDb,
        name: &str,
        text: &str,
        currency: Currency,
    ) -> ImportId {
        self.import_as(db, name, text, (currency, &MAPPING.replace("CNY", currency.code()))).await
    }

    /// As [`Shop::import_in`], read by `mapping`.
    pub async fn import_as(
        &self,
        db: &TestDb,
        name: &str,
        text: &str,
        (currency, mapping): (Currency, &str),
    ) -> ImportId {
        let platform = &self.house.state.platform;
        let cx = db.ctx();
        let mut tx = platform.db.begin().await.unwrap();
        let new = NewShop {
            name: name.to_owned(),
            channel: Channel::Taobao,
            currency,
            zone: Zone::CHINA,
        };
        let shop = shops::create(&mut tx, &cx, &new).await.unwrap();
        tx.commit().await.unwrap();
        let path = db.folder().join(format!("{name}.csv"));
        std::fs::write(&path, text).unwrap();
        let order = ImportOrder {
            files: vec![("orders.csv".to_owned(), path)],
            format: Some("generic".parse().unwrap()),
            mapping: Some(mapping.to_owned()),
            ..ImportOrder::default()
        };
        let import = import_orders::begin(platform, &cx, &shop, &order, ImportState::Queued).await;
        let import = import.unwrap().id;
        let done = import_orders::run(platform, &cx, import, |_| ()).await.unwrap();
        assert_eq!((done.state, done.progress.rejected), (ImportState::Finished, 0));
        // Otherwise tiers and cells would move when the engine gets round to it.
        let engine = self.house.state.engines.of(kernel::OrgId::FIRST);
        engine.fresh().await.unwrap();
        engine.rescore().await.unwrap();
        import
    }

    /// Sends JSON by any method.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("cookie", &self.cookie)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.house.send(request.body(axum::body::Body::from(body.to_string())).unwrap()).await
    }

    pub async fn ask(&self, path: &str) -> Answer {
        self.house.get(&format!("/api/v1{path}"), &[("cookie", &self.cookie)]).await
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.ask(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {:?}", answer.body);
        answer.json()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let headers = [("cookie", self.cookie.as_str()), ("sec-fetch-site", "same-origin")];
        let answer = self.house.post(&format!("/api/v1{path}"), &headers, body).await;
        assert!(answer.status.is_success(), "{path}: {:?}", answer.body);
        answer.json()
    }

    /// Names of a list of customers, sorted.
    pub async fn names(&self, query: &str) -> Vec<String> {
        let list = self.get(&format!("/customers?{query}")).await;
        let mut names: Vec<String> =
            list["items"].as_array().unwrap().iter().map(|row| text(&row["name"])).collect();
        assert_eq!(list["total"], names.len(), "{query}");
        names.sort();
        names
    }

    pub async fn id_of(&self, account: &str) -> String {
        let list = self.get(&format!("/customers?q={account}")).await;
        let items = list["items"].as_array().unwrap();
        let has = |row: &&Value| {
            row["accounts"].as_array().unwrap().iter().any(|a| a["value"] == account)
        };
        text(&items.iter().find(has).unwrap()["id"])
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(items: &Value, field: &str) -> Vec<String> {
    items["items"].as_array().unwrap().iter().map(|item| text(&item[field])).collect()
}

db_test! { migrations();
    async fn customers_are_listed_by_every_filter(db) {
        let shop = Shop::open(&db).await;
        let list = shop.get("/customers").await;
        assert_eq!(list["total"], 5);
        let first = &list["items"][0];
        assert_eq!(
            (text(&first["name"]), &first["orders"], &first["revenue_minor"]),
            ("张三丰".to_owned(), &json!(1), &json!(900_000))
        );
        assert_eq!(first["phone"], "138****0004");
        assert_eq!(first["accounts"][0], json!({"channel": "taobao", "value": "wholesale"}));
        assert_eq!(first["currency"], "CNY");

        let all: Vec<&str> = vec!["@王五", "张三", "张三丰", "李四", "李四"];
        for (query, expected) in [
            ("q=%E5%BC%A0", vec!["张三", "张三丰"]),
            ("q=TEALOVER", vec!["张三"]),
            ("q=13800000002", vec!["李四", "李四"]),
            ("q=210000000007", vec!["张三丰"]),
            ("q=2100000000", vec![]),
            ("q=%25", vec![]),
            ("province=%E5%B9%BF%E4%B8%9C%E7%9C%81", vec!["@王五", "张三丰"]),
            ("orders_min=1", vec!["张三", "张三丰", "李四", "李四"]),
            ("orders_max=0", vec!["@王五"]),
            ("orders_min=3&orders_max=3", vec!["张三"]),
            ("revenue_min=55000&revenue_max=55000", vec!["张三"]),
            ("last_order_from=2025-12-31&last_order_to=2025-12-31", vec!["张三"]),
            ("first_order_from=2026-01-01", vec!["张三丰"]),
            ("first_order_to=2025-01-10", vec!["张三"]),
            ("rating=A", vec![]),
            ("q=", all.clone()),
        ] {
            assert_eq!(shop.names(query).await, expected, "{query}");
        }
        let shops = shop.get("/commerce/shops").await;
        assert_eq!(shops["items"][0]["orders"], 7);
        let id = text(&shops["items"][0]["id"]);
        assert_eq!(shop.names(&format!("shop={id}")).await.len(), 4);
        let cell = text(&first["cell"]);
        assert!(shop.names(&format!("cell={cell}")).await.contains(&"张三丰".to_owned()));
        let tier = text(&first["tier"]);
        assert!(shop.names(&format!("tier={tier}")).await.contains(&"张三丰".to_owned()));
    }

    async fn pages_hold_every_customer_once(db) {
        let shop = Shop::open(&db).await;
        for sort in ["last_order_at", "-first_order_at", "orders", "-revenue", "average_order", "-created_at"] {
            let mut seen = Vec::new();
            let mut after = String::new();
            loop {
                let page = shop.get(&format!("/customers?limit=2&sort={sort}{after}")).await;
                seen.extend(texts(&page, "id"));
                match page["next"].as_str() {
                    Some(next) => after = format!("&after={next}"),
                    None => break,
                }
            }
            assert_eq!(seen.len(), 5, "{sort}");
            assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 5, "{sort}");
        }
    }

    async fn wrong_parameters_are_named_at_once(db) {
        let shop = Shop::open(&db).await;
        let answer = shop.ask("/customers?tier=best&orders_min=x&sort=name&limit=900&nick=1").await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        let fields: BTreeSet<String> =
            answer.json()["errors"].as_array().unwrap().iter().map(|e| text(&e["field"])).collect();
        let expected = ["limit", "nick", "orders_min", "sort", "tier"].map(str::to_owned);
        assert_eq!(fields, BTreeSet::from(expected));
        for path in ["/customers", "/customers/export", "/commerce/orders", "/insight/workbench", "/search?q=a"] {
            let answer = shop.house.get(&format!("/api/v1{path}"), &[]).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        }
        for path in ["/customers/cus_7zzzzzzzzzzzzzzzzzzzzzzzzz", "/customers/x", "/commerce/orders/x",
            "/commerce/orders/ord_7zzzzzzzzzzzzzzzzzzzzzzzzz", "/customers/cus_7zzzzzzzzzzzzzzzzzzzzzzzzz/timeline"] {
            assert_eq!(shop.ask(path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
    }

    async fn a_card_and_its_timeline_tell_everything(db) {
        let shop = Shop::open(&db).await;
        let id = shop.id_of("tealover").await;
        let card = shop.get(&format!("/customers/{id}")).await;
        assert_eq!(card["orders"], 3);
        assert_eq!(card["revenue_minor"], 55_000);
        assert_eq!(card["average_order_minor"], 18_333);
        assert_eq!(card["refund_minor"], 5_000);
        assert_eq!(card["median_days_between_orders"], 177.5);
        assert_eq!(card["shops"][0]["revenue_minor"], 55_000);
        assert_eq!(card["merged_into"], Value::Null);
        assert!(card["r"].is_u64() && card["classic"].is_string());
        let kinds: Vec<String> =
            card["identities"].as_array().unwrap().iter().map(|i| text(&i["kind"])).collect();
        assert_eq!(kinds, ["account", "phone"]);

        shop.post(&format!("/customers/{id}/notes"), &json!({"text": "likes green tea"})).await;
        let tag = shop.post("/customers/tags", &json!({"name": "VIP", "colour": "gold"})).await;
        let tags = json!({"customers": [id], "add": [tag["id"]], "remove": []});
        shop.post("/customers/bulk/tags", &tags).await;
        let path = format!("/customers/{id}/timeline");
        let all = shop.get(&path).await;
        let kinds = texts(&all, "kind");
        assert_eq!(kinds.len(), 3 + 3 + 1 + 1 + 1, "{kinds:?}");
        assert_eq!(all["items"].as_array().unwrap().iter().filter(|i| i["kind"] == "refund").count(), 1);
        let mut paged = Vec::new();
        let mut after = String::new();
        loop {
            let page = shop.get(&format!("{path}?limit=2{after}")).await;
            paged.extend(page["items"].as_array().unwrap().clone());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert_eq!(Value::Array(paged), all["items"]);
        let refunds = shop.get(&format!("{path}?kind=refund")).await;
        assert_eq!(refunds["items"][0]["order"]["external_no"], "210000000002");
        assert_eq!(shop.names(&format!("tag={}", text(&tag["id"]))).await, ["张三"]);
    }

    async fn merged_customers_are_one_and_part_again(db) {
        let shop = Shop::open(&db).await;
        let suggestions = shop.get("/customers/suggestions").await;
        let suggestion = &suggestions["items"][0];
        assert_eq!(suggestions["items"].as_array().unwrap().len(), 1);
        assert_eq!(suggestion["evidence"][0], json!({"kind": "phone", "value": "138****0002"}));
        let (keep, absorb) = (shop.id_of("lisi").await, shop.id_of("lisi_two").await);
        let merge = shop.post("/customers/merges", &json!({"keep": keep, "absorb": absorb})).await;
        assert_eq!(shop.get("/customers").await["total"], 4);
        let row = shop.get("/customers?q=lisi_two").await;
        assert_eq!(row["items"][0]["id"], keep.as_str());
        assert_eq!(row["items"][0]["orders"], 2);
        let card = shop.get(&format!("/customers/{absorb}")).await;
        assert_eq!((&card["merged_into"], &card["orders"]), (&json!(keep), &json!(1)));
        let orders = shop.get(&format!("/commerce/orders?customer={keep}")).await;
        assert_eq!(texts(&orders, "external_no"), ["210000000005", "210000000004"]);
        assert_eq!(orders["items"][0]["customer"]["id"], keep.as_str());

        let undo = Request::delete(format!("/api/v1/customers/merges/{}", text(&merge["id"])))
            .header("cookie", &shop.cookie)
            .header("sec-fetch-site", "same-origin")
            .body(axum::body::Body::empty())
            .unwrap();
        assert_eq!(shop.house.send(undo).await.status, StatusCode::NO_CONTENT);
        assert_eq!(shop.get("/customers").await["total"], 5);
        assert_eq!(shop.get(&format!("/customers/{keep}")).await["orders"], 1);
        let kinds = texts(&shop.get(&format!("/customers/{keep}/timeline?kind=unmerge")).await, "kind");
        assert_eq!(kinds, ["unmerge"]);
    }

    async fn an_edit_shows_in_the_next_list(db) {
        let shop = Shop::open(&db).await;
        let id = shop.id_of("lisi").await;
        for round in 0..10 {
            let version = shop.get(&format!("/customers/{id}")).await["version"].as_i64().unwrap();
            let request = Request::patch(format!("/api/v1/customers/{id}"))
                .header("cookie", &shop.cookie)
                .header("sec-fetch-site", "same-origin")
                .header("content-type", "application/json")
                .header("if-match", format!("\"{version}\""))
                .body(axum::body::Body::from(json!({"name": format!("round {round}")}).to_string()))
                .unwrap();
            assert_eq!(shop.house.send(request).await.status, StatusCode::OK);
            assert_eq!(shop.names(&format!("q=round%20{round}")).await.len(), 1);
        }
    }

    async fn orders_are_listed_and_masked(db) {
        let shop = Shop::open(&db).await;
        let all = shop.get("/commerce/orders").await;
        assert_eq!(texts(&all, "external_no")[0], "210000000007");
        assert_eq!(all["items"].as_array().unwrap().len(), 7);
        for (query, expected) in [
            ("q=210000000003", vec!["210000000003"]),
            ("q=21000000000&limit=2", vec!["210000000007", "210000000003"]),
            ("q=999", vec![]),
            ("state=paid", vec!["210000000003"]),
            ("from=2025-06-01&to=2025-06-01", vec!["210000000004"]),
            ("sort=paid_amount&limit=1", vec!["210000000006"]),
            ("sort=-paid_amount&limit=1", vec!["210000000007"]),
            ("shop=shop_7zzzzzzzzzzzzzzzzzzzzzzzzz", vec![]),
        ] {
            let page = shop.get(&format!("/commerce/orders?{query}")).await;
            assert_eq!(texts(&page, "external_no"), expected, "{query}");
        }
        for sort in ["ordered_at", "-ordered_at", "paid_amount", "-paid_amount"] {
            let mut seen = Vec::new();
            let mut after = String::new();
            loop {
                let page = shop.get(&format!("/commerce/orders?limit=2&sort={sort}{after}")).await;
                seen.extend(texts(&page, "id"));
                match page["next"].as_str() {
                    Some(next) => after = format!("&after={next}"),
                    None => break,
                }
            }
            assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 7, "{sort}");
        }
        let id = text(&all["items"][0]["id"]);
        let card = shop.get(&format!("/commerce/orders/{id}")).await;
        assert_eq!(card["lines"], json!([]));
        assert_eq!(card["receiver"]["phone"], "138****0004");
        assert_eq!(card["receiver"]["address"], "天河区***");
        assert_eq!(card["customer"]["name"], "张三丰");
        assert_eq!(card["revenue_minor"], 900_000);
    }

    async fn the_workbench_shows_today_and_search_finds(db) {
        let shop = Shop::open(&db).await;
        let bench = shop.get("/insight/workbench").await;
        assert_eq!(bench["day"], "2026-01-01");
        assert_eq!(bench["orders"], json!({"value": 1, "before": 1}));
        assert_eq!(bench["revenue_minor"], json!({"value": 900_000, "before": 30_000}));
        assert_eq!(bench["new_customers"], json!({"value": 1, "before": 0}));
        assert_eq!(bench["revenue_by_day"].as_array().unwrap().len(), 90);
        assert_eq!(bench["revenue_by_day"][89]["revenue_minor"], 900_000);
        assert_eq!(bench["recent_imports"].as_array().unwrap().len(), 1);
        let kinds: Vec<String> =
            bench["attention"].as_array().unwrap().iter().map(|a| text(&a["kind"])).collect();
        assert!(kinds.contains(&"merge_suggestions".to_owned()), "{kinds:?}");

        let found = shop.get("/search?q=%E5%BC%A0%E4%B8%89").await;
        assert_eq!(found["customers"].as_array().unwrap().len(), 2);
        assert_eq!(found["orders"], json!([]));
        let found = shop.get("/search?q=210000000001").await;
        assert_eq!(found["customers"][0]["name"], "张三");
        assert_eq!(found["orders"][0]["external_no"], "210000000001");
        assert_eq!(shop.get("/search").await, json!({"customers": [], "orders": []}));
    }

    async fn exports_hold_what_lists_show(db) {
        let shop = Shop::open(&db).await;
        let csv = shop.ask("/customers/export?orders_min=1").await;
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        let body = String::from_utf8(csv.body.to_vec()).unwrap();
        assert!(body.starts_with("\u{feff}id,name,accounts,phone"), "{body}");
        assert_eq!(body.lines().count(), 1 + 4);
        assert!(body.contains("550.00") && body.contains("138****0001"), "{body}");
        assert!(!body.contains("13800000001"));
        let harmless = shop.ask("/customers/export?orders_max=0").await;
        let body = String::from_utf8(harmless.body.to_vec()).unwrap();
        assert!(body.contains(",'@王五,'=cmd,"), "{body}");

        let path = "/api/v1/customers/export?format=xlsx";
        let headers = [("cookie", shop.cookie.as_str()), ("accept-language", "zh-CN,zh;q=0.9")];
        let workbook = shop.house.get(path, &headers).await;
        assert_eq!(workbook.status, StatusCode::OK);
        assert!(workbook.body.starts_with(b"PK"));
        let left = std::fs::read_dir(db.folder().join("tmp")).unwrap().count();
        assert_eq!(left, 0, "nothing is left behind");
    }

    async fn rfm_refuses_to_add_currencies(db) {
        let shop = Shop::open(&db).await;
        let rfm = shop.get("/insight/rfm?bins=5&as_of=2025-12-31&compare_to=2025-06-30").await;
        assert_eq!((&rfm["customers"], &rfm["as_of"]), (&json!(3), &json!("2025-12-31")));
        assert!(rfm["movement"].is_array());
        let body = json!({"name": "London", "channel": "own", "currency": "GBP"});
        let london = shop.post("/commerce/shops", &body).await;
        shop.import(&db, "第二店", &ORDERS.replace("2100", "3100")).await;
        let answer = shop.ask("/insight/rfm").await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(text(&answer.json()["errors"][0]["message"]).contains("CNY, GBP"));
        let one = shop.get(&format!("/insight/rfm?shop={}", text(&london["id"]))).await;
        assert_eq!((&one["currency"], &one["customers"]), (&json!("GBP"), &json!(0)));
    }
}
