//! Customers by how likely they are to order soon, each with the reasons.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use analytics::Snapshot;
use chrono::NaiveDate;
use insight::models::ModelHead;
use kernel::{
    Cursor, CustomerId, FieldErrors, Limit, ModelId, Reach, Timestamp, TypedId as _, Zone,
};
use models::intent::{IntentError, Model, Tier};
use platform::Ctx;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::IntentRefused;
use super::features::{Recipe, Rows};
use super::learn::{LearnError, as_of, calendar};
use super::registry::{active, recipe, today};
use super::views::sees;
use crate::engine::{EngineHandle, apart};
use crate::list_customers::{CustomerRow, rows_of};

/// Buyers whose features are held at once.
const CHUNK: usize = 20_000;
/// Reasons told of each customer.
const REASONS: usize = 4;
/// Scores remembered at most.
const REMEMBERED_MAX: usize = 4;

/// A customer's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntentTier {
    /// As likely as the upper fifth of the customers of the training.
    High,
    /// Between.
    Medium,
    /// As likely as the lower half.
    Low,
}

impl IntentTier {
    const ALL: [Self; 3] = [Self::High, Self::Medium, Self::Low];

    const fn of(tier: Tier) -> Self {
        match tier {
            Tier::High => Self::High,
            Tier::Medium => Self::Medium,
            Tier::Low => Self::Low,
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct IntentParams {
    /// Only this tier.
    pub tier: Option<IntentTier>,
    /// `next` of the page before.
    pub after: Option<String>,
    /// Rows of the page: 1 to 200, 50 by default.
    pub limit: Option<u32>,
}

/// Customers of one tier.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct IntentTierCount {
    /// The tier.
    pub tier: IntentTier,
    /// The least probability.
    pub from_probability: f64,
    /// Customers.
    pub customers: u64,
}

/// What one feature adds.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct IntentReason {
    /// The feature; `docs/models-intent.md` lists them.
    pub column: String,
    /// The customer's value; null where there is none.
    pub value: Option<String>,
    /// What it adds to the log-odds, against an average customer: above 0 speaks for an order.
    pub contribution: f64,
}

/// A customer with their score.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct IntentCustomer {
    /// The customer.
    pub customer: CustomerRow,
    /// Probability of an order within the horizon, 0 to 1.
    pub probability: f64,
    /// Their tier.
    pub tier: IntentTier,
    /// What speaks for and against it, the strongest first; without features that whoever asks does not see.
    pub reasons: Vec<IntentReason>,
}

/// A page of customers by score.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ScoredCustomers {
    /// The model whose scores these are.
    pub model: ModelId,
    /// Its version.
    pub version: i64,
    /// The last day whose orders are looked at.
    #[schema(value_type = String, format = Date)]
    pub as_of: NaiveDate,
    /// Days after it that probabilities are of.
    pub horizon_days: i64,
    /// How many there are of each tier, of those whom whoever asks sees.
    pub tiers: Vec<IntentTierCount>,
    /// Who refused automated decisions; they have no score.
    pub withheld: u64,
    /// The most likely first; nobody without the right `customers.read`.
    pub items: Vec<IntentCustomer>,
    /// Pass as `after` to get the next page; absent on the last.
    pub next: Option<String>,
    /// Customers on all pages.
    pub total: u64,
}

/// Everybody's scores by one model as of one day.
#[derive(Debug)]
struct Scored {
    model: Model,
    as_of: i64,
    /// The highest first, equal ones by id.
    scores: Vec<(f64, CustomerId)>,
    withheld: u64,
}

#[derive(Debug, Clone, PartialEq)]
struct Key {
    version: u64,
    model: ModelId,
    today: i64,
    recipe: Recipe,
    reach: Reach,
}

/// Scores made lately, remembered until the engine changes; they are made one at a time.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    scored: Mutex<Vec<(Key, Arc<Scored>)>>,
    turn: tokio::sync::Mutex<()>,
}

impl Remembered {
    fn get(&self, key: &Key) -> Option<Arc<Scored>> {
        let scored = self.scored.lock().unwrap_or_else(PoisonError::into_inner);
        scored.iter().find(|(of, _)| of == key).map(|(_, scored)| Arc::clone(scored))
    }

