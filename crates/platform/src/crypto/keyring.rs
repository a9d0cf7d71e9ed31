//! The keys of organisations as a process knows them.
//!
//! A process may meet a value that another one sealed with a version it has never heard of. It then
//! reads the keys again over a connection of its own, which sees all that is committed, and so that
//! version: a value is committed after its key. That a version is unknown is never "unreadable".

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak};

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use hmac::{Hmac, Mac};
use kernel::{Ids, OrgId};
use sha2::Sha256;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::{CryptoError, INDEX_LEN, MasterKey, NONCE_LEN};
use crate::Db;

/// Purpose of keys that seal values; the only one that has more than one version.
pub(crate) const SEAL: &str = "seal";
/// Purpose of the key of blind indexes.
pub(crate) const INDEX: &str = "index";
/// Purpose of the key of the audit log's codes.
pub(crate) const AUTHENTICATE: &str = "authenticate";
/// State of the version that seals.
pub(crate) const ACTIVE: &str = "active";

/// Values of 0.1.0: this byte, nonce, ciphertext; sealed with version 1.
const FIRST_FORM: u8 = 1;
/// Values since: this byte, the version (2 bytes, big end first), nonce, ciphertext.
const FORM: u8 = 2;

/// How a value begins that was sealed with `version`.
pub(crate) const fn head_of(version: u16) -> [u8; 3] {
    let [high, low] = version.to_be_bytes();
    [FORM, high, low]
}

/// A row of `platform_keys`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyRow {
    pub org: OrgId,
    pub purpose: String,
    pub version: u16,
    pub state: String,
    pub wrapped: Vec<u8>,
}

/// The keys of all organisations; cheap to clone.
///
/// Made by [`Keyring::new`] alone it gives the keys of 0.1.0, which need no rows; [`crate::keys::load`]
/// gives it those of the database.
#[derive(Clone)]
pub struct Keyring(Arc<Ring>);

struct Ring {
    master: MasterKey,
    /// Where rows come from, once they are what counts.
    source: OnceLock<Db>,
    orgs: RwLock<HashMap<OrgId, OrgKeys>>,
    /// One thread at a time asks for what is unknown.
    asking: Mutex<()>,
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
        Self(Arc::new(Ring {
            master,
            source: OnceLock::new(),
            orgs: RwLock::default(),
            asking: Mutex::default(),
        }))
    }

    /// The keys of `org`.
    #[must_use]
    pub fn of(&self, org: OrgId) -> OrgKeys {
        let orgs = self.0.orgs.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = orgs.get(&org) {
            return keys.clone();
        }
        drop(orgs);
        let mut orgs = self.0.orgs.write().unwrap_or_else(PoisonError::into_inner);
        orgs.entry(org).or_insert_with(|| OrgKeys::derived(&self.0.master, org)).clone()
    }

    /// Takes the keys of the database, which count from now on.
    pub(crate) fn take(&self, source: &Db, rows: &[KeyRow]) -> Result<(), CryptoError> {
        self.0.source.get_or_init(|| source.clone());
        self.0.take(rows)
    }

    /// A handle that does not keep it alive.
    pub(crate) fn watch(&self) -> WeakKeyring {
        WeakKeyring(Arc::downgrade(&self.0))
    }
}

/// A keyring as long as somebody else has it.
pub(crate) struct WeakKeyring(Weak<Ring>);

impl WeakKeyring {
    pub(crate) fn get(&self) -> Option<Keyring> {
        self.0.upgrade().map(Keyring)
    }
}

impl Ring {
    fn take(self: &Arc<Self>, rows: &[KeyRow]) -> Result<(), CryptoError> {
        let mut of_org: BTreeMap<OrgId, Vec<&KeyRow>> = BTreeMap::new();
        for row in rows {
            of_org.entry(row.org).or_default().push(row);
        }
        for (org, rows) in of_org {
            let known = self.orgs.read().unwrap_or_else(PoisonError::into_inner).get(&org).cloned();
            match known.filter(|keys| !keys.0.is_derived) {
                Some(keys) => keys.take(&self.master, &rows)?,
                None => {
                    let keys = OrgKeys::of_rows(self, org, &rows)?;
                    self.orgs.write().unwrap_or_else(PoisonError::into_inner).insert(org, keys);
                }
            }
        }
        Ok(())
    }

