//! What is asked of the list of customers: every filter and sort of docs/api.md, depth, search.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use chrono::Days;
use demoshop::ShopPlan;
use serde_json::{Value, json};

use super::client::{Client, escape};
use super::generate::LAST_DAY;
use crate::cli::say;

const LIST: &str = "/api/v1/customers";
/// Rows of a page, as the pages ask for them.
const LIMIT: usize = 50;
/// Different values of a filter: as many as are asked for in ten seconds, so that an answer that the
/// server remembers is not what is measured.
const VALUES: u32 = 1_000;
/// Pages that are walked one after the other.
const WALK: usize = 150;
/// Places all over the list from which names are taken and pages begin.
const PLACES: u64 = 60;
/// Customers with a tag: pages of 200.
const TAGGED_PAGES: usize = 25;
/// Customers with a rating.
const RATED: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    FirstPage,
    Filter,
    Sort,
    Depth,
    Search,
}

impl Group {
    pub(super) const ALL: [Self; 5] =
        [Self::FirstPage, Self::Filter, Self::Sort, Self::Depth, Self::Search];

    /// Milliseconds at the 95th percentile.
    pub(super) const fn goal_ms(self) -> f64 {
        match self {
            Self::Search => 30.0,
            _ => 10.0,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::FirstPage => "first_page",
            Self::Filter => "worst_filter",
            Self::Sort => "worst_sort",
            Self::Depth => "depth",
            Self::Search => "search",
        }
    }
}

/// Requests of one kind, asked for in turn.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) group: Group,
    pub(super) name: String,
    pub(super) paths: Vec<String>,
}

impl Case {
    fn new(group: Group, name: impl Into<String>, queries: Vec<String>) -> Self {
        let path = |query: &String| match query.as_str() {
            "" => format!("{LIST}?limit={LIMIT}"),
            query => format!("{LIST}?limit={LIMIT}&{query}"),
        };
        Self { group, name: name.into(), paths: queries.iter().map(path).collect() }
    }
}

/// Tags and rates some customers, looks at what there is, and gives all cases.
pub(super) async fn prepare(client: &Client) -> Result<Vec<Case>> {
    let walk = walk(client).await?;
    let places = places(client).await?;
    let sample = Sample::take(client, &places).await?;
    let tag = tag_some(client).await?;
    rate_some(client).await?;
    let shops = client.get("/api/v1/commerce/shops").await?;
    let shops = shops.get("items").unwrap_or(&shops);
    let shops: Vec<String> =
        shops.as_array().into_iter().flatten().filter_map(|shop| text(&shop["id"])).collect();
    ensure!(!shops.is_empty(), "there is no shop");
    say(&format!(
        "  {} pages walked, {} places in the middle, {} surnames, {} names, {} accounts",
        walk.len(),
        places.len(),
        sample.surnames.len(),
        sample.names.len(),
        sample.accounts.len()
    ));

    let mut cases = vec![Case::new(Group::FirstPage, "first page", vec![String::new()])];
    cases.extend(filters(&sample, &shops, &tag));
    for key in
        ["last_order_at", "first_order_at", "orders", "revenue", "average_order", "created_at"]
    {
        for sort in [key.to_owned(), format!("-{key}")] {
            cases.push(Case::new(Group::Sort, sort.clone(), vec![format!("sort={sort}")]));
        }
    }
    let after = |cursors: &[String]| cursors.iter().map(|next| format!("after={next}")).collect();
    cases.push(Case::new(Group::Depth, "page after page", after(&walk)));
    cases.push(Case::new(Group::Depth, "far in the middle", after(&places)));
    for (name, words) in [
        ("one character", &sample.surnames),
        ("two characters", &sample.names),
        ("Latin", &sample.accounts),
    ] {
        let queries = words.iter().map(|word| format!("q={}", escape(word))).collect();
        cases.push(Case::new(Group::Search, name, queries));
    }
    cases.retain(|case| !case.paths.is_empty());
    Ok(cases)
}

/// Each documented filter alone, and some together.
fn filters(sample: &Sample, shops: &[String], tag: &str) -> Vec<Case> {
    let numbered = |of: &dyn Fn(u32) -> String| (0..VALUES).map(of).collect::<Vec<_>>();
    let each = |name: &str, values: &[&str]| -> Vec<String> {
        values.iter().map(|value| format!("{name}={}", escape(value))).collect()
    };
    let strings = |values: &[String]| values.iter().map(|value| escape(value)).collect::<Vec<_>>();
    let days = |name: &str| numbered(&|n| format!("{name}={}", day_back(u64::from(n))));
    let tiers: Vec<&str> =
        analytics::Scheme::Eleven.tiers().iter().map(|tier| tier.code()).collect();
    let classic: Vec<&str> =
        analytics::Scheme::Classic.tiers().iter().map(|tier| tier.code()).collect();
    let provinces = strings(&sample.provinces);
    let all = [
        ("shop", shops.iter().map(|shop| format!("shop={shop}")).collect()),
        ("tag", vec![format!("tag={tag}")]),
        ("tier", each("tier", &tiers)),
        ("classic", each("classic", &classic)),
        (
            "cell",
            numbered(&|n| format!("cell=R{}F{}M{}", n / 25 % 5 + 1, n / 5 % 5 + 1, n % 5 + 1)),
        ),
        ("province", provinces.iter().map(|name| format!("province={name}")).collect()),
        ("rating", each("rating", &["A", "B", "C", "D"])),
        ("orders_min", numbered(&|n| format!("orders_min={}", n % 12 + 1))),
        ("orders_max", numbered(&|n| format!("orders_max={}", n % 12 + 1))),
        ("revenue_min", numbered(&|n| format!("revenue_min={}", 1_000 + 97 * n))),
        ("revenue_max", numbered(&|n| format!("revenue_max={}", 1_000 + 97 * n))),
        ("last_order_from", days("last_order_from")),
        ("last_order_to", days("last_order_to")),
        ("first_order_from", days("first_order_from")),
        ("first_order_to", days("first_order_to")),
        (
            "five filters together",
            numbered(&|n| {
                let tier = tiers[n as usize % tiers.len()];
                let province = provinces.get(n as usize % provinces.len().max(1));
                format!(
                    "tier={tier}&province={}&orders_min=1&revenue_min={n}&last_order_to={}",
                    province.map_or("", String::as_str),
                    day_back(u64::from(n / 3))
                )
            }),
        ),
    ];
    all.into_iter().map(|(name, queries)| Case::new(Group::Filter, name, queries)).collect()
}

