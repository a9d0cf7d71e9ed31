//! The list of customers: which, in which order, a page at a time.

mod found;
mod params;
mod row;
mod told;

use std::collections::HashMap;

use analytics::{CustomerFacts, ListQuery};
use commerce::orders_list;
use customers::AccountSpace;
use customers::model::{normal_email, normal_phone};
use customers::profiles::{Profile, profiles};
use customers::search::find_by_contact;
use kernel::{Cursor, CustomerId, FieldErrors, TypedId};
use platform::{Ctx, DbError, Problem, Tx};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub(crate) use found::{Asking, Found};
pub use params::{After, CustomerParams, OwnedBy, PageLimit, Parsed, Place};
pub(crate) use row::channel_of;
pub use row::{AccountView, Automated, CustomerRow};
pub use told::{Told, told};

use crate::engine::{EngineError, EngineHandle, ShopBook};
use crate::fields;
use crate::identity_space;
use crate::people::People;

/// Fewer characters are never looked for as an order number.
const NUMBER_MIN_CHARS: usize = 4;

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Some parameters are wrong, which only the data can tell.
    #[error("{0}")]
    Fields(FieldErrors),
    /// An audience is asked for by somebody who may not see audiences.
    #[error("you may not see audiences")]
    NoAudiences,
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::NotReady => Self::unavailable(error.to_string()),
            EngineError::Db(error) => error.into(),
            EngineError::Capacity(_) | EngineError::Broken(_) => Self::internal(&error),
        }
    }
}

impl From<ListError> for Problem {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Engine(error) => error.into(),
            ListError::Db(error) => error.into(),
            ListError::Fields(errors) => Self::validation(errors),
            ListError::NoAudiences => Self::forbidden(error.to_string()),
        }
    }
}

/// A page of customers.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CustomerPage {
    /// The customers.
    pub items: Vec<CustomerRow>,
    /// Pass as `after` to get the next page; absent on the last.
    pub next: Option<String>,
    /// How many customers pass the filters, on all pages.
    pub total: u64,
}

/// One page of customers. Shows what this process wrote before the call.
///
/// # Errors
/// `NotReady` while the customers are being read; otherwise as the database says.
pub async fn list_customers(
    engine: &EngineHandle,
    cx: &Ctx,
    params: &CustomerParams,
) -> Result<CustomerPage, ListError> {
    engine.fresh().await?;
    let told = told(engine, cx, params).await?;
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let page = page(engine, &mut tx, cx, params, &told).await?;
    tx.rollback().await?;
    Ok(page)
}

async fn page(
    engine: &EngineHandle,
    tx: &mut Tx,
    cx: &Ctx,
    params: &CustomerParams,
    told: &Told,
) -> Result<CustomerPage, ListError> {
    let asking = Asking::new(engine, tx, cx, params, told).await?;
    let found = Found::ask(engine, &asking, told).await?;
    let items = rows(engine, tx, cx, told, &found).await?;
    Ok(CustomerPage {
        items,
        next: asking.next(&found.page).as_ref().map(Cursor::encode),
        total: found.page.total,
    })
}

/// What the engine is asked: the parameters, and who is found by phone, e-mail or order number.
async fn query(
    tx: &mut Tx,
    cx: &Ctx,
    shops: &ShopBook,
    params: &CustomerParams,
    told: &Told,
) -> Result<ListQuery, DbError> {
    let mut query = params.query(shops.frame().zone);
    query.filter.amounts_of = told.amounts_of;
    query.filter.reach = cx.access.reach().clone();
    query.filter.refused_from =
        params.automated.map_or_else(Default::default, |automated| automated.span(cx.now()));
    if let Some(q) = params.q.as_deref().filter(|q| !q.trim().is_empty()) {
        let found = found_otherwise(tx, cx, shops, q).await?;
        let rules = cx.access.fields();
        // Who came without a name is called by an account, a number or an address.
        let mut told_by = [fields::NAME].into_iter().chain(fields::OF_IDENTITIES);
        if told_by.all(|field| rules.show(field)) {
            query.filter.also = found;
        } else {
            // Part of a name would tell of the rest of it, letter by letter.
            query.filter.q = None;
            query.filter.ids = Some(found);
        }
    }
    Ok(query)
}

