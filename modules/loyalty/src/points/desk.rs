//! The books of a few customers in memory. Every change goes through [`Desk::post`], which keeps balances and lots
//! as the postings say and refuses what would break the books.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{PointsEntryId, Timestamp, TypedId as _};
use platform::{Ctx, DbError};
use serde::Serialize;
use uuid::Uuid;

use super::account::{Account, Kind};
use super::programme::Programme;
use super::rules::{Negative, Rules};

/// One line of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Posting {
    pub account: Account,
    pub customer: Option<Uuid>,
    pub lot: Option<Uuid>,
    pub points: i64,
}

/// Where points come from or go to.
pub(crate) const fn other(account: Account, points: i64) -> Posting {
    Posting { account, customer: None, lot: None, points }
}

/// What an entry says besides its postings.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub kind: Kind,
    pub customer: Option<Uuid>,
    pub source_kind: String,
    pub source_id: Option<Uuid>,
    pub key: String,
    pub reverses: Option<Uuid>,
}

impl Head {
    pub(crate) fn new(kind: Kind, customer: Uuid, key: String) -> Self {
        let source_kind = kind.name().to_owned();
        Self { kind, customer: Some(customer), source_kind, source_id: None, key, reverses: None }
    }

    pub(crate) fn of(mut self, source_kind: &str, source_id: Uuid) -> Self {
        (self.source_kind, self.source_id) = (source_kind.to_owned(), Some(source_id));
        self
    }
}

pub(crate) struct Entry {
    pub id: Uuid,
    pub version: i64,
    pub head: Head,
    pub postings: Vec<Posting>,
}

/// What a customer has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PointsBalance)]
pub struct Balance {
    /// Not to be used yet.
    pub pending: i64,
    /// Can be spent, if nothing is owed.
    pub available: i64,
    /// Held for orders.
    pub reserved: i64,
    /// Owed; zero or negative.
    pub debt: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lot {
    pub id: Uuid,
    pub customer: Uuid,
    pub source_id: Option<Uuid>,
    pub points: i64,
    pub pending: i64,
    pub available: i64,
    pub reserved: i64,
    pub lapsed: i64,
    pub available_from: i64,
    pub expires_at: Option<i64>,
    pub is_new: bool,
}

impl Lot {
    pub(crate) fn is_expired(&self, now: i64) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Earliest-expiring first, then the older one.
    fn rank(&self) -> (i64, i64, Uuid) {
        (self.expires_at.unwrap_or(i64::MAX), self.available_from, self.id)
    }

    fn posting(&self, account: Account, points: i64) -> Posting {
        Posting { account, customer: Some(self.customer), lot: Some(self.id), points }
    }
}

/// The books of some customers in one programme, locked.
pub(crate) struct Desk<'a> {
    pub cx: &'a Ctx,
    pub programme: &'a Programme,
    pub now: Timestamp,
    pub balances: BTreeMap<Uuid, Balance>,
    pub lots: BTreeMap<Uuid, Lot>,
    pub entries: Vec<Entry>,
    /// Lots and customers that are to be written.
    pub touched: (BTreeSet<Uuid>, BTreeSet<Uuid>),
}

fn broken(what: &str) -> DbError {
    DbError::Refused(format!("the books of points would break: {what}; nothing was written"))
}

