//! Random trees.

use chrono::NaiveDate;
use kernel::{AudienceId, TypedId as _};
use proptest::prelude::*;
use uuid::Uuid;

use crate::audience::{Bounds, Measure, Node, Orders, Product, When};
use crate::tests::model::{programme, scheme, shop, tag, user};
use crate::{CellPattern, ContactChannel, ContactPurpose, Tier};

pub(crate) fn audience(n: u8) -> AudienceId {
    AudienceId::from_uuid(Uuid::from_u128(u128::from(n) + 1))
}

pub(super) fn bounds(low: i64, high: i64) -> impl Strategy<Value = Bounds> {
    (low..high, low..high, 0_u8..4).prop_map(|(a, b, kind)| match kind {
        0 => Bounds::at_least(a),
        1 => Bounds::at_most(a),
        2 => Bounds::exactly(a),
        _ => Bounds { min: Some(a.min(b)), max: Some(a.max(b)) },
    })
}

fn day() -> impl Strategy<Value = NaiveDate> {
    (0_i64..5).prop_map(|days| {
        NaiveDate::from_ymd_opt(1969, 12, 31).unwrap() + chrono::Duration::days(days)
    })
}

pub(super) fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        2 => Just(When::Ever),
        3 => (1_u32..5).prop_map(When::LastDays),
        2 => (1_u32..4).prop_map(When::BeforeLastDays),
        1 => day().prop_map(|d| When::Days(Some(d), None)),
        1 => day().prop_map(|d| When::Days(None, Some(d))),
        1 => (day(), day()).prop_map(|(a, b)| When::Days(Some(a.min(b)), Some(a.max(b)))),
    ]
}

/// Codes and titles that [`super::world`] sells.
pub(super) const PRODUCTS: [(&str, &str); 5] = [
    ("LJ-1", "明前龙井 50g"),
    ("LJ-2", "龙井茶礼盒"),
    ("", "Tea Cup"),
    ("C9", "tea pot"),
    ("C9", "茶壶"),
];

pub(super) fn product() -> impl Strategy<Value = Product> {
    let name = prop::sample::select(vec!["LJ-1", "c9", "TEA CUP", "龙井茶礼盒", "nothing"]);
    let part = prop::sample::select(vec!["龙井", "tea", "C", "壶", "无"]);
    prop_oneof![
        prop::collection::vec(name.prop_map(str::to_owned), 1..3).prop_map(Product::Is),
        part.prop_map(|part| Product::Contains(part.to_owned())),
    ]
}

fn orders() -> impl Strategy<Value = Orders> {
    let of_orders = prop::option::weighted(0.3, bounds(-200, 500));
    let shop = prop::option::weighted(0.3, (0_u8..4).prop_map(shop));
    (when(), shop, prop::option::weighted(0.4, product()), of_orders).prop_map(
        |(when, shop, product, amount)| Orders {
            when,
            shop,
            amount: if product.is_some() { Bounds::default() } else { amount.unwrap_or_default() },
            product,
        },
    )
}

fn condition() -> impl Strategy<Value = Node> {
    let province = prop::sample::select(vec!["浙江省", "广东省", "", "无"]).prop_map(str::to_owned);
    let name = prop::sample::select(vec!["张", "zhang", "ＶＩＰ", "\"\\", "12"]);
    let figure = (0..Measure::ALL.len(), orders(), bounds(-1, 6), bounds(-400, 1_200)).prop_map(
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
    );
    prop_oneof![
        1 => name.prop_map(|contains| Node::Name { contains: contains.to_owned() }),
        1 => prop::collection::vec(province, 1..3).prop_map(|is| Node::Province { is }),
        1 => bounds(0, 4).prop_map(|bounds| Node::Rating { bounds }),
        1 => prop::collection::vec(prop::option::of((0_u8..3).prop_map(user)), 1..3)
            .prop_map(|is| Node::Owner { is }),
        1 => (0_u8..4).prop_map(|n| Node::Tag { tag: tag(n) }),
        1 => prop::collection::vec(prop::sample::select(Tier::ALL.to_vec()), 1..5)
            .prop_map(|is| Node::Tier { is }),
        1 => (prop::option::of(1_u8..6), prop::option::of(1_u8..6))
            .prop_map(|(r, m)| Node::Cell { is: CellPattern { r, f: None, m } }),
        2 => (0_u8..3, prop::collection::vec(prop_oneof![4 => 0_u8..4, 1 => Just(255)], 1..3))
            .prop_map(|(n, is)| Node::Level { scheme: scheme(n), is }),
        2 => (0_u8..3, prop_oneof![6 => bounds(-1, 6), 1 => Just(Bounds::at_least(1 << 31))])
            .prop_map(|(n, bounds)| Node::Points { programme: programme(n), bounds }),
        1 => when().prop_map(|when| Node::Created { when }),
        1 => Just(Node::RefusesAutomation),
        3 => (prop::sample::select(&ContactChannel::ALL[..2]), prop::sample::select(ContactPurpose::ALL))
            .prop_map(|(channel, purpose)| Node::MayContact { channel, purpose }),
        6 => figure,
        2 => (orders(), when()).prop_map(|(of, when)| Node::FirstOrder { of, when }),
        2 => (orders(), when()).prop_map(|(of, when)| Node::LastOrder { of, when }),
        2 => (product(), product(), 1_u32..4, when()).prop_map(|(first, then, within_days, when)| {
            Node::Sequence { first, then, within_days, when }
        }),
        1 => (0_u8..3).prop_map(|n| Node::Audience { audience: audience(n) }),
        1 => (1_u32..5, 0_u32..4, "[a-z]{0,2}").prop_map(|(from, more, seed)| Node::Bucket {
            from,
            to: from + more,
            buckets: 10,
            seed,
        }),
    ]
}

pub(crate) fn tree() -> impl Strategy<Value = Node> {
    condition().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 0..4).prop_map(|of| Node::All { of }),
            3 => prop::collection::vec(inner.clone(), 0..4).prop_map(|of| Node::Any { of }),
            1 => inner.prop_map(|node| Node::Not { of: Box::new(node) }),
        ]
    })
}
