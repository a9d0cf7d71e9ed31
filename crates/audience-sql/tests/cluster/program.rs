//! The nodes as processes of their own.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use analytics::audience::sql::select;
use analytics::audience::{AsOf, Definitions, NoNames, parse};
use audience_sql::cluster::{ClusterLimits, Loopback, connect};
use kernel::{Reach, Zone};

use crate::world::{self, at};

/// A node at work; ended with the test.
struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a node that reads from the store of `cluster`, and gives what it says first.
fn start(cluster: &Loopback, args: &[&str]) -> (Node, String) {
    let keys = cluster.keys();
    let mut child = Command::new(env!("CARGO_BIN_EXE_guanxi-cluster"))
        .args(["--store", cluster.store().folder().as_str()])
        .args(args)
        .env("AWS_ACCESS_KEY_ID", keys.access_key)
        .env("AWS_SECRET_ACCESS_KEY", keys.secret_key)
        .env("AWS_ENDPOINT_URL", cluster.endpoint().as_str().trim_end_matches('/'))
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ALLOW_HTTP", "true")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
    (Node(child), said)
}

#[test]
fn processes_of_their_own_find_them_too() {
    let people: Vec<_> = (0..30).map(world::plain).collect();
    let engine = world::engine(&people, Zone::CHINA).snapshot();
    let dir = tempfile::tempdir().unwrap();
    audience_sql::write_snapshot(dir.path(), &engine).unwrap();
    let store = Loopback::start(0, 1, 1).unwrap();
    store.upload(dir.path()).unwrap();

    let (_scheduler, said) = start(&store, &["scheduler", "--listen", "127.0.0.1:0"]);
    let scheduler = said.trim().rsplit(' ').next().unwrap().to_owned();
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let (_executor, said) = start(
        &store,
        &["executor", "--scheduler", &scheduler, "--listen", &free.to_string(), "--threads", "1"],
    );
    assert!(said.contains("the executor listens"), "{said}");

    let limits = ClusterLimits { time: Duration::from_secs(120), partitions: 2 };
    let asked = connect(&format!("http://{scheduler}"), store.store(), limits).unwrap();
    let as_of = AsOf { day: at(24, 0).day(Zone::CHINA), zone: Zone::CHINA };
    let tree = parse("bucket 1..5 of 10 and orders = 0", &NoNames).unwrap();
    let found = asked.members(&select(&tree, &Definitions::new(), as_of).unwrap()).unwrap();
    let by_engine = engine.audience(&tree, &Definitions::new(), as_of, &Reach::ALL).unwrap();
    assert_eq!(found, by_engine.ids().collect::<Vec<_>>());
    assert!((1..people.len()).contains(&found.len()));
}
