//! What every answer has, whichever route gives it.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use testkit::TestDb;

use crate::house::{House, migrations};

async fn house() -> (TestDb, House) {
    let db = TestDb::sqlite(migrations()).await;
    let house = House::owned(&db).await;
    (db, house)
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let (_db, house) = house().await;
    for path in ["/api", "/api/", "/api/v1", "/api/v1/nothing", "/api/v2/customers"] {
        let answer = house.get(path, &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.code(), "not_found", "{path}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
        assert_eq!(answer.json()["request_id"], answer.header("x-request-id"), "{path}");
    }
    let request = Request::put("/api/v1/identity/invitations/join").body(Body::empty()).unwrap();
    let answer = house.send(request).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.code(), "method_not_allowed");
    assert_eq!(answer.header("allow"), "POST");
}

#[tokio::test]
async fn pages_come_for_every_path_that_is_no_file() {
    let (_db, house) = house().await;
    for path in ["/", "/customers", "/customers/cus_1", "/sign-in?next=%2F"] {
        let answer = house.get(path, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
    }
    for path in ["/assets/nothing.js", "/nothing.png", "/../Cargo.toml", "/%2e%2e/Cargo.toml"] {
        assert_eq!(house.get(path, &[]).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let request = Request::post("/customers").body(Body::empty()).unwrap();
    assert_eq!(house.send(request).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn health_is_public_and_says_what_is_awaited() {
    let (_db, house) = house().await;
    assert_eq!(house.get("/healthz", &[]).await.status, StatusCode::OK);
    let part = house.state.readiness.part("test");
    let answer = house.get("/readyz", &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["parts"]["test"], false);
    part.set(true);
    assert_eq!(house.get("/readyz", &[]).await.status, StatusCode::OK);
    house.get("/api/v1/identity/setup", &[]).await;
    let metrics = house.get("/metrics", &[]).await;
    let text = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(text.contains("guanxi_http_requests_total"), "{text}");
    assert!(text.contains("route=\"/api/v1/identity/setup\""), "{text}");
}

#[tokio::test]
async fn the_document_is_served_and_compressed() {
    let (_db, house) = house().await;
    let plain = house.get("/api/v1/openapi.json", &[]).await;
    assert_eq!(plain.status, StatusCode::OK);
    assert_eq!(plain.json()["openapi"], "3.1.0");
    let packed = house.get("/api/v1/openapi.json", &[("accept-encoding", "gzip, br")]).await;
    assert!(!packed.header("content-encoding").is_empty());
    assert!(packed.body.len() * 3 < plain.body.len());
}
