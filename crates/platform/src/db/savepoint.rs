//! A part of a transaction that can be taken back by itself.

use super::Tx;
use super::error::DbError;

impl Tx {
    /// Marks this place: what follows can be taken back without the rest. Savepoints nest. PostgreSQL is slow for
    /// everybody while a transaction has written behind more than 64 of them.
    ///
    /// # Errors
    /// As the database says.
    pub async fn savepoint(&mut self) -> Result<(), DbError> {
        self.run_script("SAVEPOINT part".to_owned()).await
    }

    /// Keeps what was done since the last open [`Tx::savepoint`], as part of what is around it, and marks this place
    /// instead.
    ///
    /// # Errors
    /// As the database says.
    pub async fn renew_savepoint(&mut self) -> Result<(), DbError> {
        self.run_script("RELEASE SAVEPOINT part; SAVEPOINT part".to_owned()).await
    }

    /// Keeps what was done since the last open [`Tx::savepoint`], as part of what is around it.
    ///
    /// # Errors
    /// As the database says.
    pub async fn release_savepoint(&mut self) -> Result<(), DbError> {
        self.run_script("RELEASE SAVEPOINT part".to_owned()).await
    }

    /// Takes back what was done since the last open [`Tx::savepoint`], also after a statement failed. The savepoint
    /// stays open, and the transaction goes on as if nothing had been tried.
    ///
    /// # Errors
    /// As the database says; then the whole transaction is lost.
    pub async fn rollback_to_savepoint(&mut self) -> Result<(), DbError> {
        self.run_script("ROLLBACK TO SAVEPOINT part".to_owned()).await
    }
}
