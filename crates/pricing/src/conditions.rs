//! For whom and for which products a promotion is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Everything given must hold; an empty list allows all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Conditions {
    /// Products or variants (SKU). A line matches if it is one of them or in one of the categories.
    pub products: Vec<String>,
    /// Categories; see `products`.
    pub categories: Vec<String>,
    /// Products or variants that never match.
    pub excluded_products: Vec<String>,
    /// Categories that never match.
    pub excluded_categories: Vec<String>,
    /// Shops.
    pub shops: Vec<String>,
    /// Levels of the customer.
    pub levels: Vec<String>,
    /// Tiers of the customer.
    pub tiers: Vec<String>,
    /// Audiences, one of which the customer is in.
    pub audiences: Vec<String>,
    /// Only the customer's first order.
    pub first_order: bool,
    /// Only on the customer's birthday.
    pub birthday: bool,
    /// The matching lines (of scope `item`: the line) cost at least this at the beginning of the stage.
    pub minimum_amount_minor: i64,
    /// The matching lines (of scope `item`: the line) have at least so many pieces.
    pub minimum_pieces: u64,
    /// Lines whose price a price rule lowered do not match (特价商品不参加).
    pub exclude_discounted: bool,
}

impl Conditions {
    /// Whether every product and category may match.
    #[must_use]
    pub fn is_for_all_products(&self) -> bool {
        self.products.is_empty() && self.categories.is_empty()
    }

    pub(crate) fn lists(&self) -> [(&'static str, &[String]); 8] {
        [
            ("conditions.products", &self.products),
            ("conditions.categories", &self.categories),
            ("conditions.excluded_products", &self.excluded_products),
            ("conditions.excluded_categories", &self.excluded_categories),
            ("conditions.shops", &self.shops),
            ("conditions.levels", &self.levels),
            ("conditions.tiers", &self.tiers),
            ("conditions.audiences", &self.audiences),
        ]
    }
}
