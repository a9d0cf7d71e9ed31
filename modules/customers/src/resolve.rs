//! Identity resolution in bulk: which customer does each order belong to?
//!
//! Within its space the account decides. Without an account the e-mail address decides, then the
//! phone. A phone or e-mail address that two accounts share suggests a merge and never merges by
//! itself here. What somebody struck from a customer is not given to them again, and decides nothing for
//! them: an order that bears it is its holder's, or somebody new's.

mod decided;

use std::borrow::Borrow;

use foldhash::{HashMap, HashSet, HashSetExt as _};
use kernel::{CustomerId, SuggestionId, Timestamp, TypedId};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Tx};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::{self, AccountSpace, IdentityKind};
use crate::store;

use decided::Batch;
pub use decided::Decided;
pub(crate) use decided::{SuggestionRow, score};

/// Entries a resolver remembers before it forgets; about 45 bytes each.
const REMEMBERED_MAX: usize = 2_000_000;
/// A phone in more hands than this belongs to a forwarder or a shop, not to one person.
pub(crate) const SHARED_BY_MAX: usize = 5;

/// One identity as seen, in its normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenIdentity {
    /// What it is.
    pub kind: IdentityKind,
    /// Where it is unique.
    pub space: AccountSpace,
    /// Blind index of the normal form.
    pub hash: [u8; 16],
    /// The text to keep: as written for accounts, the normal form otherwise.
    pub value: String,
}

impl SeenIdentity {
    /// An account of `space`.
    #[must_use]
    pub fn account(keys: &OrgKeys, space: AccountSpace, value: &str) -> Option<Self> {
        let folded = kernel::text::fold(value);
        // A masked account (`t**3`) fits many people.
        if folded.is_empty() || folded.contains('*') {
            return None;
        }
        let hash =
            keys.blind_index(IdentityKind::Account.field(), format!("{}:{folded}", space.code()));
        Some(Self { kind: IdentityKind::Account, space, hash, value: value.trim().to_owned() })
    }

    /// A phone number, if the text is one that identifies a person.
    #[must_use]
    pub fn phone(keys: &OrgKeys, text: &str) -> Option<Self> {
        let value = model::normal_phone(text)?;
        let kind = IdentityKind::Phone;
        let hash = keys.blind_index(kind.field(), &value);
        Some(Self { kind, space: AccountSpace::EVERYWHERE, hash, value })
    }

    /// An e-mail address, if the text is one.
    #[must_use]
    pub fn email(keys: &OrgKeys, text: &str) -> Option<Self> {
        let value = model::normal_email(text)?;
        let kind = IdentityKind::Email;
        let hash = keys.blind_index(kind.field(), &value);
        Some(Self { kind, space: AccountSpace::EVERYWHERE, hash, value })
    }

    fn key(&self) -> u128 {
        u128::from_be_bytes(self.hash)
    }

    /// The columns `plain` and `sealed`: only account names that are neither a phone number nor an
    /// e-mail address may be read in the database.
    pub(crate) fn stored(&self, cx: &Ctx, keys: &OrgKeys) -> (Option<String>, Option<Vec<u8>>) {
        let personal = self.kind != IdentityKind::Account
            || model::normal_email(&self.value).is_some()
            || model::normal_phone(&self.value).is_some();
        if personal {
            (None, Some(keys.seal(&*cx.ids, self.kind.field(), self.value.as_bytes())))
        } else {
            (Some(self.value.clone()), None)
        }
    }
}

/// The buyer of one order, as seen.
#[derive(Debug, Clone, Default)]
pub struct Sighting {
    /// The account, where the platform tells it.
    pub account: Option<SeenIdentity>,
    /// E-mail addresses and phones.
    pub contacts: Vec<SeenIdentity>,
    /// Name to show.
    pub name: Option<String>,
    /// Country, province and city of the receiver.
    pub country: Option<String>,
    /// Province.
    pub province: Option<String>,
    /// City.
    pub city: Option<String>,
    /// When the order was placed.
    pub seen_at: Option<Timestamp>,
    /// Whose the order is already, where it was known before.
    pub of: Option<CustomerId>,
}

/// What a batch changed, kept by the import so that it can be undone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Resolved {
    /// The customer of each sighting, in order; `None` where nothing identifies the buyer.
    #[serde(skip)]
    pub customers: Vec<Option<CustomerId>>,
    /// Customers that did not exist.
    #[serde(with = "packed_ids")]
    pub created: Vec<CustomerId>,
    /// Identities that known customers did not have: customer, kind, hash.
    pub added: Vec<(CustomerId, i64, Uuid)>,
    /// Suggestions made.
    pub suggested: Vec<SuggestionId>,
    /// Sightings of customers that existed before the batch.
    pub matched: u64,
}

