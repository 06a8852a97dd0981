//! Logins of the user: authorization code with PKCE (RFC 6749, section 4.1; RFC 7636; RFC 8252).

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use zeroize::Zeroizing;

use super::authorization::Authorization;
use super::callbacks::LoginRequest;
use super::client_identity::{ClientIdentity, LoginRedirect};
use super::discovery::AuthorizationSite;
use super::keys::{random_bytes, sha256};
use super::pending_login::PendingLogin;
use super::refresh::{install_locked, until_lock_timeout};
use super::renewal::{Renewal, oauth_failure, refusal_error};
use super::settings::Grant;
use super::token_request::{TokenFailure, TokenRequest, recorded_tokens};
use crate::call::callback_scope::run_callback;
use crate::call::interrupt::status_of;
use crate::call::over_hook::OverHook;
use crate::call::retry::is_of_this_call;
use crate::call::secrets::Secrets;
use crate::error::{Error, Result};
use crate::log::LogLevel;
use crate::protocol::oauth::callback::{Callback, CallbackError, ExpectedIssuer};
use crate::protocol::oauth::form::add_to_query;
use crate::protocol::oauth::listener::{BrowserRequest, HeadState, ListenerPage, parse_head};
use crate::protocol::oauth::pkce::{code_challenge, random_text};
use crate::protocol::oauth::record::{ClientOrigin, OAuthRecord, RecordedEndpoints};
use crate::protocol::oauth::redirect::{RedirectKind, RedirectUri};
use crate::protocol::oauth::scope::ScopeSet;
use crate::protocol::oauth::token_response::TokenResponse;
use crate::protocol::oauth::url::HttpUrl;
use crate::status::{MCP_LOGIN_FAILED, MCP_OK, MCP_TIMEOUT};
use crate::sys::browser::{self, BrowserError};
use crate::sys::listener::RedirectListener;
use crate::sys::wait::{Interest, Interrupt, WaitContext};

/// The scope for a refresh token (OpenID Connect Core, section 11).
const OFFLINE_ACCESS: &str = "offline_access";

