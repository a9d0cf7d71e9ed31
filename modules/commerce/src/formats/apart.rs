//! Orders whose rows do not follow each other: found on a reading of their own, and gathered on further
//! ones behind all other orders, so that each comes as one record and memory does not grow with the file.

use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;
use foldhash::{HashMap, HashSet};

use super::group::Group;

/// Rows, and bytes of them, that one reading may gather.
const ROWS_MOST: u64 = 40_000;
const BYTES_MOST: u64 = 16 << 20;
/// Orders of a file that are told from each other; beyond, rows apart stay apart.
const ORDERS_MOST: usize = 10_000_000;

/// The same in every process: the place in a file from which an import goes on depends on it.
fn digest(key: &str) -> u64 {
    FixedState::default().hash_one(key)
}

/// Finds the orders whose rows lie apart.
#[derive(Debug, Default)]
pub(super) struct Finder {
    /// Rows and bytes of each order.
    orders: HashMap<u64, (u32, u32)>,
    apart: HashSet<u64>,
    last: Option<u64>,
}

impl Finder {
    /// Takes the next row, which is of the order `key`.
    pub fn row(&mut self, key: &str, bytes: usize) {
        let key = digest(key);
        let follows = self.last.replace(key) == Some(key);
        if self.orders.len() >= ORDERS_MOST && !self.orders.contains_key(&key) {
            return;
        }
        let (rows, total) = self.orders.entry(key).or_default();
        if *rows > 0 && !follows {
            self.apart.insert(key);
        }
        *rows = rows.saturating_add(1);
        *total = total.saturating_add(bytes as u32);
    }

    /// Takes a row that ends the order before it and is of none.
    pub fn gap(&mut self) {
        self.last = None;
    }

    /// What was found, if anything was.
    pub fn found(self) -> Option<Apart> {
        let of = |key: &u64| self.orders.get(key).copied().unwrap_or_default();
        let rows: u64 = self.apart.iter().map(|key| u64::from(of(key).0)).sum();
        let bytes: u64 = self.apart.iter().map(|key| u64::from(of(key).1)).sum();
        let parts = rows.div_ceil(ROWS_MOST).max(bytes.div_ceil(BYTES_MOST));
        (parts > 0).then(|| Apart { orders: self.apart, parts, part: None })
    }
}

/// The orders whose rows lie apart, dealt into parts of which each is gathered on one reading.
#[derive(Debug)]
pub(super) struct Apart {
    orders: HashSet<u64>,
    parts: u64,
    /// The part that is gathered now; none yet while all other orders are read.
    part: Option<u64>,
}

impl Apart {
    /// Whether a row of the order `key` is passed over on the present reading.
    pub fn passes_over(&self, key: &str) -> bool {
        let key = digest(key);
        let apart = self.orders.contains(&key);
        match self.part {
            None => apart,
            Some(part) => !apart || key % self.parts != part,
        }
    }

    /// Goes to the next part; says whether there is one.
    pub fn next_part(&mut self) -> bool {
        let next = self.part.map_or(0, |part| part + 1);
        self.part = Some(next);
        next < self.parts
    }
}

/// Orders being gathered, in the order of their first rows.
#[derive(Default)]
pub(super) struct Gathered {
    orders: Vec<Vec<Group>>,
    at: HashMap<String, usize>,
}

impl Gathered {
    /// The group that a row of the order `key` belongs to.
    pub fn group(&mut self, key: &str) -> &mut Group {
        let index = match self.at.get(key) {
            Some(index) => *index,
            None => {
                self.at.insert(key.to_owned(), self.orders.len());
                self.orders.push(Vec::new());
                self.orders.len() - 1
            }
        };
        let parts = &mut self.orders[index];
        if !parts.last().is_some_and(|group| group.takes(key)) {
            parts.push(Group { goes_on: !parts.is_empty(), ..Group::new(key.to_owned()) });
        }
        let last = parts.len() - 1;
        &mut parts[last]
    }

    /// The groups of each order, once a reading is at its end.
    pub fn into_orders(self) -> Vec<Vec<Group>> {
        self.orders
    }
}
