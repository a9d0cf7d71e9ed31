//! What a backup is sealed with and named by.
//!
//! AES-256-GCM-SIV and HMAC-SHA-256 under keys derived from the master key. A piece is named by its
//! content and sealed under that name, so that the same rows give the same file, and a file under
//! another's name does not open.

use std::fmt;
use std::str::FromStr;

use aes_gcm_siv::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::error::Fault;
use crate::crypto::MasterKey;

const NONCE_LEN: usize = 12;
/// How every piece begins: what it is, and the version of its form.
const PIECE: &[u8; 4] = b"GXP1";
/// zstd's own default: three times smaller at some 300 MB/s.
const COMPRESSION: i32 = 3;

/// The name of a piece: 64 hexadecimal digits that only its content and the key can give.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PieceName([u8; 32]);

impl PieceName {
    fn nonce(&self) -> Nonce {
        Nonce::from(*self.0.first_chunk::<NONCE_LEN>().unwrap_or(&[0; NONCE_LEN]))
    }
}

impl fmt::Display for PieceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PieceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that names no piece.
#[derive(Debug, thiserror::Error)]
#[error("not the name of a piece")]
pub(super) struct NoPieceName;

impl FromStr for PieceName {
    type Err = NoPieceName;
    fn from_str(text: &str) -> Result<Self, NoPieceName> {
        // One way to write a name, so that one file has one name.
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 64 || !text.bytes().all(is_digit) {
            return Err(NoPieceName);
        }
        let mut name = [0; 32];
        for (byte, at) in name.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| NoPieceName)?;
        }
        Ok(Self(name))
    }
}

impl Serialize for PieceName {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PieceName {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The keys of backups.
#[derive(Clone)]
pub struct BackupKeys {
    cipher: Aes256GcmSiv,
    names: Hmac<Sha256>,
    cuts: Hmac<Sha256>,
    fingerprint: String,
}

impl fmt::Debug for BackupKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackupKeys(…)")
    }
}

impl BackupKeys {
    /// The keys that belong to `master`.
    #[must_use]
    pub fn new(master: &MasterKey) -> Self {
        let mac = |purpose: &str| {
            let key = master.derive_for::<64>(purpose);
            <Hmac<Sha256> as hmac::KeyInit>::new(&(*key).into())
        };
        Self {
            cipher: Aes256GcmSiv::new(&(*master.derive_for::<32>("backup/seal")).into()),
            names: mac("backup/names"),
            cuts: mac("backup/cuts"),
            fingerprint: master.fingerprint(),
        }
    }

    /// Tells one master key from another, and nothing else about it.
    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The secret by which tables are cut.
    pub(super) fn cuts(&self) -> Hmac<Sha256> {
        self.cuts.clone()
    }

    /// The name of the piece that holds `rows` of `table`.
    pub(super) fn piece_name(&self, table: &str, rows: &[u8]) -> PieceName {
        let mut mac = self.names.clone();
        mac.update(table.as_bytes());
        mac.update(&[0]);
        mac.update(rows);
        PieceName(mac.finalize().into_bytes().into())
    }

    /// The file of the piece `name` with `rows`.
    pub(super) fn seal_piece(&self, name: &PieceName, rows: &[u8]) -> std::io::Result<Vec<u8>> {
        let small = zstd::bulk::compress(rows, COMPRESSION)?;
        let sealed = self.seal(name.nonce(), &[PIECE.as_slice(), &name.0].concat(), &small);
        Ok([PIECE.as_slice(), &sealed].concat())
    }

    /// The rows of `table` in a piece's file; `bytes` of them.
    ///
    /// # Errors
    /// `Changed` if this is not what was sealed under that name, `Exchanged` if it is not what the
    /// name says.
    pub(super) fn open_piece(
        &self,
        name: &PieceName,
        table: &str,
        bytes: u64,
        file: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let sealed = file.strip_prefix(PIECE).ok_or(Fault::Changed)?;
        let small = self.open(name.nonce(), &[PIECE.as_slice(), &name.0].concat(), sealed)?;
        let capacity = usize::try_from(bytes).map_err(|_| Fault::Changed)?;
        let rows = zstd::bulk::decompress(&small, capacity).map_err(|_| Fault::Exchanged)?;
        if self.piece_name(table, &rows) == *name { Ok(rows) } else { Err(Fault::Exchanged) }
    }

