//! What buyers and the shop write, and who carries the parcels.

/// A carrier and the range of its tracking numbers.
pub(crate) struct Carrier {
    pub(crate) name: &'static str,
    pub(crate) prefix: &'static str,
    pub(crate) low: u64,
    pub(crate) high: u64,
}

const fn carrier(name: &'static str, prefix: &'static str, low: u64, high: u64) -> Carrier {
    Carrier { name, prefix, low, high }
}

/// Carriers and how often the shop takes them.
pub(crate) const CARRIERS: [(Carrier, u64); 6] = [
    (carrier("中通快递", "", 78_000_000_000_000, 78_999_999_999_999), 30),
    (carrier("圆通速递", "YT", 1_000_000_000_000, 9_999_999_999_999), 22),
    (carrier("韵达快递", "", 431_000_000_000_000, 469_999_999_999_999), 18),
    (carrier("申通快递", "", 770_000_000_000_000, 779_999_999_999_999), 12),
    (carrier("顺丰速运", "SF", 1_000_000_000_000, 1_999_999_999_999), 12),
    (carrier("邮政快递包裹", "", 9_800_000_000_000, 9_899_999_999_999), 6),
];

/// What buyers write when they order.
#[rustfmt::skip]
pub(crate) const BUYER_MESSAGES: [&str; 20] = [
    "请尽快发货，谢谢", "麻烦发顺丰，运费可补", "周末在家收货", "包装仔细一点，送人的", "不要放价格单",
    "请发新茶，不要陈的", "老顾客了，送点小样吧", "放门口快递柜即可", "上次的味道很好，还要一样的", "送长辈的，请用礼袋",
    "请备注\"生日快乐\"", "收货前打电话", "发货前联系我确认,谢谢", "多送几个茶包", "月底前要收到",
    "不急，过完节再发", "请不要发韵达", "要清香型的，别发错了", "开发票，抬头稍后旺旺发您", "null",
];

/// What the shop notes about an order.
#[rustfmt::skip]
pub(crate) const SELLER_REMARKS: [&str; 16] = [
    "老客户，加赠品鉴装2包", "已改地址", "补发一罐，上次破损", "客户催单，优先", "赠公道杯,仓库已知",
    "发顺丰到付", "已电话确认", "刷错口味已换货", "送礼，勿放小票", "备注\"轻放\"，瓷器",
    "差评回访过", "合并发货", "延迟发货已沟通", "VIP 包邮", "企业采购，要开票", "客户要求29日后发",
];
