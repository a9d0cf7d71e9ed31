//! Settings of the organisation.

use axum::Json;
use axum::extract::State;
use customers::settings;
use kernel::FieldErrors;
use platform::http::{Cx, JsonBody};
use platform::jobs::{self, JobOptions};
use platform::{Ctx, DbError, Platform, Problem, Tx};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::merge_job::MERGE;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(read, write))
}

/// How customers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
struct CustomerSettings {
    /// Whether customers who share a phone number or an e-mail address are merged without asking:
    /// those there are when it is turned on, and those that imports bring.
    merge_by_itself: bool,
    /// Customers that somebody may take as files within a day; more need the approval of somebody else.
    export_limit: u32,
    /// Hours for which the file of an export can be fetched.
    export_hours: u32,
    /// Days after which what a person asks of us about their data is due.
    request_days: u32,
    /// Tags there can be.
    tags_max: u32,
    /// Products that a tag by products may ask for.
    tag_products_max: u32,
}

/// How customers shall be kept. What is absent stays as it is.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct CustomerSettingsBody {
    /// Whether customers who share a phone number or an e-mail address are merged without asking.
    merge_by_itself: Option<bool>,
    /// At most 100,000,000; with 0 every export needs the approval of somebody else.
    export_limit: Option<u32>,
    /// 1 to 168.
    export_hours: Option<u32>,
    /// 1 to 90; what was received before keeps its date.
    request_days: Option<u32>,
    /// 1 to 1,000; tags that are there stay.
    tags_max: Option<u32>,
    /// 1 to 100; rules that are there stay.
    tag_products_max: Option<u32>,
}

async fn all(tx: &mut Tx, cx: &Ctx) -> Result<CustomerSettings, DbError> {
    Ok(CustomerSettings {
        merge_by_itself: settings::merge_by_itself(tx, cx.scope).await?,
        export_limit: settings::export_limit(tx, cx.scope).await?,
        export_hours: settings::export_hours(tx, cx.scope).await?,
        request_days: settings::request_days(tx, cx.scope).await?,
        tags_max: settings::tags_max(tx, cx.scope).await?,
        tag_products_max: settings::tag_products_max(tx, cx.scope).await?,
    })
}

/// How customers are kept
#[utoipa::path(get, path = "/customers/settings", tag = "customers",
    extensions(("x-right" = json!("customers.settings"))),
    responses((status = 200, body = CustomerSettings), Problem))]
async fn read(
    State(platform): State<Platform>,
    Cx(cx): Cx,
) -> Result<Json<CustomerSettings>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    Ok(Json(all(&mut tx, &cx).await?))
}

/// Changes how customers are kept
///
/// Turning `merge_by_itself` on begins to merge in the background; turning it off undoes nothing.
#[utoipa::path(put, path = "/customers/settings", tag = "customers",
    extensions(("x-right" = json!("customers.settings session proof"))),
    request_body = CustomerSettingsBody,
    responses((status = 200, body = CustomerSettings), Problem))]
async fn write(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    JsonBody(wanted): JsonBody<CustomerSettingsBody>,
) -> Result<Json<CustomerSettings>, Problem> {
    let mut errors = FieldErrors::default();
    for (field, value, least, most) in [
        ("export_limit", wanted.export_limit, 0, settings::EXPORT_LIMIT_MAX),
        ("export_hours", wanted.export_hours, 1, settings::EXPORT_HOURS_MAX),
        ("request_days", wanted.request_days, 1, settings::REQUEST_DAYS_MAX),
        ("tags_max", wanted.tags_max, 1, settings::TAGS_MAX),
        ("tag_products_max", wanted.tag_products_max, 1, settings::TAG_PRODUCTS_MAX),
    ] {
        if value.is_some_and(|value| !(least..=most).contains(&value)) {
            errors.push(field, format!("must be between {least} and {most}"));
        }
    }
    errors.finish(|| Some(()))?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let was = all(&mut tx, &cx).await?;
    if let Some(on) = wanted.merge_by_itself.filter(|on| *on != was.merge_by_itself) {
        settings::set_merge_by_itself(&mut tx, &cx, on).await?;
        if on {
            let once = JobOptions { unique_key: Some(String::new()), ..JobOptions::default() };
            jobs::enqueue(&mut tx, &cx, MERGE, &(), once).await?;
        }
    }
    if let Some(limit) = wanted.export_limit {
        settings::set_export_limit(&mut tx, &cx, limit).await?;
    }
    if let Some(hours) = wanted.export_hours {
        settings::set_export_hours(&mut tx, &cx, hours).await?;
    }
    if let Some(days) = wanted.request_days {
        settings::set_request_days(&mut tx, &cx, days).await?;
    }
    if let Some(most) = wanted.tags_max {
        settings::set_tags_max(&mut tx, &cx, most).await?;
    }
    if let Some(most) = wanted.tag_products_max {
        settings::set_tag_products_max(&mut tx, &cx, most).await?;
    }
    let now = all(&mut tx, &cx).await?;
    tx.commit().await?;
    Ok(Json(now))
}
