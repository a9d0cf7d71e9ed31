//! Names beside the ids of users.

use std::collections::HashMap;

use kernel::{Person, UserId};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Tx};

/// The users that an answer names.
#[derive(Debug, Default)]
pub(crate) struct People(HashMap<UserId, Person>);

impl People {
    /// Looks all of `ids` up at once.
    pub(crate) async fn look_up(
        tx: &mut Tx,
        cx: &Ctx,
        keys: &OrgKeys,
        ids: impl IntoIterator<Item = Option<UserId>>,
    ) -> Result<Self, DbError> {
        let ids: Vec<UserId> = ids.into_iter().flatten().collect();
        if ids.is_empty() {
            return Ok(Self::default());
        }
        Ok(Self(identity::names_of(tx, cx.scope, keys, ids).await?))
    }

    pub(crate) fn get(&self, id: Option<UserId>) -> Option<Person> {
        self.0.get(&id?).cloned()
    }
}
