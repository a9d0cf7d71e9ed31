//! What-if is what an edit then does.

use loyalty::levels::LevelsError;
use loyalty::levels::rules::Rules;
use loyalty::levels::what_if::what_if;
use testkit::db_test;

use super::tools::{Club, MIGRATIONS, customer, levels, rules};

db_test! { MIGRATIONS;
    async fn the_edit_moves_as_many_as_were_foretold(db) {
        let mut club = Club::new(&db, rules()).await;
        let facts: Vec<_> = (0..200_u128).map(|n| club.paid(customer(n), n, 9_000 + (n as i64 * 7_919) % 25_000)).collect();
        club.settle(&facts).await;
        club.pin(customer(3), 1).await.unwrap();
        let mut bounds = [10_000, 20_000, 30_000];
        for (rank, bound) in [(2, 13_000), (2, 27_000), (1, 26_999), (3, 27_001), (1, 1), (3, 50_000)] {
            club.days_pass(1);
            let mut tx = db.db().read().await.unwrap();
            let told = what_if(&mut tx, &club.cx, &club.scheme, rank, bound).await.unwrap();
            drop(tx);
            let before = club.stored().await;
            bounds[rank - 1] = bound;
            club.edit(&Rules { levels: levels(&bounds), ..rules() }).await;
            let mut tx = db.db().read().await.unwrap();
            let early = what_if(&mut tx, &club.cx, &club.scheme, rank, bound).await.unwrap();
            assert_eq!(early.not_yet_measured, before.len() as i64);
            drop(tx);
            club.due().await;
            let after = club.stored().await;
            let moved = |up: bool| before.iter().zip(&after).filter(|(b, a)| if up { a.1 > b.1 } else { a.1 < b.1 }).count() as i64;
            assert_eq!((told.rise, told.lose, told.not_yet_measured), (moved(true), moved(false), 0), "{rank}: {bound}");
        }
        club.verify().await;
    }

    async fn a_bound_stays_between_its_neighbours(db) {
        let club = Club::new(&db, rules()).await;
        let mut tx = db.db().read().await.unwrap();
        for (rank, bound) in [(1, 0), (1, 20_000), (2, 10_000), (2, 30_000), (3, 20_000)] {
            let told = what_if(&mut tx, &club.cx, &club.scheme, rank, bound).await;
            assert!(matches!(told, Err(LevelsError::Fields(_))), "{rank}: {bound}");
        }
        for rank in [0, 4] {
            assert!(matches!(what_if(&mut tx, &club.cx, &club.scheme, rank, 5).await, Err(LevelsError::NoLevel(3))));
        }
    }
}
