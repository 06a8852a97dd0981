//! Finding out the server's era and version, and opening a legacy session (specification 2026-07-28, "Versioning":
//! Backward Compatibility; 2025-11-25, "Lifecycle": Initialization).

use std::sync::Arc;
use std::time::Duration;

use super::Client;
use super::call::Call;
use super::exchange::{Rules, Speaking};
use super::session::{Opened, Session};
use crate::error::{Error, Result};
use crate::log::Level;
use crate::protocol::json::Json;
use crate::protocol::messages::{INITIALIZED, initialize_params, modern_params};
use crate::protocol::negotiation::{
    ProbeVerdict, initialized_version, is_modern_error, judge_probe, refuses_version, retry_initialize,
};
use crate::protocol::version::{self, Era, LEGACY, MODERN};
use crate::status::*;
use crate::sys::wait::Stop;

/// The longest that a server may keep silent on `server/discover` before `initialize` is tried.
const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// How long a server may take to answer `server/discover`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// A silent server may be a legacy one: time is left for `initialize`.
    Brief,
    /// The whole call.
    Whole,
}

impl Client {
    /// The session with the server, opened where there is none.
    pub fn connect(&self, call: &Call) -> Result<()> {
        self.session(call).map(|_| ())
    }

    pub(super) fn session(&self, call: &Call) -> Result<(Arc<Session>, Opened)> {
        // Other calls may read the error as well, and they do not know what this one carried.
        let open = |era| self.negotiate(call, era).map_err(|error| call.secrets().tidy_error(error));
        let (session, opened) = self.sessions.get(call, open)?;
        if opened == Opened::ByThisCall && self.sessions.came_too_late() {
            self.abandon(&session);
            return Err(call.stopped(&Stop::Closed));
        }
        Ok((session, opened))
    }

    fn negotiate(&self, call: &Call, known: Option<Era>) -> Result<Session> {
        self.warn_of_plain_credentials(call);
        let session = match (self.settings.pinned(), known) {
            (Some((version, Era::Legacy)), _) => self.initialize(call, Some(version), true),
            (Some((version, Era::Modern)), _) => self.probe(call, Some(version), Patience::Brief),
            (None, Some(Era::Legacy)) => self.initialize_again(call),
            (None, _) => self.probe(call, None, Patience::Brief),
        }?;
        call.remark(Level::Info, || {
            format!("the server speaks protocol version {} ({})", session.version, session.era.name())
        });
        Ok(session)
    }

    /// For a server that was legacy when it was last asked; it may have become another one since.
    fn initialize_again(&self, call: &Call) -> Result<Session> {
        let session = self.initialize(call, None, true);
        match session {
            Err(error) if is_modern_error(&error) || matches!(error.report().http_status, 400 | 404 | 405) => {
                self.probe(call, None, Patience::Brief)
            }
            session => session,
        }
    }

    /// After a silent `server/discover`. A modern server that was only slow says so to `initialize`, and is asked once more.
    fn initialize_after_silence(&self, call: &Call) -> Result<Session> {
        let session = self.initialize(call, None, false);
        match session {
            Err(error) if is_modern_error(&error) => self.probe(call, None, Patience::Whole),
            session => session,
        }
        .map_err(|mut error| {
            // With more time, another call would not have come here.
            error.report_mut().of_this_call = true;
            error
        })
    }

