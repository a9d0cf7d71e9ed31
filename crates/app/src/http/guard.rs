//! The one place where routes are allowed: what each needs stands in the description of the interface,
//! and a route that says nothing there is open to nobody.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use identity::Credential;
use platform::Problem;
use platform::access::Access;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, SecurityRequirement};

/// The extension of an operation that names the right it needs, and behind it [`SESSION`], [`PROOF`] and
/// [`BEFORE_SECOND_FACTOR`] where they hold: `signed_in session`.
pub const RIGHT: &str = "x-right";
/// In its place where it is enough to be signed in.
pub const SIGNED_IN: &str = "signed_in";
/// Said of what an API token may not do: what manages the account it belongs to.
pub const SESSION: &str = "session";
/// Said of what a session may do only a short while after its user showed who they are.
pub const PROOF: &str = "proof";
/// Said of what somebody may do who must set up a second factor first.
pub const BEFORE_SECOND_FACTOR: &str = "before_second_factor";
/// Routes that are not described: the description itself, which tells nothing of anybody.
const UNDESCRIBED: &str = "/api/v1/openapi.json";

/// What a route needs of its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Nothing,
    /// To be signed in.
    SignedIn,
    /// This right.
    Right(String),
    /// It was not said, so nobody may.
    Unsaid,
}

impl Need {
    fn of(operation: &Operation) -> Self {
        let nothing = SecurityRequirement::default();
        let is_open = operation.security.as_ref().is_some_and(|ways| ways.contains(&nothing));
        match words(operation).next() {
            Some(SIGNED_IN) => Self::SignedIn,
            Some(right) => Self::Right(right.to_owned()),
            None if is_open => Self::Nothing,
            None => Self::Unsaid,
        }
    }
}

/// What an operation says of its callers: the right, then what else holds.
pub(super) fn words(operation: &Operation) -> impl Iterator<Item = &str> {
    let said = operation.extensions.as_ref().and_then(|all| all.get(RIGHT)?.as_str());
    said.unwrap_or_default().split_ascii_whitespace()
}

/// Whether an operation says `word` behind the right it needs.
pub(super) fn says(operation: &Operation, word: &str) -> bool {
    words(operation).skip(1).any(|said| said == word)
}

/// All that a route says of its callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What it needs.
    pub need: Need,
    /// Whether an API token is not enough.
    pub needs_session: bool,
    /// Whether the session's user must have shown a short while ago who they are.
    pub needs_proof: bool,
    /// Whether it is there for somebody who must set up a second factor first.
    pub before_second_factor: bool,
}

impl Rule {
    const fn plain(need: Need) -> Self {
        Self { need, needs_session: false, needs_proof: false, before_second_factor: false }
    }

    fn of(operation: &Operation) -> Self {
        Self {
            need: Need::of(operation),
            needs_session: says(operation, SESSION),
            needs_proof: says(operation, PROOF),
            before_second_factor: says(operation, BEFORE_SECOND_FACTOR),
        }
    }
}

/// What every route needs, by method and path as the router writes them.
pub type Needs = HashMap<(Method, String), Rule>;

/// The table of a described interface.
#[must_use]
pub fn needs(document: &OpenApi) -> Needs {
    let mut needs = HashMap::new();
    for (path, item) in &document.paths.paths {
        let operations = [
            (Method::GET, &item.get),
            (Method::PUT, &item.put),
            (Method::POST, &item.post),
            (Method::PATCH, &item.patch),
            (Method::DELETE, &item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                needs.insert((method, path.clone()), Rule::of(operation));
            }
        }
    }
    needs.insert((Method::GET, UNDESCRIBED.to_owned()), Rule::plain(Need::Nothing));
    needs
}

static NEEDS: LazyLock<Arc<Needs>> = LazyLock::new(|| Arc::new(needs(&super::openapi())));

