//! Backups of all data, on both databases alike. README.md of this room says how they are kept.
//!
//! **One moment.** Tables are read in one transaction that sees one state, beside those who write.
//! **Rows, not pages.** A backup holds rows in a form of its own, so that one of SQLite can be
//! restored into PostgreSQL and back, and the hash of the data is the same on both.
//! **Pieces.** Rows are cut into pieces of some MiB at places that their keys choose, each named by
//! its content: what did not change is not stored again.
//! **Sealed.** Nothing comes to the disk before it is encrypted with a key that the master key gives.

mod create;
mod cut;
mod erasures;
mod error;
mod job;
mod keys;
mod list;
mod manifest;
mod repository;
mod restore;
mod rotate;
mod routes;
pub(crate) mod rows;
mod tables;
mod verify;

use kernel::Timestamp;

pub use create::{Created, TableRows, create};
pub use erasures::{NOTE_ERASURES, NotedErasure, note_erasures, noted_erasures};
pub use error::{BackupError, Damage};
pub use job::{BACKUP, BackupJob, BackupWork, ask, begin};
pub use keys::BackupKeys;
pub use list::{BackupView, list};
pub use restore::{
    Choice, Restored, Unfinished, choose, finish_restore, restore, unfinished_restore,
};
pub use routes::routes;
pub use verify::{Verdict, verify};

use crate::DbError;

/// Runs `work`, which waits for the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| DbError::Unavailable(error.to_string()))?
}

/// The name of a backup made at `at`: names sort as the backups came.
fn name_at(at: Timestamp, random: [u8; 2]) -> String {
    // Not every disk takes colons in names.
    let text = at.to_string().replace(':', "");
    let second = text.split('.').next().unwrap_or_default();
    // Milliseconds first: two of one second sort as they came.
    let millis = at.millis().rem_euclid(1_000);
    let random = u16::from_be_bytes([random[0], random[1]]) & 0xfff;
    format!("{second}Z-{millis:03x}{random:03x}")
}

/// The moment in a name that [`name_at`] made, to the second.
fn moment_in(name: &str) -> Option<Timestamp> {
    let (second, _) = name.split_once("Z-")?;
    let (day, time) = second.split_once('T')?;
    let [h1, h2, m1, m2, s1, s2] = <[char; 6]>::try_from(time.chars().collect::<Vec<_>>()).ok()?;
    format!("{day}T{h1}{h2}:{m1}{m2}:{s1}{s2}Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_second_and_sort() {
        let at: Timestamp = "2026-11-22T13:57:00.123Z".parse().unwrap();
        assert_eq!(name_at(at, [0xf1, 0xa0]), "2026-11-22T135700Z-07b1a0");
        assert!(name_at(at, [9; 2]) < name_at(at.plus_millis(1), [0; 2]));
        assert!(name_at(at, [9; 2]) < name_at(at.plus_millis(1_000), [0; 2]));
        assert_eq!(moment_in("2026-11-22T135700Z-1a00ff"), "2026-11-22T13:57:00Z".parse().ok());
        for wrong in ["", "x", "2026-11-22T1357Z-1a00ff", "2026-11-22T996100Z-1a00ff", "today"] {
            assert_eq!(moment_in(wrong), None, "{wrong}");
        }
    }
}
