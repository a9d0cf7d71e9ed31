//! A table to see effects in, an event, and a subscriber that does as it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use platform::{
    Ctx, Db, Event, HandleError, Migration, Platform, StoredEvent, Subscriber, Tx, args, outbox,
};
use serde::{Deserialize, Serialize};

pub const MIGRATIONS: &[Migration] = &[
    platform::MIGRATIONS[0],
    platform::MIGRATIONS[1],
    platform::MIGRATIONS[2],
    platform::MIGRATIONS[3],
    platform::MIGRATIONS[4],
    Migration {
        module: "platform",
        // Behind all that the platform will ever have.
        version: 1_000,
        sql: "CREATE TABLE platform_probe (org_id BIGINT NOT NULL, name TEXT NOT NULL,
              n BIGINT NOT NULL, PRIMARY KEY (org_id, name, n));
              CREATE TABLE platform_counters (org_id BIGINT NOT NULL, name TEXT NOT NULL,
              n BIGINT NOT NULL, PRIMARY KEY (org_id, name));",
    },
];

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThingDone {
    pub thing: String,
    pub n: i64,
}

impl Event for ThingDone {
    const TOPIC: &'static str = "test.thing_done.v1";
    fn key(&self) -> String {
        self.thing.clone()
    }
}

#[derive(Serialize)]
pub struct Noise;

impl Event for Noise {
    const TOPIC: &'static str = "test.noise.v1";
    fn key(&self) -> String {
        String::new()
    }
}

pub async fn push(platform: &Platform, cx: &Ctx, thing: &str, n: i64) {
    let mut tx = platform.db.begin().await.unwrap();
    outbox::push(&mut tx, cx, &ThingDone { thing: thing.into(), n }).await.unwrap();
    tx.commit().await.unwrap();
    outbox::sequence(&platform.db).await.unwrap();
}

/// Marks `n` in the table; a second time is an error of the database.
pub async fn mark(tx: &mut Tx, name: &str, n: i64) -> Result<(), platform::DbError> {
    tx.execute("INSERT INTO platform_probe (org_id, name, n) VALUES (1, $1, $2)", args![name, n])
        .await
        .map(drop)
}

pub async fn marks(db: &Db, name: &str) -> Vec<i64> {
    let mut tx = db.read().await.unwrap();
    let rows: Vec<(i64,)> = tx
        .fetch_all("SELECT n FROM platform_probe WHERE name = $1 ORDER BY n", args![name])
        .await
        .unwrap();
    rows.into_iter().map(|row| row.0).collect()
}

/// How to treat an event instead of well.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trouble {
    /// Fail so many times after the effect was written, then do well.
    Fail(u32),
    Fatal,
    Panic,
    /// Break the transaction and say nothing.
    SwallowDbError,
}

/// Marks every `ThingDone`, and remembers the order in which it saw them.
#[derive(Default)]
pub struct Marker {
    pub troubles: Mutex<HashMap<i64, Trouble>>,
    pub seen: Mutex<Vec<i64>>,
}

impl Marker {
    pub fn with(troubles: &[(i64, Trouble)]) -> Arc<Self> {
        let troubles = Mutex::new(troubles.iter().copied().collect());
        Arc::new(Self { troubles, seen: Mutex::default() })
    }

    pub fn seen(&self) -> Vec<i64> {
        self.seen.lock().unwrap().clone()
    }

    fn trouble(&self, n: i64) -> Option<Trouble> {
        let mut troubles = self.troubles.lock().unwrap();
        match troubles.get_mut(&n)? {
            Trouble::Fail(0) => None,
            Trouble::Fail(left) => {
                *left -= 1;
                Some(Trouble::Fail(0))
            }
            other => Some(*other),
        }
    }
}

#[async_trait]
impl Subscriber for Marker {
    fn name(&self) -> &'static str {
        "test.marker"
    }

    fn topics(&self) -> &'static [&'static str] {
        &[ThingDone::TOPIC]
    }

    async fn handle(
        &self,
        _: &Platform,
        tx: &mut Tx,
        _: &Ctx,
        event: &StoredEvent,
    ) -> Result<(), HandleError> {
        let done: ThingDone = event.parse()?;
        self.seen.lock().unwrap().push(done.n);
        mark(tx, "marker", done.n).await?;
        match self.trouble(done.n) {
            None => Ok(()),
            Some(Trouble::Fail(_)) => Err(HandleError::Retry("not yet".into())),
            Some(Trouble::Fatal) => Err(HandleError::Fatal("never".into())),
            Some(Trouble::Panic) => panic!("as told"),
            Some(Trouble::SwallowDbError) => {
                let _ = mark(tx, "marker", done.n).await;
                // SQLite forgives a failed statement; there the handler must fail by itself.
                if tx.is_postgres() { Ok(()) } else { Err(HandleError::Retry("broken".into())) }
            }
        }
    }
}
