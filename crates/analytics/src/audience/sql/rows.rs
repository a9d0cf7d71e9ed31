//! Everything that a snapshot holds, customer by customer, as the tables of the statement have it.

use kernel::{CustomerId, TagId, Timestamp, UserId};

use crate::base::{NEVER, NO_RATING};
use crate::bits::Bits;
use crate::contact::ContactSpan;
use crate::delta::{Row, RowOrders};
use crate::engine::Snapshot;
use crate::facts::Facts;
use crate::feed::OrderFact;
use crate::lines::code_and_title;
use crate::loyalty::LoyaltyFeed;
use crate::rfm::{Score, Standing};
use crate::text::END;

/// A row of `customers`, with the tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustomerRow<'a> {
    /// The customer.
    pub id: CustomerId,
    /// Name, folded.
    pub name: &'a str,
    /// Accounts, folded and joined with blanks.
    pub accounts: &'a str,
    /// Province as stored; empty when unknown.
    pub province: &'a str,
    /// Rating given by hand.
    pub rating: Option<u8>,
    /// Whose customer it is.
    pub owner: Option<UserId>,
    /// When the customer became known.
    pub created_at: Timestamp,
    /// From when on nothing may be decided about them by machine.
    pub refused_from: Option<Timestamp>,
    /// By the scores set; none without them or without a counted order.
    pub standing: Option<Standing>,
    /// Tags, each once.
    pub tags: &'a [TagId],
    /// When they may be contacted, or may not, other than without a word; sorted.
    pub contact: &'a [ContactSpan],
    /// Levels and points other than none, each sorted.
    pub loyalty: &'a LoyaltyFeed,
}

/// A row of `lines`, without its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineRow<'a> {
    /// Index of its order among those of the customer.
    pub order: usize,
    /// The merchant's code, folded.
    pub code: &'a str,
    /// Title, folded.
    pub title: &'a str,
    /// Pieces.
    pub quantity: i64,
    /// Amount in minor units.
    pub amount_minor: i64,
}

/// One customer with all orders, in order of moment, shop and revenue, and their lines, by order.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// The customer.
    pub customer: CustomerRow<'a>,
    /// The counted orders.
    pub orders: &'a [OrderFact],
    /// Their lines.
    pub lines: &'a [LineRow<'a>],
    /// Orders of which something was refunded, counted or not, with what was as their revenue.
    pub refunds: &'a [OrderFact],
    /// Their lines of which something was refunded, with what was as their amount.
    pub refund_lines: &'a [LineRow<'a>],
}

/// Customers whose tags are looked up together; a multiple of 64.
const BLOCK: usize = 8_192;

