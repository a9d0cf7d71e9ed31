//! Personal data at rest: AES-256-GCM-SIV with a blind index by HMAC-SHA-256.
//!
//! One master key, kept outside the database, seals the keys of each organisation, which are rows
//! (`platform_keys`, see [`crate::keys`]) with versions: one organisation's data cannot be read or
//! matched with another's, and keys can be replaced. Data of 0.1.0 was sealed with keys derived from
//! the master key by HKDF-SHA-256; such an organisation keeps them as its version 1.

mod keyring;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use kernel::{Ids, OrgId};
use sha2::Sha256;
use zeroize::Zeroizing;

pub(crate) use keyring::{ACTIVE, AUTHENTICATE, INDEX, KeyRow, SEAL, head_of};
pub use keyring::{Keyring, OrgKeys};

/// Bytes of a stored blind index. 128 of HMAC's 256 bits: collisions stay out of reach
/// (10⁷ values: 10⁻²⁵) at half the size of the largest index of the database.
pub const INDEX_LEN: usize = 16;

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
    /// The value names a version of the keys that the organisation does not have.
    #[error("a sealed value was sealed with version {version} of the keys, which is not there")]
    UnknownKey {
        /// The version.
        version: u16,
    },
    /// The keys could not be read just now, to look for a version that this process does not know.
    #[error("the keys cannot be read just now: {0}")]
    KeysUnavailable(String),
    /// A key in the database was sealed with another master key.
    #[error(
        "the keys of this data were sealed with another master key: it was changed; start the program \
         again with the new one"
    )]
    OtherMaster,
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

    /// The keys of one organisation that has none of its own in the database: those of 0.1.0.
    #[must_use]
    pub fn org_keys(&self, org: OrgId) -> OrgKeys {
        OrgKeys::derived(self, org)
    }

    /// The first key of `org` for `purpose` as 0.1.0 made it.
    pub(crate) fn derived_key(&self, org: OrgId, purpose: &str) -> Zeroizing<Vec<u8>> {
        let name = format!("org/{}/{purpose}", org.get());
        if purpose == keyring::SEAL {
            Zeroizing::new(self.derive_for::<32>(&name).to_vec())
        } else {
            Zeroizing::new(self.derive_for::<64>(&name).to_vec())
        }
    }

    /// Seals `key`, which is that of `org` for `purpose` in this version.
    pub(crate) fn wrap(&self, ids: &dyn Ids, of: (OrgId, &str, u16), key: &[u8]) -> Vec<u8> {
        let mut nonce = [0u8; NONCE_LEN];
        ids.fill(&mut nonce);
        let payload = Payload { msg: key, aad: &wrapped_as(of) };
        // The cipher refuses only inputs above 64 GiB.
        let sealed = self.wrapper().encrypt(&Nonce::from(nonce), payload).unwrap_or_default();
        [nonce.as_slice(), &sealed].concat()
    }

    /// Opens what [`MasterKey::wrap`] gave.
    ///
    /// # Errors
    /// `OtherMaster` if it was sealed with another master key, as something else, or changed.
    pub(crate) fn unwrap_key(
        &self,
        of: (OrgId, &str, u16),
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let (nonce, body) =
            wrapped.split_first_chunk::<NONCE_LEN>().ok_or(CryptoError::OtherMaster)?;
        let payload = Payload { msg: body, aad: &wrapped_as(of) };
        let key = self.wrapper().decrypt(&Nonce::from(*nonce), payload);
        key.map(Zeroizing::new).map_err(|_| CryptoError::OtherMaster)
    }

    fn wrapper(&self) -> Aes256GcmSiv {
        Aes256GcmSiv::new(&(*self.derive_for::<32>("keys/wrap")).into())
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

fn wrapped_as((org, purpose, version): (OrgId, &str, u16)) -> Vec<u8> {
    format!("{}/{purpose}/{version}", org.get()).into_bytes()
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
    // The name, too, must outlast a loss of power.
    #[cfg(unix)]
    std::fs::File::open(folder)?.sync_all()?;
    linked
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
