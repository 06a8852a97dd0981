//! Faults of what HTTP+SSE keeps apart: the response to a POST, and the event with the answer. Ends of any event stream.

use super::{BEFORE_RESET, Exchange, Flow, Kind, Moment};
use crate::channels::End;
use crate::legacy::{PING_ID, pong_key};
use crate::reply::{Body, Delivery, LAST_CHUNK, Reply, chunk, event};
use crate::sse;
use std::io::{self, Write};
use std::thread::sleep;
use std::time::Duration;

/// After this long, a client that does not answer the server's ping never will.
const PONG_LIMIT: Duration = Duration::from_secs(30);
/// Time for the client to take one thing in before the next comes.
const PAUSE: Duration = Duration::from_millis(50);

/// Answers a POST of HTTP+SSE the wrong way round.
pub fn strike(kind: &Kind, exchange: &mut Exchange) -> io::Result<Flow> {
    let mut reply = exchange.request.answer();
    let Some(delivery) = reply.delivery.take() else {
        return exchange.send(reply);
    };
    let state = exchange.request.state;
    match kind {
        Kind::EarlyAnswer => {
            state.channels.deliver_and_wait(delivery);
            sleep(PAUSE);
            exchange.send(reply)
        }
        Kind::AnswerOnly => {
            state.channels.deliver(delivery);
            Ok(exchange.hold())
        }
        Kind::AnswerInPost => {
            reply.delivery = Some(delivery);
            let message = reply.message().unwrap_or_default().to_vec();
            exchange.send(Reply::json(200, message))
        }
        Kind::PingRequest => {
            // Not waited for here: the client may well send its answer on this very connection.
            reply.delivery = Some(Delivery { session: delivery.session.clone(), events: vec![ping()] });
            state.channels.hold(delivery);
            exchange.send(reply)
        }
        Kind::PingAfter => {
            let session = delivery.session.clone();
            reply.delivery = Some(delivery);
            let flow = exchange.send(reply)?;
            sleep(PAUSE);
            state.channels.deliver(Delivery { session, events: vec![ping()] });
            Ok(flow)
        }
        _ => {
            reply.delivery = Some(delivery);
            exchange.send(reply)
        }
    }
}

/// Asks the client something in the middle of its own request (Streamable HTTP).
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
    if exchange.request.state.wait_for_pong(&key, before, PONG_LIMIT) {
        chunk(&mut out, &event(&message));
    }
    out.extend_from_slice(LAST_CHUNK);
    exchange.stream.write_all(&out)?;
    Ok(Flow::Next)
}

fn ping() -> Vec<u8> {
    event(format!(r#"{{"jsonrpc":"2.0","id":"{PING_ID}","method":"ping"}}"#).as_bytes())
}

/// Ends the event stream that carries the answer, around the answer's event.
pub fn ends(end: End, moment: Moment, exchange: &mut Exchange) -> io::Result<Flow> {
    let mut reply = exchange.request.answer();
    if let Some(Delivery { session, events }) = reply.delivery.take() {
        let flow = exchange.send(reply)?;
        let steps = events.into_iter().flat_map(|event| sse::ending(end, moment, event));
        exchange.request.state.channels.put(&session, steps);
        return Ok(flow);
    }
    if reply.status == 200 && matches!(reply.body, Body::Json(_)) {
        reply.events_mut();
    }
    // What is no stream and cannot become one is answered as it is.
    let Body::Stream(pieces) = &mut reply.body else {
        return exchange.send(reply);
    };
    let last = pieces.pop().unwrap_or_default();
    match moment {
        Moment::Before => {}
        Moment::Half => pieces.push(last[..last.len() / 2].to_vec()),
        Moment::After => pieces.push(last),
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