impl Snapshot {
    /// Gives every customer to `each`, by id, until it fails.
    ///
    /// # Errors
    /// What `each` says.
    pub fn each_customer<E>(
        &self,
        mut each: impl FnMut(Rows<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let view = self.view();
        let standing = |cell: u16| {
            let (rfm, _) = view.scores?;
            Score::from_code(cell).map(|score| rfm.standing(score))
        };
        let mut changed = view.delta.rows().peekable();
        for start in (0..view.base.len()).step_by(BLOCK) {
            let tags = self.tags_from(start);
            for (own, ordinal) in tags.iter().zip(start..) {
                if view.dead.has(ordinal) {
                    continue;
                }
                let id = view.base.ids[ordinal];
                while let Some((id, row, cell)) = changed.next_if(|(next, ..)| *next < id) {
                    each_row(id, row, standing(cell), &mut each)?;
                }
                let base = view.base;
                let (name, accounts) = name_and_accounts(base.text.entry(ordinal));
                let (orders, lines) = orders_of(&base.facts, ordinal);
                let (refunds, refund_lines) = orders_of(&base.refunds, ordinal);
                let contact: Vec<ContactSpan> = base.contacts.of(ordinal).collect();
                let loyalty = base.loyalty.of(ordinal);
                let customer = CustomerRow {
                    id,
                    name,
                    accounts,
                    province: base.provinces.value(base.province.get(ordinal)),
                    rating: Some(base.rating[ordinal]).filter(|rating| *rating != NO_RATING),
                    owner: *base.owners.value(base.owner.get(ordinal)),
                    created_at: Timestamp::from_millis(base.created.get(ordinal)),
                    refused_from: refused(base.refused.get(ordinal)),
                    standing: view.scores.and_then(|(_, cells)| standing(cells[ordinal])),
                    tags: own,
                    contact: &contact,
                    loyalty: &loyalty,
                };
                each(Rows {
                    customer,
                    orders: &orders,
                    lines: &lines,
                    refunds: &refunds,
                    refund_lines: &refund_lines,
                })?;
            }
        }
        for (id, row, cell) in changed {
            each_row(id, row, standing(cell), &mut each)?;
        }
        Ok(())
    }

    /// The tags of each customer of the base from `start` on, a block of them.
    fn tags_from(&self, start: usize) -> Vec<Vec<TagId>> {
        let base = self.view().base;
        let len = BLOCK.min(base.len() - start);
        let mut tags = vec![Vec::new(); len];
        for (tag, members) in &base.tags {
            let mut tagged = Bits::all(len);
            members.retain_part(&mut tagged, start);
            tagged.iter_from(0).for_each(|at| tags[at].push(*tag));
        }
        tags
    }
}

/// Gives a customer of the overlay.
fn each_row<E>(
    id: CustomerId,
    row: &Row,
    standing: Option<Standing>,
    each: &mut impl FnMut(Rows<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let (name, accounts) = name_and_accounts(&row.text);
    let mut tags = row.tags.to_vec();
    tags.sort_unstable();
    tags.dedup();
    let (lines, refund_lines) = (lines_of(&row.bought), lines_of(&row.refunds));
    let customer = CustomerRow {
        id,
        name,
        accounts,
        province: &row.province,
        rating: Some(row.rating).filter(|rating| *rating != NO_RATING),
        owner: row.owner,
        created_at: Timestamp::from_millis(row.created),
        refused_from: refused(row.refused),
        standing,
        tags: &tags,
        contact: &row.contact,
        loyalty: &row.loyalty,
    };
    each(Rows {
        customer,
        orders: &row.bought.facts,
        lines: &lines,
        refunds: &row.refunds.facts,
        refund_lines: &refund_lines,
    })
}

/// Orders and lines of a customer of the base.
fn orders_of(facts: &Facts, ordinal: usize) -> (Vec<OrderFact>, Vec<LineRow<'_>>) {
    let range = facts.range(ordinal);
    let lines = &facts.lines;
    let line = |order: usize, line: usize| {
        let (code, title) = code_and_title(lines.products.value(lines.product.get(line)));
        let (quantity, amount_minor) = (lines.quantity.get(line), lines.amount.get(line));
        LineRow { order, code, title, quantity, amount_minor }
    };
    let own = (0..range.len())
        .flat_map(|order| lines.range(range.start + order).map(move |at| (order, at)))
        .map(|(order, at)| line(order, at));
    (range.clone().map(|order| facts.fact(order)).collect(), own.collect())
}

/// Lines of a customer of the overlay.
fn lines_of(orders: &RowOrders) -> Vec<LineRow<'_>> {
    let of_order = |order: usize| {
        orders.lines_of(order).iter().map(move |line| {
            let (code, title) = code_and_title(&line.product);
            let (quantity, amount_minor) = (line.quantity, line.amount_minor);
            LineRow { order, code, title, quantity, amount_minor }
        })
    };
    (0..orders.facts.len()).flat_map(of_order).collect()
}

fn refused(millis: i64) -> Option<Timestamp> {
    (millis != NEVER).then(|| Timestamp::from_millis(millis))
}

/// The two parts of an entry of [`crate::text::TextArena`], which was made of texts.
fn name_and_accounts(entry: &[u8]) -> (&str, &str) {
    let text = std::str::from_utf8(entry).unwrap_or_default();
    let text = text.strip_suffix(END).unwrap_or(text);
    text.split_once(END).unwrap_or((text, ""))
}
