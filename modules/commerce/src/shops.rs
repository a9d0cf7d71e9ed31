//! Shops and the channels they are on.

use kernel::{Currency, ShopId, Zone};
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Tx, args};
use serde::{Deserialize, Serialize};

/// Where a shop sells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Channel {
    Taobao,
    Tmall,
    #[serde(rename = "1688")]
    Alibaba1688,
    Alibaba,
    Jd,
    Pdd,
    Douyin,
    Own,
    Offline,
}

impl Channel {
    /// All channels with their stored names.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Taobao, "taobao"),
        (Self::Tmall, "tmall"),
        (Self::Alibaba1688, "1688"),
        (Self::Alibaba, "alibaba"),
        (Self::Jd, "jd"),
        (Self::Pdd, "pdd"),
        (Self::Douyin, "douyin"),
        (Self::Own, "own"),
        (Self::Offline, "offline"),
    ];

    /// The stored name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(channel, _)| *channel == self).map_or("own", |(_, name)| name)
    }

    /// The channel of a stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(channel, _)| *channel)
    }

    /// The number of the platform family within which account names are unique; `None` where each
    /// shop has accounts of its own. Taobao and Tmall share one sign-in.
    #[must_use]
    pub const fn account_family(self) -> Option<i64> {
        match self {
            Self::Taobao | Self::Tmall => Some(1),
            Self::Alibaba1688 => Some(6),
            Self::Alibaba => Some(2),
            Self::Jd => Some(3),
            Self::Pdd => Some(4),
            Self::Douyin => Some(5),
            Self::Own | Self::Offline => None,
        }
    }
}

/// A shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shop {
    /// Its id.
    pub id: ShopId,
    /// Its number within the organisation, used in orders.
    pub number: i64,
    /// Its name, unique in the organisation.
    pub name: String,
    /// Where it sells.
    pub channel: Channel,
    /// The currency of its amounts.
    pub currency: Currency,
    /// The zone of its files and days.
    pub zone: Zone,
}

impl Shop {
    /// A shop that is not made: a dry run reads as if for it. No shop has its number.
    #[must_use]
    pub fn unmade(new: NewShop) -> Self {
        let NewShop { name, channel, currency, zone } = new;
        let id = kernel::TypedId::from_uuid(uuid::Uuid::nil());
        Self { id, number: 0, name, channel, currency, zone }
    }

    /// Its number, if it is made.
    #[must_use]
    pub const fn made_number(&self) -> Option<i64> {
        if self.number > 0 { Some(self.number) } else { None }
    }

    /// What it would be made as, if it is not made.
    #[must_use]
    pub fn to_make(&self) -> Option<NewShop> {
        let Self { channel, currency, zone, .. } = *self;
        let name = self.name.clone();
        self.made_number().is_none().then_some(NewShop { name, channel, currency, zone })
    }
}

/// Longest name of a shop, in characters.
pub const NAME_MAX: usize = 100;

/// The name of a shop, without space around it.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX {
        return Err(format!("must be 1 to {NAME_MAX} characters"));
    }
    if name.contains(char::is_control) {
        return Err("must not contain control characters".to_owned());
    }
    Ok(name.to_owned())
}

/// What a new shop is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewShop {
    /// Its name, unique in the organisation.
    pub name: String,
    /// Where it sells.
    pub channel: Channel,
    /// The currency of its amounts.
    pub currency: Currency,
    /// The zone of its files and days.
    pub zone: Zone,
}

type ShopRow = (uuid::Uuid, i64, String, String, String, i64);

fn shop_of(row: ShopRow) -> Result<Shop, DbError> {
    let (id, number, name, channel, currency, offset) = row;
    let broken = |what: &str| DbError::Refused(format!("shop {number} has an unknown {what}"));
    Ok(Shop {
        id: kernel::TypedId::from_uuid(id),
        number,
        name,
        channel: Channel::parse(&channel).ok_or_else(|| broken("channel"))?,
        currency: currency.parse().map_err(|_| broken("currency"))?,
        zone: i32::try_from(offset)
            .ok()
            .and_then(Zone::from_offset_seconds)
            .ok_or_else(|| broken("zone"))?,
    })
}

const COLUMNS: &str =
    "SELECT id, number, name, channel, currency, zone_offset_seconds FROM commerce_shops";

/// All shops, by number.
///
/// # Errors
/// As the database says.
pub async fn all(tx: &mut Tx, cx: &Ctx) -> Result<Vec<Shop>, DbError> {
    let sql = format!("{COLUMNS}{}", " WHERE org_id = $1 ORDER BY number");
    let rows: Vec<ShopRow> =
        tx.fetch_all(sqlx::AssertSqlSafe(sql), args![cx.scope.org_arg()]).await?;
    rows.into_iter().map(shop_of).collect()
}

/// The shop of that name.
///
/// # Errors
/// As the database says.
pub async fn by_name(tx: &mut Tx, cx: &Ctx, name: &str) -> Result<Option<Shop>, DbError> {
    let sql = format!("{COLUMNS}{}", " WHERE org_id = $1 AND name = $2");
    tx.fetch_optional(sqlx::AssertSqlSafe(sql), args![cx.scope.org_arg(), name])
        .await?
        .map(shop_of)
        .transpose()
}

/// The shop with that id.
///
/// # Errors
/// As the database says.
pub async fn by_id(tx: &mut Tx, cx: &Ctx, id: ShopId) -> Result<Option<Shop>, DbError> {
    let sql = format!("{COLUMNS}{}", " WHERE org_id = $1 AND id = $2");
    tx.fetch_optional(sqlx::AssertSqlSafe(sql), args![cx.scope.org_arg(), id])
        .await?
        .map(shop_of)
        .transpose()
}

/// Makes a shop.
///
/// # Errors
/// `Duplicate` if the name is taken.
pub async fn create(tx: &mut Tx, cx: &Ctx, new: &NewShop) -> Result<Shop, DbError> {
    let (number,): (i64,) = tx
        .fetch_one(
            "SELECT COALESCE(MAX(number), 0) + 1 FROM commerce_shops WHERE org_id = $1",
            args![cx.scope.org_arg()],
        )
        .await?;
    let id: ShopId = cx.fresh();
    tx.execute(
        "INSERT INTO commerce_shops (org_id, id, number, name, channel, currency, zone_offset_seconds, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            cx.scope.org_arg(),
            id,
            number,
            new.name.as_str(),
            new.channel.name(),
            new.currency.code(),
            new.zone.offset_seconds(),
            cx.now()
        ],
    )
    .await?;
    let entry = Entry::new("commerce.shop.create")
        .on("shop", id)
        .with("name", &new.name)
        .with("channel", new.channel.name())
        .with("currency", new.currency.code());
    audit::record(tx, cx, entry).await?;
    let NewShop { name, channel, currency, zone } = new.clone();
    Ok(Shop { id, number, name, channel, currency, zone })
}

/// The shop with that number.
///
/// # Errors
/// As the database says.
pub async fn by_number(tx: &mut Tx, cx: &Ctx, number: i64) -> Result<Option<Shop>, DbError> {
    let sql = format!("{COLUMNS} WHERE org_id = $1 AND number = $2");
    tx.fetch_optional(sqlx::AssertSqlSafe(sql), args![cx.scope.org_arg(), number])
        .await?
        .map(shop_of)
        .transpose()
}
