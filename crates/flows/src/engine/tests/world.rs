//! A small shop to which things happen, through the functions of the modules.

use std::sync::atomic::{AtomicUsize, Ordering};

use commerce::imports::ImportState;
use commerce::shops::{self, Channel, NewShop};
use customers::consent::ledger::{self, NewConsent, Wanted};
use customers::consent::{ConsentChannel, ConsentPurpose, ConsentSource};
use customers::edit::{self, Edit};
use customers::erase::ErasureReason;
use customers::identities::{self, Asked};
use customers::{merge, tags};
use kernel::{Currency, CustomerId, ImportId, MergeId, OrgId, TagId, Zone};
use loyalty::levels::{self, Scheme};
use loyalty::points::Programme;
use platform::crypto::MasterKey;
use platform::{Ctx, Migration, Platform};
use proptest::prelude::*;
use testkit::TestDb;

use super::loyal;
use crate::erase_customer;
use crate::import_orders::{self, ImportOrder};

pub(super) const MIGRATIONS: &[Migration] = &[
    platform::MIGRATIONS[0],
    platform::MIGRATIONS[1],
    platform::MIGRATIONS[2],
    platform::MIGRATIONS[3],
    platform::MIGRATIONS[4],
    customers::MIGRATIONS[0],
    customers::MIGRATIONS[2],
    customers::MIGRATIONS[3],
    customers::MIGRATIONS[4],
    customers::MIGRATIONS[5],
    customers::MIGRATIONS[6],
    customers::MIGRATIONS[7],
    customers::MIGRATIONS[8],
    customers::MIGRATIONS[9],
    commerce::MIGRATIONS[0],
    commerce::MIGRATIONS[3],
    commerce::MIGRATIONS[4],
    commerce::MIGRATIONS[6],
    commerce::MIGRATIONS[7],
    commerce::MIGRATIONS[8],
    commerce::MIGRATIONS[9],
    insight::MIGRATIONS[0],
    insight::MIGRATIONS[1],
    insight::MIGRATIONS[2],
    insight::MIGRATIONS[3],
    loyalty::MIGRATIONS[0],
    loyalty::MIGRATIONS[1],
    loyalty::MIGRATIONS[2],
    loyalty::MIGRATIONS[3],
    loyalty::MIGRATIONS[4],
    loyalty::MIGRATIONS[5],
    loyalty::MIGRATIONS[6],
    loyalty::MIGRATIONS[7],
    loyalty::MIGRATIONS[8],
    loyalty::MIGRATIONS[9],
];

/// Accounts that buy.
pub(super) const ACCOUNTS: usize = 12;

/// The name of an account.
pub(super) fn account(number: usize) -> String {
    format!("buyer{number:02}x")
}

/// Something that happens.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Orders: account, order number, paid in minor units; a negative one is closed.
    Import(Vec<(usize, usize, i64)>),
    /// The latest import that can be is taken back.
    Undo,
    /// One is merged into another, if both are roots.
    Merge(usize, usize),
    /// The n-th merge is undone.
    Unmerge(usize),
    /// Name and rating.
    Edit(usize, usize),
    /// Put on or taken off.
    Tag(usize, usize, bool),
    /// The tag goes.
    DropTag(usize),
    /// Said of automated decisions and of contact: granted or not, by every way or one, how long a grant lasts.
    Say(usize, bool, bool, Option<i64>),
    /// What somebody is known by is corrected.
    Correct(usize, usize),
    /// Somebody is erased.
    Erase(usize),
    /// Points are given, or spent as far as there are so many.
    Points(usize, i64),
    /// A level is pinned by hand.
    Pin(usize, usize),
    /// Levels and points follow the orders and the family of somebody.
    Settle(usize),
}

