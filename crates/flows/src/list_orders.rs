//! Orders with the customers they belong to.

use std::collections::HashMap;

use chrono::NaiveDate;
use commerce::import_view::ShopName;
use commerce::orders_list::{self, OrderCursor, OrderFilter, OrderSort, OrderSortKey};
use commerce::record::LineRecord;
use commerce::store::{self, OrderRow};
use commerce::{OrderState, Receiver};
use customers::mask::{mask_account, mask_name, mask_phone, mask_text};
use kernel::{
    Currency, Cursor, CustomerId, FieldErrors, OrderId, Page, ShopId, Timestamp, TypedId,
};
use platform::access::FieldRules;
use platform::{Ctx, DbError, Platform, Tx};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::engine::ShopBook;
use crate::fields;
use crate::list_customers::{After, PageLimit, Parsed};

/// Filters, sort and page of the list of orders.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrderParams {
    /// An order number, or its beginning.
    pub q: Option<String>,
    /// Of this shop.
    pub shop: Option<ShopId>,
    /// In this state.
    pub state: Option<OrderState>,
    /// Of this customer, and those merged into it.
    pub customer: Option<CustomerId>,
    /// Placed on this day or later.
    pub from: Option<NaiveDate>,
    /// Placed on this day or before.
    pub to: Option<NaiveDate>,
    /// `ordered_at` or `paid_amount`, with `-` in front for descending; `-ordered_at` unless said.
    #[param(value_type = Option<String>)]
    pub sort: Option<Parsed<OrderSort>>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    pub after: Option<Parsed<After<OrderCursor>>>,
    /// Rows of a page: 1 to 200, 50 unless said.
    #[param(value_type = Option<u32>)]
    pub limit: Option<Parsed<PageLimit>>,
}

impl OrderParams {
    fn sort(&self) -> OrderSort {
        self.sort.map_or_else(OrderSort::default, |sort| sort.0)
    }

    /// Looks for what single parameters cannot show, and for what somebody under `rules` does not see.
    ///
    /// # Errors
    /// All of it at once.
    pub fn check(&self, rules: &FieldRules) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        if self.sort().key == OrderSortKey::PaidAmount && !rules.show(fields::AMOUNTS) {
            errors.push("sort", format!("your role does not see `{}`", fields::AMOUNTS));
        }
        let long = |q: &String| q.chars().count() > orders_list::NUMBER_MAX_CHARS;
        if self.q.as_ref().is_some_and(long) {
            errors
                .push("q", format!("must be at most {} characters", orders_list::NUMBER_MAX_CHARS));
        }
        if matches!((self.from, self.to), (Some(from), Some(to)) if from > to) {
            errors.push("from", "must not be after `to`");
        }
        if self.after.is_some_and(|after| after.0.0.sort != self.sort()) {
            errors.push("after", "belongs to another sort; begin again without it");
        }
        errors.finish(|| Some(()))
    }
}

/// A customer, to name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CustomerName {
    /// The customer.
    pub id: CustomerId,
    /// Its name.
    pub name: String,
}

/// Where an order goes. Phone and address are masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReceiverView {
    /// Name.
    pub name: Option<String>,
    /// Phone, masked.
    pub phone: Option<String>,
    /// Province.
    pub province: Option<String>,
    /// City.
    pub city: Option<String>,
    /// District; what is below it is masked.
    pub address: Option<String>,
}

/// An order. Amounts in minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Order)]
#[allow(missing_docs)]
pub struct OrderView {
    pub id: OrderId,
    pub external_no: String,
    pub shop: ShopName,
    pub customer: Option<CustomerName>,
    pub state: OrderState,
    pub close_reason: Option<String>,
    pub ordered_at: Timestamp,
    pub paid_at: Option<Timestamp>,
    pub shipped_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    pub currency: Currency,
    pub goods_minor: Option<i64>,
    pub freight_minor: Option<i64>,
    pub total_minor: Option<i64>,
    /// Before refunds.
    pub paid_minor: Option<i64>,
    pub refund_minor: Option<i64>,
    /// What the shop kept; null where the order does not count.
    pub revenue_minor: Option<i64>,
    pub item_count: Option<i64>,
    pub item_title: Option<String>,
    pub buyer_message: Option<String>,
    pub seller_remark: Option<String>,
    pub carrier: Option<String>,
    pub tracking_no: Option<String>,
    pub receiver: Option<ReceiverView>,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OrderLine)]
