//! Reading the answer to a request: one JSON message, or an event stream that brings it among others (2025-11-25 and
//! 2026-07-28, "Streamable HTTP": Sending Messages, Receiving Messages).

use ureq::http::header;

use super::Client;
use super::exchange::{Rules, Speaking};
use crate::call::context::Call;
use crate::call::failure::rpc_failure;
use crate::call::skipped::{Excerpt, Skipped};
use crate::error::{Error, Result, RpcError};
use crate::http::client::Phase;
use crate::http::response::Response;
use crate::protocol::event_stream::{BOM, Event};
use crate::protocol::incoming::{Asked, Notice};
use crate::protocol::json::Checked;
use crate::protocol::jsonrpc::{self, Answered, Contents, Fault, Judged, Message, ResultType};
use crate::protocol::version::Era;
use crate::status::*;
use crate::sys::text::utf8;

impl Client {
    /// The result that belongs to request `id`, from an answer whose status is one of success.
    pub(super) fn read_answer<'a>(
        &'a self,
        call: &Call,
        speaking: &Speaking,
        response: &mut Response<'a>,
        (id, rules): (u64, Rules),
    ) -> Result<Answered> {
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
        let (mut found, mut asked) = (None, Vec::new());
        let complete = each(body, |message| {
            found = found.take().or_else(|| self.take_message(call, message, id, &mut asked));
        });
        let nothing = || Err(Error::new(MCP_INVALID_MESSAGE, "the server's answer holds no answer to the request"));
        found.unwrap_or_else(|| complete.and_then(|()| nothing()))
    }

    /// Goes through the messages of an event on the stream that answers request `id`, until its answer. What the server asks on the
    /// way is put into `asked`, and what is no message into `skipped`.
    pub(super) fn take_event(
        &self,
        call: &Call,
        event: Event,
        id: u64,
        asked: &mut Vec<Asked>,
        skipped: &mut Skipped,
    ) -> Result<Option<Answered>> {
        let (mut found, mut broken) = (None, None);
        let is_named = is_named(&event);
        let is_ours = |theirs: Option<&str>| theirs.is_none_or(|theirs| jsonrpc::is_id(theirs, id));
        let rest = sort(event.data, is_ours, |taken| {
            match taken {
                Taken::Message(message) => {
                    found = found.take().or_else(|| self.take_message(call, message, id, asked));
                }
                Taken::Broken { error, .. } => broken = broken.take().or(Some(error)),
            }
            true
        });
        if let Some(rest) = rest {
            skipped.note_event(call, rest, is_named);
        }
        // One that is broken does not spoil the others.
        found.or_else(|| broken.map(Err)).transpose()
    }

    /// Takes a message on the way to the answer to request `id`; gives that answer, or what stands for it.
    fn take_message(&self, call: &Call, message: Message, id: u64, asked: &mut Vec<Asked>) -> Option<Result<Answered>> {
        let is_answer = matches!(message, Message::Result { .. } | Message::Error { .. });
        // Many may come at once, and each may lead to a callback.
        if !is_answer && let Err(stop) = call.budget().check() {
            return Some(Err(call.stopped_while(&stop, Phase::Body.doing())));
        }
        match message {
            Message::Result { id: theirs, answered } if jsonrpc::is_id(&theirs, id) => return Some(Ok(answered)),
            Message::Result { .. } => {
                let why = "the server's answer carries a result for another request; the server mixes up its answers";
                return Some(Err(Error::new(MCP_WRONG_ID, why)));
            }
            // An error on the request's own answer belongs to it, whatever its id.
            Message::Error { error, .. } => return Some(Err(rpc_failure(call, error))),
            Message::Request { id, method, params } => asked.push(Asked { id, method, params }),
            Message::Notification { method, params } => {
                let notice = Notice { method, params };
                if let Some(cancelled) = notice.cancelled() {
                    asked.retain(|asked| !jsonrpc::is_same_id(&asked.id, cancelled));
                }
                self.take_notice(call, &notice);
            }
        }
        None
    }
}

