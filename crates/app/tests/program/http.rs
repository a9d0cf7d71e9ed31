//! A served place, and requests to it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::place::{Place, Running};

const EMAIL: &str = "owner@example.com";
/// Longest silence of the server within one answer.
const SILENCE: Duration = Duration::from_secs(120);
const BOUNDARY: &str = "a boundary that no file holds";

/// The token of an owner, made before or while the place is served.
pub fn owner_token(place: &Place) -> String {
    let args = ["user", "add", "--role", "owner", "--email", EMAIL];
    let done = place.run_with(&args, "a long password\n");
    assert_eq!(done.code, Some(0), "{}", done.err);
    let made = place.run(&["token", "create", "--name", "test", "--email", EMAIL]);
    made.out.trim().to_owned()
}

/// Requests in the owner's name.
#[derive(Clone)]
pub struct Client {
    address: String,
    token: String,
}

/// The server at work.
pub struct Server {
    pub running: Running,
    pub client: Client,
}

impl Server {
    pub fn start(place: &Place, token: &str) -> Self {
        let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("RUST_LOG", "warn");
        Self::of(Running::start(command, ""), token)
    }

    /// `running` as soon as it listens.
    pub fn of(mut running: Running, token: &str) -> Self {
        let find = |running: &Running| {
            let mut said = running.said().iter();
            said.find_map(|line| line.strip_prefix("Guanxi listens on http://")).map(str::to_owned)
        };
        let listens = running.wait_until("the server to listen", |now| find(now).is_some());
        assert!(listens, "{:?}", running.said());
        let address = find(&running).unwrap();
        Self { running, client: Client { address, token: token.to_owned() } }
    }

    /// Waits until import `id` is as `met` says, and gives it as it then is.
    pub fn import_when(&mut self, id: &str, what: &str, met: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let client = &self.client;
        let is_met = self.running.wait_until(what, |_| {
            last = client.import(id);
            met(&last)
        });
        assert!(is_met, "the server ended: {:?}", self.running.said());
        last
    }

    /// The import `id` once it is at rest.
    pub fn rested(&mut self, id: &str) -> Value {
        self.import_when(id, "the import to rest", |import| {
            !["queued", "running", "undoing"].contains(&import["state"].as_str().unwrap())
        })
    }
}

impl Client {
    /// Where the server listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The token of its requests.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Status and JSON of one exchange over a connection of its own.
    pub fn ask(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(SILENCE)).unwrap();
        let head = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             authorization: Bearer {}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            self.token,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // It may refuse before it has read everything.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{read:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// One exchange under an idempotency key; `None` when the server is gone before its answer is whole.
    pub fn try_with_key(
        &self,
        method: &str,
        path: &str,
        body: &Value,
        key: &str,
    ) -> Option<(u16, Value)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(SILENCE)).unwrap();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let head = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             authorization: Bearer {}\r\nidempotency-key: {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        // Without a body, or with all of it: a part of JSON is none.
        if body.is_empty() {
            return (status == 204).then_some((status, Value::Null));
        }
        Some((status, serde_json::from_str(body).ok()?))
    }

    pub fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask("GET", path, "application/json", b"");
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// The import `id` as it is now.
    pub fn import(&self, id: &str) -> Value {
        self.get(&format!("/commerce/imports/{id}"))
    }

    /// Uploads one file under `name` to be imported.
    pub fn upload(&self, name: &str, bytes: &[u8]) -> (u16, Value) {
        let mut body = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"shop\"\r\n\r\n茶叶店\r\n\
             --{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(bytes);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary=\"{BOUNDARY}\"");
        self.ask("POST", "/commerce/imports", &kind, &body)
    }

    /// Uploads a file that is taken, and gives the import's id.
    pub fn begin_import(&self, file: &Path) -> String {
        let name = file.file_name().unwrap().to_str().unwrap();
        let (status, import) = self.upload(name, &std::fs::read(file).unwrap());
        assert_eq!(status, 202, "{import}");
        import["id"].as_str().unwrap().to_owned()
    }
}
