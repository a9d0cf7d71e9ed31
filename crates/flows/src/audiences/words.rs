//! The names by which texts of audiences call tags, shops, users, audiences, member levels and programmes of points.

use std::collections::HashMap;

use analytics::audience::{Node, Vocabulary};
use insight::audiences::Audience;
use kernel::{AudienceId, LevelSchemeId, ProgrammeId, ShopId, TagId, UserId};
use loyalty::levels::scheme;
use loyalty::points::programme;
use platform::{Ctx, DbError, Tx};

use super::{Definition, GivenTree};
use crate::engine::EngineHandle;

/// Names and ids of one kind.
#[derive(Debug)]
struct Names<T> {
    ids: HashMap<String, T>,
    names: HashMap<T, String>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self { ids: HashMap::new(), names: HashMap::new() }
    }
}

impl<T: Copy + Eq + std::hash::Hash> Names<T> {
    fn of(pairs: impl IntoIterator<Item = (T, String)>) -> Self {
        let names: HashMap<T, String> = pairs.into_iter().collect();
        let ids = names.iter().map(|(id, name)| (name.clone(), *id)).collect();
        Self { ids, names }
    }

    fn id(&self, name: &str) -> Option<T> {
        self.ids.get(name).copied()
    }

    fn name(&self, id: T) -> Option<String> {
        self.names.get(&id).cloned()
    }

    /// The only one, if there is one.
    fn only(&self) -> Option<T> {
        let mut ids = self.names.keys();
        ids.next().copied().filter(|_| ids.next().is_none())
    }
}

/// The names of one organisation, as whoever asks may know them.
#[derive(Debug, Default)]
pub(crate) struct Words {
    tags: Names<TagId>,
    shops: Names<ShopId>,
    users: Names<UserId>,
    audiences: Names<AudienceId>,
    schemes: Names<LevelSchemeId>,
    /// Of each scheme, from the lowest.
    levels: HashMap<LevelSchemeId, Vec<String>>,
    programmes: Names<ProgrammeId>,
    digits: u32,
    digits_of: HashMap<ShopId, u32>,
}

impl Words {
    /// Reads the names; users only where `definition` may name one.
    pub(crate) async fn read(
        tx: &mut Tx,
        cx: &Ctx,
        engine: &EngineHandle,
        audiences: &[Audience],
        definition: &Definition,
    ) -> Result<Self, DbError> {
        let mut names_owner =
            definition.text.as_ref().is_some_and(|text| text.to_lowercase().contains("owner"));
        if let Some(tree) = definition.tree.as_ref().and_then(GivenTree::readable) {
            tree.walk(&mut |node| names_owner |= matches!(node, Node::Owner { .. }));
        }
        Self::read_all(tx, cx, engine, audiences, names_owner).await
    }

    pub(crate) async fn read_all(
        tx: &mut Tx,
        cx: &Ctx,
        engine: &EngineHandle,
        audiences: &[Audience],
        with_users: bool,
    ) -> Result<Self, DbError> {
        let users = if with_users {
            identity::users::colleagues(tx, cx, &cx.keys()).await?
        } else {
            Vec::new()
        };
        let shops = engine.shops();
        let tags = customers::tags::plain(tx, cx).await?;
        let schemes = scheme::all(tx, cx.scope).await?;
        let programmes = programme::all(tx, cx.scope).await?;
        let levels = schemes.iter().map(|scheme| {
            let names = scheme.rules.levels.iter().map(|level| level.name.clone());
            (scheme.id, names.collect())
        });
        Ok(Self {
            levels: levels.collect(),
            schemes: Names::of(schemes.into_iter().map(|scheme| (scheme.id, scheme.name))),
            programmes: Names::of(programmes.into_iter().map(|one| (one.id, one.name))),
            tags: Names::of(tags.into_iter().map(|tag| (tag.id, tag.name))),
            shops: Names::of(shops.all().iter().map(|shop| (shop.id, shop.name.clone()))),
            users: Names::of(users.into_iter().map(|user| (user.id, user.email))),
            audiences: Names::of(audiences.iter().map(|one| (one.id, one.name.clone()))),
            digits: shops.frame().currency.exponent(),
            digits_of: shops.all().iter().map(|shop| (shop.id, shop.currency.exponent())).collect(),
        })
    }
}

impl Words {
    /// What `node` names and is no longer there; audiences are looked for when they are asked.
    pub(crate) fn gone(&self, node: &Node) -> Option<String> {
        match node {
            Node::Tag { tag } if self.tag_name(*tag).is_none() => Some(format!("the tag {tag}")),
            Node::Orders { of, .. } | Node::FirstOrder { of, .. } | Node::LastOrder { of, .. } => {
                let shop = of.shop.filter(|shop| self.shop_name(*shop).is_none())?;
                Some(format!("the shop {shop}"))
            }
            Node::Level { scheme, .. } if self.schemes.name(*scheme).is_none() => {
                Some(format!("the scheme of levels {scheme}"))
            }
            Node::Points { programme, .. } if self.programmes.name(*programme).is_none() => {
                Some(format!("the programme of points {programme}"))
            }
            _ => None,
        }
    }
}

impl Vocabulary for Words {
    fn tag(&self, name: &str) -> Option<TagId> {
        self.tags.id(name)
    }
    fn tag_name(&self, tag: TagId) -> Option<String> {
        self.tags.name(tag)
    }
    fn shop(&self, name: &str) -> Option<ShopId> {
        self.shops.id(name)
    }
    fn shop_name(&self, shop: ShopId) -> Option<String> {
        self.shops.name(shop)
    }
    fn user(&self, email: &str) -> Option<UserId> {
        self.users.id(email)
    }
    fn user_name(&self, user: UserId) -> Option<String> {
        self.users.name(user)
    }
    fn audience(&self, name: &str) -> Option<AudienceId> {
        self.audiences.id(name)
    }
    fn audience_name(&self, audience: AudienceId) -> Option<String> {
        self.audiences.name(audience)
    }
    fn scheme(&self, name: &str) -> Option<LevelSchemeId> {
        self.schemes.id(name)
    }
    fn scheme_name(&self, scheme: LevelSchemeId) -> Option<String> {
        self.schemes.name(scheme)
    }
    fn only_scheme(&self) -> Option<LevelSchemeId> {
        self.schemes.only()
    }
    fn level(&self, scheme: LevelSchemeId, name: &str) -> Option<u8> {
        let mut levels = self.levels.get(&scheme)?.iter().zip(1..);
        levels.find(|(level, _)| level.trim() == name.trim()).map(|(_, rank)| rank)
    }
    fn level_name(&self, scheme: LevelSchemeId, rank: u8) -> Option<String> {
        self.levels.get(&scheme)?.get(usize::from(rank).checked_sub(1)?).cloned()
    }
    fn programme(&self, name: &str) -> Option<ProgrammeId> {
        self.programmes.id(name)
    }
    fn programme_name(&self, programme: ProgrammeId) -> Option<String> {
        self.programmes.name(programme)
    }
    fn only_programme(&self) -> Option<ProgrammeId> {
        self.programmes.only()
    }
    fn amount_digits(&self, shop: Option<ShopId>) -> u32 {
        let own = shop.and_then(|shop| self.digits_of.get(&shop));
        own.copied().unwrap_or(self.digits)
    }
}
