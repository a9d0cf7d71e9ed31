//! `cargo run --release --locked -p audience-sql --features loopback --example bench_cluster [CUSTOMERS [LINES [ROUNDS]]]`
//!
//! One made-up shop as Parquet on an S3-compatible store of this machine, and the same audiences by one process with
//! one and with two threads, and by a Ballista cluster of one and of two executors with one thread each. Prints a
//! line a question: the customers found and the median seconds of the rounds. All runs on this machine, so that two
//! executors have the processors of the store, the scheduler and each other.

use std::path::Path;
use std::time::{Duration, Instant};

use analytics::audience::sql::select;
use analytics::audience::{AsOf, Definitions, NoNames, parse};
use analytics::bench::Made;
use analytics::{LineFact, OrderFact};
use audience_sql::cluster::{ClusterLimits, Loopback, connect};
use audience_sql::{ExecuteError, Executor, Limits, write};
use chrono::NaiveDate;
use kernel::{CustomerId, Timestamp, Zone};

type Failed = Box<dyn std::error::Error>;

/// The last day of orders, the day asked about.
const DAY: NaiveDate = NaiveDate::from_ymd_opt(2025, 12, 31).expect("a day");
/// Days of orders before it.
const DAYS: u64 = 1_096;
const PRODUCTS: u64 = 5_000;
/// Of one executor, or of the one process.
const MEMORY_BYTES: u64 = 2 << 30;
const TIME: Duration = Duration::from_secs(1_800);

/// What is asked, by name.
const QUESTIONS: [(&str, &str); 3] = [
    (
        "of customers",
        "province in (\"广东省\", \"浙江省\") and created before last 30 days and not rating <= 1",
    ),
    (
        "of orders",
        "orders >= 2 and revenue >= 80 and last_order in last 400 days and orders(in last 90 days) >= 2",
    ),
    (
        "of lines",
        "orders(in last 90 days) >= 2 and orders(product = \"p7\", in last 30 days) = 0 \
         or sequence(product contains \"p1\", product contains \"p2\", within 30 days)",
    ),
];

/// Numbers that look random: a step of a linear congruential generator (Knuth, MMIX), its upper half.
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 32
}

/// The orders of customer `n`, and of each its lines: the same each time.
fn bought(made: &Made, n: u32, lines: u64) -> (Vec<OrderFact>, Vec<LineFact>) {
    let mut state = u64::from(n) << 20 | 77;
    let last = Timestamp::start_of(DAY, Zone::CHINA).millis();
    // Two lines an order on average; some buy nothing, some often.
    let orders = draw(&mut state) % (lines / u64::from(made.customers()) + 1);
    let (mut facts, mut own) = (Vec::new(), Vec::new());
    for order in 0..orders {
        let back = draw(&mut state) % (DAYS * 86_400);
        let ordered_at = Timestamp::from_millis(last - back as i64 * 1_000);
        let shop = made.shop((draw(&mut state) % 4) as u8);
        let mut revenue_minor = 0;
        for _ in 0..=draw(&mut state) % 3 {
            // The product of two draws sells some products far more than others.
            let product = draw(&mut state) % PRODUCTS * (draw(&mut state) % 4_096) / 4_096;
            let amount_minor = 500 + (product * 37 % 20_000) as i64;
            revenue_minor += amount_minor;
            own.push(LineFact {
                ordered_at,
                order,
                shop,
                code: format!("P{product}"),
                title: String::new(),
                quantity: 1,
                amount_minor,
            });
        }
        facts.push(OrderFact { ordered_at, shop, revenue_minor });
    }
    (facts, own)
}

fn make(dir: &Path, customers: u32, lines: u64) -> Result<(), Failed> {
    let made = Made::new(customers);
    let people = (0..customers).map(|n| (made.feed(n), None));
    let of = |n: u32| (made.id(n), bought(&made, n, lines));
    let orders = (0..customers).map(of).flat_map(|(id, (orders, _))| with(id, orders));
    let rows = (0..customers).map(of).flat_map(|(id, (_, lines))| with(id, lines));
    let began = Instant::now();
    let written = write(dir, people, orders, rows, [], [])?;
    tell(&format!("{written:?} in {:.1} s", began.elapsed().as_secs_f64()));
    Ok(())
}

fn with<T>(id: CustomerId, rows: Vec<T>) -> impl Iterator<Item = (CustomerId, T)> {
    rows.into_iter().map(move |row| (id, row))
}

/// Asks each question so many times.
fn ask(who: &str, executor: &Executor, rounds: usize) -> Result<(), Failed> {
    let as_of = AsOf { day: DAY, zone: Zone::CHINA };
    for (name, text) in QUESTIONS {
        let tree = parse(text, &NoNames).map_err(|faults| format!("{faults:?}"))?;
        let sql = select(&tree, &Definitions::new(), as_of)?;
        let mut times = Vec::new();
        let mut found = Ok(0);
        for _ in 0..rounds {
            let began = Instant::now();
            found = executor.count(&sql);
            times.push(began.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        match found {
            Ok(count) => tell(&format!(
                "{who:<24} {name:<14} {count:>9} customers  {:8.2} s",
                times[times.len() / 2]
            )),
            Err(error @ (ExecuteError::Memory(_) | ExecuteError::TimedOut(_))) => {
                tell(&format!("{who:<24} {name:<14} {error}"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "what it is for")]
fn tell(text: &str) {
    println!("{text}");
}

fn main() -> Result<(), Failed> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| arguments.next().map_or(Ok(default), |text| text.parse());
    let customers = u32::try_from(number(1_000_000)?)?;
    let lines = number(u64::from(customers) * 10)?;
    let rounds = usize::try_from(number(3)?)?.max(1);
    let dir = tempfile::tempdir()?;
    make(dir.path(), customers.max(1), lines)?;
    for threads in [1, 2] {
        let limits = Limits { memory_bytes: MEMORY_BYTES as usize, time: TIME, threads };
        let executor = Executor::open(dir.path(), limits)?;
        ask(&format!("one process, {threads} threads"), &executor, rounds)?;
    }
    for executors in [1, 2] {
        let cluster = Loopback::start(executors, 1, MEMORY_BYTES)?;
        cluster.upload(dir.path())?;
        let limits = ClusterLimits { time: TIME, partitions: 4 };
        let executor = connect(&cluster.scheduler(), cluster.store(), limits)?;
        ask(&format!("cluster, {executors} executors"), &executor, rounds)?;
    }
    Ok(())
}
