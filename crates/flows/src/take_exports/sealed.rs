//! Files of exports at rest: sealed pieces, each bound to its export and its place.

use std::fs::File;
use std::io::{BufReader, BufWriter, Error, ErrorKind, Read, Write};
use std::path::Path;

use kernel::{ExportId, Ids, TypedId as _};
use platform::crypto::OrgKeys;

/// Name under which pieces are sealed.
const FIELD: &str = "customers.export.file";
/// Bytes of a piece before it is sealed.
const PIECE: usize = 1 << 20;
/// The largest sealed piece that is believed; the first one names all customers.
const PIECE_MAX: u32 = 1 << 30;
/// Export, number of the piece, whether it is the last.
const BOUND: usize = 16 + 4 + 1;

fn bound(id: ExportId, number: u32, is_last: bool) -> [u8; BOUND] {
    let mut bytes = [0; BOUND];
    bytes[..16].copy_from_slice(id.uuid().as_bytes());
    bytes[16..20].copy_from_slice(&number.to_be_bytes());
    bytes[20] = u8::from(is_last);
    bytes
}

fn put(
    out: &mut impl Write,
    keys: &OrgKeys,
    ids: &dyn Ids,
    bound: [u8; BOUND],
    bytes: &[u8],
) -> std::io::Result<()> {
    let sealed = keys.seal(ids, FIELD, &[&bound[..], bytes].concat());
    let length = u32::try_from(sealed.len()).map_err(|_| Error::from(ErrorKind::FileTooLarge))?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(&sealed)
}

/// Seals `head` and the file `clear` into `target`, which has its name only when it is whole, and which nobody
/// but this user of the machine can read; gives the bytes of `clear`. Blocks. Two may write at once (one whose
/// lease was lost, and its follower): each writes a file of its own until it is whole.
///
/// # Errors
/// As the disk says.
pub(super) fn write(
    keys: &OrgKeys,
    ids: &dyn Ids,
    id: ExportId,
    head: &[u8],
    mut clear: File,
    target: &Path,
) -> std::io::Result<u64> {
    if let Some(folder) = target.parent() {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut random = [0; 8];
    ids.fill(&mut random);
    let unfinished = target.with_extension(format!("{:016x}.part", u64::from_be_bytes(random)));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = BufWriter::new(options.open(&unfinished)?);
    put(&mut out, keys, ids, bound(id, 0, false), head)?;
    let (mut number, mut bytes) = (1, 0);
    loop {
        let mut piece = Vec::new();
        let read = (&mut clear).take(PIECE as u64).read_to_end(&mut piece)?;
        let is_last = read < PIECE;
        put(&mut out, keys, ids, bound(id, number, is_last), &piece)?;
        bytes += read as u64;
        number += 1;
        if is_last {
            break;
        }
    }
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    std::fs::rename(&unfinished, target)?;
    Ok(bytes)
}

/// Pieces of a file that is being fetched.
pub struct Pieces {
    keys: OrgKeys,
    id: ExportId,
    file: BufReader<File>,
    number: u32,
    ended: bool,
}

fn damaged(number: u32) -> Error {
    Error::new(ErrorKind::InvalidData, format!("piece {number} of an export is damaged"))
}

impl Pieces {
    fn read(&mut self) -> std::io::Result<Vec<u8>> {
        let number = self.number;
        let mut length = [0; 4];
        self.file.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        if length > PIECE_MAX {
            return Err(damaged(number));
        }
        let mut sealed = Vec::new();
        (&mut self.file).take(u64::from(length)).read_to_end(&mut sealed)?;
        if sealed.len() != length as usize {
            return Err(damaged(number));
        }
        let mut opened = self.keys.open(FIELD, &sealed).map_err(|_| damaged(number))?;
        self.ended = opened.starts_with(&bound(self.id, number, true));
        if !self.ended && !opened.starts_with(&bound(self.id, number, false)) {
            return Err(damaged(number));
        }
        self.number += 1;
        Ok(opened.split_off(BOUND))
    }
}

/// Blocks while it reads.
impl Iterator for Pieces {
    type Item = std::io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let piece = self.read();
        if piece.is_err() {
            self.ended = true;
        }
        Some(piece)
    }
}

/// Opens a sealed file: its head, and the pieces behind. Blocks.
///
/// # Errors
/// As the disk says, and for a file that was changed.
pub(super) fn open(keys: OrgKeys, id: ExportId, path: &Path) -> std::io::Result<(Vec<u8>, Pieces)> {
    let file = BufReader::new(File::open(path)?);
    let mut pieces = Pieces { keys, id, file, number: 0, ended: false };
    let head = pieces.read()?;
    Ok((head, pieces))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::OrgId;
    use platform::crypto::MasterKey;
    use platform::system::SystemIds;
    use uuid::Uuid;

    #[test]
    fn what_was_sealed_comes_back_and_nothing_changed_cut_or_exchanged_does() {
        let folder = tempfile::tempdir().unwrap();
        let (clear, target) = (folder.path().join("clear"), folder.path().join("a/b"));
        let keys = MasterKey::new([1; 32]).org_keys(OrgId::FIRST);
        let (id, ids) = (ExportId::from_uuid(Uuid::from_u128(7)), SystemIds::default());
        for size in [0, 10, PIECE, PIECE + 1] {
            let text: Vec<u8> = (0..size).map(|at| at as u8).collect();
            std::fs::write(&clear, &text).unwrap();
            assert_eq!(
                write(&keys, &ids, id, b"the head of it", File::open(&clear).unwrap(), &target)
                    .unwrap(),
                size as u64
            );
            let read = |id: ExportId| -> std::io::Result<(Vec<u8>, Vec<u8>)> {
                let (head, pieces) = open(keys.clone(), id, &target)?;
                let body: std::io::Result<Vec<Vec<u8>>> = pieces.collect();
                Ok((head, body?.concat()))
            };
            assert_eq!(read(id).unwrap(), (b"the head of it".to_vec(), text.clone()));
            assert!(read(ExportId::from_uuid(Uuid::from_u128(8))).is_err(), "of another export");
            let sealed = std::fs::read(&target).unwrap();
            assert!(!sealed.windows(14).any(|bytes| bytes == b"the head of it"));
            for place in [0, 5, 40, sealed.len() / 2, sealed.len() - 1] {
                let mut changed = sealed.clone();
                changed[place] ^= 1;
                std::fs::write(&target, &changed).unwrap();
                assert!(read(id).is_err(), "byte {place} changed");
            }
            let first = 4 + u32::from_be_bytes(sealed[..4].try_into().unwrap()) as usize;
            for end in [3, first, sealed.len() - 1] {
                std::fs::write(&target, &sealed[..end]).unwrap();
                assert!(read(id).is_err(), "cut at {end}");
            }
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
