//! The second wall with the first one left out: these statements name no organisation.

use kernel::OrgId;
use platform::db::BulkRows;
use platform::{Db, Migration, Scope, Tx, Wall, args};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use testkit::TestDb;

use crate::support::MIGRATIONS;

const OURS: Scope = Scope::system(OrgId::FIRST);
const THEIRS: Scope = Scope::system(OrgId::new(2));
/// Enough rows for COPY.
const MANY: i64 = 150;

async fn fill(db: &Db) {
    for (scope, n) in [(OURS, 1_i64), (OURS, 2), (THEIRS, 7)] {
        let mut tx = db.begin_for(scope).await.unwrap();
        let sql = "INSERT INTO platform_probe (org_id, name, n) VALUES ($1, 'x', $2)";
        tx.execute(sql, args![scope.org_arg(), n]).await.unwrap();
        tx.commit().await.unwrap();
    }
}

async fn numbers(tx: &mut Tx) -> Vec<i64> {
    let sql = "SELECT n FROM platform_probe ORDER BY n";
    tx.fetch_all::<(i64,)>(sql, vec![]).await.unwrap().into_iter().map(|row| row.0).collect()
}

async fn is_refused(db: &Db, sql: &'static str) {
    let mut tx = db.begin_for(OURS).await.unwrap();
    let refused = tx.execute(sql, vec![]).await.unwrap_err().to_string();
    let is_right = refused.contains("policy") || refused.contains("permission denied");
    let is_right = is_right || refused.contains("must be owner");
    assert!(is_right, "{sql}: {refused}");
}

