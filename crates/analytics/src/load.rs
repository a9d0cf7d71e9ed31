//! Bulk load.
use kernel::CustomerId;
use crate::{CapacityError, CustomerFeed, Engine, OrderFact};
/// First step of a bulk load: customers in any order, quickest by id; the last of an id wins.
#[derive(Debug, Default)]
pub struct CustomerLoader(());
impl CustomerLoader {
    /// Adds a customer.
    pub fn customer(&mut self, _feed: &CustomerFeed) {}
    /// Goes on to the orders.
    #[must_use]
    pub fn facts(self) -> FactLoader { FactLoader(()) }
}
/// Second step of a bulk load: orders in any order.
#[derive(Debug)]
pub struct FactLoader(());
impl FactLoader {
    /// Adds an order; false if its customer was not loaded.
    pub fn fact(&mut self, _customer: CustomerId, _fact: OrderFact) -> bool { false }
    /// The engine.
    /// # Errors
    /// More than it can hold.
    pub fn build(self) -> Result<Engine, CapacityError> { Ok(Engine::new()) }
}
