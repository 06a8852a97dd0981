//! Connecting, ping, server information and the diagnosis; and how every call to the server runs.

use std::ptr::null_mut;

use super::arguments::Arguments;
use super::c_types::{OutParam, SharedHandle};
use super::client::mcp_client;
use super::document::mcp_json;
use super::error::mcp_error;
use super::guard::{guard, guard_json, guard_pending};
use super::options::mcp_options;
use crate::client::{CallContext, Client};
use crate::error::Result;
use crate::protocol::json::Json;
use crate::queue::QueueTarget;
use crate::queue::completion_queue::{CompletionQueue, Run};
use crate::status::mcp_status;

/// The name of the call that waits for changes.
const LISTEN: &str = "listen";

/// Connects: negotiates the protocol version, and opens a session if that version has sessions. It
/// is optional, because every call connects if necessary; use it to detect problems early. It does
/// not always detect a bad token: some servers check credentials only later. If the client continues
/// a saved session (`mcp_set_saved_session`), it sends no request: only with a handler
/// (`mcp_input_fn`), `mcp_set_server_log` or `mcp_set_notification`, it opens the event stream of a
/// legacy session (HTTP GET).
///
/// `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_connect(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run::<()>(client, "connect", options, error, Ok(()), |client, call, ()| client.connect(call))
}

/// Checks that the server responds. The result never comes from the cache: each call contacts the
/// server.
///
/// With a legacy server this is the protocol's `ping`. Versions from 2026-07-28 on have no ping;
/// the client sends `server/discover` instead, which every server of those versions implements. Any
/// JSON-RPC response is a success, also an error, because some servers do not know `ping`.
///
/// `MCP_OK` means that the server responded, not that it accepts the token for its tools: a server
/// may allow this request without credentials. If it does not, a missing or wrong token is
/// `MCP_UNAUTHORIZED`, with the server's challenge in `mcp_error_challenge`.
///
/// `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_ping(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run::<()>(client, "ping", options, error, Ok(()), |client, call, ()| client.ping(call))
}

/// Gets the server's description of itself from the negotiation, as an object. It connects first if
/// necessary, and otherwise sends nothing. Of a saved session (`mcp_set_saved_session`), it is the
/// description that was saved.
///
/// - "protocolVersion": the negotiated version, such as "2025-11-25"
/// - "era": "legacy" (up to 2025-11-25) or "modern" (from 2026-07-28 on)
/// - "transport": "streamable-http", "sse" or "stdio"
/// - "serverInfo": an object with "name" and "version", if the server sends it
/// - "capabilities": the server's capabilities
/// - "instructions": how to use the server, if it sends that
/// - "supportedVersions": all versions that a modern server supports
///
/// For the session id see `mcp_save_session`, and for whether the client is still connected
/// `mcp_client_state`. The content is not verified: use it for display only.
///
/// On success `*info` is set to the object, which the caller frees with `mcp_json_free`; on failure
/// to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_server_info(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    info: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json::<()>(client, "server info", options, info, error, Ok(()), |client, call, ()| client.server_info(call))
}

/// Diagnoses the connection to the server: every step from the settings to a ping, each with its
/// time, its result and, if it fails, what to do about it.
///
/// Returns `MCP_OK` whenever there is a report, also if the server cannot be reached: then the
/// report says so. A step that fails does not end the diagnosis; only the steps that need it are
/// skipped. The timeout of the call limits all steps together: the step in which it passes fails,
/// and the steps after it are skipped. A cancel or a close ends the call with its usual status and
/// without a report.
///
/// The report is an object:
///
/// - "client": the name of the client
/// - "server": the URL without secrets, or the program
/// - "ok": false if a step has failed
/// - "steps": an array of objects
///
/// A step has these members:
///
/// - "step": its name
/// - "ok": true; false if it has failed; null if it was skipped
/// - "milliseconds": how long it took, unless it was skipped
/// - "result": an object; it may be missing
/// - "warnings": an array of texts, if there are any
/// - "problem": why it failed
/// - "remedy": what to do about the problem or the first warning, if that is known
/// - "reason": why it was skipped
///
/// All steps are always there, in this order:
///
/// - "configuration": the settings. "url" (or "program", "arguments", "environment", "directory"),
///   "transport", "protocolVersion", "bearer", "headers" (the names), "authCallback", "oauth",
///   "tlsVerify", "tlsCaFile", "tlsClientCertificate", "requireHttps", "proxy", "proxySetBy",
///   "unixSocket", "timeout" and "idleTimeout" of this call in milliseconds (0: none)
/// - "process": the program of a server process. "program", "path" (the file), "processId"
/// - "name": the lookup of the server's or the proxy's name. "host", "addresses"
/// - "tcp": the connection. "address", "refused" (objects with "address" and "problem")
/// - "proxy": the handshake with the proxy. "proxy", "proxySetBy", "forwards" (no handshake: it
///   forwards requests), "addresses"
/// - "tls": the handshake of TLS. "version", "cipher", "alpn"; of the server's certificate, also of
///   one that is rejected: "subject", "names", "issuer", "notBefore", "notAfter", "daysLeft";
///   "certificates" (the number that was sent). Names have the escapes of RFC 4514. A certificate
///   that expires within 14 days is a warning; so is one that is accepted without verification but
///   is not valid now.
/// - "http": one request to the URL. "method", "status", "server", "contentType", "via",
///   "redirectedTo", "response". A successful response that is not JSON or an event stream is a
///   warning.
/// - "authorization": "required" (missing if it is not known); "challenges" (objects with "scheme",
///   "error", "errorDescription", "scope", "realm"); "tokens" (whether `mcp_oauth` has tokens); the
///   metadata of RFC 9728 and RFC 8414: "resourceMetadata" (its URL), "resource",
///   "authorizationServers", "scopesSupported", "serverMetadata" (its URL), "issuer",
///   "dynamicRegistration", "clientIdMetadataDocument", "pkce" (the methods)
/// - "protocol": the handshake. "protocolVersion", "era", "transport", "sessionId" (whether there
///   is one), "wasOpen" (whether the session was open before), "continued" (whether it is a saved
///   one, `mcp_set_saved_session`, in which no request has succeeded yet: nothing was sent),
///   "serverName", "serverVersion", "instructions" (whether there are any)
/// - "capabilities": "capabilities", the server's
/// - "lists": the number of "tools", "resources", "resourceTemplates" and "prompts", of those that
///   the server has; "toolsLeftOut" (at most 20 names)
/// - "ping": "method"
///
/// For example, a step of a server that does not run:
///
///     {"step":"tcp","ok":false,"milliseconds":0.2,"result":{"refused":[{"address":"127.0.0.1:80",
///     "problem":"connection refused"}]},"problem":"cannot connect: connection refused; ...",
///     "remedy":"start the server, and check the host and the port in the URL"}
///
/// A later version may add steps and members. If a session can be opened, "http" and
/// "authorization" do not fail: what would be their problem is a warning. For a session that was
/// open before or is continued, this is so if the ping succeeds. Texts are meant for people, and the
/// texts of the server are not verified. The report contains no tokens, values of headers, passwords
/// or session ids, and the secrets of the client are redacted in the texts of the server, as in
/// errors.
///
/// The timeout of the call also limits connecting, unlike that of other calls if
/// `mcp_set_connect_timeout` is set.
///
/// The diagnosis calls no tools. It opens separate connections, and a session, unless one is open,
/// which stays open for later calls. The auth callback runs as for every call, and OAuth may renew
/// tokens, but no login begins: the user is not asked.
///
/// On success `*report` is set to the object, which the caller frees with `mcp_json_free`; on
/// failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_diagnose(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    report: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json::<()>(client, "diagnosis", options, report, error, Ok(()), |client, call, ()| client.diagnose(call))
}

