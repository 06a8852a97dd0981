//! Sends HTTP requests: reuses connections, stores cookies, and follows redirects if that is safe.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use ::http::Method;

use super::cookies::CookieStore;
use super::endpoint::Endpoint;
use super::error::HttpError;
use super::pool::ConnectionPool;
use super::response::HttpResponse;
use super::send::{self, OutgoingRequest};
use crate::call::known_secrets::{KnownSecrets, SecretSource};
use crate::call::secrets::SecretTexts;
use crate::net::connection_factory::{ConnectionFactory, ConnectionOptions, Route};
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::wait::WaitContext;

/// Enough for a server that adds a slash and a gateway that redirects to https. A redirect loop ends soon.
const MAX_REDIRECTS: usize = 5;

/// How many redirect targets are recorded: a server may use another one for each request.
const MAX_REDIRECT_TARGETS: usize = 16;

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
        let pool = ConnectionPool::new(Arc::new(factory), max_head);
        Http { endpoint, pool, cookies: CookieStore::default(), known, redirects: Mutex::default() }
    }

    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    pub(super) fn pool(&self) -> &ConnectionPool {
        &self.pool
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
            let Some(next) = response.redirect_target()? else { return Ok(response) };
            self.record_redirect(&next);
            self.check_redirect(&next, &outgoing.method, response.status)?;
            target = Arc::new(next);
            response.release();
        }
        let why = format!("more than {MAX_REDIRECTS} redirects, the last one to {}", target.shown());
        Err(HttpError::redirect_refused(why, 0))
    }

    /// Tries to send a request, and does not wait for a response.
    pub fn send_best_effort(&self, outgoing: &OutgoingRequest, wait_context: &WaitContext) {
        send::send_best_effort(&self.pool, self.with_cookies(outgoing, outgoing.to), wait_context);
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
        send::send(&self.pool, self.with_cookies(outgoing, target), wait_context, |headers| {
            if self.cookies.store(target, headers, SystemTime::now)
                && let Some(texts) = self.cookies.secrets()
            {
                self.known.set_texts(SecretSource::Cookies, texts);
            }
        })
    }

    /// The request to `target`, with its cookies.
    fn with_cookies<'r>(&self, outgoing: &'r OutgoingRequest, target: &'r Arc<Endpoint>) -> OutgoingRequest<'r> {
        let mut headers = Cow::Borrowed(&*outgoing.headers);
        if self.cookies.is_used() {
            self.cookies.add_to(headers.to_mut(), target, SystemTime::now);
        }
        OutgoingRequest { to: target, method: outgoing.method.clone(), headers, body: outgoing.body }
    }

    /// Fails if following a redirect to `target` would change the method or send credentials to another origin.
    fn check_redirect(&self, target: &Endpoint, method: &Method, status: u16) -> Result<(), HttpError> {
        let (shown, ours, theirs) = (target.shown(), self.endpoint.origin(), target.origin());
        if ours.https && !theirs.https {
            let why = format!(
                "the server redirects (HTTP {status}) from https to {shown}, where all data would be sent unencrypted: \
                 do not use it. The proxy in front of the server probably does not set X-Forwarded-Proto: correct \
                 that, or use the same path with https"
            );
            return Err(HttpError::redirect_refused(why, status));
        }
        let keeps_method = matches!(status, 307 | 308);
        if !keeps_method && method != Method::GET {
            let why = format!(
                "the server redirects to {shown} with HTTP {status}, which would change the request method; use that \
                 URL directly if it is correct"
            );
            return Err(HttpError::redirect_refused(why, status));
        }
        let may_follow = if keeps_method { ours.may_send_credentials_to(theirs) } else { ours == theirs };
        if !may_follow {
            let why = format!(
                "the server redirects (HTTP {status}) to {shown}, which is another origin, and credentials are not \
                 sent to another origin; use that URL directly if you trust it"
            );
            return Err(HttpError::redirect_refused(why, status));
        }
        Ok(())
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
