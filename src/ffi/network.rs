//! How a client reaches its server.

use std::sync::Arc;

use super::c_types::{CText, OutParam, SharedHandle};
use super::client::mcp_client;
use super::error::mcp_error;
use crate::error::Error;
use crate::net::proxy::{Proxy, ProxyChoice};
use crate::status::*;
use crate::transport::interface::TransportKind;

/// How messages travel. A later version may add more.
///
/// Since 0.1.0.
#[repr(C)]
pub enum mcp_transport {
    /// To be found out from the URL and the server.
    MCP_TRANSPORT_AUTO = 0,
    /// Streamable HTTP: every message is a POST, with its answer in the answer to it.
    MCP_TRANSPORT_STREAMABLE_HTTP = 1,
    /// HTTP+SSE, the transport of 2024-11-05: answers come on an event stream that stays open.
    MCP_TRANSPORT_SSE = 2,
}

/// Sets how messages travel, by the numbers of `mcp_transport`. At the start it is found out: a URL
/// whose path's last segment is "sse" leads to HTTP+SSE, unless its GET is no event stream; any
/// other to Streamable HTTP, and to HTTP+SSE where `initialize` is answered with 400, 404 or 405
/// (specification 2025-11-25, "Transports": Backwards Compatibility). The member "transport" of
/// `mcp_server_info` says what it came to.
///
/// HTTP+SSE carries every protocol version up to 2025-11-25. Its event stream has a thread of its
/// own, which ends with the connection. When the stream ends, the calls that wait for an answer end
/// with `MCP_DISCONNECTED`, and the next call opens it anew.
///
/// Returns `MCP_INVALID_ARGUMENT` for an unknown number, and `MCP_MISUSE` after the first call that
/// went to the server. Since 0.1.0.
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
        client.check_url("the settings of HTTP")?;
        client.settings.set_transport(transport?)
    })
}

/// Connects to the Unix domain socket at `path` in place of the URL's host and port, which the
/// server still sees in the request; as `--unix-socket` of curl does. No proxy is used then. NULL,
/// as at the start, is none.
///
/// Returns `MCP_INVALID_ARGUMENT` for a path that is empty or too long (107 bytes on Linux), and
/// `MCP_MISUSE` after the first call that went to the server. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_unix_socket(
    client: SharedHandle<mcp_client>,
    path: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        client.check_url("the settings of HTTP")?;
        client.settings.set_unix_socket(path.optional("path")?)
    })
}

/// Sets the proxy: "http://host:port" (CONNECT for https, and requests passed on for http),
/// "socks5://host:port" (names are looked up here) or "socks5h://host:port" (by the proxy), with
/// "user:password@" in front of the host where it wants that, percent-encoded. "" is no proxy at
/// all. The port is 1080 where none is given.
///
/// NULL, as at the start, is what the environment says, by the rules of curl: `http_proxy` (in
/// small letters only) for http URLs, `https_proxy` or `HTTPS_PROXY` for https URLs, else
/// `all_proxy` or `ALL_PROXY`; and `no_proxy` or `NO_PROXY` lists hosts, domains, addresses and
/// networks ("10.0.0.0/8") that are reached without one, "*" for all. It is read once, at the first
/// call. That list does not apply to a proxy that is set here.
///
/// A proxy's credentials go to the proxy alone, and are in no message. A proxy that refuses or
/// cannot be reached is `MCP_PROXY_FAILED`, one that wants other credentials
/// `MCP_PROXY_AUTH_REQUIRED`. Errors name the proxy and what set it; so does one for an answer of
/// 403, 502, 503 or 504, or an HTML page, that came through a proxy over http, for the proxy may
/// have answered in the server's place.
///
/// Returns `MCP_INVALID_ARGUMENT` for a URL that cannot be used, and `MCP_MISUSE` after the first
/// call that went to the server. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_proxy(
    client: SharedHandle<mcp_client>,
    url: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        client.check_url("the settings of HTTP")?;
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

/// Whether credentials may go to another machine over https only. With true, a request that carries
/// any over plain http fails with `MCP_INSECURE` before it is sent; without, as at the start, it is
/// sent, with a warning to the log. This machine itself is always allowed: loopback addresses, Unix
/// domain sockets, and localhost with all names below it, for which no resolver is asked (RFC 6761).
///
/// Returns `MCP_MISUSE` after the first call that went to the server. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_require_https(
    client: SharedHandle<mcp_client>,
    required: bool,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        client.check_url("the settings of HTTP")?;
        client.settings.set_require_https(required)
    })
}

/// Trusts the certificate authorities in a PEM file, beside those that the system trusts, and in
/// place of an earlier file. NULL, as at the start, is none. The file is read now. On Linux, the
/// variables SSL_CERT_FILE and SSL_CERT_DIR of the environment name other authorities in place of
/// the system's.
///
/// A server's own certificate may be in the file, too, also one with CA:TRUE, as a plain
/// `openssl req -x509` makes it. It is accepted from a server that shows the same certificate, byte
/// for byte, while its dates are right and the URL's host is among its names.
///
/// Returns `MCP_INVALID_ARGUMENT` for a file that cannot be read, is no regular file, is larger than
/// 16 MiB or holds no certificate, and `MCP_MISUSE` after the first call that went to the server.
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_tls_ca_file(
    client: SharedHandle<mcp_client>,
    path: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        client.check_url("the settings of HTTP")?;
        let path = path.optional("path")?;
        client.settings.set_tls(|tls| tls.set_ca_file(path))
    })
}

/// Shows a certificate to servers that ask for one (mutual TLS). `cert_path` is a PEM file with the
/// certificate, and those between it and its authority behind it; `key_path` one with the private
/// key (PKCS #8, PKCS #1 or SEC 1, not encrypted), or NULL where that is in the same file. A NULL
/// `cert_path`, as at the start, is none. The files are read now.
///
/// Returns `MCP_INVALID_ARGUMENT` for files that cannot be read (as for `mcp_set_tls_ca_file`), or do
/// not belong together, and `MCP_MISUSE` after the first call that went to the server. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_tls_client_cert(
    client: SharedHandle<mcp_client>,
    cert_path: CText,
    key_path: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        client.check_url("the settings of HTTP")?;
        let key = key_path.optional("key_path")?;
        let files = match cert_path.optional("cert_path")? {
            Some(certificate) => Some((certificate, key)),
            None if key.is_some() => cert_path.required("cert_path").map(|certificate| Some((certificate, key)))?,
            None => None,
        };
        client.settings.set_tls(|tls| tls.set_client_cert(files))
    })
}

/// Whether a server has to prove who it is; true at the start. **With false, anybody on the way can
/// read and change everything, the token included.** For development; the log gets a warning.
///
/// Returns `MCP_MISUSE` after the first call that went to the server. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_tls_verify(
    client: SharedHandle<mcp_client>,
    verify: bool,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        client.check_url("the settings of HTTP")?;
        client.settings.set_tls(|tls| {
            tls.accepts_any_certificate = !verify;
            Ok(())
        })
    })
}
