//! A data folder on a disk that fills up, and on one that fails, while `guanxi serve` works in it:
//! writes are refused with a problem that says why, reads go on, and with the disk well again everything
//! works without a restart.
//!
//! A disk that may be filled needs `mount`, and so the superuser; a disk that fails needs `fiu-run`
//! (`scripts/need.sh fiu`). Without them the tests fail and say so, unless `GUANXI_WITHOUT_DISKS` is set.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::http::{Client, Server, owner_token};
use super::orders::generate;
use super::place::{Kind, Place, Running};
use super::storm::seed;

const SMALL: u64 = 6 << 20;
const LARGE: u64 = 64 << 20;

/// Whether somebody said that this machine cannot have such disks.
fn is_waived() -> bool {
    std::env::var_os("GUANXI_WITHOUT_DISKS").is_some()
}

/// A small disk; unmounted at the end.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path) -> Self {
        std::fs::create_dir_all(at).unwrap();
        let size = format!("size={SMALL},mode=0700");
        let args = ["-t", "tmpfs", "-o", &size, "guanxi"];
        let done = Command::new("mount").args(args).arg(at).output().unwrap();
        assert!(
            done.status.success(),
            "this test mounts a small disk and needs the superuser for it; set GUANXI_WITHOUT_DISKS \
             to do without: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        Self(at.to_owned())
    }

    fn grow(&self) {
        let size = format!("remount,size={LARGE}");
        let done = Command::new("mount").args(["-o", &size]).arg(&self.0).status().unwrap();
        assert!(done.success());
    }

    /// Leaves no room at all.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.0.join("filler")).unwrap();
        let piece = vec![b'x'; 64 << 10];
        while file.write_all(&piece).is_ok() {}
        let mut file =
            std::fs::OpenOptions::new().append(true).open(self.0.join("filler")).unwrap();
        while file.write_all(b"x").is_ok() {}
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn note(client: &Client, customer: &str, text: &str) -> (u16, Value) {
    let path = format!("/customers/{customer}/notes");
    client.ask("POST", &path, "application/json", json!({ "text": text }).to_string().as_bytes())
}

fn notes(client: &Client, customer: &str) -> Vec<String> {
    let card = client.get(&format!("/customers/{customer}"));
    let notes = card["notes"].as_array().unwrap().iter();
    notes.map(|note| note["text"].as_str().unwrap().to_owned()).collect()
}

fn some_customer(server: &mut Server) -> String {
    let client = server.client.clone();
    let mut found = Value::Null;
    server.running.wait_until("the customers", |_| {
        let (status, listed) = client.ask("GET", "/customers?limit=1", "application/json", b"");
        found = listed["items"][0]["id"].clone();
        status == 200 && found.is_string()
    });
    found.as_str().unwrap().to_owned()
}

/// Refusals as they may be: 507 for a full disk, 503 for one that fails.
fn assert_refusal(status: u16, answer: &Value) {
    match status {
        507 => assert_eq!(answer["code"], "disk_full", "{answer}"),
        503 => assert_eq!(answer["code"], "unavailable", "{answer}"),
        _ => panic!("neither 507 nor 503: {status} {answer}"),
    }
    assert!(answer["detail"].is_string(), "it says what to do: {answer}");
}

