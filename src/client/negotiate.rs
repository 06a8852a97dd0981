//! Finding out the server's era and version, and opening a legacy session (specification 2026-07-28, "Versioning":
//! Backward Compatibility; 2025-11-25, "Lifecycle": Initialization).

use std::sync::Arc;
use std::time::Duration;

use ureq::http::Method;

use super::Client;
use super::call::Call;
use super::exchange::{Rules, Speaking};
use super::session::{Opened, Session};
use crate::error::{Error, Result};
use crate::log::Level;
use crate::protocol::json::Json;
use crate::protocol::messages::{INITIALIZED, initialize_params, modern_params};
use crate::protocol::negotiation::{ProbeVerdict, initialized_version, judge_probe, refuses_version, retry_initialize};
use crate::protocol::version::{self, Era, LEGACY, MODERN};
use crate::status::*;

/// The longest that a server may keep silent on `server/discover` before `initialize` is tried.
const PROBE_LIMIT: Duration = Duration::from_secs(5);

impl Client {
    /// The session with the server, opened where there is none.
    pub fn connect(&self, call: &Call) -> Result<()> {
        self.session(call).map(|_| ())
    }

    pub(super) fn session(&self, call: &Call) -> Result<(Arc<Session>, Opened)> {
        self.sessions.get(call, |era| self.negotiate(call, era))
    }

    fn negotiate(&self, call: &Call, known: Option<Era>) -> Result<Session> {
        self.warn_of_plain_credentials();
        let pinned = self.settings.pinned();
        let session = match pinned.map(|(_, era)| era).or(known) {
            Some(Era::Legacy) => self.initialize(call, pinned.map(|(version, _)| version), true),
            Some(Era::Modern) | None => self.probe(call, pinned.map(|(version, _)| version)),
        }?;
        self.remark(Level::Info, || {
            format!("the server speaks protocol version {} ({})", session.version, session.era.name())
        });
        Ok(session)
    }

    /// Asks with `server/discover`, and falls back to `initialize` unless a modern version is pinned.
    fn probe(&self, call: &Call, pinned: Option<&'static str>) -> Result<Session> {
        let mut version = pinned.unwrap_or(MODERN[0]);
        let third = call.budget.allowed.map_or(PROBE_LIMIT, |allowed| allowed / 3);
        // Who pins the version wants no second try, so the first one has all the time.
        let brief = if pinned.is_some() { None } else { Some(third.min(PROBE_LIMIT)) };
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
                    self.remark(Level::Debug, || {
                        format!("server/discover brought no modern answer{said}; trying initialize")
                    });
                    return self.initialize(call, None, keep);
                }
                ProbeVerdict::Report => {
                    let Err(error) = outcome else { continue };
                    let silent = error.status() == MCP_TIMEOUT && brief.is_some() && call.budget.check().is_ok();
                    if !silent {
                        return Err(error);
                    }
                    self.remark(Level::Debug, || {
                        format!("server/discover brought no answer ({error}); trying initialize")
                    });
                    return self.initialize(call, None, false);
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
        let speaking = Speaking::in_session(&session);
        if let Err(error) = self.post(call, &speaking, INITIALIZED) {
            // Nobody will ever use this session: the server need not keep it.
            self.leave(&speaking, Method::DELETE, "");
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
