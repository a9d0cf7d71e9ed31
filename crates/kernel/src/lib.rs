//! Words everyone uses: money, typed ids, time, pages and field errors. No I/O. See README.md.

mod field_errors;
mod ids;
mod money;
mod page;
mod person;
mod reach;
pub mod text;
mod time;

pub use field_errors::{FieldError, FieldErrors};
pub use ids::{
    AdjustmentId, AudienceId, AuditId, ConsentId, ConsentTextId, CouponBatchId, CouponDefinitionId,
    CouponGiftId, CouponId, CustomerId, DeliveryId, ExportId, IdParseError, IdentityId, Ids,
    ImportId, InvitationId, JobId, LevelSchemeId, LotId, MergeId, ModelId, NoteId, OrderId, OrgId,
    PersonRequestId, PointsEntryId, ProgrammeId, PromotionId, ProviderId, ReservationId, SessionId,
    ShopId, SimulationId, SpendId, SuggestionId, TagId, TeamId, TerritoryId, TokenId, TypedId,
    UserId, ViewId, WebhookId,
};
pub use money::{Currency, Money, MoneyError};
pub use page::{Cursor, CursorError, Limit, Page};
pub use person::Person;
pub use reach::{Part, Reach};
pub use time::{Clock, Timestamp, Zone};
