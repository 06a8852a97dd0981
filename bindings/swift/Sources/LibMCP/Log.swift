import CMCP

/// The severity of a log message of the client.
public struct LogLevel: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The `mcp_log_level` value of the C API.
    public let rawValue: Int32

    /// Creates a level from an `mcp_log_level` value of the C API. Later versions may add levels.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    private init(_ level: mcp_log_level) {
        rawValue = Int32(level.rawValue)
    }

    /// A failure that no call reports.
    public static let error = LogLevel(MCP_LOG_ERROR)
    /// Something dangerous or probably wrong, such as a token sent over plain HTTP.
    public static let warning = LogLevel(MCP_LOG_WARNING)
    /// Useful information, such as the negotiated version.
    public static let info = LogLevel(MCP_LOG_INFO)
    /// Information for debugging.
    public static let debug = LogLevel(MCP_LOG_DEBUG)

    /// The name of the level, such as "warning"; "unknown" if the level is unknown.
    public var description: String {
        String(cString: mcp_log_level_name(rawValue))
    }
}

/// Receives a log message, a single line without a line break.
public typealias LogClosure = @Sendable (_ level: LogLevel, _ message: String) -> Void

extension Client {
    /// Sets the closure that receives the client's log messages, such as fallbacks, retries and warnings. No message
    /// contains a token or a header value.
    ///
    /// The closure runs on threads of the library, or on that of a blocking call that logs, possibly on several at the
    /// same time. It should be fast, and must not make calls on this client. A trap in the closure terminates the
    /// process, as in all Swift code.
    ///
    /// The client retains the closure until it is replaced or the client is freed: capture the client weakly.
    ///
    /// May be called on any thread at any time; takes effect with the next message.
    public func setLog(_ log: @escaping LogClosure) throws(MCPError) {
        let userdata = Box(log).retained()
        try set { mcp_set_log($0, logTrampoline, userdata, releaseBox, $1) }
    }

    /// Removes the log closure (none is set by default). libmcp never prints anything.
    public func removeLog() throws(MCPError) {
        try set { mcp_set_log($0, nil, nil, nil, $1) }
    }
}

private func logTrampoline(_ userdata: UnsafeMutableRawPointer?, _ level: Int32, _ message: UnsafePointer<CChar>) {
    if let userdata {
        Box<LogClosure>.at(userdata).content(LogLevel(rawValue: level), String(cString: message))
    }
}
