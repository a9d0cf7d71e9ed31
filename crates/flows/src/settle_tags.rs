//! Automatic tags follow the audiences of their rules: who enters or leaves is tagged as that is told, and where it was
//! not told who belongs (a rule or a definition is new) all are gone through by a job.
//!
//! Both do what is true by the database of the audience at that moment and not what an event says, holding the tag
//! meanwhile; so an event that is late or comes twice changes nothing, and so does a job that runs again.

use std::collections::BTreeMap;

use analytics::live::members_told;
use async_trait::async_trait;
use customers::automatic::{self, TagRule};
use insight::events::{AudienceBegunV1, AudienceChangedV1};
use insight::live;
use kernel::{AudienceId, CustomerId, TagId};
use platform::jobs::{self, JobOptions};
use platform::outbox::{HandleError, StoredEvent};
use platform::{
    Ctx, DbError, Event as _, Job, JobError, JobHandler, JobOutcome, Platform, Scope, Subscriber,
    Tx,
};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

/// The kind of the job that goes through all customers of a tag.
pub const SETTLE: &str = "customers.settle_tags";
/// Customers looked at in one transaction.
pub const PORTION: u32 = 2_000;

/// What a job still has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The tag.
    pub tag: TagId,
    /// Which look at everybody it is; once another one is wanted this one has no purpose.
    pub wanted: i64,
    /// Those with greater ids.
    #[serde(default)]
    pub after: Option<CustomerId>,
}

/// Has all who have a tag, and all who should, gone through; gives the rule as it is then, if there is one.
///
/// # Errors
/// As the database says.
pub(crate) async fn settle_soon(
    tx: &mut Tx,
    cx: &Ctx,
    tag: TagId,
) -> Result<Option<TagRule>, DbError> {
    let Some(rule) = automatic::want(tx, cx.scope, tag).await? else { return Ok(None) };
    let left = Left { tag, wanted: rule.wanted, after: None };
    let options = JobOptions::standing(&format!("{tag}:{}", rule.wanted));
    jobs::enqueue(tx, cx, SETTLE, &left, options).await?;
    Ok(Some(rule))
}

/// Who belongs to the audience of a tag, as it was told by some moment.
#[derive(Debug)]
pub struct Members {
    audience: AudienceId,
    /// By id.
    members: Vec<CustomerId>,
    /// The last transition that they know.
    seq: i64,
}

impl Members {
    /// Reads them; `None` if `left` has no purpose any more, or nobody knows yet who belongs: then that is told later.
    ///
    /// # Errors
    /// As the database says.
    pub async fn read(platform: &Platform, cx: &Ctx, left: &Left) -> Result<Option<Self>, DbError> {
        // All of it as of one moment.
        let mut tx = platform.db.read_for(cx.scope).await?;
        let rule = automatic::get(&mut tx, cx.scope, left.tag).await?;
        let Some(rule) = rule.filter(|rule| rule.wanted == left.wanted) else {
            return Ok(None);
        };
        let audience = rule.audience;
        let Some((set_seq, bytes)) = live::set(&mut tx, cx.scope, audience).await? else {
            return Ok(None);
        };
        let since = live::told_since(&mut tx, cx.scope, audience, set_seq).await?;
        let roll = live::roll(&mut tx, cx.scope).await?;
        let seq = live::last_seq(&mut tx, cx.scope).await?;
        tx.rollback().await?;
        let since = since.into_iter().map(|one| (one.customer, one.entered));
        let members = members_told(&roll, &bytes, since)
            .map_err(|error| DbError::Refused(format!("the members of {audience}: {error}")))?;
        Ok(Some(Self { audience, members, seq }))
    }

    /// Goes through the next `portion` of customers in one transaction and notes with `job` how far it came; gives what
    /// is left then, or `None` at the end.
    ///
    /// # Errors
    /// As the database says.
    pub async fn settle_next(
        &self,
        platform: &Platform,
        cx: &Ctx,
        job: Option<&Job>,
        left: &Left,
        portion: u32,
    ) -> Result<Option<Left>, DbError> {
        let mut tx = platform.db.begin_for(cx.scope).await?;
        let rule = automatic::hold(&mut tx, cx.scope, left.tag).await?;
        let Some(rule) = rule.filter(|rule| rule.wanted == left.wanted) else {
            tx.rollback().await?;
            return Ok(None);
        };
        let since = live::told_since(&mut tx, cx.scope, self.audience, self.seq).await?;
        let since: BTreeMap<CustomerId, bool> =
            since.into_iter().map(|one| (one.customer, one.entered)).collect();
        let has =
            automatic::holders_after(&mut tx, cx.scope, left.tag, left.after, portion).await?;
        let (due, end) = self.due(&has, &since, left.after, portion as usize);
        automatic::follow(&mut tx, cx, &rule.tag, &due).await?;
        let rest = end.map(|end| Left { after: Some(end), ..*left });
        match &rest {
            None => automatic::settled(&mut tx, cx, left.tag, left.wanted).await?,
            Some(rest) => {
                if let Some(job) = job {
                    jobs::checkpoint(&mut tx, job, rest).await?;
                }
            }
        }
        tx.commit().await?;
        Ok(rest)
    }

