//! `cargo run --release -p analytics --example bench_insight [CUSTOMERS [LINES]]`

use analytics::bench::measure_insight;

#[allow(clippy::print_stdout, reason = "what it is for")]
fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let customers = arguments.next().and_then(Result::ok).unwrap_or(1_000_000);
    let lines = arguments.next().and_then(Result::ok).unwrap_or(customers * 10);
    match measure_insight(u32::try_from(customers).unwrap_or(u32::MAX), lines, 1) {
        Ok(figures) => println!("{figures:#?}"),
        Err(error) => println!("{error}"),
    }
}
