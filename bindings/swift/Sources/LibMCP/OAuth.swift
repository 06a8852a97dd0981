import CMCP

/// Obtains access tokens with OAuth 2.1 (specification 2026-07-28, "Authorization"): the settings of the application,
/// and the tokens.
///
///     let oauth = try OAuth(redirect: "com.example.app:/oauth") { login in
///         try await session.start(login.url)
///     }
///     try oauth.setClientURL("https://app.example/mcp-client.json")
///     let client = try Client("https://example.com/mcp", oauth: oauth)
///     try await client.ping()
///
/// When the MCP server responds with 401, the call in progress finds the authorization server that the MCP server
/// names, registers the application there if it has no client id, lets the user log in, and sends its request again
/// with the token. Tokens are refreshed without the user before they expire and when the MCP server rejects them. When
/// the MCP server requires more scopes (403 with `insufficient_scope`), the user logs in for them. A server that
/// requires no token causes no login.
///
/// Several clients may use one object: those with the same URL share one login. Set it with ``Client/setOAuth(_:)`` or
/// in the initializer of a client. From then on its settings are fixed: the setters throw ``MCPError/Status/misuse``.
///
/// Tokens are kept in memory, unless ``useFolder(_:)`` or ``setStore(_:)`` is called. They appear in no log message and
/// no error.
public final class OAuth: Sendable {
    let owned = Owned(mcp_oauth_new(), mcp_oauth_free)

    /// Creates an object with the default settings. The user cannot be asked to log in before ``setOpen(_:)`` or
    /// ``useBrowser()`` is called.
    public init() {}

    /// Identifies the object in `Client.waiting`.
    var id: ObjectIdentifier { ObjectIdentifier(owned) }

    /// Calls a setter of the C API.
    func set(_ setter: (_ oauth: OpaquePointer, _ error: ErrorOut) -> mcp_status) throws(MCPError) {
        try owned.use { oauth throws(MCPError) in
            try check { setter(oauth, $0) }
        }
    }
}

extension OAuth {
    /// Creates an object whose closure lets the user log in.
    ///
    /// - Parameters:
    ///   - redirect: Where the authorization server redirects to; see ``setRedirect(_:)``.
    ///   - scopes: The scopes to request; see ``setScopes(_:)``.
    ///   - clientURL: The URL of the application's metadata; see ``setClientURL(_:)``.
    ///   - store: Keeps the tokens; see ``setStore(_:)``.
    ///   - open: Shows the authorization server's page; see ``setOpen(_:)``.
    /// - Throws: ``MCPError/Status/invalidArgument`` for arguments that the setters do not accept.
    public convenience init(
        redirect: String? = nil, scopes: [String]? = nil, clientURL: String? = nil, store: (any OAuthStore)? = nil,
        open: @escaping OpenClosure
    ) throws(MCPError) {
        self.init()
        if let redirect {
            try setRedirect(redirect)
        }
        if let scopes {
            try setScopes(scopes)
        }
        if let clientURL {
            try setClientURL(clientURL)
        }
        if let store {
            try setStore(store)
        }
        try setOpen(open)
    }
}

// What the application is at authorization servers.
extension OAuth {
    /// Sets the client id, and the client secret if there is one, with which the application was registered at an
    /// authorization server in advance. A client may be set for each of several issuers. If one is set, the application
    /// is not registered at other authorization servers.
    ///
    /// - Parameters:
    ///   - id: The client id.
    ///   - secret: The client secret; nil if there is none.
    ///   - issuer: The URL that identifies the authorization server, such as "https://auth.example". nil means the one
    ///     at which the client is used first. A secret without an issuer is used only if the authorization server is on
    ///     this machine or on the MCP server's origin: the MCP server must not determine where a secret is sent.
    /// - Throws: ``MCPError/Status/invalidArgument`` for an invalid issuer, an invalid client id, or an empty secret.
    public func setClient(_ id: String, secret: String? = nil, issuer: String? = nil) throws(MCPError) {
        try rejectNUL("the client id", id)
        try rejectNUL("the client secret", secret)
        try rejectNUL("the issuer", issuer)
        try set { mcp_oauth_set_client($0, issuer, id, secret, $1) }
    }

    /// Sets the client id with which the application was registered at an authorization server in advance, and the
    /// private key with which it authenticates there (`private_key_jwt`: RFC 7523, section 2.2). The key itself is
    /// never sent.
    ///
    /// - Parameters:
    ///   - id: The client id.
    ///   - privateKey: The text of a PEM file with an unencrypted key: EC on the curve P-256, RSA with 2,048 to 4,096
    ///     bits, or Ed25519.
    ///   - keyID: The name of the key at the authorization server (`kid`); nil sends none.
    ///   - issuer: The issuer of the authorization server, as in ``setClient(_:secret:issuer:)``; nil has the same
    ///     restriction as for a secret.
    /// - Throws: ``MCPError/Status/invalidArgument`` for a key that cannot be used.
    public func setClient(
        _ id: String, privateKey: String, keyID: String? = nil, issuer: String? = nil
    ) throws(MCPError) {
        try rejectNUL("the client id", id)
        try rejectNUL("the private key", privateKey)
        try rejectNUL("the key id", keyID)
        try rejectNUL("the issuer", issuer)
        try set { mcp_oauth_set_client_key($0, issuer, id, privateKey, keyID, $1) }
    }

