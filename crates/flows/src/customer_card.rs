//! Everything known of one customer.

use chrono::NaiveDate;
use commerce::Channel;
use commerce::orders_list::{self, ShopTotals};
use customers::IdentityKind;
use customers::birthdays::{self, Birthday, BirthdayBody};
use customers::mask::mask_name;
use customers::merge::{self, Merge};
use customers::notes::{self, Note};
use customers::profiles::{self, IdentityShown};
use customers::suggestions;
use kernel::{Currency, CustomerId, IdentityId, ShopId, Timestamp, TypedId};
use platform::Ctx;
use platform::access::FieldRules;
use platform::retention::DAY_MILLIS;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::engine::{EngineHandle, ShopBook};
use crate::fields;
use crate::list_customers::{CustomerRow, ListError, Told, channel_of};
use crate::list_suggestions::{self, SuggestionView};
use crate::people::People;

/// Notes shown on a card; the timeline has all.
const NOTES: u16 = 50;
/// Orders whose distances are looked at.
const DISTANCES: usize = 1_000;

/// What a customer bought in one shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShopSum {
    /// The shop.
    pub id: ShopId,
    /// Its name.
    pub name: String,
    /// Counted orders.
    pub orders: i64,
    /// Their revenue, in the currency of the shop.
    pub revenue_minor: i64,
    /// The currency of the shop.
    pub currency: Currency,
}

/// An identity of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct IdentityView {
    /// By which it is corrected or taken away; another one after a merge.
    pub id: IdentityId,
    /// What it is.
    pub kind: IdentityKind,
    /// The channel of an account.
    pub channel: Option<Channel>,
    /// The value, masked where it is personal data.
    pub value: String,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// Whether a person put it there, and no file.
    pub by_hand: bool,
}

/// A birthday, and when it is kept next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct BirthdayView {
    /// The birthday.
    pub birthday: BirthdayBody,
    /// The first day on which it is kept from today on, in the zone of the first shop.
    pub next: Option<NaiveDate>,
    /// How old they become then, in years of that calendar; null where the year is not known.
    pub turns: Option<i32>,
}

impl BirthdayView {
    fn new(birthday: Birthday, today: NaiveDate) -> Self {
        let next = birthday.on().next(today);
        let turns = next.and_then(|next| birthday.age_on(next));
        Self { birthday: birthday.body(), next, turns }
    }
}

/// A customer with everything that a card shows.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CustomerCard {
    /// As in lists.
    #[serde(flatten)]
    pub row: CustomerRow,
    /// For `If-Match`.
    pub version: i64,
    /// Code of the classic scheme; null without a counted order.
    #[schema(value_type = Option<String>)]
    pub classic: Option<&'static str>,
    /// Recency score.
    pub r: Option<u8>,
    /// Frequency score.
    pub f: Option<u8>,
    /// Monetary score.
    pub m: Option<u8>,
    /// Refunds of all orders; null as `revenue_minor`.
    pub refund_minor: Option<i64>,
    /// Median of days between counted orders; null with fewer than two.
    pub median_days_between_orders: Option<f64>,
    /// What was bought in each shop.
    pub shops: Vec<ShopSum>,
    /// Accounts, phones and e-mail addresses.
    pub identities: Vec<IdentityView>,
    /// Notes, the latest first.
    pub notes: Vec<Note>,
    /// Merges that hold the family together, the first first.
    pub merges: Vec<Merge>,
    /// Open suggestions with this customer.
    pub suggestions: Vec<SuggestionView>,
    /// The birthday; null if it is not known, or the role hides it.
    pub birthday: Option<BirthdayView>,
    /// Into whom the customer was merged, if so.
    pub merged_into: Option<CustomerId>,
}

