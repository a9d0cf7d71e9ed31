//! What the room promises, from outside.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod conflicts;
mod crowded;
mod documented;
mod given;
mod hostile;
mod oracle;
mod properties;
mod refunds;
mod simulations;
