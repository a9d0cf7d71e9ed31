//! What the database says, as the engine wants it.

mod loyalty;

use std::collections::{HashMap, HashSet};

use analytics::{
    ContactChannel, ContactPurpose, ContactSpan, CustomerFeed, Engine, LineFact, LoyaltyFeed,
    OrderFact, OrdersFed,
};
use commerce::store::{self as orders, CountedLine, CountedOrder};
use commerce::{Shop, shops};
use customers::consent::{self, ConsentChannel, ConsentPurpose};
use customers::engine_feed::{self, EngineProfile};
use insight::{Frame, FrameError, ShopFrame};
use kernel::{CustomerId, ShopId, TagId, TypedId};
use platform::{Ctx, DbError, Scope, Tx};
use uuid::Uuid;

use self::loyalty::LoyaltyBook;
use super::{EngineError, apart};

/// The shops of an organisation.
#[derive(Debug, Default)]
pub struct ShopBook {
    shops: Vec<Shop>,
    frames: Vec<ShopFrame>,
    by_number: HashMap<i64, usize>,
}

impl ShopBook {
    /// Reads all shops.
    ///
    /// # Errors
    /// As the database says.
    pub async fn read(tx: &mut Tx, cx: &Ctx) -> Result<Self, DbError> {
        let shops = shops::all(tx, cx).await?;
        let frames = shops
            .iter()
            .map(|shop| ShopFrame {
                id: shop.id,
                name: shop.name.clone(),
                currency: shop.currency,
                zone: shop.zone,
            })
            .collect();
        let by_number =
            shops.iter().enumerate().map(|(index, shop)| (shop.number, index)).collect();
        Ok(Self { shops, frames, by_number })
    }

    /// All shops, by number.
    #[must_use]
    pub fn all(&self) -> &[Shop] {
        &self.shops
    }

    /// The shop of a number.
    #[must_use]
    pub fn by_number(&self, number: i64) -> Option<&Shop> {
        self.by_number.get(&number).map(|index| &self.shops[*index])
    }

    /// The shop of an id.
    #[must_use]
    pub fn by_id(&self, id: ShopId) -> Option<&Shop> {
        self.shops.iter().find(|shop| shop.id == id)
    }

    /// The shop of a name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Shop> {
        self.shops.iter().find(|shop| shop.name == name)
    }

    /// The shop that `text` names, by name or by id; whether there is one of that id is for [`Self::choose`].
    ///
    /// # Errors
    /// In words, if it is neither.
    pub(crate) fn named(&self, text: &str) -> Result<ShopId, String> {
        let known = self.by_name(text).map(|shop| shop.id);
        known.or_else(|| text.parse().ok()).ok_or_else(|| format!("there is no shop {text}"))
    }

    /// The numbers of all shops.
    #[must_use]
    pub fn numbers(&self) -> Vec<i64> {
        self.shops.iter().map(|shop| shop.number).collect()
    }

    /// The frame of the organisation as a whole.
    #[must_use]
    pub fn frame(&self) -> Frame {
        Frame::of_first(&self.frames)
    }

    /// The frame of one shop, or of all where their amounts can be added.
    ///
    /// # Errors
    /// See [`Frame::choose`].
    pub fn choose(&self, shop: Option<ShopId>) -> Result<Frame, FrameError> {
        Frame::choose(&self.frames, shop)
    }

    fn fact(&self, order: &CountedOrder) -> Option<OrderFact> {
        self.by_number(order.shop_number).map(|shop| OrderFact {
            ordered_at: order.ordered_at,
            shop: shop.id,
            revenue_minor: order.revenue_minor,
        })
    }

    fn line(&self, line: CountedLine) -> Option<LineFact> {
        self.by_number(line.shop_number).map(|shop| LineFact {
            ordered_at: line.ordered_at,
            // The random half.
            order: line.order.uuid().as_u64_pair().1,
            shop: shop.id,
            code: line.code,
            title: line.title,
            quantity: line.quantity,
            amount_minor: line.amount_minor,
        })
    }
}

