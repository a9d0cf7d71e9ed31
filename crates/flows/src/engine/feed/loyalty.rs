//! Levels and points of families.

use std::collections::HashMap;

use analytics::LoyaltyFeed;
use kernel::{CustomerId, LevelSchemeId, ProgrammeId, TypedId as _};
use loyalty::engine_feed;
use platform::{DbError, Scope, Tx};
use uuid::Uuid;

/// Levels by customer, and points by the root of the family, both sorted.
#[derive(Debug, Default)]
pub(super) struct LoyaltyBook {
    levels: Vec<(CustomerId, LevelSchemeId, u8)>,
    points: Vec<(CustomerId, ProgrammeId, i64)>,
}

impl LoyaltyBook {
    /// Of everybody. `root_of` says into whom a customer was merged.
    pub(super) async fn all(
        tx: &mut Tx,
        scope: Scope,
        root_of: &HashMap<Uuid, Uuid>,
    ) -> Result<Self, DbError> {
        let mut book = Self::default();
        engine_feed::each_level(tx, scope, |level| book.levels.push(level)).await?;
        engine_feed::each_points(tx, scope, |points| book.points.push(points)).await?;
        Ok(book.settled(root_of))
    }

    /// Of the members of some families.
    pub(super) async fn of_members(
        tx: &mut Tx,
        scope: Scope,
        members: &[Uuid],
        root_of: &HashMap<Uuid, Uuid>,
    ) -> Result<Self, DbError> {
        let levels = engine_feed::levels_of(tx, scope, members).await?;
        let points = engine_feed::points_of(tx, scope, members).await?;
        Ok(Self { levels, points }.settled(root_of))
    }

    fn settled(mut self, root_of: &HashMap<Uuid, Uuid>) -> Self {
        for (customer, ..) in &mut self.points {
            if let Some(root) = root_of.get(&customer.uuid()) {
                *customer = CustomerId::from_uuid(*root);
            }
        }
        self.levels.sort_unstable();
        self.points.sort_unstable();
        self
    }

    /// The level of a root, whatever those who were merged into it once had, and what the family can spend.
    pub(super) fn of(&self, root: CustomerId) -> LoyaltyFeed {
        let begin = self.levels.partition_point(|(own, ..)| *own < root);
        let levels = self.levels[begin..].iter().take_while(|(own, ..)| *own == root);
        let begin = self.points.partition_point(|(own, ..)| *own < root);
        let mut points: Vec<(ProgrammeId, i64)> = Vec::new();
        for (_, programme, own) in self.points[begin..].iter().take_while(|(own, ..)| *own == root)
        {
            match points.last_mut() {
                Some((last, sum)) if last == programme => *sum = sum.saturating_add(*own),
                _ => points.push((*programme, *own)),
            }
        }
        // Who owes more than there is can spend nothing.
        points.retain(|(_, sum)| *sum > 0);
        LoyaltyFeed { levels: levels.map(|(_, scheme, rank)| (*scheme, *rank)).collect(), points }
    }
}
