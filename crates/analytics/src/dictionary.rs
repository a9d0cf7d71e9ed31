//! Small numbers for values that repeat.

use std::collections::HashMap;
use std::hash::Hash;

/// Gives each distinct value the next number.
#[derive(Debug, Clone)]
pub(crate) struct Dictionary<T> {
    values: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Dictionary<T> {
    fn default() -> Self {
        Self { values: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Dictionary<T> {
    pub(crate) fn number<Q>(&mut self, value: &Q) -> u32
    where
        T: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = T> + ?Sized,
    {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        // Fewer values than customers or shops, both of which are bounded below 2^32.
        let number = self.values.len() as u32;
        self.values.push(value.to_owned());
        self.numbers.insert(value.to_owned(), number);
        number
    }

    pub(crate) fn find<Q>(&self, value: &Q) -> Option<u32>
    where
        T: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.numbers.get(value).copied()
    }

    /// For each number, whether its value `passes`.
    pub(crate) fn mark(&self, passes: impl Fn(&T) -> bool) -> Vec<bool> {
        self.values.iter().map(passes).collect()
    }

    /// All values, by number.
    pub(crate) fn values(&self) -> &[T] {
        &self.values
    }

    pub(crate) fn value(&self, number: u32) -> &T {
        &self.values[number as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.numbers.capacity() * (size_of::<T>() * 2 + 8)
    }
}
