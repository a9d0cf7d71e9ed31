//! The text form as words, texts, numbers and signs, each with its place.

use std::fmt;

use chrono::NaiveDate;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Place {
    /// Bytes before it.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Character of the line, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// What is wrong with a text, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("{place}: {message}")]
pub struct TextError {
    /// Where.
    pub place: Place,
    /// What, and what would be right.
    pub message: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// In lower case.
    Word(String),
    Text(String),
    /// Digits, perhaps with a sign before and a fraction after them.
    Number(String),
    Date(NaiveDate),
    Sign(&'static str),
    End,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => write!(f, "`{word}`"),
            Self::Text(text) => write!(f, "the text {text:?}"),
            Self::Number(number) => write!(f, "the number {number}"),
            Self::Date(date) => write!(f, "the date {date}"),
            Self::Sign(sign) => write!(f, "`{sign}`"),
            Self::End => f.write_str("the end"),
        }
    }
}

/// Signs, longer ones first; those of Chinese keyboards mean the same.
const SIGNS: [(&str, &str); 18] = [
    (">=", ">="),
    ("<=", "<="),
    ("!=", "!="),
    ("..", ".."),
    ("≥", ">="),
    ("≤", "<="),
    ("≠", "!="),
    ("＞", ">"),
    ("＜", "<"),
    ("＝", "="),
    (">", ">"),
    ("<", "<"),
    ("=", "="),
    ("(", "("),
    (")", ")"),
    (",", ","),
    ("（", "("),
    ("）", ")"),
];

/// Begin and end of a text.
const QUOTES: [(char, char); 3] = [('"', '"'), ('“', '”'), ('「', '」')];

pub(super) struct Lexer<'a> {
    text: &'a str,
    at: Place,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: Place { offset: 0, line: 1, column: 1 } }
    }

    /// The next token and where it begins; `End` over and over when there is nothing left.
    pub(super) fn next(&mut self) -> Result<(Token, Place), TextError> {
        self.skip_blank();
        let place = self.at;
        let rest = &self.text[place.offset..];
        let Some(first) = rest.chars().next() else { return Ok((Token::End, place)) };
        if let Some((_, end)) = QUOTES.iter().find(|(begin, _)| *begin == first) {
            return Ok((Token::Text(self.quoted(*end)?), place));
        }
        if first.is_ascii_digit()
            || (first == '-' && rest[1..].starts_with(|c: char| c.is_ascii_digit()))
        {
            return Ok((self.number_or_date()?, place));
        }
        if is_of_word(first) {
            let word = self.take_while(is_of_word);
            return Ok((Token::Word(word.to_ascii_lowercase()), place));
        }
        if first == '，' || first == '、' {
            self.step(first);
            return Ok((Token::Sign(","), place));
        }
        for (written, sign) in SIGNS {
            if rest.starts_with(written) {
                written.chars().for_each(|c| self.step(c));
                return Ok((Token::Sign(sign), place));
            }
        }
        let message = if first.is_alphabetic() {
            format!("the character {first:?} has no meaning here: texts stand in quotation marks")
        } else {
            format!("the character {first:?} has no meaning here")
        };
        Err(TextError { place, message })
    }

    fn step(&mut self, c: char) {
        self.at.offset += c.len_utf8();
        if c == '\n' {
            self.at.line += 1;
            self.at.column = 1;
        } else {
            self.at.column += 1;
        }
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let rest = &self.text[self.at.offset..];
        let taken = &rest[..rest.find(|c| !keep(c)).unwrap_or(rest.len())];
        taken.chars().for_each(|c| self.step(c));
        taken
    }

    /// Blanks, and comments from `#` to the end of the line.
    fn skip_blank(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            if !self.text[self.at.offset..].starts_with('#') {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn quoted(&mut self, end: char) -> Result<String, TextError> {
        let begin = self.at;
        let mut chars = self.text[begin.offset..].chars();
        if let Some(quote) = chars.next() {
            self.step(quote);
        }
        let mut text = String::new();
        while let Some(c) = chars.next() {
            self.step(c);
            if c == end {
                return Ok(text);
            }
            if c == '\\' {
                let escaped = chars.next();
                escaped.into_iter().for_each(|c| self.step(c));
                match escaped {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some(c @ ('\\' | '"' | '”' | '」')) => text.push(c),
                    _ => {
                        let message = "after `\\` comes `\\`, `\"`, `n` or `t`".to_owned();
                        return Err(TextError { place: self.at, message });
                    }
                }
            } else {
                text.push(c);
            }
        }
        Err(TextError { place: begin, message: format!("this text does not end with {end}") })
    }

    fn number_or_date(&mut self) -> Result<Token, TextError> {
        let place = self.at;
        let rest = &self.text[place.offset..];
        let date = rest.get(..10).filter(|text| {
            text.bytes()
                .enumerate()
                .all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() })
        });
        if let Some(text) = date {
            let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") else {
                let message = format!("{text} is no day of the calendar");
                return Err(TextError { place, message });
            };
            text.chars().for_each(|c| self.step(c));
            return Ok(Token::Date(date));
        }
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let sign = usize::from(rest.starts_with('-'));
        let mut len = sign + digits(&rest[sign..]);
        // Two dots are a sign of their own: `bucket 1..5`.
        if rest[len..].starts_with('.') && digits(&rest[len + 1..]) > 0 {
            len += 1 + digits(&rest[len + 1..]);
        }
        let number = &rest[..len];
        number.chars().for_each(|c| self.step(c));
        if self.text[self.at.offset..].starts_with(is_of_word) {
            let message = "a number and a word need a blank between them".to_owned();
            return Err(TextError { place: self.at, message });
        }
        Ok(Token::Number(number.to_owned()))
    }
}

fn is_of_word(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric()
}
