//! Who asks, for which organisation, and how far they may see.

use std::sync::Arc;

use kernel::{Clock, Ids, OrgId, Timestamp, TypedId, UserId};

use crate::access::Access;
use crate::audit::Origin;
use crate::crypto::{Keyring, OrgKeys};

/// Who does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A signed-in person, or a program with that person's token.
    User(UserId),
    /// The program itself: jobs, subscribers, the command line.
    System,
}

/// What every store function takes, so that a query without an organisation does not compile.
///
/// Made at the edge (sign-in, command line, job lease) and passed down unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    org: OrgId,
    actor: Actor,
}

impl Scope {
    /// The scope of a person.
    #[must_use]
    pub const fn user(org: OrgId, user: UserId) -> Self {
        Self { org, actor: Actor::User(user) }
    }

    /// The scope of the program itself within one organisation.
    #[must_use]
    pub const fn system(org: OrgId) -> Self {
        Self { org, actor: Actor::System }
    }

    /// The organisation.
    #[must_use]
    pub const fn org(self) -> OrgId {
        self.org
    }

    /// The organisation as a query argument.
    #[must_use]
    pub const fn org_arg(self) -> i64 {
        self.org.get() as i64
    }

    /// Who asks.
    #[must_use]
    pub const fn actor(self) -> Actor {
        self.actor
    }

    /// The person who asks, if it is one.
    #[must_use]
    pub const fn user_id(self) -> Option<UserId> {
        match self.actor {
            Actor::User(user) => Some(user),
            Actor::System => None,
        }
    }
}

/// Scope with the sources of time and ids: what a use case needs besides its input.
#[derive(Clone)]
pub struct Ctx {
    /// Organisation and actor.
    pub scope: Scope,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where ids and randomness come from.
    pub ids: Arc<dyn Ids>,
    /// What whoever asks may do and see; the program itself everything.
    pub access: Access,
    /// From where it was asked for, for the audit log.
    pub origin: Origin,
    /// Where keys come from; ask [`Ctx::keys`].
    pub keyring: Keyring,
}

impl Ctx {
    /// The keys of the organisation.
    #[must_use]
    pub fn keys(&self) -> OrgKeys {
        self.keyring.of(self.scope.org())
    }

    /// As it is, but asked for from there.
    #[must_use]
    pub fn from(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// As it is, but for somebody who may do and see no more than this.
    #[must_use]
    pub fn with(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A fresh id of kind `T`.
    #[must_use]
    pub fn fresh<T: TypedId>(&self) -> T {
        self.ids.fresh(self.clock.now())
    }
}

impl std::fmt::Debug for Ctx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ctx").field("scope", &self.scope).finish_non_exhaustive()
    }
}
