//! What is asked for a price: by a shop, and by somebody who tries a cart.

use kernel::{CouponId, CustomerId, FieldErrors, ProgrammeId, PromotionId, ShopId, Timestamp};
use loyalty::coupons::tries::Caller;
use loyalty::reservations::{Brought, COUPONS_MAX};
use pricing::{Cart, Customer};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::CheckoutError;

/// Longest name of a session, in bytes.
const SESSION_MAX_BYTES: usize = 200;
/// Drafts that a playground tries at once.
const DRAFTS_MAX: usize = 50;

/// A coupon that a customer brings: one that is theirs, or a code as they entered it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BroughtCoupon {
    /// One of the wallet.
    Coupon(CouponId),
    /// A code.
    Code(String),
}

impl From<&BroughtCoupon> for Brought {
    fn from(one: &BroughtCoupon) -> Self {
        match one {
            BroughtCoupon::Coupon(id) => Self::Coupon(*id),
            BroughtCoupon::Code(code) => Self::Code(code.clone()),
        }
    }
}

/// How much of the explanation is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ExplainQuote)]
pub enum Explain {
    /// What applies.
    #[default]
    Applied,
    /// Everything that was tried, with the reason of each refusal.
    All,
}

/// A cart to be priced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuoteBody {
    /// In which shop.
    pub shop: ShopId,
    /// For whom; without one for somebody of whom nothing is known.
    #[serde(default)]
    pub customer: Option<CustomerId>,
    /// By which the shop knows who is shopping; wrong codes are counted by it where no customer is named.
    #[serde(default)]
    pub session: Option<String>,
    /// The cart at list prices.
    pub cart: Cart,
    /// Coupons that are brought, at most 20.
    #[serde(default)]
    pub coupons: Vec<BroughtCoupon>,
    /// Whether the best of the wallet is taken besides.
    #[serde(default)]
    pub wallet: bool,
    /// The most points that shall pay a part.
    #[serde(default)]
    pub points: Option<u64>,
    /// Of which programme; without one of the first that is for the shop and currency.
    #[serde(default)]
    pub programme: Option<ProgrammeId>,
    /// How much of the explanation is told.
    #[serde(default)]
    pub explain: Explain,
}

/// A cart to be tried: at any moment, for anybody, with promotions that are not live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaygroundBody {
    /// In which shop.
    pub shop: ShopId,
    /// For whom.
    #[serde(default)]
    pub customer: Option<CustomerId>,
    /// The cart at list prices.
    pub cart: Cart,
    /// Coupons that are brought, at most 20.
    #[serde(default)]
    pub coupons: Vec<BroughtCoupon>,
    /// Whether the best of the wallet is taken besides.
    #[serde(default)]
    pub wallet: bool,
    /// The most points that shall pay a part.
    #[serde(default)]
    pub points: Option<u64>,
    /// Of which programme.
    #[serde(default)]
    pub programme: Option<ProgrammeId>,
    /// The moment of the quote; now without one.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// Promotions that count as if they were live, at most 50.
    #[serde(default)]
    pub drafts: Vec<PromotionId>,
    /// What shall be taken for true of the customer instead of what is known.
    #[serde(default)]
    pub assumed: Option<Customer>,
}

/// A question as the flow takes it.
#[derive(Debug, Clone)]
pub struct Asked {
    pub(super) body: QuoteBody,
    pub(super) at: Option<Timestamp>,
    pub(super) drafts: Vec<PromotionId>,
    pub(super) assumed: Option<Customer>,
}

impl From<QuoteBody> for Asked {
    fn from(body: QuoteBody) -> Self {
        Self { body, at: None, drafts: Vec::new(), assumed: None }
    }
}

impl From<PlaygroundBody> for Asked {
    fn from(asked: PlaygroundBody) -> Self {
        let PlaygroundBody { shop, customer, cart, coupons, wallet, points, programme, .. } = asked;
        let explain = Explain::All;
        let body = QuoteBody {
            shop,
            customer,
            session: None,
            cart,
            coupons,
            wallet,
            points,
            programme,
            explain,
        };
        Self { body, at: asked.at, drafts: asked.drafts, assumed: asked.assumed }
    }
}

impl Asked {
    /// Who enters codes.
    pub(super) fn caller(&self) -> Caller {
        let body = &self.body;
        match (&body.customer, &body.session) {
            (Some(customer), _) => Caller::customer(*customer),
            (None, Some(session)) => Caller::session(body.shop, session),
            (None, None) => Caller::guests(body.shop),
        }
    }

    /// The codes that were entered.
    pub(super) fn codes(&self) -> Vec<&str> {
        let codes = self.body.coupons.iter().filter_map(|one| match one {
            BroughtCoupon::Code(code) => Some(code.as_str()),
            BroughtCoupon::Coupon(_) => None,
        });
        codes.collect()
    }

    pub(super) fn check(&self) -> Result<(), CheckoutError> {
        let mut errors = FieldErrors::default();
        if self.body.coupons.len() > COUPONS_MAX {
            errors.push("coupons", format!("at most {COUPONS_MAX}"));
        }
        if self.body.session.as_ref().is_some_and(|name| name.len() > SESSION_MAX_BYTES) {
            errors.push("session", format!("at most {SESSION_MAX_BYTES} bytes"));
        }
        if self.drafts.len() > DRAFTS_MAX {
            errors.push("drafts", format!("at most {DRAFTS_MAX}"));
        }
        errors.finish(|| Some(())).map_err(CheckoutError::Fields)
    }
}
