//! Why somebody can, or cannot, see a record.

use customers::reach;
use identity::roles::Reach;
use kernel::{CustomerId, OrderId, Person, TypedId, UserId};
use platform::access::{FieldRule, FieldRules};
use platform::{Ctx, DbError, Problem, Tx};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::fields;
use crate::people::People;

/// A record that is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// A customer.
    Customer(CustomerId),
    /// An order.
    Order(OrderId),
}

impl std::str::FromStr for Record {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let customer = text.parse().map(Self::Customer);
        customer
            .or_else(|_| text.parse().map(Self::Order))
            .map_err(|_| "must be a customer (`cus_…`) or an order (`ord_…`)".to_owned())
    }
}

/// What was looked at; each must be so for the record to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Looked {
    /// Whether the record is there.
    RecordExists,
    /// Whether the user is active.
    UserActive,
    /// Whether their role has the right.
    HasRight,
    /// Whether the record is in their reach.
    InReach,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Step {
    /// What.
    pub looked: Looked,
    /// Whether it is so.
    pub holds: bool,
}

/// Why a record is in the reach of somebody, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Their role reaches all records.
    All,
    /// They own it.
    Own,
    /// Somebody of their team, or of one below it, owns it.
    TeamOwns,
    /// It is in their territory.
    Territory,
    /// Somebody else owns it, who is not in their reach.
    OwnedByOthers,
    /// Nobody owns it.
    OwnedByNobody,
    /// The order has no known customer.
    NoCustomer,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Explanation {
    /// Whether they see it.
    pub sees: bool,
    /// What was looked at, up to the first that does not hold.
    pub steps: Vec<Step>,
    /// The right that it takes.
    pub right: &'static str,
    /// How far their role reaches; null for whoever is deactivated.
    pub reach: Option<Reach>,
    /// Why the record is in their reach, or not; null where that was not looked at.
    pub why: Option<Why>,
    /// The customer whose owner and province decide: of an order its customer, of a merged one the root.
    pub customer: Option<CustomerId>,
    /// Whose it is.
    pub owner: Option<UserId>,
    /// Name and e-mail address of that person.
    pub owner_person: Option<Person>,
    /// Its province.
    pub province: Option<String>,
    /// What is done with fields before they see them.
    #[schema(value_type = std::collections::BTreeMap<String, FieldRule>)]
    pub fields: FieldRules,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// There is no such user.
    #[error("there is no such user")]
    UnknownUser,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<ExplainError> for Problem {
    fn from(error: ExplainError) -> Self {
        match error {
            ExplainError::UnknownUser => Self::field("user", error.to_string()),
            ExplainError::Db(error) => error.into(),
        }
    }
}

/// Says why `user` sees `record`, or not: by the same reach and places by which every view is cut.
///
/// # Errors
/// `UnknownUser`.
pub async fn explain(
    tx: &mut Tx,
    cx: &Ctx,
    user: UserId,
    record: Record,
) -> Result<Explanation, ExplainError> {
    if identity::users::find(tx, cx.scope, &cx.keys(), user).await?.is_none() {
        return Err(ExplainError::UnknownUser);
    }
    let (exists, customer) = place_of(tx, cx, record).await?;
    let place = match customer {
        Some(root) => reach::places(tx, cx, &[root]).await?.remove(&root),
        None => None,
    };
    let access = identity::access_of(tx, cx.scope, user).await?;
    let right = match record {
        Record::Customer(_) => "customers.read",
        Record::Order(_) => "commerce.read",
    };
    let owner = place.as_ref().and_then(|place| place.owner);
    let mut answer = Explanation {
        sees: false,
        steps: Vec::new(),
        right,
        reach: access.as_ref().map(|(_, reach)| *reach),
        why: None,
        customer: customer.map(CustomerId::from_uuid),
        owner,
        owner_person: People::look_up(tx, cx, &cx.keys(), [owner]).await?.get(owner),
        province: place
            .as_ref()
            .and_then(|place| place.province.clone())
            .filter(|_| cx.access.fields().show(fields::REGION)),
        fields: access.as_ref().map(|(access, _)| access.fields().clone()).unwrap_or_default(),
    };
    if !answer.step(Looked::RecordExists, exists)
        || !answer.step(Looked::UserActive, access.is_some())
    {
        return Ok(answer);
    }
    let Some((access, kind)) = access else { return Ok(answer) };
    if !answer.step(Looked::HasRight, access.permissions().allow(right)) {
        return Ok(answer);
    }
    let is_in =
        access.reach().is_all() || place.as_ref().is_some_and(|place| place.is_in(access.reach()));
    answer.why = Some(match (is_in, owner) {
        (true, _) if kind == Reach::All => Why::All,
        (true, Some(owner)) if owner == user => Why::Own,
        (true, _) if kind == Reach::Territory => Why::Territory,
        (true, _) => Why::TeamOwns,
        (false, _) if customer.is_none() => Why::NoCustomer,
        (false, Some(_)) => Why::OwnedByOthers,
        (false, None) => Why::OwnedByNobody,
    });
    answer.sees = answer.step(Looked::InReach, is_in);
    Ok(answer)
}

impl Explanation {
    fn step(&mut self, looked: Looked, holds: bool) -> bool {
        self.steps.push(Step { looked, holds });
        holds
    }
}

/// Whether the record is there, and the root by which it is judged.
async fn place_of(tx: &mut Tx, cx: &Ctx, record: Record) -> Result<(bool, Option<Uuid>), DbError> {
    let (exists, customer) = match record {
        Record::Customer(id) => {
            let known = customers::roots::name_of(tx, cx.scope, &[id.uuid()]).await?;
            (!known.is_empty(), (!known.is_empty()).then(|| id.uuid()))
        }
        Record::Order(id) => {
            let row = commerce::store::orders(tx, cx.scope, &[id.uuid()]).await?.pop();
            (row.is_some(), row.and_then(|row| row.customer_id))
        }
    };
    let root = match customer {
        Some(customer) => Some(customers::roots::root(tx, cx.scope, customer).await?),
        None => None,
    };
    Ok((exists, root))
}
