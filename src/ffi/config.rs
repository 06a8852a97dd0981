//! Clients for servers of configuration files.

use super::c_types::{BufferSize, CText, OutParam, SizedText};
use super::client::mcp_client;
use super::document::mcp_json;
use super::error::mcp_error;
use super::guard::{guard_json, guard_new};
use crate::client::Client;
use crate::client::config::{self, ConfigSource};
use crate::status::mcp_status;

/// Creates a client for a server from a configuration file, in the format that FastMCP, editors and
/// desktop clients share: a JSON object with "mcpServers" (or "servers", or "mcp" that contains
/// "servers", as in VS Code). It maps the name of each server to an object with
///
/// - "url" (or "httpUrl" or "serverUrl"), and optionally "transport" or "type" ("http",
///   "streamable-http" or "sse"; case, hyphens and underscores do not matter), "headers", and
///   "auth", which is a bearer token or "oauth", and "oauth", the settings for it; or
/// - "command", and optionally "args", "env", "envFile" and "cwd", for a server that runs as a
///   child process; "transport" or "type" may be "stdio";
/// - in both cases optionally "timeout", in milliseconds. A timeout from 1 to 999 is logged as a
///   warning, because some programs mean seconds.
///
/// Comments and trailing commas are allowed. A member that is null counts as missing, and so does
/// an empty "command" next to a URL. Other keys are ignored.
///
/// `${NAME}` in a string is replaced by an environment variable, which must be set; `${NAME:-text}`
/// uses the text if it is unset or empty. All replacements together have at most 1 MiB. "~/" at the
/// start of "command", "cwd" and "envFile" means the user's home directory.
///
/// A relative "cwd" starts at the working directory of this process. "envFile" is the path of a
/// file with lines `NAME=value`, relative to the folder of the configuration file. Values may be
/// quoted, and `#` starts a comment. Variables of "env" override it.
///
/// "auth": "oauth", or "oauth" with an object, sets an `mcp_oauth` that opens the user's browser and
/// keeps the tokens in the default folder of `mcp_oauth_use_folder` (in memory without a home
/// folder). Members of the object are "clientId", "clientSecret", "issuer", "scopes" (an array or a
/// text), "redirectUri" or "callbackPort", and "clientMetadataUrl"; each is optional. A program that
/// must not open a browser replaces it with `mcp_set_oauth`.
///
/// `name` selects the server; NULL selects the only enabled server of the file. A server with
/// "disabled": true or "enabled": false is refused. The client has the settings of the file, as if
/// they had been made with the functions of this header, which may still change them. Its name
/// (`mcp_client_name`) is that of the server in the file.
///
/// The file must be a regular file of at most 4 MiB.
///
/// Returns the client, which the caller frees with `mcp_client_free`. Returns NULL on failure, with
/// `MCP_CONFIG_INVALID` and a message that names the key.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_client_new_from_config(
    path: CText,
    name: CText,
    error: OutParam<*mut mcp_error>,
) -> Option<Box<mcp_client>> {
    guard_new(error, || {
        let source = ConfigSource::File(path.required("path")?);
        Ok(mcp_client::new(Client::from_config(source, name.optional("name")?)?))
    })
}

/// Creates a client for a server from the text of a configuration, which has the format of the file
/// of `mcp_client_new_from_config`: for a program that keeps its settings elsewhere. `text` has
/// `length` bytes, or is NUL-terminated if `length` is `MCP_NUL_TERMINATED`. A relative "envFile"
/// starts at the working directory of this process.
///
/// `name` selects the server; NULL selects the only enabled server. The text has at most 4 MiB.
///
/// Returns the client, which the caller frees with `mcp_client_free`. Returns NULL on failure, with
/// `MCP_CONFIG_INVALID` and a message that names the key.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_client_new_from_config_text(
    text: SizedText,
    length: BufferSize,
    name: CText,
    error: OutParam<*mut mcp_error>,
) -> Option<Box<mcp_client>> {
    guard_new(error, || {
        let source = ConfigSource::Text(text.required(length, "the text")?);
        Ok(mcp_client::new(Client::from_config(source, name.optional("name")?)?))
    })
}

/// Lists the servers of a configuration file: an array of the names of all servers in the order of
/// the file, including disabled ones. For the format of the file see `mcp_client_new_from_config`.
///
/// On success `*names` is set to the array, which the caller frees with `mcp_json_free`; on failure
/// to NULL.
///
/// Returns `MCP_CONFIG_INVALID` if the file cannot be read or is invalid.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_config_names(
    path: CText,
    names: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard_json(names, "names", error, || config::names(ConfigSource::File(path.required("path")?)))
}

/// Lists the servers of the text of a configuration: an array of the names of all servers in their
/// order, including disabled ones. `text` has `length` bytes, or is NUL-terminated if `length` is
/// `MCP_NUL_TERMINATED`. For its format see `mcp_client_new_from_config_text`.
///
/// On success `*names` is set to the array, which the caller frees with `mcp_json_free`; on failure
/// to NULL.
///
/// Returns `MCP_CONFIG_INVALID` if the text is invalid.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_config_names_text(
    text: SizedText,
    length: BufferSize,
    names: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard_json(names, "names", error, || config::names(ConfigSource::Text(text.required(length, "the text")?)))
}

/// Lists the servers of a configuration file: an array in the order of the file. Each element is an
/// object with "name", and "disabled", which is true if the file contains "disabled": true or
/// "enabled": false for the server. For the format of the file see `mcp_client_new_from_config`.
///
/// On success `*servers` is set to the array, which the caller frees with `mcp_json_free`; on
/// failure to NULL.
///
/// Returns `MCP_CONFIG_INVALID` if the file cannot be read or is invalid.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_config_servers(
    path: CText,
    servers: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard_json(servers, "servers", error, || config::servers(ConfigSource::File(path.required("path")?)))
}
