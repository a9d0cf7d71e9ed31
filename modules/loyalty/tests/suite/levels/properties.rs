//! Whatever happens in whatever order: levels are what the plain model says.

use std::sync::atomic::{AtomicI32, Ordering};

use kernel::{OrgId, Timestamp, TypedId};
use loyalty::levels::rules::{Downgrade, Fall, Measure, Refunds, Rules};
use loyalty::levels::settle::OrderFacts;
use loyalty::levels::what_if::what_if;
use loyalty::points::Holder;
use loyalty::points::settle::Extent;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use testkit::{TestDb, db_test};

use super::model::{Model, Order, TICK};
use super::tools::{Club, MIGRATIONS, customer, levels};

const CUSTOMERS: usize = 3;
const ORDERS: usize = 8;

#[derive(Debug, Clone)]
enum Step {
    /// An order is paid so many ticks ago, or is heard of anew.
    Pay {
        order: usize,
        owner: usize,
        yuan: i64,
        ago: i64,
    },
    Refund {
        order: usize,
        percent: i64,
    },
    /// It is closed, or gone.
    Undo {
        order: usize,
        gone: bool,
    },
    Wait {
        ticks: i64,
    },
    Due,
    /// Customers 0 and 1 become one, or two again.
    Merge {
        root: usize,
    },
    Pin {
        who: usize,
        rank: usize,
    },
    Release {
        who: usize,
    },
    Edit {
        rules: Rules,
    },
    /// All is reported once more.
    Again,
}

fn rules() -> impl Strategy<Value = Rules> {
    let downgrade = prop_oneof![
        Just(Downgrade::Never),
        Just(Downgrade::Hand),
        Just(Downgrade::AtOnce),
        (1_u32..12, 0_u32..4, any::<bool>()).prop_map(|(validity_days, grace_days, one)| {
            let fall = if one { Fall::OneLevel } else { Fall::ToEarned };
            Downgrade::Validity { validity_days, grace_days, fall }
        }),
    ];
    let window = prop_oneof![Just(None), (1_u32..20).prop_map(Some)];
    (any::<bool>(), window, downgrade, any::<bool>(), 1_i64..6, 1_usize..4).prop_map(
        |(by_amount, window_days, downgrade, keep, unit, count)| {
            let unit = if by_amount { unit * 4_000 } else { unit.min(2) };
            Rules {
                measure: if by_amount { Measure::Amount } else { Measure::Orders },
                window_days,
                downgrade,
                refunds: if keep { Refunds::Keep } else { Refunds::TakeBack },
                levels: levels(&(1..=count as i64).map(|n| n * unit).collect::<Vec<_>>()),
            }
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..ORDERS, 0..CUSTOMERS, 1_i64..200, 0_i64..30)
            .prop_map(|(order, owner, yuan, ago)| Step::Pay { order, owner, yuan, ago: if ago < 20 { 0 } else { ago } }),
        4 => (0..ORDERS, 0_i64..=100).prop_map(|(order, percent)| Step::Refund { order, percent }),
        1 => (0..ORDERS, any::<bool>()).prop_map(|(order, gone)| Step::Undo { order, gone }),
        6 => (1_i64..60).prop_map(|ticks| Step::Wait { ticks }),
        2 => Just(Step::Due),
        2 => (0_usize..2).prop_map(|root| Step::Merge { root }),
        1 => (0..CUSTOMERS, 0_usize..4).prop_map(|(who, rank)| Step::Pin { who, rank }),
        1 => (0..CUSTOMERS).prop_map(|who| Step::Release { who }),
        1 => rules().prop_map(|rules| Step::Edit { rules }),
        1 => Just(Step::Again),
    ]
}

struct Case<'a> {
    club: Club<'a>,
    model: Model,
    /// Into whom 0 and 1 are merged.
    merged: Option<usize>,
}

