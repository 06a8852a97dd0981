//! Tools: calling them, and what their schemas want of a call (2026-07-28, "Tools").

use std::sync::Arc;
use std::time::Instant;

use super::lists::{ListMethod, with_list};
use super::request::Request;
use crate::call::context::CallContext;
use crate::call::object;
use crate::call::request::RequestPolicy;
use crate::client::Client;
use crate::client::cache::{CacheContext, Freshness};
use crate::client::tool_registry::{TaskSupport, ToolInfo};
use crate::error::Result;
use crate::log::LogLevel;
use crate::protocol::header_arguments::{HeaderArgument, find_header_arguments};
use crate::protocol::json::Json;
use crate::protocol::messages::quoted;
use crate::protocol::params::Params;
use crate::protocol::raw_value::RawValue;
use crate::protocol::version::Era;
use crate::status::*;

/// The largest input schema of a tool, in bytes.
const LARGEST_SCHEMA: usize = 1024 * 1024;

/// What a caller gives as arguments, checked before anybody is asked.
pub(in crate::client) fn tool_arguments(arguments: Option<&str>) -> Result<&str> {
    arguments.map_or(Ok("{}"), |arguments| object(arguments, "the arguments"))
}

/// A call of a tool; headers may repeat some of its arguments.
pub(in crate::client) fn tool_call<'a>(name: &'a str, arguments: &'a str) -> Request<'a> {
    let params = Params::new().with("name", quoted(name)).with("arguments", arguments);
    Request { arguments: Some(arguments), ..Request::new("tools/call", params, RequestPolicy::ONCE).named(name) }
}

impl Client {
    /// Calls a tool; its arguments are the text of an object.
    pub fn call_tool(&self, call: &CallContext, name: &str, arguments: Option<&str>) -> Result<Json> {
        let text = tool_arguments(arguments)?;
        let (session, _) = self.session(call)?;
        if self.task_support(call, &session, name)? == Some(TaskSupport::Required) {
            return self.call_as_task(call, name, arguments);
        }
        self.run_request(call, tool_call(name, text))
    }

    /// The headers that repeat arguments of a tool. The server's list is read where it is not known yet; a server without a list
    /// wants none.
    pub(in crate::client) fn wanted_headers(&self, call: &CallContext, name: &str) -> Result<Arc<[HeaderArgument]>> {
        if let Some(wanted) = self.known.tools.wanted(name, &CacheContext::of(self.auth())) {
            return Ok(wanted);
        }
        match self.all_pages(call, ListMethod::Tools) {
            Ok(_) => self.known.tools.record_complete(),
            Err(error) if error.status() == MCP_RPC_ERROR => {
                call.log(LogLevel::Debug, || format!("the server does not list its tools ({error})"));
            }
            Err(error) => return Err(error),
        }
        let known = self.known.tools.wanted(name, &CacheContext::of(self.auth()));
        Ok(known.unwrap_or_else(|| Arc::from([])))
    }

    /// A page of tools without those whose schemas are not valid, on the transport that needs them (2026-07-28, "Streamable HTTP":
    /// Schema Extension). What is left is kept for calls.
    pub(in crate::client) fn without_invalid_tools(&self, call: &CallContext, page: Json) -> Result<Json> {
        let (session, _) = self.session(call)?;
        if session.era == Era::Legacy || !session.transport.transport_kind().has_headers() {
            return Ok(page);
        }
        let context = CacheContext::of(self.auth());
        let freshness = Freshness::of(&page);
        let until = Instant::now().checked_add(freshness.ttl).filter(|_| !freshness.ttl.is_zero());
        let mut kept = Vec::new();
        let mut valid = Vec::new();
        let mut count = 0;
        let list = RawValue::of(&page).member(ListMethod::Tools.member());
        for (_, tool) in list.into_iter().flat_map(RawValue::children) {
            call.wait_context()
                .check()
                .map_err(|stop| call.stopped_while(&stop, "while looking through the list of tools"))?;
            count += 1;
            let name = tool.member("name").and_then(RawValue::text).unwrap_or_default();
            match tool.member("inputSchema").map_or(Ok(Vec::new()), mirrored_in) {
                Ok(wanted) => {
                    let context = freshness.is_private.then(|| context.clone());
                    kept.push((name.into_owned(), ToolInfo { wanted: wanted.into(), until, context }));
                    valid.push(tool.raw());
                }
                Err(why) => {
                    call.log(LogLevel::Warning, || format!("the tool {name:?} is left out: {why}"));
                }
            }
        }
        self.known.tools.note(kept);
        if valid.len() == count {
            return Ok(page);
        }
        with_list(&page, ListMethod::Tools, &format!("[{}]", valid.join(",")), None)
    }
}

/// The arguments that go into headers. The schema is looked through in one go, so it must not be large.
fn mirrored_in(schema: RawValue) -> Result<Vec<HeaderArgument>, String> {
    if schema.raw().len() > LARGEST_SCHEMA {
        return Err(format!("its schema is larger than {LARGEST_SCHEMA} bytes"));
    }
    find_header_arguments(Json::parse(schema.raw().to_owned())?.root())
}
