//! The string literals of a Rust source.

/// The string literals of `source` with the line each begins on; comments are passed over.
/// Escapes stay as written: only words matter here.
pub(crate) fn literals(source: &str) -> Vec<(usize, &str)> {
    let bytes = source.as_bytes();
    let mut found = Vec::new();
    let mut line = 1;
    let mut at = 0;
    while at < bytes.len() {
        let rest = &source[at..];
        let end = if rest.starts_with("//") {
            at + rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            at + rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(opening) = raw_opening(source, at) {
            let closing = format!("\"{}", "#".repeat(opening - 2));
            let begin = at + opening;
            let length = source[begin..].find(&closing).unwrap_or(source.len() - begin);
            found.push((line, &source[begin..begin + length]));
            (begin + length + closing.len()).min(bytes.len())
        } else if bytes[at] == b'"' {
            let end = closing_quote(bytes, at + 1);
            found.push((line, &source[at + 1..end]));
            (end + 1).min(bytes.len())
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\") {
            // A character, not the beginning of a text.
            at + 2 + rest[2..].find('\'').map_or(0, |end| end + 1).max(1)
        } else {
            at + rest.chars().next().map_or(1, char::len_utf8)
        };
        let end = end.min(bytes.len());
        line += bytes[at..end].iter().filter(|byte| **byte == b'\n').count();
        at = end;
    }
    found
}

/// Length of `r#"` with any number of `#`, if a raw literal opens at `at`.
fn raw_opening(source: &str, at: usize) -> Option<usize> {
    let before = source[..at].chars().next_back();
    if before.is_some_and(|c| c.is_alphanumeric() && c != 'b' || c == '_') {
        return None;
    }
    let hashes = source[at..].strip_prefix('r')?;
    let count = hashes.bytes().take_while(|byte| *byte == b'#').count();
    hashes[count..].starts_with('"').then_some(count + 2)
}

fn closing_quote(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::literals;

    #[test]
    fn finds_texts_and_only_texts() {
        let source = r####"// "comment"
let a = "one \" two"; /* "no" */ let q = '"'; let n = '\'';
let b = r#"three "x"
four"#; for_r"five"; fn f<'a>(x: &'a str) { g(r"six") }
"####;
        let found = literals(source);
        assert_eq!(
            found,
            [(2, r#"one \" two"#), (3, "three \"x\"\nfour"), (4, "five"), (4, "six"),]
        );
    }

    #[test]
    fn an_unclosed_text_ends_with_the_source() {
        assert_eq!(literals("let a = \"open"), [(1, "open")]);
        assert_eq!(literals("let a = r#\"open"), [(1, "open")]);
    }
}
