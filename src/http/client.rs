//! One HTTP request and its answer: connections are kept, redirects are followed where that is safe, and every failure says
//! what was going on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use ::http::{HeaderMap, HeaderValue, Method, header};

use super::content_encoding;
use super::cookies::CookieStore;
use super::endpoint::Endpoint;
use super::error::HttpError;
use super::pool::ConnectionPool;
use super::pooled_connection::PooledConnection;
use super::response::HttpResponse;
use crate::call::interrupt::{BEFORE, stopped};
use crate::call::known_secrets::{KnownSecrets, SecretSource};
use crate::call::secrets::SecretTexts;
use crate::error::Error;
use crate::net::connection_factory::{ConnectionFactory, ConnectionOptions, Route};
use crate::net::progress::RequestPhase;
use crate::net::proxy_handshake;
use crate::protocol::message_text::MessageText;
use crate::status::*;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::wait::WaitContext;

const USER_AGENT: HeaderValue = HeaderValue::from_static(proxy_handshake::USER_AGENT);
const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("gzip");

/// Enough for a server that adds a slash and a gateway that moves it to https; a loop ends soon.
const MAX_REDIRECTS: usize = 5;

/// What servers redirect to may change with every request.
const MAX_NOTED: usize = 16;

/// What is sent. The body is empty for methods that have none.
pub struct OutgoingRequest<'a> {
    pub to: &'a Arc<Endpoint>,
    pub method: Method,
    pub headers: HeaderMap,
    pub body: &'a MessageText<'a>,
}

/// The HTTP side of one client: where requests go, and the connections to there.
pub struct Http {
    endpoint: Arc<Endpoint>,
    pool: ConnectionPool,
    cookies: CookieStore,
    known: Arc<KnownSecrets>,
    /// Where the server has redirected to: the newest of them.
    redirects: Mutex<VecDeque<Arc<Endpoint>>>,
}

impl Http {
    /// What must not be shown is told to `known` when it is learned, before an error is made of an answer.
    pub fn new(endpoint: Arc<Endpoint>, options: ConnectionOptions, known: Arc<KnownSecrets>) -> Http {
        let max_head = options.max_head;
        let network = ConnectionFactory::new(options);
        known.add_texts(SecretSource::ProxySettings, SecretTexts::new(network.proxy_secrets(), Vec::new()));
        let pool = ConnectionPool::new(network, max_head);
        Http { endpoint, pool, cookies: CookieStore::default(), known, redirects: Mutex::default() }
    }

    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// Whether what is sent stays on this machine.
    pub fn is_local(&self) -> bool {
        match self.pool.network().route(self.endpoint.origin()) {
            Ok(Route::Unix(_)) => true,
            Ok(Route::Server) => self.endpoint.origin().is_loopback(),
            Ok(Route::Proxy(_)) | Err(_) => false,
        }
    }

    /// The cookies that a request may carry now, and those that the jar has lost: others may have taken their place before the answer.
    pub fn cookie_secrets(&self) -> Option<Arc<SecretTexts>> {
        self.cookies.secrets()
    }

