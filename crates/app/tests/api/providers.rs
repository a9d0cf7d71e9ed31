//! Signing in through providers: a small one that can lie, and a real one (panva's `oidc-provider`).

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::{TestDb, db_test};
use url::Url;

use crate::house::{Answer, EMAIL, House, migrations};
use crate::members::{Caller, caller, owner};
use crate::provider_stands_in::{Fake, Next, Real};
use crate::second_factor;

pub const SECRET: &str = "a secret of the client that nobody guesses";
const BACK: &str = "/api/v1/identity/sign-in/back";
pub const SITE: &str = "http://127.0.0.1:1";

/// Somebody on the way: what their browser keeps, and what the provider was told.
struct Way {
    url: Url,
    cookie: String,
}

impl Way {
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
        let cookie = answer.header("set-cookie").to_owned();
        assert!(
            cookie.starts_with("guanxi_provider=1_")
                && cookie.contains("; HttpOnly; SameSite=Lax;"),
            "{cookie}"
        );
        let url: Url = answer.json()["url"].as_str().unwrap().parse().unwrap();
        Self { url, cookie: cookie.split(';').next().unwrap().to_owned() }
    }

    async fn begin(house: &House, provider: &Value) -> Self {
        let body = json!({"provider": provider["id"]});
        Self::of(&house.post("/api/v1/identity/sign-in/begin", &[], &body).await)
    }

    fn said(&self, name: &str) -> String {
        self.url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
    }

    /// An honest answer about `subject`.
    fn honest(&self, db: &TestDb, fake: &Fake, subject: &str, email: &str) -> Next {
        let now = db.ctx().now().millis() / 1000;
        let claims = json!({
            "iss": fake.issuer, "aud": "guanxi", "sub": subject, "nonce": self.said("nonce"),
            "iat": now, "exp": now + 300, "email": email, "email_verified": true, "name": "阿李",
        });
        let challenge = self.said("code_challenge");
        Next { header: json!({"alg": "EdDSA"}), claims, challenge, signed_by_another: false }
    }

    async fn back(&self, house: &House) -> Answer {
        self.back_with(house, &self.cookie).await
    }

    async fn back_with(&self, house: &House, cookie: &str) -> Answer {
        let body = json!({"state": self.said("state"), "code": "a code"});
        house.post(BACK, &[("cookie", cookie)], &body).await
    }
}

fn wanted(fake: &Fake) -> Value {
    json!({"name": "公司账号", "issuer": fake.issuer, "client_id": "guanxi", "client_secret": SECRET, "site_url": SITE})
}

