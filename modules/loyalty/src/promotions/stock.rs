//! The pieces of flash sales. Each is there, held by a reservation, or sold; the database refuses any other sum.

use std::collections::BTreeMap;

use kernel::{PromotionId, TypedId as _};
use platform::db::args::in_list;
use platform::{Arg, Ctx, DbError, Scope, Tx, args};
use serde::Serialize;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::PromotionError;
use crate::counters::broken;
use crate::rules::KEY_MAX_BYTES;

/// SKUs of one promotion.
pub const SKUS_MAX: i64 = 500;
/// Pieces of one SKU.
pub const STOCKED_MAX: i64 = 100_000_000;

/// Pieces of one SKU in one promotion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = FlashStock)]
pub struct Stock {
    /// Of what.
    pub sku: String,
    /// Pieces in all.
    pub stocked: i64,
    /// Still to be had.
    pub remaining: i64,
    /// Held by reservations.
    pub held: i64,
    /// Sold.
    pub sold: i64,
}

/// Sets how many pieces of `sku` a promotion has in all.
///
/// # Errors
/// `NoPromotion`, `Fields`, `BelowTaken`.
pub async fn set(
    tx: &mut Tx,
    cx: &Ctx,
    promotion: PromotionId,
    sku: &str,
    stocked: i64,
) -> Result<(), PromotionError> {
    let mut errors = kernel::FieldErrors::default();
    if sku.is_empty() || sku.len() > KEY_MAX_BYTES {
        errors.push("sku", format!("must be 1 to {KEY_MAX_BYTES} bytes"));
    }
    if !(0..=STOCKED_MAX).contains(&stocked) {
        errors.push("stocked", format!("must be 0 to {STOCKED_MAX}"));
    }
    errors.finish(|| Some(()))?;
    super::get(tx, cx.scope, promotion).await?.ok_or(PromotionError::NoPromotion)?;
    let org = cx.scope.org_arg();
    let (others,): (i64,) = tx
        .fetch_one(
            "SELECT COUNT(*) FROM loyalty_flash_stock
              WHERE org_id = $1 AND promotion_id = $2 AND sku <> $3",
            args![org, promotion.uuid(), sku],
        )
        .await?;
    if others >= SKUS_MAX {
        let mut errors = kernel::FieldErrors::default();
        errors.push("sku", format!("a promotion has at most {SKUS_MAX} SKUs"));
        return Err(PromotionError::Fields(errors));
    }
    let set = tx
        .execute(
            "INSERT INTO loyalty_flash_stock (org_id, promotion_id, sku, stocked, remaining, held, sold)
             VALUES ($1, $2, $3, $4, $4, 0, 0)
             ON CONFLICT (org_id, promotion_id, sku) DO UPDATE
                SET stocked = excluded.stocked,
                    remaining = excluded.stocked - loyalty_flash_stock.held - loyalty_flash_stock.sold
              WHERE loyalty_flash_stock.held + loyalty_flash_stock.sold <= excluded.stocked",
            args![org, promotion.uuid(), sku, stocked],
        )
        .await?;
    if set == 1 {
        return Ok(());
    }
    let (taken,): (i64,) = tx
        .fetch_one(
            "SELECT held + sold FROM loyalty_flash_stock
              WHERE org_id = $1 AND promotion_id = $2 AND sku = $3",
            args![org, promotion.uuid(), sku],
        )
        .await?;
    Err(PromotionError::BelowTaken { sku: sku.to_owned(), taken })
}

#[derive(sqlx::FromRow)]
struct Row {
    promotion_id: Uuid,
    sku: String,
    stocked: i64,
    remaining: i64,
    held: i64,
    sold: i64,
}

/// The pieces of `promotions`, at most 500, by promotion and SKU.
///
/// # Errors
/// As the database says.
pub async fn of(
    tx: &mut Tx,
    scope: Scope,
    promotions: &[PromotionId],
) -> Result<BTreeMap<PromotionId, Vec<Stock>>, DbError> {
    let mut found: BTreeMap<PromotionId, Vec<Stock>> = BTreeMap::new();
    if promotions.is_empty() {
        return Ok(found);
    }
    let ids = promotions.iter().take(500).map(|id| Arg::from(id.uuid())).collect();
    let (list, values) = in_list(2, ids);
    let mut arguments = args![scope.org_arg()];
    arguments.extend(values);
    let sql = AssertSqlSafe(format!(
        "SELECT promotion_id, sku, stocked, remaining, held, sold FROM loyalty_flash_stock
          WHERE org_id = $1 AND promotion_id IN ({list}) ORDER BY promotion_id, sku"
    ));
    for row in tx.fetch_all::<Row>(sql, arguments).await? {
        let Row { promotion_id, sku, stocked, remaining, held, sold } = row;
        let stock = Stock { sku, stocked, remaining, held, sold };
        found.entry(PromotionId::from_uuid(promotion_id)).or_default().push(stock);
    }
    Ok(found)
}

/// Holds pieces; gives whether there were so many.
pub(crate) async fn hold(
    tx: &mut Tx,
    scope: Scope,
    (promotion, sku): (Uuid, &str),
    pieces: i64,
) -> Result<bool, DbError> {
    let held = tx
        .execute(
            "UPDATE loyalty_flash_stock SET remaining = remaining - $4, held = held + $4
              WHERE org_id = $1 AND promotion_id = $2 AND sku = $3 AND remaining >= $4",
            args![scope.org_arg(), promotion, sku, pieces],
        )
        .await?;
    Ok(held == 1)
}

/// Where pieces go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Move {
    /// The order is placed.
    HeldToSold,
    /// It is not.
    HeldToRemaining,
    /// They came back.
    SoldToRemaining,
}

pub(crate) async fn shift(
    tx: &mut Tx,
    scope: Scope,
    (promotion, sku): (Uuid, &str),
    pieces: i64,
    how: Move,
) -> Result<(), DbError> {
    let sql = match how {
        Move::HeldToSold => {
            "UPDATE loyalty_flash_stock SET held = held - $4, sold = sold + $4
              WHERE org_id = $1 AND promotion_id = $2 AND sku = $3 AND held >= $4"
        }
        Move::HeldToRemaining => {
            "UPDATE loyalty_flash_stock SET held = held - $4, remaining = remaining + $4
              WHERE org_id = $1 AND promotion_id = $2 AND sku = $3 AND held >= $4"
        }
        Move::SoldToRemaining => {
            "UPDATE loyalty_flash_stock SET sold = sold - $4, remaining = remaining + $4
              WHERE org_id = $1 AND promotion_id = $2 AND sku = $3 AND sold >= $4"
        }
    };
    match tx.execute(sql, args![scope.org_arg(), promotion, sku, pieces]).await? {
        1 => Ok(()),
        _ => Err(broken("pieces of a flash sale are not where a reservation left them")),
    }
}
