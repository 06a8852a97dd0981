//! The open event streams of HTTP+SSE, by the session that the endpoint contains.
//!
//! The thread of the GET owns the socket. It waits in `poll` for new steps and for the end of the connection. Threads
//! of POSTs only add steps. So the TLS connection, which cannot be split into two halves, needs no lock.

use crate::reply::Delivery;
use crate::state::lock;
use crate::sys;
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// How an event stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With the last chunk, as specified.
    Clean,
    /// With FIN in the middle of the body.
    Cut,
    /// With RST.
    Reset,
}

/// The next action of a stream.
#[derive(Debug)]
pub enum Step {
    /// Send these bytes, an event or a part of one.
    Send(Vec<u8>),
    /// Notify the sender that all earlier steps are done.
    Notify(Sender<()>),
    /// End the stream.
    End(End),
}

/// The open streams by session.
#[derive(Default)]
pub struct SseStreams {
    open: Mutex<HashMap<String, SseStream>>,
}

struct SseStream {
    steps: Sender<Step>,
    wake: UnixStream,
    held: Vec<Delivery>,
}

/// The receiving end, held by the thread of the GET.
pub struct StepReceiver {
    steps: Receiver<Step>,
    /// `None` after the stream was removed: the socket would stay readable forever.
    wakeups: Option<UnixStream>,
}

/// How a wait ended.
#[derive(Debug)]
pub enum WaitResult {
    /// There are steps to do.
    Steps(Vec<Step>),
    /// The socket is readable, or the connection has ended.
    Socket,
    /// The limit has expired.
    Timeout,
}

impl SseStreams {
    /// Adds the stream of a session.
    pub fn open(&self, session: &str) -> io::Result<StepReceiver> {
        let (wake, wakeups) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        wakeups.set_nonblocking(true)?;
        let (sender, receiver) = channel();
        lock(&self.open).insert(session.into(), SseStream { steps: sender, wake, held: Vec::new() });
        Ok(StepReceiver { steps: receiver, wakeups: Some(wakeups) })
    }

    /// Removes a stream, which can get no more steps. Its connection stays open until it ends for another reason.
    pub fn remove(&self, session: &str) {
        lock(&self.open).remove(session);
    }

    /// Whether there is a stream for this session.
    pub fn contains(&self, session: &str) -> bool {
        lock(&self.open).contains_key(session)
    }

    /// Adds steps for the stream of a session. Steps for a removed stream are lost, like messages of a real server.
    pub fn push(&self, session: &str, steps: impl IntoIterator<Item = Step>) {
        if let Some(stream) = lock(&self.open).get(session) {
            for step in steps {
                let _ = stream.steps.send(step);
            }
            // If the socket buffer is full, the unread bytes in it wake the other side.
            let _ = (&stream.wake).write(&[0]);
        }
    }

    /// Sends events.
    pub fn deliver(&self, delivery: Delivery) {
        self.push(&delivery.session, delivery.events.into_iter().map(Step::Send));
    }

    /// Holds events until the client has responded to the server's ping.
    pub fn hold(&self, delivery: Delivery) {
        if let Some(stream) = lock(&self.open).get_mut(&delivery.session) {
            stream.held.push(delivery);
        }
    }

    /// Sends the held events.
    pub fn release(&self, session: &str) {
        let held = lock(&self.open).get_mut(session).map(|stream| std::mem::take(&mut stream.held));
        held.into_iter().flatten().for_each(|delivery| self.deliver(delivery));
    }

    /// Sends events and waits until they are written, or until the stream is removed.
    pub fn deliver_and_wait(&self, delivery: Delivery) {
        let (sender, receiver) = channel();
        let steps = delivery.events.into_iter().map(Step::Send).chain([Step::Notify(sender)]);
        self.push(&delivery.session, steps);
        let _ = receiver.recv();
    }
}

impl StepReceiver {
    /// Waits for steps, or until the socket is readable.
    pub fn wait(&mut self, socket: &TcpStream, limit: Option<Duration>) -> WaitResult {
        let wakeups = self.wakeups.as_ref().map(UnixStream::as_fd);
        let [steps, readable] = sys::wait_readable([wakeups, Some(socket.as_fd())], limit);
        if steps {
            // The wake-ups are read before the steps: a wake-up without a new step does no harm.
            if self.drain_wakeups() {
                self.wakeups = None;
            }
            return WaitResult::Steps(self.steps.try_iter().collect());
        }
        if readable { WaitResult::Socket } else { WaitResult::Timeout }
    }

    /// Reads all wake-ups. Returns true if the stream was removed.
    fn drain_wakeups(&mut self) -> bool {
        let mut sink = [0; 64];
        loop {
            match self.wakeups.as_mut().map(|wakeups| wakeups.read(&mut sink)) {
                Some(Ok(0)) | None => return true,
                Some(Ok(_)) => {}
                Some(Err(_)) => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};

    fn socket() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (listener.accept().unwrap().0, client)
    }

    #[test]
    fn steps_are_returned_in_order_before_the_end_of_the_connection() {
        let (streams, (socket, client)) = (SseStreams::default(), socket());
        let mut receiver = streams.open("a").unwrap();
        assert!(streams.contains("a") && !streams.contains("b"));
        streams.push("b", [Step::End(End::Cut)]);
        streams.push("a", [Step::Send(b"1".to_vec()), Step::Send(b"2".to_vec())]);
        streams.push("a", [Step::End(End::Reset)]);
        drop(client);
        let WaitResult::Steps(steps) = receiver.wait(&socket, None) else { panic!("no steps") };
        assert!(matches!(&steps[..], [Step::Send(one), Step::Send(two), Step::End(End::Reset)]
            if one == b"1" && two == b"2"));
        assert!(matches!(receiver.wait(&socket, None), WaitResult::Socket));
    }

    #[test]
    fn a_wait_ends_after_its_limit() {
        let (streams, (socket, _client)) = (SseStreams::default(), socket());
        let mut receiver = streams.open("a").unwrap();
        assert!(matches!(receiver.wait(&socket, Some(Duration::from_millis(1))), WaitResult::Timeout));
    }
}
