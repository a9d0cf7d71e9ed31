//! How many versions there may be, and which are read.

use loyalty::coupons::{CouponError, NewDefinition, definition};
use loyalty::levels::{LevelsError, scheme};
use loyalty::points::{PointsError, programme};
use loyalty::promotions::{self, NewPromotion, PromotionError};
use testkit::db_test;

use crate::levels;
use crate::offers::tools as offers;
use crate::tools::{Club, MIGRATIONS, rules};

db_test! { MIGRATIONS;
    /// Each edit added a version without end, and each list read all of them.
    async fn there_are_a_thousand_versions_at_most(db) {
        let cx = db.ctx();
        let points = Club::new(&db, rules()).await;
        let levels = levels::tools::Club::new(&db, levels::tools::rules()).await;
        let mut tx = db.db().begin().await.unwrap();
        let coupon = NewDefinition { name: "coupon".into(), rules: offers::rules() };
        let coupon_id = definition::create(&mut tx, &cx, &coupon).await.unwrap();
        let promotion = NewPromotion { name: "promotion".into(), rules: offers::promotion_rules() };
        let promotion_id = promotions::create(&mut tx, &cx, &promotion).await.unwrap();
        for table in ["programmes", "schemes", "coupon_definitions", "promotions"] {
            let sql = sqlx::AssertSqlSafe(format!("UPDATE loyalty_{table} SET version = 999"));
            assert_eq!(tx.execute(sql, vec![]).await.unwrap(), 1);
        }
        let is_full = |fields: &kernel::FieldErrors| fields.clone().into_vec()[0].field == "version";
        let (id, same) = (points.programme.id, rules());
        programme::change(&mut tx, &cx, id, 999, "Club", &same).await.unwrap();
        let full = programme::change(&mut tx, &cx, id, 1_000, "Club", &same).await;
        assert!(matches!(&full, Err(PointsError::Fields(fields)) if is_full(fields)));
        let (id, same) = (levels.scheme.id, levels::tools::rules());
        scheme::change(&mut tx, &cx, id, 999, "Club", &same, 0).await.unwrap();
        let full = scheme::change(&mut tx, &cx, id, 1_000, "Club", &same, 0).await;
        assert!(matches!(&full, Err(LevelsError::Fields(fields)) if is_full(fields)));
        definition::change(&mut tx, &cx, coupon_id, 999, &coupon).await.unwrap();
        let full = definition::change(&mut tx, &cx, coupon_id, 1_000, &coupon).await;
        assert!(matches!(&full, Err(CouponError::Fields(fields)) if is_full(fields)));
        promotions::change(&mut tx, &cx, promotion_id, 999, &promotion).await.unwrap();
        let full = promotions::change(&mut tx, &cx, promotion_id, 1_000, &promotion).await;
        assert!(matches!(&full, Err(PromotionError::Fields(fields)) if is_full(fields)));
        // Lists read the newest alone, which is what the others begin with.
        let (listed, all) = (
            programme::newest(&mut tx, cx.scope).await.unwrap().remove(0),
            programme::all(&mut tx, cx.scope).await.unwrap().remove(0),
        );
        assert_eq!((listed.versions.len(), all.versions.len()), (1, 2));
        assert_eq!((listed.version, &listed.rules), (1_000, &all.rules));
        let (listed, all) = (
            scheme::newest(&mut tx, cx.scope).await.unwrap().remove(0),
            scheme::all(&mut tx, cx.scope).await.unwrap().remove(0),
        );
        assert_eq!((listed.versions.len(), all.versions.len()), (1, 2));
        assert_eq!(listed.versions.last(), all.versions.last());
    }
}
