//! One row into an order, platform by platform, and the rows of one order into one record.

use tabular::Row;

use super::address;
use super::amount::{AmountError, Decimal, MAX_MINOR, Rounding, not_negative};
use super::clean::{is_scientific, landline, mobile, open_text};
use super::columns::{Columns, Problem};
use super::field::Field;
use super::format::Format;
use super::platforms;
use super::reason::{Fault, Reason};
use super::rules::Rules;
use super::{states, when};
use crate::lines::{pieces, titles};
use crate::record::{BuyerRecord, LineRecord, OrderRecord, ReceiverRecord, Sums};
use crate::state::OrderState;

/// What a row turned out to be.
pub(super) enum Reading {
    /// An order, or part of one; without a number if it goes on from the row before.
    Order(Box<OrderRecord>),
    /// Nothing to import, by a rule of the mapping.
    Skip(Reason),
}

/// Everything needed to read the rows of one file.
pub(super) struct Plan {
    pub format: Format,
    pub columns: Columns,
    pub rules: Option<Rules>,
}

/// Refunds that are finished and whole.
fn is_fully_refunded(after_sale: Option<&str>) -> bool {
    after_sale.is_some_and(|text| text.contains("退款成功") || text.contains("全额退款"))
}

impl Plan {
    /// Reads one row.
    pub fn read(&self, row: &Row<'_>) -> Result<Reading, Problem> {
        if let Some(rules) = &self.rules {
            return rules.read(&self.columns, row);
        }
        let mut record = self.head(row)?;
        match self.format {
            Format::TaobaoOrders => self.taobao_order(row, &mut record)?,
            Format::TaobaoItems => self.taobao_item(row, &mut record)?,
            Format::Alibaba1688 => self.alibaba(row, &mut record)?,
            Format::Pdd => self.pdd(row, &mut record)?,
            Format::Douyin => self.douyin(row, &mut record)?,
            Format::Jd => self.jd(row, &mut record)?,
            Format::Generic => {}
        }
        Ok(Reading::Order(Box::new(record)))
    }

    /// What all platforms write alike.
    fn head(&self, row: &Row<'_>) -> Result<OrderRecord, Problem> {
        let columns = &self.columns;
        let mut record = base_record(columns, row)?;
        let continues = self.format == Format::Alibaba1688;
        record.external_no = match columns.id(row, Field::OrderNo)? {
            Some(number) => number,
            None if continues => String::new(),
            None => return Err(Problem::row(Fault::NoOrderNumber)),
        };
        // An order of its own repeats its number as that of its main order.
        record.extra.retain(|(name, text)| {
            *text != record.external_no || !platforms::is_main_order_no(name)
        });
        if let Some(text) = columns.text(row, Field::State) {
            record.state = Some(self.state(text, Field::State)?);
        } else if columns.slots.has(Field::State) && !record.external_no.is_empty() {
            return Err(columns.problem(Field::State, "", |_| Fault::NoState));
        }
        Ok(record)
    }

    fn state(&self, text: &str, field: Field) -> Result<OrderState, Problem> {
        states::state(self.format, text).ok_or_else(|| {
            let format = self.format;
            self.columns.problem(field, text, |cell| Fault::UnknownState { cell, format })
        })
    }

    fn taobao_order(&self, row: &Row<'_>, record: &mut OrderRecord) -> Result<(), Problem> {
        let refund = self.columns.amount_or_words(row, Field::Refund)?;
        record.refund_minor = refund;
        // 应付 − 实付 ≈ 退款: the refund is already off what was paid; put it back.
        if let (Some(due), Some(paid), Some(refund)) =
            (record.total_minor.or(record.goods_minor), record.paid_minor, refund)
            && refund > 0
            && (due - paid - refund).abs() <= 1
        {
            record.paid_minor = Some(paid + refund);
        }
        if record.close_reason.as_deref() == Some("订单未关闭") {
            record.close_reason = None;
        }
        self.need_a_date(record)
    }

    fn taobao_item(&self, row: &Row<'_>, record: &mut OrderRecord) -> Result<(), Problem> {
        let columns = &self.columns;
        // Amounts of the item report are the lines', not the order's.
        record.paid_minor = None;
        record.extra = Vec::new();
        let mut line = self.line(row)?;
        if let Some(text) = columns.text(row, Field::LineState) {
            line.state = Some(self.state(text, Field::LineState)?);
        }
        line.refund_minor = columns.amount_or_words(row, Field::LineRefund)?;
        if let Some(after_sale) = columns.text(row, Field::AfterSale)
            && !after_sale.contains("成功")
        {
            line.refund_minor = line.refund_minor.map(|_| 0);
        }
        record.lines.push(line);
        Ok(())
    }

