//! A scripted server on a Unix domain socket of this process. Its responses do not depend on the requests.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::sys::pollable_event::PollableEvent;
use crate::sys::wait::{Interest, WaitContext, Waitable};

/// Before a piece of a script: it is sent on the open event stream, without a request.
const ON_STREAM: u8 = 0x1E;
/// Before a piece of a script: it is the response to the next request.
const NEXT_RESPONSE: u8 = 0x1D;
/// Before a piece of a script: the connection of the last piece is closed, and this is the response to the next
/// request.
const CLOSE: u8 = 0x1C;

/// After this time without a request, the server ends the script or cancels the call. Longer than a client's
/// processing, and shorter than its timeout.
const QUIET_PERIOD: Duration = Duration::from_millis(3);

/// The bytes that the server sends, with the separators between its pieces, and what happens at the end.
pub struct ServerScript {
    pub text: Vec<u8>,
    /// At the end, connections stay open.
    pub lingers: bool,
    /// Set after a quiet period, to cancel a call that listens without a timeout.
    pub cancel: Option<Arc<PollableEvent>>,
}

/// The thread of the server. It runs one script after the other.
pub struct FuzzServer {
    pub path: PathBuf,
    scripts: Sender<ServerScript>,
    /// Written to when the client is closed, to end the script.
    end_writer: UnixStream,
    ended: Receiver<()>,
}

impl FuzzServer {
    pub fn start() -> FuzzServer {
        let path = std::env::temp_dir().join(format!("libmcp-fuzz-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).expect("a socket");
        listener.set_nonblocking(true).expect("a socket that does not block");
        let (end_writer, mut end_reader) = UnixStream::pair().expect("a pair");
        let (scripts, next) = channel::<ServerScript>();
        let (end, ended) = channel();
        std::thread::spawn(move || {
            for script in next {
                ScriptRun::new(&script, &listener).run(&end_reader);
                end_reader.read_exact(&mut [0]).expect("the end of the client");
                // Connections that were not accepted yet.
                while listener.accept().is_ok() {}
                drop(script);
                let _ = end.send(());
            }
        });
        FuzzServer { path, scripts, end_writer, ended }
    }

    pub fn run_script(&self, script: ServerScript) {
        self.scripts.send(script).expect("the server runs");
    }

    /// Ends the script after the client was closed.
    pub fn end_script(&mut self) {
        self.end_writer.write_all(&[0]).expect("the server runs");
        self.ended.recv().expect("the server runs");
    }
}

struct Connection {
    socket: UnixStream,
    received: Vec<u8>,
    is_event_stream: bool,
}

/// A run of one script.
struct ScriptRun<'a> {
    script: &'a ServerScript,
    listener: &'a UnixListener,
    connections: Vec<Connection>,
    /// The part of the script that was not sent yet.
    rest: &'a [u8],
    is_finished: bool,
}

impl<'a> ScriptRun<'a> {
    fn new(script: &'a ServerScript, listener: &'a UnixListener) -> ScriptRun<'a> {
        ScriptRun { script, listener, connections: Vec::new(), rest: &script.text, is_finished: false }
    }

    fn run(&mut self, end_reader: &UnixStream) {
        loop {
            let sockets = self.connections.iter().map(|connection| Waitable::of(&connection.socket));
            let all = [Waitable::of(end_reader), Waitable::of(self.listener)].into_iter().chain(sockets);
            let all: Vec<_> = all.map(|waitable| (waitable, Interest::Read)).collect();
            let ready = WaitContext::default().wait_any(&all, self.max_wait()).expect("poll");
            match ready {
                None => self.end_quiet_period(),
                Some(0) => return,
                Some(1) => self.accept(),
                Some(ready) => self.read(ready - 2),
            }
        }
    }

    /// How long to wait for a request; `None` if only the end of the client is awaited.
    fn max_wait(&self) -> Option<Duration> {
        let may_cancel = self.script.cancel.as_ref().is_some_and(|cancel| !cancel.is_set());
        (may_cancel || !(self.is_finished || self.script.lingers)).then_some(QUIET_PERIOD)
    }

    /// Both sides wait: cancels the call, or else ends the script.
    fn end_quiet_period(&mut self) {
        match &self.script.cancel {
            Some(cancel) if !cancel.is_set() => cancel.set(),
            _ => self.finish(),
        }
    }

    fn accept(&mut self) {
        let Ok((socket, _)) = self.listener.accept() else { return };
        if !self.is_finished || self.script.lingers {
            socket.set_nonblocking(true).expect("a socket that does not block");
            self.connections.push(Connection { socket, received: Vec::new(), is_event_stream: false });
        }
    }

    fn read(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        let mut buffer = [0; 16 * 1024];
        match connection.socket.read(&mut buffer) {
            Ok(count @ 1..) => connection.received.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            _ => {
                self.connections.remove(index);
                return;
            }
        }
        if let Some(length) = request_length(&connection.received) {
            connection.is_event_stream = connection.received.starts_with(b"GET ");
            connection.received.drain(..length);
            self.respond(index);
        }
    }

    /// Sends the next piece of the script on a connection, and the pieces after it that go on the event stream.
    fn respond(&mut self, index: usize) {
        let mut target = index;
        while !self.is_finished {
            let end = self.rest.iter().position(|byte| matches!(*byte, ON_STREAM | NEXT_RESPONSE | CLOSE));
            let (piece, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
            // If the client does not read, the rest of the piece is lost.
            let _ = self.connections[target].socket.write(piece);
            let Some((separator, rest)) = rest.split_first() else { return self.finish() };
            self.rest = rest;
            match *separator {
                ON_STREAM => {
                    target = self.connections.iter().position(|connection| connection.is_event_stream).unwrap_or(index);
                }
                CLOSE => {
                    self.connections.remove(target);
                    return;
                }
                _ => return,
            }
        }
    }

    fn finish(&mut self) {
        self.is_finished = true;
        if !self.script.lingers {
            self.connections.clear();
        }
    }
}

/// The length of the request at the beginning of `received`; `None` if it is incomplete.
fn request_length(received: &[u8]) -> Option<usize> {
    let head = received.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&received[..head]).to_ascii_lowercase();
    let length = text.split("\r\ncontent-length:").nth(1).and_then(|rest| rest.lines().next()?.trim().parse().ok());
    let length = head + length.unwrap_or(0_usize);
    (received.len() >= length).then_some(length)
}
