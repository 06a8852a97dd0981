import CMCP

/// How much a line of the log matters.
public struct LogLevel: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number of the C API.
    public let rawValue: Int32

    /// A level by its number of the C API; a later version may add more.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    private init(_ level: mcp_log_level) {
        rawValue = Int32(level.rawValue)
    }

    /// Something failed that no call reports.
    public static let error = LogLevel(MCP_LOG_ERROR)
    /// Something is dangerous or probably wrong, such as a token over plain http.
    public static let warning = LogLevel(MCP_LOG_WARNING)
    /// Something worth knowing, such as the negotiated version.
    public static let info = LogLevel(MCP_LOG_INFO)
    /// What helps to find a fault.
    public static let debug = LogLevel(MCP_LOG_DEBUG)

    /// The level as a word, such as "warning"; a number where it is unknown.
    public var description: String {
        switch self {
        case .error: "error"
        case .warning: "warning"
        case .info: "info"
        case .debug: "debug"
        default: String(rawValue)
        }
    }
}

/// Receives a line of the log, without a line break.
public typealias LogClosure = @Sendable (_ level: LogLevel, _ message: String) -> Void

extension Client {
    /// Sets the closure that receives what the client has to say: fall-backs, resends, warnings. No line holds a token or a
    /// header value.
    ///
    /// It runs on the thread of whatever call has something to say, and on the thread of an HTTP+SSE event stream, perhaps
    /// on several at once. It should be quick, and make no call on this client. It lives until it is replaced or the
    /// client is freed, so hold the client in it weakly. A trap in it ends the program, as everywhere in Swift.
    ///
    /// Any thread, any time; counts from the next line.
    public func setLog(_ log: @escaping LogClosure) throws(MCPError) {
        let userdata = Box(log).retained()
        try set { mcp_set_log($0, logTrampoline, userdata, releaseBox, $1) }
    }

    /// Back to silence, as at the start: libmcp prints nothing by itself.
    public func removeLog() throws(MCPError) {
        try set { mcp_set_log($0, nil, nil, nil, $1) }
    }
}

private func logTrampoline(_ userdata: UnsafeMutableRawPointer?, _ level: Int32, _ message: UnsafePointer<CChar>) {
    if let userdata {
        Box<LogClosure>.at(userdata).content(LogLevel(rawValue: level), String(cString: message))
    }
}