    /// Reads the keys again, over a connection of its own and on a thread of its own: whoever asks may
    /// hold the only connection that writes, and is no place to wait in for the runtime.
    fn ask(self: &Arc<Self>) -> Result<(), CryptoError> {
        let Some(source) = self.source.get().cloned() else { return Ok(()) };
        let asked = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async move {
                let db = source.apart().await.map_err(std::io::Error::other)?;
                let rows = crate::keys::rows(&db).await.map_err(std::io::Error::other);
                db.close().await;
                rows
            })
        });
        let unavailable = |error: std::io::Error| CryptoError::KeysUnavailable(error.to_string());
        let asked = asked.join().map_err(|_| std::io::Error::other("the reader panicked"));
        let rows = asked.and_then(|asked| asked).map_err(unavailable)?;
        self.take(&rows)
    }
}

/// The keys of one organisation: seals, opens and indexes personal data, and authenticates records.
/// Cheap to clone; all clones hear of new versions.
#[derive(Clone)]
pub struct OrgKeys(Arc<Keys>);

struct Keys {
    org: OrgId,
    /// Not from the database.
    is_derived: bool,
    ring: Weak<Ring>,
    versions: RwLock<Versions>,
    index: Hmac<Sha256>,
    authentic: Hmac<Sha256>,
}

#[derive(Default)]
struct Versions {
    active: u16,
    ciphers: BTreeMap<u16, Aes256GcmSiv>,
    /// Those that were asked for in vain since the keys were last read.
    missing: BTreeSet<u16>,
}

impl fmt::Debug for OrgKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OrgKeys(…)")
    }
}

fn cipher(key: &[u8]) -> Result<Aes256GcmSiv, CryptoError> {
    Aes256GcmSiv::new_from_slice(key).map_err(|_| CryptoError::OtherMaster)
}

fn mac(key: &[u8]) -> Result<Hmac<Sha256>, CryptoError> {
    <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).map_err(|_| CryptoError::OtherMaster)
}

impl OrgKeys {
    pub(super) fn derived(master: &MasterKey, org: OrgId) -> Self {
        let sealing = master.derive_for::<32>(&format!("org/{}/{SEAL}", org.get()));
        let hmac = |purpose| {
            let key = master.derive_for::<64>(&format!("org/{}/{purpose}", org.get()));
            <Hmac<Sha256> as hmac::KeyInit>::new(&(*key).into())
        };
        let ciphers = BTreeMap::from([(1, Aes256GcmSiv::new(&(*sealing).into()))]);
        Self(Arc::new(Keys {
            org,
            is_derived: true,
            ring: Weak::new(),
            versions: RwLock::new(Versions { active: 1, ciphers, missing: BTreeSet::new() }),
            index: hmac(INDEX),
            authentic: hmac(AUTHENTICATE),
        }))
    }

    fn of_rows(ring: &Arc<Ring>, org: OrgId, rows: &[&KeyRow]) -> Result<Self, CryptoError> {
        let only = |purpose: &str| {
            let row = rows.iter().find(|row| row.purpose == purpose);
            let row = row.ok_or(CryptoError::UnknownKey { version: 1 })?;
            mac(&ring.master.unwrap_key((org, purpose, row.version), &row.wrapped)?)
        };
        let keys = Self(Arc::new(Keys {
            org,
            is_derived: false,
            ring: Arc::downgrade(ring),
            versions: RwLock::default(),
            index: only(INDEX)?,
            authentic: only(AUTHENTICATE)?,
        }));
        keys.take(&ring.master, rows)?;
        Ok(keys)
    }

    /// Learns the versions of `rows`.
    fn take(&self, master: &MasterKey, rows: &[&KeyRow]) -> Result<(), CryptoError> {
        let mut fresh = BTreeMap::new();
        {
            let known = self.0.versions.read().unwrap_or_else(PoisonError::into_inner);
            for row in rows.iter().filter(|row| row.purpose == SEAL) {
                if !known.ciphers.contains_key(&row.version) {
                    let key = master.unwrap_key((self.0.org, SEAL, row.version), &row.wrapped)?;
                    fresh.insert(row.version, cipher(&key)?);
                }
            }
        }
        let active = rows.iter().filter(|row| row.purpose == SEAL && row.state == ACTIVE);
        let active = active.map(|row| row.version).max();
        let mut versions = self.0.versions.write().unwrap_or_else(PoisonError::into_inner);
        versions.ciphers.extend(fresh);
        versions.missing.clear();
        // What was read later counts: versions only grow.
        versions.active = active.unwrap_or(versions.active).max(versions.active);
        let version = versions.active;
        let is_there = versions.ciphers.contains_key(&version);
        if is_there { Ok(()) } else { Err(CryptoError::UnknownKey { version }) }
    }

