//! Columns as bytes with a checksum each.

use std::fs::File;
use std::io::{self, Write};

use bytemuck::{AnyBitPattern, NoUninit};

use super::RestoreError;
use crate::blocks;

/// Bytes summed and copied at a time, so that they are still near when they are read a second time.
const CHUNK: usize = 1 << 18;
/// Bytes of a column that one thread reads; those of smaller columns are read by one.
/// Tests have small ones, so that columns of little have several.
const PART: usize = if cfg!(test) { 48 } else { 1 << 23 };

/// Bytes that may be read from several threads.
pub trait Source: Sync {
    /// How many there are.
    ///
    /// # Errors
    /// As the disk says.
    fn size(&self) -> io::Result<u64>;

    /// Fills `bytes` with those that stand at `at`.
    ///
    /// # Errors
    /// As the disk says; `UnexpectedEof` if there are too few.
    fn exactly_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()>;
}

impl Source for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    #[cfg(unix)]
    fn exactly_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, bytes, at)
    }

    #[cfg(windows)]
    fn exactly_at(&self, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let read = std::os::windows::fs::FileExt::seek_read(self, bytes, at)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            bytes = &mut bytes[read..];
            at += read as u64;
        }
        Ok(())
    }
}

impl Source for [u8] {
    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn exactly_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        let found = usize::try_from(at).ok().and_then(|at| self.get(at..)?.get(..bytes.len()));
        bytes.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// Writes columns.
pub(super) struct ColumnWriter<W>(pub(super) W);

impl<W: Write> ColumnWriter<W> {
    /// Writes a column: how many values of how many bytes, their checksum, the values.
    pub(super) fn column<T: NoUninit>(&mut self, values: &[T]) -> io::Result<()> {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        self.0.write_all(&(values.len() as u64).to_le_bytes())?;
        self.0.write_all(&(size_of::<T>() as u32).to_le_bytes())?;
        self.0.write_all(&crc32fast::hash(bytes).to_le_bytes())?;
        self.0.write_all(bytes)
    }
}

/// Reads columns as they were written.
pub(super) struct ColumnReader<'a, S: ?Sized> {
    from: &'a S,
    /// Bytes that were read.
    at: u64,
    /// Bytes that may still come: no column is larger.
    left: u64,
}

impl<'a, S: Source + ?Sized> ColumnReader<'a, S> {
    pub(super) fn new(from: &'a S) -> io::Result<Self> {
        Ok(Self { from, at: 0, left: from.size()? })
    }

    /// Where the next `length` bytes stand.
    fn next(&mut self, length: u64) -> Result<u64, RestoreError> {
        self.left =
            self.left.checked_sub(length).ok_or(RestoreError::Corrupt("it is too short"))?;
        let at = self.at;
        self.at += length;
        Ok(at)
    }

    pub(super) fn exactly(&mut self, bytes: &mut [u8]) -> Result<(), RestoreError> {
        let at = self.next(bytes.len() as u64)?;
        Ok(self.from.exactly_at(bytes, at)?)
    }

    /// Reads a column. Large ones are read on several threads: the disk has more to do at once, and so have the
    /// processors, since a system that hands out fresh memory takes its time for each page.
    pub(super) fn column<T: NoUninit + AnyBitPattern + Default>(
        &mut self,
    ) -> Result<Vec<T>, RestoreError> {
        let (mut count, mut width, mut sum) = ([0; 8], [0; 4], [0; 4]);
        self.exactly(&mut count)?;
        self.exactly(&mut width)?;
        self.exactly(&mut sum)?;
        if u32::from_le_bytes(width) as usize != size_of::<T>() {
            return Err(RestoreError::Corrupt("a column has values of another size"));
        }
        let count = u64::from_le_bytes(count);
        let length = count.checked_mul(size_of::<T>() as u64);
        let Some(length) = length.filter(|length| *length <= self.left) else {
            return Err(RestoreError::Corrupt("a column is longer than the file"));
        };
        let begin = self.next(length)?;
        let mut values = vec![T::default(); count as usize];
        let parts = bytemuck::cast_slice_mut::<T, u8>(&mut values)
            .chunks_mut(PART)
            .enumerate()
            .map(|(part, bytes)| (begin + (part * PART) as u64, bytes))
            .collect();
        let sums = blocks::each_of(parts, |(at, bytes)| self.summed(at, bytes));
        let mut found = crc32fast::Hasher::new();
        for part in sums {
            found.combine(&part?);
        }
        if found.finalize() != u32::from_le_bytes(sum) {
            return Err(RestoreError::Corrupt("the checksum of a column is another"));
        }
        Ok(values)
    }

    /// Reads the bytes at `at`; their checksum.
    fn summed(&self, mut at: u64, bytes: &mut [u8]) -> io::Result<crc32fast::Hasher> {
        let mut sum = crc32fast::Hasher::new();
        for chunk in bytes.chunks_mut(CHUNK) {
            self.from.exactly_at(chunk, at)?;
            sum.update(chunk);
            at += chunk.len() as u64;
        }
        Ok(sum)
    }

    /// Whether everything was read.
    pub(super) const fn is_at_end(&self) -> bool {
        self.left == 0
    }
}
