//! Flash sales whose stock is counted by SKU: pricing knows one stock for a promotion, so one that sells several SKUs
//! of a cart is priced as several, and told as one again.

use std::collections::BTreeMap;

use kernel::PromotionId;
use loyalty::promotions::stock::Stock;
use loyalty::reservations::Pieces;
use pricing::{Cart, Conditions, Kind, Line, LineOutcome, Outcome, Priced, Promotion, Reason};

/// Between the id of a promotion and the number of a part; no id has it.
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
    let part = |(number, stock): (usize, &&Stock)| {
        let mut conditions = Conditions {
            products: vec![stock.sku.clone()],
            categories: Vec::new(),
            ..promotion.conditions.clone()
        };
        // Lines of the same stock that the promotion does not name: without a SKU they cannot be told from the others.
        for line in &cart.lines {
            if is_of(line, &stock.sku) && !is_meant(line, &promotion.conditions) {
                conditions.excluded_products.push(line.sku.clone()?);
            }
        }
        let own =
            if several { format!("{}{MARK}{number}", promotion.id) } else { promotion.id.clone() };
        Some(Part {
            promotion: Promotion { id: own, conditions, ..promotion.clone() },
            of: id,
            sku: stock.sku.clone(),
            left: u64::try_from(stock.remaining).unwrap_or(0),
        })
    };
    sold.iter().enumerate().filter_map(part).collect()
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
    id.truncate(of_part(id).len());
}

/// The id of the promotion that a part is of.
pub(super) fn of_part(id: &str) -> &str {
    id.split(MARK).next().unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use kernel::{Currency, TypedId as _};
    use uuid::Uuid;

    use super::*;

    fn line(id: &str, product: &str, sku: Option<&str>) -> Line {
        Line {
            id: id.to_owned(),
            product: product.to_owned(),
            sku: sku.map(str::to_owned),
            categories: Vec::new(),
            quantity: 1,
            unit_price_minor: 1_000,
            cost_minor: None,
        }
    }

    fn sale(products: &[&str]) -> Promotion {
        Promotion {
            id: "sale".into(),
            name: "sale".into(),
            currency: Currency::CNY,
            kind: Kind::FlashSale { unit_price_minor: 100, pieces_per_order: None },
            scope: pricing::Scope::Order,
            coupon: false,
            conditions: Conditions {
                products: products.iter().map(|name| (*name).to_owned()).collect(),
                ..Conditions::default()
            },
            period: pricing::Period::default(),
            calendar: pricing::Calendar::default(),
            exclusive_group: None,
            stacking_group: None,
            priority: 0,
            budget_left_minor: None,
            limits: pricing::Limits::default(),
        }
    }

    fn stock(sku: &str) -> Stock {
        Stock { sku: sku.to_owned(), stocked: 10, remaining: 10, held: 0, sold: 0 }
    }

    fn of(promotion: &Promotion, stock: &[Stock], lines: Vec<Line>) -> Vec<Part> {
        let cart = Cart { currency: Currency::CNY, lines, shipping_minor: 0 };
        parts(promotion, PromotionId::from_uuid(Uuid::nil()), stock, &cart)
    }

    /// Stock that is counted for a whole product gave its price to all SKUs of it.
    #[test]
    fn a_line_that_a_sale_does_not_name_is_left_out_of_its_stock() {
        let lines =
            |other: Option<&str>| vec![line("1", "tea", Some("tea-250g")), line("2", "tea", other)];
        let [part] = &of(&sale(&["tea-250g"]), &[stock("tea")], lines(Some("tea-1kg")))[..] else {
            panic!("one part")
        };
        assert_eq!(part.promotion.conditions.products, ["tea"]);
        assert_eq!(part.promotion.conditions.excluded_products, ["tea-1kg"]);
        assert!(of(&sale(&["tea-250g"]), &[stock("tea")], lines(None)).is_empty());
    }

    #[test]
    fn parts_are_numbered_and_told_as_one() {
        let long = "茶".repeat(60);
        let lines = vec![line("1", "tea", Some(&long)), line("2", "cup", None)];
        let made = of(&sale(&[]), &[stock(&long), stock("cup")], lines);
        let ids: Vec<&str> = made.iter().map(|part| part.promotion.id.as_str()).collect();
        assert_eq!(ids, ["sale/0", "sale/1"]);
        assert!(ids.iter().all(|id| of_part(id) == "sale"));
    }
}
