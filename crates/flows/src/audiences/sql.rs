//! An audience as SQL, and the tables that it asks given out.

use analytics::Snapshot;
use analytics::audience::{self, AsOf, sql};
use chrono::NaiveDate;
use customers::exports::{self, Export, NewExport};
use platform::Ctx;
use platform::audit::{self, Entry};

use super::asked::Asked;
use super::{AudienceRefused, Definition};
use crate::engine::EngineHandle;
use crate::export_customers::ExportError;

/// A definition with its statement.
#[derive(Debug, Clone)]
pub struct AudienceSql {
    /// The statement, as `docs/audiences.md` describes its tables.
    pub sql: String,
    /// The definition as text.
    pub text: String,
    /// As of which day.
    pub as_of: AsOf,
}

/// The statement of an audience as of a day, today unless given.
///
/// # Errors
/// What is wrong with the definition; `Sql` where its statement would be too large.
pub async fn statement(
    engine: &EngineHandle,
    cx: &Ctx,
    definition: Definition,
    as_of: Option<NaiveDate>,
) -> Result<AudienceSql, AudienceRefused> {
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let asked = Asked::read(&mut tx, engine, cx, definition, as_of).await?;
    tx.rollback().await?;
    Ok(AudienceSql {
        sql: sql::select(&asked.tree, &asked.named, asked.as_of)?,
        text: audience::print(&asked.tree, &*asked.words),
        as_of: asked.as_of,
    })
}

/// Takes everything that the engine holds out of the house, to be written as tables: an export like any other,
/// on record before anything is given out. For the command line, which reads the whole database anyway.
///
/// # Errors
/// `Ask` if somebody must approve it first; otherwise as the database says.
pub async fn take_tables(
    engine: &EngineHandle,
    cx: &Ctx,
) -> Result<(Export, Snapshot), ExportError> {
    let (count, snapshot) = engine.ask(|engine| (engine.len() as u64, engine.snapshot()));
    let new = NewExport { format: "parquet", chinese: false, count, query: "", reason: None };
    let mut tx = engine.platform().db.begin_for(cx.scope).await?;
    let export = exports::take(&mut tx, cx, &new).await?;
    let entry = Entry::new("customers.export")
        .on("export", export.id)
        .with("format", new.format)
        .with("count", count);
    audit::record(&mut tx, cx, entry).await?;
    tx.commit().await?;
    Ok((export, snapshot))
}
