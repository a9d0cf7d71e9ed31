//! Customers by how likely they are to order soon, each with the reasons.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

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
use super::registry::{active, model_text, recipe, today};
use super::views::sees;
use crate::analysis::Remembered;
use crate::engine::{EngineHandle, apart};
use crate::list_customers::{CustomerRow, rows_of};

/// Buyers whose features are held at once.
const CHUNK: usize = 20_000;
/// Reasons told of each customer.
const REASONS: usize = 4;

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
pub(crate) struct Scored {
    model: Model,
    as_of: i64,
    /// The highest first, equal ones by id.
    scores: Vec<(f64, CustomerId)>,
    withheld: u64,
}

impl Scored {
    /// Where the customers of a tier stand, or all.
    fn range(&self, tier: Option<IntentTier>) -> Range<usize> {
        let bounds = self.model.tiers();
        let from =
            |bound: f64| self.scores.partition_point(|(probability, _)| *probability >= bound);
        let (high, medium) = (from(bounds.high), from(bounds.medium.min(bounds.high)));
        match tier {
            None => 0..self.scores.len(),
            Some(IntentTier::High) => 0..high,
            Some(IntentTier::Medium) => high..medium,
            Some(IntentTier::Low) => medium..self.scores.len(),
        }
    }
}

/// By which model, on which day and by which features customers are scored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct By {
    model: ModelId,
    today: i64,
    recipe: Recipe,
}

/// Scores made lately.
pub(crate) type Kept = Remembered<By, Scored>;

/// A place in the list by one version as of one day: the bits of the probability and the id of the customer before it.
type Place = (Uuid, i64, u64, Uuid);

/// Scores everybody in `reach` who has ordered and refused no automated decisions by `now`.
fn score(
    snapshot: &Snapshot,
    zone: Zone,
    reach: &Reach,
    (as_of, now): (i64, Timestamp),
    recipe: Recipe,
    model: Model,
) -> Result<Scored, IntentError> {
    let mut scored = Scored { model, as_of, scores: Vec::new(), withheld: 0 };
    let mut ids: Vec<CustomerId> = Vec::new();
    let mut rows = Rows::new(recipe);
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
        reach,
        |_| true,
        |buyer| {
            if buyer.refused_from.is_some_and(|from| from <= now) {
                scored.withheld += 1;
            } else if rows.push(&buyer, as_of) {
                ids.push(buyer.id);
            }
            if ids.len() >= CHUNK {
                let full = std::mem::replace(&mut rows, Rows::new(recipe));
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
    let head = active(engine, cx).await?.ok_or(IntentRefused::NoModel)?;
    engine.fresh().await?;
    let shops = engine.shops();
    let recipe = recipe(&shops, head.horizon_days);
    let (zone, today, now) = (shops.frame().zone, today(&shops, cx), cx.now());
    let make = async {
        let text = model_text(engine, cx, head.id).await?.ok_or(IntentRefused::NoModel)?;
        let model = apart(move || Model::from_json(&text)).await??;
        let reach = cx.access.reach().clone();
        let work = move |snapshot: &Snapshot| {
            let span = snapshot.order_span(zone).ok_or(LearnError::NoOrders)?;
            let days = (as_of(span.last, today), now);
            Ok::<_, LearnError>(score(snapshot, zone, &reach, days, recipe, model)?)
        };
        match engine.ask_apart(work).await? {
            Err(LearnError::Model(IntentError::Encode(error))) => Err(error.into()),
            made => Ok::<_, IntentRefused>(made?),
        }
    };
    let by = By { model: head.id, today, recipe };
    let scored = engine.analyses().intents.get_or(engine, cx, by, make).await?;
    Ok((head, scored, recipe))
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
    let after = params.after.as_deref().map(Cursor::decode::<Place>).transpose()?;
    let (head, scored, recipe) = scored(engine, cx).await?;
    let is_other = |place: &Place| (place.0, place.1) != (head.id.uuid(), scored.as_of);
    if after.as_ref().is_some_and(is_other) {
        return Err(IntentRefused::ListChanged);
    }
    let bounds = scored.model.tiers();
    let counts = IntentTier::ALL.map(|one| IntentTierCount {
        tier: one,
        from_probability: match one {
            IntentTier::High => bounds.high,
            IntentTier::Medium => bounds.medium,
            IntentTier::Low => 0.0,
        },
        customers: scored.range(Some(one)).len() as u64,
    });
    let wanted = &scored.scores[scored.range(params.tier)];
    let begin = after.map_or(0, |(_, _, bits, id)| {
        let (last, id) = (f64::from_bits(bits), CustomerId::from_uuid(id));
        wanted.partition_point(|(score, of)| {
            last.total_cmp(score).then(of.cmp(&id)) != std::cmp::Ordering::Greater
        })
    });
    let may_read = cx.access.permissions().allow("customers.read");
    let end = if may_read { (begin + limit.get()).min(wanted.len()) } else { begin };
    let page = wanted[begin..end].to_vec();
    let next = page.last().filter(|_| end < wanted.len()).map(|(score, id)| {
        let place: Place = (head.id.uuid(), scored.as_of, score.to_bits(), id.uuid());
        Cursor::encode(&place)
    });
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
