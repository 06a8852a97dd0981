//! A transport over a pair of sockets, with JSON-RPC messages one a line, for unit tests. It shows that a new transport needs nothing
//! outside of its own file.

use std::cell::Cell;
use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Weak};

use super::context::TransportContext;
use super::interface::{Transport, TransportKind, TransportResponse};
use super::multiplexer::message_router::MessageRouter;
use super::multiplexer::pending::PendingRequests;
use super::multiplexer::{await_answer, register};
use crate::call::context::CallContext;
use crate::call::request::{EncodedRequest, PeerContext};
use crate::call::send_error::SendError;
use crate::error::{Error, Result};
use crate::protocol::lost_session::SessionReference;
use crate::protocol::message_text::MessageText;
use crate::protocol::messages;
use crate::status::MCP_DISCONNECTED;
use crate::sys::lock::Mutex;
use crate::sys::pollable_event::PollableEvent;

/// One end of the pair. Its reader ends when this is dropped.
pub struct SocketPair {
    me: Weak<dyn Transport>,
    host: Arc<TransportContext>,
    pending: Arc<PendingRequests>,
    socket: Mutex<UnixStream>,
}

impl Drop for SocketPair {
    fn drop(&mut self) {
        self.pending.stop.set();
        let _ = self.socket.lock().shutdown(Shutdown::Both);
    }
}

impl SocketPair {
    /// A transport, and the server's end.
    pub fn connect(host: &Arc<TransportContext>) -> Result<(Arc<SocketPair>, UnixStream)> {
        let (ours, theirs) = UnixStream::pair().map_err(|error| disconnected(&error.to_string()))?;
        let incoming = ours.try_clone().map_err(|error| disconnected(&error.to_string()))?;
        let pending = Arc::new(PendingRequests::new(false, Arc::default())?);
        let me = Arc::new_cyclic(|me: &Weak<SocketPair>| SocketPair {
            me: me.clone(),
            host: Arc::clone(host),
            pending,
            socket: Mutex::new(ours),
        });
        let receiver = MessageRouter::new(host, Weak::clone(&me.me), &me.pending);
        host.readers.start(move || read(&receiver, incoming))?;
        Ok((me, theirs))
    }

    fn write(&self, message: &MessageText) -> Result<()> {
        let text: String = message.pieces().chain(["\n"]).collect();
        self.socket.lock().write_all(text.as_bytes()).map_err(|error| disconnected(&error.to_string()))
    }
}

/// Hands on what comes, until the stream ends.
fn read(to: &MessageRouter, incoming: UnixStream) {
    let reads = to.begin();
    for line in BufReader::new(incoming).split(b'\n').map_while(|line| line.ok()) {
        to.pending.record_heard();
        to.take_text(line);
    }
    reads.end(disconnected("the stream has ended"));
}

fn disconnected(why: &str) -> Error {
    Error::new(MCP_DISCONNECTED, why)
}

impl Transport for SocketPair {
    fn transport_kind(&self) -> TransportKind {
        TransportKind::Stdio
    }

    fn request(
        &self,
        call: &CallContext,
        peer_context: &PeerContext,
        ask: &EncodedRequest,
        asked: &Cell<u64>,
    ) -> Result<TransportResponse, SendError> {
        let id = self.host.calls.next_id();
        asked.set(id);
        let response = register(&self.host, &self.pending, call, (id, ask.method))?;
        self.write(&messages::request(id, ask.method, ask.params)).map_err(SendError::before_sending)?;
        await_answer(&self.host, (self, &self.me), call, peer_context, &response, ask.rules)
    }

    fn post(&self, _: &CallContext, _: &PeerContext, message: &MessageText, _: bool) -> Result<()> {
        self.write(message)
    }

    fn post_best_effort(&self, _: &CallContext, _: &PeerContext, message: &MessageText) -> Result<()> {
        self.write(message)
    }

