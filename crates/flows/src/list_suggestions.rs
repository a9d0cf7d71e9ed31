//! Pairs of customers that may be one, with what speaks for it.

use customers::suggestions::{self, Evidence, Place};
use kernel::{Cursor, CustomerId, Page, SuggestionId, Timestamp};
use platform::{Ctx, Tx};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::engine::EngineHandle;
use crate::fields;
use crate::list_customers::{self, After, CustomerRow, ListError, PageLimit, Parsed};

/// Page of the list of suggestions.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SuggestionParams {
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    pub after: Option<Parsed<After<Place>>>,
    /// Rows of a page: 1 to 200, 50 unless said.
    #[param(value_type = Option<u32>)]
    pub limit: Option<Parsed<PageLimit>>,
}

/// A suggestion that two customers are one.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Suggestion)]
pub struct SuggestionView {
    /// Its id.
    pub id: SuggestionId,
    /// The one customer.
    pub a: CustomerRow,
    /// The other.
    pub b: CustomerRow,
    /// What they share.
    pub evidence: Vec<Evidence>,
    /// How likely, 0 to 100.
    pub score: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Open suggestions, the likeliest first.
///
/// # Errors
/// `NotReady` while the customers are being read; otherwise as the database says.
pub async fn list_suggestions(
    engine: &EngineHandle,
    cx: &Ctx,
    params: &SuggestionParams,
) -> Result<Page<SuggestionView>, ListError> {
    engine.fresh().await?;
    let limit = params.limit.map_or(50, |limit| limit.0.0.get());
    let keys = engine.platform().keys(cx.scope.org());
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let after = params.after.map(|after| after.0.0);
    let found = suggestions::list(&mut tx, cx.scope, &keys, after, limit as u16).await?;
    let items = views(engine, &mut tx, cx, found.items).await?;
    tx.rollback().await?;
    Ok(Page { items, next: found.next.as_ref().map(Cursor::encode) })
}

/// Whether whoever asks sees what speaks for a suggestion.
fn shows(cx: &Ctx, evidence: &Evidence) -> bool {
    cx.access.fields().show(fields::of_identity(evidence.kind))
}

/// Suggestions with rows of both customers.
pub(crate) async fn views(
    engine: &EngineHandle,
    tx: &mut Tx,
    cx: &Ctx,
    found: Vec<suggestions::Suggestion>,
) -> Result<Vec<SuggestionView>, platform::DbError> {
    let mut ids: Vec<CustomerId> = found.iter().flat_map(|pair| [pair.a, pair.b]).collect();
    ids.sort_unstable();
    ids.dedup();
    let rows = list_customers::rows_of(engine, tx, cx, &ids).await?;
    Ok(found
        .into_iter()
        .filter_map(|pair| {
            Some(SuggestionView {
                id: pair.id,
                a: rows.get(&pair.a)?.clone(),
                b: rows.get(&pair.b)?.clone(),
                evidence: pair.evidence.into_iter().filter(|one| shows(cx, one)).collect(),
                score: pair.score,
                created_at: pair.created_at,
            })
        })
        .collect())
}
