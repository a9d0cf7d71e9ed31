//! Refuses workbooks that would unpack to too much, before anything believes them.
//!
//! A workbook is a zip of XML parts. The sizes its directory declares can lie, so every XML part is
//! unpacked once into nothing and measured: bytes, tags, and the longest single token and cell, which
//! is what an XML reader has to hold at once. Document type declarations are refused outright, so
//! entities, internal or external, never come into play.

use std::io::{Read, Seek};

use zip::ZipArchive;

use crate::limits::Limits;

/// A token or a cell longer than this is not a spreadsheet's.
const TOKEN_BYTES: u64 = 1 << 20;
const RATIO_FREE_BYTES: u64 = 8 << 20;

/// Why a workbook is refused.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Cut off or inconsistent.
    Damaged(String),
    /// Beyond a limit.
    TooLarge(String),
}

/// What was counted while measuring.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// Rows of the longest sheet, for progress.
    pub rows: u64,
}

/// The reader opens whatever part a relationship names as a sheet, so that must be one that is measured.
fn check_targets(
    entry: &mut impl Read,
    name: &str,
    total: &mut u64,
    limits: &Limits,
) -> Result<(), Refused> {
    let mut text = Vec::new();
    entry.take(limits.part_bytes + 1).read_to_end(&mut text).map_err(|error| {
        Refused::Damaged(format!("its part `{name}` cannot be unpacked: {error}"))
    })?;
    *total += text.len() as u64;
    if text.len() as u64 > limits.part_bytes {
        let limit = mib(limits.part_bytes);
        return Err(Refused::TooLarge(format!(
            "its part `{name}` unpacks to more than {limit} MiB"
        )));
    }
    let text = String::from_utf8_lossy(&text).to_ascii_lowercase().replace('\'', "\"");
    for relationship in text.split("<relationship ").skip(1) {
        let opened = ["/worksheet\"", "/sharedstrings\"", "/styles\"", "/officedocument\""]
            .iter()
            .any(|kind| relationship.contains(kind));
        let target = relationship.split("target=\"").nth(1).and_then(|rest| rest.split('"').next());
        if opened && !target.is_some_and(|target| target.ends_with(".xml")) {
            return Err(Refused::Damaged(format!("`{name}` names a sheet that is not XML")));
        }
    }
    Ok(())
}

fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

/// Measures every part of the workbook in `file`.
pub(crate) fn inspect(file: impl Read + Seek, limits: &Limits) -> Result<Measured, Refused> {
    let damaged = |error: zip::result::ZipError| Refused::Damaged(error.to_string());
    let mut archive = ZipArchive::new(file).map_err(damaged)?;
    if archive.len() > limits.workbook_entries {
        return Err(Refused::TooLarge(format!(
            "it has {} parts, more than {}",
            archive.len(),
            limits.workbook_entries
        )));
    }
    let mut declared: u64 = 0;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(damaged)?;
        declared = declared.saturating_add(entry.size());
        let name = entry.name().map_err(damaged)?;
        check_ratio(&name, entry.size(), entry.compressed_size(), limits)?;
        if entry.encrypted() {
            return Err(Refused::Damaged("it is protected by a password".to_owned()));
        }
    }
    check_total(declared, limits)?;
    let mut total = 0;
    let mut measured = Measured::default();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(damaged)?;
        let name = entry.name().map_err(damaged)?.to_ascii_lowercase();
        if !(name.ends_with(".xml") || name.ends_with(".rels") || name.ends_with(".vml")) {
            continue;
        }
        if name.ends_with(".rels") {
            check_targets(&mut entry, &name, &mut total, limits)?;
            continue;
        }
        let part = Part::of(&name);
        let packed = entry.compressed_size();
        let rows = measure(&mut entry, &name, part, packed, &mut total, limits)?;
        measured.rows = measured.rows.max(rows);
    }
    Ok(measured)
}

