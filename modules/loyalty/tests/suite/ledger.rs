//! The ledger only grows, and tells when something in it or beside it was changed.

use loyalty::points::{Holder, invariants};
use platform::args;
use testkit::db_test;

use crate::tools::{Club, MIGRATIONS, customer, order, rules};

db_test! { MIGRATIONS;
    async fn entries_cannot_be_changed_or_removed(db) {
        let club = Club::new(&db, rules()).await;
        club.settle(&[club.paid(customer(1), order(1), 10_000)]).await;
        for sql in [
            "UPDATE loyalty_entries SET kind = 'spend'",
            "DELETE FROM loyalty_entries",
            "UPDATE loyalty_postings SET points = points + 1",
            "DELETE FROM loyalty_postings",
            "UPDATE loyalty_programme_versions SET rules = '{}'",
            "DELETE FROM loyalty_programme_versions",
        ] {
            let mut tx = db.db().begin().await.unwrap();
            let refused = tx.execute(sql, vec![]).await.unwrap_err().to_string();
            assert!(refused.contains("append-only"), "{sql}: {refused}");
        }
        let mut tx = db.db().begin().await.unwrap();
        let below = tx.execute("UPDATE loyalty_lots SET pending = -1", vec![]).await;
        assert!(below.is_err());
    }

    async fn every_invariant_can_be_broken(db) {
        let club = Club::new(&db, rules()).await;
        club.settle(&[club.paid(customer(1), order(1), 10_000)]).await;
        club.days_pass(7);
        club.spend(&Holder::single(customer(1)), order(2), 10, "a").await.unwrap();
        let posting = "INSERT INTO loyalty_postings (org_id, entry_id, line, programme_id, account, points, at)
                       SELECT org_id, entry_id, 99, programme_id, 'adjusted', 1, at FROM loyalty_postings WHERE line = 0 LIMIT 1";
        let entry = "INSERT INTO loyalty_entries (org_id, id, programme_id, version, kind, source_kind, idempotency_key, at)
                     VALUES (1, $1, $1, 1, 'adjust', 'adjust', 'x', 0)";
        for (sql, named, broken) in [
            (posting, false, "points_entries_sum_to_zero"),
            (posting, false, "points_debits_equal_credits"),
            (entry, true, "points_entries_and_postings_belong_together"),
            ("UPDATE loyalty_balances SET available = available + 1", false, "points_balances_are_their_postings"),
            ("UPDATE loyalty_lots SET available = available - 1", false, "points_lots_are_their_postings"),
            ("UPDATE loyalty_orders SET target = target - 1", false, "points_of_orders_are_their_targets"),
            ("UPDATE loyalty_spends SET returned = 1", false, "points_spends_are_their_lots"),
        ] {
            let mut tx = db.db().begin().await.unwrap();
            let arguments = if named { args![uuid::Uuid::from_u128(7)] } else { vec![] };
            tx.execute(sql, arguments).await.unwrap();
            let found = invariants::check(&mut tx, club.cx.scope).await.unwrap();
            let told: Vec<&str> = found.iter().filter(|(_, count)| *count > 0).map(|(name, _)| *name).collect();
            assert!(told.contains(&broken), "{broken}: {told:?}");
        }
        club.verify().await;
    }
}