#[tokio::test]
async fn a_statement_without_an_organisation_has_only_its_own_rows() {
    let test = TestDb::postgres(MIGRATIONS).await;
    let db = test.db();
    assert!(matches!(db.wall(), Wall::Up(_)), "{:?}", db.wall());
    fill(db).await;

    let mut tx = db.read_for(OURS).await.unwrap();
    assert_eq!(numbers(&mut tx).await, [1, 2]);
    tx.rollback().await.unwrap();
    let mut tx = db.begin_for(OURS).await.unwrap();
    assert_eq!(tx.execute("UPDATE platform_probe SET n = n + 10", vec![]).await.unwrap(), 2);
    assert_eq!(tx.execute("DELETE FROM platform_probe WHERE n <> 12", vec![]).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let mut tx = db.read_for(THEIRS).await.unwrap();
    assert_eq!(numbers(&mut tx).await, [7]);
    tx.rollback().await.unwrap();

    is_refused(db, "INSERT INTO platform_probe (org_id, name, n) VALUES (2, 'y', 1)").await;
    is_refused(db, "UPDATE platform_probe SET org_id = 2").await;
    is_refused(db, "UPDATE platform_meta SET value = 'x'").await;
    is_refused(db, "DROP TABLE platform_probe").await;
    is_refused(db, "CREATE TABLE mine (org_id BIGINT)").await;
    is_refused(db, "TRUNCATE platform_probe").await;

    // Neither role nor organisation outlasts its transaction.
    for _ in 0..40 {
        let mut tx = db.read_wide().await.unwrap();
        assert_eq!(numbers(&mut tx).await, [7, 12]);
        tx.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn rows_in_bulk_are_of_the_organisation_too() {
    for test in [TestDb::postgres(MIGRATIONS).await, TestDb::sqlite(MIGRATIONS).await] {
        let db = test.db();
        fill(db).await;
        let rows = |stray: Option<i64>, count: i64| {
            let mut rows = BulkRows::new("platform_probe", &["org_id", "name", "n"]);
            for n in 0..count {
                let org = if stray == Some(n) { THEIRS } else { OURS };
                rows.push([org.org_arg().into(), "bulk".into(), n.into()]);
            }
            rows
        };
        for count in [3, MANY, 5_000] {
            for stray in [0, 1, count / 2, count - 1] {
                let mut tx = db.begin_for(OURS).await.unwrap();
                let refused = tx.bulk_insert(rows(Some(stray), count)).await.unwrap_err();
                assert!(refused.to_string().contains("another organisation"), "{refused}");
            }
        }
        let mut tx = db.begin_for(OURS).await.unwrap();
        let nameless = BulkRows::new("platform_probe", &["name", "n"]);
        assert!(tx.bulk_insert(nameless).await.is_err());
        drop(tx);
        let mut tx = db.begin_for(OURS).await.unwrap();
        tx.bulk_insert(rows(None, MANY)).await.unwrap();
        tx.analyze(&["platform_probe"]).await.unwrap();
        if db.is_postgres() {
            // COPY and ANALYZE left the wall for themselves alone.
            assert_eq!(numbers(&mut tx).await.len() as i64, MANY + 2);
            let refused = tx.execute("UPDATE platform_meta SET value = 'x'", vec![]).await;
            assert!(refused.unwrap_err().to_string().contains("permission denied"));
        }
    }
}

#[tokio::test]
async fn later_tables_are_walled_by_themselves() {
    let test = TestDb::postgres(MIGRATIONS).await;
    let mut all = MIGRATIONS.to_vec();
    all.push(Migration {
        module: "late",
        version: 1,
        sql: "CREATE TABLE late_things (org_id BIGINT NOT NULL, n BIGINT NOT NULL)",
    });
    test.db().migrate(&all).await.unwrap();
    let mut tx = test.db().begin().await.unwrap();
    tx.execute("INSERT INTO late_things VALUES (1, 1), (2, 2)", vec![]).await.unwrap();
    tx.commit().await.unwrap();
    // Whoever connects knows by looking.
    let another = test.another_process().await.db;
    assert!(matches!(another.wall(), Wall::Up(_)));
    let mut tx = another.read_for(THEIRS).await.unwrap();
    let seen: Vec<(i64,)> = tx.fetch_all("SELECT n FROM late_things", vec![]).await.unwrap();
    assert_eq!(seen, [(2,)]);
}

#[tokio::test]
async fn an_organisation_that_is_not_told_has_nothing() {
    let test = TestDb::postgres(MIGRATIONS).await;
    fill(test.db()).await;
    let Wall::Up(role) = test.db().wall() else { panic!("no wall") };
    let mut tx = test.db().begin().await.unwrap();
    tx.execute(AssertSqlSafe(format!("SET LOCAL ROLE {role}")), vec![]).await.unwrap();
    assert_eq!(numbers(&mut tx).await, Vec::<i64>::new());
    tx.execute("SET LOCAL guanxi.org = ''", vec![]).await.unwrap();
    assert_eq!(numbers(&mut tx).await, Vec::<i64>::new());
}

/// A database that belongs to a sign-in of its own with no more rights than `rights` says.
async fn owned(test: &TestDb, rights: &str) -> (String, PgConnection) {
    let url = test.postgres_url().unwrap();
    let (base, name) = url.rsplit_once('/').unwrap();
    let mut admin = PgConnection::connect(url).await.unwrap();
    let plain = format!("plain_{name}");
    for sql in [
        format!("CREATE ROLE {plain} LOGIN {rights}"),
        format!("ALTER DATABASE {name} OWNER TO {plain}"),
        format!("GRANT CREATE ON SCHEMA public TO {plain}"),
    ] {
        admin.execute(AssertSqlSafe(sql)).await.unwrap();
    }
    let address = base.rsplit_once('@').unwrap().1;
    (format!("postgres://{plain}@{address}/{name}"), admin)
}

#[tokio::test]
async fn a_sign_in_that_may_make_roles_needs_nobody() {
    let test = TestDb::postgres(&[]).await;
    assert_eq!(test.db().wall(), Wall::None, "there is nothing yet");
    let (url, _) = owned(&test, "CREATEROLE").await;
    let db = Db::connect_postgres(&url).await.unwrap();
    assert!(matches!(db.wall(), Wall::Down(_)));
    db.migrate(MIGRATIONS).await.unwrap();
    assert!(matches!(db.wall(), Wall::Up(_)), "{:?}", db.wall());
    fill(&db).await;
    let mut tx = db.begin_for(OURS).await.unwrap();
    assert_eq!(numbers(&mut tx).await, [1, 2]);
}

#[tokio::test]
async fn a_sign_in_that_may_not_is_told_what_to_do_and_works_on() {
    let test = TestDb::postgres(&[]).await;
    let (url, mut admin) = owned(&test, "").await;
    let db = Db::connect_postgres(&url).await.unwrap();
    db.migrate(MIGRATIONS).await.unwrap();
    fill(&db).await;
    let mut tx = db.begin_for(OURS).await.unwrap();
    assert_eq!(numbers(&mut tx).await, [1, 2, 7], "only the first wall stands");
    tx.rollback().await.unwrap();
    // What it says is what helps, word for word; in one step or in two.
    for _ in 0..2 {
        let Wall::Down(why) = db.wall() else { panic!("a wall nobody could build") };
        let told = why.split('`').nth(1).unwrap().to_owned();
        let first = told.split_once(';').map_or(told.as_str(), |(first, _)| first);
        admin.execute(AssertSqlSafe(first.to_owned())).await.unwrap();
        db.migrate(MIGRATIONS).await.unwrap();
    }
    assert!(matches!(db.wall(), Wall::Up(_)), "{:?}", db.wall());
    let mut tx = db.begin_for(OURS).await.unwrap();
    assert_eq!(numbers(&mut tx).await, [1, 2]);
}
