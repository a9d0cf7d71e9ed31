//! What a condition says of orders: which of them, in what time, one after the other.

use super::super::lexer::TextError;
use super::super::tree::{Node, Orders, Product, When};
use super::{Parser, Read};

impl Parser<'_> {
    pub(super) fn orders(&mut self) -> Read<Orders> {
        let mut of = Orders::default();
        if !self.take_sign("(")? {
            return Ok(of);
        }
        loop {
            let place = self.place;
            let twice = if self.take_word("shop")? {
                let shop = self.shop()?;
                let digits = |shop| self.names.amount_digits(shop);
                if !of.amount.is_open() && digits(Some(shop)) != digits(None) {
                    let message = "name the shop before the amount: its currency is another";
                    return Err(TextError { place, message: message.to_owned() });
                }
                of.shop.replace(shop).is_some()
            } else if self.is_word("product") {
                of.product.replace(self.product()?).is_some()
            } else if self.take_word("amount")? {
                let before = std::mem::replace(&mut of.amount, self.bounds(Some(of.shop))?);
                !before.is_open()
            } else {
                let before = std::mem::replace(&mut of.when, self.when()?);
                !before.is_ever()
            };
            if twice {
                return Err(TextError { place, message: "this was said before".to_owned() });
            }
            if !self.take_sign(",")? {
                break;
            }
        }
        self.need_sign(")")?;
        Ok(of)
    }

    fn product(&mut self) -> Read<Product> {
        self.need_word("product")?;
        if self.take_word("contains")? {
            return Ok(Product::Contains(self.text()?));
        }
        Ok(Product::Is(self.values(Self::text)?))
    }

    pub(super) fn sequence(&mut self) -> Read<Node> {
        self.need_sign("(")?;
        let first = self.product()?;
        self.need_sign(",")?;
        let then = self.product()?;
        self.need_sign(",")?;
        self.need_word("within")?;
        let within_days = self.days()?;
        let when = if self.take_sign(",")? { self.when()? } else { When::Ever };
        self.need_sign(")")?;
        Ok(Node::Sequence { first, then, within_days, when })
    }

    pub(super) fn when(&mut self) -> Read<When> {
        if self.take_word("ever")? {
            return Ok(When::Ever);
        }
        if self.take_word("before")? {
            self.need_word("last")?;
            return Ok(When::BeforeLastDays(self.days()?));
        }
        if self.take_word("in")? {
            self.need_word("last")?;
            return Ok(When::LastDays(self.days()?));
        }
        if self.take_word("on")? {
            let day = self.date()?;
            return Ok(When::Days(Some(day), Some(day)));
        }
        if self.take_word("from")? {
            let from = self.date()?;
            let to = if self.take_word("to")? { Some(self.date()?) } else { None };
            return Ok(When::Days(Some(from), to));
        }
        if self.take_word("to")? {
            return Ok(When::Days(None, Some(self.date()?)));
        }
        self.expected("a time: `in last 90 days`, `before last 90 days`, `from 2026-01-31`, `to …`, `on …` or `ever`")
    }
}
