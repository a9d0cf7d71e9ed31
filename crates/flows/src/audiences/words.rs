//! The names by which texts of audiences call tags, shops, users and audiences.

use std::collections::HashMap;

use analytics::audience::{Node, Vocabulary};
use insight::audiences::Audience;
use kernel::{AudienceId, ShopId, TagId, UserId};
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
}

/// The names of one organisation, as whoever asks may know them.
#[derive(Debug, Default)]
pub(crate) struct Words {
    tags: Names<TagId>,
    shops: Names<ShopId>,
    users: Names<UserId>,
    audiences: Names<AudienceId>,
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
        Ok(Self {
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
    fn amount_digits(&self, shop: Option<ShopId>) -> u32 {
        let own = shop.and_then(|shop| self.digits_of.get(&shop));
        own.copied().unwrap_or(self.digits)
    }
}
