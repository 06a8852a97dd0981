//! Requests to token endpoints. Each runs on a separate thread and is not given up with its call: otherwise a
//! cancelled call would lose a refresh token that the server has already replaced.

use std::sync::Arc;

use ::http::{HeaderMap, header};
use zeroize::Zeroizing;

use super::client_identity::ClientIdentity;
use super::environment::SendForeign;
use super::keys::random_bytes;
use super::renewal::{Renewal, oauth_failure, refusal_error};
use super::token_age::unix_time;
use crate::call::headers::secret_value;
use crate::call::new_event;
use crate::call::secrets::Secrets;
use crate::error::{Error, Result};
use crate::http::foreign::{ForeignBody, ForeignRequest};
use crate::net::address_policy::AddressExceptions;
use crate::protocol::oauth::client_authentication::{AuthMethod, basic_authorization};
use crate::protocol::oauth::form::encode;
use crate::protocol::oauth::jwt::ClientAssertion;
use crate::protocol::oauth::oauth_error::EndpointFailure;
use crate::protocol::oauth::pkce::random_text;
use crate::protocol::oauth::quote::quote;
use crate::protocol::oauth::record::RecordedTokens;
use crate::protocol::oauth::scope::ScopeSet;
use crate::protocol::oauth::token_response::{TokenResponse, TokenScheme};
use crate::status::MCP_SYSTEM_ERROR;
use crate::sys::lock::Mutex;
use crate::sys::pollable_event::{PollableEvent, SetOnDrop};
use crate::sys::thread;
use crate::sys::wait::{Interest, WaitContext};

/// The longest refresh token, in bytes. The limit for access tokens is that of headers.
const MAX_TOKEN: usize = 64 * 1024;

/// How long a client assertion is valid, in seconds.
const ASSERTION_LIFETIME: u64 = 60;

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A request to a token or revocation endpoint. No `Debug`: it contains secrets.
pub struct TokenRequest {
    /// What is requested, for error messages.
    what: &'static str,
    url: String,
    parameters: Vec<(&'static str, Zeroizing<String>)>,
    /// Parameters that the application added.
    custom: Vec<(String, String)>,
    headers: HeaderMap,
    /// The secret in the headers.
    header_secret: Option<Zeroizing<String>>,
}

/// Why there are no tokens.
#[derive(Clone)]
pub enum TokenFailure {
    /// The authorization server refused the request with this OAuth error code.
    Refused { code: String, error: Error },
    /// Tokens must not be dropped for it: the same request may succeed later.
    Failed(Error),
}

impl TokenFailure {
    pub fn into_error(self) -> Error {
        match self {
            TokenFailure::Refused { error, .. } | TokenFailure::Failed(error) => error,
        }
    }

