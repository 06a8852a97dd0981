//! The open event streams of HTTP+SSE, each reached by the session that its endpoint names.
//!
//! The thread of the GET owns the socket and waits in `poll` for two things: a step in its mailbox, and the client's
//! leaving. Threads of POSTs only put steps in, so that TLS, which has no two halves, needs no lock.

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
    /// Properly, with the last chunk.
    Clean,
    /// With FIN in the middle of the body.
    Cut,
    /// With RST.
    Reset,
}

/// What a stream is to do next.
#[derive(Debug)]
pub enum Step {
    /// Send these bytes, an event or a part of one.
    Send(Vec<u8>),
    /// Tell that all steps before this one are done.
    Tell(Sender<()>),
    /// End.
    End(End),
}

/// The open streams by session.
#[derive(Default)]
pub struct Channels {
    open: Mutex<HashMap<String, Channel>>,
}

struct Channel {
    steps: Sender<Step>,
    wake: UnixStream,
    held: Vec<Delivery>,
}

/// The receiving end, held by the thread of the GET.
pub struct Mailbox {
    steps: Receiver<Step>,
    /// `None` once the channel is forgotten: it would be readable for ever.
    woken: Option<UnixStream>,
}

/// What ended a wait.
#[derive(Debug)]
pub enum Waited {
    /// There is something to do.
    Steps(Vec<Step>),
    /// The socket has something to read, be it the end.
    Socket,
    /// Nothing happened for so long.
    Nothing,
}

impl Channels {
    /// Opens the channel of a session.
    pub fn open(&self, session: &str) -> io::Result<Mailbox> {
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let (sender, receiver) = channel();
        lock(&self.open).insert(session.into(), Channel { steps: sender, wake, held: Vec::new() });
        Ok(Mailbox { steps: receiver, woken: Some(woken) })
    }

    /// Forgets a channel. Its stream stays open until it has reason to end.
    pub fn forget(&self, session: &str) {
        lock(&self.open).remove(session);
    }

    /// Whether there is a stream for this session.
    pub fn knows(&self, session: &str) -> bool {
        lock(&self.open).contains_key(session)
    }

    /// Has the stream of a session do something. Steps for a stream that is gone are lost, as messages would be.
    pub fn put(&self, session: &str, steps: impl IntoIterator<Item = Step>) {
        if let Some(channel) = lock(&self.open).get(session) {
            for step in steps {
                let _ = channel.steps.send(step);
            }
            // Where there is no room, the other side has enough to be woken by.
            let _ = (&channel.wake).write(&[0]);
        }
    }

    /// Sends events.
    pub fn deliver(&self, delivery: Delivery) {
        self.put(&delivery.session, delivery.events.into_iter().map(Step::Send));
    }

    /// Keeps events back until the client has answered the server's ping.
    pub fn hold(&self, delivery: Delivery) {
        if let Some(channel) = lock(&self.open).get_mut(&delivery.session) {
            channel.held.push(delivery);
        }
    }

    /// Sends what was kept back.
    pub fn release(&self, session: &str) {
        let held = lock(&self.open).get_mut(session).map(|channel| std::mem::take(&mut channel.held));
        held.into_iter().flatten().for_each(|delivery| self.deliver(delivery));
    }

    /// Sends events and waits until they are written, or until the stream is gone.
    pub fn deliver_and_wait(&self, delivery: Delivery) {
        let (sender, receiver) = channel();
        let steps = delivery.events.into_iter().map(Step::Send).chain([Step::Tell(sender)]);
        self.put(&delivery.session, steps);
        let _ = receiver.recv();
    }
}

impl Mailbox {
    /// Waits for steps or for the socket.
    pub fn wait(&mut self, socket: &TcpStream, limit: Option<Duration>) -> Waited {
        let woken = self.woken.as_ref().map(UnixStream::as_fd);
        let [steps, readable] = sys::wait_readable([woken, Some(socket.as_fd())], limit);
        if steps {
            // Emptied before the steps are taken: a wake-up for a step that is taken already does no harm.
            if self.is_forgotten() {
                self.woken = None;
            }
            return Waited::Steps(self.steps.try_iter().collect());
        }
        if readable { Waited::Socket } else { Waited::Nothing }
    }

    /// Takes all wake-ups, and says whether none can come any more.
    fn is_forgotten(&mut self) -> bool {
        let mut sink = [0; 64];
        loop {
            match self.woken.as_mut().map(|woken| woken.read(&mut sink)) {
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
    fn steps_come_in_order_and_before_the_sockets_end() {
        let (channels, (socket, client)) = (Channels::default(), socket());
        let mut mailbox = channels.open("a").unwrap();
        assert!(channels.knows("a") && !channels.knows("b"));
        channels.put("b", [Step::End(End::Cut)]);
        channels.put("a", [Step::Send(b"1".to_vec()), Step::Send(b"2".to_vec())]);
        channels.put("a", [Step::End(End::Reset)]);
        drop(client);
        let Waited::Steps(steps) = mailbox.wait(&socket, None) else { panic!("no steps") };
        assert!(matches!(&steps[..], [Step::Send(one), Step::Send(two), Step::End(End::Reset)]
            if one == b"1" && two == b"2"));
        assert!(matches!(mailbox.wait(&socket, None), Waited::Socket));
    }

    #[test]
    fn a_wait_has_its_limit() {
        let (channels, (socket, _client)) = (Channels::default(), socket());
        let mut mailbox = channels.open("a").unwrap();
        assert!(matches!(mailbox.wait(&socket, Some(Duration::from_millis(1))), Waited::Nothing));
    }
}
