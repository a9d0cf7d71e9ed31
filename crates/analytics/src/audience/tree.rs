//! The tree of an audience: conditions, and what joins them.

use chrono::NaiveDate;
use kernel::{AudienceId, LevelSchemeId, ProgrammeId, ShopId, TagId, UserId};
use serde::{Deserialize, Serialize};

use super::codes;
use crate::contact::{ContactChannel, ContactPurpose};
use crate::list::Span;
use crate::rfm::{CellPattern, Tier};

/// Who belongs to an audience. As JSON each node is an object whose `kind` names the variant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Node {
    /// Who passes all of these; everyone, if there are none.
    All {
        /// The parts.
        of: Vec<Self>,
    },
    /// Who passes one of these or more; nobody, if there are none.
    Any {
        /// The parts.
        of: Vec<Self>,
    },
    /// Who does not pass this.
    Not {
        /// The part.
        of: Box<Self>,
    },
    /// Part of the name or of an account, as the list searches for it.
    Name {
        /// What to search for.
        contains: String,
    },
    /// Lives in one of these provinces; an empty one stands for "unknown".
    Province {
        /// The provinces.
        is: Vec<String>,
    },
    /// Rating given by hand; no rating lies in no bounds.
    Rating {
        /// Bounds of the rating.
        bounds: Bounds,
    },
    /// Looked after by one of these users; null stands for "nobody".
    Owner {
        /// The users.
        is: Vec<Option<UserId>>,
    },
    /// Has this tag.
    Tag {
        /// The tag.
        tag: TagId,
    },
    /// In one of these tiers today.
    Tier {
        /// The tiers, of one scheme or of both.
        #[serde(with = "codes::tiers")]
        is: Vec<Tier>,
    },
    /// In one of these cells of the RFM cube today.
    Cell {
        /// The cells.
        #[serde(with = "codes::cell")]
        is: CellPattern,
    },
    /// Of one of these member levels; the scheme is named even where there is only one, so that a second one
    /// changes no meaning.
    Level {
        /// The scheme of levels.
        scheme: LevelSchemeId,
        /// Ranks, 1 for the lowest level; 0 stands for "no level".
        is: Vec<u8>,
    },
    /// Points that can be spent now; who never had any has 0.
    Points {
        /// The programme of points.
        programme: ProgrammeId,
        /// Bounds of the points.
        bounds: Bounds,
    },
    /// Became known in this time.
    Created {
        /// The time.
        when: When,
    },
    /// Nothing may be decided about them by machine today.
    RefusesAutomation,
    /// May be contacted today in a way and for a purpose.
    MayContact {
        /// By which way.
        channel: ContactChannel,
        /// What for.
        purpose: ContactPurpose,
    },
    /// A figure of the orders chosen.
    Orders {
        /// What is counted or summed.
        measure: Measure,
        /// Which orders.
        #[serde(default, skip_serializing_if = "Orders::is_all")]
        of: Orders,
        /// Bounds of the figure.
        bounds: Bounds,
    },
    /// The first order of those chosen was in this time; without an order, no.
    FirstOrder {
        /// Which orders.
        #[serde(default, skip_serializing_if = "Orders::is_all")]
        of: Orders,
        /// The time.
        when: When,
    },
    /// The last order of those chosen was in this time; without an order, no.
    LastOrder {
        /// Which orders.
        #[serde(default, skip_serializing_if = "Orders::is_all")]
        of: Orders,
        /// The time.
        when: When,
    },
    /// Bought one product and another one later.
    Sequence {
        /// What was bought first.
        first: Product,
        /// What was bought after it, in a later order.
        then: Product,
        /// So many days at most lie between the two moments, each of 24 hours.
        within_days: u32,
        /// Both were bought in this time.
        #[serde(default, skip_serializing_if = "When::is_ever")]
        when: When,
    },
    /// Belongs to another audience.
    Audience {
        /// The audience.
        audience: AudienceId,
    },
    /// Drawn by lot, always the same for the same seed.
    Bucket {
        /// The first bucket, from 1.
        from: u32,
        /// The last bucket.
        to: u32,
        /// How many buckets there are.
        buckets: u32,
        /// Another seed draws another lot.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        seed: String,
    },
}

/// Bounds of a number, both ends included; an absent end is open. Amounts are in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// The least value that passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// The greatest value that passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
}

impl Bounds {
    /// Values of `min` and more.
    #[must_use]
    pub const fn at_least(min: i64) -> Self {
        Self { min: Some(min), max: None }
    }

    /// Values up to `max`.
    #[must_use]
    pub const fn at_most(max: i64) -> Self {
        Self { min: None, max: Some(max) }
    }

    /// This value alone.
    #[must_use]
    pub const fn exactly(value: i64) -> Self {
        Self { min: Some(value), max: Some(value) }
    }

    /// Whether everything passes.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.min.is_none() && self.max.is_none()
    }

    /// Whether `value` passes.
    #[must_use]
    pub fn contains(self, value: i64) -> bool {
        Span::from(self).contains(value)
    }
}

impl From<Bounds> for Span {
    fn from(bounds: Bounds) -> Self {
        Self::new(bounds.min, bounds.max)
    }
}

/// What is counted or summed over the orders chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Orders. With a product: orders with a line of it.
    Count,
    /// Revenue in minor units. With a product: the amounts of its lines.
    Revenue,
    /// Revenue per order, rounded half away from zero; without an order it lies in no bounds. Not
    /// with a product.
    AverageOrder,
    /// Pieces bought, by the lines of the orders. Not with an amount.
    Items,
    /// Orders of which something was refunded, counted or not; an amount is what was. With a product: those with
    /// a refunded line of it.
    Refunds,
    /// What was refunded of them, in minor units. With a product: of its lines.
    Refunded,
}

