//! What to do about a request that failed.

use crate::error::Error;
use crate::status::*;

/// The remedy for the failure of a request to the server.
pub fn remedy_for(error: &Error, has_sent_credentials: bool) -> &'static str {
    match error.status() {
        MCP_UNAUTHORIZED if has_sent_credentials => "check the token, and whether it has expired",
        MCP_UNAUTHORIZED => {
            "set a token with mcp_set_bearer, or set OAuth with mcp_set_oauth and log in with mcp_login"
        }
        MCP_LOGIN_REQUIRED => "log in with mcp_login",
        MCP_FORBIDDEN => "use credentials that have the permissions which the server requires",
        MCP_NOT_FOUND => "check the path of the URL, including a slash at its end",
        MCP_HTTP_ERROR => match error.report().http_status {
            405 => {
                "check the path of the URL: the endpoint accepts other methods; for a server with HTTP+SSE, use the \
                 URL of its event stream"
            }
            421 => "use the host name that the server expects, or add this one to the hosts that it allows",
            300..=399 => "use the URL to which the server redirects",
            _ => "check the path of the URL: it must lead to the endpoint of an MCP server",
        },
        MCP_UNEXPECTED_CONTENT => "check the path of the URL: it must lead to the endpoint of an MCP server",
        MCP_PROXY_AUTH_REQUIRED => "put the user name and the password into the proxy's URL",
        MCP_RATE_LIMITED => "try again later, with fewer requests",
        MCP_UNAVAILABLE => "start the server behind the gateway or the proxy, and try again",
        MCP_REDIRECT_REFUSED => "use the URL to which the server redirects, if you trust it",
        MCP_TIMEOUT => "raise the timeout, or look into the log of the server: it does not respond in time",
        MCP_INSECURE => "use an https URL",
        MCP_AUTH_FAILED => "look at what the auth callback of the program does",
        MCP_TLS_FAILED => "set the client certificate that the server requires with mcp_set_tls_client_cert_file",
        MCP_VERSION_UNSUPPORTED => "remove the pinned version (mcp_set_protocol_version), or update the server",
        MCP_INVALID_JSON | MCP_INVALID_MESSAGE => "report to the author of the server that its responses are not valid",
        MCP_RESOLVE_FAILED | MCP_CONNECT_FAILED => "check that the server runs at the host and the port of the URL",
        _ => "look into the log of the server",
    }
}
