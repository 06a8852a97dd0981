//! Finds the JSON-RPC messages in a response body, in the data of an event, or in a line of stdout.

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

/// Passes each message of a response body to `take`. Fails at once if the body is not valid JSON; fails after the other
/// messages if a part of the body is not a valid message.
pub fn for_each_message(body: Vec<u8>, mut take: impl FnMut(Message)) -> Result<()> {
    let ParsedMessages { text, items } = parse(body);
    if items.last().is_some_and(|item| item.invalid_reason() == Some(&InvalidReason::InvalidJson)) {
        return Err(parse_error(&text, &InvalidReason::InvalidJson));
    }
    let mut first_error = None;
    for item in items {
        match item.strict() {
            Ok(message) => take(message),
            Err(reason) => first_error = first_error.or(Some(reason)),
        }
    }
    first_error.map_or(Ok(()), |reason| Err(parse_error(&text, &reason)))
}

/// A valid or an invalid message on a stream that may contain other data as well.
pub enum StreamMessage {
    Message(Message),
    /// An invalid response: its id, and why it is invalid.
    InvalidResponse {
        id: Option<String>,
        error: Error,
    },
}

/// Passes the messages in the data of an event or in a line of stdout to `take`, which returns whether it used them. If
/// anything in the data is not a JSON-RPC message or was not used, the result is an excerpt of the data. For `is_ours`,
/// see [`jsonrpc::Item::classify`].
pub fn classify_messages(
    data: Vec<u8>,
    is_ours: impl Fn(Option<&str>) -> bool,
    mut take: impl FnMut(StreamMessage) -> bool,
) -> Option<Excerpt> {
    // Data that starts differently cannot be a message: do not parse it.
    match without_bom(&data).iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return None,
        Some(b'{' | b'[') => {}
        Some(_) => return Some(Excerpt::of(&data)),
    }
    let parsed = parse(data);
    let mut has_unused = parsed.items.last().is_none();
    for item in parsed.items {
        let is_used = match item.classify(&is_ours) {
            ItemClass::Message(message) => take(StreamMessage::Message(message)),
            ItemClass::InvalidResponse(invalid) => {
                let error = parse_error(&parsed.text, &invalid.reason);
                take(StreamMessage::InvalidResponse { id: invalid.id, error })
            }
            ItemClass::Foreign => false,
        };
        has_unused |= !is_used;
    }
    has_unused.then(|| Excerpt::of(parsed.text.text().as_bytes()))
}

/// Passes the messages of an event to `take`, like [`classify_messages`], and logs data that was not used.
pub fn classify_event(
    call: &CallContext,
    event: &mut SseEvent,
    skipped: &mut SkippedInput,
    is_ours: impl Fn(Option<&str>) -> bool,
    take: impl FnMut(StreamMessage) -> bool,
) {
    let has_custom_name = has_custom_name(event);
    call.trace_received(&event.data);
    if let Some(rest) = classify_messages(std::mem::take(&mut event.data), is_ours, take) {
        skipped.record_event(call, rest, has_custom_name);
    }
}

/// Whether an event has a name that the specification does not use for messages.
pub fn has_custom_name(event: &SseEvent) -> bool {
    !event.name.is_empty()
}

/// Parses a body, the data of an event, or a line.
fn parse(mut bytes: Vec<u8>) -> ParsedMessages {
    let bom_length = bytes.len() - without_bom(&bytes).len();
    bytes.drain(..bom_length);
    match utf8(bytes) {
        Ok(text) => jsonrpc::read(text),
        Err(error) => {
            let why = error.utf8_error().to_string();
            jsonrpc::read(String::from_utf8_lossy(error.as_bytes()).into_owned()).with_invalid_utf8(&why)
        }
    }
}

/// Removes a byte order mark, which some servers send.
fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BOM).unwrap_or(bytes)
}

fn parse_error(text: &ValidatedText, reason: &InvalidReason) -> Error {
    let not_json = |why: &str| Error::new(MCP_INVALID_JSON, format!("the server's response is not valid JSON: {why}"));
    match reason {
        InvalidReason::InvalidJson => not_json(&ParsedMessages::json_error(text)),
        InvalidReason::NotUtf8(why) => not_json(why),
        InvalidReason::NotMessage(why) => {
            Error::new(MCP_INVALID_MESSAGE, format!("the server's response is not a valid JSON-RPC message: {why}"))
        }
    }
}

