//! Measures live membership on an engine that is there.

use std::sync::Arc;
use std::time::Instant;

use chrono::Days;
use kernel::{AudienceId, CustomerId, TypedId as _};
use uuid::Uuid;

use super::Live;
use crate::audience::{AsOf, AudienceError, Definitions, NoNames, parse};
use crate::{CustomerFeed, Engine, LineFact, OrderFact};

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LiveFigures {
    /// Audiences kept live.
    pub audiences: u32,
    /// Members of all of them together, at the end.
    pub members: u64,
    /// Seconds from nothing to all members of all audiences and a filled wheel.
    pub begin_seconds: f64,
    /// Customers changed.
    pub events: u64,
    /// Changes a second: put into the engine and tested in every audience, one after the other; a compaction runs
    /// beside when it is due.
    pub events_per_second: f64,
    /// Milliseconds from a change to the membership in all audiences: median, 99th percentile, longest.
    pub event_ms: (f64, f64, f64),
    /// Memberships that turned.
    pub turned: u64,
    /// Seconds that the turn of the day took, and memberships that turned then.
    pub midnight: (f64, u64),
    /// MiB held beside the engine, the ids of customers included.
    pub live_mib: f64,
}

/// Definitions of the kinds that merchants have, each a little different: windows of orders, products, last orders,
/// spend, provinces, sequences, lots.
fn definition(n: u32) -> String {
    let days = [7, 30, 60, 90, 180, 365][n as usize / 8 % 6];
    match n % 8 {
        0 => format!("orders(in last {days} days) >= {}", 1 + n / 48),
        1 => format!("last_order before last {days} days and orders >= {}", 1 + n / 48),
        2 => format!("revenue(in last {days} days) >= {}", 100 + n),
        3 => format!("orders(product = \"P{n}\", in last {days} days) >= 1"),
        4 => format!("first_order in last {days} days and province in (\"广东省\", \"浙江省\")"),
        5 => format!("average_order >= {} and not orders(in last {days} days) >= 1", 30 + n),
        6 => format!("sequence(product = \"P{n}\", product = \"P{}\", within {days} days)", n / 2),
        _ => format!("bucket {}..{} of 100 and orders >= 1", 1 + n % 50, 20 + n % 50),
    }
}

/// Keeps `audiences` live over `engine` as of `as_of`, puts in `events` changes that `change` makes, and lets a day
/// pass.
///
/// `change(n)` gives the n-th changed customer whole, as [`Engine::upsert`] takes it; the time that takes is not
/// measured.
///
/// # Errors
/// None; definitions are well formed.
pub fn measure_live(
    engine: &mut Engine,
    as_of: AsOf,
    audiences: u32,
    events: u64,
    mut change: impl FnMut(u64) -> (CustomerFeed, Vec<OrderFact>, Vec<LineFact>),
) -> Result<LiveFigures, AudienceError> {
    let named = Arc::new(Definitions::new());
    let mut live = Live::new(as_of);
    let began = Instant::now();
    let snapshot = engine.snapshot();
    for n in 0..audiences {
        let id = AudienceId::from_uuid(Uuid::from_u128(u128::from(n) + 1));
        let Ok(tree) = parse(&definition(n), &NoNames) else { continue };
        live.watch(&snapshot, id, tree, Arc::clone(&named))?;
        live.settle(id);
    }
    live.ready(&snapshot);
    drop(snapshot);
    let begin_seconds = began.elapsed().as_secs_f64();

    let mut took = Vec::with_capacity(events as usize);
    let mut turned = 0;
    let mut compacting: Option<std::thread::JoinHandle<_>> = None;
    for n in 0..events {
        let (feed, orders, lines) = change(n);
        let ids: [CustomerId; 1] = [feed.id];
        let began = Instant::now();
        engine.upsert(&feed, &orders, &lines);
        turned += live.touch(engine, &ids) as u64;
        took.push(began.elapsed().as_secs_f64());
        if compacting.as_ref().is_some_and(std::thread::JoinHandle::is_finished)
            && let Some(Ok(Ok(done))) = compacting.take().map(std::thread::JoinHandle::join)
        {
            drop(engine.install(done));
        }
        if compacting.is_none() {
            compacting = engine.compaction().map(|work| std::thread::spawn(move || work.run()));
        }
    }
    if let Some(Ok(Ok(done))) = compacting.take().map(std::thread::JoinHandle::join) {
        drop(engine.install(done));
    }
    let total: f64 = took.iter().sum();
    took.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let last = took.len().saturating_sub(1);
        took.get((last as f64 * share) as usize).map_or(f64::NAN, |seconds| seconds * 1000.0)
    };

    let owed = live.owes();
    let snapshot = engine.snapshot();
    let day = as_of.day.checked_add_days(Days::new(1)).unwrap_or(as_of.day);
    let began = Instant::now();
    live.turn_to(&snapshot, AsOf { day, ..as_of })?;
    let midnight = began.elapsed().as_secs_f64();
    Ok(LiveFigures {
        audiences,
        members: live.audiences().filter_map(|id| live.size(id)).sum(),
        begin_seconds,
        events,
        events_per_second: events as f64 / total,
        event_ms: (at(0.5), at(0.99), at(1.0)),
        turned,
        midnight: (midnight, live.owes().abs_diff(owed)),
        live_mib: live.memory_bytes() as f64 / f64::from(1 << 20),
    })
}
