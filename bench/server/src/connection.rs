//! One connection, from its first request to its last.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use crate::http::{self, Head};
use crate::mcp::{self, Manner};
use crate::reply::Reply;
use crate::stats;
#[cfg(feature = "tls")]
use crate::tls;
use crate::tls::Tls;

const START: usize = 64 * 1024;

/// Serves until the client closes; what goes wrong ends the connection, and is the client's to report.
pub fn serve(stream: TcpStream, tls: &Tls) {
    stats::opened();
    let mut answered = 0;
    let _ = stream.set_nodelay(true).and_then(|()| match tls {
        #[cfg(feature = "tls")]
        Some(config) => requests(&mut tls::accept(config, &stream)?, &mut answered),
        _ => requests(&mut &stream, &mut answered),
    });
    stats::closed(answered);
}

fn requests(stream: &mut (impl Read + Write), answered: &mut u64) -> io::Result<()> {
    let mut input = vec![0; START];
    let mut filled = 0;
    let mut kept = Reply::new();
    loop {
        let Some((size, body)) = receive(stream, &mut input, &mut filled)? else {
            return Ok(());
        };
        // Read once more: the head borrows from a buffer that may have grown meanwhile.
        let mut reply = kept.again();
        if let Some(head) = http::head(&input[..size]) {
            answer(&head, &input[size..size + body], &mut reply);
            *answered += u64::from(head.path != b"/stats");
        }
        reply.send(stream)?;
        kept = reply.again();
        // Nearly always nothing: clients wait for the answer.
        input.copy_within(size + body..filled, 0);
        filled -= size + body;
    }
}

fn answer<'a>(head: &Head, body: &'a [u8], reply: &mut Reply<'a>) {
    match (head.method, Manner::of(head.path)) {
        _ if head.chunked => reply.plain("411 Length Required", "Connection: close\r\n"),
        (b"GET", None) if head.path == b"/stats" => reply.json("200 OK", &stats::text()),
        (_, None) => reply.plain("404 Not Found", ""),
        (b"POST", Some(manner)) => mcp::answer(manner, body, reply),
        (b"DELETE", Some(manner)) if !manner.modern => reply.plain("200 OK", ""),
        // No standing stream: nothing would ever come on it.
        _ => reply.plain("405 Method Not Allowed", "Allow: POST, DELETE\r\n"),
    }
}

/// Waits for a whole request: the bytes of its head and of its body, `None` where the client is done.
fn receive(
    stream: &mut (impl Read + Write),
    input: &mut Vec<u8>,
    filled: &mut usize,
) -> io::Result<Option<(usize, usize)>> {
    let (size, body, expects) = loop {
        if let Some(head) = http::head(&input[..*filled]) {
            break (head.size, head.length, head.expects);
        }
        if *filled == input.len() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        match stream.read(&mut input[*filled..])? {
            0 => return Ok(None),
            read => *filled += read,
        }
    };
    if expects && *filled < size + body {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    if input.len() < size + body {
        input.resize(size + body, 0);
    }
    while *filled < size + body {
        match stream.read(&mut input[*filled..])? {
            0 => return Ok(None),
            read => *filled += read,
        }
    }
    Ok(Some((size, body)))
}