    /// The version that seals.
    #[must_use]
    pub fn active(&self) -> u16 {
        self.0.versions.read().unwrap_or_else(PoisonError::into_inner).active
    }

    /// Seals `plain`. `field` names the kind of data and must be given again to open it, so that a
    /// sealed value cannot be moved to another column.
    ///
    /// Layout: 2, the version of the key (2 bytes), nonce (12), ciphertext with its tag (16 longer than
    /// `plain`).
    #[must_use]
    pub fn seal(&self, ids: &dyn Ids, field: &'static str, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0u8; NONCE_LEN];
        ids.fill(&mut nonce);
        let payload = Payload { msg: plain, aad: field.as_bytes() };
        let versions = self.0.versions.read().unwrap_or_else(PoisonError::into_inner);
        let head = head_of(versions.active);
        let cipher = versions.ciphers.get(&versions.active);
        // The active version is always there, and the cipher refuses only inputs above 64 GiB.
        let sealed = cipher.and_then(|cipher| cipher.encrypt(&Nonce::from(nonce), payload).ok());
        drop(versions);
        let sealed = sealed.unwrap_or_default();
        let mut out = Vec::with_capacity(head.len() + NONCE_LEN + sealed.len());
        out.extend_from_slice(&head);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        out
    }

    /// Opens a sealed value.
    ///
    /// # Errors
    /// `Unreadable` if it was sealed with another key or for another field, or changed since;
    /// `UnknownKey` if the organisation has no such version, as the database says; `KeysUnavailable`,
    /// `OtherMaster` if that could not be found out.
    pub fn open(&self, field: &str, sealed: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let (version, rest) = match sealed {
            [FIRST_FORM, rest @ ..] => (1, rest),
            [FORM, high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]), rest),
            _ => return Err(CryptoError::Unreadable),
        };
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(CryptoError::Unreadable)?;
        let open = |cipher: &Aes256GcmSiv| {
            let payload = Payload { msg: body, aad: field.as_bytes() };
            cipher.decrypt(&Nonce::from(*nonce), payload).map_err(|_| CryptoError::Unreadable)
        };
        if let Some(opened) = self.with(version, &open) {
            return opened;
        }
        self.ask_for(version)?;
        self.with(version, &open).unwrap_or(Err(CryptoError::UnknownKey { version }))
    }

    fn with<T>(&self, version: u16, work: &impl Fn(&Aes256GcmSiv) -> T) -> Option<T> {
        let versions = self.0.versions.read().unwrap_or_else(PoisonError::into_inner);
        versions.ciphers.get(&version).map(work)
    }

    /// Reads the keys again if `version` is unknown and was not looked for just now. That takes up to the time
    /// that a connection is waited for; other work of the runtime goes on meanwhile.
    fn ask_for(&self, version: u16) -> Result<(), CryptoError> {
        let has_threads = Handle::try_current()
            .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
        if has_threads {
            tokio::task::block_in_place(|| self.look_for(version))
        } else {
            self.look_for(version)
        }
    }

    fn look_for(&self, version: u16) -> Result<(), CryptoError> {
        let Some(ring) = self.0.ring.upgrade() else { return Ok(()) };
        let _one_at_a_time = ring.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let is_settled = {
            let versions = self.0.versions.read().unwrap_or_else(PoisonError::into_inner);
            versions.ciphers.contains_key(&version) || versions.missing.contains(&version)
        };
        if is_settled {
            return Ok(());
        }
        ring.ask()?;
        let mut versions = self.0.versions.write().unwrap_or_else(PoisonError::into_inner);
        if !versions.ciphers.contains_key(&version) {
            versions.missing.insert(version);
        }
        Ok(())
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
        let mut mac = self.0.authentic.clone();
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
        let mut mac = self.0.index.clone();
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(value.as_ref());
        let full = mac.finalize().into_bytes();
        let mut out = [0u8; INDEX_LEN];
        out.copy_from_slice(&full[..INDEX_LEN]);
        out
    }
}
