//! A definition made ready to ask one customer after the other as rows, whatever the base is: what live
//! membership needs. It costs no pass over columns, and stays as good when the base is replaced.

use std::collections::BTreeSet;
use std::sync::Arc;

use kernel::CustomerId;

use super::exec::{passes, plan};
use super::plan::{AsOf, AudienceError, Definitions, Plan};
use super::subject::{BaseOrders, OrdersOf as _};
use super::tree::{Measure, Node};
use crate::base::NEVER;
use crate::contact::ContactSpan;
use crate::delta::{Row, RowOrders};
use crate::engine::{Engine, View};

/// A definition for rows, as of a day.
#[derive(Debug)]
pub(crate) struct RowPlan {
    tree: Node,
    named: Arc<Definitions>,
    plan: Plan,
    lengths: BTreeSet<u32>,
    by_scores: bool,
}

impl RowPlan {
    /// `view` says by which scores tiers and cells are known.
    ///
    /// # Errors
    /// As [`crate::Snapshot::audience`].
    pub(crate) fn new(
        view: View<'_>,
        tree: Node,
        named: Arc<Definitions>,
        as_of: AsOf,
    ) -> Result<Self, AudienceError> {
        let plan = row_plan(view, &tree, &named, as_of)?;
        // 0: an order of the future arrives.
        let mut lengths = BTreeSet::from([0]);
        plan.windows(&mut lengths);
        let by_scores = plan.looks_at_scores();
        Ok(Self { tree, named, plan, lengths, by_scores })
    }

    pub(crate) const fn tree(&self) -> &Node {
        &self.tree
    }

    pub(crate) const fn named(&self) -> &Arc<Definitions> {
        &self.named
    }

    /// The lengths in days of the windows: so many days after a moment of a customer the answer may change.
    pub(crate) const fn lengths(&self) -> &BTreeSet<u32> {
        &self.lengths
    }

    /// Whether the answer changes with the scores of all.
    pub(crate) const fn by_scores(&self) -> bool {
        self.by_scores
    }

    /// Makes it ready for another day.
    pub(crate) fn move_to(&mut self, as_of: AsOf) {
        self.plan = self.plan.on(as_of);
    }

    /// Makes it ready for the scores of `view`.
    pub(crate) fn rescore(&mut self, view: View<'_>, as_of: AsOf) {
        if self.by_scores
            && let Ok(plan) = row_plan(view, &self.tree, &self.named, as_of)
        {
            self.plan = plan;
        }
    }

    pub(crate) fn passes(&self, id: CustomerId, row: &Row, cell: u16) -> bool {
        passes(&self.plan, id, row, cell)
    }
}

fn row_plan(
    view: View<'_>,
    tree: &Node,
    named: &Definitions,
    as_of: AsOf,
) -> Result<Plan, AudienceError> {
    // Marks of products and names found are of a base without customers, and so cost nothing.
    let nobody = Engine::new();
    let view = View { scores: view.scores.map(|(rfm, _)| (rfm, &[][..])), ..nobody.view() };
    Ok(plan(view, tree, named, as_of)?.ranked())
}

impl Plan {
    fn looks_at_scores(&self) -> bool {
        match self {
            Self::All(of) | Self::Any(of) => of.iter().any(Self::looks_at_scores),
            Self::Not(of) => of.looks_at_scores(),
            Self::Cells(_) => true,
            _ => false,
        }
    }
}

/// Calls `each` for every moment of a customer of the base from which days are counted, in milliseconds.
pub(crate) fn moments_of(view: View<'_>, ordinal: usize, mut each: impl FnMut(i64)) {
    let base = view.base;
    each(base.created.get(ordinal));
    if base.refused.get(ordinal) != NEVER {
        each(base.refused.get(ordinal));
    }
    base.contacts.of(ordinal).flat_map(|span| span.moments()).for_each(&mut each);
    let orders = BaseOrders { facts: &base.facts, range: base.facts.range(ordinal) };
    (0..orders.count()).for_each(|order| each(orders.moment(order)));
    let refunds = BaseOrders { facts: &base.refunds, range: base.refunds.range(ordinal) };
    (0..refunds.count()).for_each(|order| each(refunds.moment(order)));
}

impl Row {
    /// What a measure looks at.
    pub(super) fn orders_of(&self, measure: Measure) -> &RowOrders {
        if measure.is_of_refunds() { &self.refunds } else { &self.bought }
    }

    /// Every moment from which days are counted, in milliseconds.
    pub(crate) fn moments(&self) -> impl Iterator<Item = i64> + '_ {
        let refused = (self.refused != NEVER).then_some(self.refused);
        let orders = self.bought.facts.iter().chain(&self.refunds.facts);
        let ordered = orders.map(|fact| fact.ordered_at.millis());
        let contact = self.contact.iter().flat_map(ContactSpan::moments);
        std::iter::once(self.created).chain(refused).chain(contact).chain(ordered)
    }
}
