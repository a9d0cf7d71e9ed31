//! Columns as bytes with a checksum each.

use std::io::{self, Read, Write};

use bytemuck::{AnyBitPattern, NoUninit};

use super::RestoreError;

/// Bytes summed and copied at a time, so that they are still near when they are read a second time.
const CHUNK: usize = 1 << 18;

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
pub(super) struct ColumnReader<R> {
    from: R,
    /// Bytes that may still come: no column is larger.
    left: u64,
}

impl<R: Read> ColumnReader<R> {
    pub(super) const fn new(from: R, size: u64) -> Self {
        Self { from, left: size }
    }

    pub(super) fn exactly(&mut self, bytes: &mut [u8]) -> Result<(), RestoreError> {
        let length = bytes.len() as u64;
        self.left =
            self.left.checked_sub(length).ok_or(RestoreError::Corrupt("it is too short"))?;
        Ok(self.from.read_exact(bytes)?)
    }

    /// Reads a column.
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
        if length.is_none_or(|length| length > self.left) {
            return Err(RestoreError::Corrupt("a column is longer than the file"));
        }
        let mut values = vec![T::default(); count as usize];
        let mut found = crc32fast::Hasher::new();
        for chunk in bytemuck::cast_slice_mut::<T, u8>(&mut values).chunks_mut(CHUNK) {
            self.exactly(chunk)?;
            found.update(chunk);
        }
        if found.finalize() != u32::from_le_bytes(sum) {
            return Err(RestoreError::Corrupt("the checksum of a column is another"));
        }
        Ok(values)
    }

    /// Whether everything was read.
    pub(super) const fn is_at_end(&self) -> bool {
        self.left == 0
    }
}
