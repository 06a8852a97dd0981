//! The server as both HTTP transports use it: sends requests with their credentials.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ::http::HeaderName;

use crate::auth::auth_request::AuthRequest;
use crate::auth::authorizer::RequestCredentials;
use crate::auth::call_factory::CallFactory;
use crate::auth::oauth::environment::OAuthEnvironment;
use crate::call::context::CallContext;
use crate::call::limits::SizeLimits;
use crate::call::send_error::SendError;
use crate::error::{Error, Result};
use crate::http::client::Http;
use crate::http::endpoint::Endpoint;
use crate::http::response::HttpResponse;
use crate::http::send::OutgoingRequest;
use crate::log::LogLevel;
use crate::protocol::lost_session::SessionReference;
use crate::status::*;

/// The header with the session id.
pub const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// One server that is reached over HTTP.
pub struct HttpPeer {
    pub endpoint: Arc<Endpoint>,
    pub http: Http,
    pub limits: SizeLimits,
    calls: Arc<CallFactory>,
    pub oauth_environment: OAuthEnvironment,
    requires_https: bool,
    /// The warning that credentials are sent over plain http was logged.
    plain_http_warning_logged: AtomicBool,
}

impl HttpPeer {
    pub fn new(
        http: Http,
        (calls, oauth_environment): (Arc<CallFactory>, OAuthEnvironment),
        limits: SizeLimits,
        requires_https: bool,
    ) -> HttpPeer {
        HttpPeer {
            endpoint: Arc::clone(http.endpoint()),
            http,
            limits,
            calls,
            oauth_environment,
            requires_https,
            plain_http_warning_logged: AtomicBool::default(),
        }
    }

    /// Runs `attempt`, which sends a request. If the server refuses issued credentials, runs it again with new ones.
    pub fn with_credentials<T>(
        &self,
        call: &CallContext,
        attempt: impl FnMut() -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        self.calls.authorizer.with_credentials(call, &self.oauth_environment, attempt)
    }

    /// Runs `attempt` like [`HttpPeer::with_credentials`], and again if an idle connection turns out to be stale. The
    /// request must be safe to execute twice.
    pub fn with_stale_retry<T>(
        &self,
        call: &CallContext,
        attempt: impl FnMut() -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        self.with_stale_retry_and_hook(call, || (), attempt)
    }

    /// Runs `attempt` like [`HttpPeer::with_stale_retry`], and `before_retry` before the retry on a new connection.
    pub fn with_stale_retry_and_hook<T>(
        &self,
        call: &CallContext,
        before_retry: impl FnOnce(),
        mut attempt: impl FnMut() -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        match self.with_credentials(call, &mut attempt) {
            Err(send_error) if send_error.stale => {
                before_retry();
                // Other idle connections are probably stale: drop the pool.
                self.http.drop_idle();
                self.with_credentials(call, attempt)
            }
            outcome => outcome,
        }
    }

    /// Sends a request once with its credentials and waits for the headers of the response. If the server refuses
    /// issued credentials, the error says so, and [`HttpPeer::with_credentials`] retries. `id` is the id
    /// of the JSON-RPC request, if there is one.
    pub fn send(
        &self,
        call: &CallContext,
        mut outgoing: OutgoingRequest,
        session_reference: SessionReference,
        id: Option<u64>,
    ) -> Result<HttpResponse<'_>, SendError> {
        let credentials = self.credentials_for(call, &outgoing).map_err(SendError::before_sending)?;
        credentials.apply(outgoing.headers.to_mut());
        credentials.record_in(call);
        if let Some(session_id) = outgoing.headers.get(&SESSION_ID) {
            call.record_session_id(session_id);
        }
        let http = &self.http;
        // Recorded before sending, because other calls may change the cookies before the response arrives.
        http.cookie_secrets().iter().for_each(|texts| call.record_changing_secrets(texts));
        call.trace_sent(outgoing.body);
        let mut response = http.send(&outgoing, &call.wait_context())?;
        if !response.is_success() {
            response.headers.get(SESSION_ID).into_iter().for_each(|id| call.record_session_id(id));
        }
        if !credentials.is_issued() {
            return Ok(response);
        }
        if !matches!(response.status, 401 | 403) {
            self.calls.authorizer.record_accepted(&credentials);
            return Ok(response);
        }
        let send_error = self.http_send_error(call, &mut response, session_reference, id);
        let refusal = credentials.refusal(&send_error.error, auth_request(&outgoing));
        Err(SendError { refusal, ..send_error })
    }

    /// Sends a request within the time of the call, without waiting for a response.
    pub fn send_best_effort(&self, call: &CallContext, mut outgoing: OutgoingRequest) {
        if let Ok(credentials) = self.credentials_for(call, &outgoing) {
            credentials.apply(outgoing.headers.to_mut());
            credentials.record_in(call);
            call.trace_sent(outgoing.body);
            self.http.send_best_effort(&outgoing, &call.wait_context());
        }
    }

    fn credentials_for(&self, call: &CallContext, outgoing: &OutgoingRequest) -> Result<RequestCredentials> {
        let credentials = self.calls.authorizer.authorize(call, &self.oauth_environment, || auth_request(outgoing))?;
        self.check_plain_http(call, &credentials)?;
        Ok(credentials)
    }

    /// Logs a warning if credentials are sent over plain http to another machine. Fails instead if the application
    /// requires https.
    fn check_plain_http(&self, call: &CallContext, credentials: &RequestCredentials) -> Result<()> {
        let origin = self.endpoint.origin();
        if origin.https || credentials.is_empty() || self.http.is_local() {
            return Ok(());
        }
        if self.requires_https {
            let why = format!(
                "credentials would be sent unencrypted over http to {}, which mcp_set_require_https forbids; use an \
                 https URL",
                origin.host
            );
            return Err(Error::new(MCP_INSECURE, why));
        }
        if !self.plain_http_warning_logged.swap(true, Ordering::Relaxed) {
            call.log(LogLevel::Warning, || {
                format!("credentials are sent unencrypted over http to {}; use https", origin.host)
            });
        }
        Ok(())
    }
}

/// The argument of the auth callback for a request.
fn auth_request(outgoing: &OutgoingRequest) -> AuthRequest {
    AuthRequest::new(outgoing.to.uri().to_string(), outgoing.method.clone())
}