    pub fn code(&self) -> Option<&str> {
        match self {
            TokenFailure::Refused { code, .. } => Some(code),
            TokenFailure::Failed(_) => None,
        }
    }
}

impl TokenRequest {
    pub fn new(what: &'static str, url: &str) -> TokenRequest {
        TokenRequest {
            what,
            url: url.into(),
            parameters: Vec::new(),
            custom: Vec::new(),
            headers: HeaderMap::new(),
            header_secret: None,
        }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> TokenRequest {
        self.parameters.push((name, Zeroizing::new(value.into())));
        self
    }

    pub fn with_optional(self, name: &'static str, value: Option<&str>) -> TokenRequest {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds the parameters that the application has set.
    pub fn with_custom(mut self, parameters: &[(String, String)]) -> TokenRequest {
        self.custom.extend_from_slice(parameters);
        self
    }

    /// Adds the client's authentication for the authorization server `issuer`.
    pub fn authenticated(mut self, identity: &ClientIdentity, issuer: &str) -> Result<TokenRequest> {
        let secret = identity.secret.as_deref().map(String::as_str).unwrap_or_default();
        match identity.method {
            AuthMethod::None => Ok(self.with("client_id", &identity.id)),
            AuthMethod::SecretPost => Ok(self.with("client_id", &identity.id).with("client_secret", secret)),
            AuthMethod::SecretBasic => {
                let value = secret_value(&[&basic_authorization(&identity.id, secret)])?;
                self.headers.insert(header::AUTHORIZATION, value);
                self.header_secret = identity.secret.clone();
                // The id is allowed here, too (RFC 6749, section 3.2.1), and the Python SDK's endpoints require it.
                Ok(self.with("client_id", &identity.id))
            }
            AuthMethod::PrivateKeyJwt => {
                let assertion = client_assertion(identity, issuer)?;
                Ok(self.with("client_assertion_type", JWT_BEARER).with("client_assertion", &assertion))
            }
        }
    }

    /// Sends the request, and parses the response with `parse`.
    pub fn send<T>(
        &self,
        sender: &dyn SendForeign,
        exceptions: AddressExceptions,
        wait_context: &WaitContext,
        parse: impl FnOnce(u16, &str) -> Result<T, EndpointFailure>,
    ) -> Result<T, TokenFailure> {
        let parameters = self.parameters.iter().map(|(name, value)| (*name, value.as_str()));
        let custom = self.custom.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let form = encode(parameters.chain(custom));
        let request = ForeignRequest {
            what: self.what,
            url: &self.url,
            headers: self.headers.clone(),
            body: Some(ForeignBody::Form(&form)),
        };
        let response = sender
            .send(&request, exceptions, wait_context)
            .map_err(|error| TokenFailure::Failed(self.secrets().sanitize_error(error)))?;
        let body = String::from_utf8_lossy(&response.body);
        parse(response.status, &body).map_err(|failure| self.failure(failure, response.retry_after_ms))
    }

    fn failure(&self, failure: EndpointFailure, retry_after_ms: Option<u64>) -> TokenFailure {
        match failure {
            EndpointFailure::Refused(refusal) => TokenFailure::Refused {
                error: refusal_error(
                    &format!("{} at {} was refused", self.what, quote(&self.url)),
                    &refusal,
                    &self.secrets(),
                ),
                code: refusal.code,
            },
            EndpointFailure::Unusable(why) => {
                let mut error = oauth_failure(format!("{} at {} failed: {why}", self.what, quote(&self.url)));
                error.report_mut().retry_after_ms = retry_after_ms;
                TokenFailure::Failed(error)
            }
        }
    }

    /// All values: the server may repeat any of them in its error.
    fn secrets(&self) -> Secrets {
        const PUBLIC: [&str; 6] = ["grant_type", "scope", "resource", "client_id", "redirect_uri", "audience"];
        let mut secrets = Secrets::default();
        for (name, value) in &self.parameters {
            if !PUBLIC.contains(name) {
                secrets.add(value);
            }
        }
        self.header_secret.iter().for_each(|secret| secrets.add(secret));
        self.headers.values().filter_map(|value| value.to_str().ok()).for_each(|value| secrets.add(value));
        secrets
    }
}

/// A JWT that authenticates the client (RFC 7523, section 2.2).
fn client_assertion(identity: &ClientIdentity, issuer: &str) -> Result<Zeroizing<String>> {
    let (key, key_id) =
        identity.key.as_ref().ok_or_else(|| oauth_failure("the client has no private key to authenticate with"))?;
    let now = unix_time();
    let assertion = ClientAssertion {
        algorithm: key.algorithm(),
        key_id: key_id.as_deref(),
        client_id: &identity.id,
        audience: issuer,
        jwt_id: &random_text(&*random_bytes::<32>()?),
        issued_at: now,
        expires_at: now + ASSERTION_LIFETIME,
    };
    let unsigned = assertion.unsigned();
    Ok(unsigned.with_signature(&key.sign(unsigned.signing_input())?))
}

/// The tokens to keep of a response. `requested` are granted if the response names no scopes.
pub fn recorded_tokens(
    response: TokenResponse,
    requested: &ScopeSet,
    old: Option<&RecordedTokens>,
) -> Result<RecordedTokens> {
    if response.scheme == TokenScheme::Dpop {
        return Err(oauth_failure(
            "the authorization server returned a token that is bound to a key (DPoP, RFC 9449), which libmcp does not \
             support",
        ));
    }
    if response.refresh_token.as_ref().is_some_and(|token| token.len() > MAX_TOKEN) {
        return Err(oauth_failure(format!(
            "the authorization server returned a refresh token above {MAX_TOKEN} bytes"
        )));
    }
    let now = unix_time();
    Ok(RecordedTokens {
        access_token: response.access_token,
        issued_at: Some(now),
        expires_at: response.expires_in.map(|seconds| now.saturating_add(seconds)),
        refresh_token: response.refresh_token.or_else(|| old.and_then(|old| old.refresh_token.clone())),
        id_token: response.id_token.or_else(|| old.and_then(|old| old.id_token.clone())),
        granted_scopes: response.scope.unwrap_or_else(|| requested.clone()),
    })
}

/// What a request on a separate thread results in.
struct DetachedResult<T> {
    result: Mutex<Option<T>>,
    done: Arc<PollableEvent>,
}

impl Renewal<'_> {
    /// Sends a request during the call, which gives it up when it ends.
    pub(super) fn send_waiting<T>(
        &self,
        request: &TokenRequest,
        parse: impl FnOnce(u16, &str) -> Result<T, EndpointFailure>,
    ) -> Result<T, TokenFailure> {
        let wait_context = self.call.wait_context().clone();
        request.send(&*self.environment.sender, self.settings().address_exceptions, &wait_context, parse)
    }

    /// Sends a request on a separate thread. `then` gets the result and runs there, too, even if the call has ended
    /// meanwhile. No other call renews the tokens before it has run.
    pub fn send_detached<T: Send + 'static>(
        &self,
        request: TokenRequest,
        then: impl FnOnce(Result<TokenResponse, TokenFailure>) -> T + Send + 'static,
    ) -> Result<T> {
        let doing =
            format!("while waiting for the response to {} at {}; it will be stored", request.what, quote(&request.url));
        let shared = Arc::new(DetachedResult { result: Mutex::new(None), done: Arc::new(new_event()?) });
        let (for_thread, turn) = (Arc::clone(&shared), Arc::clone(self.turn));
        // Also if the thread panics.
        let done = SetOnDrop(Some(Arc::clone(&shared.done)));
        let (sender, exceptions) = (Arc::clone(&self.environment.sender), self.settings().address_exceptions);
        thread::spawn("mcp-token", move || {
            let response = request.send(&*sender, exceptions, &WaitContext::default(), TokenResponse::parse);
            *for_thread.result.lock() = Some(then(response));
            // Before the event: the call may return, and another one renew the tokens.
            drop(turn);
            drop(for_thread);
            drop(done);
        })
        .map_err(|error| Error::new(MCP_SYSTEM_ERROR, format!("cannot create a thread: {error}")))?;
        let wait_context = self.call.wait_context().clone();
        let waited = WaitContext { idle: None, ..wait_context }.wait(shared.done.waitable(), Interest::Read);
        waited.map_err(|interrupt| self.call.interrupt_error_while(&interrupt, &doing))?;
        let result = shared.result.lock().take();
        result.ok_or_else(|| Error::new(MCP_SYSTEM_ERROR, "the thread for the token request ended early"))
    }
}
