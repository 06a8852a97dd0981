//! Finding the messages in what a server sends: a body, the data of an event, or a line.

use crate::call::context::Call;
use crate::call::request::Rules;
use crate::call::skipped::{Excerpt, Skipped};
use crate::error::{Error, Result, RpcError};
use crate::protocol::event_stream::{BOM, Event};
use crate::protocol::json::Checked;
use crate::protocol::jsonrpc::{self, Answered, Contents, Fault, Judged, Message, ResultType};
use crate::protocol::version::Era;
use crate::status::*;
use crate::sys::text::utf8;

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

/// The same for an event of a stream, with a line in the log for what could not be used.
pub fn sort_event(
    call: &Call,
    event: Event,
    skipped: &mut Skipped,
    is_ours: impl Fn(Option<&str>) -> bool,
    take: impl FnMut(Taken) -> bool,
) {
    let is_named = is_named(&event);
    if let Some(rest) = sort(event.data, is_ours, take) {
        skipped.note_event(call, rest, is_named);
    }
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

/// For `failure`: the JSON-RPC error in the body of a failed HTTP request, and its id.
pub fn rpc_error(body: Vec<u8>) -> Option<(Option<String>, RpcError)> {
    contents(body).items.into_iter().find_map(|item| match item.strict() {
        Ok(Message::Error { id, error }) => Some((id, error)),
        _ => None,
    })
}
