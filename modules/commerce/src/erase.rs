//! Erases what is personal in the orders of somebody: receivers, addresses, remarks, cells of columns that
//! nobody named, numbers of parcels; also in what imports keep to be undone, and in rejected rows. Amounts,
//! states, goods and the place as province and city stay, and so do all sums.

use std::collections::HashSet;

use kernel::CustomerId;
use platform::crypto::OrgKeys;
use platform::db::args::in_list;
use platform::{Arg, Ctx, DbError, Scope, Tx, args};
use serde::Serialize;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::batch::undo;
use crate::imports;
use crate::state::OrderState;
use crate::store;

/// Ids in one statement.
const LOOKUP_MAX: usize = 512;
/// A shorter text is in too many rows to mean somebody.
const NEEDLE_MIN_BYTES: usize = 6;
/// A text of fewer characters means somebody only where it fills its cell: an account called 小茶 is not in
/// every row about 小茶杯.
const PART_MIN_CHARS: usize = 6;

/// How much was erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Erased {
    pub orders: u64,
    /// Of these, how many are not at their end.
    pub running: u64,
    pub undo_images: u64,
    pub rejects: u64,
}

/// Erases it in the orders of `customers`. `values` are what the customers were known by, to be found in
/// rejected rows. `journal` takes their identities out of what an import keeps of its work with customers.
///
/// Reads all undo images and rejected rows: seconds, where there are many.
///
/// # Errors
/// `Refused` if something sealed cannot be opened; otherwise as the database says.
pub async fn erase(
    tx: &mut Tx,
    cx: &Ctx,
    keys: &OrgKeys,
    customers: &[CustomerId],
    values: &[String],
    journal: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<Erased, DbError> {
    let mut erased = Erased::default();
    let mut orders: HashSet<Uuid> = HashSet::new();
    let mut needles: HashSet<String> = values.iter().map(|value| needle(value)).collect();
    for row in store::orders_of(tx, cx.scope, customers).await? {
        orders.insert(row.id);
        needles.insert(needle(&row.external_no));
        erased.running += u64::from(row.order_state() < OrderState::Completed);
        let head = row.head(keys).map_err(|error| DbError::Refused(error.to_string()))?;
        let receiver = head.receiver;
        for text in [receiver.mobile, receiver.landline, receiver.address].into_iter().flatten() {
            needles.insert(needle(&text));
        }
    }
    needles.retain(|text| text.len() >= NEEDLE_MIN_BYTES);
    let ids: Vec<Uuid> = orders.iter().copied().collect();
    erased.orders = forget_orders(tx, cx.scope, &ids).await?;
    erased.undo_images = undo::forget(tx, cx, keys, &orders, journal).await?;
    erased.rejects = imports::forget_rejects(tx, cx, keys, |raw| holds(raw, &needles)).await?;
    Ok(erased)
}

/// Whether the row `raw` of a file tells of whom `needles` mean.
fn holds(raw: &str, needles: &HashSet<String>) -> bool {
    let cells: HashSet<String> = raw
        .split([',', '\t', ';'])
        .map(|cell| needle(cell.trim_matches(['"', '=', ' '])))
        .collect();
    let raw = needle(raw);
    needles.iter().any(|text| {
        cells.contains(text) || (text.chars().count() >= PART_MIN_CHARS && raw.contains(text))
    })
}

/// A text as it is compared: without what people put between digits, in lower case, without the code of
/// the country.
fn needle(text: &str) -> String {
    let text = text.trim().strip_prefix("+86").unwrap_or(text.trim());
    let kept = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '(' | ')'));
    kept.flat_map(char::to_lowercase).collect()
}

/// Takes what is personal out of orders, and closes their books.
pub(crate) async fn forget_orders(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<u64, DbError> {
    let mut changed = 0;
    for chunk in ids.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(2, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg()];
        arguments.extend(values);
        let sql = format!(
            "UPDATE commerce_orders SET private = NULL, tracking_no = NULL, head_hash = 0, lines_hash = 0
             WHERE org_id = $1 AND id IN ({list})"
        );
        changed += tx.execute(AssertSqlSafe(sql), arguments).await?;
    }
    for id in ids {
        tx.execute(
            "INSERT INTO commerce_erased_orders (org_id, order_id) VALUES ($1, $2)
             ON CONFLICT (org_id, order_id) DO NOTHING",
            args![scope.org_arg(), *id],
        )
        .await?;
    }
    Ok(changed)
}

/// Which of `ids` are orders of somebody who was erased.
///
/// # Errors
/// As the database says.
pub(crate) async fn erased_among(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<HashSet<Uuid>, DbError> {
    let mut found = HashSet::new();
    let any: Option<(i32,)> = tx
        .fetch_optional(
            "SELECT 1 FROM commerce_erased_orders WHERE org_id = $1 LIMIT 1",
            args![scope.org_arg()],
        )
        .await?;
    if any.is_none() {
        return Ok(found);
    }
    for chunk in ids.chunks(LOOKUP_MAX) {
        let (list, values) = in_list(2, chunk.iter().map(|id| Arg::from(*id)).collect());
        let mut arguments = args![scope.org_arg()];
        arguments.extend(values);
        let sql = format!(
            "SELECT order_id FROM commerce_erased_orders WHERE org_id = $1 AND order_id IN ({list})"
        );
        let rows: Vec<(Uuid,)> = tx.fetch_all(AssertSqlSafe(sql), arguments).await?;
        found.extend(rows.into_iter().map(|(id,)| id));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{holds, needle};

    #[test]
    fn a_number_is_found_however_it_is_written() {
        for text in ["13800000001", "+8613800000001", " 138-0000-0001", "138 0000 0001"] {
            assert_eq!(needle(text), "13800000001");
        }
        assert_eq!(needle("A@Example.com"), "a@example.com");
    }

    #[test]
    fn a_short_text_means_somebody_only_where_it_fills_its_cell() {
        let of = |raw: &str, text: &str| holds(raw, &[needle(text)].into());
        assert!(of("1001,小茶,88.00", "小茶"));
        assert!(of("1001,=\"小茶\",88.00", "小茶"));
        assert!(!of("1001,山间,小茶杯 两只", "小茶"));
        assert!(
            of("1001,tb_13800000001,88.00", "138-0000-0001"),
            "a number is found inside a text"
        );
        assert!(of("1001;;\"A@Example.com\"", "a@example.com"));
    }
}
