//! The texts by which people were asked.

use kernel::{ConsentTextId, FieldErrors, Timestamp, TypedId, UserId};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Scope, Tx};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::store::consents;

/// Longest name, in characters.
pub const NAME_MAX: usize = 60;
/// Longest text, in characters.
pub const BODY_MAX: usize = 20_000;
/// Versions of all texts of one organisation.
pub const TEXTS_MAX: i64 = 1_000;

/// One version of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ConsentText {
    /// Its id.
    pub id: ConsentTextId,
    /// What people call the text; all its versions have it.
    pub name: String,
    /// Its language, `zh-CN`.
    pub language: String,
    /// 1 and up, for each name and language.
    pub version: i64,
    /// The text.
    pub body: String,
    /// SHA-256 of the text in UTF-8, in hexadecimal digits.
    pub hash: String,
    /// Who wrote it.
    pub actor: Option<UserId>,
    /// When.
    pub created_at: Timestamp,
}

/// A text to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewText {
    name: String,
    language: String,
    body: String,
}

impl NewText {
    /// Reads a text.
    ///
    /// # Errors
    /// All wrong fields.
    pub fn parse(name: &str, language: &str, body: &str) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let (name, language) = (name.trim(), language.trim());
        let body = body.replace("\r\n", "\n");
        let body = body.trim();
        if name.is_empty() || name.chars().count() > NAME_MAX || name.contains(char::is_control) {
            errors.push("name", format!("must be 1 to {NAME_MAX} characters"));
        }
        let is_tag = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if !(2..=20).contains(&language.len()) || !language.chars().all(is_tag) {
            errors.push("language", "must be a language tag, as in zh-CN");
        }
        let is_bad = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        if body.is_empty() || body.chars().count() > BODY_MAX || body.contains(is_bad) {
            errors.push("body", format!("must be 1 to {BODY_MAX} characters"));
        }
        errors.finish(|| {
            let (name, language) = (name.to_owned(), language.to_owned());
            Some(Self { name, language, body: body.to_owned() })
        })
    }
}

/// Why a text was not kept.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// There are as many as there may be.
    #[error("an organisation has at most {TEXTS_MAX} versions of texts")]
    TooMany,
    /// It says what the newest version says.
    #[error("this is what version {0} says already")]
    Same(i64),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Keeps a text as the next version of its name and language.
///
/// # Errors
/// `TooMany`; `Same` if nothing changed.
pub async fn create(tx: &mut Tx, cx: &Ctx, new: NewText) -> Result<ConsentText, TextError> {
    if consents::text_count(tx, cx.scope).await? >= TEXTS_MAX {
        return Err(TextError::TooMany);
    }
    let hash = Sha256::digest(new.body.as_bytes()).to_vec();
    let newest = consents::newest_text(tx, cx.scope, &new.name, &new.language).await?;
    if let Some((version, _)) = newest.as_ref().filter(|(_, known)| *known == hash) {
        return Err(TextError::Same(*version));
    }
    let id: ConsentTextId = cx.fresh();
    let text = ConsentText {
        id,
        version: newest.map_or(1, |(version, _)| version + 1),
        hash: hex(&hash),
        actor: cx.scope.user_id(),
        created_at: cx.now(),
        name: new.name,
        language: new.language,
        body: new.body,
    };
    consents::add_text(tx, cx, &text, &hash).await?;
    let entry = Entry::new("customers.consent_text.create")
        .on("consent_text", id)
        .with("name", &text.name)
        .with("language", &text.language)
        .with("version", text.version)
        .with("hash", &text.hash);
    audit::record(tx, cx, entry).await?;
    Ok(text)
}

/// All versions of all texts, by name and language, the newest version first.
///
/// # Errors
/// As the database says.
pub async fn all(tx: &mut Tx, scope: Scope) -> Result<Vec<ConsentText>, DbError> {
    let rows = consents::texts(tx, scope).await?;
    Ok(rows
        .into_iter()
        .map(|row| ConsentText {
            id: ConsentTextId::from_uuid(row.id),
            name: row.name,
            language: row.language,
            version: row.version,
            body: row.body,
            hash: hex(&row.hash),
            actor: row.actor.map(UserId::from_uuid),
            created_at: Timestamp::from_millis(row.created_at),
        })
        .collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
