//! PostgreSQL stops and starts under load: requests succeed, or fail with a clean 503, and go on by
//! themselves; what was acknowledged is there.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::http::{Client, Server, owner_token};
use super::orders::generate;
use super::place::Place;
use super::storm::seed;

const USUAL: usize = 3;
const LONG: usize = 20;
const WRITERS: usize = 8;

/// A cluster of its own, which can be stopped without disturbing other tests.
struct Cluster {
    holder: Child,
    url: String,
    folder: PathBuf,
    /// As whom its program runs, and that program.
    pg_ctl: Vec<String>,
}

impl Cluster {
    fn start() -> Self {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let says =
            "echo $GUANXI_TEST_POSTGRES; echo $GUANXI_PG_FOLDER; echo $GUANXI_PG_CTL; exec cat";
        let mut holder = Command::new(top.join("scripts/with-postgres.sh"))
            .args(["sh", "-c", says])
            .env("GUANXI_PG_FSYNC", "on")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
        let mut line = || lines.next().unwrap().unwrap();
        let (url, folder, pg_ctl) = (line(), PathBuf::from(line()), line());
        Self { holder, url, folder, pg_ctl: pg_ctl.trim().split(' ').map(str::to_owned).collect() }
    }

    /// Runs `pg_ctl` with `args` on the cluster.
    fn tell(&self, args: &[&str]) {
        let done = Command::new(&self.pg_ctl[0])
            .args(&self.pg_ctl[1..])
            .args(["-D", self.folder.join("data").to_str().unwrap(), "-w"])
            .args(args)
            .current_dir("/")
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(done.success(), "{args:?}");
    }

    fn stop(&self, mode: &str) {
        self.tell(&["-m", mode, "stop"]);
    }

    fn go_on(&self, options: &str) {
        let log = self.folder.join("data/server.log");
        self.tell(&["-l", log.to_str().unwrap(), "-o", options, "start"]);
    }

    /// What the server was started with.
    fn options(&self) -> String {
        let text = std::fs::read_to_string(self.folder.join("data/postmaster.opts")).unwrap();
        // The program and its folder are given by pg_ctl itself.
        let (_, options) = text.trim().split_once("\"-D\"").unwrap();
        options.trim().split_once(' ').unwrap().1.to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Its end of input ends it, and with it the cluster.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// Writes and reads until told to stop; gives the notes that were taken, and how many were refused.
fn load(
    client: &Client,
    customer: &str,
    writer: usize,
    done: &AtomicBool,
    good: &AtomicUsize,
) -> (Vec<String>, usize) {
    let (mut taken, mut refused) = (Vec::new(), 0);
    for number in 0.. {
        if done.load(Ordering::SeqCst) {
            break;
        }
        let text = format!("{writer} {number}");
        let body = json!({ "text": text }).to_string();
        let path = format!("/customers/{customer}/notes");
        let wrote = client.ask("POST", &path, "application/json", body.as_bytes());
        let read = client.ask("GET", &format!("/customers/{customer}"), "application/json", b"");
        for (status, answer) in [&wrote, &read] {
            match status {
                200 | 201 => _ = good.fetch_add(1, Ordering::SeqCst),
                503 => {
                    assert_eq!(answer["code"], "unavailable", "{answer}");
                    refused += 1;
                }
                _ => panic!("{status} {answer}"),
            }
        }
        if wrote.0 == 201 {
            taken.push(text);
        }
    }
    (taken, refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_may_stop_and_start_under_load() {
    let cluster = Cluster::start();
    let options = cluster.options();
    let place = Place::on_cluster(&cluster.url).await;
    let file = generate(&place, "orders.csv", 200, seed() * 10_000 + 40_000);
    place.answer(&["import", "--shop", "T", file.to_str().unwrap()]);
    let token = owner_token(&place);
    let mut server = Server::start(&place, &token);
    let client = server.client.clone();
    let mut customer = Value::Null;
    server.running.wait_until("the customers", |_| {
        let (_, listed) = client.ask("GET", "/customers?limit=1", "application/json", b"");
        customer = listed["items"][0]["id"].clone();
        customer.is_string()
    });
    let customer = customer.as_str().unwrap();

    let rounds = if std::env::var_os("GUANXI_SOAK").is_some() { LONG } else { USUAL };
    let (done, good) = (AtomicBool::new(false), AtomicUsize::new(0));
    let ends: Vec<(Vec<String>, usize)> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (client, done, good) = (client.clone(), &done, &good);
                scope.spawn(move || load(&client, customer, writer, done, good))
            })
            .collect();
        let mut answered = |more: usize| {
            let wanted = good.load(Ordering::SeqCst) + more;
            let went_on = server.running.wait_until("requests to go on by themselves", |_| {
                good.load(Ordering::SeqCst) >= wanted
            });
            assert!(went_on, "the server ended");
        };
        answered(20);
        for round in 0..rounds {
            cluster.stop(["immediate", "fast"][round % 2]);
            cluster.go_on(&options);
            answered(40);
        }
        done.store(true, Ordering::SeqCst);
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let refused: usize = ends.iter().map(|(_, refused)| refused).sum();
    let taken: Vec<&String> = ends.iter().flat_map(|(taken, _)| taken).collect();
    server.running.kill();

    let db = place.open().await;
    let mut tx = db.read().await.unwrap();
    let (held,): (i64,) =
        tx.fetch_one("SELECT COUNT(*) FROM customers_notes", vec![]).await.unwrap();
    tx.rollback().await.unwrap();
    db.close().await;
    // What was committed as the server stopped may be there although nobody was told.
    assert!(held as usize >= taken.len(), "{held} of {} acknowledged notes", taken.len());
    assert!(held as usize <= taken.len() + refused, "{held} notes, {} taken", taken.len());
    place.verify();
    eprintln!("{} notes taken, {refused} requests refused with 503, {rounds} stops", taken.len());
}

impl Place {
    /// As `Place::new`, on a cluster that is not the test run's.
    async fn on_cluster(url: &str) -> Self {
        Self::on(testkit::TestDb::postgres_at(url).await)
    }
}
