import CMCP

// Settings other than credentials. Those that may come too late say so.
extension Client {
    /// Sets the timeout of calls that are given none; `.zero` means none. It is 60 seconds where it is never set.
    ///
    /// One timeout governs a call from its start to its end: name lookup, connecting, TLS, negotiation, redirects, resends
    /// and the body. The time that the auth closure takes is not counted. Rounded up to milliseconds; any time, and
    /// counts from the next call.
    public func setTimeout(_ timeout: Duration) throws(MCPError) {
        let milliseconds = try timeout.milliseconds("the timeout")
        try set { mcp_set_timeout($0, milliseconds, $1) }
    }

    /// Sets the name and version under which the program introduces itself to the server (`clientInfo`). Without it, the
    /// server is told "libmcp" and the library's version.
    ///
    /// - Throws: ``MCPError/Status/misuse`` after the first call that went to the server.
    public func setClientInfo(name: String, version: String) throws(MCPError) {
        try rejectNUL("the client's name", name)
        try rejectNUL("the client's version", version)
        try set { mcp_set_client_info($0, name, version, $1) }
    }

    /// Pins the protocol version, such as "2025-06-18": the server has to speak that one, or calls throw
    /// ``MCPError/Status/versionUnsupported``. nil, as at the start, negotiates the newest version that both sides speak.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for a version that libmcp does not speak (it speaks 2024-11-05, 2025-03-26,
    ///   2025-06-18, 2025-11-25 and 2026-07-28), ``MCPError/Status/misuse`` after the first call that went to the server.
    public func setProtocolVersion(_ version: String?) throws(MCPError) {
        try rejectNUL("the protocol version", version)
        try set { mcp_set_protocol_version($0, version, $1) }
    }

    /// Sets the largest of what a server may send, in bytes: a call that meets more throws ``MCPError/Status/tooLarge``. 0 stands
    /// for the value at the start.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for an unknown limit, a negative number or a head that is too large,
    ///   ``MCPError/Status/misuse`` after the first call that went to the server.
    public func setLimit(_ limit: Limit, to bytes: Int) throws(MCPError) {
        guard let bytes = UInt64(exactly: bytes) else {
            throw .invalidArgument("the limit is negative")
        }
        try set { mcp_set_limit($0, limit.rawValue, bytes, $1) }
    }

    /// Whether results are kept as long as the server says that they are fresh: lists, and resources that were read
    /// (specification 2026-07-28, "Caching"). If so, a call may be answered from memory. A server that says of a change
    /// makes what it concerns stale, while somebody listens
    /// (``listen(to:resources:timeout:idleTimeout:options:)``). Private results go with the credentials that they were
    /// asked for with.
    ///
    /// Any time; false at the start, and with it everything that was kept is forgotten.
    public func setCache(_ enabled: Bool) throws(MCPError) {
        try set { mcp_set_cache($0, enabled, $1) }
    }
}

extension Client {
    /// What ``setLimit(_:to:)`` can limit.
    public struct Limit: RawRepresentable, Hashable, Sendable {
        /// The number of the C API.
        public let rawValue: Int32

        /// A limit by its number of the C API; a later version may add more.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        private init(_ limit: mcp_limit) {
            rawValue = Int32(limit.rawValue)
        }

        /// The body of one answer, unpacked; 64 MiB at the start.
        public static let message = Limit(MCP_LIMIT_MESSAGE)
        /// The head of one answer, all of its header fields together; 64 KiB at the start, and at most 16 MiB.
        public static let head = Limit(MCP_LIMIT_HEAD)
        /// One event of an event stream; 64 MiB at the start.
        public static let event = Limit(MCP_LIMIT_EVENT)
    }
}