/// Gives the messages of a body, which holds nothing else, to `take`. Fails for a part that is none, when the others were given; and
/// at once for what is no JSON.
pub fn each(body: Vec<u8>, mut take: impl FnMut(Message)) -> Result<()> {
    let Contents { text, items } = contents(body);
    if items.last().is_some_and(|item| item.fault() == Some(&Fault::NotJson)) {
        return Err(unreadable(&text, &Fault::NotJson));
    }
    let mut broken = None;
    for item in items {
        match item.strict() {
            Ok(message) => take(message),
            Err(fault) => broken = broken.or(Some(fault)),
        }
    }
    broken.map_or(Ok(()), |fault| Err(unreadable(&text, &fault)))
}

/// A message, or a broken one, on a stream that other things may come on, too.
pub enum Taken {
    Message(Message),
    /// An answer, by its id, and what is wrong with it.
    Broken {
        id: Option<String>,
        error: Error,
    },
}

/// Decides what the data of an event or a line of stdout is, and gives the messages to `take`, which says whether it could use them.
/// What is no JSON-RPC message, or nothing that could be used, is given back. See [`jsonrpc::Item::judge`] for `is_ours`.
pub fn sort(
    data: Vec<u8>,
    is_ours: impl Fn(Option<&str>) -> bool,
    mut take: impl FnMut(Taken) -> bool,
) -> Option<Excerpt> {
    // No message begins in another way: nothing else has to be looked through.
    match without_mark(&data).iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return None,
        Some(b'{' | b'[') => {}
        Some(_) => return Some(Excerpt::of(&data)),
    }
    let contents = contents(data);
    let mut is_left = contents.items.is_empty();
    for item in contents.items {
        let is_used = match item.judge(&is_ours) {
            Judged::Message(message) => take(Taken::Message(message)),
            Judged::Broken(broken) => {
                let error = unreadable(&contents.text, &broken.fault);
                take(Taken::Broken { id: broken.id, error })
            }
            Judged::Foreign => false,
        };
        is_left |= !is_used;
    }
    is_left.then(|| Excerpt::of(contents.text.text().as_bytes()))
}

/// Whether an event has another name than those that messages come in.
pub fn is_named(event: &Event) -> bool {
    !event.name.is_empty() && event.name != b"message"
}

/// Reads a body, the data of an event, or a line.
fn contents(mut bytes: Vec<u8>) -> Contents {
    let mark = bytes.len() - without_mark(&bytes).len();
    bytes.drain(..mark);
    match utf8(bytes) {
        Ok(text) => jsonrpc::read(text),
        Err(error) => {
            let why = error.utf8_error().to_string();
            jsonrpc::read(String::from_utf8_lossy(error.as_bytes()).into_owned()).spoiled(&why)
        }
    }
}

/// Some servers put a byte order mark in front.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BOM).unwrap_or(bytes)
}

fn unreadable(text: &Checked, fault: &Fault) -> Error {
    let no_json = |why: &str| Error::new(MCP_INVALID_JSON, format!("the server's answer is no JSON: {why}"));
    match fault {
        Fault::NotJson => no_json(&Contents::why_not_json(text)),
        Fault::NotUtf8(why) => no_json(why),
        Fault::NotMessage(why) => {
            Error::new(MCP_INVALID_MESSAGE, format!("the server's answer is no JSON-RPC message: {why}"))
        }
    }
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

/// For `failure`: the JSON-RPC error in the body of a failed HTTP request, and its id.
pub fn rpc_error(body: Vec<u8>) -> Option<(Option<String>, RpcError)> {
    contents(body).items.into_iter().find_map(|item| match item.strict() {
        Ok(Message::Error { id, error }) => Some((id, error)),
        _ => None,
    })
}
