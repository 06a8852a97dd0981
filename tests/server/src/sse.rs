//! HTTP+SSE, the transport of 2024-11-05: the event stream of one GET carries all responses, and POSTs get only a 202.

use crate::encoding::{Encoder, gzip_header};
use crate::faults::{BEFORE_RESET, Exchange, Flow, Kind, LATE, Moment, pad_head};
use crate::legacy;
use crate::net::Stream;
use crate::protocol::Request;
use crate::reply::{LAST_CHUNK, Reply, chunk};
use crate::rpc::Message;
use crate::sse_streams::{End, Step, WaitResult};
use std::io::{self, Write};
use std::thread::sleep;
use std::time::{Duration, Instant};

const KEEPALIVE: &[u8] = b": keepalive\n\n";

/// Responds to a POST: a 202, and a delivery for the event stream of its session.
pub fn post(request: &Request) -> Reply {
    let Some(session) = request.session_id() else {
        return if request.head.has_query() {
            unknown_session()
        } else {
            Reply::text(405, "method not allowed\n").header("Allow", "GET")
        };
    };
    if !request.state.sse_streams.contains(session) {
        return unknown_session();
    }
    if !request.head.lists("Content-Type", "application/json") {
        return Reply::text(400, "Invalid Content-Type header");
    }
    if let Message::Invalid(_) = request.message {
        return Reply::text(400, "Could not parse message");
    }
    let reply = legacy::answer(request);
    match (request.message, reply.message()) {
        (Message::Request { .. }, Some(message)) => Reply::accepted(session, message),
        // A notification or response of the client, which gets no JSON-RPC response.
        _ if reply.status == 202 => Reply::text(202, "Accepted"),
        _ => reply,
    }
}

fn unknown_session() -> Reply {
    Reply::text(404, "Could not find session")
}

/// Responds to the GET: the stream stays open until a step ends it or the client disconnects.
pub fn open(exchange: &mut Exchange, kind: Option<&Kind>) -> io::Result<Flow> {
    if !exchange.request.head.lists("Accept", "text/event-stream") {
        return exchange.send(Reply::text(406, "Accept must list text/event-stream\n"));
    }
    let state = exchange.request.state;
    let session = state.open_session("");
    let outcome = serve_stream(exchange, &session, kind);
    state.sse_streams.remove(&session);
    state.end_session(&session);
    outcome
}

fn serve_stream(exchange: &mut Exchange, session: &str, kind: Option<&Kind>) -> io::Result<Flow> {
    let Request { state, scenario, head, .. } = exchange.request;
    let mut receiver = state.sse_streams.open(session)?;
    state.sse_streams.push(session, opening(kind, &endpoint(exchange, session)));
    let mut writer = StreamWriter { encoder: Encoder::new(scenario, head), exchange, sent: 0 };
    let head = writer.head(kind);
    if head.status != 200 {
        return writer.exchange.send(head);
    }
    let mut out = Vec::with_capacity(512);
    head.render_head(&mut out);
    writer.write(&out)?;
    if kind == Some(&Kind::EndpointLate) {
        sleep(LATE);
    }
    let keepalive = scenario.keepalive.map(Duration::from_millis);
    let mut next = keepalive.map(|pause| Instant::now() + pause);
    loop {
        let left = next.map(|next| next.saturating_duration_since(Instant::now()));
        // One millisecond more, because poll rounds down.
        let left = left.map(|left| left + Duration::from_millis(1));
        match receiver.wait(writer.exchange.stream.socket(), left) {
            WaitResult::Steps(steps) => {
                for step in steps {
                    match step {
                        Step::Send(event) => writer.event(&event)?,
                        Step::Notify(notifier) => drop(notifier.send(())),
                        Step::End(end) => return writer.end(end),
                    }
                }
            }
            WaitResult::Socket if writer.exchange.stream.has_ended()? => {
                writer.exchange.record_disconnect();
                return Ok(Flow::Drop);
            }
            WaitResult::Socket | WaitResult::Timeout => {}
        }
        if next.is_some_and(|next| next <= Instant::now()) {
            writer.send(KEEPALIVE)?;
            next = keepalive.map(|pause| Instant::now() + pause);
        }
    }
}

