//! Negotiating the era and the protocol version, and the legacy handshake (2026-07-28, "Versioning": Backward
//! Compatibility; 2025-11-25, "Lifecycle": Initialization).

use std::sync::Arc;
use std::time::Duration;

use super::state::{DiscoveredServer, Session, has_core_tasks};
use super::tried_credentials::TriedCredentials;
use super::version_errors::{no_common_version, pinned_version_unsupported};
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
    ClientCapabilities, ClientInfo, Extension, INITIALIZED, capabilities, initialize_params, modern_meta,
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

/// HTTP 421: the server rejects the host of the URL, in every request.
const MISDIRECTED: u16 = 421;

/// The client's options for its sessions.
pub struct SessionOptions<'a> {
    /// The only version that may be negotiated.
    pub pinned: Option<(&'static str, Era)>,
    pub client_info: ClientInfo,
    pub client_capabilities: ClientCapabilities,
    pub extensions: Vec<Extension>,
    /// Whether to open the server event stream after the handshake, because the application handles messages that
    /// belong to no request.
    pub needs_server_stream: &'a dyn Fn() -> bool,
}

/// Returns the requests that restore the state of the last session in a new one.
pub type RestoreRequests<'a> = dyn Fn() -> Vec<(&'static str, Params<'static>)> + 'a;

/// Negotiates sessions for one client.
pub struct Negotiator<'a> {
    pub transport_context: &'a TransportContext,
    pub connector: &'a dyn Connector,
    pub tried_credentials: &'a TriedCredentials,
    pub options: SessionOptions<'a>,
    pub restore_requests: &'a RestoreRequests<'a>,
}

/// The outcome of a probe with `server/discover`.
enum ProbeOutcome {
    Modern(Session),
    /// A response that no modern server sends; `error` if it was an error. `era_is_certain` is false if the response
    /// may have a temporary reason.
    Legacy {
        error: Option<Error>,
        era_is_certain: bool,
    },
    /// An error that says nothing about the era. `timed_out`: there was no response within the probe's limit.
    Failed {
        error: Error,
        timed_out: bool,
    },
}

