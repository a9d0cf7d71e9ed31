//! One quote made ready: lines in order, who is admitted, and which promotion meets which lines.

use std::collections::HashMap;

use kernel::FieldErrors;

use crate::cart::{Cart, Context, Line};
use crate::catalogue::{Bits, Catalogue, has};
use crate::priced::{Reason, Stage};
use crate::promotion::{Kind, Promotion};
use crate::{MAX_OFFERS, PricingError};

/// The `line` of an offer that is about all matching lines.
pub(crate) const WHOLE: u16 = u16::MAX;

/// A promotion that could apply: to one line, or to all that it matches. What the search decides about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) promotion: u16,
    pub(crate) line: u16,
}

impl Offer {
    pub(crate) fn promotion(self) -> usize {
        usize::from(self.promotion)
    }
}

/// A line with its amounts as signed numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WorldLine<'a> {
    pub(crate) line: &'a Line,
    pub(crate) quantity: i64,
    pub(crate) list: i64,
}

pub(crate) struct World<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) cart: &'a Cart,
    pub(crate) context: &'a Context,
    /// By id, so that the order of the cart does not matter.
    pub(crate) lines: Vec<WorldLine<'a>>,
    /// Why a promotion is refused whatever else applies.
    pub(crate) refused: Vec<Option<Reason>>,
    /// All that could apply, in order of application: by stage; then, where it is about single
    /// lines, by line; then by priority and id.
    pub(crate) offers: Vec<Offer>,
    /// For each promotion: what the customer's level pays, or how many pieces of a flash sale are left.
    pub(crate) figures: Vec<i64>,
    /// For each promotion, `stride` words of the lines it matches.
    masks: Vec<u64>,
    stride: usize,
    /// For each promotion, the number of its set of lines: promotions of the same lines have the same one.
    sets: Vec<u16>,
    set_count: usize,
}

impl<'a> World<'a> {
    pub(crate) fn new(
        catalogue: &'a Catalogue,
        cart: &'a Cart,
        context: &'a Context,
    ) -> Result<Self, PricingError> {
        let mut errors = FieldErrors::default();
        cart.check(&mut errors);
        context.check(&mut errors);
        if !errors.is_empty() {
            return Err(PricingError::Input(errors));
        }
        let mut lines: Vec<WorldLine<'a>> = cart
            .lines
            .iter()
            .map(|line| {
                let quantity = i64::from(line.quantity);
                WorldLine { line, quantity, list: line.unit_price_minor * quantity }
            })
            .collect();
        lines.sort_unstable_by(|a, b| a.line.id.cmp(&b.line.id));
        let promotions = catalogue.promotions();
        let mut world = Self {
            catalogue,
            cart,
            context,
            stride: lines.len().div_ceil(64),
            lines,
            refused: Vec::with_capacity(promotions.len()),
            offers: Vec::new(),
            figures: Vec::with_capacity(promotions.len()),
            masks: Vec::new(),
            sets: Vec::new(),
            set_count: 0,
        };
        world.admit();
        world.meet()?;
        world.number_sets();
        Ok(world)
    }

