//! What the loopback listener reads and writes: the request of a browser, and the pages that answer it.

/// The longest head of a request that is read, in bytes.
pub const MAX_HEAD: usize = 8 * 1024;

/// The most header fields of a request.
const MAX_FIELDS: usize = 100;

/// The part of a request that counts. No `Debug`: the query may contain an authorization code.
pub struct BrowserRequest<'a> {
    pub method: &'a str,
    pub path: &'a str,
    /// Without its question mark; empty if there is none.
    pub query: &'a str,
}

/// What the bytes received so far are.
pub enum HeadState<'a> {
    Incomplete,
    Complete(BrowserRequest<'a>),
    /// Not an HTTP/1.1 request, or too long.
    Invalid,
}

/// Parses the head of a request (RFC 9112, section 3).
pub fn parse_head(bytes: &[u8]) -> HeadState<'_> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(&bytes[..bytes.len().min(MAX_HEAD)]) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) if bytes.len() < MAX_HEAD => return HeadState::Incomplete,
        Ok(httparse::Status::Partial) | Err(_) => return HeadState::Invalid,
    }
    let (Some(method), Some(target)) = (request.method, request.path) else { return HeadState::Invalid };
    // A request for another server has an absolute URL as its target.
    if !target.starts_with('/') {
        return HeadState::Invalid;
    }
    let target = target.split('#').next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    HeadState::Complete(BrowserRequest { method, path, query })
}

/// A page that the listener shows. It contains nothing of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenerPage {
    /// The authorization code was received.
    Received,
    /// The authorization server reported an error.
    Refused,
    /// The `state` is missing or belongs to another login.
    OtherLogin,
    NotFound,
    WrongMethod,
    BadRequest,
}

impl ListenerPage {
    pub fn status(self) -> u16 {
        match self {
            ListenerPage::Received | ListenerPage::Refused => 200,
            ListenerPage::OtherLogin | ListenerPage::BadRequest => 400,
            ListenerPage::NotFound => 404,
            ListenerPage::WrongMethod => 405,
        }
    }

    fn title_and_text(self) -> (&'static str, &'static str) {
        match self {
            ListenerPage::Received => {
                ("Login received", "The application has received the login. You can close this window.")
            }
            ListenerPage::Refused => {
                ("Login refused", "The login was refused or cancelled. The application shows the reason.")
            }
            ListenerPage::OtherLogin => {
                ("Unknown login", "This page does not belong to the current login. Start the login again.")
            }
            ListenerPage::NotFound => ("Not found", "There is nothing at this address."),
            ListenerPage::WrongMethod => ("Method not allowed", "This address only accepts GET requests."),
            ListenerPage::BadRequest => ("Bad request", "The request is not valid."),
        }
    }

    /// The complete response. The page loads nothing, is not stored, and keeps its URL with the code to itself.
    pub fn response(self) -> String {
        let (title, text) = self.title_and_text();
        let body = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\
             <body><h1>{title}</h1><p>{text}</p></body></html>"
        );
        let reason = match self.status() {
            200 => "OK",
            404 => "Not Found",
            405 => "Method Not Allowed",
            _ => "Bad Request",
        };
        let allow = if self == ListenerPage::WrongMethod { "Allow: GET\r\n" } else { "" };
        let (status, length) = (self.status(), body.len());
        format!(
            "HTTP/1.1 {status} {reason}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\n\
             {allow}{HEADERS}\r\n{body}"
        )
    }
}

const HEADERS: &str = "Cache-Control: no-store\r\n\
                       Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n\
                       Referrer-Policy: no-referrer\r\n\
                       X-Content-Type-Options: nosniff\r\n\
                       Connection: close\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn target(bytes: &[u8]) -> Option<(&str, &str, &str)> {
        match parse_head(bytes) {
            HeadState::Complete(request) => Some((request.method, request.path, request.query)),
            HeadState::Incomplete | HeadState::Invalid => None,
        }
    }

    #[test]
    fn the_target_of_a_request_is_split() {
        let head = b"GET /callback?code=a&state=b?c HTTP/1.1\r\nHost: 127.0.0.1:8123\r\nAccept: */*\r\n\r\n";
        assert_eq!(target(head), Some(("GET", "/callback", "code=a&state=b?c")));
        assert_eq!(target(b"POST / HTTP/1.0\r\n\r\nbody"), Some(("POST", "/", "")));
        for end in 0..head.len() {
            assert!(matches!(parse_head(&head[..end]), HeadState::Incomplete), "{end}");
        }
    }

    #[test]
    fn other_input_is_rejected() {
        let long = [b"GET /callback?".as_slice(), &[b'x'; MAX_HEAD]].concat();
        let inputs: [&[u8]; 5] = [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"GET http://other.example/ HTTP/1.1\r\n\r\n",
            b"CONNECT other.example:443 HTTP/1.1\r\n\r\n",
            b"GET /a b HTTP/1.1\r\n\r\n",
            &long,
        ];
        for input in inputs {
            assert!(matches!(parse_head(input), HeadState::Invalid), "{}", input.escape_ascii());
        }
    }

    #[test]
    fn responses_are_complete() {
        for page in [
            ListenerPage::Received,
            ListenerPage::Refused,
            ListenerPage::OtherLogin,
            ListenerPage::NotFound,
            ListenerPage::WrongMethod,
            ListenerPage::BadRequest,
        ] {
            let response = page.response();
            let (head, body) = response.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with(&format!("HTTP/1.1 {} ", page.status())), "{head}");
            assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{head}");
            for field in ["Cache-Control: no-store", "default-src 'none'", "Referrer-Policy: no-referrer"] {
                assert!(head.contains(field), "{head}");
            }
            assert!(!head.replace("\r\n", "").contains(['\r', '\n']) && body.starts_with("<!doctype html>"));
        }
    }
}
