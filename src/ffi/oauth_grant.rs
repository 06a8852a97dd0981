//! OAuth: how tokens are obtained, what is requested, and which security rules apply.

use super::c_types::{CText, OutParam, SharedHandle};
use super::error::mcp_error;
use super::oauth::mcp_oauth;
use crate::auth::oauth::settings::{Grant, LenientRule};
use crate::error::Error;
use crate::status::*;

/// How tokens are obtained.
///
/// Since 0.1.0.
#[repr(C)]
pub enum mcp_oauth_grant {
    /// The user logs in with a browser (RFC 6749, section 4.1). The default.
    MCP_OAUTH_LOGIN = 1,
    /// A service without a user authenticates with its own secret or key (RFC 6749, section 4.4;
    /// MCP extension "OAuth Client Credentials"). It needs `mcp_oauth_set_client` with a secret, or
    /// `mcp_oauth_set_client_key`.
    MCP_OAUTH_CLIENT_CREDENTIALS = 2,
    /// A JWT of another party proves the identity of the application or of its user (RFC 7523,
    /// section 2.1). It needs `mcp_oauth_set_assertion`.
    MCP_OAUTH_ASSERTION = 3,
}

/// Sets how tokens are obtained. `grant` is an `mcp_oauth_grant`.
///
/// Returns `MCP_INVALID_ARGUMENT` for an unknown grant, and `MCP_MISUSE` after `mcp_set_oauth`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_set_grant(
    oauth: SharedHandle<mcp_oauth>,
    grant: i32,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_oauth::set(oauth, error, |settings| {
        settings.grant = match grant {
            1 => Grant::Login,
            2 => Grant::ClientCredentials,
            3 => Grant::Assertion,
            _ => {
                let values = "MCP_OAUTH_LOGIN (1), MCP_OAUTH_CLIENT_CREDENTIALS (2) or MCP_OAUTH_ASSERTION (3)";
                return Err(Error::new(MCP_INVALID_ARGUMENT, format!("grant must be {values}")));
            }
        };
        Ok(())
    })
}

/// Sets the scopes to request, separated by spaces. They take the place of those that the MCP
/// server publishes. The scopes that a challenge of the server names (401 or 403) are requested in
/// addition. NULL removes them (the default): then the scopes of the challenge are requested, or if
/// it names none, those that the server publishes. "" requests no scopes except those of
/// challenges. "offline_access", for a refresh token, is added to a login if the authorization
/// server lists it in its metadata.
///
/// Returns `MCP_INVALID_ARGUMENT` for a text that RFC 6749 (section 3.3) does not allow, and
/// `MCP_MISUSE` after `mcp_set_oauth`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_set_scopes(
    oauth: SharedHandle<mcp_oauth>,
    scopes: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_oauth::set(oauth, error, |settings| settings.set_scopes(scopes.optional("scopes")?))
}

/// Sets the value of the parameter "resource", which names the MCP server to the authorization
/// server (RFC 8707). NULL sends the value that the MCP server publishes, if it does (the default).
/// "" sends no such parameter, for authorization servers that reject it, such as Microsoft Entra
/// ID.
///
/// Returns `MCP_INVALID_ARGUMENT` for a value that contains a space, a control or non-ASCII
/// character, or a fragment; `MCP_MISUSE` after `mcp_set_oauth`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_set_resource(
    oauth: SharedHandle<mcp_oauth>,
    resource: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_oauth::set(oauth, error, |settings| settings.set_resource(resource.optional("resource")?))
}

/// Adds a parameter to the URL of logins, such as "login_hint", "audience" or "access_type"; with a
/// grant other than `MCP_OAUTH_LOGIN`, to the requests for tokens. Setting a parameter again
/// replaces its value; a NULL `value` removes it.
///
/// Returns `MCP_INVALID_ARGUMENT` for an empty name, or for a parameter that the library sets, such
/// as "scope" (see `mcp_oauth_set_scopes`), "resource", "client_id", "redirect_uri" or "state";
/// `MCP_MISUSE` after `mcp_set_oauth`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_set_parameter(
    oauth: SharedHandle<mcp_oauth>,
    name: CText,
    value: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_oauth::set(oauth, error, |settings| settings.set_parameter(name.required("name")?, value.optional("value")?))
}

/// A security rule that `mcp_oauth_allow` can disable. A later version may add values.
///
/// Since 0.1.0.
#[repr(C)]
pub enum mcp_oauth_leniency {
    /// The authorization server need not declare that it supports PKCE
    /// ("code_challenge_methods_supported" in its metadata). Some do not, such as Microsoft Entra
    /// ID and Amazon Cognito. PKCE is used anyway.
    MCP_OAUTH_UNSTATED_PKCE = 1,
    /// The authorization server may have a private or other non-public address, although the MCP
    /// server has a public one. Allow this only for MCP servers that you trust: they could make the
    /// application send requests into its own network.
    MCP_OAUTH_PRIVATE_ADDRESSES = 2,
    /// The authorization server may use http instead of https, and may be on this machine although
    /// the MCP server is not. Secrets and tokens are then sent unencrypted: for test networks only.
    /// Without it, http is allowed only on this machine.
    MCP_OAUTH_PLAIN_HTTP = 3,
}

/// Disables a security rule, or enables it again. `leniency` is an `mcp_oauth_leniency`. By default
/// nothing is allowed. The error of a call that breaks a rule names the value that allows it.
///
/// Returns `MCP_INVALID_ARGUMENT` for an unknown value, and `MCP_MISUSE` after `mcp_set_oauth`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_allow(
    oauth: SharedHandle<mcp_oauth>,
    leniency: i32,
    allowed: bool,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_oauth::set(oauth, error, |settings| {
        let rule = match leniency {
            1 => LenientRule::UnstatedPkce,
            2 => LenientRule::PrivateAddresses,
            3 => LenientRule::PlainHttp,
            _ => {
                let values = "MCP_OAUTH_UNSTATED_PKCE (1), MCP_OAUTH_PRIVATE_ADDRESSES (2) or MCP_OAUTH_PLAIN_HTTP (3)";
                return Err(Error::new(MCP_INVALID_ARGUMENT, format!("leniency must be {values}")));
            }
        };
        settings.allow(rule, allowed);
        Ok(())
    })
}
