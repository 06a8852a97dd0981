import CMCP

/// The severity of a log message of the server, as defined by the specification.
public struct LoggingLevel: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The name of the level in the specification.
    public let rawValue: String

    /// Creates a level from its name in the specification.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// Information for debugging.
    public static let debug = LoggingLevel(rawValue: "debug")
    /// Useful information.
    public static let info = LoggingLevel(rawValue: "info")
    /// A normal but significant event.
    public static let notice = LoggingLevel(rawValue: "notice")
    /// Something is probably wrong.
    public static let warning = LoggingLevel(rawValue: "warning")
    /// An operation failed.
    public static let error = LoggingLevel(rawValue: "error")
    /// A component of the server failed.
    public static let critical = LoggingLevel(rawValue: "critical")
    /// Action must be taken immediately.
    public static let alert = LoggingLevel(rawValue: "alert")
    /// The server is unusable.
    public static let emergency = LoggingLevel(rawValue: "emergency")

    /// The name of the level in the specification.
    public var description: String { rawValue }
}

/// A log message of the server.
public struct LoggingMessage: Sendable {
    /// The message as the server sent it.
    public let json: JSON

    /// The severity.
    public var level: LoggingLevel { LoggingLevel(rawValue: json["level"]?.string ?? "") }
    /// The name of the server's logger; nil if it has none.
    public var logger: String? { json["logger"]?.string }
    /// The content of the message, usually a string.
    public var data: JSON? { json["data"] }
}

/// Receives the server's log messages.
public typealias LoggingClosure = @Sendable (_ message: LoggingMessage) -> Void

extension Client {
    /// Sets the closure that receives the server's log messages. Most servers send none before
    /// ``requestServerLog(_:timeout:idleTimeout:options:)`` is called.
    ///
    /// The closure runs on threads of the library, or on that of a blocking call whose response the message belongs
    /// to. It should be fast, and must not make calls on this client. The time it takes does not count against any
    /// timeout.
    ///
    /// The client retains the closure until it is replaced or the client is freed: capture the client weakly.
    ///
    /// May be called on any thread at any time.
    public func setServerLog(_ logging: @escaping LoggingClosure) throws(MCPError) {
        let userdata = Box(logging).retained()
        try set { mcp_set_server_log($0, serverLogTrampoline, userdata, releaseBox, $1) }
    }

    /// Removes the closure for the server's log messages: they are dropped (the default).
    public func removeServerLog() throws(MCPError) {
        try set { mcp_set_server_log($0, nil, nil, nil, $1) }
    }
}

/// Receives notifications of the server. `params` is nil if a notification has none.
public typealias NotificationClosure = @Sendable (_ method: String, _ params: JSON?) -> Void

extension Client {
    /// Sets the closure that receives all notifications of the server, also those of extensions, and those that other
    /// closures receive, such as progress, log messages and changes; it runs before them.
    ///
    ///     try client.setNotification { method, params in
    ///         if method == "notifications/tasks/status" { show(params?["status"]?.string) }
    ///     }
    ///
    /// A modern server sends changes only to ``listen(to:resources:timeout:idleTimeout:options:)``. Where the closure
    /// runs, and what it may do: see ``setServerLog(_:)``.
    public func setNotification(_ notification: @escaping NotificationClosure) throws(MCPError) {
        let userdata = Box(notification).retained()
        try set { mcp_set_notification($0, notificationTrampoline, userdata, releaseBox, $1) }
    }

    /// Removes the closure for notifications (none is set by default).
    public func removeNotification() throws(MCPError) {
        try set { mcp_set_notification($0, nil, nil, nil, $1) }
    }
}

private func notificationTrampoline(
    _ userdata: UnsafeMutableRawPointer?, _ method: UnsafePointer<CChar>, _ params: OpaquePointer?
) {
    if let userdata {
        let params = params.map { JSON(copying: $0) }
        Box<NotificationClosure>.at(userdata).content(String(cString: method), params)
    }
}

private func serverLogTrampoline(_ userdata: UnsafeMutableRawPointer?, _ message: OpaquePointer) {
    if let userdata {
        Box<LoggingClosure>.at(userdata).content(LoggingMessage(json: JSON(copying: message)))
    }
}
