//! Coupons where customers, audiences and levels come in: who claims, whose wallet, gifts to an audience.

mod claim;
mod gift;
mod wallet;

use kernel::CustomerId;
use loyalty::levels::{membership, scheme};
use platform::{Ctx, DbError, Tx};

pub use claim::{ClaimBody, ClaimRefused, Wanted, check, claim, enter_code};
pub use gift::{GIFT, GiftBody, GiftPayload, GiftRefused, begin, fail, prepare, run};
pub use wallet::{Wallet, WalletCoupon, WalletKind, WalletParams, coupon, wallet};

/// The names of the levels that a customer has, one of each scheme at most.
pub(crate) async fn levels_of(
    tx: &mut Tx,
    cx: &Ctx,
    root: CustomerId,
) -> Result<Vec<String>, DbError> {
    let mut names = Vec::new();
    for scheme in scheme::all(tx, cx.scope).await? {
        let rank = membership::of(tx, cx, &scheme, root).await?.rank;
        let (_, rules) = scheme.at(cx.now());
        let level = rank.checked_sub(1).and_then(|place| rules.levels.get(place));
        names.extend(level.map(|level| level.name.clone()));
    }
    Ok(names)
}
