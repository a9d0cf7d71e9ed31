//! A family while its identities are changed.

use kernel::{CustomerId, IdentityId, TypedId as _};
use platform::audit::{self, Entry};
use platform::crypto::OrgKeys;
use platform::{Ctx, DbError, Tx, outbox};
use uuid::Uuid;

use super::{Asked, Holder, IdentityError, id_of, may_change};
use crate::edit::Edited;
use crate::events::CustomersChangedV1;
use crate::history::{Change, IdentityDeed};
use crate::model::IdentityKind;
use crate::profiles::masked;
use crate::resolve::{SHARED_BY_MAX, SeenIdentity, SuggestionRow, score};
use crate::store::changes::{self, Locked};
use crate::store::identities::{self as sql, PutRow, StruckRow};
use crate::store::profiles::IdentityRow;
use crate::{names, reach, roots, store};

/// A family whose rows are held, with what it is known by.
pub(super) struct Held {
    root: Uuid,
    members: Vec<Locked>,
    pub(super) rows: Vec<IdentityRow>,
}

impl Held {
    pub(super) async fn lock(tx: &mut Tx, cx: &Ctx, asked: &Asked) -> Result<Self, IdentityError> {
        let Asked { customer, version, .. } = asked;
        // First: importers wait here, and forget what they remember.
        store::bump_identity_epoch(tx, cx.scope).await?;
        let root = changes::lock(tx, cx, &[customer.uuid()]).await?.pop();
        let root = root.ok_or(IdentityError::UnknownCustomer(*customer))?;
        if let Some(keeper) = root.merged_into {
            let keeper = CustomerId::from_uuid(keeper);
            return Err(IdentityError::Merged { customer: *customer, keeper });
        }
        if root.version != *version {
            return Err(IdentityError::Stale(Edited::from(root).shown(tx, cx).await?));
        }
        let family = roots::family(tx, cx.scope, root.id).await?;
        // Whoever sees the root sees the family.
        let members = changes::lock(tx, cx, &family).await?;
        let most = i64::from(i32::MAX);
        let rows = store::profiles::identities(tx, cx.scope, &family, most).await?;
        Ok(Self { root: root.id, members, rows })
    }

    fn family(&self) -> Vec<Uuid> {
        self.members.iter().map(|row| row.id).collect()
    }

    /// What `identity` names, one row for each member who has it.
    pub(super) fn find(
        &self,
        cx: &Ctx,
        keys: &OrgKeys,
        identity: IdentityId,
    ) -> Result<Vec<IdentityRow>, IdentityError> {
        let is_it = |row: &&IdentityRow| id_of(keys, self.root, row.kind, &row.hash) == identity;
        let found: Vec<IdentityRow> = self.rows.iter().filter(is_it).cloned().collect();
        may_change(cx, self.kind(&found)?)?;
        Ok(found)
    }

    pub(super) fn kind(&self, rows: &[IdentityRow]) -> Result<IdentityKind, IdentityError> {
        let row = rows.first().ok_or(IdentityError::Unknown)?;
        IdentityKind::from_code(row.kind).ok_or(IdentityError::Unknown)
    }

    pub(super) fn value(&self, keys: &OrgKeys, row: &IdentityRow) -> Result<String, IdentityError> {
        let refused = |error| DbError::Refused(format!("an identity: {error}"));
        match (&row.plain, &row.sealed, IdentityKind::from_code(row.kind)) {
            (Some(plain), ..) => Ok(plain.clone()),
            (None, Some(sealed), Some(kind)) => {
                Ok(keys.open_text(kind.field(), sealed).map_err(refused)?)
            }
            _ => Ok(String::new()),
        }
    }

    /// Refuses a value that the family, or somebody else, has.
    pub(super) async fn refuse_taken(
        &self,
        tx: &mut Tx,
        cx: &Ctx,
        asked: &Asked,
        seen: &SeenIdentity,
    ) -> Result<(), IdentityError> {
        let is_account = seen.kind == IdentityKind::Account;
        if is_account && asked.shared {
            return Err(IdentityError::SharedAccount);
        }
        let has_it =
            |row: &IdentityRow| row.kind == seen.kind.code() && row.hash == seen.hash.as_slice();
        if self.rows.iter().any(has_it) {
            return Err(IdentityError::There);
        }
        let others = self.others(tx, cx, seen).await?;
        if others.is_empty() || asked.shared {
            return Ok(());
        }
        let within = reach::within(tx, cx, &others).await?;
        let seen_first = others.into_iter().find(|id| within.contains(id));
        let mut holder = None;
        if let Some(id) = seen_first {
            let named = names::shown(tx, cx, &[id]).await?.remove(&id);
            holder = named.map(|(root, name)| Holder {
                id: CustomerId::from_uuid(root),
                name,
                can_merge: cx.access.permissions().allow("customers.merge"),
            });
        }
        Err(IdentityError::Taken { kind: seen.kind, holder })
    }

    /// Who has a value besides the family, the oldest first.
    async fn others(
        &self,
        tx: &mut Tx,
        cx: &Ctx,
        seen: &SeenIdentity,
    ) -> Result<Vec<Uuid>, DbError> {
        let is_account = seen.kind == IdentityKind::Account;
        let family = self.family();
        let holders =
            store::identities_by_hash(tx, cx.scope, is_account, &[seen.hash]).await?.into_iter();
        let mut others: Vec<Uuid> = holders
            .filter(|(id, kind, _)| *kind == seen.kind && !family.contains(id))
            .map(|(id, ..)| id)
            .collect();
        others.sort_unstable();
        Ok(others)
    }