fn feed(profile: EngineProfile, tags: Vec<TagId>, loyalty: LoyaltyFeed) -> CustomerFeed {
    CustomerFeed {
        id: profile.id,
        name: profile.name,
        accounts: profile.accounts,
        province: profile.province.unwrap_or_default(),
        rating: profile.rating.map(|rating| rating.code() as u8),
        owner: profile.owner,
        created_at: profile.created_at,
        tags,
        refused_from: profile.refused_from,
        contact: profile.contact.iter().filter_map(contact).collect(),
        loyalty,
    }
}

/// The span in the words of the engine; none of every way, or of what it does not know as contact.
fn contact(span: &consent::ContactSpan) -> Option<ContactSpan> {
    let channel = match span.channel {
        ConsentChannel::Any => return None,
        ConsentChannel::Sms => ContactChannel::Sms,
        ConsentChannel::Email => ContactChannel::Email,
        ConsentChannel::Phone => ContactChannel::Phone,
        ConsentChannel::Wecom => ContactChannel::Wecom,
        ConsentChannel::InSite => ContactChannel::InSite,
        ConsentChannel::Post => ContactChannel::Post,
    };
    let purpose = match span.purpose {
        ConsentPurpose::AutomatedDecision => return None,
        ConsentPurpose::Marketing => ContactPurpose::Marketing,
        ConsentPurpose::Survey => ContactPurpose::Survey,
        ConsentPurpose::Service => ContactPurpose::Service,
        ConsentPurpose::Profiling => ContactPurpose::Profiling,
    };
    Some(ContactSpan { channel, purpose, from: span.from, until: span.until })
}

/// Reads everything into a new engine.
///
/// # Errors
/// As the database says; `Capacity` if there is too much.
pub(super) async fn load(
    tx: &mut Tx,
    scope: Scope,
    shops: &ShopBook,
) -> Result<Engine, EngineError> {
    let mut taggings: Vec<(CustomerId, TagId)> = Vec::new();
    engine_feed::each_tagging(tx, scope, |root, tag| taggings.push((root, tag))).await?;
    taggings.sort_unstable();
    taggings.dedup();
    let merged = customers::roots::all_merged(tx, scope).await?;
    let book = LoyaltyBook::all(tx, scope, &merged).await?;
    let mut loader = Engine::builder();
    let mut rest = taggings.as_slice();
    engine_feed::each_profile_for_engine(tx, scope, |profile| {
        // Both come by id.
        let begin = rest.partition_point(|(root, _)| *root < profile.id);
        let end = begin + rest[begin..].partition_point(|(root, _)| *root == profile.id);
        let tags = rest[begin..end].iter().map(|(_, tag)| *tag).collect();
        rest = &rest[end..];
        let loyalty = book.of(profile.id);
        loader.customer(&feed(profile, tags, loyalty));
    })
    .await?;
    drop((taggings, book));
    let mut loader = loader.facts();
    let root_of =
        |id: CustomerId| merged.get(&id.uuid()).map_or(id, |root| CustomerId::from_uuid(*root));
    orders::each_counted(tx, scope, |order| {
        if let Some(fact) = shops.fact(&order) {
            loader.fact(root_of(order.customer), fact);
        }
    })
    .await?;
    orders::each_counted_line(tx, scope, |line| {
        let root = root_of(line.customer);
        if let Some(line) = shops.line(line) {
            loader.line(root, &line);
        }
    })
    .await?;
    orders::each_refunded(tx, scope, |order| {
        if let Some(refund) = shops.fact(&order) {
            loader.refund(root_of(order.customer), refund);
        }
    })
    .await?;
    orders::each_refunded_line(tx, scope, |line| {
        let root = root_of(line.customer);
        if let Some(line) = shops.line(line) {
            loader.refund_line(root, &line);
        }
    })
    .await?;
    // Sorting a million orders takes a while.
    Ok(apart(move || loader.build()).await??)
}

/// Orders of a customer with their lines.
#[derive(Debug, Default)]
pub(super) struct Sold {
    orders: Vec<OrderFact>,
    lines: Vec<LineFact>,
}

