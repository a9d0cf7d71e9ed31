//! Places in the chain.
//!
//! As with events (see `outbox/sequence.rs` and ADR 3), writers only insert. Whoever gives places does
//! so after the commit, one at a time for each organisation, who holds the row of the head. Until then
//! an entry is held by its own code, and can be removed unnoticed; that is why workers look every
//! second, and commands before they end. Unlike the outbox this needs no order of insertion: nobody
//! follows the log by its places, and times and ids of entries that wait together, which are
//! authenticated, are as good an order as any. One written after another was given its place comes
//! behind it.

use kernel::OrgId;
use sqlx::AssertSqlSafe;

use super::authenticity::Head;
use super::store::{self, Row, org_arg, select};
use crate::crypto::OrgKeys;
use crate::{Arg, DbError, Platform, Scope, Tx, args};

/// Entries that are given their places in one transaction.
const BATCH: i64 = 500;

/// Gives all committed entries their places; gives how many. On SQLite there is nothing to do but where
/// the head was once found changed.
///
/// # Errors
/// `Refused` if a head was changed by somebody else: continuing from it would hide that. Otherwise as the
/// database says. Either way the other organisations have their turn first.
pub async fn chain(platform: &Platform) -> Result<u64, DbError> {
    let mut tx = platform.db.read_wide().await?;
    let orgs = store::orgs_with_pending(&mut tx).await?;
    tx.rollback().await?;
    let (mut placed, mut failed) = (0, Ok(()));
    for org in orgs {
        let keys = platform.keys(org);
        loop {
            match chain_batch(platform, org, &keys).await {
                Ok(0) => break,
                Ok(count) => placed += count,
                Err(error) => {
                    failed = Err(error);
                    break;
                }
            }
        }
    }
    failed.map(|()| placed)
}

async fn chain_batch(platform: &Platform, org: OrgId, keys: &OrgKeys) -> Result<u64, DbError> {
    let mut tx = platform.db.begin_for(Scope::system(org)).await?;
    // The statements after this one see the places that whoever held it before gave.
    let held = store::hold_head(&mut tx, Head::EMPTY.row(keys, org)).await?;
    let rows: Vec<Row> = tx
        .fetch_all(
            select!("AND a.position IS NULL ORDER BY a.at, a.id LIMIT $2"),
            args![org_arg(org), BATCH],
        )
        .await?;
    if rows.is_empty() {
        // No commit: it would wake those who wait for news.
        tx.rollback().await?;
        return Ok(0);
    }
    let Some(mut head) = Head::open(keys, &held) else {
        warn_of_head(org);
        return Err(DbError::Refused(format!(
            "the head of the audit log of organisation {} was changed; see `guanxi audit verify`",
            org.get()
        )));
    };
    let mut places = Vec::with_capacity(rows.len() * 3);
    for row in &rows {
        head = head.next(keys, row);
        places.extend(args![row.id, head.count, head.hash]);
    }
    let given = give(&mut tx, org, places).await?;
    if given != rows.len() as u64 {
        return Err(DbError::Unavailable("the audit log was changed meanwhile".to_owned()));
    }
    store::move_head(&mut tx, head.row(keys, org)).await?;
    tx.commit().await?;
    Ok(given)
}

/// Writes places: id, position and hash of each entry, one after the other.
async fn give(tx: &mut Tx, org: OrgId, places: Vec<Arg>) -> Result<u64, DbError> {
    let rows: Vec<String> = (0..places.len())
        .step_by(3)
        .map(|at| format!("(${}, ${}, ${})", at + 2, at + 3, at + 4))
        .collect();
    let sql = format!(
        "WITH places (id, position, hash) AS (VALUES {})
         UPDATE platform_audit AS a SET position = places.position, hash = places.hash
         FROM places WHERE a.org_id = $1 AND a.id = places.id AND a.position IS NULL",
        rows.join(", ")
    );
    let mut arguments = args![org_arg(org)];
    arguments.extend(places);
    tx.execute(AssertSqlSafe(sql), arguments).await
}

pub(super) fn warn_of_head(org: OrgId) {
    tracing::error!(
        org = org.get(),
        "the end of the audit log was changed; new entries wait outside the chain, see `guanxi audit verify`"
    );
}