pub(super) fn steps() -> impl Strategy<Value = Step> {
    let order = (0..ACCOUNTS, 0..40_usize, -1..50_i64);
    prop_oneof![
        4 => proptest::collection::vec(order, 1..12).prop_map(Step::Import),
        1 => Just(Step::Undo),
        4 => (0..ACCOUNTS, 0..ACCOUNTS).prop_map(|(a, b)| Step::Merge(a, b)),
        2 => (0..6_usize).prop_map(Step::Unmerge),
        2 => (0..ACCOUNTS, 0..5_usize).prop_map(|(who, what)| Step::Edit(who, what)),
        2 => (0..ACCOUNTS, 0..3_usize, any::<bool>())
            .prop_map(|(who, tag, on)| Step::Tag(who, tag, on)),
        1 => (0..3_usize).prop_map(Step::DropTag),
        3 => (0..ACCOUNTS, any::<bool>(), any::<bool>(), proptest::option::of(1..1_000_000_i64))
            .prop_map(|(who, granted, any, lasts)| Step::Say(who, granted, any, lasts)),
        1 => (0..ACCOUNTS, 0..3_usize).prop_map(|(who, what)| Step::Correct(who, what)),
        1 => (0..ACCOUNTS).prop_map(Step::Erase),
        3 => (0..ACCOUNTS, prop_oneof![Just(20_i64), -30..0_i64])
            .prop_map(|(who, points)| Step::Points(who, points)),
        2 => (0..ACCOUNTS, 0..5_usize).prop_map(|(who, rank)| Step::Pin(who, rank)),
        3 => (0..ACCOUNTS).prop_map(Step::Settle),
    ]
}

pub(super) struct World {
    pub(super) platform: Platform,
    pub(super) cx: Ctx,
    pub(super) scheme: Scheme,
    pub(super) programme: Programme,
    files: AtomicUsize,
}

const MAPPING: &str = r#"
name = "test"
delimiter = "comma"
currency = "CNY"
date_formats = ["%Y-%m-%d"]

[columns]
order_no = "no"
account = "account"
ordered_at = "at"
paid = "paid"
state = "state"
"#;

impl World {
    pub(super) async fn new(db: &TestDb) -> Self {
        let cx = db.ctx();
        let master = MasterKey::new([42; 32]);
        let platform =
            Platform::new(db.db().clone(), master, cx.clock.clone(), cx.ids.clone(), db.folder());
        let mut tx = platform.db.begin().await.unwrap();
        for name in ["tea", "pots"] {
            let new = NewShop {
                name: name.to_owned(),
                channel: Channel::Taobao,
                currency: Currency::CNY,
                zone: Zone::CHINA,
            };
            shops::create(&mut tx, &cx, &new).await.unwrap();
        }
        for name in ["one", "two", "three"] {
            tags::create(&mut tx, &cx, name.parse().unwrap(), tags::COLOURS[0].parse().unwrap())
                .await
                .unwrap();
        }
        let (scheme, programme) = loyal::found(&mut tx, &cx).await;
        tx.commit().await.unwrap();
        assert_eq!(cx.scope.org(), OrgId::FIRST);
        Self { platform, cx, scheme, programme, files: AtomicUsize::new(0) }
    }

    pub(super) async fn tags(&self) -> Vec<TagId> {
        let mut tx = self.platform.db.read().await.unwrap();
        let all = tags::all(&mut tx, &self.cx).await.unwrap();
        all.into_iter().map(|tag| tag.id).collect()
    }

    /// The root that now has an account, if anyone has.
    pub(super) async fn holder(&self, number: usize) -> Option<CustomerId> {
        let mut tx = self.platform.db.read().await.unwrap();
        let spaces = [customers::AccountSpace::new(1)];
        let name = account(number);
        customers::search::find_by_contact(&mut tx, &self.cx, &name, &spaces)
            .await
            .unwrap()
            .first()
            .copied()
    }

    async fn erase(&self, number: usize) {
        let Some(id) = self.holder(number).await else { return };
        let reason = ErasureReason::Request;
        erase_customer::erase(&self.platform, &self.cx, id, reason, None, false).await.unwrap();
    }

