//! An authorization server for each path of a scenario with `oauth`. Users log in without a page, and any client is
//! accepted.

use crate::options::{decode, fields};
use crate::protocol::Request;
use crate::reply::Reply;
use crate::state::{lock, random};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

const RESOURCE_METADATA: &str = "/.well-known/oauth-protected-resource";
const SERVER_METADATA: &str = "/.well-known/oauth-authorization-server";

/// The endpoints below `/oauth/`.
const ENDPOINTS: [Endpoint; 4] = [Endpoint::Register, Endpoint::Authorize, Endpoint::Token, Endpoint::Revoke];

/// An endpoint of an authorization server, or a metadata document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Endpoint {
    Resource,
    Metadata,
    Register,
    Authorize,
    Token,
    Revoke,
}

impl Endpoint {
    /// The name in `when=`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Metadata => "metadata",
            Self::Register => "register",
            Self::Authorize => "authorize",
            Self::Token => "token",
            Self::Revoke => "revoke",
        }
    }

    /// The path of the MCP server to which a path belongs, and the endpoint. `None` for the MCP server itself.
    pub fn of_path(path: &str) -> (&str, Option<Self>) {
        for (prefix, endpoint) in [(RESOURCE_METADATA, Self::Resource), (SERVER_METADATA, Self::Metadata)] {
            if let Some(server) = path.strip_prefix(prefix) {
                return (server, Some(endpoint));
            }
        }
        let Some((server, name)) = path.rsplit_once("/oauth/") else { return (path, None) };
        match ENDPOINTS.into_iter().find(|endpoint| endpoint.name() == name) {
            Some(endpoint) => (server, Some(endpoint)),
            None => (path, None),
        }
    }
}

/// What the authorization servers have issued. A code and a refresh token can be used once.
#[derive(Default)]
pub struct Issued {
    codes: Mutex<HashSet<String>>,
    refresh_tokens: Mutex<HashSet<String>>,
    /// How often each was used.
    access_tokens: Mutex<HashMap<String, u64>>,
}

impl Issued {
    /// Whether a token is valid for one more request.
    pub fn accept(&self, token: Option<&str>, limit: Option<u64>) -> bool {
        let mut tokens = lock(&self.access_tokens);
        match token.and_then(|token| tokens.get_mut(token)) {
            Some(uses) if limit.is_none_or(|limit| *uses < limit) => {
                *uses += 1;
                true
            }
            _ => false,
        }
    }
}

/// The challenge for a request without a valid token.
pub fn challenge(request: &Request) -> String {
    let (server, _) = Endpoint::of_path(request.head.path());
    format!(r#"Bearer resource_metadata="{}{RESOURCE_METADATA}{server}""#, origin(request))
}

/// Responds for an endpoint.
pub fn answer(request: &Request, endpoint: Endpoint) -> Reply {
    let is_get = matches!(endpoint, Endpoint::Resource | Endpoint::Metadata | Endpoint::Authorize);
    if request.head.method() != if is_get { "GET" } else { "POST" } {
        return Reply::text(405, "method not allowed\n");
    }
    let issued = &request.state.issued;
    match endpoint {
        Endpoint::Resource => {
            let url = server_url(request);
            Reply::json(200, json!({"resource": url, "authorization_servers": [url]}).to_string())
        }
        Endpoint::Metadata => Reply::json(200, metadata(&server_url(request)).to_string()),
        Endpoint::Register => register(request.body),
        Endpoint::Authorize => authorize(request, issued),
        Endpoint::Token => token(&Form::of(request), issued),
        Endpoint::Revoke => revoke(&Form::of(request), issued),
    }
}

/// The scheme and host of the request. These scenarios are for http only.
fn origin(request: &Request) -> String {
    format!("http://{}", request.head.get("Host").unwrap_or_default())
}

/// The URL of the MCP server, which is also the issuer.
fn server_url(request: &Request) -> String {
    let (server, _) = Endpoint::of_path(request.head.path());
    format!("{}{server}", origin(request))
}

fn metadata(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oauth/authorize"),
        "token_endpoint": format!("{issuer}/oauth/token"),
        "registration_endpoint": format!("{issuer}/oauth/register"),
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
    })
}

/// Registers a client with the members that it sends.
fn register(body: &[u8]) -> Reply {
    let Ok(Value::Object(mut client)) = serde_json::from_slice(body) else {
        return refusal("invalid_client_metadata");
    };
    client.insert("client_id".into(), new_text("client").into());
    Reply::json(201, Value::Object(client).to_string())
}

/// Redirects at once, as if the user had logged in.
fn authorize(request: &Request, issued: &Issued) -> Reply {
    let read = |name| request.head.query(name).and_then(|value| decode(value).ok());
    let has_challenge = request.head.query("code_challenge").is_some();
    let (Some(target), Some(state), true) = (read("redirect_uri"), request.head.query("state"), has_challenge) else {
        return Reply::text(400, "redirect_uri, state and code_challenge are required\n");
    };
    let code = new_text("code");
    lock(&issued.codes).insert(code.clone());
    Reply::empty(302).header("Location", format!("{target}?code={code}&state={state}"))
}

struct Form(Vec<(String, String)>);

