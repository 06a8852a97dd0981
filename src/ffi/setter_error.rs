//! Errors of setters that a callback ignores.

use crate::error::{Error, Result};

/// The error of the last setter that a callback called. If that failed, the callback has failed:
/// continuing without the value would only hide the error.
#[derive(Default)]
pub struct SetterError(Option<Error>);

impl SetterError {
    /// Records the outcome of a setter.
    pub fn note<T>(&mut self, outcome: Result<T>) -> Result<T> {
        self.0 = outcome.as_ref().err().cloned();
        outcome
    }

    /// Why the callback has failed.
    pub fn reason(self) -> Option<String> {
        self.0.map(|error| format!("it set an invalid value: {error}"))
    }
}
