//! Finding out the server's era and version, and opening a legacy session (specification 2026-07-28, "Versioning":
//! Backward Compatibility; 2025-11-25, "Lifecycle": Initialization).

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use ::http::{HeaderMap, header};

use super::Client;
use super::listen::subscribe;
use super::logging::logging_level;
use super::session::{Found, Identity, Opened, Session, has_core_tasks, is_of_this_call};
use super::settings::Transport as Wanted;
use crate::call::context::Call;
use crate::call::headers::HeaderSet;
use crate::call::request::{Ask, Rules, Speaking};
use crate::error::{Error, Result};
use crate::log::Level;
use crate::protocol::challenge::parameter;
use crate::protocol::json::Json;
use crate::protocol::messages::{Abilities, INITIALIZED, capabilities, initialize_params, modern_meta};
use crate::protocol::negotiation::{
    ProbeVerdict, initialized_version, is_modern_error, judge_probe, refuses_version, retry_initialize,
};
use crate::protocol::params::Params;
use crate::protocol::version::{self, Era, LEGACY, MODERN};
use crate::rpc::exchange::exchange;
use crate::status::*;
use crate::sys::lock::Mutex;
use crate::sys::wait::Stop;
use crate::transport::interface::{Answer, Transport, Travels};
use crate::transport::legacy_sse::LegacySse;
use crate::transport::stdio::Stdio;
use crate::transport::streamable_http::StreamableHttp;

/// A server that does not accept the host of the URL says so to every request.
const MISDIRECTED: u16 = 421;

/// How long a server may take to answer `server/discover`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// A silent server may be a legacy one: time is left for `initialize`.
    Brief,
    /// The whole call.
    Whole,
}

/// So many credentials are remembered with which `initialize` was tried although the probe was refused.
const MOST_PASSED: usize = 256;

/// The credentials with which `initialize` was tried although the probe was refused. Kept as hashes with a key of this client's own:
/// the caller may set the same ones again, for a call or for the client, and the auth callback may give them again.
#[derive(Default)]
pub struct PassedRefusals {
    key: RandomState,
    known: Mutex<VecDeque<u64>>,
}

impl PassedRefusals {
    /// Notes the credentials; false where they are known already.
    fn is_first(&self, credentials: &[Arc<HeaderSet>]) -> bool {
        let hash = self.hash(credentials);
        let mut known = self.known.lock();
        if known.contains(&hash) {
            return false;
        }
        if known.len() == MOST_PASSED {
            known.pop_front();
        }
        known.push_back(hash);
        true
    }

    /// Of what is sent last: the `Authorization` header, or, where there is none, all headers. Beside it others may change from call
    /// to call.
    fn hash(&self, credentials: &[Arc<HeaderSet>]) -> u64 {
        let mut headers = HeaderMap::new();
        credentials.iter().for_each(|set| set.apply(&mut headers));
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            return self.key.hash_one(value);
        }
        // In whatever order they come.
        headers.iter().fold(0, |sum: u64, header| sum.wrapping_add(self.key.hash_one(header)))
    }
}

impl Client {
    /// The session with the server, opened where there is none.
    pub fn connect(&self, call: &Call) -> Result<()> {
        self.session(call).map(|_| ())
    }

    pub(super) fn session(&self, call: &Call) -> Result<(Arc<Session>, Opened)> {
        // Other calls may read the error as well, and they do not know what this one carried.
        let open = |era| self.negotiate(call, era).map_err(|error| call.secrets().tidy_error(error));
        let identity = || Identity {
            credentials: self.auth().credentials.current(),
            scheme: self.auth().schemes.current().map(|scheme| scheme.number),
        };
        let (session, opened) = self.sessions.get(call, identity, open)?;
        if opened == Opened::ByThisCall && self.sessions.came_too_late() {
            session.transport.abandon_session(&session.speaking());
            return Err(call.stopped(&Stop::Closed));
        }
        Ok((session, opened))
    }

    fn negotiate(&self, call: &Call, found: Option<Found>) -> Result<Session> {
        if self.settings.network().tls.trusts_everybody {
            call.remark(Level::Warning, || "the certificates of servers are not checked: anybody may answer".into());
        }
        let session =
            if self.is_process() { self.negotiate_pipe(call, found) } else { self.negotiate_url(call, found) }?;
        call.remark(Level::Info, || {
            format!(
                "the server speaks protocol version {} ({}) on {}",
                session.version,
                session.era.name(),
                session.transport.travels().words()
            )
        });
        Ok(session)
    }

