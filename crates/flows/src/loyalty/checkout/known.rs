//! What is known of a customer that promotions may ask about.

use std::collections::BTreeSet;

use customers::birthdays;
use customers::person_requests::family_of;
use kernel::{AudienceId, Currency, CustomerId, LevelSchemeId, ShopId, TypedId as _, Zone};
use loyalty::Holder;
use loyalty::levels::membership;
use platform::{Ctx, DbError, Tx};
use uuid::Uuid;

use super::{Book, CheckoutError};
use crate::audiences;
use crate::engine::EngineHandle;
use crate::fields;

/// A customer at the till.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// The root and its family; none for whoever is not known.
    pub holder: Option<(CustomerId, Holder)>,
    /// The level, and the scheme by which it is one.
    pub level: Option<(String, LevelSchemeId)>,
    /// Code of the RFM tier; none without a counted order.
    pub tier: Option<&'static str>,
    /// Whether no order of theirs is counted.
    pub first_order: bool,
    /// Whether today, in the zone of the shop, is the birthday of the family. Not told to whom the role hides birthdays.
    pub is_birthday: bool,
}

/// What is known of `customer`, who must be there.
pub(super) async fn of(
    tx: &mut Tx,
    cx: &Ctx,
    engine: &EngineHandle,
    book: &Book,
    customer: CustomerId,
    (shop, currency): (ShopId, Currency),
    zone: Zone,
) -> Result<Known, CheckoutError> {
    let members: Vec<CustomerId> =
        family_of(tx, cx, customer).await?.into_iter().map(CustomerId::from_uuid).collect();
    let root = *members.first().ok_or(CheckoutError::NoCustomer)?;
    let mut level = None;
    for scheme in book.schemes_of(shop, currency) {
        let standing = membership::of(tx, cx, scheme, root).await?;
        let (_, rules) = scheme.at(cx.now());
        let found = standing.rank.checked_sub(1).and_then(|place| rules.levels.get(place));
        if let Some(found) = found {
            level = Some((found.name.clone(), scheme.id));
            break;
        }
    }
    let family: Vec<Uuid> = members.iter().map(|member| member.uuid()).collect();
    let birthday = match cx.access.fields().hide(fields::BIRTHDAY) {
        true => None,
        false => birthdays::of_family(tx, cx.scope, &cx.keys(), &family).await?,
    };
    let facts = engine.ask(|engine| engine.customer(root));
    let standing = facts.as_ref().and_then(|facts| facts.standing);
    Ok(Known {
        holder: Some((root, Holder::new(root, &members))),
        level,
        tier: standing.map(|standing| standing.tier.code()),
        first_order: facts.is_none_or(|facts| facts.orders == 0),
        is_birthday: birthday.is_some_and(|birthday| birthday.is_on(cx.now().day(zone))),
    })
}

/// Which of `named` the customer is in today.
pub(super) async fn audiences_of(
    tx: &mut Tx,
    cx: &Ctx,
    engine: &EngineHandle,
    root: CustomerId,
    named: &BTreeSet<AudienceId>,
) -> Result<Vec<String>, DbError> {
    let found = audiences::those_of(tx, cx, engine, root, named).await?;
    Ok(found.iter().map(ToString::to_string).collect())
}