    /// Asks with `server/discover`, and falls back to `initialize` unless a modern version is pinned.
    fn probe(&self, call: &Call, pinned: Option<&'static str>, patience: Patience) -> Result<Session> {
        let mut version = pinned.unwrap_or(MODERN[0]);
        let third = call.budget.allowed.map_or(PROBE_LIMIT, |allowed| allowed / 3);
        // Who pins the version wants no second try, so the first one has all the time.
        let is_brief = pinned.is_none() && patience == Patience::Brief;
        let brief = is_brief.then(|| third.min(PROBE_LIMIT));
        let mut retried = false;
        loop {
            let probe = brief.map_or_else(|| call.clone(), |limit| call.within(limit));
            let outcome = self.discover(&probe, version);
            match judge_probe(outcome.as_ref()) {
                ProbeVerdict::Modern(chosen) => {
                    let answer = outcome.ok();
                    return Ok(Session { era: Era::Modern, version: chosen, id: None, answer, era_is_certain: true });
                }
                ProbeVerdict::Retry(chosen) if !retried => {
                    (version, retried) = (chosen, true);
                }
                ProbeVerdict::Retry(_) => return Err(nothing_shared(&[version.to_owned()], outcome.err())),
                ProbeVerdict::NothingShared(theirs) => return Err(nothing_shared(&theirs, outcome.err())),
                ProbeVerdict::Legacy { .. } if pinned.is_some() => {
                    return Err(not_spoken(version, outcome.err()));
                }
                ProbeVerdict::Legacy { keep } => {
                    let said = outcome.err().map_or_else(String::new, |error| format!(" ({error})"));
                    call.remark(Level::Debug, || {
                        format!("server/discover brought no modern answer{said}; trying initialize")
                    });
                    return self.initialize(call, None, keep);
                }
                ProbeVerdict::Report => {
                    let Err(error) = outcome else { continue };
                    // An idle limit is the caller's own word, and ends the call.
                    let out_of_time = error.status() == MCP_TIMEOUT && probe.budget.check().is_err();
                    let silent = is_brief && out_of_time && call.budget.check().is_ok();
                    if !silent {
                        return Err(error);
                    }
                    call.remark(Level::Debug, || {
                        format!("server/discover brought no answer ({error}); trying initialize")
                    });
                    return self.initialize_after_silence(call);
                }
            }
        }
    }

    /// One `server/discover`.
    pub(super) fn discover(&self, call: &Call, version: &'static str) -> Result<Json> {
        let params = modern_params(version, &self.settings.client_info());
        let speaking = Speaking::modern(version);
        self.exchange(call, &speaking, "server/discover", Some(&params), Rules::PROBE).map(|answer| answer.result)
    }

    /// The handshake of the legacy versions.
    fn initialize(&self, call: &Call, pinned: Option<&'static str>, era_is_certain: bool) -> Result<Session> {
        let mut version = pinned.unwrap_or(LEGACY[0]);
        let mut retried = false;
        let answer = loop {
            let params = initialize_params(version, &self.settings.client_info());
            let answer = self.exchange(call, &Speaking::opening(), "initialize", Some(&params), Rules::PROBE);
            let other = answer.as_ref().err().and_then(|error| retry_initialize(error, version));
            match other {
                Some(other) if pinned.is_none() && !retried => (version, retried) = (other, true),
                _ => break answer,
            }
        };
        let answer = answer.map_err(|error| match pinned {
            Some(pinned) if refuses_version(&error) => not_spoken(pinned, Some(error)),
            _ => error,
        })?;
        let version = initialized_version(&answer.result, pinned)?;
        let session =
            Session { era: Era::Legacy, version, id: answer.session_id, answer: Some(answer.result), era_is_certain };
        if let Err(error) = self.post(call, &Speaking::in_session(&session), INITIALIZED) {
            self.abandon(&session);
            return Err(error);
        }
        Ok(session)
    }
}

/// An error that names the versions of both sides.
fn nothing_shared(theirs: &[String], cause: Option<Error>) -> Error {
    let message = format!(
        "the server speaks protocol version {}, this client {}: they share none",
        theirs.join(", "),
        version::all()
    );
    with_cause(message, cause)
}

fn not_spoken(pinned: &str, cause: Option<Error>) -> Error {
    let said = cause.as_ref().map_or_else(String::new, |error| format!(" ({error})"));
    let message = format!(
        "this client is pinned to protocol version {pinned}, and the server does not speak it{said}; pin another version, or none"
    );
    with_cause(message, cause)
}

/// Keeps what the server said beside the message.
fn with_cause(message: String, cause: Option<Error>) -> Error {
    let mut error = cause.unwrap_or_else(|| Error::new(MCP_VERSION_UNSUPPORTED, ""));
    error.report_mut().status = MCP_VERSION_UNSUPPORTED;
    error.report_mut().message = message;
    error
}
