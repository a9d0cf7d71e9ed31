//! A slow engine that is plainly right.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use kernel::{
    CustomerId, LevelSchemeId, ProgrammeId, Reach, ShopId, TagId, Timestamp, TypedId, UserId, Zone,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::daily::day_number;
use crate::{
    Bins, CellPattern, ContactChannel, ContactPurpose, ContactSpan, CustomerFeed, Engine, Filter,
    ListCursor, ListQuery, LoyaltyFeed, OrderFact, Rfm, RfmQuery, Score, Sort, SortKey, Span, Tier,
    average_minor,
};

pub(crate) fn customer(n: u8) -> CustomerId {
    CustomerId::from_uuid(Uuid::from_u128(u128::from(n) << 64 | 7))
}

pub(crate) fn shop(n: u8) -> ShopId {
    ShopId::from_uuid(Uuid::from_u128(u128::from(n)))
}

pub(crate) fn tag(n: u8) -> TagId {
    TagId::from_uuid(Uuid::from_u128(u128::from(n)))
}

pub(crate) fn user(n: u8) -> UserId {
    UserId::from_uuid(Uuid::from_u128(u128::from(n) + 1))
}

pub(crate) fn scheme(n: u8) -> LevelSchemeId {
    LevelSchemeId::from_uuid(Uuid::from_u128(u128::from(n) + 1))
}

pub(crate) fn programme(n: u8) -> ProgrammeId {
    ProgrammeId::from_uuid(Uuid::from_u128(u128::from(n) + 1))
}

/// Ranks and points in two schemes and two programmes, those that mean none among them; few have any.
pub(crate) fn loyalty_strategy() -> impl Strategy<Value = LoyaltyFeed> {
    let rank = prop_oneof![6 => 0_u8..4, 1 => 254_u8..=255];
    let points = prop_oneof![
        6 => 0_i64..6,
        1 => prop::sample::select(vec![i64::from(i32::MIN), i64::from(i32::MAX) + 1, i64::MAX]),
    ];
    let levels = prop::collection::btree_map((0_u8..2).prop_map(scheme), rank, 0..3);
    let points = prop::collection::btree_map((0_u8..2).prop_map(programme), points, 0..3);
    let some = (levels, points).prop_map(|(levels, points)| LoyaltyFeed {
        levels: levels.into_iter().rev().collect(),
        points: points.into_iter().rev().collect(),
    });
    prop_oneof![Just(LoyaltyFeed::default()), some]
}

pub(crate) fn reach_strategy() -> impl Strategy<Value = Reach> {
    let region = prop::sample::select(vec!["浙江省", "广东省", "江苏省"]).prop_map(str::to_owned);
    let owners = prop::collection::vec((0_u8..4).prop_map(user), 0..3);
    let part = (owners, prop::collection::vec(region, 0..3))
        .prop_map(|(owners, regions)| Reach::part(owners, regions));
    prop::collection::vec(part, 0..3)
        .prop_map(|parts| parts.iter().fold(Reach::ALL, |all, part| all.both(part)))
}

pub(crate) const HOUR_MS: i64 = 3_600_000;

/// Everything known, by id.
pub(crate) type Model = BTreeMap<CustomerId, (CustomerFeed, Vec<OrderFact>)>;

#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "few stand at a time, nearly all of them the largest")]
pub(crate) enum Op {
    Upsert(CustomerFeed, Vec<OrderFact>),
    Remove(CustomerId),
    /// Takes a compaction.
    Begin,
    /// Installs the compaction taken last.
    Finish,
    SetScores,
}

/// Spans of two ways, at whole days of China and around them; those of one pair do not meet.
pub(crate) fn contact_strategy() -> impl Strategy<Value = Vec<ContactSpan>> {
    let pair = (
        prop::sample::select(&ContactChannel::ALL[..2]),
        prop::sample::select(ContactPurpose::ALL),
    );
    let moment = (0_i64..4, -1_i64..2).prop_map(|(day, ms)| (24 * day - 8) * HOUR_MS + ms);
    let moments = prop::collection::btree_set(moment, 1..4);
    prop::collection::btree_map(pair, moments, 0..3).prop_map(|all| {
        let spans = all.into_iter().flat_map(|((channel, purpose), moments)| {
            let moments: Vec<Timestamp> = moments.into_iter().map(Timestamp::from_millis).collect();
            let span = |ends: &[Timestamp]| ContactSpan {
                channel,
                purpose,
                from: ends[0],
                until: ends.get(1).copied(),
            };
            moments.chunks(2).map(span).rev().collect::<Vec<_>>()
        });
        spans.collect()
    })
}

