//! The answer to a request: its head, and a body that is read as it comes. When the body has been read, the connection goes
//! back to where the next request finds it.

use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, header};

use super::content_encoding::ContentEncodings;
use super::endpoint::Endpoint;
use super::pool::ConnectionPool;
use super::pooled_connection::PooledConnection;
use super::response_body::ResponseBody;
use crate::error::{Error, Result};
use crate::status::{MCP_SYSTEM_ERROR, MCP_TOO_LARGE};
use crate::sys::wait::WaitContext;

/// An answer whose head has come.
pub struct HttpResponse<'a> {
    pub status: u16,
    pub headers: HeaderMap,
    /// Where it comes from: redirects may have led there.
    pub from: Arc<Endpoint>,
    pool: &'a ConnectionPool,
    /// `None` once the connection has been put back.
    open: Option<ResponseBody>,
}

impl<'a> HttpResponse<'a> {
    pub(super) fn new(
        pool: &'a ConnectionPool,
        pooled: PooledConnection,
        from: Arc<Endpoint>,
        answer: ::http::Response<ureq::Body>,
        codings: ContentEncodings,
    ) -> Result<HttpResponse<'a>> {
        let (mut head, body) = answer.into_parts();
        let body = ResponseBody::new(pooled, body, codings)?;
        if codings.gzip {
            // It is the length of what is packed.
            head.headers.remove(header::CONTENT_LENGTH);
        }
        Ok(HttpResponse { status: head.status.as_u16(), headers: head.headers, from, pool, open: Some(body) })
    }

    /// The body by itself; its connection is not used for another request.
    pub fn into_body(self) -> Option<ResponseBody> {
        self.open
    }

    /// The next bytes of the body; zero at its end.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.read_by(|body| body.read(buffer))
    }

    fn read_by(&mut self, read: impl FnOnce(&mut ResponseBody) -> Result<usize>) -> Result<usize> {
        let Some(body) = &mut self.open else { return Ok(0) };
        let count = read(body);
        match count {
            Ok(1..) if !body.is_at_end() => {}
            Ok(_) => self.put_back(false),
            Err(_) => self.open = None,
        }
        count
    }

    /// The whole body, of at most `limit` bytes.
    pub fn read_all(&mut self, limit: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        let is_too_large = self.announced().is_some_and(|length| length > limit as u64);
        if is_too_large || !self.read_up_to(limit, &mut body)? {
            return Err(Error::new(MCP_TOO_LARGE, format!("the server's response is larger than {limit} bytes")));
        }
        Ok(body)
    }

    /// Reads until the body ends, which gives true, or is larger than `limit` bytes. What was read is in `body` in any case.
    pub fn read_up_to(&mut self, limit: usize, body: &mut Vec<u8>) -> Result<bool> {
        let announced = self.announced().map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
        let expected = announced.min(limit);
        // Room that nobody writes to costs nothing.
        body.try_reserve_exact(expected).map_err(|_| no_memory(expected))?;
        loop {
            if self.open.is_none() {
                return Ok(body.len() <= limit);
            }
            let step = match expected.saturating_sub(body.len()) {
                // Of no known length, or packed.
                0 => body.len().clamp(FIRST, MAX_AT_ONCE),
                rest => rest,
            };
            body.try_reserve(step).map_err(|_| no_memory(body.len() + step))?;
            let count = self.read_by(|open| open.read_into(body, step));
            if body.len() > limit || !matches!(count, Ok(1..)) {
                return count.map(|_| body.len() <= limit);
            }
        }
    }

    /// For an error that may be another's: the proxy that has passed the request on, if one did.
    pub fn through_proxy(&self) -> Option<String> {
        let proxy = self.pool.network().forwarding_proxy(self.from.origin())?;
        Some(format!("; this came through the proxy {}, which may have sent this response", proxy.named()))
    }

    /// What the rest of the body may spend from now on.
    pub fn set_wait_context(&self, wait_context: &WaitContext) {
        if let Some(body) = &self.open {
            body.set_wait_context(wait_context.clone());
        }
    }

    /// Leaves the rest of the body at most this time.
    pub fn hurry(&self, limit: Duration) {
        if let Some(body) = &self.open {
            body.hurry(limit);
        }
    }

    /// Whether the status is one of success (RFC 9110, section 15.3).
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The media type of the body, in lower case and without parameters.
    pub fn content_type(&self) -> Option<String> {
        let value = self.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    /// The length of the body, where the head tells it.
    pub fn announced(&self) -> Option<u64> {
        self.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
    }

    /// Puts the connection away although a rest of the body may still come: the next request looks whether it has.
    pub fn park(mut self) {
        self.put_back(true);
    }

    fn put_back(&mut self, with_rest: bool) {
        if let Some(body) = self.open.take() {
            self.pool.put_back(body.park(with_rest));
        }
    }
}

fn no_memory(bytes: usize) -> Error {
    Error::new(MCP_SYSTEM_ERROR, format!("not enough memory for {bytes} bytes of the server's answer"))
}

/// How much of a body whose length is not known is read at first, and at most, at once.
const FIRST: usize = 4 * 1024;
const MAX_AT_ONCE: usize = 128 * 1024;