async fn add(owner: &Caller<'_>, fake: &Fake, more: Value) -> Value {
    let mut body = wanted(fake);
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = owner.post("/identity/providers", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    made.json()
}

/// Signs in honestly.
async fn enter(
    house: &House,
    db: &TestDb,
    fake: &Fake,
    provider: &Value,
    who: (&str, &str),
) -> Answer {
    let way = Way::begin(house, provider).await;
    fake.say(way.honest(db, fake, who.0, who.1));
    way.back(house).await
}

db_test! { migrations();
    async fn what_a_liar_says_is_not_believed(db) {
        let (house, fake) = (House::owned(&db).await, Fake::start().await);
        let owner = owner(&house).await;
        let provider = add(&owner, &fake, json!({"newcomer_role": "analyst"})).await;
        type Lie = fn(&mut Next);
        let lies: [(&str, Lie); 14] = [
            ("another nonce", |next| next.claims["nonce"] = json!("another")),
            ("no nonce", |next| drop(next.claims.as_object_mut().unwrap().remove("nonce"))),
            ("expired", |next| next.claims["exp"] = json!(next.claims["iat"].as_i64().unwrap() - 1)),
            ("no end", |next| drop(next.claims.as_object_mut().unwrap().remove("exp"))),
            ("another audience", |next| next.claims["aud"] = json!("somebody else")),
            ("one audience too many", |next| next.claims["aud"] = json!(["guanxi", "somebody else"])),
            ("no audience", |next| next.claims["aud"] = json!([])),
            ("another issuer", |next| next.claims["iss"] = json!("https://accounts.example.com")),
            ("nobody", |next| drop(next.claims.as_object_mut().unwrap().remove("sub"))),
            ("not signed", |next| next.header = json!({"alg": "none"})),
            ("signed with what we know", |next| next.header = json!({"alg": "HS256"})),
            ("signed by another", |next| next.signed_by_another = true),
            ("said to be signed otherwise", |next| next.header = json!({"alg": "RS256"})),
            ("of an unknown kind", |next| next.header = json!({"alg": "EdDSA", "crit": ["x"], "x": 1})),
        ];
        for (what, lie) in lies {
            let way = Way::begin(&house, &provider).await;
            let mut next = way.honest(&db, &fake, "s1", "li@example.com");
            lie(&mut next);
            fake.say(next);
            let answer = way.back(&house).await;
            assert!(!answer.status.is_success(), "{what}: {:?}", answer.body);
            assert!(["provider_not_believed", "provider_unusable"].contains(&answer.code().as_str()), "{what}: {:?}", answer.body);
            assert_eq!(answer.header("set-cookie"), "", "{what}");
        }
        let people = owner.get("/identity/users").await.json();
        assert_eq!(people["items"].as_array().unwrap().len(), 1, "nobody came in");
        let log = owner.get("/platform/audit?action=identity.sign_in_failed&limit=200").await.json();
        assert_eq!(log["items"].as_array().unwrap().len(), 14);
        assert_eq!(enter(&house, &db, &fake, &provider, ("s1", "li@example.com")).await.status, StatusCode::CREATED);
    }

    async fn a_way_back_is_for_one_browser_and_once(db) {
        let (house, fake) = (House::owned(&db).await, Fake::start().await);
        let provider = add(&owner(&house).await, &fake, json!({"newcomer_role": "analyst"})).await;
        let way = Way::begin(&house, &provider).await;
        assert_eq!((way.said("client_id").as_str(), way.said("code_challenge_method").as_str()), ("guanxi", "S256"));
        assert_eq!(way.said("redirect_uri"), format!("{SITE}/sign-in/provider"));
        fake.say(way.honest(&db, &fake, "s1", "li@example.com"));
        let other = Way::begin(&house, &provider).await;
        assert_eq!(way.back_with(&house, &other.cookie).await.code(), "provider_sign_in_gone", "another browser");
        assert_eq!(way.back(&house).await.code(), "provider_sign_in_gone", "that used it up");

        let way = Way::begin(&house, &provider).await;
        assert_eq!(way.back_with(&house, "").await.code(), "provider_sign_in_gone");
        let way = Way::begin(&house, &provider).await;
        fake.say(way.honest(&db, &fake, "s1", "li@example.com"));
        assert_eq!(way.back(&house).await.status, StatusCode::CREATED);
        assert_eq!(way.back(&house).await.code(), "provider_sign_in_gone", "it works once");
        let way = Way::begin(&house, &provider).await;
        fake.say(way.honest(&db, &fake, "s1", "li@example.com"));
        db.clock().advance_millis(10 * 60_000);
        assert_eq!(way.back(&house).await.code(), "provider_sign_in_gone", "it takes too long");
        let way = Way::begin(&house, &provider).await;
        fake.say(Next { challenge: other.said("code_challenge"), ..way.honest(&db, &fake, "s1", "li@example.com") });
        assert_eq!(way.back(&house).await.code(), "provider_unusable", "a code of another browser has another verifier");
        for state in ["", "x", "1_AAAA", "2_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            let answer = house.post(BACK, &[("cookie", &way.cookie)], &json!({"state": state, "code": "x"})).await;
            assert_eq!(answer.code(), "provider_sign_in_gone", "{state}");
        }
    }

    async fn who_gets_in_is_as_the_settings_say(db) {
        let (house, fake) = (House::owned(&db).await, Fake::start().await);
        let owner = owner(&house).await;
        let provider = add(&owner, &fake, json!({"email_domains": ["Example.com"]})).await;
        let try_in = async |subject: &str, email: &str| enter(&house, &db, &fake, &provider, (subject, email)).await;
        assert_eq!(try_in("s1", "li@example.com").await.code(), "not_invited");
        assert_eq!(try_in("s1", "li@example.org").await.code(), "email_domain_refused");
        assert_eq!(try_in("s1", "li@sub.example.com").await.code(), "email_domain_refused");
        let way = Way::begin(&house, &provider).await;
        for verified in [json!(false), Value::Null] {
            let way = Way::begin(&house, &provider).await;
            let mut next = way.honest(&db, &fake, "s1", EMAIL);
            next.claims["email_verified"] = verified;
            fake.say(next);
            assert_eq!(way.back(&house).await.code(), "email_not_verified");
        }
        drop(way);
        // Who has an account connects it themselves.
        assert_eq!(try_in("o1", EMAIL).await.code(), "connect_first");
        // Who was invited joins with the role that was meant.
        owner.post("/identity/invitations", json!({"email": "li@example.com", "role": "marketing"})).await;
        let joined = try_in("s1", "LI@example.com").await;
        assert_eq!((joined.status, joined.json()["user"]["role"].clone()), (StatusCode::CREATED, json!("marketing")), "{:?}", joined.body);
        assert_eq!(joined.json()["user"]["name"], "阿李");
        // From then on the subject counts, whatever the address says.
        let again = try_in("s1", "other@example.org").await;
        assert_eq!(again.json()["user"]["email"], "li@example.com", "{:?}", again.body);
        let li = Caller::signed_in(&house, &again);
        assert!(li.is_known().await);
        let password = json!({"email": "li@example.com", "password": ""});
        let none = house.post("/api/v1/identity/sessions", &[], &password).await;
        assert_eq!(none.code(), "wrong_credentials", "they have no password");
        assert_eq!(owner.change("li@example.com", json!({"active": false})).await.status, StatusCode::OK);
        assert_eq!(try_in("s1", "li@example.com").await.code(), "access_ended");
        assert_eq!(try_in("s2", "li@example.com").await.code(), "access_ended", "nor with another subject");
        assert!(!li.is_known().await);
    }

    async fn an_account_is_connected_by_whom_it_is(db) {
        let (house, fake) = (House::owned(&db).await, Fake::start().await);
        let owner = owner(&house).await;
        let other = caller(&house, &db, "a@example.com", "analyst").await;
        let provider = add(&owner, &fake, json!({})).await;
        let path = format!("/identity/links/{}", provider["id"].as_str().unwrap());
        let connect = async |by: &Caller<'_>, as_whom: &Caller<'_>| {
            let way = Way::of(&by.post(&path, json!({})).await);
            fake.say(way.honest(&db, &fake, "o1", "somebody@example.net"));
            way.back_with(&house, &format!("{}; {}", way.cookie, as_whom.header.1)).await
        };
        assert_eq!(connect(&owner, &other).await.code(), "provider_sign_in_gone", "of another person");
        assert_eq!(connect(&owner, &owner).await.status, StatusCode::NO_CONTENT);
        assert_eq!(connect(&other, &other).await.code(), "provider_account_taken");
        assert_eq!(owner.get("/identity/links").await.json(), json!({"items": [provider["id"]]}));
        let inside = enter(&house, &db, &fake, &provider, ("o1", "somebody@example.net")).await;
        assert_eq!(inside.json()["user"]["email"], EMAIL, "{:?}", inside.body);
        assert_eq!(owner.send("DELETE", &path, None, None).await.status, StatusCode::NO_CONTENT);
        assert_eq!(owner.send("DELETE", &path, None, None).await.status, StatusCode::NOT_FOUND);
        assert_eq!(enter(&house, &db, &fake, &provider, ("o1", "x@example.net")).await.code(), "not_invited");

        // Or at once, where an administrator has switched that on.
        let trusting = add(&owner, &fake, json!({"links_by_email": true})).await;
        let inside = enter(&house, &db, &fake, &trusting, ("a1", "a@example.com")).await;
        assert_eq!(inside.json()["user"]["email"], "a@example.com", "{:?}", inside.body);
    }

    async fn an_address_alone_connects_nobody_who_has_a_second_factor(db) {
        let (house, fake) = (House::owned(&db).await, Fake::start().await);
        let owner = owner(&house).await;
        let other = caller(&house, &db, "a@example.com", "analyst").await;
        let (app, _) = second_factor::set_up(&other, &db).await;
        let provider = add(&owner, &fake, json!({"links_by_email": true})).await;
        let awaited = enter(&house, &db, &fake, &provider, ("a1", "a@example.com")).await;
        assert_eq!(awaited.status, StatusCode::ACCEPTED, "{:?}", awaited.body);
        let links = async || other.get("/identity/links").await.json()["items"].as_array().unwrap().len();
        assert_eq!(links().await, 0, "the code was not shown");
        db.clock().advance_millis(30_000);
        let code = app.code(&db, 0);
        let inside = second_factor::second(&house, &awaited.json()["challenge"], &code).await;
        assert_eq!(inside.json()["user"]["email"], "a@example.com", "{:?}", inside.body);
        // Whoever has the address there later is asked for the code again.
        let again = enter(&house, &db, &fake, &provider, ("a1", "a@example.com")).await;
        assert_eq!(again.status, StatusCode::ACCEPTED);
    }

    async fn sign_ins_that_come_to_nothing_are_counted_by_peer(db) {
        let (house, fake) = (House::owned(&db).await, Fake::start().await);
        let owner = owner(&house).await;
        let provider = add(&owner, &fake, json!({"newcomer_role": "analyst"})).await;
        let body = json!({"provider": provider["id"]}).to_string();
        let begin = async |peer: [u8; 4]| {
            let request = axum::http::Request::post("/api/v1/identity/sign-in/begin")
                .header("content-type", "application/json")
                .extension(axum::extract::ConnectInfo(std::net::SocketAddr::from((peer, 4_000))))
                .body(axum::body::Body::from(body.clone()));
            house.send(request.unwrap()).await
        };
        for _ in 0..20 {
            assert_eq!(begin([198, 51, 100, 7]).await.status, StatusCode::OK);
        }
        assert_eq!(begin([198, 51, 100, 7]).await.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(begin([198, 51, 100, 8]).await.status, StatusCode::OK, "others are not held up");
        db.clock().advance_millis(2_000);
        assert_eq!(begin([198, 51, 100, 7]).await.status, StatusCode::OK, "after a while");
    }

    async fn providers_are_settings_and_their_secrets_stay(db) {
        let (house, fake) = (House::owned(&db).await, Fake::start().await);
        let owner = owner(&house).await;
        let analyst = caller(&house, &db, "a@example.com", "analyst").await;
        assert_eq!(analyst.post("/identity/providers", wanted(&fake)).await.code(), "right_missing");
        for (field, value) in [
            ("issuer", json!("ftp://x")), ("issuer", json!("http://example.com")), ("issuer", json!("https://10.0.0.1")),
            ("issuer", json!(format!("{}/nothing", fake.issuer))), ("site_url", json!("http://example.com")),
            ("client_id", json!("")), ("client_secret", json!("")), ("client_secret", Value::Null),
            ("email_domains", json!(["no domain"])), ("newcomer_role", json!("nobody")), ("name", json!("")),
        ] {
            let mut wrong = wanted(&fake);
            wrong[field] = value.clone();
            let answer = owner.post("/identity/providers", wrong).await;
            assert_eq!(answer.json()["errors"][0]["field"], field, "{value}: {:?}", answer.body);
        }
        let provider = add(&owner, &fake, json!({})).await;
        assert_eq!(provider["redirect_uri"], format!("{SITE}/sign-in/provider"));
        let buttons = house.get("/api/v1/identity/sign-in/providers", &[]).await.json();
        assert_eq!(buttons, json!({"items": [{"id": provider["id"], "name": "公司账号"}]}));
        let path = format!("/identity/providers/{}", provider["id"].as_str().unwrap());
        let mut without = wanted(&fake);
        without.as_object_mut().unwrap().remove("client_secret");
        without["name"] = json!("新名字");
        let put = async |body: &Value, version: i64| owner.send("PUT", &path, Some(version), Some(body.clone())).await;
        assert_eq!(put(&without, 7).await.status, StatusCode::PRECONDITION_FAILED);
        let changed = put(&without, 1).await;
        assert_eq!((&changed.json()["name"], &changed.json()["version"]), (&json!("新名字"), &json!(2)), "{:?}", changed.body);
        // The secret goes to nobody but whom it was given for.
        let thief = Fake::start().await;
        without["issuer"] = json!(thief.issuer);
        assert_eq!(put(&without, 2).await.json()["errors"][0]["field"], "client_secret");
        let all = owner.get("/identity/providers").await.body;
        let log = owner.get("/platform/audit?limit=200").await.body;
        for text in [all, log] {
            assert!(!String::from_utf8_lossy(&text).contains(SECRET));
        }
        let mut tx = db.db().read().await.unwrap();
        let sql = "SELECT client_secret_sealed FROM identity_providers";
        let (sealed,): (Vec<u8>,) = tx.fetch_one(sql, vec![]).await.unwrap();
        tx.rollback().await.unwrap();
        assert!(!sealed.windows(8).any(|bytes| bytes == &SECRET.as_bytes()[..8]));
        assert_eq!(owner.send("DELETE", &path, None, None).await.status, StatusCode::NO_CONTENT);
        assert_eq!(owner.send("DELETE", &path, None, None).await.status, StatusCode::NOT_FOUND);
        assert_eq!(house.get("/api/v1/identity/sign-in/providers", &[]).await.json(), json!({"items": []}));
    }

    async fn it_is_a_proof_if_the_provider_says_that_it_asked(db) {
        let (house, fake) = (House::owned(&db).await, Fake::start().await);
        let owner = owner(&house).await;
        let provider = add(&owner, &fake, json!({"newcomer_role": "analyst"})).await;
        let minute = 60;
        let now = db.ctx().now().millis() / 1000;
        for (told, shown_at, is_proof) in [
            ("asked just now", json!(now), true),
            ("asked 29 minutes ago", json!(now - 29 * minute), true),
            ("asked long ago", json!(now - 31 * minute), false),
            ("says nothing", Value::Null, false),
        ] {
            let way = Way::begin(&house, &provider).await;
            assert_eq!(way.said("max_age"), "1800");
            let mut next = way.honest(&db, &fake, "n1", "new@example.com");
            next.claims["auth_time"] = shown_at;
            fake.say(next);
            let inside = way.back(&house).await;
            let caller = Caller::signed_in(&house, &inside);
            assert!(caller.is_known().await, "{told}");
            let made = caller.post("/identity/tokens", json!({"name": "x"})).await;
            let expected = if is_proof { StatusCode::CREATED } else { StatusCode::FORBIDDEN };
            assert_eq!(made.status, expected, "{told} {:?}", made.body);
            // A second factor is set up with a proof, too, or where there can be none.
            let begun = caller.post("/identity/second-factor", json!({})).await;
            let is_stale = told == "asked long ago";
            let expected = if is_stale { StatusCode::FORBIDDEN } else { StatusCode::CREATED };
            assert_eq!(begun.status, expected, "{told} {:?}", begun.body);
        }
        // A provider whose clock runs ahead does not prove anybody for the hours to come.
        let way = Way::begin(&house, &provider).await;
        let mut next = way.honest(&db, &fake, "n1", "new@example.com");
        next.claims["auth_time"] = json!(now + 24 * 60 * minute);
        fake.say(next);
        let inside = way.back(&house).await;
        let caller = Caller::signed_in(&house, &inside);
        db.clock().advance_millis(31 * 60_000);
        assert_eq!(caller.post("/identity/tokens", json!({"name": "x"})).await.code(), "proof_needed");
    }

    async fn a_real_provider_signs_people_in(db) {
        let (house, real) = (House::owned(&db).await, Real::start());
        let fake = Fake { issuer: real.issuer.clone(), next: Arc::default() };
        // The provider knows what time it is.
        let now = std::fs::metadata(db.folder()).and_then(|folder| folder.modified()).unwrap();
        let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
        db.clock().advance_millis(now - db.ctx().now().millis());
        let owner = owner(&house).await;
        let provider = add(&owner, &fake, json!({"newcomer_role": "analyst", "email_domains": ["example.com"]})).await;
        let walk = async |name: &str| {
            let way = Way::begin(&house, &provider).await;
            let back = real.walk(&way.url, name);
            let said = |name: &str| back.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
            let body = json!({"state": said("state"), "code": said("code")});
            (house.post(BACK, &[("cookie", &way.cookie)], &body).await, way, body)
        };
        let (inside, way, body) = walk("alice").await;
        assert_eq!(inside.status, StatusCode::CREATED, "{:?}", inside.body);
        let user = inside.json()["user"].clone();
        assert_eq!((&user["email"], &user["name"], &user["role"]), (&json!("alice@example.com"), &json!("Name of alice"), &json!("analyst")));
        let alice = Caller::signed_in(&house, &inside);
        assert!(alice.is_known().await);
        let token = alice.post("/identity/tokens", json!({"name": "x"})).await;
        assert_eq!(token.status, StatusCode::CREATED, "it says that it asked: {:?}", token.body);
        let again = house.post(BACK, &[("cookie", &way.cookie)], &body).await;
        assert_eq!(again.code(), "provider_sign_in_gone");
        assert_eq!(walk("alice").await.0.json()["user"]["id"], user["id"], "the same person");
        assert_eq!(walk("unverified-bob").await.0.code(), "email_not_verified");
        assert_eq!(owner.change("alice@example.com", json!({"active": false})).await.status, StatusCode::OK);
        assert_eq!(walk("alice").await.0.code(), "access_ended");
    }
}