pub(crate) fn feed_strategy() -> impl Strategy<Value = (CustomerFeed, Vec<OrderFact>)> {
    let name = prop::sample::select(vec!["张三", "张伟", "Zhang San", "", "李四 VIP"]);
    let accounts = prop::sample::select(vec!["tb1", "tb12 pdd12", "", "ZHANG"]);
    let province = prop::sample::select(vec!["浙江省", "广东省", ""]);
    let fact = (0_i64..72, 0_u8..3, -3_i64..9).prop_map(|(hours, s, revenue)| OrderFact {
        ordered_at: Timestamp::from_millis(hours * HOUR_MS),
        shop: shop(s),
        revenue_minor: revenue * 50,
    });
    (
        0_u8..40,
        name,
        accounts,
        province,
        (prop::option::of(0_u8..3), prop::option::of((0_u8..3).prop_map(user))),
        (0_i64..4, prop::option::weighted(0.3, 0_i64..6), contact_strategy(), loyalty_strategy()),
        prop::collection::vec(0_u8..3, 0..3),
        prop::collection::vec(fact, 0..5),
    )
        .prop_map(|(id, name, accounts, province, (rating, owner), moments, tags, facts)| {
            let (created, refused, contact, loyalty) = moments;
            let feed = CustomerFeed {
                id: customer(id),
                name: name.to_owned(),
                accounts: accounts.to_owned(),
                province: province.to_owned(),
                rating,
                owner,
                created_at: Timestamp::from_millis(created),
                tags: tags.into_iter().map(tag).collect(),
                refused_from: refused.map(Timestamp::from_millis),
                contact,
                loyalty,
            };
            (feed, facts)
        })
}

pub(crate) fn op_strategy() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => feed_strategy().prop_map(|(feed, facts)| Op::Upsert(feed, facts)),
        3 => (0_u8..40).prop_map(|n| Op::Remove(customer(n))),
        1 => Just(Op::Begin),
        1 => Just(Op::Finish),
        1 => Just(Op::SetScores),
    ]
}

fn span_strategy(low: i64, high: i64) -> impl Strategy<Value = Span> {
    let end = move || prop::option::weighted(0.15, low..high);
    (end(), end()).prop_map(|(min, max)| Span { min, max })
}

pub(crate) fn filter_strategy() -> impl Strategy<Value = Filter> {
    let ids = || prop::collection::vec((0_u8..40).prop_map(customer), 0..20);
    let q = prop::sample::select(vec!["张", "zhang", "1", "12", "ＶＩＰ", " ", "三"]);
    let by_number = (
        span_strategy(0, 5),
        span_strategy(-200, 800),
        span_strategy(0, 72 * HOUR_MS),
        span_strategy(0, 72 * HOUR_MS),
    );
    let score = || prop::option::weighted(0.7, 1_u8..4);
    let by_standing = (
        prop::option::weighted(0.2, prop::sample::subsequence(Tier::ALL[..11].to_vec(), 0..6)),
        prop::option::weighted(0.2, prop::sample::subsequence(Tier::ALL[11..].to_vec(), 0..5)),
        prop::option::weighted(0.15, (score(), score(), score())),
    );
    let rest = (
        prop::option::weighted(0.3, q),
        prop::option::weighted(0.3, ids()),
        prop::option::weighted(0.15, ids()),
        prop::option::weighted(0.2, 0_u8..4),
        prop::option::weighted(0.2, 0_u8..4),
        prop::option::weighted(0.2, prop::sample::select(vec!["浙江省", "", "江苏省"])),
        prop::option::weighted(0.2, 0_u8..4),
        prop::option::weighted(0.3, 0_u8..4),
    );
    let seen = (
        prop::option::weighted(0.15, prop::option::of((0_u8..4).prop_map(user))),
        prop_oneof![3 => Just(Reach::ALL), 1 => reach_strategy()],
        span_strategy(0, 6),
    );
    (by_number, by_standing, rest, seen).prop_map(|(numbers, standing, rest, seen)| {
        let (owner, reach, refused_from) = seen;
        let (orders, revenue, last_order, first_order) = numbers;
        let (tier, classic, cell) = standing;
        let (q, also, ids, shop_no, tag_no, province, rating, amounts_of) = rest;
        Filter {
            q: q.map(str::to_owned),
            also: also.unwrap_or_default(),
            ids,
            members: None,
            shop: shop_no.map(shop),
            tag: tag_no.map(tag),
            tier: tier.unwrap_or_default(),
            classic: classic.unwrap_or_default(),
            cell: cell.map(|(r, f, m)| CellPattern { r, f, m }),
            province: province.map(str::to_owned),
            rating,
            owner,
            reach,
            refused_from,
            orders,
            revenue,
            last_order,
            first_order,
            amounts_of: amounts_of.map(shop),
        }
    })
}

