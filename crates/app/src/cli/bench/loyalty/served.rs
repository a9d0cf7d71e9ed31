//! Quotes over HTTP: the routes, the rights, the database and the JSON with the pricing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result};
use pricing::Promotion;
use pricing::bench::{Numbers, busy_week, cart};
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use super::LINES;
use crate::cli::bench::client::Client;
use crate::cli::bench::figures::Figures;
use crate::cli::bench::open_loop::Ask;
use crate::cli::bench::serving::{self, Serving};
use crate::cli::bench::stores::Store;
use crate::cli::say;

/// Connections that ask at once, each its next question when it has its answer.
const CONNECTIONS: usize = 16;
/// Carts that are asked about by turns.
const CARTS: usize = 200;
const GOAL_PER_S: f64 = 2_000.0;
/// What stands beside the terms of a promotion.
const BESIDE: [&str; 6] = ["id", "name", "coupon", "period", "limits", "budget_left_minor"];

/// `quotes` of 20 lines by guests against the promotions of a busy week that need no coupon, made up to 200. Promotions
/// with a stock are left out: how many pieces are left is asked of the database each time.
pub(super) async fn measure(
    figures: &mut Figures,
    store: &Store,
    quotes: u32,
    rounds: u32,
) -> Result<()> {
    serving::add_user(store).await?;
    // The bound of requests of one sign-in is not what is measured.
    let serving = Serving::start_with(store, &["--requests-per-second", "0"]).await?;
    let done = ask(figures, store, &serving, quotes, rounds).await;
    serving.stop().await?;
    done
}

async fn ask(
    figures: &mut Figures,
    store: &Store,
    serving: &Serving,
    quotes: u32,
    rounds: u32,
) -> Result<()> {
    let client = &serving.client;
    let shop = json!({"name": "bench", "channel": "own", "currency": "CNY"});
    let shop = client.post("/api/v1/commerce/shops", &shop).await?["id"].clone();
    let mut numbers = Numbers(super::SEED);
    let mut week: Vec<Promotion> = busy_week(&mut numbers);
    week.retain(|one| !one.coupon && !one.id.starts_with("flash"));
    let live = 200;
    for (n, promotion) in week.iter().cycle().take(live).enumerate() {
        begin(client, promotion, n).await.with_context(|| promotion.id.clone())?;
    }
    let asks: Arc<Vec<Ask>> = Arc::new(
        (0..CARTS)
            .map(|_| {
                let body = json!({"shop": shop, "cart": cart(&mut numbers, LINES)});
                Ask::post("quote", "/api/v1/loyalty/quotes".to_owned(), &body)
            })
            .collect(),
    );
    let mut rates = Vec::new();
    // The first round fills caches and is not counted.
    for round in 0..=rounds {
        let begun = Instant::now();
        all(client, &asks, quotes).await?;
        let rate = f64::from(quotes) / begun.elapsed().as_secs_f64();
        if round > 0 {
            say(&format!("  round {round}: {rate:.0} quotes a second"));
            rates.push(rate);
        }
    }
    let on = store.database.name();
    figures.at_least(format!("quotes_over_http_{on}_per_s"), "/s", GOAL_PER_S, &rates);
    Ok(())
}

/// Keeps a promotion and sets it live.
async fn begin(client: &Client, promotion: &Promotion, n: usize) -> Result<()> {
    let mut terms: Map<String, Value> = match serde_json::to_value(promotion)? {
        Value::Object(terms) => terms,
        _ => Map::new(),
    };
    terms.retain(|field, _| !BESIDE.contains(&field.as_str()));
    let rules = json!({"terms": terms, "starts_at": promotion.period.starts_at});
    let body = json!({"name": format!("{} {n}", promotion.id), "rules": rules});
    let made = client.post("/api/v1/loyalty/promotions", &body).await?;
    let id = made["promotion"]["id"].as_str().context("a promotion without an id")?;
    client
        .put(&format!("/api/v1/loyalty/promotions/{id}/state"), &json!({"state": "live"}))
        .await?;
    Ok(())
}

/// Asks `quotes` questions over [`CONNECTIONS`].
async fn all(client: &Client, asks: &Arc<Vec<Ask>>, quotes: u32) -> Result<()> {
    let next = Arc::new(AtomicU32::new(0));
    let mut askers: JoinSet<Result<()>> = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (client, asks, next) = (client.clone(), Arc::clone(asks), Arc::clone(&next));
        askers.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= quotes {
                    return Ok(());
                }
                client.ask(&asks[n as usize % asks.len()]).await?;
            }
        });
    }
    while let Some(ended) = askers.join_next().await {
        ended??;
    }
    Ok(())
}
