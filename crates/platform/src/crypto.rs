//! Personal data at rest: AES-256-GCM-SIV with a blind index by HMAC-SHA-256.
//!
//! One master key, kept outside the database; each organisation's keys are derived from it by
//! HKDF-SHA-256, so that one organisation's data cannot be read or matched with another's.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use kernel::{Ids, OrgId};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of a stored blind index. 128 of HMAC's 256 bits: collisions stay out of reach
/// (10⁷ values: 10⁻²⁵) at half the size of the largest index of the database.
pub const INDEX_LEN: usize = 16;

const VERSION: u8 = 1;
const NONCE_LEN: usize = 12;

/// Why a key or a sealed value cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CryptoError {
    /// The key text is not 32 bytes of base 64.
    #[error("{origin} must hold 32 bytes as base 64 (44 characters)")]
    BadKey {
        /// Where the key came from.
        origin: String,
    },
    /// The key file cannot be read or made.
    #[error("key file {path}: {source}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The value was sealed with another key, or changed.
    #[error("a sealed value cannot be opened: it was sealed with another key, or changed")]
    Unreadable,
}

/// The master key.
#[derive(Clone)]
pub struct MasterKey(Arc<Zeroizing<[u8; 32]>>);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl MasterKey {
    /// Wraps 32 bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }

    /// Reads a key from its text, 32 bytes as base 64.
    ///
    /// # Errors
    /// `BadKey`, naming `origin`.
    pub fn parse(text: &str, origin: &str) -> Result<Self, CryptoError> {
        let bad = || CryptoError::BadKey { origin: origin.to_owned() };
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| bad())?);
        Ok(Self::new(bytes.as_slice().try_into().map_err(|_| bad())?))
    }

    /// Reads the key file at `path`, or makes one (mode 0600) if there is none.
    ///
    /// # Errors
    /// `KeyFile` if the file cannot be read or made, `BadKey` if it holds something else.
    pub fn load_or_create(path: &Path, ids: &dyn Ids) -> Result<Self, CryptoError> {
        let failed = |source| CryptoError::KeyFile { path: path.to_owned(), source };
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &path.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut bytes = Zeroizing::new([0u8; 32]);
                ids.fill(bytes.as_mut_slice());
                match write_private(path, &STANDARD.encode(bytes.as_slice())) {
                    Ok(()) => Ok(Self::new(*bytes)),
                    // Another process of the same data folder was first: use its key.
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                        let text = std::fs::read_to_string(path).map_err(failed)?;
                        Self::parse(&text, &path.display().to_string())
                    }
                    Err(error) => Err(failed(error)),
                }
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// The keys of one organisation.
    #[must_use]
    pub fn org_keys(&self, org: OrgId) -> OrgKeys {
        let sealing = self.derive::<32>(org, "seal");
        let indexing = self.derive::<64>(org, "index");
        let authenticating = self.derive::<64>(org, "authenticate");
        OrgKeys {
            cipher: Aes256GcmSiv::new(&(*sealing).into()),
            index: <Hmac<Sha256> as hmac::KeyInit>::new(&(*indexing).into()),
            authentic: <Hmac<Sha256> as hmac::KeyInit>::new(&(*authenticating).into()),
        }
    }

    fn derive<const N: usize>(&self, org: OrgId, purpose: &str) -> Zeroizing<[u8; N]> {
        self.derive_for(&format!("org/{}/{purpose}", org.get()))
    }

    /// A key for one purpose of the whole installation (`backup/seal`), which tells nothing of others.
    pub(crate) fn derive_for<const N: usize>(&self, purpose: &str) -> Zeroizing<[u8; N]> {
        let mut key = Zeroizing::new([0u8; N]);
        let info = format!("guanxi/{purpose}/v1");
        // HKDF refuses only more than 8,160 bytes.
        let _ = Hkdf::<Sha256>::new(None, self.0.as_slice())
            .expand(info.as_bytes(), key.as_mut_slice());
        key
    }

    /// A fingerprint stored in the database, so that a wrong key is refused at start.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut out = [0u8; 8];
        let _ =
            Hkdf::<Sha256>::new(None, self.0.as_slice()).expand(b"guanxi/fingerprint", &mut out);
        STANDARD.encode(out)
    }
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    // A key that is lost makes the data unreadable, so it is complete before it has its name.
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = folder.join(format!(".guanxi-key-{}", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&temporary, path);
    std::fs::remove_file(&temporary)?;
    linked
}

/// The keys of all organisations, derived once each; cheap to clone.
#[derive(Clone)]
pub struct Keyring {
    master: MasterKey,
    known: Arc<Mutex<HashMap<OrgId, OrgKeys>>>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(…)")
    }
}

impl Keyring {
    /// The keys that come from `master`.
    #[must_use]
    pub fn new(master: MasterKey) -> Self {
        Self { master, known: Arc::default() }
    }

    /// The keys of `org`.
    #[must_use]
    pub fn of(&self, org: OrgId) -> OrgKeys {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(org).or_insert_with(|| self.master.org_keys(org)).clone()
    }
}