/// Ids as base 64 of their bytes: an import keeps hundreds of thousands of them.
mod packed_ids {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use kernel::{CustomerId, TypedId as _};
    use serde::{Deserialize as _, Deserializer, Serializer};
    use uuid::Uuid;

    pub fn serialize<S: Serializer>(ids: &[CustomerId], s: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = ids.iter().flat_map(|id| id.uuid().into_bytes()).collect();
        s.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<CustomerId>, D::Error> {
        let text = String::deserialize(d)?;
        let bytes = STANDARD.decode(text).map_err(serde::de::Error::custom)?;
        bytes
            .chunks(16)
            .map(|id| Uuid::from_slice(id).map(CustomerId::from_uuid))
            .collect::<Result<_, _>>()
            .map_err(serde::de::Error::custom)
    }
}

/// Remembers what an import has seen, so that a customer is looked up once and not once per order.
#[derive(Debug, Default)]
pub struct Resolver {
    accounts: HashMap<u128, Uuid>,
    /// The oldest holder of each phone and e-mail address, and how many hold it.
    contacts: HashMap<u128, (Uuid, u8)>,
    /// Which customer has which contact, as a mix of both.
    pairs: HashSet<u64>,
    /// What somebody struck, and from whom; all of it, once it was read.
    struck: Option<HashSet<(Uuid, u128)>>,
    /// Whether everything that is stored is remembered, so that what is not remembered is new.
    complete: bool,
    epoch: Option<i64>,
}

impl Resolver {
    /// A resolver that knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn len(&self) -> usize {
        self.accounts.len() + self.contacts.len() + self.pairs.len()
    }

    fn forget(&mut self) {
        *self = Self::default();
    }

    fn remember(&mut self, customer: Uuid, kind: IdentityKind, key: u128) {
        if kind == IdentityKind::Account {
            self.accounts.insert(key, customer);
        } else if self.pairs.insert(pair(customer, key)) {
            let holder = self.contacts.entry(key).or_insert((customer, 0));
            // The oldest customer, whatever the order in which holders are read: ids ascend.
            holder.0 = holder.0.min(customer);
            holder.1 = holder.1.saturating_add(1);
        }
    }

    /// Reads all stored identities ahead of a large import, if they are few enough to remember.
    ///
    /// # Errors
    /// As the database says.
    pub async fn read_ahead(&mut self, tx: &mut Tx, cx: &Ctx) -> Result<(), DbError> {
        self.forget();
        if store::identity_count(tx, cx.scope, REMEMBERED_MAX as i64 / 2).await?
            >= REMEMBERED_MAX as i64 / 2
        {
            return Ok(());
        }
        self.epoch = Some(store::identity_epoch(tx, cx.scope).await?);
        let remembered = &mut *self;
        store::each_identity(tx, cx.scope, |customer, kind, hash| {
            remembered.remember(customer, kind, hash);
        })
        .await?;
        self.complete = true;
        self.read_struck(tx, cx).await
    }

    /// Finds or makes the customer of each sighting, inside the caller's transaction: the four steps
    /// below in one.
    ///
    /// # Errors
    /// `Duplicate` when another writer made the same account just now (PostgreSQL): roll back,
    /// [`Resolver::lost_race`], and try again. Otherwise as the database says.
    pub async fn resolve(
        &mut self,
        tx: &mut Tx,
        cx: &Ctx,
        keys: &OrgKeys,
        sightings: &[impl Borrow<Sighting> + Sync],
    ) -> Result<Resolved, DbError> {
        self.enter(tx, cx).await?;
        self.look_up(tx, cx, sightings).await?;
        self.decide(cx, keys, sightings).write(tx, cx).await
    }

    /// Step 1, once in a transaction: says that identities will change, and forgets what others may
    /// have changed since the last one.
    ///
    /// # Errors
    /// As the database says.
    pub async fn enter(&mut self, tx: &mut Tx, cx: &Ctx) -> Result<(), DbError> {
        let epoch = store::bump_identity_epoch(tx, cx.scope).await?;
        if self.epoch.is_some_and(|known| known + 1 != epoch) || self.len() > REMEMBERED_MAX {
            self.forget();
        }
        self.epoch = Some(epoch);
        if self.struck.is_none() {
            self.read_struck(tx, cx).await?;
        }
        Ok(())
    }

    async fn read_struck(&mut self, tx: &mut Tx, cx: &Ctx) -> Result<(), DbError> {
        let mut struck = HashSet::new();
        store::identities::each_struck(tx, cx.scope, |customer, hash| {
            struck.insert((customer, hash));
        })
        .await?;
        self.struck = Some(struck);
        Ok(())
    }

    /// Whether somebody said that this is not of `customer`.
    fn is_struck(&self, customer: Uuid, seen: &SeenIdentity) -> bool {
        self.struck.as_ref().is_some_and(|struck| struck.contains(&(customer, seen.key())))
    }

