//! An authorization, a network with an MCP server and an authorization server, and a user.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ::http::{Method, header};
use zeroize::Zeroizing;

use crate::auth::oauth::authorization::Authorization;
use crate::auth::oauth::callbacks::LoginRequest;
use crate::auth::oauth::client::OAuthClient;
use crate::auth::oauth::environment::{OAuthEnvironment, SendForeign};
use crate::auth::oauth::renewal::Renewal;
use crate::auth::oauth::renewal_progress::RenewalOutcome;
use crate::auth::oauth::settings::OAuthSettings;
pub use crate::auth::oauth::shared_store::SharedStore;
use crate::auth::oauth::token_age::unix_time;
use crate::call::context::{CallClient, CallContext, RequestExtras};
use crate::call::issued_credentials::{CredentialRefusal, IssuedCredentials};
use crate::call::request_headers::RequestHeaders;
use crate::error::{Error, Result};
use crate::http::foreign::{ForeignBody, ForeignRequest, ForeignResponse};
use crate::net::address_policy::AddressExceptions;
use crate::protocol::oauth::form::QueryParameters;
use crate::protocol::oauth::record::OAuthRecord;
use crate::status::{MCP_CONNECT_FAILED, MCP_REDIRECT_REFUSED, Status};
use crate::sys::lock::Mutex;
use crate::sys::wait::WaitContext;

pub const SERVER: &str = "https://mcp.example/mcp";
pub const ISSUER: &str = "https://auth.example";
pub const OTHER_ISSUER: &str = "https://other.example";
pub const REDIRECT: &str = "com.example.app:/callback";

/// Of the MCP server.
pub const RESOURCE_METADATA: &str = "https://mcp.example/.well-known/oauth-protected-resource/mcp";
pub const ROOT_RESOURCE_METADATA: &str = "https://mcp.example/.well-known/oauth-protected-resource";

/// Of the authorization server.
pub const SERVER_METADATA: &str = "https://auth.example/.well-known/oauth-authorization-server";
pub const OPENID_METADATA: &str = "https://auth.example/.well-known/openid-configuration";
pub const REGISTER: &str = "https://auth.example/register";
pub const TOKEN: &str = "https://auth.example/token";
pub const REVOKE: &str = "https://auth.example/revoke";

/// An answer to a request.
#[derive(Clone)]
pub enum Answer {
    Body(u16, String),
    /// A redirect to another origin, which is not followed.
    Redirect,
    NoConnection,
}

/// A request that was sent. Its form or query has the parameters.
#[derive(Clone)]
pub struct SentRequest {
    pub url: String,
    pub is_post: bool,
    pub authorization: Option<String>,
    pub body: String,
}

/// Answers requests, and records them.
#[derive(Default)]
pub struct FakeNetwork {
    /// By URL. The last answer of a list is repeated.
    answers: Mutex<HashMap<String, VecDeque<Answer>>>,
    requests: Mutex<Vec<SentRequest>>,
    tokens: AtomicU32,
    registrations: AtomicU32,
}

/// What the user does with an authorization URL.
#[derive(Clone)]
pub enum UserAction {
    /// Logs in. The text is added to the query of the redirect.
    LogIn(String),
    /// The redirect has this query beside the `state`.
    Return(String),
    /// The open callback fails.
    Fail,
    /// Nothing.
    Ignore,
}

/// The user, and the authorization URLs that were opened.
pub struct FakeUser {
    action: Mutex<UserAction>,
    opened: Mutex<Vec<String>>,
}

/// RFC 7515, appendix A.3.1.
pub const EC_KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff
H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp
7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt
-----END PRIVATE KEY-----
";

pub struct Fixture {
    pub client: Arc<OAuthClient>,
    pub authorization: Arc<Authorization>,
    pub environment: OAuthEnvironment,
    pub network: Arc<FakeNetwork>,
    pub user: Arc<FakeUser>,
}

impl SentRequest {
    pub fn parameter(&self, name: &str) -> Option<String> {
        parameter(&self.body, name)
    }
}

/// The value of a parameter of a form or query. Fails the test if the parameter occurs twice.
pub fn parameter(encoded: &str, name: &str) -> Option<String> {
    QueryParameters::parse(encoded).single(name).expect("a parameter that occurs once").map(str::to_owned)
}

