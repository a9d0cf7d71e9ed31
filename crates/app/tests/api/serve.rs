//! The real binary: serves, says where, and ends in time.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const GUANXI: &str = env!("CARGO_BIN_EXE_guanxi");

fn guanxi(data: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(GUANXI);
    command.args(args).arg("--data").arg(data).env_remove("GUANXI_DATABASE_URL");
    command.env_remove("GUANXI_KEY").env_remove("RUST_LOG").env_remove("GUANXI_LOG");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(data: &Path, args: &[&str], input: &str) -> Output {
    let mut child = guanxi(data, args).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// One exchange over a connection of its own: status line and body.
fn exchange(url: &str, request: &str) -> (String, String) {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

fn get(url: &str, path: &str, header: &str) -> (String, String) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{header}\r\n");
    exchange(url, &request)
}

/// A server that is killed if the test fails.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    /// Starts it and gives what it prints on standard output.
    fn start(data: &Path) -> (Self, Value) {
        let args = ["serve", "--listen", "127.0.0.1:0", "--json"];
        let mut child = guanxi(data, &args).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (Self(child), serde_json::from_str(&line).unwrap())
    }

    /// Sends SIGTERM, and gives the exit code and how long the end took.
    fn end(mut self) -> (Option<i32>, Duration) {
        let begun = Instant::now();
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let status = self.0.wait().unwrap();
        (status.code(), begun.elapsed())
    }
}

#[test]
fn a_token_made_beside_a_running_server_is_good() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let (server, said) = Server::start(&data);
    let url = said["url"].as_str().unwrap();
    assert_eq!(said["setup_code"].as_str().unwrap().len(), 14, "{said}");

    let email = ["--email", "Owner@example.com"];
    let args = [&["user", "add", "--role", "owner", "--json"][..], &email].concat();
    let added = run(&data, &args, "a long password\n");
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let user: Value = serde_json::from_slice(&added.stdout).unwrap();
    assert_eq!(user["email"], "owner@example.com");
    let again = run(&data, &args, "a long password\n");
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("already"));

    let args = [&["token", "create", "--name", "test"][..], &email].concat();
    let made = run(&data, &args, "");
    let token = String::from_utf8(made.stdout).unwrap();
    assert!(token.starts_with("gxt_") && token.ends_with('\n'), "{token}");
    let header = format!("authorization: Bearer {}\r\n", token.trim());
    let (status, body) = get(url, "/api/v1/identity/tokens", &header);
    assert_eq!(status, "HTTP/1.1 200 OK", "{body}");
    assert!(body.contains("\"name\":\"test\""), "{body}");
    assert_eq!(get(url, "/healthz", "").0, "HTTP/1.1 200 OK");
    let (_, body) = get(url, "/api/v1/identity/setup", "");
    assert!(body.contains("false"), "{body}");

    let (code, _) = server.end();
    assert_eq!(code, Some(0));
}

#[test]
fn the_end_waits_neither_for_open_pages_nor_for_clients_that_stall() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let email = ["--email", "owner@example.com"];
    let added = run(&data, &[&["user", "add"][..], &email].concat(), "a long password\n");
    assert!(added.status.success());
    let made = run(&data, &[&["token", "create", "--name", "t"][..], &email].concat(), "");
    let token = String::from_utf8(made.stdout).unwrap();

    let (server, said) = Server::start(&data);
    assert_eq!(said["setup_code"], Value::Null, "there is a user");
    let address = said["url"].as_str().unwrap().strip_prefix("http://").unwrap();
    let mut page = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        token.trim()
    );
    page.write_all(request.as_bytes()).unwrap();
    let mut head = [0u8; 15];
    page.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    let mut stalled = TcpStream::connect(address).unwrap();
    stalled
        .write_all(
            b"POST /api/v1/identity/sessions HTTP/1.1\r\nhost: x\r\n\
              content-type: application/json\r\ncontent-length: 100\r\n\r\n{",
        )
        .unwrap();

    let (code, took) = server.end();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(15), "{took:?}");
}

#[test]
fn a_server_without_clients_ends_well_however_often_it_is_asked() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    for _ in 0..12 {
        // Listener and signal race each other here.
        let (server, _) = Server::start(&data);
        assert_eq!(server.end().0, Some(0));
    }
}

#[test]
fn failures_are_1_and_wrong_usage_is_2() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let short = run(&data, &["user", "add", "--email", "a@b.c"], "short\n");
    assert_eq!(short.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&short.stderr).contains("at least 10 characters"));
    assert!(short.stdout.is_empty());
    let nobody = run(&data, &["token", "create", "--email", "a@b.c", "--name", "x"], "");
    assert_eq!(nobody.status.code(), Some(1));
    assert_eq!(run(&data, &["user", "add"], "").status.code(), Some(2));
    assert_eq!(run(&data, &["frobnicate"], "").status.code(), Some(2));
    let file = place.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = run(&file, &["user", "add", "--email", "a@b.c"], "a long password\n");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is not a directory"));
}

#[test]
fn the_same_seed_gives_the_same_export() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let make = |name: &str, seed: &str| {
        let file = place.path().join(name);
        let out = file.to_str().unwrap();
        let args = ["bench", "generate-export", "--orders", "50", "--seed", seed, "--out", out];
        let made = run(&data, &args, "");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        std::fs::read(file).unwrap()
    };
    assert_eq!(make("a.csv", "1"), make("b.csv", "1"));
    assert_ne!(make("a.csv", "1"), make("c.csv", "2"));
    assert!(!data.exists(), "this needs no data");
    let names: Vec<_> =
        std::fs::read_dir(place.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "nothing unfinished is left: {names:?}");
}
