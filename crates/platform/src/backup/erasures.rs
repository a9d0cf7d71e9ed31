//! Who was erased, kept beside the backups: a backup that is older than an erasure holds the person still, so
//! whoever restores it erases them again.
//!
//! One small sealed file for each erased customer, in the folder `erasures` of the backups. It names the customer
//! by id and nothing else of them. Nothing here waits for the lock of the backups.

use std::fs;
use std::path::Path;

use kernel::{CustomerId, Ids, Timestamp};
use serde::{Deserialize, Serialize};

use super::error::BackupError;
use super::keys::BackupKeys;

/// Kind of the job that notes what is not noted yet; what is wrong with the folder is its error.
pub const NOTE_ERASURES: &str = "platform.note_erasures";
/// The folder inside that of the backups.
const FOLDER: &str = "erasures";
const MAGIC: &[u8; 4] = b"GXE1";
/// The largest file, opened.
const MOST: usize = 64 * 1024;

/// That somebody was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct NotedErasure {
    pub org: i32,
    pub customer: CustomerId,
    /// As `customers_erasures` has it.
    pub reason: String,
    pub reference: Option<String>,
    pub erased_at: Timestamp,
}

impl NotedErasure {
    fn file(&self) -> String {
        format!("{}-{}", self.org, self.customer)
    }
}

fn read(keys: &BackupKeys, path: &Path, name: &str) -> Result<NotedErasure, BackupError> {
    let bytes = fs::read(path).map_err(BackupError::disk(path))?;
    let damage = |fault| super::Damage::new(format!("{FOLDER}/{name}"), fault);
    let opened = keys.open_file(MAGIC, name.as_bytes(), &bytes, MOST).map_err(damage)?;
    Ok(serde_json::from_slice(&opened).map_err(|_| damage(super::error::Fault::Changed))?)
}

/// Notes erasures in the folder of backups `folder`, unless they are noted there so. Blocks.
///
/// # Errors
/// `Disk`.
pub fn note_erasures(
    keys: &BackupKeys,
    ids: &dyn Ids,
    folder: &Path,
    erasures: &[NotedErasure],
) -> Result<(), BackupError> {
    let folder = folder.join(FOLDER);
    if erasures.is_empty() {
        return Ok(());
    }
    super::repository::make_folder(&folder)?;
    for erasure in erasures {
        let name = erasure.file();
        let path = folder.join(&name);
        // One sealed with an earlier master key, changed on the disk or of an earlier erasure is written anew.
        if read(keys, &path, &name).is_ok_and(|noted| noted == *erasure) {
            continue;
        }
        let mut nonce = [0; 12];
        ids.fill(&mut nonce);
        let plain = serde_json::to_vec(erasure).unwrap_or_default();
        let sealed = keys
            .seal_file(MAGIC, name.as_bytes(), nonce, &plain)
            .map_err(BackupError::disk(&path))?;
        super::repository::put_private(&path, &sealed)?;
    }
    super::repository::sync_folder(&folder)
}

/// The erasures noted in the folder of backups `folder`, the earliest first. Blocks.
///
/// # Errors
/// `Disk`, and `Damaged` for one that was changed or sealed with another key.
pub fn noted_erasures(keys: &BackupKeys, folder: &Path) -> Result<Vec<NotedErasure>, BackupError> {
    let folder = folder.join(FOLDER);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for name in super::repository::names_in(&folder)? {
        if name.contains('.') {
            // Not finished when its writer was killed; the next day notes it again.
            continue;
        }
        found.push(read(keys, &folder.join(&name), &name)?);
    }
    found.sort_by_key(|erasure| (erasure.erased_at, erasure.customer));
    Ok(found)
}
