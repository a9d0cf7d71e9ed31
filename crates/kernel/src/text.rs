//! How names and searches are compared.

use unicode_normalization::UnicodeNormalization;

/// The form in which texts are searched: NFKC (full-width Latin becomes plain), lower case,
/// runs of white space as one blank, none at the ends.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        if word.is_ascii() {
            out.extend(word.chars().map(|c| c.to_ascii_lowercase()));
        } else {
            out.extend(word.nfkc().flat_map(char::to_lowercase));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn width_case_and_blanks_do_not_matter() {
        assert_eq!(fold("  ＡＢｃ\u{3000}张 三 "), "abc 张 三");
        assert_eq!(fold(""), "");
    }
}
