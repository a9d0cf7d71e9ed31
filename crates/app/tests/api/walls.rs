//! The second wall around every table of every module (PostgreSQL), see `platform::db::wall`.

use kernel::OrgId;
use platform::{Scope, Tx, Wall, args};
use sqlx::AssertSqlSafe;
use testkit::TestDb;

use crate::house::migrations;
use crate::isolation::Neighbour;
use crate::reading::Shop;

/// What belongs to the installation as a whole.
const OF_NOBODY: [&str; 3] = ["platform_meta", "platform_migrations", "platform_subscribers"];

/// The statement with what names its organisation taken out: `x.org_id = $1` holds for every row.
pub fn without_first_wall(sql: &str) -> String {
    const ASKS: &str = "org_id = $";
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once(ASKS) {
        let is_alias = |c: char| c == '.' || c == '_' || c.is_ascii_alphanumeric();
        out.push_str(before.trim_end_matches(is_alias));
        let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
        out.push_str(&format!("(${digits} = ${digits})"));
        rest = &after[digits.len()..];
    }
    out + rest
}

#[test]
fn the_first_wall_is_taken_out_whole() {
    assert_eq!(
        without_first_wall("SELECT 1 FROM t AS a WHERE a.org_id = $1 AND (org_id = $12 OR b = $2)"),
        "SELECT 1 FROM t AS a WHERE ($1 = $1) AND (($12 = $12) OR b = $2)"
    );
    assert_eq!(without_first_wall("a.org_id = b.org_id"), "a.org_id = b.org_id");
}

async fn tables(tx: &mut Tx) -> Vec<(String, bool, bool)> {
    tx.fetch_all(
        "SELECT CAST(c.relname AS TEXT),
            EXISTS (SELECT 1 FROM pg_attribute AS a WHERE a.attrelid = c.oid
                AND a.attname = 'org_id'),
            c.relrowsecurity AND EXISTS (SELECT 1 FROM pg_policy AS p WHERE p.polrelid = c.oid)
         FROM pg_class AS c
         WHERE c.relnamespace = CAST('public' AS regnamespace) AND c.relkind IN ('r', 'p')
         ORDER BY c.relname",
        vec![],
    )
    .await
    .unwrap()
}

async fn count(tx: &mut Tx, sql: String) -> i64 {
    let row: (i64,) = tx.fetch_one(AssertSqlSafe(sql), vec![]).await.unwrap();
    row.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_reaches_a_row_of_another_organisation() {
    let db = TestDb::postgres(migrations()).await;
    let Wall::Up(role) = db.db().wall() else { panic!("{:?}", db.db().wall()) };
    let shop = Shop::open(&db).await;
    let neighbour = Neighbour::move_in(&shop.house, &db).await;
    for number in 0..8 {
        neighbour.does(number).await;
    }
    let mut tx = db.db().read().await.unwrap();
    let all = tables(&mut tx).await;
    tx.rollback().await.unwrap();
    assert!(all.len() > 40, "{} tables", all.len());
    let ours = Scope::system(OrgId::FIRST);
    let mut filled = 0;
    for (table, has_org, is_walled) in all {
        if OF_NOBODY.contains(&table.as_str()) {
            continue;
        }
        assert!(has_org, "{table} has no org_id");
        assert!(is_walled, "{table} has no policy");
        let mut tx = db.db().read().await.unwrap();
        let own = count(&mut tx, format!("SELECT COUNT(*) FROM {table} WHERE org_id = 1")).await;
        let others = count(&mut tx, format!("SELECT COUNT(*) FROM {table} WHERE org_id = 2")).await;
        tx.rollback().await.unwrap();
        filled += usize::from(others > 0);

        let mut tx = db.db().read_for(ours).await.unwrap();
        let seen = count(&mut tx, format!("SELECT COUNT(*) FROM {table}")).await;
        assert_eq!(seen, own, "{table} shows rows of another");
        tx.rollback().await.unwrap();
        for sql in [format!("UPDATE {table} SET org_id = org_id"), format!("DELETE FROM {table}")] {
            let mut tx = db.db().begin_for(ours).await.unwrap();
            match tx.execute(AssertSqlSafe(sql.clone()), vec![]).await {
                Ok(touched) => assert_eq!(touched as i64, own, "{sql}"),
                // Those that are only added to refuse one's own rows as well.
                Err(error) => {
                    assert!(own > 0 && error.to_string().contains("append-only"), "{sql} {error}")
                }
            }
            tx.rollback().await.unwrap();
        }
        if others > 0 {
            let mut tx = db.db().begin().await.unwrap();
            for sql in [
                format!(
                    "CREATE TEMP TABLE of_another ON COMMIT DROP AS SELECT * FROM {table} WHERE org_id = 2"
                ),
                format!("GRANT SELECT ON of_another TO {role}"),
                format!("SET LOCAL ROLE {role}"),
                "SET LOCAL guanxi.org = '1'".to_owned(),
            ] {
                tx.execute(AssertSqlSafe(sql), args![]).await.unwrap();
            }
            let sql =
                format!("INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM of_another");
            let error = tx.execute(AssertSqlSafe(sql), args![]).await.unwrap_err().to_string();
            assert!(error.contains("row-level security policy"), "{table}: {error}");
        }
    }
    assert!(filled > 15, "the other has rows in {filled} tables");
}
