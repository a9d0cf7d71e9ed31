//! Random worlds and trees, small enough that moments, shops and products meet.

use analytics::audience::{AsOf, Bounds, Definitions, Measure, Node, Orders, Product, When};
use analytics::{
    CellPattern, ContactChannel, ContactPurpose, ContactSpan, CustomerFeed, LoyaltyFeed, OrderFact,
    Tier,
};
use chrono::{Days, NaiveDate};
use kernel::{Timestamp, Zone};
use proptest::prelude::*;

use crate::oracle::Asked;
use crate::world::{
    Line, Order, Person, at, audience, customer, programme, scheme, shop, tag, user,
};

const PRODUCTS: [(&str, &str); 6] = [
    ("LJ-1", "明前龙井 50g"),
    ("LJ-2", "龙井茶礼盒"),
    ("", "Tea Cup"),
    ("C9", "tea pot"),
    ("C9", "茶壶"),
    ("50%_", "it's \\ 'quoted'"),
];

fn words(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(of).prop_map(str::to_owned)
}

/// Hours of six days, with the milliseconds around each.
fn moment() -> impl Strategy<Value = Timestamp> {
    let hours = prop_oneof![3 => (0_i64..7).prop_map(|day| day * 24), 2 => 0_i64..150];
    (hours, prop::sample::select(vec![-1_i64, 0, 0, 0, 1])).prop_map(|(h, ms)| at(h, ms))
}

fn order() -> impl Strategy<Value = Order> {
    let line = (prop::sample::select(&PRODUCTS[..]), -1_i64..4, -2_i64..6).prop_map(
        |((code, title), quantity, amount)| Line {
            code: code.to_owned(),
            title: title.to_owned(),
            quantity,
            amount_minor: amount * 50,
        },
    );
    (moment(), 0_u8..3, -3_i64..9, prop::collection::vec(line, 1..4)).prop_map(
        |(ordered_at, of, revenue, lines)| Order {
            fact: OrderFact { ordered_at, shop: shop(of), revenue_minor: revenue * 50 + 1 },
            lines,
        },
    )
}

fn pair() -> impl Strategy<Value = (ContactChannel, ContactPurpose)> {
    let channel = prop::sample::select(&ContactChannel::ALL[3..5]);
    (channel, prop::sample::select(ContactPurpose::ALL))
}

/// Spans of two ways; those of one pair do not meet.
fn contact() -> impl Strategy<Value = Vec<ContactSpan>> {
    let moments = prop::collection::btree_set(moment(), 1..4);
    prop::collection::btree_map(pair(), moments, 0..3).prop_map(|all| {
        let spans = all.into_iter().flat_map(|((channel, purpose), moments)| {
            let moments: Vec<Timestamp> = moments.into_iter().collect();
            let span = |ends: &[Timestamp]| ContactSpan {
                channel,
                purpose,
                from: ends[0],
                until: ends.get(1).copied(),
            };
            moments.chunks(2).map(span).collect::<Vec<_>>()
        });
        spans.collect()
    })
}

/// Ranks and points in two schemes and two programmes, those that mean none among them.
fn loyalty() -> impl Strategy<Value = LoyaltyFeed> {
    let levels = prop::collection::btree_map((0_u8..2).prop_map(scheme), 0_u8..4, 0..3);
    let points = prop_oneof![6 => 0_i64..6, 1 => Just(i64::from(i32::MAX) + 1)];
    let points = prop::collection::btree_map((0_u8..2).prop_map(programme), points, 0..3);
    (levels, points).prop_map(|(levels, points)| LoyaltyFeed {
        levels: levels.into_iter().rev().collect(),
        points: points.into_iter().rev().collect(),
    })
}

fn person(n: u8) -> impl Strategy<Value = Person> {
    let texts = (
        words(&["张三", "张伟", "Zhang San", "", "李四 VIP", "O'Neil", "a\"\\%_", "tb"]),
        words(&["tb1", "tb12 pdd12", "", "ZHANG", "三"]),
        words(&["浙江省", "广东省", "", "O'"]),
    );
    let known = (
        prop::option::of(0_u8..4),
        prop::option::of((0_u8..3).prop_map(user)),
        moment(),
        prop::option::weighted(0.3, moment()),
        (prop::collection::vec((0_u8..3).prop_map(tag), 0..3), contact(), loyalty()),
    );
    let orders = (prop::collection::vec(order(), 0..6), prop::collection::vec(order(), 0..3));
    (texts, known, orders).prop_map(
        move |((name, accounts, province), known, (orders, refunds))| {
            let (rating, owner, created_at, refused_from, (tags, contact, loyalty)) = known;
            let id = customer(n);
            let feed = CustomerFeed {
                id,
                name,
                accounts,
                province,
                rating,
                owner,
                created_at,
                tags,
                refused_from,
                contact,
                loyalty,
            };
            Person { feed, standing: None, orders, refunds }
        },
    )
}

/// Up to sixty people, by id.
pub(crate) fn people() -> impl Strategy<Value = Vec<Person>> {
    (0_u8..60).prop_flat_map(|count| (0..count).map(person).collect::<Vec<_>>())
}

fn bounds(low: i64, high: i64) -> impl Strategy<Value = Bounds> {
    (low..high, low..high, 0_u8..4).prop_map(|(a, b, kind)| match kind {
        0 => Bounds::at_least(a),
        1 => Bounds::at_most(a),
        2 => Bounds::exactly(a),
        _ => Bounds { min: Some(a.min(b)), max: Some(a.max(b)) },
    })
}

fn day() -> impl Strategy<Value = NaiveDate> {
    (0_u64..8).prop_map(|days| NaiveDate::from_ymd_opt(1969, 12, 31).unwrap() + Days::new(days))
}

fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        2 => Just(When::Ever),
        3 => (1_u32..5).prop_map(When::LastDays),
        2 => (1_u32..4).prop_map(When::BeforeLastDays),
        1 => day().prop_map(|d| When::Days(Some(d), None)),
        1 => day().prop_map(|d| When::Days(None, Some(d))),
        1 => (day(), day()).prop_map(|(a, b)| When::Days(Some(a.min(b)), Some(a.max(b)))),
    ]
}

fn product() -> impl Strategy<Value = Product> {
    let name = words(&["LJ-1", "c9", "ＴEA  CUP", "龙井茶礼盒", "nothing", "IT's \\ 'quoted'"]);
    let part = words(&["龙井", "tea", "C", "壶", "无", "'", "\\", "%", "_"]);
    prop_oneof![
        prop::collection::vec(name, 1..3).prop_map(Product::Is),
        part.prop_map(Product::Contains),
    ]
}

fn orders() -> impl Strategy<Value = Orders> {
    let amount = prop::option::weighted(0.3, bounds(-200, 500));
    let shop = prop::option::weighted(0.3, (0_u8..4).prop_map(shop));
    (when(), shop, prop::option::weighted(0.4, product()), amount).prop_map(
        |(when, shop, product, amount)| Orders {
            when,
            shop,
            amount: if product.is_some() { Bounds::default() } else { amount.unwrap_or_default() },
            product,
        },
    )
}

fn of_orders() -> impl Strategy<Value = Node> {
    (0..Measure::ALL.len(), orders(), bounds(-1, 6), bounds(-400, 1_200)).prop_map(
        |(measure, of, counts, amounts)| {
            let mut measure = Measure::ALL[measure];
            if measure == Measure::AverageOrder && of.product.is_some() {
                measure = Measure::Revenue;
            }
            let bounds = if measure.is_amount() { amounts } else { counts };
            let of = match measure {
                Measure::Items => Orders { amount: Bounds::default(), ..of },
                _ => of,
            };
            Node::Orders { measure, of, bounds }
        },
    )
}

fn condition(audiences: u8) -> impl Strategy<Value = Node> {
    let of_customers = prop_oneof![
        words(&["张", "zhang", "ＶＩＰ", "\"\\", "12", "'", "%", "三", "三 t"])
            .prop_map(|contains| Node::Name { contains }),
        prop::collection::vec(words(&["浙江省", "广东省", "", "无", "O'"]), 1..3)
            .prop_map(|is| Node::Province { is }),
        bounds(0, 4).prop_map(|bounds| Node::Rating { bounds }),
        prop::collection::vec(prop::option::of((0_u8..3).prop_map(user)), 1..3)
            .prop_map(|is| Node::Owner { is }),
        (0_u8..4).prop_map(|n| Node::Tag { tag: tag(n) }),
        prop::collection::vec(prop::sample::select(Tier::ALL.to_vec()), 1..6)
            .prop_map(|is| Node::Tier { is }),
        (prop::option::of(1_u8..6), prop::option::of(1_u8..6))
            .prop_map(|(r, m)| Node::Cell { is: CellPattern { r, f: None, m } }),
        (0_u8..3, prop::collection::vec(0_u8..4, 1..3))
            .prop_map(|(n, is)| Node::Level { scheme: scheme(n), is }),
        (0_u8..3, prop_oneof![6 => bounds(-1, 6), 1 => Just(Bounds::at_least(1 << 31))])
            .prop_map(|(n, bounds)| Node::Points { programme: programme(n), bounds }),
        when().prop_map(|when| Node::Created { when }),
        Just(Node::RefusesAutomation),
        pair().prop_map(|(channel, purpose)| Node::MayContact { channel, purpose }),
        (1_u32..5, 0_u32..4, "[a-z']{0,2}").prop_map(|(from, more, seed)| Node::Bucket {
            from,
            to: from + more,
            buckets: 10,
            seed,
        }),
    ];
    let sequence =
        (product(), product(), 1_u32..4, when()).prop_map(|(first, then, within_days, when)| {
            Node::Sequence { first, then, within_days, when }
        });
    let others = prop_oneof![
        8 => of_customers,
        6 => of_orders(),
        2 => (orders(), when()).prop_map(|(of, when)| Node::FirstOrder { of, when }),
        2 => (orders(), when()).prop_map(|(of, when)| Node::LastOrder { of, when }),
        3 => sequence,
    ];
    // An audience names those before it only.
    (others, 0_u8..12, 0..audiences.max(1)).prop_map(move |(other, lot, n)| {
        if lot == 0 && audiences > 0 { Node::Audience { audience: audience(n) } } else { other }
    })
}

/// Trees that name the first so many audiences.
pub(crate) fn tree(audiences: u8) -> impl Strategy<Value = Node> {
    condition(audiences).prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 0..4).prop_map(|of| Node::All { of }),
            3 => prop::collection::vec(inner.clone(), 0..4).prop_map(|of| Node::Any { of }),
            2 => inner.prop_map(|node| Node::Not { of: Box::new(node) }),
        ]
    })
}

/// A day, a zone and three audiences.
pub(crate) fn asked() -> impl Strategy<Value = Asked> {
    let zones = [Zone::CHINA, Zone::UTC, Zone::from_offset_seconds(-16_200).unwrap()];
    (day(), prop::sample::select(zones.to_vec()), (tree(0), tree(1), tree(2))).prop_map(
        |(day, zone, (a, b, c))| Asked {
            as_of: AsOf { day, zone },
            named: Definitions::from([(audience(0), a), (audience(1), b), (audience(2), c)]),
        },
    )
}
