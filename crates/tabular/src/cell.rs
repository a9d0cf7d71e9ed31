//! The ways spreadsheets wrap a cell, and how a cell is kept from being run as a formula.

/// The text inside `="…"`, with which exports keep spreadsheets from rounding ids; any other cell as
/// it is.
#[must_use]
pub fn unwrap_formula(cell: &str) -> &str {
    cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(cell)
}

/// Whether a spreadsheet would run `cell` as a formula.
pub(crate) fn is_formula(cell: &str) -> bool {
    matches!(cell.as_bytes().first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r'))
        || cell.starts_with(['＝', '＋', '－', '＠'])
}

/// Appends `cell` to `out` so that a spreadsheet shows it as text: a leading `'` before anything it
/// would run as a formula. Plain numbers such as `-5.00` stay.
pub fn guard_formula(cell: &str, out: &mut String) {
    let number = cell.strip_prefix(['-', '+']).is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    });
    if is_formula(cell) && !number {
        out.push('\'');
    }
    out.push_str(cell);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_ids_come_out() {
        assert_eq!(unwrap_formula("=\"3515\""), "3515");
        assert_eq!(unwrap_formula("=\"\""), "");
        for other in ["=\"", "=", "", "=A1", "x=\"1\""] {
            assert_eq!(unwrap_formula(other), other);
        }
    }

    #[test]
    fn formulas_become_text_and_numbers_stay() {
        let guarded = |cell: &str| {
            let mut out = String::new();
            guard_formula(cell, &mut out);
            out
        };
        assert_eq!(guarded("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0");
        assert_eq!(guarded("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(guarded("-2+3"), "'-2+3");
        assert_eq!(guarded("-5.00"), "-5.00");
        assert_eq!(guarded("好"), "好");
    }
}
