//! Resumed streams: the stream of a POST ends before the response, and a GET with `Last-Event-ID` continues it.

use crate::protocol::Request;
use crate::reply::{COMMENT, NOTIFICATION, Reply, event};
use crate::state::lock;
use std::collections::HashMap;
use std::sync::Mutex;

/// How the streams of a scenario can be resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// The n-th GET returns the response; each earlier GET returns one notification.
    After(u64),
    /// Each GET ends without any event.
    Stuck,
    /// The stream of the POST has no event id, so it cannot be resumed.
    NoId,
}

impl Resume {
    /// The value of `resume=`.
    pub fn parse(value: &str) -> Result<Self, String> {
        match value {
            "stuck" => Ok(Self::Stuck),
            "no-id" => Ok(Self::NoId),
            _ => match value.parse() {
                Ok(count) if count > 0 => Ok(Self::After(count)),
                _ => Err(format!("resume must be a number from 1, stuck or no-id, not {value:?}")),
            },
        }
    }
}

/// The streams that can be resumed, by number.
#[derive(Default)]
pub struct Streams {
    open: Mutex<HashMap<u64, HeldResponse>>,
}

#[derive(Clone)]
struct HeldResponse {
    session: Option<String>,
    message: Vec<u8>,
}

/// Holds the message of a response, and starts the stream to which it belongs.
pub fn begin(request: &Request, resume: Resume, response: Reply) -> Reply {
    let (200, Some(message)) = (response.status, response.message()) else {
        return response;
    };
    let retry = match request.scenario.retry.as_deref() {
        Some("") => String::new(),
        retry => format!("retry: {}\n", retry.unwrap_or("10")),
    };
    if resume == Resume::NoId {
        return Reply::stream(vec![COMMENT.to_vec(), format!("{retry}data:\n\n").into_bytes()]);
    }
    let number = request.state.number();
    let held = HeldResponse { session: request.session_id().map(str::to_owned), message: message.to_vec() };
    lock(&request.state.streams.open).insert(number, held);
    Reply::stream(vec![format!("id: {}\n{retry}data:\n\n", id(number, 0)).into_bytes()])
}

/// Continues a stream after the last event that the client has received.
pub fn continue_stream(request: &Request) -> Reply {
    if !request.head.lists("Accept", "text/event-stream") {
        return Reply::text(406, "Accept must list text/event-stream\n");
    }
    let Some(last) = request.head.get("Last-Event-ID") else {
        return Reply::text(400, "no Last-Event-ID\n");
    };
    let known = parse_id(last).and_then(|(number, index)| {
        let held = lock(&request.state.streams.open).get(&number).cloned()?;
        (held.session.as_deref() == request.session_id()).then_some((number, index, held))
    });
    match (known, request.scenario.resume) {
        (Some((_, 0, _)), Some(Resume::Stuck)) => Reply::stream(vec![COMMENT.to_vec()]),
        (Some((number, index, held)), Some(Resume::After(count))) if index < count => {
            let message = if index + 1 == count { &held.message[..] } else { NOTIFICATION.as_bytes() };
            let id = format!("id: {}\n", id(number, index + 1));
            Reply::stream(vec![[id.as_bytes(), &event(message)].concat()])
        }
        _ => Reply::text(400, "unknown Last-Event-ID\n"),
    }
}

/// An event id: the number of the stream, and the index of the event in it.
fn id(number: u64, index: u64) -> String {
    format!("stream-{number}-{index}")
}

fn parse_id(id: &str) -> Option<(u64, u64)> {
    let (number, index) = id.strip_prefix("stream-")?.split_once('-')?;
    Some((number.parse().ok()?, index.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Head;
    use crate::options::Scenario;
    use crate::reply::Body;
    use crate::rpc::Message;
    use crate::state::State;

    /// The result of a GET: the body of its stream, or the status of an error.
    fn resume_result(state: &State, options: &str, last: &str) -> Result<String, u16> {
        let text = format!("GET / HTTP/1.1\r\nAccept: text/event-stream\r\nLast-Event-ID: {last}\r\n\r\n");
        let reply = with_request(state, options, &text, continue_stream);
        match reply.body {
            Body::Stream(parts) => Ok(String::from_utf8(parts.concat()).unwrap()),
            _ => Err(reply.status),
        }
    }

    fn first_stream(state: &State, options: &str) -> String {
        let resume = Scenario::parse(options).unwrap().resume.unwrap();
        let reply = with_request(state, options, "POST / HTTP/1.1\r\n\r\n", |request| {
            begin(request, resume, Reply::json(200, "{}"))
        });
        let Body::Stream(parts) = reply.body else { panic!("the body is not an event stream") };
        String::from_utf8(parts.concat()).unwrap()
    }

    fn with_request<T>(state: &State, options: &str, text: &str, run: impl FnOnce(&Request) -> T) -> T {
        let (scenario, mut head) = (Scenario::parse(options).unwrap(), Head::default());
        head.parse(text.as_bytes()).unwrap();
        let message = Message::parse(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
        run(&Request { state, scenario: &scenario, head: &head, message: &message, body: b"", endpoint: None })
    }

    #[test]
    fn the_last_stream_contains_the_response() {
        let (state, options) = (State::default(), "resume=2");
        assert_eq!(first_stream(&state, options), "id: stream-1-0\nretry: 10\ndata:\n\n");
        let first = resume_result(&state, options, "stream-1-0").unwrap();
        assert!(first.starts_with("id: stream-1-1\n") && first.contains("unrelated"), "{first}");
        let second = "id: stream-1-2\nevent: message\ndata: {}\n\n";
        assert_eq!(resume_result(&state, options, "stream-1-1").as_deref(), Ok(second));
        for wrong in ["stream-1-2", "stream-2-0", "x", ""] {
            assert_eq!(resume_result(&state, options, wrong), Err(400), "{wrong}");
        }
    }

    #[test]
    fn stuck_and_no_id_streams_never_return_the_response() {
        let state = State::default();
        assert_eq!(first_stream(&state, "resume=no-id+retry="), ": a comment, to be ignored\n\ndata:\n\n");
        first_stream(&state, "resume=stuck");
        assert_eq!(
            resume_result(&state, "resume=stuck", "stream-1-0").as_deref(),
            Ok(": a comment, to be ignored\n\n")
        );
    }

    #[test]
    fn event_ids_are_parsed() {
        assert_eq!(parse_id(&id(7, 3)), Some((7, 3)));
        assert_eq!(parse_id("stream-7"), None);
        assert_eq!(parse_id("stream-7-x"), None);
        assert_eq!(parse_id(""), None);
    }

    #[test]
    fn the_resume_option_has_three_forms() {
        assert_eq!(Resume::parse("2"), Ok(Resume::After(2)));
        assert_eq!(Resume::parse("stuck"), Ok(Resume::Stuck));
        assert_eq!(Resume::parse("no-id"), Ok(Resume::NoId));
        assert!(Resume::parse("0").is_err() && Resume::parse("x").is_err());
    }
}
