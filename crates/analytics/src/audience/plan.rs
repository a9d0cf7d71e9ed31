//! A tree made ready for the customers of one engine as of one day.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use kernel::{AudienceId, LevelSchemeId, ProgrammeId, TagId, Timestamp, UserId, Zone};
use memchr::memmem::Finder;

use super::subject::{Chosen, ProductPlan, ShopPlan};
use super::tree::{Measure, Node, Orders, Product, When};
use crate::bits::Bits;
use crate::contact::Pair;
use crate::daily::end_of;
use crate::engine::View;
use crate::facts::Facts;
use crate::list::{Span, retain_text};
use crate::rfm::{Rfm, Score, Tier};
use crate::text;

/// Conditions after those of the audiences named were put in.
const CONDITIONS_MAX: usize = 5_000;

/// As of when one asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsOf {
    /// The day; orders after it are not there yet.
    pub day: NaiveDate,
    /// The zone of days.
    pub zone: Zone,
}

impl AsOf {
    /// The first millisecond after the day.
    #[must_use]
    pub fn end_ms(self) -> i64 {
        end_of(self.day, self.zone)
    }

    /// The milliseconds of `when`.
    #[must_use]
    pub fn span(self, when: When) -> Range<i64> {
        let start = |day: NaiveDate| Timestamp::start_of(day, self.zone).millis();
        // The first of the last so many days; the calendar reaches further back than any limit.
        let first = |days: u32| {
            let back = Days::new(u64::from(days.saturating_sub(1)));
            self.day.checked_sub_days(back).map_or(i64::MIN + 1, start)
        };
        // `i64::MIN` stands for "no order" in columns.
        let (from, to) = match when {
            When::Ever => (i64::MIN + 1, i64::MAX),
            When::LastDays(days) => (first(days), i64::MAX),
            When::BeforeLastDays(days) => (i64::MIN + 1, first(days)),
            When::Days(from, to) => (
                from.map_or(i64::MIN + 1, start),
                to.map_or(i64::MAX, |day| end_of(day, self.zone)),
            ),
        };
        let to = to.min(self.end_ms());
        from..to.max(from)
    }
}

/// Why a tree cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AudienceError {
    /// It names an audience that does not exist.
    #[error("there is no audience {0}")]
    Unknown(AudienceId),
    /// It names itself, perhaps through others.
    #[error("the audience {0} is part of its own definition")]
    Circle(AudienceId),
    /// Together with the audiences it names it is too large.
    #[error(
        "together with the audiences that it names it has more than {CONDITIONS_MAX} conditions"
    )]
    TooLarge,
}

/// Definitions of audiences, by id.
pub type Definitions = BTreeMap<AudienceId, Node>;

/// Whether all audiences that `root` names exist, and it names neither itself, as which it will be known, nor
/// anything in a circle, and is not too large with them.
///
/// # Errors
/// As [`crate::Snapshot::audience`] would refuse it.
pub fn check_names(
    root: &Node,
    known_as: Option<AudienceId>,
    named: &Definitions,
) -> Result<(), AudienceError> {
    fn follow(
        node: &Node,
        inside: &mut Vec<AudienceId>,
        conditions: &mut usize,
        named: &Definitions,
    ) -> Result<(), AudienceError> {
        *conditions += 1;
        if *conditions > CONDITIONS_MAX {
            return Err(AudienceError::TooLarge);
        }
        if let Node::Audience { audience } = node {
            let definition = named.get(audience).ok_or(AudienceError::Unknown(*audience))?;
            if inside.contains(audience) {
                return Err(AudienceError::Circle(*audience));
            }
            inside.push(*audience);
            follow(definition, inside, conditions, named)?;
            inside.pop();
        }
        node.children().iter().try_for_each(|child| follow(child, inside, conditions, named))
    }
    follow(root, &mut known_as.into_iter().collect(), &mut 0, named)
}

/// A node with everything looked up.
#[derive(Debug, Clone)]
pub(super) enum Plan {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Name(Arc<Named>),
    /// Wanted provinces, and whether each of the base is one of them.
    Province(Arc<(Vec<String>, Vec<bool>)>),
    Rating(Span),
    Owner(Arc<(Vec<Option<UserId>>, Vec<bool>)>),
    Tag(TagId),
    /// Whether each cell code is wanted; `None` where nothing was scored.
    Cells(Option<Arc<Vec<bool>>>),
    /// Wanted ranks of a scheme.
    Level(LevelSchemeId, Arc<[u8]>),
    Points(ProgrammeId, Span),
    Created(When, Range<i64>),
    /// Refused before this millisecond.
    Refuses(i64),
    /// May be contacted so just before this millisecond.
    MayContact(Pair, i64),
    Figure(Measure, When, Chosen, Span),
    First(When, Chosen, When, Range<i64>),
    Last(When, Chosen, When, Range<i64>),
    Sequence(Arc<(ProductPlan, ProductPlan)>, u32, When, Range<i64>),
    Bucket(Arc<Lot>),
}

