//! A place for the data of the real program, on either database, and the program at work in it.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kernel::OrgId;
use platform::crypto::{MasterKey, OrgKeys};
use platform::system::{SystemClock, SystemIds};
use platform::{Db, Platform, keys};
use serde_json::Value;
use testkit::TestDb;

const GUANXI: &str = env!("CARGO_BIN_EXE_guanxi");
/// The same in every place.
pub const KEY: &str = "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio=";
/// Long enough that only what never comes meets it.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long to listen to the program before looking at it again.
const GLANCE: Duration = Duration::from_millis(5);

/// Which database a place has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// Data of its own for one test.
pub struct Place {
    db: TestDb,
    data: PathBuf,
}

impl Place {
    pub async fn new(kind: Kind) -> Self {
        let db = match kind {
            Kind::Sqlite => TestDb::sqlite(&[]).await,
            Kind::Postgres => TestDb::postgres(&[]).await,
        };
        Self::on(db)
    }

    /// On a database that was made for it.
    pub fn on(db: TestDb) -> Self {
        let data = db.folder().join("data");
        Self { db, data }
    }

    /// The data folder of the program.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// A path for a file beside the data folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.db.folder().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The program with `args`, to be changed before it is started.
    pub fn command<A: AsRef<OsStr>>(&self, args: &[A]) -> Command {
        self.told(Command::new(GUANXI), args)
    }

    /// The program as `wrapper` (such as `prlimit --fsize=1`) starts it.
    pub fn wrapped<A: AsRef<OsStr>>(&self, wrapper: &[&str], args: &[A]) -> Command {
        let mut command = Command::new(wrapper[0]);
        command.args(&wrapper[1..]).arg(GUANXI);
        self.told(command, args)
    }

    fn told<A: AsRef<OsStr>>(&self, mut command: Command, args: &[A]) -> Command {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GUANXI_") || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        command.env("GUANXI_KEY", KEY).env("GUANXI_DATA", &self.data);
        if let Some(url) = self.db.postgres_url() {
            command.env("GUANXI_DATABASE_URL", url);
        }
        command.args(args).current_dir(self.db.folder());
        command
    }

    pub fn start<A: AsRef<OsStr>>(&self, args: &[A]) -> Running {
        Running::start(self.command(args), "")
    }

    /// Runs the program to its end.
    pub fn run<A: AsRef<OsStr>>(&self, args: &[A]) -> Done {
        self.start(args).finish()
    }

    /// Runs it to its end with `input` on standard input.
    pub fn run_with<A: AsRef<OsStr>>(&self, args: &[A], input: &str) -> Done {
        Running::start(self.command(args), input).finish()
    }

    /// What it answers with `--json`, having succeeded.
    pub fn answer<A: AsRef<OsStr>>(&self, args: &[A]) -> Value {
        let mut all: Vec<&OsStr> = args.iter().map(AsRef::as_ref).collect();
        all.push(OsStr::new("--json"));
        let done = self.run(&all);
        assert_eq!(done.code, Some(0), "{:?}: {}", all, done.err);
        serde_json::from_str(&done.out).unwrap()
    }

    /// `guanxi verify` finds nothing wrong.
    pub fn verify(&self) {
        let done = self.run(&["verify"]);
        assert_eq!(done.code, Some(0), "{}", done.err);
    }

    /// Where its database is, if that is PostgreSQL.
    pub fn postgres_url(&self) -> Option<&str> {
        self.db.postgres_url()
    }

    /// Whether the program has been far enough to have a database.
    pub fn has_database(&self) -> bool {
        self.db.postgres_url().is_some() || self.data.join("guanxi.db").exists()
    }

    /// The keys of the first organisation in the place's database, which is open as `db`.
    pub async fn keys(&self, db: &Db) -> OrgKeys {
        let master = MasterKey::parse(KEY, "the tests").unwrap();
        let ids = Arc::new(SystemIds::default());
        let platform = Platform::new(db.clone(), master, Arc::new(SystemClock), ids, &self.data);
        keys::load(&platform).await.unwrap();
        platform.keys(OrgId::FIRST)
    }

