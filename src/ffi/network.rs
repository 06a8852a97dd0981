//! Settings of the transport, TLS and proxies.

use std::sync::Arc;

use super::c_types::{CText, OutParam, SharedHandle};
use super::client::mcp_client;
use super::error::mcp_error;
use crate::error::Error;
use crate::net::proxy::{Proxy, ProxyChoice};
use crate::status::*;
use crate::transport::interface::TransportKind;

/// The transport between the client and the server. A later version may add values.
///
/// Since 0.1.0.
#[repr(C)]
pub enum mcp_transport {
    /// Detected from the URL and the server.
    MCP_TRANSPORT_AUTO = 0,
    /// Streamable HTTP: each message is sent as a POST; the response to a request is in the HTTP
    /// response.
    MCP_TRANSPORT_STREAMABLE_HTTP = 1,
    /// HTTP+SSE, the transport of 2024-11-05: responses arrive on an event stream (server-sent
    /// events) that stays open.
    MCP_TRANSPORT_SSE = 2,
}

/// Sets the transport, a value of `mcp_transport`. By default it is detected: for a URL whose path
/// ends in the segment "sse" the client uses HTTP+SSE, unless GET does not return an event stream;
/// for any other URL it uses Streamable HTTP, and falls back to HTTP+SSE if the response to
/// `initialize` is 400, 404 or 405 (specification 2025-11-25, "Transports": Backwards
/// Compatibility). The member "transport" of `mcp_server_info` contains the result.
///
/// HTTP+SSE supports every protocol version up to 2025-11-25. Its event stream uses a thread, which
/// ends with the connection. If the stream ends, pending calls fail with `MCP_DISCONNECTED`, and
/// the next call opens it again.
///
/// Returns `MCP_INVALID_ARGUMENT` for an unknown number, and `MCP_MISUSE` after the first call, or
/// for a client of a server process.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_transport(
    client: SharedHandle<mcp_client>,
    transport: i32,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    let transport = match transport {
        0 => Ok(None),
        1 => Ok(Some(TransportKind::StreamableHttp)),
        2 => Ok(Some(TransportKind::Sse)),
        _ => Err(Error::new(MCP_INVALID_ARGUMENT, "transport is not a value of mcp_transport")),
    };
    mcp_client::set(client, error, |client| {
        client.check_url("HTTP settings")?;
        client.settings.set_transport(transport?)
    })
}

/// Connects to the Unix domain socket at `path` instead of the host and port of the URL, like
/// curl's `--unix-socket`. The request still contains the host and port of the URL. No proxy is
/// used. NULL means none (the default).
///
/// Returns `MCP_INVALID_ARGUMENT` for a path that is empty or too long (more than 107 bytes on
/// Linux), and `MCP_MISUSE` after the first call, or for a client of a server process.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_unix_socket(
    client: SharedHandle<mcp_client>,
    path: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        client.check_url("HTTP settings")?;
        client.settings.set_unix_socket(path.optional("path")?)
    })
}

/// Sets the proxy: "http://host:port" (CONNECT for https, forwarded requests for http),
/// "socks5://host:port" (the client looks up host names) or "socks5h://host:port" (the proxy looks
/// them up). For a proxy with authentication put "user:password@" in front of the host,
/// percent-encoded. "" means no proxy. The default port is 1080.
///
/// NULL (the default) uses the environment, with the rules of curl: `http_proxy` (lower case only)
/// for http URLs, `https_proxy` or `HTTPS_PROXY` for https URLs, else `all_proxy` or `ALL_PROXY`.
/// `no_proxy` or `NO_PROXY` lists hosts, domains, addresses and networks ("10.0.0.0/8") that are
/// reached without a proxy, "*" alone means all; it does not apply to a proxy that is set here. The
/// environment is read once, at the first call.
///
/// The proxy's credentials are sent only to the proxy, and appear in no message. Calls fail with
/// `MCP_PROXY_FAILED` if the proxy cannot be reached or refuses to connect, with
/// `MCP_PROXY_AUTH_REQUIRED` if it requires other credentials. These errors name the proxy and what
/// set it. So does the error for a response with status 403, 502, 503 or 504 or an HTML page over
/// plain http, because the proxy may have sent it.
///
/// Returns `MCP_INVALID_ARGUMENT` for an invalid URL, and `MCP_MISUSE` after the first call, or for
/// a client of a server process.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_proxy(
    client: SharedHandle<mcp_client>,
    url: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        client.check_url("HTTP settings")?;
        let choice = match url.optional("url")? {
            None => ProxyChoice::Environment,
            Some("") => ProxyChoice::None,
            Some(url) => ProxyChoice::Set(Arc::new(Proxy::parse(url).map_err(|why| {
                Error::new(MCP_INVALID_ARGUMENT, format!("the URL of the proxy cannot be used: {why}"))
            })?)),
        };
        client.settings.set_proxy(choice)
    })
}

