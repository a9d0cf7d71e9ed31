//! What a column can mean.

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What a column means. The name is the one used in mappings and answers.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Field { $($(#[$doc])* $name,)* }

        impl Field {
            /// All fields.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name used in mappings and answers.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

fields! {
    /// Order number.
    OrderNo = "order_no";
    /// Platform account of the buyer.
    Account = "account";
    /// Payment account of the buyer.
    PayAccount = "pay_account";
    /// Name of the buyer.
    BuyerName = "buyer_name";
    /// First part of the buyer's name, put before the second.
    BuyerFirstName = "buyer_first_name";
    /// Second part of the buyer's name.
    BuyerLastName = "buyer_last_name";
    /// E-mail of the buyer.
    Email = "email";
    /// Phone of the buyer.
    BuyerPhone = "buyer_phone";
    /// Country of the buyer.
    Country = "country";
    /// Name of the receiver.
    ReceiverName = "receiver_name";
    /// Mobile of the receiver.
    Mobile = "mobile";
    /// Landline of the receiver.
    Landline = "landline";
    /// Whole address in one cell.
    FullAddress = "full_address";
    /// Province.
    Province = "province";
    /// City.
    City = "city";
    /// District.
    District = "district";
    /// Address below the district.
    Address = "address";
    /// Postcode.
    Postcode = "postcode";
    /// State of the order.
    State = "state";
    /// Why it was closed.
    CloseReason = "close_reason";
    /// Placed at.
    OrderedAt = "ordered_at";
    /// Paid at.
    PaidAt = "paid_at";
    /// Shipped at.
    ShippedAt = "shipped_at";
    /// Confirmed at.
    CompletedAt = "completed_at";
    /// Goods due.
    Goods = "goods";
    /// Freight due.
    Freight = "freight";
    /// Total due.
    Total = "total";
    /// Paid.
    Paid = "paid";
    /// Paid from a balance, beside what was paid otherwise.
    PaidFromBalance = "paid_from_balance";
    /// Refunded.
    Refund = "refund";
    /// Pieces.
    ItemCount = "item_count";
    /// Titles of everything bought.
    ItemTitle = "item_title";
    /// The buyer's words.
    BuyerMessage = "buyer_message";
    /// The shop's remark.
    SellerRemark = "seller_remark";
    /// Carrier.
    Carrier = "carrier";
    /// Tracking number.
    TrackingNo = "tracking_no";
    /// State of an after-sales case.
    AfterSale = "after_sale";
    /// Number of the line.
    LineNo = "line_no";
    /// Title of the line.
    Title = "title";
    /// Code of the SKU.
    SkuCode = "sku_code";
    /// Code of the product, where there is none of the SKU.
    ProductCode = "product_code";
    /// Options of the SKU.
    SkuText = "sku_text";
    /// Pieces of the line.
    Quantity = "quantity";
    /// Price of one piece.
    UnitPrice = "unit_price";
    /// What the line costs.
    LineAmount = "line_amount";
    /// Refunded for the line.
    LineRefund = "line_refund";
    /// State of the line.
    LineState = "line_state";
}

impl Field {
    /// Fields that can be amounts of money.
    pub(super) const fn is_amount(self) -> bool {
        matches!(
            self,
            Self::Goods
                | Self::Freight
                | Self::Total
                | Self::Paid
                | Self::PaidFromBalance
                | Self::Refund
                | Self::UnitPrice
                | Self::LineAmount
                | Self::LineRefund
        )
    }
}

impl std::str::FromStr for Field {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|field| field.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|field| field.name()).collect();
            format!("`{text}` is not a field; the fields are {}", names.join(", "))
        })
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// For every field the column that holds it, from 0.
#[derive(Debug, Clone)]
pub(super) struct Slots([Option<u16>; Field::ALL.len()]);

impl Slots {
    pub fn empty() -> Self {
        Self([None; Field::ALL.len()])
    }

    pub fn get(&self, field: Field) -> Option<usize> {
        self.0[field as usize].map(usize::from)
    }

    pub fn has(&self, field: Field) -> bool {
        self.0[field as usize].is_some()
    }

    /// Gives `field` the column, unless it has one.
    pub fn offer(&mut self, field: Field, column: usize) {
        let slot = &mut self.0[field as usize];
        if slot.is_none() {
            *slot = u16::try_from(column).ok();
        }
    }

    /// The field that a column holds.
    pub fn field_of(&self, column: usize) -> Option<Field> {
        let index = self.0.iter().position(|slot| slot.map(usize::from) == Some(column))?;
        Field::ALL.get(index).copied()
    }
}
