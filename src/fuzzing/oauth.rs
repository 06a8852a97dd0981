//! OAuth: challenges, documents of authorization servers, redirects, forms, records and URLs.

use serde_json::Value as Tree;

use super::texts;
use crate::http::endpoint::Endpoint;
use crate::protocol::challenge::{OAuthChallenge, challenges, oauth_challenge as first_challenge, parameter};
use crate::protocol::oauth::callback::{Callback, CallbackError, ExpectedIssuer};
use crate::protocol::oauth::form::{QueryParameters, add_to_query, decode_component, encode, encode_component};
use crate::protocol::oauth::json_object::DocumentError;
use crate::protocol::oauth::leniency::Leniency;
use crate::protocol::oauth::listener::{BrowserRequest, HeadState, MAX_HEAD, parse_head};
use crate::protocol::oauth::oauth_error::EndpointFailure;
use crate::protocol::oauth::record::OAuthRecord;
use crate::protocol::oauth::redirect::{RedirectKind, RedirectUri};
use crate::protocol::oauth::registration::{RegisteredClient, check_extra_members};
use crate::protocol::oauth::resource_metadata::ResourceMetadata;
use crate::protocol::oauth::server_metadata::AuthorizationServerMetadata;
use crate::protocol::oauth::token_response::{TokenResponse, parse_identity_grant};
use crate::protocol::oauth::url::HttpUrl;
use crate::protocol::oauth::well_known::{contains_server, is_issuer, resource_metadata_urls, server_metadata_urls};

/// In values of an input that no error may show.
const SECRET: &str = "zqxw";

/// The start of the error for a token that is not supported. The error shows the type of the token, which is no secret,
/// and mutated inputs have the secret there too.
const OTHER_TOKEN_TYPE: &str = "the authorization server returned a token of the type ";

/// A list of challenges. The parameters are parts of the list, and belong to the challenge before them.
pub fn oauth_challenge(bytes: &[u8]) {
    let Ok(list) = std::str::from_utf8(bytes) else { return };
    let unescaped = list.replace('\\', "");
    let found = challenges(list);
    for challenge in &found {
        assert!(!challenge.scheme.is_empty() && list.contains(challenge.scheme));
    }
    for name in ["error", "error_description", "resource_metadata", "scope", "realm", "algs"] {
        let value = found.iter().find_map(|challenge| challenge.parameter(name));
        assert!(value.is_none_or(|value| unescaped.contains(&value.replace('\\', ""))), "{name} of {list:?}");
        assert!(value.is_none() || parameter(list, name).is_some(), "{name} of {list:?}");
    }
    let is_oauth = |scheme: &str| scheme.eq_ignore_ascii_case("Bearer") || scheme.eq_ignore_ascii_case("DPoP");
    let expected = found.iter().find(|challenge| is_oauth(challenge.scheme));
    let first = first_challenge(list);
    assert_eq!(first.is_some(), expected.is_some(), "{list:?}");
    let OAuthChallenge { resource_metadata, scope } = first.unwrap_or_default();
    let of = |name| expected.and_then(|challenge| challenge.parameter(name)).unwrap_or_default().to_owned();
    assert_eq!(resource_metadata.unwrap_or_default(), of("resource_metadata"), "{list:?}");
    assert_eq!(scope.unwrap_or_default(), of("scope"), "{list:?}");
}

/// Two lines: a URL, and a document of a server with this URL. What is used of the document satisfies the rules.
pub fn oauth_documents(bytes: &[u8]) {
    let Some([url, text]) = texts(bytes) else { return };
    let tree: Tree = serde_json::from_str(text).unwrap_or_default();
    if let Ok(server) = HttpUrl::parse(url) {
        check_resource_metadata(ResourceMetadata::parse(text, &server, Leniency::default()), &server);
    }
    check_server_metadata(AuthorizationServerMetadata::parse(text, url, Leniency::default()), url);
    for http_status in [200, 400, 503] {
        check_registered_client(RegisteredClient::parse(http_status, text), &tree);
        check_tokens(TokenResponse::parse(http_status, text), &tree);
        check_failure(parse_identity_grant(http_status, text).err());
    }
    if let Err(why) = check_extra_members(text) {
        check_error_text(&why);
    }
}

fn check_resource_metadata(parsed: Result<ResourceMetadata, DocumentError>, server: &HttpUrl) {
    match parsed {
        Ok(metadata) => {
            let resource = HttpUrl::parse(&metadata.resource).unwrap_or_else(|why| panic!("the resource {why}"));
            assert!(resource.has_origin_of(server) && contains_server(&resource, server));
            assert!(!metadata.authorization_servers.is_empty());
            metadata.authorization_servers.iter().for_each(|issuer| check_server(issuer));
        }
        Err(error) => check_error_text(error.message()),
    }
}

