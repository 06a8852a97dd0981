import CMCP

// Timeouts, name, client information, protocol version, limits and cache.
extension Client {
    /// Sets the timeout of calls that do not specify one; `.zero` means no limit. The default is 60 seconds.
    ///
    /// The timeout limits a call from start to end: DNS lookup, connecting, TLS, negotiation, redirects, retries and
    /// the response body. The time that the auth closure and logins take is not counted. Rounded up to
    /// milliseconds.
    ///
    /// May be called on any thread at any time; takes effect with the next call.
    public func setTimeout(_ timeout: Duration) throws(MCPError) {
        let milliseconds = try timeout.milliseconds("the timeout")
        try set { mcp_set_timeout($0, milliseconds, $1) }
    }

    /// Sets the idle timeout of calls that do not specify one: a call throws ``MCPError/Status/timeout`` if it waits
    /// this long without receiving a byte or, while it sends, without being able to send one. `.zero` (the default)
    /// means no limit. Rounded up to milliseconds.
    ///
    /// May be called on any thread at any time; takes effect with the next call.
    public func setIdleTimeout(_ timeout: Duration) throws(MCPError) {
        let milliseconds = try timeout.milliseconds("the idle timeout")
        try set { mcp_set_idle_timeout($0, milliseconds, $1) }
    }

    /// Sets the name of the client, for programs that have several: it is in front of the URL or the program in errors,
    /// and at the beginning of log messages. It is not sent to the server. nil and "" restore the default: see
    /// ``name``.
    ///
    /// May be called on any thread at any time.
    public func setName(_ name: String?) throws(MCPError) {
        try rejectNUL("the name", name)
        try set { mcp_set_name($0, name, $1) }
    }

    /// Sets the name and version of the application that the client sends to the server (`clientInfo`). The default is
    /// "libmcp" and the library's version.
    ///
    /// - Throws: ``MCPError/Status/misuse`` after the first call that contacted the server.
    public func setClientInfo(name: String, version: String) throws(MCPError) {
        try rejectNUL("the client's name", name)
        try rejectNUL("the client's version", version)
        try set { mcp_set_client_info($0, name, version, $1) }
    }

    /// Declares to the server that the application supports an extension, such as "com.example/charts" (specification
    /// 2026-07-28, "Extensions"). The settings are an object; nil removes the extension. For the requests and
    /// notifications of an extension see `request`, `notify` and ``setNotification(_:)``.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for a name without a vendor and a slash, or settings that are not
    ///   an object; ``MCPError/Status/misuse`` after the first call that contacted the server.
    public func setExtension(_ name: String, to settings: JSON?) throws(MCPError) {
        try rejectNUL("the extension's name", name)
        try set { client, error in
            withJSONText(settings) { mcp_set_extension(client, name, $0, $1, error) }
        }
    }

    /// Pins the protocol version, such as "2025-06-18": calls throw ``MCPError/Status/versionUnsupported`` if the
    /// server does not support it. nil (the default) negotiates the newest version that both sides support.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for a version that libmcp does not support (it supports
    ///   2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25 and 2026-07-28), ``MCPError/Status/misuse`` after the first
    ///   call that contacted the server.
    public func setProtocolVersion(_ version: String?) throws(MCPError) {
        try rejectNUL("the protocol version", version)
        try set { mcp_set_protocol_version($0, version, $1) }
    }

    /// Sets the maximum size of the data that the server may send, in bytes: a call that receives more throws
    /// ``MCPError/Status/tooLarge``. 0 restores the default.
    ///
    /// - Throws: ``MCPError/Status/invalidArgument`` for an unknown limit, a negative size or a head limit over 16 MiB,
    ///   ``MCPError/Status/misuse`` after the first call that contacted the server.
    public func setLimit(_ limit: Limit, to bytes: Int) throws(MCPError) {
        guard let bytes = UInt64(exactly: bytes) else {
            throw .invalidArgument("the limit is negative")
        }
        try set { mcp_set_limit($0, limit.rawValue, bytes, $1) }
    }

    /// Enables or disables the cache of results (disabled by default; disabling clears it). Lists and contents of
    /// resources are cached for as long as the server declares them fresh (specification 2026-07-28, "Caching"); calls
    /// may then return cached results. While the client listens
    /// (``listen(to:resources:timeout:idleTimeout:options:)``), a change notification makes the affected results stale.
    /// Private results are reused only with the credentials that they were requested with.
    ///
    /// May be called on any thread at any time.
    public func setCache(_ enabled: Bool) throws(MCPError) {
        try set { mcp_set_cache($0, enabled, $1) }
    }
}

extension Client {
    /// A limit that ``setLimit(_:to:)`` can set.
    public struct Limit: RawRepresentable, Hashable, Sendable {
        /// The `mcp_limit` value of the C API.
        public let rawValue: Int32

        /// Creates a limit from an `mcp_limit` value of the C API. Later versions may add limits.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        private init(_ limit: mcp_limit) {
            rawValue = Int32(limit.rawValue)
        }

        /// The size of a response body after decompression; 64 MiB by default.
        public static let message = Limit(MCP_LIMIT_MESSAGE)
        /// The size of all header fields of a response; 64 KiB by default, at most 16 MiB.
        public static let head = Limit(MCP_LIMIT_HEAD)
        /// The size of an event of an event stream (usually one message), or of a message of a server process; 64 MiB
        /// by default.
        public static let event = Limit(MCP_LIMIT_EVENT)
    }
}
