//! The receiver of one order in the clear, for a reason that is recorded.

use customers::reveal::Reason;
use kernel::OrderId;
use platform::audit::{self, Entry};
use platform::{Ctx, DbError, Problem, Tx};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{fields, list_orders};

/// Where an order goes, in the clear.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct RevealedReceiver {
    /// Name.
    pub name: Option<String>,
    /// Mobile number.
    pub mobile: Option<String>,
    /// Landline number.
    pub landline: Option<String>,
    /// Province.
    pub province: Option<String>,
    /// City.
    pub city: Option<String>,
    /// District.
    pub district: Option<String>,
    /// Street and house.
    pub address: Option<String>,
    /// Postcode.
    pub postcode: Option<String>,
}

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub enum RevealError {
    /// There is no such order, or the caller does not see it.
    #[error("there is no such order")]
    NotFound,
    /// The caller's role does not show receivers.
    #[error("your role does not see `{0}`")]
    Hidden(&'static str),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<RevealError> for Problem {
    fn from(error: RevealError) -> Self {
        match error {
            RevealError::NotFound => Self::not_found("order"),
            RevealError::Hidden(_) => Self::forbidden(error.to_string()),
            RevealError::Db(error) => error.into(),
        }
    }
}

/// Shows the receiver of an order. The caller commits, so that nothing is shown of which there is no
/// record.
///
/// # Errors
/// `NotFound`, `Hidden`; `Refused` if it cannot be opened.
pub async fn reveal_receiver(
    tx: &mut Tx,
    cx: &Ctx,
    order: OrderId,
    reason: &Reason,
) -> Result<RevealedReceiver, RevealError> {
    let rules = cx.access.fields();
    for field in [fields::RECEIVER, fields::NAME, fields::PHONE, fields::REGION] {
        if !rules.show(field) {
            return Err(RevealError::Hidden(field));
        }
    }
    let row = list_orders::seen_order(tx, cx, order).await?.ok_or(RevealError::NotFound)?;
    let head = row
        .head(&cx.keys())
        .map_err(|error| DbError::Refused(format!("the receiver of an order: {error}")))?;
    let entry =
        Entry::new("commerce.order.reveal").on("order", order).personal("reason", reason.as_str());
    audit::record(tx, cx, entry).await?;
    let receiver = head.receiver;
    Ok(RevealedReceiver {
        name: receiver.name,
        mobile: receiver.mobile,
        landline: receiver.landline,
        province: head.province,
        city: head.city,
        district: receiver.district,
        address: receiver.address,
        postcode: receiver.postcode,
    })
}
