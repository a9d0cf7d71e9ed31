//! Levels, points, coupons and promotions: one file for each, one line here.

mod answered;
mod checkout;
mod coupon_batches;
mod coupon_gifts;
mod coupons;
mod ledger;
mod levels;
mod points;
mod promotions;
mod simulations;
mod wallets;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// Routes below `/loyalty`.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(points::routes())
        .merge(ledger::routes())
        .merge(levels::routes())
        .merge(coupons::routes())
        .merge(coupon_batches::routes())
        .merge(coupon_gifts::routes())
        .merge(wallets::routes())
        .merge(checkout::routes())
        .merge(promotions::routes())
        .merge(simulations::routes())
}
