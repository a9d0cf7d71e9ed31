//! Customers and orders made from a seed: the same each time, without keeping any.

use chrono::NaiveDate;
use kernel::{CustomerId, ShopId, TagId, Timestamp, TypedId, Zone};
use uuid::Uuid;

use crate::{CustomerFeed, OrderFact};

/// The first day of made-up orders.
pub(super) const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2023, 1, 1).expect("a day");
/// The last day of made-up orders.
pub const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2025, 12, 31).expect("a day");

pub(super) const PROVINCES: [&str; 12] = [
    "广东省",
    "浙江省",
    "江苏省",
    "上海",
    "北京",
    "四川省",
    "山东省",
    "湖北省",
    "河南省",
    "福建省",
    "辽宁省",
    "云南省",
];
const SURNAMES: [&str; 20] = [
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "周", "吴", "徐", "孙", "马", "朱", "胡", "郭",
    "何", "林", "高", "欧阳",
];
const GIVEN: [&str; 24] = [
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明",
    "超", "秀", "霞", "平", "刚", "桂", "小", "文",
];

/// Made-up customers and orders.
#[derive(Debug, Clone, Copy)]
pub struct Made {
    customers: u32,
}

/// The output function of `SplitMix64` (Steele, Lea and Flood 2014).
pub(super) const fn mix(n: u64) -> u64 {
    let x = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A number below `below` for the `what`-th property of thing `n`.
fn draw(what: u64, n: u32, below: usize) -> usize {
    (mix(what << 32 | u64::from(n)) % below as u64) as usize
}

fn start_ms() -> i64 {
    Timestamp::start_of(FIRST_DAY, Zone::CHINA).millis()
}

fn span_ms() -> i64 {
    Timestamp::start_of(LAST_DAY, Zone::CHINA).millis() - start_ms()
}

impl Made {
    /// Customers numbered from 0.
    #[must_use]
    pub const fn new(customers: u32) -> Self {
        Self { customers }
    }

    /// How many there are.
    #[must_use]
    pub const fn customers(&self) -> u32 {
        self.customers
    }

    /// The id of customer `n`: a `UUIDv7` of the moment the customer became known.
    #[must_use]
    pub fn id(&self, n: u32) -> CustomerId {
        let millis = self.created(n).millis() as u128;
        CustomerId::from_uuid(Uuid::from_u128(
            millis << 80 | 7 << 76 | 2 << 62 | u128::from(mix(u64::from(n)) >> 2),
        ))
    }

    fn created(&self, n: u32) -> Timestamp {
        let share = i128::from(n) * i128::from(span_ms()) / i128::from(self.customers.max(1));
        Timestamp::from_millis(start_ms() + share as i64)
    }

    /// The id of shop `n`.
    #[must_use]
    pub fn shop(&self, n: u8) -> ShopId {
        ShopId::from_uuid(Uuid::from_u128(u128::from(n) + 1))
    }

    /// The id of tag `n`.
    #[must_use]
    pub fn tag(&self, n: u8) -> TagId {
        TagId::from_uuid(Uuid::from_u128(u128::from(n) + 1))
    }

    /// Customer `n`.
    #[must_use]
    pub fn feed(&self, n: u32) -> CustomerFeed {
        // The product of two draws prefers the front of each list, as names do.
        let few = |what: u64, of: usize| draw(what, n, of) * draw(what + 1, n, of) / of;
        let given = if draw(3, n, 4) == 0 { "" } else { GIVEN[draw(5, n, GIVEN.len())] };
        let surname = SURNAMES[few(7, SURNAMES.len())];
        CustomerFeed {
            id: self.id(n),
            name: format!("{surname}{given}{}", GIVEN[draw(6, n, GIVEN.len())]),
            accounts: format!("tb_{}", mix(u64::from(n) << 8) % 100_000_000),
            province: PROVINCES[few(9, PROVINCES.len())].to_owned(),
            rating: (draw(11, n, 4) == 0).then(|| draw(12, n, 5) as u8 + 1),
            owner: None,
            created_at: self.created(n),
            tags: if draw(13, n, 10) == 0 { vec![self.tag(draw(14, n, 6) as u8)] } else { vec![] },
            refused_from: None,
            contact: Vec::new(),
            loyalty: crate::LoyaltyFeed::default(),
        }
    }

    /// Order `n` and the number of its customer; nine in ten customers have one if there are as
    /// many orders.
    #[must_use]
    pub fn order(&self, n: u32) -> (u32, OrderFact) {
        let buyers = (self.customers / 10 * 9).max(1);
        let again = draw(20, n, 4) == 0;
        let customer = if again { draw(21, n, buyers as usize) as u32 } else { n % buyers };
        let shop = draw(22, n, 100);
        let cubed = draw(24, n, 100) as i64;
        let fact = OrderFact {
            ordered_at: Timestamp::from_millis(
                start_ms() + (mix(u64::from(n) << 3 | 5) % span_ms() as u64) as i64 / 1000 * 1000,
            ),
            shop: self.shop(if shop == 0 { 7 } else { shop as u8 % 4 }),
            revenue_minor: 1_000 + cubed * cubed * cubed / 2 + draw(25, n, 5_000) as i64,
        };
        (customer, fact)
    }
}