    /// Whom to look at next and whether each belongs, and behind whom it goes on; `has` are the next who have the tag.
    fn due(
        &self,
        has: &[CustomerId],
        since: &BTreeMap<CustomerId, bool>,
        after: Option<CustomerId>,
        portion: usize,
    ) -> (BTreeMap<CustomerId, bool>, Option<CustomerId>) {
        let from = after.map_or(0, |after| self.members.partition_point(|id| *id <= after));
        let members = &self.members[from..];
        let members = &members[..members.len().min(portion)];
        // What was cut off is known up to its last.
        let cut = |some: &[CustomerId]| some.last().copied().filter(|_| some.len() == portion);
        let end = match (cut(members), cut(has)) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let is_due = |id: &CustomerId| {
            after.is_none_or(|after| *id > after) && end.is_none_or(|end| *id <= end)
        };
        let is_in = |id: &CustomerId| {
            let told = since.get(id).copied();
            told.unwrap_or_else(|| members.binary_search(id).is_ok())
        };
        let all = members.iter().chain(has).chain(since.keys());
        (all.filter(|id| is_due(id)).map(|id| (*id, is_in(id))).collect(), end)
    }
}

/// Goes through all that is `left`, portion by portion, each in a transaction of its own; with `job`, how far it came is
/// noted there, so that it goes on behind that.
///
/// # Errors
/// `Cancelled` when `cancel` says so, behind a portion; otherwise as the database says.
pub async fn settle_left(
    platform: &Platform,
    cx: &Ctx,
    job: Option<&Job>,
    left: Left,
    cancel: &CancellationToken,
) -> Result<(), JobError> {
    let Some(members) = Members::read(platform, cx, &left).await? else { return Ok(()) };
    let mut rest = Some(left);
    while let Some(left) = rest {
        if cancel.is_cancelled() {
            return Err(JobError::Cancelled);
        }
        rest = members.settle_next(platform, cx, job, &left, PORTION).await?;
    }
    Ok(())
}

/// Runs [`settle_left`].
#[derive(Debug, Clone, Copy)]
pub struct SettleTags;

#[async_trait]
impl JobHandler for SettleTags {
    async fn run(
        &self,
        platform: &Platform,
        job: &Job,
        cancel: CancellationToken,
    ) -> Result<JobOutcome, JobError> {
        let cx = platform.ctx(Scope::system(job.scope.org()));
        settle_left(platform, &cx, Some(job), job.payload()?, &cancel).await?;
        Ok(JobOutcome::Done)
    }
}

/// Tags whoever entered an audience and takes the tag off whoever left, in the transaction of the event.
#[derive(Debug, Clone, Copy)]
pub struct FollowAudiences;

#[async_trait]
impl Subscriber for FollowAudiences {
    fn name(&self) -> &'static str {
        "flows.follow_audiences"
    }

    fn topics(&self) -> &'static [&'static str] {
        &[AudienceBegunV1::TOPIC, AudienceChangedV1::TOPIC]
    }

    async fn handle(
        &self,
        _platform: &Platform,
        tx: &mut Tx,
        cx: &Ctx,
        event: &StoredEvent,
    ) -> Result<(), HandleError> {
        if event.topic == AudienceBegunV1::TOPIC {
            let begun: AudienceBegunV1 = event.parse()?;
            for tag in automatic::following(tx, cx.scope, begun.audience).await? {
                settle_soon(tx, cx, tag.id).await?;
            }
            return Ok(());
        }
        let changed: AudienceChangedV1 = event.parse()?;
        for tag in automatic::following(tx, cx.scope, changed.audience).await? {
            let rule = automatic::hold(tx, cx.scope, tag.id).await?;
            if rule.is_some_and(|rule| rule.audience == changed.audience) {
                // Read once the tag is held, so that nobody writes an older state over it.
                let members = turned(tx, cx, &changed).await?;
                automatic::follow(tx, cx, &tag, &members).await?;
            }
        }
        Ok(())
    }
}

/// Whether those whom an event is about belong to its audience now. Of whoever was erased since the log says nothing
/// any more, but the event does.
async fn turned(
    tx: &mut Tx,
    cx: &Ctx,
    changed: &AudienceChangedV1,
) -> Result<BTreeMap<CustomerId, bool>, DbError> {
    let mut members: BTreeMap<CustomerId, bool> = BTreeMap::new();
    members.extend(changed.entered.iter().map(|id| (*id, true)));
    members.extend(changed.left.iter().map(|id| (*id, false)));
    if changed.many {
        let most = u32::try_from(changed.to_seq - changed.from_seq + 1).unwrap_or(u32::MAX);
        let log = live::read_after(tx, cx.scope, changed.from_seq - 1, most).await?;
        let of_this = log
            .into_iter()
            .filter(|one| one.seq <= changed.to_seq && one.audience == changed.audience);
        members.extend(of_this.map(|one| (one.customer, one.entered)));
    }
    let ids: Vec<CustomerId> = members.keys().copied().collect();
    members.extend(live::last_of(tx, cx.scope, changed.audience, &ids).await?);
    Ok(members)
}
