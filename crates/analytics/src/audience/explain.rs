//! Why a customer is in an audience or not, and when that will change by itself.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use kernel::{CustomerId, Timestamp};

use super::exec::{passes, plan};
use super::plan::{AsOf, AudienceError, Definitions, Plan};
use super::subject::OrdersOf;
use super::tree::{Node, When};
use crate::base::NEVER;
use crate::delta::Row;
use crate::engine::{Snapshot, View};

/// Days looked at when a change is sought.
const DAYS_MAX: usize = 5_000;
/// Conditions times orders and lines times days that one question may look at.
const WORK_MAX: usize = 10_000_000;

/// A condition, what became of it for one customer, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// The condition.
    pub node: Node,
    /// Whether the customer passes it.
    pub passes: bool,
    /// What is true of the customer, for conditions that look at a value.
    pub seen: Option<Seen>,
    /// The first later day on which that changes, if nothing but time passes.
    pub flips_on: Option<NaiveDate>,
    /// The parts.
    pub parts: Vec<Self>,
}

/// The value that a condition looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// A number of orders, pieces or points, or a rating.
    Number(i64),
    /// An amount in minor units.
    Amount(i64),
    /// A moment.
    Moment(Timestamp),
    /// A bucket.
    Bucket(u64),
    /// The rank of a member level, from 1.
    Level(u8),
    /// There is no such value: no order, no rating, no level.
    Nothing,
}

/// A question about one customer with everything that its answer needs, so that the engine is not held
/// while it is answered.
#[derive(Debug)]
pub struct Question {
    id: CustomerId,
    row: Row,
    cell: u16,
    root: Node,
    named: Definitions,
    as_of: AsOf,
    today: Plan,
}

impl Snapshot {
    /// Takes what is needed to say why a customer belongs to an audience or not; `None` if there is none of
    /// this id.
    ///
    /// # Errors
    /// As [`Snapshot::audience`].
    pub fn question(
        &self,
        root: &Node,
        named: &Definitions,
        as_of: AsOf,
        id: CustomerId,
    ) -> Result<Option<Question>, AudienceError> {
        let today = plan(self.view(), root, named, as_of)?;
        Ok(self.view().row_of(id).map(|(row, cell)| Question {
            id,
            row,
            cell,
            root: root.clone(),
            named: named.clone(),
            as_of,
            today,
        }))
    }
}

impl View<'_> {
    /// A customer as a row, and the cell under the scores set.
    pub(crate) fn row_of(self, id: CustomerId) -> Option<(Row, u16)> {
        let view = self;
        if let Some(entry) = view.delta.get(id) {
            let row = entry.row.as_ref()?;
            return Some((Row::clone(row), entry.cell));
        }
        let base = view.base;
        let at = base.ordinal(id)?;
        let cell = view.scores.map_or(0, |(_, cells)| cells[at]);
        Some((Row::of_base(base, at), cell))
    }
}

impl Question {
    /// Why the customer belongs to the audience or not, and on which day each condition changes. Many
    /// conditions on a customer of many orders are followed for fewer days: then `looked_until` says how far.
    #[must_use]
    pub fn explain(&self) -> (Explained, Option<NaiveDate>) {
        let mut explained = self.explain_node(&self.root, &self.today, &self.named);
        let mut open = explained.open();
        let mut days = self.turning_days().into_iter();
        let most = self.days_max(open);
        for day in days.by_ref().take(most) {
            if open == 0 {
                return (explained, None);
            }
            let then = self.today.on(AsOf { day, ..self.as_of });
            open -= self.note_flips(&mut explained, &then, day).1;
        }
        let left_out = days.next().filter(|_| open > 0);
        (explained, left_out.and_then(|day| day.pred_opt()))
    }

    /// Whether the customer belongs to the audience.
    #[must_use]
    pub fn is_in(&self) -> bool {
        self.passes(&self.today)
    }

    /// The first later day on which it changes whether the customer belongs to the audience, if nothing but
    /// time passes; `None` if it never does, or not within the days that are looked at.
    #[must_use]
    pub fn next_flip(&self) -> Option<NaiveDate> {
        let is_in = self.passes(&self.today);
        let most = self.days_max(1);
        let turns = |day: &NaiveDate| {
            self.passes(&self.today.on(AsOf { day: *day, ..self.as_of })) != is_in
        };
        self.turning_days().into_iter().take(most).find(turns)
    }

    /// Days that can be looked at within the work that one question may cost.
    fn days_max(&self, conditions: usize) -> usize {
        let (bought, refunds) = (&self.row.bought, &self.row.refunds);
        let orders = bought.facts.len() + refunds.facts.len();
        let a_day = conditions * (1 + orders + bought.line_count() + refunds.line_count());
        (WORK_MAX / a_day.max(1)).clamp(1, DAYS_MAX)
    }

    fn passes(&self, plan: &Plan) -> bool {
        passes(plan, self.id, &self.row, self.cell)
    }

