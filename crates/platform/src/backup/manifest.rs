//! The list of what a backup consists of. Without it there is no backup, so it is written last.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::Fault;
use super::keys::{BackupKeys, PieceName};
use super::rows::RowSum;
use super::tables::{self, Column, Versions};

/// How every manifest begins: what it is, and the version of its form.
const MAGIC: &[u8; 4] = b"GXM1";
const VERIFIED: &[u8; 4] = b"GXV1";
/// Characters of a key's fingerprint, which stands before what is sealed.
const FINGERPRINT_LEN: usize = 12;
/// A manifest of 100 GiB is some ten MiB.
const LIMIT_BYTES: usize = 1 << 30;
/// Verdicts name a few damages, not all.
const VERIFIED_LIMIT_BYTES: usize = 1 << 20;

/// One piece of a table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Piece {
    pub name: PieceName,
    pub rows: u64,
    /// Of its rows.
    pub bytes: u64,
    /// Of its file.
    pub stored_bytes: u64,
}

/// One table of a backup.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SavedTable {
    pub name: String,
    pub columns: Vec<Column>,
    pub rows: u64,
    /// [`RowSum::text`].
    pub sum: String,
    /// In the order of the rows.
    pub pieces: Vec<Piece>,
}

/// What a backup consists of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The moment whose data it holds, to within the opening of a transaction.
    pub created_at: Timestamp,
    /// Version of the program that made it.
    pub program: String,
    /// `sqlite` or `postgresql`.
    pub database: String,
    /// Versions of the tables, by module.
    pub migrations: Versions,
    pub outbox_head: i64,
    pub data_hash: String,
    pub tables: Vec<SavedTable>,
}

impl Manifest {
    /// The hash that belongs to `sums`, those of `tables` in their order.
    pub(super) fn hash_of(&self, sums: impl Iterator<Item = RowSum>) -> String {
        let tables = self.tables.iter().zip(sums);
        let tables = tables.map(|(table, sum)| (table.name.as_str(), &*table.columns, sum));
        tables::data_hash(tables, self.outbox_head)
    }

    pub(super) fn pieces(&self) -> impl Iterator<Item = (&SavedTable, &Piece)> {
        self.tables.iter().flat_map(|table| table.pieces.iter().map(move |piece| (table, piece)))
    }

    /// The file of this manifest, of the backup `name`.
    pub(super) fn seal(
        &self,
        keys: &BackupKeys,
        name: &str,
        nonce: [u8; 12],
    ) -> std::io::Result<Vec<u8>> {
        let plain = serde_json::to_vec(self)?;
        let sealed = keys.seal_file(MAGIC, name.as_bytes(), nonce, &plain)?;
        let (magic, sealed) = sealed.split_at(MAGIC.len());
        // Readable without the key, so that the wrong key can be told from damage.
        Ok([magic, keys.fingerprint().as_bytes(), sealed].concat())
    }

    /// The manifest of the backup `name` in its file.
    ///
    /// # Errors
    /// `Changed`, `OtherKey`, or `Newer` if this program does not know its form.
    pub(super) fn open(keys: &BackupKeys, name: &str, file: &[u8]) -> Result<Self, Fault> {
        let rest = file.strip_prefix(MAGIC);
        let Some((theirs, sealed)) = rest.and_then(|rest| rest.split_at_checked(FINGERPRINT_LEN))
        else {
            let is_newer = matches!(file, [b'G', b'X', b'M', b'2'..=b'9', ..]);
            return Err(if is_newer { Fault::Newer } else { Fault::Changed });
        };
        let whole = [MAGIC.as_slice(), sealed].concat();
        let plain = keys.open_file(MAGIC, name.as_bytes(), &whole, LIMIT_BYTES);
        if theirs != keys.fingerprint().as_bytes() {
            // What opens was sealed with our key, whatever stands before it.
            let theirs = String::from_utf8_lossy(theirs).into_owned();
            let ours = keys.fingerprint().to_owned();
            return Err(if plain.is_ok() {
                Fault::Changed
            } else {
                Fault::OtherKey { theirs, ours }
            });
        }
        serde_json::from_slice(&plain?).map_err(|_| Fault::Newer)
    }
}

/// What the last check of a backup found. Sealed, so that only who has the key can say it; yet no
/// proof of what is on the disk now, and whoever can write the folder can take it away or put an
/// older one of the same backup in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Verified {
    pub at: Timestamp,
    /// What was wrong, as far as it was noted; nothing if the backup was whole.
    pub damage: Vec<String>,
}

impl Verified {
    /// The file of this verdict on the backup `name` whose manifest has this file.
    pub(super) fn seal(
        &self,
        keys: &BackupKeys,
        name: &str,
        manifest: &[u8],
        nonce: [u8; 12],
    ) -> std::io::Result<Vec<u8>> {
        let plain = serde_json::to_vec(self)?;
        keys.seal_file(VERIFIED, &place(name, manifest), nonce, &plain)
    }

    /// The verdict in `file`, if it is one on this backup.
    pub(super) fn open(
        keys: &BackupKeys,
        name: &str,
        manifest: &[u8],
        file: &[u8],
    ) -> Option<Self> {
        let place = place(name, manifest);
        let plain = keys.open_file(VERIFIED, &place, file, VERIFIED_LIMIT_BYTES).ok()?;
        serde_json::from_slice(&plain).ok()
    }
}

/// A verdict belongs to a name and to the end of the manifest's file, which is the seal's tag.
fn place(name: &str, manifest: &[u8]) -> Vec<u8> {
    [name.as_bytes(), manifest.last_chunk::<16>().map_or(&[], <[u8; 16]>::as_slice)].concat()
}