/// A search for a part of a name.
#[derive(Debug)]
pub(super) struct Named {
    /// Of the folded part.
    pub(super) finder: Finder<'static>,
    /// Those of the base who have it.
    pub(super) found: Bits,
}

/// A draw by lot.
#[derive(Debug)]
pub(super) struct Lot {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) buckets: u64,
    pub(super) seed: String,
}

pub(super) struct Planner<'a> {
    pub(super) view: View<'a>,
    pub(super) as_of: AsOf,
    pub(super) named: &'a Definitions,
    pub(super) inside: Vec<AudienceId>,
    pub(super) conditions: usize,
}

impl Planner<'_> {
    pub(super) fn plan(&mut self, node: &Node) -> Result<Plan, AudienceError> {
        self.conditions += 1;
        if self.conditions > CONDITIONS_MAX {
            return Err(AudienceError::TooLarge);
        }
        let base = self.view.base;
        Ok(match node {
            Node::All { of } => Plan::All(self.plans(of)?),
            Node::Any { of } => Plan::Any(self.plans(of)?),
            Node::Not { of } => Plan::Not(Box::new(self.plan(of)?)),
            Node::Name { contains } => {
                let needle = text::needle(contains);
                let finder = Finder::new(needle.as_bytes()).into_owned();
                let mut found = Bits::all(base.len());
                retain_text(&mut found, base, &needle);
                Plan::Name(Arc::new(Named { finder, found }))
            }
            Node::Province { is } => {
                let marks = base.provinces.mark(|province| is.contains(province));
                Plan::Province(Arc::new((is.clone(), marks)))
            }
            Node::Rating { bounds } => Plan::Rating((*bounds).into()),
            Node::Owner { is } => {
                let marks = base.owners.mark(|owner| is.contains(owner));
                Plan::Owner(Arc::new((is.clone(), marks)))
            }
            Node::Tag { tag } => Plan::Tag(*tag),
            Node::Tier { is } => {
                self.cells(|rfm, score| is.iter().any(|tier| has(rfm, score, *tier)))
            }
            Node::Cell { is } => self.cells(|_, score| is.has(score)),
            Node::Level { scheme, is } => Plan::Level(*scheme, is.as_slice().into()),
            Node::Points { programme, bounds } => Plan::Points(*programme, (*bounds).into()),
            Node::Created { when } => Plan::Created(*when, self.as_of.span(*when)),
            Node::RefusesAutomation => Plan::Refuses(self.as_of.end_ms()),
            Node::MayContact { channel, purpose } => {
                Plan::MayContact((*channel, *purpose), self.as_of.end_ms())
            }
            Node::Orders { measure, of, bounds } => {
                let chosen =
                    if measure.is_of_refunds() { self.refunds_chosen(of) } else { self.chosen(of) };
                Plan::Figure(*measure, of.when, chosen, (*bounds).into())
            }
            Node::FirstOrder { of, when } => {
                Plan::First(of.when, self.chosen(of), *when, self.as_of.span(*when))
            }
            Node::LastOrder { of, when } => {
                Plan::Last(of.when, self.chosen(of), *when, self.as_of.span(*when))
            }
            Node::Sequence { first, then, within_days, when } => {
                let both = (ProductPlan::new(first, base), ProductPlan::new(then, base));
                Plan::Sequence(Arc::new(both), *within_days, *when, self.as_of.span(*when))
            }
            Node::Audience { audience } => {
                let Some(definition) = self.named.get(audience) else {
                    return Err(AudienceError::Unknown(*audience));
                };
                if self.inside.contains(audience) {
                    return Err(AudienceError::Circle(*audience));
                }
                self.inside.push(*audience);
                let plan = self.plan(definition)?;
                self.inside.pop();
                plan
            }
            Node::Bucket { from, to, buckets, seed } => Plan::Bucket(Arc::new(Lot {
                from: u64::from(*from),
                to: u64::from(*to),
                buckets: u64::from(*buckets).max(1),
                seed: seed.clone(),
            })),
        })
    }

    fn plans(&mut self, of: &[Node]) -> Result<Vec<Plan>, AudienceError> {
        of.iter().map(|node| self.plan(node)).collect()
    }

    fn cells(&self, wanted: impl Fn(&Rfm, Score) -> bool) -> Plan {
        Plan::Cells(self.view.scores.map(|(rfm, _)| {
            let code = |code: usize| Score::from_code(code as u16).is_some_and(|s| wanted(rfm, s));
            Arc::new((0..Score::CODES).map(code).collect())
        }))
    }

    fn chosen(&self, of: &Orders) -> Chosen {
        let base = self.view.base;
        self.chosen_of(&base.facts, of, |product| ProductPlan::new(product, base))
    }

    fn refunds_chosen(&self, of: &Orders) -> Chosen {
        let refunds = &self.view.base.refunds;
        self.chosen_of(refunds, of, |product| ProductPlan::of(product, refunds))
    }

    fn chosen_of(
        &self,
        facts: &Facts,
        of: &Orders,
        product: impl Fn(&Product) -> ProductPlan,
    ) -> Chosen {
        Chosen {
            span: self.as_of.span(of.when),
            shop: of.shop.map(|id| ShopPlan { id, number: facts.shops.find(&id) }),
            product: of.product.as_ref().map(product),
            amount: of.amount.into(),
        }
    }
}

