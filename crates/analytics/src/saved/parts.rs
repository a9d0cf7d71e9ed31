//! How each part of a base stands in a saved engine.

use std::collections::BTreeMap;
use std::io::{self, Write};

use kernel::{CustomerId, ShopId, TagId, TypedId, UserId};
use uuid::Uuid;

use super::RestoreError;
use super::columns::{ColumnReader, ColumnWriter, Source};
use crate::base::{Base, Profiles};
use crate::contact::{ContactChannel, ContactPurpose, Contacts};
use crate::dictionary::Dictionary;
use crate::facts::Facts;
use crate::lines::Lines;
use crate::loyalty::{Columns, Loyalty};
use crate::moments::Moments;
use crate::narrow::{Narrow, Small};
use crate::numbers::Numbers;
use crate::refused::Refused;
use crate::text::TextArena;

type Restored<T> = Result<T, RestoreError>;

/// A part that can be written and read back.
pub(super) trait Part: Sized {
    fn write(&self, to: &mut ColumnWriter<impl Write>) -> io::Result<()>;
    fn read(from: &mut ColumnReader<'_, impl Source + ?Sized>) -> Restored<Self>;
}

/// Values by place, of a column most of whose values stand elsewhere.
impl Part for BTreeMap<u32, i64> {
    fn write(&self, to: &mut ColumnWriter<impl Write>) -> io::Result<()> {
        to.column(&self.keys().copied().collect::<Vec<u32>>())?;
        to.column(&self.values().copied().collect::<Vec<i64>>())
    }

    fn read(from: &mut ColumnReader<'_, impl Source + ?Sized>) -> Restored<Self> {
        let (places, values) = (from.column::<u32>()?, from.column::<i64>()?);
        Ok(places.into_iter().zip(values).collect())
    }
}

impl Part for Moments {
    fn write(&self, to: &mut ColumnWriter<impl Write>) -> io::Result<()> {
        match self {
            Self::Seconds(seconds, odd) => {
                to.column(&[4_u8])?;
                to.column(seconds)?;
                odd.write(to)
            }
            Self::Millis(millis) => {
                to.column(&[8_u8])?;
                to.column(millis)
            }
        }
    }

    fn read(from: &mut ColumnReader<'_, impl Source + ?Sized>) -> Restored<Self> {
        match from.column::<u8>()?.as_slice() {
            [4] => Ok(Self::Seconds(from.column()?, Part::read(from)?)),
            [8] => Ok(Self::Millis(from.column()?)),
            _ => Err(RestoreError::Corrupt("a column of moments is of no known kind")),
        }
    }
}

impl Part for Numbers {
    fn write(&self, to: &mut ColumnWriter<impl Write>) -> io::Result<()> {
        match self {
            Self::Bytes(all) => to.column(&[1_u8]).and_then(|()| to.column(all)),
            Self::Pairs(all) => to.column(&[2_u8]).and_then(|()| to.column(all)),
            Self::Words(all) => to.column(&[4_u8]).and_then(|()| to.column(all)),
        }
    }

    fn read(from: &mut ColumnReader<'_, impl Source + ?Sized>) -> Restored<Self> {
        match from.column::<u8>()?.as_slice() {
            [1] => Ok(Self::Bytes(from.column()?)),
            [2] => Ok(Self::Pairs(from.column()?)),
            [4] => Ok(Self::Words(from.column()?)),
            _ => Err(RestoreError::Corrupt("a column of numbers is of no known width")),
        }
    }
}

impl<T: Small + bytemuck::NoUninit + bytemuck::AnyBitPattern + Default> Part for Narrow<T> {
    fn write(&self, to: &mut ColumnWriter<impl Write>) -> io::Result<()> {
        to.column(&self.small)?;
        self.large.write(to)
    }

    fn read(from: &mut ColumnReader<'_, impl Source + ?Sized>) -> Restored<Self> {
        Ok(Self { small: from.column()?, large: Part::read(from)? })
    }
}

impl Part for TextArena {
    fn write(&self, to: &mut ColumnWriter<impl Write>) -> io::Result<()> {
        to.column(&self.bytes)?;
        to.column(&self.ends)
    }

