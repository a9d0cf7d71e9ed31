//! Past orders as carts, with what is known of their customers today.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use analytics::{Rfm, Scheme};
use commerce::store::PastOrder;
use kernel::{CustomerId, Timestamp, TypedId as _};
use loyalty::levels::{self, membership};
use platform::{DbError, Scope, Tx};
use pricing::{Cart, Context, Line};
use uuid::Uuid;

use super::asked::{Offers, SimulationBody};
use crate::engine::{EngineHandle, ShopBook};

/// What customers are to promotions.
pub(super) struct People {
    engine: EngineHandle,
    rfm: Arc<Rfm>,
    /// Into whom customers were merged.
    merged: HashMap<Uuid, Uuid>,
    schemes: Vec<levels::Scheme>,
    /// Everybody met so far.
    pub met: HashSet<CustomerId>,
}

impl People {
    pub(super) async fn read(
        tx: &mut Tx,
        scope: Scope,
        engine: &EngineHandle,
        rfm: Arc<Rfm>,
        offers: &Offers,
    ) -> Result<Self, DbError> {
        let merged = customers::roots::all_merged(tx, scope).await?;
        let schemes =
            if offers.needs_levels { levels::scheme::all(tx, scope).await? } else { Vec::new() };
        Ok(Self { engine: engine.clone(), rfm, merged, schemes, met: HashSet::new() })
    }

    fn root(&self, order: &PastOrder) -> Option<CustomerId> {
        let id = order.customer?;
        Some(self.merged.get(&id.uuid()).map_or(id, |root| CustomerId::from_uuid(*root)))
    }

    /// The code of the tier of `customer` today.
    pub(super) fn tier(&self, customer: CustomerId) -> Option<&'static str> {
        let score = self.rfm.score_of(customer)?;
        Some(self.rfm.tier(score, Scheme::Eleven).code())
    }

    /// What is asked of the database about the customers of `orders`: for each scheme, their ranks.
    pub(super) async fn ranks(
        &self,
        tx: &mut Tx,
        scope: Scope,
        orders: &[PastOrder],
    ) -> Result<Vec<BTreeMap<Uuid, usize>>, DbError> {
        let roots: HashSet<Uuid> =
            orders.iter().filter_map(|order| self.root(order)).map(|root| root.uuid()).collect();
        let roots: Vec<Uuid> = roots.into_iter().collect();
        let mut ranks = Vec::with_capacity(self.schemes.len());
        for scheme in &self.schemes {
            ranks.push(membership::ranks(tx, scope, scheme, &roots).await?);
        }
        Ok(ranks)
    }

    /// The orders as they would be priced.
    pub(super) fn carts(
        &mut self,
        orders: &[PastOrder],
        ranks: &[BTreeMap<Uuid, usize>],
        shops: &ShopBook,
        body: &SimulationBody,
        offers: &Offers,
    ) -> Vec<pricing::PastOrder> {
        let roots: Vec<Option<CustomerId>> = orders.iter().map(|order| self.root(order)).collect();
        let firsts: Vec<Option<Timestamp>> = self.engine.ask(|engine| {
            let facts = |root: &Option<CustomerId>| engine.customer((*root)?)?.first_order_at;
            roots.iter().map(facts).collect()
        });
        self.met.extend(roots.iter().flatten());
        let stock_left = offers.flash.iter().map(|id| (id.clone(), u64::MAX));
        let mut blank = Context::at(Timestamp::from_millis(0));
        blank.stock_left = stock_left.collect();
        blank.coupons.clone_from(&offers.coupons);
        orders
            .iter()
            .zip(roots.iter().zip(firsts))
            .filter_map(|(order, (root, first))| {
                let shop = shops.by_number(order.shop_number)?;
                let mut context = blank.clone();
                context.now = order.ordered_at;
                context.zone_offset_seconds = shop.zone.offset_seconds();
                context.shop = shop.id.to_string();
                let customer = &mut context.customer;
                customer.tier = root.and_then(|root| self.tier(root)).map(str::to_owned);
                customer.first_order =
                    root.is_some() && first.is_none_or(|first| first >= order.ordered_at);
                let covering = self.schemes.iter().zip(ranks);
                customer.level = root.and_then(|root| {
                    covering.filter(|(scheme, _)| scheme.covers(shop.id, shop.currency)).find_map(
                        |(scheme, ranks)| {
                            let rank = ranks.get(&root.uuid())?.checked_sub(1)?;
                            Some(scheme.rules.levels.get(rank)?.name.clone())
                        },
                    )
                });
                let lines = order.lines.iter().enumerate();
                let lines = lines.map(|(index, line)| cart_line(index, line, body)).collect();
                let shipping_minor = order.freight_minor.max(0);
                let cart = Cart { currency: shop.currency, lines, shipping_minor };
                Some(pricing::PastOrder { cart, context })
            })
            .collect()
    }
}

/// A line at its list price: its unit price or, without one, what it came to for a piece, rounded half up.
fn cart_line(index: usize, line: &commerce::store::PastLine, body: &SimulationBody) -> Line {
    let quantity = u32::try_from(line.quantity.max(1)).unwrap_or(u32::MAX);
    let pieces = i64::from(quantity);
    let of_amount = || line.amount_minor.map(|amount| amount.saturating_add(pieces / 2) / pieces);
    let unit_price_minor = line.unit_price_minor.or_else(of_amount).unwrap_or(0);
    let name = if line.code.is_empty() { &line.title } else { &line.code };
    let mut product = name.clone();
    if product.is_empty() {
        product.push('?');
    } else if product.len() > pricing::MAX_TEXT_BYTES {
        // Of four bytes at most each.
        product = product.chars().take(pricing::MAX_TEXT_BYTES / 4).collect();
    }
    Line {
        id: format!("{index:03}"),
        product,
        sku: None,
        categories: Vec::new(),
        quantity,
        unit_price_minor,
        cost_minor: body.cost_minor(&line.code, unit_price_minor),
    }
}