fn has(rfm: &Rfm, score: Score, tier: Tier) -> bool {
    rfm.tier(score, tier.scheme()) == tier
}

impl Plan {
    /// The same plan as of another day.
    pub(super) fn on(&self, as_of: AsOf) -> Self {
        let all = |of: &[Self]| of.iter().map(|plan| plan.on(as_of)).collect();
        let moved =
            |when: When, chosen: &Chosen| Chosen { span: as_of.span(when), ..chosen.clone() };
        match self {
            Self::All(of) => Self::All(all(of)),
            Self::Any(of) => Self::Any(all(of)),
            Self::Not(of) => Self::Not(Box::new(of.on(as_of))),
            Self::Created(when, _) => Self::Created(*when, as_of.span(*when)),
            Self::Refuses(_) => Self::Refuses(as_of.end_ms()),
            Self::MayContact(pair, _) => Self::MayContact(*pair, as_of.end_ms()),
            Self::Figure(measure, when, chosen, bounds) => {
                Self::Figure(*measure, *when, moved(*when, chosen), *bounds)
            }
            Self::First(of, chosen, when, _) => {
                Self::First(*of, moved(*of, chosen), *when, as_of.span(*when))
            }
            Self::Last(of, chosen, when, _) => {
                Self::Last(*of, moved(*of, chosen), *when, as_of.span(*when))
            }
            Self::Sequence(both, within, when, _) => {
                Self::Sequence(Arc::clone(both), *within, *when, as_of.span(*when))
            }
            other => other.clone(),
        }
    }

    /// The same with what costs little asked first.
    pub(super) fn ranked(self) -> Self {
        let sorted = |of: Vec<Self>| {
            let mut of: Vec<Self> = of.into_iter().map(Self::ranked).collect();
            of.sort_by_key(Self::rank);
            of
        };
        match self {
            Self::All(of) => Self::All(sorted(of)),
            Self::Any(of) => Self::Any(sorted(of)),
            Self::Not(of) => Self::Not(Box::new(of.ranked())),
            other => other,
        }
    }

    /// What it costs to ask, roughly.
    fn rank(&self) -> u8 {
        match self {
            Self::Tag(_) | Self::Name(_) | Self::MayContact(..) => 0,
            Self::Rating(_) | Self::Cells(_) | Self::Level(..) | Self::Points(..) => 1,
            Self::Province(_) | Self::Owner(_) | Self::Created(..) | Self::Refuses(_) => 2,
            // Few orders have a refund.
            Self::Figure(measure, ..) if measure.is_of_refunds() => 3,
            Self::First(_, chosen, ..)
            | Self::Last(_, chosen, ..)
            | Self::Figure(_, _, chosen, _)
                if chosen.is_whole() =>
            {
                3
            }
            Self::First(_, chosen, ..)
            | Self::Last(_, chosen, ..)
            | Self::Figure(_, _, chosen, _)
                if chosen.product.is_none() =>
            {
                5
            }
            Self::All(of) | Self::Any(of) => of.iter().map(Self::rank).max().unwrap_or(0).max(4),
            Self::Not(of) => of.rank(),
            Self::First(..) | Self::Last(..) | Self::Figure(..) => 6,
            Self::Sequence(..) => 7,
            Self::Bucket(_) => 8,
        }
    }
}
