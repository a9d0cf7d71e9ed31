//! `guanxi rfm`.

use std::process::ExitCode;

use anyhow::Result;
use chrono::NaiveDate;
use flows::engine::EngineHandle;
use flows::rfm::{self, RfmParams};

use super::{Global, say};

#[derive(Debug, clap::Args)]
pub(super) struct RfmArgs {
    /// The day from which to look back; today unless given
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<NaiveDate>,
    /// Scores of each dimension
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(2..=10))]
    bins: u8,
    /// Only orders of this shop
    #[arg(long, value_name = "NAME")]
    shop: Option<String>,
    /// Names of tiers: eleven or classic
    #[arg(long, value_name = "SCHEME", default_value = "eleven")]
    scheme: String,
}

pub(super) async fn run(global: &Global, args: RfmArgs) -> Result<ExitCode> {
    let boot = global.open().await?;
    let engine = EngineHandle::load(&boot.platform, boot.ctx().scope).await?;
    let params = RfmParams {
        as_of: args.as_of,
        bins: Some(args.bins),
        shop: args.shop,
        scheme: Some(args.scheme),
        compare_to: None,
    };
    let answer = rfm::rfm(&engine, &boot.ctx(), &params).await?;
    boot.close().await;
    say(&format!("{} customers as of {}", answer.customers, answer.as_of));
    for tier in &answer.tiers {
        say(&format!(
            "{:>9} customers {:>9} orders {:>14} {}  {} {}",
            tier.customers,
            tier.orders,
            kernel::Money::new(tier.revenue_minor, answer.currency),
            "",
            tier.name,
            tier.name_zh
        ));
    }
    global.print(&answer, "")?;
    Ok(ExitCode::SUCCESS)
}
