//! Users, invitations, teams, sessions, passwords and tokens through the real router.

use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::{TestDb, db_test};
use tower::ServiceExt as _;

use crate::house::{Answer, EMAIL, House, PASSWORD, migrations};

/// What comes at all comes by then.
const SOON: std::time::Duration = std::time::Duration::from_secs(30);
const OTHER: &str = "another long password";

/// Somebody who is signed in.
pub struct Caller<'a> {
    pub house: &'a House,
    pub header: (&'static str, String),
}

impl<'a> Caller<'a> {
    /// Whoever was signed in by `answer`.
    pub fn signed_in(house: &'a House, answer: &Answer) -> Self {
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        Self { house, header: ("cookie", cookie) }
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        version: Option<i64>,
        body: Option<Value>,
    ) -> Answer {
        let mut request = axum::http::Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(self.header.0, &self.header.1)
            .header("content-type", "application/json");
        if let Some(version) = version {
            request = request.header("if-match", format!("\"{version}\""));
        }
        let body = body.map_or_else(axum::body::Body::empty, |body| body.to_string().into());
        self.house.send(request.body(body).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, None, Some(body)).await
    }

    /// The user of an address, as those see it who manage people.
    pub async fn member(&self, email: &str) -> Value {
        let users = self.get("/identity/users").await.json();
        let found = users["items"].as_array().unwrap().iter().find(|user| user["email"] == email);
        found.unwrap_or_else(|| panic!("{email} is not in {users}")).clone()
    }

    pub async fn change(&self, email: &str, body: Value) -> Answer {
        let member = self.member(email).await;
        let path = format!("/identity/users/{}", member["id"].as_str().unwrap());
        self.send("PATCH", &path, member["version"].as_i64(), Some(body)).await
    }

    pub async fn is_known(&self) -> bool {
        self.get("/identity/roles").await.status == StatusCode::OK
    }
}

/// A new user who is signed in.
pub async fn caller<'a>(house: &'a House, db: &TestDb, email: &str, role: &str) -> Caller<'a> {
    house.add_user(db, email, role).await;
    Caller { house, header: ("cookie", house.cookie_of(email).await) }
}

/// The owner, signed in once more.
pub async fn owner(house: &House) -> Caller<'_> {
    Caller { house, header: ("cookie", house.cookie().await) }
}

