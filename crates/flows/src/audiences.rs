//! Audiences: counting while one edits, keeping, and why a customer is in or out.

mod asked;
mod explain;
mod given;
mod keep;
mod live;
mod sql;
mod those_of;
mod words;

use analytics::audience::{self, AudienceError, Node, TextError, TreeError};
use chrono::NaiveDate;
use insight::audiences::AudienceStoreError;
use kernel::FieldErrors;
use platform::{Ctx, DbError, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use asked::Definition;
pub(crate) use asked::{Asked, Counted};
pub use explain::{AudienceWhy, ExplainBody, SeenValue, WhyNode, explain};
pub use given::GivenTree;
pub(crate) use keep::changed_since;
pub use keep::{
    AudienceBody, AudienceRow, AudienceView, Prepared, change, create, delete, find, get, list,
    overlap, prepare,
};
pub use live::{AudienceLive, AudienceTransition, LiveBody, live, switch};
pub use sql::{AudienceSql, statement, take_tables};
pub(crate) use those_of::those_of;
pub(crate) use words::Words;

use crate::engine::{EngineError, EngineHandle};
use crate::list_customers::{CustomerRow, rows_of};

/// Customers of a sample.
const SAMPLE: usize = 12;

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
    /// A tag would follow itself.
    #[error("{0}")]
    Circle(String),
    /// An automatic tag follows it.
    #[error("the tag {0:?} follows it; give the tag another rule, or turn its rule off, first")]
    Followed(String),
    /// Names that lead nowhere or in a circle.
    #[error(transparent)]
    Audience(#[from] AudienceError),
    /// It has no statement.
    #[error(transparent)]
    Sql(#[from] audience::sql::SqlError),
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

impl AudienceRefused {
    /// Notes the faults of a definition, each with its place; says whether it is about one.
    fn name_fields(&self, fields: &mut FieldErrors) -> bool {
        match self {
            Self::Text(errors) => {
                errors.iter().for_each(|error| fields.push("text", error.to_string()));
            }
            Self::Tree(errors) => {
                for TreeError { path, message } in errors {
                    let dot = if path.is_empty() { "" } else { "." };
                    fields.push(format!("tree{dot}{path}"), message.as_str());
                }
            }
            Self::Form | Self::Currency(_) | Self::Gone(_) | Self::Sql(_) | Self::Audience(_) => {
                fields.push("text", self.to_string());
            }
            _ => return false,
        }
        true
    }
}

impl From<AudienceRefused> for Problem {
    fn from(error: AudienceRefused) -> Self {
        let detail = error.to_string();
        match error {
            error @ (AudienceRefused::Text(_) | AudienceRefused::Tree(_)) => {
                let mut fields = FieldErrors::default();
                error.name_fields(&mut fields);
                Self::validation(fields)
            }
            AudienceRefused::Fields(errors) => Self::validation(errors),
            AudienceRefused::Hidden(_) | AudienceRefused::NoCustomers => Self::forbidden(detail),
            AudienceRefused::Personal(field) => Self::field(field, detail),
            AudienceRefused::Form
            | AudienceRefused::Currency(_)
            | AudienceRefused::Gone(_)
            | AudienceRefused::Sql(_)
            | AudienceRefused::Circle(_)
            | AudienceRefused::Audience(_) => Self::field("text", detail),
            AudienceRefused::Followed(_) => Self::conflict("audience_followed", detail),
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
    pub tree: Option<GivenTree>,
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

fn may_see_customers(cx: &Ctx) -> bool {
    cx.access.permissions().allow("customers.read")
}
