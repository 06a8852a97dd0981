//! Listening, and processing the requests of one connection.

use crate::faults::{self, Exchange, Flow};
use crate::http::{Framing, Head, Source};
use crate::net::Stream;
use crate::oauth::Endpoint;
use crate::options::Scenario;
use crate::protocol::Request;
use crate::reply::Reply;
use crate::rpc::Message;
use crate::state::State;
use crate::{auth, cookies, services};
use rustls::ServerConfig;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// Listens on loopback and serves in the background. Returns the port.
pub fn listen(port: u16, tls: Option<Arc<ServerConfig>>, state: Arc<State>) -> io::Result<u16> {
    accept(port, move |socket| {
        let (tls, state) = (tls.clone(), state.clone());
        move || {
            // Errors are expected: the client has disconnected, or a fault has its effect.
            let _ = Stream::new(socket, tls.as_ref()).and_then(|stream| Connection::new(stream, state).run());
        }
    })
}

/// Listens on loopback and starts a thread for every connection.
pub fn accept<W>(port: u16, work: impl Fn(TcpStream) -> W + Send + 'static) -> io::Result<u16>
where
    W: FnOnce() + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let port = listener.local_addr()?.port();
    thread::Builder::new().name("accept".into()).spawn(move || {
        for socket in listener.incoming().flatten() {
            // If no thread can be created, only this connection is dropped, and the client gets an error.
            let _ = thread::Builder::new().name("connection".into()).spawn(work(socket));
        }
    })?;
    Ok(port)
}

struct Connection {
    stream: Stream,
    state: Arc<State>,
    number: u64,
    requests: u64,
    source: Source,
    head: Head,
    body: Vec<u8>,
    out: Vec<u8>,
    /// The last target and its scenario, so that repeated targets are not parsed again.
    cached: Option<(String, Scenario)>,
}

impl Connection {
    fn new(stream: Stream, state: Arc<State>) -> Self {
        let number = state.connection();
        Self {
            stream,
            state,
            number,
            requests: 0,
            source: Source::default(),
            head: Head::default(),
            body: Vec::with_capacity(16 * 1024),
            out: Vec::with_capacity(16 * 1024),
            cached: None,
        }
    }

    fn run(mut self) -> io::Result<()> {
        let flow = loop {
            match self.read() {
                Ok(true) => {}
                Ok(false) => break Flow::Close,
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    let mut out = Vec::new();
                    Reply::text(400, format!("{error}\n")).header("Connection", "close").render(&mut out);
                    self.stream.write_all(&out)?;
                    break Flow::Close;
                }
                Err(error) => return Err(error),
            }
            self.requests += 1;
            match self.answer()? {
                Flow::Next => {}
                other => break other,
            }
        };
        match flow {
            Flow::Reset => self.stream.reset(),
            Flow::Close => self.stream.close(),
            Flow::Next | Flow::Drop => {}
        }
        Ok(())
    }

    /// Reads one request. Returns false if the client has ended the connection.
    fn read(&mut self) -> io::Result<bool> {
        if !self.source.read_head(&mut self.stream, &mut self.head)? {
            return Ok(false);
        }
        let framing = Framing::of_request(&self.head).map_err(crate::http::source::invalid)?;
        if self.head.lists("Expect", "100-continue") && self.source.buffered().is_empty() {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        self.body.clear();
        self.source.read_body(&mut self.stream, framing, &mut self.body)?;
        Ok(true)
    }

    fn answer(&mut self) -> io::Result<Flow> {
        let last = self.head.lists("Connection", "close") || self.head.is_http_10();
        if self.cached.as_ref().is_none_or(|(target, _)| target != self.head.target()) {
            match self.scenario() {
                Ok(scenario) => self.cached = Some((self.head.target().to_owned(), scenario)),
                Err(mut reply) => {
                    if last {
                        reply = reply.header("Connection", "close");
                    }
                    reply.render(&mut self.out);
                    self.stream.write_all(&self.out)?;
                    return Ok(if last { Flow::Close } else { Flow::Next });
                }
            }
        }
        let Some((_, scenario)) = &self.cached else {
            return Ok(Flow::Close);
        };
        let message = Message::parse(&self.body);
        let add = |tag: &String| self.state.log.add(tag, self.number, &self.head, &self.body, message.method());
        let record_id = scenario.tag.as_ref().map(add);
        let (_, endpoint) = Endpoint::of_path(self.head.path());
        let (head, body) = (&self.head, self.body.as_slice());
        let request = Request { state: &self.state, scenario, head, message: &message, body, endpoint };
        let mut exchange = Exchange { request, stream: &mut self.stream, out: &mut self.out, record_id, last };
        if let Err(refusal) = auth::check(&exchange.request).and_then(|()| cookies::check(&exchange.request)) {
            return exchange.send(refusal);
        }
        match faults::select(&exchange.request, self.requests > 1) {
            Some(kind) => faults::apply(kind, &mut exchange),
            None => exchange.answer(),
        }
    }

    /// The scenario of the path, or the response to any other path.
    fn scenario(&self) -> Result<Scenario, Reply> {
        if let Some(reply) = services::answer(&self.state, &self.head, &self.body) {
            return Err(reply);
        }
        let (path, endpoint) = Endpoint::of_path(self.head.path());
        match Scenario::of_path(path) {
            Some(Ok(scenario)) if endpoint.is_some() && !scenario.oauth => Err(Reply::text(404, "no OAuth here\n")),
            Some(Ok(scenario)) => Ok(scenario),
            Some(Err(error)) => Err(Reply::text(418, format!("{error}\n"))),
            None => Err(Reply::text(404, "no such path; try /s/dual/mcp\n")),
        }
    }
}
