//! Providers for tests of signing in: a small one that says what it is told to, and a real one.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openidconnect::PrivateSigningKey as _;
use openidconnect::core::{CoreEdDsaPrivateSigningKey, CoreJwsSigningAlgorithm};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::providers::{SECRET, SITE};

/// What the provider says next.
#[derive(Clone, Default)]
pub struct Next {
    pub header: Value,
    pub claims: Value,
    pub challenge: String,
    pub signed_by_another: bool,
}

/// A provider that says what it is told to.
#[derive(Clone)]
pub struct Fake {
    pub issuer: String,
    pub next: Arc<Mutex<Next>>,
}

fn key(seed: u8) -> CoreEdDsaPrivateSigningKey {
    let der = [
        b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".as_slice(),
        &[seed; 32],
    ]
    .concat();
    let kind = "PRIVATE KEY";
    let pem = format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", STANDARD.encode(der));
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(&pem, None).unwrap()
}

impl Fake {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let fake = Self { issuer, next: Arc::default() };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/jwks", get(async || Json(json!({"keys": [key(1).as_verification_key()]}))))
            .route("/token", post(token))
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    pub fn say(&self, next: Next) {
        *self.next.lock().unwrap() = next;
    }
}

async fn metadata(State(fake): State<Fake>) -> Json<Value> {
    let issuer = &fake.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/auth"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        // It would sign with anything: what is believed is not for it to say.
        "id_token_signing_alg_values_supported": ["none", "HS256", "EdDSA", "RS256"],
    }))
}

async fn token(
    State(fake): State<Fake>,
    headers: HeaderMap,
    Form(form): Form<std::collections::HashMap<String, String>>,
) -> Response {
    let next = fake.next.lock().unwrap().clone();
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    let is_client = headers[header::AUTHORIZATION].to_str().unwrap().starts_with("Basic ");
    if challenge != next.challenge
        || form["redirect_uri"] != format!("{SITE}/sign-in/provider")
        || !is_client
    {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
    }
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", encode(&next.header), encode(&next.claims));
    let signature = match next.header["alg"].as_str() {
        Some("none") => Vec::new(),
        Some("HS256") => {
            // As somebody would sign who knows the client's secret.
            use hmac::{KeyInit as _, Mac as _};
            let mut mac = hmac::Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
            mac.update(text.as_bytes());
            mac.finalize().into_bytes().to_vec()
        }
        _ => key(if next.signed_by_another { 2 } else { 1 })
            .sign(&CoreJwsSigningAlgorithm::EdDsa, text.as_bytes())
            .unwrap(),
    };
    let id_token = format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature));
    Json(json!({"access_token": "x", "token_type": "Bearer", "id_token": id_token})).into_response()
}

/// The real provider, as a process of its own that ends with this one.
pub struct Real {
    pub issuer: String,
    child: Child,
}

fn oidc(script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(script).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oidc"));
    command
}

impl Real {
    pub fn start() -> Self {
        let mut command = oidc("provider.mjs");
        command.arg(format!("{SITE}/sign-in/provider"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("node runs; see scripts/need.sh");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!("the provider does not start: run scripts/web.sh oidc first")
        });
        Self { issuer: told["issuer"].as_str().unwrap().to_owned(), child }
    }

    /// Through its pages as `name`; gives where it sends the browser back to.
    pub fn walk(&self, url: &Url, name: &str) -> Url {
        let output = oidc("walk.mjs").arg(url.as_str()).arg(name).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        text.parse().unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
