//! Logins that wait for the redirect, which may arrive on any thread.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::call::new_event;
use crate::error::{Error, ErrorCause, Result};
use crate::protocol::oauth::callback::Callback;
use crate::status::{MCP_INVALID_ARGUMENT, MCP_LOGIN_FAILED};
use crate::sys::lock::Mutex;
use crate::sys::pollable_event::PollableEvent;

/// How a login ended: with the redirect, whose `state` was checked, or with an error of the application.
type LoginOutcome = Result<Callback>;

/// A login that waits for its redirect.
pub struct PendingLogin {
    state: Zeroizing<String>,
    url: String,
    outcome: Mutex<Option<LoginOutcome>>,
    /// Set when there is an outcome.
    pub done: PollableEvent,
}

/// The logins of one OAuth client.
#[derive(Default)]
pub struct PendingLogins(Mutex<Vec<Arc<PendingLogin>>>);

/// Removes a login when dropped: later redirects are refused.
pub struct PendingLoginGuard<'a> {
    logins: &'a PendingLogins,
    pub login: Arc<PendingLogin>,
}

impl PendingLogin {
    /// Ends the wait with a redirect. Fails if it is not that of this login. Of several redirects, the first counts.
    pub fn finish(&self, redirect_url: &str) -> Result<()> {
        let callback = Callback::from_url(redirect_url).map_err(invalid)?;
        if !self.is_redirected_by(&callback) {
            return Err(invalid("the state of the redirect URL is not that of this login".into()));
        }
        self.accept(callback)
    }

    /// Ends the wait with a redirect of this login. The authorization URL has the same `state`, and may be passed by
    /// mistake.
    fn accept(&self, callback: Callback) -> Result<()> {
        if !callback.is_response() {
            let why = "the URL has neither a code nor an error: pass the URL to which the browser was redirected";
            return Err(invalid(why.into()));
        }
        self.end(Ok(callback));
        Ok(())
    }

    /// Ends the wait with an error.
    pub fn fail(&self, reason: &str, cause: Option<ErrorCause>) {
        let mut error = Error::new(MCP_LOGIN_FAILED, format!("the login failed: {reason}"));
        error.report_mut().cause = cause;
        self.end(Err(error));
    }

    pub fn is_redirected_by(&self, callback: &Callback) -> bool {
        callback.has_state(&self.state)
    }

    pub fn end(&self, outcome: LoginOutcome) {
        let mut current = self.outcome.lock();
        if current.is_none() {
            *current = Some(outcome);
            self.done.set();
        }
    }

    /// The outcome. Returned only once.
    pub fn take_outcome(&self) -> Option<LoginOutcome> {
        self.outcome.lock().take()
    }
}

impl PendingLogins {
    /// Begins to wait for the redirect with this `state`. `url` is the authorization URL.
    pub fn add(&self, state: Zeroizing<String>, url: &str) -> Result<PendingLoginGuard<'_>> {
        let login = PendingLogin { state, url: url.into(), outcome: Mutex::default(), done: new_event()? };
        let login = Arc::new(login);
        self.0.lock().push(Arc::clone(&login));
        Ok(PendingLoginGuard { logins: self, login })
    }

    /// Ends the login to which the redirect belongs.
    pub fn finish(&self, redirect_url: &str) -> Result<()> {
        let callback = Callback::from_url(redirect_url).map_err(invalid)?;
        let login = self.find(|login| login.is_redirected_by(&callback)).ok_or_else(|| {
            invalid("no login waits for this redirect URL: its state is unknown, or the login has ended".into())
        })?;
        login.accept(callback)
    }

    /// Ends the login with this authorization URL with an error.
    pub fn fail(&self, url: &str, reason: &str, cause: Option<ErrorCause>) -> Result<()> {
        let login = self.find(|login| login.url == url);
        let login = login.ok_or_else(|| invalid("no login with this authorization URL is waiting".into()))?;
        login.fail(reason, cause);
        Ok(())
    }

    fn find(&self, is_meant: impl Fn(&PendingLogin) -> bool) -> Option<Arc<PendingLogin>> {
        self.0.lock().iter().find(|login| is_meant(login)).cloned()
    }
}

impl Drop for PendingLoginGuard<'_> {
    fn drop(&mut self) {
        self.logins.0.lock().retain(|login| !Arc::ptr_eq(login, &self.login));
    }
}

fn invalid(why: String) -> Error {
    Error::new(MCP_INVALID_ARGUMENT, why)
}
