//! Conditions on member levels and points.

use kernel::TypedId;
use uuid::Uuid;

use super::{Parser, Read};
use crate::audience::lexer::{TextError, Token};
use crate::audience::tree::Node;

impl Parser<'_> {
    /// `level [(scheme "…")] in ("…", …)`, behind the word.
    pub(super) fn level(&mut self) -> Read<Node> {
        let scheme = if self.take_sign("(")? {
            self.need_word("scheme")?;
            let scheme = self.named("scheme of levels", |names, name| names.scheme(name))?;
            self.need_sign(")")?;
            scheme
        } else {
            self.only(self.names.only_scheme(), "level(scheme \"…\")")
        };
        Ok(Node::Level { scheme, is: self.values(|parser| parser.rank(scheme))? })
    }

    /// `points [(programme "…")] >= 100`, behind the word.
    pub(super) fn points(&mut self) -> Read<Node> {
        let programme = if self.take_sign("(")? {
            self.need_word("programme")?;
            let programme = self.named("programme", |names, name| names.programme(name))?;
            self.need_sign(")")?;
            programme
        } else {
            self.only(self.names.only_programme(), "points(programme \"…\")")
        };
        Ok(Node::Points { programme, bounds: self.bounds(None)? })
    }

    /// The only one there is; if there is not one, that is noted with what would be right, and reading goes on.
    fn only<T: TypedId>(&mut self, only: Option<T>, say: &str) -> T {
        only.unwrap_or_else(|| {
            let message = format!("there is not exactly one to mean: say `{say}`");
            self.errors.push(TextError { place: self.place, message });
            T::from_uuid(Uuid::nil())
        })
    }

    /// A level by its name, by its rank, or `none`. Of a scheme that is not known no name is looked for.
    fn rank(&mut self, scheme: kernel::LevelSchemeId) -> Read<u8> {
        if self.take_word("none")? {
            return Ok(0);
        }
        let place = self.place;
        if let Token::Number(number) = &self.token {
            let Ok(rank) = number.parse() else {
                return self.expected("the rank of a level, from 1 to 255");
            };
            self.advance()?;
            return Ok(rank);
        }
        let Token::Text(_) = &self.token else {
            return self.expected("the name of a level in quotation marks, its rank, or `none`");
        };
        let name = self.text()?;
        let rank = self.names.level(scheme, &name);
        if rank.is_none() && !scheme.uuid().is_nil() {
            let message = format!("there is no level {name:?} in this scheme");
            self.errors.push(TextError { place, message });
        }
        Ok(rank.unwrap_or(0))
    }
}
