//! Rows of delimited text, decoded and split chunk by chunk.

use std::io::Read;

use encoding_rs::Decoder;
use memchr::memchr;

use crate::delimiter::{self, Delimiter};
use crate::encoding::{self, Guess};
use crate::error::{OpenError, RowError, RowErrorKind};
use crate::evidence::Evidence;
use crate::limits::Limits;
use crate::split::{Cells, Dialect, Split, split_row};

const CHUNK_BYTES: usize = 256 << 10;
const RAW_SHOWN_BYTES: usize = 1 << 10;

/// Reads rows of text from any source of bytes.
pub(crate) struct TextReader {
    input: Box<dyn Read + Send>,
    chunk: Vec<u8>,
    decoder: Decoder,
    guess: Guess,
    /// Encoding named by the caller, which no byte of the file may contradict.
    fixed: bool,
    malformed: bool,
    text: String,
    at: usize,
    ended: bool,
    failure: Option<std::io::Error>,
    line: u64,
    broken_rows: u32,
    done: bool,
    pub evidence: Vec<Evidence>,
    pub dialect: Dialect,
    /// Cells a sound row has; known once the header is read.
    pub columns: usize,
    pub cells: Cells,
    pub row_line: u64,
    row: std::ops::Range<usize>,
    pub bytes_read: u64,
    limits: Limits,
}

impl TextReader {
    /// Begins to read; `head` are the first bytes, already taken from `input`.
    pub fn new(
        head: Vec<u8>,
        whole: bool,
        input: Box<dyn Read + Send>,
        label: Option<&str>,
        delimiter: Option<Delimiter>,
        limits: Limits,
    ) -> Result<Self, OpenError> {
        let mut guess = encoding::detect(&head, whole);
        if let Some(label) = label {
            let encoding = encoding::by_label(label)
                .ok_or_else(|| OpenError::UnknownEncoding { label: label.to_owned() })?;
            if encoding != guess.encoding || guess.undecided {
                guess.name = encoding::display_name(encoding);
                guess.bom_len = 0;
            }
            guess.encoding = encoding;
            guess.undecided = false;
            guess.evidence = Evidence::AsAsked { encoding: encoding::display_name(encoding) };
        }
        let mut reader = Self {
            decoder: guess.encoding.new_decoder_without_bom_handling(),
            evidence: vec![guess.evidence.clone()],
            guess,
            fixed: label.is_some(),
            input,
            chunk: Vec::new(),
            malformed: false,
            text: String::new(),
            at: 0,
            ended: false,
            failure: None,
            line: 1,
            broken_rows: 0,
            done: false,
            dialect: Dialect { delimiter: Delimiter::Comma, terminator: b'\n' },
            columns: 0,
            cells: Cells::default(),
            row_line: 1,
            row: 0..0,
            bytes_read: head.len() as u64,
            limits,
        };
        let start = reader.guess.bom_len;
        reader.decode(&head[start..], whole);
        reader.ended = whole;
        if !reader.text.as_bytes().contains(&b'\n') && reader.text.as_bytes().contains(&b'\r') {
            reader.dialect.terminator = b'\r';
            reader.evidence.push(Evidence::LinesEndInCr);
        }
        reader.dialect.delimiter = match delimiter {
            Some(delimiter) => delimiter,
            None => {
                let (delimiter, why) =
                    delimiter::sniff(&reader.text, whole, reader.dialect.terminator, &limits);
                reader.evidence.push(why);
                delimiter
            }
        };
        reader.chunk = vec![0; CHUNK_BYTES];
        Ok(reader)
    }

    /// The encoding as a person is told it.
    pub fn encoding_name(&self) -> &str {
        &self.guess.name
    }

    fn decode(&mut self, mut bytes: &[u8], last: bool) {
        if self.guess.undecided && !self.fixed && !bytes.is_ascii() {
            let settled = encoding::detect(bytes, last);
            self.evidence.push(settled.evidence.clone());
            self.decoder = settled.encoding.new_decoder_without_bom_handling();
            self.guess = Guess { bom_len: 0, ..settled };
        }
        loop {
            let room = self.decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(4 * bytes.len());
            self.text.reserve(room.max(16));
            let (result, read, malformed) =
                self.decoder.decode_to_string(bytes, &mut self.text, last);
            self.malformed |= malformed;
            bytes = &bytes[read..];
            if result == encoding_rs::CoderResult::InputEmpty {
                return;
            }
        }
    }

