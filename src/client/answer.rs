//! Reading the answer to a request: one JSON message, or an event stream that brings it among others (2025-11-25 and
//! 2026-07-28, "Streamable HTTP": Sending Messages, Receiving Messages).

use ureq::http::header;

use super::Client;
use super::call::Call;
use super::exchange::{Rules, Speaking};
use super::failure::rpc_failure;
use super::incoming::{Asked, Notice};
use crate::error::{Error, Result};
use crate::protocol::jsonrpc::{self, Answered, Message, ReadError, ResultType};
use crate::protocol::version::Era;
use crate::status::*;
use crate::sys::text::utf8;
use crate::transport::response::Response;

impl Client {
    /// The result that belongs to request `id`.
    pub(super) fn read_answer<'a>(
        &'a self,
        call: &Call,
        speaking: &Speaking,
        response: &mut Response<'a>,
        (id, rules): (u64, Rules),
    ) -> Result<Answered> {
        if !(200..300).contains(&response.status) {
            return Err(self.http_failure(call, response, speaking.is_in_session()));
        }
        let content_type = content_type(response);
        let http_status = response.status;
        let result = match content_type.as_deref() {
            Some("application/json") => self.read_json(call, response, id),
            Some("text/event-stream") => self.read_stream(call, speaking, response, id),
            other => Err(unexpected_content(response, other)),
        };
        result.and_then(|result| check_result_type(speaking.era, rules, result)).map_err(|mut error| {
            error.report_mut().http_status = http_status;
            error
        })
    }

    fn read_json(&self, call: &Call, response: &mut Response, id: u64) -> Result<Answered> {
        let body = response.read_all(self.settings.limits().message)?;
        if body.is_empty() {
            return Err(Error::new(MCP_UNEXPECTED_CONTENT, "the server's answer is empty"));
        }
        self.take_messages(call, body, id, &mut Vec::new())?
            .ok_or_else(|| Error::new(MCP_INVALID_MESSAGE, "the server's answer holds no answer to the request"))
    }

    /// Goes through the messages of a body or an event, until the one that answers request `id`. What the server asks on the way is
    /// put into `asked`.
    pub(super) fn take_messages(
        &self,
        call: &Call,
        text: Vec<u8>,
        id: u64,
        asked: &mut Vec<Asked>,
    ) -> Result<Option<Answered>> {
        for message in read_messages(text)? {
            match message {
                Message::Result { id: theirs, answered } if jsonrpc::is_id(&theirs, id) => return Ok(Some(answered)),
                Message::Result { .. } => {
                    let why =
                        "the server's answer carries a result for another request; the server mixes up its answers";
                    return Err(Error::new(MCP_WRONG_ID, why));
                }
                // An error on the request's own answer belongs to it, whatever its id.
                Message::Error { error, .. } => return Err(rpc_failure(call, error)),
                Message::Request { id, method, params } => asked.push(Asked { id, method, params }),
                Message::Notification { method, params } => self.take_notice(call, &Notice { method, params }),
            }
        }
        Ok(None)
    }
}

/// The messages of a body or an event.
pub fn read_messages(text: Vec<u8>) -> Result<Vec<Message>> {
    let text =
        utf8(text).map_err(|error| Error::new(MCP_INVALID_JSON, format!("the server's answer is no JSON: {error}")))?;
    jsonrpc::read(text).map_err(|error| match error {
        ReadError::NotJson(why) => Error::new(MCP_INVALID_JSON, format!("the server's answer is no JSON: {why}")),
        ReadError::NotMessage(why) => {
            Error::new(MCP_INVALID_MESSAGE, format!("the server's answer is no JSON-RPC message: {why}"))
        }
    })
}

/// A `resultType` that is not known makes a result invalid (2026-07-28, "ResultType"). To a legacy server the word means nothing,
/// and it stands there by chance.
pub fn check_result_type(era: Era, rules: Rules, answered: Answered) -> Result<Answered> {
    let kind = match answered.kind {
        _ if era == Era::Legacy => return Ok(Answered { kind: ResultType::Complete, ..answered }),
        ResultType::Complete => return Ok(answered),
        ResultType::InputRequired if rules.may_ask => return Ok(answered),
        ResultType::Task if rules.may_be_task => return Ok(answered),
        ResultType::InputRequired => "input_required",
        ResultType::Task => "task",
        ResultType::Other(ref word) => word,
    };
    let why = format!("the server's result is of the type {kind:?}, which this client did not ask for");
    Err(Error::new(MCP_INVALID_MESSAGE, why))
}

/// The media type of the answer, in lower case and without parameters.
pub fn content_type(response: &Response) -> Option<String> {
    let value = response.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

pub fn unexpected_content(response: &Response, content_type: Option<&str>) -> Error {
    let http_status = response.status;
    // As the server wrote it: what it may have echoed is found in its own letters only.
    let shown = response.headers.get(header::CONTENT_TYPE).map_or("".into(), |v| String::from_utf8_lossy(v.as_bytes()));
    let message = match content_type {
        _ if http_status == 202 => {
            "the server accepted the request (HTTP 202) as if it were a notification, and gave no answer".into()
        }
        Some("text/html") => format!(
            "the server answered with an HTML page where JSON belongs; this URL leads to a web site, not to an MCP endpoint: check its path{}",
            response.through_proxy().unwrap_or_default()
        ),
        Some(_) => {
            format!("the server answered with {shown} where JSON or an event stream belongs; check the path of the URL")
        }
        None => format!("the server's answer (HTTP {http_status}) has no content type"),
    };
    Error::new(MCP_UNEXPECTED_CONTENT, message)
}

/// For `failure`: the JSON-RPC error in the body of a failed HTTP request.
pub fn rpc_error(body: Vec<u8>) -> Option<crate::error::RpcError> {
    let text = String::from_utf8(body).ok()?;
    jsonrpc::read(text).ok()?.into_iter().find_map(|message| match message {
        Message::Error { error, .. } => Some(error),
        _ => None,
    })
}
