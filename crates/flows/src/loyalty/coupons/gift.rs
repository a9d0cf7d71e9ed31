//! Coupons for all customers of an audience.

use std::collections::{BTreeSet, HashMap};

use customers::roots;
use insight::audiences as store;
use kernel::{AudienceId, CouponDefinitionId, CouponGiftId, CustomerId, TypedId as _};
use loyalty::coupons::gift::{self, Gift, GiftState, NewGift, Part};
use loyalty::coupons::{ASSIGN_MAX, CouponError};
use platform::jobs::{self, JobOptions};
use platform::{Ctx, DbError, Problem, Tx};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audiences::{Asked, AudienceRefused};
use crate::engine::{EngineError, EngineHandle};

/// The kind of the job that carries a gift out.
pub const GIFT: &str = "loyalty.gift_coupons";
/// Customers of one gift.
const CUSTOMERS_MAX: u64 = 2_000_000;

/// To whom coupons shall be given.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiftBody {
    /// All customers of this audience; takes the right `insight.read`.
    pub audience: AudienceId,
    /// Whether who has an unused one, in the family, gets none.
    #[serde(default)]
    pub skips_holders: bool,
}

/// What the job is told.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct GiftPayload {
    /// The gift.
    pub gift: CouponGiftId,
}

/// Why coupons are not given.
#[derive(Debug, thiserror::Error)]
pub enum GiftRefused {
    /// Whoever asks may not see audiences.
    #[error("you may not see audiences")]
    NoAudiences,
    /// Nobody belongs to it.
    #[error("nobody belongs to this audience now")]
    Nobody,
    /// Too many belong to it.
    #[error(
        "{0} customers belong to it; a gift goes to {CUSTOMERS_MAX} at most: divide the audience"
    )]
    TooMany(u64),
    /// The audience.
    #[error(transparent)]
    Audience(#[from] AudienceRefused),
    /// The coupons.
    #[error(transparent)]
    Coupon(#[from] CouponError),
}

impl From<DbError> for GiftRefused {
    fn from(error: DbError) -> Self {
        Self::Coupon(error.into())
    }
}

impl From<EngineError> for GiftRefused {
    fn from(error: EngineError) -> Self {
        Self::Audience(error.into())
    }
}

impl From<GiftRefused> for Problem {
    fn from(error: GiftRefused) -> Self {
        let detail = error.to_string();
        match error {
            GiftRefused::NoAudiences => Self::forbidden(detail),
            GiftRefused::Nobody | GiftRefused::TooMany(_) => Self::field("audience", detail),
            GiftRefused::Audience(error) => error.into(),
            GiftRefused::Coupon(error) => error.into(),
        }
    }
}

/// Asks an audience that shall get coupons. No transaction waits for it.
///
/// # Errors
/// `NoAudiences`, `Nobody`, `TooMany`; otherwise as the audience says.
pub async fn prepare(
    engine: &EngineHandle,
    cx: &Ctx,
    definition: CouponDefinitionId,
    body: GiftBody,
) -> Result<NewGift, GiftRefused> {
    if !cx.access.permissions().allow("insight.read") {
        return Err(GiftRefused::NoAudiences);
    }
    engine.fresh().await?;
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let all = store::all(&mut tx, cx.scope).await.map_err(AudienceRefused::from)?;
    let asked = Asked::kept(&mut tx, engine, cx, body.audience, None).await?;
    tx.rollback().await?;
    let customers = asked.count(engine, cx).await?;
    if customers == 0 {
        return Err(GiftRefused::Nobody);
    }
    if customers > CUSTOMERS_MAX {
        return Err(GiftRefused::TooMany(customers));
    }
    let name = all.into_iter().find(|one| one.id == body.audience).map(|one| one.name);
    Ok(NewGift {
        definition,
        audience: body.audience,
        audience_name: name.unwrap_or_default(),
        skips_holders: body.skips_holders,
        customers: i64::try_from(customers).unwrap_or(i64::MAX),
    })
}

/// Makes a gift and the job that carries it out.
///
/// # Errors
/// As [`gift::create`].
pub async fn begin(tx: &mut Tx, cx: &Ctx, new: &NewGift) -> Result<Gift, CouponError> {
    let made = gift::create(tx, cx, new).await?;
    jobs::enqueue(tx, cx, GIFT, &GiftPayload { gift: made.id }, JobOptions::default()).await?;
    Ok(made)
}

/// Carries a gift out, some thousand customers in a transaction, so that one that was cut off goes on. Who belongs to
/// the audience is asked when it begins, and again when it goes on.
///
/// # Errors
/// `NotReady` while the customers are being read; otherwise as the database says.
pub async fn run(engine: &EngineHandle, cx: &Ctx, id: CouponGiftId) -> Result<(), GiftRefused> {
    let platform = engine.platform();
    engine.fresh().await?;
    let mut tx = platform.db.read_for(cx.scope).await?;
    let Some(found) = gift::get(&mut tx, cx.scope, id).await? else {
        return Ok(());
    };
    if !found.state.is_open() {
        return Ok(());
    }
    let asked = match Asked::kept(&mut tx, engine, cx, found.audience, None).await {
        Ok(asked) => asked,
        Err(error @ (AudienceRefused::Engine(_) | AudienceRefused::Db(_))) => {
            return Err(error.into());
        }
        // Somebody deleted or changed it meanwhile, so it cannot be asked any more.
        Err(error) => {
            tx.rollback().await?;
            return fail(engine, cx, id, &error.to_string()).await;
        }
    };
    tx.rollback().await?;
    let (members, _) = asked.members(engine, cx).await?;
    let mut left: Vec<CustomerId> =
        members.ids().filter(|id| found.after.is_none_or(|after| *id > after)).collect();
    drop(members);
    left.sort_unstable();
    let mut tx = platform.db.begin_for(cx.scope).await?;
    gift::start(&mut tx, cx, id, i64::try_from(left.len()).unwrap_or(i64::MAX)).await?;
    tx.commit().await?;
    for some in left.chunks(ASSIGN_MAX) {
        let mut tx = platform.db.begin_for(cx.scope).await?;
        let now = gift::get(&mut tx, cx.scope, id).await?.ok_or(CouponError::NoGift)?;
        let part = part(&mut tx, cx, &now, some).await?;
        match gift::step(&mut tx, cx, &now, &part).await {
            Ok(true) => tx.commit().await?,
            // Another process is at it, and does the rest.
            Ok(false) => return Ok(tx.rollback().await?),
            Err(CouponError::WrongState(_) | CouponError::NoDefinition) => {
                tx.rollback().await?;
                return ended(engine, cx, id, GiftState::Stopped, None).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    ended(engine, cx, id, GiftState::Done, None).await
}

/// Gives a gift up.
///
/// # Errors
/// As the database says.
pub async fn fail(
    engine: &EngineHandle,
    cx: &Ctx,
    id: CouponGiftId,
    why: &str,
) -> Result<(), GiftRefused> {
    ended(engine, cx, id, GiftState::Failed, Some(why)).await
}

async fn ended(
    engine: &EngineHandle,
    cx: &Ctx,
    id: CouponGiftId,
    state: GiftState,
    why: Option<&str>,
) -> Result<(), GiftRefused> {
    let mut tx = engine.platform().db.begin_for(cx.scope).await?;
    gift::end(&mut tx, cx, id, state, why).await?;
    Ok(tx.commit().await?)
}

/// Who of the next customers gets a coupon, and who does not.
async fn part(
    tx: &mut Tx,
    cx: &Ctx,
    gift: &Gift,
    customers: &[CustomerId],
) -> Result<Part, GiftRefused> {
    // A run that goes on has other customers, if the audience changed meanwhile.
    let behind = customers.iter().filter(|id| gift.after.is_none_or(|after| **id > after));
    let ids: Vec<Uuid> = behind.map(|id| id.uuid()).collect();
    let known = roots::name_of(tx, cx.scope, &ids).await?;
    let is_there = |id: &Uuid| known.get(id).is_some_and(|(root, _)| root == id);
    let there: Vec<Uuid> = ids.iter().copied().filter(is_there).collect();
    let mut skipped: BTreeSet<Uuid> = BTreeSet::new();
    if gift.skips_holders {
        let families: HashMap<Uuid, Vec<Uuid>> = roots::families(tx, cx.scope, &there).await?;
        let members: Vec<Uuid> = families.values().flatten().copied().collect();
        let holders = gift::holders(tx, cx.scope, gift.definition, &members).await?;
        let has = |members: &Vec<Uuid>| members.iter().any(|id| holders.contains(id));
        skipped.extend(families.iter().filter(|(_, members)| has(members)).map(|(root, _)| *root));
    }
    let wanted = there.iter().filter(|id| !skipped.contains(*id));
    Ok(Part {
        customers: wanted.copied().map(CustomerId::from_uuid).collect(),
        had_one: skipped.len() as i64,
        gone: (ids.len() - there.len()) as i64,
        last: ids.last().copied().map(CustomerId::from_uuid).or(gift.after),
    })
}
