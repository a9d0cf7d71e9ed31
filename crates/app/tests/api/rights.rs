//! Who may use which route: every route × every role, and those who may not at all.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use identity::roles::{self, Reach, Role};
use serde_json::Value;
use testkit::db_test;

use crate::house::{Answer, House, migrations};

/// One call of the interface as its description tells of it.
struct Route {
    method: String,
    path: String,
    /// The right that it needs; `None` for those that need nothing.
    right: Option<String>,
}

/// Ids that look right and name nothing.
fn concrete(path: &str) -> String {
    let id = |name: &str| {
        let kind = match name {
            "note" => "note",
            "name" => return "nobody".to_owned(),
            _ if path.contains("/orders/") => "ord",
            _ if path.contains("/imports/") => "imp",
            _ if path.contains("/merges/") => "mrg",
            _ if path.contains("/suggestions/") => "sug",
            _ if path.contains("/customers/tags/") => "tag",
            _ if path.contains("/views/") => "view",
            _ if path.contains("/users/") => "usr",
            _ if path.contains("/teams/") => "team",
            _ if path.contains("/territories/") => "ter",
            _ if path.contains("/invitations/") => "inv",
            _ if path.contains("/identity/sessions/") => "ses",
            _ if path.contains("/tokens/") => "tok",
            _ if path.contains("/providers/") || path.contains("/links/") => "idp",
            _ if path.contains("/models/") => "mdl",
            _ if path.contains("/loyalty/coupons/") => "cpd",
            _ if path.contains("/coupon-batches/") => "cpb",
            _ if path.contains("/coupon-gifts/") => "cpg",
            _ if path.contains("/jobs/") => "job",
            _ if path.contains("/exports/") => "exp",
            _ if path.contains("/person-requests/") => "prq",
            "entry" => "pen",
            "scheme" => "lvs",
            _ if path.contains("/loyalty/programmes/") => "prg",
            _ if path.contains("/loyalty/entries/") => "pen",
            _ if path.contains("/loyalty/adjustments/") => "adj",
            _ if path.contains("/loyalty/schemes/") => "lvs",
            "delivery" => "msg",
            _ if path.contains("/webhooks/") => "whk",
            _ if path.contains("/promotions/") => "pro",
            _ if path.contains("/reservations/") => "rsv",
            _ => "cus",
        };
        format!("{kind}_01h455vb4pex5vsknk084sn02q")
    };
    let part = |part: &str| match part.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
        Some(name) => id(name),
        None => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn routes() -> Vec<Route> {
    let document = serde_json::to_value(app::http::openapi()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let said = operation[app::http::guard::RIGHT].as_str();
            let right = said.and_then(|said| said.split(' ').next()).map(str::to_owned);
            let is_open = operation["security"] == serde_json::json!([{}]);
            assert!(right.is_some() != is_open, "{method} {path} says nothing, or both");
            routes.push(Route { method: method.to_uppercase(), path: path.clone(), right });
        }
    }
    assert!(routes.len() > 60, "{}", routes.len());
    routes
}

impl Route {
    async fn call(&self, house: &House, credential: Option<(&str, &str)>) -> Answer {
        let mut request = Request::builder()
            .method(self.method.as_str())
            .uri(concrete(&self.path))
            .header("content-type", "application/json")
            .header("if-match", "\"1\"");
        if let Some((name, value)) = credential {
            request = request.header(name, value);
        }
        house.send(request.body(Body::from("{}")).unwrap()).await
    }

    /// Those that end the credential they are called with.
    fn is_an_end(&self) -> bool {
        self.method == "DELETE" && self.path == "/api/v1/identity/sessions/current"
    }

    /// A stream that does not end, and what takes no JSON.
    fn is_skipped(&self) -> bool {
        self.path == "/api/v1/events"
    }
}

async fn given_roles(house: &House) -> Vec<Role> {
    let mut tx = house.state.platform.db.read().await.unwrap();
    let scope = platform::Scope::system(kernel::OrgId::FIRST);
    roles::list(&mut tx, scope).await.unwrap()
}

db_test! { migrations();
    async fn every_route_keeps_to_the_rights_of_every_role(db) {
        let house = House::owned(&db).await;
        house.state.engines.of(kernel::OrgId::FIRST).reload().await.unwrap();
        let roles = given_roles(&house).await;
        assert!(roles.len() >= 17, "{roles:?}");
        for Role { name, rights, reach, .. } in &roles {
            let role = name.as_str();
            let email = format!("{role}.too@example.com");
            house.add_user(&db, &email, role).await;
            let cookie = house.cookie_of(&email).await;
            for route in routes().iter().filter(|route| !route.is_skipped() && !route.is_an_end()) {
                let answer = route.call(&house, Some(("cookie", &cookie))).await;
                let may = match route.right.as_deref() {
                    None | Some("signed_in") => true,
                    Some(right) => rights.allow(right),
                };
                // Roles that do not reach all have no right that takes it.
                assert!(*reach == Reach::All || may || !rights.allow(route.right.as_deref().unwrap_or_default()));
                let what = format!("{role}: {} {} {}", route.method, route.path, answer.status);
                assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
                assert_eq!(answer.code() == "right_missing", !may, "{what}");
                assert_eq!(answer.status == StatusCode::FORBIDDEN, !may, "{what} {:?}", answer.body);
                assert!(!answer.status.is_server_error(), "{what} {:?}", answer.body);
            }
        }
    }

    async fn nobody_and_whoever_is_deactivated_may_nothing(db) {
        let house = House::owned(&db).await;
        house.add_user(&db, "left@example.com", "owner").await;
        let cookie = house.cookie_of("left@example.com").await;
        let mut tx = db.db().begin().await.unwrap();
        let sql = "UPDATE identity_users SET deactivated_at = 1 WHERE email_index <> (
            SELECT email_index FROM identity_users ORDER BY created_at, id LIMIT 1)";
        tx.execute(sql, vec![]).await.unwrap();
        tx.commit().await.unwrap();
        let token = format!("Bearer gxt_1_{}", "A".repeat(43));
        for credential in [None, Some(("cookie", cookie.as_str())), Some(("authorization", token.as_str()))] {
            for route in routes().iter().filter(|route| route.right.is_some()) {
                let answer = route.call(&house, credential).await;
                let what = format!("{credential:?}: {} {}", route.method, route.path);
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
                assert_eq!(answer.code(), "unauthorized", "{what}");
            }
        }
    }

    async fn a_missing_right_is_named(db) {
        let house = House::owned(&db).await;
        house.add_user(&db, "a@example.com", "analyst").await;
        let cookie = house.cookie_of("a@example.com").await;
        let answer = house.get("/api/v1/platform/jobs", &[("cookie", &cookie)]).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "right_missing"));
        assert!(answer.json()["detail"].as_str().unwrap().contains("platform.jobs"));
        let session = house.get("/api/v1/identity/sessions/current", &[("cookie", &cookie)]).await;
        let rights: Vec<Value> = session.json()["rights"].as_array().unwrap().clone();
        assert_eq!(rights, ["commerce.read", "customers.read", "insight.read", "loyalty.read"]);
        assert_eq!(session.json()["sees_all"], true);
    }
}