    fn session_reference<'a>(&self, _: &'a PeerContext) -> SessionReference<'a> {
        SessionReference::Nothing
    }

    fn end_event(&self) -> Option<Arc<PollableEvent>> {
        Some(Arc::clone(&self.pending.end_event))
    }

    fn end_reason(&self) -> Option<Error> {
        self.pending.ended()
    }

    fn needs_new_session(&self) -> bool {
        self.pending.needs_new_session()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::call::context::CallOptions;
    use crate::call::request::RequestPolicy;
    use crate::call::send_error::Sent;
    use crate::protocol::params::Params;
    use crate::status::MCP_RPC_ERROR;
    use crate::sys::wait::{Interest, WaitContext};
    use crate::transport::fake::{call_with, recording_host, with_progress};

    /// Sends one request, and gives the text of its result.
    fn request(transport: &SocketPair, options: &CallOptions) -> Result<String, SendError> {
        let call = call_with(&transport.host, options);
        let mut params = Params::new().with("x", "1");
        call.add_meta(&mut params).unwrap();
        let ask = EncodedRequest::new("tools/call", &params, RequestPolicy::ONCE);
        let answer = transport.request(&call, &PeerContext::opening(), &ask, &Cell::new(0))?;
        Ok(answer.answered.result.text().to_owned())
    }

    /// A server that writes one line for each line that it reads, closes the stream after the last one, and returns what it has read.
    fn handle_server_request(theirs: UnixStream, lines: &'static [&'static str]) -> thread::JoinHandle<Vec<String>> {
        thread::spawn(move || {
            let mut read = BufReader::new(theirs.try_clone().unwrap()).lines();
            let mut write = theirs;
            let answer = |line: &&str| {
                let received = read.next().unwrap().unwrap();
                write.write_all(format!("{line}\n").as_bytes()).unwrap();
                received
            };
            lines.iter().map(answer).collect()
        })
    }

    #[test]
    fn a_request_gets_the_answer_with_its_id() {
        let (host, ..) = recording_host();
        let (transport, theirs) = SocketPair::connect(&host).unwrap();
        let server = handle_server_request(
            theirs,
            &[
                concat!(
                    r#"{"jsonrpc":"2.0","id":9,"result":{"a":9}}"#,
                    "\n",
                    r#"{"jsonrpc":"2.0","id":1,"result":{"a":1}}"#
                ),
                r#"{"jsonrpc":"2.0","id":2,"error":{"code":-7,"message":"no"}}"#,
            ],
        );
        assert_eq!(request(&transport, &CallOptions::default()).unwrap(), r#"{"a":1}"#);
        let error = request(&transport, &CallOptions::default()).unwrap_err().error;
        assert_eq!((error.status(), error.report().rpc.as_ref().unwrap().code), (MCP_RPC_ERROR, -7));
        let received = server.join().unwrap();
        assert_eq!(received[0], r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"x":1}}"#);
    }

    #[test]
    fn a_server_request_during_a_call_is_answered_from_another_thread() {
        let (host, _, requests) = recording_host();
        let (transport, theirs) = SocketPair::connect(&host).unwrap();
        let lines = &[r#"{"jsonrpc":"2.0","id":"r","method":"roots/list"}"#, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#];
        let server = handle_server_request(theirs, lines);
        let program = thread::spawn(move || {
            let (asked, slot) = requests.recv().unwrap();
            assert!(!slot.has_ended());
            slot.answer(&messages::result(&asked.id, r#"{"roots":[]}"#)).unwrap();
        });
        assert_eq!(request(&transport, &CallOptions::default()).unwrap(), "{}");
        program.join().unwrap();
        assert_eq!(server.join().unwrap()[1], r#"{"jsonrpc":"2.0","id":"r","result":{"roots":[]}}"#);
    }

    #[test]
    fn a_notification_with_the_token_of_a_call_comes_before_its_answer() {
        let (host, inbound, _) = recording_host();
        let (transport, theirs) = SocketPair::connect(&host).unwrap();
        // The token is the first number that the client gives, and the id of the request the second.
        let lines = &[concat!(
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":5}}"#,
            "\n",
            r#"{"jsonrpc":"2.0","id":2,"result":{}}"#
        )];
        let server = handle_server_request(theirs, lines);
        request(&transport, &with_progress(|_, _, _| ())).unwrap();
        assert!(server.join().unwrap()[0].contains(r#""progressToken":1"#));
        assert_eq!(inbound.arrivals(), ["notifications/progress"]);
        let notices = inbound.notices();
        let (notice, is_progress) = &notices[0];
        assert_eq!((notice.method.as_str(), *is_progress, notices.len()), ("notifications/progress", true, 1));
    }

    #[test]
    fn the_end_of_the_stream_fails_the_waiting_call_and_later_ones() {
        let (host, ..) = recording_host();
        let (transport, theirs) = SocketPair::connect(&host).unwrap();
        let server = handle_server_request(theirs, &["no message"]);
        let waiting = request(&transport, &CallOptions::default()).unwrap_err();
        assert_eq!((waiting.error.status(), waiting.sent), (MCP_DISCONNECTED, Sent::Yes));
        assert!(waiting.error.report().message.contains("no message"), "{}", waiting.error);
        let later = request(&transport, &CallOptions::default()).unwrap_err();
        assert_eq!((later.error.status(), later.sent), (MCP_DISCONNECTED, Sent::No));
        assert!(later.error.report().session_is_gone && transport.needs_new_session());
        assert!(WaitContext::default().wait(transport.end_event().unwrap().waitable(), Interest::Read).is_ok());
        server.join().unwrap();
    }

    #[test]
    fn the_reader_ends_with_its_transport() {
        let (host, ..) = recording_host();
        let (transport, theirs) = SocketPair::connect(&host).unwrap();
        drop(transport);
        host.readers.join();
        assert_eq!(BufReader::new(theirs).lines().count(), 0);
    }
}
