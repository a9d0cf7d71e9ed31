//! Names that stand for ids in the text form.

use kernel::{AudienceId, LevelSchemeId, ProgrammeId, ShopId, TagId, UserId};

/// What the names of one organisation mean. Texts may always name an id instead, and a thing without
/// a name is printed by its id.
pub trait Vocabulary {
    /// The tag of a name.
    fn tag(&self, name: &str) -> Option<TagId>;
    /// The name of a tag.
    fn tag_name(&self, tag: TagId) -> Option<String>;
    /// The shop of a name.
    fn shop(&self, name: &str) -> Option<ShopId>;
    /// The name of a shop.
    fn shop_name(&self, shop: ShopId) -> Option<String>;
    /// The user of an e-mail address.
    fn user(&self, email: &str) -> Option<UserId>;
    /// The e-mail address of a user.
    fn user_name(&self, user: UserId) -> Option<String>;
    /// The audience of a name.
    fn audience(&self, name: &str) -> Option<AudienceId>;
    /// The name of an audience.
    fn audience_name(&self, audience: AudienceId) -> Option<String>;
    /// The scheme of member levels of a name.
    fn scheme(&self, name: &str) -> Option<LevelSchemeId> {
        let _ = name;
        None
    }
    /// The name of a scheme.
    fn scheme_name(&self, scheme: LevelSchemeId) -> Option<String> {
        let _ = scheme;
        None
    }
    /// The scheme that a text means without naming it: the only one.
    fn only_scheme(&self) -> Option<LevelSchemeId> {
        None
    }
    /// The rank of a level of a scheme, by its name.
    fn level(&self, scheme: LevelSchemeId, name: &str) -> Option<u8> {
        let _ = (scheme, name);
        None
    }
    /// The name of a level of a scheme, by its rank.
    fn level_name(&self, scheme: LevelSchemeId, rank: u8) -> Option<String> {
        let _ = (scheme, rank);
        None
    }
    /// The programme of points of a name.
    fn programme(&self, name: &str) -> Option<ProgrammeId> {
        let _ = name;
        None
    }
    /// The name of a programme.
    fn programme_name(&self, programme: ProgrammeId) -> Option<String> {
        let _ = programme;
        None
    }
    /// The programme that a text means without naming it: the only one.
    fn only_programme(&self) -> Option<ProgrammeId> {
        None
    }
    /// Digits of a currency after the decimal point, 2 for CNY and 0 for JPY: that of `shop`, or the
    /// organisation's.
    fn amount_digits(&self, shop: Option<ShopId>) -> u32 {
        let _ = shop;
        2
    }
}

/// Knows no names: only ids are read and printed.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoNames;

impl Vocabulary for NoNames {
    fn tag(&self, _: &str) -> Option<TagId> {
        None
    }
    fn tag_name(&self, _: TagId) -> Option<String> {
        None
    }
    fn shop(&self, _: &str) -> Option<ShopId> {
        None
    }
    fn shop_name(&self, _: ShopId) -> Option<String> {
        None
    }
    fn user(&self, _: &str) -> Option<UserId> {
        None
    }
    fn user_name(&self, _: UserId) -> Option<String> {
        None
    }
    fn audience(&self, _: &str) -> Option<AudienceId> {
        None
    }
    fn audience_name(&self, _: AudienceId) -> Option<String> {
        None
    }
}
