//! What stands between browsers and the data, on every route.

use app::http;
use app::http::limits::Limits;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use kernel::OrgId;
use serde_json::{Value, json};
use testkit::TestDb;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::house::{Answer, EMAIL, House, PASSWORD, migrations};

/// Method and path of every route, with an id of nothing where one belongs.
fn routes() -> Vec<(String, String)> {
    let document = serde_json::to_value(http::openapi()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path: Vec<&str> = path
            .split('/')
            .map(|part| if part.starts_with('{') { "nothing" } else { part })
            .collect();
        for method in item.as_object().unwrap().keys() {
            routes.push((method.to_uppercase(), path.join("/")));
        }
    }
    assert!(routes.len() > 60, "{}", routes.len());
    routes
}

async fn house() -> (TestDb, House) {
    let db = TestDb::sqlite(migrations()).await;
    let house = House::owned(&db).await;
    (db, house)
}

/// With an engine that answers.
async fn awake() -> (TestDb, House, DropGuard) {
    let (db, house) = house().await;
    let stop = CancellationToken::new();
    drop(house.state.follow(stop.clone()));
    let engine = house.state.engines.of(OrgId::FIRST);
    engine.progress().wait_for(|progress| progress.ready).await.unwrap();
    (db, house, stop.drop_guard())
}

async fn ask(house: &House, method: &str, path: &str, cookie: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).header("cookie", cookie);
    house.send(request.body(Body::empty()).unwrap()).await
}

/// Streams never end; nothing is asked of them but their head, elsewhere.
fn streams(path: &str) -> bool {
    path == "/api/v1/events"
}

fn assert_closed(route: &str, answer: &Answer) {
    for (name, wanted) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), wanted, "{name} of {route}");
    }
    assert!(answer.header("permissions-policy").contains("camera=()"), "{route}");
    assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{route}");
}

#[tokio::test]
async fn every_route_tells_browsers_what_its_answers_never_do() {
    let (_db, house, _awake) = awake().await;
    let cookie = house.cookie().await;
    let mut statuses = Vec::new();
    for (method, path) in routes() {
        let route = format!("{method} {path}");
        for cookie in ["", cookie.as_str()] {
            let ends_it = path.contains("/sessions") && method == "DELETE";
            if !cookie.is_empty() && (streams(&path) || ends_it) {
                continue;
            }
            let answer = ask(&house, &method, &path, cookie).await;
            statuses.push(answer.status);
            assert!(!answer.status.is_server_error(), "{route}: {}", answer.status);
            assert_closed(&route, &answer);
            assert_eq!(answer.header("cache-control"), "no-store", "{route}");
            assert_eq!(answer.header("strict-transport-security"), "", "no https here");
            assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
            let kind = answer.header("content-type").to_owned();
            let is_json = ["", "application/json", "application/problem+json"].contains(&&*kind);
            let is_attached = answer.header("content-disposition").starts_with("attachment");
            assert!(is_json || is_attached, "{route}: {kind} is no attachment");
        }
    }
    for status in [StatusCode::OK, StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND] {
        assert!(statuses.contains(&status), "{status} is among the answers");
    }
}

#[tokio::test]
async fn a_page_has_a_nonce_that_is_good_once() {
    let (_db, house) = house().await;
    let mut seen = Vec::new();
    for path in ["/", "/", "/customers/cus_1", "/sign-in"] {
        let answer = house.get(path, &[("if-none-match", "*")]).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_closed(path, &answer);
        assert_eq!((answer.header("cache-control"), answer.header("etag")), ("no-store", ""));
        let policy = answer.header("content-security-policy").to_owned();
        assert!(!policy.contains("unsafe"), "{policy}");
        for part in ["object-src 'none'", "base-uri 'none'", "form-action 'self'"] {
            assert!(policy.contains(part), "{policy}");
        }
        let nonce =
            policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
        assert_eq!(policy.matches(nonce).count(), 2, "one for scripts and styles: {policy}");
        assert_eq!(nonce.len(), 22, "128 bits: {nonce}");
        assert!(!seen.contains(&nonce.to_owned()), "never twice");
        seen.push(nonce.to_owned());
    }
}

