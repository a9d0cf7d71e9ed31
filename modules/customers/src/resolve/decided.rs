//! What was decided of a batch of sightings, and its rows.

use foldhash::{HashSet, HashSetExt as _};
use kernel::{CustomerId, SuggestionId, Timestamp, TypedId};
use platform::crypto::OrgKeys;
use platform::{Arg, BulkRows, Ctx, DbError, Tx};
use uuid::Uuid;

use super::{Resolved, SeenIdentity, Sighting};
use crate::mask;
use crate::model::IdentityKind;
use crate::store;

/// What was decided of a batch, and the rows that say so.
#[derive(Debug)]
pub struct Decided {
    now: Timestamp,
    customers: BulkRows,
    identities: BulkRows,
    suggestions: Vec<SuggestionRow>,
    pub(super) resolved: Resolved,
}

impl Decided {
    /// The customer of each sighting, in order; `None` where nothing identifies the buyer.
    #[must_use]
    pub fn customers(&self) -> &[Option<CustomerId>] {
        &self.resolved.customers
    }

    /// Step 4: writes the rows.
    ///
    /// # Errors
    /// As [`Resolver::resolve`].
    pub async fn write(self, tx: &mut Tx, cx: &Ctx) -> Result<Resolved, DbError> {
        let Self { now, customers, identities, suggestions, mut resolved } = self;
        tx.bulk_insert(customers).await?;
        tx.bulk_insert(identities).await?;
        resolved.suggested = store::add_suggestions(tx, cx, now, suggestions).await?;
        Ok(resolved)
    }
}

/// A batch while it is decided.
pub(super) struct Batch<'a> {
    cx: &'a Ctx,
    keys: &'a OrgKeys,
    pub(super) new: HashSet<Uuid>,
    suggested_pairs: HashSet<(Uuid, Uuid, i64)>,
    pub(super) decided: Decided,
}

/// A suggestion about to be written.
#[derive(Debug)]
pub(crate) struct SuggestionRow {
    pub id: SuggestionId,
    pub a: Uuid,
    pub b: Uuid,
    pub kind: i64,
    pub hash: [u8; 16],
    pub score: i64,
}

impl<'a> Batch<'a> {
    pub(super) fn new(cx: &'a Ctx, keys: &'a OrgKeys) -> Self {
        let decided = Decided {
            now: cx.now(),
            customers: store::customer_rows(),
            identities: store::identity_rows(),
            suggestions: Vec::new(),
            resolved: Resolved::default(),
        };
        Self { cx, keys, new: HashSet::new(), suggested_pairs: HashSet::new(), decided }
    }

    pub(super) fn create(&mut self, sighting: &Sighting) -> Uuid {
        let id: CustomerId = self.cx.ids.fresh(self.decided.now);
        let name = sighting
            .name
            .as_deref()
            .map(mask::mask_account)
            .or_else(|| sighting.account.as_ref().map(|seen| mask::mask_account(&seen.value)))
            .or_else(|| {
                sighting.contacts.first().map(|seen| match seen.kind {
                    IdentityKind::Email => mask::mask_email(&seen.value),
                    _ => mask::mask_phone(&seen.value),
                })
            })
            .unwrap_or_default();
        self.decided.customers.push([
            Arg::from(self.cx.scope.org_arg()),
            Arg::from(id),
            Arg::from(name),
            Arg::from(sighting.country.clone()),
            Arg::from(sighting.province.clone()),
            Arg::from(sighting.city.clone()),
            Arg::from(1_i64),
            Arg::from(self.decided.now),
            Arg::from(self.decided.now),
        ]);
        self.new.insert(id.uuid());
        self.decided.resolved.created.push(id);
        id.uuid()
    }

    pub(super) fn add_identity(
        &mut self,
        customer: Uuid,
        seen: &SeenIdentity,
        at: Option<Timestamp>,
    ) {
        let (plain, sealed) = seen.stored(self.cx, self.keys);
        self.decided.identities.push([
            Arg::from(self.cx.scope.org_arg()),
            Arg::from(customer),
            Arg::from(seen.kind.code()),
            Arg::from(seen.space.code()),
            Arg::from(seen.hash),
            Arg::from(plain),
            Arg::from(sealed),
            Arg::from(at.unwrap_or(self.decided.now)),
        ]);
        if !self.new.contains(&customer) {
            let hash = Uuid::from_bytes(seen.hash);
            self.decided.resolved.added.push((
                CustomerId::from_uuid(customer),
                seen.kind.code(),
                hash,
            ));
        }
    }

    pub(super) fn suggest(&mut self, a: Uuid, b: Uuid, seen: &SeenIdentity) {
        let (a, b) = (a.min(b), a.max(b));
        if !self.suggested_pairs.insert((a, b, seen.kind.code())) {
            return;
        }
        let id: SuggestionId = self.cx.ids.fresh(self.decided.now);
        self.decided.suggestions.push(SuggestionRow {
            id,
            a,
            b,
            kind: seen.kind.code(),
            hash: seen.hash,
            score: score(seen.kind),
        });
    }
}

/// How likely two who share such a contact are one, 0 to 100.
pub(crate) fn score(kind: IdentityKind) -> i64 {
    // An e-mail address is rarely shared; a receiver's phone may be a relative's.
    if kind == IdentityKind::Email { 90 } else { 70 }
}
