//! Work that is dropped in the middle, as by a job that is cancelled.

use std::time::Duration;

use platform::{Arg, BulkRows, DbError, args};
use testkit::db_test;

use crate::support::MIGRATIONS;

/// Rows in one insert: enough for several messages to the database.
const ROWS: i64 = 2_000;

async fn insert(db: &platform::Db, n: i64) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    let mut rows = BulkRows::new("platform_probe", &["org_id", "name", "n"]);
    (0..ROWS).for_each(|row| rows.push([Arg::from(n), Arg::from("probe"), Arg::from(row)]));
    tx.bulk_insert(rows).await?;
    tx.commit().await
}

db_test! { MIGRATIONS;
    async fn an_insert_that_is_cut_off_leaves_whole_connections_behind(db) {
        let mut done = 0;
        for n in 0..200 {
            // A little longer each time, so that it is cut off everywhere.
            let patience = Duration::from_micros(40 * n as u64);
            if let Ok(inserted) = tokio::time::timeout(patience, insert(db.db(), n)).await {
                inserted.unwrap();
                done += 1;
            }
            let mut tx = db.db().begin().await.unwrap();
            let (sum,): (i64,) = tx.fetch_one("SELECT CAST($1 AS BIGINT)", args![n]).await.unwrap();
            assert_eq!(sum, n, "a connection answers what it is asked");
            tx.commit().await.unwrap();
        }
        insert(db.db(), 1_000).await.unwrap();
        let mut tx = db.db().begin().await.unwrap();
        let (rows,): (i64,) =
            tx.fetch_one("SELECT COUNT(*) FROM platform_probe WHERE org_id = 1000", args![]).await.unwrap();
        assert_eq!(rows, ROWS);
        let (rows,): (i64,) = tx.fetch_one("SELECT COUNT(*) FROM platform_probe", args![]).await.unwrap();
        // A commit that was cut off may have been made all the same; half of an insert never is.
        assert!(rows >= (done + 1) * ROWS && rows % ROWS == 0, "{rows}");
    }
}
