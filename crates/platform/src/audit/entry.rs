//! What is said of a deed.

use std::fmt::Display;

use serde::Serialize;
use serde_json::{Map, Value};

/// Bytes of JSON that one side of an entry may have. Bulk work says how many, not each of them.
pub const DETAIL_MAX_BYTES: usize = 64 * 1024;

/// An entry to be recorded: what was done, to what, and what it was before and after.
///
/// What is personal (names, texts that people wrote, filters with a name in them) goes into
/// [`Entry::personal`] and its kin: the other fields are stored as they are given and for ever.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub(super) action: &'static str,
    pub(super) record: Option<(&'static str, String)>,
    pub(super) open: Sides,
    pub(super) personal: Sides,
}

/// Fields before and after, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sides {
    pub(super) before: Map<String, Value>,
    pub(super) after: Map<String, Value>,
}

impl Sides {
    pub(super) fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty()
    }
}

fn value(value: impl Serialize) -> Value {
    // What fails to serialise is a map whose keys are no texts; nobody records one.
    serde_json::to_value(value).unwrap_or_default()
}

impl Entry {
    /// An entry that `action` was done: `module.noun.verb`, as in `customers.note.delete`. The name is
    /// stored for ever and has its words in the dictionaries of the web.
    #[must_use]
    pub fn new(action: &'static str) -> Self {
        Self { action, record: None, open: Sides::default(), personal: Sides::default() }
    }

    /// The record it was done to: its kind (`customer`) and id. Of something that belongs to a customer
    /// that customer, so that all that concerns a person is found, and can be erased, by one id.
    #[must_use]
    pub fn on(mut self, kind: &'static str, id: impl Display) -> Self {
        self.record = Some((kind, id.to_string()));
        self
    }

    /// A field of what is there now, or of what was asked for.
    #[must_use]
    pub fn with(mut self, field: &str, now: impl Serialize) -> Self {
        self.open.after.insert(field.to_owned(), value(now));
        self
    }

    /// A field of what is no longer there.
    #[must_use]
    pub fn without(mut self, field: &str, was: impl Serialize) -> Self {
        self.open.before.insert(field.to_owned(), value(was));
        self
    }

    /// A field that was changed; nothing where both are alike.
    #[must_use]
    pub fn change(self, field: &str, was: impl Serialize, now: impl Serialize) -> Self {
        let (was, now) = (value(was), value(now));
        if was == now { self } else { self.without(field, was).with(field, now) }
    }

    /// As [`Entry::with`], of personal data.
    #[must_use]
    pub fn personal(mut self, field: &str, now: impl Serialize) -> Self {
        self.personal.after.insert(field.to_owned(), value(now));
        self
    }

    /// As [`Entry::without`], of personal data.
    #[must_use]
    pub fn personal_gone(mut self, field: &str, was: impl Serialize) -> Self {
        self.personal.before.insert(field.to_owned(), value(was));
        self
    }

    /// As [`Entry::change`], of personal data.
    #[must_use]
    pub fn personal_change(self, field: &str, was: impl Serialize, now: impl Serialize) -> Self {
        let (was, now) = (value(was), value(now));
        if was == now { self } else { self.personal_gone(field, was).personal(field, now) }
    }
}

/// `side` as JSON; `None` for nothing. One that is too large says how large it was: a deed is not refused
/// because it cannot be described.
pub(super) fn text(side: &Map<String, Value>) -> Option<String> {
    if side.is_empty() {
        return None;
    }
    let text = Value::Object(side.clone()).to_string();
    if text.len() <= DETAIL_MAX_BYTES {
        return Some(text);
    }
    Some(serde_json::json!({ "omitted_bytes": text.len() }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_that_stays_is_not_told() {
        let entry =
            Entry::new("a.b.c").change("rating", "A", "A").change("colour", Value::Null, "red");
        assert_eq!(Value::Object(entry.open.before), json!({"colour": null}));
        assert_eq!(Value::Object(entry.open.after), json!({"colour": "red"}));
        assert!(entry.personal.is_empty());
    }

    #[test]
    fn a_side_has_a_limit() {
        let small = Entry::new("a.b.c").with("n", 1).open.after;
        assert_eq!(text(&small).unwrap(), r#"{"n":1}"#);
        assert_eq!(text(&Map::new()), None);
        let large = Entry::new("a.b.c").with("n", "x".repeat(DETAIL_MAX_BYTES)).open.after;
        assert_eq!(text(&large).unwrap(), r#"{"omitted_bytes":65544}"#);
    }
}
