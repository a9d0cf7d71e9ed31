//! Families that change, and orders that turn out to be of somebody else.

use loyalty::levels::Cause;
use loyalty::levels::settle::OrderFacts;
use loyalty::points::Holder;
use loyalty::points::settle::Extent;
use testkit::db_test;

use super::tools::{Club, MIGRATIONS, customer, rules};

db_test! { MIGRATIONS;
    async fn what_is_pinned_counts_for_the_family_and_stays_with_whom_it_was_given(db) {
        let club = Club::new(&db, rules()).await;
        let (keeper, merged) = (customer(1), customer(2));
        club.pin(merged, 3).await.unwrap();
        club.settle_families(&[Holder::new(keeper, &[merged])], &[], Extent::Some).await;
        assert_eq!(club.rank(keeper).await, 3);
        club.days_pass(1);
        club.release(keeper).await.unwrap();
        assert_eq!(club.rank(merged).await, 0);
        club.settle_families(&[Holder::single(keeper)], &[], Extent::Some).await;
        assert_eq!((club.rank(keeper).await, club.rank(merged).await), (0, 3));
        club.verify().await;
    }

    async fn an_order_can_turn_out_to_be_of_somebody_else(db) {
        let club = Club::new(&db, rules()).await;
        let facts = club.paid(customer(1), 1, 10_000);
        club.settle(std::slice::from_ref(&facts)).await;
        club.settle(&[OrderFacts { customer: customer(2), ..facts.clone() }]).await;
        assert_eq!((club.rank(customer(1)).await, club.rank(customer(2)).await), (0, 1));
        assert_eq!(club.story(customer(1)).await, [(0, 1, Cause::Orders), (1, 0, Cause::Refund)]);
        // All of its orders are told, and there are none.
        club.settle_families(&[Holder::single(customer(2))], &[], Extent::All).await;
        assert_eq!(club.rank(customer(2)).await, 0);
        club.verify().await;
    }
}