    fn alibaba(&self, row: &Row<'_>, record: &mut OrderRecord) -> Result<(), Problem> {
        record.total_minor = record.paid_minor;
        self.unpaid_means_nothing_paid(record);
        if record.external_no.is_empty() {
            // A merged order's further row: only its line is its own.
            *record = OrderRecord { line: record.line, ..OrderRecord::default() };
        } else {
            self.need_a_date(record)?;
        }
        let line = self.line(row)?;
        record.lines.push(line);
        Ok(())
    }

    fn pdd(&self, row: &Row<'_>, record: &mut OrderRecord) -> Result<(), Problem> {
        let columns = &self.columns;
        if record.ordered_at.is_none() {
            record.ordered_at = when::pdd_day(&record.external_no, columns.zone);
        }
        if record
            .state
            .is_some_and(|state| state > OrderState::Unpaid && state != OrderState::Closed)
        {
            record.paid_at = record.ordered_at;
        }
        if record.state == Some(OrderState::Unpaid) {
            record.paid_minor = record.paid_minor.map(|_| 0);
        }
        let state_text = columns.text(row, Field::State);
        if is_fully_refunded(columns.text(row, Field::AfterSale)) || is_fully_refunded(state_text) {
            record.refund_minor = record.paid_minor;
        }
        let mut line = self.line(row)?;
        if line.amount_minor.is_none() {
            line.amount_minor = record.goods_minor;
        }
        record.item_title = line.title.clone();
        record.item_count = Some(line.quantity);
        record.lines.push(line);
        self.need_a_date(record)
    }

    fn douyin(&self, row: &Row<'_>, record: &mut OrderRecord) -> Result<(), Problem> {
        let columns = &self.columns;
        let due = columns.amount(row, Field::LineAmount, Rounding::Exact)?;
        let refunded = is_fully_refunded(columns.text(row, Field::AfterSale));
        record.total_minor = due;
        record.paid_minor = match record.state {
            Some(OrderState::Unpaid) => due.map(|_| 0),
            Some(OrderState::Closed) if !refunded => due.map(|_| 0),
            _ => due,
        };
        record.refund_minor = due.map(|due| if refunded { due } else { 0 });
        record.sums = Sums { goods: false, total: true, paid: true, refund: true };
        self.need_a_date(record)?;
        for mut line in self.douyin_lines(row, due)? {
            line.state = record.state;
            line.refund_minor = if refunded { line.amount_minor } else { Some(0) };
            record.lines.push(line);
        }
        Ok(())
    }

    /// Several items in one row are split by `;` in every cell that describes them.
    fn douyin_lines(&self, row: &Row<'_>, due: Option<i64>) -> Result<Vec<LineRecord>, Problem> {
        let columns = &self.columns;
        let parts = |field: Field| -> Vec<&str> {
            let text = columns.text(row, field).unwrap_or_default();
            text.split([';', '；']).map(str::trim).collect()
        };
        let (titles, quantities) = (parts(Field::Title), parts(Field::Quantity));
        let (options, codes) = (parts(Field::SkuText), parts(Field::SkuCode));
        let numbers = parts(Field::LineNo);
        let count = if quantities.len() > 1 { quantities.len() } else { titles.len() };
        let agree = [&quantities, &options, &codes, &numbers].iter().any(|all| all.len() == count);
        if count < 2 || titles.len() != count || !agree {
            let mut line = self.line(row)?;
            line.amount_minor = due;
            return Ok(vec![line]);
        }
        let pick = |all: &[&str], index: usize| {
            let text = if all.len() == count { all.get(index) } else { all.first() };
            text.copied().filter(|text| !text.is_empty() && *text != "-").map(str::to_owned)
        };
        let mut lines = Vec::with_capacity(count);
        for index in 0..count {
            let quantity = if quantities.len() == count { quantities[index] } else { "1" };
            let quantity = Decimal::parse(quantity, false)
                .and_then(Decimal::pieces)
                .map_err(|error| amount_problem(columns, Field::Quantity, quantity, error))?;
            lines.push(LineRecord {
                external_no: pick(&numbers, index).filter(|_| numbers.len() == count),
                title: pick(&titles, index),
                sku_code: pick(&codes, index).filter(|_| codes.len() == count),
                sku_text: pick(&options, index).filter(|_| options.len() == count),
                quantity,
                ..LineRecord::default()
            });
        }
        Ok(lines)
    }

