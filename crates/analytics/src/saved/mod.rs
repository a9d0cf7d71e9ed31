//! An engine on disk, so that a start need not read the database.
//!
//! The bytes are the columns as they are in memory; what follows from them is made anew. They are of one version of
//! this program on one kind of machine: anything else is told apart and refused, and the database is read instead.

mod columns;
mod parts;

use std::io::{self, Write};
use std::sync::Arc;

pub use columns::Source;
use columns::{ColumnReader, ColumnWriter};
use parts::{read_base, read_ids, write_base, write_ids};

use crate::base::{Base, Profiles};
use crate::compact::push_row;
use crate::delta::Row;
use crate::engine::{Engine, Snapshot};
use crate::facts::Facts;

/// Begins every saved engine.
const MAGIC: [u8; 8] = *b"guanxi\x00E";
/// Rises whenever the columns or what they mean change.
const FORMAT: u32 = 4;
/// Reads as itself only where bytes of a number come in the same order.
const ORDER: u32 = 0x0102_0304;

/// Why a saved engine cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// It was written by another version of this program, or on another kind of machine.
    #[error("the saved engine is of another version")]
    Version,
    /// It is not what was written.
    #[error("the saved engine is damaged: {0}")]
    Corrupt(&'static str),
    /// The file.
    #[error("the saved engine cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl Snapshot {
    /// Writes the engine as it is now, without scores. `note` comes back with it: whatever says which state of the
    /// database this is.
    ///
    /// # Errors
    /// As `to` says; more changes than a base holds.
    pub fn save(&self, note: &str, to: impl Write) -> io::Result<()> {
        let mut to = ColumnWriter(to);
        to.0.write_all(&MAGIC)?;
        to.0.write_all(&FORMAT.to_le_bytes())?;
        to.0.write_all(&ORDER.to_ne_bytes())?;
        to.column(note.as_bytes())?;
        let view = self.view();
        write_base(view.base, &mut to)?;
        // Who changed since the base was made, as a small base of their own.
        let (mut profiles, mut facts, mut refunds) =
            (Profiles::default(), Facts::default(), Facts::default());
        for (id, row, _) in view.delta.rows() {
            let orders = [&mut facts, &mut refunds];
            push_row(&mut profiles, orders, id, row).map_err(io::Error::other)?;
        }
        write_base(&Base::new(profiles, facts, refunds), &mut to)?;
        let is_gone = |id| view.delta.get(id).is_some_and(|entry| entry.row.is_none());
        write_ids(&view.delta.ids().filter(|id| is_gone(*id)).collect::<Vec<_>>(), &mut to)?;
        to.0.flush()
    }
}

impl Engine {
    /// Reads the note of a saved engine and nothing else.
    ///
    /// # Errors
    /// If it is of another version, damaged, or cannot be read.
    pub fn note_of_saved(from: &(impl Source + ?Sized)) -> Result<String, RestoreError> {
        begin(from).map(|(note, _)| note)
    }

    /// Reads a saved engine, with the note that it was saved with. Scores are not set.
    ///
    /// # Errors
    /// If it is of another version, damaged, or cannot be read.
    pub fn restore(from: &(impl Source + ?Sized)) -> Result<(Self, String), RestoreError> {
        let (note, mut from) = begin(from)?;
        let base = read_base(&mut from)?;
        let changed = read_base(&mut from)?;
        let gone = read_ids(&mut from)?;
        if !from.is_at_end() {
            return Err(RestoreError::Corrupt("it is too long"));
        }
        let mut engine = Self::with_base(base);
        for at in 0..changed.len() {
            engine.put_row(changed.ids[at], Some(Arc::new(Row::of_base(&changed, at))));
        }
        gone.into_iter().for_each(|id| engine.put_row(id, None));
        Ok((engine, note))
    }
}

fn begin<S: Source + ?Sized>(from: &S) -> Result<(String, ColumnReader<'_, S>), RestoreError> {
    let mut from = ColumnReader::new(from)?;
    let (mut magic, mut format, mut order) = ([0; 8], [0; 4], [0; 4]);
    from.exactly(&mut magic)?;
    from.exactly(&mut format)?;
    from.exactly(&mut order)?;
    if magic != MAGIC {
        return Err(RestoreError::Corrupt("it does not begin as one"));
    }
    if u32::from_le_bytes(format) != FORMAT || u32::from_ne_bytes(order) != ORDER {
        return Err(RestoreError::Version);
    }
    let note = String::from_utf8(from.column()?);
    Ok((note.map_err(|_| RestoreError::Corrupt("its note is no text"))?, from))
}
