//! Levels, points, coupons and promotions: one file for each, one line here.

mod answered;
mod ledger;
mod levels;
mod points;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// Routes below `/loyalty`.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(points::routes()).merge(ledger::routes()).merge(levels::routes())
}
