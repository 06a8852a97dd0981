//! Clients for servers that run as a child process, or at the other end of open streams.

use std::ffi::c_int;
use std::path::PathBuf;
use std::time::Duration;

use super::c_types::{CText, OutParam, SharedHandle, TextArray};
use super::client::mcp_client;
use super::error::mcp_error;
use super::guard::guard_new;
use crate::client::Client;
use crate::error::Error;
use crate::status::*;
use crate::sys::child_process::StopTimeouts;
use crate::sys::pipe;
use crate::transport::stdio::environment::command_for;

/// Creates a client for a server that runs as a child process and communicates over its standard
/// input and output (specification 2026-07-28, "stdio"). `argv` contains the program and its
/// arguments, followed by NULL; no shell is used. A program without a slash is searched for in the
/// PATH of the server process, and a relative path with a slash starts at its working directory.
/// The first call starts the process; if it has ended, the next call starts it again.
///
/// The process inherits the environment variables HOME, LOGNAME, PATH, SHELL, TERM and USER, and no
/// file descriptors except its three standard streams, which are pipes. It gets its own process
/// group. Its stderr output goes to the log, and the last lines also into the error if the process
/// ends; or to a file (`mcp_set_stderr_file`).
///
/// `mcp_client_close` and `mcp_client_free` close its stdin. When the process has exited, or after
/// 2 seconds, its process group gets SIGTERM, and processes that still run 2 seconds later get
/// SIGKILL (see `mcp_set_stop_timeout`). `mcp_client_free` waits for that. If the process exits
/// without being asked to, the rest of its group is ended in the same way.
///
/// Credentials, headers and all other HTTP settings return `MCP_MISUSE` for such a client: pass
/// configuration to the server in its environment (`mcp_set_environment`).
///
/// Returns the client, which the caller frees with `mcp_client_free`. Returns NULL on failure, with
/// `MCP_INVALID_ARGUMENT` for an empty command, or `MCP_SYSTEM_ERROR` if no file descriptor is
/// available.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_client_new_stdio(argv: TextArray, error: OutParam<*mut mcp_error>) -> Option<Box<mcp_client>> {
    guard_new(error, || {
        let command = command_for(argv.texts("an argument")?);
        Ok(mcp_client::new(Client::new_stdio(command)?))
    })
}

/// Creates a client for a server at the other end of open streams, with one message per line
/// (specification 2026-07-28, "stdio"): a socket pair or pipes to a thread of the program, a vsock or
/// serial connection, a process that the program has started itself.
///
/// ```
/// int ends[2];
/// socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
/// start_server(ends[1]);
/// client = mcp_client_new_fds(ends[0], ends[0], "embedded", &error);
/// ```
///
/// The client reads from `in` and writes to `out`, which may be the same descriptor. It owns both from
/// now on, also if this function fails, and closes them with `mcp_client_close` or
/// `mcp_client_free`. It makes them non-blocking, and with them all their duplicates, also those of
/// other processes. `name` identifies the server in errors and log messages.
///
/// If the streams end, calls fail with `MCP_DISCONNECTED`: make a new client. Credentials, headers and
/// other HTTP settings return `MCP_MISUSE` for such a client, and so do `mcp_set_environment` and the
/// other settings of a server process.
///
/// Returns the client, which the caller frees with `mcp_client_free`. Returns NULL on failure, with
/// `MCP_INVALID_ARGUMENT` for a descriptor that is not open or an empty name, or `MCP_SYSTEM_ERROR` if
/// no file descriptor is available.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_client_new_fds(
    r#in: c_int,
    out: c_int,
    name: CText,
    error: OutParam<*mut mcp_error>,
) -> Option<Box<mcp_client>> {
    // First, so that they are closed even if this function fails.
    let streams = pipe::adopt(r#in, out);
    guard_new(error, || {
        let name = name.required("name")?;
        if name.is_empty() {
            return Err(Error::new(MCP_INVALID_ARGUMENT, "the name is empty"));
        }
        let unusable = |why: std::io::Error| {
            let status = if pipe::is_bad_descriptor(&why) { MCP_INVALID_ARGUMENT } else { MCP_SYSTEM_ERROR };
            Error::new(status, format!("the descriptors {in} and {out} cannot be used: {why}", in = r#in))
        };
        Ok(mcp_client::new(Client::on_streams(streams.map_err(unusable)?, name)?))
    })
}

/// Sets an environment variable of the server process; a NULL `value` removes it, even if it would
/// be inherited.
///
/// If the server writes the value to stderr, it is redacted in the log and in errors, unless it is
/// shorter than 8 bytes or begins with a slash.
///
/// Returns `MCP_INVALID_ARGUMENT` for a name that is empty or contains "=", and `MCP_MISUSE` for a
/// client of a URL, or after the first call.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_environment(
    client: SharedHandle<mcp_client>,
    name: CText,
    value: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        let (name, value) = (name.required("name")?, value.optional("value")?);
        if name.is_empty() || name.contains('=') {
            return Err(Error::new(MCP_INVALID_ARGUMENT, "the name of a variable is empty, or holds \"=\""));
        }
        client.settings.change_process_command("the environment", |command| {
            command.environment.retain(|(known, _)| known != name);
            command.environment.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        })
    })
}

/// Sets the working directory of the server process; NULL means that of this process (the default).
/// If the directory does not exist, the first call fails with `MCP_PROCESS_FAILED`.
///
/// Returns `MCP_MISUSE` for a client of a URL, or after the first call.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_working_directory(
    client: SharedHandle<mcp_client>,
    path: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        let path = path.optional("path")?.map(PathBuf::from);
        client.settings.change_process_command("the working directory", |command| command.directory = path)
    })
}

/// Sets how long the server process may take to exit when it is ended, in milliseconds: `term_ms`
/// after its stdin was closed, when its process group gets SIGTERM, and `kill_ms` after that, when
/// processes that still run get SIGKILL. 0 means immediately. Default: 2,000 each.
///
/// `mcp_client_free` waits until the process group has ended, so for up to both times together.
///
/// Returns `MCP_MISUSE` for a client of a URL, or after the first call.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_stop_timeout(
    client: SharedHandle<mcp_client>,
    term_ms: u64,
    kill_ms: u64,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        let [term, kill] = [term_ms, kill_ms].map(Duration::from_millis);
        client.settings.change_process_command("the stop timeout", |command| {
            command.stop_timeouts = StopTimeouts { term, kill };
        })
    })
}

/// Appends the stderr output of the server process to a file, which is created if it does not
/// exist; NULL means the log (the default). If the file cannot be opened, the first call fails with
/// `MCP_PROCESS_FAILED`.
///
/// Returns `MCP_MISUSE` for a client of a URL, or after the first call.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_stderr_file(
    client: SharedHandle<mcp_client>,
    path: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        let path = path.optional("path")?.map(PathBuf::from);
        client.settings.change_process_command("the file for stderr", |command| command.stderr = path)
    })
}
