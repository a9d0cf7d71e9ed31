//! The OpenAPI document: what the routes do not say by themselves.

use flows::export_customers::ExportFormat;
use kernel::FieldError;
use platform::Problem;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, OpenApi, SecurityRequirement};
use utoipa::{PartialSchema as _, ToSchema};

use super::guard::{SESSION, SIGNED_IN, says, words};

const DESCRIPTION: &str = "Lists are keyset pages; errors are application/problem+json (RFC 9457); \
     POST takes Idempotency-Key; updates take If-Match. docs/api.md says why.";

/// Adds title, ways to sign in, and what the routes refer to without bringing it.
pub(super) fn finish(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("Guanxi")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .build();
    let components = document.components.get_or_insert_with(Components::new);
    let mut add = |schemas: Vec<(String, _)>| components.schemas.extend(schemas);
    let mut inside = Vec::new();
    Problem::schemas(&mut inside);
    add(inside);
    add(vec![
        (Problem::name().into_owned(), Problem::schema()),
        (FieldError::name().into_owned(), FieldError::schema()),
        (<ExportFormat as ToSchema>::name().into_owned(), ExportFormat::schema()),
    ]);
    // Types that stand only in paths and queries are referred to, but not gathered by utoipa.
    macro_rules! ids {
        ($($id:ident)*) => { vec![$((kernel::$id::name().into_owned(), kernel::$id::schema())),*] };
    }
    add(ids![
        CustomerId OrderId ShopId ImportId UserId TokenId TagId NoteId MergeId SuggestionId ViewId
        JobId TeamId InvitationId SessionId ProviderId ProgrammeId PointsEntryId AdjustmentId LevelSchemeId
    ]);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(identity::COOKIE)));
    components.add_security_scheme("session", cookie);
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    let any_of =
        ["session", "token"].map(|name| SecurityRequirement::new::<_, [&str; 0], &str>(name, []));
    document.security = Some(any_of.to_vec());
    for (path, item) in &mut document.paths.paths {
        let methods: [(&str, &mut Option<Operation>); 5] = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in methods {
            if let Some(operation) = operation {
                operation.operation_id = Some(operation_id(method, path));
                name_right(operation);
            }
        }
    }
    document
}

/// Says the right that an operation needs as the scope of its ways to sign in, and which ways those are.
fn name_right(operation: &mut Operation) {
    let right = words(operation).next().map(str::to_owned);
    let needs_session = says(operation, SESSION);
    let ways: &[&str] = if needs_session { &["session"] } else { &["session", "token"] };
    let scopes: Vec<String> = right.iter().filter(|right| *right != SIGNED_IN).cloned().collect();
    if right.is_some() && (needs_session || !scopes.is_empty()) {
        let way = |name: &&str| SecurityRequirement::new(*name, scopes.clone());
        operation.security = Some(ways.iter().map(way).collect());
    }
}

/// `get_customers_id_timeline`: names of handlers repeat between modules, ids must not.
fn operation_id(method: &str, path: &str) -> String {
    let path = path.strip_prefix(super::API).unwrap_or(path);
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}
