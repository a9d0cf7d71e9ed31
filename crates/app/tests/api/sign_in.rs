//! Signing in, through everything that stands around the routes.

use axum::http::StatusCode;
use serde_json::json;
use testkit::db_test;

use crate::house::{EMAIL, House, PASSWORD, migrations};

const SESSIONS: &str = "/api/v1/identity/sessions";
const CURRENT: &str = "/api/v1/identity/sessions/current";

db_test! { migrations();
    async fn the_way_of_a_session(db) {
        let house = House::owned(&db).await;
        assert_eq!(house.get(CURRENT, &[]).await.status, StatusCode::UNAUTHORIZED);
        let cookie = house.cookie().await;
        let current = house.get(CURRENT, &[("cookie", &cookie)]).await;
        assert_eq!(current.status, StatusCode::OK);
        assert_eq!(current.json()["user"]["email"], EMAIL);
        assert_eq!(current.header("cache-control"), "no-store");
        let jobs = house.get("/api/v1/platform/jobs", &[("cookie", &cookie)]).await;
        assert_eq!(jobs.status, StatusCode::OK, "other modules know the caller, too");

        let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
        let body = json!({"name": "ci"});
        let made = house.post("/api/v1/identity/tokens", &headers, &body).await;
        assert_eq!(made.status, StatusCode::CREATED);
        let bearer = format!("Bearer {}", made.json()["token"].as_str().unwrap());
        let jobs = house.get("/api/v1/platform/jobs", &[("authorization", &bearer)]).await;
        assert_eq!(jobs.status, StatusCode::OK);
    }

    async fn a_wrong_password_is_a_problem(db) {
        let house = House::owned(&db).await;
        let wrong = json!({"email": EMAIL, "password": "not the password"});
        let answer = house.post(SESSIONS, &[("x-request-id", "test-1")], &wrong).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.header("x-request-id"), "test-1");
        assert_eq!(
            answer.json(),
            json!({
                "type": "/problems/wrong_credentials",
                "title": "E-mail address or password is wrong",
                "status": 401,
                "code": "wrong_credentials",
                "request_id": "test-1",
            })
        );
        let unknown_field = json!({"email": EMAIL, "password": PASSWORD, "remember": true});
        let answer = house.post(SESSIONS, &[], &unknown_field).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer.json()["errors"][0]["field"], "remember");
        let large = json!({"email": EMAIL, "password": "x".repeat(2 << 20)});
        let answer = house.post(SESSIONS, &[], &large).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"));
    }
}