    fn read(from: &mut ColumnReader<'_, impl Source + ?Sized>) -> Restored<Self> {
        let arena = Self { bytes: from.column()?, ends: from.column()? };
        ends_at(&arena.ends, arena.bytes.len())?;
        Ok(arena)
    }
}

impl Part for Refused {
    fn write(&self, to: &mut ColumnWriter<impl Write>) -> io::Result<()> {
        to.column(&self.0.iter().map(|(ordinal, _)| *ordinal).collect::<Vec<_>>())?;
        to.column(&self.0.iter().map(|(_, from)| *from).collect::<Vec<_>>())
    }

    fn read(from: &mut ColumnReader<'_, impl Source + ?Sized>) -> Restored<Self> {
        let (ordinals, moments) = (from.column::<u32>()?, from.column::<i64>()?);
        Ok(Self(ordinals.into_iter().zip(moments).collect()))
    }
}

/// The pairs as two bytes each, and for each pair three columns.
impl Part for Contacts {
    fn write(&self, to: &mut ColumnWriter<impl Write>) -> io::Result<()> {
        let pairs = self.0.keys().flat_map(|(channel, purpose)| [*channel as u8, *purpose as u8]);
        to.column(&pairs.collect::<Vec<_>>())?;
        for all in self.0.values() {
            to.column(&all.iter().map(|(ordinal, _)| *ordinal).collect::<Vec<_>>())?;
            to.column(&all.iter().map(|(_, (from, _))| *from).collect::<Vec<_>>())?;
            to.column(&all.iter().map(|(_, (_, until))| *until).collect::<Vec<_>>())?;
        }
        Ok(())
    }

    fn read(from: &mut ColumnReader<'_, impl Source + ?Sized>) -> Restored<Self> {
        let mut contacts = Self::default();
        for pair in from.column::<u8>()?.chunks(2) {
            let pair = match pair {
                [channel, purpose] => ContactChannel::ALL
                    .get(usize::from(*channel))
                    .copied()
                    .zip(ContactPurpose::ALL.get(usize::from(*purpose)).copied()),
                _ => None,
            };
            let pair = pair.ok_or(RestoreError::Corrupt("a way or purpose stands for nothing"))?;
            let ordinals = from.column::<u32>()?;
            let (begins, ends) = (from.column::<i64>()?, from.column::<i64>()?);
            same([begins.len(), ends.len()], ordinals.len())?;
            let all: Vec<_> = ordinals.into_iter().zip(begins.into_iter().zip(ends)).collect();
            if !all.is_sorted() {
                return Err(RestoreError::Corrupt("contacts are not in order"));
            }
            contacts.0.insert(pair, all);
        }
        Ok(contacts)
    }
}

/// The ids as a column, and for each of them one.
impl<K, T> Part for Columns<K, T>
where
    K: TypedId + Ord,
    T: Small + bytemuck::NoUninit + bytemuck::AnyBitPattern,
{
    fn write(&self, to: &mut ColumnWriter<impl Write>) -> io::Result<()> {
        to.column(&self.0.keys().map(|id| id.uuid().as_u128()).collect::<Vec<_>>())?;
        self.0.values().try_for_each(|column| column.write(to))
    }

    fn read(from: &mut ColumnReader<'_, impl Source + ?Sized>) -> Restored<Self> {
        let ids = from.column::<u128>()?.into_iter();
        let read = |id| Ok((K::from_uuid(Uuid::from_u128(id)), Part::read(from)?));
        Ok(Self(ids.map(read).collect::<Restored<_>>()?))
    }
}

impl Part for Loyalty {
    fn write(&self, to: &mut ColumnWriter<impl Write>) -> io::Result<()> {
        self.levels.write(to)?;
        self.points.write(to)
    }

    fn read(from: &mut ColumnReader<'_, impl Source + ?Sized>) -> Restored<Self> {
        Ok(Self { levels: Part::read(from)?, points: Part::read(from)? })
    }
}

impl Part for Dictionary<String> {
    fn write(&self, to: &mut ColumnWriter<impl Write>) -> io::Result<()> {
        let mut texts = TextArena::default();
        for text in self.values() {
            if !texts.push(text.as_bytes()) {
                return Err(io::Error::other("the names of products take more than 4 GiB"));
            }
        }
        texts.write(to)
    }