db_test! { migrations();
    async fn whoever_is_asked_joins_once_with_the_role_that_was_meant(db) {
        let house = House::owned(&db).await;
        let owner = owner(&house).await;
        let team = owner.post("/identity/teams", json!({"name": "客服"})).await.json();
        let ask = json!({"email": "New@Example.com", "role": "service_agent", "team_id": team["id"]});
        let asked = owner.post("/identity/invitations", ask.clone()).await;
        assert_eq!(asked.status, StatusCode::CREATED, "{:?}", asked.body);
        let first = asked.json()["secret"].clone();
        let secret = owner.post("/identity/invitations", ask).await.json()["secret"].clone();
        let listed = owner.get("/identity/invitations").await.json();
        assert_eq!(listed["items"].as_array().unwrap().len(), 1, "the second takes the place of the first");
        assert!(!listed.to_string().contains(secret.as_str().unwrap()));

        let join = |secret: &Value, password: &str| json!({"secret": secret, "name": "小王", "password": password});
        let path = "/api/v1/identity/invitations/join";
        assert_eq!(house.post(path, &[], &join(&first, OTHER)).await.status, StatusCode::GONE);
        let look = house.post("/api/v1/identity/invitations/look", &[], &json!({"secret": secret})).await.json();
        assert_eq!((&look["email"], &look["role"]), (&json!("new@example.com"), &json!("service_agent")));
        let short = house.post(path, &[], &join(&secret, "short")).await;
        assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY, "nothing is used up by a typing mistake");
        let joined = house.post(path, &[], &join(&secret, OTHER)).await;
        assert_eq!(joined.status, StatusCode::CREATED, "{:?}", joined.body);
        let roles = owner.get("/identity/roles").await.json();
        let role = roles["items"].as_array().unwrap().iter().find(|role| role["name"] == "service_agent");
        assert_eq!(joined.json()["rights"], role.unwrap()["rights"]);
        assert_eq!(house.post(path, &[], &join(&secret, OTHER)).await.status, StatusCode::GONE);
        let member = owner.member("new@example.com").await;
        assert_eq!((&member["team_id"], &member["role"]), (&team["id"], &json!("service_agent")));
        let again = owner.post("/identity/invitations", json!({"email": "new@example.com", "role": "analyst"})).await;
        assert_eq!(again.code(), "email_taken");
    }

    async fn an_invitation_ends_after_a_week_or_when_it_is_taken_back(db) {
        let house = House::owned(&db).await;
        let owner = owner(&house).await;
        let ask = async |email: &str| {
            owner.post("/identity/invitations", json!({"email": email, "role": "analyst"})).await.json()
        };
        let look = async |made: &Value| {
            house.post("/api/v1/identity/invitations/look", &[], &json!({"secret": made["secret"]})).await.status
        };
        let (one, two) = (ask("one@example.com").await, ask("two@example.com").await);
        let path = format!("/identity/invitations/{}", one["invitation"]["id"].as_str().unwrap());
        assert_eq!(owner.send("DELETE", &path, None, None).await.status, StatusCode::NO_CONTENT);
        assert_eq!(owner.send("DELETE", &path, None, None).await.status, StatusCode::NOT_FOUND);
        assert_eq!((look(&one).await, look(&two).await), (StatusCode::GONE, StatusCode::OK));
        db.clock().advance_millis(7 * 24 * 3600 * 1000);
        assert_eq!(look(&two).await, StatusCode::GONE);
        for secret in ["", "x", "2_AAAA", "1_AAAA"] {
            assert_eq!(look(&json!({"secret": secret})).await, StatusCode::GONE, "{secret}");
        }
    }

    async fn a_changed_role_or_access_ends_sessions_at_once(db) {
        let house = House::owned(&db).await;
        let owner = owner(&house).await;
        let email = "m@example.com";
        let member = caller(&house, &db, email, "marketing").await;
        let token = member.post("/identity/tokens", json!({"name": "t"})).await.json();
        let program = Caller { house: &house, header: ("authorization", format!("Bearer {}", token["token"].as_str().unwrap())) };
        assert_eq!(owner.change(email, json!({"name": "别名"})).await.status, StatusCode::OK);
        assert!(member.is_known().await, "a name changes nothing of that");

        assert_eq!(owner.change(email, json!({"role": "knowledge_editor"})).await.json()["role"], "knowledge_editor");
        assert!(!member.is_known().await);
        let refused = program.get("/customers").await;
        assert_eq!(refused.code(), "right_missing", "a token has the rights that its user has now");

        let member = Caller { house: &house, header: ("cookie", house.cookie_of(email).await) };
        let off = owner.change(email, json!({"active": false})).await.json();
        assert!(off["deactivated_at"].is_string(), "{off}");
        assert!(!member.is_known().await && !program.is_known().await);
        let body = json!({"email": email, "password": PASSWORD});
        assert_eq!(house.post("/api/v1/identity/sessions", &[], &body).await.code(), "wrong_credentials");
        assert_eq!(owner.change(email, json!({"active": true})).await.json()["deactivated_at"], Value::Null);
        assert!(program.is_known().await);
    }

    async fn nobody_raises_themselves_or_touches_whoever_may_more(db) {
        let house = House::owned(&db).await;
        let owner = owner(&house).await;
        let admin = caller(&house, &db, "admin@example.com", "administrator").await;
        let path_of = async |email: &str| {
            let member = owner.member(email).await;
            (format!("/identity/users/{}", member["id"].as_str().unwrap()), member["version"].as_i64())
        };
        let refused = admin.change("admin@example.com", json!({"role": "owner"})).await;
        assert_eq!(refused.code(), "oneself");
        let refused = admin.change(EMAIL, json!({"active": false})).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{:?}", refused.body);
        let refused = admin.change(EMAIL, json!({"name": "Nobody"})).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let (path, _) = path_of(EMAIL).await;
        let refused = admin.send("DELETE", &format!("{path}/sessions"), None, None).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let refused = admin.post("/identity/invitations", json!({"email": "x@example.com", "role": "owner"})).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{:?}", refused.body);
        let refused = owner.change(EMAIL, json!({"role": "analyst"})).await;
        assert_eq!(refused.code(), "oneself");
        assert_eq!(owner.member(EMAIL).await["role"], "owner");

        // Two owners who take each other's role at the same moment: one of them stays.
        let second = caller(&house, &db, "second@example.com", "owner").await;
        let ((first_path, first_version), (second_path, second_version)) =
            (path_of(EMAIL).await, path_of("second@example.com").await);
        let (one, two) = futures::join!(
            owner.send("PATCH", &second_path, second_version, Some(json!({"active": false}))),
            second.send("PATCH", &first_path, first_version, Some(json!({"active": false}))),
        );
        let worked = [one.status, two.status].iter().filter(|status| **status == StatusCode::OK).count();
        assert_eq!(worked, 1, "{:?} {:?}", one.body, two.body);
    }

    async fn a_user_is_changed_only_as_it_was_seen(db) {
        let house = House::owned(&db).await;
        let owner = owner(&house).await;
        house.add_user(&db, "a@example.com", "analyst").await;
        let member = owner.member("a@example.com").await;
        let path = format!("/identity/users/{}", member["id"].as_str().unwrap());
        let version = member["version"].as_i64();
        let rename = |name: &str| Some(json!({"name": name}));
        assert_eq!(owner.send("PATCH", &path, None, rename("x")).await.status, StatusCode::PRECONDITION_REQUIRED);
        assert_eq!(owner.send("PATCH", &path, version, rename("一")).await.status, StatusCode::OK);
        let stale = owner.send("PATCH", &path, version, rename("二")).await;
        assert_eq!((stale.status, &stale.json()["current"]["name"]), (StatusCode::PRECONDITION_FAILED, &json!("一")));
        let fresh = stale.json()["current"]["version"].as_i64();
        for (body, field) in [
            (json!({"role": "nobody"}), "role"),
            (json!({"role": "Owner!"}), "role"),
            (json!({"name": " "}), "name"),
            (json!({"team_id": "team_01h455vb4pex5vsknk084sn02q"}), "team_id"),
            (json!({"email": "b@example.com"}), "email"),
            (json!({"version": 7}), "version"),
        ] {
            let wrong = owner.send("PATCH", &path, fresh, Some(body.clone())).await;
            assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {:?}", wrong.body);
            assert!(String::from_utf8_lossy(&wrong.body).contains(field), "{body}: {:?}", wrong.body);
        }
        let unknown = owner.send("PATCH", "/identity/users/usr_01h455vb4pex5vsknk084sn02q", Some(1), rename("x")).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
        assert_eq!(owner.member("a@example.com").await["name"], "一");
    }

    async fn roles_of_ones_own_hold_at_once_and_give_no_more_than_their_maker_has(db) {
        let house = House::owned(&db).await;
        let owner = owner(&house).await;
        let role = |rights: &[&str]| json!({"name": "packer", "title": "打包员", "rights": rights});
        let made = owner.post("/identity/roles", role(&["commerce.read"])).await;
        assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
        assert_eq!(owner.post("/identity/roles", role(&[])).await.code(), "role_taken");
        for rights in [&["commerce.fly"][..], &["customers"], &["customers.*"]] {
            let wrong = json!({"name": "other", "title": "x", "rights": rights});
            assert_eq!(owner.post("/identity/roles", wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        let packer = caller(&house, &db, "p@example.com", "packer").await;
        assert_eq!(packer.get("/commerce/orders").await.status, StatusCode::OK);
        assert_eq!(packer.get("/customers/tags").await.code(), "right_missing");
        let put = async |who: &Caller<'_>, version: i64, rights: &[&str]| {
            let body = json!({"title": "打包员", "rights": rights});
            who.send("PUT", "/identity/roles/packer", Some(version), Some(body)).await
        };
        assert_eq!(put(&owner, 1, &["customers.read"]).await.status, StatusCode::OK);
        assert_eq!(packer.get("/commerce/orders").await.code(), "right_missing");
        assert_eq!(packer.get("/customers/tags").await.status, StatusCode::OK);
        assert_eq!(put(&owner, 1, &[]).await.status, StatusCode::PRECONDITION_FAILED);

        let body = json!({"name": "hr", "title": "人事", "rights": ["identity.people"]});
        owner.post("/identity/roles", body).await;
        let hr = caller(&house, &db, "hr@example.com", "hr").await;
        assert_eq!(put(&hr, 2, &[]).await.status, StatusCode::FORBIDDEN, "it has a right that they have not");
        let body = json!({"name": "boss", "title": "x", "rights": ["*"]});
        assert_eq!(hr.post("/identity/roles", body).await.status, StatusCode::FORBIDDEN);
        let path = "/identity/roles/packer";
        assert_eq!(owner.send("DELETE", path, None, None).await.code(), "role_in_use");
        assert_eq!(owner.change("p@example.com", json!({"role": "analyst"})).await.status, StatusCode::OK);
        assert_eq!(owner.send("DELETE", path, None, None).await.status, StatusCode::NO_CONTENT);
        assert_eq!(owner.send("DELETE", path, None, None).await.status, StatusCode::NOT_FOUND);
        let built_in = owner.send("DELETE", "/identity/roles/analyst", None, None).await;
        assert_eq!(built_in.code(), "built_in_role");
    }

    async fn teams_are_a_tree(db) {
        let house = House::owned(&db).await;
        let owner = owner(&house).await;
        let make = async |name: &str, above: Option<&Value>| {
            let made = owner.post("/identity/teams", json!({"name": name, "parent_id": above})).await;
            assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
            made.json()["id"].clone()
        };
        let top = make("销售", None).await;
        let middle = make("华东", Some(&top)).await;
        let low = make("上海", Some(&middle)).await;
        let path = |id: &Value| format!("/identity/teams/{}", id.as_str().unwrap());
        let put = async |id: &Value, above: &Value| {
            owner.send("PUT", &path(id), None, Some(json!({"name": "队", "parent_id": above}))).await
        };
        for below in [&top, &middle, &low] {
            assert_eq!(put(&top, below).await.status, StatusCode::UNPROCESSABLE_ENTITY, "a ring");
        }
        let nowhere = json!("team_01h455vb4pex5vsknk084sn02q");
        assert_eq!(put(&top, &nowhere).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(put(&nowhere, &top).await.status, StatusCode::NOT_FOUND);
        assert_eq!(put(&low, &top).await.status, StatusCode::OK);
        assert_eq!(put(&middle, &low).await.status, StatusCode::OK);
        let delete = async |id: &Value| owner.send("DELETE", &path(id), None, None).await;
        assert_eq!(delete(&low).await.code(), "team_in_use");
        house.add_user(&db, "a@example.com", "analyst").await;
        assert_eq!(owner.change("a@example.com", json!({"team_id": middle})).await.json()["team_id"], middle);
        assert_eq!(delete(&middle).await.code(), "team_in_use");
        assert_eq!(owner.change("a@example.com", json!({"team_id": null})).await.json()["team_id"], Value::Null);
        for id in [&middle, &low, &top] {
            assert_eq!(delete(id).await.status, StatusCode::NO_CONTENT);
        }
        assert_eq!(owner.get("/identity/teams").await.json(), json!({"items": []}));
    }

    async fn sessions_are_seen_and_ended(db) {
        let house = House::owned(&db).await;
        let (here, there) = (owner(&house).await, owner(&house).await);
        let sessions = here.get("/identity/sessions").await.json()["items"].clone();
        let sessions = sessions.as_array().unwrap();
        assert_eq!(sessions.len(), 2);
        let current: Vec<_> = sessions.iter().filter(|one| one["is_current"] == true).collect();
        assert_eq!(current.len(), 1);
        let other = sessions.iter().find(|one| one["is_current"] == false).unwrap();
        let path = format!("/identity/sessions/{}", other["id"].as_str().unwrap());
        let foreign = caller(&house, &db, "a@example.com", "analyst").await;
        assert_eq!(foreign.send("DELETE", &path, None, None).await.status, StatusCode::NOT_FOUND);
        assert!(there.is_known().await);
        assert_eq!(here.send("DELETE", &path, None, None).await.status, StatusCode::NO_CONTENT);
        assert!(here.is_known().await && !there.is_known().await);

        let third = owner(&house).await;
        assert_eq!(here.send("DELETE", "/identity/sessions", None, None).await.status, StatusCode::NO_CONTENT);
        assert!(here.is_known().await && !third.is_known().await && foreign.is_known().await);
    }

    async fn a_new_password_ends_the_other_sessions(db) {
        let house = House::owned(&db).await;
        let (here, there) = (owner(&house).await, owner(&house).await);
        let put = async |present: &str, new: &str| {
            here.send("PUT", "/identity/password", None, Some(json!({"present": present, "new": new}))).await
        };
        assert_eq!(put(PASSWORD, "short").await.status, StatusCode::UNPROCESSABLE_ENTITY);
        for _ in 0..5 {
            let wrong = put("not the password", OTHER).await;
            assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{:?}", wrong.body);
        }
        assert_eq!(put(PASSWORD, OTHER).await.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(there.is_known().await);
        db.clock().advance_millis(60_000);
        assert_eq!(put(PASSWORD, OTHER).await.status, StatusCode::NO_CONTENT);
        assert!(here.is_known().await && !there.is_known().await);
        let sign_in = async |password: &str| {
            house.post("/api/v1/identity/sessions", &[], &json!({"email": EMAIL, "password": password})).await.status
        };
        assert_eq!((sign_in(PASSWORD).await, sign_in(OTHER).await), (StatusCode::UNAUTHORIZED, StatusCode::CREATED));
    }

    async fn a_token_may_no_more_than_its_role_and_ends(db) {
        let house = House::owned(&db).await;
        let owner = owner(&house).await;
        let ends = kernel::Timestamp::from_millis(db.ctx().now().millis() + 60_000);
        let wanted = json!({"name": "读", "role": "analyst", "expires_at": ends});
        let made = owner.post("/identity/tokens", wanted).await;
        assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
        let header = format!("Bearer {}", made.json()["token"].as_str().unwrap());
        let program = Caller { house: &house, header: ("authorization", header) };
        assert_eq!(program.get("/commerce/orders").await.status, StatusCode::OK);
        assert_eq!(program.get("/platform/jobs").await.code(), "right_missing");
        let more = program.post("/identity/tokens", json!({"name": "mehr"})).await;
        assert_eq!(more.status, StatusCode::FORBIDDEN, "a token makes no tokens");
        db.clock().advance_millis(60_000);
        assert!(!program.is_known().await);

        let past = json!({"name": "x", "expires_at": ends});
        assert_eq!(owner.post("/identity/tokens", past).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let analyst = caller(&house, &db, "a@example.com", "analyst").await;
        let above = analyst.post("/identity/tokens", json!({"name": "x", "role": "marketing"})).await;
        assert_eq!(above.status, StatusCode::FORBIDDEN, "{:?}", above.body);
    }
    async fn an_open_stream_of_hints_ends_with_its_session(db) {
        use http_body_util::BodyExt as _;
        use kernel::OrgId;
        use platform::live::Topic;
        let house = House::owned(&db).await;
        let owner = owner(&house).await;
        let manager = caller(&house, &db, "m@example.com", "administrator").await;
        let request = axum::http::Request::get("/api/v1/events").header(manager.header.0, &manager.header.1);
        let answer = house.router.clone().oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let mut hints = answer.into_body();
        let mut next = async |topic: Topic, number: u32| {
            house.state.platform.live.publish(OrgId::FIRST, topic, &json!({"n": number}));
            loop {
                let frame = tokio::time::timeout(SOON, hints.frame()).await.expect("a hint or the end")?;
                let bytes = frame.unwrap().into_data().unwrap();
                let text = String::from_utf8(bytes.to_vec()).unwrap();
                // A machine under load may be told meanwhile that the stream is alive.
                if !text.starts_with(':') {
                    return Some(text);
                }
            }
        };
        assert_eq!(next(Topic::Job, 1).await.as_deref(), Some("event: job\ndata: {\"n\":1}\n\n"));
        assert_eq!(owner.change("m@example.com", json!({"active": false})).await.status, StatusCode::OK);
        assert_eq!(next(Topic::Insight, 2).await, None, "nothing is told to who has left");
    }
}
