//! What a server offers besides tools: resources, prompts, completion; and requests that this client has no function for.

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

/// Whose argument is to be completed.
#[derive(Clone, Copy, Debug)]
pub enum CompletionReference<'a> {
    Prompt(&'a str),
    /// A template, by its URI.
    Resource(&'a str),
}

impl Client {
    pub fn read_resource(&self, call: &CallContext, uri: &str) -> Result<Json> {
        let params = Params::new().with("uri", quoted(uri));
        self.cached(call, Request::new("resources/read", params, RequestPolicy::READ).named(uri))
    }

    /// The arguments are the text of an object of strings.
    pub fn get_prompt(&self, call: &CallContext, name: &str, arguments: Option<&str>) -> Result<Json> {
        let mut params = Params::new().with("name", quoted(name));
        if let Some(arguments) = arguments {
            params.set("arguments", object(arguments, "the arguments")?);
        }
        self.run_request(call, Request::new("prompts/get", params, RequestPolicy::READ).named(name))
    }

    /// What may stand for `value` in an argument; `context` is the text of an object with the arguments that are known already.
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

    /// A request by its method; `params` is the text of an object.
    pub fn request(&self, call: &CallContext, method: &str, params: Option<&str>) -> Result<Json> {
        let params = given(method, params)?;
        self.run_request(call, Request::new(method, params, RequestPolicy::ONCE))
    }

    /// A notification by its method; `params` is the text of an object.
    pub fn send_notification(&self, call: &CallContext, method: &str, params: Option<&str>) -> Result<()> {
        let params = given(method, params)?;
        self.notify(call, method, params)
    }
}

fn given<'a>(method: &str, params: Option<&'a str>) -> Result<Params<'a>> {
    if method.is_empty() {
        return Err(Error::new(MCP_INVALID_ARGUMENT, "the method is empty"));
    }
    let refused = |why| Error::new(MCP_INVALID_ARGUMENT, format!("the params: {why}"));
    params.map_or(Ok(Params::new()), |params| Params::from_object(params).map_err(refused))
}
