//! Finds customers by what the database holds only sealed, through the blind index.

use kernel::{CustomerId, TypedId};
use platform::{Ctx, DbError, Tx};
use uuid::Uuid;

use crate::model::AccountSpace;
use crate::resolve::SeenIdentity;
use crate::{fields, roots, store};

/// Customers found at most: a phone in so many hands says nothing.
pub const FOUND_MAX: usize = 200;
/// Longest text that can be a contact or an account, in bytes.
const TEXT_MAX: usize = 400;

/// Customers (roots, by id) with this full phone number, e-mail address or account of one of
/// `spaces`; at most [`FOUND_MAX`]. Not by what whoever asks does not see, and without regard to their
/// reach.
///
/// # Errors
/// As the database says.
pub async fn find_by_contact(
    tx: &mut Tx,
    cx: &Ctx,
    text: &str,
    spaces: &[AccountSpace],
) -> Result<Vec<CustomerId>, DbError> {
    let (scope, keys, rules) = (cx.scope, &cx.keys(), cx.access.fields());
    if text.len() > TEXT_MAX {
        return Ok(Vec::new());
    }
    let contacts: Vec<[u8; 16]> = [
        SeenIdentity::phone(keys, text).filter(|_| !rules.hide(fields::PHONE)),
        SeenIdentity::email(keys, text).filter(|_| !rules.hide(fields::EMAIL)),
    ]
    .into_iter()
    .flatten()
    .map(|seen| seen.hash)
    .collect();
    let accounts: Vec<[u8; 16]> = spaces
        .iter()
        .filter(|_| rules.show(fields::ACCOUNTS))
        .filter_map(|space| SeenIdentity::account(keys, *space, text))
        .map(|seen| seen.hash)
        .collect();
    let most = FOUND_MAX as i64;
    let mut holders: Vec<Uuid> = Vec::new();
    for (are_accounts, hashes) in [(true, accounts), (false, contacts)] {
        holders.extend(store::profiles::holders(tx, scope, are_accounts, &hashes, most).await?);
    }
    let mut found: Vec<CustomerId> =
        roots::roots(tx, scope, &holders).await?.into_values().map(CustomerId::from_uuid).collect();
    found.sort_unstable();
    found.dedup();
    found.truncate(FOUND_MAX);
    Ok(found)
}
