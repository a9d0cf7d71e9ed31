//! Coupons through the whole program: defined, made by the batch, claimed, given, seen.

use axum::http::StatusCode;
use kernel::{CouponBatchId, CouponGiftId, OrgId};
use loyalty::coupons::batch;
use serde_json::{Value, json};
use testkit::{TestDb, db_test};

use crate::house::{Answer, migrations};
use crate::reading::{Shop, text};

/// Ten yuan off from a hundred on, to be claimed, valid for thirty days.
fn ten_off(name: &str) -> Value {
    json!({"name": name, "rules": {
        "terms": {
            "currency": "CNY",
            "kind": {"type": "amount_off", "threshold_minor": 10_000, "off_minor": 1_000},
        },
        "uses": {"total": 1_000},
        "claims": {"total": 100, "per_person": 1},
        "validity": {"type": "days", "days": 30},
        "is_claimable": true,
        "budget_minor": 1_000_000,
        "refund": {"type": "return", "grace_days": 3},
    }})
}

/// A definition that is live; gives its path.
async fn live(shop: &Shop, body: &Value) -> String {
    let made = shop.post("/loyalty/coupons", body).await;
    let path = format!("/loyalty/coupons/{}", text(&made["id"]));
    let done = shop.send("PUT", &format!("{path}/state"), &[], &json!({"state": "live"})).await;
    assert_eq!(done.status, StatusCode::OK, "{:?}", done.body);
    path
}

fn refused(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.code())
}

fn fields(answer: &Answer) -> Vec<String> {
    let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| text(&error["field"])).collect()
}

async fn post(shop: &Shop, path: &str, body: &Value) -> Answer {
    shop.send("POST", path, &[], body).await
}

/// Makes all codes of a batch, as the job does.
async fn make(db: &TestDb, id: &str) {
    let id: CouponBatchId = id.parse().unwrap();
    let cx = db.ctx();
    let mut tx = db.db().begin_for(cx.scope).await.unwrap();
    assert_eq!(batch::make_more(&mut tx, &cx, id, 10_000).await.unwrap(), 0);
    tx.commit().await.unwrap();
}

/// The codes of a batch, as the file has them.
async fn codes(shop: &Shop, batch: &str) -> Vec<String> {
    let answer = shop.ask(&format!("/loyalty/coupon-batches/{batch}/codes")).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    let file = String::from_utf8(answer.body.to_vec()).unwrap();
    let mut lines = file.trim_start_matches('\u{feff}').lines();
    assert_eq!(lines.next(), Some("number,code"));
    lines
        .enumerate()
        .map(|(at, line)| {
            let (number, code) = line.split_once(',').unwrap();
            assert_eq!(number, (at + 1).to_string());
            code.to_owned()
        })
        .collect()
}

/// Carries a gift out, as the job does; gives what came of it.
async fn carry_out(shop: &Shop, db: &TestDb, gift: &Value) -> Value {
    let id = text(&gift["id"]);
    let engine = shop.house.state.engines.of(OrgId::FIRST);
    flows::loyalty::coupons::run(&engine, &db.ctx(), id.parse::<CouponGiftId>().unwrap())
        .await
        .unwrap();
    shop.get(&format!("/loyalty/coupon-gifts/{id}")).await
}

/// The cookie of somebody with a role of their own.
async fn somebody(shop: &Shop, db: &TestDb, name: &str, rights: &[&str], reach: &str) -> String {
    let role = json!({"name": name, "title": name, "rights": rights, "reach": reach});
    shop.post("/identity/roles", &role).await;
    let email = format!("{name}@example.com");
    shop.house.add_user(db, &email, name).await;
    shop.house.cookie_of(&email).await
}

