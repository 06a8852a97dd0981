import CMCP

// Any thread, any time; each counts from the next request.
extension Client {
    /// Sets the bearer token that every HTTP request carries, as `Authorization: Bearer <token>` (RFC 6750, section 2.1).
    /// The token alone is given, without the word "Bearer"; nil removes it. It beats an `Authorization` header set by
    /// ``setHeader(_:to:)``, goes to the URL's own origin only, and is in no log line and no error.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument``, and keeps the old token, where `token` can be none: empty, with spaces,
    ///   control characters or characters outside ASCII, or with a "Bearer " prefix.
    public func setBearer(_ token: String?) throws(MCPError) {
        try rejectNUL("the bearer token", token)
        try set { mcp_set_bearer($0, token, $1) }
    }

    /// Sets a header that every HTTP request carries, such as "X-API-Key". One of the same name, in whatever case, is
    /// replaced; nil removes it. Values are treated as secrets, like the bearer token.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument``, and changes nothing, for a name or a value that RFC 9110 (section 5) does not
    ///   allow (line breaks above all), and for the names that the protocol owns: Host, Accept, Content-Type and their
    ///   like, and everything that begins with "Mcp-".
    public func setHeader(_ name: String, to value: String?) throws(MCPError) {
        try rejectNUL("the name of the header", name)
        try rejectNUL("the value of the header", value)
        try set { mcp_set_header($0, name, value, $1) }
    }
}
