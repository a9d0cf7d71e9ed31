//! The search of the frame: a few customers and orders for one text.

use kernel::Limit;
use platform::Ctx;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::engine::EngineHandle;
use crate::list_customers::{
    CustomerParams, CustomerRow, ListError, PageLimit, Parsed, list_customers,
};
use crate::list_orders::{OrderParams, OrderView, list_orders};

/// Found at most of each.
const MOST: u32 = 8;
/// Fewer characters are no beginning of an order number.
const NUMBER_MIN_CHARS: usize = 3;

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchParams {
    /// Part of a name or account, an order number or its beginning, or a whole phone number or e-mail.
    pub q: Option<String>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct SearchResults {
    /// Customers, those who bought last first; at most 8.
    pub customers: Vec<CustomerRow>,
    /// Orders, the latest first; at most 8.
    pub orders: Vec<OrderView>,
}

/// Looks for `q` in customers and orders.
///
/// # Errors
/// `NotReady` while the customers are being read; otherwise as the database says.
pub async fn search(engine: &EngineHandle, cx: &Ctx, q: &str) -> Result<SearchResults, ListError> {
    let q = q.trim();
    if q.is_empty() {
        return Ok(SearchResults::default());
    }
    let limit = Limit::new(Some(MOST)).ok().map(|limit| Parsed(PageLimit(limit)));
    let customers = CustomerParams { q: Some(q.to_owned()), limit, ..CustomerParams::default() };
    let customers = list_customers(engine, cx, &customers).await?.items;
    let is_number = q.len() >= NUMBER_MIN_CHARS
        && q.len() <= commerce::orders_list::NUMBER_MAX_CHARS
        && q.is_ascii()
        && q.contains(|c: char| c.is_ascii_digit());
    let orders = if is_number && cx.access.permissions().allow("commerce.read") {
        let orders = OrderParams { q: Some(q.to_owned()), limit, ..OrderParams::default() };
        list_orders(engine.platform(), cx, &orders).await?.items
    } else {
        Vec::new()
    };
    Ok(SearchResults { customers, orders })
}
