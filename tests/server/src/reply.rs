//! A valid HTTP response. `faults` creates invalid ones from it.

/// The body of a response.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// A JSON document.
    Json(Vec<u8>),
    /// An event stream, one chunk per part.
    Stream(Vec<Vec<u8>>),
    /// Any other content, with its type.
    Other(&'static str, Vec<u8>),
}

/// Events for the event stream of a session (HTTP+SSE), which are sent after the response.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The session.
    pub session: String,
    /// The events; the last one contains the response.
    pub events: Vec<Vec<u8>>,
}

/// An HTTP response.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Headers other than Content-Type and Content-Length.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
    /// Events for another stream.
    pub delivery: Option<Delivery>,
}

impl Reply {
    /// A response without a body.
    pub fn empty(status: u16) -> Self {
        Self::new(status, Body::Empty)
    }

    /// A JSON response.
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status, Body::Json(body.into()))
    }

    /// A plain text response.
    pub fn text(status: u16, text: impl Into<String>) -> Self {
        Self::other(status, "text/plain; charset=utf-8", text.into().into_bytes())
    }

    /// A response with any content type.
    pub fn other(status: u16, kind: &'static str, body: Vec<u8>) -> Self {
        Self::new(status, Body::Other(kind, body))
    }

    /// An event stream.
    pub fn stream(parts: Vec<Vec<u8>>) -> Self {
        Self::new(200, Body::Stream(parts))
    }

    fn new(status: u16, body: Body) -> Self {
        Self { status, headers: Vec::new(), body, delivery: None }
    }

    /// A 202 whose message is sent on the event stream of a session.
    pub fn accepted(session: &str, message: &[u8]) -> Self {
        let delivery = Delivery { session: session.into(), events: vec![event(message)] };
        Self { delivery: Some(delivery), ..Self::text(202, "Accepted") }
    }

    /// Adds a header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The JSON-RPC message of the response, if there is one.
    pub fn message(&self) -> Option<&[u8]> {
        match (&self.delivery, &self.body) {
            (None, Body::Json(body)) => Some(body),
            (Some(Delivery { events, .. }), _) | (None, Body::Stream(events)) => {
                let last = events.last()?.strip_prefix(EVENT)?;
                last.strip_suffix(b"\n\n")
            }
            _ => None,
        }
    }

    /// Whether the message is the response that the client waits for, and not the body of an HTTP error.
    pub fn has_rpc_response(&self) -> bool {
        self.status == 200 || self.delivery.is_some()
    }

    /// Replaces the message.
    pub fn set_message(&mut self, message: Vec<u8>) {
        match (&mut self.delivery, &mut self.body) {
            (Some(Delivery { events, .. }), _) | (None, Body::Stream(events)) => {
                events.pop();
                events.push(event(&message));
            }
            (None, body) => *body = Body::Json(message),
        }
    }

    /// The events, the last of which contains the message. A JSON body is converted to an event stream. `None` if there
    /// is no message.
    pub fn events_mut(&mut self) -> Option<&mut Vec<Vec<u8>>> {
        let message = event(self.message()?);
        if let Body::Json(_) = self.body {
            self.body = Body::Stream(vec![message]);
        }
        match (&mut self.delivery, &mut self.body) {
            (Some(Delivery { events, .. }), _) | (None, Body::Stream(events)) => Some(events),
            _ => None,
        }
    }

    /// The bytes of the whole response, in one buffer for a single write.
    pub fn render(&self, out: &mut Vec<u8>) {
        out.clear();
        self.render_head(out);
        match &self.body {
            Body::Empty => {}
            Body::Json(body) | Body::Other(_, body) => out.extend_from_slice(body),
            Body::Stream(parts) => {
                parts.iter().for_each(|part| chunk(out, part));
                out.extend_from_slice(LAST_CHUNK);
            }
        }
    }

    /// The head alone.
    pub fn render_head(&self, out: &mut Vec<u8>) {
        let mut put = |parts: &[&str]| parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
        put(&["HTTP/1.1 ", &self.status.to_string(), " ", reason(self.status), "\r\n"]);
        for (name, value) in &self.headers {
            put(&[name, ": ", value, "\r\n"]);
        }
        let length = match &self.body {
            Body::Empty if self.status == 204 => return put(&["\r\n"]),
            Body::Empty => 0,
            Body::Json(body) => {
                put(&["Content-Type: application/json\r\n"]);
                body.len()
            }
            Body::Other(kind, body) => {
                put(&["Content-Type: ", kind, "\r\n"]);
                body.len()
            }
            Body::Stream(_) => {
                put(&["Content-Type: text/event-stream\r\nCache-Control: no-cache\r\n"]);
                return put(&["X-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n"]);
            }
        };
        put(&["Content-Length: ", &length.to_string(), "\r\n\r\n"]);
    }
}

/// Ends a chunked body.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// A notification that belongs to no request.
pub const NOTIFICATION: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"unrelated"}}"#;

/// A comment.
pub const COMMENT: &[u8] = b": a comment, to be ignored\n\n";

const EVENT: &[u8] = b"event: message\ndata: ";

/// An event that contains a message.
pub fn event(message: &[u8]) -> Vec<u8> {
    [EVENT, message, b"\n\n"].concat()
}

/// The event with an id and empty data that starts a stream in 2025-11-25.
pub fn priming_event(number: u64) -> Vec<u8> {
    format!("id: stream-{number}-0\ndata:\n\n").into_bytes()
}

/// Appends one chunk.
pub fn chunk(out: &mut Vec<u8>, content: &[u8]) {
    out.extend_from_slice(format!("{:x}\r\n", content.len()).as_bytes());
    out.extend_from_slice(content);
    out.extend_from_slice(b"\r\n");
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        415 => "Unsupported Media Type",
        418 => "I'm a teapot",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}
