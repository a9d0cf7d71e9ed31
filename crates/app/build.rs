//! Makes sure that the pages' folder is there, and that a release is built anew when they change.

use std::path::Path;

fn main() {
    let pages = Path::new("../../web/dist");
    // Without the folder a debug build would never look into it again.
    if let Err(error) = std::fs::create_dir_all(pages) {
        println!("cargo::warning=cannot make {}: {error}", pages.display());
    }
    println!("cargo::rerun-if-changed=build.rs");
    // A debug build reads the files as it runs.
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed={}", pages.display());
    }
}