/// The card of `id`; of a merged customer, what leads to it alone. `None` if there is none.
///
/// # Errors
/// `NotReady` while the customers are being read; otherwise as the database says.
pub async fn customer_card(
    engine: &EngineHandle,
    cx: &Ctx,
    id: CustomerId,
) -> Result<Option<CustomerCard>, ListError> {
    engine.fresh().await?;
    let keys = engine.platform().keys(cx.scope.org());
    let rules = cx.access.fields();
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let Some(profile) = profiles::profiles(&mut tx, cx, &[id]).await?.pop() else {
        return Ok(None);
    };
    let shops = engine.shops();
    let told = Told::usual(&shops, cx);
    let facts = engine.ask(|engine| told.facts(engine.view(), id));
    let family: Vec<Uuid> = profile.family.iter().map(|id| id.uuid()).collect();
    let totals = orders_list::totals_by_shop(&mut tx, cx.scope, &profile.family).await?;
    let moments =
        orders_list::counted_moments(&mut tx, cx.scope, &profile.family, DISTANCES).await?;
    let mut notes = if rules.hide(fields::NOTES) {
        Vec::new()
    } else {
        notes::notes(&mut tx, cx.scope, &keys, &family, None, NOTES).await?
    };
    let birthday = if rules.hide(fields::BIRTHDAY) {
        None
    } else {
        let today = shops.frame().today(cx.now());
        let known = birthdays::of_family(&mut tx, cx.scope, &keys, &family).await?;
        known.map(|birthday| BirthdayView::new(birthday, today))
    };
    let mut merges = merge::merges(&mut tx, cx, &family).await?;
    let named = notes.iter().map(|n| n.author).chain(merges.iter().map(|merge| merge.actor));
    let named = named.chain([profile.owner]);
    let people = People::look_up(&mut tx, cx, &keys, named.collect::<Vec<_>>()).await?;
    notes.iter_mut().for_each(|note| note.author_person = people.get(note.author));
    merges.iter_mut().for_each(|merge| merge.actor_person = people.get(merge.actor));
    let suggested = if cx.access.permissions().allow("customers.merge") {
        suggestions::of(&mut tx, cx.scope, &keys, &family).await?
    } else {
        Vec::new()
    };
    let suggestions = list_suggestions::views(engine, &mut tx, cx, suggested).await?;
    tx.rollback().await?;

    let mut row = CustomerRow::new(&profile, facts.as_ref(), told.currency, &shops, &people);
    if facts.is_none() {
        // Merged customers are not in the engine; their own orders are told all the same.
        row.orders = totals.iter().map(|shop| shop.orders as u32).sum();
        let revenue_minor = totals.iter().map(|shop| shop.revenue_minor).sum();
        let average_minor = analytics::average_minor(revenue_minor, row.orders).unwrap_or(0);
        row.revenue_minor = told.currency.map(|_| revenue_minor);
        row.average_order_minor = told.currency.map(|_| average_minor);
        row.first_order_at = moments.first().copied();
        row.last_order_at = moments.last().copied();
    }
    let standing = facts.and_then(|facts| facts.standing);
    Ok(Some(CustomerCard {
        version: profile.version,
        classic: standing.map(|standing| standing.classic.code()),
        r: standing.map(|standing| standing.score.r),
        f: standing.map(|standing| standing.score.f),
        m: standing.map(|standing| standing.score.m),
        refund_minor: told.currency.map(|_| totals.iter().map(|shop| shop.refund_minor).sum()),
        median_days_between_orders: median_days(&moments),
        shops: totals
            .iter()
            .filter(|_| rules.show(fields::AMOUNTS))
            .filter_map(|total| shop_sum(total, &shops))
            .collect(),
        identities: profile
            .identities
            .iter()
            .filter_map(|seen| identity(seen, &shops, rules))
            .collect(),
        notes,
        merges,
        suggestions,
        birthday,
        merged_into: profile.merged_into,
        row: row.under(rules),
    }))
}

fn shop_sum(total: &ShopTotals, shops: &ShopBook) -> Option<ShopSum> {
    let shop = shops.by_number(total.shop_number)?;
    Some(ShopSum {
        id: shop.id,
        name: shop.name.clone(),
        orders: total.orders,
        revenue_minor: total.revenue_minor,
        currency: shop.currency,
    })
}

fn identity(seen: &IdentityShown, shops: &ShopBook, rules: &FieldRules) -> Option<IdentityView> {
    let field = fields::of_identity(seen.kind);
    if rules.hide(field) {
        return None;
    }
    let value = if rules.show(field) { seen.value.clone() } else { mask_name(&seen.value) };
    Some(IdentityView {
        id: seen.id,
        kind: seen.kind,
        channel: match seen.kind {
            IdentityKind::Account => channel_of(seen.space, shops),
            IdentityKind::Phone | IdentityKind::Email => None,
        },
        value,
        first_seen_at: seen.first_seen_at,
        by_hand: seen.by_hand,
    })
}

/// The median distance of rising moments in days, to one decimal.
fn median_days(moments: &[Timestamp]) -> Option<f64> {
    let mut distances: Vec<i64> =
        moments.windows(2).map(|pair| pair[1].millis() - pair[0].millis()).collect();
    if distances.is_empty() {
        return None;
    }
    distances.sort_unstable();
    let middle = distances.len() / 2;
    let median = if distances.len() % 2 == 1 {
        distances[middle] as f64
    } else {
        (distances[middle - 1] as f64 + distances[middle] as f64) / 2.0
    };
    Some((median / DAY_MILLIS as f64 * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_of_distances() {
        let days = |days: &[i64]| -> Vec<Timestamp> {
            days.iter().map(|day| Timestamp::from_millis(day * DAY_MILLIS)).collect()
        };
        assert_eq!(median_days(&days(&[])), None);
        assert_eq!(median_days(&days(&[5])), None);
        assert_eq!(median_days(&days(&[0, 10, 13])), Some(6.5));
        assert_eq!(median_days(&days(&[0, 1, 31, 33])), Some(2.0));
    }
}
