//! The audit log: who did what, when and from where. It is added to and never changed.
//!
//! [`record`] writes an entry in the transaction of the deed, so that there is one if, and only if, the
//! deed was done. Each entry carries an authentication code of its own from the beginning, and soon a
//! place in the chain of its organisation ([`chain`]): a hash over the entry and the hash before it. The
//! head of the chain, authenticated too, says how many entries there are. [`verify`] finds any change,
//! removal and reordering and names the first entry at which it shows.
//!
//! Hash and codes are HMAC-SHA-256 under a key that only the master key opens, which is not in the
//! database. Whoever can write the database, and so could compute a plain SHA-256 chain anew behind a
//! changed entry, cannot compute these. The price is that nobody without the master key can check an
//! exported log; who wants to do that notes count and head of the chain outside from time to time
//! (`guanxi audit verify` prints them, the server logs them) and has [`verify`] hold the log against
//! them. That also finds what no key can: a database that was put back, as a whole, to what it once was.
//!
//! Personal data lies beside an entry, sealed ([`personal`]); the entry keeps a digest of it. So it can be
//! erased, and sealed anew when keys change, and the chain still holds.

mod authenticity;
mod chain;
mod entry;
mod erase;
mod export;
mod list;
mod origin;
mod personal;
mod record;
mod store;
mod verify;
mod worker;

pub use chain::chain;
pub use entry::{DETAIL_MAX_BYTES, Entry};
pub use erase::{ERASE, erase, erase_those, erase_until};
pub use export::{EXPORT, export};
pub use list::{AuditEntry, AuditFilter, Place, RecordRef, list};
pub use origin::Origin;
pub(crate) use personal::FIELD;
pub use record::record;
pub use verify::{Broken, Noted, Verified, verify};
pub use worker::start;