fn check_server_metadata(parsed: Result<AuthorizationServerMetadata, DocumentError>, issuer: &str) {
    match parsed {
        Ok(metadata) => {
            assert!(is_issuer(issuer, &metadata.issuer));
            check_server(&metadata.token_endpoint);
            let optional =
                [&metadata.authorization_endpoint, &metadata.registration_endpoint, &metadata.revocation_endpoint];
            optional.into_iter().flatten().for_each(|endpoint| check_server(endpoint));
            match metadata.check_login(Leniency::default()) {
                Ok(_) => assert!(metadata.code_challenge_methods.is_some_and(|listed| listed.contains(&"S256".into()))),
                Err(why) => check_error_text(&why),
            }
        }
        Err(error) => check_error_text(error.message()),
    }
}

fn check_server(url: &str) {
    let parsed = HttpUrl::parse(url).unwrap_or_else(|why| panic!("{url:?} {why}"));
    assert!((parsed.https || parsed.is_loopback()) && parsed.fragment.is_none(), "{url}");
}

fn check_registered_client(parsed: Result<RegisteredClient, EndpointFailure>, tree: &Tree) {
    match parsed {
        Ok(client) => {
            assert!(!client.client_id.is_empty() && !client.client_id.contains(char::is_control));
            check_equal(&tree["client_id"], Some(&client.client_id), tree);
            check_equal(&tree["client_secret"], client.client_secret.as_deref().map(String::as_str), tree);
        }
        Err(failure) => check_failure(Some(failure)),
    }
}

fn check_tokens(parsed: Result<TokenResponse, EndpointFailure>, tree: &Tree) {
    match parsed {
        Ok(tokens) => {
            assert!(!tokens.access_token.is_empty() && tokens.access_token.bytes().all(|b| b.is_ascii_graphic()));
            check_equal(&tree["access_token"], Some(&tokens.access_token), tree);
            check_equal(&tree["refresh_token"], tokens.refresh_token.as_deref().map(String::as_str), tree);
        }
        Err(failure) => check_failure(Some(failure)),
    }
}

/// serde_json reads the same text, if it can read the document. It rejects deep nesting and lone surrogates.
fn check_equal(value: &Tree, found: Option<&str>, tree: &Tree) {
    let expected = value.as_str().filter(|text| !text.is_empty());
    assert!(tree.is_null() || expected == found, "{value:?}");
}

/// No failure repeats the response, except for the server's error and a short type of a token.
fn check_failure(failure: Option<EndpointFailure>) {
    match failure {
        Some(EndpointFailure::Refused(error)) => {
            let shown = error.describe(|text| text.replace(SECRET, "***"));
            assert!(!shown.contains(SECRET) && shown.chars().count() <= 420, "{shown:?}");
            check_error_text(&shown);
        }
        Some(EndpointFailure::Unusable(message)) => {
            check_error_text(&message);
            let shows_type = message.starts_with(OTHER_TOKEN_TYPE) && message.len() < OTHER_TOKEN_TYPE.len() + 128;
            assert!(!message.contains(SECRET) || shows_type, "{message:?}");
        }
        None => {}
    }
}

/// An error text is one printable line.
pub fn check_error_text(why: &str) {
    assert!(!why.is_empty() && !why.contains(char::is_control) && why.len() <= 4096, "{why:?}");
}

/// All bytes that a browser sends to the listener.
pub fn oauth_callback(bytes: &[u8]) {
    let HeadState::Complete(BrowserRequest { method, path, query }) = parse_head(bytes) else {
        check_callback(&String::from_utf8_lossy(bytes));
        return;
    };
    assert!(!method.is_empty() && path.starts_with('/') && !path.contains(['?', '#', ' ']), "{path:?}");
    assert!(!query.contains(['#', ' ']), "{query:?}");
    // The result does not depend on how the head is divided into reads.
    for end in 0..bytes.len().min(MAX_HEAD) {
        match parse_head(&bytes[..end]) {
            HeadState::Incomplete => {}
            HeadState::Complete(request) => assert_eq!((request.method, request.path), (method, path)),
            HeadState::Invalid => panic!("the first {end} bytes are invalid, but not all"),
        }
    }
    check_callback(query);
}

/// A code is used only if the response has one code, and no other issuer than the expected one.
fn check_callback(query: &str) {
    const EXPECTED: ExpectedIssuer = ExpectedIssuer { issuer: "https://as", sends_issuer: false };
    let values = |name: &str| -> Vec<String> {
        let pairs =
            query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.filter(|(known, _)| decoded(known) == name).map(|(_, value)| decoded(value)).collect()
    };
    let is_repeated = ["code", "state", "iss", "error"].iter().any(|name| values(name).len() > 1);
    let callback = match Callback::parse(query) {
        Ok(callback) => callback,
        Err(why) => {
            check_error_text(&why);
            assert!(is_repeated, "{query:?}");
            return;
        }
    };
    assert!(!is_repeated, "{query:?}");
    let single = |name| values(name).pop().filter(|value| !value.is_empty());
    let (code, issuer, error) = (single("code"), single("iss"), single("error"));
    assert!(single("state").is_none_or(|state| callback.has_state(&state)), "{query:?}");
    let is_expected = issuer.is_none_or(|issuer| issuer == "https://as");
    match callback.into_code(EXPECTED) {
        Ok(found) => assert!(is_expected && error.is_none() && code.as_deref() == Some(&found), "{query:?}"),
        Err(CallbackError::Refused(refused)) => assert!(is_expected && error == Some(refused.code), "{query:?}"),
        Err(CallbackError::Invalid(why)) => {
            check_error_text(&why);
            assert!(!is_expected || (code.is_none() && error.is_none()), "{query:?}");
        }
    }
}

