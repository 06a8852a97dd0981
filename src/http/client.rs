//! One HTTP request and its answer: connections are kept, redirects are followed where that is safe, and every failure says
//! what was going on.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use ureq::SendBody;
use ureq::config::Config;
use ureq::http::{HeaderMap, HeaderValue, Method, Request, header};

use super::codings;
use super::cookies::Cookies;
use super::endpoint::Endpoint;
use super::lane::Lane;
pub use super::lane::Phase;
use super::network::{Hop, Network, NetworkOptions};
use super::proxy::Proxy;
use super::response::{BadBody, Parked, Response, Unusable};
use super::tls;
use crate::call::context::Call;
use crate::call::secrets::SecretTexts;
use crate::call::setback::{Sent, Setback};
use crate::error::{Error, Result};
use crate::protocol::text::Text;
use crate::status::*;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::wait::{Budget, Stop};

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("libmcp/", env!("CARGO_PKG_VERSION")));
const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("gzip");

/// Enough for a server that adds a slash and a gateway that moves it to https; a loop ends soon.
const MAX_REDIRECTS: usize = 5;

/// What servers redirect to may change with every request.
const MOST_NOTED: usize = 16;

/// The size of the buffer that answers are read into, where no larger head is allowed.
const INPUT_BUFFER: usize = 128 * 1024;

/// Connections that are kept while nobody uses them; more than that only wait to be closed by the server.
const MAX_IDLE: usize = 16;

/// An event stream mostly ends a moment after its answer. To wait that long for its end is cheaper than a new connection.
const PATIENCE: Duration = Duration::from_millis(5);

/// For servers that keep their streams open: long enough to see an end that is there already.
const IMPATIENCE: Duration = Duration::from_millis(1);

/// What is sent. The body is empty for methods that have none.
pub struct Outgoing<'a> {
    pub to: &'a Arc<Endpoint>,
    pub method: Method,
    pub headers: HeaderMap,
    pub body: &'a Text<'a>,
}

/// A request that brought no answer.
#[derive(Debug)]
pub struct Failure {
    pub error: Error,
    /// The request went out on a kept connection that turned out dead before the first byte of an answer: sending it again is
    /// what the server expects.
    pub stale: bool,
    /// At least a part of the request may have reached the server.
    pub sent: bool,
}

impl From<Failure> for Setback {
    fn from(failure: Failure) -> Setback {
        let sent = if failure.sent { Sent::Yes } else { Sent::No };
        Setback { error: failure.error, stale: failure.stale, sent, refusal: None }
    }
}

/// The HTTP side of one client: where requests go, and the connections to there.
pub struct Http {
    endpoint: Arc<Endpoint>,
    config: Config,
    network: Arc<Network>,
    cookies: Cookies,
    proxy_secrets: Arc<SecretTexts>,
    /// Where the server has redirected to: the newest of them.
    redirects: Mutex<VecDeque<Arc<Endpoint>>>,
    idle: Mutex<Vec<Parked>>,
    /// The server keeps event streams open after the answer: waiting for their end is no use.
    streams_linger: AtomicBool,
}

impl Http {
    pub fn new(endpoint: Arc<Endpoint>, options: NetworkOptions) -> Http {
        let config = Config::builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(options.max_head)
            // A head is read whole before it is looked at.
            .input_buffer_size(INPUT_BUFFER.max(options.max_head.saturating_add(1)))
            // Idle connections are this module's business (see `Lane`).
            .max_idle_connections(0)
            .max_idle_connections_per_host(0)
            // Proxies are this module's business, too (see `Network`).
            .proxy(None)
            .build();
        let network = Network::new(options);
        Http {
            endpoint,
            config,
            proxy_secrets: SecretTexts::new(network.proxy_secrets(), Vec::new()),
            network: Arc::new(network),
            cookies: Cookies::default(),
            redirects: Mutex::default(),
            idle: Mutex::default(),
            streams_linger: AtomicBool::default(),
        }
    }

    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// Whether what is sent stays on this machine.
    pub fn is_local(&self) -> bool {
        match self.network.hop(self.endpoint.origin()) {
            Ok(Hop::Unix(_)) => true,
            Ok(Hop::Server) => self.endpoint.origin().is_loopback(),
            Ok(Hop::Proxy(_)) | Err(_) => false,
        }
    }

