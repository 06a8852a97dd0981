//! A request that a caller makes, within the session and with what its era wants around it: metadata, headers, input rounds, and
//! a session that is opened anew where the server has lost it.

use super::Client;
use super::session::Session;
use crate::call::context::Call;
use crate::call::request::{Ask, Rules};
use crate::call::setback::{Sent, Setback};
use crate::error::{Error, Result};
use crate::log::Level;
use crate::protocol::json::Json;
use crate::protocol::jsonrpc::Answered;
use crate::protocol::messages::{self, quoted};
use crate::protocol::mirror::{Mirrored, argument};
use crate::protocol::negotiation::{is_header_mismatch, is_modern_error};
use crate::protocol::params::Params;
use crate::protocol::version::Era;
use crate::rpc::exchange::exchange;
use crate::status::*;

/// See the module.
pub struct Operation<'a> {
    pub method: Method<'a>,
    pub params: Params<'a>,
    /// What `Mcp-Name` says.
    pub name: Option<&'a str>,
    /// A tool's arguments: some may belong into headers, by the tool's schema.
    pub arguments: Option<&'a str>,
    pub rules: Rules,
}

/// A method, by its name or by what it is called in each era.
#[derive(Clone, Copy)]
pub enum Method<'a> {
    Named(&'a str),
    ByEra(fn(Era) -> &'static str),
}

impl<'a> Method<'a> {
    pub fn name(self, era: Era) -> &'a str {
        match self {
            Method::Named(name) => name,
            Method::ByEra(name) => name(era),
        }
    }
}

impl<'a> Operation<'a> {
    pub fn new(method: &'a str, params: Params<'a>, rules: Rules) -> Operation<'a> {
        Operation { method: Method::Named(method), params, name: None, arguments: None, rules }
    }

    pub fn named(self, name: &'a str) -> Operation<'a> {
        Operation { name: Some(name), ..self }
    }
}

impl Client {
    /// The result of an operation, with what the server asks for on the way.
    pub(super) fn perform(&self, call: &Call, operation: Operation) -> Result<Json> {
        self.perform_counted(call, operation).map(|(result, _)| result)
    }

    /// The same, and in how many rounds the server has asked for input.
    pub(super) fn perform_counted(&self, call: &Call, mut operation: Operation) -> Result<(Json, u32)> {
        let answered = self.perform_round(call, &operation)?;
        self.give_inputs(call, &mut operation, answered)
    }

    /// One round. The session is opened anew, once, when the server has lost it or turns out to be another one: also one of the
    /// other era, where the same question may have another name.
    pub(super) fn perform_round(&self, call: &Call, operation: &Operation) -> Result<Answered> {
        let (mut renewed, mut refreshed) = (false, false);
        loop {
            let (session, _) = self.session(call)?;
            let Setback { error, sent, .. } = match self.perform_in(call, operation, &session) {
                Ok(result) => return Ok(result),
                Err(setback) => setback,
            };
            let may_repeat = operation.rules.repeatable || sent != Sent::Yes;
            let is_lost = error.status() == MCP_SESSION_LOST || error.report().session_is_gone;
            if is_lost {
                // Also where this call ends here: the next one opens a new session.
                self.sessions.forget(&session);
            }
            if !renewed && is_lost && may_repeat {
                call.remark(Level::Info, || "the server lost the session; opening a new one".into());
                renewed = true;
            } else if !renewed && session.era == Era::Legacy && is_modern_error(&error) {
                self.sessions.forget_era(&session);
                if !may_repeat {
                    return Err(error);
                }
                renewed = true;
            } else if !refreshed && may_repeat && operation.arguments.is_some() && is_header_mismatch(&error) {
                call.remark(Level::Info, || "the tool wants other headers; reading its schema again".into());
                self.known.tools.forget();
                refreshed = true;
            } else {
                return Err(error);
            }
        }
    }

    /// Adds the members of `_meta` that a request of this call has in a session.
    pub(super) fn add_meta<'p>(
        &self,
        call: &'p Call,
        params: &mut Params<'p>,
        session: &'p Session,
        rules: Rules,
    ) -> Result<()> {
        params.share_meta(if rules.may_be_task { &session.task_meta } else { &session.meta });
        if session.era == Era::Modern
            && let Some(level) = self.server_log.level()
        {
            params.set_meta("io.modelcontextprotocol/logLevel", quoted(level));
        }
        call.add_meta(params)
    }

    fn perform_in(&self, call: &Call, operation: &Operation, session: &Session) -> Result<Answered, Setback> {
        let mut params = operation.params.clone();
        self.add_meta(call, &mut params, session, operation.rules).map_err(Setback::before_sending)?;
        let mirrored = self.mirrored_arguments(call, operation, session).map_err(Setback::before_sending)?;
        let ask = Ask {
            method: operation.method.name(session.era),
            params: &params,
            name: operation.name,
            mirrored: &mirrored,
            rules: operation.rules,
        };
        exchange(self.host(), &*session.transport, call, &session.speaking(), &ask).map(|answer| answer.answered)
    }

    /// The headers that repeat arguments of a tool (2026-07-28, "Custom Headers from Tool Parameters").
    fn mirrored_arguments(
        &self,
        call: &Call,
        operation: &Operation,
        session: &Session,
    ) -> Result<Vec<(String, String)>> {
        let (Some(arguments), Some(name)) = (operation.arguments, operation.name) else { return Ok(Vec::new()) };
        if session.era == Era::Legacy || !session.transport.travels().has_headers() {
            return Ok(Vec::new());
        }
        let wanted = self.wanted_headers(call, name)?;
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let arguments = Json::parse(arguments.to_owned()).map_err(|why| Error::new(MCP_INVALID_ARGUMENT, why))?;
        let header = |mirrored: &Mirrored| Some((mirrored.header.clone(), argument(&arguments, mirrored)?));
        Ok(wanted.iter().filter_map(header).collect())
    }

    /// A notification, for which no answer comes.
    pub(super) fn notify(&self, call: &Call, method: &str, params: Params) -> Result<()> {
        let (session, _) = self.session(call)?;
        let mut params = params;
        self.add_meta(call, &mut params, &session, Rules::ONCE)?;
        let message = messages::notification(method, &params);
        session.transport.post(call, &session.speaking(), &message, false).inspect_err(|error| {
            if error.status() == MCP_SESSION_LOST {
                self.sessions.forget(&session);
            }
        })
    }
}
