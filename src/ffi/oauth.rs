//! OAuth: the object with the settings and tokens, and how the application identifies itself at authorization servers.

use std::sync::Arc;

use super::c_types::{BufferSize, CText, OutParam, SharedHandle, SizedText, guard_quiet};
use super::client::mcp_client;
use super::error::mcp_error;
use super::guard::guard;
use crate::auth::oauth::client::OAuthClient;
use crate::auth::oauth::settings::OAuthSettings;
use crate::error::Result;
use crate::status::mcp_status;

/// `mcp_oauth` obtains access tokens with OAuth 2.1 (specification 2026-07-28, "Authorization"). It
/// contains the settings of the application, and the tokens. Several clients may use the same
/// object: those with the same URL share one login.
///
/// Terms: an authorization server issues tokens for an MCP server; its issuer is the URL that
/// identifies it, such as "https://auth.example.com". A client id identifies the application there.
/// A scope is the name of a permission.
///
/// A request without a token is sent first, so a server that requires none causes no login. When
/// the server responds with 401, the call in progress does the rest. It finds the authorization
/// server (RFC 9728, RFC 8414) and determines the client id: the one that is set for this issuer
/// (`mcp_oauth_set_client`), else the URL of the application's metadata document
/// (`mcp_oauth_set_client_url`), else one that it gets by registering there (RFC 7591). It calls
/// `mcp_oauth_open_fn`, which shows a URL to the user; the user logs in with a browser, which is
/// then redirected to a URL with a code. The call exchanges the code for tokens (with PKCE, RFC
/// 7636) and sends its request again.
///
/// Later requests use the token. If the authorization server issues refresh tokens, the token is
/// refreshed without the user, before it expires and when the MCP server rejects it. After 403 with
/// `insufficient_scope`, the user logs in for the missing scopes too. If several calls need a token
/// at the same time, one of them gets it and the others wait. A call has at most one refresh, one
/// login and one login for missing scopes. A login that failed is not repeated: calls return
/// `MCP_LOGIN_REQUIRED` until `mcp_login` or `mcp_logout` is called, or another process has stored
/// tokens.
///
/// Example: the first run opens a browser during the ping, later runs use the stored tokens.
///
///     mcp_error *error = NULL;
///     mcp_client *client = mcp_client_new("https://example.com/mcp", &error);
///     mcp_oauth *oauth = mcp_oauth_new();
///     if (client && mcp_oauth_use_browser(oauth, &error) == MCP_OK &&
///         mcp_oauth_use_folder(oauth, NULL, &error) == MCP_OK &&
///         mcp_set_oauth(client, oauth, &error) == MCP_OK &&
///         mcp_ping(client, NULL, &error) == MCP_OK)
///       printf("The server responds.\n");
///     else
///       fprintf(stderr, "%s\n", mcp_error_message(error));
///     mcp_error_free(error);
///     mcp_oauth_free(oauth);
///     mcp_client_free(client);
///
/// A call that needs a token can fail with `MCP_LOGIN_REQUIRED`, `MCP_LOGIN_FAILED` or
/// `MCP_OAUTH_FAILED`; see also `mcp_error_oauth_code`. If the MCP server responds with 401 and
/// names no authorization server, and there is none at its own origin, the call fails with
/// `MCP_UNAUTHORIZED`, and so does one whose new token is rejected.
///
/// Requests to authorization servers have the proxy, the certificate settings and the client
/// certificate of the client, and none of its headers, cookies and its Unix domain socket. Each
/// takes at most 30 seconds. A token request that has begun continues when its call ends, so that a
/// new token is not lost. Its store callbacks and their `destroy` may run on a thread of the library
/// after `mcp_client_free` and `mcp_oauth_free` have returned.
///
/// After fork, the child must make a new object.
///
/// Tokens, codes, secrets and keys appear in no log message and no error.
///
/// Since 0.1.0.
pub struct mcp_oauth {
    pub(super) inner: Arc<OAuthClient>,
}

impl mcp_oauth {
    /// Changes a setting. `change` returns the replaced value: dropping it may call `destroy`, which
    /// must not happen while the settings are locked. For the same reason `change` must not fail if it
    /// owns a callback.
    pub(super) fn set<T>(
        oauth: SharedHandle<mcp_oauth>,
        error: OutParam<*mut mcp_error>,
        change: impl FnOnce(&mut OAuthSettings) -> Result<T>,
    ) -> mcp_status {
        guard(error, || oauth.required("oauth")?.inner.change(change).map(drop))
    }
}

/// Creates an object with the default settings, which the caller frees with `mcp_oauth_free`. The
/// result is never NULL.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_new() -> Box<mcp_oauth> {
    Box::new(mcp_oauth { inner: OAuthClient::new() })
}

/// Frees the caller's reference to an object; NULL is ignored. Clients that use the object keep it
/// alive, with its callbacks and its tokens. Keep the reference as long as a thread may call
/// `mcp_oauth_finish` or `mcp_oauth_fail`.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_free(oauth: Option<Box<mcp_oauth>>) {
    guard_quiet((), || drop(oauth));
}