/// Customers (roots) of this phone number, e-mail address or order number.
async fn found_otherwise(
    tx: &mut Tx,
    cx: &Ctx,
    shops: &ShopBook,
    q: &str,
) -> Result<Vec<CustomerId>, DbError> {
    let q = q.trim();
    let mut found = Vec::new();
    if normal_phone(q).is_some() || normal_email(q).is_some() {
        // Accounts that are a phone number or an e-mail address are not in the engine either.
        found = find_by_contact(tx, cx, q, &account_spaces(shops)).await?;
    }
    if is_order_number(q) {
        let buyers = orders_list::customers_of_number(tx, cx.scope, &shops.numbers(), q).await?;
        if !buyers.is_empty() {
            let ids: Vec<Uuid> = buyers.iter().map(|id| id.uuid()).collect();
            let roots = customers::roots::roots(tx, cx.scope, &ids).await?;
            found.extend(roots.into_values().map(CustomerId::from_uuid));
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn is_order_number(q: &str) -> bool {
    let plausible = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '#' | '.' | '/');
    (NUMBER_MIN_CHARS..=orders_list::NUMBER_MAX_CHARS).contains(&q.len())
        && q.chars().all(plausible)
        && q.contains(|c: char| c.is_ascii_digit())
}

/// Where accounts of these shops are unique.
pub(crate) fn account_spaces(shops: &ShopBook) -> Vec<AccountSpace> {
    let mut spaces: Vec<AccountSpace> = shops.all().iter().map(identity_space::of_shop).collect();
    spaces.sort_unstable();
    spaces.dedup();
    spaces
}

/// Rows of a page. A customer that is gone or merged since the engine was fed is left out.
pub(crate) async fn rows(
    engine: &EngineHandle,
    tx: &mut Tx,
    cx: &Ctx,
    told: &Told,
    found: &Found,
) -> Result<Vec<CustomerRow>, DbError> {
    if found.page.ids.is_empty() {
        return Ok(Vec::new());
    }
    let known = profiles(tx, cx, &found.page.ids).await?;
    let people = owners(tx, cx, &known).await?;
    let facts: HashMap<CustomerId, &CustomerFacts> = found
        .page
        .ids
        .iter()
        .zip(&found.facts)
        .filter_map(|(id, facts)| Some((*id, facts.as_ref()?)))
        .collect();
    let shops = engine.shops();
    Ok(known
        .iter()
        .filter(|profile| profile.merged_into.is_none())
        .map(|profile| {
            let facts = facts.get(&profile.id).copied();
            CustomerRow::new(profile, facts, told.currency, &shops, &people)
                .under(cx.access.fields())
        })
        .collect())
}

/// Whose customers they are.
async fn owners(tx: &mut Tx, cx: &Ctx, known: &[Profile]) -> Result<People, DbError> {
    People::look_up(tx, cx, &cx.keys(), known.iter().map(|profile| profile.owner)).await
}

/// Rows of some customers by id; for suggestions and search.
pub(crate) async fn rows_of(
    engine: &EngineHandle,
    tx: &mut Tx,
    cx: &Ctx,
    ids: &[CustomerId],
) -> Result<HashMap<CustomerId, CustomerRow>, DbError> {
    let known: Vec<Profile> = profiles(tx, cx, ids).await?;
    let people = owners(tx, cx, &known).await?;
    let shops = engine.shops();
    let told = Told::usual(&shops, cx);
    Ok(engine.ask(|engine| {
        let view = engine.view();
        known
            .iter()
            .map(|profile| {
                let facts = told.facts(view, profile.id);
                let row = CustomerRow::new(profile, facts.as_ref(), told.currency, &shops, &people);
                (profile.id, row.under(cx.access.fields()))
            })
            .collect()
    }))
}
