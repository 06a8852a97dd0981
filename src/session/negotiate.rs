//! Finding out the server's era and version, and opening a legacy session (specification 2026-07-28, "Versioning":
//! Backward Compatibility; 2025-11-25, "Lifecycle": Initialization).

use std::sync::Arc;
use std::time::Duration;

use super::state::{DiscoveredServer, Session, has_core_tasks};
use super::tried_credentials::TriedCredentials;
use super::version_errors::{not_spoken, nothing_shared};
use crate::call::context::CallContext;
use crate::call::request::{EncodedRequest, PeerContext, RequestPolicy};
use crate::call::retry::{
    Disposition, FailedStep, disposition, is_about_caller, is_harmless_for_session, is_of_this_call, more_informative,
};
use crate::error::{Error, Result};
use crate::log::LogLevel;
use crate::protocol::challenge::parameter;
use crate::protocol::json::Json;
use crate::protocol::messages::{
    ClientCapabilities, ClientInfo, INITIALIZED, capabilities, initialize_params, modern_meta,
};
use crate::protocol::negotiation::{
    ProbeVerdict, initialized_version, is_modern_error, judge_probe, refuses_version, retry_initialize,
};
use crate::protocol::params::Params;
use crate::protocol::version::{Era, LEGACY, MODERN};
use crate::rpc::send_request::send_request;
use crate::status::*;
use crate::transport::context::TransportContext;
use crate::transport::interface::{Connector, Transport, TransportKind, TransportResponse};

/// A server that does not accept the host of the URL says so to every request.
const MISDIRECTED: u16 = 421;

/// What the program wants of its sessions.
pub struct SessionOptions<'a> {
    /// The version that has to be spoken.
    pub pinned: Option<(&'static str, Era)>,
    pub client_info: ClientInfo,
    pub client_capabilities: ClientCapabilities,
    /// Whether the program receives what belongs to no call.
    pub server_stream: &'a dyn Fn() -> bool,
}

/// Requests that tell a new session what the one before it was told.
pub type RestoreRequests<'a> = dyn Fn() -> Vec<(&'static str, Params<'static>)> + 'a;

/// Opens sessions for one client.
pub struct Negotiator<'a> {
    pub host: &'a TransportContext,
    pub connector: &'a dyn Connector,
    pub passed: &'a TriedCredentials,
    pub wanted: SessionOptions<'a>,
    pub restored: &'a RestoreRequests<'a>,
}

/// How a probe ended that found no modern server.
enum ProbeOutcome {
    Modern(Session),
    /// An answer that is not a modern one; `keep` says whether it may be relied on the next time.
    Legacy {
        answer: Option<Error>,
        keep: bool,
    },
    /// It says nothing of the era; `in_vain` says whether the probe's own time was over.
    Failed {
        error: Error,
        in_vain: bool,
    },
}

