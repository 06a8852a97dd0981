//! The encodings of a response body. An unsupported encoding is an error that names it, not an error about invalid
//! JSON.
//!
//! ureq compares the names case-sensitively and recognizes only "gzip", so this library reads the headers and decodes
//! the bodies.

use ::http::{HeaderMap, HeaderName, Response, StatusCode, Version, header};

use crate::error::{Error, Result};
use crate::status::{MCP_HTTP_ERROR, MCP_UNEXPECTED_CONTENT};

/// Names for no encoding: `identity` (RFC 9110, section 12.5.3), and one that servers use by mistake.
const NONE: [&[u8]; 2] = [b"identity", b"none"];

/// `x-gzip` is equivalent (RFC 9110, section 8.4.1.3).
const GZIP: [&[u8]; 2] = [b"gzip", b"x-gzip"];

/// The longest list of unsupported encodings in an error message, in characters.
const MAX_SHOWN: usize = 40;

/// The encodings to decode when a body is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContentEncodings {
    pub chunked: bool,
    pub gzip: bool,
}

/// The encodings of a response's body (RFC 9112, section 6.1; RFC 9110, section 8.4). Fails if one is not supported.
pub fn of<T>(response: &Response<T>) -> Result<ContentEncodings> {
    let (status, headers) = (response.status(), response.headers());
    let mut transfer = encodings(headers, header::TRANSFER_ENCODING);
    let chunked = match (transfer.next(), transfer.next()) {
        (None, _) => false,
        (Some(one), None) if one.eq_ignore_ascii_case(b"chunked") => true,
        _ => {
            let why = format!(
                "the server's response has the transfer coding {}; only chunked is supported",
                shown(headers, header::TRANSFER_ENCODING)
            );
            return Err(Error::new(MCP_HTTP_ERROR, why));
        }
    };
    // Responses with these statuses have no body, and HTTP/1.0 has no chunks (RFC 9112, sections 6.1 and 6.3).
    let has_body = !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) && !status.is_informational();
    let chunked = chunked && has_body && response.version() >= Version::HTTP_11;

    let mut content = encodings(headers, header::CONTENT_ENCODING);
    let gzip = match (content.next(), content.next()) {
        (None, _) => false,
        (Some(one), None) if GZIP.iter().any(|name| one.eq_ignore_ascii_case(name)) => true,
        _ if status.is_success() => {
            let why = format!(
                "the server's response has the content coding {}, which this client does not accept: it accepts gzip \
                 only",
                shown(headers, header::CONTENT_ENCODING)
            );
            return Err(Error::new(MCP_UNEXPECTED_CONTENT, why).with_http_status(status.as_u16()));
        }
        // An HTTP error can be reported without its body.
        _ => false,
    };
    Ok(ContentEncodings { chunked, gzip: gzip && has_body })
}

/// The encodings in a header, in the order in which they were applied, without names for no encoding.
fn encodings(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    let values = headers.get_all(name).into_iter();
    let elements = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    elements.filter(|one| !one.is_empty() && !NONE.iter().any(|none| one.eq_ignore_ascii_case(none)))
}

fn shown(headers: &HeaderMap, name: HeaderName) -> String {
    let texts: Vec<_> = encodings(headers, name).map(String::from_utf8_lossy).collect();
    texts.join(", ").chars().take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, headers: &[(&str, &str)]) -> Result<ContentEncodings> {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        of(&response.body(()).unwrap())
    }

    const PLAIN: ContentEncodings = ContentEncodings { chunked: false, gzip: false };

    #[test]
    fn encodings_are_compared_case_insensitively() {
        for none in ["", "identity", "Identity", "NONE", "identity, , none"] {
            assert_eq!(read(200, &[("content-encoding", none)]).unwrap(), PLAIN, "{none}");
            assert_eq!(read(200, &[("transfer-encoding", none)]).unwrap(), PLAIN, "{none}");
        }
        for gzip in ["gzip", "GZIP", "X-GZip", " gzip ,"] {
            assert!(read(200, &[("content-encoding", gzip)]).unwrap().gzip, "{gzip}");
        }
        for chunked in ["chunked", "Chunked", "identity, CHUNKED"] {
            assert!(read(200, &[("transfer-encoding", chunked)]).unwrap().chunked, "{chunked}");
        }
        assert!(read(200, &[("content-encoding", "identity"), ("content-encoding", "Gzip")]).unwrap().gzip);
    }

    #[test]
    fn errors_name_unsupported_encodings() {
        let refused = |headers| read(200, headers).unwrap_err().to_string();
        assert!(refused(&[("content-encoding", "br")]).contains("br"));
        assert!(refused(&[("content-encoding", "gzip, gzip")]).contains("gzip, gzip"));
        assert!(refused(&[("content-encoding", "gzip"), ("content-encoding", "br")]).contains("gzip, br"));
        assert!(refused(&[("transfer-encoding", "chunked"), ("transfer-encoding", "x")]).contains("chunked, x"));
        assert!(refused(&[("transfer-encoding", "gzip, Chunked")]).contains("gzip, Chunked"));
        assert_eq!(read(500, &[("content-encoding", "br")]).unwrap(), PLAIN);
    }

    #[test]
    fn responses_without_a_body_have_no_encodings() {
        for status in [204, 304] {
            let both = [("transfer-encoding", "chunked"), ("content-encoding", "gzip")];
            assert_eq!(read(status, &both).unwrap(), PLAIN, "{status}");
        }
    }
}
