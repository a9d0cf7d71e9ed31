//! An invented tea shop that writes the files a real one would export. See README.md.

mod calendar;
mod catalogue;
mod columns;
mod dice;
mod encoding;
mod names;
mod order;
mod people;
mod places;
mod plan;
mod report;
mod row;
mod schedule;
mod words;

pub use encoding::Encoding;
pub use plan::{PlanError, ShopPlan};
pub use report::{Era, ReportError, Written, write_item_report, write_order_report};
