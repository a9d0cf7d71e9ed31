//! Logic laid out over lines.

/// A condition, or what joins some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Logic {
    /// One condition, whole in itself: it needs no brackets beside `AND`, `OR` or `NOT`.
    Is(String),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

/// A text in SQL.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// `column = 'a'` or `column IN ('a', 'b')`.
pub(super) fn one_of(column: &str, values: impl IntoIterator<Item = String>) -> String {
    let values: Vec<String> = values.into_iter().map(|value| literal(&value)).collect();
    match &values[..] {
        [value] => format!("{column} = {value}"),
        values => format!("{column} IN ({})", values.join(", ")),
    }
}

impl Logic {
    /// The text, each line but the first indented by `indent`.
    pub(super) fn write(&self, out: &mut String, indent: usize) {
        match self {
            Self::Is(text) => out.push_str(text),
            Self::Not(part) => {
                out.push_str("NOT (");
                part.write_within(out, indent);
                out.push(')');
            }
            Self::All(parts) => join(parts, "TRUE", "AND ", out, indent),
            Self::Any(parts) => join(parts, "FALSE", "OR ", out, indent),
        }
    }

    /// Between brackets: what takes several lines begins on one of its own.
    fn write_within(&self, out: &mut String, indent: usize) {
        let is_long = matches!(self, Self::All(parts) | Self::Any(parts) if parts.len() > 1);
        if is_long {
            line(out, indent + 2);
            self.write(out, indent + 2);
            line(out, indent);
        } else {
            self.write(out, indent);
        }
    }
}

fn join(parts: &[Logic], none: &str, word: &str, out: &mut String, indent: usize) {
    match parts {
        [] => out.push_str(none),
        [part] => part.write(out, indent),
        parts => {
            for (at, part) in parts.iter().enumerate() {
                if at > 0 {
                    line(out, indent);
                    out.push_str(word);
                }
                match part {
                    Logic::All(_) | Logic::Any(_) => {
                        out.push('(');
                        part.write_within(out, indent);
                        out.push(')');
                    }
                    part => part.write(out, indent),
                }
            }
        }
    }
}

/// Begins a line.
pub(super) fn line(out: &mut String, indent: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}
