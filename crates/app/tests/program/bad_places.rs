//! Files that may not be read, disks that are full, spreadsheets that would run what they are given.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tabular::{Options, Table};

use super::bad::{HEADER, good};
use super::bad_files::{assert_modest, assert_nothing_done, assert_refused, import_of};
use super::http::{Server, owner_token};
use super::orders::generate;
use super::place::{Done, Kind, Place, Running};

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs the program as somebody whom permissions bind; the superuser gives that privilege up.
fn run_bound(place: &Place, args: &[&str], is_bound: bool) -> Done {
    let privileges = "-dac_override,-dac_read_search";
    let bounding = format!("--bounding-set={privileges}");
    let wrapper = ["setpriv", &bounding, "--inh-caps", privileges];
    let command = if is_bound { place.command(args) } else { place.wrapped(&wrapper, args) };
    Running::start(command, "").finish()
}

/// Lets the program write files of at most `bytes`, and survive trying more.
fn limited(place: &Place, bytes: u64, args: &[&str]) -> Command {
    let fsize = format!("--fsize={bytes}");
    let script = "trap '' XFSZ; exec prlimit \"$@\"";
    place.wrapped(&["sh", "-c", script, "sh", &fsize], args)
}

/// A small disk, where one may be made.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: PathBuf, bytes: u64) -> Option<Self> {
        std::fs::create_dir_all(&at).unwrap();
        let size = format!("size={bytes},mode=0700");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "guanxi"]).arg(&at).output();
        mount.is_ok_and(|done| done.status.success()).then_some(Self(at))
    }

    fn grow(&self, bytes: u64) {
        let size = format!("remount,size={bytes}");
        assert!(Command::new("mount").args(["-o", &size]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

async fn forbidden_files(kind: Kind) {
    let place = Place::new(kind).await;
    let path = place.write("secret.csv", format!("{HEADER}\n{}\n", good(1)).as_bytes());
    set_mode(&path, 0o000);
    let is_bound = std::fs::read(&path).is_err();
    let args = ["import", "--shop", "T", path.to_str().unwrap(), "--json"];
    let done = run_bound(&place, &args, is_bound);
    assert_refused(&done, &["secret.csv", "no permission", "change its permissions"]);
    let looped = place.path("loop.csv");
    symlink(&looped, &looped).unwrap();
    let done = import_of(&place, looped.to_str().unwrap(), &[]);
    assert_refused(&done, &["loop.csv", "cannot be read"]);
    assert_nothing_done(&place).await;

    // Rejected rows find a place when the folder of their file is closed.
    let closed = place.path("closed");
    std::fs::create_dir(&closed).unwrap();
    let path = closed.join("orders.csv");
    std::fs::write(&path, format!("{HEADER}\n{}\n2,x\n", good(1))).unwrap();
    set_mode(&closed, 0o555);
    let args = ["import", "--shop", "T", path.to_str().unwrap(), "--json"];
    let done = run_bound(&place, &args, is_bound);
    set_mode(&closed, 0o755);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let answer: Value = serde_json::from_str(&done.out).unwrap();
    let rejects = Path::new(answer["rejects_file"].as_str().unwrap());
    assert_eq!(rejects.file_name().unwrap(), "orders.rejects.csv");
    assert!(!rejects.starts_with(&closed) && rejects.is_file(), "{}", rejects.display());
    place.verify();
}

/// A full disk stops an import with a word; with room again it goes on and ends as it would have.
async fn full_disk() {
    const ORDERS: u32 = 15_000;
    let place = Place::new(Kind::Sqlite).await;
    let file = generate(&place, "orders.csv", ORDERS, 5);
    let file = file.to_str().unwrap();
    let args = ["import", "--shop", "T", file, "--json"];
    // The first transaction fits, the second does not.
    let disk = Disk::mount(place.data().to_owned(), 12 << 20);
    let (done, words) = match &disk {
        Some(_) => (place.run(&args), ["is full", "free some space"]),
        None => {
            let command = limited(&place, 8 << 20, &args);
            (Running::start(command, "").finish(), ["database", "disk"])
        }
    };
    assert_modest(&done);
    assert_refused(&done, &words);
    if let Some(disk) = &disk {
        // Nothing that was said to be done is lost, even where there is no room to tidy up.
        disk.grow(400 << 20);
    }
    place.verify();
    let answer = place.answer(&args[..4]);
    assert_eq!((&answer["state"], &answer["orders_created"]), (&json!("finished"), &json!(ORDERS)));
    place.verify();
    drop(place);
    drop(disk);
}

/// Tables and answers that cannot be written are no half files.
async fn no_room_for_answers(kind: Kind) {
    let place = Place::new(kind).await;
    let file = generate(&place, "orders.csv", 3_000, 5);
    place.answer(&["import", "--shop", "T", file.to_str().unwrap()]);
    for name in ["list.csv", "list.xlsx"] {
        let out = place.path(name);
        let args = ["export", "customers", "--out", out.to_str().unwrap()];
        let done = Running::start(limited(&place, 160 << 10, &args), "").finish();
        // The library that writes workbooks says so in its own way before the program does.
        assert!(name == "list.xlsx" || !done.err.contains("panicked"), "{}", done.err);
        assert_refused(&done, &[name]);
        assert!(!out.exists(), "no half file under the name that was asked for");
        place.answer(&args);
        assert!(out.exists());
    }
    let left = std::fs::read_dir(place.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    let part = left.into_iter().find(|name| name.to_string_lossy().contains("part"));
    assert_eq!(part, None, "nothing unfinished is left");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut verify = place.command(&["verify", "--json"]);
    let output = verify.stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("No space left"), "{said}");
}

/// An upload for which there is no room is refused and removed.
async fn no_room_for_uploads(kind: Kind) {
    let place = Place::new(kind).await;
    let token = owner_token(&place);
    let mut command = limited(&place, 8 << 20, &["serve", "--listen", "127.0.0.1:0"]);
    command.env("RUST_LOG", "warn");
    let mut server = Server::of(Running::start(command, ""), &token);
    let (status, problem) = server.client.upload("large.csv", &vec![b'x'; 9 << 20]);
    assert_eq!((status, &problem["code"]), (507, &json!("disk_full")), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("free some space"), "{problem}");
    let uploads = std::fs::read_dir(place.data().join("uploads")).unwrap();
    assert_eq!(uploads.count(), 0, "nothing is left of it");
    let small = place.write("small.csv", format!("{HEADER}\n{}\n", good(1)).as_bytes());
    let id = server.client.begin_import(&small);
    assert_eq!(server.rested(&id)["orders_created"], 1, "what fits is taken");
}

async fn formulas_stay_texts(kind: Kind) {
    let place = Place::new(kind).await;
    let hostile = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=2+2"];
    let mut text = "no,who,name,city,day,paid\n".to_owned();
    for (number, cell) in hostile.iter().enumerate() {
        text.push_str(&format!("{number},\"{cell}\",\"{cell}\",\"{cell}\",2025-01-01,5.00\n"));
    }
    place.write(
        "map.toml",
        b"[columns]\norder_no = \"no\"\naccount = \"who\"\nreceiver_name = \"name\"\ncity = \"city\"\n\
          ordered_at = \"day\"\npaid_at = \"day\"\npaid = \"paid\"\n",
    );
    let path = place.write("orders.csv", text.as_bytes());
    let args = ["import", "--shop", "T", "--map", "map.toml", path.to_str().unwrap()];
    let answer = place.answer(&args);
    assert_eq!((&answer["orders_created"], &answer["rejected"]), (&json!(6), &json!(0)));
    for name in ["list.csv", "list.xlsx"] {
        let out = place.path(name);
        let answer = place.answer(&["export", "customers", "--out", out.to_str().unwrap()]);
        assert_eq!(answer["customers"], 6);
        let mut table = Table::open(&out, &Options::default()).unwrap();
        let (mut rows, mut escaped) = (0, 0);
        while let Some(row) = table.next_row() {
            let row = row.unwrap();
            rows += 1;
            for cell in row.iter() {
                let bare = cell.trim_start();
                assert!(!bare.starts_with(['=', '+', '-', '@']), "{name}: {cell}");
                escaped += usize::from(bare.starts_with('\''));
            }
        }
        assert_eq!(rows, 6);
        assert!(escaped >= 12, "{name}: {escaped} cells");
    }
    let bytes = std::fs::read(place.path("list.xlsx")).unwrap();
    let mut book = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut sheet = book.by_name("xl/worksheets/sheet1.xml").unwrap();
    let mut xml = String::new();
    std::io::Read::read_to_string(&mut sheet, &mut xml).unwrap();
    assert!(!xml.contains("<f>") && !xml.contains("<f "), "no formula is written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_may_not_be_read_are_refused_on_sqlite() {
    forbidden_files(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_may_not_be_read_are_refused_on_postgres() {
    forbidden_files(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_an_import_until_there_is_room() {
    full_disk().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exports_without_room_leave_no_half_file_on_sqlite() {
    no_room_for_answers(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exports_without_room_leave_no_half_file_on_postgres() {
    no_room_for_answers(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_without_room_are_refused_on_sqlite() {
    no_room_for_uploads(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_without_room_are_refused_on_postgres() {
    no_room_for_uploads(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exported_formulas_stay_texts_on_sqlite() {
    formulas_stay_texts(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exported_formulas_stay_texts_on_postgres() {
    formulas_stay_texts(Kind::Postgres).await;
}
