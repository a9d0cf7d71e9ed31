//! Data of released versions, as `scripts/freeze.sh` kept it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde_json::Value;
use sqlx::{Connection as _, PgConnection};

use super::place::{Kind, Place};

/// What is in one archive.
pub struct Frozen {
    /// The version that wrote it.
    pub version: String,
    sqlite: Vec<u8>,
    postgres: String,
    rfm: [Value; 2],
}

impl Frozen {
    /// Reads all archives of this folder, the oldest version first.
    pub fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/upgrade");
        let mut archives: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "zip"))
            .collect();
        archives.sort();
        assert!(!archives.is_empty(), "{} has no archive", folder.display());
        archives.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Self {
        let mut archive = zip::ZipArchive::new(File::open(path).unwrap()).unwrap();
        let mut file = |name: &str| {
            let mut bytes = Vec::new();
            archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
            bytes
        };
        let json = |bytes: Vec<u8>| serde_json::from_slice(&bytes).unwrap();
        Self {
            version: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            sqlite: file("guanxi.db"),
            postgres: String::from_utf8(file("postgres.sql")).unwrap(),
            rfm: [json(file("sqlite-rfm.json")), json(file("postgres-rfm.json"))],
        }
    }

    /// What that version's `guanxi rfm --as-of 2030-01-01 --json` said.
    pub fn rfm(&self, kind: Kind) -> &Value {
        &self.rfm[usize::from(kind == Kind::Postgres)]
    }

    /// A place with the data as that version left it. Its key is that of all places of tests.
    pub async fn thawed(&self, kind: Kind) -> Place {
        let place = Place::new(kind).await;
        std::fs::create_dir_all(place.data()).unwrap();
        match place.postgres_url() {
            None => std::fs::write(place.data().join("guanxi.db"), &self.sqlite).unwrap(),
            Some(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                let script = sqlx::AssertSqlSafe(self.postgres.clone());
                sqlx::raw_sql(script).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
        place
    }
}
