//! Every platform's words for the states of an order.

use super::format::Format;
use crate::state::OrderState;
use OrderState::{Closed, Completed, Paid, PartlyShipped, Shipped, Unpaid};

/// Words used on more than one platform.
const COMMON: &[(&str, OrderState)] = &[
    ("等待买家付款", Unpaid),
    ("待付款", Unpaid),
    ("待支付", Unpaid),
    ("未付款", Unpaid),
    ("等待付款", Unpaid),
    ("买家已付款,等待卖家发货", Paid),
    ("买家已付款", Paid),
    ("等待卖家发货", Paid),
    ("待发货", Paid),
    ("等待发货", Paid),
    ("已付款", Paid),
    ("已支付", Paid),
    ("卖家部分发货", PartlyShipped),
    ("部分发货", PartlyShipped),
    ("卖家已发货,等待买家确认", Shipped),
    ("卖家已发货", Shipped),
    ("等待买家确认收货", Shipped),
    ("等待买家确认", Shipped),
    ("待收货", Shipped),
    ("已发货", Shipped),
    ("已签收", Shipped),
    ("交易成功", Completed),
    ("已完成", Completed),
    ("交易完成", Completed),
    ("已收货", Completed),
    ("交易关闭", Closed),
    ("已关闭", Closed),
    ("已取消", Closed),
    ("交易取消", Closed),
    ("退款成功", Closed),
    ("已退款", Closed),
];

const TAOBAO: &[(&str, OrderState)] = &[
    ("没有创建支付宝交易", Unpaid),
    ("付款确认中", Unpaid),
    ("定金未付尾款未付", Unpaid),
    ("定金已付尾款未付", Unpaid),
    ("等待买家付尾款", Unpaid),
    ("定金和尾款都付", Paid),
    ("卖家部分发货,等待买家确认", PartlyShipped),
    ("买家已签收,货到付款专用", Shipped),
    ("买家已收货", Completed),
    ("付款以后用户退款成功,交易自动关闭", Closed),
    ("付款以前,卖家或买家主动关闭交易", Closed),
    ("交易自动关闭", Closed),
];

const ALIBABA_1688: &[(&str, OrderState)] = &[
    ("待买家付款", Unpaid),
    ("等待买家支付", Unpaid),
    ("待卖家发货", Paid),
    ("待买家收货", Shipped),
    ("等待买家收货", Shipped),
    ("等待卖家确认收款", Shipped),
    ("买家已确认收货", Completed),
    ("交易终止", Closed),
];

const PDD: &[(&str, OrderState)] = &[
    ("待成团", Paid),
    ("拼团中", Paid),
    ("已成团,待发货", Paid),
    ("已发货,待签收", Shipped),
    ("已发货,待收货", Shipped),
    ("已评价", Completed),
    ("待评价", Completed),
    ("交易已取消", Closed),
    ("未成团", Closed),
    ("未发货,退款成功", Closed),
    ("已发货,退款成功", Closed),
    ("已签收,退款成功", Closed),
    ("已收货,退款成功", Closed),
    ("已取消,退款成功", Closed),
];

const DOUYIN: &[(&str, OrderState)] = &[
    ("待确认", Unpaid),
    ("备货中", Paid),
    ("已下单", Unpaid),
    ("已支付,待发货", Paid),
    ("已收货,交易完成", Completed),
    ("交易成功(已完成)", Completed),
];

const JD: &[(&str, OrderState)] = &[
    ("新订单", Unpaid),
    ("等待付款确认", Unpaid),
    ("等待出库", Paid),
    ("等待打印", Paid),
    ("等待审核", Paid),
    ("暂停", Paid),
    ("锁定", Paid),
    ("正在出库", Paid),
    ("已出库", Shipped),
    ("等待收货", Shipped),
    ("等待确认收货", Shipped),
    ("等待客户回执", Shipped),
    ("正在配送", Shipped),
    ("完成", Completed),
    ("取消", Closed),
    ("(删除)等待付款", Closed),
    ("(删除)等待出库", Closed),
    ("已删除", Closed),
    ("删除", Closed),
];

/// The state that `text` means in files of `format`; commas of both widths and blanks do not matter.
/// The generic format also knows the canonical names.
pub(super) fn state(format: Format, text: &str) -> Option<OrderState> {
    let find = |text: &str| {
        let own = match format {
            Format::TaobaoOrders | Format::TaobaoItems => TAOBAO,
            Format::Alibaba1688 => ALIBABA_1688,
            Format::Pdd => PDD,
            Format::Douyin => DOUYIN,
            Format::Jd => JD,
            Format::Generic => &[],
        };
        COMMON.iter().chain(own).find(|(word, _)| *word == text).map(|(_, state)| *state)
    };
    if let Some(state) = find(text) {
        return Some(state);
    }
    let plain: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            '，' | '、' => ',',
            '（' => '(',
            '）' => ')',
            c => c,
        })
        .collect();
    find(&plain).or_else(|| canonical(&plain))
}

/// The state with a canonical name such as `completed`.
pub(super) fn canonical(text: &str) -> Option<OrderState> {
    Some(match text.to_ascii_lowercase().as_str() {
        "unpaid" => Unpaid,
        "paid" => Paid,
        "partly_shipped" => PartlyShipped,
        "shipped" => Shipped,
        "completed" => Completed,
        "closed" => Closed,
        _ => return None,
    })
}

/// The state of an order of which only the lines' states are known.
pub(super) fn of_lines(lines: impl Iterator<Item = OrderState>) -> Option<OrderState> {
    let mut open: Option<(OrderState, OrderState)> = None;
    let mut any = false;
    for state in lines {
        any = true;
        if state != Closed {
            let (low, high) = open.unwrap_or((state, state));
            open = Some((low.min(state), high.max(state)));
        }
    }
    match open {
        None => any.then_some(Closed),
        Some((Paid, Shipped | PartlyShipped | Completed)) => Some(PartlyShipped),
        Some((low, _)) => Some(low),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_of_both_widths() {
        for text in
            ["买家已付款，等待卖家发货", "买家已付款,等待卖家发货", "买家已付款 ， 等待卖家发货"]
        {
            assert_eq!(state(Format::TaobaoOrders, text), Some(Paid), "{text}");
        }
        assert_eq!(state(Format::Pdd, "已发货，待签收"), Some(Shipped));
        assert_eq!(state(Format::Jd, "（删除）等待付款"), Some(Closed));
        assert_eq!(state(Format::Generic, "completed"), Some(Completed));
        assert_eq!(state(Format::TaobaoOrders, "在路上"), None);
    }

    #[test]
    fn an_order_stands_where_its_lines_stand() {
        assert_eq!(of_lines([Completed, Closed].into_iter()), Some(Completed));
        assert_eq!(of_lines([Closed, Closed].into_iter()), Some(Closed));
        assert_eq!(of_lines([Paid, Shipped].into_iter()), Some(PartlyShipped));
        assert_eq!(of_lines([Shipped, Completed].into_iter()), Some(Shipped));
        assert_eq!(of_lines(std::iter::empty()), None);
    }
}
