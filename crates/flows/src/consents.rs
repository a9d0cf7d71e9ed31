//! What a customer granted and refused, as a card shows it.

use customers::consent::ledger::{self, ConsentEntry};
use customers::consent::{self, ConsentChannel, ConsentPurpose, Standing};
use customers::mask::mask_text;
use customers::{reach, roots};
use kernel::{CustomerId, TypedId as _};
use platform::{Ctx, DbError, Platform};
use serde::Serialize;

use crate::fields;
use crate::people::People;

/// Entries of the history that a card shows.
const SHOWN: usize = 500;

/// What holds now of one way and purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ConsentState {
    /// By which way.
    pub channel: ConsentChannel,
    /// What for.
    pub purpose: ConsentPurpose,
    /// What holds.
    #[schema(value_type = consent::Standing)]
    pub standing: Standing,
    /// Whether the customer may be contacted, or decided about, so.
    pub may: bool,
}

/// The consents of a customer and of all who were merged with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CustomerConsents {
    /// What holds now, of every way and purpose.
    pub states: Vec<ConsentState>,
    /// What was said, the last first; the newest 500.
    pub entries: Vec<ConsentEntry>,
}

/// The consents of `customer`; `None` if there is none.
///
/// # Errors
/// As the database says.
pub async fn of_customer(
    platform: &Platform,
    cx: &Ctx,
    customer: CustomerId,
) -> Result<Option<CustomerConsents>, DbError> {
    let keys = platform.keys(cx.scope.org());
    let mut tx = platform.db.read_for(cx.scope).await?;
    let id = customer.uuid();
    let is_seen = reach::within(&mut tx, cx, &[id]).await?.contains(&id);
    if !is_seen || roots::name_of(&mut tx, cx.scope, &[id]).await?.is_empty() {
        return Ok(None);
    }
    let mut said = ledger::said_by(&mut tx, cx.scope, &[customer]).await?;
    let said = said.remove(&customer).unwrap_or_default();
    let mut entries = ledger::entries(&mut tx, cx.scope, &keys, customer).await?;
    entries.truncate(SHOWN);
    let people = People::look_up(
        &mut tx,
        cx,
        &keys,
        entries.iter().map(|one| one.actor).collect::<Vec<_>>(),
    )
    .await?;
    tx.rollback().await?;
    for entry in &mut entries {
        entry.actor_person = people.get(entry.actor);
        // Whoever wrote it down may have written down a phone number.
        entry.evidence = match cx.access.fields().hide(fields::NOTES) {
            true => None,
            false => entry.evidence.as_deref().map(mask_text),
        };
    }
    let now = cx.now();
    let mut states = Vec::new();
    for purpose in ConsentPurpose::ALL {
        for channel in ConsentChannel::ALL {
            states.push(ConsentState {
                channel: *channel,
                purpose: *purpose,
                standing: consent::standing(&said, *channel, *purpose, now),
                may: consent::may_contact(&said, *channel, *purpose, now),
            });
        }
    }
    Ok(Some(CustomerConsents { states, entries }))
}
