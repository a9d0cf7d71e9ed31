//! The second factor through the real router: set-up, sign-in, recovery codes, replay, limits, reset, and
//! an organisation that asks everyone for one.

use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::{TestDb, db_test};

use crate::house::{Answer, EMAIL, House, PASSWORD, migrations};
use crate::members::{Caller, caller, owner};

const FACTOR: &str = "/identity/second-factor";
const STEP: i64 = 30_000;

/// What an app on a phone knows.
pub struct App {
    totp: totp_rs::Totp,
}

impl App {
    fn of(made: &Value) -> Self {
        let totp = totp_rs::Totp::from_url(made["uri"].as_str().unwrap()).unwrap();
        assert_eq!(totp.secret().to_base32(), made["secret"].as_str().unwrap());
        Self { totp }
    }

    /// The code of the step that is `off` steps from the present one.
    pub fn code(&self, db: &TestDb, off: i64) -> String {
        let seconds = (db.ctx().now().millis() + off * STEP) / 1000;
        self.totp.generate(seconds as u64).to_string()
    }
}

async fn begin(caller: &Caller<'_>) -> App {
    let made = caller.post(FACTOR, json!({"password": PASSWORD})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    assert!(made.json()["qr_svg"].as_str().unwrap().starts_with("<svg "));
    App::of(&made.json())
}

/// Sets one up; gives the app and the recovery codes. The present step's code is used up.
pub async fn set_up(caller: &Caller<'_>, db: &TestDb) -> (App, Vec<String>) {
    let app = begin(caller).await;
    let on = caller.send("PUT", FACTOR, None, Some(json!({"code": app.code(db, 0)}))).await;
    assert_eq!(on.status, StatusCode::OK, "{:?}", on.body);
    let codes: Vec<String> = serde_json::from_value(on.json()["recovery_codes"].clone()).unwrap();
    assert_eq!(codes.len(), 10);
    (app, codes)
}

/// The first step; gives the challenge.
async fn challenge(house: &House, email: &str) -> Value {
    let body = json!({"email": email, "password": PASSWORD});
    let answer = house.post("/api/v1/identity/sessions", &[], &body).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{:?}", answer.body);
    assert_eq!(answer.header("set-cookie"), "", "the password alone opens nothing");
    assert_eq!(answer.json().as_object().unwrap().len(), 2, "it tells nothing of the account");
    answer.json()["challenge"].clone()
}

pub async fn second(house: &House, challenge: &Value, code: &str) -> Answer {
    let body = json!({"challenge": challenge, "code": code});
    house.post("/api/v1/identity/sessions/second", &[], &body).await
}

/// Actions of the audit log, the last first, without the sign-ins of tests.
async fn actions(owner: &Caller<'_>) -> Vec<String> {
    let log = owner.get("/platform/audit?limit=200").await.json();
    let items = log["items"].as_array().unwrap().iter();
    items.map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

db_test! { migrations();
    async fn it_is_set_up_with_password_and_code_and_asked_for_at_sign_in(db) {
        let house = House::owned(&db).await;
        let (here, there) = (owner(&house).await, owner(&house).await);
        let state = here.get(FACTOR).await.json();
        let off = json!({"on_since": null, "recovery_codes_left": 0, "required": false, "has_password": true});
        assert_eq!(state, off);
        let early = here.send("PUT", FACTOR, None, Some(json!({"code": "123456"}))).await;
        assert_eq!(early.code(), "second_factor_off");
        for body in [json!({}), json!({"password": "not the password"})] {
            let wrong = here.post(FACTOR, body).await;
            assert_eq!(wrong.json()["errors"][0]["field"], "password", "{:?}", wrong.body);
        }
        // Begun and left, it asks for nothing.
        begin(&here).await;
        house.cookie().await;
        let app = begin(&here).await;
        let wrong = here.send("PUT", FACTOR, None, Some(json!({"code": "000000"}))).await;
        assert_eq!(wrong.json()["errors"][0]["field"], "code");
        let code = app.code(&db, 0);
        let on = here.send("PUT", FACTOR, None, Some(json!({"code": code}))).await;
        assert_eq!(on.status, StatusCode::OK, "{:?}", on.body);
        assert!(here.is_known().await && !there.is_known().await, "it ends the other sessions");
        let state = here.get(FACTOR).await.json();
        assert_eq!((&state["recovery_codes_left"], state["on_since"].is_null()), (&json!(10), false));
        assert_eq!(here.post(FACTOR, json!({"password": PASSWORD})).await.code(), "second_factor_on");

        let asked = challenge(&house, EMAIL).await;
        let again = second(&house, &asked, &code).await;
        assert_eq!((again.status, again.code().as_str()), (StatusCode::UNAUTHORIZED, "wrong_code"), "set-up used it");
        db.clock().advance_millis(STEP);
        let code = app.code(&db, 0);
        let spaced = format!(" {} {} ", &code[..3], &code[3..]);
        let done = second(&house, &asked, &spaced).await;
        assert_eq!(done.status, StatusCode::CREATED, "{:?}", done.body);
        assert_eq!(done.json()["user"]["email"], EMAIL);
        assert_eq!(second(&house, &asked, &app.code(&db, 1)).await.code(), "challenge_gone", "it works once");
        let asked = challenge(&house, EMAIL).await;
        assert_eq!(second(&house, &asked, &code).await.code(), "wrong_code", "a code works once");
        let log = actions(&here).await;
        for action in ["set_up", "failed"] {
            assert!(log.contains(&format!("identity.second_factor.{action}")), "{action}: {log:?}");
        }
        assert_eq!(log.iter().filter(|action| *action == "identity.second_factor.failed").count(), 5, "{log:?}");
    }

    async fn a_code_of_the_neighbouring_step_is_accepted_and_no_other(db) {
        let house = House::owned(&db).await;
        let here = owner(&house).await;
        let (app, _) = set_up(&here, &db).await;
        db.clock().advance_millis(10 * STEP);
        let code = async |off: i64| {
            let asked = challenge(&house, EMAIL).await;
            second(&house, &asked, &app.code(&db, off)).await.status
        };
        assert_eq!((code(-2).await, code(2).await), (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
        assert_eq!((code(-1).await, code(0).await), (StatusCode::CREATED, StatusCode::CREATED));
        assert_eq!(code(-1).await, StatusCode::UNAUTHORIZED, "an earlier one is not taken after a later one");
        assert_eq!((code(1).await, code(0).await), (StatusCode::CREATED, StatusCode::UNAUTHORIZED));
    }

    async fn of_the_same_code_sent_at_once_one_signs_in(db) {
        let house = House::owned(&db).await;
        let (app, codes) = set_up(&owner(&house).await, &db).await;
        db.clock().advance_millis(STEP);
        for code in [app.code(&db, 0), codes[0].clone()] {
            let mut asked = Vec::new();
            for _ in 0..4 {
                asked.push(challenge(&house, EMAIL).await);
            }
            let answers = futures::future::join_all(asked.iter().map(|asked| second(&house, asked, &code))).await;
            let opened = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
            assert_eq!(opened, 1, "{code}");
            db.clock().advance_millis(60 * 60 * 1000);
        }
    }

    async fn a_recovery_code_works_once_and_all_go_when_they_are_made_anew(db) {
        let house = House::owned(&db).await;
        let here = owner(&house).await;
        let (app, codes) = set_up(&here, &db).await;
        let asked = challenge(&house, EMAIL).await;
        let typed = codes[3].to_lowercase().replace('-', " ");
        assert_eq!(second(&house, &asked, &typed).await.status, StatusCode::CREATED);
        let asked = challenge(&house, EMAIL).await;
        assert_eq!(second(&house, &asked, &codes[3]).await.code(), "wrong_code");
        assert_eq!(here.get(FACTOR).await.json()["recovery_codes_left"], 9);
        db.clock().advance_millis(STEP);
        let renew = async |password: &str, code: &str| {
            here.post("/identity/second-factor/recovery-codes", json!({"password": password, "code": code})).await
        };
        assert_eq!(renew("not the password", &app.code(&db, 0)).await.json()["errors"][0]["field"], "password");
        assert_eq!(renew(PASSWORD, "000000").await.json()["errors"][0]["field"], "code");
        let made = renew(PASSWORD, &app.code(&db, 0)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
        let fresh = made.json()["recovery_codes"].clone();
        assert_eq!(second(&house, &asked, &codes[4]).await.code(), "wrong_code");
        assert_eq!(second(&house, &asked, fresh[0].as_str().unwrap()).await.status, StatusCode::CREATED);
        let log = actions(&here).await;
        assert!(log.contains(&"identity.second_factor.recovery_codes".to_owned()), "{log:?}");
    }

    async fn a_challenge_ends_by_time_and_with_the_password_and_with_access(db) {
        let house = House::owned(&db).await;
        let here = owner(&house).await;
        let (app, _) = set_up(&here, &db).await;
        let asked = challenge(&house, EMAIL).await;
        db.clock().advance_millis(10 * 60_000);
        assert_eq!(second(&house, &asked, &app.code(&db, 0)).await.code(), "challenge_gone");
        let asked = challenge(&house, EMAIL).await;
        let body = json!({"present": PASSWORD, "new": "another long password"});
        assert_eq!(here.send("PUT", "/identity/password", None, Some(body)).await.status, StatusCode::NO_CONTENT);
        assert_eq!(second(&house, &asked, &app.code(&db, 0)).await.code(), "challenge_gone");
        for text in ["", "x", "1_AAAA", "2_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(second(&house, &json!(text), "123456").await.code(), "challenge_gone", "{text}");
        }

        let other = caller(&house, &db, "a@example.com", "analyst").await;
        let (app, _) = set_up(&other, &db).await;
        db.clock().advance_millis(STEP);
        let asked = challenge(&house, "a@example.com").await;
        assert_eq!(here.change("a@example.com", json!({"active": false})).await.status, StatusCode::OK);
        assert_eq!(second(&house, &asked, &app.code(&db, 0)).await.code(), "challenge_gone");
    }

    async fn guesses_are_counted_whatever_challenge_they_are_for(db) {
        let house = House::owned(&db).await;
        let (app, _) = set_up(&owner(&house).await, &db).await;
        db.clock().advance_millis(STEP);
        let mut refused = 0;
        for guess in 0..8 {
            let asked = challenge(&house, EMAIL).await;
            let answer = second(&house, &asked, &format!("00000{guess}")).await;
            refused += i32::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
        }
        assert_eq!(refused, 3, "five are free; the right password forgives none of them");
        let asked = challenge(&house, EMAIL).await;
        let right = second(&house, &asked, &app.code(&db, 0)).await;
        assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS);
        db.clock().advance_millis(60_000);
        assert_eq!(second(&house, &asked, &app.code(&db, 0)).await.status, StatusCode::CREATED);
    }

    async fn switching_off_needs_both_factors(db) {
        let house = House::owned(&db).await;
        let here = owner(&house).await;
        let (app, codes) = set_up(&here, &db).await;
        db.clock().advance_millis(STEP);
        let off = async |body: Value| here.post("/identity/second-factor/off", body).await;
        let code = app.code(&db, 0);
        assert_eq!(off(json!({"code": code})).await.json()["errors"][0]["field"], "password");
        assert_eq!(off(json!({"password": PASSWORD})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(off(json!({"password": PASSWORD, "code": "000000"})).await.json()["errors"][0]["field"], "code");
        let asked = challenge(&house, EMAIL).await;
        let cookie = second(&house, &asked, &codes[0]).await;
        assert_eq!(cookie.status, StatusCode::CREATED);
        let there = Caller::signed_in(&house, &cookie);
        assert_eq!(off(json!({"password": PASSWORD, "code": code})).await.status, StatusCode::NO_CONTENT);
        assert!(here.is_known().await && !there.is_known().await, "it ends the other sessions");
        assert_eq!(off(json!({"password": PASSWORD, "code": code})).await.code(), "second_factor_off");
        house.cookie().await;
        let mut tx = db.db().read().await.unwrap();
        let sql = "SELECT COUNT(*) FROM identity_recovery_codes";
        let (left,): (i64,) = tx.fetch_one(sql, vec![]).await.unwrap();
        assert_eq!(left, 0);
        assert!(actions(&here).await.contains(&"identity.second_factor.off".to_owned()));
    }

    async fn whoever_manages_people_resets_those_below_them(db) {
        let house = House::owned(&db).await;
        let owner = owner(&house).await;
        let admin = caller(&house, &db, "admin@example.com", "administrator").await;
        let analyst = caller(&house, &db, "a@example.com", "analyst").await;
        set_up(&owner, &db).await;
        set_up(&admin, &db).await;
        let (_, codes) = set_up(&analyst, &db).await;
        let path = async |email: &str| {
            let member = owner.member(email).await;
            assert_eq!(member["has_second_factor"], true);
            format!("/identity/users/{}/second-factor", member["id"].as_str().unwrap())
        };
        let of = (path(EMAIL).await, path("admin@example.com").await, path("a@example.com").await);
        let reset = async |by: &Caller<'_>, path: &str| by.send("DELETE", path, None, None).await;
        assert_eq!(reset(&analyst, &of.2).await.code(), "right_missing");
        assert_eq!(reset(&admin, &of.0).await.code(), "forbidden", "the owner may more");
        assert_eq!(reset(&admin, &of.1).await.code(), "oneself");
        let nobody = "/identity/users/usr_01h455vb4pex5vsknk084sn02q/second-factor";
        assert_eq!(reset(&admin, nobody).await.status, StatusCode::NOT_FOUND);
        let asked = challenge(&house, "a@example.com").await;
        assert_eq!(reset(&admin, &of.2).await.status, StatusCode::NO_CONTENT);
        assert!(!analyst.is_known().await, "they are signed out");
        assert_eq!(second(&house, &asked, &codes[0]).await.code(), "challenge_gone");
        house.cookie_of("a@example.com").await;
        assert_eq!(reset(&admin, &of.2).await.code(), "second_factor_off");
        let log = owner.get("/platform/audit?action=identity.second_factor.reset").await.json();
        assert_eq!(log["items"].as_array().unwrap().len(), 1, "{log}");
    }

    async fn an_organisation_asks_everyone_for_one(db) {
        let house = House::owned(&db).await;
        let owner = owner(&house).await;
        let admin = caller(&house, &db, "admin@example.com", "administrator").await;
        let made = admin.post("/identity/tokens", json!({"name": "x"})).await.json();
        let program = Caller { house: &house, header: ("authorization", format!("Bearer {}", made["token"].as_str().unwrap())) };
        let put = async |by: &Caller<'_>, on: bool| {
            by.send("PUT", "/identity/settings", None, Some(json!({"second_factor_required": on}))).await
        };
        assert_eq!(put(&program, true).await.code(), "session_needed");
        let analyst = caller(&house, &db, "a@example.com", "analyst").await;
        assert_eq!(put(&analyst, true).await.code(), "right_missing");
        set_up(&owner, &db).await;
        assert!(admin.is_known().await && program.is_known().await);
        assert_eq!(put(&owner, true).await.status, StatusCode::OK);

        assert!(owner.is_known().await, "who has one goes on");
        for caller in [&admin, &program, &analyst] {
            for path in ["/identity/roles", "/identity/sessions", "/customers", "/platform/jobs"] {
                let answer = caller.get(path).await;
                assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "second_factor_needed"), "{path}");
            }
        }
        assert_eq!(put(&admin, false).await.code(), "second_factor_needed");
        let session = admin.get("/identity/sessions/current").await.json();
        assert_eq!(session["second_factor_due"], true);
        let fresh = json!({"email": "a@example.com", "password": PASSWORD});
        let fresh = house.post("/api/v1/identity/sessions", &[], &fresh).await;
        assert_eq!((fresh.status, &fresh.json()["second_factor_due"]), (StatusCode::CREATED, &json!(true)));
        assert_eq!(admin.get(FACTOR).await.json()["required"], true);
        set_up(&admin, &db).await;
        assert!(admin.is_known().await && program.is_known().await, "their tokens, too");
        assert_eq!(admin.get("/identity/sessions/current").await.json()["second_factor_due"], false);
        assert!(!analyst.is_known().await);
        assert_eq!(analyst.send("DELETE", "/identity/sessions/current", None, None).await.status, StatusCode::NO_CONTENT);
        assert_eq!(put(&admin, false).await.status, StatusCode::OK);
        assert!(Caller::signed_in(&house, &fresh).is_known().await);
        let log = owner.get("/platform/audit?action=identity.settings.change").await.json();
        assert_eq!(log["items"].as_array().unwrap().len(), 2, "{log}");
    }

    async fn no_secret_and_no_code_is_stored_or_recorded_in_the_clear(db) {
        let house = House::owned(&db).await;
        let here = owner(&house).await;
        let made = here.post(FACTOR, json!({"password": PASSWORD})).await.json();
        let app = App::of(&made);
        let code = app.code(&db, 0);
        let codes = here.send("PUT", FACTOR, None, Some(json!({"code": code}))).await.json();
        let asked = challenge(&house, EMAIL).await;
        let mut tx = db.db().read().await.unwrap();
        let rows: (Vec<u8>,) = tx.fetch_one("SELECT totp_sealed FROM identity_users", vec![]).await.unwrap();
        let stored: Vec<(Vec<u8>,)> = tx.fetch_all("SELECT code_hash FROM identity_recovery_codes", vec![]).await.unwrap();
        let challenges: Vec<(Vec<u8>, Vec<u8>)> =
            tx.fetch_all("SELECT secret_hash, password_check FROM identity_challenges", vec![]).await.unwrap();
        tx.rollback().await.unwrap();
        let secret = app.totp.secret().as_bytes();
        assert!(!rows.0.windows(secret.len()).any(|bytes| bytes == secret));
        assert!(stored.len() == 10 && stored.iter().all(|row| row.0.len() == 32));
        assert!(challenges.len() == 1 && challenges[0].0.len() == 32);
        let log = here.get("/platform/audit?limit=200").await.json().to_string();
        let secrets = [made["secret"].clone(), codes["recovery_codes"][0].clone(), asked, json!(code)];
        for secret in secrets {
            assert!(!log.contains(&format!("\"{}\"", secret.as_str().unwrap())), "{secret} is in the log");
        }
        assert!(!here.get(FACTOR).await.json().to_string().contains(made["secret"].as_str().unwrap()));
    }

    async fn a_token_does_not_manage_the_account(db) {
        let house = House::owned(&db).await;
        let owner = owner(&house).await;
        let made = owner.post("/identity/tokens", json!({"name": "x"})).await.json();
        let header = ("authorization", format!("Bearer {}", made["token"].as_str().unwrap()));
        let program = Caller { house: &house, header };
        assert!(program.is_known().await);
        let password = json!({"present": PASSWORD, "new": "another long password"});
        let token = format!("/identity/tokens/{}", made["id"].as_str().unwrap());
        let session = owner.get("/identity/sessions").await.json()["items"][0]["id"].clone();
        let session = format!("/identity/sessions/{}", session.as_str().unwrap());
        let both = json!({"password": PASSWORD, "code": "123456"});
        for (method, path, body) in [
            ("GET", "/identity/sessions", json!({})),
            ("DELETE", "/identity/sessions", json!({})),
            ("DELETE", &session, json!({})),
            ("PUT", "/identity/password", password),
            ("POST", "/identity/tokens", json!({"name": "more"})),
            ("DELETE", &token, json!({})),
            ("GET", FACTOR, json!({})),
            ("POST", FACTOR, json!({"password": PASSWORD})),
            ("PUT", FACTOR, json!({"code": "123456"})),
            ("POST", "/identity/second-factor/off", both.clone()),
            ("POST", "/identity/second-factor/recovery-codes", both),
        ] {
            let answer = program.send(method, path, None, Some(body)).await;
            let what = (answer.status, answer.code());
            assert_eq!(what, (StatusCode::FORBIDDEN, "session_needed".to_owned()), "{method} {path}");
            assert!(answer.json()["detail"].as_str().unwrap().contains("sign in with a browser"));
        }
        assert!(owner.is_known().await && program.is_known().await, "nothing was changed");
        house.cookie().await;
        assert_eq!(owner.get("/identity/tokens").await.json()["items"].as_array().unwrap().len(), 1);
        assert_eq!(owner.send("DELETE", &token, None, None).await.status, StatusCode::NO_CONTENT);
    }
    async fn a_session_left_open_is_not_enough_for_what_outlives_it(db) {
        let house = House::owned(&db).await;
        let owner = owner(&house).await;
        let status = async |answer: Answer| (answer.status.as_u16(), answer.code());
        let token = async || owner.post("/identity/tokens", json!({"name": "x"})).await;
        assert_eq!(token().await.status, StatusCode::CREATED, "just signed in");
        db.clock().advance_millis(31 * 60_000);
        let refused = (403, "proof_needed".to_owned());
        assert_eq!(status(token().await).await, refused);
        let nobody = "/identity/links/01890000-0000-7000-8000-000000000000";
        assert_eq!(status(owner.post(nobody, json!({})).await).await, refused);
        assert_eq!(status(owner.post("/identity/providers", json!({})).await).await, refused);
        assert!(owner.is_known().await, "all else goes on");

        const PROOF: &str = "/identity/sessions/current/proof";
        let wrong = owner.post(PROOF, json!({"password": "not my password"})).await;
        assert_eq!(wrong.json()["errors"][0]["field"], "password", "{:?}", wrong.body);
        assert_eq!(status(token().await).await, refused, "a wrong password proves nothing");
        let program = owner.get("/identity/tokens").await.json()["items"].as_array().unwrap().len();
        assert_eq!(program, 1, "nothing was made meanwhile");
        assert_eq!(owner.post(PROOF, json!({"password": PASSWORD})).await.status, StatusCode::NO_CONTENT);
        assert_eq!(token().await.status, StatusCode::CREATED);
        let done = actions(&owner).await;
        assert_eq!(&done[..3], ["identity.token.create", "identity.session.proof", "identity.session.proof_failed"]);

        // Guesses are counted, and another session of the same user is not proven with this one.
        db.clock().advance_millis(31 * 60_000);
        let other = Caller { house: &house, header: ("cookie", house.cookie().await) };
        assert_eq!(other.post("/identity/tokens", json!({"name": "y"})).await.status, StatusCode::CREATED);
        assert_eq!(status(token().await).await, refused);
        let mut last = StatusCode::OK;
        for _ in 0..10 {
            last = owner.post(PROOF, json!({"password": "a guess of many"})).await.status;
        }
        assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    }
}