fn day_back(days: u64) -> chrono::NaiveDate {
    LAST_DAY.checked_sub_days(Days::new(days)).unwrap_or(LAST_DAY)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn items(page: &Value) -> impl Iterator<Item = &Value> {
    page["items"].as_array().into_iter().flatten()
}

/// Cursors of the first pages, each from the page before it.
async fn walk(client: &Client) -> Result<Vec<String>> {
    let mut cursors: Vec<String> = Vec::new();
    while cursors.len() < WALK {
        let after = cursors.last().map(|next| format!("&after={next}")).unwrap_or_default();
        let page = client.get(&format!("{LIST}?limit={LIMIT}{after}")).await?;
        let Some(next) = text(&page["next"]) else { break };
        cursors.push(next);
    }
    Ok(cursors)
}

/// Cursors all over the list in its usual order, the latest order first: the end of a page that
/// begins on a given day is a place in the list of all.
async fn places(client: &Client) -> Result<Vec<String>> {
    let long = ShopPlan::ending(LAST_DAY);
    let days = (long.to - long.from).num_days().unsigned_abs();
    let mut cursors = Vec::new();
    for place in 0..PLACES {
        let day = day_back(days * place / PLACES);
        let page = client.get(&format!("{LIST}?limit=1&last_order_to={day}")).await?;
        cursors.extend(text(&page["next"]));
    }
    cursors.dedup();
    Ok(cursors)
}

/// Words that occur in the data.
#[derive(Debug, Default)]
struct Sample {
    surnames: Vec<String>,
    names: Vec<String>,
    accounts: Vec<String>,
    provinces: Vec<String>,
}

impl Sample {
    async fn take(client: &Client, places: &[String]) -> Result<Self> {
        let [mut surnames, mut names, mut accounts, mut provinces] =
            [(); 4].map(|()| BTreeSet::new());
        for place in places {
            let page = client.get(&format!("{LIST}?limit={LIMIT}&after={place}")).await?;
            for row in items(&page) {
                provinces.extend(text(&row["province"]));
                let name: Vec<char> = row["name"].as_str().unwrap_or_default().chars().collect();
                if name.first().is_some_and(|first| !first.is_ascii()) {
                    surnames.insert(name[0].to_string());
                    names.insert(name.iter().take(2).collect::<String>());
                }
                for account in row["accounts"].as_array().into_iter().flatten() {
                    let latin: String = account["value"]
                        .as_str()
                        .unwrap_or_default()
                        .chars()
                        .take_while(char::is_ascii_alphabetic)
                        .take(4)
                        .collect();
                    if !latin.is_empty() {
                        accounts.insert(latin);
                    }
                }
            }
        }
        let [surnames, names, accounts, provinces] =
            [surnames, names, accounts, provinces].map(|words| words.into_iter().collect());
        Ok(Self { surnames, names, accounts, provinces })
    }
}

/// Makes a tag that some of the first customers have, and gives its id.
async fn tag_some(client: &Client) -> Result<String> {
    let body = json!({ "name": "bench", "colour": "blue" });
    let tag = client.post("/api/v1/customers/tags", &body).await?;
    let id = text(&tag["id"]).context("a tag without id")?;
    let mut after = String::new();
    for _ in 0..TAGGED_PAGES {
        let page = client.get(&format!("{LIST}?limit=200&sort=-revenue{after}")).await?;
        let customers: Vec<&Value> = items(&page).map(|row| &row["id"]).collect();
        let body = json!({ "customers": customers, "add": [id], "remove": [] });
        client.post("/api/v1/customers/bulk/tags", &body).await?;
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    Ok(id)
}

async fn rate_some(client: &Client) -> Result<()> {
    let page = client.get(&format!("{LIST}?limit={RATED}&sort=created_at")).await?;
    for (row, rating) in items(&page).zip(["A", "B", "C", "D"].iter().cycle()) {
        let path = format!("{LIST}/{}", row["id"].as_str().unwrap_or_default());
        let card = client.get(&path).await?;
        client.patch(&path, &card["version"], &json!({ "rating": rating })).await?;
    }
    Ok(())
}