/// Runs a call that returns a JSON document, or submits it to the queue of its options. `body` gets
/// the arguments.
///
/// It is a function pointer, so that not each exported function has a copy of this code, but each
/// kind of arguments.
pub(super) fn run_for_json<A: Arguments>(
    client: SharedHandle<mcp_client>,
    request: &'static str,
    options: Option<&mcp_options>,
    mut result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
    arguments: Result<A::Borrowed<'_>>,
    body: fn(&Client, &CallContext, A::Borrowed<'_>) -> Result<Json>,
) -> mcp_status {
    if let Some(target) = options.and_then(mcp_options::queue_target) {
        result.put(null_mut());
        let run = arguments.map(A::copy_of).map(|copied| -> Box<Run> {
            Box::new(move |client, call| body(client, call, copied.borrowed()).map(Some))
        });
        return submit(target, (client, request), options, error, run);
    }
    block_for_json((client, request), options, result, error, &|client, call| body(client, call, arguments.clone()?))
}

/// Runs a call that returns only a status, or submits it to the queue of its options.
pub(super) fn run<A: Arguments>(
    client: SharedHandle<mcp_client>,
    request: &'static str,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
    arguments: Result<A::Borrowed<'_>>,
    body: fn(&Client, &CallContext, A::Borrowed<'_>) -> Result<()>,
) -> mcp_status {
    if let Some(target) = options.and_then(mcp_options::queue_target) {
        let run = arguments.map(A::copy_of).map(|copied| -> Box<Run> {
            Box::new(move |client, call| body(client, call, copied.borrowed()).map(|()| None))
        });
        return submit(target, (client, request), options, error, run);
    }
    block((client, request), options, error, &|client, call| body(client, call, arguments.clone()?))
}

/// What a call that waits for changes does.
pub(super) type Listen = dyn Fn(&Client, &CallContext) -> Result<()> + Send;

/// Runs a call that waits for changes, or submits it to the queue of its options.
pub(super) fn run_listen(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
    listen: Result<Box<Listen>>,
) -> mcp_status {
    if let Some(target) = options.and_then(mcp_options::queue_target) {
        let run =
            listen.map(|listen| -> Box<Run> { Box::new(move |client, call| listen(client, call).map(|()| None)) });
        return submit(target, (client, LISTEN), options, error, run);
    }
    block((client, LISTEN), options, error, &|client, call| match &listen {
        Ok(listen) => listen(client, call),
        Err(error) => Err(error.clone()),
    })
}

// The following functions are not generic: each exported function would have a copy of them.

type Target<'a> = (SharedHandle<'a, mcp_client>, &'static str);

fn block_for_json(
    (client, request): Target,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
    body: &dyn Fn(&Client, &CallContext) -> Result<Json>,
) -> mcp_status {
    guard_json(result, "the place for the result", error, || {
        let client = &client.required("client")?.inner;
        client.call(request, &mcp_options::call_options(options), |call| body(client, call))
    })
}

fn block(
    (client, request): Target,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
    body: &dyn Fn(&Client, &CallContext) -> Result<()>,
) -> mcp_status {
    guard(error, || {
        let client = &client.required("client")?.inner;
        client.call(request, &mcp_options::call_options(options), |call| body(client, call))
    })
}

fn submit(
    target: &QueueTarget,
    (client, request): Target,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
    run: Result<Box<Run>>,
) -> mcp_status {
    guard_pending(error, || {
        let client = client.object().map(|client| &client.inner);
        // A listener waits for the server, and a hundred of them must not keep other calls from running.
        let is_counted = request != LISTEN;
        CompletionQueue::submit(target, (client, request), &mcp_options::call_options(options), is_counted, run)
    })
}
