//! What a module brings to the house.

use std::sync::Arc;

use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use crate::keys::Sealed;
use crate::webhooks::Publication;
use crate::{JobHandler, Migration, Platform, Subscriber};

/// The return value of each module's `module()`.
pub struct Module {
    /// The module's name: its folder, the prefix of its tables, the first part of its paths.
    pub name: &'static str,
    /// Its tables.
    pub migrations: &'static [Migration],
    /// Its routes, with paths such as `/customers/{id}`, below `/api/v1`.
    pub routes: fn() -> OpenApiRouter<Platform>,
    /// Its job kinds (`commerce.import`) and who runs them.
    pub jobs: Vec<(&'static str, Arc<dyn JobHandler>)>,
    /// Its columns that hold sealed values: all of them, since a rotation of keys seals them anew.
    pub sealed: &'static [Sealed],
    /// Which of its events other programs may learn of.
    pub published: &'static [Publication],
    /// Who of it listens to events.
    pub subscribers: Vec<Arc<dyn Subscriber>>,
}

/// Tables of the platform itself.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        module: "platform",
        version: 1,
        sql: include_str!("../migrations/0001_platform.sql"),
    },
    Migration { module: "platform", version: 2, sql: include_str!("../migrations/0002_audit.sql") },
    Migration { module: "platform", version: 3, sql: include_str!("../migrations/0003_keys.sql") },
    Migration {
        module: "platform",
        version: 4,
        sql: include_str!("../migrations/0004_retention.sql"),
    },
    Migration {
        module: "platform",
        version: 5,
        sql: include_str!("../migrations/0005_webhooks.sql"),
    },
];

/// What the platform itself keeps sealed.
const SEALED: &[Sealed] = &[
    Sealed::new("platform_audit_sealed", &["id"], "sealed", &[crate::audit::FIELD]),
    Sealed::new(
        "platform_idempotency",
        &["actor", "key"],
        "answer",
        &[crate::idempotency::SEALED_AS],
    ),
    Sealed::new("platform_webhooks", &["id"], "secret_sealed", &[crate::webhooks::SECRET_FIELD]),
    Sealed::new(
        "platform_webhooks",
        &["id"],
        "earlier_secret_sealed",
        &[crate::webhooks::SECRET_FIELD],
    ),
];

/// What all routes refer to without naming it in their own signature.
#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(crate::Problem)))]
struct Shared;

/// The platform as a module: its tables, `GET /platform/jobs`, `GET /events`.
#[must_use]
pub fn module() -> Module {
    Module {
        name: "platform",
        migrations: MIGRATIONS,
        routes: || {
            OpenApiRouter::with_openapi(Shared::openapi())
                .merge(crate::jobs::routes())
                .merge(crate::backup::routes())
                .merge(crate::keys::routes())
                .merge(crate::live::routes())
                .merge(crate::webhooks::routes())
        },
        jobs: vec![
            (crate::backup::BACKUP, Arc::new(crate::backup::BackupJob)),
            (crate::webhooks::SEND, Arc::new(crate::webhooks::SendWebhooks)),
        ],
        sealed: SEALED,
        published: &[],
        subscribers: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_description_refers_to_nothing_that_is_not_there() {
        let api = serde_json::to_value((super::module().routes)().into_openapi()).unwrap();
        assert!(api["paths"]["/platform/jobs"]["get"]["responses"]["default"].is_object());
        let text = api.to_string();
        let mut refs = text.split("#/components/schemas/").skip(1).peekable();
        assert!(refs.peek().is_some());
        for name in refs.filter_map(|rest| rest.split('"').next()) {
            assert!(api["components"]["schemas"][name].is_object(), "{name} is missing");
        }
    }
}
