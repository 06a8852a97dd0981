//! The step "http": one request to the server's URL, the first one of a handshake.

use ::http::{Method, header};

use super::remedy::remedy_for;
use super::report::Step;
use crate::call::context::CallContext;
use crate::call::request::{EncodedRequest, PeerContext, RequestPolicy};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::http::fields::{EVENT_STREAM, JSON, header_text};
use crate::http::response::HttpResponse;
use crate::protocol::lost_session::SessionReference;
use crate::protocol::message_text::{EMPTY_BODY, MessageText};
use crate::protocol::messages::{capabilities, modern_meta, request};
use crate::protocol::params::Params;
use crate::protocol::version::{Era, MODERN};
use crate::status::*;
use crate::transport::http_request::{MessageTarget, build_request};
use crate::transport::interface::TransportKind;

/// What the response says about credentials.
#[derive(Default)]
pub struct Challenged {
    /// Whether the server has refused the request with 401, or with 403 and a challenge. `None` if it has not responded
    /// or with a failure that does not tell.
    pub is_required: Option<bool>,
    pub challenge: Option<String>,
    /// Credentials were sent.
    pub has_sent_credentials: bool,
}

/// Sends the request, and reports the status of its response.
pub fn send(client: &Client, call: &CallContext, step: &mut Step, challenged: &mut Challenged) -> Result<()> {
    let peer = client.http_peer()?;
    // The session may be opened nevertheless: some servers do not respond to a request that they do not know.
    let limited = call.within(call.fallback_limit());
    let pinned = client.settings.pinned();
    let (version, era) = pinned.unwrap_or((MODERN[0], Era::Modern));
    let peer_context = PeerContext { era, version: Some(version), session_id: None };
    let target = MessageTarget {
        endpoint: &peer.endpoint,
        peer_context: &peer_context,
        session_reference: SessionReference::Nothing,
    };
    let transports = client.connector()?.candidates(None, era == Era::Modern && pinned.is_some());
    let is_stream = transports.first() == Some(&TransportKind::Sse);
    let meta = modern_meta(version, &client.settings.client_info(), &client_capabilities(client));
    let mut params = Params::new();
    let method = match era {
        Era::Modern => {
            params.share_meta(&meta);
            "server/discover"
        }
        Era::Legacy => "ping",
    };
    let encoded = EncodedRequest::new(method, &params, RequestPolicy::PROBE);
    let message: MessageText = request(client.transport_context().calls.next_id(), method, &params);
    let outgoing = if is_stream {
        build_request(target, Method::GET, None, &EMPTY_BODY)
    } else {
        build_request(target, Method::POST, Some(&encoded), &message)
    };
    step.text("method", outgoing.method.as_str());
    let sent = peer.send_once(&limited, outgoing);
    challenged.has_sent_credentials = call.has_sent_credentials().0;
    let mut response = sent.inspect_err(|error| step.advise(remedy_for(error, challenged.has_sent_credentials)))?;
    describe(&response, step);
    let other_url = (response.from.uri() != peer.endpoint.uri()).then(|| response.from.shown().to_owned());
    if let Some(url) = other_url {
        step.text("redirectedTo", &url);
        step.warn("the server redirects: use the other URL directly");
    }
    if response.is_success() {
        challenged.is_required = Some(false);
        check_content_type(&response, step);
        return Ok(());
    }
    challenged.challenge = header_text(&response.headers, header::WWW_AUTHENTICATE);
    challenged.is_required = match response.status {
        401 => Some(true),
        403 => Some(challenged.challenge.is_some()),
        // Perhaps of a proxy or a gateway, which does not look at the credentials.
        407 | 429 | 500.. => None,
        _ => Some(false),
    };
    let error = peer.http_failure(call, &mut response, SessionReference::Nothing);
    if is_usual(&error) {
        // An older server refuses the first request of a newer client.
        step.text("response", &error.to_string());
        return Ok(());
    }
    step.advise(remedy_for(&error, challenged.has_sent_credentials));
    Err(error)
}

fn client_capabilities(client: &Client) -> String {
    capabilities(Era::Modern, client.settings.client_capabilities(), &client.settings.own_capabilities())
}

fn describe(response: &HttpResponse, step: &mut Step) {
    step.number("status", response.status.into());
    let headers = [("server", header::SERVER), ("contentType", header::CONTENT_TYPE), ("via", header::VIA)];
    for (name, header) in headers {
        if let Some(text) = header_text(&response.headers, header) {
            step.text(name, &text);
        }
    }
}

/// Warns of a response that is no message: many web servers respond to every request with a page.
fn check_content_type(response: &HttpResponse, step: &mut Step) {
    let is_message = [JSON, EVENT_STREAM].into_iter().any(|kind| response.has_content_type(kind));
    let content_type = response.content_type();
    // These have no body, or need none.
    if is_message || (content_type.is_none() && matches!(response.status, 202 | 204)) {
        return;
    }
    step.warn(&match content_type {
        Some(kind) => format!("the content type of the response is {kind}, and not {JSON} or {EVENT_STREAM}"),
        None => format!("the response has no content type; it must be {JSON} or {EVENT_STREAM}"),
    });
    step.advise("check the path of the URL: it must lead to the endpoint of an MCP server");
}

/// Whether a handshake goes on after this failure in the usual way.
fn is_usual(error: &Error) -> bool {
    let http_status = error.report().http_status;
    match error.status() {
        MCP_RPC_ERROR => true,
        MCP_HTTP_ERROR => (400..500).contains(&http_status) && !matches!(http_status, 405 | 421),
        _ => false,
    }
}
