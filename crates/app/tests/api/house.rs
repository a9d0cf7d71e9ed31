//! A program with data of its own.

use app::AppState;
use app::http;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use identity::{Edge, NewUser, Password, SetupCode, WantedToken};
use kernel::OrgId;
use platform::crypto::MasterKey;
use platform::outbound::Outbound;
use platform::{Ctx, Migration, Platform, Tx};
use serde_json::Value;
use testkit::TestDb;
use tower::ServiceExt as _;

pub const EMAIL: &str = "owner@example.com";
pub const PASSWORD: &str = "a long password";

pub fn migrations() -> &'static [Migration] {
    app::modules::migrations().leak()
}

/// The router around one database.
pub struct House {
    pub state: AppState,
    pub router: Router,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl House {
    pub async fn new(db: &TestDb) -> Self {
        let cx = db.ctx();
        let key = MasterKey::new([42; 32]);
        let platform =
            Platform::new(db.db().clone(), key, cx.clock.clone(), cx.ids.clone(), db.folder());
        // Servers that tests start stand on this machine.
        let outbound = Outbound::default().allowing(&["127.0.0.1".parse().unwrap()]);
        let platform = platform.with_outbound(outbound);
        let mut tx = db.db().begin().await.unwrap();
        identity::ensure_org(&mut tx, &cx).await.unwrap();
        tx.commit().await.unwrap();
        Self::over(platform)
    }

    /// Around `platform`, which has its organisations already.
    pub fn over(platform: Platform) -> Self {
        let edge = Edge::new(SetupCode::fresh(&*platform.ids), false);
        let state = AppState::new(platform, edge);
        let router = http::router(&state).unwrap();
        Self { state, router }
    }

    /// With the owner's account.
    pub async fn owned(db: &TestDb) -> Self {
        let house = Self::new(db).await;
        house.add_user(db, EMAIL, "owner").await;
        house
    }

    /// The same data behind another edge.
    pub fn changed(&self, change: impl FnOnce(&mut AppState)) -> Self {
        let mut state = self.state.clone();
        change(&mut state);
        let router = http::router(&state).unwrap();
        Self { state, router }
    }

    /// A user with this role, whose password is [`PASSWORD`].
    pub async fn add_user(&self, db: &TestDb, email: &str, role: &str) {
        let cx = db.ctx();
        let password = identity::hash(Password::new(PASSWORD).unwrap(), &*cx.ids).await;
        let name = "店主".parse().unwrap();
        let role = role.parse().unwrap();
        let new = NewUser { email: email.parse().unwrap(), name, role, password };
        let keys = self.state.platform.keys(OrgId::FIRST);
        let mut tx = db.db().begin().await.unwrap();
        identity::create_user(&mut tx, &cx, &keys, new).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut request = Request::post(path).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// Signs the owner in and gives the cookie as a browser sends it.
    pub async fn cookie(&self) -> String {
        self.cookie_of(EMAIL).await
    }

    /// As [`House::cookie`], of another user.
    pub async fn cookie_of(&self, email: &str) -> String {
        let body = serde_json::json!({"email": email, "password": PASSWORD});
        let answer = self.post("/api/v1/identity/sessions", &[], &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.body);
        answer.header(header::SET_COOKIE.as_str()).split(';').next().unwrap().to_owned()
    }
}

/// Makes the organisation of `cx` with an owner called `name`, who has the same address in every organisation;
/// gives the text of a token of theirs.
pub async fn owner_moves_in(tx: &mut Tx, cx: &Ctx, name: &str) -> String {
    identity::ensure_org(tx, cx).await.unwrap();
    let user = NewUser {
        email: EMAIL.parse().unwrap(),
        name: name.parse().unwrap(),
        role: "owner".parse().unwrap(),
        password: identity::hash(Password::new(PASSWORD).unwrap(), &*cx.ids).await,
    };
    let user = identity::create_user(tx, cx, &cx.keys(), user).await.unwrap();
    let own = identity::rights_of(tx, cx.scope, user.id).await.unwrap();
    let wanted = WantedToken { name: "all".parse().unwrap(), role: None, expires_at: None };
    identity::create_token(tx, cx, user.id, &own, &wanted).await.unwrap().token
}
