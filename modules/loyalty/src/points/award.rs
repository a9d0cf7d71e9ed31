//! Points for something other than an order: a birthday, a sign-in, a review.

use chrono::{Datelike as _, NaiveDate};
use kernel::{Timestamp, TypedId as _};
use platform::{Ctx, Tx, args, audit};
use uuid::Uuid;

use super::account::{Account, Kind};
use super::desk::{Head, other};
use super::programme::Programme;
use super::{Holder, PointsError, by_hand, store};

/// The activity that is given once in a calendar year, whatever its rule says of a day.
pub const BIRTHDAY: &str = "birthday";

/// Gives what the programme says for `activity`, at most as often a day as it says, counted over the whole family
/// of `holder`. `key` makes it happen once: the same again gives nothing.
///
/// # Errors
/// `NoRule`, `DailyLimit`; `KeyReused` if the key was used for somebody else; `HandLimit` if a person, and no program by
/// their token, gave as much by hand today as one may.
pub async fn award(
    tx: &mut Tx,
    cx: &Ctx,
    programme: &Programme,
    holder: &Holder,
    activity: &str,
    key: &str,
) -> Result<(), PointsError> {
    let rule = programme.rules.activities.iter().find(|rule| rule.name == activity);
    let rule = rule.ok_or_else(|| PointsError::NoRule(activity.to_owned()))?;
    let mut desk = store::open(tx, cx, programme, holder.members()).await?;
    let key = format!("award:{activity}:{key}");
    let given: Option<(Option<Uuid>,)> = tx
        .fetch_optional(
            "SELECT customer_id FROM loyalty_entries
              WHERE org_id = $1 AND programme_id = $2 AND idempotency_key = $3",
            args![cx.scope.org_arg(), programme.id.uuid(), key.as_str()],
        )
        .await?;
    if let Some((whose,)) = given {
        let is_theirs = whose.is_some_and(|whose| holder.members().contains(&whose));
        return if is_theirs { Ok(()) } else { Err(PointsError::KeyReused) };
    }
    let day = cx.now().day(programme.zone);
    let (from, limit) = if activity == BIRTHDAY {
        (NaiveDate::from_ymd_opt(day.year(), 1, 1).unwrap_or(day), 1)
    } else {
        (day, rule.times_a_day)
    };
    let first = args![
        cx.scope.org_arg(),
        programme.id.uuid(),
        activity,
        Timestamp::start_of(from, programme.zone)
    ];
    let select = "SELECT id FROM loyalty_entries WHERE org_id = $1 AND programme_id = $2
        AND source_kind = $3 AND at >= $4 AND customer_id";
    let given: Vec<(Uuid,)> = store::by_ids(tx, select, &first, holder.members(), "").await?;
    if given.len() as u64 >= u64::from(limit) {
        return Err(PointsError::DailyLimit(limit));
    }
    let is_person = cx.scope.user_id().is_some() && cx.origin.token.is_none();
    if is_person && !by_hand::count(tx, cx, programme, rule.points).await? {
        return Err(PointsError::HandLimit(programme.rules.approve_above));
    }
    // The moment to which the books were brought: points of a later one would wait for the job.
    let now = desk.now;
    let expires = programme.rules.expires_at(now, programme.zone);
    let posting = desk.new_lot(holder.root(), None, rule.points, now, expires);
    let mut head = Head::new(Kind::Earn, holder.root(), key);
    activity.clone_into(&mut head.source_kind);
    desk.post(head, programme.version, vec![posting, other(Account::Issued, -rule.points)])?;
    let changed = store::close(tx, desk).await?;
    if cx.scope.user_id().is_some() {
        let customer = kernel::CustomerId::from_uuid(holder.root());
        let record = audit::Entry::new("loyalty.points.award").on("customer", customer);
        let record = record.with("activity", activity).with("points", rule.points);
        audit::record(tx, cx, record).await?;
    }
    Ok(store::tell(tx, cx, programme, &changed).await?)
}
