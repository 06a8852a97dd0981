//! Answers that are not on the POST's own stream: it ends early, and a GET with `Last-Event-ID` brings what follows.

use crate::protocol::Request;
use crate::reply::{COMMENT, NOTIFICATION, Reply, event};
use crate::state::lock;
use std::collections::HashMap;
use std::sync::Mutex;

/// What the scenario's streams are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// The answer comes on the so-many-th GET; each before brings one notification.
    After(u64),
    /// Each GET ends without any event.
    Stuck,
    /// The POST's stream names no id to resume from.
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
                _ => Err(format!("resume wants a number from 1, stuck or no-id, not {value:?}")),
            },
        }
    }
}

/// The streams that wait to be resumed, by number.
#[derive(Default)]
pub struct Streams {
    open: Mutex<HashMap<u64, Pending>>,
}

#[derive(Clone)]
struct Pending {
    session: Option<String>,
    message: Vec<u8>,
}

/// Keeps the message of an answer back and opens the stream that it belongs to.
pub fn begin(request: &Request, resume: Resume, answer: Reply) -> Reply {
    let (200, Some(message)) = (answer.status, answer.message()) else {
        return answer;
    };
    let retry = match request.scenario.retry.as_deref() {
        Some("") => String::new(),
        retry => format!("retry: {}\n", retry.unwrap_or("10")),
    };
    if resume == Resume::NoId {
        return Reply::stream(vec![COMMENT.to_vec(), format!("{retry}data:\n\n").into_bytes()]);
    }
    let number = request.state.number();
    let pending = Pending { session: request.session_id().map(str::to_owned), message: message.to_vec() };
    lock(&request.state.streams.open).insert(number, pending);
    Reply::stream(vec![format!("id: {}\n{retry}data:\n\n", id(number, 0)).into_bytes()])
}

/// Goes on behind the event that the client saw last.
pub fn go_on(request: &Request) -> Reply {
    if !request.head.lists("Accept", "text/event-stream") {
        return Reply::text(406, "Accept must list text/event-stream\n");
    }
    let Some(last) = request.head.get("Last-Event-ID") else {
        return Reply::text(400, "no Last-Event-ID\n");
    };
    let known = position(last).and_then(|(number, step)| {
        let pending = lock(&request.state.streams.open).get(&number).cloned()?;
        (pending.session.as_deref() == request.session_id()).then_some((number, step, pending))
    });
    match (known, request.scenario.resume) {
        (Some((_, 0, _)), Some(Resume::Stuck)) => Reply::stream(vec![COMMENT.to_vec()]),
        (Some((number, step, pending)), Some(Resume::After(count))) if step < count => {
            let message = if step + 1 == count { &pending.message[..] } else { NOTIFICATION.as_bytes() };
            let id = format!("id: {}\n", id(number, step + 1));
            Reply::stream(vec![[id.as_bytes(), &event(message)].concat()])
        }
        _ => Reply::text(400, "nothing follows this Last-Event-ID\n"),
    }
}

/// The id of an event says which stream it is on, and where.
fn id(number: u64, step: u64) -> String {
    format!("stream-{number}-{step}")
}

fn position(id: &str) -> Option<(u64, u64)> {
    let (number, step) = id.strip_prefix("stream-")?.split_once('-')?;
    Some((number.parse().ok()?, step.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Head;
    use crate::options::Scenario;
    use crate::reply::Body;
    use crate::rpc::Message;
    use crate::state::State;

    /// What a GET brings: the body of its stream, or the status of its refusal.
    fn resumed(state: &State, options: &str, last: &str) -> Result<String, u16> {
        let text = format!("GET / HTTP/1.1\r\nAccept: text/event-stream\r\nLast-Event-ID: {last}\r\n\r\n");
        let reply = with_request(state, options, &text, go_on);
        match reply.body {
            Body::Stream(pieces) => Ok(String::from_utf8(pieces.concat()).unwrap()),
            _ => Err(reply.status),
        }
    }

    fn begun(state: &State, options: &str) -> String {
        let resume = Scenario::parse(options).unwrap().resume.unwrap();
        let reply = with_request(state, options, "POST / HTTP/1.1\r\n\r\n", |request| {
            begin(request, resume, Reply::json(200, "{}"))
        });
        let Body::Stream(pieces) = reply.body else { panic!("no stream") };
        String::from_utf8(pieces.concat()).unwrap()
    }

    fn with_request<T>(state: &State, options: &str, text: &str, run: impl FnOnce(&Request) -> T) -> T {
        let (scenario, mut head) = (Scenario::parse(options).unwrap(), Head::default());
        head.parse(text.as_bytes()).unwrap();
        let message = Message::parse(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
        run(&Request { state, scenario: &scenario, head: &head, message: &message })
    }

    #[test]
    fn the_answer_comes_on_the_last_stream() {
        let (state, options) = (State::default(), "resume=2");
        assert_eq!(begun(&state, options), "id: stream-1-0\nretry: 10\ndata:\n\n");
        let first = resumed(&state, options, "stream-1-0").unwrap();
        assert!(first.starts_with("id: stream-1-1\n") && first.contains("unrelated"), "{first}");
        let second = "id: stream-1-2\nevent: message\ndata: {}\n\n";
        assert_eq!(resumed(&state, options, "stream-1-1").as_deref(), Ok(second));
        for wrong in ["stream-1-2", "stream-2-0", "x", ""] {
            assert_eq!(resumed(&state, options, wrong), Err(400), "{wrong}");
        }
    }

    #[test]
    fn some_streams_lead_nowhere() {
        let state = State::default();
        assert_eq!(begun(&state, "resume=no-id+retry="), ": a comment, to be ignored\n\ndata:\n\n");
        begun(&state, "resume=stuck");
        assert_eq!(resumed(&state, "resume=stuck", "stream-1-0").as_deref(), Ok(": a comment, to be ignored\n\n"));
    }

    #[test]
    fn ids_are_read_back() {
        assert_eq!(position(&id(7, 3)), Some((7, 3)));
        assert_eq!(position("stream-7"), None);
        assert_eq!(position("stream-7-x"), None);
        assert_eq!(position(""), None);
    }

    #[test]
    fn the_option_has_three_forms() {
        assert_eq!(Resume::parse("2"), Ok(Resume::After(2)));
        assert_eq!(Resume::parse("stuck"), Ok(Resume::Stuck));
        assert_eq!(Resume::parse("no-id"), Ok(Resume::NoId));
        assert!(Resume::parse("0").is_err() && Resume::parse("x").is_err());
    }
}
