//! What may be asked of the list of customers.

use std::fmt;
use std::str::FromStr;

use analytics::{Bins, CellPattern, Filter, ListCursor, ListQuery, Sort, Span, Tier};
use chrono::NaiveDate;
use customers::Rating;
use kernel::{AudienceId, Cursor, FieldErrors, Limit, ShopId, TagId, UserId, Zone};
use platform::access::FieldRules;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::IntoParams;

use super::Automated;
use crate::fields;

/// Longest text searched for, in characters.
const Q_MAX: usize = 200;

/// A value read from its text, so that a wrong one is named with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parsed<T>(pub T);

impl<'de, T> Deserialize<'de> for Parsed<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

impl<T: fmt::Display> Serialize for Parsed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A page size of 1 to 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit(pub Limit);

impl FromStr for PageLimit {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let asked = text.parse().map_err(|_| format!("must be between 1 and {}", Limit::MAX))?;
        Limit::new(Some(asked)).map(Self)
    }
}

/// Whose customers are asked for: a user's, or nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnedBy(pub Option<UserId>);

impl FromStr for OwnedBy {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        text.parse().map(|user| Self(Some(user))).map_err(|_| "must be a user or `none`".to_owned())
    }
}

impl fmt::Display for OwnedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(user) => user.fmt(f),
            None => f.write_str("none"),
        }
    }
}

/// A position that a list gave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After<T>(pub T);

impl<T: serde::de::DeserializeOwned> FromStr for After<T> {
    type Err = kernel::CursorError;
    fn from_str(text: &str) -> Result<Self, kernel::CursorError> {
        Cursor::decode(text).map(Self)
    }
}

/// Where a page of customers begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// After whom.
    #[serde(flatten)]
    pub list: ListCursor,
    /// As of which day an audience was asked on the first page, so that midnight changes no list half-way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<NaiveDate>,
}

/// Filters, sort and page of the list of customers.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CustomerParams {
    /// Part of a name or account, or a whole order number, phone number or e-mail address.
    pub q: Option<String>,
    /// With a counted order in this shop.
    pub shop: Option<ShopId>,
    /// With this tag.
    pub tag: Option<TagId>,
    /// Who belongs to this audience today; takes the right `insight.read`. All pages are as of the day of the
    /// first one.
    pub audience: Option<AudienceId>,
    /// In this tier of the 11-name scheme; may come several times.
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    pub tier: Vec<Parsed<Tier>>,
    /// In this class of the classic scheme; may come several times.
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    pub classic: Vec<Parsed<Tier>>,
    /// In this cell, `R5F4M5`; `*` stands for any score, as in `R5F*M*`.
    #[param(value_type = Option<String>)]
    pub cell: Option<Parsed<CellPattern>>,
    /// The day from which `tier`, `classic` and `cell` look back; today unless given. They are then also
    /// shown as of that day.
    #[param(value_type = Option<String>, format = Date)]
    pub as_of: Option<NaiveDate>,
    /// Scores of each dimension for `tier`, `classic` and `cell`, 2 to 10; 5 unless given.
    pub bins: Option<u8>,
    /// Only orders of this shop count for `tier`, `classic` and `cell`; and for amounts where shops sell
    /// in several currencies, which without a shop are neither told nor sorted or filtered by.
    pub rfm_shop: Option<ShopId>,
    /// Of this province.
    pub province: Option<String>,
    /// With this rating.
    pub rating: Option<Rating>,
    /// Of this owner; `none` for nobody's.
    #[param(value_type = Option<String>)]
    pub owner: Option<Parsed<OwnedBy>>,
    /// About whom the program may decide by itself, or may not.
    pub automated: Option<Automated>,
    /// Counted orders at least.
    pub orders_min: Option<i64>,
    /// Counted orders at most.
    pub orders_max: Option<i64>,
    /// Revenue at least, in minor units.
    pub revenue_min: Option<i64>,
    /// Revenue at most, in minor units.
    pub revenue_max: Option<i64>,
    /// Last counted order on this day or later.
    pub last_order_from: Option<NaiveDate>,
    /// Last counted order on this day or before.
    pub last_order_to: Option<NaiveDate>,
    /// First counted order on this day or later.
    pub first_order_from: Option<NaiveDate>,
    /// First counted order on this day or before.
    pub first_order_to: Option<NaiveDate>,
    /// `last_order_at`, `first_order_at`, `orders`, `revenue`, `average_order` or `created_at`, with
    /// `-` in front for descending; `-last_order_at` unless said.
    #[param(value_type = Option<String>)]
    pub sort: Option<Parsed<Sort>>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    pub after: Option<Parsed<After<Place>>>,
    /// Rows of a page: 1 to 200, 50 unless said.
    #[param(value_type = Option<u32>)]
    pub limit: Option<Parsed<PageLimit>>,
}