pub(crate) fn sort_strategy() -> impl Strategy<Value = Sort> {
    (prop::sample::select(SortKey::ALL.to_vec()), any::<bool>())
        .prop_map(|(key, descending)| Sort { key, descending })
}

pub(crate) fn rfm_query(day: u64, bins: u8, of: Option<u8>) -> RfmQuery {
    RfmQuery {
        as_of: chrono::NaiveDate::default() + chrono::Days::new(day),
        zone: Zone::CHINA,
        bins: Bins::quantile(bins).unwrap(),
        shop: of.map(shop),
        minor_per_major: 100,
    }
}

fn value(key: SortKey, feed: &CustomerFeed, facts: &[OrderFact]) -> Option<i64> {
    let revenue: i64 = facts.iter().map(|fact| fact.revenue_minor).sum();
    let times = facts.iter().map(|fact| fact.ordered_at.millis());
    match key {
        SortKey::LastOrderAt => times.max(),
        SortKey::FirstOrderAt => times.min(),
        SortKey::Orders => Some(facts.len() as i64),
        SortKey::Revenue => Some(revenue),
        SortKey::AverageOrder => average_minor(revenue, facts.len() as u32),
        SortKey::CreatedAt => Some(feed.created_at.millis()),
    }
}

fn value_in(
    key: SortKey,
    feed: &CustomerFeed,
    facts: &[OrderFact],
    amounts_of: Option<ShopId>,
) -> Option<i64> {
    let Some(shop) = amounts_of.filter(|_| key.is_amount()) else { return value(key, feed, facts) };
    let of_shop: Vec<_> = facts.iter().filter(|fact| fact.shop == shop).copied().collect();
    value(key, feed, &of_shop)
}

/// Recency, frequency and monetary value up to the as-of day of `query`.
pub(crate) fn values(query: &RfmQuery, facts: &[OrderFact]) -> Option<[i64; 3]> {
    let as_of = day_number(Timestamp::start_of(query.as_of, query.zone).millis(), query.zone);
    let counted: Vec<(i64, i64)> = facts
        .iter()
        .filter(|fact| query.shop.is_none_or(|shop| fact.shop == shop))
        .map(|fact| (day_number(fact.ordered_at.millis(), query.zone), fact.revenue_minor))
        .filter(|(day, _)| *day <= as_of)
        .collect();
    let last = counted.iter().map(|(day, _)| *day).max()?;
    Some([as_of - last, counted.len() as i64, counted.iter().map(|(_, revenue)| revenue).sum()])
}

/// The score by published thresholds, in floating point.
pub(crate) fn score(rfm: &Rfm, facts: &[OrderFact]) -> Option<Score> {
    let [recency, orders, revenue] = values(rfm.query(), facts)?;
    let thresholds = rfm.thresholds();
    let bin = |bounds: &[f64], value: f64| bounds.iter().filter(|b| **b <= value).count() as u8;
    let unit = rfm.query().minor_per_major as f64;
    Some(Score {
        r: rfm.query().bins.counts()[0] - bin(&thresholds.r, recency as f64),
        f: 1 + bin(&thresholds.f, orders as f64),
        m: 1 + bin(&thresholds.m, revenue as f64 / unit),
    })
}

/// Whether a customer is in `reach`, part by part.
pub(crate) fn in_reach(feed: &CustomerFeed, reach: &Reach) -> bool {
    reach.parts().iter().all(|part| {
        feed.owner.is_some_and(|owner| part.owners().contains(&owner))
            || (!feed.province.is_empty() && part.regions().contains(&feed.province))
    })
}