/// Decodes a part of a query string, byte by byte.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut result, mut at) = (Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                result.push((16 * high + low) as u8);
                at += 2;
            }
            (b'+', ..) => result.push(b' '),
            _ => result.push(*byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&result).into_owned()
}

/// Three lines: a URL, a name and a value. An encoded parameter is decoded to the same texts.
pub fn oauth_form(bytes: &[u8]) {
    let Some([url, name, value]) = texts(bytes) else { return };
    let encoded = encode([(name, value), ("x", name)]);
    assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%&=".contains(&byte)), "{:?}", *encoded);
    assert_eq!(decode_component(&encode_component(value)), value);
    if !name.is_empty() && name != "x" {
        let parameters = QueryParameters::parse(&encoded);
        assert_eq!(parameters.single(name), Ok(Some(value).filter(|value| !value.is_empty())));
        let with_query = add_to_query(url, [(name, value)]);
        let added = with_query.strip_prefix(url).expect("the URL");
        assert!(added.starts_with(['?', '&']) || url.ends_with(['?', '&']), "{:?}", *with_query);
    }
    assert_eq!(decode_component(value), decoded(value));
}

/// A stored text. A record that is read is written so that the same record is read.
pub fn oauth_record(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match OAuthRecord::parse(text) {
        Ok(record) => {
            let written = record.to_json();
            assert!(serde_json::from_str::<Tree>(&written).is_ok(), "{:?}", *written);
            assert!(OAuthRecord::parse(&written).is_ok_and(|again| again == record), "{:?}", *written);
        }
        Err(error) => {
            let message = error.message();
            check_error_text(&message);
            assert!(!message.contains(SECRET), "{message:?}");
        }
    }
}

/// Three lines: the URL of an MCP server, another URL, and a redirect URI.
pub fn oauth_urls(bytes: &[u8]) {
    let Some([server, other, redirect_uri]) = texts(bytes) else { return };
    if let Ok(parsed) = HttpUrl::parse(server) {
        check_url(server, &parsed);
        check_candidates(&parsed, other);
        if let Ok(other) = HttpUrl::parse(other) {
            assert!(!contains_server(&other, &parsed) || other.has_origin_of(&parsed));
        }
        assert!(!is_issuer(server, other) || server.trim_end_matches('/') == other.trim_end_matches('/'));
    }
    match RedirectUri::parse(redirect_uri) {
        Ok(uri) => check_redirect_uri(&uri),
        Err(why) => check_error_text(&why),
    }
}

/// The URL can be used for requests, and the requests go to the same server.
fn check_url(url: &str, parsed: &HttpUrl) {
    let endpoint = Endpoint::parse(url).unwrap_or_else(|why| panic!("{url:?}: {why}"));
    let origin = endpoint.origin();
    let host = parsed.host.to_ascii_lowercase();
    assert_eq!((origin.https, &origin.host, origin.port), (parsed.https, &host, parsed.port()), "{url:?}");
    assert_eq!(origin.is_loopback(), parsed.is_loopback(), "{url:?}");
    let path = if parsed.path.is_empty() { "/" } else { parsed.path };
    assert_eq!((endpoint.uri().path(), endpoint.uri().query()), (path, parsed.query), "{url:?}");
    let resource = HttpUrl { fragment: None, ..*parsed };
    assert!(contains_server(&resource, parsed), "{url:?} does not contain itself");
}

/// Metadata is requested from the server itself, or from the URL in its challenge.
fn check_candidates(server: &HttpUrl, challenged: &str) {
    let is_inside = |url: &String| HttpUrl::parse(url).is_ok_and(|url| url.has_origin_of(server));
    let urls = resource_metadata_urls(*server, Some(challenged));
    assert!((1..=5).contains(&urls.len()) && urls.iter().all(|url| url == challenged || is_inside(url)), "{urls:?}");
    let urls = server_metadata_urls(*server);
    assert!((2..=3).contains(&urls.len()) && urls.iter().all(is_inside), "{urls:?}");
}

fn check_redirect_uri(uri: &RedirectUri) {
    let sent = uri.with_port(8123);
    let again = RedirectUri::parse(&sent).unwrap_or_else(|why| panic!("{why}"));
    match (uri.kind, again.kind) {
        (RedirectKind::Loopback { host, .. }, found) => {
            assert_eq!(found, RedirectKind::Loopback { host, port: Some(8123) });
            assert_eq!(uri.path(), again.path());
        }
        _ => assert!(again == *uri),
    }
}