    pub(crate) fn promotion(&self, offer: Offer) -> &'a Promotion {
        &self.catalogue.promotions()[offer.promotion()]
    }

    pub(crate) fn stage(&self, offer: Offer) -> Stage {
        self.catalogue.traits[offer.promotion()].stage
    }

    /// The number of the set of lines of `offer`, which is about all that it matches.
    pub(crate) fn set(&self, offer: Offer) -> usize {
        usize::from(self.sets[offer.promotion()])
    }

    /// How many different sets of lines promotions have.
    pub(crate) fn set_count(&self) -> usize {
        self.set_count
    }

    fn number_sets(&mut self) {
        let mut numbers: HashMap<&[u64], u16> = HashMap::new();
        // A cart has lines, so that no set is of no words.
        self.sets.extend(self.masks.chunks(self.stride.max(1)).map(|mask| {
            let next = numbers.len() as u16;
            *numbers.entry(mask).or_insert(next)
        }));
        self.set_count = numbers.len();
    }

    /// Positions of the lines of `offer`, rising.
    pub(crate) fn lines_of(&self, offer: Offer) -> impl Iterator<Item = usize> + use<'_> {
        let one = (offer.line != WHOLE).then_some(usize::from(offer.line));
        let begin = offer.promotion() * self.stride;
        let words: &[u64] =
            if one.is_some() { &[] } else { &self.masks[begin..begin + self.stride] };
        one.into_iter().chain(words.iter().enumerate().flat_map(|(word, bits)| {
            let mut left = *bits;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros() as usize;
                (left != 0).then(|| {
                    left &= left - 1;
                    word * 64 + bit
                })
            })
        }))
    }

    /// Whether at most one of both may apply: two promotions of one exclusive group; or of one stage, with a line
    /// in common, unless they name the same stacking group. Shipping is in common to all.
    pub(crate) fn is_conflict(&self, a: Offer, b: Offer) -> bool {
        if a.promotion == b.promotion {
            return false;
        }
        let (first, second) =
            (self.catalogue.traits[a.promotion()], self.catalogue.traits[b.promotion()]);
        if first.exclusive != 0 && first.exclusive == second.exclusive {
            return true;
        }
        if first.stage != second.stage || (first.stacking != 0 && first.stacking == second.stacking)
        {
            return false;
        }
        first.stage == Stage::Shipping || self.is_shared(a, b)
    }

    /// Whether both are about some line.
    pub(crate) fn is_shared(&self, a: Offer, b: Offer) -> bool {
        match (a.line, b.line) {
            (WHOLE, WHOLE) => {
                let words = |offer: Offer| {
                    let begin = offer.promotion() * self.stride;
                    &self.masks[begin..begin + self.stride]
                };
                words(a).iter().zip(words(b)).any(|(left, right)| left & right != 0)
            }
            (WHOLE, line) => self.is_matched(a.promotion(), line),
            (line, WHOLE) => self.is_matched(b.promotion(), line),
            (line, other) => line == other,
        }
    }

    /// Whether `outer` is about all lines of `inner`.
    pub(crate) fn is_within(&self, inner: Offer, outer: Offer) -> bool {
        self.lines_of(inner).all(|line| match outer.line {
            WHOLE => self.is_matched(outer.promotion(), line as u16),
            one => usize::from(one) == line,
        })
    }

    fn is_matched(&self, promotion: usize, line: u16) -> bool {
        let line = usize::from(line);
        self.masks[promotion * self.stride + line / 64] >> (line % 64) & 1 == 1
    }

    /// Decides what can be decided without looking at lines.
    fn admit(&mut self) {
        let (cart, context) = (self.cart, self.context);
        let local = context.now.local(context.zone());
        for promotion in self.catalogue.promotions() {
            let figure = figure_of(promotion, context);
            let refusal = if promotion.currency == cart.currency {
                refusal_by_time(promotion, context, local)
                    .or_else(|| refusal_by_customer(promotion, context))
                    .or_else(|| refusal_by_use(promotion, context))
                    .or(match (&promotion.kind, figure) {
                        (Kind::LevelDiscount { .. }, 0) => Some(Reason::Level),
                        (Kind::FlashSale { .. }, 0) => Some(Reason::SoldOut),
                        _ => None,
                    })
            } else {
                Some(Reason::Currency)
            };
            self.refused.push(refusal);
            self.figures.push(figure);
        }
    }

    /// Finds which promotion meets which lines, and lists what could apply.
    fn meet(&mut self) -> Result<(), PricingError> {
        let matching: Vec<Bits> =
            self.lines.iter().map(|line| self.catalogue.matching(line.line)).collect();
        let promotions = self.catalogue.promotions().len();
        self.masks.resize(promotions * self.stride, 0);
        let mut found = 0;
        for index in 0..promotions {
            if self.refused[index].is_some() {
                continue;
            }
            let mut met = 0;
            for (line, bits) in matching.iter().enumerate() {
                if has(bits, index) {
                    self.masks[index * self.stride + line / 64] |= 1 << (line % 64);
                    met += 1;
                }
            }
            if met == 0 {
                self.refused[index] = Some(Reason::NoMatchingLine);
            }
            found += if self.catalogue.traits[index].is_by_line { met } else { 1 };
        }
        if found > MAX_OFFERS {
            return Err(PricingError::TooManyOffers { found });
        }
        let mut next = 0;
        for stage in
            [Stage::Price, Stage::Item, Stage::Order, Stage::Coupon, Stage::Gift, Stage::Shipping]
        {
            let begin = next;
            while next < promotions && self.catalogue.traits[next].stage == stage {
                next += 1;
            }
            let of_stage: Vec<usize> =
                (begin..next).filter(|index| self.refused[*index].is_none()).collect();
            if of_stage.is_empty() {
                continue;
            }
            for line in 0..self.lines.len() as u16 {
                for index in &of_stage {
                    if self.catalogue.traits[*index].is_by_line && self.is_matched(*index, line) {
                        self.offers.push(Offer { promotion: *index as u16, line });
                    }
                }
            }
            for index in &of_stage {
                if !self.catalogue.traits[*index].is_by_line {
                    self.offers.push(Offer { promotion: *index as u16, line: WHOLE });
                }
            }
        }
        Ok(())
    }
}

