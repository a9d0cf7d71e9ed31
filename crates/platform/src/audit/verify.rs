//! Whether the log is what was recorded.

use std::collections::{HashMap, HashSet};

use kernel::{AuditId, TypedId as _};
use serde::Serialize;
use uuid::Uuid;

use super::authenticity::{Head, entry_mac, hex};
use super::erase::{ERASE, ERASED};
use super::store::{self, Row, VERSION};
use super::{list, personal};
use crate::crypto::OrgKeys;
use crate::{DbError, Scope, Tx, args};

/// Where the log is not what was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The place of the first entry that is wrong or missing; `None` for one that waited for its place.
    pub position: Option<i64>,
    /// The entry that stands there.
    pub entry: Option<AuditId>,
    /// What is wrong with it.
    pub what: String,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Entries in the chain.
    pub count: i64,
    /// The hash of the last, in hexadecimal. Noted outside together with `count`, it also finds a
    /// database that was put back as a whole.
    pub head: String,
    /// Entries that wait for their place.
    pub pending: u64,
    /// Entries whose personal part was erased, as another entry says.
    pub erased: u64,
    /// The first thing that is wrong; `None` if nothing is.
    pub broken: Option<Broken>,
}

/// Count and head as they were once noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// How many entries there were.
    pub count: i64,
    /// The hash of the last, in hexadecimal.
    pub head: String,
}

impl std::str::FromStr for Noted {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "must be count and head as they were printed: 42:9f86d0…";
        let (count, head) = text.split_once(':').ok_or(wrong)?;
        let count = count.parse().ok().filter(|count| *count >= 0).ok_or(wrong)?;
        if head.len() != 64 || !head.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong);
        }
        Ok(Self { count, head: head.to_ascii_lowercase() })
    }
}

/// Reads the whole log of an organisation in one view of the data and finds every change, removal and
/// reordering; with `noted`, also whether the log goes on from what it was then.
///
/// # Errors
/// `Unavailable` if a key cannot be had just now; otherwise as the database says. A broken log is not an error,
/// but an answer.
pub async fn verify(
    tx: &mut Tx,
    scope: Scope,
    keys: &OrgKeys,
    noted: Option<&Noted>,
) -> Result<Verified, DbError> {
    let mut check = Check::new(keys, noted);
    if let Some(noted) = noted.filter(|noted| noted.count == 0) {
        check.compare_with(noted);
    }
    let read = store::each(tx, scope, |row| check.entry(&row)).await;
    match read {
        Ok(()) => {}
        // Of another type than the column's, which SQLite stores all the same.
        Err(DbError::Other(sqlx::Error::ColumnDecode { index, .. })) => {
            check.broken(Some(check.head.count + 1), None, format!("{index} cannot be read"));
            return Ok(check.done(0));
        }
        Err(error) => return Err(error),
    }
    if let Some(error) = check.unavailable.take() {
        return Err(error);
    }
    check.end(store::head(tx, scope.org()).await?.as_ref());
    let (strays,): (i64,) = tx
        .fetch_one(
            "SELECT COUNT(*) FROM platform_audit_sealed AS s WHERE s.org_id = $1 AND NOT EXISTS
                 (SELECT 1 FROM platform_audit AS a WHERE a.org_id = s.org_id AND a.id = s.id)",
            args![scope.org_arg()],
        )
        .await?;
    Ok(check.done(strays))
}

/// The state of a check, entry after entry.
struct Check<'a> {
    keys: &'a OrgKeys,
    noted: Option<&'a Noted>,
    /// The chain as far as it was found good.
    head: Head,
    pending: u64,
    /// Entries whose personal part is gone, with their places.
    gone: HashMap<Uuid, Option<i64>>,
    /// Entries whose personal part is said to have been erased.
    erased: HashSet<Uuid>,
    broken: Option<Broken>,
    /// Why it could not be found out.
    unavailable: Option<DbError>,
}

impl<'a> Check<'a> {
    fn new(keys: &'a OrgKeys, noted: Option<&'a Noted>) -> Self {
        Self {
            keys,
            noted,
            head: Head::EMPTY,
            pending: 0,
            gone: HashMap::new(),
            erased: HashSet::new(),
            broken: None,
            unavailable: None,
        }
    }

    /// Keeps what is broken first; the rest follows from it.
    fn broken(&mut self, position: Option<i64>, entry: Option<Uuid>, what: impl Into<String>) {
        let found = Broken { position, entry: entry.map(AuditId::from_uuid), what: what.into() };
        self.broken.get_or_insert(found);
    }

