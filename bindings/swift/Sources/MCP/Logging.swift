import CMCP

/// How much a log message of the server matters, as the specification calls it.
public struct LoggingLevel: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The specification's word.
    public let rawValue: String

    /// A level by the specification's word.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// What helps to find a fault.
    public static let debug = LoggingLevel(rawValue: "debug")
    /// Something worth knowing.
    public static let info = LoggingLevel(rawValue: "info")
    /// Something normal that matters.
    public static let notice = LoggingLevel(rawValue: "notice")
    /// Something is probably wrong.
    public static let warning = LoggingLevel(rawValue: "warning")
    /// Something failed.
    public static let error = LoggingLevel(rawValue: "error")
    /// A part of the server failed.
    public static let critical = LoggingLevel(rawValue: "critical")
    /// Somebody has to act at once.
    public static let alert = LoggingLevel(rawValue: "alert")
    /// The server cannot be used.
    public static let emergency = LoggingLevel(rawValue: "emergency")

    /// The specification's word.
    public var description: String { rawValue }
}

/// A log message of the server.
public struct LoggingMessage: Sendable {
    /// The message as it came.
    public let json: JSON

    /// How much it matters.
    public var level: LoggingLevel { LoggingLevel(rawValue: json["level"]?.string ?? "") }
    /// Which part of the server it is from.
    public var logger: String? { json["logger"]?.string }
    /// What it says: mostly a text.
    public var data: JSON? { json["data"] }
}

/// Receives a log message of the server.
public typealias LoggingClosure = @Sendable (_ message: LoggingMessage) -> Void

extension Client {
    /// Sets the closure that receives the server's log messages. Servers send none before
    /// ``setLoggingLevel(_:timeout:idleTimeout:options:)``, as a rule.
    ///
    /// It runs on the thread of the call whose answer the message came with; where it belongs to no call, on a thread of
    /// the library's, and then it makes no call on this client. Its time counts against no timeout. It lives until it is
    /// replaced or the client is freed, so hold the client in it weakly.
    ///
    /// Any thread, any time.
    public func setLogging(_ logging: @escaping LoggingClosure) throws(MCPError) {
        let userdata = Box(logging).retained()
        try set { mcp_set_logging($0, loggingTrampoline, userdata, releaseBox, $1) }
    }

    /// Drops the server's log messages, as at the start.
    public func removeLogging() throws(MCPError) {
        try set { mcp_set_logging($0, nil, nil, nil, $1) }
    }
}

private func loggingTrampoline(_ userdata: UnsafeMutableRawPointer?, _ message: OpaquePointer) {
    if let userdata, let message = try? JSON(copying: message) {
        Box<LoggingClosure>.at(userdata).content(LoggingMessage(json: message))
    }
}
