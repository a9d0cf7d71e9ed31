//! The columnar customer engine: lists, RFM and day sums over everything an organisation knows of
//! its customers, held in memory. Derived data, no I/O. See README.md.

pub mod audience;
mod base;
pub mod bench;
mod bits;
mod blocks;
mod compact;
mod contact;
mod daily;
mod delta;
mod dictionary;
mod engine;
mod facts;
mod feed;
mod first_orders;
mod histories;
mod letters;
mod lines;
mod list;
pub mod live;
mod load;
mod loyalty;
mod members;
mod moments;
mod narrow;
mod numbers;
mod order_lines;
mod purchases;
mod refused;
mod rfm;
mod rfm_values;
mod saved;
mod sets;
mod sketch;
#[cfg(test)]
mod tests;
mod text;
mod view;

pub use compact::{Compacted, Compaction, Retired};
pub use contact::{ContactChannel, ContactPurpose, ContactSpan};
pub use daily::{DaySum, DaysQuery};
pub use engine::{Engine, Snapshot};
pub use feed::{
    CapacityError, CustomerFacts, CustomerFeed, LineFact, OrderFact, OrdersFed, average_minor,
};
pub use first_orders::FirstOrders;
pub use histories::{Bought, Buyer, OrderSpan};
pub use list::{Filter, ListCursor, ListPage, ListQuery, Sort, SortKey, SortParseError, Span};
pub use load::{CustomerLoader, FactLoader};
pub use loyalty::LoyaltyFeed;
pub use order_lines::{LineProduct, LinesQuery, OrderLines};
pub use purchases::Purchases;
pub use rfm::{
    Bins, BinsError, CellPattern, CellPatternError, CellSum, Movement, MovementFlow, Rfm, RfmQuery,
    Scheme, Score, ScoreCounts, ScoreParseError, Standing, Thresholds, Tier, TierFlow,
    TierParseError, TierSum, movement,
};
pub use rfm_values::RfmValues;
pub use saved::{RestoreError, Source};
pub use view::View;
