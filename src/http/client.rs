//! Sends HTTP requests: reuses connections, stores cookies, and follows redirects if that is safe.

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
use crate::call::interrupt::{BEFORE_SENDING, interrupt_error};
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

/// Enough for a server that adds a slash and a gateway that redirects to https. A redirect loop ends soon.
const MAX_REDIRECTS: usize = 5;

/// How many redirect targets are recorded: a server may use another one for each request.
const MAX_REDIRECT_TARGETS: usize = 16;

/// A request to send. The body is empty for methods without a body.
pub struct OutgoingRequest<'a> {
    pub to: &'a Arc<Endpoint>,
    pub method: Method,
    pub headers: HeaderMap,
    pub body: &'a MessageText<'a>,
}

/// The HTTP part of one client: its endpoint, connections and cookies.
pub struct Http {
    endpoint: Arc<Endpoint>,
    pool: ConnectionPool,
    cookies: CookieStore,
    known: Arc<KnownSecrets>,
    /// The latest redirect targets.
    redirects: Mutex<VecDeque<Arc<Endpoint>>>,
}

impl Http {
    /// Secrets are added to `known` as soon as they are received, before an error can quote the response.
    pub fn new(endpoint: Arc<Endpoint>, options: ConnectionOptions, known: Arc<KnownSecrets>) -> Http {
        let max_head = options.max_head;
        let factory = ConnectionFactory::new(options);
        known.set_texts(SecretSource::ProxySettings, SecretTexts::new(factory.proxy_secrets(), Vec::new()));
        let pool = ConnectionPool::new(factory, max_head);
        Http { endpoint, pool, cookies: CookieStore::default(), known, redirects: Mutex::default() }
    }

    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// Whether requests do not leave this machine.
    pub fn is_local(&self) -> bool {
        match self.pool.factory().route(self.endpoint.origin()) {
            Ok(Route::Unix(_)) => true,
            Ok(Route::Server) => self.endpoint.origin().is_loopback(),
            Ok(Route::Proxy(_)) | Err(_) => false,
        }
    }

    /// The values of all stored cookies, and of those that were removed: the response may echo a cookie that was
    /// replaced since its request.
    pub fn cookie_secrets(&self) -> Option<Arc<SecretTexts>> {
        self.cookies.secrets()
    }

    /// Sends a request, waits for the head of the response, and follows redirects.
    pub fn send(&self, outgoing: &OutgoingRequest, wait_context: &WaitContext) -> Result<HttpResponse<'_>, HttpError> {
        let mut target = Arc::clone(outgoing.to);
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_once(&target, outgoing, wait_context)?;
            let Some(location) = redirect(&response) else { return Ok(response) };
            target = Arc::new(self.follow(&target, &outgoing.method, response.status, &location)?);
            response.release();
        }
        Err(refused(format!("more than {MAX_REDIRECTS} redirects, the last one to {}", target.shown()), 0))
    }

    /// Tries to send a request, and does not wait for a response.
    pub fn send_best_effort(&self, outgoing: &OutgoingRequest, wait_context: &WaitContext) {
        // Best effort: errors are ignored, because the call has already failed.
        if let Ok(pooled) = self.pool.take(wait_context) {
            pooled.notes.begin(wait_context, true);
            let _ = self.run(&pooled, outgoing.to, outgoing);
        }
    }

    /// Closes all idle connections.
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
        let mut pooled = pooled.map_err(|interrupt| {
            HttpError::before_sending(interrupt_error(&interrupt, BEFORE_SENDING, wait_context))
        })?;
        pooled.notes.begin(wait_context, false);
        let response = self.run(&pooled, target, outgoing);
        let response = response.map_err(|error| HttpError::of(error, &pooled.notes, target, wait_context))?;
        if self.cookies.store(target, response.headers(), SystemTime::now)
            && let Some(texts) = self.cookies.secrets()
        {
            self.known.set_texts(SecretSource::Cookies, texts);
        }
        pooled.record_keep_alive(&response);
        pooled.notes.progress.set_phase(RequestPhase::Body);
        let encodings = content_encoding::of(&response).map_err(HttpError::after_head)?;
        HttpResponse::new(&self.pool, pooled, Arc::clone(target), response, encodings).map_err(HttpError::after_head)
    }

    fn run(
        &self,
        pooled: &PooledConnection,
        target: &Endpoint,
        outgoing: &OutgoingRequest,
    ) -> Result<::http::Response<ureq::Body>, ureq::Error> {
        let mut headers = outgoing.headers.clone();
        // ureq would add them too, but more slowly.
        headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
        headers.entry(header::ACCEPT_ENCODING).or_insert(ACCEPT_ENCODING);
        self.cookies.add_to(&mut headers, target, SystemTime::now);
        pooled.send(outgoing.method.clone(), target.uri(), headers, outgoing.body)
    }

    /// The target of a redirect. Fails if following it would change the method or send credentials to another origin.
    fn follow(&self, from: &Endpoint, method: &Method, status: u16, location: &str) -> Result<Endpoint, HttpError> {
        let target = from.resolve(location).map_err(|why| {
            refused(format!("the server redirects (HTTP {status}) to an address that cannot be used: {why}"), status)
        })?;
        self.record_redirect(&target);
        let (shown, ours, theirs) = (target.shown(), self.endpoint.origin(), target.origin());
        if ours.https && !theirs.https {
            let why = format!(
                "the server redirects (HTTP {status}) from https to {shown}, where all data would be sent unencrypted: \
                 do not use it. The proxy in front of the server probably does not set X-Forwarded-Proto: correct \
                 that, or use the same path with https"
            );
            return Err(refused(why, status));
        }
        let keeps_method = matches!(status, 307 | 308);
        if !keeps_method && method != Method::GET {
            let why = format!(
                "the server redirects to {shown} with HTTP {status}, which would change the request method; use that \
                 URL directly if it is correct"
            );
            return Err(refused(why, status));
        }
        let may_follow = if keeps_method { ours.may_send_credentials_to(theirs) } else { ours == theirs };
        if !may_follow {
            let why = format!(
                "the server redirects (HTTP {status}) to {shown}, which is another origin, and credentials are not \
                 sent to another origin; use that URL directly if you trust it"
            );
            return Err(refused(why, status));
        }
        Ok(target)
    }

    fn record_redirect(&self, target: &Endpoint) {
        let mut targets = self.lock_redirects();
        if !targets.iter().any(|known| known.uri() == target.uri()) {
            targets.push_back(Arc::new(target.clone()));
        }
        let surplus = targets.len().saturating_sub(MAX_REDIRECT_TARGETS);
        targets.drain(..surplus);
        let texts = SecretTexts::merged(targets.iter().map(|target| &**target.secrets()));
        self.known.set_texts(SecretSource::Redirects, texts);
    }

    fn lock_redirects(&self) -> MutexGuard<'_, VecDeque<Arc<Endpoint>>> {
        self.redirects.lock()
    }
}

/// The `Location` of a redirect.
fn redirect(response: &HttpResponse) -> Option<String> {
    let is_redirect = matches!(response.status, 301 | 302 | 303 | 307 | 308);
    let location = response.headers.get(header::LOCATION).filter(|_| is_redirect)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

fn refused(message: String, http_status: u16) -> HttpError {
    HttpError::before_sending(Error::new(MCP_REDIRECT_REFUSED, message).with_http_status(http_status))
}
