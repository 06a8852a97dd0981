//! A server that says what the fuzzer wants, whatever it is asked, on a Unix domain socket of this process.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::sys::pollable_event::PollableEvent;
use crate::sys::wait::{Interest, WaitContext, Waitable};

/// What stands between the pieces of a script, and says where the next one goes: on the event stream that is open, and at once; or
/// to whoever asks next. In the last case the connection of the piece before is closed first.
const ON_STREAM: u8 = 0x1E;
const NEXT_ANSWER: u8 = 0x1D;
const CLOSE: u8 = 0x1C;

/// That while. It is longer than a client takes to think, and shorter than its timeout: many inputs want to be tried.
const QUIET: Duration = Duration::from_millis(3);

/// What the server is to say.
pub struct ServerScript {
    pub text: Vec<u8>,
    /// When everything is said, connections stay open, and nothing comes any more.
    pub lingers: bool,
    /// Raised when for a while nobody has said anything: for a client that would listen for ever.
    pub cancel: Option<Arc<PollableEvent>>,
}

/// The thread of the server, which serves one script after the other.
pub struct FuzzServer {
    pub path: PathBuf,
    scripts: Sender<ServerScript>,
    /// Wakes the server up: the script is of no use any more.
    end_event: UnixStream,
    ended: Receiver<()>,
}

impl FuzzServer {
    pub fn start() -> FuzzServer {
        let path = std::env::temp_dir().join(format!("libmcp-fuzz-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).expect("a socket");
        listener.set_nonblocking(true).expect("a socket that does not block");
        let (end_event, mut is_over) = UnixStream::pair().expect("a pair");
        let (scripts, next) = channel::<ServerScript>();
        let (end, ended) = channel();
        std::thread::spawn(move || {
            for script in next {
                Show::of(&script, &listener).run(&is_over);
                is_over.read_exact(&mut [0]).expect("the word");
                // Those that nobody has looked at.
                while listener.accept().is_ok() {}
                drop(script);
                let _ = end.send(());
            }
        });
        FuzzServer { path, scripts, end_event, ended }
    }

    pub fn handle_server_request(&self, script: ServerScript) {
        self.scripts.send(script).expect("the server runs");
    }

    /// The client is gone.
    pub fn end(&mut self) {
        self.end_event.write_all(&[0]).expect("the server runs");
        self.ended.recv().expect("the server runs");
    }
}

/// A connection.
struct Peer {
    socket: UnixStream,
    received: Vec<u8>,
    is_stream: bool,
}

/// One script, as it is served.
struct Show<'a> {
    script: &'a ServerScript,
    listener: &'a UnixListener,
    peers: Vec<Peer>,
    /// What is still to be said.
    rest: &'a [u8],
    is_said: bool,
}

impl<'a> Show<'a> {
    fn of(script: &'a ServerScript, listener: &'a UnixListener) -> Show<'a> {
        Show { script, listener, peers: Vec::new(), rest: &script.text, is_said: false }
    }

    fn run(&mut self, is_over: &UnixStream) {
        loop {
            let peers = self.peers.iter().map(|peer| Waitable::of(&peer.socket));
            let all = [Waitable::of(is_over), Waitable::of(self.listener)].into_iter().chain(peers);
            let all: Vec<_> = all.map(|what| (what, Interest::Read)).collect();
            let ready = WaitContext::default().wait_any(&all, self.patience()).expect("poll");
            match ready {
                None => self.end_quiet(),
                Some(0) => return,
                Some(1) => self.accept(),
                Some(ready) => self.read(ready - 2),
            }
        }
    }

    /// How long both sides may wait for each other.
    fn patience(&self) -> Option<Duration> {
        let waits = self.script.cancel.as_ref().is_some_and(|cancel| !cancel.is_set());
        (waits || !(self.is_said || self.script.lingers)).then_some(QUIET)
    }

    /// The client waits for more than there is.
    fn end_quiet(&mut self) {
        match &self.script.cancel {
            Some(cancel) if !cancel.is_set() => cancel.set(),
            _ => self.finish(),
        }
    }

    fn accept(&mut self) {
        let Ok((socket, _)) = self.listener.accept() else { return };
        if !self.is_said || self.script.lingers {
            socket.set_nonblocking(true).expect("a socket that does not block");
            self.peers.push(Peer { socket, received: Vec::new(), is_stream: false });
        }
    }

    fn read(&mut self, at: usize) {
        let peer = &mut self.peers[at];
        let mut buffer = [0; 16 * 1024];
        match peer.socket.read(&mut buffer) {
            Ok(count @ 1..) => peer.received.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            _ => {
                self.peers.remove(at);
                return;
            }
        }
        if let Some(length) = request_length(&peer.received) {
            peer.is_stream = peer.received.starts_with(b"GET ");
            peer.received.drain(..length);
            self.answer(at);
        }
    }

    /// Says the next piece to a peer, and what belongs on the stream.
    fn answer(&mut self, at: usize) {
        let mut to = at;
        while !self.is_said {
            let end = self.rest.iter().position(|byte| matches!(*byte, ON_STREAM | NEXT_ANSWER | CLOSE));
            let (piece, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
            // A client that does not read has room for it, or goes without.
            let _ = self.peers[to].socket.write(piece);
            let Some((separator, rest)) = rest.split_first() else { return self.finish() };
            self.rest = rest;
            match *separator {
                ON_STREAM => to = self.peers.iter().position(|peer| peer.is_stream).unwrap_or(at),
                CLOSE => {
                    self.peers.remove(to);
                    return;
                }
                _ => return,
            }
        }
    }

    fn finish(&mut self) {
        self.is_said = true;
        if !self.script.lingers {
            self.peers.clear();
        }
    }
}

/// The length of the request at the beginning of `received`, where it is whole.
fn request_length(received: &[u8]) -> Option<usize> {
    let head = received.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&received[..head]).to_ascii_lowercase();
    let length = text.split("\r\ncontent-length:").nth(1).and_then(|rest| rest.lines().next()?.trim().parse().ok());
    let length = head + length.unwrap_or(0_usize);
    (received.len() >= length).then_some(length)
}
