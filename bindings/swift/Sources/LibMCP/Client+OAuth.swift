import CMCP

extension Client {
    /// Sets the object that obtains the client's tokens; nil (the default) removes it. It replaces an auth closure
    /// (``AuthClosure``), and its token overrides that of ``setBearer(_:)``. Tokens are sent only to the URL's origin.
    /// From then on the settings of the object are fixed.
    ///
    /// The client retains the object.
    ///
    /// May be called on any thread at any time; takes effect with the next call.
    ///
    /// - Throws: ``MCPError/Status/misuse`` for a client of a server process.
    public func setOAuth(_ oauth: OAuth?) throws(MCPError) {
        try replaceOAuth(by: oauth) { client, error in
            guard let oauth else { return mcp_set_oauth(client, nil, error) }
            return oauth.owned.use { mcp_set_oauth(client, $0, error) }
        }
    }

    /// Makes sure that there is a token that the server accepts. A stored token is used or refreshed if possible;
    /// otherwise the user logs in, also if the policy is ``OAuth/LoginPolicy/whenAsked``, and after a login that
    /// failed. The user logs in also if the server requires a token only for some requests, but not if it requires none
    /// and names no authorization server.
    ///
    /// The time of the login does not count against the timeout: see ``OAuth/setLogin(_:timeout:)``.
    ///
    /// - Throws: ``MCPError/Status/loginFailed`` if the user or the authorization server refuses,
    ///   ``MCPError/Status/loginRequired`` if there is no way to ask the user, ``MCPError/Status/oauthFailed`` for
    ///   failures at the authorization server, ``MCPError/Status/misuse`` for a client without ``OAuth``.
    public func login(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws {
        try await run(Calls.login, timeout, idleTimeout, options)
    }

    /// Removes the tokens of the client's server from memory and from the store, and revokes them if the authorization
    /// server supports that (RFC 7009). The registration of the application is kept. The user stays logged in there
    /// with the browser.
    ///
    /// - Throws: The reason if the tokens cannot be revoked; they are removed anyway. ``MCPError/Status/misuse`` for a
    ///   client without ``OAuth``.
    public func logout(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, options: CallOptions = CallOptions()
    ) async throws {
        try await run(Calls.logout, timeout, idleTimeout, options)
    }

    /// Returns what is known of the login. Nothing is sent; the store may be read.
    ///
    /// - Throws: ``MCPError/Status/misuse`` for a client without ``OAuth``, ``MCPError/Status/oauthFailed`` if the
    ///   store fails.
    public func oauthState() async throws -> OAuthState {
        try Task.checkCancellation()
        try rejectReentrantCall()
        // The function of the C API has no options: it blocks while the store is read.
        return try await Task(executorPreference: ClosureExecutor.shared) { try self.readOAuthState() }.value
    }

    fileprivate func readOAuthState() throws(MCPError) -> OAuthState {
        let json = try use { client throws(MCPError) in try document { mcp_oauth_state(client, $0, $1) } }
        return OAuthState(json: json)
    }
}

extension Client.Blocking {
    /// Makes sure that there is a token that the server accepts, and blocks until the user has logged in if
    /// necessary. Errors: ``Client/login(timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.login()")
    public func login(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws(MCPError) {
        try run(Calls.login, timeout, idleTimeout, cancel, options)
    }

    /// Removes the tokens and revokes them at the authorization server; blocks until it has responded. Errors:
    /// ``Client/logout(timeout:idleTimeout:options:)``.
    @available(*, noasync, message: "it blocks the thread; use await client.logout()")
    public func logout(
        timeout: Duration? = nil, idleTimeout: Duration? = nil, cancel: CancelToken? = nil,
        options: CallOptions = CallOptions()
    ) throws(MCPError) {
        try run(Calls.logout, timeout, idleTimeout, cancel, options)
    }

    /// Returns what is known of the login; blocks while the store is read. Errors: ``Client/oauthState()``.
    @available(*, noasync, message: "it blocks the thread; use await client.oauthState()")
    public func oauthState() throws(MCPError) -> OAuthState {
        try client.rejectReentrantCall()
        return try client.readOAuthState()
    }
}

extension Calls {
    static let login = NativeCall<Void> { client, options, _, error in
        mcp_login(client, options, error)
    }

    static let logout = NativeCall<Void> { client, options, _, error in
        mcp_logout(client, options, error)
    }
}
