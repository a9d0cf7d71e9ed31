//! What analyses of all orders share: which shop and day they are of, answers remembered until orders change, and
//! why there is none.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use analytics::CapacityError;
use chrono::NaiveDate;
use insight::Frame;
use kernel::{FieldErrors, Reach, ShopId};
use models::clusters::ClusterError;
use models::clv::error::ClvError;
use platform::{Ctx, DbError, Problem};

use crate::engine::{EngineError, EngineHandle};
use crate::fields;

/// Answers remembered of each analysis.
const REMEMBERED_MAX: usize = 4;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AnalysisError {
    /// Some parameters are wrong.
    #[error("{0}")]
    Fields(FieldErrors),
    /// It tells of amounts, which whoever asks does not see.
    #[error("you do not see amounts, of which this tells")]
    Hidden,
    /// The model cannot be made of these orders.
    #[error(transparent)]
    Model(#[from] ClvError),
    /// More lines than are looked at together.
    #[error("{0}; ask for fewer days or for one shop")]
    Lines(#[from] CapacityError),
    /// Too few customers for so many clusters.
    #[error(transparent)]
    Clusters(#[from] ClusterError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<AnalysisError> for Problem {
    fn from(error: AnalysisError) -> Self {
        let detail = error.to_string();
        match error {
            AnalysisError::Fields(errors) => Self::validation(errors),
            AnalysisError::Hidden => Self::forbidden(detail),
            AnalysisError::Model(_) => Self::conflict("orders_not_usable", detail),
            AnalysisError::Lines(_) => Self::field("days", detail),
            AnalysisError::Clusters(_) => Self::conflict("too_few_customers", detail),
            AnalysisError::Engine(error) => error.into(),
            AnalysisError::Db(error) => error.into(),
        }
    }
}

/// Which orders an analysis is of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scene {
    pub(crate) frame: Frame,
    /// The last day looked at.
    pub(crate) as_of: NaiveDate,
}

impl Scene {
    /// Today in `shop`, by name or id, or in all shops. Where amounts are added up, the shops must sell in one
    /// currency. What is wrong is in `errors` then.
    pub(crate) fn today(
        engine: &EngineHandle,
        cx: &Ctx,
        shop: Option<&str>,
        adds_amounts: bool,
        errors: &mut FieldErrors,
    ) -> Option<Self> {
        let shops = engine.shops();
        let shop: Option<ShopId> = match shop {
            Some(text) => Some(errors.keep("shop", shops.named(text))?),
            None => None,
        };
        let frame = match shop {
            None if !adds_amounts => shops.frame(),
            shop => errors.keep("shop", shops.choose(shop))?,
        };
        Some(Self { frame, as_of: frame.today(cx.now()) })
    }
}

/// Whether whoever asks sees amounts.
pub(crate) fn shows_amounts(cx: &Ctx) -> bool {
    cx.access.fields().show(fields::AMOUNTS)
}

/// `value`, or `usual`, if it is in `range`; otherwise what is wrong is in `errors`.
pub(crate) fn number_in(
    errors: &mut FieldErrors,
    field: &'static str,
    value: Option<u32>,
    usual: u32,
    range: std::ops::RangeInclusive<u32>,
) -> Option<u32> {
    let value = value.unwrap_or(usual);
    let is_in = range.contains(&value);
    if !is_in {
        errors.push(field, format!("must be {} to {}", range.start(), range.end()));
    }
    is_in.then_some(value)
}

#[derive(Debug, PartialEq)]
struct Key<P> {
    version: u64,
    params: P,
    reach: Reach,
}

/// What was computed lately, remembered until the engine changes; one is made at a time, as each takes all
/// processors for a while.
#[derive(Debug)]
pub(crate) struct Remembered<P, T> {
    kept: Mutex<Vec<(Key<P>, Arc<T>)>>,
    turn: tokio::sync::Mutex<()>,
}

impl<P, T> Default for Remembered<P, T> {
    fn default() -> Self {
        Self { kept: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }
}

impl<P: PartialEq, T> Remembered<P, T> {
    /// What `params` gave for whoever asks in `cx`, made by `make` if it is not remembered.
    pub(crate) async fn get_or<E>(
        &self,
        engine: &EngineHandle,
        cx: &Ctx,
        params: P,
        make: impl Future<Output = Result<T, E>>,
    ) -> Result<Arc<T>, E> {
        let version = engine.progress().borrow().version;
        let key = Key { version, params, reach: cx.access.reach().clone() };
        if let Some(found) = self.get(&key) {
            return Ok(found);
        }
        let _turn = self.turn.lock().await;
        if let Some(found) = self.get(&key) {
            return Ok(found);
        }
        let made = Arc::new(make.await?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(of, _)| of.version == key.version);
        kept.truncate(REMEMBERED_MAX - 1);
        kept.insert(0, (key, Arc::clone(&made)));
        Ok(made)
    }

    fn get(&self, key: &Key<P>) -> Option<Arc<T>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(of, _)| of == key).map(|(_, found)| Arc::clone(found))
    }
}

/// What each analysis remembers of an organisation.
#[derive(Debug, Default)]
pub(crate) struct Analyses {
    pub(crate) cohorts: crate::cohorts::Kept,
    pub(crate) repurchase: crate::repurchase::Kept,
    pub(crate) reorders: crate::reorders::Kept,
    pub(crate) baskets: crate::baskets::Kept,
    pub(crate) prices: crate::prices::Kept,
    pub(crate) clusters: crate::clusters::Kept,
    pub(crate) intents: crate::intent::Kept,
}
