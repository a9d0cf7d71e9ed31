//! Live membership against asking anew, whatever happens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kernel::{AudienceId, CustomerId, Reach, Timestamp, Zone};
use proptest::prelude::*;

use super::{Live, Transition, measure_live};
use crate::audience::tests::strategy::{audience, tree};
use crate::audience::tests::world::{Op, as_of, put, rfm, without_names};
use crate::audience::{AsOf, Definitions, NoNames, Node, parse};
use crate::bench::{LAST_DAY, Made};
use crate::tests::model::customer;
use crate::{Compacted, Engine, OrderFact};

/// Audiences of the test.
const AUDIENCES: u8 = 3;

#[test]
fn several_days_at_once_skip_nobody() {
    let end = as_of(0).end_ms();
    let made = Made::new(1);
    let order = OrderFact {
        ordered_at: Timestamp::from_millis(end - 1),
        shop: made.shop(0),
        revenue_minor: 100,
    };
    let mut engine = Engine::new();
    engine.upsert(&made.feed(0), &[order], &[]);
    let engine = engine.snapshot();
    let tree = parse("last_order before last 33 days", &NoNames).unwrap();
    let mut live = Live::new(as_of(0));
    live.watch(&engine, audience(1), tree, Arc::default()).unwrap();
    live.ready(&engine);
    // The wheel was filled for 32 days; the order falls out of the window on the 33rd.
    live.turn_to(&engine, as_of(30)).unwrap();
    assert_eq!(live.size(audience(1)), Some(0));
    live.turn_to(&engine, as_of(34)).unwrap();
    assert_eq!(live.size(audience(1)), Some(1));
}

#[derive(Debug, Clone)]
enum Step {
    /// Customers are fed or removed, and tested together.
    Change(Vec<Op>),
    /// So many days pass; a negative number is a clock put right.
    Days(i64),
    /// An audience gets another definition, silently or not.
    Define(u8, Box<Node>, bool),
    /// A compaction begins, or the one begun is installed.
    Compact,
    /// Scores are set anew.
    Score,
    /// What is owed is written down, at most so many.
    Tell(usize),
    /// The process dies; what was written down is all that is known. Numbers of customers as they were, or a new
    /// roll; sets as of now, or as of the last one.
    Restart(bool),
    /// The same data in a new engine.
    Reload,
}

fn step() -> impl Strategy<Value = Step> {
    let op = prop_oneof![8 => put(), 2 => (0_u8..40).prop_map(Op::Remove)];
    prop_oneof![
        8 => prop::collection::vec(op, 1..6).prop_map(Step::Change),
        4 => (1_i64..5).prop_map(Step::Days),
        1 => prop::sample::select(vec![-2_i64, 30, 33, 400]).prop_map(Step::Days),
        2 => (0..AUDIENCES, tree(), any::<bool>())
            .prop_map(|(n, tree, told)| Step::Define(n, Box::new(tree), told)),
        2 => Just(Step::Compact),
        2 => Just(Step::Score),
        4 => prop::sample::select(vec![1_usize, 3, 1_000]).prop_map(Step::Tell),
        1 => any::<bool>().prop_map(Step::Restart),
        1 => Just(Step::Reload),
    ]
}

/// What is written down: a checkpoint and a log, as the database has them.
#[derive(Default)]
struct Kept {
    roll: Vec<CustomerId>,
    sets: BTreeMap<AudienceId, Vec<u8>>,
    log: Vec<Transition>,
    /// What readers of the log know.
    told: BTreeMap<AudienceId, BTreeSet<CustomerId>>,
}

struct World {
    engine: Engine,
    live: Live,
    days: i64,
    trees: BTreeMap<AudienceId, Node>,
    compaction: Option<Compacted>,
    kept: Kept,
}

impl World {
    /// Audience 1 may name audience 0, and 2 both; names of others are replaced.
    fn definitions(&self) -> Definitions {
        let named = |id: &AudienceId, tree: &Node| {
            let tree = without_names(tree.clone());
            let of = |n| Node::Audience { audience: audience(n) };
            let tree = match id {
                id if *id == audience(1) => Node::Any { of: vec![tree, of(0)] },
                id if *id == audience(2) => Node::All { of: vec![tree, of(1)] },
                _ => tree,
            };
            (*id, tree)
        };
        self.trees.iter().map(|(id, tree)| named(id, tree)).collect()
    }

    fn watch_all(&mut self, silent: bool) {
        let named = Arc::new(self.definitions());
        for (id, tree) in &*named {
            if !self.live.is_watched_by(*id, tree, &named) {
                let snapshot = self.engine.snapshot();
                self.live.watch(&snapshot, *id, tree.clone(), Arc::clone(&named)).unwrap();
                if silent {
                    self.live.settle(*id);
                    self.baseline(*id);
                }
            }
        }
    }

    /// Its members are where transitions begin, and are written down.
    fn baseline(&mut self, id: AudienceId) {
        self.kept.told.insert(id, self.live.members(id).collect());
        self.checkpoint();
    }

