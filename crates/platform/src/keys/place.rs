//! Where a pass over all sealed columns stands, as text.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Sealed;
use crate::{Arg, Args};

/// The column at work, and the key of its last row that was done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Place {
    /// `table.column`; none at the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    after: Vec<Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Value {
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
    Uuid(Uuid),
}

/// Behind all columns.
const END: &str = "end";

fn name(sealed: &Sealed) -> String {
    format!("{}.{}", sealed.table, sealed.column)
}

impl Place {
    /// What stands in the database; the beginning where nothing can be read, as after an upgrade.
    pub(super) fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    pub(super) fn text(&self) -> String {
        // It has no maps, and so can be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The column to go on with, and behind which of its rows; `None` at the end.
    pub(super) fn next<'a>(&self, columns: &'a [Sealed]) -> Option<(usize, &'a Sealed, Args)> {
        let Some(at) = &self.column else {
            return columns.first().map(|sealed| (0, sealed, Args::new()));
        };
        if at == END {
            return None;
        }
        let found = columns.iter().position(|sealed| name(sealed) == *at);
        // A column that is no more is where another program stood; begin again.
        let Some(number) = found else {
            return columns.first().map(|sealed| (0, sealed, Args::new()));
        };
        let after = self.after.iter().map(|value| match value {
            Value::Int(value) => Arg::from(*value),
            Value::Text(value) => Arg::from(value),
            Value::Bytes(value) => Arg::from(value.as_slice()),
            Value::Uuid(value) => Arg::from(*value),
        });
        Some((number, &columns[number], after.collect()))
    }

    /// Behind the row with `key`.
    pub(super) fn behind(sealed: &Sealed, key: &[Arg]) -> Self {
        let after = key.iter().filter_map(|arg| match arg {
            Arg::Int(value) => value.map(Value::Int),
            Arg::Text(value) => value.clone().map(Value::Text),
            Arg::Bytes(value) => value.clone().map(Value::Bytes),
            Arg::Uuid(value) => value.map(Value::Uuid),
            Arg::Float(_) | Arg::Bool(_) => None,
        });
        Self { column: Some(name(sealed)), after: after.collect() }
    }

    /// The beginning of the column behind number `number`, or the end.
    pub(super) fn behind_column(columns: &[Sealed], number: usize) -> Self {
        let column = columns.get(number + 1).map_or_else(|| END.to_owned(), name);
        Self { column: Some(column), after: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Sealed] =
        &[Sealed::new("a", &["id", "t"], "x", &[]), Sealed::new("b", &["n"], "y", &[])];

    fn at(place: &Place) -> Option<(usize, Args)> {
        Place::parse(&place.text()).next(COLUMNS).map(|(number, _, after)| (number, after))
    }

    #[test]
    fn a_place_is_found_again() {
        assert_eq!(at(&Place::default()), Some((0, vec![])));
        let key = vec![Arg::from(Uuid::from_u128(7)), Arg::from("x'y")];
        assert_eq!(at(&Place::behind(&COLUMNS[0], &key)), Some((0, key)));
        let key = vec![Arg::from(vec![1_u8, 255])];
        assert_eq!(at(&Place::behind(&COLUMNS[1], &key)), Some((1, key)));
        assert_eq!(at(&Place::behind_column(COLUMNS, 0)), Some((1, vec![])));
        assert_eq!(at(&Place::behind_column(COLUMNS, 1)), None);
        assert_eq!(Place::parse("nonsense"), Place::default());
        let gone = Sealed { table: "gone", ..COLUMNS[0] };
        assert_eq!(at(&Place::behind(&gone, &[])), Some((0, vec![])));
    }
}
