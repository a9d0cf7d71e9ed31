//! Audiences as they are kept: a name, a definition, how many belonged to them on which day.

use std::collections::BTreeMap;

use analytics::audience::{Definitions, Node};
use chrono::{Days, NaiveDate};
use kernel::{AudienceId, FieldErrors, TagId, Timestamp, TypedId, UserId};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Scope, Tx, args, outbox};
use serde::Serialize;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::events::AudiencesDefinedV1;
use crate::live;

/// Audiences of one organisation, beside those behind tags.
pub const AUDIENCES_MAX: i64 = 1_000;
/// Longest name, in characters.
pub const NAME_MAX: usize = 60;
/// Longest note, in characters.
pub const NOTE_MAX: usize = 500;
/// Days of the history of sizes.
pub const HISTORY_DAYS: u32 = 400;

/// An audience as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// Its id.
    pub id: AudienceId,
    /// Its name, of which there is one in an organisation.
    pub name: String,
    /// What it is for.
    pub note: String,
    /// Who belongs to it.
    pub definition: Node,
    /// What is stored where this program cannot read it, as after going back to an older version. Then
    /// `definition` names the audience itself, which is refused wherever it is asked.
    pub unreadable: Option<String>,
    /// The tag behind which it stands: made for it alone, and not among those that people keep.
    pub behind: Option<TagId>,
    /// Rises with each change.
    pub revision: i64,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// When.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// An audience to be kept, its definition checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAudience {
    name: String,
    note: String,
    definition: Node,
}

impl NewAudience {
    /// Reads name and note; `definition` was read and checked elsewhere.
    ///
    /// # Errors
    /// All wrong fields.
    pub fn parse(name: &str, note: &str, definition: Node) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let (name, note) = (name.trim(), note.trim());
        if name.is_empty() || name.chars().count() > NAME_MAX || name.contains(char::is_control) {
            errors.push("name", format!("must be 1 to {NAME_MAX} characters on one line"));
        }
        if note.chars().count() > NOTE_MAX {
            errors.push("note", format!("must be at most {NOTE_MAX} characters"));
        }
        for (field, text) in [("name", name), ("note", note)] {
            if text.contains(turns_text) {
                errors.push(field, "must not hold characters that turn the direction of text");
            }
        }
        errors.finish(|| Some(Self { name: name.to_owned(), note: note.to_owned(), definition }))
    }

    /// Who shall belong to it.
    #[must_use]
    pub const fn definition(&self) -> &Node {
        &self.definition
    }
}