    /// Sends a request and waits for the head of its answer.
    pub fn send(&self, outgoing: &OutgoingRequest, wait_context: &WaitContext) -> Result<HttpResponse<'_>, HttpError> {
        let mut target = Arc::clone(outgoing.to);
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_once(&target, outgoing, wait_context)?;
            let Some(location) = redirect(&response) else { return Ok(response) };
            target = Arc::new(self.follow(&target, &outgoing.method, response.status, &location)?);
            response.park();
        }
        Err(refused(format!("more than {MAX_REDIRECTS} redirects, the last one to {}", target.shown()), 0))
    }

    /// Sends a request as far as the budget allows and does not wait for an answer.
    pub fn send_best_effort(&self, outgoing: &OutgoingRequest, wait_context: &WaitContext) {
        // What keeps it from being sent is of no interest: whoever gives up a call has nothing left to do about it.
        if let Ok(pooled) = self.pool.take(wait_context) {
            pooled.notes.begin(wait_context, true);
            let _ = self.run(&pooled, outgoing.to, outgoing);
        }
    }

    /// Closes the connections that nobody uses.
    pub fn drop_idle(&self) {
        self.pool.drop_idle();
    }

    fn send_once(
        &self,
        target: &Arc<Endpoint>,
        outgoing: &OutgoingRequest,
        wait_context: &WaitContext,
    ) -> Result<HttpResponse<'_>, HttpError> {
        let pooled = self.pool.take(wait_context);
        let mut pooled = pooled.map_err(|stop| HttpError::before_sending(stopped(&stop, BEFORE, wait_context)))?;
        pooled.notes.begin(wait_context, false);
        let answer = self.run(&pooled, target, outgoing);
        let answer = answer.map_err(|error| HttpError::of(error, &pooled.notes, target, wait_context))?;
        if self.cookies.take(target, answer.headers(), SystemTime::now)
            && let Some(texts) = self.cookies.secrets()
        {
            self.known.add_texts(SecretSource::Cookies, texts);
        }
        pooled.record_keep_alive(&answer);
        pooled.notes.progress.set_phase(RequestPhase::Body);
        let codings = content_encoding::of(&answer).map_err(HttpError::after_head)?;
        HttpResponse::new(&self.pool, pooled, Arc::clone(target), answer, codings).map_err(HttpError::after_head)
    }

    fn run(
        &self,
        pooled: &PooledConnection,
        target: &Endpoint,
        outgoing: &OutgoingRequest,
    ) -> Result<::http::Response<ureq::Body>, ureq::Error> {
        let mut headers = outgoing.headers.clone();
        // ureq would add them in a slower way.
        headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
        headers.entry(header::ACCEPT_ENCODING).or_insert(ACCEPT_ENCODING);
        self.cookies.add_to(&mut headers, target, SystemTime::now);
        pooled.send(outgoing.method.clone(), target.uri(), headers, outgoing.body)
    }

    /// Where a redirect leads to, if it may be followed: with the same method, and not to where credentials do not go.
    fn follow(&self, from: &Endpoint, method: &Method, status: u16, location: &str) -> Result<Endpoint, HttpError> {
        let target = from.resolve(location).map_err(|why| {
            refused(format!("the server redirects (HTTP {status}) to an address that cannot be used: {why}"), status)
        })?;
        self.record_redirect(&target);
        let (shown, ours, theirs) = (target.shown(), self.endpoint.origin(), target.origin());
        if ours.https && !theirs.https {
            let why = format!(
                "the server redirects (HTTP {status}) from https to {shown}, where all data would be sent unencrypted: do not use it. A proxy in front of the server probably does not tell it that clients use https (X-Forwarded-Proto): correct that, or use the same path with https"
            );
            return Err(refused(why, status));
        }
        let keeps_method = matches!(status, 307 | 308);
        if !keeps_method && method != Method::GET {
            let why = format!(
                "the server redirects to {shown} with HTTP {status}, which would change the request method; use that URL directly if it is correct"
            );
            return Err(refused(why, status));
        }
        let may_follow = if keeps_method { ours.may_follow_to(theirs) } else { ours == theirs };
        if !may_follow {
            let why = format!(
                "the server redirects (HTTP {status}) to {shown}, which is another origin, and credentials are not sent to another origin; use that URL directly if you trust it"
            );
            return Err(refused(why, status));
        }
        Ok(target)
    }

    fn record_redirect(&self, target: &Endpoint) {
        let mut noted = self.lock_redirects();
        if !noted.iter().any(|known| known.uri() == target.uri()) {
            noted.push_back(Arc::new(target.clone()));
        }
        let surplus = noted.len().saturating_sub(MAX_NOTED);
        noted.drain(..surplus);
        let texts = SecretTexts::together(noted.iter().map(|target| &**target.secrets()));
        self.known.add_texts(SecretSource::Redirects, texts);
    }

    fn lock_redirects(&self) -> MutexGuard<'_, VecDeque<Arc<Endpoint>>> {
        self.redirects.lock()
    }
}

/// The target of a redirect.
fn redirect(response: &HttpResponse) -> Option<String> {
    let is_redirect = matches!(response.status, 301 | 302 | 303 | 307 | 308);
    let location = response.headers.get(header::LOCATION).filter(|_| is_redirect)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

fn refused(message: String, http_status: u16) -> HttpError {
    HttpError::before_sending(Error::new(MCP_REDIRECT_REFUSED, message).with_http_status(http_status))
}