    fn read(from: &mut ColumnReader<'_, impl Source + ?Sized>) -> Restored<Self> {
        let texts = TextArena::read(from)?;
        let mut dictionary = Self::default();
        for at in 0..texts.len() {
            let text = std::str::from_utf8(texts.entry(at));
            dictionary.number(text.map_err(|_| RestoreError::Corrupt("a text is no UTF-8"))?);
        }
        Ok(dictionary)
    }
}

impl Part for Dictionary<ShopId> {
    fn write(&self, to: &mut ColumnWriter<impl Write>) -> io::Result<()> {
        to.column(&self.values().iter().map(|shop| shop.uuid().as_u128()).collect::<Vec<_>>())
    }

    fn read(from: &mut ColumnReader<'_, impl Source + ?Sized>) -> Restored<Self> {
        let mut dictionary = Self::default();
        for id in from.column::<u128>()? {
            dictionary.number(&ShopId::from_uuid(Uuid::from_u128(id)));
        }
        Ok(dictionary)
    }
}

impl Part for Dictionary<Option<UserId>> {
    fn write(&self, to: &mut ColumnWriter<impl Write>) -> io::Result<()> {
        // No user has the id of zeros.
        let id = |owner: &Option<UserId>| owner.map_or(0, |owner| owner.uuid().as_u128());
        to.column(&self.values().iter().map(id).collect::<Vec<_>>())
    }

    fn read(from: &mut ColumnReader<'_, impl Source + ?Sized>) -> Restored<Self> {
        let mut dictionary = Self::default();
        for id in from.column::<u128>()? {
            dictionary.number(&(id != 0).then(|| UserId::from_uuid(Uuid::from_u128(id))));
        }
        Ok(dictionary)
    }
}

impl Part for Lines {
    fn write(&self, to: &mut ColumnWriter<impl Write>) -> io::Result<()> {
        to.column(&self.ends)?;
        self.product.write(to)?;
        self.quantity.write(to)?;
        self.amount.write(to)?;
        self.products.write(to)
    }

    fn read(from: &mut ColumnReader<'_, impl Source + ?Sized>) -> Restored<Self> {
        let lines = Self {
            ends: from.column()?,
            product: Part::read(from)?,
            quantity: Part::read(from)?,
            amount: Part::read(from)?,
            products: Part::read(from)?,
        };
        let count = lines.product.len();
        ends_at(&lines.ends, count)?;
        same([lines.quantity.len(), lines.amount.len()], count)?;
        below(&lines.product, lines.products.len())?;
        Ok(lines)
    }
}

impl Part for Facts {
    fn write(&self, to: &mut ColumnWriter<impl Write>) -> io::Result<()> {
        to.column(&self.offsets)?;
        self.time.write(to)?;
        self.revenue.write(to)?;
        self.shop.write(to)?;
        self.shops.write(to)?;
        self.lines.write(to)
    }

