//! Cells with the quoting of Taobao's own files.

use std::fmt::Write as _;

use chrono::{Datelike, NaiveDateTime, Timelike};

use crate::encoding::Encoder;

/// Rows under construction.
#[derive(Default)]
pub(crate) struct Row {
    text: String,
    is_begun: bool,
}

impl Row {
    fn separate(&mut self) {
        if self.is_begun {
            self.text.push(',');
        }
        self.is_begun = true;
    }

    /// A quoted text.
    pub(crate) fn text(&mut self, text: &str) {
        self.texts(&[text]);
    }

    /// A quoted text of several parts.
    pub(crate) fn texts(&mut self, parts: &[&str]) {
        self.separate();
        self.text.push('"');
        for part in parts {
            if part.contains('"') {
                self.text.push_str(&part.replace('"', "\"\""));
            } else {
                self.text.push_str(part);
            }
        }
        self.text.push('"');
    }

    /// An identifier, wrapped so that a spreadsheet leaves it alone: `="123"`.
    pub(crate) fn id(&mut self, id: Option<u64>) {
        self.separate();
        match id {
            Some(id) => self.push(format_args!("=\"{id}\"")),
            None => self.text.push_str("=\"\""),
        }
    }

    /// An identifier that does not fit a number.
    pub(crate) fn long_id(&mut self, id: &str) {
        self.separate();
        self.push(format_args!("=\"{id}\""));
    }

    /// An amount in fen as yuan with two decimals.
    pub(crate) fn money(&mut self, fen: i64) {
        self.money_with(fen, "");
    }

    /// An amount in fen as yuan, followed by `unit`.
    pub(crate) fn money_with(&mut self, fen: i64, unit: &str) {
        self.separate();
        self.push(format_args!("\"{}.{:02}{unit}\"", fen / 100, fen % 100));
    }

    /// A count.
    pub(crate) fn count(&mut self, count: i64) {
        self.separate();
        self.push(format_args!("\"{count}\""));
    }

    /// A moment in the shop's zone, or nothing.
    pub(crate) fn moment(&mut self, at: Option<NaiveDateTime>) {
        let Some(at) = at else {
            return self.text("");
        };
        self.separate();
        let (y, m, d) = (at.year(), at.month(), at.day());
        let (hour, minute, second) = (at.hour(), at.minute(), at.second());
        self.push(format_args!("\"{y}-{m:02}-{d:02} {hour:02}:{minute:02}:{second:02}\""));
    }

    /// Ends the row.
    pub(crate) fn end(&mut self) {
        self.text.push_str("\r\n");
        self.is_begun = false;
    }

    /// Moves the finished rows to `out`.
    pub(crate) fn drain(&mut self, encoder: &Encoder, out: &mut Vec<u8>) {
        encoder.encode(&self.text, out);
        self.text.clear();
    }

    fn push(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing into a String cannot fail.
        let _ = self.text.write_fmt(arguments);
    }
}
