//! An authorization with a scripted network: discovery, registration, logins, refreshes, grants and logouts.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use ::http::{Method, header};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use zeroize::Zeroizing;

use super::oauth::check_error_text;
use crate::auth::oauth::authorization::Authorization;
use crate::auth::oauth::callbacks::{AssertionRequest, LoginRequest};
use crate::auth::oauth::client::OAuthClient;
use crate::auth::oauth::environment::{OAuthEnvironment, SendForeign};
use crate::auth::oauth::renewal_progress::RenewalOutcome;
use crate::auth::oauth::report::describe;
use crate::auth::oauth::settings::{Grant, OAuthSettings};
use crate::auth::oauth::shared_store::SharedStore;
use crate::call::context::{CallClient, CallContext, RequestExtras};
use crate::call::issued_credentials::CredentialRefusal;
use crate::error::{Error, Result};
use crate::http::foreign::{ForeignBody, ForeignRequest, ForeignResponse};
use crate::net::address_policy::AddressExceptions;
use crate::protocol::oauth::form::{QueryParameters, decode_component};
use crate::protocol::oauth::json_object::JsonObject;
use crate::protocol::oauth::leniency::Leniency;
use crate::protocol::oauth::oauth_error::EndpointFailure;
use crate::protocol::oauth::registration::RegisteredClient;
use crate::protocol::oauth::server_metadata::AuthorizationServerMetadata;
use crate::protocol::oauth::token_response::TokenResponse;
use crate::protocol::oauth::url::HttpUrl;
use crate::protocol::oauth::well_known::is_issuer;
use crate::status::{MCP_CONNECT_FAILED, MCP_REDIRECT_REFUSED};
use crate::sys::lock::Mutex;
use crate::sys::wait::WaitContext;

const SERVER: &str = "https://mcp.example/mcp";
const ISSUER: &str = "https://auth.example";
const REDIRECT: &str = "com.example.app:/callback";
const IDENTITY_PROVIDER: &str = "https://idp.example/token";
const CLIENT_DOCUMENT: &str = "https://app.example/client.json";

/// In all secrets of the default answers and of the settings. No input contains it, and no random value either: these
/// are base64url, which has no dot. A form and a URL keep the dot as it is.
const SECRET: &str = "zq.xw";
const CLIENT_SECRET: &str = "zq.xw-client-secret";
const IDP_SECRET: &str = "zq.xw-idp-secret";
const ASSERTION: &str = "zq.xw-assertion";

/// In the scripted body of an error: the body and the credentials of the request.
const ECHO: &str = "$";

/// The most requests of one renewal: five places for the metadata of the MCP server, three for that of each of eight
/// authorization servers, a registration with and without scope, a refresh, an exchange and a token.
const MAX_REQUESTS: usize = 5 + 3 * 8 + 2 + 3;

/// The most steps of an input that are run.
const MAX_STEPS: usize = 24;

/// A byte with the settings, and lines: see `fuzz/README.md`. No secret is sent to a server that it is not meant for or
/// shown in an error, the requests of a renewal are bounded, and tokens are replaced only by a successful response.
pub fn oauth_flow(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(setup) = text.bytes().next().filter(u8::is_ascii) else { return };
    if text.contains(SECRET) {
        return;
    }
    let lines: Vec<&str> = text[1..].split('\n').filter(|line| !line.is_empty()).collect();
    let (steps, answers): (Vec<&str>, Vec<&str>) =
        lines.iter().partition(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    FlowFixture::new(Setup(setup), &answers).run(&steps);
}

/// The settings that a byte selects.
#[derive(Clone, Copy)]
struct Setup(u8);

impl Setup {
    fn apply(self, settings: &mut OAuthSettings) -> Result<()> {
        let has = |bit: u8| self.0 & bit != 0;
        if has(1) {
            settings.set_client(Some(ISSUER), "configured", Some(CLIENT_SECRET))?;
        }
        if has(2) {
            settings.set_client(None, "configured", Some(CLIENT_SECRET))?;
        }
        if has(4) {
            settings.set_client_url(Some(CLIENT_DOCUMENT))?;
        }
        if has(8) {
            settings.set_store(Some(Box::new(SharedStore::default())));
        }
        settings.grant = match self.0 >> 4 & 3 {
            1 => Grant::ClientCredentials,
            2 => Grant::Assertion,
            3 => {
                settings.set_identity(IDENTITY_PROVIDER, "idp-client", Some(IDP_SECRET))?;
                Grant::Assertion
            }
            _ => Grant::Login,
        };
        settings.assertion = Some(Box::new(|request: &mut AssertionRequest| request.set(ASSERTION).expect("a JWT")));
        settings.set_redirect(REDIRECT)
    }
}

/// What a request is for. The answers of a script are for one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum RequestKind {
    ResourceMetadata,
    ServerMetadata,
    Registration,
    Token,
    Revocation,
    Exchange,
    /// The redirect of a login.
    User,
}