/// Bidirectional controls: unseen, they make a text read other than it is.
const fn turns_text(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Why an audience was not kept.
#[derive(Debug, thiserror::Error)]
pub enum AudienceStoreError {
    /// There is none of this id.
    #[error("there is no audience {0}")]
    Unknown(AudienceId),
    /// Another one has the name.
    #[error("another audience is called {0:?}")]
    NameTaken(String),
    /// There are as many as there may be.
    #[error("there can be at most {AUDIENCES_MAX} audiences; delete one first")]
    TooMany,
    /// Somebody changed it meanwhile.
    #[error("the audience was changed meanwhile; it has version {0} now")]
    Changed(i64),
    /// Another audience names it.
    #[error("the audience {0:?} names it; change that one first")]
    Named(String),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    name: String,
    note: String,
    definition: String,
    tag_id: Option<Uuid>,
    revision: i64,
    created_by: Option<Uuid>,
    created_at: i64,
    updated_at: i64,
}

const COLUMNS: &str =
    "SELECT id, name, note, definition, tag_id, revision, created_by, created_at, updated_at
       FROM insight_audiences WHERE org_id = $1";

impl From<Row> for Audience {
    fn from(row: Row) -> Self {
        let id = AudienceId::from_uuid(row.id);
        let (definition, unreadable) = match serde_json::from_str(&row.definition) {
            Ok(definition) => (definition, None),
            Err(_) => (Node::Audience { audience: id }, Some(row.definition)),
        };
        Self {
            id,
            definition,
            unreadable,
            name: row.name,
            note: row.note,
            behind: row.tag_id.map(TagId::from_uuid),
            revision: row.revision,
            created_by: row.created_by.map(UserId::from_uuid),
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        }
    }
}

impl Audience {
    /// The definition as it is stored, whether or not this program can read it.
    fn stored(&self) -> Result<String, DbError> {
        self.unreadable.clone().map_or_else(|| json(&self.definition), Ok)
    }
}

fn json(definition: &Node) -> Result<String, DbError> {
    serde_json::to_string(definition)
        .map_err(|error| DbError::Refused(format!("a definition cannot be written: {error}")))
}

/// All audiences, by name.
///
/// # Errors
/// As the database says.
pub async fn all(tx: &mut Tx, scope: Scope) -> Result<Vec<Audience>, DbError> {
    let rows: Vec<Row> = tx
        .fetch_all(AssertSqlSafe(format!("{COLUMNS} ORDER BY name, id")), args![scope.org_arg()])
        .await?;
    Ok(rows.into_iter().map(Audience::from).collect())
}

/// The audience of an id.
///
/// # Errors
/// As the database says.
pub async fn get(tx: &mut Tx, scope: Scope, id: AudienceId) -> Result<Option<Audience>, DbError> {
    let row: Option<Row> = tx
        .fetch_optional(
            AssertSqlSafe(format!("{COLUMNS} AND id = $2")),
            args![scope.org_arg(), id.uuid()],
        )
        .await?;
    Ok(row.map(Audience::from))
}

/// Lets one transaction at a time change definitions of an organisation.
///
/// # Errors
/// As the database says.
pub async fn lock(tx: &mut Tx, scope: Scope) -> Result<(), DbError> {
    // SQLite has one writer anyway.
    if tx.is_postgres() {
        let sql = "SELECT pg_advisory_xact_lock(4720, CAST($1 AS INTEGER))";
        tx.execute(sql, args![scope.org_arg()]).await?;
    }
    Ok(())
}

/// The definitions of `audiences`, by id.
#[must_use]
pub fn definitions(audiences: &[Audience]) -> Definitions {
    audiences.iter().map(|audience| (audience.id, audience.definition.clone())).collect()
}

/// Keeps a new audience.
///
/// # Errors
/// `NameTaken`, `TooMany`.
pub async fn create(
    tx: &mut Tx,
    cx: &Ctx,
    new: &NewAudience,
) -> Result<AudienceId, AudienceStoreError> {
    let id: AudienceId = cx.fresh();
    let made = tx
        .execute(
            "INSERT INTO insight_audiences
                 (org_id, id, name, note, definition, revision, created_by, created_at, updated_at)
             SELECT CAST($1 AS BIGINT), $2, $3, $4, $5, 1, $6, $7, $7
              WHERE (SELECT COUNT(*) FROM insight_audiences
                      WHERE org_id = $1 AND tag_id IS NULL) < $8",
            args![
                cx.scope.org_arg(),
                id.uuid(),
                new.name.as_str(),
                new.note.as_str(),
                json(&new.definition)?,
                cx.scope.user_id().map(TypedId::uuid),
                cx.now(),
                AUDIENCES_MAX
            ],
        )
        .await
        .map_err(|error| taken(error, &new.name))?;
    if made != 1 {
        return Err(AudienceStoreError::TooMany);
    }
    let entry = Entry::new("insight.audience.create")
        .on("audience", id)
        .personal("name", &new.name)
        .personal("note", &new.note)
        .personal("definition", json(&new.definition)?);
    audit::record(tx, cx, entry).await?;
    outbox::push(tx, cx, &AudiencesDefinedV1 { audience: id }).await?;
    Ok(id)
}

/// Keeps the audience that stands behind `tag`, which alone follows it; gives it, and whether that is news. Its name is
/// the id of the tag.
///
/// # Errors
/// As the database says.
pub async fn keep_behind(
    tx: &mut Tx,
    cx: &Ctx,
    tag: TagId,
    definition: &Node,
) -> Result<(AudienceId, bool), DbError> {
    let all = all(tx, cx.scope).await?;
    let old = all.iter().find(|audience| audience.behind == Some(tag));
    if let Some(old) = old.filter(|old| old.definition == *definition) {
        return Ok((old.id, false));
    }
    let (id, text) = (old.map_or_else(|| cx.fresh(), |old| old.id), json(definition)?);
    tx.execute(
        "INSERT INTO insight_audiences (org_id, id, name, note, definition, tag_id, revision,
             created_by, created_at, updated_at) VALUES ($1, $2, $3, '', $4, $5, 1, $6, $7, $7)
         ON CONFLICT (org_id, id) DO UPDATE SET definition = excluded.definition,
             revision = insight_audiences.revision + 1, updated_at = excluded.updated_at",
        args![
            cx.scope.org_arg(),
            id.uuid(),
            tag.to_string(),
            text.as_str(),
            tag.uuid(),
            cx.scope.user_id().map(TypedId::uuid),
            cx.now()
        ],
    )
    .await?;
    let entry = match old {
        None => Entry::new("insight.audience.create").personal("definition", &text),
        Some(old) => Entry::new("insight.audience.change").personal_change(
            "definition",
            old.stored()?,
            &text,
        ),
    };
    audit::record(tx, cx, entry.on("audience", id).with("tag", tag)).await?;
    outbox::push(tx, cx, &AudiencesDefinedV1 { audience: id }).await?;
    Ok((id, true))
}