    /// Whether the piece `name` in `file` was sealed with these keys.
    pub(super) fn sealed_piece(&self, name: &PieceName, file: &[u8]) -> bool {
        let sealed = file.strip_prefix(PIECE);
        sealed.is_some_and(|sealed| {
            self.open(name.nonce(), &[PIECE.as_slice(), &name.0].concat(), sealed).is_ok()
        })
    }

    /// A file of the kind `magic` with `plain`, to be opened only where `place` is said again.
    pub(super) fn seal_file(
        &self,
        magic: &[u8; 4],
        place: &[u8],
        nonce: [u8; NONCE_LEN],
        plain: &[u8],
    ) -> std::io::Result<Vec<u8>> {
        let small = zstd::bulk::compress(plain, COMPRESSION)?;
        let sealed = self.seal(Nonce::from(nonce), &[magic.as_slice(), place].concat(), &small);
        Ok([magic.as_slice(), &nonce, &sealed].concat())
    }

    /// What [`BackupKeys::seal_file`] sealed; at most `limit` bytes.
    ///
    /// # Errors
    /// `Changed` if it was not sealed with this key, for this place, or is no more what it was.
    pub(super) fn open_file(
        &self,
        magic: &[u8; 4],
        place: &[u8],
        file: &[u8],
        limit: usize,
    ) -> Result<Vec<u8>, Fault> {
        let rest = file.strip_prefix(magic).ok_or(Fault::Changed)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>().ok_or(Fault::Changed)?;
        let small = self.open(Nonce::from(*nonce), &[magic.as_slice(), place].concat(), sealed)?;
        zstd::bulk::decompress(&small, limit).map_err(|_| Fault::Changed)
    }

    fn seal(&self, nonce: Nonce, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        // The cipher refuses only inputs above 64 GiB.
        self.cipher.encrypt(&nonce, Payload { msg: plain, aad }).unwrap_or_default()
    }

    fn open(&self, nonce: Nonce, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        self.cipher.decrypt(&nonce, Payload { msg: sealed, aad }).map_err(|_| Fault::Changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(byte: u8) -> BackupKeys {
        BackupKeys::new(&MasterKey::new([byte; 32]))
    }

    #[test]
    fn a_piece_opens_under_its_name_with_its_key_and_nowhere_else() {
        let rows = b"rows of tea ".repeat(50);
        let name = keys(1).piece_name("teas", &rows);
        assert_ne!(name, keys(2).piece_name("teas", &rows), "names tell nothing without the key");
        assert_ne!(name, keys(1).piece_name("pots", &rows));
        let file = keys(1).seal_piece(&name, &rows).unwrap();
        assert_eq!(file, keys(1).seal_piece(&name, &rows).unwrap(), "the same file each time");
        let length = rows.len() as u64;
        let open = |keys: &BackupKeys, name: &PieceName, table: &str, file: &[u8]| {
            keys.open_piece(name, table, length, file)
        };
        assert_eq!(open(&keys(1), &name, "teas", &file).unwrap(), rows);
        assert_eq!(open(&keys(2), &name, "teas", &file), Err(Fault::Changed));
        assert_eq!(open(&keys(1), &name, "pots", &file), Err(Fault::Exchanged));
        let other = keys(1).piece_name("teas", b"other");
        assert_eq!(open(&keys(1), &other, "teas", &file), Err(Fault::Changed));
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert_eq!(open(&keys(1), &name, "teas", &changed), Err(Fault::Changed), "byte {at}");
        }
        assert!(open(&keys(1), &name, "teas", &file[..3]).is_err());
        assert_eq!(keys(1).open_piece(&name, "teas", length - 1, &file), Err(Fault::Exchanged));
    }

    #[test]
    fn names_are_read_as_written() {
        let name = keys(1).piece_name("teas", b"");
        assert_eq!(name.to_string().parse::<PieceName>().unwrap(), name);
        for wrong in
            ["", "ab", &name.to_string().to_uppercase(), &format!("{name}0"), &"é".repeat(32)]
        {
            assert!(wrong.parse::<PieceName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_file_opens_in_its_place() {
        let file = keys(1).seal_file(b"TEST", b"here", [9; 12], b"plain").unwrap();
        assert_eq!(keys(1).open_file(b"TEST", b"here", &file, 100).unwrap(), b"plain");
        assert!(keys(1).open_file(b"TEST", b"there", &file, 100).is_err());
        assert!(keys(1).open_file(b"REST", b"here", &file, 100).is_err());
        assert!(keys(1).open_file(b"TEST", b"here", &file, 2).is_err(), "more than expected");
        assert!(keys(2).open_file(b"TEST", b"here", &file, 100).is_err());
    }
}
