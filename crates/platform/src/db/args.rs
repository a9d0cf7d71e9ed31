//! Query arguments that mean the same on both databases.

use kernel::{
    AuditId, ConsentId, ConsentTextId, CustomerId, ImportId, InvitationId, JobId, MergeId, NoteId,
    OrderId, ProviderId, SessionId, ShopId, SuggestionId, TagId, TeamId, TerritoryId, Timestamp,
    TokenId, TypedId, UserId, ViewId,
};
use uuid::Uuid;

/// One argument. The variant is the column's type: BIGINT, DOUBLE PRECISION, BOOLEAN, TEXT, BYTEA, UUID.
#[derive(Debug, Clone, PartialEq)]
pub enum Arg {
    /// BIGINT.
    Int(Option<i64>),
    /// DOUBLE PRECISION.
    Float(Option<f64>),
    /// BOOLEAN.
    Bool(Option<bool>),
    /// TEXT.
    Text(Option<String>),
    /// BYTEA; BLOB on SQLite.
    Bytes(Option<Vec<u8>>),
    /// UUID; BLOB of 16 bytes on SQLite.
    Uuid(Option<Uuid>),
}

/// Arguments in the order of `$1`, `$2` …
pub type Args = Vec<Arg>;

macro_rules! arg_from {
    ($($variant:ident <- $($from:ty => $convert:expr),+;)*) => {$($(
        impl From<$from> for Arg {
            fn from(value: $from) -> Self {
                let convert: fn($from) -> _ = $convert;
                Self::$variant(Some(convert(value)))
            }
        }
        impl From<Option<$from>> for Arg {
            fn from(value: Option<$from>) -> Self {
                let convert: fn($from) -> _ = $convert;
                Self::$variant(value.map(convert))
            }
        }
    )+)*};
}

arg_from! {
    Int <- i64 => |v| v, i32 => i64::from, i16 => i64::from, u32 => i64::from, u16 => i64::from,
        u8 => i64::from, Timestamp => |v| v.millis();
    Float <- f64 => |v| v;
    Bool <- bool => |v| v;
    Text <- String => |v| v, &str => |v| v.to_owned();
    Bytes <- Vec<u8> => |v| v, [u8; 16] => |v| v.to_vec(), [u8; 32] => |v| v.to_vec(), &[u8] => |v| v.to_vec();
    Uuid <- Uuid => |v| v, CustomerId => TypedId::uuid, OrderId => TypedId::uuid,
        ShopId => TypedId::uuid, ImportId => TypedId::uuid, UserId => TypedId::uuid,
        SessionId => TypedId::uuid, TokenId => TypedId::uuid, TagId => TypedId::uuid,
        TeamId => TypedId::uuid, TerritoryId => TypedId::uuid, InvitationId => TypedId::uuid,
        ConsentId => TypedId::uuid, ConsentTextId => TypedId::uuid,
        ProviderId => TypedId::uuid,
        NoteId => TypedId::uuid, MergeId => TypedId::uuid, SuggestionId => TypedId::uuid,
        ViewId => TypedId::uuid, JobId => TypedId::uuid, AuditId => TypedId::uuid;
}

impl From<&String> for Arg {
    fn from(value: &String) -> Self {
        Self::Text(Some(value.clone()))
    }
}

/// Arguments of a query: `args![scope.org_arg(), id, name]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::Arg::from($value)),*] };
}

/// `$2, $3, $4` for an `IN (…)` list of `count` arguments after `first - 1` others, with the
/// arguments padded by repeating the last, so that few distinct statements are prepared.
///
/// Returns the placeholders and the padded arguments. `values` must not be empty.
#[must_use]
pub fn in_list(first: usize, mut values: Vec<Arg>) -> (String, Vec<Arg>) {
    let padded = values.len().next_power_of_two();
    if let Some(last) = values.last().cloned() {
        values.resize(padded, last);
    }
    let mut sql = String::with_capacity(padded * 6);
    for index in 0..padded {
        if index > 0 {
            sql.push(',');
        }
        sql.push('$');
        sql.push_str(&(first + index).to_string());
    }
    (sql, values)
}

/// Part of a statement that one room writes for another, with its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Fragment {
    /// The text, with [`Fragment::PLACE`] where an argument stands.
    pub sql: String,
    /// The arguments, in their order.
    pub args: Args,
}

impl Fragment {
    /// Stands for the next argument.
    pub const PLACE: &'static str = "$?";

    /// The text with its arguments behind those of `args`.
    #[must_use]
    pub fn append_to(&self, args: &mut Args) -> String {
        let mut sql = String::with_capacity(self.sql.len() + self.args.len() * 2);
        let mut rest = self.sql.as_str();
        for value in &self.args {
            let Some((before, after)) = rest.split_once(Self::PLACE) else { break };
            args.push(value.clone());
            sql.push_str(before);
            sql.push_str(&format!("${}", args.len()));
            rest = after;
        }
        sql.push_str(rest);
        sql
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_count_on() {
        let fragment =
            Fragment { sql: "a IN ($?,$?) AND o = $1".into(), args: args![7_i64, 8_i64] };
        let mut args = args![1_i64, "x"];
        assert_eq!(fragment.append_to(&mut args), "a IN ($3,$4) AND o = $1");
        assert_eq!(args, args![1_i64, "x", 7_i64, 8_i64]);
    }

    #[test]
    fn in_lists_are_padded_to_powers_of_two() {
        let (sql, values) = in_list(2, args![1_i64, 2_i64, 3_i64]);
        assert_eq!(sql, "$2,$3,$4,$5");
        assert_eq!(values, args![1_i64, 2_i64, 3_i64, 3_i64]);
    }
}
