//! Forwards the two directions of one connection.

use super::record::{PendingRecord, Recorder};
use crate::http::source::invalid;
use crate::http::{Framing, Head, Scanner, Source};
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// Forwards requests. Notifies the other direction of each request before its head is sent.
pub fn requests(
    mut client: &TcpStream,
    mut server: &TcpStream,
    target: &str,
    number: u64,
    recorder: &Recorder,
    started: &Sender<PendingRecord>,
) -> io::Result<()> {
    let (mut source, mut head) = (Source::default(), Head::default());
    while source.read_head(&mut client, &mut head)? {
        let framing = Framing::of_request(&head).map_err(invalid)?;
        recorder.check(&head);
        let (finished, body) = channel();
        let pending = PendingRecord { method: head.method().into(), number, head: head.clone(), body, content: None };
        if started.send(pending).is_err() {
            break;
        }
        server.write_all(&head.with_value("Host", target))?;
        let mut content = Vec::new();
        forward(&mut source, client, server, framing, |piece| content.extend_from_slice(piece))?;
        let _ = finished.send(content);
    }
    Ok(())
}

/// Forwards responses, and writes a record as soon as a response's head has arrived: the body may be a stream that does
/// not end during the run.
pub fn responses(
    mut server: &TcpStream,
    mut client: &TcpStream,
    recorder: &Recorder,
    started: &Receiver<PendingRecord>,
) -> io::Result<()> {
    let (mut source, mut head) = (Source::default(), Head::default());
    while source.read_head(&mut server, &mut head)? {
        if head.status().is_some_and(|status| (100..200).contains(&status)) {
            client.write_all(head.raw())?;
            continue;
        }
        let mut pending = started.recv().map_err(|_| invalid("a response without a request"))?;
        let framing = Framing::of_response(&head, &pending.method).map_err(invalid)?;
        // Written before the client gets the response, for programs that read the file then.
        if pending.is_complete() {
            pending.write(recorder, Some(&head));
            client.write_all(head.raw())?;
            forward(&mut source, server, client, framing, |_| {})?;
            continue;
        }
        // The client may send the rest of the request only after this response: both continue at the same time.
        client.write_all(head.raw())?;
        let head = &head;
        thread::scope(|scope| {
            scope.spawn(move || pending.write(recorder, Some(head)));
            forward(&mut source, server, client, framing, |_| {})
        })?;
    }
    Ok(())
}

/// Forwards one body, without waiting for its end.
fn forward(
    source: &mut Source,
    mut from: &TcpStream,
    mut to: &TcpStream,
    framing: Framing,
    mut observe: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut scanner = Scanner::new(framing);
    let mut content = Vec::new();
    loop {
        let used = scanner.feed(source.buffered(), &mut content).map_err(invalid)?;
        if used > 0 {
            to.write_all(&source.buffered()[..used])?;
            source.consume(used);
            observe(&content);
            content.clear();
        }
        if scanner.is_done() {
            return Ok(());
        }
        if source.fill(&mut from)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
