//! Faults of the connection: missing data, early ends, resets, and unusual but valid timing.

use super::{BEFORE_RESET, Exchange, Flow, Kind, LATE, content};
use crate::reply::{COMMENT, LAST_CHUNK, Reply, chunk};
use std::io::{self, Write};
use std::thread::sleep;
use std::time::Duration;

const DRIP: Duration = Duration::from_millis(20);

const HALF_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Ty";
const INTERIM: &[u8] =
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";

/// Responds to a request with a fault.
pub fn apply(kind: &Kind, exchange: &mut Exchange) -> io::Result<Flow> {
    match kind {
        Kind::Silent => Ok(exchange.wait_for_disconnect()),
        Kind::HalfHead => write(exchange, HALF_HEAD).map(|()| exchange.wait_for_disconnect()),
        Kind::SilentBody => part_of_body(exchange, 1000).map(|()| exchange.wait_for_disconnect()),
        Kind::BigContentLength => part_of_body(exchange, 99_999_999_999).map(|()| exchange.wait_for_disconnect()),
        Kind::SilentStream => {
            open_stream(exchange, &[COMMENT, &content::notification()]).map(|()| exchange.wait_for_disconnect())
        }
        Kind::CutHead => write(exchange, HALF_HEAD).map(|()| Flow::Close),
        Kind::CutBody => part_of_body(exchange, 1000).map(|()| Flow::Close),
        Kind::CutChunk => cut_chunk(exchange).map(|()| Flow::Close),
        Kind::CutStream => cut_stream(exchange),
        Kind::Eof | Kind::Stale => Ok(Flow::Close),
        Kind::Reset => Ok(Flow::Reset),
        Kind::ResetBody => {
            part_of_body(exchange, 1000)?;
            sleep(BEFORE_RESET);
            Ok(Flow::Reset)
        }
        Kind::Drip => drip(exchange),
        Kind::Late => {
            sleep(LATE);
            exchange.answer()
        }
        Kind::LostSession => lost_session(exchange),
        Kind::Continue100 => {
            write(exchange, INTERIM)?;
            exchange.answer()
        }
        Kind::NulHeader => {
            let reply = exchange.request.answer();
            exchange.send(reply.header("X-Nul", "a\0b"))
        }
        Kind::Close => {
            exchange.last = true;
            exchange.answer()
        }
        Kind::CloseAfter => exchange.answer().map(|_| Flow::Close),
        // The caller handles all other kinds.
        _ => exchange.answer(),
    }
}

fn lost_session(exchange: &mut Exchange) -> io::Result<Flow> {
    let request = &exchange.request;
    if let Some(id) = request.session_id() {
        request.state.end_session(id);
        request.state.sse_streams.remove(id);
    }
    let has_401 = request.scenario.faults.iter().any(|fault| fault.kind == Kind::UnknownSession401);
    match content::reply(&Kind::UnknownSession401, request) {
        Some(reply) if has_401 => exchange.send(reply?),
        _ => exchange.answer(),
    }
}

fn write(exchange: &mut Exchange, bytes: &[u8]) -> io::Result<()> {
    exchange.stream.write_all(bytes)
}

/// The message of the correct response, or a replacement if it has none.
fn message(exchange: &Exchange) -> Vec<u8> {
    let reply = exchange.request.answer();
    reply.message().unwrap_or(br#"{"jsonrpc":"2.0","id":null,"result":{}}"#).to_vec()
}

/// Sends a head with a Content-Length of `length`, and half of the message.
fn part_of_body(exchange: &mut Exchange, length: u64) -> io::Result<()> {
    let body = message(exchange);
    let mut out =
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    // At most 500 bytes: always less than the Content-Length.
    out.extend_from_slice(&body[..(body.len() / 2).min(500)]);
    write(exchange, &out)
}

fn cut_chunk(exchange: &mut Exchange) -> io::Result<()> {
    let body = message(exchange);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut out = format!("{head}{:x}\r\n", body.len()).into_bytes();
    out.extend_from_slice(&body[..body.len() / 2]);
    write(exchange, &out)
}

fn open_stream(exchange: &mut Exchange, parts: &[&[u8]]) -> io::Result<()> {
    let mut out = Vec::with_capacity(512);
    Reply::stream(Vec::new()).render_head(&mut out);
    parts.iter().for_each(|part| chunk(&mut out, part));
    write(exchange, &out)
}

/// Ends the stream as HTTP requires: the missing response is the only fault.
fn cut_stream(exchange: &mut Exchange) -> io::Result<Flow> {
    open_stream(exchange, &[COMMENT, &content::notification()])?;
    write(exchange, LAST_CHUNK)?;
    Ok(Flow::Close)
}

fn drip(exchange: &mut Exchange) -> io::Result<Flow> {
    let mut reply = exchange.request.answer();
    exchange.prepare(&mut reply)?;
    reply.render(exchange.out);
    for byte in exchange.out.iter() {
        if let Err(error) = exchange.stream.write_all(&[*byte]) {
            exchange.record_disconnect();
            return Err(error);
        }
        sleep(DRIP);
    }
    exchange.deliver(reply);
    Ok(Flow::Next)
}
