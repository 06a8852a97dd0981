//! Resources, prompts and completion; raw requests and notifications, for methods without a function.

use super::request::Request;
use crate::call::context::CallContext;
use crate::call::object;
use crate::call::request::RequestPolicy;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::protocol::json::Json;
use crate::protocol::messages::quoted;
use crate::protocol::params::Params;
use crate::status::MCP_INVALID_ARGUMENT;

/// The prompt or resource template whose argument is completed.
#[derive(Clone, Copy, Debug)]
pub enum CompletionReference<'a> {
    Prompt(&'a str),
    /// A resource template, by its URI.
    Resource(&'a str),
}

impl Client {
    pub fn read_resource(&self, call: &CallContext, uri: &str) -> Result<Json> {
        let params = Params::new().with("uri", quoted(uri));
        self.request_cached(call, Request::new("resources/read", params, RequestPolicy::READ).with_name(uri))
    }

    /// Gets a prompt; `arguments` is the JSON text of an object with string values.
    pub fn get_prompt(&self, call: &CallContext, name: &str, arguments: Option<&str>) -> Result<Json> {
        let mut params = Params::new().with("name", quoted(name));
        if let Some(arguments) = arguments {
            params.set("arguments", object(arguments, "the arguments")?);
        }
        self.run_request(call, Request::new("prompts/get", params, RequestPolicy::READ).with_name(name))
    }

    /// Gets completions for the partial `value` of an argument; `context` is the JSON text of an object with the
    /// arguments that are already known.
    pub fn complete(
        &self,
        call: &CallContext,
        reference: CompletionReference,
        (argument, value): (&str, &str),
        context: Option<&str>,
    ) -> Result<Json> {
        let reference = match reference {
            CompletionReference::Prompt(name) => format!(r#"{{"type":"ref/prompt","name":{}}}"#, quoted(name)),
            CompletionReference::Resource(uri) => format!(r#"{{"type":"ref/resource","uri":{}}}"#, quoted(uri)),
        };
        let argument = format!(r#"{{"name":{},"value":{}}}"#, quoted(argument), quoted(value));
        let mut params = Params::new().with("ref", reference).with("argument", argument);
        if let Some(context) = context {
            params.set("context", format!(r#"{{"arguments":{}}}"#, object(context, "the context")?));
        }
        self.run_request(call, Request::new("completion/complete", params, RequestPolicy::REPEATABLE))
    }

    /// Sends a request with any method; `params` is the JSON text of an object.
    pub fn request(&self, call: &CallContext, method: &str, params: Option<&str>) -> Result<Json> {
        let params = checked_params(method, params)?;
        self.run_request(call, Request::new(method, params, RequestPolicy::ONCE))
    }

    /// Sends a notification with any method; `params` is the JSON text of an object.
    pub fn send_notification(&self, call: &CallContext, method: &str, params: Option<&str>) -> Result<()> {
        let params = checked_params(method, params)?;
        self.notify(call, method, params)
    }
}

fn checked_params<'a>(method: &str, params: Option<&'a str>) -> Result<Params<'a>> {
    if method.is_empty() {
        return Err(Error::new(MCP_INVALID_ARGUMENT, "the method is empty"));
    }
    let invalid = |why| Error::new(MCP_INVALID_ARGUMENT, format!("the params: {why}"));
    params.map_or(Ok(Params::new()), |params| Params::from_object(params).map_err(invalid))
}