/// The user logs in: the redirect has a code.
pub fn redirect_with_code(request: &LoginRequest) {
    let state = url_parameter(&request.url, "state").unwrap();
    request.login.finish(&format!("{REDIRECT}?state={state}&code=c")).unwrap();
}

/// A parameter of an authorization URL.
pub fn url_parameter(url: &str, name: &str) -> Option<String> {
    parameter(url.split_once('?').expect("a query").1, name)
}

pub fn json(text: impl Into<String>) -> Answer {
    Answer::Body(200, text.into())
}

/// The metadata of the MCP server, with these members beside its resource.
pub fn resource_metadata(members: &str) -> Answer {
    json(format!(r#"{{"resource":"{SERVER}",{members}}}"#))
}

/// The metadata of an authorization server, with these members beside the usual ones.
pub fn server_metadata(issuer: &str, members: &str) -> Answer {
    let separator = if members.is_empty() { "" } else { "," };
    json(format!(
        r#"{{"issuer":"{issuer}","authorization_endpoint":"{issuer}/authorize","token_endpoint":"{issuer}/token",
           "registration_endpoint":"{issuer}/register","revocation_endpoint":"{issuer}/revoke",
           "code_challenge_methods_supported":["S256"]{separator}{members}}}"#
    ))
}

impl FakeNetwork {
    /// An MCP server whose authorization server is `ISSUER`. `OTHER_ISSUER` exists, too.
    fn new() -> FakeNetwork {
        let network = FakeNetwork::default();
        network.set(RESOURCE_METADATA, resource_metadata(&format!(r#""authorization_servers":["{ISSUER}"]"#)));
        network.set(SERVER_METADATA, server_metadata(ISSUER, ""));
        let other = format!("{OTHER_ISSUER}/.well-known/oauth-authorization-server");
        network.set(&other, server_metadata(OTHER_ISSUER, ""));
        for issuer in [ISSUER, OTHER_ISSUER] {
            network.set(&format!("{issuer}/revoke"), json(""));
        }
        network
    }

    pub fn set(&self, url: &str, answer: Answer) {
        self.set_all(url, [answer]);
    }

    /// Sets several answers, for one request each.
    pub fn set_all(&self, url: &str, answers: impl IntoIterator<Item = Answer>) {
        self.answers.lock().insert(url.into(), answers.into_iter().collect());
    }

    /// The usual answers, for this URL.
    pub fn unset(&self, url: &str) {
        self.answers.lock().remove(url);
    }

    fn take_answer(&self, url: &str) -> Answer {
        let mut answers = self.answers.lock();
        match answers.get_mut(url) {
            Some(list) if list.len() > 1 => list.pop_front().expect("an answer"),
            Some(list) => list.front().expect("an answer").clone(),
            None if url.ends_with("/token") => {
                let n = self.tokens.fetch_add(1, Ordering::Relaxed) + 1;
                json(format!(r#"{{"access_token":"access-{n}","token_type":"Bearer","refresh_token":"refresh-{n}"}}"#))
            }
            None if url.ends_with(".example/register") => {
                let n = self.registrations.fetch_add(1, Ordering::Relaxed) + 1;
                Answer::Body(201, format!(r#"{{"client_id":"registered-{n}"}}"#))
            }
            None => Answer::Body(404, "<html>not found</html>".into()),
        }
    }

    pub fn requests(&self) -> Vec<SentRequest> {
        self.requests.lock().clone()
    }

    /// The URLs of the requests, and forgets them.
    pub fn take_urls(&self) -> Vec<String> {
        self.requests.lock().drain(..).map(|request| request.url).collect()
    }

    /// The requests to this URL.
    pub fn to(&self, url: &str) -> Vec<SentRequest> {
        self.requests().into_iter().filter(|request| request.url == url).collect()
    }

    /// The last request to this URL.
    pub fn last_to(&self, url: &str) -> SentRequest {
        self.to(url).pop().unwrap_or_else(|| panic!("no request to {url}"))
    }
}

impl SendForeign for FakeNetwork {
    fn send(&self, request: &ForeignRequest, _: AddressExceptions, _: &WaitContext) -> Result<ForeignResponse> {
        let body = match request.body {
            Some(ForeignBody::Form(text) | ForeignBody::Json(text)) => text,
            None => "",
        };
        let authorization = request.headers.get(header::AUTHORIZATION);
        self.requests.lock().push(SentRequest {
            url: request.url.into(),
            is_post: request.body.is_some(),
            authorization: authorization.map(|value| value.to_str().expect("ASCII").to_owned()),
            body: body.into(),
        });
        match self.take_answer(request.url) {
            Answer::Body(status, body) => Ok(ForeignResponse {
                status,
                retry_after_ms: (status == 503).then_some(7000),
                body: Zeroizing::new(body.into_bytes()),
            }),
            Answer::Redirect => Err(Error::new(MCP_REDIRECT_REFUSED, "the server redirects to another origin")),
            Answer::NoConnection => Err(Error::new(MCP_CONNECT_FAILED, "the connection was refused")),
        }
    }
}

impl FakeUser {
    pub fn set(&self, action: UserAction) {
        *self.action.lock() = action;
    }

    /// The redirect has this query beside the `state`.
    pub fn will_return(&self, query: &str) {
        self.set(UserAction::Return(query.into()));
    }

    fn open(&self, request: &Arc<LoginRequest>) {
        let logins = {
            let mut opened = self.opened.lock();
            opened.push(request.url.clone());
            opened.len()
        };
        let state = url_parameter(&request.url, "state").expect("a state");
        let redirect_uri = url_parameter(&request.url, "redirect_uri").expect("a redirect URI");
        let query = match self.action.lock().clone() {
            UserAction::LogIn(more) => format!("code=code-{logins}{more}"),
            UserAction::Return(query) => query,
            UserAction::Fail => return request.login.fail("there is no browser", None),
            UserAction::Ignore => return,
        };
        request.login.finish(&format!("{redirect_uri}?state={state}&{query}")).expect("the redirect of this login");
    }

    /// How often the user was asked.
    pub fn logins(&self) -> usize {
        self.opened.lock().len()
    }

    /// The last authorization URL.
    pub fn last_url(&self) -> String {
        self.opened.lock().last().expect("a login").clone()
    }
}

impl SharedStore {
    /// The only record.
    pub fn record(&self) -> OAuthRecord {
        let texts = self.0.lock();
        assert_eq!(texts.len(), 1);
        OAuthRecord::parse(texts.values().next().expect("a record")).unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// Another process changes the record.
    pub fn edit(&self, edit: impl FnOnce(&mut OAuthRecord)) {
        let mut record = self.record();
        edit(&mut record);
        self.0.lock().values_mut().for_each(|text| *text = record.to_json().to_string());
    }

    /// Another process replaces all records with those of `other`.
    pub fn copy_from(&self, other: &SharedStore) {
        let texts = other.0.lock().clone();
        *self.0.lock() = texts;
    }
}

pub fn call() -> CallContext {
    CallContext::new(WaitContext::default(), true, (RequestExtras::default(), 0), CallClient::default())
}

/// The token of credentials.
pub fn token_in(issued: &IssuedCredentials) -> Option<String> {
    let mut headers = RequestHeaders::default();
    issued.headers.apply(&mut headers);
    let value = headers.get(&header::AUTHORIZATION)?.to_str().expect("ASCII");
    Some(value.strip_prefix("Bearer ").expect("a bearer token").into())
}

/// The token of a renewal that has succeeded.
pub fn token_of(outcome: Result<RenewalOutcome>) -> Option<String> {
    match outcome {
        Ok(RenewalOutcome::Issued(issued)) => token_in(&issued),
        Ok(RenewalOutcome::Useless(hint)) => panic!("useless: {hint:?}"),
        Err(error) => panic!("{error}"),
    }
}

/// The hint of a renewal that was useless.
pub fn useless(outcome: Result<RenewalOutcome>) -> Option<String> {
    match outcome {
        Ok(RenewalOutcome::Useless(hint)) => hint,
        Ok(RenewalOutcome::Issued(issued)) => panic!("a token was issued: {:?}", token_in(&issued)),
        Err(error) => panic!("{error}"),
    }
}

/// The status and the message of a renewal that failed.
pub fn failure(outcome: Result<RenewalOutcome>) -> (Status, String) {
    match outcome {
        Err(error) => (error.status(), error.report().message.clone()),
        Ok(RenewalOutcome::Issued(issued)) => panic!("a token was issued: {:?}", token_in(&issued)),
        Ok(RenewalOutcome::Useless(hint)) => panic!("useless: {hint:?}"),
    }
}

impl Fixture {
    pub fn new(edit: impl FnOnce(&mut OAuthSettings) -> Result<()>) -> Fixture {
        Fixture::on(&Arc::new(FakeNetwork::new()), edit)
    }

    /// Another process with the same network.
    pub fn on(network: &Arc<FakeNetwork>, edit: impl FnOnce(&mut OAuthSettings) -> Result<()>) -> Fixture {
        let user =
            Arc::new(FakeUser { action: Mutex::new(UserAction::LogIn(String::new())), opened: Mutex::default() });
        let of_callback = Arc::clone(&user);
        let client = OAuthClient::new();
        let set_up = |settings: &mut OAuthSettings| {
            settings.open = Some(Box::new(move |request: &Arc<LoginRequest>| of_callback.open(request)));
            settings.set_redirect(REDIRECT)?;
            edit(settings)
        };
        client.change(set_up).unwrap();
        let sender: Arc<FakeNetwork> = Arc::clone(network);
        Fixture {
            authorization: client.authorization(SERVER, SERVER).unwrap(),
            client,
            environment: OAuthEnvironment { client_name: "Example".into(), sender },
            network: Arc::clone(network),
            user,
        }
    }

    /// The default settings.
    pub fn usual() -> Fixture {
        Fixture::new(|_| Ok(()))
    }

    /// Before a request.
    pub fn before_request(&self) -> Result<RenewalOutcome> {
        self.authorization.issue(&call(), &self.environment, None)
    }

    /// The server refuses the current credentials during `call`.
    pub fn refused_in(&self, call: &CallContext, http_status: u16, challenge: &str) -> Result<RenewalOutcome> {
        let refusal = CredentialRefusal {
            url: SERVER.into(),
            method: Method::POST,
            http_status,
            challenge: Some(challenge.into()),
            generation: self.authorization.last().generation,
        };
        self.authorization.issue(call, &self.environment, Some(&refusal))
    }

    /// The server refuses the current credentials of a new call with 401.
    pub fn unauthorized(&self) -> Result<RenewalOutcome> {
        self.refused_in(&call(), 401, "Bearer")
    }

    /// The server refuses the current credentials of a new call with 403, because they lack a scope.
    pub fn forbidden(&self, scope: &str) -> Result<RenewalOutcome> {
        self.refused_in(&call(), 403, &insufficient_scope(scope))
    }

    /// Logs in after a refusal, and the server accepts the token.
    pub fn log_in(&self) {
        assert!(token_of(self.unauthorized()).is_some());
        self.accept();
        self.network.take_urls();
    }

    /// The server accepts the current credentials.
    pub fn accept(&self) {
        self.authorization.record_accepted(self.authorization.last().generation);
    }

    /// The current token.
    pub fn token(&self) -> Option<String> {
        token_in(&self.authorization.last())
    }

    pub fn run<T>(&self, call: &CallContext, run: impl FnOnce(&Renewal) -> Result<T>) -> Result<T> {
        self.authorization.in_turn(call, &self.environment, run)
    }

    /// The stored tokens end in `seconds` and have lived for `age` seconds. Changes memory only.
    pub fn age_tokens(&self, age: u64, seconds: i64) {
        let mut record = (*self.authorization.record().expect("a record")).clone();
        let tokens = record.tokens.as_mut().expect("tokens");
        tokens.issued_at = Some(unix_time() - age);
        tokens.expires_at = Some(unix_time().saturating_add_signed(seconds));
        self.authorization.adopt(Some(record)).unwrap();
    }
}

pub fn insufficient_scope(scope: &str) -> String {
    format!(r#"Bearer error="insufficient_scope", scope="{scope}""#)
}