/// Sets whether credentials may be sent to another machine only over https. With true, a request
/// with credentials over plain http fails with `MCP_INSECURE` before it is sent. With false (the
/// default) it is sent, and a warning is logged. The local machine is always allowed: loopback
/// addresses, Unix domain sockets, and localhost with all names below it, for which no DNS lookup
/// is made (RFC 6761).
///
/// Returns `MCP_MISUSE` after the first call, or for a client of a server process.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_require_https(
    client: SharedHandle<mcp_client>,
    required: bool,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        client.check_url("HTTP settings")?;
        client.settings.set_require_https(required)
    })
}

/// Trusts the certificate authorities in a PEM file, in addition to those of the system. It
/// replaces an earlier file; NULL means none (the default). The file is read immediately. On Linux,
/// the environment variables SSL_CERT_FILE and SSL_CERT_DIR name other authorities in place of the
/// system's.
///
/// The file may also contain a server's own certificate, even one with CA:TRUE, as `openssl req
/// -x509` creates it. Such a certificate is accepted from a server that presents exactly the same
/// certificate, if it has not expired and contains the URL's host name.
///
/// Returns `MCP_INVALID_ARGUMENT` for a file that cannot be read, is not a regular file, is larger
/// than 16 MiB or contains no certificate, and `MCP_MISUSE` after the first call, or for a client
/// of a server process.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_tls_ca_file(
    client: SharedHandle<mcp_client>,
    path: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        client.check_url("HTTP settings")?;
        let path = path.optional("path")?;
        client.settings.set_tls(|tls| tls.set_ca_file(path))
    })
}

/// Sets the client certificate for servers that request one (mutual TLS). `cert_path` is a PEM file
/// with the certificate, followed by its intermediate certificates. `key_path` is a PEM file with
/// the private key (PKCS #8, PKCS #1 or SEC 1, not encrypted), or NULL if the key is in the same
/// file. If both are NULL, no certificate is used (the default). The files are read immediately.
///
/// Returns `MCP_INVALID_ARGUMENT` for files that cannot be read, are not regular files, are larger
/// than 16 MiB or do not belong together, and `MCP_MISUSE` after the first call, or for a client of
/// a server process.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_tls_client_cert_file(
    client: SharedHandle<mcp_client>,
    cert_path: CText,
    key_path: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        client.check_url("HTTP settings")?;
        let key = key_path.optional("key_path")?;
        let files = match cert_path.optional("cert_path")? {
            Some(certificate) => Some((certificate, key)),
            None if key.is_some() => cert_path.required("cert_path").map(|certificate| Some((certificate, key)))?,
            None => None,
        };
        client.settings.set_tls(|tls| tls.set_client_cert(files))
    })
}

/// Sets whether the certificates of servers are verified (the default is true). **With false,
/// anyone on the network path can read and change all data, including the token.** Use it for
/// development only; a warning is logged.
///
/// Returns `MCP_MISUSE` after the first call, or for a client of a server process.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_tls_verify(
    client: SharedHandle<mcp_client>,
    verify: bool,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        client.check_url("HTTP settings")?;
        client.settings.set_tls(|tls| {
            tls.accepts_any_certificate = !verify;
            Ok(())
        })
    })
}
