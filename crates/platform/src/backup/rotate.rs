//! Which backups are kept.

use std::collections::BTreeSet;
use std::path::Path;

use kernel::{Timestamp, Zone};

use super::error::BackupError;
use super::keys::BackupKeys;
use super::moment_in;
use super::repository::Repository;

/// How many days, weeks and months have a backup, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    pub daily: usize,
    pub weekly: usize,
    pub monthly: usize,
}

impl Default for Kept {
    fn default() -> Self {
        Self { daily: 7, weekly: 4, monthly: 12 }
    }
}

/// What rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Rotated {
    pub backups: u64,
    pub pieces: u64,
}

/// Removes backups that `kept` does not keep, and pieces that no backup names any more. Backups sealed with one of
/// the master keys `earlier` (fingerprints), which nobody may have any more, go in their time as others do, by the
/// moment in their names. A backup that cannot be read otherwise stays, and so do all pieces then. Blocks.
///
/// # Errors
/// `Busy`, `Disk`.
pub(super) fn rotate(
    keys: &BackupKeys,
    earlier: &[String],
    folder: &Path,
    kept: Kept,
) -> Result<Rotated, BackupError> {
    let repository = Repository::to_write(folder)?;
    let mut backups = Vec::new();
    for name in repository.names()? {
        match repository.manifest(keys, &name) {
            Ok((manifest, file)) => {
                let verdict = repository.verdict(keys, &name, &file);
                let is_whole = verdict.is_some_and(|verdict| verdict.damage.is_empty());
                backups.push(Dated { name, at: manifest.created_at, is_whole });
            }
            Err(damage)
                if damage.other_key().is_some_and(|key| earlier.iter().any(|k| k == key)) =>
            {
                if let Some(at) = moment_in(&name) {
                    backups.push(Dated { name, at, is_whole: false });
                }
            }
            Err(_) => {}
        }
    }
    let keep = chosen(&backups, kept);
    let mut rotated = Rotated::default();
    for backup in backups.iter().filter(|backup| !keep.contains(backup.name.as_str())) {
        repository.remove(&backup.name)?;
        rotated.backups += 1;
    }
    rotated.pieces = repository.sweep(keys)?;
    Ok(rotated)
}

struct Dated {
    name: String,
    at: Timestamp,
    /// It was checked and nothing was wrong.
    is_whole: bool,
}

/// The newest of each of the last days, weeks (from Monday) and months that have any, by UTC; and in
/// any case the newest of all and the newest that is known to be whole.
fn chosen(backups: &[Dated], kept: Kept) -> BTreeSet<&str> {
    let mut newest_first: Vec<&Dated> = backups.iter().collect();
    newest_first.sort_by(|a, b| (b.at, &b.name).cmp(&(a.at, &a.name)));
    let mut keep: BTreeSet<&str> = BTreeSet::new();
    keep.extend(newest_first.first().map(|backup| &*backup.name));
    keep.extend(newest_first.iter().find(|backup| backup.is_whole).map(|backup| &*backup.name));
    let periods = [(kept.daily, "%F"), (kept.weekly, "%G-%V"), (kept.monthly, "%Y-%m")];
    for (count, period) in periods {
        let mut seen = BTreeSet::new();
        for backup in &newest_first {
            let of = backup.at.day(Zone::UTC).format(period).to_string();
            if seen.len() < count && seen.insert(of) {
                keep.insert(&backup.name);
            }
        }
    }
    keep
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dated(at: &str) -> Dated {
        Dated { name: at.to_owned(), at: format!("{at}:00Z").parse().unwrap(), is_whole: false }
    }

    #[test]
    fn the_newest_of_days_weeks_and_months_stay() {
        // Twice a day for 400 days.
        let first: Timestamp = "2025-11-01T03:00:00Z".parse().unwrap();
        let backups: Vec<Dated> = (0..800)
            .map(|half_days| {
                dated(&first.plus_millis(half_days * 12 * 3_600_000).to_string()[..16])
            })
            .collect();
        let keep: Vec<&str> = chosen(&backups, Kept::default()).into_iter().collect();
        let monthly = (1..=11).map(|month| {
            // The last day of each month, from the year before on.
            let end = ["31", "28", "31", "30", "31", "30", "31", "31", "30", "31", "30"][month - 1];
            format!("2026-{month:02}-{end}T15:00")
        });
        let mut expected: BTreeSet<String> = monthly.collect();
        // 2026-12-05 is a Saturday.
        for day in ["11-29", "11-30", "12-01", "12-02", "12-03", "12-04", "12-05", "11-22", "11-15"]
        {
            expected.insert(format!("2026-{day}T15:00"));
        }
        assert_eq!(keep, expected.iter().map(String::as_str).collect::<Vec<_>>());
    }

    #[test]
    fn the_newest_whole_one_stays_however_old() {
        let mut backups: Vec<Dated> =
            (10..31).map(|day| dated(&format!("2026-10-{day}T15:00"))).collect();
        backups[2].is_whole = true;
        let kept = Kept { daily: 2, weekly: 0, monthly: 0 };
        let keep: Vec<&str> = chosen(&backups, kept).into_iter().collect();
        assert_eq!(keep, ["2026-10-12T15:00", "2026-10-29T15:00", "2026-10-30T15:00"]);
        assert!(chosen(&[], kept).is_empty());
    }
}
