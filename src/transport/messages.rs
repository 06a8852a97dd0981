//! Finding the messages in what a server sends: a body, the data of an event, or a line.

use crate::call::context::CallContext;
use crate::call::request::RequestPolicy;
use crate::call::skipped_input::{Excerpt, SkippedInput};
use crate::error::{Error, Result, RpcError};
use crate::protocol::event_stream::{BOM, SseEvent};
use crate::protocol::json::ValidatedText;
use crate::protocol::jsonrpc::{self, InvalidReason, ItemClass, Message, ParsedMessages, ResultType, RpcResponse};
use crate::protocol::version::Era;
use crate::status::*;
use crate::sys::text::utf8;

/// Gives the messages of a body, which holds nothing else, to `take`. Fails for a part that is none, when the others were given; and
/// at once for what is no JSON.
pub fn each(body: Vec<u8>, mut take: impl FnMut(Message)) -> Result<()> {
    let ParsedMessages { text, items } = contents(body);
    if items.last().is_some_and(|item| item.invalid_reason() == Some(&InvalidReason::InvalidJson)) {
        return Err(unreadable(&text, &InvalidReason::InvalidJson));
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
pub enum StreamMessage {
    Message(Message),
    /// An answer, by its id, and what is wrong with it.
    InvalidMessage {
        id: Option<String>,
        error: Error,
    },
}

/// Decides what the data of an event or a line of stdout is, and gives the messages to `take`, which says whether it could use them.
/// What is no JSON-RPC message, or nothing that could be used, is given back. See [`jsonrpc::Item::classify`] for `is_ours`.
pub fn sort(
    data: Vec<u8>,
    is_ours: impl Fn(Option<&str>) -> bool,
    mut take: impl FnMut(StreamMessage) -> bool,
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
        let is_used = match item.classify(&is_ours) {
            ItemClass::Message(message) => take(StreamMessage::Message(message)),
            ItemClass::InvalidMessage(broken) => {
                let error = unreadable(&contents.text, &broken.reason);
                take(StreamMessage::InvalidMessage { id: broken.id, error })
            }
            ItemClass::Foreign => false,
        };
        is_left |= !is_used;
    }
    is_left.then(|| Excerpt::of(contents.text.text().as_bytes()))
}

/// The same for an event of a stream, with a line in the log for what could not be used.
pub fn sort_event(
    call: &CallContext,
    event: SseEvent,
    skipped: &mut SkippedInput,
    is_ours: impl Fn(Option<&str>) -> bool,
    take: impl FnMut(StreamMessage) -> bool,
) {
    let is_named = is_named(&event);
    if let Some(rest) = sort(event.data, is_ours, take) {
        skipped.record_event(call, rest, is_named);
    }
}

/// Whether an event has another name than those that messages come in.
pub fn is_named(event: &SseEvent) -> bool {
    !event.name.is_empty() && event.name != b"message"
}

/// Reads a body, the data of an event, or a line.
fn contents(mut bytes: Vec<u8>) -> ParsedMessages {
    let mark = bytes.len() - without_mark(&bytes).len();
    bytes.drain(..mark);
    match utf8(bytes) {
        Ok(text) => jsonrpc::read(text),
        Err(error) => {
            let why = error.utf8_error().to_string();
            jsonrpc::read(String::from_utf8_lossy(error.as_bytes()).into_owned()).with_invalid_utf8(&why)
        }
    }
}

/// Some servers put a byte order mark in front.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BOM).unwrap_or(bytes)
}

fn unreadable(text: &ValidatedText, fault: &InvalidReason) -> Error {
    let no_json = |why: &str| Error::new(MCP_INVALID_JSON, format!("the server's response is not valid JSON: {why}"));
    match fault {
        InvalidReason::InvalidJson => no_json(&ParsedMessages::json_error(text)),
        InvalidReason::NotUtf8(why) => no_json(why),
        InvalidReason::NotMessage(why) => {
            Error::new(MCP_INVALID_MESSAGE, format!("the server's response is not a valid JSON-RPC message: {why}"))
        }
    }
}

/// A `resultType` that is not known makes a result invalid (2026-07-28, "ResultType"). To a legacy server the word means nothing,
/// and it stands there by chance.
pub fn check_result_type(era: Era, rules: RequestPolicy, answered: RpcResponse) -> Result<RpcResponse> {
    let kind = match answered.kind {
        _ if era == Era::Legacy => return Ok(RpcResponse { kind: ResultType::Complete, ..answered }),
        ResultType::Complete => return Ok(answered),
        ResultType::InputRequired if rules.may_ask => return Ok(answered),
        ResultType::Task if rules.may_be_task => return Ok(answered),
        ResultType::InputRequired => "input_required",
        ResultType::Task => "task",
        ResultType::Other(ref word) => word,
    };
    let why = format!("the server's result has the type {kind:?}, which the request does not allow");
    Err(Error::new(MCP_INVALID_MESSAGE, why))
}