db_test! { migrations();
    async fn definitions_are_made_changed_and_moved_through_their_life(db) {
        let shop = Shop::open(&db).await;
        let key = [("idempotency-key", "first")];
        let first = shop.send("POST", "/loyalty/coupons", &key, &ten_off("满百减十")).await;
        assert_eq!(first.status, StatusCode::CREATED, "{:?}", first.body);
        let again = shop.send("POST", "/loyalty/coupons", &key, &ten_off("满百减十")).await;
        assert_eq!((again.json(), again.header("idempotency-replayed")), (first.json(), "true"));
        let made = first.json();
        assert_eq!((&made["state"], &made["version"]), (&json!("draft"), &json!(1)));
        assert_eq!(made["totals"], json!({"uses": 0, "claims": 0, "spent_minor": 0}));
        let path = format!("/loyalty/coupons/{}", text(&made["id"]));
        let twice = post(&shop, "/loyalty/coupons", &ten_off(" 满百减十 ")).await;
        assert_eq!((refused(&twice).0, fields(&twice)), (422, vec!["name".to_owned()]));

        // The job that ends what is due begins with the first definition.
        let jobs = shop.get("/platform/jobs?limit=200").await;
        let jobs = jobs["items"].as_array().unwrap().iter().filter(|job| job["kind"] == "loyalty.offers_due");
        assert_eq!(jobs.count(), 1);

        let mut wider = ten_off("满百减二十");
        wider["rules"]["terms"]["kind"]["off_minor"] = json!(2_000);
        let changed = shop.send("PUT", &path, &[("if-match", "\"1\"")], &wider).await;
        assert_eq!((changed.status, changed.header("etag")), (StatusCode::OK, "\"2\""));
        let late = shop.send("PUT", &path, &[("if-match", "\"1\"")], &wider).await;
        assert_eq!(refused(&late), (412, "stale_version".to_owned()));
        assert_eq!(late.json()["current"]["version"], 2);
        let without = shop.send("PUT", &path, &[], &wider).await;
        assert_eq!(without.status, StatusCode::PRECONDITION_REQUIRED);
        let versions = shop.get(&format!("{path}/versions")).await;
        let off: Vec<_> = versions["items"].as_array().unwrap().iter()
            .map(|one| (one["version"].as_i64().unwrap(), one["rules"]["terms"]["kind"]["off_minor"].as_i64().unwrap()))
            .collect();
        assert_eq!(off, [(2, 2_000), (1, 1_000)]);

        let state = async |state: &str| shop.send("PUT", &format!("{path}/state"), &[], &json!({"state": state})).await;
        assert_eq!(refused(&state("stopped").await), (409, "wrong_state".to_owned()));
        assert_eq!(state("live").await.json()["state"], "live");
        // Which limits there are stays as it was when it went live.
        wider["rules"]["claims"] = json!({});
        let frozen = shop.send("PUT", &path, &[("if-match", "\"2\"")], &wider).await;
        assert_eq!(refused(&frozen), (409, "frozen".to_owned()));
        for next in ["stopped", "live", "live", "ended"] {
            assert_eq!(state(next).await.json()["state"], next);
        }
        assert_eq!(refused(&state("live").await), (409, "wrong_state".to_owned()));

        for name in ["b", "c", "d"] {
            shop.post("/loyalty/coupons", &ten_off(name)).await;
        }
        let names = |page: &Value| -> Vec<String> {
            page["items"].as_array().unwrap().iter().map(|row| text(&row["name"])).collect()
        };
        let page = shop.get("/loyalty/coupons?limit=3").await;
        assert_eq!(names(&page), ["d", "c", "b"]);
        let rest = shop.get(&format!("/loyalty/coupons?limit=3&after={}", text(&page["next"]))).await;
        assert_eq!((names(&rest), &rest["next"]), (vec!["满百减二十".to_owned()], &Value::Null));
        assert_eq!(names(&shop.get("/loyalty/coupons?state=ended").await), ["满百减二十"]);
        for wrong in ["state=x", "limit=0", "limit=201", "after=x", "more=1"] {
            assert_eq!(shop.ask(&format!("/loyalty/coupons?{wrong}")).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        }
    }

    async fn hostile_definitions_are_refused_with_their_fields(db) {
        let shop = Shop::open(&db).await;
        let with = |place: &str, value: Value| {
            let mut body = ten_off("x");
            *body.pointer_mut(place).unwrap() = value;
            body
        };
        for (body, field) in [
            (with("/name", json!(" ")), "name"),
            (with("/name", json!("x".repeat(61))), "name"),
            (with("/name", json!("a\u{0}b")), "name"),
            (with("/rules/terms/kind/off_minor", json!(-1)), "terms.kind.off_minor"),
            (with("/rules/terms/kind", json!({"type": "flash_sale", "unit_price_minor": 1})), "terms.kind.type"),
            (with("/rules/terms", json!([])), "terms"),
            (with("/rules/terms", json!({"id": "x", "currency": "CNY"})), "terms.id"),
            (with("/rules/validity", json!({"type": "days", "days": 0})), "validity.days"),
            (with("/rules/validity", json!({"type": "fixed", "from": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"})), "validity.until"),
            (with("/rules/budget_minor", json!(0)), "budget_minor"),
        ] {
            let answer = post(&shop, "/loyalty/coupons", &body).await;
            let name = fields(&answer);
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}: {:?}", answer.body);
            assert!(name.iter().any(|one| one == field) || field == "name", "{field}: {name:?}");
        }
        let mut code = ten_off("code");
        code["rules"]["code"] = json!("优惠");
        code["rules"]["window"] = json!({"from": "2026-02-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"});
        code["rules"]["levels"] = json!(["x".repeat(201)]);
        let answer = post(&shop, "/loyalty/coupons", &code).await;
        assert_eq!(fields(&answer), ["window.until", "levels", "code"]);
        for (path, body) in [
            ("/loyalty/coupons", json!({"name": "x"})),
            ("/loyalty/coupons", json!({"name": "x", "rules": {}, "more": 1})),
            ("/loyalty/coupons", json!([])),
            ("/loyalty/coupon-claims", json!({"customer": "x", "code": "y"})),
        ] {
            assert_eq!(post(&shop, path, &body).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {body}");
        }
        let nobody = "/loyalty/coupons/cpd_01h455vb4pex5vsknk084sn02q";
        for path in ["", "/versions", "/funnel", "/batches", "/gifts"] {
            assert_eq!(shop.ask(&format!("{nobody}{path}")).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(post(&shop, &format!("{nobody}/batches"), &json!({"size": 1})).await.status, StatusCode::NOT_FOUND);
        let live = live(&shop, &ten_off("live")).await;
        for size in [json!(0), json!(1_000_001), json!(-1), json!("1"), json!(1.5)] {
            let answer = post(&shop, &format!("{live}/batches"), &json!({"size": size})).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{size}");
        }
    }

    async fn codes_are_made_exported_on_record_and_claimed(db) {
        let shop = Shop::open(&db).await;
        let path = live(&shop, &ten_off("codes")).await;
        let key = [("idempotency-key", "batch")];
        let batches = format!("{path}/batches");
        let asked = shop.send("POST", &batches, &key, &json!({"size": 2_003})).await;
        assert_eq!(asked.status, StatusCode::ACCEPTED, "{:?}", asked.body);
        shop.send("POST", &batches, &key, &json!({"size": 2_003})).await;
        let listed = shop.get(&batches).await;
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
        let batch = text(&listed["items"][0]["id"]);
        let early = shop.ask(&format!("/loyalty/coupon-batches/{batch}/codes")).await;
        assert_eq!(refused(&early), (409, "wrong_state".to_owned()));
        make(&db, &batch).await;
        let one = shop.get(&format!("/loyalty/coupon-batches/{batch}")).await;
        assert_eq!((&one["made"], &one["size"]), (&json!(2_003), &json!(2_003)));
        // Only who may take codes takes them, and it is on record.
        let manager = somebody(&shop, &db, "manager", &["loyalty.coupons", "customers.read"], "all").await;
        let file = format!("/api/v1/loyalty/coupon-batches/{batch}/codes");
        let answer = shop.house.get(&file, &[("cookie", &manager)]).await;
        assert_eq!(refused(&answer), (403, "right_missing".to_owned()));
        let exports = async || {
            let log = shop.get("/platform/audit?action=loyalty.codes.export").await;
            log["items"].as_array().unwrap().len()
        };
        assert_eq!(exports().await, 0);
        let made = codes(&shop, &batch).await;
        assert_eq!((made.len(), exports().await), (2_003, 1));
        assert_eq!(codes(&shop, &batch).await, made);
        let chinese = [("cookie", shop.cookie.as_str()), ("accept-language", "zh-CN")];
        let chinese = shop.house.get(&file, &chinese).await;
        assert!(String::from_utf8(chinese.body.to_vec()).unwrap().starts_with("\u{feff}序号,券码\r\n1,"));

        let customer = shop.id_of("tealover").await;
        let wallet = format!("/loyalty/customers/{customer}/coupons");
        let entered = made[7].to_lowercase().replace('-', " ");
        let claimed = post(&shop, &wallet, &json!({"code": entered})).await;
        assert_eq!(claimed.status, StatusCode::CREATED, "{:?}", claimed.body);
        assert_eq!(claimed.json()["kind"]["name"], "codes");
        let again = post(&shop, &wallet, &json!({"code": made[7]})).await;
        assert_eq!(again.json()["id"], claimed.json()["id"]);
        let other = format!("/loyalty/customers/{}/coupons", shop.id_of("lisi").await);
        let taken = post(&shop, &other, &json!({"code": made[7]})).await;
        assert_eq!(refused(&taken), (409, "already_claimed".to_owned()));
        let more = post(&shop, &wallet, &json!({"code": made[8]})).await;
        assert_eq!(refused(&more), (409, "limit_person".to_owned()));
        let funnel = json!({"issued": 2_003, "claimed": 1, "locked": 0, "redeemed": 0, "refunded": 0,
            "states": {"issued": 2_002, "claimed": 1}});
        assert_eq!(shop.get(&format!("{path}/funnel")).await, funnel);
        assert_eq!(shop.get(&format!("/loyalty/coupon-batches/{batch}/funnel")).await, funnel);
        assert_eq!(shop.get(&path).await["totals"]["claims"], 1);
    }

    async fn guessing_is_slow_and_a_right_code_is_no_guess(db) {
        let shop = Shop::open(&db).await;
        let mut free = ten_off("free");
        free["rules"]["claims"] = json!({});
        let path = live(&shop, &free).await;
        let made = shop.post(&format!("{path}/batches"), &json!({"size": 30})).await;
        let batch = text(&made["id"]);
        make(&db, &batch).await;
        let codes = codes(&shop, &batch).await;
        let claims = "/loyalty/coupon-claims";
        let customer = shop.id_of("tealover").await;
        let enter = async |code: &str| post(&shop, claims, &json!({"customer": customer, "code": code})).await;
        // Right ones cost no try, refused ones neither.
        for code in &codes[..12] {
            assert_eq!(enter(code).await.status, StatusCode::CREATED);
        }
        let other = shop.id_of("lisi").await;
        post(&shop, claims, &json!({"customer": other, "code": codes[20]})).await;
        for _ in 0..12 {
            assert_eq!(refused(&enter(&codes[20]).await), (409, "already_claimed".to_owned()));
        }
        for wrong in ["0000-0000-0000-0000", "优惠", "", "x"].iter().cycle().take(10) {
            assert_eq!(fields(&enter(wrong).await), ["code"], "{wrong}");
        }
        let blocked = enter(&codes[15]).await;
        assert_eq!(blocked.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(blocked.header("retry-after").parse::<u32>().unwrap() <= 600);
        // Others are not held up, and this one no longer than ten minutes.
        let else_ = post(&shop, claims, &json!({"customer": other, "code": codes[16]})).await;
        assert_eq!(else_.status, StatusCode::CREATED);
        db.clock().advance_millis(600_000);
        assert_eq!(enter(&codes[15]).await.status, StatusCode::CREATED);
    }

    async fn claims_by_button_keep_limits_levels_and_keys(db) {
        let shop = Shop::open(&db).await;
        let mut button = ten_off("button");
        button["rules"]["validity"]["days"] = json!(1);
        let path = live(&shop, &button).await;
        let id = path.rsplit('/').next().unwrap().to_owned();
        let customer = shop.id_of("tealover").await;
        let claim = async |customer: &str, key: &str| {
            let body = json!({"customer": customer, "coupon": id, "key": key});
            post(&shop, "/loyalty/coupon-claims", &body).await
        };
        let first = claim(&customer, "banner").await;
        assert_eq!(first.status, StatusCode::CREATED, "{:?}", first.body);
        assert_eq!(first.json()["is_usable"], true);
        assert_eq!(claim(&customer, "banner").await.json()["id"], first.json()["id"]);
        assert_eq!(refused(&claim(&customer, "pop-up").await), (409, "limit_person".to_owned()));
        assert_eq!(claim("cus_01h455vb4pex5vsknk084sn02q", "banner").await.status, StatusCode::NOT_FOUND);
        // Who was merged into somebody has no limit of its own.
        let (lisi, two) = (shop.id_of("lisi").await, shop.id_of("lisi_two").await);
        assert_eq!(claim(&two, "banner").await.status, StatusCode::CREATED);
        shop.post("/customers/merges", &json!({"keep": lisi, "absorb": two})).await;
        assert_eq!(refused(&claim(&lisi, "banner").await), (409, "limit_person".to_owned()));
        let wallet = shop.get(&format!("/loyalty/customers/{lisi}/coupons?usable=true")).await;
        assert_eq!((wallet["items"].as_array().unwrap().len(), &wallet["items"][0]["customer"]), (1, &json!(two)));
        assert!(wallet["items"][0]["kind"].get("budget_minor").is_none());

        let mut gold = ten_off("gold");
        gold["rules"]["levels"] = json!(["gold"]);
        let gold = live(&shop, &gold).await;
        let body = json!({"coupon": gold.rsplit('/').next(), "key": "k"});
        let answer = post(&shop, &format!("/loyalty/customers/{customer}/coupons"), &body).await;
        assert_eq!(refused(&answer), (409, "level".to_owned()));
        let mut hidden = ten_off("hidden");
        hidden["rules"]["is_claimable"] = json!(false);
        let hidden = live(&shop, &hidden).await;
        let body = json!({"coupon": hidden.rsplit('/').next(), "key": "k"});
        let answer = post(&shop, &format!("/loyalty/customers/{customer}/coupons"), &body).await;
        assert_eq!(refused(&answer), (409, "not_claimable".to_owned()));
        shop.send("PUT", &format!("{path}/state"), &[], &json!({"state": "stopped"})).await;
        assert_eq!(refused(&claim(&shop.id_of("wholesale").await, "k").await), (409, "wrong_state".to_owned()));
        // Usable ones alone end with their time.
        let usable = format!("/loyalty/customers/{customer}/coupons?usable=true");
        assert_eq!(shop.get(&usable).await["items"].as_array().unwrap().len(), 1);
        db.clock().advance_millis(24 * 3_600_000);
        assert!(shop.get(&usable).await["items"].as_array().unwrap().is_empty());
    }

    async fn an_audience_gets_one_each_and_who_did_not_is_counted(db) {
        let shop = Shop::open(&db).await;
        let path = live(&shop, &ten_off("gift")).await;
        let gifts = format!("{path}/gifts");
        let audience = shop.post("/insight/audiences", &json!({"name": "买过的", "text": "orders >= 1"})).await;
        let id = audience["id"].clone();
        let key = [("idempotency-key", "gift")];
        let asked = shop.send("POST", &gifts, &key, &json!({"audience": id})).await;
        assert_eq!(asked.status, StatusCode::ACCEPTED, "{:?}", asked.body);
        let asked = shop.send("POST", &gifts, &key, &json!({"audience": id})).await.json();
        assert_eq!((&asked["state"], &asked["customers"]), (&json!("waiting"), &json!(4)));
        let done = carry_out(&shop, &db, &asked).await;
        let told = |gift: &Value| ["customers", "given", "had_one", "gone"].map(|name| gift[name].as_i64().unwrap());
        assert_eq!((&done["state"], told(&done)), (&json!("done"), [4, 4, 0, 0]));
        assert_eq!(told(&carry_out(&shop, &db, &asked).await), [4, 4, 0, 0]);
        assert_eq!(shop.get(&format!("{path}/funnel")).await["claimed"], 4);

        // Everybody has an unused one now, but for who never bought.
        let all = shop.post("/insight/audiences", &json!({"name": "所有人", "text": "everyone"})).await;
        let body = json!({"audience": all["id"], "skips_holders": true});
        let (lisi, two) = (shop.id_of("lisi").await, shop.id_of("lisi_two").await);
        let second = shop.post(&gifts, &body).await;
        shop.post("/customers/merges", &json!({"keep": lisi, "absorb": two})).await;
        let done = carry_out(&shop, &db, &second).await;
        assert_eq!((&done["state"], told(&done)), (&json!("done"), [4, 1, 3, 0]));
        let third = shop.post(&gifts, &json!({"audience": all["id"]})).await;
        shop.send("PUT", &format!("{path}/state"), &[], &json!({"state": "stopped"})).await;
        let done = carry_out(&shop, &db, &third).await;
        assert_eq!((&done["state"], told(&done)), (&json!("stopped"), [4, 0, 0, 0]));
        assert_eq!(refused(&post(&shop, &gifts, &body).await), (409, "wrong_state".to_owned()));
        shop.send("PUT", &format!("{path}/state"), &[], &json!({"state": "live"})).await;
        let fourth = shop.post(&gifts, &json!({"audience": id})).await;
        let gone = shop.send("DELETE", &format!("/insight/audiences/{}", text(&id)), &[], &json!({})).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        let done = carry_out(&shop, &db, &fourth).await;
        assert_eq!((&done["state"], &done["given"]), (&json!("failed"), &json!(0)));
        assert!(!text(&done["why"]).is_empty());
        assert_eq!(shop.get(&gifts).await["items"].as_array().unwrap().len(), 4);

        let nobody = shop.post("/insight/audiences", &json!({"name": "没有人", "text": "nobody"})).await;
        assert_eq!(fields(&post(&shop, &gifts, &json!({"audience": nobody["id"]})).await), ["audience"]);
        assert_eq!(post(&shop, &gifts, &json!({"audience": id})).await.status, StatusCode::NOT_FOUND);
        let blind = somebody(&shop, &db, "blind", &["loyalty.coupons"], "all").await;
        let headers = [("cookie", blind.as_str()), ("sec-fetch-site", "same-origin")];
        let answer = shop.house.post(&format!("/api/v1{gifts}"), &headers, &json!({"audience": all["id"]})).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        let log = shop.get("/platform/audit?action=loyalty.coupon.assign").await;
        // Four were asked for, and four ended.
        assert_eq!(log["items"].as_array().unwrap().len(), 8);
    }

    async fn wallets_are_cut_by_reach_and_coupons_are_for_who_manages_them(db) {
        let shop = Shop::open(&db).await;
        let path = live(&shop, &ten_off("mine")).await;
        let coupon = path.rsplit('/').next().unwrap().to_owned();
        let (own, foreign) = (shop.id_of("tealover").await, shop.id_of("lisi").await);
        for customer in [&own, &foreign] {
            shop.post(&format!("/loyalty/customers/{customer}/coupons"), &json!({"coupon": coupon, "key": "k"})).await;
        }
        let rep = somebody(&shop, &db, "rep", &["customers.read", "loyalty.read"], "own").await;
        let users = shop.get("/identity/users?limit=100").await;
        let user = users["items"].as_array().unwrap().iter().find(|user| user["email"] == "rep@example.com").unwrap().clone();
        shop.post("/customers/bulk/owner", &json!({"customers": [own], "owner": user["id"]})).await;
        let sees = async |path: &str| shop.house.get(&format!("/api/v1{path}"), &[("cookie", &rep)]).await;
        let wallet = sees(&format!("/loyalty/customers/{own}/coupons")).await;
        assert_eq!(wallet.json()["items"].as_array().unwrap().len(), 1, "{:?}", wallet.body);
        let other = sees(&format!("/loyalty/customers/{foreign}/coupons")).await;
        assert_eq!(other.status, StatusCode::NOT_FOUND);
        for path in ["/loyalty/coupons", &path, &format!("{path}/funnel"), &format!("{path}/gifts")] {
            assert_eq!(refused(&sees(path).await), (403, "right_missing".to_owned()), "{path}");
        }
        let headers = [("cookie", rep.as_str()), ("sec-fetch-site", "same-origin")];
        let body = json!({"coupon": coupon, "key": "l"});
        let answer = shop.house.post(&format!("/api/v1/loyalty/customers/{own}/coupons"), &headers, &body).await;
        assert_eq!(refused(&answer), (403, "right_missing".to_owned()));
        // Pages of a wallet.
        let mut free = ten_off("free");
        free["rules"]["claims"] = json!({});
        let free = live(&shop, &free).await;
        for key in ["a", "b", "c"] {
            let body = json!({"coupon": free.rsplit('/').next(), "key": key});
            shop.post(&format!("/loyalty/customers/{own}/coupons"), &body).await;
        }
        let page = shop.get(&format!("/loyalty/customers/{own}/coupons?limit=3")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), 3);
        let rest = shop.get(&format!("/loyalty/customers/{own}/coupons?limit=3&after={}", text(&page["next"]))).await;
        assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
        // A shop with a token of its own right claims, and does nothing else.
        let till = somebody(&shop, &db, "till", &["loyalty.checkout"], "all").await;
        let headers = [("cookie", till.as_str()), ("sec-fetch-site", "same-origin")];
        let body = json!({"customer": foreign, "coupon": free.rsplit('/').next(), "key": "k"});
        let answer = shop.house.post("/api/v1/loyalty/coupon-claims", &headers, &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.body);
        let answer = shop.house.get("/api/v1/loyalty/coupons", &[("cookie", &till)]).await;
        assert_eq!(refused(&answer), (403, "right_missing".to_owned()));
    }
}
