//! In which currency and by which scores a list tells of customers.

use std::sync::Arc;

use analytics::{CustomerFacts, Rfm, View, average_minor};
use insight::FrameError;
use kernel::{Currency, CustomerId, FieldErrors, ShopId};
use platform::Ctx;

use super::{CustomerParams, ListError};
use crate::engine::{EngineHandle, ShopBook};
use crate::fields;

/// How amounts, cells and tiers are told.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// The currency of amounts; `None` where shops sell in several and none was asked for. Then neither
    /// amounts nor RFM, which adds them, are told.
    pub(crate) currency: Option<Currency>,
    /// The shop whose amounts are told, where those of all cannot be added.
    pub(crate) amounts_of: Option<ShopId>,
    /// The scores asked for; `None` for those that lists have anyway: today's, in the usual bins, over
    /// all shops.
    pub(crate) scores: Option<Arc<Rfm>>,
}

impl Told {
    /// As lists tell that nobody asked anything of.
    pub(crate) fn usual(shops: &ShopBook, cx: &Ctx) -> Self {
        // Whoever does not see amounts is told what everybody is where they cannot be added: nothing.
        let shows_amounts = cx.access.fields().show(fields::AMOUNTS);
        let currency = shops.choose(None).ok().map(|frame| frame.currency);
        let currency = currency.filter(|_| shows_amounts);
        Self { currency, ..Self::default() }
    }

    /// What is told of a customer.
    pub(crate) fn facts(&self, view: View<'_>, id: CustomerId) -> Option<CustomerFacts> {
        let mut facts = view.customer(id)?;
        if let Some(scores) = &self.scores {
            facts.standing = view.standing_by(id, scores);
        }
        if self.currency.is_none() {
            facts.standing = None;
        }
        if let Some(shop) = self.amounts_of {
            let (revenue, orders) = view.amounts_of(id, shop);
            facts.revenue_minor = revenue;
            facts.average_minor = average_minor(revenue, orders);
        }
        Some(facts)
    }
}

/// How a list is told as `params` ask. The engine remembers some scores until something changes.
///
/// # Errors
/// `Fields` if there is no such shop, if something is asked of a field that whoever asks does not see, or
/// if amounts of several currencies would have to be
/// added.
pub async fn told(
    engine: &EngineHandle,
    cx: &Ctx,
    params: &CustomerParams,
) -> Result<Told, ListError> {
    params.check_seen(cx.access.fields()).map_err(ListError::Fields)?;
    let shops = engine.shops();
    let usual = Told::usual(&shops, cx);
    if !cx.access.fields().show(fields::AMOUNTS) {
        return Ok(usual);
    }
    let is_mixed = usual.currency.is_none();
    // Where amounts of all shops can be added, a filter by shop leaves them as they are.
    let shop = params.rfm_shop.or(params.shop.filter(|_| is_mixed));
    let today = shops.frame().today(engine.platform().now());
    let bins = params.bins.unwrap_or(insight::DEFAULT_BINS);
    let is_usual = params.as_of.is_none_or(|day| day == today)
        && bins == insight::DEFAULT_BINS
        && shop.is_none()
        && !(is_mixed && params.needs_amounts());
    if is_usual {
        return Ok(usual);
    }
    let mut errors = FieldErrors::default();
    let frame = match shops.choose(shop) {
        Err(FrameError::UnknownShop) if params.rfm_shop.is_none() => {
            // A filter by a shop that is not there finds nobody.
            return Ok(usual);
        }
        frame => errors.keep("rfm_shop", frame),
    };
    let query = frame.and_then(|frame| {
        let day = params.as_of.unwrap_or_else(|| frame.today(engine.platform().now()));
        errors.keep("bins", frame.rfm(day, bins))
    });
    let (frame, query) = errors.finish(|| Some((frame?, query?))).map_err(ListError::Fields)?;
    Ok(Told {
        currency: Some(frame.currency),
        amounts_of: shop.filter(|_| is_mixed),
        scores: Some(engine.ask_long(move |engine| engine.rfm(&query)).await?),
    })
}
