//! Spending points on orders: at once, or held first and spent or given back later.

mod part;

pub use part::{give_back, programme_of};

use kernel::{OrderId, SpendId, Timestamp, TypedId as _};
use platform::{BulkRows, Ctx, DbError, Scope, Tx, args};
use serde::Serialize;
use uuid::Uuid;

use super::account::{Account, Kind};
use super::desk::{Desk, Head, other};
use super::programme::Programme;
use super::rules::POINTS_MAX;
use super::{Holder, PointsError, store};

/// For how many minutes points can be held.
pub const HOLD_MINUTES_MAX: u32 = 7 * 24 * 60;
/// Longest idempotency key.
pub const KEY_MAX: usize = 200;

/// Where a spend stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpendState {
    /// Held for an order.
    Reserved,
    /// Spent.
    Committed,
    /// All of it came back.
    Cancelled,
}

impl SpendState {
    const fn name(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Committed => "committed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Part of a spend that came out of one lot.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct SpendLot {
    pub spend_id: Uuid,
    pub line: i64,
    pub lot_id: Uuid,
    pub customer_id: Uuid,
    pub points: i64,
    pub returned: i64,
    pub lapsed: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct SpendRow {
    pub id: Uuid,
    pub order_id: Uuid,
    pub points: i64,
    pub returned: i64,
    pub state: String,
    pub until: Option<i64>,
}

const SPEND: &str = "SELECT id, order_id, points, returned, state, until FROM loyalty_spends
    WHERE org_id = $1 AND programme_id = $2";

fn checked(points: i64, key: &str) -> Result<(), PointsError> {
    let mut errors = kernel::FieldErrors::default();
    if !(1..=POINTS_MAX).contains(&points) {
        errors.push("points", format!("must be between 1 and {POINTS_MAX}"));
    }
    if key.is_empty() || key.len() > KEY_MAX {
        errors.push("key", format!("must have 1 to {KEY_MAX} bytes"));
    }
    Ok(errors.finish(|| Some(()))?)
}

/// Spends `points` of `holder` on `order`, earliest-expiring first. The same `key` again gives the same spend and
/// spends nothing.
///
/// # Errors
/// `Insufficient`; `KeyReused` if the key was used for another order or number; `Fields`.
pub async fn spend(
    tx: &mut Tx,
    cx: &Ctx,
    programme: &Programme,
    holder: &Holder,
    order: OrderId,
    points: i64,
    key: &str,
) -> Result<SpendId, PointsError> {
    take(tx, cx, programme, holder, order, points, key, None).await
}

/// Holds `points` of `holder` for `order` for so many minutes; [`commit`] spends them, [`cancel`] and the end of
/// the time give them back. The same `key` again gives the same reservation.
///
/// # Errors
/// As [`spend`].
#[allow(clippy::too_many_arguments, reason = "as `spend`, and for how long")]
pub async fn reserve(
    tx: &mut Tx,
    cx: &Ctx,
    programme: &Programme,
    holder: &Holder,
    order: OrderId,
    points: i64,
    key: &str,
    minutes: u32,
) -> Result<SpendId, PointsError> {
    let minutes = minutes.clamp(1, HOLD_MINUTES_MAX);
    let until = cx.now().plus_millis(i64::from(minutes) * 60_000);
    take(tx, cx, programme, holder, order, points, key, Some(until)).await
}

#[allow(clippy::too_many_arguments, reason = "what `spend` and `reserve` share")]
async fn take(
    tx: &mut Tx,
    cx: &Ctx,
    programme: &Programme,
    holder: &Holder,
    order: OrderId,
    points: i64,
    key: &str,
    until: Option<Timestamp>,
) -> Result<SpendId, PointsError> {
    checked(points, key)?;
    let (kind, account, state) = match until {
        None => (Kind::Spend, Account::Redeemed, SpendState::Committed),
        Some(_) => (Kind::Reserve, Account::Reserved, SpendState::Reserved),
    };
    let key = format!("spend:{key}");
    let mut desk = store::open(tx, cx, programme, holder.members()).await?;
    if let Some(found) = store::entry_of_key(tx, cx.scope, programme.id.uuid(), &key).await? {
        return again(tx, cx.scope, programme, found, (kind, order, points)).await;
    }
    let available = desk.spendable(holder.members());
    if available < points {
        // What had fallen due stays for the next one to find: a refusal writes nothing.
        return Err(PointsError::Insufficient { available, wanted: points });
    }
    let id: SpendId = cx.fresh();
    let mut parts = spend_lot_rows();
    let mut postings = Vec::new();
    for (line, (lot, part)) in desk.pick(holder.members(), points).into_iter().enumerate() {
        let posting = desk.on_lot(lot, Account::Available, -part)?;
        parts.push([
            cx.scope.org_arg().into(),
            id.uuid().into(),
            (line as i64).into(),
            lot.into(),
            posting.customer.into(),
            part.into(),
            0_i64.into(),
            0_i64.into(),
        ]);
        postings.push(posting);
        postings.push(match account {
            Account::Reserved => desk.on_lot(lot, Account::Reserved, part)?,
            _ => other(account, part),
        });
    }
    let head = Head::new(kind, holder.root(), key).of("spend", id.uuid());
    desk.post(head, programme.version, postings)?;
    tx.execute(
        "INSERT INTO loyalty_spends
             (org_id, id, programme_id, order_id, points, returned, state, until, at)
         VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8)",
        args![
            cx.scope.org_arg(),
            id.uuid(),
            programme.id.uuid(),
            order.uuid(),
            points,
            state.name(),
            until,
            cx.now()
        ],
    )
    .await?;
    tx.bulk_insert(parts).await?;
    let changed = store::close(tx, desk).await?;
    store::tell(tx, cx, programme, &changed).await?;
    Ok(id)
}

/// The spend that was made with the same key.
async fn again(
    tx: &mut Tx,
    scope: Scope,
    programme: &Programme,
    (_, made_as, source): (Uuid, String, Option<Uuid>),
    (kind, order, points): (Kind, OrderId, i64),
) -> Result<SpendId, PointsError> {
    let id = source.filter(|_| made_as == kind.name()).ok_or(PointsError::KeyReused)?;
    let row = row(tx, scope, programme, id).await?.ok_or(PointsError::KeyReused)?;
    if row.order_id != order.uuid() || row.points != points {
        return Err(PointsError::KeyReused);
    }
    Ok(SpendId::from_uuid(id))
}

async fn row(
    tx: &mut Tx,
    scope: Scope,
    programme: &Programme,
    id: Uuid,
) -> Result<Option<SpendRow>, DbError> {
    let sql = sqlx::AssertSqlSafe(format!("{SPEND} AND id = $3"));
    tx.fetch_optional(sql, args![scope.org_arg(), programme.id.uuid(), id]).await
}

/// Spends on `orders`, with their lots, the oldest first.
pub(crate) async fn of_orders(
    tx: &mut Tx,
    scope: Scope,
    programme: &Programme,
    orders: &[Uuid],
) -> Result<Vec<(SpendRow, Vec<SpendLot>)>, DbError> {
    let first = args![scope.org_arg(), programme.id.uuid()];
    let select = format!("{SPEND} AND state = 'committed' AND order_id");
    let mut rows: Vec<SpendRow> = store::by_ids(tx, &select, &first, orders, "").await?;
    rows.sort_unstable_by_key(|row| row.id);
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let lots = lots_of(tx, scope, &ids).await?;
    let of = |id: Uuid| lots.iter().filter(|lot| lot.spend_id == id).cloned().collect();
    Ok(rows.into_iter().map(|row| (row.clone(), of(row.id))).collect())
}

async fn lots_of(tx: &mut Tx, scope: Scope, spends: &[Uuid]) -> Result<Vec<SpendLot>, DbError> {
    let select = "SELECT spend_id, line, lot_id, customer_id, points, returned, lapsed FROM loyalty_spend_lots
                   WHERE org_id = $1 AND spend_id";
    let mut lots: Vec<SpendLot> =
        store::by_ids(tx, select, &args![scope.org_arg()], spends, "").await?;
    lots.sort_unstable_by_key(|lot| (lot.spend_id, lot.line));
    Ok(lots)
}

/// The books of those out of whose lots a spend came, and the spend as it is now.
async fn open<'a>(
    tx: &mut Tx,
    cx: &'a Ctx,
    programme: &'a Programme,
    id: SpendId,
) -> Result<(Desk<'a>, SpendRow, Vec<SpendLot>), PointsError> {
    let parts = lots_of(tx, cx.scope, &[id.uuid()]).await?;
    let customers: Vec<Uuid> = parts.iter().map(|part| part.customer_id).collect();
    let mut desk = store::open(tx, cx, programme, &customers).await?;
    let row = row(tx, cx.scope, programme, id.uuid()).await?.ok_or(PointsError::NoSpend)?;
    let parts = lots_of(tx, cx.scope, &[id.uuid()]).await?;
    let lots: Vec<Uuid> = parts.iter().map(|part| part.lot_id).collect();
    store::fetch_lots(tx, &mut desk, &lots).await?;
    Ok((desk, row, parts))
}

