//! Keyset pages: bounded, and stable while rows come and go.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, de::DeserializeOwned};

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The rows, at most the limit asked for.
    pub items: Vec<T>,
    /// Pass as `after` to get the next page; absent on the last.
    pub next: Option<String>,
}

/// How many rows a page may have: 1 to 200, 50 unless asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u16);

impl Limit {
    /// The hard limit.
    pub const MAX: u16 = 200;

    /// Reads a limit as asked for.
    ///
    /// # Errors
    /// A message when it is not within 1 to 200.
    pub fn new(asked: Option<u32>) -> Result<Self, String> {
        match asked {
            None => Ok(Self(50)),
            Some(n) if (1..=u32::from(Self::MAX)).contains(&n) => Ok(Self(n as u16)),
            Some(n) => Err(format!("must be between 1 and {}, not {n}", Self::MAX)),
        }
    }

    /// The number of rows.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

/// The cursor is not one that this list gave out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list; begin again without `after`")]
pub struct CursorError;

/// Opaque position in a list: the sort key and id of the last row shown.
pub struct Cursor;

impl Cursor {
    /// Packs a position.
    pub fn encode<T: Serialize>(position: &T) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).unwrap_or_default())
    }

    /// Unpacks a position.
    ///
    /// # Errors
    /// `CursorError` if the text was not made by [`Cursor::encode`] for the same list.
    pub fn decode<T: DeserializeOwned>(text: &str) -> Result<T, CursorError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError)?;
        serde_json::from_slice(&bytes).map_err(|_| CursorError)
    }
}
