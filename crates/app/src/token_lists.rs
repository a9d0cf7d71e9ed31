//! How many customers lists gave to API tokens today. Beyond what one may export within a day without asking it is
//! recorded: whoever reads the whole list by pages has a file without a mark.
//!
//! Counted in the memory of this process: another process counts by itself, and a start begins anew.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::{Arc, Mutex, PoisonError};

use customers::settings;
use kernel::{OrgId, TokenId};
use platform::audit::{self, Entry};
use platform::retention::DAY_MILLIS;
use platform::{Ctx, DbError, Platform};

/// What one token was given today.
#[derive(Debug, Clone, Copy)]
struct Given {
    day: i64,
    customers: u64,
    /// What it was when it was recorded last.
    told: u64,
}

/// What tokens were given today.
#[derive(Debug, Clone, Default)]
pub struct TokenLists(Arc<Mutex<HashMap<(OrgId, TokenId), Given>>>);

impl TokenLists {
    /// Counts `customers` more that are about to be given to the token of `cx`, and records it when they are more
    /// than the limit for the first time that day, and each time they have doubled since. Of a session nothing.
    ///
    /// # Errors
    /// As the database says; then nothing may be given out.
    pub async fn give(
        &self,
        platform: &Platform,
        cx: &Ctx,
        customers: usize,
    ) -> Result<(), DbError> {
        let Some(token) = cx.origin.token else { return Ok(()) };
        let given = self.count(cx, token, customers as u64);
        // Recorded already, and not twice as many since.
        if given.customers < given.told.saturating_mul(2) || customers == 0 {
            return Ok(());
        }
        let mut tx = platform.db.read_for(cx.scope).await?;
        let limit = settings::export_limit(&mut tx, cx.scope).await?;
        tx.rollback().await?;
        if given.customers <= u64::from(limit) {
            return Ok(());
        }
        let mut tx = platform.db.begin_for(cx.scope).await?;
        let entry = Entry::new("customers.list_by_token")
            .on("token", token)
            .with("count", given.customers)
            .with("export_limit", limit);
        audit::record(&mut tx, cx, entry).await?;
        tx.commit().await?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Midnight may have come between.
        if let Some(now) = all.get_mut(&(cx.scope.org(), token)).filter(|now| now.day == given.day)
        {
            now.told = now.told.max(given.customers);
        }
        Ok(())
    }

    fn count(&self, cx: &Ctx, token: TokenId, customers: u64) -> Given {
        let day = cx.now().millis().div_euclid(DAY_MILLIS);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = Given { day, customers, told: 0 };
        match all.entry((cx.scope.org(), token)) {
            Slot::Occupied(mut slot) if slot.get().day == day => {
                slot.get_mut().customers += customers;
                *slot.get()
            }
            Slot::Occupied(mut slot) => {
                slot.insert(fresh);
                fresh
            }
            Slot::Vacant(slot) => {
                slot.insert(fresh);
                // One look a day at those of earlier days is enough to keep this small.
                all.retain(|_, given| given.day == day);
                fresh
            }
        }
    }
}
