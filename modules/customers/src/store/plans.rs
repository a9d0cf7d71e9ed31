//! The plans on which the speed of resolving buyers stands. SQLite makes them by the fixed statistics of
//! the migrations.

use platform::db::args::in_list;
use platform::{Arg, args};
use sqlx::AssertSqlSafe;
use testkit::TestDb;

use super::identities_by_hash_sql;

#[tokio::test]
async fn identities_are_looked_up_by_all_columns_of_their_index() {
    let db = TestDb::sqlite(crate::MIGRATIONS).await;
    let mut tx = db.db().read().await.unwrap();
    for (accounts, index) in
        [(true, "customers_identities_account"), (false, "customers_identities_contact")]
    {
        let hashes = [[1_u8; 16], [2; 16], [3; 16]];
        let (list, values) = in_list(2, hashes.map(Arg::from).into());
        let mut arguments = args![db.ctx().scope.org_arg()];
        arguments.extend(values);
        let sql = format!("EXPLAIN QUERY PLAN {}", identities_by_hash_sql(accounts, &list));
        let plan: Vec<(i64, i64, i64, String)> =
            tx.fetch_all(AssertSqlSafe(sql), arguments).await.unwrap();
        let steps: Vec<&str> = plan.iter().map(|(.., step)| step.as_str()).collect();
        let search =
            format!("SEARCH customers_identities USING INDEX {index} (org_id=? AND hash=?)");
        assert_eq!(steps, [search]);
    }
}
