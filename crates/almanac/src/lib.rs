//! Days that come back each year, by the solar and by the Chinese lunar calendar. Pure. See README.md.

#![forbid(unsafe_code)]

mod festivals;
mod lunar;
mod yearly;

pub use festivals::{Festival, festivals_on};
pub use lunar::{FIRST_DAY, LAST_DAY, LunarDate};
pub use yearly::{Calendar, YearlyDay, YearlyDayError, kept_on};
