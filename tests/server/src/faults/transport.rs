//! Faults in the relation between the response to a POST and the event with the JSON-RPC response (HTTP+SSE), requests
//! of the server, and the end of event streams.

use super::{BEFORE_RESET, Exchange, Flow, Kind, Moment};
use crate::legacy::{PING_ID, pong_key};
use crate::reply::{Body, Delivery, LAST_CHUNK, Reply, chunk, event};
use crate::sse;
use crate::sse_streams::End;
use std::io::{self, Write};
use std::thread::sleep;
use std::time::Duration;

/// How long the server waits for the response to its ping.
const PING_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for the client to process one message before the next is sent.
const PAUSE: Duration = Duration::from_millis(50);

/// Responds to a POST of HTTP+SSE in an unusual order.
pub fn apply(kind: &Kind, exchange: &mut Exchange) -> io::Result<Flow> {
    let mut reply = exchange.request.answer();
    let Some(delivery) = reply.delivery.take() else {
        return exchange.send(reply);
    };
    let state = exchange.request.state;
    match kind {
        Kind::EarlyAnswer => {
            state.sse_streams.deliver_and_wait(delivery);
            sleep(PAUSE);
            exchange.send(reply)
        }
        Kind::AnswerOnly => {
            state.sse_streams.deliver(delivery);
            Ok(exchange.wait_for_disconnect())
        }
        Kind::AnswerInPost => {
            reply.delivery = Some(delivery);
            let message = reply.message().unwrap_or_default().to_vec();
            exchange.send(Reply::json(200, message))
        }
        Kind::PingRequest => {
            // Does not wait for the response: the client may send it on this connection.
            reply.delivery = Some(Delivery { session: delivery.session.clone(), events: vec![ping()] });
            state.sse_streams.hold(delivery);
            exchange.send(reply)
        }
        Kind::PingAfter => {
            let session = delivery.session.clone();
            reply.delivery = Some(delivery);
            let flow = exchange.send(reply)?;
            sleep(PAUSE);
            state.sse_streams.deliver(Delivery { session, events: vec![ping()] });
            Ok(flow)
        }
        _ => {
            reply.delivery = Some(delivery);
            exchange.send(reply)
        }
    }
}

/// Sends a ping to the client on the event stream of its request (Streamable HTTP), and waits for the response.
pub fn ping_request(exchange: &mut Exchange) -> io::Result<Flow> {
    let reply = exchange.request.answer();
    let (Some(message), 200) = (reply.message().map(<[u8]>::to_vec), reply.status) else {
        return exchange.send(reply);
    };
    let key = pong_key(&exchange.request);
    let before = exchange.request.state.pongs(&key);
    let mut out = Vec::with_capacity(512);
    Reply::stream(Vec::new()).render_head(&mut out);
    chunk(&mut out, &ping());
    exchange.stream.write_all(&out)?;
    out.clear();
    if exchange.request.state.wait_for_pong(&key, before, PING_TIMEOUT) {
        chunk(&mut out, &event(&message));
    }
    out.extend_from_slice(LAST_CHUNK);
    exchange.stream.write_all(&out)?;
    Ok(Flow::Next)
}

fn ping() -> Vec<u8> {
    event(format!(r#"{{"jsonrpc":"2.0","id":"{PING_ID}","method":"ping"}}"#).as_bytes())
}

/// Ends the event stream of a response before, in or after the event with the response.
pub fn ends(end: End, moment: Moment, exchange: &mut Exchange) -> io::Result<Flow> {
    let mut reply = exchange.request.answer();
    if let Some(Delivery { session, events }) = reply.delivery.take() {
        let flow = exchange.send(reply)?;
        let steps = events.into_iter().flat_map(|event| sse::ending(end, moment, event));
        exchange.request.state.sse_streams.push(&session, steps);
        return Ok(flow);
    }
    if reply.status == 200 && matches!(reply.body, Body::Json(_)) {
        reply.events_mut();
    }
    // A response that cannot become an event stream is sent unchanged.
    let Body::Stream(parts) = &mut reply.body else {
        return exchange.send(reply);
    };
    let last = parts.pop().unwrap_or_default();
    match moment {
        Moment::Before => {}
        Moment::Half => parts.push(last[..last.len() / 2].to_vec()),
        Moment::After => parts.push(last),
    }
    exchange.prepare(&mut reply)?;
    reply.render(exchange.out);
    if end != End::Clean {
        exchange.out.truncate(exchange.out.len() - LAST_CHUNK.len());
    }
    exchange.stream.write_all(exchange.out)?;
    if end == End::Reset {
        sleep(BEFORE_RESET);
        return Ok(Flow::Reset);
    }
    Ok(Flow::Close)
}
