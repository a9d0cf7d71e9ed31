//! Whoever refused automated decisions (PIPL art. 24) is withheld from what the program recommends.

use serde_json::{Value, json};
use testkit::{TestDb, db_test};

use crate::house::migrations;
use crate::reading::{ORDERS, Shop, text};

async fn say(shop: &Shop, customer: &str, granted: bool, more: Value) {
    let mut body = json!({"channels": ["phone"], "purposes": ["automated_decision"],
        "granted": granted, "source": "phone"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    shop.post(&format!("/customers/{customer}/consents"), &body).await;
}

/// Otherwise tiers would move when the engine gets round to it.
async fn settled(shop: &Shop) {
    let engine = shop.house.state.engines.of(kernel::OrgId::FIRST);
    engine.fresh().await.unwrap();
    engine.rescore().await.unwrap();
}

/// Customers of whom the list, the card, the tiers and the cells say that they refused.
async fn refused(shop: &Shop) -> Vec<String> {
    settled(shop).await;
    let all = shop.get("/customers?limit=100").await["items"].as_array().unwrap().clone();
    let by_rows: Vec<&Value> = all.iter().filter(|row| row["automated"] == "refused").collect();
    for row in &all {
        let card = shop.get(&format!("/customers/{}", text(&row["id"]))).await;
        assert_eq!((&card["automated"], &card["action"]), (&row["automated"], &row["action"]));
        let recommends = row["automated"] == "allowed" && row["tier"].is_string();
        assert_eq!(row["action"].is_string(), recommends, "{row}");
    }
    let mut ids: Vec<String> = by_rows.iter().map(|row| text(&row["id"])).collect();
    ids.sort();
    for (filter, expected) in [("refused", ids.len()), ("allowed", all.len() - ids.len())] {
        let list = shop.get(&format!("/customers?automated={filter}&limit=100")).await;
        assert_eq!(list["total"], expected, "{filter}");
        assert!(list["items"].as_array().unwrap().iter().all(|row| row["automated"] == filter));
    }
    // Tiers and cells count those who are scored.
    let scored = by_rows.iter().filter(|row| row["tier"].is_string()).count() as u64;
    let rfm = shop.get("/insight/rfm").await;
    for sums in ["tiers", "cells"] {
        let withheld =
            rfm[sums].as_array().unwrap().iter().map(|sum| sum["withheld"].as_u64().unwrap());
        assert_eq!(withheld.sum::<u64>(), scored, "{sums}");
    }
    ids
}

async fn slipping(shop: &Shop) -> u64 {
    settled(shop).await;
    let attention = shop.get("/insight/workbench").await["attention"].as_array().unwrap().clone();
    let found = attention.iter().find(|one| one["kind"] == "slipping_away");
    if let Some(found) = found {
        // The page that it leads to lists as many.
        let link = text(&found["link"]);
        return shop_count(shop, &link, found["count"].as_u64().unwrap()).await;
    }
    0
}

async fn shop_count(shop: &Shop, link: &str, count: u64) -> u64 {
    assert_eq!(shop.get(link).await["total"], count, "{link}");
    count
}

async fn reloaded(shop: &Shop) {
    shop.house.state.engines.of(kernel::OrgId::FIRST).reload().await.unwrap();
}

async fn merged_suggestions(db: &TestDb) -> i64 {
    let mut tx = db.db().read().await.unwrap();
    let sql = "SELECT COUNT(*) FROM customers_merges WHERE undone_at IS NULL";
    tx.fetch_one::<(i64,)>(sql, vec![]).await.unwrap().0
}

db_test! { migrations();
    async fn nothing_is_recommended_about_who_refused(db) {
        let shop = Shop::open(&db).await;
        // Somebody who bought much, and long ago.
        let mut old = ORDERS.lines().next().unwrap().to_owned() + "\n";
        for n in 1..=9 {
            old += &format!("41000000000{n},oldfriend,周旧,13800000077,浙江省,2022-0{n}-10,900.00,,completed,龙井,西湖区,旧路 1 号\n");
        }
        shop.import(&db, "旧店", &old).await;
        assert_eq!(refused(&shop).await, Vec::<String>::new());
        let before = slipping(&shop).await;
        assert!(before > 0, "somebody slips away in this shop");
        let list = shop.get("/customers?tier=at_risk&tier=cant_lose").await;
        let one = text(&list["items"][0]["id"]);
        say(&shop, &one, false, json!({})).await;
        assert_eq!(refused(&shop).await, std::slice::from_ref(&one));
        assert_eq!(slipping(&shop).await, before - 1);
        // The same when the program starts again.
        reloaded(&shop).await;
        assert_eq!(refused(&shop).await, std::slice::from_ref(&one));
        assert_eq!(slipping(&shop).await, before - 1);
        let file = shop.ask("/customers/export?format=csv").await;
        let file = String::from_utf8_lossy(&file.body).into_owned();
        assert_eq!(file.lines().filter(|line| line.contains(",opted_out,")).count(), 1, "{file}");
        assert!(file.lines().any(|line| line.contains(&one) && line.contains(",opted_out,")));
        let wrong = shop.ask("/customers?automated=perhaps").await;
        assert_eq!(wrong.json()["errors"][0]["field"], "automated");

        // A grant by another way ends nothing; one by every way does, until its end.
        say(&shop, &one, true, json!({"channels": ["sms"]})).await;
        assert_eq!(refused(&shop).await, std::slice::from_ref(&one));
        db.clock().advance_millis(1_000);
        let end = shop.house.state.platform.now().plus_millis(60_000);
        say(&shop, &one, true, json!({"channels": ["any"], "expires_at": end.to_string()})).await;
        assert_eq!(refused(&shop).await, Vec::<String>::new());
        assert_eq!(slipping(&shop).await, before);
        db.clock().advance_millis(60_000);
        assert_eq!(refused(&shop).await, std::slice::from_ref(&one), "nobody wrote anything");
    }

    async fn a_family_is_of_one_word_and_an_erasure_keeps_it(db) {
        let shop = Shop::open(&db).await;
        let (one, two) = (shop.id_of("lisi").await, shop.id_of("lisi_two").await);
        say(&shop, &two, false, json!({"channels": ["any"]})).await;
        let merge = shop.post("/customers/merges", &json!({"keep": one, "absorb": two})).await;
        assert_eq!(refused(&shop).await, std::slice::from_ref(&one));
        let absorbed = shop.get(&format!("/customers/{two}")).await;
        assert_eq!((&absorbed["automated"], &absorbed["action"]), (&json!("refused"), &Value::Null));
        reloaded(&shop).await;
        assert_eq!(refused(&shop).await, std::slice::from_ref(&one));
        let parted = shop.send("DELETE", &format!("/customers/merges/{}", text(&merge["id"])), &[], &json!({})).await;
        assert!(parted.status.is_success());
        assert_eq!(refused(&shop).await, std::slice::from_ref(&two));
        shop.post(&format!("/customers/{two}/erasure"), &json!({"reason": "request", "dry_run": false})).await;
        assert_eq!(refused(&shop).await, std::slice::from_ref(&two), "that it was refused stays");
    }

    async fn a_list_of_refusals_holds_at_once_and_nobody_is_merged_by_machine(db) {
        let shop = Shop::open(&db).await;
        let list = "contact,channel,purpose,decision\n13800000002,any,automated_decision,refused\n";
        let done = shop.post("/customers/consents/import", &json!({"csv": list})).await;
        assert_eq!(done["added"], 2, "both who have the number");
        let mut both = vec![shop.id_of("lisi").await, shop.id_of("lisi_two").await];
        both.sort();
        assert_eq!(refused(&shop).await, both);
        // They share a number, and are left to people.
        shop.send("PUT", "/customers/settings", &[], &json!({"merge_by_itself": true})).await;
        let platform = &shop.house.state.platform;
        flows::merge_by_itself::merge_by_itself(platform, kernel::OrgId::FIRST).await.unwrap();
        assert_eq!(merged_suggestions(&db).await, 0);
        say(&shop, &both[0], true, json!({"channels": ["any"]})).await;
        say(&shop, &both[1], true, json!({"channels": ["any"]})).await;
        assert_eq!(refused(&shop).await, both, "of one moment the refusal holds");
        db.clock().advance_millis(1_000);
        say(&shop, &both[0], true, json!({"channels": ["any"]})).await;
        say(&shop, &both[1], true, json!({"channels": ["any"]})).await;
        flows::merge_by_itself::merge_by_itself(platform, kernel::OrgId::FIRST).await.unwrap();
        assert_eq!(merged_suggestions(&db).await, 1);
    }

    async fn a_request_is_answered_by_the_refusal(db) {
        let shop = Shop::open(&db).await;
        let one = shop.id_of("tealover").await;
        let request = shop.post("/customers/person-requests", &json!({"customer": one, "kind": "restriction"})).await;
        say(&shop, &one, false, json!({"channels": ["any"]})).await;
        let path = format!("/customers/person-requests/{}/finish", text(&request["id"]));
        let done = shop.post(&path, &json!({"done": true, "answer": "recorded"})).await;
        assert_eq!(done["deed"]["action"], "customers.consent.add");
        assert_eq!(refused(&shop).await, [one]);
    }
}
