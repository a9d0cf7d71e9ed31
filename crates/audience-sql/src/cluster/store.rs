//! The object store on which the Parquet files lie.

use std::path::Path;
use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use object_store::aws::AmazonS3Builder;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload, WriteMultipart};
use tokio::io::AsyncReadExt as _;
use url::Url;

use super::ClusterError;
use crate::table::TABLES;

/// Bytes of one part of an upload; each but the last must have 5 MiB at least.
const PART_BYTES: usize = 8 << 20;
/// Parts under way at once, held in memory.
const PARTS: usize = 2;

/// What opens a store. Never printed.
#[derive(Clone)]
pub struct Keys {
    /// The access key.
    pub access_key: String,
    /// The secret key.
    pub secret_key: String,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// A folder of a bucket of an S3-compatible object store.
#[derive(Clone)]
pub struct Store {
    /// Ends with a slash.
    folder: Url,
    store: Arc<dyn ObjectStore>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("folder", &self.folder.as_str()).finish_non_exhaustive()
    }
}

impl Store {
    /// `address` is `s3://BUCKET/FOLDER`. Keys, region and endpoint come from the environment, by the names that
    /// all programs of S3 know: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`,
    /// `AWS_ENDPOINT_URL`, and `AWS_ALLOW_HTTP=true` for an endpoint without TLS.
    ///
    /// # Errors
    /// `Store` if the address is none, or the environment lacks what is needed.
    pub fn from_env(address: &str) -> Result<Self, ClusterError> {
        Self::of(address, AmazonS3Builder::from_env())
    }

    /// As [`Store::from_env`], with the endpoint and the keys given.
    ///
    /// # Errors
    /// `Store` if an address is none.
    pub fn with_keys(address: &str, endpoint: &Url, keys: &Keys) -> Result<Self, ClusterError> {
        let builder = AmazonS3Builder::new()
            .with_endpoint(endpoint.as_str().trim_end_matches('/'))
            .with_allow_http(is_loopback(endpoint))
            .with_region("us-east-1")
            .with_access_key_id(&keys.access_key)
            .with_secret_access_key(&keys.secret_key);
        Self::of(address, builder)
    }

    fn of(address: &str, builder: AmazonS3Builder) -> Result<Self, ClusterError> {
        let wrong = |why: &str| ClusterError::Store(format!("{address}: {why}"));
        let mut folder = Url::parse(address).map_err(|error| wrong(&error.to_string()))?;
        if folder.scheme() != "s3" || folder.query().is_some() || folder.fragment().is_some() {
            return Err(wrong("must be s3://BUCKET/FOLDER"));
        }
        let bucket = folder.host_str().filter(|bucket| !bucket.is_empty());
        let bucket = bucket.ok_or_else(|| wrong("names no bucket"))?.to_owned();
        if !folder.path().ends_with('/') {
            folder.set_path(&format!("{}/", folder.path()));
        }
        let store = builder.with_bucket_name(bucket).build()?;
        Ok(Self { folder, store: Arc::new(store) })
    }

    /// The address of the folder, with a slash at its end.
    #[must_use]
    pub fn folder(&self) -> &Url {
        &self.folder
    }

    /// Takes the files that [`crate::write`] wrote into `dir` there, in place of those that are there.
    ///
    /// # Errors
    /// `File` if one cannot be read, `Store` if one cannot be stored.
    pub async fn upload(&self, dir: &Path) -> Result<(), ClusterError> {
        for table in TABLES {
            let key = self.key(&table.file_name())?;
            let mut file = tokio::fs::File::open(table.path(dir)).await?;
            let mut part = Vec::with_capacity(PART_BYTES);
            (&mut file).take(PART_BYTES as u64).read_to_end(&mut part).await?;
            if part.len() < PART_BYTES {
                self.store.put(&key, PutPayload::from(part)).await?;
                continue;
            }
            let upload = self.store.put_multipart(&key).await?;
            let mut upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
            while !part.is_empty() {
                upload.wait_for_capacity(PARTS).await?;
                upload.write(&part);
                part.clear();
                (&mut file).take(PART_BYTES as u64).read_to_end(&mut part).await?;
            }
            upload.finish().await?;
        }
        Ok(())
    }

    fn key(&self, file: &str) -> Result<Key, ClusterError> {
        let address = self.folder.join(file);
        let address = address.map_err(|error| ClusterError::Store(error.to_string()))?;
        Key::from_url_path(address.path()).map_err(|error| ClusterError::Store(error.to_string()))
    }

    /// An environment that reads from this store, and writes what does not fit into memory below `work`.
    pub(super) fn environment(
        &self,
        work: Option<&Path>,
    ) -> Result<Arc<RuntimeEnv>, DataFusionError> {
        let mut builder = RuntimeEnvBuilder::new();
        if let Some(work) = work {
            builder = builder.with_temp_file_path(work);
        }
        let environment = builder.build_arc()?;
        environment.register_object_store(&self.folder, Arc::clone(&self.store));
        Ok(environment)
    }
}

fn is_loopback(endpoint: &Url) -> bool {
    match endpoint.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
