//! The personal part of an entry: sealed beside it, and bound to it by a digest.

use kernel::Ids;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::entry::{self, Sides};
use crate::DbError;
use crate::crypto::{CryptoError, OrgKeys};

/// Under which personal parts are sealed.
pub(crate) const FIELD: &str = "platform.audit";
/// Random bytes before the text. They are gone with it, so that a digest that stays tells nothing, not
/// even to somebody who guesses what the text was.
const SALT_LEN: usize = 16;

/// Both sides as they are sealed.
#[derive(Serialize, Deserialize)]
struct Texts {
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

/// A personal part that was sealed.
pub(super) struct SealedPart {
    pub(super) sealed: Vec<u8>,
    /// Of what is inside, not of the sealed bytes: it stays the same when these are sealed with
    /// another key.
    pub(super) digest: [u8; 32],
}

/// Seals `sides`; `None` where nothing is personal.
pub(super) fn seal(keys: &OrgKeys, ids: &dyn Ids, sides: &Sides) -> Option<SealedPart> {
    if sides.is_empty() {
        return None;
    }
    let texts = Texts { before: entry::text(&sides.before), after: entry::text(&sides.after) };
    let mut plain = vec![0; SALT_LEN];
    ids.fill(&mut plain);
    // Two texts: this cannot fail.
    plain.extend(serde_json::to_vec(&texts).unwrap_or_default());
    let digest = Sha256::digest(&plain).into();
    Some(SealedPart { sealed: keys.seal(ids, FIELD, &plain), digest })
}

/// What is inside of `sealed`; `None` of what was changed.
///
/// # Errors
/// `Unavailable` if the key cannot be had just now, which says nothing about the part.
fn plain(keys: &OrgKeys, sealed: &[u8]) -> Result<Option<Vec<u8>>, DbError> {
    match keys.open(FIELD, sealed) {
        Ok(plain) => Ok(Some(plain)),
        Err(error @ CryptoError::KeysUnavailable(_)) => {
            Err(DbError::Unavailable(error.to_string()))
        }
        Err(_) => Ok(None),
    }
}

/// Whether `sealed` can be opened and holds what `digest` was taken of.
///
/// # Errors
/// As [`plain`].
pub(super) fn is_genuine(keys: &OrgKeys, sealed: &[u8], digest: &[u8]) -> Result<bool, DbError> {
    let plain = plain(keys, sealed)?;
    Ok(plain.is_some_and(|plain| Sha256::digest(&plain).as_slice() == digest))
}

/// Both sides; nothing of a part that is not what it was: [`super::verify`] says so.
///
/// # Errors
/// As [`plain`].
pub(super) fn open(keys: &OrgKeys, sealed: &[u8]) -> Result<Sides, DbError> {
    let plain = plain(keys, sealed)?;
    let texts = plain.as_deref().and_then(|plain| plain.get(SALT_LEN..));
    let texts = texts.and_then(|texts| serde_json::from_slice::<Texts>(texts).ok());
    let side = |text: Option<String>| fields(text.as_deref());
    Ok(texts.map_or_else(Sides::default, |texts| Sides {
        before: side(texts.before),
        after: side(texts.after),
    }))
}

/// The fields in a stored text.
pub(super) fn fields(text: Option<&str>) -> Map<String, Value> {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
