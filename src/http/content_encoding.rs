//! How the body of an answer is coded. A coding that cannot be undone is an error that names it, and not text that is no JSON.
//!
//! ureq compares content codings by letter case and decodes "gzip" only, so this library reads the headers and decodes the bodies.

use ::http::{HeaderMap, HeaderName, Response, StatusCode, Version, header};

use crate::error::{Error, Result};
use crate::status::{MCP_HTTP_ERROR, MCP_UNEXPECTED_CONTENT};

/// Names that stand for no coding at all: `identity` by RFC 9110, section 12.5.3, and what servers write by mistake.
const NONE: [&str; 2] = ["identity", "none"];

/// RFC 9110, section 8.4.1.3: `x-gzip` is the same.
const GZIP: [&str; 2] = ["gzip", "x-gzip"];

/// So many characters of another one are shown.
const MAX_SHOWN: usize = 40;

/// What has to be undone to read a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContentEncodings {
    pub chunked: bool,
    pub gzip: bool,
}

/// How the body of `answer` is coded; fails where it cannot be read (RFC 9112, section 6.1; RFC 9110, section 8.4).
pub fn of<T>(answer: &Response<T>) -> Result<ContentEncodings> {
    let status = answer.status();
    let transfer = listed(answer.headers(), header::TRANSFER_ENCODING);
    let chunked = match transfer.as_slice() {
        [] => false,
        [one] if one.eq_ignore_ascii_case("chunked") => true,
        _ => {
            let why = format!(
                "the server's response has the transfer coding {}; only chunked is supported",
                shown(&transfer)
            );
            return Err(Error::new(MCP_HTTP_ERROR, why));
        }
    };
    // These have no body, and HTTP/1.0 has no chunks (RFC 9112, sections 6.1 and 6.3).
    let has_body = !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) && !status.is_informational();
    let chunked = chunked && has_body && answer.version() >= Version::HTTP_11;

    let content = listed(answer.headers(), header::CONTENT_ENCODING);
    let gzip = match content.as_slice() {
        [] => false,
        [one] if GZIP.iter().any(|name| one.eq_ignore_ascii_case(name)) => true,
        _ if status.is_success() => {
            let why = format!(
                "the server's response has the content coding {}, which this client does not accept: it accepts gzip only",
                shown(&content)
            );
            return Err(Error::new(MCP_UNEXPECTED_CONTENT, why).with_http_status(status.as_u16()));
        }
        // What an error says in its body is not needed to report it.
        _ => false,
    };
    Ok(ContentEncodings { chunked, gzip: gzip && has_body })
}

/// The codings of a header in the order in which they were applied, without those that change nothing.
fn listed(headers: &HeaderMap, name: HeaderName) -> Vec<String> {
    let values = headers.get_all(name).into_iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let elements = values.flat_map(|value| value.split(',').map(|one| one.trim().to_owned()).collect::<Vec<_>>());
    elements.filter(|one| !one.is_empty() && !NONE.iter().any(|none| one.eq_ignore_ascii_case(none))).collect()
}

fn shown(codings: &[String]) -> String {
    codings.join(", ").chars().take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, headers: &[(&str, &str)]) -> Result<ContentEncodings> {
        let mut answer = Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        of(&answer.body(()).unwrap())
    }

    const PLAIN: ContentEncodings = ContentEncodings { chunked: false, gzip: false };

    #[test]
    fn codings_are_compared_without_case() {
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
    fn codings_that_cannot_be_undone_are_named() {
        let refused = |headers| read(200, headers).unwrap_err().to_string();
        assert!(refused(&[("content-encoding", "br")]).contains("br"));
        assert!(refused(&[("content-encoding", "gzip, gzip")]).contains("gzip, gzip"));
        assert!(refused(&[("content-encoding", "gzip"), ("content-encoding", "br")]).contains("gzip, br"));
        assert!(refused(&[("transfer-encoding", "chunked"), ("transfer-encoding", "x")]).contains("chunked, x"));
        assert!(refused(&[("transfer-encoding", "gzip, Chunked")]).contains("gzip, Chunked"));
        assert_eq!(read(500, &[("content-encoding", "br")]).unwrap(), PLAIN);
    }

    #[test]
    fn answers_without_a_body_are_not_coded() {
        for status in [204, 304] {
            let both = [("transfer-encoding", "chunked"), ("content-encoding", "gzip")];
            assert_eq!(read(status, &both).unwrap(), PLAIN, "{status}");
        }
    }
}