impl Form {
    fn of(request: &Request) -> Self {
        Self(fields(request.body).unwrap_or_default())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn token(form: &Form, issued: &Issued) -> Reply {
    let take = |set: &Mutex<HashSet<String>>, name| form.get(name).is_some_and(|text| lock(set).remove(text));
    let (is_granted, is_refreshable) = match form.get("grant_type") {
        Some("authorization_code") => (take(&issued.codes, "code") && form.get("code_verifier").is_some(), true),
        Some("refresh_token") => (take(&issued.refresh_tokens, "refresh_token"), true),
        Some("client_credentials") => (true, false),
        Some("urn:ietf:params:oauth:grant-type:jwt-bearer") => (form.get("assertion").is_some(), false),
        _ => return refusal("unsupported_grant_type"),
    };
    if !is_granted {
        return refusal("invalid_grant");
    }
    let access = new_text("access");
    lock(&issued.access_tokens).insert(access.clone(), 0);
    let mut answer = json!({"access_token": access, "token_type": "Bearer", "expires_in": 3600});
    if is_refreshable {
        let refresh = new_text("refresh");
        lock(&issued.refresh_tokens).insert(refresh.clone());
        answer["refresh_token"] = refresh.into();
    }
    Reply::json(200, answer.to_string()).header("Cache-Control", "no-store")
}

fn revoke(form: &Form, issued: &Issued) -> Reply {
    if let Some(token) = form.get("token") {
        lock(&issued.access_tokens).remove(token);
        lock(&issued.refresh_tokens).remove(token);
    }
    Reply::empty(200)
}

fn refusal(code: &str) -> Reply {
    Reply::json(400, json!({"error": code}).to_string())
}

fn new_text(kind: &str) -> String {
    format!("{kind}-{:016x}{:016x}", random(), random())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Head;
    use crate::options::Scenario;
    use crate::reply::Body;
    use crate::rpc::Message;
    use crate::state::State;

    const SERVER: &str = "/s/modern+oauth/mcp";

    fn send(state: &State, method: &str, target: &str, body: &str) -> Reply {
        let mut head = Head::default();
        head.parse(format!("{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
        let (server, endpoint) = Endpoint::of_path(head.path());
        let scenario = Scenario::of_path(server).unwrap().unwrap();
        let (message, body) = (Message::parse(body.as_bytes()), body.as_bytes());
        let request = Request { state, scenario: &scenario, head: &head, message: &message, body, endpoint };
        answer(&request, endpoint.unwrap())
    }

    fn request_token(state: &State, form: &str) -> Result<Value, u16> {
        let reply = send(state, "POST", &format!("{SERVER}/oauth/token"), form);
        let Body::Json(body) = &reply.body else { panic!("no JSON") };
        if reply.status == 200 { Ok(serde_json::from_slice(body).unwrap()) } else { Err(reply.status) }
    }

    #[test]
    fn the_path_names_the_endpoint() {
        let of_path = |path| Endpoint::of_path(path);
        assert_eq!(of_path("/s/oauth/mcp"), ("/s/oauth/mcp", None));
        assert_eq!(of_path("/s/oauth/mcp/oauth/token"), ("/s/oauth/mcp", Some(Endpoint::Token)));
        assert_eq!(of_path("/s/oauth/mcp/oauth/metadata"), ("/s/oauth/mcp/oauth/metadata", None));
        assert_eq!(of_path(&format!("{SERVER_METADATA}/mcp")), ("/mcp", Some(Endpoint::Metadata)));
    }

    #[test]
    fn a_login_results_in_tokens_that_can_be_refreshed_once() {
        let state = State::default();
        let query = "redirect_uri=http%3A%2F%2F127.0.0.1%2Fx&state=s&code_challenge=c";
        let reply = send(&state, "GET", &format!("{SERVER}/oauth/authorize?{query}"), "");
        let (_, location) = reply.headers.iter().find(|(name, _)| *name == "Location").unwrap();
        let code = location.strip_prefix("http://127.0.0.1/x?code=").unwrap().strip_suffix("&state=s").unwrap();
        let form = format!("grant_type=authorization_code&code={code}&code_verifier=v");
        let first = request_token(&state, &form).unwrap();
        assert_eq!(request_token(&state, &form), Err(400));
        let form = format!("grant_type=refresh_token&refresh_token={}", first["refresh_token"].as_str().unwrap());
        let second = request_token(&state, &form).unwrap();
        assert_eq!(request_token(&state, &form), Err(400));
        for token in [&first["access_token"], &second["access_token"]] {
            assert!(state.issued.accept(token.as_str(), Some(1)) && !state.issued.accept(token.as_str(), Some(1)));
        }
    }

    #[test]
    fn revoked_tokens_are_invalid() {
        let state = State::default();
        let tokens = request_token(&state, "grant_type=client_credentials").unwrap();
        let token = tokens["access_token"].as_str().unwrap();
        assert!(state.issued.accept(Some(token), None) && tokens.get("refresh_token").is_none());
        send(&state, "POST", &format!("{SERVER}/oauth/revoke"), &format!("token={token}"));
        assert!(!state.issued.accept(Some(token), None) && !state.issued.accept(None, None));
    }

    #[test]
    fn unknown_codes_tokens_and_grants_are_refused() {
        let state = State::default();
        for form in ["grant_type=authorization_code&code=x&code_verifier=v", "grant_type=refresh_token", "x=y", "%zz"] {
            assert_eq!(request_token(&state, form), Err(400), "{form}");
        }
        assert_eq!(send(&state, "GET", &format!("{SERVER}/oauth/authorize?state=s"), "").status, 400);
        assert_eq!(send(&state, "GET", &format!("{SERVER}/oauth/token"), "").status, 405);
    }
}