impl Renewal<'_> {
    /// Logs the user in, and stores the tokens. `tokens_are_refused`: the server does not accept those of the record.
    /// False if the MCP server seems to have no authorization server.
    pub(super) fn login(&self, site: &AuthorizationSite, scopes: ScopeSet, tokens_are_refused: bool) -> Result<bool> {
        let leniency = self.settings().leniency;
        let endpoint = site.metadata.check_login(leniency).map_err(oauth_failure)?;
        let scopes = with_offline_access(scopes, site);
        let (listener, redirect) = self.bind_redirect(&site.metadata.issuer)?;
        let Some(identity) = self.login_identity(site, &redirect, &scopes)? else { return Ok(false) };
        let record = new_record(site, &identity, &redirect.uri, &scopes);
        self.save_registration(&record, &identity)?;

        let verifier = random_text(&*random_bytes::<32>()?);
        let state = random_text(&*random_bytes::<32>()?);
        let url = self.authorization_url(endpoint, &record, (&redirect.uri, &state, &verifier));
        let waiting = self.authorization.logins.add(state, &url)?;
        let request = LoginRequest {
            url: url.to_string(),
            server: self.authorization.display_name.clone(),
            issuer: site.metadata.issuer.clone(),
            scopes: scopes.to_string(),
            redirect_uri: redirect.uri.clone(),
            login: Arc::clone(&waiting.login),
            client_name: self.call.client_name(),
            call_data: self.call.data().cloned(),
            wait_context: self.call.wait_context().clone(),
            over: OverHook::new(self.call.callbacks()),
            is_deferred: AtomicBool::new(false),
            is_answered: AtomicBool::new(false),
        };
        let asked = self.ask_user(request, listener);
        if matches!(asked, Ok(None)) && tokens_are_refused && identity.origin == ClientOrigin::Registered {
            // The user may have seen an error page, because the authorization server has forgotten the registration.
            self.authorization.retire_registration(&identity.id, &self.call.wait_context())?;
        }
        let asked = asked.and_then(|callback| callback.ok_or_else(|| self.timed_out()));
        let outcome = asked.and_then(|callback| {
            let expected = ExpectedIssuer { issuer: &site.metadata.issuer, sends_issuer: site.metadata.sends_issuer };
            callback.into_code(expected).map_err(callback_error)
        });
        drop(waiting);
        let outcome = outcome.and_then(|code| {
            let request = TokenRequest::new("the token request", &site.metadata.token_endpoint)
                .with("grant_type", "authorization_code")
                .with("code", &code)
                .with("redirect_uri", &redirect.uri)
                .with("code_verifier", &verifier)
                .with_optional("resource", site.resource.as_deref())
                .authenticated(&identity, &site.metadata.issuer)?;
            let authorization = Arc::clone(self.authorization);
            self.send_detached(request, move |response| store_login(&authorization, record, response))?
        });
        if let Err(error) = &outcome
            && !is_of_this_call(error)
        {
            self.authorization.set_login_failure(Some(self.call.secrets().sanitize_error(error.clone())));
        }
        outcome.map(|()| true)
    }

    /// The URL that the user opens (RFC 6749, section 4.1.1).
    fn authorization_url(
        &self,
        endpoint: &str,
        record: &OAuthRecord,
        (redirect_uri, state, verifier): (&str, &str, &str),
    ) -> Zeroizing<String> {
        let challenge = code_challenge(&sha256(verifier.as_bytes()));
        let scopes = record.requested_scopes.to_parameter();
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", &record.client.id),
            ("redirect_uri", redirect_uri),
            ("state", state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        parameters.extend(record.resource.as_deref().map(|resource| ("resource", resource)));
        parameters.extend(scopes.as_deref().map(|scopes| ("scope", scopes)));
        let custom = &self.settings().parameters;
        let has_prompt = custom.iter().any(|(name, _)| name == "prompt");
        if record.requested_scopes.contains(OFFLINE_ACCESS) && !has_prompt {
            // OpenID Connect Core, section 11: otherwise the scope is ignored.
            parameters.push(("prompt", "consent"));
        }
        parameters.extend(custom.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        add_to_query(endpoint, parameters)
    }

    /// Listens for the redirect, if it is one to this machine. The port is bound before the user gets the URL, and held
    /// until the end: no other program can receive the code.
    fn bind_redirect(&self, issuer: &str) -> Result<(Option<RedirectListener>, LoginRedirect)> {
        let redirect = &self.settings().redirect;
        let application_type = redirect.application_type();
        let RedirectKind::Loopback { host, port } = redirect.kind else {
            return Ok((None, LoginRedirect { uri: redirect.text().into(), application_type }));
        };
        let last_port = port.is_none().then(|| self.last_port(issuer, redirect)).flatten();
        let kept = last_port.and_then(|port| RedirectListener::bind(host.name(), port).ok());
        let bound = match kept {
            Some(listener) => Ok(listener),
            None => RedirectListener::bind(host.name(), port.unwrap_or(0)),
        };
        let listener =
            bound.map_err(|error| oauth_failure(format!("the redirect of the login cannot be received: {error}")))?;
        let uri = redirect.with_port(listener.port());
        Ok((Some(listener), LoginRedirect { uri, application_type }))
    }

    /// The port of the last login at this authorization server: it may be the only one that is registered.
    fn last_port(&self, issuer: &str, redirect: &RedirectUri) -> Option<u16> {
        let record = self.authorization.record().filter(|record| record.issuer == issuer)?;
        let last = record.redirect_uri.as_deref()?;
        let port = HttpUrl::parse(last).ok()?.written_port?;
        (redirect.with_port(port) == last).then_some(port)
    }

    /// Saves a new registration before the login. Not if there are tokens of an older one.
    fn save_registration(&self, record: &OAuthRecord, identity: &ClientIdentity) -> Result<()> {
        let is_new = self.authorization.record().is_none_or(|old| old.tokens.is_none() && old.client != record.client);
        if identity.origin == ClientOrigin::Registered && is_new {
            self.authorization.save_registration(record.clone(), &self.call.wait_context())?;
        }
        Ok(())
    }

    /// Runs the open callback and waits for the redirect; `None` if it does not come in time. The time does not count
    /// against the timeout of any call.
    fn ask_user(&self, request: LoginRequest, listener: Option<RedirectListener>) -> Result<Option<Callback>> {
        if self.settings().open.is_none() {
            return Err(oauth_failure("no open callback is set"));
        }
        self.call.log(LogLevel::Info, || format!("waiting for a login at {}", request.issuer));
        let deadline = self.settings().login_timeout.and_then(|limit| Instant::now().checked_add(limit));
        self.turn.begin_user_part();
        let request = Arc::new(request);
        let (asked, authorization) = (Arc::clone(&request), Arc::clone(self.authorization));
        self.call.callbacks().run(Box::new(move || {
            if let Some(open) = &authorization.settings.open {
                run_callback(authorization.owner(), || open(&asked));
            }
        }))?;
        let (mut redirected, mut listener) = (Ok(None), Some(listener));
        let mut wait = || redirected = self.wait_for_redirect(&request, listener.take().flatten(), deadline);
        self.call.paused(|clock| clock.during(|| self.call.callbacks().while_waiting(&mut wait)));
        redirected
    }

    fn wait_for_redirect(
        &self,
        request: &LoginRequest,
        listener: Option<RedirectListener>,
        deadline: Option<Instant>,
    ) -> Result<Option<Callback>> {
        let login = &*request.login;
        let limit = self.settings().login_timeout;
        let wait_context =
            WaitContext { deadline, timeout: limit, idle: None, done: None, ..self.call.wait_context().clone() };
        let waited = match listener {
            Some(listener) => self.receive_redirect(login, listener, &wait_context),
            None => wait_context.wait(login.done.waitable(), Interest::Read),
        };
        match (login.take_outcome(), waited) {
            (Some(outcome), _) => {
                // A program that gave the outcome itself knows it. Others may still show a window for the login.
                if request.is_answered() {
                    request.over.release();
                } else {
                    request.over.end(MCP_OK);
                }
                outcome.map(Some)
            }
            (None, Err(Interrupt::TimedOut)) => {
                request.over.end(MCP_TIMEOUT);
                Ok(None)
            }
            (None, Err(interrupt)) => {
                request.over.end(status_of(&interrupt));
                Err(self.call.interrupt_error_while(&interrupt, "while waiting for the user to log in"))
            }
            (None, Ok(())) => Err(oauth_failure("the login ended without a redirect")),
        }
    }

    fn timed_out(&self) -> Error {
        let limit = self.settings().login_timeout.unwrap_or_default().as_millis();
        Error::new(MCP_LOGIN_FAILED, format!("the user did not complete the login within {limit} ms"))
    }

    /// Answers requests of the browser until one is the redirect, or the login has an outcome from elsewhere.
    fn receive_redirect(
        &self,
        login: &PendingLogin,
        mut listener: RedirectListener,
        wait_context: &WaitContext,
    ) -> Result<(), Interrupt> {
        let path = self.settings().redirect.path();
        while let Some(request) = listener.next_request(Some(login.done.waitable()), wait_context)? {
            let (page, callback) = match parse_head(&request.head) {
                HeadState::Complete(request) => judge_request(&request, path, login),
                HeadState::Incomplete | HeadState::Invalid => (ListenerPage::BadRequest, None),
            };
            listener.respond(&request, page.response().as_bytes());
            if let Some(callback) = callback {
                login.end(Ok(callback));
                break;
            }
        }
        listener.finish(wait_context);
        Ok(())
    }
}

/// The page for a request of the browser, and the redirect if it is the expected one.
fn judge_request(request: &BrowserRequest, path: &str, login: &PendingLogin) -> (ListenerPage, Option<Callback>) {
    if request.path != path {
        return (ListenerPage::NotFound, None);
    }
    if request.method != "GET" {
        return (ListenerPage::WrongMethod, None);
    }
    match Callback::parse(request.query) {
        Err(_) => (ListenerPage::BadRequest, None),
        Ok(callback) if !login.is_redirected_by(&callback) => (ListenerPage::OtherLogin, None),
        Ok(callback) if callback.is_refusal() => (ListenerPage::Refused, Some(callback)),
        Ok(callback) => (ListenerPage::Received, Some(callback)),
    }
}

/// Adds the scope for a refresh token, if the authorization server has it (2026-07-28, "Refresh Tokens").
fn with_offline_access(scopes: ScopeSet, site: &AuthorizationSite) -> ScopeSet {
    if site.metadata.lists_scope(OFFLINE_ACCESS) { scopes.union(&ScopeSet::parse(OFFLINE_ACCESS)) } else { scopes }
}

/// The record of a login that has no tokens yet.
pub(super) fn new_record(
    site: &AuthorizationSite,
    identity: &ClientIdentity,
    redirect_uri: &str,
    scopes: &ScopeSet,
) -> OAuthRecord {
    let metadata = &site.metadata;
    OAuthRecord {
        resource: site.resource.clone(),
        issuer: metadata.issuer.clone(),
        endpoints: RecordedEndpoints {
            token: metadata.token_endpoint.clone(),
            authorization: metadata.authorization_endpoint.clone(),
            registration: metadata.registration_endpoint.clone(),
            revocation: metadata.revocation_endpoint.clone(),
        },
        client: identity.to_record(),
        redirect_uri: Some(redirect_uri.into()).filter(|uri: &String| !uri.is_empty()),
        requested_scopes: scopes.clone(),
        tokens: None,
    }
}

/// Stores the tokens of a login or of another grant.
pub(super) fn store_login(
    authorization: &Authorization,
    record: OAuthRecord,
    response: Result<TokenResponse, TokenFailure>,
) -> Result<()> {
    match response {
        Ok(response) => {
            let tokens = recorded_tokens(response, &record.requested_scopes, None)?;
            install_locked(authorization, OAuthRecord { tokens: Some(tokens), ..record })
        }
        Err(failure) => {
            // The authorization server has forgotten the registration: the next login registers again.
            if failure.code() == Some("invalid_client") && record.client.origin == ClientOrigin::Registered {
                authorization.retire_registration(&record.client.id, &until_lock_timeout())?;
            }
            let error = failure.into_error();
            if authorization.settings.grant == Grant::Login {
                // Here, because the call may have ended before.
                authorization.set_login_failure(Some(error.clone()));
            }
            Err(error)
        }
    }
}

fn callback_error(error: CallbackError) -> Error {
    match error {
        CallbackError::Invalid(why) => oauth_failure(why),
        CallbackError::Refused(refusal) => {
            let mut error = refusal_error("the authorization server refused the login", &refusal, &Secrets::default());
            error.report_mut().status = MCP_LOGIN_FAILED;
            error
        }
    }
}

/// An open callback that opens the user's browser.
pub fn open_in_browser(request: &Arc<LoginRequest>) {
    match browser::open(&request.url, &request.wait_context) {
        Ok(()) => {}
        // The wait for the redirect ends for the same reason.
        Err(BrowserError::Stopped(_)) => {}
        Err(BrowserError::InvalidUrl(why) | BrowserError::Failed(why)) => request.login.fail(&why, None),
    }
}
