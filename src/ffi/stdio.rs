//! Servers that are started as a process.

use std::path::PathBuf;

use super::c_types::{CText, OutParam, SharedHandle, TextArray};
use super::client::mcp_client;
use super::error::mcp_error;
use super::guard::guard_new;
use crate::client::Client;
use crate::error::Error;
use crate::status::*;
use crate::transport::stdio::environment::program;

/// Makes a client for a server that is started as a process and speaks on its standard streams
/// (specification 2026-07-28, "stdio"). `argv` is the program and its arguments, with a NULL behind
/// the last one; no shell is between. A program without a slash is found by PATH. It is started by
/// the first call, and again by the next call when it has ended.
///
/// The server inherits HOME, LOGNAME, PATH, SHELL, TERM and USER of the environment, no descriptor
/// but its three streams, which are pipes, and has a process group of its own. What it writes to stderr goes to the
/// log, and its last lines into the error when it ends; or into a file (`mcp_set_stderr_file`).
///
/// `mcp_client_close` and `mcp_client_free` close its stdin. When it has ended, or after 2 seconds,
/// its group gets SIGTERM, and what of it still runs after 2 more SIGKILL. `mcp_client_free` waits for
/// that. A server that ends by itself takes what it has started with it in the same way, unless that
/// has left the group.
///
/// Credentials, headers and everything else that is about HTTP return `MCP_MISUSE` on such a client:
/// what the server needs to know goes into its environment (`mcp_set_environment`).
///
/// Returns the client, which the caller frees with `mcp_client_free`; or NULL, with
/// `MCP_INVALID_ARGUMENT` for an empty command. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_client_new_stdio(argv: TextArray, error: OutParam<*mut mcp_error>) -> Option<Box<mcp_client>> {
    guard_new(error, || {
        let program = program(argv.texts("an argument")?);
        Ok(mcp_client { inner: Client::new_stdio(program)? })
    })
}

/// Sets a variable in the environment of the server's process; NULL removes it.
///
/// Where the server writes its value to stderr, it is replaced in the log and in errors, unless it
/// is shorter than 8 bytes or begins with a slash.
///
/// Returns `MCP_INVALID_ARGUMENT` for a name that is empty or holds "=", and `MCP_MISUSE` for a
/// client of a URL, and after the first call. Since 0.1.0.
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
        client.settings.change_process_command("the environment", |program| {
            program.environment.retain(|(known, _)| known != name);
            program.environment.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        })
    })
}

/// Sets the folder that the server's process is started in; NULL, as at the start, is the program's
/// own. Errors as for `mcp_set_environment`. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_working_directory(
    client: SharedHandle<mcp_client>,
    path: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        let path = path.optional("path")?.map(PathBuf::from);
        client.settings.change_process_command("the working directory", |program| program.directory = path)
    })
}

/// Appends what the server writes to stderr to a file, which is made where it is missing; NULL, as
/// at the start, is the log. A file that cannot be opened is `MCP_PROCESS_FAILED` in the first call.
/// Errors as for `mcp_set_environment`. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_stderr_file(
    client: SharedHandle<mcp_client>,
    path: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        let path = path.optional("path")?.map(PathBuf::from);
        client.settings.change_process_command("the file for stderr", |program| program.stderr = path)
    })
}