/// The first steps of the stream.
fn opening(kind: Option<&Kind>, endpoint: &str) -> Vec<Step> {
    let event = format!("event: endpoint\ndata: {endpoint}\n\n").into_bytes();
    match kind {
        Some(Kind::NoEndpoint) => Vec::new(),
        Some(Kind::EndpointEmpty) => vec![Step::Send(b"event: endpoint\ndata:\n\n".to_vec())],
        Some(Kind::EndpointTwice) => vec![Step::Send(event.clone()), Step::Send(event)],
        Some(Kind::Ends(end, moment)) => ending(*end, *moment, event),
        _ => vec![Step::Send(event)],
    }
}

/// The steps of a stream that ends before, in or after an event.
pub fn ending(end: End, moment: Moment, event: Vec<u8>) -> Vec<Step> {
    match moment {
        Moment::Before => vec![Step::End(end)],
        Moment::Half => vec![Step::Send(event[..event.len() / 2].to_vec()), Step::End(end)],
        Moment::After => vec![Step::Send(event), Step::End(end)],
    }
}

/// The data of the endpoint event.
fn endpoint(exchange: &Exchange, session: &str) -> String {
    let head = exchange.request.head;
    let relative = format!("{}?session={session}", head.path());
    match exchange.request.scenario.endpoint.as_deref() {
        None => relative,
        Some("absolute") => {
            let scheme = if matches!(exchange.stream, Stream::Tls(_)) { "https" } else { "http" };
            format!("{scheme}://{}{relative}", head.get("Host").unwrap_or_default())
        }
        Some(value) => value.replace('*', session),
    }
}

/// Writes the event stream to the client.
struct StreamWriter<'a, 'b> {
    encoder: Encoder,
    exchange: &'a mut Exchange<'b>,
    sent: u64,
}

impl StreamWriter<'_, '_> {
    fn head(&self, kind: Option<&Kind>) -> Reply {
        let mut reply = Reply::stream(Vec::new());
        if self.encoder.is_gzip() {
            reply.headers.push(gzip_header());
        }
        self.exchange.add_cookies(&mut reply);
        match kind {
            Some(Kind::HeadSize(size)) => pad_head(reply, *size),
            _ => reply,
        }
    }

    fn event(&mut self, event: &[u8]) -> io::Result<()> {
        self.sent += 1;
        if self.exchange.request.scenario.priming {
            self.send(format!("id: event-{}\ndata:\n\n", self.sent).as_bytes())?;
        }
        self.send(event)
    }

    fn send(&mut self, part: &[u8]) -> io::Result<()> {
        let mut out = Vec::with_capacity(part.len() + 64);
        chunk(&mut out, &self.encoder.encode_part(part)?);
        self.write(&out)
    }

