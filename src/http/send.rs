//! Sends one request on a connection of a pool.

use std::borrow::Cow;
use std::sync::Arc;

use ::http::{HeaderMap, HeaderValue, Method, header};

use super::content_encoding;
use super::endpoint::Endpoint;
use super::error::HttpError;
use super::pool::ConnectionPool;
use super::pooled_connection::PooledConnection;
use super::response::HttpResponse;
use crate::call::interrupt::{BEFORE_SENDING, interrupt_error};
use crate::call::request_headers::RequestHeaders;
use crate::net::progress::RequestPhase;
use crate::net::proxy_handshake;
use crate::protocol::message_text::MessageText;
use crate::sys::wait::WaitContext;

const USER_AGENT: HeaderValue = HeaderValue::from_static(proxy_handshake::USER_AGENT);
const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("gzip");

/// A request to send. The body is empty for methods without a body.
pub struct OutgoingRequest<'a> {
    pub to: &'a Arc<Endpoint>,
    pub method: Method,
    pub headers: Cow<'a, RequestHeaders>,
    pub body: &'a MessageText<'a>,
}

/// Sends a request and waits for the head of the response. `on_head` receives the headers of the response before an
/// error can quote them.
pub fn send<'a>(
    pool: &'a ConnectionPool,
    outgoing: OutgoingRequest,
    wait_context: &WaitContext,
    on_head: impl FnOnce(&HeaderMap),
) -> Result<HttpResponse<'a>, HttpError> {
    let target = outgoing.to;
    let pooled = pool.take(wait_context);
    let mut pooled = pooled
        .map_err(|interrupt| HttpError::before_sending(interrupt_error(&interrupt, BEFORE_SENDING, wait_context)))?;
    pooled.notes.begin(wait_context, false);
    let response = run(&mut pooled, &outgoing);
    let response = response.map_err(|error| HttpError::of(error, &pooled.notes, target, wait_context))?;
    on_head(response.headers());
    pooled.record_keep_alive(&response);
    pooled.notes.progress.set_phase(RequestPhase::Body);
    let encodings = content_encoding::of(&response).map_err(HttpError::after_head)?;
    HttpResponse::new(pool, pooled, Arc::clone(target), response, encodings).map_err(HttpError::after_head)
}

/// Tries to send a request, and does not wait for a response.
pub fn send_best_effort(pool: &ConnectionPool, outgoing: OutgoingRequest, wait_context: &WaitContext) {
    // Best effort: errors are ignored, because the call has already failed.
    if let Ok(mut pooled) = pool.take(wait_context) {
        pooled.notes.begin(wait_context, true);
        let _ = run(&mut pooled, &outgoing);
    }
}

/// ureq writes the request line, `Host` and `Content-Length`; the transport below it adds all other headers, which is
/// cheaper. ureq's handling of a request depends on none of them: it keeps no connections.
fn run(pooled: &mut PooledConnection, outgoing: &OutgoingRequest) -> Result<::http::Response<ureq::Body>, ureq::Error> {
    let defaults = [(header::USER_AGENT, USER_AGENT), (header::ACCEPT_ENCODING, ACCEPT_ENCODING)];
    pooled.notes.set_lines(&outgoing.headers, &defaults);
    pooled.send(outgoing.method.clone(), outgoing.to, outgoing.body)
}