impl Case<'_> {
    fn family(&self, of: usize) -> Vec<usize> {
        if self.merged.is_some() && of < 2 { vec![0, 1] } else { vec![of] }
    }

    fn root(&self, of: usize) -> usize {
        self.merged.filter(|_| of < 2).unwrap_or(of)
    }

    fn holders(&self) -> Vec<Holder> {
        let roots = (0..CUSTOMERS).filter(|of| self.root(*of) == *of);
        roots
            .map(|root| {
                let members: Vec<_> =
                    self.family(root).iter().map(|of| customer(*of as u128)).collect();
                Holder::new(customer(root as u128), &members)
            })
            .collect()
    }

    fn facts(&self, at: usize) -> Option<OrderFacts> {
        let order = self.model.orders[at].as_ref()?;
        Some(OrderFacts {
            paid_at: Some(Timestamp::from_millis(order.at)),
            refunded_minor: order.refunded,
            void: order.void,
            ..self.club.paid(customer(order.owner as u128), at as u128, order.paid)
        })
    }

    async fn report(&self, at: usize) {
        let facts: Vec<OrderFacts> = self.facts(at).into_iter().collect();
        self.club.settle(&facts).await;
    }

    async fn report_all(&self) {
        let facts: Vec<OrderFacts> = (0..ORDERS).filter_map(|at| self.facts(at)).collect();
        self.club.settle_families(&self.holders(), &facts, Extent::All).await;
    }

    async fn take(&mut self, step: Step) {
        let now = self.model.now;
        match step {
            Step::Pay { order, owner, yuan, ago } => {
                let at = now - ago * TICK;
                self.model.orders[order] =
                    Some(Order { owner, at, paid: yuan * 100, refunded: 0, void: false });
                self.report(order).await;
            }
            Step::Refund { order, percent } => {
                if let Some(known) = &mut self.model.orders[order] {
                    known.refunded = known.paid * percent / 100;
                    self.report(order).await;
                }
            }
            Step::Undo { order, gone } => {
                if gone {
                    self.model.orders[order] = None;
                    self.report_all().await;
                } else if let Some(known) = &mut self.model.orders[order] {
                    known.void = true;
                    self.report(order).await;
                }
            }
            Step::Wait { ticks } => {
                self.model.now += ticks * TICK;
                self.club.db.clock().advance_millis(ticks * TICK);
            }
            Step::Due => drop(self.club.due().await),
            Step::Merge { root } => {
                self.merged = if self.merged.is_some() { None } else { Some(root) };
                self.club.settle_families(&self.holders(), &[], Extent::Some).await;
            }
            // Of two deeds at one moment the ids decide, which the model does not know.
            Step::Pin { .. } | Step::Release { .. }
                if self.model.deeds.last().is_some_and(|deed| deed.1 == now) => {}
            Step::Pin { who, rank } => {
                let rank = rank.min(self.club.scheme.rules.levels.len());
                self.club.pin(customer(who as u128), rank).await.unwrap();
                self.model.deeds.push((who, now, Some(rank)));
            }
            Step::Release { who } => {
                let pinned = self.model.stand(&self.family(who)).pinned;
                let may = pinned || self.club.scheme.rules.downgrade == Downgrade::Hand;
                let done = self.club.release(customer(who as u128)).await;
                assert_eq!(done.is_ok(), may, "{done:?}");
                if may {
                    self.model.deeds.push((who, now, None));
                }
            }
            Step::Edit { rules } => {
                // Two edits at one moment begin one after the other; the model has no moments between.
                if self.model.rules.iter().all(|(from, _)| *from < now) {
                    self.club.edit(&rules).await;
                    self.model.rules.push((now, rules));
                }
            }
            Step::Again => {
                self.report_all().await;
                self.report_all().await;
                self.club.due().await;
                let told = self.changes().await;
                self.report_all().await;
                assert_eq!(self.changes().await, told, "the same report twice");
            }
        }
    }

    async fn changes(&self) -> i64 {
        let mut tx = self.club.db.db().read().await.unwrap();
        let sql = "SELECT COUNT(*) FROM loyalty_level_history WHERE org_id = $1";
        let arguments = platform::args![self.club.cx.scope.org_arg()];
        tx.fetch_one::<(i64,)>(sql, arguments).await.unwrap().0
    }

    async fn agree(&self) {
        for of in 0..CUSTOMERS {
            let told = self.club.of(customer(of as u128)).await;
            let stand = self.model.stand(&self.family(of));
            assert_eq!(told.customer, customer(self.root(of) as u128));
            assert_eq!(
                (told.rank, told.since.millis(), told.valid_until.map(Timestamp::millis)),
                (stand.rank, stand.since, stand.valid_until),
                "customer {of}: {stand:?}"
            );
            assert_eq!(
                (told.pinned, told.earned, told.amount_minor, told.orders),
                (stand.pinned, stand.earned, stand.amount, stand.orders)
            );
        }
        self.club.verify().await;
    }

    /// What is stored is what is true now, once the job was there; and what-if is what counting by hand says.
    async fn settled(&self) {
        self.club.due().await;
        let stored = self.club.stored().await;
        for of in 0..CUSTOMERS {
            let stand = self.model.stand(&self.family(of));
            let is_root = self.root(of) == of;
            let row = stored.iter().find(|row| row.0 == customer(of as u128).uuid());
            let rank = if is_root { stand.rank as i64 } else { 0 };
            assert_eq!(row.map_or(0, |row| row.1), rank, "customer {of}");
        }
        let rules = &self.club.scheme.rules;
        let roots: Vec<usize> = (0..CUSTOMERS).filter(|of| self.root(*of) == *of).collect();
        for rank in 1..=rules.levels.len() {
            let now = rules.levels[rank - 1].bound;
            let least = rank.checked_sub(2).map_or(1, |below| rules.levels[below].bound + 1);
            let most = rules.levels.get(rank).map_or(100_000, |above| above.bound - 1);
            for bound in [least, (least + now) / 2, now, (now + most) / 2, most] {
                let mut tx = self.club.db.db().read().await.unwrap();
                let told =
                    what_if(&mut tx, &self.club.cx, &self.club.scheme, rank, bound).await.unwrap();
                let stands: Vec<_> =
                    roots.iter().map(|of| self.model.stand(&self.family(*of))).collect();
                let measured = |stand: &super::model::Stand| match rules.measure {
                    Measure::Amount => stand.amount,
                    Measure::Orders => stand.orders,
                };
                let free = || stands.iter().filter(|stand| !stand.pinned);
                let rise = free().filter(|s| s.rank < rank && measured(s) >= bound).count() as i64;
                let lose = free()
                    .filter(|s| s.rank == rank && measured(s) >= now && measured(s) < bound)
                    .count() as i64;
                assert_eq!((told.rise, told.lose, told.not_yet_measured), (rise, lose, 0));
            }
        }
    }
}

async fn run(db: &TestDb, org: i32, rules: Rules, steps: Vec<Step>) {
    let club = Club::in_org(db, OrgId::new(org), rules.clone()).await;
    let now = club.cx.now().millis();
    let model = Model {
        began: now,
        now,
        orders: vec![None; ORDERS],
        rules: vec![(now, rules)],
        deeds: Vec::new(),
    };
    let mut case = Case { club, model, merged: None };
    for step in steps {
        case.take(step).await;
        case.agree().await;
    }
    case.settled().await;
    case.agree().await;
}

db_test! { MIGRATIONS;
    async fn levels_are_what_the_model_says(db) {
        let case = (rules(), proptest::collection::vec(step(), 1..25));
        let config = Config { cases: 40, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let org = AtomicI32::new(10);
        let runtime = tokio::runtime::Handle::current();
        let outcome = runner.run(&case, |(rules, steps)| {
            let org = org.fetch_add(1, Ordering::Relaxed);
            tokio::task::block_in_place(|| runtime.block_on(run(&db, org, rules, steps)));
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("{error}");
        }
    }
}
