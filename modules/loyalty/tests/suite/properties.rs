//! Whatever happens in whatever order: the books balance, and say what the plain model says.

use kernel::{OrgId, SpendId, Timestamp};
use loyalty::points::rules::{Negative, Rules};
use loyalty::points::settle::OrderFacts;
use loyalty::points::{Holder, PointsError};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use testkit::{TestDb, db_test};

use crate::model::Model;
use crate::tools::{Club, DAY, MIGRATIONS, customer, order, rules};

const CUSTOMERS: usize = 3;
const ORDERS: usize = 6;

#[derive(Debug, Clone)]
enum Step {
    /// An order is paid, if it was not.
    Pay {
        order: usize,
        owner: usize,
        yuan: i64,
    },
    /// It is refunded so far in percent; less than before corrects it.
    Refund {
        order: usize,
        percent: i64,
    },
    /// It is gone with its import.
    Undo {
        order: usize,
    },
    Spend {
        by: usize,
        order: usize,
        points: i64,
    },
    Cancel {
        spend: usize,
    },
    Days {
        days: i64,
    },
    /// The job runs.
    Due,
    /// Customers 0 and 1 become one, or two again.
    Merge,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..ORDERS, 0..CUSTOMERS, 1_i64..200).prop_map(|(order, owner, yuan)| Step::Pay { order, owner, yuan }),
        4 => (0..ORDERS, 0_i64..=100).prop_map(|(order, percent)| Step::Refund { order, percent }),
        1 => (0..ORDERS).prop_map(|order| Step::Undo { order }),
        4 => (0..CUSTOMERS, 0..ORDERS, 1_i64..150).prop_map(|(by, order, points)| Step::Spend { by, order, points }),
        1 => (0_usize..8).prop_map(|spend| Step::Cancel { spend }),
        4 => (1_i64..16).prop_map(|days| Step::Days { days }),
        1 => Just(Step::Due),
        1 => Just(Step::Merge),
    ]
}

struct Case<'a> {
    club: Club<'a>,
    model: Model,
    spends: Vec<SpendId>,
    merged: bool,
    tried: usize,
}

impl Case<'_> {
    fn members(&self, of: usize) -> Vec<usize> {
        if self.merged && of < 2 { vec![0, 1] } else { vec![of] }
    }

    fn holder(&self, of: usize) -> Holder {
        let members: Vec<_> = self.members(of).iter().map(|m| customer(*m as u128)).collect();
        Holder::new(members[0], &members)
    }

    /// Reports an order to both.
    async fn report(&mut self, at: usize, facts: Option<(usize, i64, i64, i64)>) {
        let was = self.model.orders[at].clone();
        self.model.report(at, facts);
        let (owner, paid_at, paid, refunded) =
            facts.or(was.map(|was| (was.owner, was.paid_at, was.paid, 0))).unwrap_or_default();
        let told = OrderFacts {
            paid_at: Some(Timestamp::from_millis(paid_at)),
            refunded_minor: refunded,
            void: facts.is_none(),
            ..self.club.paid(customer(owner as u128), order(at as u128), paid)
        };
        self.club.settle(&[told]).await;
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Pay { order, owner, yuan } => {
                if self.model.orders[order].is_none() {
                    let now = self.model.now;
                    self.report(order, Some((owner, now, yuan * 100 + 99, 0))).await;
                }
            }
            Step::Refund { order, percent } => {
                if let Some(known) = self.model.orders[order].clone() {
                    let refunded = known.paid * percent / 100;
                    self.report(order, Some((known.owner, known.paid_at, known.paid, refunded)))
                        .await;
                }
            }
            Step::Undo { order } => {
                if self.model.orders[order].is_some() {
                    self.report(order, None).await;
                }
            }
            Step::Spend { by, order: on, points } => {
                let could = self.model.spend(&self.members(by), on, points);
                self.tried += 1;
                let key = format!("{}", self.tried);
                let spent =
                    self.club.spend(&self.holder(by), order(on as u128), points, &key).await;
                match spent {
                    Ok(id) if could => self.spends.push(id),
                    Err(PointsError::Insufficient { .. }) if !could => {}
                    other => panic!("{other:?}, and the model says {could}"),
                }
            }
            Step::Cancel { spend } => {
                if let Some(id) = self.spends.get(spend) {
                    self.model.cancel(spend);
                    self.club.cancel(*id).await;
                }
            }
            Step::Days { days } => {
                self.model.now += days * DAY;
                self.club.days_pass(days);
            }
            Step::Due => drop(self.club.due().await),
            Step::Merge => self.merged = !self.merged,
        }
    }

    async fn agree(&mut self) {
        self.model.catch_up();
        for of in 0..CUSTOMERS {
            let told = self.club.statement(&self.holder(of)).await;
            assert_eq!(told.spendable, self.model.spendable(&self.members(of)), "customer {of}");
        }
    }
}

async fn run(db: &TestDb, org: i32, rules: Rules, steps: Vec<Step>) {
    let forgives = rules.negative == Negative::WriteOff;
    let grace = i64::from(rules.grace_days);
    let club = Club::in_org(db, OrgId::new(org), rules).await;
    let model = Model::new(club.cx.now().millis(), CUSTOMERS, ORDERS, forgives, grace);
    let mut case = Case { club, model, spends: Vec::new(), merged: false, tried: 0 };
    for step in steps {
        case.take(step).await;
        case.agree().await;
    }
    case.club.due().await;
    case.model.catch_up();
    for of in 0..CUSTOMERS {
        assert_eq!(
            case.club.balance(customer(of as u128)).await,
            case.model.sums(of),
            "customer {of}"
        );
    }
    case.club.verify().await;
}

db_test! { MIGRATIONS;
    async fn books_say_what_the_model_says(db) {
        let case = (any::<bool>(), any::<bool>(), proptest::collection::vec(step(), 1..25));
        let config = Config { cases: 40, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let org = std::sync::atomic::AtomicI32::new(10);
        let runtime = tokio::runtime::Handle::current();
        let outcome = runner.run(&case, |(forgives, grace, steps)| {
            let org = org.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let negative = if forgives { Negative::WriteOff } else { Negative::Allow };
            let rules = Rules { negative, grace_days: if grace { 10 } else { 0 }, ..rules() };
            tokio::task::block_in_place(|| runtime.block_on(run(&db, org, rules, steps)));
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("{error}");
        }
    }
}
