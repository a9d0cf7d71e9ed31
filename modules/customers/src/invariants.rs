//! What must hold of this module's tables whatever happened; for `guanxi verify`.

use std::collections::HashSet;

use platform::crypto::OrgKeys;
use platform::{DbError, Scope, Tx, args};
use uuid::Uuid;

use crate::birthdays::{Birthday, index_of};
use crate::model::IdentityKind;

/// Counts the exceptions from each invariant.
///
/// # Errors
/// As the database says.
pub async fn check(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
) -> Result<Vec<(&'static str, i64)>, DbError> {
    let mut found = Vec::new();
    for (name, sql) in [
        (
            "identities_have_customers",
            "SELECT COUNT(*) FROM customers_identities i WHERE i.org_id = $1 AND NOT EXISTS
             (SELECT 1 FROM customers_customers c WHERE c.org_id = i.org_id AND c.id = i.customer_id)",
        ),
        (
            "merged_customers_have_keepers",
            "SELECT COUNT(*) FROM customers_customers a WHERE a.org_id = $1 AND a.merged_into IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM customers_customers k WHERE k.org_id = a.org_id AND k.id = a.merged_into)",
        ),
        (
            "taggings_have_tags_and_customers",
            "SELECT COUNT(*) FROM customers_taggings t WHERE t.org_id = $1 AND (NOT EXISTS
             (SELECT 1 FROM customers_customers c WHERE c.org_id = t.org_id AND c.id = t.customer_id) OR NOT EXISTS
             (SELECT 1 FROM customers_tags g WHERE g.org_id = t.org_id AND g.id = t.tag_id))",
        ),
        (
            "struck_values_are_not_held",
            "SELECT COUNT(*) FROM customers_struck s WHERE s.org_id = $1 AND (EXISTS
             (SELECT 1 FROM customers_identities i WHERE i.org_id = s.org_id AND i.customer_id = s.customer_id
                 AND i.kind = s.kind AND i.hash = s.hash) OR NOT EXISTS
             (SELECT 1 FROM customers_customers c WHERE c.org_id = s.org_id AND c.id = s.customer_id))",
        ),
        (
            "birthdays_have_customers",
            "SELECT COUNT(*) FROM customers_birthdays b WHERE b.org_id = $1 AND NOT EXISTS
             (SELECT 1 FROM customers_customers c WHERE c.org_id = b.org_id AND c.id = b.customer_id)",
        ),
        (
            "notes_have_customers",
            "SELECT COUNT(*) FROM customers_notes n WHERE n.org_id = $1 AND NOT EXISTS
             (SELECT 1 FROM customers_customers c WHERE c.org_id = n.org_id AND c.id = n.customer_id)",
        ),
    ] {
        let (count,): (i64,) = tx.fetch_one(sql, args![scope.org_arg()]).await?;
        found.push((name, count));
    }
    let mut unreadable = 0;
    tx.for_each::<(i64, Vec<u8>, Option<Vec<u8>>)>(
        "SELECT kind, hash, sealed FROM customers_identities WHERE org_id = $1 AND sealed IS NOT NULL",
        args![scope.org_arg()],
        |(kind, hash, sealed)| {
            let holds = IdentityKind::from_code(kind).is_some_and(|kind| {
                sealed
                    .and_then(|sealed| keys.open_text(kind.field(), &sealed).ok())
                    .is_some_and(|value| {
                        kind == IdentityKind::Account
                            || keys.blind_index(kind.field(), &value).as_slice() == hash
                    })
            });
            unreadable += i64::from(!holds);
        },
    )
    .await?;
    found.push(("identities_open_to_their_index", unreadable));
    let mut unreadable = 0;
    tx.for_each::<(Vec<u8>, Vec<u8>)>(
        "SELECT kept, sealed FROM customers_birthdays WHERE org_id = $1",
        args![scope.org_arg()],
        |(kept, sealed)| {
            let holds = Birthday::open(keys, &sealed)
                .is_ok_and(|birthday| index_of(keys, birthday.on()).as_slice() == kept);
            unreadable += i64::from(!holds);
        },
    )
    .await?;
    found.push(("birthdays_open_to_their_index", unreadable));
    Ok(found)
}

/// How many of `ids` are not there.
///
/// # Errors
/// As the database says.
pub async fn missing(tx: &mut Tx, scope: Scope, ids: &[Uuid]) -> Result<i64, DbError> {
    let mut wanted: HashSet<Uuid> = ids.iter().copied().collect();
    tx.for_each::<(Uuid,)>(
        "SELECT id FROM customers_customers WHERE org_id = $1",
        args![scope.org_arg()],
        |(id,)| {
            wanted.remove(&id);
        },
    )
    .await?;
    Ok(wanted.len() as i64)
}
