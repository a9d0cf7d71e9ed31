//! What happens to the points of one customer.

use std::collections::BTreeMap;

use kernel::{OrgId, SpendId};
use loyalty::points::rules::LineFact;
use loyalty::points::settle::OrderFacts;
use loyalty::points::{Holder, PointsError, adjust, award, programme};
use testkit::TestDb;

use super::page::{Table, settings};
use super::{fen, moment, number, said, time_goes_on};
use crate::tools::{Club, customer, order, rules};

struct Story<'a> {
    club: Club<'a>,
    orders: BTreeMap<u128, OrderFacts>,
    spends: BTreeMap<u128, SpendId>,
}

pub async fn run(db: &TestDb, org: i32, table: &Table) {
    let rules = table.over(serde_json::to_value(rules()).unwrap());
    let club = Club::in_org(db, OrgId::new(org), serde_json::from_value(rules).unwrap()).await;
    let mut story = Story { club, orders: BTreeMap::new(), spends: BTreeMap::new() };
    for row in &table.rows {
        let name = format!("example {}: {}", table.example, row[0]);
        if time_goes_on(db, story.club.cx.now(), &row[0]) {
            story.club.due().await;
        } else {
            story.step(&row[0]).await.unwrap_or_else(|| panic!("{name}: not understood"));
        }
        let [pending, available, reserved, debt] = story.club.balance(customer(1)).await;
        let expected: Vec<i64> = row[1..].iter().map(|cell| number(cell)).collect();
        assert_eq!(vec![pending, available, reserved, -debt], expected, "{name}");
    }
    story.club.verify().await;
}

impl Story<'_> {
    async fn step(&mut self, what: &str) -> Option<()> {
        if let Some(done) = self.order(what).await {
            return Some(done);
        }
        let who = Holder::single(customer(1));
        if let Some(said) = said(what, "# points are spent on order #") {
            let id = number(said[1]);
            let spent = self.club.spend(&who, order(id), number(said[0]), said[1]).await;
            self.spends.insert(id, spent.unwrap());
        } else if let Some(said) = said(what, "# points are held for order #") {
            let id = number(said[1]);
            let held = self.club.reserve(&who, order(id), number(said[0]), said[1], 15).await;
            self.spends.insert(id, held.unwrap());
        } else if let Some(said) = said(what, "those held for order # are spent") {
            self.club.commit(self.spends[&number(said[0])]).await.unwrap();
        } else if let Some(said) = said(what, "those held for order # come back")
            .or_else(|| said(what, "those spent on order # come back"))
        {
            self.club.cancel(self.spends[&number(said[0])]).await;
        } else if let Some(said) = said(what, "the programme is edited: #") {
            self.edit(said[0]).await;
        } else {
            return self.by_hand(what).await;
        }
        Some(())
    }

    async fn order(&mut self, what: &str) -> Option<()> {
        if what == "the import is taken back" {
            self.club.settle_all(&[customer(1)], &[]).await;
            return Some(());
        }
        let id;
        if let Some(said) = said(what, "order # is paid: # for # at level × #") {
            id = number(said[0]);
            let mut facts = self.club.paid(customer(1), order(id), fen(said[1]));
            let line = |text: &str| {
                let (product, amount) = text.split_once(' ').unwrap();
                LineFact { product: product.into(), amount_minor: fen(amount), refunded_minor: 0 }
            };
            facts.lines = said[2].split(", ").map(line).collect();
            let (whole, part) = said[3].split_once('.').unwrap();
            facts.level_permille = number::<i64>(whole) * 1_000 + number::<i64>(part) * 100;
            self.orders.insert(id, facts);
        } else if let Some(said) = said(what, "order # is paid: #") {
            id = number(said[0]);
            let facts = self.club.paid(customer(1), order(id), fen(said[1]));
            self.orders.insert(id, facts);
        } else if let Some(said) = said(what, "order # is heard of, paid on #: #") {
            id = number(said[0]);
            // The time has colons, too.
            let (at, amount) = what.rsplit_once(": ").unwrap();
            let mut facts = self.club.paid(customer(1), order(id), fen(amount));
            facts.paid_at = Some(moment(at.split_once("paid on ").unwrap().1));
            self.orders.insert(id, facts);
        } else if let Some(said) = said(what, "order # has given back # of #") {
            id = number(said[0]);
            let facts = self.orders.get_mut(&id).unwrap();
            facts.refunded_minor = fen(said[1]);
            let line = facts.lines.iter_mut().find(|line| line.product == said[2]).unwrap();
            line.refunded_minor = fen(said[1]);
        } else if let Some(said) = said(what, "order # has given back #") {
            id = number(said[0]);
            self.orders.get_mut(&id).unwrap().refunded_minor = fen(said[1]);
        } else if let Some(said) = said(what, "order # is closed") {
            id = number(said[0]);
            self.orders.get_mut(&id).unwrap().void = true;
        } else {
            return None;
        }
        self.club.settle(std::slice::from_ref(&self.orders[&id])).await;
        Some(())
    }

    async fn edit(&mut self, text: &str) {
        let programme = &self.club.programme;
        let edit = Table { settings: settings(text), ..Table::default() };
        let rules = edit.over(serde_json::to_value(&programme.rules).unwrap());
        let rules = serde_json::from_value(rules).unwrap();
        let mut tx = self.club.db.db().begin().await.unwrap();
        let (id, version) = (programme.id, programme.version);
        programme::change(&mut tx, &self.club.cx, id, version, "Club", &rules).await.unwrap();
        tx.commit().await.unwrap();
        self.club.programme = Club::read(self.club.db, &self.club.cx, id).await;
    }

    /// An activity, or points taken by a person.
    async fn by_hand(&mut self, what: &str) -> Option<()> {
        let mut tx = self.club.db.db().begin().await.unwrap();
        let (cx, programme) = (&self.club.cx, &self.club.programme);
        if let Some(said) = said(what, "# points are refused to be taken by hand") {
            let points = -number::<i64>(said[0]);
            let asked =
                adjust::ask(&mut tx, cx, programme, &Holder::single(customer(1)), points, "back")
                    .await;
            assert!(matches!(asked, Err(PointsError::Insufficient { .. })), "{asked:?}");
            return Some(());
        } else if let Some(said) = said(what, "# points are taken by hand") {
            let points = -number::<i64>(said[0]);
            adjust::ask(&mut tx, cx, programme, &Holder::single(customer(1)), points, "back")
                .await
                .unwrap();
        } else if let Some(said) = said(what, "# is given") {
            let (who, key) = (Holder::single(customer(1)), cx.now().to_string());
            award::award(&mut tx, cx, programme, &who, said[0], &key).await.unwrap();
        } else if let Some(said) = said(what, "# is refused") {
            let (who, key) = (Holder::single(customer(1)), format!("again {}", cx.now()));
            let again = award::award(&mut tx, cx, programme, &who, said[0], &key).await;
            assert!(matches!(again, Err(PointsError::DailyLimit(_))), "{again:?}");
            return Some(());
        } else {
            return None;
        }
        tx.commit().await.unwrap();
        Some(())
    }
}