fn refusal_by_time(
    promotion: &Promotion,
    context: &Context,
    local: chrono::NaiveDateTime,
) -> Option<Reason> {
    match (promotion.period.starts_at, promotion.period.ends_at) {
        (Some(starts_at), _) if context.now < starts_at => Some(Reason::NotYet { starts_at }),
        (_, Some(ended_at)) if context.now >= ended_at => Some(Reason::Over { ended_at }),
        _ if !promotion.calendar.allows(local) => Some(Reason::Calendar),
        _ => None,
    }
}

fn refusal_by_customer(promotion: &Promotion, context: &Context) -> Option<Reason> {
    let conditions = &promotion.conditions;
    let customer = &context.customer;
    let is_in = |list: &[String], value: &str| {
        list.binary_search_by(|named| named.as_str().cmp(value)).is_ok()
    };
    let allows = |list: &[String], value: Option<&str>| {
        list.is_empty() || value.is_some_and(|value| is_in(list, value))
    };
    let audiences = &conditions.audiences;
    if !allows(&conditions.shops, Some(&context.shop)) {
        Some(Reason::Shop)
    } else if !allows(&conditions.levels, customer.level.as_deref()) {
        Some(Reason::Level)
    } else if !allows(&conditions.tiers, customer.tier.as_deref()) {
        Some(Reason::Tier)
    } else if !audiences.is_empty() && !customer.audiences.iter().any(|name| is_in(audiences, name))
    {
        Some(Reason::Audience)
    } else if conditions.first_order && !customer.first_order {
        Some(Reason::FirstOrder)
    } else if conditions.birthday && !customer.is_birthday {
        Some(Reason::Birthday)
    } else {
        None
    }
}

fn refusal_by_use(promotion: &Promotion, context: &Context) -> Option<Reason> {
    if promotion.coupon && !context.coupons.contains(&promotion.id) {
        return Some(Reason::CouponNotBrought);
    }
    let limits = promotion.limits;
    if limits == crate::Limits::default() {
        return None;
    }
    let used = context.used.get(&promotion.id).copied().unwrap_or_default();
    match limits {
        crate::Limits { total: Some(limit), .. } if used.total >= limit => {
            Some(Reason::LimitTotal { limit })
        }
        crate::Limits { per_person: Some(limit), .. } if used.person >= limit => {
            Some(Reason::LimitPerson { limit })
        }
        crate::Limits { per_person_per_day: Some(limit), .. } if used.person_today >= limit => {
            Some(Reason::LimitPersonPerDay { limit })
        }
        _ => None,
    }
}

/// What the customer's level pays, or the pieces of a flash sale that this order may have.
fn figure_of(promotion: &Promotion, context: &Context) -> i64 {
    match &promotion.kind {
        Kind::LevelDiscount { levels } => {
            let rate = |level: &String| levels.iter().find(|rate| rate.level == *level);
            let rate = context.customer.level.as_ref().and_then(rate);
            rate.map_or(0, |rate| i64::from(rate.pay_bps))
        }
        Kind::FlashSale { pieces_per_order, .. } => {
            let left = context.stock_left.get(&promotion.id).copied().unwrap_or(0);
            let per_order = pieces_per_order.map_or(u64::MAX, u64::from);
            i64::try_from(left.min(per_order)).unwrap_or(i64::MAX)
        }
        _ => 0,
    }
}