/// For `failure`: the JSON-RPC error in the body of a failed HTTP request, and its id.
pub fn rpc_error(body: Vec<u8>) -> Option<(Option<String>, RpcError)> {
    contents(body).items.into_iter().find_map(|item| match item.strict() {
        Ok(Message::Error { id, error }) => Some((id, error)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::fake::{call, recording_host};

    const OUR_ID: &str = "7";

    /// What it is, the bytes, and what is taken of them.
    type ExpectedMessages<'a> = (&'a str, &'a [u8], &'a [&'a str]);

    fn shown(message: &Message) -> String {
        match message {
            Message::Result { id, .. } => format!("result {id}"),
            Message::Error { id, .. } => format!("error {}", id.as_deref().unwrap_or("-")),
            Message::Request { id, method, .. } => format!("request {id} {method}"),
            Message::Notification { method, .. } => format!("notification {method}"),
        }
    }

    /// What `sort` takes, and what it gives back.
    fn sorted(data: &[u8], is_used: bool) -> (Vec<String>, Option<String>) {
        let mut taken = Vec::new();
        let rest = sort(
            data.to_vec(),
            |id| id == Some(OUR_ID),
            |found| {
                taken.push(match found {
                    StreamMessage::Message(message) => shown(&message),
                    StreamMessage::InvalidMessage { id, error } => {
                        format!("broken {} {:?}", id.as_deref().unwrap_or("-"), error.status())
                    }
                });
                is_used
            },
        );
        let (host, ..) = recording_host();
        (taken, rest.map(|rest| rest.logged(&call(&host))))
    }

    #[test]
    fn messages_are_taken_and_everything_else_is_given_back() {
        let not_json = format!("{MCP_INVALID_JSON:?}");
        let not_message = format!("{MCP_INVALID_MESSAGE:?}");
        let result = r#"{"jsonrpc":"2.0","id":9,"result":{}}"#;
        let rows: &[ExpectedMessages] = &[
            ("result", result.as_bytes(), &["result 9"]),
            ("error", br#"{"jsonrpc":"2.0","error":{"code":1,"message":"no"}}"#, &["error -"]),
            ("request", br#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#, &["request \"a\" ping"]),
            ("notification", br#"{"jsonrpc":"2.0","method":"n"}"#, &["notification n"]),
            ("our answer without the version", br#"{"id":7,"result":{}}"#, &["result 7"]),
            (
                "batch",
                br#"[{"jsonrpc":"2.0","method":"n"},{"jsonrpc":"2.0","id":9,"result":{}}]"#,
                &["notification n", "result 9"],
            ),
            ("byte order mark", b"\xEF\xBB\xBF {\"jsonrpc\":\"2.0\",\"method\":\"n\"}", &["notification n"]),
            ("broken message", br#"{"jsonrpc":"2.0","id":7,"result":null}"#, &[&format!("broken 7 {not_message}")]),
            ("our broken answer without the version", br#"{"id":7,"result":1}"#, &[&format!("broken 7 {not_message}")]),
            (
                "no JSON from some place on",
                br#"{"jsonrpc":"2.0","id":7,"result":NaN}"#,
                &[&format!("broken 7 {not_json}")],
            ),
            (
                "no UTF-8",
                b"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"x\":\"\xFF\"}}",
                &[&format!("broken 7 {not_json}")],
            ),
            ("nothing", b"", &[]),
            ("blanks", b" \t\r\n", &[]),
            ("byte order mark alone", b"\xEF\xBB\xBF", &[]),
        ];
        for (kind, data, expected) in rows {
            assert_eq!(sorted(data, true), (expected.iter().map(|text| (*text).to_owned()).collect(), None), "{kind}");
        }
        let nested = format!("[[{result}]]");
        let deep = "[".repeat(100_000);
        let in_log = format!("[INFO] {result}");
        let behind_mark = format!("\u{feff}{in_log}");
        for text in [
            "listening",
            "5",
            r#"{"level":30,"id":7}"#,
            r#"{"id":9,"result":{}}"#,
            "[]",
            "{",
            &nested,
            &deep,
            &in_log,
            &behind_mark,
        ] {
            let (taken, rest) = sorted(text.as_bytes(), true);
            assert!(taken.is_empty() && rest.is_some(), "{text:.100}: {taken:?} {rest:?}");
        }
    }

    #[test]
    fn a_batch_is_given_back_where_a_part_of_it_could_not_be_used() {
        let batch = r#"["x",{"jsonrpc":"2.0","method":"n"}]"#;
        assert_eq!(sorted(batch.as_bytes(), true), (vec!["notification n".into()], Some(batch.into())));
        let message = r#"{"jsonrpc":"2.0","method":"n"}"#;
        assert_eq!(sorted(message.as_bytes(), false), (vec!["notification n".into()], Some(message.into())));
    }

    /// What `each` takes, and the status with which it fails.
    fn taken(body: &[u8]) -> (Vec<String>, Option<Status>) {
        let mut found = Vec::new();
        let outcome = each(body.to_vec(), |message| found.push(shown(&message)));
        (found, outcome.err().map(|error| error.status()))
    }

    #[test]
    fn a_body_may_hold_nothing_but_messages() {
        let (json, message) = (Some(MCP_INVALID_JSON), Some(MCP_INVALID_MESSAGE));
        let rows: &[(ExpectedMessages, Option<Status>)] = &[
            (("message", br#"{"id":9,"result":{}}"#, &["result 9"]), None),
            (("batch", br#"[{"method":"n"},{"id":9,"result":{}}]"#, &["notification n", "result 9"]), None),
            (("empty batch", b"[]", &[]), None),
            (("byte order mark", b"\xEF\xBB\xBF{\"method\":\"n\"}", &["notification n"]), None),
            (("nothing", b"", &[]), json),
            (("no JSON", b"<html>", &[]), json),
            (("no JSON from some place on", br#"[{"method":"n"},{"method":"#, &[]), json),
            (("no UTF-8", b"{\"method\":\"\xFF\"}", &[]), json),
            (("broken message", br#"{"id":7,"result":null}"#, &[]), message),
            (
                (
                    "broken part of a batch",
                    br#"[{"method":"n"},5,{"method":"m"}]"#,
                    &["notification n", "notification m"],
                ),
                message,
            ),
            (("nested batch", br#"[[{"method":"n"}]]"#, &[]), message),
        ];
        for ((kind, body, expected), status) in rows {
            assert_eq!(taken(body), (expected.iter().map(|text| (*text).to_owned()).collect(), *status), "{kind}");
        }
    }

    #[test]
    fn a_modern_result_is_of_a_type_that_its_request_allows() {
        let answered = |kind: &ResultType| {
            let mut found = None;
            each(br#"{"id":9,"result":{}}"#.to_vec(), |message| found = Some(message)).unwrap();
            let Some(Message::Result { response, .. }) = found else { panic!("no result") };
            RpcResponse { kind: kind.clone(), ..response }
        };
        let task = RequestPolicy { may_be_task: true, ..RequestPolicy::ONCE };
        for (kind, rules, is_allowed) in [
            (ResultType::Complete, RequestPolicy::PROBE, true),
            (ResultType::InputRequired, RequestPolicy::READ, true),
            (ResultType::InputRequired, RequestPolicy::REPEATABLE, false),
            (ResultType::Task, task, true),
            (ResultType::Task, RequestPolicy::ONCE, false),
            (ResultType::Other("x".into()), task, false),
        ] {
            let modern = check_result_type(Era::Modern, rules, answered(&kind));
            assert_eq!(modern.is_ok(), is_allowed, "{kind:?}");
            if let Err(error) = modern {
                assert_eq!(error.status(), MCP_INVALID_MESSAGE);
            }
            // To a legacy server the word means nothing.
            let legacy = check_result_type(Era::Legacy, rules, answered(&kind)).unwrap();
            assert_eq!(legacy.kind, ResultType::Complete);
        }
    }

    #[test]
    fn the_first_json_rpc_error_of_a_body_is_found() {
        let body = br#"[{"id":1,"result":{}},{"id":2,"error":{"code":-2,"message":"no"}},{"error":{"code":-3}}]"#;
        let (id, error) = rpc_error(body.to_vec()).unwrap();
        assert_eq!((id.as_deref(), error.code), (Some("2"), -2));
        assert!(rpc_error(br#"{"id":1,"result":{}}"#.to_vec()).is_none());
        assert!(rpc_error(b"<html>".to_vec()).is_none());
    }
}
