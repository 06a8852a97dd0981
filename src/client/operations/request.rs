//! Sending a request in the client's session, with what the era requires: `_meta`, headers and input rounds. A lost
//! session is re-established.

use crate::call::context::CallContext;
use crate::call::request::{EncodedRequest, RequestPolicy};
use crate::call::send_error::SendError;
use crate::client::Client;
use crate::client::cache::CacheContext;
use crate::error::{Error, Result};
use crate::protocol::header_arguments::{HeaderArgument, argument_value};
use crate::protocol::json::Json;
use crate::protocol::jsonrpc::RpcResponse;
use crate::protocol::messages::{self, quoted};
use crate::protocol::params::Params;
use crate::protocol::version::Era;
use crate::rpc::send_request::send_request;
use crate::session::recovery::Recovery;
use crate::session::state::Session;
use crate::status::*;

/// A request, before a session adds `_meta` and headers.
pub struct Request<'a> {
    pub method: MethodName<'a>,
    pub params: Params<'a>,
    /// The value of the `Mcp-Name` header.
    pub name: Option<&'a str>,
    /// The JSON text of a tool's arguments: the tool's schema may require that headers repeat some of them.
    pub arguments: Option<&'a str>,
    pub policy: RequestPolicy,
}

/// A method's name, or a function that returns its name in an era.
#[derive(Clone, Copy)]
pub enum MethodName<'a> {
    Named(&'a str),
    ByEra(fn(Era) -> &'static str),
}

impl<'a> MethodName<'a> {
    pub fn name(self, era: Era) -> &'a str {
        match self {
            MethodName::Named(name) => name,
            MethodName::ByEra(name) => name(era),
        }
    }
}

impl<'a> Request<'a> {
    pub fn new(method: &'a str, params: Params<'a>, policy: RequestPolicy) -> Request<'a> {
        Request { method: MethodName::Named(method), params, name: None, arguments: None, policy }
    }

    /// Sets the value of the `Mcp-Name` header.
    pub fn with_name(self, name: &'a str) -> Request<'a> {
        Request { name: Some(name), ..self }
    }
}

impl Client {
    /// Sends a request, and provides the input that the server requires. Returns the result.
    pub(in crate::client) fn run_request(&self, call: &CallContext, request: Request) -> Result<Json> {
        self.run_request_counting_rounds(call, request).map(|(result, _)| result)
    }

    /// Sends a request, and provides the input that the server requires. Returns the result and the number of input
    /// rounds.
    pub(in crate::client) fn run_request_counting_rounds(
        &self,
        call: &CallContext,
        mut request: Request,
    ) -> Result<(Json, u32)> {
        let response = self.request_with_session_recovery(call, &request)?;
        self.provide_inputs(call, &mut request, response)
    }

    /// Sends a request, and again in a new session or with other headers if that may help.
    pub(in crate::client) fn request_with_session_recovery(
        &self,
        call: &CallContext,
        request: &Request,
    ) -> Result<RpcResponse> {
        let forget_headers = || self.server_state.tools.clear();
        let recovery = Recovery {
            sessions: &self.sessions,
            is_repeatable: request.policy.repeatable,
            forget_headers: request.arguments.is_some().then_some(&forget_headers),
        };
        let get = || self.session(call).map(|(session, _)| session);
        recovery.with_recovery(call, get, |session| self.request_in_session(call, request, session))
    }

    /// Adds the `_meta` members of the session and of the call.
    pub(in crate::client) fn add_meta<'p>(
        &self,
        call: &'p CallContext,
        params: &mut Params<'p>,
        session: &'p Session,
        policy: RequestPolicy,
    ) -> Result<()> {
        params.share_meta(if policy.may_be_task { &session.task_meta } else { &session.meta });
        if session.era == Era::Modern
            && let Some(level) = self.server_log.level()
        {
            params.set_meta("io.modelcontextprotocol/logLevel", quoted(level));
        }
        call.add_meta(params)
    }

    /// Returns the cached result of a request, or sends it and caches its result.
    pub(in crate::client) fn request_cached(&self, call: &CallContext, request: Request) -> Result<Json> {
        if !self.server_state.cache.is_enabled() || call.has_extras() {
            return self.run_request(call, request);
        }
        let key = (request.method.name(Era::Modern).to_owned(), request.params.to_json());
        let context = CacheContext::of(self.auth());
        if let Some(result) = self.server_state.cache.get(&key, &context) {
            return Ok(result);
        }
        let invalidations = self.server_state.cache.invalidations();
        let (result, rounds) = self.run_request_counting_rounds(call, request)?;
        let is_current = invalidations == self.server_state.cache.invalidations();
        // A result that depends on input is not cached: the input is not part of the key.
        if rounds == 0 && is_current {
            self.server_state.cache.put(key, &result, context, self.settings.limits().message);
        }
        Ok(result)
    }

    fn request_in_session(
        &self,
        call: &CallContext,
        request: &Request,
        session: &Session,
    ) -> Result<RpcResponse, SendError> {
        let mut params = request.params.borrowed();
        self.add_meta(call, &mut params, session, request.policy).map_err(SendError::before_sending)?;
        let mirrored = self.mirrored_arguments(call, request, session).map_err(SendError::before_sending)?;
        let encoded = EncodedRequest {
            method: request.method.name(session.era),
            params: &params,
            name: request.name,
            mirrored: &mirrored,
            policy: request.policy,
        };
        send_request(self.transport_context(), &*session.transport, call, &session.peer_context(), &encoded)
            .map(|response| response.response)
    }

    /// The headers that repeat arguments of a tool call (2026-07-28, "Custom Headers from Tool Parameters").
    fn mirrored_arguments(
        &self,
        call: &CallContext,
        request: &Request,
        session: &Session,
    ) -> Result<Vec<(String, String)>> {
        let (Some(arguments), Some(name)) = (request.arguments, request.name) else { return Ok(Vec::new()) };
        if session.era == Era::Legacy || !session.transport.transport_kind().has_headers() {
            return Ok(Vec::new());
        }
        let header_arguments = self.header_arguments(call, name)?;
        if header_arguments.is_empty() {
            return Ok(Vec::new());
        }
        let arguments = Json::parse(arguments.to_owned()).map_err(|why| Error::new(MCP_INVALID_ARGUMENT, why))?;
        let header = |mirrored: &HeaderArgument| Some((mirrored.header.clone(), argument_value(&arguments, mirrored)?));
        let mut headers = Vec::new();
        for mirrored in header_arguments.iter() {
            // A schema can mark thousands of arguments, and each is searched for among all arguments.
            call.wait_context().check().map_err(|interrupt| call.interrupt_error(&interrupt))?;
            headers.extend(header(mirrored));
        }
        Ok(headers)
    }

    /// Sends a notification.
    pub(in crate::client) fn notify(&self, call: &CallContext, method: &str, params: Params) -> Result<()> {
        let (session, _) = self.session(call)?;
        // A new binding: it may borrow from `session`.
        let mut params = params;
        self.add_meta(call, &mut params, &session, RequestPolicy::ONCE)?;
        let message = messages::notification(method, &params);
        session.transport.post(call, &session.peer_context(), &message, false).inspect_err(|error| {
            if error.status() == MCP_SESSION_LOST {
                self.sessions.forget(&session);
            }
        })
    }
}
