//! Where an account that somebody types is unique: on the platform of a shop.

use customers::{AccountSpace, IdentityKind};
use kernel::ShopId;
use platform::{Ctx, DbError, Problem, Tx};

use crate::engine::ShopBook;

/// Why it is not known where an account belongs.
#[derive(Debug, thiserror::Error)]
pub enum SpaceError {
    /// An account without a shop.
    #[error("say a shop on whose platform the account is")]
    NoShop,
    /// There is no such shop.
    #[error("there is no shop {0}")]
    Unknown(ShopId),
    /// A phone number or e-mail address with a shop.
    #[error("only an account belongs to a shop's platform; leave it out")]
    Everywhere,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<SpaceError> for Problem {
    fn from(error: SpaceError) -> Self {
        match error {
            SpaceError::Db(error) => error.into(),
            wrong => Self::field("shop", wrong.to_string()),
        }
    }
}

/// Where accounts of `shop` are unique.
pub(crate) fn of_shop(shop: &commerce::Shop) -> AccountSpace {
    match shop.channel.account_family() {
        Some(family) => AccountSpace::new(family),
        None => AccountSpace::of_shop(shop.number),
    }
}

/// The space of an identity of `kind`.
///
/// # Errors
/// `NoShop`, `Unknown`, `Everywhere`; otherwise as the database says.
pub async fn space_of(
    tx: &mut Tx,
    cx: &Ctx,
    kind: IdentityKind,
    shop: Option<ShopId>,
) -> Result<AccountSpace, SpaceError> {
    match (kind, shop) {
        (IdentityKind::Account, None) => Err(SpaceError::NoShop),
        (IdentityKind::Account, Some(id)) => {
            let shops = ShopBook::read(tx, cx).await?;
            let shop = shops.all().iter().find(|shop| shop.id == id);
            shop.map(of_shop).ok_or(SpaceError::Unknown(id))
        }
        (IdentityKind::Phone | IdentityKind::Email, None) => Ok(AccountSpace::EVERYWHERE),
        (IdentityKind::Phone | IdentityKind::Email, Some(_)) => Err(SpaceError::Everywhere),
    }
}
