//! Rules of automatic tags, and deleting tags, which have rules.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use flows::tag_rules::{self, TagRuleBody, TagRuleView};
use kernel::TagId;
use platform::Problem;
use platform::http::{Cx, JsonBody, PathId};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(delete_tag))
        .routes(routes!(list_rules))
        .routes(routes!(set_rule, clear_rule))
}

/// Deletes a tag with its rule, and takes it off everyone
#[utoipa::path(delete, path = "/customers/tags/{id}", tag = "customers",
    extensions(("x-right" = json!("customers.tags"))),
    params(("id" = TagId, Path)), responses((status = 204), Problem))]
async fn delete_tag(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(tag): PathId<TagId>,
) -> Result<StatusCode, Problem> {
    let mut tx = state.platform.db.begin_for(cx.scope).await?;
    tag_rules::delete_tag(&mut tx, &cx, tag).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Rules of tags.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct TagRules {
    /// By the names of the tags.
    items: Vec<TagRuleView>,
}

/// The rules of all automatic tags
#[utoipa::path(get, path = "/customers/tags/rules", tag = "customers",
    extensions(("x-right" = json!("insight.read"))),
    responses((status = 200, body = TagRules), Problem))]
async fn list_rules(State(state): State<AppState>, Cx(cx): Cx) -> Result<Json<TagRules>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    Ok(Json(TagRules { items: tag_rules::list(&engine, &cx).await? }))
}

/// Makes a tag automatic, or gives it another rule
///
/// The tag then follows an audience, which is turned live, or who bought chosen products: the rule alone puts it on and
/// takes it off. Who has it now is brought up to date in the background. It also needs the right `insight.read`.
#[utoipa::path(put, path = "/customers/tags/{id}/rule", tag = "customers",
    extensions(("x-right" = json!("customers.tags"))), params(("id" = TagId, Path)),
    request_body = TagRuleBody, responses((status = 200, body = TagRuleView), Problem))]
async fn set_rule(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(tag): PathId<TagId>,
    JsonBody(body): JsonBody<TagRuleBody>,
) -> Result<Json<TagRuleView>, Problem> {
    let engine = state.engines.of(cx.scope.org());
    let mut tx = state.platform.db.begin_for(cx.scope).await?;
    let rule = tag_rules::set(&mut tx, &engine, &cx, tag, body).await?;
    tx.commit().await?;
    Ok(Json(rule))
}

/// Turns the rule of a tag off
///
/// Whoever has the tag keeps it, and people put it on and take it off again.
#[utoipa::path(delete, path = "/customers/tags/{id}/rule", tag = "customers",
    extensions(("x-right" = json!("customers.tags"))), params(("id" = TagId, Path)),
    responses((status = 204), Problem))]
async fn clear_rule(
    State(state): State<AppState>,
    Cx(cx): Cx,
    PathId(tag): PathId<TagId>,
) -> Result<StatusCode, Problem> {
    let mut tx = state.platform.db.begin_for(cx.scope).await?;
    tag_rules::clear(&mut tx, &cx, tag).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
