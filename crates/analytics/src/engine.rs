//! The engine of one organisation.
use std::sync::Arc;
use kernel::CustomerId;
use crate::{Compacted, Compaction, CustomerFacts, CustomerFeed, CustomerLoader, DaySum, DaysQuery, ListPage, ListQuery, OrderFact, Rfm, RfmQuery};
/// Everything about the customers of one organisation, in columns.
#[derive(Debug, Default)]
pub struct Engine(());
impl Engine {
    /// An engine without customers.
    #[must_use]
    pub fn new() -> Self { Self(()) }
    /// Loads many customers at once.
    #[must_use]
    pub fn builder() -> CustomerLoader { CustomerLoader::default() }
    /// Replaces everything known of a customer.
    pub fn upsert(&mut self, _feed: &CustomerFeed, _facts: &[OrderFact]) {}
    /// Forgets a customer; false if unknown.
    pub fn remove(&mut self, _id: CustomerId) -> bool { false }
    /// Customers known.
    #[must_use]
    pub fn len(&self) -> usize { 0 }
    /// Whether no customer is known.
    #[must_use]
    pub fn is_empty(&self) -> bool { true }
    /// Rises with every change.
    #[must_use]
    pub fn version(&self) -> u64 { 0 }
    /// What is known of a customer.
    #[must_use]
    pub fn customer(&self, _id: CustomerId) -> Option<CustomerFacts> { None }
    /// One page of customers.
    #[must_use]
    pub fn list(&self, _query: &ListQuery) -> ListPage { ListPage::default() }
    /// Scores all customers; remembered until something changes.
    #[must_use]
    pub fn rfm(&self, _query: &RfmQuery) -> Arc<Rfm> { unimplemented!() }
    /// The scores by which lists filter tiers and cells.
    pub fn set_scores(&mut self, _scores: Arc<Rfm>) {}
    /// The scores set.
    #[must_use]
    pub fn scores(&self) -> Option<&Arc<Rfm>> { None }
    /// Orders, revenue and new customers of each day.
    #[must_use]
    pub fn days(&self, _query: &DaysQuery) -> Vec<DaySum> { Vec::new() }
    /// Builds what lists need ahead of the first one.
    pub fn warm(&self) {}
    /// Work to do in the background when many customers have changed; `None` when few have.
    #[must_use]
    pub fn compaction(&self) -> Option<Compaction> { None }
    /// Takes the result of a compaction of this engine.
    pub fn install(&mut self, _done: Compacted) {}
    /// Bytes held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize { 0 }
}
