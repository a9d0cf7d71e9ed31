//! A customer in lists.

use analytics::{CustomerFacts, Score, Span, Tier};
use commerce::Channel;
use customers::mask::mask_name;
use customers::profiles::{Profile, Tag};
use customers::{AccountSpace, Rating};
use insight::Action;
use kernel::{Currency, CustomerId, Person, Timestamp, UserId};
use platform::access::FieldRules;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::engine::ShopBook;
use crate::fields;
use crate::identity_space;
use crate::people::People;

/// An account of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AccountView {
    /// The channel on which the account is.
    pub channel: Option<Channel>,
    /// The account; masked where it is a phone number or an e-mail address.
    pub value: String,
}

/// A customer in lists. Personal data is masked.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CustomerRow {
    /// The customer.
    pub id: CustomerId,
    /// Name to show.
    pub name: String,
    /// Accounts, the first seen first.
    pub accounts: Vec<AccountView>,
    /// Phone, masked.
    pub phone: Option<String>,
    /// E-mail address, masked.
    pub email: Option<String>,
    /// Province.
    pub province: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Rating given by hand.
    pub rating: Option<Rating>,
    /// Whose customer it is.
    pub owner: Option<UserId>,
    /// Name and e-mail address of that person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_person: Option<Person>,
    /// Counted orders.
    pub orders: u32,
    /// Their revenue; null where shops sell in several currencies and none was asked for.
    pub revenue_minor: Option<i64>,
    /// Revenue per order; 0 without an order, null as `revenue_minor`.
    pub average_order_minor: Option<i64>,
    /// The currency of amounts; null where they are.
    pub currency: Option<Currency>,
    /// First counted order.
    pub first_order_at: Option<Timestamp>,
    /// Last counted order.
    pub last_order_at: Option<Timestamp>,
    /// Code of the 11-name scheme; null without a counted order, or where amounts are.
    #[schema(value_type = Option<String>)]
    pub tier: Option<&'static str>,
    /// `R5F4M5`; null without a counted order, or where amounts are.
    pub cell: Option<String>,
    /// What is recommended to be done with such customers; null without a tier, and for whoever refused
    /// automated decisions.
    pub action: Option<Action>,
    /// Whether the program may decide about them by itself.
    pub automated: Automated,
    /// Tags, by name.
    pub tags: Vec<Tag>,
    /// When the customer became known.
    pub created_at: Timestamp,
}

/// Whether the program may decide about somebody by itself (PIPL art. 24).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Automated {
    /// It may.
    Allowed,
    /// They refused it, and did not grant it since: nothing is recommended about them.
    Refused,
}

impl Automated {
    const fn of(is_withheld: bool) -> Self {
        if is_withheld { Self::Refused } else { Self::Allowed }
    }

    /// The filter of those of whom this holds at `now`.
    pub(super) fn span(self, now: Timestamp) -> Span {
        match self {
            Self::Allowed => Span::new(Some(now.millis() + 1), None),
            Self::Refused => Span::new(None, Some(now.millis())),
        }
    }
}

impl CustomerRow {
    /// What the database and the engine know, together.
    pub(crate) fn new(
        profile: &Profile,
        facts: Option<&CustomerFacts>,
        currency: Option<Currency>,
        shops: &ShopBook,
        people: &People,
    ) -> Self {
        let standing = facts.and_then(|facts| facts.standing);
        let account = |value: &str, space| AccountView {
            channel: channel_of(space, shops),
            value: value.to_owned(),
        };
        Self {
            id: profile.id,
            name: profile.name.clone(),
            accounts: profile.accounts().map(|seen| account(&seen.value, seen.space)).collect(),
            phone: profile.phone().map(str::to_owned),
            email: profile.email().map(str::to_owned),
            province: profile.province.clone(),
            city: profile.city.clone(),
            rating: profile.rating,
            owner: profile.owner,
            owner_person: people.get(profile.owner),
            orders: facts.map_or(0, |facts| facts.orders),
            revenue_minor: currency.map(|_| facts.map_or(0, |facts| facts.revenue_minor)),
            average_order_minor: currency
                .map(|_| facts.and_then(|facts| facts.average_minor).unwrap_or(0)),
            currency,
            first_order_at: facts.and_then(|facts| facts.first_order_at),
            last_order_at: facts.and_then(|facts| facts.last_order_at),
            tier: standing.map(|standing| Tier::code(standing.tier)),
            cell: standing.map(|standing| Score::to_string(&standing.score)),
            action: standing
                .filter(|_| !profile.is_withheld)
                .map(|standing| Action::of(standing.tier)),
            automated: Automated::of(profile.is_withheld),
            tags: profile.tags.clone(),
            created_at: profile.created_at,
        }
    }
}

impl CustomerRow {
    /// As somebody under these rules sees it. Amounts and what is made of them are left out before.
    pub(crate) fn under(mut self, rules: &FieldRules) -> Self {
        if !rules.show(fields::NAME) {
            self.name = mask_name(&self.name);
        }
        if rules.hide(fields::ACCOUNTS) {
            self.accounts.clear();
        } else if !rules.show(fields::ACCOUNTS) {
            for account in &mut self.accounts {
                account.value = mask_name(&account.value);
            }
        }
        if rules.hide(fields::PHONE) {
            self.phone = None;
        }
        if rules.hide(fields::EMAIL) {
            self.email = None;
        }
        if rules.hide(fields::REGION) {
            (self.province, self.city) = (None, None);
        }
        if rules.hide(fields::RATING) {
            self.rating = None;
        }
        if rules.hide(fields::TAGS) {
            self.tags.clear();
        }
        self
    }
}

/// The channel of an account: of the shop whose own it is, or the first channel of its family that
/// one of the shops is on.
pub(crate) fn channel_of(space: AccountSpace, shops: &ShopBook) -> Option<Channel> {
    let of_shops = shops.all().iter().find(|shop| identity_space::of_shop(shop) == space);
    of_shops.map(|shop| shop.channel).or_else(|| {
        Channel::ALL
            .into_iter()
            .find(|(channel, _)| channel.account_family().map(AccountSpace::new) == Some(space))
            .map(|(channel, _)| channel)
    })
}
