//! The database layer on both databases.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use platform::{Arg, BulkRows, Db, DbError, Migration, args};
use testkit::db_test;

const MIGRATIONS: &[Migration] = &[Migration {
    module: "platform",
    version: 1,
    sql: "CREATE TABLE platform_t (org_id BIGINT NOT NULL, id UUID NOT NULL, n BIGINT, t TEXT, b BYTEA, f DOUBLE PRECISION, ok BOOLEAN,
          PRIMARY KEY (org_id, id)) /*sqlite WITHOUT ROWID*/;",
}];

type Row = (uuid::Uuid, Option<i64>, Option<String>, Option<Vec<u8>>, Option<f64>, Option<bool>);

async fn count(db: &Db) -> i64 {
    let mut tx = db.read().await.unwrap();
    tx.fetch_one::<(i64,)>("SELECT COUNT(*) FROM platform_t", vec![]).await.unwrap().0
}

async fn insert(db: &Db, n: u128) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    tx.execute(
        "INSERT INTO platform_t (org_id, id, n) VALUES ($1, $2, $3)",
        args![1_i64, uuid::Uuid::from_u128(n), n as i64],
    )
    .await?;
    tx.commit().await
}

db_test! { MIGRATIONS;
    async fn a_part_is_taken_back_by_itself(db) {
        let add = "INSERT INTO platform_t (org_id, id) VALUES ($1, $2)";
        let row = |n: u128| args![1_i64, uuid::Uuid::from_u128(n)];
        let mut tx = db.db().begin().await.unwrap();
        tx.execute(add, row(1)).await.unwrap();
        tx.savepoint().await.unwrap();
        tx.execute(add, row(2)).await.unwrap();
        // PostgreSQL refuses every statement behind a failed one, but for this.
        assert!(matches!(tx.execute(add, row(1)).await, Err(DbError::Duplicate { .. })));
        tx.rollback_to_savepoint().await.unwrap();
        tx.execute(add, row(3)).await.unwrap();
        tx.renew_savepoint().await.unwrap();
        tx.savepoint().await.unwrap();
        tx.execute(add, row(4)).await.unwrap();
        tx.release_savepoint().await.unwrap();
        tx.savepoint().await.unwrap();
        tx.execute(add, row(5)).await.unwrap();
        tx.rollback_to_savepoint().await.unwrap();
        // What is open at the end is part of it.
        tx.commit().await.unwrap();
        let mut tx = db.db().read().await.unwrap();
        let rows: Vec<(uuid::Uuid,)> =
            tx.fetch_all("SELECT id FROM platform_t ORDER BY id", vec![]).await.unwrap();
        let rows: Vec<u128> = rows.into_iter().map(|(id,)| id.as_u128()).collect();
        assert_eq!(rows, [1, 3, 4]);
    }

    async fn bulk_rows_come_back_as_they_went_in(db) {
        // None, one, a few, and more than go into one statement.
        for (org, count) in [(1, 0), (2, 1), (3, 2), (4, 99), (5, 100), (6, 101), (7, 2_345_u32)] {
            let mut rows = BulkRows::new("platform_t", &["org_id", "id", "n", "t", "b", "f", "ok"]);
            for n in 0..count {
                rows.push([
                    Arg::from(org),
                    Arg::from(uuid::Uuid::from_u128(u128::from(n))),
                    Arg::from((n % 3 != 2).then_some(i64::from(n))),
                    Arg::from(format!("行 {n}")),
                    Arg::from(n.to_be_bytes().to_vec()),
                    Arg::from(f64::from(n) / 8.0),
                    Arg::from(n % 2 == 0),
                ]);
            }
            let mut tx = db.db().begin().await.unwrap();
            tx.bulk_insert(rows).await.unwrap();
            tx.commit().await.unwrap();
            let mut tx = db.db().read().await.unwrap();
            let found: Vec<Row> = tx
                .fetch_all("SELECT id, n, t, b, f, ok FROM platform_t WHERE org_id = $1 ORDER BY id", args![org])
                .await.unwrap();
            let expected: Vec<Row> = (0..count).map(|n| (
                uuid::Uuid::from_u128(u128::from(n)),
                (n % 3 != 2).then_some(i64::from(n)),
                Some(format!("行 {n}")),
                Some(n.to_be_bytes().to_vec()),
                Some(f64::from(n) / 8.0),
                Some(n % 2 == 0),
            )).collect();
            assert_eq!(found, expected, "{count} rows");
        }
    }

    async fn a_taken_key_is_said_and_nothing_is_kept(db) {
        insert(db.db(), 1).await.unwrap();
        let mut tx = db.db().begin().await.unwrap();
        tx.execute("UPDATE platform_t SET n = 99", vec![]).await.unwrap();
        let error = tx.execute("INSERT INTO platform_t (org_id, id) VALUES ($1, $2)",
            args![1_i64, uuid::Uuid::from_u128(1)]).await.unwrap_err();
        assert!(matches!(error, DbError::Duplicate { .. }), "{error:?}");
        drop(tx);
        let mut tx = db.db().read().await.unwrap();
        assert_eq!(tx.fetch_one::<(i64,)>("SELECT n FROM platform_t", vec![]).await.unwrap().0, 1);
    }

    async fn cancelled_work_leaves_no_open_transaction(db) {
        // Every await of these tasks is a place to be cancelled at; abort each task at another one.
        for steps in 0..40 {
            let handle = db.db().clone();
            let mut task = Box::pin(async move {
                let mut tx = handle.begin().await?;
                tx.execute("INSERT INTO platform_t (org_id, id) VALUES ($1, $2)",
                    args![1_i64, uuid::Uuid::from_u128(7)]).await?;
                std::future::pending::<()>().await;
                tx.commit().await
            });
            for _ in 0..steps {
                let _ = futures::poll!(task.as_mut());
                tokio::task::yield_now().await;
            }
        }
        for n in 100..120 {
            insert(db.db(), n).await.unwrap();
        }
        assert_eq!(count(db.db()).await, 20);
    }

    async fn newer_data_is_refused(db) {
        let newer = [Migration { version: 2, sql: "CREATE TABLE platform_u (n BIGINT)", ..MIGRATIONS[0] }];
        let both = [MIGRATIONS[0], newer[0]];
        db.db().migrate(&both).await.unwrap();
        db.db().migrate(&both).await.unwrap();
        let error = db.db().migrate(MIGRATIONS).await.unwrap_err();
        assert!(error.to_string().contains("newer Guanxi"), "{error}");
    }

    async fn tables_that_are_up_to_date_are_seen_beside_a_writer(db) {
        let mut tx = db.db().begin().await.unwrap();
        tx.execute("INSERT INTO platform_t (org_id, id) VALUES ($1, $2)", args![1_i64, uuid::Uuid::from_u128(1)])
            .await
            .unwrap();
        db.db().migrate(MIGRATIONS).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(count(db.db()).await, 1);
    }

    async fn a_failed_migration_keeps_nothing(db) {
        let broken = [MIGRATIONS[0], Migration {
            version: 2, sql: "CREATE TABLE platform_u (n BIGINT); CREATE TABLE platform_t (n BIGINT);", ..MIGRATIONS[0] }];
        assert!(db.db().migrate(&broken).await.is_err());
        db.db().migrate(MIGRATIONS).await.unwrap();
        let mut tx = db.db().read().await.unwrap();
        assert!(tx.fetch_optional::<(i64,)>("SELECT n FROM platform_u", vec![]).await.is_err());
    }

    async fn writers_queue_up_and_none_is_refused(db) {
        let tasks: Vec<_> = (0..64_u128).map(|n| {
            let handle = db.db().clone();
            tokio::spawn(async move { insert(&handle, n).await })
        }).collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(count(db.db()).await, 64);
    }
}
