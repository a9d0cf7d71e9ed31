//! The shop that an import is for, made from what its files say if it is new.

use commerce::formats::{Format, Mapping};
use commerce::shops::{self, Channel, NewShop, Shop};
use kernel::{Currency, ShopId, Zone};
use platform::{Ctx, DbError, Platform};

use crate::import_orders::{self, ImportError, ImportOrder};

/// The shop as asked for.
#[derive(Debug, Clone, Copy)]
pub struct WantedShop<'a> {
    /// Its name, or its id as text.
    pub name: &'a str,
    /// For a new shop; the format's channel if absent.
    pub channel: Option<Channel>,
    /// For a new shop; the mapping's currency, or CNY, if absent.
    pub currency: Option<Currency>,
}

/// Why there is no shop to import into.
#[derive(Debug, thiserror::Error)]
pub enum ShopError {
    /// It cannot be called that.
    #[error("the name of the shop {0}")]
    Name(String),
    /// What was given is an id, and of no shop.
    #[error("there is no shop {0}; give the name of a shop, which is made if it is new")]
    Unknown(ShopId),
    /// The files of a new shop cannot be read, or the database failed.
    #[error(transparent)]
    Import(#[from] ImportError),
}

impl From<DbError> for ShopError {
    fn from(error: DbError) -> Self {
        Self::Import(error.into())
    }
}

/// Finds the shop by name or id, or makes it; for a dry run, gives it as it would be made. A file that
/// cannot be read makes no shop.
///
/// # Errors
/// `Name` and `Unknown` as they say; as [`import_orders::examine`]; otherwise as the database says.
pub async fn find_or_make(
    platform: &Platform,
    cx: &Ctx,
    wanted: WantedShop<'_>,
    order: &ImportOrder,
) -> Result<Shop, ShopError> {
    let name = shops::parse_name(wanted.name).map_err(ShopError::Name)?;
    let mut tx = platform.db.read_for(cx.scope).await?;
    let known = match name.parse() {
        Ok(id) => Some(shops::by_id(&mut tx, cx, id).await?.ok_or(ShopError::Unknown(id))?),
        Err(_) => shops::by_name(&mut tx, cx, &name).await?,
    };
    tx.rollback().await?;
    if let Some(shop) = known {
        return Ok(shop);
    }
    let wrong = ImportError::Mapping;
    let mapping = order.mapping.as_deref().map(Mapping::parse).transpose().map_err(wrong)?;
    let currency = mapping.as_ref().map(Mapping::currency).transpose().map_err(wrong)?.flatten();
    let zone = mapping.as_ref().map(Mapping::zone).transpose().map_err(wrong)?.flatten();
    let mut new = NewShop {
        name,
        channel: Channel::Own,
        currency: wanted.currency.or(currency).unwrap_or(Currency::CNY),
        zone: zone.unwrap_or(Zone::CHINA),
    };
    let context =
        commerce::formats::ReaderContext { zone: new.zone, currency: new.currency, sheet: None };
    let asked = order.clone();
    let files = import_orders::blocking(move || import_orders::examine(&asked, &context)).await?;
    let format = files.first().and_then(|file| file.format.as_deref()?.parse().ok());
    new.channel = wanted.channel.or(format.map(channel_of)).unwrap_or(Channel::Own);
    if order.dry_run {
        return Ok(Shop::unmade(new));
    }
    let mut tx = platform.db.begin_for(cx.scope).await?;
    match shops::create(&mut tx, cx, &new).await {
        Ok(shop) => {
            tx.commit().await?;
            Ok(shop)
        }
        // Another request made it just now.
        Err(DbError::Duplicate { .. }) => {
            tx.rollback().await?;
            let mut tx = platform.db.read_for(cx.scope).await?;
            Ok(shops::by_name(&mut tx, cx, &new.name).await?.ok_or(DbError::NotFound)?)
        }
        Err(error) => Err(error.into()),
    }
}

/// The channel that a format comes from.
#[must_use]
pub const fn channel_of(format: Format) -> Channel {
    match format {
        Format::TaobaoOrders | Format::TaobaoItems => Channel::Taobao,
        Format::Alibaba1688 => Channel::Alibaba1688,
        Format::Pdd => Channel::Pdd,
        Format::Douyin => Channel::Douyin,
        Format::Jd => Channel::Jd,
        Format::Generic => Channel::Own,
    }
}