/// Writes until the disk refuses, then once more each way, and gives the notes that were taken.
fn write_until_refused(client: &Client, customer: &str, disk: &Disk) -> Vec<String> {
    let mut taken = Vec::new();
    let mut is_full = false;
    for number in 0..200_000 {
        if number == 20 {
            disk.fill();
        }
        let text = format!("note {number} {}", "x".repeat(500));
        match note(client, customer, &text) {
            (201, _) => taken.push(text),
            (status, answer) => {
                assert_refusal(status, &answer);
                is_full = true;
                break;
            }
        }
    }
    assert!(is_full, "the disk never filled up");
    taken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_and_goes_on_reading_until_there_is_room() {
    if is_waived() {
        return;
    }
    let place = Place::new(Kind::Sqlite).await;
    let disk = Disk::mount(place.data());
    let file = generate(&place, "orders.csv", 300, seed() * 10_000 + 20_000);
    place.answer(&["import", "--shop", "T", file.to_str().unwrap()]);
    let token = owner_token(&place);
    let mut server = Server::start(&place, &token);
    let customer = some_customer(&mut server);
    let client = server.client.clone();

    let mut taken = write_until_refused(&client, &customer, &disk);
    taken.sort();
    for round in 0..5 {
        let (status, answer) = note(&client, &customer, &format!("refused {round}"));
        assert_refusal(status, &answer);
        assert_eq!(status, 507, "a full disk is called by its name: {answer}");
        // Reads go on.
        let mut held = notes(&client, &customer);
        held.sort();
        assert_eq!(held, taken, "everything acknowledged, nothing refused");
        assert!(client.get("/customers?limit=5")["total"].as_u64().unwrap() > 0);
        assert!(client.get("/commerce/orders?limit=5")["items"][0].is_object());
    }
    let (status, answer) = client.upload("orders.csv", &std::fs::read(&file).unwrap());
    assert_eq!(status, 507, "{answer}");

    disk.grow();
    let (status, answer) = note(&client, &customer, "there is room again");
    assert_eq!(status, 201, "without a restart: {answer}");
    let mut held = notes(&client, &customer);
    taken.push("there is room again".to_owned());
    held.sort();
    taken.sort();
    assert_eq!(held, taken);
    server.running.kill();
    place.verify();
    drop(place);
    drop(disk);
}

/// Reads and writes of files that fail by chance, as a dying disk has them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_disk_refuses_cleanly_and_works_again_when_it_is_well() {
    if is_waived() {
        return;
    }
    let has = Command::new("fiu-run").arg("-h").output();
    assert!(has.is_ok(), "fiu-run is missing: `scripts/need.sh fiu`, or set GUANXI_WITHOUT_DISKS");
    let place = Place::new(Kind::Sqlite).await;
    let file = generate(&place, "orders.csv", 300, seed() * 10_000 + 20_001);
    place.answer(&["import", "--shop", "T", file.to_str().unwrap()]);
    let token = owner_token(&place);
    let control = place.path("fiu");
    let wrapper = ["fiu-run", "-x", "-f", control.to_str().unwrap()];
    let mut command = place.wrapped(&wrapper, &["serve", "--listen", "127.0.0.1:0"]);
    command.env("RUST_LOG", "warn");
    let mut server = Server::of(Running::start(command, ""), &token);
    let customer = some_customer(&mut server);
    let client = server.client.clone();
    let pid = server_pid(&control);
    // EIO for syncs and positioned writes, which is how SQLite writes.
    let tell = |words: &[&str]| {
        let mut told = Command::new("fiu-ctrl");
        told.args(["-f", control.to_str().unwrap()]);
        for word in words {
            told.args(["-c", word]);
        }
        let done = told.arg(&pid).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let mut taken = Vec::new();
    let mut refused = 0;
    for round in 0..6 {
        tell(&[
            "enable_random name=posix/io/rw/pwrite64,probability=0.3,failinfo=5",
            "enable_random name=posix/io/rw/pwrite,probability=0.3,failinfo=5",
            "enable_random name=posix/io/sync/fdatasync,probability=0.3,failinfo=5",
            "enable_random name=posix/io/sync/fsync,probability=0.3,failinfo=5",
        ]);
        for number in 0..15 {
            let text = format!("note {round} {number}");
            match note(&client, &customer, &text) {
                (201, _) => taken.push(text),
                (status, answer) => {
                    assert_refusal(status, &answer);
                    refused += 1;
                }
            }
            assert!(notes(&client, &customer).len() >= taken.len(), "reads go on");
        }
        tell(&[
            "disable name=posix/io/rw/pwrite64",
            "disable name=posix/io/rw/pwrite",
            "disable name=posix/io/sync/fdatasync",
            "disable name=posix/io/sync/fsync",
        ]);
        let text = format!("note {round} well");
        let (status, answer) = note(&client, &customer, &text);
        assert_eq!(status, 201, "without a restart: {answer}");
        taken.push(text);
    }
    assert!(refused > 0, "no write ever failed");
    let held = notes(&client, &customer);
    let lost: Vec<_> = taken.iter().filter(|text| !held.contains(text)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let mut once = held.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), held.len(), "nothing is doubled");
    server.running.kill();
    place.verify();
}

/// The process behind `fiu-run`: its control pipes carry its id.
fn server_pid(control: &Path) -> String {
    let (folder, prefix) = (control.parent().unwrap(), control.file_name().unwrap());
    let prefix = format!("{}-", prefix.to_str().unwrap());
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let ids: Vec<String> = names
        .filter_map(|name| {
            let name = name.into_string().unwrap();
            Some(name.strip_prefix(&prefix)?.strip_suffix(".in")?.to_owned())
        })
        .collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    ids[0].clone()
}
