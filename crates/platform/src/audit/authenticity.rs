//! What is authenticated, byte for byte.

use kernel::OrgId;

use super::store::{HeadRow, Row, org_arg};
use crate::crypto::OrgKeys;

/// Bytes of a hash or a code.
pub(super) const HASH_LEN: usize = 32;

/// What stands before the first entry.
const BEGINNING: [u8; HASH_LEN] = [0; HASH_LEN];

/// Adds a field: whether it is there, its length, its bytes. So no two entries have the same bytes,
/// wherever one field ends and the next begins.
fn put(out: &mut Vec<u8>, field: Option<&[u8]>) {
    match field {
        None => out.push(0),
        Some(bytes) => {
            out.push(1);
            out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            out.extend_from_slice(bytes);
        }
    }
}

/// Every field of an entry but its code, its place, and the personal part, of which `sealed_digest`
/// stands for the contents.
fn canonical(row: &Row) -> Vec<u8> {
    fn text(field: &Option<String>) -> Option<&[u8]> {
        field.as_deref().map(str::as_bytes)
    }
    let mut out = Vec::with_capacity(512);
    put(&mut out, Some(&row.version.to_be_bytes()));
    put(&mut out, Some(&row.org_id.to_be_bytes()));
    put(&mut out, Some(row.id.as_bytes()));
    put(&mut out, Some(&row.at.to_be_bytes()));
    put(&mut out, row.actor.as_ref().map(|id| id.as_bytes().as_slice()));
    put(&mut out, row.token.as_ref().map(|id| id.as_bytes().as_slice()));
    put(&mut out, Some(row.action.as_bytes()));
    put(&mut out, text(&row.record_kind));
    put(&mut out, text(&row.record_id));
    put(&mut out, text(&row.before_json));
    put(&mut out, text(&row.after_json));
    put(&mut out, row.sealed_digest.as_deref());
    put(&mut out, text(&row.peer));
    put(&mut out, text(&row.request_id));
    out
}

/// The code that an entry carries from the moment it is written.
pub(super) fn entry_mac(keys: &OrgKeys, row: &Row) -> [u8; HASH_LEN] {
    keys.authenticate("audit.entry", &[&canonical(row)])
}

/// The end of a chain: how many entries it has, and the hash of the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) count: i64,
    pub(super) hash: [u8; HASH_LEN],
}

impl Head {
    /// Of a chain without entries.
    pub(super) const EMPTY: Self = Self { count: 0, hash: BEGINNING };

    /// The stored head; `None` if somebody else wrote it.
    pub(super) fn open(keys: &OrgKeys, row: &HeadRow) -> Option<Self> {
        let head = Self { count: row.count, hash: row.hash.as_slice().try_into().ok()? };
        let org = OrgId::new(i32::try_from(row.org_id).ok()?);
        (head.mac(keys, org).as_slice() == row.mac.as_slice()).then_some(head)
    }

    /// The head as it is stored.
    pub(super) fn row(&self, keys: &OrgKeys, org: OrgId) -> HeadRow {
        let mac = self.mac(keys, org).to_vec();
        HeadRow { org_id: org_arg(org), count: self.count, hash: self.hash.to_vec(), mac }
    }

    fn mac(&self, keys: &OrgKeys, org: OrgId) -> [u8; HASH_LEN] {
        let parts: [&[u8]; 3] =
            [&org_arg(org).to_be_bytes(), &self.count.to_be_bytes(), &self.hash];
        keys.authenticate("audit.head", &parts)
    }

    /// The head behind `row`, which takes the next place.
    pub(super) fn next(&self, keys: &OrgKeys, row: &Row) -> Self {
        let count = self.count + 1;
        let parts: [&[u8]; 3] = [&self.hash, &count.to_be_bytes(), &canonical(row)];
        Self { count, hash: keys.authenticate("audit.chain", &parts) }
    }
}

/// `bytes` in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
