//! What one file says of one order, in the house's words and before anything is stored.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::state::OrderState;

/// One order as a file tells it. `None` means the file does not say, never "empty it".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderRecord {
    /// The platform's order number.
    pub external_no: String,
    /// Source line of the first row of this record, counted from 1 with the header.
    pub line: u64,
    /// Who bought.
    pub buyer: BuyerRecord,
    /// Where it goes.
    pub receiver: ReceiverRecord,
    /// Canonical state.
    pub state: Option<OrderState>,
    /// Why a closed order was closed, as the platform says.
    pub close_reason: Option<String>,
    /// When the order was placed.
    pub ordered_at: Option<Timestamp>,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
    /// When it was shipped.
    pub shipped_at: Option<Timestamp>,
    /// When the buyer confirmed.
    pub completed_at: Option<Timestamp>,
    /// Goods due, minor units.
    pub goods_minor: Option<i64>,
    /// Freight due, minor units.
    pub freight_minor: Option<i64>,
    /// Total due, minor units.
    pub total_minor: Option<i64>,
    /// Paid by the buyer, minor units, before `refund_minor` is taken off.
    ///
    /// Readers undo the netting of files in which due − paid ≈ refund, so that paid − refund is
    /// always what the shop kept.
    pub paid_minor: Option<i64>,
    /// Refunded, minor units, not negative.
    pub refund_minor: Option<i64>,
    /// Pieces in the order.
    pub item_count: Option<i64>,
    /// Titles of what was bought, as one text.
    pub item_title: Option<String>,
    /// The buyer's words.
    pub buyer_message: Option<String>,
    /// The shop's own remark.
    pub seller_remark: Option<String>,
    /// Carrier.
    pub carrier: Option<String>,
    /// Tracking number.
    pub tracking_no: Option<String>,
    /// Lines, where the file has them.
    pub lines: Vec<LineRecord>,
    /// Other non-empty columns: trimmed header and cleaned cell.
    pub extra: Vec<(String, String)>,
    /// The rows as CSV records, kept where they have no date: such a record can only be rejected
    /// once it is known that its order is not there.
    pub raw: Option<String>,
    /// Whether this record goes on with the order of the record before it in the same file.
    pub goes_on: bool,
    /// Which totals are sums over `lines` and so speak of these lines alone.
    pub sums: Sums,
}

/// Totals of a record that are sums over its lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Sums {
    pub goods: bool,
    pub total: bool,
    pub paid: bool,
    pub refund: bool,
}

impl Sums {
    /// Whether there are any.
    #[must_use]
    pub const fn any(self) -> bool {
        self.goods || self.total || self.paid || self.refund
    }
}

impl OrderRecord {
    /// Whether the file does not say when the order was placed or paid.
    #[must_use]
    pub const fn is_undated(&self) -> bool {
        self.ordered_at.is_none() && self.paid_at.is_none()
    }
}

/// The buyer as a file tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuyerRecord {
    /// Platform account (买家会员名). A masked one (with `*`) is `None`: it names nobody.
    pub account: Option<String>,
    /// Payment account (买家支付宝账号), usually a phone number or an e-mail address.
    pub pay_account: Option<String>,
    /// Name of the buyer where the file has one beside the receiver's.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// Country as written.
    pub country: Option<String>,
}

/// The receiver as a file tells it. Masked or ciphered cells are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceiverRecord {
    /// Name.
    pub name: Option<String>,
    /// Mobile number, digits with an optional `+`.
    pub mobile: Option<String>,
    /// Landline.
    pub landline: Option<String>,
    /// Province, as `浙江省`.
    pub province: Option<String>,
    /// City, as `杭州市`.
    pub city: Option<String>,
    /// District.
    pub district: Option<String>,
    /// The rest of the address.
    pub address: Option<String>,
    /// Postcode.
    pub postcode: Option<String>,
}

/// One line of an order as a file tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineRecord {
    /// The platform's line number (子订单编号) where there is one.
    pub external_no: Option<String>,
    /// Product title.
    pub title: Option<String>,
    /// Merchant's code of the SKU (商家编码).
    pub sku_code: Option<String>,
    /// Options of the SKU (商品属性).
    pub sku_text: Option<String>,
    /// Pieces.
    pub quantity: i64,
    /// Price of one piece, minor units, rounded where the file has more decimals.
    pub unit_price_minor: Option<i64>,
    /// What the line costs, minor units.
    pub amount_minor: Option<i64>,
    /// Refunded for this line, minor units.
    pub refund_minor: Option<i64>,
    /// State of the line where the file has one.
    pub state: Option<OrderState>,
}
