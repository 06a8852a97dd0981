import CMCP

extension OAuth {
    /// A request for an assertion: a JWT that another party has signed.
    public struct AssertionRequest: Sendable {
        /// The audience ("aud") that the assertion must have: the issuer of the authorization server; or with
        /// ``OAuth/setIdentity(tokenEndpoint:clientID:secret:)``, the client id at the identity provider.
        public let audience: String
        /// The resource for which a token is requested, usually the URL of the MCP server; nil if the requests name
        /// none.
        public let resource: String?
    }

    /// Returns an assertion, or throws when there is none.
    public typealias AssertionClosure = @Sendable (_ request: AssertionRequest) async throws -> String

    /// Sets the closure that returns assertions for ``Grant/assertion`` (RFC 7523, section 2.1). For example, a job of
    /// a CI system proves its identity with the JWT that the system issues to it. With
    /// ``setIdentity(tokenEndpoint:clientID:secret:)``, the assertion is an ID token of the user.
    ///
    ///     try oauth.setGrant(.assertion)
    ///     try oauth.setClient("ci", issuer: "https://auth.example")
    ///     try oauth.setAssertion { try await runner.identityToken(for: $0.audience) }
    ///
    /// If the closure throws, the call throws ``MCPError/Status/oauthFailed``, and its message includes the description
    /// of the error.
    ///
    /// The assertion is sent only to an authorization server whose issuer is set (``setClient(_:secret:issuer:)``), is
    /// on this machine, or is on the origin of the MCP server: the MCP server must not determine where it is sent.
    ///
    /// The closure runs as a task on threads of Dispatch, while a call waits; the time it takes does not count against
    /// any timeout. It is not cancelled with the call, because other calls may share its result. Calls on clients of
    /// this object inside the closure throw ``MCPError/Status/misuse``.
    public func setAssertion(_ assertion: @escaping AssertionClosure) throws(MCPError) {
        let owner = id
        let blocking: BlockingAssertionClosure = { request in
            try runBlocking(within: owner) { try await assertion(request) }
        }
        let userdata = Box(blocking).retained()
        try set { mcp_oauth_set_assertion($0, assertionTrampoline, userdata, releaseBox, $1) }
    }

    /// Removes the assertion closure (none is set by default).
    public func removeAssertion() throws(MCPError) {
        try set { mcp_oauth_set_assertion($0, nil, nil, nil, $1) }
    }

    /// Sets the identity provider of an organization at which the user has already logged in, for ``Grant/assertion``
    /// (MCP extension "Enterprise-Managed Authorization"). The closure of ``setAssertion(_:)`` then returns the ID
    /// token of that login, which is exchanged at the identity provider (RFC 8693): the user need not log in again for
    /// each MCP server.
    ///
    /// - Parameters:
    ///   - tokenEndpoint: The URL of the identity provider for token requests.
    ///   - clientID: The application's client id at the identity provider.
    ///   - secret: The application's client secret there; nil if there is none.
    /// - Throws: ``MCPError/Status/invalidArgument`` for a token endpoint that is not an http or https URL.
    public func setIdentity(tokenEndpoint: String, clientID: String, secret: String? = nil) throws(MCPError) {
        try rejectNUL("the token endpoint", tokenEndpoint)
        try rejectNUL("the client id", clientID)
        try rejectNUL("the client secret", secret)
        try set { mcp_oauth_set_identity($0, tokenEndpoint, clientID, secret, $1) }
    }
}

private typealias BlockingAssertionClosure = @Sendable (OAuth.AssertionRequest) throws -> String

private func assertionTrampoline(_ userdata: UnsafeMutableRawPointer?, _ assertion: OpaquePointer) {
    guard let userdata else { return }
    do {
        let request = OAuth.AssertionRequest(
            audience: String(cString: mcp_oauth_assertion_audience(assertion)),
            resource: mcp_oauth_assertion_resource(assertion).map { String(cString: $0) })
        let text = try Box<BlockingAssertionClosure>.at(userdata).content(request)
        try rejectNUL("the assertion", text)
        try check { mcp_oauth_assertion_set(assertion, text, $0) }
    } catch {
        _ = mcp_oauth_assertion_fail(assertion, errorText(error), nil)
    }
}