    /// Whether every identity is remembered, so that there is nothing to look up.
    #[must_use]
    pub const fn knows_all(&self) -> bool {
        self.complete
    }

    /// Step 3, which asks no database: finds or makes the customer of each sighting.
    ///
    /// Sightings are resolved in their order, so the outcome does not depend on how a file is cut
    /// into batches.
    pub fn decide(
        &mut self,
        cx: &Ctx,
        keys: &OrgKeys,
        sightings: &[impl Borrow<Sighting>],
    ) -> Decided {
        let mut batch = Batch::new(cx, keys);
        for sighting in sightings {
            let customer = self.resolve_one(&mut batch, sighting.borrow());
            batch.decided.resolved.customers.push(customer.map(CustomerId::from_uuid));
        }
        batch.decided
    }

    /// Says that the last batch was rolled back on purpose (a dry run), and that what was remembered
    /// of it still holds for the next.
    pub const fn rolled_back(&mut self) {
        self.epoch = None;
    }

    /// Forgets everything after a transaction that was not committed.
    pub fn lost_race(&mut self) {
        self.forget();
    }

    /// Step 2: looks up those identities of `sightings` that are not remembered.
    ///
    /// # Errors
    /// As the database says.
    pub async fn look_up(
        &mut self,
        tx: &mut Tx,
        cx: &Ctx,
        sightings: &[impl Borrow<Sighting> + Sync],
    ) -> Result<(), DbError> {
        if self.complete {
            return Ok(());
        }
        let (mut accounts, mut contacts) = (HashSet::new(), HashSet::new());
        for sighting in sightings {
            let sighting: &Sighting = sighting.borrow();
            accounts.extend(
                sighting
                    .account
                    .iter()
                    .filter(|seen| !self.accounts.contains_key(&seen.key()))
                    .map(|seen| seen.hash),
            );
            contacts.extend(
                sighting
                    .contacts
                    .iter()
                    .filter(|seen| !self.contacts.contains_key(&seen.key()))
                    .map(|seen| seen.hash),
            );
        }
        for (hashes, are_accounts) in [(accounts, true), (contacts, false)] {
            let mut hashes: Vec<[u8; 16]> = hashes.into_iter().collect();
            // Neighbours in the index are read together.
            hashes.sort_unstable();
            for (customer, kind, hash) in
                store::identities_by_hash(tx, cx.scope, are_accounts, &hashes).await?
            {
                self.remember(customer, kind, hash);
            }
        }
        Ok(())
    }

    /// The customer of an order that is known, if it says something of them that somebody struck: the order
    /// stays theirs, and nobody new is made of a value that was wrong.
    fn as_before(&self, sighting: &Sighting) -> Option<Uuid> {
        let customer = sighting.of?.uuid();
        let mut seen = sighting.account.iter().chain(&sighting.contacts);
        seen.any(|seen| self.is_struck(customer, seen)).then_some(customer)
    }

    fn resolve_one(&mut self, batch: &mut Batch<'_>, sighting: &Sighting) -> Option<Uuid> {
        let known = self.as_before(sighting).or_else(|| match &sighting.account {
            Some(account) => self.accounts.get(&account.key()).copied(),
            None => sighting
                .contacts
                .iter()
                .find_map(|contact| self.contacts.get(&contact.key()).map(|holder| holder.0)),
        });
        if sighting.account.is_none() && sighting.contacts.is_empty() {
            return None;
        }
        let customer = match known {
            Some(customer) => {
                batch.decided.resolved.matched += u64::from(!batch.new.contains(&customer));
                customer
            }
            None => batch.create(sighting),
        };
        for seen in sighting.account.iter().chain(&sighting.contacts) {
            if self.is_struck(customer, seen) {
                continue;
            }
            let has_it = match seen.kind {
                IdentityKind::Account => self.accounts.contains_key(&seen.key()),
                _ => self.pairs.contains(&pair(customer, seen.key())),
            };
            if has_it {
                continue;
            }
            if let Some((holder, hands)) = self.contacts.get(&seen.key()).copied()
                && seen.kind != IdentityKind::Account
                && holder != customer
                && usize::from(hands) < SHARED_BY_MAX
            {
                batch.suggest(holder, customer, seen);
            }
            self.remember(customer, seen.kind, seen.key());
            batch.add_identity(customer, seen, sighting.seen_at);
        }
        Some(customer)
    }
}

/// Lets the database measure customers and identities after many came.
///
/// # Errors
/// As the database says.
pub async fn analyze(tx: &mut Tx) -> Result<(), DbError> {
    tx.analyze(&["customers_customers", "customers_identities"]).await
}

fn pair(customer: Uuid, key: u128) -> u64 {
    let mixed = customer.as_u128() ^ key.rotate_left(64);
    (mixed as u64) ^ ((mixed >> 64) as u64).rotate_left(32)
}