/// Checks that the request allows the result's `resultType`: an unknown type makes a result invalid (2026-07-28,
/// "ResultType"). It is ignored for a legacy server, where the member has no meaning.
pub fn check_result_type(era: Era, policy: RequestPolicy, response: RpcResponse) -> Result<RpcResponse> {
    let kind = match response.kind {
        _ if era == Era::Legacy => return Ok(RpcResponse { kind: ResultType::Complete, ..response }),
        ResultType::Complete => return Ok(response),
        ResultType::InputRequired if policy.may_require_input => return Ok(response),
        ResultType::Task if policy.may_be_task => return Ok(response),
        ResultType::InputRequired => "input_required",
        ResultType::Task => "task",
        ResultType::Other(ref name) => name,
    };
    let why = format!("the server's result has the type {kind:?}, which the request does not allow");
    Err(Error::new(MCP_INVALID_MESSAGE, why))
}

/// The first JSON-RPC error in the body of a failed HTTP request, and its id.
pub fn rpc_error(body: Vec<u8>) -> Option<(Option<String>, RpcError)> {
    parse(body).items.into_iter().find_map(|item| match item.strict() {
        Ok(Message::Error { id, error }) => Some((id, error)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::fake::{call, recording_context};

    const OUR_ID: &str = "7";

    /// A test case: its name, the bytes, and the expected messages.
    type ExpectedMessages<'a> = (&'a str, &'a [u8], &'a [&'a str]);

    fn describe(message: &Message) -> String {
        match message {
            Message::Result { id, .. } => format!("result {}", id.text()),
            Message::Error { id, .. } => format!("error {}", id.as_deref().unwrap_or("-")),
            Message::Request { id, method, .. } => format!("request {id} {method}"),
            Message::Notification { method, .. } => format!("notification {method}"),
        }
    }

    /// The messages that `classify_messages` passes on, and the excerpt that it returns.
    fn classified(data: &[u8], is_used: bool) -> (Vec<String>, Option<String>) {
        let mut taken = Vec::new();
        let rest = classify_messages(
            data.to_vec(),
            |id| id == Some(OUR_ID),
            |found| {
                taken.push(match found {
                    StreamMessage::Message(message) => describe(&message),
                    StreamMessage::InvalidResponse { id, error } => {
                        format!("invalid {} {:?}", id.as_deref().unwrap_or("-"), error.status())
                    }
                });
                is_used
            },
        );
        let (context, ..) = recording_context();
        (taken, rest.map(|rest| rest.logged(&call(&context))))
    }

    #[test]
    fn messages_are_passed_on_and_other_data_is_returned_as_an_excerpt() {
        let not_json = format!("{MCP_INVALID_JSON:?}");
        let not_message = format!("{MCP_INVALID_MESSAGE:?}");
        let result = r#"{"jsonrpc":"2.0","id":9,"result":{}}"#;
        let rows: &[ExpectedMessages] = &[
            ("result", result.as_bytes(), &["result 9"]),
            ("error", br#"{"jsonrpc":"2.0","error":{"code":1,"message":"no"}}"#, &["error -"]),
            ("request", br#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#, &["request \"a\" ping"]),
            ("notification", br#"{"jsonrpc":"2.0","method":"n"}"#, &["notification n"]),
            ("our response without the version", br#"{"id":7,"result":{}}"#, &["result 7"]),
            (
                "batch",
                br#"[{"jsonrpc":"2.0","method":"n"},{"jsonrpc":"2.0","id":9,"result":{}}]"#,
                &["notification n", "result 9"],
            ),
            ("byte order mark", b"\xEF\xBB\xBF {\"jsonrpc\":\"2.0\",\"method\":\"n\"}", &["notification n"]),
            ("invalid message", br#"{"jsonrpc":"2.0","id":7,"result":null}"#, &[&format!("invalid 7 {not_message}")]),
            (
                "our invalid response without the version",
                br#"{"id":7,"result":1}"#,
                &[&format!("invalid 7 {not_message}")],
            ),
            (
                "JSON with an invalid token",
                br#"{"jsonrpc":"2.0","id":7,"result":NaN}"#,
                &[&format!("invalid 7 {not_json}")],
            ),
            (
                "invalid UTF-8",
                b"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"x\":\"\xFF\"}}",
                &[&format!("invalid 7 {not_json}")],
            ),
            ("empty", b"", &[]),
            ("white space", b" \t\r\n", &[]),
            ("byte order mark alone", b"\xEF\xBB\xBF", &[]),
        ];
        for (kind, data, expected) in rows {
            assert_eq!(
                classified(data, true),
                (expected.iter().map(|text| (*text).to_owned()).collect(), None),
                "{kind}"
            );
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
            let (taken, rest) = classified(text.as_bytes(), true);
            assert!(taken.is_empty() && rest.is_some(), "{text:.100}: {taken:?} {rest:?}");
        }
    }

    #[test]
    fn a_batch_with_an_unused_part_is_returned_as_an_excerpt() {
        let batch = r#"["x",{"jsonrpc":"2.0","method":"n"}]"#;
        assert_eq!(classified(batch.as_bytes(), true), (vec!["notification n".into()], Some(batch.into())));
        let message = r#"{"jsonrpc":"2.0","method":"n"}"#;
        assert_eq!(classified(message.as_bytes(), false), (vec!["notification n".into()], Some(message.into())));
    }

    /// The messages that `for_each_message` passes on, and the status with which it fails.
    fn taken(body: &[u8]) -> (Vec<String>, Option<Status>) {
        let mut found = Vec::new();
        let outcome = for_each_message(body.to_vec(), |message| found.push(describe(&message)));
        (found, outcome.err().map(|error| error.status()))
    }

    #[test]
    fn a_body_must_contain_only_messages() {
        let (json, message) = (Some(MCP_INVALID_JSON), Some(MCP_INVALID_MESSAGE));
        let rows: &[(ExpectedMessages, Option<Status>)] = &[
            (("message", br#"{"id":9,"result":{}}"#, &["result 9"]), None),
            (("batch", br#"[{"method":"n"},{"id":9,"result":{}}]"#, &["notification n", "result 9"]), None),
            (("empty batch", b"[]", &[]), None),
            (("byte order mark", b"\xEF\xBB\xBF{\"method\":\"n\"}", &["notification n"]), None),
            (("empty", b"", &[]), json),
            (("HTML", b"<html>", &[]), json),
            (("truncated JSON", br#"[{"method":"n"},{"method":"#, &[]), json),
            (("invalid UTF-8", b"{\"method\":\"\xFF\"}", &[]), json),
            (("invalid message", br#"{"id":7,"result":null}"#, &[]), message),
            (
                (
                    "invalid part of a batch",
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
    fn a_modern_result_must_have_a_type_that_its_request_allows() {
        let response_of = |kind: &ResultType| {
            let mut found = None;
            for_each_message(br#"{"id":9,"result":{}}"#.to_vec(), |message| found = Some(message)).unwrap();
            let Some(Message::Result { response, .. }) = found else { panic!("no result") };
            RpcResponse { kind: kind.clone(), ..response }
        };
        let task = RequestPolicy { may_be_task: true, ..RequestPolicy::ONCE };
        for (kind, policy, is_allowed) in [
            (ResultType::Complete, RequestPolicy::PROBE, true),
            (ResultType::InputRequired, RequestPolicy::READ, true),
            (ResultType::InputRequired, RequestPolicy::REPEATABLE, false),
            (ResultType::Task, task, true),
            (ResultType::Task, RequestPolicy::ONCE, false),
            (ResultType::Other("x".into()), task, false),
        ] {
            let modern = check_result_type(Era::Modern, policy, response_of(&kind));
            assert_eq!(modern.is_ok(), is_allowed, "{kind:?}");
            if let Err(error) = modern {
                assert_eq!(error.status(), MCP_INVALID_MESSAGE);
            }
            // The member has no meaning for a legacy server.
            let legacy = check_result_type(Era::Legacy, policy, response_of(&kind)).unwrap();
            assert_eq!(legacy.kind, ResultType::Complete);
        }
    }

    #[test]
    fn rpc_error_finds_the_first_error_of_a_body() {
        let body = br#"[{"id":1,"result":{}},{"id":2,"error":{"code":-2,"message":"no"}},{"error":{"code":-3}}]"#;
        let (id, error) = rpc_error(body.to_vec()).unwrap();
        assert_eq!((id.as_deref(), error.code), (Some("2"), -2));
        assert!(rpc_error(br#"{"id":1,"result":{}}"#.to_vec()).is_none());
        assert!(rpc_error(b"<html>".to_vec()).is_none());
    }
}
