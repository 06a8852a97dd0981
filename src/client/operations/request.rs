//! A request that a caller makes, within the session and with what its era wants around it: metadata, headers, input rounds, and
//! a session that is opened anew where the server has lost it.

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

/// See the module.
pub struct Request<'a> {
    pub method: MethodName<'a>,
    pub params: Params<'a>,
    /// What `Mcp-Name` says.
    pub name: Option<&'a str>,
    /// A tool's arguments: some may belong into headers, by the tool's schema.
    pub arguments: Option<&'a str>,
    pub rules: RequestPolicy,
}

/// A method, by its name or by what it is called in each era.
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
    pub fn new(method: &'a str, params: Params<'a>, rules: RequestPolicy) -> Request<'a> {
        Request { method: MethodName::Named(method), params, name: None, arguments: None, rules }
    }

    pub fn named(self, name: &'a str) -> Request<'a> {
        Request { name: Some(name), ..self }
    }
}

impl Client {
    /// The result of an operation, with what the server asks for on the way.
    pub(in crate::client) fn run_request(&self, call: &CallContext, request: Request) -> Result<Json> {
        self.run_request_counting_rounds(call, request).map(|(result, _)| result)
    }

    /// The same, and in how many rounds the server has asked for input.
    pub(in crate::client) fn run_request_counting_rounds(
        &self,
        call: &CallContext,
        mut request: Request,
    ) -> Result<(Json, u32)> {
        let answered = self.request_with_session_recovery(call, &request)?;
        self.give_inputs(call, &mut request, answered)
    }

    /// One round, in a session that is opened anew where that helps.
    pub(in crate::client) fn request_with_session_recovery(
        &self,
        call: &CallContext,
        request: &Request,
    ) -> Result<RpcResponse> {
        let forget_headers = || self.known.tools.forget();
        let recovery = Recovery {
            sessions: &self.sessions,
            is_repeatable: request.rules.repeatable,
            forget_headers: request.arguments.is_some().then_some(&forget_headers),
        };
        let get = || self.session(call).map(|(session, _)| session);
        recovery.with_recovery(call, get, |session| self.request_in_session(call, request, session))
    }

    /// Adds the members of `_meta` that a request of this call has in a session.
    pub(in crate::client) fn add_meta<'p>(
        &self,
        call: &'p CallContext,
        params: &mut Params<'p>,
        session: &'p Session,
        rules: RequestPolicy,
    ) -> Result<()> {
        params.share_meta(if rules.may_be_task { &session.task_meta } else { &session.meta });
        if session.era == Era::Modern
            && let Some(level) = self.server_log.level()
        {
            params.set_meta("io.modelcontextprotocol/logLevel", quoted(level));
        }
        call.add_meta(params)
    }

    /// Performs an operation, or gives what it brought before.
    pub(in crate::client) fn cached(&self, call: &CallContext, request: Request) -> Result<Json> {
        if !self.known.cache.is_wanted() || call.has_extras() {
            return self.run_request(call, request);
        }
        let key = (request.method.name(Era::Modern).to_owned(), request.params.to_json());
        let context = CacheContext::of(self.auth());
        if let Some(result) = self.known.cache.get(&key, &context) {
            return Ok(result);
        }
        let changes = self.known.cache.changes();
        let (result, rounds) = self.run_request_counting_rounds(call, request)?;
        let is_of_now = changes == self.known.cache.changes();
        // What came of inputs depends on them, and they are not part of the key.
        if rounds == 0 && is_of_now {
            self.known.cache.put(key, &result, context, self.settings.limits().message);
        }
        Ok(result)
    }

    fn request_in_session(
        &self,
        call: &CallContext,
        request: &Request,
        session: &Session,
    ) -> Result<RpcResponse, SendError> {
        let mut params = request.params.clone();
        self.add_meta(call, &mut params, session, request.rules).map_err(SendError::before_sending)?;
        let mirrored = self.mirrored_arguments(call, request, session).map_err(SendError::before_sending)?;
        let ask = EncodedRequest {
            method: request.method.name(session.era),
            params: &params,
            name: request.name,
            mirrored: &mirrored,
            rules: request.rules,
        };
        send_request(self.host(), &*session.transport, call, &session.peer_context(), &ask)
            .map(|answer| answer.response)
    }

    /// The headers that repeat arguments of a tool (2026-07-28, "Custom Headers from Tool Parameters").
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
        let wanted = self.wanted_headers(call, name)?;
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let arguments = Json::parse(arguments.to_owned()).map_err(|why| Error::new(MCP_INVALID_ARGUMENT, why))?;
        let header = |mirrored: &HeaderArgument| Some((mirrored.header.clone(), argument_value(&arguments, mirrored)?));
        Ok(wanted.iter().filter_map(header).collect())
    }

    /// A notification, for which no answer comes.
    pub(in crate::client) fn notify(&self, call: &CallContext, method: &str, params: Params) -> Result<()> {
        let (session, _) = self.session(call)?;
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
