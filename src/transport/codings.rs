//! How the body of an answer is coded. What nobody can undo is an error that names the coding, and not text that is no JSON.

use ureq::http::{HeaderMap, HeaderName, Response, header};

use crate::error::{Error, Result};
use crate::status::{MCP_HTTP_ERROR, MCP_UNEXPECTED_CONTENT};

/// What ureq takes apart, as it compares it; nothing else is asked for.
const TRANSFER: [&str; 1] = ["chunked"];
const CONTENT: [&str; 2] = ["gzip", "identity"];

/// So many characters of another one are shown.
const MOST_SHOWN: usize = 40;

/// Refuses an answer with a body that cannot be read (RFC 9112, section 6.1; RFC 9110, section 8.4).
pub fn check<T>(answer: &Response<T>) -> Result<()> {
    let status = answer.status();
    if let Some(coding) = unknown(answer.headers(), header::TRANSFER_ENCODING, &TRANSFER) {
        let why =
            format!("the server's answer has the transfer coding {coding}; chunked is the only one that is known");
        return Err(Error::new(MCP_HTTP_ERROR, why));
    }
    match unknown(answer.headers(), header::CONTENT_ENCODING, &CONTENT) {
        // What an error says in its body is not needed to report it.
        Some(coding) if status.is_success() => {
            let why = format!(
                "the server's answer has the content coding {coding}, which nobody asked it for: only gzip is accepted"
            );
            Err(Error::new(MCP_UNEXPECTED_CONTENT, why).with_http_status(status.as_u16()))
        }
        _ => Ok(()),
    }
}

/// The value of a header that names something else than one of `known`, in a form that can be shown.
fn unknown(headers: &HeaderMap, name: HeaderName, known: &[&str]) -> Option<String> {
    let mut values = headers.get_all(name).into_iter();
    let value: String = values.next()?.to_str().unwrap_or("?").trim().chars().take(MOST_SHOWN).collect();
    let is_known = value.is_empty() || known.contains(&value.as_str());
    match values.next() {
        Some(_) => Some(format!("{value} and another one")),
        None => (!is_known).then_some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(status: u16, headers: &[(&str, &str)]) -> Result<()> {
        let mut answer = Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        check(&answer.body(()).unwrap())
    }

    #[test]
    fn what_cannot_be_undone_is_named() {
        for known in [("content-encoding", "gzip"), ("content-encoding", ""), ("transfer-encoding", "chunked")] {
            assert!(checked(200, &[known]).is_ok(), "{known:?}");
        }
        let refused = |headers| checked(200, headers).unwrap_err().to_string();
        assert!(refused(&[("content-encoding", "br")]).contains("br"));
        assert!(refused(&[("content-encoding", "gzip, gzip")]).contains("gzip, gzip"));
        assert!(refused(&[("transfer-encoding", "chunked"), ("transfer-encoding", "x")]).contains("another"));
        assert!(refused(&[("transfer-encoding", "gzip, chunked")]).contains("gzip, chunked"));
        assert!(checked(500, &[("content-encoding", "br")]).is_ok());
    }
}