impl Measure {
    /// All measures.
    pub const ALL: [Self; 6] = [
        Self::Count,
        Self::Revenue,
        Self::AverageOrder,
        Self::Items,
        Self::Refunds,
        Self::Refunded,
    ];

    /// The word in the text form.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Count => "orders",
            Self::Revenue => "revenue",
            Self::AverageOrder => "average_order",
            Self::Items => "items",
            Self::Refunds => "refunds",
            Self::Refunded => "refunded",
        }
    }

    /// Whether the figure is an amount of money.
    #[must_use]
    pub const fn is_amount(self) -> bool {
        matches!(self, Self::Revenue | Self::AverageOrder | Self::Refunded)
    }

    /// Whether it looks at refunds, and not at counted orders.
    #[must_use]
    pub const fn is_of_refunds(self) -> bool {
        matches!(self, Self::Refunds | Self::Refunded)
    }
}

/// Which counted orders: those that pass all of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orders {
    /// Ordered in this time.
    #[serde(default, skip_serializing_if = "When::is_ever")]
    pub when: When,
    /// In this shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<ShopId>,
    /// With a line of this product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Product>,
    /// With this revenue. Not with a product, and not for items.
    #[serde(default, skip_serializing_if = "Bounds::is_open")]
    pub amount: Bounds,
}

impl Orders {
    /// Whether every order passes.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }
}

/// A product by its code or its title, compared as the list compares names: folded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Product {
    /// The code or the title is one of these.
    Is(Vec<String>),
    /// The code or the title contains this.
    Contains(String),
}

/// A time, in whole days of the organisation's zone. "Today" is the day as of which one asks; what
/// comes after it is not there yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum When {
    /// Until today.
    #[default]
    Ever,
    /// The last so many days, today included.
    LastDays(u32),
    /// Before the last so many days.
    BeforeLastDays(u32),
    /// From the first of these days to the second, both included; an absent end is open.
    Days(Option<NaiveDate>, Option<NaiveDate>),
}

impl When {
    /// Whether all time until today is meant.
    #[must_use]
    pub fn is_ever(&self) -> bool {
        *self == Self::Ever
    }
}

impl Node {
    /// Everyone.
    #[must_use]
    pub const fn everyone() -> Self {
        Self::All { of: Vec::new() }
    }

    /// The name of its kind in JSON.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::All { .. } => "all",
            Self::Any { .. } => "any",
            Self::Not { .. } => "not",
            Self::Name { .. } => "name",
            Self::Province { .. } => "province",
            Self::Rating { .. } => "rating",
            Self::Owner { .. } => "owner",
            Self::Tag { .. } => "tag",
            Self::Tier { .. } => "tier",
            Self::Cell { .. } => "cell",
            Self::Level { .. } => "level",
            Self::Points { .. } => "points",
            Self::Created { .. } => "created",
            Self::RefusesAutomation => "refuses_automation",
            Self::MayContact { .. } => "may_contact",
            Self::Orders { .. } => "orders",
            Self::FirstOrder { .. } => "first_order",
            Self::LastOrder { .. } => "last_order",
            Self::Sequence { .. } => "sequence",
            Self::Audience { .. } => "audience",
            Self::Bucket { .. } => "bucket",
        }
    }

    /// The nodes directly below.
    #[must_use]
    pub fn children(&self) -> &[Self] {
        match self {
            Self::All { of } | Self::Any { of } => of,
            Self::Not { of } => std::slice::from_ref(of),
            _ => &[],
        }
    }

    /// This node and all below it, parents first.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// The audiences that it names, each once.
    #[must_use]
    pub fn audiences(&self) -> Vec<AudienceId> {
        let mut named = Vec::new();
        self.walk(&mut |node| {
            if let Self::Audience { audience } = node {
                named.push(*audience);
            }
        });
        named.sort_unstable();
        named.dedup();
        named
    }

    /// Whether it looks at amounts of money, which not everybody sees.
    #[must_use]
    pub fn tells_of_amounts(&self) -> bool {
        let mut tells = false;
        self.walk(&mut |node| {
            tells |= match node {
                Self::Tier { .. } | Self::Cell { .. } => true,
                Self::Orders { measure, of, .. } => measure.is_amount() || !of.amount.is_open(),
                Self::FirstOrder { of, .. } | Self::LastOrder { of, .. } => !of.amount.is_open(),
                _ => false,
            };
        });
        tells
    }
}

impl Node {
    /// The same audience without needless joints: a joint of one part is that part, and a joint
    /// directly below one of its kind becomes part of it.
    #[must_use]
    pub fn normalised(&self) -> Self {
        match self {
            Self::All { of } => join(of, true),
            Self::Any { of } => join(of, false),
            Self::Not { of } => Self::Not { of: Box::new(of.normalised()) },
            other => other.clone(),
        }
    }
}

/// The only part, or all parts with those of the same kind unfolded.
fn join(parts: &[Node], all: bool) -> Node {
    let mut of = Vec::with_capacity(parts.len());
    for part in parts {
        match part.normalised() {
            Node::All { of: inner } if all => of.extend(inner),
            Node::Any { of: inner } if !all => of.extend(inner),
            part => of.push(part),
        }
    }
    match of.len() {
        1 => of.remove(0),
        _ if all => Node::All { of },
        _ => Node::Any { of },
    }
}
