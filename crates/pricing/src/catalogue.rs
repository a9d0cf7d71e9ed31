//! Promotions made ready for quotes: checked, in order of application, found by product and category.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::cart::{Cart, Context, Line};
use crate::explain;
use crate::priced::{Priced, Stage};
use crate::promotion::Promotion;
use crate::search::Search;
use crate::world::World;
use crate::{MAX_PROMOTIONS, PricingError};

const WORDS: usize = MAX_PROMOTIONS.div_ceil(64);

/// A set of promotions by their position.
pub(crate) type Bits = [u64; WORDS];

/// What a platform asks of promotions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    /// The least that a member level may pay, in basis points: 7,000 (7 折) unless told otherwise.
    pub level_floor_bps: u32,
}

impl Default for Platform {
    fn default() -> Self {
        Self { level_floor_bps: 7_000 }
    }
}

/// Which promotions a product or category is named by.
#[derive(Debug, Clone, Copy, Default)]
struct Marks {
    named: Bits,
    excluded: Bits,
}

/// What the search asks of a promotion again and again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traits {
    pub(crate) stage: Stage,
    pub(crate) is_by_line: bool,
    /// The number of its exclusive group; 0 without one.
    pub(crate) exclusive: u16,
    /// The number of its stacking group; 0 without one, and for price rules.
    pub(crate) stacking: u16,
}

/// Up to 500 promotions, checked and indexed; prices any number of carts.
#[derive(Debug, Clone)]
pub struct Catalogue {
    promotions: Vec<Promotion>,
    pub(crate) traits: Vec<Traits>,
    /// Those that name no products and no categories.
    unnamed: Bits,
    products: HashMap<Box<str>, Marks>,
    categories: HashMap<Box<str>, Marks>,
}

impl Catalogue {
    /// Checks and indexes `promotions`.
    ///
    /// # Errors
    /// More than 500, two with one id, or one whose definition is not sound.
    pub fn new(promotions: &[Promotion], platform: &Platform) -> Result<Self, PricingError> {
        if promotions.len() > MAX_PROMOTIONS {
            return Err(PricingError::TooManyPromotions { found: promotions.len() });
        }
        for promotion in promotions {
            promotion
                .check(platform)
                .map_err(|errors| PricingError::Definition { id: promotion.id.clone(), errors })?;
        }
        let mut promotions = promotions.to_vec();
        promotions.sort_by(|a, b| {
            let key = |p: &Promotion| (p.stage(), Reverse(p.priority));
            key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
        });
        let mut ids: Vec<&str> = promotions.iter().map(|promotion| promotion.id.as_str()).collect();
        ids.sort_unstable();
        if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(PricingError::DuplicatePromotion { id: pair[0].to_owned() });
        }
        Ok(Self::index(promotions))
    }

    fn index(mut promotions: Vec<Promotion>) -> Self {
        let mut groups: BTreeMap<String, u16> = BTreeMap::new();
        let mut number = |group: Option<&String>| {
            group.map_or(0, |group| {
                let next = u16::try_from(groups.len() + 1).unwrap_or(u16::MAX);
                *groups.entry(group.clone()).or_insert(next)
            })
        };
        let mut traits = Vec::with_capacity(promotions.len());
        let mut unnamed = Bits::default();
        let mut products: HashMap<Box<str>, Marks> = HashMap::new();
        let mut categories: HashMap<Box<str>, Marks> = HashMap::new();
        for (index, promotion) in promotions.iter_mut().enumerate() {
            let stage = promotion.stage();
            let stacking = promotion.stacking_group.as_ref().filter(|_| stage != Stage::Price);
            traits.push(Traits {
                stage,
                is_by_line: promotion.is_by_line(),
                exclusive: number(promotion.exclusive_group.as_ref()),
                stacking: number(stacking),
            });
            let conditions = &mut promotion.conditions;
            if conditions.is_for_all_products() {
                set(&mut unnamed, index);
            }
            for product in &conditions.products {
                set(&mut products.entry(product.as_str().into()).or_default().named, index);
            }
            for product in &conditions.excluded_products {
                set(&mut products.entry(product.as_str().into()).or_default().excluded, index);
            }
            for category in &conditions.categories {
                set(&mut categories.entry(category.as_str().into()).or_default().named, index);
            }
            for category in &conditions.excluded_categories {
                set(&mut categories.entry(category.as_str().into()).or_default().excluded, index);
            }
            // So that they can be searched by halves.
            for list in [
                &mut conditions.shops,
                &mut conditions.levels,
                &mut conditions.tiers,
                &mut conditions.audiences,
            ] {
                list.sort_unstable();
            }
        }
        Self { promotions, traits, unnamed, products, categories }
    }

    /// The promotions in order of application.
    #[must_use]
    pub fn promotions(&self) -> &[Promotion] {
        &self.promotions
    }

    /// Those whose products and categories `line` meets.
    pub(crate) fn matching(&self, line: &Line) -> Bits {
        let mut named = self.unnamed;
        let mut excluded = Bits::default();
        let products = [Some(&line.product), line.sku.as_ref()].into_iter().flatten();
        let marks = products
            .filter_map(|product| self.products.get(product.as_str()))
            .chain(line.categories.iter().filter_map(|name| self.categories.get(name.as_str())));
        for marks in marks {
            for word in 0..WORDS {
                named[word] |= marks.named[word];
                excluded[word] |= marks.excluded[word];
            }
        }
        for word in 0..WORDS {
            named[word] &= !excluded[word];
        }
        named
    }

    /// Prices `cart`: the cheapest allowed combination of promotions for the customer, explained.
    ///
    /// # Errors
    /// `Input` with all wrong fields of cart and context; `TooManyOffers` beyond 50,000 pairs of
    /// line and promotion.
    pub fn price(&self, cart: &Cart, context: &Context) -> Result<Priced, PricingError> {
        let world = World::new(self, cart, context)?;
        let found = Search::run(&world);
        Ok(explain::priced(&world, &found))
    }
}

/// Prices `cart` with `promotions` under the usual rules of a platform; see [`Catalogue::price`], which
/// is for more than one cart.
///
/// # Errors
/// Those of [`Catalogue::new`] and [`Catalogue::price`].
pub fn price(
    cart: &Cart,
    context: &Context,
    promotions: &[Promotion],
) -> Result<Priced, PricingError> {
    Catalogue::new(promotions, &Platform::default())?.price(cart, context)
}

pub(crate) fn set(bits: &mut Bits, index: usize) {
    bits[index / 64] |= 1 << (index % 64);
}

pub(crate) fn has(bits: &Bits, index: usize) -> bool {
    bits[index / 64] >> (index % 64) & 1 == 1
}