/// Sets the object that obtains the tokens of a client. NULL removes it (the default).
///
/// It replaces an auth callback, and setting an auth callback (`mcp_set_auth`) replaces it. Its
/// token overrides that of `mcp_set_bearer`. Tokens are sent only to the origin of the client's URL
/// (its scheme, host and port).
///
/// From then on the settings of the object are fixed: functions that change them return
/// `MCP_MISUSE`.
///
/// Returns `MCP_MISUSE` for a client of a server process.
///
/// Thread-safe; takes effect with the next call. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_oauth(
    client: SharedHandle<mcp_client>,
    oauth: SharedHandle<mcp_oauth>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| client.set_oauth(oauth.object().map(|oauth| &*oauth.inner)))
}

/// Sets the client id, and the client secret if there is one, with which the application was
/// registered at an authorization server in advance. `issuer` is the issuer of that server; a
/// client may be set for each of several issuers, and replaces an earlier one for the same issuer.
/// If the MCP server names several authorization servers, one that has a client is preferred. The
/// secret authenticates the application in requests for tokens (RFC 6749, section 2.3.1); NULL
/// means that there is none.
///
/// If a client is set, the library registers none: at an authorization server for which none is
/// set, calls fail with `MCP_OAUTH_FAILED`, unless the server supports the document of
/// `mcp_oauth_set_client_url`.
///
/// A NULL `issuer` sets the client for the authorization server at which it is used first. A secret
/// without an issuer is used only if the authorization server is on this machine, or on the origin
/// of the MCP server; otherwise the call fails with `MCP_OAUTH_FAILED`. The MCP server names its
/// authorization server, and must not determine where a secret is sent.
///
/// Returns `MCP_INVALID_ARGUMENT` for an issuer that is not an http or https URL or has a fragment,
/// a client id that is empty or contains control or non-ASCII characters, or an empty secret;
/// `MCP_MISUSE` after `mcp_set_oauth`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_set_client(
    oauth: SharedHandle<mcp_oauth>,
    issuer: CText,
    client_id: CText,
    client_secret: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_oauth::set(oauth, error, |settings| {
        let (issuer, secret) = (issuer.optional("issuer")?, client_secret.optional("client_secret")?);
        settings.set_client(issuer, client_id.required("client_id")?, secret)
    })
}

/// Sets a client id, as `mcp_oauth_set_client` does, with a private key instead of a secret. The
/// application authenticates with JWTs that the key signs ("private_key_jwt": RFC 7523, section
/// 2.2; OpenID Connect Core, section 9). The key itself is never sent. It replaces a client with a
/// secret for the same issuer.
///
/// `private_key` is the text of a PEM file with an unencrypted key: EC on the curve P-256 (ES256),
/// RSA with 2,048 to 4,096 bits (RS256), or Ed25519 (EdDSA). `key_id` is the name of the key at the
/// authorization server ("kid"); NULL sends none.
///
/// A NULL `issuer` has the same meaning as in `mcp_oauth_set_client`, and the same restriction.
///
/// Returns `MCP_INVALID_ARGUMENT` for a key that cannot be used, or for an argument that
/// `mcp_oauth_set_client` does not accept; `MCP_MISUSE` after `mcp_set_oauth`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_set_client_key(
    oauth: SharedHandle<mcp_oauth>,
    issuer: CText,
    client_id: CText,
    private_key: CText,
    key_id: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_oauth::set(oauth, error, |settings| {
        let (issuer, client_id) = (issuer.optional("issuer")?, client_id.required("client_id")?);
        let private_key = private_key.required("private_key")?;
        settings.set_client_key(issuer, client_id, private_key, key_id.optional("key_id")?)
    })
}

/// Sets the URL of the application's metadata document, such as
/// "https://app.example.com/client.json" (specification 2026-07-28, "Authorization": Client ID
/// Metadata Documents). The URL is the client id at each authorization server that supports such
/// documents and for which no client is set. NULL removes it (the default).
///
/// The application's web site must serve the document, a JSON object: its "client_id" is the same
/// URL, and its "redirect_uris" contains the redirect URI (`mcp_oauth_set_redirect`). The library
/// does not read it.
///
/// Returns `MCP_INVALID_ARGUMENT` for a URL that is not an https URL with a path, or that has a
/// fragment or a path segment "." or ".."; `MCP_MISUSE` after `mcp_set_oauth`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_set_client_url(
    oauth: SharedHandle<mcp_oauth>,
    url: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_oauth::set(oauth, error, |settings| settings.set_client_url(url.optional("url")?))
}

/// Sets whether the application may be registered at an authorization server that knows no client
/// id of it, and what the registration contains (Dynamic Client Registration: RFC 7591).
/// Registration is allowed by default.
///
/// `metadata` is the text of a JSON object of `length` bytes, or NUL-terminated if `length` is
/// `MCP_NUL_TERMINATED`; NULL means none. Its members are added to the registration, such as
/// "logo_uri" or "contacts" (RFC 7591, section 2). "client_name" replaces the name of
/// `mcp_set_client_info`, and "application_type" the type that follows from the redirect URI.
///
/// Returns `MCP_INVALID_ARGUMENT` if `metadata` is not a JSON object, or contains "redirect_uris",
/// "grant_types", "response_types", "token_endpoint_auth_method" or "scope", which the library
/// sets; `MCP_MISUSE` after `mcp_set_oauth`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_set_registration(
    oauth: SharedHandle<mcp_oauth>,
    allowed: bool,
    metadata: SizedText,
    length: BufferSize,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_oauth::set(oauth, error, |settings| settings.set_registration(allowed, metadata.optional(length, "metadata")?))
}