impl Desk<'_> {
    pub(crate) fn rules(&self) -> &Rules {
        &self.programme.rules
    }

    /// Takes in an entry; one without postings is none.
    pub(crate) fn post(
        &mut self,
        head: Head,
        version: i64,
        postings: Vec<Posting>,
    ) -> Result<Option<Uuid>, DbError> {
        let postings: Vec<Posting> = postings.into_iter().filter(|p| p.points != 0).collect();
        if postings.is_empty() {
            return Ok(None);
        }
        if postings.iter().map(|p| i128::from(p.points)).sum::<i128>() != 0 {
            return Err(broken("an entry does not sum to zero"));
        }
        for posting in &postings {
            self.apply(head.kind, *posting)?;
        }
        let id = self.cx.ids.fresh::<PointsEntryId>(self.now).uuid();
        self.entries.push(Entry { id, version, head, postings });
        Ok(Some(id))
    }

    fn apply(&mut self, kind: Kind, posting: Posting) -> Result<(), DbError> {
        if let (Account::Expired, Some(lot)) = (posting.account, posting.lot) {
            return self.lapse(lot, posting.points);
        }
        let Some(customer) = posting.customer else { return Ok(()) };
        let balance = self.balances.get_mut(&customer).ok_or_else(|| broken("not locked"))?;
        let place = match posting.account {
            Account::Pending => &mut balance.pending,
            Account::Available => &mut balance.available,
            Account::Reserved => &mut balance.reserved,
            _ => &mut balance.debt,
        };
        *place = place.checked_add(posting.points).ok_or_else(|| broken("too many points"))?;
        if (posting.account == Account::Debt) == (*place > 0) && *place != 0 {
            return Err(broken("a balance has the wrong sign"));
        }
        self.touched.1.insert(customer);
        if let Some(lot) = posting.lot {
            let lot = self.lots.get_mut(&lot).ok_or_else(|| broken("an unknown lot"))?;
            let place = match posting.account {
                Account::Pending => &mut lot.pending,
                Account::Available => &mut lot.available,
                _ => &mut lot.reserved,
            };
            *place += posting.points;
            if *place < 0 {
                return Err(broken("a lot is below zero"));
            }
            let id = lot.id;
            self.touched.0.insert(id);
            if kind == Kind::Expire {
                self.lapse(id, -posting.points)?;
            }
        }
        Ok(())
    }

    /// Notes that so many points of a lot expired.
    fn lapse(&mut self, lot: Uuid, points: i64) -> Result<(), DbError> {
        let lot = self.lots.get_mut(&lot).ok_or_else(|| broken("an unknown lot"))?;
        lot.lapsed += points;
        if lot.lapsed < 0 {
            return Err(broken("more comes back than expired"));
        }
        self.touched.0.insert(lot.id);
        Ok(())
    }

    /// Makes a lot of points that wait until `from`, and the posting that fills it.
    pub(crate) fn new_lot(
        &mut self,
        customer: Uuid,
        source_id: Option<Uuid>,
        points: i64,
        from: Timestamp,
        expires_at: Option<Timestamp>,
    ) -> Posting {
        let id = self.cx.ids.fresh::<kernel::LotId>(self.now).uuid();
        let lot = Lot {
            id,
            customer,
            source_id,
            points,
            pending: 0,
            available: 0,
            reserved: 0,
            lapsed: 0,
            available_from: from.millis(),
            expires_at: expires_at.map(Timestamp::millis),
            is_new: true,
        };
        let posting = lot.posting(Account::Pending, points);
        if points != 0 {
            self.lots.insert(id, lot);
        }
        posting
    }

    /// Releases and expires what is due, so that nothing depends on when the jobs ran.
    pub(crate) fn catch_up(&mut self) -> Result<(), DbError> {
        let now = self.now.millis();
        let due: Vec<Uuid> = self
            .lots
            .values()
            .filter(|lot| lot.pending > 0 && lot.available_from <= now)
            .map(|lot| lot.id)
            .collect();
        for id in due {
            let Some(lot) = self.lots.get(&id).cloned() else { continue };
            let owed = self.balances.get(&lot.customer).map_or(0, |balance| -balance.debt);
            let pays = lot.pending.min(owed);
            let postings = vec![
                lot.posting(Account::Pending, -lot.pending),
                lot.posting(Account::Available, lot.pending - pays),
                debt(lot.customer, pays),
            ];
            self.post_due(Kind::Release, &lot, postings)?;
        }
        let lapsed: Vec<Lot> = self
            .lots
            .values()
            .filter(|lot| lot.available > 0 && lot.is_expired(now))
            .cloned()
            .collect();
        for lot in lapsed {
            let postings = vec![
                lot.posting(Account::Available, -lot.available),
                other(Account::Expired, lot.available),
            ];
            self.post_due(Kind::Expire, &lot, postings)?;
        }
        Ok(())
    }

    fn post_due(&mut self, kind: Kind, lot: &Lot, postings: Vec<Posting>) -> Result<(), DbError> {
        // A lot can come to have points again (a cancelled spend), so its id alone is no key.
        let fresh = self.cx.ids.uuid(self.now);
        let key = format!("{}:{}:{fresh}", kind.name(), lot.id);
        let head = Head::new(kind, lot.customer, key).of("lot", lot.id);
        self.post(head, self.programme.version, postings).map(drop)
    }

    /// What `members` can spend together.
    pub(crate) fn spendable(&self, members: &[Uuid]) -> i64 {
        let sum: i64 = members
            .iter()
            .filter_map(|member| self.balances.get(member))
            .map(|balance| balance.available + balance.debt)
            .sum();
        sum.max(0)
    }

    /// Lots of `members` with available points, earliest-expiring first.
    fn ranked(&self, members: &[Uuid]) -> Vec<&Lot> {
        let usable = |lot: &&Lot| lot.available > 0 && members.contains(&lot.customer);
        let mut lots: Vec<&Lot> = self.lots.values().filter(usable).collect();
        lots.sort_unstable_by_key(|lot| lot.rank());
        lots
    }

    /// Takes up to `points` out of the available points of `members`, earliest-expiring first; lots and how much.
    pub(crate) fn pick(&self, members: &[Uuid], points: i64) -> Vec<(Uuid, i64)> {
        let mut left = points;
        let mut picked = Vec::new();
        for lot in self.ranked(members) {
            let part = lot.available.min(left);
            left -= part;
            if part > 0 {
                picked.push((lot.id, part));
            }
        }
        picked
    }

    /// A posting on the lot `id`.
    pub(crate) fn on_lot(
        &self,
        id: Uuid,
        account: Account,
        points: i64,
    ) -> Result<Posting, DbError> {
        Ok(self.lots.get(&id).ok_or_else(|| broken("an unknown lot"))?.posting(account, points))
    }

    /// Postings that take `points` back from `customer`: from the lots of `first`, the youngest first, whether
    /// they are pending or not, then from what of these expired, then from its other available points, and the rest
    /// as the programme says. The second value is what was forgiven.
    pub(crate) fn take_back(
        &self,
        customer: Uuid,
        points: i64,
        first: impl Fn(&Lot) -> bool,
    ) -> Result<(Vec<Posting>, i64), DbError> {
        let mut left = points;
        let mut postings = Vec::new();
        let mut taken: BTreeMap<Uuid, i64> = BTreeMap::new();
        for lot in self.lots.values().rev().filter(|l| l.customer == customer && first(l)) {
            for (account, has) in
                [(Account::Pending, lot.pending), (Account::Available, lot.available)]
            {
                let part = has.min(left);
                left -= part;
                postings.push(lot.posting(account, -part));
                if account == Account::Available {
                    taken.insert(lot.id, part);
                }
            }
        }
        for lot in self.lots.values().rev().filter(|l| l.customer == customer && first(l)) {
            let part = lot.lapsed.min(left);
            left -= part;
            let lot = Some(lot.id);
            postings.push(Posting {
                account: Account::Expired,
                customer: None,
                lot,
                points: -part,
            });
        }
        for lot in self.ranked(&[customer]) {
            let part = (lot.available - taken.get(&lot.id).copied().unwrap_or(0)).min(left);
            left -= part;
            postings.push(lot.posting(Account::Available, -part));
        }
        match self.rules().negative {
            Negative::Allow => {
                postings.push(debt(customer, -left));
                Ok((postings, 0))
            }
            Negative::WriteOff => {
                postings.push(other(Account::WrittenOff, -left));
                Ok((postings, left))
            }
        }
    }

    /// Postings that give `points` back to the lot `id`: they pay what its customer owes first; if the lot has
    /// expired, they go to one that lives as long as the programme's days of grace, or lapse. The second value is
    /// what lapsed.
    pub(crate) fn give_back(
        &mut self,
        id: Uuid,
        points: i64,
    ) -> Result<(Vec<Posting>, i64), DbError> {
        let lot = self.lots.get(&id).cloned().ok_or_else(|| broken("an unknown lot"))?;
        let owed = self.balances.get(&lot.customer).map_or(0, |balance| -balance.debt);
        let pays = points.min(owed);
        let rest = points - pays;
        let mut postings = vec![debt(lot.customer, pays)];
        if !lot.is_expired(self.now.millis()) {
            postings.push(lot.posting(Account::Available, rest));
            return Ok((postings, 0));
        }
        match self.rules().grace_until(self.now, self.programme.zone) {
            Some(until) => {
                let (now, source) = (self.now, lot.source_id);
                let posting = self.new_lot(lot.customer, source, rest, now, Some(until));
                postings.push(posting);
                Ok((postings, 0))
            }
            None => {
                postings.push(other(Account::Expired, rest));
                Ok((postings, rest))
            }
        }
    }
}

/// A posting on what a customer owes.
pub(crate) const fn debt(customer: Uuid, points: i64) -> Posting {
    Posting { account: Account::Debt, customer: Some(customer), lot: None, points }
}
