//! The history only grows, and is told when something in it or beside it was changed.

use loyalty::levels::events::LevelChangedV1;
use loyalty::levels::invariants;
use loyalty::levels::rules::{Downgrade, Fall, Rules};
use loyalty::points::Holder;
use loyalty::points::settle::Extent;
use platform::Event as _;
use testkit::db_test;

use super::tools::{Club, MIGRATIONS, customer, rules};

db_test! { MIGRATIONS;
    async fn a_history_cannot_be_changed_or_removed(db) {
        let club = Club::new(&db, rules()).await;
        club.settle(&[club.paid(customer(1), 1, 10_000)]).await;
        for sql in [
            "UPDATE loyalty_level_history SET to_rank = 3",
            "DELETE FROM loyalty_level_history",
            "UPDATE loyalty_scheme_versions SET rules = '{}'",
            "DELETE FROM loyalty_scheme_versions",
        ] {
            let mut tx = db.db().begin().await.unwrap();
            let refused = tx.execute(sql, vec![]).await.unwrap_err().to_string();
            assert!(refused.contains("append-only"), "{sql}: {refused}");
        }
    }

    async fn every_invariant_can_be_broken(db) {
        let downgrade = Downgrade::Validity { validity_days: 30, grace_days: 0, fall: Fall::ToEarned };
        let club = Club::new(&db, Rules { downgrade, ..rules() }).await;
        club.settle(&[club.paid(customer(1), 1, 10_000), club.paid(customer(2), 2, 10_000)]).await;
        club.settle_families(&[Holder::new(customer(1), &[customer(2)])], &[], Extent::Some).await;
        club.verify().await;
        let gap = "INSERT INTO loyalty_level_history (org_id, scheme_id, customer_id, revision, from_rank, to_rank, at, since, cause, version)
                   SELECT org_id, scheme_id, customer_id, 9, 1, 2, at, since, cause, version FROM loyalty_level_history WHERE revision = 1";
        for (sql, broken) in [
            ("UPDATE loyalty_memberships SET rank = 3", "levels_are_the_last_of_their_history"),
            ("UPDATE loyalty_memberships SET revision = 7", "levels_are_the_last_of_their_history"),
            (gap, "levels_histories_have_no_gap"),
            ("UPDATE loyalty_memberships SET rank = 0", "levels_ranks_follow_from_what_is_measured"),
            ("UPDATE loyalty_memberships SET measured = measured + 1", "levels_ranks_follow_from_what_is_measured"),
            ("UPDATE loyalty_memberships SET earned = 0", "levels_ranks_follow_from_what_is_measured"),
            ("UPDATE loyalty_memberships SET valid_until = NULL", "levels_validity_is_set_where_it_must_be"),
            ("UPDATE loyalty_memberships SET rank = 1", "levels_are_those_of_roots"),
            ("UPDATE loyalty_level_people SET root_id = CASE WHEN root_id = customer_id
                THEN (SELECT MAX(customer_id) FROM loyalty_level_people p) ELSE root_id END", "levels_roots_are_their_own"),
        ] {
            if db.postgres_url().is_some() && sql.contains("MAX(customer_id)") {
                // PostgreSQL has no maximum of UUIDs.
                continue;
            }
            let mut tx = db.db().begin().await.unwrap();
            tx.execute(sql, vec![]).await.unwrap();
            let found = invariants::check(&mut tx, club.cx.scope).await.unwrap();
            let told: Vec<&str> = found.iter().filter(|(_, count)| *count > 0).map(|(name, _)| *name).collect();
            assert!(told.contains(&broken), "{broken}: {told:?}");
        }
        club.verify().await;
    }

    async fn one_event_tells_of_a_batch_and_none_of_nothing(db) {
        let club = Club::new(&db, rules()).await;
        let facts: Vec<_> = (0..3).map(|n| club.paid(customer(n), n, 5_000 * (n as i64 + 1))).collect();
        for _ in 0..2 {
            club.settle(&facts).await;
        }
        let mut tx = db.db().read().await.unwrap();
        let told: Vec<(String,)> = tx
            .fetch_all("SELECT payload FROM platform_outbox WHERE topic = $1", platform::args![LevelChangedV1::TOPIC])
            .await
            .unwrap();
        assert_eq!(told.len(), 1);
        let event: LevelChangedV1 = serde_json::from_str(&told[0].0).unwrap();
        assert_eq!((event.customers, event.many), (vec![customer(1), customer(2)], false));
        assert_eq!(event.scheme, club.scheme.id);
    }
}