fn check_ratio(name: &str, size: u64, packed: u64, limits: &Limits) -> Result<(), Refused> {
    if size > RATIO_FREE_BYTES && size / packed.max(1) > limits.workbook_ratio {
        return Err(Refused::TooLarge(format!(
            "its part `{name}` unpacks to more than {} times its size, as a zip bomb does",
            limits.workbook_ratio
        )));
    }
    Ok(())
}

fn check_total(total: u64, limits: &Limits) -> Result<(), Refused> {
    if total > limits.workbook_bytes {
        return Err(Refused::TooLarge(format!(
            "it unpacks to {} MiB, more than {} MiB",
            mib(total),
            mib(limits.workbook_bytes)
        )));
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Sheet,
    SharedStrings,
    Other,
}

impl Part {
    fn of(name: &str) -> Self {
        if name.contains("worksheets/") && !name.ends_with(".rels") {
            Self::Sheet
        } else if name.contains("sharedstrings") {
            Self::SharedStrings
        } else if name.contains("drawings/") || name.contains("pivot") || name.contains("comments")
        {
            // Never opened by the reader.
            Self::Sheet
        } else {
            Self::Other
        }
    }

    fn limit(self, limits: &Limits) -> u64 {
        match self {
            Self::Sheet => limits.workbook_bytes,
            Self::SharedStrings => limits.shared_strings_bytes,
            Self::Other => limits.part_bytes,
        }
    }
}

fn measure(
    entry: &mut impl Read,
    name: &str,
    part: Part,
    packed: u64,
    total: &mut u64,
    limits: &Limits,
) -> Result<u64, Refused> {
    let mut scanner = Scanner::default();
    let mut buffer = vec![0_u8; 64 << 10];
    let mut size: u64 = 0;
    loop {
        let count = entry.read(&mut buffer).map_err(|error| {
            Refused::Damaged(format!("its part `{name}` cannot be unpacked: {error}"))
        })?;
        if count == 0 {
            return Ok(scanner.rows);
        }
        size += count as u64;
        *total += count as u64;
        check_total(*total, limits)?;
        check_ratio(name, size, packed, limits)?;
        if size > part.limit(limits) {
            return Err(Refused::TooLarge(format!(
                "its part `{name}` unpacks to more than {} MiB",
                mib(part.limit(limits))
            )));
        }
        scanner
            .feed(&buffer[..count])
            .map_err(|reason| Refused::TooLarge(format!("in its part `{name}`, {reason}")))?;
        if part == Part::SharedStrings && scanner.strings > limits.shared_strings {
            return Err(Refused::TooLarge(format!(
                "it has more than {} different texts",
                limits.shared_strings
            )));
        }
    }
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After `<`, collecting the name.
    Name,
    Tag,
    Quoted(u8),
    /// In `<!-- -->`, having seen this many of its closing characters.
    Comment(u8),
    /// In `<![CDATA[ ]]>`, likewise.
    CData(u8),
}

/// Follows XML just closely enough to know the length of every token and cell.
#[derive(Debug, Default)]
struct Scanner {
    state: State,
    token: u64,
    name: Vec<u8>,
    /// Bytes since the present cell began.
    cell: Option<u64>,
    rows: u64,
    strings: u64,
}

impl Scanner {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            // Most bytes are the inside of a text or an attribute: pass over them at once.
            let run = match self.state {
                State::Text => memchr::memchr(b'<', rest),
                State::Quoted(mark) => memchr::memchr(mark, rest),
                _ => Some(0),
            };
            let passed = run.unwrap_or(rest.len());
            self.grow(passed as u64)?;
            at += passed;
            let Some(byte) = bytes.get(at).copied().filter(|_| run.is_some()) else { continue };
            at += 1;
            self.grow(1)?;
            self.step(byte)?;
        }
        Ok(())
    }

    fn grow(&mut self, count: u64) -> Result<(), String> {
        self.token += count;
        if let Some(cell) = &mut self.cell {
            *cell += count;
        }
        if self.token > TOKEN_BYTES || self.cell.is_some_and(|cell| cell > TOKEN_BYTES) {
            return Err(format!("a single cell or tag is longer than {} MiB", mib(TOKEN_BYTES)));
        }
        Ok(())
    }

    fn step(&mut self, byte: u8) -> Result<(), String> {
        self.state = match (self.state, byte) {
            (State::Text, _) => {
                self.token = 0;
                self.name.clear();
                State::Name
            }
            (State::Name, b'>') => {
                self.open_tag();
                self.close()
            }
            (State::Name, b' ' | b'\t' | b'\r' | b'\n') => {
                self.open_tag();
                if self.name.eq_ignore_ascii_case(b"!DOCTYPE") {
                    return Err(
                        "a document type is declared, which spreadsheets never do".to_owned()
                    );
                }
                State::Tag
            }
            (State::Name, _) => {
                self.name.push(byte);
                match self.name.as_slice() {
                    b"!--" => State::Comment(0),
                    b"![CDATA[" => State::CData(0),
                    name if name.len() > 128 => State::Tag,
                    _ => State::Name,
                }
            }
            (State::Tag, b'>') => self.close(),
            (State::Tag, b'"' | b'\'') => State::Quoted(byte),
            (State::Quoted(_), _) => State::Tag,
            (State::Comment(seen), _) => match (seen, byte) {
                (2, b'>') => self.close(),
                (_, b'-') => State::Comment((seen + 1).min(2)),
                _ => State::Comment(0),
            },
            (State::CData(seen), _) => match (seen, byte) {
                (2, b'>') => self.close(),
                (_, b']') => State::CData((seen + 1).min(2)),
                _ => State::CData(0),
            },
            (State::Tag, _) => State::Tag,
        };
        Ok(())
    }

    fn close(&mut self) -> State {
        self.token = 0;
        State::Text
    }

    fn open_tag(&mut self) {
        let closing = self.name.first() == Some(&b'/');
        let local = self.name.rsplit(|byte| *byte == b':').next().unwrap_or_default();
        let local = local.strip_prefix(b"/").unwrap_or(local);
        match local.strip_suffix(b"/").unwrap_or(local) {
            b"c" if closing => self.cell = None,
            b"c" => self.cell = Some(0),
            b"row" if closing => self.cell = None,
            b"row" => self.rows += 1,
            b"sheetData" if closing => self.cell = None,
            b"si" if !closing => self.strings += 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(xml: &str, times: usize, tail: &str) -> Result<Scanner, String> {
        let mut scanner = Scanner::default();
        scanner.feed(b"<a>")?;
        for _ in 0..times {
            scanner.feed(xml.as_bytes())?;
        }
        scanner.feed(tail.as_bytes())?;
        Ok(scanner)
    }

    #[test]
    fn counts_rows_and_strings() {
        let scanner = scan("<x:row r='1'><c t=\"s\"><v>1</v></c></x:row><si><t>a</t></si>", 3, "");
        let scanner = scanner.unwrap();
        assert_eq!((scanner.rows, scanner.strings, scanner.cell), (3, 3, None));
    }

    #[test]
    fn endless_tokens_are_found_however_they_hide() {
        assert!(scan("a>a>", 1 << 20, "").is_err());
        let attribute = scan("<>", 1 << 20, "");
        assert!(attribute.is_ok());
        let mut scanner = Scanner::default();
        scanner.feed(b"<a b=\"").unwrap();
        assert!((0..1 << 20).any(|_| scanner.feed(b"<><>").is_err()));
        let mut scanner = Scanner::default();
        scanner.feed(b"<!-- ").unwrap();
        assert!((0..1 << 20).any(|_| scanner.feed(b"<a>-").is_err()));
        let mut scanner = Scanner::default();
        scanner.feed(b"<c t='inlineStr'>").unwrap();
        assert!((0..1 << 20).any(|_| scanner.feed(b"<r><t>x</t></r>").is_err()));
    }

    #[test]
    fn document_types_are_refused() {
        assert!(scan("<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>", 1, "").is_err());
    }
}
