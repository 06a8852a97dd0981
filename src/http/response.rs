//! The response to a request: its head, and its body, which is read as it arrives. After the body was read, the
//! connection is returned to the pool.

use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, header};

use super::content_encoding::ContentEncodings;
use super::endpoint::Endpoint;
use super::error::HttpError;
use super::pool::ConnectionPool;
use super::pooled_connection::PooledConnection;
use super::response_body::ResponseBody;
use crate::error::{Error, Result};
use crate::status::{MCP_SYSTEM_ERROR, MCP_TOO_LARGE};
use crate::sys::wait::WaitContext;

/// A response whose head was received.
pub struct HttpResponse<'a> {
    pub status: u16,
    pub headers: HeaderMap,
    /// The URL that sent it, after redirects.
    pub from: Arc<Endpoint>,
    pool: &'a ConnectionPool,
    /// `None` after the connection was returned to the pool or closed.
    body: Option<ResponseBody>,
}

impl<'a> HttpResponse<'a> {
    pub(super) fn new(
        pool: &'a ConnectionPool,
        pooled: PooledConnection,
        from: Arc<Endpoint>,
        response: ::http::Response<ureq::Body>,
        encodings: ContentEncodings,
    ) -> Result<HttpResponse<'a>> {
        let (mut head, body) = response.into_parts();
        let body = ResponseBody::new(pooled, body, encodings)?;
        if encodings.gzip {
            // This is the length of the compressed body.
            head.headers.remove(header::CONTENT_LENGTH);
        }
        Ok(HttpResponse { status: head.status.as_u16(), headers: head.headers, from, pool, body: Some(body) })
    }

    /// The body without the response. Its connection is not reused.
    pub fn into_body(self) -> Option<ResponseBody> {
        self.body
    }

    /// Appends the next bytes of the body to `to`, at most `most`; returns zero at its end.
    pub fn read_into(&mut self, to: &mut Vec<u8>, most: usize) -> Result<usize> {
        let Some(body) = &mut self.body else { return Ok(0) };
        let count = body.read_into(to, most);
        match count {
            Ok(1..) if !body.is_at_end() => {}
            Ok(_) => self.put_back(false),
            Err(_) => self.body = None,
        }
        count
    }

    /// Reads the whole body. Fails if it is larger than `limit` bytes.
    pub fn read_all(&mut self, limit: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        self.read_all_into(limit, &mut body)?;
        Ok(body)
    }

    /// Reads the whole body into `body`, which is empty. Fails if it is larger than `limit` bytes.
    pub fn read_all_into(&mut self, limit: usize, body: &mut Vec<u8>) -> Result<()> {
        let is_too_large = self.content_length().is_some_and(|length| length > limit as u64);
        if is_too_large || !self.read_up_to(limit, body)? {
            return Err(Error::new(
                MCP_TOO_LARGE,
                format!("the server's response is larger than {limit} bytes; mcp_set_limit raises this limit"),
            ));
        }
        Ok(())
    }

    /// Reads until the body ends, and returns true; or until it is larger than `limit` bytes, and returns false. `body`
    /// receives the bytes in any case.
    pub fn read_up_to(&mut self, limit: usize, body: &mut Vec<u8>) -> Result<bool> {
        let length = self.content_length().map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
        let expected = length.min(limit);
        // Memory that is never written costs nothing.
        body.try_reserve_exact(expected).map_err(|_| no_memory(expected))?;
        loop {
            if self.body.is_none() {
                return Ok(body.len() <= limit);
            }
            let step = match expected.saturating_sub(body.len()) {
                // The length is unknown, or the body is compressed.
                0 => body.len().clamp(FIRST_READ, MAX_READ).min(limit.saturating_sub(body.len()).saturating_add(1)),
                rest => rest,
            };
            body.try_reserve(step).map_err(|_| no_memory(body.len() + step))?;
            let count = self.read_into(body, step);
            if body.len() > limit || !matches!(count, Ok(1..)) {
                return count.map(|_| body.len() <= limit);
            }
        }
    }

    /// A text for errors that a proxy may have caused: it names the proxy that forwarded the request, if there is one.
    pub fn through_proxy(&self) -> Option<String> {
        let proxy = self.pool.factory().forwarding_proxy(self.from.origin())?;
        Some(format!("; this came through the proxy {}, which may have sent this response", proxy.shown_with_source()))
    }

    /// Replaces the limits for reading the rest of the body.
    pub fn set_wait_context(&self, wait_context: &WaitContext) {
        if let Some(body) = &self.body {
            body.set_wait_context(wait_context.clone());
        }
    }

    /// Limits the time for reading the rest of the body to `limit` from now.
    pub fn limit_time(&self, limit: Duration) {
        if let Some(body) = &self.body {
            body.limit_time(limit);
        }
    }

    /// Whether the status means success (RFC 9110, section 15.3).
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The target of a redirect; `None` if the response is not a redirect.
    pub fn redirect_target(&self) -> Result<Option<Endpoint>, HttpError> {
        let is_redirect = matches!(self.status, 301 | 302 | 303 | 307 | 308);
        let Some(location) = self.headers.get(header::LOCATION).filter(|_| is_redirect) else { return Ok(None) };
        let target = self.from.resolve(&String::from_utf8_lossy(location.as_bytes()));
        target.map(Some).map_err(|why| {
            let status = self.status;
            let why = format!("the server redirects (HTTP {status}) to an address that cannot be used: {why}");
            HttpError::redirect_refused(why, status)
        })
    }

    /// The media type of the body as the server has written it, without parameters.
    pub fn content_type(&self) -> Option<&str> {
        let value = self.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        Some(value.split(';').next().unwrap_or_default().trim())
    }

    /// Whether the body has this media type.
    pub fn has_content_type(&self, media_type: &str) -> bool {
        self.content_type().is_some_and(|content_type| content_type.eq_ignore_ascii_case(media_type))
    }

    /// The length of the body, if the head contains it.
    pub fn content_length(&self) -> Option<u64> {
        self.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
    }

    /// Returns the connection to the pool even if the body was not read to its end: the next request reads the rest.
    pub fn release(mut self) {
        self.put_back(true);
    }

    fn put_back(&mut self, with_rest: bool) {
        if let Some(body) = self.body.take() {
            self.pool.put_back(body.into_idle(with_rest));
        }
    }
}

fn no_memory(bytes: usize) -> Error {
    Error::new(MCP_SYSTEM_ERROR, format!("not enough memory for {bytes} bytes of the server's response"))
}

/// The sizes of the first and of the largest read of a body whose length is unknown.
const FIRST_READ: usize = 4 * 1024;
const MAX_READ: usize = 1024 * 1024;