impl RequestKind {
    fn of_line(line: &str) -> Option<RequestKind> {
        Some(match line.as_bytes().first()? {
            b'P' => RequestKind::ResourceMetadata,
            b'M' => RequestKind::ServerMetadata,
            b'R' => RequestKind::Registration,
            b'T' => RequestKind::Token,
            b'V' => RequestKind::Revocation,
            b'X' => RequestKind::Exchange,
            b'U' => RequestKind::User,
            _ => return None,
        })
    }

    fn of(what: &str) -> RequestKind {
        match what {
            "the protected resource metadata" => RequestKind::ResourceMetadata,
            "the metadata of the authorization server" => RequestKind::ServerMetadata,
            "the client registration" => RequestKind::Registration,
            "the token revocation" => RequestKind::Revocation,
            "the token exchange at the identity provider" => RequestKind::Exchange,
            "the token request" | "the token refresh" => RequestKind::Token,
            _ => panic!("an unknown request: {what}"),
        }
    }
}

/// The answers, and what is known about secrets.
#[derive(Default)]
struct ScriptedNetwork(Mutex<NetworkState>);

#[derive(Default)]
struct NetworkState {
    answers: HashMap<RequestKind, VecDeque<String>>,
    /// Counts the default answers.
    count: usize,
    /// The requests of the current step.
    requests: usize,
    /// All metadata that was sent.
    servers: Vec<AuthorizationServerMetadata>,
    /// A refresh or access token, and the token endpoint that has issued it.
    tokens: Vec<(String, String)>,
    /// The secret of a registration, and its endpoint.
    registered: Vec<(String, String)>,
    /// A code, the authorization endpoint that has issued it, and the code challenge of the login.
    codes: Vec<(String, String, String)>,
    verifiers: Vec<String>,
    /// The access tokens of successful responses in the current step.
    issued: Vec<String>,
    /// An authorization server has refused a token or the client in the current step.
    is_refused: bool,
}

impl NetworkState {
    fn take_line(&mut self, kind: RequestKind) -> Option<String> {
        self.answers.get_mut(&kind)?.pop_front().filter(|line| line != "=")
    }

    fn next_number(&mut self) -> usize {
        self.count += 1;
        self.count
    }