    fn end(mut self, end: End) -> io::Result<Flow> {
        match end {
            End::Clean => {
                let (rest, mut out) = (self.encoder.end()?, Vec::new());
                if !rest.is_empty() {
                    chunk(&mut out, &rest);
                }
                out.extend_from_slice(LAST_CHUNK);
                self.write(&out)?;
                Ok(Flow::Close)
            }
            End::Cut => Ok(Flow::Close),
            End::Reset => {
                sleep(BEFORE_RESET);
                Ok(Flow::Reset)
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.exchange.stream.write_all(bytes).inspect_err(|_| self.exchange.record_disconnect())
    }
}

#[cfg(test)]
mod tests {
    use crate::http::{Framing, Head, Source};
    use crate::serve::listen;
    use crate::state::State;
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpStream};
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    /// A server, and the path of a scenario.
    struct TestServer {
        port: u16,
        state: Arc<State>,
        path: String,
    }

    impl TestServer {
        fn new(options: &str) -> Self {
            let state = Arc::new(State::default());
            Self { port: listen(0, None, state.clone()).unwrap(), state, path: format!("/s/{options}/mcp") }
        }

        fn send(&self, request: &str) -> TcpStream {
            let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
            socket.write_all(request.as_bytes()).unwrap();
            socket
        }

        /// Opens the stream and reads up to the end of the first event.
        fn open(&self) -> (TcpStream, String) {
            let mut socket = self.send(&format!("GET {} HTTP/1.1\r\nAccept: text/event-stream\r\n\r\n", self.path));
            let head = until(&mut socket, "\r\n\r\n");
            assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
            let event = until(&mut socket, "\n\n");
            let endpoint = event.split_once("data: ").unwrap().1.trim_end().to_owned();
            (socket, endpoint)
        }

        fn post(&self, endpoint: &str, message: &str) -> (u16, String) {
            let head = format!("POST {endpoint} HTTP/1.1\r\nContent-Type: application/json\r\n");
            let mut socket = self.send(&format!("{head}Content-Length: {}\r\n\r\n{message}", message.len()));
            let (mut source, mut head, mut body) = (Source::default(), Head::default(), Vec::new());
            assert!(source.read_head(&mut socket, &mut head).unwrap());
            let framing = Framing::of_response(&head, "POST").unwrap();
            source.read_body(&mut socket, framing, &mut body).unwrap();
            (head.status().unwrap(), String::from_utf8(body).unwrap())
        }
    }

    /// Reads one byte at a time, so that the bytes after the mark stay unread.
    fn until(socket: &mut TcpStream, mark: &str) -> String {
        let mut text = String::new();
        let mut byte = [0];
        while !text.ends_with(mark) {
            socket.read_exact(&mut byte).unwrap();
            text.push(char::from(byte[0]));
        }
        text
    }

    const PING: &str = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;

    #[test]
    fn responses_are_sent_on_the_event_stream() {
        let server = TestServer::new("sse");
        let (mut stream, endpoint) = server.open();
        assert!(endpoint.starts_with("/s/sse/mcp?session="));
        assert_eq!(server.post(&endpoint, PING), (202, "Accepted".into()));
        let event = until(&mut stream, "\n\n");
        assert!(event.ends_with("event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n"), "{event}");
    }

    #[test]
    fn sessions_without_an_event_stream_are_unknown() {
        let server = TestServer::new("sse");
        assert_eq!(server.post("/s/sse/mcp", PING).0, 405);
        let refused = (404, "Could not find session".to_owned());
        assert_eq!(server.post("/s/sse/mcp?session=x", PING), refused);
        let (stream, endpoint) = server.open();
        drop(stream);
        let session = endpoint.split_once('=').unwrap().1;
        // Polls, because the server does not report that it has noticed the end of the connection.
        let end = Instant::now() + Duration::from_secs(5);
        while server.state.sse_streams.contains(session) {
            assert!(Instant::now() < end, "the server does not notice that the client has disconnected");
            std::thread::yield_now();
        }
        assert_eq!(server.post(&endpoint, PING), refused);
    }

    #[test]
    fn a_stream_can_end_instead_of_the_response() {
        let server = TestServer::new("sse+ends=clean+when=ping");
        let (mut stream, endpoint) = server.open();
        assert_eq!(server.post(&endpoint, PING).0, 202);
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "\r\n0\r\n\r\n");
    }

    #[test]
    fn a_response_can_wait_for_the_response_to_a_ping() {
        let server = TestServer::new("sse+fault=ping-request+when=ping");
        let (mut stream, endpoint) = server.open();
        assert_eq!(server.post(&endpoint, PING).0, 202);
        assert!(until(&mut stream, "\n\n").contains(r#""id":"srv-1","method":"ping""#));
        assert_eq!(server.post(&endpoint, r#"{"jsonrpc":"2.0","id":"srv-1","result":{}}"#).0, 202);
        assert!(until(&mut stream, "\n\n").contains(r#""id":7,"result""#));
    }
}