    /// Takes a value away from all of the family, and notes it of all: a file that says it of another member
    /// is as wrong.
    pub(super) async fn strike(
        &self,
        tx: &mut Tx,
        cx: &Ctx,
        old: &[IdentityRow],
    ) -> Result<(), DbError> {
        let Some(IdentityRow { kind, hash, .. }) = old.first() else { return Ok(()) };
        for row in old {
            sql::take(tx, cx.scope, row.customer_id, *kind, hash).await?;
        }
        for member in &self.members {
            let row = old.iter().find(|row| row.customer_id == member.id);
            let note = StruckRow {
                customer_id: member.id,
                by_hand: row.is_some_and(|row| row.by_hand),
                first_seen_at: row.map(|row| row.first_seen_at),
            };
            sql::strike(tx, cx, *kind, hash, &note).await?;
        }
        sql::forget_suggestions(tx, cx.scope, &self.family(), hash).await
    }

    /// Puts a value where it was before, if it was struck once; otherwise at `new`. At `places` it is put in
    /// any case.
    pub(super) async fn put(
        &self,
        tx: &mut Tx,
        cx: &Ctx,
        seen: &SeenIdentity,
        new: Vec<StruckRow>,
        places: &[StruckRow],
    ) -> Result<(), IdentityError> {
        let (keys, kind) = (cx.keys(), seen.kind.code());
        let struck = sql::unstrike(tx, cx.scope, &self.family(), kind, &seen.hash).await?;
        let before = struck.iter().filter(|row| row.first_seen_at.is_some());
        let mut rows: Vec<StruckRow> = match places {
            [] => before.cloned().collect(),
            places => {
                let before: Vec<&StruckRow> = before.collect();
                let at = |place: &StruckRow| {
                    let was = before.iter().find(|row| row.customer_id == place.customer_id);
                    was.map_or_else(|| place.clone(), |row| (*row).clone())
                };
                places.iter().map(at).collect()
            }
        };
        if rows.is_empty() {
            rows = new;
        }
        if seen.kind == IdentityKind::Account {
            rows.truncate(1);
        }
        // Others may have it too, and it may be that they are one all the same.
        let others = self.others(tx, cx, seen).await?;
        for row in &rows {
            let (plain, sealed) = seen.stored(cx, &keys);
            let put = PutRow {
                customer: row.customer_id,
                kind,
                space: seen.space.code(),
                hash: seen.hash,
                plain,
                sealed,
                first_seen_at: row.first_seen_at.unwrap_or_else(|| cx.now().millis()),
                by_hand: row.by_hand,
            };
            sql::put(tx, cx.scope, put).await?;
        }
        if let (Some(row), Some(other)) = (rows.first(), others.first())
            && others.len() < SHARED_BY_MAX
        {
            let pair = (row.customer_id.min(*other), row.customer_id.max(*other));
            let suggestion = SuggestionRow {
                id: cx.fresh(),
                a: pair.0,
                b: pair.1,
                kind,
                hash: seen.hash,
                score: score(seen.kind),
            };
            store::add_suggestions(tx, cx, cx.now(), vec![suggestion]).await?;
        }
        Ok(())
    }

    /// Calls those who were called by what they are not known by any more as `name` says.
    pub(super) async fn rename(
        &self,
        tx: &mut Tx,
        cx: &Ctx,
        old: &[IdentityRow],
        name: impl Fn(Uuid) -> Result<String, DbError> + Send,
        mut entry: Entry,
    ) -> Result<Entry, DbError> {
        let keys = cx.keys();
        for row in old {
            let Some(kind) = IdentityKind::from_code(row.kind) else { continue };
            let was = masked(kind, row.plain.as_deref(), row.sealed.as_deref(), &keys)?;
            let called = self.members.iter().find(|member| member.id == row.customer_id);
            if called.is_some_and(|member| member.name == was) {
                let is = name(row.customer_id)?;
                sql::rename(tx, cx.scope, row.customer_id, &is).await?;
                entry = entry.personal_change("name", was, is);
            }
        }
        Ok(entry)
    }

    pub(super) async fn tell(
        &self,
        tx: &mut Tx,
        cx: &Ctx,
        asked: &Asked,
        (of, deed): (IdentityKind, IdentityDeed),
        whose: &[IdentityRow],
        entry: Entry,
    ) -> Result<(), IdentityError> {
        changes::bump_versions(tx, cx.scope, cx.now(), &[self.root]).await?;
        changes::tell(tx, cx, vec![(self.root, Change::Identity { deed, of })]).await?;
        let family = self.family().into_iter().map(CustomerId::from_uuid).collect();
        outbox::push(tx, cx, &CustomersChangedV1::of(family)).await?;
        let mut entry = entry.personal("reason", asked.reason.as_str());
        if asked.shared {
            entry = entry.with("shared", true);
        }
        // On whose it was: parted from the others and erased, they take it along.
        let mut whose: Vec<Uuid> = whose.iter().map(|row| row.customer_id).collect();
        if whose.is_empty() {
            whose.push(self.root);
        }
        whose.sort_unstable();
        whose.dedup();
        for member in whose {
            let entry = entry.clone().on("customer", CustomerId::from_uuid(member));
            audit::record(tx, cx, entry).await?;
        }
        Ok(())
    }
}
