//! The server at the other end of HTTP, as both transports over HTTP use it: requests with what authorises them, and errors with
//! what the server says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ::http::HeaderName;

use crate::auth::auth_callback::AuthRequest;
use crate::auth::authorizer::RequestCredentials;
use crate::auth::call_factory::CallFactory;
use crate::call::context::CallContext;
use crate::call::limits::SizeLimits;
use crate::call::send_error::SendError;
use crate::error::{Error, Result};
use crate::http::client::{Http, OutgoingRequest};
use crate::http::endpoint::Endpoint;
use crate::http::response::HttpResponse;
use crate::log::LogLevel;
use crate::protocol::lost_session::SessionReference;
use crate::status::*;

pub const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// One server.
pub struct HttpPeer {
    pub endpoint: Arc<Endpoint>,
    pub http: Http,
    pub limits: SizeLimits,
    calls: Arc<CallFactory>,
    requires_https: bool,
    /// It was said that credentials go over plain http.
    warned: AtomicBool,
}

impl HttpPeer {
    pub fn new(http: Http, calls: Arc<CallFactory>, limits: SizeLimits, requires_https: bool) -> HttpPeer {
        let endpoint = Arc::clone(http.endpoint());
        HttpPeer { endpoint, http, limits, calls, requires_https, warned: AtomicBool::default() }
    }

    /// Runs `attempt`, which sends a request; and again with other credentials where the server refuses those of the auth callback.
    pub fn authorized<T>(
        &self,
        call: &CallContext,
        attempt: impl FnMut() -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        self.calls.authorizer.with_credentials(call, attempt)
    }

    /// The same for a request that does no harm when it is executed twice: sent once more, too, where a kept connection turns out
    /// dead.
    pub fn safely<T>(&self, call: &CallContext, attempt: impl FnMut() -> Result<T, SendError>) -> Result<T, SendError> {
        self.safely_told(call, || (), attempt)
    }

    /// `tell` is run before the request is sent once more.
    pub fn safely_told<T>(
        &self,
        call: &CallContext,
        tell: impl FnOnce(),
        mut attempt: impl FnMut() -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        match self.authorized(call, &mut attempt) {
            Err(send_error) if send_error.stale => {
                tell();
                // What killed this one will have killed the others.
                self.http.drop_idle();
                self.authorized(call, attempt)
            }
            outcome => outcome,
        }
    }

    /// Sends a request with all that it has to carry, and waits for the head of the answer; `id` is that of the JSON-RPC request.
    pub fn send(
        &self,
        call: &CallContext,
        mut outgoing: OutgoingRequest,
        session_reference: SessionReference,
        id: Option<u64>,
    ) -> Result<HttpResponse<'_>, SendError> {
        let pass = self.pass(call, &outgoing).map_err(SendError::before_sending)?;
        pass.apply(&mut outgoing.headers);
        pass.tell(call);
        if let SessionReference::Id(id) = session_reference {
            call.record_secret(id);
        }
        let http = &self.http;
        // Other calls may change the cookies before this one has its answer.
        http.cookie_secrets().iter().for_each(|texts| call.record_changing_secrets(texts));
        let mut response = http.send(&outgoing, &call.wait_context())?;
        if !response.is_success() {
            let id = response.headers.get(SESSION_ID).and_then(|id| id.to_str().ok());
            call.record_secret(id.unwrap_or_default());
        }
        if !pass.is_issued() || !matches!(response.status, 401 | 403) {
            return Ok(response);
        }
        let send_error = self.http_refusal(call, &mut response, session_reference, id);
        let refusal = pass.refusal(&send_error.error, question(&outgoing));
        Err(SendError { refusal, ..send_error })
    }

    /// Sends a request as far as the call's time allows, and waits for no answer.
    pub fn send_best_effort(&self, call: &CallContext, mut outgoing: OutgoingRequest) {
        if let Ok(pass) = self.pass(call, &outgoing) {
            pass.apply(&mut outgoing.headers);
            self.http.send_best_effort(&outgoing, &call.wait_context());
        }
    }

    fn pass(&self, call: &CallContext, outgoing: &OutgoingRequest) -> Result<RequestCredentials> {
        let pass = self.calls.authorizer.authorize(call, || question(outgoing))?;
        self.check_plain(call, &pass)?;
        Ok(pass)
    }

    /// Credentials over plain http to another machine: allowed, as in the other clients, unless the caller forbids it.
    fn check_plain(&self, call: &CallContext, pass: &RequestCredentials) -> Result<()> {
        let origin = self.endpoint.origin();
        if origin.https || pass.is_empty() || self.http.is_local() {
            return Ok(());
        }
        if self.requires_https {
            let why = format!(
                "credentials would be sent unencrypted over http to {}, which mcp_set_require_https forbids; use an https URL",
                origin.host
            );
            return Err(Error::new(MCP_INSECURE, why));
        }
        if !self.warned.swap(true, Ordering::Relaxed) {
            call.log(LogLevel::Warning, || {
                format!("credentials are sent unencrypted over http to {}; use https", origin.host)
            });
        }
        Ok(())
    }
}

/// What the auth callback is asked before a request.
fn question(outgoing: &OutgoingRequest) -> AuthRequest {
    AuthRequest::new(outgoing.to.uri().to_string(), outgoing.method.clone())
}
