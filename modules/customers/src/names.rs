//! Names as somebody may see them.
//!
//! Whoever came without a name is called by an account, a phone number or an e-mail address (see `resolve`), and
//! whoever is not shown those shall not read them as a name either.

use std::collections::HashMap;

use platform::access::FieldRules;
use platform::{Ctx, DbError, Tx};
use uuid::Uuid;

use crate::IdentityKind;
use crate::profiles::{IDENTITIES_MAX, IdentityShown, masked};
use crate::{fields, mask, roots, store};

/// `name` of somebody who is known by `identities`, as it is under `rules`.
pub(crate) fn under<'a>(
    name: &str,
    mut identities: impl Iterator<Item = &'a IdentityShown>,
    rules: &FieldRules,
) -> String {
    let is_not_shown =
        |seen: &IdentityShown| !rules.show(fields::of_identity(seen.kind)) && seen.value == name;
    if !rules.show(fields::NAME) || identities.any(is_not_shown) {
        mask::mask_name(name)
    } else {
        name.to_owned()
    }
}

/// Masks those of `names`, by customer, that whoever asks is not shown.
///
/// # Errors
/// `Refused` if personal data cannot be opened; otherwise as the database says.
pub async fn mask_hidden(
    tx: &mut Tx,
    cx: &Ctx,
    names: &mut HashMap<Uuid, String>,
) -> Result<(), DbError> {
    let rules = cx.access.fields();
    if !rules.show(fields::NAME) {
        names.values_mut().for_each(|name| *name = mask::mask_name(name));
        return Ok(());
    }
    if fields::OF_IDENTITIES.iter().all(|field| rules.show(field)) {
        return Ok(());
    }
    let ids = roots::distinct(&names.keys().copied().collect::<Vec<_>>());
    for row in store::profiles::identities(tx, cx.scope, &ids, IDENTITIES_MAX).await? {
        let Some(kind) = IdentityKind::from_code(row.kind) else { continue };
        if rules.show(fields::of_identity(kind)) {
            continue;
        }
        let Some(name) = names.get_mut(&row.customer_id) else { continue };
        if masked(kind, row.plain.as_deref(), row.sealed.as_deref(), &cx.keys())? == *name {
            *name = mask::mask_name(name);
        }
    }
    Ok(())
}

/// Root and name of each customer as whoever asks is shown it, as [`roots::name_of`].
///
/// # Errors
/// As [`mask_hidden`].
pub async fn shown(
    tx: &mut Tx,
    cx: &Ctx,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, (Uuid, String)>, DbError> {
    let mut found = roots::name_of(tx, cx.scope, ids).await?;
    let mut names: HashMap<Uuid, String> = found.values().cloned().collect();
    mask_hidden(tx, cx, &mut names).await?;
    for (root, name) in found.values_mut() {
        name.clone_from(&names[root]);
    }
    Ok(found)
}
