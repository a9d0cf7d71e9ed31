//! Why a customer is in an audience or not, and when that changes by itself.

use std::sync::Arc;

use analytics::audience::{self, AudienceError, Explained, Node, Seen, Vocabulary as _};
use chrono::NaiveDate;
use kernel::{Currency, CustomerId, Timestamp, TypedId as _};
use platform::Ctx;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Asked, AudienceRefused, Definition, GivenTree, Words, may_see_customers};
use crate::engine::{EngineHandle, ShopBook};

/// Whom to explain, and in which audience.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainBody {
    /// Who belongs to it, as text; either this or `tree`.
    pub text: Option<String>,
    /// Who belongs to it, as tree.
    #[schema(value_type = Option<Object>)]
    pub tree: Option<GivenTree>,
    /// The customer.
    pub customer: CustomerId,
    /// As of which day; today unless given.
    #[schema(value_type = Option<String>, format = Date)]
    pub as_of: Option<NaiveDate>,
}

/// A condition, what became of it for one customer, and why.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WhyNode {
    /// The condition as text.
    pub text: String,
    /// `all`, `any`, `not`, or the kind of condition.
    pub kind: &'static str,
    /// Whether the customer passes it.
    pub passes: bool,
    /// The number, amount in minor units, name of a level or moment that was looked at; absent where there is none to
    /// tell, null where the customer has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<SeenValue>,
    /// The first later day on which that changes, if nothing but time passes.
    #[schema(value_type = Option<String>, format = Date)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flips_on: Option<NaiveDate>,
    /// The parts.
    #[schema(no_recursion)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Self>,
}

/// What was looked at.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum SeenValue {
    Number { value: i64 },
    Amount { minor: i64, currency: Currency },
    Moment { at: Timestamp },
    Bucket { value: u64 },
    Level { name: String },
    Nothing,
}

/// Why a customer is in an audience or not.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AudienceWhy {
    /// The customer, the root of the family.
    pub customer: CustomerId,
    /// As of which day.
    #[schema(value_type = String, format = Date)]
    pub as_of: NaiveDate,
    /// Whether the customer belongs to it.
    pub is_in: bool,
    /// The first later day on which that changes, if nothing but time passes.
    #[schema(value_type = Option<String>, format = Date)]
    pub flips_on: Option<NaiveDate>,
    /// The last day that was looked at, where there were too many conditions and orders to look at all: a
    /// condition that tells of no day may change after this one.
    #[schema(value_type = Option<String>, format = Date)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looked_until: Option<NaiveDate>,
    /// The whole definition, condition by condition.
    pub why: WhyNode,
}

/// Says why a customer is in an audience or not, and when that changes by itself.
///
/// # Errors
/// `NoCustomers` without the right `customers.read`; what is wrong with the definition; `NoCustomer` if there is
/// none whom whoever asks sees.
pub async fn explain(
    engine: &EngineHandle,
    cx: &Ctx,
    body: ExplainBody,
) -> Result<AudienceWhy, AudienceRefused> {
    if !may_see_customers(cx) {
        return Err(AudienceRefused::NoCustomers);
    }
    engine.fresh().await?;
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let definition = Definition { text: body.text, tree: body.tree };
    let asked = Asked::read(&mut tx, engine, cx, definition, body.as_of).await?;
    let customer = body.customer;
    // Merged ones are known by their root.
    let root = customers::roots::root(&mut tx, cx.scope, customer.uuid()).await?;
    let customer = CustomerId::from_uuid(root);
    tx.rollback().await?;
    let (tree, named, as_of) = (asked.tree.clone(), Arc::clone(&asked.named), asked.as_of);
    let reach = cx.access.reach().clone();
    let (explained, looked_until) = engine
        .ask_apart(move |engine| {
            let seen = engine.audience(&Node::everyone(), &named, as_of, &reach)?.has(customer);
            if !seen {
                return Ok(None);
            }
            let question = engine.question(&tree, &named, as_of, customer)?;
            Ok::<_, AudienceError>(question.map(|question| question.explain()))
        })
        .await??
        .ok_or(AudienceRefused::NoCustomer)?;
    let shops = engine.shops();
    Ok(AudienceWhy {
        customer,
        as_of: as_of.day,
        is_in: explained.passes,
        flips_on: explained.flips_on,
        looked_until,
        why: why(&explained, &asked.words, &shops),
    })
}

fn why(explained: &Explained, words: &Words, shops: &ShopBook) -> WhyNode {
    let shop = match &explained.node {
        Node::Orders { of, .. } => of.shop.and_then(|shop| shops.by_id(shop)),
        _ => None,
    };
    let currency = shop.map_or(shops.frame().currency, |shop| shop.currency);
    WhyNode {
        text: audience::print(&explained.node, words),
        kind: explained.node.kind(),
        passes: explained.passes,
        seen: explained.seen.map(|seen| match seen {
            Seen::Number(value) => SeenValue::Number { value },
            Seen::Amount(minor) => SeenValue::Amount { minor, currency },
            Seen::Moment(at) => SeenValue::Moment { at },
            Seen::Bucket(value) => SeenValue::Bucket { value },
            Seen::Level(rank) => {
                let name = match &explained.node {
                    Node::Level { scheme, .. } => words.level_name(*scheme, rank),
                    _ => None,
                };
                SeenValue::Level { name: name.unwrap_or_else(|| rank.to_string()) }
            }
            Seen::Nothing => SeenValue::Nothing,
        }),
        flips_on: explained.flips_on,
        parts: explained.parts.iter().map(|part| why(part, words, shops)).collect(),
    }
}
