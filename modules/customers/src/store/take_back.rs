//! SQL that takes back what an import did to customers.

use kernel::CustomerId;
use platform::{DbError, Scope, Tx, args};
use uuid::Uuid;

use super::{by_ids, for_ids};

async fn count(tx: &mut Tx, scope: Scope, select: &str, ids: &[Uuid]) -> Result<i64, DbError> {
    let counts: Vec<(i64,)> = by_ids(tx, scope, select, ids, "").await?;
    Ok(counts.into_iter().map(|(count,)| count).sum())
}

pub(crate) async fn noted(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<i64, DbError> {
    let select = "SELECT COUNT(DISTINCT customer_id) FROM customers_notes
         WHERE org_id = $1 AND customer_id";
    count(tx, scope, select, ids).await
}

pub(crate) async fn consented(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<i64, DbError> {
    let select = "SELECT COUNT(DISTINCT customer_id) FROM customers_consents
         WHERE org_id = $1 AND customer_id";
    count(tx, scope, select, ids).await
}

pub(crate) async fn requested(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<i64, DbError> {
    let select = "SELECT COUNT(DISTINCT customer_id) FROM customers_person_requests
         WHERE org_id = $1 AND customer_id";
    count(tx, scope, select, ids).await
}

pub(crate) async fn tagged(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<i64, DbError> {
    // What a rule tagged is nobody's work.
    let select = "SELECT COUNT(DISTINCT customer_id) FROM customers_taggings
         WHERE org_id = $1 AND tag_id IN
               (SELECT id FROM customers_tags WHERE org_id = $1 AND audience_id IS NULL)
           AND customer_id";
    count(tx, scope, select, ids).await
}

/// Edits of these customers, in the order in which they were made: whose, and what changed.
pub(crate) async fn edits(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, String)>, DbError> {
    let select = "SELECT customer_id, detail FROM customers_history
         WHERE org_id = $1 AND kind = 'edit' AND customer_id";
    by_ids(tx, scope, select, ids, "ORDER BY created_at, id").await
}

/// Customers within a range of ids who have notes, tags, edits, and merges made by people.
pub(crate) async fn worked_with(
    tx: &mut Tx,
    scope: Scope,
    (from, until): (Uuid, Uuid),
    most: usize,
) -> Result<[Vec<Uuid>; 4], DbError> {
    let mut found: [Vec<Uuid>; 4] = Default::default();
    for (index, sql) in [
        (
            0,
            "SELECT DISTINCT customer_id FROM customers_notes
             WHERE org_id = $1 AND customer_id >= $2 AND customer_id < $3 LIMIT $4",
        ),
        (
            0,
            "SELECT DISTINCT customer_id FROM customers_consents
             WHERE org_id = $1 AND customer_id >= $2 AND customer_id < $3 LIMIT $4",
        ),
        (
            0,
            "SELECT DISTINCT customer_id FROM customers_person_requests
             WHERE org_id = $1 AND customer_id >= $2 AND customer_id < $3 LIMIT $4",
        ),
        (
            1,
            "SELECT DISTINCT customer_id FROM customers_taggings
             WHERE org_id = $1 AND customer_id >= $2 AND customer_id < $3 AND tag_id IN
                   (SELECT id FROM customers_tags WHERE org_id = $1 AND audience_id IS NULL)
             LIMIT $4",
        ),
        (
            2,
            "SELECT DISTINCT customer_id FROM customers_history
             WHERE org_id = $1 AND customer_id >= $2 AND customer_id < $3
               AND kind IN ('edit', 'identity') LIMIT $4",
        ),
        (
            3,
            "SELECT keep FROM customers_merges WHERE org_id = $1 AND keep >= $2 AND keep < $3
               AND undone_at IS NULL AND actor IS NOT NULL LIMIT $4",
        ),
        (
            3,
            "SELECT absorb FROM customers_merges WHERE org_id = $1 AND absorb >= $2 AND absorb < $3
               AND undone_at IS NULL AND actor IS NOT NULL LIMIT $4",
        ),
    ] {
        let rows: Vec<(Uuid,)> =
            tx.fetch_all(sql, args![scope.org_arg(), from, until, most as i64]).await?;
        found[index].extend(rows.into_iter().map(|(id,)| id));
    }
    Ok(found)
}

pub(crate) async fn remove_suggestions(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<(), DbError> {
    for_ids(tx, scope, "DELETE FROM customers_suggestions WHERE org_id = $1 AND id", ids).await
}

pub(crate) async fn remove_identities(
    tx: &mut Tx,
    scope: Scope,
    added: &[(CustomerId, i64, Uuid)],
) -> Result<(), DbError> {
    for (customer, kind, hash) in added {
        tx.execute(
            "DELETE FROM customers_identities
             WHERE org_id = $1 AND customer_id = $2 AND kind = $3 AND hash = $4",
            args![scope.org_arg(), *customer, *kind, hash.into_bytes()],
        )
        .await?;
    }
    Ok(())
}

pub(crate) async fn remove_customers(
    tx: &mut Tx,
    scope: Scope,
    ids: &[Uuid],
) -> Result<(), DbError> {
    for sql in [
        "DELETE FROM customers_identities WHERE org_id = $1 AND customer_id",
        "DELETE FROM customers_birthdays WHERE org_id = $1 AND customer_id",
        "DELETE FROM customers_struck WHERE org_id = $1 AND customer_id",
        // Those of rules; others would have stood against it.
        "DELETE FROM customers_taggings WHERE org_id = $1 AND customer_id",
        // Merges undone since and what tells of them.
        "DELETE FROM customers_merges WHERE org_id = $1 AND keep",
        "DELETE FROM customers_merges WHERE org_id = $1 AND absorb",
        "DELETE FROM customers_history WHERE org_id = $1 AND customer_id",
        "DELETE FROM customers_customers WHERE org_id = $1 AND id",
    ] {
        for_ids(tx, scope, sql, ids).await?;
    }
    Ok(())
}
