//! Every invariant of the data that can be checked from outside, for `guanxi verify`.

use platform::{Ctx, DbError, Platform, Tx, audit};
use serde::Serialize;

use crate::settle_points::{Comparison, compare};

/// One invariant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name, stable for scripts.
    pub name: &'static str,
    /// Whether it holds.
    pub ok: bool,
    /// What was counted.
    pub detail: String,
}

/// Checks every invariant in one consistent view of the data.
///
/// # Errors
/// As the database says; a broken invariant is not an error but a check that is not `ok`.
pub async fn verify(platform: &Platform, cx: &Ctx) -> Result<Vec<Check>, DbError> {
    let keys = platform.keys(cx.scope.org());
    let mut tx = platform.db.read_for(cx.scope).await?;
    let mut checks = Vec::new();
    for (name, broken) in commerce::invariants::check(&mut tx, cx.scope, &keys)
        .await?
        .into_iter()
        .chain(customers::invariants::check(&mut tx, cx.scope, &keys).await?)
        .chain(loyalty::points::invariants::check(&mut tx, cx.scope).await?)
        .chain(loyalty::invariants::check(&mut tx, cx.scope).await?)
        .chain(loyalty::levels::invariants::check(&mut tx, cx.scope).await?)
    {
        checks.push(Check { name, ok: broken == 0, detail: format!("{broken} exceptions") });
    }
    let named = commerce::invariants::customers_named(&mut tx, cx.scope).await?;
    let unknown = customers::invariants::missing(&mut tx, cx.scope, &named).await?;
    checks.push(Check {
        name: "orders_have_known_customers",
        ok: unknown == 0,
        detail: format!("{unknown} customers named by orders are not there"),
    });
    checks.push(points_of_orders(&mut tx, cx).await?);
    let log = audit::verify(&mut tx, cx.scope, &keys, None).await?;
    let detail = match &log.broken {
        None => format!("{} entries", log.count + log.pending as i64),
        Some(broken) => {
            format!(
                "broken behind {} entries: {}; see `guanxi audit verify`",
                log.count, broken.what
            )
        }
    };
    checks.push(Check { name: "audit_log", ok: log.broken.is_none(), detail });
    Ok(checks)
}

async fn points_of_orders(tx: &mut Tx, cx: &Ctx) -> Result<Check, DbError> {
    let (ok, detail) = match compare(tx, cx).await? {
        Comparison::Busy { events, job } => {
            let job = if job { ", and a job settles some" } else { "" };
            (true, format!("not compared: {events} changes of orders are not settled yet{job}"))
        }
        Comparison::Done { programmes: 0, .. } => (true, "no programme of points".to_owned()),
        Comparison::Done { wrong: 0, .. } => (true, "0 exceptions".to_owned()),
        Comparison::Done { wrong, named, .. } => {
            let named: Vec<String> = named.iter().map(ToString::to_string).collect();
            (false, format!("{wrong} exceptions, such as {}", named.join(", ")))
        }
    };
    Ok(Check { name: "points_follow_orders", ok, detail })
}
