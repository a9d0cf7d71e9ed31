//! How long quotes take: carts of 20 lines against 200 live promotions, and orders of a few lines against 10.
//!
//! `cargo run --release -p pricing --example quote_speed`; with `replay` the orders alone.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for the command line")]

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use pricing::bench::{Numbers, busy_week, cart, context};
use pricing::{Bounds, Cart, Catalogue, PastOrder, Platform, Promotion, simulate};

fn main() {
    let mut numbers = Numbers(2026);
    let promotions = busy_week(&mut numbers);
    let steps: &[usize] =
        if std::env::args().any(|given| given == "replay") { &[] } else { &[1, 5] };
    for step in steps.iter().copied() {
        let live: Vec<Promotion> = promotions.iter().step_by(step).cloned().collect();
        quotes(&mut numbers, &live);
    }
    replay(&mut numbers, &promotions);
}

/// Orders of one to three lines through ten promotions, of which nine run already, on two threads.
fn replay(numbers: &mut Numbers, promotions: &[Promotion]) {
    let draft: Vec<Promotion> = promotions.iter().step_by(20).cloned().collect();
    let now: Vec<Promotion> = draft[1..].to_vec();
    let catalogue = |promotions: &[Promotion]| Catalogue::new(promotions, &Platform::default());
    let draft = catalogue(&draft).unwrap();
    let orders: Vec<PastOrder> = (0..200_000)
        .map(|n| PastOrder { cart: cart(numbers, 1 + n % 3), context: context() })
        .collect();
    let bounds = Bounds { deepest_off_bps: 5_000, floor_bps: 7_000 };
    for now in [catalogue(&now).unwrap(), catalogue(&[]).unwrap()] {
        let begun = Instant::now();
        let found = simulate(&orders, &now, &draft, bounds, NonZeroUsize::new(2).unwrap());
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "{} orders through {} and {} promotions on 2 threads in {seconds:.2} s: {:.0} a second; {} touched, {} leaks, {} inexact",
            orders.len(),
            now.promotions().len(),
            draft.promotions().len(),
            orders.len() as f64 / seconds,
            found.all.draft.touched,
            found.leaks,
            found.all.draft.inexact,
        );
    }
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
