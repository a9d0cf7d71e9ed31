//! The file of rejected rows that comes for each file of an import.

use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::db_test;

use crate::house::{Answer, migrations};
use crate::imports::{Owner, assert_problem, path_of};

const ORDERS: &str = "订单编号,买家会员名,总金额,买家实际支付金额,订单状态,订单创建时间,退款金额\n\
                      1,买家,10.00,10.00,交易成功,2025-01-01 10:00:00,0\n";
const ITEMS: &str = "订单编号,标题,价格,购买数量,订单状态\n";
const LEAD: &str = "\u{feff}guanxi_line,guanxi_column,guanxi_reason,guanxi_order,";
/// More than one page.
const MANY: usize = 2_100;

async fn rejects(owner: &Owner, import: &Value, query: &str) -> Answer {
    let path = path_of(import, &format!("/rejects{query}"));
    owner.send("GET", &path, "", "application/json", vec![]).await
}

fn lines(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    std::str::from_utf8(&answer.body).unwrap().lines().collect()
}

db_test! { migrations();
    async fn rejected_rows_come_by_file(db) {
        let owner = Owner::at_work(&db).await;
        let items = format!("{ITEMS}1,茶,y,1,交易成功\n");
        let more = (0..MANY).fold(ITEMS.to_owned(), |text, no| text + &format!("9{no},壶,z,1,交易成功\n"));
        let begun = owner.import(&[
            ("shop", b"T"), ("file:orders.csv", ORDERS.as_bytes()),
            ("file:items.csv", items.as_bytes()), ("file:items.csv", more.as_bytes()),
        ]).await;
        assert_eq!(begun["files"][0].get("rejected"), None, "nothing is counted yet");
        let done = owner.import_in(&begun, "finished").await;
        let counts: Vec<&Value> = done["files"].as_array().unwrap().iter().map(|file| &file["rejected"]).collect();
        assert_eq!(counts, [&json!(0), &json!(1), &json!(MANY)], "{done}");
        assert_eq!(owner.get("/commerce/imports").await["items"][0]["files"][1].get("rejected"), None);

        let first = rejects(&owner, &done, "").await;
        assert_eq!(lines(&first).len(), 2, "of the first file that has any");
        assert!(lines(&first)[0].starts_with(&format!("{LEAD}订单编号,标题,价格")), "{:?}", lines(&first));
        assert!(lines(&first)[1].starts_with("2,价格,") && lines(&first)[1].contains("茶,y,1"), "{:?}", lines(&first));
        let third = rejects(&owner, &done, "?file=3&lang=zh-CN").await;
        assert_eq!(third.header("content-disposition"), "attachment; filename=\"rejects-1-3.csv\"");
        assert_eq!(lines(&third).len(), 1 + MANY);
        assert!(lines(&third)[MANY].contains(&format!("9{},壶,z", MANY - 1)), "{}", lines(&third)[MANY]);
        assert!(lines(&third)[MANY].contains("“z”不是数字"), "{}", lines(&third)[MANY]);
        let none = rejects(&owner, &done, "?file=1").await;
        assert_eq!(lines(&none), [format!("{LEAD}{}", ORDERS.lines().next().unwrap())]);
        for (wrong, words) in [("0", "from 1 to 3"), ("4", "from 1 to 3"), ("x", "file"), ("-1", "file")] {
            let refused = rejects(&owner, &done, &format!("?file={wrong}")).await;
            assert_problem(&refused, StatusCode::UNPROCESSABLE_ENTITY, "validation", &["file", words]);
        }

        let mended = String::from_utf8(first.body.to_vec()).unwrap().replace(",y,", ",10.00,");
        let again = owner.import(&[("shop", b"T"), ("file:mended.csv", mended.as_bytes())]).await;
        let again = owner.import_in(&again, "finished").await;
        assert_eq!((&again["lines_created"], &again["rejected"]), (&json!(1), &json!(0)), "{mended}");
        let undone = owner.post(&path_of(&again, "/undo"), "", &json!({})).await;
        assert_eq!(undone.status, StatusCode::ACCEPTED, "{:?}", undone.body);
        let undone = owner.post(&path_of(&done, "/undo"), "", &json!({})).await;
        assert_eq!(undone.status, StatusCode::ACCEPTED, "{:?}", undone.body);
        let undone = owner.get(&path_of(&done, "")).await;
        assert_eq!(undone["files"][2].get("rejected"), None, "there is nothing left to correct");
        owner.rest().await;
    }
}