    fn entry(&mut self, row: &Row) {
        // What comes behind a break is not counted, as nobody can say what it should be. But it may tell
        // that something before the break was erased.
        if self.unavailable.is_some() {
            return;
        }
        if self.broken.is_some() {
            if row.action == ERASE && self.is_genuine(row) {
                self.note_erased(row);
            }
            return;
        }
        if let Err(what) = self.look_at(row) {
            self.broken(row.position, Some(row.id), what);
            return;
        }
        match row.position {
            Some(_) => self.take_place(row),
            None if row.hash.is_some() => {
                self.broken(None, Some(row.id), "it has a hash but no place");
            }
            None => self.pending += 1,
        }
    }

    /// The entry by itself.
    fn look_at(&mut self, row: &Row) -> Result<(), &'static str> {
        if row.version != VERSION {
            return Err("it is of a version that this program does not know");
        }
        if !self.is_genuine(row) {
            return Err("it was changed");
        }
        match (&row.sealed_digest, &row.sealed) {
            (None, None) => {}
            (None, Some(_)) => return Err("a personal part was added to it"),
            (Some(_), None) => drop(self.gone.insert(row.id, row.position)),
            (Some(digest), Some(sealed)) => match personal::is_genuine(self.keys, sealed, digest) {
                Ok(true) => {}
                Ok(false) => return Err("its personal part was changed"),
                Err(error) => self.unavailable = Some(error),
            },
        }
        if row.action == ERASE {
            self.note_erased(row);
        }
        Ok(())
    }

    fn is_genuine(&self, row: &Row) -> bool {
        entry_mac(self.keys, row).as_slice() == row.mac.as_slice()
    }

    fn note_erased(&mut self, row: &Row) {
        self.erased.extend(list::ids_in(row.after_json.as_deref(), ERASED));
    }

    /// The entry as the next of the chain.
    fn take_place(&mut self, row: &Row) {
        let next = self.head.next(self.keys, row);
        if row.position != Some(next.count) {
            self.broken(Some(next.count), Some(row.id), "the entry of this place is missing");
        } else if row.hash.as_deref() != Some(next.hash.as_slice()) {
            self.broken(row.position, Some(row.id), "it does not follow from the one before");
        } else {
            self.head = next;
            if let Some(noted) = self.noted.filter(|noted| noted.count == next.count) {
                self.compare_with(noted);
            }
        }
    }

    fn compare_with(&mut self, noted: &Noted) {
        if hex(&self.head.hash) != noted.head {
            let what = "the log up to here is not the one that was noted";
            self.broken(Some(noted.count), None, what);
        }
    }

    /// The end of the chain.
    fn end(&mut self, stored: Option<&store::HeadRow>) {
        if self.unavailable.is_some() {
            return;
        }
        if self.broken.is_some() {
            return;
        }
        let stored = stored.map_or(Some(Head::EMPTY), |row| Head::open(self.keys, row));
        let found = self.head;
        match stored {
            None => self.broken(Some(found.count), None, "the head of the chain was changed"),
            Some(head) if head.count > found.count => {
                let what = format!("the entry of this place is missing; there were {}", head.count);
                self.broken(Some(found.count + 1), None, what);
            }
            Some(head) if head != found => {
                let what = "the head of the chain is another, or is missing";
                self.broken(Some(head.count + 1), None, what);
            }
            Some(_) => {}
        }
        if let Some(noted) = self.noted.filter(|noted| noted.count > found.count) {
            let what = format!("the entry of this place is missing; {} were noted", noted.count);
            self.broken(Some(found.count + 1), None, what);
        }
    }

    fn done(mut self, strays: i64) -> Verified {
        let mut lost: Vec<(Uuid, Option<i64>)> = self
            .gone
            .iter()
            .filter(|(id, _)| !self.erased.contains(id))
            .map(|(id, position)| (*id, *position))
            .collect();
        lost.sort_by_key(|(_, position)| position.unwrap_or(i64::MAX));
        if let Some((id, position)) = lost.first() {
            let place = |position: Option<i64>| position.unwrap_or(i64::MAX);
            // Known only now, though it may stand before what was found.
            self.broken.take_if(|found| place(*position) < place(found.position));
            self.broken(*position, Some(*id), "its personal part was removed");
        }
        if strays > 0 {
            self.broken(None, None, format!("{strays} personal parts belong to no entry"));
        }
        Verified {
            count: self.head.count,
            head: hex(&self.head.hash),
            pending: self.pending,
            erased: (self.gone.len() - lost.len()) as u64,
            broken: self.broken,
        }
    }
}
