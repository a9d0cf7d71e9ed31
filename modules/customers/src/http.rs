//! The routes that need this module only. Lists and cards also show orders, so they are the program's.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{CustomerId, FieldErrors, MergeId, NoteId, Page, SuggestionId, TagId, ViewId};
use platform::http::{Cx, Idempotency, Idempotent, JsonBody, PathId, PathIds, QueryParams};
use platform::idempotency::{self, Answer, Begun};
use platform::{Platform, Problem};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::merge::{self, Merge};
use crate::notes::{self, Note, NoteText};
use crate::suggestions;
use crate::tags::{self, BulkChange, Colour, Tag, TagName, TagWithCount};
use crate::views::{self, NewView, View};

pub(crate) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(add_note))
        .routes(routes!(delete_note))
        .routes(routes!(set_tags))
        .routes(routes!(list_tags, create_tag))
        .routes(routes!(change_tags))
        .routes(routes!(dismiss_suggestion))
        .routes(routes!(merge_customers))
        .routes(routes!(undo_merge))
        .routes(routes!(list_views, create_view))
        .routes(routes!(delete_view))
}

/// A note to be written.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NoteBody {
    /// 1 to 5,000 characters.
    text: String,
}

/// Notes something on a customer.
#[utoipa::path(post, path = "/customers/{id}/notes", tag = "customers",
    extensions(("x-right" = json!("customers.edit"))),
    params(("id" = CustomerId, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = NoteBody, responses((status = 201, body = Note), Problem))]
async fn add_note(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(customer): PathId<CustomerId>,
    Idempotent { key, body }: Idempotent<NoteBody>,
) -> Result<Answer, Problem> {
    let text: NoteText =
        body.text.parse().map_err(|error: String| Problem::field("text", error))?;
    let keys = platform.keys(cx.scope.org());
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let note = notes::add(&mut tx, &cx, &keys, customer, text).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &note).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Deletes a note.
#[utoipa::path(delete, path = "/customers/{id}/notes/{note}", tag = "customers",
    extensions(("x-right" = json!("customers.edit"))),
    params(("id" = CustomerId, Path), ("note" = NoteId, Path)),
    responses((status = 204), Problem))]
async fn delete_note(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathIds(customer, note): PathIds<CustomerId, NoteId>,
) -> Result<StatusCode, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    notes::delete(&mut tx, &cx, customer, note).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The tags that a customer shall have.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct TagsBody {
    /// All of them.
    tags: Vec<TagId>,
}

/// The tags that a customer has.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct TagsOf {
    /// By name.
    tags: Vec<Tag>,
}

/// Sets the tags of a customer.
#[utoipa::path(put, path = "/customers/{id}/tags", tag = "customers",
    extensions(("x-right" = json!("customers.edit"))),
    params(("id" = CustomerId, Path)),
    request_body = TagsBody, responses((status = 200, body = TagsOf), Problem))]
async fn set_tags(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(customer): PathId<CustomerId>,
    JsonBody(body): JsonBody<TagsBody>,
) -> Result<Json<TagsOf>, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let tags = match tags::set(&mut tx, &cx, customer, &body.tags).await {
        Err(tags::TagError::UnknownCustomers(_)) => return Err(Problem::not_found("customer")),
        done => done?,
    };
    tx.commit().await?;
    Ok(Json(TagsOf { tags }))
}

/// All tags, by name.
#[utoipa::path(get, path = "/customers/tags", tag = "customers",
    extensions(("x-right" = json!("customers.read"))),
    responses((status = 200, body = Page<TagWithCount>), Problem))]
async fn list_tags(
    State(platform): State<Platform>,
    Cx(cx): Cx,
) -> Result<Json<Page<TagWithCount>>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let items = tags::all(&mut tx, &cx).await?;
    Ok(Json(Page { items, next: None }))
}

/// A tag to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTagBody {
    /// 1 to 30 characters, unique.
    name: String,
    /// `blue`, `cyan`, `green`, `gold`, `orange`, `red`, `magenta`, `purple` or `default`.
    colour: String,
}

/// Makes a tag.
#[utoipa::path(post, path = "/customers/tags", tag = "customers",
    extensions(("x-right" = json!("customers.tags"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = NewTagBody, responses((status = 201, body = TagWithCount), Problem))]
async fn create_tag(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<NewTagBody>,
) -> Result<Answer, Problem> {
    let mut errors = FieldErrors::default();
    let name = errors.keep("name", body.name.parse::<TagName>());
    let colour = errors.keep("colour", body.colour.parse::<Colour>());
    let (name, colour) = errors.finish(|| Some((name?, colour?)))?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let Tag { id, name, colour, automatic } = tags::create(&mut tx, &cx, name, colour).await?;
    let tag = TagWithCount { id, name, colour, automatic, customers: 0 };
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &tag).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Tags to put on many customers, and to take off them.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeTagsBody {
    /// At most 1,000.
    customers: Vec<CustomerId>,
    /// Tags to put on.
    #[serde(default)]
    add: Vec<TagId>,
    /// Tags to take off.
    #[serde(default)]
    remove: Vec<TagId>,
}

/// What a bulk change did.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Changed {
    /// Pairs of customer and tag that changed.
    changed: u64,
}