impl CustomerParams {
    /// Looks for what single parameters cannot show: ends that cross, names of another scheme, a
    /// position of another sort.
    ///
    /// # Errors
    /// All of it at once.
    pub fn check(&self) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        if self.q.as_ref().is_some_and(|q| q.chars().count() > Q_MAX) {
            errors.push("q", format!("must be at most {Q_MAX} characters"));
        }
        for (field, tiers, scheme) in [
            ("tier", &self.tier, analytics::Scheme::Eleven),
            ("classic", &self.classic, analytics::Scheme::Classic),
        ] {
            if let Some(Parsed(tier)) = tiers.iter().find(|tier| tier.0.scheme() != scheme) {
                errors.push(field, format!("`{tier}` is not of the scheme `{}`", scheme.code()));
            }
        }
        if let Err(error) = self.bins.map(Bins::quantile).transpose() {
            errors.push("bins", error.to_string());
        }
        let mut ordered = |field: &str, crosses: bool| {
            if crosses {
                errors.push(field, "must not be above the other end");
            }
        };
        ordered("orders_min", crosses(self.orders_min, self.orders_max));
        ordered("revenue_min", crosses(self.revenue_min, self.revenue_max));
        ordered("last_order_from", crosses(self.last_order_from, self.last_order_to));
        ordered("first_order_from", crosses(self.first_order_from, self.first_order_to));
        if !self.query(Zone::UTC).cursor_fits() {
            errors.push("after", "belongs to another sort; begin again without it");
        }
        errors.finish(|| Some(()))
    }

    /// Refuses what would tell of fields that whoever asks does not see.
    pub(crate) fn check_seen(&self, rules: &FieldRules) -> Result<(), FieldErrors> {
        let sort = self.sort.map(|sort| sort.0.key);
        let by_amounts = [
            ("tier", !self.tier.is_empty()),
            ("classic", !self.classic.is_empty()),
            ("cell", self.cell.is_some()),
            ("revenue_min", self.revenue_min.is_some()),
            ("revenue_max", self.revenue_max.is_some()),
            ("sort", sort.is_some_and(|key| key.is_amount())),
        ];
        let by_amounts = by_amounts.map(|(name, used)| (name, used, fields::AMOUNTS));
        let others = [
            ("province", self.province.is_some(), fields::REGION),
            ("rating", self.rating.is_some(), fields::RATING),
            ("tag", self.tag.is_some(), fields::TAGS),
        ];
        let mut errors = FieldErrors::default();
        for (name, used, field) in by_amounts.into_iter().chain(others) {
            if used && !rules.show(field) {
                errors.push(name, format!("your role does not see `{field}`"));
            }
        }
        errors.finish(|| Some(()))
    }

    /// Whether amounts of all orders of a customer would have to be added.
    pub(crate) fn needs_amounts(&self) -> bool {
        let by_standing = !self.tier.is_empty() || !self.classic.is_empty() || self.cell.is_some();
        let by_revenue = self.revenue_min.is_some() || self.revenue_max.is_some();
        by_standing || by_revenue || self.sort.is_some_and(|sort| sort.0.key.is_amount())
    }

    /// What the engine is asked, with days in `zone`.
    #[must_use]
    pub fn query(&self, zone: Zone) -> ListQuery {
        let tiers = |tiers: &[Parsed<Tier>]| tiers.iter().map(|tier| tier.0).collect();
        ListQuery {
            filter: Filter {
                q: self.q.clone().filter(|q| !q.trim().is_empty()),
                shop: self.shop,
                tag: self.tag,
                tier: tiers(&self.tier),
                classic: tiers(&self.classic),
                cell: self.cell.map(|cell| cell.0),
                province: self.province.clone(),
                rating: self.rating.map(|rating| rating.code() as u8),
                owner: self.owner.map(|owner| owner.0.0),
                orders: Span::new(self.orders_min, self.orders_max),
                revenue: Span::new(self.revenue_min, self.revenue_max),
                last_order: Span::days(self.last_order_from, self.last_order_to, zone),
                first_order: Span::days(self.first_order_from, self.first_order_to, zone),
                ..Filter::default()
            },
            sort: self.sort.map_or_else(Sort::default, |sort| sort.0),
            after: self.after.map(|after| after.0.0.list),
            limit: self.limit.map_or(50, |limit| limit.0.0.get()),
        }
    }
}