/// The keys of one organisation: seals, opens and indexes personal data, and authenticates records.
#[derive(Clone)]
pub struct OrgKeys {
    cipher: Aes256GcmSiv,
    index: Hmac<Sha256>,
    authentic: Hmac<Sha256>,
}

impl fmt::Debug for OrgKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OrgKeys(…)")
    }
}

impl OrgKeys {
    /// Seals `plain`. `field` names the kind of data and must be given again to open it, so that a
    /// sealed value cannot be moved to another column.
    ///
    /// Layout: version (1 byte), nonce (12), ciphertext with its tag (16 longer than `plain`).
    #[must_use]
    pub fn seal(&self, ids: &dyn Ids, field: &'static str, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0u8; NONCE_LEN];
        ids.fill(&mut nonce);
        let sealed = self
            .cipher
            .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: field.as_bytes() })
            // The cipher refuses only inputs above 64 GiB.
            .unwrap_or_default();
        let mut out = Vec::with_capacity(1 + NONCE_LEN + sealed.len());
        out.push(VERSION);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        out
    }

    /// Opens a sealed value.
    ///
    /// # Errors
    /// `Unreadable` if it was sealed with another key or for another field, or changed since.
    pub fn open(&self, field: &'static str, sealed: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let (head, body) = sealed.split_at_checked(1 + NONCE_LEN).ok_or(CryptoError::Unreadable)?;
        let nonce: [u8; NONCE_LEN] = match head {
            [VERSION, nonce @ ..] => nonce.try_into().map_err(|_| CryptoError::Unreadable)?,
            _ => return Err(CryptoError::Unreadable),
        };
        self.cipher
            .decrypt(&Nonce::from(nonce), Payload { msg: body, aad: field.as_bytes() })
            .map_err(|_| CryptoError::Unreadable)
    }

    /// Opens a sealed text.
    ///
    /// # Errors
    /// As [`OrgKeys::open`].
    pub fn open_text(&self, field: &'static str, sealed: &[u8]) -> Result<String, CryptoError> {
        String::from_utf8(self.open(field, sealed)?).map_err(|_| CryptoError::Unreadable)
    }

    /// The code that shows that whoever made `parts` had the key. `purpose` keeps codes of one kind from
    /// standing for another; between parts nothing is put, so they must have fixed lengths or say them.
    #[must_use]
    pub fn authenticate(&self, purpose: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.authentic.clone();
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// The blind index of a normalised value: equal values of one `kind` have equal indexes, and
    /// nothing else can be learned without the key.
    #[must_use]
    pub fn blind_index(&self, kind: &'static str, value: impl AsRef<[u8]>) -> [u8; INDEX_LEN] {
        let mut mac = self.index.clone();
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(value.as_ref());
        let full = mac.finalize().into_bytes();
        let mut out = [0u8; INDEX_LEN];
        out.copy_from_slice(&full[..INDEX_LEN]);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::SystemIds;

    fn keys(org: i32) -> OrgKeys {
        MasterKey::new([7; 32]).org_keys(OrgId::new(org))
    }

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let ids = SystemIds::default();
        let sealed = keys(1).seal(&ids, "phone", b"13800000000");
        assert_eq!(keys(1).open("phone", &sealed).unwrap(), b"13800000000");
        assert!(keys(1).open("email", &sealed).is_err(), "another field");
        assert!(keys(2).open("phone", &sealed).is_err(), "another organisation");
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(keys(1).open("phone", &changed).is_err(), "byte {place} changed");
        }
        assert!(keys(1).open("phone", &sealed[..5]).is_err(), "truncated");
        assert_ne!(sealed, keys(1).seal(&ids, "phone", b"13800000000"), "fresh nonce each time");
    }

    #[test]
    fn the_index_depends_on_kind_and_organisation() {
        let index = keys(1).blind_index("phone", "13800000000");
        assert_eq!(index, keys(1).blind_index("phone", "13800000000"));
        assert_ne!(index, keys(1).blind_index("email", "13800000000"));
        assert_ne!(index, keys(2).blind_index("phone", "13800000000"));
    }

    #[test]
    fn codes_depend_on_purpose_content_and_organisation() {
        let code = keys(1).authenticate("a", &[b"x", b"y"]);
        assert_eq!(code, keys(1).authenticate("a", &[b"xy"]));
        assert_ne!(code, keys(1).authenticate("b", &[b"xy"]));
        assert_ne!(code, keys(1).authenticate("a", &[b"xz"]));
        assert_ne!(code, keys(2).authenticate("a", &[b"xy"]));
    }

    #[test]
    fn a_key_file_is_made_once_and_private() {
        let folder = std::env::temp_dir().join(format!("guanxi-key-test-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("guanxi.key");
        let first = MasterKey::load_or_create(&path, &SystemIds::default()).unwrap();
        let second = MasterKey::load_or_create(&path, &SystemIds::default()).unwrap();
        assert_eq!(first.fingerprint(), second.fingerprint());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(&path, "not a key").unwrap();
        assert!(matches!(
            MasterKey::load_or_create(&path, &SystemIds::default()),
            Err(CryptoError::BadKey { .. })
        ));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
