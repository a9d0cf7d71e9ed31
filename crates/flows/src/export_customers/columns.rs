//! The columns of an export.

use analytics::Tier;
use insight::Action;
use kernel::{Currency, Timestamp, Zone};

use crate::list_customers::{Automated, CustomerRow};

/// Columns.
pub(super) const COUNT: usize = 20;

/// In which words columns and tiers are named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wording {
    /// The words of the interface, for programs and English readers; tiers by code.
    #[default]
    Codes,
    /// Chinese.
    Chinese,
}

impl Wording {
    /// The names of the columns.
    #[must_use]
    pub const fn header(self) -> [&'static str; COUNT] {
        match self {
            Self::Codes => [
                "id",
                "name",
                "accounts",
                "phone",
                "email",
                "province",
                "city",
                "rating",
                "orders",
                "revenue",
                "average_order",
                "currency",
                "first_order_at",
                "last_order_at",
                "tier",
                "cell",
                "action",
                "tags",
                "created_at",
                "export",
            ],
            Self::Chinese => [
                "客户编号",
                "姓名",
                "平台账号",
                "手机",
                "邮箱",
                "省份",
                "城市",
                "评级",
                "订单数",
                "消费金额",
                "客单价",
                "币种",
                "首次下单",
                "最近下单",
                "RFM 分层",
                "RFM 单元",
                "建议做法",
                "标签",
                "建档时间",
                "导出标记",
            ],
        }
    }

    /// What is recommended, or why it is not.
    const fn action(self, automated: Automated, action: Option<Action>) -> &'static str {
        match (self, automated, action) {
            (Self::Codes, Automated::Refused, _) => "opted_out",
            (Self::Chinese, Automated::Refused, _) => "已拒绝自动化决策",
            (_, Automated::Allowed, None) => "",
            (Self::Codes, Automated::Allowed, Some(action)) => action.code(),
            (Self::Chinese, Automated::Allowed, Some(action)) => action.name_zh(),
        }
    }

    fn tier(self, code: &str) -> &str {
        match (self, code.parse::<Tier>()) {
            (Self::Chinese, Ok(tier)) => tier.name_zh(),
            _ => code,
        }
    }
}

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    /// Text, made harmless.
    Text(String),
    /// A whole number.
    Count(u32),
    /// An amount in minor units.
    Amount(i64, Currency),
}

/// A text that no spreadsheet takes for a formula.
fn harmless(text: &str) -> String {
    // Office programs of East Asia take full-width signs for the others.
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// The cells of a customer, with moments as clocks in `zone` show them; the last one says whose file it is.
pub(super) fn cells(row: &CustomerRow, zone: Zone, wording: Wording, mark: &str) -> [Cell; COUNT] {
    let text = |text: &str| Cell::Text(harmless(text));
    let known = |value: &Option<String>| text(value.as_deref().unwrap_or_default());
    let moment = |at: Option<Timestamp>| {
        text(&at.map_or_else(String::new, |at| at.local(zone).format("%F %T").to_string()))
    };
    let amount = |minor: Option<i64>| match minor.zip(row.currency) {
        Some((minor, currency)) => Cell::Amount(minor, currency),
        None => text(""),
    };
    let joined = |parts: Vec<&str>| text(&parts.join("; "));
    [
        text(&row.id.to_string()),
        text(&row.name),
        joined(row.accounts.iter().map(|account| account.value.as_str()).collect()),
        known(&row.phone),
        known(&row.email),
        known(&row.province),
        known(&row.city),
        text(&row.rating.map_or_else(String::new, |rating| format!("{rating:?}"))),
        Cell::Count(row.orders),
        amount(row.revenue_minor),
        amount(row.average_order_minor),
        text(row.currency.map_or("", |currency| currency.code())),
        moment(row.first_order_at),
        moment(row.last_order_at),
        text(row.tier.map_or("", |code| wording.tier(code))),
        known(&row.cell),
        text(wording.action(row.automated, row.action)),
        joined(row.tags.iter().map(|tag| tag.name.as_str()).collect()),
        moment(Some(row.created_at)),
        text(mark),
    ]
}

/// The cells as texts.
pub(super) fn texts(
    row: &CustomerRow,
    zone: Zone,
    wording: Wording,
    mark: &str,
) -> [String; COUNT] {
    cells(row, zone, wording, mark).map(|cell| match cell {
        Cell::Text(text) => text,
        Cell::Count(count) => count.to_string(),
        Cell::Amount(minor, currency) => {
            let money = kernel::Money::new(minor, currency).to_string();
            // Without the code, which has a column of its own.
            money.split(' ').next().unwrap_or_default().to_owned()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_texts() {
        for text in ["=1+1", "+1", "-1", "@a", "\t=1", "＝1+1", "＋1", "－1", "＠a"] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        assert_eq!(harmless("张 = 三"), "张 = 三");
    }

    #[test]
    fn headers_have_no_gaps() {
        for wording in [Wording::Codes, Wording::Chinese] {
            assert!(wording.header().iter().all(|name| !name.is_empty()));
        }
        assert_eq!(Wording::Chinese.tier("at_risk"), "流失风险客户");
        assert_eq!(Wording::Codes.tier("at_risk"), "at_risk");
    }
}
