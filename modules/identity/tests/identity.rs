//! The module through its router, on both databases.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::middleware::from_fn_with_state;
use http_body_util::BodyExt as _;
use identity::{Edge, Email, NewUser, Password, PersonName, RoleName, SetupCode};
use kernel::OrgId;
use platform::crypto::MasterKey;
use platform::{Migration, Platform};
use serde_json::{Value, json};
use testkit::{TestDb, db_test};
use tower::ServiceExt as _;

const EMAIL: &str = "owner@example.com";
const PASSWORD: &str = "a long password";
const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn migrations() -> &'static [Migration] {
    const ALL: [&[Migration]; 2] = [platform::MIGRATIONS, identity::MIGRATIONS];
    Box::leak(ALL.concat().into_boxed_slice())
}

/// The module with its sign-in layer, as the program serves it.
struct House<'a> {
    db: &'a TestDb,
    platform: Platform,
    edge: Edge,
    router: Router,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    json: Value,
}

impl Answer {
    fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    /// The cookie as a browser sends it back.
    fn cookie(&self) -> String {
        let set = self.headers[header::SET_COOKIE].to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    }

    fn wrong_fields(&self) -> Vec<&str> {
        let errors = self.json["errors"].as_array().unwrap();
        errors.iter().map(|error| error["field"].as_str().unwrap()).collect()
    }
}

impl<'a> House<'a> {
    async fn empty(db: &'a TestDb) -> Self {
        Self::with_edge(db, Edge::new(SetupCode::fresh(&*db.ctx().ids), false)).await
    }

    async fn with_edge(db: &'a TestDb, edge: Edge) -> Self {
        let cx = db.ctx();
        let key = MasterKey::new([42; 32]);
        let platform =
            Platform::new(db.db().clone(), key, cx.clock.clone(), cx.ids.clone(), db.folder());
        let mut tx = db.db().begin().await.unwrap();
        identity::ensure_org(&mut tx, &cx).await.unwrap();
        tx.commit().await.unwrap();
        let (router, _) = (identity::module().routes)().split_for_parts();
        let router = router
            .with_state(platform.clone())
            .layer(from_fn_with_state((platform.clone(), edge.clone()), identity::sign_in_layer));
        Self { db, platform, edge, router }
    }

    async fn with_owner(db: &'a TestDb) -> Self {
        let house = Self::empty(db).await;
        house.add_user(EMAIL).await;
        house
    }

    async fn add_user(&self, email: &str) {
        let cx = self.db.ctx();
        let password = identity::hash(Password::new(PASSWORD).unwrap(), &*cx.ids).await;
        let new = NewUser {
            email: email.parse::<Email>().unwrap(),
            name: "店主".parse::<PersonName>().unwrap(),
            role: RoleName::owner(),
            password,
        };
        let keys = self.platform.keys(OrgId::FIRST);
        let mut tx = self.db.db().begin().await.unwrap();
        identity::create_user(&mut tx, &cx, &keys, new).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, json }
    }

    async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let mut request = request.body(body).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))));
        self.send(request).await
    }

    async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.sign_in_from("10.0.0.1", email, password).await
    }

    async fn sign_in_from(&self, peer: &str, email: &str, password: &str) -> Answer {
        let body = json!({"email": email, "password": password});
        let mut request = Request::post("/identity/sessions")
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let peer = SocketAddr::new(peer.parse().unwrap(), 40_000);
        request.extensions_mut().insert(ConnectInfo(peer));
        self.send(request).await
    }

    /// The one value of a query, asked until it is as wanted: notes of use are written aside.
    async fn until(&self, sql: &'static str, wanted: i64) {
        let wait = async {
            loop {
                let mut tx = self.db.db().read().await.unwrap();
                let (value,): (Option<i64>,) = tx.fetch_one(sql, vec![]).await.unwrap();
                tx.rollback().await.unwrap();
                if value == Some(wanted) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), wait).await.expect(sql);
    }

    async fn count(&self, sql: &'static str) -> i64 {
        let mut tx = self.db.db().read().await.unwrap();
        let (count,): (i64,) = tx.fetch_one(sql, vec![]).await.unwrap();
        tx.rollback().await.unwrap();
        count
    }
}