fn passes(model: &(CustomerFeed, Vec<OrderFact>), filter: &Filter, scores: Option<&Rfm>) -> bool {
    let (feed, facts) = model;
    let at = |key| value_in(key, feed, facts, filter.amounts_of);
    let within = |span: Span, value: Option<i64>| {
        span.is_open() || value.is_some_and(|value| span.contains(value))
    };
    let needle = filter.q.as_deref().map(kernel::text::fold).filter(|needle| !needle.is_empty());
    let text = |text: &str, needle: &str| kernel::text::fold(text).contains(needle);
    let standing = scores.and_then(|rfm| Some(rfm.standing(score(rfm, facts)?)));
    let by_standing =
        |wanted: &dyn Fn(&crate::Standing) -> bool| standing.is_some_and(|s| wanted(&s));
    needle.is_none_or(|needle| {
        text(&feed.name, &needle) || text(&feed.accounts, &needle) || filter.also.contains(&feed.id)
    }) && filter.ids.as_ref().is_none_or(|ids| ids.contains(&feed.id))
        && filter.shop.is_none_or(|shop| facts.iter().any(|fact| fact.shop == shop))
        && filter.tag.is_none_or(|tag| feed.tags.contains(&tag))
        && (filter.tier.is_empty() || by_standing(&|s| filter.tier.contains(&s.tier)))
        && (filter.classic.is_empty() || by_standing(&|s| filter.classic.contains(&s.classic)))
        && filter.cell.is_none_or(|cell| by_standing(&|s| cell.has(s.score)))
        && filter.province.as_ref().is_none_or(|province| *province == feed.province)
        && filter.rating.is_none_or(|rating| feed.rating == Some(rating))
        && filter.owner.is_none_or(|owner| feed.owner == owner)
        && in_reach(feed, &filter.reach)
        && filter.refused_from.contains(feed.refused_from.map_or(i64::MAX, Timestamp::millis))
        && within(filter.orders, at(SortKey::Orders))
        && within(filter.revenue, at(SortKey::Revenue))
        && within(filter.last_order, at(SortKey::LastOrderAt))
        && within(filter.first_order, at(SortKey::FirstOrderAt))
}

/// All customers who pass, in order.
pub(crate) fn list(
    model: &Model,
    filter: &Filter,
    sort: Sort,
    scores: Option<&Rfm>,
) -> Vec<CustomerId> {
    let mut rows: Vec<(Option<i64>, CustomerId)> = model
        .values()
        .filter(|row| passes(row, filter, scores))
        .map(|(feed, facts)| (value_in(sort.key, feed, facts, filter.amounts_of), feed.id))
        .collect();
    rows.sort_by(|a, b| {
        let directed = |o: Ordering| if sort.descending { o.reverse() } else { o };
        a.0.is_none().cmp(&b.0.is_none()).then(directed(a.cmp(b)))
    });
    rows.into_iter().map(|(_, id)| id).collect()
}

/// All pages of the engine, one after the other.
pub(crate) fn pages(engine: &Engine, filter: &Filter, sort: Sort, limit: usize) -> Vec<CustomerId> {
    let mut ids = Vec::new();
    let mut after: Option<ListCursor> = None;
    loop {
        let page = engine.list(&ListQuery { filter: filter.clone(), sort, after, limit });
        assert!(page.ids.len() <= limit);
        ids.extend(page.ids);
        assert!(page.total >= ids.len() as u64, "a customer came twice");
        after = page.next;
        if after.is_none() {
            assert_eq!(page.total, ids.len() as u64, "the total is exact");
            return ids;
        }
    }
}

/// An engine loaded with all of `model` at once, customers and orders backwards.
pub(crate) fn fresh(model: &Model) -> Engine {
    let mut loader = Engine::builder();
    model.values().rev().for_each(|(feed, _)| loader.customer(feed));
    let mut loader = loader.facts();
    let facts = model.values().flat_map(|(feed, facts)| facts.iter().map(|fact| (feed.id, *fact)));
    let facts: Vec<(CustomerId, OrderFact)> = facts.collect();
    for (id, fact) in facts.into_iter().rev() {
        assert!(loader.fact(id, fact));
    }
    loader.build().unwrap()
}
