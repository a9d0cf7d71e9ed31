//! Which platform wrote a file: told by the names in its header, and by those of its sheets.

use std::path::Path;

use super::error::FormatError;
use super::evidence::Evidence;
use super::format::Format;
use super::platforms;
use super::rejects::REJECT_COLUMNS;

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detection {
    /// The format; [`Format::Generic`] if no platform writes such a header.
    pub format: Format,
    /// Why.
    pub evidence: Vec<Evidence>,
    /// Columns that the format does not know; they are kept as extra text.
    pub unknown_columns: Vec<String>,
}

/// The name of a column as formats know it: without blanks at the ends, marks of other encodings and
/// full-width brackets.
pub(super) fn column_key(name: &str) -> String {
    name.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '*'))
        .replace('（', "(")
        .replace('）', ")")
}

fn is_known(format: Format, key: &str) -> bool {
    platforms::columns(format).iter().any(|(name, _)| *name == key)
        || platforms::known_extras(format).iter().any(|name| column_key(name) == key)
}

/// The first group of required columns that `keys` has none of.
pub(super) fn missing(format: Format, keys: &[String]) -> Option<String> {
    platforms::required(format)
        .iter()
        .find(|group| !group.iter().any(|name| keys.iter().any(|key| key == name)))
        .map(|group| group.join(" / "))
}

/// Tells the format of a header.
#[must_use]
pub fn detect(header: &[String]) -> Detection {
    let keys: Vec<String> = header.iter().map(|name| column_key(name)).collect();
    let best = Format::ALL
        .into_iter()
        .filter(|format| *format != Format::Generic && missing(*format, &keys).is_none())
        .filter(|format| {
            !platforms::forbidden(*format).iter().any(|name| keys.iter().any(|key| key == name))
        })
        .max_by_key(|format| keys.iter().filter(|key| is_known(*format, key)).count());
    let format = best.unwrap_or(Format::Generic);
    let mut unknown = Vec::new();
    let mut known = 0;
    for (name, key) in header.iter().zip(&keys) {
        if REJECT_COLUMNS.contains(&key.as_str()) || key.is_empty() {
            continue;
        }
        if is_known(format, key) { known += 1 } else { unknown.push(name.clone()) }
    }
    let mut evidence = Vec::new();
    match best {
        Some(format) => {
            let signs: Vec<String> = platforms::required(format)
                .iter()
                .flat_map(|group| {
                    group.iter().copied().find(|name| keys.iter().any(|key| key == name))
                })
                .map(str::to_owned)
                .collect();
            evidence.push(Evidence::Header { format, signs });
            evidence.push(Evidence::KnownColumns { known, columns: known + unknown.len() });
        }
        None => evidence.push(Evidence::NoPlatform),
    }
    if keys.iter().any(|key| REJECT_COLUMNS.contains(&key.as_str())) {
        evidence.push(Evidence::CorrectedRejects);
    }
    Detection { format, evidence, unknown_columns: unknown }
}

/// One sheet of a workbook and what its name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetChoice {
    /// The sheet.
    pub sheet: String,
    /// The format its name promises, if any.
    pub format: Option<Format>,
}

/// Tells by their names which sheets of a Qianniu workbook hold what.
#[must_use]
pub fn detect_sheets(names: &[String]) -> Vec<SheetChoice> {
    let promise = |name: &str| match name.trim() {
        "订单报表" => Some(Format::TaobaoOrders),
        "销售明细" | "宝贝报表" | "商品明细" => Some(Format::TaobaoItems),
        _ => None,
    };
    names.iter().map(|name| SheetChoice { sheet: name.clone(), format: promise(name) }).collect()
}

/// The sheets of the workbook at `path` to import one after the other: those whose names promise orders
/// or lines, otherwise the first. Empty for a file that is no workbook.
///
/// # Errors
/// As for opening the file.
pub fn sheets_to_import(path: &Path) -> Result<Vec<SheetChoice>, FormatError> {
    let names = tabular::sheet_names(path, &tabular::Limits::default())?;
    let all = detect_sheets(&names);
    let promised: Vec<_> = all.iter().filter(|choice| choice.format.is_some()).cloned().collect();
    Ok(if promised.is_empty() { all.into_iter().take(1).collect() } else { promised })
}