db_test! { migrations();
    async fn a_session_begins_and_ends(db) {
        let house = House::with_owner(&db).await;
        let answer = house.sign_in(" Owner@Example.COM ", PASSWORD).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        assert_eq!(answer.json["user"]["email"], EMAIL);
        assert_eq!(answer.json["user"]["role"], "owner");
        assert_eq!(answer.json["org"]["name"], "Guanxi");
        assert_eq!(answer.json["expires_at"], "2026-01-15T00:00:00.000Z");
        let set = answer.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
        let flags = "; HttpOnly; SameSite=Lax; Path=/; Max-Age=1209600";
        assert!(set.ends_with(flags), "{set}");
        let cookie = answer.cookie();

        let current = house
            .call("GET", "/identity/sessions/current", &[("cookie", &cookie)], None)
            .await;
        assert_eq!(current.status, StatusCode::OK);
        assert_eq!(current.json, answer.json);
        let crowded = format!("a=b; {cookie}; c=d");
        let current = house
            .call("GET", "/identity/sessions/current", &[("cookie", &crowded)], None)
            .await;
        assert_eq!(current.status, StatusCode::OK);

        let ended = house
            .call("DELETE", "/identity/sessions/current", &[("cookie", &cookie)], None)
            .await;
        assert_eq!(ended.status, StatusCode::NO_CONTENT);
        assert!(ended.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
        let after = house
            .call("GET", "/identity/sessions/current", &[("cookie", &cookie)], None)
            .await;
        assert_eq!((after.status, after.code()), (StatusCode::UNAUTHORIZED, "unauthorized"));
        assert_eq!(house.count("SELECT COUNT(*) FROM identity_sessions").await, 0);
    }

    async fn no_secret_and_no_address_is_stored_in_the_clear(db) {
        let house = House::with_owner(&db).await;
        let cookie = house.sign_in(EMAIL, PASSWORD).await.cookie();
        let secret = cookie.split_once('=').unwrap().1.to_owned();
        let made = house
            .call("POST", "/identity/tokens", &[("cookie", &cookie)], Some(json!({"name": "ci"})))
            .await;
        let token = made.json["token"].as_str().unwrap().to_owned();
        let mut tx = db.db().read().await.unwrap();
        let users: (Vec<u8>, Vec<u8>, String) = tx
            .fetch_one("SELECT email_sealed, email_index, password_hash FROM identity_users", vec![])
            .await
            .unwrap();
        let sessions: (Vec<u8>,) =
            tx.fetch_one("SELECT secret_hash FROM identity_sessions", vec![]).await.unwrap();
        let tokens: (Vec<u8>,) =
            tx.fetch_one("SELECT secret_hash FROM identity_tokens", vec![]).await.unwrap();
        tx.rollback().await.unwrap();
        let all = format!("{users:?} {sessions:?} {tokens:?}");
        for clear in [EMAIL, PASSWORD] {
            assert!(!users.0.windows(clear.len()).any(|bytes| bytes == clear.as_bytes()));
        }
        assert!(!all.contains(&secret) && !all.contains(&token));
        assert!(users.2.starts_with("$argon2id$"));
        assert_eq!(sessions.0.len(), 32);
    }

    async fn wrong_sign_ins_tell_nothing_and_must_wait(db) {
        let house = House::with_owner(&db).await;
        let known = house.sign_in(EMAIL, "not the password").await;
        let unknown = house.sign_in("nobody@example.com", "not the password").await;
        let strange = house.sign_in("no address", "x").await;
        for answer in [&known, &unknown, &strange] {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            assert_eq!(answer.code(), "wrong_credentials");
            assert_eq!(answer.json, known.json);
            assert!(!answer.headers.contains_key(header::SET_COOKIE));
        }
        for _ in 2..=5 {
            assert_eq!(house.sign_in(EMAIL, "wrong again").await.code(), "wrong_credentials");
        }
        let blocked = house.sign_in(EMAIL, PASSWORD).await;
        assert_eq!(blocked.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(blocked.headers[header::RETRY_AFTER], "2");
        let elsewhere = house.sign_in_from("10.9.9.9", EMAIL, PASSWORD).await;
        assert_eq!(elsewhere.status, StatusCode::TOO_MANY_REQUESTS, "the address itself waits");

        db.clock().advance_millis(1_000);
        assert_eq!(house.sign_in(EMAIL, "wrong again").await.code(), "wrong_credentials");
        let blocked = house.sign_in(EMAIL, PASSWORD).await;
        assert_eq!(blocked.headers[header::RETRY_AFTER], "3", "the wait doubles");
        db.clock().advance_millis(2_000);
        assert_eq!(house.sign_in(EMAIL, PASSWORD).await.status, StatusCode::CREATED);
        for _ in 1..=5 {
            let answer = house.sign_in(EMAIL, "wrong again").await;
            assert_eq!(answer.code(), "wrong_credentials", "success forgets the failures");
        }
    }

    async fn one_peer_cannot_try_many_addresses(db) {
        let house = House::with_owner(&db).await;
        for number in 0..20 {
            let email = format!("guess{number}@example.com");
            assert_eq!(house.sign_in(&email, "a guess").await.code(), "wrong_credentials");
        }
        let blocked = house.sign_in("guess99@example.com", "a guess").await;
        assert_eq!(blocked.status, StatusCode::TOO_MANY_REQUESTS);
        let other = house.sign_in_from("10.0.0.2", EMAIL, PASSWORD).await;
        assert_eq!(other.status, StatusCode::CREATED);
        db.clock().advance_millis(2 * DAY);
        let again = house.sign_in("guess99@example.com", "a guess").await;
        assert_eq!(again.code(), "wrong_credentials");
    }

    async fn guesses_at_once_are_all_counted(db) {
        let house = House::with_owner(&db).await;
        let guesses = (0..12).map(|_| house.sign_in(EMAIL, "a guess"));
        let answers = futures::future::join_all(guesses).await;
        let looked_at = answers.iter().filter(|answer| answer.code() == "wrong_credentials").count();
        assert_eq!(looked_at, 5, "no more than the free ones");
        assert!(answers.iter().all(|answer| answer.status != StatusCode::INTERNAL_SERVER_ERROR));
    }

    async fn a_session_slides_and_is_noted_once_a_minute(db) {
        let house = House::with_owner(&db).await;
        let cookie = house.sign_in(EMAIL, PASSWORD).await.cookie();
        let current = async || {
            house.call("GET", "/identity/sessions/current", &[("cookie", &cookie)], None).await
        };
        db.clock().advance_millis(MINUTE - 1);
        let early = current().await;
        assert!(!early.headers.contains_key(header::SET_COOKIE), "nothing is noted yet");

        db.clock().advance_millis(1);
        let due = current().await;
        assert_eq!(due.cookie(), cookie, "the browser's copy lives on, too");
        let now = db.ctx().now().millis();
        house.until("SELECT seen_at FROM identity_sessions", now).await;
        house.until("SELECT expires_at FROM identity_sessions", now + 14 * DAY).await;

        db.clock().advance_millis(14 * DAY - 1);
        assert_eq!(current().await.status, StatusCode::OK);
        house.until("SELECT seen_at FROM identity_sessions", now + 14 * DAY - 1).await;
        db.clock().advance_millis(14 * DAY);
        assert_eq!(current().await.status, StatusCode::UNAUTHORIZED, "not used for 14 days");
        assert_eq!(house.sign_in(EMAIL, PASSWORD).await.status, StatusCode::CREATED);
        assert_eq!(house.count("SELECT COUNT(*) FROM identity_sessions").await, 1, "pruned");
    }

    async fn other_sites_cannot_act_with_the_cookie(db) {
        let house = House::with_owner(&db).await;
        let cookie = house.sign_in(EMAIL, PASSWORD).await.cookie();
        for site in ["cross-site", "same-site"] {
            let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", site)];
            let forged = house.call("DELETE", "/identity/sessions/current", &headers, None).await;
            assert_eq!((forged.status, forged.code()), (StatusCode::FORBIDDEN, "forbidden"));
            let read = house.call("GET", "/identity/sessions/current", &headers, None).await;
            assert_eq!(read.status, StatusCode::OK, "a link from another site works");
        }
        // Browsers that do not say so themselves name at least the site.
        for (host, origin) in [
            ("crm.example.com", "https://evil.example"),
            ("crm.example.com", "https://crm.example.com.evil.example"),
            ("crm.example.com", "null"),
            ("crm.example.com:8420", "http://crm.example.com"),
        ] {
            let headers = [("cookie", cookie.as_str()), ("host", host), ("origin", origin)];
            let forged = house.call("DELETE", "/identity/sessions", &headers, None).await;
            assert_eq!((forged.status, forged.code()), (StatusCode::FORBIDDEN, "forbidden"));
        }
        for origin in ["https://crm.example.com:8420", "http://CRM.example.com:8420"] {
            let host = "crm.example.com:8420";
            let headers = [("cookie", cookie.as_str()), ("host", host), ("origin", origin)];
            let own = house.call("DELETE", "/identity/sessions", &headers, None).await;
            assert_eq!(own.status, StatusCode::NO_CONTENT, "{origin}");
        }
        assert_eq!(house.count("SELECT COUNT(*) FROM identity_sessions").await, 1);
        let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
        let own = house.call("DELETE", "/identity/sessions/current", &headers, None).await;
        assert_eq!(own.status, StatusCode::NO_CONTENT);
    }

    async fn tokens_are_made_used_and_revoked(db) {
        let house = House::with_owner(&db).await;
        house.add_user("second@example.com").await;
        let cookie = house.sign_in(EMAIL, PASSWORD).await.cookie();
        let headers = [("cookie", cookie.as_str()), ("idempotency-key", "k1")];
        let body = json!({"name": " 自动化 "});
        let made = house.call("POST", "/identity/tokens", &headers, Some(body.clone())).await;
        assert_eq!(made.status, StatusCode::CREATED);
        assert_eq!(made.json["name"], "自动化");
        let again = house.call("POST", "/identity/tokens", &headers, Some(body)).await;
        assert_eq!(again.json, made.json, "the same key gives the first answer");
        assert_eq!(house.count("SELECT COUNT(*) FROM identity_tokens").await, 1);
        let token = made.json["token"].as_str().unwrap();
        assert!(token.starts_with("gxt_"), "{token}");

        let bearer = format!("Bearer {token}");
        let listed =
            house.call("GET", "/identity/tokens", &[("authorization", &bearer)], None).await;
        assert_eq!(listed.status, StatusCode::OK);
        assert_eq!(listed.json["items"][0].get("token"), None);
        let now = db.ctx().now().millis();
        house.until("SELECT last_used_at FROM identity_tokens", now).await;
        let session = house
            .call("GET", "/identity/sessions/current", &[("authorization", &bearer)], None)
            .await;
        assert_eq!(session.code(), "not_found", "a token is no session");
        let cross = [("authorization", bearer.as_str()), ("sec-fetch-site", "cross-site")];
        let id = made.json["id"].as_str().unwrap();

        let second = house.sign_in("second@example.com", PASSWORD).await.cookie();
        let path = format!("/identity/tokens/{id}");
        let foreign = house.call("DELETE", &path, &[("cookie", &second)], None).await;
        assert_eq!(foreign.code(), "not_found", "another user's token is not there");
        let gone = house.call("DELETE", &path, &cross, None).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT, "no browser adds a token by itself");
        let after = house.call("GET", "/identity/tokens", &cross, None).await;
        assert_eq!(after.status, StatusCode::UNAUTHORIZED);
        let both = [("authorization", bearer.as_str()), ("cookie", cookie.as_str())];
        let after = house.call("GET", "/identity/tokens", &both, None).await;
        assert_eq!(after.status, StatusCode::UNAUTHORIZED, "no falling back to the cookie");
    }

    async fn token_lists_are_pages(db) {
        let house = House::with_owner(&db).await;
        let cookie = house.sign_in(EMAIL, PASSWORD).await.cookie();
        let headers = [("cookie", cookie.as_str())];
        for number in 1..=100 {
            let body = json!({"name": format!("t{number}")});
            let made = house.call("POST", "/identity/tokens", &headers, Some(body)).await;
            assert_eq!(made.status, StatusCode::CREATED);
        }
        let more = house.call("POST", "/identity/tokens", &headers, Some(json!({"name": "x"}))).await;
        assert_eq!(more.code(), "too_many_tokens");
        let mut names = Vec::new();
        let mut path = "/identity/tokens?limit=40".to_owned();
        loop {
            let page = house.call("GET", &path, &headers, None).await.json;
            let items = page["items"].as_array().unwrap();
            names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { break };
            path = format!("/identity/tokens?limit=40&after={next}");
        }
        let expected: Vec<String> = (1..=100).rev().map(|number| format!("t{number}")).collect();
        assert_eq!(names, expected);
        let wrong = house.call("GET", "/identity/tokens?after=x", &headers, None).await;
        assert_eq!(wrong.wrong_fields(), ["after"]);
    }

    async fn the_first_account_needs_the_code(db) {
        let house = House::empty(&db).await;
        let state = house.call("GET", "/identity/setup", &[], None).await;
        assert_eq!(state.json, json!({"needed": true}));
        let code = house.edge.setup_code.text().unwrap();
        let body = |code: &str, password: &str| {
            json!({"code": code, "email": EMAIL, "password": password, "name": "店主",
                "org_name": "茶舍"})
        };
        let wrong = house
            .call("POST", "/identity/setup", &[], Some(body("AAAA-BBBB-CCCC", "short")))
            .await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(wrong.wrong_fields(), ["code", "password"]);

        let done = house.call("POST", "/identity/setup", &[], Some(body(&code, PASSWORD))).await;
        assert_eq!(done.status, StatusCode::CREATED);
        assert_eq!(done.json["org"]["name"], "茶舍");
        let cookie = done.cookie();
        let current = house
            .call("GET", "/identity/sessions/current", &[("cookie", &cookie)], None)
            .await;
        assert_eq!(current.json, done.json);
        let state = house.call("GET", "/identity/setup", &[], None).await;
        assert_eq!(state.json, json!({"needed": false}));
        let again = house.call("POST", "/identity/setup", &[], Some(body(&code, PASSWORD))).await;
        assert_eq!(again.code(), "setup_done");
        assert_eq!(house.sign_in(EMAIL, PASSWORD).await.status, StatusCode::CREATED);
    }

    async fn of_two_first_accounts_one_is_made(db) {
        let house = House::empty(&db).await;
        let code = house.edge.setup_code.text().unwrap();
        let each = (0..4).map(|number| {
            let body = json!({"code": code, "email": format!("o{number}@example.com"),
                "password": PASSWORD, "name": "o", "org_name": format!("org {number}")});
            house.call("POST", "/identity/setup", &[], Some(body))
        });
        let answers = futures::future::join_all(each).await;
        let made = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
        assert_eq!(made, 1);
        assert_eq!(house.count("SELECT COUNT(*) FROM identity_users").await, 1);
        assert_eq!(house.count("SELECT COUNT(*) FROM identity_sessions").await, 1);
    }

    async fn a_proxy_is_believed_only_where_one_stands(db) {
        let house = House::with_owner(&db).await;
        let headers = [("x-forwarded-proto", "https"), ("x-forwarded-for", "1.2.3.4")];
        let body = json!({"email": EMAIL, "password": PASSWORD});
        let plain = house.call("POST", "/identity/sessions", &headers, Some(body.clone())).await;
        assert!(!plain.headers[header::SET_COOKIE].to_str().unwrap().contains("Secure"));

        let behind = House::with_edge(&db, Edge::new(SetupCode::default(), true)).await;
        let answer = behind.call("POST", "/identity/sessions", &headers, Some(body)).await;
        assert!(answer.headers[header::SET_COOKIE].to_str().unwrap().ends_with("; Secure"));
        for number in 0..20 {
            let body = json!({"email": format!("g{number}@example.com"), "password": "a guess"});
            let forged = [("x-forwarded-for", "7.7.7.7, 1.2.3.4")];
            behind.call("POST", "/identity/sessions", &forged, Some(body)).await;
        }
        let body = json!({"email": EMAIL, "password": PASSWORD});
        let same = behind.call("POST", "/identity/sessions", &headers, Some(body.clone())).await;
        assert_eq!(same.status, StatusCode::TOO_MANY_REQUESTS, "the last address counts");
        let other = [("x-forwarded-for", "1.2.3.4, 5.6.7.8")];
        let other = behind.call("POST", "/identity/sessions", &other, Some(body)).await;
        assert_eq!(other.status, StatusCode::CREATED);
    }

    async fn no_header_dodges_the_limit(db) {
        let plain = House::with_owner(&db).await;
        let behind = House::with_edge(&db, Edge::new(SetupCode::default(), true)).await;
        // Straight to the server, with or without trust in proxies near it; and past the proxy's own line.
        for (house, direct, own) in [(&plain, "198.51.100.1", None), (&behind, "198.51.100.2", None), (&behind, "10.0.0.2", Some("198.51.100.3"))] {
            let mut refused = 0;
            for number in 0..40u32 {
                let address = format!("203.0.113.{number}");
                let email = json!({"email": format!("g{number}@example.com"), "password": "a guess"});
                let mut request = Request::post("/identity/sessions").header("content-type", "application/json");
                for (name, value) in [
                    ("x-forwarded-for", address.clone()),
                    ("x-forwarded-for", format!("{address}, 127.0.0.1")),
                    ("x-real-ip", address.clone()),
                    ("forwarded", format!("for={address}")),
                    ("true-client-ip", address.clone()),
                    ("cf-connecting-ip", address.clone()),
                ] {
                    if number & 1 << (name.len() % 6) == 0 {
                        request = request.header(name, value);
                    }
                }
                if let Some(own) = own {
                    request = request.header("x-forwarded-for", own);
                }
                let mut request = request.body(Body::from(email.to_string())).unwrap();
                let direct = SocketAddr::new(direct.parse().unwrap(), 40_000 + number as u16);
                request.extensions_mut().insert(ConnectInfo(direct));
                refused += i32::from(house.send(request).await.status == StatusCode::TOO_MANY_REQUESTS);
            }
            assert_eq!(refused, 20, "{direct} {own:?}: twenty are free, whatever the headers");
        }
    }

    async fn an_address_has_one_user(db) {
        let house = House::with_owner(&db).await;
        let cx = db.ctx();
        let password = identity::hash(Password::new(PASSWORD).unwrap(), &*cx.ids).await;
        let new = NewUser {
            email: "OWNER@example.com".parse().unwrap(),
            name: "x".parse().unwrap(),
            role: RoleName::owner(),
            password,
        };
        let keys = house.platform.keys(OrgId::FIRST);
        let mut tx = db.db().begin().await.unwrap();
        let refused = identity::create_user(&mut tx, &cx, &keys, new).await.unwrap_err();
        assert!(matches!(refused, identity::CreateUserError::EmailTaken));
        drop(tx);
        assert_eq!(house.count("SELECT COUNT(*) FROM identity_users").await, 1);
    }

    async fn what_is_no_credential_is_nobody(db) {
        let house = House::with_owner(&db).await;
        let long = format!("guanxi_session=1_{}", "A".repeat(43));
        for headers in [
            vec![],
            vec![("cookie", "guanxi_session=")],
            vec![("cookie", long.as_str())],
            vec![("cookie", "guanxi_session=9999999999999_x")],
            vec![("authorization", "Bearer")],
            vec![("authorization", "Basic b3duZXI6eA==")],
            vec![("authorization", "Bearer gxt_1_zzz")],
        ] {
            let answer = house.call("GET", "/identity/tokens", &headers, None).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{headers:?}");
        }
        let typed = house.send(
            Request::post("/identity/sessions")
                .header("content-type", "text/plain")
                .body(Body::from("{}"))
                .unwrap(),
        );
        assert_eq!(typed.await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "a form cannot post");
    }
}
