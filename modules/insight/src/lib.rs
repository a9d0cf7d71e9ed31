//! What a shop wants to know of its customers, as rules: in which currency and zone figures are
//! told, what each tier calls for, what the workbench shows. Pure. See README.md.

mod action;
mod frame;
mod workbench;

pub use action::Action;
pub use frame::{DEFAULT_BINS, Frame, FrameError, ShopFrame};
pub use workbench::{Attention, AttentionKind, CHART_DAYS, Delta, UNSHIPPED_AFTER_MILLIS};
