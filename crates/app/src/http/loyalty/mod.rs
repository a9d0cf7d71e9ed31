//! Levels, points, coupons and promotions: one file for each, one line here.

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// Routes below `/loyalty`.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
}