/// Puts tags on many customers and takes tags off them.
#[utoipa::path(post, path = "/customers/bulk/tags", tag = "customers",
    extensions(("x-right" = json!("customers.edit"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = ChangeTagsBody, responses((status = 200, body = Changed), Problem))]
async fn change_tags(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<ChangeTagsBody>,
) -> Result<Answer, Problem> {
    let ChangeTagsBody { customers, add, remove } = body;
    let change = BulkChange { customers, add, remove };
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let changed = tags::change(&mut tx, &cx, &change).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::OK, &Changed { changed }).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Says that the two customers of a suggestion are not one.
#[utoipa::path(post, path = "/customers/suggestions/{id}/dismiss", tag = "customers",
    extensions(("x-right" = json!("customers.merge"))),
    params(("id" = SuggestionId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 204), Problem))]
async fn dismiss_suggestion(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(suggestion): PathId<SuggestionId>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    suggestions::dismiss(&mut tx, &cx, suggestion).await?;
    let answer = ticket.finish_empty(&mut tx, &cx, StatusCode::NO_CONTENT).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Two customers that are one.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct MergeBody {
    /// Who remains.
    keep: CustomerId,
    /// Who is absorbed.
    absorb: CustomerId,
}

/// Merges two customers.
#[utoipa::path(post, path = "/customers/merges", tag = "customers",
    extensions(("x-right" = json!("customers.merge"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = MergeBody, responses((status = 201, body = Merge), Problem))]
async fn merge_customers(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<MergeBody>,
) -> Result<Answer, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let merge = merge::merge(&mut tx, &cx, body.keep, body.absorb).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &merge).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Undoes a merge.
#[utoipa::path(delete, path = "/customers/merges/{id}", tag = "customers",
    extensions(("x-right" = json!("customers.merge"))),
    params(("id" = MergeId, Path)), responses((status = 204), Problem))]
async fn undo_merge(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(merge): PathId<MergeId>,
) -> Result<StatusCode, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    merge::unmerge(&mut tx, &cx, merge).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ViewsQuery {
    /// The page whose views are asked for.
    page: String,
}

/// Saved views of a page: own ones and shared ones, by name.
#[utoipa::path(get, path = "/customers/views", tag = "customers",
    extensions(("x-right" = json!("customers.read"))), params(ViewsQuery),
    responses((status = 200, body = Page<View>), Problem))]
async fn list_views(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    QueryParams(query): QueryParams<ViewsQuery>,
) -> Result<Json<Page<View>>, Problem> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let items = views::list(&mut tx, &cx, &query.page).await?;
    Ok(Json(Page { items, next: None }))
}

/// A view to be saved.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewViewBody {
    /// The page it is of, `customers`.
    page: String,
    /// 1 to 60 characters.
    name: String,
    /// The text after `?` in the page's address, at most 2,000 bytes.
    query: String,
    /// Whether everyone of the organisation sees it.
    #[serde(default)]
    shared: bool,
}

/// Saves a view.
#[utoipa::path(post, path = "/customers/views", tag = "customers",
    extensions(("x-right" = json!("customers.read"))),
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = NewViewBody, responses((status = 201, body = View), Problem))]
async fn create_view(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    Idempotent { key, body }: Idempotent<NewViewBody>,
) -> Result<Answer, Problem> {
    let new = NewView::parse(&body.page, &body.name, &body.query, body.shared)?;
    let mut tx = platform.db.begin_for(cx.scope).await?;
    let ticket = match idempotency::begin(&mut tx, &cx, key).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(ticket) => ticket,
    };
    let view = views::create(&mut tx, &cx, new).await?;
    let answer = ticket.finish(&mut tx, &cx, StatusCode::CREATED, &view).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Deletes a view of the caller.
#[utoipa::path(delete, path = "/customers/views/{id}", tag = "customers",
    extensions(("x-right" = json!("customers.read"))),
    params(("id" = ViewId, Path)), responses((status = 204), Problem))]
async fn delete_view(
    State(platform): State<Platform>,
    Cx(cx): Cx,
    PathId(view): PathId<ViewId>,
) -> Result<StatusCode, Problem> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    views::delete(&mut tx, &cx, view).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
