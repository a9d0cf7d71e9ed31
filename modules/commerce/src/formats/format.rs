//! The formats that are known by name.

use serde::{Deserialize, Serialize};

/// A kind of file this module understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Taobao and Tmall order report (订单报表), one row per order.
    TaobaoOrders,
    /// Taobao and Tmall item report (销售明细), one row per line.
    TaobaoItems,
    /// 1688, order cells merged over item rows.
    #[serde(rename = "1688")]
    Alibaba1688,
    /// Pinduoduo, one row per order.
    Pdd,
    /// Douyin, one row per line or several lines in one row.
    Douyin,
    /// JD, one row per line.
    Jd,
    /// Anything else, through a mapping.
    Generic,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 7] = [
        Self::TaobaoOrders,
        Self::TaobaoItems,
        Self::Alibaba1688,
        Self::Pdd,
        Self::Douyin,
        Self::Jd,
        Self::Generic,
    ];

    /// The name on the command line and in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TaobaoOrders => "taobao-orders",
            Self::TaobaoItems => "taobao-items",
            Self::Alibaba1688 => "1688",
            Self::Pdd => "pdd",
            Self::Douyin => "douyin",
            Self::Jd => "jd",
            Self::Generic => "generic",
        }
    }

    /// The channel a shop with such files is usually on.
    #[must_use]
    pub const fn channel(self) -> &'static str {
        match self {
            Self::TaobaoOrders | Self::TaobaoItems => "taobao",
            Self::Alibaba1688 => "1688",
            Self::Pdd => "pdd",
            Self::Douyin => "douyin",
            Self::Jd => "jd",
            Self::Generic => "own",
        }
    }

    /// Whether one order may take several rows.
    pub(super) const fn has_rows_of_one_order(self) -> bool {
        !matches!(self, Self::TaobaoOrders | Self::Pdd)
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Format {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|format| format.name()).collect();
            format!("`{text}` is not a format; use one of {}", names.join(", "))
        })
    }
}
