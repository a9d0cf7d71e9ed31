//! The plans on which the speed of an import stands. SQLite makes them by the fixed statistics of the
//! migrations.

use platform::args;
use platform::db::args::in_list;
use sqlx::AssertSqlSafe;
use testkit::TestDb;

use super::known_orders_sql;

#[tokio::test]
async fn known_orders_are_looked_up_by_all_columns_of_their_index() {
    let db = TestDb::sqlite(crate::MIGRATIONS).await;
    let mut tx = db.db().read().await.unwrap();
    let numbers = ["1", "2", "3"];
    let (list, values) = in_list(3, numbers.map(platform::Arg::from).into());
    let mut arguments = args![db.ctx().scope.org_arg(), 1_i64];
    arguments.extend(values);
    let sql = format!("EXPLAIN QUERY PLAN {}", known_orders_sql(&list));
    let plan: Vec<(i64, i64, i64, String)> =
        tx.fetch_all(AssertSqlSafe(sql), arguments).await.unwrap();
    let steps: Vec<&str> = plan.iter().map(|(.., step)| step.as_str()).collect();
    assert_eq!(
        steps,
        ["SEARCH commerce_orders USING INDEX commerce_orders_external \
          (org_id=? AND shop_number=? AND external_no=?)"]
    );
}

/// A plan may be right by luck; these statistics keep it so.
#[tokio::test]
async fn every_index_of_orders_has_its_fixed_statistics() {
    let db = TestDb::sqlite(crate::MIGRATIONS).await;
    let mut tx = db.db().read().await.unwrap();
    let indexes: Vec<(String, Option<String>)> = tx
        .fetch_all(
            "SELECT name, (SELECT stat FROM sqlite_stat1 WHERE idx = name) FROM sqlite_master
             WHERE type = 'index' AND tbl_name IN ('commerce_orders', 'commerce_order_lines')",
            args![],
        )
        .await
        .unwrap();
    assert!(indexes.len() >= 4, "{indexes:?}");
    assert!(indexes.iter().all(|(_, stat)| stat.is_some()), "{indexes:?}");
}
