//! The columns of the reports, each with what stands in it.

use crate::order::{Line, Order, State};
use crate::plan::ShopPlan;
use crate::row::Row;

type OrderCell = fn(&ShopPlan, &Order, &mut Row);
type ItemCell = fn(&Order, &Line, &mut Row);

const EMPTY: OrderCell = |_, _, row| row.text("");
const ZERO: OrderCell = |_, _, row| row.text("0");
const NO: OrderCell = |_, _, row| row.text("否");

/// The order report of 2020.
#[rustfmt::skip]
pub(crate) const ORDER_COLUMNS: [(&str, OrderCell); 67] = [
    ("订单编号", |_, o, row| row.id(Some(o.number))),
    ("买家会员名", |_, o, row| row.text(&o.account.nick)),
    ("买家支付宝账号", |_, o, row| row.text(&o.account.alipay)),
    ("支付单号", |_, o, row| row.long_id(o.payment.as_deref().unwrap_or(""))),
    ("支付详情", EMPTY),
    ("买家应付货款", |_, o, row| row.money(o.goods)),
    ("买家应付邮费", |_, o, row| row.money(o.freight)),
    ("买家支付积分", ZERO),
    ("总金额", |_, o, row| row.money(o.goods + o.freight)),
    ("返点积分", ZERO),
    ("买家实际支付金额", |_, o, row| row.money(o.paid)),
    ("买家实际支付积分", ZERO),
    ("订单状态", |_, o, row| row.text(o.state.words())),
    ("买家留言", |_, o, row| row.text(o.buyer_message)),
    ("收货人姓名", |_, o, row| row.text(&o.receiver().name)),
    ("收货地址", address),
    ("运送方式", |_, _, row| row.text("快递")),
    ("联系电话", landline),
    ("联系手机", |_, o, row| row.texts(&["'", &o.receiver().mobile])),
    ("订单创建时间", |_, o, row| row.moment(Some(o.ordered_at))),
    ("订单付款时间", |_, o, row| row.moment(o.paid_at)),
    ("宝贝标题", titles),
    ("宝贝种类", |_, o, row| row.count(o.lines.len() as i64)),
    ("物流单号", tracking),
    ("物流公司", |_, o, row| row.text(o.carrier.map_or("", |carrier| carrier.name))),
    ("订单备注", |_, o, row| row.text(o.seller_remark)),
    ("宝贝总数量", |_, o, row| row.count(o.lines.iter().map(|line| line.quantity).sum())),
    ("店铺Id", ZERO),
    ("店铺名称", |plan, _, row| row.text(&plan.shop_name)),
    ("订单关闭原因", |_, o, row| row.text(o.state.close_reason())),
    ("卖家服务费", ZERO),
    ("买家服务费", |_, _, row| row.text("0元")),
    ("发票抬头", EMPTY),
    ("是否手机订单", |_, o, row| row.text(if o.mobile_client { "手机订单" } else { "" })),
    ("分阶段订单信息", EMPTY),
    ("特权订金订单id", |_, _, row| row.id(None)),
    ("是否上传合同照片", NO),
    ("是否上传小票", NO),
    ("是否代付", NO),
    ("定金排名", EMPTY),
    ("修改后的sku", EMPTY),
    ("修改后的收货地址", EMPTY),
    ("异常信息", EMPTY),
    ("天猫卡券抵扣", EMPTY),
    ("集分宝抵扣", EMPTY),
    ("是否是O2O交易", EMPTY),
    ("满返红包金额", EMPTY),
    ("新零售交易类型", EMPTY),
    ("新零售导购门店名称", EMPTY),
    ("新零售导购门店id", EMPTY),
    ("新零售发货门店名称", EMPTY),
    ("新零售发货门店id", EMPTY),
    ("退款金额", |_, o, row| row.money(o.refund)),
    ("预约门店", EMPTY),
    ("确认收货时间", |_, o, row| row.moment(o.completed_at)),
    ("打款商家金额", paid_out),
    ("含应开票给个人的个人红包", ZERO),
    ("是否信用购", NO),
    ("体验期结束时间", EMPTY),
    ("前N有礼", EMPTY),
    ("配送类型", EMPTY),
    ("直播返现状态", EMPTY),
    ("返现金额", EMPTY),
    ("新零售成交门店昵称", EMPTY),
    ("新零售成交门店id", EMPTY),
    ("新零售成交经销商id", EMPTY),
    ("主订单编号", |_, o, row| row.id(Some(o.number))),
];

/// The item report of 2022.
#[rustfmt::skip]
pub(crate) const ITEM_COLUMNS: [(&str, ItemCell); 18] = [
    ("子订单编号", |_, line, row| row.id(Some(line.number))),
    ("主订单编号", |o, _, row| row.id(Some(o.number))),
    ("标题", |_, line, row| row.text(line.product.title)),
    ("价格", |_, line, row| row.money(line.sku.2)),
    ("购买数量", |_, line, row| row.count(line.quantity)),
    ("外部系统编号", |_, line, row| row.text(line.product.code)),
    ("商品属性", |_, line, row| row.text(line.sku.1)),
    ("套餐信息", |_, _, row| row.text("")),
    ("备注", |o, _, row| row.text(o.seller_remark)),
    ("订单状态", |_, line, row| row.text(line.state.words())),
    ("商家编码", |_, line, row| row.texts(&[line.product.code, line.sku.0])),
    ("支付单号", |o, _, row| row.long_id(o.payment.as_deref().unwrap_or(""))),
    ("买家应付货款", |_, line, row| row.money(line.due)),
    ("买家实际支付金额", |_, line, row| row.money(line.paid)),
    ("退款状态", |_, line, row| row.text(if line.refund > 0 { "退款成功" } else { "没有申请退款" })),
    ("退款金额", line_refund),
    ("订单创建时间", |o, _, row| row.moment(Some(o.ordered_at))),
    ("订单付款时间", |o, _, row| row.moment(o.paid_at)),
];

fn address(_: &ShopPlan, order: &Order, row: &mut Row) {
    let receiver = order.receiver();
    let city = receiver.city;
    let mut digits = [b'0'; 6];
    let mut rest = city.postcode;
    for digit in digits.iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
    }
    let postcode = str::from_utf8(&digits).unwrap_or("");
    row.texts(&[
        city.province,
        " ",
        city.name,
        " ",
        receiver.district,
        " ",
        &receiver.street,
        "(",
        postcode,
        ")",
    ]);
}

fn landline(_: &ShopPlan, order: &Order, row: &mut Row) {
    match &order.receiver().landline {
        Some(landline) => row.texts(&["'", landline]),
        // Two ways in which the platform says nothing.
        None if order.number.is_multiple_of(3) => row.text("'null"),
        None => row.text(""),
    }
}

fn titles(_: &ShopPlan, order: &Order, row: &mut Row) {
    let mut parts = Vec::with_capacity(8);
    for line in &order.lines {
        if !parts.is_empty() {
            parts.push("，");
        }
        parts.push(line.product.title);
    }
    row.texts(&parts);
}

fn tracking(_: &ShopPlan, order: &Order, row: &mut Row) {
    match order.carrier {
        Some(carrier) => row.texts(&[carrier.prefix, &order.tracking.to_string()]),
        None => row.text(""),
    }
}

fn paid_out(_: &ShopPlan, order: &Order, row: &mut Row) {
    let amount = if order.state == State::Completed { order.paid - order.refund } else { 0 };
    row.money_with(amount, "元");
}

fn line_refund(_: &Order, line: &Line, row: &mut Row) {
    if line.refund > 0 {
        row.money(line.refund);
    } else {
        row.text("无退款申请");
    }
}