    fn explain_node(&self, node: &Node, plan: &Plan, named: &Definitions) -> Explained {
        let parts = match (node, plan) {
            (Node::All { of }, Plan::All(plans)) | (Node::Any { of }, Plan::Any(plans)) => of
                .iter()
                .zip(plans)
                .map(|(node, plan)| self.explain_node(node, plan, named))
                .collect(),
            (Node::Not { of }, Plan::Not(plan)) => vec![self.explain_node(of, plan, named)],
            (Node::Audience { audience }, plan) => named
                .get(audience)
                .map(|definition| vec![self.explain_node(definition, plan, named)])
                .unwrap_or_default(),
            _ => Vec::new(),
        };
        Explained {
            node: node.clone(),
            passes: self.passes(plan),
            seen: self.seen(plan),
            flips_on: None,
            parts,
        }
    }

    fn seen(&self, plan: &Plan) -> Option<Seen> {
        let moment = |at: Option<i64>| {
            Some(at.map_or(Seen::Nothing, |at| Seen::Moment(Timestamp::from_millis(at))))
        };
        match plan {
            Plan::Rating(_) if self.row.rating == crate::base::NO_RATING => Some(Seen::Nothing),
            Plan::Rating(_) => Some(Seen::Number(i64::from(self.row.rating))),
            Plan::Level(scheme, _) => match self.row.loyalty.level(*scheme) {
                0 => Some(Seen::Nothing),
                rank => Some(Seen::Level(rank)),
            },
            Plan::Points(programme, _) => Some(Seen::Number(self.row.loyalty.points(*programme))),
            Plan::Created(..) => moment(Some(self.row.created)),
            Plan::Refuses(_) => moment((self.row.refused != NEVER).then_some(self.row.refused)),
            Plan::Figure(measure, _, chosen, _) => {
                let orders = self.row.orders_of(*measure);
                Some(orders.figure(*measure, chosen).map_or(Seen::Nothing, |figure| {
                    if measure.is_amount() { Seen::Amount(figure) } else { Seen::Number(figure) }
                }))
            }
            Plan::First(_, chosen, ..) => moment(self.row.bought.first(chosen)),
            Plan::Last(_, chosen, ..) => moment(self.row.bought.last(chosen)),
            Plan::Bucket(lot) => Some(Seen::Bucket(lot.bucket(self.id))),
            _ => None,
        }
    }

    /// Notes the day for each node that is other than it was and has no day yet; whether the node passes
    /// then, and how many were noted.
    fn note_flips(&self, explained: &mut Explained, then: &Plan, day: NaiveDate) -> (bool, usize) {
        let plans = match (&explained.node, then) {
            (Node::Audience { .. }, plan) => std::slice::from_ref(plan),
            (_, Plan::All(of) | Plan::Any(of)) => &of[..],
            (_, Plan::Not(of)) => std::slice::from_ref(&**of),
            _ => &[],
        };
        let (mut all, mut any, mut noted) = (true, false, 0);
        for (part, plan) in explained.parts.iter_mut().zip(plans) {
            let (passes, below) = self.note_flips(part, plan, day);
            all &= passes;
            any |= passes;
            noted += below;
        }
        let passes = match &explained.node {
            Node::All { .. } => all,
            Node::Any { .. } | Node::Audience { .. } => any,
            Node::Not { .. } => !any,
            _ => self.passes(then),
        };
        if explained.flips_on.is_none() && passes != explained.passes {
            explained.flips_on = Some(day);
            noted += 1;
        }
        (passes, noted)
    }

    /// The days after `as_of` on which anything could change: an order of the future arrives, or a
    /// moment leaves or enters a window that moves.
    fn turning_days(&self) -> BTreeSet<NaiveDate> {
        let as_of = self.as_of;
        let mut lengths = BTreeSet::from([0]);
        self.today.windows(&mut lengths);
        let day = |at| Timestamp::from_millis(at).day(as_of.zone);
        let moments: BTreeSet<NaiveDate> = self.row.moments().map(day).collect();
        let turning = |length: &u32| {
            let later = Days::new(u64::from(*length));
            moments.iter().filter_map(move |day| day.checked_add_days(later))
        };
        lengths.iter().flat_map(turning).filter(|day| *day > as_of.day).collect()
    }
}

impl Plan {
    /// The lengths in days of all windows that move.
    pub(super) fn windows(&self, lengths: &mut BTreeSet<u32>) {
        let mut add = |when: &When| {
            if let When::LastDays(days) | When::BeforeLastDays(days) = when {
                lengths.insert(*days);
            }
        };
        match self {
            Self::All(of) | Self::Any(of) => of.iter().for_each(|plan| plan.windows(lengths)),
            Self::Not(of) => of.windows(lengths),
            Self::Created(when, _) | Self::Sequence(_, _, when, _) | Self::Figure(_, when, ..) => {
                add(when);
            }
            Self::First(of, _, when, _) | Self::Last(of, _, when, _) => {
                add(of);
                add(when);
            }
            _ => {}
        }
    }
}

impl Explained {
    /// This node and those below it.
    fn open(&self) -> usize {
        1 + self.parts.iter().map(Self::open).sum::<usize>()
    }
}
