//! Compaction.
/// Work that folds changed customers into the base, done without the engine.
#[derive(Debug)]
pub struct Compaction(());
/// A finished compaction.
#[derive(Debug)]
pub struct Compacted(());
impl Compaction {
    /// Does the work.
    /// # Errors
    /// More than the engine can hold.
    pub fn run(self) -> Result<Compacted, crate::CapacityError> { Ok(Compacted(())) }
}
