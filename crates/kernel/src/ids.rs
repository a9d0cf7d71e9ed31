//! Typed identifiers: UUIDv7 inside, TypeID text outside (`cus_01h…`).
//!
//! Text form: <https://github.com/jetify-com/typeid/tree/main/spec> (prefix, underscore, 26
//! characters of lower-case Crockford base 32).

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SUFFIX_LEN: usize = 26;

/// Why a text is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdParseError {
    /// The prefix is missing or names another kind.
    #[error("expected an id that begins with `{expected}_`")]
    Prefix {
        /// The prefix this kind of id has.
        expected: &'static str,
    },
    /// The part after the prefix is not 26 characters of base 32, or is out of range.
    #[error("the part after `{prefix}_` must be 26 characters of base 32")]
    Suffix {
        /// The prefix this kind of id has.
        prefix: &'static str,
    },
}

/// What all typed ids share.
pub trait TypedId:
    Copy + Eq + Ord + std::hash::Hash + fmt::Display + Send + Sync + 'static
{
    /// The text before the underscore.
    const PREFIX: &'static str;
    /// Wraps a UUID that is known to be of this kind.
    fn from_uuid(uuid: Uuid) -> Self;
    /// The UUID inside.
    fn uuid(self) -> Uuid;
}

/// Source of fresh ids and random bytes; the only one in the house.
pub trait Ids: Send + Sync {
    /// A UUIDv7 for something that comes into being at `at`.
    fn uuid(&self, at: Timestamp) -> Uuid;
    /// Fills `bytes` with randomness fit for keys and nonces.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Ids + '_ {
    /// A fresh id of kind `T`.
    pub fn fresh<T: TypedId>(&self, at: Timestamp) -> T {
        T::from_uuid(self.uuid(at))
    }
}

fn encode(uuid: Uuid) -> [u8; SUFFIX_LEN] {
    let mut value = uuid.as_u128();
    let mut out = [0u8; SUFFIX_LEN];
    for slot in out.iter_mut().rev() {
        *slot = ALPHABET[(value & 31) as usize];
        value >>= 5;
    }
    out
}

fn decode(text: &str) -> Option<Uuid> {
    let bytes = text.as_bytes();
    // 26 characters hold 130 bits: the first may only be 0 to 7.
    if bytes.len() != SUFFIX_LEN || bytes[0] > b'7' {
        return None;
    }
    let mut value: u128 = 0;
    for byte in bytes {
        let digit = ALPHABET.iter().position(|c| c == byte)?;
        value = (value << 5) | digit as u128;
    }
    Some(Uuid::from_u128(value))
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl TypedId for $name {
            const PREFIX: &'static str = $prefix;
            fn from_uuid(uuid: Uuid) -> Self { Self(uuid) }
            fn uuid(self) -> Uuid { self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let suffix = encode(self.0);
                // The alphabet is ASCII, so this cannot fail.
                write!(f, "{}_{}", $prefix, std::str::from_utf8(&suffix).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }

        impl std::str::FromStr for $name {
            type Err = IdParseError;
            fn from_str(text: &str) -> Result<Self, IdParseError> {
                let suffix = text
                    .strip_prefix($prefix)
                    .and_then(|rest| rest.strip_prefix('_'))
                    .ok_or(IdParseError::Prefix { expected: $prefix })?;
                decode(suffix).map(Self).ok_or(IdParseError::Suffix { prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some(concat!("^", $prefix, "_[0-7][0-9a-hjkmnp-tv-z]{25}$")))
                    .into()
            }
        }
        impl utoipa::ToSchema for $name {}
    )*};
}

typed_ids! {
    /// A customer: a person or company known to the organisation.
    CustomerId = "cus";
    /// An order.
    OrderId = "ord";
    /// A shop on a channel.
    ShopId = "shop";
    /// One import of order files.
    ImportId = "imp";
    /// A person who signs in.
    UserId = "usr";
    /// A browser session.
    SessionId = "ses";
    /// An API token (not its secret).
    TokenId = "tok";
    /// A team.
    TeamId = "team";
    /// A provider through which people sign in.
    ProviderId = "idp";
    /// A part of the market that somebody looks after.
    TerritoryId = "ter";
    /// An invitation to join.
    InvitationId = "inv";
    /// A tag put on customers by hand.
    TagId = "tag";
    /// A note on a customer.
    NoteId = "note";
    /// A merge of one customer into another.
    MergeId = "mrg";
    /// A suggestion that two customers are one.
    SuggestionId = "sug";
    /// A saved view of a list.
    ViewId = "view";
    /// A group of customers by definition.
    AudienceId = "adn";
    /// A version of a model of purchase intent.
    ModelId = "mdl";
    /// What coupons of one kind give, to whom and when.
    CouponDefinitionId = "cpd";
    /// One coupon.
    CouponId = "cpn";
    /// Coupons whose codes were made at once.
    CouponBatchId = "cpb";
    /// Coupons that were given to an audience.
    CouponGiftId = "cpg";
    /// A promotion.
    PromotionId = "pro";
    /// A replay of past orders through a draft of promotions.
    SimulationId = "sim";
    /// What one order holds of coupons, limits and stock.
    ReservationId = "rsv";
    /// An entry of the ledger of consents.
    ConsentId = "cst";
    /// A version of a text by which people are asked.
    ConsentTextId = "ctx";
    /// A file of customers that somebody took away.
    ExportId = "exp";
    /// What a person asked of us about their data.
    PersonRequestId = "prq";
    /// An account, phone number or e-mail address of one customer, as it is named in paths; nowhere stored.
    IdentityId = "idn";
    /// A programme of points.
    ProgrammeId = "prg";
    /// An entry of the ledger of points.
    PointsEntryId = "pen";
    /// Points of one origin and one expiry.
    LotId = "lot";
    /// Points spent on an order, or reserved for one.
    SpendId = "spd";
    /// A change of points by hand.
    AdjustmentId = "adj";
    /// A webhook: where signed calls go.
    WebhookId = "whk";
    /// A message to a webhook, as its receiver knows it.
    DeliveryId = "msg";
    /// A scheme of member levels.
    LevelSchemeId = "lvs";
    /// A background job.
    JobId = "job";
    /// An entry of the audit log.
    AuditId = "aud";
}

/// The tenant. A small integer, first in every key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrgId(i32);

impl OrgId {
    /// The organisation that a fresh data folder begins with.
    pub const FIRST: Self = Self(1);

    /// Wraps a stored value.
    #[must_use]
    pub const fn new(value: i32) -> Self {
        Self(value)
    }

    /// The stored value.
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_matches_the_typeid_specification() {
        // valid.yml of the specification: prefix aside, this uuid has this suffix.
        let uuid: Uuid = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        assert_eq!(CustomerId::from_uuid(uuid).to_string(), "cus_01h455vb4pex5vsknk084sn02q");
    }

    #[test]
    fn refuses_other_kinds_and_overflow() {
        let order = OrderId::from_uuid(Uuid::nil()).to_string();
        assert_eq!(order.parse::<CustomerId>(), Err(IdParseError::Prefix { expected: "cus" }));
        assert!("cus_8zzzzzzzzzzzzzzzzzzzzzzzzz".parse::<CustomerId>().is_err());
        assert!("cus_01h455vb4pex5vsknk084sn02Q".parse::<CustomerId>().is_err());
    }

    proptest! {
        #[test]
        fn round_trips(value in any::<u128>()) {
            let id = CustomerId::from_uuid(Uuid::from_u128(value));
            prop_assert_eq!(id.to_string().parse::<CustomerId>().unwrap(), id);
        }
    }
}
