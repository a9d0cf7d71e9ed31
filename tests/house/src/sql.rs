//! The tables a piece of SQL names. Not a parser: enough to hold the rooms apart.

/// How keywords are recognised.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keywords {
    /// In capitals only: SQL among other texts.
    Capitals,
    /// In any case: a file of nothing but SQL.
    AnyCase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Sign(u8),
}

const SYSTEM: [&str; 6] = ["sqlite_", "pg_", "pragma_", "information_schema", "excluded", "stdin"];

/// Names of tables, views and indexed tables in `sql`, each with its line counted from 0.
/// Names made up by the statement itself (`WITH x AS`) and the database's own are left out.
pub(crate) fn tables(sql: &str, keywords: Keywords) -> Vec<(usize, String)> {
    let tokens = tokens(sql);
    let scan = Scan { tokens: &tokens, keywords };
    let own = scan.made_up();
    let mut found = Vec::new();
    let mut openings: Vec<Option<&str>> = Vec::new();
    for (at, &(line, token)) in tokens.iter().enumerate() {
        match token {
            Token::Sign(b'(') => openings.push(at.checked_sub(1).and_then(|at| scan.word(at))),
            Token::Sign(b')') => drop(openings.pop()),
            _ => {}
        }
        let inside = openings.last().copied().flatten();
        let mut named = scan.named_after(at, inside);
        while let Some(name_at) = named {
            let Some(name) = scan.name(name_at) else { break };
            let plain = name.rsplit('.').next().unwrap_or(name);
            let is_function = scan.sign(name_at + 1, b'(') && !scan.may_list_columns(at);
            let is_system = SYSTEM.iter().any(|system| name.starts_with(system));
            if !is_function && !is_system && !own.contains(&plain) {
                found.push((line, plain.to_owned()));
            }
            named = scan.is(at, &["FROM"]).then(|| scan.next_in_list(name_at)).flatten();
        }
    }
    found
}

struct Scan<'a> {
    tokens: &'a [(usize, Token<'a>)],
    keywords: Keywords,
}

impl<'a> Scan<'a> {
    fn word(&self, at: usize) -> Option<&'a str> {
        match self.tokens.get(at)? {
            (_, Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn sign(&self, at: usize, sign: u8) -> bool {
        self.tokens.get(at).is_some_and(|(_, token)| *token == Token::Sign(sign))
    }

    /// Whether the word at `at` is one of `keywords`, given in capitals.
    fn is(&self, at: usize, keywords: &[&str]) -> bool {
        self.word(at).is_some_and(|word| match self.keywords {
            Keywords::Capitals => keywords.contains(&word),
            Keywords::AnyCase => keywords.iter().any(|keyword| word.eq_ignore_ascii_case(keyword)),
        })
    }

    /// The word at `at` if it can name a table.
    fn name(&self, at: usize) -> Option<&'a str> {
        const NOT_NAMES: [&str; 12] = [
            "SET", "OF", "SKIP", "NOWAIT", "CASCADE", "RESTRICT", "NO", "ON", "SELECT", "LATERAL",
            "VALUES", "WHEN",
        ];
        let word = self.word(at)?;
        let first = word.bytes().next()?;
        let is_name = first.is_ascii_lowercase() || first == b'_';
        (is_name && !self.is(at, &NOT_NAMES)).then_some(word)
    }

    /// Where a table's name would stand if the token at `at` announces one.
    fn named_after(&self, at: usize, inside: Option<&str>) -> Option<usize> {
        let before = |keywords: &[&str]| at > 0 && self.is(at - 1, keywords);
        let of_text = inside.is_some_and(|function| {
            ["EXTRACT", "SUBSTRING", "TRIM", "OVERLAY"]
                .iter()
                .any(|known| function.eq_ignore_ascii_case(known))
        });
        let next = at + 1;
        if self.is(at, &["FROM"]) {
            let compares = before(&["DISTINCT"]) && at > 1 && self.is(at - 2, &["IS", "NOT"]);
            return (!of_text && !compares).then(|| self.past(next, &["ONLY"]));
        }
        if self.is(at, &["JOIN", "INTO", "REFERENCES", "COPY"]) {
            return Some(next);
        }
        if self.is(at, &["UPDATE"]) && !before(&["DO", "FOR", "ON", "OR", "BEFORE", "AFTER", "KEY"])
        {
            return Some(self.past(next, &["OR", "IGNORE", "ROLLBACK", "ABORT", "FAIL", "ONLY"]));
        }
        if self.is(at, &["TABLE", "VIEW"])
            && before(&["CREATE", "ALTER", "DROP", "TRUNCATE", "TEMP", "MATERIALIZED", "UNLOGGED"])
        {
            return Some(self.past(next, &["IF", "NOT", "EXISTS", "ONLY"]));
        }
        (self.is(at, &["ON"]) && self.is_first_on_of_definition(at)).then_some(next)
    }

    /// Whether `ON` at `at` says on which table an index, trigger or policy is defined.
    fn is_first_on_of_definition(&self, at: usize) -> bool {
        let begin = (0..at).rev().find(|at| self.sign(*at, b';')).map_or(0, |at| at + 1);
        self.is(begin, &["CREATE", "DROP", "ALTER"])
            && (begin..at).any(|at| self.is(at, &["INDEX", "TRIGGER", "POLICY"]))
            && !(begin..at).any(|at| self.is(at, &["ON"]))
    }

    fn past(&self, mut at: usize, keywords: &[&str]) -> usize {
        while self.is(at, keywords) {
            at += 1;
        }
        at
    }

    /// Whether a parenthesis after the name announced at `at` holds columns, not arguments.
    fn may_list_columns(&self, at: usize) -> bool {
        self.is(at, &["INTO", "REFERENCES", "COPY", "TABLE", "VIEW", "ON"])
    }

    /// The next name of `FROM a AS x, b`.
    fn next_in_list(&self, name_at: usize) -> Option<usize> {
        let mut at = self.past(name_at + 1, &["AS"]);
        if self.name(at).is_some() {
            at += 1;
        }
        self.sign(at, b',').then_some(at + 1)
    }

    /// Names that `WITH` gives to queries.
    fn made_up(&self) -> Vec<&'a str> {
        (1..self.tokens.len())
            .filter(|at| self.is(at - 1, &["WITH", "RECURSIVE"]) || self.sign(at - 1, b','))
            .filter(|at| {
                let after_as = self.past(at + 2, &["NOT", "MATERIALIZED"]);
                let has_query = self.is(at + 1, &["AS"]) && self.sign(after_as, b'(');
                let has_columns = self.sign(at + 1, b'(') && !self.sign(at - 1, b',');
                has_query || has_columns
            })
            .filter_map(|at| self.word(at))
            .collect()
    }
}