    /// Sets the URL of the application's metadata document, such as "https://app.example.com/client.json"
    /// (specification 2026-07-28, "Authorization": Client ID Metadata Documents). It is the client id at each
    /// authorization server that supports such documents and for which no client is set. nil (the default) means none.
    ///
    /// The application's web site must serve the document: its "client_id" is the same URL, and its "redirect_uris"
    /// contains the redirect URI.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for a URL that is not an https URL with a path.
    public func setClientURL(_ url: String?) throws(MCPError) {
        try rejectNUL("the client URL", url)
        try set { mcp_oauth_set_client_url($0, url, $1) }
    }

    /// Sets whether the application may be registered at an authorization server that knows no client id of it (Dynamic
    /// Client Registration: RFC 7591), and what the registration contains. It may by default.
    ///
    /// - Parameters:
    ///   - allowed: Whether it may be registered.
    ///   - metadata: An object with members that are added to the registration, such as "logo_uri" or "contacts".
    /// - Throws: ``MCPError/Status/invalidArgument`` for metadata that is not an object, or contains members that the
    ///   library sets, such as "redirect_uris".
    public func setRegistration(_ allowed: Bool, metadata: JSON? = nil) throws(MCPError) {
        try set { oauth, error in
            withJSONText(metadata) { mcp_oauth_set_registration(oauth, allowed, $0, $1, error) }
        }
    }
}

// What is asked for.
extension OAuth {
    /// Sets how tokens are obtained: ``Grant/login`` by default.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for an unknown grant.
    public func setGrant(_ grant: Grant) throws(MCPError) {
        try set { mcp_oauth_set_grant($0, grant.rawValue, $1) }
    }

    /// Sets the scopes to request; nil (the default) means those that the MCP server publishes. The scopes that it
    /// names when it rejects a request are requested in addition.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for a scope with characters that RFC 6749 (section 3.3) does not
    ///   allow.
    public func setScopes(_ scopes: [String]?) throws(MCPError) {
        let text = scopes?.joined(separator: " ")
        try rejectNUL("the scope", text)
        try set { mcp_oauth_set_scopes($0, text, $1) }
    }

    /// Sets the `resource` parameter of authorization and token requests (RFC 8707). nil (the default) means the
    /// resource that the MCP server publishes; "" sends no parameter, for authorization servers that reject it.
    public func setResource(_ resource: String?) throws(MCPError) {
        try rejectNUL("the resource", resource)
        try set { mcp_oauth_set_resource($0, resource, $1) }
    }

    /// Adds a parameter to the URL of logins, such as "login_hint" or "audience"; with another grant than
    /// ``Grant/login``, to the requests for tokens. nil removes it.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for a parameter that the library sets, such as "client_id".
    public func setParameter(_ name: String, to value: String?) throws(MCPError) {
        try rejectNUL("the name of the parameter", name)
        try rejectNUL("the value of the parameter", value)
        try set { mcp_oauth_set_parameter($0, name, value, $1) }
    }

    /// Disables a security rule, or enables it again. By default nothing is allowed. The error of a call that breaks a
    /// rule names the leniency that allows it.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for an unknown leniency.
    public func allow(_ leniency: Leniency, _ allowed: Bool = true) throws(MCPError) {
        try set { mcp_oauth_allow($0, leniency.rawValue, allowed, $1) }
    }
}

extension OAuth {
    /// A way to obtain tokens.
    public struct Grant: RawRepresentable, Hashable, Sendable {
        /// The `mcp_oauth_grant` value of the C API.
        public let rawValue: Int32

        /// Creates a grant from an `mcp_oauth_grant` value of the C API. Later versions may add grants.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        private init(_ grant: mcp_oauth_grant) {
            rawValue = Int32(grant.rawValue)
        }

        /// The user logs in: the authorization code grant with PKCE.
        public static let login = Grant(MCP_OAUTH_LOGIN)
        /// The application's client id and its secret or key are enough: the client credentials grant.
        public static let clientCredentials = Grant(MCP_OAUTH_CLIENT_CREDENTIALS)
        /// A signed statement about the application or its user is exchanged for a token (RFC 7523): see
        /// ``OAuth/setAssertion(_:)``.
        public static let assertion = Grant(MCP_OAUTH_ASSERTION)
    }

    /// Something that ``OAuth/allow(_:_:)`` can allow.
    public struct Leniency: RawRepresentable, Hashable, Sendable {
        /// The `mcp_oauth_leniency` value of the C API.
        public let rawValue: Int32

        /// Creates a leniency from an `mcp_oauth_leniency` value of the C API. Later versions may add leniencies.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        private init(_ leniency: mcp_oauth_leniency) {
            rawValue = Int32(leniency.rawValue)
        }

        /// An authorization server whose metadata does not state that it supports PKCE. Microsoft Entra and Amazon
        /// Cognito do not state it.
        public static let unstatedPKCE = Leniency(MCP_OAUTH_UNSTATED_PKCE)
        /// An authorization server with a private address, although the MCP server has a public one.
        public static let privateAddresses = Leniency(MCP_OAUTH_PRIVATE_ADDRESSES)
        /// An authorization server on another machine without HTTPS.
        public static let plainHTTP = Leniency(MCP_OAUTH_PLAIN_HTTP)
    }
}