    fn negotiate_url(&self, call: &Call, found: Option<Found>) -> Result<Session> {
        match self.settings.transport() {
            Wanted::StreamableHttp => self.negotiate_http(call, found),
            Wanted::Sse => self.negotiate_sse(call),
            Wanted::Auto => self.negotiate_either(call, found),
        }
    }

    /// A process: asked with `server/discover`, and with `initialize` where it does not answer that in the modern way (2026-07-28,
    /// "stdio": Backward Compatibility). Some old servers end at a request before `initialize`; they are started again.
    fn negotiate_pipe(&self, call: &Call, found: Option<Found>) -> Result<Session> {
        let server = self.start_process(call)?;
        match (self.settings.pinned(), found.map(|found| found.era)) {
            (Some((version, Era::Legacy)), _) => return self.initialize(call, Some(version), true, server),
            (None, Some(Era::Legacy)) => return self.initialize(call, None, true, server),
            _ => {}
        }
        let (pinned, brief) = (self.pinned_modern(), call.brief());
        let mut version = pinned.unwrap_or(MODERN[0]);
        let mut retried = false;
        let error = loop {
            let probe = if pinned.is_some() { call.clone() } else { call.within(brief) };
            let outcome = self.discover_first(&probe, &*server, version);
            match (judge_probe(outcome.as_ref()), outcome) {
                (ProbeVerdict::Modern(chosen), outcome) => {
                    server.bind(chosen);
                    return Ok(self.modern_session(chosen, outcome.ok(), server));
                }
                (ProbeVerdict::Retry(chosen), _) if !retried => (version, retried) = (chosen, true),
                (ProbeVerdict::Retry(_), outcome) => return Err(nothing_shared(&[version.into()], outcome.err())),
                (ProbeVerdict::NothingShared(theirs), outcome) => return Err(nothing_shared(&theirs, outcome.err())),
                (ProbeVerdict::Legacy { .. } | ProbeVerdict::Report, Err(error)) => break error,
                (_, Ok(_)) => break Error::new(MCP_INVALID_MESSAGE, "server/discover brought no list of versions"),
            }
        };
        if pinned.is_some() && error.status() != MCP_PROCESS_FAILED {
            return Err(not_spoken(version, Some(error)));
        }
        if pinned.is_some() {
            return Err(error);
        }
        // Whoever ends the call now wants to read that; and nobody else is to read what the server said to the first question.
        if let Err(stop) = call.budget().check() {
            return Err(if is_of_this_call(&error) { error } else { call.stopped_while(&stop, "before initialize") });
        }
        call.remark(Level::Debug, || format!("server/discover brought no modern answer ({error}); trying initialize"));
        if error.status() != MCP_TIMEOUT {
            let server = if error.status() == MCP_PROCESS_FAILED { self.start_process(call)? } else { server };
            return self.initialize(call, None, true, server);
        }
        self.initialize_slow_process(call, server)
    }

    /// After a silent `server/discover`. A modern server that was only slow to start refuses `initialize`, and is asked once more. It
    /// runs now, and answers soon; another one may keep silent again, and its refusal counts.
    fn initialize_slow_process(&self, call: &Call, server: Arc<dyn Transport>) -> Result<Session> {
        let refusal = match self.initialize(call, None, false, Arc::clone(&server)) {
            Err(error) if error.status() == MCP_RPC_ERROR => error,
            outcome => return outcome,
        };
        let outcome = self.discover_first(&call.within(call.brief()), &*server, MODERN[0]);
        match (judge_probe(outcome.as_ref()), outcome) {
            (ProbeVerdict::Modern(chosen), outcome) => {
                server.bind(chosen);
                Ok(self.modern_session(chosen, outcome.ok(), server))
            }
            (_, Err(error)) if matches!(error.status(), MCP_CANCELLED | MCP_CLOSED) => Err(error),
            _ => Err(refusal),
        }
    }

    fn modern_session(&self, version: &'static str, answer: Option<Json>, transport: Arc<dyn Transport>) -> Session {
        let (meta, task_meta) = (self.modern_meta(version, false), self.modern_meta(version, true));
        Session {
            era: Era::Modern,
            version,
            id: None,
            transport,
            meta,
            task_meta,
            has_core_tasks: false,
            answer,
            era_is_certain: true,
        }
    }

