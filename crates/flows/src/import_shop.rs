//! The shop that an import is for, made from what its files say if it is new.

use commerce::formats::{Format, Mapping};
use commerce::shops::{self, Channel, NewShop, Shop};
use kernel::{Currency, Zone};
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

/// Finds the shop by name or id, or makes it. A file that cannot be read makes no shop.
///
/// # Errors
/// As [`import_orders::examine`]; otherwise as the database says.
pub async fn find_or_make(
    platform: &Platform,
    cx: &Ctx,
    wanted: WantedShop<'_>,
    order: &ImportOrder,
) -> Result<Shop, ImportError> {
    let mut tx = platform.db.read().await?;
    let known = match wanted.name.parse() {
        Ok(id) => shops::by_id(&mut tx, cx, id).await?,
        Err(_) => shops::by_name(&mut tx, cx, wanted.name).await?,
    };
    tx.rollback().await?;
    if let Some(shop) = known {
        return Ok(shop);
    }
    let mapping = order.mapping.as_deref().map(Mapping::parse).transpose()?;
    let currency = mapping.as_ref().map(Mapping::currency).transpose()?.flatten();
    let zone = mapping.as_ref().map(Mapping::zone).transpose()?.flatten();
    let mut new = NewShop {
        name: wanted.name.to_owned(),
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
    let mut tx = platform.db.begin().await?;
    match shops::create(&mut tx, cx, &new).await {
        Ok(shop) => {
            tx.commit().await?;
            Ok(shop)
        }
        // Another request made it just now.
        Err(DbError::Duplicate { .. }) => {
            tx.rollback().await?;
            let mut tx = platform.db.read().await?;
            Ok(shops::by_name(&mut tx, cx, wanted.name).await?.ok_or(DbError::NotFound)?)
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
