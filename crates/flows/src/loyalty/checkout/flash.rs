//! Flash sales whose stock is counted by SKU: pricing knows one stock for a promotion, so one that sells several SKUs
//! of a cart is priced as several, and told as one again.

use std::collections::BTreeMap;

use kernel::PromotionId;
use loyalty::promotions::stock::Stock;
use loyalty::reservations::Pieces;
use pricing::{Cart, Conditions, Kind, Line, LineOutcome, Outcome, Priced, Promotion, Reason};

/// Between the id of a promotion and one of its SKUs; no id has it.
const MARK: char = '/';

/// One SKU of a flash sale, as it is priced.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// As pricing takes it.
    pub promotion: Promotion,
    /// Of which promotion.
    pub of: PromotionId,
    /// Of what.
    pub sku: String,
    /// Pieces to be had.
    pub left: u64,
}

/// The parts of a flash sale that `cart` may buy. With none of its SKUs in the cart it is left as it is, without stock.
pub(super) fn parts(
    promotion: &Promotion,
    id: PromotionId,
    stock: &[Stock],
    cart: &Cart,
) -> Vec<Part> {
    let sells = |stock: &&Stock| {
        cart.lines
            .iter()
            .any(|line| is_of(line, &stock.sku) && is_meant(line, &promotion.conditions))
    };
    let sold: Vec<&Stock> = stock.iter().filter(sells).collect();
    let several = sold.len() > 1;
    let part = |stock: &&Stock| {
        let conditions = Conditions {
            products: vec![stock.sku.clone()],
            categories: Vec::new(),
            ..promotion.conditions.clone()
        };
        let own = if several {
            format!("{}{MARK}{}", promotion.id, stock.sku)
        } else {
            promotion.id.clone()
        };
        Part {
            promotion: Promotion { id: own, conditions, ..promotion.clone() },
            of: id,
            sku: stock.sku.clone(),
            left: u64::try_from(stock.remaining).unwrap_or(0),
        }
    };
    sold.iter().map(part).collect()
}

fn is_of(line: &Line, sku: &str) -> bool {
    line.sku.as_deref() == Some(sku) || line.product == sku
}

/// Whether the promotion names the line, or names nothing.
fn is_meant(line: &Line, conditions: &Conditions) -> bool {
    conditions.is_for_all_products()
        || conditions.products.iter().any(|named| is_of(line, named))
        || conditions.categories.iter().any(|named| line.categories.contains(named))
}

/// Pieces of flash sales that a priced cart takes, by promotion. To be asked before [`told_as_one`].
pub(super) fn pieces(
    priced: &Priced,
    cart: &Cart,
    parts: &[Part],
) -> BTreeMap<PromotionId, Vec<Pieces>> {
    let mut taken: BTreeMap<PromotionId, Vec<Pieces>> = BTreeMap::new();
    for part in parts {
        let Kind::FlashSale { unit_price_minor, .. } = part.promotion.kind else { continue };
        let tried = priced.explanation.iter().filter(|tried| tried.promotion == part.promotion.id);
        let of_line = |outcome: &LineOutcome| {
            let Outcome::Applied { minor } = outcome.outcome else { return 0 };
            let line = cart.lines.iter().find(|line| line.id == outcome.line);
            // Price rules never stack, so each piece went from its list price to that of the sale.
            let off = line.map_or(0, |line| line.unit_price_minor - unit_price_minor);
            if off > 0 { u32::try_from(minor / off).unwrap_or(u32::MAX) } else { 0 }
        };
        let count: u32 = tried.flat_map(|tried| &tried.lines).map(of_line).sum();
        if count > 0 {
            let pieces = Pieces { sku: part.sku.clone(), pieces: count };
            taken.entry(part.of).or_default().push(pieces);
        }
    }
    taken
}

/// Calls the parts by the promotion that they are of.
pub(super) fn told_as_one(priced: &mut Priced) {
    let lines = priced.lines.iter_mut().flat_map(|line| &mut line.shares);
    for share in lines.chain(&mut priced.shipping.shares) {
        whole(&mut share.promotion);
    }
    for gift in &mut priced.gifts {
        whole(&mut gift.promotion);
    }
    for tried in &mut priced.explanation {
        whole(&mut tried.promotion);
        tried.reason.iter_mut().for_each(whole_reason);
        for line in &mut tried.lines {
            if let Outcome::Refused { reason } = &mut line.outcome {
                whole_reason(reason);
            }
        }
    }
}

fn whole_reason(reason: &mut Reason) {
    if let Reason::ExclusiveGroup { with, .. } | Reason::DoesNotStack { with } = reason {
        whole(with);
    }
}

fn whole(id: &mut String) {
    if let Some(end) = id.find(MARK) {
        id.truncate(end);
    }
}
