//! Faults of the connection: silence, cuts, resets, and odd but legal timing.

use super::{BEFORE_RESET, Exchange, Flow, Kind, LATE, content};
use crate::reply::{COMMENT, LAST_CHUNK, Reply, chunk};
use std::io::{self, Write};
use std::thread::sleep;
use std::time::Duration;

const DRIP: Duration = Duration::from_millis(20);

const HALF_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Ty";
const INTERIM: &[u8] =
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";

/// Answers, or does not.
pub fn strike(kind: &Kind, exchange: &mut Exchange) -> io::Result<Flow> {
    match kind {
        Kind::Silent => Ok(exchange.hold()),
        Kind::HalfHead => write(exchange, HALF_HEAD).map(|()| exchange.hold()),
        Kind::SilentBody => part_of_body(exchange, 1000).map(|()| exchange.hold()),
        Kind::BigContentLength => part_of_body(exchange, 99_999_999_999).map(|()| exchange.hold()),
        Kind::SilentStream => open_stream(exchange, &[COMMENT, &content::notification()]).map(|()| exchange.hold()),
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
        // The rest is handled before.
        _ => exchange.answer(),
    }
}

fn lost_session(exchange: &mut Exchange) -> io::Result<Flow> {
    let request = &exchange.request;
    if let Some(id) = request.session_id() {
        request.state.end_session(id);
        request.state.channels.forget(id);
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

/// The message that the right answer would carry, or something like one.
fn message(exchange: &Exchange) -> Vec<u8> {
    let reply = exchange.request.answer();
    reply.message().unwrap_or(br#"{"jsonrpc":"2.0","id":null,"result":{}}"#).to_vec()
}

/// A head that promises `length` bytes, and half an answer.
fn part_of_body(exchange: &mut Exchange, length: u64) -> io::Result<()> {
    let body = message(exchange);
    let mut out =
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    // Never so much that the promise would be kept.
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

fn open_stream(exchange: &mut Exchange, pieces: &[&[u8]]) -> io::Result<()> {
    let mut out = Vec::with_capacity(512);
    Reply::stream(Vec::new()).render_head(&mut out);
    pieces.iter().for_each(|piece| chunk(&mut out, piece));
    write(exchange, &out)
}

/// Ends the stream properly as HTTP goes, so that only the missing answer is wrong.
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
            exchange.gone();
            return Err(error);
        }
        sleep(DRIP);
    }
    exchange.deliver(reply);
    Ok(Flow::Next)
}
