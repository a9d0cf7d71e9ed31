//! What the program holds while it runs; the state of every router.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kernel::{Clock, Ids, OrgId, Timestamp};
use tokio_util::task::TaskTracker;

use crate::access::Access;
use crate::audit::Origin;
use crate::crypto::{Keyring, MasterKey, OrgKeys};
use crate::outbound::Outbound;
use crate::{Ctx, Db, LiveBus, Scope};

/// Database, keys, time, ids and the live bus; cheap to clone.
#[derive(Clone)]
pub struct Platform {
    /// The database.
    pub db: Db,
    /// The master key; ask [`Platform::keys`] for an organisation's keys.
    pub master: MasterKey,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where ids and randomness come from.
    pub ids: Arc<dyn Ids>,
    /// Tells open pages what changed.
    pub live: LiveBus,
    /// The data folder.
    pub folder: Arc<Path>,
    /// Where the server keeps its daily backups; nowhere if it makes none.
    pub backups: Option<Arc<Path>>,
    /// The way out to other servers.
    pub outbound: Outbound,
    /// Handlers at work; see [`crate::http::run_to_end`].
    pub(crate) requests: TaskTracker,
    pub(crate) keyring: Keyring,
}

impl Platform {
    /// Puts the parts together.
    #[must_use]
    pub fn new(
        db: Db,
        master: MasterKey,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        folder: &Path,
    ) -> Self {
        Self {
            db,
            keyring: Keyring::new(master.clone()),
            master,
            clock,
            ids,
            live: LiveBus::default(),
            folder: folder.into(),
            backups: Some(folder.join("backups").into()),
            outbound: Outbound::default(),
            requests: TaskTracker::new(),
        }
    }

    /// With daily backups in another folder, or without any.
    #[must_use]
    pub fn with_backups(self, folder: Option<&Path>) -> Self {
        Self { backups: folder.map(Into::into), ..self }
    }

    /// With another way out.
    #[must_use]
    pub fn with_outbound(self, outbound: Outbound) -> Self {
        Self { outbound, ..self }
    }

    /// The context in which `scope` acts.
    #[must_use]
    pub fn ctx(&self, scope: Scope) -> Ctx {
        Ctx {
            scope,
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            access: Access::everything(),
            origin: Origin::default(),
            keyring: self.keyring.clone(),
        }
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The keys of `org`; derived once.
    #[must_use]
    pub fn keys(&self, org: OrgId) -> OrgKeys {
        self.keyring.of(org)
    }

    /// Waits until the handlers that began have ended, those included whose clients are gone.
    /// Gives whether all ended within `grace`.
    pub async fn drain(&self, grace: Duration) -> bool {
        self.requests.close();
        tokio::time::timeout(grace, self.requests.wait()).await.is_ok()
    }
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Platform").field("db", &self.db).finish_non_exhaustive()
    }
}
