//! In which currency and zone figures are told.

use std::collections::BTreeSet;

use analytics::{Bins, BinsError, RfmQuery};
use chrono::NaiveDate;
use kernel::{Currency, ShopId, Timestamp, Zone};

/// Bins of each dimension unless asked otherwise, and those by which lists filter.
pub const DEFAULT_BINS: u8 = 5;

/// What figures depend on of a shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopFrame {
    /// The shop.
    pub id: ShopId,
    /// Its name.
    pub name: String,
    /// The currency of its amounts.
    pub currency: Currency,
    /// The zone of its days.
    pub zone: Zone,
}

/// Why figures cannot be told together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Amounts of several currencies have no sum.
    #[error(
        "the shops sell in different currencies ({}); ask for one shop at a time",
        currencies.iter().map(|currency| currency.code()).collect::<Vec<_>>().join(", ")
    )]
    Currencies {
        /// The currencies, by code.
        currencies: Vec<Currency>,
    },
    /// There is no such shop.
    #[error("there is no such shop")]
    UnknownShop,
}

/// Currency and zone of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// The currency of amounts.
    pub currency: Currency,
    /// The zone of days.
    pub zone: Zone,
    /// The shop, if it is about one.
    pub shop: Option<ShopId>,
}

impl Default for Frame {
    /// Where there is no shop yet: the place most of its users are in.
    fn default() -> Self {
        Self { currency: Currency::CNY, zone: Zone::CHINA, shop: None }
    }
}

impl Frame {
    /// The frame of the organisation as a whole: that of its first shop, whatever the others sell in.
    #[must_use]
    pub fn of_first(shops: &[ShopFrame]) -> Self {
        shops.first().map_or_else(Self::default, |first| Self {
            currency: first.currency,
            zone: first.zone,
            shop: None,
        })
    }

    /// The frame of `shop`, or of all shops together.
    ///
    /// # Errors
    /// `UnknownShop`; `Currencies` when all are asked for and amounts cannot be added.
    pub fn choose(shops: &[ShopFrame], shop: Option<ShopId>) -> Result<Self, FrameError> {
        if let Some(id) = shop {
            let found = shops.iter().find(|known| known.id == id).ok_or(FrameError::UnknownShop)?;
            return Ok(Self { currency: found.currency, zone: found.zone, shop });
        }
        let codes: BTreeSet<&str> = shops.iter().map(|shop| shop.currency.code()).collect();
        if codes.len() > 1 {
            let currencies = codes.iter().filter_map(|code| code.parse().ok()).collect();
            return Err(FrameError::Currencies { currencies });
        }
        Ok(Self::of_first(shops))
    }

    /// The day of `now`.
    #[must_use]
    pub fn today(self, now: Timestamp) -> NaiveDate {
        now.day(self.zone)
    }

    /// RFM in this frame, by quantiles.
    ///
    /// # Errors
    /// `Count` outside 2 to 10 bins.
    pub fn rfm(self, as_of: NaiveDate, bins: u8) -> Result<RfmQuery, BinsError> {
        Ok(RfmQuery {
            as_of,
            zone: self.zone,
            bins: Bins::quantile(bins)?,
            shop: self.shop,
            minor_per_major: self.currency.minor_per_major(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::TypedId as _;

    fn shop(number: u128, currency: &str, hours: i32) -> ShopFrame {
        ShopFrame {
            id: ShopId::from_uuid(uuid(number)),
            name: number.to_string(),
            currency: currency.parse().unwrap(),
            zone: Zone::from_offset_seconds(hours * 3600).unwrap(),
        }
    }

    fn uuid(number: u128) -> uuid::Uuid {
        uuid::Uuid::from_u128(number)
    }

    #[test]
    fn currencies_are_not_added() {
        let shops = [shop(1, "CNY", 8), shop(2, "GBP", 0), shop(3, "CNY", 8)];
        let error = Frame::choose(&shops, None).unwrap_err();
        assert!(error.to_string().contains("CNY, GBP"), "{error}");
        let one = Frame::choose(&shops, Some(shops[1].id)).unwrap();
        assert_eq!(
            (one.currency.code(), one.zone, one.shop),
            ("GBP", Zone::UTC, Some(shops[1].id))
        );
        let unknown = ShopId::from_uuid(uuid(9));
        assert_eq!(Frame::choose(&shops, Some(unknown)), Err(FrameError::UnknownShop));
    }

    #[test]
    fn without_shops_there_is_still_a_frame() {
        assert_eq!(Frame::choose(&[], None), Ok(Frame::default()));
        assert_eq!(Frame::of_first(&[shop(1, "JPY", 9)]).currency.code(), "JPY");
    }
}