    /// Tells a call what must not be shown: what requests carry besides, such as cookies, and what the server's answers have brought.
    pub fn tell_secrets(&self, call: &Call) {
        call.carry_texts(&self.proxy_secrets);
        self.lock_redirects().iter().for_each(|target| call.carry_texts(target.secrets()));
        self.cookies.secrets().iter().for_each(|texts| call.carry_changing_texts(texts));
    }

    /// The proxy that passes requests to `target` on, and may answer them itself.
    pub(super) fn forwarding_proxy(&self, target: &Endpoint) -> Option<&Proxy> {
        match self.network.hop(target.origin()) {
            Ok(Hop::Proxy(proxy)) if proxy.forwards(target.origin()) => Some(proxy),
            _ => None,
        }
    }

    /// Sends a request and waits for the head of its answer.
    pub fn send(&self, outgoing: &Outgoing, budget: &Budget) -> Result<Response<'_>, Failure> {
        let mut target = Arc::clone(outgoing.to);
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_once(&target, outgoing, budget)?;
            let Some(location) = redirect(&response) else { return Ok(response) };
            target = Arc::new(self.follow(&target, &outgoing.method, response.status, &location)?);
            response.park();
        }
        Err(refused(format!("more than {MAX_REDIRECTS} redirects, the last one to {}", target.shown()), 0))
    }

    /// Sends a request as far as the budget allows and does not wait for an answer.
    pub fn send_and_leave(&self, outgoing: &Outgoing, budget: &Budget) {
        // What keeps it from being sent is of no interest: whoever gives up a call has nothing left to do about it.
        if let Ok(lane) = self.take_lane(budget) {
            lane.state.begin(budget, true);
            let _ = self.run(&lane, outgoing.to, outgoing);
        }
    }

    /// Closes the connections that nobody uses.
    pub fn drop_idle(&self) {
        self.idle().clear();
    }

    pub(super) fn put_back(&self, parked: Parked) {
        let mut idle = self.idle();
        // The oldest are at the bottom, where nobody takes one: they go when their time is over.
        idle.retain(Parked::is_fresh);
        if idle.len() < MAX_IDLE {
            idle.push(parked);
        }
    }

    fn send_once(&self, target: &Arc<Endpoint>, outgoing: &Outgoing, budget: &Budget) -> Result<Response<'_>, Failure> {
        let mut lane = self.take_lane(budget).map_err(|stop| before_sending(stopped(&stop, BEFORE, budget)))?;
        lane.state.begin(budget, false);
        match self.run(&lane, target, outgoing) {
            Ok(answer) => {
                self.cookies.take(target, answer.headers(), SystemTime::now);
                lane.note_keep_alive(&answer);
                lane.state.set_phase(Phase::Body);
                let codings = codings::of(&answer).map_err(|error| Failure { error, stale: false, sent: true })?;
                Ok(Response::new(self, lane, Arc::clone(target), answer, codings))
            }
            Err(error) => Err(explain(&error, &lane, target, budget)),
        }
    }

    /// The lane that was used last, if its connection may still be open; else a new one.
    fn take_lane(&self, budget: &Budget) -> Result<Lane, Stop> {
        loop {
            budget.check()?;
            let parked = self.idle().pop();
            let Some(parked) = parked else { return Ok(Lane::new(&self.config, &self.network)) };
            let patience = || {
                let linger = self.streams_linger.load(Ordering::Relaxed);
                budget.within(if linger { IMPATIENCE } else { PATIENCE })
            };
            match parked.into_lane(patience) {
                Ok(lane) => return Ok(lane),
                Err(Unusable::Old) => {}
                Err(Unusable::Unfinished) => self.streams_linger.store(true, Ordering::Relaxed),
            }
        }
    }

    fn run(
        &self,
        lane: &Lane,
        target: &Endpoint,
        outgoing: &Outgoing,
    ) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        let mut request = Request::builder().method(outgoing.method.clone()).uri(target.uri().clone());
        if let Some(headers) = request.headers_mut() {
            headers.clone_from(&outgoing.headers);
            // ureq would add them in a slower way.
            headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
            headers.entry(header::ACCEPT_ENCODING).or_insert(ACCEPT_ENCODING);
            self.cookies.add_to(headers, target, SystemTime::now);
        }
        match outgoing.body.one_piece() {
            Some("") => lane.agent.run(request.body(()).map_err(ureq::Error::Http)?),
            Some(text) => lane.agent.run(request.body(text).map_err(ureq::Error::Http)?),
            None => {
                // ureq would send chunks, which not every server takes.
                let request = request.header(header::CONTENT_LENGTH, outgoing.body.len());
                let mut reader = outgoing.body.reader();
                lane.agent.run(request.body(SendBody::from_reader(&mut reader)).map_err(ureq::Error::Http)?)
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Parked>> {
        self.idle.lock()
    }

    /// Where a redirect leads to, if it may be followed: with the same method, and not to where credentials do not go.
    fn follow(&self, from: &Endpoint, method: &Method, status: u16, location: &str) -> Result<Endpoint, Failure> {
        let target = from.resolve(location).map_err(|why| {
            refused(format!("the server redirects (HTTP {status}) to an address that cannot be used: {why}"), status)
        })?;
        self.note_redirect(&target);
        let (shown, ours, theirs) = (target.shown(), self.endpoint.origin(), target.origin());
        if ours.https && !theirs.https {
            let why = format!(
                "the server redirects (HTTP {status}) from https to {shown}, where everything would go unencrypted: do not use it. A proxy in front of the server probably does not tell it that clients use https (X-Forwarded-Proto): correct that, or use the same path with https"
            );
            return Err(refused(why, status));
        }
        let keeps_method = matches!(status, 307 | 308);
        if !keeps_method && method != Method::GET {
            let why = format!(
                "the server redirects to {shown} with HTTP {status}, which would turn the request into another one; use that URL itself if it is the right one"
            );
            return Err(refused(why, status));
        }
        let may_follow = if keeps_method { ours.may_follow_to(theirs) } else { ours == theirs };
        if !may_follow {
            let why = format!(
                "the server redirects (HTTP {status}) to {shown}, which is another origin, and credentials do not leave theirs; use that URL itself if you trust it"
            );
            return Err(refused(why, status));
        }
        Ok(target)
    }

    fn note_redirect(&self, target: &Endpoint) {
        let mut noted = self.lock_redirects();
        if !noted.iter().any(|known| known.uri() == target.uri()) {
            noted.push_back(Arc::new(target.clone()));
        }
        let surplus = noted.len().saturating_sub(MOST_NOTED);
        noted.drain(..surplus);
    }

    fn lock_redirects(&self) -> MutexGuard<'_, VecDeque<Arc<Endpoint>>> {
        self.redirects.lock()
    }
}