fn taken(error: DbError, name: &str) -> AudienceStoreError {
    match error {
        DbError::Duplicate { .. } => AudienceStoreError::NameTaken(name.to_owned()),
        error => error.into(),
    }
}

/// Replaces what is kept of an audience, if it still has version `revision`.
///
/// # Errors
/// `Unknown`, `Changed`, `NameTaken`.
pub async fn change(
    tx: &mut Tx,
    cx: &Ctx,
    id: AudienceId,
    revision: i64,
    new: &NewAudience,
) -> Result<(), AudienceStoreError> {
    let old = get(tx, cx.scope, id).await?.ok_or(AudienceStoreError::Unknown(id))?;
    let changed = tx
        .execute(
            "UPDATE insight_audiences
                SET name = $3, note = $4, definition = $5, revision = revision + 1, updated_at = $6
              WHERE org_id = $1 AND id = $2 AND revision = $7",
            args![
                cx.scope.org_arg(),
                id.uuid(),
                new.name.as_str(),
                new.note.as_str(),
                json(&new.definition)?,
                cx.now(),
                revision
            ],
        )
        .await
        .map_err(|error| taken(error, &new.name))?;
    if changed != 1 {
        return Err(AudienceStoreError::Changed(old.revision));
    }
    let mut entry = Entry::new("insight.audience.change").on("audience", id);
    if old.name != new.name {
        entry = entry.personal_change("name", &old.name, &new.name);
    }
    if old.note != new.note {
        entry = entry.personal_change("note", &old.note, &new.note);
    }
    if old.definition != new.definition {
        entry = entry.personal_change("definition", old.stored()?, json(&new.definition)?);
    }
    audit::record(tx, cx, entry).await?;
    outbox::push(tx, cx, &AudiencesDefinedV1 { audience: id }).await?;
    Ok(())
}