    fn checkpoint(&mut self) {
        self.kept.roll = self.live.roll_from(0).collect();
        let set = |id| (id, self.live.told_set(id).unwrap());
        self.kept.sets = self.live.audiences().map(set).collect();
        self.kept.log.clear();
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Change(ops) => {
                let mut touched = Vec::new();
                for op in ops {
                    let id = match op {
                        Op::Put(feed, _) => feed.id,
                        Op::Remove(n) => customer(*n),
                        Op::Compact | Op::Score => continue,
                    };
                    op.apply(&mut self.engine);
                    touched.push(id);
                }
                self.live.touch(&self.engine, &touched);
            }
            Step::Days(days) => {
                self.days += days;
                self.live.turn_to(&self.engine.snapshot(), as_of(self.days)).unwrap();
            }
            Step::Define(n, tree, told) => {
                self.trees.insert(audience(*n), (**tree).clone());
                self.watch_all(!told);
            }
            Step::Compact => match self.compaction.take() {
                None => self.compaction = Some(self.engine.take_compaction().run().unwrap()),
                Some(done) => drop(self.engine.install(done)),
            },
            Step::Score => {
                let scores = self.engine.rfm(&rfm());
                self.engine.set_scores(scores);
                self.live.rescored(&self.engine.snapshot()).unwrap();
            }
            Step::Tell(most) => self.tell(*most),
            Step::Restart(fresh) => {
                let roll = if *fresh { Vec::new() } else { self.kept.roll.clone() };
                if *fresh {
                    self.checkpoint();
                }
                let roll = if *fresh { self.kept.roll.clone() } else { roll };
                self.live = Live::with_roll(as_of(self.days), roll);
                self.watch_all(false);
                for (id, set) in &self.kept.sets {
                    self.live.was_told(*id, set, &self.kept.log).unwrap();
                }
            }
            Step::Reload => {
                let done = self.engine.take_compaction().run().unwrap();
                drop(self.engine.install(done));
                self.compaction = None;
                self.live.renew(&self.engine.snapshot(), as_of(self.days)).unwrap();
            }
        }
    }

    fn tell(&mut self, most: usize) {
        let owed = self.live.owed(most);
        assert!(owed.len() <= most);
        for one in &owed {
            let told = self.kept.told.entry(one.audience).or_default();
            let turned =
                if one.entered { told.insert(one.customer) } else { told.remove(&one.customer) };
            assert!(turned, "entered and left alternate: {one:?}");
        }
        self.live.told(&owed);
        self.kept.log.extend(owed);
    }

    fn check(&self) {
        let named = self.definitions();
        let snapshot = self.engine.snapshot();
        for (id, tree) in &named {
            let asked = snapshot.audience(tree, &named, as_of(self.days), &Reach::ALL).unwrap();
            let asked: BTreeSet<CustomerId> = asked.ids().collect();
            let live: BTreeSet<CustomerId> = self.live.members(*id).collect();
            assert_eq!(live, asked, "{tree:?}");
            assert_eq!(self.live.size(*id), Some(asked.len() as u64));
            assert!(asked.iter().all(|customer| self.live.has(*id, *customer)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn members_are_those_asked_anew_and_each_turn_is_told_once(
        loaded in prop::collection::vec(put(), 0..40),
        trees in prop::collection::vec(tree(), 3),
        steps in prop::collection::vec(step(), 1..30),
    ) {
        let mut engine = Engine::new();
        for op in &loaded {
            op.apply(&mut engine);
        }
        let done = engine.take_compaction().run().unwrap();
        drop(engine.install(done));
        let mut world = World {
            live: Live::new(as_of(0)),
            engine,
            days: 0,
            trees: (0..AUDIENCES).zip(trees).map(|(n, tree)| (audience(n), tree)).collect(),
            compaction: None,
            kept: Kept::default(),
        };
        world.watch_all(true);
        for step in &steps {
            world.take(step);
            world.check();
        }
        world.tell(usize::MAX);
        prop_assert_eq!(world.live.owes(), 0);
        let live: Vec<AudienceId> = world.live.audiences().collect();
        for id in live {
            let told = world.kept.told.remove(&id).unwrap_or_default();
            prop_assert_eq!(world.live.members(id).collect::<BTreeSet<_>>(), told);
        }
    }
}

#[test]
fn a_forgotten_audience_owes_nothing_and_has_nobody() {
    let mut engine = Engine::new();
    let mut live = Live::new(as_of(0));
    let (id, named) = (audience(0), Arc::new(Definitions::new()));
    live.watch(&engine.snapshot(), id, Node::everyone(), Arc::clone(&named)).unwrap();
    let made = Made::new(2);
    engine.upsert(&made.feed(0), &[], &[]);
    assert_eq!(live.touch(&engine, &[made.id(0)]), 1);
    let entered = Transition { audience: id, customer: made.id(0), entered: true };
    assert_eq!((live.owed(10), live.owes()), (vec![entered], 1));
    // Back before anybody was told.
    engine.remove(made.id(0));
    assert_eq!((live.touch(&engine, &[made.id(0)]), live.owes()), (1, 0));
    live.forget(id);
    assert_eq!((live.size(id), live.members(id).count()), (None, 0));
    assert!(live.was_told(id, b"no set", &[]).is_err());
}

#[test]
fn what_is_measured_adds_up() {
    let made = Made::new(500);
    let mut loader = Engine::builder();
    (0..500).for_each(|n| loader.customer(&made.feed(n)));
    let mut engine = loader.facts().build().unwrap();
    let as_of = AsOf { day: LAST_DAY, zone: Zone::CHINA };
    let change = |n: u64| {
        let order = crate::OrderFact {
            ordered_at: kernel::Timestamp::start_of(LAST_DAY, Zone::CHINA),
            shop: made.shop(0),
            revenue_minor: 10_000,
        };
        (made.feed(n as u32), vec![order], Vec::new())
    };
    let figures = measure_live(&mut engine, as_of, 48, 300, change).unwrap();
    assert_eq!((figures.audiences, figures.events), (48, 300));
    assert!(figures.turned >= 300 && figures.members >= 300, "{figures:?}");
    assert!(figures.events_per_second > 0.0 && figures.event_ms.1 >= figures.event_ms.0);
}
