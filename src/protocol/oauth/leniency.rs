//! Rules of the specification that the application may switch off.

/// The rules that are switched off. By default, none is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leniency {
    /// `MCP_OAUTH_UNSTATED_PKCE`: metadata of an authorization server need not state support of PKCE.
    pub unstated_pkce: bool,
    /// `MCP_OAUTH_PLAIN_HTTP`: authorization servers may use http on other hosts than this one.
    pub plain_http: bool,
}
