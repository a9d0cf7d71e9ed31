//! The coupons of a customer, with what each gives.

use kernel::{CouponDefinitionId, CouponId, Cursor, CustomerId, Timestamp};
use loyalty::coupons::{self, Coupon, Definition, State, Validity, definition};
use loyalty::{OfferState, RefundRule};
use platform::{Ctx, DbError, Platform, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::list_customers::{After, PageLimit, Parsed};
use crate::loyalty::family;

/// What a coupon gives, as far as it concerns who has one.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WalletKind {
    /// Its definition.
    pub id: CouponDefinitionId,
    /// Its name.
    pub name: String,
    /// Where the definition is in its life; of one that has ended no coupon can be used.
    pub state: OfferState,
    /// What it gives, for what and whom: the fields of a promotion.
    #[schema(value_type = Object)]
    pub terms: Value,
    /// For how long a coupon is valid.
    pub validity: Validity,
    /// What happens when the order is refunded.
    pub refund: RefundRule,
}

impl From<Definition> for WalletKind {
    fn from(definition: Definition) -> Self {
        let Definition { id, name, state, rules, .. } = definition;
        let coupons::CouponRules { terms, validity, refund, .. } = rules;
        Self { id, name, state, terms, validity, refund }
    }
}

/// A coupon of a customer.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WalletCoupon {
    /// The coupon.
    #[serde(flatten)]
    pub coupon: Coupon,
    /// What it gives.
    pub kind: WalletKind,
    /// Whether an order could use it at this moment, if it is one that it is for.
    pub is_usable: bool,
}

impl WalletCoupon {
    fn new(coupon: Coupon, definition: Definition, now: Timestamp) -> Self {
        let is_free = match coupon.state {
            State::Claimed => true,
            State::Locked => coupon.lock_until.is_some_and(|until| until <= now),
            _ => false,
        };
        let is_usable = is_free
            && matches!(definition.state, OfferState::Live | OfferState::Stopped)
            && coupon.valid_from.is_none_or(|from| from <= now)
            && coupon.valid_until.is_none_or(|until| now < until);
        Self { coupon, kind: definition.into(), is_usable }
    }
}

/// Coupons of a customer with its family.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Wallet {
    /// The newest first.
    pub items: Vec<WalletCoupon>,
    /// Pass as `after` to get the next page; absent on the last.
    pub next: Option<String>,
}

/// Page of a wallet.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WalletParams {
    /// Only coupons that could be used now.
    #[serde(default)]
    pub usable: bool,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    pub after: Option<Parsed<After<CouponId>>>,
    /// Rows of a page: 1 to 200, 50 unless said.
    #[param(value_type = Option<u32>)]
    pub limit: Option<Parsed<PageLimit>>,
}

/// A page of the coupons of `customer`, whom whoever asks must see; `None` if there is none such.
///
/// # Errors
/// As the database says.
pub async fn wallet(
    platform: &Platform,
    cx: &Ctx,
    customer: CustomerId,
    params: &WalletParams,
) -> Result<Option<Wallet>, DbError> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let Some(family) = family::find(&mut tx, cx, customer).await? else {
        return Ok(None);
    };
    let holder = family.holder();
    let now = cx.now();
    let limit = params.limit.map_or(50, |limit| limit.0.0.get());
    let after = params.after.map(|after| after.0.0);
    let usable_at = params.usable.then_some(now);
    let page = (after, u32::try_from(limit).unwrap_or(50));
    let (coupons, kinds) = coupons::wallet(&mut tx, cx.scope, &holder, usable_at, page).await?;
    tx.rollback().await?;
    let next =
        coupons.last().filter(|_| coupons.len() == limit).map(|last| Cursor::encode(&last.id));
    let items = coupons
        .into_iter()
        .filter_map(|coupon| {
            let definition = kinds.get(&coupon.definition)?.clone();
            Some(WalletCoupon::new(coupon, definition, now))
        })
        .filter(|coupon| !params.usable || coupon.is_usable)
        .collect();
    Ok(Some(Wallet { items, next }))
}

/// One coupon, with what it gives.
///
/// # Errors
/// As the database says.
pub async fn coupon(tx: &mut Tx, cx: &Ctx, id: CouponId) -> Result<Option<WalletCoupon>, DbError> {
    let Some(found) = coupons::coupon(tx, cx.scope, id).await? else {
        return Ok(None);
    };
    let kind = definition::get(tx, cx.scope, found.definition).await?;
    Ok(kind.map(|kind| WalletCoupon::new(found, kind, cx.now())))
}
