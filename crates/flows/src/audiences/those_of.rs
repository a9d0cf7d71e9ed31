//! Which audiences one customer is in, for whoever decides by them.

use std::collections::BTreeSet;

use analytics::audience::AsOf;
use insight::audiences::{self as store, definitions};
use kernel::{AudienceId, CustomerId};
use platform::{Ctx, DbError, Tx};

use crate::engine::EngineHandle;

/// Those of `named` in which `customer`, who is a root, is today. Audiences that are gone or cannot be asked have
/// nobody; the log says so.
///
/// # Errors
/// As the database says.
pub(crate) async fn those_of(
    tx: &mut Tx,
    cx: &Ctx,
    engine: &EngineHandle,
    customer: CustomerId,
    named: &BTreeSet<AudienceId>,
) -> Result<BTreeSet<AudienceId>, DbError> {
    if named.is_empty() {
        return Ok(BTreeSet::new());
    }
    let known = definitions(&store::all(tx, cx.scope).await?);
    let frame = engine.shops().frame();
    let as_of = AsOf { day: frame.today(cx.now()), zone: frame.zone };
    let snapshot = engine.ask(analytics::Engine::snapshot);
    let is_in = |id: &&AudienceId| {
        let Some(tree) = known.get(*id) else { return false };
        match snapshot.question(tree, &known, as_of, customer) {
            Ok(question) => question.is_some_and(|question| question.is_in()),
            Err(error) => {
                tracing::warn!(audience = %id, %error, "an audience of a promotion cannot be asked");
                false
            }
        }
    };
    Ok(named.iter().filter(is_in).copied().collect())
}
