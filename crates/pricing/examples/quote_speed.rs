//! How long quotes take: carts of 20 lines against 200 live promotions, and orders of a few lines against 10.
//!
//! `cargo run --release -p pricing --example quote_speed`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for the command line")]

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use kernel::{Currency, Timestamp};
use pricing::{Cart, Catalogue, Context, Line, PastOrder, Platform, Promotion, simulate};

/// Small deterministic numbers (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

const PRODUCTS: u64 = 200;
const CATEGORIES: u64 = 20;

/// A promotion whose other fields come as JSON after its id.
fn promotion(id: &str, rest: &str) -> Promotion {
    let text = format!(
        r#"{{"id":"{id}","currency":"CNY","period":{{"starts_at":"2026-11-01T00:00:00Z"}},{rest}}}"#
    );
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A shop in a busy week: price rules of products, promotions of categories and of the shop, coupons, gifts, shipping.
fn busy_week(numbers: &mut Numbers) -> Vec<Promotion> {
    let mut all = vec![promotion(
        "level",
        r#""kind":{"type":"level_discount","levels":[{"level":"gold","pay_bps":9500}]}"#,
    )];
    for n in 0..60 {
        let (product, pay) = (numbers.below(PRODUCTS), 70 + numbers.below(25));
        let kind = format!(
            r#""kind":{{"type":"timed_discount","price":{{"type":"rate","pay_bps":{pay}00}}}},
            "conditions":{{"products":["p{product}"]}}"#
        );
        all.push(promotion(&format!("timed{n:02}"), &kind));
    }
    for n in 0..19 {
        let product = numbers.below(PRODUCTS);
        let kind = format!(
            r#""kind":{{"type":"flash_sale","unit_price_minor":990}},
            "conditions":{{"products":["p{product}"]}}"#
        );
        all.push(promotion(&format!("flash{n:02}"), &kind));
    }
    for n in 0..40 {
        let (category, pay) = (numbers.below(CATEGORIES), 80 + numbers.below(15));
        let kind = format!(
            r#""kind":{{"type":"percent_off","pay_bps":{pay}00}},"scope":"item",
            "conditions":{{"categories":["c{category}"],"minimum_pieces":{}}}"#,
            1 + numbers.below(3)
        );
        all.push(promotion(&format!("item{n:02}"), &kind));
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
        all.push(promotion(&format!("pieces{n:02}"), &kind));
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
        all.push(promotion(&format!("off{n:02}"), &kind));
    }
    for n in 0..15 {
        let (threshold, off) = (100 + 100 * numbers.below(5), 5 + numbers.below(40));
        let kind = format!(
            r#""kind":{{"type":"amount_off","threshold_minor":{threshold}00,"off_minor":{off}00}},
            "coupon":true"#
        );
        all.push(promotion(&format!("coupon{n:02}"), &kind));
    }
    for n in 0..10 {
        let kind = format!(
            r#""kind":{{"type":"gift","threshold_minor":{}00,
            "gifts":[{{"product":"cup","quantity":1,"value_minor":500}}]}}"#,
            200 + 100 * n
        );
        all.push(promotion(&format!("gift{n:02}"), &kind));
    }
    for n in 0..4 {
        let kind = format!(
            r#""kind":{{"type":"free_shipping"}},"conditions":{{"minimum_amount_minor":{}00}}"#,
            59 + 20 * n
        );
        all.push(promotion(&format!("shipping{n}"), &kind));
    }
    all
}

fn cart(numbers: &mut Numbers, lines: usize) -> Cart {
    let line = |index| {
        let product = numbers.below(PRODUCTS);
        Line {
            id: format!("{index:02}"),
            product: format!("p{product}"),
            sku: Some(format!("p{product}-{}", numbers.below(3))),
            categories: vec![format!("c{}", product % CATEGORIES)],
            quantity: 1 + u32::try_from(numbers.below(3)).unwrap(),
            unit_price_minor: i64::try_from(990 + 100 * numbers.below(150)).unwrap(),
            cost_minor: None,
        }
    };
    let lines = (0..lines).map(line).collect();
    Cart { currency: Currency::CNY, lines, shipping_minor: 1_000 }
}

fn context() -> Context {
    let now: Timestamp = "2026-11-11T00:00:00+08:00".parse().unwrap();
    let mut context = Context::at(now);
    context.customer.level = Some("gold".to_owned());
    context.coupons = (0..5).map(|n| format!("coupon{:02}", n * 3)).collect();
    context.stock_left = (0..19).map(|n| (format!("flash{n:02}"), n)).collect();
    context
}

fn main() {
    let mut numbers = Numbers(2026);
    let promotions = busy_week(&mut numbers);
    for step in [1, 5] {
        let live: Vec<Promotion> = promotions.iter().step_by(step).cloned().collect();
        quotes(&mut numbers, &live);
    }
    replay(&mut numbers, &promotions);
}

/// Orders of one to three lines through ten promotions, on two threads.
fn replay(numbers: &mut Numbers, promotions: &[Promotion]) {
    let draft: Vec<Promotion> = promotions.iter().step_by(20).cloned().collect();
    let draft = Catalogue::new(&draft, &Platform::default()).unwrap();
    let now = Catalogue::new(&[], &Platform::default()).unwrap();
    let orders: Vec<PastOrder> = (0..200_000)
        .map(|n| PastOrder { cart: cart(numbers, 1 + n % 3), context: context() })
        .collect();
    let begun = Instant::now();
    let found = simulate(&orders, &now, &draft, 5_000, NonZeroUsize::new(2).unwrap());
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{} orders through {} promotions on 2 threads in {seconds:.2} s: {:.0} a second; {} touched, {} leaks, {} inexact",
        orders.len(),
        draft.promotions().len(),
        orders.len() as f64 / seconds,
        found.draft.touched,
        found.leaks,
        found.draft.inexact,
    );
}

/// Carts of several sizes against all of `promotions`.
fn quotes(numbers: &mut Numbers, promotions: &[Promotion]) {
    let begun = Instant::now();
    let catalogue = Catalogue::new(promotions, &Platform::default()).unwrap();
    println!("{} promotions made ready in {:?}", promotions.len(), begun.elapsed());
    let context = context();
    for lines in [1, 3, 5, 20, 100] {
        let carts: Vec<Cart> = (0..2_000).map(|_| cart(numbers, lines)).collect();
        let mut exact = 0;
        let mut applied = 0;
        let mut paid = 0;
        let mut times: Vec<Duration> = carts
            .iter()
            .map(|cart| {
                let begun = Instant::now();
                let priced = catalogue.price(cart, &context).unwrap();
                let time = begun.elapsed();
                exact += usize::from(priced.is_exact);
                paid += priced.total_minor;
                applied += priced.explanation.iter().filter(|tried| tried.minor > 0).count();
                time
            })
            .collect();
        times.sort_unstable();
        let at = |part: usize| times[(times.len() * part / 1_000).min(times.len() - 1)];
        println!(
            "{lines} lines, {} promotions: median {:?}, p99 {:?}, slowest {:?}; exact {exact} of {}; {:.1} applied; {paid} paid",
            promotions.len(),
            at(500),
            at(990),
            at(1_000),
            carts.len(),
            applied as f64 / carts.len() as f64,
        );
    }
}
