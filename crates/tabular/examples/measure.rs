//! Reads a file and prints how long it took: `cargo run --release -p tabular --example measure FILE`.
#![allow(clippy::print_stdout)]

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: measure FILE")?;
    let start = std::time::Instant::now();
    let mut table = tabular::Table::open(path.as_ref(), &tabular::Options::default())?;
    let (mut rows, mut cells, mut errors) = (0_u64, 0_u64, 0_u64);
    while let Some(row) = table.next_row() {
        match row {
            Ok(row) => {
                rows += 1;
                cells += row.iter().map(|cell| u64::from(!cell.is_empty())).sum::<u64>();
            }
            Err(_) => errors += 1,
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} rows={rows} filled_cells={cells} errors={errors} seconds={seconds:.2}",
        table.encoding()
    );
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
    Ok(())
}