#[allow(missing_docs)]
pub struct LineView {
    pub title: Option<String>,
    pub sku_code: Option<String>,
    pub sku_text: Option<String>,
    pub quantity: i64,
    pub unit_price_minor: Option<i64>,
    pub amount_minor: Option<i64>,
    pub refund_minor: Option<i64>,
    pub state: Option<OrderState>,
}

/// An order with its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrderCard {
    /// The order.
    #[serde(flatten)]
    pub order: OrderView,
    /// Its lines, in their order.
    pub lines: Vec<LineView>,
}

impl From<LineRecord> for LineView {
    fn from(line: LineRecord) -> Self {
        Self {
            title: line.title,
            sku_code: line.sku_code,
            sku_text: line.sku_text,
            quantity: line.quantity,
            unit_price_minor: line.unit_price_minor,
            amount_minor: line.amount_minor,
            refund_minor: line.refund_minor,
            state: line.state,
        }
    }
}

/// One page of orders.
///
/// # Errors
/// As the database says.
pub async fn list_orders(
    platform: &Platform,
    cx: &Ctx,
    params: &OrderParams,
) -> Result<Page<OrderView>, DbError> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let shops = ShopBook::read(&mut tx, cx).await?;
    let shop = params.shop.and_then(|id| shops.by_id(id));
    let zone = shop.map_or_else(|| shops.frame().zone, |shop| shop.zone);
    let start = |day: NaiveDate| Timestamp::start_of(day, zone);
    let customers = match params.customer {
        // Whoever is not seen has no orders to be seen.
        Some(id) => Some(family_of(&mut tx, cx, id).await?),
        None => None,
    };
    let filter = OrderFilter {
        number: params.q.as_ref().map(|q| q.trim().to_owned()),
        // No shop has the number 0: an unknown shop has no orders.
        shop: params.shop.map(|_| shop.map_or(0, |shop| shop.number)),
        state: params.state,
        seen: customers::reach::condition(cx, "customer_id").filter(|_| customers.is_none()),
        customers,
        from: params.from.map(start),
        until: params.to.and_then(|day| day.succ_opt()).map(start),
    };
    let limit = params.limit.map_or(50, |limit| limit.0.0.get());
    let after = params.after.map(|after| after.0.0);
    let (rows, next) = orders_list::list(
        &mut tx,
        cx.scope,
        &shops.numbers(),
        &filter,
        params.sort(),
        after,
        limit,
    )
    .await?;
    let items = views(&mut tx, cx, &shops, rows).await?;
    tx.rollback().await?;
    Ok(Page { items, next: next.as_ref().map(Cursor::encode) })
}

/// An order with its lines, if there is one.
///
/// # Errors
/// As the database says.
pub async fn order_card(
    platform: &Platform,
    cx: &Ctx,
    id: OrderId,
) -> Result<Option<OrderCard>, DbError> {
    let mut tx = platform.db.read_for(cx.scope).await?;
    let Some(row) = seen_order(&mut tx, cx, id).await? else { return Ok(None) };
    let shops = ShopBook::read(&mut tx, cx).await?;
    let mut lines = store::lines(&mut tx, cx.scope, &[id.uuid()]).await?;
    let order = views(&mut tx, cx, &shops, vec![row]).await?.pop();
    tx.rollback().await?;
    let rules = cx.access.fields();
    let lines = lines.remove(&id.uuid()).unwrap_or_default().into_iter();
    let lines = lines.map(|line| LineView::from(line).under(rules));
    Ok(order.map(|order| OrderCard { order, lines: lines.collect() }))
}

/// An order, if there is one that whoever asks may see: that is, whose customer they see.
pub(crate) async fn seen_order(
    tx: &mut Tx,
    cx: &Ctx,
    id: OrderId,
) -> Result<Option<OrderRow>, DbError> {
    let Some(row) = store::orders(tx, cx.scope, &[id.uuid()]).await?.pop() else {
        return Ok(None);
    };
    if cx.access.reach().is_all() {
        return Ok(Some(row));
    }
    let Some(customer) = row.customer_id else { return Ok(None) };
    let within = customers::reach::within(tx, cx, &[customer]).await?;
    Ok(within.contains(&customer).then_some(row))
}

/// The whole family to which `customer` belongs, root first; empty if whoever asks does not see it.
pub(crate) async fn family_of(
    tx: &mut Tx,
    cx: &Ctx,
    customer: CustomerId,
) -> Result<Vec<CustomerId>, DbError> {
    if !customers::reach::within(tx, cx, &[customer.uuid()]).await?.contains(&customer.uuid()) {
        return Ok(Vec::new());
    }
    let root = customers::roots::root(tx, cx.scope, customer.uuid()).await?;
    let family = customers::roots::family(tx, cx.scope, root).await?;
    Ok(family.into_iter().map(CustomerId::from_uuid).collect())
}