    /// The program's database. To be closed before the program is killed: as long as it is open here,
    /// SQLite has nothing to recover.
    pub async fn open(&self) -> Db {
        match self.db.postgres_url() {
            Some(url) => Db::connect_postgres(url).await.unwrap(),
            None => Db::open_sqlite(&self.data.join("guanxi.db")).await.unwrap(),
        }
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Done {
    pub code: Option<i32>,
    pub out: String,
    /// All of standard error.
    pub err: String,
    /// The most memory that was seen, in MiB; Linux only.
    pub peak_mib: u64,
}

/// The program at work; killed if the test ends first.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
    out: Option<JoinHandle<String>>,
    ended: Option<ExitStatus>,
    peak_kib: u64,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    pub fn start(mut command: Command, input: &str) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that refuses early does not read it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (told, lines) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if told.send(line).is_err() {
                    break;
                }
            }
        });
        let mut stdout = child.stdout.take().unwrap();
        let out = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stdout.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        Self { child, lines, said: Vec::new(), out: Some(out), ended: None, peak_kib: 0 }
    }

    /// The lines of standard error so far.
    pub fn said(&self) -> &[String] {
        &self.said
    }

    /// Processor time that the program has used.
    pub fn worked(&self) -> Duration {
        const TICKS_PER_SECOND: u64 = 100;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let after_name = stat.rsplit_once(')').unwrap().1;
        let ticks =
            |at: usize| -> u64 { after_name.split_whitespace().nth(at).unwrap().parse().unwrap() };
        // Fields 14 and 15 of proc(5); the state, field 3, is the first here.
        Duration::from_millis((ticks(11) + ticks(12)) * 1000 / TICKS_PER_SECOND)
    }

    /// The same in finer steps: what all threads that still live have used. Zero once it has ended.
    pub fn worked_finely(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let spent = tasks.into_iter().flatten().flatten().filter_map(|task| {
            // Nanoseconds on a processor come first.
            let stat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            stat.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(spent.sum())
    }

    /// Whether it has ended by itself. Hears what it says meanwhile.
    pub fn has_ended(&mut self) -> bool {
        self.said.extend(self.lines.try_iter());
        if self.ended.is_none() {
            self.ended = self.child.try_wait().unwrap();
        }
        self.ended.is_some()
    }

    /// Waits until `met`; says whether that was so before the program ended.
    pub fn wait_until(&mut self, what: &str, mut met: impl FnMut(&Self) -> bool) -> bool {
        let begun = Instant::now();
        loop {
            if self.ended.is_some() {
                return false;
            }
            if met(self) {
                return true;
            }
            assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}; {:?}", self.said);
            self.glance();
        }
    }

    /// Hears what it says, and looks whether it still runs.
    fn glance(&mut self) {
        match self.lines.recv_timeout(GLANCE) {
            Ok(line) => self.said.push(line),
            Err(RecvTimeoutError::Timeout) => {}
            // It has closed its standard error, and so will end at once.
            Err(RecvTimeoutError::Disconnected) => self.ended = Some(self.child.wait().unwrap()),
        }
        self.peak_kib = self.peak_kib.max(self.peak_kib_now());
    }

    /// The most memory that was seen so far; Linux only.
    pub fn peak_mib(&self) -> u64 {
        self.peak_kib.max(self.peak_kib_now()) / 1024
    }

    fn peak_kib_now(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
    }

    /// SIGKILL: nothing of the program runs after it.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.ended = Some(self.child.wait().unwrap());
    }

    /// Waits for the end, and gives how much processor time the last look saw.
    pub fn finish_timed(mut self) -> (Done, Duration) {
        let mut worked = Duration::ZERO;
        self.wait_until("the end of the program", |running| {
            worked = running.worked();
            false
        });
        // What is said last is still on its way when the end is seen.
        self.said.extend(self.lines.iter());
        let done = Done {
            code: self.ended.unwrap().code(),
            out: self.out.take().unwrap().join().unwrap(),
            err: self.said.join("\n"),
            peak_mib: self.peak_kib / 1024,
        };
        (done, worked)
    }

    /// As `finish_timed`, in finer steps.
    pub fn finish_finely(mut self) -> (Done, Duration) {
        let mut worked = Duration::ZERO;
        while !self.has_ended() {
            worked = worked.max(self.worked_finely());
            std::thread::yield_now();
        }
        (self.finish(), worked)
    }

    pub fn finish(self) -> Done {
        self.finish_timed().0
    }
}
