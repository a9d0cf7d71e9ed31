//! What a module brings to the house.

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

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
    /// Who of it listens to events.
    pub subscribers: Vec<Arc<dyn Subscriber>>,
}

/// Tables of the platform itself.
pub const MIGRATIONS: &[Migration] = &[Migration {
    module: "platform",
    version: 1,
    sql: include_str!("../migrations/0001_platform.sql"),
}];

/// The platform as a module: its tables, `GET /platform/jobs`, `GET /events`.
#[must_use]
pub fn module() -> Module {
    Module {
        name: "platform",
        migrations: MIGRATIONS,
        routes: || OpenApiRouter::new().merge(crate::jobs::routes()).merge(crate::live::routes()),
        jobs: Vec::new(),
        subscribers: Vec::new(),
    }
}
