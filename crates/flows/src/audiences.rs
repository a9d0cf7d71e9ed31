//! Audiences: counting while one edits, keeping, and why a customer is in or out.

mod keep;
mod words;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use analytics::audience::{
    self, AsOf, AudienceError, Definitions, Explained, Members, Node, Seen, TextError, TreeError,
};
use chrono::NaiveDate;
use insight::audiences::{AudienceStoreError, definitions};
use kernel::{Currency, CustomerId, FieldErrors, Reach, Timestamp, TypedId as _};
use platform::access::FieldRules;
use platform::{Ctx, DbError, Problem, Tx};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use keep::{
    AudienceBody, AudienceRow, AudienceView, Prepared, SizeOfDay, change, create, delete, get,
    list, overlap, prepare,
};
pub(crate) use words::Words;

use crate::engine::{EngineError, EngineHandle, ShopBook};
use crate::fields;
use crate::list_customers::{CustomerRow, rows_of};

/// Customers of a sample.
const SAMPLE: usize = 12;

/// A definition in either form: exactly one of both.
#[derive(Debug, Clone, Default)]
pub struct Definition {
    /// The text, as `docs/audiences.md` describes it.
    pub text: Option<String>,
    /// The tree.
    pub tree: Option<Node>,
}

/// Why an audience cannot be asked or kept.
#[derive(Debug, thiserror::Error)]
pub enum AudienceRefused {
    /// The text is wrong, each fault with its place.
    #[error("the definition cannot be read")]
    Text(Vec<TextError>),
    /// The tree is wrong, each fault with its node.
    #[error("the definition is wrong")]
    Tree(Vec<TreeError>),
    /// Neither form was given, or both.
    #[error("give the definition either as `text` or as `tree`")]
    Form,
    /// It asks for a field that whoever asks does not see.
    #[error("your role does not see `{0}`")]
    Hidden(&'static str),
    /// Amounts of several currencies cannot be added.
    #[error("{0}")]
    Currency(String),
    /// It names a tag or a shop that is not there.
    #[error("{0} is not there any more")]
    Gone(String),
    /// A name, note or definition that is kept holds a number or an address of somebody.
    #[error("a phone number or an e-mail address does not belong into what is kept for everybody")]
    Personal(&'static str),
    /// It tells of single customers, whom whoever asks does not see.
    #[error("you may not see customers")]
    NoCustomers,
    /// Names that lead nowhere or in a circle.
    #[error(transparent)]
    Audience(#[from] AudienceError),
    /// Other fields.
    #[error("{0}")]
    Fields(FieldErrors),
    /// There is no such customer among those whom whoever asks sees.
    #[error("there is no such customer")]
    NoCustomer,
    /// What the store says.
    #[error(transparent)]
    Store(#[from] AudienceStoreError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<AudienceRefused> for Problem {
    fn from(error: AudienceRefused) -> Self {
        let detail = error.to_string();
        match error {
            AudienceRefused::Text(errors) => {
                let mut fields = FieldErrors::default();
                errors.iter().for_each(|error| fields.push("text", error.to_string()));
                Self::validation(fields)
            }
            AudienceRefused::Tree(errors) => {
                let mut fields = FieldErrors::default();
                for TreeError { path, message } in errors {
                    let dot = if path.is_empty() { "" } else { "." };
                    fields.push(format!("tree{dot}{path}"), message);
                }
                Self::validation(fields)
            }
            AudienceRefused::Fields(errors) => Self::validation(errors),
            AudienceRefused::Hidden(_) | AudienceRefused::NoCustomers => Self::forbidden(detail),
            AudienceRefused::Personal(field) => Self::field(field, detail),
            AudienceRefused::Form
            | AudienceRefused::Currency(_)
            | AudienceRefused::Gone(_)
            | AudienceRefused::Audience(_) => Self::field("text", detail),
            AudienceRefused::NoCustomer => Self::not_found("customer"),
            AudienceRefused::Store(error) => match error {
                AudienceStoreError::Unknown(_) => Self::not_found("audience"),
                AudienceStoreError::NameTaken(_) => Self::field("name", detail),
                AudienceStoreError::TooMany => Self::conflict("too_many_audiences", detail),
                AudienceStoreError::Changed(_) => Self::conflict("audience_changed", detail),
                AudienceStoreError::Named(_) => Self::conflict("audience_in_use", detail),
                AudienceStoreError::Db(error) => error.into(),
            },
            AudienceRefused::Engine(error) => error.into(),
            AudienceRefused::Db(error) => error.into(),
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CountBody {
    /// Who belongs to it, as text; either this or `tree`.
    pub text: Option<String>,
    /// Who belongs to it, as tree.
    #[schema(value_type = Option<Object>)]
    pub tree: Option<Node>,
    /// As of which day; today unless given.
    #[schema(value_type = Option<String>, format = Date)]
    pub as_of: Option<NaiveDate>,
}

/// How many belong to an audience, and some of them.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AudienceCount {
    /// Customers of those whom whoever asks sees.
    pub customers: u64,
    /// All customers whom whoever asks sees.
    pub of: u64,
    /// Seconds that the engine took.
    pub seconds: f64,
    /// As of which day.
    #[schema(value_type = String, format = Date)]
    pub as_of: NaiveDate,
    /// The definition as text.
    pub text: String,
    /// The definition as tree.
    #[schema(value_type = Object)]
    pub tree: Node,
    /// The definition as SQL, as `docs/audiences.md` describes its tables; absent where it would be too large.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// Some of the customers, spread over all of them; nobody without the right `customers.read`.
    pub sample: Vec<CustomerRow>,
}

/// A definition that was read, with what is needed to ask it.
pub(crate) struct Asked {
    pub(crate) tree: Node,
    pub(crate) named: Arc<Definitions>,
    pub(crate) words: Arc<Words>,
    pub(crate) as_of: AsOf,
}

impl Asked {
    /// Reads and checks `definition` under the rules of whoever asks.
    pub(crate) async fn read(
        tx: &mut Tx,
        engine: &EngineHandle,
        cx: &Ctx,
        definition: Definition,
        as_of: Option<NaiveDate>,
    ) -> Result<Self, AudienceRefused> {
        let audiences = insight::audiences::all(tx, cx.scope).await?;
        let words = Words::read(tx, cx, engine, &audiences, &definition).await?;
        let tree = match definition {
            Definition { text: Some(text), tree: None } => {
                audience::parse(&text, &words).map_err(AudienceRefused::Text)?
            }
            Definition { text: None, tree: Some(tree) } => {
                audience::check(&tree).map_err(AudienceRefused::Tree)?;
                tree
            }
            _ => return Err(AudienceRefused::Form),
        };
        let named = Arc::new(definitions(&audiences));
        Self::of_tree(engine, cx, tree, named, Arc::new(words), as_of)
    }

    pub(crate) fn of_tree(
        engine: &EngineHandle,
        cx: &Ctx,
        tree: Node,
        named: Arc<Definitions>,
        words: Arc<Words>,
        as_of: Option<NaiveDate>,
    ) -> Result<Self, AudienceRefused> {
        let shops = engine.shops();
        let frame = shops.frame();
        let day = as_of.unwrap_or_else(|| frame.today(cx.now()));
        let asked = Self { tree, named, words, as_of: AsOf { day, zone: frame.zone } };
        asked.check_seen(cx.access.fields())?;
        asked.check_there()?;
        asked.check_currency(engine)?;
        Ok(asked)
    }

    /// Every node, those of the audiences named too. Circles end where they close.
    fn walk(&self, visit: &mut impl FnMut(&Node)) {
        let mut seen = std::collections::BTreeSet::new();
        let mut open = vec![&self.tree];
        while let Some(tree) = open.pop() {
            tree.walk(&mut |node| {
                visit(node);
                if let Node::Audience { audience } = node
                    && seen.insert(*audience)
                {
                    open.extend(self.named.get(audience));
                }
            });
        }
    }

    /// A condition on a tag that was deleted would quietly turn to its contrary.
    fn check_there(&self) -> Result<(), AudienceRefused> {
        let mut gone = None;
        self.walk(&mut |node| gone = gone.take().or_else(|| self.words.gone(node)));
        gone.map_or(Ok(()), |what| Err(AudienceRefused::Gone(what)))
    }

    /// A count tells of a field as a list does: whoever does not see it cannot ask for it.
    fn check_seen(&self, rules: &FieldRules) -> Result<(), AudienceRefused> {
        let mut hidden = None;
        self.walk(&mut |node| {
            let needs: &[&'static str] = match node {
                Node::Name { .. } => {
                    &[fields::NAME, fields::ACCOUNTS, fields::PHONE, fields::EMAIL]
                }
                Node::Province { .. } => &[fields::REGION],
                Node::Rating { .. } => &[fields::RATING],
                Node::Tag { .. } => &[fields::TAGS],
                Node::Tier { .. } | Node::Cell { .. } => &[fields::AMOUNTS],
                Node::Orders { .. } if of_amounts(node) => &[fields::AMOUNTS],
                Node::FirstOrder { .. } | Node::LastOrder { .. } if of_amounts(node) => {
                    &[fields::AMOUNTS]
                }
                _ => &[],
            };
            // A masked name is not searched, for its letters would tell it.
            hidden = hidden.or_else(|| needs.iter().copied().find(|field| !rules.show(field)));
        });
        hidden.map_or(Ok(()), |field| Err(AudienceRefused::Hidden(field)))
    }

    /// Amounts of two currencies are never added.
    fn check_currency(&self, engine: &EngineHandle) -> Result<(), AudienceRefused> {
        let shops = engine.shops();
        let mut wrong = None;
        self.walk(&mut |node| {
            let shop = match node {
                Node::Tier { .. } | Node::Cell { .. } => None,
                Node::Orders { of, .. }
                | Node::FirstOrder { of, .. }
                | Node::LastOrder { of, .. }
                    if of_amounts(node) =>
                {
                    of.shop
                }
                _ => return,
            };
            if wrong.is_none() {
                wrong = shops.choose(shop).err();
            }
        });
        wrong.map_or(Ok(()), |error| Err(AudienceRefused::Currency(error.to_string())))
    }

    /// Who of those whom whoever asks sees belongs to it, and the seconds that took.
    pub(crate) async fn members(
        &self,
        engine: &EngineHandle,
        cx: &Ctx,
    ) -> Result<(Members, f64), AudienceRefused> {
        let (tree, named) = (self.tree.clone(), Arc::clone(&self.named));
        let (as_of, reach) = (self.as_of, cx.access.reach().clone());
        engine
            .ask_apart(move |engine| {
                let began = Instant::now();
                let members = engine.audience(&tree, &named, as_of, &reach)?;
                Ok((members, began.elapsed().as_secs_f64()))
            })
            .await?
    }
}

/// Counts made of one state of the engine and of the definitions, so that a list of many audiences is not
/// counted anew each time somebody looks at it.
#[derive(Debug, Default)]
pub(crate) struct Counted(Mutex<CountedState>);

#[derive(Debug, Default)]
struct CountedState {
    version: u64,
    as_of: Option<AsOf>,
    named: Arc<Definitions>,
    counts: HashMap<(Node, Reach), u64>,
}

/// Counts remembered at most.
const COUNTED_MAX: usize = 4_000;

impl Counted {
    fn state(&self, version: u64, asked: &Asked) -> MutexGuard<'_, CountedState> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = state.version == version
            && state.as_of == Some(asked.as_of)
            && (Arc::ptr_eq(&state.named, &asked.named) || state.named == asked.named);
        if !is_same || state.counts.len() >= COUNTED_MAX {
            *state = CountedState {
                version,
                as_of: Some(asked.as_of),
                named: Arc::clone(&asked.named),
                counts: HashMap::new(),
            };
        }
        // So that the next comparison with these is of the same.
        state.named = Arc::clone(&asked.named);
        state
    }
}

impl Asked {
    /// How many of those whom whoever asks sees belong to it; remembered until anything changes.
    pub(crate) async fn count(
        &self,
        engine: &EngineHandle,
        cx: &Ctx,
    ) -> Result<u64, AudienceRefused> {
        let version = engine.progress().borrow().version;
        let key = (self.tree.clone(), cx.access.reach().clone());
        let known = engine.counted().state(version, self).counts.get(&key).copied();
        if let Some(known) = known {
            return Ok(known);
        }
        let count = self.members(engine, cx).await?.0.count();
        engine.counted().state(version, self).counts.insert(key, count);
        Ok(count)
    }
}

fn of_amounts(node: &Node) -> bool {
    node.tells_of_amounts()
}

/// Counts an audience and shows some of it.
///
/// # Errors
/// What is wrong with the definition; `NotReady` while the customers are being read.
pub async fn count(
    engine: &EngineHandle,
    cx: &Ctx,
    body: CountBody,
) -> Result<AudienceCount, AudienceRefused> {
    engine.fresh().await?;
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let definition = Definition { text: body.text, tree: body.tree };
    let asked = Asked::read(&mut tx, engine, cx, definition, body.as_of).await?;
    tx.rollback().await?;
    let (members, seconds) = asked.members(engine, cx).await?;
    let everyone = asked.everyone();
    let all = everyone.count(engine, cx).await?;
    let sample = if may_see_customers(cx) { SAMPLE } else { 0 };
    let ids = members.sample(sample);
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let mut rows = rows_of(engine, &mut tx, cx, &ids).await?;
    tx.rollback().await?;
    Ok(AudienceCount {
        customers: members.count(),
        of: all,
        seconds,
        as_of: asked.as_of.day,
        text: audience::print(&asked.tree, &*asked.words),
        sql: audience::sql::select(&asked.tree, &asked.named, asked.as_of).ok(),
        tree: asked.tree,
        sample: ids.iter().filter_map(|id| rows.remove(id)).collect(),
    })
}

impl Asked {
    fn everyone(&self) -> Self {
        Self {
            tree: Node::everyone(),
            named: Arc::clone(&self.named),
            words: Arc::clone(&self.words),
            as_of: self.as_of,
        }
    }
}

/// Whom to explain, and in which audience.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainBody {
    /// Who belongs to it, as text; either this or `tree`.
    pub text: Option<String>,
    /// Who belongs to it, as tree.
    #[schema(value_type = Option<Object>)]
    pub tree: Option<Node>,
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
    /// The number, amount in minor units or moment that was looked at; absent where there is none to tell, null
    /// where the customer has none.
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
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum SeenValue {
    Number { value: i64 },
    Amount { minor: i64, currency: Currency },
    Moment { at: Timestamp },
    Bucket { value: u64 },
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

fn may_see_customers(cx: &Ctx) -> bool {
    cx.access.permissions().allow("customers.read")
}

/// Says why a customer is in an audience or not, and when that changes by itself.
///
/// # Errors
/// `NoCustomers` without the right `customers.read`.
/// What is wrong with the definition; `NoCustomer` if there is none whom whoever asks sees.
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
            Seen::Nothing => SeenValue::Nothing,
        }),
        flips_on: explained.flips_on,
        parts: explained.parts.iter().map(|part| why(part, words, shops)).collect(),
    }
}
