//! Ending a training early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::IntentError;

/// Lets somebody else end a training, which looks at it before each model that it fits. Clones are one.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ends the training soon.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// # Errors
    /// `Stopped`.
    pub(crate) fn check(&self) -> Result<(), IntentError> {
        if self.0.load(Ordering::Relaxed) { Err(IntentError::Stopped) } else { Ok(()) }
    }
}
