//! An audience as SQL: one statement that a person can read and that `audience-sql` executes with
//! DataFusion over Parquet.
//!
//! The statement asks nine tables. Ids are texts as everywhere outside (`cus_…`), moments are milliseconds
//! since 1970 in UTC, amounts are minor units, and *folded* texts are those of [`searchable`]. What may be
//! NULL is marked with `?`.
//!
//! | table | a row is | columns |
//! |---|---|---|
//! | `customers` | a customer | `customer`, `name_folded`, `accounts_folded`, `province` (empty when unknown), `rating?`, `owner?`, `created_at`, `refused_from?`, and by the scores of today `r?`, `f?`, `m?`, `tier?`, `classic?` |
//! | `customer_tags` | a tag of a customer | `customer`, `tag` |
//! | `contacts` | a time in which the answer for one way and purpose is other than without a word | `customer`, `channel`, `purpose`, `from_at`, `until_at?` |
//! | `levels` | a member level of a customer in a scheme | `customer`, `scheme`, `rank` (from 1) |
//! | `points` | points that a customer can spend in a programme, where they are not 0 | `customer`, `programme`, `points` |
//! | `orders` | a counted order | `customer`, `ordered_at`, `order_no`, `shop`, `revenue_minor` |
//! | `lines` | a line of one | `customer`, `ordered_at`, `order_no`, `shop`, `order_revenue_minor`, `code_folded`, `title_folded`, `quantity`, `amount_minor` |
//! | `refunds` | an order, counted or not, of which something was refunded | `customer`, `ordered_at`, `order_no`, `shop`, `refund_minor` |
//! | `refund_lines` | a line of one of which something was | `customer`, `ordered_at`, `order_no`, `shop`, `order_refund_minor`, `code_folded`, `title_folded`, `quantity`, `amount_minor` (refunded) |
//!
//! `order_no` tells the orders of one customer apart. There is one function beyond those of DataFusion:
//! `bucket(customer, seed, buckets)`, the bucket of a customer from 1.
//!
//! Every figure that conditions ask for becomes one column of one aggregation of its table, so the plan
//! stays as small as the tables are few: a definition of 500 conditions reads `orders` once, not 500 times.
//! Every condition is TRUE or FALSE and never NULL, so that `NOT` means what it says.

mod figures;
mod layout;
mod rows;
mod statement;

use kernel::AudienceId;

pub use rows::{CustomerRow, LineRow, Rows};

use super::check::{self, TreeError};
use super::plan::{AsOf, AudienceError, Definitions};
use super::tree::Node;

/// How large a statement may become, with all audiences that are named unfolded.
#[derive(Debug, Clone, Copy)]
pub struct SqlLimits;

impl SqlLimits {
    /// Conditions and joints.
    pub const NODES: usize = 1_000;
    /// Nodes below nodes.
    pub const DEPTH: usize = 64;
    /// Bytes of the statement.
    pub const BYTES: usize = 4 * 1024 * 1024;
}

/// Why there is no SQL for a definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// The definition, or one that it names, is not well-formed.
    #[error("{}{}", audience.map(|id| format!("audience {id}: ")).unwrap_or_default(),
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Tree {
        /// The audience named, or none for the definition itself.
        audience: Option<AudienceId>,
        /// What is wrong.
        errors: Vec<TreeError>,
    },
    /// An audience that is named is not known, or part of its own definition.
    #[error(transparent)]
    Audience(#[from] AudienceError),
    /// Too much, with all audiences that are named.
    #[error("with the audiences that it names this has more than {limit} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much may be.
        limit: usize,
    },
}

/// The statement that gives the ids of all who pass `root` as of a day, in order, in one column `customer`.
/// The audiences that it names are those of `named`. The same definitions and day give the same text.
///
/// # Errors
/// If the definition or one that it names is not well-formed, unknown, in a circle or too large.
pub fn select(root: &Node, named: &Definitions, as_of: AsOf) -> Result<String, SqlError> {
    well_formed(None, root)?;
    statement::Statement::of(root, named, as_of)
}

/// A text as it is searched and compared: folded, and without the character that ends names in the engine.
#[must_use]
pub fn searchable(text: &str) -> String {
    crate::text::needle(text)
}

fn well_formed(audience: Option<AudienceId>, node: &Node) -> Result<(), SqlError> {
    check::check(node).map_err(|errors| SqlError::Tree { audience, errors })
}
