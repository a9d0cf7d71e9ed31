//! What the audit log is told of an export.

use customers::mask::mask_text;
use kernel::ExportId;
use platform::audit::Entry;
use serde::Serialize;
use serde_json::{Map, Value};

use super::ExportFormat;
use crate::list_customers::CustomerParams;

/// The filters that were set, by the names they have in an address. What was searched for is masked: a
/// phone number that is asked for is one that somebody has.
pub(crate) fn filter(params: &CustomerParams) -> Map<String, Value> {
    let mut filter = Map::new();
    let mut put = |name: &str, value: Value| {
        let is_set = match &value {
            Value::Null => false,
            Value::Array(items) => !items.is_empty(),
            _ => true,
        };
        if is_set {
            filter.insert(name.to_owned(), value);
        }
    };
    fn json(value: impl Serialize) -> Value {
        serde_json::to_value(value).unwrap_or_default()
    }
    put("q", json(params.q.as_deref().map(mask_text)));
    put("shop", json(params.shop));
    put("tag", json(params.tag));
    put("audience", json(params.audience));
    put("tier", json(&params.tier));
    put("classic", json(&params.classic));
    put("cell", json(params.cell));
    put("as_of", json(params.as_of));
    put("bins", json(params.bins));
    put("rfm_shop", json(params.rfm_shop));
    put("province", json(&params.province));
    put("rating", json(params.rating));
    put("automated", json(params.automated));
    put("owner", json(params.owner));
    put("orders_min", json(params.orders_min));
    put("orders_max", json(params.orders_max));
    put("revenue_min", json(params.revenue_min));
    put("revenue_max", json(params.revenue_max));
    put("last_order_from", json(params.last_order_from));
    put("last_order_to", json(params.last_order_to));
    put("first_order_from", json(params.first_order_from));
    put("first_order_to", json(params.first_order_to));
    put("sort", json(params.sort));
    filter
}

/// The entry that `count` customers who pass `params` are given out.
pub(super) fn entry(
    params: &CustomerParams,
    format: ExportFormat,
    count: u64,
    id: ExportId,
) -> Entry {
    Entry::new("customers.export")
        .on("export", id)
        .with("format", format)
        .with("count", count)
        .personal("filter", filter(params))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_filters_that_are_set_are_told_and_the_search_is_masked() {
        let query = "/?q=13800000001&tier=at_risk&tier=loyal&cell=R5F*M5&bins=3&rating=A\
            &orders_min=2&last_order_from=2026-01-01&sort=-revenue";
        let params = platform::http::parse_query(&query.parse().unwrap()).unwrap();
        assert_eq!(
            Value::Object(filter(&params)),
            json!({
                "q": "138****0001", "tier": ["at_risk", "loyal"], "cell": "R5F*M5", "bins": 3,
                "rating": "A", "orders_min": 2, "last_order_from": "2026-01-01", "sort": "-revenue"
            })
        );
        assert!(filter(&CustomerParams::default()).is_empty());
    }
}
