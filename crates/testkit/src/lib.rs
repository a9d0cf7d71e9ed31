//! What tests stand on: both databases, a clock that is set by hand, ids that repeat. See README.md.

mod cases;
mod test_db;
mod time;
mod wait;

pub use cases::for_each_case;
pub use test_db::TestDb;
pub use time::{FixedClock, SeededIds};
pub use wait::eventually;

/// Defines a test that runs on SQLite and on PostgreSQL.
///
/// ```ignore
/// db_test! { MIGRATIONS; async fn counts_rows(db) { let mut tx = db.db().begin().await.unwrap(); … } }
/// ```
#[macro_export]
macro_rules! db_test {
    ($migrations:expr; $($(#[$meta:meta])* async fn $name:ident($db:ident) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn body($db: $crate::TestDb) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                body($crate::TestDb::sqlite($migrations).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                body($crate::TestDb::postgres($migrations).await).await;
            }
        }
    )+};
}