    fn default_body(&mut self, kind: RequestKind, url: &str) -> String {
        let n = self.next_number();
        let origin = HttpUrl::parse(url).map_or("", |url| url.origin);
        match kind {
            RequestKind::ResourceMetadata => {
                format!(r#"{{"resource":"{SERVER}","authorization_servers":["{ISSUER}"],"scopes_supported":["a"]}}"#)
            }
            RequestKind::ServerMetadata => format!(
                r#"{{"issuer":"{origin}","authorization_endpoint":"{origin}/authorize",
                   "token_endpoint":"{origin}/token","registration_endpoint":"{origin}/register",
                   "revocation_endpoint":"{origin}/revoke","code_challenge_methods_supported":["S256"],
                   "scopes_supported":["offline_access"]}}"#
            ),
            RequestKind::Registration => {
                format!(r#"{{"client_id":"client-{n}","client_secret":"zq.xw-registered-{n}"}}"#)
            }
            RequestKind::Token => {
                format!(
                    r#"{{"access_token":"zq.xw-access-{n}","refresh_token":"zq.xw-refresh-{n}","expires_in":3600}}"#
                )
            }
            RequestKind::Exchange => format!(
                r#"{{"access_token":"zq.xw-grant-{n}",
                   "issued_token_type":"urn:ietf:params:oauth:token-type:id-jag"}}"#
            ),
            RequestKind::Revocation | RequestKind::User => String::new(),
        }
    }

    /// Whether a server with `is_meant` has this token endpoint, or the revocation endpoint beside it.
    fn has_endpoint(&self, url: &str, is_meant: impl Fn(&AuthorizationServerMetadata) -> bool) -> bool {
        let is_endpoint = |server: &AuthorizationServerMetadata| {
            server.token_endpoint == url || server.revocation_endpoint.as_deref() == Some(url)
        };
        self.servers.iter().any(|server| is_endpoint(server) && is_meant(server))
    }

    /// Checks that a POST has only secrets that are meant for its URL.
    fn check_destination(&mut self, kind: RequestKind, request: &ForeignRequest, form: &str) {
        let url = request.url;
        if kind == RequestKind::Exchange {
            assert_eq!(url, IDENTITY_PROVIDER);
            return;
        }
        let parameters = QueryParameters::parse(form);
        let parameter = |name| parameters.single(name).expect("a parameter that occurs once");
        for name in ["refresh_token", "token"] {
            let Some(token) = parameter(name) else { continue };
            let is_meant = |(known, endpoint): &(String, String)| {
                known == token
                    && (endpoint == url || self.has_endpoint(url, |server| &server.token_endpoint == endpoint))
            };
            assert!(self.tokens.iter().any(is_meant), "a {name} is sent to {url}");
        }
        if let Some(code) = parameter("code") {
            let verifier = parameter("code_verifier").expect("a verifier");
            let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
            let is_meant = |(known, endpoint, expected): &(String, String, String)| {
                known == code
                    && expected == &challenge
                    && self.has_endpoint(url, |server| server.authorization_endpoint.as_ref() == Some(endpoint))
            };
            assert!(self.codes.iter().any(is_meant), "a code is sent to {url}");
            let verifier = verifier.to_owned();
            self.verifiers.push(verifier);
        }
        if parameter("assertion").is_some() {
            assert!(self.is_for_configured(url), "an assertion is sent to {url}");
        }
        let basic = request.headers.get(header::AUTHORIZATION).map(|value| {
            let encoded = value.to_str().ok().and_then(|value| value.strip_prefix("Basic ")).expect("a pair");
            let pair = String::from_utf8(BASE64_STANDARD.decode(encoded).expect("base64")).expect("ASCII");
            decode_component(pair.split_once(':').expect("a colon").1).into_owned()
        });
        let secret = basic.or_else(|| parameter("client_secret").map(str::to_owned));
        if let Some(secret) = secret.filter(|secret| !secret.is_empty()) {
            let is_meant = |(known, endpoint): &(String, String)| {
                known == &secret
                    && self.servers.iter().any(|at| {
                        // An issuer may change its endpoints.
                        at.registration_endpoint.as_ref() == Some(endpoint)
                            && self.has_endpoint(url, |server| is_issuer(&at.issuer, &server.issuer))
                    })
            };
            let is_configured = secret == CLIENT_SECRET && self.is_for_configured(url);
            assert!(is_configured || self.registered.iter().any(is_meant), "a client secret is sent to {url}");
        }
    }

    /// Whether a configured secret may be sent to this endpoint: of the issuer, of this machine, or of the MCP server.
    fn is_for_configured(&self, url: &str) -> bool {
        self.has_endpoint(url, |server| {
            let is_near = HttpUrl::parse(&server.issuer)
                .is_ok_and(|url| url.is_loopback() || url.has_origin_of(&HttpUrl::parse(SERVER).expect("a URL")));
            is_near || is_issuer(ISSUER, &server.issuer)
        })
    }

    /// Remembers what an answer contains.
    fn record_answer(&mut self, kind: RequestKind, url: &str, http_status: u16, body: &str) {
        match kind {
            RequestKind::ServerMetadata => {
                let issuer = JsonObject::parse(body).ok().and_then(|document| document.text("issuer"));
                let parse = |issuer: String| AuthorizationServerMetadata::parse(body, &issuer, Leniency::default());
                self.servers.extend(issuer.and_then(|issuer| parse(issuer).ok()));
            }
            RequestKind::Registration => {
                if let Ok(RegisteredClient { client_secret: Some(secret), .. }) =
                    RegisteredClient::parse(http_status, body)
                {
                    self.registered.push((secret.to_string(), url.to_owned()));
                }
            }
            RequestKind::Token => match TokenResponse::parse(http_status, body) {
                Ok(response) => {
                    let access_token = response.access_token.to_string();
                    self.issued.push(access_token.clone());
                    let both = [Some(access_token), response.refresh_token.map(|token| token.to_string())];
                    self.tokens.extend(both.into_iter().flatten().map(|token| (token, url.to_owned())));
                }
                Err(EndpointFailure::Refused(refusal)) => {
                    self.is_refused |= matches!(refusal.code.as_str(), "invalid_grant" | "invalid_client");
                }
                Err(EndpointFailure::Unusable(_)) => {}
            },
            RequestKind::ResourceMetadata | RequestKind::Revocation | RequestKind::Exchange | RequestKind::User => {}
        }
    }
}

