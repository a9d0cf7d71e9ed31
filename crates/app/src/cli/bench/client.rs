//! A light HTTP client that keeps its connections, signed in as a browser is. It talks to the server
//! that this program started, on the loopback, and to nothing else.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result, bail, ensure};
use axum::body::Bytes;
use axum::http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::open_loop::Ask;

/// What a browser on this machine accepts; the server compresses for it.
pub(super) const ENCODINGS: &str = "gzip, deflate, br, zstd";

type Connection = SendRequest<Full<Bytes>>;

/// Cheap to clone; clones share connections and sign-in.
#[derive(Debug, Clone)]
pub(super) struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    address: SocketAddr,
    cookie: OnceLock<String>,
    idle: Mutex<Vec<Connection>>,
}

impl Client {
    /// Of the server at `url`, `http://127.0.0.1:8420`.
    pub(super) fn new(url: &str) -> Result<Self> {
        let address = url.strip_prefix("http://").context("not an http address")?;
        let address = address.parse().with_context(|| url.to_owned())?;
        Ok(Self(Arc::new(Inner { address, cookie: OnceLock::new(), idle: Mutex::default() })))
    }

    /// Signs in; every later request is by this user.
    pub(super) async fn sign_in(&self, email: &str, password: &str) -> Result<()> {
        let body = serde_json::json!({ "email": email, "password": password });
        let request = self.with_json(Method::POST, "/api/v1/identity/sessions", &body)?;
        let (response, body) = self.send(request).await?;
        ensure!(response.status() == StatusCode::CREATED, "cannot sign in: {}", text(&body));
        let cookie = response.headers().get(header::SET_COOKIE).context("no session cookie")?;
        let cookie = cookie.to_str()?.split(';').next().unwrap_or_default();
        let _ = self.0.cookie.set(cookie.to_owned());
        Ok(())
    }

    /// Opens so many connections, so that none has to be opened while times are taken.
    pub(super) async fn connect(&self, connections: usize) -> Result<()> {
        for _ in 0..connections {
            let connection = self.open().await?;
            self.put_back(connection);
        }
        Ok(())
    }

    /// Gets `path` in one of `encodings`, and gives how many bytes came.
    pub(super) async fn fetch(&self, path: &str, encodings: &str) -> Result<usize> {
        let request = self.request(Method::GET, path).header(header::ACCEPT_ENCODING, encodings);
        let (response, body) = self.send(request.body(Full::default())?).await?;
        ensure!(response.status() == StatusCode::OK, "{path}: {}", response.status());
        Ok(body.len())
    }

    /// Asks as a browser does, and reads the answer to its end.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<()> {
        let method = if ask.body.is_some() { Method::POST } else { Method::GET };
        let request = self
            .request(method, &ask.path)
            .header(header::ACCEPT_ENCODING, ENCODINGS)
            .header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Full::from(ask.body.clone().unwrap_or_default()))?;
        let (response, body) = self.send(request).await?;
        let status = response.status();
        ensure!(status.is_success(), "{} {}: {status} {}", ask.kind, ask.path, text(&body));
        Ok(())
    }

    /// Whether `path` answers that all is well.
    pub(super) async fn is_ok(&self, path: &str) -> bool {
        let Ok(request) = self.request(Method::GET, path).body(Full::default()) else {
            return false;
        };
        self.send(request).await.is_ok_and(|(response, _)| response.status() == StatusCode::OK)
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value> {
        self.json(self.request(Method::GET, path).body(Full::default())?).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.json(self.with_json(Method::POST, path, body)?).await
    }

    /// Puts what is the same however often it comes.
    pub(super) async fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.json(self.with_json(Method::PUT, path, body)?).await
    }

    /// Changes a part of what `version` is the state of.
    pub(super) async fn patch(&self, path: &str, version: &Value, body: &Value) -> Result<Value> {
        let mut request = self.with_json(Method::PATCH, path, body)?;
        request.headers_mut().insert(header::IF_MATCH, format!("\"{version}\"").parse()?);
        self.json(request).await
    }

    /// Uploads one file with some fields, as a form of the pages does.
    pub(super) async fn upload(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        file_name: &str,
        file: &[u8],
    ) -> Result<Value> {
        const BOUNDARY: &str = "guanxi-bench-7d1f0c52";
        let mut body = Vec::with_capacity(file.len() + 500);
        for (name, value) in fields {
            let part = format!(
                "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; \
             filename=\"{file_name}\"\r\ncontent-type: text/csv\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = self.request(Method::POST, path).header(header::CONTENT_TYPE, kind);
        self.json(request.body(Full::from(body))?).await
    }

    fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::HOST, self.0.address.to_string());
        match self.0.cookie.get() {
            Some(cookie) => request.header(header::COOKIE, cookie),
            None => request,
        }
    }

    fn with_json(&self, method: Method, path: &str, body: &Value) -> Result<Request<Full<Bytes>>> {
        let request = self.request(method, path).header(header::CONTENT_TYPE, "application/json");
        Ok(request.body(Full::from(serde_json::to_vec(body)?))?)
    }

    async fn json(&self, request: Request<Full<Bytes>>) -> Result<Value> {
        let asked = format!("{} {}", request.method(), request.uri());
        let (response, body) = self.send(request).await?;
        if !response.status().is_success() {
            bail!("{asked}: {} {}", response.status(), text(&body));
        }
        serde_json::from_slice(&body).with_context(|| asked)
    }

    /// Sends over a connection that is idle, or a new one, and reads the answer to its end.
    async fn send(&self, request: Request<Full<Bytes>>) -> Result<(Response<()>, Bytes)> {
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) if !connection.is_closed() => connection,
            _ => self.open().await?,
        };
        connection.ready().await?;
        let (head, body) = connection.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        self.put_back(connection);
        Ok((Response::from_parts(head, ()), body))
    }

    async fn open(&self) -> Result<Connection> {
        let stream = TcpStream::connect(self.0.address).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends with the connection.
        tokio::spawn(driver);
        Ok(connection)
    }

    fn put_back(&self, connection: Connection) {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

fn text(body: &Bytes) -> String {
    String::from_utf8_lossy(body).into_owned()
}

/// `text` as a value of a query.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}
