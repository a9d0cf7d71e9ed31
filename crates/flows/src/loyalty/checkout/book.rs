//! What is live, read once and kept until it changes.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use kernel::{AudienceId, Currency, OrgId, PromotionId, ShopId};
use loyalty::counters::Used;
use loyalty::levels::{Scheme, scheme};
use loyalty::points::{Programme, programme};
use loyalty::promotions::{self, Stamp};
use platform::{DbError, Scope, Tx};
use pricing::{Catalogue, Conditions, Kind, LevelRate, Platform, Promotion, Scope as Sight};

/// What is live in each organisation, as this process read it last; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Books(Arc<Mutex<HashMap<OrgId, Arc<Book>>>>);

/// A promotion, as kept and as pricing takes it with its whole budget.
#[derive(Debug, Clone)]
pub struct LivePromotion {
    /// As it is kept.
    pub kept: promotions::Promotion,
    /// As pricing takes it.
    pub priced: Promotion,
}

/// What is live in one organisation.
#[derive(Debug)]
pub struct Book {
    stamp: Stamp,
    /// Live promotions, by id.
    pub promotions: Vec<LivePromotion>,
    /// Schemes of levels, by name.
    pub schemes: Vec<Scheme>,
    /// Programmes of points, by name.
    pub programmes: Vec<Programme>,
    /// All of it for quotes that need no other figures: without coupons, with whole budgets, without flash sales.
    pub catalogue: Catalogue,
    /// Audiences that promotions name.
    pub audiences: BTreeSet<AudienceId>,
    /// Promotions whose uses are counted.
    pub counted: Vec<PromotionId>,
    /// Flash sales.
    pub flash: Vec<PromotionId>,
}

impl Books {
    /// What is live now: as it was read last, if nothing changed since.
    ///
    /// # Errors
    /// As the database says.
    pub async fn of(&self, tx: &mut Tx, scope: Scope) -> Result<Arc<Book>, DbError> {
        // Read before the rest: what is read later is never older than it says.
        let stamp = promotions::stamp(tx, scope).await?;
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&scope.org()).cloned();
        if let Some(book) = kept.filter(|book| book.stamp == stamp) {
            return Ok(book);
        }
        let book = Arc::new(Book::read(tx, scope, stamp).await?);
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        books.insert(scope.org(), Arc::clone(&book));
        Ok(book)
    }
}

impl Book {
    async fn read(tx: &mut Tx, scope: Scope, stamp: Stamp) -> Result<Self, DbError> {
        let mut live = Vec::new();
        for kept in promotions::live(tx, scope).await? {
            let priced = kept.promotion(&Used::default())?;
            live.push(LivePromotion { kept, priced });
        }
        let schemes = scheme::all(tx, scope).await?;
        let programmes = programme::all(tx, scope).await?;
        let counts = |one: &&LivePromotion| {
            one.kept.rules.uses.shape().contains(&true) || one.kept.rules.budget_minor.is_some()
        };
        let is_flash = |one: &&LivePromotion| matches!(one.priced.kind, Kind::FlashSale { .. });
        let id = |one: &LivePromotion| one.kept.id;
        let counted = live.iter().filter(counts).map(id).collect();
        let flash = live.iter().filter(is_flash).map(id).collect();
        let audiences = live.iter().flat_map(|one| audiences_of(&one.priced)).collect();
        let mut all: Vec<Promotion> = live.iter().map(|one| one.priced.clone()).collect();
        all.extend(schemes.iter().filter_map(level_discount));
        let catalogue = catalogue(&all)?;
        Ok(Self {
            stamp,
            promotions: live,
            schemes,
            programmes,
            catalogue,
            audiences,
            counted,
            flash,
        })
    }

    /// The schemes whose levels count in `shop`; the first is the one by which its members are known.
    pub fn schemes_of(&self, shop: ShopId, currency: Currency) -> impl Iterator<Item = &Scheme> {
        self.schemes.iter().filter(move |scheme| scheme.covers(shop, currency))
    }
}

/// The floor of a platform was held where schemes and promotions were made.
pub(super) const PLATFORM: Platform = Platform { level_floor_bps: 1 };

/// Makes promotions ready.
fn catalogue(promotions: &[Promotion]) -> Result<Catalogue, DbError> {
    Catalogue::new(promotions, &PLATFORM)
        .map_err(|error| DbError::Refused(format!("what is live cannot be priced: {error}")))
}

/// The audiences that a promotion names.
pub(super) fn audiences_of(promotion: &Promotion) -> impl Iterator<Item = AudienceId> + '_ {
    promotion.conditions.audiences.iter().filter_map(|id| id.parse().ok())
}

/// What members of a scheme pay less, as a price rule; `None` if no level has a discount.
pub(super) fn level_discount(scheme: &Scheme) -> Option<Promotion> {
    let rate = |level: &loyalty::levels::rules::Level| {
        let pay_bps = u32::try_from(level.pay_bps).ok()?;
        let has_discount = (1..pricing::FULL_BPS).contains(&pay_bps);
        has_discount.then(|| LevelRate { level: level.name.clone(), pay_bps })
    };
    let levels: Vec<LevelRate> = scheme.rules.levels.iter().filter_map(rate).collect();
    if levels.is_empty() {
        return None;
    }
    let shops = scheme.shops.iter().map(ToString::to_string).collect();
    Some(Promotion {
        id: scheme.id.to_string(),
        name: scheme.name.clone(),
        currency: scheme.currency,
        kind: Kind::LevelDiscount { levels },
        scope: Sight::Order,
        coupon: false,
        conditions: Conditions { shops, ..Conditions::default() },
        period: pricing::Period::default(),
        calendar: pricing::Calendar::default(),
        exclusive_group: None,
        stacking_group: None,
        priority: 0,
        budget_left_minor: None,
        limits: pricing::Limits::default(),
    })
}