impl Negotiator<'_> {
    /// A session with the server; `found` is what it was found to be before.
    pub fn open(&self, call: &CallContext, found: Option<DiscoveredServer>) -> Result<Session> {
        let session =
            match *self.connector.candidates(found.map(|found| found.transport_kind), self.pinned_modern().is_some()) {
                [first, second] if first.speaks_modern() => self.negotiate_newer(call, first, second, found),
                [first, second] => self.negotiate_older(call, first, second),
                [only] => self.negotiate(call, only, found),
                _ => Err(Error::new(MCP_INTERNAL, "there is no transport to the server")),
            }?;
        call.log(LogLevel::Info, || {
            format!(
                "the server speaks protocol version {} ({}) on {}",
                session.version,
                session.era.name(),
                session.transport.transport_kind().display_name()
            )
        });
        Ok(session)
    }

    /// Tries the older transport first, until its stream cannot be opened.
    fn negotiate_older(&self, call: &CallContext, older: TransportKind, newer: TransportKind) -> Result<Session> {
        // What was found by a fall-back may have become a server of the newer one, which opens an event stream as well.
        let opening =
            if self.connector.address_indicates(older) { call.clone() } else { call.within(call.fallback_limit()) };
        let error = match self.connector.connect(&opening, older) {
            Ok(server) => return self.initialize(call, self.pinned(), true, server),
            Err(error) => error,
        };
        let is_over = error.status() == MCP_TIMEOUT && call.wait_context().check().is_err();
        if disposition(&error, FailedStep::FirstStream) != Disposition::OtherTransport || is_over {
            return Err(error);
        }
        call.log(LogLevel::Debug, || {
            format!("no event stream of {} ({error}); trying {}", older.display_name(), newer.display_name())
        });
        self.negotiate(call, newer, None).map_err(|later| more_informative(error, later))
    }

    /// Tries the newer transport first, until `initialize` is refused in the way that tells older servers.
    fn negotiate_newer(
        &self,
        call: &CallContext,
        newer: TransportKind,
        older: TransportKind,
        found: Option<DiscoveredServer>,
    ) -> Result<Session> {
        let error = match self.negotiate(call, newer, found) {
            Ok(session) => return Ok(session),
            Err(error) => error,
        };
        if disposition(&error, FailedStep::FirstHandshake) != Disposition::OtherTransport {
            return Err(error);
        }
        call.log(LogLevel::Debug, || format!("initialize was not accepted ({error}); trying {}", older.display_name()));
        // A server of the newer transport may open an event stream, too, and never name an endpoint.
        self.negotiate(&call.within(call.fallback_limit()), older, None).map_err(|later| {
            // What says something of this caller, or of this moment, says more than the first refusal.
            let says_more = is_about_caller(&later)
                || call.wait_context().check().is_err()
                || later.report().http_status == MISDIRECTED;
            if says_more { later } else { error }
        })
    }

    /// Negotiates over one transport.
    fn negotiate(
        &self,
        call: &CallContext,
        transport_kind: TransportKind,
        found: Option<DiscoveredServer>,
    ) -> Result<Session> {
        if !transport_kind.speaks_modern()
            && let Some(version) = self.pinned_modern()
        {
            let why = format!(
                "protocol version {version} is not supported over {}; pin an older one, or none",
                transport_kind.display_name()
            );
            return Err(Error::new(MCP_VERSION_UNSUPPORTED, why));
        }
        let server = self.connector.connect(call, transport_kind)?;
        match (self.wanted.pinned, found.map(|found| found.era)) {
            (Some((version, Era::Legacy)), _) => self.initialize(call, Some(version), true, server),
            (None, _) if !transport_kind.speaks_modern() => self.initialize(call, None, true, server),
            (None, Some(Era::Legacy)) if transport_kind.may_end_by_probe() => self.initialize(call, None, true, server),
            (None, Some(Era::Legacy)) => self.initialize_again(call, server),
            (Some((version, Era::Modern)), _) => self.insist(call, server, version),
            (None, None | Some(Era::Modern)) if transport_kind.may_end_by_probe() => self.probe_process(call, server),
            (None, None | Some(Era::Modern)) => self.probe_server(call, server, Some(call.fallback_limit())),
        }
    }

    /// A modern version is pinned: who pins it wants no second try, so the first one has all the time.
    fn insist(&self, call: &CallContext, server: Arc<dyn Transport>, version: &'static str) -> Result<Session> {
        let may_end = server.transport_kind().may_end_by_probe();
        let is_spoken = |error: &Error| match error.status() {
            MCP_CANCELLED | MCP_CLOSED | MCP_PROCESS_FAILED => true,
            MCP_SERVER_ERROR => !may_end,
            _ => false,
        };
        match self.probe(call, None, server, version)? {
            ProbeOutcome::Modern(session) => Ok(session),
            ProbeOutcome::Legacy { answer: Some(error), .. } if is_spoken(&error) => Err(error),
            ProbeOutcome::Legacy { answer, .. } => {
                Err(not_spoken(version, answer.or_else(|| may_end.then(no_versions))))
            }
            ProbeOutcome::Failed { error, .. } if may_end && !is_spoken(&error) => {
                Err(not_spoken(version, Some(error)))
            }
            ProbeOutcome::Failed { error, .. } => Err(error),
        }
    }

    /// A server that may end at a request before `initialize` (2026-07-28, "stdio": Backward Compatibility): it is started again.
    fn probe_process(&self, call: &CallContext, server: Arc<dyn Transport>) -> Result<Session> {
        let error = match self.probe(call, Some(call.fallback_limit()), Arc::clone(&server), MODERN[0])? {
            ProbeOutcome::Modern(session) => return Ok(session),
            ProbeOutcome::Legacy { answer, .. } => answer.unwrap_or_else(no_versions),
            ProbeOutcome::Failed { error, .. } => error,
        };
        // Whoever ends the call now wants to read that; and nobody else is to read what the server said to the first question.
        if let Err(stop) = call.wait_context().check() {
            return Err(if is_of_this_call(&error) { error } else { call.stopped_while(&stop, "before initialize") });
        }
        call.log(LogLevel::Debug, || {
            format!("server/discover returned no modern response ({error}); trying initialize")
        });
        match error.status() {
            MCP_TIMEOUT => self.initialize_slow_process(call, server),
            MCP_PROCESS_FAILED => {
                let again = self.connector.connect(call, server.transport_kind())?;
                self.initialize(call, None, true, again)
            }
            _ => self.initialize(call, None, true, server),
        }
    }

    /// After a silent `server/discover`. A modern server that was only slow to start refuses `initialize`, and is asked once more. It
    /// runs now, and answers soon; another one may keep silent again, and its refusal counts.
    fn initialize_slow_process(&self, call: &CallContext, server: Arc<dyn Transport>) -> Result<Session> {
        let refusal = match self.initialize(call, None, false, Arc::clone(&server)) {
            Err(error) if error.status() == MCP_RPC_ERROR => error,
            outcome => return outcome,
        };
        let outcome = self.discover_first(&call.within(call.fallback_limit()), &*server, MODERN[0]);
        match (judge_probe(outcome.as_ref()), outcome) {
            (ProbeVerdict::Modern(chosen), outcome) => Ok(self.modern_session(chosen, outcome.ok(), server)),
            (_, Err(error)) if matches!(error.status(), MCP_CANCELLED | MCP_CLOSED) => Err(error),
            _ => Err(refusal),
        }
    }

    /// Asks with `server/discover`, for as long as `fallback_limit` says, and falls back to `initialize`.
    fn probe_server(
        &self,
        call: &CallContext,
        server: Arc<dyn Transport>,
        fallback_limit: Option<Duration>,
    ) -> Result<Session> {
        let (error, in_vain) = match self.probe(call, fallback_limit, Arc::clone(&server), MODERN[0])? {
            ProbeOutcome::Modern(session) => return Ok(session),
            ProbeOutcome::Legacy { answer, keep } => return self.initialize_after(call, server, answer, keep),
            ProbeOutcome::Failed { error, in_vain } => (error, in_vain),
        };
        if self.may_pass_refusal(call, &error) {
            return self.initialize_past_refusal(call, server, error);
        }
        if fallback_limit.is_none() || !in_vain || call.wait_context().check().is_err() {
            return Err(error);
        }
        call.log(LogLevel::Debug, || format!("server/discover returned no response ({error}); trying initialize"));
        self.initialize_after_silence(call, server)
    }

    /// For a server that was legacy when it was last asked; it may have become another one since.
    fn initialize_again(&self, call: &CallContext, server: Arc<dyn Transport>) -> Result<Session> {
        match self.initialize(call, None, true, Arc::clone(&server)) {
            Err(error) if disposition(&error, FailedStep::LegacyHandshake) == Disposition::NewVersion => {
                self.probe_server(call, server, Some(call.fallback_limit()))
            }
            session => session,
        }
    }

    /// After a silent `server/discover`. A modern server that was only slow says so to `initialize`, and is asked once more, with all
    /// the time that is left.
    fn initialize_after_silence(&self, call: &CallContext, server: Arc<dyn Transport>) -> Result<Session> {
        let session = match self.initialize(call, None, false, Arc::clone(&server)) {
            Err(error) if is_modern_error(&error) => self.probe_server(call, server, None),
            session => session,
        };
        session.map_err(|mut error| {
            // With more time, another call would not have come here.
            error.report_mut().of_this_call = true;
            error
        })
    }

    /// After an answer to `server/discover` that is not a modern one. Where the server fails at `initialize` as well, what it said to
    /// the first request is reported: it knows neither, and the first answer is not about a fallback.
    fn initialize_after(
        &self,
        call: &CallContext,
        server: Arc<dyn Transport>,
        probe: Option<Error>,
        keep: bool,
    ) -> Result<Session> {
        let said = probe.as_ref().map_or_else(String::new, |error| format!(" ({error})"));
        call.log(LogLevel::Debug, || format!("server/discover returned no modern response{said}; trying initialize"));
        self.initialize(call, None, keep, server).map_err(|error| match probe {
            Some(probe) if error.status() == MCP_SERVER_ERROR && probe.status() == MCP_SERVER_ERROR => probe,
            _ => error,
        })
    }

    /// Whether `initialize` may be tried although the probe was refused with 401 or 403: some gateways authorise by method, and know
    /// no `server/discover`. Not where the refusal judges the credentials, and once for the same ones.
    fn may_pass_refusal(&self, call: &CallContext, error: &Error) -> bool {
        if !matches!(error.status(), MCP_UNAUTHORIZED | MCP_FORBIDDEN) {
            return false;
        }
        if !call.has_sent_credentials().0 {
            return self.host.calls.authorizer.custom_auth.current().is_none();
        }
        let judges = error.report().www_authenticate.as_deref().is_some_and(|text| parameter(text, "error").is_some());
        !judges && self.passed.is_first(&call.credentials())
    }

    /// The probe was refused; `initialize` has no better credentials, and may be allowed all the same.
    fn initialize_past_refusal(
        &self,
        call: &CallContext,
        server: Arc<dyn Transport>,
        refusal: Error,
    ) -> Result<Session> {
        call.log(LogLevel::Debug, || format!("server/discover was refused ({refusal}); trying initialize"));
        // The verdict is kept: the next session begins with `initialize`.
        self.initialize(&call.clone().without_auth_callback(), None, true, server).map_err(|error| {
            // Why the call was ended says more than the refusal; another answer does not.
            if is_of_this_call(&error) { error } else { refusal }
        })
    }

    /// Asks with `server/discover`, each time for as long as `fallback_limit` says; with another version, once, where the server wants that.
    fn probe(
        &self,
        call: &CallContext,
        fallback_limit: Option<Duration>,
        server: Arc<dyn Transport>,
        first: &'static str,
    ) -> Result<ProbeOutcome> {
        let (mut version, mut retried) = (first, false);
        loop {
            let probe = fallback_limit.map_or_else(|| call.clone(), |limit| call.within(limit));
            let outcome = self.discover_first(&probe, &*server, version);
            match judge_probe(outcome.as_ref()) {
                ProbeVerdict::Modern(chosen) => {
                    return Ok(ProbeOutcome::Modern(self.modern_session(chosen, outcome.ok(), server)));
                }
                ProbeVerdict::Retry(chosen) if !retried => (version, retried) = (chosen, true),
                ProbeVerdict::Retry(_) => return Err(nothing_shared(&[version.to_owned()], outcome.err())),
                ProbeVerdict::NoCommonVersion(theirs) => return Err(nothing_shared(&theirs, outcome.err())),
                ProbeVerdict::Legacy { keep } => return Ok(ProbeOutcome::Legacy { answer: outcome.err(), keep }),
                ProbeVerdict::Inconclusive => {
                    let error = outcome.err().unwrap_or_else(no_versions);
                    // An idle limit is the caller's own word, and ends the call.
                    let in_vain = error.status() == MCP_TIMEOUT && probe.wait_context().check().is_err();
                    return Ok(ProbeOutcome::Failed { error, in_vain });
                }
            }
        }
    }

    /// One `server/discover`, before there is a session.
    fn discover_first(&self, call: &CallContext, server: &dyn Transport, version: &'static str) -> Result<Json> {
        let meta = self.modern_meta(version, false);
        discover(self.host, call, server, &PeerContext::modern(version), &meta)
    }

    fn modern_session(&self, version: &'static str, answer: Option<Json>, transport: Arc<dyn Transport>) -> Session {
        transport.bind(version);
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

    /// What the `_meta` of every request holds on a modern server.
    fn modern_meta(&self, version: &str, tasks: bool) -> String {
        let client_capabilities =
            capabilities(Era::Modern, ClientCapabilities { tasks, ..self.wanted.client_capabilities });
        modern_meta(version, &self.wanted.client_info, &client_capabilities)
    }

    /// The handshake of the legacy versions.
    fn initialize(
        &self,
        call: &CallContext,
        pinned: Option<&'static str>,
        era_is_certain: bool,
        transport: Arc<dyn Transport>,
    ) -> Result<Session> {
        let mut version = pinned.unwrap_or(LEGACY[0]);
        let mut retried = false;
        let answer = loop {
            let client_capabilities = capabilities(Era::Legacy, self.wanted.client_capabilities);
            let params = initialize_params(version, &self.wanted.client_info, client_capabilities);
            let ask = EncodedRequest::new("initialize", &params, RequestPolicy::PROBE);
            let answer = self.ask(call, &*transport, &PeerContext::opening(), &ask);
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
        let version = initialized_version(&answer.response.result, pinned)?;
        transport.bind(version);
        let session = Session {
            era: Era::Legacy,
            version,
            id: answer.session_id,
            transport,
            meta: String::new(),
            task_meta: String::new(),
            has_core_tasks: has_core_tasks(version, &answer.response.result),
            answer: Some(answer.response.result),
            era_is_certain,
        };
        self.begin(call, &session)?;
        Ok(session)
    }

    /// Tells the server that the session has begun, and what the one before it was told.
    fn begin(&self, call: &CallContext, session: &Session) -> Result<()> {
        if let Err(error) = session.transport.post(call, &session.peer_context(), &INITIALIZED.into(), true) {
            if !is_harmless_for_session(&error) {
                session.transport.terminate_session_best_effort(&session.peer_context());
                return Err(error);
            }
            call.log(LogLevel::Warning, || format!("the server refused notifications/initialized: {error}"));
        }
        for (method, params) in (self.restored)() {
            let ask = EncodedRequest::new(method, &params, RequestPolicy::REPEATABLE);
            if let Err(error) = self.ask(call, &*session.transport, &session.peer_context(), &ask) {
                call.log(LogLevel::Warning, || format!("the new session did not accept {method}: {error}"));
            }
        }
        if (self.wanted.server_stream)() {
            session.open_server_stream(call, false)?;
        }
        Ok(())
    }

    fn ask(
        &self,
        call: &CallContext,
        server: &dyn Transport,
        peer_context: &PeerContext,
        ask: &EncodedRequest,
    ) -> Result<TransportResponse> {
        send_request(self.host, server, call, peer_context, ask).map_err(|send_error| send_error.error)
    }

    fn pinned(&self) -> Option<&'static str> {
        self.wanted.pinned.map(|(version, _)| version)
    }

    fn pinned_modern(&self) -> Option<&'static str> {
        self.wanted.pinned.filter(|(_, era)| *era == Era::Modern).map(|(version, _)| version)
    }
}

/// One `server/discover`.
pub fn discover(
    host: &TransportContext,
    call: &CallContext,
    server: &dyn Transport,
    peer_context: &PeerContext,
    meta: &str,
) -> Result<Json> {
    let mut params = Params::new();
    params.share_meta(meta);
    let ask = EncodedRequest::new("server/discover", &params, RequestPolicy::PROBE);
    let answer = send_request(host, server, call, peer_context, &ask).map_err(|send_error| send_error.error)?;
    Ok(answer.response.result)
}

fn no_versions() -> Error {
    Error::new(MCP_INVALID_MESSAGE, "server/discover returned no list of versions")
}