    pub(super) async fn take(&self, step: &Step) {
        let (a, b) = match step {
            Step::Import(orders) => return self.import(orders).await,
            Step::Undo => return self.undo().await,
            Step::Erase(who) => return self.erase(*who).await,
            Step::Merge(a, b) => (self.holder(*a).await, self.holder(*b).await),
            Step::Edit(who, _)
            | Step::Tag(who, ..)
            | Step::Say(who, ..)
            | Step::Correct(who, _)
            | Step::Points(who, _)
            | Step::Pin(who, _)
            | Step::Settle(who) => (self.holder(*who).await, None),
            Step::Unmerge(_) | Step::DropTag(_) => (None, None),
        };
        let tags = self.tags().await;
        let mut tx = self.platform.db.begin().await.unwrap();
        let cx = &self.cx;
        match step {
            Step::Import(_) | Step::Undo | Step::Erase(_) => {}
            Step::Merge(..) => {
                if let (Some(a), Some(b)) = (a, b)
                    && a != b
                {
                    merge::merge(&mut tx, cx, a, b).await.unwrap();
                }
            }
            Step::Unmerge(nth) => {
                if let Some(id) = self.merges().await.get(*nth)
                    && merge::unmerge(&mut tx, cx, *id).await.is_err()
                {
                    return;
                }
            }
            Step::Edit(_, what) => {
                if let Some(id) = a {
                    let edit = Edit {
                        name: (what % 2 == 0).then(|| format!("name {what}").parse().unwrap()),
                        rating: Some(customers::Rating::from_code(*what as i64)),
                        ..Edit::default()
                    };
                    let version = self.version(id).await;
                    edit::edit(&mut tx, cx, id, version, &edit).await.unwrap();
                }
            }
            Step::Tag(_, tag, on) => {
                if let (Some(id), Some(tag)) = (a, tags.get(*tag)) {
                    let mut change =
                        tags::BulkChange { customers: vec![id], ..tags::BulkChange::default() };
                    if *on { &mut change.add } else { &mut change.remove }.push(*tag);
                    tags::change(&mut tx, cx, &change).await.unwrap();
                }
            }
            Step::Say(_, granted, any, lasts) => {
                if let Some(id) = a {
                    let way = if *any { ConsentChannel::Any } else { ConsentChannel::Sms };
                    let now = cx.now();
                    let wanted = Wanted {
                        channels: vec![way],
                        purposes: ConsentPurpose::ALL.to_vec(),
                        granted: *granted,
                        at: None,
                        expires_at: lasts.filter(|_| *granted).map(|ms| now.plus_millis(ms)),
                        source: ConsentSource::Phone,
                        text: None,
                        evidence: None,
                    };
                    let new = NewConsent::parse(wanted, now).unwrap();
                    ledger::add(&mut tx, cx, id, &new).await.unwrap();
                }
            }
            Step::Correct(_, what) => {
                if let Some(id) = a {
                    self.correct(&mut tx, id, *what).await;
                }
            }
            Step::Points(_, points) => {
                if let Some(id) = a {
                    self.give_points(&mut tx, id, *points).await;
                }
            }
            Step::Pin(_, rank) => {
                if let Some(id) = a {
                    levels::hand::pin(&mut tx, cx, &self.scheme, id, *rank, "so").await.unwrap();
                }
            }
            Step::Settle(_) => {
                if let Some(id) = a {
                    self.settle(&mut tx, id).await;
                }
            }
            Step::DropTag(tag) => {
                if let Some(tag) = tags.get(*tag) {
                    tags::delete(&mut tx, cx, *tag).await.unwrap();
                }
            }
        }
        tx.commit().await.unwrap();
    }

