//! An invented shop, the same for the same seed, by which speed is measured.

use kernel::{Currency, Timestamp};

use crate::{Cart, Context, Line, Promotion};

/// Small deterministic numbers (SplitMix64, Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub struct Numbers(pub u64);

impl Numbers {
    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

const PRODUCTS: u64 = 200;
const CATEGORIES: u64 = 20;

/// The text of a promotion whose other fields come as JSON after its id.
fn text(id: &str, rest: &str) -> String {
    format!(
        r#"{{"id":"{id}","currency":"CNY","period":{{"starts_at":"2026-11-01T00:00:00Z"}},{rest}}}"#
    )
}

/// The 200 live promotions of a shop in a busy week: price rules of products, promotions of categories and of the shop,
/// coupons, gifts, shipping.
#[must_use]
pub fn busy_week(numbers: &mut Numbers) -> Vec<Promotion> {
    // Every text is a sound promotion; a test counts them.
    texts(numbers).iter().filter_map(|text| serde_json::from_str(text).ok()).collect()
}

fn texts(numbers: &mut Numbers) -> Vec<String> {
    let mut all = vec![text(
        "level",
        r#""kind":{"type":"level_discount","levels":[{"level":"gold","pay_bps":9500}]}"#,
    )];
    for n in 0..60 {
        let (product, pay) = (numbers.below(PRODUCTS), 70 + numbers.below(25));
        let kind = format!(
            r#""kind":{{"type":"timed_discount","price":{{"type":"rate","pay_bps":{pay}00}}}},
            "conditions":{{"products":["p{product}"]}}"#
        );
        all.push(text(&format!("timed{n:02}"), &kind));
    }
    for n in 0..19 {
        let product = numbers.below(PRODUCTS);
        let kind = format!(
            r#""kind":{{"type":"flash_sale","unit_price_minor":990}},
            "conditions":{{"products":["p{product}"]}}"#
        );
        all.push(text(&format!("flash{n:02}"), &kind));
    }
    for n in 0..40 {
        let (category, pay) = (numbers.below(CATEGORIES), 80 + numbers.below(15));
        let kind = format!(
            r#""kind":{{"type":"percent_off","pay_bps":{pay}00}},"scope":"item",
            "conditions":{{"categories":["c{category}"],"minimum_pieces":{}}}"#,
            1 + numbers.below(3)
        );
        all.push(text(&format!("item{n:02}"), &kind));
    }
    for n in 0..20 {
        let (category, size) = (numbers.below(CATEGORIES), 2 + numbers.below(2));
        let kind = if n % 2 == 0 {
            format!(r#"{{"type":"n_for_price","pieces":{size},"price_minor":9900}}"#)
        } else {
            format!(r#"{{"type":"nth_piece","every":{size},"pay_bps":5000}}"#)
        };
        let kind =
            format!(r#""kind":{kind},"conditions":{{"categories":["c{category}"]}},"priority":1"#);
        all.push(text(&format!("pieces{n:02}"), &kind));
    }
    for n in 0..31 {
        let category = numbers.below(CATEGORIES);
        let (threshold, off) = (100 + 50 * numbers.below(8), 10 + numbers.below(30));
        let scope = match n % 10 {
            0 => "{}".to_owned(),
            _ => format!(r#"{{"categories":["c{category}"],"exclude_discounted":{}}}"#, n % 3 == 0),
        };
        let kind = format!(
            r#""kind":{{"type":"amount_off","threshold_minor":{threshold}00,"off_minor":{off}00,
            "repeat":{}}},"conditions":{scope}"#,
            n % 4 == 0
        );
        all.push(text(&format!("off{n:02}"), &kind));
    }
    for n in 0..15 {
        let (threshold, off) = (100 + 100 * numbers.below(5), 5 + numbers.below(40));
        let kind = format!(
            r#""kind":{{"type":"amount_off","threshold_minor":{threshold}00,"off_minor":{off}00}},
            "coupon":true"#
        );
        all.push(text(&format!("coupon{n:02}"), &kind));
    }
    for n in 0..10 {
        let kind = format!(
            r#""kind":{{"type":"gift","threshold_minor":{}00,
            "gifts":[{{"product":"cup","quantity":1,"value_minor":500}}]}}"#,
            200 + 100 * n
        );
        all.push(text(&format!("gift{n:02}"), &kind));
    }
    for n in 0..4 {
        let kind = format!(
            r#""kind":{{"type":"free_shipping"}},"conditions":{{"minimum_amount_minor":{}00}}"#,
            59 + 20 * n
        );
        all.push(text(&format!("shipping{n}"), &kind));
    }
    all
}

/// A cart of so many lines.
#[must_use]
pub fn cart(numbers: &mut Numbers, lines: usize) -> Cart {
    let line = |index| {
        let product = numbers.below(PRODUCTS);
        Line {
            id: format!("{index:02}"),
            product: format!("p{product}"),
            sku: Some(format!("p{product}-{}", numbers.below(3))),
            categories: vec![format!("c{}", product % CATEGORIES)],
            quantity: 1 + numbers.below(3) as u32,
            unit_price_minor: (990 + 100 * numbers.below(150)) as i64,
            cost_minor: None,
        }
    };
    let lines = (0..lines).map(line).collect();
    Cart { currency: Currency::CNY, lines, shipping_minor: 1_000 }
}

/// A customer of level gold who brings five coupons at midnight of 11 November 2026 in China.
#[must_use]
pub fn context() -> Context {
    let mut context = Context::at(Timestamp::from_millis(1_794_326_400_000));
    context.customer.level = Some("gold".to_owned());
    context.coupons = (0..5).map(|n| format!("coupon{:02}", n * 3)).collect();
    context.stock_left = (0..19).map(|n| (format!("flash{n:02}"), n)).collect();
    context
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_week_has_two_hundred_promotions_in_force() {
        let promotions = busy_week(&mut Numbers(2026));
        assert_eq!(promotions.len(), 200);
        let midnight: Timestamp = "2026-11-11T00:00:00+08:00".parse().unwrap();
        assert_eq!(context().now, midnight);
        assert!(promotions.iter().all(|one| one.period.starts_at.is_some_and(|at| at <= midnight)));
    }
}