impl Sold {
    pub(super) fn fed(&self) -> OrdersFed<'_> {
        OrdersFed { orders: &self.orders, lines: &self.lines }
    }

    /// Orders by customer.
    fn by_customer(
        shops: &ShopBook,
        orders: Vec<CountedOrder>,
        lines: Vec<CountedLine>,
    ) -> HashMap<CustomerId, Self> {
        let mut all: HashMap<CustomerId, Self> = HashMap::new();
        for order in orders {
            let fact = shops.fact(&order);
            all.entry(order.customer).or_default().orders.extend(fact);
        }
        for line in lines {
            let customer = line.customer;
            all.entry(customer).or_default().lines.extend(shops.line(line));
        }
        all
    }

    /// Those of a family together.
    fn of_family(all: &mut HashMap<CustomerId, Self>, family: &[CustomerId]) -> Self {
        let mut own = Self::default();
        for sold in family.iter().filter_map(|member| all.remove(member)) {
            own.orders.extend(sold.orders);
            own.lines.extend(sold.lines);
        }
        own
    }
}

/// One customer as it is now.
pub(super) enum Change {
    /// A root with the counted orders of its family, and those of which something was refunded.
    Put(Box<CustomerFeed>, [Sold; 2]),
    /// Gone, or merged into another.
    Remove(CustomerId),
}

/// What is true now of `touched` and their roots.
///
/// # Errors
/// As the database says.
pub(super) async fn changes(
    tx: &mut Tx,
    scope: Scope,
    shops: &ShopBook,
    touched: &[CustomerId],
) -> Result<Vec<Change>, DbError> {
    let ids: Vec<Uuid> = touched.iter().map(|id| id.uuid()).collect();
    let families = engine_feed::profiles_for_engine(tx, scope, &ids).await?;
    let members: Vec<Uuid> =
        families.iter().flat_map(|family| family.family.iter().map(|id| id.uuid())).collect();
    let facts = orders::counted_of(tx, scope, &members).await?;
    let lines = orders::counted_lines_of(tx, scope, &members).await?;
    let mut bought = Sold::by_customer(shops, facts, lines);
    let facts = orders::refunded_of(tx, scope, &members).await?;
    let lines = orders::refunded_lines_of(tx, scope, &members).await?;
    let mut refunds = Sold::by_customer(shops, facts, lines);
    let root_of: HashMap<Uuid, Uuid> = families
        .iter()
        .flat_map(|family| {
            let root = family.profile.id.uuid();
            family.family.iter().map(move |member| (member.uuid(), root))
        })
        .collect();
    let book = LoyaltyBook::of_members(tx, scope, &members, &root_of).await?;
    let roots: HashSet<CustomerId> = families.iter().map(|family| family.profile.id).collect();
    let mut changes: Vec<Change> =
        touched.iter().filter(|id| !roots.contains(id)).map(|id| Change::Remove(*id)).collect();
    for family in families {
        let sold = [&mut bought, &mut refunds].map(|all| Sold::of_family(all, &family.family));
        let loyalty = book.of(family.profile.id);
        changes.push(Change::Put(Box::new(feed(family.profile, family.tags, loyalty)), sold));
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use kernel::Timestamp;

    use super::*;

    #[test]
    fn the_engine_and_the_ledger_have_the_same_words() {
        let mut told = 0;
        for channel in ConsentChannel::ALL {
            for purpose in ConsentPurpose::ALL {
                let from = Timestamp::from_millis(7);
                let (channel, purpose) = (*channel, *purpose);
                let span = consent::ContactSpan { channel, purpose, from, until: None };
                let Some(span) = contact(&span) else { continue };
                told += 1;
                assert_eq!(span.channel.word(), channel.name());
                assert_eq!(span.purpose.word(), purpose.name());
                assert_eq!(span.purpose.needs_grant(), purpose.needs_grant());
            }
        }
        assert_eq!(told, ContactChannel::ALL.len() * ContactPurpose::ALL.len());
    }
}