    /// Gives one more account to somebody, or another one for the first, or takes the last away.
    async fn correct(&self, tx: &mut platform::Tx, id: CustomerId, what: usize) {
        let cx = &self.cx;
        let profile = customers::profiles::profiles(tx, cx, &[id]).await.unwrap().remove(0);
        let asked = Asked {
            customer: id,
            version: profile.version,
            reason: "they said so".parse().unwrap(),
            shared: false,
        };
        let fresh = format!("other {}", cx.ids.uuid(cx.now()).simple());
        let kind = customers::IdentityKind::Account;
        let space = customers::AccountSpace::new(1);
        let (first, last) = (profile.identities.first(), profile.identities.last());
        match (what, first, last) {
            (0, Some(first), _) => identities::correct(tx, cx, &asked, first.id, &fresh).await,
            (1, _, Some(last)) => identities::remove(tx, cx, &asked, last.id).await,
            _ => identities::add(tx, cx, &asked, kind, space, &fresh).await,
        }
        .unwrap();
    }

    async fn merges(&self) -> Vec<MergeId> {
        let mut found = Vec::new();
        for number in 0..ACCOUNTS {
            let Some(root) = self.holder(number).await else { continue };
            let mut tx = self.platform.db.read().await.unwrap();
            let id = kernel::TypedId::uuid(root);
            let family = customers::roots::family(&mut tx, self.cx.scope, id).await.unwrap();
            let merges = merge::merges(&mut tx, &self.cx, &family).await.unwrap();
            found.extend(merges.into_iter().map(|merge| merge.id));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    async fn version(&self, id: CustomerId) -> i64 {
        let mut tx = self.platform.db.read().await.unwrap();
        let found = customers::profiles::profiles(&mut tx, &self.cx, &[id]).await;
        found.unwrap()[0].version
    }

    async fn import(&self, orders: &[(usize, usize, i64)]) {
        let number = self.files.fetch_add(1, Ordering::SeqCst);
        let path = self.platform.folder.join(format!("orders{number}.csv"));
        let mut text = "no,account,at,paid,state\n".to_owned();
        for (who, no, paid) in orders {
            let state = if *paid < 0 { "closed" } else { "completed" };
            let day = 1 + no % 28;
            // The number of an order holds its buyer: nobody else's order becomes theirs.
            text.push_str(&format!(
                "{who}-{no}-0001,{},2025-{:02}-{day:02},{}.00,{state}\n",
                account(*who),
                1 + no % 12,
                paid.max(&0)
            ));
        }
        std::fs::write(&path, text).unwrap();
        let mut tx = self.platform.db.read().await.unwrap();
        let shops = shops::all(&mut tx, &self.cx).await.unwrap();
        tx.rollback().await.unwrap();
        let order = ImportOrder {
            files: vec![(format!("orders{number}.csv"), path)],
            format: Some("generic".parse().unwrap()),
            mapping: Some(MAPPING.to_owned()),
            ..ImportOrder::default()
        };
        let shop = &shops[number % shops.len()];
        let import =
            import_orders::begin(&self.platform, &self.cx, shop, &order, ImportState::Queued)
                .await
                .unwrap();
        let done =
            import_orders::run_in_batches(&self.platform, &self.cx, import.id, 5, |_| ()).await;
        assert_eq!(done.unwrap().state, ImportState::Finished);
    }

    async fn undo(&self) {
        let Some(id) = self.latest_import().await else { return };
        // Refused where later work depends on it; then nothing changes.
        drop(crate::undo_import::undo(&self.platform, &self.cx, id).await);
    }

    async fn latest_import(&self) -> Option<ImportId> {
        let mut tx = self.platform.db.read().await.unwrap();
        let limit = kernel::Limit::new(None).unwrap();
        let page = commerce::imports::list(&mut tx, self.cx.scope, None, limit).await.unwrap();
        page.items
            .into_iter()
            .find(|import| import.state == ImportState::Finished)
            .map(|import| import.id)
    }
}