    fn read(from: &mut ColumnReader<'_, impl Source + ?Sized>) -> Restored<Self> {
        let facts = Self {
            offsets: from.column()?,
            time: Part::read(from)?,
            revenue: Part::read(from)?,
            shop: Part::read(from)?,
            shops: Part::read(from)?,
            lines: Part::read(from)?,
        };
        let count = facts.time.len();
        if facts.offsets.first() != Some(&0) {
            return Err(RestoreError::Corrupt("orders do not begin at the first"));
        }
        ends_at(&facts.offsets, count)?;
        same([facts.revenue.len(), facts.shop.len(), facts.lines.orders()], count)?;
        below(&facts.shop, facts.shops.len())?;
        Ok(facts)
    }
}

/// Writes profiles and orders of a base.
pub(super) fn write_base(base: &Base, to: &mut ColumnWriter<impl Write>) -> io::Result<()> {
    write_ids(&base.ids, to)?;
    base.text.write(to)?;
    base.province.write(to)?;
    base.provinces.write(to)?;
    to.column(&base.rating)?;
    base.owner.write(to)?;
    base.owners.write(to)?;
    base.created.write(to)?;
    base.refused.write(to)?;
    base.contacts.write(to)?;
    base.loyalty.write(to)?;
    to.column(&base.tags.keys().map(|tag| tag.uuid().as_u128()).collect::<Vec<_>>())?;
    for members in base.tags.values() {
        let mut tagged = Vec::new();
        members.for_each(|ordinal| tagged.push(ordinal as u32));
        to.column(&tagged)?;
    }
    base.facts.write(to)?;
    base.refunds.write(to)
}

/// Reads a base, and makes everything that follows from it.
pub(super) fn read_base(from: &mut ColumnReader<'_, impl Source + ?Sized>) -> Restored<Base> {
    let ids = read_ids(from)?;
    let count = ids.len();
    let mut profiles = Profiles {
        ids,
        text: Part::read(from)?,
        province: Part::read(from)?,
        provinces: Part::read(from)?,
        rating: from.column()?,
        owner: Part::read(from)?,
        owners: Part::read(from)?,
        created: Part::read(from)?,
        refused: Part::read(from)?,
        contacts: Part::read(from)?,
        loyalty: Part::read(from)?,
        tags: BTreeMap::new(),
    };
    for tag in from.column::<u128>()? {
        profiles.tags.insert(TagId::from_uuid(Uuid::from_u128(tag)), Vec::new());
    }
    for tagged in profiles.tags.values_mut() {
        *tagged = from.column()?;
        is_rising_below(tagged.iter().copied(), count)?;
    }
    let (facts, refunds) = (Facts::read(from)?, Facts::read(from)?);
    let others = [
        profiles.text.len(),
        profiles.province.len(),
        profiles.rating.len(),
        profiles.owner.len(),
        profiles.created.len(),
        facts.customers(),
        refunds.customers(),
    ];
    same(others, count)?;
    below(&profiles.province, profiles.provinces.len())?;
    below(&profiles.owner, profiles.owners.len())?;
    is_rising_below(profiles.refused.0.iter().map(|(ordinal, _)| *ordinal), count)?;
    let contacts = profiles.contacts.0.values().filter_map(|all| all.last());
    below_all(contacts.map(|(ordinal, _)| *ordinal), count)?;
    let levels = profiles.loyalty.levels.0.values().map(Narrow::len);
    for len in levels.chain(profiles.loyalty.points.0.values().map(Narrow::len)) {
        same([len], count)?;
    }
    if !profiles.ids.is_sorted_by(|a, b| a < b) {
        return Err(RestoreError::Corrupt("customers are not in order"));
    }
    Ok(Base::new(profiles, facts, refunds))
}

pub(super) fn write_ids(ids: &[CustomerId], to: &mut ColumnWriter<impl Write>) -> io::Result<()> {
    to.column(&ids.iter().map(|id| id.uuid().as_u128()).collect::<Vec<_>>())
}

pub(super) fn read_ids(
    from: &mut ColumnReader<'_, impl Source + ?Sized>,
) -> Restored<Vec<CustomerId>> {
    let ids = from.column::<u128>()?;
    Ok(ids.into_iter().map(|id| CustomerId::from_uuid(Uuid::from_u128(id))).collect())
}

fn ends_at(ends: &[u32], end: usize) -> Restored<()> {
    if ends.is_sorted() && ends.last().copied().unwrap_or(0) as usize == end {
        return Ok(());
    }
    Err(RestoreError::Corrupt("parts of a column overlap"))
}

fn same<const N: usize>(others: [usize; N], count: usize) -> Restored<()> {
    if others.iter().all(|other| *other == count) {
        return Ok(());
    }
    Err(RestoreError::Corrupt("columns that belong together differ in length"))
}

fn below(numbers: &Numbers, count: usize) -> Restored<()> {
    if (0..numbers.len()).all(|at| (numbers.get(at) as usize) < count) {
        return Ok(());
    }
    Err(RestoreError::Corrupt("a number stands for nothing"))
}

fn below_all(mut ordinals: impl Iterator<Item = u32>, count: usize) -> Restored<()> {
    if ordinals.all(|own| (own as usize) < count) {
        return Ok(());
    }
    Err(RestoreError::Corrupt("contacts name customers that are not there"))
}

fn is_rising_below(mut ordinals: impl Iterator<Item = u32>, count: usize) -> Restored<()> {
    let mut least = 0;
    let mut fits = |own: usize| own >= std::mem::replace(&mut least, own + 1) && own < count;
    if ordinals.all(|own| fits(own as usize)) {
        return Ok(());
    }
    Err(RestoreError::Corrupt("a set names customers that are not there"))
}