impl SendForeign for ScriptedNetwork {
    fn send(&self, request: &ForeignRequest, _: AddressExceptions, _: &WaitContext) -> Result<ForeignResponse> {
        let mut state = self.0.lock();
        state.requests += 1;
        assert!(state.requests <= MAX_REQUESTS, "{} requests in one step", state.requests);
        let kind = RequestKind::of(request.what);
        assert!(!request.url.contains(SECRET), "a secret in {}", request.url);
        let sent = match request.body {
            None => "",
            Some(ForeignBody::Json(text)) => {
                assert!(!text.contains(SECRET), "a secret in a registration");
                text
            }
            Some(ForeignBody::Form(text)) => {
                state.check_destination(kind, request, text);
                text
            }
        };
        let (http_status, body) = match state.take_line(kind) {
            None => (200, state.default_body(kind, request.url)),
            Some(line) => {
                let credentials = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
                let echo = format!("{sent} {}", credentials.unwrap_or_default());
                let text = line.get(1..).unwrap_or_default();
                let body = text.replace(ECHO, &echo);
                match line.as_bytes().first() {
                    Some(b'0') => return Err(Error::new(MCP_CONNECT_FAILED, "the connection was refused")),
                    Some(b'3') => return Err(Error::new(MCP_REDIRECT_REFUSED, "the server redirects")),
                    Some(b'4') => (400, body),
                    Some(b'5') => (503, body),
                    Some(b'6') => (404, body),
                    // The application may read members of these, such as the scopes.
                    _ => (200, text.to_owned()),
                }
            }
        };
        state.record_answer(kind, request.url, http_status, &body);
        Ok(ForeignResponse { status: http_status, retry_after_ms: None, body: Zeroizing::new(body.into_bytes()) })
    }
}

impl ScriptedNetwork {
    /// The user gets the authorization URL, and is redirected as the script says.
    fn redirect(&self, request: &LoginRequest) {
        let mut state = self.0.lock();
        let (endpoint, authorization_query) = request.url.split_once('?').expect("a query");
        assert!(!request.url.contains(SECRET), "a secret in {}", request.url);
        let parameters = QueryParameters::parse(authorization_query);
        let parameter = |name| parameters.single(name).ok().flatten().expect("a parameter").to_owned();
        let (login, challenge) = (parameter("state"), parameter("code_challenge"));
        let n = state.next_number();
        let line = state.take_line(RequestKind::User);
        let rest = line.unwrap_or_else(|| format!("code=zq.xw-code-{n}"));
        // The endpoint may have a query.
        let known = state.servers.iter().filter_map(|server| server.authorization_endpoint.clone());
        let endpoints: Vec<String> = known.filter(|known| request.url.starts_with(known.as_str())).collect();
        assert!(!endpoints.is_empty(), "{endpoint} is not an authorization endpoint");
        // The fragment of a redirect is ignored.
        let query = rest.split('#').next().unwrap_or_default();
        if let Ok(Some(code)) = QueryParameters::parse(query).single("code") {
            state.codes.extend(endpoints.into_iter().map(|endpoint| (code.to_owned(), endpoint, challenge.clone())));
        }
        drop(state);
        if request.login.finish(&format!("{REDIRECT}?state={login}&{rest}")).is_err() {
            request.login.fail("the redirect is not valid", None);
        }
    }
}

struct FlowFixture {
    authorization: Arc<Authorization>,
    environment: OAuthEnvironment,
    network: Arc<ScriptedNetwork>,
}

