//! The one place where routes are allowed: what each needs stands in the description of the interface,
//! and a route that says nothing there is open to nobody.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use platform::Problem;
use platform::access::Access;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, SecurityRequirement};

/// The extension of an operation that names the right it needs.
pub const RIGHT: &str = "x-right";
/// In its place where it is enough to be signed in.
pub const SIGNED_IN: &str = "signed_in";
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
        let right = operation.extensions.as_ref().and_then(|all| all.get(RIGHT)?.as_str());
        match right {
            Some(SIGNED_IN) => Self::SignedIn,
            Some(right) => Self::Right(right.to_owned()),
            None if is_open => Self::Nothing,
            None => Self::Unsaid,
        }
    }
}

/// What every route needs, by method and path as the router writes them.
pub type Needs = HashMap<(Method, String), Need>;

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
                needs.insert((method, path.clone()), Need::of(operation));
            }
        }
    }
    needs.insert((Method::GET, UNDESCRIBED.to_owned()), Need::Nothing);
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
    let need = NEEDS.get(&(method, path.as_str().to_owned()));
    match refusal(need, request.extensions().get::<Access>()) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

fn refusal(need: Option<&Need>, access: Option<&Access>) -> Option<Problem> {
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
    use kernel::Reach;
    use platform::access::{FieldRules, Permissions};

    use super::*;

    #[test]
    fn every_route_says_what_it_needs() {
        let unsaid: Vec<_> = NEEDS
            .iter()
            .filter(|(_, need)| **need == Need::Unsaid)
            .map(|(route, _)| route)
            .collect();
        assert!(unsaid.is_empty(), "these routes name no right: {unsaid:?}");
        assert!(NEEDS.len() > 45);
    }

    #[test]
    fn roles_know_every_right_that_a_route_needs() {
        for need in NEEDS.values() {
            if let Need::Right(right) = need {
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
            refusal(Some(need), access).map(|problem| problem.into_response().status().as_u16())
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
}
