//! `cargo run --release -p analytics --example bench_live [CUSTOMERS [AUDIENCES [EVENTS]]]`

use analytics::audience::AsOf;
use analytics::bench::{LAST_DAY, Made};
use analytics::live::measure_live;
use analytics::{Engine, OrderFact};
use kernel::{Timestamp, Zone};

#[allow(clippy::print_stdout, reason = "what it is for")]
fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u32>());
    let mut next = |otherwise| arguments.next().and_then(Result::ok).unwrap_or(otherwise);
    let (customers, audiences, events) = (next(1_000_000), next(200), next(50_000));
    let made = Made::new(customers);
    let mut loader = Engine::builder();
    (0..customers).for_each(|n| loader.customer(&made.feed(n)));
    let mut loader = loader.facts();
    // Orders over three years, five a customer, most on late days for some and early ones for others.
    let end = Timestamp::start_of(LAST_DAY, Zone::CHINA).millis();
    let order = |n: u32, nth: u32| OrderFact {
        ordered_at: Timestamp::from_millis(
            end - i64::from(n.wrapping_mul(2_654_435_761).rotate_left(nth * 5) % 94_608_000) * 1000,
        ),
        shop: made.shop((nth % 4) as u8),
        revenue_minor: i64::from(1_000 + (n ^ nth) % 20_000),
    };
    for n in 0..customers {
        for nth in 0..5 {
            loader.fact(made.id(n), order(n, nth));
        }
    }
    let mut engine = match loader.build() {
        Ok(engine) => engine,
        Err(error) => return println!("{error}"),
    };
    let as_of = AsOf { day: LAST_DAY, zone: Zone::CHINA };
    // Somebody orders once more, today.
    let change = |n: u64| {
        let who = (n * 7_919 % u64::from(customers)) as u32;
        let mut orders: Vec<OrderFact> = (0..5).map(|nth| order(who, nth)).collect();
        orders.push(OrderFact { ordered_at: Timestamp::from_millis(end), ..orders[0] });
        (made.feed(who), orders, Vec::new())
    };
    match measure_live(&mut engine, as_of, audiences, u64::from(events), change) {
        Ok(figures) => println!("{figures:#?}"),
        Err(error) => println!("{error}"),
    }
}