impl FlowFixture {
    fn new(setup: Setup, answers: &[&str]) -> FlowFixture {
        let network = Arc::new(ScriptedNetwork::default());
        {
            let mut state = network.0.lock();
            for line in answers {
                if let Some(kind) = RequestKind::of_line(line) {
                    state.answers.entry(kind).or_default().push_back(line[1..].to_owned());
                }
            }
            // The endpoints of a server without metadata (2025-03-26).
            state.servers.push(AuthorizationServerMetadata::default_of(HttpUrl::parse(SERVER).expect("a URL")));
        }
        let client = OAuthClient::new();
        let of_callback = Arc::clone(&network);
        let set_up = |settings: &mut OAuthSettings| {
            settings.open = Some(Box::new(move |request: &Arc<LoginRequest>| of_callback.redirect(request)));
            setup.apply(settings)
        };
        client.change(set_up).expect("valid settings");
        let sender: Arc<ScriptedNetwork> = Arc::clone(&network);
        let environment = OAuthEnvironment { client_name: "Fuzzer".into(), sender };
        FlowFixture {
            authorization: client.authorization(SERVER, SERVER).expect("the same process"),
            environment,
            network,
        }
    }

    /// Runs the steps of a script.
    fn run(&self, steps: &[&str]) {
        let mut call = new_call();
        for step in steps.iter().take(MAX_STEPS) {
            let (name, rest) = step.split_at(1);
            match name {
                "n" => call = new_call(),
                "g" => call = new_call().for_login(),
                "k" => self.authorization.record_accepted(self.authorization.last().generation),
                _ => self.check_step(name, || self.step(&call, name, rest)),
            }
        }
    }

    fn step(&self, call: &CallContext, name: &str, rest: &str) -> Option<Error> {
        let refused = |http_status| {
            let refusal = CredentialRefusal {
                url: SERVER.into(),
                method: Method::POST,
                http_status,
                challenge: Some(rest.into()),
                generation: self.authorization.last().generation,
            };
            self.authorization.issue(call, &self.environment, Some(&refusal))
        };
        let outcome = match name {
            "u" => refused(401),
            "f" => refused(403),
            "b" => self.authorization.issue(call, &self.environment, None),
            "l" => return self.in_turn(&call.clone().for_login(), false).err(),
            "o" => return self.in_turn(call, true).err(),
            _ => return None,
        };
        if let Ok(RenewalOutcome::Useless(Some(hint))) = &outcome {
            check_error_text(hint);
        }
        outcome.err()
    }

    fn in_turn(&self, call: &CallContext, is_logout: bool) -> Result<()> {
        self.authorization.in_turn(call, &self.environment, |renewal| {
            if is_logout { renewal.log_out() } else { renewal.log_in_unasked().map(drop) }
        })
    }

    fn access_token(&self) -> Option<String> {
        let record = self.authorization.record()?;
        Some(record.tokens.as_ref()?.access_token.to_string())
    }

    /// Runs a step, and checks what it has changed and its error.
    fn check_step(&self, name: &str, step: impl FnOnce() -> Option<Error>) {
        {
            let mut state = self.network.0.lock();
            (state.requests, state.is_refused) = (0, false);
            state.issued.clear();
        }
        let before = self.access_token();
        let error = step();
        let after = self.access_token();
        let state = self.network.0.lock();
        match &after {
            Some(token) if after != before => {
                assert!(state.issued.contains(token), "a token that no server has issued")
            }
            None if before.is_some() => assert!(state.is_refused || name == "o", "the tokens were dropped"),
            _ => {}
        }
        if let Some(error) = error {
            let report = error.report();
            check_error_text(&report.message);
            assert!(!report.message.contains(SECRET), "{:?}", report.message);
            let has_verifier = state.verifiers.iter().any(|verifier| report.message.contains(verifier.as_str()));
            assert!(!has_verifier, "{:?}", report.message);
            assert!(report.oauth_code.as_ref().is_none_or(|code| !code.contains(SECRET)), "{:?}", report.oauth_code);
        }
        let description = describe(self.authorization.record().as_deref());
        assert!(!description.contains(SECRET), "{description}");
        assert!(JsonObject::parse(&description).is_ok(), "{description}");
    }
}

fn new_call() -> CallContext {
    CallContext::new(WaitContext::default(), true, (RequestExtras::default(), 0), CallClient::default())
}