    fn put(&self, key: Key, new: &Arc<Scored>) {
        let mut scored = self.scored.lock().unwrap_or_else(PoisonError::into_inner);
        scored.retain(|(of, _)| of.version == key.version && of.model == key.model);
        scored.truncate(REMEMBERED_MAX - 1);
        scored.insert(0, (key, Arc::clone(new)));
    }
}

/// Scores everybody in `reach` who has ordered and refused no automated decisions by `now`.
fn score(
    snapshot: &Snapshot,
    zone: Zone,
    (as_of, now): (i64, Timestamp),
    key: &Key,
    model: Model,
) -> Result<Scored, IntentError> {
    let mut scored = Scored { model, as_of, scores: Vec::new(), withheld: 0 };
    let mut ids: Vec<CustomerId> = Vec::new();
    let mut rows = Rows::new(key.recipe);
    let mut failed: Option<IntentError> = None;
    let mut finish = |scored: &mut Scored, ids: &mut Vec<CustomerId>, rows: Rows| {
        let probabilities = rows.frame().and_then(|frame| Ok(scored.model.score(&frame)?));
        match probabilities {
            Ok(found) => scored.scores.extend(found.into_iter().zip(ids.drain(..))),
            Err(error) => failed = Some(error),
        }
    };
    snapshot.each_buyer(
        zone,
        &key.reach,
        |_| true,
        |buyer| {
            if buyer.refused_from.is_some_and(|from| from <= now) {
                scored.withheld += 1;
            } else if rows.push(&buyer, as_of) {
                ids.push(buyer.id);
            }
            if ids.len() >= CHUNK {
                let full = std::mem::replace(&mut rows, Rows::new(key.recipe));
                finish(&mut scored, &mut ids, full);
                ids.clear();
            }
        },
    );
    finish(&mut scored, &mut ids, rows);
    if let Some(error) = failed {
        return Err(error);
    }
    scored.scores.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    Ok(scored)
}

async fn scored(
    engine: &EngineHandle,
    cx: &Ctx,
) -> Result<(ModelHead, Arc<Scored>, Recipe), IntentRefused> {
    let (head, text) = active(engine, cx).await?.ok_or(IntentRefused::NoModel)?;
    engine.fresh().await?;
    let shops = engine.shops();
    let recipe = recipe(&shops, head.horizon_days);
    let (zone, today, now) = (shops.frame().zone, today(&shops, cx), cx.now());
    let version = engine.progress().borrow().version;
    let reach = cx.access.reach().clone();
    let key = Key { version, model: head.id, today, recipe, reach };
    if let Some(known) = engine.intents().get(&key) {
        return Ok((head, known, recipe));
    }
    let _turn = engine.intents().turn.lock().await;
    if let Some(known) = engine.intents().get(&key) {
        return Ok((head, known, recipe));
    }
    let model = apart(move || Model::from_json(&text)).await??;
    let of = key.clone();
    let work = move |snapshot: &Snapshot| {
        let (_, last) = snapshot.order_days(zone).ok_or(LearnError::NoOrders)?;
        Ok::<_, LearnError>(score(snapshot, zone, (as_of(last, today), now), &of, model)?)
    };
    let made = match engine.ask_apart(work).await? {
        Err(LearnError::Model(IntentError::Encode(error))) => return Err(error.into()),
        made => Arc::new(made?),
    };
    engine.intents().put(key, &made);
    Ok((head, made, recipe))
}