fn tokens(sql: &str) -> Vec<(usize, Token<'_>)> {
    let bytes = sql.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let mut found = Vec::new();
    let (mut line, mut at) = (0, 0);
    while at < bytes.len() {
        let rest = &bytes[at..];
        let length_to = |end: &[u8]| {
            rest.windows(end.len()).skip(1).position(|w| w == end).map_or(rest.len(), |p| p + 1)
        };
        let length = match rest {
            [b'-', b'-', ..] => length_to(b"\n"),
            [b'/', b'*', ..] => (length_to(b"*/") + 2).min(rest.len()),
            [b'\'', ..] => (length_to(b"'") + 1).min(rest.len()),
            [byte, ..] if is_word(*byte) => {
                let length = rest.iter().take_while(|byte| is_word(**byte)).count();
                found.push((line, Token::Word(&sql[at..at + length])));
                length
            }
            // Quoted names and line ends of Rust literals read as if they were not there.
            [b'"' | b'\\' | b'`', ..] => 1,
            [byte, ..] if byte.is_ascii_whitespace() => 1,
            _ => {
                found.push((line, Token::Sign(bytes[at])));
                1
            }
        };
        line += rest[..length].iter().filter(|byte| **byte == b'\n').count();
        at += length;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(sql: &str) -> Vec<String> {
        tables(sql, Keywords::Capitals).into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn tables_of_statements() {
        for (sql, expected) in [
            ("SELECT a FROM x_one AS o, x_two t JOIN x_three USING (id)", "x_one x_two x_three"),
            ("INSERT OR IGNORE INTO x_one (a) VALUES (?) ON CONFLICT DO UPDATE SET a = 1", "x_one"),
            ("UPDATE x_one SET a = 1 FROM x_two WHERE true", "x_one x_two"),
            (
                "DELETE FROM ONLY x_one WHERE id IN (SELECT id FROM x_two FOR UPDATE SKIP LOCKED)",
                "x_one x_two",
            ),
            ("CREATE TABLE IF NOT EXISTS x_one (a REFERENCES x_two (id))", "x_one x_two"),
            ("CREATE UNIQUE INDEX i ON x_one (a) WHERE b", "x_one"),
            ("COPY x_one (a, b) FROM STDIN", "x_one"),
            ("SELECT * FROM \\\"x_one\\\"", "x_one"),
            ("SELECT 1 FROM public.x_one", "x_one"),
        ] {
            assert_eq!(names(sql).join(" "), expected, "{sql}");
        }
    }

    #[test]
    fn what_is_no_table_is_left_out() {
        for sql in [
            "WITH mine AS (SELECT 1), other AS MATERIALIZED (SELECT 2) SELECT * FROM mine JOIN other",
            "WITH RECURSIVE days(day) AS (SELECT 1) SELECT * FROM days",
            "SELECT * FROM json_each(?) JOIN unnest($1) AS t",
            "SELECT EXTRACT(EPOCH FROM ordered_at)",
            "SELECT a IS NOT DISTINCT FROM b, c IS DISTINCT FROM d",
            "SELECT * FROM {table} WHERE name = 'FROM x_one'",
            "SELECT 1 FROM sqlite_master -- FROM x_one",
            "this text came from nowhere, update soon, join us",
        ] {
            assert_eq!(names(sql), [""; 0], "{sql}");
        }
    }

    #[test]
    fn lower_case_counts_in_files_of_sql() {
        let found =
            tables("create table x_one (\n id int\n);\nalter table x_two", Keywords::AnyCase);
        assert_eq!(found, [(0, "x_one".to_owned()), (3, "x_two".to_owned())]);
    }
}