    /// Takes in one more chunk, forgetting what has been handed out.
    fn refill(&mut self) {
        self.text.drain(..self.at);
        self.at = 0;
        let mut chunk = std::mem::take(&mut self.chunk);
        loop {
            match self.input.read(&mut chunk) {
                Ok(0) => {
                    self.decode(&[], true);
                    self.ended = true;
                }
                Ok(count) => {
                    self.bytes_read += count as u64;
                    self.decode(&chunk[..count], false);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.failure = Some(error);
                    self.ended = true;
                }
            }
            break;
        }
        self.chunk = chunk;
    }

    fn error(&self, line: u64, kind: RowErrorKind, raw: &str) -> RowError {
        let end = raw.floor_char_boundary(RAW_SHOWN_BYTES);
        RowError { line, kind, raw: raw[..end].to_owned(), lines_lost: 0 }
    }

    /// Moves to the next row that is not blank.
    pub fn advance(&mut self) -> Option<Result<(), RowError>> {
        if self.done {
            return None;
        }
        loop {
            if self.ended && self.at == self.text.len() {
                self.done = true;
                let error = self.failure.take()?;
                let kind = RowErrorKind::Io { message: error.to_string() };
                return Some(Err(self.error(self.line, kind, "")));
            }
            let rest = &self.text[self.at..];
            match split_row(rest, self.dialect, self.ended, false, &self.limits, &mut self.cells) {
                Split::NeedMore => self.refill(),
                Split::Row { consumed, lines } => {
                    self.row = self.at..self.at + consumed;
                    self.row_line = self.line;
                    self.at += consumed;
                    self.line += lines;
                    let blank = self.cells.len() == 0
                        || (self.cells.len() == 1 && self.row_text().trim().is_empty());
                    if blank {
                        continue;
                    }
                    if self.malformed && self.row_text().contains('\u{fffd}') {
                        let kind = RowErrorKind::Undecodable { encoding: self.guess.name.clone() };
                        return Some(Err(self.error(self.row_line, kind, self.row_text())));
                    }
                    return Some(Ok(()));
                }
                Split::Broken(kind) => {
                    let line = self.line;
                    self.broken_rows += 1;
                    if self.broken_rows > self.limits.broken_rows {
                        self.done = true;
                        let kind = RowErrorKind::TooManyBroken { limit: self.limits.broken_rows };
                        return Some(Err(self.error(line, kind, rest)));
                    }
                    let mut error = self.error(line, kind, rest);
                    error.lines_lost = self.find_sound_row();
                    return Some(Err(error));
                }
            }
        }
    }

    /// Passes over the first line of a broken row, and over further lines until one that is by itself
    /// a row of the right width. Gives the number of further lines passed over.
    ///
    /// Holds no more than one row's limit of text and looks at every byte a fixed number of times.
    fn find_sound_row(&mut self) -> u64 {
        if self.columns == 0 {
            // Without a header there is no width by which to know a sound row.
            self.done = true;
            return 0;
        }
        self.skip_line();
        let mut lost = 0;
        while !(self.ended && self.at == self.text.len()) {
            let rest = &self.text[self.at..];
            match split_row(rest, self.dialect, self.ended, true, &self.limits, &mut self.cells) {
                Split::NeedMore if rest.len() <= self.limits.row_bytes => {
                    self.refill();
                    continue;
                }
                Split::Row { .. } => {
                    let width = self.cells.len();
                    if width == self.columns || width == self.columns + 1 {
                        return lost;
                    }
                }
                Split::NeedMore | Split::Broken(_) => {}
            }
            self.skip_line();
            lost += 1;
        }
        lost
    }

    fn skip_line(&mut self) {
        loop {
            match memchr(self.dialect.terminator, &self.text.as_bytes()[self.at..]) {
                Some(offset) => {
                    self.at += offset + 1;
                    self.line += 1;
                    return;
                }
                None => {
                    self.at = self.text.len();
                    if self.ended {
                        return;
                    }
                    self.refill();
                }
            }
        }
    }

    /// The text in which the cells of the present row are ranges.
    pub fn row_text(&self) -> &str {
        &self.text[self.row.clone()]
    }
}
