//! `guanxi rfm`.

use std::process::ExitCode;

use anyhow::Result;
use chrono::NaiveDate;

use super::{Global, not_built};

#[derive(Debug, clap::Args)]
pub(super) struct RfmArgs {
    /// The day from which to look back
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<NaiveDate>,
    /// Scores of each dimension
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(2..=10))]
    bins: u8,
    /// Only orders of this shop
    #[arg(long, value_name = "NAME")]
    shop: Option<String>,
}

pub(super) async fn run(_: &Global, _: RfmArgs) -> Result<ExitCode> {
    not_built("rfm")
}