    fn jd(&self, row: &Row<'_>, record: &mut OrderRecord) -> Result<(), Problem> {
        let balance = self.columns.amount(row, Field::PaidFromBalance, Rounding::Exact)?;
        if let (Some(paid), Some(balance)) = (record.paid_minor, balance) {
            record.paid_minor = Some(paid + balance);
        }
        record.total_minor = record.paid_minor;
        self.unpaid_means_nothing_paid(record);
        self.need_a_date(record)?;
        let line = self.line(row)?;
        record.lines.push(line);
        Ok(())
    }

    /// 1688 and JD write the amount due into the paid column before anything is paid.
    fn unpaid_means_nothing_paid(&self, record: &mut OrderRecord) {
        let never = record.state == Some(OrderState::Unpaid)
            || (record.state == Some(OrderState::Closed)
                && self.columns.slots.has(Field::PaidAt)
                && record.paid_at.is_none());
        if never {
            record.paid_minor = record.paid_minor.map(|_| 0);
        }
    }

    fn need_a_date(&self, record: &mut OrderRecord) -> Result<(), Problem> {
        record.ordered_at = record.ordered_at.or(record.paid_at);
        if record.ordered_at.is_none() && self.columns.slots.has(Field::OrderedAt) {
            return Err(self.columns.problem(Field::OrderedAt, "", |_| Fault::NoDate));
        }
        Ok(())
    }

    fn line(&self, row: &Row<'_>) -> Result<LineRecord, Problem> {
        base_line(&self.columns, row, Decimal::pieces)
    }

    /// Adds a further row of the same order to `record`.
    pub fn merge(&self, record: &mut OrderRecord, next: OrderRecord) {
        let sum = |a: Option<i64>, b: Option<i64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (a, b) => a.or(b),
        };
        // Each Douyin row holds its own share of the amounts; elsewhere they are repeated.
        if self.format == Format::Douyin {
            record.total_minor = sum(record.total_minor, next.total_minor);
            record.paid_minor = sum(record.paid_minor, next.paid_minor);
            record.refund_minor = sum(record.refund_minor, next.refund_minor);
            record.freight_minor = sum(record.freight_minor, next.freight_minor);
        }
        fill(record, next);
    }

    /// Draws the conclusions that need all rows of an order.
    pub fn finish(&self, record: &mut OrderRecord) -> Result<(), Problem> {
        match self.format {
            Format::TaobaoItems | Format::Douyin => {
                record.state = states::of_lines(record.lines.iter().filter_map(|line| line.state))
                    .or(record.state);
            }
            Format::Generic => {
                if let Some(rules) = &self.rules {
                    rules.finish(record);
                }
            }
            _ => {}
        }
        let amounts =
            [record.goods_minor, record.total_minor, record.paid_minor, record.refund_minor];
        if amounts.into_iter().flatten().any(|amount| i128::from(amount) > MAX_MINOR) {
            return Err(Problem::row(Fault::SumTooLarge));
        }
        if record.item_title.is_none() {
            record.item_title = titles(&record.lines);
        }
        if record.item_count.is_none() && !record.lines.is_empty() {
            record.item_count = Some(pieces(&record.lines));
        }
        Ok(())
    }
}

/// What `record` lacks is taken from `next`, its lines are added.
fn fill(record: &mut OrderRecord, next: OrderRecord) {
    macro_rules! fill {
        ($($($path:ident).+),* $(,)?) => {$(
            if record.$($path).+.is_none() { record.$($path).+ = next.$($path).+; }
        )*};
    }
    fill!(
        buyer.account,
        buyer.pay_account,
        buyer.name,
        buyer.email,
        buyer.phone,
        buyer.country,
        receiver.name,
        receiver.mobile,
        receiver.landline,
        receiver.province,
        receiver.city,
        receiver.district,
        receiver.address,
        receiver.postcode,
        state,
        close_reason,
        ordered_at,
        paid_at,
        shipped_at,
        completed_at,
        goods_minor,
        freight_minor,
        total_minor,
        paid_minor,
        refund_minor,
        item_count,
        item_title,
        buyer_message,
        seller_remark,
        carrier,
        tracking_no,
    );
    record.lines.extend(next.lines);
}

