//! Retrying a failed request: in a new session, after a new version negotiation, or with other headers.

use std::sync::Arc;

use super::session_slot::SessionSlot;
use super::state::Session;
use crate::call::context::CallContext;
use crate::call::retry::{Disposition, FailedStep, disposition};
use crate::call::send_error::{SendError, Sent};
use crate::error::Result;
use crate::log::LogLevel;

/// How a failed request may be retried.
pub struct Recovery<'a> {
    pub sessions: &'a SessionSlot,
    /// Executing the request twice is harmless.
    pub is_repeatable: bool,
    /// Removes the recorded header arguments of tools; `None` if the request has no such headers.
    pub forget_headers: Option<&'a dyn Fn()>,
}

impl Recovery<'_> {
    /// Runs `attempt` in the session that `get` returns. If that may help, runs it again once in a new session, whose
    /// era may differ, and once with other headers.
    pub fn with_recovery<T>(
        &self,
        call: &CallContext,
        get: impl Fn() -> Result<Arc<Session>>,
        attempt: impl Fn(&Session) -> Result<T, SendError>,
    ) -> Result<T> {
        let (mut renewed, mut refreshed) = (false, false);
        loop {
            let session = get()?;
            let SendError { error, sent, .. } = match attempt(&session) {
                Ok(result) => return Ok(result),
                Err(send_error) => send_error,
            };
            let may_repeat = self.is_repeatable || sent != Sent::Yes;
            let next = disposition(&error, FailedStep::Request { era: session.era, renewed });
            match next {
                // Also if this call is not retried: the next call opens a new session.
                Disposition::NewSession => self.sessions.forget(&session),
                Disposition::NewVersion => self.sessions.forget_era(&session),
                _ => {}
            }
            match next {
                Disposition::NewSession if !renewed && may_repeat => {
                    call.log(LogLevel::Info, || "the server lost the session; establishing a new one".into());
                    renewed = true;
                }
                Disposition::NewVersion if may_repeat => renewed = true,
                Disposition::NewHeaders if !refreshed && may_repeat => {
                    let Some(forget) = self.forget_headers else { return Err(error) };
                    call.log(LogLevel::Info, || "the tool requires other headers; reading its schema again".into());
                    forget();
                    refreshed = true;
                }
                _ => return Err(error),
            }
        }
    }
}