/// Spends what was held. A second time it does nothing.
///
/// # Errors
/// `NoSpend`, `TimedOut`, `WrongState` after a cancel.
pub async fn commit(
    tx: &mut Tx,
    cx: &Ctx,
    programme: &Programme,
    id: SpendId,
) -> Result<(), PointsError> {
    let (mut desk, row, parts) = open(tx, cx, programme, id).await?;
    match row.state.as_str() {
        "committed" => return Ok(()),
        "reserved" if row.until.is_some_and(|until| until <= cx.now().millis()) => {
            return Err(PointsError::TimedOut);
        }
        "reserved" => {}
        _ => return Err(PointsError::WrongState(row.state)),
    }
    let mut postings = vec![other(Account::Redeemed, row.points)];
    for part in &parts {
        postings.push(desk.on_lot(part.lot_id, Account::Reserved, -part.points)?);
    }
    let head = head(&desk, Kind::Commit, &parts, id, "commit");
    desk.post(head, programme.version, postings)?;
    set_state(tx, cx.scope, id, SpendState::Committed, 0).await?;
    let changed = store::close(tx, desk).await?;
    Ok(store::tell(tx, cx, programme, &changed).await?)
}

fn head(desk: &Desk<'_>, kind: Kind, parts: &[SpendLot], id: SpendId, what: &str) -> Head {
    let customer = parts.first().map_or_else(|| desk.programme.id.uuid(), |part| part.customer_id);
    Head::new(kind, customer, format!("{what}:{}", id.uuid())).of("spend", id.uuid())
}

