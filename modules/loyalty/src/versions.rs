//! Versions of what people define: each change adds one, and none is changed again.

use kernel::{FieldErrors, Timestamp};
use platform::{Ctx, DbError, Tx, args};
use serde::Serialize;
use uuid::Uuid;

use crate::rules::json;

/// The most versions of one programme, scheme, coupon or promotion.
pub(crate) const VERSIONS_MAX: i64 = 1_000;

/// Refuses a version behind `version` where there are as many as there may be.
///
/// # Errors
/// The field `version`.
pub(crate) fn room(version: i64) -> Result<(), FieldErrors> {
    let mut errors = FieldErrors::default();
    if version >= VERSIONS_MAX {
        let rule =
            format!("it has {VERSIONS_MAX} versions, and no more are kept; make a new one instead");
        errors.push("version", rule);
    }
    errors.finish(|| Some(()))
}

/// Which versions are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// All of them.
    All,
    /// The newest alone.
    Newest,
}

/// Of what.
#[derive(Debug, Clone, Copy)]
pub(crate) enum VersionOf {
    Programme,
    Coupon,
    Promotion,
    Scheme,
}

impl VersionOf {
    const fn insert(self) -> &'static str {
        match self {
            Self::Programme => {
                "INSERT INTO loyalty_programme_versions (org_id, programme_id, version, rules, from_at, actor)
                 VALUES ($1, $2, $3, $4, $5, $6)"
            }
            Self::Coupon => {
                "INSERT INTO loyalty_coupon_versions (org_id, definition_id, version, rules, from_at, actor)
                 VALUES ($1, $2, $3, $4, $5, $6)"
            }
            Self::Promotion => {
                "INSERT INTO loyalty_promotion_versions (org_id, promotion_id, version, rules, from_at, actor)
                 VALUES ($1, $2, $3, $4, $5, $6)"
            }
            Self::Scheme => {
                "INSERT INTO loyalty_scheme_versions (org_id, scheme_id, version, rules, from_at, actor)
                 VALUES ($1, $2, $3, $4, $5, $6)"
            }
        }
    }

    /// Adds what `rules` say from `from` on.
    ///
    /// # Errors
    /// As the database says.
    pub(crate) async fn add(
        self,
        tx: &mut Tx,
        cx: &Ctx,
        id: Uuid,
        version: i64,
        from: Timestamp,
        rules: &impl Serialize,
    ) -> Result<(), DbError> {
        let values = args![cx.scope.org_arg(), id, version, json(rules)?, from, cx.scope.user_id()];
        tx.execute(self.insert(), values).await.map(drop)
    }
}
