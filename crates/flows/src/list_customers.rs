//! The list of customers: which, in which order, a page at a time.

mod params;
mod row;

use std::collections::HashMap;
use std::sync::Arc;

use analytics::{CustomerFacts, ListPage, ListQuery, Rfm};
use commerce::orders_list;
use customers::AccountSpace;
use customers::model::{normal_email, normal_phone};
use customers::profiles::{Profile, profiles};
use customers::search::find_by_contact;
use insight::Frame;
use kernel::{Cursor, CustomerId, FieldErrors, TypedId};
use platform::{Ctx, DbError, Problem, Tx};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use params::{After, CustomerParams, PageLimit, Parsed};
pub(crate) use row::channel_of;
pub use row::{AccountView, CustomerRow};

use crate::engine::{EngineError, EngineHandle, ShopBook};

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
    let scores = scores(engine, params).await?;
    let mut tx = engine.platform().db.read().await?;
    let page = page(engine, &mut tx, cx, params, scores).await?;
    tx.rollback().await?;
    Ok(page)
}

/// The scores by which cells and tiers are asked for; `None` for those that lists have anyway: today's,
/// in the usual bins, over all shops. The engine remembers a few of them until something changes.
///
/// # Errors
/// `Fields` if there is no such shop, or amounts of several currencies would have to be added.
pub async fn scores(
    engine: &EngineHandle,
    params: &CustomerParams,
) -> Result<Option<Arc<Rfm>>, ListError> {
    let shops = engine.shops();
    let today = shops.frame().today(engine.platform().now());
    let bins = params.bins.unwrap_or(insight::DEFAULT_BINS);
    let is_usual = params.as_of.is_none_or(|day| day == today)
        && bins == insight::DEFAULT_BINS
        && params.rfm_shop.is_none();
    if is_usual {
        return Ok(None);
    }
    let mut errors = FieldErrors::default();
    let frame = errors.keep("rfm_shop", shops.choose(params.rfm_shop));
    let query = frame.and_then(|frame| {
        let day = params.as_of.unwrap_or_else(|| frame.today(engine.platform().now()));
        errors.keep("bins", frame.rfm(day, bins))
    });
    let query = errors.finish(|| query).map_err(ListError::Fields)?;
    Ok(Some(engine.ask_long(move |engine| engine.rfm(&query)).await?))
}

async fn page(
    engine: &EngineHandle,
    tx: &mut Tx,
    cx: &Ctx,
    params: &CustomerParams,
    scores: Option<Arc<Rfm>>,
) -> Result<CustomerPage, ListError> {
    let shops = engine.shops();
    let scores = scores.as_deref();
    let query = query(engine, tx, cx, &shops, params).await?;
    let found = if query.filter.q.is_some() {
        // A name asked for the first time is searched for in a few milliseconds.
        tokio::task::block_in_place(|| Found::ask(engine, &query, scores))
    } else {
        Found::ask(engine, &query, scores)
    };
    let items = rows(engine, tx, cx, shops.frame(), &found).await?;
    Ok(CustomerPage {
        items,
        next: found.page.next.as_ref().map(Cursor::encode),
        total: found.page.total,
    })
}

/// What the engine is asked: the parameters, and who is found by phone, e-mail or order number.
pub(crate) async fn query(
    engine: &EngineHandle,
    tx: &mut Tx,
    cx: &Ctx,
    shops: &ShopBook,
    params: &CustomerParams,
) -> Result<ListQuery, DbError> {
    let mut query = params.query(shops.frame().zone);
    if let Some(q) = &params.q {
        query.filter.also = found_otherwise(engine, tx, cx, shops, q).await?;
    }
    Ok(query)
}

/// Customers (roots) of this phone number, e-mail address or order number.
async fn found_otherwise(
    engine: &EngineHandle,
    tx: &mut Tx,
    cx: &Ctx,
    shops: &ShopBook,
    q: &str,
) -> Result<Vec<CustomerId>, DbError> {
    let q = q.trim();
    let mut found = Vec::new();
    if normal_phone(q).is_some() || normal_email(q).is_some() {
        // Accounts that are a phone number or an e-mail address are not in the engine either.
        let keys = engine.platform().keys(cx.scope.org());
        found = find_by_contact(tx, cx.scope, &keys, q, &account_spaces(shops)).await?;
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
    let mut spaces: Vec<AccountSpace> = shops
        .all()
        .iter()
        .map(|shop| match shop.channel.account_family() {
            Some(family) => AccountSpace::new(family),
            None => AccountSpace::of_shop(shop.number),
        })
        .collect();
    spaces.sort_unstable();
    spaces.dedup();
    spaces
}

/// A page of ids with what the engine knows of each.
pub(crate) struct Found {
    pub(crate) page: ListPage,
    pub(crate) facts: Vec<Option<CustomerFacts>>,
}

impl Found {
    /// Asks under one lock, so that both parts are of one version.
    ///
    /// With `scores`, cells and tiers are those of these scores.
    pub(crate) fn ask(engine: &EngineHandle, query: &ListQuery, scores: Option<&Rfm>) -> Self {
        engine.ask(|engine| {
            let page = match scores {
                None => engine.list(query),
                Some(scores) => engine.list_by(query, scores),
            };
            let facts = |id: &CustomerId| {
                let mut facts = engine.customer(*id)?;
                if let Some(scores) = scores {
                    facts.standing = engine.standing_by(*id, scores);
                }
                Some(facts)
            };
            let facts = page.ids.iter().map(facts).collect();
            Self { page, facts }
        })
    }
}

/// Rows of a page. A customer that is gone or merged since the engine was fed is left out.
pub(crate) async fn rows(
    engine: &EngineHandle,
    tx: &mut Tx,
    cx: &Ctx,
    frame: Frame,
    found: &Found,
) -> Result<Vec<CustomerRow>, DbError> {
    if found.page.ids.is_empty() {
        return Ok(Vec::new());
    }
    let keys = engine.platform().keys(cx.scope.org());
    let known = profiles(tx, cx.scope, &keys, &found.page.ids).await?;
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
            CustomerRow::new(profile, facts.get(&profile.id).copied(), frame.currency, &shops)
        })
        .collect())
}

/// Rows of some customers by id; for suggestions and search.
pub(crate) async fn rows_of(
    engine: &EngineHandle,
    tx: &mut Tx,
    cx: &Ctx,
    ids: &[CustomerId],
) -> Result<HashMap<CustomerId, CustomerRow>, DbError> {
    let keys = engine.platform().keys(cx.scope.org());
    let known: Vec<Profile> = profiles(tx, cx.scope, &keys, ids).await?;
    let shops = engine.shops();
    let currency = shops.frame().currency;
    Ok(engine.ask(|engine| {
        known
            .iter()
            .map(|profile| {
                let facts = engine.customer(profile.id);
                (profile.id, CustomerRow::new(profile, facts.as_ref(), currency, &shops))
            })
            .collect()
    }))
}
