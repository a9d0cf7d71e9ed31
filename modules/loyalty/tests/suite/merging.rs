//! A merge moves nothing, and yet a family spends together.

use loyalty::points::Holder;
use testkit::db_test;

use crate::tools::{Club, MIGRATIONS, customer, order, rules};

db_test! { MIGRATIONS;
    async fn a_family_spends_together_and_each_keeps_what_is_left_of_its_own(db) {
        let club = Club::new(&db, rules()).await;
        let (keeper, merged) = (customer(1), customer(2));
        club.settle(&[club.paid(merged, order(1), 10_000)]).await;
        club.days_pass(1);
        club.settle(&[club.paid(keeper, order(2), 10_000)]).await;
        club.days_pass(7);
        club.due().await;
        let family = Holder::new(keeper, &[merged]);
        assert_eq!(club.statement(&family).await.spendable, 200);
        let spent = club.spend(&family, order(3), 130, "a").await.unwrap();
        // After the unmerge each has its own, less what was spent of it: the older lot first.
        assert_eq!(club.balance(merged).await, [0; 4]);
        assert_eq!(club.balance(keeper).await, [0, 70, 0, 0]);
        assert_eq!(club.statement(&family).await.balance.available, 70);
        // What comes back comes back to whom it was taken from, merged or not.
        club.cancel(spent).await;
        assert_eq!(club.balance(merged).await, [0, 100, 0, 0]);
        assert_eq!(club.balance(keeper).await, [0, 100, 0, 0]);
        let kinds: Vec<String> = club.statement(&Holder::single(merged)).await.lines.items.into_iter().map(|line| line.kind).collect();
        assert_eq!(kinds, ["cancel_spend", "spend", "release", "earn"]);
        club.verify().await;
    }

    async fn what_one_owes_the_family_cannot_spend(db) {
        let club = Club::new(&db, rules()).await;
        let (debtor, other) = (customer(1), customer(2));
        let facts = club.paid(debtor, order(1), 10_000);
        club.settle(&[facts.clone(), club.paid(other, order(2), 15_000)]).await;
        club.days_pass(7);
        club.spend(&Holder::single(debtor), order(3), 100, "a").await.unwrap();
        club.settle(&[loyalty::points::settle::OrderFacts { void: true, ..facts }]).await;
        assert_eq!(club.balance(debtor).await, [0, 0, 0, -100]);
        let family = Holder::new(other, &[debtor, other]);
        assert_eq!(club.statement(&family).await.spendable, 50);
        assert!(club.spend(&family, order(4), 51, "b").await.is_err());
        club.spend(&family, order(4), 50, "b").await.unwrap();
        assert_eq!(club.balance(other).await, [0, 100, 0, 0]);
        club.verify().await;
    }

    async fn an_order_can_turn_out_to_be_of_somebody_else(db) {
        let club = Club::new(&db, rules()).await;
        let facts = club.paid(customer(1), order(1), 10_000);
        club.settle(std::slice::from_ref(&facts)).await;
        let now = loyalty::points::settle::OrderFacts { customer: customer(2), paid_minor: 20_000, ..facts };
        club.settle_all(&[customer(2)], std::slice::from_ref(&now)).await;
        club.settle_all(&[customer(1)], &[]).await;
        assert_eq!(club.balance(customer(1)).await, [0; 4]);
        assert_eq!(club.balance(customer(2)).await, [200, 0, 0, 0]);
        club.verify().await;
    }

    async fn whose_order_turns_out_to_be_of_somebody_else_keeps_the_others(db) {
        let club = Club::new(&db, rules()).await;
        let (first, second) = (customer(1), customer(2));
        let moved = club.paid(first, order(1), 10_000);
        club.settle(&[moved.clone(), club.paid(first, order(2), 20_000)]).await;
        club.days_pass(7);
        club.spend(&Holder::single(first), order(2), 50, "a").await.unwrap();
        assert_eq!(club.balance(first).await, [0, 250, 0, 0]);
        // The import that said whose order it is was undone, and another one says otherwise; the first customer's
        // event is still under way.
        let now = loyalty::points::settle::OrderFacts { customer: second, ..moved };
        club.settle_all(&[second], std::slice::from_ref(&now)).await;
        assert_eq!(club.balance(first).await, [0, 150, 0, 0]);
        assert_eq!(club.balance(second).await, [0, 100, 0, 0]);
        club.verify().await;
        // And with a limit of days, for which the others are read.
        let limited = loyalty::points::rules::Rules { day_cap: Some(1_000), ..rules() };
        let mut tx = db.db().begin().await.unwrap();
        let programme = &club.programme;
        loyalty::points::programme::change(&mut tx, &club.cx, programme.id, programme.version, "Club", &limited).await.unwrap();
        tx.commit().await.unwrap();
        let club = Club { programme: Club::read(&db, &club.cx, club.programme.id).await, ..club };
        let back = loyalty::points::settle::OrderFacts { customer: first, ..now };
        club.settle_all(&[customer(3)], std::slice::from_ref(&back)).await;
        assert_eq!(club.balance(first).await, [0, 250, 0, 0]);
        assert_eq!(club.balance(second).await, [0; 4]);
        club.verify().await;
    }
}
