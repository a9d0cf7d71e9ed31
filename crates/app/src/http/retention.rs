//! For how long data of each class is kept, and what would go.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use flows::retention::{self, DataClass, Forecast, RetentionError, RuleView};
use kernel::FieldErrors;
use platform::http::{Cx, JsonBody};
use platform::{Platform, Problem};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

/// Longest reason, in characters.
const REASON_MAX: usize = 500;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(read)).routes(routes!(write)).routes(routes!(forecast))
}

/// The rules of all classes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct RetentionRules {
    /// One for each class, in the order in which they run.
    items: Vec<RuleView>,
}

/// For how long data of each class is kept
#[utoipa::path(get, path = "/platform/retention", tag = "platform",
    extensions(("x-right" = json!("platform.retention"))),
    responses((status = 200, body = RetentionRules), Problem))]
async fn read(
    State(platform): State<Platform>,
    Cx(cx): Cx,
) -> Result<Json<RetentionRules>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    Ok(Json(RetentionRules { items: retention::list(&mut tx, &cx).await? }))
}

/// For how long data of a class shall be kept.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct RetentionRuleBody {
    /// Days of 24 hours, within the bounds of the class; null is for ever.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    keep_days: Option<u32>,
    /// How many records may go at once, as a dry run told. Needed where the rule is shorter than before and
    /// something would go.
    confirmed_count: Option<u64>,
    /// Why, at most 500 characters; recorded.
    reason: Option<String>,
}

fn refused(error: RetentionError) -> Problem {
    match error {
        RetentionError::Days { .. } => Problem::field("keep_days", error.to_string()),
        RetentionError::Unconfirmed { .. } => {
            Problem::conflict("retention_unconfirmed", error.to_string())
        }
        RetentionError::Db(error) => error.into(),
    }
}

/// Sets for how long data of a class is kept
///
/// What is older goes with the next daily run. A shorter rule is refused (409 `retention_unconfirmed`) if more
/// records would go now than `confirmed_count` says.
#[utoipa::path(put, path = "/platform/retention/{class}", tag = "platform",
    extensions(("x-right" = json!("platform.retention session proof"))),
    params(("class" = DataClass, Path)), request_body = RetentionRuleBody,
    responses((status = 200, body = RetentionRules), Problem))]
async fn write(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Path(class): Path<String>,
    JsonBody(wanted): JsonBody<RetentionRuleBody>,
) -> Result<Json<RetentionRules>, Problem> {
    let class: DataClass = class.parse().map_err(|_| Problem::not_found("class of data"))?;
    let RetentionRuleBody { keep_days, confirmed_count, reason } = wanted;
    let reason = reason.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    if reason
        .as_ref()
        .is_some_and(|text| text.chars().count() > REASON_MAX || text.contains(char::is_control))
    {
        let most = format!("must be at most {REASON_MAX} characters on one line");
        return Err(Problem::field("reason", most));
    }
    let setting =
        retention::set(&platform, &cx, class, keep_days, confirmed_count, reason.as_deref());
    setting.await.map_err(refused)?;
    let mut tx = platform.db.read_for(cx.scope).await?;
    Ok(Json(RetentionRules { items: retention::list(&mut tx, &cx).await? }))
}

/// What a dry run is about.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct DryRunBody {
    /// Days by class, as if they were set, null for ever: only these classes are looked at. Without it, all
    /// classes as they are set.
    rules: Option<BTreeMap<DataClass, Option<u32>>>,
}

/// What would go.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct RetentionForecasts {
    /// One for each class that was asked about.
    items: Vec<Forecast>,
}

/// Says what would go now, and changes nothing
#[utoipa::path(post, path = "/platform/retention/dry-run", tag = "platform",
    extensions(("x-right" = json!("platform.retention"))),
    request_body = DryRunBody, responses((status = 200, body = RetentionForecasts), Problem))]
async fn forecast(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    JsonBody(body): JsonBody<DryRunBody>,
) -> Result<Json<RetentionForecasts>, Problem> {
    let rules: Vec<(DataClass, Option<u32>)> = match body.rules {
        Some(rules) => rules.into_iter().collect(),
        None => {
            let mut tx = platform.db.read_for(cx.scope).await?;
            let set = retention::list(&mut tx, &cx).await?;
            set.into_iter().map(|rule| (rule.class, rule.keep_days)).collect()
        }
    };
    let mut errors = FieldErrors::default();
    for (class, keep_days) in &rules {
        if let Err(error) = retention::check(*class, *keep_days) {
            errors.push(format!("rules.{}", class.name()), error.to_string());
        }
    }
    errors.finish(|| Some(()))?;
    Ok(Json(RetentionForecasts { items: retention::dry_run(&platform, &cx, &rules).await? }))
}
