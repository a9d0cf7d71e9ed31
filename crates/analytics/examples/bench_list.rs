//! `cargo run --release -p analytics --example bench_list [CUSTOMERS [ORDERS]]`: prints the figures
//! of `analytics::bench`.
#![allow(clippy::print_stdout)]

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u32>());
    let customers = numbers.next().transpose()?.unwrap_or(1_000_000);
    let orders = numbers.next().transpose()?.unwrap_or(customers);
    println!("{customers} customers, {orders} orders");
    for figure in analytics::bench::measure(customers, orders)? {
        let goal = figure.goal.map_or_else(String::new, |goal| {
            format!("goal {goal} {}", if figure.ok() { "kept" } else { "MISSED" })
        });
        println!("{:<50} {:>10.3} {:<4} {goal}", figure.name, figure.value, figure.unit);
    }
    Ok(())
}
