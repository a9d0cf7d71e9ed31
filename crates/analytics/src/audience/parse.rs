//! Reads the text form. The grammar stands in `docs/audiences.md`.

mod loyalty;
mod orders;

use chrono::NaiveDate;
use kernel::{AudienceId, ShopId, TagId, UserId};
use uuid::Uuid;

use super::check::{self, Limits};
use super::lexer::{Lexer, Place, TextError, Token};
use super::tree::{Bounds, Measure, Node};
use super::vocabulary::Vocabulary;
use crate::contact::{ContactChannel, ContactPurpose};

/// Reads a definition; names are looked up in `names`.
///
/// # Errors
/// What is wrong, each with its place: the first fault of grammar, and every unknown name before it.
pub fn parse(text: &str, names: &dyn Vocabulary) -> Result<Node, Vec<TextError>> {
    let start = Place { offset: 0, line: 1, column: 1 };
    if text.len() > Limits::TEXT_BYTES {
        let message = format!("longer than {} bytes", Limits::TEXT_BYTES);
        return Err(vec![TextError { place: start, message }]);
    }
    // Editors of Windows begin files with a mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser = Parser {
        lexer: Lexer::new(text),
        token: Token::End,
        place: start,
        depth: 0,
        names,
        errors: Vec::new(),
    };
    let read = parser.advance().and_then(|()| parser.whole());
    let mut errors = parser.errors;
    match read {
        Err(error) => errors.push(error),
        Ok(node) if errors.is_empty() => match check::check(&node) {
            Ok(()) => return Ok(node),
            Err(found) => errors.extend(
                found
                    .into_iter()
                    .map(|error| TextError { place: start, message: error.to_string() }),
            ),
        },
        Ok(_) => {}
    }
    Err(errors)
}

const CONDITIONS: &str = "a condition: name, province, rating, owner, tag, tier, cell, level, points, created, \
     refuses_automation, may_contact, orders, revenue, average_order, items, refunds, refunded, first_order, last_order, \
     sequence, audience, bucket, everyone or nobody";

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token,
    place: Place,
    depth: usize,
    names: &'a dyn Vocabulary,
    errors: Vec<TextError>,
}

type Read<T> = Result<T, TextError>;

