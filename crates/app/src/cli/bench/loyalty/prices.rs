//! Quotes and simulations of an invented shop, without a database.

use std::num::NonZeroUsize;
use std::time::Instant;

use pricing::bench::{Numbers, busy_week, cart, context};
use pricing::{Bounds, Catalogue, PastOrder, Platform, simulate};

use super::{LINES, SEED};
use crate::cli::bench::figures::{Figures, percentile};

/// Every so many promotions of the busy week are live while orders are simulated.
const LIVE_SHARE: usize = 20;

/// `carts` of 20 lines against 200 live promotions.
pub(super) fn quotes(figures: &mut Figures, carts: u32) {
    let mut numbers = Numbers(SEED);
    let Ok(catalogue) = Catalogue::new(&busy_week(&mut numbers), &Platform::default()) else {
        return figures.leave_out("quotes: the invented promotions are not sound");
    };
    let context = context();
    let mut times: Vec<f64> = (0..carts)
        .map(|_| {
            let cart = cart(&mut numbers, LINES);
            let begun = Instant::now();
            let priced = catalogue.price(&cart, &context);
            let time = begun.elapsed().as_secs_f64() * 1_000.0;
            drop(priced);
            time
        })
        .collect();
    figures.median("quote_20_lines_200_promotions_ms", "ms", Some(1.0), &times);
    times.sort_by(f64::total_cmp);
    if let Some(p99) = percentile(&times, 99) {
        figures.median("quote_20_lines_200_promotions_p99_ms", "ms", None, &[p99]);
    }
}

/// Orders of one to three lines through ten promotions, of which nine run already, on all processors.
pub(super) fn simulator(figures: &mut Figures, orders: u32, rounds: u32) {
    let mut numbers = Numbers(SEED);
    let draft: Vec<_> = busy_week(&mut numbers).into_iter().step_by(LIVE_SHARE).collect();
    let made = |promotions: &[_]| Catalogue::new(promotions, &Platform::default());
    let (Ok(now), Ok(draft)) = (made(draft.get(1..).unwrap_or_default()), made(&draft)) else {
        return figures.leave_out("simulator: the invented promotions are not sound");
    };
    let orders: Vec<PastOrder> = (0..orders)
        .map(|n| PastOrder { cart: cart(&mut numbers, 1 + n as usize % 3), context: context() })
        .collect();
    let bounds = Bounds { deepest_off_bps: 5_000, floor_bps: 7_000 };
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let rates: Vec<f64> = (0..rounds)
        .map(|_| {
            let begun = Instant::now();
            let found = simulate(&orders, &now, &draft, bounds, threads);
            found.all.draft.orders as f64 / begun.elapsed().as_secs_f64()
        })
        .collect();
    figures.at_least("simulator_orders_per_s", "/s", 100_000.0, &rates);
}
