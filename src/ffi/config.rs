//! Clients that a configuration file describes.

use super::c_types::{CText, OutParam};
use super::client::mcp_client;
use super::document::mcp_json;
use super::error::mcp_error;
use super::guard::{guard_json, guard_new};
use crate::client::{Client, config};
use crate::status::mcp_status;

/// Makes a client for a server that a configuration file describes, in the form that FastMCP,
/// editors and desktop clients share: a JSON object with "mcpServers" (or "servers", or "mcp" with
/// "servers" in it, as VS Code has them), in which each name stands for an object with
///
/// - "url" (or "httpUrl" or "serverUrl"), and perhaps "transport" or "type" ("http",
///   "streamable-http" or "sse", however it is written), "headers", and "auth", a bearer token; or
/// - "command", and perhaps "args", "env", "envFile" and "cwd", for a server that is started as a
///   process;
/// - perhaps "timeout", in milliseconds. One below 1000 leads to a warning in the log, because some
///   programs mean seconds.
///
/// The file may have comments and trailing commas. A null member counts as missing, and so does an
/// empty "command" beside a URL. `${NAME}` in a text stands for an environment variable,
/// `${NAME:-text}` for one that may be unset; together they may fill in 1 MiB. "~/" at the start of
/// "command", "cwd" and "envFile" is the user's home. Other keys are left alone.
///
/// "envFile" names a file of lines `NAME=value`, from the folder of the configuration file; values
/// may be quoted, `#` begins a comment, and "env" wins over it.
///
/// `name` is the server's; NULL is the only one of the file that is not disabled. A server with
/// "disabled": true is refused. What the file says is set as by the functions for it, and may be
/// changed by them.
///
/// Only regular files are read, of at most 4 MiB.
///
/// Returns the client, which the caller frees with `mcp_client_free`; or NULL, with
/// `MCP_CONFIG_INVALID` and a message that names the key. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_client_new_from_config(
    path: CText,
    name: CText,
    error: OutParam<*mut mcp_error>,
) -> Option<Box<mcp_client>> {
    guard_new(error, || {
        let inner = Client::from_config(path.required("path")?, name.optional("name")?)?;
        Ok(mcp_client { inner })
    })
}

/// Lists the servers of a configuration file: an array of their names, in the order of the file,
/// with those that are disabled. `mcp_config_servers` says which are.
///
/// `*names` is set to NULL first and to the array on success; the caller frees it with
/// `mcp_json_free`. `MCP_CONFIG_INVALID` for a file that cannot be read or used. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_config_names(
    path: CText,
    names: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard_json(names, "names", error, || config::names(path.required("path")?))
}

/// Lists the servers of a configuration file as `mcp_config_names` does, with an object for each:
/// "name", and "disabled", which is true where the file says "disabled": true or "enabled": false.
///
/// `*servers` is set to NULL first and to the array on success; the caller frees it with
/// `mcp_json_free`. `MCP_CONFIG_INVALID` for a file that cannot be read or used. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_config_servers(
    path: CText,
    servers: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard_json(servers, "servers", error, || config::servers(path.required("path")?))
}