fn crosses<T: PartialOrd>(low: Option<T>, high: Option<T>) -> bool {
    matches!((low, high), (Some(low), Some(high)) if low > high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(query: &str) -> Vec<String> {
        let uri = format!("/customers?{query}").parse().unwrap();
        match platform::http::parse_query::<CustomerParams>(&uri) {
            Ok(params) => match params.check() {
                Ok(()) => Vec::new(),
                Err(errors) => errors.into_vec().into_iter().map(|error| error.field).collect(),
            },
            Err(problem) => problem.errors().iter().map(|error| error.field.clone()).collect(),
        }
    }

    #[test]
    fn every_documented_parameter_is_understood() {
        let query = "q=a&shop=shop_01h455vb4pex5vsknk084sn02q&tag=tag_01h455vb4pex5vsknk084sn02q\
            &audience=adn_01h455vb4pex5vsknk084sn02q&tier=at_risk&tier=loyal&classic=important_value&cell=R5F*M5&as_of=2025-12-31&bins=3\
            &rfm_shop=shop_01h455vb4pex5vsknk084sn02q&province=x&rating=A&automated=refused\
            &orders_min=1&orders_max=2&revenue_min=-1&revenue_max=5&last_order_from=2026-01-01\
            &last_order_to=2026-01-01&first_order_from=2025-01-01&first_order_to=2026-01-01\
            &sort=-revenue&limit=200";
        assert_eq!(fields(query), Vec::<String>::new());
        assert_eq!(fields(""), Vec::<String>::new());
    }

    #[test]
    fn all_wrong_parameters_are_named_at_once() {
        let mut wrong =
            fields("tier=best&cell=R9&rating=E&orders_min=x&sort=name&limit=0&after=zzz&nick=1");
        wrong.sort();
        assert_eq!(
            wrong,
            ["after", "cell", "limit", "nick", "orders_min", "rating", "sort", "tier"]
        );
        assert_eq!(
            fields(
                "tier=important_value&bins=11&orders_min=2&orders_max=1&last_order_from=2026-01-02&last_order_to=2026-01-01"
            ),
            ["tier", "bins", "orders_min", "last_order_from"]
        );
    }

    #[test]
    fn a_position_belongs_to_its_sort() {
        use kernel::TypedId as _;
        let list = ListCursor {
            sort: Sort::default(),
            value: Some(1),
            id: kernel::CustomerId::from_uuid(uuid::Uuid::nil()),
        };
        for day in [None, NaiveDate::from_ymd_opt(2026, 11, 23)] {
            let after = Cursor::encode(&Place { list, day });
            assert_eq!(Cursor::decode(&after), Ok(Place { list, day }));
            assert_eq!(fields(&format!("after={after}")), Vec::<String>::new());
            assert_eq!(fields(&format!("after={after}&sort=orders")), ["after"]);
        }
    }
}