/// Middleware: 401 or 403 for a caller who has not what the route needs. Stands inside the layer that
/// says who asks.
pub async fn guard(request: Request, next: Next) -> Response {
    // What matches no route has no data to give.
    let Some(path) = request.extensions().get::<MatchedPath>() else {
        return next.run(request).await;
    };
    let method = match *request.method() {
        Method::HEAD => Method::GET,
        ref method => method.clone(),
    };
    let rule = NEEDS.get(&(method, path.as_str().to_owned()));
    let credential = request.extensions().get::<Credential>();
    match refusal(rule, request.extensions().get::<Access>(), credential) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

fn refusal(
    rule: Option<&Rule>,
    access: Option<&Access>,
    credential: Option<&Credential>,
) -> Option<Problem> {
    let need = rule.map(|rule| &rule.need);
    if let Some(rule) = rule.filter(|rule| rule.need != Need::Nothing)
        && let Some(access) = access
    {
        if access.is_before_second_factor() && !rule.before_second_factor {
            return Some(Problem::second_factor_needed());
        }
        if rule.needs_session && matches!(credential, Some(Credential::Token { .. })) {
            return Some(Problem::session_needed());
        }
    }
    let needs_proof = rule.is_some_and(|rule| rule.needs_proof)
        && !matches!(credential, Some(Credential::Session { is_proven: true, .. }));
    // Last, so that nobody is asked for a password in vain.
    lack(need, access).or_else(|| (needs_proof && access.is_some()).then(Problem::proof_needed))
}

/// What `access` has not of what a route needs.
fn lack(need: Option<&Need>, access: Option<&Access>) -> Option<Problem> {
    match (need, access) {
        // A method that the route does not take: the router says so.
        (None | Some(Need::Nothing), _) => None,
        (Some(_), None) => Some(Problem::unauthorized()),
        (Some(Need::SignedIn), Some(_)) => None,
        (Some(Need::Right(right)), Some(access)) if !access.permissions().allow(right) => {
            Some(Problem::right_missing(right))
        }
        // What such a route gives and takes is not cut by the reach of its caller. `*` holds it for
        // whoever has everything, so it is asked for here and not only where roles are made.
        (Some(Need::Right(right)), Some(access)) => {
            let sees_enough = access.reach().is_all() || identity::roles::is_cut(right);
            (!sees_enough).then(|| Problem::reach_missing(right))
        }
        (Some(Need::Unsaid), Some(_)) => {
            Some(Problem::forbidden("this route does not say who may use it"))
        }
    }
}

#[cfg(test)]
mod tests {
    use kernel::{Reach, Timestamp, TokenId, TypedId as _};
    use platform::access::{FieldRules, Permissions};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn every_route_says_what_it_needs() {
        let unsaid: Vec<_> = NEEDS
            .iter()
            .filter(|(_, rule)| rule.need == Need::Unsaid)
            .map(|(route, _)| route)
            .collect();
        assert!(unsaid.is_empty(), "these routes name no right: {unsaid:?}");
        assert!(NEEDS.len() > 45);
    }

    #[test]
    fn roles_know_every_right_that_a_route_needs() {
        for rule in NEEDS.values() {
            if let Need::Right(right) = &rule.need {
                assert!(identity::roles::RIGHTS.contains(&right.as_str()), "{right}");
            }
        }
    }

    #[test]
    fn nobody_passes_without_what_a_route_needs() {
        let seeing = |rights: &[&str], reach: Reach| {
            let rights = rights.iter().copied().collect::<Permissions>();
            Access::new(rights, reach, FieldRules::default())
        };
        let access = |rights: &[&str]| seeing(rights, Reach::ALL);
        let right = Need::Right("a.read".to_owned());
        let status = |need: &Need, access: Option<&Access>| {
            refusal(Some(&Rule::plain(need.clone())), access, None)
                .map(|problem| problem.into_response().status().as_u16())
        };
        assert_eq!(status(&right, None), Some(401));
        assert_eq!(status(&right, Some(&access(&["a.edit"]))), Some(403));
        assert_eq!(status(&right, Some(&access(&["a.read"]))), None);
        assert_eq!(status(&right, Some(&access(&["*"]))), None);
        let own = Reach::part(Vec::new(), Vec::new());
        assert_eq!(status(&right, Some(&seeing(&["a.read"], own.clone()))), Some(403));
        let read = Need::Right("customers.read".to_owned());
        assert_eq!(status(&read, Some(&seeing(&["*"], own.clone()))), None);
        assert_eq!(status(&Need::SignedIn, Some(&seeing(&[], own))), None);
        assert_eq!(status(&Need::SignedIn, None), Some(401));
        assert_eq!(status(&Need::SignedIn, Some(&access(&[]))), None);
        assert_eq!(status(&Need::Unsaid, Some(&access(&["*"]))), Some(403));
        assert_eq!(status(&Need::Nothing, None), None);
    }

    #[test]
    fn a_token_manages_no_account_and_who_lacks_a_second_factor_sets_it_up() {
        let access = Access::everything();
        let token = Credential::Token { id: TokenId::from_uuid(Uuid::nil()) };
        let due = access.clone().before_second_factor(true);
        let code = |rule: &Rule, access: &Access, is_token: bool| {
            let credential = is_token.then_some(&token);
            refusal(Some(rule), Some(access), credential).map(|problem| problem.code().to_owned())
        };
        let plain = Rule::plain(Need::SignedIn);
        let own = Rule { needs_session: true, ..plain.clone() };
        let set_up = Rule { before_second_factor: true, ..own.clone() };
        assert_eq!((code(&plain, &access, true), code(&plain, &access, false)), (None, None));
        assert_eq!(code(&own, &access, true).as_deref(), Some("session_needed"));
        assert_eq!(code(&own, &access, false), None);
        for rule in [&plain, &own] {
            assert_eq!(code(rule, &due, false).as_deref(), Some("second_factor_needed"));
        }
        assert_eq!(code(&set_up, &due, false), None);
        assert_eq!(code(&set_up, &due, true).as_deref(), Some("session_needed"));
        assert_eq!(code(&Rule::plain(Need::Nothing), &due, true), None);
    }

    #[test]
    fn whoever_signed_in_long_ago_shows_who_they_are_again() {
        let session = |is_proven| Credential::Session {
            secret_hash: [0; 32],
            expires_at: Timestamp::from_millis(0),
            is_proven,
            was_proven: true,
        };
        let right = Need::Right("a.write".to_owned());
        let rule = Rule { needs_session: true, needs_proof: true, ..Rule::plain(right) };
        let code = |rights: &[&str], credential: Option<&Credential>| {
            let rights = rights.iter().copied().collect::<Permissions>();
            let access = Access::new(rights, Reach::ALL, FieldRules::default());
            refusal(Some(&rule), Some(&access), credential).map(|problem| problem.code().to_owned())
        };
        assert_eq!(code(&["*"], Some(&session(true))), None);
        assert_eq!(code(&["*"], Some(&session(false))).as_deref(), Some("proof_needed"));
        assert_eq!(code(&["*"], None).as_deref(), Some("proof_needed"));
        let may_not = code(&["a.read"], Some(&session(false)));
        assert_eq!(may_not.as_deref(), Some("right_missing"), "nobody shows it in vain");
    }
}
