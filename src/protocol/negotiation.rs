//! Derives a server's era and protocol version from its responses. Sends nothing: `session::negotiate` does.

use super::json::Json;
use super::json_scanner;
use super::messages::{
    HEADER_MISMATCH, INVALID_PARAMS, METHOD_NOT_FOUND, MISSING_CLIENT_CAPABILITY, UNSUPPORTED_PROTOCOL_VERSION,
};
use super::raw_value::RawValue;
use super::version::{self, LEGACY, MODERN};
use crate::error::{Error, RpcError};
use crate::status::*;

/// What the response to `server/discover` says about the server.
#[derive(Debug, PartialEq, Eq)]
pub enum ProbeVerdict {
    /// The server is modern: use this version.
    Modern(&'static str),
    /// The server is modern and does not support the requested version: retry with this one.
    Retry(&'static str),
    /// Try `initialize`. `era_is_certain` is false if the error may be temporary: the era must not be cached then.
    Legacy { era_is_certain: bool },
    /// The server supports only these versions, and this client supports none of them.
    NoCommonVersion(Vec<String>),
    /// The error is about this caller, or it is temporary: it says nothing about the era.
    Inconclusive,
}

/// Classifies the result or the error of `server/discover`.
pub fn judge_probe(outcome: Result<&Json, &Error>) -> ProbeVerdict {
    match outcome {
        Ok(result) => match non_empty_strings(result.text(), "supportedVersions") {
            Some(versions) => judge_versions(versions, ProbeVerdict::Modern),
            None => ProbeVerdict::Legacy { era_is_certain: true },
        },
        Err(error) => judge_probe_error(error),
    }
}

fn judge_probe_error(error: &Error) -> ProbeVerdict {
    let report = error.report();
    if matches!(report.http_status, 401 | 403 | 407 | 408 | 429 | 502..=504) {
        return ProbeVerdict::Inconclusive;
    }
    if let Some(rpc) = &report.rpc {
        if matches!(rpc.code, HEADER_MISMATCH | MISSING_CLIENT_CAPABILITY) {
            return ProbeVerdict::Modern(MODERN[0]);
        }
        if rpc.code == UNSUPPORTED_PROTOCOL_VERSION
            && let Some(versions) = supported_versions(rpc.data.as_deref())
        {
            return judge_versions(versions, ProbeVerdict::Retry);
        }
        return ProbeVerdict::Legacy { era_is_certain: report.http_status < 500 };
    }
    match report.status {
        MCP_NOT_FOUND | MCP_UNEXPECTED_CONTENT | MCP_INVALID_JSON | MCP_INVALID_MESSAGE => {
            ProbeVerdict::Legacy { era_is_certain: true }
        }
        MCP_HTTP_ERROR if (400..500).contains(&report.http_status) => ProbeVerdict::Legacy { era_is_certain: true },
        // Some servers fail at an unknown method (java-sdk 0.17: HTTP 500, and a body that is not JSON-RPC).
        MCP_SERVER_ERROR => ProbeVerdict::Legacy { era_is_certain: false },
        _ => ProbeVerdict::Inconclusive,
    }
}

fn judge_versions(theirs: Vec<String>, modern: fn(&'static str) -> ProbeVerdict) -> ProbeVerdict {
    let names = || theirs.iter().map(String::as_str);
    if let Some(version) = version::newest_common(MODERN, names()) {
        return modern(version);
    }
    if version::newest_common(LEGACY, names()).is_some() {
        return ProbeVerdict::Legacy { era_is_certain: true };
    }
    ProbeVerdict::NoCommonVersion(theirs)
}

/// Whether a modern server may send this error and a legacy server would not. A cached legacy era is then wrong.
pub fn is_modern_error(error: &Error) -> bool {
    let report = error.report();
    match report.rpc.as_ref().map(|rpc| rpc.code) {
        Some(HEADER_MISMATCH | MISSING_CLIENT_CAPABILITY | UNSUPPORTED_PROTOCOL_VERSION) => true,
        // A legacy server knows the handshake's methods and `ping`, and reports unknown methods with HTTP status 200.
        Some(METHOD_NOT_FOUND) => report.http_status == 404,
        _ => false,
    }
}

/// Whether the server rejected the request because a header is missing or does not match the body.
pub fn is_header_mismatch(error: &Error) -> bool {
    error.report().rpc.as_ref().is_some_and(|rpc| rpc.code == HEADER_MISMATCH)
}

/// The version that the result of `initialize` selects. Fails if this client does not support it, or if another version
/// is pinned.
pub fn initialized_version(result: &Json, pinned: Option<&str>) -> Result<&'static str, Error> {
    let selected = result.raw_member("protocolVersion").and_then(RawValue::text);
    let Some(selected) = selected else {
        return Err(Error::new(MCP_INVALID_MESSAGE, "the server's response to initialize has no protocolVersion"));
    };
    let known = version::newest_common(LEGACY, std::iter::once(&*selected));
    match (known, pinned) {
        (Some(version), None) => Ok(version),
        (Some(version), Some(pinned)) if version == pinned => Ok(version),
        (_, Some(pinned)) => Err(Error::new(
            MCP_VERSION_UNSUPPORTED,
            format!(
                "the server selected protocol version {selected:?}, but this client is pinned to {pinned}; \
                 pin a version that the server supports, or none"
            ),
        )),
        (None, None) => Err(Error::new(
            MCP_VERSION_UNSUPPORTED,
            format!("the server selected protocol version {selected:?}, but this client supports {}", version::all()),
        )),
    }
}

/// The legacy version to retry `initialize` with, if the error lists the versions that the server supports.
pub fn retry_initialize(error: &Error, tried: &str) -> Option<&'static str> {
    let rpc = error.report().rpc.as_ref()?;
    let theirs = matches!(rpc.code, INVALID_PARAMS | UNSUPPORTED_PROTOCOL_VERSION)
        .then(|| supported_versions(rpc.data.as_deref()))??;
    version::newest_common(LEGACY, theirs.iter().map(String::as_str)).filter(|v| *v != tried)
}

/// Whether the error of `initialize` rejects the requested version or all legacy versions.
pub fn refuses_version(error: &Error) -> bool {
    let lists_versions =
        |rpc: &RpcError| rpc.code == INVALID_PARAMS && supported_versions(rpc.data.as_deref()).is_some();
    is_modern_error(error) || error.report().rpc.as_ref().is_some_and(lists_versions)
}

/// `data.supported` of a version error.
fn supported_versions(data: Option<&str>) -> Option<Vec<String>> {
    non_empty_strings(data?, "supported")
}

/// The strings in the array `member` of `object`; `None` if there are none.
fn non_empty_strings(object: &str, member: &str) -> Option<Vec<String>> {
    let texts = json_scanner::string_elements(json_scanner::member(object, member)?);
    (!texts.is_empty()).then_some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text.into()).unwrap()
    }

    fn rpc(http_status: u16, code: i64, data: Option<&str>) -> Error {
        let rpc = RpcError { code, message: String::new(), data: data.map(str::to_owned) };
        Error::new(MCP_RPC_ERROR, "").with_http_status(http_status).with_rpc(rpc)
    }

    const CACHEABLE_LEGACY: ProbeVerdict = ProbeVerdict::Legacy { era_is_certain: true };

    #[test]
    fn a_discover_result_selects_a_modern_version_or_legacy() {
        let judge = |text: &str| judge_probe(Ok(&json(text)));
        assert_eq!(judge(r#"{"supportedVersions":["2026-07-28","2025-11-25"]}"#), ProbeVerdict::Modern("2026-07-28"));
        assert_eq!(judge(r#"{"supportedVersions":["2025-11-25"]}"#), CACHEABLE_LEGACY);
        assert_eq!(
            judge(r#"{"supportedVersions":["2099-01-01"]}"#),
            ProbeVerdict::NoCommonVersion(vec!["2099-01-01".into()])
        );
        for other in ["{}", r#"{"supportedVersions":[]}"#, r#"{"supportedVersions":"2026-07-28"}"#] {
            assert_eq!(judge(other), CACHEABLE_LEGACY, "{other}");
        }
    }

    #[test]
    fn a_version_error_selects_a_version_to_retry_or_legacy() {
        let judge = |data| judge_probe(Err(&rpc(400, -32022, data)));
        assert_eq!(judge(Some(r#"{"supported":["2026-07-28"]}"#)), ProbeVerdict::Retry("2026-07-28"));
        assert_eq!(judge(Some(r#"{"supported":["2025-03-26"]}"#)), CACHEABLE_LEGACY);
        assert_eq!(
            judge(Some(r#"{"supported":["2099-01-01"]}"#)),
            ProbeVerdict::NoCommonVersion(vec!["2099-01-01".into()])
        );
        assert_eq!(judge(None), CACHEABLE_LEGACY);
        assert_eq!(judge_probe(Err(&rpc(400, -32020, None))), ProbeVerdict::Modern("2026-07-28"));
        assert_eq!(judge_probe(Err(&rpc(400, -32021, None))), ProbeVerdict::Modern("2026-07-28"));
    }

    #[test]
    fn errors_of_real_legacy_servers_mean_legacy() {
        for (http_status, code) in [(400, -32600), (404, -32601), (200, -32601), (200, -32602), (400, -32000)] {
            assert_eq!(judge_probe(Err(&rpc(http_status, code, None))), CACHEABLE_LEGACY);
        }
        assert_eq!(judge_probe(Err(&rpc(500, -32603, None))), ProbeVerdict::Legacy { era_is_certain: false });
    }

    #[test]
    fn errors_about_the_caller_and_temporary_errors_are_inconclusive() {
        for http_status in [401, 403, 407, 408, 429, 502, 503, 504] {
            assert_eq!(judge_probe(Err(&rpc(http_status, -32600, None))), ProbeVerdict::Inconclusive, "{http_status}");
        }
        let plain = |status, http_status| judge_probe(Err(&Error::new(status, "").with_http_status(http_status)));
        assert_eq!(plain(MCP_SERVER_ERROR, 500), ProbeVerdict::Legacy { era_is_certain: false });
        assert_eq!(plain(MCP_SERVER_ERROR, 503), ProbeVerdict::Inconclusive);
        assert_eq!(plain(MCP_CONNECT_FAILED, 0), ProbeVerdict::Inconclusive);
        assert_eq!(plain(MCP_TLS_FAILED, 0), ProbeVerdict::Inconclusive);
        assert_eq!(plain(MCP_NOT_FOUND, 404), CACHEABLE_LEGACY);
        assert_eq!(plain(MCP_HTTP_ERROR, 405), CACHEABLE_LEGACY);
        assert_eq!(plain(MCP_UNEXPECTED_CONTENT, 202), CACHEABLE_LEGACY);
    }

    #[test]
    fn errors_that_only_modern_servers_send_are_recognized() {
        for (http_status, code) in [(400, -32020), (400, -32021), (200, -32022), (404, -32601)] {
            assert!(is_modern_error(&rpc(http_status, code, None)), "{code}");
        }
        for (http_status, code) in [(200, -32601), (400, -32600), (404, -32600)] {
            assert!(!is_modern_error(&rpc(http_status, code, None)), "{code}");
        }
        assert!(!is_modern_error(&Error::new(MCP_NOT_FOUND, "").with_http_status(404)));
    }

    #[test]
    fn initialize_must_select_a_supported_version() {
        let result = |v: &str| json(&format!(r#"{{"protocolVersion":"{v}"}}"#));
        assert_eq!(initialized_version(&result("2024-11-05"), None).unwrap(), "2024-11-05");
        assert_eq!(initialized_version(&result("2025-06-18"), Some("2025-06-18")).unwrap(), "2025-06-18");
        let wrong =
            [(result("2099-01-01"), None), (result("2026-07-28"), None), (result("2025-03-26"), Some("2025-06-18"))];
        for (result, pinned) in wrong {
            assert_eq!(initialized_version(&result, pinned).unwrap_err().status(), MCP_VERSION_UNSUPPORTED);
        }
        assert_eq!(initialized_version(&json("{}"), None).unwrap_err().status(), MCP_INVALID_MESSAGE);
    }

    #[test]
    fn initialize_is_retried_with_a_common_version() {
        let refused = rpc(200, -32602, Some(r#"{"supported":["2024-11-05"],"requested":"2025-11-25"}"#));
        assert_eq!(retry_initialize(&refused, "2025-11-25"), Some("2024-11-05"));
        assert_eq!(retry_initialize(&refused, "2024-11-05"), None);
        assert_eq!(retry_initialize(&rpc(200, -32602, None), "2025-11-25"), None);
    }
}
