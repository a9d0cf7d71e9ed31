//! The ledger as it is browsed, lots as they are shown, and the multiplier that an order keeps.

use kernel::{CustomerId, Limit, PointsEntryId};
use loyalty::points::ledger::{self, Entry, EntryFilter};
use loyalty::points::settle::OrderFacts;
use loyalty::points::{Account, Holder, Kind, lots};
use testkit::db_test;

use crate::tools::{Club, DAY, MIGRATIONS, customer, order, rules};

async fn all(club: &Club<'_>, filter: &EntryFilter, size: u32) -> Vec<Entry> {
    let mut tx = club.db.db().read().await.unwrap();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let limit = Limit::new(Some(size)).unwrap();
        let page = ledger::entries(&mut tx, club.cx.scope, filter, after.as_deref(), limit);
        let page = page.await.unwrap();
        assert!(page.items.len() <= size as usize);
        found.extend(page.items);
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

async fn sums(
    club: &Club<'_>,
    id: PointsEntryId,
    of: Option<&[CustomerId]>,
) -> Vec<(Account, i64)> {
    let mut tx = club.db.db().read().await.unwrap();
    let limit = Limit::new(None).unwrap();
    let page = ledger::postings(&mut tx, club.cx.scope, id, of, None, limit).await.unwrap();
    page.items.iter().map(|posting| (posting.account, posting.points)).collect()
}

db_test! { MIGRATIONS;
    async fn entries_are_found_by_what_they_are_about(db) {
        let club = Club::new(&db, rules()).await;
        let began = club.cx.now();
        club.settle(&[club.paid(customer(1), order(1), 10_000), club.paid(customer(2), order(2), 5_000)]).await;
        club.days_pass(8);
        club.due().await;
        let released = club.cx.now();
        club.spend(&Holder::single(customer(1)), order(3), 40, "a").await.unwrap();
        let every = all(&club, &EntryFilter::default(), 200).await;
        let kinds: Vec<Kind> = every.iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == Kind::Earn).count(), 2);
        assert_eq!((kinds[0], every[0].moved, every[0].change), (Kind::Spend, 40, -40));
        // Pages of any size give the same, in the same order.
        for size in [1, 2, 3] {
            assert_eq!(all(&club, &EntryFilter::default(), size).await, every);
        }
        let found = |filter: EntryFilter| {
            let club = &club;
            async move {
                let found = all(club, &filter, 200).await;
                found.into_iter().map(|entry| (entry.kind, entry.moved)).collect::<Vec<_>>()
            }
        };
        let of_order = EntryFilter { order: Some(order(2)), ..EntryFilter::default() };
        assert_eq!(found(of_order).await, [(Kind::Earn, 50)]);
        let of_one = EntryFilter { customers: Some(vec![customer(1)]), ..EntryFilter::default() };
        assert!(found(of_one.clone()).await.contains(&(Kind::Earn, 100)));
        assert!(!found(of_one).await.contains(&(Kind::Earn, 50)));
        let earned = EntryFilter { kind: Some(Kind::Earn), ..EntryFilter::default() };
        assert_eq!(found(earned.clone()).await.len(), 2);
        let before = EntryFilter { until: Some(released), ..earned.clone() };
        assert_eq!(found(before).await.len(), 2);
        let day_one = EntryFilter { from: Some(began), until: Some(began.plus_millis(1)), ..EntryFilter::default() };
        assert!(found(day_one).await.iter().all(|(kind, _)| *kind == Kind::Earn));
        let later = EntryFilter { from: Some(began.plus_millis(DAY)), ..earned };
        assert_eq!(found(later).await, []);
        let other = EntryFilter { programme: Some(kernel::TypedId::from_uuid(order_uuid())), ..EntryFilter::default() };
        assert_eq!(found(other).await, []);
    }

    async fn lines_of_an_entry_sum_to_zero_and_are_shown_as_far_as_they_are_ones_own(db) {
        let club = Club::new(&db, rules()).await;
        club.settle(&[club.paid(customer(1), order(1), 10_000), club.paid(customer(2), order(2), 5_000)]).await;
        club.days_pass(8);
        club.due().await;
        for entry in all(&club, &EntryFilter::default(), 200).await {
            let lines = sums(&club, entry.id, None).await;
            assert_eq!(lines.iter().map(|(_, points)| points).sum::<i64>(), 0, "{entry:?}");
            let (mut mine, theirs) =
                (sums(&club, entry.id, Some(&[customer(1)])).await, sums(&club, entry.id, Some(&[customer(2)])).await);
            mine.extend(theirs);
            assert_eq!(mine.iter().map(|(_, points)| points).sum::<i64>(), entry.change);
        }
    }

    async fn lots_come_in_the_order_in_which_they_are_spent(db) {
        let club = Club::new(&db, rules()).await;
        club.settle(&[club.paid(customer(1), order(1), 10_000)]).await;
        club.days_pass(2);
        club.settle(&[club.paid(customer(2), order(2), 5_000)]).await;
        let family = Holder::new(customer(1), &[customer(2)]);
        let shown = |limit| {
            let (club, family) = (&club, &family);
            async move {
                let mut tx = club.db.db().read().await.unwrap();
                let lots = lots::open_lots(&mut tx, club.cx.scope, &club.programme, family, limit).await;
                lots.unwrap().into_iter().map(|lot| (lot.order, lot.pending, lot.available)).collect::<Vec<_>>()
            }
        };
        assert_eq!(shown(9).await, [(Some(order(1)), 100, 0), (Some(order(2)), 50, 0)]);
        assert_eq!(shown(1).await.len(), 1);
        club.days_pass(9);
        club.due().await;
        club.spend(&family, order(3), 100, "a").await.unwrap();
        assert_eq!(shown(9).await, [(Some(order(2)), 0, 50)]);
    }

    /// What is learned of levels later changes nothing of an order that was settled.
    async fn an_order_keeps_the_multiplier_by_which_it_was_settled_first(db) {
        let club = Club::new(&db, rules()).await;
        let first = OrderFacts { level_permille: 1_200, ..club.paid(customer(1), order(1), 10_000) };
        club.settle(std::slice::from_ref(&first)).await;
        assert_eq!(club.balance(customer(1)).await, [120, 0, 0, 0]);
        let learned = OrderFacts { level_permille: 2_000, ..first.clone() };
        club.settle(std::slice::from_ref(&learned)).await;
        assert_eq!(club.balance(customer(1)).await, [120, 0, 0, 0]);
        // Also when it is not paid meanwhile, or part of it is given back.
        club.settle(&[OrderFacts { paid_at: None, level_permille: 1_000, ..first.clone() }]).await;
        assert_eq!(club.balance(customer(1)).await, [0; 4]);
        club.settle(&[OrderFacts { refunded_minor: 5_000, ..learned.clone() }]).await;
        assert_eq!(club.balance(customer(1)).await, [60, 0, 0, 0]);
        // At another moment, or somebody else's, it is another order.
        let moved = OrderFacts { paid_at: first.paid_at.map(|at| at.plus_millis(1)), ..learned.clone() };
        club.settle(&[moved]).await;
        assert_eq!(club.balance(customer(1)).await, [200, 0, 0, 0]);
        club.settle(&[OrderFacts { customer: customer(2), level_permille: 1_500, ..learned }]).await;
        assert_eq!(club.balance(customer(1)).await, [0; 4]);
        assert_eq!(club.balance(customer(2)).await, [150, 0, 0, 0]);
        club.verify().await;
    }
}

fn order_uuid() -> uuid::Uuid {
    kernel::TypedId::uuid(order(1))
}