    /// Finds the transport out: a URL that ends in `sse`, as the other clients read it, is one of HTTP+SSE until its GET is no event
    /// stream; any other is one of Streamable HTTP, until `initialize` is refused in the way that tells older servers.
    fn negotiate_either(&self, call: &Call, found: Option<Found>) -> Result<Session> {
        if self.pinned_modern().is_some() {
            return self.negotiate_http(call, found);
        }
        let by_url = self.endpoint.as_ref().is_some_and(|endpoint| endpoint.ends_with_segment("sse"));
        if found.map_or(by_url, |found| found.travels == Travels::Sse) {
            // What was found by a fall-back may have become a Streamable HTTP server, which opens an event stream as well.
            let opening = if by_url { call.clone() } else { call.within(call.brief()) };
            return match self.open_legacy_sse(&opening) {
                Ok(server) => self.initialize_on(call, server),
                Err(error) if is_no_stream(&error) || (is_silence(&error) && call.budget().check().is_ok()) => {
                    call.remark(Level::Debug, || {
                        format!("no event stream of HTTP+SSE ({error}); trying Streamable HTTP")
                    });
                    self.negotiate_http(call, None).map_err(|later| more_telling(error, later))
                }
                Err(error) => Err(error),
            };
        }
        match self.negotiate_http(call, found) {
            Err(error) if tells_older_server(&error) => {
                call.remark(Level::Debug, || format!("initialize was not accepted ({error}); trying HTTP+SSE"));
                // A Streamable HTTP server may open an event stream, too, and never name an endpoint.
                let brief = call.within(call.brief());
                match self.negotiate_sse(&brief) {
                    // What says something of this caller, or of this moment, says more than the first refusal.
                    Err(later) if is_about_caller(&later) || call.budget().check().is_err() => Err(later),
                    Err(later) if later.report().http_status == MISDIRECTED => Err(later),
                    Err(_) => Err(error),
                    session => session,
                }
            }
            session => session,
        }
    }

    fn negotiate_http(&self, call: &Call, found: Option<Found>) -> Result<Session> {
        match (self.settings.pinned(), found.map(|found| found.era)) {
            (Some((version, Era::Legacy)), _) => self.initialize(call, Some(version), true, self.streamable_http()?),
            (Some((version, Era::Modern)), _) => self.probe(call, Some(version), Patience::Brief),
            (None, Some(Era::Legacy)) => self.initialize_again(call),
            (None, _) => self.probe(call, None, Patience::Brief),
        }
    }

    /// HTTP+SSE carries the legacy versions only, so there is nothing to probe.
    fn negotiate_sse(&self, call: &Call) -> Result<Session> {
        if let Some(version) = self.pinned_modern() {
            let why = format!("protocol version {version} is not spoken over HTTP+SSE; pin an older one, or none");
            return Err(Error::new(MCP_VERSION_UNSUPPORTED, why));
        }
        let server = self.open_legacy_sse(call)?;
        self.initialize_on(call, server)
    }

    fn initialize_on(&self, call: &Call, server: Arc<dyn Transport>) -> Result<Session> {
        let pinned = self.settings.pinned().map(|(version, _)| version);
        self.initialize(call, pinned, true, server)
    }

