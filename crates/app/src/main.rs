//! `guanxi`.

use std::process::ExitCode;

/// An import makes and frees some hundred small texts a row, on three threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    app::cli::main()
}
