//! Retrying a failed request: in a new session, after a new version negotiation, or with other headers.

use std::sync::Arc;

use super::session_slot::SessionSlot;
use super::state::Session;
use crate::call::context::CallContext;
use crate::call::retry::{Disposition, FailedStep, disposition, is_refused_for_parameters, may_be_other_server};
use crate::call::send_error::{SendError, Sent};
use crate::error::{Error, Result};
use crate::log::LogLevel;
use crate::protocol::version::Era;

/// How a failed request may be retried.
pub struct Recovery<'a> {
    pub sessions: &'a SessionSlot,
    /// Executing the request twice is harmless.
    pub is_repeatable: bool,
    /// Removes the recorded header arguments of tools; `None` if the request has no such headers.
    pub forget_headers: Option<&'a dyn Fn()>,
    /// Sends a request that does no harm in a session that was saved by another client.
    pub try_saved: &'a dyn Fn(&Session) -> Result<()>,
}

/// A request that failed in a saved session that the server does not know.
struct Doubt {
    era: Era,
    error: Error,
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
        let mut doubt: Option<Doubt> = None;
        loop {
            let session = get()?;
            if let Some(Doubt { era, error }) = doubt.take()
                && era == session.era
            {
                return Err(error);
            }
            let SendError { error, sent, .. } = match attempt(&session) {
                Ok(result) => {
                    session.prove();
                    return Ok(result);
                }
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
                Disposition::Fatal
                    if !renewed && is_of_other_server(self.sessions, call, &session, &error, self.try_saved) =>
                {
                    renewed = true;
                    if !may_repeat {
                        // A modern server refuses all requests of the legacy era, before it executes them.
                        if !is_refused_for_parameters(&error) {
                            return Err(error);
                        }
                        doubt = Some(Doubt { era: session.era, error });
                    }
                }
                _ => return Err(error),
            }
        }
    }
}

/// Whether a request failed because the session was saved by another client, and the server does not know it: it was
/// replaced, or has lost the session. Such a session is forgotten. The error alone does not tell, and a tool must not
/// be called twice: `try_saved` sends a request that does no harm in the session.
pub fn is_of_other_server(
    sessions: &SessionSlot,
    call: &CallContext,
    session: &Arc<Session>,
    error: &Error,
    try_saved: &dyn Fn(&Session) -> Result<()>,
) -> bool {
    if !session.is_unproven() || !may_be_other_server(error) {
        return false;
    }
    match try_saved(session) {
        Ok(()) => session.prove(),
        Err(error) if may_be_other_server(&error) => {
            call.log(LogLevel::Info, || "the server does not know the saved session; negotiating again".into());
            sessions.forget_era(session);
            return true;
        }
        // No response, or one about credentials: it stays unknown.
        Err(_) => {}
    }
    false
}