    fn pinned_modern(&self) -> Option<&'static str> {
        self.settings.pinned().filter(|(_, era)| *era == Era::Modern).map(|(version, _)| version)
    }

    /// For a server that was legacy when it was last asked; it may have become another one since.
    fn initialize_again(&self, call: &Call) -> Result<Session> {
        let session = self.initialize(call, None, true, self.streamable_http()?);
        match session {
            Err(error) if is_modern_error(&error) || matches!(error.report().http_status, 400 | 404 | 405) => {
                self.probe(call, None, Patience::Brief)
            }
            session => session,
        }
    }

    /// After a silent `server/discover`. A modern server that was only slow says so to `initialize`, and is asked once more.
    fn initialize_after_silence(&self, call: &Call) -> Result<Session> {
        let session = self.initialize(call, None, false, self.streamable_http()?);
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
        // Who pins the version wants no second try, so the first one has all the time.
        let is_brief = pinned.is_none() && patience == Patience::Brief;
        let brief = is_brief.then(|| call.brief());
        let mut retried = false;
        let server = self.streamable_http()?;
        loop {
            let probe = brief.map_or_else(|| call.clone(), |limit| call.within(limit));
            let outcome = self.discover_first(&probe, &*server, version);
            match judge_probe(outcome.as_ref()) {
                ProbeVerdict::Modern(chosen) => {
                    return Ok(self.modern_session(chosen, outcome.ok(), server));
                }
                ProbeVerdict::Retry(chosen) if !retried => {
                    (version, retried) = (chosen, true);
                }
                ProbeVerdict::Retry(_) => return Err(nothing_shared(&[version.to_owned()], outcome.err())),
                ProbeVerdict::NothingShared(theirs) => return Err(nothing_shared(&theirs, outcome.err())),
                ProbeVerdict::Legacy { .. } if pinned.is_some() => {
                    return Err(match outcome.err() {
                        Some(error) if error.status() == MCP_SERVER_ERROR => error,
                        error => not_spoken(version, error),
                    });
                }
                ProbeVerdict::Legacy { keep } => return self.initialize_after(call, outcome.err(), keep),
                ProbeVerdict::Report => {
                    let Err(error) = outcome else { continue };
                    if pinned.is_none() && self.may_pass_refusal(call, &error) {
                        return self.initialize_past_refusal(call, error);
                    }
                    // An idle limit is the caller's own word, and ends the call.
                    let out_of_time = error.status() == MCP_TIMEOUT && probe.budget().check().is_err();
                    let silent = is_brief && out_of_time && call.budget().check().is_ok();
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

    /// After an answer to `server/discover` that is not a modern one. Where the server fails at `initialize` as well, what it said to
    /// the first request is reported: it knows neither, and the first answer is not about a fallback.
    fn initialize_after(&self, call: &Call, probe: Option<Error>, keep: bool) -> Result<Session> {
        let said = probe.as_ref().map_or_else(String::new, |error| format!(" ({error})"));
        call.remark(Level::Debug, || format!("server/discover brought no modern answer{said}; trying initialize"));
        self.initialize(call, None, keep, self.streamable_http()?).map_err(|error| match probe {
            Some(probe) if error.status() == MCP_SERVER_ERROR && probe.status() == MCP_SERVER_ERROR => probe,
            _ => error,
        })
    }

    /// Whether `initialize` may be tried although the probe was refused with 401 or 403: some gateways authorise by method, and know
    /// no `server/discover`. Not where the refusal judges the credentials, and once for the same ones.
    fn may_pass_refusal(&self, call: &Call, error: &Error) -> bool {
        if !matches!(error.status(), MCP_UNAUTHORIZED | MCP_FORBIDDEN) {
            return false;
        }
        if !call.has_carried().0 {
            return self.auth().schemes.current().is_none();
        }
        let judges = error.report().www_authenticate.as_deref().is_some_and(|text| parameter(text, "error").is_some());
        !judges && self.passed.is_first(&call.credentials())
    }

    /// The probe was refused; `initialize` has no better credentials, and may be allowed all the same.
    fn initialize_past_refusal(&self, call: &Call, refusal: Error) -> Result<Session> {
        call.remark(Level::Debug, || format!("server/discover was refused ({refusal}); trying initialize"));
        // The verdict is kept: the next session begins with `initialize`.
        self.initialize(&call.clone().without_asking(), None, true, self.streamable_http()?).map_err(|error| {
            // Why the call was ended says more than the refusal; another answer does not.
            if is_of_this_call(&error) { error } else { refusal }
        })
    }

    /// One `server/discover`, before there is a session.
    fn discover_first(&self, call: &Call, server: &dyn Transport, version: &'static str) -> Result<Json> {
        let meta = self.modern_meta(version, false);
        self.discover(call, server, &Speaking::modern(version), &meta)
    }

    /// One `server/discover`.
    pub(super) fn discover(
        &self,
        call: &Call,
        server: &dyn Transport,
        speaking: &Speaking,
        meta: &str,
    ) -> Result<Json> {
        let mut params = Params::new();
        params.share_meta(meta);
        let ask = Ask::new("server/discover", &params, Rules::PROBE);
        self.ask(call, server, speaking, &ask).map(|answer| answer.answered.result)
    }

    fn ask(&self, call: &Call, server: &dyn Transport, speaking: &Speaking, ask: &Ask) -> Result<Answer> {
        exchange(self.host(), server, call, speaking, ask).map_err(|setback| setback.error)
    }

    fn streamable_http(&self) -> Result<Arc<dyn Transport>> {
        Ok(StreamableHttp::new(Arc::clone(self.host()), Arc::clone(self.peer()?)))
    }

    fn open_legacy_sse(&self, call: &Call) -> Result<Arc<dyn Transport>> {
        Ok(LegacySse::open(self.host(), self.peer()?, call)?)
    }

    fn start_process(&self, call: &Call) -> Result<Arc<dyn Transport>> {
        let program = self.settings.program().ok_or_else(|| Error::new(MCP_INTERNAL, "there is nothing to start"))?;
        Ok(Stdio::start(self.host(), &program, call)?)
    }

    /// What the `_meta` of every request holds on a modern server.
    fn modern_meta(&self, version: &str, tasks: bool) -> String {
        let abilities = capabilities(Era::Modern, Abilities { tasks, ..self.settings.abilities() });
        modern_meta(version, &self.settings.client_info(), &abilities)
    }

    /// The handshake of the legacy versions.
    fn initialize(
        &self,
        call: &Call,
        pinned: Option<&'static str>,
        era_is_certain: bool,
        transport: Arc<dyn Transport>,
    ) -> Result<Session> {
        let mut version = pinned.unwrap_or(LEGACY[0]);
        let mut retried = false;
        let answer = loop {
            let abilities = capabilities(Era::Legacy, self.settings.abilities());
            let params = initialize_params(version, &self.settings.client_info(), abilities);
            let ask = Ask::new("initialize", &params, Rules::PROBE);
            let answer = self.ask(call, &*transport, &Speaking::opening(), &ask);
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
        let version = initialized_version(&answer.answered.result, pinned)?;
        transport.bind(version);
        let session = Session {
            era: Era::Legacy,
            version,
            id: answer.session_id,
            transport,
            meta: String::new(),
            task_meta: String::new(),
            has_core_tasks: has_core_tasks(version, &answer.answered.result),
            answer: Some(answer.answered.result),
            era_is_certain,
        };
        if let Err(error) = session.transport.post(call, &session.speaking(), &INITIALIZED.into(), true) {
            // Some servers refuse the notification and serve the session all the same.
            let is_harmless = error.report().http_status != 0
                && !matches!(
                    error.status(),
                    MCP_UNAUTHORIZED | MCP_FORBIDDEN | MCP_AUTH_FAILED | MCP_PROXY_AUTH_REQUIRED
                );
            if !is_harmless {
                session.transport.abandon_session(&session.speaking());
                return Err(error);
            }
            call.remark(Level::Warning, || format!("the server refused notifications/initialized: {error}"));
        }
        self.restore(call, &session);
        if self.settings.abilities().any() || self.server_log.has_hook() {
            session.open_server_stream(call, false)?;
        }
        Ok(session)
    }

    /// Tells a new session what the one before it was told.
    fn restore(&self, call: &Call, session: &Session) {
        let level = self.server_log.level().map(logging_level);
        let uris = self.known.changes.uris();
        let watched = uris.iter().map(|uri| subscribe("resources/subscribe", uri));
        for operation in level.into_iter().chain(watched) {
            let method = operation.method.name(Era::Legacy);
            let ask = Ask::new(method, &operation.params, Rules::REPEATABLE);
            if let Err(error) = self.ask(call, &*session.transport, &session.speaking(), &ask) {
                call.remark(Level::Warning, || format!("the new session does not take {method}: {error}"));
            }
        }
    }
}

/// How `initialize` is refused by servers of before Streamable HTTP (2025-11-25, "Transports": Backwards Compatibility).
fn tells_older_server(error: &Error) -> bool {
    let report = error.report();
    matches!(report.http_status, 400 | 404 | 405) && !is_modern_error(error)
}

/// A GET that is refused for what it is says more than a POST that is not allowed there.
fn more_telling(of_get: Error, of_post: Error) -> Error {
    let (get, post) = (of_get.report().http_status, of_post.report().http_status);
    let is_refusal = of_get.status() == MCP_HTTP_ERROR && !matches!(get, 0 | 404 | 405);
    if is_refusal && matches!(post, 404 | 405) { of_get } else { of_post }
}

/// A stream was opened, and nothing came on it.
fn is_silence(error: &Error) -> bool {
    error.status() == MCP_TIMEOUT
}

/// What a GET is answered with where no HTTP+SSE server is.
fn is_no_stream(error: &Error) -> bool {
    match error.status() {
        MCP_UNEXPECTED_CONTENT | MCP_NOT_FOUND | MCP_HTTP_ERROR => true,
        MCP_RPC_ERROR | MCP_SESSION_LOST => (400..500).contains(&error.report().http_status),
        _ => false,
    }
}

/// Says something of this caller or of this moment, and nothing of what the server is.
fn is_about_caller(error: &Error) -> bool {
    matches!(
        error.status(),
        MCP_UNAUTHORIZED
            | MCP_FORBIDDEN
            | MCP_AUTH_FAILED
            | MCP_INSECURE
            | MCP_PROXY_AUTH_REQUIRED
            | MCP_RATE_LIMITED
            | MCP_REDIRECT_REFUSED
    )
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