impl Negotiator<'_> {
    /// Opens a session; `discovered` is the server's era and transport in the last session.
    pub fn open(&self, call: &CallContext, discovered: Option<DiscoveredServer>) -> Result<Session> {
        let session = match *self
            .connector
            .candidates(discovered.map(|discovered| discovered.transport_kind), self.pinned_modern().is_some())
        {
            [first, second] if first.supports_modern() => self.negotiate_newer_first(call, first, second, discovered),
            [first, second] => self.negotiate_older_first(call, first, second),
            [only] => self.negotiate(call, only, discovered),
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

    /// Tries the older transport first, and the newer one if its event stream cannot be opened.
    fn negotiate_older_first(&self, call: &CallContext, older: TransportKind, newer: TransportKind) -> Result<Session> {
        // A server that was found by a fallback may have been replaced by one with the newer transport. It opens an
        // event stream, too, but never sends `endpoint`: limit the time.
        let limited =
            if self.connector.address_indicates(older) { call.clone() } else { call.within(call.fallback_limit()) };
        let error = match self.connector.connect(&limited, older) {
            Ok(transport) => return self.initialize(call, self.pinned(), true, transport),
            Err(error) => error,
        };
        let has_ended = error.status() == MCP_TIMEOUT && call.wait_context().check().is_err();
        if disposition(&error, FailedStep::FirstStream) != Disposition::OtherTransport || has_ended {
            return Err(error);
        }
        call.log(LogLevel::Debug, || {
            format!("no event stream of {} ({error}); trying {}", older.display_name(), newer.display_name())
        });
        self.negotiate(call, newer, None).map_err(|later| more_informative(error, later))
    }

    /// Tries the newer transport first, and the older one if the server refuses `initialize` as servers of the older
    /// one do.
    fn negotiate_newer_first(
        &self,
        call: &CallContext,
        newer: TransportKind,
        older: TransportKind,
        discovered: Option<DiscoveredServer>,
    ) -> Result<Session> {
        let error = match self.negotiate(call, newer, discovered) {
            Ok(session) => return Ok(session),
            Err(error) => error,
        };
        if disposition(&error, FailedStep::FirstHandshake) != Disposition::OtherTransport {
            return Err(error);
        }
        call.log(LogLevel::Debug, || format!("initialize was not accepted ({error}); trying {}", older.display_name()));
        // A server of the newer transport may open an event stream, too, but never sends `endpoint`: limit the time.
        self.negotiate(&call.within(call.fallback_limit()), older, None).map_err(|later| {
            // An error about this caller, or about a temporary state, is more informative than the first refusal.
            let is_more_informative = is_about_caller(&later)
                || call.wait_context().check().is_err()
                || later.report().http_status == MISDIRECTED;
            if is_more_informative { later } else { error }
        })
    }

    /// Negotiates over one transport.
    fn negotiate(
        &self,
        call: &CallContext,
        transport_kind: TransportKind,
        discovered: Option<DiscoveredServer>,
    ) -> Result<Session> {
        if !transport_kind.supports_modern()
            && let Some(version) = self.pinned_modern()
        {
            let why = format!(
                "protocol version {version} is not supported over {}; pin an older one, or none",
                transport_kind.display_name()
            );
            return Err(Error::new(MCP_VERSION_UNSUPPORTED, why));
        }
        let transport = self.connector.connect(call, transport_kind)?;
        match (self.options.pinned, discovered.map(|discovered| discovered.era)) {
            (Some((version, Era::Legacy)), _) => self.initialize(call, Some(version), true, transport),
            (None, _) if !transport_kind.supports_modern() => self.initialize(call, None, true, transport),
            (None, Some(Era::Legacy)) if transport_kind.may_exit_at_probe() => {
                self.initialize(call, None, true, transport)
            }
            (None, Some(Era::Legacy)) => self.initialize_known_legacy(call, transport),
            (Some((version, Era::Modern)), _) => self.probe_pinned_version(call, transport, version),
            (None, None | Some(Era::Modern)) if transport_kind.may_exit_at_probe() => {
                self.probe_process(call, transport)
            }
            (None, None | Some(Era::Modern)) => self.probe_server(call, transport, Some(call.fallback_limit())),
        }
    }

    /// Probes for a pinned modern version. There is no fallback, so the probe may use the whole timeout.
    fn probe_pinned_version(
        &self,
        call: &CallContext,
        transport: Arc<dyn Transport>,
        version: &'static str,
    ) -> Result<Session> {
        let may_exit = transport.transport_kind().may_exit_at_probe();
        // Errors that are returned unchanged. Others mean that the server does not support the version.
        let is_reported = |error: &Error| match error.status() {
            MCP_CANCELLED | MCP_CLOSED | MCP_PROCESS_FAILED => true,
            MCP_SERVER_ERROR => !may_exit,
            _ => false,
        };
        match self.probe(call, None, transport, version)? {
            ProbeOutcome::Modern(session) => Ok(session),
            ProbeOutcome::Legacy { error: Some(error), .. } if is_reported(&error) => Err(error),
            ProbeOutcome::Legacy { error, .. } => {
                Err(pinned_version_unsupported(version, error.or_else(|| may_exit.then(no_versions))))
            }
            ProbeOutcome::Failed { error, .. } if may_exit && !is_reported(&error) => {
                Err(pinned_version_unsupported(version, Some(error)))
            }
            ProbeOutcome::Failed { error, .. } => Err(error),
        }
    }

    /// Probes a server process, and falls back to `initialize`. The process may exit at a request before `initialize`
    /// (2026-07-28, "stdio": Backward Compatibility): then it is restarted.
    fn probe_process(&self, call: &CallContext, transport: Arc<dyn Transport>) -> Result<Session> {
        let error = match self.probe(call, Some(call.fallback_limit()), Arc::clone(&transport), MODERN[0])? {
            ProbeOutcome::Modern(session) => return Ok(session),
            ProbeOutcome::Legacy { error, .. } => error.unwrap_or_else(no_versions),
            ProbeOutcome::Failed { error, .. } => error,
        };
        // If the call has ended, return an error that applies to this call only: one of the waiting calls continues.
        if let Err(interrupt) = call.wait_context().check() {
            return Err(if is_of_this_call(&error) {
                error
            } else {
                call.interrupt_error_while(&interrupt, "before initialize")
            });
        }
        call.log(LogLevel::Debug, || {
            format!("server/discover returned no modern response ({error}); trying initialize")
        });
        match error.status() {
            MCP_TIMEOUT => self.initialize_after_process_timeout(call, transport),
            MCP_PROCESS_FAILED => {
                let restarted = self.connector.connect(call, transport.transport_kind())?;
                self.initialize(call, None, true, restarted)
            }
            _ => self.initialize(call, None, true, transport),
        }
    }

    /// Tries `initialize` after a process did not respond to `server/discover` in time. A modern server that was only
    /// slow to start refuses it: then `server/discover` is sent once more, and gets a response soon. Without one, the
    /// refusal is reported.
    fn initialize_after_process_timeout(&self, call: &CallContext, transport: Arc<dyn Transport>) -> Result<Session> {
        let refusal = match self.initialize(call, None, false, Arc::clone(&transport)) {
            Err(error) if error.status() == MCP_RPC_ERROR => error,
            outcome => return outcome,
        };
        let outcome = self.discover_first(&call.within(call.fallback_limit()), &*transport, MODERN[0]);
        match (judge_probe(outcome.as_ref()), outcome) {
            (ProbeVerdict::Modern(chosen), outcome) => Ok(self.modern_session(chosen, outcome.ok(), transport)),
            (_, Err(error)) if matches!(error.status(), MCP_CANCELLED | MCP_CLOSED) => Err(error),
            _ => Err(refusal),
        }
    }

    /// Probes a server with `server/discover`, for at most `fallback_limit`, and falls back to `initialize`.
    fn probe_server(
        &self,
        call: &CallContext,
        transport: Arc<dyn Transport>,
        fallback_limit: Option<Duration>,
    ) -> Result<Session> {
        let (error, timed_out) = match self.probe(call, fallback_limit, Arc::clone(&transport), MODERN[0])? {
            ProbeOutcome::Modern(session) => return Ok(session),
            ProbeOutcome::Legacy { error, era_is_certain } => {
                return self.initialize_after_probe(call, transport, error, era_is_certain);
            }
            ProbeOutcome::Failed { error, timed_out } => (error, timed_out),
        };
        if self.may_initialize_despite_refusal(call, &error) {
            return self.initialize_despite_refusal(call, transport, error);
        }
        if fallback_limit.is_none() || !timed_out || call.wait_context().check().is_err() {
            return Err(error);
        }
        call.log(LogLevel::Debug, || format!("server/discover returned no response ({error}); trying initialize"));
        self.initialize_after_timeout(call, transport)
    }

    /// Begins with `initialize`, because the last session was legacy. The server may have been replaced by a modern one
    /// since.
    fn initialize_known_legacy(&self, call: &CallContext, transport: Arc<dyn Transport>) -> Result<Session> {
        match self.initialize(call, None, true, Arc::clone(&transport)) {
            Err(error) if disposition(&error, FailedStep::LegacyHandshake) == Disposition::NewVersion => {
                self.probe_server(call, transport, Some(call.fallback_limit()))
            }
            session => session,
        }
    }

    /// Tries `initialize` after there was no response to `server/discover` in time. A modern server that was only slow
    /// refuses it with a modern error: then `server/discover` is sent once more, with all the time that is left.
    fn initialize_after_timeout(&self, call: &CallContext, transport: Arc<dyn Transport>) -> Result<Session> {
        let session = match self.initialize(call, None, false, Arc::clone(&transport)) {
            Err(error) if is_modern_error(&error) => self.probe_server(call, transport, None),
            session => session,
        };
        session.map_err(|mut error| {
            // The fallback depended on this call's timeout: waiting calls must not return its error.
            error.report_mut().of_this_call = true;
            error
        })
    }

    /// Tries `initialize` after a response to `server/discover` that no modern server sends. If both requests fail with
    /// a server error, the first one is reported: the second is only about the fallback.
    fn initialize_after_probe(
        &self,
        call: &CallContext,
        transport: Arc<dyn Transport>,
        probe_error: Option<Error>,
        era_is_certain: bool,
    ) -> Result<Session> {
        let reason = probe_error.as_ref().map_or_else(String::new, |error| format!(" ({error})"));
        call.log(LogLevel::Debug, || format!("server/discover returned no modern response{reason}; trying initialize"));
        self.initialize(call, None, era_is_certain, transport).map_err(|error| match probe_error {
            Some(first) if error.status() == MCP_SERVER_ERROR && first.status() == MCP_SERVER_ERROR => first,
            _ => error,
        })
    }

    /// Whether `initialize` may be tried although the probe was refused with 401 or 403: some gateways authorize each
    /// method separately, and do not know `server/discover`. Not if the challenge has an `error`, which rejects the
    /// credentials, and only once with the same credentials.
    fn may_initialize_despite_refusal(&self, call: &CallContext, error: &Error) -> bool {
        if !matches!(error.status(), MCP_UNAUTHORIZED | MCP_FORBIDDEN) {
            return false;
        }
        if !call.has_sent_credentials().0 {
            return self.transport_context.calls.authorizer.source().is_none();
        }
        let rejects_credentials =
            error.report().www_authenticate.as_deref().is_some_and(|text| parameter(text, "error").is_some());
        !rejects_credentials && self.tried_credentials.record_first(&call.credentials())
    }

    /// Tries `initialize` with the credentials with which the probe was refused.
    fn initialize_despite_refusal(
        &self,
        call: &CallContext,
        transport: Arc<dyn Transport>,
        refusal: Error,
    ) -> Result<Session> {
        call.log(LogLevel::Debug, || format!("server/discover was refused ({refusal}); trying initialize"));
        // The era counts as certain: the next handshake begins with `initialize`.
        self.initialize(&call.clone().without_auth_callback(), None, true, transport).map_err(|error| {
            // Report why the call ended; any other error is less informative than the first refusal.
            if is_of_this_call(&error) { error } else { refusal }
        })
    }

    /// Sends `server/discover`, with at most `fallback_limit` for each request: first with the version `first`, and
    /// once more with another one if the server requires it.
    fn probe(
        &self,
        call: &CallContext,
        fallback_limit: Option<Duration>,
        transport: Arc<dyn Transport>,
        first: &'static str,
    ) -> Result<ProbeOutcome> {
        let (mut version, mut retried) = (first, false);
        loop {
            let limited = fallback_limit.map_or_else(|| call.clone(), |limit| call.within(limit));
            let outcome = self.discover_first(&limited, &*transport, version);
            match judge_probe(outcome.as_ref()) {
                ProbeVerdict::Modern(chosen) => {
                    return Ok(ProbeOutcome::Modern(self.modern_session(chosen, outcome.ok(), transport)));
                }
                ProbeVerdict::Retry(chosen) if !retried => (version, retried) = (chosen, true),
                ProbeVerdict::Retry(_) => return Err(no_common_version(&[version.to_owned()], outcome.err())),
                ProbeVerdict::NoCommonVersion(theirs) => return Err(no_common_version(&theirs, outcome.err())),
                ProbeVerdict::Legacy { era_is_certain } => {
                    return Ok(ProbeOutcome::Legacy { error: outcome.err(), era_is_certain });
                }
                ProbeVerdict::Inconclusive => {
                    let error = outcome.err().unwrap_or_else(no_versions);
                    // The caller's idle limit is also reported as a timeout, but it ends the call: no fallback then.
                    let timed_out = error.status() == MCP_TIMEOUT && limited.wait_context().check().is_err();
                    return Ok(ProbeOutcome::Failed { error, timed_out });
                }
            }
        }
    }

    /// Sends `server/discover` for a handshake.
    fn discover_first(&self, call: &CallContext, transport: &dyn Transport, version: &'static str) -> Result<Json> {
        let meta = self.modern_meta(version, false);
        discover(self.transport_context, call, transport, &PeerContext::modern(version), &meta)
    }

    fn modern_session(
        &self,
        version: &'static str,
        discover_result: Option<Json>,
        transport: Arc<dyn Transport>,
    ) -> Session {
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
            handshake_result: discover_result,
            era_is_certain: true,
        }
    }

    /// The members that `_meta` has in every request to a modern server; with `tasks`, also the tasks extension.
    fn modern_meta(&self, version: &str, tasks: bool) -> String {
        let declared = ClientCapabilities { tasks, ..self.options.client_capabilities };
        let client_capabilities = capabilities(Era::Modern, declared, &self.options.extensions);
        modern_meta(version, &self.options.client_info, &client_capabilities)
    }

    /// The legacy handshake: `initialize` and `notifications/initialized`. Retries `initialize` once with another
    /// version if the server requires it.
    fn initialize(
        &self,
        call: &CallContext,
        pinned: Option<&'static str>,
        era_is_certain: bool,
        transport: Arc<dyn Transport>,
    ) -> Result<Session> {
        let mut version = pinned.unwrap_or(LEGACY[0]);
        let mut retried = false;
        let response = loop {
            let declared = self.options.client_capabilities;
            let client_capabilities = capabilities(Era::Legacy, declared, &self.options.extensions);
            let params = initialize_params(version, &self.options.client_info, client_capabilities);
            let request = EncodedRequest::new("initialize", &params, RequestPolicy::PROBE);
            let response = self.send(call, &*transport, &PeerContext::for_initialize(), &request);
            let other = response.as_ref().err().and_then(|error| retry_initialize(error, version));
            match other {
                Some(other) if pinned.is_none() && !retried => (version, retried) = (other, true),
                _ => break response,
            }
        };
        let response = response.map_err(|error| match pinned {
            Some(pinned) if refuses_version(&error) => pinned_version_unsupported(pinned, Some(error)),
            _ => error,
        })?;
        let version = initialized_version(&response.response.result, pinned)?;
        transport.bind(version);
        let session = Session {
            era: Era::Legacy,
            version,
            id: response.session_id,
            transport,
            meta: String::new(),
            task_meta: String::new(),
            has_core_tasks: has_core_tasks(version, &response.response.result),
            handshake_result: Some(response.response.result),
            era_is_certain,
        };
        self.finish_handshake(call, &session)?;
        Ok(session)
    }

    /// Sends `notifications/initialized`, restores the state of the last session, and opens the server event stream if
    /// it is needed.
    fn finish_handshake(&self, call: &CallContext, session: &Session) -> Result<()> {
        if let Err(error) = session.transport.post(call, &session.peer_context(), &INITIALIZED.into(), true) {
            if !is_harmless_for_session(&error) {
                session.transport.terminate_session_best_effort(&session.peer_context());
                return Err(error);
            }
            call.log(LogLevel::Warning, || format!("the server refused notifications/initialized: {error}"));
        }
        for (method, params) in (self.restore_requests)() {
            let request = EncodedRequest::new(method, &params, RequestPolicy::REPEATABLE);
            if let Err(error) = self.send(call, &*session.transport, &session.peer_context(), &request) {
                call.log(LogLevel::Warning, || format!("the new session did not accept {method}: {error}"));
            }
        }
        if (self.options.needs_server_stream)() {
            session.open_server_stream(call, false)?;
        }
        Ok(())
    }

    fn send(
        &self,
        call: &CallContext,
        transport: &dyn Transport,
        peer_context: &PeerContext,
        request: &EncodedRequest,
    ) -> Result<TransportResponse> {
        send_request(self.transport_context, transport, call, peer_context, request)
            .map_err(|send_error| send_error.error)
    }

    fn pinned(&self) -> Option<&'static str> {
        self.options.pinned.map(|(version, _)| version)
    }

    fn pinned_modern(&self) -> Option<&'static str> {
        self.options.pinned.filter(|(_, era)| *era == Era::Modern).map(|(version, _)| version)
    }
}

/// Sends `server/discover`.
pub fn discover(
    transport_context: &TransportContext,
    call: &CallContext,
    transport: &dyn Transport,
    peer_context: &PeerContext,
    meta: &str,
) -> Result<Json> {
    let mut params = Params::new();
    params.share_meta(meta);
    let request = EncodedRequest::new("server/discover", &params, RequestPolicy::PROBE);
    let response = send_request(transport_context, transport, call, peer_context, &request)
        .map_err(|send_error| send_error.error)?;
    Ok(response.response.result)
}

fn no_versions() -> Error {
    Error::new(MCP_INVALID_MESSAGE, "server/discover returned no list of versions")
}