/// The fields that need no rule, for platforms and mappings alike; no number, state or line yet.
pub(super) fn base_record(columns: &Columns, row: &Row<'_>) -> Result<OrderRecord, Problem> {
    let owned = |field| columns.owned(row, field);
    let phone = |field| columns.text(row, field).and_then(mobile);
    let mut receiver = ReceiverRecord {
        name: columns.open(row, Field::ReceiverName),
        mobile: phone(Field::Mobile),
        landline: columns.text(row, Field::Landline).and_then(landline),
        ..ReceiverRecord::default()
    };
    if let Some(text) = columns.text(row, Field::FullAddress) {
        address::split(text, &mut receiver);
    }
    if let Some(province) = columns.text(row, Field::Province).and_then(open_text) {
        receiver.province = Some(address::province_name(province));
    }
    for (slot, field) in [
        (&mut receiver.city, Field::City),
        (&mut receiver.district, Field::District),
        (&mut receiver.address, Field::Address),
        (&mut receiver.postcode, Field::Postcode),
    ] {
        if let Some(text) = columns.open(row, field) {
            *slot = Some(text);
        }
    }
    let name = columns.open(row, Field::BuyerName).or_else(|| {
        let first = columns.open(row, Field::BuyerFirstName);
        let last = columns.open(row, Field::BuyerLastName);
        match (first, last) {
            (Some(first), Some(last)) => Some(format!("{first} {last}")),
            (first, last) => first.or(last),
        }
    });
    let amount = |field| columns.amount(row, field, Rounding::Exact);
    let item_count = match columns.decimal(row, Field::ItemCount)? {
        None => None,
        Some(number) => Some(count(columns, row, Field::ItemCount, number.pieces())?),
    };
    let id_text =
        |field| columns.text(row, field).filter(|text| !is_scientific(text)).map(str::to_owned);
    Ok(OrderRecord {
        raw: None,
        goes_on: false,
        sums: Sums::default(),
        external_no: String::new(),
        line: row.line(),
        buyer: BuyerRecord {
            account: columns.open(row, Field::Account),
            pay_account: columns.open(row, Field::PayAccount),
            name,
            email: columns.open(row, Field::Email),
            phone: phone(Field::BuyerPhone),
            country: owned(Field::Country),
        },
        receiver,
        state: None,
        close_reason: owned(Field::CloseReason),
        ordered_at: columns.moment(row, Field::OrderedAt)?,
        paid_at: columns.moment(row, Field::PaidAt)?,
        shipped_at: columns.moment(row, Field::ShippedAt)?,
        completed_at: columns.moment(row, Field::CompletedAt)?,
        goods_minor: amount(Field::Goods)?,
        freight_minor: amount(Field::Freight)?,
        total_minor: amount(Field::Total)?,
        paid_minor: amount(Field::Paid)?,
        refund_minor: None,
        item_count,
        item_title: owned(Field::ItemTitle),
        buyer_message: owned(Field::BuyerMessage),
        seller_remark: owned(Field::SellerRemark),
        carrier: owned(Field::Carrier),
        tracking_no: id_text(Field::TrackingNo),
        lines: Vec::new(),
        extra: columns.extra(row),
    })
}

/// A number of pieces, not negative.
fn count(
    columns: &Columns,
    row: &Row<'_>,
    field: Field,
    pieces: Result<i64, AmountError>,
) -> Result<i64, Problem> {
    pieces.and_then(not_negative).map_err(|error| {
        amount_problem(columns, field, columns.text(row, field).unwrap_or_default(), error)
    })
}

fn amount_problem(columns: &Columns, field: Field, text: &str, error: AmountError) -> Problem {
    columns.problem(field, text, |cell| error.of_cell(cell, columns.currency))
}

/// The line of a row as its own cells tell it.
pub(super) fn base_line(
    columns: &Columns,
    row: &Row<'_>,
    pieces: fn(Decimal) -> Result<i64, AmountError>,
) -> Result<LineRecord, Problem> {
    let number = columns.decimal(row, Field::Quantity)?;
    let quantity = match number {
        None => 1,
        Some(number) => count(columns, row, Field::Quantity, pieces(number))?,
    };
    let unit_price = columns.amount(row, Field::UnitPrice, Rounding::HalfUp)?;
    let mut amount = columns.amount(row, Field::LineAmount, Rounding::HalfUp)?;
    if amount.is_none()
        && let Some(price) = columns.decimal(row, Field::UnitPrice)?
    {
        let product = price.times(number.unwrap_or(Decimal::ONE));
        let minor = product.and_then(|product| product.minor(columns.currency, Rounding::HalfUp));
        let text = columns.text(row, Field::UnitPrice).unwrap_or_default();
        amount =
            Some(minor.map_err(|error| amount_problem(columns, Field::UnitPrice, text, error))?);
    }
    Ok(LineRecord {
        external_no: columns.id(row, Field::LineNo)?,
        title: columns.owned(row, Field::Title),
        sku_code: columns
            .owned(row, Field::SkuCode)
            .or_else(|| columns.owned(row, Field::ProductCode)),
        sku_text: columns.owned(row, Field::SkuText),
        quantity,
        unit_price_minor: unit_price,
        amount_minor: amount,
        refund_minor: None,
        state: None,
    })
}
