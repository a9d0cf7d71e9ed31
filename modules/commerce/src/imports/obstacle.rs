//! Why an import stopped, or cannot be taken back.

use kernel::{ImportId, Timestamp};
use serde::{Deserialize, Serialize};

/// Why an import stopped, or cannot be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// In English.
    pub text: String,
    /// The same for texts in other languages; `None` where another release wrote it.
    pub code: Option<ObstacleCode>,
}

impl Obstacle {
    pub(super) fn stored(text: String, code: Option<&str>) -> Self {
        Self { text, code: code.and_then(|code| serde_json::from_str(code).ok()) }
    }

    /// The code as it is stored.
    pub(super) fn stored_code(&self) -> Option<String> {
        self.code.as_ref().and_then(|code| serde_json::to_string(code).ok())
    }
}

/// An obstacle by its code, which is never renamed: it is stored and served. The pages have the texts.
///
/// `message` is an English text of what can hardly be told by code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
#[schema(as = ImportObstacle)]
#[allow(missing_docs, reason = "the text of each code says it")]
pub enum ObstacleCode {
    FileNotFound {
        file: String,
    },
    FileForbidden {
        file: String,
    },
    FileUnreadable {
        message: String,
    },
    /// It was changed since the import began.
    FileChanged {
        file: String,
    },
    WorkbookDamaged {
        file: String,
    },
    WrongMapping {
        message: String,
    },
    /// The currency that the mapping names is not the shop's.
    OtherCurrency {
        mapping: String,
        shop: String,
    },
    DiskFull,
    DatabaseGone,
    /// A bug, or a damaged database.
    Broken {
        message: String,
    },
    /// Later imports changed the same orders, or brought orders for the customers of this one; the newest
    /// first.
    BuiltUpon {
        later: Vec<LaterImport>,
    },
    AtWork,
    /// People worked with customers of this import, in numbers of customers.
    WorkedWith {
        noted: i64,
        tagged: i64,
        edited: i64,
        merged: i64,
    },
    /// What it needs for that was removed because its time was over.
    Forgotten {
        at: Timestamp,
    },
}

/// An import that builds on another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[allow(missing_docs)]
pub struct LaterImport {
    pub id: ImportId,
    pub number: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_another_release_leaves_the_text() {
        let code = ObstacleCode::FileChanged { file: "a.csv".to_owned() };
        let obstacle = Obstacle { text: "changed".to_owned(), code: Some(code) };
        let stored = obstacle.stored_code().unwrap();
        assert_eq!(stored, r#"{"code":"file_changed","file":"a.csv"}"#);
        let read = |code| Obstacle::stored("changed".to_owned(), code);
        assert_eq!(read(Some(&stored)), obstacle);
        for code in [None, Some(r#"{"code":"of_tomorrow"}"#), Some("no JSON")] {
            assert_eq!(read(code), Obstacle { code: None, ..obstacle.clone() });
        }
    }
}
