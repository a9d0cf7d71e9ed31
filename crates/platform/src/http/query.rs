//! Query parameters: every unknown or wrong one is named, all at once.

use std::fmt;

use axum::extract::{FromRequestParts, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use kernel::FieldErrors;
use serde::de::value::SeqDeserializer;
use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor};

use super::body::NUL;
use crate::Problem;

/// Most parameters of one request.
const PARAMS_MAX: usize = 100;

/// The query of a request as a struct of texts, numbers, booleans, enums, typed ids and days, each
/// also as `Option`, or as `Vec` for a parameter that may come several times.
///
/// An empty parameter (`q=`) is as if absent. `#[serde(flatten)]` is not possible: the fields would
/// not be known.
#[derive(Debug, Clone, Copy)]
pub struct QueryParams<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryParams<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse_query(&parts.uri).map(Self)
    }
}

/// Reads the query of `uri`.
///
/// # Errors
/// 422 naming all unknown and wrong parameters; 400 if it cannot be decoded.
pub fn parse_query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|error| Problem::malformed(error.to_string()))?;
    if pairs.len() > PARAMS_MAX {
        return Err(Problem::malformed(format!("more than {PARAMS_MAX} query parameters")));
    }
    let mut params: Vec<(String, Values)> = Vec::new();
    for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
        match params.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.0.push(value),
            None => params.push((name, Values(vec![value]))),
        }
    }
    let mut errors = FieldErrors::default();
    params.retain(|(name, values)| {
        let is_storable = !values.0.iter().any(|value| value.contains('\0'));
        if !is_storable {
            errors.push(name.clone(), NUL);
        }
        is_storable
    });
    // Each round takes at least one parameter away, or ends.
    loop {
        match T::deserialize(Params(&params)) {
            Ok(value) if errors.is_empty() => return Ok(value),
            Ok(_) => return Err(Problem::validation(errors)),
            Err(ParamError::Unknown(names)) => {
                for name in &names {
                    errors.push(name.clone(), "there is no such parameter");
                }
                params.retain(|(name, _)| !names.contains(name));
            }
            Err(ParamError::Wrong { name, message }) => {
                params.retain(|(known, _)| *known != name);
                errors.push(name, message);
            }
            Err(ParamError::Missing(name)) => {
                // One that was there but wrong is missing only because it was taken away.
                let named = errors.clone().into_vec().iter().any(|error| error.field == name);
                if !named {
                    errors.push(name, "is required");
                }
                return Err(Problem::validation(errors));
            }
            Err(ParamError::Other(message)) => {
                errors.push("", message);
                return Err(Problem::validation(errors));
            }
        }
    }
}

#[derive(Debug)]
enum ParamError {
    Unknown(Vec<String>),
    Wrong { name: String, message: String },
    Missing(&'static str),
    Other(String),
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(names) => write!(f, "unknown: {}", names.join(", ")),
            Self::Missing(name) => write!(f, "missing: {name}"),
            Self::Wrong { message, .. } | Self::Other(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ParamError {}

impl de::Error for ParamError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Other(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

/// The whole query.
struct Params<'a>(&'a [(String, Values)]);

impl<'de> de::Deserializer<'de> for Params<'_> {
    type Error = ParamError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_map(Entries { rest: self.0.iter(), value: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        let unknown: Vec<String> = self
            .0
            .iter()
            .filter(|(name, _)| !fields.contains(&name.as_str()))
            .map(|(name, _)| name.clone())
            .collect();
        if unknown.is_empty() {
            self.deserialize_any(visitor)
        } else {
            Err(ParamError::Unknown(unknown))
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Hands the parameters out one by one, and puts its name to whatever is wrong with one. The place
/// is here and not in [`Param`] because a type may find its text wrong after it was read.
struct Entries<'a> {
    rest: std::slice::Iter<'a, (String, Values)>,
    value: Option<Param<'a>>,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = ParamError;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ParamError> {
        let Some((name, values)) = self.rest.next() else { return Ok(None) };
        self.value = Some(Param { name, values });
        seed.deserialize(IntoDeserializer::<ParamError>::into_deserializer(name.as_str())).map(Some)
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, ParamError> {
        let param =
            self.value.take().ok_or_else(|| de::Error::custom("a value was asked for twice"))?;
        seed.deserialize(param).map_err(|error| match error {
            ParamError::Other(message) => param.wrong(message),
            named => named,
        })
    }
}

/// What came under one name.
#[derive(Debug)]
struct Values(Vec<String>);

/// One parameter.
#[derive(Clone, Copy)]
struct Param<'a> {
    name: &'a str,
    values: &'a Values,
}

impl Param<'_> {
    fn wrong(&self, message: impl fmt::Display) -> ParamError {
        ParamError::Wrong { name: self.name.to_owned(), message: message.to_string() }
    }

    fn text(&self) -> Result<&str, ParamError> {
        match self.values.0.as_slice() {
            [one] => Ok(one),
            _ => Err(self.wrong("is given more than once")),
        }
    }

    fn parse<T: std::str::FromStr>(&self, expected: &str) -> Result<T, ParamError> {
        self.text()?.parse().map_err(|_| self.wrong(format_args!("must be {expected}")))
    }
}

impl<'de, 'a> IntoDeserializer<'de, ParamError> for Param<'a> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $expected:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
            visitor.$visit(self.parse($expected)?)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Param<'_> {
    type Error = ParamError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParamError> {
        let text = self.text()?;
        visitor.visit_enum(text.into_deserializer())
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParamError> {
        let each: Vec<Values> = self.values.0.iter().map(|v| Values(vec![v.clone()])).collect();
        let items = each.iter().map(|values| Param { name: self.name, values });
        visitor.visit_seq(SeqDeserializer::new(items))
    }

    parsed! {
        deserialize_bool visit_bool "true or false";
        deserialize_i8 visit_i8 "a small whole number";
        deserialize_i16 visit_i16 "a small whole number";
        deserialize_i32 visit_i32 "a whole number";
        deserialize_i64 visit_i64 "a whole number";
        deserialize_u8 visit_u8 "a whole number from 0 to 255";
        deserialize_u16 visit_u16 "a whole number from 0 to 65535";
        deserialize_u32 visit_u32 "a whole number, 0 or more";
        deserialize_u64 visit_u64 "a whole number, 0 or more";
        deserialize_f32 visit_f32 "a number";
        deserialize_f64 visit_f64 "a number";
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct
        identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum State {
        Waiting,
        Dead,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Filters {
        state: Option<State>,
        limit: Option<u32>,
        shop: Option<kernel::ShopId>,
        #[serde(default)]
        tag: Vec<String>,
        page: String,
    }

    fn parse(query: &str) -> Result<Filters, Problem> {
        parse_query(&format!("/x?{query}").parse().unwrap())
    }

    fn wrong(query: &str) -> Vec<String> {
        parse(query).unwrap_err().errors().iter().map(|error| error.field.clone()).collect()
    }

    #[test]
    fn good_queries_are_read() {
        let filters = parse("state=dead&limit=7&tag=a&tag=%E5%BC%A0&page=customers&shop=").unwrap();
        assert_eq!(
            filters,
            Filters {
                state: Some(State::Dead),
                limit: Some(7),
                shop: None,
                tag: vec!["a".into(), "张".into()],
                page: "customers".into(),
            }
        );
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let mut fields = wrong("state=alive&limit=-1&shop=cus_1&colour=red&size=2&page=a&page=b");
        fields.sort();
        assert_eq!(fields, ["colour", "limit", "page", "shop", "size", "state"]);
        assert_eq!(wrong("limit=1"), ["page"]);
    }
}
