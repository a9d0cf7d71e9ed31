//! What a cell really says once the wrappings of platforms and spreadsheets are off.

/// Blanks that `trim` knows, and those it does not.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{0}')
}

/// The text of a cell, or `None` for the many ways of saying nothing: blanks, `null`, `'null`.
///
/// A leading `'` goes where a spreadsheet or our own export put it: before a digit, a formula sign, or
/// nothing at all. It stays in `'t Hooft`.
pub(super) fn clean(cell: &str) -> Option<&str> {
    // Most cells need nothing done.
    if is_plain(cell.as_bytes()) {
        return (!cell.eq_ignore_ascii_case("null")).then_some(cell);
    }
    let text = tabular::unwrap_formula(cell.trim_matches(is_blank));
    let text = match text.strip_prefix('\'') {
        Some(rest) => {
            let bare = rest.trim_matches(is_blank).trim_end_matches('\'');
            let wrapped = bare.is_empty()
                || bare.eq_ignore_ascii_case("null")
                || rest.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'])
                || bare.starts_with(|c: char| c.is_ascii_digit());
            if wrapped { rest.trim_matches(is_blank) } else { text }
        }
        None => text,
    };
    let nothing = text.is_empty()
        || (text.len() <= 8 && text.trim_matches(['\'', '"']).eq_ignore_ascii_case("null"))
        || matches!(text, "'" | "''" | "\"\"");
    if nothing { None } else { Some(text) }
}

/// Whether both ends of a text are a Chinese character or an ASCII sign that wraps nothing.
fn is_plain(text: &[u8]) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\'' | b'=' | b'"');
    // U+4000 to U+9FFF, in UTF-8.
    let is_han = |byte: u8| (0xe4..=0xe9).contains(&byte);
    match text {
        [] => false,
        [only] => is_sign(*only),
        [first, .., last] => {
            (is_sign(*first) || is_han(*first))
                && (is_sign(*last) || (text.len() > 2 && is_han(text[text.len() - 3])))
        }
    }
}

/// A text that names somebody: not one the platform has masked (`t**`) or ciphered (`##…`, `$$…`).
pub(super) fn open_text(text: &str) -> Option<&str> {
    let hidden = text.contains(['*', '＊'])
        || text.starts_with("##")
        || text.starts_with("$$")
        || (text.starts_with('~') && text.ends_with('~') && text.len() > 2);
    if hidden { None } else { Some(text) }
}

/// Whether a spreadsheet has turned a number into `1.23E+18`, losing its end.
pub(super) fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    !mantissa.is_empty()
        && mantissa.starts_with(|c: char| c.is_ascii_digit())
        && mantissa.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        // Merchants' numbers such as `12E34` have no point and no sign.
        && (mantissa.contains('.') || text.contains('+') || mantissa.len() == 1)
        && !exponent.is_empty()
        && exponent.len() <= 3
        && exponent.bytes().all(|byte| byte.is_ascii_digit())
}

/// A phone number as digits with an optional `+`; `None` for masked, ciphered or virtual ones.
pub(super) fn mobile(text: &str) -> Option<String> {
    let text = open_text(text)?;
    // `18877771111-123` is a number the platform lends for one order: it names nobody.
    if let Some((number, extension)) = text.split_once(['-', '转', ','])
        && number.len() == 11
        && number.starts_with('1')
        && !extension.is_empty()
    {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '0'..='9' => out.push(c),
            '+' | '＋' if out.is_empty() => out.push('+'),
            ' ' | '-' | '(' | ')' | '\u{a0}' | '（' | '）' => {}
            _ => return None,
        }
    }
    let digits = out.trim_start_matches('+').len();
    if (5..=20).contains(&digits) { Some(out) } else { None }
}

/// A landline as written, without blanks.
pub(super) fn landline(text: &str) -> Option<String> {
    let text = open_text(text)?;
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if !(5..=24).contains(&digits) {
        return None;
    }
    Some(text.chars().filter(|c| !c.is_whitespace()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_many_ways_of_saying_nothing() {
        for nothing in [
            "",
            " ",
            "null",
            "'null",
            " null ",
            "NULL",
            "'",
            "\"null\"",
            "\"'null\"",
            "=\"\"",
            "\t",
            "'null'",
        ] {
            assert_eq!(clean(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn wrappings_come_off() {
        assert_eq!(clean("'13000000000"), Some("13000000000"));
        assert_eq!(clean("\t6912345"), Some("6912345"));
        assert_eq!(clean("=\"3515\""), Some("3515"));
        assert_eq!(clean("'=1+1"), Some("=1+1"));
        assert_eq!(clean("'t Hooft"), Some("'t Hooft"));
        assert_eq!(clean("\u{3000}张三\u{a0}"), Some("张三"));
        assert_eq!(clean("O'Neil"), Some("O'Neil"));
    }

    #[test]
    fn hidden_texts_name_nobody() {
        for hidden in ["t**", "##abc", "$$abc", "~abc~", "138****0000"] {
            assert_eq!(open_text(hidden), None, "{hidden}");
        }
        assert_eq!(open_text("tb_123"), Some("tb_123"));
    }

    #[test]
    fn scientific_notation_is_seen() {
        for damaged in ["1.23E+18", "3.51532E+16", "1E+18", "1.23456789012346E18", "1e18"] {
            assert!(is_scientific(damaged), "{damaged}");
        }
        for fine in
            ["351531314732900001", "12E34", "E18", "", "260517-607198974342268", "1.2.E", "1E"]
        {
            assert!(!is_scientific(fine), "{fine}");
        }
    }

    #[test]
    fn phones() {
        assert_eq!(mobile("138 0000 0000").as_deref(), Some("13800000000"));
        assert_eq!(mobile("+86-13800000000").as_deref(), Some("+8613800000000"));
        assert_eq!(mobile("18877771111-123"), None);
        assert_eq!(mobile("138****0000"), None);
        assert_eq!(mobile("1.38E+10"), None);
        assert_eq!(landline("0571-8888 8888").as_deref(), Some("0571-88888888"));
    }

    proptest! {
        #[test]
        fn cleaning_twice_changes_nothing_more(text in "[' \t=\"a1张null-]{0,10}") {
            if let Some(once) = clean(&text) {
                prop_assert!(!once.is_empty());
                let _ = (mobile(once), landline(once), is_scientific(once));
            }
        }
    }
}