impl Parser<'_> {
    fn advance(&mut self) -> Read<()> {
        (self.token, self.place) = self.lexer.next()?;
        Ok(())
    }

    fn fault<T>(&self, message: impl Into<String>) -> Read<T> {
        Err(TextError { place: self.place, message: message.into() })
    }

    fn expected<T>(&self, what: &str) -> Read<T> {
        self.fault(format!("expected {what}, found {}", self.token))
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(&self.token, Token::Word(own) if own == word)
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(&self.token, Token::Sign(own) if *own == sign)
    }

    /// Goes past `word` if it is there.
    fn take_word(&mut self, word: &str) -> Read<bool> {
        let is = self.is_word(word);
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    fn take_sign(&mut self, sign: &str) -> Read<bool> {
        let is = self.is_sign(sign);
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    fn need_word(&mut self, word: &str) -> Read<()> {
        if self.take_word(word)? { Ok(()) } else { self.expected(&format!("`{word}`")) }
    }

    fn need_sign(&mut self, sign: &str) -> Read<()> {
        if self.take_sign(sign)? { Ok(()) } else { self.expected(&format!("`{sign}`")) }
    }

    fn whole(&mut self) -> Read<Node> {
        if self.token == Token::End {
            return self.expected(CONDITIONS);
        }
        let node = self.any()?;
        if self.token != Token::End {
            return self.expected("`and`, `or` or the end");
        }
        Ok(node)
    }

    fn any(&mut self) -> Read<Node> {
        let mut of = vec![self.all()?];
        while self.take_word("or")? {
            of.push(self.all()?);
        }
        Ok(if of.len() > 1 { Node::Any { of }.normalised() } else { of.remove(0) })
    }

    fn all(&mut self) -> Read<Node> {
        let mut of = vec![self.unary()?];
        while self.take_word("and")? {
            of.push(self.unary()?);
        }
        Ok(if of.len() > 1 { Node::All { of }.normalised() } else { of.remove(0) })
    }

    fn unary(&mut self) -> Read<Node> {
        // The tree is checked for the same depth; this keeps the stack from overflowing before that.
        if self.depth >= 4 * Limits::DEPTH {
            return self.fault(format!("nested deeper than {} levels", Limits::DEPTH));
        }
        self.depth += 1;
        let node = if self.take_word("not")? {
            Node::Not { of: Box::new(self.unary()?) }
        } else if self.take_sign("(")? {
            let node = self.any()?;
            self.need_sign(")")?;
            node
        } else {
            self.sound_condition()?
        };
        self.depth -= 1;
        Ok(node)
    }

    /// A condition; what it says that cannot be is noted with its place, and reading goes on.
    fn sound_condition(&mut self) -> Read<Node> {
        let place = self.place;
        let node = self.condition()?;
        if let Err(found) = check::check(&node) {
            let faults = found.into_iter().map(|error| TextError { place, message: error.message });
            self.errors.extend(faults);
        }
        Ok(node)
    }

    fn condition(&mut self) -> Read<Node> {
        let Token::Word(word) = self.token.clone() else { return self.expected(CONDITIONS) };
        if let Some(measure) = Measure::ALL.into_iter().find(|m| m.word() == word) {
            self.advance()?;
            let of = self.orders()?;
            let bounds = self.bounds(measure.is_amount().then_some(of.shop))?;
            return Ok(Node::Orders { measure, of, bounds });
        }
        let at = self.place;
        let known = [
            "everyone",
            "nobody",
            "name",
            "province",
            "rating",
            "owner",
            "tag",
            "tier",
            "cell",
            "level",
            "points",
            "created",
            "refuses_automation",
            "may_contact",
            "first_order",
            "last_order",
            "sequence",
            "audience",
            "bucket",
        ];
        if !known.contains(&word.as_str()) {
            return self.expected(CONDITIONS);
        }
        self.advance()?;
        Ok(match word.as_str() {
            "everyone" => Node::everyone(),
            "nobody" => Node::Any { of: Vec::new() },
            "name" => {
                self.need_word("contains")?;
                Node::Name { contains: self.text()? }
            }
            "province" => {
                let value = |parser: &mut Self| {
                    let unknown = parser.take_word("unknown")?;
                    if unknown { Ok(String::new()) } else { parser.text() }
                };
                Node::Province { is: self.values(value)? }
            }
            "rating" => Node::Rating { bounds: self.bounds(None)? },
            "owner" => {
                let value = |parser: &mut Self| {
                    if parser.take_word("nobody")? { Ok(None) } else { parser.user().map(Some) }
                };
                Node::Owner { is: self.values(value)? }
            }
            "tag" => Node::Tag { tag: self.tag()? },
            "tier" => Node::Tier { is: self.values(Self::tier)? },
            "cell" => {
                let place = self.place;
                let text = self.text()?;
                match text.parse() {
                    Ok(is) => Node::Cell { is },
                    Err(error) => {
                        return Err(TextError { place, message: format!("{text:?} is {error}") });
                    }
                }
            }
            "level" => self.level()?,
            "points" => self.points()?,
            "created" => Node::Created { when: self.when()? },
            "refuses_automation" => Node::RefusesAutomation,
            "may_contact" => self.may_contact()?,
            "first_order" => {
                let of = self.orders()?;
                Node::FirstOrder { of, when: self.when()? }
            }
            "last_order" => {
                let of = self.orders()?;
                Node::LastOrder { of, when: self.when()? }
            }
            "sequence" => self.sequence()?,
            "audience" => Node::Audience { audience: self.audience()? },
            "bucket" => self.bucket()?,
            _ => return Err(TextError { place: at, message: format!("expected {CONDITIONS}") }),
        })
    }

    /// `= VALUE` or `in (VALUE, …)`.
    fn values<T>(&mut self, value: impl Fn(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        if self.take_sign("=")? || self.take_word("is")? {
            return Ok(vec![value(self)?]);
        }
        if !self.take_word("in")? {
            return self.expected("`=` or `in (…)`");
        }
        self.need_sign("(")?;
        let mut values = vec![value(self)?];
        while self.take_sign(",")? {
            if values.len() > Limits::VALUES {
                return self.fault(format!("at most {} values", Limits::VALUES));
            }
            values.push(value(self)?);
        }
        self.need_sign(")")?;
        Ok(values)
    }

    fn may_contact(&mut self) -> Read<Node> {
        self.need_sign("(")?;
        let channel = self.one_of(ContactChannel::of, ContactChannel::ALL, ContactChannel::word)?;
        let purpose = if self.take_sign(",")? {
            self.one_of(ContactPurpose::of, ContactPurpose::ALL, ContactPurpose::word)?
        } else {
            ContactPurpose::Marketing
        };
        self.need_sign(")")?;
        Ok(Node::MayContact { channel, purpose })
    }

    /// One of some words.
    fn one_of<T: Copy>(
        &mut self,
        of: impl Fn(&str) -> Option<T>,
        all: &[T],
        word: impl Fn(T) -> &'static str,
    ) -> Read<T> {
        let found = match &self.token {
            Token::Word(own) => of(own),
            _ => None,
        };
        let Some(found) = found else {
            let words: Vec<&str> = all.iter().map(|one| word(*one)).collect();
            return self.expected(&format!("one of {}", words.join(", ")));
        };
        self.advance()?;
        Ok(found)
    }

    fn bucket(&mut self) -> Read<Node> {
        let from = self.count()?;
        let to = if self.take_sign("..")? { self.count()? } else { from };
        self.need_word("of")?;
        let buckets = self.count()?;
        let seed = if self.take_word("seed")? { self.text()? } else { String::new() };
        Ok(Node::Bucket { from, to, buckets, seed })
    }

    fn date(&mut self) -> Read<NaiveDate> {
        let Token::Date(date) = self.token else {
            return self.expected("a day such as 2026-01-31");
        };
        self.advance()?;
        Ok(date)
    }

    fn days(&mut self) -> Read<u32> {
        let days = self.count()?;
        if !self.take_word("days")? {
            self.need_word("day")?;
        }
        Ok(days)
    }

    fn count(&mut self) -> Read<u32> {
        let count = match &self.token {
            Token::Number(number) => number.parse().ok(),
            _ => None,
        };
        let Some(count) = count else { return self.expected("a whole number") };
        self.advance()?;
        Ok(count)
    }

    /// Bounds of a number, or of an amount in the currency of a shop or of the organisation.
    fn bounds(&mut self, amount_of: Option<Option<ShopId>>) -> Read<Bounds> {
        if self.take_word("between")? {
            let min = self.number(amount_of)?;
            self.need_word("and")?;
            return Ok(Bounds { min: Some(min), max: Some(self.number(amount_of)?) });
        }
        let Token::Sign(sign @ ("=" | ">=" | "<=" | ">" | "<")) = self.token else {
            return self.expected("`=`, `>=`, `<=`, `>`, `<` or `between … and …`");
        };
        self.advance()?;
        let value = self.number(amount_of)?;
        Ok(match sign {
            "=" => Bounds::exactly(value),
            ">=" => Bounds::at_least(value),
            "<=" => Bounds::at_most(value),
            ">" => Bounds::at_least(value.saturating_add(1)),
            _ => Bounds::at_most(value.saturating_sub(1)),
        })
    }

    /// A whole number, or an amount in minor units.
    fn number(&mut self, amount_of: Option<Option<ShopId>>) -> Read<i64> {
        let Token::Number(text) = &self.token else { return self.expected("a number") };
        let digits = amount_of.map_or(0, |shop| self.names.amount_digits(shop) as usize);
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if fraction.len() > digits && fraction[digits..].bytes().any(|b| b != b'0') {
            return match digits {
                0 => self.expected("a whole number"),
                _ => self.expected(&format!("at most {digits} digits after the point")),
            };
        }
        let kept = &fraction[..fraction.len().min(digits)];
        let minor = format!("{whole}{kept:0<digits$}");
        let Ok(value) = minor.parse() else { return self.fault("this number is too large") };
        self.advance()?;
        Ok(value)
    }

    fn text(&mut self) -> Read<String> {
        let Token::Text(text) = &self.token else {
            return self.expected("a text in quotation marks");
        };
        let text = text.clone();
        self.advance()?;
        Ok(text)
    }

    fn tier(&mut self) -> Read<crate::Tier> {
        let read = match &self.token {
            Token::Word(text) | Token::Text(text) => text.parse().ok(),
            _ => None,
        };
        let Some(tier) = read else {
            return self.expected("a tier such as champions, at_risk or \"重要价值客户\"");
        };
        self.advance()?;
        Ok(tier)
    }

    fn tag(&mut self) -> Read<TagId> {
        self.named("tag", |names, name| names.tag(name))
    }

    fn shop(&mut self) -> Read<ShopId> {
        self.named("shop", |names, name| names.shop(name))
    }

    fn user(&mut self) -> Read<UserId> {
        self.named("user", |names, name| names.user(name))
    }

    fn audience(&mut self) -> Read<AudienceId> {
        self.named("audience", |names, name| names.audience(name))
    }

    /// A name, or the id itself. An unknown one is noted, and reading goes on.
    fn named<T: kernel::TypedId + std::str::FromStr>(
        &mut self,
        what: &str,
        find: impl Fn(&dyn Vocabulary, &str) -> Option<T>,
    ) -> Read<T> {
        let place = self.place;
        let text = self.text()?;
        if let Some(id) = text.parse().ok().or_else(|| find(self.names, &text)) {
            return Ok(id);
        }
        let message = format!("there is no {what} {text:?}");
        self.errors.push(TextError { place, message });
        Ok(T::from_uuid(Uuid::nil()))
    }
}
