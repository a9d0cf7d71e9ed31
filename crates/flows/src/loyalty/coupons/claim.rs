//! A customer takes a coupon, by button or by code.

use kernel::{CouponDefinitionId, CouponId, CustomerId, FieldErrors, Zone};
use loyalty::coupons::tries::{self, Caller, Purpose};
use loyalty::coupons::{self, Claimant, CouponError};
use platform::{Ctx, Db, Problem, Tx};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{WalletCoupon, coupon, levels_of};
use crate::loyalty::family;

/// What a customer claims: a coupon of a definition, or that of a code.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimBody {
    /// Of which definition; either this or `code`.
    pub coupon: Option<CouponDefinitionId>,
    /// By which this claim is known, 1 to 190 bytes: the same customer with the same key gets the same coupon again,
    /// at any time. Needed with `coupon`, and not there with `code`.
    pub key: Option<String>,
    /// The code of one coupon, as it was entered.
    pub code: Option<String>,
}

/// What is claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A coupon of a definition, once for a key.
    Of(CouponDefinitionId, String),
    /// The coupon of a code.
    Code(String),
}

/// Reads what is claimed.
///
/// # Errors
/// All wrong fields.
pub fn check(body: ClaimBody) -> Result<Wanted, FieldErrors> {
    let mut errors = FieldErrors::default();
    match body {
        ClaimBody { coupon: Some(of), key: Some(key), code: None } => {
            if (1..=190).contains(&key.len()) {
                return Ok(Wanted::Of(of, key));
            }
            errors.push("key", "must be 1 to 190 bytes");
        }
        ClaimBody { coupon: None, key: None, code: Some(code) } => return Ok(Wanted::Code(code)),
        ClaimBody { coupon: Some(_), key: None, code: None } => {
            errors.push("key", "must be there with `coupon`");
        }
        ClaimBody { coupon: None, key: Some(_), code: Some(_) } => {
            errors.push("key", "does not go with `code`");
        }
        _ => errors.push("coupon", "give either `coupon` or `code`"),
    }
    Err(errors)
}

/// Looks at the code of a customer before it is claimed, in a transaction of its own: wrong ones are counted. Claims
/// without a code need none.
///
/// # Errors
/// `TooManyTries`.
pub async fn enter_code(
    db: &Db,
    cx: &Ctx,
    customer: CustomerId,
    wanted: &Wanted,
) -> Result<(), CouponError> {
    match wanted {
        Wanted::Code(code) => {
            let caller = Caller::customer(customer);
            tries::look_at(db, cx, &caller, Purpose::Claim, &[code]).await
        }
        Wanted::Of(..) => Ok(()),
    }
}

/// Takes a coupon for a customer whom whoever asks may see. Days of limits are those of `zone`.
///
/// # Errors
/// 404 if there is no such customer; otherwise as [`CouponError`] says.
pub async fn claim(
    tx: &mut Tx,
    cx: &Ctx,
    customer: CustomerId,
    wanted: &Wanted,
    zone: Zone,
) -> Result<WalletCoupon, ClaimRefused> {
    let found = family::find(tx, cx, customer).await.map_err(CouponError::from)?;
    let family = found.ok_or(ClaimRefused::NoCustomer)?;
    let holder = family.holder();
    let levels = levels_of(tx, cx, family.root).await.map_err(CouponError::from)?;
    let claimant = Claimant { holder: &holder, levels: &levels, zone };
    let id: CouponId = match wanted {
        Wanted::Of(definition, key) => coupons::claim(tx, cx, *definition, claimant, key).await?,
        Wanted::Code(code) => coupons::claim_code(tx, cx, code, claimant).await?,
    };
    Ok(coupon(tx, cx, id).await.map_err(CouponError::from)?.ok_or(CouponError::UnknownCode)?)
}

/// Why a coupon was not claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimRefused {
    /// There is no such customer among those whom whoever asks sees.
    #[error("there is no such customer")]
    NoCustomer,
    /// As coupons say.
    #[error(transparent)]
    Coupon(#[from] CouponError),
}

impl From<ClaimRefused> for Problem {
    fn from(error: ClaimRefused) -> Self {
        match error {
            ClaimRefused::NoCustomer => Self::not_found("customer"),
            ClaimRefused::Coupon(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(json: &str) -> Result<Wanted, Vec<String>> {
        let body: ClaimBody = serde_json::from_str(json).unwrap();
        check(body).map_err(|errors| errors.into_vec().into_iter().map(|one| one.field).collect())
    }

    #[test]
    fn either_a_definition_with_a_key_or_a_code() {
        let of = "cpd_01h455vb4pex5vsknk084sn02q";
        assert!(matches!(
            body(&format!(r#"{{"coupon": "{of}", "key": "k"}}"#)),
            Ok(Wanted::Of(..))
        ));
        assert_eq!(body(r#"{"code": "x"}"#), Ok(Wanted::Code("x".to_owned())));
        for (json, field) in [
            ("{}".to_owned(), "coupon"),
            (format!(r#"{{"coupon": "{of}"}}"#), "key"),
            (format!(r#"{{"coupon": "{of}", "key": ""}}"#), "key"),
            (format!(r#"{{"coupon": "{of}", "key": "{}"}}"#, "k".repeat(191)), "key"),
            (format!(r#"{{"coupon": "{of}", "key": "k", "code": "x"}}"#), "coupon"),
            (r#"{"code": "x", "key": "k"}"#.to_owned(), "key"),
        ] {
            assert_eq!(body(&json), Err(vec![field.to_owned()]), "{json}");
        }
    }
}
