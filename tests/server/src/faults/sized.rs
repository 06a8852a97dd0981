//! Correct responses of a given size, and responses with invalid gzip bodies.

use super::Kind;
use crate::encoding::{gzip, gzip_header, gzip_repeated};
use crate::protocol::Request;
use crate::reply::{Reply, event};
use std::io;

/// The size of a repeated block of the gzip bomb, and how often it is repeated: a little more than 1 GiB.
const BOMB_BLOCK: usize = 1 << 20;
const BOMB_COUNT: usize = 1025;

const PADDING: &str = "X-Padding";

/// The response, or `None` when the fault is of another kind.
pub fn reply(kind: &Kind, request: &Request) -> Option<io::Result<Reply>> {
    Some(match kind {
        Kind::HeadSize(size) => Ok(pad_head(request.answer(), *size)),
        Kind::BodySize(size) => Ok(pad_message(request.answer(), *size)),
        Kind::EventSize(size) => Ok(with_event_before(request.answer(), *size)),
        Kind::GzipBomb => gzip_bomb(request),
        Kind::GzipCut => truncated_gzip(request),
        Kind::GzipGarbage => Ok(declared_gzip(correct_message(request))),
        _ => return None,
    })
}

/// The response with a head of `size` bytes, from the status line to the empty line.
pub fn pad_head(reply: Reply, size: usize) -> Reply {
    let mut head = Vec::new();
    let reply = reply.header(PADDING, "");
    reply.render_head(&mut head);
    let Some(padding) = size.checked_sub(head.len()) else {
        return Reply::text(418, format!("the head without padding has {} bytes\n", head.len()));
    };
    let mut reply = reply;
    reply.headers.retain(|(name, _)| *name != PADDING);
    reply.header(PADDING, "a".repeat(padding))
}

fn pad_message(mut reply: Reply, size: usize) -> Reply {
    let Some(message) = reply.message() else { return reply };
    let Some(padding) = size.checked_sub(message.len()) else {
        return Reply::text(418, format!("the message without padding has {} bytes\n", message.len()));
    };
    let padded = padded(message, padding);
    reply.set_message(padded);
    reply
}

/// Inserts white space after the opening brace: at the end of the message, nothing would detect its loss.
fn padded(message: &[u8], padding: usize) -> Vec<u8> {
    let (brace, rest) = message.split_at(1.min(message.len()));
    [brace, &vec![b' '; padding], rest].concat()
}

/// The response after an event whose data has `size` bytes.
fn with_event_before(mut reply: Reply, size: usize) -> Reply {
    let frame = |text: &str| {
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"info","data":"{text}"}}}}"#)
    };
    let Some(padding) = size.checked_sub(frame("").len()) else {
        return Reply::text(418, format!("the smallest event has {} bytes\n", frame("").len()));
    };
    if reply.has_rpc_response()
        && let Some(events) = reply.events_mut()
    {
        let at = events.len().saturating_sub(1);
        events.insert(at, event(frame(&"a".repeat(padding)).as_bytes()));
    }
    reply
}

fn gzip_bomb(request: &Request) -> io::Result<Reply> {
    let opening = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{"filler":""#, request.message.id());
    let body = gzip_repeated(opening.as_bytes(), &vec![b'a'; BOMB_BLOCK], BOMB_COUNT, br#""}}"#)?;
    Ok(declared_gzip(body))
}

fn truncated_gzip(request: &Request) -> io::Result<Reply> {
    let mut body = gzip(&correct_message(request))?;
    body.truncate(body.len() / 2);
    Ok(declared_gzip(body))
}

/// A JSON body that is declared as gzip. `Reply::other` is never compressed again.
fn declared_gzip(body: Vec<u8>) -> Reply {
    let mut reply = Reply::other(200, "application/json", body);
    reply.headers.push(gzip_header());
    reply
}

fn correct_message(request: &Request) -> Vec<u8> {
    request.answer().message().unwrap_or(b"{}").to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_padded_to_the_requested_size() {
        for size in [200, 1000, 70_000] {
            let mut out = Vec::new();
            pad_head(Reply::json(200, "{}"), size).render_head(&mut out);
            assert_eq!(out.len(), size);
        }
        assert_eq!(pad_head(Reply::json(200, "{}"), 10).status, 418);
    }

    #[test]
    fn a_message_is_padded_to_the_requested_size() {
        let reply = pad_message(Reply::json(200, r#"{"a":1}"#), 100);
        let message = reply.message().unwrap();
        assert_eq!(message.len(), 100);
        assert_eq!(serde_json::from_slice::<serde_json::Value>(message).unwrap()["a"], 1);
        assert_eq!(pad_message(Reply::json(200, "{}"), 1).status, 418);
    }

    #[test]
    fn an_event_of_the_requested_size_precedes_the_response() {
        let mut reply = with_event_before(Reply::json(200, "{}"), 200);
        let events = reply.events_mut().unwrap();
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].len(), event(b"").len() + 200);
        assert_eq!(events[1], event(b"{}"));
    }
}