/// The target of a redirect.
fn redirect(response: &Response) -> Option<String> {
    let is_redirect = matches!(response.status, 301 | 302 | 303 | 307 | 308);
    let location = response.headers.get(header::LOCATION).filter(|_| is_redirect)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

fn refused(message: String, http_status: u16) -> Failure {
    before_sending(Error::new(MCP_REDIRECT_REFUSED, message).with_http_status(http_status))
}

fn before_sending(error: Error) -> Failure {
    Failure { error, stale: false, sent: false }
}

/// Puts what ureq says and what the lane noted together.
fn explain(error: &ureq::Error, lane: &Lane, target: &Endpoint, budget: &Budget) -> Failure {
    let state = &lane.state;
    let phase = state.phase();
    let sent = phase >= Phase::Send;
    if let Some(stop) = state.take_stop() {
        return Failure { error: stopped(&stop, phase.doing(), budget), stale: false, sent };
    }
    if let Some(error) = state.take_failure() {
        return Failure { error, stale: false, sent };
    }
    let host = &target.origin().host;
    let reason = reason(error);
    let (status, message) = match phase {
        Phase::Lookup => {
            (MCP_RESOLVE_FAILED, format!("the name {host} has no address: {reason}; check the host in the URL"))
        }
        Phase::Connect | Phase::Proxy => (
            MCP_CONNECT_FAILED,
            format!(
                "cannot connect: {reason}; is the server running, and does it listen on port {}?",
                target.origin().port
            ),
        ),
        Phase::Tls => {
            let why = match error {
                ureq::Error::Io(error) => tls::explain(error),
                _ => None,
            };
            (MCP_TLS_FAILED, format!("no trusted TLS connection: {}", why.unwrap_or(reason)))
        }
        _ => match error {
            ureq::Error::LargeResponseHeader(_, limit) => {
                (MCP_TOO_LARGE, format!("the head of the server's answer is larger than {limit} bytes"))
            }
            // A server that does not like the client's certificate says so when the handshake is over (TLS 1.3).
            ureq::Error::Io(error) if is_tls(error) => {
                (MCP_TLS_FAILED, format!("the server ended the TLS connection: {reason}"))
            }
            // ureq does not give this one a name of its own.
            ureq::Error::Protocol(error) if error.to_string().contains("too many headers") => {
                (MCP_TOO_LARGE, "the head of the server's answer has too many headers".into())
            }
            ureq::Error::Io(_) => {
                (MCP_DISCONNECTED, format!("the connection ended before the server answered: {reason}"))
            }
            _ => (MCP_HTTP_ERROR, format!("the server's answer is no valid HTTP: {reason}")),
        },
    };
    let stale = matches!(error, ureq::Error::Io(_)) && sent && state.died_unanswered();
    Failure { error: Error::new(status, message), stale, sent }
}

/// A failure of the body, which is read outside of [`Http::send`]: the lane's notes, or else what reading it said.
pub(super) fn explain_body(error: Option<io::Error>, lane: &Lane) -> Error {
    if let Some(stop) = lane.state.take_stop() {
        return stopped(&stop, Phase::Body.doing(), &lane.state.budget());
    }
    let end = lane.state.take_end();
    let bad = error.as_ref().and_then(|error| error.get_ref()).and_then(|inner| inner.downcast_ref::<BadBody>());
    let reason = match bad {
        Some(BadBody::Chunks(why)) => return no_http(why),
        Some(bad @ BadBody::Gzip(why)) if why.kind() != io::ErrorKind::UnexpectedEof => {
            return Error::new(MCP_HTTP_ERROR, format!("the server's answer cannot be unpacked: {bad}"));
        }
        Some(bad) => Some(io::Error::other(bad.to_string())),
        None => end.or(error),
    };
    let reason = reason.map_or_else(String::new, |error| format!(": {}", io_reason(&error)));
    Error::new(MCP_TRUNCATED, format!("the server's answer ended before it was complete{reason}"))
}

fn no_http(why: &str) -> Error {
    Error::new(MCP_HTTP_ERROR, format!("the server's answer is no valid HTTP: {why}"))
}

/// What was not begun yet when a wait was ended.
pub const BEFORE: &str = "before anything was sent";

/// The error for a wait that was ended; `doing` says during what.
pub fn stopped(stop: &Stop, doing: &str, budget: &Budget) -> Error {
    let span = |limit: Option<Duration>| limit.map_or_else(String::new, |l| format!(" of {} ms", l.as_millis()));
    match stop {
        Stop::TimedOut => Error::new(MCP_TIMEOUT, format!("the timeout{} passed {doing}", span(budget.allowed))),
        Stop::Idle => Error::new(MCP_TIMEOUT, format!("no byte came for the idle limit{} {doing}", span(budget.idle))),
        Stop::Cancelled => Error::new(MCP_CANCELLED, format!("cancelled {doing}")),
        Stop::Closed => Error::new(MCP_CLOSED, format!("the client was closed {doing}")),
        Stop::Done => Error::new(MCP_DISCONNECTED, format!("given up {doing}: the answer came by another way")),
        Stop::System(error) => Error::new(MCP_SYSTEM_ERROR, format!("the system refused {doing}: {error}")),
    }
}

fn is_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}

/// The cause in few words, without ureq's own preface.
fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => io_reason(error),
        other => other.to_string(),
    }
}

/// What went wrong on a connection, in words.
pub(super) fn io_reason(error: &io::Error) -> String {
    let words = match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset => "connection reset by the server",
        io::ErrorKind::UnexpectedEof => "the server closed the connection",
        io::ErrorKind::BrokenPipe => "the server closed the connection while the request was sent",
        // By the keep-alive probes of TCP, or by a connect that was not answered.
        io::ErrorKind::TimedOut => "the other machine does not answer (the TCP connection timed out)",
        io::ErrorKind::HostUnreachable => "no route to the host",
        io::ErrorKind::NetworkUnreachable => "the network is unreachable",
        _ => return error.to_string(),
    };
    words.to_owned()
}
