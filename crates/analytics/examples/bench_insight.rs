//! `cargo run --release -p analytics --example bench_insight [CUSTOMERS [LINES [FILE]]]`; with a file the engine
//! is saved there and read back.

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::time::Instant;

use analytics::Engine;
use analytics::bench::measure_insight;

#[allow(clippy::print_stdout, reason = "what it is for")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let customers = arguments.next().map_or(Ok(1_000_000), |text| text.parse::<u32>())?;
    let lines = arguments.next().map_or(Ok(u64::from(customers) * 10), |text| text.parse())?;
    let (figures, built) = measure_insight(customers, lines, 1)?;
    println!("{figures:#?}");
    if let Some(path) = arguments.next() {
        let began = Instant::now();
        built
            .engine
            .snapshot()
            .save("", BufWriter::with_capacity(1 << 20, File::create(&path)?))?;
        println!("saved in {:?}", began.elapsed());
        drop(built);
        let began = Instant::now();
        let file = File::open(&path)?;
        let (engine, _) = Engine::restore(&file)?;
        println!("read in {:?}", began.elapsed());
        engine.warm();
        println!("ready in {:?}, {} customers", began.elapsed(), engine.len());
    }
    Ok(())
}
