//! Why the encoding, the delimiter and the format of a file are believed: a code with arguments.

use serde::Serialize;

use super::format::Format;
use super::words::Language;

/// One reason to believe what was found out about a file. `Display` gives the English text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
#[schema(as = FileEvidence)]
#[allow(missing_docs, reason = "the text of each code says it")]
pub enum Evidence {
    ByteOrderMark {
        encoding: String,
    },
    OnlyAscii,
    ValidUtf8,
    MostlyUtf8 {
        bytes: usize,
        at: usize,
    },
    CommonChinese {
        common: usize,
        pairs: usize,
    },
    LetterStatistics {
        encoding: String,
    },
    AsAsked {
        encoding: String,
    },
    LinesEndInCr,
    ColumnsAgree {
        delimiter: String,
        columns: usize,
        rows: usize,
    },
    OneColumn,
    Workbook {
        sheet: String,
        total: usize,
        sheets: Vec<String>,
    },
    /// The header has these columns, which only this format has.
    Header {
        format: Format,
        signs: Vec<String>,
    },
    KnownColumns {
        known: usize,
        columns: usize,
    },
    NoPlatform,
    ReadByMapping,
    CorrectedRejects,
}

impl From<&tabular::Evidence> for Evidence {
    fn from(found: &tabular::Evidence) -> Self {
        use tabular::Evidence as Found;
        match found.clone() {
            Found::ByteOrderMark { encoding } => Self::ByteOrderMark { encoding },
            Found::OnlyAscii => Self::OnlyAscii,
            Found::ValidUtf8 => Self::ValidUtf8,
            Found::MostlyUtf8 { bytes, at } => Self::MostlyUtf8 { bytes, at },
            Found::CommonChinese { common, pairs } => Self::CommonChinese { common, pairs },
            Found::LetterStatistics { encoding } => Self::LetterStatistics { encoding },
            Found::AsAsked { encoding } => Self::AsAsked { encoding },
            Found::LinesEndInCr => Self::LinesEndInCr,
            Found::ColumnsAgree { delimiter, columns, rows } => {
                Self::ColumnsAgree { delimiter: delimiter.to_string(), columns, rows }
            }
            Found::OneColumn => Self::OneColumn,
            Found::Workbook { sheet, sheets } => {
                Self::Workbook { sheet, total: sheets.len(), sheets }
            }
        }
    }
}

impl std::fmt::Display for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let language = Language::English;
        f.write_str(&language.tell(&language.words().evidence, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_told() {
        let header = Evidence::Header {
            format: Format::Jd,
            signs: ["订单号", "下单帐号"].map(str::to_owned).into(),
        };
        assert_eq!(header.to_string(), "JD orders: the header has 订单号, 下单帐号");
        let chinese = Language::Chinese;
        assert_eq!(
            chinese.tell(&chinese.words().evidence, &header),
            "京东订单：表头里有订单号、下单帐号"
        );
        let found = tabular::Evidence::ColumnsAgree {
            delimiter: tabular::Delimiter::Comma,
            columns: 7,
            rows: 3,
        };
        assert_eq!(
            Evidence::from(&found).to_string(),
            "comma between cells: 7 columns agree over the first 3 rows"
        );
    }
}
