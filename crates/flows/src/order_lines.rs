//! Lines of orders for analyses of products, and how products are called.

use std::collections::HashMap;

use analytics::{LineProduct, LinesQuery, OrderLines};
use chrono::Days;
use commerce::store as orders;
use customers::engine_feed;
use kernel::{FieldErrors, TypedId};
use platform::{Ctx, DbError};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::analysis::{self, AnalysisError, Scene};
use crate::engine::EngineHandle;

/// Most days of lines.
pub(crate) const LINE_DAYS_MAX: u32 = 3_653;

/// A product as orders name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProductView {
    /// The merchant's code; empty when unknown.
    pub code: String,
    /// A title under which it was sold; empty when unknown.
    pub title: String,
}

/// The days of lines that are asked for; `usual` unless given.
pub(crate) fn days_of(errors: &mut FieldErrors, days: Option<u32>, usual: u32) -> Option<u32> {
    analysis::number_in(errors, "days", days, usual, 1..=LINE_DAYS_MAX)
}

/// The lines of the last `days` days.
///
/// # Errors
/// `Lines` if there are too many.
pub(crate) async fn lines_of(
    engine: &EngineHandle,
    cx: &Ctx,
    scene: Scene,
    days: u32,
) -> Result<OrderLines, AnalysisError> {
    read(engine, cx, scene, days, false).await
}

/// As [`lines_of`], with pieces and amounts.
///
/// # Errors
/// `Lines` if there are too many.
pub(crate) async fn amounts_of(
    engine: &EngineHandle,
    cx: &Ctx,
    scene: Scene,
    days: u32,
) -> Result<OrderLines, AnalysisError> {
    read(engine, cx, scene, days, true).await
}

async fn read(
    engine: &EngineHandle,
    cx: &Ctx,
    scene: Scene,
    days: u32,
    amounts: bool,
) -> Result<OrderLines, AnalysisError> {
    let Scene { frame, as_of } = scene;
    let query = LinesQuery {
        from: as_of.checked_sub_days(Days::new(u64::from(days) - 1)).unwrap_or(as_of),
        to: as_of,
        zone: frame.zone,
        shop: frame.shop,
        amounts,
    };
    let reach = cx.access.reach().clone();
    Ok(engine.ask_apart(move |engine| engine.order_lines(&query, &reach)).await??)
}

/// Products as they were written in an order of a buyer: the engine knows them folded. Those that are not found,
/// because the order was taken back in the meantime, are told as the engine knows them.
///
/// # Errors
/// As the database says.
pub(crate) async fn views_of(
    engine: &EngineHandle,
    cx: &Ctx,
    products: &[&LineProduct],
) -> Result<Vec<ProductView>, DbError> {
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let buyers: Vec<Uuid> = products.iter().map(|product| product.buyer.uuid()).collect();
    let families = engine_feed::profiles_for_engine(&mut tx, cx.scope, &buyers).await?;
    let members: Vec<Uuid> =
        families.iter().flat_map(|family| family.family.iter().map(|id| id.uuid())).collect();
    let lines = orders::counted_lines_of(&mut tx, cx.scope, &members).await?;
    tx.rollback().await?;
    // The latest title counts.
    let mut latest: HashMap<(&str, &str), _> = HashMap::new();
    for line in &lines {
        let slot = latest.entry((line.code.as_str(), line.title.as_str())).or_insert(line);
        if (slot.ordered_at, slot.order) < (line.ordered_at, line.order) {
            *slot = line;
        }
    }
    let view = |product: &&LineProduct| {
        let own = latest.values().filter(|line| product.is_of(&line.code, &line.title));
        let last = own.max_by_key(|line| (line.ordered_at, line.order, &line.title));
        last.map_or_else(
            || ProductView { code: product.code.clone(), title: product.title.clone() },
            |line| ProductView { code: line.code.clone(), title: line.title.clone() },
        )
    };
    Ok(products.iter().map(view).collect())
}