#[tokio::test]
async fn behind_https_cookies_belong_to_this_host_alone() {
    let (_db, house) = house().await;
    let behind = house.changed(|state| state.edge.behind_proxy = true);
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let answer = behind.post("/api/v1/identity/sessions", &[], &body).await;
    let set = answer.header("set-cookie").to_owned();
    assert!(set.starts_with("__Host-guanxi_session=1_"), "{set}");
    for part in ["; HttpOnly", "; Secure", "; Path=/", "; SameSite=Lax"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Domain"), "{set}");
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
    let cookie = set.split(';').next().unwrap();
    let path = "/api/v1/identity/sessions/current";
    assert_eq!(behind.get(path, &[("cookie", cookie)]).await.status, StatusCode::OK);
    // What a neighbour below the same domain could set is not taken.
    let other = cookie.strip_prefix("__Host-").unwrap();
    assert_eq!(behind.get(path, &[("cookie", other)]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let (_db, house) = house().await;
    let cookie = house.cookie().await;
    let limited = house.changed(|state| state.limits = Limits::per_second(1));
    let path = "/api/v1/identity/sessions/current";
    let mut refused = None;
    for number in 0..30 {
        let answer = limited.get(path, &[("cookie", &cookie)]).await;
        if answer.status != StatusCode::OK {
            assert!(number >= 10, "the first ten are always admitted");
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.code(), "too_many_requests");
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert!((1..=2).contains(&refused.header("retry-after").parse::<u32>().unwrap()));
    assert_closed(path, &refused);
    // Guesses at tokens count by what they show, and nobody else is held up.
    let headers = [("authorization", "Bearer gxt_1_guess")];
    assert_eq!(limited.get(path, &headers).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(limited.get("/", &[("cookie", &cookie)]).await.status, StatusCode::OK, "pages");
}

#[tokio::test]
async fn no_route_gives_a_secret_out() {
    let (_db, house, _awake) = awake().await;
    let cookie = house.cookie().await;
    let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    let made = house.post("/api/v1/identity/tokens", &headers, &json!({ "name": "canary" })).await;
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let body = json!({ "email": "new@example.com", "role": "analyst" });
    let asked = house.post("/api/v1/identity/invitations", &headers, &body).await;
    assert_eq!(asked.status, StatusCode::CREATED);
    let invitation = secret_in(&asked.json());
    let session = cookie.split('=').nth(1).unwrap().to_owned();
    let master = "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio";
    let secrets = [
        token.rsplit('_').next().unwrap(),
        session.rsplit('_').next().unwrap(),
        invitation.as_str(),
        PASSWORD,
        "$argon2",
        master,
    ];
    assert!(secrets.iter().all(|secret| secret.len() >= 7), "{secrets:?}");

    let mut looked = 0;
    for (method, path) in routes() {
        if method != "GET" || streams(&path) {
            continue;
        }
        let answer = ask(&house, &method, &path, &cookie).await;
        let heads: String = answer.headers.iter().map(|(_, v)| format!("{v:?}\n")).collect();
        let text = format!("{heads}{}", String::from_utf8_lossy(&answer.body));
        for secret in secrets {
            assert!(!text.contains(secret), "{path} gives {secret} out");
        }
        looked += usize::from(answer.status == StatusCode::OK);
    }
    assert!(looked > 20, "{looked} routes answered");
}

/// The secret of an invitation's link: the longest text of the answer, behind its organisation.
fn secret_in(answer: &Value) -> String {
    let texts = answer.as_object().unwrap().values().filter_map(Value::as_str);
    let longest = texts.max_by_key(|text| text.len()).unwrap();
    longest.split_once('_').unwrap().1.to_owned()
}
