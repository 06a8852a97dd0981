//! A transport over a pair of sockets, with one JSON-RPC message per line, for unit tests. It shows that a new
//! transport over a shared stream needs only its own file: the multiplexer does the rest.

use std::cell::Cell;
use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Weak};

use super::context::TransportContext;
use super::interface::{Transport, TransportKind, TransportResponse};
use super::multiplexer::message_router::MessageRouter;
use super::multiplexer::pending::PendingRequests;
use super::multiplexer::{await_response, register};
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

/// The client's end of the pair. The reader thread ends when this is dropped.
pub struct SocketPair {
    me: Weak<dyn Transport>,
    context: Arc<TransportContext>,
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
    /// A transport and the server's end of the pair.
    pub fn connect(context: &Arc<TransportContext>) -> Result<(Arc<SocketPair>, UnixStream)> {
        let (ours, theirs) = UnixStream::pair().map_err(|error| disconnected(&error.to_string()))?;
        let incoming = ours.try_clone().map_err(|error| disconnected(&error.to_string()))?;
        let pending = Arc::new(PendingRequests::new(false, Arc::default())?);
        let transport = Arc::new_cyclic(|me: &Weak<SocketPair>| SocketPair {
            me: me.clone(),
            context: Arc::clone(context),
            pending,
            socket: Mutex::new(ours),
        });
        let router = MessageRouter::new(context, Weak::clone(&transport.me), &transport.pending);
        context.readers.start(move || read(&router, incoming))?;
        Ok((transport, theirs))
    }

    fn write(&self, message: &MessageText) -> Result<()> {
        let text: String = message.pieces().chain(["\n"]).collect();
        self.socket.lock().write_all(text.as_bytes()).map_err(|error| disconnected(&error.to_string()))
    }
}

/// Routes lines until the stream ends.
fn read(router: &MessageRouter, incoming: UnixStream) {
    let reading = router.start_reading();
    for line in BufReader::new(incoming).split(b'\n').map_while(|line| line.ok()) {
        router.pending.record_received();
        router.take_text(line);
    }
    reading.end(disconnected("the stream has ended"));
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
        request: &EncodedRequest,
        last_id: &Cell<u64>,
    ) -> Result<TransportResponse, SendError> {
        let id = self.context.calls.next_id();
        last_id.set(id);
        let pending_response = register(&self.context, &self.pending, call, (id, request.method))?;
        self.write(&messages::request(id, request.method, request.params)).map_err(SendError::before_sending)?;
        await_response(&self.context, (self, &self.me), call, peer_context, &pending_response, request.policy)
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
        self.pending.end_reason()
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
    use crate::transport::fake::{call_with, recording_context, with_progress};

    /// Sends one request; the text of its result.
    fn request(transport: &SocketPair, options: &CallOptions) -> Result<String, SendError> {
        let call = call_with(&transport.context, options);
        let mut params = Params::new().with("x", "1");
        call.add_meta(&mut params).unwrap();
        let request = EncodedRequest::new("tools/call", &params, RequestPolicy::ONCE);
        let response = transport.request(&call, &PeerContext::for_initialize(), &request, &Cell::new(0))?;
        Ok(response.response.result.text().to_owned())
    }

    /// A server that writes one of `lines` for each line that it reads and then closes the stream. Returns the lines
    /// that it has read.
    fn start_server(theirs: UnixStream, lines: &'static [&'static str]) -> thread::JoinHandle<Vec<String>> {
        thread::spawn(move || {
            let mut read = BufReader::new(theirs.try_clone().unwrap()).lines();
            let mut write = theirs;
            let respond = |line: &&str| {
                let received = read.next().unwrap().unwrap();
                write.write_all(format!("{line}\n").as_bytes()).unwrap();
                received
            };
            lines.iter().map(respond).collect()
        })
    }

    #[test]
    fn a_request_gets_the_response_with_its_id() {
        let (context, ..) = recording_context();
        let (transport, theirs) = SocketPair::connect(&context).unwrap();
        let server = start_server(
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
        let (context, _, requests) = recording_context();
        let (transport, theirs) = SocketPair::connect(&context).unwrap();
        let lines = &[r#"{"jsonrpc":"2.0","id":"r","method":"roots/list"}"#, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#];
        let server = start_server(theirs, lines);
        let application = thread::spawn(move || {
            let (server_request, slot) = requests.recv().unwrap();
            assert!(!slot.has_ended());
            slot.respond(&messages::result(&server_request.id, r#"{"roots":[]}"#)).unwrap();
        });
        assert_eq!(request(&transport, &CallOptions::default()).unwrap(), "{}");
        application.join().unwrap();
        assert_eq!(server.join().unwrap()[1], r#"{"jsonrpc":"2.0","id":"r","result":{"roots":[]}}"#);
    }

    #[test]
    fn a_notification_with_the_token_of_a_call_is_delivered_before_its_response() {
        let (context, inbound, _) = recording_context();
        let (transport, theirs) = SocketPair::connect(&context).unwrap();
        // Tokens and ids are numbered together: the token is 1, and the id of the request is 2.
        let lines = &[concat!(
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":5}}"#,
            "\n",
            r#"{"jsonrpc":"2.0","id":2,"result":{}}"#
        )];
        let server = start_server(theirs, lines);
        request(&transport, &with_progress(|_, _, _| ())).unwrap();
        assert!(server.join().unwrap()[0].contains(r#""progressToken":1"#));
        assert_eq!(inbound.arrivals(), ["notifications/progress"]);
        let notifications = inbound.notifications();
        let (notification, is_progress) = &notifications[0];
        assert_eq!(
            (notification.method.as_str(), *is_progress, notifications.len()),
            ("notifications/progress", true, 1)
        );
    }

    #[test]
    fn the_end_of_the_stream_fails_the_waiting_call_and_later_ones() {
        let (context, ..) = recording_context();
        let (transport, theirs) = SocketPair::connect(&context).unwrap();
        let server = start_server(theirs, &["no message"]);
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
    fn dropping_the_transport_ends_the_reader() {
        let (context, ..) = recording_context();
        let (transport, theirs) = SocketPair::connect(&context).unwrap();
        drop(transport);
        context.readers.join();
        assert_eq!(BufReader::new(theirs).lines().count(), 0);
    }
}
