import CMCP

// Credentials and headers.
extension Client {
    /// Sets the bearer token of every HTTP request, sent as `Authorization: Bearer <token>` (RFC 6750, section 2.1).
    /// Pass the token without the word "Bearer"; nil removes it. It overrides an `Authorization` header set by
    /// ``setHeader(_:to:)``. It is sent only to the URL's origin, and never appears in the log or in errors.
    ///
    /// May be called on any thread at any time; takes effect with the next request.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument``, and keeps the previous token, if `token` is empty, contains
    ///   spaces, control characters or characters outside ASCII, or starts with "Bearer ".
    public func setBearer(_ token: String?) throws(MCPError) {
        try rejectNUL("the bearer token", token)
        try set { mcp_set_bearer($0, token, $1) }
    }

    /// Sets a header of every HTTP request, such as "X-API-Key". It replaces a header of the same name (names are
    /// case-insensitive); nil removes the header. Values are treated as secrets, like the bearer token.
    ///
    /// May be called on any thread at any time; takes effect with the next request.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument``, and changes nothing, for a name or value that RFC 9110 (section
    ///   5) does not allow, such as one with a line break, and for names that the protocol uses itself: Host, Accept,
    ///   Content-Type and similar ones, and all names that start with "Mcp-".
    public func setHeader(_ name: String, to value: String?) throws(MCPError) {
        try rejectNUL("the name of the header", name)
        try rejectNUL("the value of the header", value)
        try set { mcp_set_header($0, name, value, $1) }
    }
}