/// Orders as people see them, in the order of `rows`.
pub(crate) async fn views(
    tx: &mut Tx,
    cx: &Ctx,
    shops: &ShopBook,
    rows: Vec<OrderRow>,
) -> Result<Vec<OrderView>, DbError> {
    let buyers: Vec<Uuid> = rows.iter().filter_map(|row| row.customer_id).collect();
    let names = if buyers.is_empty() {
        HashMap::new()
    } else {
        customers::names::shown(tx, cx, &buyers).await?
    };
    rows.into_iter()
        .map(|row| {
            let customer = row.customer_id.and_then(|id| names.get(&id)).map(|(root, name)| {
                CustomerName { id: CustomerId::from_uuid(*root), name: name.clone() }
            });
            view(row, customer, cx, shops)
        })
        .collect()
}

/// One order of a customer that is known already.
pub(crate) fn view(
    row: OrderRow,
    customer: Option<CustomerName>,
    cx: &Ctx,
    shops: &ShopBook,
) -> Result<OrderView, DbError> {
    let head = row
        .head(&cx.keys())
        .map_err(|error| DbError::Refused(format!("the receiver of an order: {error}")))?;
    let shop = shops.by_number(row.shop_number);
    let broken =
        || DbError::Refused(format!("an order names the unknown shop {}", row.shop_number));
    let (shop, currency) = shop
        .map(|shop| (ShopName { id: shop.id, name: shop.name.clone() }, shop.currency))
        .ok_or_else(broken)?;
    let view = OrderView {
        id: OrderId::from_uuid(row.id),
        external_no: row.external_no,
        shop,
        customer,
        state: head.state,
        close_reason: head.close_reason,
        ordered_at: head.ordered_at,
        paid_at: head.paid_at,
        shipped_at: head.shipped_at,
        completed_at: head.completed_at,
        currency,
        goods_minor: head.goods_minor,
        freight_minor: head.freight_minor,
        total_minor: head.total_minor,
        paid_minor: head.paid_minor,
        refund_minor: head.refund_minor,
        revenue_minor: row.revenue_minor,
        item_count: head.item_count,
        item_title: head.item_title,
        buyer_message: head.buyer_message.as_deref().map(mask_text),
        seller_remark: head.seller_remark.as_deref().map(mask_text),
        carrier: head.carrier,
        tracking_no: head.tracking_no,
        receiver: receiver(head.receiver, head.province, head.city),
    };
    Ok(view.under(cx.access.fields()))
}

impl OrderView {
    /// As somebody under these rules sees it.
    fn under(mut self, rules: &FieldRules) -> Self {
        if rules.hide(fields::AMOUNTS) {
            self.goods_minor = None;
            self.freight_minor = None;
            self.total_minor = None;
            self.paid_minor = None;
            self.refund_minor = None;
            self.revenue_minor = None;
        }
        if rules.hide(fields::RECEIVER) {
            self.receiver = None;
        }
        if rules.hide(fields::REGION)
            && let Some(receiver) = &mut self.receiver
        {
            (receiver.province, receiver.city, receiver.address) = (None, None, None);
        }
        if rules.hide(fields::PHONE)
            && let Some(receiver) = &mut self.receiver
        {
            receiver.phone = None;
        }
        if !rules.show(fields::NAME)
            && let Some(name) = self.receiver.as_mut().and_then(|receiver| receiver.name.as_mut())
        {
            *name = mask_name(name);
        }
        if rules.hide(fields::REMARKS) {
            (self.buyer_message, self.seller_remark) = (None, None);
        }
        self
    }
}

impl LineView {
    fn under(mut self, rules: &FieldRules) -> Self {
        if rules.hide(fields::AMOUNTS) {
            (self.unit_price_minor, self.amount_minor, self.refund_minor) = (None, None, None);
        }
        self
    }
}

fn receiver(
    receiver: Receiver,
    province: Option<String>,
    city: Option<String>,
) -> Option<ReceiverView> {
    if receiver.is_empty() && province.is_none() && city.is_none() {
        return None;
    }
    let phone = receiver.mobile.or(receiver.landline);
    let address = match (receiver.district, receiver.address) {
        (district, Some(_)) => Some(format!("{}***", district.unwrap_or_default())),
        (district, None) => district,
    };
    Some(ReceiverView {
        name: receiver.name.as_deref().map(mask_account),
        phone: phone.map(|phone| mask_phone(&phone)),
        province,
        city,
        address,
    })
}