/// A page of customers, the most likely to order first.
///
/// # Errors
/// `NoModel`; wrong parameters; `Score` if the model does not know today's features.
pub async fn customers(
    engine: &EngineHandle,
    cx: &Ctx,
    params: &IntentParams,
) -> Result<ScoredCustomers, IntentRefused> {
    let mut errors = FieldErrors::default();
    let limit = errors.keep("limit", Limit::new(params.limit));
    let limit = errors.finish(|| limit).map_err(IntentRefused::Fields)?;
    let after = params.after.as_deref().map(Cursor::decode::<(u64, Uuid)>).transpose()?;
    let (head, scored, recipe) = scored(engine, cx).await?;
    let bounds = scored.model.tiers();
    let tier = |probability: f64| IntentTier::of(bounds.of_probability(probability));
    let counts = IntentTier::ALL.map(|one| IntentTierCount {
        tier: one,
        from_probability: match one {
            IntentTier::High => bounds.high,
            IntentTier::Medium => bounds.medium,
            IntentTier::Low => 0.0,
        },
        customers: scored.scores.iter().filter(|(probability, _)| tier(*probability) == one).count()
            as u64,
    });
    let wanted: Vec<(f64, CustomerId)> = scored
        .scores
        .iter()
        .copied()
        .filter(|(probability, _)| params.tier.is_none_or(|one| tier(*probability) == one))
        .collect();
    let begin = after.map_or(0, |(bits, id)| {
        let (last, id) = (f64::from_bits(bits), CustomerId::from_uuid(id));
        wanted.partition_point(|(score, of)| {
            last.total_cmp(score).then(of.cmp(&id)) != std::cmp::Ordering::Greater
        })
    });
    let may_read = cx.access.permissions().allow("customers.read");
    let end = if may_read { (begin + limit.get()).min(wanted.len()) } else { begin };
    let page = wanted[begin..end].to_vec();
    let next = page
        .last()
        .filter(|_| end < wanted.len())
        .map(|(score, id)| Cursor::encode(&(score.to_bits(), id.uuid())));
    let total = wanted.len() as u64;
    let items = items(engine, cx, &scored, recipe, page).await?;
    Ok(ScoredCustomers {
        model: head.id,
        version: head.version,
        as_of: calendar(scored.as_of),
        horizon_days: head.horizon_days,
        tiers: counts.to_vec(),
        withheld: scored.withheld,
        items,
        next,
        total,
    })
}

async fn items(
    engine: &EngineHandle,
    cx: &Ctx,
    scored: &Arc<Scored>,
    recipe: Recipe,
    page: Vec<(f64, CustomerId)>,
) -> Result<Vec<IntentCustomer>, IntentRefused> {
    if page.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<CustomerId> = page.iter().map(|(_, id)| *id).collect();
    let (zone, of, asked) = (engine.shops().frame().zone, Arc::clone(scored), ids.clone());
    let mut reasons =
        engine.ask_apart(move |snapshot| reasons(snapshot, zone, &of, recipe, &asked)).await??;
    let rules = cx.access.fields();
    for own in reasons.values_mut() {
        own.retain(|reason| sees(rules, &reason.column));
        own.truncate(REASONS);
    }
    let mut tx = engine.platform().db.read_for(cx.scope).await?;
    let mut rows = rows_of(engine, &mut tx, cx, &ids).await?;
    tx.rollback().await?;
    let bounds = scored.model.tiers();
    Ok(page
        .into_iter()
        .filter_map(|(probability, id)| {
            Some(IntentCustomer {
                customer: rows.remove(&id)?,
                probability,
                tier: IntentTier::of(bounds.of_probability(probability)),
                reasons: reasons.remove(&id).unwrap_or_default(),
            })
        })
        .collect())
}

/// What moved the score of each of `ids`, the strongest first.
fn reasons(
    snapshot: &Snapshot,
    zone: Zone,
    scored: &Scored,
    recipe: Recipe,
    ids: &[CustomerId],
) -> Result<HashMap<CustomerId, Vec<IntentReason>>, LearnError> {
    let mut rows = Rows::new(recipe);
    let buyers = snapshot.buyers(zone, ids);
    let known: Vec<CustomerId> = buyers
        .iter()
        .filter(|buyer| rows.push(buyer, scored.as_of))
        .map(|buyer| buyer.id)
        .collect();
    let frame = rows.frame()?;
    let mut told = HashMap::new();
    for (row, id) in known.into_iter().enumerate() {
        let found = scored.model.reasons(&frame, row, usize::MAX).map_err(IntentError::from)?;
        let own = found.top.into_iter().map(|reason| IntentReason {
            column: reason.column,
            value: reason.value,
            contribution: reason.contribution,
        });
        told.insert(id, own.collect());
    }
    Ok(told)
}