/// Gives back what was held or spent and has not come back yet, into the lots it came from. A second time it does
/// nothing.
///
/// # Errors
/// `NoSpend`.
pub async fn cancel(
    tx: &mut Tx,
    cx: &Ctx,
    programme: &Programme,
    id: SpendId,
) -> Result<(), PointsError> {
    let (mut desk, row, mut parts) = open(tx, cx, programme, id).await?;
    if row.state == "cancelled" {
        return Ok(());
    }
    let mut postings = Vec::new();
    for part in &mut parts {
        let back = part.points - part.returned;
        postings.push(match row.state.as_str() {
            "reserved" => desk.on_lot(part.lot_id, Account::Reserved, -back)?,
            _ => other(Account::Redeemed, -back),
        });
        // Two parts may pay one debt, so each is posted before the next is looked at.
        let (given, lapsed) = desk.give_back(part.lot_id, back)?;
        postings.extend(given);
        let what = format!("cancel:{}", part.line);
        let head = head(&desk, Kind::CancelSpend, std::slice::from_ref(part), id, &what);
        desk.post(head, programme.version, std::mem::take(&mut postings))?;
        part.returned += back;
        part.lapsed += lapsed;
    }
    write_parts(tx, cx.scope, &parts).await?;
    set_state(tx, cx.scope, id, SpendState::Cancelled, row.points).await?;
    let changed = store::close(tx, desk).await?;
    Ok(store::tell(tx, cx, programme, &changed).await?)
}

/// Gives back up to `limit` reservations whose time is over. Gives how many.
///
/// # Errors
/// As the database says.
pub async fn cancel_overdue(
    tx: &mut Tx,
    cx: &Ctx,
    programme: &Programme,
    limit: u32,
) -> Result<u64, PointsError> {
    store::enter(tx, cx.scope, true).await?;
    let sql = sqlx::AssertSqlSafe(format!(
        "{SPEND} AND state = 'reserved' AND until <= $3 ORDER BY until, id LIMIT $4"
    ));
    let arguments = args![cx.scope.org_arg(), programme.id.uuid(), cx.now(), limit];
    let overdue: Vec<SpendRow> = tx.fetch_all(sql, arguments).await?;
    for row in &overdue {
        cancel(tx, cx, programme, SpendId::from_uuid(row.id)).await?;
    }
    Ok(overdue.len() as u64)
}

/// Writes what came back, by lot.
pub(crate) async fn write_parts(
    tx: &mut Tx,
    scope: Scope,
    parts: &[SpendLot],
) -> Result<(), DbError> {
    for part in parts {
        tx.execute(
            "UPDATE loyalty_spend_lots SET returned = $4, lapsed = $5
              WHERE org_id = $1 AND spend_id = $2 AND line = $3",
            args![scope.org_arg(), part.spend_id, part.line, part.returned, part.lapsed],
        )
        .await?;
    }
    Ok(())
}

async fn set_state(
    tx: &mut Tx,
    scope: Scope,
    id: SpendId,
    state: SpendState,
    returned: i64,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE loyalty_spends SET state = $3, returned = $4, until = NULL
          WHERE org_id = $1 AND id = $2",
        args![scope.org_arg(), id.uuid(), state.name(), returned],
    )
    .await
    .map(drop)
}

/// Writes how much of a spend came back.
pub(crate) async fn write_returned(
    tx: &mut Tx,
    scope: Scope,
    spend: Uuid,
    returned: i64,
) -> Result<(), DbError> {
    tx.execute(
        "UPDATE loyalty_spends SET returned = $3 WHERE org_id = $1 AND id = $2",
        args![scope.org_arg(), spend, returned],
    )
    .await
    .map(drop)
}

const fn spend_lot_rows() -> BulkRows {
    BulkRows::new(
        "loyalty_spend_lots",
        &["org_id", "spend_id", "line", "lot_id", "customer_id", "points", "returned", "lapsed"],
    )
}
