//! Serves one connection.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use crate::http::{self, Head};
use crate::mcp::{self, Mode};
use crate::reply::Reply;
use crate::stats;
#[cfg(feature = "tls")]
use crate::tls;
use crate::tls::Tls;

const START: usize = 64 * 1024;

/// Serves requests until the client closes the connection. Errors end the connection; the client reports them.
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
    let mut buffers = Reply::new();
    loop {
        let Some((size, body)) = receive(stream, &mut input, &mut filled)? else {
            return Ok(());
        };
        // Parse the head again: it borrows from the buffer, which `receive` may have reallocated.
        let mut reply = buffers.again();
        if let Some(head) = http::head(&input[..size]) {
            answer(&head, &input[size..size + body], &mut reply);
            *answered += u64::from(head.path != b"/stats");
        }
        reply.send(stream)?;
        buffers = reply.again();
        // The rest is nearly always empty, because clients wait for the response before they send the next request.
        input.copy_within(size + body..filled, 0);
        filled -= size + body;
    }
}

fn answer<'a>(head: &Head, body: &'a [u8], reply: &mut Reply<'a>) {
    match (head.method, Mode::of(head.path)) {
        _ if head.chunked => reply.plain("411 Length Required", "Connection: close\r\n"),
        (b"GET", None) if head.path == b"/stats" => reply.json("200 OK", &stats::text()),
        (_, None) => reply.plain("404 Not Found", ""),
        (b"POST", Some(mode)) => mcp::answer(mode, body, reply),
        (b"DELETE", Some(mode)) if !mode.modern => reply.plain("200 OK", ""),
        // The server has no server stream: it sends no messages outside responses.
        _ => reply.plain("405 Method Not Allowed", "Allow: POST, DELETE\r\n"),
    }
}

/// Receives a complete request. Returns the sizes of its head and body; `None` if the client has closed the connection.
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