/// Deletes an audience and its history.
///
/// # Errors
/// `Unknown`; `Named` as long as another audience is defined by it.
pub async fn delete(tx: &mut Tx, cx: &Ctx, id: AudienceId) -> Result<(), AudienceStoreError> {
    let audiences = all(tx, cx.scope).await?;
    let Some(old) = audiences.iter().find(|audience| audience.id == id) else {
        return Err(AudienceStoreError::Unknown(id));
    };
    if let Some(other) =
        audiences.iter().find(|other| other.id != id && other.definition.audiences().contains(&id))
    {
        return Err(AudienceStoreError::Named(other.name.clone()));
    }
    for sql in [
        "DELETE FROM insight_audience_sizes WHERE org_id = $1 AND audience_id = $2",
        "DELETE FROM insight_audiences WHERE org_id = $1 AND id = $2",
    ] {
        tx.execute(sql, args![cx.scope.org_arg(), id.uuid()]).await?;
    }
    let entry = Entry::new("insight.audience.delete")
        .on("audience", id)
        .personal_gone("name", &old.name)
        .personal_gone("note", &old.note)
        .personal_gone("definition", old.stored()?);
    audit::record(tx, cx, entry).await?;
    live::delete(tx, cx.scope, id).await?;
    outbox::push(tx, cx, &AudiencesDefinedV1 { audience: id }).await?;
    Ok(())
}

/// How many belonged to an audience on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SizeOfDay {
    /// The day.
    #[schema(value_type = String, format = Date)]
    pub day: NaiveDate,
    /// Customers.
    pub customers: u64,
}

const EPOCH: NaiveDate = NaiveDate::from_epoch_days(0).unwrap();

/// Notes how many belong to audiences today; the last count of a day stays.
///
/// # Errors
/// As the database says.
pub async fn note_sizes(
    tx: &mut Tx,
    scope: Scope,
    day: NaiveDate,
    sizes: &[(AudienceId, u64)],
) -> Result<(), DbError> {
    for (id, customers) in sizes {
        tx.execute(
            "INSERT INTO insight_audience_sizes (org_id, audience_id, day, customers)
             SELECT CAST($1 AS BIGINT), $2, $3, $4
              WHERE EXISTS (SELECT 1 FROM insight_audiences WHERE org_id = $1 AND id = $2)
             ON CONFLICT (org_id, audience_id, day) DO UPDATE SET customers = excluded.customers",
            args![
                scope.org_arg(),
                id.uuid(),
                i64::from(day.to_epoch_days()),
                i64::try_from(*customers).unwrap_or(i64::MAX)
            ],
        )
        .await?;
    }
    Ok(())
}

/// The sizes noted on a day, by audience.
///
/// # Errors
/// As the database says.
pub async fn sizes_on(
    tx: &mut Tx,
    scope: Scope,
    day: NaiveDate,
) -> Result<BTreeMap<AudienceId, u64>, DbError> {
    let rows: Vec<(Uuid, i64)> = tx
        .fetch_all(
            "SELECT audience_id, customers FROM insight_audience_sizes
              WHERE org_id = $1 AND day = $2 AND audience_id IN
                    (SELECT id FROM insight_audiences WHERE org_id = $1)",
            args![scope.org_arg(), i64::from(day.to_epoch_days())],
        )
        .await?;
    let read =
        |(id, size): (Uuid, i64)| (AudienceId::from_uuid(id), u64::try_from(size).unwrap_or(0));
    Ok(rows.into_iter().map(read).collect())
}

/// The sizes of an audience in the last [`HISTORY_DAYS`] days before and on `today`, by day.
///
/// # Errors
/// As the database says.
pub async fn sizes(
    tx: &mut Tx,
    scope: Scope,
    id: AudienceId,
    today: NaiveDate,
) -> Result<Vec<SizeOfDay>, DbError> {
    let from = today.checked_sub_days(Days::new(u64::from(HISTORY_DAYS))).unwrap_or(EPOCH);
    let rows: Vec<(i64, i64)> = tx
        .fetch_all(
            "SELECT day, customers FROM insight_audience_sizes
              WHERE org_id = $1 AND audience_id = $2 AND day > $3 AND day <= $4 ORDER BY day",
            args![
                scope.org_arg(),
                id.uuid(),
                i64::from(from.to_epoch_days()),
                i64::from(today.to_epoch_days())
            ],
        )
        .await?;
    let read = |(day, customers): (i64, i64)| {
        let day = NaiveDate::from_epoch_days(i32::try_from(day).ok()?)?;
        Some(SizeOfDay { day, customers: u64::try_from(customers).ok()? })
    };
    Ok(rows.into_iter().filter_map(read).collect())
}
