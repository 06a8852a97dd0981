//! Responses that never end. They continue until the client disconnects.

use super::{Exchange, Flow, Kind};
use crate::reply::{Reply, chunk};
use std::io::{self, Write};

/// Large enough to be fast, small enough to detect soon that the client has disconnected.
const BLOCK: usize = 64 * 1024;

/// Sends until writing fails.
pub fn send(kind: &Kind, exchange: &mut Exchange) -> io::Result<Flow> {
    if *kind == Kind::HeaderFlood {
        exchange.stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")?;
        let mut number = 0u64;
        loop {
            let mut lines = String::with_capacity(BLOCK + 256);
            while lines.len() < BLOCK {
                number += 1;
                lines.push_str(&format!("X-Flood-{number}: {:a<100}\r\n", ""));
            }
            exchange.stream.write_all(lines.as_bytes())?;
        }
    }
    let id = exchange.request.message.id().to_string();
    let opening = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"filler":""#);
    let mut out = Vec::with_capacity(BLOCK + 1024);
    if *kind == Kind::BigEvent {
        Reply::stream(Vec::new()).render_head(&mut out);
        chunk(&mut out, format!("event: message\ndata: {opening}").as_bytes());
    } else {
        out.extend_from_slice(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        );
        chunk(&mut out, opening.as_bytes());
    }
    exchange.stream.write_all(&out)?;
    out.clear();
    chunk(&mut out, &vec![b'a'; BLOCK]);
    loop {
        exchange.stream.write_all(&out)?;
    }
}
