//! Pieces that came back of an order that was placed: what was answered, for the next return and whoever asks again.

use kernel::{ReservationId, TypedId as _};
use platform::{Ctx, Tx, args};
use serde_json::Value;

use super::{ReservationError, digest};
use crate::rules::{KEY_MAX_BYTES, json, unreadable};

/// Returns of one order.
pub const RETURNS_MAX: usize = 500;

/// What was answered before.
#[derive(Debug, Clone, PartialEq)]
pub enum Before {
    /// The same return was asked for, and got this answer.
    Again(Value),
    /// It is a new one; these were answered to earlier ones.
    Earlier(Vec<Value>),
}

/// What was answered to returns of `id`, whose reservation the caller has locked ([`super::lock`]).
///
/// # Errors
/// `KeyReused` if another return was asked for with `key`; `TooMuch` beyond 500 of them.
pub async fn before(
    tx: &mut Tx,
    cx: &Ctx,
    id: ReservationId,
    key: &str,
    request: &Value,
) -> Result<Before, ReservationError> {
    if key.is_empty() || key.len() > KEY_MAX_BYTES {
        let mut errors = kernel::FieldErrors::default();
        errors.push("refund_key", format!("must be 1 to {KEY_MAX_BYTES} bytes"));
        return Err(errors.into());
    }
    let rows: Vec<(String, Vec<u8>, String)> = tx
        .fetch_all(
            "SELECT key, digest, answer FROM loyalty_returns
              WHERE org_id = $1 AND reservation_id = $2 ORDER BY at, key",
            args![cx.scope.org_arg(), id.uuid()],
        )
        .await?;
    let seal = digest(cx, &request.to_string());
    let read = |answer: &str| serde_json::from_str(answer).map_err(unreadable);
    if let Some((_, known, answer)) = rows.iter().find(|(known, ..)| known == key) {
        return match *known == seal {
            true => Ok(Before::Again(read(answer)?)),
            false => Err(ReservationError::KeyReused),
        };
    }
    if rows.len() >= RETURNS_MAX {
        return Err(ReservationError::TooMuch(format!(
            "an order has at most {RETURNS_MAX} returns"
        )));
    }
    let answers = rows.iter().map(|(.., answer)| read(answer)).collect::<Result<_, _>>()?;
    Ok(Before::Earlier(answers))
}

/// Keeps what is answered to a return.
///
/// # Errors
/// As the database says.
pub async fn keep(
    tx: &mut Tx,
    cx: &Ctx,
    id: ReservationId,
    (key, request): (&str, &Value),
    answer: &Value,
) -> Result<(), ReservationError> {
    tx.execute(
        "INSERT INTO loyalty_returns (org_id, reservation_id, key, digest, answer, at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        args![
            cx.scope.org_arg(),
            id.uuid(),
            key,
            digest(cx, &request.to_string()),
            json(answer)?,
            cx.now()
        ],
    )
    .await?;
    Ok(())
}
